// kernels/reduce.h -- reductions of float and double over raw memory.
#pragma once

#include <cstdint>

namespace ct::kernels {

// Number, mean and sum of squared deviations of a set of values; sets are joined by Chan, Golub & LeVeque (1979).
struct Moments {
  double n = 0, mean = 0, m2 = 0;

  void join(const Moments& o) {
    if (o.n == 0) return;
    const double total = n + o.n, delta = o.mean - mean;
    m2 += o.m2 + delta * delta * (n / total) * o.n;
    mean = n == 0 ? o.mean : mean + delta * (o.n / total);
    n = total;
  }
};

// T is float or double. `rows` of a column kernel lie row_stride elements apart; its columns are dense.
template <class T>
struct ReduceKernels {
  // Sums n elements, `stride` elements apart, in an order that keeps the rounding error small whatever n is.
  T (*sum)(const T* x, std::int64_t stride, std::int64_t n);
  // out[j] = sum_i x[i, j]
  void (*sum_columns)(T* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns);
  Moments (*moments)(const T* x, std::int64_t n);
  void (*moments_columns)(Moments* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns);
  double (*sum_squares)(const T* x, std::int64_t n);
  double (*sum_abs)(const T* x, std::int64_t n);
  // [0] the smallest, [1] the largest of n >= 1 elements; NaN if one is NaN.
  T (*extremum[2])(const T* x, std::int64_t n);
  void (*extremum_columns[2])(T* out, const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns);
  T (*extremum_abs[2])(const T* x, std::int64_t n);
  // The first i with x[i] == v (or NaN, if v is); n if there is none.
  std::int64_t (*find)(const T* x, std::int64_t n, T v);
  T (*product)(const T* x, std::int64_t n);
};
template <class T>
const ReduceKernels<T>& reduce_kernels();

}  // namespace ct::kernels
