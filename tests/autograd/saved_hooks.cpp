// tests/autograd/saved_hooks.cpp -- saved_tensors_hooks: what is packed, what comes back, and what may go wrong.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cotangent/cotangent.h"
#include "cotangent/op.h"
#include "values.h"

using ct::Tensor;
using ct::autograd::grad;
using ct::autograd::graph::saved_tensors_hooks;
using V = std::vector<double>;

namespace {

Tensor leaf(const V& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }

Tensor same(const Tensor& t) { return t; }

}  // namespace

TEST_CASE("everything that is saved goes through pack, and back through unpack when it is needed") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  std::vector<V> packed, unpacked;
  Tensor y, z;
  {
    const saved_tensors_hooks hooks(
        [&](const Tensor& t) {
          CHECK_FALSE(t.requires_grad());
          CHECK_FALSE(ct::GradMode::is_enabled());
          packed.push_back(values(t));
          return values(t);  // any type
        },
        [&](const V& v) {
          unpacked.push_back(v);
          return ct::tensor(v, ct::kDouble);
        });
    y = x * w;
    CHECK(packed == std::vector<V>{{1, 2}, {3, 4}});
    z = y.exp();  // saves its output
    CHECK(packed.size() == 3);
    CHECK_VALUES(z, packed[2]);
    { const ct::NoGradGuard off; (void)(x * w); }
    (void)(x.detach() * w.detach());
    (void)(x + w);  // saves nothing
    CHECK(packed.size() == 3);
  }
  const Tensor outside = z * z;
  CHECK(packed.size() == 3);
  CHECK(unpacked.empty());
  z.backward(ct::ones({2}, ct::kDouble), true);
  CHECK(unpacked.size() == 3);
  const V e = values(y.detach().exp());
  CHECK_VALUES(x.grad(), V{3 * e[0], 4 * e[1]});
  CHECK_VALUES(w.grad(), V{1 * e[0], 2 * e[1]});
  z.backward(ct::ones({2}, ct::kDouble));
  CHECK(unpacked.size() == 6);
  CHECK_THROWS_WITH_AS(z.backward(ct::ones({2}, ct::kDouble)), doctest::Contains("Trying to backward through the graph a second time"), ct::Error);
}

TEST_CASE("guards nest: the innermost applies, also after an exception, and each thread has its own") {
  const Tensor x = leaf({2});
  int outer = 0, inner = 0;
  const auto counting = [](int& n) { return [&n](const Tensor& t) { ++n; return t; }; };
  {
    const saved_tensors_hooks a(counting(outer), same);
    {
      const saved_tensors_hooks b(counting(inner), same);
      (void)(x * x);
    }
    CHECK(inner == 2);
    CHECK(outer == 0);
    try {
      const saved_tensors_hooks b(counting(inner), same);
      throw std::runtime_error("out of the scope");
    } catch (const std::runtime_error&) {
    }
    (void)(x * x);
    CHECK(outer == 2);
    std::thread([&] { (void)(x * x); }).join();
    CHECK(outer == 2);
  }
  (void)(x * x);
  CHECK(inner == 2);
  CHECK(outer == 2);
}

TEST_CASE("guards can be forbidden") {
  using ct::autograd::graph::disable_saved_tensors_hooks;
  const Tensor x = leaf({2});
  const auto guard = [&] { const saved_tensors_hooks hooks(same, same); return x * x; };
  {
    const disable_saved_tensors_hooks off("not here");
    CHECK(error_of(guard) == "not here");
    {
      const disable_saved_tensors_hooks inner("nor here");
      CHECK(error_of(guard) == "nor here");
    }
    CHECK(error_of(guard) == "not here");
  }
  CHECK(error_of(guard) == "no error");
  const saved_tensors_hooks hooks(same, same);
  CHECK(error_of([] { const disable_saved_tensors_hooks off("too late"); }) == "too late");
  CHECK(error_of(guard) == "no error");
}

