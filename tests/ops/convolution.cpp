// tests/ops/convolution.cpp -- convolutions: values by hand, sizes, arguments that are refused, integers and half precision.
#include "cotangent/ops/convolution.h"

#include <doctest/doctest.h>

#include <limits>

#include "cotangent/autograd.h"
#include "cotangent/func.h"
#include "cotangent/graph.h"
#include "cotangent/ops.h"
#include "cotangent/threads.h"
#include "values.h"

using ct::Tensor;

namespace {

Tensor sequence(ct::IntArrayRef sizes) {
  std::int64_t n = 1;
  for (std::int64_t s : sizes) n *= s;
  return ct::arange(n, ct::kDouble).view(sizes);
}

// The definition, with loops over all indices.
Tensor by_definition(const Tensor& x, const Tensor& w, const Tensor& bias, std::int64_t stride, std::int64_t padding, std::int64_t dilation, std::int64_t groups) {
  const std::int64_t n = x.size(0), channels = w.size(1), k = w.size(0), kh = w.size(2), kw = w.size(3), h = x.size(2), v = x.size(3);
  const std::int64_t oh = (h + 2 * padding - dilation * (kh - 1) - 1) / stride + 1, ow = (v + 2 * padding - dilation * (kw - 1) - 1) / stride + 1;
  Tensor y = ct::zeros({n, k, oh, ow}, ct::kDouble);
  const auto xs = x.accessor<double, 4>(), ws = w.accessor<double, 4>();
  auto ys = y.accessor<double, 4>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t o = 0; o < k; ++o)
      for (std::int64_t a = 0; a < oh; ++a)
        for (std::int64_t b = 0; b < ow; ++b) {
          double sum = bias.defined() ? bias.data_ptr<double>()[o] : 0;
          for (std::int64_t c = 0; c < channels; ++c)
            for (std::int64_t r = 0; r < kh; ++r)
              for (std::int64_t q = 0; q < kw; ++q) {
                const std::int64_t p = a * stride - padding + r * dilation, t = b * stride - padding + q * dilation;
                if (p >= 0 && p < h && t >= 0 && t < v) sum += ws[o][c][r][q] * xs[i][o / (k / groups) * channels + c][p][t];
              }
          ys[i][o][a][b] = sum;
        }
  return y;
}

}  // namespace

TEST_CASE("conv2d sums products of the kernel with what lies under it") {
  const Tensor x = sequence({1, 1, 3, 3}), w = ct::tensor({{1.0, 2.0}, {3.0, 4.0}}, ct::kDouble).view({1, 1, 2, 2});
  CHECK(ct::equal(ct::conv2d(x, w).view({2, 2}), ct::tensor({{27.0, 37.0}, {57.0, 67.0}}, ct::kDouble)));
  CHECK(ct::equal(ct::conv2d(x, w, ct::ones({1}, ct::kDouble), 2, 1).view({2, 2}), ct::tensor({{1.0, 12.0}, {31.0, 68.0}}, ct::kDouble)));
  CHECK(ct::equal(ct::conv1d(x.view({1, 1, 9}), ct::tensor({1.0, 10.0}, ct::kDouble).view({1, 1, 2}), {}, 4).view({2}), ct::tensor({10.0, 54.0}, ct::kDouble)));
  CHECK(ct::conv3d(sequence({1, 2, 1, 2, 2}), ct::ones({1, 2, 1, 2, 2}, ct::kDouble)).item<double>() == 28);
  CHECK(ct::equal(ct::conv_transpose1d(ct::tensor({1.0, 2.0}, ct::kDouble).view({1, 1, 2}), ct::tensor({1.0, 1.0, 5.0}, ct::kDouble).view({1, 1, 3}), {}, 2, 0, 1).view({6}),
                  ct::tensor({1.0, 1.0, 7.0, 2.0, 10.0, 0.0}, ct::kDouble)));
  Tensor tracked = w.clone().requires_grad_();
  CHECK(name_of(ct::conv2d(x, tracked)) == "ConvolutionBackward0");
  CHECK(name_of(ct::conv2d(x[0], tracked)) == "SqueezeBackward1");
}

