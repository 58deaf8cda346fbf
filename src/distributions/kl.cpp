// distributions/kl.cpp -- Kullback-Leibler divergences, by pairs of classes.
#include <cmath>
#include <mutex>

#include "distributions/common.h"

namespace ct::distributions {

using detail::infinity;

namespace {

Tensor normal_normal(const Normal& p, const Normal& q) {
  const Tensor ratio = pow(p.scale() / q.scale(), 2);
  return (ratio + pow((p.loc() - q.loc()) / q.scale(), 2) - 1 - log(ratio)) * 0.5;
}
// The same transformation of both does not change it.
Tensor log_normal_log_normal(const LogNormal& p, const LogNormal& q) { return normal_normal(p.base_dist(), q.base_dist()); }

Tensor uniform_uniform(const Uniform& p, const Uniform& q) {
  return masked_fill(log((q.high() - q.low()) / (p.high() - p.low())), logical_or(q.low() > p.low(), q.high() < p.high()), infinity);
}
Tensor exponential_exponential(const Exponential& p, const Exponential& q) {
  const Tensor ratio = q.rate() / p.rate();
  return -log(ratio) + ratio - 1;
}
Tensor laplace_laplace(const Laplace& p, const Laplace& q) {
  const Tensor ratio = p.scale() / q.scale(), distance = abs(p.loc() - q.loc());
  return -log(ratio) + distance / q.scale() + ratio * exp(-distance / p.scale()) - 1;
}
Tensor cauchy_cauchy(const Cauchy& p, const Cauchy& q) {
  return log(pow(p.scale() + q.scale(), 2) + pow(p.loc() - q.loc(), 2)) - log(p.scale() * 4 * q.scale());
}
Tensor gamma_gamma(const Gamma& p, const Gamma& q) {
  return q.concentration() * log(p.rate() / q.rate()) + (lgamma(q.concentration()) - lgamma(p.concentration())) +
         (p.concentration() - q.concentration()) * digamma(p.concentration()) + (q.rate() - p.rate()) * (p.concentration() / p.rate());
}
Tensor beta_beta(const Beta& p, const Beta& q) {
  const Tensor p1 = p.concentration1(), p0 = p.concentration0(), q1 = q.concentration1(), q0 = q.concentration0(), p_sum = p1 + p0, q_sum = q1 + q0;
  return (lgamma(q1) + lgamma(q0) + lgamma(p_sum)) - (lgamma(p1) + lgamma(p0) + lgamma(q_sum)) + (p1 - q1) * digamma(p1) + (p0 - q0) * digamma(p0) +
         (q_sum - p_sum) * digamma(p_sum);
}
Tensor dirichlet_dirichlet(const Dirichlet& p, const Dirichlet& q) {
  const Tensor &a = p.concentration(), &b = q.concentration();
  const Tensor a0 = sum(a, -1), b0 = sum(b, -1);
  return lgamma(a0) - lgamma(b0) - sum(lgamma(a) - lgamma(b), -1) + sum((a - b) * (digamma(a) - digamma(a0).unsqueeze(-1)), -1);
}
Tensor multivariate_multivariate(const MultivariateNormal& p, const MultivariateNormal& q) {
  CT_CHECK_VALUE(p.event_shape() == q.event_shape(), "kl_divergence: KL-divergence between two Multivariate Normals with different event shapes cannot be computed");
  const Tensor P = p.scale_tril(), Q = q.scale_tril();
  const Tensor half_log = sum(log(diagonal(Q, 0, -2, -1)), -1) - sum(log(diagonal(P, 0, -2, -1)), -1);
  const Tensor trace = sum(pow(linalg_solve_triangular(Q, P, false), 2), {-2, -1});
  return half_log + (trace + detail::mahalanobis(Q, q.loc() - p.loc()) - p.event_shape()[0]) * 0.5;
}

// weight * difference, where 0 times anything is 0, and what q holds impossible is infinite.
Tensor weighted(const Tensor& weight, const Tensor& difference, const Tensor& impossible) {
  return masked_fill(masked_fill(weight * difference, impossible, infinity), weight == 0, 0);
}
Tensor bernoulli_bernoulli(const Bernoulli& p, const Bernoulli& q) {
  const auto b = broadcast_tensors({p.probs(), q.probs(), p.logits(), q.logits()});
  return weighted(b[0], softplus(-b[3]) - softplus(-b[2]), b[1] == 0) + weighted(1 - b[0], softplus(b[3]) - softplus(b[2]), b[1] == 1);
}
Tensor categorical_categorical(const Categorical& p, const Categorical& q) {
  const auto b = broadcast_tensors({p.probs(), q.probs(), p.logits(), q.logits()});
  return sum(weighted(b[0], b[2] - b[3], b[1] == 0), -1);
}
Tensor geometric_geometric(const Geometric& p, const Geometric& q) { return -p.entropy() - log1p(-q.probs()) / p.probs() - q.logits(); }
Tensor poisson_poisson(const Poisson& p, const Poisson& q) { return p.rate() * (log(p.rate()) - log(q.rate())) - (p.rate() - q.rate()); }

// ---- of different kinds: -entropy(p) - E log q -----------------------------------------------------------------------------------

constexpr double euler = 0.57721566490153286060;

Tensor bernoulli_poisson(const Bernoulli& p, const Poisson& q) { return -p.entropy() - (p.probs() * log(q.rate()) - q.rate()); }

// log q is quadratic: the first two moments of p say everything.
template <class P>
Tensor to_normal(const P& p, const Normal& q) {
  const Tensor var = pow(q.scale(), 2);
  return log(var * (2 * detail::pi)) * 0.5 - p.entropy() + (p.variance() + pow(p.mean() - q.loc(), 2)) * 0.5 / var;
}
template <class P>
Tensor to_exponential(const P& p, const Exponential& q) { return -p.entropy() - log(q.rate()) + q.rate() * p.mean(); }
Tensor to_gamma(const Distribution& p, const Tensor& mean_log, const Gamma& q) {
  return -p.entropy() - xlogy(q.concentration(), q.rate()) + lgamma(q.concentration()) - (q.concentration() - 1) * mean_log + q.rate() * p.mean();
}
Tensor beta_gamma(const Beta& p, const Gamma& q) { return to_gamma(p, digamma(p.concentration1()) - digamma(p.concentration1() + p.concentration0()), q); }
Tensor exponential_gamma(const Exponential& p, const Gamma& q) { return to_gamma(p, -log(p.rate()) - euler, q); }
// E log x between two ends: the integral of log x is x log x - x.
Tensor mean_log(const Tensor& low, const Tensor& high) { return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1; }
Tensor uniform_gamma(const Uniform& p, const Gamma& q) { return masked_fill(to_gamma(p, mean_log(p.low(), p.high()), q), p.low() < 0, infinity); }
Tensor uniform_exponential(const Uniform& p, const Exponential& q) { return masked_fill(to_exponential(p, q), p.low() < 0, infinity); }
Tensor uniform_beta(const Uniform& p, const Beta& q) {
  const Tensor a = q.concentration1(), b = q.concentration0();
  const Tensor of_q = lgamma(a) + lgamma(b) - lgamma(a + b) - (a - 1) * mean_log(p.low(), p.high()) - (b - 1) * mean_log(1 - p.high(), 1 - p.low());
  return masked_fill(of_q - p.entropy(), logical_or(p.low() < 0, p.high() > 1), infinity);
}
Tensor beta_uniform(const Beta& p, const Uniform& q) {
  return masked_fill(log(q.high() - q.low()) - p.entropy(), logical_or(q.low() > 0, q.high() < 1), infinity);
}
// Where p has values that q does not have.
template <class P, class Q>
Tensor infinite(const P& p, const Q&) { return full_like(p.mean(), infinity); }

// E|x - loc| of a normal x is sqrt(2 / pi) s exp(-z^2 / 2) + d erf(z / sqrt(2)), with d = E x - loc, z = d / s.
Tensor normal_laplace(const Normal& p, const Laplace& q) {
  const Tensor d = p.loc() - q.loc(), z = d / p.scale();
  const Tensor distance = p.scale() * exp(pow(z, 2) * -0.5) * std::sqrt(2 / detail::pi) + d * erf(z * std::sqrt(0.5));
  return -log(p.scale() / q.scale()) + distance / q.scale() - 0.5 * (1 + std::log(0.5 * detail::pi));
}
Tensor independent_independent(const Independent& p, const Independent& q) {
  if (p.reinterpreted_batch_ndims() != q.reinterpreted_batch_ndims())
    CT_THROW(not_implemented, "kl_divergence: two Independent distributions need the same reinterpreted_batch_ndims, not ", p.reinterpreted_batch_ndims(), " and ",
             q.reinterpreted_batch_ndims());
  return detail::sum_rightmost(kl_divergence(p.base_dist(), q.base_dist()), p.reinterpreted_batch_ndims());
}

// ---- the table ---------------------------------------------------------------------------------------------------------------

struct Rules {
  struct Rule {
    const std::type_info *p, *q;
    detail::Divergence call;
    void (*rule)();
  };
  std::mutex mutex;
  std::vector<Rule> rules;
};
// Set while the table is being made, when register_kl() must not ask for it.
thread_local Rules* making = nullptr;
Rules& rules() {
  static Rules& all = *[] {
    making = new Rules;
    register_kl(normal_normal), register_kl(log_normal_log_normal), register_kl(uniform_uniform), register_kl(exponential_exponential);
    register_kl(laplace_laplace), register_kl(cauchy_cauchy), register_kl(gamma_gamma), register_kl(beta_beta), register_kl(dirichlet_dirichlet);
    register_kl(multivariate_multivariate), register_kl(bernoulli_bernoulli), register_kl(categorical_categorical), register_kl(geometric_geometric);
    register_kl(poisson_poisson), register_kl(independent_independent), register_kl(normal_laplace), register_kl(bernoulli_poisson);
    register_kl(to_normal<Uniform>), register_kl(to_normal<Laplace>), register_kl(to_normal<Exponential>), register_kl(to_normal<Gamma>), register_kl(to_normal<Beta>);
    register_kl(to_exponential<Gamma>), register_kl(to_exponential<Beta>), register_kl(uniform_exponential);
    register_kl(exponential_gamma), register_kl(beta_gamma), register_kl(uniform_gamma), register_kl(uniform_beta), register_kl(beta_uniform);
    register_kl(infinite<Normal, Exponential>), register_kl(infinite<Normal, Gamma>), register_kl(infinite<Normal, Beta>), register_kl(infinite<Normal, Uniform>);
    register_kl(infinite<Laplace, Exponential>), register_kl(infinite<Laplace, Gamma>), register_kl(infinite<Laplace, Beta>), register_kl(infinite<Laplace, Uniform>);
    register_kl(infinite<Exponential, Beta>), register_kl(infinite<Exponential, Uniform>), register_kl(infinite<Gamma, Beta>), register_kl(infinite<Gamma, Uniform>);
    register_kl(infinite<Poisson, Bernoulli>);
    return std::exchange(making, nullptr);
  }();
  return all;
}

}  // namespace

void detail::register_kl(const std::type_info& p, const std::type_info& q, Divergence call, void (*rule)()) {
  Rules& r = making ? *making : rules();
  std::lock_guard lock(r.mutex);
  r.rules.insert(r.rules.begin(), {&p, &q, call, rule});  // the latest one counts
}

Tensor kl_divergence(const Distribution& p, const Distribution& q) {
  Rules::Rule found{};
  {
    Rules& r = rules();
    std::lock_guard lock(r.mutex);
    for (const Rules::Rule& rule : r.rules) {
      if (*rule.p != typeid(p) || *rule.q != typeid(q)) continue;
      found = rule;
      break;
    }
  }
  if (!found.call)
    CT_THROW(not_implemented, "kl_divergence: No KL(p || q) is implemented for p type ", p.name(), " and q type ", q.name(),
             "\n  Give a rule with register_kl, or estimate it: mean(p.log_prob(x) - q.log_prob(x)) over samples x of p.");
  return found.call(p, q, found.rule);
}

}  // namespace ct::distributions
