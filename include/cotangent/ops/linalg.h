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

CT_API Tensor matmul(const Tensor& self, const Tensor& other);
CT_API Tensor mm(const Tensor& self, const Tensor& mat2);
CT_API Tensor mv(const Tensor& self, const Tensor& vec);
CT_API Tensor bmm(const Tensor& self, const Tensor& mat2);
CT_API Tensor dot(const Tensor& self, const Tensor& tensor);
CT_API Tensor vdot(const Tensor& self, const Tensor& other);
CT_API Tensor inner(const Tensor& self, const Tensor& other);
CT_API Tensor outer(const Tensor& self, const Tensor& vec2);
CT_API Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1, const Scalar& alpha = 1);
CT_API Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta = 1, const Scalar& alpha = 1);
CT_API Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta = 1, const Scalar& alpha = 1);
CT_API Tensor linear(const Tensor& input, const Tensor& weight);
CT_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias);
CT_API Tensor& matmul_out(Tensor& out, const Tensor& self, const Tensor& other);
CT_API Tensor einsum(std::string_view equation, TensorList tensors);
CT_API Tensor tensordot(const Tensor& self, const Tensor& other, IntArrayRef dims_self, IntArrayRef dims_other);
CT_API Tensor kron(const Tensor& self, const Tensor& other);
CT_API Tensor cross(const Tensor& self, const Tensor& other, std::optional<std::int64_t> dim = std::nullopt);
CT_API Tensor trace(const Tensor& self);
CT_API Tensor det(const Tensor& self);
CT_API Tensor logdet(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> slogdet(const Tensor& self);
CT_API Tensor inverse(const Tensor& self);
CT_API Tensor pinverse(const Tensor& self, double rcond = 1e-15);
CT_API Tensor matrix_power(const Tensor& self, std::int64_t n);
CT_API Tensor matrix_exp(const Tensor& self);

CT_API Tensor linalg_inv(const Tensor& A);
CT_API Tensor linalg_det(const Tensor& A);
CT_API std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& A);
CT_API Tensor linalg_solve(const Tensor& A, const Tensor& B, bool left = true);
CT_API Tensor linalg_solve_triangular(const Tensor& self, const Tensor& B, bool upper, bool left = true, bool unitriangular = false);
CT_API Tensor linalg_cholesky(const Tensor& self, bool upper = false);
CT_API std::tuple<Tensor, Tensor> linalg_qr(const Tensor& A, std::string_view mode = "reduced");
CT_API std::tuple<Tensor, Tensor> linalg_eigh(const Tensor& self, std::string_view UPLO = "L");
CT_API Tensor linalg_eigvalsh(const Tensor& self, std::string_view UPLO = "L");
/// Eigenvalues of a real matrix whose eigenvalues are real; complex dtypes are not implemented, and a complex pair is an error that says so.
CT_API Tensor linalg_eigvals(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> linalg_eig(const Tensor& self);
CT_API std::tuple<Tensor, Tensor, Tensor> linalg_svd(const Tensor& A, bool full_matrices = true);
CT_API Tensor linalg_svdvals(const Tensor& A);
/// solution, residuals, rank, singular_values
CT_API std::tuple<Tensor, Tensor, Tensor, Tensor> linalg_lstsq(const Tensor& self, const Tensor& b, std::optional<double> rcond = std::nullopt);
CT_API Tensor linalg_pinv(const Tensor& self, std::optional<double> rcond = std::nullopt);
CT_API Tensor linalg_cond(const Tensor& self, const std::optional<Scalar>& p = std::nullopt);
CT_API Tensor linalg_matrix_rank(const Tensor& self, std::optional<double> atol = std::nullopt, std::optional<double> rtol = std::nullopt, bool hermitian = false);
CT_API Tensor linalg_norm(const Tensor& self, const std::optional<Scalar>& ord = std::nullopt, std::optional<IntArrayRef> dim = std::nullopt, bool keepdim = false);
CT_API Tensor linalg_vector_norm(const Tensor& self, const Scalar& ord = 2, std::optional<IntArrayRef> dim = std::nullopt, bool keepdim = false);
CT_API Tensor linalg_matrix_norm(const Tensor& self, std::string_view ord = "fro");
CT_API Tensor linalg_matrix_power(const Tensor& self, std::int64_t n);
CT_API Tensor linalg_matrix_exp(const Tensor& self);
CT_API Tensor linalg_multi_dot(TensorList tensors);

}  // namespace ct
