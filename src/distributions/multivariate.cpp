// distributions/multivariate.cpp -- MultivariateNormal, and Independent.
#include <cmath>

#include "distributions/common.h"

namespace ct::distributions {

using detail::mahalanobis;
using detail::pi;

namespace {

// loc [.., n] and the matrix that was given [.., n, n], with the same batch dimensions.
struct Given {
  Tensor loc, matrix;
  const char* name;
  Constraint::Kind kind;
};
Given given(const Tensor& loc, const std::optional<Tensor>& covariance, const std::optional<Tensor>& precision, const std::optional<Tensor>& tril) {
  CT_CHECK_VALUE(loc.defined() && loc.dim() >= 1, "MultivariateNormal: loc must be at least one-dimensional.");
  CT_CHECK_VALUE(covariance.has_value() + precision.has_value() + tril.has_value() == 1,
                 "MultivariateNormal: Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.");
  const Tensor& matrix = tril ? *tril : covariance ? *covariance : *precision;
  const char* name = tril ? "scale_tril" : covariance ? "covariance_matrix" : "precision_matrix";
  CT_CHECK_VALUE(matrix.defined() && matrix.dim() >= 2, "MultivariateNormal: ", name, tril ? " matrix" : "",
                 " must be at least two-dimensional, with optional leading batch dimensions");
  const std::int64_t n = loc.size(-1);
  CT_CHECK_VALUE(matrix.size(-1) == n && matrix.size(-2) == n, "MultivariateNormal: ", name, " of sizes ", matrix.sizes(), " does not fit loc of sizes ", loc.sizes());
  const auto v = broadcast_tensors({loc.unsqueeze(-1), matrix});
  return {select(v[0], -1, 0), v[1], name, tril ? Constraint::Kind::lower_cholesky : Constraint::Kind::positive_definite};
}
template <class Argument>
std::vector<Argument> arguments(const Given& g) { return {{"loc", g.loc, detail::real().independent(1)}, {g.name, g.matrix, Constraint(g.kind)}}; }

// The lower triangular L with L L^T = P^-1: the inverse of the factor of P, seen from its other end.
Tensor tril_of_precision(const Tensor& P) {
  const Tensor L_inverse = flip(linalg_cholesky(flip(P, {-2, -1})), {-2, -1}).mT();
  return linalg_solve_triangular(L_inverse, eye(P.size(-1), P.scalar_type()), false);
}

}  // namespace

MultivariateNormal::MultivariateNormal(const Tensor& loc, const std::optional<Tensor>& covariance_matrix, const std::optional<Tensor>& precision_matrix,
                                       const std::optional<Tensor>& scale_tril, std::optional<bool> validate_args)
    : Distribution("MultivariateNormal", detail::but_last(given(loc, covariance_matrix, precision_matrix, scale_tril).loc.sizes()),
                   {given(loc, covariance_matrix, precision_matrix, scale_tril).loc.size(-1)},
                   arguments<Argument>(given(loc, covariance_matrix, precision_matrix, scale_tril)), detail::real().independent(1), validate_args),
      tril_(scale_tril ? *scale_tril : covariance_matrix ? linalg_cholesky(*covariance_matrix) : tril_of_precision(*precision_matrix)) {}
Tensor MultivariateNormal::scale_tril() const { return tril_.expand_as(argument(1)); }
Tensor MultivariateNormal::covariance_matrix() const { return matmul(tril_, tril_.mT()).expand_as(argument(1)); }
Tensor MultivariateNormal::precision_matrix() const {
  const Tensor inverse = linalg_solve_triangular(tril_, eye(tril_.size(-1), tril_.scalar_type()), false);
  return matmul(inverse.mT(), inverse).expand_as(argument(1));
}
Tensor MultivariateNormal::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  const Tensor e = empty(extended_shape(sample_shape), loc().scalar_type()).normal_(0, 1, generator);
  return loc() + matmul(tril_, e.unsqueeze(-1)).squeeze(-1);
}
Tensor MultivariateNormal::log_prob(const Tensor& value) const {
  validate(value);
  const double n = static_cast<double>(event_shape()[0]);
  return (mahalanobis(tril_, value - loc()) + n * std::log(2 * pi)) * -0.5 - sum(log(diagonal(tril_, 0, -2, -1)), -1);
}
Tensor MultivariateNormal::entropy() const {
  const double n = static_cast<double>(event_shape()[0]);
  return (sum(log(diagonal(tril_, 0, -2, -1)), -1) + 0.5 * n * (1 + std::log(2 * pi))).expand(batch_shape());
}
Tensor MultivariateNormal::mean() const { return loc(); }
Tensor MultivariateNormal::mode() const { return loc(); }
Tensor MultivariateNormal::variance() const { return sum(pow(tril_, 2), -1).expand_as(loc()); }

// ---- Independent ---------------------------------------------------------------------------------------------------------

namespace {
const Distribution& checked(const std::shared_ptr<const Distribution>& base, std::int64_t dims) {
  CT_CHECK(base, "Independent: there is no base distribution");
  const auto most = static_cast<std::int64_t>(base->batch_shape().size());
  CT_CHECK_VALUE(dims >= 0 && dims <= most, "Independent: Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual ", dims, " vs ", most);
  return *base;
}
std::vector<std::int64_t> batch_part(const Distribution& d, std::int64_t dims) { return {d.batch_shape().begin(), d.batch_shape().end() - dims}; }
std::vector<std::int64_t> event_part(const Distribution& d, std::int64_t dims) {
  std::vector<std::int64_t> out(d.batch_shape().end() - dims, d.batch_shape().end());
  out.insert(out.end(), d.event_shape().begin(), d.event_shape().end());
  return out;
}
}  // namespace

Independent::Independent(std::shared_ptr<const Distribution> base, std::int64_t dims, std::optional<bool> validate_args)
    : Distribution("Independent", batch_part(checked(base, dims), dims), event_part(checked(base, dims), dims), {}, checked(base, dims).support().independent(dims), validate_args),
      base_(std::move(base)), dims_(dims) {}
std::string Independent::repr() const { return ct::detail::join({"Independent(", base_->repr(), ", ", dims_, ")"}); }
Tensor Independent::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const { return base_->sample(sample_shape, generator); }
Tensor Independent::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const { return base_->rsample(sample_shape, generator); }
Tensor Independent::log_prob(const Tensor& value) const { return detail::sum_rightmost(base_->log_prob(value), dims_); }
Tensor Independent::entropy() const { return detail::sum_rightmost(base_->entropy(), dims_); }

}  // namespace ct::distributions
