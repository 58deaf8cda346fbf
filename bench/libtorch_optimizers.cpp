// libtorch_optimizers.cpp -- the same rows in libtorch.
#include "optimizers.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"

namespace bench {

namespace {

using torch::Tensor;

double adam_1000x1000(int threads) {
  use_threads(threads);
  std::vector<Tensor> params;
  for (int i = 0; i < 1000; ++i) {
    params.push_back(torch::ones({1000}).requires_grad_());
    params.back().mutable_grad() = torch::ones({1000});
  }
  torch::optim::Adam opt(params);
  return 1e6 * time_per_call([&] { opt.step(); });
}

double mlp_tiny_adam(int threads) {
  use_threads(threads);
  const Tensor w1 = torch::full({2, 16}, 0.1).requires_grad_(), b1 = torch::zeros({16}).requires_grad_();
  const Tensor w2 = torch::full({16, 1}, 0.1).requires_grad_(), b2 = torch::zeros({1}).requires_grad_();
  const Tensor x = torch::full({32, 2}, 0.5), y = torch::full({32, 1}, 0.3);
  torch::optim::Adam opt(std::vector<Tensor>{w1, b1, w2, b2});
  return 1e6 * time_per_call([&] {
    opt.zero_grad();
    tiny_loss(w1, b1, w2, b2, x, y).backward();
    opt.step();
  });
}

}  // namespace

LibtorchOptimizers libtorch_optimizers() { return {adam_1000x1000, mlp_tiny_adam}; }

}  // namespace bench
#else
namespace bench {
LibtorchOptimizers libtorch_optimizers() { return {}; }
}  // namespace bench
#endif
