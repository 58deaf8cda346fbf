// distributions/discrete.cpp -- distributions of whole numbers.
#include <algorithm>

#include "cotangent/ops/loss.h"
#include "distributions/common.h"

namespace ct::distributions {

using detail::broadcast_all;
using detail::logits_to_probs;
using detail::nonnegative_integer;
using detail::probs_to_logits;
using detail::shape_of;

namespace {

template <class P>
const P& one_of(const char* name, const std::optional<P>& probs, const std::optional<P>& logits) {
  CT_CHECK_VALUE(probs.has_value() != logits.has_value(), name, ": Either `probs` or `logits` must be specified, but not both.");
  return probs ? *probs : *logits;
}
Tensor chance(const char* name, const std::optional<Parameter>& probs, const std::optional<Parameter>& logits) {
  return broadcast_all(name, {&one_of(name, probs, logits)})[0];
}

// -log of the probability of `target` (0 to 1) for the logarithm of the odds.
Tensor cross_entropy(const Tensor& logits, const Tensor& target) { return binary_cross_entropy_with_logits(logits, target, {}, {}, Reduction::None); }

Tensor values_along(Tensor values, IntArrayRef batch, bool expand) {
  std::vector<std::int64_t> shape(batch.size() + 1, 1);
  shape[0] = values.size(0);
  values = values.view(shape);
  if (!expand) return values;
  std::copy(batch.begin(), batch.end(), shape.begin() + 1);
  return values.expand(shape);
}

}  // namespace

// ---- Bernoulli -----------------------------------------------------------------------------------------------------------

Bernoulli::Bernoulli(const std::optional<Parameter>& probs, const std::optional<Parameter>& logits, std::optional<bool> validate_args)
    : Distribution("Bernoulli", shape_of(chance("Bernoulli", probs, logits)), {},
                   {{probs ? "probs" : "logits", chance("Bernoulli", probs, logits), probs ? detail::unit_interval() : detail::real()}}, Constraint(Constraint::Kind::boolean),
                   validate_args),
      by_logits_(!probs) {}
Tensor Bernoulli::probs() const { return by_logits_ ? logits_to_probs(argument(0), true) : argument(0); }
Tensor Bernoulli::logits() const { return by_logits_ ? argument(0) : probs_to_logits(argument(0), true); }
Tensor Bernoulli::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  NoGradGuard off;
  return bernoulli(probs().expand(extended_shape(sample_shape)), generator);
}
Tensor Bernoulli::log_prob(const Tensor& value) const {
  validate(value);
  const auto v = broadcast_tensors({logits(), value});
  return -cross_entropy(v[0], v[1]);
}
Tensor Bernoulli::entropy() const { return cross_entropy(logits(), probs()); }
Tensor Bernoulli::mean() const { return probs(); }
Tensor Bernoulli::mode() const {
  const Tensor p = probs();
  return masked_fill((p >= 0.5).to(p.scalar_type()), p == 0.5, detail::not_a_number);
}
Tensor Bernoulli::variance() const {
  const Tensor p = probs();
  return p * (1 - p);
}
Tensor Bernoulli::enumerate_support(bool expand) const { return values_along(arange(2, argument(0).scalar_type()), batch_shape(), expand); }

// ---- Geometric -----------------------------------------------------------------------------------------------------------

Geometric::Geometric(const std::optional<Parameter>& probs, const std::optional<Parameter>& logits, std::optional<bool> validate_args)
    : Distribution("Geometric", shape_of(chance("Geometric", probs, logits)), {},
                   {{probs ? "probs" : "logits", chance("Geometric", probs, logits), probs ? detail::unit_interval() : detail::real()}}, nonnegative_integer(), validate_args),
      by_logits_(!probs) {
  CT_CHECK_VALUE(by_logits_ || !validates() || all(argument(0) > 0).is_nonzero(), "Geometric: Expected parameter probs of distribution ", repr(),
                 " to be positive but found invalid values:\n", ct::to_string(argument(0)));
}
Tensor Geometric::probs() const { return by_logits_ ? logits_to_probs(argument(0), true) : argument(0); }
Tensor Geometric::logits() const { return by_logits_ ? argument(0) : probs_to_logits(argument(0), true); }
Tensor Geometric::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  NoGradGuard off;
  const Tensor p = probs(), u = empty(extended_shape(sample_shape), p.scalar_type()).uniform_(detail::tiny(p.scalar_type()), 1, generator);
  return floor(log(u) / log1p(-p));
}
Tensor Geometric::log_prob(const Tensor& value) const {
  validate(value);
  const auto v = broadcast_tensors({value, probs()});
  const Tensor p = masked_fill(v[1], logical_and(v[1] == 1, v[0] == 0), 0);  // 0 log(0) is 0
  return v[0] * log1p(-p) + log(probs());
}
Tensor Geometric::entropy() const { return cross_entropy(logits(), probs()) / probs(); }
Tensor Geometric::mean() const { return 1 / probs() - 1; }
Tensor Geometric::mode() const { return zeros_like(probs()); }
Tensor Geometric::variance() const {
  const Tensor p = probs();
  return (1 / p - 1) / p;
}

