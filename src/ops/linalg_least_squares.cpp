// ops/linalg_least_squares.cpp -- pseudo-inverse, least squares, rank and condition.
//
// The derivative of the pseudo-inverse is that of Golub & Pereyra (1973).
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/linalg_lapack.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using namespace detail;

namespace {

double epsilon(const Tensor& A) {
  return A.scalar_type() == kFloat ? static_cast<double>(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
}
double default_rtol(const Tensor& A) { return epsilon(A) * static_cast<double>(std::max(A.size(-1), A.size(-2))); }

// 1/s for the singular values above rtol times the largest one, 0 for the others.
Tensor inverted(const Tensor& S, double rtol) {
  Tensor out = empty_like_dtype(S.scalar_type(), S.sizes());
  const std::int64_t k = S.size(-1);
  on_dtype(S, [&]<class T>(T) {
    const T* s = data<T>(S);
    T* y = data<T>(out);
    for (std::int64_t i = 0; i < S.numel(); ++i) y[i] = s[i] > static_cast<T>(rtol) * s[i / k * k] ? 1 / s[i] : T(0);
  });
  return out;
}

// The gradient of x from that of its pseudo-inverse y; the smaller products come first.
Tensor pinv_vjp(const Tensor& g, const Tensor& y, const Tensor& x) {
  const Tensor yt = y.mT(), gt = g.mT();
  if (x.size(-2) <= x.size(-1)) {
    const Tensor K = matmul(gt, y), Kyt = matmul(K, yt);  // [m, m], [m, n]
    return -matmul(y, K).mT() + Kyt - matmul(matmul(x, y), Kyt) + matmul(matmul(yt, y), gt - matmul(K, x));
  }
  const Tensor K = matmul(y, gt), ytK = matmul(yt, K);  // [n, n], [m, n]
  return -matmul(K, y).mT() + matmul(matmul(gt - matmul(x, K), y), yt) + ytK - matmul(matmul(ytK, y), x);
}

constexpr Op pinv_op{
    .name = "linalg_pinv",
    .node = "LinalgPinvBackward0",
    .formula = "dx = -y^T g y^T + ((1 - y x) g y y^T)^T + (y^T y g (1 - x y))^T, of the transposed g",
    .forward = [](const Call& c) {
      const Tensor& A = c.x(0);
      if (A.numel() == 0) return zeros(batch_with(A, {A.size(-1), A.size(-2)}), A.options());
      const auto [U, S, Vh] = linalg_svd(A, false);
      return matmul(Vh.mT() * inverted(S, c.attrs<PinvAttrs>().rtol).unsqueeze(-2), U.mT());
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return pinv_vjp(g, s.y(), s.x(0)); },
    .batch = detail::as_it_is,
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {4, 2}, {2, 4}, {2, 4, 3}}) call({call.uniform(sizes)}, PinvAttrs{1e-14});
    },
};

// solution and rank, by LAPACK's gelsy as in PyTorch
std::vector<Tensor> lstsq_forward(const Call& c) {
  const auto& at = c.attrs<LstsqAttrs>();
  const Tensor& A = c.x(0);
  const Tensor B = at.vector ? c.x(1).unsqueeze(-1) : c.x(1);
  const Dims batch = batch_shape("linalg.lstsq", A.sizes().slice(0, A.sizes().size() - 2), B.sizes().slice(0, B.sizes().size() - 2));
  const std::int64_t m = A.size(-2), n = A.size(-1), k = B.size(-1), rows = std::max(m, n);
  const ScalarType t = A.scalar_type();
  const Tensor a = copy_columns(A.expand(joined(batch, {m, n}))), x = empty_columns(t, joined(batch, {rows, k}));
  x.zero_();
  x.narrow(-2, 0, m).copy_(B);
  const Tensor rank = empty_like_dtype(kLong, batch);
  const Matrices s = matrices(a);
  if (s.numel() == 0 || k == 0) {
    rank.zero_();
  } else {
    on_dtype(A, [&]<class T>(T) {
      const auto& lapack = need_lapack<T>("linalg.lstsq");
      each_matrix(s.batch, [&](std::int64_t i) {
        const int im = static_cast<int>(m), in = static_cast<int>(n), ik = static_cast<int>(k), ldb = static_cast<int>(rows);
        std::vector<int> pivots(static_cast<std::size_t>(n));
        const T rcond = static_cast<T>(at.rcond);
        int info, r = 0;
        with_workspace<T>([&](T* work, const int* size) {
          lapack.gelsy(&im, &in, &ik, data<T>(a) + i * s.numel(), &im, data<T>(x) + i * rows * k, &ldb, pivots.data(), &rcond, &r, work, size, &info);
        });
        data<std::int64_t>(rank)[i] = r;
      });
    });
  }
  const Tensor solution = x.narrow(-2, 0, n);
  return {(at.vector ? solution.squeeze(-1) : solution).clone(), rank};
}

