// Lesson 01: One scalar, one backward
// Level: beginner
// Concepts: leaf tensors, requires_grad, backward on a scalar, .grad, grad_fn, retain_grad

#include "common/lesson.h"
#include <iostream>

using namespace lesson;

int main() {
  // %% [markdown]
  // # One scalar, one backward
  // A *leaf* is a tensor that you made yourself. If it asks for a gradient, every operation on it is recorded. One call of
  // `backward()` on a scalar result then walks the record back and leaves d(result)/d(leaf) in the leaf's `.grad`.

  // %%
  section("1. A leaf that asks for its gradient");
  ct::manual_seed(0);
  auto x = ct::randn({3}, ct::requires_grad());
  std::cout << "x = " << x << "\n"
            << "x is a leaf: " << std::boolalpha << x.is_leaf() << ", has a producer: " << bool(x.grad_fn()) << ", has a gradient yet: "
            << x.grad().defined() << "\n";
  check(x, {1.5409961, -0.2934289, -2.1787894});
  check_that(x.is_leaf() && !x.grad_fn() && !x.grad().defined(), "a fresh leaf has neither producer nor gradient");

  // %%
  section("2. A scalar computed from it");
  auto loss = x.pow(2).sum();
  std::cout << "loss = sum of x^2 = " << loss << "\n"
            << "made by " << loss.grad_fn()->name() << ", which was fed by " << loss.grad_fn()->next_edge(0).function->name() << "\n";
  check(loss.item<double>(), 7.207892);
  check_that(loss.dim() == 0 && !loss.is_leaf() && loss.grad_fn()->name() == "SumBackward0", "loss is a 0-dim result of sum");

  // %%
  section("3. Backward: upstream gradient times local derivative");
  loss.backward();
  // The walk starts with d(loss)/d(loss) = 1. Sum hands that 1 to every entry; the square multiplies it by 2x.
  std::cout << "x.grad = " << x.grad() << "\n2 x    = " << 2 * x.detach() << "\n";
  check(x.grad(), {3.0819921, -0.5868578, -4.3575788});
  check(x.grad(), 2 * x);

  // %%
  section("4. Results in between keep no gradient");
  auto a = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto b = 2 * a;
  auto c = (b * b).sum();
  c.backward();
  std::cout << "c = " << c.item<double>() << ", a.grad = " << a.grad() << "\n";
  check(c.item<double>(), 56);
  check(a.grad(), {8, 16, 24});
  // b is not a leaf: its gradient was computed, passed on and dropped. Asking for it gives a warning and nothing else.
  static int warnings;
  ct::set_warning_handler([](std::string_view text) {
    ++warnings;
    std::cout << "  warning: " << text.substr(0, text.find(". ")) << " ...\n";
  });
  std::cout << "reading b.grad:\n";
  check_that(!b.grad().defined() && warnings == 1, "a non-leaf has no gradient, and reading it warns");
  ct::set_warning_handler(nullptr);

  // %%
  section("5. Unless you ask before backward");
  auto p = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto q = 2 * p;
  q.retain_grad();
  (q * q).sum().backward();
  std::cout << "q.grad = " << q.grad() << "   (2 q)\np.grad = " << p.grad() << "   (2 q times 2)\n";
  check(q.grad(), {4, 8, 12});
  check(p.grad(), {8, 16, 24});
  show_error([] { ct::tensor({1.0}).retain_grad(); }, "can't retain_grad on Tensor that has requires_grad=False");

  // %%
  section("6. The shortest complete example");
  auto y = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto z = (y * y).sum();
  z.backward();
  std::cout << "loss " << z.item<double>() << ", gradient " << y.grad() << "\n";
  check(z.item<double>(), 14);
  check(y.grad(), {2, 4, 6});

  // %% [markdown]
  // **A correction.** The text that this lesson follows shows the loss of part 2 as 7.2042. By hand:
  // 1.54100^2 + 0.29343^2 + 2.17879^2 = 7.2079.
  //
  // ## Questions
  // 1. Change the loss of part 2 to the sum of x^3. What must x.grad be? (3 x^2: check it with `check(x.grad(), 3 * x * x)`.)
  // 2. Which of a, b and c are leaves? Why has b no gradient, although a has one?
  // 3. What does `loss.backward(ct::tensor(2.0))` leave in x.grad, and why? (Twice the gradient: the walk starts with 2.)
  return finish();
}
