// ops/special.cpp -- the error function and its kin, the gamma function, and functions of two arguments.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;

namespace {

constexpr double two_over_sqrt_pi = 1.12837916709551257390, pi_squared = 9.86960440108935861883;

constexpr Op erf_op{
    .name = "erf",
    .node = "ErfBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * 2 / sqrt(pi) * exp(-x^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().erf; },
    .deriv = [](const Saved& s, int) { return exp(-pow(s.x(0), 2)) * two_over_sqrt_pi; },
    .save = {X(0)},
    .promote = Promote::to_float,
};

// 1 - erf(x)
constexpr Op erfc_op{
    .name = "erfc",
    .node = "ErfcBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = -g * 2 / sqrt(pi) * exp(-x^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().erfc; },
    .deriv = [](const Saved& s, int) { return exp(-pow(s.x(0), 2)) * -two_over_sqrt_pi; },
    .save = {X(0)},
    .promote = Promote::to_float,
};

constexpr Op erfinv_op{
    .name = "erfinv",
    .node = "ErfinvBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * sqrt(pi) / 2 * exp(erfinv(x)^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().erfinv; },
    .deriv = [](const Saved& s, int) { return exp(pow(erfinv(s.x(0)), 2)) * (1 / two_over_sqrt_pi); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{-0.9, 0.9}},
};

Tensor polygamma(int n, const Tensor& x);

// log |gamma(x)|
constexpr Op lgamma_op{
    .name = "lgamma",
    .node = "LgammaBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * digamma(x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().lgamma; },
    .deriv = [](const Saved& s, int) { return digamma(s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{0.5, 4}},
};

constexpr Op digamma_op{
    .name = "digamma",
    .node = "DigammaBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * polygamma(1, x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().digamma; },
    .deriv = [](const Saved& s, int) { return polygamma(1, s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{0.5, 4}},
};

// The s[0]-th derivative of digamma.
constexpr Op polygamma_op{
    .name = "polygamma",
    .node = "PolygammaBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * polygamma(n + 1, x)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().polygamma; },
    .deriv = [](const Saved& s, int) { return polygamma(s.attrs<ScalarAttrs>().s[0].toInt() + 1, s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}, 0.5, 4)}, ScalarAttrs{{1}});
      call({call.uniform({3, 4}, 0.5, 4)}, ScalarAttrs{{2}});
    },
};
Tensor polygamma(int n, const Tensor& x) { return apply_with(polygamma_op, ScalarAttrs{{n}}, x); }

Tensor sinc_backward(const Tensor& g, const Tensor& x);

// sin(pi x) / (pi x), 1 at 0
constexpr Op sinc_op{
    .name = "sinc",
    .node = "SincBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * (cos(pi x) * pi x - sin(pi x)) / (pi x^2); 0 at 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().sinc; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return sinc_backward(g, s.x(0)); },
    .save = {X(0)},
    .promote = Promote::to_float,
    .domain = {{0.25, 2}},
};

constexpr Op sinc_backward_op{
    .name = "sinc_backward",
    .node = "SincBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = sinc_backward(g, x1); dx1 = -g * (x0 * pi^2 * sinc(x1) + 2 * sinc_backward(x0, x1) / x1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().sinc_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return sinc_backward(g, s.x(1));
      const Tensor &x = s.x(1), &h = s.x(0);
      const Tensor by_slope = where(x == 0, h * (-2 * pi_squared / 3), sinc_backward(h, x) * 2 / x);
      return -g * (h * sinc(x) * pi_squared + by_slope);
    },
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .domain = {{-2, 2}, {0.25, 2}},
};
Tensor sinc_backward(const Tensor& g, const Tensor& x) { return apply(sinc_backward_op, g, x); }

// ---- two arguments -----------------------------------------------------------------------------------

// The angle of the point (x1, x0); at the origin both slopes are 0.
constexpr Op atan2_op{
    .name = "atan2",
    .node = "Atan2Backward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * x1 / (x0^2 + x1^2); dx1 = -g * x0 / (x0^2 + x1^2)",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().atan2; },
    .deriv = [](const Saved& s, int arg) {
      const Tensor square = s.x(0) * s.x(0) + s.x(1) * s.x(1);
      const Tensor inverse = where(square == 0, 0, reciprocal(square));
      return arg == 0 ? s.x(1) * inverse : -s.x(0) * inverse;
    },
    .save = {X(0) | X(1), X(0) | X(1)},
    .promote = Promote::to_float,
    .domain = {{0.5, 2}},
};

// sqrt(x0^2 + x1^2)
constexpr Op hypot_op{
    .name = "hypot",
    .node = "HypotBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * x0 / y; dx1 = g * x1 / y",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().hypot; },
    .deriv = [](const Saved& s, int arg) { return s.x(arg) / s.y(); },
    .save = {X(0) | Y(), X(1) | Y()},
    .dtypes = Dtypes::floating,
    .domain = {{0.5, 2}},
};

// x0 log(x1), 0 where x0 = 0
constexpr Op xlogy_op{
    .name = "xlogy",
    .node = "XlogyBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * log(x1), 0 where x0 = 0 and x1 <= 0; dx1 = g * x0 / x1",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().xlogy; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? where(logical_and(s.x(0) == 0, s.x(1) <= 0), 0, xlogy(g, s.x(1))) : g * s.x(0) / s.x(1);
    },
    .save = {X(0) | X(1), X(0) | X(1)},
    .promote = Promote::to_float,
    .domain = {{-2, 2}, {0.5, 2}},
};

// log(e^x0 + e^x1)
constexpr Op logaddexp_op{
    .name = "logaddexp",
    .node = "LogaddexpBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g / (1 + exp(x1 - x0)); dx1 = g / (1 + exp(x0 - x1))",
    .kernel = []() -> const kernels::Kernel& { return kernels::special().logaddexp; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return g / (exp(s.x(1 - arg) - s.x(arg)) + 1); },
    .save = {X(0) | X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
};

}  // namespace

std::span<const Op* const> special_ops() {
  static constexpr const Op* ops[] = {&erf_op, &erfc_op, &erfinv_op, &lgamma_op, &digamma_op, &polygamma_op, &sinc_op, &sinc_backward_op,
                                      &atan2_op, &hypot_op, &xlogy_op, &logaddexp_op};
  return ops;
}

#define CT_UNARY(name)                                                  \
  Tensor name(const Tensor& self) { return apply(name##_op, self); }    \
  Tensor& Tensor::name##_() const { return apply_inplace(name##_op, NoAttrs{}, *this); }
CT_UNARY(erf)
CT_UNARY(erfc)
CT_UNARY(erfinv)
CT_UNARY(lgamma)
CT_UNARY(digamma)
CT_UNARY(sinc)
#undef CT_UNARY
Tensor atan2(const Tensor& self, const Tensor& other) { return apply(atan2_op, self, other); }
Tensor hypot(const Tensor& self, const Tensor& other) { return apply(hypot_op, self, other); }
Tensor xlogy(const Tensor& self, const Tensor& other) { return apply(xlogy_op, self, other); }
Tensor logaddexp(const Tensor& self, const Tensor& other) { return apply(logaddexp_op, self, other); }
Tensor& Tensor::atan2_(const Tensor& other) const { return apply_inplace(atan2_op, NoAttrs{}, *this, other); }

}  // namespace ct
