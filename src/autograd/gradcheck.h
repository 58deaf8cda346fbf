// autograd/gradcheck.h -- Jacobians as numbers, and what is typical of a wrong one.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cotangent/array_ref.h"

namespace ct::detail {

// Rows are input entries, columns output entries.
struct Jacobian {
  std::int64_t rows = 0, cols = 0;
  std::vector<double> v;
  Jacobian() = default;
  Jacobian(std::int64_t r, std::int64_t c) : rows(r), cols(c), v(static_cast<std::size_t>(r * c)) {}
  double& at(std::int64_t i, std::int64_t k) { return v[static_cast<std::size_t>(i * cols + k)]; }
  double at(std::int64_t i, std::int64_t k) const { return v[static_cast<std::size_t>(i * cols + k)]; }
};

struct Closeness {
  double atol, rtol;
  bool operator()(double a, double n) const { return a == n || std::abs(a - n) <= atol + rtol * std::abs(n); }
};

// The pattern in an analytical Jacobian that is not the numerical one; empty if there is none.
std::string jacobian_pattern(const Jacobian& analytical, const Jacobian& numerical, IntArrayRef input_sizes, IntArrayRef output_sizes, Closeness close);

}  // namespace ct::detail
