// autograd/view.cpp -- views, writes in place, and the histories they rewrite.
#include <algorithm>
#include <vector>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

using detail::impl;
using detail::Geometry;
using detail::TensorImpl;
using detail::thread_state;

namespace detail {

Geometry geometry_of(const TensorImpl* t, const TensorImpl* from) {
  Geometry a;
  a.ndim = t->ndim;
  std::copy(t->sizes(), t->sizes() + t->ndim, a.sizes);
  std::copy(t->strides(), t->strides() + t->ndim, a.strides);
  a.offset = (t->data - from->data) / elementSize(t->dtype);
  return a;
}

void link_view(const Tensor& view, const Tensor& of, CreationMeta creation, const char* multi_view_op) {
  TensorImpl *v = impl(view), *x = impl(of);
  if (v == x || v->storage != x->storage) return;
  AutogradMeta& meta = v->need_meta();
  meta.base = x->is_view() ? x->meta->base : of;
  meta.creation = creation;
  meta.multi_view_op = multi_view_op;
  if (x->is_view() && creation == CreationMeta::normal) {  // a view of a restricted view is restricted too
    meta.creation = x->meta->creation;
    meta.multi_view_op = x->meta->multi_view_op;
  }
  meta.view_version = v->storage->current_version();
}

namespace {
// Replaces the producer; what retain_grad() asked for follows the tensor, while hooks stay with its former value.
void set_producer(TensorImpl* t, NodePtr node, std::uint32_t output_nr = 0) {
  const bool retains = t->meta && t->meta->retains_grad;
  Node* before = t->grad_fn;
  if (retains && before) forget_retained(before, t);
  t->grad_fn = node.release();
  t->output_nr = output_nr;
  if (retains) remember_retained(t->grad_fn, t);
  if (before) release_node(before);
}

// What may not be written: it would take the place of the derivative that a custom function has.
void check_not_custom(const TensorImpl* view, const char* op, const char* what) {
  CT_CHECK(view->meta->creation != CreationMeta::custom_function, op, "Output ", view->output_nr, " of ",
           view->grad_fn ? view->grad_fn->name() : std::string("a custom Function"), " is a view and ", what, " modified inplace. This view was created "
           "inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom "
           "backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the "
           "output of the custom Function.");
}
}  // namespace

void refresh_view(TensorImpl* t) {
  AutogradMeta& meta = *t->meta;
  const std::uint32_t now = t->storage->current_version();
  if (meta.view_version == now) return;
  const Tensor& base = meta.base;
  if (!tracks(base) && !t->grad_fn) return;
  CT_CHECK(meta.creation != CreationMeta::multi_output, "Output of ", meta.multi_view_op ? meta.multi_view_op : "an operation", " is a view and its base or "
           "another view of its base has been modified inplace. This view is the output of a function that returns multiple views. Such functions do "
           "not allow the output views to be modified inplace.\n  Make the views after the change.");
  CT_CHECK(meta.creation != CreationMeta::no_grad_mode, "A view was created in no_grad mode and its base or another view of its base has been modified "
           "inplace with grad mode enabled.\n  Make the view and the change in the same mode.");
  CT_CHECK(meta.creation != CreationMeta::inference_mode, "A view was created in inference mode and its base or another view of its base has been "
           "modified inplace in normal mode.\n  Make the view and the change in the same mode.");
  check_not_custom(t, "", "its base or another view of its base has been");
  // The base was written since: what this view shows is now a part of the base's new value.
  t->refs.inc();
  const Tensor self = Tensor::wrap(t);
  const StridedAttrs a{geometry_of(t, impl(base)), geometry_of(impl(base), impl(base))};
  const Tensor* in[] = {&base};
  GradModeScope on(true);
  NodePtr node = OpNode::make(strided_view_op, in, 1, &a, sizeof a, &self, 1, 0, nullptr);
  NodeAccess::set_where(*node, user_address());
  set_producer(t, std::move(node));
  meta.view_version = now;
}

void check_inplace(const char* op, const Tensor& self, bool tracking) {
  TensorImpl* p = impl(self);
  CT_CHECK(!p->inference || thread_state.inference_mode, op, ": Inplace update to inference tensor outside InferenceMode is not allowed."
           " You can make a clone to get a normal tensor before doing inplace update.");
  for (int d = 0; d < p->ndim; ++d)
    CT_CHECK(p->strides()[d] != 0 || p->sizes()[d] <= 1 || p->numel == 0, op, ": unsupported operation: more than one element of the written-to tensor refers to"
             " a single memory location. Please clone() the tensor before performing the operation.\n  Its shape is ", self.sizes(),
             " with strides ", self.strides(), ", as expand() makes it.");
  if (!tracking) return;
  if (p->is_view()) {
    const AutogradMeta& meta = *p->meta;
    const TensorImpl* base = impl(meta.base);
    CT_CHECK(meta.creation != CreationMeta::multi_output, op, ": Output of ", meta.multi_view_op ? meta.multi_view_op : "an operation",
             " is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions"
             " do not allow the output views to be modified inplace.\n  Use the out-of-place form, or write into a slice of the base.");
    CT_CHECK(meta.creation != CreationMeta::no_grad_mode, op, ": A view was created in no_grad mode and is being modified inplace with grad mode"
             " enabled.\n  Make the view and the change in the same mode.");
    CT_CHECK(meta.creation != CreationMeta::inference_mode, op, ": A view was created in inference mode and is being modified inplace in normal"
             " mode.\n  Make the view and the change in the same mode.");
    if (meta.creation == CreationMeta::custom_function) check_not_custom(p, detail::join({op, ": "}).c_str(), "is being");
    CT_CHECK(base->grad_fn || !tracks(p), op, ": a view of a leaf Variable that requires grad is being used in an in-place operation.\n"
             "  Its old value would be lost to backward. Update parameters under NoGradGuard, or change a clone().");
    refresh_view(p);
  }
  CT_CHECK(!(p->requires_grad && !p->grad_fn), op, ": a leaf Variable that requires grad is being used in an in-place operation.\n"
           "  Its old value would be lost to backward. Update parameters under NoGradGuard, or change a clone().");
}

void rebase_history(const Tensor& self, NodePtr node, std::size_t slot, std::uint32_t output_nr) {
  TensorImpl* p = impl(self);
  if (!p->is_view()) {
    set_producer(p, std::move(node), output_nr);
    p->requires_grad = false;
    return;
  }
  const Tensor base = p->meta->base;
  set_producer(impl(base), NodePtr::adopt(new CopySlices(base, self, std::move(node), slot)));
  impl(base)->requires_grad = false;
  refresh_view(p);
}

}  // namespace detail

