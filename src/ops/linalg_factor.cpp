// ops/linalg_factor.cpp -- QR, eigenvalues and singular values.
//
// Derivatives after M. B. Giles (2008); of QR for wide matrices after Roberts & Roberts, "QR and LQ decomposition matrix
// backpropagation algorithms" (2020); of the SVD after J. Townsend (2016). Where eigenvalues or singular values are equal,
// the vectors are not unique and their gradients are infinite, as in PyTorch.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/thread_state.h"
#include "ops/linalg_lapack.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using namespace detail;

namespace {

Tensor mask_of_diagonal(std::int64_t n) { return eye(n, kBool); }
// x with another diagonal.
Tensor with_diagonal(const Tensor& x, const Tensor& d) { return x.masked_fill(mask_of_diagonal(x.size(-1)), 0) + diag_embed(d); }

// Differences v_j - v_i with ones on the diagonal: what off-diagonal elements are divided by.
Tensor gaps(const Tensor& v) { return (v.unsqueeze(-2) - v.unsqueeze(-1)).masked_fill(mask_of_diagonal(v.size(-1)), 1); }

Tensor skew(const Tensor& x) { return x - x.mT(); }

void check_converged(const char* op, const Tensor& A, const std::vector<int>& infos, const char* what) {
  const std::int64_t bad = first_failure(infos);
  CT_CHECK_LINALG(bad < 0, op, ": ", batch_text(A, static_cast<std::size_t>(bad)), "The algorithm failed to converge because the input matrix is "
                  "ill-conditioned or has too many repeated ", what, " (error code: ", infos[static_cast<std::size_t>(bad)], ").");
}

// Factors of all entries; one that was not asked for is empty in each.
std::vector<Tensor> factors_each(const Batch& b) {
  std::vector<Tensor> y = all_as_they_are(b);
  for (Tensor& t : y)
    if (t.dim() == 1 && t.numel() == 0 && b.dim(0) >= 2) t = t.new_empty({b.size, 0});
  return y;
}

// ---- QR --------------------------------------------------------------------------------------------------------

std::vector<Tensor> qr_forward(const Call& c) {
  const Tensor& A = c.x(0);
  const QrMode mode = c.attrs<QrAttrs>().mode;
  const Matrices s = matrices(A);
  const std::int64_t k = std::min(s.m, s.n), q_columns = mode == QrMode::complete ? s.m : k, r_rows = q_columns;
  const bool wants_q = mode != QrMode::r;
  const Tensor a = copy_columns(A), R = empty_columns(A.scalar_type(), batch_with(A, {r_rows, s.n}));
  const Tensor Q = wants_q ? empty_columns(A.scalar_type(), batch_with(A, {s.m, q_columns})) : empty_like_dtype(A.scalar_type(), {0});
  on_dtype(A, [&]<class T>(T) {
    const auto& lapack = need_lapack<T>("linalg.qr");
    each_matrix(s.batch, [&](std::int64_t i) {
      const int m = static_cast<int>(s.m), n = static_cast<int>(s.n), lda = std::max(1, m), reflectors = static_cast<int>(k), qc = static_cast<int>(q_columns);
      T *x = data<T>(a) + i * s.numel(), *r = data<T>(R) + i * r_rows * s.n;
      std::vector<T> tau(static_cast<std::size_t>(std::max<std::int64_t>(1, k)));
      int info;
      with_workspace<T>([&](T* work, const int* size) { lapack.geqrf(&m, &n, x, &lda, tau.data(), work, size, &info); });
      for (std::int64_t col = 0; col < s.n; ++col)
        for (std::int64_t row = 0; row < r_rows; ++row) r[col * r_rows + row] = row <= col && row < k ? x[col * s.m + row] : T(0);
      if (!wants_q) return;
      T* q = data<T>(Q) + i * s.m * q_columns;
      std::copy(x, x + s.m * std::min(s.n, q_columns), q);
      std::fill(q + s.m * std::min(s.n, q_columns), q + s.m * q_columns, T(0));
      with_workspace<T>([&](T* work, const int* size) { lapack.orgqr(&m, &qc, &reflectors, q, &lda, tau.data(), work, size, &info); });
    });
  });
  return {Q, R};
}

// dA of A = Q R with square R: [gQ + Q sym'(triu(gR R^T - Q^T gQ))] R^-T, where sym'(X) = X + X^T with halved diagonal.
Tensor qr_square_vjp(const Tensor& gQ, const Tensor& gR, const Tensor& Q, const Tensor& R) {
  Tensor M = gR.defined() ? matmul(gR, R.mT()) : Tensor();
  if (gQ.defined()) {
    const Tensor t = matmul(Q.mT(), gQ);
    M = M.defined() ? M - t : -t;
  }
  M = M.triu();
  Tensor gA = matmul(Q, M + M.triu(1).mT());
  if (gQ.defined()) gA = gA + gQ;
  return linalg_solve_triangular(R.mT(), gA, false, false);
}

constexpr Op qr_op{  // x = y0 y1, y0 with orthonormal columns, y1 upper triangular
    .name = "linalg_qr",
    .node = "LinalgQrBackward0",
    .formula = "M = g1 y1^T - y0^T g0; dx = (g0 + y0 sym(triu(M))) y1^-T",
    .forward_multi = qr_forward,
    .vjp = [](const Tensor&, const Saved& s, int) {
      const Tensor &Q = s.y(0), &R = s.y(1), &gQ = s.g(0), &gR = s.g(1);
      const QrMode mode = s.attrs<QrAttrs>().mode;
      CT_CHECK(mode != QrMode::r, "linalg_qr: The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
               "linalg.qr(A, mode='reduced') if you are going to backpropagate through linalg.qr");
      const std::int64_t m = Q.size(-2), n = R.size(-1);
      CT_CHECK(mode != QrMode::complete || m <= n, "linalg_qr: The QR decomposition is not differentiable when mode='complete' and nrows > ncols");
      if (!gQ.defined() && !gR.defined()) return Tensor();
      if (m >= n) return qr_square_vjp(gQ, gR, Q, R);
      // A = [A1 A2] with A1 = Q R1 square and R2 = Q^T A2, whose gradients are added to those of Q and A2.
      const Tensor R1 = R.narrow(-1, 0, m), R2 = R.narrow(-1, m, n - m);
      if (!gR.defined()) return cat({qr_square_vjp(gQ, Tensor(), Q, R1), zeros_like(R2)}, -1);
      const Tensor gR2 = gR.narrow(-1, m, n - m);
      const Tensor more = matmul(matmul(Q, R2), gR2.mT());
      return cat({qr_square_vjp(gQ.defined() ? gQ + more : more, gR.narrow(-1, 0, m), Q, R1), matmul(Q, gR2)}, -1);
    },
    .batch_multi = factors_each,
    .save = {Y(0) | Y(1)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {4, 2}, {2, 4}, {2, 4, 3}}) call({call.uniform(sizes)}, QrAttrs{QrMode::reduced});
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {2, 4}}) call({call.uniform(sizes)}, QrAttrs{QrMode::complete});
    },
};

