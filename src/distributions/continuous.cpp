// distributions/continuous.cpp -- distributions of a location and a scale, or of two ends.
#include <cmath>

#include "distributions/common.h"

namespace ct::distributions {

using detail::broadcast_all;
using detail::pi;
using detail::positive;
using detail::real;
using detail::shape_of;

namespace {

const double sqrt_2 = std::sqrt(2.0);

// The arguments (a, b) after broadcasting, as the base wants them.
template <class Argument>
std::vector<Argument> two(const char* name, const char* a_name, const Parameter& a, Constraint a_constraint, const char* b_name, const Parameter& b, Constraint b_constraint) {
  std::vector<Tensor> v = broadcast_all(name, {&a, &b});
  return {{a_name, v[0], std::move(a_constraint)}, {b_name, v[1], std::move(b_constraint)}};
}
template <class Argument>
std::vector<Argument> loc_scale(const char* name, const Parameter& loc, const Parameter& scale) {
  return two<Argument>(name, "loc", loc, real(), "scale", scale, positive());
}
std::vector<std::int64_t> batch_of(const char* name, const Parameter& a, const Parameter& b) { return shape_of(broadcast_all(name, {&a, &b})[0]); }

}  // namespace

// ---- Normal ------------------------------------------------------------------------------------------------------------

Normal::Normal(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args)
    : Distribution("Normal", batch_of("Normal", loc, scale), {}, loc_scale<Argument>("Normal", loc, scale), real(), validate_args) {}
Tensor Normal::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  NoGradGuard off;
  const Sizes shape = extended_shape(sample_shape);
  return normal(loc().expand(shape), scale().expand(shape), generator);
}
Tensor Normal::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  return loc() + empty(extended_shape(sample_shape), loc().scalar_type()).normal_(0, 1, generator) * scale();
}
Tensor Normal::log_prob(const Tensor& value) const {
  validate(value);
  return -pow(value - loc(), 2) / (pow(scale(), 2) * 2) - log(scale()) - std::log(std::sqrt(2 * pi));
}
Tensor Normal::cdf(const Tensor& value) const {
  validate(value);
  return (erf((value - loc()) * reciprocal(scale()) / sqrt_2) + 1) * 0.5;
}
Tensor Normal::icdf(const Tensor& value) const { return loc() + scale() * erfinv(value * 2 - 1) * sqrt_2; }
Tensor Normal::entropy() const { return log(scale()) + (0.5 + 0.5 * std::log(2 * pi)); }
Tensor Normal::mean() const { return loc(); }
Tensor Normal::mode() const { return loc(); }
Tensor Normal::stddev() const { return scale(); }
Tensor Normal::variance() const { return pow(scale(), 2); }

// ---- LogNormal: y = exp(x), x normal -------------------------------------------------------------------------------------

LogNormal::LogNormal(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args)
    : Distribution("LogNormal", batch_of("LogNormal", loc, scale), {}, {}, positive(), validate_args), base_(loc, scale, validate_args) {}
Tensor LogNormal::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const { return exp(base_.sample(sample_shape, generator)); }
Tensor LogNormal::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const { return exp(base_.rsample(sample_shape, generator)); }
Tensor LogNormal::log_prob(const Tensor& value) const {
  validate(value);
  const Tensor x = log(value);
  return base_.log_prob(x) - x;
}
Tensor LogNormal::cdf(const Tensor& value) const {
  validate(value);
  return base_.cdf(log(value));
}
Tensor LogNormal::icdf(const Tensor& value) const { return exp(base_.icdf(value)); }
Tensor LogNormal::entropy() const { return base_.entropy() + loc(); }
Tensor LogNormal::mean() const { return exp(loc() + pow(scale(), 2) / 2); }
Tensor LogNormal::mode() const { return exp(loc() - square(scale())); }
Tensor LogNormal::variance() const { return (exp(pow(scale(), 2)) - 1) * exp(loc() * 2 + pow(scale(), 2)); }

// ---- Uniform ---------------------------------------------------------------------------------------------------------------

