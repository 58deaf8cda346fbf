// convolution.cpp -- our side of the rows about convolutions: forward and backward to input, weight and bias.
#include "convolution.h"

#include <cotangent/cotangent.h>
#include <cotangent/nn.h>

namespace bench {

namespace {

double forward_and_backward(int threads, std::vector<std::int64_t> sizes, const ct::nn::Conv2dOptions& options) {
  ct::set_num_threads(threads);
  ct::nn::Conv2d conv(options);
  ct::Tensor x = ct::randn(sizes).requires_grad_();
  const ct::Tensor g = ct::ones_like(conv(x));
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset(), conv->weight.mutable_grad().reset(), conv->bias.mutable_grad().reset();
    conv(x).backward(g);
  });
}
using Options = ct::nn::Conv2dOptions;

double conv2d_16x3x32(int threads) { return forward_and_backward(threads, {16, 3, 32, 32}, Options(3, 16, 3).padding(1)); }
double conv2d_32x64x56(int threads) { return forward_and_backward(threads, {32, 64, 56, 56}, Options(64, 64, 3).padding(1)); }
double conv2d_stride2(int threads) { return forward_and_backward(threads, {16, 64, 28, 28}, Options(64, 128, 3).stride(2).padding(1)); }
double conv2d_depthwise(int threads) { return forward_and_backward(threads, {16, 64, 28, 28}, Options(64, 64, 3).padding(1).groups(64)); }

}  // namespace

std::vector<Row> convolution_rows() {
  const LibtorchConvolution t = libtorch_convolution();
  return {{"conv2d_16x3x32", "ms", Better::lower, {1, 2}, conv2d_16x3x32, t.conv2d_16x3x32},
          {"conv2d_32x64x56", "ms", Better::lower, {1, 2}, conv2d_32x64x56, t.conv2d_32x64x56},
          {"conv2d_stride2", "ms", Better::lower, {1, 2}, conv2d_stride2, t.conv2d_stride2},
          {"conv2d_depthwise", "ms", Better::lower, {1, 2}, conv2d_depthwise, t.conv2d_depthwise}};
}

}  // namespace bench
