// kernels/cpu/bounds.cpp -- the larger, the smaller, and what lies between.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/bounds.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// nan in either operand wins, ...
struct Maximum {
  template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Gt(x, y), hn::IsNaN(x)), x, y);
  }
};
struct Minimum {
  template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Lt(x, y), hn::IsNaN(x)), x, y);
  }
};
// ... or loses.
struct Fmax {
  template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Gt(x, y), hn::IsNaN(y)), x, y);
  }
};
struct Fmin {
  template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const {
    return hn::IfThenElse(hn::Or(hn::Lt(x, y), hn::IsNaN(y)), x, y);
  }
};
struct IntMax { template <class T> T operator()(T x, T y) const { return x > y ? x : y; } };
struct IntMin { template <class T> T operator()(T x, T y) const { return x < y ? x : y; } };

struct FloatBounds {
  double low, high;
  explicit FloatBounds(const Scalar* p)
      : low(p[2].toLong() & 1 ? p[0].toDouble() : -std::numeric_limits<double>::infinity()),
        high(p[2].toLong() & 2 ? p[1].toDouble() : std::numeric_limits<double>::infinity()) {}
};
struct Clamp : FloatBounds {  // a nan bound makes everything nan
  using FloatBounds::FloatBounds;
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return Minimum{}(d, Maximum{}(d, x, number(d, low)), number(d, high));
  }
};
struct ClampBackward : FloatBounds {  // both end points let the gradient pass
  using FloatBounds::FloatBounds;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenElseZero(hn::And(hn::Ge(x, number(d, low)), hn::Le(x, number(d, high))), g);
  }
};
// Integer bounds outside the dtype's range bind nothing.
struct IntClamp {
  std::int64_t low, high;
  explicit IntClamp(const Scalar* p)
      : low(p[2].toLong() & 1 ? p[0].toLong() : std::numeric_limits<std::int64_t>::min()),
        high(p[2].toLong() & 2 ? p[1].toLong() : std::numeric_limits<std::int64_t>::max()) {}
  template <class T> T operator()(T x) const {
    std::int64_t y = static_cast<std::int64_t>(x);
    y = y < low ? low : y;
    y = y > high ? high : y;
    constexpr auto smallest = static_cast<std::int64_t>(std::numeric_limits<T>::min());
    constexpr auto largest = static_cast<std::int64_t>(std::numeric_limits<T>::max());
    return static_cast<T>(y < smallest ? smallest : y > largest ? largest : y);
  }
};
struct ClampTensors {
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V low, V high) const {
    return Minimum{}(d, Maximum{}(d, x, low), high);
  }
};
struct IntClampTensors {
  template <class T> T operator()(T x, T low, T high) const { return IntMin{}(IntMax{}(x, low), high); }
};

BoundsKernels bounds_table() {
  BoundsKernels t;
  t.maximum = float_int_kernel<2, Maximum, IntMax>();
  t.minimum = float_int_kernel<2, Minimum, IntMin>();
  t.fmax = float_int_kernel<2, Fmax, IntMax>();
  t.fmin = float_int_kernel<2, Fmin, IntMin>();
  t.clamp = float_int_kernel<1, Clamp, IntClamp>();
  t.clamp.loop[static_cast<int>(kBool)] = nullptr;
  t.clamp_backward = vector_kernel<2, ClampBackward>();
  t.clamp_tensors = float_int_kernel<3, ClampTensors, IntClampTensors>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const BoundsKernels& bounds() {
  static const BoundsKernels table = CT_BEST_TARGET(bounds_table);
  return table;
}
}  // namespace ct::kernels
#endif
