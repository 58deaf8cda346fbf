// autograd/apply.cpp -- the way of every call: forward, then a node if an input is tracked.
#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

SampleSink::~SampleSink() = default;

namespace detail {

namespace {

// Which values must be saved for the gradients that can be asked for; 0 if nothing is tracked.
struct Tracking {
  bool any = false;
  SaveMask mask = 0;
};

Tracking tracking(const Op& op, const Tensor* const* in, int n, bool writes = false) {
  Tracking t;
  if (!thread_state.grad_mode || !op.node) return t;
  for (int i = 0; i < n; ++i) {
    if (i < 32 && (op.nondiff >> i & 1)) continue;
    if (!tracks(*in[i])) continue;
    // May throw, so before anything is computed or written; of a view to be written check_inplace() knows more.
    if (impl(*in[i])->is_view() && !(writes && i == 0)) refresh_view(impl(*in[i]));
    t.any = true;
    t.mask |= op.save[i < 3 ? i : 3];
  }
  if (n < max_saved_inputs) t.mask &= ~SaveMask{0xffffff} | ((SaveMask{1} << n) - 1);
  return t;
}

// What a derivative needs must be allowed to be kept; asked before anything is computed or written.
void check_savable(const Op& op, const Tensor* const* in, SaveMask mask) {
  for (SaveMask rest = mask & (Y() - 1); rest; rest &= rest - 1) {
    const TensorImpl* saved = impl(*in[__builtin_ctz(rest)]);
    CT_CHECK(!saved || !saved->inference, op.name, ": Inference tensors cannot be saved for backward. To work around you can make a clone "
             "to get a normal tensor and use it in autograd.");
  }
}

void check_defined(const Op& op, const Tensor* const* in, int n) {
  for (int i = 0; i < n; ++i)
    CT_CHECK(in[i]->defined() || (op.optional >> (i < 31 ? i : 31) & 1), op.name, ": expected a tensor, but argument ", i, " is undefined\n  A default-constructed Tensor "
             "holds nothing, like Python's None; .grad() is undefined before backward.");
}

Tensor forward_one(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  check_defined(op, in, n);
  if (op.kernel) return elementwise(op, in, n, attrs);
  const Call c{op, in, n, attrs, size};
  if (op.forward) return op.forward(c);
  CT_ASSERT(op.inplace, "op ", op.name, " has no forward");
  Tensor out = in[0]->clone();
  op.inplace(c, out);
  return out;
}

CreationMeta creation_meta(const Op& op) {
  if (thread_state.inference_mode) return CreationMeta::inference_mode;
  if (!thread_state.grad_mode) return CreationMeta::no_grad_mode;
  return op.multi_view ? CreationMeta::multi_output : CreationMeta::normal;
}

// Whether an output can carry a gradient at all.
bool differentiable(const Tensor& t) { return t.defined() && t.is_floating_point(); }

void set_producer(const Tensor& out, const NodePtr& node, std::uint32_t nr) {
  TensorImpl* p = impl(out);
  p->grad_fn = NodePtr::share(node.get()).release();
  p->output_nr = nr;
}

}  // namespace

Tensor apply(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  if (op.kind == OpKind::composite) return op.forward(Call{op, in, n, attrs, size});
  const Tracking t = tracking(op, in, n);
  if (t.mask) check_savable(op, in, t.mask);
  Tensor out;
  {
    GradModeScope off(false);
    out = forward_one(op, in, n, attrs, size);
  }
  if (op.kind == OpKind::view) link_view(out, *in[0], creation_meta(op), op.multi_view ? op.name : nullptr);
  if (t.any && differentiable(out)) {
    TensorImpl* p = impl(out);
    p->grad_fn = OpNode::make(op, in, n, attrs, size, &out, 1, t.mask, nullptr).release();
    if (p->is_view()) p->meta->view_version = p->storage->current_version();
  }
  return out;
}

std::vector<Tensor> apply_multi(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  const Call c{op, in, n, attrs, size};
  if (op.kind == OpKind::composite) return op.forward_multi(c);
  check_defined(op, in, n);
  const Tracking t = tracking(op, in, n);
  if (t.mask) check_savable(op, in, t.mask);
  std::vector<Tensor> out;
  {
    GradModeScope off(false);
    out = op.forward_multi(c);
  }
  if (op.kind == OpKind::view)
    for (const Tensor& y : out) link_view(y, *in[0], creation_meta(op), op.multi_view ? op.name : nullptr);
  if (t.any && !out.empty()) {
    NodePtr node = OpNode::make(op, in, n, attrs, size, out.data(), static_cast<std::uint32_t>(out.size()), t.mask, nullptr);
    for (std::size_t k = 0; k < out.size(); ++k)
      if (differentiable(out[k])) set_producer(out[k], node, static_cast<std::uint32_t>(k));
  }
  return out;
}

Tensor& apply_inplace(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  const Tensor& self = *in[0];
  check_defined(op, in, n);
  Tracking t = tracking(op, in, n, true);
  if (!differentiable(self)) t = {};  // integers that take the values of a tracked tensor carry no history
  check_inplace(op.name, self, t.any);
  if (t.mask) check_savable(op, in, t.mask);
  Storage* storage = impl(self)->storage;
  const std::uint32_t version_before = storage->current_version();
  Tensor before;  // the value of self that a derivative needs is gone after the write
  if (t.mask & X(0)) before = self.clone();  // with its history: the derivative may be differentiated again
  {
    GradModeScope off(false);
    const Call c{op, in, n, attrs, size};
    if (op.kernel) {
      elementwise_into(op, self, in, n, attrs);
    } else if (op.inplace) {
      op.inplace(c, self);
    } else {
      const Tensor y = op.forward(c);
      CT_CHECK(y.sizes() == self.sizes(), op.name, ": output with shape ", self.sizes(), " doesn't match the result's shape ", y.sizes());
      CT_CHECK(can_cast(y.scalar_type(), self.scalar_type()), op.name, ": result type ", y.scalar_type(),
               " can't be cast to the desired output type ", self.scalar_type());
      self.copy_(y);
      storage->version.store(version_before, std::memory_order_relaxed);
    }
  }
  NodePtr node;
  if (t.any) {
    // Edges and saved inputs are taken as they were before the write, which the new version number marks.
    node = OpNode::make(op, in, n, attrs, size, &self, 1, t.mask, storage);
    if (before.defined()) static_cast<OpNode*>(node.get())->replace_first_saved(std::move(before));
  }
  storage->bump_version();
  if (node) rebase_history(self, std::move(node));
  return const_cast<Tensor&>(self);
}

}  // namespace detail
}  // namespace ct
