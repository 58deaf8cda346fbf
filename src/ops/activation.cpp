// ops/activation.cpp -- the sigmoid and the activations with corners, each with a fused backward.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;

namespace {

const ScalarAttrs& numbers(const Saved& s) { return s.attrs<ScalarAttrs>(); }

// y = 1 / (1 + e^-x)
constexpr Op sigmoid_op{
    .name = "sigmoid",
    .node = "SigmoidBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * y * (1 - y)",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().sigmoid; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return detail::sigmoid_backward(g, s.y()); },
    .save = {Y()},
    .promote = Promote::to_float,
};

constexpr Op sigmoid_backward_op{
    .name = "sigmoid_backward",
    .node = "SigmoidBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * x1 * (1 - x1); dx1 = g * x0 * (1 - 2 * x1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().sigmoid_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? detail::sigmoid_backward(g, s.x(1)) : g * s.x(0) * (1 - s.x(1) * 2);
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
};

Tensor logit_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& eps);

// y = log(x / (1 - x)); s[0] = eps keeps x within [eps, 1 - eps], negative: does not
constexpr Op logit_op{
    .name = "logit",
    .node = "LogitBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (x * (1 - x)); 0 where eps cut x",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().logit; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return logit_backward(g, s.x(0), numbers(s)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}, 0.1, 0.9)}, ScalarAttrs{{-1.0}});
      call({call.uniform({3, 4}, 0, 1)}, ScalarAttrs{{0.25}});
    },
};

constexpr Op logit_backward_op{
    .name = "logit_backward",
    .node = "LogitBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g / (x1 * (1 - x1)); dx1 = g * x0 * (2 * x1 - 1) / (x1 * (1 - x1))^2; 0 where eps cut x1",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().logit_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor& x = s.x(1);
      const Tensor slope = logit_backward(g, x, numbers(s));
      return arg == 0 ? slope : slope * s.x(0) * ((x * 2 - 1) / (x * (1 - x)));
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({3, 4}, 0.1, 0.9)}, ScalarAttrs{{-1.0}});
      call({call.uniform({3, 4}), call.uniform({3, 4}, 0, 1)}, ScalarAttrs{{0.25}});
    },
};

Tensor logit_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& eps) { return apply_with(logit_backward_op, eps, g, x); }

// y = max(x, 0); the slope at 0 is 0
constexpr Op relu_op{
    .name = "relu",
    .node = "ReluBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g where y > 0, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().relu; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return detail::threshold_backward(g, s.y(), 0); },
    .save = {Y()},
    .dtypes = Dtypes::no_bool,
};

// y = x where x > s[0], else s[1]
constexpr Op threshold_op{
    .name = "threshold",
    .node = "ThresholdBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g where x > threshold, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().threshold; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return detail::threshold_backward(g, s.x(0), numbers(s).s[0]); },
    .save = {X(0)},
    .dtypes = Dtypes::no_bool,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, ScalarAttrs{{1, -1}}); },
};

constexpr Op threshold_backward_op{
    .name = "threshold_backward",
    .node = "ThresholdBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x1 > threshold, else 0; dx1 = 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().threshold_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? detail::threshold_backward(g, s.x(1), numbers(s).s[0]) : zeros_like(g);
    },
    .save = {X(1)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{0.5}}); },
};

Tensor leaky_relu_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& slope);

// y = x where x > 0, else s[0] x
constexpr Op leaky_relu_op{
    .name = "leaky_relu",
    .node = "LeakyReluBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g where x > 0, else slope * g",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().leaky_relu; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return leaky_relu_backward(g, s.x(0), numbers(s)); },
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, ScalarAttrs{{0.1}}); },
};

// In place the result has to do, whose sign is that of x only for a slope that is not negative.
constexpr Op leaky_relu_result_op{
    .name = "leaky_relu_",
    .node = "LeakyReluBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx = g where y > 0, else slope * g",
    .kernel = leaky_relu_op.kernel,
    .vjp = [](const Tensor& g, const Saved& s, int) {
      CT_CHECK(numbers(s).s[0].toDouble() >= 0, "leaky_relu_: In-place leakyReLu backward calculation is triggered with a negative slope ",
               numbers(s).s[0], " which is not supported.\n  Use leaky_relu(), which keeps its input.");
      return leaky_relu_backward(g, s.y(), numbers(s));
    },
    .save = {Y()},
    .dtypes = Dtypes::floating,
    .samples = leaky_relu_op.samples,
};

constexpr Op leaky_relu_backward_op{
    .name = "leaky_relu_backward",
    .node = "LeakyReluBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x1 > 0, else slope * g; dx1 = 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().leaky_relu_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? leaky_relu_backward(g, s.x(1), numbers(s)) : zeros_like(g);
    },
    .save = {X(1)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{0.1}}); },
};

Tensor leaky_relu_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& slope) {
  return apply_with(leaky_relu_backward_op, slope, g, x);
}

Tensor elu_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& a);
Tensor elu_backward_result(const Tensor& g, const Tensor& y, const ScalarAttrs& a);

// y = scale x where x > 0, else scale alpha (e^(inner x) - 1); s = {alpha, scale, inner}
constexpr Op elu_op{
    .name = "elu",
    .node = "EluBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * scale where x > 0, else g * scale * alpha * inner * exp(inner * x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().elu; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return elu_backward(g, s.x(0), numbers(s)); },
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, ScalarAttrs{{1, 1, 1}});
      call({call.uniform({3, 4})}, ScalarAttrs{{1.5, 0.5, 2.0}});
    },
};

