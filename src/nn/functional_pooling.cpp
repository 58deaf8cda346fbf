// nn/functional_pooling.cpp -- pooling with options.
#include <cmath>

#include "cotangent/nn/functional/pooling.h"

#include "cotangent/print.h"

namespace ct::nn::functional {

namespace {

// std::nullopt keeps the input's size.
template <std::size_t D>
std::vector<std::int64_t> sizes_or_kept(const Tensor& x, const ExpandingArrayWithOptionalElem<D>& sizes) {
  CT_CHECK(x.defined() && x.dim() > static_cast<std::int64_t>(D), "adaptive pooling: Input dimension should be at least ", D + 1);
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < D; ++i) out.push_back(sizes[i] ? *sizes[i] : x.size(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(D)));
  return out;
}

template <std::size_t D>
std::vector<std::int64_t> unpooled_size(const char* name, const Tensor& x, const MaxUnpoolFuncOptions<D>& o) {
  CT_CHECK(x.defined(), name, ": the tensor is undefined");
  CT_CHECK(x.dim() > static_cast<std::int64_t>(D), name, ": Input to ", name, " should be a ", D + 1, "d or ", D + 2, "d Tensor, but got a tensor with ", x.dim(),
           " dimensions.");
  std::vector<std::int64_t> usual, out;
  for (std::size_t d = 0; d < D; ++d)
    usual.push_back((x.size(static_cast<std::int64_t>(d) - static_cast<std::int64_t>(D)) - 1) * o.stride()[d] + o.kernel_size()[d] - 2 * o.padding()[d]);
  if (!o.output_size()) return usual;
  const std::vector<std::int64_t>& given = *o.output_size();
  CT_CHECK(given.size() == D || given.size() == D + 2, name, ": output_size should be a sequence containing ", D, " or ", D + 2, " elements, but it has a length of '",
           given.size(), "'");
  out.assign(given.end() - static_cast<std::ptrdiff_t>(D), given.end());
  for (std::size_t d = 0; d < D; ++d)
    CT_CHECK(usual[d] - o.stride()[d] <= out[d] && out[d] <= usual[d] + o.stride()[d], name, ": invalid output_size ", IntArrayRef(out), " (dim ", d,
             " must be between ", usual[d] - o.stride()[d], " and ", usual[d] + o.stride()[d], ")");
  return out;
}

template <std::size_t D>
std::tuple<Tensor, Tensor> fractional(const char* name, const Tensor& x, const FractionalMaxPoolOptions<D>& o) {
  CT_CHECK(x.defined(), name, ": the tensor is undefined");
  CT_CHECK(o.output_size() || o.output_ratio(), name, " requires specifying either an output_size or an output_ratio");
  constexpr auto dims = static_cast<std::int64_t>(D);
  CT_CHECK(x.dim() == dims + 1 || x.dim() == dims + 2, name, "(): Expected ", dims + 1, "D or ", dims + 2, "D tensor, but got: ", x.sizes());
  std::vector<std::int64_t> sizes;
  for (std::size_t d = 0; d < D; ++d)
    sizes.push_back(o.output_size() ? (*o.output_size())[d]
                                    : static_cast<std::int64_t>(std::floor(static_cast<double>(x.size(static_cast<std::int64_t>(d) - dims)) * (*o.output_ratio())[d])));
  Tensor samples = o._random_samples();
  if (!samples.defined()) samples = rand({x.dim() == dims + 2 ? x.size(0) : 1, x.size(-1 - dims), dims}, x.scalar_type());
  return D == 2 ? ct::fractional_max_pool2d(x, o.kernel_size(), sizes, samples) : ct::fractional_max_pool3d(x, o.kernel_size(), sizes, samples);
}

// From the mean of x^p over each window; sums that are not positive give 0.
Tensor p_norm(const Tensor& mean, double p, std::int64_t window) { return (sign(mean) * relu(abs(mean))).mul(window).pow(1 / p); }

}  // namespace

Tensor avg_pool1d(const Tensor& x, const AvgPool1dFuncOptions& o) {
  return ct::avg_pool1d(x, o.kernel_size(), o.stride(), o.padding(), o.ceil_mode(), o.count_include_pad());
}
Tensor avg_pool2d(const Tensor& x, const AvgPool2dFuncOptions& o) {
  return ct::avg_pool2d(x, o.kernel_size(), o.stride(), o.padding(), o.ceil_mode(), o.count_include_pad(), o.divisor_override());
}
Tensor avg_pool3d(const Tensor& x, const AvgPool3dFuncOptions& o) {
  return ct::avg_pool3d(x, o.kernel_size(), o.stride(), o.padding(), o.ceil_mode(), o.count_include_pad(), o.divisor_override());
}

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& x, const MaxPool1dFuncOptions& o) {
  return ct::max_pool1d_with_indices(x, o.kernel_size(), o.stride(), o.padding(), o.dilation(), o.ceil_mode());
}
std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& x, const MaxPool2dFuncOptions& o) {
  return ct::max_pool2d_with_indices(x, o.kernel_size(), o.stride(), o.padding(), o.dilation(), o.ceil_mode());
}
std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& x, const MaxPool3dFuncOptions& o) {
  return ct::max_pool3d_with_indices(x, o.kernel_size(), o.stride(), o.padding(), o.dilation(), o.ceil_mode());
}
Tensor max_pool1d(const Tensor& x, const MaxPool1dFuncOptions& o) { return std::get<0>(max_pool1d_with_indices(x, o)); }
Tensor max_pool2d(const Tensor& x, const MaxPool2dFuncOptions& o) { return std::get<0>(max_pool2d_with_indices(x, o)); }
Tensor max_pool3d(const Tensor& x, const MaxPool3dFuncOptions& o) { return std::get<0>(max_pool3d_with_indices(x, o)); }

