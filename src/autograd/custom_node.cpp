// autograd/custom_node.cpp -- the node of a custom function: what it keeps, and its backward.
#include "autograd/custom_node.h"

#include <algorithm>

#include "core/thread_state.h"

namespace ct::autograd {

using ct::detail::impl;
using ct::detail::TensorImpl;

namespace {

Tensor with_producer(const Tensor& alias, Node* producer, std::uint32_t output) {
  Tensor t = ct::detail::same_alias(alias);
  impl(t)->grad_fn = NodePtr::share(producer).release();
  impl(t)->output_nr = output;
  return t;
}

int index_of(const variable_list& outputs, const Tensor& t) {
  for (std::size_t i = outputs.size(); i-- > 0;)
    if (outputs[i].is_same(t) && impl(t)->grad_fn) return static_cast<int>(i);
  return -1;
}

}  // namespace

CustomNode::CustomNode(const CustomOps& o, const char* name, std::unique_ptr<AutogradContext> c, const CustomInputs& in, std::vector<Edge> edges,
                       std::vector<CustomShape> shapes, std::size_t n_out)
    : Node(static_cast<std::uint32_t>(n_out)), ops(o), node_name_(name), ctx(std::move(c)), is_tensor(in.is_tensor),
      edge_list(std::move(edges)), in_shapes(std::move(shapes)) {
  edges_ = edge_list.data();
  n_edges_ = edge_list.size();
  ctx->node_ = this;
}

AutogradContext& CustomMade::context() const { return ctx ? *ctx : *static_cast<CustomNode*>(node.get())->ctx; }

// ---- what is kept ----------------------------------------------------------------------------------------

Tensor CustomNode::with_history(const Tensor& alias, int output) const {
  return with_producer(alias, const_cast<CustomNode*>(this), static_cast<std::uint32_t>(output));
}

std::vector<SavedValue> CustomNode::saved() const {
  const variable_list values = unpack();
  std::vector<SavedValue> out;
  for (std::size_t i = 0; i < values.size(); ++i) out.push_back({kept[i].name, values[i]});
  return out;
}

TensorImpl* CustomNode::saved_output(std::uint32_t output) const {
  for (const Kept& k : kept)
    if (k.output == static_cast<int>(output) && k.tensor.defined()) return impl(k.tensor);
  return nullptr;
}

void CustomNode::save(const variable_list& inputs, const variable_list& outputs) {
  for (const Tensor& t : ctx->to_save_) {
    Kept& k = kept.emplace_back();
    k.name = ct::detail::join({"saved", kept.size() - 1});
    if (!t.defined()) continue;
    CT_CHECK(!impl(t)->inference, node_name_, ": Inference tensors cannot be saved for backward. To work around you can make a clone to get a "
             "normal tensor and use it in autograd.");
    k.version = impl(t)->storage->current_version();
    k.output = index_of(outputs, t);
    if (k.output >= 0) {
      k.name = outputs.size() == 1 ? std::string("y") : ct::detail::join({"y", k.output});
    } else {
      const auto x = std::find_if(inputs.begin(), inputs.end(), [&t](const Tensor& i) { return i.is_same(t); });
      if (x != inputs.end()) k.name = inputs.size() == 1 ? std::string("x") : ct::detail::join({"x", x - inputs.begin()});
    }
    const bool view = impl(t)->is_view() && impl(t)->grad_fn;  // must not own its base: see OpNode::make
    k.tensor = k.output >= 0 || view ? ct::detail::same_alias(t) : t;
    if (k.output < 0 && view) {
      impl(k.tensor)->grad_fn = NodePtr::share(impl(t)->grad_fn).release();
      impl(k.tensor)->output_nr = impl(t)->output_nr;
    }
    if (ct::detail::thread_state.saved_hooks) {
      if (k.output < 0 && ct::detail::tracks(t)) k.history = ct::detail::gradient_edge(t);
      const Tensor original = std::move(k.tensor);
      k.tensor = Tensor();
      k.packed.reset(ct::detail::pack_saved(node_name_, original, k.version));
    }
  }
  for (const SavedData::Item& item : ctx->saved_data)
    if (item.second.isTensor() && item.second.toTensor().defined()) {
      const int output = index_of(outputs, item.second.toTensor());
      if (output < 0) continue;
      Value& v = ctx->saved_data[item.first];
      v = Value(ct::detail::same_alias(v.tensor_));
      kept_data.push_back({item.first, output});
    }
}

variable_list CustomNode::unpack() const {
  CT_CHECK(!freed, node_name_, ": Trying to backward through the graph a second time (or directly access saved tensors after they have already "
           "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd::grad().",
           detail::freed_places(freed_where, node_name_, NodeAccess::where(*this)), "\n  Specify retain_graph=true the first time, or run the forward computation again.");
  variable_list out;
  for (const Kept& k : kept) {
    if (k.packed) {
      const Tensor t = ct::detail::unpack_saved(node_name_, *k.packed);
      if (k.output >= 0) out.push_back(with_history(t, k.output));
      else out.push_back(k.history.is_valid() && t.is_floating_point() ? with_producer(t, k.history.function.get(), k.history.input_nr) : t);
      continue;
    }
    if (!k.tensor.defined()) {
      out.emplace_back();
      continue;
    }
    const TensorImpl* p = impl(k.tensor);
    const std::uint32_t now = p->storage->current_version();
    if (now != k.version) {
      std::string which;
      if (const Node* producer = k.output >= 0 ? this : p->grad_fn)
        which = ct::detail::join({", which is output ", k.output >= 0 ? k.output : static_cast<int>(p->output_nr), " of ", producer->name(), ","});
      CT_THROW(error, node_name_, ": one of the variables needed for gradient computation has been modified by an inplace operation: [",
               toString(p->dtype), "Tensor ", IntArrayRef(p->sizes(), p->ndim), "]", which, " is at version ", now, "; expected version ",
               k.version, " instead.\n  Saved by `", node_name_, "`", detail::place(" at ", NodeAccess::where(*this)),
               detail::changed_by(*p->storage), ".\n  Change a clone() instead, or use the out-of-place form of the operation that changed it.");
    }
    out.push_back(k.output >= 0 ? with_history(k.tensor, k.output) : k.tensor);
  }
  return out;
}

// ---- backward ----------------------------------------------------------------------------------------------

void CustomNode::apply(Tensor* grads, Tensor* out) {
  CT_CHECK(ops.backward, node_name_, ": You must implement the backward method for your custom autograd.Function to use it with backward mode AD.");
  std::lock_guard lock(mutex);
  const std::size_t all = ctx->frames_ ? ctx->frames_->list.size() : 0;
  variable_list result = CustomApply::backward(ops, node_name_, *ctx, is_tensor, in_shapes, out_shapes, variable_list(grads, grads + num_inputs()), all);
  for (std::size_t k = 0; k < result.size(); ++k)
    if (edge_list[k].is_valid()) out[k] = std::move(result[k]);
}

void CustomNode::release_variables() {
  std::lock_guard lock(mutex);
  kept.clear();
  if (!freed) freed_where = detail::thread_state.backward_where;
  freed = true;
}

void CustomNode::check_gradient(Tensor& g, std::uint32_t i) const {
  const CustomShape& s = out_shapes[i];
  if (s.defined) ct::detail::fit_gradient(g, {s.dtype, s.sizes}, node_name_, i);
}

}  // namespace ct::autograd
