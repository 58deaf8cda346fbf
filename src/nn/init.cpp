// nn/init.cpp -- initial values of parameters, drawn in PyTorch's order.
#include "cotangent/nn/init.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cotangent/autograd.h"

namespace ct::nn::init {

double calculate_gain(std::string_view nonlinearity, double param) {
  for (const std::string_view one : std::initializer_list<std::string_view>{kLinear, kConv1D, kConv2D, kConv3D, kConvTranspose1D, kConvTranspose2D, kConvTranspose3D, kSigmoid})
    if (nonlinearity == one) return 1;
  if (nonlinearity == kTanh) return 5.0 / 3.0;
  if (nonlinearity == kReLU) return std::sqrt(2.0);
  if (nonlinearity == kLeakyReLU) return std::sqrt(2.0 / (1 + param * param));
  if (nonlinearity == kSELU) return 3.0 / 4.0;
  CT_THROW(value, "calculate_gain: Unsupported nonlinearity ", nonlinearity, "\n  Known are linear, conv1d..3d, sigmoid, tanh, relu, leaky_relu and selu.");
}

std::tuple<std::int64_t, std::int64_t> _calculate_fan_in_and_fan_out(const Tensor& tensor) {
  CT_CHECK(tensor.dim() >= 2, "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions (got shape ", tensor.sizes(), ")");
  std::int64_t field = 1;
  for (std::int64_t d = 2; d < tensor.dim(); ++d) field *= tensor.size(d);
  return {tensor.size(1) * field, tensor.size(0) * field};
}

Tensor uniform_(Tensor tensor, double low, double high) {
  const NoGradGuard guard;
  return tensor.uniform_(low, high);
}
Tensor normal_(Tensor tensor, double mean, double std) {
  const NoGradGuard guard;
  return tensor.normal_(mean, std);
}
Tensor constant_(Tensor tensor, const Scalar& value) {
  const NoGradGuard guard;
  return tensor.fill_(value);
}
Tensor ones_(Tensor tensor) { return constant_(std::move(tensor), 1); }
Tensor zeros_(Tensor tensor) { return constant_(std::move(tensor), 0); }

Tensor eye_(Tensor matrix) {
  CT_CHECK(matrix.dim() == 2, "eye_: Only tensors with 2 dimensions are supported (got shape ", matrix.sizes(), ")");
  const NoGradGuard guard;
  matrix.copy_(eye(matrix.size(0), matrix.size(1), matrix.scalar_type()));
  return matrix;
}

Tensor dirac_(Tensor tensor, std::int64_t groups) {
  CT_CHECK(tensor.dim() >= 3 && tensor.dim() <= 5, "dirac_: Only tensors with 3, 4, or 5 dimensions are supported (got shape ", tensor.sizes(), ")");
  CT_CHECK_VALUE(groups > 0 && tensor.size(0) % groups == 0, "dirac_: dim 0 must be divisible by groups (", tensor.size(0), " and ", groups, ")");
  const NoGradGuard guard;
  tensor.zero_();
  const std::int64_t out = tensor.size(0) / groups;
  for (std::int64_t g = 0; g < groups; ++g)
    for (std::int64_t d = 0; d < std::min(out, tensor.size(1)); ++d) {
      Tensor kernel = tensor.select(0, g * out + d).select(0, d);
      while (kernel.dim() > 0) {
        const std::int64_t centre = kernel.size(0) / 2;
        kernel = kernel.select(0, centre);
      }
      kernel.fill_(1);
    }
  return tensor;
}

Tensor trunc_normal_(Tensor tensor, double mean, double std, double a, double b) {
  const NoGradGuard guard;
  if (mean < a - 2 * std || mean > b + 2 * std)
    warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.");
  // Uniform between the values that the error function has at a and b, then its inverse.
  const auto cdf = [](double x) { return (1 + std::erf(x / std::sqrt(2.0))) / 2; };
  const double l = cdf((a - mean) / std), u = cdf((b - mean) / std);
  tensor.uniform_(2 * l - 1, 2 * u - 1).erfinv_().mul_(std * std::sqrt(2.0)).add_(mean);
  return tensor.clamp_(a, b);
}

Tensor xavier_uniform_(Tensor tensor, double gain) {
  const auto [in, out] = _calculate_fan_in_and_fan_out(tensor);
  const double std = gain * std::sqrt(2.0 / static_cast<double>(in + out));
  const double bound = std::sqrt(3.0) * std;
  return uniform_(std::move(tensor), -bound, bound);
}
Tensor xavier_normal_(Tensor tensor, double gain) {
  const auto [in, out] = _calculate_fan_in_and_fan_out(tensor);
  return normal_(std::move(tensor), 0, gain * std::sqrt(2.0 / static_cast<double>(in + out)));
}

static double kaiming_std(const char* name, const Tensor& tensor, double a, std::string_view mode, std::string_view nonlinearity) {
  CT_CHECK_VALUE(mode == kFanIn || mode == kFanOut, name, ": Mode ", mode, " not supported, please use one of fan_in, fan_out");
  const auto [in, out] = _calculate_fan_in_and_fan_out(tensor);
  return calculate_gain(nonlinearity, a) / std::sqrt(static_cast<double>(mode == kFanIn ? in : out));
}
Tensor kaiming_uniform_(Tensor tensor, double a, std::string_view mode, std::string_view nonlinearity) {
  if (tensor.dim() >= 2 && tensor.numel() == 0) return tensor;  // as Python: nothing to do, and no fan to divide by
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity);
  return uniform_(std::move(tensor), -bound, bound);
}
Tensor kaiming_normal_(Tensor tensor, double a, std::string_view mode, std::string_view nonlinearity) {
  if (tensor.dim() >= 2 && tensor.numel() == 0) return tensor;
  const double std = kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity);
  return normal_(std::move(tensor), 0, std);
}

Tensor orthogonal_(Tensor tensor, double gain) {
  CT_CHECK(tensor.dim() >= 2, "orthogonal_: Only tensors with 2 or more dimensions are supported (got shape ", tensor.sizes(), ")");
  if (tensor.numel() == 0) return tensor;
  const NoGradGuard guard;
  const std::int64_t rows = tensor.size(0), columns = tensor.numel() / rows;
  Tensor flat = randn({rows, columns}, tensor.scalar_type());
  if (rows < columns) flat = flat.t();
  auto [q, r] = linalg_qr(flat);
  // The signs make the result uniformly distributed.
  q = q * r.diag().sign();
  if (rows < columns) q = q.t();
  tensor.copy_(q.reshape(tensor.sizes()));
  return tensor.mul_(gain);
}

Tensor sparse_(Tensor tensor, double sparsity, double std) {
  CT_CHECK(tensor.dim() == 2, "sparse_: Only tensors with 2 dimensions are supported (got shape ", tensor.sizes(), ")");
  CT_CHECK_VALUE(sparsity >= 0 && sparsity <= 1, "sparse_: sparsity has to be between 0 and 1, but got ", sparsity);
  const NoGradGuard guard;
  const std::int64_t rows = tensor.size(0);
  const auto zeros = static_cast<std::int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  tensor.normal_(0, std);
  for (std::int64_t c = 0; c < tensor.size(1); ++c)
    tensor.select(1, c).index_fill_(0, randperm(rows).slice(0, 0, zeros), 0);
  return tensor;
}

}  // namespace ct::nn::init
