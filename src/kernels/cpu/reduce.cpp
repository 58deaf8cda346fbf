// kernels/cpu/reduce.cpp -- sums, moments and extrema of float and double.
#include "kernels/reduce.h"

#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// What runs over a row: `first` makes an accumulator of a vector of elements, `next` takes in another one, `join`
// merges two accumulators. Single elements pass through one-lane vectors, so each rule is written once.
struct Sum {
  template <class D, class V> HWY_INLINE V first(D, V v) const { return v; }
  template <class D, class V> HWY_INLINE V next(D, V a, V v) const { return hn::Add(a, v); }
  template <class D, class V> HWY_INLINE V join(D, V a, V b) const { return hn::Add(a, b); }
};
struct Product {
  template <class D, class V> HWY_INLINE V first(D, V v) const { return v; }
  template <class D, class V> HWY_INLINE V next(D, V a, V v) const { return hn::Mul(a, v); }
  template <class D, class V> HWY_INLINE V join(D, V a, V b) const { return hn::Mul(a, b); }
};
// The larger (smaller) one, NaN if one is NaN: a NaN accumulator stays because nothing compares with it.
template <bool largest, bool absolute>
struct Extremum {
  template <class D, class V> HWY_INLINE V first(D, V v) const { return absolute ? hn::Abs(v) : v; }
  template <class D, class V> HWY_INLINE V next(D d, V a, V v) const { return join(d, a, first(d, v)); }
  template <class D, class V> HWY_INLINE V join(D, V a, V v) const {
    return hn::IfThenElse(hn::Or(largest ? hn::Gt(v, a) : hn::Lt(v, a), hn::IsNaN(v)), v, a);
  }
};

// One value of the lanes of an accumulator.
template <class F, class D, class V>
HWY_INLINE auto across(const F& f, D d, V v) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<F, Sum>) return hn::GetLane(hn::SumOfLanes(d, v));
  const hn::CappedTag<T, 1> d1;
  HWY_ALIGN T parts[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(v, d, parts);
  auto total = hn::LoadU(d1, parts);
  for (std::size_t k = 1; k < hn::Lanes(d); ++k) total = f.join(d1, total, hn::LoadU(d1, parts + k));
  return hn::GetLane(total);
}

// n >= 1 dense elements; four accumulators hide the latency of an addition.
template <class F, class T>
HWY_INLINE T fold(const F& f, const T* x, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 1;
  auto total = f.first(d1, hn::LoadU(d1, x));
  if (n >= lanes) {
    auto a = f.first(d, hn::LoadU(d, x));
    i = lanes;
    if (n >= 4 * lanes) {
      auto b = f.first(d, hn::LoadU(d, x + lanes)), c = f.first(d, hn::LoadU(d, x + 2 * lanes)), e = f.first(d, hn::LoadU(d, x + 3 * lanes));
      for (i = 4 * lanes; i + 4 * lanes <= n; i += 4 * lanes) {
        a = f.next(d, a, hn::LoadU(d, x + i));
        b = f.next(d, b, hn::LoadU(d, x + i + lanes));
        c = f.next(d, c, hn::LoadU(d, x + i + 2 * lanes));
        e = f.next(d, e, hn::LoadU(d, x + i + 3 * lanes));
      }
      a = f.join(d, f.join(d, a, b), f.join(d, c, e));
    }
    for (; i + lanes <= n; i += lanes) a = f.next(d, a, hn::LoadU(d, x + i));
    total = hn::Set(d1, across(f, d, a));
  }
  for (; i < n; ++i) total = f.next(d1, total, hn::LoadU(d1, x + i));
  return hn::GetLane(total);
}

// Blocks are added pairwise, so that the error grows with log n only.
template <class T>
T sum_dense(const T* x, std::int64_t n) {
  constexpr std::int64_t block = 1024;
  if (n <= block) return n == 0 ? T(0) : fold(Sum{}, x, n);
  const std::int64_t half = (n / 2 + block - 1) / block * block;
  return sum_dense(x, half) + sum_dense(x + half, n - half);
}

template <class T>
T sum(const T* x, std::int64_t stride, std::int64_t n) {
  if (stride == 1) return sum_dense(x, n);
  if (n > 256) {
    const std::int64_t half = n / 2;
    return sum(x, stride, half) + sum(x + half * stride, stride, n - half);
  }
  T total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += x[i * stride];
  return total;
}

// Column kernels work on blocks of columns that stay in the first cache. The compiler vectorises their inner loops.
constexpr std::int64_t column_block = 256;

template <class T>
void sum_columns(T* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t j0 = 0; j0 < columns; j0 += column_block) {
    const std::int64_t m = columns - j0 < column_block ? columns - j0 : column_block;
    double total[column_block] = {};
    // Blocks of rows, so that long columns round as little as sum_dense does.
    for (std::int64_t first = 0; first < rows; first += 32) {
      const std::int64_t last = first + 32 < rows ? first + 32 : rows;
      T part[column_block] = {};
      for (std::int64_t i = first; i < last; ++i) {
        const T* HWY_RESTRICT row = x + i * row_stride + j0;
        for (std::int64_t j = 0; j < m; ++j) part[j] += row[j];
      }
      for (std::int64_t j = 0; j < m; ++j) total[j] += static_cast<double>(part[j]);
    }
    for (std::int64_t j = 0; j < m; ++j) out[j0 + j] = static_cast<T>(total[j]);
  }
}