// ---- symmetric eigenvalues ---------------------------------------------------------------------------------------

constexpr Op eigh_op{  // x y1 = y1 diag(y0), reading one triangle of x
    .name = "linalg_eigh",
    .node = "LinalgEighBackward0",
    .formula = "dx = y1 (diag(g0) + skew(y1^T g1) / 2E) y1^T, E_ij = y0_j - y0_i",
    .forward_multi = [](const Call& c) {
      const Tensor& A = c.x(0);
      const auto& at = c.attrs<EighAttrs>();
      const char* name = at.vectors ? "linalg.eigh" : "linalg.eigvalsh";
      const Matrices s = matrices(A);
      const Tensor V = copy_columns(A), L = empty_like_dtype(A.scalar_type(), batch_with(A, {s.n}));
      check_finite(name, V);
      std::vector<int> infos(static_cast<std::size_t>(s.batch));
      on_dtype(A, [&]<class T>(T) {
        const auto& lapack = need_lapack<T>(name);
        each_matrix(s.batch, [&](std::int64_t i) {
          const int n = static_cast<int>(s.n), ld = std::max(1, n), query = -1;
          T *a = data<T>(V) + i * s.numel(), *w = data<T>(L) + i * s.n;
          int& info = infos[static_cast<std::size_t>(i)];
          int isize = 0;
          T size = 0;
          auto run = [&](T* work, const int* lwork, int* iwork, const int* liwork) {
            lapack.syevd(at.vectors ? "V" : "N", at.upper ? "U" : "L", &n, a, &ld, w, work, lwork, iwork, liwork, &info, 1, 1);
          };
          run(&size, &query, &isize, &query);
          const int lwork = std::max(1, static_cast<int>(size)), liwork = std::max(1, isize);
          std::vector<T> work(static_cast<std::size_t>(lwork));
          std::vector<int> iwork(static_cast<std::size_t>(liwork));
          run(work.data(), &lwork, iwork.data(), &liwork);
        });
      });
      check_converged(name, A, infos, "eigenvalues");
      return std::vector<Tensor>{L, at.vectors ? V : empty_like_dtype(A.scalar_type(), {0})};
    },
    .vjp = [](const Tensor&, const Saved& s, int) {
      const Tensor &gL = s.g(0), &gV = s.g(1), &L = s.y(0), &V = s.y(1);
      if (!gL.defined() && !gV.defined()) return Tensor();
      if (!gV.defined()) return matmul(V * gL.unsqueeze(-2), V.mT());
      const Tensor inner = with_diagonal(skew(matmul(V.mT(), gV)) / (2 * gaps(L)), gL.defined() ? gL : zeros_like(L));
      return matmul(V, matmul(inner, V.mT()));
    },
    .batch_multi = factors_each,
    .save = {Y(0) | Y(1)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (bool upper : {false, true})
        for (auto sizes : {std::vector<std::int64_t>{3, 3}, {1, 1}, {2, 4, 4}, {0, 0}}) {
          const Tensor x = call.uniform(sizes, -0.3, 0.3) + diag(arange(sizes.back(), kDouble));
          call({x + x.mT()}, EighAttrs{upper, true});
        }
    },
};

