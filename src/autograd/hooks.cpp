// autograd/hooks.cpp -- hooks of tensors and of nodes: registration, removal, and the order in which backward runs them.
//
// Note [Hooks]
// The hooks of a tensor that was computed lie on its producer, by output number: so they stay with the value, and when
// the tensor is changed in place the old hooks see the gradient of the old value. Those of a leaf lie with the leaf, as
// its AccumulateGrad comes and goes; the node points to them.
// When all gradients of a node have arrived: hooks of its output tensors; retain_grad() takes its copy; autograd::grad()
// takes what it asked for; and if the node is to run: pre-hooks, the node, post-hooks. AccumulateGrad runs the
// post-accumulate hooks of its leaf itself.
// A hook may do anything: remove itself or others, add some, run backward, throw. So a list is walked by number, each
// hook is called through a copy without the lock, and only hooks that were there at the start are called.
#include "autograd/hooks.h"

#include <algorithm>

#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

using detail::hook_mutex;
using detail::HookCall;
using detail::HookKind;
using detail::HookList;
using detail::HookRecord;
using detail::impl;
using Tensors = std::vector<Tensor>;

// ---- lists ----------------------------------------------------------------------------------------

namespace detail {

std::mutex& hook_mutex() {
  static std::mutex m;
  return m;
}
void delete_hooks(HookList* hooks) { delete hooks; }

namespace {

unsigned newest_id = 0;  // guarded

// The lock is held. Returns what must be freed without it.
HookCall shut(HookRecord& r) {
  r.removed = true;
  return std::exchange(r.call, {});
}
void drop(HookRecord* r) {
  if (--r->refs == 0) delete r;
}

// Calls f(record's output, its call) for each hook of a kind; see Note [Hooks].
template <class F>
void for_each(HookList& list, HookKind kind, const F& f) {
  unsigned after = 0, last = 0;
  for (;;) {
    HookCall call;
    std::uint32_t output = 0;
    {
      std::lock_guard lock(hook_mutex());
      if (last == 0) last = newest_id;
      const auto it = std::find_if(list.records.begin(), list.records.end(),
                                   [&](const HookRecord* r) { return r->id > after && r->kind == kind && !r->removed; });
      if (it == list.records.end() || (*it)->id > last) return;
      after = (*it)->id;
      output = (*it)->output;
      call = (*it)->call;
    }
    f(output, call);
  }
}

// Whether a hook's result may stand for `before`.
void check_result(const char* what, const Node& node, const Tensor& before, const Tensor& after) {
  CT_CHECK(before.defined(), what, " of ", node.name(), ": can't replace a None gradient with a non-None value\n  No gradient arrived here, so "
           "the result must be undefined here, too.");
  CT_CHECK(after.sizes() == before.sizes(), what, " of ", node.name(), ": hook has changed the size of value (was ", before.sizes(), ", got ",
           after.sizes(), ")");
  CT_CHECK(after.scalar_type() == before.scalar_type(), what, " of ", node.name(), ": hook has changed the type of value (was ",
           before.scalar_type(), ", got ", after.scalar_type(), ")");
}

// A list of gradients is replaced as a whole, or not at all.
void replace(const char* what, const Node& node, Tensors& values, Tensors result) {
  if (result.empty()) return;
  CT_CHECK(result.size() == values.size(), what, " of ", node.name(), ": hook has returned an incorrect number of values (got ", result.size(),
           ", but expected ", values.size(), ")");
  for (std::size_t k = 0; k < values.size(); ++k)
    if (result[k].defined()) check_result(what, node, values[k], result[k]);
  values = std::move(result);
}

void run_list(HookList& list, const Node& node, Tensor* grads) {
  for_each(list, HookKind::tensor, [&](std::uint32_t output, const HookCall& call) {
    Tensor& g = grads[output];
    if (!g.defined()) return;
    Tensor result = call.tensor(g);
    if (!result.defined()) return;
    check_result("hook of a tensor", node, g, result);
    g = std::move(result);
  });
}

}  // namespace

HookList::~HookList() {
  std::vector<HookCall> calls;  // freed last, without the lock
  calls.reserve(records.size());
  if (records.empty()) return;
  std::lock_guard lock(hook_mutex());
  for (HookRecord* r : records) {
    calls.push_back(shut(*r));
    drop(r);
  }
}

RemovableHandle HookList::add(HookKind kind, std::uint32_t output, HookCall call) {
  auto* r = new HookRecord{2, 0, kind, false, output, std::move(call)};
  std::lock_guard lock(hook_mutex());
  std::erase_if(records, [](HookRecord* old) {
    if (!old->removed) return false;
    drop(old);
    return true;
  });
  r->id = ++newest_id;
  records.push_back(r);
  return RemovableHandle::adopt(r);
}

bool HookList::remove(unsigned id, HookKind kind) {
  HookCall freed;
  std::lock_guard lock(hook_mutex());
  for (HookRecord* r : records)
    if (r->id == id && r->kind == kind && !r->removed) {
      freed = shut(*r);
      return true;
    }
  return false;
}

bool HookList::has(HookKind kind) {
  std::lock_guard lock(hook_mutex());
  return std::any_of(records.begin(), records.end(), [kind](const HookRecord* r) { return r->kind == kind && !r->removed; });
}

std::vector<HookCall> HookList::calls(HookKind kind) {
  std::vector<HookCall> out;
  std::lock_guard lock(hook_mutex());
  for (const HookRecord* r : records)
    if (r->kind == kind && !r->removed) out.push_back(r->call);
  return out;
}

// ---- in backward ------------------------------------------------------------------------------------

void run_tensor_hooks(const Node& node, NodeExtra& extra, Tensor* grads) {
  run_list(extra.hooks, node, grads);
  if (HookList* leaf = extra.leaf.load(std::memory_order_acquire)) run_list(*leaf, node, grads);
  std::vector<std::pair<std::uint32_t, Tensor>> retained;
  {
    std::lock_guard lock(hook_mutex());
    for (const NodeExtra::Retained& r : extra.retained)
      if (r.tensor->refs.inc_if_alive()) retained.emplace_back(r.output, Tensor::wrap(r.tensor));  // else it is just dying
  }
  for (const auto& [output, t] : retained)
    if (grads[output].defined()) add_to_grad(impl(t), grads[output]);
}

void run_pre_hooks(const Node& node, NodeExtra& extra, Tensor* grads) {
  if (!extra.hooks.has(HookKind::pre)) return;
  Tensors values(grads, grads + node.num_inputs());
  for_each(extra.hooks, HookKind::pre, [&](std::uint32_t, const HookCall& call) { replace("pre-hook", node, values, call.pre(values)); });
  std::move(values.begin(), values.end(), grads);
}

bool has_post_hooks(NodeExtra& extra) { return extra.hooks.has(HookKind::post); }

void run_post_hooks(const Node& node, NodeExtra& extra, const Tensors& grads, Tensor* out) {
  Tensors values(out, out + node.num_outputs());
  for (std::size_t k = 0; k < values.size(); ++k)
    if (const Edge& e = node.next_edge(k); e.is_valid() && values[k].defined()) NodeAccess::check_gradient(*e.function, values[k], e.input_nr);
  for_each(extra.hooks, HookKind::post, [&](std::uint32_t, const HookCall& call) { replace("post-hook", node, values, call.post(values, grads)); });
  std::move(values.begin(), values.end(), out);
}

void run_accumulated_hooks(HookList& list, const Tensor& leaf) {
  for_each(list, HookKind::accumulated, [&](std::uint32_t, const HookCall& call) { call.accumulated(leaf); });
}

// ---- registration -----------------------------------------------------------------------------------------

namespace {

// The list of a leaf, known to the leaf's AccumulateGrad from now on. `edge` keeps that alive meanwhile. A view that was made
// in no_grad mode of something tracked has none: its hooks are never called.
HookList& hooks_of_leaf(const Tensor& t, const Edge& edge) {
  AutogradMeta& meta = impl(t)->need_meta();  // there is one, since there is an AccumulateGrad or a base
  NodeExtra* extra = edge.is_valid() ? &NodeAccess::need_extra(*edge.function) : nullptr;
  std::lock_guard lock(hook_mutex());
  if (!meta.hooks) __atomic_store_n(&meta.hooks, new HookList, __ATOMIC_RELEASE);
  if (extra) extra->leaf.store(meta.hooks, std::memory_order_release);
  return *meta.hooks;
}

}  // namespace
}  // namespace detail

