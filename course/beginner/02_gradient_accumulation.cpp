// Lesson 02: .grad is a running sum
// Level: beginner
// Concepts: accumulation, zero_() and reset, micro-batches, several loss terms, one backward per graph
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>
#include <cotangent/optim/sgd.h>

#include "common/lesson.h"

using namespace lesson;

// w after one step of gradient descent with weight decay, when its gradient is zeros, or when it has none.
static double decayed(bool zeros) {
  auto w = ct::tensor({1.0}, ct::requires_grad());
  if (zeros) w.mutable_grad() = ct::zeros({1});
  ct::optim::SGD sgd({w}, ct::optim::SGDOptions(0.1).weight_decay(0.5));
  sgd.step();
  return w.item<double>();
}

// Four micro-batches of 10 points add up in w.grad; each loss is multiplied by `factor` before its backward.
struct Batch { double loss, sum; };
static std::vector<Batch> four_batches(const ct::Tensor& w, double factor) {
  std::vector<Batch> batches;
  for (int i = 0; i < 4; ++i) {
    auto xb = ct::randn({10, 1});
    auto yb = 2 * xb + 1 + 0.1 * ct::randn({10, 1});
    auto loss = (xb * w - yb).pow(2).mean();
    (factor * loss).backward();
    batches.push_back({loss.item<double>(), w.grad().item<double>()});
  }
  return batches;
}

