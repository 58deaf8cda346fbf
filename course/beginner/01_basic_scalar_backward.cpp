// Lesson 01: One scalar, one backward
// Level: beginner
// Concepts: leaf tensors, requires_grad, backward on a scalar, .grad, grad_fn, retain_grad
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

int main() {
  // %% [markdown]
  // # One scalar, one backward
  // A *leaf* is a tensor that you made yourself. If it asks for a gradient, every operation on it is recorded. One call of
  // `backward()` on a scalar result then walks the record back and leaves the derivative of the result by the leaf in the leaf's
  // `.grad`.

  // %% [markdown]
  // ## 1. A leaf that asks for its gradient
  // What does a fresh leaf know about itself? It has a shape and numbers, no operation that made it, and no gradient yet.

  // %%
  section("1. A leaf that asks for its gradient");
  ct::manual_seed(0);
  auto x = ct::randn({3}, ct::requires_grad());  // Python: torch.randn(3, requires_grad=True)
  ct::print("x =", x);
  ct::print("sizes", x.sizes(), " leaf:", x.is_leaf(), " made by an operation:", bool(x.grad_fn()),
            " has a gradient:", x.grad().defined());
  check(x, {1.5409961, -0.2934289, -2.1787894});
  check_that(x.requires_grad() && x.is_leaf() && !x.grad_fn() && !x.grad().defined(),
             "a fresh leaf has neither producer nor gradient");
  // "Not defined" is what Python calls None.

  // %% [markdown]
  // ## 2. A scalar computed from it
  // The loss is $L=\sum_i x_i^2$. Two operations make it, a power and a sum, and each leaves a *node* behind; `grad_fn` is the
  // last one.

  // %%
  section("2. A scalar computed from it");
  auto loss = x.pow(2).sum();
  ct::print("loss = sum of x^2 =", ct::fixed(loss.item<double>(), 6));
  ct::print("made by", loss.grad_fn()->name() + ", which was fed by", loss.grad_fn()->next_edge(0).function->name());
  check(loss.item<double>(), 7.207892);
  check_that(loss.dim() == 0 && !loss.is_leaf(), "loss is a scalar (no dimensions), and no leaf");
  check_that(loss.grad_fn()->name() == "SumBackward0" && loss.grad_fn()->next_edge(0).function->name() == "PowBackward0",
             "loss is a sum of a power");

  // %%
  // The record as a picture: x at one end, loss at the other, each operation with its derivative and what it keeps for backward.
  const auto picture = ct::inspect::graph(loss, {{"x", x}, {"loss", loss}});
  save(picture, "01_graph");
  check_that(picture.size() == 3 && picture.node("x").kind == ct::inspect::GraphNode::Kind::leaf, "a leaf and two operations");

  // %% [markdown]
  // **A correction.** The text that this lesson follows shows this loss as 7.2042. By hand:
  //
  // $$1.54100^2+0.29343^2+2.17879^2=2.37467+0.08610+4.74712=7.2079.$$

  // %% [markdown]
  // ## 3. Backward: upstream gradient times local derivative
  // Let $u_i=x_i^2$ be what lies between, so that $L=\sum_i u_i$. The walk starts at the loss with the number 1, the derivative
  // of $L$ by itself. Each node multiplies what arrives from above by its own local derivative, and hands the product on. That
  // is the chain rule, read from left to right:
  //
  // $$\frac{\partial L}{\partial x_i}=\frac{\partial L}{\partial L}\cdot\frac{\partial L}{\partial u_i}\cdot
  // \frac{\partial u_i}{\partial x_i}=1\cdot 1\cdot 2x_i.$$

  // %%
  section("3. Backward: upstream gradient times local derivative");
  save(ct::inspect::steps(loss, {{"x", x}, {"loss", loss}}), "01_steps");  // the walk node by node; it changes no .grad
  loss.backward();
  // Sum hands the 1 to every entry; the square multiplies it by 2 x.
  ct::print("x.grad =", x.grad());
  ct::print("2 x    =", 2 * x.detach());
  check(x.grad(), {3.0819921, -0.5868578, -4.3575788});
  check_that(ct::allclose(x.grad(), 2 * x), "x.grad is 2 x");

  // %% [markdown]
  // ## 4. Results in between keep no gradient
  // With $b=2a$ and $c=\sum_i b_i^2$ the walk meets $\partial c/\partial b=2b$ on its way to
  // $\partial c/\partial a=2\cdot 2b=8a$. Only the last one is kept.

  // %%
  section("4. Results in between keep no gradient");
  auto a = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto b = 2 * a;
  auto c = (b * b).sum();
  c.backward();
  ct::print("c =", c.item<double>(), "  a.grad =", a.grad());
  check(c.item<double>(), 56);
  check(a.grad(), {8, 16, 24});
  // The gradient of b was computed on the way, passed on to a and dropped. Asking for it gives a warning, and nothing else.
  ct::print("reading b.grad:");
  show_warning([&] { check_that(!b.grad().defined(), "b has no gradient"); },
               "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed");

  // %% [markdown]
  // ## 5. Unless you ask before backward
  // `retain_grad()` tells a tensor that is no leaf to keep what passes through it.

  // %%
  section("5. Unless you ask before backward");
  auto p = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto q = 2 * p;
  q.retain_grad();
  (q * q).sum().backward();
  ct::print("q.grad =", q.grad(), "  (2 q)");
  ct::print("p.grad =", p.grad(), "  (2 q, times dq/dp = 2)");
  check(q.grad(), {4, 8, 12});
  check(q.grad(), 2 * q);
  check(p.grad(), {8, 16, 24});
  ct::print("retain_grad() on a tensor that nobody tracks:");
  show_error([] { ct::tensor({1.0}).retain_grad(); }, "can't retain_grad on Tensor that has requires_grad=False");

  // %% [markdown]
  // ## 6. The shortest complete example
  // Leaf, computation, backward, gradient: one line for each.

  // %%
  section("6. The shortest complete example");
  auto y = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto z = (y * y).sum();
  z.backward();
  ct::print("loss", z.item<double>(), " gradient", y.grad());
  check(z.item<double>(), 14);
  check(y.grad(), {2, 4, 6});

  // %% [markdown]
  // ## Take-aways
  // - `requires_grad` on a leaf starts the recording; `backward()` on a scalar ends in the leaf's `.grad`.
  // - Each step back multiplies what came from above by one local derivative, starting with 1.
  // - Results in between drop their gradients, unless `retain_grad()` was called before.

  // %% [markdown]
  // ## Questions

  // %%
  auto cubic = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  cubic.pow(3).sum().backward();
  check(cubic.grad(), 3 * cubic * cubic);
  ask("Let the loss be the sum of y^3 at y = (1, 2, 3). What is the last entry of y.grad?",
      number(cubic.grad()[2].item<double>()), "The derivative of y^3 is 3 y^2, entry by entry: 3 * 9 at y = 3.");
  ask("Which of a, b and c in part 4 are leaves?", several({{"a", a.is_leaf()}, {"b", b.is_leaf()}, {"c", c.is_leaf()}}),
      "Only a was made by you. b and c are results of operations, so they have a grad_fn.");
  ask("Why is b.grad empty after c.backward()?",
      choice({{"b was not needed for the gradient of a", false},
              {"b is not a leaf, and retain_grad() was not called on it", !b.is_leaf() && !b.retains_grad()},
              {"b does not require a gradient", !b.requires_grad()}}),
      "The gradient 2 b went through b on its way to a. Only leaves, and tensors with retain_grad(), keep what passes.");
  auto twice = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  (twice * twice).sum().backward(ct::tensor(2.0));
  ask("In part 6, let the walk start with 2: z.backward(ct::tensor(2.0)). What is the last entry of y.grad?",
      number(twice.grad()[2].item<double>()),
      "The argument is the gradient that arrives at z. Without it the walk starts with 1; with 2, every gradient doubles.");
  return finish();
}