RemovableHandle Tensor::add_hook(Callback<Tensor(const Tensor&)> hook) const {
  CT_CHECK(defined(), "register_hook: the tensor is undefined");
  CT_CHECK(hook, "register_hook: the hook is empty");
  CT_CHECK(requires_grad(), "register_hook: cannot register a hook on a tensor that doesn't require gradient\n  Call requires_grad_() on it, or on "
           "the leaves before it is computed.");
  const Edge edge = detail::gradient_edge(*this);
  HookCall call;
  call.tensor = std::move(hook);
  HookList& list = is_leaf() ? detail::hooks_of_leaf(*this, edge) : NodeAccess::need_extra(*edge.function).hooks;
  return list.add(HookKind::tensor, edge.input_nr, std::move(call));
}

RemovableHandle Tensor::register_post_accumulate_grad_hook(Callback<void(const Tensor&)> hook) const {
  CT_CHECK(defined(), "register_post_accumulate_grad_hook: the tensor is undefined");
  CT_CHECK(hook, "register_post_accumulate_grad_hook: the hook is empty");
  CT_CHECK(requires_grad(), "register_post_accumulate_grad_hook: cannot register a hook on a tensor that doesn't require gradient");
  CT_CHECK(is_leaf(), "register_post_accumulate_grad_hook: post accumulate grad hooks cannot be registered on non-leaf tensors\n  Of a tensor "
           "that was computed, register_hook() sees the gradient.");
  const Edge edge = detail::gradient_edge(*this);
  HookCall call;
  call.accumulated = std::move(hook);
  return detail::hooks_of_leaf(*this, edge).add(HookKind::accumulated, 0, std::move(call));
}

