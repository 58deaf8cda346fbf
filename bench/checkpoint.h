// checkpoint.h -- the rows about checkpointing.
#pragma once

#include "bench.h"

namespace bench {
std::vector<Row> checkpoint_rows();
}
