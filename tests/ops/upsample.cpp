// tests/ops/upsample.cpp -- resampling and sampling by hand, and what is refused.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"

using namespace ct;
namespace F = ct::nn::functional;

namespace {
bool same(const Tensor& x, const Tensor& expected) { return x.sizes() == expected.sizes() && allclose(x, expected, 1e-6, 1e-6); }
template <class F>
std::string error(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
  }
  return "no error";
}
using Sizes = std::vector<std::int64_t>;
using Factors = std::vector<double>;
}  // namespace

TEST_CASE("resampling by hand") {
  const Tensor x = tensor({0., 1., 4.}).view({1, 1, 3});
  auto to = [&](auto mode, std::int64_t n) { return F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{n}).mode(mode)).flatten(); };
  CHECK(same(to(kNearest, 6), tensor({0., 0., 1., 1., 4., 4.})));
  CHECK(same(to(kNearest, 2), tensor({0., 1.})));
  CHECK(same(to(kNearestExact, 2), tensor({0., 4.})));
  CHECK(same(to(kLinear, 6), tensor({0., .25, .75, 1.75, 3.25, 4.})));
  CHECK(same(to(kArea, 2), tensor({.5, 2.5})));
  CHECK(same(F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{5}).mode(kLinear).align_corners(true)).flatten(), tensor({0., .5, 1., 2.5, 4.})));
  const Tensor square = x.unsqueeze(2).expand({1, 1, 3, 3}).contiguous();
  CHECK(same(F::interpolate(square, F::InterpolateFuncOptions().scale_factor(Factors{2}).mode(kBilinear)).select(2, 3).flatten(), tensor({0., .25, .75, 1.75, 3.25, 4.})));
  for (const ScalarType t : {kHalf, kBFloat16, kFloat}) CHECK(F::interpolate(x.to(t), F::InterpolateFuncOptions().size(Sizes{6})).dtype() == t);
  CHECK(equal(F::interpolate(tensor({7, 200}).to(kByte).view({1, 1, 2}), F::InterpolateFuncOptions().size(Sizes{3})).flatten(), tensor({7, 7, 200}).to(kByte)));
  Tensor same_size = square.clone().requires_grad_();
  CHECK(!F::interpolate(same_size, F::InterpolateFuncOptions().size(Sizes{3, 3}).mode(kBilinear)).is_same(same_size));
  CHECK(F::interpolate(square, F::InterpolateFuncOptions().size(Sizes{3, 3}).mode(kBilinear)).data_ptr() != square.data_ptr());
  CHECK(F::interpolate(zeros({0, 1, 2, 2}), F::InterpolateFuncOptions().size(Sizes{3, 4})).sizes() == IntArrayRef({0, 1, 3, 4}));
  CHECK(same(nn::UpsamplingNearest2d(nn::UpsampleOptions().scale_factor(Factors{2}))(square).select(2, 0).flatten(), tensor({0., 0., 1., 1., 4., 4.})));
  CHECK(nn::to_string(*nn::UpsamplingBilinear2d(nn::UpsampleOptions().size(Sizes{2, 3}))) == "UpsamplingBilinear2d(size=(2, 3), mode=bilinear)");
}

TEST_CASE("sampling by hand") {
  const Tensor x = tensor({{0., 1.}, {2., 3.}}).view({1, 1, 2, 2});
  const Tensor identity = tensor({{1., 0., 0.}, {0., 1., 0.}}).unsqueeze(0);
  CHECK(same(F::grid_sample(x, F::affine_grid(identity, {1, 1, 2, 2})), x));
  Tensor place = tensor({0.5, 0.}).view({1, 1, 1, 2}).requires_grad_();
  Tensor image = x.clone().requires_grad_();
  const Tensor y = F::grid_sample(image, place, F::GridSampleFuncOptions().align_corners(true));
  CHECK(y.item<double>() == doctest::Approx(1.75));
  y.sum().backward();
  CHECK(same(place.grad().flatten(), tensor({.5, 1.})));
  CHECK(same(image.grad().flatten(), tensor({.125, .375, .125, .375})));
  CHECK(y.grad_fn()->name() == "GridSampler2DBackward0");
}

TEST_CASE("resampling says what is wrong") {
  const Tensor x = zeros({1, 2, 6, 6});
  CHECK(error([&] { F::interpolate(x); }) == "interpolate: either size or scale_factor should be defined");
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{1, 2}).scale_factor(Factors{1, 2})); }) ==
        "interpolate: only one of size or scale_factor should be defined");
  CHECK(error([&] { F::interpolate(zeros({1, 2, 6}), F::InterpolateFuncOptions().size(Sizes{1}).mode(kBilinear)); }) ==
        "interpolate: Got 3D input, but bilinear mode needs 4D input");
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{1, 2}).align_corners(true)); }) ==
        "interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear");
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{0, 2})); }) ==
        "upsample_nearest2d: Input and output sizes should be greater than 0, but got input [1, 2, 6, 6] and output size [0, 2]");
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{1, 2, 3})); }) == "interpolate: It is expected output_size equals to 2, but got size 3");
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().size(Sizes{3, 3}).antialias(true)); }) ==
        "interpolate: Anti-alias option is only supported for bilinear and bicubic modes");
  CHECK(error([&] { F::interpolate(zeros({3, 3}), F::InterpolateFuncOptions().size(Sizes{3})); }).find("Only 3D, 4D and 5D input Tensors supported (got 2D)") !=
        std::string::npos);
  CHECK_THROWS_AS(F::interpolate(x.to(kLong), F::InterpolateFuncOptions().size(Sizes{3, 3})), NotImplementedError);
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().scale_factor(Factors{1e300, 1})); }).find("out of range") != std::string::npos);
  CHECK(error([&] { F::interpolate(x, F::InterpolateFuncOptions().scale_factor(Factors{std::nan(""), 1})); }).find("out of range") != std::string::npos);
  CHECK(error([&] { F::grid_sample(x, zeros({2, 3, 3, 2})); }) ==
        "grid_sampler(): expected grid and input to have same batch size, but got input with sizes [1, 2, 6, 6] and grid with sizes [2, 3, 3, 2]");
  CHECK(error([&] { F::grid_sample(x, zeros({1, 3, 3, 3})); }) ==
        "grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes [1, 3, 3, 3]");
  CHECK(error([&] { F::affine_grid(zeros({1, 2, 4}), {1, 1, 3, 3}); }) ==
        "affine_grid: Expected a batch of 2D affine matrices of shape Nx2x3 for size [1, 1, 3, 3]. Got [1, 2, 4].");
  CHECK(error([&] { F::affine_grid(zeros({1, 2, 3}), {1, 1, 0, 3}); }) == "affine_grid: Expected non-zero, positive output size. Got [1, 1, 0, 3]");
  Tensor g = zeros({1, 3, 3, 2}).requires_grad_();
  const Tensor first = autograd::grad({F::grid_sample(x, g).sum()}, {g}, {}, std::nullopt, true)[0];
  CHECK(error([&] { autograd::grad({first.sum()}, {g}); }).find("grid_sampler_backward is not implemented") != std::string::npos);
}
