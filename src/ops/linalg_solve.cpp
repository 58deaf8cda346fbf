// ops/linalg_solve.cpp -- inverse, linear systems, determinants: what an LU decomposition gives; and Cholesky.
//
// Derivatives after M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
// differentiation" (2008).
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/linalg_lapack.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using namespace detail;

namespace {

// A well conditioned sample: random, with a heavy diagonal.
Tensor sample_matrix(SampleSink& call, IntArrayRef sizes) { return call.uniform(sizes, -1, 1) + 3 * eye(sizes.back(), kDouble); }

// ---- inverse ----------------------------------------------------------------------------------------------

Tensor inv_forward(const Call& c) {
  const Tensor& A = c.x(0);
  const Matrices s = matrices(A);
  const Tensor lu = copy_columns(A);
  const Tensor out = empty_columns(A.scalar_type(), A.sizes());
  std::vector<int> infos(static_cast<std::size_t>(s.batch));
  on_dtype(A, [&]<class T>(T) {
    const auto& lapack = need_lapack<T>("linalg.inv");
    each_matrix(s.batch, [&](std::int64_t i) {
      const int n = static_cast<int>(s.n), ld = std::max(1, n);
      T *a = data<T>(lu) + i * s.numel(), *x = data<T>(out) + i * s.numel();
      std::vector<int> pivots(static_cast<std::size_t>(n));
      int& info = infos[static_cast<std::size_t>(i)];
      lapack.getrf(&n, &n, a, &ld, pivots.data(), &info);
      std::fill(x, x + s.numel(), info ? std::numeric_limits<T>::infinity() : T(0));
      if (info) return;
      for (int k = 0; k < n; ++k) x[k * (n + 1)] = 1;
      int solved;
      lapack.getrs("N", &n, &n, a, &ld, pivots.data(), x, &ld, &solved, 1);
    });
  });
  const std::int64_t bad = first_failure(infos);
  CT_CHECK_LINALG(bad < 0 || !c.attrs<CheckAttrs>().check, "linalg.inv: ", batch_text(A, static_cast<std::size_t>(bad)), "The diagonal element ",
                  infos[static_cast<std::size_t>(bad)], " is zero, the inversion could not be completed because the input matrix is singular.");
  return out;
}

constexpr Op inv_op{  // y = x^-1
    .name = "linalg_inv",
    .node = "LinalgInvExBackward0",
    .formula = "dx = -y^T g y^T",
    .forward = inv_forward,
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const Tensor yt = s.y().mT();
      return -matmul(yt, matmul(g, yt));
    },
    .jvp = [](const Tensor* t, const Saved& s) { return -matmul(s.y(), matmul(t[0], s.y())); },
    .batch = detail::as_it_is,
    .save = {Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {1, 1}, {2, 4, 4}, {0, 0}, {0, 3, 3}}) call({sample_matrix(call, sizes)}, CheckAttrs{true});
    },
};

// The right sides of all entries of a batch for one matrix: side by side, or below each other.
template <class F>
Tensor one_matrix(const Tensor& B, bool left, bool vector, const F& solve_for) {
  if (vector) return solve_for(B.t()).t().contiguous();  // [B, n]
  const std::int64_t batch = B.size(0), n = B.size(1), k = B.size(2);
  if (!left) return solve_for(B.reshape({batch * n, k})).reshape({batch, n, k});
  return solve_for(B.transpose(0, 1).reshape({n, batch * k})).reshape({n, batch, k}).transpose(0, 1);
}

// ---- linear systems ------------------------------------------------------------------------------------------

