// Part 2, Tutorial 4: Beyond convexity
// Level: part 2
// Concepts: basins of attraction, plateaus, sharpness and the step size, saddles, restarts, noisy gradients
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition

// %% [markdown]
// # Part 2, Tutorial 4: Beyond convexity
// A bowl has one end. Most losses have many, and then three things decide where you arrive: where you *start*, how large your
// *steps* are, and how much *noise* they carry. One run is an anecdote; this tutorial looks at many at once, as distributions.

// %%
#include <cotangent/functional.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %% [markdown]
// ## The tools
// `run_gd` moves a whole crowd of points at once: the loss of each is computed, and one backward of their *sum* gives every point
// its own gradient. `noise`, if given, holds what is added to the gradients.

// %%
using Loss = std::function<ct::Tensor(const ct::Tensor&)>;  // a crowd of points to a loss for each
static ct::Tensor point(std::initializer_list<double> x) { return ct::tensor(x, ct::kDouble); }

struct Run {
  ct::Tensor x, loss, norm;  // first dimension: after t steps; then the points
  ct::Tensor end() const { return x[-1]; }
};
static Run run_gd(const ct::Tensor& x0, const Loss& f, double lr, int steps, const ct::Tensor& noise = {}) {
  std::vector<ct::Tensor> xs, losses, norms;
  auto x = x0.clone().requires_grad_();
  for (int t = 0; t <= steps; ++t) {
    auto loss = f(x);
    auto g = ct::autograd::grad({loss.sum()}, {x})[0];
    ct::NoGradGuard no_grad;
    xs.push_back(x.detach().clone()), losses.push_back(loss.detach());
    norms.push_back(g.dim() > 1 ? g.pow(2).sum(-1).sqrt() : g.abs());
    if (t < steps) x -= lr * (noise.defined() ? g + noise[t] : g);
  }
  return {ct::stack(xs), ct::stack(losses), ct::stack(norms)};
}

// %%
static ct::Tensor double_well(const ct::Tensor& x) { return 0.25 * x.pow(4) - 0.5 * x.pow(2); }
// 0.2 (x^4 + y^4) - (x^2 + y^2) + 0.3 x y, for points in the last dimension
static ct::Tensor four_wells(const ct::Tensor& p) {
  return 0.2 * p.pow(4).sum(-1) - p.pow(2).sum(-1) + 0.3 * p.select(-1, 0) * p.select(-1, 1);
}
// One pair of normal numbers after the other: walker by walker, step by step. Result: [steps, walkers, 2]
static ct::Tensor draws(int walkers, int steps) {
  std::vector<ct::Tensor> all;
  for (int i = 0; i < walkers * steps; ++i) all.push_back(ct::randn({2}, ct::kDouble));
  return ct::stack(all).reshape({walkers, steps, 2}).transpose(0, 1);
}
static double quantile_of(const ct::Tensor& values, double q) { return ct::quantile(values, q).item<double>(); }