// ---- general eigenvalues, as far as they are real ------------------------------------------------------------------

constexpr Op eig_op{  // x y1 = y1 diag(y0)
    .name = "linalg_eig",
    .node = "LinalgEigBackward0",
    .formula = "dx = y1^-T (diag(g0) + (y1^T g1 - y1^T y1 diag(y1^T g1)) / E) y1^T, E_ij = y0_j - y0_i",
    .forward_multi = [](const Call& c) {
      const Tensor& A = c.x(0);
      const Matrices s = matrices(A);
      const Tensor a = copy_columns(A), L = empty_like_dtype(A.scalar_type(), batch_with(A, {s.n})), V = empty_columns(A.scalar_type(), A.sizes());
      check_finite("linalg.eig", a);
      std::vector<int> infos(static_cast<std::size_t>(s.batch));
      double re = 0, im = 0;
      on_dtype(A, [&]<class T>(T) {
        const auto& lapack = need_lapack<T>("linalg.eig");
        std::vector<T> imaginary(static_cast<std::size_t>(s.batch * s.n));
        each_matrix(s.batch, [&](std::int64_t i) {
          const int n = static_cast<int>(s.n), ld = std::max(1, n);
          T unused;
          with_workspace<T>([&](T* work, const int* size) {
            lapack.geev("N", "V", &n, data<T>(a) + i * s.numel(), &ld, data<T>(L) + i * s.n, imaginary.data() + i * s.n, &unused, &ld,
                        data<T>(V) + i * s.numel(), &ld, work, size, &infos[static_cast<std::size_t>(i)], 1, 1);
          });
        });
        for (std::size_t i = 0; i < imaginary.size() && im == 0; ++i) re = data<T>(L)[i], im = imaginary[i];
      });
      check_converged("linalg.eig", A, infos, "eigenvalues");
      if (im != 0)
        CT_THROW(not_implemented, "linalg.eig: the matrix has the complex eigenvalues ", re, " +/- ", std::abs(im), "i, and this library has no complex dtypes"
                 "\n  Only matrices whose eigenvalues are all real are supported; for symmetric ones use linalg_eigh.");
      return std::vector<Tensor>{L, V};
    },
    .vjp = [](const Tensor&, const Saved& s, int) {
      const Tensor &gL = s.g(0), &gV = s.g(1), &L = s.y(0), &V = s.y(1);
      if (!gL.defined() && !gV.defined()) return Tensor();
      const Tensor Vt = V.mT();
      if (!gV.defined()) return solve(Vt, gL.unsqueeze(-1) * Vt, true, false, false);
      const Tensor VtgV = matmul(Vt, gV);
      // The columns of V have length 1: what gV asks for along them has no effect.
      Tensor inner = VtgV - matmul(Vt, V * VtgV.diagonal(0, -2, -1).unsqueeze(-2));
      inner = with_diagonal(inner / gaps(L), gL.defined() ? gL : zeros_like(L));
      return solve(Vt, matmul(inner, Vt), true, false, false);
    },
    .batch_multi = factors_each,
    .save = {Y(0) | Y(1)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {1, 1}, {2, 3, 3}})
        call({call.uniform(sizes, -0.2, 0.2) + diag(arange(sizes.back(), 0, -1, kDouble))});
    },
};

