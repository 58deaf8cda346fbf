// Part 2, Tutorial 1: Gradient descent as a dynamical system
// Level: part 2
// Concepts: the update as a recurrence, contraction factors, steps and the flow, the stability limit, the descent lemma,
//   optim::SGD and the loop by hand
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition

// %% [markdown]
// # Part 2, Tutorial 1: Gradient descent as a dynamical system
// Part 1 ended with a gradient and one step along it. Nothing but repetition is missing:
//
// $$x_{t+1} = x_t - \eta\,\nabla f(x_t)$$
//
// This is a *discrete dynamical system*: a rule that is applied to its own result. What it does in a hundred steps, whether it
// arrives, circles or explodes, follows from what one step does, and one step you can work out on paper.

// %%
#include <cotangent/functional.h>
#include <cotangent/optim/sgd.h>
#include <cotangent/plot.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %% [markdown]
// ## The tools
// A loss is a function from a point to a number. `run_gd` takes the gradient from autograd, and records where it was, the loss
// and the length of the gradient there. Two details matter, and part 9 shows what happens without them: the start is *cloned*,
// and the update happens under `NoGradGuard`.

// %%
using Loss = std::function<ct::Tensor(const ct::Tensor&)>;

static ct::Tensor point(std::initializer_list<double> x) { return ct::tensor(x, ct::kDouble); }

static ct::Tensor gradient(const Loss& f, const ct::Tensor& x) {
  auto leaf = x.detach().clone().requires_grad_();
  return ct::autograd::grad({f(leaf)}, {leaf})[0];
}

// %%
struct Run {
  ct::Tensor x;                    // row t: the point after t steps
  std::vector<double> loss, norm;  // f and |gradient| there
};

static Run run_gd(const ct::Tensor& x0, const Loss& f, double lr, int steps) {
  Run run;
  std::vector<ct::Tensor> path;
  auto x = x0.clone().requires_grad_();
  for (int t = 0; t <= steps; ++t) {
    auto loss = f(x);
    auto g = ct::autograd::grad({loss}, {x})[0];
    ct::NoGradGuard no_grad;
    path.push_back(x.detach().clone());
    run.loss.push_back(loss.item<double>());
    run.norm.push_back(g.norm().item<double>());
    if (t < steps) x.add_(g, -lr);  // x -= lr * g, and rounded once as in an optimizer
  }
  run.x = ct::stack(path);
  return run;
}

// %% [markdown]
// Losses here are written for points in the *last* dimension, so that the same function also computes a whole grid of heights,
// for the contour lines.

// %%
static ct::Tensor on_grid(const Loss& f, const ct::Tensor& xs, const ct::Tensor& ys) {
  auto x = xs.unsqueeze(0).expand({ys.size(0), xs.size(0)}), y = ys.unsqueeze(1).expand({ys.size(0), xs.size(0)});
  return f(ct::stack({x, y}, -1));
}

// What x <- (1 - eta a) x does in the long run.
static std::string regime(double a, double eta) {
  const double factor = 1 - eta * a, size = std::abs(factor);
  if (size < 1e-12) return "one step";
  if (std::abs(size - 1) < 1e-12) return "never settles";
  return size > 1 ? "diverges" : factor > 0 ? "monotone" : "alternating";
}

