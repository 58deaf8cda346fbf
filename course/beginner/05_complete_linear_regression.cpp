// Lesson 05: Linear regression from data to figure
// Level: beginner
// Concepts: the complete loop, loss tracking, comparison with least squares, figures, real data
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/data.h>
#include <cotangent/plot.h>

#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// The line of least squares through the points, by the normal equations: slope, intercept, mean squared error.
struct Line { double slope, intercept, mse; };
static Line least_squares(const ct::Tensor& x, const ct::Tensor& y) {
  auto xd = x.detach().to(ct::kDouble).flatten(), yd = y.detach().to(ct::kDouble).flatten();
  auto dx = xd - xd.mean();
  const double slope = ((dx * (yd - yd.mean())).sum() / dx.pow(2).sum()).item<double>();
  const double intercept = (yd.mean() - slope * xd.mean()).item<double>();
  return {slope, intercept, (slope * xd + intercept - yd).pow(2).mean().item<double>()};
}

// Gradient descent on the mean squared error of y ~ w x + b; w and b are updated in place, the losses returned.
static std::vector<double> fit(const ct::Tensor& x, const ct::Tensor& y, ct::Tensor& w, ct::Tensor& b, double lr, int epochs) {
  std::vector<double> losses;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    auto loss = (x * w + b - y).pow(2).mean();
    w.mutable_grad().reset();
    b.mutable_grad().reset();
    loss.backward();
    {
      ct::NoGradGuard no_grad;
      w -= lr * w.grad();
      b -= lr * b.grad();
    }
    losses.push_back(loss.item<double>());
  }
  return losses;
}

struct Mark { int epoch; double loss, w, b; };

