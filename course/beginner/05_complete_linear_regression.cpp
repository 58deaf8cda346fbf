// Lesson 05: Linear regression from data to figure
// Level: beginner
// Concepts: the complete loop, loss tracking, comparison with least squares, figures, real data

#include <cotangent/data.h>
#include <cotangent/plot.h>

#include <filesystem>

#include "common/lesson.h"
#include <cmath>
#include <iostream>

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

int main() {
  // %% [markdown]
  // # Linear regression from data to figure
  // Data, parameters, loop, report, figure: the order of operations that every later training run repeats.

  // %%
  section("1. Data from a known line");
  ct::manual_seed(42);
  auto x = ct::randn({100, 1});
  auto y = 2 * x + 1 + 0.2 * ct::randn({100, 1});
  std::cout << "x from " << x.min().item<double>() << " to " << x.max().item<double>() << ", y from " << y.min().item<double>() << " to "
            << y.max().item<double>() << "\n";
  check(x.min().item<double>(), -2.2064, 1e-4);
  check(x.max().item<double>(), 2.2181, 1e-4);
  check(y.min().item<double>(), -3.3195, 1e-4);
  check(y.max().item<double>(), 5.2090, 1e-4);

  // %%
  section("2. 200 epochs of gradient descent");
  auto w = ct::randn({1}, ct::requires_grad());
  auto b = ct::zeros({1}, ct::requires_grad());
  check(w.item<double>(), 0.3931549);
  std::vector<double> losses;
  struct { int epochs; double loss, w, b; } marks[] = {{1, 3.742756, 0.716340, 0.220662}, {20, 0.0316123, 1.987140, 1.002520},
                                                       {20, 0.0312145, 2.002164, 1.007137}, {159, 0.0312144, 2.002362, 1.007135}};
  for (const auto& m : marks) {
    for (double loss : fit(x, y, w, b, 0.1, m.epochs)) losses.push_back(loss);
    std::cout << "epoch " << losses.size() - 1 << ": loss " << losses.back() << ", w " << w.item<double>() << ", b " << b.item<double>() << "\n";
    check(losses.back(), m.loss, 1e-4);
    check(w.item<double>(), m.w, 1e-5);
    check(b.item<double>(), m.b, 1e-5);
  }

  // %%
  section("3. Against least squares");
  const Line best = least_squares(x, y);
  std::cout << "least squares: w " << best.slope << ", b " << best.intercept << ", mean squared error " << best.mse << "\n";
  check(best.slope, 2.0023622, 1e-5);
  check(best.intercept, 1.0071348, 1e-5);
  check(best.mse, 0.03121442, 1e-4);
  check(w.item<double>(), best.slope, 1e-5);
  check(b.item<double>(), best.intercept, 1e-5);
  bool falling = true;
  for (std::size_t i = 1; i < losses.size(); ++i) falling = falling && losses[i] <= losses[i - 1] + 1e-7;
  check_that(falling, "the loss never rises");

  // %%
  section("4. The figure");
  auto order = x.flatten().argsort();
  auto xs = x.flatten().index_select(0, order);
  ct::plot::Figure figure(1, 2, {.width = 1000, .height = 420});
  figure.ax(0).scatter(x, y, {.label = "data", .alpha = 0.6});
  figure.ax(0).plot(xs, (xs * w + b).detach(),
                    {.label = "fit: y = " + ct::plot::number(w.item<double>(), 3) + " x + " + ct::plot::number(b.item<double>(), 3), .width = 3.5});
  figure.ax(0).plot(xs, 2 * xs + 1, {.label = "true: y = 2 x + 1", .dashes = "--"});
  figure.ax(0).title("Data and fitted line").xlabel("x").ylabel("y").grid().legend();
  figure.ax(1).plot(losses, {.label = "mean squared error"});
  figure.ax(1).title("Loss").xlabel("epoch").ylabel("mean squared error").yscale("log").grid();
  check_that(figure.ax(1).series().at(0).y.size() == 200, "the loss curve has 200 points");
  std::filesystem::create_directories("results");
  for (const std::string& path : figure.save("results/05_linear_regression"))
    std::cout << "figure: " << std::filesystem::absolute(path).string() << "\n";

  // %%
  section("5. The same loop on real data: Hubble, 1929");
  // Distances (in 10^6 parsec) and velocities (km/s) of the 24 nebulae from which Hubble read that the universe expands.
  const auto table = ct::data::read_csv(std::string(CT_COURSE_DIR) + "/data/hubble1929.csv");
  auto distance = ct::tensor(table.column("distance"), ct::kDouble).unsqueeze(1);
  auto velocity = ct::tensor(table.column("velocity"), ct::kDouble).unsqueeze(1) / 100;  // in 100 km/s: both axes of similar size
  auto slope = ct::zeros({1}, ct::dtype(ct::kDouble).requires_grad(true));
  auto offset = ct::zeros({1}, ct::dtype(ct::kDouble).requires_grad(true));
  fit(distance, velocity, slope, offset, 0.3, 400);
  const Line law = least_squares(distance, velocity);
  std::cout << table.rows() << " nebulae: velocity = " << 100 * slope.item<double>() << " km/s per 10^6 parsec times distance "
            << (offset.item<double>() < 0 ? "- " : "+ ") << 100 * std::abs(offset.item<double>()) << " km/s\n";
  check(static_cast<double>(table.rows()), 24);
  check(100 * slope.item<double>(), 454.158, 1e-4);
  check(100 * offset.item<double>(), -40.784, 1e-3);
  check(slope.item<double>(), law.slope, 1e-6);
  ct::plot::Figure sky(1, 1, {.width = 620, .height = 430});
  sky.ax().scatter(table.column("distance"), table.column("velocity"), {.label = "24 nebulae"});
  auto line = ct::linspace(0, 2.1, 2, ct::kDouble);
  sky.ax().plot(line, (100 * (line * slope + offset)).detach(), {.label = "fit: " + ct::plot::number(100 * slope.item<double>(), 0) + " km/s per Mpc", .width = 3});
  sky.ax().title("Velocity and distance, Hubble 1929").xlabel("distance (Mpc)").ylabel("velocity (km/s)").grid().legend();
  for (const std::string& path : sky.save("results/05_hubble")) std::cout << "figure: " << std::filesystem::absolute(path).string() << "\n";

  // %% [markdown]
  // ## Questions
  // 1. Why does the loss stop near 0.031 and not at 0? (That is the noise: its variance is 0.04, times 98/100 on average for
  //    two fitted parameters; this sample happens to have less.)
  // 2. What is the largest learning rate for which the loop of part 2 converges? Try 0.9 and 1.1.
  // 3. Why were the velocities divided by 100 in part 5? (The gradient of the slope scales with them, and one learning rate
  //    has to serve both parameters.)
  return finish();
}
