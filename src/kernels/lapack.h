// kernels/lapack.h -- LAPACK's functions, by their Fortran interface; matrices are stored by columns.
#pragma once

#include <cstddef>

namespace ct::kernels {

// Every argument is a pointer; the lengths of character arguments follow at the end.
template <class T>
struct Lapack {
  using I = const int*;
  using C = const char*;
  using L = std::size_t;
  void (*getrf)(I m, I n, T* a, I lda, int* pivots, int* info);                                                                  // A = P L U
  void (*getrs)(C trans, I n, I nrhs, const T* lu, I lda, I pivots, T* b, I ldb, int* info, L);                                  // solves with it
  void (*potrf)(C uplo, I n, T* a, I lda, int* info, L);                                                                         // A = L L^T
  void (*trsm)(C side, C uplo, C trans, C diag, I m, I n, const T* alpha, const T* a, I lda, T* b, I ldb, L, L, L, L);           // triangular
  void (*geqrf)(I m, I n, T* a, I lda, T* tau, T* work, I lwork, int* info);                                                     // A = Q R
  void (*orgqr)(I m, I n, I k, T* a, I lda, const T* tau, T* work, I lwork, int* info);                                          // makes Q
  void (*syevd)(C jobz, C uplo, I n, T* a, I lda, T* w, T* work, I lwork, int* iwork, I liwork, int* info, L, L);                // A = V W V^T
  void (*gesdd)(C jobz, I m, I n, T* a, I lda, T* s, T* u, I ldu, T* vt, I ldvt, T* work, I lwork, int* iwork, int* info, L);    // A = U S V^T
  void (*geev)(C jobvl, C jobvr, I n, T* a, I lda, T* wr, T* wi, T* vl, I ldvl, T* vr, I ldvr, T* work, I lwork, int* info, L, L);  // A V = V W
  void (*gelsy)(I m, I n, I nrhs, T* a, I lda, T* b, I ldb, int* pivots, const T* rcond, int* rank, T* work, I lwork, int* info);  // least squares
};

// Null if there is no LAPACK on this machine. T: float or double.
template <class T>
const Lapack<T>* lapack();

}  // namespace ct::kernels
