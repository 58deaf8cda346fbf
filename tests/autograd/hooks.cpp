// tests/autograd/hooks.cpp -- hooks of tensors, leaves and nodes: when they run, what they may return, what they may do.
#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "cotangent/cotangent.h"
#include "values.h"

using ct::RemovableHandle;
using ct::Tensor;
using ct::autograd::grad;
using Tensors = std::vector<Tensor>;
using V = std::vector<double>;

namespace {

Tensor leaf(const V& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor number(const V& v) { return ct::tensor(v, ct::kDouble); }

// Says how many of its kind are alive, from inside of hooks.
struct Counted {
  int* n;
  explicit Counted(int* count) : n(count) { ++*n; }
  Counted(const Counted& o) : n(o.n) { ++*n; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*n; }
};

}  // namespace

// ---- tensors ------------------------------------------------------------------------------------------

TEST_CASE("hooks of a tensor run in order of registration and may replace the gradient") {
  const Tensor x = leaf({1, 2, 3}), y = x * 3.0;
  std::vector<int> order;
  V seen;
  y.register_hook([&](const Tensor& g) { order.push_back(1); return g * 2.0; });
  const RemovableHandle second = y.register_hook([&](const Tensor& g) { order.push_back(2); seen = values(g); });
  y.register_hook([&](const Tensor&) { order.push_back(3); return Tensor(); });
  (y * y).sum().backward();  // dq/dy = 2y
  CHECK(order == std::vector<int>{1, 2, 3});
  CHECK(seen == V{12, 24, 36});
  CHECK(values(x.grad()) == V{36, 72, 108});
}

TEST_CASE("a hook on a leaf sees the whole gradient, before it is added to .grad") {
  const Tensor x = leaf({1, 2});
  int calls = 0;
  bool before = false;
  const unsigned h = x.register_hook([&](const Tensor& g) {
    ++calls;
    before = !x.grad().defined();
    return g * 2.0;
  });
  (x * x).sum().backward();  // two paths, one gradient
  CHECK(calls == 1);
  CHECK(before);
  CHECK(values(x.grad()) == V{4, 8});  // 4x, as libtorch's documentation has it
  x.remove_hook(h);
  (x * x).sum().backward();
  CHECK(calls == 1);
  CHECK(values(x.grad()) == V{6, 12});
  x.backward(number({1, 1}));  // a leaf as the root
  CHECK(values(x.grad()) == V{7, 13});
}

TEST_CASE("hooks of leaves do not depend on when the leaf is first used") {
  const Tensor x = leaf({1});
  { const Tensor used = x * 1.0; }  // its AccumulateGrad has come and gone
  int calls = 0;
  x.register_hook([&](const Tensor&) { ++calls; });
  const Tensor y = x * 2.0;
  x.register_hook([&](const Tensor&) { calls += 10; });  // while it exists
  y.backward();
  CHECK(calls == 11);
  (x * 2.0).backward();
  CHECK(calls == 22);
  x.backward();
  CHECK(calls == 33);
}

TEST_CASE("retain_grad keeps the value after the hooks, whichever came first") {
  for (const bool retain_first : {false, true}) {
    const Tensor p = leaf({1}), q = p * 3.0;
    if (retain_first) q.retain_grad();
    q.register_hook([](const Tensor& g) { return g * 2.0; });
    if (!retain_first) q.retain_grad();
    q.backward();
    CHECK(values(q.grad()) == V{2});
    CHECK(values(p.grad()) == V{6});
  }
}

TEST_CASE("hooks run before autograd::grad takes its gradients, and only on the way to them") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4}), y = x * w, z = y * y, aside = (y * 5.0), s = z.sum() + aside.sum();
  int on_x = 0, on_y = 0, on_w = 0;
  x.register_hook([&](const Tensor& g) { ++on_x; return g * 10.0; });
  y.register_hook([&](const Tensor& g) { ++on_y; return g * 2.0; });
  w.register_hook([&](const Tensor&) { ++on_w; });
  const auto g = grad({s}, {x, y}, {}, true);
  CHECK(values(g[1]) == V{2 * (6 + 5), 2 * (16 + 5)});
  CHECK(values(g[0]) == V{22 * 3 * 10, 42 * 4 * 10});
  CHECK(on_x == 1);
  CHECK(on_y == 1);
  CHECK(on_w == 0);
  CHECK(values(grad({s}, {y}, {}, true)[0]) == V{22, 42});  // y's node does not run, its tensor's hook does
  CHECK(on_y == 2);
  CHECK(on_x == 1);
  s.backward({}, true, false, {{w}});
  CHECK(on_w == 1);
  CHECK(on_x == 1);
}

