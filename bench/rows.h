// rows.h -- the table of the benchmark.
#pragma once

#include "bench.h"

namespace bench {
std::vector<Row> rows();
}
