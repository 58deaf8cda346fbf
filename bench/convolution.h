// convolution.h -- the rows about convolutions.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> convolution_rows();

struct LibtorchConvolution {
  Measure conv2d_16x3x32 = nullptr, conv2d_32x64x56 = nullptr, conv2d_stride2 = nullptr, conv2d_depthwise = nullptr;
};
LibtorchConvolution libtorch_convolution();

}  // namespace bench
