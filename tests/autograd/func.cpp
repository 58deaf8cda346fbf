// tests/autograd/func.cpp -- the transforms of func.h: values by hand, and every nesting against another way.
#include <doctest/doctest.h>

#include <cotangent/cotangent.h>
#include <cotangent/forward_ad.h>
#include <cotangent/func.h>

#include "values.h"

namespace {

namespace func = ct::func;
using ct::Tensor;

Tensor vec(std::initializer_list<double> v) { return ct::tensor(std::vector<double>(v)); }
bool same(const Tensor& a, const Tensor& b) { return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && ct::allclose(a, b, 1e-9, 1e-12); }

Tensor cubes(const Tensor& x) { return (x * x * x).sum(); }
// Smooth, with every entry of its second derivatives present.
Tensor mixed(const Tensor& x) { return (ct::exp(x) * x[0]).sum() + ct::logsumexp(x, 0) + ct::softmax(x, 0)[1]; }
Tensor curve(const Tensor& x) { return ct::tanh(x) * x[0] + ct::exp(x).sum(); }
Tensor edited(const Tensor& x) {
  Tensor y = x * 2;
  y[0].mul_(x[1]);
  y.add_(x);
  y.slice(0, 1, 3).copy_(ct::exp(x[0]).expand({2}));
  return y * y;
}

}  // namespace

TEST_CASE("grad, three times") {
  const Tensor x = vec({1, 2, 3});
  CHECK(same(func::grad(cubes)(x), vec({3, 12, 27})));
  const auto second = [](const Tensor& v) { return func::grad(cubes)(v).sum(); };
  CHECK(same(func::grad(second)(x), vec({6, 12, 18})));
  CHECK(same(func::grad([&](const Tensor& v) { return func::grad(second)(v).sum(); })(x), vec({6, 6, 6})));
  CHECK_FALSE(x.requires_grad());
  CHECK_FALSE(func::grad(cubes)(x).requires_grad());
}

TEST_CASE("grad by several arguments, of trees, with a value and something else") {
  const auto f = [](const Tensor& a, const Tensor& b, double scale) { return (a * b * b).sum() * scale; };
  const Tensor a = vec({1, 2}), b = vec({3, 4});
  CHECK(same(func::grad(f)(a, b, 2.0), vec({18, 32})));
  CHECK(same(func::grad(f, func::argnums<1>)(a, b, 2.0), vec({12, 32})));
  const auto [da, db] = func::grad(f, func::argnums<0, 1>)(a, b, 2.0);
  CHECK(same(da, vec({18, 32})));
  CHECK(same(db, vec({12, 32})));

  const auto of_tree = [](const std::vector<Tensor>& p) { return (p[0] * p[1]).sum(); };
  const std::vector<Tensor> g = func::grad(of_tree)(std::vector<Tensor>{a, b});
  REQUIRE(g.size() == 2);
  CHECK(same(g[0], b));
  CHECK(same(g[1], a));

  const auto [slope, value] = func::grad_and_value(cubes)(a);
  CHECK(same(slope, vec({3, 12})));
  CHECK(value.item<double>() == 9);
  CHECK_FALSE(value.requires_grad());

  const auto with_aux = [](const Tensor& x) { return std::pair(cubes(x), x * 2); };
  const auto [slope2, aux] = func::grad(with_aux, func::argnums<0>, func::has_aux)(a);
  CHECK(same(slope2, vec({3, 12})));
  CHECK(same(aux, vec({2, 4})));
}

TEST_CASE("grad depends on no_grad inside of f only, and reaches what is tracked outside") {
  const Tensor x = vec({1, 2});
  {
    ct::NoGradGuard off;
    CHECK(same(func::grad(cubes)(x), vec({3, 12})));
    CHECK_FALSE(ct::GradMode::is_enabled());
  }
  const auto partly = [](const Tensor& v) {
    Tensor c;
    {
      ct::NoGradGuard off;
      c = v * v;
    }
    return (v - c).sum();
  };
  CHECK(same(func::grad(partly)(x), vec({1, 1})));

  const Tensor w = vec({3, 5}).requires_grad_();
  const Tensor g = func::grad([&](const Tensor& v) { return (v * v * w).sum(); })(x);  // 2 x w
  REQUIRE(g.requires_grad());
  g.sum().backward();
  CHECK(same(w.grad(), vec({2, 4})));

  const Tensor leaf = vec({1, 2}).requires_grad_();
  func::grad(cubes)(leaf).sum().backward();
  CHECK(same(leaf.grad(), vec({6, 12})));
}

