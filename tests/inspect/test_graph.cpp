// tests/inspect/test_graph.cpp -- what ct::inspect::graph() sees, as data and as golden DOT text.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "cotangent/cotangent.h"
#include "cotangent/inspect.h"
#include "cotangent/nn.h"
#include "inspect/drawings.h"

using namespace ct::inspect;
using Kind = GraphNode::Kind;

namespace {

const GraphEdge& edge(const Graph& g, const std::string& from, const std::string& to, std::uint32_t input) {
  for (const GraphEdge& e : g.edges())
    if (e.from == from && e.to == to && e.input == input) return e;
  FAIL("no edge ", from, " -> ", to, " into operand ", input);
  return g.edges()[0];
}

std::int64_t count(const Graph& g, Kind kind) {
  return std::count_if(g.nodes().begin(), g.nodes().end(), [kind](const GraphNode& n) { return n.kind == kind; });
}

std::string error_of_graph(const ct::Tensor& t) {
  try {
    graph(t);
  } catch (const ct::ValueError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("graph: x * x has two edges, and knows all values") {
  auto x = ct::tensor(3.0, ct::requires_grad());
  auto y = x * x;
  y.backward({}, true);
  const Graph g = graph(y, {{"x", x}, {"y", y}});
  REQUIRE(g.nodes().size() == 2);
  const GraphNode &leaf = g.nodes()[0], &mul = g.nodes()[1];
  CHECK(leaf.kind == Kind::leaf);
  CHECK(leaf.id == "n_1");
  CHECK(leaf.name == "x");
  CHECK(leaf.node == "AccumulateGrad");
  CHECK(leaf.outputs[0].value == "3");
  CHECK(leaf.outputs[0].grad == "6");
  CHECK(mul.kind == Kind::op);
  CHECK(mul.result);
  CHECK(mul.id == "n_2");
  CHECK(mul.op == "mul");
  CHECK(mul.node == "MulBackward0");
  CHECK(mul.formula == "dx0 = g * x1; dx1 = g * x0");
  CHECK(mul.outputs[0].value == "9");
  REQUIRE(mul.saved.size() == 2);
  CHECK(mul.saved[1].name == "x1");
  REQUIRE(g.edges().size() == 2);
  CHECK(edge(g, "n_1", "n_2", 0).operand == "x0");
  CHECK(edge(g, "n_1", "n_2", 1).operand == "x1");
  check_golden(g, "x_times_x");
  check_golden(graph(y, {{"x", x}, {"y", y}}, {.title = "d(x x) = 2x", .backward = true, .left_to_right = true}), "x_times_x_backward");
}

TEST_CASE("graph: ids and texts do not depend on what ran before") {
  const auto draw = [] {
    auto a = ct::tensor({1.0, 2.0}, ct::requires_grad()), b = ct::tensor({3.0, 4.0}, ct::requires_grad());
    return graph((a * b + a.exp()).sum(), {{"a", a}, {"b", b}}).dot();
  };
  const std::string first = draw();
  std::vector<ct::Tensor> others;
  for (int i = 0; i < 50; ++i) others.push_back(ct::ones({3}, ct::requires_grad()).exp());
  CHECK(draw() == first);
}

TEST_CASE("graph: the lecture's product and sum, before and after backward") {
  auto a = ct::tensor({{2.0, 3.0}}, ct::requires_grad()), b = ct::tensor({{1.0, 2.0}}, ct::requires_grad());
  auto c = a * b;
  c.retain_grad();
  auto d = c.sum();
  const Names names{{"a", a}, {"b", b}, {"c", c}, {"d", d}};
  check_golden(graph(d, names), "product_sum");
  d.backward();
  const Graph g = graph(d, names);
  CHECK(g.node("c").saved_state == "freed");
  CHECK(g.node("c").outputs[0].value == "[[2, 6]]");
  CHECK(g.node("c").outputs[0].grad == "[[1, 1]]");
  CHECK(g.node("a").outputs[0].grad == "[[1, 2]]");
  CHECK(g.node("d").outputs[0].grad.empty());  // not retained, and asking made no warning
  check_golden(g, "product_sum_freed");
}

TEST_CASE("graph: a step of linear regression; what is not tracked has no derivative") {
  auto X = ct::tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}, {7.0, 8.0}}), t = ct::tensor({{1.0}, {2.0}, {3.0}, {4.0}});
  auto w = ct::tensor({{0.5}, {-0.25}}, ct::requires_grad()), b = ct::zeros({1}, ct::requires_grad());
  auto prediction = X.mm(w) + b, loss = (prediction - t).pow(2).mean();
  const Graph g = graph(loss, {{"X", X}, {"w", w}, {"b", b}, {"prediction", prediction}, {"loss", loss}, {"t", t}});
  const GraphNode& mm = g.nodes()[2];
  CHECK(mm.op == "mm");
  CHECK(mm.derivative == "dx1 = x0^T g");
  CHECK(g.node("X").kind == Kind::saved);
  CHECK(g.node("X").outputs[0].value.empty());  // eight elements
  CHECK(g.unused_names() == std::vector<std::string>{"t"});  // the derivative of a difference needs no value
  CHECK(g.node("prediction").outputs[0].value == "[[0], [0.5], [1], [1.5]]");
  check_golden(g, "linear_regression");
}