void Tensor::remove_hook(unsigned hook) const {
  CT_CHECK(defined(), "remove_hook: the tensor is undefined");
  {
    std::lock_guard lock(hook_mutex());
    CT_CHECK(hook > 0 && hook <= detail::newest_id, "remove_hook: Invalid index, no hook at position ", hook);
  }
  detail::TensorImpl* p = impl(*this);
  if (HookList* leaf = p->meta ? __atomic_load_n(&p->meta->hooks, __ATOMIC_ACQUIRE) : nullptr)
    if (leaf->remove(hook, HookKind::tensor) || leaf->remove(hook, HookKind::accumulated)) return;
  if (const NodePtr node = grad_fn())
    if (NodeExtra* extra = NodeAccess::extra(*node)) extra->hooks.remove(hook, HookKind::tensor);
}

RemovableHandle Node::add_hook(PreHook hook) {
  CT_CHECK(hook, "register_prehook: the hook is empty");
  HookCall call;
  call.pre = std::move(hook);
  return NodeAccess::need_extra(*this).hooks.add(HookKind::pre, 0, std::move(call));
}
RemovableHandle Node::add_hook(PostHook hook) {
  CT_CHECK(hook, "register_hook: the hook is empty");
  HookCall call;
  call.post = std::move(hook);
  return NodeAccess::need_extra(*this).hooks.add(HookKind::post, 0, std::move(call));
}
bool Node::del_pre_hook(std::uintptr_t key) {
  Extra* extra = NodeAccess::extra(*this);
  return extra && extra->hooks.remove(static_cast<unsigned>(key), HookKind::pre);
}
bool Node::del_post_hook(std::uintptr_t key) {
  Extra* extra = NodeAccess::extra(*this);
  return extra && extra->hooks.remove(static_cast<unsigned>(key), HookKind::post);
}

// ---- handles ------------------------------------------------------------------------------------------------

RemovableHandle::RemovableHandle(const RemovableHandle& o) noexcept : hook_(o.hook_) {
  if (!hook_) return;
  std::lock_guard lock(hook_mutex());
  ++hook_->refs;
}
RemovableHandle::~RemovableHandle() {
  if (!hook_) return;
  std::lock_guard lock(hook_mutex());
  detail::drop(hook_);  // its list is still there, or has emptied it: nothing of the user's is freed here
}
void RemovableHandle::remove() {
  if (!hook_) return;
  HookCall freed;
  std::lock_guard lock(hook_mutex());
  if (!hook_->removed) freed = detail::shut(*hook_);
}
unsigned RemovableHandle::id() const noexcept { return hook_ ? hook_->id : 0; }

}  // namespace ct
