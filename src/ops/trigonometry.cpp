// ops/trigonometry.cpp -- circular and hyperbolic functions and their inverses.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

namespace {

constexpr Op sin_op{
    .name = "sin",
    .node = "SinBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * cos(x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().sin; },
    .deriv = [](const Saved& s, int) { return cos(s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op cos_op{
    .name = "cos",
    .node = "CosBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = -g * sin(x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().cos; },
    .deriv = [](const Saved& s, int) { return -sin(s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op tan_op{
    .name = "tan",
    .node = "TanBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * (1 + y^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().tan; },
    .deriv = [](const Saved& s, int) { return s.y() * s.y() + 1; },
    .save = {Y()},
    .promote = Promote::to_float,
    .domain = {{-1, 1}},
};

constexpr Op asin_op{
    .name = "asin",
    .node = "AsinBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / sqrt(1 - x^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().asin; },
    .deriv = [](const Saved& s, int) { return rsqrt(1 - s.x(0) * s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{-0.9, 0.9}},
};

constexpr Op acos_op{
    .name = "acos",
    .node = "AcosBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = -g / sqrt(1 - x^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().acos; },
    .deriv = [](const Saved& s, int) { return -rsqrt(1 - s.x(0) * s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{-0.9, 0.9}},
};

constexpr Op atan_op{
    .name = "atan",
    .node = "AtanBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (x^2 + 1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().atan; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / (s.x(0) * s.x(0) + 1); },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op sinh_op{
    .name = "sinh",
    .node = "SinhBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * cosh(x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().sinh; },
    .deriv = [](const Saved& s, int) { return cosh(s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op cosh_op{
    .name = "cosh",
    .node = "CoshBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * sinh(x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().cosh; },
    .deriv = [](const Saved& s, int) { return sinh(s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op tanh_op{
    .name = "tanh",
    .node = "TanhBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * (1 - y^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().tanh; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return detail::tanh_backward(g, s.y()); },
    .save = {Y()},
    .promote = Promote::to_float,
};

// tanh's vector-Jacobian product in one pass: x0 (1 - x1^2), x1 = tanh's output
constexpr Op tanh_backward_op{
    .name = "tanh_backward",
    .node = "TanhBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * (1 - x1^2); dx1 = -2 * g * x0 * x1",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().tanh_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? detail::tanh_backward(g, s.x(1)) : g * (s.x(0) * s.x(1)) * -2;
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
};

constexpr Op asinh_op{
    .name = "asinh",
    .node = "AsinhBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / sqrt(x^2 + 1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().asinh; },
    .deriv = [](const Saved& s, int) { return rsqrt(s.x(0) * s.x(0) + 1); },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op acosh_op{
    .name = "acosh",
    .node = "AcoshBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / sqrt(x^2 - 1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().acosh; },
    .deriv = [](const Saved& s, int) { return rsqrt(s.x(0) * s.x(0) - 1); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{1.25, 4}},
};

constexpr Op atanh_op{
    .name = "atanh",
    .node = "AtanhBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (1 - x^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::trigonometry().atanh; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / (1 - s.x(0) * s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{-0.9, 0.9}},
};

}  // namespace

std::span<const Op* const> trigonometry_ops() {
  static constexpr const Op* ops[] = {&sin_op,  &cos_op,  &tan_op,           &asin_op,  &acos_op,  &atan_op, &sinh_op,
                                      &cosh_op, &tanh_op, &tanh_backward_op, &asinh_op, &acosh_op, &atanh_op};
  return ops;
}

Tensor detail::tanh_backward(const Tensor& g, const Tensor& y) { return apply(tanh_backward_op, g, y); }

#define CT_UNARY(name)                                                  \
  Tensor name(const Tensor& self) { return apply(name##_op, self); }    \
  Tensor& Tensor::name##_() const { return apply_inplace(name##_op, NoAttrs{}, *this); }
CT_UNARY(sin)
CT_UNARY(cos)
CT_UNARY(tan)
CT_UNARY(asin)
CT_UNARY(acos)
CT_UNARY(atan)
CT_UNARY(sinh)
CT_UNARY(cosh)
CT_UNARY(tanh)
CT_UNARY(asinh)
CT_UNARY(acosh)
CT_UNARY(atanh)
#undef CT_UNARY

}  // namespace ct