// ---- singular values ------------------------------------------------------------------------------------------------

std::vector<Tensor> svd_forward(const Call& c) {
  const Tensor& A = c.x(0);
  const auto& at = c.attrs<SvdAttrs>();
  const char* name = at.vectors ? "linalg.svd" : "linalg.svdvals";
  const Matrices s = matrices(A);
  const std::int64_t k = std::min(s.m, s.n), u_columns = at.full ? s.m : k, v_rows = at.full ? s.n : k;
  const ScalarType t = A.scalar_type();
  const Tensor a = copy_columns(A), S = empty_like_dtype(t, batch_with(A, {k}));
  const Tensor U = at.vectors ? empty_columns(t, batch_with(A, {s.m, u_columns})) : empty_like_dtype(t, {0});
  const Tensor Vh = at.vectors ? empty_columns(t, batch_with(A, {v_rows, s.n})) : empty_like_dtype(t, {0});
  check_finite(name, a);
  if (k == 0 && at.vectors) {  // nothing to decompose: any orthogonal matrix will do
    U.copy_(eye(s.m, u_columns, t).expand(U.sizes()));
    Vh.copy_(eye(v_rows, s.n, t).expand(Vh.sizes()));
  }
  if (k == 0) return {U, S, Vh};
  std::vector<int> infos(static_cast<std::size_t>(s.batch));
  on_dtype(A, [&]<class T>(T) {
    const auto& lapack = need_lapack<T>(name);
    each_matrix(s.batch, [&](std::int64_t i) {
      const int m = static_cast<int>(s.m), n = static_cast<int>(s.n), ldv = at.vectors ? static_cast<int>(v_rows) : 1;
      std::vector<int> iwork(static_cast<std::size_t>(8 * k));
      with_workspace<T>([&](T* work, const int* size) {
        lapack.gesdd(!at.vectors ? "N" : at.full ? "A" : "S", &m, &n, data<T>(a) + i * s.numel(), &m, data<T>(S) + i * k,
                     data<T>(U) + (at.vectors ? i * s.m * u_columns : 0), &m, data<T>(Vh) + (at.vectors ? i * v_rows * s.n : 0), &ldv, work, size,
                     iwork.data(), &infos[static_cast<std::size_t>(i)], 1);
      });
    });
  });
  check_converged(name, A, infos, "singular values");
  return {U, S, Vh};
}

