// ops/pow.cpp -- powers: tensor**number, tensor**tensor, number**tensor.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;
using detail::wrapped_number;

namespace {

// y = x^e; saves x alone, so that x**2 costs no more than x * x
constexpr Op pow_number_op{
    .name = "pow",
    .node = "PowBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g * e * x^(e - 1); 0 for e = 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::power().pow_number; },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const Scalar& e = s.attrs<ScalarAttrs>().s[0];
      if (e.equal(0)) return zeros_like(g);
      const Scalar less = e.isFloatingPoint() ? Scalar(e.toDouble() - 1) : Scalar(e.toLong() - 1);
      return g * ((e.equal(2) ? s.x(0) : pow(s.x(0), less)) * e);
    },
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      for (double e : {2.0, 3.0, 4.0, -1.0, -2.0}) call({call.uniform({3, 4}, -2, -0.5)}, ScalarAttrs{{e}});
      for (double e : {0.5, -0.5, 1.7, 1.0, 0.0}) call({call.uniform({2, 3}, 0.5, 2)}, ScalarAttrs{{e}});
    },
};

// The same of integers, which have no gradient: modulo 2^64.
constexpr Op int_pow_op{
    .name = "pow.integer",
    .kind = OpKind::elementwise,
    .kernel = pow_number_op.kernel,
    .dtypes = Dtypes::integral,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}, -5, 5).to(kLong)}, ScalarAttrs{{3}}); },
};

// The gradient of x0^x1 by x1: y log(x0), and 0 where x0 = 0 and x1 >= 0.
Tensor by_exponent(const Tensor& g, const Saved& s) {
  const Tensor &x = s.x(0), &e = s.x(1), &y = s.y();
  return where(logical_and(x == 0, e >= 0), 0, g * (y * log(x)));
}

// y = x0^x1; 0^0 = 1
constexpr Op pow_op{
    .name = "pow.Tensor",
    .node = "PowBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * x1 * x0^(x1 - 1), 0 where x1 = 0; dx1 = g * y * log(x0), 0 where x0 = 0 <= x1",
    .kernel = []() -> const kernels::Kernel& { return kernels::power().pow; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 1) return by_exponent(g, s);
      return where(s.x(1) == 0, 0, g * (s.x(1) * pow(s.x(0), s.x(1) - 1)));
    },
    .save = {X(0) | X(1), X(0) | X(1) | Y()},
    .domain = {{0.5, 2}, {-2, 2}},
};

// The same with a number for x0.
constexpr Op pow_of_number_op{
    .name = "pow.Scalar",
    .node = "PowBackward2",
    .kind = OpKind::elementwise,
    .formula = "dx1 = g * y * log(x0), 0 where x0 = 0 <= x1",
    .kernel = []() -> const kernels::Kernel& { return kernels::power().pow; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return by_exponent(g, s); },
    .save = {0, X(0) | X(1) | Y()},
    .nondiff = 1,
    .samples = [](SampleSink& call) { call({call.uniform({}, 0.5, 2), call.uniform({3, 4})}); },
};

void check_exponent(const Tensor& x, const Scalar& e) {
  CT_CHECK(e.isFloatingPoint() || e.toLong() >= 0 || isFloatingType(x.scalar_type()),
           "pow: Integers to negative integer powers are not allowed.\n  The tensor has dtype ", x.scalar_type(), ", the exponent is ", e,
           "; convert the tensor with x.to(kFloat), or write the exponent as a floating number.");
}

}  // namespace

std::span<const Op* const> pow_ops() {
  static constexpr const Op* ops[] = {&pow_number_op, &int_pow_op, &pow_op, &pow_of_number_op};
  return ops;
}

Tensor pow(const Tensor& self, const Scalar& exponent) {
  CT_CHECK(self.defined(), "pow: the tensor is undefined");
  check_exponent(self, exponent);
  const Tensor x = detail::to_result_type(self, {&exponent});
  return apply_with(x.is_floating_point() ? pow_number_op : int_pow_op, ScalarAttrs{{exponent}}, x);
}
Tensor pow(const Tensor& self, const Tensor& exponent) { return apply(pow_op, self, exponent); }
Tensor pow(const Scalar& self, const Tensor& exponent) { return apply(pow_of_number_op, wrapped_number(self), exponent); }
Tensor square(const Tensor& self) { return pow(self, 2); }

Tensor& Tensor::pow_(const Scalar& exponent) const {
  check_exponent(*this, exponent);
  detail::check_result_fits("pow_", *this, exponent);
  return apply_inplace(is_floating_point() ? pow_number_op : int_pow_op, ScalarAttrs{{exponent}}, *this);
}
Tensor& Tensor::pow_(const Tensor& exponent) const { return apply_inplace(pow_op, NoAttrs{}, *this, exponent); }
Tensor& Tensor::square_() const { return pow_(2); }

}  // namespace ct
