// cotangent/threads.h -- how many threads large operations use.
#pragma once

#include "cotangent/api.h"

namespace ct {

/// Threads for one large operation, the calling one included; default: the number of processors.
CT_API int get_num_threads();
/// Errors: ct::ValueError if n < 1.
CT_API void set_num_threads(int n);

}  // namespace ct
