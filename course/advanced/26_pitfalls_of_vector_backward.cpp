// Lesson 26: Pitfalls of backward with a vector
// Level: advanced
// Concepts: which v is accepted, what a refused call leaves behind, mean against sum, gradients that add up
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/inspect.h>

#include "common/lesson.h"

using namespace lesson;

int main() {
  // %% [markdown]
  // # Pitfalls of backward with a vector
  // Four things go wrong with `backward(v)`: v has another shape than the output, its size makes the gradients larger or smaller
  // than you think, gradients of two calls add up, and the zeroing between them is forgotten.

  // %% [markdown]
  // ## 1. v of the wrong length
  // Four outputs need four weights.

  // %%
  section("1. v of the wrong length");
  ct::manual_seed(3);
  auto x = ct::randn({4}, ct::requires_grad());
  auto y = x.tanh();
  ct::print("x =", x);
  ct::print("y = tanh(x) =", y);
  check(x, {0.8032761, 0.1748334, 0.0889781, -0.6137180});
  check(y, {0.6658643, 0.1730735, 0.0887440, -0.5467390});
  save(ct::inspect::graph(y, {{"x", x}, {"y", y}}), "26_graph");  // tanh keeps its output y for backward
  show_error([&] { y.backward(ct::tensor({1.0, 1.0})); },
             "invalid gradient at index 0 - got [2] but expected shape compatible with [4]");
  check_that(!x.grad().defined(), "no gradient was written");

  // %% [markdown]
  // ## 2. The graph survives a refused call
  // `tanh` saves its output, because $\tanh'(x)=1-\tanh^2(x)=1-y^2$. With $v_i=\frac14$ for each of four entries, backward gives
  // $\frac14(1-y^2)$: the gradient of the mean of $y$. $v=1$ everywhere would give that of the sum, four times as large.

  // %%
  section("2. The graph survives a refused call");
  auto v = ct::full({4}, 0.25);
  y.backward(v);  // no new forward was needed
  ct::print("v =", v);
  ct::print("x.grad =", x.grad());
  check(x.grad(), {0.1391562, 0.2425114, 0.2480311, 0.1752691});
  check(x.grad(), (1 - y * y) / 4);  // tanh saves its output: d tanh(x) = 1 - y^2
  // v = 1/n everywhere is the backward of the mean; v = 1 is that of the sum, n times as large.
  auto fresh = x.detach().clone().requires_grad_();
  fresh.tanh().mean().backward();
  ct::print("from the mean:", fresh.grad());
  check(fresh.grad(), x.grad());

  // %% [markdown]
  // ## 3. A second backward adds
  // $\frac14\cdot\frac{d}{dx}x^2=\frac x2$ comes on top.

  // %%
  section("3. A second backward adds");
  x.pow(2).backward(v);  // d(x^2) = 2x, times 1/4
  ct::print("x.grad after a second backward, of x^2:", x.grad());
  check(x.grad(), {0.5407943, 0.3299281, 0.2925202, -0.1315899});
  check(x.grad() - fresh.grad(), x.detach() / 2);

  // %% [markdown]
  // ## 4. Unless you zero it
  // `zero_()` makes the next backward start from nothing.

  // %%
  section("4. Unless you zero it");
  x.mutable_grad().zero_();
  ct::print("zeroed:", x.grad());
  check(x.grad(), {0, 0, 0, 0});
  x.pow(2).backward(v);
  ct::print("x^2 alone:", x.grad());
  check(x.grad(), x.detach() / 2);

  // %% [markdown]
  // ## 5. Exactly which v is accepted
  // The shape must be that of the output: nothing is broadcast, nothing is reshaped.

  // %%
  section("5. Exactly which v is accepted");
  show_error([&] { x.tanh().backward(ct::tensor({1.0})); },
             "invalid gradient at index 0 - got [1] but expected shape compatible with [4]");
  show_error([&] { x.tanh().backward(ct::tensor(1.0)); },
             "invalid gradient at index 0 - got [] but expected shape compatible with [4]");
  show_error([&] { x.tanh().backward(ct::ones({4, 1})); },
             "invalid gradient at index 0 - got [4, 1] but expected shape compatible with [4]");
  ct::print("a v of one entry, of none and a column are refused");
  check(x.grad(), x.detach() / 2);

  // %% [markdown]
  // ## 6. A row for a vector
  // A $v$ of shape $(1,4)$ could be added up to one of shape $(4)$. PyTorch's Python refuses it all the same, and so does
  // Cotangent; PyTorch's C++ library does add it up.

  // %%
  section("6. A row for a vector");
  show_error([&] { x.tanh().backward(ct::ones({1, 4})); },
             "invalid gradient at index 0 - got [1, 4] but expected shape compatible with [4]");

  // %% [markdown]
  // ## 7. The dtype is converted
  // Shapes must agree; dtypes need not. The gradient gets the dtype of its tensor.

  // %%
  section("7. The dtype is converted");
  x.mutable_grad().zero_();
  auto v64 = ct::full({4}, 0.25, ct::kDouble);
  x.tanh().backward(v64);
  ct::print("v in", v64.dtype(), "and x.grad in", x.grad().dtype());
  ct::print("x.grad =", x.grad());
  check(x.grad(), fresh.grad());
  check_that(x.grad().dtype() == ct::kFloat, "a gradient has the dtype of its tensor");

  // %% [markdown]
  // ## Questions

  // %%
  auto accepts = [&](const ct::Tensor& direction) { return works([&] { x.tanh().backward(direction); }); };
  ask("Which v does y.backward(v) accept, for a float32 y of shape (4)?",
      several({{"float64, shape (4)", accepts(ct::ones({4}, ct::kDouble))},
               {"shape (1)", accepts(ct::ones({1}))},
               {"shape (4, 1)", accepts(ct::ones({4, 1}))},
               {"shape (4), all zeros", accepts(ct::zeros({4}))}}),
      "The shape must be the output's; the dtype is converted. Zeros are a legal v: they give gradients of zero.");
  auto once = x.detach().clone().requires_grad_();
  once.tanh().sum().backward();
  ask("backward of y.sum() instead of y.mean(): by which factor are the gradients larger?",
      number((once.grad() / fresh.grad())[0].item<double>()),
      "The mean divides by the number of entries, here 4. A sum does not.");
  auto again = x.tanh();
  const bool refused = !works([&] { again.backward(ct::ones({2})); });
  const bool lost = refused && !works([&] { again.backward(v); });
  ask("After the refused call of part 1, must y be computed again?", yes_no(lost),
      "The shapes are compared before anything is walked: nothing was freed and no gradient was touched.");
  return finish();
}