int main() {
  // %% [markdown]
  // # .grad is a running sum
  // `backward()` *adds* to `.grad`. That is what you want when one gradient comes in several parts, and a bug when you forgot
  // the gradient of the step before.

  // %% [markdown]
  // ## 1. Two backwards add up
  // At $x=2$ the derivative of $x^2$ is 4, and that of $3x$ is 3.

  // %%
  section("1. Two backwards add up");
  auto x = ct::tensor({2.0}, ct::requires_grad());
  x.pow(2).sum().backward();
  ct::print("after backward of x^2:", x.grad());
  check(x.grad(), {4});
  (3 * x).sum().backward();
  ct::print("after backward of 3x: ", x.grad(), "  (4 + 3, not 3)");
  check(x.grad(), {7});

  // %% [markdown]
  // ## 2. Clearing in between
  // Zeros before the second backward, and the sum has one term only.

  // %%
  section("2. Clearing in between");
  x.mutable_grad().reset();
  x.pow(2).sum().backward();
  check(x.grad(), {4});
  x.mutable_grad().zero_();  // Python: x.grad.zero_()
  ct::print("after zero_():        ", x.grad());
  check(x.grad(), {0});
  (3 * x).sum().backward();
  ct::print("after backward of 3x: ", x.grad());
  check(x.grad(), {3});

  // %% [markdown]
  // ## 3. Zeros, or nothing at all
  // `zero_()` overwrites the gradient with zeros; `reset()` (Python: `x.grad = None`) removes it. The next backward gives the
  // same in both cases: $0+g=g$.

  // %%
  section("3. Zeros, or nothing at all");
  auto u = ct::tensor({5.0}, ct::requires_grad());
  auto square = u.pow(2).sum();
  square.backward();
  ct::print("first backward:       ", u.grad());
  check(u.grad(), {10});
  u.mutable_grad().zero_();
  ct::print("after zero_():        ", u.grad());
  check(u.grad(), {0});
  ct::print("backward on the old graph:");
  show_error([&] { square.backward(); }, "Trying to backward through the graph a second time");
  check(u.grad(), {0});
  u.pow(2).sum().backward();  // a fresh forward makes a fresh graph
  ct::print("fresh graph, backward:", u.grad());
  check(u.grad(), {10});
  u.mutable_grad().reset();  // Python: u.grad = None
  ct::print("after reset(), is there a gradient?", u.grad().defined());
  check_that(!u.grad().defined(), "reset() removes the gradient");
  u.pow(2).sum().backward();
  ct::print("and again:            ", u.grad());
  check(u.grad(), {10});

  // %% [markdown]
  // **A correction.** The text that this lesson follows calls `backward()` again and again on the same loss here. That fails:
  // the square had kept `u` for its derivative $2u$, and the first walk freed it (lesson 03). The forward computation has to run
  // again.

  // %% [markdown]
  // ## 4. Accumulating on purpose: four micro-batches, one step
  // A batch too large for the memory comes in four parts of 10 points, with the mean losses $L_1,\dots,L_4$. The loss of all 40
  // points is their mean, so its gradient is a quarter of the sum that `.grad` collects:
  //
  // $$\frac{\partial}{\partial w}\,\frac{1}{4}\sum_{k=1}^{4}L_k=\frac{1}{4}\sum_{k=1}^{4}\frac{\partial L_k}{\partial w}.$$

  // %%
  section("4. Accumulating on purpose: four micro-batches, one step");
  ct::manual_seed(42);
  auto w = ct::randn({1}, ct::requires_grad());
  ct::print("w =", ct::fixed(w.item<double>(), 6));
  check(w.item<double>(), 0.3366904);
  const auto batches = four_batches(w, 1);
  const std::vector<Batch> said = {{3.888309, -2.913006}, {2.342898, -4.024050}, {2.236123, -5.850255}, {3.529891, -9.759306}};
  for (std::size_t i = 0; i < batches.size(); ++i) {
    ct::print("batch", i, " loss", ct::fixed(batches[i].loss, 6), " sum of gradients", ct::fixed(batches[i].sum, 6));
    check(batches[i].loss, said[i].loss);
    check(batches[i].sum, said[i].sum);
  }
  {
    ct::NoGradGuard no_grad;
    w.mutable_grad() /= 4;
    w -= 0.01 * w.grad();
  }
  ct::print("mean gradient", ct::fixed(w.grad().item<double>(), 6), " w after one step", ct::fixed(w.item<double>(), 6));
  check(w.grad().item<double>(), -2.439826);
  check(w.item<double>(), 0.3610886);

  // %% [markdown]
  // ## 5. Several loss terms
  // A loss with a penalty has two terms, $L=\frac13\sum_i(v_i-2)^2+0.1\cdot\frac13\sum_i|v_i|$. For positive $v$ its gradient is
  // $\frac23(v-2)+\frac1{30}$. One backward of the sum gives it, and so do two backwards, one for each term.

  // %%
  section("5. Several loss terms");
  auto v = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto total = (v - 2).pow(2).mean() + 0.1 * v.abs().mean();
  const auto picture = ct::inspect::graph(total, {{"v", v}, {"total", total}});  // two ways lead from total to v
  save(picture, "02_two_terms");
  int uses = 0;
  for (const auto& edge : picture.edges()) uses += edge.from == picture.node("v").id;
  check(uses, 2);
  total.backward();
  auto together = v.grad().clone();
  ct::print("one backward of the sum: loss", ct::fixed(total.item<double>(), 6), " gradient", together);
  check(total.item<double>(), 0.8666667);
  check(together, {-0.6333333, 0.0333333, 0.7});
  check(together, 2.0 / 3 * (v - 2) + 1.0 / 30);
  v.mutable_grad().reset();
  (v - 2).pow(2).mean().backward();
  (0.1 * v.abs().mean()).backward();
  ct::print("two backwards:           gradient", v.grad());
  check(v.grad(), together);

  // %% [markdown]
  // The derivative of a sum is the sum of the derivatives, so both ways agree.
  //
  // **A correction.** The text that this lesson follows says that the first of two backwards needs `retain_graph=True`. It does
  // not: the two terms share only the leaf `v`, and nothing that one of the graphs has saved.

  // %% [markdown]
  // ## 6. A gradient has the shape of its tensor
  // Whoever sets a gradient by hand must keep to that. (Python: `v.grad = ...`)

  // %%
  section("6. A gradient has the shape of its tensor");
  show_error([&] { v.set_grad(ct::zeros({2})); }, "assigned grad has data of a different size");  // not in libtorch
  check(v.grad(), together);

  // %% [markdown]
  // ## Questions

  // %%
  auto k = ct::tensor({3.0}, ct::requires_grad());
  for (int i = 0; i < 5; ++i) k.pow(2).sum().backward();
  ask("w = 3, and w^2 is computed and walked back five times, without clearing. What is w.grad?", number(k.grad().item<double>()),
      "Each walk adds 2 w = 6.");
  const bool needs_none = decayed(false) == 1, moves = decayed(true) != 1;
  ask("Why is no gradient (reset) often better than a gradient of zeros (zero_)?",
      several({{"it takes no memory", true},
               {"an optimizer leaves a parameter without gradient alone; with zeros, weight decay or momentum still move it",
                needs_none && moves},
               {"adding to zeros gives a less exact gradient", false}}),
      "No tensor, no memory; and step() skips what has no gradient. Both ways lead to the same next gradient.");
  ct::manual_seed(42);
  auto quarter = ct::randn({1}, ct::requires_grad());
  four_batches(quarter, 0.25);
  check(quarter.grad().item<double>(), -2.439826);
  ask("In part 4, each loss is divided by 4 before its backward. What is in w.grad after the fourth? "
      "(two digits after the point)",
      number(quarter.grad().item<double>(), 5e-3),
      "A quarter of each gradient, summed, is the mean gradient: the division at the end goes.");
  return finish();
}
