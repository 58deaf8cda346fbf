// ops/view_attrs.h -- parameters of views and conversions, seen by their tests too.
#pragma once

#include "autograd/elementwise.h"

namespace ct::detail {

struct SizesAttrs { Dims sizes; };         // view, expand: the shape asked for
struct DtypeAttrs { ScalarType dtype; };   // to: the dtype asked for

}  // namespace ct::detail
