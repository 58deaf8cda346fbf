// Lesson 04: Forward, backward, update
// Level: beginner
// Concepts: a training step by hand, NoGradGuard around the update, item(), clearing before backward
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include <algorithm>
#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// Steps of gradient descent on the mean squared error of y ~ x w + b. Returns the losses before each step.
static std::vector<double> train(const ct::Tensor& x, const ct::Tensor& y, ct::Tensor& w, ct::Tensor& b, double lr, int steps,
                                 bool clear = true) {
  std::vector<double> losses;
  for (int step = 0; step < steps; ++step) {
    auto prediction = x * w + b;                               // (3,1) * (1) + (1): w and b are broadcast
    auto loss = (prediction - y).pow(2).mean();
    for (ct::Tensor* p : {&w, &b})
      if (clear && p->grad().defined()) p->mutable_grad().zero_();  // or this step's gradient adds to the last one
    loss.backward();
    {
      ct::NoGradGuard no_grad;                                 // the update itself is no part of the model
      w -= lr * w.grad();
      b -= lr * b.grad();
    }
    losses.push_back(loss.item<double>());                     // item(): a plain number, without history
  }
  return losses;
}

int main() {
  // %% [markdown]
  // # Forward, backward, update
  // Three points lie exactly on the line y = -x. Starting from a random slope w and b = 0, three steps of gradient descent, each
  // in the same order: forward, clear, backward, update.

  // %% [markdown]
  // ## 1. Three steps
  // With the learning rate $\eta$, `lr` in the code, a step is
  //
  // $$L=\frac13\sum_{i=1}^{3}(x_iw+b-y_i)^2,\qquad
  // w\leftarrow w-\eta\,\frac{\partial L}{\partial w},\qquad b\leftarrow b-\eta\,\frac{\partial L}{\partial b}.$$

  // %%
  section("1. Three steps");
  auto x = ct::tensor({{-1.0}, {0.0}, {1.0}});
  auto y = ct::tensor({{1.0}, {0.0}, {-1.0}});
  ct::manual_seed(0);
  auto w = ct::randn({1}, ct::requires_grad());
  auto b = ct::zeros({1}, ct::requires_grad());
  ct::print("start:  w", ct::fixed(w.item<double>(), 6), " b", ct::fixed(b.item<double>(), 6));
  check(w.item<double>(), 1.5409961);
  auto first = (x * w + b - y).pow(2).mean();
  save(ct::inspect::graph(first, {{"x", x}, {"w", w}, {"b", b}, {"loss", first}}), "04_graph");
  check(first.item<double>(), 4.304441);
  const std::vector<double> losses = {4.304441, 3.233113, 2.428427}, slopes = {1.202197, 0.908570, 0.654094};
  for (std::size_t step = 0; step < 3; ++step) {
    const double loss = train(x, y, w, b, 0.1, 1)[0];
    ct::print("step", step, " loss", ct::fixed(loss, 6), " w", ct::fixed(w.item<double>(), 6), " b",
              ct::fixed(b.item<double>(), 6));
    check(loss, losses[step]);
    check(w.item<double>(), slopes[step]);
    check(b.item<double>(), 0);
  }
  check_that(w.is_leaf() && w.requires_grad(), "the update in place left w a leaf that asks for its gradient");

  // %% [markdown]
  // ## 2. The same by hand
  // At $x=-1,0,1$ the residuals are $-(w+1)+b$, $b$ and $(w+1)+b$. So
  //
  // $$L=\frac23(w+1)^2+b^2,\qquad \frac{\partial L}{\partial w}=\frac43(w+1),$$
  //
  // and a step multiplies $w+1$ by $1-\frac43\eta$, here 0.866667.

  // %%
  section("2. The same by hand");
  const double gap = 1.5409961 + 1, shrink = 1 - 4.0 / 3 * 0.1;
  ct::print("w + 1 after three steps:", ct::fixed(w.item<double>() + 1, 6), " by hand:", ct::fixed(gap * std::pow(shrink, 3), 6));
  check(w.item<double>() + 1, gap * std::pow(shrink, 3));
  check(shrink, 0.866667);

  // %% [markdown]
  // ## 3. Two ways to get the update wrong
  // The first one is refused with an error. The second one runs, and ends the training without a word.

  // %%
  section("3. Two ways to get the update wrong");
  ct::print("in place, but without the guard:");
  show_error([&] { w -= 0.1 * w.grad(); }, "a leaf Variable that requires grad is being used in an in-place operation");
  // Not in place, there is no error; but v is then a result, no longer the parameter:
  auto v = ct::tensor({2.0}, ct::requires_grad());
  v.pow(2).sum().backward();
  v = v - 0.1 * v.grad();
  ct::print("after v = v - 0.1 * v.grad():  v =", v, " leaf:", v.is_leaf());
  check_that(!v.is_leaf() && v.grad_fn()->name() == "SubBackward0", "v became a result");
  v.pow(2).sum().backward();
  ct::print("its gradient after the next backward:");
  show_warning([&] { check_that(!v.grad().defined(), "v gets no gradient any more"); }, "is not a leaf Tensor");

  // %% [markdown]
  // ## 4. What `zero_()` does
  // It keeps the tensor and overwrites its numbers; `reset()` takes the tensor away.

  // %%
  section("4. What zero_() does");
  w.mutable_grad().zero_();
  ct::print("after zero_(): ", w.grad(), " still there:", w.grad().defined());
  check(w.grad(), {0});
  w.mutable_grad().reset();
  ct::print("after reset():  still there:", w.grad().defined());
  check_that(!w.grad().defined(), "reset() removes the gradient");

  // %% [markdown]
  // **A correction.** The text that this lesson follows says that `.zero_()` resets a gradient to None. It leaves a tensor of
  // zeros; only `grad = None` (here `reset()`) removes it.

  // %% [markdown]
  // ## 5. A number for the log
  // `item()` takes the number out of a tensor of one element, and only of one.

  // %%
  section("5. A number for the log");
  auto prediction = (x * w + b).detach();
  show_error([&] { prediction.item<double>(); }, "a Tensor with 3 elements cannot be converted to Scalar");

  // %% [markdown]
  // ## Questions

  // %%
  int n = 0;
  for (double d = gap; d >= 0.01; d *= shrink) ++n;
  auto w1 = ct::tensor({1.5409961}, ct::requires_grad()), b1 = ct::zeros({1}, ct::requires_grad());
  train(x, y, w1, b1, 0.1, n - 1);
  const double before = std::abs(w1.item<double>() + 1);
  train(x, y, w1, b1, 0.1, 1);
  check_that(before >= 0.01 && std::abs(w1.item<double>() + 1) < 0.01, "n is the first step with |w + 1| < 0.01");
  check(n, 39);
  ask("After how many steps, from the start of part 1, is |w + 1| < 0.01 for the first time?", number(n, 0),
      "The smallest n with 2.540996 * 0.866667^n < 0.01, that is n > ln(254.1) / -ln(0.866667) = 38.7.");
  const double lr = 1 / (4.0 / 3);
  auto w2 = ct::tensor({1.5409961}, ct::requires_grad()), b2 = ct::zeros({1}, ct::requires_grad());
  train(x, y, w2, b2, lr, 1);
  check(w2.item<double>(), -1);
  ask("Which learning rate reaches w = -1 in a single step?", number(lr),
      "A step multiplies w + 1 by 1 - 4/3 lr, which is 0 at lr = 3/4.");
  auto w3 = ct::tensor({1.5409961}, ct::requires_grad()), b3 = ct::zeros({1}, ct::requires_grad());
  auto skewed = ct::tensor({{-1.0}, {0.0}, {2.0}});  // the same line, no longer symmetric
  train(skewed, -skewed, w3, b3, 0.1, 1);
  const bool symmetry = b3.item<double>() != 0;
  ask("Why does b stay at 0?",
      choice({{"b starts at its best value, and no step ever leaves that", !symmetry},
              {"the points are symmetric about x = 0: the residuals at -1 and 1 are opposite, and cancel in the derivative by b",
               symmetry},
              {"b does not get a gradient", !b1.grad().defined()}}),
      "With x = -1, 0, 2 on the same line, b moves at the first step, although 0 is the best value there too: "
      "w is not right yet.");
  auto w4 = ct::tensor({1.5409961}, ct::requires_grad()), b4 = ct::zeros({1}, ct::requires_grad());
  const auto uncleared = train(x, y, w4, b4, 0.1, 200, /*clear=*/false);
  double late = 0;  // the largest of the last losses
  for (std::size_t step = 150; step < 200; ++step) late = std::max(late, uncleared[step]);
  ask("What do 200 steps without clearing the gradients do?",
      choice({{"the same, only more slowly", late < 0.01},
              {"w swings around -1 and does not settle", late >= 0.01 && late < 2 * uncleared[0]},
              {"w runs away to infinity", late >= 2 * uncleared[0]}}),
      "Each step then uses the sum of all gradients so far. It still pulls towards -1, but has gathered so much speed on the way "
      "that it overshoots, again and again.");
  return finish();
}
