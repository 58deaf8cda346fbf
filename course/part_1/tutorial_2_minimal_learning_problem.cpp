// Tutorial 2: A minimal learning problem
// Level: part 1
// Concepts: forward, loss, backward, update by hand, leaves, no_grad, clearing, convergence, learning rates, grad_fn and detach
// Version: 2.1 (2026-11-21)
// History: 1.1 (2026-02-02), 1.2 (2026-02-03), 2.0 (2026-02-20); 2.1: in C++, with checks, closed forms and a log-log figure

#include <cotangent/inspect.h>
#include <cotangent/nn/loss.h>
#include <cotangent/ops/loss.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %%
// Gradient descent by hand from (w, b). losses[t] is the loss after t steps; stops when a loss is at most `enough`.
static std::vector<double> descend(ct::Tensor w, ct::Tensor b, double lr, int steps, double enough = 0) {
  auto x = ct::ones({5}), y = ct::zeros({3});
  w = w.detach().clone().requires_grad_();
  b = b.detach().clone().requires_grad_();
  std::vector<double> losses;
  for (int t = 0; t <= steps; ++t) {
    auto loss = ct::binary_cross_entropy_with_logits(x.matmul(w) + b, y);
    losses.push_back(loss.item<double>());
    if (losses.back() <= enough || t == steps) break;
    w.mutable_grad().reset();
    b.mutable_grad().reset();
    loss.backward();
    ct::NoGradGuard no_grad;
    w -= lr * w.grad();
    b -= lr * b.grad();
  }
  return losses;
}

