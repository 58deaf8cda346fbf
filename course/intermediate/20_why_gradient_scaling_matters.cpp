// Lesson 20: Why scale factors matter
// Level: intermediate
// Concepts: scale of accumulated gradients, sum and mean, half precision and loss scaling, clip_grad_norm_
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/amp.h>
#include <cotangent/nn.h>
#include <cotangent/optim.h>

#include <cmath>
#include <vector>
#include "common/lesson.h"

using namespace lesson;

// The gradient of a bias-free linear model, accumulated over k equal pieces of the batch, each loss multiplied by `scale`.
static ct::Tensor gradient(ct::nn::Linear& model, const ct::Tensor& x, const ct::Tensor& y, std::int64_t k, double scale,
                           bool sum = false) {
  model->zero_grad(/*set_to_none=*/true);
  const std::int64_t n = x.size(0) / k;
  for (std::int64_t i = 0; i < k; ++i) {
    auto difference = model(x.slice(0, i * n, (i + 1) * n)) - y.slice(0, i * n, (i + 1) * n);
    auto loss = sum ? difference.pow(2).sum() : difference.pow(2).mean();
    (loss * scale).backward();
  }
  return model->weight.grad().detach().clone();
}

int main() {
  // %% [markdown]
  // # Why scale factors matter
  // A gradient that is twice too large looks healthy: it has the right direction, and the loss falls, for a while. But the
  // step is that of twice the learning rate. Here are the places where such factors come from, and one place where they are
  // put in on purpose.

  // %% [markdown]
  // ## 1. Two halves without a scale
  // A batch of 4 in two halves, each with its mean loss. The two gradients add up to twice the gradient of the whole.

  // %%
  section("1. Two halves without a scale");
  ct::manual_seed(3);
  ct::nn::Linear a(ct::nn::LinearOptions(3, 1).bias(false)), b(ct::nn::LinearOptions(3, 1).bias(false));
  {
    ct::NoGradGuard no_grad;
    b->weight.copy_(a->weight);  // two models, the same numbers
  }
  auto x = ct::randn({4, 3}), y = ct::randn({4, 1});
  ct::print("weight   ", a->weight.detach().flatten());
  check(b->weight.flatten(), {-0.5724272, -0.4554493, -0.2472878});
  const auto full = gradient(a, x, y, 1, 1), unscaled = gradient(b, x, y, 2, 1), scaled = gradient(b, x, y, 2, 0.5);
  ct::print("full     ", full.flatten());
  ct::print("unscaled ", unscaled.flatten(), " twice the gradient");
  ct::print("scaled   ", scaled.flatten());
  check(full.flatten(), {-0.7326456, -2.7886488, 0.2189358});
  check(unscaled.flatten(), {-1.4652911, -5.5772983, 0.4378715});
  check(unscaled, 2 * full, 0, 1e-6);
  check((scaled - full).abs().max().item<double>(), 0, 0, 5e-7);

  // %% [markdown]
  // ## 2. Sum and mean
  // The gradient of a mean does not depend on how many samples there are; that of a sum grows with them:
  //
  // $$\sum_{i=1}^{n}\ell_i=n\cdot\frac1n\sum_{i=1}^{n}\ell_i.$$
  //
  // 8 samples: factor 8.

  // %%
  section("2. Sum and mean");
  auto x8 = ct::cat({x, x}), y8 = ct::cat({y, y});
  const auto mean8 = gradient(a, x8, y8, 1, 1), sum8 = gradient(a, x8, y8, 1, 1, true),
             sum8_scaled = gradient(a, x8, y8, 1, 1.0 / 8, true);
  ct::print("mean of 8", mean8.flatten());
  ct::print("sum of 8 ", sum8.flatten());
  check(mean8, full, 1e-5, 1e-6);  // the same samples twice: the same mean
  check(sum8, 8 * mean8, 1e-5, 1e-5);
  check(sum8_scaled, mean8, 1e-5, 1e-6);
  // A sum over pieces needs no scale at all: pieces of sums add up to the sum.
  check(gradient(a, x8, y8, 4, 1, true), sum8, 1e-5, 1e-5);

  // %% [markdown]
  // ## 3. Half precision: a gradient that underflows
  // A `float16` has 5 bits for the exponent. Its smallest number above zero is $2^{-24}=5.96\cdot10^{-8}$; what is below half of
  // it becomes 0, and a parameter with such gradients stops learning. So the *loss* is multiplied by a large number, say
  // $2^{16}$, before backward: all gradients are 65536 times larger and survive. They are divided again in `float32`, which has
  // room for small numbers.

  // %%
  section("3. A gradient that underflows");
  const double smallest = ct::tensor({5.96e-8}).to(ct::kHalf).item<double>();
  const double tiny = 1e-8;
  const auto lost = ct::tensor({tiny}).to(ct::kHalf);
  const auto kept = ct::tensor({tiny * 65536}).to(ct::kHalf);
  const double restored = (kept.to(ct::kFloat) / 65536).item<double>();
  ct::print("smallest number of float16:", ct::scientific(smallest, 2));
  ct::print("1e-8 in float16:", lost.item<double>(), "   times 2^16:", ct::scientific(kept.item<double>(), 4),
            "   divided in float32:", ct::scientific(restored, 4));
  check(smallest, 5.96e-8, 1e-3, 0);
  check(lost, {0}, 0, 0);
  check(restored, tiny, 1e-3, 0);

  // The same within a backward: a derivative of 1e-4, once in float32 and once in float16. The loss itself stays in float32, for
  // 2^16 is more than float16 can hold (65504).
  auto w = ct::ones({1}, ct::dtype(ct::kHalf).requires_grad(true));
  ((w * 1e-4).to(ct::kFloat) * 1e-4).sum().backward();
  const double underflowed = w.grad().item<double>();
  w.mutable_grad().reset();
  (((w * 1e-4).to(ct::kFloat) * 1e-4).sum() * 65536).backward();
  const double survived = w.grad().to(ct::kFloat).item<double>() / 65536;
  ct::print("w.grad:", underflowed, "   with the loss times 2^16, divided again:", ct::scientific(survived, 3));
  check(underflowed, 0, 0, 0);
  check(survived, 1e-8, 2e-3, 0);

  // %% [markdown]
  // ## 4. `GradScaler` does it
  // It multiplies, divides before the step, and skips a step whose gradients overflowed, with half the scale the next time.

  // %%
  section("4. GradScaler does it");
  auto p = ct::ones({1}, ct::requires_grad());
  ct::optim::SGD optimizer({p}, ct::optim::SGDOptions(0.1));
  ct::amp::GradScaler scaler(/*init_scale=*/65536);
  scaler.scale((3 * p).sum()).backward();
  ct::print("scaled gradient  ", p.grad());
  check(p.grad(), {3 * 65536.0});
  bool stepped = scaler.step(optimizer);
  scaler.update();
  ct::print("step taken:", stepped, "  p =", p.detach(), "  scale", scaler.get_scale());
  check(p, {0.7});
  optimizer.zero_grad();
  scaler.scale((p * 3e38).sum()).backward();  // times 65536: larger than float32 can hold
  stepped = scaler.step(optimizer);
  scaler.update();
  ct::print("step taken:", stepped, " p =", p.detach(), "  scale", scaler.get_scale());
  check_that(!stepped, "infinite gradients: no step");
  check(p, {0.7});
  check(scaler.get_scale(), 32768);

  // %% [markdown]
  // ## 5. Clipping: a factor that depends on the gradient
  // All gradients together are seen as one vector $g$. If it is longer than `max_norm`, it is shortened; its direction stays:
  //
  // $$g\leftarrow g\cdot\min\left(1,\ \frac{c}{\|g\|+10^{-6}}\right),\qquad c=\mathtt{max\_norm}.$$

  // %%
  section("5. Clipping: a factor that depends on the gradient");
  std::vector<ct::Tensor> parameters = {ct::zeros({2}, ct::requires_grad()), ct::zeros({1}, ct::requires_grad())};
  parameters[0].mutable_grad() = ct::tensor({3.0, 4.0});
  parameters[1].mutable_grad() = ct::tensor({12.0});
  const double norm = ct::nn::utils::clip_grad_norm_(parameters, /*max_norm=*/1);
  const double norm_after = ct::nn::utils::clip_grad_norm_(parameters, 1);
  ct::print("norm before", norm, " after", ct::fixed(norm_after, 4), " gradients", parameters[0].grad(), parameters[1].grad());
  check(norm, 13);  // sqrt(9 + 16 + 144)
  check(parameters[0].grad(), {0.2307692, 0.3076923});
  check(parameters[1].grad(), {0.9230769});
  check(norm_after, 1, 1e-6);
  parameters[1].mutable_grad() = ct::full({1}, std::nan(""));
  show_error([&] { ct::nn::utils::clip_grad_norm_(parameters, 1, 2, /*error_if_nonfinite=*/true); }, "so it cannot be clipped");

  // %% [markdown]
  // ## Questions

  // %%
  auto factor = [&](std::int64_t k) { return (gradient(a, x8, y8, k, 1).flatten()[0] / mean8.flatten()[0]).item<double>(); };
  check(factor(2), 2, 1e-5);
  ask("A batch is split into 4 equal pieces whose mean losses are back-propagated without a scale. By which factor is the "
      "gradient too large?",
      number(factor(4)), "Four means are added instead of averaged. The learning rate is four times the one you set.");
  ask("reduction = sum, a batch of 8. By which factor must the loss be multiplied to give the gradient of the mean?",
      number((mean8.flatten()[0] / sum8.flatten()[0]).item<double>()),
      "1/8. With a sum, the learning rate has to shrink as batches grow.");
  ask("Gradients [3, 4] and [12] are clipped to a norm of 1. What becomes of the 12?",
      number(parameters[0].grad()[0].item<double>() * 4),
      "All are multiplied by 1/13, so 12 becomes 0.923: one factor for all keeps the direction.");
  ask("Which of these survive in float16?",
      several({{"1e-4", ct::tensor({1e-4}).to(ct::kHalf).item<double>() != 0},
               {"1e-7", ct::tensor({1e-7}).to(ct::kHalf).item<double>() != 0},
               {"1e-8", ct::tensor({1e-8}).to(ct::kHalf).item<double>() != 0},
               {"1e-8 times 2^16", kept.item<double>() != 0}}),
      "The smallest number is 5.96e-8; 1e-7 rounds to twice it, with hardly a digit left, 1e-8 to zero.");
  return finish();
}
