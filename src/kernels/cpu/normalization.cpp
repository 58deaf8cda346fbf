// kernels/cpu/normalization.cpp -- rows and columns: moments, scaling by them, and the gradients of both.
#include "kernels/normalization.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/normalization.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

constexpr std::int64_t moment_block = 4096;  // stays in the first cache for the second pass

inline double at_least_0(double v) { return v < 0 ? 0 : v; }  // NaN stays

// Two passes over each block: the second one measures from a mean that is nearly right and corrects it.
template <class T>
Moments moments(const T* x, std::int64_t n) {
  Moments total;
  for (std::int64_t first = 0; first < n; first += moment_block) {
    const std::int64_t m = std::min(moment_block, n - first);
    const T* p = x + first;
    const auto count = static_cast<double>(m);
    const T near = sum_vectors<T>(m, [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, p + i); }) / static_cast<T>(m);
    const auto s = two_sums<T>(m, [&](auto d, std::int64_t i, auto& sum, auto& squares) HWY_ATTR {
      fetch_soon(p, i + m);
      const auto e = hn::Sub(hn::LoadU(d, p + i), hn::Set(d, near));
      sum = hn::Add(sum, e);
      squares = hn::MulAdd(e, e, squares);
    });
    const double off = static_cast<double>(s.first) / count;
    total.join({count, static_cast<double>(near) + off, at_least_0(static_cast<double>(s.second) - count * off * off)});
  }
  return total;
}

template <class T>
double sum_squares(const T* x, std::int64_t n) {
  double total = 0;
  for (std::int64_t first = 0; first < n; first += moment_block) {
    const T* p = x + first;
    total += static_cast<double>(sum_vectors<T>(std::min(moment_block, n - first), [&](auto d, std::int64_t i) HWY_ATTR {
      const auto v = hn::LoadU(d, p + i);
      return hn::Mul(v, v);
    }));
  }
  return total;
}

template <class T>
void row(T* y, const T* x, std::int64_t n, T mean, T scale, const T* w, const T* b, bool past_cache) {
  auto normal = [&](auto d, std::int64_t i) HWY_ATTR { return hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, scale)); };
  if (w && b) fill_row(y, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR { return hn::MulAdd(normal(d, i), hn::LoadU(d, w + i), hn::LoadU(d, b + i)); });
  else if (w) fill_row(y, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR { return hn::Mul(normal(d, i), hn::LoadU(d, w + i)); });
  else if (b) fill_row(y, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR { return hn::Add(normal(d, i), hn::LoadU(d, b + i)); });
  else fill_row(y, n, past_cache, normal);
}

// Sums of g w and g w (x - mean) of a row, and its part of dw and db.
template <bool with_w, bool with_params, class T>
HWY_INLINE TwoSums<T> backward_sums(T* dw, T* db, const T* g, const T* x, T mean, T rstd, const T* w, std::int64_t n) {
  return two_sums<T>(n, [&](auto d, std::int64_t i, auto& sum, auto& moment) HWY_ATTR {
    const auto gi = hn::LoadU(d, g + i), e = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    if constexpr (with_params) {
      hn::StoreU(hn::MulAdd(gi, hn::Mul(e, hn::Set(d, rstd)), hn::LoadU(d, dw + i)), d, dw + i);
      hn::StoreU(hn::Add(gi, hn::LoadU(d, db + i)), d, db + i);
    }
    auto gw = gi;
    if constexpr (with_w) gw = hn::Mul(gi, hn::LoadU(d, w + i));
    sum = hn::Add(sum, gw);
    moment = hn::MulAdd(gw, e, moment);
  });
}

template <class T>
void rows_backward(T* dx, T* dw, T* db, const T* g, const T* x, const T* mean, const T* rstd, const T* w, std::int64_t rows, std::int64_t n,
                   bool past_cache) {
  for (std::int64_t r = 0; r < rows; ++r, g += n, x += n) {
    const T m = mean ? mean[r] : T(0), s = rstd[r];
    const TwoSums<T> t = dw ? (w ? backward_sums<true, true>(dw, db, g, x, m, s, w, n) : backward_sums<false, true>(dw, db, g, x, m, s, w, n))
                            : (w ? backward_sums<true, false>(dw, db, g, x, m, s, w, n) : backward_sums<false, false>(dw, db, g, x, m, s, w, n));
    if (!dx) continue;
    const T by_mean = mean ? -s * t.first / static_cast<T>(n) : T(0), by_x = -s * s * s * t.second / static_cast<T>(n);
    auto rest = [&](auto d, std::int64_t i) HWY_ATTR {
      fetch_soon(x, i + n), fetch_soon(g, i + n);
      return hn::MulAdd(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, by_x), hn::Set(d, by_mean));
    };
    if (w)
      fill_row(dx, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR {
        return hn::MulAdd(hn::Mul(hn::LoadU(d, g + i), hn::LoadU(d, w + i)), hn::Set(d, s), rest(d, i));
      });
    else
      fill_row(dx, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR { return hn::MulAdd(hn::LoadU(d, g + i), hn::Set(d, s), rest(d, i)); });
    dx += n;
  }
}

