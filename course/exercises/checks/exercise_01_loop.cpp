// checks/exercise_01_loop.cpp -- which mistake in the training loop of exercise 01 gives a curve like the learner's.
#include <cotangent/optim.h>

#include <algorithm>

#include "exercises/checks/check.h"
#include "exercises/checks/exercise_01.h"

namespace exercise {

LineData::LineData() {
  ct::manual_seed(42);
  x = ct::randn({100, 1});
  y = 3 * x + 2 + 0.5 * ct::randn({100, 1});
  w = ct::randn({1}, ct::requires_grad());
  b = ct::zeros({1}, ct::requires_grad());
}
ct::Tensor LineData::error() const { return (w * x + b - y).pow(2); }

namespace {

// The curves of right and wrong training loops with lr = 0.1.
enum class Loop { right, never_zeroed, zeroed_late, step_first, summed, uphill, noted_late };
std::vector<double> curve(Loop kind, double lr = 0.1) {
  LineData data;
  ct::optim::SGD sgd({data.w, data.b}, ct::optim::SGDOptions(lr).maximize(kind == Loop::uphill));
  std::vector<double> losses;
  for (int epoch = 0; epoch < 100; ++epoch) {
    auto loss = kind == Loop::summed ? data.error().sum() : data.error().mean();
    if (kind != Loop::noted_late) losses.push_back(loss.item<double>());
    if (kind == Loop::step_first) sgd.step();
    if (kind != Loop::never_zeroed) sgd.zero_grad();
    loss.backward();
    if (kind == Loop::zeroed_late) sgd.zero_grad();
    if (kind != Loop::step_first) sgd.step();
    if (kind == Loop::noted_late) losses.push_back(data.error().mean().item<double>());
  }
  return losses;
}

}  // namespace

std::vector<double> right_curve() { return curve(Loop::right); }

// Whether the first twenty losses agree.
bool begins_like(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = std::min<std::size_t>(20, std::min(a.size(), b.size()));
  a.resize(n);
  b.resize(n);
  return n > 2 && near(a, b, 2e-3);
}

void explain_curve(const std::vector<double>& y) {
  const int backward = line_of("train", {"backward"}), step = line_of("train", {"\\bstep\\s*\\("}),
            note = line_of("train", {"push_back|emplace_back|item"});
  if (begins_like(y, curve(Loop::never_zeroed)))
    no("the loss is that of a loop where each backward adds to the gradients before: gradient accumulated. Call zero_grad() "
       "before backward()",
       backward);
  if (begins_like(y, std::vector<double>(20, y.at(0)))) {
    if (match("train", {"zero_grad"}) > match("train", {"backward"}) &&
        match("train", {"zero_grad"}) < match("train", {"\\bstep\\s*\\("}))
      no("the loss does not fall: stepped after zeroing. The gradients are gone when step() comes; the order is zero_grad(), "
         "backward(), step()",
         line_of("train", {"zero_grad"}));
    no("the loss stays at " + shown(y[0]) +
           ": the parameters do not move. The order in each epoch is zero_grad(), backward(), step()",
       step);
  }
  if (begins_like(y, curve(Loop::step_first)))
    no("stepped before backward: each step uses the gradient of the epoch before. The order is zero_grad(), backward(), step()",
       step);
  if (begins_like(y, curve(Loop::noted_late)))
    no("each loss is noted after the step, and so is that of the next epoch. Note it before: the first one is 11.4966", note);
  if (begins_like(y, curve(Loop::summed)) || near(y.at(0), 1149.6561, 1e-3))
    no("the loss is 100 times too large (factor 100): summed and not averaged over the 100 points, and so are its gradients",
       line_of("train", {"\\bsum\\s*\\(", "loss"}));
  if (begins_like(y, curve(Loop::uphill))) no("the loss rises as if the step went uphill: the sign", step);
  if (near(y.at(0), 11.496561, 1e-3))
    no("the curve begins right, at " + shown(y[0]) + ", and goes on differently: " + shown(y, 4) + " instead of " +
           shown(curve(Loop::right), 4),
       step);
  no("the first loss is 11.4966, and the curve begins at " + shown(y[0]) + ". Does it start from a fresh make_line()?", note);
}

}  // namespace exercise
