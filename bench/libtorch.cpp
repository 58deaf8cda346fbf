// libtorch.cpp -- libtorch's side of the rows.
#include "bench.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"

namespace bench {

namespace {

double scalar_chain_backward(int) {
  auto x = torch::tensor(1.0, torch::requires_grad());
  auto a = torch::tensor(1.0001), b = torch::tensor(0.5);
  return 1e9 / chain_length * time_per_call([&] {
    torch::Tensor h = x;
    for (int i = 0; i < chain_length / 2; ++i) {
      h = h * a;
      h = h + b;
    }
    h.backward();
    x.mutable_grad().reset();
  });
}
double scalar_chain_no_grad(int) {
  torch::NoGradGuard no_grad;
  auto x = torch::tensor(1.0), a = torch::tensor(1.0001), b = torch::tensor(0.5);
  return 1e9 / chain_length * time_per_call([&] {
    torch::Tensor h = x;
    for (int i = 0; i < chain_length / 2; ++i) {
      h = h * a;
      h = h + b;
    }
  });
}
double tracked_scalar_op(int) {
  auto x = torch::tensor({1.0}, torch::requires_grad());
  auto a = torch::tensor({1.0001});
  return 1e9 * time_per_call([&] { torch::Tensor y = x * a; });
}
double gigabytes(double arrays, double seconds) { return arrays * 4 * static_cast<double>(large) / seconds / 1e9; }
double add_16m(int threads) {
  use_threads(threads);
  torch::NoGradGuard no_grad;
  auto a = torch::ones({large}), b = torch::ones({large});
  return gigabytes(3, time_per_call([&] { torch::Tensor c = a + b; }));
}
double exp_16m(int threads) {
  use_threads(threads);
  torch::NoGradGuard no_grad;
  auto a = torch::ones({large});
  return gigabytes(2, time_per_call([&] { torch::Tensor c = a.exp(); }));
}
double sum_16m(int threads) {
  use_threads(threads);
  torch::NoGradGuard no_grad;
  auto a = torch::ones({large});
  return gigabytes(1, time_per_call([&] { torch::Tensor c = a.sum(); }));
}
double mm_1024(int threads) {
  use_threads(threads);
  torch::NoGradGuard no_grad;
  auto a = torch::ones({1024, 1024}), b = torch::ones({1024, 1024});
  return 2.0 * 1024 * 1024 * 1024 / 1e9 / time_per_call([&] { torch::Tensor c = a.mm(b); });
}
double bytes_per_scalar_op(int) {
  auto x = torch::tensor(1.0, torch::requires_grad());
  auto a = torch::tensor(1.0001);
  constexpr long n = 1000000;
  auto build = [&] {
    std::vector<torch::Tensor> kept;
    kept.reserve(n);
    const double before = resident_mb();
    torch::Tensor h = x;
    for (long i = 0; i < n; ++i) kept.push_back(h = h * a);
    return (resident_mb() - before) * 1e6 / n - static_cast<double>(sizeof(torch::Tensor));
  };
  static const double first = build();
  return first;
}
double compile_hello(int) { return libtorch_hello().compile_seconds; }
double start_hello(int) { return libtorch_hello().start_ms; }
double rss_hello(int) { return libtorch_hello().rss_mb; }
double install_size(int) { return libtorch_hello().library_mb; }

}  // namespace

Libtorch libtorch_measures() {
  return {scalar_chain_backward, scalar_chain_no_grad, tracked_scalar_op, add_16m, exp_16m, sum_16m, mm_1024, compile_hello, start_hello, rss_hello,
          install_size, bytes_per_scalar_op};
}

}  // namespace bench

#else

namespace bench {
Libtorch libtorch_measures() { return {}; }
}  // namespace bench

#endif
