// Lesson 06: Linear regression with a module
// Level: beginner
// Concepts: nn::Linear, a loss object, optim::SGD, zero_grad - backward - step, parameter trajectories
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn/layers.h>  // the parts of nn.h and optim.h that are needed here: they compile sooner
#include <cotangent/nn/loss.h>
#include <cotangent/optim/sgd.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>

#include "common/lesson.h"

using namespace lesson;

// A layer of one input and one output with these parameters.
static ct::nn::Linear layer_at(double weight, double bias) {
  ct::nn::Linear layer(1, 1);
  ct::NoGradGuard no_grad;
  layer->weight.fill_(weight);
  layer->bias.fill_(bias);
  return layer;
}

// The layer's weight after each of 200 rounds of b(ackward), s(tep) and z(ero_grad), called in the order of the letters.
static std::vector<double> weights(const std::string& order, ct::nn::Linear layer, const ct::Tensor& x, const ct::Tensor& y) {
  ct::optim::SGD optimizer(layer->parameters(), ct::optim::SGDOptions(0.1));
  std::vector<double> result;
  for (int i = 0; i < 200; ++i) {
    for (char call : order) {
      if (call == 'b') ct::nn::MSELoss()(layer(x), y).backward();
      else if (call == 's') optimizer.step();
      else optimizer.zero_grad();
    }
    result.push_back(layer->weight.item<double>());
  }
  return result;
}

struct Mark { std::size_t step; double loss, weight, bias; };

