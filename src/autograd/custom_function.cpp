// autograd/custom_function.cpp -- calls of functions with a derivative of their own: the node, the context, the outputs' histories.
#include "cotangent/custom_function.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "autograd/custom_node.h"
#include "core/thread_state.h"

namespace ct {

using detail::CreationMeta;
using detail::impl;
using detail::TensorImpl;

// Python's name: the class without namespaces and template arguments, and "Backward". Kept for ever, as views point to it.
const char* autograd::custom_node_name(const CustomOps& ops) {
  static std::mutex mutex;
  static auto* names = new std::set<std::string>;
  int status = 0;
  char* full = abi::__cxa_demangle(ops.type_name(), nullptr, nullptr, &status);
  std::string_view type = status == 0 ? full : ops.type_name();
  int depth = 0;
  std::size_t start = 0, end = type.size();
  for (std::size_t i = 0; i < type.size(); ++i) {
    const char c = type[i];
    if (c == '<' && depth == 0) end = i;
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && c == ':') {
      start = i + 1;
      end = type.size();
    }
  }
  const std::string name = detail::join({type.substr(start, end - start), "Backward"});
  std::free(full);
  std::lock_guard lock(mutex);
  return names->insert(name).first->c_str();
}

namespace {
bool differentiable(const Tensor& t) { return t.defined() && t.is_floating_point(); }
}  // namespace

namespace autograd {

bool contains(const variable_list& list, const Tensor& t) {
  return std::any_of(list.begin(), list.end(), [&t](const Tensor& x) { return x.defined() && x.is_same(t); });
}

// What a call does around forward.
variable_list CustomApply::plain(const CustomOps& ops, CustomCall& call, const CustomInputs& in, CustomMade* made) {
  auto owned = std::make_unique<AutogradContext>();
  AutogradContext& ctx = *owned;
  const bool tracked = detail::thread_state.grad_mode &&
                       std::any_of(in.tensors.begin(), in.tensors.end(), [](const Tensor& t) { return t.defined() && detail::tracks(t); });
  std::vector<Edge> edges;
  std::vector<CustomShape> shapes;
  for (const Tensor& t : in.tensors) {
    if (tracked) edges.push_back(t.defined() ? detail::gradient_edge(t) : Edge());
    if (tracked || made) shapes.emplace_back(t);
    ctx.tracked_.push_back(tracked && edges.back().is_valid());
  }
  variable_list out;
  {
    detail::GradModeScope off(false);
    out = call.forward(&ctx, in.tensors);
  }
  const char* name = custom_node_name(ops);
  for (const Tensor& t : ctx.dirty_) {
    CT_CHECK(contains(out, t), name, ": Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
             "modified inplace must all be outputs of the Function.");
    impl(t)->storage->bump_version(name, detail::user_address());
  }
  check_dirty(ctx, in, out, name, tracked);
  NodePtr node;
  if (tracked) node = NodePtr::adopt(new CustomNode(ops, name, std::move(owned), in, std::move(edges), shapes, out.size()));
  auto* custom = static_cast<CustomNode*>(node.get());

  int n_differentiable = 0;
  variable_list raw = out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!out[i].defined()) continue;
    const bool is_input = contains(in.tensors, raw[i]), dirty = contains(ctx.dirty_, raw[i]);
    const bool tracks = node && differentiable(out[i]) && !contains(ctx.non_differentiable_, raw[i]);
    if (tracks) {
      ++n_differentiable;
      set_history(out[i], node, static_cast<std::uint32_t>(i), in, is_input, dirty);
    } else {
      cut_history(out[i], is_input);
    }
    if (!(is_input && dirty) && impl(out[i])->is_view()) impl(out[i])->meta->creation = CreationMeta::custom_function;
  }
  if (n_differentiable > 1)
    for (const Tensor& t : out)
      if (t.defined() && impl(t)->is_view()) {
        impl(t)->meta->creation = CreationMeta::multi_output;
        impl(t)->meta->multi_view_op = name;
      }
  if (custom) {
    for (const Tensor& t : out) custom->out_shapes.emplace_back(t);
    custom->save(in.tensors, out);
  }
  if (made)
    for (const Tensor& t : raw) made->dirty.push_back(contains(ctx.dirty_, t));
  ctx.dirty_.clear();
  ctx.non_differentiable_.clear();
  if (made) {  // jvp comes next, and clears the rest
    for (const Tensor& t : out) made->out_shapes.emplace_back(t);
    made->in_shapes = std::move(shapes);
    made->node = node;
    made->ctx = std::move(owned);
  } else {
    ctx.to_save_.clear();
    ctx.for_forward_.clear();
  }
  return out;
}

