// Lesson 21: A training loop with accumulation
// Level: intermediate
// Concepts: micro-batches in a loop, updates per epoch, the incomplete last group
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>
#include <cotangent/optim.h>

#include <algorithm>
#include <vector>
#include "common/lesson.h"

using namespace lesson;

struct Run {
  ct::nn::Linear model{nullptr};
  std::vector<double> losses;  // mean loss per micro-batch, for each epoch
  int updates = 0;
};

// Two epochs over n samples in micro-batches; a step after every `accumulate` of them. `last_group`: what becomes of
// micro-batches that are left over at the end of an epoch when they do not fill a group.
enum class Last { dropped, full_scale, own_scale };
static Run train(std::int64_t n, std::int64_t micro, std::int64_t accumulate, Last last_group = Last::own_scale, int epochs = 2) {
  ct::manual_seed(5);
  Run run;
  run.model = ct::nn::Linear(4, 1);
  auto x = ct::randn({n, 4}), y = ct::randn({n, 1});
  ct::optim::SGD optimizer(run.model->parameters(), ct::optim::SGDOptions(0.05));
  const std::int64_t batches = n / micro;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    double total = 0;
    optimizer.zero_grad();
    for (std::int64_t i = 0; i < batches; ++i) {
      const std::int64_t group_begin = i / accumulate * accumulate;
      const std::int64_t group = last_group == Last::own_scale ? std::min(accumulate, batches - group_begin) : accumulate;
      auto loss = ct::mse_loss(run.model(x.slice(0, i * micro, (i + 1) * micro)), y.slice(0, i * micro, (i + 1) * micro));
      total += loss.item<double>();
      (loss / static_cast<double>(group)).backward();
      const bool group_full = (i + 1) % accumulate == 0, epoch_ends = i + 1 == batches;
      if (group_full || (epoch_ends && last_group != Last::dropped)) {
        optimizer.step();
        optimizer.zero_grad();
        ++run.updates;
      }
    }
    run.losses.push_back(total / static_cast<double>(batches));
  }
  return run;
}

int main() {
  // %% [markdown]
  // # A training loop with accumulation
  // In lesson 19, several pieces made one step. In a loop, the pattern is: zero before the epoch, backward for every
  // micro-batch with its loss divided by the size of the group, and after every group a step and a zero. 12 samples in
  // micro-batches of 3, two to a group: 4 backwards and 2 updates per epoch.

  // %% [markdown]
  // ## 1. The loop
  // The loop itself is `train`, in the helpers. The loss that it reports is the mean over the micro-batches of an epoch.

  // %%
  section("1. The loop");
  const Run run = train(12, 3, 2);
  for (std::size_t e = 0; e < run.losses.size(); ++e)
    ct::print("epoch", e, " mean loss per micro-batch", ct::fixed(run.losses[e], 6));
  ct::print("updates", run.updates);
  ct::print("weight", run.model->weight.detach().flatten(), " bias", run.model->bias.detach());
  check(run.losses[0], 2.736447);
  check(run.losses[1], 2.008072);
  check_that(run.updates == 4, "2 updates per epoch");
  check(run.model->weight.flatten(), {0.1365803, -0.4660838, 0.2192362, -0.1120225});
  check(run.model->bias, {0.4167218});

  // %% [markdown]
  // ## 2. The same with batches of 6
  // A group of two micro-batches of 3 has to do what one batch of 6 does.

  // %%
  section("2. The same with batches of 6");
  const Run whole = train(12, 6, 1);
  ct::print("weight", whole.model->weight.detach().flatten(), " bias", whole.model->bias.detach());
  check(whole.model->weight, run.model->weight, 0, 1e-6);
  check(whole.model->bias, run.model->bias, 0, 1e-6);

  // %% [markdown]
  // ## 3. The last group: fifteen samples
  // With 15 samples there are 5 micro-batches: two groups of two, and one left over. Three things can become of it:
  //
  // - Nothing: no step comes after it, and zeroing at the start of the next epoch throws its gradient away. 3 of 15 samples
  //   never count, and if the data is not shuffled they are always the same.
  // - A step with the loss divided by 2, as in the other groups: its samples count half.
  // - A step with the loss divided by the number of micro-batches that the group really has, 1: right.

  // %%
  section("3. Fifteen samples");
  const Run dropped = train(15, 3, 2, Last::dropped, 1), half = train(15, 3, 2, Last::full_scale, 1),
            right = train(15, 3, 2, Last::own_scale, 1);
  ct::print("dropped:     updates", dropped.updates, "  weight", dropped.model->weight.detach().flatten());
  ct::print("divided by 2:updates", half.updates, "  weight", half.model->weight.detach().flatten());
  ct::print("divided by 1:updates", right.updates, "  weight", right.model->weight.detach().flatten());
  check_that(dropped.updates == 2 && half.updates == 3 && right.updates == 3, "the last group needs a step of its own");
  // All three agree up to the last group, so what they differ by is the last step: nothing, half of it, all of it.
  auto none = dropped.model->weight.detach(), part = half.model->weight.detach() - none,
       all = right.model->weight.detach() - none;
  ct::print("the last step:", all.flatten(), " and its half:", part.flatten());
  check(part, 0.5 * all, 1e-4, 1e-7);
  check_that(all.abs().max().item<double>() > 1e-3, "the dropped samples would have mattered");
  // The right one is what a loop over batches of 6, 6 and 3 does.
  ct::manual_seed(5);
  ct::nn::Linear plain(4, 1);
  auto x = ct::randn({15, 4}), y = ct::randn({15, 1});
  ct::optim::SGD optimizer(plain->parameters(), ct::optim::SGDOptions(0.05));
  for (std::int64_t begin : {0, 6, 12}) {
    optimizer.zero_grad();
    ct::mse_loss(plain(x.slice(0, begin, begin + 6)), y.slice(0, begin, begin + 6)).backward();
    optimizer.step();
  }
  check(right.model->weight, plain->weight, 0, 1e-6);

  // %% [markdown]
  // ## Questions

  // %%
  ask("12 samples, micro-batches of 3, accumulation over 2, two epochs: how often are the parameters updated?",
      number(run.updates, 0), "4 micro-batches are 2 groups; two epochs make 4 updates. The number of backwards is 8.");
  ask("15 samples, micro-batches of 3, accumulation over 2, and a step only when a group is full: how many samples of an epoch "
      "never count?",
      number(15 - dropped.updates * 6, 0), "Two groups of 6 are applied; the last micro-batch of 3 is zeroed away.");
  ask("The left-over micro-batch gets a step, but its loss is divided by 2 as in the full groups. What is wrong?",
      choice({{"its step is half as long as it should be", ct::allclose(part, 0.5 * all, 1e-4, 1e-7)},
              {"its step is twice as long as it should be", ct::allclose(part, 2 * all, 1e-4, 1e-7)},
              {"nothing", ct::allclose(part, all, 1e-4, 1e-7)}}),
      "The group has one micro-batch, so its loss is the mean already.");
  return finish();
}
