// Lesson 10: no_grad, a region without tracking
// Level: beginner
// Concepts: NoGradGuard, nesting, exceptions, one loop for training and evaluation, views made inside, inference mode
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include "common/lesson.h"

using namespace lesson;

// Whether operations are recorded inside of two guards, the outer one and the inner one.
static bool records_inside(bool outer, bool inner) {
  ct::AutoGradMode first(outer);
  ct::AutoGradMode second(inner);
  return ct::GradMode::is_enabled();
}

int main() {
  // %% [markdown]
  // # no_grad, a region without tracking
  // Python says `with torch.no_grad():` and indents. In C++ the same is a guard: a variable that switches the recording off where
  // it is made, and back to what it was where its scope ends.

  // %% [markdown]
  // ## 1. Inside and outside
  // The same computation before, within and after the guard's scope. What counts is where the *operation* runs, not where its
  // inputs were made.

  // %%
  section("1. Inside and outside");
  auto x = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto y = x.pow(2).sum();
  ct::print("before: y tracked:", y.requires_grad());
  check_that(y.requires_grad() && ct::GradMode::is_enabled(), "tracking is on from the start");
  {
    ct::NoGradGuard no_grad;
    auto inside = x.pow(2).sum();
    ct::print("inside: tracked:", inside.requires_grad(), " x itself still asks:", x.requires_grad());
    check_that(!inside.requires_grad() && x.requires_grad() && !ct::GradMode::is_enabled(), "results inside never require grad");
  }
  auto z = (x + 1).sum();
  ct::print("after:  z tracked:", z.requires_grad());
  check_that(z.requires_grad() && ct::GradMode::is_enabled(), "the state is back");

  // %% [markdown]
  // ## 2. Back to what it was, whatever happens
  // The guard restores what it found when its scope ends: also when an exception leaves it, and also inside another guard.

  // %%
  section("2. Back to what it was, whatever happens");
  show_error([] {
    ct::NoGradGuard no_grad;
    ct::ones({2, 3}).matmul(ct::ones({2, 3}));  // leaves the scope by an exception
  }, "mat1 and mat2 shapes cannot be multiplied");
  ct::print("after the exception, recording:", ct::GradMode::is_enabled());
  check_that(ct::GradMode::is_enabled(), "the guard restores after an exception");
  {
    ct::NoGradGuard outer;
    {
      ct::NoGradGuard inner;
    }
    ct::print("after the inner of two guards, recording:", ct::GradMode::is_enabled());
    check_that(!ct::GradMode::is_enabled(), "an inner guard restores what the outer one had set");
  }

  // %% [markdown]
  // ## 3. One loop for training and evaluation
  // `AutoGradMode` takes a bool, so the same code can run with and without tracking.

  // %%
  section("3. One loop for training and evaluation");
  for (bool training : {true, false}) {
    ct::AutoGradMode mode(training);  // Python: with torch.set_grad_enabled(training):
    auto out = x.pow(2).sum();
    ct::print("training:", training, " tracked:", out.requires_grad());
    check_that(out.requires_grad() == training, "the mode decides");
  }
  // Without a scope: GradMode::set_enabled(..), Python's torch.set_grad_enabled(..), changes the state until the next change, and
  // nobody changes it back for you. GradMode::is_enabled() is torch.is_grad_enabled().
  ct::GradMode::set_enabled(false);
  check_that(!(2 * x).requires_grad(), "off");
  ct::GradMode::set_enabled(true);
  check_that((2 * x).requires_grad(), "on");

  // %% [markdown]
  // ## 4. No tracking is not no gradient
  // The guard stops the recording of what is computed now. Gradients that are there stay, and a record that was made outside can
  // be walked inside.

  // %%
  section("4. No tracking is not no gradient");
  y.backward();
  {
    ct::NoGradGuard no_grad;
    ct::print("x.grad inside =", x.grad());
    check(x.grad(), {2, 4, 6});
  }
  // Clearing, by contrast, removes what an earlier backward has left.
  x.mutable_grad().reset();
  check_that(!x.grad().defined(), "only reset() removes the gradient");
  auto again = x.pow(2).sum();
  {
    ct::NoGradGuard no_grad;
    again.backward();  // the record was made outside, so it can be walked inside
  }
  ct::print("x.grad from a backward inside =", x.grad());
  check(x.grad(), {2, 4, 6});

  // %% [markdown]
  // ## 5. A leaf that is made inside
  // Asking for a gradient is a property of the new tensor, not an operation to record: the guard does not stop it.

  // %%
  section("5. A leaf that is made inside");
  ct::Tensor made_inside;
  {
    ct::NoGradGuard no_grad;
    made_inside = ct::ones({2}, ct::requires_grad());
  }
  ct::print("made inside:", made_inside, " tracked from now on:", (2 * made_inside).requires_grad());
  check_that(made_inside.requires_grad() && made_inside.is_leaf() && (2 * made_inside).requires_grad(), "it is a tracked leaf");

  // %% [markdown]
  // ## 6. A view that is made inside
  // A view shares the memory of `x`. Written to outside, backward would have to know how it came from `x`, which was not
  // recorded.

  // %%
  section("6. A view that is made inside");
  ct::Tensor view;
  {
    ct::NoGradGuard no_grad;
    view = x.view({3, 1});
  }
  show_error([&] { view.mul_(2); }, "A view was created in no_grad mode and is being modified inplace with grad mode enabled");

  // %% [markdown]
  // ## 7. Inference mode: the stricter sister
  // Tensors made under `InferenceMode` can never take part in a graph. They need no count of writes, which saves a little.

  // %%
  section("7. Inference mode: the stricter sister");
  ct::Tensor inference;
  {
    ct::InferenceMode mode;
    inference = ct::ones({3});
  }
  show_error([&] { x * inference; }, "Inference tensors cannot be saved for backward");
  show_error([&] { inference.add_(1); }, "Inplace update to inference tensor outside InferenceMode is not allowed");
  show_error([&] { inference.requires_grad_(); },
             "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed");

  // %% [markdown]
  // ## Questions

  // %%
  ask("Two guards, one inside the other. In which cases are operations inside both of them recorded?",
      several({{"NoGradGuard, inside it NoGradGuard", records_inside(false, false)},
               {"NoGradGuard, inside it AutoGradMode(true)", records_inside(false, true)},
               {"AutoGradMode(true), inside it NoGradGuard", records_inside(true, false)},
               {"AutoGradMode(true), inside it AutoGradMode(true)", records_inside(true, true)}}),
      "The innermost guard decides. (Python calls AutoGradMode(true) torch.enable_grad().)");
  ct::Tensor leaf, squared;
  {
    ct::NoGradGuard no_grad;
    leaf = ct::ones({2}, ct::requires_grad());
    squared = leaf * leaf;
  }
  ask("Inside of a NoGradGuard, p = ones(2) is made with requires_grad, and q = p * p is computed. Which are tracked?",
      several({{"p", leaf.requires_grad()},
               {"q", squared.requires_grad()},
               {"p * p, computed after the guard has ended", (leaf * leaf).requires_grad()}}),
      "p is a leaf that asks; the guard stops only the recording of operations, and only until it ends.");
  ct::Tensor made_no_grad, made_inference;
  {
    ct::NoGradGuard no_grad;
    made_no_grad = ct::ones({3});
  }
  {
    ct::InferenceMode mode;
    made_inference = ct::ones({3});
  }
  ask("t was made in a region without tracking. In which case does x * t work afterwards, for an x that asks for a gradient?",
      choice({{"the region was a NoGradGuard", works([&] { x * made_no_grad; }) && !works([&] { x * made_inference; })},
              {"the region was an InferenceMode", !works([&] { x * made_no_grad; }) && works([&] { x * made_inference; })},
              {"in both", works([&] { x * made_no_grad; }) && works([&] { x * made_inference; })}}),
      "The product has to keep t for the derivative by x. An ordinary tensor can be kept, an inference tensor cannot.");
  return finish();
}
