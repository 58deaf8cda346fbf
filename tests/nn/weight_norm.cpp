// tests/nn/weight_norm.cpp -- weights that are computed before each call.
#include <doctest/doctest.h>

#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/func.h"
#include "cotangent/nn.h"
#include "cotangent/optim.h"

using ct::Tensor;
namespace nn = ct::nn;
using Strings = std::vector<std::string>;

namespace {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("weight_norm: w = g v / |v|") {
  ct::manual_seed(0);
  nn::Linear fc(4, 3);
  const Tensor before = fc->weight.detach().clone(), x = ct::randn({2, 4});
  const Tensor y = fc(x).detach();
  nn::Linear same = nn::utils::weight_norm(fc);
  CHECK(same.get() == fc.get());
  CHECK(fc->named_parameters().keys() == Strings{"bias", "weight_g", "weight_v"});
  CHECK(fc->named_parameters()["weight_g"].sizes() == ct::IntArrayRef({3, 1}));
  CHECK(ct::allclose(fc(x), y));
  fc->named_parameters()["weight_g"].detach().mul_(2);
  CHECK(ct::allclose(fc(x) - fc->bias, 2 * (y - fc->bias), 1e-5, 1e-6));
  fc(x).sum().backward();
  const Tensor g = fc->named_parameters()["weight_g"].grad(), v = fc->named_parameters()["weight_v"].grad();
  // The gradient of the direction is orthogonal to it.
  CHECK(ct::allclose((v * fc->named_parameters()["weight_v"]).sum(1), ct::zeros({3}), 1e-5, 1e-5));
  CHECK(ct::allclose(g.squeeze(1), (before / before.norm(2, {1}, true) * x.sum(0)).sum(1), 1e-5, 1e-5));
  CHECK(error_of([&] { nn::utils::weight_norm(fc); }) == "Cannot register two weight_norm hooks on the same parameter weight");
  CHECK(error_of([&] { fc->clone(); }).find("has a weight that is computed before each call") != std::string::npos);
  nn::utils::remove_weight_norm(fc);
  CHECK(fc->named_parameters().keys() == Strings{"bias", "weight"});
  CHECK(ct::allclose(fc->weight, 2 * before));
  CHECK(fc->weight.is_same(fc->named_parameters()["weight"]));
  CHECK(fc->weight.requires_grad());
  CHECK(error_of([&] { nn::utils::remove_weight_norm(fc); }).find("weight_norm of 'weight' not found in ct::nn::LinearImpl") == 0);
  CHECK(error_of([&] { nn::utils::weight_norm(*fc, "nothing"); }).find("has no parameter 'nothing'") != std::string::npos);
}

TEST_CASE("weight_norm over other dimensions, trained") {
  ct::manual_seed(1);
  nn::Linear fc(4, 3);
  const Tensor x = ct::randn({5, 4}), y = fc(x).detach();
  nn::utils::weight_norm(fc, "weight", 1);
  CHECK(fc->named_parameters()["weight_g"].sizes() == ct::IntArrayRef({1, 4}));
  CHECK(ct::allclose(fc(x), y, 1e-5, 1e-6));
  nn::utils::remove_weight_norm(fc);
  nn::utils::weight_norm(fc, "weight", std::nullopt);
  CHECK(fc->named_parameters()["weight_g"].dim() == 0);
  ct::optim::SGD opt(fc->parameters(), 0.05);
  double first = 0, last = 0;
  for (int i = 0; i < 20; ++i) {
    const Tensor loss = fc(x).square().mean();
    if (i == 0) first = loss.item<double>();
    last = loss.item<double>();
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
  CHECK(last < 0.9 * first);
  // Saved and loaded by the names of the parts.
  nn::Linear other(4, 3);
  nn::utils::weight_norm(other, "weight", std::nullopt);
  other->load_state_dict(fc->state_dict());
  CHECK(ct::equal(other(x), fc(x)));
}

TEST_CASE("spectral_norm: w = w_orig / its largest singular value") {
  ct::manual_seed(2);
  nn::Linear fc(6, 5);
  const Tensor w = fc->weight.detach().clone(), x = ct::randn({3, 6});
  nn::utils::spectral_norm(fc, "weight", 1, 1e-12);
  CHECK(fc->named_parameters().keys() == Strings{"bias", "weight_orig"});
  CHECK(fc->named_buffers().keys() == Strings{"weight_u", "weight_v"});
  CHECK(fc->named_buffers()["weight_u"].sizes() == ct::IntArrayRef({5}));
  CHECK(fc->named_buffers()["weight_v"].sizes() == ct::IntArrayRef({6}));
  // One round of power iteration by hand.
  const Tensor u = fc->named_buffers()["weight_u"].clone();
  Tensor right = ct::mv(w.t(), u);
  right = right / right.norm();
  Tensor left = ct::mv(w, right);
  left = left / left.norm();
  const Tensor sigma = ct::dot(left, ct::mv(w, right));
  CHECK(ct::allclose(fc(x), ct::linear(x, w / sigma, fc->bias), 1e-5, 1e-6));
  for (int i = 0; i < 300; ++i) fc(x);
  const double largest = ct::linalg_norm(w, 2).item<double>();
  CHECK(ct::linalg_norm(fc->weight.detach(), 2).item<double>() == doctest::Approx(1).epsilon(1e-4));
  fc->eval();
  const Tensor before = fc->named_buffers()["weight_u"].clone();
  fc(x);
  CHECK(ct::equal(before, fc->named_buffers()["weight_u"]));
  // Two calls before one backward: the graph keeps the vectors of its call.
  fc->train();
  const Tensor sum = fc(x).sum() + fc(x * 2).sum();
  sum.backward();
  CHECK(fc->named_parameters()["weight_orig"].grad().defined());
  CHECK(error_of([&] { nn::utils::spectral_norm(fc); }) == "Cannot register two spectral_norm hooks on the same parameter weight");
  nn::utils::remove_spectral_norm(fc);
  CHECK(fc->buffers().empty());
  CHECK(ct::allclose(fc->weight, w / largest, 1e-3, 1e-4));
  CHECK(error_of([&] { nn::utils::spectral_norm(fc, "weight", 0); }).find("Expected n_power_iterations to be positive, but got n_power_iterations=0") !=
        std::string::npos);
}