// celu(x, a) = elu(x, a, 1, 1/a)
constexpr Op celu_op{
    .name = "celu",
    .node = "CeluBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g where x > 0, else g * exp(x / alpha)",
    .kernel = elu_op.kernel,
    .vjp = elu_op.vjp,
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, ScalarAttrs{{2.0, 1, 0.5}}); },
};

constexpr Op elu_result_op{
    .name = "elu_",
    .node = "EluBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx = g * scale where y > 0, else g * inner * (y + scale * alpha)",
    .kernel = elu_op.kernel,
    .vjp = [](const Tensor& g, const Saved& s, int) {
      CT_CHECK(numbers(s).s[0].toDouble() >= 0, "elu_: In-place elu backward calculation is triggered with a negative slope ",
               numbers(s).s[0], " which is not supported.\n  Use elu(), which keeps its input.");
      return elu_backward_result(g, s.y(), numbers(s));
    },
    .save = {Y()},
    .dtypes = Dtypes::floating,
    .samples = elu_op.samples,
};

constexpr Op elu_backward_op{
    .name = "elu_backward",
    .node = "EluBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = elu_backward(g, x1); dx1 = g * inner * elu_backward(x0, x1) where x1 <= 0, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().elu_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return elu_backward(g, s.x(1), numbers(s));
      return where(s.x(1) > 0, 0, g * elu_backward(s.x(0), s.x(1), numbers(s)) * numbers(s).s[2]);
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{1.5, 0.5, 2.0}}); },
};

constexpr Op elu_backward_result_op{
    .name = "elu_backward.result",
    .node = "EluBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = elu_backward(g, x1); dx1 = g * x0 * inner where x1 <= 0, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().elu_backward_result; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return elu_backward_result(g, s.x(1), numbers(s));
      return where(s.x(1) > 0, 0, g * s.x(0) * numbers(s).s[2]);
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4}, -0.5, 2)}, ScalarAttrs{{1.5, 0.5, 2.0}}); },
};

Tensor elu_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& a) { return apply_with(elu_backward_op, a, g, x); }
Tensor elu_backward_result(const Tensor& g, const Tensor& y, const ScalarAttrs& a) {
  return apply_with(elu_backward_result_op, a, g, y);
}

constexpr double selu_alpha = 1.6732632423543772848170429916717, selu_scale = 1.0507009873554804934193349852946;

}  // namespace

std::span<const Op* const> activation_ops() {
  static constexpr const Op* ops[] = {
      &sigmoid_op, &sigmoid_backward_op, &logit_op, &logit_backward_op, &relu_op, &threshold_op, &threshold_backward_op,
      &leaky_relu_op, &leaky_relu_result_op, &leaky_relu_backward_op,
      &elu_op, &celu_op, &elu_result_op, &elu_backward_op, &elu_backward_result_op};
  return ops;
}

Tensor detail::sigmoid_backward(const Tensor& g, const Tensor& y) { return apply(sigmoid_backward_op, g, y); }
Tensor detail::threshold_backward(const Tensor& g, const Tensor& x, const Scalar& at) {
  return apply_with(threshold_backward_op, ScalarAttrs{{at}}, g, x);
}

Tensor sigmoid(const Tensor& self) { return apply(sigmoid_op, self); }
Tensor logit(const Tensor& self, std::optional<double> eps) { return apply_with(logit_op, ScalarAttrs{{eps ? *eps : -1.0}}, self); }
Tensor relu(const Tensor& self) { return apply(relu_op, self); }
Tensor threshold(const Tensor& self, const Scalar& threshold, const Scalar& value) {
  return apply_with(threshold_op, ScalarAttrs{{threshold, value}}, self);
}
Tensor leaky_relu(const Tensor& self, const Scalar& negative_slope) {
  return apply_with(leaky_relu_op, ScalarAttrs{{negative_slope}}, self);
}
Tensor elu(const Tensor& self, const Scalar& alpha, const Scalar& scale, const Scalar& input_scale) {
  return apply_with(elu_op, ScalarAttrs{{alpha, scale, input_scale}}, self);
}
Tensor selu(const Tensor& self) { return elu(self, selu_alpha, selu_scale); }
Tensor celu(const Tensor& self, const Scalar& alpha) {
  CT_CHECK_VALUE(!alpha.equal(0), "celu: ZeroDivisionError: alpha cannot be 0 for CELU");
  return apply_with(celu_op, ScalarAttrs{{alpha, 1.0, 1 / alpha.toDouble()}}, self);
}

Tensor& Tensor::sigmoid_() const { return apply_inplace(sigmoid_op, NoAttrs{}, *this); }
Tensor& Tensor::relu_() const { return apply_inplace(relu_op, NoAttrs{}, *this); }
Tensor& Tensor::leaky_relu_(const Scalar& negative_slope) const {
  return apply_inplace(leaky_relu_result_op, ScalarAttrs{{negative_slope}}, *this);
}
Tensor& Tensor::elu_(const Scalar& alpha, const Scalar& scale, const Scalar& input_scale) const {
  return apply_inplace(elu_result_op, ScalarAttrs{{alpha, scale, input_scale}}, *this);
}
Tensor& Tensor::selu_() const { return elu_(selu_alpha, selu_scale); }

}  // namespace ct
