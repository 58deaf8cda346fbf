// kernels/cpu/rows-inl.h -- loops over one dense row of float or double with Highway's vectors; compiled for each target.
#include <hwy/cache_control.h>  // Prefetch, Stream
#include <hwy/highway.h>

#include <cstdint>

#if defined(CT_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CT_KERNELS_ROWS_INL_H_
#undef CT_KERNELS_ROWS_INL_H_
#else
#define CT_KERNELS_ROWS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// x[i] will be read soon, as part of the next row: memory then works while this row is computed. It may lie behind the end.
template <class T>
HWY_INLINE void fetch_soon(const T* x, std::int64_t i) {
  hwy::Prefetch(reinterpret_cast<const T*>(reinterpret_cast<std::uintptr_t>(x) + static_cast<std::uintptr_t>(i) * sizeof(T)));
}

// Calls f(d, i) on vectors that cover [0, n): full ones, then single lanes.
template <class T, class F>
HWY_INLINE void each_vector(std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, i);
  for (; i < n; ++i) f(d1, i);
}

// y[i] = f(d, i) for i in [0, n). `past_cache` writes full vectors past the caches: for results much larger than those, which
// the processor then need not read before it overwrites them. This thread sees them at once, others after its next locked
// instruction, such as the end of a parallel loop.
template <class T, class F>
HWY_INLINE void fill_row(T* y, std::int64_t n, bool past_cache, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  if (past_cache) {
    for (; i < n && reinterpret_cast<std::uintptr_t>(y + i) % (static_cast<std::size_t>(lanes) * sizeof(T)) != 0; ++i) hn::StoreU(f(d1, i), d1, y + i);
    for (; i + lanes <= n; i += lanes) hn::Stream(f(d, i), d, y + i);
  }
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, i), d, y + i);
  for (; i < n; ++i) hn::StoreU(f(d1, i), d1, y + i);
}

// The sum over i of what f(d, i) returns.
template <class T, class F>
HWY_INLINE T sum_vectors(std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = a;
  T rest = 0;
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = hn::Add(a, f(d, i));
    b = hn::Add(b, f(d, i + lanes));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Add(a, f(d, i));
  for (; i < n; ++i) rest += hn::GetLane(f(d1, i));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b))) + rest;
}

// Two sums at once: f(d, i, add0, add1) hands a vector to each.
template <class T>
struct TwoSums { T first, second; };
template <class T, class F>
HWY_INLINE TwoSums<T> two_sums(std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto a0 = hn::Zero(d), a1 = a0, b0 = a0, b1 = a0;
  auto c0 = hn::Zero(d1), c1 = c0;
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    f(d, i, a0, a1);
    f(d, i + lanes, b0, b1);
  }
  for (; i + lanes <= n; i += lanes) f(d, i, a0, a1);
  for (; i < n; ++i) f(d1, i, c0, c1);
  return {hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, b0))) + hn::GetLane(c0), hn::GetLane(hn::SumOfLanes(d, hn::Add(a1, b1))) + hn::GetLane(c1)};
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