// ---- CopySlices -------------------------------------------------------------------------------------

CopySlices::CopySlices(const Tensor& base_tensor, const Tensor& view_tensor, NodePtr written, std::size_t written_slot)
    : Node(1), fn(std::move(written)), view(detail::geometry_of(impl(view_tensor), impl(base_tensor))),
      base(detail::geometry_of(impl(base_tensor), impl(base_tensor))), dtype(impl(base_tensor)->dtype), slot(written_slot),
      edge_list(fn->next_edges().begin(), fn->next_edges().end()) {
  edge_list[slot] = detail::gradient_edge(base_tensor);
  edges_ = edge_list.data();
  n_edges_ = edge_list.size();
}

void CopySlices::apply(Tensor* grads, Tensor* out) {
  CT_CHECK(fn, "CopySlices: Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
           "freed).", detail::freed_places(freed_where, "CopySlices", NodeAccess::where(*this)),
           "\n  Specify retain_graph=true the first time, or run the forward computation again.");
  const Tensor& g = grads[0];
  // The copy has the geometry of the base, within which the view is addressed.
  Tensor whole = detail::empty_strided_as(g, base.size_list(), base.stride_list());
  whole.copy_(g);
  Tensor part = as_strided(whole, view.size_list(), view.stride_list(), view.offset);
  Tensor part_grad = part.clone();
  std::vector<Tensor> results(fn->next_edges().size());
  NodeAccess::apply(*fn, &part_grad, results.data());
  if (edge_list[slot].is_valid()) {
    // What the write let through for its destination goes back into the gradient of the base.
    if (fn->next_edge(slot).is_valid() && results[slot].defined()) {
      detail::fit_gradient(results[slot], {dtype, view.size_list()}, fn->name(), static_cast<std::uint32_t>(slot));
      if (detail::is_batched(results[slot])) {  // perhaps by a vmap that g knows nothing of: the memory must have both batches
        const Tensor both = g.new_zeros({}) + results[slot].new_zeros({});
        whole = detail::empty_strided_as(both, base.size_list(), base.stride_list());
        whole.copy_(g);
        part = as_strided(whole, view.size_list(), view.stride_list(), view.offset);
      }
      part.copy_(results[slot]);
    } else {
      part.zero_();
    }
    out[slot] = whole;
  }
  for (std::size_t k = 0; k < edge_list.size(); ++k)
    if (k != slot) out[k] = std::move(results[k]);
}

void CopySlices::release_variables() {
  if (fn) freed_where = thread_state.backward_where;
  fn = nullptr;
}

void CopySlices::check_gradient(Tensor& g, std::uint32_t i) const {
  detail::fit_gradient(g, {dtype, base.size_list()}, "CopySlices", i);
}

}  // namespace ct
