// kernels/cpu/where.cpp -- one of two, by a condition.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/where.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// Elements are only moved, so they are taken as unsigned integers of their size.
template <class U>
void where_loop(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar*) {
  auto* out = reinterpret_cast<U*>(args[0]);
  const auto* c = reinterpret_cast<const std::uint8_t*>(args[1]);
  const auto* x = reinterpret_cast<const U*>(args[2]);
  const auto* y = reinterpret_cast<const U*>(args[3]);
  const std::int64_t sx = strides[2], sy = strides[3];
  constexpr auto step = static_cast<std::int64_t>(sizeof(U));
  std::int64_t i = 0;
  if (n > 0 && strides[0] == step && strides[1] == 1 && (sx == step || sx == 0) && (sy == step || sy == 0)) {
    const hn::ScalableTag<U> d;
    const hn::Rebind<std::uint8_t, hn::ScalableTag<U>> bytes;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto x0 = hn::Set(d, *x), y0 = hn::Set(d, *y), zero = hn::Zero(d);
    for (; i + lanes <= n; i += lanes) {
      const auto condition = hn::LoadU(bytes, c + i);
      auto no = zero;
      if constexpr (sizeof(U) == 1) no = condition;
      else if constexpr (sizeof(U) == 8) no = hn::PromoteTo(d, hn::PromoteTo(hn::Rebind<std::uint32_t, hn::ScalableTag<U>>(), condition));
      else no = hn::PromoteTo(d, condition);
      hn::StoreU(hn::IfThenElse(hn::Eq(no, zero), sy ? hn::LoadU(d, y + i) : y0, sx ? hn::LoadU(d, x + i) : x0), d, out + i);
    }
  }
  for (; i < n; ++i) {
    const bool yes = args[1][i * strides[1]] != 0;
    *reinterpret_cast<U*>(args[0] + i * strides[0]) = *reinterpret_cast<const U*>(yes ? args[2] + i * sx : args[3] + i * sy);
  }
}

Kernel where_table() {
  Kernel k;
  k.loop[static_cast<int>(kBool)] = k.loop[static_cast<int>(kByte)] = k.loop[static_cast<int>(kChar)] = where_loop<std::uint8_t>;
  k.loop[static_cast<int>(kShort)] = k.loop[static_cast<int>(kHalf)] = k.loop[static_cast<int>(kBFloat16)] = where_loop<std::uint16_t>;
  k.loop[static_cast<int>(kInt)] = k.loop[static_cast<int>(kFloat)] = where_loop<std::uint32_t>;
  k.loop[static_cast<int>(kLong)] = k.loop[static_cast<int>(kDouble)] = where_loop<std::uint64_t>;
  return k;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const Kernel& where_kernel() {
  static const Kernel table = CT_BEST_TARGET(where_table);
  return table;
}
}  // namespace ct::kernels
#endif
