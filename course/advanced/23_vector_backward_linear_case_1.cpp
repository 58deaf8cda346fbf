// Lesson 23: The linear case, with vectors
// Level: advanced
// Concepts: y = A x, the Jacobian of a linear map, A^T v, MvBackward0
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

int main() {
  // %% [markdown]
  // # The linear case, with vectors
  // A matrix times a vector is the simplest function with many outputs: its Jacobian is the matrix itself, wherever you stand.
  // Walking back with v multiplies by the transpose, and every linear layer's backward is this product.

  // %% [markdown]
  // ## 1. Forward: y = A x
  // $$A=\begin{bmatrix}2&0&-1\\ 0.5&3&1\end{bmatrix},\qquad
  // x=\begin{bmatrix}1\\ -2\\ 0.5\end{bmatrix},\qquad Ax=\begin{bmatrix}1.5\\ -5\end{bmatrix}.$$

  // %%
  section("1. Forward: y = A x");
  auto A = ct::tensor({{2.0, 0.0, -1.0}, {0.5, 3.0, 1.0}});
  auto x = ct::tensor({1.0, -2.0, 0.5}, ct::requires_grad());
  auto y = A.mv(x);  // Python also writes A @ x; here that is ct::matmul(A, x)
  ct::print("A =");
  ct::print(A);
  ct::print("x =", x);
  ct::print("y = A x =", y);
  ct::print("made by", y.grad_fn()->name());
  check(y, {1.5, -5});
  check_that(y.grad_fn()->name() == "MvBackward0", "a matrix times a vector is the operation mv");
  save(ct::inspect::graph(y, {{"A", A}, {"x", x}, {"y", y}}), "23_graph");  // its formula has the transpose already

  // %% [markdown]
  // ## 2. Backward: A^T v
  // The derivative of $y_i=\sum_j A_{ij}x_j$ by $x_j$ is $A_{ij}$, so $J=A$. Walking back with $v$ gives
  //
  // $$v^\top J=v^\top A,\qquad\text{as a column: }A^\top v.$$

  // %%
  section("2. Backward: A^T v");
  auto v = ct::tensor({3.0, -1.0});
  y.backward(v);
  auto by_hand = A.t().mv(v);
  ct::print("v =", v);
  ct::print("x.grad  =", x.grad());
  ct::print("A^T v   =", by_hand);
  check(x.grad(), {5.5, -3, -4});
  check(x.grad(), by_hand);
  check_that(x.grad().sizes() == x.sizes() && v.sizes() == y.sizes(), "v has the shape of y, the gradient that of x");

  // %% [markdown]
  // ## 3. Whatever x is
  // Another $x$, the same $v$: the matrix does not change, and so neither does the answer.

  // %%
  section("3. Whatever x is");
  auto x2 = ct::tensor({-7.0, 100.0, 0.001}, ct::requires_grad());
  A.mv(x2).backward(v);
  ct::print("x2 =", x2);
  ct::print("x2.grad =", x2.grad());
  check(x2.grad(), {5.5, -3, -4});
  check_that(ct::equal(x2.grad(), x.grad()), "the Jacobian of a linear map is the same everywhere");

  // %% [markdown]
  // ## 4. Where A and v meet
  // $v^\top(Ax)=(A^\top v)^\top x$: the same number, with the brackets moved. This is why backward multiplies by the transpose.
  //
  // For a linear $y$ the gradient $g=A^\top v$ predicts any step exactly, not only small ones: a step along it, $x+\eta g$,
  // raises $v\cdot y$ by $\eta\|g\|^2$.

  // %%
  section("4. Where A and v meet");
  const double left = v.dot(y).item<double>(), right = by_hand.dot(x).item<double>();
  ct::print("v . (A x)   =", ct::fixed(left, 4));
  ct::print("(A^T v) . x =", ct::fixed(right, 4));
  check(left, 9.5);
  check(right, 9.5);

  auto step = 0.01 * x.grad();
  const double rise = v.dot(A.mv(x.detach() + step) - y.detach()).item<double>();
  const double predicted = 0.01 * x.grad().pow(2).sum().item<double>();
  ct::print("v . y rises by", ct::fixed(rise, 5),
            "after a step of 0.01 gradients, and 0.01 |gradient|^2 =", ct::fixed(predicted, 5));
  check(predicted, 0.5525);
  check(rise, 0.5525);

  // %% [markdown]
  // ## 5. A vector of the wrong length
  // The number of columns of $A$ says how long $x$ must be. The message names the sizes of both.

  // %%
  section("5. A vector of the wrong length");
  show_error([&] { A.mv(ct::tensor({1.0, 2.0})); }, "size mismatch, got 2, 2x3,2");

  // %% [markdown]
  // ## Questions

  // %%
  auto grad_of = [&](const ct::Tensor& direction) {
    auto leaf = x.detach().clone().requires_grad_();
    A.mv(leaf).backward(direction);
    return leaf.grad();
  };
  auto second_row = grad_of(ct::tensor({0.0, 1.0}));
  ask("x.grad for v = [0, 1]: which part of A is it?",
      choice({{"row 0", ct::equal(second_row, A[0])},
              {"row 1", ct::equal(second_row, A[1])},
              {"column 1, with a zero added", ct::equal(second_row, ct::tensor({0.0, 3.0, 0.0}))},
              {"the sum of the rows", ct::equal(second_row, A.sum(0))}}),
      "A one-hot v selects one row of the Jacobian, and the Jacobian is A.");
  ask("What is x.grad[0] for v = [1, 1]?", number(grad_of(ct::ones({2}))[0].item<double>()),
      "It is the sum of column 0 of A: 2 + 0.5.");
  auto shifted = x.detach().clone().requires_grad_();
  (A.mv(shifted) + ct::tensor({10.0, 20.0})).backward(v);
  ask("A constant b is added: y = A x + b. Does x.grad change?", yes_no(!ct::equal(shifted.grad(), by_hand)),
      "A constant has no derivative: the Jacobian of A x + b is still A.");
  return finish();
}
