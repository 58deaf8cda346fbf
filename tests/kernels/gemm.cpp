// tests/kernels/gemm.cpp -- products against the textbook's three loops, on both sides of the choice for BLAS.
#include "kernels/gemm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "cotangent/threads.h"
#include "op_samples.h"

namespace {

template <class T>
std::vector<T> random_matrix(op_samples::Random& random, std::int64_t n) {
  std::vector<T> v(static_cast<std::size_t>(n));
  for (T& x : v) x = static_cast<T>(random.uniform(-2, 2));
  return v;
}

template <class T>
void check(std::int64_t m, std::int64_t n, std::int64_t k, bool trans_a, bool trans_b, T alpha, T beta, std::int64_t gap) {
  op_samples::Random random(static_cast<std::uint64_t>(m * 10007 + n * 101 + k));
  const std::int64_t lda = (trans_a ? m : k) + gap, ldb = (trans_b ? k : n) + gap, ldc = n + gap;
  const auto a = random_matrix<T>(random, std::max<std::int64_t>(1, m * k + (m + k) * (gap + 1)) + lda * (trans_a ? k : m));
  const auto b = random_matrix<T>(random, std::max<std::int64_t>(1, ldb * (trans_b ? n : k)));
  auto c = random_matrix<T>(random, std::max<std::int64_t>(1, m * ldc));
  auto expected = c;
  ct::kernels::Gemm<T> p{m, n, k, alpha, a.data(), trans_a ? 1 : lda, trans_a ? lda : 1, b.data(), trans_b ? 1 : ldb, trans_b ? ldb : 1, beta, c.data(), ldc};
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l) sum += static_cast<double>(a[static_cast<std::size_t>(i * p.a_row + l * p.a_col)]) * static_cast<double>(b[static_cast<std::size_t>(l * p.b_row + j * p.b_col)]);
      T& e = expected[static_cast<std::size_t>(i * ldc + j)];
      e = static_cast<T>(static_cast<double>(alpha) * sum + (beta == T(0) ? 0.0 : static_cast<double>(beta) * static_cast<double>(e)));
    }
  ct::kernels::gemm(p);
  const double tolerance = (sizeof(T) == 4 ? 2e-6 : 1e-14) * static_cast<double>(k + 1) * 4;
  double worst = 0;
  for (std::size_t i = 0; i < c.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(c[i]) - static_cast<double>(expected[i])));
  INFO(m, " x ", n, " x ", k, ", A^T: ", trans_a, ", B^T: ", trans_b);
  CHECK(worst <= tolerance);
}

}  // namespace

TEST_CASE_TEMPLATE("gemm of every small shape, transposed or with gaps between rows", T, float, double) {
  for (std::int64_t m : {1, 2, 3, 4, 5, 9})
    for (std::int64_t n : {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33})
      for (std::int64_t k : {0, 1, 2, 7, 300})
        for (int t = 0; t < 4; ++t) check<T>(m, n, k, t & 1, t & 2, T(1.5), t % 2 ? T(0) : T(-0.5), t);
}

TEST_CASE_TEMPLATE("gemm of large shapes", T, float, double) {
  for (int t = 0; t < 4; ++t) {
    check<T>(65, 70, 80, t & 1, t & 2, T(1), T(0), 0);
    check<T>(130, 33, 270, t & 1, t & 2, T(2), T(1), 3);
  }
}

TEST_CASE("the number of threads does not change a product") {
  op_samples::Random random(1);
  const std::int64_t batch = 37, n = 24;
  const auto a = random_matrix<float>(random, batch * n * n), b = random_matrix<float>(random, batch * n * n);
  const int threads = ct::get_num_threads();
  std::vector<float> c[2];
  for (int t = 0; t < 2; ++t) {
    ct::set_num_threads(t ? 4 : 1);
    c[t].resize(static_cast<std::size_t>(batch * n * n));
    ct::kernels::batched_gemm(ct::kernels::Gemm<float>{n, n, n, 1, a.data(), n, 1, b.data(), n, 1, 0, c[t].data(), n}, batch, n * n, n * n, n * n);
  }
  ct::set_num_threads(threads);
  CHECK(c[0] == c[1]);
  float single[2];
  for (int t = 0; t < 2; ++t) {
    ct::set_num_threads(t ? 4 : 1);
    std::vector<float> x(300000, 0.1f);
    single[t] = ct::kernels::dot<float>(300000, x.data(), 1, x.data(), 1);
  }
  ct::set_num_threads(threads);
  CHECK(single[0] == single[1]);
}

TEST_CASE("integers wrap around") {
  const std::int8_t a[] = {100, 100}, b[] = {2, 1};
  std::int8_t c = 1;
  ct::kernels::gemm(ct::kernels::Gemm<std::int8_t>{1, 1, 2, 1, a, 2, 1, b, 1, 1, 1, &c, 1});
  CHECK(c == static_cast<std::int8_t>(301));
}
