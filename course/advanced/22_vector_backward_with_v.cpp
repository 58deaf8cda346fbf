// Lesson 22: A direction for a vector output
// Level: advanced
// Concepts: backward(v), the vector-Jacobian product, why a vector output needs v, what v selects
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

// The gradient of sin by x, walked back from sin(x) with v: a fresh graph for each v.
static ct::Tensor pulled_back(const ct::Tensor& x, const ct::Tensor& v) {
  auto leaf = x.detach().clone().requires_grad_();
  leaf.sin().backward(v);
  return leaf.grad();
}

int main() {
  // %% [markdown]
  // # A direction for a vector output
  // Backward starts with "how much does the result change if the result changes?" For one number that is 1. For a vector it is a
  // matter of choice: `y.backward(v)` asks for the gradient of the *number* v . y, a weighted sum of the outputs. Every backward
  // that you have called so far was of this kind, with v = 1.

  // %% [markdown]
  // ## 1. A vector output has no gradient of its own
  // What it has is a *Jacobian*, $J_{ij}=\partial y_i/\partial x_j$: one row for each output. `y.backward(v)` gives
  //
  // $$\left(v^\top J\right)_j=\sum_i v_i\,\frac{\partial y_i}{\partial x_j}=\frac{\partial}{\partial x_j}\,(v\cdot y).$$
  //
  // Nothing of the size of $J$ is ever made: the walk carries one vector from node to node. But it needs a $v$ to begin with.

  // %%
  section("1. A vector output has no gradient of its own");
  ct::manual_seed(0);
  auto x = ct::randn({3}, ct::requires_grad());
  auto y = x.sin();
  ct::print("x =", x);
  ct::print("y = sin(x) =", y);
  check(x, {1.5409961, -0.2934289, -2.1787894});
  check(y, {0.9995560, -0.2892362, -0.8207961});
  show_error([&] { y.backward(); }, "grad can be implicitly created only for scalar outputs");
  check_that(!x.grad().defined(), "a backward that was refused leaves no gradient");

  // %% [markdown]
  // ## 2. With v it has one
  // $y_i=\sin x_i$ depends on $x_i$ alone, so $J$ is diagonal, with $\cos x_i$ on the diagonal, and $v^\top J$ is an
  // element-wise product:
  //
  // $$\left(v^\top J\right)_i=v_i\cos x_i.$$

  // %%
  section("2. With v it has one");
  auto v = ct::tensor({0.1, 1.0, 0.01});
  y.backward(v);  // the refused call freed nothing: the graph is still there
  auto by_hand = v * x.detach().cos();
  ct::print("v =", v);
  ct::print("x.grad =", x.grad());
  ct::print("v * cos(x) =", by_hand);
  check(x.grad(), {0.0029796, 0.9572577, -0.0057122});
  check(x.grad(), by_hand);

  // %% [markdown]
  // ## 3. v says how much each output counts
  // A $v$ of ones asks for the gradient of the sum. A one-hot $v=e_i$ asks about one output: it isolates row $i$ of $J$.

  // %%
  section("3. v says how much each output counts");
  auto ones = pulled_back(x, ct::ones({3}));
  x.mutable_grad().zero_();
  x.sin().sum().backward();
  ct::print("v of ones:           ", ones);
  ct::print("backward of the sum: ", x.grad());
  check(ones, {0.0297957, 0.9572577, -0.5712218});
  check(ones, x.grad());

  auto e2 = ct::tensor({0.0, 0.0, 1.0});
  auto row = pulled_back(x, e2);
  ct::print("v = e2, row 2 of J:  ", row);
  check(row, {0, 0, -0.5712218});

  // %% [markdown]
  // ## 4. It is linear in v
  // $v^\top J=\sum_i v_i\,(e_i^\top J)$: the rows of $J$, weighted by $v$ and added.

  // %%
  section("4. It is linear in v");
  auto sum_of_rows = ct::zeros({3});
  for (int i = 0; i < 3; ++i) {
    auto e = ct::zeros({3});
    e[i] = 1;
    sum_of_rows = sum_of_rows + v[i] * pulled_back(x, e);
  }
  ct::print("sum of v[i] * row i: ", sum_of_rows);
  check(sum_of_rows, by_hand);
  auto doubled = pulled_back(x, 2 * v);
  ct::print("with 2 v:            ", doubled);
  check(doubled, 2 * by_hand);

  // %% [markdown]
  // ## 5. The same as a gradient of v . y
  // The weighted sum can also be written into the program. Then the result is one number, and an ordinary backward does the
  // rest.

  // %%
  section("5. The same as a gradient of v . y");
  x.mutable_grad().zero_();
  auto number_of_v = (v * x.sin()).sum();
  save(ct::inspect::graph(number_of_v, {{"x", x}, {"v", v}, {"v . y", number_of_v}}), "22_graph");
  number_of_v.backward();
  ct::print("backward of (v * y).sum():", x.grad());
  check(x.grad(), by_hand);

  // %% [markdown]
  // ## Questions

  // %%
  const double selected = pulled_back(x, ct::tensor({0.0, 5.0, 0.0}))[1].item<double>();
  x.mutable_grad().zero_();
  auto outputs = x.sin();
  (outputs[0] - outputs[1]).backward();
  auto same = [&](const ct::Tensor& w) { return ct::allclose(pulled_back(x, w), x.grad()); };
  ask("In part 2, v = [0, 5, 0] is used instead. What is x.grad[1]?", number(selected),
      "It is v[1] cos(x[1]) = 5 * 0.957258. The other two entries become 0: v asks about y[1] alone.");
  ask("Which v gives the same gradient as (y[0] - y[1]).backward()?",
      choice({{"[1, -1, 0]", same(ct::tensor({1.0, -1.0, 0.0}))},
              {"[1, 1, 0]", same(ct::tensor({1.0, 1.0, 0.0}))},
              {"[-1, 1, 0]", same(ct::tensor({-1.0, 1.0, 0.0}))},
              {"none: two outputs cannot be asked about at once", false}}),
      "v . y is y[0] - y[1] for v = [1, -1, 0]. Any weighted sum of the outputs has its v.");
  ask("Does y.backward(v) need the memory of the 3 x 3 Jacobian?", yes_no(false),
      "The walk carries vectors only. For sin it multiplies v by cos(x), elementwise; a Jacobian is never made.");
  return finish();
}
