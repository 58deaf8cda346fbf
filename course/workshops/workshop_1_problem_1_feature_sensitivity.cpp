// Workshop 1, problem 1: Sensitivity of a feature transformation
// Level: workshop
// Concepts: vector-Jacobian products, upstream gradients as questions, relu as a gate, sparsity, Monte Carlo

#include <cotangent/plot.h>

#include <filesystem>

#include "common/lesson.h"
#include <cmath>
#include <iostream>

using namespace lesson;

int main() {
  // %% [markdown]
  // # Sensitivity of a feature transformation
  // Six inputs, four features: out = relu(W x), where W picks the first four inputs with the factors 1, 1, 2, 3. An upstream
  // gradient v is a question: *how does v . out change with x?* Ask it so that the last feature counts most and the first two
  // not at all.

  // %%
  section("1. Set-up");
  auto W = ct::zeros({4, 6});
  const double factors[] = {1, 1, 2, 3};
  for (int i = 0; i < 4; ++i) W.index_put_({i, i}, factors[i]);
  std::cout << "W = " << W << "\n";
  auto v = ct::tensor({0.0, 0.0, 0.25, 0.75});

  // x.grad for an input, by backward; and the key for it: W_ii v_i wherever x_i > 0.
  auto gradient = [&](const ct::Tensor& start) {
    auto x = start.clone().requires_grad_();
    auto out = W.mv(x).relu();
    out.backward(v);
    std::cout << "x      = " << start << "\nout    = " << out.detach() << "\nx.grad = " << x.grad() << "\n";
    return std::pair(out.detach(), x.grad());
  };

  // %%
  section("2. One input by hand");
  {
    auto [out, grad] = gradient(ct::tensor({-1.0, 0.5, 2.0, 1.0, 3.0, -2.0}));
    check(out, {0, 0.5, 4, 3});
    check(grad, {0, 0, 0.5, 2.25, 0, 0});
  }
  std::cout << "the gate of the last feature closed:\n";
  {
    auto [out, grad] = gradient(ct::tensor({-1.0, 0.5, 2.0, -1.0, 3.0, -2.0}));
    check(grad, {0, 0, 0.5, 0, 0, 0});
  }

  // %%
  section("3. A random input");
  ct::manual_seed(0);
  {
    auto [out, grad] = gradient(ct::randn({6}));
    check(out, {1.5409961, 0, 0, 1.7053}, 1e-4, 1e-4);
    check(grad, {0, 0, 0, 2.25, 0, 0});
  }

  // %%
  section("4. On average: each gate is open half of the time");
  // One backward on a batch of 100000 inputs replaces as many small ones: row k of x.grad belongs to row k of x.
  const std::int64_t n = 100000;
  ct::manual_seed(0);
  auto batch = ct::randn({n, 6}, ct::requires_grad());
  auto out = ct::relu(batch.matmul(W.t()));
  out.backward(v.expand({n, 4}));
  auto mean = batch.grad().mean(0);
  std::cout << "mean gradient = " << mean << "\n";
  check(mean[2].item<double>(), 0.248385, 1e-4);
  check(mean[3].item<double>(), 1.125833, 1e-4);

  // The expectation is v_i W_ii / 2: with v = (0, 0, w, 1 - w), entry 2 is w and entry 3 is 1.5 (1 - w).
  std::vector<double> weight, g0, g2, g3, asked, answered;
  const double root = std::sqrt(static_cast<double>(n));
  for (int step = 0; step < 20; ++step) {
    const double w = 0.01 + step * (0.5 - 0.01) / 19;
    auto x = batch.detach().requires_grad_();
    ct::relu(x.matmul(W.t())).backward(ct::tensor({0.0, 0.0, w, 1 - w}).expand({n, 4}));
    auto g = x.grad().mean(0);
    weight.push_back(w);
    g0.push_back(g[0].item<double>());
    g2.push_back(g[2].item<double>());
    g3.push_back(g[3].item<double>());
    asked.push_back((1 - w) / w);
    answered.push_back(g3.back() / g2.back());
    check_that(std::abs(g2.back() - w) <= 4 * w / root, "the mean of entry 2 lies within four standard errors of w");
    check_that(std::abs(g3.back() - 1.5 * (1 - w)) <= 6 * (1 - w) / root, "the mean of entry 3 lies within four standard errors of 1.5 (1 - w)");
    check_that(g0.back() == 0 && g[1].item<double>() == 0 && g[4].item<double>() == 0 && g[5].item<double>() == 0, "all other entries are zero");
  }
  std::cout << "\n    w    mean g2    mean g3      g3/g2   1.5 v3/v2\n";
  for (std::size_t i : {0u, 6u, 12u, 19u}) std::printf("%5.2f  %9.5f  %9.5f  %9.3f  %9.3f\n", weight[i], g2[i], g3[i], answered[i], 1.5 * asked[i]);
  std::fflush(stdout);

  // %%
  section("5. What was asked and what came back");
  // A line through the origin fits g3/g2 against v3/v2; its slope is W_33/W_22 = 1.5.
  auto u = ct::tensor(asked, ct::kDouble), r = ct::tensor(answered, ct::kDouble);
  const double slope = (u.dot(r) / u.dot(u)).item<double>();
  const double r2 = 1 - ((r - slope * u).pow(2).sum() / (r - r.mean()).pow(2).sum()).item<double>();
  std::cout << "slope " << slope << ", R^2 " << r2 << "\n";
  check(slope, 1.5, 0.02);
  check(r2, 1, 1e-3);
  ct::plot::Figure figure(1, 2, {.width = 1000, .height = 430});
  auto& left = figure.ax(0);
  left.plot(weight, g0, {.label = "entry 0", .marker = "s"}).plot(weight, g2, {.label = "entry 2", .marker = "o"}).plot(weight, g3, {.label = "entry 3", .marker = "^"});
  left.xlabel("v₂").ylabel("mean gradient").twiny("v₃ = 1 − v₂", {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}, {1.0, 0.9, 0.8, 0.7, 0.6, 0.5}).grid().legend();
  auto& right = figure.ax(1);
  right.scatter(asked, answered, {.label = "g₃ / g₂"});
  right.plot({0.0, 100.0}, {0.0, 100 * slope}, {.label = "fit: slope " + ct::plot::number(slope, 3) + ", R² = " + ct::plot::number(r2, 4), .dashes = "--"});
  right.xlabel("v₃ / v₂").ylabel("g₃ / g₂").grid().legend();
  std::filesystem::create_directories("results");
  for (const std::string& path : figure.save("results/workshop_1_problem_1")) std::cout << "figure: " << std::filesystem::absolute(path).string() << "\n";

  // %% [markdown]
  // ## Questions
  // 1. Which entries of x.grad can be non-zero for this v? (2 and 3, where x is positive: W routes, relu gates, v asks.)
  // 2. Which changes would make entry 4 non-zero? (A column of W that is not zero.)
  // 3. What is the gradient at an input that is exactly 0? (0: relu'(0) = 0 by convention.)
  return finish();
}
