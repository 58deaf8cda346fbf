// tests/autograd/functional.cpp -- torch.autograd.functional's interface: values, structure, strict, create_graph.
#include <doctest/doctest.h>

#include <cotangent/cotangent.h>
#include <cotangent/functional.h>

namespace {

namespace functional = ct::autograd::functional;
using ct::Tensor;

Tensor vec(std::initializer_list<double> v) { return ct::tensor(std::vector<double>(v)); }
bool same(const Tensor& a, const Tensor& b) { return a.sizes() == b.sizes() && ct::allclose(a, b, 1e-9, 1e-12); }
Tensor exp_reducer(const Tensor& x) { return x.exp().sum(1); }
Tensor adder(const Tensor& x, const Tensor& y) { return 2 * x + 3 * y; }
Tensor cubes(const Tensor& x) { return x.pow(3).sum(); }

}  // namespace

TEST_CASE("jacobian: one input, several inputs, several outputs, both strategies") {
  const Tensor x = ct::arange(4, ct::kDouble).view({2, 2}) / 4;
  const Tensor j = functional::jacobian(exp_reducer, x);
  CHECK(j.sizes() == ct::IntArrayRef({2, 2, 2}));
  CHECK(same(j[0][0], x[0].exp()));
  CHECK(same(j[0][1], ct::zeros({2}, ct::kDouble)));
  CHECK(same(j, functional::jacobian(exp_reducer, x, {.vectorize = true, .strategy = "forward-mode"})));

  const auto [ja, jb] = functional::jacobian(adder, std::tuple(vec({1, 2}), vec({3, 4})));
  CHECK(same(ja, ct::diag(vec({2, 2}))));
  CHECK(same(jb, ct::diag(vec({3, 3}))));
  const auto pair = functional::jacobian([](const Tensor& v) { return std::pair(v * v, v.sum()); }, vec({1, 2}));
  CHECK(same(pair.first, ct::diag(vec({2, 4}))));
  CHECK(same(pair.second, vec({1, 1})));
}

TEST_CASE("create_graph connects the result, and only then") {
  const Tensor x = vec({1, 2}).requires_grad_();
  CHECK_FALSE(functional::jacobian(cubes, x).requires_grad());
  const Tensor j = functional::jacobian(cubes, x, {.create_graph = true});
  REQUIRE(j.requires_grad());
  j.sum().backward();
  CHECK(same(x.grad(), vec({6, 12})));
}

TEST_CASE("hessian: one input and several, both strategies") {
  CHECK(same(functional::hessian(cubes, vec({1, 2})), ct::diag(vec({6, 12}))));
  CHECK(same(functional::hessian(cubes, vec({1, 2}), {.vectorize = true, .outer_jacobian_strategy = "forward-mode"}), ct::diag(vec({6, 12}))));
  const auto h = functional::hessian([](const Tensor& a, const Tensor& b) { return (a * a * b).sum(); }, std::tuple(vec({1, 2}), vec({3, 4})));
  CHECK(same(std::get<0>(std::get<0>(h)), ct::diag(vec({6, 8}))));
  CHECK(same(std::get<1>(std::get<0>(h)), ct::diag(vec({2, 4}))));
  CHECK(same(std::get<0>(std::get<1>(h)), ct::diag(vec({2, 4}))));
  CHECK(same(std::get<1>(std::get<1>(h)), ct::zeros({2, 2}, ct::kDouble)));
  CHECK_THROWS_WITH_AS(functional::hessian([](const Tensor& x) { return x; }, vec({1, 2})), doctest::Contains("should contain a single element"), ct::Error);
}

TEST_CASE("products of vectors with first and second derivatives") {
  const Tensor x = vec({1, 2}), v = vec({3, -1});
  const auto [y, g] = functional::vjp([](const Tensor& t) { return t.pow(3); }, x, v);
  CHECK(same(y, vec({1, 8})));
  CHECK(same(g, vec({9, -12})));
  CHECK(same(functional::vjp(cubes, x).second, vec({3, 12})));
  CHECK(same(functional::jvp([](const Tensor& t) { return t.pow(3); }, x, v).second, vec({9, -12})));
  CHECK(same(functional::vhp(cubes, x, v).second, vec({18, -12})));
  CHECK(same(functional::hvp(cubes, x, v).second, vec({18, -12})));
  const auto [value, hv] = functional::hvp([](const Tensor& a, const Tensor& b) { return (a * a * b).sum(); }, std::tuple(x, x), std::tuple(v, v));
  CHECK(value.item<double>() == 9);
  CHECK_FALSE(value.requires_grad());
  CHECK(same(std::get<0>(hv), 2 * x * v + 2 * x * v));
  CHECK(same(std::get<1>(hv), 2 * x * v));
  const Tensor leaf = x.clone().requires_grad_();
  functional::hvp(cubes, leaf, v, {.create_graph = true}).second.sum().backward();  // d/dx 6 x v
  CHECK(same(leaf.grad(), 6 * v));
  CHECK_THROWS_WITH_AS(functional::vjp([](const Tensor& t) { return t * 2; }, x), doctest::Contains("The vector v can only be None"), ct::Error);
  CHECK_THROWS_WITH_AS(functional::vhp(cubes, x, vec({1})), doctest::Contains("has invalid size"), ct::Error);
}

TEST_CASE("strict refuses what does not depend on the input") {
  const auto independent = [](const Tensor&) { return ct::ones({2}, ct::kDouble); };
  const auto half = [](const Tensor& a, const Tensor&) { return a * 2; };
  CHECK(same(functional::jacobian(independent, vec({1})), ct::zeros({2, 1}, ct::kDouble)));
  CHECK_THROWS_WITH_AS(functional::jacobian(independent, vec({1}), {.strict = true}), doctest::Contains("does not require gradients"), ct::Error);
  CHECK_THROWS_WITH_AS(functional::jacobian(half, std::tuple(vec({1}), vec({1})), {.strict = true}), doctest::Contains("independent of input 1"), ct::Error);
  CHECK_THROWS_WITH_AS(functional::jacobian(half, std::tuple(vec({1}), vec({1})), {.strict = true, .vectorize = true}), doctest::Contains("not supported together"), ct::Error);
  CHECK_THROWS_WITH_AS(functional::vjp(half, std::tuple(vec({1}), vec({1})), vec({1}), {.strict = true}), doctest::Contains("independent of input 1"), ct::Error);
}
