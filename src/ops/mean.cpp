// ops/mean.cpp -- means and products.
#include "kernels/reduce.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::ReduceAttrs;
using detail::ReducePlan;

namespace {

// ---- mean -----------------------------------------------------------------------------------------

Tensor mean_forward(const Call& c) {
  const auto& a = c.attrs<ReduceAttrs>();
  const ScalarType asked = a.dtype, result = asked != ScalarType::Undefined ? asked : c.x(0).scalar_type();
  CT_CHECK(isFloatingType(result), "mean(): could not infer output dtype. ", asked == ScalarType::Undefined ? "Input" : "Optional",
           " dtype must be either a floating point or complex dtype. Got: ", result, "\n  Convert first: x.to(ct::kFloat).mean().");
  const Tensor x = c.x(0).to(isReducedFloatingType(result) ? kFloat : result);
  const auto n = static_cast<double>(detail::reduced_numel(x.sizes(), a));
  Tensor y;
  if (a.dims == 0) {
    y = x.clone();  // 0-dim: nothing to add up
  } else {
    std::int64_t dims[max_dims];
    std::size_t k = 0;
    for (std::int64_t d = 0; d < x.dim(); ++d)
      if (a.reduces(d)) dims[k++] = d;
    y = sum(x, {dims, k}, a.keepdim);
  }
  CT_DISPATCH_WIDE(y.scalar_type(), [&] {
    if constexpr (std::is_floating_point_v<scalar_t>) {
      scalar_t* p = detail::data<scalar_t>(y);
      for (std::int64_t i = 0; i < y.numel(); ++i) p[i] /= static_cast<scalar_t>(n);
    }
  });
  return y.to(result);
}

Tensor mean_vjp(const Tensor& g, const Saved& s, int) {
  const auto& a = s.attrs<ReduceAttrs>();
  const IntArrayRef sizes = s.sizes(0);
  return (detail::unreduce(g, sizes, a) / detail::reduced_numel(sizes, a)).expand(sizes);
}

Tensor mean_each(const Batch& b);

constexpr Op mean_op{
    .name = "mean",
    .node = "MeanBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g / n, repeated over the shape of x",
    .forward = mean_forward,
    .vjp = mean_vjp,
    .batch = mean_each,
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      for (auto x : {call.uniform({3, 4}), call.uniform({})}) call({x}, detail::reduce_all(x));
    },
};

constexpr Op mean_dim_op{
    .name = "mean.dim",
    .node = "MeanBackward1",
    .kind = OpKind::linear,
    .formula = mean_op.formula,
    .forward = mean_forward,
    .vjp = mean_vjp,
    .batch = mean_each,
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      const Tensor x = call.uniform({2, 3, 4});
      for (std::uint32_t dims = 1; dims < 8; ++dims) call({x}, ReduceAttrs{dims, dims % 2 == 0});
      call({call.uniform({0, 2})}, ReduceAttrs{2, false});
    },
};

Tensor mean_each(const Batch& b) { return detail::reduce_each(b, mean_dim_op); }

// ---- prod -----------------------------------------------------------------------------------------

Tensor prod_forward(const Call& c) {
  const auto& a = c.attrs<ReduceAttrs>();
  const ScalarType result = detail::total_dtype(c.x(0), a.dtype), compute = isReducedFloatingType(result) ? kFloat : result;
  const Tensor x = c.x(0).to(compute);
  Tensor out = detail::empty_like_dtype(compute, detail::reduced_shape(x, a));
  const ReducePlan p = detail::reduce_plan(x, a);
  CT_DISPATCH_WIDE(compute, [&] {
    using Acc = std::conditional_t<std::is_floating_point_v<scalar_t>, scalar_t, std::uint64_t>;  // integers wrap around
    scalar_t* y = detail::data<scalar_t>(out);
    const scalar_t* from = detail::data<scalar_t>(p.input);
    detail::reduce_rows<Acc>(p, [&](std::int64_t at, std::int64_t n) {
      if constexpr (std::is_floating_point_v<scalar_t>)
        if (p.inner_stride == 1) return kernels::reduce_kernels<scalar_t>().product(from + at, n);
      Acc total[4] = {1, 1, 1, 1};
      for (std::int64_t i = 0; i < n; ++i) total[i & 3] *= static_cast<Acc>(from[at + i * p.inner_stride]);
      return (total[0] * total[1]) * (total[2] * total[3]);
    }, [&](std::int64_t i, const Acc* parts, std::int64_t n) {
      Acc total = 1;
      for (std::int64_t k = 0; k < n; ++k) total *= parts[k];
      y[i] = static_cast<scalar_t>(total);
    });
  });
  return out.to(result);
}

