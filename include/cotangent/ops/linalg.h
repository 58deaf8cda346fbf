// cotangent/ops/linalg.h -- products of matrices, decompositions, solvers.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "cotangent/array_ref.h"
#include "cotangent/scalar.h"

namespace ct {

class Tensor;
using TensorList = ArrayRef<Tensor>;

// ---- products -------------------------------------------------------------------------------------------------------
//
// Dtypes: float32, float64; half precision computed in float32 and rounded once; integers, which wrap around. Both
// operands have the same dtype: products do not promote. Errors: ct::TypeError "expected scalar type Float but found
// Double", ct::Error with both shapes where they do not fit. Large products run in OpenBLAS, which reads transposed and
// strided matrices where they lie; gradients keep to the same.

/// Product by number of dimensions: 1 and 1 dot, 2 and 1 mv, 1 and 2 or 2 and 2 mm, more: matrices in batches that broadcast.
///   y[.., i, j] = sum_k self[.., i, k] other[.., k, j]
/// Gradient: dself = g other^T, dother = self^T g, summed over broadcast batches.
/// Errors:   ct::Error "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)".
/// Example:  matmul(ones({5, 2, 3}), ones({3, 4})) has size [5, 2, 4]
CT_API Tensor matmul(const Tensor& self, const Tensor& other);
/// [n, k] x [k, m] -> [n, m].   Gradient: dself = g mat2^T, dmat2 = self^T g.
CT_API Tensor mm(const Tensor& self, const Tensor& mat2);
/// [n, k] x [k] -> [n].   Gradient: dself = outer(g, vec), dvec = self^T g.   Errors: "size mismatch, got 2, 2x3,2".
CT_API Tensor mv(const Tensor& self, const Tensor& vec);
/// [b, n, k] x [b, k, m] -> [b, n, m], matrix by matrix.   Gradient: as mm.
CT_API Tensor bmm(const Tensor& self, const Tensor& mat2);
/// Sum of products of two vectors.   Gradient: g times the other vector.   Errors: "inconsistent tensor size, ..".
CT_API Tensor dot(const Tensor& self, const Tensor& tensor);
CT_API Tensor vdot(const Tensor& self, const Tensor& other);
/// Sum of products over the last dimensions: [.., k], [..', k] -> [.., ..'].   A 0-dim operand multiplies instead.
CT_API Tensor inner(const Tensor& self, const Tensor& other);
/// [n], [m] -> [n, m], y_ij = self_i vec2_j; records MulBackward0.
CT_API Tensor outer(const Tensor& self, const Tensor& vec2);
/// beta self + alpha (product); self broadcasts to the product's shape. With beta = 0, self is not read.
/// Gradient: dself = beta g; the factors as in mm, mv, bmm, times alpha.
CT_API Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1, const Scalar& alpha = 1);
CT_API Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta = 1, const Scalar& alpha = 1);
CT_API Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta = 1, const Scalar& alpha = 1);
/// input weight^T (+ bias): [.., in] x [out, in] -> [.., out]. On 2-D input with a bias one addmm over weight.t().
CT_API Tensor linear(const Tensor& input, const Tensor& weight);
CT_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias);
/// Writes into `out`, which is resized. Errors: ct::Error if gradients would be recorded.
CT_API Tensor& matmul_out(Tensor& out, const Tensor& self, const Tensor& other);

/// A sum of products written with letters, as in "bij,bjk->bik". A letter repeated within an operand takes its diagonal;
/// "..." stands for batch dimensions that broadcast; without "->" the output has the letters that stand once, in order.
/// Operands are joined from left to right, each pair as one bmm.
/// Errors:  ct::Error for unknown or repeated output letters, sizes that differ, a wrong number of operands or dimensions.
/// Example: einsum("ii->", {x}) is the trace
CT_API Tensor einsum(std::string_view equation, TensorList tensors);
/// Sums over dims_self of self against dims_other of other; the remaining dimensions of both follow each other.
CT_API Tensor tensordot(const Tensor& self, const Tensor& other, IntArrayRef dims_self, IntArrayRef dims_other);
/// Kronecker product: each element of self times all of other.   [a, b], [c, d] -> [a c, b d]
CT_API Tensor kron(const Tensor& self, const Tensor& other);
/// Vector product along `dim` of size 3 (default: the first such).   Gradient: dself = other x g, dother = g x self.
CT_API Tensor cross(const Tensor& self, const Tensor& other, std::optional<std::int64_t> dim = std::nullopt);
/// Product of a chain of matrices, bracketed where that is cheapest; the first and last may be vectors.
CT_API Tensor linalg_multi_dot(TensorList tensors);

// ---- square matrices ---------------------------------------------------------------------------------------------------
//
// All functions from here on take batches [.., n, n] or [.., m, n] of float32 or float64 and use LAPACK (Debian:
// libopenblas0-pthread; ct::NotImplementedError without it). Errors: ct::TypeError for other dtypes, ct::Error for matrices
// that are not square where they must be, ct::LinAlgError where the result does not exist, naming the matrix of the batch.
// Derivatives: M. B. Giles (2008), except where noted.

