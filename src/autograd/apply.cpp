// autograd/apply.cpp -- the way of every call: forward, then a node if an input is tracked.
#include <algorithm>

#include "autograd/autocast.h"
#include "autograd/elementwise.h"
#include "autograd/layers.h"
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
    // A comparison needs no history, so one that cannot be told does not matter to it.
    t.any = true;
    if (TensorImpl* x = impl(*in[i]); x->is_view() && !(writes && i == 0) && (writes || op.promote != Promote::compare)) {
      refresh_view(x);
      if (!x->grad_fn && !x->requires_grad) continue;  // made in no_grad mode of something tracked: its gradient goes nowhere
    }
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

// Checks what every forward relies on; tells whether vmap or forward mode may take part.
bool check_defined(const Op& op, const Tensor* const* in, int n) {
  bool layered = op.random;
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = impl(*in[i]);
    CT_CHECK(t || (op.optional >> (i < 31 ? i : 31) & 1), op.name, ": expected a tensor, but argument ", i, " is undefined\n  A default-constructed Tensor "
             "holds nothing, like Python's None; .grad() is undefined before backward.");
    layered |= t && t->layered;
  }
  return layered || thread_state.levels;
}

// A forward may compute into views of what it allocates; its result is a tensor of its own all the same.
void make_own(const Tensor& out, const Tensor* const* in, int n) {
  TensorImpl* p = impl(out);
  if (!p || !p->storage) return;
  const Storage* storage = p->storage->owner();
  for (int i = 0; i < n; ++i)
    if (const TensorImpl* x = impl(*in[i]); x && x->storage->owner() == storage) return;
  if (p->meta) p->meta->base.reset();
  p->storage->version.store(0, std::memory_order_relaxed);
}

Tensor forward_one(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  if (op.kernel) return elementwise(op, in, n, attrs);
  const Call c{op, in, n, attrs, size};
  if (op.forward) {
    Tensor out = op.forward(c);
    if (op.kind != OpKind::view) make_own(out, in, n);
    return out;
  }
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

void check_result_fits(const Op& op, const Tensor& y, const Tensor& self) {
  CT_CHECK(y.sizes() == self.sizes(), op.name, ": output with shape ", self.sizes(), " doesn't match the result's shape ", y.sizes());
  CT_CHECK(can_cast(y.scalar_type(), self.scalar_type()), op.name, ": result type ", y.scalar_type(),
           " can't be cast to the desired output type ", self.scalar_type());
}

// What follows a forward that was run for these inputs: views are linked to their base, and a node is recorded.
void record(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size, const Tracking& t, std::vector<Tensor>& out) {
  if (op.kind == OpKind::view)
    for (const Tensor& y : out) link_view(y, *in[0], creation_meta(op), op.multi_view ? op.name : nullptr);
  bool any = false;
  for (const Tensor& y : out) any |= differentiable(y);
  if (!t.any || !any) return;
  NodePtr node = OpNode::make(op, in, n, attrs, size, out.data(), static_cast<std::uint32_t>(out.size()), t.mask, nullptr);
  NodeAccess::set_where(*node, user_address());
  for (std::size_t k = 0; k < out.size(); ++k)
    if (differentiable(out[k])) set_producer(out[k], node, static_cast<std::uint32_t>(k));
}

std::vector<Tensor> one(Tensor t) {
  std::vector<Tensor> v;
  v.push_back(std::move(t));
  return v;
}

// A call on wrappers of the vmap `s`, recorded there.
std::vector<Tensor> apply_on_wrappers(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size, LevelScope& s) {
  std::vector<const Tensor*> all(in, in + n);
  std::vector<Tensor> lifted;
  bool tracked = false;
  for (int i = 0; i < n; ++i) tracked |= batch_level(*in[i]) == s.id && tracks(*in[i]);
  if (tracked && thread_state.grad_mode) {
    lifted.reserve(static_cast<std::size_t>(n));
    for (const Tensor*& x : all)
      if (x->defined() && batch_level(*x) != s.id) x = &lifted.emplace_back(lift(*x, s));
  }
  Tracking t;
  if (tracked) t = tracking(op, all.data(), n);
  if (t.mask) check_savable(op, all.data(), t.mask);
  std::vector<Tensor> out;
  {
    GradModeScope off(false);
    out = apply_batched(op, all.data(), n, attrs, size, s);
  }
  record(op, all.data(), n, attrs, size, t, out);
  return out;
}

// A call on tensors with tangents of the level `s`.
std::vector<Tensor> apply_with_tangents(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size, LevelScope& s) {
  HideLevel hide(s);
  std::vector<Tensor> out = apply_all(op, in, n, attrs, size);
  // An op without a node is a constant for derivatives. What stands in for a derivative (its name begins with _) must not be.
  CT_ASSERT(op.node || op.name[0] != '_', op.name, " has no derivative, and its input has a tangent");
  if (!op.node) return out;
  std::vector<Tensor> t(static_cast<std::size_t>(n));
  bool any = false;
  for (int i = 0; i < n; ++i) {
    if (!in[i]->defined() || !differentiable_input(op, i)) continue;
    t[static_cast<std::size_t>(i)] = &op == &strided_view_op ? tangent_laid_out_as(*in[i], s.id) : tangent(*in[i], s.id);
    any |= t[static_cast<std::size_t>(i)].defined();
  }
  if (!any) return out;
  const LiveCall c{op, in, n, attrs, out.data(), t.data()};
  std::vector<Tensor> result = output_tangents(c, static_cast<int>(out.size()), size, s);
  for (std::size_t k = 0; k < out.size(); ++k)
    if (result[k].defined() && differentiable(out[k])) set_tangent(out[k], s.id, std::move(result[k]));
  return out;
}

}  // namespace

