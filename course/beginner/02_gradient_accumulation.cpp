// Lesson 02: .grad is a running sum
// Level: beginner
// Concepts: accumulation, zero_() and reset, micro-batches, several loss terms, one backward per graph

#include "common/lesson.h"
#include <iostream>

using namespace lesson;

int main() {
  // %% [markdown]
  // # .grad is a running sum
  // `backward()` *adds* to `.grad`. That is what you want when one gradient comes in several parts, and a bug when you forgot
  // the gradient of the step before.

  // %%
  section("1. Two backwards add up");
  auto x = ct::tensor({2.0}, ct::requires_grad());
  x.pow(2).sum().backward();
  std::cout << "after backward of x^2:  " << x.grad() << "\n";
  check(x.grad(), {4});
  (3 * x).sum().backward();
  std::cout << "after backward of 3x:   " << x.grad() << "   (4 + 3, not 3)\n";
  check(x.grad(), {7});

  // %%
  section("2. Clearing in between");
  x.mutable_grad().zero_();
  std::cout << "after zero_():          " << x.grad() << "\n";
  check(x.grad(), {0});
  (3 * x).sum().backward();
  std::cout << "after backward of 3x:   " << x.grad() << "\n";
  check(x.grad(), {3});

  // %%
  section("3. Zeros, or nothing at all");
  auto u = ct::tensor({5.0}, ct::requires_grad());
  auto square = u.pow(2).sum();
  square.backward();
  std::cout << "first backward:         " << u.grad() << "\n";
  check(u.grad(), {10});
  // The same graph cannot be walked twice: the square had kept u, and the first walk freed it. Each backward below
  // therefore runs the forward computation again. (The text this lesson follows calls backward again on the old graph.)
  show_error([&] { square.backward(); }, "Trying to backward through the graph a second time");
  u.mutable_grad().zero_();
  check(u.grad(), {0});
  u.pow(2).sum().backward();
  std::cout << "zero_() and again:      " << u.grad() << "\n";
  check(u.grad(), {10});
  u.mutable_grad().reset();  // Python: u.grad = None
  std::cout << "after reset():          there is a gradient: " << std::boolalpha << u.grad().defined() << "\n";
  check_that(!u.grad().defined(), "reset() removes the gradient");
  u.pow(2).sum().backward();
  std::cout << "and again:              " << u.grad() << "\n";
  check(u.grad(), {10});

  // %%
  section("4. Accumulating on purpose: four micro-batches, one step");
  ct::manual_seed(42);
  auto w = ct::randn({1}, ct::requires_grad());
  std::cout << "w = " << w.item<double>() << "\n";
  check(w.item<double>(), 0.3366904);
  const double losses[] = {3.888309, 2.342898, 2.236123, 3.529891}, sums[] = {-2.913006, -4.024050, -5.850255, -9.759306};
  for (int batch = 0; batch < 4; ++batch) {
    auto xb = ct::randn({10, 1});
    auto yb = 2 * xb + 1 + 0.1 * ct::randn({10, 1});
    auto loss = (xb * w - yb).pow(2).mean();
    loss.backward();
    std::cout << "batch " << batch << ": loss " << loss.item<double>() << ", sum of gradients " << w.grad().item<double>() << "\n";
    check(loss.item<double>(), losses[batch]);
    check(w.grad().item<double>(), sums[batch]);
  }
  {
    ct::NoGradGuard no_grad;
    w.mutable_grad() /= 4;  // the mean of four micro-batch gradients is the gradient of the whole batch
    w -= 0.01 * w.grad();
  }
  std::cout << "mean gradient " << w.grad().item<double>() << ", w after one step " << w.item<double>() << "\n";
  check(w.grad().item<double>(), -2.439826);
  check(w.item<double>(), 0.3610886);

  // %%
  section("5. Several loss terms");
  auto v = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto total = (v - 2).pow(2).mean() + 0.1 * v.abs().mean();
  total.backward();
  auto together = v.grad().clone();
  std::cout << "one backward of the sum: loss " << total.item<double>() << ", gradient " << together << "\n";
  check(total.item<double>(), 0.8666667);
  check(together, {-0.6333333, 0.0333333, 0.7});
  check(together, 2.0 / 3 * (v - 2) + 1.0 / 30);
  v.mutable_grad().reset();
  // The two terms share only the leaf v, no saved value, so neither call needs retain_graph.
  (v - 2).pow(2).mean().backward();
  (0.1 * v.abs().mean()).backward();
  std::cout << "two backwards:           gradient " << v.grad() << "\n";
  check(v.grad(), together);

  // %% [markdown]
  // ## Questions
  // 1. What is in w.grad after k backwards of (fresh) w^2 without clearing? (k times 2w.)
  // 2. Why is no gradient better than a gradient of zeros? (It costs no memory, and an optimizer skips the parameter
  //    altogether; with zeros, momentum and weight decay still move it.)
  // 3. In part 4, what changes if each loss is divided by 4 before its backward? (Nothing in the result; the division by 4
  //    at the end goes.)
  return finish();
}
