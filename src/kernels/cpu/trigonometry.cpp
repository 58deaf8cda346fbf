// kernels/cpu/trigonometry.cpp -- circular and hyperbolic functions and their inverses.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/trigonometry.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// The vector functions reduce angles up to this size; larger ones, infinities and nan take the C library's.
constexpr double largest_angle = 39000;
template <class D, class V> HWY_INLINE auto large_angle(D d, V x) { return hn::Not(hn::Le(hn::Abs(x), number(d, largest_angle))); }
// f(x) = x to all digits below 1e-20, and so for -0.
template <class D, class V> HWY_INLINE V keep_tiny(D d, V x, V y) { return hn::IfThenElse(hn::Lt(hn::Abs(x), number(d, 1e-20)), x, y); }

struct SlowSin { template <class T> T operator()(T x) const { return std::sin(x); } };
struct SlowCos { template <class T> T operator()(T x) const { return std::cos(x); } };
struct SlowTan { template <class T> T operator()(T x) const { return std::tan(x); } };

struct Sin {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return mend<SlowSin>(d, x, keep_tiny(d, x, hn::Sin(d, x)), large_angle(d, x));
  }
};
struct Cos {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    // 1 - x^2/2 rounds to 1 there; hn::Cos(0) is a unit in the last place below it.
    const V y = hn::IfThenElse(hn::Lt(hn::Abs(x), number(d, sizeof(hn::TFromD<D>) == 8 ? 1e-8 : 2.4e-4)), number(d, 1), hn::Cos(d, x));
    return mend<SlowCos>(d, x, y, large_angle(d, x));
  }
};
struct Tan {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V y = hn::Div(hn::Sin(d, x), hn::Cos(d, x));
    return mend<SlowTan>(d, x, keep_tiny(d, x, y), large_angle(d, x));
  }
};
struct Asin { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Asin(d, x); } };
struct Acos { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Acos(d, x); } };
struct Atan { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Atan(d, x); } };

// Beyond |x| = 20, e^-|x| no longer counts: e^|x| / 2 = e^(|x|/2) (e^(|x|/2) / 2), which does not overflow too soon.
template <class D, class V> HWY_INLINE V half_exp(D d, V magnitude) {
  const V h = Exp{}(d, hn::Mul(magnitude, number(d, 0.5)));
  return hn::Mul(h, hn::Mul(h, number(d, 0.5)));
}
struct Sinh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V magnitude = hn::Abs(x);
    const V y = hn::IfThenElse(hn::Gt(magnitude, number(d, 20)), hn::CopySign(half_exp(d, magnitude), x), hn::Sinh(d, x));
    return keep_tiny(d, x, y);
  }
};
struct Cosh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V magnitude = hn::Abs(x), e = Exp{}(d, magnitude), half = number(d, 0.5);
    const V y = hn::MulAdd(half, e, hn::Div(half, e));
    return hn::IfThenElse(hn::Gt(magnitude, number(d, 20)), half_exp(d, magnitude), y);
  }
};
struct Asinh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(not_below_infinity(d, hn::Abs(x)), x, hn::Asinh(d, x));
  }
};
struct Acosh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return log_edges(d, x, hn::Acosh(d, x), number(d, 1), hn::Zero(d)); }
};
struct Atanh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V magnitude = hn::Abs(x), one = number(d, 1);
    V y = hn::IfThenElse(hn::Gt(magnitude, one), quiet_nan(d), hn::Atanh(d, x));
    y = hn::IfThenElse(hn::Eq(magnitude, one), hn::CopySign(infinity(d), x), y);
    return hn::IfThenElse(hn::IsNaN(x), x, y);
  }
};

TrigonometryKernels trigonometry_table() {
  TrigonometryKernels t;
  t.sin = math_kernel<1, Sin>();
  t.cos = math_kernel<1, Cos>();
  t.tan = math_kernel<1, Tan>();
  t.asin = math_kernel<1, Asin>();
  t.acos = math_kernel<1, Acos>();
  t.atan = math_kernel<1, Atan>();
  t.sinh = math_kernel<1, Sinh>();
  t.cosh = math_kernel<1, Cosh>();
  t.tanh = math_kernel<1, Tanh>();
  t.asinh = math_kernel<1, Asinh>();
  t.acosh = math_kernel<1, Acosh>();
  t.atanh = math_kernel<1, Atanh>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const TrigonometryKernels& trigonometry() {
  static const TrigonometryKernels table = CT_BEST_TARGET(trigonometry_table);
  return table;
}
}  // namespace ct::kernels
#endif
