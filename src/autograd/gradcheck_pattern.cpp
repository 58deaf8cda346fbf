// autograd/gradcheck_pattern.cpp -- the usual mistakes in derivatives, recognised by their numbers.
#include <algorithm>

#include "autograd/gradcheck.h"
#include "cotangent/error.h"

namespace ct::detail {

namespace {

// Whether A is f(numerical) in every entry.
template <class F>
bool matches(const Jacobian& a, Closeness close, const F& f) {
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t k = 0; k < a.cols; ++k)
      if (!close(a.at(i, k), f(i, k))) return false;
  return true;
}

// 2, 1/2, -3/4: a number as people write it.
std::string fraction(double c) {
  for (int q = 1; q <= 12; ++q) {
    const double p = std::round(c * q);
    if (p != 0 && std::abs(p) <= 1000 && std::abs(c - p / q) <= 1e-3 * std::abs(c))
      return q == 1 ? join({static_cast<std::int64_t>(p)}) : join({static_cast<std::int64_t>(p), "/", q});
  }
  return join({std::round(c * 1e4) / 1e4});
}

bool near_integer(double x) { return std::abs(x - std::round(x)) <= 2e-3 * std::abs(x); }

std::string factor_text(double c, std::int64_t entries, IntArrayRef output_sizes, std::int64_t cols) {
  const std::string where = entries == 1 ? " (there is one entry only)" : " everywhere";
  if (std::abs(c + 1) < 2e-3) return join({"wrong sign: the analytical gradient is -1 times the numerical one", where});
  if (c < 0) return join({"wrong sign and factor: the analytical gradient is ", fraction(c), " times the numerical one", where});
  std::string text = join({"a constant factor: the analytical gradient is ", fraction(c), " times the numerical one", where});
  if (c > 1 && near_integer(c)) return join({text, ": a factor ", fraction(c), " too much, or one use counted several times"});
  if (c < 1 && near_integer(1 / c)) {
    const auto n = static_cast<std::int64_t>(std::round(1 / c));
    text = join({text, ": a factor ", n, " is missing, or of ", n, " uses only one is counted (not accumulated)"});
    const bool is_size = n == cols || std::find(output_sizes.begin(), output_sizes.end(), n) != output_sizes.end();
    if (is_size) text = join({text, "; ", n, " is also a size of the output: a mean where a sum belongs"});
  }
  return text;
}

}  // namespace

std::string jacobian_pattern(const Jacobian& a, const Jacobian& n, IntArrayRef in, IntArrayRef out, Closeness close) {
  double an = 0, nn = 0, aa = 0, largest = 0;
  std::int64_t wrong = 0, wrong_zero = 0, wrong_opposite = 0, wrong_parts = 0;
  double parts = 0;
  bool finite_a = true, finite_n = true;
  for (std::size_t e = 0; e < a.v.size(); ++e) {
    const double x = a.v[e], y = n.v[e];
    finite_a = finite_a && std::isfinite(x);
    finite_n = finite_n && std::isfinite(y);
    an += x * y, nn += y * y, aa += x * x;
    largest = std::max(largest, std::abs(y));
    if (close(x, y)) continue;
    ++wrong;
    wrong_zero += x == 0;
    wrong_opposite += close(-x, y);
    const double ratio = y / x;
    if (x != 0 && ratio > 1.5 && near_integer(ratio)) {
      ++wrong_parts;
      parts = std::max(parts, ratio);
    }
  }
  const auto entries = static_cast<std::int64_t>(a.v.size());
  if (!finite_n) return "the differences of f's values are not finite: f is not finite at the inputs, or next to them";
  if (!finite_a) return "the analytical gradient is not finite where the differences are: 0 * inf, or a division by zero in backward";
  if (largest <= close.atol) return "f does not depend on this input, as far as differences see, and yet there is a gradient";
  if (aa == 0) return "the analytical gradient is zero everywhere: a detached input, a missing term, or a value computed outside of what is recorded";

  const double c = an / nn;
  if (c != 0 && matches(a, close, [&](std::int64_t i, std::int64_t k) { return c * n.at(i, k); })) return factor_text(c, entries, out, a.cols);
  if (wrong == wrong_opposite) return join({"wrong sign in ", wrong, " of ", entries, " entries, and the right size everywhere: a branch, or abs()"});
  if (a.rows == a.cols && a.rows > 1 && matches(a, close, [&](std::int64_t i, std::int64_t k) { return n.at(k, i); }))
    return "a transposed Jacobian: backward multiplies by J where it should multiply by its transpose";
  // Gradients, or cotangents, of matrices whose elements came in the order of the transposed matrix, one way or the other.
  auto permuted = [](std::int64_t i, IntArrayRef sizes, std::size_t d) { return i % sizes[d] * sizes[1 - d] + i / sizes[d]; };
  for (std::size_t d = 0; d < 2; ++d) {
    if (in.size() == 2 && in[0] > 1 && in[1] > 1 &&
        matches(a, close, [&](std::int64_t i, std::int64_t k) { return n.at(permuted(i, in, d), k); }))
      return "a transposed gradient: its entries are those of the transposed matrix";
    if (out.size() == 2 && out[0] > 1 && out[1] > 1 &&
        matches(a, close, [&](std::int64_t i, std::int64_t k) { return n.at(i, permuted(k, out, d)); }))
      return "a transposed cotangent: backward reads the gradient of the output as if it were transposed";
  }
  if (wrong == wrong_zero)
    return join({"not accumulated: ", wrong, " of ", entries, " entries are zero and should not be, the others are right. A part of the uses is missing, "
                 "for instance a broadcast that is not summed, or an element that is overwritten"});
  if (wrong == wrong_parts)
    return join({"not accumulated: ", wrong, " of ", entries, " entries are ", parts < 2.5 ? "half" : "a part", " of what they should be, the others are "
                 "right. Of several uses of an element only one is counted"});
  const double off = a.v[0] - n.v[0];
  if (matches(a, close, [&](std::int64_t i, std::int64_t k) { return n.at(i, k) + off; }))
    return join({"a constant difference: the analytical gradient is ", fraction(off), " more than the numerical one everywhere"});
  return {};
}

}  // namespace ct::detail
