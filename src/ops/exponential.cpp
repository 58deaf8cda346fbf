// ops/exponential.cpp -- exponentials, logarithms and roots.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

namespace {

constexpr double ln2 = 0.69314718055994530942, ln10 = 2.30258509299404568402;

constexpr Op exp_op{
    .name = "exp",
    .node = "ExpBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * y",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().exp; },
    .deriv = [](const Saved& s, int) { return s.y(); },
    .save = {Y()},
    .promote = Promote::to_float,
};

constexpr Op exp2_op{
    .name = "exp2",
    .node = "Exp2Backward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * y * log(2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().exp2; },
    .deriv = [](const Saved& s, int) { return s.y() * ln2; },
    .save = {Y()},
    .promote = Promote::to_float,
};

// e^x - 1
constexpr Op expm1_op{
    .name = "expm1",
    .node = "Expm1Backward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * (y + 1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().expm1; },
    .deriv = [](const Saved& s, int) { return s.y() + 1; },
    .save = {Y()},
    .promote = Promote::to_float,
};

constexpr Op log_op{
    .name = "log",
    .node = "LogBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / x",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().log; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / s.x(0); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{0.25, 4}},
};

constexpr Op log2_op{
    .name = "log2",
    .node = "Log2Backward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (x * log(2))",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().log2; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / (s.x(0) * ln2); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{0.25, 4}},
};

constexpr Op log10_op{
    .name = "log10",
    .node = "Log10Backward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (x * log(10))",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().log10; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / (s.x(0) * ln10); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{0.25, 4}},
};

// log(1 + x)
constexpr Op log1p_op{
    .name = "log1p",
    .node = "Log1PBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (x + 1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().log1p; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / (s.x(0) + 1); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{-0.75, 4}},
};

// The slope at 0 is infinite.
constexpr Op sqrt_op{
    .name = "sqrt",
    .node = "SqrtBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g / (2 * y)",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().sqrt; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g / (s.y() * 2); },
    .save = {Y()},
    .promote = Promote::to_float,
    .domain = {{0.25, 4}},
};

// 1 / sqrt(x)
constexpr Op rsqrt_op{
    .name = "rsqrt",
    .node = "RsqrtBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = -g * y^3 / 2",
    .kernel = []() -> const kernels::Kernel& { return kernels::exponential().rsqrt; },
    .deriv = [](const Saved& s, int) { return pow(s.y(), 3) * -0.5; },
    .save = {Y()},
    .promote = Promote::to_float,
    .domain = {{0.25, 4}},
};

}  // namespace

std::span<const Op* const> exponential_ops() {
  static constexpr const Op* ops[] = {&exp_op, &exp2_op, &expm1_op, &log_op, &log2_op, &log10_op, &log1p_op, &sqrt_op, &rsqrt_op};
  return ops;
}

#define CT_UNARY(name)                                                  \
  Tensor name(const Tensor& self) { return apply(name##_op, self); }    \
  Tensor& Tensor::name##_() const { return apply_inplace(name##_op, NoAttrs{}, *this); }
CT_UNARY(exp)
CT_UNARY(exp2)
CT_UNARY(expm1)
CT_UNARY(log)
CT_UNARY(log2)
CT_UNARY(log10)
CT_UNARY(log1p)
CT_UNARY(sqrt)
CT_UNARY(rsqrt)
#undef CT_UNARY

}  // namespace ct
