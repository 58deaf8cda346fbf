// ops/sum.cpp -- sums.
#include <vector>

#include "kernels/reduce.h"
#include "ops/op_list.h"
#include "ops/reduction.h"

namespace ct {

using detail::ReduceAttrs;
using detail::ReducePlan;

namespace {

template <class T>
void sum_into(const Tensor& out, const ReducePlan& p) {
  const auto& k = kernels::sum_kernels();
  T* y = detail::data<T>(out);
  const T* x = detail::data<T>(p.input);
  auto sum_run = [&](const T* first, std::int64_t stride, std::int64_t n) -> T {
    const auto* bytes = reinterpret_cast<const char*>(first);
    if constexpr (std::is_same_v<T, float>) return k.f32(bytes, stride * 4, n);
    else if constexpr (std::is_same_v<T, double>) return k.f64(bytes, stride * 8, n);
    else {
      T total = 0;
      for (std::int64_t i = 0; i < n; ++i) total = static_cast<T>(total + first[i * stride]);
      return total;
    }
  };
  if (p.outer == 1) {
    // One long run: fixed parts, so that the result does not depend on the number of threads.
    constexpr std::int64_t part = std::int64_t{1} << 17;
    const std::int64_t parts = (p.inner + part - 1) / part;
    std::vector<T> partial(static_cast<std::size_t>(parts));
    detail::parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        partial[static_cast<std::size_t>(i)] = sum_run(x + i * part * p.inner_stride, p.inner_stride, std::min(part, p.inner - i * part));
    });
    *y = sum_run(partial.data(), 1, parts);
    return;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (p.n_outer == 1 && p.outer_strides[0] == 1 && p.inner_stride != 1) {  // columns: run along memory, row by row
      detail::parallel_for(p.outer, 1024, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t j = begin; j < end; ++j) y[j] = 0;
        if constexpr (std::is_same_v<T, float>) k.rows_f32(y + begin, x + begin, p.inner_stride, p.inner, end - begin);
        else k.rows_f64(y + begin, x + begin, p.inner_stride, p.inner, end - begin);
      });
      return;
    }
  }
  const std::int64_t grain = std::max<std::int64_t>(1, detail::elementwise_grain / std::max<std::int64_t>(1, p.inner));
  detail::parallel_for(p.outer, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y[i] = sum_run(x + p.offset(i), p.inner_stride, p.inner);
  });
}

Tensor sum_forward(const Call& c) {
  const auto& a = c.attrs<ReduceAttrs>();
  // Integers and bools add up in int64; half precision in float32.
  const ScalarType result = a.dtype != ScalarType::Undefined ? a.dtype : isIntegralType(c.x(0).scalar_type(), true) ? kLong : c.x(0).scalar_type();
  const ScalarType compute = isReducedFloatingType(result) ? kFloat : result;
  const Tensor x = c.x(0).to(compute);
  Tensor out = detail::empty_like_dtype(compute, detail::reduced_shape(x, a));
  const ReducePlan plan = detail::reduce_plan(x, a);
  if (compute == kFloat) sum_into<float>(out, plan);
  else if (compute == kDouble) sum_into<double>(out, plan);
  else if (compute == kLong) sum_into<std::int64_t>(out, plan);
  else if (compute == kInt) sum_into<std::int32_t>(out, plan);
  else CT_THROW(type, "sum: dtype ", result, " is not supported for the result\n  Use kLong, kInt or a floating dtype.");
  return out.to(result);
}

Tensor sum_vjp(const Tensor& g, const Saved& s, int) {
  return detail::unreduce(g, s.sizes(0), s.attrs<ReduceAttrs>()).expand(s.sizes(0));
}

constexpr Op sum_op{
    .name = "sum",
    .node = "SumBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g, repeated over the shape of x",
    .forward = sum_forward,
    .vjp = sum_vjp,
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
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      const Tensor x = call.uniform({2, 3, 4});
      for (std::uint32_t dims = 1; dims < 8; ++dims) call({x}, ReduceAttrs{dims, dims % 2 == 0});
      call({call.uniform({2, 0})}, ReduceAttrs{2, false});
    },
};

}  // namespace

std::span<const Op* const> sum_ops() {
  static constexpr const Op* ops[] = {&sum_op, &sum_dim_op};
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

}  // namespace ct
