// tests/ops/pooling.cpp -- pooling by hand, what is recorded, and what is refused.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "cotangent/func.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"
#include "cotangent/ops/pooling.h"

using namespace ct;
namespace F = ct::nn::functional;

namespace {
bool same(const Tensor& x, const Tensor& expected) { return x.sizes() == expected.sizes() && equal(x, expected); }
template <class F>
std::string error(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
  }
  return "no error";
}
}  // namespace

TEST_CASE("pooling by hand") {
  const Tensor x = tensor({{1., 5., 2., 0.}, {3., 4., 8., 6.}}).unsqueeze(0);
  const auto [y, at] = max_pool2d_with_indices(x, {2});
  CHECK(same(y, tensor({{{5., 8.}}})));
  CHECK(same(at, tensor({{{1, 6}}})));
  CHECK(same(avg_pool2d(x, {2}), tensor({{{3.25, 4.}}})));
  CHECK(same(avg_pool2d(x, {2}, {2}, {1}, false, false), tensor({{{1., 3.5, 0.}, {3., 6., 6.}}})));
  CHECK(same(max_pool1d(x.select(1, 0), {3}, {1}), tensor({{5., 5.}})));
  CHECK(same(adaptive_avg_pool2d(x, {1, 2}), avg_pool2d(x, {2})));
  CHECK(same(std::get<0>(adaptive_max_pool1d(x.select(1, 1), {3})), tensor({{4., 8., 8.}})));
  CHECK(same(max_unpool2d(y, at, {2, 4}), tensor({{{0., 5., 0., 0.}, {0., 0., 8., 0.}}})));
  CHECK(max_pool2d(zeros({0, 3, 4, 4}), {2}).sizes() == IntArrayRef({0, 3, 2, 2}));
  CHECK(adaptive_avg_pool2d(zeros({1, 3, 4, 4}), {0, 2}).sizes() == IntArrayRef({1, 3, 0, 2}));
  for (const ScalarType t : {kHalf, kBFloat16, kFloat, kDouble}) {
    CHECK(same(max_pool2d(x.to(t), {2}), y.to(t)));
    CHECK(same(avg_pool2d(x.to(t), {2}), avg_pool2d(x, {2}).to(t)));
  }
  const Tensor big = rand({3, 5, 33, 47});  // enough for several threads and odd edges
  CHECK(same(max_pool2d(big, {2}), amax(big.narrow(2, 0, 32).narrow(3, 0, 46).reshape({3, 5, 16, 2, 23, 2}), {3, 5})));
}

TEST_CASE("dilated windows that lie in the margin name places that exist") {
  Tensor x = arange(4).to(kFloat).view({1, 1, 4}).requires_grad_();
  const auto [y, at] = max_pool2d_with_indices(x, {1, 2}, {1, 1}, {0, 1}, {1, 5});
  CHECK(y.item<double>() == -INFINITY);
  CHECK(at.item<std::int64_t>() < 4);
  y.sum().backward();
}

TEST_CASE("what pooling records is libtorch's") {
  Tensor x = rand({2, 3, 6, 6}).requires_grad_();
  CHECK(max_pool2d(x, {2}).grad_fn()->name() == "MaxPool2DWithIndicesBackward0");
  CHECK(adaptive_avg_pool2d(x, {1, 1}).grad_fn()->name() == "MeanBackward1");
  CHECK(adaptive_avg_pool2d(x, {2, 1}).grad_fn()->name() == "AdaptiveAvgPool2DBackward0");
  CHECK(max_pool1d(x.select(0, 0).select(0, 0), {2}).grad_fn()->name() == "SqueezeBackward1");
}

