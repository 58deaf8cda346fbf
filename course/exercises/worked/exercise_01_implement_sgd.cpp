// Exercise 01: Write an optimizer
// Level: exercise
// Concepts: optimizers, no_grad, in-place updates, zeroing gradients, the training loop, learning rates, momentum

#include "common/lesson.h"

#include <cotangent/optim.h>
#include <cotangent/plot.h>

#include <cmath>

using namespace lesson;

// %% [markdown]
// # Write an optimizer
// An optimizer keeps a list of parameters and moves each of them against its gradient: `p <- p - lr * g`. Python calls it
// `SGD([w, b], lr=0.1)` and uses it in three calls: `zero_grad()`, `backward()`, `step()`. This one you write yourself.
//
// A tensor is a handle: the optimizer's copy of `w` and the model's `w` are the same parameter. So a step has to change the
// elements of that tensor. A new tensor with better elements would be of no use to the model.

// %%
class SimpleSGD {
 public:
  SimpleSGD(std::vector<ct::Tensor> parameters, double lr, double momentum = 0, bool nesterov = false)
      : parameters_(std::move(parameters)), lr_(lr), momentum_(momentum), nesterov_(nesterov), velocities_(parameters_.size()) {}

  // Moves each parameter that has a gradient: p <- p - lr * g.
  // Bonus: with momentum m, each parameter has a velocity v <- m v + g, at first v = g, and moves by -lr * v; Nesterov's
  // variant moves it by -lr * (g + m v).
  void step() {
    ct::NoGradGuard no_grad;  // an update is no part of the next loss
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      ct::Tensor& p = parameters_[i];
      if (!p.grad().defined()) continue;  // it took no part in the loss
      ct::Tensor direction = p.grad();
      if (momentum_ != 0) {
        ct::Tensor& v = velocities_[i];
        v = v.defined() ? momentum_ * v + p.grad() : p.grad().clone();
        direction = nesterov_ ? p.grad() + momentum_ * v : v;
      }
      p -= lr_ * direction;
    }
  }

  // Forgets the gradients, so that the next backward does not add to them.
  void zero_grad() {
    for (const ct::Tensor& p : parameters_) p.mutable_grad().reset();
  }

 private:
  std::vector<ct::Tensor> parameters_;
  double lr_, momentum_;
  bool nesterov_;
  std::vector<ct::Tensor> velocities_;
};

// %% [markdown]
// ## A line to be learnt
// 100 points of $y=3x+2$ with noise, and a model $wx+b$ whose two numbers start at the same place each time. The loss is the
// mean squared error,
//
// $$L(w,b)=\frac1{100}\sum_{i=1}^{100}(wx_i+b-y_i)^2.$$

// %%
struct Line {
  ct::Tensor x, y, w, b;
  ct::Tensor loss() const { return (w * x + b - y).pow(2).mean(); }
};
static Line make_line() {
  ct::manual_seed(42);
  auto x = ct::randn({100, 1});
  auto y = 3 * x + 2 + 0.5 * ct::randn({100, 1});
  return {x, y, ct::randn({1}, ct::requires_grad()), ct::zeros({1}, ct::requires_grad())};
}

// Trains for so many epochs and returns the loss of each one, as it was before the step.
template <class Optimizer>
static std::vector<double> train(const Line& line, Optimizer&& optimizer, int epochs) {
  std::vector<double> losses;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    auto loss = line.loss();
    losses.push_back(loss.item<double>());
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  return losses;
}

// The first epoch whose loss is at most 1 % above the least loss that there is; none: the number of epochs.
static std::size_t epochs_needed(const std::vector<double>& losses) {
  std::size_t epoch = 0;
  while (epoch < losses.size() && !(losses[epoch] <= 1.01 * 0.1950901)) ++epoch;
  return epoch;
}

static void print_run(const std::string& name, const Line& line, const std::vector<double>& losses) {
  ct::print("\n" + name);
  for (std::size_t epoch = 0; epoch < losses.size(); epoch += 20)
    ct::print("  epoch", epoch, "loss", ct::fixed(losses[epoch], 6));
  ct::print("  then w", ct::fixed(line.w.item<double>(), 5), "b", ct::fixed(line.b.item<double>(), 5));
}

