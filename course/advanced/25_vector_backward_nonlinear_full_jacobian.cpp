// Lesson 25: A nonlinear function and its whole Jacobian
// Level: advanced
// Concepts: the Jacobian from one-hot backwards, v^T J, J u by forward mode, autograd::functional::jacobian
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/functional.h>
#include <cotangent/inspect.h>
#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// f(x) = [sin x0 + x1^2, exp x0 - cos x1]
static ct::Tensor f(const ct::Tensor& x) { return ct::stack({x[0].sin() + x[1].pow(2), x[0].exp() - x[1].cos()}); }

// Two to practise on.
static ct::Tensor g(const ct::Tensor& x) { return ct::stack({x[0].pow(2), x[0] * x[1], x[1].pow(2)}); }
static ct::Tensor h(const ct::Tensor& x) { return ct::stack({x[0] * x[1] + x[2], x[0].sin() + x[1].pow(2)}); }

// Row i of the Jacobian is what comes back for v = e_i: one walk for each output, over one graph.
static ct::Tensor jacobian_by_rows(ct::Tensor (*function)(const ct::Tensor&), const ct::Tensor& at) {
  auto x = at.detach().clone().requires_grad_();
  auto y = function(x);
  std::vector<ct::Tensor> rows;
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    auto e = ct::zeros_like(y);
    e[i] = 1;
    rows.push_back(ct::autograd::grad({y}, {x}, {e}, /*retain_graph=*/true)[0]);
  }
  return ct::stack(rows);
}

