// Lecture, part 2: The graph follows the program
// Level: lecture
// Concepts: 0-dim tensors, grad_fn, define-by-run, control flow
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// The operation depends on the value: the graph is whatever ran.
static ct::Tensor bend(const ct::Tensor& z) {
  if (z.item<double>() > 5) return z * z;
  return z.exp();
}

// Doubles until the value is large enough: as many operations as it takes.
static ct::Tensor grow(ct::Tensor z, double enough) {
  while (z.item<double>() < enough) z = z + z;
  return z;
}

// The derivative of f at a number.
static double slope(ct::FunctionRef<ct::Tensor(const ct::Tensor&)> f, double at) {
  auto u = ct::tensor(at, ct::requires_grad());
  f(u).backward();
  return u.grad().item<double>();
}

int main() {
  // %% [markdown]
  // # The graph follows the program
  // There is no separate description of the graph: it is recorded while the program runs, so an `if` in C++ is an `if` in the
  // graph, and a loop is as many nodes as it has rounds.

  // %% [markdown]
  // ## 1. A product of two numbers
  // For $z=xy$: $\partial z/\partial x=y$ and $\partial z/\partial y=x$.

  // %%
  section("1. A product of two numbers");
  auto x = ct::tensor(2.0, ct::requires_grad());
  auto y = ct::tensor(3.0, ct::requires_grad());
  auto z = x * y;
  ct::print("z =", z, " made by", z.grad_fn()->name());
  check(z.item<double>(), 6);
  check_that(z.dim() == 0 && z.grad_fn()->name() == "MulBackward0", "z was made by a product");
  z.backward();
  ct::print("dz/dx =", x.grad().item<double>(), " dz/dy =", y.grad().item<double>());
  check(x.grad().item<double>(), 3);
  check(y.grad().item<double>(), 2);

  // %% [markdown]
  // ## 2. An if chooses the operation
  // `bend()` squares what is above 5, and takes $e$ to the power of all else:
  //
  // $$\mathrm{bend}(z)=\begin{cases}z^2 & z>5\\ e^z & z\le 5.\end{cases}$$

  // %%
  section("2. An if chooses the operation");
  for (double start : {2.0, 1.0}) {
    auto u = ct::tensor(start, ct::requires_grad());
    auto w = bend(u * 3);
    w.backward();
    ct::print("u =", start, " made by", w.grad_fn()->name(), " dw/du =", ct::fixed(u.grad().item<double>(), 4));
    check(u.grad().item<double>(), start == 2.0 ? 2 * 6 * 3 : 3 * std::exp(3.0));  // of (3u)^2 and of e^(3u)
    check_that(w.grad_fn()->name() == (start == 2.0 ? "MulBackward0" : "ExpBackward0"), "the graph is what ran");
  }
  // The condition itself is not in the graph. At the threshold the true function jumps, and no gradient tells you so.

  // %% [markdown]
  // ## 3. A loop is as long as it runs
  // `grow()` doubles until the value is large enough. After $n$ rounds $w=2^nu$, and $\partial w/\partial u=2^n$.

  // %%
  section("3. A loop is as long as it runs");
  for (double start : {3.0, 20.0}) {
    auto u = ct::tensor(start, ct::requires_grad());
    auto w = grow(u, 50);
    int additions = 0;
    for (auto node = w.grad_fn(); node->name() == "AddBackward0"; node = node->next_edge(0).function) ++additions;
    const auto picture = ct::inspect::graph(w, {{"u", u}, {"w", w}});
    save(picture, start == 3.0 ? "lecture_2_from_3" : "lecture_2_from_20");
    check(static_cast<double>(picture.size()), additions + 1);  // and the leaf
    w.backward();
    ct::print("u =", start, " w =", w.item<double>(), " additions on record:", additions, " dw/du =", u.grad().item<double>());
    check(u.grad().item<double>(), start == 3.0 ? 32 : 4);
    check(additions, start == 3.0 ? 5 : 2);
  }

  // %% [markdown]
  // ## Questions

  // %%
  ask("In part 2, what is dw/du at u = 3?", number(slope([](const ct::Tensor& u) { return bend(u * 3); }, 3)),
      "3 u = 9 is above 5, so w = 9 u^2 and dw/du = 18 u.");
  auto edge = bend(ct::tensor(5.0, ct::requires_grad()));
  const std::string made_by = edge.grad_fn()->name();
  ask("What does the graph of bend(z) hold at exactly z = 5?",
      choice({{"the square", made_by == "MulBackward0"},
              {"the exponential", made_by == "ExpBackward0"},
              {"both, and a node that chooses", made_by != "MulBackward0" && made_by != "ExpBackward0"}}),
      "5 is not above 5, so the exponential ran, and only what ran is recorded.");
  ask("In part 3, what is dw/du at u = 1?", number(slope([](const ct::Tensor& u) { return grow(u, 50); }, 1)),
      "Six doublings lead from 1 to 64, the first value that is not below 50. Each of them doubles the derivative.");
  return finish();
}
