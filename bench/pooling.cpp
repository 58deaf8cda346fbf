// pooling.cpp -- our side of the rows about pooling and resampling: forward and backward.
#include "pooling.h"

#include <cotangent/cotangent.h>
#include <cotangent/nn/functional.h>

namespace bench {

namespace {

template <class F>
double forward_and_backward(int threads, std::vector<std::int64_t> sizes, const F& f) {
  ct::set_num_threads(threads);
  ct::Tensor x = ct::randn(sizes).requires_grad_();
  ct::Tensor g = ct::ones_like(f(x));
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    f(x).backward(g);
  });
}
namespace F = ct::nn::functional;

double max_pool2d(int threads) {
  return forward_and_backward(threads, {32, 64, 56, 56}, [](const ct::Tensor& x) { return F::max_pool2d(x, F::MaxPool2dFuncOptions(2)); });
}
double max_pool2d_3x3(int threads) {
  return forward_and_backward(threads, {32, 64, 56, 56}, [](const ct::Tensor& x) { return F::max_pool2d(x, F::MaxPool2dFuncOptions(3).stride(2).padding(1)); });
}
double avg_pool2d(int threads) {
  return forward_and_backward(threads, {32, 64, 56, 56}, [](const ct::Tensor& x) { return ct::avg_pool2d(x, {2, 2}); });
}
double interpolate_bilinear(int threads) {
  return forward_and_backward(threads, {8, 32, 56, 56}, [](const ct::Tensor& x) { return ct::upsample_bilinear2d(x, {112, 112}, false); });
}
double grid_sample(int threads) {
  const ct::Tensor grid = ct::rand({8, 56, 56, 2}) * 2 - 1;
  return forward_and_backward(threads, {8, 32, 56, 56}, [&](const ct::Tensor& x) { return F::grid_sample(x, grid, F::GridSampleFuncOptions().align_corners(false)); });
}

}  // namespace

std::vector<Row> pooling_rows() {
  const LibtorchPooling t = libtorch_pooling();
  return {{"max_pool2d", "ms", Better::lower, {1, 2}, max_pool2d, t.max_pool2d},
          {"max_pool2d_3x3", "ms", Better::lower, {1, 2}, max_pool2d_3x3, t.max_pool2d_3x3},
          {"avg_pool2d", "ms", Better::lower, {1, 2}, avg_pool2d, t.avg_pool2d},
          {"interpolate_bilinear", "ms", Better::lower, {1, 2}, interpolate_bilinear, t.interpolate_bilinear},
          {"grid_sample", "ms", Better::lower, {1, 2}, grid_sample, t.grid_sample}};
}

}  // namespace bench
