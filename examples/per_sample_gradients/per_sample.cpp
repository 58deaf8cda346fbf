// per_sample.cpp -- the gradient of every sample in one pass, and what it is good for: clipping samples, one by one.
//
// backward() on the mean loss of a batch gives the mean gradient; what each sample contributed is gone. vmap(grad(loss))
// keeps it: grad makes a function that returns the gradient for one sample, vmap runs that function for all samples at once.
#include <cotangent/cotangent.h>
#include <cotangent/func.h>

#include <chrono>
#include <iostream>
#include <tuple>

namespace func = ct::func;
using ct::Tensor;

// The squared error of a network with one hidden layer, on one sample x [20] with target y [1].
Tensor loss(const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2, const Tensor& x, const Tensor& y) {
  const Tensor hidden = ct::tanh(w1.mv(x) + b1);
  return (w2.mv(hidden) + b2 - y).square().sum();
}

template <class F>
double milliseconds(const F& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int main() {
  ct::manual_seed(0);
  constexpr std::int64_t batch = 128;
  const Tensor w1 = ct::randn({32, 20}) * 0.2, b1 = ct::zeros({32}), w2 = ct::randn({1, 32}) * 0.2, b2 = ct::zeros({1});
  const Tensor x = ct::randn({batch, 20}), y = ct::randn({batch, 1});

  const auto gradient = func::grad(loss, func::argnums<0, 1, 2, 3>);
  const auto per_sample = func::vmap(gradient, {std::nullopt, std::nullopt, std::nullopt, std::nullopt, 0, 0});

  auto [g1, c1, g2, c2] = per_sample(w1, b1, w2, b2, x, y);
  std::cout << "gradients of w1, one for each sample: " << g1.sizes() << "\n";

  // The same as a loop, slower.
  bool same = true;
  const double loop = milliseconds([&] {
    for (std::int64_t i = 0; i < batch; ++i) same = same && ct::allclose(g1[i], std::get<0>(gradient(w1, b1, w2, b2, x[i], y[i])), 1e-4, 1e-6);
  });
  const double mapped = milliseconds([&] { per_sample(w1, b1, w2, b2, x, y); });
  std::cout << (same ? "equal to a loop over the samples" : "NOT equal to a loop over the samples") << "; the loop took " << loop << " ms, vmap " << mapped << " ms\n";

  // Their mean is the gradient of the mean loss.
  const auto mean_loss = [&](const Tensor& w) { return func::vmap(loss, {std::nullopt, std::nullopt, std::nullopt, std::nullopt, 0, 0})(w, b1, w2, b2, x, y).mean(); };
  const bool mean = ct::allclose(g1.mean(0), func::grad(mean_loss)(w1), 1e-4, 1e-6);
  std::cout << (mean ? "their mean is the gradient of the mean loss" : "their mean is NOT the gradient of the mean loss") << "\n";

  // Clipping each sample's gradient to length 1, as private training does, before the mean is taken.
  const Tensor length = (g1.square().sum({1, 2}) + c1.square().sum(1) + g2.square().sum({1, 2}) + c2.square().sum(1)).sqrt();
  const Tensor scale = (1 / length).clamp(std::nullopt, 1);
  const Tensor clipped = (g1 * scale.view({batch, 1, 1})).mean(0);
  std::cout << "lengths from " << length.min().item<float>() << " to " << length.max().item<float>() << "; " << (length > 1).sum().item<std::int64_t>()
            << " of " << batch << " samples were clipped, the mean gradient of w1 went from " << g1.mean(0).norm().item<float>() << " to "
            << clipped.norm().item<float>() << "\n";
  return same && mean ? 0 : 1;
}
