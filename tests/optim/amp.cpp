// tests/optim/amp.cpp -- mixed precision: what autocast converts, scaling of losses, skipped steps, small trainings.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cotangent/amp.h"
#include "cotangent/cotangent.h"
#include "cotangent/func.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"
#include "cotangent/ops/convolution.h"
#include "cotangent/optim.h"

using ct::Tensor;
namespace nn = ct::nn;
namespace F = ct::nn::functional;
namespace amp = ct::amp;

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

constexpr double inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("autocast: products in half precision, losses in float32, gradients in the parameter's dtype") {
  ct::manual_seed(0);
  nn::Linear fc(4, 3);
  const Tensor x = ct::randn({2, 4}), classes = ct::tensor({0, 2});
  for (const ct::ScalarType half : {ct::kBFloat16, ct::kHalf}) {
    fc->zero_grad();
    const amp::autocast guard(half);
    CHECK(amp::is_autocast_enabled());
    CHECK(amp::get_autocast_dtype() == half);
    const Tensor y = fc(x);
    CHECK(y.scalar_type() == half);
    CHECK(ct::allclose(y.to(ct::kFloat), ct::linear(x.to(half), fc->weight.to(half), fc->bias.to(half)).to(ct::kFloat)));
    CHECK(ct::matmul(x, fc->weight.t()).scalar_type() == half);
    CHECK(ct::bmm(ct::ones({1, 2, 3}), ct::ones({1, 3, 2})).scalar_type() == half);
    CHECK(y.relu().scalar_type() == half);
    CHECK(fc(ct::cat({y, y}, 1).slice(1, 0, 4)).scalar_type() == half);  // of half precision and float32
    CHECK(ct::dot(y[0], fc->weight[0].slice(0, 0, 3)).scalar_type() == half);
    CHECK(ct::conv1d(y.unsqueeze(2), ct::ones({2, 3, 1})).scalar_type() == half);
    CHECK((y + 1).scalar_type() == half);
    CHECK((y + x.slice(1, 0, 3)).scalar_type() == ct::kFloat);
    CHECK(y.softmax(1).scalar_type() == ct::kFloat);
    CHECK(y.log_softmax(1).scalar_type() == ct::kFloat);
    CHECK(F::cross_entropy(y, classes).scalar_type() == ct::kFloat);
    CHECK(F::mse_loss(y, ct::zeros({2, 3})).scalar_type() == ct::kFloat);
    CHECK(F::l1_loss(y, y.detach()).scalar_type() == ct::kFloat);
    CHECK(F::kl_div(y.log_softmax(1).to(half), y.softmax(1).to(half), ct::kSum).scalar_type() == ct::kFloat);
    CHECK(F::layer_norm(y, F::LayerNormFuncOptions({3})).scalar_type() == ct::kFloat);
    F::cross_entropy(y, classes).backward();
    CHECK(fc->weight.grad().scalar_type() == ct::kFloat);
    CHECK(fc->bias.grad().scalar_type() == ct::kFloat);
    const Tensor wide = fc->weight.to(ct::kDouble);
    CHECK(ct::matmul(x.to(ct::kDouble), wide.t()).scalar_type() == ct::kDouble);
    {
      const amp::autocast off(half, false);
      CHECK(!amp::is_autocast_enabled());
      CHECK(fc(x).scalar_type() == ct::kFloat);
    }
    CHECK(fc(x).scalar_type() == half);
  }
  CHECK(!amp::is_autocast_enabled());
  CHECK(fc(x).scalar_type() == ct::kFloat);
  CHECK(error_of([] { amp::autocast guard(ct::kFloat); }).find("the dtype must be BFloat16 or Half, but got Float") != std::string::npos);
}

TEST_CASE("autocast under transforms of functions") {
  ct::manual_seed(1);
  const Tensor w = ct::randn({3, 4}), x = ct::randn({5, 4}), t = ct::randn({5, 4});
  const amp::autocast guard(ct::kBFloat16);
  const auto f = [&](const Tensor& v) { return ct::mv(w, v).to(ct::kFloat).sin().sum(); };
  const Tensor each = ct::func::vmap(ct::func::grad(f))(x);
  CHECK(each.scalar_type() == ct::kFloat);
  for (int i = 0; i < 5; ++i) CHECK(ct::allclose(each[i], ct::func::grad(f)(x[i]), 2e-2, 2e-2));
  const auto [y, dy] = ct::func::jvp(f, x[0], t[0]);
  CHECK(dy.item<double>() == doctest::Approx((ct::func::grad(f)(x[0]) * t[0]).sum().item<double>()).epsilon(0.05));
}

