// kernels/cpu/power.cpp -- powers.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/power.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct Square { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Mul(x, x); } };
struct Cube { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Mul(hn::Mul(x, x), x); } };
struct Same { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return x; } };
struct Second { template <class D, class V> HWY_INLINE V operator()(D, V, V y) const { return y; } };  // never run: see power_table
struct One { template <class D, class V> HWY_INLINE V operator()(D d, V) const { return number(d, 1); } };
struct Root { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Sqrt(x); } };
struct Inverse { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Div(number(d, 1), x); } };
struct InverseRoot { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Div(number(d, 1), hn::Sqrt(x)); } };
struct InverseSquare {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Div(number(d, 1), hn::Mul(x, x)); }
};

// |x|^y in double: 2e-14 of relative error at most, so a float result is rounded once.
struct WidePow {
  template <class D, class V> HWY_INLINE V operator()(D d, V magnitude, V y) const {
    return Exp{}(d, hn::Mul(y, hn::Log(d, magnitude)));
  }
};
template <class D, class V>
HWY_INLINE V float_pow(D d, V x, V y) {
  using T = hn::TFromD<D>;
  const V magnitude = hn::Abs(x), zero = hn::Zero(d);
  V r;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) > 1) {
    const hn::Half<D> half;
    const hn::Rebind<double, hn::Half<D>> wide;
    const auto low = WidePow{}(wide, hn::PromoteTo(wide, hn::LowerHalf(half, magnitude)), hn::PromoteTo(wide, hn::LowerHalf(half, y)));
    const auto high = WidePow{}(wide, hn::PromoteTo(wide, hn::UpperHalf(half, magnitude)), hn::PromoteTo(wide, hn::UpperHalf(half, y)));
    r = hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
  }
#endif
  if constexpr (hn::MaxLanes(D()) == 1) {
    const hn::Rebind<double, D> wide;
    r = hn::DemoteTo(d, WidePow{}(wide, hn::PromoteTo(wide, magnitude), hn::PromoteTo(wide, y)));
  }
  // Negative bases take integer exponents only; odd ones give the sign. Below 2^24 a float tells odd from even.
  const V half_y = hn::Mul(y, number(d, 0.5));
  const auto odd = hn::And(hn::Lt(x, zero), hn::Ne(hn::Floor(half_y), half_y));
  r = hn::IfThenElse(odd, hn::Neg(r), r);
  // Everything special is left to the C library: 0, infinities, nan, broken powers of negative numbers.
  const V inf = infinity(d);
  const auto usual = hn::And(hn::And(hn::Gt(magnitude, zero), hn::Lt(magnitude, inf)), hn::Lt(hn::Abs(y), number(d, 1 << 24)));
  const auto good = hn::And(usual, hn::Or(hn::Gt(x, zero), hn::Eq(hn::Floor(y), y)));
  if (HWY_LIKELY(hn::AllTrue(d, good))) return r;
  HWY_ALIGN T xs[HWY_MAX_BYTES / sizeof(T)], ys[HWY_MAX_BYTES / sizeof(T)], rs[HWY_MAX_BYTES / sizeof(T)], ok[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(x, d, xs);
  hn::Store(y, d, ys);
  hn::Store(r, d, rs);
  hn::Store(hn::IfThenElseZero(good, number(d, 1)), d, ok);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i)
    if (ok[i] == 0) rs[i] = std::pow(xs[i], ys[i]);
  return hn::Load(d, rs);
}
struct FloatPow { template <class D, class V> HWY_INLINE V operator()(D d, V x, V y) const { return float_pow(d, x, y); } };
struct FloatPowNumber {
  float exponent;
  explicit FloatPowNumber(const Scalar* p) : exponent(p[0].toFloat()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return float_pow(d, x, hn::Set(d, exponent)); }
};
struct DoublePow { double operator()(double x, double y) const { return std::pow(x, y); } };
struct DoublePowNumber {
  double exponent;
  explicit DoublePowNumber(const Scalar* p) : exponent(p[0].toDouble()) {}
  double operator()(double x) const { return std::pow(x, exponent); }
};

// By squaring, modulo 2^64; negative exponents round toward 0.
struct IntPow {
  template <class T> T operator()(T x, T y) const {
    std::int64_t e = static_cast<std::int64_t>(y);
    const auto base = static_cast<std::int64_t>(x);
    if (e < 0) return static_cast<T>(base == 1 ? 1 : base == -1 ? (e % 2 ? -1 : 1) : 0);
    std::uint64_t r = 1, b = static_cast<std::uint64_t>(base);
    for (; e; e >>= 1, b *= b)
      if (e & 1) r *= b;
    return static_cast<T>(r);
  }
};
struct IntPowNumber {
  std::int64_t exponent;
  explicit IntPowNumber(const Scalar* p) : exponent(p[0].toLong()) {}
  template <class T> T operator()(T x) const {
    return static_cast<T>(IntPow{}(static_cast<std::int64_t>(x), exponent));
  }
};

// Frequent exponents have loops of their own: x**2 costs what x * x costs.
template <class T>
void pow_number(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const double e = params[0].toDouble();
  const Loop loop = e == 2 ? vector_loop<T, 1, Square> : e == 3 ? vector_loop<T, 1, Cube> : e == 0.5 ? vector_loop<T, 1, Root> :
                    e == -1 ? vector_loop<T, 1, Inverse> : e == -0.5 ? vector_loop<T, 1, InverseRoot> :
                    e == -2 ? vector_loop<T, 1, InverseSquare> : e == 1 ? vector_loop<T, 1, Same> : e == 0 ? vector_loop<T, 1, One> :
                    nullptr;
  if (loop) return loop(args, strides, n, params);
  if constexpr (std::is_same_v<T, float>) math_loop<float, 1, FloatPowNumber>(args, strides, n, params);
  else plain_loop1<double, double, DoublePowNumber>(args, strides, n, params);
}

PowerKernels power_table() {
  PowerKernels t;
  t.pow = float_int_kernel<2, Second, IntPow>();
  t.pow.loop[static_cast<int>(kFloat)] = math_loop<float, 2, FloatPow>;
  t.pow.loop[static_cast<int>(kDouble)] = plain_loop2<double, double, DoublePow>;
  t.pow.loop[static_cast<int>(kBool)] = nullptr;
  t.pow_number = float_int_kernel<1, Square, IntPowNumber>();
  t.pow_number.loop[static_cast<int>(kFloat)] = pow_number<float>;
  t.pow_number.loop[static_cast<int>(kDouble)] = pow_number<double>;
  t.pow_number.loop[static_cast<int>(kBool)] = nullptr;
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const PowerKernels& power() {
  static const PowerKernels table = CT_BEST_TARGET(power_table);
  return table;
}
}  // namespace ct::kernels
#endif