// The product of all other elements along dim, without a division: exact whatever number of them is zero.
Tensor product_of_others(const Tensor& x, std::int64_t dim) {
  const std::int64_t n = x.size(dim);
  if (n <= 1) return ones_like(x);
  const Tensor one = ones(detail::resized_shape(x, dim, 1), x.scalar_type());
  const Tensor before = cumprod(cat({one, narrow(x, dim, 0, n - 1)}, dim), dim);
  const Tensor after = flip(cumprod(cat({one, flip(narrow(x, dim, 1, n - 1), dim)}, dim), dim), dim);
  return before * after;
}

Tensor prod_vjp(const Tensor& g, const Saved& s, int) {
  const auto& a = s.attrs<ReduceAttrs>();
  const Tensor x = s.x(0).to(g.scalar_type());
  if (x.numel() == 0) return zeros_like(x);
  const Tensor gy = detail::unreduce(g, x.sizes(), a);
  if (!detail::any_nonzero(eq(x, 0))) return gy * detail::unreduce(s.y(), x.sizes(), a) / x;
  if (x.dim() == 0) return gy.clone();
  if (a.all) return gy * product_of_others(x.reshape({-1}), 0).reshape(x.sizes());
  std::int64_t dim = 0;
  while (!a.reduces(dim)) ++dim;
  return gy * product_of_others(x, dim);
}

// By the gradient of every output at once.
Tensor prod_jvp(const Tensor* t, const Saved& s) {
  return detail::reduced_tangent(prod_vjp(ones_like(s.y()), s, 0), t[0].to(s.y().scalar_type()), s.attrs<ReduceAttrs>());
}
Tensor prod_each(const Batch& b);

constexpr Op prod_op{
    .name = "prod",
    .node = "ProdBackward0",
    .kind = OpKind::reduce,
    .formula = "dx_i = g * product of all other elements (g * y / x_i where no element is 0)",
    .forward = prod_forward,
    .vjp = prod_vjp,
    .jvp = prod_jvp,
    .batch = prod_each,
    .save = {X(0) | Y()},
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto x : {call.uniform({3, 2}, 0.5, 2), call.uniform({})}) call({x}, detail::reduce_all(x));
      const Tensor x = call.uniform({2, 3});
      x[0][1].fill_(0);
      call({x}, detail::reduce_all(x));
    },
};

constexpr Op prod_dim_op{
    .name = "prod.dim",
    .node = "ProdBackward1",
    .kind = OpKind::reduce,
    .formula = prod_op.formula,
    .forward = prod_forward,
    .vjp = prod_vjp,
    .jvp = prod_jvp,
    .batch = prod_each,
    .save = {X(0) | Y()},
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      const Tensor x = call.uniform({2, 3, 2});
      for (std::uint32_t dims : {1, 2, 4}) call({x}, ReduceAttrs{dims, dims == 2});
      const Tensor zeros = call.uniform({3, 3});
      zeros[0].fill_(0);      // one zero in each column
      zeros[1][2].fill_(0);   // two in the last one
      call({zeros}, ReduceAttrs{1, false});
      call({call.uniform({2, 0})}, ReduceAttrs{2, false});
    },
};

// The gradient knows one dimension or all: a product of all elements of an entry is one along the flattened entry.
Tensor prod_each(const Batch& b) {
  detail::ReduceCall c = detail::reduce_call(b, b.attrs<ReduceAttrs>());
  if (b.attrs<ReduceAttrs>().all && b.dim(0) > 1) {
    c.x = c.x.flatten(1);
    c.a.dims = 2;
  }
  return apply_with(prod_dim_op, c.a, c.x);
}

}  // namespace

std::span<const Op* const> mean_ops() {
  static constexpr const Op* ops[] = {&mean_op, &mean_dim_op, &prod_op, &prod_dim_op};
  return ops;
}

Tensor mean(const Tensor& self, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_all(self);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(mean_op, a, self);
}
Tensor mean(const Tensor& self, IntArrayRef dim, bool keepdim, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_attrs("mean", self, dim, keepdim);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(mean_dim_op, a, self);
}
Tensor prod(const Tensor& self, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_all(self);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(prod_op, a, self);
}
Tensor prod(const Tensor& self, std::int64_t dim, bool keepdim, OptionalDtype dtype) {
  ReduceAttrs a = detail::reduce_attrs("prod", self, dim, keepdim);
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return apply_with(prod_dim_op, a, self);
}

}  // namespace ct