TEST_CASE("conv2d is its definition, over sizes from one to more than a vector, strides, paddings, dilations and groups") {
  ct::manual_seed(3);
  for (const std::int64_t size : {4, 7, 16, 19, 33})
    for (const std::int64_t kernel : {1, 2, 3})
      for (const std::int64_t stride : {1, 2, 3})
        for (const std::int64_t padding : {0, 1, 2})
          for (const std::int64_t dilation : {1, 2})
            for (const std::int64_t groups : {1, 2}) {
              if (size + 2 * padding < dilation * (kernel - 1) + 1) continue;
              const std::int64_t channels = size == 7 ? 18 : 4, out = size == 16 ? 34 : 6;
              const Tensor x = ct::randn({2, channels, size, size + 1}, ct::kDouble), w = ct::randn({out, channels / groups, kernel, kernel}, ct::kDouble);
              const Tensor bias = kernel == 2 ? Tensor() : ct::randn({out}, ct::kDouble), y = by_definition(x, w, bias, stride, padding, dilation, groups);
              INFO("size " << size << " kernel " << kernel << " stride " << stride << " padding " << padding << " dilation " << dilation << " groups " << groups);
              CHECK(ct::allclose(ct::conv2d(x, w, bias, stride, padding, dilation, groups), y, 1e-12, 1e-12));
              const Tensor f = ct::conv2d(x.to(ct::kFloat), w.to(ct::kFloat), bias.defined() ? bias.to(ct::kFloat) : bias, stride, padding, dilation, groups);
              CHECK(ct::allclose(f.to(ct::kDouble), y, 1e-4, 1e-4));
              // <g, conv(x, w)> = <conv's transpose of g, x> = <weight's gradient, w>
              const Tensor a = x.detach().requires_grad_(), b = w.detach().requires_grad_(), g = ct::randn(y.sizes(), ct::kDouble);
              const Tensor z = ct::conv2d(a, b, {}, stride, padding, dilation, groups);
              const auto grads = ct::autograd::grad({z}, {a, b}, {g});
              const double expected = (z.detach() * g).sum().item<double>();
              CHECK((grads[0] * x).sum().item<double>() == doctest::Approx(expected).epsilon(1e-10));
              CHECK((grads[1] * w).sum().item<double>() == doctest::Approx(expected).epsilon(1e-10));
              const Tensor af = x.to(ct::kFloat).requires_grad_(), bf = w.to(ct::kFloat).requires_grad_();
              const auto floats = ct::autograd::grad({ct::conv2d(af, bf, {}, stride, padding, dilation, groups)}, {af, bf}, {g.to(ct::kFloat)});
              CHECK(ct::allclose(floats[0].to(ct::kDouble), grads[0], 1e-3, 1e-3));
              CHECK(ct::allclose(floats[1].to(ct::kDouble), grads[1], 1e-3, 1e-3));
            }
}

TEST_CASE("many channels are summed in parts") {
  ct::manual_seed(4);
  const Tensor x = ct::randn({2, 150, 4, 21}, ct::kDouble), w = ct::randn({11, 150, 3, 3}, ct::kDouble), b = ct::randn({11}, ct::kDouble);
  CHECK(ct::allclose(ct::conv2d(x, w, b, {1, 2}, 1), by_definition(x, w, b, 1, 1, 1, 1).slice(3, 0, std::nullopt, 2), 1e-11, 1e-11));
  const Tensor y = ct::conv_transpose2d(x, ct::randn({150, 7, 3, 2}, ct::kDouble), {}, {1, 2}, 1), f = ct::randn(y.sizes(), ct::kDouble);
  CHECK_SIZES(y, {2, 7, 4, 40});
  const Tensor a = x.detach().requires_grad_(), k = ct::randn({150, 7, 3, 2}, ct::kDouble).requires_grad_();
  const Tensor z = ct::conv_transpose2d(a, k, {}, {1, 2}, 1);
  const auto grads = ct::autograd::grad({z}, {a, k}, {f});
  const double expected = (z.detach() * f).sum().item<double>();
  CHECK((grads[0] * x).sum().item<double>() == doctest::Approx(expected).epsilon(1e-10));
  CHECK((grads[1] * k.detach()).sum().item<double>() == doctest::Approx(expected).epsilon(1e-10));
}

TEST_CASE("weights' gradients do not depend on the number of threads, and meet no infinity that a position does not see") {
  ct::manual_seed(5);
  const int before = ct::get_num_threads();
  Tensor x = ct::randn({16, 8, 12, 12}), w = ct::randn({16, 8, 3, 3}).requires_grad_();
  const auto gradient = [&](int threads) {
    ct::set_num_threads(threads);
    return ct::autograd::grad({ct::conv2d(x, w).sin().sum()}, {w})[0];
  };
  CHECK(ct::equal(gradient(1), gradient(4)));
  ct::set_num_threads(before);
  x = ct::zeros({1, 1, 6, 6});
  x[0][0][0][5] = std::numeric_limits<float>::infinity();  // seen through the last column of the kernel only
  w = ct::zeros({1, 1, 3, 3}).requires_grad_();
  const Tensor y = ct::conv2d(x, w), g = ct::autograd::grad({y}, {w}, {ct::ones_like(y)})[0];
  CHECK(g.isfinite().sum().item<std::int64_t>() == 8);
}

