// ops/linalg_lapack.cpp -- what all decompositions share.
#include "ops/linalg_lapack.h"

#include <cmath>

namespace ct::detail {

Matrices matrices(const Tensor& A) {
  Matrices s;
  const IntArrayRef sizes = A.sizes();
  for (std::size_t d = 0; d + 2 < sizes.size(); ++d) s.batch *= sizes[d];
  s.m = sizes[sizes.size() - 2];
  s.n = sizes[sizes.size() - 1];
  return s;
}

Dims joined(IntArrayRef batch, std::initializer_list<std::int64_t> more) {
  Dims d;
  for (std::int64_t s : batch) d.v[d.n++] = s;
  for (std::int64_t s : more) d.v[d.n++] = s;
  return d;
}
Dims batch_with(const Tensor& A, std::initializer_list<std::int64_t> more) { return joined(A.sizes().slice(0, A.sizes().size() - 2), more); }

void check_matrix(const char* op, const Tensor& A) {
  CT_CHECK(A.defined(), op, ": expected a tensor, but the matrix is undefined");
  CT_CHECK_TYPE(A.is_floating_point(), op, ": Expected a floating point or complex tensor as input. Got ", A.scalar_type());
  CT_CHECK_TYPE(!isReducedFloatingType(A.scalar_type()), op, ": Low precision dtypes not supported. Got ", A.scalar_type(), "\n  Convert with x.to(ct::kFloat) first.");
  CT_CHECK(A.dim() >= 2, op, ": The input tensor A must have at least 2 dimensions, got ", A.dim());
  CT_CHECK(A.size(-1) <= INT32_MAX && A.size(-2) <= INT32_MAX, op, ": a matrix of size ", A.sizes(), " is too large for LAPACK");
}

void check_square(const char* op, const Tensor& A) {
  check_matrix(op, A);
  CT_CHECK(A.size(-1) == A.size(-2), op, ": A must be batches of square matrices, but they are ", A.size(-2), " by ", A.size(-1), " matrices");
}

void check_finite(const char* op, const Tensor& A) {
  bool finite = true;
  on_dtype(A, [&]<class T>(T) {
    const T* p = data<T>(A);
    for (std::int64_t i = 0; i < A.numel(); ++i) finite &= std::isfinite(p[i]);
  });
  CT_CHECK_LINALG(finite, op, ": The algorithm failed to converge because the input matrix contained non-finite values.");
}

Tensor empty_columns(ScalarType dtype, IntArrayRef sizes) {
  Tensor out = empty_like_dtype(dtype, sizes);
  std::int64_t strides[max_dims];
  contiguous_strides(sizes, strides);
  const std::size_t d = sizes.size();
  strides[d - 2] = 1;
  strides[d - 1] = std::max<std::int64_t>(1, sizes[d - 2]);
  const std::vector<std::int64_t> keep = sizes.vec();  // set_geometry overwrites what `sizes` may point to
  set_geometry(impl(out), keep, {strides, d});
  return out;
}

Tensor copy_columns(const Tensor& x) {
  Tensor out = empty_columns(x.scalar_type(), x.sizes());
  out.copy_(x);
  return out;
}

Tensor copy_rows(const Tensor& x) {
  Tensor out = empty_like_dtype(x.scalar_type(), x.sizes());
  out.copy_(x);
  return out;
}

std::string batch_text(const Tensor& A, std::size_t i) { return A.dim() > 2 ? join({"(Batch element ", i, "): "}) : std::string(); }

std::int64_t first_failure(const std::vector<int>& infos) {
  for (std::size_t i = 0; i < infos.size(); ++i)
    if (infos[i] != 0) return static_cast<std::int64_t>(i);
  return -1;
}

bool is_vector_of(const Tensor& A, const Tensor& B) {
  return B.dim() == 1 || (A.dim() - 1 == B.dim() && B.sizes() == A.sizes().slice(0, A.sizes().size() - 1));
}

}  // namespace ct::detail
