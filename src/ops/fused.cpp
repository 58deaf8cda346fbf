// ops/fused.cpp -- reversed subtraction, addcmul, addcdiv, lerp, and the four operations into a given tensor.
#include "cotangent/autograd.h"
#include "kernels/cpu/arithmetic.h"
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using detail::ScalarAttrs;

namespace {

const Scalar& number(const Saved& s, int i = 0) { return s.attrs<ScalarAttrs>().s[i]; }

// y = x1 - alpha x0
constexpr Op rsub_op{
    .name = "rsub",
    .node = "RsubBackward0",
    .kind = OpKind::other,
    .formula = "dx0 = -alpha * g; dx1 = g",
    .forward = [](const Call& c) { return sub(c.x(1), c.x(0), c.attrs<ScalarAttrs>().s[0]); },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 1 ? g : number(s).equal(1) ? -g : g * -number(s); },
    .jvp = [](const Tensor* t, const Saved& s) {
      const Tensor by_0 = t[0].defined() ? t[0] * -number(s) : Tensor();
      return !t[1].defined() ? by_0 : by_0.defined() ? t[1] + by_0 : t[1];
    },
    .batch = [](const Batch& b) {
      const std::int64_t dim = std::max(b.dim(0), b.dim(1));
      Tensor x = detail::broadcastable(b, 0, dim), y = detail::broadcastable(b, 1, dim);
      if (x.scalar_type() != y.scalar_type() && b.size > 0) {  // an entry without dimensions counts less for the dtype
        const ScalarType t = result_type(b.x(0).select(0, 0), b.x(1).select(0, 0));
        x = x.to(t), y = y.to(t);
      }
      return sub(y, x, b.attrs<ScalarAttrs>().s[0]);
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{1}});
      call({call.uniform({3, 1}), call.uniform({4})}, ScalarAttrs{{-2.5}});
    },
};

// y = s[0] - s[1] x
constexpr Op rsub_number_op{
    .name = "rsub.Scalar",
    .node = "RsubBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx = -alpha * g",
    .kernel = []() -> const kernels::Kernel& { return kernels::fused().rsub; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return number(s, 1).equal(1) ? -g : g * -number(s, 1); },
    .dtypes = Dtypes::no_bool,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, ScalarAttrs{{1, 1}});
      call({call.uniform({3, 4})}, ScalarAttrs{{3, -2}});
    },
};

void three(SampleSink& call) {
  call({call.uniform({3, 4}), call.uniform({3, 4}), call.uniform({3, 4}, 0.5, 2)}, ScalarAttrs{{1}});
  call({call.uniform({3, 1}), call.uniform({4}), call.uniform({3, 4}, 0.5, 2)}, ScalarAttrs{{-2}});
}

// y = x0 + v x1 x2
constexpr Op addcmul_op{
    .name = "addcmul",
    .node = "AddcmulBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g; dx1 = g * value * x2; dx2 = g * value * x1",
    .kernel = []() -> const kernels::Kernel& { return kernels::fused().addcmul; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? g : g * (s.x(3 - arg) * number(s)); },
    .save = {0, X(2), X(1)},
    .dtypes = Dtypes::no_bool,
    .samples = three,
};

// y = x0 + v x1 / x2
constexpr Op addcdiv_op{
    .name = "addcdiv",
    .node = "AddcdivBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g; dx1 = g * value / x2; dx2 = -g * value * x1 / x2^2",
    .kernel = []() -> const kernels::Kernel& { return kernels::fused().addcdiv; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? g : arg == 1 ? g * (number(s) / s.x(2)) : -g * ((s.x(1) * number(s)) / (s.x(2) * s.x(2)));
    },
    .save = {0, X(2), X(1) | X(2)},
    .dtypes = Dtypes::floating,
    .samples = three,
};

// y = x0 + x2 (x1 - x0)
constexpr Op lerp_op{
    .name = "lerp",
    .node = "LerpBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * (1 - x2); dx1 = g * x2; dx2 = g * (x1 - x0)",
    .kernel = []() -> const kernels::Kernel& { return kernels::fused().lerp; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? g * (1 - s.x(2)) : arg == 1 ? g * s.x(2) : g * (s.x(1) - s.x(0));
    },
    .save = {X(2), X(2), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = three,
};
// y = x0 + s[0] (x1 - x0)
constexpr Op lerp_number_op{
    .name = "lerp.Scalar",
    .node = "LerpBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * (1 - weight); dx1 = g * weight",
    .kernel = []() -> const kernels::Kernel& { return kernels::fused().lerp_number; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const double weight = number(s).toDouble();
      return g * (arg == 0 ? 1 - weight : weight);
    },
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{0.25}});
      call({call.uniform({3, 1}), call.uniform({4})}, ScalarAttrs{{1.5}});
    },
};

void check_same_dtype(const Tensor& self, const Tensor& other, const char* name) {
  CT_CHECK_TYPE(!self.defined() || !other.defined() || self.scalar_type() == other.scalar_type(), "lerp: expected dtype ", self.scalar_type(),
                " for `", name, "` but got dtype ", other.scalar_type());
}
void check_addcdiv(const Tensor& a, const Tensor& b) {
  CT_CHECK_TYPE(!a.defined() || !b.defined() || a.is_floating_point() || b.is_floating_point(),
                "addcdiv: Integer division with addcdiv is no longer supported\n  Convert tensor1 or tensor2 with x.to(kFloat), or write self + "
                "value * div(tensor1, tensor2, \"trunc\").");
}

// ---- into a given tensor -----------------------------------------------------------------------------