TEST_CASE("autocast in layers of several kinds") {
  ct::manual_seed(2);
  nn::LSTM lstm(nn::LSTMOptions(3, 4).num_layers(2));
  nn::BatchNorm1d norm(4);
  nn::EmbeddingBag bag(7, 3);
  const Tensor x = ct::randn({5, 2, 3});
  const Tensor exact = std::get<0>(lstm(x)).detach();
  const amp::autocast guard(ct::kBFloat16);
  const Tensor y = std::get<0>(lstm(x));
  CHECK(ct::allclose(y.to(ct::kFloat), exact, 5e-2, 5e-2));
  const Tensor z = norm(ct::matmul(y.reshape({10, 4}), ct::eye(4)));
  CHECK(z.scalar_type() == ct::kFloat);
  (z.square().sum() + bag(ct::tensor({{1, 2}})).sum()).backward();
  for (const auto& p : lstm->named_parameters()) {
    CAPTURE(p.key());
    CHECK(p.value().grad().scalar_type() == ct::kFloat);
  }
}

TEST_CASE("GradScaler: scale, unscale, step, update") {
  const Tensor w = ct::tensor({1.0f, 2.0f}).requires_grad_();
  ct::optim::SGD opt({w}, 0.5);
  amp::GradScaler scaler(8, 2, 0.5, 2);
  CHECK(scaler.get_scale() == 8);
  const auto backward = [&](double factor) {
    opt.zero_grad();
    const Tensor loss = (w * factor).sum();
    const Tensor scaled = scaler.scale(loss);
    if (std::isfinite(factor)) CHECK(scaled.item<double>() == doctest::Approx(loss.item<double>() * scaler.get_scale()));
    scaled.backward();
  };
  backward(1);
  CHECK(w.grad()[0].item<double>() == 8);
  scaler.unscale_(opt);
  CHECK(w.grad()[0].item<double>() == 1);
  CHECK(error_of([&] { scaler.unscale_(opt); }) == "unscale_() has already been called on this optimizer since the last update().");
  CHECK(scaler.step(opt));
  CHECK(w[0].item<double>() == 0.5);
  CHECK(error_of([&] { scaler.step(opt); }) == "step() has already been called since the last update().");
  CHECK(error_of([&] { scaler.unscale_(opt); }) == "unscale_() is being called after step().");
  scaler.update();
  CHECK(scaler.get_scale() == 8);
  backward(1);
  CHECK(scaler.step(opt));
  CHECK(w[0].item<double>() == 0);
  scaler.update();
  CHECK(scaler.get_scale() == 16);  // the second good step in a row
  for (const double bad : {inf, -inf, std::numeric_limits<double>::quiet_NaN()}) {
    const double before = scaler.get_scale();
    const Tensor values = w.detach().clone();
    backward(bad);
    CHECK(!scaler.step(opt));
    CHECK(ct::equal(w, values));
    scaler.update();
    CHECK(scaler.get_scale() == before / 2);
  }
  CHECK(scaler.get_scale() == 2);
  scaler.update(64);
  CHECK(scaler.get_scale() == 64);
  CHECK(error_of([&] { scaler.update(); }).find("No inf checks were recorded prior to update.") == 0);
  opt.zero_grad();
  CHECK(error_of([&] { scaler.step(opt); }).find("No inf checks were recorded for this optimizer.") == 0);
}