Tensor solve_forward(const Call& c) {
  const Tensor &A = c.x(0), &B = c.x(1);
  const auto& at = c.attrs<SolveAttrs>();
  const Dims batch = batch_shape("linalg.solve", A.sizes().slice(0, A.sizes().size() - 2), B.sizes().slice(0, B.sizes().size() - (at.vector ? 1 : 2)));
  const std::int64_t n = A.size(-1), k = at.vector ? 1 : at.left ? B.size(-1) : B.size(-2);
  const Tensor lu = copy_columns(A.expand(joined(batch, {n, n})));
  // By columns for A X = B. X A = B is A^T X^T = B^T, and rows of B are columns of B^T.
  const Tensor out = at.vector ? copy_rows(B.expand(joined(batch, {n})))
                     : at.left ? copy_columns(B.expand(joined(batch, {n, k}))) : copy_rows(B.expand(joined(batch, {k, n})));
  const Matrices s = matrices(lu);
  std::vector<int> infos(static_cast<std::size_t>(s.batch));
  on_dtype(A, [&]<class T>(T) {
    const auto& lapack = need_lapack<T>("linalg.solve");
    each_matrix(s.batch, [&](std::int64_t i) {
      const int order = static_cast<int>(n), ld = std::max(1, order), columns = static_cast<int>(k);
      T *a = data<T>(lu) + i * n * n, *x = data<T>(out) + i * n * k;
      std::vector<int> pivots(static_cast<std::size_t>(n));
      int solved;
      lapack.getrf(&order, &order, a, &ld, pivots.data(), &infos[static_cast<std::size_t>(i)]);
      lapack.getrs(at.left ? "N" : "T", &order, &columns, a, &ld, pivots.data(), x, &ld, &solved, 1);
    });
  });
  const std::int64_t bad = first_failure(infos);
  CT_CHECK_LINALG(bad < 0 || !at.check, "linalg.solve: ", batch_text(lu, static_cast<std::size_t>(bad)),
                  "The solver failed because the input matrix is singular.\n  For a least-squares solution use linalg_lstsq or linalg_pinv.");
  return out;
}

constexpr Op solve_op{  // x0 y = x1
    .name = "linalg_solve",
    .node = "LinalgSolveExBackward0",
    .formula = "dx1 = x0^-T g; dx0 = -dx1 y^T",
    .forward = solve_forward,
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const auto& at = s.attrs<SolveAttrs>();
      const Tensor gB = solve(s.x(0).mT(), g, at.left, at.vector, false);
      if (arg == 1) return gB;
      const Tensor& X = s.y();
      if (at.vector) return -matmul(gB.unsqueeze(-1), X.unsqueeze(-2));  // [n, 1] x [1, n]
      return at.left ? -matmul(gB, X.mT()) : -matmul(X.mT(), gB);
    },
    .jvp = [](const Tensor* t, const Saved& s) {  // x0 dy = dx1 - dx0 y
      const auto& at = s.attrs<SolveAttrs>();
      const Tensor& y = s.y();
      Tensor right = t[1];
      if (t[0].defined()) {
        const Tensor moved = at.vector ? matmul(t[0], y.unsqueeze(-1)).squeeze(-1) : at.left ? matmul(t[0], y) : matmul(y, t[0]);
        right = right.defined() ? right - moved : -moved;
      }
      return solve(s.x(0), right, at.left, at.vector, false);
    },
    .batch = [](const Batch& b) {
      const auto& at = b.attrs<SolveAttrs>();
      const Tensor &A = b.value(0), &B = b.value(1);
      if (!b.batched(0) && A.dim() == 2 && b.dim(1) <= 2) return one_matrix(B, at.left, at.vector, [&](const Tensor& x) { return solve(A, x, at.left, false, at.check); });
      const std::int64_t more = std::max(b.dim(0) - 2, b.dim(1) - (at.vector ? 1 : 2));
      return solve(broadcastable(b, 0, 2 + more), broadcastable(b, 1, (at.vector ? 1 : 2) + more), at.left, at.vector, at.check);
    },
    .save = {X(0) | Y(), X(0)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      call({sample_matrix(call, {3, 3}), call.uniform({3, 2})}, SolveAttrs{true, false, true});
      call({sample_matrix(call, {3, 3}), call.uniform({2, 3})}, SolveAttrs{false, false, true});
      call({sample_matrix(call, {3, 3}), call.uniform({3})}, SolveAttrs{true, true, true});
      call({sample_matrix(call, {2, 3, 3}), call.uniform({2, 3})}, SolveAttrs{true, true, true});
      call({sample_matrix(call, {2, 1, 3, 3}), call.uniform({4, 3, 2})}, SolveAttrs{true, false, true});
      call({sample_matrix(call, {0, 0}), call.uniform({0, 2})}, SolveAttrs{true, false, true});
    },
};

