// tests/autograd/inspect.cpp -- the graph through the public interface alone: enough to draw backward, and to replay it.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cotangent/cotangent.h"
#include "values.h"

using ct::Edge;
using ct::NodePtr;
using ct::Tensor;
using ct::autograd::graph::get_gradient_edge;
using ct::autograd::graph::graph_topological_order;
using Tensors = std::vector<Tensor>;
using V = std::vector<double>;

namespace {

Tensor leaf(const V& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor number(const V& v) { return ct::tensor(v, ct::kDouble); }

std::string names(const std::vector<NodePtr>& nodes) {
  std::string out;
  for (const NodePtr& n : nodes) out += n->name() + " ";
  return out;
}

// Backward step by step.
void replay(const Tensor& root, const Tensor& seed) {
  const ct::NoGradGuard off;
  std::map<ct::Node*, Tensors> arrived;
  const auto add = [&](const Edge& e, const Tensor& g) {
    Tensors& at = arrived[e.function.get()];
    at.resize(e.function->num_inputs());
    at[e.input_nr] = at[e.input_nr].defined() ? at[e.input_nr] + g : g;
  };
  const Edge start = get_gradient_edge(root);  // keeps the node of a leaf
  add(start, seed);
  for (const NodePtr& node : graph_topological_order(root)) {
    const auto it = arrived.find(node.get());
    if (it == arrived.end()) continue;
    const Tensors out = (*node)(std::move(it->second));
    for (std::size_t k = 0; k < out.size(); ++k)
      if (out[k].defined() && node->next_edge(k).is_valid()) add(node->next_edge(k), out[k]);
  }
}

}  // namespace

TEST_CASE("replaying backward through public functions gives the same gradients") {
  struct Program {
    const char* name;
    Tensor (*run)(const Tensor& x, const Tensor& w);
  };
  static const Program programs[] = {
      {"a chain", [](const Tensor& x, const Tensor& w) { return (x * w).exp().sum(); }},
      {"a leaf", [](const Tensor& x, const Tensor&) { return x; }},
      {"shared nodes", [](const Tensor& x, const Tensor& w) { const Tensor y = x * w; return (y * y + y.tanh() * x - y).sum(); }},
      {"broadcasting", [](const Tensor& x, const Tensor& w) { return (x.unsqueeze(0) * w.unsqueeze(1)).sum(0).mean(); }},
      {"several outputs", [](const Tensor& x, const Tensor& w) {
         const Tensors p = (x * w).split(2);
         const auto [m, at] = (x + w).view({2, 2}).max(1);
         return (p[0] * m).sum() + p[1].sum();
       }},
      {"one of several outputs", [](const Tensor& x, const Tensor& w) { return (x * w).unbind(0)[2] * 3.0; }},
      {"a write through a view", [](const Tensor& x, const Tensor& w) {
         const Tensor y = x * 1.0;
         y.narrow(0, 1, 2).mul_(w.narrow(0, 0, 2));
         y.select(0, 0).copy_(w.select(0, 3) * 5.0);
         return (y * y).sum();
       }},
      {"in place", [](const Tensor& x, const Tensor& w) {
         const Tensor y = x * w;
         y.mul_(x);
         y.add_(w);
         y.exp_();
         return y.sum();
       }},
      {"products and indices", [](const Tensor& x, const Tensor& w) {
         return x.view({2, 2}).mm(w.view({2, 2})).index_select(0, ct::tensor({1, 1, 0})).logsumexp(1).sum();
       }},
  };
  for (const Program& p : programs) {
    CAPTURE(std::string(p.name));
    const Tensor x = leaf({0.5, -1, 1.5, 0.25}), w = leaf({2, 0.5, -0.75, 1});
    const Tensor y = p.run(x, w);
    const Tensor seed = ct::full(y.sizes(), 1.5, ct::kDouble);
    y.backward(seed, true);
    const Tensor gx = x.grad(), gw = w.grad();
    x.mutable_grad().reset();
    w.mutable_grad().reset();
    replay(y, seed);
    CHECK_VALUES(x.grad(), values(gx));
    CHECK(w.grad().defined() == gw.defined());
    if (gw.defined()) CHECK_VALUES(w.grad(), values(gw));
  }
}

TEST_CASE("the topological order is that of backward") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  const Tensor a = x * w, b = a.exp(), c = a.tanh(), d = b + c, e = d.sum();
  CHECK(names(graph_topological_order(e)) == "SumBackward0 AddBackward0 TanhBackward0 ExpBackward0 MulBackward0 AccumulateGrad AccumulateGrad ");
  CHECK(names(graph_topological_order(e.grad_fn())) == names(graph_topological_order(e)));
  CHECK(names(graph_topological_order({b, c})) == "TanhBackward0 ExpBackward0 MulBackward0 AccumulateGrad AccumulateGrad ");
  CHECK(names(graph_topological_order(x)) == "AccumulateGrad ");
  std::vector<std::string> run;
  for (const NodePtr& n : graph_topological_order(e)) n->register_prehook([&run, n = n.get()](const Tensors&) { run.push_back(n->name()); });
  const std::string before = names(graph_topological_order(e));
  e.backward();
  std::string ran;
  for (const std::string& n : run) ran += n + " ";
  CHECK(ran == before);
  CHECK(names(graph_topological_order(e)) == before);  // walkable after the release
  CHECK(a.grad_fn()->next_functions().size() == 2);
  CHECK(has(error_of([&] { (void)graph_topological_order(NodePtr()); }), "the node is null"));
  CHECK(has(error_of([&] { (void)graph_topological_order(number({1})); }), "does not require gradients"));
  CHECK(has(error_of([&] { (void)get_gradient_edge(Tensor()); }), "undefined"));
}

