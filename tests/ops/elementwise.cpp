// tests/ops/elementwise.cpp -- elementwise functions: values by hand, kinks, dtypes, saved values, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cotangent/cotangent.h"

using ct::Scalar;
using ct::Tensor;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity(), not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<double> list(const Tensor& t) {
  const Tensor d = t.detach().to(ct::kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}
void same(const Tensor& t, const std::vector<double>& want) {
  const std::vector<double> got = list(t);
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CAPTURE(got[i]);
    CAPTURE(want[i]);
    if (std::isnan(want[i])) CHECK(std::isnan(got[i]));
    else CHECK((got[i] == want[i] || std::abs(got[i] - want[i]) <= 1e-6 * std::abs(want[i])));
  }
}
Tensor leaf(std::initializer_list<float> v) { return ct::tensor(v, ct::TensorOptions().requires_grad(true)); }
template <class F>
std::string message(F f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}
bool has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}
template <class F>
void gradient(std::initializer_list<float> at, F f, const std::vector<double>& want) {
  const Tensor x = leaf(at);
  f(x).sum().backward();
  same(x.grad(), want);
}

}  // namespace

TEST_CASE("slopes at kinks and ties are PyTorch's") {
  gradient({-1, 0, 1}, ct::relu, {0, 0, 1});
  gradient({-1, 0, 1}, ct::abs, {-1, 0, 1});
  gradient({0, 4}, ct::sqrt, {inf, 0.25});
  gradient({-1.5, 0, 2.5}, [](const Tensor& x) { return ct::floor(x) + ct::sign(x) + ct::round(x) + ct::ceil(x) + ct::trunc(x); }, {0, 0, 0});
  gradient({-2, -1, 0, 1, 2}, [](const Tensor& x) { return ct::clamp(x, Scalar(-1), Scalar(1)); }, {0, 1, 1, 1, 0});
  gradient({-2, -1, 0, 1, 2}, [](const Tensor& x) { return ct::hardtanh(x); }, {0, 0, 1, 0, 0});
  gradient({1, 2, 3}, [](const Tensor& x) { return ct::maximum(x, ct::tensor({2.f, 2.f, 2.f})); }, {0, 0.5, 1});
  gradient({1, 2, 3}, [](const Tensor& x) { return ct::minimum(x, ct::tensor({2.f, 2.f, 2.f})); }, {1, 0.5, 0});
  gradient({1, 2, 3}, [](const Tensor& x) { return ct::fmax(x, ct::tensor({2.f, 2.f, not_a_number})); }, {0, 1, 1});
  gradient({0, 0}, [](const Tensor& x) { return ct::atan2(x, ct::tensor({0.f, 1.f})); }, {0, 1});
  // where keeps values apart, but not the nan of the branch that was not taken.
  gradient({0, 4}, [](const Tensor& x) { return ct::where(x > 0, ct::sqrt(x), 0); }, {not_a_number, 0.25});
}