// Bonus: ct::optim::SGD and ct::optim::Adam have the same three calls, so train() takes them as well. Which of the runs
// "SGD 0.1", "SGD 0.5", "momentum 0.9" (with lr 0.1) and "Adam 0.1" needs the fewest epochs?
static std::string fastest_run() {
  std::string best;
  std::size_t least = 100;
  auto compare = [&](const std::string& name, const std::vector<double>& losses) {
    ct::print(name, "needs", epochs_needed(losses), "epochs");
    if (epochs_needed(losses) < least) least = epochs_needed(losses), best = name;
  };
  Line a = make_line(), b = make_line(), c = make_line(), d = make_line();
  compare("SGD 0.1", train(a, ct::optim::SGD({a.w, a.b}, 0.1), 100));
  compare("SGD 0.5", train(b, ct::optim::SGD({b.w, b.b}, 0.5), 100));
  compare("momentum 0.9", train(c, ct::optim::SGD({c.w, c.b}, ct::optim::SGDOptions(0.1).momentum(0.9)), 100));
  compare("Adam 0.1", train(d, ct::optim::Adam({d.w, d.b}, 0.1), 100));
  return best;
}

// The numbers of the text: losses of five epochs, then w and b.
struct Expected {
  double loss[5], w, b;
};
static void compare(const Line& line, const std::vector<double>& losses, const Expected& expected) {
  const std::size_t epochs[] = {0, 9, 19, 49, 99};
  for (int i = 0; i < 5; ++i) check(losses.at(epochs[i]), expected.loss[i], 1e-4);
  check(line.w.item<double>(), expected.w, 1e-4);
  check(line.b.item<double>(), expected.b, 1e-4);
}

