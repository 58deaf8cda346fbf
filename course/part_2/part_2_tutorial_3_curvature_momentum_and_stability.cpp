// Part 2, Tutorial 3: Curvature, momentum and stability
// Level: part 2
// Concepts: Hessians by double backward, Hessian-vector products, power iteration, line search, Newton's method, momentum as a
//   second-order system
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition

// %% [markdown]
// # Part 2, Tutorial 3: Curvature, momentum and stability
// The limit $2/\lambda_{\max}$ came from a matrix $A$ that we had written down ourselves. For any other loss the curvature has to
// be *measured*: it is the derivative of the gradient, and autograd can differentiate its own result. With the curvature in hand
// you can choose each step (line search, Newton), find the edge of stability, or give the point an inertia that averages the
// zigzag away: **momentum**.

// %%
#include <cotangent/functional.h>
#include <cotangent/optim/sgd.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %%
using Loss = std::function<ct::Tensor(const ct::Tensor&)>;
static ct::Tensor point(std::initializer_list<double> x) { return ct::tensor(x, ct::kDouble); }
static ct::Tensor gradient(const Loss& f, const ct::Tensor& x) {
  auto leaf = x.detach().clone().requires_grad_();
  return ct::autograd::grad({f(leaf)}, {leaf})[0];
}
static Loss bowl(double a, double b) {  // 1/2 (a x0^2 + b x1^2)
  const auto d = point({a, b});
  return [d](const ct::Tensor& x) { return 0.5 * (d * x * x).sum(-1); };
}

// %% [markdown]
// The **Hessian-vector product** $Hv$ is the gradient of the number $g(x)\cdot v$. It costs two backward passes, whatever the
// dimension; $H$ itself is never built. The first pass needs `create_graph`, so that its result can be differentiated again.

