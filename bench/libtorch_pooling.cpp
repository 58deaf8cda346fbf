// libtorch_pooling.cpp -- libtorch's side of the rows about pooling and resampling: forward and backward.
#include "pooling.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"
#endif

namespace bench {

#ifdef CT_HAVE_LIBTORCH

namespace {

template <class F>
double forward_and_backward(int threads, std::vector<std::int64_t> sizes, const F& f) {
  use_threads(threads);
  torch::Tensor x = torch::randn(sizes).requires_grad_();
  torch::Tensor g = torch::ones_like(f(x));
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    f(x).backward(g);
  });
}
namespace F = torch::nn::functional;

double max_pool2d(int threads) {
  return forward_and_backward(threads, {32, 64, 56, 56}, [](const torch::Tensor& x) { return F::max_pool2d(x, F::MaxPool2dFuncOptions(2)); });
}
double max_pool2d_3x3(int threads) {
  return forward_and_backward(threads, {32, 64, 56, 56}, [](const torch::Tensor& x) { return F::max_pool2d(x, F::MaxPool2dFuncOptions(3).stride(2).padding(1)); });
}
double avg_pool2d(int threads) {
  return forward_and_backward(threads, {32, 64, 56, 56}, [](const torch::Tensor& x) { return torch::avg_pool2d(x, {2, 2}); });
}
double interpolate_bilinear(int threads) {
  return forward_and_backward(threads, {8, 32, 56, 56}, [](const torch::Tensor& x) { return torch::upsample_bilinear2d(x, {112, 112}, false); });
}
double grid_sample(int threads) {
  const torch::Tensor grid = torch::rand({8, 56, 56, 2}) * 2 - 1;
  return forward_and_backward(threads, {8, 32, 56, 56}, [&](const torch::Tensor& x) { return F::grid_sample(x, grid, F::GridSampleFuncOptions().align_corners(false)); });
}

}  // namespace

LibtorchPooling libtorch_pooling() { return {max_pool2d, max_pool2d_3x3, avg_pool2d, interpolate_bilinear, grid_sample}; }

#else

LibtorchPooling libtorch_pooling() { return {}; }

#endif

}  // namespace bench