TEST_CASE("GradScaler: one infinite element anywhere, in any layout") {
  for (const ct::ScalarType type : {ct::kFloat, ct::kDouble, ct::kBFloat16})
    for (const std::int64_t at : {0, 1, 70000, 99999}) {
      const Tensor w = ct::zeros({100000}, type).requires_grad_(), other = ct::zeros({2, 3}, type).t().requires_grad_();
      ct::optim::SGD opt({other, w}, 1.0);
      amp::GradScaler scaler(4);
      scaler.scale(ct::ones({}));
      Tensor g = ct::ones({100000}, type);
      g[at] = inf;
      w.set_grad(g);
      other.set_grad(ct::ones({2, 3}, type).t());
      CHECK(!scaler.step(opt));
      CHECK(other.grad()[0][0].item<double>() == 0.25);
      CHECK(w.grad()[5].item<double>() == 0.25);
      CHECK(w.abs().sum().item<double>() == 0);
      scaler.update();
      CHECK(scaler.get_scale() == 2);
    }
  const Tensor half = ct::zeros({2}, ct::kHalf).requires_grad_();
  ct::optim::SGD opt({half}, 1.0);
  amp::GradScaler scaler;
  scaler.scale(half.sum()).backward();
  CHECK(error_of([&] { scaler.step(opt); }).find("Attempting to unscale FP16 gradients.") != std::string::npos);
}

TEST_CASE("GradScaler: errors, several optimizers, disabled, saved") {
  const Tensor a = ct::ones({2}).requires_grad_(), b = ct::ones({2}).requires_grad_();
  ct::optim::SGD first({a}, 0.1), second({b}, 0.1);
  CHECK(error_of([&] { amp::GradScaler(8, 1.0); }).find("The growth factor must be > 1.0") != std::string::npos);
  CHECK(error_of([&] { amp::GradScaler(8, 2, 1.0); }).find("The backoff factor must be < 1.0") != std::string::npos);
  amp::GradScaler scaler(8);
  CHECK(error_of([&] { scaler.step(first); }).find("Attempted step but _scale is None.") == 0);
  // One optimizer's infinity does not stop the other, but both count for the scale.
  scaler.scale((a * inf).sum()).backward();
  scaler.scale(b.sum()).backward();
  CHECK(!scaler.step(first));
  CHECK(scaler.step(second));
  scaler.update();
  CHECK(scaler.get_scale() == 4);
  CHECK(b[0].item<double>() == doctest::Approx(0.9));
  const auto state = scaler.state_dict();
  CHECK(state.keys() == std::vector<std::string>{"scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker"});
  amp::GradScaler other;
  other.load_state_dict(state);
  CHECK(other.get_scale() == 4);
  amp::GradScaler off(8, 2, 0.5, 2000, false);
  CHECK(off.scale(a).is_same(a));
  CHECK(off.get_scale() == 1);
  CHECK(off.state_dict().size() == 0);
  CHECK(error_of([&] { other.load_state_dict(off.state_dict()); }).find("The source state dict is empty") == 0);
  b.set_grad(ct::ones({2}));
  CHECK(off.step(second));
  off.update();
}

TEST_CASE("a small network trains in bfloat16 and float16") {
  for (const ct::ScalarType half : {ct::kBFloat16, ct::kHalf}) {
    ct::manual_seed(0);
    nn::Sequential net(nn::Linear(1, 16), nn::Tanh(), nn::Linear(16, 1));
    ct::optim::Adam opt(net->parameters(), 0.02);
    amp::GradScaler scaler(1 << 24, 2, 0.5, 50);  // too large for float16 at first
    const Tensor x = ct::linspace(-1, 1, 64).unsqueeze(1), y = (3 * x).sin();
    int skipped = 0;
    double loss_value = 0;
    for (int step = 0; step < 300; ++step) {
      opt.zero_grad();
      Tensor loss;
      {
        const amp::autocast guard(half);
        loss = F::mse_loss(net(x), y);
      }
      CHECK(loss.scalar_type() == ct::kFloat);
      loss_value = loss.item<double>();
      scaler.scale(loss).backward();
      scaler.unscale_(opt);
      nn::utils::clip_grad_norm_(net->parameters(), 10);
      skipped += !scaler.step(opt);
      scaler.update();
    }
    CAPTURE(half);
    CHECK(loss_value < 0.01);
    CHECK((half == ct::kHalf) == (skipped > 0));
    CHECK(skipped < 30);
    for (const Tensor& p : net->parameters()) CHECK(p.scalar_type() == ct::kFloat);
  }
}
