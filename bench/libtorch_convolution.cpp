// libtorch_convolution.cpp -- libtorch's side of the rows about convolutions: forward and backward to input, weight and bias.
#include "convolution.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"
#endif

namespace bench {

#ifdef CT_HAVE_LIBTORCH

namespace {

double forward_and_backward(int threads, std::vector<std::int64_t> sizes, const torch::nn::Conv2dOptions& options) {
  use_threads(threads);
  torch::nn::Conv2d conv(options);
  torch::Tensor x = torch::randn(sizes).requires_grad_();
  const torch::Tensor g = torch::ones_like(conv(x));
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset(), conv->weight.mutable_grad().reset(), conv->bias.mutable_grad().reset();
    conv(x).backward(g);
  });
}
using Options = torch::nn::Conv2dOptions;

double conv2d_16x3x32(int threads) { return forward_and_backward(threads, {16, 3, 32, 32}, Options(3, 16, 3).padding(1)); }
double conv2d_32x64x56(int threads) { return forward_and_backward(threads, {32, 64, 56, 56}, Options(64, 64, 3).padding(1)); }
double conv2d_stride2(int threads) { return forward_and_backward(threads, {16, 64, 28, 28}, Options(64, 128, 3).stride(2).padding(1)); }
double conv2d_depthwise(int threads) { return forward_and_backward(threads, {16, 64, 28, 28}, Options(64, 64, 3).padding(1).groups(64)); }

}  // namespace

LibtorchConvolution libtorch_convolution() { return {conv2d_16x3x32, conv2d_32x64x56, conv2d_stride2, conv2d_depthwise}; }

#else

LibtorchConvolution libtorch_convolution() { return {}; }

#endif

}  // namespace bench