TEST_CASE("what grad refuses") {
  CHECK_THROWS_WITH_AS(func::grad([](const Tensor& x) { return x * 2; })(vec({1, 2})), doctest::Contains("Expected f to return a scalar tensor, got tensor with 1 dims"), ct::Error);
  CHECK_THROWS_WITH_AS(func::grad(cubes)(ct::tensor({1, 2})), doctest::Contains("floating point dtype"), ct::Error);
  CHECK_THROWS_WITH_AS(func::vjp(curve, vec({1, 2, 3})).second(vec({1})), doctest::Contains("has shape"), ct::Error);
  CHECK_THROWS_WITH_AS(func::jvp(curve, vec({1, 2, 3}), vec({1})), doctest::Contains("has shape"), ct::Error);
  // An exception leaves nothing behind.
  CHECK_THROWS_AS(func::vmap([](const Tensor& x) -> Tensor { throw ct::Error("stop"); return x; })(vec({1, 2})), ct::Error);
  CHECK_THROWS_AS(func::jvp([](const Tensor& x) -> Tensor { throw ct::Error("stop"); return x; }, vec({1}), vec({1})), ct::Error);
  CHECK(ct::GradMode::is_enabled());
  CHECK(same(func::grad(cubes)(vec({2})), vec({12})));
}

TEST_CASE("Jacobians are the same in both modes, in chunks, and of trees") {
  const Tensor x = vec({0.5, -1, 2});
  const Tensor j = func::jacrev(curve)(x);
  CHECK(j.sizes() == ct::IntArrayRef({3, 3}));
  CHECK(same(j, func::jacfwd(curve)(x)));
  CHECK(same(j, func::jacrev(curve, 2)(x)));
  // Row i is the gradient of entry i.
  for (std::int64_t i = 0; i < 3; ++i) CHECK(same(j[i], func::grad([i](const Tensor& v) { return curve(v)[i]; })(x)));

  const auto two = [](const Tensor& a, const Tensor& b) { return std::pair(a.unsqueeze(1) * b, b.sum()); };
  const Tensor a = vec({1, 2}), b = vec({3, 4, 5});
  const auto [first, second] = func::jacrev(two, func::argnums<0, 1>)(a, b);
  CHECK(std::get<0>(first).sizes() == ct::IntArrayRef({2, 3, 2}));
  CHECK(std::get<1>(first).sizes() == ct::IntArrayRef({2, 3, 3}));
  CHECK(same(std::get<0>(second), ct::zeros({2}, ct::kDouble)));
  CHECK(same(std::get<1>(second), ct::ones({3}, ct::kDouble)));
  const auto [first2, second2] = func::jacfwd(two, func::argnums<0, 1>)(a, b);
  CHECK(same(std::get<0>(first), std::get<0>(first2)));
  CHECK(same(std::get<1>(first), std::get<1>(first2)));
  CHECK(same(std::get<0>(second), std::get<0>(second2)));
  CHECK(same(std::get<1>(second), std::get<1>(second2)));
  CHECK(same(func::jacrev([](const Tensor& v) { return v.sum() * 0 + 3; })(x), ct::zeros({3}, ct::kDouble)));
}

TEST_CASE("Hessians by all four nestings") {
  const Tensor x = vec({0.5, -1, 2}), h = func::hessian(mixed)(x);
  CHECK(same(h, h.t()));
  CHECK(same(h, func::jacrev(func::jacrev(mixed))(x)));
  CHECK(same(h, func::jacfwd(func::jacfwd(mixed))(x)));
  CHECK(same(h, func::jacrev(func::jacfwd(mixed))(x)));
  const auto g = func::grad(mixed);
  for (std::int64_t i = 0; i < 3; ++i) CHECK(same(h[i], func::grad([&](const Tensor& v) { return g(v)[i]; })(x)));
  // f(x, y) = sum x^2 y: three blocks that differ
  const auto two = [](const Tensor& a, const Tensor& b) { return (a * a * b).sum(); };
  const auto [haa, hab] = std::get<0>(func::hessian(two, func::argnums<0, 1>)(vec({1, 2}), vec({3, 4})));
  CHECK(same(haa, ct::diag(vec({6, 8}))));
  CHECK(same(hab, ct::diag(vec({2, 4}))));
}