std::tuple<Tensor, Tensor> adaptive_max_pool1d_with_indices(const Tensor& x, const AdaptiveMaxPool1dFuncOptions& o) {
  return ct::adaptive_max_pool1d(x, o.output_size());
}
std::tuple<Tensor, Tensor> adaptive_max_pool2d_with_indices(const Tensor& x, const AdaptiveMaxPool2dFuncOptions& o) {
  return ct::adaptive_max_pool2d(x, sizes_or_kept<2>(x, o.output_size()));
}
std::tuple<Tensor, Tensor> adaptive_max_pool3d_with_indices(const Tensor& x, const AdaptiveMaxPool3dFuncOptions& o) {
  return ct::adaptive_max_pool3d(x, sizes_or_kept<3>(x, o.output_size()));
}
Tensor adaptive_max_pool1d(const Tensor& x, const AdaptiveMaxPool1dFuncOptions& o) { return std::get<0>(adaptive_max_pool1d_with_indices(x, o)); }
Tensor adaptive_max_pool2d(const Tensor& x, const AdaptiveMaxPool2dFuncOptions& o) { return std::get<0>(adaptive_max_pool2d_with_indices(x, o)); }
Tensor adaptive_max_pool3d(const Tensor& x, const AdaptiveMaxPool3dFuncOptions& o) { return std::get<0>(adaptive_max_pool3d_with_indices(x, o)); }
Tensor adaptive_avg_pool1d(const Tensor& x, const AdaptiveAvgPool1dFuncOptions& o) { return ct::adaptive_avg_pool1d(x, o.output_size()); }
Tensor adaptive_avg_pool2d(const Tensor& x, const AdaptiveAvgPool2dFuncOptions& o) { return ct::adaptive_avg_pool2d(x, sizes_or_kept<2>(x, o.output_size())); }
Tensor adaptive_avg_pool3d(const Tensor& x, const AdaptiveAvgPool3dFuncOptions& o) { return ct::adaptive_avg_pool3d(x, sizes_or_kept<3>(x, o.output_size())); }

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const MaxUnpool1dFuncOptions& o) {
  const std::vector<std::int64_t> size = unpooled_size("max_unpool1d", x, o);
  CT_CHECK(indices.defined() && indices.sizes() == x.sizes(), "max_unpool1d: Expected shape of indices to be same as that of the input tensor (", x.sizes(), ")");
  return ct::max_unpool2d(x.unsqueeze(-1), indices.unsqueeze(-1), {size[0], 1}).squeeze(-1);
}
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const MaxUnpool2dFuncOptions& o) {
  return ct::max_unpool2d(x, indices, unpooled_size("max_unpool2d", x, o));
}
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const MaxUnpool3dFuncOptions& o) {
  return ct::max_unpool3d(x, indices, unpooled_size("max_unpool3d", x, o), o.stride(), o.padding());
}

std::tuple<Tensor, Tensor> fractional_max_pool2d_with_indices(const Tensor& x, const FractionalMaxPool2dFuncOptions& o) {
  return fractional("fractional_max_pool2d", x, o);
}
std::tuple<Tensor, Tensor> fractional_max_pool3d_with_indices(const Tensor& x, const FractionalMaxPool3dFuncOptions& o) {
  return fractional("fractional_max_pool3d", x, o);
}
Tensor fractional_max_pool2d(const Tensor& x, const FractionalMaxPool2dFuncOptions& o) { return std::get<0>(fractional_max_pool2d_with_indices(x, o)); }
Tensor fractional_max_pool3d(const Tensor& x, const FractionalMaxPool3dFuncOptions& o) { return std::get<0>(fractional_max_pool3d_with_indices(x, o)); }

Tensor lp_pool1d(const Tensor& x, const LPPool1dFuncOptions& o) {
  CT_CHECK(x.defined(), "lp_pool1d: the tensor is undefined");
  return p_norm(ct::avg_pool1d(x.pow(o.norm_type()), o.kernel_size(), o.stride(), {0}, o.ceil_mode()), o.norm_type(), o.kernel_size()[0]);
}
Tensor lp_pool2d(const Tensor& x, const LPPool2dFuncOptions& o) {
  CT_CHECK(x.defined(), "lp_pool2d: the tensor is undefined");
  return p_norm(ct::avg_pool2d(x.pow(o.norm_type()), o.kernel_size(), o.stride(), {0}, o.ceil_mode()), o.norm_type(), o.kernel_size()[0] * o.kernel_size()[1]);
}
Tensor lp_pool3d(const Tensor& x, const LPPool3dFuncOptions& o) {
  CT_CHECK(x.defined(), "lp_pool3d: the tensor is undefined");
  return p_norm(ct::avg_pool3d(x.pow(o.norm_type()), o.kernel_size(), o.stride(), {0}, o.ceil_mode()), o.norm_type(),
                o.kernel_size()[0] * o.kernel_size()[1] * o.kernel_size()[2]);
}

}  // namespace ct::nn::functional
