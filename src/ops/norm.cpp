// ops/norm.cpp -- p-norms of all elements or along dimensions, and the distance of two tensors.
#include <cmath>
#include <limits>

#include "kernels/reduce.h"
#include "ops/op_list.h"
#include "ops/reduce_attrs.h"
#include "ops/rules.h"

namespace ct {

using detail::NormAttrs;
using detail::ReduceAttrs;
using detail::ReducePlan;

namespace {

// The order p of the norm decides what is accumulated, always in double: sum |x|^p, a count, or an extremum.
template <class T>
void norm_into(const Tensor& out, const ReducePlan& plan, double p) {
  const auto& k = kernels::reduce_kernels<T>();
  T* y = detail::data<T>(out);
  const T* x = detail::data<T>(plan.input);
  const bool extreme = std::isinf(p), largest = p > 0;
  detail::reduce_rows<double>(plan, [&](std::int64_t at, std::int64_t n) -> double {
    const T* row = x + at;
    if (n == 0) return 0;
    if (extreme) return static_cast<double>(k.extremum_abs[largest](row, n));
    if (p == 2) return k.sum_squares(row, n);
    if (p == 1) return k.sum_abs(row, n);
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += p == 0 ? row[i] != 0 : std::pow(std::abs(static_cast<double>(row[i])), p);
    return total;
  }, [&](std::int64_t i, const double* parts, std::int64_t n) {
    const auto& kd = kernels::reduce_kernels<double>();
    const double total = extreme ? kd.extremum[largest](parts, n) : kd.sum(parts, 1, n);
    y[i] = static_cast<T>(extreme || p == 0 || p == 1 ? total : p == 2 ? std::sqrt(total) : std::pow(total, 1 / p));
  });
}

Tensor norm_values(const Tensor& x, const NormAttrs& a) {
  const Tensor wide = detail::widened(x);
  Tensor out = detail::empty_like_dtype(wide.scalar_type(), detail::reduced_shape(x, a.reduce));
  const ReducePlan plan = detail::reduce_plan(wide, a.reduce, true);
  if (wide.scalar_type() == kFloat) norm_into<float>(out, plan, a.p);
  else norm_into<double>(out, plan, a.p);
  return out.to(x.scalar_type());
}

// 0 where the norm is 0, although it has no derivative there.
Tensor zero_at_zero(const Tensor& v, const Tensor& norm) { return where(eq(norm, 0), Scalar(0), v); }

// d|x|_p / dx_i = sign(x_i) (|x_i| / |x|_p)^(p - 1); extreme norms share g among the elements that attain them.
Tensor norm_gradient(const Tensor& g_, const Tensor& x, const Tensor& y_, const NormAttrs& a) {
  const Tensor g = detail::unreduce(g_, x.sizes(), a.reduce), y = detail::unreduce(y_, x.sizes(), a.reduce);
  const double p = a.p;
  if (p == 0) return zeros_like(x);
  if (p == 1) return sgn(x) * g;
  if (p == 2) return g * zero_at_zero(x / y, y);
  if (std::isinf(p)) {
    const Tensor attained = logical_or(eq(abs(x), y), logical_and(isnan(x), isnan(y)));
    Tensor count = attained.to(kLong);
    for (std::int64_t d = 0; d < x.dim(); ++d)
      if (a.reduce.reduces(d)) count = count.sum(d, true);
    return sgn(x) * attained * (g / count);
  }
  if (p < 1) return sgn(x) * where(eq(x, 0), Scalar(0), pow(abs(x), p - 1)) * g * pow(y, 1 - p);
  const Tensor scale = zero_at_zero(g / pow(y, p - 1), y);
  return p < 2 ? sgn(x) * pow(abs(x), p - 1) * scale : x * pow(abs(x), p - 2) * scale;
}

Tensor norm_vjp(const Tensor& g, const Saved& s, int) { return norm_gradient(g, s.x(0), s.y(), s.attrs<NormAttrs>()); }
Tensor norm_jvp(const Tensor* t, const Saved& s) {
  return detail::reduced_tangent(norm_gradient(ones_like(s.y()), s.x(0), s.y(), s.attrs<NormAttrs>()), t[0], s.attrs<NormAttrs>().reduce);
}
Tensor norm_each(const Batch& b) {
  const auto& a = b.attrs<NormAttrs>();
  const detail::ReduceCall c = detail::reduce_call(b, a.reduce);
  return apply_with(b.op, NormAttrs{c.a, a.p}, c.x);
}
constexpr const char* norm_formula = "dx = g * sign(x) (|x| / y)^(p - 1), 0 where y = 0";
constexpr double infinity = std::numeric_limits<double>::infinity();

constexpr Op norm_op{
    .name = "norm",
    .node = "NormBackward0",
    .kind = OpKind::reduce,
    .formula = norm_formula,
    .forward = [](const Call& c) { return norm_values(c.x(0), c.attrs<NormAttrs>()); },
    .vjp = norm_vjp,
    .jvp = norm_jvp,
    .batch = norm_each,
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      for (double p : {2.0, 1.0, 3.0, 1.5, 0.5, infinity, -infinity})
        for (auto x : {call.uniform({3, 4}), call.uniform({})}) call({x}, NormAttrs{detail::reduce_all(x), p});
    },
};

constexpr Op norm_dim_op{
    .name = "norm.dim",
    .node = "NormBackward1",
    .kind = OpKind::reduce,
    .formula = norm_formula,
    .forward = norm_op.forward,
    .vjp = norm_vjp,
    .jvp = norm_jvp,
    .batch = norm_each,
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      for (double p : {2.0, 1.0, 3.0, infinity})
        for (std::uint32_t dims : {1, 2, 4, 5}) call({call.uniform({2, 3, 4})}, NormAttrs{{dims, dims == 2}, p});
    },
};

