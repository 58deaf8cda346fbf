// nn/functional_activation.cpp -- activations with options.
#include "cotangent/nn/functional.h"
#include "cotangent/ops/activation.h"

namespace ct::nn::functional {

namespace {

void check(const char* op, const Tensor& x) { CT_CHECK(x.defined(), op, ": expected a tensor, but the input is undefined"); }

}  // namespace

Tensor elu(const Tensor& input, const ELUFuncOptions& options) {
  check("elu", input);
  return options.inplace() ? input.elu_(options.alpha()) : ct::elu(input, options.alpha());
}
Tensor selu(const Tensor& input, const SELUFuncOptions& options) {
  check("selu", input);
  return options.inplace() ? input.selu_() : ct::selu(input);
}
Tensor celu(const Tensor& input, const CELUFuncOptions& options) {
  check("celu", input);
  const Tensor y = ct::celu(input, options.alpha());
  return options.inplace() ? input.copy_(y) : y;
}
Tensor leaky_relu(const Tensor& input, const LeakyReLUFuncOptions& options) {
  check("leaky_relu", input);
  return options.inplace() ? input.leaky_relu_(options.negative_slope()) : ct::leaky_relu(input, options.negative_slope());
}
Tensor relu(const Tensor& input, const ReLUFuncOptions& options) {
  check("relu", input);
  return options.inplace() ? input.relu_() : ct::relu(input);
}
Tensor relu6(const Tensor& input, const ReLU6FuncOptions& options) {
  check("relu6", input);
  const Tensor y = ct::relu6(input);
  return options.inplace() ? input.copy_(y) : y;
}
Tensor hardtanh(const Tensor& input, const HardtanhFuncOptions& options) {
  check("hardtanh", input);
  CT_CHECK_VALUE(options.min_val() <= options.max_val(), "hardtanh: min_val cannot be greater than max_val, got ", options.min_val(), " and ", options.max_val());
  const Tensor y = ct::hardtanh(input, options.min_val(), options.max_val());
  return options.inplace() ? input.copy_(y) : y;
}
Tensor threshold(const Tensor& input, const ThresholdFuncOptions& options) {
  check("threshold", input);
  const Tensor y = ct::threshold(input, options.threshold(), options.value());
  return options.inplace() ? input.copy_(y) : y;
}
Tensor gelu(const Tensor& input, const GELUFuncOptions& options) { return ct::gelu(input, options.approximate()); }
Tensor silu(const Tensor& input) { return ct::silu(input); }
Tensor mish(const Tensor& input) { return ct::mish(input); }
Tensor softplus(const Tensor& input, const SoftplusFuncOptions& options) { return ct::softplus(input, options.beta(), options.threshold()); }
Tensor logsigmoid(const Tensor& input) { return ct::log_sigmoid(input); }
Tensor hardsigmoid(const Tensor& input) { return ct::hardsigmoid(input); }
Tensor hardswish(const Tensor& input) { return ct::hardswish(input); }
Tensor tanhshrink(const Tensor& input) {
  check("tanhshrink", input);
  return input - input.tanh();
}
Tensor softsign(const Tensor& input) {
  check("softsign", input);
  return input / (input.abs() + 1);
}
Tensor hardshrink(const Tensor& input, const HardshrinkFuncOptions& options) { return ct::hardshrink(input, options.lambda()); }
Tensor softshrink(const Tensor& input, const SoftshrinkFuncOptions& options) { return ct::softshrink(input, options.lambda()); }
Tensor glu(const Tensor& input, const GLUFuncOptions& options) { return ct::glu(input, options.dim()); }
Tensor prelu(const Tensor& input, const Tensor& weight) { return ct::prelu(input, weight); }
Tensor rrelu(const Tensor& input, const RReLUFuncOptions& options) {
  if (options.inplace()) return ct::rrelu_(input, options.lower(), options.upper(), options.training());
  return ct::rrelu(input, options.lower(), options.upper(), options.training());
}
Tensor softmax(const Tensor& input, const SoftmaxFuncOptions& options) { return ct::softmax(input, options.dim(), options.dtype()); }
Tensor softmin(const Tensor& input, const SoftminFuncOptions& options) {
  check("softmin", input);
  return ct::softmax(-input, options.dim(), options.dtype());
}
Tensor log_softmax(const Tensor& input, const LogSoftmaxFuncOptions& options) { return ct::log_softmax(input, options.dim(), options.dtype()); }

}  // namespace ct::nn::functional
