// tests/random_programs/theirs.cpp -- runs programs in libtorch 1.13, and where we mean to differ from it.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIndexing.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Logging.h>
#include <algorithm>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include "random_programs/program.h"

namespace programs {
namespace theirs {

using at::IntArrayRef;
using at::ScalarType;
using at::Tensor;
using at::addcmul;
using at::amax;
using at::cat;
using at::kBool;
using at::kDouble;
using at::kFloat;
using at::kLong;
using at::maximum;
using at::minimum;
using at::outer;
using at::rsub;
using at::softplus;
using at::stack;
using at::where;
using at::zeros_like;
using at::indexing::None;
using at::indexing::Slice;

Tensor new_tensor(IntArrayRef sizes, ScalarType type) { return at::empty(sizes, type); }
// A number as Python passes it: libtorch's own overloads for numbers have other node names and fewer edges.
Tensor number(double v) {
  Tensor t;
  {
    c10::InferenceMode off(false);
    t = at::scalar_tensor(v, kDouble);
  }
  t.unsafeGetTensorImpl()->set_wrapped_number(true);
  return t;
}
#include "random_programs/helpers.inc"
// A write through a view that has outlived a write to its base fails ("a leaf Variable that requires grad") or works in
// libtorch, depending on whether somebody has asked for the view's grad_fn() in between: so it is asked for.
void renew(const Tensor& t) {
  try {
    (void)t.grad_fn();
  } catch (const std::exception&) {  // the write will say so itself
  }
}
// Ties in the order in which they stand, as here.
std::tuple<Tensor, Tensor> sorted(const Tensor& t, std::int64_t dim) { return t.sort(c10::optional<bool>(true), dim); }
// What may not be written is written all the same before libtorch says so; this takes it back.
Tensor copy_of_inference(const Tensor& t) {
  if (c10::InferenceMode::is_enabled()) return {};
  c10::InferenceMode on;
  return t.clone();
}
void restore(const Tensor& t, const Tensor& kept) {
  c10::InferenceMode on;
  if (t.sizes() == kept.sizes()) t.copy_(kept);
  else t.set_(kept);
}
bool grad_on() { return at::GradMode::is_enabled() && !c10::InferenceMode::is_enabled(); }
using HookHandle = unsigned;
template <class F>
HookHandle add_hook(const Tensor& t, const F& f) { return t.register_hook(f); }
void remove_hook(const Tensor& t, HookHandle h) { t.remove_hook(h); }

using NodeRef = std::shared_ptr<torch::autograd::Node>;
NodeRef node_of(const Tensor& t) { return t.grad_fn(); }

// Names in which this library follows Python and PyTorch 2.
std::string name_of(const NodeRef& n) {
  std::string name = n->name();
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos) name = name.substr(colon + 1);
  static const char* const renamed[][2] = {
      {"SortBackward1", "SortBackward0"},          // of the stable form
      {"ReshapeAliasBackward0", "ViewBackward0"},  // reshape of what can be viewed: PyTorch 2 makes a view
  };
  for (const auto& r : renamed)
    if (name == r[0]) return r[1];
  return name;
}
const std::vector<torch::autograd::Edge>& edges_of(const NodeRef& n) { return n->next_edges(); }
std::string node_name(const Tensor& t) { return t.grad_fn() ? name_of(t.grad_fn()) : "none"; }
Tensor leaf_of(const NodeRef& n) {
  const auto* accumulate = dynamic_cast<const torch::autograd::AccumulateGrad*>(n.get());
  return accumulate ? accumulate->variable : Tensor();
}
std::vector<double> values(const Tensor& t) {
  const Tensor d = t.detach().to(kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}

void grad_mode(bool on) { at::GradMode::set_enabled(on); }
void inference(bool on) {
  static thread_local std::unique_ptr<c10::InferenceMode> mode;
  if (on && !mode) mode = std::make_unique<c10::InferenceMode>();
  if (!on) mode.reset();
}
std::vector<Tensor> grad(const std::vector<Tensor>& y, const std::vector<Tensor>& x, const std::vector<Tensor>& v, bool retain, bool create, bool unused) {
  return torch::autograd::grad(y, x, v, retain, create, unused);
}
void backward_many(const std::vector<Tensor>& y, const std::vector<Tensor>& v, bool retain) { torch::autograd::backward(y, v, retain); }

#include "random_programs/machine.inc"

struct Quiet : c10::WarningHandler {
  void process(const c10::SourceLocation&, const std::string&, bool) override {}
};

}  // namespace theirs

bool has_theirs() { return true; }

Outcome run_theirs(const Program& p) {
  static const bool once = [] {
    static theirs::Quiet quiet;
    c10::Warning::set_warning_handler(&quiet);
    c10::SetStackTraceFetcher([] { return std::string(); });  // errors are frequent here, and a stack trace costs a millisecond
    at::set_num_threads(1);
    return true;
  }();
  (void)once;
  Outcome out;
  try {
    out = theirs::run(p);
  } catch (const std::exception&) {  // also where nothing but a look at a tensor was asked for
    out.broken = "a tensor that cannot be looked at";
    return out;
  }
  static const struct { const char* phrase; const char* why; } mistakes[] = {
      {"Expected a proper Tensor but got None", "retain_grad() on one of several outputs whose gradient does not arrive (mended in PyTorch 2)"},
      {"INTERNAL ASSERT FAILED", "an internal assertion: detach_() of a saved result, retain_grad() of a stale view"},
      {"dependency not found for", "the engine lost count of a node"},
      {"returned an invalid gradient at index", "the gradient of a leaf whose shape was changed in place does not fit"},
      {"could not compute gradients for some functions", "the engine lost count of a node"},
  };
  for (const Entry& e : out.log)
    for (const auto& m : mistakes)
      if (e.detail.find(m.phrase) != std::string::npos) out.broken = m.why;
  return out;
}

}  // namespace programs