int main() {
  // %% [markdown]
  // # Tutorial 2: A minimal learning problem
  // Five inputs, three outputs, one layer: z = x w + b. The input x is all ones, the wanted output is *no* three times, and the
  // loss says how far z is from that. It is the whole of learning in small: **forward, loss, backward, update**, again and
  // again.
  //
  // There is no module, no optimizer and no data set here. You do each step by hand, and because the problem is so small, you
  // can check each of them with pencil and paper.
  //
  // After this tutorial you can
  //
  // - run forward, loss, backward and update, and say what each leaves behind;
  // - predict the gradient of a small layer before autograd computes it;
  // - say which tensors are leaves, and why an update is not recorded;
  // - end a loop when the loss is small enough, and compare learning rates.
  //
  // One helper is defined beforehand: `descend`, the loop that parts 6 to 10 use. Read it when you get there.

  // %% [markdown]
  // ## 1. Forward
  // `w` and `b` are to be learnt, so they are *tracked*: `requires_grad`. `x` and `y` are data, and are not. Python's
  // `x @ w + b` is `x.matmul(w) + b`.

  // %%
  section("1. Forward");
  ct::manual_seed(0);
  auto x = ct::ones({5}), y = ct::zeros({3});
  auto w = ct::randn({5, 3}).requires_grad_();
  auto b = ct::randn({3}).requires_grad_();
  auto z = x.matmul(w) + b;
  ct::print("z =", z);
  check(z, {1.3754574, -0.6022736, -4.8126786}, 1e-5);

  // %% [markdown]
  // The loss is a number for how wrong $z$ is. `binary_cross_entropy_with_logits` gets logits and targets; with the targets
  // $y=0$ it is the mean of $\mathrm{softplus}(z_i)$:
  //
  // $$L=\frac13\sum_{i=1}^3\log\left(1+e^{z_i}\right).$$

  // %%
  auto loss = ct::binary_cross_entropy_with_logits(z, y);
  ct::print("loss =", ct::fixed(loss.item<double>(), 6), " mean softplus =", ct::fixed(ct::softplus(z).mean().item<double>(), 6));
  check(loss.item<double>(), 0.6818513, 1e-5);
  check(ct::softplus(z).mean().item<double>(), loss.item<double>(), 1e-6);
  // The loss object of lesson 06 asks for equal sizes, because broadcasting here is hardly ever meant.
  show_error([&] { ct::nn::BCEWithLogitsLoss()(z, ct::zeros({3, 1})); }, "must be the same as input size");

  // %% [markdown]
  // ## 2. Backward
  // Before backward there is no gradient: Python says `None`, here the tensor is undefined. Backward computes the derivative of
  // the loss by every tracked leaf; each has the shape of what it belongs to.

  // %%
  section("2. Backward");
  ct::print("before: w.grad", w.grad(), " b.grad", b.grad());
  check_that(!w.grad().defined() && !b.grad().defined(), "no gradient before backward");
  loss.backward();
  ct::print("w.grad =", w.grad());
  ct::print("b.grad =", b.grad());
  check_that(w.grad().sizes() == w.sizes() && b.grad().sizes() == b.sizes(), "a gradient has the shape of its tensor");
  check(b.grad(), {0.2660868, 0.1179412, 0.0026869}, 1e-4);

  // %% [markdown]
  // By hand: the derivative of $\mathrm{softplus}$ is $\sigma(z)=1/(1+e^{-z})$, so
  //
  // $$\frac{\partial L}{\partial z_i}=\frac{\sigma(z_i)}3,\qquad\frac{\partial L}{\partial b_i}=\frac{\sigma(z_i)}3,\qquad
  // \frac{\partial L}{\partial w_{ki}}=x_k\,\frac{\sigma(z_i)}3.$$
  //
  // All $x_k$ are 1: so all rows of `w.grad` are equal, and equal to `b.grad`.

  // %%
  auto by_hand = ct::sigmoid(z.detach()) / 3;
  ct::print("sigmoid(z) / 3 =", by_hand);
  check(b.grad(), by_hand);
  check(w.grad(), by_hand.expand({5, 3}));
  const bool rows_equal = ct::allclose(w.grad(), b.grad().expand({5, 3}));
  check_that(rows_equal, "every row of w.grad is b.grad");

  // %% [markdown]
  // ## 3. Leaves, grad_fn, detach
  // A **leaf** is a tensor that no recorded operation has made: data, and parameters. What operations make carries a `grad_fn`,
  // the node that knows how to go back. `detach()` gives the values without that past.

  // %%
  section("3. Leaves and nodes");
  ct::print("z.grad_fn   ", z.grad_fn()->name());
  ct::print("loss.grad_fn", loss.grad_fn()->name());
  ct::print("w, b, z.detach() have one:", w.grad_fn() != nullptr, b.grad_fn() != nullptr, z.detach().grad_fn() != nullptr);
  check_that(z.grad_fn()->name() == "AddBackward0" && loss.grad_fn()->name() == "BinaryCrossEntropyWithLogitsBackward0",
             "node names");
  check_that(!w.grad_fn() && !b.grad_fn() && !z.detach().grad_fn(), "leaves and detached tensors have no grad_fn");
  check_that(w.is_leaf() && b.is_leaf() && x.is_leaf() && !z.is_leaf() && z.detach().is_leaf(), "leaves");

  // %%
  auto record =
      ct::inspect::graph(ct::binary_cross_entropy_with_logits(x.matmul(w) + b, y), {{"x", x}, {"w", w}, {"b", b}, {"y", y}});
  save(record, "tutorial_2_graph");
  check_that(record.node("w").kind == ct::inspect::GraphNode::Kind::leaf, "w is a leaf of the drawing");

  // %% [markdown]
  // Backward frees what the nodes had saved. A second backward through the same graph is refused; compute the loss again instead.

  // %%
  show_error([&] { loss.backward(); }, "Trying to backward through the graph a second time");

  // %% [markdown]
  // ## 4. One update
  // A step against the gradient, with the learning rate $\eta$:
  //
  // $$w\leftarrow w-\eta\,\frac{\partial L}{\partial w},\qquad b\leftarrow b-\eta\,\frac{\partial L}{\partial b}.$$
  //
  // It happens in place, and it is no part of the function that is differentiated, so it must not be recorded; without
  // `NoGradGuard` (Python: `with torch.no_grad():`) it is refused.

  // %%
  section("4. One update");
  const double lr = 0.1;
  show_error([&] { w -= lr * w.grad(); }, "a leaf Variable that requires grad is being used in an in-place operation");
  auto z_before = z.detach();
  {
    ct::NoGradGuard no_grad;
    w -= lr * w.grad();
    b -= lr * b.grad();
  }
  auto z_after = (x.matmul(w) + b).detach();
  ct::print("z moves by", z_after - z_before);

  // %% [markdown]
  // How far should $z_i$ move? Five weights and one bias move by $\eta\,\sigma(z_i)/3$ each: together $2\eta\,\sigma(z_i)$.

  // %%
  ct::print("-2 lr sigmoid(z) =", -2 * lr * ct::sigmoid(z_before));
  check(z_after - z_before, -2 * lr * ct::sigmoid(z_before), 1e-4, 1e-6);
  auto loss1 = ct::binary_cross_entropy_with_logits(x.matmul(w) + b, y);
  ct::print("loss before", ct::fixed(loss.item<double>(), 6), " after", ct::fixed(loss1.item<double>(), 6));
  check(loss1.item<double>(), 0.631915, 1e-5);

  // %% [markdown]
  // ## 5. Clearing
  // Backward *adds* to `.grad`. Without clearing, the second backward leaves the sum of two gradients, and no error says so: the
  // steps silently grow.

  // %%
  section("5. Clearing");
  auto g0 = b.grad().clone();
  loss1.backward();
  auto g1 = ct::sigmoid(z_after) / 3;
  ct::print("b.grad without clearing:", b.grad(), " the new gradient alone:", g1);
  check(b.grad(), g0 + g1);
  const double too_large = (b.grad()[0] / g1[0]).item<double>();
  check_that(too_large > 2, "a step with it is more than twice as long as it should be");
  b.mutable_grad().reset();  // Python: b.grad = None
  w.mutable_grad().reset();
  check_that(!b.grad().defined(), "cleared");

  // %% [markdown]
  // ## 6. The loop
  // `descend` is all of that in a loop. Twenty steps:

  // %%
  section("6. The loop");
  ct::manual_seed(0);
  auto w0 = ct::randn({5, 3}), b0 = ct::randn({3});
  const auto twenty = descend(w0, b0, 0.1, 20);
  for (std::size_t t : {0u, 1u, 2u, 3u, 4u, 19u}) ct::print("step", t, " loss", ct::fixed(twenty[t], 6));
  check(ct::tensor(std::vector<double>(twenty.begin(), twenty.begin() + 5)), {0.681851, 0.631915, 0.585528, 0.542642, 0.503170},
        1e-5);
  check(twenty[19], 0.198857, 1e-5);
  check_that(std::is_sorted(twenty.rbegin(), twenty.rend()), "each step makes the loss smaller");

  // %% [markdown]
  // The text that this tutorial follows prints a run whose seed is not known, but its $z$ is: $(0.8304, 4.3978, -0.1251)$.
  // Nothing else matters: with weights of zero and the bias $b=z$ the loss runs through the same values.

  // %%
  auto z_text = ct::tensor({0.8304, 4.3978, -0.1251});
  const auto text = descend(ct::zeros({5, 3}), z_text, 0.1, 20);
  ct::print("gradient", ct::sigmoid(z_text) / 3, " losses", ct::fixed(text[0], 4), ct::fixed(text[1], 6), ct::fixed(text[2], 6),
            "..", ct::fixed(text[20], 6));
  check(ct::sigmoid(z_text) / 3, {0.2321, 0.3293, 0.1563}, 0, 5e-5);
  check(text[0], 2.0782, 0, 1e-4);  // z is known to four digits
  check(ct::tensor({text[1], text[2], text[3]}), {1.967333, 1.860896, 1.758716}, 0, 1e-4);
  check(text[20], 0.570063, 0, 1e-4);

  // %% [markdown]
  // ## 7. When is it enough?
  // A loop needs an end: here, a loss of 0.01, or 1000 steps. We count how often the loss was computed, the last time included.

  // %%
  section("7. Until the loss is 0.01");
  const auto run = descend(w0, b0, 0.1, 999, 0.01);
  const auto steps = static_cast<int>(run.size());
  ct::print("loss computed", steps, "times; the last one is", ct::fixed(run.back(), 6));
  check(steps, 414);
  check_that(run.back() <= 0.01 && run[run.size() - 2] > 0.01, "the first loss that is small enough ends the run");

  // %%
  ct::plot::Figure figure;
  auto& panel = figure.ax();
  panel.plot(run, {.label = "loss, learning rate 0.1"});
  panel.axhline(0.01, {.label = "threshold 0.01", .color = "black", .dashes = "--"});
  panel.title("Loss until it is small enough").xlabel("step").ylabel("mean binary cross-entropy").grid().legend("upper right");
  save(figure, "tutorial_2_loss");
  check_that(panel.series().at(0).y == run && panel.yscale() == "linear", "the figure shows the run, on linear axes");

  // %% [markdown]
  // ## 8. Which learning rate?
  // Six learning rates from the same start. `1000` says that the loss was still above 0.01 then.

  // %%
  section("8. Six learning rates");
  const std::vector<double> rates = {0.001, 0.01, 0.1, 1, 10, 100};
  std::vector<int> counts;
  std::vector<double> ends;
  for (double rate : rates) {
    const auto losses = descend(w0, b0, rate, 999, 0.01);
    counts.push_back(static_cast<int>(losses.size()));
    ends.push_back(losses.back());
    ct::print("learning rate", rate, " losses", counts.back(), " last", ct::fixed(ends.back(), 6));
  }
  check_that(counts == std::vector<int>{1000, 1000, 414, 41, 2, 2}, "how many losses were computed");
  check(ct::tensor(ends), {0.333844, 0.039109, ends[2], ends[3], 0.00245, 0.00054}, 1e-4, 5e-6);
  check_that(ends[2] <= 0.01 && ends[3] <= 0.01, "these two ended because the loss was small enough");

  // %% [markdown]
  // A thousandfold rate, and it still "works"? Look at the closed form. Each output is a recurrence of its own,
  //
  // $$z\leftarrow z-2\eta\,\sigma(z),$$
  //
  // and $\log(1+e^z)$ falls all the way to $z=-\infty$, where it is flat. There is no valley that a step could jump across.
  //
  // ## 9. The tail
  // Far down, $L\approx e^z$. A step changes $z$ by $-2\eta\,\sigma(z)\approx-2\eta L$, so $L$ changes by $-2\eta L^2$, and
  //
  // $$\frac{dL}{dt}\approx-2\eta L^2\quad\text{gives}\quad L\approx\frac1{2\eta\,t}.$$
  //
  // In a plot with two logarithmic axes all rates end in lines of slope $-1$. (The stairs of the lowest curve are float32:
  // $1+e^z$ has few digits left for a small $e^z$.)

  // %%
  section("9. The tail");
  ct::plot::Figure tails;
  for (double rate : rates) {
    const auto losses = descend(w0, b0, rate, 1000);
    std::vector<double> t, positive;
    for (std::size_t i = 1; i < losses.size(); ++i) t.push_back(static_cast<double>(i)), positive.push_back(losses[i]);
    const int digits = rate < 0.01 ? 3 : rate < 0.1 ? 2 : rate < 1 ? 1 : 0;
    tails.ax().plot(t, positive, {.label = "η = " + ct::plot::number(rate, digits)});
  }
  tails.ax().xscale("log").yscale("log").title("Six learning rates").xlabel("step").ylabel("loss").grid().legend("outside");
  save(tails, "tutorial_2_learning_rates");
  const auto& one = tails.ax().series("η = 1").y;  // one[i] is the loss after i + 1 steps
  const double slope = std::log(one[999] / one[499]) / std::log(2.0);
  ct::print("learning rate 1: slope of the tail", ct::fixed(slope, 3), " loss * 2 lr t at the end",
            ct::fixed(one[999] * 2000, 3));
  check(slope, -1, 0.03);
  check(one[999] * 2000, 1, 0.02);

  // %% [markdown]
  // ## 10. From zero
  // Without any randomness: weights and bias of zero. Then $z=0$, every output says "one half", and $L=\log 2$.

  // %%
  section("10. From zero");
  auto w_zero = ct::zeros({5, 3}), b_zero = ct::zeros({3});
  std::vector<int> zero_counts;
  std::vector<double> zero_ends;
  for (double rate : rates) {
    const auto losses = descend(w_zero, b_zero, rate, 999, 0.01);
    zero_counts.push_back(static_cast<int>(losses.size()));
    zero_ends.push_back(losses.back());
    ct::print("learning rate", rate, " losses", zero_counts.back(), " last", ct::fixed(zero_ends.back(), 6));
  }
  const auto from_zero = descend(w_zero, b_zero, 0.1, 2);
  check(ct::tensor(from_zero), {0.693147, 0.644397, 0.600391}, 1e-5);
  check_that(zero_counts == std::vector<int>{1000, 1000, 515, 51, 2, 2}, "how many losses were computed");
  check(ct::tensor({zero_ends[0], zero_ends[1]}), {0.373718, 0.053758}, 1e-4);
  check_that(zero_ends[2] <= 0.01 && zero_ends[3] <= 0.01, "small enough");
  check(zero_ends[4], 4.54e-5, 0, 1e-6);  // log(1 + 4.54e-5), and float32 rounds the sum
  check_that(zero_ends[5] < 1e-40, "the last one is less than any normal float32, if not 0");

  // %% [markdown]
  // ## Task: the same without tensors
  // Use the recurrence $z\leftarrow z-2\eta\,\sigma(z)$ in `double`, one number for each output, to predict how many losses are
  // computed at $\eta=0.1$ until one is at most 0.01. The three starting values are in `logits`. Put the count into `predicted`,
  // and compare it with `steps`.

  // %%
  section("Task");
  std::vector<double> logits = {1.3754574, -0.6022736, -4.8126786};
  int predicted = 0;

  // %% {"tags": ["solution"]}
  for (double mean = 1; mean > 0.01; ++predicted) {
    mean = 0;
    for (double& v : logits) {
      mean += std::log1p(std::exp(v)) / 3;
      v -= 2 * 0.1 / (1 + std::exp(-v));
    }
  }

  // %%
  ct::print("predicted", predicted, " by gradient descent on 18 parameters", steps);
  if (predicted == 0) ct::print("predicted is still 0: the cell above is yours");
  else check_that(std::abs(predicted - steps) <= 1, "the recurrence predicts the count");

  // %% [markdown]
  // ## What to take along
  // - Forward, loss, backward, update: four lines, and no magic in any of them.
  // - `.grad` is undefined until backward, then a running sum: clear it before each backward.
  // - Updates happen in place and unrecorded, under `NoGradGuard`.
  // - Eighteen parameters, three degrees of freedom: equal inputs get equal gradients, so whole columns move together.
  // - A learning rate is neither good nor bad by itself. This loss has no minimum; Part 2 looks at ones that have.
  //
  // ## Executive summary
  // What did this notebook show, with which numbers? Write it down in three or four lines, for somebody who has no time to run
  // it.

  // %% [markdown] {"tags": ["solution"]}
  // - The gradient is $\sigma(z_i)/3$ in `b.grad` and in each row of `w.grad`: from seed 0 it is (0.266, 0.118, 0.003), by
  //   autograd and by hand.
  // - A step moves $z_i$ by $-2\eta\,\sigma(z_i)$. The first one, at $\eta=0.1$, takes the loss from 0.6819 to 0.6319.
  // - The loss is at most 0.01 when it is computed for the 414th time. Three numbers and the recurrence predict that count, up to
  //   one.
  // - From $\eta=0.001$ to 100 no rate diverges: more than 1000 losses twice, then 414, 41, 2 and 2. The loss has no valley, only
  //   a slope that flattens, and its tail is $1/(2\eta t)$.

  // %% [markdown]
  // ## Questions

  // %%
  const double far_below = descend(w_zero, b_zero, 1e4, 1)[1];
  const double longest = (2 * 100 * ct::sigmoid(z_before)).max().item<double>();  // at rate 100
  auto apart = ct::tensor({1.0}).requires_grad_();  // a valley, for comparison: (x - 0)^2, one step of rate 10
  apart.pow(2).backward();
  const double jumped = 1 - 10 * apart.grad().item<double>();

  // %%
  ask("Why does a huge learning rate \"work\" here?",
      choice({{"The loss falls towards minus infinity of z and is flat there: no step can go too far", far_below < 1e-6},
              {"The sigmoid keeps the gradient below 1, so that every step is short", longest < 1},
              {"It would work for any loss: a larger step only gets there sooner", std::abs(jumped) < 1}}),
      "log(1 + e^z) has its infimum at z = -infinity. A loss with a valley is different: one step of rate 10 on x^2 goes from 1 "
      "to -19.");
  ask("How many losses are computed with learning rate 0.1 from seed 0, until one is at most 0.01?",
      number(steps, 1.0 / steps + 1e-9), "414. The recurrence of the logits in double says the same, up to one.");
  ask("All entries of x are 1. Are all rows of w.grad equal?", yes_no(rows_equal),
      "The gradient of w[k][i] is x[k] sigmoid(z[i]) / 3, the same for all k.");
  ask("The second backward came without clearing: b.grad holds",
      choice({{"the new gradient", too_large < 1.5},
              {"the sum of both gradients", too_large > 1.5},
              {"nothing: backward raises", !b.requires_grad()}}),
      "Backward adds. That is useful for accumulating on purpose, and silent when it is forgotten.");
  return finish();
}
