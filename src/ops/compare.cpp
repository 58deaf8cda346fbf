// ops/compare.cpp -- comparisons, classification, logic and bits, and the dtype that operands have in common.
#include "autograd/layers.h"
#include "kernels/cpu/elementwise.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

#include <cstring>

namespace ct {

using detail::impl;
using detail::ScalarAttrs;
using detail::wrapped_number;

namespace {

// Out of place the result is kBool, which has no gradient. In place, x.lt_(y) leaves zeros and ones of x's dtype: the
// node cuts x off from its history.
Tensor no_slope(const Tensor& g, const Saved&, int) { return zeros_like(g); }
void two(SampleSink& call) {
  call({call.uniform({3, 4}), call.uniform({3, 4})});
  call({call.uniform({3, 1}), call.uniform({4})});
}
void one(SampleSink& call) { call({call.uniform({3, 4})}); }

constexpr Op comparison(const char* name, const char* node, const kernels::Kernel& (*kernel)()) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx0 = 0; dx1 = 0";
  op.kernel = kernel;
  op.vjp = no_slope;
  op.promote = Promote::compare;
  op.samples = two;
  return op;
}
constexpr Op relation(const char* name, const kernels::Kernel& (*kernel)(), void (*samples)(SampleSink&), Promote promote = Promote::compare) {
  Op op{.name = name};
  op.kind = OpKind::elementwise;
  op.kernel = kernel;
  op.promote = promote;
  op.samples = samples;
  return op;
}
void integers(SampleSink& call) {
  const Tensor x = (call.uniform({3, 4}, 0, 100)).to(kLong), y = (call.uniform({3, 4}, 0, 8)).to(kLong);
  call({x, y});
}
void integer(SampleSink& call) { call({(call.uniform({3, 4}, 0, 100)).to(kLong)}); }

#define CT_KERNEL(table, name) []() -> const kernels::Kernel& { return kernels::table().name; }
constexpr Op eq_op = comparison("eq", "EqBackward1", CT_KERNEL(compare, eq));
constexpr Op ne_op = comparison("ne", "NeBackward1", CT_KERNEL(compare, ne));
constexpr Op lt_op = comparison("lt", "LtBackward1", CT_KERNEL(compare, lt));
constexpr Op le_op = comparison("le", "LeBackward1", CT_KERNEL(compare, le));
constexpr Op gt_op = comparison("gt", "GtBackward1", CT_KERNEL(compare, gt));
constexpr Op ge_op = comparison("ge", "GeBackward1", CT_KERNEL(compare, ge));

// |x0 - x1| <= atol + |rtol x1|, or equal; s = {rtol, atol, whether nan equals nan}
constexpr Op isclose_op = relation("isclose", CT_KERNEL(compare, isclose), [](SampleSink& call) {
  const Tensor x = call.uniform({3, 4});
  call({x, x * (1 + 2e-3)}, ScalarAttrs{{1e-3, 1e-3, false}});
});
constexpr Op isnan_op = relation("isnan", CT_KERNEL(compare, isnan), one);
constexpr Op isinf_op = relation("isinf", CT_KERNEL(compare, isinf), one);
constexpr Op isfinite_op = relation("isfinite", CT_KERNEL(compare, isfinite), one);
constexpr Op isposinf_op = relation("isposinf", CT_KERNEL(compare, isposinf), one);
constexpr Op isneginf_op = relation("isneginf", CT_KERNEL(compare, isneginf), one);
constexpr Op signbit_op = relation("signbit", CT_KERNEL(compare, signbit), one);
constexpr Op logical_and_op = relation("logical_and", CT_KERNEL(compare, logical_and), two);
constexpr Op logical_or_op = relation("logical_or", CT_KERNEL(compare, logical_or), two);
constexpr Op logical_xor_op = relation("logical_xor", CT_KERNEL(compare, logical_xor), two);
constexpr Op logical_not_op = relation("logical_not", CT_KERNEL(compare, logical_not), one);

constexpr Op bitwise(const char* name, const kernels::Kernel& (*kernel)(), void (*samples)(SampleSink&)) {
  Op op = relation(name, kernel, samples, Promote::same);
  op.dtypes = Dtypes::integral;
  return op;
}
constexpr Op bitwise_and_op = bitwise("bitwise_and", CT_KERNEL(bitwise, bit_and), integers);
constexpr Op bitwise_or_op = bitwise("bitwise_or", CT_KERNEL(bitwise, bit_or), integers);
constexpr Op bitwise_xor_op = bitwise("bitwise_xor", CT_KERNEL(bitwise, bit_xor), integers);
constexpr Op bitwise_not_op = bitwise("bitwise_not", CT_KERNEL(bitwise, bit_not), integer);
constexpr Op bitwise_left_shift_op = bitwise("bitwise_left_shift", CT_KERNEL(bitwise, left_shift), integers);
constexpr Op bitwise_right_shift_op = bitwise("bitwise_right_shift", CT_KERNEL(bitwise, right_shift), integers);
#undef CT_KERNEL

}  // namespace

