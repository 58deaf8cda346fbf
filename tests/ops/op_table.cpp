// tests/ops/op_table.cpp -- the table of ops itself: complete entries, samples or a reason, saved values, bad inputs.
#include <doctest/doctest.h>

#include <cstdlib>
#include <set>

#include "ops/elements.h"

namespace op_check {

void saving(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (!op.node || op.kind == OpKind::composite) return;
  std::vector<std::size_t> tracked;
  const Tensors in = leaves(op, s, &tracked);
  const Tensors out = op_samples::run(op, s, in);
  for (const Tensor& y : out)
    for (const Tensor& x : in) r.expect(!y.defined() || !y.is_same(x), where + "an output is an input itself, not a tensor of its own");
  const Roots roots(out);
  if (roots.y.empty()) return;
  const Tensors x = pick(in, tracked);
  const ct::NodePtr node = roots.y[0].grad_fn();
  r.expect(node->name() == op.node, where + "the node is " + node->name());
  const bool saved = !node->saved_tensors().empty();
  gradients(roots.y, x, roots.w);
  std::string message;
  try {
    gradients(roots.y, x, roots.w);
  } catch (const ct::Error& e) {
    message = e.what();
  }
  const bool says_so = message.find("Trying to backward through the graph a second time") != std::string::npos;
  r.expect(saved ? says_so : message.empty(), where + (saved ? "values were saved, but a second backward says: " : "nothing was saved, but a second backward says: ") + message);
  // A rule that reads more than its mask saves is found out when one input alone is tracked.
  for (std::size_t only : tracked) {
    const Tensors one = leaves(op, s);
    for (std::size_t i : tracked) one[i].requires_grad_(i == only);
    const Roots alone(op_samples::run(op, s, one));
    if (alone.y.empty()) continue;
    try {
      gradients(alone.y, {one[only]}, alone.w);
    } catch (const ct::Error& e) {
      r.expect(false, where + "with only input " + std::to_string(only) + " tracked: " + e.what());
    }
  }
}

void undefined_inputs(const Op& op, const Sample& s, const std::string& where, Report& r) {
  for (std::size_t i = 0; i < s.in.size(); ++i) {
    Tensors in = s.in;
    in[i] = Tensor();
    std::string message;
    try {
      op_samples::run(op, s, in);
    } catch (const ct::Error& e) {
      message = e.what();
    }
    const bool optional = op.optional >> std::min<std::size_t>(i, 31) & 1;
    r.expect(optional || (!message.empty() && message.find("internal error") == std::string::npos),
             where + "undefined input " + std::to_string(i) + (message.empty() ? " is accepted" : ": " + message));
  }
}

void strange_inputs(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (!is_elementwise(op)) return;  // others are guarded by their public functions: see strange_arguments.cpp
  using Shape = std::vector<std::int64_t>;
  for (std::size_t i = 0; i < s.in.size(); ++i)
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{5}, Shape{2, 3}, Shape{3, 0}, Shape{3, 3}, Shape{2, 1, 3}, Shape{2, 3, 3}})
      for (ct::ScalarType t : {ct::kDouble, ct::kFloat, ct::kHalf, ct::kLong, ct::kByte, ct::kBool}) {
        Tensors in = leaves(op, s);
        in[i] = ct::ones(shape, t);
        std::string message;
        try {
          const Roots roots(op_samples::run(op, s, in));
          if (!roots.y.empty()) ct::autograd::backward(roots.y, roots.w);
        } catch (const ct::Error& e) {
          message = e.what();
        }
        r.expect(message.find("internal error") == std::string::npos, where + "input " + std::to_string(i) + " with " + std::to_string(shape.size()) +
                                                                          " dimensions as " + ct::toString(t) + ": " + message);
      }
}