int main() {
  // %% [markdown]
  // # A nonlinear function and its whole Jacobian
  // Outside of the linear case the Jacobian depends on where you stand. Here is one that is small enough to write down. One
  // backward gives one product of v with the Jacobian; the whole of it costs one backward for each output.

  // %% [markdown]
  // ## 1. The function, and v^T J
  // $$f(x)=\begin{bmatrix}\sin x_0+x_1^2\\ e^{x_0}-\cos x_1\end{bmatrix},\qquad
  // J=\begin{bmatrix}\cos x_0&2x_1\\ e^{x_0}&\sin x_1\end{bmatrix}.$$

  // %%
  section("1. The function, and v^T J");
  auto x = ct::tensor({0.3, -0.7}, ct::requires_grad());
  auto y = f(x);
  ct::print("f(x) =", y);
  check(y, {0.7855202, 0.5850165});
  save(ct::inspect::graph(y, {{"x", x}, {"f(x)", y}}), "25_graph");  // x is used four times: four paths, whose gradients add up
  auto v = ct::tensor({0.2, -1.5});
  y.backward(v);
  ct::print("v =", v);
  ct::print("x.grad =", x.grad());
  check(x.grad(), {-1.8337209, 0.6863265});

  // %% [markdown]
  // ## 2. J by hand
  // With the Jacobian written down, $v^\top J$ is a product of a vector and a matrix. It must be what backward gave.

  // %%
  section("2. J by hand");
  const double x0 = x[0].item<double>(), x1 = x[1].item<double>();
  auto by_hand = ct::tensor({{std::cos(x0), 2 * x1}, {std::exp(x0), std::sin(x1)}});
  ct::print("J =");
  ct::print(by_hand);
  check(by_hand, ct::tensor({{0.9553365, -1.4}, {1.3498588, -0.6442177}}));
  auto product = ct::matmul(v, by_hand);  // Python: v @ J
  ct::print("v^T J =", product);
  check(product, x.grad());

  // %% [markdown]
  // ## 3. J from one-hot backwards
  // $e_i^\top J$ is row $i$. One graph serves all of them, with `retain_graph`.

  // %%
  section("3. J from one-hot backwards");
  auto rows = jacobian_by_rows(f, x);
  ct::print("J by rows =");
  ct::print(rows);
  check(rows, by_hand);
  check(ct::matmul(v, rows), x.grad());

  // %% [markdown]
  // ## 4. J in one call
  // Python: `torch.autograd.functional.jacobian(f, x)`

  // %%
  section("4. J in one call");
  auto J = ct::autograd::functional::jacobian(f, x.detach());
  ct::print("J =");
  ct::print(J);
  check(J, by_hand);
  const double gap = (ct::matmul(v, J) - x.grad()).abs().max().item<double>();
  check_that(gap <= 1e-6, "v^T J from the whole Jacobian is what one backward gave");

  // %% [markdown]
  // ## 5. Columns by forward mode
  // Backward mode goes from an output to all inputs: a row, $e_i^\top J$. Forward mode goes from an input to all outputs: the
  // product $Ju$, and with $u=e_j$ a column. It answers "how does $f$ move if $x$ moves along $u$?".

  // %%
  section("5. Columns by forward mode");
  auto [value, column] = ct::autograd::functional::jvp(f, x.detach(), ct::tensor({1.0, 0.0}));
  ct::print("f(x) =", value);
  ct::print("J e0 =", column);
  check(value, {0.7855202, 0.5850165});
  check(column, {0.9553365, 1.3498588});
  check(column, J.select(1, 0));

  // %% [markdown]
  // ## 6. Two to practise on
  // $$g(x)=\begin{bmatrix}x_0^2\\ x_0x_1\\ x_1^2\end{bmatrix}\ \text{at }(2,3),\qquad
  // h(x)=\begin{bmatrix}x_0x_1+x_2\\ \sin x_0+x_1^2\end{bmatrix}\ \text{at }(1,2,3).$$
  //
  // Write down both Jacobians before you look.

  // %%
  section("6. Two to practise on");
  auto Jg = jacobian_by_rows(g, ct::tensor({2.0, 3.0}));
  ct::print("[x0^2, x0 x1, x1^2] at (2, 3):");
  ct::print(Jg);
  check(Jg, ct::tensor({{4.0, 0.0}, {3.0, 2.0}, {0.0, 6.0}}));
  check(ct::autograd::functional::jacobian(g, ct::tensor({2.0, 3.0})), Jg);
  auto Jh = jacobian_by_rows(h, ct::tensor({1.0, 2.0, 3.0}));
  ct::print("[x0 x1 + x2, sin x0 + x1^2] at (1, 2, 3):");
  ct::print(Jh);
  check(Jh, ct::tensor({{2.0, 1.0, 1.0}, {0.5403023, 4.0, 0.0}}));
  check(ct::autograd::functional::jacobian(h, ct::tensor({1.0, 2.0, 3.0})), Jh);

  // %% [markdown]
  // ## Questions

  // %%
  const double other = ct::matmul(ct::tensor({1.0, 1.0}), J)[0].item<double>();
  ask("What is x.grad[0] for v = [1, 1] at the same x?", number(other),
      "Column 0 of J, added up: cos 0.3 + exp 0.3 = 0.955336 + 1.349859.");
  ask("A network has 1000 inputs and 3 outputs. How many backward walks give its whole Jacobian?", number(3),
      "One walk gives one row, and there is a row for each output. Forward mode would need 1000, one for each input.");
  ask("Which entries of the Jacobian of g stay the same at every x?",
      several({{"dg0/dx1", (jacobian_by_rows(g, ct::tensor({5.0, -1.0})) == Jg)[0][1].item<bool>()},
               {"dg1/dx0", (jacobian_by_rows(g, ct::tensor({5.0, -1.0})) == Jg)[1][0].item<bool>()},
               {"dg2/dx0", (jacobian_by_rows(g, ct::tensor({5.0, -1.0})) == Jg)[2][0].item<bool>()},
               {"dg2/dx1", (jacobian_by_rows(g, ct::tensor({5.0, -1.0})) == Jg)[2][1].item<bool>()}}),
      "g0 = x0^2 does not contain x1, and g2 = x1^2 does not contain x0: these two entries are zero wherever you stand.");
  return finish();
}
