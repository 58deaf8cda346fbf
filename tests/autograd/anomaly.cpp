// autograd/anomaly.cpp -- anomaly mode, and reports of the first gradient that is not finite.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cotangent/cotangent.h"

using namespace ct;
using autograd::AnomalyMode;
using autograd::DetectAnomalyGuard;
using autograd::explain_nonfinite;
using autograd::NonFiniteReport;
using Kind = NonFiniteReport::Kind;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::string line(int n) { return "anomaly.cpp:" + std::to_string(n); }
bool lines_known() { return tensor(1.0, requires_grad()).exp().grad_fn()->location().line > 0; }

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

void has(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  CHECK(text.find(part) != std::string::npos);
}

// The identity with a derivative of nan.
struct Broken : autograd::Function<Broken> {
  static Tensor forward(autograd::AutogradContext*, const Tensor& x) { return x.clone(); }
  static autograd::variable_list backward(autograd::AutogradContext*, autograd::variable_list g) { return {g[0] * std::nan("")}; }
};

}  // namespace

TEST_CASE("anomaly mode is off, is switched by scopes, and comes back after exceptions") {
  CHECK_FALSE(AnomalyMode::is_enabled());
  CHECK(AnomalyMode::should_check_nan());
  {
    DetectAnomalyGuard outer;
    CHECK(AnomalyMode::is_enabled());
    try {
      DetectAnomalyGuard inner(false);
      CHECK_FALSE(AnomalyMode::should_check_nan());
      AnomalyMode::set_enabled(false);
      throw 1;
    } catch (int) {
    }
    CHECK(AnomalyMode::is_enabled());
    CHECK(AnomalyMode::should_check_nan());
  }
  CHECK_FALSE(AnomalyMode::is_enabled());
  autograd::set_detect_anomaly(true, false);
  CHECK(AnomalyMode::is_enabled());
  CHECK_FALSE(AnomalyMode::should_check_nan());
  autograd::set_detect_anomaly(false);
  CHECK_FALSE(AnomalyMode::is_enabled());
}

TEST_CASE("anomaly mode: the function, its output, and the forward line") {
  auto x = tensor({0.0, 4.0}, requires_grad());
  auto loss = [&x] { return (x.sqrt() * 0).sum(); };
  const int at = __LINE__ - 1;
  loss().backward();  // not looked at
  CHECK(std::isnan(x.grad()[0].item<double>()));
  x.mutable_grad().reset();
  DetectAnomalyGuard guard;
  const std::string m = message([&] { loss().backward(); });
  CHECK(m.rfind("Function 'SqrtBackward0' returned nan values in its 0th output.\n", 0) == 0);
  has(m, "0 (the gradient that came in) * inf (the derivative where y = 0, x = 0) = nan");
  if (lines_known()) has(m, "\n  Its forward was called at " + line(at));
  CHECK_FALSE(x.grad().defined());

  // No nan, nothing thrown; and inf alone is none, as in PyTorch.
  auto y = x.sqrt().sum();
  y.backward();
  CHECK(x.grad()[0].item<double>() == inf);
  CHECK(x.grad()[1].item<double>() == 0.25);
  CHECK_NOTHROW((x * 2).sum().backward());
  {
    DetectAnomalyGuard unchecked(false);
    CHECK_NOTHROW(loss().backward());
  }
  // The graph is usable after the error.
  auto again = loss();
  has(message([&] { again.backward({}, true); }), "SqrtBackward0");
  AnomalyMode::set_enabled(false);
  CHECK_NOTHROW(again.backward());
}

TEST_CASE("anomaly mode: gradients are what they are without it") {
  auto run = [](bool anomaly) {
    AnomalyMode::set_enabled(anomaly);
    auto x = tensor({1.0, 2.0, 3.0}, requires_grad());
    auto y = x * x + x;  // several gradients are summed
    auto z = (y * x + y.exp()).sum() + y[0];
    z.backward({}, true);
    z.backward();
    AnomalyMode::set_enabled(false);
    return x.grad();
  };
  CHECK(equal(run(true), run(false)));
}

