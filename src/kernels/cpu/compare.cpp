// kernels/cpu/compare.cpp -- comparisons, classification and logic: one byte, 0 or 1, for each element.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/compare.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// A mask as bytes 0 and 1.
template <class D, class M>
HWY_INLINE void store_mask(D d, M m, std::uint8_t* out) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<std::uint8_t, D> bytes;
  const auto ones = hn::ShiftRight<sizeof(T) * 8 - 1>(hn::BitCast(du, hn::VecFromMask(d, m)));
  hn::StoreU(hn::TruncateTo(bytes, ones), bytes, out);
}

// The Loop of a functor mask(d, x, y); the same functor on plain values serves the rest and strided operands.
template <class T, class F>
void compare_loop(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  auto* out = reinterpret_cast<std::uint8_t*>(args[0]);
  const auto* x = reinterpret_cast<const T*>(args[1]);
  const auto* y = reinterpret_cast<const T*>(args[2]);
  const std::int64_t sx = strides[1], sy = strides[2];
  constexpr auto step = static_cast<std::int64_t>(sizeof(T));
  std::int64_t i = 0;
  if (n > 0 && strides[0] == 1 && (sx == step || sx == 0) && (sy == step || sy == 0)) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto x0 = hn::Set(d, *x), y0 = hn::Set(d, *y);
    for (; i + lanes <= n; i += lanes)
      store_mask(d, F{}.mask(sx ? hn::LoadU(d, x + i) : x0, sy ? hn::LoadU(d, y + i) : y0), out + i);
  }
  char* rest[3] = {args[0] + i * strides[0], args[1] + i * sx, args[2] + i * sy};
  plain_loop2<bool, T, F>(rest, strides, n - i, params);
}

struct Eq {
  template <class T> bool operator()(T x, T y) const { return x == y; }
  template <class V> HWY_INLINE auto mask(V x, V y) const { return hn::Eq(x, y); }
};
struct Ne {
  template <class T> bool operator()(T x, T y) const { return x != y; }
  template <class V> HWY_INLINE auto mask(V x, V y) const { return hn::Not(hn::Eq(x, y)); }  // Ne is false for NaN
};
struct Lt {
  template <class T> bool operator()(T x, T y) const { return x < y; }
  template <class V> HWY_INLINE auto mask(V x, V y) const { return hn::Lt(x, y); }
};
struct Le {
  template <class T> bool operator()(T x, T y) const { return x <= y; }
  template <class V> HWY_INLINE auto mask(V x, V y) const { return hn::Le(x, y); }
};
struct Gt {
  template <class T> bool operator()(T x, T y) const { return x > y; }
  template <class V> HWY_INLINE auto mask(V x, V y) const { return hn::Gt(x, y); }
};
struct Ge {
  template <class T> bool operator()(T x, T y) const { return x >= y; }
  template <class V> HWY_INLINE auto mask(V x, V y) const { return hn::Ge(x, y); }
};

// |x - y| <= atol + |rtol y|, or equal
struct IsClose {
  double rtol, atol;
  bool equal_nan;
  explicit IsClose(const Scalar* p) : rtol(p[0].toDouble()), atol(p[1].toDouble()), equal_nan(p[2].toBool()) {}
  template <class T> bool operator()(T x, T y) const {
    if (x == y) return true;
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x) && std::isnan(y)) return equal_nan;
      const T distance = std::abs(x - y);
      return std::isfinite(distance) && distance <= static_cast<T>(atol) + std::abs(static_cast<T>(rtol) * y);
    } else {
      const double distance = std::abs(static_cast<double>(x) - static_cast<double>(y));
      return distance <= atol + std::abs(rtol * static_cast<double>(y));
    }
  }
};

template <class T> constexpr bool is_float = std::is_floating_point_v<T>;
struct IsNan { template <class T> bool operator()(T x) const { return x != x; } };
struct IsInf {
  template <class T> bool operator()(T x) const {
    if constexpr (is_float<T>) return std::abs(x) == std::numeric_limits<T>::infinity();
    else return false;
  }
};
struct IsFinite {
  template <class T> bool operator()(T x) const {
    if constexpr (is_float<T>) return std::abs(x) < std::numeric_limits<T>::infinity();
    else return true;
  }
};
struct IsPosInf {
  template <class T> bool operator()(T x) const {
    if constexpr (is_float<T>) return x == std::numeric_limits<T>::infinity();
    else return false;
  }
};
struct IsNegInf {
  template <class T> bool operator()(T x) const {
    if constexpr (is_float<T>) return x == -std::numeric_limits<T>::infinity();
    else return false;
  }
};
struct SignBit {
  template <class T> bool operator()(T x) const {
    if constexpr (is_float<T>) return std::signbit(x);
    else if constexpr (std::is_unsigned_v<T>) return false;
    else return x < 0;
  }
};
struct LogicalAnd { template <class T> bool operator()(T x, T y) const { return (x != T{}) & (y != T{}); } };
struct LogicalOr { template <class T> bool operator()(T x, T y) const { return (x != T{}) | (y != T{}); } };
struct LogicalXor { template <class T> bool operator()(T x, T y) const { return (x != T{}) != (y != T{}); } };
struct LogicalNot { template <class T> bool operator()(T x) const { return x == T{}; } };

// Visits every dtype with a loop of its own (half precision goes through Float).
template <class Set>
void for_each_type(Set set) {
  set(bool{}), set(std::uint8_t{}), set(std::int8_t{}), set(std::int16_t{}), set(std::int32_t{}), set(std::int64_t{});
  set(float{}), set(double{});
}
template <class F>
Kernel classify() {
  Kernel k;
  for_each_type([&k]<class T>(T) { k.loop[static_cast<int>(dtype_of<T>())] = plain_loop1<bool, T, F>; });
  return k;
}
template <class F>
Kernel relation() {
  Kernel k;
  for_each_type([&k]<class T>(T) { k.loop[static_cast<int>(dtype_of<T>())] = plain_loop2<bool, T, F>; });
  return k;
}
template <class F>
Kernel comparison() {
  Kernel k = relation<F>();
  k.loop[static_cast<int>(kFloat)] = compare_loop<float, F>;
  k.loop[static_cast<int>(kDouble)] = compare_loop<double, F>;
  return k;
}

CompareKernels compare_table() {
  CompareKernels t;
  t.eq = comparison<Eq>();
  t.ne = comparison<Ne>();
  t.lt = comparison<Lt>();
  t.le = comparison<Le>();
  t.gt = comparison<Gt>();
  t.ge = comparison<Ge>();
  t.isclose = relation<IsClose>();
  t.isnan = classify<IsNan>();
  t.isinf = classify<IsInf>();
  t.isfinite = classify<IsFinite>();
  t.isposinf = classify<IsPosInf>();
  t.isneginf = classify<IsNegInf>();
  t.signbit = classify<SignBit>();
  t.logical_and = relation<LogicalAnd>();
  t.logical_or = relation<LogicalOr>();
  t.logical_xor = relation<LogicalXor>();
  t.logical_not = classify<LogicalNot>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const CompareKernels& compare() {
  static const CompareKernels table = CT_BEST_TARGET(compare_table);
  return table;
}
}  // namespace ct::kernels
#endif
