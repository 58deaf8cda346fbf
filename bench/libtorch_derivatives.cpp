// libtorch_derivatives.cpp -- the same rows as loops of grad calls, which is all that libtorch's C++ interface offers.
#include "derivatives.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"

namespace bench {

namespace {

using torch::Tensor;

// One backward pass for each entry of y.
Tensor rows_of_jacobian(const Tensor& y, const Tensor& x) {
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < y.size(0); ++i) rows.push_back(torch::autograd::grad({y[i]}, {x}, {}, true)[0]);
  return torch::stack(rows);
}

double jacobian_64(int threads) {
  use_threads(threads);
  const Tensor a = torch::full({64, 64}, 0.01), b = torch::full({64}, 0.1), x = torch::full({64}, 0.5).requires_grad_();
  return 1e6 * time_per_call([&] { rows_of_jacobian(torch::tanh(a.mv(x) + b), x); });
}

double hessian_rosenbrock_50(int threads) {
  use_threads(threads);
  const Tensor x = torch::full({50}, 0.5).requires_grad_();
  return 1e6 * time_per_call([&] { rows_of_jacobian(torch::autograd::grad({rosenbrock(x)}, {x}, {}, true, true)[0], x); });
}

double per_sample_grads(int threads) {
  use_threads(threads);
  const Tensor w1 = torch::full({32, 20}, 0.05).requires_grad_(), b1 = torch::full({32}, 0.1).requires_grad_(),
               w2 = torch::full({1, 32}, 0.05).requires_grad_(), b2 = torch::full({1}, 0.1).requires_grad_();
  const Tensor x = torch::full({128, 20}, 0.5), y = torch::full({128, 1}, 0.3);
  return 1e6 * time_per_call([&] {
    std::vector<Tensor> each[4];
    for (std::int64_t i = 0; i < 128; ++i) {
      const auto g = torch::autograd::grad({network_loss(w1, b1, w2, b2, x[i], y[i])}, {w1, b1, w2, b2});
      for (int k = 0; k < 4; ++k) each[k].push_back(g[static_cast<std::size_t>(k)]);
    }
    for (const auto& g : each) torch::stack(g);
  });
}

double double_backward_50(int) {
  const Tensor x = torch::tensor(0.7, torch::requires_grad()), a = torch::tensor(1.1);
  return 1e6 * time_per_call([&] {
    const Tensor y = fifty_operations(x, a);
    const Tensor first = torch::autograd::grad({y}, {x}, {}, true, true)[0];
    const Tensor second = torch::autograd::grad({first}, {x}, {}, true, true)[0];
  });
}

}  // namespace

LibtorchDerivatives libtorch_derivatives() { return {jacobian_64, hessian_rosenbrock_50, per_sample_grads, double_backward_50}; }

}  // namespace bench

#else

namespace bench {
LibtorchDerivatives libtorch_derivatives() { return {}; }
}  // namespace bench

#endif
