// bare.h -- the same work without a library: what is possible at best.
#pragma once

#include "bench.h"

namespace bench {
double bare_add_16m(int threads);
Measure bare_mm_1024();  // null without OpenBLAS
}  // namespace bench