std::vector<Tensor> apply_all(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  return op.forward_multi ? apply_multi(op, in, n, attrs, size) : one(apply(op, in, n, attrs, size));
}

std::vector<Tensor> apply_layered(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  if (autocast_state.enabled && thread_state.levels) {
    if (const AutocastInputs cast(op, in, n); cast.get() != in) return apply_all(op, cast.get(), n, attrs, size);
  }
  LevelScope* s = innermost_level(op.name, in, n);
  if (op.random)
    if (LevelScope* vmap = innermost_batch(); vmap && (!s || s->id < vmap->id)) s = vmap;
  if (s)
    return s->kind == LevelKind::batch ? apply_on_wrappers(op, in, n, attrs, size, *s) : apply_with_tangents(op, in, n, attrs, size, *s);
  // No level takes part: a plain call inside of a transform, or tangents of levels that are hidden or have ended.
  const Tracking t = tracking(op, in, n);
  if (t.mask) check_savable(op, in, t.mask);
  std::vector<Tensor> out;
  {
    GradModeScope off(false);
    WithoutLevels none;
    out = op.forward_multi ? op.forward_multi(Call{op, in, n, attrs, size}) : one(forward_one(op, in, n, attrs, size));
  }
  record(op, in, n, attrs, size, t, out);
  return out;
}

Tensor apply(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  if (op.kind == OpKind::composite) return op.forward(Call{op, in, n, attrs, size});
  if (check_defined(op, in, n)) [[unlikely]] return std::move(apply_layered(op, in, n, attrs, size)[0]);
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
    NodeAccess::set_where(*p->grad_fn, user_address());
    if (p->is_view()) p->meta->view_version = p->storage->current_version();
  }
  return out;
}

std::vector<Tensor> apply_multi(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  const Call c{op, in, n, attrs, size};
  if (op.kind == OpKind::composite) return op.forward_multi(c);
  if (check_defined(op, in, n)) [[unlikely]] return apply_layered(op, in, n, attrs, size);
  const Tracking t = tracking(op, in, n);
  if (t.mask) check_savable(op, in, t.mask);
  std::vector<Tensor> out;
  {
    GradModeScope off(false);
    out = op.forward_multi(c);
  }
  if (op.kind != OpKind::view)
    for (const Tensor& y : out) make_own(y, in, n);
  record(op, in, n, attrs, size, t, out);
  return out;
}