int main() {
  // %% [markdown]
  // ## 1. Two wells, and more than two basins
  // $f = \tfrac14x^4 - \tfrac12x^2$ with $\eta = 0.2$: one step maps $x$ to $x(1.2 - 0.2x^2)$. *Predict:* where do $-0.2$, $2.4$
  // and $2.46$ end?

  // %%
  section("1. Two wells");
  const auto starts = point({-1.5, -0.2, 0.2, 1.5, 2.4, 2.46, 2.6, 3.0});
  const Run wells = run_gd(starts, double_well, 0.2, 200);
  ct::print("from", starts, "\nto  ", wells.end());
  check(wells.end(), {-1, -1, 1, 1, 1, -1, -1, -1}, 1e-9);

  // %% [markdown]
  // The flow would never cross 0. A step does: it changes the sign where $1.2 < 0.2x^2$, beyond $\sqrt6 = 2.449$. At
  // $\sqrt{11} = 3.317$ it lands exactly on the mirror image, a two-cycle, and beyond it every step lands farther out.

  // %%
  const double six = std::sqrt(6.0), eleven = std::sqrt(11.0);
  const auto edge = run_gd(point({six - 1e-3, six + 1e-3, eleven, 3.32}), double_well, 0.2, 60);
  const auto last = edge.end();
  ct::print("sqrt 6 -+ 0.001 end at", ct::fixed(last[0].item<double>(), 3), ct::fixed(last[1].item<double>(), 3));
  check(last.slice(0, 0, 2), {1, -1}, 1e-3);
  check_that(!ct::isfinite(last[3]).item<bool>(), "3.32 diverges");
  int kept = 0;  // how long rounding lets the unstable two-cycle live
  while (kept < 60 && std::abs(std::abs(edge.x[kept][2].item<double>()) - eleven) < 0.01) ++kept;
  ct::print("the two-cycle at sqrt 11 holds for some 20 steps:", kept > 12 && kept < 30);
  check_that(kept > 12 && kept < 30, "unstable: rounding errors grow until they show");

  // %%
  const auto grid = ct::linspace(-3.3, 3.3, 661, ct::kDouble), ends = run_gd(grid, double_well, 0.2, 400).end();
  ct::plot::Figure basins;
  const auto right = ends > 0.5, left = ends < -0.5;
  basins.ax().scatter(grid.masked_select(right), ends.masked_select(right), {.label = "ends at +1", .color = 1, .size = 3});
  basins.ax().scatter(grid.masked_select(left), ends.masked_select(left), {.label = "ends at -1", .color = 0, .size = 3});
  basins.ax().axvline(six, {.label = "sqrt 6", .color = 6, .dashes = "--"}).axvline(-six, {.color = 6, .dashes = "--"});
  basins.ax().title("Basins of the double well, eta = 0.2").xlabel("start").ylabel("end").ylim(-1.5, 1.5).grid().legend("center");
  save(basins, "p2t4_basins");
  check_that((ends.masked_select((grid > 0.001).logical_and(grid < six)) > 0.999).all().item<bool>(),
             "the basin of +1 reaches from 0 to sqrt 6");
  check_that((ends.masked_select((grid > six).logical_and(grid < 3)) < 0).all().item<bool>(), "what starts beyond sqrt 6 flips");
  check_that(basins.ax().series("ends at +1").x.size() + basins.ax().series("ends at -1").x.size() >= 655,
             "nearly all starts end in a well");

  // %% [markdown]
  // ## 2. Waiting
  // Near the maximum the gradient is tiny: $x$ grows by the factor 1.2 per step, and for a long time nothing can be seen.
  //
  // **A correction.** The text that this tutorial follows runs 60 steps from $\pm10^{-6}$ to show how they part. After 60 steps
  // $|x|$ is 0.056. It takes 80 to see it.

  // %%
  section("2. Waiting");
  const Run split = run_gd(point({1e-6, -1e-6}), double_well, 0.2, 100);
  for (const auto& [t, expected] :
       {std::pair(40, 0.00147), std::pair(60, 0.05628), std::pair(80, 0.94571), std::pair(100, 0.999998)}) {
    ct::print("step", t, ": x =", ct::fixed(split.x[t][0].item<double>(), 6), ct::fixed(split.x[t][1].item<double>(), 6));
    check(split.x[t][0].item<double>(), expected, 0, 5.1e-6);
    check(split.x[t][1].item<double>(), -expected, 0, 5.1e-6);
  }

  // %% [markdown]
  // The same with two weights, $L = \tfrac12(w_1w_2 - 1)^2$, a *network* of one hidden linear unit. At 0 is a saddle. Ten times
  // closer to it, the plateau is longer by $\ln 10/\ln 1.1 = 24$ steps; the drop keeps its shape.

  // %%
  Loss product = [](const ct::Tensor& w) { return 0.5 * (w.select(-1, 0) * w.select(-1, 1) - 1).pow(2); };
  const auto at_saddle = ct::linalg_eigvalsh(ct::autograd::functional::hessian(product, point({0, 0})));
  check(at_saddle, {-1, 1}, 1e-12);
  const Run plateau = run_gd(ct::tensor({{0.1, 0.1}, {0.01, 0.01}}, ct::kDouble), product, 0.1, 100);
  const int expected_steps[2][5] = {{13, 20, 25, 33, 44}, {38, 44, 49, 57, 68}};
  const double levels[] = {0.4, 0.25, 0.1, 0.01, 1e-4};
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 5; ++k) {
      int t = 0;
      while (plateau.loss[t][i].item<double>() >= levels[k]) ++t;
      ct::print(i == 0 ? "from (.1, .1):  " : "from (.01, .01):", "loss below", levels[k], "after", t, "steps");
      check(t, expected_steps[i][k], 0, 0);
    }
  }

  // %%
  ct::plot::Figure drop(1, 2, {.width = 1200, .height = 460});
  drop(0, 0).plot(split.x.select(1, 0), {.label = "from 1e-6"}).plot(split.x.select(1, 1), {.label = "from -1e-6"});
  drop(0, 0).title("Double well").xlabel("step").ylabel("x").grid().legend("center left");
  drop(0, 1).plot(plateau.loss.select(1, 0), {.label = "from (0.1, 0.1)"});
  drop(0, 1).plot(plateau.loss.select(1, 1), {.label = "from (0.01, 0.01)"});
  drop(0, 1).title("Product of two weights").xlabel("step").ylabel("L").grid().legend("upper right");
  save(drop, "p2t4_plateaus");
  check(drop(0, 0).series("from 1e-6").y.at(80), 0.94571, 1e-4);

  // %% [markdown]
  // ## 3. The step size chooses the minimum
  // $L$ is 0 on the whole curve $w_1w_2 = 1$, and its curvature there, the **sharpness**, is $w_1^2 + w_2^2$. Gradient descent
  // can only stay where $2/\eta$ is larger. From $(3.2, 0.1)$ a larger rate is thrown out of the sharp part, and settles in a
  // flat one.

  // %%
  section("3. Sharpness");
  const double rates[] = {0.1, 0.2, 0.22, 0.25, 0.3}, sharp[] = {10.377, 8.865, 7.072, 4.217, 2.000};
  for (int i = 0; i < 5; ++i) {
    const auto w = run_gd(point({3.2, 0.1}), product, rates[i], 2000).end();
    const double sharpness = ct::linalg_eigvalsh(ct::autograd::functional::hessian(product, w))[1].item<double>();
    ct::print("eta", rates[i], " ends at", w, " sharpness", ct::fixed(sharpness, 3), " limit 2/eta", ct::fixed(2 / rates[i], 2));
    check(sharpness, sharp[i], 0, 5.1e-4);
    check_that(sharpness <= 2 / rates[i] && product(w).item<double>() < 1e-12, "a minimum, no sharper than 2/eta");
  }

  // %% [markdown]
  // ## 4. A landscape with nine critical points
  // $L = 0.2(x^4+y^4) - (x^2+y^2) + 0.3xy$. Where the gradient is zero, the eigenvalues of the Hessian say what it is: all
  // positive a minimum, all negative a maximum, mixed a saddle. Newton's method finds each from a rounded guess.

  // %%
  section("4. Nine critical points");
  struct Critical { double x, y, level, low, high; };
  const Critical critical[] = {{0, 0, 0, -2.3, -1.7},
                               {1.695582, -1.695582, -3.30625, 4.6, 5.2}, {-1.695582, 1.695582, -3.30625, 4.6, 5.2},
                               {1.457738, 1.457738, -1.80625, 2.8, 3.4}, {-1.457738, -1.457738, -1.80625, 2.8, 3.4},
                               {1.56283, 0.23995, -1.19375, -1.8775, 3.8775}, {-1.56283, -0.23995, -1.19375, -1.8775, 3.8775},
                               {0.23995, 1.56283, -1.19375, -1.8775, 3.8775}, {-0.23995, -1.56283, -1.19375, -1.8775, 3.8775}};
  int minima = 0, saddles = 0;
  for (const Critical& c : critical) {
    auto p = point({std::round(c.x * 10) / 10, std::round(c.y * 10) / 10});
    for (int i = 0; i < 8; ++i) {
      const auto leaf = p.clone().requires_grad_(), slope = ct::autograd::grad({four_wells(leaf)}, {leaf})[0];
      p = p - ct::linalg_solve(ct::autograd::functional::hessian(four_wells, p), slope);
    }
    const auto e = ct::linalg_eigvalsh(ct::autograd::functional::hessian(four_wells, p));
    check(p, {c.x, c.y}, 0, 5e-6);
    check(four_wells(p).item<double>(), c.level, 1e-9, 1e-12);
    check(e, {c.low, c.high}, 0, 5.1e-5);
    const bool minimum = e[0].item<double>() > 0, saddle = !minimum && e[1].item<double>() > 0;
    const char* kind = minimum ? "minimum" : saddle ? "saddle " : "maximum";
    ct::print(kind, ct::fixed(c.x, 5), ct::fixed(c.y, 5), " L", ct::fixed(c.level, 5), " eigenvalues", e);
    minima += minimum, saddles += saddle;
  }
  check_that(minima == 4 && saddles == 4, "four minima, four saddles, one maximum");

  // %% [markdown]
  // Six starts near the maximum, 80 steps with $\eta = 0.05$.
  //
  // **A correction.** The text that this tutorial follows says that most of them miss the global minimum. Four of six reach one.

  // %%
  const auto near_top = ct::tensor({{0.1, 0.1}, {-0.1, -0.1}, {-0.1, 0.1}, {0.0, 0.3}, {0.1, -0.1}, {0.3, 0.0}}, ct::kDouble);
  const Run tracks = run_gd(near_top, four_wells, 0.05, 80);
  ct::print("ends", tracks.end());
  const double g = 1.69558, l = 1.457738;
  check(tracks.end(), ct::tensor({{l, l}, {-l, -l}, {-g, g}, {-g, g}, {g, -g}, {g, -g}}, ct::kDouble), 0, 2e-3);
  const auto global = (tracks.loss[-1] < -3.2).sum().item<std::int64_t>();
  check(static_cast<double>(global), 4, 0, 0);

  // %%
  const auto axis = ct::linspace(-2.6, 2.6, 200, ct::kDouble);
  const auto heights = four_wells(ct::stack({axis.unsqueeze(0).expand({200, 200}), axis.unsqueeze(1).expand({200, 200})}, -1));
  ct::plot::Figure map({.width = 760, .height = 680});
  map.ax().contour(axis, axis, heights, {.levels = 30, .colorbar = true, .label = "L"});
  for (int i = 0; i < 6; ++i)
    map.ax().plot(tracks.x.select(1, i).select(1, 0), tracks.x.select(1, i).select(1, 1),
                  {.color = i < 2 ? 0 : 1, .width = 2, .marker = "o", .size = 3});
  map.ax().title("Six starts: four reach a global minimum").xlabel("x").ylabel("y").equal_aspect();
  save(map, "p2t4_tracks");
  check(map.ax().series().at(5).x.back(), 1.69558, 1e-3);

  // %% [markdown]
  // ## 5. A thousand restarts
  // From $2\cdot$`randn(2)`, a thousand times. The result of one run says little; the *share* of runs says how large the basins
  // are, as your way of starting sees them. With seed 0 the split is 590 to 410, here and in PyTorch.

  // %%
  section("5. A thousand restarts");
  ct::manual_seed(0);
  std::vector<ct::Tensor> seeds;
  for (int i = 0; i < 1000; ++i) seeds.push_back(2 * ct::randn({2}, ct::kDouble));
  const auto final_loss = run_gd(ct::stack(seeds), four_wells, 0.05, 100).loss[-1];
  const auto good = ((final_loss + 3.30625).abs() < 1e-3).sum().item<std::int64_t>(),
             bad = ((final_loss + 1.80625).abs() < 1e-3).sum().item<std::int64_t>();
  ct::print(good, "at -3.306 and", bad, "at -1.806");
  check(static_cast<double>(good), 590, 0, 0);
  check(static_cast<double>(bad), 410, 0, 0);

  // %%
  ct::plot::Figure restarts;
  restarts.ax().hist(final_loss, {.label = "1000 restarts", .bins = 20, .lo = -3.5, .hi = -1.5}).grid().legend("upper center");
  restarts.ax().title("Where a thousand restarts end").xlabel("final loss").ylabel("runs");
  save(restarts, "p2t4_restarts");
  const auto& bars = restarts.ax().series("1000 restarts").y;
  check_that(*std::max_element(bars.begin(), bars.end()) == 590, "the higher bar counts 590");

  // %% [markdown]
  // ## 6. Noise in a bowl
  // Real gradients are estimates, $g + \sigma\xi$: from a mini-batch of $B$ samples, with $\sigma^2 \propto 1/B$. In a bowl such
  // a walker never arrives. Each direction hovers with variance $\frac{\eta\sigma^2}{\lambda(2-\eta\lambda)}$, so that the loss
  // stays above the minimum by
  //
  // $$\sum_i \frac{\eta\sigma^2}{2(2-\eta\lambda_i)}$$

  // %%
  section("6. Noise in a bowl");
  const auto A = point({10, 1});
  Loss bowl = [A](const ct::Tensor& x) { return 0.5 * (A * x * x).sum(-1); };
  ct::manual_seed(0);
  for (const auto& [sigma, expected] : {std::pair(0.2, 0.00117949), std::pair(0.5, 0.00737179), std::pair(1.0, 0.02948718)}) {
    const double formula = 0.05 * sigma * sigma / 2 * (1 / (2 - 0.05 * 10) + 1 / (2 - 0.05 * 1));
    const auto crowd = run_gd(ct::zeros({400, 2}, ct::kDouble), bowl, 0.05, 400, sigma * ct::randn({400, 400, 2}, ct::kDouble));
    const double measured = crowd.loss.slice(0, 100).mean().item<double>();
    ct::print("sigma", sigma, ": predicted", ct::fixed(formula, 8),
              " within 5 % of the measured:", std::abs(measured / formula - 1) < 0.05);
    check(formula, expected, 1e-6);
    check(measured, formula, 0.05);
  }

  // %% [markdown]
  // ## 7. Noise at a boundary
  // From $(0.05, 0.05)$ the way without noise leads to the *worse* minimum. A hundred walkers, 100 steps each: noise lets some of
  // them tip over to the better side, the more the stronger it is. Losses here and below are those before the last update, and
  // random numbers are drawn for $\sigma = 0$ as well. The second pass goes on in the same stream of random numbers: counts vary.

  // %%
  section("7. Noise at a boundary");
  ct::manual_seed(0);
  const std::vector<double> sigmas = {0, 0.05, 0.1, 0.2, 0.4};
  const int counts[2][5][3] = {{{0, 100, 0}, {0, 100, 0}, {4, 96, 0}, {28, 72, 0}, {60, 39, 1}},
                               {{0, 100, 0}, {0, 100, 0}, {7, 93, 0}, {36, 62, 2}, {52, 48, 0}}};
  std::vector<ct::Tensor> clouds;
  std::vector<double> better[2], worse[2], other[2];
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < sigmas.size(); ++i) {
      const Run r = run_gd(point({0.05, 0.05}).expand({100, 2}), four_wells, 0.05, 100, sigmas[i] * draws(100, 100));
      better[pass].push_back(((r.loss[-2] + 3.30625).abs() < 0.1).sum().item<double>());
      worse[pass].push_back(((r.loss[-2] + 1.80625).abs() < 0.1).sum().item<double>());
      other[pass].push_back(100 - better[pass][i] - worse[pass][i]);
      if (pass == 0) clouds.push_back(r.end());
      ct::print("pass", pass + 1, "sigma", sigmas[i], ": better", better[pass][i], " worse", worse[pass][i], " other",
                other[pass][i]);
      check_that(better[pass][i] == counts[pass][i][0] && other[pass][i] == counts[pass][i][2], "the counts of the table");
    }
  }

  // %%
  ct::plot::Figure shares;
  std::vector<double> on_top;
  for (std::size_t i = 0; i < 5; ++i) on_top.push_back(better[0][i] + worse[0][i]);
  const std::vector<std::string> names = {"0", "0.05", "0.1", "0.2", "0.4"};
  shares.ax().bar(names, better[0], {.label = "better minimum", .color = 2});
  shares.ax().bar(names, worse[0], {.label = "worse minimum", .color = 1, .bottom = better[0]});
  shares.ax().bar(names, other[0], {.label = "on the way", .color = 7, .bottom = on_top});
  shares.ax().title("Where a hundred walkers end").xlabel("sigma").ylabel("walkers").legend("outside");
  save(shares, "p2t4_shares");
  check(shares.ax().series("worse minimum").low.at(4), 60, 0, 0);
  check(shares.ax().series("better minimum").high.at(3), 28, 0, 0);

  // %%
  ct::plot::Figure ends_of(1, 5, {.width = 1600, .height = 400, .sharey = true});
  for (int i = 0; i < 5; ++i) {
    const auto& cloud = clouds[static_cast<std::size_t>(i)];
    ends_of(0, i).contour(axis.slice(0, 0, 200, 4), axis.slice(0, 0, 200, 4), heights.slice(0, 0, 200, 4).slice(1, 0, 200, 4),
                          {.levels = 20, .color = "gray", .width = 0.5});
    ends_of(0, i).scatter(cloud.select(1, 0), cloud.select(1, 1), {.color = 1, .alpha = 0.6, .size = 5});
    ends_of(0, i).title("sigma = " + names[static_cast<std::size_t>(i)]).xlabel("x").ylabel("y");
  }
  save(ends_of, "p2t4_clouds");
  check_that(ends_of(0, 4).series().at(1).x.size() == 100, "a point for each walker");

  // %% [markdown]
  // ## 8. The same noise, two verdicts
  // *Inside* the good basin, from $(1.8, -1.7)$, noise only harms: the mean loss rises with $\sigma$. *At the boundary*, with the
  // same 60 steps from $(0.05, 0.05)$, the mean falls. Look at the spread before you call that an improvement: the mean gets
  // better *because* the runs fall apart into two groups.

  // %%
  section("8. Two verdicts");
  const std::vector<double> strengths = {0, 0.05, 0.1, 0.2, 0.4, 0.6};
  const double means[2][6] = {{-3.30625, -3.30619, -3.30599, -3.30529, -3.30116, -3.29637},
                              {-1.8039, -1.7926, -1.7824, -2.1206, -2.5244, -2.7110}};
  const double stds[2][6] = {{0, 6e-5, 2.4e-4, 8.8e-4, 4.8e-3, 1.1e-2}, {0, 0.0606, 0.1151, 0.6966, 0.7728, 0.7757}};
  const ct::Tensor from[] = {point({1.8, -1.7}), point({0.05, 0.05})};
  std::vector<ct::Tensor> spread[2], excess, slopes;
  for (int k = 0; k < 2; ++k) {
    ct::manual_seed(0);
    for (std::size_t i = 0; i < 6; ++i) {
      const Run r = run_gd(from[k].expand({100, 2}), four_wells, 0.05, 60, strengths[i] * draws(100, 60));
      const auto losses = r.loss[-2];
      spread[k].push_back(losses);
      if (k == 0 && i > 0) excess.push_back(r.loss + 3.30625001), slopes.push_back(r.norm);
      const double m = losses.mean().item<double>(), s = losses.std(/*unbiased=*/false).item<double>();
      ct::print(k == 0 ? "inside:  " : "boundary:", "sigma", strengths[i], " mean", ct::fixed(m, 5), " std", ct::fixed(s, 4));
      check(m, means[k][i], 0, k == 0 ? 5.1e-6 : 5.1e-5);
      check(s, stds[k][i], 0.1, 5.1e-6);
    }
  }

  // %% [markdown]
  // A box plot shows the quartiles, and whiskers to the extremes; beside it the mean with a band of one standard deviation. For
  // $\sigma = 0.4$ the box spans both minima, and the mean stands where hardly any run is.

  // %%
  ct::plot::Figure boxes(1, 2, {.width = 1300, .height = 500, .sharey = true});
  std::vector<double> place, low, high, middle, m, down, up;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto& losses = spread[1][i];
    const double p = static_cast<double>(i), q1 = quantile_of(losses, 0.25), q3 = quantile_of(losses, 0.75);
    place.push_back(p), low.push_back(q1), high.push_back(q3 - q1), middle.push_back(quantile_of(losses, 0.5));
    boxes(0, 0).plot({p, p}, {losses.min().item<double>(), losses.max().item<double>()}, {.color = "gray"});
    m.push_back(losses.mean().item<double>());
    const double s = losses.std(/*unbiased=*/false).item<double>();
    down.push_back(m.back() - s), up.push_back(m.back() + s);
  }

  // %%
  boxes(0, 0).bar(place, high, {.label = "middle half of the runs", .color = 5, .width = 0.6, .bottom = low});
  for (std::size_t i = 0; i < 6; ++i) boxes(0, 0).plot({place[i] - 0.3, place[i] + 0.3}, {middle[i], middle[i]}, {.color = 6});
  boxes(0, 0).xticks(place, {"0", "0.05", "0.1", "0.2", "0.4", "0.6"}).ylim(-3.5, -1).xlabel("sigma").ylabel("loss");
  boxes(0, 0).title("Loss after a budget of 60 steps").legend("upper left");
  boxes(0, 1).fill_between(strengths, down, up, {.label = "mean +- std", .color = 0, .alpha = 0.25});
  boxes(0, 1).plot(strengths, m, {.label = "mean", .color = 0, .marker = "o"});
  boxes(0, 1).title("Mean and spread").xlabel("sigma").ylabel("loss").grid().legend("upper right");
  save(boxes, "p2t4_boxes");
  check(boxes(0, 1).series("mean").y.at(5), -2.7110, 1e-4);
  check(boxes(0, 1).series("mean +- std").high.at(5), -2.7110 + 0.7757, 1e-4);

  // %%
  ct::plot::Figure bands(1, 2, {.width = 1300, .height = 480});
  const auto time = ct::arange(0, 61, ct::kDouble);
  for (std::size_t i : {0, 2, 4}) {  // sigma 0.05, 0.2, 0.6: the middle 80 % of the walkers
    for (int k = 0; k < 2; ++k) {
      const auto& all = k == 0 ? excess[i] : slopes[i];
      bands(0, k).fill_between(time, ct::quantile(all, 0.1, 1), ct::quantile(all, 0.9, 1),
                               {.color = static_cast<int>(i / 2), .alpha = 0.25});
      bands(0, k).plot(time, ct::quantile(all, 0.5, 1),
                       {.label = "sigma = " + ct::fixed(strengths[i + 1], 2), .color = static_cast<int>(i / 2)});
    }
  }
  bands(0, 0).yscale("log").title("Loss above the minimum, inside the basin").xlabel("step").ylabel("L + 3.30625");
  bands(0, 0).grid().legend("upper right");
  bands(0, 1).yscale("log").title("Length of the gradient").xlabel("step").ylabel("|gradient|").grid().legend("upper right");
  save(bands, "p2t4_bands");
  const auto& calm = bands(0, 0).series("sigma = 0.05").y;
  const auto& wild = bands(0, 0).series("sigma = 0.60").y;
  check_that(bands(0, 0).yscale() == "log" && calm.back() < wild.back() / 20,
             "more noise hovers higher: excess grows with sigma squared");

  // %% [markdown]
  // ## Executive summary
  // - Where a run ends depends on its start; how basins are shaped depends on the step size, too. Large steps jump over maxima.
  // - Plateaus end: near a saddle distance grows by a constant factor, and a tenth of the distance costs a constant number of
  //   steps.
  // - A step size $\eta$ cannot rest in a minimum sharper than $2/\eta$: it chooses among minima.
  // - Report distributions. Of a thousand restarts 590 found the better minimum; a single one would have told nothing.
  // - Noise costs $\eta\sigma^2/(2(2-\eta\lambda))$ per direction inside a basin, and can help at a boundary. A better mean may
  //   be no more than a wider spread.

  // %%
  auto end_of = [&](double x0) { return run_gd(point({x0}), double_well, 0.2, 400).end().item<double>(); };
  ask("The double well with eta = 0.2: where does the run from 2.6 end?",
      choice({{"at +1, the nearer minimum", std::abs(end_of(2.6) - 1) < 1e-6}, {"at -1", std::abs(end_of(2.6) + 1) < 1e-6},
              {"it diverges", !(std::abs(end_of(2.6)) < 1e6)}}),
      "Beyond sqrt 6 the first step crosses 0: 2.6 * (1.2 - 0.2 * 6.76) = -0.40.");
  ask("Steps of eta = 0.2 flip the sign beyond sqrt 6. Beyond which start does the first step flip it for eta = 0.5?",
      number(std::sqrt(1 / 0.5 + 1)), "1 + eta - eta x^2 < 0 means x^2 > 1/eta + 1 = 3.");

  // %%
  ct::manual_seed(1);
  const auto quiz = run_gd(ct::zeros({400, 2}, ct::kDouble), bowl, 0.1, 400, ct::randn({400, 400, 2}, ct::kDouble))
                        .loss.slice(0, 100)
                        .mean()
                        .item<double>();
  const double predicted = 0.1 / 2 * (1 / (2 - 0.1 * 10) + 1 / (2 - 0.1));
  check(quiz, predicted, 0.05);
  ask("diag(10, 1), sigma = 1, eta = 0.1: how far above the minimum does the loss hover?", number(predicted, 0.01),
      "0.1/2 * (1/(2 - 1) + 1/(2 - 0.1)) = 0.0763; a simulation agrees within 5 %.");
  const double basin = end_of(-0.2);
  ask("Which of these change the minimum that gradient descent arrives at?",
      several({{"the start", basin < 0 && end_of(0.2) > 0},
               {"the step size", end_of(2.6) < 0 && run_gd(point({2.6}), double_well, 0.01, 4000).end().item<double>() > 0},
               {"noise in the gradient", better[0][4] > 0}}),
      "All three did in this tutorial.");
  return finish();
}
