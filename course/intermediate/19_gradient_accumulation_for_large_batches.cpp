// Lesson 19: Large batches in small pieces
// Level: intermediate
// Concepts: gradient accumulation, micro-batches, the mean of a batch, weights of unequal pieces
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>
#include <cotangent/optim.h>

#include <algorithm>
#include <vector>
#include "common/lesson.h"

using namespace lesson;

struct Task {
  ct::nn::Linear model;
  ct::Tensor x, y;
};
static Task make() {
  ct::manual_seed(2);
  ct::nn::Linear model(5, 1);
  auto x = ct::randn({8, 5});
  return {model, x, ct::randn({8, 1})};
}

// Gradients of the model, summed over consecutive pieces of the batch; the mean loss of each is multiplied by its weight. Returns
// the losses of the pieces.
static std::vector<double> accumulate(Task& task, const std::vector<std::int64_t>& pieces, const std::vector<double>& weights) {
  std::vector<double> losses;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::int64_t end = begin + pieces[i];
    auto loss = ct::mse_loss(task.model(task.x.slice(0, begin, end)), task.y.slice(0, begin, end));
    (loss * weights[i]).backward();  // adds to .grad; the graph of this piece is freed
    losses.push_back(loss.item<double>());
    begin = end;
  }
  return losses;
}
// How far the gradients of two tasks are apart.
static double distance(const Task& a, const Task& b) {
  return std::max((a.model->weight.grad() - b.model->weight.grad()).abs().max().item<double>(),
                  (a.model->bias.grad() - b.model->bias.grad()).abs().max().item<double>());
}

