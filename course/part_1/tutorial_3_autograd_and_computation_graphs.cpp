// Tutorial 3: Autograd and computation graphs
// Level: part 1
// Concepts: directed acyclic graphs, grad_fn, next_functions, a recursive walker, dynamic graphs, scalar roots, higher
//   derivatives
// Version: 2.1 (2026-11-21)
// History: 1.0 (2026-02-03), 2.0 (2026-02-20); 2.1: in C++, with checks, drawings, dynamic graphs and two corrections

#include <cotangent/inspect.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %%
// What a walk has met: each node once, and one line of text for everything that it looked at.
struct Walk {
  std::set<const ct::Node*> seen = {};
  std::vector<std::string> names = {};  // of nodes, in the order of the walk
  std::vector<std::string> lines = {};
};

// %%
// Goes from a node towards the leaves. Follows no more than `limit` levels, and no node twice.
static void walk(const ct::NodePtr& node, Walk& found, int limit, int depth = 0) {
  const std::string indent(2 * static_cast<std::size_t>(depth), ' ');
  if (!node) return found.lines.push_back(indent + "None");
  if (!found.seen.insert(node.get()).second) return found.lines.push_back(indent + node->name() + " (seen above)");
  found.names.push_back(node->name());
  found.lines.push_back(indent + node->name());
  if (node->num_outputs() > 0 && depth + 1 >= limit) return found.lines.push_back(indent + "  ...");
  for (std::size_t i = 0; i < node->num_outputs(); ++i) walk(node->next_edge(i).function, found, limit, depth + 1);
}

// %%
// Walks from the node of a tensor, and prints what it met.
static Walk walk_from(const ct::Tensor& root, int limit = 100) {
  Walk found;
  walk(root.grad_fn(), found, limit);
  for (const std::string& line : found.lines) ct::print("  " + line);
  return found;
}

