// ops/linalg_functions.cpp -- functions of a square matrix: powers and the exponential.
#include <cmath>

#include "ops/linalg_lapack.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using namespace detail;

namespace {

// exp of one float64 matrix by scaling and squaring with the Pade approximant of degree 13:
// N. J. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).
Tensor pade_exp(Tensor A) {
  constexpr double b[] = {64764752532480000., 32382376266240000., 7771770303897600., 1187353796428800., 129060195264000., 10559470521600., 670442572800.,
                          33522128640., 1323241920., 40840800., 960960., 16380., 182., 1.};
  const std::int64_t n = A.size(0);
  double norm = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double column = 0;
    for (std::int64_t i = 0; i < n; ++i) column += std::abs(data<double>(A)[i * n + j]);
    norm = std::isnan(column) ? column : std::max(norm, column);
    if (std::isnan(norm)) break;
  }
  if (!std::isfinite(norm)) return full({n, n}, NAN, kDouble);
  int squarings = 0;
  while (std::ldexp(norm, -squarings) > 5.371920351148152) ++squarings;
  A = A * std::ldexp(1.0, -squarings);
  const Tensor I = eye(n, kDouble), A2 = mm(A, A), A4 = mm(A2, A2), A6 = mm(A4, A2);
  const Tensor U = mm(A, mm(A6, A6 * b[13] + A4 * b[11] + A2 * b[9]) + A6 * b[7] + A4 * b[5] + A2 * b[3] + I * b[1]);
  const Tensor V = mm(A6, A6 * b[12] + A4 * b[10] + A2 * b[8]) + A6 * b[6] + A4 * b[4] + A2 * b[2] + I * b[0];
  Tensor y = solve(V - U, V + U, true, false, false);
  for (; squarings > 0; --squarings) y = mm(y, y);
  return y;
}

// The derivative of exp at A in the direction t: exp of a block triangular matrix holds it: Mathias (1996).
Tensor exp_along(const Tensor& A, const Tensor& t) {
  const std::int64_t n = A.size(-1);
  if (n == 0) return t;
  const Tensor block = cat({cat({A, t}, -1), cat({zeros_like(A), A}, -1)}, -2);
  return linalg_matrix_exp(block).narrow(-2, 0, n).narrow(-1, n, n);
}

constexpr Op matrix_exp_op{
    .name = "linalg_matrix_exp",
    .node = "LinalgMatrixExpBackward0",
    .formula = "dx = the upper right block of exp([[x^T, g], [0, x^T]])",
    .forward = [](const Call& c) {
      const Tensor& A = c.x(0);
      const Matrices s = matrices(A);
      Tensor out = empty_like_dtype(A.scalar_type(), A.sizes());
      if (out.numel() == 0) return out;
      const Tensor x = A.to(kDouble).reshape({s.batch, s.n, s.n}).contiguous(), y = out.view({s.batch, s.n, s.n});
      for (std::int64_t i = 0; i < s.batch; ++i) y.select(0, i).copy_(pade_exp(x.select(0, i)));
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return exp_along(s.x(0).mT(), g);
    },
    .jvp = [](const Tensor* t, const Saved& s) { return exp_along(s.x(0), t[0]); },
    .batch = detail::as_it_is,
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {1, 1}, {2, 4, 4}, {0, 0}}) call({call.uniform(sizes)});
      call({10 * call.uniform({3, 3}, -1, 0)});
    },
};

}  // namespace

std::span<const Op* const> linalg_function_ops() {
  static constexpr const Op* ops[] = {&matrix_exp_op};
  return ops;
}

Tensor linalg_matrix_exp(const Tensor& self) {
  check_square("linalg.matrix_exp", self);
  return apply(matrix_exp_op, self);
}
Tensor matrix_exp(const Tensor& self) { return linalg_matrix_exp(self); }

// By repeated squaring; negative powers of the inverse.
Tensor linalg_matrix_power(const Tensor& self, std::int64_t n) {
  CT_CHECK(self.defined() && self.dim() >= 2 && self.size(-1) == self.size(-2),
           "linalg.matrix_power: A must be batches of square matrices, but the sizes are ", self.defined() ? self.sizes() : IntArrayRef{});
  if (n == 0) return self.clone().copy_(eye(self.size(-1), self.scalar_type()));
  if (n == 1) return self.clone();
  if (n == -1) return linalg_inv(self);
  Tensor z = n < 0 ? linalg_inv(self) : self, y;
  std::uint64_t rest = n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
  if (rest == 2) return matmul(z, z);
  if (rest == 3) return matmul(matmul(z, z), z);
  for (; rest > 0; rest /= 2) {
    if (rest % 2) y = y.defined() ? matmul(y, z) : z;
    if (rest > 1) z = matmul(z, z);
  }
  return y;
}
Tensor matrix_power(const Tensor& self, std::int64_t n) { return linalg_matrix_power(self, n); }

}  // namespace ct