TEST_CASE("graph: a leaf with many uses is drawn at each") {
  auto x = ct::tensor(0.5, ct::requires_grad());
  auto y = x.exp();
  for (int i = 0; i < 11; ++i) y = y * x;
  const Graph g = graph(y, {{"x", x}});
  CHECK(g.size() == 13);
  CHECK(count(g, Kind::leaf) == 12);
  CHECK(std::count_if(g.nodes().begin(), g.nodes().end(), [](const GraphNode& n) { return n.copy; }) == 11);
  CHECK(count(graph(y, {}, {.max_fanout = 12}), Kind::leaf) == 1);
  check_golden(g, "shared_leaf");
}

TEST_CASE("graph: long chains are collapsed, and are no problem for the stack") {
  auto x = ct::tensor(0.5, ct::requires_grad());
  auto y = x;
  for (int i = 0; i < 1000; ++i) y = y.sin().cos();
  const Graph g = graph(y, {{"x", x}, {"y", y}});
  CHECK(g.size() == 2001);
  REQUIRE(count(g, Kind::more) == 1);
  const auto more = std::find_if(g.nodes().begin(), g.nodes().end(), [](const GraphNode& n) { return n.kind == Kind::more; });
  CHECK(more->count == 1990);
  CHECK(more->summary == "995 × (cos, sin)");
  CHECK(g.nodes().size() == 12);
  check_golden(g, "chain");
  {
    for (int i = 0; i < 1000000; ++i) y = y.neg();
    CHECK(graph(y).size() == 1002001);
  }
}

TEST_CASE("graph: what is collapsed has no cycles, and keeps named nodes and shared leaves") {
  auto w = ct::ones({2, 2}, ct::requires_grad()), h = ct::ones({1, 2}), b = ct::ones({2}, ct::requires_grad());
  ct::Tensor middle;
  for (int i = 0; i < 200; ++i) {
    h = (h.mm(w) + b).tanh();
    if (i == 100) middle = h;
  }
  const Graph g = graph(h.sum(), {{"w", w}, {"middle", middle}});
  CHECK(count(g, Kind::more) == 2);
  CHECK(g.node("middle").kind == Kind::op);
  std::int64_t drawn = 0;
  for (const GraphNode& n : g.nodes()) drawn += n.kind == Kind::more ? n.count : n.kind == Kind::saved || n.copy ? 0 : 1;
  CHECK(drawn == g.size());
  // Each edge leads forward in the list of nodes.
  for (const GraphEdge& e : g.edges()) {
    const auto at = [&](const std::string& id) {
      return std::find_if(g.nodes().begin(), g.nodes().end(), [&](const GraphNode& n) { return n.id == id; }) - g.nodes().begin();
    };
    CHECK(at(e.from) < at(e.to));
    CHECK(at(e.to) < static_cast<std::ptrdiff_t>(g.nodes().size()));
  }
}

TEST_CASE("graph: odd names are only text") {
  auto x = ct::tensor({1.0, -INFINITY}, ct::requires_grad());
  auto y = (x * 2).sum();
  const Graph g = graph(y, {{"<b>&\"x\"\\n</TABLE>", x}, {std::string("two\nlines\xff\0end", 14), y}, {"dx/dt ∂ü", x}});
  CHECK(g.nodes()[0].outputs[0].value == "[1, -inf]");
  check_golden(g, "odd_names");
}

TEST_CASE("graph: constants of all dtypes, halves too") {
  auto h = ct::tensor({0.1, 2.0}, ct::requires_grad().dtype(ct::kHalf));
  auto n = ct::tensor({2, 3});
  auto mask = ct::tensor({true, false});
  auto y = (h * n).masked_fill(mask, 7);
  const Graph g = graph(y, {{"h", h}, {"n", n}, {"mask", mask}});
  CHECK(g.node("h").outputs[0].value == "[0.09998, 2]");
  CHECK(g.node("n").kind == Kind::saved);
  CHECK(g.node("n").outputs[0].value == "[2, 3]");
  CHECK(g.node("mask").outputs[0].value == "[True, False]");
  check_golden(g, "constants");
}

