// nn/local_response.cpp -- normalisation by neighbouring channels.
#include "cotangent/nn/local_response.h"

#include "cotangent/nn/functional/local_response.h"
#include "cotangent/ops/padding.h"
#include "cotangent/ops/pooling.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

template class Cloneable<LocalResponseNormImpl>;
template class Cloneable<CrossMapLRN2dImpl>;

#define CT_LOCAL_RESPONSE(Name)                                                                                                                      \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) {}                                                                                     \
  Name##Impl::~Name##Impl() = default;                                                                                                               \
  void Name##Impl::reset() {}                                                                                                                        \
  std::string Name##Impl::extra_repr() const {                                                                                                       \
    return join({options.size(), ", alpha=", python(options.alpha()), ", beta=", python(options.beta()), ", k=", text(options.k())}); \
  }
namespace {
std::string text(double v) { return python(v); }
std::string text(std::int64_t v) { return join({v}); }
}  // namespace
CT_LOCAL_RESPONSE(LocalResponseNorm)
CT_LOCAL_RESPONSE(CrossMapLRN2d)
#undef CT_LOCAL_RESPONSE

Tensor LocalResponseNormImpl::forward(const Tensor& input) { return functional::local_response_norm(input, options); }

Tensor CrossMapLRN2dImpl::forward(const Tensor& input) {
  CT_CHECK(input.defined() && input.dim() == 4, "CrossMapLRN2d: Expected input.dim() == 4 to be true, but got ", input.defined() ? input.dim() : 0, " dimensions");
  CT_CHECK(options.size() > 0, "CrossMapLRN2d: size must be positive, but got ", options.size());
  const std::int64_t side = (options.size() - 1) / 2, window = 2 * side + 1;
  const Tensor square = constant_pad_nd(input.mul(input).unsqueeze(1), {0, 0, 0, 0, side, side});
  const Tensor sum = avg_pool3d(square, {window, 1, 1}, {1}, {0}, false, true, 1).squeeze(1);
  return input * (sum * (options.alpha() / static_cast<double>(options.size())) + options.k()).pow(-options.beta());
}

Tensor functional::local_response_norm(const Tensor& x, const LocalResponseNormFuncOptions& o) {
  CT_CHECK(x.defined() && x.dim() >= 3, "local_response_norm: Expected 3D or higher dimensionality input (got ", x.defined() ? x.dim() : 0, " dimensions)");
  CT_CHECK(o.size() > 0, "local_response_norm: size must be positive, but got ", o.size());
  Tensor mean = x.mul(x).unsqueeze(1);
  if (x.dim() == 3) {
    mean = constant_pad_nd(mean, {0, 0, o.size() / 2, (o.size() - 1) / 2});
    mean = avg_pool2d(mean, {o.size(), 1}, {1}).squeeze(1);
  } else {
    mean = mean.view({x.size(0), 1, x.size(1), x.size(2), -1});
    mean = constant_pad_nd(mean, {0, 0, 0, 0, o.size() / 2, (o.size() - 1) / 2});
    mean = avg_pool3d(mean, {o.size(), 1, 1}, {1}).squeeze(1).view(x.sizes());
  }
  return x / mean.mul(o.alpha()).add(o.k()).pow(o.beta());
}

}  // namespace ct::nn
