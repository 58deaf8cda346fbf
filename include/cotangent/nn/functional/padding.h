// cotangent/nn/functional/padding.h -- a margin around the last dimensions.
#pragma once

#include "cotangent/nn/options/padding.h"
#include "cotangent/ops/padding.h"

namespace ct::nn::functional {

/// options.pad() has two numbers for each padded dimension, the last dimension first; negative ones cut. kConstant fills with
/// options.value(), kReflect mirrors without the edge, kReplicate repeats the edge, kCircular continues at the other end.
/// All modes but kConstant pad 1, 2 or 3 dimensions of a tensor that has 1 or 2 more.
/// Errors: ct::Error "Padding size should be less than the corresponding input dimension" (kReflect), "Padding value causes
/// wrapping around more than once" (kCircular), "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported".
///   F::pad(x, F::PadFuncOptions({1, 1}).mode(ct::kReflect))
CT_API Tensor pad(const Tensor& input, const PadFuncOptions& options);

}  // namespace ct::nn::functional
