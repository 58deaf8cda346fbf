// nn/utils.cpp -- clipping of gradients, and parameters as one vector.
#include "cotangent/nn/utils.h"

#include <cmath>
#include <vector>

#include "cotangent/autograd.h"

namespace ct::nn::utils {

static std::vector<Tensor> gradients(TensorList parameters) {
  std::vector<Tensor> out;
  for (const Tensor& p : parameters)
    if (p.defined() && p.grad().defined()) out.push_back(p.grad().detach());
  return out;
}

double clip_grad_norm_(TensorList parameters, double max_norm, double norm_type, bool error_if_nonfinite) {
  const NoGradGuard guard;
  const std::vector<Tensor> grads = gradients(parameters);
  if (grads.empty()) return 0;
  Tensor total;
  if (norm_type == 0) {
    total = full({}, static_cast<double>(grads.size()));  // as libtorch: each norm counts as one
  } else {
    std::vector<Tensor> norms;
    for (const Tensor& g : grads) norms.push_back(std::isinf(norm_type) ? g.abs().max() : norm(g, norm_type));
    if (norms.size() == 1) total = norms[0];
    else total = std::isinf(norm_type) ? stack(norms).max() : norm(stack(norms), norm_type);
  }
  const double value = total.item().toDouble();
  CT_CHECK(!error_if_nonfinite || std::isfinite(value), "The total norm of order ", norm_type, " for gradients from `parameters` is non-finite, so it cannot be "
           "clipped. To disable this error and scale the gradients with the non-finite norm anyway, set `error_if_nonfinite=false`");
  const Tensor factor = clamp_max(Scalar(max_norm) / (total + 1e-6), 1.0);
  for (const Tensor& g : grads) g.mul_(factor);
  return value;
}

void clip_grad_value_(TensorList parameters, double clip_value) {
  const NoGradGuard guard;
  for (const Tensor& g : gradients(parameters)) g.clamp_(-clip_value, clip_value);
}

Tensor parameters_to_vector(TensorList parameters) {
  std::vector<Tensor> flat;
  for (const Tensor& p : parameters) flat.push_back(p.reshape({-1}));
  return cat(flat);
}

void vector_to_parameters(const Tensor& vec, TensorList parameters) {
  std::int64_t total = 0, at = 0;
  for (const Tensor& p : parameters) total += p.numel();
  CT_CHECK(vec.dim() == 1 && vec.numel() == total, "vector_to_parameters: the vector has shape ", vec.sizes(), " and the parameters have ", total, " elements");
  const NoGradGuard guard;
  for (const Tensor& p : parameters) {
    p.copy_(vec.slice(0, at, at + p.numel()).reshape(p.sizes()));
    at += p.numel();
  }
}

}  // namespace ct::nn::utils