int main() {
  // %% [markdown]
  // # Large batches in small pieces
  // A batch of 8 may be too large for memory: backward needs what forward saved of every sample. But `backward()` *adds* to
  // `.grad`, and a mean over 8 samples is the mean of four means over 2. So: four forward-backward passes over 2 samples each,
  // every loss divided by 4, and one step at the end. Memory holds 2 samples at a time, and the step is that of the whole batch.

  // %% [markdown]
  // ## 1. The whole batch
  // First the loss and the gradients of all 8 samples at once, to compare with.

  // %%
  section("1. The whole batch");
  Task full = make();
  ct::print("weight", full.model->weight.detach().flatten(), " bias", full.model->bias.detach());
  check(full.model->weight.flatten(), {0.1025864, -0.1064253, 0.1226388, -0.0228427, 0.1910441});
  check(full.model->bias, {0.1064694});
  auto full_loss = ct::mse_loss(full.model(full.x), full.y);
  full_loss.backward();
  ct::print("loss", ct::fixed(full_loss.item<double>(), 6));
  ct::print("weight.grad", full.model->weight.grad().flatten(), " bias.grad", full.model->bias.grad());
  check(full_loss.item<double>(), 0.696559);

  // %% [markdown]
  // ## 2. Four pieces of two
  // With the loss $\ell_i$ of sample $i$, and the mean loss $L_k$ of piece $k$:
  //
  // $$\frac18\sum_{i=1}^{8}\ell_i=\frac14\sum_{k=1}^{4}L_k,\qquad L_k=\frac12(\ell_{2k-1}+\ell_{2k}).$$
  //
  // So each $L_k$ is multiplied by $\frac14$ before its backward.

  // %%
  section("2. Four pieces of two");
  Task task = make();
  const auto losses = accumulate(task, {2, 2, 2, 2}, {0.25, 0.25, 0.25, 0.25});
  const double expected[] = {1.145322, 0.990212, 0.0952202, 0.555483};
  double mean = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    ct::print("piece", i, "loss", ct::fixed(losses[i], 6));
    check(losses[i], expected[i]);
    mean += losses[i] / 4;
  }
  ct::print("their mean", ct::fixed(mean, 6), "is the loss of the whole batch");
  check(mean, full_loss.item<double>(), 1e-6);
  ct::print("weight.grad", task.model->weight.grad().flatten(), " bias.grad", task.model->bias.grad());
  check(task.model->weight.grad().flatten(), {-0.9614706, -0.7722282, 0.5372180, -0.1830171, -0.0365343});
  check(task.model->bias.grad(), {-0.3922728});
  const double difference = distance(task, full);
  ct::print("the same as of the whole batch, within 1e-6:", difference < 1e-6,
            " (what differs is rounding: sums in another order)");
  check_that(difference < 1e-6, "accumulated gradients are those of the whole batch");

  // %% [markdown]
  // ## 3. One step
  // The accumulated gradient is used once, like any other.

  // %%
  section("3. One step");
  ct::optim::SGD optimizer(task.model->parameters(), ct::optim::SGDOptions(0.1));
  optimizer.step();
  ct::print("weight", task.model->weight.detach().flatten(), " bias", task.model->bias.detach());
  check(task.model->weight.flatten(), {0.1987334, -0.0292025, 0.0689170, -0.0045410, 0.1946976});
  check(task.model->bias, {0.1456967});

  // %% [markdown]
  // ## 4. Unequal pieces: three and five
  // 8 samples in pieces of 3 and 5: now the mean of the two means is *not* the mean of all, because a sample in the small piece
  // counts $\frac12\cdot\frac13=\frac16$, and one in the large piece $\frac12\cdot\frac15=\frac1{10}$. Each piece has to be
  // weighted by its share of the samples:
  //
  // $$L=\frac38L_{\text{first}}+\frac58L_{\text{second}}.$$

  // %%
  section("4. Three and five");
  Task equal_weights = make(), shares = make();
  const auto parts = accumulate(equal_weights, {3, 5}, {1.0 / 2, 1.0 / 2});
  accumulate(shares, {3, 5}, {3.0 / 8, 5.0 / 8});
  const double wrong = distance(equal_weights, full), right = distance(shares, full);
  ct::print("losses of the pieces", ct::fixed(parts[0], 6), "and", ct::fixed(parts[1], 6));
  ct::print("weights 1/2, 1/2: the largest difference to the gradient of the whole batch is", ct::fixed(wrong, 4));
  ct::print("weights 3/8, 5/8: it is below 1e-6:", right < 1e-6);
  check_that(wrong > 0.01, "equal weights give another gradient");
  check_that(right < 1e-6, "shares of the samples give the gradient of the whole batch");
  check((3 * parts[0] + 5 * parts[1]) / 8, full_loss.item<double>(), 1e-6);

  // %% [markdown]
  // ## 5. Batch norm sees the pieces
  // What accumulation does not imitate: layers that look at the whole batch. Batch norm computes mean and variance from the
  // samples it gets, here 4 at a time, so pieces give other results there.

  // %%
  section("5. Batch norm sees the pieces");
  ct::nn::BatchNorm1d norm(5);
  const auto whole = norm(full.x), pieces = ct::cat({norm(full.x.slice(0, 0, 4)), norm(full.x.slice(0, 4, 8))});
  const double norm_difference = (whole - pieces).abs().max().item<double>();
  ct::print("largest difference of the outputs:", ct::fixed(norm_difference, 4));
  check_that(norm_difference > 0.1, "statistics of pieces are not those of the batch");

  // %% [markdown]
  // ## Questions

  // %%
  // The weight of the first piece, found from gradients alone: full = a g3 + (1 - a) g5, by least squares.
  Task only3 = make(), only5 = make();
  accumulate(only3, {3, 5}, {1, 0});
  accumulate(only5, {3, 5}, {0, 1});
  const auto g3 = only3.model->weight.grad(), g5 = only5.model->weight.grad();
  ask("Pieces of 3 and 5 samples, each with a mean loss. Which weight of the first makes the sum of gradients that of the whole "
      "batch?",
      number(((full.model->weight.grad() - g5).mul(g3 - g5).sum() / (g3 - g5).pow(2).sum()).item<double>()),
      "Its share of the samples, 3/8. With equal weights, its samples would count more than the others.");
  Task large = make(), pieces_of_large = make();
  large.x = pieces_of_large.x = ct::cat({full.x, full.x, full.x, full.x});
  large.y = pieces_of_large.y = ct::cat({full.y, full.y, full.y, full.y});
  accumulate(large, {32}, {1});
  accumulate(pieces_of_large, std::vector<std::int64_t>(8, 4), std::vector<double>(8, 1.0));
  ask("A batch of 32 is split into 8 equal pieces. By which number must each mean loss be divided?",
      number((pieces_of_large.model->bias.grad() / large.model->bias.grad()).item<double>()),
      "The batch's mean is the mean of 8 means: divide by their number. Backward adds, it never averages.");
  ask("Which models get the same step from pieces as from the whole batch?",
      several(
          {{"one of Linear and ReLU layers", difference < 1e-6}, {"one with BatchNorm1d in training", norm_difference < 1e-6}}),
      "Accumulation is exact where each sample's loss depends on that sample alone.");
  return finish();
}
