// Workshop 2: Objective design and local dynamics
// Level: part 1
// Concepts: implicit objectives, weighting self- and cross-similarity, signs, ascent and descent, symmetry, Monte Carlo
// Version: 2.1 (2026-11-21)
// History: 1.0 (2026-02-19), 2.0 (2026-02-20); 2.1: in C++, with checks, expected lengths for averages, and signs put right

#include <cotangent/inspect.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %%
// The similarities of the rows of X, squashed into (-1, 1). Of a stack of matrices, a stack of similarities.
static ct::Tensor similarities(const ct::Tensor& X) { return X.matmul(X.transpose(-2, -1)).tanh(); }

// %%
// What backward answers when V is put to Y = similarities(X): V^T J in the shape of X.
static ct::Tensor pulled_back(const ct::Tensor& V, const ct::Tensor& X) {
  auto x = X.detach().clone().requires_grad_();
  auto Y = similarities(x);
  Y.backward(V.expand(Y.sizes()));
  return x.grad();
}

// %%
// The number that V implies: <V, Y>, of one matrix X.
static double objective(const ct::Tensor& V, const ct::Tensor& X) { return (V * similarities(X)).sum().item<double>(); }

// %%
// The weight of the diagonal that goes with off-diagonal weights of +p or -p, so that all squares of V sum to 1.
static double diagonal_for(double p) { return std::sqrt((1 - 20 * p * p) / 5); }

// %%
// 5 x 5: `diagonal` on the diagonal, `elsewhere` everywhere else.
static ct::Tensor weights(double diagonal, double elsewhere) {
  return elsewhere * ct::ones({5, 5}) + (diagonal - elsewhere) * ct::eye(5);
}

// %%
// The mean length (Frobenius norm) of the gradients in a stack.
static double mean_norm(const ct::Tensor& stack) { return stack.pow(2).sum({1, 2}).sqrt().mean().item<double>(); }

