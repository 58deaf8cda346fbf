// tests/ops/padding.cpp -- margins by hand, and what is refused.
#include <doctest/doctest.h>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"
#include "cotangent/ops/padding.h"

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

TEST_CASE("margins by hand, in every dtype") {
  for (const ScalarType t : {kBool, kByte, kChar, kShort, kInt, kLong, kHalf, kBFloat16, kFloat, kDouble}) {
    const Tensor x = tensor({1, 0, 3}).to(t).view({1, 3});
    CHECK(same(pad(x, {1, 2}), tensor({0, 1, 0, 3, 0, 0}).to(t).view({1, 6})));
    CHECK(same(pad(x, {2, 1}, "reflect"), tensor({3, 0, 1, 0, 3, 0}).to(t).view({1, 6})));
    CHECK(same(pad(x, {2, 1}, "replicate"), tensor({1, 1, 1, 0, 3, 3}).to(t).view({1, 6})));
    CHECK(same(pad(x, {3, 1}, "circular"), tensor({1, 0, 3, 1, 0, 3, 1}).to(t).view({1, 7})));
  }
  const Tensor x = arange(6).view({1, 2, 3});
  CHECK(same(pad(x, {-1, 1, 1, 0}), tensor({0, 0, 0, 1, 2, 0, 4, 5, 0}).view({1, 3, 3})));
  CHECK(same(pad(x, {-1, 1, 1, 0}, "reflect"), tensor({4, 5, 4, 1, 2, 1, 4, 5, 4}).view({1, 3, 3})));
  CHECK(same(pad(x, {-1, 0, 2, 0}, "replicate"), tensor({1, 2, 1, 2, 1, 2, 4, 5}).view({1, 4, 2})));
  CHECK(same(pad(x, {2, -1, 2, 0}, "circular"), tensor({0, 1, 0, 1, 3, 4, 3, 4, 0, 1, 0, 1, 3, 4, 3, 4}).view({1, 4, 4})));
  CHECK(same(pad(x, {1, 1}, "constant", 7.0).select(1, 0), tensor({7, 0, 1, 2, 7}).view({1, 5})));
  CHECK(pad(zeros({0, 2, 3}), {1, 1}, "reflect").sizes() == IntArrayRef({0, 2, 5}));
  CHECK(pad(zeros({1, 3}), {-3, 0}).sizes() == IntArrayRef({1, 0}));
}

TEST_CASE("the gradient of a margin goes to what it shows") {
  Tensor x = tensor({{1., 2., 3.}}).requires_grad_();
  const Tensor w = tensor({{1., 10., 100., 1000., 10000.}});
  auto gradient = [&](std::string_view mode) { return autograd::grad({(pad(x, {1, 1}, mode) * w).sum()}, {x})[0]; };
  CHECK(same(gradient("constant"), tensor({{10., 100., 1000.}})));
  CHECK(same(gradient("reflect"), tensor({{10., 10101., 1000.}})));
  CHECK(same(gradient("replicate"), tensor({{11., 100., 11000.}})));
  CHECK(same(gradient("circular"), tensor({{10010., 100., 1001.}})));
}

TEST_CASE("padding says what is wrong") {
  const Tensor x = zeros({1, 2, 3});
  CHECK(error([&] { pad(x, {1}); }) == "pad: Padding length must be divisible by 2, but got 1");
  CHECK(error([&] { pad(x, {1, 1, 1, 1, 1, 1, 1, 1}); }) == "pad: Padding length too large: 8 numbers for an input of 3 dimensions");
  CHECK(error([&] { pad(x, {3, 0}, "reflect"); }) ==
        "reflection_pad1d: Padding size should be less than the corresponding input dimension, but got: padding (3, 0) at dimension 2 of input [1, 2, 3]");
  CHECK(error([&] { pad(x, {4, 0}, "circular"); }) == "_pad_circular: Padding value causes wrapping around more than once.");
  CHECK(error([&] { pad(x, {1, 1}, "reflect", 2.0); }) == "pad: Padding mode \"reflect\" doesn't take in value argument");
  CHECK(error([&] { pad(x, {1, 1}, "mirror"); }) == "pad: Unrecognised padding mode mirror");
  CHECK(error([&] { pad(zeros({1, 2, 3, 4}), {1, 1}, "replicate"); }) ==
        "pad: Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now");
  CHECK(error([&] { replication_pad1d(x, {-2, -1}); }) == "replication_pad1d: input of size 3 at dimension 2 is too small. Calculated output size: 0");
  CHECK(error([&] { reflection_pad2d(zeros({2, 0, 3}), {0, 0, 0, 0}); }) ==
        "reflection_pad2d: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: [2, 0, 3]");
  CHECK(error([&] { reflection_pad2d(x, {1, 1}); }) == "reflection_pad2d: padding size is expected to be 4, but got: 2");
  CHECK(error([&] { pad(x, {-2, -2}); }).find("resulted in a negative output size, which is invalid. Check dimension 2 of your input.") != std::string::npos);
  CHECK(error([&] { pad(x, {INT64_MAX, 1}); }) != "no error");
  CHECK(error([&] { pad(Tensor(), {1, 1}); }) == "pad: the tensor is undefined");
}

TEST_CASE("padding modules print as Python's") {
  CHECK(nn::to_string(*nn::ReflectionPad1d(2)) == "ReflectionPad1d((2, 2))");
  CHECK(nn::to_string(*nn::ConstantPad2d(nn::ConstantPad2dOptions({1, 2, 3, 4}, 0.5))) == "ConstantPad2d(padding=(1, 2, 3, 4), value=0.5)");
  CHECK(same(nn::ZeroPad2d(1)(ones({1, 1, 1})), tensor({0., 0., 0., 0., 1., 0., 0., 0., 0.}).view({1, 3, 3})));
  CHECK(same(F::pad(tensor({{1., 2.}}), F::PadFuncOptions({1, 0}).mode(kCircular)), tensor({{2., 1., 2.}})));
}