int main() {
  // %% [markdown]
  // ## 1. One run

  // %%
  section("1. One run");
  Line line = make_line();
  ct::print("start: w", ct::fixed(line.w.item<double>(), 5), "b", ct::fixed(line.b.item<double>(), 5));
  check(line.w.item<double>(), 0.3931549, 1e-6);
  auto losses = train(line, SimpleSGD({line.w, line.b}, 0.1), 100);
  print_run("lr 0.1", line, losses);
  compare(line, losses, {{11.496561, 0.368275, 0.196816, 0.195090, 0.195090}, 3.00590, 2.01784});
  check(losses.at(20), 0.196181, 1e-5);
  check(losses.at(40), 0.195090, 1e-5);

  // %% [markdown]
  // ## 2. Other learning rates

  // %%
  section("2. Other learning rates");
  std::vector<std::vector<double>> curves;
  const std::string rates[] = {"0.01", "0.1", "0.5", "0.95"};
  const Expected table[] = {{{11.496561, 7.94278, 5.28903, 1.64427, 0.374087}, 2.66627, 1.79203},
                            {{11.496561, 0.368275, 0.196816, 0.195090, 0.195090}, 3.00590, 2.01784},
                            {{11.496561, 0.195090, 0.195090, 0.195090, 0.195090}, 3.00591, 2.01784},
                            {{11.496561, 8.48357, 6.48130, 2.94132, 0.885835}, 2.52083, 1.37952}};
  for (const std::string& lr : rates) {
    Line again = make_line();
    curves.push_back(train(again, SimpleSGD({again.w, again.b}, std::stod(lr)), 100));
    print_run("lr " + lr, again, curves.back());
    compare(again, curves.back(), table[curves.size() - 1]);
  }
  Line far = make_line();
  auto diverging = train(far, SimpleSGD({far.w, far.b}, 1.0), 100);
  print_run("lr 1.0", far, diverging);
  check(diverging.at(9), 51.022, 1e-3);
  check(diverging.at(19), 289.27, 1e-3);
  check(diverging.at(49), 5.33e4, 1e-3);
  check(diverging.at(99), 3.18e8, 1e-2);

  // %% [markdown]
  // ## 3. The figure
  // The loss falls by orders of magnitude, so its axis is logarithmic.

  // %%
  section("3. The figure");
  ct::plot::Figure figure({.width = 760, .height = 460});
  for (std::size_t i = 0; i < curves.size(); ++i)
    figure.ax().plot(curves[i], {.label = "lr = " + rates[i], .dashes = i == 3 ? "--" : "-"});
  figure.ax().axhline(0.1950901, {.label = "least squares", .color = "gray", .width = 1.2, .dashes = ":"});
  figure.ax().title("SimpleSGD on a line").xlabel("epoch").ylabel("mean squared error").yscale("log").grid().legend();
  save(figure, "exercise_01_loss");
  check_that(figure.ax().series("lr = 0.1").y.size() == 100, "the curve has 100 points");
  check_that(figure.ax().yscale() == "log", "the axis of the loss is logarithmic");

  // %% [markdown]
  // ## 4. Bonus: momentum, and other optimizers
  // A velocity gathers speed where gradients agree from step to step, and swings past the goal:
  //
  // $$v\leftarrow mv+g,\qquad p\leftarrow p-\eta v;\qquad\text{Nesterov: }p\leftarrow p-\eta\,(g+mv).$$
  //
  // At the first step $v=g$.

  // %%
  section("4. Bonus: momentum");
  Line quick = make_line(), ahead = make_line();
  auto with_momentum = train(quick, SimpleSGD({quick.w, quick.b}, 0.1, 0.9), 100);
  print_run("lr 0.1, momentum 0.9", quick, with_momentum);
  auto with_nesterov = train(ahead, SimpleSGD({ahead.w, ahead.b}, 0.1, 0.9, true), 100);
  print_run("lr 0.1, Nesterov momentum 0.9", ahead, with_nesterov);
  compare(quick, with_momentum, {{11.496561, 0.778209, 1.51109, 0.206623, 0.195383}, 3.01244, 2.03359});

  // %% [markdown]
  // ## 5. Bonus: which run is the fastest?

  // %%
  section("5. Bonus: which run is the fastest?");
  const std::string fastest = fastest_run();
  ct::print("the fastest run:", fastest);
  check_that(fastest == "SGD 0.5", "SGD with lr 0.5 needs the fewest epochs");
  Line adam = make_line();
  auto with_adam = train(adam, ct::optim::Adam({adam.w, adam.b}, 0.1), 100);
  compare(adam, with_adam, {{11.496561, 4.59501, 0.995919, 0.246755, 0.195385}, 3.00074, 2.03300});
  ct::plot::Figure bonus({.width = 760, .height = 460});
  bonus.ax().plot(curves[1], {.label = "SGD, lr 0.1"}).plot(curves[2], {.label = "SGD, lr 0.5"});
  bonus.ax()
      .plot(with_momentum, {.label = "momentum 0.9, lr 0.1"})
      .plot(with_nesterov, {.label = "Nesterov 0.9, lr 0.1", .dashes = "--"});
  bonus.ax().plot(with_adam, {.label = "Adam, lr 0.1"});
  bonus.ax().title("Five optimizers on a line").xlabel("epoch").ylabel("mean squared error").yscale("log").grid().legend();
  save(bonus, "exercise_01_optimizers");

  // %% [markdown]
  // ## Questions

  // %%
  // The loss is a quadratic function of (w, b): its second derivatives are the same everywhere, and their eigenvalues say what
  // a step with lr does along each axis: it multiplies the distance to the goal by 1 - lr * eigenvalue.
  auto xd = make_line().x.to(ct::kDouble);
  const double ww = 2 * xd.pow(2).mean().item<double>(), wb = 2 * xd.mean().item<double>();
  const double middle = (ww + 2) / 2, spread = std::hypot((ww - 2) / 2, wb);
  const double low = middle - spread, high = middle + spread;
  ct::print("\nsecond derivatives", ct::fixed(ww, 5), ct::fixed(wb, 5), "2; eigenvalues", ct::fixed(low, 5), ct::fixed(high, 5));
  check(ww, 1.9335407, 1e-6);
  check(wb, 0.1195312, 1e-6);
  check(low, 1.8427062, 1e-6);
  check(high, 2.0908345, 1e-6);

  ask("Above which learning rate does plain SGD diverge on this loss? The largest eigenvalue is 2.09083.", number(2 / high, 2e-3),
      "A step multiplies the distance along that axis by 1 - 2.09083 lr. Beyond lr = 2 / 2.09083 = 0.95655 that is below -1: "
      "each step overshoots by more than it was away.");
  auto slowest = [&](double lr) { return std::max(std::abs(1 - lr * low), std::abs(1 - lr * high)); };
  ask("Why is lr = 0.5 so much faster than 0.1 here?",
      choice({{"both eigenvalues are near 2, so 1 - 0.5 * eigenvalue is nearly 0 along both axes",
               slowest(0.5) < 0.1 && slowest(0.1) > 0.8},
              {"a larger learning rate is always faster", slowest(0.95) < slowest(0.5)},
              {"the loss is five times smaller with it", make_line().loss().item<double>() < 11.4}}),
      "With lr = 0.5 the factors are 0.08 and -0.05, with lr = 0.1 they are 0.82 and 0.79, and with lr = 0.95 one is -0.99: slow "
      "again.");
  return finish();
}
