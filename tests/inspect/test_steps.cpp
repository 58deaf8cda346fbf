// tests/inspect/test_steps.cpp -- ct::inspect::steps(): order, numbers and words of a backward pass, and what it must not disturb.
#include <stdexcept>

#include "cotangent/cotangent.h"
#include "cotangent/custom_function.h"
#include "cotangent/graph.h"
#include "cotangent/inspect.h"
#include "cotangent/nn.h"
#include "inspect/drawings.h"

using namespace ct::inspect;

namespace {

std::string error_of(const ct::Tensor& y, const StepsOptions& options = {}) {
  try {
    steps(y, {}, options);
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}

// The ids of the nodes in the order in which a backward really runs them.
std::vector<std::string> real_order(const ct::Tensor& y, const ct::Tensor& v = {}) {
  const auto nodes = ct::autograd::graph::graph_topological_order(y);
  std::vector<std::string> out;
  std::vector<ct::RemovableHandle> hooks;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    hooks.push_back(nodes[i]->register_prehook([&out, i, n = nodes.size()](const std::vector<ct::Tensor>&) { out.push_back("n_" + std::to_string(n - i)); }));
  y.backward(v, true);
  for (ct::RemovableHandle& h : hooks) h.remove();
  return out;
}

std::vector<std::string> order(const Steps& s) {
  std::vector<std::string> out;
  for (const Step& step : s.list()) out.push_back(step.id);
  return out;
}

}  // namespace

TEST_CASE("steps: x * x, whose two gradients add up") {
  auto x = ct::tensor(3.0, ct::requires_grad());
  auto y = x * x;
  const Steps s = steps(y, {{"x", x}, {"y", y}});
  CHECK(s.text() == R"(Forward: y = 9
Backward will start with g = 1, the derivative of y by itself
1. y = mul (MulBackward0): g = 1
      dx0 = g * x1 = 3   -> x
      dx1 = g * x0 = 3   -> x: 3 + 3 = 6
2. x.grad = 3 + 3 = 6   (AccumulateGrad))");
  REQUIRE(s.size() == 2);
  CHECK(s.frames() == 3);
  CHECK(s[0].id == "n_2");
  CHECK(s[0].node == "MulBackward0");
  CHECK(s[0].upstream[0].item<double>() == 1);
  REQUIRE(s[0].flows.size() == 2);
  CHECK(s[0].flows[1].formula == "dx1 = g * x0");
  CHECK_FALSE(s[0].flows[0].before.defined());
  CHECK(s[0].flows[1].before.item<double>() == 3);
  CHECK(s[0].flows[1].sum.item<double>() == 6);
  CHECK(s.step("x").grad.item<double>() == 6);
  CHECK_FALSE(s.step("x").grad_before.defined());
  CHECK(s.caption(2) == std::vector<std::string>{"Step 2 of 2: x.grad = 3 + 3 = 6   (AccumulateGrad)"});
  CHECK_THROWS_WITH_AS(s.step("z"), "Steps: no step is at a node called 'z'\n  There are: y, x.", ct::ValueError);
  CHECK_THROWS_AS(s.caption(3), ct::IndexError);
  CHECK(std::string(std::string_view(s)) == s.text());  // what ct::print(s) prints
  for (std::size_t k = 0; k < s.frames(); ++k) check_golden(s.dot(k), "steps_square_" + std::to_string(k));
}

TEST_CASE("steps: the order is that of a real backward, and so are the numbers") {
  auto x = ct::tensor({0.5, -1.0}, ct::requires_grad()), w = ct::tensor({{1.0, 2.0}, {3.0, 4.0}}, ct::requires_grad()), b = ct::tensor({0.1, 0.2}, ct::requires_grad());
  auto h = (w.mv(x) + b).tanh(), parts = h * h.detach() + x;
  auto y = (parts.exp() * x).sum() + w.pow(3).mean() - h.unbind()[1] * 2;
  const Steps s = steps(y, {{"x", x}, {"w", w}, {"b", b}, {"h", h}});
  CHECK_FALSE(x.grad().defined());
  CHECK(order(s) == real_order(y));
  for (const auto& [name, leaf] : {std::pair("x", x), std::pair("w", w), std::pair("b", b)}) {
    CHECK(ct::equal(s.step(name).grad, leaf.grad()));
    CHECK(ct::equal(s.step(name).upstream[0], leaf.grad()));
  }
  // What comes to a node is the sum of all that was handed to it.
  for (const Step& one : s.list()) {
    ct::Tensor sum;
    for (const Step& from : s.list())
      for (const GradientFlow& f : from.flows)
        if (f.to == one.id && f.output == 0) sum = f.sum;
    if (sum.defined() && one.upstream.size() == 1) CHECK(ct::allclose(sum, one.upstream[0]));
  }
  ct::nn::Sequential net(ct::nn::Linear(3, 4), ct::nn::ReLU(), ct::nn::Linear(4, 1));
  auto loss = net->forward(ct::ones({2, 3})).pow(2).mean();
  const Steps n = steps(loss, Names(net->named_parameters()).add("loss", loss));
  CHECK(order(n) == real_order(loss));
  CHECK(ct::equal(n.step("0.weight").grad, net->named_parameters()["0.weight"].grad()));
}

TEST_CASE("steps: a vector result starts with v") {
  auto x = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad()), v = ct::tensor({1.0, 0.5, -1.0});
  auto y = x.pow(2);
  const Steps s = steps(y, {{"x", x}, {"y", y}}, {.v = v});
  CHECK(s.text() == R"(Forward: y = [1, 4, 9]
Backward will start with g = v = [1, 0.5, -1]
1. y = pow (PowBackward0): g = [1, 0.5, -1]
      dx = g * 2 * x = [2, 2, -6]   -> x
2. x.grad = [2, 2, -6]   (AccumulateGrad))");
  CHECK(error_of(y) == "steps: backward can start by itself only at a scalar, and the tensor has shape [3]\n  Give the vector v of the product v^T J, of the same "
                       "shape: steps(y, names, {.v = v}).");
  CHECK(error_of(y, {.v = ct::ones({2})}).find("grad_output[0] has a shape of [2]") != std::string::npos);
  CHECK(steps(y.sum(), {}, {.v = ct::tensor(2.0)})[0].upstream[0].item<double>() == 2);
}

