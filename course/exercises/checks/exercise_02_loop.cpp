// checks/exercise_02_loop.cpp -- exercise 02: what train_with_mini_batches does with the model, and which mistake that is.
#include <cotangent/optim.h>

#include <algorithm>
#include <cmath>

#include "exercises/checks/check.h"
#include "exercises/checks/exercise_02.h"

namespace exercise {

ParabolaData::ParabolaData() {
  ct::manual_seed(42);
  x = ct::randn({1000, 1});
  y = 2 * x.pow(2) + 3 * x + 1 + 0.5 * ct::randn({1000, 1});
  auto w2 = ct::randn({1}, ct::requires_grad()), w1 = ct::randn({1}, ct::requires_grad());
  c = {w2, w1, ct::zeros({1}, ct::requires_grad())};
}

ct::Tensor squared_errors(const Coefficients& c, const ct::Tensor& x, const ct::Tensor& y) {
  return (c.w2 * x.pow(2) + c.w1 * x + c.b - y).pow(2);
}

namespace {

const char* const function = "train_with_mini_batches";
int backward_line() { return line_of(function, {"\\bbackward\\s*\\("}); }
int step_line() { return line_of(function, {"\\bstep\\s*\\(", "-="}); }
int loss_line() { return line_of(function, {"\\b(mean|sum|mse_loss)\\s*\\(", "\\bloss\\b"}); }
int note_line() { return line_of(function, {"push_back|emplace_back", "item"}); }

Losses values(const Coefficients& c) { return {c.w2.item<double>(), c.w1.item<double>(), c.b.item<double>()}; }

// Full-batch gradient descent with lr = 0.01, right and wrong.
enum class Loop { right, never_zeroed, step_first, noted_late };
Losses descend(Loop kind, int epochs) {
  ParabolaData data;
  ct::optim::SGD sgd({data.c.w2, data.c.w1, data.c.b}, 0.01);
  Losses losses;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    auto loss = squared_errors(data.c, data.x, data.y).mean();
    if (kind != Loop::noted_late) losses.push_back(loss.item<double>());
    if (kind == Loop::step_first) sgd.step();
    if (kind != Loop::never_zeroed) sgd.zero_grad();
    loss.backward();
    if (kind != Loop::step_first) sgd.step();
    if (kind == Loop::noted_late) losses.push_back(squared_errors(data.c, data.x, data.y).mean().item<double>());
  }
  return losses;
}

// One epoch of the learner's training with all rows in one batch: how far the coefficients moved, divided by -lr * gradient.
Losses ratios(const MiniBatchFacts& learner, double lr, bool& leaf, int& line) {
  ParabolaData data;
  const Losses before = values(data.c);
  const auto g = ct::autograd::grad({squared_errors(data.c, data.x, data.y).mean()}, {data.c.w2, data.c.w1, data.c.b});
  learner.train(data.c, data.x, data.y, 1000, lr, 1);
  leaf = data.c.w2.is_leaf() && data.c.w1.is_leaf() && data.c.b.is_leaf();
  if (!leaf) line = std::max({recorded_at(data.c.w2), recorded_at(data.c.w1), recorded_at(data.c.b)});
  const Losses after = values(data.c);
  Losses r;
  for (std::size_t i = 0; i < 3; ++i) r.push_back((after[i] - before[i]) / (-lr * g[i].item<double>()));
  return r;
}
bool all(const Losses& v, double value) {
  return std::all_of(v.begin(), v.end(), [&](double r) { return near(r, value, 5e-3, 1e-4); });
}

}  // namespace

