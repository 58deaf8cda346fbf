// Lesson 09: detach() and detach_()
// Level: beginner
// Concepts: a handle without history on the same numbers, cutting a tensor itself, constants in a formula, new leaves, views
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

int main() {
  // %% [markdown]
  // # detach() and detach_()
  // `x.detach()` gives a second handle on the same numbers, without a history; `x` keeps its own. `x.detach_()`, with the
  // underscore, cuts the history of `x` itself.

  // %% [markdown]
  // ## 1. `detach()`: another tensor, the same numbers
  // $b=a^2+1$ has a history. The handle `d` on it has none, and no copy was made.

  // %%
  section("1. detach(): another tensor, the same numbers");
  auto a = ct::linspace(-1, 1, 5, ct::requires_grad());
  auto b = a * a + 1;
  auto d = b.detach();
  ct::print("a =", a);
  ct::print("b =", b);
  ct::print("d =", d);
  check(a, {-1, -0.5, 0, 0.5, 1});
  check(b, {2, 1.25, 1, 1.25, 2});
  check(d, b);
  check_that(b.grad_fn()->name().find("AddBackward") == 0, "b was made by an addition");
  check_that(!d.requires_grad() && !d.grad_fn() && d.is_leaf(), "d has no history and asks for no gradient");
  check_that(!d.is_same(b) && d.data_ptr() == b.data_ptr(), "d is another tensor than b, with the same memory");

  // %% [markdown]
  // ## 2. What is written through one is seen through the other
  // Two handles, one memory. A write changes the values that both show, but not what was recorded.

  // %%
  section("2. What is written through one is seen through the other");
  d.index_put_({0}, 10.0);  // Python: d[0] = 10
  ct::print("b =", b);
  check(b, {10, 1.25, 1, 1.25, 2});
  // Nothing of this is recorded: for the derivative, b is still a^2 + 1.
  b.sum().backward();
  ct::print("a.grad =", a.grad());
  check(a.grad(), 2 * a);

  // %% [markdown]
  // ## 3. A write that backward must not miss
  // A sigmoid $y=\sigma(x)$ keeps its result, because $\partial L/\partial x=g\,y\,(1-y)$, where $g$ arrives from above. Had the
  // write below gone unnoticed, the gradient would be silently wrong. The handle shares the numbers *and* the count of writes to
  // them, so backward sees it.

  // %%
  section("3. A write that backward must not miss");
  auto s = ct::tensor({0.0, 1.0}, ct::requires_grad());
  auto sigmoid = s.sigmoid();
  sigmoid.detach().zero_();
  show_error([&] { sigmoid.sum().backward(); },
             "one of the variables needed for gradient computation has been modified by an inplace operation");

  // %% [markdown]
  // ## 4. `detach_()`: the tensor itself
  // Before, $b_2=\sin(a+3)$ is the result of an operation; afterwards it is a leaf with the same values, and nobody can find out
  // where they came from.

  // %%
  section("4. detach_(): the tensor itself");
  auto b2 = (a + 3).sin();
  ct::print("before:", b2);
  check(b2, {0.909297, 0.598472, 0.141120, -0.350783, -0.756802});
  check_that(b2.grad_fn()->name() == "SinBackward0" && !b2.is_leaf(), "b2 was made by a sine");
  b2.detach_();
  ct::print("after: ", b2);
  check(b2, {0.909297, 0.598472, 0.141120, -0.350783, -0.756802});
  check_that(!b2.grad_fn() && b2.is_leaf() && !b2.requires_grad(), "b2 is a leaf without history now");

  // %% [markdown]
  // ## 5. A factor that counts as constant
  // $x\cdot x$ has the derivative $2x$. If one factor is detached, it is a constant $c$ that happens to be equal to $x$, and the
  // derivative of $x\cdot c$ is $c$: half as much.

  // %%
  section("5. A factor that counts as constant");
  auto x = ct::tensor(3.0, ct::requires_grad());
  auto half = x * x.detach();
  const auto picture = ct::inspect::graph(half, {{"x", x}, {"x * x.detach()", half}});
  save(picture, "09_detach");  // one way back to x; the other factor is a saved number without a history
  check_that(picture.node("x").kind == ct::inspect::GraphNode::Kind::leaf && picture.size() == 2, "one product, and one leaf");
  half.backward();
  ct::print("x * x.detach() =", half.item<double>(), " derivative:", x.grad().item<double>(), "  (of x * x it would be 6)");
  check(half.item<double>(), 9);
  check(x.grad().item<double>(), 3);

  // %% [markdown]
  // ## 6. A new leaf from an old result
  // `detach().requires_grad_()` starts a new graph at this point; `clone()` in between gives it numbers of its own.

  // %%
  section("6. A new leaf from an old result");
  auto fresh = b.detach().clone().requires_grad_();
  a.mutable_grad().reset();
  fresh.pow(2).sum().backward();
  ct::print("fresh.grad =", fresh.grad(), " a has a gradient:", a.grad().defined());
  check(fresh.grad(), {20, 2.5, 2, 2.5, 4});
  check_that(fresh.is_leaf() && !a.grad().defined(), "the walk ends at the new leaf");

  // %% [markdown]
  // ## 7. What cannot be cut
  // A flag is for leaves, and a view has no history of its own.

  // %%
  section("7. What cannot be cut");
  auto c = a * 2;
  ct::print("switching a result off:");
  show_error([&] { c.requires_grad_(false); }, "you can only change requires_grad flags of leaf variables");
  c.requires_grad_(true);  // it asks already, so nothing happens
  check_that(c.requires_grad() && !c.is_leaf(), "switching on what is on does nothing");
  ct::print("cutting a view:");
  show_error([&] { c[0].detach_(); }, "Can't detach views in-place. Use detach() instead");

  // %% [markdown]
  // **A correction.** The text that this lesson follows says that `requires_grad` of a non-leaf cannot be changed. Only
  // switching it *off* is an error, and `detach()` is what you want then. It also leaves out that `detach_()` refuses views: the
  // history of `c[0]` is that of `c`, and cannot be cut alone.

  // %% [markdown]
  // ## Questions

  // %%
  auto root = ct::linspace(-1, 1, 5, ct::requires_grad());
  auto sine = (root + 3).sin();
  sine.detach_();
  auto mixed = (2 * sine).sum() + root.sum();
  mixed.backward();
  check_that(!(2 * sine).requires_grad(), "nothing computed from sine alone is tracked");
  ask("sine = sin(a + 3), then sine.detach_(), then (2 * sine).sum() + a.sum() is walked back. "
      "Does a get a gradient through sine?",
      yes_no(!ct::equal(root.grad(), ct::ones({5}))),
      "After detach_() sine is a constant. a.grad is 1 everywhere: the derivative of a.sum() alone.");
  auto t = ct::tensor(2.0, ct::requires_grad());
  (t * t * t.detach()).backward();
  ask("What is the derivative of x * x * x.detach() at x = 2?", number(t.grad().item<double>()),
      "The last factor is the constant 2, so it is 2 * 2 x = 8; of x^3 it would be 12.");
  auto r1 = root * 2, r2 = root * 2, r3 = root * 2, r4 = root * 2;
  ask("c = a * 2, and a asks for a gradient. Which of these raise an error?",
      several({{"c.requires_grad_(false)", !works([&] { r1.requires_grad_(false); })},
               {"c.requires_grad_(true)", !works([&] { r2.requires_grad_(true); })},
               {"c.detach_()", !works([&] { r3.detach_(); })},
               {"c[0].detach_()", !works([&] { r4[0].detach_(); })},
               {"c[0].detach()", !works([&] { r4[0].detach(); })}}),
      "A result cannot be switched off, and a view cannot be cut in place. A result that is no view can.");
  return finish();
}
