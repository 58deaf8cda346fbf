// kernels/normalization.h -- normalising rows and columns of float and double, and the gradients of that.
#pragma once

#include <cstdint>

#include "kernels/reduce.h"

namespace ct::kernels {

// T is float or double. Parameters that may be null are named so. `past_cache`: the result is much larger than the caches.
template <class T>
struct NormKernels {
  // Number, mean and squared deviations of a dense row.
  Moments (*moments)(const T* x, std::int64_t n);
  // The sum of squares of a dense row.
  double (*sum_squares)(const T* x, std::int64_t n);

  // y = (x - mean) scale w + b; w and b of n elements, may be null (1 and 0).
  void (*row)(T* y, const T* x, std::int64_t n, T mean, T scale, const T* w, const T* b, bool past_cache);
  // Of `rows` rows of n elements normalised by their own mean (null: 0, not subtracted) and factor rstd:
  //   dx = rstd (g w - [mean(g w)] - xh mean(g w xh)), xh = (x - mean) rstd; the bracket only with a mean
  //   dw += g xh, db += g, summed over these rows
  // dx, dw, db, w may be null; dw and db only together.
  void (*rows_backward)(T* dx, T* dw, T* db, const T* g, const T* x, const T* mean, const T* rstd, const T* w, std::int64_t rows, std::int64_t n,
                        bool past_cache);

  // y = (x - mean) scale + shift for numbers of the row.
  void (*affine_row)(T* y, const T* x, std::int64_t n, T mean, T scale, T shift, bool past_cache);
  // sums[0] = sum g, sums[1] = sum g (x - mean)
  void (*row_sums)(double* sums, const T* g, const T* x, std::int64_t n, T mean);
  // dx = a g + b (x - mean) + c
  void (*affine_row_backward)(T* dx, const T* g, const T* x, std::int64_t n, T mean, T a, T b, T c, bool past_cache);

  // The same with numbers for each column of a dense row: the row is one entry of all channels.
  void (*affine_columns)(T* y, const T* x, std::int64_t n, const T* mean, const T* scale, const T* shift);
  void (*column_sums)(double* sum_g, double* sum_gx, const T* g, const T* x, std::int64_t rows, std::int64_t row_stride, std::int64_t columns, const T* mean);
  void (*affine_columns_backward)(T* dx, const T* g, const T* x, std::int64_t n, const T* mean, const T* a, const T* b, const T* c);
};
template <class T>
const NormKernels<T>& norm_kernels();

}  // namespace ct::kernels
