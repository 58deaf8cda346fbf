// ops/statistics.cpp -- functions made of other ops: quantiles, covariances, differences, the trapezoidal rule.
#include <cmath>

#include "cotangent/autograd.h"
#include "ops/op_list.h"
#include "ops/reduce_attrs.h"
#include "ops/rules.h"

namespace ct {

using detail::CovAttrs;
using detail::DimAttrs;
using detail::Dims;
using detail::QuantileAttrs;

namespace {

// ---- quantile --------------------------------------------------------------------------------------------------

// Between the two elements around rank q (n - 1) of each sorted row: y = below + frac(rank) (above - below).
Tensor quantile_of(const Call& c) {
  const auto& a = c.attrs<QuantileAttrs>();
  const Tensor &x = c.x(0), &q = c.x(1);
  // The dimension goes last and leaves one of size 1 in its place.
  const Tensor rows = a.all || x.dim() == 0 ? x.reshape({-1}) : x.unsqueeze(-1).transpose(a.dim, -1);
  const Tensor sorted = std::get<0>(sort(rows, -1));
  const std::int64_t n = sorted.size(-1), nq = q.numel();
  // A row with a NaN, which is sorted to its end, has only that quantile.
  Tensor ranks = q.reshape({-1}) * (n - 1);                                   // [nq]
  const Tensor last = sorted.narrow(-1, n - 1, 1);
  ranks = where(isnan(last), Scalar(n - 1), ranks);                            // [.., nq]
  const Tensor low = ranks.detach().to(kLong), high = ceil(ranks.detach()).to(kLong);
  const Tensor below = gather(sorted, -1, low), above = gather(sorted, -1, high);
  const Tensor y = lerp(below, above, ranks - low);                            // [.., nq]
  // The values of q come first; the dimensions they replaced are dropped or kept with size 1.
  Dims shape;
  if (q.dim() == 1) shape.v[shape.n++] = nq;
  for (std::int64_t d = 0; d < x.dim(); ++d)
    if (!a.all && d != a.dim) shape.v[shape.n++] = x.size(d);
    else if (a.keepdim) shape.v[shape.n++] = 1;
  return y.unsqueeze(0).transpose(0, -1).reshape(shape);
}

constexpr Op quantile_op{
    .name = "quantile",
    .kind = OpKind::composite,
    .forward = quantile_of,
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4}), call.uniform({3}, 0, 1)}, QuantileAttrs{dim, dim == 1, false});
      call({call.uniform({5}), call.uniform({}, 0, 1)}, QuantileAttrs{0, false, true});
    },
};

// ---- covariance --------------------------------------------------------------------------------------------------

// Rows are variables, columns observations: C = (X - mean) (X - mean)^T / (n - correction).
Tensor covariance(const Call& c) {
  const Tensor& x = c.x(0);
  const Tensor rows = x.dim() < 2 ? x.reshape({1, -1}) : x;
  const auto n = static_cast<double>(rows.size(1) - c.attrs<CovAttrs>().correction);
  if (n <= 0) warn("cov(): degrees of freedom is <= 0");
  const Tensor average = sum(rows, 1, true) / rows.size(1);
  const Tensor centred = rows - average;
  return (mm(centred, centred.t()) / std::max(n, 0.0)).squeeze();
}

constexpr Op cov_op{
    .name = "cov",
    .kind = OpKind::composite,
    .forward = covariance,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 5})}, CovAttrs{1});
      call({call.uniform({4})}, CovAttrs{0});
    },
};

constexpr Op corrcoef_op{
    .name = "corrcoef",
    .kind = OpKind::composite,
    .forward = [](const Call& c) {
      const Tensor covariances = cov(c.x(0));
      if (covariances.dim() == 0) return covariances / covariances;  // 1, or nan for a constant
      const Tensor spread = sqrt(diagonal(covariances));
      return clamp(covariances / spread.unsqueeze(1) / spread.unsqueeze(0), Scalar(-1), Scalar(1));
    },
    .samples = [](SampleSink& call) { call({call.uniform({3, 5})}); },
};

void check_covariance(const char* op, const Tensor& x) {
  CT_CHECK(x.defined(), op, ": the tensor is undefined");
  CT_CHECK(x.dim() <= 2, op, "(): expected input to have two or fewer dimensions but got an input with ", x.dim(), " dimensions");
  CT_CHECK_TYPE(x.scalar_type() != kBool, op, "(): bool dtype is not supported for input");
}

// ---- differences and integrals ---------------------------------------------------------------------------------------

Tensor without_last(const Tensor& x, std::int64_t dim) { return narrow(x, dim, 0, x.size(dim) - 1); }
Tensor without_first(const Tensor& x, std::int64_t dim) { return narrow(x, dim, 1, x.size(dim) - 1); }

// n times y_i = x_{i+1} - x_i
constexpr Op diff_op{
    .name = "diff",
    .kind = OpKind::composite,
    .forward = [](const Call& c) {
      const auto& a = c.attrs<DimAttrs>();
      Tensor y = c.x(0);
      if (a.k == 0) return clone(y);
      for (std::int64_t i = 0; i < a.k && y.size(a.dim) > 0; ++i)
        y = y.scalar_type() == kBool ? logical_xor(without_first(y, a.dim), without_last(y, a.dim)) : without_first(y, a.dim) - without_last(y, a.dim);
      return y;
    },
    .samples = [](SampleSink& call) {
      for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4})}, DimAttrs{dim, false, false, 1});
      call({call.uniform({5})}, DimAttrs{0, false, false, 2});
    },
};