TEST_CASE("derivatives of derivatives go through packed values") {
  const Tensor x = leaf({2}), w = leaf({3});
  Tensor y;
  int unpacks = 0;
  {
    const saved_tensors_hooks hooks([](const Tensor& t) { return t.to(ct::kFloat); },
                                    [&](const Tensor& p) { ++unpacks; return p.to(ct::kDouble); });
    y = (x * x * w).exp().pow(0.5);  // exp(x^2 w / 2): inputs, outputs, leaves
  }
  const double v = y.item<double>(), f[] = {v, 6 * v, 3 * v + 36 * v, 54 * v + 216 * v};
  Tensor g = y;
  for (int order = 1; order <= 3; ++order) {
    CAPTURE(order);
    g = grad({g}, {x}, {}, true, true)[0];
    CHECK(g.item<double>() == doctest::Approx(f[order]).epsilon(1e-5));
  }
  CHECK(unpacks > 0);
  const Tensor gx = grad({y}, {x}, {}, true, true)[0];  // x w v
  CHECK(grad({gx}, {w})[0].item<double>() == doctest::Approx(2 * v + 2 * 3 * 2 * v).epsilon(1e-5));
}

TEST_CASE("a derivative that is recorded adds into the leaf itself") {
  const Tensor x = leaf({2});
  Tensor y;
  {
    const saved_tensors_hooks hooks([](const Tensor& t) { return t.clone(); }, same);
    y = x * x * x;
  }
  grad({y}, {x}, {}, true, true)[0].backward();  // 6x
  CHECK_VALUES(x.grad(), V{12});
}

TEST_CASE("packed values are not checked for changes in place") {
  const Tensor x = leaf({1, 2}), w = x * 1.0;
  Tensor y, z;
  {
    const saved_tensors_hooks hooks([](const Tensor& t) { return t.clone(); }, same);
    y = (w * w).sum();
  }
  z = (w * w).sum();
  w.add_(10);
  y.backward();  // as w was
  CHECK_VALUES(x.grad(), V{2, 4});
  CHECK_THROWS_WITH_AS(z.backward(), doctest::Contains("modified by an inplace operation"), ct::Error);
}

TEST_CASE("operations in place save through the hooks, too") {
  const Tensor x = leaf({1, 2, 3, 4});
  std::vector<V> packed;
  const auto pack = [&](const Tensor& t) { packed.push_back(values(t)); return t.clone(); };
  const Tensor a = x * 1.0;
  {
    const saved_tensors_hooks hooks(pack, same);
    a.mul_(x);      // needs its former value
    a.sqrt_();      // needs its new value
    a.exp_();
    a.mul_(x);      // that of exp_ is packed
    a.narrow(0, 0, 2).mul_(x.narrow(0, 2, 2));  // through a view
  }
  CHECK(packed[0] == V{1, 2, 3, 4});
  const Tensor reference = leaf({1, 2, 3, 4});
  Tensor b = reference * 1.0;
  b.mul_(reference);
  b.sqrt_();
  b = b.exp();
  b = b * reference;
  b.narrow(0, 0, 2).mul_(reference.narrow(0, 2, 2));
  CHECK_VALUES(a, values(b));
  const Tensor ga = grad({a.sum()}, {x}, {}, true, true)[0], gb = grad({b.sum()}, {reference}, {}, true, true)[0];
  CHECK_VALUES(ga, values(gb));
  CHECK_VALUES(grad({ga.sum()}, {x})[0], values(grad({gb.sum()}, {reference})[0]));

  // An operand that the operation overwrites cannot be packed any more; backward notices, as without hooks.
  const Tensor c = x * 1.0;
  {
    const saved_tensors_hooks hooks(pack, same);
    c.mul_(c);
  }
  CHECK_THROWS_WITH_AS(c.sum().backward(), doctest::Contains("modified by an inplace operation"), ct::Error);
}

TEST_CASE("hooks that misbehave") {
  const Tensor x = leaf({1, 2});
  {
    const saved_tensors_hooks hooks([](const Tensor& t) { t.add_(1); return t; }, same);
    CHECK_THROWS_WITH_AS(x.exp(), doctest::Contains("exp: A saved tensor pack hook is modifying its input in place."), ct::Error);
  }
  Tensor y;
  {
    const saved_tensors_hooks hooks(same, [](const Tensor&) { return Tensor(); });
    y = x.exp();
  }
  CHECK_THROWS_WITH_AS(y.sum().backward(), doctest::Contains("exp: the unpack hook of saved_tensors_hooks returned an undefined tensor"), ct::Error);
  {
    const saved_tensors_hooks hooks(same, [](const Tensor& t) { return t.sum(); });  // another shape that broadcasts is the user's affair
    y = x.exp();
  }
  y.sum().backward();
  CHECK(x.grad().defined());
  {
    const saved_tensors_hooks hooks(same, [](const Tensor&) { return ct::ones({7}, ct::kDouble); });
    y = x.exp();
  }
  CHECK_THROWS_AS(y.sum().backward(), ct::Error);
  CHECK(ct::GradMode::is_enabled());
}