int main() {
  // %% [markdown]
  // # Workshop 2: Objective design and local dynamics
  // Five points in space, the rows of $X$ ($5\times3$). Their similarities $Y=\tanh(XX^\top)$ form a symmetric $5\times5$
  // matrix: on the diagonal each point with itself (*self-similarity*), elsewhere pairs (*cross-similarity*).
  //
  // You design a $V$, ask backward for $V^\top J$, and read off what would happen to the points. There is no loss in sight; and
  // yet, by choosing $V$ you have chosen one.
  //
  // There are three tasks. In the fresh notebook their cells are empty; everything around them runs as it is, and has what you
  // need.

  // %% [markdown]
  // ## 1. A hand example
  // Rows $e_1$, $e_2$, $e_1+e_2$, $e_3$ and $0$: two that are perpendicular, one between them, one apart, one at the origin.

  // %%
  section("1. A hand example");
  auto X = ct::tensor({{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {1.0, 1.0, 0.0}, {0.0, 0.0, 1.0}, {0.0, 0.0, 0.0}});
  auto S = X.matmul(X.t()), Y = similarities(X);
  ct::print("X X^T =", S);
  ct::print("Y =", Y);
  auto S_by_hand = ct::tensor({{1.0, 0.0, 1.0, 0.0, 0.0},
                               {0.0, 1.0, 1.0, 0.0, 0.0},
                               {1.0, 1.0, 2.0, 0.0, 0.0},
                               {0.0, 0.0, 0.0, 1.0, 0.0},
                               {0.0, 0.0, 0.0, 0.0, 0.0}});
  check(S, S_by_hand);
  check(ct::tensor({Y[0][0].item<double>(), Y[2][2].item<double>()}), {0.7615942, 0.9640276}, 1e-6);
  check_that(ct::equal(Y, Y.t()), "Y is symmetric");

  // %%
  auto tracked = X.clone().requires_grad_(), drawn = similarities(tracked);
  save(ct::inspect::graph(drawn, {{"X", tracked}, {"Y", drawn}}), "workshop_2_graph");

  // %% [markdown]
  // ## 2. Task: emphasise the diagonal, penalise the rest
  // **Task 1.** Choose two matrices $V$: `V_self`, which looks at self-similarities only, with $\sum_{ij}V_{ij}^2=1$; and
  // `V_penalty`, which has ones on the diagonal and *penalises* the other entries, with the weight $\frac14$. Which sign does a
  // penalty have? Then ask backward what they do to $X$, into `self` and `push`.

  // %%
  section("2. Two questions");
  auto V_self = ct::zeros({5, 5}), V_penalty = ct::zeros({5, 5});
  ct::Tensor self, push;  // X.grad for each

  // %% {"tags": ["solution"]}
  V_self = ct::eye(5) / std::sqrt(5.0);
  self = pulled_back(V_self, X);
  ct::print("V = I / sqrt(5): X.grad =", self);
  check(self,
        ct::tensor(
            {{0.3756364, 0.0, 0.0}, {0.0, 0.3756364, 0.0}, {0.0631920, 0.0631920, 0.0}, {0.0, 0.0, 0.3756364}, {0.0, 0.0, 0.0}}));

  // %% {"tags": ["solution"]}
  V_penalty = weights(1, -0.25);
  push = pulled_back(V_penalty, X);
  ct::print("L =", ct::fixed(objective(V_penalty, X), 7));
  ct::print("V = I - 1/4 elsewhere: X.grad =", push);
  check(objective(V_penalty, X), 2.4872158, 1e-6);
  check(push, ct::tensor({{0.6299614, -0.7099872, -0.5},
                          {-0.7099872, 0.6299614, -0.5},
                          {-0.0686855, -0.0686855, -0.5},
                          {-1.0, -1.0, 0.8399486},
                          {-1.0, -1.0, -0.5}}));

  // %%
  hand_in(1, {V_self, V_penalty, self, push});

  // %% [markdown] {"tags": ["solution"]}
  // **A correction.** The worked text that this workshop follows gives the entries that it calls "penalised" *positive* weights.
  // Along $+\nabla L$, positive weights **reward** cross-similarity. A penalty needs a negative weight.
  //
  // With `V_self` each point moves along itself, away from the origin; the third one hardly, because tanh is nearly flat at 2;
  // the last one not at all. With `V_penalty` each one is pushed away from the others, too: $e_3$ is driven against $e_1$ and
  // $e_2$, although it is perpendicular to them already. And the origin is pushed, because it has neighbours.

  // %% [markdown]
  // ## 3. The objective that was never written down
  // Backward with $V$ computes the gradient of one number. With the rows $x_i$ of $X$,
  //
  // $$L(X)=\langle V,Y\rangle=\sum_{ij}V_{ij}\tanh(x_i\cdot x_j).$$
  //
  // Let $G=V\circ(1-Y^2)$, element by element, be what arrives behind tanh. Then
  //
  // $$\nabla L=(G+G^\top)X,$$
  //
  // and $2GX$ if $V$ is symmetric. We test that on the hand example, for a symmetric and for a lopsided $V$, and against finite
  // differences.

  // %%
  section("3. The implicit objective");
  auto V_sym = weights(1, -0.25);
  ct::manual_seed(0);
  auto V_any = ct::randn({5, 5});
  auto G_sym = V_sym * (1 - Y * Y), G_any = V_any * (1 - Y * Y);
  check(pulled_back(V_sym, X), 2 * G_sym.matmul(X), 1e-4, 1e-5);
  check(pulled_back(V_any, X), (G_any + G_any.t()).matmul(X), 1e-4, 1e-5);
  ct::print("2 G X, row 0:", 2 * G_sym.matmul(X)[0], " by backward:", pulled_back(V_sym, X)[0]);

  // %%
  auto X64 = X.to(ct::kDouble), V64 = V_any.to(ct::kDouble), numeric = ct::zeros({5, 3}, ct::kDouble);
  const double h = 1e-5;
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 3; ++j) {
      auto bump = ct::zeros({5, 3}, ct::kDouble);
      bump.index_put_({i, j}, h);
      numeric.index_put_({i, j}, (objective(V64, X64 + bump) - objective(V64, X64 - bump)) / (2 * h));
    }
  auto exact = pulled_back(V64, X64);
  ct::print("largest difference below 1e-8:", (exact - numeric).abs().max().item<double>() < 1e-8);
  check(exact, numeric, 1e-7, 1e-8);

  // %% [markdown]
  // $Y$ is symmetric, so only the symmetric part of $V$ can matter: what you ask of $(i,j)$ and of $(j,i)$ adds up. An
  // **antisymmetric** $V$ asks for something and its opposite; the answer is exactly 0.

  // %%
  auto V_anti = V_any - V_any.t();
  auto nothing = pulled_back(V_anti, X), half = pulled_back((V_any + V_any.t()) / 2, X);
  ct::print("antisymmetric V: largest entry of X.grad", nothing.abs().max().item<float>());
  check(nothing, ct::zeros({5, 3}), 0, 1e-6);
  check(half, pulled_back(V_any, X), 1e-4, 1e-5);

  // %% [markdown]
  // ## 4. Task: which way?
  // **Task 2.** Take one step of length 0.1 along $+\nabla L$ (ascent) and one along $-\nabla L$ (descent), from the hand example
  // with $V=I-\frac14(\text{elsewhere})$. Which one makes the points *more* distinct? Put the values of $L$ into `up` and `down`.

  // %%
  section("4. One step");
  auto gradient = pulled_back(V_sym, X);
  double up = 0, down = 0;

  // %% {"tags": ["solution"]}
  up = objective(V_sym, X + 0.1 * gradient);
  down = objective(V_sym, X - 0.1 * gradient);
  ct::print("L before", ct::fixed(objective(V_sym, X), 7), " ascent", ct::fixed(up, 7), " descent", ct::fixed(down, 7));
  check(up, 3.2476223, 1e-6);
  check(down, 1.7635039, 1e-6);

  // %% {"tags": ["solution"]}
  auto before = similarities(X), uphill = similarities(X + 0.1 * gradient), downhill = similarities(X - 0.1 * gradient);
  const auto self_sum = [](const ct::Tensor& y) { return y.diagonal().sum().item<double>(); };
  const auto cross_sum = [&](const ct::Tensor& y) { return y.sum().item<double>() - self_sum(y); };
  ct::print("         self-similarity  cross-similarity");
  ct::print("before  ", ct::fixed(self_sum(before), 4), "         ", ct::fixed(cross_sum(before), 4));
  ct::print("ascent  ", ct::fixed(self_sum(uphill), 4), "         ", ct::fixed(cross_sum(uphill), 4));
  ct::print("descent ", ct::fixed(self_sum(downhill), 4), "         ", ct::fixed(cross_sum(downhill), 4));
  check(ct::tensor({self_sum(before), self_sum(uphill), self_sum(downhill)}), {3.2488, 3.4440, 3.1027}, 1e-4);
  check(ct::tensor({cross_sum(before), cross_sum(uphill), cross_sum(downhill)}), {3.0464, 0.7855, 5.3568}, 1e-4, 1e-4);

  // %%
  hand_in(2, {up, down});

  // %% [markdown] {"tags": ["solution"]}
  // To *reward* what $V$ weights positively, **ascend**. Optimisers descend, so they would be given $-L$. One sign in $V$, one in
  // the update: if both are wrong, everything looks right. A test as small as this one tells them apart.

  // %% [markdown]
  // ## 5. A family of weightings
  // All off-diagonal weights are $p$, the diagonal ones $e=\sqrt{(1-20p^2)/5}$, so that $\sum v^2=5e^2+20p^2=1$ throughout: the
  // question changes its direction, not its loudness. $p$ runs from 0 to $\sqrt{0.05}$ in 100 steps; we stop where the diagonal
  // is no longer the heavier one, $p>e$, that is at $p=0.2$.

  // %%
  section("5. The family");
  std::vector<double> setting, ps, es, squares;
  for (int i = 0; i < 100; ++i) {
    const double p = i * std::sqrt(0.05) / 99, e = std::sqrt(std::max(0.0, (1 - 20 * p * p) / 5));
    if (p > e) break;
    setting.push_back(i);
    ps.push_back(p);
    es.push_back(e);
    squares.push_back(weights(e, p).pow(2).sum().item<double>());
  }
  ct::print("usable settings:", ps.size(), " last p", ct::fixed(ps.back(), 4), " last e", ct::fixed(es.back(), 4));
  check_that(ps.size() == 89 && ps.back() <= 0.2 && ps.back() + std::sqrt(0.05) / 99 > 0.2, "up to p = 0.2");

  // %%
  ct::plot::Figure family;
  family.ax().plot(setting, ps, {.label = "p, off the diagonal"}).plot(setting, es, {.label = "e, on the diagonal"});
  family.ax().plot(setting, squares, {.label = "sum of all squares", .dashes = "--"});
  family.ax().title("The weights").xlabel("setting").ylabel("weight").grid().legend();
  save(family, "workshop_2_weights");
  for (double sum : family.ax().series("sum of all squares").y) check(sum, 1, 1e-5);

  // %% [markdown]
  // ## 6. What the average cannot show
  // **A correction.** The worked text that this workshop follows averages `X.grad` over many random $X$, and reads structure into
  // the rows, columns and heat maps of the average. Look at the symmetry first: $Y$ does not change when $X$ becomes $-X$, so the
  // gradient is *odd*, $\nabla L(-X)=-\nabla L(X)$. If $X$ and $-X$ are equally likely, the expectation is **exactly zero**. What
  // those plots show is the noise of a finite average, of the size $1/\sqrt N$.

  // %%
  section("6. The average gradient");
  check(pulled_back(V_sym, -X), -pulled_back(V_sym, X));
  ct::manual_seed(0);
  const std::int64_t N = 200000;
  auto many = ct::randn({N, 5, 3});
  auto V1 = weights(diagonal_for(0.1), 0.1);
  auto answers = pulled_back(V1, many);  // one backward, 200000 gradients
  auto average = answers.mean(0), deviation = answers.std({0}, true) / std::sqrt(static_cast<double>(N));
  ct::print("largest |mean| / (its standard error):", ct::fixed((average / deviation).abs().max().item<double>(), 2));
  check_that(((average / deviation).abs() < 4).all().item<bool>(), "all 15 means lie within four standard errors of 0");

  // %%
  std::vector<double> counts, norms, rows, columns;
  for (std::int64_t c = 10; c <= N; c = c < N && 4 * c > N ? N : 4 * c) {
    auto mean = answers.slice(0, 0, c).mean(0);
    counts.push_back(static_cast<double>(c));
    norms.push_back(mean.norm().item<double>());
    rows.push_back(mean.pow(2).mean(1).sqrt().max().item<double>());     // root mean square of a row, the largest of 5
    columns.push_back(mean.pow(2).mean(0).sqrt().max().item<double>());  // and of a column, of 3
    if (c == N) break;
  }
  const double root_mean_square = std::sqrt(answers.pow(2).sum({1, 2}).mean().item<double>());
  ct::print("norm of the average of", counts.front(), "gradients:", ct::fixed(norms.front(), 4), " of", counts.back(), ":",
            ct::fixed(norms.back(), 4));
  for (std::size_t i = 0; i < counts.size(); ++i)
    check_that(norms[i] * std::sqrt(counts[i]) < 2 * root_mean_square, "it shrinks like 1 / sqrt(N)");

  // %%
  ct::plot::Figure noise;
  noise.ax().plot(counts, norms, {.label = "Frobenius norm", .marker = "o"});
  noise.ax().plot(counts, rows, {.label = "largest row RMS", .marker = "s"});
  noise.ax().plot(counts, columns, {.label = "largest column RMS", .marker = "^"});
  noise.ax().plot({10.0, static_cast<double>(N)},
                  {root_mean_square / std::sqrt(10.0), root_mean_square / std::sqrt(static_cast<double>(N))},
                  {.label = "expected: 1/√N", .color = "black", .dashes = "--"});
  noise.ax()
      .xscale("log")
      .yscale("log")
      .title("The average of N gradients")
      .xlabel("N")
      .ylabel("size")
      .grid()
      .legend("upper right");
  save(noise, "workshop_2_average");
  check_that(noise.ax().series("Frobenius norm").y == norms && noise.ax().xscale() == "log",
             "the figure shows what was measured");

  // %% [markdown]
  // ## 7. Task: what the length shows
  // **Task 3.** The *length* of a gradient does not cancel. Estimate $E\,\|\nabla L\|_F$ for $X\sim N(0,1)$ over the family: how
  // does it depend on $p$, and does the sign of $p$ matter? Use `many` for the five values in `at`, into `lengths`, and fewer draws
  // for a curve over $p$: `curve_plus` and `curve_minus` at the places `curve_p`.

  // %%
  section("7. The expected length");
  std::vector<double> at = {0, 0.1, 0.2, -0.1, -0.2}, lengths, curve_p, curve_plus, curve_minus;

  // %% {"tags": ["solution"]}
  for (double p : at) {
    lengths.push_back(mean_norm(pulled_back(weights(diagonal_for(p), p), many)));
    ct::print("p", ct::fixed(p, 1), " expected length", ct::fixed(lengths.back(), 3));
  }
  check(ct::tensor(lengths), {0.4654, 0.8739, 1.5203, 0.8845, 1.5308}, 0, 0.01);

  // %% {"tags": ["solution"]}
  auto some = many.slice(0, 0, 20000);
  for (int i = 0; i <= 10; ++i) {
    const double p = 0.02 * i, e = diagonal_for(p);
    curve_p.push_back(p);
    curve_plus.push_back(mean_norm(pulled_back(weights(e, p), some)));
    curve_minus.push_back(mean_norm(pulled_back(weights(e, -p), some)));
  }
  check_that(std::is_sorted(curve_plus.begin(), curve_plus.end()) && std::is_sorted(curve_minus.begin(), curve_minus.end()),
             "rising");

  // %% {"tags": ["solution"]}
  ct::plot::Figure length;
  length.ax().plot(curve_p, curve_plus, {.label = "off the diagonal: +p", .marker = "o"});
  length.ax().plot(curve_p, curve_minus, {.label = "off the diagonal: −p", .dashes = "--", .marker = "^"});
  length.ax().title("Expected length of the gradient").xlabel("p").ylabel("E ‖∇L‖").grid().legend("upper left");
  save(length, "workshop_2_length");
  check(length.ax().series().at(0).y.at(0), 0.4654, 0, 0.01);
  check(length.ax().series().at(1).y.at(10), 1.5308, 0, 0.03);

  // %%
  hand_in(3, {lengths, curve_p, curve_plus, curve_minus});

  // %% [markdown] {"tags": ["solution"]}
  // The length rises from 0.47 to more than three times as much, although $\sum v^2=1$ throughout. Weight on the diagonal is
  // partly wasted: $x_i\cdot x_i$ has the mean 3, where tanh is flat. Pairs have similarities around 0, where it is steep. The
  // sign of $p$ hardly matters for the *length*; it decides the *direction*.

  // %% [markdown]
  // ## 8. One fixed X
  // To see structure, keep $X$ fixed. The gradients of one random $X$ for every fifth setting of the family, on one scale:

  // %%
  section("8. Heat maps");
  ct::manual_seed(0);
  auto fixed_X = ct::randn({5, 3});
  double top = 0;  // the largest entry of all, for one scale
  for (std::size_t i = 0; i < ps.size(); i += 5)
    top = std::max(top, pulled_back(weights(es[i], ps[i]), fixed_X).abs().max().item<double>());
  ct::plot::Figure maps(4, 5, {.width = 1100, .height = 1150, .title = "X.grad (rows and columns) for one fixed X"});
  for (std::size_t i = 0, k = 0; i < ps.size(); i += 5, ++k) {
    auto& panel = maps.ax(static_cast<int>(k));
    panel.imshow(pulled_back(weights(es[i], ps[i]), fixed_X), {.vmin = -top, .vmax = top, .colorbar = false});
    panel.title("p = " + ct::plot::number(ps[i], 3)).xticks({0, 1, 2}).yticks({0, 2, 4});
  }

  // %%
  auto& bar = maps.ax(18);  // the colours of all panels
  bar.imshow(ct::linspace(top, -top, 41).unsqueeze(1).expand({41, 4}), {.vmin = -top, .vmax = top, .colorbar = false});
  bar.title("entry").xticks({1.5}, {" "}).yticks({0, 20, 40}, {ct::plot::number(top, 2), "0", ct::plot::number(-top, 2)});
  save(maps, "workshop_2_maps");
  check_that(maps.ax(17).series().size() == 1 && maps.ax(17).series()[0].rows == 5, "18 panels, of every fifth setting");
  check(top, 1.379096);

  // %%
  auto first_map = pulled_back(weights(es[0], ps[0]), fixed_X), last_map = pulled_back(weights(es[85], ps[85]), fixed_X);
  auto cosine = (first_map * fixed_X).sum(1) / (first_map.pow(2).sum(1) * fixed_X.pow(2).sum(1)).sqrt();
  ct::print("p = 0: cosine of each row of X.grad with the row of X:", cosine);
  check(cosine, {1, 1, 1, 1, 1});
  ct::print("lengths: p = 0", ct::fixed(first_map.norm().item<double>(), 4), " p = 0.19",
            ct::fixed(last_map.norm().item<double>(), 4));
  check(ct::stack({first_map.norm(), last_map.norm()}), {0.5498, 2.2652}, 1e-3);

  // %% [markdown]
  // For $p=0$, $\nabla L=2GX$ with a diagonal $G$: each row moves along itself. With growing $p$, rows are mixed, and the map
  // changes its pattern.

  // %% [markdown]
  // ## Executive summary
  // What did this workshop show, with which numbers? Write it down in four or five lines, for somebody who has no time to do it.

  // %% [markdown] {"tags": ["solution"]}
  // - Choosing $V$ is choosing an objective, $L=\langle V,Y\rangle$; backward computes its gradient $(G+G^\top)X$,
  //   $G=V\circ(1-Y^2)$.
  // - Only the symmetric part of $V$ counts, because $Y$ is symmetric.
  // - The sign of a weight means reward or penalty only together with the direction of the step: ascent 2.487 → 3.248, descent
  //   2.487 → 1.764.
  // - The diagonal controls how long the points are, and saturates; the rest controls the angles between them, and is loud.
  // - The average gradient over a symmetric distribution is zero. Average lengths, or keep $X$ fixed; ask for the symmetry
  //   first.
  //
  // **What is missing?** $X_{\mathrm{new}}=X-\eta\nabla L$ has been done once. Nothing but repetition is missing, and with it
  // begins the question where it leads: Part 2.

  // %% [markdown]
  // ## Questions

  // %%
  auto rewarded = pulled_back(weights(1, 0.25), X);
  auto V_one = ct::zeros({5, 5});
  V_one.index_put_({0, 1}, 1.0);
  const bool only_two = pulled_back(V_one, fixed_X).abs().sum(1).count_nonzero().item<int>() == 2;
  auto thousand = many.slice(0, 0, 1000);
  auto pairs = (pulled_back(V1, thousand) + pulled_back(V1, -thousand)).mean();  // X and -X, equally likely
  auto step = similarities(X + 0.1 * pulled_back(V_sym, X)) - Y;

  // %%
  ask("Which number does backward differentiate when it gets V?",
      choice(
          {{"the sum of all V_ij Y_ij", ct::allclose(exact, numeric)},
           {"the sum of all Y_ij, then multiplied by V", ct::allclose(exact, V64.sum() * pulled_back(ct::ones_like(V64), X64))},
           {"the length of V", ct::allclose(exact, ct::zeros_like(exact))}}),
      "The gradient agrees with finite differences of <V, Y>.");
  ask("V = I - 1/4 elsewhere, one step of 0.1 along +gradient from the hand example. Which similarities grow?",
      several({{"[3][3], of e3 with itself", step[3][3].item<double>() > 1e-6},
               {"[0][1], of e1 with e2", step[0][1].item<double>() > 1e-6},
               {"[0][3], of e1 with e3", step[0][3].item<double>() > 1e-6},
               {"[0][0], of e1 with itself", step[0][0].item<double>() > 1e-6}}),
      "Ascent rewards positive weights, the diagonal, and lowers what has negative ones.");

  // %%
  ask("Off-diagonal weights of +1/4 and a step along +gradient: do they penalise cross-similarity?",
      yes_no(objective(weights(0, 1), X + 0.1 * rewarded) < objective(weights(0, 1), X)),
      "They reward it: along +gradient, what has a positive weight grows.");
  ask("V has a single 1, at [0][1]. How many rows of X get a gradient (for X without zeros)?", number(only_two ? 2 : 5),
      "Y[0][1] depends on the rows 0 and 1 alone: a cross-similarity ties two points.");
  ask("What is the expectation of X.grad over X drawn from N(0, 1)?", number(pairs.item<double>(), 0.01),
      "0, exactly: the gradient is odd in X, and X and -X are equally likely.");
  return finish();
}
