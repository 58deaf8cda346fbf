// ops/linalg_lapack.h -- from batches of matrices in tensors to LAPACK's columns, and from its info codes to errors.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "cotangent/threads.h"
#include "kernels/blas.h"
#include "kernels/lapack.h"
#include "ops/linalg.h"

namespace ct::detail {

// A tensor [.., m, n] as a batch of matrices.
struct Matrices {
  std::int64_t batch = 1, m = 0, n = 0;
  std::int64_t numel() const { return m * n; }
};
Matrices matrices(const Tensor& A);
// Batch dimensions of A, then the given ones.
Dims batch_with(const Tensor& A, std::initializer_list<std::int64_t> more);
Dims joined(IntArrayRef batch, std::initializer_list<std::int64_t> more);

// Errors: TypeError unless float32 or float64; Error for fewer than two dimensions, or not square.
void check_matrix(const char* op, const Tensor& A);
void check_square(const char* op, const Tensor& A);
// LAPACK's iterations may not end on NaN.
void check_finite(const char* op, const Tensor& A);

// New [.., m, n] with each matrix stored by columns; and a copy of x so stored.
Tensor empty_columns(ScalarType dtype, IntArrayRef sizes);
Tensor copy_columns(const Tensor& x);
// A row-major copy that shares nothing with x.
Tensor copy_rows(const Tensor& x);

template <class T>
const kernels::Lapack<T>& need_lapack(const char* op) {
  const kernels::Lapack<T>* l = kernels::lapack<T>();
  if (!l)
    CT_THROW(not_implemented, op, ": LAPACK is needed, and neither libopenblas.so.0 nor liblapack.so.3 was found\n"
             "  Debian and Ubuntu: apt-get install libopenblas0-pthread");
  return *l;
}

// f(i) for each matrix of a batch: several at once on one BLAS thread each, or one after the other on all.
template <class F>
void each_matrix(std::int64_t batch, const F& f) {
  const int threads = get_num_threads();
  kernels::set_blas_threads(batch >= threads ? 1 : threads);
  if (batch < threads || threads == 1) {
    for (std::int64_t i = 0; i < batch; ++i) f(i);
    return;
  }
  parallel_for(batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

// Runs a LAPACK function twice: to ask for the size of its work space, and to work.
template <class T, class F>
void with_workspace(const F& f) {
  T size = 0;
  int query = -1;
  f(&size, &query);
  const int n = std::max(1, static_cast<int>(size));
  std::vector<T> work(static_cast<std::size_t>(n));
  f(work.data(), &n);
}

// Runs f with a number of A's dtype.
template <class F>
void on_dtype(const Tensor& A, const F& f) {
  if (A.scalar_type() == kFloat) f(float{});
  else f(double{});
}

// "(Batch element 3): " of a batch, or nothing.
std::string batch_text(const Tensor& A, std::size_t i);
// The first matrix whose info is not 0, or none.
std::int64_t first_failure(const std::vector<int>& infos);

// X in A X = B (left) or X A = B, for B [.., n, k], or [.., n] if `vector`. `check`: an error for a singular A instead
// of infinities.
Tensor solve(const Tensor& A, const Tensor& B, bool left, bool vector, bool check);
// Whether B is a batch of vectors for these matrices.
bool is_vector_of(const Tensor& A, const Tensor& B);
// The inverse, with infinities for a singular matrix.
Tensor inv_or_infinity(const Tensor& A);

}  // namespace ct::detail
