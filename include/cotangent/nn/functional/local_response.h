// cotangent/nn/functional/local_response.h -- normalisation by neighbouring channels.
#pragma once

#include "cotangent/nn/options/local_response.h"
#include "cotangent/tensor.h"

namespace ct::nn::functional {

/// input / (k + alpha mean(input^2 over `size` neighbouring channels))^beta, channels outside counting as zeros.
/// Krizhevsky, Sutskever & Hinton (2012).   Shapes: [N, C, ..] with 3 or more dimensions.
/// Errors: ct::Error "Expected 3D or higher dimensionality input".
CT_API Tensor local_response_norm(const Tensor& input, const LocalResponseNormFuncOptions& options);

}  // namespace ct::nn::functional
