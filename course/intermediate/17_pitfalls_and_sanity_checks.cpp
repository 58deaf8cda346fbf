// Lesson 17: The clinic
// Level: intermediate
// Concepts: every common failure with its cure, failures without an error, sanity checks
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/nn.h>
#include <cotangent/optim.h>

#include <algorithm>
#include <cmath>
#include <vector>
#include "common/lesson.h"

using namespace lesson;

static ct::Tensor leaf() { return ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad()); }

// The largest difference between the gradient of f at x and central differences of f's values, in float64.
static double gradient_error(ct::Tensor (*f)(const ct::Tensor&), const ct::Tensor& at) {
  auto x = at.clone().requires_grad_();
  f(x).backward();
  double worst = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto up = at.clone(), down = at.clone();
    up[i].add_(1e-6);
    down[i].sub_(1e-6);
    worst = std::max(worst, std::abs(((f(up) - f(down)) / 2e-6 - x.grad()[i]).item<double>()));
  }
  return worst;
}
// How many of the net's parameters one step changes.
static int moved_by_a_step(ct::nn::Sequential& net, const ct::Tensor& x, const ct::Tensor& classes) {
  std::vector<ct::Tensor> before;
  for (const auto& p : net->parameters()) before.push_back(p.detach().clone());
  ct::optim::SGD optimizer(net->parameters(), ct::optim::SGDOptions(0.1));
  ct::cross_entropy_loss(net(x), classes).backward();
  optimizer.step();
  int moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += !ct::equal(net->parameters()[i], before[i]);
  return moved;
}