TEST_CASE("vjp, jvp and linearize") {
  const Tensor x = vec({0.5, -1, 2}), v = vec({1, 2, 3}), t = vec({0.1, 0.2, -0.3});
  const Tensor j = func::jacrev(curve)(x);
  const auto [y, pull] = func::vjp(curve, x);
  CHECK(same(y, curve(x)));
  CHECK_FALSE(y.requires_grad());
  CHECK(same(pull(v), j.t().mv(v)));
  CHECK(same(pull(v * 2), j.t().mv(v) * 2));
  const auto [y2, dy] = func::jvp(curve, x, t);
  CHECK(same(y2, y));
  CHECK(same(dy, j.mv(t)));
  const auto [y3, push] = func::linearize(curve, x);
  CHECK(same(y3, y));
  CHECK(same(push(t), j.mv(t)));
  CHECK(same(push(t * 3), j.mv(t) * 3));
  const auto product = [](const Tensor& a, const Tensor& b) { return a * b; };
  CHECK(same(func::jvp(product, std::tuple(x, v), std::tuple(t, t)).second, x * t + v * t));
  const auto [both, pull2] = func::vjp(product, x, v);
  const auto [ga, gb] = pull2(ct::ones({3}, ct::kDouble));
  CHECK(same(ga, v));
  CHECK(same(gb, x));
}

TEST_CASE("tangents of nested levels do not mix") {
  // d/dx (x * d/dy (x + y)) = 1, not 2: the classic confusion
  const auto inner = [](const Tensor& x) {
    const Tensor dy = func::jvp([&](const Tensor& y) { return x + y; }, ct::ones({}, ct::kDouble), ct::ones({}, ct::kDouble)).second;
    return x * dy;
  };
  const Tensor one = ct::ones({}, ct::kDouble);
  CHECK(func::jvp(inner, one, one).second.item<double>() == 1);
  CHECK(func::grad(inner)(one).item<double>() == 1);
}

TEST_CASE("vmap over grad, grad over vmap: per-sample gradients") {
  ct::manual_seed(0);
  const Tensor samples = ct::randn({4, 3}, ct::kDouble), w = ct::randn({3}, ct::kDouble);
  const auto loss = [](const Tensor& weights, const Tensor& x) { return ct::tanh(x.dot(weights)).square(); };
  const auto per_sample = func::vmap(func::grad(loss), {std::nullopt, 0});
  const Tensor g = per_sample(w, samples);
  REQUIRE(g.sizes() == ct::IntArrayRef({4, 3}));
  for (std::int64_t i = 0; i < 4; ++i) CHECK(same(g[i], func::grad(loss)(w, samples[i])));

  const auto squared = [&](const Tensor& weights) { return per_sample(weights, samples).square().sum(); };
  Tensor expected = ct::zeros({3}, ct::kDouble);
  for (std::int64_t i = 0; i < 4; ++i)
    expected = expected + func::grad([&](const Tensor& weights) { return func::grad(loss)(weights, samples[i]).square().sum(); })(w);
  CHECK(same(func::grad(squared)(w), expected));

  const Tensor leaf = w.clone().requires_grad_();
  per_sample(leaf, samples).square().sum().backward();
  CHECK(same(leaf.grad(), expected));
}

TEST_CASE("vmap over second derivatives") {
  ct::manual_seed(1);
  const Tensor x = ct::randn({4, 3}, ct::kDouble);
  for (const Tensor& h : {func::vmap(func::hessian(mixed))(x), func::vmap(func::jacrev(func::jacrev(mixed)))(x), func::vmap(func::jacfwd(func::jacfwd(mixed)))(x)})
    for (std::int64_t i = 0; i < 4; ++i) CHECK(same(h[i], func::hessian(mixed)(x[i])));
  const Tensor nested = func::vmap(func::vmap([](const Tensor& a, const Tensor& b) { return a * b; }, {0, std::nullopt}), {std::nullopt, 0})(vec({1, 2}), vec({3, 4, 5}));
  CHECK(same(nested, ct::outer(vec({3, 4, 5}), vec({1, 2}))));
}

