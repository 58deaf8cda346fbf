// Lesson 03: The life of a graph
// Level: beginner
// Concepts: retain_graph, what is saved for backward, shared intermediates, shared leaves
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

// Whether y can be walked back twice without retain_graph.
static bool survives(const ct::Tensor& y) {
  auto v = ct::ones_like(y);
  y.backward(v);
  return works([&] { y.backward(v); });
}

struct Case {
  std::string text;
  ct::Tensor y;
};

int main() {
  // %% [markdown]
  // # The life of a graph
  // A graph serves one backward: the values it saved are freed on the way. `retain_graph` keeps them for another walk.
  // Gradients still add up.

  // %% [markdown]
  // ## 1. Once, twice with `retain_graph`, and once too often
  // The loss is $\sum_i x_i^2$ again, with the gradient $2x$. A second walk adds another $2x$; the third finds nothing to walk
  // with.

  // %%
  section("1. Once, twice with retain_graph, and once too often");
  ct::manual_seed(0);
  auto x = ct::randn({3}, ct::requires_grad());
  auto loss = x.pow(2).sum();
  loss.backward({}, /*retain_graph=*/true);  // Python: loss.backward(retain_graph=True)
  ct::print("first:        ", x.grad());
  check(x.grad(), {3.08199, -0.58686, -4.35758});
  loss.backward();  // the graph was kept; this walk frees it
  ct::print("second, added:", x.grad());
  check(x.grad(), {6.16398, -1.17372, -8.71516});
  ct::print("third:");
  show_error([&] { loss.backward(); }, "Trying to backward through the graph a second time");
  check(x.grad(), {6.16398, -1.17372, -8.71516});  // a failed backward leaves the gradients as they were

  // %% [markdown]
  // ## 2. A fresh forward needs no `retain_graph`
  // Each forward computation records a graph of its own.

  // %%
  section("2. A fresh forward needs no retain_graph");
  x.mutable_grad().zero_();  // with the underscore: there is no zero() in Python or here
  check(x.grad(), {0, 0, 0});
  x.pow(2).sum().backward();
  ct::print("fresh graph:  ", x.grad());
  check(x.grad(), {3.08199, -0.58686, -4.35758});

  // %% [markdown]
  // ## 3. It is the saved values that are freed
  // The derivative of a sum is 1, whatever was summed; that of $a^2$ is $2a$, so its node keeps `a`. A graph in which nothing
  // was kept can be walked again.

  // %%
  section("3. It is the saved values that are freed");
  auto a = ct::tensor({{1.0, 2.0}, {3.0, 4.0}}, ct::requires_grad());
  auto b = ct::ones({2, 2}, ct::requires_grad());
  const std::vector<Case> keep_nothing = {
      {"a.sum()", a.sum()},     {"a.mean()", a.mean()},         {"a + 1", a + 1}, {"a - 1", a - 1}, {"-a", -a},
      {"a.clone()", a.clone()}, {"cat(a, b)", ct::cat({a, b})}, {"a.t()", a.t()}, {"a[0]", a[0]}};
  const std::vector<Case> keep_values = {{"a.pow(2)", a.pow(2)}, {"a.exp()", a.exp()}, {"a.sin()", a.sin()},
                                         {"a.relu()", a.relu()}, {"a * b", a * b},     {"a.matmul(b)", a.matmul(b)}};
  for (const Case& c : keep_nothing) {
    ct::print("  can be walked twice:", c.text);
    check_that(survives(c.y), c.text + " saves nothing");
  }
  for (const Case& c : keep_values) {
    ct::print("  only once:          ", c.text);
    check_that(!survives(c.y), c.text + " saves a value");
  }

  // %% [markdown]
  // ## 4. Two losses that share an intermediate
  // From $h=p^2$ come two losses, $2h$ and $3h$. Both walks go through the node of the square, which has saved $p$; the first
  // walk must leave it there for the second. Together they give $(2+3)\cdot 2p=20$ at $p=2$.

  // %%
  section("4. Two losses that share an intermediate");
  auto p = ct::tensor({2.0}, ct::requires_grad());
  auto h = p.pow(2);
  auto left = (2 * h).sum(), right = (3 * h).sum();
  const auto picture = ct::inspect::graph({left, right}, {{"p", p}, {"h", h}, {"left", left}, {"right", right}});
  save(picture, "03_shared_intermediate");  // the saved p hangs on h, through which both walks have to go
  check_that(picture.node("h").saved.size() == 1 && picture.node("h").op == "pow", "h keeps one value");
  left.backward({}, /*retain_graph=*/true);  // right still needs what h saved
  save(ct::inspect::steps(right, {{"p", p}, {"h", h}, {"right", right}}), "03_steps");  // what the second walk finds, and adds
  right.backward();
  ct::print("retain, then the other:  p.grad =", p.grad(), "  (2 p times 5)");
  check(p.grad(), {20});
  p.mutable_grad().reset();
  auto h2 = p.pow(2);
  ((2 * h2).sum() + (3 * h2).sum()).backward();  // or one walk from the sum
  ct::print("one backward of the sum: p.grad =", p.grad());
  check(p.grad(), {20});
  ct::print("without either:");
  auto h3 = p.pow(2);
  (2 * h3).sum().backward();
  show_error([&] { (3 * h3).sum().backward(); }, "Trying to backward through the graph a second time");

  // %% [markdown]
  // ## 5. Two losses that share only a leaf
  // $q^2$ and $3q$ have a graph each, and meet in `q.grad` alone.

  // %%
  section("5. Two losses that share only a leaf");
  auto q = ct::tensor({2.0}, ct::requires_grad());
  q.pow(2).sum().backward();
  (3 * q).sum().backward();
  ct::print("q.grad =", q.grad(), "  (2 q + 3)");
  check(q.grad(), {7});

  // %% [markdown]
  // ## Questions

  // %%
  ask("Which of these can be walked back twice without retain_graph?",
      several({{"a.cos()", survives(a.cos())}, {"a.reshape({4})", survives(a.reshape({4}))}, {"a - b", survives(a - b)},
               {"a * 2", survives(a * 2)}, {"a.sqrt()", survives(a.sqrt())}}),
      "reshape and minus need no value for their derivatives. cos keeps its input, sqrt its result, and a * 2 keeps the 2: the "
      "number is wrapped as a tensor, as in Python.");
  p.mutable_grad().reset();
  auto l4 = (2 * p.pow(2)).sum(), r4 = (3 * p.pow(2)).sum();  // each with a square of its own
  l4.backward();
  ask("In part 4, let each loss compute its own p.pow(2). Is retain_graph still needed?", yes_no(!works([&] { r4.backward(); })),
      "Two squares are two nodes with two saved values. The price is a second forward computation.");
  auto s = ct::tensor({3.0}, ct::requires_grad());
  auto hs = s.pow(2);
  (2 * hs).sum().backward({}, true);
  (3 * hs).sum().backward();
  ask("Part 4 starts from p = 3 instead of 2. What is p.grad after both backwards?", number(s.grad().item<double>()),
      "The derivative of 2 p^2 + 3 p^2 is 10 p.");
  return finish();
}