int main() {
  // %% [markdown]
  // # Linear regression with a module
  // Lesson 05 wrote everything by hand. Three objects take that over: a *module* holds the parameters and computes the
  // prediction, a *loss object* compares it with the target, and an *optimizer* clears the gradients and updates.

  // %% [markdown]
  // ## 1. Data, layer, loss, optimizer
  // A `Linear(1, 1)` computes $\hat y=x\,W^\top+b$ with one weight and one bias. Both start at random, between $-1$ and 1 for
  // one input.

  // %%
  section("1. Data, layer, loss, optimizer");
  ct::manual_seed(0);
  auto x = ct::randn({100, 1});
  auto noise = 0.2 * ct::randn({100, 1});
  auto y = 1 + 2 * x + noise;
  ct::nn::Linear layer(1, 1);  // y = x weight^T + bias; both start at random, between -1 and 1 for one input
  const double weight0 = layer->weight.item<double>(), bias0 = layer->bias.item<double>();
  ct::print("weight", layer->weight.sizes(), "=", ct::fixed(weight0, 6), " bias", layer->bias.sizes(), "=", ct::fixed(bias0, 6));
  check(weight0, 0.1248388);
  check(bias0, 0.8956928);
  check_that(layer->parameters().size() == 2 && layer->weight.is_leaf() && layer->weight.requires_grad(),
             "parameters are tracked leaves");

  // %% [markdown]
  // ## 2. 200 steps
  // Three calls in each: `zero_grad()`, `backward()`, `step()`.

  // %%
  section("2. 200 steps");
  ct::nn::MSELoss criterion;
  ct::optim::SGD optimizer(layer->parameters(), ct::optim::SGDOptions(/*lr=*/0.1));
  std::vector<double> losses, slopes, offsets;
  for (int step = 0; step < 200; ++step) {
    auto loss = criterion(layer(x), y);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item<double>());
    slopes.push_back(layer->weight.item<double>());
    offsets.push_back(layer->bias.item<double>());
  }
  const std::vector<Mark> marks = {{0, 3.672616, 0.514955, 0.936694}, {20, 0.0337391, 1.963106, 1.033613},
                                   {40, 0.0334493, 1.976083, 1.031981}, {199, 0.0334493, 1.976205, 1.031936}};
  for (const Mark& m : marks) {
    ct::print("step", m.step, " loss", ct::fixed(losses[m.step], 6), " weight", ct::fixed(slopes[m.step], 6), " bias",
              ct::fixed(offsets[m.step], 6));
    check(losses[m.step], m.loss);
    check(slopes[m.step], m.weight, 1e-5);
    check(offsets[m.step], m.bias, 1e-5);
  }
  // The best straight line through these points, by the normal equations:
  auto X = ct::cat({x, ct::ones({100, 1})}, 1).to(ct::kDouble), Y = y.to(ct::kDouble);
  auto best = ct::linalg_solve(X.t().matmul(X), X.t().matmul(Y)).flatten();
  const double least = (X.matmul(best.unsqueeze(1)) - Y).pow(2).mean().item<double>();
  ct::print("least squares: weight", ct::fixed(best[0].item<double>(), 6), " bias", ct::fixed(best[1].item<double>(), 6), " loss",
            ct::fixed(least, 6));
  check(best, {1.9762048, 1.0319360}, 1e-6);
  check(least, 0.03344932);
  check(slopes.back(), best[0].item<double>(), 1e-5);
  check(offsets.back(), best[1].item<double>(), 1e-5);

  // %% [markdown]
  // ## 3. The same update by hand
  // The loop of lesson 05, from the same start: what is `step()` more than $w\leftarrow w-\eta\,\partial L/\partial w$? Nothing.

  // %%
  section("3. The same update by hand");
  auto w = ct::tensor({weight0}, ct::requires_grad()), b = ct::tensor({bias0}, ct::requires_grad());
  double apart = 0;  // the largest difference of the two loops in any of the 200 steps
  for (std::size_t i = 0; i < 200; ++i) {
    auto loss = (x * w + b - y).pow(2).mean();
    w.mutable_grad().reset();
    b.mutable_grad().reset();
    loss.backward();
    {
      ct::NoGradGuard no_grad;
      w -= 0.1 * w.grad();
      b -= 0.1 * b.grad();
    }
    apart = std::max(apart, std::abs(w.item<double>() - slopes[i]) + std::abs(b.item<double>() - offsets[i]));
  }
  ct::print("by hand: weight", ct::fixed(w.item<double>(), 6), " bias", ct::fixed(b.item<double>(), 6));
  check_that(apart <= 1e-6, "the optimizer does what the loop by hand does, to 1e-6 in every step");

  // %% [markdown]
  // ## 4. The figure
  // The bias does not end at 1, nor the weight at 2: they end at the best line through *these* 100 points, whose noise has
  // shifted it.

  // %%
  section("4. The figure");
  auto line = ct::tensor({-3.0, 3.5}).unsqueeze(1);
  ct::plot::Figure figure(2, 2, {.width = 1000, .height = 800});
  figure(0, 0).scatter(x, y, {.label = "data", .alpha = 0.6});
  figure(0, 0).plot(line, layer(line).detach(), {.label = "fitted line", .width = 3});
  figure(0, 0).title("Data and fit").xlabel("x").ylabel("y").grid().legend("upper left");
  figure(0, 1).plot(losses, {.label = "training loss"});
  figure(0, 1).title("Loss").xlabel("step").ylabel("mean squared error").yscale("log").grid().legend("upper right");
  figure(1, 0).plot(offsets, {.label = "bias"}).axhline(1, {.label = "true intercept: 1", .color = "black", .dashes = "--"});
  figure(1, 0).title("Intercept").xlabel("step").ylabel("bias").grid().legend("lower right");
  figure(1, 1).plot(slopes, {.label = "weight"}).axhline(2, {.label = "true slope: 2", .color = "black", .dashes = "--"});
  figure(1, 1).title("Slope").xlabel("step").ylabel("weight").grid().legend("lower right");
  save(figure, "06_four_panels");
  check_that(figure(0, 1).series().at(0).y == losses && figure(0, 1).yscale() == "log",
             "the loss curve has 200 points, on a log axis");
  check(figure(1, 0).series("bias").y.back(), 1.031936, 1e-5);
  check(figure(1, 1).series("weight").y.back(), 1.976205, 1e-5);
  check_that(figure(1, 0).series().at(1).y.at(0) == 1 && figure(1, 1).series().at(1).y.at(0) == 2,
             "the dashed lines show the true values");

  // %% [markdown]
  // ## 5. What an optimizer refuses
  // It can only move leaves, and only against the gradient: with a learning rate that is not negative.

  // %%
  section("5. What an optimizer refuses");
  show_error([&] { ct::optim::SGD({layer->weight * 2}, ct::optim::SGDOptions(0.1)); }, "can't optimize a non-leaf Tensor");
  show_error([&] { ct::optim::SGD(layer->parameters(), ct::optim::SGDOptions(-0.1)); }, "Invalid learning rate: -0.1");

  // %% [markdown]
  // ## Questions

  // %%
  auto fresh = layer_at(weight0, bias0);
  ct::optim::SGD(fresh->parameters(), ct::optim::SGDOptions(0.1)).step();
  ask("A new layer has no gradients yet, and step() is called before the first backward(). Do its parameters change?",
      yes_no(fresh->weight.item<double>() != weight0 || fresh->bias.item<double>() != bias0),
      "step() leaves alone what has no gradient.");
  const auto stuck = weights("bzs", layer_at(weight0, bias0), x, y), late = weights("szb", layer_at(weight0, bias0), x, y);
  ask("Someone's loop says: backward(), zero_grad(), step(). What happens in 200 steps?",
      choice({{"the layer does not learn at all", stuck.back() == stuck.front()},
              {"the same as in part 2, since zero_grad() comes once in every step", std::abs(stuck.back() - slopes.back()) < 1e-6},
              {"the weight moves away from the best line",
               std::abs(stuck.back() - slopes.back()) > 2 * std::abs(weight0 - slopes.back())}}),
      "The gradient is removed before step() can use it.");
  int updates = 0;  // how often the weight of the late loop moved as that of part 2 did
  for (std::size_t i = 1; i < 200; ++i) updates += std::abs(late[i] - slopes[i - 1]) < 1e-6;
  check_that(std::abs(late[0] - weight0) < 1e-7, "the first step() of the late loop found no gradient");
  ask("And with step(), zero_grad(), backward()? How many updates has the layer got after 200 rounds?", number(updates, 0),
      "The first step() finds no gradient, and the last gradient is never used: one update less, and otherwise the same.");
  const auto wide = ct::nn::Linear(3, 2)->parameters();
  std::int64_t numbers = 0;
  for (const ct::Tensor& p : wide) numbers += p.numel();
  ask("How many numbers does nn::Linear(3, 2) learn?", number(static_cast<double>(numbers), 0),
      "A weight of shape [2, 3] and a bias of 2.");
  return finish();
}
