// tests/autograd/tensor_autograd.cpp -- leaves, gradients, retain_grad, detach and the modes, with numbers by hand.
#include <doctest/doctest.h>

#include <vector>

#include "cotangent/autograd.h"

using ct::Tensor;
using ct::autograd::grad;

namespace {

Tensor leaf(const std::vector<double>& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor number(const std::vector<double>& v) { return ct::tensor(v, ct::kDouble); }
std::vector<double> values(const Tensor& t) {
  const Tensor c = t.detach().contiguous();
  return {c.data_ptr<double>(), c.data_ptr<double>() + c.numel()};
}
using V = std::vector<double>;

}  // namespace

TEST_CASE("leaves and their flags") {
  const Tensor a = number({1}), x = leaf({1}), y = x * 2.0;
  CHECK(a.is_leaf());
  CHECK_FALSE(a.requires_grad());
  CHECK(x.is_leaf());
  CHECK_FALSE(x.grad_fn());
  CHECK_FALSE(y.is_leaf());
  CHECK(y.requires_grad());
  CHECK(y.grad_fn()->name() == "MulBackward0");
  CHECK(y.output_nr() == 0);
  CHECK((a * 2.0).is_leaf());
  a.requires_grad_();
  CHECK((a * 2.0).requires_grad());
  a.requires_grad_(false);
  CHECK_FALSE((a * 2.0).requires_grad());
}

TEST_CASE("gradients add up, in place, until they are reset") {
  const Tensor x = leaf({1, 2}), y = (x * x).sum();
  y.backward({}, true);
  const Tensor first = x.grad();
  CHECK(values(first) == V{2, 4});
  y.backward({}, true);
  CHECK(x.grad().is_same(first));
  CHECK(values(first) == V{4, 8});
  x.mutable_grad().reset();
  y.backward();
  CHECK(values(x.grad()) == V{2, 4});
  CHECK(values(first) == V{4, 8});
  x.set_grad(number({10, 20}));
  x.sum().backward();
  CHECK(values(x.grad()) == V{11, 21});
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("gradients are memory of their own") {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4}), v = number({1, 10});
  (a + b).backward(v);
  a.mutable_grad().mul_(100);
  CHECK(values(b.grad()) == V{1, 10});
  CHECK(values(v) == V{1, 10});
  const Tensor c = leaf({1, 2, 3});
  c.sum().backward();
  c.mutable_grad().mul_(2);  // the gradient of sum is an expanded number, but not in .grad
  CHECK(values(c.grad()) == V{2, 2, 2});
}

TEST_CASE("grad returns and does not accumulate") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4}), unused = leaf({1}), y = x * w, z = (y * y).sum();
  const auto g = grad({z}, {x, y, w}, {}, true);
  CHECK(values(g[0]) == V{18, 64});
  CHECK(values(g[1]) == V{6, 16});
  CHECK(values(g[2]) == V{6, 32});
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(grad({z}, {unused}, {}, true, false, true)[0].defined());
  CHECK(values(grad({z, y}, {x}, {Tensor(), number({1, 10})}, true)[0]) == V{18 + 3, 64 + 40});
  CHECK(values(grad({x}, {x}, {number({5, 6})})[0]) == V{5, 6});
  CHECK(values(grad({z}, {z}, {}, true)[0]) == V{1});
}

TEST_CASE("backward into chosen inputs") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4}), y = x * w, z = (y * y).sum();
  z.backward({}, true, false, {{x}});
  CHECK(values(x.grad()) == V{18, 64});
  CHECK_FALSE(w.grad().defined());
  z.backward({}, true, false, {{w, y}});
  CHECK(values(w.grad()) == V{6, 32});
  CHECK(values(y.grad()) == V{6, 16});
  CHECK(values(x.grad()) == V{18, 64});
}

TEST_CASE("several roots at once") {
  const Tensor x = leaf({1, 2}), y = x * x, z = y * 3.0;
  ct::autograd::backward({y, z, y}, {number({1, 1}), number({1, 10}), number({2, 0})});
  CHECK(values(x.grad()) == V{2 + 6 + 4, 4 + 120});
}

