// Lesson 16: Freezing and unfreezing
// Level: intermediate
// Concepts: requires_grad_, frozen layers and the optimizer, old gradients, parameter groups, transfer learning
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>
#include <cotangent/optim.h>

#include "common/lesson.h"

using namespace lesson;

struct Setup {
  ct::nn::Sequential net;
  ct::Tensor x, y;
};
static Setup make() {
  ct::manual_seed(0);
  ct::nn::Sequential net{ct::nn::Linear(5, 3), ct::nn::ReLU(), ct::nn::Linear(3, 1)};
  auto x = ct::randn({4, 5});
  return {net, x, ct::randn({4, 1})};
}
static ct::Tensor parameter(const ct::nn::Sequential& net, const std::string& name) { return net->named_parameters()[name]; }
static void freeze(const ct::nn::Sequential& net, const std::string& prefix, bool frozen = true) {
  for (auto& item : net->named_parameters())
    if (item.key().rfind(prefix, 0) == 0) item.value().requires_grad_(!frozen);
}
static std::vector<ct::Tensor> trainable(const ct::nn::Sequential& net) {
  std::vector<ct::Tensor> out;
  for (const auto& p : net->parameters())
    if (p.requires_grad()) out.push_back(p);
  return out;
}
static std::int64_t count(const std::vector<ct::Tensor>& tensors) {
  std::int64_t n = 0;
  for (const auto& t : tensors) n += t.numel();
  return n;
}

