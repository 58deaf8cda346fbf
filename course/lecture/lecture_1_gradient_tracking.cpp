// Lecture, part 1: Gradient tracking
// Level: lecture
// Concepts: what a gradient is, recording forward, walking back, the chain rule, grad_fn and next_functions
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include <algorithm>
#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// Prints the graph below a node, one line a node, and returns the names in that order. Python: node.next_functions.
static std::vector<std::string> walk(const ct::Node& node, std::size_t depth = 1) {
  ct::print(std::string(2 * depth, ' ') + node.name());
  std::vector<std::string> names{node.name()};
  for (const ct::Edge& edge : node.next_edges())
    if (edge.is_valid())
      for (const std::string& name : walk(*edge.function, depth + 1)) names.push_back(name);
  return names;
}

int main() {
  // %% [markdown]
  // # Gradient tracking
  // The gradient of a scalar is the vector of its partial derivatives. It points in the direction of steepest ascent, its length
  // is how steep that is, and a step against it makes the scalar smaller. Tracking gets it in four steps:
  //
  // 1. *Forward*: each operation runs, and is recorded with what it depends on.
  // 2. *Backward*: the record is walked from the result to the leaves, multiplying by one local derivative a step (chain rule).
  // 3. What arrives at a leaf is added to its `.grad`.
  // 4. The gradient is used, most often for an update.
  //
  // **A correction.** The lecture that this lesson follows says that gradients accumulate as operations are performed during the
  // forward pass. In step 1 there are no gradients at all; the code below looks.

  // %% [markdown]
  // ## 1. Forward: a product and a sum
  // $c=a\odot b$, element by element, and $d=\sum_i c_i$.

  // %%
  section("1. Forward: a product and a sum");
  auto a = ct::tensor({{2.0, 3.0}}, ct::requires_grad());
  auto b = ct::tensor({{1.0, 2.0}}, ct::requires_grad());
  auto c = a * b;
  auto d = c.sum();
  ct::print("c =", c);
  ct::print("d =", d);
  check(c, ct::tensor({{2.0, 6.0}}));
  check(d.item<double>(), 8);
  const bool after_forward = a.grad().defined() || b.grad().defined();
  ct::print("is there a gradient yet?", after_forward);
  check_that(!after_forward, "no gradient exists before backward");

  // %% [markdown]
  // ## 2. The record, from the result to the leaves
  // Each line is a node, and what it got its inputs from stands below it. A leaf appears as `AccumulateGrad`: the node that adds
  // to its `.grad`.

  // %%
  section("2. The record, from the result to the leaves");
  save(ct::inspect::graph(d, {{"a", a}, {"b", b}, {"c", c}, {"d", d}}), "lecture_1_graph");
  const auto names = walk(*d.grad_fn());
  check_that(names == std::vector<std::string>{"SumBackward0", "MulBackward0", "AccumulateGrad", "AccumulateGrad"},
             "the graph of sum(a * b)");

  // %% [markdown]
  // ## 3. Backward
  // $d=a_0b_0+a_1b_1$, so $\partial d/\partial a_i=b_i$, and the other way round. The sum passes its 1 on to every entry; the
  // product multiplies by the *other* factor, which is why it has saved both.

  // %%
  section("3. Backward");
  save(ct::inspect::steps(d, {{"a", a}, {"b", b}, {"c", c}, {"d", d}}), "lecture_1_steps");  // the walk, node by node
  d.backward();
  ct::print("a.grad =", a.grad(), "  (b)");
  ct::print("b.grad =", b.grad(), "  (a)");
  check(a.grad(), ct::tensor({{1.0, 2.0}}));
  check(b.grad(), ct::tensor({{2.0, 3.0}}));
  check_that(ct::equal(a.grad(), b) && ct::equal(b.grad(), a), "each factor's gradient is the other one");

  // %% [markdown]
  // ## 4. What the gradient of a says
  // The gradient collects the partial derivatives, and predicts what a small step $s$ does:
  //
  // $$\nabla d=\left(\frac{\partial d}{\partial a_0},\frac{\partial d}{\partial a_1}\right),\qquad
  // d(a+s)-d(a)\approx\nabla d\cdot s.$$
  //
  // Among all steps of the same length, that is largest for the one along the gradient: $\|\nabla d\|\,\|s\|$. From `a`, we try
  // steps of length 0.1 in sixteen directions of the plane, the gradient's own being the first.

  // %%
  section("4. What the gradient of a says");
  auto g = a.grad().to(ct::kDouble);
  const double steep = g.norm().item<double>(), angle = std::atan2(g[0][1].item<double>(), g[0][0].item<double>());
  std::vector<double> rise;
  for (int i = 0; i < 16; ++i) {
    const double at = angle + i * std::acos(-1.0) / 8;
    auto step = ct::tensor({{0.1 * std::cos(at), 0.1 * std::sin(at)}}, ct::kDouble);
    rise.push_back((((a.detach().to(ct::kDouble) + step) * b.detach()).sum() - 8).item<double>());
  }
  ct::print("d rises by", ct::fixed(rise[0], 4), "along the gradient, at most by",
            ct::fixed(*std::max_element(rise.begin() + 1, rise.end()), 4), "elsewhere");
  ct::print("length of the gradient:", ct::fixed(steep, 4), " times 0.1:", ct::fixed(0.1 * steep, 4));
  check(rise[0], 0.1 * std::sqrt(5.0));
  check_that(std::max_element(rise.begin(), rise.end()) == rise.begin(), "no direction is steeper");
  {
    ct::NoGradGuard no_grad;
    a -= 0.1 * a.grad();
  }
  ct::print("after a step against it: d =", ct::fixed((a * b).sum().item<double>(), 4));
  check((a * b).sum().item<double>(), 8 - 0.1 * 5);

  // %% [markdown]
  // ## Questions

  // %%
  auto p = ct::tensor({{2.0, 3.0}}, ct::requires_grad()), q = ct::tensor({{1.0, 2.0}}, ct::requires_grad());
  auto r = (p * q * q).sum();
  const bool before = p.grad().defined() || q.grad().defined();
  r.backward();
  const bool after = p.grad().defined() && q.grad().defined();
  ask("In which of the two passes are gradients computed and accumulated?",
      choice({{"in the forward pass, operation by operation", before},
              {"in the backward pass", !before && after},
              {"half of each product in the forward pass, the rest in the backward pass", before && !after}}),
      "The forward pass only records. Before backward() no .grad exists.");
  const auto has = [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  ask("Which nodes are in the graph of sum(a * b)?",
      several({{"SumBackward0", has("SumBackward0")},
               {"MulBackward0", has("MulBackward0")},
               {"AddBackward0", has("AddBackward0")},
               {"AccumulateGrad", has("AccumulateGrad")}}),
      "One node for each operation that ran, and one AccumulateGrad for each leaf: it is what adds to .grad.");
  ask("a = (2, 3), b = (1, 2), d = sum(a * b * b). What is the last entry of b.grad?", number(q.grad()[0][1].item<double>()),
      "The derivative by b is 2 a b: 2 * 3 * 2. It arrives in two parts, one for each factor b.");
  return finish();
}