TEST_CASE("exceptions of pack and unpack pass through") {
  const Tensor x = leaf({1, 2}), y = x * 1.0, before = y * y;
  struct Mine {};
  {
    const saved_tensors_hooks hooks([](const Tensor&) -> Tensor { throw Mine(); }, same);
    CHECK_THROWS_AS(x.exp(), Mine);
    CHECK_THROWS_AS(y.mul_(y), Mine);  // carried out, but not recorded
    CHECK_THROWS_AS(y.exp_(), Mine);
  }
  CHECK(ct::GradMode::is_enabled());
  CHECK_THROWS_WITH_AS(before.sum().backward(), doctest::Contains("modified by an inplace operation"), ct::Error);
  bool fail = true;
  Tensor z;
  {
    const saved_tensors_hooks hooks(same, [&](const Tensor& t) -> Tensor { if (fail) throw Mine(); return t; });
    z = x.exp().sum();
  }
  CHECK_THROWS_AS(z.backward(), Mine);
  CHECK_FALSE(x.grad().defined());
  fail = false;
  z.backward({}, true);
  CHECK_VALUES(x.grad(), values(x.detach().exp()));
}

TEST_CASE("hooks may compute, without being called for that") {
  const Tensor x = leaf({1, 2});
  int calls = 0;
  Tensor y;
  {
    const saved_tensors_hooks hooks(
        [&](const Tensor& t) {
          ++calls;
          const ct::EnableGradGuard on;
          return (t.detach().requires_grad_() * t * 2.0).detach() / t;
        },
        [&](const Tensor& t) {
          const ct::EnableGradGuard on;
          return t.detach().requires_grad_() * 0.5;  // its history is none of the graph's
        });
    y = x.exp().sum();
    CHECK(calls == 1);
    (void)grad({y}, {x}, {}, true, true);  // records while the guard holds, through unpack
    CHECK(calls == 2);                     // for g of g * y, not for what unpack computes
  }
  const int after = calls;
  const Tensor g = grad({y}, {x}, {}, true, true)[0];
  CHECK(calls == after);
  CHECK_VALUES(g, values(x.detach().exp()));
  CHECK_VALUES(grad({g.sum()}, {x})[0], values(x.detach().exp()));
}

TEST_CASE("what pack returned is freed with the saved values, with the graph, and never leaks") {
  struct Held {
    std::shared_ptr<int> token;
    Tensor t;
  };
  const auto token = std::make_shared<int>(0);
  const auto hooks_on = [&] {
    return std::make_unique<saved_tensors_hooks>([&](const Tensor& t) { return Held{token, t}; }, [](const Held& h) { return h.t; });
  };
  const Tensor x = leaf({1, 2});
  auto guard = hooks_on();
  Tensor y = x.exp() * x;
  CHECK(token.use_count() == 4);
  y.sum().backward();
  CHECK(token.use_count() == 1);
  y = x.exp() * x;
  y.reset();
  CHECK(token.use_count() == 1);
  y = x.exp() * x;
  guard.reset();
  CHECK(token.use_count() == 4);  // the graph owns them
  y.sum().backward({}, true);
  CHECK(token.use_count() == 4);
  y.reset();
  CHECK(token.use_count() == 1);
}

TEST_CASE("an unpack hook may free the graph that it is called for") {
  const Tensor x = leaf({1, 2});
  Tensor y;
  {
    const saved_tensors_hooks hooks(same, [&](const Tensor& t) { y.reset(); return t; });
    y = x.exp().sum();
  }
  y.backward();
  CHECK_VALUES(x.grad(), values(x.detach().exp()));
  {
    const saved_tensors_hooks hooks(same, [&](const Tensor& t) { y.reset(); return t; });
    y = x.exp();
  }
  const Tensor saved = y.grad_fn()->saved_tensors()[0];
  CHECK_VALUES(saved, values(x.detach().exp()));
  CHECK_FALSE(y.defined());
}

TEST_CASE("threads unpack one graph") {
  const Tensor x = leaf({1, 2});
  Tensor y;
  {
    const saved_tensors_hooks hooks([](const Tensor& t) { return t.to(ct::kFloat); }, [](const Tensor& p) { return p.to(ct::kDouble); });
    y = (x * x * x).sum();
  }
  std::vector<std::thread> pool;
  for (int t = 0; t < 4; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < 100; ++i) y.backward({}, true);
    });
  for (std::thread& t : pool) t.join();
  CHECK_VALUES(x.grad(), V{1200, 4800});
}