std::span<const Op* const> compare_ops() {
  static constexpr const Op* ops[] = {
      &eq_op, &ne_op, &lt_op, &le_op, &gt_op, &ge_op, &isclose_op, &isnan_op, &isinf_op, &isfinite_op, &isposinf_op, &isneginf_op,
      &signbit_op, &logical_and_op, &logical_or_op, &logical_xor_op, &logical_not_op, &bitwise_and_op, &bitwise_or_op, &bitwise_xor_op,
      &bitwise_not_op, &bitwise_left_shift_op, &bitwise_right_shift_op};
  return ops;
}

// ---- dtypes ------------------------------------------------------------------------------------------

ScalarType result_type(const Tensor& a, const Tensor& b) {
  CT_CHECK(a.defined() && b.defined(), "result_type: a tensor is undefined");
  const Tensor* in[] = {&a, &b};
  return detail::promoted_dtype(in, 2);
}
ScalarType result_type(const Tensor& a, const Scalar& b) { return result_type(a, wrapped_number(b)); }

Tensor detail::to_result_type(const Tensor& x, std::initializer_list<const Scalar*> numbers) {
  ScalarType t = x.scalar_type();
  // A number changes the dtype only if it is of a higher category: bool < integer < floating.
  for (const Scalar* s : numbers)
    if (s->isFloatingPoint() ? !isFloatingType(t) : t == kBool && !s->isBoolean()) t = s->isFloatingPoint() ? get_default_dtype() : kLong;
  return x.to(t);
}

void detail::check_result_fits(const char* op, const Tensor& self, const Scalar& number) {
  CT_CHECK(self.defined(), op, ": the tensor is undefined");
  const ScalarType t = result_type(self, number);
  CT_CHECK(can_cast(t, self.scalar_type()), op, ": result type ", t, " can't be cast to the desired output type ", self.scalar_type(),
           "\n  Convert the tensor first, or use the out-of-place form.");
}

void detail::check_factor_slow(const char* op, const char* name, const Scalar& factor, std::initializer_list<const Tensor*> operands) {
  bool floating = false, boolean = true;
  for (const Tensor* t : operands) {
    if (!t->defined()) return;
    floating |= t->is_floating_point();
    boolean &= t->scalar_type() == kBool;
  }
  CT_CHECK_TYPE(floating || !factor.isFloatingPoint(), op, ": For integral input tensors, argument ", name,
                " must not be a floating point number.\n  It is ", factor, "; convert a tensor with x.to(kFloat) first.");
  CT_CHECK_TYPE(boolean || !factor.isBoolean(), op, ": Boolean ", name, " only supported for Boolean results.");
}

