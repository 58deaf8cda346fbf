// Lesson 08: Turning tracking off: the flag and the context
// Level: beginner
// Concepts: requires_grad_(false), untracked results, freezing, the flag of a tensor against a region of the program
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include "common/lesson.h"

using namespace lesson;

// Two layers of one number each, input 2, target 0. Returns whether only the second one has got a gradient.
enum class Way { flag, guard_around_forward, guard_around_update };
static bool only_second_learns(Way way) {
  auto first = ct::tensor({1.0}, ct::requires_grad()), second = ct::tensor({3.0}, ct::requires_grad());
  if (way == Way::flag) first.requires_grad_(false);
  ct::Tensor loss;
  {
    ct::AutoGradMode mode(way != Way::guard_around_forward);
    loss = (2 * first * second).pow(2).sum();
  }
  if (!works([&] { loss.backward(); })) return false;
  ct::NoGradGuard update;
  return !first.grad().defined() && second.grad().defined();
}

int main() {
  // %% [markdown]
  // # Turning tracking off: the flag and the context
  // Two switches stop the recording. A *flag* belongs to one tensor and stays until it is changed; a *context* belongs to a
  // region of the program and ends with it. This lesson is about the flag; lesson 10 is about the context.

  // %% [markdown]
  // ## 1. Off by default
  // Most tensors are data. Only what is to be learnt has to ask.

  // %%
  section("1. Off by default");
  ct::manual_seed(0);
  auto plain = ct::tensor({1.0, 2.0});
  auto w = ct::randn({4}, ct::requires_grad());
  ct::print("plain.requires_grad:", plain.requires_grad(), " w.requires_grad:", w.requires_grad());
  check_that(!plain.requires_grad() && w.requires_grad(), "a tensor asks for a gradient only if you say so");
  check(w, {1.5409961, -0.2934289, -2.1787894, 0.5684313});

  // %% [markdown]
  // ## 2. The flag off
  // `requires_grad_(false)` touches no number. But what is computed from then on has no history, so backward has nowhere to
  // start.

  // %%
  section("2. The flag off");
  auto before = w.detach().clone();
  w.requires_grad_(false);  // no context needed, and no number is touched
  ct::print("w =", w);
  check_that(!w.requires_grad() && ct::equal(w, before), "only the flag has changed, the values are the same to the last bit");
  auto loss = w.pow(2).sum();
  ct::print("loss", ct::fixed(loss.item<double>(), 6), " requires_grad:", loss.requires_grad(),
            " has a grad_fn:", bool(loss.grad_fn()));
  check_that(!loss.requires_grad() && !loss.grad_fn(), "with no tracked input, the result has no history");
  show_error([&] { loss.backward(); }, "element 0 of tensors does not require grad and does not have a grad_fn");

  // %% [markdown]
  // ## 3. And on again
  // The old loss stays without history: what was not recorded cannot be found later. The forward computation runs again.

  // %%
  section("3. And on again");
  w.requires_grad_();
  show_error([&] { loss.backward(); }, "element 0 of tensors does not require grad and does not have a grad_fn");
  w.pow(2).sum().backward();
  ct::print("w.grad =", w.grad());
  check(w.grad(), 2 * w);

  // %% [markdown]
  // ## 4. The flag concerns one tensor, the context all of them
  // With one factor frozen and the other one not, the product is recorded, and the frozen factor is a constant in it. Inside a
  // `NoGradGuard`, nothing is recorded at all.

  // %%
  section("4. The flag concerns one tensor, the context all of them");
  auto frozen = ct::tensor({2.0}), learning = ct::tensor({5.0}, ct::requires_grad());
  auto product = (frozen * learning).sum();
  product.backward();  // one tracked input is enough for a history
  ct::print("with the flag:   product tracked:", product.requires_grad(), " frozen has a gradient:", frozen.grad().defined(),
            " learning.grad =", learning.grad());
  check(learning.grad(), {2});
  check_that(!frozen.grad().defined(), "the frozen factor gets no gradient");
  {
    ct::NoGradGuard no_grad;
    auto inside = frozen * learning;
    ct::print("in the context:  product tracked:", inside.requires_grad(),
              " learning still asks for a gradient:", learning.requires_grad());
    check_that(!inside.requires_grad() && learning.requires_grad(), "the context leaves flags alone, and records nothing");
  }

  // %% [markdown]
  // ## 5. Numbers that cannot be tracked
  // A derivative is about small changes, and integers have none.

  // %%
  section("5. Numbers that cannot be tracked");
  auto whole = ct::tensor({1, 2, 3});
  show_error([&] { whole.requires_grad_(); }, "Only Tensors of floating point and complex dtype can require gradients");

  // %% [markdown]
  // ## Questions

  // %%
  auto a = ct::tensor({1.0}, ct::requires_grad()), b = ct::tensor({1.0}, ct::requires_grad()),
       c = ct::tensor({1.0}, ct::requires_grad()), d = ct::tensor({1.0}, ct::requires_grad());
  a.requires_grad_(false);
  auto away = b.detach();
  {
    ct::NoGradGuard no_grad;
    c.mul_(2);
  }
  d.set_requires_grad(false);
  ask("w asks for a gradient. After which of these does w itself no longer?",
      several({{"w.requires_grad_(false)", !a.requires_grad()},
               {"auto v = w.detach()", !b.requires_grad()},
               {"w.mul_(2) under a NoGradGuard", !c.requires_grad()},
               {"w.set_requires_grad(false)", !d.requires_grad()}}),
      "detach() makes another tensor, and the guard stops the recording: neither touches the flag of w.");
  auto u = ct::tensor({2.0}), v = ct::tensor({3.0}, ct::requires_grad());
  (u * v * v).sum().backward();
  ask("u = 2 has the flag off, v = 3 has it on, loss = u * v * v. What is v.grad?", number(v.grad().item<double>()),
      "For v nothing changes: 2 u v. u is a constant factor.");
  ask("The first layer of a model shall stay as it is while the second one learns. What does that?",
      choice({{"requires_grad_(false) on the first layer's parameters", only_second_learns(Way::flag)},
              {"a NoGradGuard around the forward computation", only_second_learns(Way::guard_around_forward)},
              {"a NoGradGuard around the update", only_second_learns(Way::guard_around_update)}}),
      "The guard around the forward computation stops both, and backward() fails; around the update it is always needed, and the "
      "first layer has got a gradient by then.");
  return finish();
}
