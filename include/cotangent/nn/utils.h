// cotangent/nn/utils.h -- clipping of gradients, and parameters as one vector.
#pragma once

#include "cotangent/tensor.h"

namespace ct::nn::utils {

/// Scales the gradients of all parameters together so that their norm is at most max_norm, and returns the norm before.
///   g *= min(1, max_norm / (norm + 1e-6))
/// norm_type: p of the norm over all elements; infinity for the largest. Parameters without gradient are left out.
/// Errors: ct::Error with error_if_nonfinite if the norm is nan or infinite ("so it cannot be clipped").
CT_API double clip_grad_norm_(TensorList parameters, double max_norm, double norm_type = 2, bool error_if_nonfinite = false);
inline double clip_grad_norm_(const Tensor& parameter, double max_norm, double norm_type = 2, bool error_if_nonfinite = false) {
  return clip_grad_norm_(TensorList(&parameter, 1), max_norm, norm_type, error_if_nonfinite);
}
/// Clamps every element of every gradient to [-clip_value, clip_value].
CT_API void clip_grad_value_(TensorList parameters, double clip_value);
inline void clip_grad_value_(const Tensor& parameter, double clip_value) { clip_grad_value_(TensorList(&parameter, 1), clip_value); }

/// All elements one after another; differentiable. Errors: ct::Error if there are none.
CT_API Tensor parameters_to_vector(TensorList parameters);
/// Copies consecutive elements of `vec` into the parameters. Errors: ct::Error unless the numbers of elements agree.
CT_API void vector_to_parameters(const Tensor& vec, TensorList parameters);

}  // namespace ct::nn::utils
