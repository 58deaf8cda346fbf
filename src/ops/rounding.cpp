// ops/rounding.cpp -- absolute values, signs, rounding and replacing nan.
#include <limits>

#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;

namespace {

// The slope at 0 is 0.
constexpr Op abs_op{
    .name = "abs",
    .node = "AbsBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * sign(x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::rounding().abs; },
    .deriv = [](const Saved& s, int) { return sgn(s.x(0)); },
    .save = {X(0)},
    .dtypes = Dtypes::no_bool,
};

// Steps: the slope is 0 where there is one, and taken as 0 elsewhere.
constexpr Op step(const char* name, const char* node, const kernels::Kernel& (*kernel)()) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx = 0";
  op.kernel = kernel;
  op.vjp = [](const Tensor& g, const Saved&, int) { return zeros_like(g); };
  op.domain[0] = {0.1, 0.4};
  return op;
}
constexpr Op sign_op = step("sign", "SignBackward0", []() -> const kernels::Kernel& { return kernels::rounding().sign; });
constexpr Op sgn_op = step("sgn", "SgnBackward0", sign_op.kernel);
constexpr Op floor_op = step("floor", "FloorBackward0", []() -> const kernels::Kernel& { return kernels::rounding().floor; });
constexpr Op ceil_op = step("ceil", "CeilBackward0", []() -> const kernels::Kernel& { return kernels::rounding().ceil; });
constexpr Op trunc_op = step("trunc", "TruncBackward0", []() -> const kernels::Kernel& { return kernels::rounding().trunc; });
// Halves go to the even neighbour.
constexpr Op round_op = step("round", "RoundBackward0", []() -> const kernels::Kernel& { return kernels::rounding().round; });

// y = round(x 10^s[0]) / 10^s[0]
constexpr Op round_decimals_op{
    .name = "round.decimals",
    .node = "RoundBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx = 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::rounding().round_decimals; },
    .vjp = round_op.vjp,
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}, 0.101, 0.104)}, ScalarAttrs{{2}});
      call({call.uniform({3, 4}, 11, 14)}, ScalarAttrs{{-1}});
    },
};

// y = x - trunc(x)
constexpr Op frac_op{
    .name = "frac",
    .node = "FracBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g",
    .kernel = []() -> const kernels::Kernel& { return kernels::rounding().frac; },
    .vjp = [](const Tensor& g, const Saved&, int) { return g; },
    .dtypes = Dtypes::floating,
    .domain = {{1.1, 1.9}},
};

// 0 below 0, 1 above, x1 at 0
constexpr Op heaviside_op{
    .name = "heaviside",
    .node = "HeavisideBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = 0; dx1 = g where x0 = 0, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::rounding().heaviside; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? zeros_like(g) : where(s.x(0) == 0, g, 0); },
    .save = {0, X(0)},
    .domain = {{0.5, 2}},
};

// |x0| with the sign of x1
constexpr Op copysign_op{
    .name = "copysign",
    .node = "CopysignBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * y / x0, 0 where x0 = 0; dx1 = 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::rounding().copysign; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 1 ? zeros_like(g) : g * where(s.x(0) == 0, 0, s.y() / s.x(0));
    },
    .save = {X(0) | Y()},
    .promote = Promote::to_float,
    .arity = 2,
};

// s = what replaces nan, inf and -inf
constexpr Op nan_to_num_op{
    .name = "nan_to_num",
    .node = "NanToNumBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g where x is finite, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::rounding().nan_to_num; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return where(isfinite(s.x(0)), g, 0); },
    .save = {X(0)},
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, ScalarAttrs{{0.5, 10.0, -10.0}}); },
};

double largest(ScalarType t) {
  return t == kHalf ? 65504.0 : t == kBFloat16 ? 3.3895313892515355e38 : t == kFloat ? std::numeric_limits<float>::max()
                                                                                     : std::numeric_limits<double>::max();
}
ScalarAttrs replacements(const Tensor& x, std::optional<double> nan, std::optional<double> posinf, std::optional<double> neginf) {
  CT_CHECK(x.defined(), "nan_to_num: the tensor is undefined");
  const double m = largest(x.scalar_type());
  return {{nan.value_or(0), posinf.value_or(m), neginf.value_or(-m)}};
}

}  // namespace

std::span<const Op* const> rounding_ops() {
  static constexpr const Op* ops[] = {&abs_op,   &sign_op,          &sgn_op,  &floor_op,     &ceil_op,     &trunc_op,
                                      &round_op, &round_decimals_op, &frac_op, &heaviside_op, &copysign_op, &nan_to_num_op};
  return ops;
}

#define CT_UNARY(name)                                                  \
  Tensor name(const Tensor& self) { return apply(name##_op, self); }    \
  Tensor& Tensor::name##_() const { return apply_inplace(name##_op, NoAttrs{}, *this); }
CT_UNARY(abs)
CT_UNARY(sign)
CT_UNARY(floor)
CT_UNARY(ceil)
CT_UNARY(trunc)
CT_UNARY(round)
CT_UNARY(frac)
#undef CT_UNARY
Tensor sgn(const Tensor& self) { return apply(sgn_op, self); }
Tensor round(const Tensor& self, std::int64_t decimals) { return apply_with(round_decimals_op, ScalarAttrs{{decimals}}, self); }
Tensor heaviside(const Tensor& self, const Tensor& values) {
  CT_CHECK_TYPE(!self.defined() || !values.defined() || self.scalar_type() == values.scalar_type(),
                "heaviside: heaviside is not yet implemented for tensors with different dtypes.");
  return apply(heaviside_op, self, values);
}
Tensor copysign(const Tensor& self, const Tensor& other) { return apply(copysign_op, self, other); }
Tensor nan_to_num(const Tensor& self, std::optional<double> nan, std::optional<double> posinf, std::optional<double> neginf) {
  return apply_with(nan_to_num_op, replacements(self, nan, posinf, neginf), self);
}
Tensor& Tensor::nan_to_num_(std::optional<double> nan, std::optional<double> posinf, std::optional<double> neginf) const {
  return apply_inplace(nan_to_num_op, replacements(*this, nan, posinf, neginf), *this);
}

}  // namespace ct