void check_full_batch(const MiniBatchFacts& learner) {
  if (!learner.model)
    no("there is no struct Parabola with w2, w1 and b in the file, and the checks need it", line_of("Parabola"));
  if (!learner.train)
    no("there is no train_with_mini_batches(model, x, y, batch_size, lr, epochs) that returns a list of numbers, and the checks "
       "need one",
       line_of(function));
  during("training with one batch of all 1000 points");
  bool leaf = true;
  int line = 0;
  const Losses a = ratios(learner, 0.01, leaf, line);
  if (!leaf)
    no("the parameter became a non-leaf: `p = p - lr * g` makes a new tensor, which has a history and gets no gradient. Change "
       "it in place: p -= lr * g, under ct::NoGradGuard",
       line ? line : step_line());
  if (!all(a, 1)) {
    if (all(a, 0)) {
      const int zero = match(function, {"\\bzero_grad\\s*\\(|\\breset\\s*\\(|\\bzero_\\s*\\("});
      if (zero > backward_line() && zero < step_line())
        no("the coefficients do not move: stepped after zeroing. The gradients are gone when step() comes; the order is "
           "zero_grad(), backward(), step()",
           zero);
      if (step_line() < backward_line() && match(function, {"\\bstep\\s*\\(", "-="}))
        no("stepped before backward: the first step has no gradient yet. The order is zero_grad(), backward(), step()",
           step_line());
      no("the coefficients do not move. Each batch takes zero_grad(), backward(), step(), with an optimizer of "
         "model.parameters()",
         step_line());
    }
    const Losses b = ratios(learner, 0.005, leaf, line);
    if (all(a, -1)) no("the wrong sign: the step goes uphill", step_line());
    if (near(a[0] * 0.01, b[0] * 0.005, 1e-2) && near(a[1] * 0.01, b[1] * 0.005, 1e-2))
      no("lr ignored: with lr = 0.01 and with lr = 0.005 the steps are the same, as with lr = " + shown(0.01 * a[0]),
         line_of(function, {"SGD|Adam", "\\bstep\\s*\\(", "-="}));
    if (near(a[0], 1000, 2e-2))
      no("the loss is summed and not averaged: the gradient is 1000 times too large (factor 1000)", loss_line());
    if (near(a[0], 0.001, 2e-2))
      no("the loss is divided by the number of points twice: the gradient is 1000 times too small (factor 0.001)", loss_line());
    if (near(a[0], a[1], 1e-2) && near(a[1], a[2], 1e-2))
      no("with all points in one batch, the first step is too large by a factor of " + shown(a[0]), loss_line());
    no("with all points in one batch, one epoch should be one step of gradient descent; it moves the coefficients by " +
           shown(a) + " times that step",
       loss_line());
  }
  ParabolaData data;
  const Losses losses = learner.train(data.c, data.x, data.y, 1000, 0.01, 10), right = descend(Loop::right, 10);
  if (near(losses, right, 1e-3) && near(
                                       values(data.c),
                                       [&] {
                                         ParabolaData built_in;
                                         ct::optim::SGD sgd({built_in.c.w2, built_in.c.w1, built_in.c.b}, 0.01);
                                         for (int epoch = 0; epoch < 10; ++epoch) {
                                           sgd.zero_grad();
                                           squared_errors(built_in.c, built_in.x, built_in.y).mean().backward();
                                           sgd.step();
                                         }
                                         return values(built_in.c);
                                       }(),
                                       1e-3))
    return;
  if (near(losses, descend(Loop::never_zeroed, 10), 1e-3))
    no("gradient accumulated: each backward adds to the gradients of the batches before. Call zero_grad() before backward()",
       backward_line());
  if (near(losses, descend(Loop::step_first, 10), 1e-3))
    no("stepped before backward: each step uses the gradient of the batch before. The order is zero_grad(), backward(), step()",
       step_line());
  if (near(losses, descend(Loop::noted_late, 10), 1e-3))
    no("the losses are those after each step. Note the loss that backward() starts from", note_line());
  if (losses.size() != 10) no("10 epochs should give 10 numbers and give " + std::to_string(losses.size()), note_line());
  if (near(losses[0], right[0], 1e-3))
    no("with all points in one batch, the first loss is right and the next ones are not: " + shown(losses, 4) + " instead of " +
           shown(right, 4),
       step_line());
  no("with all points in one batch, the losses should be " + shown(right, 4) + " and are " + shown(losses, 4) + ": a factor of " +
         shown(losses[0] / right[0]),
     note_line());
}