bool detail::all_true(const Tensor& condition) {
  if (is_batched(condition)) return all_true(layers(condition)->value);  // in all entries
  const TensorImpl* t = impl(condition);
  return t->numel == 0 || !std::memchr(t->data, 0, static_cast<std::size_t>(t->numel));
}

// ---- comparisons -------------------------------------------------------------------------------------

#define CT_COMPARISON(name)                                                                              \
  Tensor name(const Tensor& self, const Tensor& other) { return apply(name##_op, self, other); }         \
  Tensor name(const Tensor& self, const Scalar& other) { return name(self, wrapped_number(other)); }     \
  Tensor& Tensor::name##_(const Tensor& o) const { return apply_inplace(name##_op, NoAttrs{}, *this, o); } \
  Tensor& Tensor::name##_(const Scalar& o) const { return name##_(wrapped_number(o)); }
CT_COMPARISON(eq)
CT_COMPARISON(ne)
CT_COMPARISON(lt)
CT_COMPARISON(le)
CT_COMPARISON(gt)
CT_COMPARISON(ge)
#undef CT_COMPARISON

Tensor isclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  CT_CHECK(self.defined() && other.defined(), "isclose: a tensor is undefined");
  CT_CHECK_TYPE(self.scalar_type() == other.scalar_type(), "isclose: ", self.scalar_type(), " did not match ", other.scalar_type(),
                "\n  Both tensors must have one dtype; convert one with x.to(y.dtype()).");
  CT_CHECK_VALUE(rtol >= 0, "isclose: rtol must be greater than or equal to zero, but got ", rtol);
  CT_CHECK_VALUE(atol >= 0, "isclose: atol must be greater than or equal to zero, but got ", atol);
  return apply_with(isclose_op, ScalarAttrs{{rtol, atol, equal_nan}}, self, other);
}
bool allclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  for (const Tensor* t : {&self, &other}) detail::refuse_batched("allclose", *t, "isclose() compares element by element");
  return detail::all_true(isclose(self, other, rtol, atol, equal_nan));
}
bool equal(const Tensor& self, const Tensor& other) {
  CT_CHECK(self.defined() && other.defined(), "equal: a tensor is undefined");
  for (const Tensor* t : {&self, &other}) detail::refuse_batched("equal", *t, "eq() compares element by element");
  return self.sizes() == other.sizes() && detail::all_true(eq(self, other));
}

#define CT_UNARY(name) Tensor name(const Tensor& self) { return apply(name##_op, self); }
#define CT_BINARY(name) Tensor name(const Tensor& self, const Tensor& other) { return apply(name##_op, self, other); }
#define CT_INPLACE(name) Tensor& Tensor::name##_(const Tensor& other) const { return apply_inplace(name##_op, NoAttrs{}, *this, other); }
CT_UNARY(isnan)
CT_UNARY(isinf)
CT_UNARY(isfinite)
CT_UNARY(isposinf)
CT_UNARY(isneginf)
CT_UNARY(signbit)
CT_UNARY(logical_not)
CT_UNARY(bitwise_not)
CT_BINARY(logical_and)
CT_BINARY(logical_or)
CT_BINARY(logical_xor)
CT_BINARY(bitwise_and)
CT_BINARY(bitwise_or)
CT_BINARY(bitwise_xor)
CT_BINARY(bitwise_left_shift)
CT_BINARY(bitwise_right_shift)
CT_INPLACE(logical_and)
CT_INPLACE(logical_or)
CT_INPLACE(logical_xor)
CT_INPLACE(bitwise_and)
CT_INPLACE(bitwise_or)
CT_INPLACE(bitwise_xor)
#undef CT_UNARY
#undef CT_BINARY
#undef CT_INPLACE
Tensor& Tensor::logical_not_() const { return apply_inplace(logical_not_op, NoAttrs{}, *this); }
Tensor& Tensor::bitwise_not_() const { return apply_inplace(bitwise_not_op, NoAttrs{}, *this); }

}  // namespace ct
