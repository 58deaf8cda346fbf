// Lesson 18: Three ways to zero gradients
// Level: intermediate
// Concepts: zero_grad, set_to_none, zeros and no gradient, momentum and weight decay, memory and time
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/memory.h>
#include <cotangent/optim.h>

#include <algorithm>
#include <chrono>
#include <vector>
#include "common/lesson.h"

using namespace lesson;

// The median of the times, in microseconds, that clearing the gradient of a million numbers takes, backward not counted.
static double median_time(void (*clear)(ct::optim::SGD&, ct::Tensor&)) {
  auto w = ct::ones({1000000}, ct::requires_grad());
  ct::optim::SGD optimizer({w}, ct::optim::SGDOptions(0.1));
  std::vector<double> times;
  for (int i = 0; i < 21; ++i) {
    w.sum().backward();
    const auto start = std::chrono::steady_clock::now();
    clear(optimizer, w);
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}
// w = 1 takes a step with gradient 1, then another after its gradient was cleared: with zeros, or with none. The result.
static double second_step(bool set_to_none) {
  auto w = ct::ones({1}, ct::requires_grad());
  ct::optim::SGD optimizer({w}, ct::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.1));
  w.sum().backward();
  optimizer.step();
  optimizer.zero_grad(set_to_none);
  optimizer.step();
  return w.item<double>();
}

int main() {
  // %% [markdown]
  // # Three ways to zero gradients
  // `backward()` adds to `.grad`, so something has to clear it before the next one. `zero_grad()` makes it *none*
  // (undefined, in C++), `zero_grad(false)` fills it with zeros, and one can do it by hand. After the next backward there
  // is no difference. Before it there is: to an optimizer, zeros are a gradient, and none is none.

  // %% [markdown]
  // ## 1. The three ways
  // Until PyTorch 1.13, `zero_grad()` filled with zeros, and libtorch's C++ interface still does: old texts show zeros where you
  // see None. This library follows Python since 2.0.

  // %%
  section("1. The three ways");
  ct::manual_seed(1);
  auto w = ct::randn({3}, ct::requires_grad());
  ct::optim::SGD optimizer({w}, ct::optim::SGDOptions(0.1));
  ct::print("w =", w.detach());
  check(w, {0.6613522, 0.2669241, 0.0616773});

  w.pow(2).sum().backward();
  ct::print("backward:                     ", w.grad());
  check(w.grad(), {1.3227043, 0.5338482, 0.1233545});
  optimizer.zero_grad();
  const bool none_1 = !w.grad().defined();
  ct::print("zero_grad():                  ", w.grad());
  check_that(none_1, "zero_grad() leaves no gradient");

  w.pow(2).sum().backward();
  check(w.grad(), {1.3227043, 0.5338482, 0.1233545});  // the same each time: nothing was left over
  const float* memory = w.grad().data_ptr<float>();
  optimizer.zero_grad(/*set_to_none=*/false);
  const bool none_2 = !w.grad().defined();
  ct::print("zero_grad(set_to_none=false): ", w.grad());
  check(w.grad(), {0, 0, 0}, 0, 0);
  check_that(w.grad().data_ptr<float>() == memory, "zeros are written into the gradient that is there");

  w.pow(2).sum().backward();
  check(w.grad(), {1.3227043, 0.5338482, 0.1233545});
  w.mutable_grad().reset();  // Python: w.grad = None
  const bool none_3 = !w.grad().defined();
  ct::print("w.mutable_grad().reset():     ", w.grad());
  check_that(none_3, "no gradient");

  // %% [markdown]
  // ## 2. What the optimizer makes of it
  // One step with gradient 1 (learning rate 0.1, momentum 0.9, weight decay 0.1) moves $w$ from 1 to 0.89. Then the gradient is
  // cleared, and a step is taken without a backward: that is what happens to a parameter that takes no part in this round. With
  // zeros, momentum and weight decay still act:
  //
  // $$w=0.89-0.1\,(0.9\cdot1.1+0.1\cdot0.89)=0.7821.$$
  //
  // Without a gradient, the parameter is skipped.

  // %%
  section("2. What the optimizer makes of it");
  const double with_zeros = second_step(false), with_none = second_step(true);
  ct::print("second step with zeros: w =", ct::fixed(with_zeros, 4), "   with none: w =", ct::fixed(with_none, 4));
  check(with_zeros, 0.7821);  // 0.89 - 0.1 (0.9 * 1.1 + 0.1 * 0.89): momentum and weight decay still act
  check(with_none, 0.89);     // the parameter is skipped

  // %% [markdown]
  // ## 3. Memory
  // A gradient is as large as its parameter. Zeros keep that memory; none gives it back before the next forward, which can use
  // it.

  // %%
  section("3. Memory");
  auto big = ct::ones({1000000}, ct::requires_grad());
  const std::int64_t without = ct::memory_stats().allocated_bytes;
  big.sum().backward();
  const std::int64_t with_gradient = ct::memory_stats().allocated_bytes;
  big.mutable_grad().zero_();
  const std::int64_t after_zeros = ct::memory_stats().allocated_bytes;
  big.mutable_grad().reset();
  const std::int64_t after_none = ct::memory_stats().allocated_bytes;
  ct::print("bytes that the gradient of a million numbers holds:", with_gradient - without,
            " after zeros:", after_zeros - without, " after none:", after_none - without);
  check_that(after_zeros == with_gradient, "zeros keep the memory");
  check_that(after_none == without, "none gives it back before the next forward, which can use it");

  // %% [markdown]
  // ## 4. Time
  // Zeros have to be written, and the next backward has to read and add to them; none costs nothing, and the next backward
  // writes its result right away. The times are those of your machine, so nothing is asserted here.

  // %%
  section("4. Time");
  ct::print("median of 21, in microseconds:");
  ct::print("  zero_grad()                  ", ct::fixed(median_time([](ct::optim::SGD& o, ct::Tensor&) { o.zero_grad(); }), 1));
  ct::print("  zero_grad(set_to_none=false) ",
            ct::fixed(median_time([](ct::optim::SGD& o, ct::Tensor&) { o.zero_grad(false); }), 1));
  ct::print("  w.mutable_grad().reset()     ",
            ct::fixed(median_time([](ct::optim::SGD&, ct::Tensor& t) { t.mutable_grad().reset(); }), 1));

  // %% [markdown]
  // ## Questions

  // %%
  ask("Which of these leave the gradient undefined (None in Python)?",
      several({{"zero_grad()", none_1}, {"zero_grad(set_to_none=false)", none_2}, {"w.grad = None", none_3}}),
      "Filling with zeros leaves a tensor of zeros, which counts as a gradient.");
  ask("w = 1, gradient 1, lr 0.1, momentum 0.9, weight decay 0.1. After one step w is 0.89. The gradient is filled with zeros, "
      "and step() "
      "called again. What is w?",
      number(with_zeros), "g = 0.1 * 0.89, buffer = 0.9 * 1.1 + 0.089 = 1.079, w = 0.89 - 0.1079 = 0.7821.");
  ask("The same, but the gradient was set to None. What is w?", number(with_none),
      "A parameter without a gradient is skipped: no momentum, no weight decay.");
  return finish();
}
