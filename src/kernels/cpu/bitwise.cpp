// kernels/cpu/bitwise.cpp -- bits of integers and bools.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/bitwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct BitAnd { template <class T> T operator()(T x, T y) const { return static_cast<T>(x & y); } };
struct BitOr { template <class T> T operator()(T x, T y) const { return static_cast<T>(x | y); } };
struct BitXor { template <class T> T operator()(T x, T y) const { return static_cast<T>(x ^ y); } };
struct BitNot {
  template <class T> T operator()(T x) const {
    if constexpr (std::is_same_v<T, bool>) return !x;
    else return static_cast<T>(~x);
  }
};
// A shift by a negative amount, or by all bits or more, leaves what the last bit leaves: 0, or the sign.
template <class T> constexpr std::int64_t bits = 8 * static_cast<std::int64_t>(sizeof(T));
struct LeftShift {
  template <class T> T operator()(T x, T y) const {
    const auto by = static_cast<std::int64_t>(y);
    return by < 0 || by >= bits<T> ? T(0) : static_cast<T>(static_cast<std::uint64_t>(x) << by);
  }
};
struct RightShift {
  template <class T> T operator()(T x, T y) const {
    auto by = static_cast<std::int64_t>(y);
    if (by < 0 || by >= bits<T>) by = bits<T> - 1 + (std::is_unsigned_v<T> ? 1 : 0);
    return static_cast<T>(x >> by);
  }
};

template <class F, bool with_bool>
Kernel integer_kernel() {
  Kernel k;
  auto set = [&k]<class T>(T) {
    if constexpr (std::is_same_v<F, BitNot>) k.loop[static_cast<int>(dtype_of<T>())] = plain_loop1<T, T, F>;
    else k.loop[static_cast<int>(dtype_of<T>())] = plain_loop2<T, T, F>;
  };
  set(std::uint8_t{}), set(std::int8_t{}), set(std::int16_t{}), set(std::int32_t{}), set(std::int64_t{});
  if constexpr (with_bool) set(bool{});
  return k;
}

BitwiseKernels bitwise_table() {
  return {integer_kernel<BitAnd, true>(), integer_kernel<BitOr, true>(), integer_kernel<BitXor, true>(),
          integer_kernel<BitNot, true>(), integer_kernel<LeftShift, false>(), integer_kernel<RightShift, false>()};
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const BitwiseKernels& bitwise() {
  static const BitwiseKernels table = CT_BEST_TARGET(bitwise_table);
  return table;
}
}  // namespace ct::kernels
#endif
