// ops/smooth_activation.cpp -- gelu, silu, mish, softplus, log_sigmoid and the two "hard" ones, each with a fused backward.
//
// Every activation f has a twin f_backward(g, x) = g f'(x), an op of its own: its derivative in g is itself, and in x it
// is g f''(x), written with public functions.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;

namespace {

using Second = Tensor (*)(const Tensor& x, const Saved& s);  // f''

constexpr Op activation(const char* name, const char* node, const char* formula, const kernels::Kernel& (*kernel)(),
                        Tensor (*vjp)(const Tensor&, const Saved&, int)) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = formula;
  op.kernel = kernel;
  op.vjp = vjp;
  op.save[0] = X(0);
  op.dtypes = Dtypes::floating;
  return op;
}
constexpr Op backward_of(const char* name, const char* node, const char* formula, const kernels::Kernel& (*kernel)(),
                         Tensor (*vjp)(const Tensor&, const Saved&, int)) {
  Op op = activation(name, node, formula, kernel, vjp);
  op.save[0] = X(1);
  op.save[1] = X(0) | X(1);
  return op;
}
#define CT_KERNEL(table, name) []() -> const kernels::Kernel& { return kernels::table().name; }
// f's vjp, and both gradients of f_backward.
#define CT_VJP(f) [](const Tensor& g, const Saved& s, int) { return f##_backward(g, s.x(0)); }
#define CT_VJP2(f) [](const Tensor& g, const Saved& s, int arg) { \
    return arg == 0 ? f##_backward(g, s.x(1)) : g * s.x(0) * f##_second(s.x(1)); }
#define CT_DECLARE(f) Tensor f##_backward(const Tensor& g, const Tensor& x); Tensor f##_second(const Tensor& x);
CT_DECLARE(gelu)
CT_DECLARE(gelu_tanh)
CT_DECLARE(silu)
CT_DECLARE(mish)
CT_DECLARE(log_sigmoid)
CT_DECLARE(hardsigmoid)
CT_DECLARE(hardswish)

// x P(X < x), X standard normal
constexpr Op gelu_op = activation("gelu", "GeluBackward0", "dx = g * (P(x) + x * p(x)), P and p of the standard normal",
                                  CT_KERNEL(smooth_activation, gelu), CT_VJP(gelu));
constexpr Op gelu_backward_op = backward_of("gelu_backward", "GeluBackwardBackward0", "dx0 = gelu_backward(g, x1); dx1 = g * x0 * p(x1) * (2 - x1^2)",
                                            CT_KERNEL(smooth_activation, gelu_backward), CT_VJP2(gelu));
constexpr Op gelu_tanh_op = activation("gelu.tanh", "GeluBackward0", "dx = g * d/dx (x / 2 * (1 + tanh(u))), u = sqrt(2 / pi) * (x + 0.044715 * x^3)",
                                       CT_KERNEL(smooth_activation, gelu_tanh), CT_VJP(gelu_tanh));
constexpr Op gelu_tanh_backward_op = backward_of("gelu_backward.tanh", "GeluBackwardBackward0", "dx0 = gelu_backward(g, x1); dx1 = g * x0 * gelu''(x1)",
                                                 CT_KERNEL(smooth_activation, gelu_tanh_backward), CT_VJP2(gelu_tanh));
// x s(x), s the sigmoid
constexpr Op silu_op = activation("silu", "SiluBackward0", "dx = g * s * (1 + x * (1 - s)), s = sigmoid(x)", CT_KERNEL(smooth_activation, silu), CT_VJP(silu));
constexpr Op silu_backward_op = backward_of("silu_backward", "SiluBackwardBackward0",
                                            "dx0 = silu_backward(g, x1); dx1 = g * x0 * s * (1 - s) * (2 + x1 * (1 - 2 * s))",
                                            CT_KERNEL(smooth_activation, silu_backward), CT_VJP2(silu));
// x tanh(softplus(x))
constexpr Op mish_op = activation("mish", "MishBackward0", "dx = g * (t + x * s * (1 - t^2)), t = tanh(softplus(x)), s = sigmoid(x)",
                                  CT_KERNEL(smooth_activation, mish), CT_VJP(mish));
