// Workshop 1: Gradient flow to optimisation intuition
// Level: part 1
// Concepts: upstream gradients as questions, routing, relu as a gate, sparsity, one backward for many inputs, Monte Carlo
// Version: 2.1 (2026-11-21)
// History: 1.0 (2026-02-06), 1.1 (2026-02-19), 2.0 (2026-02-20); 2.1: in C++, with checks and four more problems

#include <cotangent/inspect.h>
#include <cotangent/plot.h>

#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %%
// Asks v how out = relu(W x) changes with x: prints and returns out and x.grad.
struct Reply {
  ct::Tensor out, grad;
};
static Reply sensitivity(const ct::Tensor& W, const ct::Tensor& v, const ct::Tensor& start) {
  auto x = start.clone().requires_grad_();
  auto out = W.mv(x).relu();
  out.backward(v);
  ct::print("x      =", start);
  ct::print("out    =", out.detach());
  ct::print("x.grad =", x.grad());
  return {out.detach(), x.grad()};
}

// %%
// The same for many inputs at once, one in each row of `inputs`, quietly: row k of the result belongs to row k of the inputs.
static ct::Tensor gradients(const ct::Tensor& W, const ct::Tensor& v, const ct::Tensor& inputs) {
  auto x = inputs.detach().requires_grad_();
  auto out = ct::relu(x.matmul(W.t()));
  out.backward(v.expand(out.sizes()));
  return x.grad();
}

// %%
// Whether exactly these entries of a gradient are other than 0.
static bool only_at(const ct::Tensor& grad, std::initializer_list<std::int64_t> places) {
  std::int64_t there = 0;
  for (std::int64_t i : places) there += grad[i].item<double>() != 0;
  return there == static_cast<std::int64_t>(places.size()) && grad.count_nonzero().item<std::int64_t>() == there;
}

// %%
// The straight line that fits best, y = offset + slope x, and how much of the variation of y it explains.
struct Line {
  double slope, offset, r2;
};
static Line fit(const std::vector<double>& xs, const std::vector<double>& ys) {
  auto x = ct::tensor(xs, ct::kDouble), y = ct::tensor(ys, ct::kDouble);
  auto dx = x - x.mean(), dy = y - y.mean();
  const double slope = (dx.dot(dy) / dx.dot(dx)).item<double>();
  const double offset = (y.mean() - slope * x.mean()).item<double>();
  return {slope, offset, 1 - ((dy - slope * dx).pow(2).sum() / dy.pow(2).sum()).item<double>()};
}