TEST_CASE("powers: frequent exponents, zero bases and exponents") {
  same(ct::pow(ct::tensor({-2.f, 0.f, 3.f}), 2), {4, 0, 9});
  same(ct::pow(ct::tensor({-2.f, 0.f, 3.f}), 3), {-8, 0, 27});
  same(ct::pow(ct::tensor({-2.f, 0.f, not_a_number}), 0), {1, 1, 1});
  same(ct::pow(ct::tensor({-2.f, 0.f, 4.f}), -1), {-0.5, inf, 0.25});
  same(ct::pow(ct::tensor({0.25f, 0.f, 4.f}), 0.5), {0.5, 0, 2});
  same(ct::pow(ct::tensor({0.25f, 0.f, 4.f}), -0.5), {2, inf, 0.5});
  same(ct::pow(ct::tensor({-2.f, -0.f, 1.5f, inf, -inf}), 5), {-32, 0, 7.59375, inf, -inf});
  same(ct::pow(ct::tensor({-2.f, 2.f}), 1.5), {not_a_number, 2.8284271});
  same(ct::pow(2, ct::tensor({-1.f, 0.f, 10.f})), {0.5, 1, 1024});
  same(ct::pow(ct::tensor({0.f, 0.f, -3.f, 1e20f, 2.f}), ct::tensor({0.f, 2.f, 3.f, 2.f, -200.f})), {1, 0, -27, inf, 0});
  same(ct::pow(ct::tensor({2, -3, 0, 1, -1}), ct::tensor({10, 3, 0, -5, -3})), {1024, -27, 1, 1, -1});
  CHECK(ct::pow(ct::tensor({2, 3}), 2).scalar_type() == ct::kLong);
  CHECK(ct::pow(ct::tensor({2, 3}), 2.0).scalar_type() == ct::kFloat);
  CHECK(ct::pow(ct::tensor({true, false}), 2).scalar_type() == ct::kLong);
  gradient({0, 2, -3}, [](const Tensor& x) { return ct::pow(x, 0); }, {0, 0, 0});
  gradient({0, 2, -3}, [](const Tensor& x) { return ct::pow(x, 1); }, {1, 1, 1});
  gradient({0, 2, -3}, [](const Tensor& x) { return ct::pow(x, 2); }, {0, 4, -6});
  gradient({0, 2}, [](const Tensor& x) { return ct::pow(x, 0.5); }, {inf, 0.35355339});
  gradient({0, 2, 0.5}, [](const Tensor& e) { return ct::pow(ct::tensor({0.f, 0.f, 4.f}), e); }, {0, 0, 2 * std::log(4.0)});
  gradient({0, 2}, [](const Tensor& e) { return ct::pow(0, e); }, {0, 0});
  gradient({3}, [](const Tensor& x) { return ct::pow(x, ct::tensor({0.f})); }, {0});
  has(message([] { ct::pow(ct::tensor({2, 3}), -1); }), "Integers to negative integer powers are not allowed.");
}

