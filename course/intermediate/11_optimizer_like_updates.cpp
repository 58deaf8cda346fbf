// Lesson 11: An optimizer by hand
// Level: intermediate
// Concepts: the update rule, NoGradGuard, leaves and non-leaves, learning rate, optim::SGD
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/optim.h>

#include <cmath>
#include "common/lesson.h"

using namespace lesson;

static ct::Tensor start() {
  ct::manual_seed(0);
  return ct::randn({3}, ct::requires_grad());
}

// By what number `steps` steps of gradient descent on sum(w^2) multiply w.
static double factor(double lr, int steps) {
  auto w = ct::tensor({1.0}, ct::dtype(ct::kDouble).requires_grad(true));
  for (int i = 0; i < steps; ++i) {
    w.mutable_grad().reset();
    w.pow(2).sum().backward();
    ct::NoGradGuard no_grad;
    w -= lr * w.grad();
  }
  return w.item<double>();
}

int main() {
  // %% [markdown]
  // # An optimizer by hand
  // An optimizer is three lines: gradients away, backward, `w -= lr * w.grad`. We write them ourselves for a loss where
  // everything can be checked by hand: the sum of the squares of w.

  // %% [markdown]
  // ## 1. Three steps
  // The gradient of $L=\sum_i w_i^2$ is $2w$, so with the learning rate $\eta$ (`lr`) a step is
  //
  // $$w\leftarrow w-\eta\cdot 2w=(1-2\eta)\,w.$$
  //
  // At $\eta=0.1$ it multiplies $w$ by 0.8, and the loss by $0.8^2=0.64$.

  // %%
  section("1. Three steps");
  auto w = start();
  const double losses[] = {7.207892, 4.613051, 2.952353};
  const double after[][3] = {
      {1.232797, -0.234743, -1.743032}, {0.986238, -0.187794, -1.394425}, {0.788990, -0.150236, -1.115540}};
  ct::print("start         w =", w);
  for (int i = 0; i < 3; ++i) {
    w.mutable_grad().reset();  // Python: w.grad = None
    auto loss = w.pow(2).sum();
    loss.backward();
    {
      ct::NoGradGuard no_grad;  // the update is arithmetic about the model, not a part of it
      w -= 0.1 * w.grad();
    }
    ct::print("loss", ct::fixed(loss.item<double>(), 6), "w =", w.detach());
    check(loss.item<double>(), losses[i]);
    check(w, {after[i][0], after[i][1], after[i][2]});
  }
  ct::print("requires_grad", w.requires_grad(), " is_leaf", w.is_leaf());
  check_that(w.requires_grad() && w.is_leaf(), "the parameter is still a leaf that requires grad");

  // %% [markdown]
  // ## 2. Without the guard, in place: an error
  // **A correction.** The text that this lesson follows says that without `no_grad` the line `w -= lr * w.grad` is recorded and
  // the graph grows from step to step. In fact it *raises*: a leaf's value may not be replaced by the result of an operation,
  // for then it would be no leaf any more.

  // %%
  section("2. Without the guard, in place: an error");
  const auto before = w.detach().clone();
  show_error([&] { w -= 0.1 * w.grad(); }, "a leaf Variable that requires grad is being used in an in-place operation");
  check_that(ct::equal(w, before), "the failed update changed nothing");

  // %% [markdown]
  // ## 3. Without the guard, out of place: silently broken
  // What does pass without a word is the same line written out: `w = w - lr * w.grad`. It makes a *new* tensor, the result of a
  // subtraction, and gives it the parameter's name. The numbers are right, this once. The next backward puts its gradient into
  // the old leaf, which nobody can reach any more.

  // %%
  section("3. Without the guard, out of place: silently broken");
  auto v = start();
  v.pow(2).sum().backward();
  const auto leaf = v;  // the old leaf, so that we can look at it afterwards
  v = v - 0.1 * v.grad();
  ct::print("v =", v);
  ct::print("is_leaf", v.is_leaf(), " grad_fn", v.grad_fn()->name());
  check(v, {after[0][0], after[0][1], after[0][2]});
  check_that(!v.is_leaf() && v.grad_fn()->name() == "SubBackward0", "v is now the result of a subtraction");
  leaf.mutable_grad().reset();
  v.pow(2).sum().backward();
  const bool has_grad = v.mutable_grad().defined();
  ct::print("after the next backward: v has a gradient:", has_grad, "  the old leaf's:", leaf.grad());
  check_that(!has_grad, "the gradient of v is undefined");
  check(leaf.grad(), {2.465594, -0.469486, -3.486063});  // 2v, passed on by the subtraction
  show_error([&] { v.mutable_grad().zero_(); }, "undefined");  // Python: 'NoneType' object has no attribute 'zero_'

  // %% [markdown]
  // ## 4. `optim::SGD` does the same
  // From the same start, with the same learning rate, the same numbers to the last digit or so.

  // %%
  section("4. optim::SGD does the same");
  auto u = start();
  ct::optim::SGD optimizer({u}, ct::optim::SGDOptions(0.1));
  for (int i = 0; i < 3; ++i) {
    optimizer.zero_grad();
    u.pow(2).sum().backward();
    optimizer.step();
  }
  ct::print("SGD   ", u.detach());
  ct::print("ours  ", w.detach());
  check(u, w.detach(), 0, 1e-7);

  // %% [markdown]
  // ## 5. The learning rate decides
  // After $t$ steps $w$ has been multiplied by $(1-2\eta)^t$. That shrinks as long as $|1-2\eta|<1$, that is for $0<\eta<1$.
  //
  // Optimizers with *momentum* keep a velocity as well, which remembers the gradients of earlier steps:
  //
  // $$v\leftarrow\mu v+\frac{\partial L}{\partial w},\qquad w\leftarrow w-\eta v.$$
  //
  // With $\mu=0$ that is the update above; the question what $\mu>0$ does to a path is one for Part 2.

  // %%
  section("5. The learning rate decides");
  for (double lr : {0.1, 0.5, 0.9, 1.0, 1.1}) {
    ct::print("lr", lr, " after 1 step:", ct::fixed(factor(lr, 1), 4), " after 10:", ct::fixed(factor(lr, 10), 4),
              " after 11:", ct::fixed(factor(lr, 11), 4));
    for (int n : {1, 10, 11}) check(factor(lr, n), std::pow(1 - 2 * lr, n), 1e-9, 1e-9);
  }

  // %% [markdown]
  // ## Questions

  // %%
  // One step is linear in lr, so its value at lr = 0 and at lr = 1 tells where it is 0.
  ask("Loss sum(w^2): which learning rate lands exactly on the minimum in one step?", number(1 / (1 - factor(1, 1))),
      "The factor 1 - 2 lr is zero at lr = 0.5. For a loss with the curvature a in place of 2 it is 1/a: Newton's step.");
  auto flips = [](double lr) { return factor(lr, 7) == -factor(lr, 8) && std::abs(factor(lr, 8)) == 1; };
  ask("With which learning rate does w jump from one side to the other forever, at the same distance?",
      choice({{"0.5", flips(0.5)}, {"0.9", flips(0.9)}, {"1.0", flips(1.0)}, {"1.1", flips(1.1)}}),
      "At lr = 1 the factor is -1: the sign changes, the distance never does.");
  auto diverges = [](double lr) { return std::abs(factor(lr, 100)) > 1; };
  ask("With which learning rates does w grow without limit?",
      several({{"0.05", diverges(0.05)},
               {"0.9", diverges(0.9)},
               {"0.99", diverges(0.99)},
               {"1.01", diverges(1.01)},
               {"1.5", diverges(1.5)}}),
      "|1 - 2 lr| > 1, that is lr > 1. At 0.99 w still shrinks, by 2 % a step.");
  ask("After `w = w - lr * w.grad` without a guard, is w still a leaf?", yes_no(v.is_leaf()),
      "The name now stands for the result of a subtraction; only `w -= ..` inside NoGradGuard changes the leaf itself.");
  return finish();
}
