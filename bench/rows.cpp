// rows.cpp -- our side of every row, and the table. The names are stable: other tools pick rows by them.
#include "rows.h"

#include <cotangent/cotangent.h>

#include "bare.h"
#include "checkpoint.h"
#include "convolution.h"
#include "derivatives.h"
#include "loaders.h"
#include "losses.h"
#include "pooling.h"
#include "optimizers.h"
#include "recurrent.h"
#include "training.h"

namespace bench {

namespace {

double scalar_chain_backward(int) {
  auto x = ct::tensor(1.0, ct::requires_grad());
  auto a = ct::tensor(1.0001), b = ct::tensor(0.5);
  return 1e9 / chain_length * time_per_call([&] {
    ct::Tensor h = x;
    for (int i = 0; i < chain_length / 2; ++i) {
      h = h * a;
      h = h + b;
    }
    h.backward();
    x.mutable_grad().reset();
  });
}

double scalar_chain_no_grad(int) {
  ct::NoGradGuard no_grad;
  auto x = ct::tensor(1.0), a = ct::tensor(1.0001), b = ct::tensor(0.5);
  return 1e9 / chain_length * time_per_call([&] {
    ct::Tensor h = x;
    for (int i = 0; i < chain_length / 2; ++i) {
      h = h * a;
      h = h + b;
    }
  });
}

double tracked_scalar_op(int) {
  auto x = ct::tensor({1.0}, ct::requires_grad());
  auto a = ct::tensor({1.0001});
  return 1e9 * time_per_call([&] { ct::Tensor y = x * a; });
}

double gigabytes(double arrays, double seconds) { return arrays * 4 * static_cast<double>(large) / seconds / 1e9; }

double add_16m(int threads) {
  ct::set_num_threads(threads);
  ct::NoGradGuard no_grad;
  auto a = ct::ones({large}), b = ct::ones({large});
  return gigabytes(3, time_per_call([&] { ct::Tensor c = a + b; }));
}
double exp_16m(int threads) {
  ct::set_num_threads(threads);
  ct::NoGradGuard no_grad;
  auto a = ct::ones({large});
  return gigabytes(2, time_per_call([&] { ct::Tensor c = a.exp(); }));
}
double sum_16m(int threads) {
  ct::set_num_threads(threads);
  ct::NoGradGuard no_grad;
  auto a = ct::ones({large});
  return gigabytes(1, time_per_call([&] { ct::Tensor c = a.sum(); }));
}
double mm_1024(int threads) {
  ct::set_num_threads(threads);
  ct::NoGradGuard no_grad;
  auto a = ct::ones({1024, 1024}), b = ct::ones({1024, 1024});
  return 2.0 * 1024 * 1024 * 1024 / 1e9 / time_per_call([&] { ct::Tensor c = a.mm(b); });
}

double bytes_per_scalar_op(int) {
  auto x = ct::tensor(1.0, ct::requires_grad());
  auto a = ct::tensor(1.0001);
  constexpr long n = 1000000;
  auto build = [&] {
    std::vector<ct::Tensor> kept;
    kept.reserve(n);
    const double before = resident_mb();
    ct::Tensor h = x;
    for (long i = 0; i < n; ++i) kept.push_back(h = h * a);
    // The vector's own pages are touched while it fills.
    return (resident_mb() - before) * 1e6 / n - static_cast<double>(sizeof(ct::Tensor));
  };
  static const double first = build();  // later calls would find the memory already mapped
  return first;
}

double compile_hello(int) { return ct_hello().compile_seconds; }
double start_hello(int) { return ct_hello().start_ms; }
double rss_hello(int) { return ct_hello().rss_mb; }
double install_size(int) { return ct_hello().library_mb; }

}  // namespace

std::vector<Row> rows() {
  const Libtorch t = libtorch_measures();
  const std::vector<int> one{1}, both{1, 2};
  using enum Better;
  std::vector<Row> all{
      {"scalar_chain_backward", "ns/op", lower, one, scalar_chain_backward, t.scalar_chain_backward},
      {"scalar_chain_no_grad", "ns/op", lower, one, scalar_chain_no_grad, t.scalar_chain_no_grad},
      {"tracked_scalar_op", "ns", lower, one, tracked_scalar_op, t.tracked_scalar_op},
      {"add_16m", "GB/s", higher, both, add_16m, t.add_16m},
      {"exp_16m", "GB/s", higher, both, exp_16m, t.exp_16m},
      {"sum_16m", "GB/s", higher, both, sum_16m, t.sum_16m},
      {"mm_1024", "GFLOP/s", higher, both, mm_1024, t.mm_1024},
      {"compile_hello", "s", lower, one, compile_hello, t.compile_hello, nullptr, 1},
      {"start_hello", "ms", lower, one, start_hello, t.start_hello, nullptr, 1},
      {"rss_hello", "MB", lower, one, rss_hello, t.rss_hello, nullptr, 1},
      {"install_size", "MB", lower, one, install_size, t.install_size, nullptr, 1},
      {"bytes_per_scalar_op", "bytes", lower, one, bytes_per_scalar_op, t.bytes_per_scalar_op, nullptr, 1},
      {"add_16m_bare", "GB/s", higher, one, add_16m, bare_add_16m, "a Highway loop into touched memory"},
      {"mm_1024_bare", "GFLOP/s", higher, both, mm_1024, bare_mm_1024(), "cblas_sgemm"},
  };
  for (const Row& r : derivative_rows()) all.push_back(r);
  for (const Row& r : loss_rows()) all.push_back(r);
  for (const Row& r : loader_rows()) all.push_back(r);
  for (const Row& r : convolution_rows()) all.push_back(r);
  for (const Row& r : pooling_rows()) all.push_back(r);
  for (const Row& r : optimizer_rows()) all.push_back(r);
  for (const Row& r : recurrent_rows()) all.push_back(r);
  for (const Row& r : training_rows()) all.push_back(r);
  for (const Row& r : checkpoint_rows()) all.push_back(r);
  return all;
}

}  // namespace bench