template <class T>
void affine_row(T* y, const T* x, std::int64_t n, T mean, T scale, T shift, bool past_cache) {
  fill_row(y, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR {
    return hn::MulAdd(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, scale), hn::Set(d, shift));
  });
}

template <class T>
void row_sums(double* sums, const T* g, const T* x, std::int64_t n, T mean) {
  sums[0] = sums[1] = 0;
  for (std::int64_t first = 0; first < n; first += moment_block) {
    const T *pg = g + first, *px = x + first;
    const auto s = two_sums<T>(std::min(moment_block, n - first), [&](auto d, std::int64_t i, auto& sum, auto& moment) HWY_ATTR {
      const auto gi = hn::LoadU(d, pg + i);
      sum = hn::Add(sum, gi);
      moment = hn::MulAdd(gi, hn::Sub(hn::LoadU(d, px + i), hn::Set(d, mean)), moment);
    });
    sums[0] += static_cast<double>(s.first);
    sums[1] += static_cast<double>(s.second);
  }
}

template <class T>
void affine_row_backward(T* dx, const T* g, const T* x, std::int64_t n, T mean, T a, T b, T c, bool past_cache) {
  fill_row(dx, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR {
    return hn::MulAdd(hn::LoadU(d, g + i), hn::Set(d, a), hn::MulAdd(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, b), hn::Set(d, c)));
  });
}

template <class T>
void affine_columns(T* y, const T* x, std::int64_t n, const T* mean, const T* scale, const T* shift) {
  fill_row(y, n, false, [&](auto d, std::int64_t i) HWY_ATTR {
    return hn::MulAdd(hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + i)), hn::LoadU(d, scale + i), hn::LoadU(d, shift + i));
  });
}

// Blocks of rows are summed in T and joined in double, as the sums of columns in reduce.cpp.
template <class T>
void column_sums(double* sum_g, double* sum_gx, const T* g, const T* x, std::int64_t rows, std::int64_t row_stride, std::int64_t columns, const T* mean) {
  constexpr std::int64_t width = 256;
  for (std::int64_t j0 = 0; j0 < columns; j0 += width) {
    const std::int64_t m = std::min(width, columns - j0);
    for (std::int64_t j = 0; j < m; ++j) sum_g[j0 + j] = sum_gx[j0 + j] = 0;
    for (std::int64_t first = 0; first < rows; first += 32) {
      T part[width] = {}, part_x[width] = {};
      for (std::int64_t i = first; i < std::min(rows, first + 32); ++i) {
        const T* HWY_RESTRICT gi = g + i * row_stride + j0;
        const T* HWY_RESTRICT xi = x + i * row_stride + j0;
        for (std::int64_t j = 0; j < m; ++j) {
          part[j] += gi[j];
          part_x[j] += gi[j] * (xi[j] - mean[j0 + j]);
        }
      }
      for (std::int64_t j = 0; j < m; ++j) {
        sum_g[j0 + j] += static_cast<double>(part[j]);
        sum_gx[j0 + j] += static_cast<double>(part_x[j]);
      }
    }
  }
}

template <class T>
void affine_columns_backward(T* dx, const T* g, const T* x, std::int64_t n, const T* mean, const T* a, const T* b, const T* c) {
  fill_row(dx, n, false, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto e = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + i));
    return hn::MulAdd(hn::LoadU(d, g + i), hn::LoadU(d, a + i), hn::MulAdd(e, hn::LoadU(d, b + i), hn::LoadU(d, c + i)));
  });
}

template <class T>
NormKernels<T> table() {
  return {.moments = moments<T>,
          .sum_squares = sum_squares<T>,
          .row = row<T>,
          .rows_backward = rows_backward<T>,
          .affine_row = affine_row<T>,
          .row_sums = row_sums<T>,
          .affine_row_backward = affine_row_backward<T>,
          .affine_columns = affine_columns<T>,
          .column_sums = column_sums<T>,
          .affine_columns_backward = affine_columns_backward<T>};
}
NormKernels<float> norm_f32() { return table<float>(); }
NormKernels<double> norm_f64() { return table<double>(); }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
template <>
const NormKernels<float>& norm_kernels<float>() {
  static const NormKernels<float> table = CT_BEST_TARGET(norm_f32);
  return table;
}
template <>
const NormKernels<double>& norm_kernels<double>() {
  static const NormKernels<double> table = CT_BEST_TARGET(norm_f64);
  return table;
}
}  // namespace ct::kernels
#endif
