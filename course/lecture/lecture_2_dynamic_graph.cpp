// Lecture, part 2: The graph follows the program
// Level: lecture
// Concepts: 0-dim tensors, grad_fn, define-by-run, control flow

#include "common/lesson.h"
#include <cmath>
#include <iostream>

using namespace lesson;

// The operation depends on the value: the graph is whatever ran.
static ct::Tensor bend(const ct::Tensor& z) { return z.item<double>() > 5 ? z * z : z.exp(); }

int main() {
  // %% [markdown]
  // # The graph follows the program
  // There is no separate description of the graph: it is recorded while the program runs, so an `if` in C++ is an `if` in the
  // graph.

  // %%
  section("A product of two numbers");
  auto x = ct::tensor(2.0, ct::requires_grad());
  auto y = ct::tensor(3.0, ct::requires_grad());
  auto z = x * y;
  std::cout << "z = " << z << "\nmade by " << z.grad_fn()->name() << "\n";
  check(z.item<double>(), 6);
  check_that(z.grad_fn()->name() == "MulBackward0", "z was made by a product");
  z.backward();
  std::cout << "dz/dx = " << x.grad().item<double>() << ", dz/dy = " << y.grad().item<double>() << "\n";
  check(x.grad().item<double>(), 3);
  check(y.grad().item<double>(), 2);

  // %%
  section("An if chooses the operation");
  for (double start : {2.0, 1.0}) {
    auto u = ct::tensor(start, ct::requires_grad());
    auto w = bend(u * 3);
    w.backward();
    std::cout << "u = " << start << ": made by " << w.grad_fn()->name() << ", dw/du = " << u.grad().item<double>() << "\n";
    if (start == 2.0) check(u.grad().item<double>(), 2 * 6 * 3);      // (3u)^2
    else check(u.grad().item<double>(), 3 * std::exp(3.0));           // e^(3u)
    check_that(w.grad_fn()->name() == (start == 2.0 ? "MulBackward0" : "ExpBackward0"), "the graph is what ran");
  }

  // %% [markdown]
  // ## Questions
  // 1. What is dw/du at exactly u = 5/3, and what does the graph say there? (The branch is not taken: exp; the true function
  //    jumps, and no graph can see that.)
  return finish();
}
