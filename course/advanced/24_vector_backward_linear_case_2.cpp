// Lesson 24: The linear case, with column matrices
// Level: advanced
// Concepts: shapes of v and of gradients, MmBackward0, the gradient by the matrix: v x^T
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

int main() {
  // %% [markdown]
  // # The linear case, with column matrices
  // The numbers of lesson 23 again, with x as a column: a matrix of shape (3, 1). The arithmetic is the same; the shapes are
  // not, and the rule about shapes is the lesson: **v has the shape of y, and a gradient has the shape of its tensor.**

  // %% [markdown]
  // ## 1. Columns instead of vectors
  // A product of two matrices is another operation than one of a matrix and a vector; the node has another name.

  // %%
  section("1. Columns instead of vectors");
  auto A = ct::tensor({{2.0, 0.0, -1.0}, {0.5, 3.0, 1.0}}, ct::requires_grad());
  auto x = ct::tensor({{1.0}, {-2.0}, {0.5}}, ct::requires_grad());
  auto y = A.mm(x);
  ct::print("x has the shape", x.sizes(), "and y = A x has the shape", y.sizes());
  ct::print("y =");
  ct::print(y);
  ct::print("made by", y.grad_fn()->name());
  check(y, ct::tensor({{1.5}, {-5.0}}));
  check_that(y.grad_fn()->name() == "MmBackward0", "a product of two matrices is the operation mm");
  save(ct::inspect::graph(y, {{"A", A}, {"x", x}, {"y", y}}), "24_graph");  // two leaves now, each with its formula

  // %% [markdown]
  // ## 2. v must be a column, too
  // A vector of the same two numbers is refused: $v$ has to have the shape of $y$, here $(2,1)$.

  // %%
  section("2. v must be a column, too");
  show_error([&] { y.backward(ct::tensor({3.0, -1.0})); },
             "invalid gradient at index 0 - got [2] but expected shape compatible with [2, 1]");
  check_that(!x.grad().defined(), "nothing was computed from a v of the wrong shape");
  auto v = ct::tensor({{3.0}, {-1.0}});
  y.backward(v);
  ct::print("v =");
  ct::print(v);
  ct::print("x.grad =");
  ct::print(x.grad());
  check(x.grad(), ct::tensor({{5.5}, {-3.0}, {-4.0}}));
  check(x.grad(), A.detach().t().mm(v));
  check_that(x.grad().sizes() == x.sizes(), "x.grad is a column, as x is");

  // %% [markdown]
  // ## 3. The gradient by the matrix
  // Since $y_i=\sum_j A_{ij}x_j$, each entry of $A$ appears in one product:
  //
  // $$\frac{\partial\,(v\cdot y)}{\partial A_{ij}}=v_i\,x_j.$$
  //
  // That is the outer product $v\,x^\top$, in the shape of $A$. It is what a linear layer's weight gets: what came in ($x$),
  // times what came back ($v$).

  // %%
  section("3. The gradient by the matrix");
  auto outer = v.mm(x.detach().t());
  ct::print("A.grad =");
  ct::print(A.grad());
  ct::print("v x^T =");
  ct::print(outer);
  check(A.grad(), ct::tensor({{3.0, -6.0, 1.5}, {-1.0, 2.0, -0.5}}));
  check(A.grad(), outer);
  check_that(A.grad().sizes() == A.sizes(), "A.grad has the shape of A");

  // %% [markdown]
  // ## 4. One entry of it by a small change
  // Change $A_{01}$ alone by $\pm h$, and see by how much $v\cdot y$ changes: $v_0x_1=3\cdot(-2)$.

  // %%
  section("4. One entry of it by a small change");
  const double h = 1e-2;
  auto plus = A.detach().clone(), minus = A.detach().clone();
  plus[0][1] += h;
  minus[0][1] -= h;
  const double slope = ((v * plus.mm(x.detach())).sum() - (v * minus.mm(x.detach())).sum()).item<double>() / (2 * h);
  ct::print("d(v . y)/dA[0][1] measured:", ct::fixed(slope, 3));
  check(slope, -6, 1e-3);

  // %% [markdown]
  // ## 5. Several columns at once
  // `mm` takes more than one column: each column of $X$ is a sample, each column of $V$ its direction. $A$ is used by both
  // samples, so its gradient is the sum of their outer products, $VX^\top$.

  // %%
  section("5. Several columns at once");
  auto X = ct::tensor({{1.0, 0.0}, {-2.0, 1.0}, {0.5, 0.0}}, ct::requires_grad());
  auto V = ct::tensor({{3.0, 1.0}, {-1.0, 0.0}});
  A.mutable_grad().zero_();
  A.mm(X).backward(V);
  ct::print("X.grad =");
  ct::print(X.grad());
  ct::print("A.grad =");
  ct::print(A.grad());
  check(X.grad(), ct::tensor({{5.5, 2.0}, {-3.0, 0.0}, {-4.0, -1.0}}));
  check(A.grad(), ct::tensor({{3.0, -5.0, 1.5}, {-1.0, 2.0, -0.5}}));

  // %% [markdown]
  // ## Questions

  // %%
  auto probe = ct::tensor({{1.0}, {-2.0}, {0.5}}, ct::requires_grad());
  auto matrix = A.detach().clone().requires_grad_();
  matrix.mm(probe).backward(ct::ones({2, 1}));
  ask("A is (5, 8) and x is (8, 1). How many entries has the v that y.backward(v) needs?",
      number(static_cast<double>(ct::zeros({5, 8}).mm(ct::zeros({8, 1})).numel())), "v has the shape of y, which is (5, 1).");
  ask("What is A.grad[1][0] for v of ones and the x of part 1?", number(matrix.grad()[1][0].item<double>()),
      "A.grad[i][j] = v[i] x[j], here 1 * x[0] = 1.");
  ask("Which statements about A.grad = v x^T hold?",
      several({{"every row is a multiple of x", ct::allclose(outer[0] * v[1], outer[1] * v[0])},
               {"it depends on the values of A", !ct::equal(matrix.grad(), ct::ones({2, 1}).mm(x.detach().t()))},
               {"it has the shape of A", outer.sizes() == A.sizes()},
               {"it is zero where x is zero",
                ct::equal(ct::tensor({{1.0}, {1.0}}).mm(ct::tensor({{0.0, 2.0}})), ct::tensor({{0.0, 2.0}, {0.0, 2.0}}))}}),
      "Row i is v[i] times x, so one sample gives a matrix of rank one. A itself does not occur: y is linear in A.");
  return finish();
}