TEST_CASE("retain_grad keeps, accumulates and follows the value") {
  const Tensor x = leaf({1, 2}), y = x * 3.0, z = (y * y).sum();
  y.retain_grad();
  CHECK(y.retains_grad());
  z.backward({}, true);
  CHECK(values(y.grad()) == V{6, 12});
  y.mutable_grad().mul_(1);  // its own memory
  z.backward();
  CHECK(values(y.grad()) == V{12, 24});
  x.retain_grad();  // of a leaf: nothing to do
  CHECK_FALSE(x.retains_grad());
  const Tensor u = x * 1.0;
  u.retain_grad();
  u.mul_(2);
  (u * number({5, 7})).sum().backward();
  CHECK(values(u.grad()) == V{5, 7});  // of u as it is, not as it was
  {
    const Tensor dies = x * 1.0;
    dies.retain_grad();
    CHECK_NOTHROW((dies * 2.0).sum().backward());
  }
  Tensor kept;
  {
    const Tensor base = x * 1.0, view = base.view({2, 1});
    view.retain_grad();
    kept = view * 1.0;
    base.mul_(2);
    (void)view.grad_fn();  // made anew, and the view is gone before the old one runs
  }
  CHECK_NOTHROW(kept.sum().backward());
}

TEST_CASE("detach shares memory and version, data only memory") {
  const Tensor x = leaf({1, 2}), y = x * 2.0, d = y.detach(), e = y.data();
  CHECK_FALSE(d.requires_grad());
  CHECK(d.is_alias_of(y));
  d.add_(1);
  CHECK(values(y) == V{3, 5});
  CHECK(y._version() == 1);
  e.add_(1);
  CHECK(values(y) == V{4, 6});
  CHECK(y._version() == 1);
  const Tensor z = y * 3.0;
  y.detach_();
  CHECK(y.is_leaf());
  CHECK_FALSE(y.requires_grad());
  z.sum().backward();  // the graph of z is as it was
  CHECK(values(x.grad()) == V{6, 6});
}

TEST_CASE("modes nest, and end with their scope however it is left") {
  const Tensor x = leaf({1, 2});
  {
    ct::NoGradGuard off;
    CHECK_FALSE((x * 2.0).requires_grad());
    {
      ct::EnableGradGuard on;
      CHECK((x * 2.0).requires_grad());
      try {
        ct::NoGradGuard inner;
        throw 1;
      } catch (int) {
        CHECK(ct::GradMode::is_enabled());
      }
      {
        ct::AutoGradMode same(false);
        CHECK_FALSE(ct::is_grad_enabled());
      }
    }
    CHECK_FALSE(ct::is_grad_enabled());
    CHECK(ct::ones({1}, ct::requires_grad()).requires_grad());
    x.mul_(2);  // an update
    CHECK(x.is_leaf());
  }
  CHECK((x * 2.0).requires_grad());
  const Tensor y = x * x;
  {
    ct::NoGradGuard off;
    y.sum();
    y.backward(number({1, 1}));
  }
  CHECK(values(x.grad()) == V{4, 8});
}

TEST_CASE("inference mode") {
  const Tensor x = leaf({1, 2});
  Tensor t, made;
  {
    ct::InferenceMode on;
    CHECK(ct::InferenceMode::is_enabled());
    t = x * 2.0;
    made = ct::empty_strided({2}, {1}, ct::kDouble);
    CHECK(t.is_inference());
    CHECK(made.is_inference());
    CHECK_FALSE(t.requires_grad());
    CHECK_FALSE(x.view({2, 1}).is_inference());
    t.add_(1);
    {
      ct::InferenceMode off(false);
      CHECK((x * 2.0).requires_grad());
      CHECK_FALSE((x * 2.0).is_inference());
    }
    try {
      ct::InferenceMode inner;
      throw 1;
    } catch (int) {
    }
    CHECK(ct::InferenceMode::is_enabled());
  }
  CHECK_FALSE(ct::InferenceMode::is_enabled());
  CHECK(values(t.clone() * x) == V{3, 10});
  CHECK((x + t).requires_grad());  // nothing is saved
}

TEST_CASE("a write in place into a tracked tensor is differentiable again and again") {
  const Tensor x = leaf({0.5, 2});
  const Tensor y = x * 1.0;
  y.mul_(x);  // x^2
  y.mul_(x);  // x^3
  const Tensor g = grad({y.sum()}, {x}, {}, true, true)[0];
  CHECK(values(g) == V{0.75, 12});
  const Tensor h = grad({g.sum()}, {x}, {}, true, true)[0];
  CHECK(values(h) == V{3, 12});
  CHECK(values(grad({h.sum()}, {x})[0]) == V{6, 6});
}
