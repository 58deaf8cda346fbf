// Lesson 04: Forward, backward, update
// Level: beginner
// Concepts: a training step by hand, NoGradGuard around the update, item(), clearing before backward

#include "common/lesson.h"
#include <iostream>

using namespace lesson;

int main() {
  // %% [markdown]
  // # Forward, backward, update
  // Three points lie exactly on the line y = -x. Starting from a random slope w and b = 0, three steps of gradient descent.

  // %%
  section("1. Three steps");
  auto x = ct::tensor({{-1.0}, {0.0}, {1.0}});
  auto y = ct::tensor({{1.0}, {0.0}, {-1.0}});
  ct::manual_seed(0);
  auto w = ct::randn({1}, ct::requires_grad());
  auto b = ct::zeros({1}, ct::requires_grad());
  const double lr = 0.1;
  check(w.item<double>(), 1.5409961);

  const double losses[] = {4.304441, 3.233113, 2.428427}, slopes[] = {1.202197, 0.908570, 0.654094};
  for (int step = 0; step < 3; ++step) {
    auto prediction = x * w + b;                              // (3,1) * (1) + (1): w and b are broadcast
    auto loss = (prediction - y).pow(2).mean();
    for (auto& p : {w, b})
      if (p.grad().defined()) p.mutable_grad().zero_();       // clear, or this step's gradient adds to the last one
    loss.backward();
    {
      ct::NoGradGuard no_grad;                                // the update itself is no part of the model
      w -= lr * w.grad();
      b -= lr * b.grad();
    }
    std::cout << "step " << step << ": loss " << loss.item<double>() << ", w " << w.item<double>() << ", b " << b.item<double>() << "\n";
    check(loss.item<double>(), losses[step]);
    check(w.item<double>(), slopes[step]);
    check(b.item<double>(), 0);
  }
  check_that(w.is_leaf() && w.requires_grad(), "the update in place left w a leaf that asks for its gradient");

  // %%
  section("2. The same by hand");
  // loss = 2/3 (w + 1)^2 + b^2, so each step multiplies w + 1 by 1 - 0.4/3, and b stays where it is by symmetry.
  double by_hand = 1.5409961 + 1;
  for (int step = 0; step < 3; ++step) by_hand *= 1 - 0.4 / 3;
  std::cout << "w + 1 after three steps: " << w.item<double>() + 1 << ", by hand " << by_hand << "\n";
  check(w.item<double>() + 1, by_hand);
  int n = 0;
  for (double gap = 1.5409961 + 1; gap >= 0.01; gap *= 1 - 0.4 / 3) ++n;
  std::cout << "steps until |w + 1| < 0.01: " << n << "\n";
  check(n, 39);

  // %%
  section("3. Two ways to get the update wrong");
  show_error([&] { w -= lr * w.grad(); }, "a leaf Variable that requires grad is being used in an in-place operation");
  auto v = w.detach().clone().requires_grad_();
  v.pow(2).sum().backward();
  v = v - lr * v.grad();  // no error, but v is now a result, not the parameter: it will never have a gradient again
  std::cout << "after v = v - lr * v.grad(): leaf: " << std::boolalpha << v.is_leaf() << ", made by " << v.grad_fn()->name() << "\n";
  check_that(!v.is_leaf() && v.grad_fn()->name() == "SubBackward0", "v became a result");

  // %%
  section("4. What zero_() does");
  w.mutable_grad().zero_();
  std::cout << "after zero_(): " << w.grad() << ", still there: " << w.grad().defined() << "\n";
  check(w.grad(), {0});  // zeros, not nothing: only reset() removes a gradient
  w.mutable_grad().reset();
  check_that(!w.grad().defined(), "reset() removes the gradient");

  // %% [markdown]
  // ## Questions
  // 1. Which learning rate reaches w = -1 in one step? (0.75: then 1 - 4/3 * 0.75 = 0.)
  // 2. Why does b stay 0? (The residuals at -1 and 1 are equal and opposite at every w, and 0 at 0.)
  // 3. What happens to the losses if the two lines that clear the gradients are removed?
  return finish();
}