TEST_CASE("each output of an operation has hooks of its own") {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensors parts = x.split(2);
  int first = 0, second = 0;
  parts[0].register_hook([&](const Tensor& g) { ++first; return g * 10.0; });
  const RemovableHandle h = parts[1].register_hook([&](const Tensor& g) { ++second; return g * 100.0; });
  (parts[0] + parts[1]).sum().backward({}, true);
  CHECK(values(x.grad()) == V{10, 10, 100, 100});
  parts[0].sum().backward({}, true);  // no gradient arrives at the second: its hook is not called
  CHECK(first == 2);
  CHECK(second == 1);
  CHECK(values(x.grad()) == V{20, 20, 100, 100});
  parts[0].remove_hook(h);  // of the other one, but on the same node: removed, as numbers are unique
  parts[1].sum().backward();
  CHECK(second == 1);
}

TEST_CASE("after a write in place the old hooks stay with the old value") {
  const Tensor x = leaf({1, 2}), y = x * 1.0;
  std::vector<V> old_value, new_value;
  const RemovableHandle h = y.register_hook([&](const Tensor& g) { old_value.push_back(values(g)); });
  y.mul_(3);
  y.register_hook([&](const Tensor& g) { new_value.push_back(values(g)); });
  y.sum().backward({}, true);
  CHECK(old_value == std::vector<V>{{3, 3}});
  CHECK(new_value == std::vector<V>{{1, 1}});
  RemovableHandle(h).remove();  // Python's way finds it
  y.sum().backward();
  CHECK(old_value.size() == 1);
  CHECK(new_value.size() == 2);

  const Tensor base = x * 1.0, view = base.view({2, 1});
  int on_view = 0;
  view.register_hook([&](const Tensor& g) { ++on_view; return g * 5.0; });
  const Tensor through = view * 1.0;
  base.mul_(2);  // view shows another value from here on
  (view * 1.0).sum().backward({}, true);
  CHECK(on_view == 0);
  through.sum().backward();
  CHECK(on_view == 1);
}

