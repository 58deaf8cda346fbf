// optimizers.cpp -- our side of the rows about optimizers.
#include "optimizers.h"

#include <cotangent/cotangent.h>
#include <cotangent/optim.h>

namespace bench {

namespace {

using ct::Tensor;

// One step for 1,000 tensors of 1,000 floats.
double adam_1000x1000(int threads) {
  ct::set_num_threads(threads);
  std::vector<Tensor> params;
  for (int i = 0; i < 1000; ++i) {
    params.push_back(ct::ones({1000}).requires_grad_());
    params.back().mutable_grad() = ct::ones({1000});
  }
  ct::optim::Adam opt(params);
  return 1e6 * time_per_call([&] { opt.step(); });
}

// A whole training step.
double mlp_tiny_adam(int threads) {
  ct::set_num_threads(threads);
  const Tensor w1 = ct::full({2, 16}, 0.1).requires_grad_(), b1 = ct::zeros({16}).requires_grad_();
  const Tensor w2 = ct::full({16, 1}, 0.1).requires_grad_(), b2 = ct::zeros({1}).requires_grad_();
  const Tensor x = ct::full({32, 2}, 0.5), y = ct::full({32, 1}, 0.3);
  ct::optim::Adam opt({w1, b1, w2, b2});
  return 1e6 * time_per_call([&] {
    opt.zero_grad();
    tiny_loss(w1, b1, w2, b2, x, y).backward();
    opt.step();
  });
}

}  // namespace

std::vector<Row> optimizer_rows() {
  const LibtorchOptimizers t = libtorch_optimizers();
  const std::vector<int> one{1};
  using enum Better;
  return {
      {"adam_1000x1000", "us", lower, one, adam_1000x1000, t.adam_1000x1000},
      {"mlp_tiny_adam", "us", lower, one, mlp_tiny_adam, t.mlp_tiny_adam},
  };
}

}  // namespace bench
