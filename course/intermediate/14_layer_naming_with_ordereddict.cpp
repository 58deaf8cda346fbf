// Lesson 14: Layers with names
// Level: intermediate
// Concepts: named Sequential, OrderedDict, freezing by name, requires_grad_
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>

#include "common/lesson.h"

using namespace lesson;

using Layers = ct::OrderedDict<std::string, ct::nn::AnyModule>;

// One line per parameter: its name, whether it is trained, whether it has a gradient. Returned as text, for the checks.
static std::string table(const ct::nn::Sequential& net) {
  std::string text;
  for (const auto& item : net->named_parameters()) {
    const std::string trained = item.value().requires_grad() ? "True " : "False",
                      grad = item.value().grad().defined() ? "yes" : "no";
    ct::print("  " + item.key() + std::string(16 - item.key().size(), ' '), trained, "  grad:", grad);
    text += item.key() + " " + trained.substr(0, 1) + " " + grad + "; ";
  }
  return text;
}
// Switches tracking on or off for all parameters whose name begins with `prefix`.
static void set_trained(const ct::nn::Sequential& net, const std::string& prefix, bool on) {
  for (auto& item : net->named_parameters())
    if (item.key().rfind(prefix, 0) == 0) item.value().requires_grad_(on);
}

int main() {
  // %% [markdown]
  // # Layers with names
  // "0.weight" says where a layer stands, "encoder.weight" what it is for. Names survive when a layer is inserted before it, and
  // one can say "freeze the encoder" in one line. In Python: `Sequential(OrderedDict([("encoder", Linear(5, 3)), ..]))`; here the
  // pairs stand in braces.

  // %% [markdown]
  // ## 1. Pairs of name and layer
  // The table has one line for each parameter: its name, whether it is trained, and whether it has a gradient.

  // %%
  section("1. Pairs of name and layer");
  ct::manual_seed(0);
  ct::nn::Sequential net({{"encoder", ct::nn::Linear(5, 3)}, {"act", ct::nn::ReLU()}, {"head", ct::nn::Linear(3, 1)}});
  auto x = ct::randn({4, 5}), y = ct::randn({4, 1});
  std::string names;
  for (const auto& item : net->named_children()) names += item.key() + " ";
  ct::print("children:", names);
  check_that(names == "encoder act head ", "the layers have their names, in the given order");
  check_that(table(net) == "encoder.weight T no; encoder.bias T no; head.weight T no; head.bias T no; ",
             "all trained, no gradients yet");

  // %% [markdown]
  // ## 2. Freeze by prefix
  // All names that begin with "encoder." are switched off. One backward then fills the gradients of the head only.

  // %%
  section("2. Freeze by prefix");
  set_trained(net, "encoder.", false);
  check_that(table(net) == "encoder.weight F no; encoder.bias F no; head.weight T no; head.bias T no; ", "the encoder is frozen");
  auto loss = ct::mse_loss(net(x), y);
  loss.backward();
  ct::print("loss", ct::fixed(loss.item<double>(), 6), " after one backward:");
  check(loss.item<double>(), 0.722239);
  check_that(table(net) == "encoder.weight F no; encoder.bias F no; head.weight T yes; head.bias T yes; ",
             "gradients in the head only");
  ct::print("head.weight.grad =", net->named_parameters()["head.weight"].grad());
  check(net->named_parameters()["head.weight"].grad().flatten(), {0.3162501, 0.3290860, 0.2554792});

  // %% [markdown]
  // ## 3. Unfreeze
  // Only the flags change. Gradients come with the next backward, for the graph of the last one never led to the encoder.

  // %%
  section("3. Unfreeze");
  set_trained(net, "encoder.", true);
  check_that(table(net) == "encoder.weight T no; encoder.bias T no; head.weight T yes; head.bias T yes; ",
             "flags back, gradients not");

  // %% [markdown]
  // ## 4. Everything frozen
  // No parameter is tracked, and neither is the input: so nothing is recorded. A tracked input opens a path again.

  // %%
  section("4. Everything frozen");
  net->zero_grad(/*set_to_none=*/true);
  set_trained(net, "", false);  // every name begins with nothing
  auto frozen = ct::mse_loss(net(x), y);
  ct::print("loss", ct::fixed(frozen.item<double>(), 6), " requires_grad", frozen.requires_grad(), " grad_fn", frozen.grad_fn());
  check_that(!frozen.requires_grad() && frozen.grad_fn() == nullptr, "nothing was recorded");
  show_error([&] { frozen.backward(); }, "element 0 of tensors does not require grad and does not have a grad_fn");
  // If the input is tracked, there is a path again, past frozen weights: this is how one asks which inputs would change the
  // output.
  auto probe = x.clone().requires_grad_();
  ct::mse_loss(net(probe), y).backward();
  ct::print("gradient of a tracked input:", probe.grad().shape());
  const bool any_parameter_grad = table(net).find("yes") != std::string::npos;
  check_that(probe.grad().defined() && !any_parameter_grad, "the input has a gradient, no parameter has");

  // %% [markdown]
  // ## 5. From an OrderedDict
  // The same as an object, when the list of layers is made by a loop. `AnyModule` holds a module of any kind.

  // %%
  section("5. From an OrderedDict");
  Layers layers;
  layers.insert("encoder", ct::nn::AnyModule(ct::nn::Linear(5, 3)));
  layers.insert("act", ct::nn::AnyModule(ct::nn::ReLU()));
  layers.insert("head", ct::nn::AnyModule(ct::nn::Linear(3, 1)));
  ct::nn::Sequential again(layers);
  check_that(table(again) == "encoder.weight T no; encoder.bias T no; head.weight T no; head.bias T no; ", "the same names");
  // In Python, bare (name, module) pairs without the OrderedDict fail when the program runs: "tuple is not a Module subclass".
  // Here the compiler sees it. What remains for the running program are bad names:
  show_error([&] { layers.insert("head", ct::nn::AnyModule(ct::nn::ReLU())); }, "already defined");
  show_error([] { ct::nn::Sequential({{"my.head", ct::nn::Linear(3, 1)}}); }, "must not contain a dot");

  // %% [markdown]
  // ## Questions

  // %%
  std::int64_t trained = 0;
  set_trained(again, "encoder.", false);
  for (const auto& p : again->parameters()) trained += p.requires_grad() ? p.numel() : 0;
  ask("The encoder is frozen. How many numbers does the net still learn?", number(static_cast<double>(trained), 0),
      "head.weight has 3, head.bias 1.");
  ask("All parameters are frozen and the input is not tracked. Does the output have a grad_fn?",
      yes_no(frozen.grad_fn() != nullptr),
      "No input of any operation was tracked, so nothing is recorded, and backward has nowhere to start.");
  ask("All parameters are frozen, the input is tracked. What does backward fill?",
      several({{"the gradient of the input", probe.grad().defined()},
               {"the gradients of the head", net->ptr(2)->parameters()[0].grad().defined()},
               {"the gradients of all weights", any_parameter_grad}}),
      "The flag stops gradients of the weights from being kept, not the flow through the layer: dx = g W needs only the value of "
      "W.");
  return finish();
}
