// tests/distributions/gamma.cpp -- how gamma and beta numbers move with their parameters, against series in long double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cotangent/cotangent.h"
#include "cotangent/ops/gamma.h"

using ct::Tensor;
using ct::tensor;

namespace {

// P(a, x), the incomplete gamma function: a series of positive terms.
long double incomplete_gamma(long double a, long double x) {
  long double term = 1, sum = 1;
  for (int n = 1; n < 100000 && term > sum * 1e-22L; ++n) sum += term *= x / (a + n);
  return sum * std::exp(a * std::log(x) - x - std::lgamma(a + 1));
}
long double gamma_density(long double a, long double x) { return std::exp((a - 1) * std::log(x) - x - std::lgamma(a)); }
// I_x(a, b), the incomplete beta function.
long double incomplete_beta(long double x, long double a, long double b) {
  if (x > 0.5L) return 1 - incomplete_beta(1 - x, b, a);
  long double term = 1, sum = 1;
  for (int n = 1; n < 100000 && term > sum * 1e-22L; ++n) sum += term *= (a + b + n - 1) / (a + n) * x;
  return sum * std::exp(a * std::log(x) + b * std::log1p(-x) - std::log(a) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b));
}
long double beta_density(long double x, long double a, long double b) {
  return std::exp((a - 1) * std::log(x) + (b - 1) * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b));
}
Tensor number(double v) { return ct::scalar_tensor(v, ct::kDouble); }

}  // namespace

TEST_CASE("gamma: the implicit gradient") {
  for (const double a : {0.01, 0.3, 1., 2.5, 10., 100., 3000.})
    for (const double z : {-2., -0.5, 0., 0.7, 2.}) {
      const double x = a > 5 ? a + z * std::sqrt(a) : a * std::exp(z);
      const long double h = 1e-5L * std::min(a, std::sqrt(a));
      const double expected = static_cast<double>(-(incomplete_gamma(a + h, x) - incomplete_gamma(a - h, x)) / (2 * h) / gamma_density(a, x));
      const double got = ct::_standard_gamma_grad(number(a), number(x)).item<double>();
      CAPTURE(a);
      CAPTURE(x);
      CHECK(std::abs(got - expected) <= 1e-7 * std::abs(expected) + 1e-12);
    }
  // Where an expansion for large concentrations takes over.
  for (const double a : {0.9e6, 1.1e6, 1e9}) {
    const double slope = ct::_standard_gamma_grad(number(a), number(a + 2 * std::sqrt(a))).item<double>();
    CHECK(std::abs(slope - (1 + 1 / std::sqrt(a))) < 3 / a);
  }
  CHECK(ct::_standard_gamma_grad(number(2), number(0)).item<double>() == 0);
  CHECK(std::isnan(ct::_standard_gamma_grad(number(-1), number(1)).item<double>()));
  // x tiny: P = x^a / gamma(a + 1), so dx/da = -x / a (ln x - digamma(a + 1)).
  const double tiny = 1e-200, slope = -tiny / 0.1 * (std::log(tiny) + 0.42375494041107664);
  CHECK(std::abs(ct::_standard_gamma_grad(number(0.1), number(tiny)).item<double>() / slope - 1) < 1e-12);
}

TEST_CASE("gamma: the implicit gradient of beta numbers") {
  for (const double a : {0.05, 0.7, 1., 4., 60., 2000.})
    for (const double b : {0.05, 1., 2.5, 30., 1000.})
      for (const double z : {-2., -0.3, 0.5, 2.5}) {
        const double mean = a / (a + b), x = 1 / (1 + (1 - mean) / mean * std::exp(-z / std::sqrt(1 + a * b / (a + b))));
        const long double h = 1e-5L * a;
        const long double slope = -(incomplete_beta(x, a + h, b) - incomplete_beta(x, a - h, b)) / (2 * h) / beta_density(x, a, b) / (1 - static_cast<long double>(x));
        const double expected = static_cast<double>(slope), got = ct::_dirichlet_grad(number(x), number(a), number(a + b)).item<double>();
        CAPTURE(a);
        CAPTURE(b);
        CAPTURE(x);
        CHECK(std::abs(got - expected) <= 1e-6 * std::abs(expected) + 1e-9);
      }
}

TEST_CASE("gamma: gradients of samples") {
  ct::manual_seed(1);
  const Tensor a = ct::full({20000}, 1.5, ct::kDouble).requires_grad_();
  const Tensor y = ct::_standard_gamma(a);
  CHECK(std::abs(y.mean().item<double>() - 1.5) < 0.03);
  CHECK(std::abs(y.var().item<double>() - 1.5) < 0.06);
  y.sum().backward();
  CHECK(std::abs(a.grad().mean().item<double>() - 1) < 0.02);  // E y = a
  a.mutable_grad().reset();
  ct::_standard_gamma(a).square().sum().backward();
  CHECK(std::abs(a.grad().mean().item<double>() - 4) < 0.15);  // E y^2 = a^2 + a

  const Tensor c = tensor({1., 2., 3.}, ct::kDouble).requires_grad_();
  ct::_sample_dirichlet(c.expand({20000, 3})).select(1, 0).mean().backward();
  // E y_0 = c_0 / sum(c)
  CHECK(std::abs(c.grad()[0].item<double>() - 5. / 36) < 0.003);
  CHECK(std::abs(c.grad()[1].item<double>() + 1. / 36) < 0.003);
  CHECK(y.grad_fn()->name() == "StandardGammaBackward0");
}

TEST_CASE("gamma: errors") {
  CHECK_THROWS_AS(ct::_standard_gamma(ct::arange(3)), ct::TypeError);
  CHECK_THROWS_AS(ct::_standard_gamma(tensor({1., -1.})), ct::ValueError);
  CHECK_THROWS_AS(ct::_sample_dirichlet(tensor(1.)), ct::Error);
  CHECK(ct::_standard_gamma(ct::zeros({2})).gt(0).all().item<bool>());
  CHECK(ct::_sample_dirichlet(ct::ones({2, 0})).numel() == 0);
  // Samples can be differentiated once.
  const Tensor a = tensor({1.5}, ct::kDouble).requires_grad_();
  const auto g = ct::autograd::grad({ct::_standard_gamma(a).sum()}, {a}, {}, true, true);
  CHECK_THROWS_AS(g[0].sum().backward(), ct::NotImplementedError);
}