// ---- triangular systems ----------------------------------------------------------------------------------------

constexpr Op solve_triangular_op{  // x0 y = x1, reading one triangle of x0
    .name = "linalg_solve_triangular",
    .node = "LinalgSolveTriangularBackward0",
    .formula = "dx1 = x0^-T g; dx0 = -dx1 y^T, its triangle",
    .forward = [](const Call& c) {
      const Tensor &A = c.x(0), &B = c.x(1);
      const auto& at = c.attrs<TriangularAttrs>();
      const Dims batch = batch_shape("linalg.solve_triangular", A.sizes().slice(0, A.sizes().size() - 2), B.sizes().slice(0, B.sizes().size() - 2));
      const Tensor a = copy_columns(A.expand(joined(batch, {A.size(-2), A.size(-1)})));
      const Tensor out = copy_columns(B.expand(joined(batch, {B.size(-2), B.size(-1)})));
      const Matrices s = matrices(out);
      on_dtype(A, [&]<class T>(T) {
        const auto& lapack = need_lapack<T>("linalg.solve_triangular");
        each_matrix(s.batch, [&](std::int64_t i) {
          const int m = static_cast<int>(s.m), n = static_cast<int>(s.n), lda = std::max(1, at.left ? m : n), ldb = std::max(1, m);
          const T one = 1;
          lapack.trsm(at.left ? "L" : "R", at.upper ? "U" : "L", "N", at.unit ? "U" : "N", &m, &n, &one, data<T>(a) + i * matrices(a).numel(), &lda,
                      data<T>(out) + i * s.numel(), &ldb, 1, 1, 1, 1);
        });
      });
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const auto& at = s.attrs<TriangularAttrs>();
      const Tensor gB = linalg_solve_triangular(s.x(0).mT(), g, !at.upper, at.left, at.unit);
      if (arg == 1) return gB;
      const Tensor& X = s.y();
      const Tensor gA = at.left ? -matmul(gB, X.mT()) : -matmul(X.mT(), gB);
      return at.upper ? gA.triu(at.unit ? 1 : 0) : gA.tril(at.unit ? -1 : 0);
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& at = s.attrs<TriangularAttrs>();
      Tensor right = t[1];
      if (t[0].defined()) {
        const int skipped = at.unit ? 1 : 0;
        const Tensor dA = at.upper ? t[0].triu(skipped) : t[0].tril(-skipped);
        const Tensor moved = at.left ? matmul(dA, s.y()) : matmul(s.y(), dA);
        right = right.defined() ? right - moved : -moved;
      }
      return linalg_solve_triangular(s.x(0), right, at.upper, at.left, at.unit);
    },
    .batch = [](const Batch& b) {
      const auto& at = b.attrs<TriangularAttrs>();
      const Tensor &A = b.value(0), &B = b.value(1);
      if (!b.batched(0) && A.dim() == 2 && b.dim(1) == 2)
        return one_matrix(B, at.left, false, [&](const Tensor& x) { return linalg_solve_triangular(A, x, at.upper, at.left, at.unit); });
      const std::int64_t dim = std::max(b.dim(0), b.dim(1));
      return linalg_solve_triangular(broadcastable(b, 0, dim), broadcastable(b, 1, dim), at.upper, at.left, at.unit);
    },
    .save = {X(0) | Y(), X(0)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (int k = 0; k < 8; ++k) {
        const TriangularAttrs at{k % 2 == 1, k / 2 % 2 == 1, k / 4 == 1};
        call({sample_matrix(call, {3, 3}), at.left ? call.uniform({3, 2}) : call.uniform({2, 3})}, at);
      }
      call({sample_matrix(call, {2, 1, 3, 3}), call.uniform({4, 3, 2})}, TriangularAttrs{true, true, false});
    },
};