// %%
static ct::Tensor hvp(const Loss& f, const ct::Tensor& x, const ct::Tensor& v) {
  auto leaf = x.detach().clone().requires_grad_();
  auto g = ct::autograd::grad({f(leaf)}, {leaf}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  return ct::autograd::grad({(g * v).sum()}, {leaf})[0];
}

// %% [markdown]
// The walker of this tutorial has a velocity: $v \leftarrow \beta v + \nabla f(x)$, $x \leftarrow x - \eta v$. With $\beta = 0$
// it is plain gradient descent.

// %%
struct Run {
  ct::Tensor x, v;           // rows: after t steps
  std::vector<double> loss;  // f there
  int steps() const { return static_cast<int>(loss.size()) - 1; }
};
static Run walk(const ct::Tensor& x0, const Loss& f, double lr, double beta, int steps, double level = -1e300) {
  Run run;
  std::vector<ct::Tensor> xs, vs;
  auto x = x0.clone().requires_grad_(), v = ct::zeros_like(x0);
  for (int t = 0; t <= steps; ++t) {
    auto loss = f(x);
    auto g = ct::autograd::grad({loss}, {x})[0];
    ct::NoGradGuard no_grad;
    xs.push_back(x.detach().clone()), vs.push_back(v);
    run.loss.push_back(loss.item<double>());
    if (run.loss.back() < level) break;
    v = beta * v + g;
    x -= lr * v;
  }
  run.x = ct::stack(xs), run.v = ct::stack(vs);
  return run;
}

// %%
// Whether x shrinks on 1/2 lambda x^2, and the largest rate for which it does, by halving an interval.
static bool settles(double lambda, double lr, double beta) {
  double x = 1, v = 0;
  for (int t = 0; t < 3000 && std::abs(x) < 1e6; ++t) v = beta * v + lambda * x, x -= lr * v;
  return std::abs(x) < 1;
}
static double edge(double lambda, double beta) {
  double below = 0, above = 4 * (1 + beta) / lambda;
  while (above - below > 1e-5 * above) (settles(lambda, (below + above) / 2, beta) ? below : above) = (below + above) / 2;
  return below;
}

int main() {
  // %% [markdown]
  // ## 1. Hessians
  // $H_{ij} = \partial^2 f/\partial x_i \partial x_j$: row $i$ is the gradient of the gradient's entry $i$. *By hand first:* what
  // is the Hessian of $x_0^2 + x_0x_1 + x_1^2$? In which direction is it steepest?

  // %%
  section("1. Hessians");
  Loss tilted = [](const ct::Tensor& x) {
    auto a = x.select(-1, 0), b = x.select(-1, 1);
    return a * a + a * b + b * b;
  };
  const auto H = ct::autograd::functional::hessian(tilted, point({1, 2}));
  const auto [values, directions] = ct::linalg_eigh(H);
  ct::print("H =", H, "\neigenvalues", values);
  check(H, ct::tensor({{2.0, 1.0}, {1.0, 2.0}}, ct::kDouble), 1e-12);
  check(values, {1, 3}, 1e-12);
  Loss mixed = [](const ct::Tensor& x) { return x[0].pow(3) + x[0] * x[1].pow(2) + x[1].sin(); };
  const auto at = point({1, 2}), G = ct::autograd::functional::hessian(mixed, at);
  ct::print("x0^3 + x0 x1^2 + sin x1 at (1, 2): gradient", gradient(mixed, at), "\nHessian", G);
  check(gradient(mixed, at), {7, 3.5838532}, 1e-7);
  check(G, ct::tensor({{6.0, 4.0}, {4.0, 1.0907026}}, ct::kDouble), 1e-7);
  check_that(ct::equal(G, G.t()), "second derivatives may be taken in either order");

  // %%
  const auto axis = ct::linspace(-2, 2, 200, ct::kDouble);
  const auto xx = axis.unsqueeze(0).expand({200, 200}), yy = axis.unsqueeze(1).expand({200, 200});
  const std::vector<double> e0 = {directions[0][0].item<double>(), directions[1][0].item<double>()};
  const std::vector<double> e1 = {directions[0][1].item<double>(), directions[1][1].item<double>()};
  ct::plot::Figure eigen({.width = 720, .height = 640});
  eigen.ax().contour(axis, axis, tilted(ct::stack({xx, yy}, -1)), {.levels = 30, .colorbar = true, .label = "f"});
  eigen.ax().quiver({0}, {0}, {e0[0]}, {e0[1]}, {.label = "curvature 1", .color = 0, .width = 3, .scale = 1.7});
  eigen.ax().quiver({0}, {0}, {e1[0]}, {e1[1]}, {.label = "curvature 3", .color = 1, .width = 3, .scale = 1.7});
  eigen.ax().title("Eigenvectors of the Hessian").xlabel("x0").ylabel("x1").equal_aspect().legend("lower left");
  save(eigen, "p2t3_eigenvectors");
  const auto& steep = eigen.ax().series("curvature 3");
  check(steep.u.at(0), steep.v.at(0), 1e-12);  // along (1, 1)

  // %% [markdown]
  // ## 2. Products instead of matrices
  // With a million parameters $H$ has $10^{12}$ entries, but $Hv$ is as long as the gradient. Applying $H$ again and again to any
  // vector turns it towards the steepest direction: **power iteration** finds $\lambda_{\max}$.

  // %%
  section("2. Hessian-vector products");
  Loss cubes = [](const ct::Tensor& x) { return x.pow(3).sum(); };
  Loss half_square = [](const ct::Tensor& x) { return 0.5 * x.pow(2).sum(); };
  ct::print("sum of cubes at (1, 2), v = (1, 1): Hv =", hvp(cubes, at, point({1, 1})));
  check(hvp(cubes, at, point({1, 1})), {6, 12}, 1e-12);
  check(hvp(half_square, at, point({0.3, -5})), {0.3, -5}, 1e-12);
  check(hvp(mixed, at, point({2, -1})), G.mv(point({2, -1})), 1e-10);

  // %%
  const auto M = ct::tensor({{4.0, 1.0}, {1.0, 3.0}}, ct::kDouble);
  Loss quadratic = [M](const ct::Tensor& x) { return 0.5 * x.dot(M.mv(x)); };
  // The largest curvature of f; with a shift the one that is farthest from it.
  auto power = [&](double shift) {
    auto v = point({1, 0});
    double value = 0;
    for (int i = 0; i < 100; ++i) {
      auto w = hvp(quadratic, at, v) - shift * v;
      value = v.dot(w).item<double>() + shift;
      v = w / w.norm();
    }
    return value;
  };
  const double largest = power(0), other = power(largest);
  ct::print("power iteration:", ct::fixed(largest, 6), " and, shifted by it,", ct::fixed(other, 6));
  check(largest, (7 + std::sqrt(5)) / 2, 1e-10);
  check(other, 2.381966, 1e-6);

  // %%
  // The limit 2 / lambda_max, looked for by trying rates:
  double lo = 0, hi = 2;
  for (int i = 0; i < 20; ++i) {
    const double lr = (lo + hi) / 2;
    (walk(point({1, 1}), quadratic, lr, 0, 300).loss.back() < 1 ? lo : hi) = lr;
  }
  ct::print("largest rate that converges:", ct::fixed(lo, 4), " 2/lambda_max:", ct::fixed(2 / largest, 4));
  check(lo, 2 / largest, 0.01);

  // %% [markdown]
  // ## 3. A rate for each step
  // Along $-g$ a quadratic is a parabola with its bottom at $\eta = g^\top g / g^\top H g$: **exact line search**, one extra
  // product per step. From $(2, 2)$ on $\mathrm{diag}(10, 1)$ it is excellent. From $(0.1, 1)$ it is as slow as the best *fixed*
  // rate: every step undoes half of the one before.

  // %%
  section("3. Line search");
  const Loss valley = bowl(10, 1);
  auto search = [&](ct::Tensor x, int steps) {
    std::vector<ct::Tensor> path = {x};
    std::vector<double> rates;
    for (int t = 0; t < steps; ++t) {
      auto g = gradient(valley, x);
      rates.push_back((g.dot(g) / g.dot(hvp(valley, x, g))).item<double>());
      x = x - rates.back() * g;
      path.push_back(x);
    }
    return std::pair(ct::stack(path), rates);
  };
  const auto [quick, rates] = search(point({2, 2}), 2);
  ct::print("rates", ct::fixed(rates[0], 7), ct::fixed(rates[1], 7), " points", quick.slice(0, 1, 3));
  check(rates[0], 404.0 / 4004, 1e-9);
  check(rates[1], 0.9181818, 1e-7);
  check(quick[1], {-0.017982, 1.798202}, 3e-5);
  check(quick[2], {0.1471256, 0.1471256}, 1e-6);
  check(valley(quick.slice(0, 1, 3)), {1.6183816, 0.1190527}, 1e-6);

  // %%
  const auto [zigzag, same] = search(point({0.1, 1}), 12);
  const auto heights = valley(zigzag);
  ct::print("from (0.1, 1): rates", ct::fixed(same[0], 6), ct::fixed(same[11], 6), " f", heights.slice(0, 0, 4));
  check(ct::tensor(same, ct::kDouble), ct::full({12}, 2.0 / 11, ct::kDouble), 1e-9);
  check(heights.slice(0, 0, 4), {0.55, 0.3681818, 0.2464688, 0.1649915}, 1e-6);
  check((heights[1] / heights[0]).item<double>(), std::pow(9.0 / 11, 2), 1e-12);
  check_that((zigzag.select(1, 0).slice(0, 1) * zigzag.select(1, 0).slice(0, 0, -1) < 0).all().item<bool>(),
             "x0 changes its sign in every step");

  // %% [markdown]
  // ## 4. A double well, and Newton
  // $f = \tfrac14x^4 - \tfrac12x^2$ has its minima at $\pm1$ with $f'' = 2$, and a maximum at 0 with $f'' = -1$. The limit
  // near a well is $2/2 = 1$; above it the steps end in a two-cycle *around* the minimum. At 0 the factor is $1 + \eta > 1$:
  // repelled, whatever the rate.

  // %%
  section("4. The double well");
  Loss wells = [](const ct::Tensor& x) { return (0.25 * x.pow(4) - 0.5 * x.pow(2)).sum(); };
  struct Row { double eta, low, high; };
  for (const Row& row : {Row{0.9, 1, 1}, Row{1.1, 0.8146, 1.1161}, Row{1.2, 0.7313, 1.1395}}) {
    const auto last = walk(point({1.05}), wells, row.eta, 0, 1000).x.flatten().slice(0, -2);
    ct::print("eta", row.eta, "ends in", ct::fixed(last.min().item<double>(), 4), ct::fixed(last.max().item<double>(), 4));
    check(last.min().item<double>(), row.low, 0, 5.1e-5);
    check(last.max().item<double>(), row.high, 0, 5.1e-5);
  }

  // %% [markdown]
  // **Newton's method** divides by the curvature: $x \leftarrow x - f'/f''$. Near a well it doubles the correct digits in every
  // step. But it goes to *any* point with $f' = 0$: where $f'' < 0$, it walks uphill.

  // %%
  auto newton = [&](double x0) {
    std::vector<double> path = {x0};
    for (int t = 0; t < 5; ++t) {
      const auto x = point({path.back()});
      path.push_back((x - gradient(wells, x) / hvp(wells, x, ct::ones_like(x))).item<double>());
    }
    return path;
  };
  const auto from2 = newton(2), from_half = newton(0.5), from03 = newton(0.3);
  for (const auto& path : {from2, from_half, from03})
    ct::print("from", path[0], ":", ct::fixed(path[1], 7), ct::fixed(path[2], 7), ct::scientific(path[3], 3));
  check(ct::tensor(from2, ct::kDouble).slice(0, 1), {1.4545455, 1.1510468, 1.0253259, 1.0009085, 1.0000012}, 0, 6e-8);
  check_that(from_half[1] == -1, "from 0.5 the negative curvature throws it across, exactly to -1");
  check(ct::tensor(from03, ct::kDouble).slice(0, 1, 4), {-0.0739726, 0.000823, 0}, 0, 6e-7);

  // %% [markdown]
  // ## 5. Momentum
  // A ball with friction: the velocity remembers past gradients, those that alternate cancel, those that agree add up.
  // *Predict:* on $\tfrac12x^2$ from 2 with $\eta = 0.3$ and $\beta = 0.9$, does it stop at 0?

  // %%
  section("5. Momentum");
  const Run ball = walk(point({2}), half_square, 0.3, 0.9, 60);
  ct::print("v:", ball.v.flatten().slice(0, 1, 5), "\nx:", ball.x.flatten().slice(0, 1, 5));
  check(ball.v.flatten().slice(0, 1, 5), {2, 3.2, 3.32, 2.432}, 1e-12);
  check(ball.x.flatten().slice(0, 1, 5), {1.4, 0.44, -0.556, -1.2856}, 1e-12);
  auto p = point({2}).requires_grad_();
  ct::optim::SGD sgd({p}, ct::optim::SGDOptions(0.3).momentum(0.9));
  for (int t = 0; t < 60; ++t) {
    sgd.zero_grad();
    half_square(p).backward();
    sgd.step();
  }
  check(p.detach(), ball.x[60], 1e-12, 1e-15);

  // %%
  ct::plot::Figure swing;
  swing.ax().plot(ball.x.flatten(), {.label = "position x"}).plot(ball.v.flatten(), {.label = "velocity v", .dashes = "--"});
  swing.ax()
      .axhline(0, {.color = "gray", .width = 1})
      .title("A ball with friction: eta 0.3, beta 0.9")
      .xlabel("step")
      .grid()
      .legend("upper right");
  save(swing, "p2t3_swing");
  check(swing.ax().series("position x").y.at(4), -1.2856, 1e-12);

  // %% [markdown]
  // It swings like a damped spring: two numbers, position and velocity, each depending on both. The system is stable exactly
  // for $0 < \eta < 2(1+\beta)/\lambda_{\max}$: momentum nearly *doubles* the largest rate.

  // %%
  for (const double beta : {0.0, 0.8, 0.9}) {
    ct::print("lambda 10, beta", beta, ": edge by trying", ct::fixed(edge(10, beta), 4), " by formula",
              ct::fixed(0.2 * (1 + beta), 4));
    check(edge(10, beta), 0.2 * (1 + beta), 0.01);
  }
  const int n = 60;  // cells: eta = 0.45 (c + 0.5) / n, beta = 0.98 (r + 0.5) / n
  std::vector<double> stable, column, row;
  for (int r = 0; r < n; ++r)
    for (int c = 0; c < n; ++c) stable.push_back(settles(10, 0.45 * (c + 0.5) / n, 0.98 * (r + 0.5) / n));
  for (int r = 0; r < n; ++r) row.push_back(r), column.push_back(0.2 * (1 + 0.98 * (r + 0.5) / n) * n / 0.45 - 0.5);

  // %% [markdown]
  // **A correction.** The text that this tutorial follows shows momentum ($\beta = 0.8$) stable over its whole sweep of rates.
  // The sweep ends at 0.30, and the edge is at 0.36. The map below goes past it.

  // %%
  ct::plot::Figure map({.width = 760, .height = 600});
  map.ax().imshow(ct::plot::Grid(n, n, stable), {.cmap = "viridis", .colorbar = false});
  map.ax().plot(column, row, {.label = "2 (1 + beta) / lambda", .color = 1, .width = 3});
  map.ax()
      .xticks({6.17, 19.5, 32.83, 46.17, 59.5}, {"0.05", "0.15", "0.25", "0.35", "0.45"})
      .yticks({-0.5, 30.1, 59.5}, {"0", "0.5", "0.98"});
  map.ax().title("Stable (yellow) or not, curvature 10").xlabel("learning rate eta").ylabel("momentum beta").legend("lower left");
  save(map, "p2t3_stability");
  int wrong = 0;  // cells away from the line that are not as the formula says
  for (int r = 0; r < n; ++r)
    for (int c = 0; c < n; ++c)
      wrong +=
          std::abs(c - column[static_cast<std::size_t>(r)]) > 1 &&
          (map.ax().series().at(0).z.at(static_cast<std::size_t>(r * n + c)) > 0) != (c < column[static_cast<std::size_t>(r)]);
  ct::print("cells off the line that contradict the formula:", wrong);
  check(wrong, 0);

  // %% [markdown]
  // ## 6. What momentum buys
  // With the best $\eta = \left(\frac{2}{\sqrt{\lambda_{\max}}+\sqrt{\lambda_{\min}}}\right)^2$ and
  // $\beta = \left(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2$ the factor depends on $\sqrt\kappa$ instead of $\kappa$.

  // %%
  section("6. What momentum buys");
  const auto start = point({2, 2});
  struct Best { double kappa, eta, beta; int gd, momentum; };
  for (const Best& b :
       {Best{10, 0.2308862, 0.2698739, 43, 18}, Best{100, 0.0330579, 0.6694215, 479, 72}, Best{1000, 0, 0, 5355, 269}}) {
    const double root = std::sqrt(b.kappa), eta = std::pow(2 / (root + 1), 2), beta = std::pow((root - 1) / (root + 1), 2);
    const Run gd = walk(start, bowl(b.kappa, 1), 2 / (b.kappa + 1), 0, 6000, 1e-6),
              heavy = walk(start, bowl(b.kappa, 1), eta, beta, 6000, 1e-6);
    ct::print("kappa", b.kappa, " eta", ct::fixed(eta, 7), " beta", ct::fixed(beta, 7), " factor", ct::fixed(std::sqrt(beta), 7),
              " steps to 1e-6:", gd.steps(), "and with momentum", heavy.steps());
    check_that(gd.steps() == b.gd && heavy.steps() == b.momentum, "the counts of the table");
    if (b.eta > 0) check(eta, b.eta, 1e-6), check(beta, b.beta, 1e-6);
    if (b.kappa == 100) check(std::sqrt(beta), 0.8181818, 1e-7), check(99.0 / 101, 0.9801980, 1e-7);
    if (b.kappa == 10) check(std::sqrt(beta), 0.5194939, 1e-6);
  }

  // %% [markdown]
  // *Tuned* momentum, that is. Untuned it can be slower: on a round bowl there is no zigzag to average away, and inertia only
  // overshoots. Losses below are those before the last update.

  // %%
  const Loss narrow = bowl(100, 1), round = bowl(1, 1);
  const Run g10 = walk(start, valley, 0.15, 0, 99), m10 = walk(start, valley, 0.02, 0.8, 99),
            g100 = walk(start, narrow, 0.015, 0, 119), m100 = walk(start, narrow, 0.008, 0.9, 119),
            g1 = walk(start, round, 0.3, 0, 39), m1 = walk(start, round, 0.3, 0.9, 39);
  ct::print("diag(10, 1), 100 steps: ", ct::scientific(g10.loss.back(), 3),
            " momentum .02/.8:", ct::scientific(m10.loss.back(), 3));
  ct::print("diag(100, 1), 120 steps:", ct::scientific(g100.loss.back(), 3),
            " momentum .008/.9:", ct::scientific(m100.loss.back(), 3));
  ct::print("identity, 40 steps:     ", ct::scientific(g1.loss.back(), 3), " momentum .3/.9:", ct::scientific(m1.loss.back(), 3));
  check(g10.loss.back(), 2.118e-14, 1e-3, 0), check(m10.loss.back(), 1.494e-9, 1e-3, 0);
  check(g100.loss.back(), 0.054809, 1e-4, 0), check(m100.loss.back(), 5.420e-4, 1e-3, 0);
  check(g1.loss.back(), 3.309e-12, 1e-3, 0), check(m1.loss.back(), 0.060927, 1e-4, 0);
  const double sweep[][2] = {{0, 1.352e-7}, {0.3, 1.690e-11}, {0.6, 3.906e-22}, {0.8, 5.815e-9}, {0.95, 0.092437}};
  for (const auto& [beta, expected] : sweep) {
    const double last = walk(start, valley, 0.08, beta, 99).loss.back();
    ct::print("eta 0.08, beta", beta, ": loss", ct::scientific(last, 3));
    check(last, expected, 1e-3, 0);
  }

  // %%
  ct::plot::Figure race(1, 3, {.width = 1500, .height = 460});
  const char* titles[] = {"diag(10, 1)", "diag(100, 1)", "identity"};
  const Run* pairs[][2] = {{&g10, &m10}, {&g100, &m100}, {&g1, &m1}};
  for (int i = 0; i < 3; ++i) {
    race(0, i).plot(pairs[i][0]->loss, {.label = "gradient descent"}).plot(pairs[i][1]->loss, {.label = "momentum"});
    race(0, i).yscale("log").title(titles[i]).xlabel("step").ylabel("f").grid().legend("lower left");
  }
  save(race, "p2t3_race");
  check(race(0, 1).series("momentum").y.back(), 5.420e-4, 1e-3);

  // %% [markdown]
  // ## 7. What is refused
  // A gradient without `create_graph` is a constant; an input that was not used has no derivative; Nesterov's look-ahead needs a
  // momentum; and Newton's equation needs a curvature in every direction.

  // %%
  section("7. What is refused");
  auto x = point({1, 2}).requires_grad_(), unused = point({1}).requires_grad_();
  auto g = ct::autograd::grad({cubes(x)}, {x})[0];
  show_error([&] { ct::autograd::grad({g.sum()}, {x}); },
             "element 0 of tensors does not require grad and does not have a grad_fn");
  show_error([&] { ct::autograd::grad({cubes(x)}, {unused}); }, "appears to not have been used in the graph");
  show_error([&] { ct::optim::SGD({x}, ct::optim::SGDOptions(0.1).nesterov(true)); },
             "Nesterov momentum requires a momentum and zero dampening");
  const auto flat = ct::tensor({{1.0, 2.0}, {2.0, 4.0}}, ct::kDouble);
  show_error([&] { ct::linalg_solve(flat, point({1, 0})); }, "The solver failed because the input matrix is singular");

  // %% [markdown]
  // ## Executive summary
  // - Curvature is the derivative of the gradient: `create_graph` and a second backward. $Hv$ costs two backward passes, $H$ as
  //   many as there are parameters; power iteration gets $\lambda_{\max}$ from products alone, and with it the edge
  //   $2/\lambda_{\max}$.
  // - Line search picks the best rate in each step, and can still zigzag at the rate of the best fixed one.
  // - Newton's method is fast near a minimum, and attracted by maxima and saddles as well.
  // - Momentum makes position and velocity one system, stable up to $2(1+\beta)/\lambda_{\max}$. Tuned, it needs about
  //   $\sqrt\kappa$ steps where gradient descent needs $\kappa$; untuned, it may be slower.

  // %%
  ask("From 0.5, where does one Newton step on the double well land?", number(from_half[1]),
      "f' = -0.375 and f'' = -0.25: the step is -1.5, across the maximum. Negative curvature turned its direction round.");
  ask("To which point does Newton's method go from 0.3?",
      choice({{"the minimum at 1", std::abs(from03.back() - 1) < 1e-6}, {"the minimum at -1", std::abs(from03.back() + 1) < 1e-6},
              {"the maximum at 0", std::abs(from03.back()) < 1e-6}}),
      "It solves f' = 0, and does not ask whether that is a valley or a hilltop.");
  ask("Largest curvature 50, momentum 0.5: up to which learning rate is the system stable?", number(edge(50, 0.5), 0.01),
      "2 (1 + beta) / lambda = 3 / 50.");
  ask("Is momentum 0.9 with eta = 0.3 faster than plain gradient descent on a round bowl?",
      yes_no(m1.loss.back() < g1.loss.back()),
      "There is nothing to average away; the ball swings through the minimum again and again.");
  return finish();
}