constexpr Op mish_backward_op = backward_of("mish_backward", "MishBackwardBackward0",
                                            "dx0 = mish_backward(g, x1); dx1 = g * x0 * s * (1 - t^2) * (2 + x1 * (1 - s - 2 * t * s))",
                                            CT_KERNEL(smooth_activation, mish_backward), CT_VJP2(mish));
// log(s(x))
constexpr Op log_sigmoid_op = activation("log_sigmoid", "LogSigmoidBackward0", "dx = g * sigmoid(-x)", CT_KERNEL(smooth_activation, log_sigmoid),
                                         CT_VJP(log_sigmoid));
constexpr Op log_sigmoid_backward_op = backward_of("log_sigmoid_backward", "LogSigmoidBackwardBackward0",
                                                   "dx0 = g * sigmoid(-x1); dx1 = -g * x0 * sigmoid(x1) * sigmoid(-x1)",
                                                   CT_KERNEL(smooth_activation, log_sigmoid_backward), CT_VJP2(log_sigmoid));
// min(max(x + 3, 0), 6) / 6
constexpr Op hardsigmoid_op = activation("hardsigmoid", "HardsigmoidBackward0", "dx = g / 6 where -3 < x < 3, else 0",
                                         CT_KERNEL(activation, hardsigmoid), CT_VJP(hardsigmoid));
constexpr Op hardsigmoid_backward_op = backward_of("hardsigmoid_backward", "HardsigmoidBackwardBackward0",
                                                   "dx0 = g / 6 where -3 < x1 < 3, else 0; dx1 = 0",
                                                   CT_KERNEL(activation, hardsigmoid_backward), CT_VJP2(hardsigmoid));
// x hardsigmoid(x)
constexpr Op hardswish_op = activation("hardswish", "HardswishBackward0", "dx = g * (x / 3 + 1/2) where -3 <= x <= 3, 0 below, g above",
                                       CT_KERNEL(activation, hardswish), CT_VJP(hardswish));
constexpr Op hardswish_backward_op = backward_of("hardswish_backward", "HardswishBackwardBackward0",
                                                 "dx0 = hardswish_backward(g, x1); dx1 = g * x0 / 3 where -3 < x1 < 3, else 0",
                                                 CT_KERNEL(activation, hardswish_backward), CT_VJP2(hardswish));

Tensor gelu_backward(const Tensor& g, const Tensor& x) { return apply(gelu_backward_op, g, x); }
Tensor gelu_tanh_backward(const Tensor& g, const Tensor& x) { return apply(gelu_tanh_backward_op, g, x); }
Tensor silu_backward(const Tensor& g, const Tensor& x) { return apply(silu_backward_op, g, x); }
Tensor mish_backward(const Tensor& g, const Tensor& x) { return apply(mish_backward_op, g, x); }
Tensor log_sigmoid_backward(const Tensor& g, const Tensor& x) { return apply(log_sigmoid_backward_op, g, x); }
Tensor hardsigmoid_backward(const Tensor& g, const Tensor& x) { return apply(hardsigmoid_backward_op, g, x); }
Tensor hardswish_backward(const Tensor& g, const Tensor& x) { return apply(hardswish_backward_op, g, x); }

// The second derivatives.
Tensor gelu_second(const Tensor& x) {
  const Tensor square = x * x;
  return exp(square * -0.5) * 0.39894228040143267794 * (2 - square);  // 1 / sqrt(2 pi)
}
Tensor gelu_tanh_second(const Tensor& x) {
  constexpr double scale = 0.79788456080286535588, cubic = 0.044715;  // sqrt(2 / pi)
  const Tensor square = x * x, t = tanh(x * (square * cubic + 1) * scale);
  const Tensor du = (square * (3 * cubic) + 1) * scale, ddu = x * (6 * cubic * scale), slope = 1 - t * t;
  return slope * (du + x * ddu * 0.5 - x * t * du * du);
}
Tensor silu_second(const Tensor& x) {
  const Tensor s = sigmoid(x);
  return s * (1 - s) * (x * (1 - s * 2) + 2);
}
Tensor mish_second(const Tensor& x) {
  const Tensor s = sigmoid(x), t = tanh(softplus(x));
  return s * (1 - t * t) * (x * (1 - s - t * s * 2) + 2);
}
Tensor log_sigmoid_second(const Tensor& x) { return -(sigmoid(x) * sigmoid(-x)); }
Tensor hardsigmoid_second(const Tensor& x) { return zeros_like(x); }
Tensor hardswish_second(const Tensor& x) { return where(abs(x) < 3, 1.0 / 3, zeros_like(x)); }
#undef CT_VJP
#undef CT_VJP2
#undef CT_DECLARE
#undef CT_KERNEL