TEST_CASE("steps: gradients that are there are shown, and stay as they are") {
  auto x = ct::tensor(2.0, ct::requires_grad());
  (5 * x).backward();
  auto h = x * 3, y = h * h;
  h.retain_grad();
  y.backward({}, true);
  CHECK(h.grad().item<double>() == 12);
  const ct::Tensor kept = h.grad(), grad = x.grad();
  const auto version = x._version();
  const Steps s = steps(y, {{"x", x}});
  CHECK(h.grad().is_same(kept));
  CHECK(h.grad().item<double>() == 12);
  CHECK(x.grad().is_same(grad));
  CHECK(x.grad().item<double>() == 41);
  CHECK(x._version() == version);
  CHECK(s.step("x").lines == std::vector<std::string>{"x gets 36   (AccumulateGrad)", "x.grad = 41 + 36 = 77   (what it held, and this)"});
  y.backward();  // the graph is there still
  CHECK(x.grad().item<double>() == 77);
  CHECK(s.step("x").grad_before.item<double>() == 41);  // a copy
  const std::string freed = error_of(y);
  CHECK(freed.find("Trying to backward through the graph a second time") != std::string::npos);
  CHECK(freed.find("raised in steps(), which runs a backward of its own: call it before backward(), or that with retain_graph") != std::string::npos);
}

