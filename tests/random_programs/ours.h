// tests/random_programs/ours.h -- the machine that runs programs in this library.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>

#include "cotangent/autograd.h"
#include "random_programs/program.h"

namespace programs::ours {

using ct::IntArrayRef;
using ct::ScalarType;
using ct::Tensor;
using ct::indexing::None;
using ct::indexing::Slice;
using ct::addcmul;
using ct::amax;
using ct::cat;
using ct::kBool;
using ct::kDouble;
using ct::kFloat;
using ct::kLong;
using ct::maximum;
using ct::minimum;
using ct::outer;
using ct::rsub;
using ct::softplus;
using ct::stack;
using ct::where;
using ct::zeros_like;

inline Tensor new_tensor(IntArrayRef sizes, ScalarType type) { return ct::empty(sizes, type); }
inline ct::Scalar number(double v) { return v; }
#include "random_programs/helpers.inc"
inline std::tuple<Tensor, Tensor> sorted(const Tensor& t, std::int64_t dim) { return t.sort(dim); }
inline void renew(const Tensor&) {}
inline Tensor copy_of_inference(const Tensor&) { return {}; }
inline void restore(const Tensor&, const Tensor&) {}
inline bool grad_on() { return ct::GradMode::is_enabled() && !ct::InferenceMode::is_enabled(); }
using HookHandle = ct::RemovableHandle;
template <class F>
HookHandle add_hook(const Tensor& t, const F& f) { return t.register_hook(f); }
inline void remove_hook(const Tensor&, HookHandle& h) { h.remove(); }

using NodeRef = ct::NodePtr;
inline NodeRef node_of(const Tensor& t) { return t.grad_fn(); }
inline std::string name_of(const NodeRef& n) { return n->name(); }
inline std::string node_name(const Tensor& t) { return t.grad_fn() ? t.grad_fn()->name() : "none"; }
inline Tensor leaf_of(const NodeRef& n) { return n->variable(); }
std::vector<double> values(const Tensor& t);
// Indices, masks and conditions, which can have no gradient, keep an empty edge here; libtorch leaves them out.
std::vector<ct::Edge> edges_of(const NodeRef& n);

inline void grad_mode(bool on) { ct::GradMode::set_enabled(on); }
inline void inference(bool on) {
  static thread_local std::optional<ct::InferenceMode> mode;
  if (on && !mode) mode.emplace();
  if (!on) mode.reset();
}
inline std::vector<Tensor> grad(const std::vector<Tensor>& y, const std::vector<Tensor>& x, const std::vector<Tensor>& v, bool retain, bool create, bool unused) {
  return ct::autograd::grad(y, x, v, retain, create, unused);
}
inline void backward_many(const std::vector<Tensor>& y, const std::vector<Tensor>& v, bool retain) { ct::autograd::backward(y, v, retain); }

#include "random_programs/machine.inc"

}  // namespace programs::ours