namespace {
Constraint between(const Parameter& low, const Parameter& high) {
  const std::vector<Tensor> v = broadcast_all("Uniform", {&low, &high});
  return {Constraint::Kind::interval, v[0].detach(), v[1].detach()};
}
}  // namespace
Uniform::Uniform(const Parameter& low, const Parameter& high, std::optional<bool> validate_args)
    : Distribution("Uniform", batch_of("Uniform", low, high), {}, two<Argument>("Uniform", "low", low, {}, "high", high, {}), between(low, high), validate_args) {
  CT_CHECK_VALUE(!validates() || all(this->low() < this->high()).is_nonzero(), "Uniform: Uniform is not defined when low>= high");
}
Tensor Uniform::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  return low() + rand(extended_shape(sample_shape), generator, low().scalar_type()) * (high() - low());
}
Tensor Uniform::log_prob(const Tensor& value) const {
  validate(value);
  const ScalarType t = low().scalar_type();
  return log((low() <= value).to(t) * (high() > value).to(t)) - log(high() - low());
}
Tensor Uniform::cdf(const Tensor& value) const {
  validate(value);
  return clamp((value - low()) / (high() - low()), Scalar(0), Scalar(1));
}
Tensor Uniform::icdf(const Tensor& value) const { return value * (high() - low()) + low(); }
Tensor Uniform::entropy() const { return log(high() - low()); }
Tensor Uniform::mean() const { return (high() + low()) / 2; }
Tensor Uniform::mode() const { return high() * detail::not_a_number; }
Tensor Uniform::stddev() const { return (high() - low()) / std::sqrt(12.0); }
Tensor Uniform::variance() const { return pow(high() - low(), 2) / 12; }

// ---- Exponential --------------------------------------------------------------------------------------------------------------

Exponential::Exponential(const Parameter& rate, std::optional<bool> validate_args)
    : Distribution("Exponential", shape_of(broadcast_all("Exponential", {&rate})[0]), {}, {{"rate", broadcast_all("Exponential", {&rate})[0], positive()}},
                   detail::nonnegative(), validate_args) {}
Tensor Exponential::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  return empty(extended_shape(sample_shape), rate().scalar_type()).exponential_(1, generator) / rate();
}
Tensor Exponential::log_prob(const Tensor& value) const {
  validate(value);
  return log(rate()) - rate() * value;
}
Tensor Exponential::cdf(const Tensor& value) const {
  validate(value);
  return 1 - exp(-rate() * value);
}
Tensor Exponential::icdf(const Tensor& value) const { return -log(1 - value) / rate(); }
Tensor Exponential::entropy() const { return 1 - log(rate()); }
Tensor Exponential::mean() const { return reciprocal(rate()); }
Tensor Exponential::mode() const { return zeros_like(rate()); }
Tensor Exponential::stddev() const { return reciprocal(rate()); }
Tensor Exponential::variance() const { return pow(rate(), -2); }

// ---- Laplace -------------------------------------------------------------------------------------------------------------------

Laplace::Laplace(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args)
    : Distribution("Laplace", batch_of("Laplace", loc, scale), {}, loc_scale<Argument>("Laplace", loc, scale), real(), validate_args) {}
Tensor Laplace::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  const Tensor u = empty(extended_shape(sample_shape), loc().scalar_type()).uniform_(detail::eps(loc().scalar_type()) - 1, 1, generator);
  return loc() - scale() * sign(u) * log1p(-abs(u));
}
Tensor Laplace::log_prob(const Tensor& value) const {
  validate(value);
  return -log(scale() * 2) - abs(value - loc()) / scale();
}
Tensor Laplace::cdf(const Tensor& value) const {
  validate(value);
  return 0.5 - sign(value - loc()) * 0.5 * expm1(-abs(value - loc()) / scale());
}
Tensor Laplace::icdf(const Tensor& value) const {
  const Tensor term = value - 0.5;
  return loc() - scale() * sign(term) * log1p(abs(term) * -2);
}
Tensor Laplace::entropy() const { return log(scale() * 2) + 1; }
Tensor Laplace::mean() const { return loc(); }
Tensor Laplace::mode() const { return loc(); }
Tensor Laplace::stddev() const { return scale() * sqrt_2; }
Tensor Laplace::variance() const { return pow(scale(), 2) * 2; }

// ---- Cauchy --------------------------------------------------------------------------------------------------------------------

Cauchy::Cauchy(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args)
    : Distribution("Cauchy", batch_of("Cauchy", loc, scale), {}, loc_scale<Argument>("Cauchy", loc, scale), real(), validate_args) {}
Tensor Cauchy::rsample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  return loc() + empty(extended_shape(sample_shape), loc().scalar_type()).cauchy_(0, 1, generator) * scale();
}
Tensor Cauchy::log_prob(const Tensor& value) const {
  validate(value);
  return -std::log(pi) - log(scale()) - log1p(pow((value - loc()) / scale(), 2));
}
Tensor Cauchy::cdf(const Tensor& value) const {
  validate(value);
  return atan((value - loc()) / scale()) / pi + 0.5;
}
Tensor Cauchy::icdf(const Tensor& value) const { return tan((value - 0.5) * pi) * scale() + loc(); }
Tensor Cauchy::entropy() const { return log(scale()) + std::log(4 * pi); }
Tensor Cauchy::mean() const { return full(batch_shape(), detail::not_a_number, loc().scalar_type()); }
Tensor Cauchy::mode() const { return loc(); }
Tensor Cauchy::variance() const { return full(batch_shape(), detail::infinity, loc().scalar_type()); }

}  // namespace ct::distributions
