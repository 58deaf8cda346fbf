// cotangent/nn/utils.h -- clipping of gradients, parameters as one vector, normalised weights.
#pragma once

#include <optional>
#include <string_view>

#include "cotangent/nn/module.h"

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

// ---- weights that are computed from others --------------------------------------------------------------------------------
// The parameter is replaced by others, of which it is computed before each call of the module (net(x), not net->forward(x)).
// A module whose weights are computed cannot be cloned.

/// w = g v / |v|, the norm over all dimensions but `dim` (none: over all): parameters weight_g and weight_v in place of weight.
///   auto fc = nn::utils::weight_norm(nn::Linear(20, 40));
/// Errors: ct::Error if there is no such parameter, or it is computed already. Source: Salimans & Kingma (2016).
CT_API void weight_norm(Module& module, std::string_view name = "weight", std::optional<std::int64_t> dim = 0);
CT_API void remove_weight_norm(Module& module, std::string_view name = "weight");
/// w = weight_orig / s, s its largest singular value as a matrix [size of dim, rest] by power iteration: one round of
/// n_power_iterations at each call in training; buffers weight_u and weight_v. dim: 1 of transposed convolutions, else 0.
/// Source: Miyato et al. (2018).
CT_API void spectral_norm(Module& module, std::string_view name = "weight", std::int64_t n_power_iterations = 1, double eps = 1e-12,
                          std::optional<std::int64_t> dim = std::nullopt);
CT_API void remove_spectral_norm(Module& module, std::string_view name = "weight");
/// The same of a module in a holder, which they return.
template <class Holder>
  requires(detail::is_holder<Holder>)
Holder weight_norm(Holder module, std::string_view name = "weight", std::optional<std::int64_t> dim = 0) { return weight_norm(*module, name, dim), module; }
template <class Holder>
  requires(detail::is_holder<Holder>)
Holder remove_weight_norm(Holder module, std::string_view name = "weight") { return remove_weight_norm(*module, name), module; }
template <class Holder>
  requires(detail::is_holder<Holder>)
Holder spectral_norm(Holder module, std::string_view name = "weight", std::int64_t n_power_iterations = 1, double eps = 1e-12,
                     std::optional<std::int64_t> dim = std::nullopt) {
  return spectral_norm(*module, name, n_power_iterations, eps, dim), module;
}
template <class Holder>
  requires(detail::is_holder<Holder>)
Holder remove_spectral_norm(Holder module, std::string_view name = "weight") { return remove_spectral_norm(*module, name), module; }

}  // namespace ct::nn::utils
