// libtorch_training.cpp -- the same rows in libtorch.
#include "training.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"

namespace bench {

namespace {

using torch::Tensor;

// Forward and backward of a layer over the same rows, for a gradient that is given.
double layernorm_4096x1024(int threads) {
  use_threads(threads);
  Tensor x = torch::randn({4096, 1024}).requires_grad_();
  const Tensor g = torch::randn({4096, 1024});
  torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({1024}));
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    norm->zero_grad(true);
    norm(x).backward(g);
  });
}

double softmax_4096x1024(int threads) {
  use_threads(threads);
  Tensor x = torch::randn({4096, 1024}).requires_grad_();
  const Tensor g = torch::randn({4096, 1024});
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    torch::softmax(x, 1).backward(g);
  });
}

double batchnorm_32x64x28x28(int threads) {
  use_threads(threads);
  Tensor x = torch::randn({32, 64, 28, 28}).requires_grad_();
  const Tensor g = torch::randn({32, 64, 28, 28});
  torch::nn::BatchNorm2d norm(64);
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    norm->zero_grad(true);
    norm(x).backward(g);
  });
}

// One step of a classifier of 28 x 28 images, batch 64.
double mlp_784_sgd(int threads) {
  use_threads(threads);
  torch::nn::Sequential net(torch::nn::Linear(784, 256), torch::nn::ReLU(), torch::nn::Linear(256, 10));
  torch::optim::SGD opt(net->parameters(), torch::optim::SGDOptions(0.01));
  const Tensor x = torch::randn({64, 784}), y = torch::randint(10, {64}, torch::kLong);
  return 1e6 * time_per_call([&] {
    net->zero_grad(true);  // none instead of zeros, in both
    torch::nn::functional::cross_entropy(net->forward(x), y).backward();
    opt.step();
  });
}

}  // namespace

LibtorchTraining libtorch_training() { return {layernorm_4096x1024, softmax_4096x1024, batchnorm_32x64x28x28, mlp_784_sgd}; }

}  // namespace bench
#else
namespace bench {
LibtorchTraining libtorch_training() { return {}; }
}  // namespace bench
#endif
