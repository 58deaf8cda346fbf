// tests/autograd/random_found.cpp -- mistakes that random programs found, one case each.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "cotangent/func.h"

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

DOCTEST_TEST_CASE("a view of a leaf that was switched off keeps up with its base") {
  const Tensor x = leaf(), v = x.slice(0, 0, 2), part = x.split(1, 0)[0];
  x.requires_grad_(false);
  x.mul_(2);
  DOCTEST_CHECK(v.grad_fn()->name() == "AsStridedBackward0");
  DOCTEST_CHECK(failure([&] { part.exp(); }).find("returns multiple views") != std::string::npos);
}

DOCTEST_TEST_CASE("backward without a gradient tells the shape first") {
  const Tensor x = leaf();
  Tensor v;
  {
    ct::NoGradGuard off;
    v = (x * 1).detach().requires_grad_().view({3, 1});
  }
  DOCTEST_CHECK(failure([&] { v.backward(); }).find("grad can be implicitly created only for scalar outputs") != std::string::npos);
  DOCTEST_CHECK(failure([&] { x.detach().backward(); }).find("does not require grad") != std::string::npos);
}

DOCTEST_TEST_CASE("an expanded tensor without elements may be written") {
  const Tensor x = ct::zeros({1, 0}).expand({2, 0});
  x.add_(1);
  DOCTEST_CHECK(x._version() == 1);
}

DOCTEST_TEST_CASE("the cosine of zero is one") {
  for (const auto type : {ct::kFloat, ct::kDouble})
    for (int n = 1; n < 10; ++n) {
      const Tensor y = ct::zeros({n}, type).cos();
      DOCTEST_CHECK((y == 1).all().item<bool>());
    }
  const Tensor small = ct::tensor({1e-9, 9e-9, 2e-8, 1e-4}, ct::kDouble), y = small.cos();
  for (int i = 0; i < 4; ++i) DOCTEST_CHECK(std::abs(y[i].item<double>() - std::cos(small[i].item<double>())) <= 2.3e-16);
}

DOCTEST_TEST_CASE("masked_select of a transposed tensor has the gradient that central differences show") {
  const Tensor x = ct::tensor({{0.0, 1.0, 2.0}, {3.0, 4.0, 5.0}}, ct::kDouble), mask = ct::tensor({{true, false}, {false, true}, {true, false}});
  const Tensor w = ct::tensor({1.0, 10.0, 100.0}, ct::kDouble);
  x.requires_grad_();
  auto f = [&](const Tensor& at) { return (at.t().masked_select(mask) * w).sum(); };
  f(x).backward();
  ct::NoGradGuard off;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j) {
      const Tensor up = x.clone(), down = x.clone();
      up[i][j].add_(1e-3), down[i][j].sub_(1e-3);
      DOCTEST_CHECK(x.grad()[i][j].item<double>() == doctest::Approx((f(up) - f(down)).item<double>() / 2e-3));
    }
}

DOCTEST_TEST_CASE("hooks of a view that no_grad mode made of something tracked are kept and never called") {
  const Tensor x = leaf(), y = x * 2;
  Tensor v;
  {
    ct::NoGradGuard off;
    v = y.view({3, 1});
  }
  int calls = 0;
  auto handle = v.register_hook([&](const Tensor&) { ++calls; });
  v.register_post_accumulate_grad_hook([&](const Tensor&) { ++calls; });
  (v * 3 + y.view({3, 1})).sum().backward();
  handle.remove();
  DOCTEST_CHECK(calls == 0);
  DOCTEST_CHECK(ct::autograd::graph::graph_topological_order(v).empty());
  const auto cut = [](const Tensor& at) {
    ct::NoGradGuard off;
    return (at * 2).view(ct::IntArrayRef());
  };
  // A function whose result goes nowhere has a zero gradient.
  DOCTEST_CHECK(ct::func::grad(cut)(ct::tensor(1.0)).item<double>() == 0);
  DOCTEST_CHECK(x.grad()[0].item<double>() == 2);
}

DOCTEST_TEST_CASE("an inference tensor's shape is not changed in place outside of inference mode") {
  Tensor x;
  {
    ct::InferenceMode on;
    x = ct::ones({1, 2});
  }
  DOCTEST_CHECK(failure([&] { x.squeeze_(); }).find("Inplace update to inference tensor") != std::string::npos);
  DOCTEST_CHECK(failure([&] { x.transpose_(0, 1); }).find("Inplace update to inference tensor") != std::string::npos);
  DOCTEST_CHECK(x.sizes() == ct::IntArrayRef({1, 2}));
}

DOCTEST_TEST_CASE("nothing is saved for a gradient that goes nowhere") {
  const Tensor x = leaf();
  Tensor v, constant;
  {
    ct::InferenceMode on;
    v = x.view({3, 1});
    constant = ct::ones({3, 1}, ct::kDouble);
  }
  DOCTEST_CHECK((v * constant).requires_grad());
}

DOCTEST_TEST_CASE("a view of an inference tensor does not require grad through it") {
  ct::InferenceMode on;
  const Tensor x = ct::ones({2, 1});
  x.requires_grad_();
  DOCTEST_CHECK(!x.squeeze(1).requires_grad());
}

DOCTEST_TEST_CASE("a leaf that is a view of what was written with a history is refused by backward") {
  const Tensor base = ct::ones({2}, ct::kDouble), v = base.split(1, 0)[0], w = base.slice(0, 1, 2);
  v.requires_grad_();
  w.requires_grad_();
  const Tensor y = (v * 2).sum(), z = (w * 2).sum();
  base.add_(leaf().sum());
  DOCTEST_CHECK(failure([&] { y.backward(); }).find("returns multiple views") != std::string::npos);
  DOCTEST_CHECK(failure([&] { z.backward(); }).find("leaf variable has been moved into the graph interior") != std::string::npos);
}

DOCTEST_TEST_CASE("a view without elements at the end of its memory is not read") {
  const Tensor x = ct::ones({8}, ct::kDouble), none = x.slice(0, 8, 8), mask = ct::ones({8}, ct::kBool).slice(0, 8, 8);
  DOCTEST_CHECK((none > none).numel() == 0);
  DOCTEST_CHECK(ct::where(mask, none, none).numel() == 0);
}
