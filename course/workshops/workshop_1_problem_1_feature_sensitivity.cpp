// Workshop 1, problem 1: Sensitivity of a feature transformation
// Level: workshop
// Concepts: vector-Jacobian products, upstream gradients as questions, relu as a gate, sparsity, Monte Carlo

#include <cotangent/plot.h>

#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// Asks v how out = relu(W x) changes with x: prints and returns out and x.grad.
struct Reply { ct::Tensor out, grad; };
static Reply sensitivity(const ct::Tensor& W, const ct::Tensor& v, const ct::Tensor& start) {
  auto x = start.clone().requires_grad_();
  auto out = W.mv(x).relu();
  out.backward(v);
  ct::print("x      =", start);
  ct::print("out    =", out.detach());
  ct::print("x.grad =", x.grad());
  return {out.detach(), x.grad()};
}

// Whether exactly these entries of a gradient are other than 0.
static bool only_at(const ct::Tensor& grad, std::initializer_list<std::int64_t> places) {
  std::int64_t there = 0;
  for (std::int64_t i : places) there += grad[i].item<double>() != 0;
  return there == static_cast<std::int64_t>(places.size()) && grad.count_nonzero().item<std::int64_t>() == there;
}

int main() {
  // %% [markdown]
  // # Sensitivity of a feature transformation
  // Six inputs, four features: out = relu(W x), where W picks the first four inputs with the factors 1, 1, 2, 3. An upstream
  // gradient v is a question: *how does v . out change with x?* Ask it so that the last feature counts most and the first two
  // not at all.

  // %%
  section("1. Set-up");
  auto W = ct::zeros({4, 6});
  const double factors[] = {1, 1, 2, 3};
  for (int i = 0; i < 4; ++i) W.index_put_({i, i}, factors[i]);
  ct::print("W =", W);
  auto v = ct::tensor({0.0, 0.0, 0.25, 0.75});

  // %%
  section("2. One input by hand");
  // x.grad_i = W_ii v_i for i < 4 wherever x_i > 0, and 0 elsewhere.
  const Reply by_hand = sensitivity(W, v, ct::tensor({-1.0, 0.5, 2.0, 1.0, 3.0, -2.0}));
  check(by_hand.out, {0, 0.5, 4, 3});
  check(by_hand.grad, {0, 0, 0.5, 2.25, 0, 0});
  ct::print("the gate of the last feature closed:");
  const Reply shut = sensitivity(W, v, ct::tensor({-1.0, 0.5, 2.0, -1.0, 3.0, -2.0}));
  check(shut.out, {0, 0.5, 4, 0});
  check(shut.grad, {0, 0, 0.5, 0, 0, 0});

  // %%
  section("3. A random input");
  ct::manual_seed(0);
  const Reply drawn = sensitivity(W, v, ct::randn({6}));
  check(drawn.out, {1.5409961, 0, 0, 1.7053}, 1e-4, 1e-4);
  check(drawn.grad, {0, 0, 0, 2.25, 0, 0});

  // %%
  section("4. On average: each gate is open half of the time");
  // One backward on a batch of 100000 inputs replaces as many small ones: row k of x.grad belongs to row k of x.
  const std::int64_t n = 100000;
  ct::manual_seed(0);
  auto batch = ct::randn({n, 6}, ct::requires_grad());
  auto out = ct::relu(batch.matmul(W.t()));
  out.backward(v.expand({n, 4}));
  auto mean = batch.grad().mean(0);
  ct::print("mean gradient =", mean);
  check(mean[2].item<double>(), 0.248385, 1e-4);
  check(mean[3].item<double>(), 1.125833, 1e-4);

  // The expectation is v_i W_ii / 2: with v = (0, 0, w, 1 - w), entry 2 is w and entry 3 is 1.5 (1 - w).
  std::vector<double> weight, g0, g2, g3, asked, answered;
  const double root = std::sqrt(static_cast<double>(n));
  for (int step = 0; step < 20; ++step) {
    const double w = 0.01 + step * (0.5 - 0.01) / 19;
    auto x = batch.detach().requires_grad_();
    ct::relu(x.matmul(W.t())).backward(ct::tensor({0.0, 0.0, w, 1 - w}).expand({n, 4}));
    auto g = x.grad().mean(0);
    weight.push_back(w);
    g0.push_back(g[0].item<double>());
    g2.push_back(g[2].item<double>());
    g3.push_back(g[3].item<double>());
    asked.push_back((1 - w) / w);
    answered.push_back(g3.back() / g2.back());
    check_that(std::abs(g2.back() - w) <= 4 * w / root, "the mean of entry 2 lies within four standard errors of w");
    check_that(std::abs(g3.back() - 1.5 * (1 - w)) <= 6 * (1 - w) / root,
               "the mean of entry 3 lies within four standard errors of 1.5 (1 - w)");
    check_that(g0.back() == 0 && g[1].item<double>() == 0 && g[4].item<double>() == 0 && g[5].item<double>() == 0,
               "all other entries are zero");
  }
  for (std::size_t i : {0u, 6u, 12u, 19u})
    ct::print("w", ct::fixed(weight[i], 2), " mean g2", ct::fixed(g2[i], 5), " mean g3", ct::fixed(g3[i], 5), " g3/g2",
              ct::fixed(answered[i], 3), " 1.5 v3/v2", ct::fixed(1.5 * asked[i], 3));

  // %%
  section("5. What was asked and what came back");
  // A line through the origin fits g3/g2 against v3/v2; its slope is W_33/W_22 = 1.5.
  auto u = ct::tensor(asked, ct::kDouble), r = ct::tensor(answered, ct::kDouble);
  const double slope = (u.dot(r) / u.dot(u)).item<double>();
  const double r2 = 1 - ((r - slope * u).pow(2).sum() / (r - r.mean()).pow(2).sum()).item<double>();
  ct::print("slope", ct::fixed(slope, 4), " R^2", ct::fixed(r2, 6));
  check(slope, 1.5, 0.02);
  check(r2, 1, 1e-3);
  ct::plot::Figure figure(1, 2, {.width = 1000, .height = 430});
  auto& left = figure.ax(0);
  left.plot(weight, g0, {.label = "entry 0", .marker = "s"})
      .plot(weight, g2, {.label = "entry 2", .marker = "o"})
      .plot(weight, g3, {.label = "entry 3", .marker = "^"});
  left.twiny("v₃ = 1 − v₂", {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}, {1.0, 0.9, 0.8, 0.7, 0.6, 0.5});
  left.xlabel("v₂").ylabel("mean gradient").grid().legend();
  auto& right = figure.ax(1);
  right.scatter(asked, answered, {.label = "g₃ / g₂"});
  right.plot({0.0, 100.0}, {0.0, 100 * slope},
             {.label = "fit: slope " + ct::plot::number(slope, 3) + ", R² = " + ct::plot::number(r2, 4), .dashes = "--"});
  right.xlabel("v₃ / v₂").ylabel("g₃ / g₂").grid().legend();
  save(figure, "workshop_1_problem_1");
  check_that(left.series().size() == 3 && left.series("entry 2").x == weight && right.series("g₃ / g₂").y == answered,
             "the figure shows what was measured");

  // %%
  auto wider = W.clone();
  wider.index_put_({3, 4}, 1.0);  // the last feature reads input 4 as well
  auto at_zero = ct::zeros({6}, ct::requires_grad());
  W.mv(at_zero).relu().backward(v);
  auto ones = ct::ones({6}, ct::requires_grad()), through = ct::ones({6}, ct::requires_grad());
  W.mv(ones).relu().backward(v);
  wider.mv(through).relu().backward(v);
  ask("For v = (0, 0, 1/4, 3/4), which entries of x.grad can be other than 0?",
      choice({{"2 and 3, each only where x is positive there", only_at(ones.grad(), {2, 3}) && only_at(shut.grad, {2})},
              {"0 to 3, the inputs that W reads", only_at(ones.grad(), {0, 1, 2, 3})},
              {"all of them where x is positive", only_at(ones.grad(), {0, 1, 2, 3, 4, 5})}}),
      "W routes: input i feeds feature i alone. v asks for the features 2 and 3, and relu lets the answer pass where the input "
      "is positive.");
  ask("What gives entry 4 of x.grad a value, at an input of ones?",
      several({{"a number in column 4 of W, in the row of a feature that v asks for", through.grad()[4].item<double>() != 0},
               {"a larger x_4", only_at(by_hand.grad, {2, 3, 4})},
               {"relu replaced by the identity", (W.t().mv(v))[4].item<double>() != 0}}),
      "No feature reads input 4. As long as its column in W is zero, nothing that happens to out can come from it.");
  ask("What is x.grad_3 at x = 0, where relu has a kink?", number(at_zero.grad()[3].item<double>()),
      "0, because relu'(0) = 0 by convention. Any number between 0 and 1 would do as a slope there.");
  return finish();
}
