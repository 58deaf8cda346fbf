// tests/autograd/engine.cpp -- backward: order, sharing, deep and wide graphs, passes inside passes, threads.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "cotangent/autograd.h"
#include "cotangent/op.h"

using ct::Call;
using ct::NoAttrs;
using ct::Op;
using ct::Saved;
using ct::Tensor;

namespace {

Tensor leaf(double v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor leaf(const std::vector<double>& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
double value(const Tensor& t) { return t.item<double>(); }

// Identity that counts how often its gradient is asked for, and in which order.
std::vector<int>* visits = nullptr;
struct Mark { int id; };
constexpr Op mark_op{
    .name = "test_mark",
    .node = "TestMarkBackward0",
    .formula = "dx = g",
    .forward = [](const Call& c) { return c.x(0).clone(); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      if (visits) visits->push_back(s.attrs<Mark>().id);
      return g;
    },
};
Tensor mark(const Tensor& x, int id) { return ct::apply_with(mark_op, Mark{id}, x); }

}  // namespace

TEST_CASE("each node runs once, later ones first, and sums arrive complete") {
  std::vector<int> order;
  visits = &order;
  const Tensor x = leaf(2);
  const Tensor a = mark(x, 1), b = mark(a * a, 2), c = mark(a * b, 3), d = mark(b * c, 4);  // d = x^5
  (d + a).backward();
  visits = nullptr;
  CHECK(order == std::vector<int>{4, 3, 2, 1});
  CHECK(value(x.grad()) == 5 * 16 + 1);
}

TEST_CASE("a doubling diamond is linear in its depth") {
  Tensor y = leaf(1), x = y;
  for (int i = 0; i < 200; ++i) y = y + y;  // 2^200 paths
  y.backward();
  CHECK(value(x.grad()) == doctest::Approx(1.6069380442589903e60));
}

TEST_CASE("a wide graph adds up in a fixed order") {
  const Tensor x = leaf(0.1);
  Tensor sum = x * 0.0;
  for (int i = 1; i <= 5000; ++i) sum = sum + x * static_cast<double>(i);
  sum.backward({}, true);
  const double first = value(x.grad());
  CHECK(first == 5000 * 5001 / 2);
  for (int k = 0; k < 3; ++k) {
    x.mutable_grad().reset();
    sum.backward({}, true);
    CHECK(value(x.grad()) == first);
  }
}

TEST_CASE("a chain of a million operations is built, differentiated and destroyed") {
  const Tensor x = leaf(1);
  {
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y + 1.0;
    CHECK(value(y) == 1'000'001);
    y.backward();
    CHECK(value(x.grad()) == 1);
  }
  {
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y * 1.0;  // destroyed without a backward
  }
  {
    Tensor y = x.clone();
    for (int i = 0; i < 300'000; ++i) y.mul_(1.0);  // in place
    y.backward();
    CHECK(value(x.grad()) == 2);
  }
  {
    Tensor y = x;  // saved values hold the chain together, too
    for (int i = 0; i < 300'000; ++i) y = y * y;
    y.backward({}, true);
    CHECK(value(x.grad()) > 2);
  }
}

TEST_CASE("long chains with create_graph") {
  const Tensor x = leaf(1);
  Tensor y = x;
  for (int i = 0; i < 100'000; ++i) y = y * 1.0;
  y = y * x;  // x^2
  const Tensor g = ct::autograd::grad({y}, {x}, {}, true, true)[0];
  CHECK(value(g) == 2);
  CHECK(value(ct::autograd::grad({g}, {x})[0]) == 2);
}

TEST_CASE("chains of views and of writes through views") {
  const Tensor x = leaf(std::vector<double>{1, 2, 3, 4});
  Tensor v = x * 1.0;
  for (int i = 0; i < 50'000; ++i) v = i % 2 ? v.view({4}) : v.view({2, 2});
  v.sum().backward();
  CHECK(value(x.grad().sum()) == 4);
  x.mutable_grad().reset();
  const Tensor b = x * 1.0;
  for (int i = 0; i < 2'000; ++i) b.view({2, 2}).mul_(1.0);
  b.sum().backward();
  CHECK(value(x.grad().sum()) == 4);
}

TEST_CASE("high orders: the n-th derivative of x^8") {
  const Tensor x = leaf(1.5);
  Tensor y = x * x;
  y = y * y;
  y = y * y;
  double expected = 1;
  int power = 8;
  for (int order = 1; order <= 8; ++order) {
    y = ct::autograd::grad({y}, {x}, {}, true, true)[0];
    expected *= power--;
    double v = expected;
    for (int k = 0; k < power; ++k) v *= 1.5;
    CHECK(value(y) == doctest::Approx(v).epsilon(1e-12));
  }
}

// ---- passes inside passes ---------------------------------------------------------------------------------

namespace {

// f(x) = x^3, computed again in backward by a pass of its own, as checkpointing does.
constexpr Op recomputed_op{
    .name = "test_recomputed",
    .node = "TestRecomputedBackward0",
    .formula = "dx = g * 3 x^2",
    .forward = [](const Call& c) { return c.x(0) * c.x(0) * c.x(0); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      ct::EnableGradGuard on;
      const Tensor x = s.x(0).detach();
      x.requires_grad_();
      (x * x * x).backward(g);
      return x.grad();
    },
    .save = {ct::X(0)},
};

// Calls backward on the leaf itself, while the outer pass runs.
Tensor* shared_leaf = nullptr;
constexpr Op nosy_op{
    .name = "test_nosy",
    .node = "TestNosyBackward0",
    .formula = "dx = g",
    .forward = [](const Call& c) { return c.x(0).clone(); },
    .vjp = [](const Tensor& g, const Saved&, int) {
      ct::EnableGradGuard on;
      (*shared_leaf * 10.0).backward();
      return g;
    },
};

// Fails in backward.
constexpr Op failing_op{
    .name = "test_failing",
    .node = "TestFailingBackward0",
    .formula = "none",
    .forward = [](const Call& c) { return c.x(0).clone(); },
    .vjp = [](const Tensor&, const Saved&, int) -> Tensor { throw ct::Error("test_failing: as it must"); },
};

}  // namespace

TEST_CASE("a rule may run backward itself") {
  const Tensor x = leaf(2);
  Tensor y = x;
  for (int i = 0; i < 3; ++i) y = ct::apply(recomputed_op, y) * 0.1;  // three levels, one after the other
  const Tensor z = y + x;
  z.backward();
  // y1 = 0.8, y2 = 0.0512, y3 = 0.1 y2^3; dy3/dx = (0.3 y2^2) (0.3 y1^2) (0.3 x^2)
  CHECK(value(x.grad()) == doctest::Approx(1 + 0.3 * 0.0512 * 0.0512 * 0.3 * 0.64 * 0.3 * 4).epsilon(1e-12));
}

TEST_CASE("a pass inside a pass that meets the same leaf") {
  Tensor x = leaf(2);
  shared_leaf = &x;
  (ct::apply(nosy_op, x) * 3.0).backward();
  CHECK(value(x.grad()) == 13);
  shared_leaf = nullptr;
}

TEST_CASE("a failed backward leaves the graph and the grad mode usable") {
  const Tensor x = leaf(2), y = x * x;
  const Tensor bad = ct::apply(failing_op, y);
  for (int k = 0; k < 3; ++k) {
    CHECK_THROWS_WITH_AS(bad.backward(), doctest::Contains("raised in the backward of TestFailingBackward0"), ct::Error);
    CHECK(ct::GradMode::is_enabled());
  }
  CHECK_FALSE(x.grad().defined());
  y.backward();  // y's node was never reached, so its values are still there
  CHECK(value(x.grad()) == 4);
}

TEST_CASE("nodes can be run alone") {
  const Tensor x = leaf(std::vector<double>{1, 2}), y = x * x;
  const Tensor v = ct::tensor(std::vector<double>{1, 10}, ct::kDouble);
  const auto out = (*y.grad_fn())({v});
  REQUIRE(out.size() == 2);
  CHECK(out[0][1].item<double>() == 20);
  CHECK_THROWS_AS((*y.grad_fn())({}), ct::Error);
  CHECK(y.grad_fn()->num_inputs() == 1);
  CHECK(y.grad_fn()->num_outputs() == 2);
  CHECK(y.grad_fn()->formula() == "dx0 = g * x1; dx1 = g * x0");
  CHECK(y.grad_fn()->next_edge(0).function->variable().is_same(x));
  CHECK(y.grad_fn()->sequence_nr() < (y + 1.0).grad_fn()->sequence_nr());
}

// ---- threads ----------------------------------------------------------------------------------------------

TEST_CASE("threads run backward on graphs that share leaves") {
  constexpr int threads = 4, rounds = 300;
  const Tensor x = leaf(std::vector<double>(100, 1.0)), w = leaf(3);
  std::vector<std::thread> pool;
  std::atomic<int> ready{0};
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      ++ready;
      while (ready < threads) {
      }
      for (int i = 0; i < rounds; ++i) (x * w).sum().backward();
    });
  for (std::thread& t : pool) t.join();
  for (int i = 0; i < 100; ++i) CHECK(x.grad()[i].item<double>() == 3.0 * threads * rounds);
  CHECK(value(w.grad()) == 100.0 * threads * rounds);
}

TEST_CASE("threads run backward through one retained graph") {
  constexpr int threads = 4, rounds = 200;
  const Tensor x = leaf(2), y = x * x * x;
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) y.backward({}, true);
    });
  for (std::thread& t : pool) t.join();
  CHECK(value(x.grad()) == 12.0 * threads * rounds);
}

TEST_CASE("threads with create_graph and autograd::grad") {
  constexpr int threads = 4, rounds = 100;
  const Tensor x = leaf(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        const Tensor y = x * x * x;
        const Tensor g = ct::autograd::grad({y}, {x}, {}, true, true)[0];
        if (value(g) != 12 || value(ct::autograd::grad({g}, {x})[0]) != 12) ++wrong;
      }
    });
  for (std::thread& t : pool) t.join();
  CHECK(wrong == 0);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a graph built on one thread is differentiated and freed on another") {
  const Tensor x = leaf(1);
  Tensor y = x;
  std::thread([&] {
    for (int i = 0; i < 20'000; ++i) y = y * 1.0 + 0.0;
  }).join();
  std::thread([&] {
    y.backward();
    y.reset();
  }).join();
  CHECK(value(x.grad()) == 1);
}

TEST_CASE("grad mode belongs to the thread") {
  ct::NoGradGuard off;
  bool other = false;
  std::thread([&] { other = ct::GradMode::is_enabled(); }).join();
  CHECK(other);
  CHECK_FALSE(ct::GradMode::is_enabled());
}

TEST_CASE("the gradient behind a transpose is dense and the leaf's own") {
  const Tensor x = ct::full({3, 4}, 2.0, ct::kDouble);
  Tensor w = ct::full({5, 4}, 0.5, ct::kDouble).requires_grad_();
  Tensor seen;
  for (const bool watched : {false, true}) {
    w.mutable_grad().reset();
    if (watched) w.register_hook([&](const Tensor& g) { seen = g; });
    (x.mm(w.t()) * ct::arange(5).to(ct::kDouble)).sum().backward();
    CHECK(w.grad().is_contiguous());
    CHECK(w.grad()[3].eq(18).all().item<bool>());
    CHECK(!w.grad().is_view());
  }
  seen.zero_();  // what a hook kept is another tensor
  CHECK(w.grad()[3].eq(18).all().item<bool>());
}
