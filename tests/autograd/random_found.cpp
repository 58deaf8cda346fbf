// tests/autograd/random_found.cpp -- mistakes that random programs found, one case each.
#include <doctest/doctest.h>

#include "cotangent/cotangent.h"

using ct::Tensor;

namespace {
Tensor leaf() {
  Tensor x = ct::tensor({1.0, 2.0, 3.0}, ct::kDouble);
  x.requires_grad_();
  return x;
}
template <class F>
std::string failure(const F& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "none";
}
}  // namespace

DOCTEST_TEST_CASE("a leaf that was switched off after use gets no gradient") {
  const Tensor x = leaf(), y = (x * 2).sum(), z = (x * 3).sum();
  x.requires_grad_(false);
  y.backward();
  DOCTEST_CHECK(!x.grad().defined());
  const Tensor w = leaf(), v = (w * w).sum();
  w.detach_();
  v.backward();
  DOCTEST_CHECK(!w.grad().defined());
}

DOCTEST_TEST_CASE("a leaf that was cut out and became a result of itself is refused by backward") {
  const Tensor x = leaf(), y = x.sum();
  x.detach_();
  x.add_(y);
  DOCTEST_CHECK(failure([&] { x.sum().backward(); }).find("leaf variable has been moved into the graph interior") != std::string::npos);
  x.detach_();
}

DOCTEST_TEST_CASE("sums over a dim of nothing else") {
  DOCTEST_CHECK(ct::zeros({2, 0}).sum(0).sizes() == ct::IntArrayRef({0}));
  DOCTEST_CHECK(ct::zeros({2, 0, 3}).sum({0, 2}).numel() == 0);
}

DOCTEST_TEST_CASE("results of operations are no views of what they computed in") {
  const Tensor x = leaf();
  for (const Tensor& y : {x.roll({1}, {0}), x.repeat({2})}) {
    DOCTEST_CHECK(!y.is_view());
    DOCTEST_CHECK(y._version() == 0);
    y.mul_(2);
    y.sum().backward();
  }
}

DOCTEST_TEST_CASE("a gradient with history keeps it when a pass without create_graph adds to it") {
  const Tensor x = leaf();
  (x * x).sum().backward({}, true, true);
  x.sum().backward();
  DOCTEST_CHECK(x.grad().requires_grad());
  DOCTEST_CHECK(x.grad()[0].item<double>() == 3);
  x.mutable_grad().reset();
}

DOCTEST_TEST_CASE("is_leaf, grad and comparisons of a view whose history cannot be told") {
  const Tensor x = leaf(), y = x * 1;
  const auto parts = y.split(1, 0);
  y.mul_(2);
  DOCTEST_CHECK(!parts[0].is_leaf());
  DOCTEST_CHECK(!parts[0].grad().defined());
  DOCTEST_CHECK((parts[0] > 1).item<bool>());
  DOCTEST_CHECK(failure([&] { parts[0] * 2; }).find("returns multiple views") != std::string::npos);
}

DOCTEST_TEST_CASE("a view made in no_grad mode as an input of backward and grad") {
  const Tensor x = leaf(), y = x * 2;
  Tensor v;
  {
    ct::NoGradGuard off;
    v = y.view({3, 1});
  }
  const Tensor z = y.sum();
  DOCTEST_CHECK(!ct::autograd::grad({z}, {v}, {}, true, false, true)[0].defined());
  z.backward({}, true, false, {{v}});
  DOCTEST_CHECK(!x.grad().defined());
}

DOCTEST_TEST_CASE("a view of a result that was cut out is not written") {
  const Tensor x = leaf(), y = x * 2, v = y.view({3, 1});
  y.detach_();
  DOCTEST_CHECK(failure([&] { v.mul_(2); }).find("a view of a leaf Variable that requires grad") != std::string::npos);
}

DOCTEST_TEST_CASE("copy_ of itself is a write") {
  const Tensor x = leaf(), y = x * 2;
  y.copy_(y);
  DOCTEST_CHECK(y._version() == 1);
  DOCTEST_CHECK(y.grad_fn()->name() == "CopyBackwards");
  y.sum().backward();
  DOCTEST_CHECK(x.grad()[0].item<double>() == 2);
}

DOCTEST_TEST_CASE("inference mode records nothing, whatever is asked for inside") {
  const Tensor x = leaf();
  ct::InferenceMode on;
  ct::EnableGradGuard grad;
  DOCTEST_CHECK(!(x * 2).requires_grad());
}

DOCTEST_TEST_CASE("the gradient of clamp has no history of the clamped values") {
  const Tensor x = leaf();
  const Tensor g = ct::autograd::grad({x.clamp(0, 2).sum()}, {x}, {}, true, true)[0];
  DOCTEST_CHECK(!g.requires_grad());
}