TEST_CASE("pooling says what is wrong") {
  const Tensor x = zeros({1, 2, 6, 6});
  CHECK(error([&] { max_pool2d(x, {3}, {1}, {2}); }) == "max_pool2d() pad should be at most half of kernel size, but got pad=2 and kernel_size=3");
  CHECK(error([&] { max_pool2d(x, {2}, {0}); }) == "max_pool2d() stride must be greater than zero, but got 0: stride should not be zero");
  CHECK(error([&] { max_pool2d(x, {0}); }).find("kernel_size must be greater than zero") != std::string::npos);
  CHECK(error([&] { max_pool2d(x, {2}, {2}, {-1}); }).find("pad must be non-negative, but got pad: -1") != std::string::npos);
  CHECK(error([&] { max_pool2d(x, {2}, {2}, {0}, {0}); }).find("dilation should be greater than zero") != std::string::npos);
  CHECK(error([&] { max_pool2d(x, {8}); }) == "max_pool2d: Given input size: (2x6x6). Calculated output size: (2x0x0). Output size is too small");
  CHECK(error([&] { max_pool2d(zeros({3, 3}), {2}); }) ==
        "max_pool2d: Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[3, 3]");
  CHECK(error([&] { max_pool2d(x, {1, 2, 3}); }).find("max_pool2d: kernel_size must either be a single int, or a tuple of two ints") != std::string::npos);
  CHECK(error([&] { max_pool2d(x, {INT64_MAX}); }).find("out of range") != std::string::npos);
  CHECK_THROWS_AS(max_pool2d(x.to(kLong), {2}), NotImplementedError);
  CHECK(error([&] { avg_pool2d(x, {2}, {}, {0}, false, true, 0); }) == "avg_pool2d: divisor must be not zero");
  CHECK(error([&] { adaptive_avg_pool2d(x, {2}); }) == "adaptive_avg_pool2d: output_size must be 2, but got 1 numbers");
  CHECK(error([&] { adaptive_avg_pool2d(x, {-2, 2}); }) ==
        "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received [-2, 2]");
  CHECK(error([&] { adaptive_max_pool2d(zeros({1, 0, 2, 3}), {2, 2}); }).find("with dimension 1 being empty") != std::string::npos);
  const auto [y, at] = max_pool2d_with_indices(x, {2});
  CHECK(error([&, v = y, i = at] { max_unpool2d(v, i + 100, {6, 6}); }) == "max_unpool2d: Found an invalid max index: 100 (output volumes are of size 6x6)");
  CHECK(error([&, v = y, i = at] { max_unpool2d(v, i.to(kInt), {6, 6}); }) == "max_unpool2d: elements in indices should be type int64 but got: Int");
  CHECK(error([&, v = y, i = at] { F::max_unpool2d(v, i, F::MaxUnpool2dFuncOptions(2).output_size(std::vector<std::int64_t>{9, 9})); }) ==
        "max_unpool2d: invalid output_size [9, 9] (dim 0 must be between 4 and 8)");
  CHECK(error([&] { F::fractional_max_pool2d(x, F::FractionalMaxPool2dFuncOptions(2)); }) ==
        "fractional_max_pool2d requires specifying either an output_size or an output_ratio");
  CHECK(error([&] { F::fractional_max_pool2d(x, F::FractionalMaxPool2dFuncOptions(3).output_size(5)); }) ==
        "fractional_max_pool2d(): pool height 3 too large relative to input height 6");
  CHECK_THROWS_AS(nn::FractionalMaxPool2d(nn::FractionalMaxPool2dOptions(2)), Error);
  CHECK(error([&] { max_pool2d(Tensor(), {2}); }) == "max_pool2d: the tensor is undefined");
}

// Two equal layers take the general loop, and the first of them wins: the same elements, and the same places.
TEST_CASE("pooling of planes along memory finds what the general loop finds") {
  for (const ScalarType type : {kFloat, kDouble})
    for (const std::int64_t width : {2, 3, 7, 8, 15, 16, 17, 31, 33, 40, 70})
      for (const std::int64_t kernel : {1, 2, 3, 5})
        for (const std::int64_t stride : {1, 2, 3, 5})
          for (const std::int64_t pad : {0, 1, 2})
            for (const bool ceil : {false, true}) {
              if (pad > kernel / 2 || kernel > width + 2 * pad) continue;
              CAPTURE(width);
              CAPTURE(kernel);
              CAPTURE(stride);
              CAPTURE(pad);
              CAPTURE(ceil);
              Tensor x = randint(-2, 3, {2, 6, width}, type);  // many ties
              if (width % 3 == 0) x.view({-1}).select(0, width) = NAN;
              x.requires_grad_();
              const Tensor twice = stack({x, x}, 1);
              const auto [y, at] = max_pool2d_with_indices(x, {kernel}, {stride}, {pad}, {1}, ceil);
              const auto [y2, at2] = max_pool3d_with_indices(twice, {2, kernel, kernel}, {2, stride, stride}, {0, pad, pad}, {1}, ceil);
              CHECK(allclose(y, y2.squeeze(1), 0, 0, true));
              if (width % 3) CHECK(equal(at, at2.squeeze(1)));  // of several NaN the last one wins, in the second layer
              const Tensor mean = avg_pool2d(x.nan_to_num(), {kernel}, {stride}, {pad}, ceil, stride != 2);
              const Tensor mean2 = avg_pool3d(twice.nan_to_num(), {2, kernel, kernel}, {2, stride, stride}, {0, pad, pad}, ceil, stride != 2).squeeze(1);
              CHECK(allclose(mean, mean2, 1e-5, 1e-6));
              const Tensor g = randn_like(mean);
              CHECK(allclose(autograd::grad({mean}, {x}, {g})[0], autograd::grad({mean2}, {x}, {g})[0], 1e-4, 1e-5));
            }
}
