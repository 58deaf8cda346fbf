// ops/division.cpp -- divisions that round, and their remainders.
#include "kernels/cpu/elementwise.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"

namespace ct {

using detail::wrapped_number;

namespace {

Tensor no_slope(const Tensor& g, const Saved&, int) { return zeros_like(g); }

// Quotients are steps: no slope anywhere.
constexpr Op rounded(const char* name, const char* node, const kernels::Kernel& (*kernel)()) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx0 = 0; dx1 = 0";
  op.kernel = kernel;
  op.vjp = no_slope;
  op.save[0] = X(1);  // read by nobody: PyTorch saves them, and so a second backward fails in both
  op.save[1] = X(0) | X(1);
  op.dtypes = Dtypes::no_bool;
  op.arity = 2;
  op.domain[0] = {1.1, 1.4};
  op.domain[1] = {0.75, 1};
  return op;
}
constexpr Op div_trunc_op = rounded("div.trunc", "DivBackward2", []() -> const kernels::Kernel& { return kernels::division().trunc_divide; });
constexpr Op div_floor_op = rounded("div.floor", "DivBackward2", []() -> const kernels::Kernel& { return kernels::division().floor_divide; });
// PyTorch has no derivative for this one; zero is what div(.., "floor") has.
constexpr Op floor_divide_op = rounded("floor_divide", "FloorDivideBackward0", div_floor_op.kernel);

// y = x0 - x1 floor(x0 / x1): the sign of x1
constexpr Op remainder_op{
    .name = "remainder",
    .node = "RemainderBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g; dx1 = -g * floor(x0 / x1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::division().remainder; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? g : -g * div(s.x(0), s.x(1), "floor"); },
    .save = {0, X(0) | X(1)},
    .dtypes = Dtypes::no_bool,
    .domain = {{1.1, 1.4}, {0.75, 1}},
};

// y = x0 - x1 trunc(x0 / x1): the sign of x0
constexpr Op fmod_op{
    .name = "fmod",
    .node = "FmodBackward1",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g; dx1 = -g * trunc(x0 / x1)",
    .kernel = []() -> const kernels::Kernel& { return kernels::division().fmod; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? g : -g * div(s.x(0), s.x(1), "trunc"); },
    .save = {0, X(0) | X(1)},
    .dtypes = Dtypes::no_bool,
    .domain = {{-1.4, -1.1}, {0.75, 1}},
};

// By a number the node has another name.
constexpr Op with_node(Op op, const char* name, const char* node) {
  op.name = name;
  op.node = node;
  op.save[1] = 0;
  op.nondiff = 2;
  op.samples = [](SampleSink& call) { call({call.uniform({3, 4}, 1.1, 1.4), call.uniform({}, 0.75, 1)}); };
  return op;
}
constexpr Op remainder_number_op = with_node(remainder_op, "remainder.Scalar", "RemainderBackward0");
constexpr Op fmod_number_op = with_node(fmod_op, "fmod.Scalar", "FmodBackward0");

// Integers have no infinity to answer with.
const Op& checked(const Op& op, const Tensor& x, const Tensor& y) {
  if (!x.defined() || !y.defined() || isFloatingType(result_type(x, y)) || x.numel() == 0) return op;
  CT_CHECK(detail::all_true(ne(y, 0)), op.name, ": ZeroDivisionError: an integer divided by zero\n  Floating numbers give inf or nan "
           "instead; convert a tensor with x.to(kFloat), or mask the zeros.");
  return op;
}

const Op* rounding_op(std::optional<std::string_view> mode) {
  if (!mode) return nullptr;
  CT_CHECK_VALUE(*mode == "trunc" || *mode == "floor", "div: div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '",
                 *mode, "'");
  return *mode == "trunc" ? &div_trunc_op : &div_floor_op;
}

}  // namespace

std::span<const Op* const> division_ops() {
  static constexpr const Op* ops[] = {&div_trunc_op, &div_floor_op, &floor_divide_op, &remainder_op, &remainder_number_op, &fmod_op, &fmod_number_op};
  return ops;
}

Tensor div(const Tensor& self, const Tensor& other, std::optional<std::string_view> rounding_mode) {
  const Op* op = rounding_op(rounding_mode);
  return op ? apply(checked(*op, self, other), self, other) : div(self, other);
}
Tensor div(const Tensor& self, const Scalar& other, std::optional<std::string_view> rounding_mode) {
  return div(self, wrapped_number(other), rounding_mode);
}
Tensor floor_divide(const Tensor& self, const Tensor& other) { return apply(checked(floor_divide_op, self, other), self, other); }
Tensor floor_divide(const Tensor& self, const Scalar& other) { return floor_divide(self, wrapped_number(other)); }
Tensor remainder(const Tensor& self, const Tensor& other) { return apply(checked(remainder_op, self, other), self, other); }
Tensor remainder(const Tensor& self, const Scalar& other) {
  const Tensor y = wrapped_number(other);
  return apply(checked(remainder_number_op, self, y), self, y);
}
Tensor fmod(const Tensor& self, const Tensor& other) { return apply(checked(fmod_op, self, other), self, other); }
Tensor fmod(const Tensor& self, const Scalar& other) {
  const Tensor y = wrapped_number(other);
  return apply(checked(fmod_number_op, self, y), self, y);
}

Tensor& Tensor::div_(const Tensor& o, std::optional<std::string_view> rounding_mode) const {
  const Op* op = rounding_op(rounding_mode);
  return op ? apply_inplace(checked(*op, *this, o), NoAttrs{}, *this, o) : div_(o);
}
Tensor& Tensor::floor_divide_(const Tensor& o) const { return apply_inplace(checked(floor_divide_op, *this, o), NoAttrs{}, *this, o); }
Tensor& Tensor::floor_divide_(const Scalar& o) const { return floor_divide_(wrapped_number(o)); }
Tensor& Tensor::remainder_(const Tensor& o) const { return apply_inplace(checked(remainder_op, *this, o), NoAttrs{}, *this, o); }
Tensor& Tensor::remainder_(const Scalar& o) const {
  const Tensor y = wrapped_number(o);
  return apply_inplace(checked(remainder_number_op, *this, y), NoAttrs{}, *this, y);
}
Tensor& Tensor::fmod_(const Tensor& o) const { return apply_inplace(checked(fmod_op, *this, o), NoAttrs{}, *this, o); }
Tensor& Tensor::fmod_(const Scalar& o) const {
  const Tensor y = wrapped_number(o);
  return apply_inplace(checked(fmod_number_op, *this, y), NoAttrs{}, *this, y);
}

}  // namespace ct
