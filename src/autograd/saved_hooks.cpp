// autograd/saved_hooks.cpp -- saved_tensors_hooks: what is saved for backward in another form.
#include <memory>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

using detail::impl;
using detail::thread_state;

namespace autograd::graph {

struct SavedHooksAccess {
  static Packed pack(const saved_tensors_hooks& h, const Tensor& t) { return h.pack_(t); }
  static const Callback<Tensor(const Packed&)>& unpack(const saved_tensors_hooks& h) { return h.unpack_; }
};

namespace {
thread_local const disable_saved_tensors_hooks* disabled = nullptr;
}  // namespace

disable_saved_tensors_hooks::disable_saved_tensors_hooks(std::string error_message) : message_(std::move(error_message)), before_(disabled) {
  CT_CHECK(!thread_state.saved_hooks, message_);
  disabled = this;
}
disable_saved_tensors_hooks::~disable_saved_tensors_hooks() { disabled = before_; }

void saved_tensors_hooks::enter() {
  CT_CHECK(!disabled, disabled->message_);
  before_ = thread_state.saved_hooks;
  thread_state.saved_hooks = this;
}
saved_tensors_hooks::~saved_tensors_hooks() { thread_state.saved_hooks = before_; }

}  // namespace autograd::graph

namespace {

// A hook that computes something must not be called for what that saves.
class HooksOff {
 public:
  HooksOff() : before_(thread_state.saved_hooks) { thread_state.saved_hooks = nullptr; }
  ~HooksOff() { thread_state.saved_hooks = before_; }
  HooksOff(const HooksOff&) = delete;
  HooksOff& operator=(const HooksOff&) = delete;

 private:
  const autograd::graph::saved_tensors_hooks* before_;
};

Tensor without_history(const Tensor& t) { return detail::same_alias(t); }

}  // namespace

namespace {
thread_local std::uint32_t packed_version = 0;
}
std::uint32_t detail::version_to_pack() { return packed_version; }

detail::PackedValue* detail::pack_saved(const char* op, const Tensor& t, std::uint32_t expected) {
  using Access = autograd::graph::SavedHooksAccess;
  const autograd::graph::saved_tensors_hooks& hooks = *thread_state.saved_hooks;
  const HooksOff off;
  const GradModeScope no_grad(false);
  const Tensor shown = without_history(t);
  const std::int64_t version = shown._version();
  packed_version = expected;
  auto packed = std::unique_ptr<PackedValue>(new PackedValue{Access::pack(hooks, shown), Access::unpack(hooks)});
  CT_CHECK(shown._version() == version, op, ": A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can "
           "not be modified by in-place operations as this can lead to unexpected side-effects.\n  Work on a clone() of it.");
  return packed.release();
}

Tensor detail::unpack_saved(const char* op, const PackedValue& p) {
  Tensor t;
  {
    const HooksOff off;
    const auto unpack = p.unpack;  // a hook may free the graph it is called for
    t = unpack(p.value);
  }
  CT_CHECK(t.defined(), op, ": the unpack hook of saved_tensors_hooks returned an undefined tensor\n  It must return the tensor that pack was given, "
           "or one that can stand for it.");
  return tracks(t) ? without_history(t) : t;
}

// ---- in the node of an op -------------------------------------------------------------------------------

void OpNode::pack(Slot& s, detail::Storage* written) {
  const Tensor original = Tensor::wrap(s.tensor);
  s.tensor = nullptr;
  if (!original.defined()) return;
  try {
    s.set_packed(detail::pack_saved(op->name, original, s.version));
  } catch (...) {
    // The write has happened, but is not going to be recorded: whoever saved the value before must notice.
    if (written) written->bump_version(op->name, detail::user_address());
    throw;
  }
  any_packed = true;
}

void OpNode::pack_all(detail::Storage* written) {
  Slot* s = slots();
  for (SaveMask rest = saved_mask; rest; rest &= rest - 1, ++s) {
    // An input that an operation in place has just overwritten is not what the derivative needs: either a copy replaces
    // it in a moment, or the version check has to notice in backward, as it does without hooks.
    const bool overwritten = written && s->tensor && s->tensor->storage == written && __builtin_ctz(rest) < max_saved_inputs;
    if (!overwritten) pack(*s, written);
  }
}

void OpNode::release_packed() {
  any_packed = false;
  for (Slot* s = slots(); s != slots() + n_saved; ++s) {
    if (!s->is_packed()) continue;
    detail::PackedValue* p = s->packed();
    s->tensor = nullptr;
    delete p;
  }
}

Tensor OpNode::unpack_packed(int bit, const Slot& s) const {
  const NodePtr self = NodePtr::share(const_cast<OpNode*>(this));  // while the hook runs
  Tensor t = detail::unpack_saved(op->name, *s.packed());
  if (!thread_state.grad_mode || !t.is_floating_point()) return t;
  // The history of what was packed: this node's for an output; an input came through the edge of the same number.
  Node* producer = nullptr;
  std::uint32_t nr = 0;
  if (bit >= max_saved_inputs) {
    producer = self.get();
    nr = static_cast<std::uint32_t>(bit - max_saved_inputs);
  } else if (static_cast<std::size_t>(bit) < n_edges_) {
    producer = edges_[bit].function.get();
    nr = edges_[bit].input_nr;
  }
  if (!producer) return t;
  t = without_history(t);
  impl(t)->grad_fn = NodePtr::share(producer).release();
  impl(t)->output_nr = nr;
  return t;
}

}  // namespace ct