int main() {
  // %% [markdown]
  // # Freezing and unfreezing
  // A network that was trained on much data is used for a new task: its first layers stay as they are, only the last one learns.
  // That is transfer learning, and technically it is one flag: `requires_grad_(false)`. The traps are in what the optimizer sees.

  // %% [markdown]
  // ## 1. Gradients without freezing
  // First the gradients of all layers, to compare with. "0." and "2." are the two `Linear` layers; the `ReLU` between them has
  // no parameters.

  // %%
  section("1. Gradients without freezing");
  auto [net, x, y] = make();
  auto loss = ct::mse_loss(net(x), y);
  loss.backward();
  ct::print("loss", ct::fixed(loss.item<double>(), 6));
  for (const char* name : {"0.bias", "2.weight", "2.bias"}) ct::print(std::string(name) + ".grad =", parameter(net, name).grad());
  check(loss.item<double>(), 0.722239);
  check(parameter(net, "0.bias").grad(), {-0.1678155, -0.0984907, -0.0492874});
  check(parameter(net, "2.weight").grad().flatten(), {0.3162501, 0.3290860, 0.2554792});
  check(parameter(net, "2.bias").grad(), {0.1567122});

  // %% [markdown]
  // ## 2. The first layer frozen
  // The frozen layer gets no gradients. Those of the other one stay what they were: the values of the frozen layer still take
  // part.

  // %%
  section("2. The first layer frozen");
  auto [frozen, x2, y2] = make();
  freeze(frozen, "0.");
  ct::mse_loss(frozen(x2), y2).backward();
  ct::print("0.bias has a gradient:", parameter(frozen, "0.bias").grad().defined(),
            "   2.bias.grad =", parameter(frozen, "2.bias").grad());
  check_that(!parameter(frozen, "0.weight").grad().defined() && !parameter(frozen, "0.bias").grad().defined(),
             "no gradients in the frozen layer");
  check(parameter(frozen, "2.bias").grad(), {0.1567122});  // the others are what they were
  const bool others_change = !ct::equal(parameter(frozen, "2.weight").grad(), parameter(net, "2.weight").grad());
  ct::print("numbers that are trained:", count(trainable(frozen)), "of", count(frozen->parameters()));
  const auto head_only = static_cast<double>(count(trainable(frozen)));
  check(head_only, 4);

  // %% [markdown]
  // ## 3. Ten steps
  // With momentum and weight decay, which will matter in part 4. The optimizer gets the trainable parameters only.

  // %%
  section("3. Ten steps");
  const auto w0 = parameter(frozen, "0.weight").clone(), w2 = parameter(frozen, "2.weight").detach().clone();
  ct::optim::SGD optimizer(trainable(frozen), ct::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.1));
  for (int i = 0; i < 10; ++i) {
    optimizer.zero_grad();
    ct::mse_loss(frozen(x2), y2).backward();
    optimizer.step();
  }
  const bool same0 = ct::equal(parameter(frozen, "0.weight"), w0), same2 = ct::equal(parameter(frozen, "2.weight"), w2);
  ct::print("0.weight is the same, bit by bit:", same0, "   2.weight is:", same2);
  check_that(same0 && !same2, "the frozen layer did not move, the other one did");

  // %% [markdown]
  // ## 4. The gradient that was left behind
  // The optimizer does not look at `requires_grad`. It moves whatever has a gradient. A parameter that is frozen *after* a
  // backward keeps its old `.grad`, and with momentum or weight decay even a gradient of zeros moves it. With learning rate
  // $\eta$, momentum $\mu$ and weight decay $\lambda$ a step is
  //
  // $$g\leftarrow\frac{\partial L}{\partial w}+\lambda w,\qquad
  // v\leftarrow\mu v+g\quad(\text{at first }v=g),\qquad w\leftarrow w-\eta v.$$
  //
  // Take one number $w=1$ with the gradient 1, and $\eta=0.1$, $\mu=0.9$, $\lambda=0.1$. The second step finds a gradient of
  // zeros:
  //
  // | step | $g$ | $v$ | $w$ |
  // |---|---|---|---|
  // | 1 | $1+0.1\cdot1=1.1$ | $1.1$ | $1-0.1\cdot1.1=0.89$ |
  // | 2 | $0+0.1\cdot0.89=0.089$ | $0.9\cdot1.1+0.089=1.079$ | $0.89-0.1\cdot1.079=0.7821$ |

  // %%
  section("4. Frozen, and it still moves");
  auto w = ct::ones({1}, ct::requires_grad());
  ct::optim::SGD sgd({w}, ct::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.1));
  w.sum().backward();
  sgd.step();
  ct::print("gradient 1:              w =", ct::fixed(w.item<double>(), 4));
  const double moved_once = w.item<double>();
  check(w, {0.89});
  w.requires_grad_(false);  // frozen from now on, we think
  w.mutable_grad().zero_();
  sgd.step();
  const double with_zeros = w.item<double>();
  ct::print("frozen, gradient zeros:  w =", ct::fixed(with_zeros, 4));
  check(w, {0.7821});
  w.mutable_grad().reset();  // Python: w.grad = None
  sgd.step();
  const double with_none = w.item<double>();
  ct::print("frozen, no gradient:     w =", ct::fixed(with_none, 4));
  check(w, {0.7821});
  check_that(with_none == with_zeros, "without a gradient the parameter is skipped");

  // %% [markdown]
  // ## 5. Unfreezing, with a group of its own
  // So freeze before the first backward, or drop the gradients when freezing (`zero_grad()` makes them undefined). Or give the
  // optimizer only what it may move, as `trainable(..)` did in part 3.
  //
  // Unfrozen layers join later as a group of their own, usually with a smaller learning rate: they are good already.

  // %%
  section("5. Unfreezing, with a group of its own");
  freeze(frozen, "0.", false);
  optimizer.add_param_group(ct::optim::OptimizerParamGroup({parameter(frozen, "0.weight"), parameter(frozen, "0.bias")},
                                                           std::make_unique<ct::optim::SGDOptions>(0.01)));
  optimizer.zero_grad();
  auto loss5 = ct::mse_loss(frozen(x2), y2);
  loss5.backward();
  const auto g0 = parameter(frozen, "0.weight").grad().clone();
  optimizer.step();
  const auto moved = parameter(frozen, "0.weight").detach() - w0;
  ct::print("groups:", optimizer.param_groups().size(),
            "  largest move of 0.weight:", ct::fixed(moved.abs().max().item<double>(), 6));
  check_that(optimizer.param_groups().size() == 2, "two groups");
  check(moved, -0.01 * g0, 1e-3, 1e-7);  // plain SGD at its own rate
  check_that(moved.abs().max().item<double>() > 0, "the layer learns again");

  // %% [markdown]
  // ## Questions

  // %%
  ask("Sequential(Linear(5, 3), ReLU(), Linear(3, 1)) with its first layer frozen: how many numbers are trained?",
      number(head_only, 0), "The head: 3 weights and 1 bias, of 22 in all.");
  ask("A parameter is frozen after a backward and its gradient is filled with zeros. The optimizer has momentum. Does step() "
      "move it?",
      yes_no(with_zeros != moved_once),
      "The buffer of the momentum is not empty, and weight decay adds to it. Only an undefined gradient makes step() skip.");
  ask("Does freezing the first layer change the gradients of the last one?", yes_no(others_change),
      "Gradients are computed from the end. The values of frozen layers still take part; only their own gradients are left out.");
  return finish();
}