TEST_CASE("divisions that round follow Python's signs") {
  const Tensor a = ct::tensor({7, -7, 7, -7}), b = ct::tensor({2, 2, -2, -2});
  same(ct::floor_divide(a, b), {3, -4, -4, 3});
  same(ct::div(a, b, "trunc"), {3, -3, -3, 3});
  same(ct::remainder(a, b), {1, 1, -1, -1});
  same(ct::fmod(a, b), {1, -1, 1, -1});
  same(ct::floor_divide(a.to(ct::kFloat), b), {3, -4, -4, 3});
  same(ct::remainder(a.to(ct::kFloat), b), {1, 1, -1, -1});
  same(ct::fmod(a.to(ct::kFloat), b), {1, -1, 1, -1});
  same(ct::floor_divide(ct::tensor({1.f, -1.f, 0.f}), 0), {inf, -inf, not_a_number});
  same(ct::remainder(ct::tensor({5.f, -5.f}), inf), {5, inf});
  const Tensor smallest = ct::tensor({std::numeric_limits<std::int64_t>::min()});
  CHECK(ct::floor_divide(smallest, -1).item<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  CHECK(ct::remainder(smallest, -1).item<std::int64_t>() == 0);
  for (const std::string& m : {message([&] { ct::floor_divide(a, 0); }), message([&] { ct::remainder(a, ct::zeros_like(b)); }),
                               message([&] { ct::fmod(a, 0); }), message([&] { ct::div(a, 0, "trunc"); }), message([&] { a.clone().remainder_(0); })})
    has(m, "ZeroDivisionError");
  CHECK(ct::floor_divide(ct::zeros({0}, ct::kLong), 0).numel() == 0);
  has(message([&] { ct::div(a, b, "down"); }), "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'down'");
}

TEST_CASE("nan passes through bounds; numbers win in fmax and fmin") {
  const Tensor x = ct::tensor({not_a_number, 1.f, not_a_number}), y = ct::tensor({1.f, not_a_number, not_a_number});
  same(ct::maximum(x, y), {not_a_number, not_a_number, not_a_number});
  same(ct::minimum(x, y), {not_a_number, not_a_number, not_a_number});
  same(ct::fmax(x, y), {1, 1, not_a_number});
  same(ct::fmin(x, y), {1, 1, not_a_number});
  same(ct::clamp(x, Scalar(0), Scalar(2)), {not_a_number, 1, not_a_number});
  same(ct::clamp(ct::tensor({1.f, 5.f}), Scalar(3), Scalar(2)), {2, 2});  // max wins
  same(ct::relu(x), {not_a_number, 1, not_a_number});
  same(ct::nan_to_num(ct::tensor({not_a_number, inf, -inf, 2.f}), 7.0, std::nullopt, -5.0), {7, std::numeric_limits<float>::max(), -5, 2});
  same(ct::sign(ct::tensor({not_a_number, -0.f, -3.f, inf})), {0, 0, -1, 1});
  CHECK(ct::nan_to_num(ct::tensor({inf}).to(ct::kHalf)).item<double>() == 65504);
}

TEST_CASE("comparisons: kBool, strides, nan, closeness") {
  const Tensor x = ct::tensor({{1.f, not_a_number, 3.f}, {4.f, 5.f, 6.f}});
  same(x == x, {1, 0, 1, 1, 1, 1});
  same(x.t() != x.t(), {0, 0, 1, 0, 0, 0});
  same(x >= 4, {0, 0, 0, 1, 1, 1});
  same(2 < x.select(0, 1), {1, 1, 1});
  CHECK((x < x).scalar_type() == ct::kBool);
  CHECK((x.to(ct::kHalf) < 2).scalar_type() == ct::kBool);
  same(ct::tensor({1, 2}) < 1.5, {1, 0});
  CHECK(ct::allclose(ct::tensor({1.f, 100.f}), ct::tensor({1.000001f, 100.0005f})));
  CHECK(!ct::allclose(ct::tensor({1.f}), ct::tensor({1.0001f})));
  CHECK(!ct::allclose(ct::tensor({not_a_number}), ct::tensor({not_a_number})));
  CHECK(ct::allclose(ct::tensor({not_a_number, inf}), ct::tensor({not_a_number, inf}), 1e-5, 1e-8, true));
  CHECK(!ct::allclose(ct::tensor({inf}), ct::tensor({-inf})));
  CHECK(ct::equal(ct::tensor({1, 2}), ct::tensor({1, 2})));
  CHECK(!ct::equal(ct::tensor({1, 2}), ct::tensor({{1, 2}})));
  CHECK(ct::equal(ct::zeros({0}), ct::zeros({0})));
  has(message([] { ct::isclose(ct::zeros({1}), ct::zeros({1}, ct::kDouble)); }), "Float did not match Double");
  has(message([] { ct::isclose(ct::zeros({1}), ct::zeros({1}), -1); }), "rtol must be greater than or equal to zero, but got -1");
  // In place: zeros and ones of the same dtype, cut off from what was before.
  const Tensor w = leaf({1, 2, 3});
  Tensor y = w * 2;
  y.gt_(3);
  same(y, {0, 1, 1});
  CHECK(y.scalar_type() == ct::kFloat);
  y.sum().backward();
  same(w.grad(), {0, 0, 0});
}

TEST_CASE("logic and bits") {
  const Tensor a = ct::tensor({true, true, false}), b = ct::tensor({true, false, false});
  same(a & b, {1, 0, 0});
  same(a | b, {1, 1, 0});
  same(a ^ b, {0, 1, 0});
  same(~a, {0, 0, 1});
  same(!ct::tensor({0.f, 2.f, not_a_number}), {1, 0, 0});
  same(ct::logical_xor(ct::tensor({0.f, 2.f}), ct::tensor({1, 1})), {1, 0});
  same(ct::bitwise_not(ct::tensor({0, 5, -1})), {-1, -6, 0});
  same(ct::bitwise_left_shift(ct::tensor({1, 3}), ct::tensor({4, 70})), {16, 0});
  same(ct::bitwise_right_shift(ct::tensor({-16, -16}), ct::tensor({2, 70})), {-4, -1});
  Tensor c = a.clone();
  c.logical_and_(b);
  same(c, {1, 0, 0});
  has(message([] { ct::bitwise_and(ct::zeros({1}), ct::zeros({1})); }), "\"bitwise_and\" not implemented for 'Float'");
  has(message([&] { -a; }), "Negation, the `-` operator, on a bool tensor is not supported");
  has(message([&] { 1 - a; }), "Subtraction, the `-` operator, with");
}

TEST_CASE("dtypes of results") {
  const Tensor f = ct::ones({2}), l = ct::ones({2}, ct::kLong), d = ct::ones({2}, ct::kDouble), b = ct::ones({2}, ct::kBool), h = ct::ones({2}, ct::kHalf);
  CHECK(ct::exp(l).scalar_type() == ct::kFloat);
  CHECK(ct::exp(h).scalar_type() == ct::kHalf);
  CHECK(ct::sigmoid(b).scalar_type() == ct::kFloat);
  CHECK(ct::floor(l).scalar_type() == ct::kLong);
  CHECK(ct::clamp(l, Scalar(0.5)).scalar_type() == ct::kFloat);
  CHECK(ct::clamp(l, Scalar(0), Scalar(1)).scalar_type() == ct::kLong);
  CHECK(ct::clamp(b, Scalar(0), Scalar(1)).scalar_type() == ct::kLong);
  CHECK((2.5 - l).scalar_type() == ct::kFloat);
  CHECK((2 - l).scalar_type() == ct::kLong);
  CHECK((2.5 - h).scalar_type() == ct::kHalf);
  CHECK(ct::where(b, f, d).scalar_type() == ct::kDouble);
  CHECK(ct::where(b, 1.5, l).scalar_type() == ct::kFloat);
  CHECK(ct::where(b, 1, 2).scalar_type() == ct::kLong);
  CHECK(ct::where(b, h, 2.0).scalar_type() == ct::kHalf);
  CHECK(ct::maximum(f, l).scalar_type() == ct::kFloat);
  CHECK(ct::result_type(h, d) == ct::kDouble);
  CHECK(ct::result_type(f, ct::ones({}, ct::kDouble)) == ct::kFloat);
  CHECK(ct::result_type(l, Scalar(1.5)) == ct::kFloat);
  CHECK(ct::result_type(ct::ones({2}, ct::kByte), Scalar(1)) == ct::kByte);
  same(ct::clamp(ct::ones({2}, ct::kByte), Scalar(-5), Scalar(1000)), {1, 1});
  has(message([&] { l.clone().exp_(); }), "result type Float can't be cast to the desired output type Long");
  has(message([&] { l.clone().pow_(0.5); }), "result type Float can't be cast to the desired output type Long");
  has(message([&] { l.clone().clamp_(Scalar(0.5)); }), "result type Float can't be cast to the desired output type Long");
  has(message([&] { ct::where(f, f, f); }), "where expected condition to be a boolean tensor, but got a tensor with dtype Float");
  has(message([&] { ct::clamp(f); }), "At least one of 'min' or 'max' must not be None");
  has(message([&] { ct::lerp(f, d, 0.5); }), "expected dtype Float for `end` but got dtype Double");
  has(message([&] { ct::addcmul(l, l, l, 0.5); }), "For integral input tensors, argument value must not be a floating point number");
  has(message([&] { ct::addcdiv(l, l, l); }), "Integer division with addcdiv is no longer supported");
  has(message([&] { ct::gelu(f, "erf"); }), "approximate argument must be either none or tanh");
  has(message([&] { ct::celu(f, 0); }), "alpha cannot be 0 for CELU");
  has(message([&] { ct::heaviside(f, d); }), "heaviside is not yet implemented for tensors with different dtypes");
  has(message([&] { ct::gelu(l); }), "\"gelu\" not implemented for 'Long'");
}

TEST_CASE("nodes have PyTorch's names, and save what PyTorch saves") {
  const Tensor x = leaf({0.3f, 0.6f}), y = leaf({0.5f, 0.2f});
  const std::pair<Tensor, const char*> nodes[] = {
      {1 - x, "RsubBackward1"}, {ct::rsub(x, y), "RsubBackward0"}, {ct::pow(x, 2), "PowBackward0"}, {ct::pow(x, y), "PowBackward1"},
      {ct::pow(2, x), "PowBackward2"}, {ct::square(x), "PowBackward0"}, {ct::log1p(x), "Log1PBackward0"}, {ct::relu6(x), "HardtanhBackward0"},
      {ct::selu(x), "EluBackward0"}, {ct::clamp(x, Scalar(0)), "ClampBackward1"}, {ct::clamp_min(x, 0), "ClampMinBackward0"},
      {ct::remainder(x, y), "RemainderBackward1"}, {ct::remainder(x, 2), "RemainderBackward0"}, {ct::lerp(x, y, 0.5), "LerpBackward0"},
      {ct::lerp(x, y, y), "LerpBackward1"}, {ct::round(x, 2), "RoundBackward1"}, {x.clone().leaky_relu_(), "LeakyReluBackward1"},
      {x / 2, "DivBackward0"}, {ct::div(x, y, "floor"), "DivBackward2"}, {ct::where(x > 0, x, y), "WhereBackward0"}};
  for (const auto& [t, name] : nodes) CHECK(t.grad_fn()->name() == name);
  CHECK((1 - x).grad_fn()->num_outputs() == 1);
  CHECK(!(x > 0).requires_grad());
  CHECK(!ct::isnan(x).requires_grad());
  // Saved outputs: changing the result in place breaks backward; saved inputs: it does not.
  for (auto f : {ct::exp, ct::sigmoid, ct::tanh, ct::sqrt, ct::reciprocal, ct::relu, ct::rsqrt, ct::tan}) {
    const Tensor z = f(x);
    z.add_(1);
    has(message([&] { z.sum().backward(); }), "has been modified by an inplace operation");
  }
  for (auto f : {ct::sin, ct::cos, ct::log, ct::abs, ct::square, ct::erf, ct::silu, ct::log_sigmoid}) {
    const Tensor z = f(x);
    z.add_(1);
    z.sum().backward();
  }
}

TEST_CASE("into a given tensor") {
  const Tensor a = ct::tensor({1.f, 2.f}), b = ct::tensor({10.f, 20.f});
  Tensor out = ct::empty({2});
  CHECK(ct::add_out(out, a, b, 2).is_same(out));
  same(out, {21, 42});
  CHECK(out._version() == 1);
  same(ct::div_out(out, b, a), {10, 10});
  same(ct::mul_out(out, out, a), {10, 20});
  Tensor wrong = ct::empty({7});
  same(ct::sub_out(wrong, b, a), {9, 18});
  CHECK(wrong.sizes() == ct::IntArrayRef{2});
  Tensor ints = ct::zeros({2}, ct::kLong), wide = ct::zeros({2}, ct::kDouble);
  has(message([&] { ct::add_out(ints, a, b); }), "result type Float can't be cast to the desired output type Long");
  same(ints, {0, 0});
  same(ct::add_out(wide, a, b), {11, 22});
  const Tensor tracked = leaf({1, 2});
  const char* text = "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.";
  has(message([&] { ct::add_out(out, tracked, b); }), text);
  Tensor leaf_out = leaf({1, 2});
  has(message([&] { ct::mul_out(leaf_out, a, b); }), text);
  ct::NoGradGuard guard;
  same(ct::add_out(out, tracked, b), {11, 22});
}

TEST_CASE("nothing is read of an empty slice at the end of memory") {  // found under AddressSanitizer
  const ct::Tensor x = ct::ones({1}, ct::kDouble), none = x.slice(0, 1, 1), no = ct::ones({1}, ct::kBool).slice(0, 1, 1);
  CHECK((none > none).numel() == 0);
  CHECK((none == 1).numel() == 0);
  CHECK(ct::where(no, none, none).numel() == 0);
}