constexpr Op svd_op{  // x = y0 diag(y1) y2
    .name = "linalg_svd",
    .node = "LinalgSvdBackward0",
    .formula = "dx = U [(skew(U^T gU) / E) S + S (skew(V^T gV) / E) + diag(gS)] V^T + (1 - U U^T) gU S^-1 V^T + U S^-1 gV^T (1 - V V^T), "
               "E_ij = S_j^2 - S_i^2",
    .forward_multi = svd_forward,
    .vjp = [](const Tensor&, const Saved& s, int) {
      const Tensor& S = s.y(1);
      const std::int64_t k = S.size(-1), m = s.y(0).size(-2), n = s.y(2).size(-1);
      // Of full_matrices, only the first k vectors are functions of x.
      auto columns = [k](const Tensor& x) { return x.defined() ? x.narrow(-1, 0, k) : x; };
      auto rows = [k](const Tensor& x) { return x.defined() ? x.narrow(-2, 0, k) : x; };
      const Tensor U = columns(s.y(0)), Vh = rows(s.y(2)), gU = columns(s.g(0)), gVh = rows(s.g(2));
      const Tensor& gS = s.g(1);
      if (!gU.defined() && !gVh.defined()) {
        if (!gS.defined()) return Tensor();
        return m >= n ? matmul(U, gS.unsqueeze(-1) * Vh) : matmul(U * gS.unsqueeze(-2), Vh);
      }
      const Tensor E = gaps(S * S);
      Tensor inner, gA;
      if (gU.defined()) inner = skew(matmul(U.mT(), gU)) / E * S.unsqueeze(-2);
      if (gVh.defined()) {
        const Tensor t = S.unsqueeze(-1) * (skew(matmul(Vh, gVh.mT())) / E);
        inner = inner.defined() ? inner + t : t;
      }
      if (gS.defined()) inner = inner + diag_embed(gS);
      if (m > k && gU.defined()) {
        const Tensor gUs = gU / S.unsqueeze(-2);
        gA = matmul(matmul(U, inner) + gUs - matmul(U, matmul(U.mT(), gUs)), Vh);
      } else {
        gA = matmul(matmul(U, inner), Vh);
      }
      if (n > k && gVh.defined()) {
        const Tensor gVs = gVh / S.unsqueeze(-1);
        gA = gA + matmul(U, gVs - matmul(matmul(gVs, Vh.mT()), Vh));
      }
      return gA;
    },
    .batch_multi = factors_each,
    .save = {Y(0) | Y(1) | Y(2)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {4, 2}, {2, 4}, {1, 1}, {2, 4, 3}}) call({call.uniform(sizes)}, SvdAttrs{false, true});
    },
};

QrMode parse_qr_mode(std::string_view mode) {
  if (mode == "reduced") return QrMode::reduced;
  if (mode == "complete") return QrMode::complete;
  CT_CHECK_VALUE(mode == "r", "qr received unrecognized mode '", mode, "' but expected one of 'reduced' (default), 'r', or 'complete'");
  return QrMode::r;
}

bool parse_upper(const char* op, std::string_view UPLO) {
  const bool upper = UPLO == "U" || UPLO == "u";
  CT_CHECK_VALUE(upper || UPLO == "L" || UPLO == "l", op, ": Expected UPLO argument to be 'L' or 'U', but got ", UPLO);
  return upper;
}

// Whether vectors must be computed beside values, for their gradient.
bool recording(const Tensor& A) { return (thread_state.grad_mode && tracks(A)) || is_layered(A); }

}  // namespace

std::span<const Op* const> linalg_factor_ops() {
  static constexpr const Op* ops[] = {&qr_op, &eigh_op, &eig_op, &svd_op};
  return ops;
}

std::tuple<Tensor, Tensor> linalg_qr(const Tensor& A, std::string_view mode) {
  const QrAttrs at{parse_qr_mode(mode)};
  check_matrix("linalg.qr", A);
  auto y = apply_multi(qr_op, at, A);
  return {y[0], y[1]};
}

std::tuple<Tensor, Tensor> linalg_eigh(const Tensor& self, std::string_view UPLO) {
  const bool upper = parse_upper("linalg.eigh", UPLO);
  check_square("linalg.eigh", self);
  auto y = apply_multi(eigh_op, EighAttrs{upper, true}, self);
  return {y[0], y[1]};
}
Tensor linalg_eigvalsh(const Tensor& self, std::string_view UPLO) {
  const bool upper = parse_upper("linalg.eigvalsh", UPLO);
  check_square("linalg.eigvalsh", self);
  return apply_multi(eigh_op, EighAttrs{upper, recording(self)}, self)[0];
}

std::tuple<Tensor, Tensor> linalg_eig(const Tensor& self) {
  check_square("linalg.eig", self);
  auto y = apply_multi(eig_op, NoAttrs{}, self);
  return {y[0], y[1]};
}
Tensor linalg_eigvals(const Tensor& self) { return std::get<0>(linalg_eig(self)); }

std::tuple<Tensor, Tensor, Tensor> linalg_svd(const Tensor& A, bool full_matrices) {
  check_matrix("linalg.svd", A);
  auto y = apply_multi(svd_op, SvdAttrs{full_matrices, true}, A);
  return {y[0], y[1], y[2]};
}
Tensor linalg_svdvals(const Tensor& A) {
  check_matrix("linalg.svdvals", A);
  return apply_multi(svd_op, SvdAttrs{false, recording(A)}, A)[1];
}

}  // namespace ct