TEST_CASE("writing in place inside of transforms") {
  ct::manual_seed(2);
  const Tensor x = ct::randn({4, 3}, ct::kDouble);
  const Tensor j = func::jacrev(edited)(x[1]);
  CHECK(same(func::jacfwd(edited)(x[1]), j));
  CHECK(same(func::vmap(func::jacrev(edited))(x)[1], j));
  CHECK(same(func::vmap(func::jacfwd(edited))(x)[1], j));
  CHECK(same(func::jacfwd(func::jacrev(edited))(x[1]), func::jacrev(func::jacrev(edited))(x[1])));
  // The caller's tensors stay as they are, the tangent included.
  const Tensor p = vec({1, 2}), t = vec({1, 1});
  func::jvp([](const Tensor& v) { Tensor y = v * 1; y.mul_(3); return y; }, p, t);
  CHECK(same(p, vec({1, 2})));
  CHECK(same(t, vec({1, 1})));
}

TEST_CASE("dimensions in and out, chunks, and what vmap refuses") {
  const Tensor a = ct::arange(6, ct::kDouble).view({2, 3}), b = vec({1, 2, 3});
  const auto f = [](const Tensor& x, const Tensor& y) { return x * y; };
  CHECK(same(func::vmap(f, {1, 0})(a, b), (a * b).t()));
  CHECK(same(func::vmap(f, {-1, 0}, 1)(a, b), a * b));
  CHECK(same(func::vmap(f, {0, std::nullopt})(a, b), a * b));
  CHECK(same(func::vmap(f, {1, 0}, 0, "error", 2)(a, b), (a * b).t()));
  CHECK(same(func::vmap([&](const Tensor&) { return b; })(a), b.expand({2, 3})));
  CHECK_THROWS_WITH_AS(func::vmap(f)(a, b), doctest::Contains("Expected all tensors to have the same size in the mapped dimension"), ct::Error);
  CHECK_THROWS_WITH_AS(func::vmap(f, {2, 0})(a, b), doctest::Contains("so expected in_dim to satisfy"), ct::Error);
  CHECK_THROWS_WITH_AS(func::vmap(f, {0})(a, b), doctest::Contains("not compatible with the structure of inputs"), ct::Error);
  CHECK_THROWS_WITH_AS(func::vmap(f, std::nullopt)(a, b), doctest::Contains("at least one"), ct::Error);
  CHECK_THROWS_WITH_AS(func::vmap(f, 0, 0, "sometimes")(b, b), doctest::Contains("Only allowed values for randomness"), ct::Error);
  Tensor escaped;
  func::vmap([&](const Tensor& x) { return escaped = x * 2; })(b);
  CHECK_THROWS_WITH_AS(escaped + 1, doctest::Contains("vmap that has ended"), ct::Error);
  CHECK_THROWS_WITH_AS(func::vmap([&](const Tensor& x) { Tensor z = ct::zeros({}, ct::kDouble); return z.add_(x); })(b), doctest::Contains("inplace arithmetic(self, *extra_args) is not possible"), ct::Error);
  CHECK(same(func::vmap([](const Tensor& x) { Tensor z = ct::zeros_like(x); return z.add_(x); })(b), b));
}

TEST_CASE("a batch of cotangents in one backward pass") {
  const Tensor x = vec({0.5, -1, 2}).requires_grad_(), y = curve(x);
  const Tensor j = ct::autograd::grad({y}, {x}, {ct::eye(3, ct::kDouble)}, true, false, std::nullopt, true)[0];
  CHECK(same(j, func::jacrev(curve)(x.detach())));
  CHECK_FALSE(j.requires_grad());
  const Tensor again = ct::autograd::grad({y}, {x}, {ct::eye(3, ct::kDouble)}, true, true, std::nullopt, true)[0];
  CHECK(again.requires_grad());
  CHECK(same(ct::autograd::grad({again.sum()}, {x})[0], func::jacrev(func::jacrev(curve))(x.detach()).sum({0, 1})));
  CHECK_THROWS_WITH_AS(ct::autograd::grad({y}, {x}, {vec({1, 2})}, true, false, std::nullopt, true), doctest::Contains("Mismatch in shape"), ct::Error);
}

namespace {
struct Affine {
  Tensor weight = vec({1, 2}), bias = vec({0.5});
  Tensor forward(const Tensor& x) const {
    CT_CHECK(x.numel() == 2, "Affine: two features");
    return (weight * x).sum() + bias;
  }
  template <class F>
  void for_each_parameter(const F& f) {
    f("weight", weight);
    f("bias", bias);
  }
};
}  // namespace