TEST_CASE("steps: hooks take part, and what they change is said") {
  auto x = ct::tensor(2.0, ct::requires_grad());
  auto h = x * 3;
  h.register_hook([](const ct::Tensor& g) { return g * 10; });
  auto y = h.exp() * 0 + h;
  const Steps s = steps(y, {{"x", x}, {"h", h}});
  CHECK(s.step("h").lines[0] == "h = mul (MulBackward0): g = 1 + 0 = 1, changed by a hook to 10");
  CHECK(s.step("x").grad.item<double>() == 30);
  h.register_hook([](const ct::Tensor&) -> ct::Tensor { throw std::runtime_error("no"); });
  CHECK_THROWS_WITH_AS(steps(y), "no", std::runtime_error);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("steps: nodes with several results, parts that no gradient reaches, and derivatives without a formula") {
  auto x = ct::tensor({1.0, 2.0, 3.0, 4.0}, ct::requires_grad());
  auto parts = x.split(2);
  auto y = (parts[1] * parts[1]).sum();
  const Steps s = steps(y, {{"x", x}, {"low", parts[0]}, {"high", parts[1]}});
  CHECK(s.step("low, high").lines[0].find("): g1 = [3, 4] + [3, 4] = [6, 8]") != std::string::npos);
  CHECK_FALSE(s.step("low, high").upstream[0].defined());
  auto a = ct::zeros({3}, ct::requires_grad()) * 1;
  a[0].add_(x.sum());
  const Steps c = steps(a.sum(), {{"x", x}});
  CHECK(order(c) == real_order(a.sum()));
  CHECK(ct::equal(c.step("x").grad, ct::ones({4})));
  struct Twice : ct::autograd::Function<Twice> {
    static ct::Tensor forward(ct::autograd::AutogradContext*, ct::Tensor t) { return t * 2; }
    static ct::autograd::variable_list backward(ct::autograd::AutogradContext*, ct::autograd::variable_list g) { return {g[0] * 2}; }
  };
  CHECK(steps(Twice::apply(x).sum(), {{"x", x}})[1].lines[1] == "dx = [2, 2, 2, 2]   -> x");
  // A result that is itself a leaf.
  auto z = ct::tensor(2.0, ct::requires_grad());
  CHECK(steps(z, {{"z", z}}).step("z").lines[0] == "z.grad = 1   (AccumulateGrad)");
}

TEST_CASE("steps: large tensors have shapes and norms, large graphs are refused") {
  auto w = ct::ones({10, 10}, ct::requires_grad());
  // One after the other: compilers differ in which operand of + comes first, and what was made last is run first.
  auto sum = w.sum(), twice = (w * 2).sum();
  const Steps s = steps(twice + sum, {{"w", w}});
  CHECK(s.step("w").lines[0] == "w.grad = [10, 10], norm 20 and [10, 10], norm 10, sum: [10, 10], norm 30   (AccumulateGrad)");
  auto y = ct::tensor(1.0, ct::requires_grad());
  for (int i = 0; i < 50; ++i) y = y.sin();
  CHECK(error_of(y) == "steps: the graph has 51 operations and leaves, and at most 40 are shown step by step\n  Take a smaller part of the computation, or raise "
                       "max_nodes in the options.");
  CHECK(steps(y, {}, {.max_nodes = 60}).size() == 51);
  CHECK(error_of(ct::Tensor()) == "steps: the tensor is undefined (Python's None): there is no backward through it");
  CHECK(error_of(ct::ones({})).find("does not require grad and has no history") != std::string::npos);
}

TEST_CASE("graph: formulas have the numbers of the call in place of letters") {
  auto x = ct::tensor({2.0, 3.0}, ct::requires_grad()), z = ct::tensor({1.0, 1.0}, ct::requires_grad());
  const auto formula = [](const ct::Tensor& y) { return graph(y).nodes().back().formula; };
  CHECK(formula(x + z) == "dx0 = g; dx1 = g");
  CHECK(formula(ct::add(x, z, -2.5)) == "dx0 = g; dx1 = -2.5 * g");
  CHECK(formula(x - z) == "dx0 = g; dx1 = -g");
  CHECK(formula(ct::sub(x, z, -2)) == "dx0 = g; dx1 = 2 * g");
  CHECK(formula(1 - x) == "dx = -g");
  CHECK(formula(x.pow(2)) == "dx = g * 2 * x");
  CHECK(formula(x.pow(3)) == "dx = g * 3 * x^2");
  CHECK(formula(x.pow(-1)) == "dx = g * (-1) * x^-2");
  CHECK(formula(x.pow(0.5)) == "dx = g * 0.5 * x^(-0.5)");
  CHECK(formula(x.pow(1)) == "dx = g");
  CHECK(formula(ct::leaky_relu(x, 0.1)) == "dx = g where x > 0, else 0.1 * g");
  CHECK(formula(ct::nn::Linear(2, 1)->forward(x.unsqueeze(0))) == "dx0 = g; dx1 = g x2^T; dx2 = x1^T g");
  auto freed = x.pow(3).sum();
  freed.backward();
  CHECK(graph(freed).nodes()[1].formula == "dx = g * 3 * x^2");  // also of a graph that was freed
}

TEST_CASE("steps: a leaf that was frozen after the forward pass is left out") {
  auto x = ct::tensor(2.0, ct::requires_grad()), w = ct::tensor(3.0, ct::requires_grad());
  auto y = x * w;
  w.requires_grad_(false);
  const Steps s = steps(y, {{"x", x}});
  CHECK(s.size() == 2);
  CHECK(s.step("x").grad.item<double>() == 3);
}
