// Exercise 02: Train on mini-batches
// Level: exercise
// Concepts: mini-batches, shuffling, epochs, batch size, noise of gradients, datasets, data loaders

#include "common/lesson.h"

#include <cotangent/data/dataloader.h>
#include <cotangent/optim.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>

using namespace lesson;

// %% [markdown]
// # Train on mini-batches
// The loss is a mean over all points, and a mean can be estimated from a few of them. So instead of one step with the gradient
// of all 1000 points, make a step after every 16 or 64: many cheap, noisy steps for one exact step. One pass over all points is
// an epoch; each epoch shuffles them anew, so that the batches are different ones each time.

// %%
// The model w2 x^2 + w1 x + b, and 1000 points of 2 x^2 + 3 x + 1 with noise.
struct Parabola {
  ct::Tensor w2, w1, b;
  ct::Tensor operator()(const ct::Tensor& x) const { return w2 * x.pow(2) + w1 * x + b; }
  std::vector<ct::Tensor> parameters() const { return {w2, w1, b}; }
};
struct Task {
  ct::Tensor x, y;
  Parabola model;
};
static Task make_task() {
  ct::manual_seed(42);
  auto x = ct::randn({1000, 1});
  auto y = 2 * x.pow(2) + 3 * x + 1 + 0.5 * ct::randn({1000, 1});
  auto w2 = ct::randn({1}, ct::requires_grad()), w1 = ct::randn({1}, ct::requires_grad());
  return {x, y, {w2, w1, ct::zeros({1}, ct::requires_grad())}};
}

using Batches = std::vector<std::pair<ct::Tensor, ct::Tensor>>;

// Shuffles the rows of x and y, alike, and cuts them into batches. The last batch may be smaller: 5 rows in batches of 2 give
// batches of 2, 2 and 1.
static Batches create_mini_batches(const ct::Tensor& x, const ct::Tensor& y, std::int64_t batch_size) {
  // TODO(1): ct::randperm(n) is a shuffled list of the rows 0 .. n - 1. Cut it with slice(0, begin, end), and take the rows of a
  // piece with index_select(0, rows).
  todo(1, x, y, batch_size);
  return {};
}

// Trains the model with a step after each batch. Returns one number for each epoch: the mean of the losses of its batches.
static std::vector<double> train_with_mini_batches(Parabola& model, const ct::Tensor& x, const ct::Tensor& y,
                                                   std::int64_t batch_size, double lr, int epochs) {
  // TODO(2): for each epoch make the batches; for each batch make a step of ct::optim::SGD(model.parameters(), lr).
  // The loss of a batch is (model(bx) - by).pow(2).mean().
  todo(2, model, x, y, batch_size, lr, epochs);
  return {};
}

// Trains with each batch size, each time from a fresh make_task() and after manual_seed(0). Returns the losses of each run.
static std::vector<std::vector<double>> compare_batch_sizes(const std::vector<std::int64_t>& sizes, double lr, int epochs) {
  // TODO(3): one run for each size, all from the same start.
  todo(3, sizes, lr, epochs);
  return {};
}

// Your answers, as batch sizes out of 1, 16, 64, 256 and 1000: which of them brings the loss below 0.3 in the fewest epochs, and
// which has the smoothest curve, one that does not depend on the shuffle?
static std::int64_t fewest_epochs() {
  // TODO(5): look at the figure and at what section 5 prints.
  todo(5);
  return 0;
}
static std::int64_t smoothest() {
  // TODO(5)
  todo(5);
  return 0;
}

// Bonus: the same as train_with_mini_batches, but with a ct::data::TensorDataset(x, y) and a ct::data::DataLoader that shuffles.
static std::vector<double> train_with_data_loader(Parabola& model, const ct::Tensor& x, const ct::Tensor& y,
                                                  std::int64_t batch_size, double lr, int epochs) {
  // TODO(6), bonus: ct::data::DataLoaderOptions().batch_size(..).shuffle(true); for (auto& [bx, by] : loader) is one epoch.
  todo(6, model, x, y, batch_size, lr, epochs);
  return {};
}

// Bonus: the variance of the gradient of w1 over the batches of so many epochs, at the model as it is (without a step).
static double gradient_variance(const Parabola& model, const ct::Tensor& x, const ct::Tensor& y, std::int64_t batch_size,
                                int epochs) {
  // TODO(7), bonus: variance = mean of the squares - square of the mean.
  todo(7, model, x, y, batch_size, epochs);
  return 0;
}

