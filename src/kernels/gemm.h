// kernels/gemm.h -- products of strided matrices and vectors: BLAS for large ones, own loops for the rest.
#pragma once

#include <cstdint>

namespace ct::kernels {

// C = alpha A B + beta C. A is m x k and B is k x n, with any strides (in elements); C is m x n with rows of stride ldc
// and columns of stride 1. With beta = 0, C is only written.
template <class T>
struct Gemm {
  std::int64_t m, n, k;
  T alpha;
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row, b_col;
  T beta;
  T* c;
  std::int64_t ldc;
};

// Whether BLAS can read a matrix as it lies (or the product is too small to ask); if not, copying it pays off.
bool gemm_reads(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t rows, std::int64_t cols, std::int64_t row_stride, std::int64_t col_stride);

// T: float, double, and the integer types (which wrap around).
template <class T>
void gemm(const Gemm<T>& p);
// `batch` products; consecutive matrices are so many elements apart.
template <class T>
void batched_gemm(const Gemm<T>& first, std::int64_t batch, std::int64_t a_step, std::int64_t b_step, std::int64_t c_step);
// y = alpha A x + beta y; A is m x n. y is contiguous.
template <class T>
void gemv(std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t a_row, std::int64_t a_col, const T* x, std::int64_t x_step, T beta, T* y);
// One of any size by our own loops, on this thread. T: float, double.
template <class T>
void own_gemm(const Gemm<T>& p);
template <class T>
T dot(std::int64_t n, const T* x, std::int64_t x_step, const T* y, std::int64_t y_step);

// The own loops, compiled for one instruction set.
struct GemmTable {
  void (*gemm_f32)(const Gemm<float>&);
  void (*gemm_f64)(const Gemm<double>&);
  void (*parallel_f32)(const Gemm<float>&);
  void (*parallel_f64)(const Gemm<double>&);
  float (*dot_f32)(const float*, const float*, std::int64_t);
  double (*dot_f64)(const double*, const double*, std::int64_t);
};

}  // namespace ct::kernels