TEST_CASE("hooks that may not be, and results that do not fit") {
  const Tensor a = number({1}), x = leaf({1, 2}), y = x * 1.0;
  CHECK_THROWS_WITH_AS(a.register_hook([](const Tensor&) {}), doctest::Contains("cannot register a hook on a tensor that doesn't require gradient"), ct::Error);
  CHECK_THROWS_WITH_AS(Tensor().register_hook([](const Tensor&) {}), doctest::Contains("the tensor is undefined"), ct::Error);
  CHECK_THROWS_WITH_AS(y.register_post_accumulate_grad_hook([](const Tensor&) {}),
                       doctest::Contains("post accumulate grad hooks cannot be registered on non-leaf tensors"), ct::Error);
  CHECK_THROWS_WITH_AS(a.register_post_accumulate_grad_hook([](const Tensor&) {}), doctest::Contains("doesn't require gradient"), ct::Error);
  CHECK_THROWS_WITH_AS(x.remove_hook(0), doctest::Contains("Invalid index, no hook at position 0"), ct::Error);
  CHECK_THROWS_WITH_AS(x.remove_hook(4'000'000'000u), doctest::Contains("Invalid index"), ct::Error);
  RemovableHandle h = y.register_hook([](const Tensor& g) { return g.sum(); });
  CHECK_THROWS_WITH_AS(y.sum().backward(), doctest::Contains("hook of a tensor of MulBackward0: hook has changed the size of value (was [2], got [])"), ct::Error);
  h.remove();
  h.remove();
  h = y.register_hook([](const Tensor& g) { return g.to(ct::kFloat); });
  CHECK_THROWS_WITH_AS(y.sum().backward(), doctest::Contains("hook has changed the type of value (was Double, got Float)"), ct::Error);
  h.remove();
  y.remove_hook(h);
  RemovableHandle().remove();
  CHECK(RemovableHandle().id() == 0);
  CHECK_FALSE(x.grad().defined());
  y.sum().backward();  // nothing of y's was freed by the failures
  CHECK(values(x.grad()) == V{1, 1});
}

TEST_CASE("hooks may remove and add hooks") {
  const Tensor x = leaf({1});
  std::vector<int> order;
  RemovableHandle first, third;
  first = x.register_hook([&](const Tensor&) {
    order.push_back(1);
    first.remove();  // itself
    third.remove();  // one that is still to come
    x.register_hook([&](const Tensor&) { order.push_back(4); });  // from the next backward on
  });
  x.register_hook([&](const Tensor&) { order.push_back(2); });
  third = x.register_hook([&](const Tensor&) { order.push_back(3); });
  (x * 1.0).backward();
  CHECK(order == std::vector<int>{1, 2});
  (x * 1.0).backward();
  CHECK(order == std::vector<int>{1, 2, 2, 4});
}

TEST_CASE("what a hook captured is freed when it is removed, and with its tensor") {
  int alive = 0;
  {
    const Tensor x = leaf({1}), y = x * 1.0;
    RemovableHandle on_x = x.register_hook([c = Counted(&alive)](const Tensor&) { CHECK(*c.n > 0); });
    RemovableHandle on_y = y.register_hook([c = Counted(&alive)](const Tensor&) { CHECK(*c.n > 0); });
    const RemovableHandle copy = on_x;
    CHECK(alive == 2);
    on_x.remove();
    CHECK(alive == 1);
    on_x = y.register_hook([c = Counted(&alive), h = copy](const Tensor&) { CHECK(*c.n > 0); });
    CHECK(alive == 2);
  }
  CHECK(alive == 0);
  RemovableHandle outlives;
  {
    const Tensor x = leaf({1});
    outlives = x.register_hook([c = Counted(&alive)](const Tensor&) { CHECK(*c.n > 0); });
  }
  CHECK(alive == 0);
  outlives.remove();
  {
    // A hook that captures its own leaf is a cycle, until it is removed.
    Tensor x = leaf({1});
    RemovableHandle h = x.register_hook([x, c = Counted(&alive)](const Tensor&) { CHECK(*c.n > 0); });
    (x * 1.0).backward();
    x.reset();
    CHECK(alive == 1);
    h.remove();
    CHECK(alive == 0);
  }
  {
    // One that removes itself while it runs is freed afterwards.
    Tensor x = leaf({1});
    RemovableHandle h;
    h = x.register_hook([x, &h, c = Counted(&alive)](const Tensor&) {
      h.remove();
      CHECK(*c.n > 0);
      CHECK(x.defined());
    });
    (x * 1.0).backward();
    CHECK(alive == 0);
  }
}

TEST_CASE("a node does not own an operand that its operation overwrites") {
  int alive = 0;
  const Tensor x = leaf({1, 2, 3, 4});
  const auto watch = [&](const Tensor& t) { t.register_hook([c = Counted(&alive)](const Tensor&) { CHECK(*c.n > 0); }); };
  {
    const Tensor a = x * 1.0, b = x * 1.0, c = ct::zeros({4}, ct::kDouble);
    a.mul_(a);
    b.narrow(0, 0, 2).mul_(b.narrow(0, 2, 2));
    c.addcmul_(c, x);
    for (const Tensor& t : {a, b, c}) watch(t);
    CHECK(alive == 3);
  }
  CHECK(alive == 0);
}

TEST_CASE("a long chain whose hooks capture tensors is destroyed without recursion") {
  const Tensor x = leaf({1});
  Tensor y = x;
  int calls = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Tensor before = y;
    y = y * 1.0;
    if (i > 0) y.register_hook([before, &calls](const Tensor&) { ++calls; });
  }
  y.backward();
  CHECK(calls == 99'999);
  CHECK(values(x.grad()) == V{1});
}

TEST_CASE("hooks see higher orders, and are recorded with create_graph") {
  const Tensor x = leaf({3}), y = x * x;
  y.register_hook([](const Tensor& g) { return g * g * 2.0; });
  const Tensor v = leaf({5});
  const Tensor g = grad({y}, {x}, {v}, true, true)[0];  // 2 v^2 2x
  CHECK(values(g) == V{300});
  const auto second = grad({g}, {x, v});
  CHECK(values(second[0]) == V{100});
  CHECK(values(second[1]) == V{120});
  bool mode = true;
  const Tensor z = x * 2.0;
  z.register_hook([&](const Tensor&) { mode = ct::GradMode::is_enabled(); });
  z.backward();
  CHECK_FALSE(mode);
}

// ---- leaves: after accumulation ---------------------------------------------------------------------------

TEST_CASE("post-accumulate hooks see the leaf with its gradient, and may train it") {
  const Tensor x = leaf({1, 2});
  std::vector<V> seen;
  x.register_hook([](const Tensor& g) { return g * 2.0; });
  RemovableHandle h = x.register_post_accumulate_grad_hook([&](const Tensor& p) {
    CHECK(p.is_same(x));
    seen.push_back(values(p.grad()));
  });
  (x * 3.0).sum().backward();
  (x * 3.0).sum().backward();
  CHECK(seen == std::vector<V>{{6, 6}, {12, 12}});
  (void)grad({(x * 3.0).sum()}, {x});  // nothing is accumulated
  CHECK(seen.size() == 2);
  h.remove();
  // Descent inside backward, which frees each gradient at once.
  x.register_post_accumulate_grad_hook([](const Tensor& p) {
    p.sub_(p.grad(), 0.5);
    p.mutable_grad().reset();
  });
  x.mutable_grad().reset();
  (x * 3.0).sum().backward();
  CHECK(values(x) == V{-2, -1});
  CHECK_FALSE(x.grad().defined());
}

// ---- nodes ------------------------------------------------------------------------------------------------

TEST_CASE("node hooks run around the node, after the hooks of its tensors") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4}), y = x * w;
  std::vector<int> order;
  y.grad_fn()->register_hook([&](const Tensors& outputs, const Tensors& inputs) {
    order.push_back(4);
    REQUIRE(outputs.size() == 2);
    REQUIRE(inputs.size() == 1);
    CHECK(values(inputs[0]) == V{20, 20});
    CHECK(values(outputs[0]) == V{60, 80});
    return Tensors{outputs[0] * 2.0, Tensor()};  // nothing goes on to w
  });
  y.grad_fn()->register_prehook([&](const Tensors& grads) { order.push_back(2); return Tensors{grads[0] * 2.0}; });
  const std::uintptr_t key = y.grad_fn()->add_pre_hook([&](const Tensors& grads) { order.push_back(3); CHECK(values(grads[0]) == V{20, 20}); });
  y.register_hook([&](const Tensor& g) { order.push_back(1); return g * 10.0; });
  y.sum().backward({}, true);
  CHECK(order == std::vector<int>{1, 2, 3, 4});
  CHECK(values(x.grad()) == V{120, 160});
  CHECK_FALSE(w.grad().defined());
  CHECK(y.grad_fn()->del_pre_hook(key));
  CHECK_FALSE(y.grad_fn()->del_pre_hook(key));
  CHECK_FALSE(y.grad_fn()->del_post_hook(key));
  CHECK_FALSE(w.sum().grad_fn()->del_post_hook(key));
  order.clear();
  (void)grad({y.sum()}, {y}, {}, true);  // the node does not run
  CHECK(order == std::vector<int>{1});
  order.clear();
  (void)(*y.grad_fn())({number({1, 1})});  // alone, without hooks
  CHECK(order.empty());
}

