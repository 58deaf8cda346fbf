// ops/select.cpp -- choosing between values: where, the larger and the smaller, bounds.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::ScalarAttrs;
using detail::wrapped_number;

namespace {

// y = x1 where x0, else x2
constexpr Op where_op{
    .name = "where",
    .node = "WhereBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx1 = g where x0, else 0; dx2 = 0 where x0, else g",
    .kernel = kernels::where_kernel,
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 1 ? where(s.x(0), g, 0) : where(s.x(0), 0, g); },
    .save = {0, X(0), X(0)},
    .promote = Promote::condition,
    .nondiff = 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}) > 0, call.uniform({3, 4}), call.uniform({3, 4})});
      call({call.uniform({3, 1}) > 0, call.uniform({4}), call.uniform({})});
    },
};

// Ties share the gradient. nan in one operand is the result, and gets the gradient with the other.
constexpr Op maximum_op{
    .name = "maximum",
    .node = "MaximumBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x0 > x1, g / 2 where equal, else 0; dx1 = g where x1 > x0, g / 2 where equal, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().maximum; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor &x = s.x(arg), &other = s.x(1 - arg);
      return where(x < other, 0, where(x == other, g / 2, g));
    },
    .save = {X(0) | X(1), X(0) | X(1)},
};

constexpr Op minimum_op{
    .name = "minimum",
    .node = "MinimumBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x0 < x1, g / 2 where equal, else 0; dx1 = g where x1 < x0, g / 2 where equal, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().minimum; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor &x = s.x(arg), &other = s.x(1 - arg);
      return where(x > other, 0, where(x == other, g / 2, g));
    },
    .save = {X(0) | X(1), X(0) | X(1)},
};

// Like maximum, but a number wins over nan; as in PyTorch a tie is the first operand's.
constexpr Op fmax_op{
    .name = "fmax",
    .node = "FmaxBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x0 >= x1 or x1 is nan, else 0; dx1 = the rest",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().fmax; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor first = logical_or(s.x(0) >= s.x(1), isnan(s.x(1)));
      return arg == 0 ? where(first, g, 0) : where(first, 0, g);
    },
    .save = {X(0) | X(1), X(0) | X(1)},
};

constexpr Op fmin_op{
    .name = "fmin",
    .node = "FminBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x0 <= x1 or x1 is nan, else 0; dx1 = the rest",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().fmin; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor first = logical_or(s.x(0) <= s.x(1), isnan(s.x(1)));
      return arg == 0 ? where(first, g, 0) : where(first, 0, g);
    },
    .save = {X(0) | X(1), X(0) | X(1)},
};

// ---- bounds: s = {min, max, bit 0: there is a min, bit 1: there is a max} ----------------------------

void clamp_samples(SampleSink& call) {
  call({call.uniform({3, 4})}, ScalarAttrs{{0, 1, 3}});
  call({call.uniform({3, 4})}, ScalarAttrs{{1, 0, 1}});
  call({call.uniform({3, 4})}, ScalarAttrs{{0, 1, 2}});
}
Tensor clamp_vjp(const Tensor& g, const Saved& s, int) { return detail::clamp_backward(g, s.x(0), s.attrs<ScalarAttrs>()); }

constexpr Op clamp_like(const char* name, const char* node, void (*samples)(SampleSink&)) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx = g where min <= x <= max, else 0";
  op.kernel = []() -> const kernels::Kernel& { return kernels::bounds().clamp; };
  op.vjp = clamp_vjp;
  op.save[0] = X(0);
  op.dtypes = Dtypes::no_bool;
  op.samples = samples;
  return op;
}
constexpr Op clamp_op = clamp_like("clamp", "ClampBackward1", clamp_samples);
constexpr Op clamp_min_op = clamp_like("clamp_min", "ClampMinBackward0", [](SampleSink& call) {
  call({call.uniform({3, 4})}, ScalarAttrs{{1, 0, 1}});
});
constexpr Op clamp_max_op = clamp_like("clamp_max", "ClampMaxBackward0", [](SampleSink& call) {
  call({call.uniform({3, 4})}, ScalarAttrs{{0, 1, 2}});
});

