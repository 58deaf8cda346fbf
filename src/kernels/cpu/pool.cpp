// kernels/cpu/pool.cpp -- the largest elements of windows that slide along one row of a plane.
#include "kernels/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The largest of each column and the offset of its row; false if there is a NaN.
template <class T>
bool column_max(T* top, T* from, const T* x, std::int64_t width, std::int64_t rows) {
  const hn::ScalableTag<T> d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  if (width < n) {
    bool numbers = true;
    for (std::int64_t j = 0; j < width; ++j) {
      T best = x[j], at = 0;
      numbers &= best == best;
      for (std::int64_t h = 1; h < rows; ++h) {
        const T v = x[h * width + j];
        numbers &= v == v;
        if (v > best) best = v, at = static_cast<T>(h * width);
      }
      top[j] = best, from[j] = at;
    }
    return numbers;
  }
  auto numbers = hn::Eq(hn::Zero(d), hn::Zero(d));
  for (std::int64_t j = 0; j < width; j += n) {
    if (j + n > width) j = width - n;  // the last block overlaps the one before
    auto best = hn::LoadU(d, x + j), at = hn::Zero(d);
    numbers = hn::And(numbers, hn::Eq(best, best));
    for (std::int64_t h = 1; h < rows; ++h) {
      const auto v = hn::LoadU(d, x + h * width + j);
      const auto better = hn::Gt(v, best);
      numbers = hn::And(numbers, hn::Eq(v, v));
      best = hn::IfThenElse(better, v, best);
      at = hn::IfThenElse(better, hn::Set(d, static_cast<T>(h * width)), at);
    }
    hn::StoreU(best, d, top + j);
    hn::StoreU(at, d, from + j);
  }
  return hn::AllTrue(d, numbers);
}

template <class T>
bool window_max(T* best_out, T* offset, T* top, T* from, const T* x, std::int64_t width, std::int64_t rows, std::int64_t columns) {
  if (!column_max(top, from, x, width, rows)) return false;
  const hn::ScalableTag<T> d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t places = width - columns + 1;
  for (std::int64_t j = width; j < width + n; ++j) top[j] = from[j] = 0;  // read below, and never used
  for (std::int64_t j = 0; j < places; j += n) {
    auto best = hn::LoadU(d, top + j), at = hn::LoadU(d, from + j);
    for (std::int64_t k = 1; k < columns; ++k) {
      const auto v = hn::LoadU(d, top + j + k), row = hn::LoadU(d, from + j + k);
      // Of equal ones the upper, then the left one: `at` is below that of the column k on if and only if its row is above.
      const auto better = hn::Or(hn::Gt(v, best), hn::And(hn::Eq(v, best), hn::Lt(hn::Add(row, hn::Set(d, static_cast<T>(k))), at)));
      best = hn::IfThenElse(better, v, best);
      at = hn::IfThenElse(better, hn::Add(row, hn::Set(d, static_cast<T>(k))), at);
    }
    hn::StoreU(best, d, best_out + j);
    hn::StoreU(at, d, offset + j);
  }
  return true;
}

template <class T>
PoolKernels<T> pool_table() { return {window_max<T>}; }
PoolKernels<float> pool_float() { return pool_table<float>(); }
PoolKernels<double> pool_double() { return pool_table<double>(); }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
template <>
const PoolKernels<float>& pool_kernels<float>() {
  static const PoolKernels<float> table = CT_BEST_TARGET(pool_float);
  return table;
}
template <>
const PoolKernels<double>& pool_kernels<double>() {
  static const PoolKernels<double> table = CT_BEST_TARGET(pool_double);
  return table;
}
}  // namespace ct::kernels
#endif