int main() {
  // %% [markdown]
  // # Linear regression from data to figure
  // Data, parameters, loop, report, figure: the order of operations that every later training run repeats.

  // %% [markdown]
  // ## 1. Data from a known line
  // 100 points of $y=2x+1+0.2\,\varepsilon$, where $\varepsilon$ is standard normal noise.

  // %%
  section("1. Data from a known line");
  ct::manual_seed(42);
  auto x = ct::randn({100, 1});
  auto noise = 0.2 * ct::randn({100, 1});
  auto y = 2 * x + 1 + noise;
  ct::print("x from", ct::fixed(x.min().item<double>(), 4), "to", ct::fixed(x.max().item<double>(), 4));
  ct::print("y from", ct::fixed(y.min().item<double>(), 4), "to", ct::fixed(y.max().item<double>(), 4));
  check(x.min().item<double>(), -2.2064);
  check(x.max().item<double>(), 2.2181);
  check(y.min().item<double>(), -3.3195);
  check(y.max().item<double>(), 5.2090);

  // %% [markdown]
  // ## 2. 200 epochs of gradient descent
  // The model is a line, the loss is the mean of the squared errors over $n$ points, and its gradient is what backward will
  // compute:
  //
  // $$L=\frac1n\sum_{i=1}^{n}(wx_i+b-y_i)^2,\qquad
  // \frac{\partial L}{\partial w}=\frac2n\sum_{i=1}^{n}(wx_i+b-y_i)\,x_i,\qquad
  // \frac{\partial L}{\partial b}=\frac2n\sum_{i=1}^{n}(wx_i+b-y_i).$$

  // %%
  section("2. 200 epochs of gradient descent");
  auto w = ct::randn({1}, ct::requires_grad());
  auto b = ct::zeros({1}, ct::requires_grad());
  ct::print("start: w", ct::fixed(w.item<double>(), 6), " b", ct::fixed(b.item<double>(), 6));
  check(w.item<double>(), 0.3931549);
  const double w0 = w.item<double>();
  std::vector<double> losses;
  const std::vector<Mark> marks = {{0, 3.742756, 0.716340, 0.220662}, {20, 0.0316123, 1.987140, 1.002520},
                                   {40, 0.0312145, 2.002164, 1.007137}, {199, 0.0312144, 2.002362, 1.007135}};
  for (const Mark& m : marks) {
    for (double loss : fit(x, y, w, b, 0.1, m.epoch + 1 - static_cast<int>(losses.size()))) losses.push_back(loss);
    ct::print("epoch", m.epoch, " loss", ct::fixed(losses.back(), 6), " w", ct::fixed(w.item<double>(), 6), " b",
              ct::fixed(b.item<double>(), 6));
    check(losses.back(), m.loss);
    check(w.item<double>(), m.w, 1e-5);
    check(b.item<double>(), m.b, 1e-5);
  }

  // %% [markdown]
  // ## 3. Against least squares
  // For a straight line the gradient is zero at one place only, and that place has a formula. With the means $\bar x$ and
  // $\bar y$,
  //
  // $$w^\ast=\frac{\sum_i(x_i-\bar x)(y_i-\bar y)}{\sum_i(x_i-\bar x)^2},\qquad b^\ast=\bar y-w^\ast\bar x.$$
  //
  // Gradient descent has to arrive there.

  // %%
  section("3. Against least squares");
  const Line best = least_squares(x, y);
  ct::print("least squares: w", ct::fixed(best.slope, 6), " b", ct::fixed(best.intercept, 6), " mean squared error",
            ct::fixed(best.mse, 6));
  check(best.slope, 2.0023622, 1e-5);
  check(best.intercept, 1.0071348, 1e-5);
  check(best.mse, 0.03121442);
  check(w.item<double>(), best.slope, 1e-5);
  check(b.item<double>(), best.intercept, 1e-5);

  // %% [markdown]
  // ## 4. The figure
  // Left the data with both lines, right the loss. Its axis is logarithmic, since the loss falls by two orders of magnitude; the
  // dashed line is the least that any straight line can reach.

  // %%
  section("4. The figure");
  auto order = x.flatten().argsort();  // a curve wants its points from left to right
  auto xs = x.flatten().index_select(0, order);
  ct::plot::Figure figure(1, 2, {.width = 1000, .height = 430});
  figure.ax(0).scatter(x, y, {.label = "data", .alpha = 0.6});
  figure.ax(0).plot(xs, (xs * w + b).detach(),
                    {.label = "fit: " + ct::fixed(w.item<double>(), 3) + " x + " + ct::fixed(b.item<double>(), 3), .width = 4});
  figure.ax(0).plot(xs, 2 * xs + 1, {.label = "true: 2 x + 1", .color = "black", .dashes = "--"});
  figure.ax(0).title("Data and fitted line").xlabel("x").ylabel("y").grid().legend("upper left");
  figure.ax(1).plot(losses, {.label = "training loss"});
  figure.ax(1).axhline(best.mse, {.label = "least squares", .color = "black", .dashes = "--"});
  figure.ax(1).title("Loss").xlabel("epoch").ylabel("mean squared error").yscale("log").grid().legend("upper right");
  save(figure, "05_linear_regression");

  // %%
  // What is drawn can be read back.
  const auto& curve = figure.ax(1).series("training loss").y;
  check_that(curve.size() == 200 && figure.ax(1).yscale() == "log", "the loss curve has 200 points, on a log axis");
  check_that(figure.ax(0).series("data").x.size() == 100 && figure.ax(0).series().size() == 3, "data, fit and true line");
  bool falling = true;
  for (std::size_t i = 1; i < curve.size(); ++i) falling = falling && curve[i] <= curve[i - 1] + 1e-7;
  check_that(falling && curve.front() > 100 * curve.back(), "the loss falls all the way, by more than a factor of 100");

  // %% [markdown]
  // ## 5. The same loop on real data: Hubble, 1929
  // Distances (in $10^6$ parsec, Mpc) and velocities (km/s) of the 24 nebulae from which Hubble read that the universe expands.

  // %%
  section("5. The same loop on real data: Hubble, 1929");
  const auto table = ct::data::read_csv(std::string(CT_COURSE_DIR) + "/data/hubble1929.csv");
  auto distance = ct::tensor(table.column("distance"), ct::kDouble).unsqueeze(1);
  auto velocity = ct::tensor(table.column("velocity"), ct::kDouble).unsqueeze(1);
  auto slope = ct::zeros({1}, ct::dtype(ct::kDouble).requires_grad(true));
  auto offset = ct::zeros({1}, ct::dtype(ct::kDouble).requires_grad(true));
  fit(distance, velocity, slope, offset, 0.3, 400);
  const Line law = least_squares(distance, velocity);
  ct::print(table.rows(), "nebulae: velocity =", ct::fixed(slope.item<double>(), 2), "km/s per Mpc * distance -",
            ct::fixed(-offset.item<double>(), 2), "km/s");
  check(static_cast<double>(table.rows()), 24);
  check(slope.item<double>(), 454.158, 1e-5);
  check(offset.item<double>(), -40.784, 1e-4);
  check(slope.item<double>(), law.slope, 1e-6);
  check(offset.item<double>(), law.intercept, 1e-6);
  ct::plot::Figure sky(1, 1, {.width = 640, .height = 430});
  sky.ax().scatter(distance, velocity, {.label = "24 nebulae"});
  auto line = ct::linspace(0, 2.1, 2, ct::kDouble);
  sky.ax().plot(line, (line * slope + offset).detach(),
                {.label = "fit: " + ct::fixed(slope.item<double>(), 0) + " km/s per Mpc", .width = 3});
  sky.ax().title("Velocity and distance, Hubble 1929").xlabel("distance (Mpc)").ylabel("velocity (km/s)");
  sky.ax().grid().legend("upper left");
  save(sky, "05_hubble");
  check(ct::tensor(sky.ax().series("24 nebulae").y, ct::kDouble), velocity.flatten());

  // %% [markdown]
  // ## Questions

  // %%
  // The loss that is left is the mean square of the noise: does it follow the noise, or the number of epochs?
  auto w1 = ct::tensor({w0}, ct::requires_grad()), b1 = ct::zeros({1}, ct::requires_grad());
  auto w2 = ct::tensor({w0}, ct::requires_grad()), b2 = ct::zeros({1}, ct::requires_grad());
  const double longer = fit(x, y, w1, b1, 0.1, 1000).back(), quieter = fit(x, 2 * x + 1 + noise / 2, w2, b2, 0.1, 200).back();
  ask("Why does the loss stop near 0.031 instead of reaching 0?",
      choice({{"200 epochs are too few", longer < 0.9 * losses.back()},
              {"the data carry noise of variance 0.04 that no line can follow", std::abs(quieter / losses.back() - 0.25) < 0.01},
              {"the learning rate is too large for the last digits", std::abs(losses.back() - best.mse) > 0.01 * best.mse}}),
      "What is left is the noise: 0.04 times 98/100 on average, since two parameters are fitted to 100 points; this sample has a "
      "little less. With half the noise, a quarter of it is left.");
  const auto arrives = [&](const ct::Tensor& at, const ct::Tensor& of, double lr) {
    auto a = ct::zeros({1}, ct::dtype(ct::kDouble).requires_grad(true)),
         c = ct::zeros({1}, ct::dtype(ct::kDouble).requires_grad(true));
    return std::abs(fit(at.to(ct::kDouble), of.to(ct::kDouble), a, c, lr, 3000).back() / least_squares(at, of).mse - 1) < 1e-3;
  };
  ask("With which learning rates does the loop of part 2 reach the line of least squares?",
      several({{"0.01", arrives(x, y, 0.01)}, {"0.5", arrives(x, y, 0.5)}, {"0.9", arrives(x, y, 0.9)},
               {"1.1", arrives(x, y, 1.1)}}),
      "A step multiplies the distance from the best (w, b) by 1 - lr h, in the direction in which the loss curves by h. The "
      "largest h here is near 2.1, so the limit is 2 / h, a little below 1.");
  ask("Hubble's distances in units of 10^5 parsec are ten times as large. Does the loop of part 5 still converge with lr = 0.3?",
      yes_no(arrives(10 * distance, velocity, 0.3)),
      "The curvature by the slope is 2 mean(x^2), which grows by a factor of 100: the steps overshoot more and more. Larger "
      "velocities, by contrast, would change nothing: they scale the whole loss and the distance to go alike.");
  return finish();
}