// ---- Categorical ---------------------------------------------------------------------------------------------------------

namespace {
// Probabilities with the sum 1, or their logarithms.
Tensor normalized(const std::optional<Tensor>& probs, const std::optional<Tensor>& logits) {
  const Tensor& t = one_of("Categorical", probs, logits);
  CT_CHECK_VALUE(t.defined() && t.dim() >= 1, "Categorical: `", probs ? "probs" : "logits", "` parameter must be at least one-dimensional.");
  return probs ? t / sum(t, -1, true) : t - logsumexp(t, -1, true);
}
Constraint below(std::int64_t k) { return {Constraint::Kind::integer_interval, tensor(0, kLong), tensor(k - 1, kLong)}; }
}  // namespace

Categorical::Categorical(const std::optional<Tensor>& probs, const std::optional<Tensor>& logits, std::optional<bool> validate_args)
    : Distribution("Categorical", detail::but_last(normalized(probs, logits).sizes()), {},
                   {{probs ? "probs" : "logits", normalized(probs, logits), probs ? Constraint(Constraint::Kind::simplex) : detail::real().independent(1)}},
                   below(normalized(probs, logits).size(-1)), validate_args),
      by_logits_(!probs) {}
Tensor Categorical::probs() const { return by_logits_ ? logits_to_probs(argument(0), false) : argument(0); }
Tensor Categorical::logits() const { return by_logits_ ? argument(0) : probs_to_logits(argument(0), false); }
Tensor Categorical::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  NoGradGuard off;
  std::int64_t n = 1;
  for (const std::int64_t s : sample_shape) n *= s;
  const Sizes shape = extended_shape(sample_shape);
  if (n == 0) return empty(shape, kLong);
  const Tensor p = probs();
  return multinomial(p.reshape({-1, p.size(-1)}), n, true, generator).t().reshape(shape);
}
Tensor Categorical::log_prob(const Tensor& value) const {
  validate(value);
  const auto v = broadcast_tensors({value.to(kLong).unsqueeze(-1), logits()});
  return gather(v[1], -1, narrow(v[0], -1, 0, 1)).squeeze(-1);
}
Tensor Categorical::entropy() const {
  const ScalarType t = argument(0).scalar_type();
  const double lowest = t == kDouble ? -0x1.fffffffffffffp1023 : t == kHalf ? -65504.0 : t == kBFloat16 ? -0x1.fep127 : -0x1.fffffep127;
  return -sum(clamp_min(logits(), lowest) * probs(), -1);
}
Tensor Categorical::mean() const { return full(batch_shape(), detail::not_a_number, argument(0).scalar_type()); }
Tensor Categorical::mode() const { return argmax(probs(), -1); }
Tensor Categorical::variance() const { return full(batch_shape(), detail::not_a_number, argument(0).scalar_type()); }
Tensor Categorical::enumerate_support(bool expand) const { return values_along(arange(argument(0).size(-1), kLong), batch_shape(), expand); }

// ---- Poisson -------------------------------------------------------------------------------------------------------------

Poisson::Poisson(const Parameter& rate, std::optional<bool> validate_args)
    : Distribution("Poisson", shape_of(broadcast_all("Poisson", {&rate})[0]), {}, {{"rate", broadcast_all("Poisson", {&rate})[0], detail::nonnegative()}},
                   nonnegative_integer(), validate_args) {}
Tensor Poisson::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  NoGradGuard off;
  return poisson(rate().expand(extended_shape(sample_shape)), generator);
}
Tensor Poisson::log_prob(const Tensor& value) const {
  validate(value);
  return xlogy(value, rate()) - rate() - lgamma(value + 1);
}
Tensor Poisson::mean() const { return rate(); }
Tensor Poisson::mode() const { return floor(rate()); }
Tensor Poisson::variance() const { return rate(); }

}  // namespace ct::distributions