int main() {
  // %% [markdown]
  // # The clinic
  // Welcome to the ward. Every patient is a small program that somebody believed in. First those that complain loudly:
  // their errors are help, and reading one to its end saves an hour. Then the quiet ones, who smile and are wrong. Last,
  // the check-ups that find both before a night of training is lost. Each case has its cure beside it.

  // %% [markdown]
  // ## Reception: who is tracked?
  // Two rules explain most cases: one tracked input makes the result tracked, and under a `NoGradGuard` nothing is.

  // %%
  section("Reception: who is tracked?");
  auto tracked = leaf(), untracked = ct::ones({3});
  ct::nn::Linear linear(4, 2);
  auto input = ct::ones({8, 4}, ct::requires_grad());
  ct::Tensor output;
  {
    ct::NoGradGuard no_grad;
    output = linear(input);
  }
  ct::print("tracked + untracked:", (tracked + untracked).requires_grad(),
            "  a layer under NoGradGuard:", output.requires_grad());
  check_that((tracked + untracked).requires_grad(), "one tracked input is enough");
  check_that(!output.requires_grad() && output.size(1) == 2, "under the guard nothing is recorded, whatever is tracked");

  // %% [markdown]
  // ## First ward: they say what hurts
  //
  // ### 1. Backward has nowhere to start

  // %%
  section("1. Backward has nowhere to start");
  auto forgotten = ct::tensor({1.0, 2.0, 3.0});
  show_error([&] { forgotten.pow(2).sum().backward(); },
             "element 0 of tensors does not require grad and does not have a grad_fn");
  forgotten.requires_grad_();  // cure, before the forward
  forgotten.pow(2).sum().backward();
  check(forgotten.grad(), {2, 4, 6});
  // Or somebody computed with numbers. Python stops you at that door ("Can't call numpy() on Tensor that requires grad"); here
  // item() and data_ptr() let you out, and there is no way back.
  auto angle = ct::tensor({0.5}, ct::requires_grad());
  show_error([&] { ct::tensor({std::sin(angle.item<double>())}).backward(); }, "does not require grad");
  angle.sin().backward();  // cure: stay with tensors
  check(angle.grad(), {std::cos(0.5)});

  // %% [markdown]
  // ### 2. A vector is no loss
  // Backward starts from one number, or from a direction that you give it (lesson 22).

  // %%
  section("2. A vector is no loss");
  auto x = leaf();
  show_error([&] { (2 * x).backward(); }, "grad can be implicitly created only for scalar outputs");
  show_error([&] { (2 * x).backward(ct::ones({2})); }, "invalid gradient at index 0");
  (2 * x).sum().backward();         // cure: reduce it ..
  (2 * x).backward(ct::ones({3}));  // .. or give a direction of its shape; this adds to the first
  check(x.grad(), {4, 4, 4});

  // %% [markdown]
  // ### 3. A graph serves once
  // What was saved for backward is freed by it (lesson 03).

  // %%
  section("3. A graph serves once");
  auto loss = leaf().pow(2).sum();
  loss.backward();
  show_error([&] { loss.backward(); }, "Trying to backward through the graph a second time");  // cure: a fresh forward

  // %% [markdown]
  // ### 4. Changed behind backward's back
  // The derivative of $e^x$ is its own value, so `exp` saves its result; that of $w^2$ is $2w$, so `pow` saves its input.
  // Whoever overwrites what was saved is found out by a counter of writes.

  // %%
  section("4. Changed behind backward's back");
  auto w = leaf();
  show_error([&] { w -= 1; }, "a leaf Variable that requires grad is being used in an in-place operation");
  auto e = w.exp();  // its derivative is its own value, so exp saved it
  e.add_(1);
  show_error([&] { e.sum().backward(); }, "which is output 0 of ExpBackward0, is at version 1; expected version 0 instead");
  auto early = w.pow(2).sum();
  {
    ct::NoGradGuard no_grad;
    w -= 1;  // allowed, but too early: backward of `early` needs the old w
  }
  show_error([&] { early.backward(); }, "modified by an inplace operation");
  (w.exp() + 1).sum().backward();  // cure: out of place, and updates after backward
  check(w.grad(), {1, std::exp(1.0), std::exp(2.0)});

  // %% [markdown]
  // ### 5. Shapes, dtypes, and one number where there are three
  // Six errors whose second line names the cure: a transpose, `x.to(ct::kFloat)`, a decimal point, `sum()`, `all()`.

  // %%
  section("5. Shapes, dtypes, and one number where there are three");
  auto m = ct::ones({2, 3});
  show_error([&] { ct::matmul(m, m); }, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)");
  show_error([] { ct::ones({3}) + ct::ones({4}); },
             "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0");
  show_error([&] { ct::matmul(m, ct::ones({3, 2}, ct::kDouble)); }, "expected scalar type Float but found Double");
  show_error([] { ct::arange(3).requires_grad_(); }, "Only Tensors of floating point and complex dtype can require gradients");
  show_error([] { leaf().item(); }, "cannot be converted to Scalar");
  show_error([] { (leaf() > 0).is_nonzero(); }, "Boolean value of Tensor with more than one value is ambiguous");
  check(ct::matmul(m, m.t()), 3 * ct::ones({2, 2}));
  check_that((leaf() > 0).all().item<bool>() && leaf().sum().item<double>() == 6, "all() and sum() make one number");

  // %% [markdown]
  // ## Second ward: no error, wrong anyway
  //
  // ### 6. The gradient that grows

  // %%
  section("6. The gradient that grows");
  auto g = leaf();
  for (int i = 0; i < 3; ++i) g.pow(2).sum().backward();
  const auto grown = g.grad().clone();
  g.mutable_grad().reset();  // cure: zero before each backward
  g.pow(2).sum().backward();
  ct::print("three backwards without zeroing:", grown, " one:", g.grad());
  check(grown, {6, 12, 18});
  check(g.grad(), {2, 4, 6});

  // %% [markdown]
  // ### 7. The parameter that is none any more, and the edit that nobody saw
  // Two updates that passed. One gave the name of a parameter to a result (lesson 11), the other one changed values past the
  // counter of case 4.

  // %%
  section("7. The parameter that is none any more, and the edit that nobody saw");
  auto p = g - 0.1 * g.grad();
  ct::print("after `p = p - lr * p.grad`: leaf", p.is_leaf(), "made by", p.grad_fn()->name());
  check_that(!p.is_leaf(), "an update out of place makes a result, and results get no gradient");
  // Cure: `p -= ..` under NoGradGuard, as in lesson 11.
  auto d = ct::tensor({1.0, 2.0}, ct::requires_grad());
  auto squares = d.pow(2).sum();
  d.data().sub_(0.5);  // Python: d.data -= 0.5, as in old tutorials; it passes the version counter by
  squares.backward();
  ct::print("after an edit through .data: gradient", d.grad(), "where [2, 4] is right");
  check(d.grad(), {1, 3});  // cure: NoGradGuard in place of .data makes it the error of case 4

  // %% [markdown]
  // ### 8. A column minus a row
  // Shapes $(3,1)$ and $(3)$ broadcast to $(3,3)$: every prediction meets every target.

  // %%
  section("8. A column minus a row");
  auto target = ct::tensor({1.0, 2.0, 3.0}), prediction = target.unsqueeze(1);  // a perfect model
  const double crossed = (prediction - target).pow(2).mean().item<double>();
  ct::print(prediction.shape(), "-", target.shape(), "=", (prediction - target).shape(), "  loss", ct::fixed(crossed, 4));
  check(crossed, 1.333333);
  show_warning([&] { ct::nn::MSELoss()(prediction, target); },
               "Using a target size ([3]) that is different to the input size ([3, 1])");
  check(ct::mse_loss(prediction.squeeze(1), target).item<double>(), 0);  // cure: equal shapes

  // %% [markdown]
  // ### 9. The sum of losses that holds every graph
  // The number is right. What it costs is memory, more with each step.

  // %%
  section("9. The sum of losses that holds every graph");
  auto kept = ct::zeros({});
  double total = 0;
  for (int i = 0; i < 100; ++i) {
    auto step_loss = leaf().pow(2).sum();
    kept = kept + step_loss;            // a graph of 100 steps by the end, with all that they saved
    total += step_loss.item<double>();  // cure
  }
  ct::print("as a tensor", kept, " as a number", total);
  check_that(kept.requires_grad() && kept.item<double>() == total && total == 1400, "the same sum, with and without history");

  // %% [markdown]
  // ### 10. Not a number, out of nothing
  // The derivative of $\sqrt z$ is $\frac1{2\sqrt z}$, infinite at 0. A mask that comes afterwards sends the gradient 0 there,
  // and $0\cdot\infty$ is not a number.

  // %%
  section("10. Not a number, out of nothing");
  auto z = ct::tensor({0.0, 4.0}, ct::requires_grad()), mask = ct::tensor({0.0, 1.0});
  (z.sqrt() * mask).sum().backward();
  const bool is_nan = z.grad()[0].isnan().item<bool>();
  ct::print("gradient", z.grad(), "  0 times the infinite slope of the root");
  check_that(is_nan && z.grad()[1].item<double>() == 0.25, "the masked element is nan");
  z.mutable_grad().reset();
  (ct::where(mask > 0, z, ct::ones({2})).sqrt() * mask).sum().backward();  // cure: mask what goes *into* the root
  check(z.grad(), {0, 0.25});

  // %% [markdown]
  // ### 11. Who made it?
  // A nan in a gradient says nothing about where it comes from. In anomaly mode backward stops at the first one.

  // %%
  section("11. Who made it?");
  auto hunt = [&] {
    ct::autograd::DetectAnomalyGuard detect;  // while it lives, backward stops at the first nan and says where it was made
    (z.sqrt() * mask).sum().backward();
  };
  show_error(hunt, "Function 'SqrtBackward0' returned nan values in its 0th output.");

  // %% [markdown]
  // ### 12. In the wrong mode
  // Dropout draws anew in every forward while the net is in training mode, also when you evaluate it.

  // %%
  section("12. In the wrong mode");
  ct::manual_seed(0);
  ct::nn::Sequential noisy{ct::nn::Linear(4, 8), ct::nn::Dropout(0.5), ct::nn::Linear(8, 1)};
  const auto same = ct::ones({1, 4});
  const bool training_repeats = ct::equal(noisy(same), noisy(same));
  noisy->eval();  // cure, before evaluation; train() switches back
  const bool eval_repeats = ct::equal(noisy(same), noisy(same));
  ct::print("the same input twice gives the same output: in training", training_repeats, " in evaluation", eval_repeats);
  check_that(!training_repeats && eval_repeats, "dropout draws anew in training only");

  // %% [markdown]
  // ## Check-ups
  // Five minutes that find most of the above, without knowing what to look for.
  //
  // ### 13. Is the gradient that of the value?
  // Compare it with central differences, in `float64`, for each entry of the input:
  //
  // $$\frac{\partial f}{\partial x_i}\approx\frac{f(x+he_i)-f(x-he_i)}{2h}.$$

  // %%
  section("13. Is the gradient that of the value?");
  auto right = [](const ct::Tensor& t) { return (t.sin() * t).sum(); };
  auto cut = [](const ct::Tensor& t) { return (t.sin() * t.detach()).sum(); };  // the same value, but one path is missing
  const auto at = ct::tensor({0.3, -1.2, 2.0}, ct::kDouble);
  const double error_right = gradient_error(right, at), error_cut = gradient_error(cut, at);
  ct::print("agrees with differences:", error_right < 1e-8, "  with a detach too many:", error_cut < 1e-8);
  check_that(error_right < 1e-8 && error_cut > 0.1, "central differences tell them apart");
  // Ready-made, with a diagnosis of what is wrong: ct::autograd::gradcheck.

  // %% [markdown]
  // ### 14. Does a new model know nothing, and can it learn 8 samples by heart?
  // Who knows nothing about ten classes gives each the probability $\frac1{10}$, and the cross-entropy of that is
  // $-\log\frac1{10}=\log 10\approx2.30$.

  // %%
  section("14. Does a new model know nothing, and can it learn 8 samples by heart?");
  ct::manual_seed(0);
  ct::nn::Sequential net{ct::nn::Linear(20, 64), ct::nn::ReLU(), ct::nn::Linear(64, 10)};
  auto images = ct::randn({256, 20}), classes = ct::randint(0, 10, {256}, ct::kLong);
  const double initial = ct::cross_entropy_loss(net(images), classes).item<double>();
  const double shouting = ct::cross_entropy_loss(50 * net(images), classes).item<double>();
  ct::print("initial loss", ct::fixed(initial, 2), " log(10)", ct::fixed(std::log(10.0), 2), " outputs 50 times larger",
            ct::fixed(shouting, 2));
  check_that(std::abs(initial - std::log(10.0)) < 0.1, "ten classes, no knowledge: log(10)");
  check_that(shouting > 2 * initial, "a much larger loss says that the model is sure of nonsense");
  ct::optim::Adam optimizer(net->parameters(), ct::optim::AdamOptions(0.01));
  ct::Tensor batch_loss;
  for (int i = 0; i < 100; ++i) {
    optimizer.zero_grad();
    batch_loss = ct::cross_entropy_loss(net(images.slice(0, 0, 8)), classes.slice(0, 0, 8));
    batch_loss.backward();
    optimizer.step();
  }
  const bool by_heart = batch_loss.item<double>() < 0.05;
  ct::print("learnt by heart after 100 steps:", by_heart, " (a model that cannot has a bug, not too little data)");
  check_that(by_heart, "one batch can be learnt");

  // %% [markdown]
  // ### 15. Does every parameter move, by gradients of similar size?
  // One step, and a count of the parameters that it has changed: the cheapest check-up of all.

  // %%
  section("15. Does every parameter move, by gradients of similar size?");
  const int all_moved = moved_by_a_step(net, images, classes);
  for (const auto& item : net->named_parameters())
    ct::print(item.key(), "gradient norm", ct::fixed(item.value().grad().norm().item<double>(), 2));
  for (auto& q : net->ptr(0)->parameters()) q.requires_grad_(false);  // somebody froze a layer and forgot it
  net->zero_grad(/*set_to_none=*/true);
  const int moved_frozen = moved_by_a_step(net, images, classes);
  ct::print("moved by a step:", all_moved, "of 4; with a forgotten freeze:", moved_frozen);
  check_that(all_moved == 4 && moved_frozen == 2, "the count finds the frozen layer");

  // %% [markdown]
  // ## Questions

  // %%
  ask("A colleague's gradient of sum(w^2) at [1, 2, 3] is [6, 12, 18]. What is the matter?",
      choice({{"zero_grad() is missing: several backwards have added up", ct::equal(grown, 3 * g.grad())},
              {"w was edited through .data", ct::equal(grown, g.grad() - 1)},
              {"nothing", ct::equal(grown, g.grad())}}),
      "Three times [2, 4, 6]. A gradient that is a whole multiple of the right one is nearly always this.");
  ask("w = [1, 2], loss = sum(w^2); w is changed by -0.5 through .data before backward. Which first element does the gradient "
      "get?",
      number(d.grad()[0].item<double>()),
      "2 * 0.5: backward reads the w that it finds. The gradient of the loss that was computed is 2.");
  ask("A perfect model predicts with shape (3, 1), the targets [1, 2, 3] have shape (3). What is the mean squared error?",
      number(crossed),
      "Every prediction meets every target: (0+1+4+1+0+1+4+1+0) / 9. The loss cannot reach 0, and the model learns the mean.");
  ask("Which of these keep case 10 from giving nan?",
      several(
          {{"multiplying the root by 0", !is_nan}, {"replacing the 0 by 1 before the root", z.grad()[0].item<double>() == 0}}),
      "0 * inf is nan: what is masked afterwards has still been differentiated. Mask the input.");
  return finish();
}