// ---- determinants -------------------------------------------------------------------------------------------------

// LU decompositions of A (or of A^T, which has the same determinant: a row-major matrix needs no turning then);
// f(i, diagonal of U with stride n + 1, sign of the permutation).
template <class T, class F>
void each_lu(const char* op, const Tensor& A, const F& f) {
  const Matrices s = matrices(A);
  const auto& lapack = need_lapack<T>(op);
  const Tensor lu = A.is_contiguous() ? copy_rows(A) : copy_columns(A);
  each_matrix(s.batch, [&](std::int64_t i) {
    const int n = static_cast<int>(s.n), ld = std::max(1, n);
    T* a = data<T>(lu) + i * s.numel();
    std::vector<int> pivots(static_cast<std::size_t>(n));
    int info;
    lapack.getrf(&n, &n, a, &ld, pivots.data(), &info);
    int sign = 1;
    for (int k = 0; k < n; ++k)
      if (pivots[static_cast<std::size_t>(k)] != k + 1) sign = -sign;
    f(i, a, n, sign);
  });
}

// d det / dA of singular matrices: the transposed adjugate, U diag(prod of the other singular values) V^T det(U) det(V).
Tensor cofactors_from_svd(const Tensor& A) {
  const auto [U, S, Vh] = linalg_svd(A, false);
  const std::int64_t n = A.size(-1);
  const Tensor others = S.unsqueeze(-2).expand(batch_with(A, {n, n})).masked_fill(eye(n, kBool), 1).prod(-1);
  const Tensor sign = linalg_det(U) * linalg_det(Vh);
  return matmul(U * (others * sign.unsqueeze(-1)).unsqueeze(-2), Vh);
}

Tensor det_gradient(const Tensor& g, const Saved& s, int) {
  const Tensor &A = s.x(0), &y = s.y();
  const std::int64_t n = A.size(-1);
  const Tensor one = eye(n, A.options());
  auto matrix = [](const Tensor& t) { return t.unsqueeze(-1).unsqueeze(-1); };
  const Tensor singular = matrix(y.detach().eq(0));
  const Tensor scaled = matrix(g * y) * one;  // g det(A) I
  if (!any_nonzero(singular)) return solve(A.mT(), scaled, true, false, false);
  // Each way sees a harmless matrix where the other one is used.
  const Tensor regular = solve(where(singular, one, A).mT(), scaled, true, false, false);
  const Tensor distinct = diag(arange(1, n + 1, A.options()));
  return where(singular, matrix(g) * cofactors_from_svd(where(singular, A, distinct)), regular);
}

constexpr Op det_op{
    .name = "linalg_det",
    .node = "LinalgDetBackward0",
    .formula = "dx = g y x^-T; of a singular x: g adj(x)^T by its SVD",
    .forward = [](const Call& c) {
      const Tensor& A = c.x(0);
      Tensor out = empty_like_dtype(A.scalar_type(), batch_with(A, {}));
      on_dtype(A, [&]<class T>(T) {
        T* y = data<T>(out);
        each_lu<T>("linalg.det", A, [y](std::int64_t i, const T* u, int n, int sign) {
          T d = 1;
          for (int k = 0; k < n; ++k) d *= u[k * (n + 1)];
          y[i] = d * static_cast<T>(sign);
        });
      });
      return out;
    },
    .vjp = det_gradient,
    .jvp = [](const Tensor* t, const Saved& s) { return (det_gradient(ones_like(s.y()), s, 0) * t[0]).sum(IntArrayRef{-2, -1}); },
    .batch = detail::as_it_is,
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {1, 1}, {2, 4, 4}, {0, 0}}) call({sample_matrix(call, sizes)});
      call({call.uniform({3, 1}) * call.uniform({1, 3}) + diag(arange(3, kDouble))});
    },
};

