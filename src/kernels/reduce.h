// kernels/reduce.h -- reductions over raw memory.
#pragma once

#include <cstdint>

#include "cotangent/scalar_type.h"

namespace ct::kernels {

// Sums n elements with a stride in bytes, in an order that keeps the rounding error of float32 small whatever n is.
struct SumKernels {
  float (*f32)(const char* x, std::int64_t stride, std::int64_t n);
  double (*f64)(const char* x, std::int64_t stride, std::int64_t n);
  // out[j] += sum over i of x[i][j], for `inner` dense columns j: the reduction over an outer dimension.
  void (*rows_f32)(float* out, const float* x, std::int64_t row_stride, std::int64_t rows, std::int64_t inner);
  void (*rows_f64)(double* out, const double* x, std::int64_t row_stride, std::int64_t rows, std::int64_t inner);
};
const SumKernels& sum_kernels();

}  // namespace ct::kernels