constexpr Op clamp_backward_op{
    .name = "clamp_backward",
    .node = "ClampBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where min <= x1 <= max, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().clamp_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return detail::clamp_backward(g, s.x(1), s.attrs<ScalarAttrs>()); },
    .save = {X(1)},
    .dtypes = Dtypes::floating,
    .nondiff = 1u << 1,  // where x1 lies is no slope: libtorch's mask has no history either
    .samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{-1, 1, 3}}); },
};

// y = min(max(x0, x1), x2)
constexpr Op clamp_tensor_op{
    .name = "clamp.Tensor",
    .node = "ClampBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x1 <= x0 <= x2; dx1 = g where x0 < x1 < x2; dx2 = g where x0 > x2 or x2 < x1; else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().clamp_tensors; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor &x = s.x(0), &low = s.x(1), &high = s.x(2);
      if (arg == 0) return where(logical_and(x >= low, x <= high), g, 0);
      if (arg == 1) return where(logical_and(x < low, low < high), g, 0);
      return where(logical_or(x > high, high < low), g, 0);
    },
    .save = {X(0) | X(1) | X(2), X(0) | X(1) | X(2), X(0) | X(1) | X(2)},
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({3, 4}, -1.5, 0), call.uniform({3, 4}, 0, 1.5)});
      call({call.uniform({3, 4}), call.uniform({4}), call.uniform({3, 1})});
    },
};

constexpr Op clamp_min_tensor_op{
    .name = "clamp_min.Tensor",
    .node = "ClampBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x0 >= x1, else 0; dx1 = g where x0 < x1, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().maximum; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? where(s.x(0) >= s.x(1), g, 0) : where(s.x(0) < s.x(1), g, 0);
    },
    .save = {X(0) | X(1), X(0) | X(1)},
};

constexpr Op clamp_max_tensor_op{
    .name = "clamp_max.Tensor",
    .node = "ClampBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x0 <= x1, else 0; dx1 = g where x0 > x1, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::bounds().minimum; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? where(s.x(0) <= s.x(1), g, 0) : where(s.x(0) > s.x(1), g, 0);
    },
    .save = {X(0) | X(1), X(0) | X(1)},
};

ScalarAttrs bounds_of(const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  CT_CHECK(min || max, "clamp: At least one of 'min' or 'max' must not be None\n  Give a lower bound, an upper bound, or both.");
  return {{min.value_or(0), max.value_or(0), (min ? 1 : 0) + (max ? 2 : 0)}};
}
Tensor clamp_with(const Op& op, const Tensor& self, const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  CT_CHECK(self.defined(), op.name, ": the tensor is undefined");
  const ScalarAttrs a = bounds_of(min, max);
  return apply_with(op, a, detail::to_result_type(self, {min ? &*min : &*max, max ? &*max : &*min}));
}
Tensor& clamp_in_place(const Op& op, const Tensor& self, const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  const ScalarAttrs a = bounds_of(min, max);
  if (min) detail::check_result_fits(op.name, self, *min);
  if (max) detail::check_result_fits(op.name, self, *max);
  return apply_inplace(op, a, self);
}

// A hard tanh is a clamp whose end points do not let the gradient pass.
Tensor hardtanh_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& bounds);
constexpr Op hardtanh_op{
    .name = "hardtanh",
    .node = "HardtanhBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx = g where min < x < max, else 0",
    .kernel = clamp_op.kernel,
    .vjp = [](const Tensor& g, const Saved& s, int) { return hardtanh_backward(g, s.x(0), s.attrs<ScalarAttrs>()); },
    .save = {X(0)},
    .dtypes = Dtypes::no_bool,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, ScalarAttrs{{-1, 1, 3}}); },
};
constexpr Op hardtanh_backward_op{
    .name = "hardtanh_backward",
    .node = "HardtanhBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where min < x1 < max, else 0; dx1 = 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().hardtanh_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? hardtanh_backward(g, s.x(1), s.attrs<ScalarAttrs>()) : zeros_like(g);
    },
    .save = {X(1)},
    .dtypes = Dtypes::floating,
    .samples = clamp_backward_op.samples,
};
Tensor hardtanh_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& bounds) {
  return apply_with(hardtanh_backward_op, bounds, g, x);
}

}  // namespace