constexpr Op slogdet_op{
    .name = "linalg_slogdet",
    .node = "LinalgSlogdetBackward0",
    .formula = "dx = g1 x^-T",
    .forward_multi = [](const Call& c) {
      const Tensor& A = c.x(0);
      Tensor sign = empty_like_dtype(A.scalar_type(), batch_with(A, {})), log_abs = empty_like_dtype(A.scalar_type(), batch_with(A, {}));
      on_dtype(A, [&]<class T>(T) {
        T *y = data<T>(sign), *l = data<T>(log_abs);
        each_lu<T>("linalg.slogdet", A, [y, l](std::int64_t i, const T* u, int n, int permutation) {
          T total = 0, s = static_cast<T>(permutation);
          for (int k = 0; k < n; ++k) {
            const T d = u[k * (n + 1)];
            total += std::log(std::abs(d));
            s *= d > 0 ? T(1) : d < 0 ? T(-1) : d;
          }
          y[i] = s;
          l[i] = total;
        });
      });
      return std::vector<Tensor>{sign, log_abs};
    },
    .vjp = [](const Tensor&, const Saved& s, int) {
      if (!s.g(1).defined()) return Tensor();
      const Tensor& A = s.x(0);
      return solve(A.mT(), s.g(1).unsqueeze(-1).unsqueeze(-1) * eye(A.size(-1), A.options()), true, false, false);
    },
    .batch_multi = detail::all_as_they_are,
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {1, 1}, {2, 4, 4}, {0, 0}}) call({sample_matrix(call, sizes)});
    },
};

// ---- Cholesky ----------------------------------------------------------------------------------------------------------

constexpr Op cholesky_op{  // x = y y^T, or y^T y for upper
    .name = "linalg_cholesky",
    .node = "LinalgCholeskyExBackward0",
    .formula = "dx = sym(y^-T tril(y^T g)' y^-1), ' halves the diagonal",
    .forward = [](const Call& c) {
      const Tensor& A = c.x(0);
      const bool upper = c.attrs<UpperAttrs>().upper;
      const Matrices s = matrices(A);
      const Tensor out = copy_columns(A);
      std::vector<int> infos(static_cast<std::size_t>(s.batch));
      on_dtype(A, [&]<class T>(T) {
        const auto& lapack = need_lapack<T>("linalg.cholesky");
        each_matrix(s.batch, [&](std::int64_t i) {
          const int n = static_cast<int>(s.n), ld = std::max(1, n);
          T* a = data<T>(out) + i * s.numel();
          lapack.potrf(upper ? "U" : "L", &n, a, &ld, &infos[static_cast<std::size_t>(i)], 1);
          for (int col = 0; col < n; ++col)
            for (int row = upper ? col + 1 : 0; row < (upper ? n : col); ++row) a[col * n + row] = 0;
        });
      });
      const std::int64_t bad = first_failure(infos);
      CT_CHECK_LINALG(bad < 0, "linalg.cholesky: ", batch_text(A, static_cast<std::size_t>(bad)),
                      "The factorization could not be completed because the input is not positive-definite (the leading minor of order ",
                      infos[static_cast<std::size_t>(bad)], " is not positive-definite).");
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const bool upper = s.attrs<UpperAttrs>().upper;
      const Tensor L = upper ? s.y().mT() : s.y(), gL = upper ? g.mT() : g;
      Tensor phi = matmul(L.mT(), gL).tril();
      phi = 0.5 * (phi + phi.tril(-1).mT());
      phi = linalg_solve_triangular(L.mT(), phi, true);
      return linalg_solve_triangular(L, phi, false, false);
    },
    .jvp = [](const Tensor* t, const Saved& s) {  // dL = L tril(K)' with K = L^-1 dx L^-T, symmetrised
      const bool upper = s.attrs<UpperAttrs>().upper;
      const Tensor L = upper ? s.y().mT() : s.y();
      const Tensor K = linalg_solve_triangular(L.mT(), linalg_solve_triangular(L, t[0], false), true, false);
      const Tensor dL = matmul(L, 0.5 * (K.tril() + K.mT().tril(-1)));
      return upper ? dL.mT() : dL;
    },
    .batch = detail::as_it_is,
    .save = {Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (bool upper : {false, true})
        for (auto sizes : {std::vector<std::int64_t>{3, 3}, {2, 4, 4}, {0, 0}}) {
          const Tensor x = call.uniform(sizes);
          call({matmul(x, x.mT()) + eye(x.size(-1), kDouble)}, UpperAttrs{upper});
        }
    },
};

}  // namespace

