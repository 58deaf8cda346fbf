// Lesson 15: The network as a class
// Level: intermediate
// Concepts: deriving from Module, register_module, forward, what happens to a layer that is not registered
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>
#include <cotangent/optim.h>

#include "common/lesson.h"

using namespace lesson;

// Python: class Net(nn.Module), with the layers assigned in __init__. Python notices the assignment; C++ is told by
// register_module.
struct Net : ct::nn::Module {
  Net() {
    encoder = register_module("encoder", ct::nn::Linear(5, 3));
    head = register_module("head", ct::nn::Linear(3, 1));
  }
  ct::Tensor forward(const ct::Tensor& x) {
    auto h = encoder->forward(x).relu();  // an activation has no parameters: a function will do
    return head->forward(h);
  }
  ct::nn::Linear encoder{nullptr}, head{nullptr};  // empty until the constructor fills them
};

// The same with a mistake: the encoder is a plain member.
struct Forgetful : ct::nn::Module {
  Forgetful() { head = register_module("head", ct::nn::Linear(3, 1)); }
  ct::Tensor forward(const ct::Tensor& x) { return head->forward(encoder->forward(x).relu()); }
  ct::nn::Linear encoder{5, 3}, head{nullptr};
};

static std::string names(const ct::nn::Module& m) {
  std::string text;
  for (const auto& item : m.named_parameters()) text += (text.empty() ? "" : ", ") + item.key();
  return text;
}

int main() {
  // %% [markdown]
  // # The network as a class
  // A `Sequential` is a pipe. As soon as data takes two ways, or something happens between the layers, the network becomes
  // a class: layers are members, `forward` says how data flows, and the names of the members become the prefixes of the
  // parameters.

  // %% [markdown]
  // ## 1. Names and shapes
  // `register_module("encoder", ..)` is what makes the parameters `encoder.weight` and `encoder.bias`.

  // %%
  section("1. Names and shapes");
  ct::manual_seed(0);
  Net net;
  for (const auto& item : net.named_parameters())
    ct::print(item.key(), item.value().shape(), "requires_grad", item.value().requires_grad());
  check_that(names(net) == "encoder.weight, encoder.bias, head.weight, head.bias", "the prefixes are the names of the members");
  check_that(ct::to_string(net.encoder->weight.sizes()) == "[3, 5]" && ct::to_string(net.encoder->bias.sizes()) == "[3]",
             "the encoder's shapes");
  check_that(ct::to_string(net.head->weight.sizes()) == "[1, 3]" && ct::to_string(net.head->bias.sizes()) == "[1]",
             "the head's shapes");

  // %% [markdown]
  // ## 2. The same network as in lesson 14
  // Layers are registered in the same order, so they draw the same numbers from the same seed, and the loss is the same.

  // %%
  section("2. The same network as in lesson 14");
  auto x = ct::randn({4, 5}), y = ct::randn({4, 1});
  for (auto& p : net.encoder->parameters()) p.requires_grad_(false);  // members make freezing easy: no names to compare
  auto loss = ct::mse_loss(net.forward(x), y);
  loss.backward();
  ct::print("loss", ct::fixed(loss.item<double>(), 6));
  check(loss.item<double>(), 0.722239);
  for (const auto& item : net.named_parameters())
    ct::print(item.key(), "requires_grad", item.value().requires_grad(), " has a gradient", item.value().grad().defined());
  check_that(!net.encoder->weight.grad().defined() && !net.encoder->bias.grad().defined(), "the frozen encoder has no gradients");
  check(net.head->weight.grad().flatten(), {0.3162501, 0.3290860, 0.2554792});
  check(net.head->bias.grad(), {0.1567122});

  // %% [markdown]
  // ## 3. The layer that nobody knows
  // A layer that is not registered takes part in `forward`, so everything seems to work. But `parameters()` does not list it:
  // the optimizer never moves it, a saved model does not contain it, `eval()` and `to()` do not reach it. No error anywhere.

  // %%
  section("3. Forgetting register_module");
  ct::manual_seed(0);
  Forgetful broken;
  ct::print("parameters:", names(broken));
  check_that(names(broken) == "head.weight, head.bias", "the encoder is missing");
  const auto encoder_before = broken.encoder->weight.detach().clone(), head_before = broken.head->weight.detach().clone();
  ct::optim::SGD optimizer(broken.parameters(), ct::optim::SGDOptions(0.1));
  for (int i = 0; i < 10; ++i) {
    optimizer.zero_grad();
    ct::mse_loss(broken.forward(x), y).backward();
    optimizer.step();
  }
  const bool encoder_moved = !ct::equal(broken.encoder->weight, encoder_before),
             head_moved = !ct::equal(broken.head->weight, head_before);
  ct::print("after 10 steps: encoder moved", encoder_moved, " head moved", head_moved);
  check_that(!encoder_moved && head_moved, "only the registered layer learns");
  // Its gradients pile up meanwhile: zero_grad does not reach them either. A sanity check that finds such layers is to compare
  // the number of parameters with the one computed by hand: 22 here.
  std::int64_t numbers = 0;
  for (const auto& p : broken.parameters()) numbers += p.numel();
  ct::print("numbers to be learned:", numbers, "of 22");
  check(static_cast<double>(numbers), 4);
  check_that(broken.encoder->weight.grad().defined(), "the unknown layer collects gradients");

  // %% [markdown]
  // ## 4. Mistakes that are noticed
  // Python has one more: assigning a layer before `super().__init__()` is an `AttributeError`. In C++ the base is always there
  // first.

  // %%
  section("4. Mistakes that are noticed");
  show_error([&] { net.register_module("head", ct::nn::Linear(3, 1)); }, "already defined");
  show_error([&] { net.register_module("new.head", ct::nn::Linear(3, 1)); }, "must not contain a dot");
  struct Empty : ct::nn::Module {
    ct::nn::Linear layer{nullptr};
  } empty;
  show_error([&] { empty.layer->forward(x); }, "Accessing empty ModuleHolder");

  // %% [markdown]
  // ## Questions

  // %%
  ask("How many tensors does parameters() of Forgetful return?", number(static_cast<double>(broken.parameters().size()), 0),
      "Weight and bias of the head; the encoder was never registered.");
  ask("What changes in the unregistered encoder during training?",
      several({{"its weights", encoder_moved}, {"its gradients", broken.encoder->weight.grad().defined()}}),
      "Backward fills the gradients of every leaf that it reaches. Only the optimizer goes by parameters().");
  ask("Which names does the activation add to named_parameters()?",
      choice({{"act.weight", names(net).find("act.weight") != std::string::npos},
              {"relu.slope", names(net).find("relu") != std::string::npos},
              {"none", net.parameters().size() == net.encoder->parameters().size() + net.head->parameters().size()}}),
      "A ReLU has nothing to learn, whether it is a module or a function.");
  return finish();
}