template <bool largest, class T>
void extremum_columns(T* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t j0 = 0; j0 < columns; j0 += column_block) {
    const std::int64_t m = columns - j0 < column_block ? columns - j0 : column_block;
    T* HWY_RESTRICT y = out + j0;
    for (std::int64_t j = 0; j < m; ++j) y[j] = x[j0 + j];
    for (std::int64_t i = 1; i < rows; ++i) {
      const T* HWY_RESTRICT row = x + i * row_stride + j0;
      for (std::int64_t j = 0; j < m; ++j) y[j] = ((largest ? row[j] > y[j] : row[j] < y[j]) | (row[j] != row[j])) ? row[j] : y[j];
    }
  }
}

// Sums of f(x) over dense elements, in double: eight running sums are what the compiler needs to vectorise.
template <class T, class F>
HWY_INLINE double sum_double(const T* x, std::int64_t n, const F& f) {
  constexpr std::int64_t width = 16;
  double part[width] = {};
  std::int64_t i = 0;
  for (; i + width <= n; i += width)
    for (std::int64_t k = 0; k < width; ++k) part[k] += f(static_cast<double>(x[i + k]));
  for (; i < n; ++i) part[0] += f(static_cast<double>(x[i]));
  for (std::int64_t w = width / 2; w > 0; w /= 2)
    for (std::int64_t k = 0; k < w; ++k) part[k] += part[k + w];
  return part[0];
}

// Two passes over a block that fits in the second cache, one over memory.
template <class T>
Moments moments(const T* x, std::int64_t n) {
  Moments total;
  constexpr std::int64_t block = 16384;
  for (std::int64_t first = 0; first < n; first += block) {
    const std::int64_t m = n - first < block ? n - first : block;
    const double mean = sum_double(x + first, m, [](double v) { return v; }) / static_cast<double>(m);
    total.join({static_cast<double>(m), mean, sum_double(x + first, m, [mean](double v) { return (v - mean) * (v - mean); })});
  }
  return total;
}

template <class T>
void moments_columns(Moments* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t width = 64;
  for (std::int64_t j0 = 0; j0 < columns; j0 += width) {
    const std::int64_t m = columns - j0 < width ? columns - j0 : width;
    for (std::int64_t j = 0; j < m; ++j) out[j0 + j] = {};
    for (std::int64_t first = 0; first < rows; first += 256) {
      const std::int64_t last = first + 256 < rows ? first + 256 : rows;
      const auto n = static_cast<double>(last - first);
      double mean[width] = {}, m2[width] = {};
      for (std::int64_t i = first; i < last; ++i)
        for (std::int64_t j = 0; j < m; ++j) mean[j] += static_cast<double>(x[i * row_stride + j0 + j]);
      for (std::int64_t j = 0; j < m; ++j) mean[j] /= n;
      for (std::int64_t i = first; i < last; ++i)
        for (std::int64_t j = 0; j < m; ++j) {
          const double delta = static_cast<double>(x[i * row_stride + j0 + j]) - mean[j];
          m2[j] += delta * delta;
        }
      for (std::int64_t j = 0; j < m; ++j) out[j0 + j].join({n, mean[j], m2[j]});
    }
  }
}

template <class T>
double sum_squares(const T* x, std::int64_t n) { return sum_double(x, n, [](double v) { return v * v; }); }
template <class T>
double sum_abs(const T* x, std::int64_t n) { return sum_double(x, n, [](double v) { return v < 0 ? -v : v; }); }
template <class F, class T>
T extremum(const T* x, std::int64_t n) { return fold(F{}, x, n); }

template <class T>
T product(const T* x, std::int64_t n) { return n == 0 ? T(1) : fold(Product{}, x, n); }

template <class T>
std::int64_t find(const T* x, std::int64_t n, T v) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto want = hn::Set(d, v);
  const bool nan = v != v;
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto xi = hn::LoadU(d, x + i);
    if (!hn::AllFalse(d, nan ? hn::IsNaN(xi) : hn::Eq(xi, want))) break;
  }
  for (; i < n; ++i)
    if (nan ? x[i] != x[i] : x[i] == v) return i;
  return n;
}

template <class T>
ReduceKernels<T> table() {
  return {.sum = sum<T>,
          .sum_columns = sum_columns<T>,
          .moments = moments<T>,
          .moments_columns = moments_columns<T>,
          .sum_squares = sum_squares<T>,
          .sum_abs = sum_abs<T>,
          .extremum = {extremum<Extremum<false, false>, T>, extremum<Extremum<true, false>, T>},
          .extremum_columns = {extremum_columns<false, T>, extremum_columns<true, T>},
          .extremum_abs = {extremum<Extremum<false, true>, T>, extremum<Extremum<true, true>, T>},
          .find = find<T>,
          .product = product<T>};
}
ReduceKernels<float> table_f32() { return table<float>(); }
ReduceKernels<double> table_f64() { return table<double>(); }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
template <>
const ReduceKernels<float>& reduce_kernels<float>() {
  static const ReduceKernels<float> table = CT_BEST_TARGET(table_f32);
  return table;
}
template <>
const ReduceKernels<double>& reduce_kernels<double>() {
  static const ReduceKernels<double> table = CT_BEST_TARGET(table_f64);
  return table;
}
}  // namespace ct::kernels
#endif
