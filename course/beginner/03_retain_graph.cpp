// Lesson 03: The life of a graph
// Level: beginner
// Concepts: retain_graph, what is saved for backward, shared intermediates, shared leaves

#include "common/lesson.h"
#include <iostream>

using namespace lesson;

// Whether y can be walked back twice without retain_graph.
static bool survives(const ct::Tensor& y) {
  auto v = ct::ones_like(y);
  y.backward(v);
  try {
    y.backward(v);
  } catch (const ct::Error&) {
    return false;
  }
  return true;
}

int main() {
  // %% [markdown]
  // # The life of a graph
  // A graph serves one backward: the values it saved are freed on the way. `retain_graph` keeps them for another walk.
  // Gradients still add up.

  // %%
  section("1. Once, twice with retain_graph, and once too often");
  ct::manual_seed(0);
  auto x = ct::randn({3}, ct::requires_grad());
  auto loss = x.pow(2).sum();
  loss.backward({}, /*retain_graph=*/true);
  std::cout << "first:             " << x.grad() << "\n";
  check(x.grad(), {3.08199, -0.58686, -4.35758});
  loss.backward();  // the graph was kept; this walk frees it
  std::cout << "second, added:     " << x.grad() << "\n";
  check(x.grad(), {6.16398, -1.17372, -8.71516});
  show_error([&] { loss.backward(); }, "Trying to backward through the graph a second time");
  check(x.grad(), {6.16398, -1.17372, -8.71516});  // a failed backward leaves the gradients as they were

  // %%
  section("2. A fresh forward needs no retain_graph");
  x.mutable_grad().zero_();
  x.pow(2).sum().backward();
  std::cout << "fresh graph:       " << x.grad() << "\n";
  check(x.grad(), {3.08199, -0.58686, -4.35758});

  // %%
  section("3. It is the saved values that are freed");
  // sum, + 1, -x or clone need no value to be differentiated, so their graphs can be walked again; a square needs its input.
  auto a = ct::tensor({1.0, 2.0}, ct::requires_grad());
  struct { const char* text; ct::Tensor y; bool survives; } cases[] = {
      {"a.sum()", a.sum(), true},   {"a.mean()", a.mean(), true},     {"a + 1", a + 1, true},     {"-a", -a, true},
      {"a.clone()", a.clone(), true}, {"a[0]", a[0], true},           {"a.pow(2)", a.pow(2), false}, {"a.exp()", a.exp(), false},
      {"a.sin()", a.sin(), false},  {"a.relu()", a.relu(), false},    {"a * a", a * a, false},    {"a * 2", a * 2, false},
  };
  for (auto& c : cases) {
    const bool twice = survives(c.y);
    std::cout << "  " << c.text << std::string(12 - std::string(c.text).size(), ' ') << (twice ? "can be walked twice" : "only once") << "\n";
    check_that(twice == c.survives, std::string(c.text) + (c.survives ? " saves nothing" : " saves a value"));
  }

  // %%
  section("4. Two losses that share an intermediate");
  auto p = ct::tensor({2.0}, ct::requires_grad());
  auto h = p.pow(2);
  auto left = (2 * h).sum(), right = (3 * h).sum();
  left.backward({}, /*retain_graph=*/true);  // right still needs what h saved
  right.backward();
  std::cout << "retain, then the other: p.grad = " << p.grad() << "   (2p times 5)\n";
  check(p.grad(), {20});
  p.mutable_grad().reset();
  auto h2 = p.pow(2);
  ((2 * h2).sum() + (3 * h2).sum()).backward();  // or one walk from the sum
  std::cout << "one backward of a sum:  p.grad = " << p.grad() << "\n";
  check(p.grad(), {20});
  auto h3 = p.pow(2);
  (2 * h3).sum().backward();
  show_error([&] { (3 * h3).sum().backward(); }, "Trying to backward through the graph a second time");

  // %%
  section("5. Two losses that share only a leaf");
  auto q = ct::tensor({2.0}, ct::requires_grad());
  q.pow(2).sum().backward();
  (3 * q).sum().backward();  // nothing was shared but q itself
  std::cout << "q.grad = " << q.grad() << "\n";
  check(q.grad(), {7});

  // %% [markdown]
  // ## Questions
  // 1. Which of these can be walked twice without retain_graph: a.cos(), a.t(), a - 1, a / 3, a.sqrt()?
  //    (a.t() and a - 1. A division by a number keeps the number, as it does in Python.)
  // 2. Why does part 4 fail without retain_graph, and part 5 does not?
  // 3. Does a gradient of 20 at p = 2 agree with your own derivative of 5 p^2?
  return finish();
}
