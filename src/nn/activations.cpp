// nn/activations.cpp -- activations as modules.
#include "cotangent/nn/activations.h"

#include "cotangent/autograd.h"
#include "cotangent/nn/init.h"
#include "cotangent/ops/activation.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

namespace {

std::string inplace(bool b, const char* before = ", ") { return b ? join({before, "inplace=True"}) : std::string(); }
Tensor same(const Tensor& changed) { return changed; }

}  // namespace

#define CT_ACTIVATION(Name, ...)                          \
  template class Cloneable<Name##Impl>;                   \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) {} \
  Name##Impl::~Name##Impl() = default;                    \
  void Name##Impl::reset() {}                             \
  std::string Name##Impl::extra_repr() const { return __VA_ARGS__; }  \
  Tensor Name##Impl::forward(const Tensor& x)
#define CT_ACTIVATION_PLAIN(Name)                         \
  template class Cloneable<Name##Impl>;                   \
  Name##Impl::Name##Impl() = default;                     \
  Name##Impl::~Name##Impl() = default;                    \
  void Name##Impl::reset() {}                             \
  Tensor Name##Impl::forward(const Tensor& x)

CT_ACTIVATION(ReLU, inplace(options.inplace(), "")) { return options.inplace() ? same(x.relu_()) : relu(x); }
CT_ACTIVATION(ReLU6, inplace(options.inplace(), "")) { return options.inplace() ? same(x.clamp_(0, 6)) : relu6(x); }
CT_ACTIVATION(SELU, inplace(options.inplace(), "")) { return options.inplace() ? same(x.selu_()) : selu(x); }
CT_ACTIVATION(SiLU, inplace(options.inplace(), "")) { return options.inplace() ? same(x.silu_()) : silu(x); }
CT_ACTIVATION(Mish, inplace(options.inplace(), "")) { return options.inplace() ? same(x.mish_()) : mish(x); }
CT_ACTIVATION(ELU, join({"alpha=", python(options.alpha()), inplace(options.inplace())})) {
  return options.inplace() ? same(x.elu_(options.alpha())) : elu(x, options.alpha());
}
CT_ACTIVATION(CELU, join({"alpha=", python(options.alpha()), inplace(options.inplace())})) {
  return options.inplace() ? same(x.elu_(options.alpha(), 1.0, 1 / options.alpha())) : celu(x, options.alpha());
}
CT_ACTIVATION(LeakyReLU, join({"negative_slope=", python(options.negative_slope()), inplace(options.inplace())})) {
  return options.inplace() ? same(x.leaky_relu_(options.negative_slope())) : leaky_relu(x, options.negative_slope());
}
CT_ACTIVATION(Hardtanh, join({"min_val=", python(options.min_val()), ", max_val=", python(options.max_val()), inplace(options.inplace())})) {
  return options.inplace() ? same(x.clamp_(options.min_val(), options.max_val())) : hardtanh(x, options.min_val(), options.max_val());
}
CT_ACTIVATION(Hardshrink, python(options.lambda())) { return hardshrink(x, options.lambda()); }
CT_ACTIVATION(Softshrink, python(options.lambda())) { return softshrink(x, options.lambda()); }
CT_ACTIVATION(Softplus, join({"beta=", python(options.beta()), ", threshold=", python(options.threshold())})) {
  return softplus(x, options.beta(), options.threshold());
}
CT_ACTIVATION(GLU, join({"dim=", options.dim()})) { return glu(x, options.dim()); }
CT_ACTIVATION(GELU, join({"approximate='", options.approximate(), "'"})) { return gelu(x, options.approximate()); }
CT_ACTIVATION(Softmax, join({"dim=", options.dim()})) { return softmax(x, options.dim()); }
CT_ACTIVATION(LogSoftmax, join({"dim=", options.dim()})) { return log_softmax(x, options.dim()); }
CT_ACTIVATION(Softmin, join({"dim=", options.dim()})) { return softmax(-x, options.dim()); }
CT_ACTIVATION(Threshold, join({"threshold=", python(options.threshold()), ", value=", python(options.value()), inplace(options.inplace())})) {
  if (!options.inplace()) return threshold(x, options.threshold(), options.value());
  return same(x.masked_fill_(x.detach() <= options.threshold(), options.value()));
}
CT_ACTIVATION(RReLU, join({"lower=", python(options.lower()), ", upper=", python(options.upper()), inplace(options.inplace())})) {
  return options.inplace() ? same(rrelu_(x, options.lower(), options.upper(), is_training())) : rrelu(x, options.lower(), options.upper(), is_training());
}
CT_ACTIVATION_PLAIN(Sigmoid) { return sigmoid(x); }
CT_ACTIVATION_PLAIN(Tanh) { return tanh(x); }
CT_ACTIVATION_PLAIN(LogSigmoid) { return log_sigmoid(x); }
CT_ACTIVATION_PLAIN(Softsign) { return x / (x.abs() + 1); }
CT_ACTIVATION_PLAIN(Tanhshrink) { return x - tanh(x); }
CT_ACTIVATION_PLAIN(Softmax2d) {
  CT_CHECK(x.dim() == 3 || x.dim() == 4, "Softmax2d requires a 3D or 4D tensor as input (got shape ", x.sizes(), ")");
  return softmax(x, -3);
}
CT_ACTIVATION_PLAIN(Hardsigmoid) { return hardsigmoid(x); }
CT_ACTIVATION_PLAIN(Hardswish) { return hardswish(x); }

template class Cloneable<PReLUImpl>;
PReLUImpl::PReLUImpl(const PReLUOptions& o) : options(o) { PReLUImpl::reset(); }
PReLUImpl::~PReLUImpl() = default;
void PReLUImpl::reset() { weight = register_parameter("weight", full({options.num_parameters()}, options.init())); }
std::string PReLUImpl::extra_repr() const { return join({"num_parameters=", options.num_parameters()}); }
Tensor PReLUImpl::forward(const Tensor& x) { return prelu(x, weight); }

}  // namespace ct::nn
