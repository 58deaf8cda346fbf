// kernels/cpu/gamma.cpp -- Marsaglia and Tsang's gamma numbers; derivatives of incomplete gamma and beta functions.
#include "kernels/cpu/gamma.h"

#include <cmath>
#include <limits>

#include "kernels/cpu/elementwise.h"

namespace ct::kernels {

// G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000); a concentration below 1 is
// raised by 1 and the number multiplied by u^(1/a).
template <class T>
double standard_gamma(T a, detail::GeneratorImpl& g) {
  if (a == 0) return 0;
  double scale = 1;
  if (a < 1) {
    scale = std::pow(1 - g.engine.uniform_double(), static_cast<double>(T(1) / a));
    a += 1;
  }
  const double d = static_cast<double>(a - T(1.0f / 3.0f)), c = 1 / std::sqrt(9 * d);
  for (;;) {
    double x, y;
    do {
      x = g.normal();
      y = 1 + c * x;
    } while (y <= 0);
    const double v = y * y * y, u = 1 - g.engine.uniform_double(), xx = x * x;
    if (u < 1 - static_cast<double>(0.0331f) * xx * xx || std::log(u) < 0.5 * xx + d * (1 - v + std::log(v))) return scale * d * v;
  }
}
template double standard_gamma<float>(float, detail::GeneratorImpl&);
template double standard_gamma<double>(double, detail::GeneratorImpl&);

namespace {

constexpr double eps = 1e-16;
constexpr int most_terms = 1 << 20;

double digamma(double x) {
  double y;
  char* args[] = {reinterpret_cast<char*>(&y), reinterpret_cast<char*>(&x)};
  const std::int64_t strides[] = {0, 0};
  special().digamma[kDouble](args, strides, 1, nullptr);
  return y;
}

// A value and its derivative.
struct Dual { double v, d = 0; };
Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
Dual operator/(Dual a, Dual b) { return {a.v / b.v, (a.d - a.v / b.v * b.d) / b.v}; }

// b0 + a1 / (b1 + a2 / (b2 + ..)) by Lentz's method as Thompson and Barnett modified it. a(i), b(i) give the terms.
template <class A, class B>
Dual fraction(Dual b0, const A& a, const B& b) {
  Dual f = b0.v == 0 ? Dual{1e-300} : b0, c = f, d{0};
  for (int i = 1; i < most_terms; ++i) {
    const Dual ai = a(i), bi = b(i);
    d = bi + ai * d;
    c = bi + ai / c;
    if (d.v == 0) d.v = 1e-300;
    if (c.v == 0) c.v = 1e-300;
    d = Dual{1} / d;
    const Dual step = c * d;
    f = f * step;
    if (std::fabs(step.v - 1) < eps && std::fabs(step.d * f.v) <= eps * (1 + std::fabs(f.d))) break;
  }
  return f;
}

// With P = x^a e^-x / gamma(a + 1) S, S = sum_n x^n / ((a + 1) .. (a + n)), and density p:
//   -dP/da / p = -x / a (S (ln x - digamma(a + 1)) + dS/da)
// and for large x with 1 - P = x^a e^-x / gamma(a) h, h a continued fraction (DLMF 8.9.2):
//   -dP/da / p = x (h (ln x - digamma(a)) + dh/da)
double slope_of_gamma(double a, double x) {
  if (!(a > 0) || !(x >= 0)) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return 0;
  if (a > 1e6) {  // Cornish and Fisher: x = a + sqrt(a) z + (z^2 - 1) / 3 + .., where z stays
    const double r = std::sqrt(a), y = (x - a) / r;
    return 1 + (y - (y * y - 1) / (3 * r)) / (2 * r);
  }
  if (x < a + 1) {
    double term = 1, sum = 1, slope = 0, inverses = 0;
    for (int n = 1; n < most_terms && term > eps * sum; ++n) {
      term *= x / (a + n);
      inverses += 1 / (a + n);
      sum += term;
      slope -= term * inverses;
    }
    return -x / a * (sum * (std::log(x) - digamma(a + 1)) + slope);
  }
  const Dual da{a, 1};
  const Dual h = Dual{1} / fraction(Dual{x + 1} - da, [&](int i) { return Dual{static_cast<double>(-i)} * (Dual{static_cast<double>(i)} - da); },
                                    [&](int i) { return Dual{x + 2 * i + 1} - da; });
  return x * (h.v * (std::log(x) - digamma(a)) + h.d);
}

// The continued fraction of the incomplete beta function (DLMF 8.17.22): I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) h.
Dual beta_fraction(double x, Dual a, Dual b) {
  return Dual{1} / fraction(Dual{1}, [&](int i) {
    const Dual m{static_cast<double>(i / 2)};
    if (i % 2 == 0) return m * (b - m) * Dual{x} / ((a + m + m - Dual{1}) * (a + m + m));
    return Dual{-x} * (a + m) * (a + b + m) / ((a + m + m) * (a + m + m + Dual{1}));
  }, [](int) { return Dual{1}; });
}
double slope_of_beta(double x, double a, double total) {
  const double b = total - a;
  if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1)) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0 || x == 1) return 0;
  const double slope = std::log(x) - digamma(a) + digamma(total);
  if (x < (a + 1) / (total + 2)) {
    const Dual h = beta_fraction(x, {a, 1}, {b});
    return -x / a * (h.v * (slope - 1 / a) + h.d);
  }
  const Dual h = beta_fraction(1 - x, {b}, {a, 1});
  return x / b * (h.v * slope + h.d);
}

template <class T>
void gamma_loop(char* const* args, const std::int64_t* s, std::int64_t n, const Scalar*) {
  for (std::int64_t i = 0; i < n; ++i)
    *reinterpret_cast<T*>(args[0] + i * s[0]) = static_cast<T>(slope_of_gamma(static_cast<double>(*reinterpret_cast<const T*>(args[1] + i * s[1])),
                                                                              static_cast<double>(*reinterpret_cast<const T*>(args[2] + i * s[2]))));
}
template <class T>
void beta_loop(char* const* args, const std::int64_t* s, std::int64_t n, const Scalar*) {
  for (std::int64_t i = 0; i < n; ++i)
    *reinterpret_cast<T*>(args[0] + i * s[0]) =
        static_cast<T>(slope_of_beta(static_cast<double>(*reinterpret_cast<const T*>(args[1] + i * s[1])), static_cast<double>(*reinterpret_cast<const T*>(args[2] + i * s[2])),
                                     static_cast<double>(*reinterpret_cast<const T*>(args[3] + i * s[3]))));
}

Kernel both(Loop of_float, Loop of_double) {
  Kernel k;
  k.loop[static_cast<int>(kFloat)] = of_float;
  k.loop[static_cast<int>(kDouble)] = of_double;
  return k;
}

}  // namespace

const Kernel& gamma_slope() {
  static const Kernel k = both(gamma_loop<float>, gamma_loop<double>);
  return k;
}
const Kernel& beta_slope() {
  static const Kernel k = both(beta_loop<float>, beta_loop<double>);
  return k;
}

}  // namespace ct::kernels