int main() {
  // %% [markdown]
  // # Workshop 1: Gradient flow to optimisation intuition
  // The tutorials said what backward computes. In a workshop you *use* it: design a question, predict the answer, let autograd
  // answer, and explain the difference. There are five problems; the first one is the main one. In the fresh notebook the model
  // answers are empty: fill them in before you look at the worked one.

  // %% [markdown]
  // ## Problem 1: Sensitivity of a feature transformation
  // Six inputs, four features. $W$ picks the first four inputs, each with a factor of its own; inputs 4 and 5 are read by
  // nobody:
  //
  // $$\mathrm{out}=\mathrm{relu}(Wx),\qquad
  // W=\begin{bmatrix}1&0&0&0&0&0\\ 0&1&0&0&0&0\\ 0&0&2&0&0&0\\ 0&0&0&3&0&0\end{bmatrix}.$$

  // %%
  section("Problem 1: set-up");
  auto W = ct::zeros({4, 6});
  const std::vector<double> factors = {1, 1, 2, 3};
  for (int i = 0; i < 4; ++i) W.index_put_({i, i}, factors[static_cast<std::size_t>(i)]);
  ct::print("W =", W);
  check_that(W.count_nonzero().item<int>() == 4, "each feature reads one input");

  // %% [markdown]
  // An upstream gradient $v$ is a question: *how does $\langle v,\mathrm{out}\rangle$ change with $x$?*
  //
  // **Task 1.** Choose $v$, with entries that sum to one, so that the *last* feature counts most and the *first two* not at all.
  // Before you run backward, write down for the two inputs below where `x.grad` will be other than 0, into `open_places` and
  // `shut_places` (indices from 0). Then put both gradients into `open_grad` and `shut_grad`.

  // %%
  section("Task 1: a question");
  auto x_open = ct::tensor({-1.0, 0.5, 2.0, 1.0, 3.0, -2.0});   // both features that count are above 0
  auto x_shut = ct::tensor({-1.0, 0.5, 2.0, -1.0, 3.0, -2.0});  // the last one is not
  auto v = ct::zeros({4});
  std::vector<int> open_places, shut_places;
  ct::Tensor open_grad, shut_grad;

  // %% {"tags": ["solution"]}
  v = ct::tensor({0.0, 0.0, 0.25, 0.75});
  open_places = {2, 3};
  const Reply passed = sensitivity(W, v, x_open);
  open_grad = passed.grad;
  check(passed.out, {0, 0.5, 4, 3});
  check(passed.grad, {0, 0, 0.5, 2.25, 0, 0});

  // %% {"tags": ["solution"]}
  shut_places = {2};  // the gate of feature 3 is shut
  const Reply blocked = sensitivity(W, v, x_shut);
  shut_grad = blocked.grad;
  check(blocked.out, {0, 0.5, 4, 0});
  check(blocked.grad, {0, 0, 0.5, 0, 0, 0});

  // %% {"tags": ["solution"]}
  ct::manual_seed(0);
  const Reply drawn = sensitivity(W, v, ct::randn({6}));
  check(drawn.out, {1.5409961, 0, 0, 1.7053}, 1e-4, 1e-4);
  check(drawn.grad, {0, 0, 0, 2.25, 0, 0});

  // %%
  hand_in(1, {v, open_places, shut_places, open_grad, shut_grad});

  // %% [markdown] {"tags": ["solution"]}
  // The answer has one line. For $i<4$
  //
  // $$\mathtt{x.grad}_i = W_{ii}\,v_i\,[x_i>0],$$
  //
  // and for $i=4,5$ it is 0. Three things have to come together: $v$ must *ask* for feature $i$, $W$ must *route* input $i$
  // there, and the gate of relu must be *open*. That is why the gradient is sparse: four of six entries can never be other than
  // 0, and the two that remain are 0 half of the time. Where a gate is closed, the gradient says nothing about how much would be
  // gained by opening it; it only says that a *small* change makes no difference.

  // %%
  auto probe = ct::ones({6}, ct::requires_grad());
  auto features = W.mv(probe);
  auto out = features.relu();
  auto drawing = ct::inspect::graph(out, {{"W", W}, {"x", probe}, {"W x", features}, {"out", out}});
  save(drawing, "workshop_1_graph");
  check_that(drawing.node("out").node == "ReluBackward0", "the gate is a node of its own");

  // %% [markdown]
  // ## From one input to the average
  // One random input says little; a hundred thousand say what to *expect*. They need no loop: put one input into each row of $X$,
  // let all rows share $v$, and **one backward replaces 100000**. Row $k$ of `X.grad` belongs to row $k$ of $X$ alone, since
  // no row has a part in another row's output.

  // %%
  section("One backward for many inputs");
  const std::int64_t n = 100000;
  ct::manual_seed(0);
  auto X = ct::randn({n, 6});
  auto few = gradients(W, ct::ones({4}), X.slice(0, 0, 3));
  for (int k = 0; k < 3; ++k) {
    auto alone = X[k].detach().clone().requires_grad_();
    W.mv(alone).relu().backward(ct::ones({4}));
    check(few[k], alone.grad());
  }
  ct::print("three rows of X, one backward:", few);

  // %% [markdown]
  // **Task 2.** Let $v=(0,0,w,1-w)$, for 20 values of $w$ from 0.01 to 0.5. What are the mean gradients $\bar g_2$ and $\bar
  // g_3$, as formulas of $w$? Measure them (`v2`, `g2`, `g3`), and draw them against $v_2=w$, with a second axis for $v_3=1-w$.
  // Then draw $\bar g_3/\bar g_2$ (`answered`) against $v_3/v_2$ (`asked`). Which line is that, and what does its `slope` say
  // about $W$?

  // %%
  section("Task 2: on average");
  std::vector<double> v2, g0, g2, g3, asked, answered;
  double slope = 0;
  const double root = std::sqrt(static_cast<double>(n));

  // %% {"tags": ["solution"]}
  auto mean = gradients(W, ct::tensor({0.0, 0.0, 0.25, 0.75}), X).mean(0);
  ct::print("w = 1/4: mean gradient", mean);
  check(mean[2].item<double>(), 0.248385, 1e-4);
  check(mean[3].item<double>(), 1.125833, 1e-4);

  // %% {"tags": ["solution"]}
  for (int step = 0; step < 20; ++step) {
    const double w = 0.01 + step * (0.5 - 0.01) / 19;
    auto g = gradients(W, ct::tensor({0.0, 0.0, w, 1 - w}), X).mean(0).to(ct::kDouble);
    v2.push_back(w);
    g0.push_back(g[0].item<double>());
    g2.push_back(g[2].item<double>());
    g3.push_back(g[3].item<double>());
    asked.push_back((1 - w) / w);
    answered.push_back(g3.back() / g2.back());
    check(g2.back(), w, 0, 4 * w / root);  // four standard errors
    check(g3.back(), 1.5 * (1 - w), 0, 4 * 1.5 * (1 - w) / root);
    check_that(g.count_nonzero().item<int>() == 2, "all other entries are zero");
  }

  // %% {"tags": ["solution"]}
  for (std::size_t i : {0u, 6u, 12u, 19u})
    ct::print("w", ct::fixed(v2[i], 3), " g2", ct::fixed(g2[i], 5), " g3", ct::fixed(g3[i], 5), " g3/g2",
              ct::fixed(answered[i], 3), " 1.5 v3/v2", ct::fixed(1.5 * asked[i], 3));
  const Line line = fit(asked, answered);
  slope = line.slope;
  const double offset = std::round(1000 * line.offset) / 1000 + 0.0;  // no "-0.000"
  ct::print("slope", ct::fixed(line.slope, 4), " offset", ct::fixed(offset, 3), " R^2", ct::fixed(line.r2, 6));
  check(line.slope, 1.5, 0.02);
  check(line.offset, 0, 0, 0.02);
  check(line.r2, 1, 1e-3);

  // %% {"tags": ["solution"]}
  ct::plot::Figure figure(1, 2, {.width = 1200, .height = 460});
  auto& left = figure.ax(0);
  left.plot(v2, g0, {.label = "entry 0", .marker = "s"});
  left.plot(v2, g2, {.label = "entry 2", .marker = "o"});
  left.plot(v2, g3, {.label = "entry 3", .marker = "^"});
  left.twiny("v₃ = 1 − v₂", {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}, {1.0, 0.9, 0.8, 0.7, 0.6, 0.5});
  left.xlabel("v₂").ylabel("mean gradient").grid().legend();

  // %% {"tags": ["solution"]}
  auto& right = figure.ax(1);
  right.scatter(asked, answered, {.label = "g₃ / g₂"});
  const std::string label = "slope " + ct::plot::number(line.slope, 3) + ", offset " + ct::plot::number(offset, 3) +
                            ", R² = " + ct::plot::number(line.r2, 4);
  right.plot({0.0, 100.0}, {line.offset, line.offset + 100 * line.slope}, {.label = label, .dashes = "--"});
  right.xlabel("v₃ / v₂").ylabel("g₃ / g₂").grid().legend("below");
  save(figure, "workshop_1_problem_1");
  check_that(left.series().size() == 3 && left.series("entry 2").x == v2 && right.series("g₃ / g₂").y == answered,
             "what was measured");

  // %%
  hand_in(2, {v2, g2, g3, asked, answered, slope});

  // %% [markdown] {"tags": ["solution"]}
  // Each gate is open with probability $\frac12$, independently of its factor. So $E[g_i]=\frac12W_{ii}v_i$: $w$ for entry 2 and
  // $1.5\,(1-w)$ for entry 3. The ratio is $\frac{W_{33}}{W_{22}}\cdot\frac{v_3}{v_2}$: a line through the origin with the slope
  // $\frac32$. Nothing of relu is left in it; both gates halve alike. What you ask for ($v$) is scaled by how the layer is built
  // ($W$).

  // %% [markdown]
  // ## Problem 2: A layer that mixes
  // Now every feature reads several inputs, and relu gives way to tanh, which has a slope everywhere:
  //
  // $$\mathrm{out}=\tanh(Wx),\qquad W=\begin{bmatrix}1&2&0\\ 0&1&-1\\ 2&0&1\end{bmatrix}.$$
  //
  // **Task.** With $v=(1,1,1)$ and $x=0$: what is `x.grad`? First by hand, then by autograd into `mixed`.

  // %%
  section("Problem 2: mixing");
  auto M = ct::tensor({{1.0, 2.0, 0.0}, {0.0, 1.0, -1.0}, {2.0, 0.0, 1.0}});
  auto mixed = ct::zeros({3}, ct::requires_grad());

  // %% {"tags": ["solution"]}
  M.mv(mixed).tanh().backward(ct::ones({3}));
  ct::print("x.grad =", mixed.grad(), " W^T v =", M.t().mv(ct::ones({3})));
  check(mixed.grad(), {3, 3, 0});
  check(mixed.grad(), M.t().mv(ct::ones({3})));

  // %%
  hand_in(3, {mixed.grad()});

  // %% [markdown] {"tags": ["solution"]}
  // $\tanh'(0)=1$, so `x.grad` $=W^\top v$: the sums of the columns. Input 2 moves feature 1 down and feature 2 up by the same
  // amount; for a question that counts both alike, it does not matter. A zero in a gradient can be a *balance*, not only a closed
  // gate.

  // %% [markdown]
  // ## Problem 3: Two ways
  // $y=\mathrm{relu}(x)+\mathrm{relu}(-x)$ is $|x|$. Backward knows nothing of $|x|$: it walks two ways and adds. **Task.** What
  // does it give at $-2$, $0$ and $3$? Put the input into `ways`, and let backward answer.

  // %%
  section("Problem 3: two ways");
  auto ways = ct::tensor({-2.0, 0.0, 3.0}, ct::requires_grad());

  // %% {"tags": ["solution"]}
  (ct::relu(ways) + ct::relu(-ways)).sum().backward();
  ct::print("gradient at -2, 0, 3:", ways.grad());
  check(ways.grad(), {-1, 0, 1});

  // %%
  hand_in(4, {ways.grad()});

  // %% [markdown] {"tags": ["solution"]}
  // The sign of $x$; one way is always shut. At the kink both are, because relu'(0) is 0 by convention, and the sum is 0: as good
  // a choice as any number from $-1$ to 1, and a lucky one, for 0 is the minimum of $|x|$.

  // %% [markdown]
  // ## Problem 4: A dead unit
  // Put a bias of $-10$ in front of relu, and feed the unit with 100000 numbers drawn from $N(0,1)$. **Task.** How large is the
  // gradient of the sum of all outputs, by the inputs and by the bias? What follows for training?

  // %%
  section("Problem 4: a dead unit");
  auto bias = ct::tensor({-10.0}, ct::requires_grad());
  auto fed = X.index({"...", 0}).clone().requires_grad_();

  // %% {"tags": ["solution"]}
  (fed + bias).relu().sum().backward();
  ct::print("inputs with a gradient:", fed.grad().count_nonzero().item<int>(), "of", n, " largest input",
            ct::fixed(fed.max().item<double>(), 2), " gradient of the bias", bias.grad()[0].item<float>());
  check_that(fed.grad().count_nonzero().item<int>() == 0 && bias.grad()[0].item<double>() == 0, "exactly 0, everywhere");

  // %%
  hand_in(5, {fed.grad(), bias.grad()});

  // %% [markdown] {"tags": ["solution"]}
  // Exactly zero, for all inputs *and* for the bias. Gradient descent can never bring this unit back, since the very number that
  // would have to change gets no gradient. An input of 10 would be needed, and among normal numbers there is none.

  // %% [markdown]
  // ## Problem 5: Not only the mean
  // Back to problem 1. **Task.** Mean gradients look smooth, but what does a *single* one look like? Find the variance of $g_2$
  // over the draws, for $v_2=w$, as a formula, and check it for $w=0.25$ (into `variance`).

  // %%
  section("Problem 5: variance");
  double variance = 0;

  // %% {"tags": ["solution"]}
  const double w5 = 0.25;
  auto column = gradients(W, ct::tensor({0.0, 0.0, w5, 1 - w5}), X).index({"...", 2});
  variance = column.to(ct::kDouble).var().item<double>();
  ct::print("variance of g2:", ct::fixed(variance, 6), " w^2 =", ct::fixed(w5 * w5, 6), " values", column.min().item<float>(),
            "and", column.max().item<float>());
  check(variance, w5 * w5, 1e-3);
  check_that(((column == 0) | (column == 0.5)).all().item<bool>(), "there are only two values");

  // %%
  hand_in(6, {variance});

  // %% [markdown] {"tags": ["solution"]}
  // $g_2=2w\cdot\mathrm{Bernoulli}(\frac12)$: it is either 0 or $2w$, never the mean $w$. Its variance is
  // $4w^2\cdot\frac14=w^2$, so the standard deviation is as large as the mean. A gradient from few samples is a noisy one; hence
  // batches.

  // %% [markdown]
  // ## Executive summary
  // What did this workshop show, with which numbers? Write it down in four or five lines, for somebody who has no time to do it.

  // %% [markdown] {"tags": ["solution"]}
  // - An upstream gradient is a design decision: $v$ says which outputs matter, and backward translates that into which inputs
  //   matter.
  // - The translation has three factors: what is asked ($v$), how it is routed ($W$), and which gates are open (relu).
  // - On average over random inputs, gates only scale: $E[g_i]=\frac12W_{ii}v_i$, confirmed within four standard errors, and
  //   $\bar g_3/\bar g_2=1.5\,v_3/v_2$ with $R^2\approx1$.
  // - A zero in a gradient can mean: not asked, not routed, gate closed, or balanced. Only the first three are visible in the
  //   graph.
  // - A unit whose gate never opens gets no gradient at all and cannot recover by gradient descent.
  // - One backward on a batch gives each row its own gradient: 100000 questions for the price of one pass.

  // %% [markdown]
  // ## Questions

  // %%
  auto key_v = ct::tensor({0.0, 0.0, 0.25, 0.75}), ones = ct::ones({1, 6});
  auto wider = W.clone();
  wider.index_put_({3, 4}, 1.0);  // the last feature reads input 4 as well
  auto at_ones = gradients(W, key_v, ones)[0], at_shut = gradients(W, key_v, x_shut.unsqueeze(0))[0];
  auto through = gradients(wider, key_v, ones)[0], at_zero = gradients(W, key_v, ct::zeros({1, 6}))[0];
  auto larger = gradients(W, key_v, ones * ct::tensor({1.0, 1.0, 1.0, 1.0, 9.0, 1.0}))[0];
  const double open_share = (X.index({"...", 2}) > 0).to(ct::kDouble).mean().item<double>();

  // %%
  ask("For v = (0, 0, 1/4, 3/4), which entries of x.grad can be other than 0?",
      choice({{"2 and 3, each only where x is positive there", only_at(at_ones, {2, 3}) && only_at(at_shut, {2})},
              {"0 to 3, the inputs that W reads", only_at(at_ones, {0, 1, 2, 3})},
              {"all of them where x is positive", only_at(at_ones, {0, 1, 2, 3, 4, 5})}}),
      "W routes: input i feeds feature i alone. v asks for the features 2 and 3, and relu lets the answer pass where the input "
      "is positive.");
  ask("What gives entry 4 of x.grad a value, at an input of ones?",
      several({{"a number in column 4 of W, in the row of a feature that v asks for", through[4].item<double>() != 0},
               {"a larger x_4", larger[4].item<double>() != 0},
               {"relu replaced by the identity", W.t().mv(key_v)[4].item<double>() != 0}}),
      "No feature reads input 4. As long as its column in W is zero, nothing that happens to out can come from it.");
  ask("What is x.grad_3 at x = 0, where relu has a kink?", number(at_zero[3].item<double>()),
      "0, because relu'(0) = 0 by convention. Any number between 0 and 1 would do as a slope there.");
  ask("For normal inputs, with which probability is a gate of relu open?", number(std::round(100 * open_share) / 100, 0.02),
      "A normal number is positive with probability 1/2; that is where the factor 1/2 of the mean gradient comes from.");
  return finish();
}
