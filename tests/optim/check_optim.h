// tests/optim/check_optim.h -- a parameter, and steps on the quadratic of which the gradient is the parameter.
#pragma once

#include <cmath>

#include "cotangent/cotangent.h"
#include "cotangent/optim.h"
#include "values.h"

inline ct::Tensor leaf(const std::vector<double>& v, ct::ScalarType t = ct::kDouble) {
  return ct::tensor(v, ct::dtype(t).requires_grad(true));
}
// Steps on sum(w^2)/2.
inline void descend(ct::optim::Optimizer& opt, const ct::Tensor& w, int steps = 1) {
  for (int i = 0; i < steps; ++i) {
    opt.zero_grad();
    (w * w).sum().mul(0.5).backward();
    opt.step();
  }
}
inline void check_near(const ct::Tensor& t, const std::vector<double>& expected, double tolerance) {
  const std::vector<double> v = values(t);
  REQUIRE(v.size() == expected.size());
  for (std::size_t i = 0; i < v.size(); ++i) CHECK(v[i] == doctest::Approx(expected[i]).epsilon(tolerance));
}
// Of numbers that were written down with 8 significant digits.
inline void check_digits(const ct::Tensor& t, const std::vector<double>& expected) {
  const std::vector<double> v = values(t);
  REQUIRE(v.size() == expected.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double unit = std::pow(10, std::floor(std::log10(std::abs(expected[i]))) - 7);
    CAPTURE(v[i] - expected[i]);
    CHECK(std::abs(v[i] - expected[i]) < 0.501 * unit);
  }
}