TEST_CASE("a deep graph is ordered without recursion") {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 100'000; ++i) y = y + 1.0;
  CHECK(graph_topological_order(y).size() == 100'001);
}

TEST_CASE("gradient edges") {
  const Tensor x = leaf({1, 2, 3, 4}), y = x * 2.0;
  CHECK(get_gradient_edge(x).function->variable().is_same(x));
  CHECK(get_gradient_edge(y).function == y.grad_fn());
  const Tensors parts = x.split(2);
  CHECK(get_gradient_edge(parts[1]).input_nr == 1);
  CHECK(get_gradient_edge(parts[1]).function == get_gradient_edge(parts[0]).function);
}

TEST_CASE("what nodes say of their outputs and of what they saved") {
  const Tensor x = leaf({1, 2, 3, 4}), y = x.view({2, 2}).exp(), z = y * x.view({2, 2});
  CHECK(z.grad_fn()->input_metadata(0).sizes == std::vector<std::int64_t>{2, 2});
  CHECK(z.grad_fn()->input_metadata(0).dtype() == ct::kDouble);
  CHECK(z.grad_fn()->input_metadata(0).known);
  CHECK(z.to(ct::kFloat).grad_fn()->input_metadata(0).dtype() == ct::kFloat);
  CHECK_THROWS_WITH_AS((void)z.grad_fn()->input_metadata(1), "MulBackward0: input_metadata(1) is out of range: the node has 1 forward output", ct::IndexError);
  const auto parts = z.split(1);
  CHECK(parts[0].grad_fn()->num_inputs() == 2);
  CHECK(parts[0].grad_fn()->input_metadata(1).shape() == ct::IntArrayRef({1, 2}));
  CHECK(get_gradient_edge(x).function->input_metadata(0).shape() == ct::IntArrayRef({4}));
  const Tensor base = x * 1.0;
  base.narrow(0, 0, 2).mul_(2);
  CHECK(name_of(base) == "CopySlices");
  CHECK(base.grad_fn()->input_metadata(0).shape() == ct::IntArrayRef({4}));

  const auto of_exp = y.grad_fn()->saved();
  REQUIRE(of_exp.size() == 1);
  CHECK(of_exp[0].name == "y");
  CHECK_VALUES(of_exp[0].value, values(y));
  const auto of_mul = z.grad_fn()->saved();
  REQUIRE(of_mul.size() == 2);
  CHECK(of_mul[0].name == "x0");
  CHECK(of_mul[1].name == "x1");
  CHECK_VALUES(of_mul[0].value, values(y));
  CHECK(x.sin().grad_fn()->saved()[0].name == "x");
  z.sum().backward();
  CHECK(has(error_of([&] { (void)z.grad_fn()->saved(); }), "directly access saved tensors after they have already been freed"));
}

TEST_CASE("ids are unique in the process and stay") {
  const Tensor x = leaf({1});
  std::set<std::uint64_t> ids;
  std::uint64_t first = 0;
  for (int i = 0; i < 100; ++i) {
    const Tensor y = x * 1.0;  // at the same address, most likely
    const std::uint64_t id = y.grad_fn()->id();
    CHECK(y.grad_fn()->id() == id);
    CHECK(ids.insert(id).second);
    if (i == 0) first = id;
    else CHECK(id > first);
  }
  const Tensor y = x * 1.0;
  std::vector<std::uint64_t> seen(4);
  std::vector<std::thread> pool;
  for (std::size_t t = 0; t < seen.size(); ++t) pool.emplace_back([&, t] { seen[t] = y.grad_fn()->id(); });
  for (std::thread& t : pool) t.join();
  for (const std::uint64_t id : seen) CHECK(id == seen[0]);
  CHECK(ids.insert(seen[0]).second);
}

TEST_CASE("notes on nodes") {
  const Tensor x = leaf({1}), y = x * x;
  ct::NodeMetadata& notes = y.grad_fn()->metadata();
  CHECK(notes.size() == 0);
  notes["layer"] = "first";
  notes["colour"] = "red";
  notes["layer"] += " of two";
  CHECK(y.grad_fn()->metadata()["layer"] == "first of two");
  CHECK(notes.contains("colour"));
  CHECK(notes.find("nothing") == nullptr);
  std::string keys;
  for (const auto& [key, text] : notes) keys += key + " ";
  CHECK(keys == "layer colour ");
  notes.erase("layer");
  notes.erase("nothing");
  CHECK(notes.size() == 1);
  y.backward();
  CHECK(y.grad_fn()->metadata().contains("colour"));
}

TEST_CASE("nodes run alone: from several threads, inside hooks, and after a failure") {
  const Tensor x = leaf({1, 2}), y = x * x;
  const NodePtr node = y.grad_fn();
  Tensors inside;
  y.register_hook([&](const Tensor& g) { inside = (*node)({g * 10.0}); });
  y.sum().backward({}, true);
  CHECK_VALUES(inside[0], V{10, 20});
  CHECK_VALUES(x.grad(), V{2, 4});
  CHECK(has(error_of([&] { (void)(*node)({number({1, 2, 3})}); }), "invalid gradient at index 0"));
  CHECK_VALUES((*node)({number({1, 1})})[1], V{1, 2});
  std::vector<std::thread> pool;
  for (int t = 0; t < 4; ++t)
    pool.emplace_back([&] {
      const ct::NoGradGuard off;  // else x.grad() would be recorded, and own the graph that owns x
      for (int i = 0; i < 100; ++i) {
        const Edge to = node->next_edge(0);
        (void)(*to.function)({(*node)({number({1, 1})})[0]});  // adds to x.grad()
      }
    });
  for (std::thread& t : pool) t.join();
  CHECK_VALUES(x.grad(), V{402, 804});
}