int main() {
  // %% [markdown]
  // ## 1. Batches of a toy example

  // %%
  section("1. Batches of a toy example");
  auto toy = ct::arange(5, ct::kFloat).unsqueeze(1);
  ct::manual_seed(0);
  const Batches toy_batches = create_mini_batches(toy, 10 * toy, 2);
  for (const auto& [bx, by] : toy_batches) ct::print("x", bx.flatten(), "y", by.flatten());

  // %% [markdown]
  // ## 2. One run

  // %%
  section("2. One run");
  Task task = make_task();
  ct::print("start: w2", ct::fixed(task.model.w2.item<double>(), 5), "w1", ct::fixed(task.model.w1.item<double>(), 5));
  ct::manual_seed(0);
  auto losses = train_with_mini_batches(task.model, task.x, task.y, 32, 0.01, 50);
  for (std::size_t epoch = 0; epoch < losses.size(); epoch += 10)
    ct::print("  epoch", epoch + 1, "loss", ct::fixed(losses[epoch], 6));
  ct::print("  then w2", ct::fixed(task.model.w2.item<double>(), 4), "w1", ct::fixed(task.model.w1.item<double>(), 4), "b",
            ct::fixed(task.model.b.item<double>(), 4));

  // %% [markdown]
  // ## 3. Five batch sizes
  // Least squares says what the best parabola is: $w_2=2.0007$, $w_1=3.0107$, $b=0.9798$, with a mean squared error of 0.26564.

  // %%
  section("3. Five batch sizes");
  const std::vector<std::int64_t> sizes = {1, 16, 64, 256, 1000};
  auto curves = compare_batch_sizes(sizes, 0.01, 50);

  // %% [markdown]
  // ## 4. The figure

  // %%
  section("4. The figure");
  // TODO(4): one curve for each batch size, each with its label ("batch size 16"), on a logarithmic axis, saved as
  // "exercise_02_batch_sizes". Exercise 01 shows how.
  todo(4, curves);

  // %% [markdown]
  // ## 5. What do you see?

  // %%
  section("5. What do you see?");
  ct::print("fewest epochs: batch size", fewest_epochs());
  ct::print("smoothest: batch size", smoothest());
  std::vector<std::size_t> needed;
  std::vector<double> wobble;  // how much the curve depends on the shuffle: against ten epochs shuffled with another seed
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const auto& curve = curves[i];
    needed.push_back(
        static_cast<std::size_t>(std::find_if(curve.begin(), curve.end(), [](double l) { return l < 0.3; }) - curve.begin()));
    Task other = make_task();
    ct::manual_seed(1);
    const auto again = train_with_mini_batches(other.model, other.x, other.y, sizes[i], 0.01, 10);
    wobble.push_back(0);
    for (std::size_t epoch = 0; epoch < std::min(again.size(), curve.size()); ++epoch)
      wobble[i] = std::max(wobble[i], std::abs(again[epoch] / curve[epoch] - 1));
    ct::print("  batch size", sizes[i],
              needed[i] < curve.size() ? "is below 0.3 in epoch " + std::to_string(needed[i] + 1) : "never is below 0.3",
              "and changes by", ct::fixed(100 * wobble[i], 2), "% with another shuffle");
  }

  // %% [markdown]
  // ## 6. Bonus: a data loader

  // %%
  section("6. Bonus: Dataset and DataLoader");
  Task loaded = make_task();
  ct::manual_seed(0);
  auto with_loader = train_with_data_loader(loaded.model, loaded.x, loaded.y, 32, 0.01, 50);
  if (!with_loader.empty())
    ct::print("loss of epoch 50:", ct::fixed(with_loader.back(), 6), "w1", ct::fixed(loaded.model.w1.item<double>(), 4));

  // %% [markdown]
  // ## 7. Bonus: how noisy is the gradient?
  // The gradient of a batch is a mean over $B$ points that were drawn at random. How does its variance depend on $B$?

  // %%
  section("7. Bonus: how noisy is the gradient?");
  Task still = make_task();
  ct::manual_seed(1);
  std::vector<double> variances;
  for (std::int64_t size : {4, 16, 64, 256}) {
    variances.push_back(gradient_variance(still.model, still.x, still.y, size, 20));
    ct::print("batch size", size, "variance of the gradient of w1:", ct::fixed(variances.back(), 4));
  }

  // %% [markdown]
  // ## Questions

  // %%
  const double rows = static_cast<double>(make_task().x.size(0)), steps = std::ceil(rows / 64), last = rows - 64 * (steps - 1);
  ask("How many steps does one epoch over 1000 points make with batch size 64?", number(steps),
      "15 batches of 64 are 960 points; the other 40 make a sixteenth, smaller batch.");
  ask("train_with_mini_batches returns the plain mean over the batches. With batch size 64, how many times as much does a point "
      "of "
      "the last batch count in it as a point of another batch?",
      number(64 / last),
      "Each batch counts alike, so a point of the last one counts 1/40 of a batch and another one 1/64: 64/40 = 1.6 times as "
      "much. "
      "A mean weighted by the sizes of the batches would treat all points alike.");
  ask("With the same learning rate, what is true of smaller batches?",
      several({{"an epoch makes more steps", std::ceil(rows / 16) > std::ceil(rows / 64)},
               {"a step costs less", 16 < 64},
               {"the gradient is less noisy", 1.0 / 16 < 1.0 / 64},
               {"in the end the parameters wander around the best ones instead of resting there", 1.0 / 16 > 1.0 / 64}}),
      "The variance of the gradient goes as 1 / batch size. Many noisy steps come near the goal soon, and the same noise keeps "
      "them "
      "from resting there: the loss of batch size 1 ends at 0.285, that of 16 at 0.267, and the least is 0.2656.");
  return finish();
}