Tensor detail::solve(const Tensor& A, const Tensor& B, bool left, bool vector, bool check) { return apply_with(solve_op, SolveAttrs{left, vector, check}, A, B); }

std::span<const Op* const> linalg_solve_ops() {
  static constexpr const Op* ops[] = {&inv_op, &solve_op, &solve_triangular_op, &det_op, &slogdet_op, &cholesky_op};
  return ops;
}

Tensor linalg_inv(const Tensor& A) {
  check_square("linalg.inv", A);
  return apply_with(inv_op, CheckAttrs{true}, A);
}
Tensor inverse(const Tensor& self) { return linalg_inv(self); }
Tensor detail::inv_or_infinity(const Tensor& A) { return apply_with(inv_op, CheckAttrs{false}, A); }

Tensor linalg_solve(const Tensor& A, const Tensor& B, bool left) {
  check_square("linalg.solve", A);
  CT_CHECK(B.defined() && B.dim() >= 1, "linalg.solve: B must have at least 1 dimension");
  CT_CHECK_TYPE(A.scalar_type() == B.scalar_type(), "linalg.solve: Expected A and B to have the same dtype, but found A of type ", A.scalar_type(),
                " and B of type ", B.scalar_type(), " instead");
  const bool vector = is_vector_of(A, B);
  CT_CHECK(left || !vector, "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is "
           "equivalent to B / A.squeeze(-1)");
  const std::int64_t rows = vector ? B.size(-1) : B.size(-2), columns = vector ? 1 : B.size(-1);
  CT_CHECK((left ? rows : columns) == A.size(-1), "linalg.solve: Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (",
           A.size(-2), "x", A.size(-1), " and ", rows, "x", columns, ")");
  return detail::solve(A, B, left, vector, true);
}

Tensor linalg_solve_triangular(const Tensor& self, const Tensor& B, bool upper, bool left, bool unitriangular) {
  check_square("linalg.solve_triangular", self);
  check_matrix("linalg.solve_triangular", B);
  CT_CHECK_TYPE(self.scalar_type() == B.scalar_type(), "linalg.solve_triangular: Expected A and B to have the same dtype, but found A of type ",
                self.scalar_type(), " and B of type ", B.scalar_type(), " instead");
  CT_CHECK(B.size(left ? -2 : -1) == self.size(-1), "linalg.solve_triangular: Incompatible shapes of A and B for the equation ",
           left ? "AX = B" : "XA = B", " (", self.size(-2), "x", self.size(-1), " and ", B.size(-2), "x", B.size(-1), ")");
  return apply_with(solve_triangular_op, TriangularAttrs{upper, left, unitriangular}, self, B);
}

Tensor linalg_det(const Tensor& A) {
  check_square("linalg.det", A);
  return apply(det_op, A);
}
Tensor det(const Tensor& self) { return linalg_det(self); }

std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& A) {
  check_square("linalg.slogdet", A);
  auto y = apply_multi(slogdet_op, NoAttrs{}, A);
  return {y[0], y[1]};
}
std::tuple<Tensor, Tensor> slogdet(const Tensor& self) { return linalg_slogdet(self); }

// NaN for a negative determinant, as its logarithm is.
Tensor logdet(const Tensor& self) {
  check_square("logdet", self);
  const auto [sign, log_abs] = linalg_slogdet(self);
  return where(sign.eq(-1), full_like(log_abs, NAN), log_abs);
}

Tensor linalg_cholesky(const Tensor& self, bool upper) {
  check_square("linalg.cholesky", self);
  return apply_with(cholesky_op, UpperAttrs{upper}, self);
}

}  // namespace ct