namespace {

// An in-place call: `write` changes the elements of self; all of autograd's rules for that are kept here.
template <class Write>
void write_recorded(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size, const Write& write) {
  const Tensor& self = *in[0];
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
    write();
    storage->version.store(version_before, std::memory_order_relaxed);  // however many steps it took
  }
  const void* where = user_address();
  NodePtr node;
  if (t.any) {
    // Edges and saved inputs are taken as they were before the write, which the new version number marks.
    node = OpNode::make(op, in, n, attrs, size, &self, 1, t.mask, storage);
    NodeAccess::set_where(*node, where);
    if (before.defined()) static_cast<OpNode*>(node.get())->replace_first_saved(std::move(before));
  }
  storage->bump_version(op.name, where);
  if (node) rebase_history(self, std::move(node));
}

// self = src for the wrappers of the vmap `s`.
void assign_on_wrappers(const Tensor& self, const Tensor& src, LevelScope& s) {
  bool into_batch = false, from_batch = false;
  const Tensor into = unwrap_batch(self, s, into_batch), from = unwrap_batch(src, s, from_batch);
  CT_CHECK(into_batch || !from_batch, "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that "
           "has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped over in a vmap.\n  Use the "
           "out-of-place form, or make self of a mapped tensor, e.g. with zeros_like(x) or x.new_zeros(..).");
  const auto write = [&] {
    GradModeScope mode(s.outer_grad_mode);
    HideLevel hide(s);
    Tensor aligned = from;  // entries with fewer dims broadcast behind the batch
    while (from_batch && aligned.dim() < into.dim()) aligned = aligned.unsqueeze(1);
    assign_layered(into, aligned);
  };
  const Tensor self_here = batch_level(self) == s.id ? self : Tensor();
  if (!self_here.defined()) {
    CT_CHECK(!tracks(src) || batch_level(src) != s.id || !thread_state.grad_mode, "copy_: there was an in-place write of a tracked value into a tensor from outside of the "
             "vmap, which cannot keep its history\n  Write into a tensor that is made inside, or return the value.");
    return write();
  }
  const Tensor src_here = batch_level(src) == s.id ? src : lift(src, s);
  const Tensor* in[] = {&self_here, &src_here};
  write_recorded(assignment_op, in, 2, nullptr, 0, write);
}

}  // namespace

void assign_layered(const Tensor& self, const Tensor& src) {
  const Tensor* in[] = {&self, &src};
  LevelScope* s = innermost_level("copy_", in, 2);
  if (!s) self.copy_(src);
  else if (s->kind == LevelKind::tangent) assign_tangent(self, src, *s);
  else assign_on_wrappers(self, src, *s);
}

Tensor& apply_inplace(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size) {
  const Tensor& self = *in[0];
  if (check_defined(op, in, n)) [[unlikely]] {
    const LevelScope *s = innermost_level(op.name, in, n), *vmap = op.random ? innermost_batch() : nullptr;
    if (vmap) check_randomness(op.name, *vmap);
    CT_CHECK(!vmap || vmap->randomness == Randomness::same || batch_level(self) == vmap->id, "vmap: ", op.name, ": Cannot ask for different inplace randomness "
             "on an unbatched tensor. This will appear like same randomness. If this is necessary for your usage, please use the out-of-place form.");
    if (s) {
      // Whatever the op does, through all levels: the new value beside the old one, then over it. What derivatives and
      // tangents keep of the old value is a copy.
      const Tensor before = self.clone();
      std::vector<const Tensor*> beside(in, in + n);
      for (const Tensor*& x : beside)
        if (x->is_same(self)) x = &before;
      const Tensor y = apply(op, static_cast<const Tensor* const*>(beside.data()), n, attrs, size);
      check_result_fits(op, y, self);
      assign_layered(self, y);
      return const_cast<Tensor&>(self);
    }
  }
  write_recorded(op, in, n, attrs, size, [&] {
    const WithoutLevels none;
    const Call c{op, in, n, attrs, size};
    if (op.kernel) {
      elementwise_into(op, self, in, n, attrs);
    } else if (op.inplace) {
      op.inplace(c, self);
    } else {
      const Tensor y = op.forward(c);
      check_result_fits(op, y, self);
      self.copy_(y);
    }
  });
  return const_cast<Tensor&>(self);
}

}  // namespace detail
}  // namespace ct
