// pooling.h -- the rows about pooling and resampling.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> pooling_rows();

struct LibtorchPooling {
  Measure max_pool2d = nullptr, max_pool2d_3x3 = nullptr, avg_pool2d = nullptr, interpolate_bilinear = nullptr, grid_sample = nullptr;
};
LibtorchPooling libtorch_pooling();

}  // namespace bench