// sum of (y_i + y_{i+1}) / 2 * (x_{i+1} - x_i)
constexpr Op trapezoid_op{
    .name = "trapezoid",
    .kind = OpKind::composite,
    .forward = [](const Call& c) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const Tensor& y = c.x(0);
      if (y.size(dim) == 0) return zeros(detail::resized_shape(y, dim, -1), y.scalar_type());
      if (c.n_in == 1) return sum(y, dim) - (select(y, dim, 0) + select(y, dim, -1)) * 0.5;
      Tensor x = c.x(1);
      if (x.dim() == 1) {  // one abscissa for all rows: along dim
        Dims shape;
        shape.n = static_cast<int>(y.dim());
        for (int d = 0; d < shape.n; ++d) shape.v[d] = d == dim ? x.numel() : 1;
        x = x.reshape(shape);
      }
      const std::int64_t x_dim = x.dim() - (y.dim() - dim);
      const Tensor dx = without_first(x, x_dim) - without_last(x, x_dim);
      return sum((without_last(y, dim) + without_first(y, dim)) * dx, dim) / 2;
    },
    .samples = [](SampleSink& call) {
      for (std::int64_t dim : {0, 1}) call({call.uniform({3, 4})}, DimAttrs{dim});
      call({call.uniform({3, 4}), call.uniform({4})}, DimAttrs{1});
      call({call.uniform({3, 4}), call.uniform({3, 4})}, DimAttrs{0});
    },
};

DimAttrs along(const char* op, const Tensor& x, std::int64_t dim) {
  CT_CHECK(x.defined(), op, ": the tensor is undefined");
  CT_CHECK(x.dim() > 0, op, " expects input to be at least one-dimensional");
  return {detail::wrap_dim(dim, x.dim())};
}

}  // namespace

std::span<const Op* const> statistics_ops() {
  static constexpr const Op* ops[] = {&quantile_op, &cov_op, &corrcoef_op, &diff_op, &trapezoid_op};
  return ops;
}

Tensor quantile(const Tensor& self, const Tensor& q, std::optional<std::int64_t> dim, bool keepdim) {
  CT_CHECK(self.defined() && q.defined(), "quantile: a tensor is undefined");
  const QuantileAttrs a{dim ? detail::wrap_dim(*dim, self.dim()) : 0, keepdim, !dim};
  CT_CHECK(self.numel() > 0, "quantile() input tensor must be non-empty");
  CT_CHECK(q.dim() <= 1, "quantile() q must be a scalar or 1D tensor, got shape ", q.sizes());
  CT_CHECK_TYPE(self.scalar_type() == kFloat || self.scalar_type() == kDouble, "quantile() input tensor must be either float or double dtype, got ",
                self.scalar_type());
  CT_CHECK_TYPE(self.scalar_type() == q.scalar_type(), "quantile() q tensor must be same dtype as the input tensor: ", q.scalar_type(), " and ",
                self.scalar_type());
  {
    NoGradGuard off;
    CT_CHECK_VALUE(!detail::any_nonzero(logical_not(logical_and(ge(q, 0), le(q, 1)))), "quantile() q values must be in the range [0, 1]");
  }
  return apply_with(quantile_op, a, self, q);
}
Tensor quantile(const Tensor& self, double q, std::optional<std::int64_t> dim, bool keepdim) {
  CT_CHECK(self.defined(), "quantile: the tensor is undefined");
  CT_CHECK_VALUE(q >= 0 && q <= 1, "quantile() q must be in the range [0, 1] but got ", q);
  return quantile(self, full({}, q, self.scalar_type()), dim, keepdim);
}

Tensor cov(const Tensor& self, std::int64_t correction) {
  check_covariance("cov", self);
  return apply_with(cov_op, CovAttrs{correction}, self);
}
Tensor corrcoef(const Tensor& self) {
  check_covariance("corrcoef", self);
  return apply(corrcoef_op, self);
}

Tensor diff(const Tensor& self, std::int64_t n, std::int64_t dim) {
  DimAttrs a = along("diff", self, dim);
  CT_CHECK_VALUE(n >= 0, "diff: order must be non-negative but got ", n);
  a.k = n;
  return apply_with(diff_op, a, self);
}
Tensor trapezoid(const Tensor& y, std::int64_t dim) {
  const DimAttrs a = along("trapezoid", y, dim);
  CT_CHECK_TYPE(y.scalar_type() != kBool, "trapezoid: received a bool input for `x` or `y`, but bool is not supported");
  return apply_with(trapezoid_op, a, y);
}
Tensor trapezoid(const Tensor& y, const Tensor& x, std::int64_t dim) {
  const DimAttrs a = along("trapezoid", y, dim);
  along("trapezoid", x, -1);
  CT_CHECK_TYPE(y.scalar_type() != kBool && x.scalar_type() != kBool, "trapezoid: received a bool input for `x` or `y`, but bool is not supported");
  const std::int64_t x_dim = x.dim() == 1 ? 0 : x.dim() - (y.dim() - a.dim);
  CT_CHECK(x_dim >= 0 && x.size(x_dim) == y.size(a.dim), "trapezoid: There must be one `x` value for each sample point: x has shape ", x.sizes(),
           ", y has ", y.sizes(), " and is integrated along dimension ", a.dim);
  return apply_with(trapezoid_op, a, y, x);
}

}  // namespace ct
