// Lesson 07: When to stop tracking
// Level: beginner
// Concepts: tracking as the default, inference, updates, logs and targets, what a recorded graph costs
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include "common/lesson.h"

using namespace lesson;

// How many recorded operations lie behind t, counted along the first inputs.
static int history(const ct::Tensor& t) {
  int n = 0;
  for (auto node = t.grad_fn(); node && node->num_outputs() > 0; node = node->next_edge(0).function) ++n;
  return n;
}

// Something that a program computes, and the result of code that does it right.
struct Situation {
  std::string text;
  ct::Tensor result;
};

int main() {
  // %% [markdown]
  // # When to stop tracking
  // As soon as one input asks for a gradient, everything computed from it is recorded. There are three places to stop that:
  // inference, updates, and whatever must not influence later gradients.

  // %% [markdown]
  // ## 1. Tracking is the default
  // $y=\sum_i\sin x_i$ has the gradient $\cos x$, and nobody had to ask for the record.

  // %%
  section("1. Tracking is the default");
  ct::manual_seed(0);
  auto x = ct::randn({3}, ct::requires_grad());
  auto y = x.sin().sum();
  y.backward();
  ct::print("x.grad =", x.grad());
  ct::print("cos x  =", x.detach().cos());
  check(x.grad(), {0.0297958, 0.9572578, -0.5712213});
  check(x.grad(), x.cos());

  // %% [markdown]
  // ## 2. First place: inference
  // Nobody will call backward on a prediction for a user. Without a record, nothing is kept for it either.

  // %%
  section("2. First place: inference");
  auto tracked = x.sin();
  ct::Tensor plain;
  {
    ct::NoGradGuard no_grad;  // Python: with torch.no_grad():
    plain = x.sin();
  }
  ct::print("tracked:", tracked);
  ct::print("plain:  ", plain);
  check_that(history(tracked) == 1 && !plain.grad_fn() && !plain.requires_grad(), "inside no_grad the result has no grad_fn");
  check_that(ct::equal(tracked, plain), "the values are the same");

  // %% [markdown]
  // ## 3. Second place: updates
  // The step from the old parameter to the new one is no part of the model. Recorded, it would be one; so it is refused.

  // %%
  section("3. Second place: updates");
  auto w = ct::tensor({2.0}, ct::requires_grad());
  w.pow(2).sum().backward();
  show_error([&] { w -= 0.1 * w.grad(); }, "a leaf Variable that requires grad is being used in an in-place operation");
  {
    ct::NoGradGuard no_grad;
    w -= 0.1 * w.grad();
  }
  ct::print("with the guard: w =", w);
  check(w, {1.6});
  check_that(w.is_leaf(), "w is still a leaf");

  // %% [markdown]
  // ## 4. Third place: what must not influence later gradients
  // Two examples. *A log*: adding up losses as tensors keeps the graph of every step alive, until the memory is full. *A target
  // that the model itself supplies*: if it is tracked, the model is rewarded for moving the target, too. Below, the target is
  // half of `u`, and the loss is $(u-t)^2$. With $t=\frac12u$ tracked, the loss is $\frac14u^2$ and its derivative $\frac12u$;
  // with $t$ detached, the derivative is $2(u-t)=u$.

  // %%
  section("4. Third place: what must not influence later gradients");
  auto total = ct::zeros({});
  double sum = 0;
  for (int step = 0; step < 100; ++step) {
    auto loss = w.pow(2).sum();
    total = total + loss;
    sum += loss.item<double>();  // a number has no history
  }
  ct::print("sum of 100 losses:", ct::fixed(sum, 4), " recorded behind the tensor:", history(total), "additions");
  check(total.item<double>(), sum);
  check(sum, 256);
  check(history(total), 100);

  // A target that the model itself supplies. Here it is half of u; the loss shall pull u to where the target stands now.
  auto u = ct::tensor({3.0}, ct::requires_grad());
  (u - 0.5 * u).pow(2).sum().backward();
  ct::print("target tracked:  gradient", u.grad(), "  (the target runs away, and that is counted)");
  check(u.grad(), {1.5});
  u.mutable_grad().reset();
  (u - (0.5 * u).detach()).pow(2).sum().backward();
  ct::print("target detached: gradient", u.grad(), "  (2 (u - target))");
  check(u.grad(), {3});

  // %% [markdown]
  // ## Questions

  // %%
  // Ten situations. Each result comes from code that does it right, and so shows what right is.
  std::vector<Situation> situations;
  auto inputs = ct::tensor({1.0, 2.0}), targets = ct::tensor({2.0, 4.0}), frozen = ct::tensor({0.5});
  auto p = ct::tensor({1.5}, ct::requires_grad());
  auto hidden = (inputs * p).tanh(), loss = (hidden * p - targets).pow(2).mean();
  loss.backward();
  situations.push_back({"the running sum of the losses, for a report", ct::tensor(loss.item<double>())});
  situations.push_back({"the output of a hidden layer in a training step", hidden});
  situations.push_back({"features from a pretrained part that shall stay as it is", inputs * frozen});
  situations.push_back({"the norm of the gradient, for a plot", p.grad().norm()});
  situations.push_back({"a penalty 0.01 * p^2 that is added to the loss", 0.01 * p.pow(2)});
  situations.push_back({"the target that a copy of the model predicts", (inputs * p).detach()});
  situations.push_back({"the loss that you call backward() on", loss});
  {
    ct::NoGradGuard no_grad;
    situations.push_back({"a prediction for a user", inputs * p});
    situations.push_back({"the new value of p in an update by hand", p - 0.1 * p.grad()});
    situations.push_back({"the error on the validation set", (inputs * p - targets).abs().mean()});
  }
  Answer ten = several({});
  for (const Situation& s : situations) ten.options.push_back({s.text, s.result.requires_grad()});
  check(static_cast<double>(ten.options.size()), 10);
  ask("Which of these ten have to be tracked?", ten,
      "What lies between the parameters and the loss is tracked; all else is inference, update or report.");
  auto copy = ct::zeros({});
  for (int step = 0; step < 100; ++step) copy = copy + w.pow(2).sum().detach();
  ask("In part 4, the sum is kept as total = total + loss.detach(). How many additions are recorded behind it after 100 steps?",
      number(history(copy), 0), "No input of the addition is tracked, so nothing is recorded.");
  ask("Are numbers computed under NoGradGuard less exact, or other ones?", yes_no(!ct::equal(tracked, plain)),
      "The operations are the same, to the last bit. Only the record is missing.");
  return finish();
}
