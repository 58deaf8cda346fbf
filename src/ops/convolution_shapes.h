// ops/convolution_shapes.h -- what the files of convolutions share.
#pragma once

#include "cotangent/tensor.h"
#include "ops/convolution_attrs.h"

namespace ct::detail {

// The op, for arguments that were checked.
Tensor convolve(const ConvAttrs& a, const Tensor& input, const Tensor& weight, const Tensor& bias);

}  // namespace ct::detail
