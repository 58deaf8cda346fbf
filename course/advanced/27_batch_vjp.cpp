// Lesson 27: One backward for a batch
// Level: advanced
// Concepts: batched v^T J, independent rows, gradients of shared weights, Jacobians per sample, vmap, per-sample gradients
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/func.h>
#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

// The batched function of this lesson: each row of X is a sample, Y = X A^T.
static ct::Tensor pulled_back(const ct::Tensor& A, const ct::Tensor& X, const ct::Tensor& V) {
  auto leaf = X.detach().clone().requires_grad_();
  leaf.mm(A.t()).backward(V);
  return leaf.grad();
}

// One sample's loss: the squared error of a linear model with the tanh of its output.
static ct::Tensor loss_of(const ct::Tensor& w, const ct::Tensor& x, const ct::Tensor& target) {
  return ((x * w).sum().tanh() - target).pow(2);
}

int main() {
  // %% [markdown]
  // # One backward for a batch
  // A batch is many samples that went through the same function. Its backward takes one v for each sample, as the rows of a
  // matrix V, and answers for all of them in one walk: row by row. Samples do not mix, except in what they share: the weights.

  // %% [markdown]
  // ## 1. A batch through a linear map
  // Row $i$ of the result is $v_i^\top J_i$, where $J_i$ is the Jacobian of sample $i$. For $Y=XA^\top$, where each row of $X$
  // is a sample, everybody has the Jacobian $A$, so `X.grad` $=VA$.

  // %%
  section("1. A batch through a linear map");
  ct::manual_seed(4);
  auto A = ct::randn({2, 3});
  auto X = ct::randn({2, 3}, ct::requires_grad());
  auto Y = X.mm(A.t());
  auto V = ct::tensor({{1.0, 0.0}, {0.5, -2.0}});
  ct::print("A =");
  ct::print(A);
  check(A, ct::tensor({{-1.6052763, 0.2324857, 2.2398701}, {0.8472938, 1.2006443, -0.4015503}}));
  save(ct::inspect::graph(Y, {{"A", A}, {"X", X}, {"Y", Y}}), "27_graph");  // one graph for the whole batch
  Y.backward(V);
  ct::print("X.grad =");
  ct::print(X.grad());
  check(X.grad(), ct::tensor({{-1.6052763, 0.2324857, 2.2398701}, {-2.4972258, -2.2850456, 1.9230356}}));
  check(X.grad(), V.mm(A));  // row i: v_i^T A

  // %% [markdown]
  // ## 2. Rows do not mix
  // Set one row of $V$ to zero: only the gradient of that sample changes.

  // %%
  section("2. Rows do not mix");
  auto first_only = pulled_back(A, X, ct::tensor({{1.0, 0.0}, {0.0, 0.0}}));
  ct::print("with row 1 of V zeroed:");
  ct::print(first_only);
  check(first_only[0], X.grad()[0]);
  check(first_only[1], {0, 0, 0});

  // %% [markdown]
  // ## 3. What is shared adds up
  // All samples use the same $A$. Its gradient is the sum of their outer products (lesson 24):
  //
  // $$\frac{\partial\langle V,Y\rangle}{\partial A}=V^\top X=\sum_i v_i\,x_i^\top.$$

  // %%
  section("3. What is shared adds up");
  auto W = A.detach().clone().requires_grad_();
  X.detach().mm(W.t()).backward(V);
  ct::print("gradient of the shared A:");
  ct::print(W.grad());
  check(W.grad(), V.t().mm(X.detach()));
  auto summed = ct::outer(V[0], X.detach()[0]) + ct::outer(V[1], X.detach()[1]);
  check(W.grad(), summed);

  // %% [markdown]
  // ## 4. A Jacobian for each sample
  // With the same one-hot row for every sample, one walk gives row $k$ of everybody's Jacobian. Here is a function that is not
  // linear, so that the Jacobians differ:
  //
  // $$y=\tanh(Ax),\qquad J=\mathrm{diag}(1-y^2)\,A.$$

  // %%
  section("4. A Jacobian for each sample");
  auto Z = X.detach().clone().requires_grad_();
  auto T = Z.mm(A.t()).tanh();
  std::vector<ct::Tensor> rows;
  for (int k = 0; k < 2; ++k) {
    auto one_hot = ct::zeros({2, 2});
    one_hot.select(1, k).fill_(1);
    rows.push_back(ct::autograd::grad({T}, {Z}, {one_hot}, /*retain_graph=*/true)[0]);
  }
  auto J = ct::stack(rows, 1);  // [sample, output, input]
  auto by_hand = (1 - T * T).detach().unsqueeze(2) * A;
  ct::print("Jacobians, one below the other:");
  ct::print(J);
  check(J, by_hand);
  check_that(!ct::allclose(J[0], J[1]), "the samples have Jacobians of their own");

  // %% [markdown]
  // ## 5. vmap: a function of one sample, for all of them
  // `ct::func::vmap` turns a function of one sample into one of a batch (Python: `torch.func.vmap`). Below is a loop, for
  // comparison.

  // %%
  section("5. vmap: a function of one sample, for all of them");
  auto one_sample = [&](const ct::Tensor& x, const ct::Tensor& v) {
    return ct::matmul(v * (1 - ct::matmul(A, x).tanh().pow(2)), A);
  };
  auto batched = ct::func::vmap(one_sample)(X.detach(), V);
  std::vector<ct::Tensor> looped;
  for (int i = 0; i < 2; ++i) looped.push_back(one_sample(X.detach()[i], V[i]));
  ct::print("vmap:");
  ct::print(batched);
  check(batched, ct::stack(looped));
  auto walked = ct::autograd::grad({T}, {Z}, {V})[0];
  check(batched, walked);

  // %% [markdown]
  // ## 6. Gradients per sample
  // `backward()` of a summed loss adds the samples' gradients up. `vmap(grad(loss))` keeps them apart.

  // %%
  section("6. Gradients per sample");
  auto w = ct::tensor({0.5, -1.0, 0.25}, ct::requires_grad());
  auto targets = ct::tensor({1.0, -1.0});
  auto per_sample = ct::func::vmap(ct::func::grad(loss_of), {std::nullopt, 0, 0})(w.detach(), X.detach(), targets);
  ct::print("one row for each sample:");
  ct::print(per_sample);
  std::vector<ct::Tensor> one_by_one;
  for (int i = 0; i < 2; ++i) one_by_one.push_back(ct::autograd::grad({loss_of(w, X.detach()[i], targets[i])}, {w})[0]);
  check(per_sample, ct::stack(one_by_one));
  (loss_of(w, X.detach()[0], targets[0]) + loss_of(w, X.detach()[1], targets[1])).backward();
  ct::print("their sum, by backward: ", w.grad());
  check(per_sample.sum(0), w.grad());

  // %% [markdown]
  // ## Questions

  // %%
  auto third = pulled_back(A, X, ct::tensor({{0.0, 0.0}, {1.0, 1.0}}));
  ask("V = [[0, 0], [1, 1]]: what is X.grad[1][0]?", number(third[1][0].item<double>()),
      "Row 1 is v_1^T A, the sum of A's rows: -1.605276 + 0.847294 in column 0.");
  auto other = (X.detach() * ct::tensor({{1.0}, {9.0}})).requires_grad_();
  other.mm(A.t()).tanh().backward(V);
  ask("In part 4, X[1] is changed. Does the gradient of X[0] change?", yes_no(!ct::equal(other.grad()[0], walked[0])),
      "Each row of tanh(X A^T) is computed from its own row of X. Layers that mix the samples, such as batch norm, are another "
      "matter.");
  ask("A batch of 64 samples, 10 outputs each. How many walks give all 64 Jacobians?", number(10),
      "One for each output: a one-hot row that is the same for all samples gives one row of each of the 64 Jacobians.");
  return finish();
}