constexpr Op lstsq_op{  // y minimises |x0 y - x1|
    .name = "linalg_lstsq",
    .node = "LinalgLstsqBackward0",
    .formula = "dx1 = x0^+T g; dx0 = the gradient of x0^+ for g x1^T",
    .forward_multi = lstsq_forward,
    .vjp = [](const Tensor&, const Saved& s, int arg) {
      if (!s.g(0).defined()) return Tensor();
      const auto& at = s.attrs<LstsqAttrs>();
      const Tensor g = at.vector ? s.g(0).unsqueeze(-1) : s.g(0);
      const Tensor pinv = linalg_pinv(s.x(0));
      if (arg == 0) return pinv_vjp(matmul(g, (at.vector ? s.x(1).unsqueeze(-1) : s.x(1)).mT()), pinv, s.x(0));
      const Tensor gB = matmul(pinv.mT(), g);
      return at.vector ? gB.squeeze(-1) : gB;
    },
    .batch_multi = [](const Batch& b) {
      const auto& at = b.attrs<LstsqAttrs>();
      const std::int64_t more = std::max(b.dim(0) - 2, b.dim(1) - (at.vector ? 1 : 2));
      return apply_multi(b.op, at, broadcastable(b, 0, 2 + more), broadcastable(b, 1, (at.vector ? 1 : 2) + more));
    },
    .save = {X(0) | X(1), X(0)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      call({call.uniform({4, 2}), call.uniform({4, 3})}, LstsqAttrs{1e-14, false});
      call({call.uniform({3, 3}) + 2 * eye(3, kDouble), call.uniform({3})}, LstsqAttrs{1e-14, true});
      call({call.uniform({2, 4}), call.uniform({2, 3})}, LstsqAttrs{1e-14, false});
      call({call.uniform({2, 5, 2}), call.uniform({2, 5})}, LstsqAttrs{1e-14, true});
    },
};

}  // namespace

std::span<const Op* const> linalg_least_squares_ops() {
  static constexpr const Op* ops[] = {&pinv_op, &lstsq_op};
  return ops;
}

Tensor linalg_pinv(const Tensor& self, std::optional<double> rcond) {
  check_matrix("linalg.pinv", self);
  return apply_with(pinv_op, PinvAttrs{rcond.value_or(default_rtol(self))}, self);
}
Tensor pinverse(const Tensor& self, double rcond) { return linalg_pinv(self, rcond); }

std::tuple<Tensor, Tensor, Tensor, Tensor> linalg_lstsq(const Tensor& self, const Tensor& b, std::optional<double> rcond) {
  check_matrix("linalg.lstsq", self);
  CT_CHECK(b.defined() && b.dim() >= 1, "linalg.lstsq: other must have at least 1 dimension");
  CT_CHECK_TYPE(self.scalar_type() == b.scalar_type(), "linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype ",
                self.scalar_type(), " and other's dtype ", b.scalar_type());
  const bool vector = is_vector_of(self, b);
  const std::int64_t rows = b.size(vector ? -1 : -2);
  CT_CHECK(rows == self.size(-2), "linalg.lstsq: input.size(-2) should match other.size(", vector ? -1 : -2, "), got ", self.size(-2), " and ", rows);
  auto y = apply_multi(lstsq_op, LstsqAttrs{rcond.value_or(default_rtol(self)), vector}, self, b);
  // Squared residuals of each column if the system is overdetermined and every matrix has full rank. gelsy computes no
  // singular values.
  bool full = self.size(-2) > self.size(-1);
  full = full && !any_nonzero(ne(y[1], self.size(-1)));
  Tensor residuals = empty_like_dtype(self.scalar_type(), {0});
  if (full) {
    auto columns = [vector](const Tensor& x) { return vector ? x.detach().unsqueeze(-1) : x.detach(); };
    residuals = square(matmul(self.detach(), columns(y[0])) - columns(b)).sum(IntArrayRef(std::int64_t{-2}));
  }
  return {y[0], residuals, y[1], empty_like_dtype(self.scalar_type(), {0})};
}

Tensor linalg_matrix_rank(const Tensor& self, std::optional<double> atol, std::optional<double> rtol, bool hermitian) {
  check_matrix("linalg.matrix_rank", self);
  const Tensor A = self.detach();
  if (A.numel() == 0) return zeros(batch_with(A, {}), kLong);
  const Tensor S = hermitian ? linalg_eigvalsh(A).abs() : linalg_svdvals(A);
  const double relative = rtol.value_or(atol.value_or(0) > 0 ? 0 : default_rtol(A)), absolute = atol.value_or(0);
  const Tensor limit = (S.amax({-1}, true) * relative).clamp_min(absolute);
  return S.gt(limit).sum(IntArrayRef{-1});
}

Tensor linalg_cond(const Tensor& self, const std::optional<Scalar>& p) {
  check_matrix("linalg.cond", self);
  const double order = p ? p->toDouble() : 2;
  if (std::abs(order) == 2) {
    if (self.numel() == 0) return zeros(batch_with(self, {}), self.options());
    const Tensor S = linalg_svdvals(self);
    const Tensor largest = S.select(-1, 0), smallest = S.select(-1, -1);
    return order > 0 ? largest / smallest : smallest / largest;
  }
  check_square("linalg.cond", self);
  if (self.numel() == 0) return zeros(batch_with(self, {}), self.options());
  const std::int64_t dims[] = {-2, -1};
  return linalg_norm(self, p, IntArrayRef(dims)) * linalg_norm(inv_or_infinity(self), p, IntArrayRef(dims));
}

}  // namespace ct