// The kernels of arithmetic.cpp without gradients: nothing is recorded here.
constexpr Op out_op(const char* name, const kernels::Kernel& (*kernel)(), Promote promote = Promote::same) {
  Op op{.name = name};
  op.kind = OpKind::elementwise;
  op.kernel = kernel;
  op.promote = promote;
  return op;
}
constexpr Op add_into = out_op("add", []() -> const kernels::Kernel& { return kernels::arithmetic().add; });
constexpr Op sub_into = out_op("sub", []() -> const kernels::Kernel& { return kernels::arithmetic().sub; });
constexpr Op mul_into = out_op("mul", []() -> const kernels::Kernel& { return kernels::arithmetic().mul; });
constexpr Op div_into = out_op("div", []() -> const kernels::Kernel& { return kernels::arithmetic().div; }, Promote::to_float);

// out = op(self, other); `out` takes the result's shape if its own is another.
Tensor& write_into(const Op& op, Tensor& out, const Tensor& self, const Tensor& other, const Scalar& alpha) {
  CT_CHECK(out.defined() && self.defined() && other.defined(), op.name, ": a tensor is undefined");
  CT_CHECK(!is_grad_enabled() || !(out.requires_grad() || self.requires_grad() || other.requires_grad()), op.name,
           "(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.\n"
           "  Use the function that returns its result, or a NoGradGuard.");
  detail::refuse_layered_out(op.name, {&out, &self, &other});
  detail::Dims shape;
  detail::broadcast(shape, self.sizes(), op.name);
  detail::broadcast(shape, other.sizes(), op.name);
  ScalarType t = result_type(self, other);
  if (op.promote == Promote::to_float && !isFloatingType(t)) t = get_default_dtype();
  CT_CHECK(can_cast(t, out.scalar_type()), op.name, ": result type ", t, " can't be cast to the desired output type ", out.scalar_type());
  if (!(out.sizes() == shape)) {
    CT_CHECK(!out.is_alias_of(self) && !out.is_alias_of(other), op.name, ": out has shape ", out.sizes(), ", the result ", IntArrayRef(shape),
             ", and it shares memory with an operand, so that it cannot be resized");
    out.resize_(shape);
  }
  const Tensor* in[] = {&self, &other};
  const ScalarAttrs attrs{{alpha}};
  detail::elementwise_into(op, out, in, 2, &attrs);
  detail::impl(out)->storage->bump_version("out=", detail::user_address());
  return out;
}

}  // namespace

std::span<const Op* const> fused_ops() {
  static constexpr const Op* ops[] = {&rsub_op, &rsub_number_op, &addcmul_op, &addcdiv_op, &lerp_op, &lerp_number_op};
  return ops;
}

Tensor rsub(const Tensor& self, const Tensor& other, const Scalar& alpha) { return apply_with(rsub_op, ScalarAttrs{{alpha}}, self, other); }
Tensor rsub(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  CT_CHECK(self.defined(), "rsub: the tensor is undefined");
  CT_CHECK_TYPE(self.scalar_type() != kBool, "rsub: Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
                "invert a mask, use the `~` or `logical_not()` operator instead.");
  detail::check_factor("rsub", "alpha", alpha, {&self});
  return apply_with(rsub_number_op, ScalarAttrs{{other, alpha}}, detail::to_result_type(self, {&other}));
}

Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, const Scalar& value) {
  detail::check_factor("addcmul", "value", value, {&self, &tensor1, &tensor2});
  return apply_with(addcmul_op, ScalarAttrs{{value}}, self, tensor1, tensor2);
}
Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, const Scalar& value) {
  check_addcdiv(tensor1, tensor2);
  return apply_with(addcdiv_op, ScalarAttrs{{value}}, self, tensor1, tensor2);
}
Tensor lerp(const Tensor& self, const Tensor& end, const Tensor& weight) {
  check_same_dtype(self, end, "end");
  check_same_dtype(self, weight, "weight");
  return apply(lerp_op, self, end, weight);
}
Tensor lerp(const Tensor& self, const Tensor& end, const Scalar& weight) {
  check_same_dtype(self, end, "end");
  return apply_with(lerp_number_op, ScalarAttrs{{weight}}, self, end);
}

Tensor& Tensor::addcmul_(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value) const {
  detail::check_factor("addcmul_", "value", value, {this, &tensor1, &tensor2});
  return apply_inplace(addcmul_op, ScalarAttrs{{value}}, *this, tensor1, tensor2);
}
Tensor& Tensor::addcdiv_(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value) const {
  check_addcdiv(tensor1, tensor2);
  return apply_inplace(addcdiv_op, ScalarAttrs{{value}}, *this, tensor1, tensor2);
}
Tensor& Tensor::lerp_(const Tensor& end, const Tensor& weight) const {
  check_same_dtype(*this, end, "end");
  check_same_dtype(*this, weight, "weight");
  return apply_inplace(lerp_op, NoAttrs{}, *this, end, weight);
}
Tensor& Tensor::lerp_(const Tensor& end, const Scalar& weight) const {
  check_same_dtype(*this, end, "end");
  return apply_inplace(lerp_number_op, ScalarAttrs{{weight}}, *this, end);
}

Tensor& add_out(Tensor& out, const Tensor& self, const Tensor& other, const Scalar& alpha) {
  detail::check_factor("add", "alpha", alpha, {&self, &other});
  return write_into(add_into, out, self, other, alpha);
}
Tensor& sub_out(Tensor& out, const Tensor& self, const Tensor& other, const Scalar& alpha) {
  detail::check_factor("sub", "alpha", alpha, {&self, &other});
  return write_into(sub_into, out, self, other, alpha);
}
Tensor& mul_out(Tensor& out, const Tensor& self, const Tensor& other) { return write_into(mul_into, out, self, other, 1); }
Tensor& div_out(Tensor& out, const Tensor& self, const Tensor& other) { return write_into(div_into, out, self, other, 1); }

}  // namespace ct
