// ops/sum.cpp -- sums.
#include <vector>

#include "kernels/reduce.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::ReduceAttrs;
using detail::ReducePlan;

namespace {

OptionalDtype optional_dtype(ScalarType t) { return t == ScalarType::Undefined ? OptionalDtype() : OptionalDtype(t); }

template <class T>
void sum_floats(const Tensor& out, const ReducePlan& p) {
  T* y = detail::data<T>(out);
  const T* x = detail::data<T>(p.input);
  const auto& k = kernels::reduce_kernels<T>();
  if (p.columns()) {
    detail::reduce_columns(p, [&](std::int64_t i, std::int64_t at, std::int64_t n) { k.sum_columns(y + i, x + at, p.inner_stride, p.inner, n); });
    return;
  }
  detail::reduce_rows<T>(p, [&](std::int64_t at, std::int64_t n) { return k.sum(x + at, p.inner_stride, n); },
                         [&](std::int64_t i, const T* parts, std::int64_t n) { y[i] = n == 1 ? *parts : k.sum(parts, 1, n); });
}

template <class T>
void sum_integers(const Tensor& out, const ReducePlan& p) {  // wraps around, as in PyTorch
  auto* y = detail::data<std::int64_t>(out);
  const T* x = detail::data<T>(p.input);
  detail::reduce_rows<std::uint64_t>(p, [&](std::int64_t at, std::int64_t n) {
    std::uint64_t total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += static_cast<std::uint64_t>(x[at + i * p.inner_stride]);
    return total;
  }, [&](std::int64_t i, const std::uint64_t* parts, std::int64_t n) {
    std::uint64_t total = 0;
    for (std::int64_t k = 0; k < n; ++k) total += parts[k];
    y[i] = static_cast<std::int64_t>(total);
  });
}

Tensor sum_forward(const Call& c) {
  const auto& a = c.attrs<ReduceAttrs>();
  const ScalarType result = detail::total_dtype(c.x(0), a.dtype);
  const bool integers = isIntegralType(result, true);
  // Integers add up in int64 as they are; half precision in float32.
  Tensor x = c.x(0);
  if (!integers) x = x.to(isReducedFloatingType(result) ? kFloat : result);
  else if (x.is_floating_point() || result == kBool) x = x.to(result);
  Tensor out = detail::empty_like_dtype(integers ? kLong : x.scalar_type(), detail::reduced_shape(x, a));
  const ReducePlan plan = detail::reduce_plan(x, a);
  CT_DISPATCH_WIDE(x.scalar_type(), [&] {
    if constexpr (std::is_floating_point_v<scalar_t>) sum_floats<scalar_t>(out, plan);
    else sum_integers<scalar_t>(out, plan);
  });
  return out.to(result);
}

Tensor sum_vjp(const Tensor& g, const Saved& s, int) {
  return detail::unreduce(g, s.sizes(0), s.attrs<ReduceAttrs>()).expand(s.sizes(0));
}

Tensor sum_each(const Batch& b);

constexpr Op sum_op{
    .name = "sum",
    .node = "SumBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g, repeated over the shape of x",
    .forward = sum_forward,
    .vjp = sum_vjp,
    .batch = sum_each,
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      for (auto x : {call.uniform({3, 4}), call.uniform({}), call.uniform({2, 0})}) call({x}, detail::reduce_all(x));
    },
};

constexpr Op sum_dim_op{
    .name = "sum.dim",
    .node = "SumBackward1",
    .kind = OpKind::linear,
    .formula = sum_op.formula,
    .forward = sum_forward,
    .vjp = sum_vjp,
    .batch = sum_each,
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      const Tensor x = call.uniform({2, 3, 4});
      for (std::uint32_t dims = 1; dims < 8; ++dims) call({x}, ReduceAttrs{dims, dims % 2 == 0});
      call({call.uniform({2, 0})}, ReduceAttrs{2, false});
    },
};

Tensor sum_each(const Batch& b) { return detail::reduce_each(b, sum_dim_op); }

// Sum of the elements that are no NaN.
constexpr Op nansum_op{
    .name = "nansum",
    .node = "NansumBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g where x is a number, 0 where it is NaN",
    .forward = [](const Call& c) {
      const Tensor& x = c.x(0);
      const auto& a = c.attrs<ReduceAttrs>();
      return x.is_floating_point() ? sum(where(isnan(x), Scalar(0), x), optional_dtype(a.dtype)) : sum(x, optional_dtype(a.dtype));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return where(isnan(s.x(0)), Scalar(0), g); },
    .jvp = [](const Tensor* t, const Saved& s) { return detail::reduced_tangent(where(isnan(s.x(0)), Scalar(0), ones_like(s.x(0))), t[0], s.attrs<ReduceAttrs>()); },
    .batch = [](const Batch& b) {
      const detail::ReduceCall c = detail::reduce_call(b, b.attrs<ReduceAttrs>());
      return apply_with(sum_dim_op, c.a, c.x.is_floating_point() ? where(isnan(c.x), Scalar(0), c.x) : c.x);
    },
    .save = {X(0)},
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, ReduceAttrs{3, false, true}); },
};

}  // namespace

ScalarType detail::total_dtype(const Tensor& x, ScalarType asked) {
  if (asked != ScalarType::Undefined) return asked;
  return isIntegralType(x.scalar_type(), true) ? kLong : x.scalar_type();
}

std::span<const Op* const> sum_ops() {
  static constexpr const Op* ops[] = {&sum_op, &sum_dim_op, &nansum_op};
  return ops;
}

Tensor sum(const Tensor& self, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_all(self);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(sum_op, a, self);
}
Tensor sum(const Tensor& self, IntArrayRef dim, bool keepdim, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_attrs("sum", self, dim, keepdim);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(sum_dim_op, a, self);
}

Tensor nansum(const Tensor& self, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_all(self);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(nansum_op, a, self);
}

}  // namespace ct