constexpr Op vector_norm_op{  // what norm is, under the name that linalg_norm and its kin record
    .name = "linalg_vector_norm",
    .node = "LinalgVectorNormBackward0",
    .kind = OpKind::reduce,
    .formula = norm_formula,
    .forward = norm_op.forward,
    .vjp = norm_vjp,
    .jvp = norm_jvp,
    .batch = norm_each,
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      for (double p : {2.0, 1.0, 3.0, 1.5, infinity, -infinity}) {
        const Tensor x = call.uniform({3, 4});
        call({x}, NormAttrs{detail::reduce_all(x), p});
        call({x}, NormAttrs{{1, p > 1}, p});
      }
    },
};

constexpr Op dist_op{
    .name = "dist",
    .node = "DistBackward0",
    .kind = OpKind::reduce,
    .formula = "dx0 = g * sign(d) (|d| / y)^(p - 1) with d = x0 - x1; dx1 = -dx0",
    .forward = [](const Call& c) {
      const Tensor d = c.x(0) - c.x(1);
      return norm_values(d, {detail::reduce_all(d), c.attrs<NormAttrs>().p});
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor d = arg == 0 ? s.x(0) - s.x(1) : s.x(1) - s.x(0);
      return norm_gradient(g, d, s.y(), {detail::reduce_all(d), s.attrs<NormAttrs>().p});
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const Tensor d = s.x(0) - s.x(1), dt = !t[0].defined() ? -t[1] : !t[1].defined() ? t[0] : t[0] - t[1];
      const ReduceAttrs all = detail::reduce_all(d);
      return detail::reduced_tangent(norm_gradient(ones_like(s.y()), d, s.y(), {all, s.attrs<NormAttrs>().p}), dt, all);
    },
    .batch = [](const Batch& b) {  // the norm of the differences
      const std::int64_t dim = std::max(b.dim(0), b.dim(1));
      Tensor d = detail::broadcastable(b, 0, dim) - detail::broadcastable(b, 1, dim);
      if (d.dim() == 1) d = d.unsqueeze(1);
      return apply_with(vector_norm_op, NormAttrs{{((1u << d.dim()) - 1) & ~1u}, b.attrs<NormAttrs>().p}, d);
    },
    .save = {X(0) | X(1) | Y(), X(0) | X(1) | Y()},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      for (double p : {2.0, 1.0, 3.0}) call({call.uniform({3, 4}), call.uniform({4})}, NormAttrs{{}, p});
    },
};

void check_norm(const char* name, const Tensor& x, const ReduceAttrs& a, double p) {
  CT_CHECK(x.is_floating_point(), name, "(): input dtype should be either floating point or complex. Got ", x.scalar_type(),
           " instead.\n  Convert first: x.to(ct::kFloat).");
  CT_CHECK(!std::isinf(p) || detail::reduced_numel(x.sizes(), a) > 0, name, "(): cannot compute the ", Scalar(p),
           " norm on an empty tensor because the operation does not have an identity");
}

}  // namespace

std::span<const Op* const> norm_ops() {
  static constexpr const Op* ops[] = {&norm_op, &norm_dim_op, &vector_norm_op, &dist_op};
  return ops;
}

Tensor norm(const Tensor& self, const Scalar& p) {
  const NormAttrs a{detail::reduce_all(self), p.toDouble()};
  check_norm("norm", self, a.reduce, a.p);
  return apply_with(norm_op, a, self);
}
Tensor norm(const Tensor& self, const std::optional<Scalar>& p, IntArrayRef dim, bool keepdim) {
  const NormAttrs a{detail::reduce_attrs("norm", self, dim, keepdim), p ? p->toDouble() : 2.0};
  check_norm("norm", self, a.reduce, a.p);
  return apply_with(norm_dim_op, a, self);
}
Tensor linalg_vector_norm(const Tensor& self, const Scalar& ord, std::optional<IntArrayRef> dim, bool keepdim) {
  const NormAttrs a{detail::reduce_attrs("linalg.vector_norm", self, dim.value_or(IntArrayRef{}), keepdim), ord.toDouble()};
  CT_CHECK_TYPE(self.is_floating_point(), "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ", self.scalar_type(),
                "\n  Convert first: x.to(ct::kFloat).");
  CT_CHECK((!std::isinf(a.p) && a.p >= 0) || detail::reduced_numel(self.sizes(), a.reduce) > 0, "linalg.vector_norm cannot compute the ", ord,
           " norm on an empty tensor because the operation does not have an identity");
  return apply_with(vector_norm_op, a, self);
}
Tensor dist(const Tensor& self, const Tensor& other, const Scalar& p) {
  CT_CHECK(self.defined() && other.defined(), "dist: a tensor is undefined");
  return apply_with(dist_op, NormAttrs{{}, p.toDouble()}, self, other);
}

}  // namespace ct