std::span<const Op* const> select_ops() {
  static constexpr const Op* ops[] = {
      &where_op, &maximum_op, &minimum_op, &fmax_op, &fmin_op, &clamp_op, &clamp_min_op, &clamp_max_op, &clamp_backward_op,
      &clamp_tensor_op, &clamp_min_tensor_op, &clamp_max_tensor_op, &hardtanh_op, &hardtanh_backward_op};
  return ops;
}

Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other) {
  CT_CHECK(condition.defined(), "where: the condition is undefined");
  CT_CHECK_TYPE(condition.scalar_type() == kBool, "where: where expected condition to be a boolean tensor, but got a tensor with dtype ",
                condition.scalar_type(), "\n  Compare first: where(x > 0, ..), or convert with x.to(kBool).");
  return apply(where_op, condition, self, other);
}
Tensor where(const Tensor& c, const Scalar& self, const Tensor& other) { return where(c, wrapped_number(self), other); }
Tensor where(const Tensor& c, const Tensor& self, const Scalar& other) { return where(c, self, wrapped_number(other)); }
Tensor where(const Tensor& c, const Scalar& self, const Scalar& other) { return where(c, wrapped_number(self), wrapped_number(other)); }

Tensor maximum(const Tensor& self, const Tensor& other) { return apply(maximum_op, self, other); }
Tensor minimum(const Tensor& self, const Tensor& other) { return apply(minimum_op, self, other); }
Tensor fmax(const Tensor& self, const Tensor& other) { return apply(fmax_op, self, other); }
Tensor fmin(const Tensor& self, const Tensor& other) { return apply(fmin_op, self, other); }

Tensor clamp(const Tensor& self, const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  return clamp_with(clamp_op, self, min, max);
}
Tensor clip(const Tensor& self, const std::optional<Scalar>& min, const std::optional<Scalar>& max) { return clamp(self, min, max); }
Tensor clamp_min(const Tensor& self, const Scalar& min) { return clamp_with(clamp_min_op, self, min, std::nullopt); }
Tensor clamp_max(const Tensor& self, const Scalar& max) { return clamp_with(clamp_max_op, self, std::nullopt, max); }
Tensor clamp(const Tensor& self, const std::optional<Tensor>& min, const std::optional<Tensor>& max) {
  CT_CHECK(min || max, "clamp: At least one of 'min' or 'max' must not be None\n  Give a lower bound, an upper bound, or both.");
  if (!max) return apply(clamp_min_tensor_op, self, *min);
  if (!min) return apply(clamp_max_tensor_op, self, *max);
  return apply(clamp_tensor_op, self, *min, *max);
}
Tensor detail::clamp_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& bounds) {
  return apply_with(clamp_backward_op, bounds, g, x);
}

Tensor hardtanh(const Tensor& self, const Scalar& min_val, const Scalar& max_val) {
  CT_CHECK_VALUE(min_val.toDouble() <= max_val.toDouble(), "hardtanh: max_val must be larger than min_val, got ", min_val, " and ", max_val);
  return apply_with(hardtanh_op, ScalarAttrs{{min_val, max_val, 3}}, self);
}
Tensor relu6(const Tensor& self) { return hardtanh(self, 0, 6); }

Tensor& Tensor::clamp_(const std::optional<Scalar>& min, const std::optional<Scalar>& max) const {
  return clamp_in_place(clamp_op, *this, min, max);
}
Tensor& Tensor::clamp_min_(const Scalar& min) const { return clamp_in_place(clamp_min_op, *this, min, std::nullopt); }
Tensor& Tensor::clamp_max_(const Scalar& max) const { return clamp_in_place(clamp_max_op, *this, std::nullopt, max); }

}  // namespace ct
