// ops/arithmetic.cpp -- the four operations, with a factor.
#include "kernels/cpu/arithmetic.h"

#include "autograd/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;
using detail::wrapped_number;

namespace {

const Scalar& alpha_of(const Saved& s) { return s.attrs<ScalarAttrs>().s[0]; }

// y = x0 + alpha x1
constexpr Op add_op{
    .name = "add",
    .node = "AddBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g; dx1 = alpha * g",
    .kernel = [] () -> const kernels::Kernel& { return kernels::arithmetic().add; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 || alpha_of(s).equal(1) ? g : g * alpha_of(s); },
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{1}});
      call({call.uniform({3, 1}), call.uniform({4})}, ScalarAttrs{{-2.5}});
      call({call.uniform({}), call.uniform({2, 0})}, ScalarAttrs{{2}});
    },
};

// y = x0 - alpha x1
constexpr Op sub_op{
    .name = "sub",
    .node = "SubBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g; dx1 = -alpha * g",
    .kernel = [] () -> const kernels::Kernel& { return kernels::arithmetic().sub; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? g : alpha_of(s).equal(1) ? -g : g * -alpha_of(s); },
    .dtypes = Dtypes::no_bool,
    .samples = add_op.samples,
};

// y = x0 x1
constexpr Op mul_op{
    .name = "mul",
    .node = "MulBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * x1; dx1 = g * x0",
    .kernel = [] () -> const kernels::Kernel& { return kernels::arithmetic().mul; },
    .deriv = [](const Saved& s, int arg) { return s.x(1 - arg); },
    .save = {X(1), X(0)},
};

// y = x0 / x1; integers divide as floating numbers
constexpr Op div_op{
    .name = "div",
    .node = "DivBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g / x1; dx1 = -g * x0 / x1^2",
    .kernel = [] () -> const kernels::Kernel& { return kernels::arithmetic().div; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? g / s.x(1) : -g * ((s.x(0) / s.x(1)) / s.x(1));
    },
    .save = {X(1), X(0) | X(1)},
    .promote = Promote::to_float,
    .domain = {{-2, 2}, {0.5, 2}},
};

constexpr Op neg_op{
    .name = "neg",
    .node = "NegBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = -g",
    .kernel = [] () -> const kernels::Kernel& { return kernels::arithmetic().neg; },
    .vjp = [](const Tensor& g, const Saved&, int) { return -g; },
    .dtypes = Dtypes::no_bool,
};

// y = 1 / x
constexpr Op reciprocal_op{
    .name = "reciprocal",
    .node = "ReciprocalBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = -g * y^2",
    .kernel = [] () -> const kernels::Kernel& { return kernels::arithmetic().reciprocal; },
    .deriv = [](const Saved& s, int) { return -(s.y() * s.y()); },
    .save = {Y()},
    .promote = Promote::to_float,
    .domain = {{0.5, 2}},
};

// A factor must not be of a higher category than the result.
void check_alpha(const char* op, const Tensor& a, const Tensor& b, const Scalar& alpha) {
  if (alpha.isIntegral(false) || !a.defined() || !b.defined()) return;
  CT_CHECK(!alpha.isFloatingPoint() || a.is_floating_point() || b.is_floating_point(), op, ": For integral input tensors, argument alpha must not be a "
           "floating point number, and it is ", alpha);
  CT_CHECK(!alpha.isBoolean() || (a.scalar_type() == kBool && b.scalar_type() == kBool), op, ": Boolean alpha only supported for Boolean results.");
}

void check_sub(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  if (a.defined() && b.defined()) {
    const bool x = a.scalar_type() == kBool, y = b.scalar_type() == kBool;
    CT_CHECK_TYPE(!(x && y), "sub: Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.");
    CT_CHECK_TYPE(!(x || y), "sub: Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
                  "`logical_not()` operator instead.");
  }
  check_alpha("sub", a, b, alpha);
}

}  // namespace

std::span<const Op* const> arithmetic_ops() {
  static constexpr const Op* ops[] = {&add_op, &sub_op, &mul_op, &div_op, &neg_op, &reciprocal_op};
  return ops;
}

Tensor add(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  check_alpha("add", self, other, alpha);
  return apply_with(add_op, ScalarAttrs{{alpha}}, self, other);
}
Tensor add(const Tensor& self, const Scalar& other, const Scalar& alpha) { return add(self, wrapped_number(other), alpha); }
Tensor sub(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  check_sub(self, other, alpha);
  return apply_with(sub_op, ScalarAttrs{{alpha}}, self, other);
}
Tensor sub(const Tensor& self, const Scalar& other, const Scalar& alpha) { return sub(self, wrapped_number(other), alpha); }
Tensor mul(const Tensor& self, const Tensor& other) { return apply(mul_op, self, other); }
Tensor mul(const Tensor& self, const Scalar& other) { return mul(self, wrapped_number(other)); }
Tensor div(const Tensor& self, const Tensor& other) { return apply(div_op, self, other); }
Tensor div(const Tensor& self, const Scalar& other) { return div(self, wrapped_number(other)); }
Tensor neg(const Tensor& self) {
  CT_CHECK_TYPE(!self.defined() || self.scalar_type() != kBool, "neg: Negation, the `-` operator, on a bool tensor is not supported. If you are "
                "trying to invert a mask, use the `~` or `logical_not()` operator instead.");
  return apply(neg_op, self);
}
Tensor reciprocal(const Tensor& self) { return apply(reciprocal_op, self); }

Tensor& Tensor::add_(const Tensor& o, const Scalar& alpha) const {
  check_alpha("add_", *this, o, alpha);
  return apply_inplace(add_op, ScalarAttrs{{alpha}}, *this, o);
}
Tensor& Tensor::add_(const Scalar& o, const Scalar& alpha) const { return add_(wrapped_number(o), alpha); }
Tensor& Tensor::sub_(const Tensor& o, const Scalar& alpha) const {
  check_sub(*this, o, alpha);
  return apply_inplace(sub_op, ScalarAttrs{{alpha}}, *this, o);
}
Tensor& Tensor::sub_(const Scalar& o, const Scalar& alpha) const { return sub_(wrapped_number(o), alpha); }
Tensor& Tensor::mul_(const Tensor& o) const { return apply_inplace(mul_op, NoAttrs{}, *this, o); }
Tensor& Tensor::mul_(const Scalar& o) const { return mul_(wrapped_number(o)); }
Tensor& Tensor::div_(const Tensor& o) const { return apply_inplace(div_op, NoAttrs{}, *this, o); }
Tensor& Tensor::div_(const Scalar& o) const { return div_(wrapped_number(o)); }
Tensor& Tensor::neg_() const { return apply_inplace(neg_op, NoAttrs{}, *this); }
Tensor& Tensor::reciprocal_() const { return apply_inplace(reciprocal_op, NoAttrs{}, *this); }

}  // namespace ct
