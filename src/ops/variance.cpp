// ops/variance.cpp -- variances and standard deviations, alone or with the mean.
#include <cmath>
#include <limits>

#include "kernels/reduce.h"
#include "ops/op_list.h"
#include "ops/reduce_attrs.h"
#include "ops/rules.h"

namespace ct {

using detail::ReduceAttrs;
using detail::ReducePlan;
using detail::VarAttrs;
using kernels::Moments;

namespace {

template <class T>
void variance_into(const Tensor& spread, const Tensor& mean, const ReducePlan& p, const VarAttrs& a) {
  const auto& k = kernels::reduce_kernels<T>();
  T *s = detail::data<T>(spread), *m = mean.defined() ? detail::data<T>(mean) : nullptr;
  const T* x = detail::data<T>(p.input);
  auto write = [&](std::int64_t i, const Moments& t) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    double v = t.n == 0 ? nan : t.m2 / std::max(0.0, t.n - (a.unbiased ? 1 : 0));
    if (a.root) v = std::sqrt(v);
    s[i] = static_cast<T>(v);
    if (m) m[i] = static_cast<T>(t.n == 0 ? nan : t.mean);
  };
  if (p.columns()) {
    detail::reduce_columns(p, [&](std::int64_t i, std::int64_t at, std::int64_t n) {
      Moments t[256];
      k.moments_columns(t, x + at, p.inner_stride, p.inner, n);
      for (std::int64_t j = 0; j < n; ++j) write(i + j, t[j]);
    });
    return;
  }
  detail::reduce_rows<Moments>(p, [&](std::int64_t at, std::int64_t n) { return k.moments(x + at, n); },
                               [&](std::int64_t i, Moments* parts, std::int64_t n) {
                                 for (std::int64_t j = 1; j < n; ++j) parts[0].join(parts[j]);
                                 write(i, parts[0]);
                               });
}

// The spread and, if asked for, the mean, both rounded once from double.
std::vector<Tensor> variance(const Call& c, bool with_mean) {
  const auto& a = c.attrs<VarAttrs>();
  CT_CHECK(c.x(0).is_floating_point(), c.op.name, ": std and var only support floating point and complex dtypes, got ", c.x(0).scalar_type(),
           "\n  Convert first: x.to(ct::kFloat).");
  const Tensor x = detail::widened(c.x(0));
  const detail::Dims shape = detail::reduced_shape(x, a.reduce);
  std::vector<Tensor> out{detail::empty_like_dtype(x.scalar_type(), shape)};
  if (with_mean) out.push_back(detail::empty_like_dtype(x.scalar_type(), shape));
  ReducePlan p = detail::reduce_plan(x, a.reduce);
  if (!p.columns() && p.inner_stride != 1) p = detail::reduce_plan(x, a.reduce, true);
  if (x.scalar_type() == kFloat) variance_into<float>(out[0], with_mean ? out[1] : Tensor(), p, a);
  else variance_into<double>(out[0], with_mean ? out[1] : Tensor(), p, a);
  for (Tensor& y : out) y = y.to(c.x(0).scalar_type());
  return out;
}

std::vector<std::int64_t> dim_list(const ReduceAttrs& a, std::int64_t ndim) {
  std::vector<std::int64_t> dims;
  for (std::int64_t d = 0; d < ndim; ++d)
    if (a.reduces(d)) dims.push_back(d);
  return dims;
}

// dx = g * 2 (x - mean) / (n - 1)
Tensor var_gradient(const Tensor& g, const Tensor& x, const VarAttrs& a) {
  const double scale = 2.0 / a.denominator(x.sizes());
  const Tensor centre = x.dim() == 0 ? x : mean(x, dim_list(a.reduce, x.dim()), true);
  return detail::unreduce(g, x.sizes(), a.reduce) * scale * (x - centre);
}
// At a spread of 0 the gradient is 0, as in PyTorch.
Tensor std_gradient(const Tensor& g, const Tensor& x, const Tensor& y, const VarAttrs& a) {
  return var_gradient(where(eq(y, 0), Scalar(0), g / (y * 2)), x, a);
}

void var_samples(SampleSink& call) {
  const Tensor x = call.uniform({2, 3, 4});
  call({x}, VarAttrs{detail::reduce_all(x)});
  call({x}, VarAttrs{detail::reduce_all(x), false});
  for (std::uint32_t dims = 2; dims < 8; ++dims) call({x}, VarAttrs{{dims, dims % 2 == 0}, dims != 4});
}
void std_samples(SampleSink& call) {
  const Tensor x = call.uniform({2, 3, 4});
  call({x}, VarAttrs{detail::reduce_all(x), true, true});
  call({x}, VarAttrs{detail::reduce_all(x), false, true});
  for (std::uint32_t dims = 2; dims < 8; ++dims) call({x}, VarAttrs{{dims, dims % 2 == 0}, dims != 4, true});
}

struct VarCall {
  Tensor x;
  VarAttrs a;
};
VarCall var_call(const Batch& b) {
  const auto& a = b.attrs<VarAttrs>();
  detail::ReduceCall c = detail::reduce_call(b, a.reduce);
  return {std::move(c.x), {c.a, a.unbiased, a.root}};
}

Tensor reduced(const Tensor& gradient, const Tensor* t, const Saved& s) {
  return detail::reduced_tangent(gradient, t[0], s.attrs<VarAttrs>().reduce);
}

constexpr Op var_op{
    .name = "var",
    .node = "VarBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g * 2 (x - mean(x)) / (n - 1)   (n without Bessel's correction)",
    .forward = [](const Call& c) { return variance(c, false)[0]; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return var_gradient(g, s.x(0), s.attrs<VarAttrs>()); },
    .jvp = [](const Tensor* t, const Saved& s) { return reduced(var_gradient(ones_like(s.y()), s.x(0), s.attrs<VarAttrs>()), t, s); },
    .batch = [](const Batch& b) {
      const VarCall c = var_call(b);
      return apply_with(b.op, c.a, c.x);
    },
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = var_samples,
};

constexpr Op std_op{
    .name = "std",
    .node = "StdBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g * (x - mean(x)) / ((n - 1) y), 0 where y = 0   (n without Bessel's correction)",
    .forward = [](const Call& c) { return variance(c, false)[0]; },
    .vjp = [](const Tensor& g, const Saved& s, int) { return std_gradient(g, s.x(0), s.y(), s.attrs<VarAttrs>()); },
    .jvp = [](const Tensor* t, const Saved& s) { return reduced(std_gradient(ones_like(s.y()), s.x(0), s.y(), s.attrs<VarAttrs>()), t, s); },
    .batch = [](const Batch& b) {
      const VarCall c = var_call(b);
      return apply_with(b.op, c.a, c.x);
    },
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .samples = std_samples,
};

// The part of the gradient that comes through the second output.
Tensor add_mean_gradient(const Tensor& dx, const Saved& s) {
  const Tensor& g = s.g(1);
  if (!g.defined()) return dx;
  const auto& a = s.attrs<VarAttrs>();
  const IntArrayRef sizes = s.x(0).sizes();
  const Tensor through_mean = (detail::unreduce(g, sizes, a.reduce) / detail::reduced_numel(sizes, a.reduce)).expand(sizes);
  return dx.defined() ? dx + through_mean : through_mean;
}

constexpr Op var_mean_op{
    .name = "var_mean",
    .node = "VarMeanBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g0 * 2 (x - mean(x)) / (n - 1) + g1 / n",
    .forward_multi = [](const Call& c) { return variance(c, true); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return add_mean_gradient(g.defined() ? var_gradient(g, s.x(0), s.attrs<VarAttrs>()) : Tensor(), s);
    },
    .batch_multi = [](const Batch& b) {
      const VarCall c = var_call(b);
      return apply_multi(b.op, c.a, c.x);
    },
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = var_samples,
};

constexpr Op std_mean_op{
    .name = "std_mean",
    .node = "StdMeanBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g0 * (x - mean(x)) / ((n - 1) y0) + g1 / n",
    .forward_multi = [](const Call& c) { return variance(c, true); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return add_mean_gradient(g.defined() ? std_gradient(g, s.x(0), s.y(), s.attrs<VarAttrs>()) : Tensor(), s);
    },
    .batch_multi = [](const Batch& b) {
      const VarCall c = var_call(b);
      return apply_multi(b.op, c.a, c.x);
    },
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .samples = std_samples,
};

VarAttrs all_of(const Tensor& x, bool unbiased, bool root) { return {detail::reduce_all(x), unbiased, root}; }
VarAttrs some_of(const char* op, const Tensor& x, IntArrayRef dim, bool unbiased, bool keepdim, bool root) {
  return {detail::reduce_attrs(op, x, dim, keepdim), unbiased, root};
}
std::tuple<Tensor, Tensor> pair_of(const Op& op, const VarAttrs& a, const Tensor& x) {
  std::vector<Tensor> out = apply_multi(op, a, x);
  return {std::move(out[0]), std::move(out[1])};
}

}  // namespace