void check_epochs(const MiniBatchFacts& learner) {
  // x is tracked, so that each backward tells by its gradient which rows it went through.
  const int n = 12, batch = 5, per_epoch = 3, epochs = 3;
  ct::manual_seed(7);
  auto x = ct::randn({n, 1}, ct::requires_grad()), y = ct::randn({n, 1});
  std::vector<std::vector<int>> seen;
  auto hook = x.register_hook([&](const ct::Tensor& g) {
    std::vector<int> rows;
    const Losses v = numbers(g);
    for (int i = 0; i < n; ++i)
      if (v[static_cast<std::size_t>(i)] != 0) rows.push_back(i);
    seen.push_back(rows);
  });
  ParabolaData data;
  const auto version = data.c.b._version();
  during("3 epochs over 12 points in batches of 5");
  const int making = line_of(function, {"create_mini_batches\\s*\\("});
  const std::string reused =
      "same order every epoch: the batches are made once and used again. Make them inside the loop over the epochs";
  try {
    learner.train(data.c, x, y, batch, 1e-3, epochs);
  } catch (const ct::Error& e) {
    // The rows were taken from a tracked x: going back through them twice is an error here, and none on other days.
    if (std::string(e.what()).find("second time") != std::string::npos && seen.size() >= per_epoch) no(reused, making);
    throw;
  }
  if (seen.empty()) return;  // the rows were taken in a way that keeps no history
  const auto steps = data.c.b._version() - version;
  if (static_cast<int>(seen.size()) == epochs)
    no(steps <= epochs ? "one step in each epoch: backward() and step() belong into the loop over the batches"
                       : "one backward in each epoch: it belongs into the loop over the batches",
       backward_line());
  if (static_cast<int>(seen.size()) == per_epoch)
    no("only one epoch is trained, and 3 were asked for", line_of(function, {"epoch"}));
  std::vector<int> count(n, 0);
  for (const auto& rows : seen)
    for (int r : rows) ++count[static_cast<std::size_t>(r)];
  if (static_cast<int>(seen.size()) == epochs * (per_epoch - 1))
    no("last batch dropped: of 3 batches in each epoch, 2 are trained on",
       line_of(function, {"\\bfor\\b.*(batch|size)", "\\bfor\\b"}));
  if (static_cast<int>(seen.size()) != epochs * per_epoch)
    no("3 epochs of 3 batches are 9 backward passes, and there were " + std::to_string(seen.size()), backward_line());
  if (steps < epochs * per_epoch) no("9 batches should make 9 steps and made " + std::to_string(steps), step_line());
  if (std::any_of(count.begin(), count.end(), [](int c) { return c != epochs; }))
    no("in an epoch, not every row is used exactly once", making);
  if (std::equal(seen.begin(), seen.begin() + per_epoch, seen.begin() + per_epoch)) no(reused, making);
}

void check_losses(const MiniBatchFacts& learner) {
  // With lr = 0 the model stays as it is, and equal batches make the mean of their losses the loss of all points.
  ParabolaData data;
  const auto x = data.x.slice(0, 0, 12), y = data.y.slice(0, 0, 12);
  const double whole = squared_errors(data.c, x, y).mean().item<double>();
  during("3 epochs over 12 points in batches of 4, with lr = 0");
  const Losses losses = learner.train(data.c, x, y, 4, 0.0, 3);
  if (near(losses, {whole, whole, whole}, 1e-3)) return;
  const int line = note_line();
  if (losses.size() == 9)
    no("there is a number for each batch; one for each epoch is asked for, the mean over its batches", line);
  if (losses.size() != 3) no("3 epochs should give 3 numbers and give " + std::to_string(losses.size()), line);
  const double factor = losses[0] / whole;
  if (near(factor, 3, 1e-3)) {
    if (near(losses[1], 2 * losses[0], 1e-3))
      no("the sum of the losses is not set back to 0 for each epoch", line_of(function, {"\\+="}));
    no("the losses of the batches are added up and not averaged: with 3 batches a factor 3. Divide by the number of batches",
       line);
  }
  if (near(losses[1], 2 * losses[0], 1e-3) && near(losses[2], 3 * losses[0], 1e-3))
    no("the sum of the losses is not set back to 0 for each epoch: they grow from epoch to epoch", line_of(function, {"\\+="}));
  if (near(losses[0], losses[1], 1e-3)) {
    const std::string divisor = near(factor, 0.75, 1e-3)   ? " (divided by the batch size?)"
                                : near(factor, 0.25, 1e-3) ? " (divided by the number of points?)"
                                                           : "";
    no("the losses are too " + std::string(factor > 1 ? "large" : "small") + " by a factor of " + shown(factor) + divisor +
           ": the mean over the batches is asked for",
       line);
  }
  no("with a model that does not move, every epoch has the same mean loss, " + shown(whole) + ". Yours are " + shown(losses) +
         ": is that the loss of the last batch only?",
     line);
}

void check_fit(const MiniBatchFacts& learner) {
  ParabolaData data;
  ct::manual_seed(0);
  during("50 epochs with batch size 32");
  learner.train(data.c, data.x, data.y, 32, 0.01, 50);
  const Losses best = {2.0007371, 3.0107237, 0.9797824}, got = values(data.c);
  if (!near(got, best, 0, 0.05))
    no("after 50 epochs with batch size 32 and lr = 0.01, (w2, w1, b) should be within 0.05 of least squares, " + shown(best) +
           ", and is " + shown(got),
       step_line());
}

}  // namespace exercise
