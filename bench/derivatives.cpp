// derivatives.cpp -- our side of the rows about Jacobians, Hessians, per-sample gradients and repeated differentiation.
#include "derivatives.h"

#include <cotangent/cotangent.h>
#include <cotangent/func.h>

namespace bench {

namespace {

namespace func = ct::func;
using ct::Tensor;

template <bool forward>
double jacobian_64(int threads) {
  ct::set_num_threads(threads);
  const Tensor a = ct::full({64, 64}, 0.01), b = ct::full({64}, 0.1), x = ct::full({64}, 0.5);
  const auto f = [&](const Tensor& v) { return ct::tanh(a.mv(v) + b); };
  return 1e6 * time_per_call([&] {
    if constexpr (forward) func::jacfwd(f)(x);
    else func::jacrev(f)(x);
  });
}

double hessian_rosenbrock_50(int threads) {
  ct::set_num_threads(threads);
  const Tensor x = ct::full({50}, 0.5);
  return 1e6 * time_per_call([&] { func::hessian(rosenbrock<Tensor>)(x); });
}

double per_sample_grads(int threads) {
  ct::set_num_threads(threads);
  const Tensor w1 = ct::full({32, 20}, 0.05), b1 = ct::full({32}, 0.1), w2 = ct::full({1, 32}, 0.05), b2 = ct::full({1}, 0.1);
  const Tensor x = ct::full({128, 20}, 0.5), y = ct::full({128, 1}, 0.3);
  const auto per_sample = func::vmap(func::grad(network_loss<Tensor>, func::argnums<0, 1, 2, 3>),
                                     {std::nullopt, std::nullopt, std::nullopt, std::nullopt, 0, 0});
  return 1e6 * time_per_call([&] { per_sample(w1, b1, w2, b2, x, y); });
}

double double_backward_50(int) {
  const Tensor x = ct::tensor(0.7, ct::requires_grad()), a = ct::tensor(1.1);
  return 1e6 * time_per_call([&] {
    const Tensor y = fifty_operations(x, a);
    const Tensor first = ct::autograd::grad({y}, {x}, {}, true, true)[0];
    const Tensor second = ct::autograd::grad({first}, {x}, {}, true, true)[0];
  });
}

}  // namespace

std::vector<Row> derivative_rows() {
  const LibtorchDerivatives t = libtorch_derivatives();
  const std::vector<int> one{1};
  using enum Better;
  return {
      {"jacrev_64", "us", lower, one, jacobian_64<false>, t.jacobian_64},
      {"jacfwd_64", "us", lower, one, jacobian_64<true>, t.jacobian_64},
      {"hessian_rosenbrock_50", "us", lower, one, hessian_rosenbrock_50, t.hessian_rosenbrock_50},
      {"per_sample_grads", "us", lower, one, per_sample_grads, t.per_sample_grads},
      {"double_backward_50", "us", lower, one, double_backward_50, t.double_backward_50},
  };
}

}  // namespace bench
