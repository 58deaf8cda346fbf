// Lesson 13: Looking at a model
// Level: intermediate
// Concepts: Sequential, named_children, named_modules, parameters, shapes of weights
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>

#include "common/lesson.h"

using namespace lesson;

static std::int64_t count(const ct::nn::Module& m) {
  std::int64_t n = 0;
  for (const auto& p : m.parameters()) n += p.numel();
  return n;
}

int main() {
  // %% [markdown]
  // # Looking at a model
  // Before a model is trained, frozen or saved, one wants to see what is in it. There are four ways, from a glance to every
  // number.

  // %% [markdown]
  // ## 1. Print it
  // The text is the one that Python prints: a line for each layer, with its sizes.

  // %%
  section("1. Print it");
  ct::manual_seed(0);
  // Braces: they are evaluated from left to right, so the weights are drawn in the order of the layers, as in Python. With (..),
  // C++ leaves the order to the compiler, and the same seed may give the last layer the first numbers.
  ct::nn::Sequential net{ct::nn::Linear(5, 3), ct::nn::ReLU(), ct::nn::Linear(3, 1)};
  const std::string text = ct::nn::to_string(*net);
  ct::print(text);
  const char* in_python =
      "Sequential(\n  (0): Linear(in_features=5, out_features=3, bias=True)\n  (1): ReLU()\n"
      "  (2): Linear(in_features=3, out_features=1, bias=True)\n)";
  check_that(text == in_python, "the text is Python's");

  // %% [markdown]
  // ## 2. By index, with a test of the type
  // To look at weights, one has to know what kind of layer it is: a `ReLU` has none.

  // %%
  section("2. By index, with a test of the type");
  for (std::size_t i = 0; i < net->size(); ++i) {
    // Python: isinstance(layer, nn.Linear). as<..>() is null for any other type.
    if (auto* linear = net->ptr(i)->as<ct::nn::Linear>())
      ct::print(i, "Linear: weight", linear->weight.shape(), "bias", linear->bias.shape());
    else ct::print(i, "no Linear:", ct::nn::to_string(*net->ptr(i)), "without parameters");
  }
  auto* first = net->ptr(0)->as<ct::nn::Linear>();
  auto* last = net->ptr(2)->as<ct::nn::Linear>();
  check_that(first && last && !net->ptr(1)->as<ct::nn::Linear>(), "0 and 2 are Linear, 1 is not");
  check_that(ct::to_string(first->weight.sizes()) == "[3, 5]" && ct::to_string(first->bias.sizes()) == "[3]",
             "a weight is (out, in)");
  check_that(ct::to_string(last->weight.sizes()) == "[1, 3]" && ct::to_string(last->bias.sizes()) == "[1]", "a bias is (out)");

  // %% [markdown]
  // ## 3. Children and the whole tree
  // `named_children()` lists what the model holds directly, `named_modules()` everything in it, the model itself first.

  // %%
  section("3. Children and the whole tree");
  std::string children, tree;
  for (const auto& item : net->named_children()) children += (children.empty() ? "" : ", ") + item.key();
  for (const auto& item : net->named_modules()) tree += (tree.empty() ? "" : ", ") + ("\"" + item.key() + "\"");
  ct::print("named_children:", children);
  ct::print("named_modules: ", tree, "  (the root comes first, with the empty name)");
  check_that(children == "0, 1, 2", "children are named by their numbers");
  check_that(tree == "\"\", \"0\", \"1\", \"2\"", "the root has the empty name");
  // In a nested model, names are joined by dots, and only the tree shows the inner modules.
  ct::nn::Sequential nested{ct::nn::Linear(5, 3), ct::nn::Sequential{ct::nn::ReLU(), ct::nn::Linear(3, 1)}};
  std::string inner;
  for (const auto& item : nested->named_modules()) inner += (inner.empty() ? "" : ", ") + ("\"" + item.key() + "\"");
  ct::print("nested:        ", inner);
  check_that(inner == "\"\", \"0\", \"1\", \"1.0\", \"1.1\"", "names of nested modules are joined by dots");

  // %% [markdown]
  // ## 4. Parameters
  // `named_parameters()` lists what is learnt. A `Linear` from $m$ to $n$ features has $mn$ weights and $n$ biases, so this net
  // has $(5+1)\cdot3+(3+1)\cdot1=22$ numbers.

  // %%
  section("4. Parameters");
  for (const auto& item : net->named_parameters())
    ct::print(item.key(), item.value().shape(), "requires_grad", item.value().requires_grad());
  ct::print("0.weight[0] =", first->weight[0].detach());
  ct::print("0.bias      =", first->bias.detach());
  ct::print("numbers to be learned:", count(*net));
  check(first->weight[0].slice(0, 0, 3), {-0.0033482, 0.2399049, -0.3680770});
  check(first->bias, {0.0165664, 0.1767993, 0.2683384});
  check(static_cast<double>(count(*net)), 22);  // (5 + 1) * 3 + (3 + 1) * 1

  // %% [markdown]
  // ## 5. What a Linear computes
  // $y=xW^\top+b$, in Python `input @ W.T + b`. The weight is stored as (out, in), one row per output, which is why it is
  // transposed here, and why printing its shape gives the sizes in the order opposite to `Linear(in, out)`. The whole net is
  // $\mathrm{relu}(xW_0^\top+b_0)\,W_2^\top+b_2$.

  // %%
  section("5. By hand");
  auto x = ct::randn({4, 5});
  auto by_layer = net(x);
  auto hidden = ct::matmul(x, first->weight.t()) + first->bias;
  auto by_hand = ct::matmul(hidden.clamp_min(0), last->weight.t()) + last->bias;
  ct::print("net(x)  ", by_layer.detach().flatten());
  ct::print("by hand ", by_hand.detach().flatten());
  check(by_hand, by_layer, 1e-5, 1e-6);

  // %% [markdown]
  // ## 6. An input that does not fit
  // The second size in the message is that of $W^\top$: the layer expects 5 numbers in each row of its input.

  // %%
  section("6. An input that does not fit");
  show_error([&] { net(ct::ones({4, 4})); }, "mat1 and mat2 shapes cannot be multiplied (4x4 and 5x3)");

  // %% [markdown]
  // ## Questions

  // %%
  ct::nn::Sequential digits{ct::nn::Linear(784, 128), ct::nn::ReLU(), ct::nn::Linear(128, 10)};
  ask("How many numbers does Sequential(Linear(784, 128), ReLU(), Linear(128, 10)) learn?",
      number(static_cast<double>(count(*digits)), 0), "785 * 128 + 129 * 10: every output has one weight per input, and a bias.");
  const std::string shape = ct::to_string(ct::nn::Linear(7, 2)->weight.sizes());
  ask("What is the shape of the weight of Linear(7, 2)?",
      choice(
          {{"[7, 2]", shape == "[7, 2]"}, {"[2, 7]", shape == "[2, 7]"}, {"[7]", shape == "[7]"}, {"[2, 8]", shape == "[2, 8]"}}),
      "(out, in): a row per output. The bias is separate, with shape [2].");
  const auto names = nested->named_modules();
  ask("Which names does named_modules() list for Sequential(Linear, Sequential(ReLU, Linear))?",
      several({{"the empty name", names.contains("")},
               {"0", names.contains("0")},
               {"2", names.contains("2")},
               {"1.0", names.contains("1.0")},
               {"1.weight", names.contains("1.weight")}}),
      "The root has the empty name, inner modules have dotted names. Parameters such as 1.1.weight are in named_parameters().");
  return finish();
}
