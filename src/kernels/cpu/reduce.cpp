// kernels/cpu/reduce.cpp -- sums.
#include "kernels/reduce.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four vectors of partial sums over a block; blocks are then added pairwise, so the error grows with log n only.
template <class T>
T sum_block(const T* x, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = a, c = a, e = a;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Add(a, hn::LoadU(d, x + i));
    b = hn::Add(b, hn::LoadU(d, x + i + lanes));
    c = hn::Add(c, hn::LoadU(d, x + i + 2 * lanes));
    e = hn::Add(e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Add(a, hn::LoadU(d, x + i));
  T rest = 0;
  for (; i < n; ++i) rest += x[i];
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e)))) + rest;
}

template <class T>
T sum_pairwise(const T* x, std::int64_t n) {
  constexpr std::int64_t block = 4096;
  if (n <= block) return sum_block(x, n);
  const std::int64_t half = (n / 2 + block - 1) / block * block;
  return sum_pairwise(x, half) + sum_pairwise(x + half, n - half);
}

template <class T>
T sum_strided(const char* x, std::int64_t stride, std::int64_t n) {
  if (stride == sizeof(T)) return sum_pairwise(reinterpret_cast<const T*>(x), n);
  if (n > 256) {
    const std::int64_t half = n / 2;
    return sum_strided<T>(x, stride, half) + sum_strided<T>(x + half * stride, stride, n - half);
  }
  T total = 0;
  for (std::int64_t i = 0; i < n; ++i, x += stride) total += *reinterpret_cast<const T*>(x);
  return total;
}

template <class T>
void sum_rows(T* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t inner) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= inner; j += lanes) {
    // Blocks of rows, so that long columns round as little as sum_pairwise does.
    auto total = hn::LoadU(d, out + j);
    for (std::int64_t first = 0; first < rows; first += 512) {
      const std::int64_t last = first + 512 < rows ? first + 512 : rows;
      auto part = hn::Zero(d);
      for (std::int64_t i = first; i < last; ++i) part = hn::Add(part, hn::LoadU(d, x + i * row_stride + j));
      total = hn::Add(total, part);
    }
    hn::StoreU(total, d, out + j);
  }
  for (; j < inner; ++j)
    for (std::int64_t i = 0; i < rows; ++i) out[j] += x[i * row_stride + j];
}

SumKernels sum_table() {
  return {sum_strided<float>, sum_strided<double>, sum_rows<float>, sum_rows<double>};
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
HWY_EXPORT(sum_table);
const SumKernels& sum_kernels() {
  static const SumKernels table = HWY_DYNAMIC_DISPATCH(sum_table)();
  return table;
}
}  // namespace ct::kernels
#endif
