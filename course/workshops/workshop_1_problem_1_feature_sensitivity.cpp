// Workshop 1, problem 1: Sensitivity of a feature transformation
// Level: workshop
// Concepts: vector-Jacobian products, upstream gradients as questions, relu as a gate, sparsity, Monte Carlo

#include "common/lesson.h"

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
  std::cout << "\n    w    mean g2    mean g3      g3/g2   1.5 v3/v2\n";
  for (double w : {0.01, 0.1, 0.25, 0.5}) {
    auto x = batch.detach().requires_grad_();
    ct::relu(x.matmul(W.t())).backward(ct::tensor({0.0, 0.0, w, 1 - w}).expand({n, 4}));
    auto g = x.grad().mean(0);
    const double g2 = g[2].item<double>(), g3 = g[3].item<double>(), root = std::sqrt(static_cast<double>(n));
    std::printf("%5.2f  %9.5f  %9.5f  %9.3f  %9.3f\n", w, g2, g3, g3 / g2, 1.5 * (1 - w) / w);
    check_that(std::abs(g2 - w) <= 4 * w / root, "the mean of entry 2 lies within four standard errors of w");
    check_that(std::abs(g3 - 1.5 * (1 - w)) <= 6 * (1 - w) / root, "the mean of entry 3 lies within four standard errors of 1.5 (1 - w)");
    check_that(g[0].item<double>() == 0 && g[1].item<double>() == 0 && g[4].item<double>() == 0 && g[5].item<double>() == 0,
               "all other entries are exactly zero");
  }

  // %% [markdown]
  // ## Questions
  // 1. Which entries of x.grad can be non-zero for this v? (2 and 3, where x is positive: W routes, relu gates, v asks.)
  // 2. Which changes would make entry 4 non-zero? (A column of W that is not zero.)
  // 3. What is the gradient at an input that is exactly 0? (0: relu'(0) = 0 by convention.)
  return finish();
}
