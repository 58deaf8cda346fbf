// tests/inspect/test_steps_ops.cpp -- the steps of every operation: a real backward's gradients, and text that Graphviz can read.
#include <doctest/doctest.h>

#include "cotangent/inspect.h"
#include "ops/elements.h"

namespace op_check {

// One frame's quotes, brackets and tables are closed.
bool balanced(const std::string& dot) {
  std::ptrdiff_t depth = 0, tables = 0;
  for (std::size_t i = 0; i < dot.size(); ++i) {
    depth += dot[i] == '<' ? 1 : dot[i] == '>' && dot[i - 1] != '-' ? -1 : 0;
    if (dot.compare(i, 6, "<TABLE") == 0) ++tables;
    if (dot.compare(i, 8, "</TABLE>") == 0) --tables;
  }
  return depth == 0 && tables == 0;
}

void stepwise(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (!op.node || op.kind == OpKind::composite) return;
  std::vector<std::size_t> tracked;
  const Tensors in = leaves(op, s, &tracked);
  const Roots roots(op_samples::run(op, s, in));
  for (std::size_t k = 0; k < roots.y.size(); ++k) {
    const ct::inspect::Steps steps = ct::inspect::steps(roots.y[k], {}, {.v = roots.w[k]});
    for (const Tensor& x : in) r.expect(!x.defined() || !x.grad().defined(), where + "a .grad was made");
    const Tensors x = pick(in, tracked);
    const Tensors real = ct::autograd::grad({roots.y[k]}, x, {roots.w[k]}, true, false, true);
    std::size_t leaves_seen = 0, reached = 0;
    for (const ct::inspect::Step& step : steps.list()) leaves_seen += step.grad.defined();
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!real[i].defined()) continue;
      ++reached;
      bool found = false;
      for (const ct::inspect::Step& step : steps.list())
        found = found || (step.grad.defined() && step.grad.sizes() == real[i].sizes() && all_close(values(step.grad), values(real[i]), 0));
      r.expect(found, where + "no step has the gradient of input " + std::to_string(i));
    }
    r.expect(leaves_seen == reached, where + std::to_string(leaves_seen) + " leaves have a gradient, not " + std::to_string(reached));
    for (std::size_t frame = 0; frame < steps.frames(); ++frame) r.expect(balanced(steps.dot(frame)), where + "frame " + std::to_string(frame));
    r.expect(steps.text().find("#c1") == std::string::npos, where + "a slot is left");
  }
}

}  // namespace op_check

TEST_CASE("steps: every op has the gradients of a real backward") { op_check::on_all_ops(op_check::stepwise); }