TEST_CASE("anomaly mode: a node of the second order names the node for which it was recorded") {
  auto x = tensor({0.0}, requires_grad());
  DetectAnomalyGuard guard;
  auto y = x.pow(1.5).sum();
  const int forward = __LINE__ - 1;
  Tensor g = autograd::grad({y}, {x}, {}, true, true)[0];
  CHECK(autograd::anomaly_parent(*g.grad_fn())->name() == "PowBackward0");
  CHECK_FALSE(autograd::anomaly_parent(*y.grad_fn()));
  // The second derivative of x^1.5 is infinite at 0; its product with 0 is nan.
  const std::string m = message([&] { (g * 0).sum().backward(); });
  has(m, "returned nan values in its 0th output.");
  has(m, "\n  It was recorded in the backward of PowBackward0");
  if (lines_known()) has(m, "PowBackward0 (" + line(forward) + ").");
}

TEST_CASE("the classic: a branch that was not chosen") {
  auto x = tensor({4.0, 0.0, 1.0}, requires_grad());
  auto root = x.sqrt();
  const int sqrt_at = __LINE__ - 1;
  auto y = where(x > 0, root, zeros({3}));
  const int where_at = __LINE__ - 1;
  auto loss = y.sum();
  const NonFiniteReport r = explain_nonfinite(loss);
  CHECK(r.kind == Kind::backward);
  CHECK(r.node == "SqrtBackward0");
  CHECK(r.op == "sqrt");
  CHECK(r.index == std::vector<std::int64_t>{1});
  CHECK(std::isnan(r.value));
  CHECK(r.incoming == 0.0);
  CHECK(r.derivative == inf);
  CHECK(r.masked);
  REQUIRE(r.path.size() == 3);
  CHECK(r.path[0].node == "SumBackward0");
  CHECK(r.path[1].node == "WhereBackward0");
  CHECK(r.path[2].node == "SqrtBackward0");
  CHECK(r.path[1].input == 1);
  has(r.text, "element [1]");
  has(r.text, "0 (the gradient that came in) * inf (the derivative where y = 0, x = 0) = nan");
  has(r.text, "which gave its input 1 no share in this element; but 0 * inf is nan, not 0.");
  has(r.text, "Mask the input of `sqrt` and not only its result: where(ok, sqrt(where(ok, x, 1)), other).");
  if (lines_known()) {
    CHECK(to_string(r.location) == line(sqrt_at));
    has(r.text, "made by the backward of `sqrt` at " + line(sqrt_at));
    has(r.text, "The 0 is from WhereBackward0 (" + line(where_at) + ")");
    has(r.text, "WhereBackward0 (" + line(where_at) + "), input 1 > SqrtBackward0 (" + line(sqrt_at) + ")");
  }
  // Nothing was accumulated, and the graph is still there.
  CHECK_FALSE(x.grad().defined());
  CHECK_NOTHROW(loss.backward());

  // What the report advises.
  auto ok = x > 0;
  const NonFiniteReport good = explain_nonfinite(where(ok, where(ok, x, ones({3})).sqrt(), zeros({3})).sum());
  CHECK_FALSE(good);
  CHECK(good.kind == Kind::none);
  has(good.text, "All gradients are finite");
}

TEST_CASE("a mask further away, of other kinds, and broadcast") {
  auto x = tensor({{1.0, 0.0}, {2.0, 3.0}}, requires_grad());
  auto l = x.log() * 2;
  NonFiniteReport r = explain_nonfinite((l.exp() * tensor({1.0, 0.0})).sum());  // 0 through a product, an exp and a factor
  CHECK(r.masked);
  CHECK(r.node == "LogBackward0");
  CHECK(r.index == std::vector<std::int64_t>{0, 1});
  has(r.text, "x = 0");
  r = explain_nonfinite(x.reciprocal().masked_fill(x == 0, 0).sum());
  CHECK(r.masked);
  CHECK(r.op == "reciprocal");
  auto s = tensor(0.0, requires_grad());
  r = explain_nonfinite((tensor({1.0, 2.0}) / s).sum());
  CHECK(r.kind == Kind::backward);
  CHECK(r.node == "DivBackward0");
  CHECK(r.input == 1);
  CHECK_FALSE(r.masked);
}

