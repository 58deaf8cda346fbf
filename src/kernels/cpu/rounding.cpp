// kernels/cpu/rounding.cpp -- rounding, signs and replacing nan.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rounding.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct Abs { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Abs(x); } };
struct Floor { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Floor(x); } };
struct Ceil { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Ceil(x); } };
struct Round { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Round(x); } };  // halves to even
struct Trunc { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Trunc(x); } };
struct Frac { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Sub(x, hn::Trunc(x)); } };
struct Sign {  // 0 for nan
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d), one = number(d, 1);
    return hn::Sub(hn::IfThenElseZero(hn::Gt(x, zero), one), hn::IfThenElseZero(hn::Lt(x, zero), one));
  }
};
struct RoundDecimals {
  double scale;
  bool positive;
  explicit RoundDecimals(const Scalar* p) : scale(std::pow(10.0, std::abs(p[0].toDouble()))), positive(p[0].toDouble() >= 0) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V s = number(d, scale);
    return positive ? hn::Div(hn::Round(hn::Mul(x, s)), s) : hn::Mul(hn::Round(hn::Div(x, s)), s);
  }
};
struct NanToNum {
  double nan, high, low;
  explicit NanToNum(const Scalar* p) : nan(p[0].toDouble()), high(p[1].toDouble()), low(p[2].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    V y = hn::IfThenElse(hn::IsNaN(x), number(d, nan), x);
    y = hn::IfThenElse(hn::Eq(x, infinity(d)), number(d, high), y);
    return hn::IfThenElse(hn::Eq(x, hn::Neg(infinity(d))), number(d, low), y);
  }
};
struct CopySign { template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const { return hn::CopySign(x, y); } };
struct Heaviside {  // values at 0, nowhere else
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V values) const {
    const V zero = hn::Zero(d);
    return hn::IfThenElse(hn::Eq(x, zero), values, hn::IfThenElseZero(hn::Gt(x, zero), number(d, 1)));
  }
};

struct IntAbs {
  template <class T> T operator()(T x) const {
    if constexpr (std::is_unsigned_v<T>) return x;
    else return x < 0 ? static_cast<T>(0 - static_cast<std::uint64_t>(x)) : x;
  }
};
struct IntSame { template <class T> T operator()(T x) const { return x; } };
struct IntSign {
  template <class T> T operator()(T x) const {
    if constexpr (std::is_unsigned_v<T>) return static_cast<T>(x != 0);
    else return static_cast<T>((x > 0) - (x < 0));
  }
};
struct IntHeaviside {
  template <class T> T operator()(T x, T values) const { return x == 0 ? values : static_cast<T>(x > 0); }
};

RoundingKernels rounding_table() {
  RoundingKernels t;
  const auto no_bool = [](Kernel k) {
    k.loop[static_cast<int>(kBool)] = nullptr;
    return k;
  };
  t.abs = no_bool(float_int_kernel<1, Abs, IntAbs>());
  t.sign = float_int_kernel<1, Sign, IntSign>();
  t.floor = no_bool(float_int_kernel<1, Floor, IntSame>());
  t.ceil = no_bool(float_int_kernel<1, Ceil, IntSame>());
  t.round = no_bool(float_int_kernel<1, Round, IntSame>());
  t.trunc = no_bool(float_int_kernel<1, Trunc, IntSame>());
  t.frac = vector_kernel<1, Frac>();
  t.round_decimals = vector_kernel<1, RoundDecimals>();
  t.nan_to_num = float_int_kernel<1, NanToNum, IntSame>();
  t.copysign = vector_kernel<2, CopySign>();
  t.heaviside = float_int_kernel<2, Heaviside, IntHeaviside>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const RoundingKernels& rounding() {
  static const RoundingKernels table = CT_BEST_TARGET(rounding_table);
  return table;
}
}  // namespace ct::kernels
#endif