// Everything that makes marked inputs impossible to record, asked before any history is changed.
void CustomApply::check_dirty(const AutogradContext& ctx, const CustomInputs& in, const variable_list& out, const char* name, bool tracked) {
  for (const Tensor& t : ctx.dirty_) {
    if (!contains(in.tensors, t))
      warn("Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an input, there is no need to pass it to mark_dirty().");
    if (!tracked || !differentiable(t) || contains(ctx.non_differentiable_, t)) continue;
    const TensorImpl* p = impl(t);
    CT_CHECK(!(p->requires_grad && !p->grad_fn), name, ": a leaf Variable that requires grad has been used in an in-place operation.\n"
             "  Its old value would be lost to backward. Update parameters under NoGradGuard, or change a clone().");
    CT_CHECK(!p->is_view() || out.size() == 1, name, ": If your Function modifies inplace an input that is a view of another Tensor, your Function "
             "cannot return more than one Tensor. This is not supported by the current autograd engine. You should either make sure the input is "
             "not a view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two Functions: "
             "one doing the inplace that returns a single Tensor and a second one that does the other operations).");
    detail::check_inplace(name, t, true);
  }
}

void CustomApply::set_history(Tensor& t, const NodePtr& node, std::uint32_t nr, const CustomInputs& in, bool is_input, bool dirty) {
  if (dirty) {
    impl(t)->need_meta().grad.reset();
    std::size_t slot = 0;
    while (slot < in.tensors.size() && !in.tensors[slot].is_same(t)) ++slot;
    if (slot < in.tensors.size()) return detail::rebase_history(t, node, slot, nr);
  } else if (is_input) {  // unchanged: another look at it, so that it can have a producer of its own
    Tensor look = detail::same_alias(t);
    detail::link_view(look, t, CreationMeta::custom_function, nullptr);
    t = std::move(look);
  }
  TensorImpl* p = impl(t);
  const bool retains = p->meta && p->meta->retains_grad;
  Node* before = p->grad_fn;
  if (retains && before) detail::forget_retained(before, p);
  p->grad_fn = NodePtr(node).release();
  p->output_nr = nr;
  if (retains) detail::remember_retained(p->grad_fn, p);
  if (before) detail::release_node(before);
  p->requires_grad = false;
  if (p->is_view()) p->meta->view_version = p->storage->current_version();
}

void CustomApply::cut_history(Tensor& t, bool is_input) {
  if (!detail::tracks(t)) return;
  if (is_input) t = t.detach();
  else if (!impl(t)->is_view()) t.detach_();
}

// ---- the context ---------------------------------------------------------------------------------------

AutogradContext::AutogradContext() = default;
AutogradContext::~AutogradContext() { delete frames_; }

void AutogradContext::save_for_backward(variable_list to_save) { to_save_ = std::move(to_save); }
void AutogradContext::save_for_forward(variable_list to_save) { for_forward_ = std::move(to_save); }
void AutogradContext::mark_dirty(const variable_list& inputs) {
  dirty_.clear();
  for (const Tensor& t : inputs)
    if (t.defined() && !contains(dirty_, t)) dirty_.push_back(t);
}
void AutogradContext::mark_non_differentiable(const variable_list& outputs) { non_differentiable_ = outputs; }

variable_list AutogradContext::get_saved_variables() const {
  const bool forward_mode = in_jvp_ && !for_forward_.empty();
  variable_list list = forward_mode ? for_forward_ : node_ && to_save_.empty() ? node_->unpack() : to_save_;
  if (frames_)
    for (std::size_t f = frames_->active.size(); f-- > 0;) {
      const std::vector<bool>& batched = forward_mode ? frames_->list[f].forward : frames_->list[f].saved;
      for (std::size_t i = 0; i < list.size() && frames_->active[f]; ++i)
        if (batched[i]) list[i] = detail::wrap_batch(list[i], *frames_->active[f], true);
    }
  return list;
}

bool AutogradContext::needs_input_grad(std::size_t i) const {
  const std::size_t n = node_ ? node_->num_outputs() : tracked_.size();
  CT_CHECK_INDEX(i < n, "needs_input_grad: index ", i, " is out of range for ", n, " tensor arguments");
  return node_ ? detail::gradient_wanted(node_->next_edge(i)) : static_cast<bool>(tracked_[i]);
}
bool AutogradContext::needs_input_grad(std::initializer_list<IndexRange> idxs) const {
  for (const IndexRange& r : idxs)
    for (std::size_t i = r.first; i < r.second; ++i)
      if (needs_input_grad(i)) return true;
  return false;
}

}  // namespace autograd

// ---- calls -----------------------------------------------------------------------------------------------

namespace detail::custom {

void CustomInputs::add(const Tensor& t) {
  tensors.push_back(t);
  is_tensor.push_back(true);
}
void CustomInputs::add(const std::optional<Tensor>& t) {
  if (t && t->defined()) add(*t);
  else add_other();
}
void CustomInputs::add(TensorList list) {
  for (const Tensor& t : list) add(t);
}
void CustomInputs::add_other() { is_tensor.push_back(false); }

variable_list apply_custom(const CustomOps& ops, CustomCall& call, CustomInputs in) { return autograd::CustomApply::run(ops, call, in); }

void no_vmap_rule() { CT_THROW(error, "vmap: this autograd::Function has no vmap rule"); }

}  // namespace detail::custom
}  // namespace ct