TEST_CASE("node hooks on the node of a leaf") {
  const Tensor x = leaf({1, 2}), y = x * 3.0;
  const ct::NodePtr node = y.grad_fn()->next_edge(0).function;
  std::vector<int> order;
  x.register_hook([&](const Tensor&) { order.push_back(1); });
  node->register_prehook([&](const Tensors& grads) { order.push_back(2); return Tensors{grads[0] * 2.0}; });
  x.register_post_accumulate_grad_hook([&](const Tensor&) { order.push_back(3); });
  const std::uintptr_t key = node->add_post_hook([&](const Tensors& outputs, const Tensors& inputs) {
    order.push_back(4);
    CHECK(outputs.empty());
    CHECK(values(inputs[0]) == V{6, 6});
  });
  y.sum().backward({}, true);
  CHECK(order == std::vector<int>{1, 2, 3, 4});
  CHECK(values(x.grad()) == V{6, 6});
  CHECK(node->del_post_hook(key));
  y.sum().backward();
  CHECK(order == std::vector<int>{1, 2, 3, 4, 1, 2, 3});
}

TEST_CASE("node hooks whose results do not fit") {
  const Tensor x = leaf({1, 2}), y = x * 1.0;
  const ct::NodePtr node = y.grad_fn();
  auto failure = [&] {
    try {
      y.sum().backward({}, true);
    } catch (const ct::Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  RemovableHandle h = node->register_prehook([](const Tensors& g) { return Tensors{g[0], g[0]}; });
  CHECK(failure().find("pre-hook of MulBackward0: hook has returned an incorrect number of values (got 2, but expected 1)") == 0);
  h.remove();
  h = node->register_prehook([](const Tensors& g) { return Tensors{g[0].to(ct::kFloat)}; });
  CHECK(failure().find("pre-hook of MulBackward0: hook has changed the type of value") == 0);
  h.remove();
  h = node->register_hook([](const Tensors& out, const Tensors&) { return Tensors{out[0].sum(), Tensor()}; });
  CHECK(failure().find("post-hook of MulBackward0: hook has changed the size of value (was [2], got [])") == 0);
  h.remove();
  h = node->register_hook([](const Tensors& out, const Tensors&) { return Tensors{out[0], out[0]}; });
  CHECK(failure().find("post-hook of MulBackward0: can't replace a None gradient with a non-None value") == 0);
  CHECK(failure().find("raised in a hook that was called in the backward of MulBackward0") != std::string::npos);
  h.remove();
  CHECK(failure().empty());
}

// ---- several tensors ----------------------------------------------------------------------------------------

TEST_CASE("one hook for several tensors") {
  using ct::autograd::graph::MultiGradMode;
  using ct::autograd::graph::register_multi_grad_hook;
  const Tensor a = leaf({1, 2}), b = leaf({3, 4}), c = leaf({5, 6}), y = a * b;
  std::vector<Tensors> all, any;
  auto first = register_multi_grad_hook({a, b, c, y}, [&](const Tensors& g) { all.push_back(g); });
  auto second = register_multi_grad_hook({a, b, c, y}, [&](const Tensors& g) { any.push_back(g); }, MultiGradMode::any);
  { const Tensor other = c * 1.0; }  // c's AccumulateGrad has come and gone
  y.sum().backward({}, true);  // c takes no part
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].size() == 4);
  CHECK_VALUES(all[0][0], V{3, 4});
  CHECK_VALUES(all[0][1], V{1, 2});
  CHECK_FALSE(all[0][2].defined());
  CHECK_VALUES(all[0][3], V{1, 1});
  REQUIRE(any.size() == 1);
  CHECK_VALUES(any[0][3], V{1, 1});
  CHECK_FALSE(any[0][0].defined());
  (y * c).sum().backward({}, true);
  REQUIRE(all.size() == 2);
  CHECK(all[1][2].defined());
  (void)grad({y.sum()}, {y}, {}, true);  // comes to y alone
  REQUIRE(all.size() == 3);
  CHECK_FALSE(all[2][0].defined());
  CHECK_VALUES(all[2][3], V{1, 1});
  a.sum().backward();
  CHECK(all.size() == 4);
  CHECK(any.size() == 4);
  first.remove();
  second.remove();
  y.sum().backward({}, true);
  CHECK(all.size() == 4);
  CHECK(any.size() == 4);
  CHECK_THROWS_WITH_AS(register_multi_grad_hook({}, [](const Tensors&) {}), doctest::Contains("non-empty"), ct::Error);
  CHECK_THROWS_WITH_AS(register_multi_grad_hook({a, number({1})}, [](const Tensors&) {}), doctest::Contains("doesn't require gradient"), ct::Error);
}