std::span<const Op* const> variance_ops() {
  static constexpr const Op* ops[] = {&var_op, &std_op, &var_mean_op, &std_mean_op};
  return ops;
}

Tensor var(const Tensor& self) { return detail::var(self, true); }
Tensor detail::var(const Tensor& self, bool unbiased) { return apply_with(var_op, all_of(self, unbiased, false), self); }
Tensor var(const Tensor& self, IntArrayRef dim, bool unbiased, bool keepdim) {
  return apply_with(var_op, some_of("var", self, dim, unbiased, keepdim, false), self);
}
Tensor std(const Tensor& self) { return detail::std(self, true); }
Tensor detail::std(const Tensor& self, bool unbiased) { return apply_with(std_op, all_of(self, unbiased, true), self); }
Tensor std(const Tensor& self, IntArrayRef dim, bool unbiased, bool keepdim) {
  return apply_with(std_op, some_of("std", self, dim, unbiased, keepdim, true), self);
}
std::tuple<Tensor, Tensor> var_mean(const Tensor& self) { return detail::var_mean(self, true); }
std::tuple<Tensor, Tensor> detail::var_mean(const Tensor& self, bool unbiased) { return pair_of(var_mean_op, all_of(self, unbiased, false), self); }
std::tuple<Tensor, Tensor> var_mean(const Tensor& self, IntArrayRef dim, bool unbiased, bool keepdim) {
  return pair_of(var_mean_op, some_of("var_mean", self, dim, unbiased, keepdim, false), self);
}
std::tuple<Tensor, Tensor> std_mean(const Tensor& self) { return detail::std_mean(self, true); }
std::tuple<Tensor, Tensor> detail::std_mean(const Tensor& self, bool unbiased) { return pair_of(std_mean_op, all_of(self, unbiased, true), self); }
std::tuple<Tensor, Tensor> std_mean(const Tensor& self, IntArrayRef dim, bool unbiased, bool keepdim) {
  return pair_of(std_mean_op, some_of("std_mean", self, dim, unbiased, keepdim, true), self);
}

}  // namespace ct
