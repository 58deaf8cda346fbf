// kernels/cpu/special.cpp -- special functions, and functions of two arguments without a vector form.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/special.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

constexpr double pi = 3.14159265358979323846;

struct Erf { template <class T> T operator()(T x) const { return std::erf(x); } };
struct Erfc { template <class T> T operator()(T x) const { return std::erfc(x); } };
struct Erfinv {  // Winitzki's approximation, then Halley's steps on erf(y) = x, or on erfc where that is more exact
  template <class T> T operator()(T v) const {
    const double x = static_cast<double>(v), size = std::abs(x);
    if (!(size < 1)) return size == 1 ? std::copysign(std::numeric_limits<T>::infinity(), v) : std::numeric_limits<T>::quiet_NaN();
    if (size < 1e-8) return static_cast<T>(x * 0.88622692545275801365);  // sqrt(pi) / 2
    constexpr double a = 0.147;
    const double l = std::log1p(-size * size), m = 2 / (pi * a) + l / 2;
    double y = std::sqrt(std::sqrt(m * m - l / a) - m);
    for (int i = 0; i < 3; ++i) {
      const double residual = size < 0.5 ? std::erf(y) - size : (1 - size) - std::erfc(y);
      const double step = residual / (1.12837916709551257390 * std::exp(-y * y));  // 2 / sqrt(pi)
      y -= step / (1 + y * step);
    }
    return static_cast<T>(std::copysign(y, x));
  }
};
struct Lgamma {
  template <class T> T operator()(T x) const {
    int sign;
    return static_cast<T>(::lgamma_r(static_cast<double>(x), &sign));
  }
};
struct Digamma {  // reflection, recurrence up to 10, asymptotic series
  template <class T> T operator()(T v) const {
    double x = static_cast<double>(v), y = 0;
    if (x == 0) return std::copysign(std::numeric_limits<T>::infinity(), -v);
    if (x < 0) {
      if (x == std::trunc(x)) return std::numeric_limits<T>::quiet_NaN();
      y = -pi / std::tan(pi * (x - std::trunc(x)));
      x = 1 - x;
    }
    for (; x < 10; x += 1) y -= 1 / x;
    if (x == std::numeric_limits<double>::infinity()) return static_cast<T>(x);
    const double z = 1 / (x * x);
    y += std::log(x) - 0.5 / x - z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12))))));
    return static_cast<T>(y);
  }
};
// (-1)^(n+1) n! sum_k 1 / (x + k)^(n+1): terms up to x + k = 10, then Euler and Maclaurin's formula
struct Polygamma {
  int order;
  explicit Polygamma(const Scalar* p) : order(p[0].toInt()) {}
  template <class T> T operator()(T v) const {
    if (order == 0) return Digamma{}(v);
    double x = static_cast<double>(v), sum = 0;
    const double s = order + 1;
    if (!(x > -1e5)) return std::numeric_limits<T>::quiet_NaN();
    for (; x < 10 + order; x += 1) sum += std::pow(x, -s);
    double power = std::pow(x, -s);                       // x^-s
    sum += x * power / order + power / 2;
    constexpr double bernoulli[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000.0};  // B2k / (2k)!
    double rising = s, inverse = power / x;
    for (int k = 0; k < 6; ++k) {
      sum += bernoulli[k] * rising * inverse;
      rising *= (s + 2 * k + 1) * (s + 2 * k + 2);
      inverse /= x * x;
    }
    double factorial = 1;
    for (int k = 2; k <= order; ++k) factorial *= k;
    return static_cast<T>((order % 2 ? factorial : -factorial) * sum);
  }
};
struct Sinc {  // sin(pi x) / (pi x)
  template <class T> T operator()(T x) const {
    if (x == 0) return 1;
    const T z = static_cast<T>(pi) * x;
    return std::sin(z) / z;
  }
};
struct SincBackward {  // g (cos(pi x) pi x - sin(pi x)) / (pi x^2)
  template <class T> T operator()(T g, T x) const {
    const T z = static_cast<T>(pi) * x;
    if (std::abs(z) < T(1e-2)) return g * x * static_cast<T>(pi * pi) * (T(-1) / 3 + z * z / 30 - z * z * z * z / 840);  // no cancellation
    return g * ((std::cos(z) * z - std::sin(z)) / (z * x));
  }
};
struct Atan2 { template <class T> T operator()(T y, T x) const { return std::atan2(y, x); } };
struct Hypot { template <class T> T operator()(T x, T y) const { return std::hypot(x, y); } };
struct Xlogy {  // 0 where x = 0, whatever log(y) is
  template <class T> T operator()(T x, T y) const {
    if (std::isnan(y)) return y;
    return x == 0 ? T(0) : x * std::log(y);
  }
};
struct Logaddexp {
  template <class T> T operator()(T x, T y) const {
    if (std::isinf(x) && x == y) return x;
    const T larger = x > y ? x : y;
    return larger + std::log1p(std::exp(-std::abs(x - y)));
  }
};

SpecialKernels special_table() {
  SpecialKernels t;
  t.erf = mixed_kernel<1, FloatErf, Erf>();
  t.erfc = plain_kernel<1, Erfc>();
  t.erfinv = plain_kernel<1, Erfinv>();
  t.lgamma = plain_kernel<1, Lgamma>();
  t.digamma = plain_kernel<1, Digamma>();
  t.sinc = plain_kernel<1, Sinc>();
  t.sinc_backward = plain_kernel<2, SincBackward>();
  t.polygamma = plain_kernel<1, Polygamma>();
  t.atan2 = plain_kernel<2, Atan2>();
  t.hypot = plain_kernel<2, Hypot>();
  t.xlogy = plain_kernel<2, Xlogy>();
  t.logaddexp = plain_kernel<2, Logaddexp>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const SpecialKernels& special() {
  static const SpecialKernels table = CT_BEST_TARGET(special_table);
  return table;
}
}  // namespace ct::kernels
#endif