TEST_CASE("padding by a word") {
  const Tensor x = sequence({2, 3, 5, 6}), w = ct::ones({4, 3, 2, 3}, ct::kDouble);
  CHECK_SIZES(ct::conv2d(x, w, {}, 1, "same"), {2, 4, 5, 6});
  CHECK(ct::equal(ct::conv2d(x, w, {}, 1, ct::kValid), ct::conv2d(x, w)));
  CHECK(ct::equal(ct::conv2d(x, w, {}, 1, "same").narrow(2, 0, 4), ct::conv2d(x, w, {}, 1, {0, 1})));
  CHECK_THROWS_WITH_AS(ct::conv2d(x, w, {}, 2, "same"), doctest::Contains("padding='same' is not supported for strided convolutions"), ct::Error);
  CHECK_THROWS_WITH_AS(ct::conv2d(x, w, {}, 1, "full"), doctest::Contains("Invalid padding string: 'full'"), ct::Error);
}

TEST_CASE("integers and half precision") {
  const Tensor x = sequence({1, 2, 4, 4}), w = ct::ones({3, 2, 2, 2}, ct::kDouble);
  const Tensor y = ct::conv2d(x, w, {}, 1, 1);
  for (const auto t : {ct::kLong, ct::kInt, ct::kHalf, ct::kBFloat16, ct::kFloat}) {
    const Tensor z = ct::conv2d(x.to(t), w.to(t), {}, 1, 1);
    CHECK(z.scalar_type() == t);
    CHECK(ct::equal(z.to(ct::kDouble), y.to(t).to(ct::kDouble)));
  }
}

TEST_CASE("batches without images and results of size zero") {
  Tensor w = ct::randn({4, 3, 3, 3}).requires_grad_(), x = ct::randn({0, 3, 5, 5}).requires_grad_();
  const Tensor y = ct::conv2d(x, w, {}, 1, 1);
  CHECK_SIZES(y, {0, 4, 5, 5});
  y.sum().backward();
  CHECK(ct::equal(w.grad(), ct::zeros({4, 3, 3, 3})));
  CHECK(x.grad().numel() == 0);
  CHECK(ct::equal(ct::conv2d(ct::randn({2, 0, 5, 5}), ct::randn({4, 0, 3, 3}), ct::ones({4})), ct::ones({2, 4, 3, 3})));
}

