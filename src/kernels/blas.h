// kernels/blas.h -- BLAS, opened when the first large product asks for it.
//
// Linked in the usual way, OpenBLAS would cost every program some milliseconds and its worker threads at start. So it is
// opened with dlopen at first use: OpenBLAS, or else the reference BLAS and LAPACK. Without either, products run the
// loops of gemm.cpp, and decompositions (lapack.h) are refused.
#pragma once

namespace ct::kernels {

enum BlasLayout : int { blas_row_major = 101 };
enum BlasTrans : int { blas_no_trans = 111, blas_trans = 112 };

template <class T>
struct BlasOf {
  void (*gemm)(int layout, int trans_a, int trans_b, int m, int n, int k, T alpha, const T* a, int lda, const T* b, int ldb, T beta, T* c, int ldc) = nullptr;
  void (*gemv)(int layout, int trans, int m, int n, T alpha, const T* a, int lda, const T* x, int incx, T beta, T* y, int incy) = nullptr;
};

struct Blas {
  BlasOf<float> s;
  BlasOf<double> d;
  void (*set_num_threads)(int) = nullptr;  // OpenBLAS only

  template <class T>
  const BlasOf<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return s;
    else return d;
  }
};

// Null if there is no BLAS on this machine.
const Blas* blas();
// Lets the next calls use so many threads.
void set_blas_threads(int n);
// The address of a function by its Fortran name ("dgetrf_"), or null.
void* blas_symbol(const char* name);
void* lapack_symbol(const char* name);

}  // namespace ct::kernels