TEST_CASE("no finite slope, a product that is too large, a sum that is too large") {
  auto x = tensor({4.0, 0.0}, requires_grad());
  NonFiniteReport r = explain_nonfinite(x.sqrt().sum());
  CHECK(r.value == inf);
  CHECK(r.incoming == 1.0);
  CHECK_FALSE(r.masked);
  has(r.text, "`sqrt` has no finite derivative there");

  auto y = tensor({3.0f}, requires_grad());
  r = explain_nonfinite(((y * 1e30) * 1e30).sum());
  CHECK(r.kind == Kind::backward);
  CHECK(r.node == "MulBackward0");
  CHECK(r.value == inf);
  has(r.text, "their product is too large for Float");

  auto z = tensor({0.0f}, requires_grad());
  auto big = z.clone();
  r = explain_nonfinite((big * 3e38 + big * 3e38).sum());
  CHECK(r.kind == Kind::incoming);
  has(r.text, "the sum of finite gradients is too large");

  r = explain_nonfinite((x * 2), {}, tensor({1.0, inf}));
  CHECK(r.kind == Kind::incoming);
  CHECK(r.index == std::vector<std::int64_t>{1});
  has(r.text, "backward was given it to begin with");
}

TEST_CASE("values that were not finite before backward") {
  auto x = tensor({1000.0f, 1.0f}, requires_grad());
  auto e = x.exp();
  const int exp_at = __LINE__ - 1;
  auto y = (e / e).sum();
  NonFiniteReport r = explain_nonfinite(y);
  CHECK(r.kind == Kind::backward);
  has(r.text, "A value of the forward computation was not finite already: the result y of ExpBackward0");
  if (lines_known()) has(r.text, "ExpBackward0 (" + line(exp_at) + ") is inf, element [0].");

  auto bad = tensor({1.0, std::nan("")}, requires_grad());
  r = explain_nonfinite((bad * bad).sum());
  has(r.text, "a leaf of shape [2] is nan, element [1]");

  r = explain_nonfinite((bad + 1).sum());  // gradients are finite
  CHECK(r.kind == Kind::forward);
  CHECK(r.node == "AccumulateGrad");
}

TEST_CASE("functions of the program, other operations, chosen inputs") {
  auto x = tensor({1.0, 2.0}, requires_grad()), w = tensor({0.0, 1.0}, requires_grad());
  NonFiniteReport r = explain_nonfinite(Broken::apply(x).sum());
  CHECK(r.kind == Kind::backward);
  CHECK(r.node == "BrokenBackward");
  auto y = x.sum() + w.sqrt().sum();
  CHECK(explain_nonfinite(y));
  CHECK_FALSE(explain_nonfinite(y, {x}));
  CHECK(explain_nonfinite(y, {w}).op == "sqrt");
  auto m = tensor({{0.0, 0.0}, {0.0, 0.0}}, requires_grad());
  r = explain_nonfinite(m.prod() / m.sum());
  CHECK(r.kind == Kind::backward);

  CHECK_THROWS_WITH_AS(explain_nonfinite(Tensor()), doctest::Contains("the tensor is undefined"), Error);
  CHECK_THROWS_WITH_AS(explain_nonfinite(tensor(1.0)), doctest::Contains("does not require grad"), Error);
  auto spent = (x * x).sum();
  spent.backward();
  CHECK_THROWS_WITH_AS(explain_nonfinite(spent), doctest::Contains("a second time"), Error);
}
