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
  SimpleSGD(std::vector<ct::Tensor> parameters, double lr, double momentum = 0, bool nesterov = false) {
    // TODO(1): keep the parameters and the learning rate in members of the class, for step() and zero_grad().
    todo(1, parameters, lr);
    // TODO(6), bonus: keep these two as well.
    todo(6, momentum, nesterov);
  }

  // Moves each parameter that has a gradient: p <- p - lr * g.
  // Bonus: with momentum m, each parameter has a velocity v <- m v + g, at first v = g, and moves by -lr * v; Nesterov's
  // variant moves it by -lr * (g + m v).
  void step() {
    // TODO(2): go through the parameters. Mind two things: the update must not be recorded, and a parameter that took no part
    // in the loss has no gradient (p.grad().defined() is false).
    todo(2);
  }

  // Forgets the gradients, so that the next backward does not add to them.
  void zero_grad() {
    // TODO(3): p.mutable_grad() is the gradient to be forgotten.
    todo(3);
  }
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
    // TODO(4): note the loss of this epoch in losses (loss.item<double>() is its number), and let the optimizer make one step.
    todo(4, line, optimizer);
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
  // TODO(7), bonus: train with each of them, and return the name of the one that wins. epochs_needed() counts.
  todo(7, epochs_needed);
  return "";
}

int main() {
  // %% [markdown]
  // ## 1. One run

  // %%
  section("1. One run");
  Line line = make_line();
  ct::print("start: w", ct::fixed(line.w.item<double>(), 5), "b", ct::fixed(line.b.item<double>(), 5));
  auto losses = train(line, SimpleSGD({line.w, line.b}, 0.1), 100);
  print_run("lr 0.1", line, losses);

  // %% [markdown]
  // ## 2. Other learning rates

  // %%
  section("2. Other learning rates");
  std::vector<std::vector<double>> curves;
  const std::string rates[] = {"0.01", "0.1", "0.5", "0.95"};
  for (const std::string& lr : rates) {
    Line again = make_line();
    curves.push_back(train(again, SimpleSGD({again.w, again.b}, std::stod(lr)), 100));
    print_run("lr " + lr, again, curves.back());
  }
  Line far = make_line();
  auto diverging = train(far, SimpleSGD({far.w, far.b}, 1.0), 100);
  print_run("lr 1.0", far, diverging);

  // %% [markdown]
  // ## 3. The figure
  // The loss falls by orders of magnitude, so its axis is logarithmic.

  // %%
  section("3. The figure");
  // TODO(5): draw the curve of the first run, with one point for each epoch, on a logarithmic axis, and save it:
  //   ct::plot::Figure figure;
  //   figure.ax() has plot(numbers, {.label = ".."}), xlabel(".."), ylabel(".."), yscale("log"), legend()
  //   save(figure, "exercise_01_loss");
  // The curves of the other learning rates beside it tell more.
  todo(5, losses, curves);

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

  // %% [markdown]
  // ## 5. Bonus: which run is the fastest?

  // %%
  section("5. Bonus: which run is the fastest?");
  const std::string fastest = fastest_run();
  ct::print("the fastest run:", fastest);

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
