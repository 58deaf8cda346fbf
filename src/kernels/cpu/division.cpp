// kernels/cpu/division.cpp -- divisions that round, and their remainders.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/division.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// Integers: the caller has made sure that no divisor is 0. Dividing by -1 goes around the overflow of the smallest value.
template <class T> T negated(T x) { return static_cast<T>(0 - static_cast<std::uint64_t>(x)); }
template <class T> constexpr bool is_minus_one(T y) {
  if constexpr (std::is_signed_v<T>) return y == T(-1);
  else return false;
}

struct TruncDivide {
  template <class T> T operator()(T x, T y) const {
    if constexpr (std::is_floating_point_v<T>) return std::trunc(x / y);
    else return is_minus_one(y) ? negated(x) : static_cast<T>(x / y);
  }
};
struct FloorDivide {
  template <class T> T operator()(T x, T y) const {
    if constexpr (std::is_floating_point_v<T>) {
      // The quotient is rounded once: x - fmod(x, y) is an exact multiple of y.
      if (y == 0) return x / y;
      const T rest = std::fmod(x, y);
      T q = (x - rest) / y;
      if (rest != 0 && (y < 0) != (rest < 0)) q -= 1;
      if (q == 0) return std::copysign(T(0), x / y);
      const T down = std::floor(q);
      return q - down > T(0.5) ? down + 1 : down;
    } else {
      if (is_minus_one(y)) return negated(x);
      const T q = static_cast<T>(x / y);
      return static_cast<T>(q - ((x % y != 0) && ((x < 0) != (y < 0))));
    }
  }
};
// The remainder has the divisor's sign, ...
struct Remainder {
  template <class T> T operator()(T x, T y) const {
    if constexpr (std::is_floating_point_v<T>) {
      const T rest = std::fmod(x, y);
      return rest != 0 && (y < 0) != (rest < 0) ? rest + y : rest;
    } else {
      if (is_minus_one(y)) return 0;
      const T rest = static_cast<T>(x % y);
      return static_cast<T>(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest);
    }
  }
};
// ... fmod the dividend's.
struct Fmod {
  template <class T> T operator()(T x, T y) const {
    if constexpr (std::is_floating_point_v<T>) return std::fmod(x, y);
    else return is_minus_one(y) ? T(0) : static_cast<T>(x % y);
  }
};

template <class F>
Kernel division_kernel() {
  Kernel k = plain_kernel<2, F>();
  auto set = [&k]<class T>(T) { k.loop[static_cast<int>(dtype_of<T>())] = plain_loop2<T, T, F>; };
  set(std::uint8_t{}), set(std::int8_t{}), set(std::int16_t{}), set(std::int32_t{}), set(std::int64_t{});
  return k;
}

DivisionKernels division_table() {
  return {division_kernel<TruncDivide>(), division_kernel<FloorDivide>(), division_kernel<Remainder>(), division_kernel<Fmod>()};
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const DivisionKernels& division() {
  static const DivisionKernels table = CT_BEST_TARGET(division_table);
  return table;
}
}  // namespace ct::kernels
#endif
