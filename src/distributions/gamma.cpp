// distributions/gamma.cpp -- Gamma, Dirichlet, Beta: samples through the gamma operations.
#include "cotangent/ops/gamma.h"

#include "distributions/common.h"

namespace ct::distributions {

using detail::broadcast_all;
using detail::positive;
using detail::shape_of;

Gamma::Gamma(const Parameter& concentration, const Parameter& rate, std::optional<bool> validate_args)
    : Distribution("Gamma", shape_of(broadcast_all("Gamma", {&concentration, &rate})[0]), {},
                   {{"concentration", broadcast_all("Gamma", {&concentration, &rate})[0], positive()}, {"rate", broadcast_all("Gamma", {&concentration, &rate})[1], positive()}},
                   detail::nonnegative(), validate_args) {}
Tensor Gamma::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  const Sizes shape = extended_shape(sample_shape);
  const Tensor value = _standard_gamma(concentration().expand(shape), generator) / rate().expand(shape);
  value.detach().clamp_min_(detail::tiny(value.scalar_type()));  // not recorded: the gradient is that of the number before
  return value;
}
Tensor Gamma::log_prob(const Tensor& value) const {
  validate(value);
  const Tensor v = value.to(rate().scalar_type());
  return xlogy(concentration(), rate()) + xlogy(concentration() - 1, v) - rate() * v - lgamma(concentration());
}
Tensor Gamma::entropy() const { return concentration() - log(rate()) + lgamma(concentration()) + (1 - concentration()) * digamma(concentration()); }
Tensor Gamma::mean() const { return concentration() / rate(); }
Tensor Gamma::mode() const { return clamp_min((concentration() - 1) / rate(), 0); }
Tensor Gamma::variance() const { return concentration() / pow(rate(), 2); }

namespace {
const Tensor& with_rows(const Tensor& concentration) {
  CT_CHECK_VALUE(concentration.defined() && concentration.dim() >= 1, "Dirichlet: `concentration` parameter must be at least one-dimensional.");
  return concentration;
}
}  // namespace

Dirichlet::Dirichlet(const Tensor& concentration, std::optional<bool> validate_args)
    : Distribution("Dirichlet", detail::but_last(with_rows(concentration).sizes()), {with_rows(concentration).size(-1)}, {{"concentration", concentration, positive().independent(1)}},
                   Constraint(Constraint::Kind::simplex), validate_args) {}
Tensor Dirichlet::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  return _sample_dirichlet(concentration().expand(extended_shape(sample_shape)), generator);
}
Tensor Dirichlet::log_prob(const Tensor& value) const {
  validate(value);
  return sum(log(value) * (concentration() - 1), -1) + lgamma(sum(concentration(), -1)) - sum(lgamma(concentration()), -1);
}
Tensor Dirichlet::entropy() const {
  const Tensor a0 = sum(concentration(), -1);
  return sum(lgamma(concentration()), -1) - lgamma(a0) - (concentration().size(-1) - a0) * digamma(a0) - sum((concentration() - 1) * digamma(concentration()), -1);
}
Tensor Dirichlet::mean() const { return concentration() / sum(concentration(), -1, true); }
Tensor Dirichlet::mode() const {
  const Tensor above = clamp_min(concentration() - 1, 0), mode = above / sum(above, -1, true);
  // With all concentrations below 1 the density is greatest in a corner.
  const Tensor corner = (arange(mode.size(-1), kLong) == argmax(mode, -1, true)).to(mode.scalar_type());
  return where(all(concentration() < 1, -1).unsqueeze(-1), corner, mode);
}
Tensor Dirichlet::variance() const {
  const Tensor a0 = sum(concentration(), -1, true);
  return concentration() * (a0 - concentration()) / (pow(a0, 2) * (a0 + 1));
}

namespace {
Tensor pair(const Parameter& one, const Parameter& zero) {
  if (one.is_number() && zero.is_number()) return tensor(std::vector<double>{one.number(), zero.number()}, get_default_dtype());
  return stack(broadcast_all("Beta", {&one, &zero}), -1);
}
}  // namespace

Beta::Beta(const Parameter& concentration1, const Parameter& concentration0, std::optional<bool> validate_args)
    : Distribution("Beta", shape_of(broadcast_all("Beta", {&concentration1, &concentration0})[0]), {}, {}, detail::unit_interval(), validate_args),
      dirichlet_(pair(concentration1, concentration0), validate_args) {}
Tensor Beta::concentration1() const { return select(dirichlet_.concentration(), -1, 0); }
Tensor Beta::concentration0() const { return select(dirichlet_.concentration(), -1, 1); }
Tensor Beta::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const { return select(dirichlet_.rsample(sample_shape, generator), -1, 0); }
Tensor Beta::log_prob(const Tensor& value) const {
  validate(value);
  return dirichlet_.log_prob(stack({value, 1 - value}, -1));
}
Tensor Beta::entropy() const { return dirichlet_.entropy(); }
Tensor Beta::mean() const { return concentration1() / (concentration1() + concentration0()); }
Tensor Beta::mode() const { return select(dirichlet_.mode(), -1, 0); }
Tensor Beta::variance() const {
  const Tensor total = concentration1() + concentration0();
  return concentration1() * concentration0() / (pow(total, 2) * (total + 1));
}

}  // namespace ct::distributions
