// Part 2, Workshop 3: From local steps to trajectories
// Level: part 2
// Concepts: predicting runs, the best step, scaling learned from gradients, the edge of stability, basin maps, noise budgets
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition

// %% [markdown]
// # Workshop 3: From local steps to trajectories
// Eight problems on what the four tutorials of Part 2 taught. Each names the variables that your answer is to fill; work on paper
// first where it says *predict*. The cell after your answer hands it in and checks it; `./cotangent check workshop_3` says what is
// probably wrong. The worked version has one answer to each.

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
// What you have from the tutorials: gradients, Hessian-vector products, and a walker with learning rate and momentum that stops
// below a level of the loss.

// %%
using Loss = std::function<ct::Tensor(const ct::Tensor&)>;
static ct::Tensor point(std::initializer_list<double> x) { return ct::tensor(x, ct::kDouble); }
static ct::Tensor gradient(const Loss& f, const ct::Tensor& x) {
  auto leaf = x.detach().clone().requires_grad_();
  return ct::autograd::grad({f(leaf).sum()}, {leaf})[0];
}
static ct::Tensor hvp(const Loss& f, const ct::Tensor& x, const ct::Tensor& v) {
  auto leaf = x.detach().clone().requires_grad_();
  auto g = ct::autograd::grad({f(leaf)}, {leaf}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  return ct::autograd::grad({(g * v).sum()}, {leaf})[0];
}

// %%
struct Run {
  ct::Tensor x;              // the last point
  std::vector<double> loss;  // f after 0, 1, .. steps
  int steps() const { return static_cast<int>(loss.size()) - 1; }
};
static Run walk(ct::Tensor x, const Loss& f, double lr, int steps, double level = -1e300, double beta = 0) {
  Run run;
  auto v = ct::zeros_like(x);
  for (int t = 0; t <= steps; ++t) {
    run.loss.push_back(f(x).sum().item<double>());
    if (run.loss.back() < level || t == steps) break;
    v = beta * v + gradient(f, x);
    x = x - lr * v;
  }
  run.x = x;
  return run;
}
static Loss quadratic(const ct::Tensor& A) {
  return [A](const ct::Tensor& x) { return 0.5 * x.dot(A.mv(x)); };
}

int main() {
  // %% [markdown]
  // ## Problem 1. Predict before you run
  // Twelve pairs of a curvature $a$ and a learning rate $\eta$, for $f = \tfrac12ax^2$. *Sort them on paper* into monotone,
  // alternating, critical (never settles) and divergent. Then fill `sorted` by what 60 steps from $x = 1$ do: `sorted[i]` is one
  // of `"monotone"`, `"alternating"`, `"critical"`, `"divergent"`.

  // %%
  section("Problem 1. Predict before you run");
  struct Pair { double a, eta; };
  const std::vector<Pair> pairs = {{1, 0.5}, {1, 1.5}, {1, 2},     {1, 2.5},   {4, 0.2},  {4, 0.4},
                                   {4, 0.5}, {4, 0.6}, {10, 0.05}, {10, 0.15}, {10, 0.2}, {10, 0.21}};
  std::vector<std::string> sorted;

  // %% {"tags": ["solution"]}
  for (const Pair& p : pairs) {
    const Loss f = quadratic(ct::full({1, 1}, p.a, ct::kDouble));
    const double one = walk(point({1}), f, p.eta, 1).x.item<double>(),
                 end = std::abs(walk(point({1}), f, p.eta, 60).x.item<double>());
    sorted.push_back(end > 1.001 ? "divergent" : end > 0.999 ? "critical" : one < 0 ? "alternating" : "monotone");
    ct::print("a", p.a, " eta", p.eta, " factor", ct::fixed(1 - p.eta * p.a, 2), "", sorted.back());
  }

  // %%
  hand_in(1, {sorted});
  for (std::size_t i = 0; i < sorted.size() && i < pairs.size(); ++i) {  // checks your answer, as soon as there is one
    const double factor = 1 - pairs[i].eta * pairs[i].a, size = std::abs(factor);
    const char* right = size > 1 + 1e-9 ? "divergent" : size > 1 - 1e-9 ? "critical" : factor < 0 ? "alternating" : "monotone";
    check_that(sorted[i] == right, "pair " + std::to_string(i) + ": sign and size of 1 - eta a decide");
  }

  // %% [markdown]
  // ## Problem 2. Find the best step
  // The curvatures are 10 and 2. Sweep $\eta$ over 0.004, 0.008, .., 0.196, count the steps from $(1, 1)$ until $f < 10^{-20}$,
  // and put the rate with the fewest into `best_eta`. *Predict* it first.

  // %%
  section("Problem 2. Find the best step");
  const Loss oval = quadratic(ct::diag(point({10, 2})));
  double best_eta = 0;

  // %% {"tags": ["solution"]}
  std::vector<double> etas, counts;
  for (int i = 1; i < 50; ++i) {
    etas.push_back(0.004 * i);
    counts.push_back(walk(point({1, 1}), oval, etas.back(), 3000, 1e-20).steps());
  }
  const auto fewest = std::min_element(counts.begin(), counts.end());
  best_eta = etas[static_cast<std::size_t>(fewest - counts.begin())];
  ct::print("best eta", ct::fixed(best_eta, 3), "with", static_cast<int>(*fewest), "steps; 2/(10 + 2) =", ct::fixed(2.0 / 12, 4));
  ct::plot::Figure sweep;
  sweep.ax()
      .plot(etas, counts, {.label = "steps until f < 1e-20"})
      .axvline(2.0 / 12, {.label = "2/(10 + 2)", .color = 1, .dashes = "--"});
  sweep.ax().yscale("log").title("Steps over the learning rate").xlabel("eta").ylabel("steps").grid().legend("upper center");
  save(sweep, "w3_sweep");
  check_that(sweep.ax().series("steps until f < 1e-20").y.front() > 10 * *fewest,
             "a timid rate needs more than ten times as many");

  // %%
  hand_in(2, {best_eta});
  if (best_eta > 0) check(best_eta, 2.0 / 12, 0, 0.004);  // within one cell of the sweep

  // %% [markdown]
  // ## Problem 3. Learn the scaling from gradients
  // `hidden` is a loss with three curvatures that you do not know. All that you may do is ask for gradients. Estimate each
  // curvature by a *secant*, $(g_i(x + \delta e_i) - g_i(x))/\delta$, build $S$, and reach the minimum in one step with $\eta =
  // 1$ in $z = S^{-1}x$. Put the curvatures into `estimated`, and the loss after the step into `after_one`.

  // %%
  section("Problem 3. Learn the scaling");
  const Loss hidden = [](const ct::Tensor& x) { return 0.5 * (ct::tensor({50.0, 3.0, 0.2}, ct::kDouble) * x * x).sum(); };
  const auto there = point({1, -2, 3});
  ct::Tensor estimated;
  double after_one = 1;

  // %% {"tags": ["solution"]}
  const auto unit = ct::eye(3, ct::kDouble);
  std::vector<ct::Tensor> secants;
  for (int i = 0; i < 3; ++i) secants.push_back((gradient(hidden, there + 0.5 * unit[i])[i] - gradient(hidden, there)[i]) / 0.5);
  estimated = ct::stack(secants);
  const auto S = ct::diag(1 / estimated.sqrt());
  const Loss scaled = [&](const ct::Tensor& z) { return hidden(S.mv(z)); };
  after_one = walk(ct::linalg_solve(S, there), scaled, 1, 1).loss[1];
  ct::print("curvatures", estimated, " f before", ct::fixed(hidden(there).item<double>(), 2),
            " below 1e-12 of it after one step:", after_one < 1e-12 * hidden(there).item<double>());

  // %%
  hand_in(3, {estimated, after_one});
  if (estimated.defined()) {
    check(estimated, {50, 3, 0.2}, 1e-9);
    check_that(after_one < 1e-12 * hidden(there).item<double>(), "one step suffices");
  }

  // %% [markdown]
  // ## Problem 4. Measure the edge
  // The regression of Tutorial 2: fit $wx + b$ to $(1, 5), (2, 8), (3, 11), (4, 14)$. Find $\lambda_{\max}$ of its Hessian by
  // power iteration with Hessian-vector products (no matrix!), into `lambda_max`. Then run 300 steps from 0 with 0.95 and with
  // 1.05 of $2/\lambda_{\max}$, into `inside` and `outside`.

  // %%
  section("Problem 4. Measure the edge");
  const auto xs = point({1, 2, 3, 4}), ys = point({5, 8, 11, 14});
  const Loss fit = [&](const ct::Tensor& p) { return (p[0] * xs + p[1] - ys).pow(2).mean(); };
  double lambda_max = 0;
  Run inside, outside;

  // %% {"tags": ["solution"]}
  const auto origin = ct::zeros({2}, ct::kDouble);
  auto v = point({1, 0});
  for (int i = 0; i < 20; ++i) {
    const auto Hv = hvp(fit, origin, v);
    lambda_max = v.dot(Hv).item<double>();
    v = Hv / Hv.norm();
  }
  const double low = 0.95 * 2 / lambda_max, high = 1.05 * 2 / lambda_max;
  inside = walk(origin, fit, low, 300), outside = walk(origin, fit, high, 300);
  ct::print("lambda_max", ct::fixed(lambda_max, 6), " rates", ct::fixed(low, 6), ct::fixed(high, 6));
  ct::print("loss after 300 steps:", ct::scientific(inside.loss.back(), 2), "and", ct::scientific(outside.loss.back(), 2));
  check(low, 0.113768, 1e-5);
  check(high, 0.125744, 1e-5);

  // %% {"tags": ["solution"]}
  ct::plot::Figure edges;
  edges.ax()
      .plot(inside.loss, {.label = "0.95 of the limit"})
      .plot(outside.loss, {.label = "1.05 of the limit"})
      .yscale("log")
      .ylim(1e-10, 1e10);
  edges.ax().title("On both sides of 2/lambda_max").xlabel("step").ylabel("loss").grid().legend("center right");
  save(edges, "w3_edge");
  check_that(edges.ax().series("0.95 of the limit").y.size() == 301, "301 losses");

  // %%
  hand_in(4, {lambda_max, inside.loss, outside.loss});
  if (lambda_max > 0) {
    check(lambda_max, 16.700610, 1e-4);
    check_that(inside.steps() == 300 && inside.loss.back() < 1e-6, "0.95 of the limit converges");
    check_that(outside.steps() == 300 && outside.loss.back() > 1e6, "1.05 of the limit diverges");
  }

  // %% [markdown]
  // ## Problem 5. Basin map
  // The double well $\tfrac14x^4 - \tfrac12x^2$ with $\eta = 0.2$: run a grid of starts in $[-3.4, 3.4]$ for 400 steps, and
  // colour each by where it ends: $-1$, $+1$ or nowhere. Read off the first start above 0 whose run ends at $-1$ (`flips_from`),
  // and the first whose run blows up (`blows_up_from`). *Predict* both from one step.

  // %%
  section("Problem 5. Basin map");
  const Loss wells = [](const ct::Tensor& x) { return 0.25 * x.pow(4) - 0.5 * x.pow(2); };
  const auto starts = ct::arange(-340, 341, ct::kDouble) / 100;
  double flips_from = 0, blows_up_from = 0;

  // %% {"tags": ["solution"]}
  const auto ends = walk(starts, wells, 0.2, 400).x;
  const auto to_plus = ends > 0.5, to_minus = ends < -0.5, nowhere = ends.isfinite().logical_not(), positive = starts > 0;
  flips_from = starts.masked_select(to_minus.logical_and(positive)).min().item<double>();
  blows_up_from = starts.masked_select(nowhere.logical_and(positive)).min().item<double>();
  ct::print("flips from", ct::fixed(flips_from, 2), "(sqrt 6 =", ct::fixed(std::sqrt(6), 4) + ")  blows up from",
            ct::fixed(blows_up_from, 2), "(sqrt 11 =", ct::fixed(std::sqrt(11), 4) + ")");
  check_that(ct::equal(to_plus, to_minus.flip({0})), "the map is odd, as the rule is");

  // %% {"tags": ["solution"]}
  ct::plot::Figure map({.width = 1000, .height = 380});
  auto paint = [&](const ct::Tensor& which, const std::string& label, int color, double y) {
    const auto places = starts.masked_select(which);
    map.ax().scatter(places, ct::full_like(places, y), {.label = label, .color = color, .size = 4});
  };
  paint(to_minus, "ends at -1", 0, -1), paint(to_plus, "ends at +1", 1, 1), paint(nowhere, "blows up", 6, 0);
  for (const double x : {-std::sqrt(11), -std::sqrt(6), std::sqrt(6), std::sqrt(11)})
    map.ax().axvline(x, {.color = "gray", .dashes = ":"});
  map.ax()
      .ylim(-1.5, 1.5)
      .title("Where starts end, eta = 0.2; lines at sqrt 6 and sqrt 11")
      .xlabel("start")
      .ylabel("end")
      .legend("outside");
  save(map, "w3_basins");
  check(map.ax().series("blows up").x.back(), 3.4, 1e-9);

  // %%
  hand_in(5, {flips_from, blows_up_from});
  if (flips_from > 0) {
    check(flips_from, std::sqrt(6), 0, 0.01);  // the grid's accuracy
    check(blows_up_from, std::sqrt(11), 0, 0.01);
  }

  // %% [markdown]
  // ## Problem 6. Noise budget
  // On $\mathrm{diag}(10, 1)$ with gradient noise $\sigma = 1$, a walker hovers $\sum_i \eta\sigma^2/(2(2-\eta\lambda_i))$ above
  // the minimum. Which is the largest $\eta$ that keeps this at 0.01 or below? Put it into `allowed`, and the mean excess of a
  // simulation into `hovering`.

  // %%
  section("Problem 6. Noise budget");
  const auto budget = [](double eta) { return eta / 2 * (1 / (2 - 10 * eta) + 1 / (2 - eta)); };
  double allowed = 0, hovering = 0;

  // %% {"tags": ["solution"]}
  double above = 0.19;
  while (above - allowed > 1e-9) (budget((allowed + above) / 2) <= 0.01 ? allowed : above) = (allowed + above) / 2;
  ct::manual_seed(0);
  auto crowd = ct::zeros({500, 2}, ct::kDouble);
  const auto A = point({10, 1});
  const Loss bowl = [A](const ct::Tensor& x) { return 0.5 * (A * x * x).sum(-1); };
  std::vector<double> excess;
  for (int t = 0; t < 800; ++t) {
    crowd = crowd - allowed * (gradient(bowl, crowd) + ct::randn({500, 2}, ct::kDouble));
    excess.push_back(bowl(crowd).mean().item<double>());
  }
  for (std::size_t t = 300; t < 800; ++t) hovering += excess[t] / 500;
  ct::print("allowed eta", ct::fixed(allowed, 6), " simulated within 10 % of 0.01:", std::abs(hovering / 0.01 - 1) < 0.1);
  ct::plot::Figure noise;
  noise.ax().plot(excess, {.label = "mean of 500 walkers"}).axhline(0.01, {.label = "budget", .color = 1, .dashes = "--"});
  noise.ax().title("Excess loss with eta = 0.0189, sigma = 1").xlabel("step").ylabel("f").grid().legend("lower right");
  save(noise, "w3_noise");
  check_that(noise.ax().series("mean of 500 walkers").y.front() < 0.005, "it starts at the minimum, and climbs to the budget");

  // %%
  hand_in(6, {allowed, hovering});
  if (allowed > 0) {
    check(allowed, 0.018921, 1e-4);
    check(hovering, 0.01, 0.1);
  }

  // %% [markdown]
  // ## Problem 7. Objective meets dynamics
  // Workshop 2 looked at $L = \langle V, \tanh(XX^\top)\rangle$ with $V = 1$ on the diagonal and $-\tfrac14$ elsewhere, and at
  // its gradient. Now *ascend*: 50 steps of 0.05 from its example. Record $L$, the trace of $Y = \tanh(XX^\top)$ and the sum of
  // its off-diagonal entries after each step, in `L`, `trace` and `rest` (51 numbers each). Which terms grow, which fall?

  // %%
  section("Problem 7. Objective meets dynamics");
  const auto X0 = ct::tensor({{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {1.0, 1.0, 0.0}, {0.0, 0.0, 1.0}, {0.0, 0.0, 0.0}}, ct::kDouble);
  const auto V = 1.25 * ct::eye(5, ct::kDouble) - 0.25 * ct::ones({5, 5}, ct::kDouble);
  std::vector<double> L, trace, rest;

  // %% {"tags": ["solution"]}
  const Loss objective = [V](const ct::Tensor& X) { return (V * X.matmul(X.t()).tanh()).sum(); };
  auto X = X0.clone();
  for (int t = 0; t <= 50; ++t) {
    const auto Y = X.matmul(X.t()).tanh();
    L.push_back(objective(X).item<double>());
    trace.push_back(Y.diagonal().sum().item<double>());
    rest.push_back(Y.sum().item<double>() - trace.back());
    if (t < 50) X = X + 0.05 * gradient(objective, X);
  }
  ct::print("L", ct::fixed(L[0], 5), "->", ct::fixed(L[50], 5), " trace", ct::fixed(trace[0], 5), "->", ct::fixed(trace[50], 5),
            " off-diagonal sum", ct::fixed(rest[0], 5), "->", ct::fixed(rest[50], 4));

  // %% {"tags": ["solution"]}
  ct::manual_seed(0);
  bool monotone = true;
  for (int i = 0; i < 20; ++i) {
    double before = -1e300;
    auto Z = ct::randn({5, 3}, ct::kDouble);
    for (int t = 0; t <= 50; ++t) {
      const double now = objective(Z).item<double>();
      monotone = monotone && now >= before;
      before = now;
      Z = Z + 0.05 * gradient(objective, Z);
    }
  }
  ct::print("20 random starts: L grows in every step:", monotone);
  check_that(monotone, "monotone from any start tried");

  // %% {"tags": ["solution"]}
  ct::plot::Figure growth(1, 3, {.width = 1500, .height = 460});
  growth(0, 0).plot(L, {.label = "L"}).plot(trace, {.label = "trace of Y"}).plot(rest, {.label = "off-diagonal sum"});
  growth(0, 0).title("Ascent").xlabel("step").grid().legend("center right");
  growth(0, 1).imshow(X0.matmul(X0.t()).tanh(), {.vmin = -1, .vmax = 1, .digits = 1}).title("Y at the start");
  growth(0, 2).imshow(X.matmul(X.t()).tanh(), {.vmin = -1, .vmax = 1, .digits = 1}).title("Y after 50 steps");
  save(growth, "w3_growth");
  check(growth(0, 0).series("off-diagonal sum").y.at(50), -10.7431, 1e-5);

  // %%
  hand_in(7, {L, trace, rest});
  if (!L.empty()) {
    check(ct::tensor({L.front(), L.back()}, ct::kDouble), {2.48722, 7.67164}, 1e-5);
    check(ct::tensor({trace.front(), trace.back(), rest.front(), rest.back()}, ct::kDouble),
          {3.24881, 4.98586, 3.04638, -10.7431}, 1e-5);
    check_that(L.size() == 51 && std::is_sorted(L.begin(), L.end()), "L grows in every step");
  }

  // %% [markdown] {"tags": ["solution"]}
  // The diagonal saturates near 1, and eight of the ten pairs of rows turn away from each other. Row 2 began as the sum of rows 0
  // and 1 and stays between them: those two pairs remain similar, and hold the off-diagonal sum at $-10.7$.

  // %% [markdown]
  // ## Problem 8. Which tool?
  // Three losses: (a) all curvatures 1, (b) curvatures 1000 and 1 along the axes, which you know, (c) curvatures 100 and 1 along
  // directions that you do *not* know. Measure the steps from $(2, 2)$ to $f < 10^{-6}$ of gradient descent, of momentum, and of
  // gradient descent with rescaled axes, into `plain`, `heavy` and `rescaled` (three counts each), each with its best settings.
  // Then put the tool that you would take for (a), (b) and (c) into `tools`: `"gradient descent"`, `"momentum"` or `"rescaling"`.
  // If two do it equally well, take the simpler one.

  // %%
  section("Problem 8. Which tool?");
  const double turn = 0.6;  // radians; c is turned by it
  const auto Q = ct::tensor({{std::cos(turn), -std::sin(turn)}, {std::sin(turn), std::cos(turn)}}, ct::kDouble);
  const std::vector<ct::Tensor> spectra = {ct::diag(point({1, 1})), ct::diag(point({1000, 1})),
                                           Q.matmul(ct::diag(point({100, 1}))).matmul(Q.t())};
  std::vector<int> plain, heavy, rescaled;
  std::vector<std::string> tools;

  // %% {"tags": ["solution"]}
  auto steps_of = [](const ct::Tensor& H, bool momentum, const ct::Tensor& from) {
    const auto e = ct::linalg_eigvalsh(H);
    const double small = e[0].item<double>(), large = e[1].item<double>(), root = std::sqrt(large / small);
    if (!momentum) return walk(from, quadratic(H), 2 / (large + small), 6000, 1e-6).steps();
    return walk(from, quadratic(H), std::pow(2 / (std::sqrt(large) + std::sqrt(small)), 2), 6000, 1e-6,
                std::pow((root - 1) / (root + 1), 2))
        .steps();
  };
  for (const auto& H : spectra) {
    const auto T = ct::diag(1 / H.diagonal().sqrt());  // makes the curvatures along the axes 1
    plain.push_back(steps_of(H, false, point({2, 2})));
    heavy.push_back(steps_of(H, true, point({2, 2})));
    rescaled.push_back(steps_of(T.matmul(H).matmul(T), false, ct::linalg_solve(T, point({2, 2}))));
    ct::print("gradient descent", plain.back(), " momentum", heavy.back(), " rescaled", rescaled.back());
  }
  tools = {"gradient descent", "rescaling", "momentum"};

  // %%
  hand_in(8, {plain, heavy, rescaled, tools});
  if (plain.size() == 3 && heavy.size() == 3 && rescaled.size() == 3) {
    check_that(plain[0] == 1 && heavy[0] == 1, "a round bowl needs no tool");
    check_that(plain[1] == 5355 && heavy[1] == 269 && rescaled[1] == 1, "known axes: rescale");
    check_that(heavy[2] < 100 && heavy[2] < plain[2] / 4 && heavy[2] < rescaled[2], "unknown axes: momentum");
    check_that(tools == std::vector<std::string>({"gradient descent", "rescaling", "momentum"}), "the choice follows from the counts");
  }

  // %% [markdown] {"tags": ["solution"]}
  // (a) gradient descent, (b) rescaling, (c) momentum. Momentum needs no knowledge of directions, only of the extreme curvatures;
  // rescaling the axes is unbeatable, if the axes are the right ones.

  // %% [markdown]
  // ## Executive summary
  // What did this workshop show, with which numbers? Write it down in four or five lines, for somebody who has no time to do it.

  // %% [markdown] {"tags": ["solution"]}
  // - One step, $1 - \eta\lambda$, predicts the run: regime, best rate, edge, flips and blow-ups.
  // - Gradients alone tell curvatures, by secants or by Hessian-vector products; a scaling built from them replaces thousands of
  //   steps.
  // - Noise sets a floor that is about proportional to $\eta$: choose the rate from the accuracy that you need.
  // - A weighted objective says *what* is rewarded; the dynamics say what is reachable.
  // - Known axes: rescale. Unknown axes: momentum. Round: anything.

  // %%
  const Loss narrow = quadratic(ct::diag(point({1000, 1})));
  const double kappa_root = std::sqrt(1000), fast = std::pow(2 / (kappa_root + 1), 2),
               keep = std::pow((kappa_root - 1) / (kappa_root + 1), 2);
  const int slow_steps = walk(point({2, 2}), narrow, 2.0 / 1001, 6000, 1e-6).steps(),
            fast_steps = walk(point({2, 2}), narrow, fast, 6000, 1e-6, keep).steps();
  ask("Curvatures 1000 and 1, f below 1e-6 from (2, 2): about how many times fewer steps does tuned momentum need?",
      number(static_cast<double>(slow_steps) / fast_steps, 0.15), "5355 against 269: the square root of kappa instead of kappa.");
  auto kappa_of = [](const ct::Tensor& H) { return ct::linalg_cond(H).item<double>(); };
  const auto T2 = ct::diag(1 / spectra[2].diagonal().sqrt()), T1 = ct::diag(1 / spectra[1].diagonal().sqrt());
  ask("Rescaling the axes by the curvatures along them: for which of the three losses of problem 8 is the result a round bowl?",
      several({{"(a), all curvatures 1", kappa_of(spectra[0]) < 1.01},
               {"(b), 1000 and 1 along the axes", kappa_of(T1.matmul(spectra[1]).matmul(T1)) < 1.01},
               {"(c), 100 and 1 along other directions", kappa_of(T2.matmul(spectra[2]).matmul(T2)) < 1.01}}),
      "A diagonal scaling removes what is diagonal. The turned valley keeps most of its condition number.");

  // %%
  ask("Problem 6 with sigma = 0.5 in place of 1, and the eta of before: what is the excess loss?",
      number(0.25 * budget(0.018921), 0.02), "The excess goes with sigma squared: a quarter of 0.01.");
  const double one_step = 3.0 * (1 - 0.2 * (3.0 * 3.0 - 1));
  ask("The double well with eta = 0.2: where is a run from 3 after its first step?", number(one_step, 0.01),
      "3 (1.2 - 0.2 * 9) = -1.8: across the maximum, since 3 lies between sqrt 6 and sqrt 11.");
  return finish();
}
