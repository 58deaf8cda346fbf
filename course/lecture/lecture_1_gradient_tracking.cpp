// Lecture, part 1: Gradient tracking
// Level: lecture
// Concepts: what a gradient is, recording forward, walking back, the chain rule, grad_fn and next_functions

#include "common/lesson.h"
#include <iostream>

using namespace lesson;

// Prints the graph below a node, one line a node, and returns the names in that order.
static std::vector<std::string> walk(const ct::NodePtr& node, int depth = 0) {
  std::cout << std::string(2 * static_cast<std::size_t>(depth) + 2, ' ') << node->name() << "\n";
  std::vector<std::string> names{node->name()};
  for (const ct::Edge& edge : node->next_functions())
    if (edge.is_valid())
      for (const std::string& name : walk(edge.function, depth + 1)) names.push_back(name);
  return names;
}

int main() {
  // %% [markdown]
  // # Gradient tracking
  // The gradient of a scalar is the vector of its partial derivatives: the direction of steepest ascent, and how steep it is.
  // Tracking means: (1) record each operation while it runs *forward*; (2) walk the record *backward* from the result,
  // multiplying by one local derivative a step (the chain rule); (3) add what arrives at a leaf into its `.grad`; (4) use it
  // to update. Nothing is accumulated in step 1: before `backward()` there are no gradients at all.

  // %%
  section("A product and a sum");
  auto a = ct::tensor({{2.0, 3.0}}, ct::requires_grad());
  auto b = ct::tensor({{1.0, 2.0}}, ct::requires_grad());
  auto c = a * b;
  auto d = c.sum();
  std::cout << "c = " << c << "\nd = " << d << "\n";
  check(c, ct::tensor({{2.0, 6.0}}));
  check(d.item<double>(), 8);
  check_that(!a.grad().defined() && !b.grad().defined(), "no gradient exists before backward");

  // %%
  std::cout << "the record, from the result to the leaves:\n";
  const auto names = walk(d.grad_fn());
  check_that(names == std::vector<std::string>{"SumBackward0", "MulBackward0", "AccumulateGrad", "AccumulateGrad"}, "the graph of sum(a * b)");

  // %%
  d.backward();
  // d = a0 b0 + a1 b1: the derivative by a is b, and the other way round.
  std::cout << "a.grad = " << a.grad() << "   (b)\nb.grad = " << b.grad() << "   (a)\n";
  check(a.grad(), b);
  check(b.grad(), a);

  // %% [markdown]
  // ## Questions
  // 1. In which of the two passes are gradients computed and accumulated? (In the backward pass.)
  // 2. Why does the node of a product keep its two factors, and the node of a sum nothing?
  return finish();
}