int main() {
  // %% [markdown]
  // ## 1. One coordinate
  // Take $f(x) = \tfrac12 a x^2$ with $a = 2$. Its gradient is $ax$, so that one step multiplies $x$ by a constant, the
  // **contraction factor**:
  //
  // $$x_{t+1} = x_t - \eta a x_t = (1 - \eta a)\,x_t \qquad\Rightarrow\qquad x_t = (1-\eta a)^t x_0$$
  //
  // *Before you run the next cell:* with $x_0 = 3$ and $\eta = 0.1$, where is $x_1$? Where is $x_{100}$?

  // %%
  section("1. One coordinate");
  const double a = 2;
  Loss parabola = [](const ct::Tensor& x) { return 0.5 * 2 * x.pow(2).sum(-1); };
  const auto start = point({3});
  const auto g3 = gradient(parabola, start);
  ct::print("gradient at 3 by autograd:", g3, " by hand, a x:", a * start);
  check(g3, {6});
  const Run first = run_gd(start, parabola, 0.1, 100);
  ct::print("x_1 =", ct::fixed(first.x[1].item<double>(), 6), " x_100 =", ct::scientific(first.x[100].item<double>(), 3));
  check(first.x[100].item<double>(), 3 * std::pow(0.8, 100), 1e-12, 0);

  // %% [markdown]
  // Seven learning rates, seven behaviours. Everything follows from the factor: its *sign* decides between a slide and a
  // zigzag, its *size* between convergence and divergence.

  // %%
  struct Row { double eta, x1, x2, x3; const char* expected; };
  const std::vector<Row> rows = {{0.1, 2.4, 1.92, 1.536, "monotone"},      {0.45, 0.3, 0.03, 0.003, "monotone"},
                                 {0.5, 0, 0, 0, "one step"},               {0.55, -0.3, 0.03, -0.003, "alternating"},
                                 {0.9, -2.4, 1.92, -1.536, "alternating"}, {1.0, -3, 3, -3, "never settles"},
                                 {1.1, -3.6, 4.32, -5.184, "diverges"}};
  std::vector<Run> seven;
  for (const Row& row : rows) {
    seven.push_back(run_gd(start, parabola, row.eta, 12));
    const auto x = seven.back().x;
    ct::print("eta", row.eta, " factor", ct::fixed(1 - row.eta * a, 2), " x1, x2, x3 =", ct::fixed(x[1].item<double>(), 4),
              ct::fixed(x[2].item<double>(), 4), ct::fixed(x[3].item<double>(), 4), "", regime(a, row.eta));
    check(x.slice(0, 1, 4).flatten(), {row.x1, row.x2, row.x3}, 1e-12, 1e-12);
    check_that(regime(a, row.eta) == row.expected, "the regime of the table");
  }

  // %% [markdown]
  // **A correction.** The text that this tutorial follows calls $\eta = 0.9/a$ "near the boundary" and $\eta = 1.1/a$
  // "unstable". Those are the rates 0.45 and 0.55 of the table: their factors are $+0.1$ and $-0.1$, and both converge, fast and
  // at the same rate. The boundary is at $\eta = 2/a$, where the factor is $-1$.

  // %%
  ct::plot::Figure rates(1, 2, {.width = 1500, .height = 480});
  for (std::size_t i = 0; i < rows.size(); ++i)
    rates(0, 0).plot(seven[i].x.flatten(), {.label = "eta = " + ct::fixed(rows[i].eta, 2), .marker = "o", .size = 4});
  rates(0, 0).axhline(0, {.color = "gray", .width = 1}).ylim(-6, 6).title("x after t steps, from 3").xlabel("step t").ylabel("x");
  rates(0, 0).grid().legend("outside");
  const auto etas = ct::linspace(0, 1.3, 131, ct::kDouble);
  rates(0, 1).plot(etas, (1 - etas * a).abs(), {.label = "|1 - eta a|"});
  rates(0, 1).axhline(1, {.label = "1: neither shrinks nor grows", .color = "black", .dashes = "--"});
  rates(0, 1).axvline(2 / a, {.label = "eta = 2/a", .color = 1, .width = 2.5, .dashes = "--"});
  rates(0, 1).title("Size of the factor").xlabel("learning rate eta").ylabel("|1 - eta a|").ylim(0, 2.6);
  rates(0, 1).grid().legend("upper left");
  save(rates, "p2t1_rates");

  // %%
  check(rates(0, 0).series("eta = 0.10").y.at(3), 1.536, 1e-12);
  check_that(rates(0, 0).series().size() == 8 && rates(0, 0).series("eta = 1.00").y.at(11) == -3,
             "seven curves and the line at 0");
  check(rates(0, 1).series("|1 - eta a|").y.at(100), 1, 1e-9);  // eta = 1.0 = 2/a, where the dashed lines cross

  // %% [markdown]
  // ## 2. Steps are not the flow
  // For tiny $\eta$ the steps follow the **gradient flow** $\dot x = -\nabla f(x)$, whose solution here is
  // $x(s) = 3e^{-2s}$. After $t$ steps the time is $s = \eta t$, so the flow stands at $3e^{-0.2t}$ for $\eta = 0.1$. Gradient
  // descent is Euler's method for this equation: it goes straight for a time $\eta$ along the slope that it saw at the start.
  //
  // *Think:* the flow never crosses 0, whatever the curvature. Which of the behaviours above can it not show?

  // %%
  section("2. Steps are not the flow");
  const auto time = ct::arange(0, 13, ct::kDouble);
  const auto flow = 3 * (-0.2 * time).exp(), steps = seven[0].x.flatten();
  ct::print("steps:", steps.slice(0, 0, 4));
  ct::print("flow: ", flow.slice(0, 0, 4));
  check(steps.slice(0, 0, 4), {3, 2.4, 1.92, 1.536});
  check(flow.slice(0, 0, 4), {3, 2.456192, 2.010960, 1.646435}, 1e-6);
  check_that((flow.slice(0, 1) > steps.slice(0, 1)).all().item<bool>(), "on a convex curve the straight step overtakes the flow");

  // %%
  ct::plot::Figure euler;
  const auto fine = ct::linspace(0, 12, 121, ct::kDouble);
  euler.ax().plot(fine, 3 * (-0.2 * fine).exp(), {.label = "flow 3 exp(-0.2 t)"});
  euler.ax().plot(time, steps, {.label = "steps, eta = 0.1", .marker = "o"});
  euler.ax().plot(time, seven[4].x.flatten(), {.label = "steps, eta = 0.9", .dashes = "--", .marker = "s"});
  euler.ax().title("The flow, and steps").xlabel("step t").ylabel("x").grid().legend("upper right");
  save(euler, "p2t1_flow");
  check(euler.ax().series("steps, eta = 0.1").y.at(2), 1.92, 1e-12);

  // %% [markdown]
  // ## 3. Two coordinates
  // $f(x) = \tfrac12(10x_0^2 + x_1^2)$: $\tfrac12 x^\top A x$ with $A = \mathrm{diag}(10, 1)$. Each coordinate is a system
  // of its own, with factors $1 - 10\eta$ and $1 - \eta$; but both have to live with *one* $\eta$. The steep coordinate sets
  // the limit, $\eta < 2/10$; the flat one then pays for the small rate.

  // %%
  section("3. Two coordinates");
  const auto A = point({10, 1});
  Loss bowl = [A](const ct::Tensor& x) { return 0.5 * (A * x * x).sum(-1); };
  const auto x0 = point({2, 2});
  struct Row2 { double eta, x, y, f1, f60; };
  const std::vector<Row2> table = {{0.05, 1, 1.9, 6.805, 4.2448e-3},
                                   {0.15, -1, 1.7, 6.445, 6.781e-9},
                                   {2.0 / 11, -1.636364, 1.636364, 14.727273, 7.663e-10},
                                   {0.19, -1.8, 1.62, 17.5122, 6.4585e-5},
                                   {0.2, -2, 1.6, 21.28, 20},
                                   {0.25, -3, 1.5, 46.125, 2.7e22}};

  // %%
  std::vector<Run> six;
  for (const Row2& row : table) {
    six.push_back(run_gd(x0, bowl, row.eta, 60));
    const Run& r = six.back();
    ct::print("eta", ct::fixed(row.eta, 4), " factors", ct::fixed(1 - 10 * row.eta, 4), ct::fixed(1 - row.eta, 4),
              " f after 1 step", ct::fixed(r.loss[1], 4), " after 60", ct::scientific(r.loss[60], 3));
    check(r.x[1], {row.x, row.y}, 1e-6);
    check(r.loss[1], row.f1, 1e-6);
    check(r.loss[60], row.f60, row.eta > 0.2 ? 0.02 : 1e-4, 0);
  }
  check(six[0].loss[0], 22);
  check((six[4].x.select(1, 0).abs() - 2).abs().max().item<double>(), 0, 0, 1e-9);  // at 0.2: 2, -2, 2, ..

  // %% [markdown]
  // Six paths over the same level lines; the last one leaves the picture.

  // %%
  const auto xs = ct::linspace(-4, 4, 60, ct::kDouble), ys = ct::linspace(-1, 3, 60, ct::kDouble);
  const auto heights = on_grid(bowl, xs, ys);
  ct::plot::Figure paths(2, 3, {.width = 1500, .height = 900, .sharex = true, .sharey = true});
  for (int i = 0; i < 6; ++i) {
    const auto& r = six[static_cast<std::size_t>(i)];
    auto& ax = paths(i / 3, i % 3);
    ax.contour(xs, ys, heights, {.levels = 20, .color = "gray", .width = 0.6});
    ax.plot(r.x.select(1, 0), r.x.select(1, 1), {.color = 1, .width = 1.5, .marker = "o", .size = 4});
    ax.scatter({2}, {2}, {.color = 6, .size = 8}).xlim(-4, 4).ylim(-1, 3);
    ax.title("eta = " + ct::fixed(table[static_cast<std::size_t>(i)].eta, 4))
        .xlabel("x0 (curvature 10)")
        .ylabel("x1 (curvature 1)");
  }
  save(paths, "p2t1_paths");
  check_that(paths(0, 0).series().at(1).x.size() == 61 && paths(0, 0).series().at(0).z.size() == 3600,
             "61 points over 60 x 60 heights");
  check(paths(0, 2).series().at(1).x.at(1), -1.636364, 1e-6);

  // %%
  ct::plot::Figure losses;
  for (std::size_t i = 0; i < six.size(); ++i) losses.ax().plot(six[i].loss, {.label = "eta = " + ct::fixed(table[i].eta, 4)});
  losses.ax().yscale("log").ylim(1e-10, 1e6).title("f along the six runs").xlabel("step").ylabel("f").grid().legend("outside");
  save(losses, "p2t1_losses");
  check_that(
      losses.ax().yscale() == "log" && losses.ax().series("eta = 0.1818").y.back() < losses.ax().series("eta = 0.1900").y.back(),
      "a larger rate than 2/11 is slower again");

  // %% [markdown]
  // ## 4. The field of arrows
  // At every point the rule has an arrow, $-\eta\nabla f$; a run just follows arrows from foot to head. Far out in the steep
  // direction they are long and point across the valley, not along it.

  // %%
  section("4. The field of arrows");
  const auto ticks = ct::linspace(-3, 3, 15, ct::kDouble);
  const auto feet = ct::stack({ticks.repeat({15}), ticks.repeat_interleave(15)}, 1);
  const auto arrows = -gradient([&](const ct::Tensor& x) { return bowl(x).sum(); }, feet);  // one backward for all 225 points
  check(arrows, -A * feet, 1e-12);
  const auto square = ct::linspace(-3, 3, 200, ct::kDouble);
  ct::plot::Figure field({.width = 760, .height = 640});
  field.ax().contour(square, square, on_grid(bowl, square, square), {.levels = 30, .colorbar = true, .label = "f"});
  field.ax().quiver(feet.select(1, 0), feet.select(1, 1), arrows.select(1, 0), arrows.select(1, 1), {.color = 6, .width = 1.2});
  field.ax().title("-gradient of f").xlabel("x0").ylabel("x1").equal_aspect();
  save(field, "p2t1_arrows");
  check_that(field.ax().series().at(1).u.size() == 225 && field.ax().series().at(0).rows == 200,
             "15 x 15 arrows, 200 x 200 heights");
  check(field.ax().series().at(1).u.at(0), 30, 1e-12);  // at (-3, -3)

  // %% [markdown]
  // ## 5. The best fixed rate
  // The slower of the two factors decides: $\rho(\eta) = \max(|1-10\eta|, |1-\eta|)$. One falls while the other rises; the best
  // rate is where they are equal in size, $10\eta - 1 = 1 - \eta$, so $\eta^* = 2/(10+1)$.

  // %%
  section("5. The best fixed rate");
  double best = 0, smallest = 1;
  for (int i = 1; i < 20000; ++i) {
    const double eta = i * 1e-5, rho = std::max(std::abs(1 - 10 * eta), std::abs(1 - eta));
    if (rho < smallest) best = eta, smallest = rho;
  }
  ct::print("by search: eta", ct::fixed(best, 5), " factor", ct::fixed(smallest, 5), "; 2/11 =", ct::fixed(2.0 / 11, 5));
  check(best, 2.0 / 11, 1e-4);
  check(smallest, 9.0 / 11, 1e-4);

  // %% [markdown]
  // ## 6. The descent lemma
  // On any function whose curvature is nowhere above $\lambda_{\max}$, a step from $x$ with gradient $g$ satisfies
  //
  // $$f(x - \eta g) \;\le\; f(x) - \eta\left(1 - \tfrac12\eta\lambda_{\max}\right)\lVert g\rVert^2$$
  //
  // The bracket is positive exactly for $\eta < 2/\lambda_{\max}$: below the limit the loss falls in *every* step, whatever the
  // point. This is the sentence that survives beyond quadratics.

  // %%
  section("6. The descent lemma");
  for (std::size_t i = 0; i < 4; ++i) {
    double tightest = 1e300;  // how far below the bound the loss stays, relative to it
    for (std::size_t t = 0; t < 60; ++t) {
      const double eta = table[i].eta, bound = six[i].loss[t] - eta * (1 - eta * 10 / 2) * six[i].norm[t] * six[i].norm[t];
      tightest = std::min(tightest, (bound - six[i].loss[t + 1]) / six[i].loss[t]);
    }
    ct::print("eta", ct::fixed(table[i].eta, 4), " bracket", ct::fixed(1 - table[i].eta * 5, 4),
              " holds in all 60 steps:", tightest > -1e-12);
    check_that(tightest > -1e-12, "the descent lemma holds in every step");
  }
  check_that(six[5].loss[1] > six[5].loss[0], "above the limit, the loss grows");

  // %% [markdown]
  // ## 7. A landmark that is no quadratic
  // Rosenbrock's valley $f = (1-x)^2 + 100(y - x^2)^2$ curves. At its minimum $(1, 1)$ the Hessian plays the part of $A$: its
  // eigenvalues are the curvatures along its axes, and their ratio, the **condition number** $\kappa$, is about 2508.

  // %%
  section("7. Rosenbrock's valley");
  Loss rosenbrock = [](const ct::Tensor& p) {
    auto x = p.select(-1, 0), y = p.select(-1, 1);
    return (1 - x).pow(2) + 100 * (y - x.pow(2)).pow(2);
  };
  const auto far = point({-1.2, 1});
  ct::print("at (-1.2, 1): f", ct::fixed(rosenbrock(far).item<double>(), 4), " gradient", gradient(rosenbrock, far));
  check(rosenbrock(far).item<double>(), 24.2, 1e-12);
  check(gradient(rosenbrock, far), {-215.6, -88}, 1e-12);
  const auto H = ct::autograd::functional::hessian(rosenbrock, point({1, 1}));
  const auto curvatures = ct::linalg_eigvalsh(H);
  ct::print("Hessian at (1, 1)", H, "\neigenvalues", curvatures);
  check(H, ct::tensor({{802.0, -400.0}, {-400.0, 200.0}}, ct::kDouble), 1e-12);
  check(curvatures, {0.3993608, 1001.6006}, 1e-6);
  const double kappa = (curvatures[1] / curvatures[0]).item<double>();
  ct::print("kappa", ct::fixed(kappa, 1), " limit for eta near the minimum", ct::fixed(2 / curvatures[1].item<double>(), 6));
  check(kappa, 2508, 1e-3);

  // %% [markdown]
  // ## 8. The optimizer is this loop
  // `optim::SGD` without momentum does what `run_gd` does, to the last bit.

  // %%
  section("8. The optimizer is this loop");
  auto p = x0.clone().requires_grad_();
  ct::optim::SGD optimizer({p}, ct::optim::SGDOptions(0.15));
  for (int t = 0; t < 60; ++t) {
    optimizer.zero_grad();
    bowl(p).backward();
    optimizer.step();
  }
  const bool same = ct::equal(p.detach(), six[1].x[60]);
  ct::print("after 60 steps bitwise equal:", same);
  check_that(same, "optim::SGD is the loop by hand, bit for bit");

  // %% [markdown]
  // ## 9. Three mistakes
  // *Updating a tracked leaf in place* is refused, because the graph needs the old value.

  // %%
  section("9. Three mistakes");
  auto w = point({2, 2}).requires_grad_();
  const auto gw = gradient(bowl, w);
  show_error([&] { w -= 0.1 * gw; }, "a leaf Variable that requires grad is being used in an in-place operation");

  // %% [markdown]
  // *Recording under tracking* is not refused, and is worse: `w = w - 0.1 * g` makes a new tensor that remembers the one before
  // it. The graph grows in every step, and memory with it. Count the nodes behind `q`:

  // %%
  auto q = point({2, 2}).requires_grad_();
  std::vector<int> chain;
  for (int t = 1; t <= 20; ++t) {
    auto g = ct::autograd::grad({bowl(q)}, {q}, {}, /*retain_graph=*/true)[0];
    q = q - 0.15 * g;
    int count = 0;
    for (auto node = q.grad_fn(); node->num_outputs() > 0; node = node->next_edge(0).function) ++count;
    chain.push_back(count);
  }
  ct::print("nodes behind q after 1, 2, 20 steps:", chain[0], chain[1], chain[19], " is_leaf:", q.is_leaf());
  check_that(chain[0] == 1 && chain[19] == 20 && !q.is_leaf(), "one SubBackward0 more in every step");

  // %% [markdown]
  // *Forgetting the clone* of the start: tensors are handles, so that the run walks off with the caller's `begin`, and the next
  // run, with another rate, starts where this one ended.

  // %%
  auto begin = point({2, 2});
  auto walker = begin;  // no clone(): the same numbers under a second name
  for (int t = 0; t < 60; ++t) walker -= 0.15 * gradient(bowl, walker);
  ct::print("begin is now", begin);
  const bool start_kept = begin[0].item<double>() == 2;
  check_that(!start_kept, "the start has walked off with the run");

  // %% [markdown]
  // ## Executive summary
  // - Gradient descent is a rule applied to its own result. On $\tfrac12 ax^2$ a step multiplies $x$ by $1-\eta a$; sign and size
  //   of this factor say everything: slide, zigzag, two-cycle, explosion.
  // - Each direction has its factor. The largest curvature sets the limit $\eta < 2/\lambda_{\max}$; the best fixed rate makes
  //   the two extreme factors equal, $\eta^* = 2/(\lambda_{\max}+\lambda_{\min})$.
  // - The smooth flow cannot overshoot; steps can. Whatever oscillates is made by the step, not by the landscape.
  // - Below the limit the loss falls in every step (descent lemma), on any function with bounded curvature.
  // - `optim::SGD` is `x.add_(x.grad(), -lr)` under `NoGradGuard`, bit for bit. Clone the start, and keep records out of the
  //   graph.

  // %%
  auto converges = [&](double curvature, double eta) {
    Loss f = [curvature](const ct::Tensor& x) { return 0.5 * curvature * x.pow(2).sum(-1); };
    return run_gd(start, f, eta, 400).x[400].abs().item<double>() < 1e-6;
  };
  ask("Curvature a, rate eta: which of these reach the minimum?",
      several({{"a = 4, eta = 0.3", converges(4, 0.3)}, {"a = 4, eta = 0.6", converges(4, 0.6)},
               {"a = 0.5, eta = 3", converges(0.5, 3)}, {"a = 10, eta = 0.2", converges(10, 0.2)},
               {"a = 100, eta = 0.019", converges(100, 0.019)}}),
      "Only the product counts: eta a has to be below 2. 1.2, 2.4, 1.5, 2, 1.9.");
  int needed = 0;
  for (const Run r = run_gd(start, parabola, 0.1, 200); std::abs(r.x[needed].item<double>()) >= 1e-6;) ++needed;
  check_that(needed == std::ceil(std::log(1e-6 / 3) / std::log(0.8)), "the count is that of the formula");

  ask("a = 2, eta = 0.1, x_0 = 3: after how many steps is |x| below 1e-6 for the first time?", number(needed, 0),
      "3 * 0.8^t < 1e-6 from t = ln(3e6) / ln(1.25) on, rounded up.");
  ask("Curvatures 10 and 1: which fixed learning rate makes the slower of the two factors as small as possible?",
      number(best, 3e-3),
      "2/11: there the factors are -9/11 and 9/11. A larger rate speeds up the flat direction, but slows down the steep one.");
  return finish();
}