TEST_CASE("graph: values without history are named after the memory they lie in") {
  auto x = ct::tensor({1.0, 2.0}, ct::requires_grad());
  auto A = ct::tensor({{1.0, 2.0, 30000.25}, {4.0, 5.0, -0.125}});
  auto h = x * 2, y = A.t().mv(h * h.detach());
  const Graph g = graph(y, {{"x", x}, {"A", A}, {"h", h}});
  CHECK(g.node("h, detached").kind == Kind::saved);
  CHECK(g.node("view of A").kind == Kind::saved);
  CHECK(g.node("h").kind == Kind::op);
  CHECK(graph(y, {{"d", h.detach()}, {"h", h}}).node("d").kind == Kind::saved);
  check_golden(g, "detached");
}

TEST_CASE("graph: several results, outputs and names") {
  auto x = ct::tensor({1.0, 2.0, 3.0, 4.0}, ct::requires_grad());
  auto parts = x.split(2);
  auto a = parts[0].sum(), b = parts[1].prod();
  const Graph g = graph({a, b}, {{"low", parts[0]}, {"high", parts[1]}, {"b", b}, {"also b", b}});
  CHECK(g.nodes()[1].name == "low, high");
  CHECK(g.nodes()[1].outputs[1].name == "high");
  CHECK(g.nodes()[1].outputs[1].value == "[3, 4]");
  CHECK(g.node("b, also b").result);
  CHECK(g.node("n_3").result);
  CHECK(edge(g, "n_2", g.node("b, also b").id, 0).output == 1);
  check_golden(g, "several_results");
  ct::nn::Sequential net(ct::nn::Linear(2, 2), ct::nn::Tanh());
  const Graph m = graph(net->forward(ct::ones({1, 2})).sum(), net->named_parameters());
  CHECK(m.node("0.weight").kind == Kind::leaf);
}

TEST_CASE("graph: tensors without history") {
  auto x = ct::tensor(2.0, ct::requires_grad());
  CHECK(graph(x, {{"x", x}}).nodes().size() == 1);
  CHECK(graph(x, {{"x", x}}).node("x").result);
  const Graph g = graph(x.detach(), {{"x", x}});
  CHECK(g.nodes()[0].id == "r_1");
  CHECK(g.nodes()[0].result);
  CHECK(g.unused_names() == std::vector<std::string>{"x"});
  check_golden(g, "no_history");
  CHECK(error_of_graph(ct::Tensor()) == "graph: the tensor is undefined (Python's None): there is nothing to draw");
  CHECK_THROWS_AS(graph(std::vector<ct::Tensor>{}), ct::ValueError);
  CHECK_THROWS_WITH(g.node("z"), "Graph: no node is called 'z'\n  Known names: none. Ids look like n_1.");
  CHECK(graph(ct::zeros({0}, ct::requires_grad()).sum()).nodes()[0].outputs[0].value == "[]");
}

TEST_CASE("graph: a derivative has a graph, too") {
  auto x = ct::tensor(2.0, ct::requires_grad());
  auto y = x.pow(3);
  auto dy = ct::autograd::grad({y}, {x}, {}, std::nullopt, true)[0];
  const Graph g = graph(dy, {{"x", x}, {"dy/dx", dy}});
  CHECK(g.node("dy/dx").outputs[0].value == "12");
  CHECK(g.node("dy/dx").result);
  check_golden(g, "second_order");
}

TEST_CASE("graph: what cannot be read is said, and nothing is recorded or kept alive") {
  auto x = ct::tensor({1.0, 2.0}, ct::requires_grad());
  auto h = x.exp(), y = h * h;
  h.add_(1);
  CHECK(graph(y).node("n_3").saved_state == "changed in place");
  int unpacked = 0;
  {
    ct::autograd::graph::saved_tensors_hooks hooks([](const ct::Tensor& t) { return t; },
                                                   [&](const ct::Tensor& t) { ++unpacked; if (unpacked > 2) throw std::runtime_error("no"); return t; });
    y = x * x;
  }
  CHECK(graph(y).node("n_2").saved.size() == 2);
  CHECK(unpacked == 2);
  CHECK(graph(y).node("n_2").saved_state == "cannot be read");
  unpacked = 5;
  CHECK(graph(y, {}, {.saved = false}).node("n_2").saved_state.empty());
  CHECK(unpacked == 5);
  const auto uses = x.use_count();
  { const Graph g = graph(x.exp().sum(), {{"x", x}}); CHECK(x.use_count() == uses); }
}