/// Sum of the diagonal of one matrix.   Gradient: g on the diagonal.
CT_API Tensor trace(const Tensor& self);
/// Determinant, by LU.   Gradient: g det(A) A^-T, or the adjugate of a singular matrix.
CT_API Tensor det(const Tensor& self);
CT_API Tensor linalg_det(const Tensor& A);
/// log(det(A)); NaN if that is negative, -inf if it is 0.
CT_API Tensor logdet(const Tensor& self);
/// Sign (0 of a singular matrix) and logarithm of the absolute value of the determinant.   Gradient: g1 A^-T.
CT_API std::tuple<Tensor, Tensor> slogdet(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& A);
/// A^-1.   Gradient: -Y^T g Y^T.
/// Errors: ct::LinAlgError "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed ..".
CT_API Tensor inverse(const Tensor& self);
CT_API Tensor linalg_inv(const Tensor& A);
/// A^n by repeated squaring; negative n takes the inverse.
CT_API Tensor matrix_power(const Tensor& self, std::int64_t n);
CT_API Tensor linalg_matrix_power(const Tensor& self, std::int64_t n);
/// exp(A) = sum A^k / k!, by Higham (2005).   Gradient: a block of exp([[A^T, g], [0, A^T]]).
CT_API Tensor matrix_exp(const Tensor& self);
CT_API Tensor linalg_matrix_exp(const Tensor& self);

/// X in A X = B (or X A = B if not left), for B [.., n, k], or [.., n] as a batch of vectors; batches broadcast.
/// Gradient: dB = A^-T g, dA = -dB X^T.   Errors: ct::LinAlgError "linalg.solve: .. the input matrix is singular".
CT_API Tensor linalg_solve(const Tensor& A, const Tensor& B, bool left = true);
/// The same for a triangular matrix, of which the other triangle is not read (nor the diagonal, if unitriangular). A zero
/// on the diagonal gives infinities.
CT_API Tensor linalg_solve_triangular(const Tensor& self, const Tensor& B, bool upper, bool left = true, bool unitriangular = false);
/// L with A = L L^T of a symmetric positive definite A, of which one triangle is read (upper: U with A = U^T U).
/// Gradient: symmetric.   Errors: ct::LinAlgError ".. not positive-definite (the leading minor of order 2 ..)".
CT_API Tensor linalg_cholesky(const Tensor& self, bool upper = false);

// ---- factors ---------------------------------------------------------------------------------------------------------------

/// A = Q R, Q with orthonormal columns, R upper triangular. Modes: "reduced", "complete" (square Q), "r" (Q is empty).
/// Gradient: of "reduced", and of "complete" unless there are more rows than columns.
CT_API std::tuple<Tensor, Tensor> linalg_qr(const Tensor& A, std::string_view mode = "reduced");
/// Eigenvalues in ascending order, and eigenvectors as columns, of a symmetric matrix of which triangle UPLO is read.
/// Gradient: V (diag(gL) + skew(V^T gV) / 2E) V^T, E_ij = L_j - L_i; infinite for equal eigenvalues if vectors were used.
CT_API std::tuple<Tensor, Tensor> linalg_eigh(const Tensor& self, std::string_view UPLO = "L");
CT_API Tensor linalg_eigvalsh(const Tensor& self, std::string_view UPLO = "L");
/// Eigenvalues (and vectors of length 1) of a real matrix whose eigenvalues are real. Complex dtypes are not implemented:
/// a complex pair gives ct::NotImplementedError.
CT_API Tensor linalg_eigvals(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> linalg_eig(const Tensor& self);
/// A = U diag(S) Vh, S descending. full_matrices: square U and Vh, of which only the first min(m, n) vectors have gradients.
/// The signs of vectors are arbitrary: a loss that depends on them has no meaningful gradient. Source: J. Townsend (2016).
CT_API std::tuple<Tensor, Tensor, Tensor> linalg_svd(const Tensor& A, bool full_matrices = true);
CT_API Tensor linalg_svdvals(const Tensor& A);

// ---- least squares, rank, norms --------------------------------------------------------------------------------------------

/// Solution X of least |A X - B|, squared residuals (empty unless m > n and all ranks are n), ranks, and an empty tensor
/// where PyTorch has singular values (LAPACK's gelsy computes none).   Gradient: of the solution, through the pseudo-inverse.
CT_API std::tuple<Tensor, Tensor, Tensor, Tensor> linalg_lstsq(const Tensor& self, const Tensor& b, std::optional<double> rcond = std::nullopt);
/// Pseudo-inverse by SVD; singular values up to rcond times the largest count as 0 (default: eps max(m, n)).
/// Gradient: Golub & Pereyra (1973).
CT_API Tensor linalg_pinv(const Tensor& self, std::optional<double> rcond = std::nullopt);
CT_API Tensor pinverse(const Tensor& self, double rcond = 1e-15);
/// Number of singular values above max(atol, rtol * largest); rtol defaults to eps max(m, n) unless atol is given.
CT_API Tensor linalg_matrix_rank(const Tensor& self, std::optional<double> atol = std::nullopt, std::optional<double> rtol = std::nullopt, bool hermitian = false);
/// |A|_p |A^-1|_p; by default largest over smallest singular value. inf of a singular matrix.
CT_API Tensor linalg_cond(const Tensor& self, const std::optional<Scalar>& p = std::nullopt);
/// (sum |x|^ord)^(1/ord) over dims, or all elements; ord may be 0 (a count), inf or -inf.
/// Gradient: g sign(x) (|x| / y)^(ord - 1), and 0 where the norm is 0.
CT_API Tensor linalg_vector_norm(const Tensor& self, const Scalar& ord = 2, std::optional<IntArrayRef> dim = std::nullopt, bool keepdim = false);
/// Without ord the 2-norm of all elements (or over dim). With ord and two dims, or on a matrix, a matrix norm: 1 and -1 the
/// largest and smallest column sum, inf and -inf row sum, 2 and -2 singular value. Otherwise a vector norm.
CT_API Tensor linalg_norm(const Tensor& self, const std::optional<Scalar>& ord = std::nullopt, std::optional<IntArrayRef> dim = std::nullopt, bool keepdim = false);
/// "fro": root of the sum of squares; "nuc": sum of the singular values.
CT_API Tensor linalg_matrix_norm(const Tensor& self, std::string_view ord = "fro");

}  // namespace ct
