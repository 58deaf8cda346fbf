// autograd/tensor_autograd.cpp -- the Tensor members that read or change the graph, and the modes.
#include <algorithm>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

using detail::impl;
using detail::TensorImpl;
using detail::thread_state;

namespace {
TensorImpl* need(const Tensor& t, const char* what) {
  CT_CHECK(t.defined(), what, ": the tensor is undefined");
  return impl(t);
}
// The producer, after changes of the base were taken into account.
Node* producer(TensorImpl* p) {
  if (p->is_view()) detail::refresh_view(p);
  return p->grad_fn;
}
// Whether there is one, without an error for a view whose history cannot be told any more.
bool has_producer(const TensorImpl* p) {
  if (p->grad_fn) return true;
  return p->is_view() && p->meta->view_version != p->storage->current_version() && detail::tracks(p->meta->base);
}
}  // namespace

const Tensor& Tensor::requires_grad_(bool v) const {
  TensorImpl* p = need(*this, "requires_grad_");
  CT_CHECK(!v || isFloatingType(p->dtype), "requires_grad_: Only Tensors of floating point and complex dtype can require gradients, and this one is ",
           p->dtype, "\n  Convert it first, e.g. x.to(ct::kFloat), or write the numbers with a decimal point.");
  CT_CHECK(!v || !p->inference || thread_state.inference_mode, "requires_grad_: Setting requires_grad=True on inference tensor outside InferenceMode is "
           "not allowed.");
  if (has_producer(p)) {
    CT_CHECK(v, "requires_grad_: you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph "
             "that doesn't require differentiation use var_no_grad = var.detach().");
    return *this;
  }
  p->requires_grad = v;
  return *this;
}

bool Tensor::is_leaf() const { return !has_producer(need(*this, "is_leaf")); }
NodePtr Tensor::grad_fn() const { return NodePtr::share(producer(need(*this, "grad_fn"))); }

const Tensor& Tensor::grad() const {
  TensorImpl* p = need(*this, "grad");
  static const Tensor none;
  if (has_producer(p) && !(p->meta && p->meta->retains_grad) && !(p->meta && p->meta->grad.defined()))
    warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during "
         "autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on it.");
  return p->meta ? p->meta->grad : none;
}
Tensor& Tensor::mutable_grad() const { return need(*this, "mutable_grad")->need_meta().grad; }
void Tensor::set_grad(const Tensor& g) const {
  TensorImpl* p = need(*this, "set_grad");
  if (g.defined()) {
    CT_CHECK(!g.is_same(*this), "set_grad: can't assign Variable as its own grad");
    CT_CHECK(g.scalar_type() == p->dtype, "set_grad: assigned grad has data of a different type: ", g.scalar_type(), ", and the tensor is ", p->dtype);
    CT_CHECK(g.sizes() == sizes(), "set_grad: assigned grad has data of a different size: ", g.sizes(), ", and the tensor has ", sizes());
  }
  p->need_meta().grad = g;
}

void Tensor::backward(const Tensor& gradient, std::optional<bool> retain_graph, bool create_graph, std::optional<TensorList> inputs) const {
  const TensorList given = inputs.value_or(TensorList());
  CT_CHECK(!inputs || !given.empty(), "backward: 'inputs' argument to backward() cannot be empty.");
  if (gradient.defined()) autograd::backward({*this}, {gradient}, retain_graph, create_graph, given);
  else autograd::backward({*this}, {}, retain_graph, create_graph, given);
}

void Tensor::retain_grad() const {
  TensorImpl* p = need(*this, "retain_grad");
  CT_CHECK(requires_grad(), "retain_grad: can't retain_grad on Tensor that has requires_grad=False");
  Node* node = producer(p);
  if (!node || p->need_meta().retains_grad) return;  // a leaf keeps its gradient anyway
  p->meta->retains_grad = true;
  detail::remember_retained(node, p);
}
bool Tensor::retains_grad() const {
  TensorImpl* p = need(*this, "retains_grad");
  return p->meta && p->meta->retains_grad;
}
void detail::remember_retained(Node* node, TensorImpl* t) {
  auto& retained = NodeAccess::need_extra(*node).retained;
  std::lock_guard lock(hook_mutex());
  retained.push_back({t->output_nr, t});
}
// Called when a tensor that retains its gradient dies before its producer.
void detail::forget_retained(Node* node, TensorImpl* t) {
  std::lock_guard lock(hook_mutex());
  std::erase_if(NodeAccess::need_extra(*node).retained, [t](const auto& r) { return r.tensor == t; });
}

Tensor detach(const Tensor& self) {
  TensorImpl* p = need(self, "detach");
  Tensor out;
  const detail::Layers* l = detail::layers(self);
  if (l && l->level) {
    detail::LevelScope* s = detail::find_level(l->level);
    CT_CHECK(s, "detach: a tensor of a vmap that has ended is used outside of it");
    out = detail::wrap_batch(ct::detach(l->value), *s, l->batched);
  } else {
    out = detail::alias(self, self.sizes(), self.strides(), 0);
  }
  impl(out)->inference = p->inference;
  return out;
}
Tensor Tensor::detach() const { return ct::detach(*this); }

Tensor& Tensor::detach_() const {
  TensorImpl* p = need(*this, "detach_");
  CT_CHECK(!p->is_view(), "detach_: Can't detach views in-place. Use detach() instead.");
  if (p->grad_fn) {
    if (p->meta && p->meta->retains_grad) detail::forget_retained(p->grad_fn, p);
    detail::release_node(p->grad_fn);
  }
  p->grad_fn = nullptr;
  p->output_nr = 0;
  p->requires_grad = false;
  if (p->meta) p->meta->retains_grad = false;
  return const_cast<Tensor&>(*this);
}

// ---- modes -------------------------------------------------------------------------------------------------

bool GradMode::is_enabled() { return thread_state.grad_mode; }
void GradMode::set_enabled(bool enabled) { thread_state.grad_mode = enabled && !thread_state.inference_mode; }

InferenceMode::InferenceMode(bool enabled) : before_(thread_state.inference_mode), grad_before_(thread_state.grad_mode) {
  thread_state.inference_mode = enabled;
  thread_state.grad_mode = !enabled;
}
InferenceMode::~InferenceMode() {
  thread_state.inference_mode = before_;
  thread_state.grad_mode = grad_before_;
}
bool InferenceMode::is_enabled() { return thread_state.inference_mode; }

}  // namespace ct
