// training.cpp -- our side of the rows about layers and training steps.
#include "training.h"

#include <cotangent/cotangent.h>
#include <cotangent/nn.h>
#include <cotangent/nn/functional.h>
#include <cotangent/optim.h>

namespace bench {

namespace {

using ct::Tensor;

// Forward and backward of a layer over the same rows, for a gradient that is given.
double layernorm_4096x1024(int threads) {
  ct::set_num_threads(threads);
  Tensor x = ct::randn({4096, 1024}).requires_grad_();
  const Tensor g = ct::randn({4096, 1024});
  ct::nn::LayerNorm norm(ct::nn::LayerNormOptions({1024}));
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    norm->zero_grad(true);
    norm(x).backward(g);
  });
}

double softmax_4096x1024(int threads) {
  ct::set_num_threads(threads);
  Tensor x = ct::randn({4096, 1024}).requires_grad_();
  const Tensor g = ct::randn({4096, 1024});
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    ct::softmax(x, 1).backward(g);
  });
}

double batchnorm_32x64x28x28(int threads) {
  ct::set_num_threads(threads);
  Tensor x = ct::randn({32, 64, 28, 28}).requires_grad_();
  const Tensor g = ct::randn({32, 64, 28, 28});
  ct::nn::BatchNorm2d norm(64);
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    norm->zero_grad(true);
    norm(x).backward(g);
  });
}

// One step of a classifier of 28 x 28 images, batch 64.
double mlp_784_sgd(int threads) {
  ct::set_num_threads(threads);
  ct::nn::Sequential net(ct::nn::Linear(784, 256), ct::nn::ReLU(), ct::nn::Linear(256, 10));
  ct::optim::SGD opt(net->parameters(), ct::optim::SGDOptions(0.01));
  const Tensor x = ct::randn({64, 784}), y = ct::randint(10, {64}, ct::kLong);
  return 1e6 * time_per_call([&] {
    net->zero_grad(true);  // none instead of zeros, in both
    ct::nn::functional::cross_entropy(net->forward(x), y).backward();
    opt.step();
  });
}

}  // namespace

std::vector<Row> training_rows() {
  const LibtorchTraining t = libtorch_training();
  using enum Better;
  return {
      {"layernorm_4096x1024", "ms", lower, {1, 2}, layernorm_4096x1024, t.layernorm_4096x1024},
      {"softmax_4096x1024", "ms", lower, {1, 2}, softmax_4096x1024, t.softmax_4096x1024},
      {"batchnorm_32x64x28x28", "ms", lower, {1, 2}, batchnorm_32x64x28x28, t.batchnorm_32x64x28x28},
      {"mlp_784_sgd", "us", lower, {1, 2}, mlp_784_sgd, t.mlp_784_sgd},
  };
}

}  // namespace bench
