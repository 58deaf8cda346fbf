// common/lesson.h -- what lessons share: headings, checks of the printed numbers, and errors shown on purpose.
#pragma once

#include <cotangent/cotangent.h>

#include <cmath>
#include <iostream>
#include <string>

namespace lesson {

namespace detail {
inline int checks = 0, failures = 0;

inline void report(bool ok, int line, const std::string& what) {
  ++checks;
  if (ok) return;
  ++failures;
  std::cerr << "\n  line " << line << ": " << what << "\n";
}
inline std::string text(const ct::Tensor& t) { return ct::to_string(t); }
}  // namespace detail

/// A heading before a part of the lesson.
inline void section(const std::string& title) { std::cout << "\n== " << title << " ==\n"; }

/// The tensor must have the shape of `expected` and its elements, up to rtol * |expected| + atol.
inline void check(const ct::Tensor& actual, const ct::Tensor& expected, double rtol = 1e-4, double atol = 1e-6, int line = __builtin_LINE()) {
  const bool ok = actual.defined() && actual.sizes() == expected.sizes() &&
                  ct::allclose(actual.detach().to(ct::kDouble), expected.detach().to(ct::kDouble), rtol, atol);
  detail::report(ok, line, "got " + (actual.defined() ? detail::text(actual) : "an undefined tensor") + ", and the lesson says " + detail::text(expected));
}
inline void check(const ct::Tensor& actual, std::initializer_list<double> expected, double rtol = 1e-4, double atol = 1e-6,
                  int line = __builtin_LINE()) {
  check(actual, ct::tensor(expected, ct::kDouble), rtol, atol, line);
}
inline void check(double actual, double expected, double rtol = 1e-4, double atol = 1e-6, int line = __builtin_LINE()) {
  detail::report(std::abs(actual - expected) <= rtol * std::abs(expected) + atol, line,
                 "got " + std::to_string(actual) + ", and the lesson says " + std::to_string(expected));
}
/// A statement that must hold.
inline void check_that(bool holds, const std::string& statement, int line = __builtin_LINE()) {
  detail::report(holds, line, "does not hold: " + statement);
}

/// Runs something that must fail, and prints the first line of its error, which must contain `phrase`.
template <class F>
void show_error(F f, const std::string& phrase, int line = __builtin_LINE()) {
  try {
    f();
  } catch (const ct::Error& e) {
    const std::string message = e.what();
    std::cout << "  error, as it should be: " << message.substr(0, message.find('\n')) << "\n";
    detail::report(message.find(phrase) != std::string::npos, line, "the error does not say \"" + phrase + "\"");
    return;
  }
  detail::report(false, line, "no error, although one saying \"" + phrase + "\" was expected");
}

/// The last line of main: return lesson::finish();
inline int finish() {
  if (detail::failures == 0) {
    std::cout << "\n" << detail::checks << " checks of the numbers above passed.\n";
    return 0;
  }
  std::cerr << "\n" << detail::failures << " of " << detail::checks << " checks failed. If you changed the numbers on purpose, that is expected.\n";
  return 1;
}

}  // namespace lesson