Tensor softplus_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& a);

// log(1 + e^(beta x)) / beta; x itself where beta x > threshold; s = {beta, threshold}
constexpr Op softplus_op{
    .name = "softplus",
    .node = "SoftplusBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * sigmoid(beta * x); g where beta * x > threshold",
    .kernel = []() -> const kernels::Kernel& { return kernels::smooth_activation().softplus; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return softplus_backward(g, s.x(0), s.attrs<ScalarAttrs>()); },
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, ScalarAttrs{{1, 20}});
      call({call.uniform({3, 4})}, ScalarAttrs{{2.0, 1.0}});
    },
};
constexpr Op softplus_backward_op{
    .name = "softplus_backward",
    .node = "SoftplusBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = softplus_backward(g, x1); dx1 = g * x0 * beta * s * (1 - s), s = sigmoid(beta * x1); 0 where beta * x1 > threshold",
    .kernel = []() -> const kernels::Kernel& { return kernels::smooth_activation().softplus_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const auto& a = s.attrs<ScalarAttrs>();
      if (arg == 0) return softplus_backward(g, s.x(1), a);
      const Tensor scaled = s.x(1) * a.s[0], z = sigmoid(scaled);
      return where(scaled > a.s[1], 0, g * s.x(0) * (z * (1 - z) * a.s[0]));
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{2.0, 1.0}}); },
};
Tensor softplus_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& a) { return apply_with(softplus_backward_op, a, g, x); }

}  // namespace

std::span<const Op* const> smooth_activation_ops() {
  static constexpr const Op* ops[] = {
      &gelu_op, &gelu_backward_op, &gelu_tanh_op, &gelu_tanh_backward_op, &silu_op, &silu_backward_op, &mish_op, &mish_backward_op,
      &log_sigmoid_op, &log_sigmoid_backward_op, &hardsigmoid_op, &hardsigmoid_backward_op, &hardswish_op, &hardswish_backward_op,
      &softplus_op, &softplus_backward_op};
  return ops;
}

Tensor gelu(const Tensor& self, std::string_view approximate) {
  CT_CHECK_VALUE(approximate == "none" || approximate == "tanh", "gelu: approximate argument must be either none or tanh, got '", approximate, "'");
  return approximate == "none" ? apply(gelu_op, self) : apply(gelu_tanh_op, self);
}
Tensor silu(const Tensor& self) { return apply(silu_op, self); }
Tensor mish(const Tensor& self) { return apply(mish_op, self); }
Tensor log_sigmoid(const Tensor& self) { return apply(log_sigmoid_op, self); }
Tensor hardsigmoid(const Tensor& self) { return apply(hardsigmoid_op, self); }
Tensor hardswish(const Tensor& self) { return apply(hardswish_op, self); }
Tensor softplus(const Tensor& self, const Scalar& beta, const Scalar& threshold) {
  return apply_with(softplus_op, ScalarAttrs{{beta, threshold}}, self);
}

Tensor& Tensor::silu_() const { return apply_inplace(silu_op, NoAttrs{}, *this); }
Tensor& Tensor::mish_() const { return apply_inplace(mish_op, NoAttrs{}, *this); }
Tensor& Tensor::hardsigmoid_() const { return apply_inplace(hardsigmoid_op, NoAttrs{}, *this); }
Tensor& Tensor::hardswish_() const { return apply_inplace(hardswish_op, NoAttrs{}, *this); }

}  // namespace ct