TEST_CASE("arguments that do not fit are refused with libtorch's words") {
  const Tensor x = ct::ones({2, 3, 5, 5}), w = ct::ones({4, 3, 3, 3});
#define REFUSED(call, phrase) CHECK(has(error_of([&] { (void)(call); }), phrase))
  REFUSED(ct::conv2d(ct::ones({2, 4, 5, 5}), w), "Given groups=1, weight of size [4, 3, 3, 3], expected input[2, 4, 5, 5] to have 3 channels, but got 4 channels instead");
  REFUSED(ct::conv2d(ct::ones({2, 3, 2, 2}), w), "Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be greater than actual input size");
  REFUSED(ct::conv2d(x, w, {}, 0), "non-positive stride is not supported");
  REFUSED(ct::conv2d(x, w, {}, 1, -1), "negative padding is not supported");
  REFUSED(ct::conv2d(x, w, {}, 1, 0, 0), "non-positive dilation is not supported");
  REFUSED(ct::conv2d(x, w, {}, 1, 0, 1, 0), "non-positive groups is not supported");
  REFUSED(ct::conv2d(x, w, {}, 1, 0, 1, 2), "Given groups=2, weight of size [4, 3, 3, 3], expected input[2, 3, 5, 5] to have 6 channels, but got 3 channels instead");
  REFUSED(ct::conv2d(x, ct::ones({4, 1, 3, 3}), {}, 1, 0, 1, 3), "Given groups=3, expected weight to be divisible by 3 at dimension 0");
  REFUSED(ct::conv2d(x, w, {}, 1, 0, 1, 8), "Given groups=8, expected weight to be at least 8 at dimension 0");
  REFUSED(ct::conv2d(x, w, ct::ones({3})), "expected bias to be 1-dimensional with 4 elements, but got bias of size [3] instead");
  REFUSED(ct::conv2d(ct::ones({5, 5}), w), "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [5, 5]");
  REFUSED(ct::conv1d(ct::ones({5}), ct::ones({4, 3, 3})), "Expected 2D (unbatched) or 3D (batched) input to conv1d");
  REFUSED(ct::conv2d(x.to(ct::kDouble), w), "expected scalar type Double but found Float");
  REFUSED(ct::conv2d(x, w, ct::ones({4}, ct::kDouble)), "and bias type (");
  REFUSED(ct::conv2d(x.to(ct::kBool), w.to(ct::kBool)), "not implemented for 'Bool'");
  REFUSED(ct::conv2d(x, w, {}, {1, 2, 3}), "expected stride to be a single integer value or a list of 2 values to match the convolution dimensions, but got stride=[1, 2, 3]");
  REFUSED(ct::conv2d(x, Tensor()), "Expected a proper Tensor but got None");
  REFUSED(ct::conv2d(x, w, {}, 1, std::int64_t{1} << 62), "too large");
  const Tensor t = ct::ones({3, 4, 3, 3});
  REFUSED(ct::conv_transpose2d(ct::ones({2, 4, 5, 5}), t), "Given transposed=1, weight of size [3, 4, 3, 3], expected input[2, 4, 5, 5] to have 3 channels, but got 4 channels instead");
  REFUSED(ct::conv_transpose2d(x, t, {}, 1, 0, 1), "output padding must be smaller than either stride or dilation, but got output_padding_height: 1 output_padding_width: 1 stride_height: 1 stride_width: 1 dilation_height: 1 dilation_width: 1");
  REFUSED(ct::conv_transpose2d(x, t, {}, 1, 4), "Given input size per channel: (5 x 5). Calculated output size per channel: (-1 x -1). Output size is too small");
  REFUSED(ct::conv_transpose1d(ct::ones({2, 3, 5}), ct::ones({3, 4, 3}), {}, 1, 0, 1), "output_padding_height: 0 output_padding_width: 1 stride_height: 1");
  REFUSED(ct::conv_transpose2d(x, t, {}, 2, 0, -1), "negative output_padding is not supported");
  REFUSED(ct::im2col(x, 3, 1, 0, 1), "It is expected kernel_size equals to 2, but got size 1");
  REFUSED(ct::im2col(x, {6, 6}, {1, 1}, {0, 0}, {1, 1}), "calculated shape of the array of sliding blocks as (0, 0), but its components must be at least one.");
  REFUSED(ct::im2col(x, {3, 3}, {1, 1}, {0, 0}, {0, 1}), "stride should be greater than zero, but got stride_height: 0 stride_width: 1");
  REFUSED(ct::col2im(ct::ones({2, 27, 8}), {5, 5}, {3, 3}, {1, 1}, {0, 0}, {1, 1}), "expected size of input's dimension 2 to match the calculated number of sliding blocks 3 * 3 = 9, but got input.size(2)=8.");
  REFUSED(ct::col2im(ct::ones({2, 26, 9}), {5, 5}, {3, 3}, {1, 1}, {0, 0}, {1, 1}), "divisible by the product of kernel_size, but got input.size(1)=26 and kernel_size=(3, 3).");
  REFUSED(ct::pixel_shuffle(ct::ones({2, 7, 3, 3}), 2), "input.size(-3)=7 is not divisible by 4");
  REFUSED(ct::pixel_unshuffle(ct::ones({2, 2, 5, 4}), 2), "input.size(-2)=5 is not divisible by 2");
  REFUSED(ct::channel_shuffle(ct::ones({2, 7, 3, 3}), 2), "Number of channels must be divisible by groups. Got 7 channels and 2 groups.");
#undef REFUSED
}

TEST_CASE("blocks, pixels and channels") {
  const Tensor x = sequence({1, 1, 2, 3});
  CHECK(ct::equal(ct::im2col(x, {2, 2}, {1, 1}, {0, 0}, {1, 1}), ct::tensor({{0.0, 1.0}, {1.0, 2.0}, {3.0, 4.0}, {4.0, 5.0}}, ct::kDouble).unsqueeze(0)));
  CHECK(ct::equal(ct::col2im(ct::ones({4, 2}, ct::kDouble), {2, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}), ct::tensor({{1.0, 2.0, 1.0}, {1.0, 2.0, 1.0}}, ct::kDouble).unsqueeze(0)));
  const Tensor p = sequence({1, 8, 2, 3});
  CHECK(ct::equal(ct::pixel_unshuffle(ct::pixel_shuffle(p, 2), 2), p));
  CHECK(ct::pixel_shuffle(p, 2)[0][1][0][1].item<double>() == 30);
  const Tensor c = ct::channel_shuffle(sequence({1, 6, 1}), 2);
  CHECK(ct::equal(c.view({6}), ct::tensor({0.0, 3.0, 1.0, 4.0, 2.0, 5.0}, ct::kDouble)));
}
