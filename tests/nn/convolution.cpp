// tests/nn/convolution.cpp -- convolutions as layers: options, sizes asked for, errors, modules in containers, texts.
#include "cotangent/nn/convolution.h"

#include <doctest/doctest.h>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"
#include "values.h"

namespace nn = ct::nn;
namespace F = ct::nn::functional;
using ct::Tensor;

TEST_CASE("functional convolutions take libtorch's options") {
  const Tensor x = ct::randn({2, 3, 6, 5}), w = ct::randn({4, 3, 3, 3}), b = ct::randn({4});
  CHECK(ct::equal(F::conv2d(x, w), ct::conv2d(x, w)));
  CHECK(ct::equal(F::conv2d(x, w, F::Conv2dFuncOptions().bias(b).stride(2).padding({1, 0}).dilation(1)), ct::conv2d(x, w, b, 2, {1, 0})));
  CHECK(ct::equal(F::conv2d(x, w, F::Conv2dFuncOptions().padding(ct::kSame)), ct::conv2d(x, w, {}, 1, 1)));
  CHECK(ct::equal(F::conv_transpose2d(x, w.transpose(0, 1), F::ConvTranspose2dFuncOptions().stride(2).output_padding(1)),
                  ct::conv_transpose2d(x, w.transpose(0, 1), {}, 2, 0, 1)));
  CHECK_SIZES(F::unfold(x, F::UnfoldFuncOptions(2)), {2, 12, 20});
  CHECK_SIZES(F::unfold(x[0], F::UnfoldFuncOptions(2)), {12, 20});
  CHECK(ct::equal(F::fold(F::unfold(ct::ones({1, 1, 4, 4}), F::UnfoldFuncOptions(2).stride(2)), F::FoldFuncOptions(4, 2).stride(2)), ct::ones({1, 1, 4, 4})));
  CHECK(has(error_of([&] { F::fold(ct::ones({1, 1, 4, 9}), F::FoldFuncOptions(4, 2)); }), "Only unbatched (2D) or batched (3D) input Tensors are supported (got 4D)"));
  CHECK(has(error_of([&] { F::unfold(ct::ones({4, 9}), F::UnfoldFuncOptions(2)); }), "batched (4D) input Tensors are supported (got 2D)"));
}

TEST_CASE("a transposed convolution gives the size that is asked for") {
  nn::ConvTranspose2d up(nn::ConvTranspose2dOptions(3, 4, 3).stride(2).padding(1));
  const Tensor x = ct::randn({2, 3, 5, 5});
  CHECK_SIZES(up->forward(x), {2, 4, 9, 9});
  CHECK_SIZES(up->forward(x, ct::IntArrayRef({10, 9})), {2, 4, 10, 9});
  CHECK_SIZES(up->forward(x, ct::IntArrayRef({2, 4, 9, 10})), {2, 4, 9, 10});
  CHECK(has(error_of([&] { up->forward(x, ct::IntArrayRef({11, 9})); }), "requested an output size of [11, 9], but valid sizes range from [9, 9] to [10, 10] (for an input of [5, 5])"));
  CHECK(has(error_of([&] { up->forward(x, ct::IntArrayRef({9})); }), "for 4D input, output_size must have 2 or 4 elements (got 1)"));
}

TEST_CASE("options of convolutions that do not fit") {
  CHECK(has(error_of([] { nn::Conv2d(nn::Conv2dOptions(3, 4, 3).groups(2)); }), "in_channels must be divisible by groups"));
  CHECK(has(error_of([] { nn::Conv2d(nn::Conv2dOptions(4, 3, 3).groups(2)); }), "out_channels must be divisible by groups"));
  CHECK(has(error_of([] { nn::Conv2d(nn::Conv2dOptions(4, 3, 3).groups(0)); }), "groups must be a positive integer"));
  CHECK(has(error_of([] { nn::Conv2d(nn::Conv2dOptions(3, 4, 3).stride(2).padding(ct::kSame)); }), "padding='same' is not supported for strided convolutions"));
  CHECK(has(error_of([] { nn::ConvTranspose2d(nn::ConvTranspose2dOptions(3, 4, 3).padding_mode(ct::kReflect)); }), "Only \"zeros\" padding mode is supported for ConvTranspose2d"));
  CHECK(has(error_of([] { nn::Conv2d(nn::Conv2dOptions(3, 4, {3, 3, 3})); }), "Expected 2 values, but instead got 3"));
}

TEST_CASE("convolutions in containers, cloned, printed") {
  nn::Sequential net(nn::Conv2d(nn::Conv2dOptions(1, 2, 3).stride(2).padding(1).bias(false).padding_mode(ct::kReflect)), nn::ReLU(),
                     nn::ConvTranspose2d(nn::ConvTranspose2dOptions(2, 1, 2).stride(2).output_padding(1)), nn::ChannelShuffle(1));
  CHECK_SIZES(net->forward(ct::randn({2, 1, 8, 8})), {2, 1, 9, 9});
  CHECK(nn::to_string(*net) ==
        "Sequential(\n"
        "  (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False, padding_mode=reflect)\n"
        "  (1): ReLU()\n"
        "  (2): ConvTranspose2d(2, 1, kernel_size=(2, 2), stride=(2, 2), output_padding=(1, 1))\n"
        "  (3): ChannelShuffle(groups=1)\n"
        ")");
  nn::Conv1d conv(2, 3, 2);
  const auto copy = std::dynamic_pointer_cast<nn::Conv1dImpl>(conv->clone());
  CHECK(ct::equal(copy->weight, conv->weight));
  CHECK(copy->weight.data_ptr() != conv->weight.data_ptr());
}