TEST_CASE("a module as a function of its parameters") {
  Affine net;
  const Tensor x = ct::arange(6, ct::kDouble).view({3, 2});
  const auto loss = [&](const func::Parameters& p, const Tensor& sample) { return func::functional_call(net, p, sample).sum(); };
  const func::Parameters p{{"weight", vec({3, 4})}};
  CHECK(loss(p, x[0]).item<double>() == 4.5);
  const func::Parameters g = func::vmap(func::grad(loss), {std::nullopt, 0})(p, x);
  CHECK(g[0].first == "weight");
  CHECK(same(g[0].second, x));
  CHECK(same(net.weight, vec({1, 2})));
  CHECK_THROWS_WITH_AS(func::functional_call(net, {{"wait", x}}, x[0]), doctest::Contains("no parameter named wait"), ct::Error);
  CHECK_THROWS_AS(func::functional_call(net, p, vec({1})), ct::Error);
  CHECK(same(net.weight, vec({1, 2})));
}

TEST_CASE("a view made before its base got a tangent shows it") {
  const auto f = [](const Tensor& x) {
    Tensor y = ct::zeros({3}, ct::kDouble);
    const Tensor part = y.slice(0, 1, 3), one = part[0];
    y.copy_(x * x);
    return part * one;
  };
  const Tensor x = vec({0.5, -1, 2});
  CHECK(same(func::jacfwd(f)(x), func::jacrev(f)(x)));
  const auto returned = [](const Tensor& v) {
    Tensor y = ct::zeros({3}, ct::kDouble);
    const Tensor part = y.slice(0, 1, 3);
    y.copy_(v * v);
    part.mul_(v[0]);
    return y * part[0];
  };
  CHECK(same(func::jacfwd(returned)(x), func::jacrev(returned)(x)));
  CHECK(same(func::hessian([&](const Tensor& v) { return returned(v).sum(); })(x), func::jacrev(func::jacrev([&](const Tensor& v) { return returned(v).sum(); }))(x)));
  const Tensor outside = ct::zeros({3}, ct::kDouble);
  CHECK_THROWS_WITH_AS(func::jacfwd(func::jacrev([&](const Tensor& v) { return outside.copy_(v * v); }))(x), doctest::Contains("from outside of the vmap"), ct::Error);
  const ct::forward_ad::dual_level level;
  const Tensor dual = ct::forward_ad::make_dual(x, ct::ones({3}, ct::kDouble));
  const auto [primal, tangent] = ct::forward_ad::unpack_dual(dual * 2);
  CHECK_FALSE(ct::forward_ad::unpack_dual(primal * 3).tangent.defined());
}

TEST_CASE("what nested transforms recorded is freed") {
  static int alive;
  static double memory[3] = {0.5, -1, 2};
  const auto freed = [](const auto& transform) {
    alive = 1;
    transform(ct::from_blob(memory, {3}, [](void*) { --alive; }, ct::kDouble));
    return alive == 0;
  };
  CHECK(freed([](const Tensor& x) { func::jacrev(func::jacfwd(mixed))(x); }));
  CHECK(freed([](const Tensor& x) { func::jacfwd(func::jacrev(mixed))(x); }));
  CHECK(freed([](const Tensor& x) { func::jacfwd(func::jacfwd(mixed))(x); }));
  CHECK(freed([](const Tensor& x) { func::jacrev(func::jacrev(mixed))(x); }));
  CHECK(freed([](const Tensor& x) { func::grad([](const Tensor& v) { return func::jvp(curve, v, v * 2).second.sum(); })(x); }));
  CHECK(freed([](const Tensor& x) { func::jacrev(func::jacfwd(edited))(x); }));
  CHECK(freed([](const Tensor& x) { func::vmap(func::grad([](const Tensor& v) { return func::jvp(mixed, v, v * 2).second; }))(ct::stack({x, x})); }));
}

TEST_CASE("what a tangent was made of may be overwritten") {
  // y's tangent is multiplied by exp(y), and needed once more when the tangent is differentiated.
  const auto f = [](const Tensor& x) {
    Tensor y = x.clone();
    y.exp_();
    return y.square().sum();
  };
  const Tensor x = vec({0.5, -1, 2}), t = vec({1, 2, 3});
  const Tensor g = func::grad([&](const Tensor& v) { return func::jvp(f, v, t).second; })(x);
  CHECK(same(g, 4 * (2 * x).exp() * t));
}