// %%
// The n-th derivative of y by x, element by element: y[i] may depend on x[i] only. It can be differentiated again.
static ct::Tensor nth_derivative(ct::Tensor y, const ct::Tensor& x, int n) {
  for (int i = 0; i < n; ++i) y = ct::autograd::grad({y.sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  return y;
}

// %%
// A computation whose length depends on its input: doubles x until its length is at least 10.
static ct::Tensor grow(ct::Tensor x) {
  while (x.norm().item<double>() < 10) x = x * 2;
  return x.sum();
}

int main() {
  // %% [markdown]
  // # Tutorial 3: Autograd and computation graphs
  // In Tutorial 2, `backward()` found all gradients. Here we look at what it walks along. While operations run, a **directed
  // acyclic graph** grows behind their results:
  //
  // - its **nodes** are operations (not tensors!), each of which can turn the gradient of its output into those of its inputs;
  // - its **edges** lead from an operation to those that made its inputs; they point *backwards*, from result to leaves;
  // - **acyclic**, because an operation can only use what exists already;
  // - it begins at a **root**, the tensor that `backward()` is called on, and ends at **leaves**.
  //
  // After this tutorial you can read off which nodes a computation has recorded, walk through them with a function of your own,
  // say what backward frees and what it leaves, and differentiate a result as often as you like.
  //
  // Two helpers are defined beforehand: a walker through such graphs, and a function for derivatives of any order. Read them when
  // you get there.

  // %% [markdown]
  // ## 1. Computation A
  // A small chain with all that is needed, for a $2\times3$ and a $3\times2$ matrix:
  //
  // $$y=xw,\qquad z=y+2,\qquad L=\mathrm{mean}(z).$$

  // %%
  section("1. Computation A");
  auto x = ct::tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, ct::requires_grad());
  auto w = ct::tensor({{1.0, 0.0}, {0.0, 1.0}, {1.0, 1.0}}, ct::requires_grad());
  auto y = ct::mm(x, w);
  auto z = y + 2;
  auto loss = z.mean();
  ct::print("y =", y);
  ct::print("loss =", loss);
  check(loss.item<double>(), 9.5);

  // %% [markdown]
  // Each result carries the node that made it, its `grad_fn`. The leaves have none.

  // %%
  ct::print("y.grad_fn", y.grad_fn()->name(), " z.grad_fn", z.grad_fn()->name(), " loss.grad_fn", loss.grad_fn()->name());
  check_that(!x.grad_fn() && !w.grad_fn() && x.is_leaf() && !y.is_leaf(), "leaves have no grad_fn");
  check_that(y.grad_fn()->name() == "MmBackward0" && z.grad_fn()->name() == "AddBackward0", "names of nodes");

  // %% [markdown]
  // ## 2. Edges
  // A node knows where gradients go next: in Python `next_functions`, pairs of a node and an index; here `next_edge(i)`, with
  // `function` and `input_nr`. The index says *which output* of that node the gradient belongs to, for operations that have
  // several.

  // %%
  section("2. Edges");
  auto node = loss.grad_fn();
  const auto& edge = node->next_edge(0);
  ct::print(node->name(), "has", node->num_outputs(), "edge, to", edge.function->name(), "output", edge.input_nr);
  check_that(node->num_outputs() == 1 && edge.input_nr == 0 && edge.function == z.grad_fn(), "the mean leads to the sum");
  auto parts = ct::unbind(x * 1, 1);
  ct::print("unbind gives", parts.size(), "tensors of one node; they are its outputs", parts[0].output_nr(), parts[1].output_nr(),
            parts[2].output_nr());
  check_that(parts[0].grad_fn() == parts[2].grad_fn() && parts[2].output_nr() == 2, "one node, three outputs");

  // %% [markdown]
  // ## 3. The whole graph
  // `walk` goes from a node to those behind it, and so on: a recursion. It remembers what it has seen, since a graph may join
  // again, and it stops at a depth, since a graph may be very deep. (For a hundred thousand operations in a row, even the
  // recursion would be too deep, and one would keep a list of nodes to visit instead.)

  // %%
  section("3. The whole graph");
  const Walk found = walk_from(loss);
  const std::vector<std::string> expected = {"MeanBackward0", "AddBackward0", "MmBackward0", "AccumulateGrad", "AccumulateGrad"};
  check_that(found.names == expected, "MeanBackward0 -> AddBackward0 -> MmBackward0 -> two leaves");
  check_that(found.lines.back() == "    None", "the other operand of the addition is the constant 2: no edge");
  ct::print("no deeper than two levels:");
  check_that(walk_from(loss, 2).names.size() == 2, "the depth limit ends the walk");

  // %% [markdown]
  // **A correction.** The text that this tutorial follows says that leaf tensors do not appear as functions in the walk. They do,
  // as `AccumulateGrad`: the node whose work it is to add to `.grad`. What does not appear is the constant 2; its edge is `None`.
  //
  // The same graph as a drawing:

  // %%
  auto drawing = ct::inspect::graph(loss, {{"x", x}, {"w", w}, {"y", y}, {"z", z}, {"loss", loss}}, {.title = "Computation A"});
  save(drawing, "tutorial_3_graph");
  ct::print("nodes in the drawing:", drawing.nodes().size(), "edges:", drawing.edges().size());
  check_that(drawing.node("loss").node == "MeanBackward0" && drawing.node("y").node == "MmBackward0", "drawn nodes");

  // %% [markdown]
  // ## 4. Backward along the graph
  // The mean of four numbers gives each of them the gradient $\frac14$; the addition passes it on. Let $G$ be the $2\times2$
  // matrix of quarters that arrives at the product. From there
  //
  // $$\frac{\partial L}{\partial x}=G\,w^\top,\qquad\frac{\partial L}{\partial w}=x^\top G.$$
  //
  // So both rows of `x.grad` are equal, and so are both columns of `w.grad`.

  // %%
  section("4. Backward");
  loss.backward();
  ct::print("x.grad =", x.grad());
  ct::print("w.grad =", w.grad());
  check(x.grad(), ct::tensor({{0.25, 0.25, 0.5}, {0.25, 0.25, 0.5}}));
  check(w.grad(), ct::tensor({{1.25, 1.25}, {1.75, 1.75}, {2.25, 2.25}}));
  auto G = ct::full({2, 2}, 0.25);
  check(x.grad(), G.matmul(w.detach().t()));
  check(w.grad(), x.detach().t().matmul(G));

  // %%
  ct::manual_seed(0);
  auto xr = ct::randn({2, 3}).requires_grad_(), wr = ct::randn({3, 2}).requires_grad_();
  auto random_loss = (ct::mm(xr, wr) + 2).mean();
  random_loss.backward();
  ct::print("seed 0: loss", ct::fixed(random_loss.item<double>(), 7), " x.grad[0]", xr.grad()[0], " w.grad column",
            wr.grad().t()[0]);
  check(random_loss.item<double>(), 3.4121637, 1e-6);
  check(xr.grad()[0], {0.3103433, -0.2806503, -0.1036497}, 1e-5);
  check(wr.grad().t()[0], {0.5273569, -0.3444878, -0.8943462}, 1e-5);
  check_that(ct::equal(xr.grad()[0], xr.grad()[1]) && ct::allclose(wr.grad().t()[0], wr.grad().t()[1]), "rows, columns equal");

  // %% [markdown]
  // ## 5. What backward leaves behind
  // **A correction, second part.** After backward the graph is not gone. What was freed are the *saved tensors*, here the factors
  // of the product. The nodes remain as long as a result holds them, and the walk works as before; another backward does not.

  // %%
  section("5. After backward");
  const Walk after = walk_from(loss);
  check_that(after.names == found.names, "all nodes are still there");
  show_error([&] { loss.backward(); }, "Trying to backward through the graph a second time");
  // Nothing was saved on the way from z to loss: addition and mean need no values. So that part can be used again and again.
  auto again = ct::ones({2}).requires_grad_();
  auto nothing_saved = (again + 2).mean();
  nothing_saved.backward();
  nothing_saved.backward();
  ct::print("twice through add and mean:", again.grad());
  check(again.grad(), {1, 1});

  // %% [markdown]
  // ## 6. A shared node
  // If a result is used twice, the graph joins again: two ways lead to one node. Below, $s=e^a$ is used three times, in
  // $s\cdot s+s$. The walker says so and prints it once. Backward adds up what comes along all ways before it goes on: $2s+1$
  // arrives at the exponential, which multiplies by $s$.

  // %%
  section("6. A shared node");
  auto a = ct::tensor({3.0}, ct::requires_grad());
  auto s = a.exp();
  auto both = (s * s + s).sum();
  const Walk joined = walk_from(both);
  both.backward();
  const auto exps = std::count(joined.names.begin(), joined.names.end(), "ExpBackward0");
  ct::print("ExpBackward0 printed", exps, "time, a.grad =", a.grad());
  check_that(exps == 1 && joined.lines.size() == joined.names.size() + 2, "printed once, met three times");
  check(a.grad(), {2 * std::exp(6.0) + std::exp(3.0)});

  // %% [markdown]
  // ## 7. Graphs are dynamic
  // The graph records what *ran*. `grow` has a loop whose length depends on the data; each call gives a graph of its own.

  // %%
  section("7. Dynamic graphs");
  auto large = ct::tensor({3.0, 4.0}, ct::requires_grad()), small = ct::tensor({0.3, 0.4}, ct::requires_grad());
  auto from_large = grow(large), from_small = grow(small);
  Walk of_large, of_small;
  walk(from_large.grad_fn(), of_large, 100);
  walk(from_small.grad_fn(), of_small, 100);
  ct::print("from length 5:  ", of_large.names.size(), "nodes; from length 0.5:", of_small.names.size(), "nodes");
  const auto muls = [](const Walk& v) { return std::count(v.names.begin(), v.names.end(), "MulBackward0"); };
  check_that(muls(of_large) == 1 && muls(of_small) == 5, "one doubling, or five");
  from_large.backward();
  from_small.backward();
  ct::print("gradients", large.grad(), small.grad());
  check(large.grad(), {2, 2});
  check(small.grad(), {32, 32});

  // %% [markdown]
  // ## 8. Why the root is a scalar
  // Backward starts with a gradient of the root. For one number that is $\partial L/\partial L=1$. For many numbers there is no
  // natural start: Tutorial 4 gives one by hand.

  // %%
  section("8. A scalar root");
  show_error([&] { (x * 2).backward(); }, "grad can be implicitly created only for scalar outputs");
  auto apart = ct::tensor({1.0}, ct::requires_grad());
  show_error([&] { ct::autograd::grad({loss}, {apart}); }, "appears to not have been used in the graph");
  auto unused = ct::autograd::grad({(x * 2).sum()}, {x, apart}, {}, true, false, /*allow_unused=*/true);
  ct::print("with allow_unused, the gradient of what took no part is", unused[1]);
  check_that(unused[0].defined() && !unused[1].defined(), "undefined, not zero");

  // %% [markdown]
  // ## 9. Derivatives of derivatives
  // With `create_graph`, the work of backward is recorded like any other computation. Its result has a `grad_fn`, and can be
  // differentiated again. Computation B is $y=\sigma(x)^2$ at $x=1$. With $s=\sigma(x)$ and $s'=s(1-s)$ each derivative is a
  // polynomial in $s$:
  //
  // $$\begin{aligned}y'&=2s^2-2s^3\\ y''&=4s^2-10s^3+6s^4\\ y'''&=8s^2-38s^3+54s^4-24s^5
  // \\ y''''&=16s^2-130s^3+330s^4-336s^5+120s^6\end{aligned}$$

  // %%
  section("9. Computation B");
  auto one = ct::tensor({1.0}, ct::requires_grad());
  auto squared = one.sigmoid().pow(2);
  std::vector<double> d;
  for (int n = 1; n <= 4; ++n) d.push_back(nth_derivative(squared, one, n).item<double>());
  for (int n = 1; n <= 4; ++n) ct::print("derivative", n, "at 1:", ct::fixed(d[static_cast<std::size_t>(n - 1)], 6));
  check(ct::tensor(d), {0.2874697, -0.0555322, -0.1588324, 0.1745488});

  // %%
  const double v = 1 / (1 + std::exp(-1.0)), v2 = v * v, v3 = v2 * v, v4 = v3 * v, v5 = v4 * v, v6 = v5 * v;
  check(d[0], 2 * v2 - 2 * v3);
  check(d[1], 4 * v2 - 10 * v3 + 6 * v4);
  check(d[2], 8 * v2 - 38 * v3 + 54 * v4 - 24 * v5);
  check(d[3], 16 * v2 - 130 * v3 + 330 * v4 - 336 * v5 + 120 * v6);
  ct::print("the fourth one as a polynomial:", ct::fixed(16 * v2 - 130 * v3 + 330 * v4 - 336 * v5 + 120 * v6, 6));

  // %% [markdown]
  // More keys, for functions that you can differentiate in your head:

  // %%
  const auto derivatives = [](ct::Tensor (*f)(const ct::Tensor&), double at, int n) {
    auto t = ct::tensor({at}, ct::requires_grad());
    std::vector<double> out;
    for (int i = 1; i <= n; ++i) out.push_back(nth_derivative(f(t), t, i).item<double>());
    return out;
  };
  const auto cube = derivatives([](const ct::Tensor& t) { return t.pow(3); }, 2, 3);
  const auto fourth = derivatives([](const ct::Tensor& t) { return t.pow(4); }, 2, 4);
  const auto sine = derivatives([](const ct::Tensor& t) { return t.sin(); }, 3, 2);
  ct::print("x^3 at 2:", cube, " x^4 at 2:", fourth);
  ct::print("sin at 3:", ct::fixed(sine[0], 6), ct::fixed(sine[1], 6));
  check(ct::tensor(cube), {12, 12, 6});
  check(ct::tensor(fourth), {32, 48, 48, 24});
  check(ct::tensor(sine), {-0.9899925, -0.1411200});

  // %% [markdown]
  // ## 10. A whole curve
  // `nth_derivative` sums before each backward, so it works on many points at once: one call for a whole curve. Where a curve is
  // steepest, the next one is largest; where it turns, the next one crosses zero.

  // %%
  section("10. The figure");
  auto grid = ct::linspace(-6, 6, 121, ct::requires_grad());
  auto curve = grid.sigmoid().pow(2);
  ct::plot::Figure figure;
  figure.ax().plot(grid.detach(), curve.detach(), {.label = "σ(x)²", .width = 3});
  for (int n = 1; n <= 4; ++n)
    figure.ax().plot(grid.detach(), nth_derivative(curve, grid, n).detach(), {.label = "derivative " + std::to_string(n)});
  figure.ax().title("σ(x)² and its derivatives").xlabel("x").ylabel("value").grid().legend("upper left");
  save(figure, "tutorial_3_derivatives");
  for (std::size_t n = 1; n <= 4; ++n) check(figure.ax().series().at(n).y.at(70), d[n - 1]);  // x = 1
  check_that(figure.ax().series().size() == 5, "the function and four derivatives");

  // %% [markdown]
  // ## 11. What can go wrong
  // A gradient made without `create_graph` has no history. Neither has the derivative of $3x$, even with it: it is the constant
  // 3, and depends on nothing.

  // %%
  section("11. Errors");
  auto p = ct::tensor({2.0}, ct::requires_grad());
  auto plain = ct::autograd::grad({p.pow(3).sum()}, {p})[0];
  show_error([&] { ct::autograd::grad({plain.sum()}, {p}); },
             "element 0 of tensors does not require grad and does not have a grad_fn");
  show_error([&] { nth_derivative(3 * p, p, 2); }, "element 0 of tensors does not require grad and does not have a grad_fn");

  // %% [markdown]
  // `backward(create_graph)` also works, but then `.grad` holds a graph that holds the leaf that holds `.grad`: a circle that
  // keeps memory until it is cut. `autograd::grad` returns the gradient instead, and has no such trouble.

  // %%
  auto q = ct::tensor({2.0}, ct::requires_grad());
  show_warning([&] { q.pow(3).sum().backward({}, true, /*create_graph=*/true); }, "reference cycle");
  auto second = ct::autograd::grad({q.grad().sum()}, {q})[0];
  ct::print("second derivative of x^3 at 2:", second);
  check(second, {12});
  q.mutable_grad().reset();  // cuts the circle

  // %% [markdown]
  // ## Task: a walker of your own
  // Write a function that counts the *leaves* behind a node: the `AccumulateGrad` nodes, each once, however many ways lead there.
  // Try it on `both` from part 6, and on `random_loss`. Put the counts into `leaves_of_both` and `leaves_of_loss`.

  // %%
  section("Task");
  std::function<std::size_t(const ct::NodePtr&, std::set<const ct::Node*>&)> leaves;
  std::size_t leaves_of_both = 0, leaves_of_loss = 0;

  // %% {"tags": ["solution"]}
  leaves = [&](const ct::NodePtr& here, std::set<const ct::Node*>& seen) -> std::size_t {
    if (!here || !seen.insert(here.get()).second) return 0;
    if (here->name() == "AccumulateGrad") return 1;
    std::size_t count = 0;
    for (std::size_t i = 0; i < here->num_outputs(); ++i) count += leaves(here->next_edge(i).function, seen);
    return count;
  };
  std::set<const ct::Node*> seen_both, seen_loss;
  leaves_of_both = leaves(both.grad_fn(), seen_both);
  leaves_of_loss = leaves(random_loss.grad_fn(), seen_loss);

  // %%
  ct::print("leaves of both:", leaves_of_both, " of random_loss:", leaves_of_loss);
  if (leaves_of_both == 0) ct::print("The counts are still 0: the cell above is yours.");
  else check_that(leaves_of_both == 1 && leaves_of_loss == 2, "a; xr and wr");

  // %% [markdown]
  // ## What to take along
  // - The graph consists of operations; tensors point into it by `grad_fn`.
  // - Edges lead from results to leaves; a leaf's end is an `AccumulateGrad`, a constant's is `None`.
  // - It records what ran, so loops and branches need nothing special.
  // - Backward frees saved values, not nodes. With `create_graph` its own work is recorded.
  //
  // ## Executive summary
  // What did this notebook show, with which numbers? Write it down in three or four lines, for somebody who has no time to run
  // it.

  // %% [markdown] {"tags": ["solution"]}
  // - A walk from the loss of computation A meets a mean, an addition, a matrix product and two `AccumulateGrad`, one for each
  //   leaf; the constant 2 is an edge to nothing.
  // - Nodes are counted, not ways: $e^a$ is met three times and is one node, and behind that sum there is one leaf. A walker
  //   needs a set of what it has seen.
  // - Backward leaves all nodes and frees the factors that the product had saved; so it runs once, while a chain of additions and
  //   means, which saves nothing, runs twice.
  // - With `create_graph` a gradient has a graph of its own. The fourth derivative of $\sigma^2$ at 1 is 0.1745, by four walks
  //   and by its polynomial.

  // %% [markdown]
  // ## Questions

  // %%
  const auto is_among = [&](const char* name) { return std::count(found.names.begin(), found.names.end(), name) > 0; };
  ask("Which nodes does a walk from loss = (x w + 2).mean() meet, where x and w are tracked?",
      several({{"MeanBackward0", is_among("MeanBackward0")},
               {"AddBackward0", is_among("AddBackward0")},
               {"a node for the constant 2", found.names.size() > 5},
               {"AccumulateGrad", is_among("AccumulateGrad")}}),
      "The leaves are there as AccumulateGrad. The constant has no node: its edge is None.");
  ask("Computation 6 uses s = exp(a) three times. How many ExpBackward0 nodes are there?", number(static_cast<double>(exps)),
      "One operation ran, so there is one node. Three edges lead to it.");
  ask("What is the fourth derivative of x^4 at 2?", number(fourth[3]), "12 x^2 has the derivative 24 x, and that has 24.");
  ask("After loss.backward(), can the graph of loss still be walked?", yes_no(after.names == found.names),
      "Saved tensors are freed, nodes are not. They go when nothing refers to them any more.");
  return finish();
}