void entry(const Op& op, Report& r) {
  if (!op.name || !*op.name) {
    r.expect(false, "an op has no name");
    return;
  }
  const std::string where = std::string(op.name) + ": ";
  const bool composite = op.kind == OpKind::composite;
  r.expect(!op.node || (op.formula && *op.formula), where + "differentiable, but no formula");
  r.expect(!op.node || composite || op.deriv || op.vjp, where + "a node, but neither deriv nor vjp");
  r.expect(!(op.deriv && op.vjp), where + "deriv and vjp: a derivative is written once");
  r.expect(!op.deriv || op.kind == OpKind::elementwise, where + "deriv is for elementwise ops");
  r.expect(op.kernel || op.forward || op.forward_multi || op.inplace, where + "no forward");
  if (op.untested) r.skipped[op.untested].push_back(op.name);
  else
    r.expect(!op_samples::of(op).empty(), where + (op.kind == OpKind::elementwise && !op.samples
                                                       ? "say how many tensors it takes (.arity), or give samples"
                                                       : "neither samples nor a reason for their absence (.untested)"));
  if (op.node && !op.second_order) r.skipped["second order: the derivative cannot be differentiated again"].push_back(op.name);
}

void run(const Op& op, Check* check, Report& r) {
  if (op.untested) return;
  static const bool trace = std::getenv("CT_OP_TRACE") != nullptr;  // names what runs, to find a crash
  std::vector<Sample> samples;
  try {
    samples = op_samples::of(op);
  } catch (const std::exception& e) {
    r.expect(false, std::string(op.name) + ": its samples cannot be made: " + e.what());
  }
  int n = 0;
  for (const Sample& s : samples) {
    const std::string where = std::string(op.name) + ", sample " + std::to_string(n++) + ": ";
    if (trace) std::fprintf(stderr, "%s\n", where.c_str());
    ++r.samples;
    std::vector<Values> before;
    for (const Tensor& t : s.in) before.push_back(values(t));
    try {
      check(op, s, where, r);
    } catch (const std::exception& e) {
      r.expect(false, where + e.what());
    }
    for (std::size_t i = 0; i < s.in.size(); ++i)
      r.expect(all_close(values(s.in[i]), before[i], 0), where + "input " + std::to_string(i) + " was changed");
  }
}

namespace {
void print_skipped(const Report& r) {
  for (const auto& [reason, ops] : r.skipped) {
    const std::set<std::string> names(ops.begin(), ops.end());
    std::printf("  skipped %zu ops: %s:", names.size(), reason.c_str());
    for (const std::string& name : names) std::printf(" %s", name.c_str());
    std::printf("\n");
  }
}
}  // namespace

void on_all_ops(Check* check) {
  Report r;
  for (const Op* op : ct::all_ops()) run(*op, check, r);
  for (const std::string& failure : r.failures) FAIL_CHECK(failure);
  std::printf("  %d samples, %d checks, %zu failures\n", r.samples, r.checks, r.failures.size());
  print_skipped(r);
  CHECK(r.checks > 100);
}

}  // namespace op_check

TEST_CASE("every op has a complete entry") {
  op_check::Report r;
  std::set<std::string> names;
  int differentiable = 0;
  for (const ct::Op* op : ct::all_ops()) {
    op_check::entry(*op, r);
    r.expect(names.insert(op->name).second, std::string(op->name) + " is registered twice");
    differentiable += op->node != nullptr;
  }
  for (const std::string& failure : r.failures) FAIL_CHECK(failure);
  std::printf("  %zu ops, %d of them differentiable\n", names.size(), differentiable);
  op_check::print_skipped(r);
  CHECK(names.size() >= 15);
}

TEST_CASE("a second backward fails exactly when something was saved") { op_check::on_all_ops(op_check::saving); }
TEST_CASE("inputs of other shapes and dtypes compute or give an error") { op_check::on_all_ops(op_check::strange_inputs); }
TEST_CASE("undefined inputs give a clear error") { op_check::on_all_ops(op_check::undefined_inputs); }