TEST_CASE("one hook for several tensors: passes inside passes, tensors that are gone, what it captured") {
  using ct::autograd::graph::register_multi_grad_hook;
  int alive = 0, calls = 0;
  {
    const Tensor x = leaf({2});
    Tensor gone = x * 1.0;
    const Tensor y = x * x;
    register_multi_grad_hook({x, gone, y}, [&, counted = Counted(&alive)](const Tensors& g) {
      CHECK(*counted.n == 1);
      CHECK(g[0].defined());
      CHECK(g[2].defined());
      const ct::EnableGradGuard on;
      if (++calls == 1) (y * 5.0).backward({}, true);  // a whole pass of its own
    });
    gone.reset();
    y.backward({}, true);
    CHECK(calls == 2);
    CHECK(values(x.grad()) == V{24});
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

// ---- what hooks may do ----------------------------------------------------------------------------------------

TEST_CASE("a hook may run backward: on another graph, on the same one, on the same leaf") {
  const Tensor x = leaf({2}), y = x * x, z = y * 3.0;
  int depth = 0;
  V inner;
  y.register_hook([&](const Tensor&) {
    if (depth > 0) return;
    ++depth;
    inner = values(grad({z}, {x}, {}, true)[0]);  // through the graph that is being run
    ct::EnableGradGuard on;
    (x * 10.0).backward();
    --depth;
  });
  x.register_hook([&](const Tensor& g) { return g * 2.0; });
  z.backward({}, true);
  CHECK(inner == V{24});
  CHECK(values(x.grad()) == V{24 + 20});
}

TEST_CASE("a hook may run the same backward again, to any depth") {
  const Tensor x = leaf({1}), y = x * 2.0;
  int calls = 0;
  y.register_hook([&](const Tensor&) {
    if (++calls < 100) y.backward({}, true);
  });
  y.backward({}, true);
  CHECK(calls == 100);
  CHECK(values(x.grad()) == V{200});
}

TEST_CASE("exceptions of hooks pass through and leave everything usable") {
  const Tensor x = leaf({1, 2}), y = x * x, z = (y * 2.0).sum();
  struct Mine : std::runtime_error { using std::runtime_error::runtime_error; };
  const auto fails = [](auto&&...) -> Tensor { throw Mine("as it must"); };
  for (int kind = 0; kind < 5; ++kind) {
    CAPTURE(kind);
    RemovableHandle h;
    if (kind == 0) h = y.register_hook(fails);
    if (kind == 1) h = x.register_hook(fails);
    if (kind == 2) h = x.register_post_accumulate_grad_hook([](const Tensor&) { throw Mine("as it must"); });
    if (kind == 3) h = y.grad_fn()->register_prehook([](const Tensors&) { throw Mine("as it must"); });
    if (kind == 4) h = y.grad_fn()->register_hook([](const Tensors&, const Tensors&) { throw Mine("as it must"); });
    CHECK_THROWS_AS(z.backward({}, true), Mine);
    CHECK(ct::GradMode::is_enabled());
    if (kind == 2) CHECK(values(x.grad()) == V{4, 8});  // it runs after the fact
    else CHECK_FALSE(x.grad().defined());
    h.remove();
    x.mutable_grad().reset();
    z.backward({}, true);
    CHECK(values(x.grad()) == V{4, 8});
    x.mutable_grad().reset();
  }
}

TEST_CASE("a hook may let go of the graph and the tensors it runs in") {
  Tensor x = leaf({2});
  Tensor y = x * x, z = y * 3.0;
  int calls = 0;
  y.register_hook([&](const Tensor&) {
    ++calls;
    y.reset();
    z.reset();
    x.reset();
  });
  x.register_hook([&](const Tensor& g) { CHECK(values(g) == V{12}); ++calls; });
  z.backward();
  CHECK(calls == 2);
}

TEST_CASE("a hook may change tensors of the graph in place") {
  const Tensor x = leaf({2}), y = x * 1.0, z = y * 3.0;
  z.register_hook([&](const Tensor&) { y.add_(1); });  // no version matters: z saves the number only
  z.register_hook([&](const Tensor&) { ct::EnableGradGuard on; z.mul_(2); });
  z.backward();
  CHECK(values(x.grad()) == V{3});
  CHECK(values(z) == V{12});
}

TEST_CASE("backward inside a hook frees what the outer pass needs, which says so") {
  const Tensor x = leaf({2}), y = x * x, z = y * 3.0;
  bool once = false;
  y.register_hook([&](const Tensor&) {
    if (!once) {
      once = true;
      y.backward();
    }
  });
  CHECK_THROWS_WITH_AS(z.backward(), doctest::Contains("Trying to backward through the graph a second time"), ct::Error);
  CHECK(values(x.grad()) == V{4});
}

// ---- threads ---------------------------------------------------------------------------------------------------

TEST_CASE("threads run backward with hooks on a shared leaf and a shared graph") {
  constexpr int threads = 4, rounds = 200;
  const Tensor x = leaf({2}), shared = x * x;
  int on_leaf = 0, on_node = 0, after = 0;
  auto add = [](int& n) { __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED); };
  x.register_hook([&](const Tensor& g) { add(on_leaf); return g * 2.0; });
  x.register_post_accumulate_grad_hook([&](const Tensor&) { add(after); });
  shared.grad_fn()->register_prehook([&](const Tensors&) { add(on_node); });
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        shared.backward({}, true);
        const Tensor own = x * 3.0;
        RemovableHandle h = own.register_hook([&](const Tensor& g) { h.remove(); return g * 2.0; });
        own.backward({}, true);
      }
    });
  for (std::thread& t : pool) t.join();
  CHECK(on_leaf == 2 * threads * rounds);
  CHECK(after == 2 * threads * rounds);
  CHECK(on_node == threads * rounds);
  CHECK(values(x.grad()) == V{threads * rounds * (8.0 + 12.0)});
}

TEST_CASE("threads remove and add hooks while others run them") {
  constexpr int threads = 4, rounds = 200;
  const Tensor x = leaf({2}), shared = x * x;
  shared.register_hook([](const Tensor&) {});
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        RemovableHandle a = shared.register_hook([c = Tensor(x)](const Tensor& g) { return g * 1.0; });
        RemovableHandle b = x.register_hook([](const Tensor& g) { return g * 1.0; });
        const RemovableHandle copy = a;
        shared.backward({}, true);
        {
          const Tensor dies = shared * 1.0;
          dies.retain_grad();
          dies.backward({}, true);
        }
        a.remove();
        b.remove();
      }
    });
  for (std::thread& t : pool) t.join();
  CHECK(values(x.grad()) == V{threads * rounds * 8.0});
}
