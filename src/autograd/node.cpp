// autograd/node.cpp -- nodes: making, saving, unpacking, accumulating and freeing.
#include "autograd/node.h"

#include <mutex>
#include <new>
#include <thread>

#include "autograd/custom_node.h"
#include "autograd/layers.h"
#include "core/thread_state.h"

namespace ct {

using detail::impl;
using detail::TensorImpl;
using detail::thread_state;

// ---- life -----------------------------------------------------------------------------------------
//
// Note [Iterative destruction]
// Freeing a node frees its edges, hence the next node, and so on: a chain of a million operations would overflow the
// stack. So a node whose last reference goes away while another one is being destroyed on this thread is only put on
// a list, and the outermost release works the list off.

namespace {
bool drop(std::int32_t& refs) {
  if (CT_SINGLE_THREADED) return --refs == 0;
  return __atomic_sub_fetch(&refs, 1, __ATOMIC_ACQ_REL) == 0;
}
void take(std::int32_t& refs) {
  if (CT_SINGLE_THREADED) ++refs;
  else __atomic_add_fetch(&refs, 1, __ATOMIC_RELAXED);
}
}  // namespace

void detail_release_node(Node* node) {
  if (!drop(node->refs_)) return;
  detail::ThreadState& ts = thread_state;
  if (ts.destroying) {
    node->next_doomed_ = ts.doomed;
    ts.doomed = node;
    return;
  }
  ts.destroying = true;
  node->destroy();
  while (Node* next = ts.doomed) {
    ts.doomed = next->next_doomed_;
    next->destroy();
  }
  ts.destroying = false;
}

void detail::release_node(Node* node) { detail_release_node(node); }

NodePtr::NodePtr(const NodePtr& o) noexcept : node_(o.node_) {
  if (node_) take(node_->refs_);
}
NodePtr::~NodePtr() {
  if (node_) detail_release_node(node_);
}
NodePtr NodePtr::share(Node* n) noexcept {
  if (n) take(n->refs_);
  return adopt(n);
}

Node::Node(std::uint32_t n_inputs) : Node(n_inputs, detail::user_address()) {}
Node::Node(std::uint32_t n_inputs, const void* where) : sequence_nr_(thread_state.next_sequence_nr++), where_(where), n_inputs_(n_inputs) {}
SourceLocation Node::location() const { return detail::locate(where_); }
Node::~Node() { delete extra_; }

std::vector<Tensor> Node::operator()(std::vector<Tensor> grads) {
  CT_CHECK(grads.size() == n_inputs_, name(), ": expected ", n_inputs_, " gradients, one for each forward output, got ", grads.size());
  for (std::uint32_t i = 0; i < n_inputs_; ++i)
    if (grads[i].defined()) check_gradient(grads[i], i);
  std::vector<Tensor> out(n_edges_);
  apply(grads.data(), out.data());
  return out;
}

// ---- the node of an op -------------------------------------------------------------------------------

NodePtr OpNode::make(const Op& op, const Tensor* const* in, int n_in, const void* attrs, std::uint32_t attrs_size,
                     const Tensor* out, std::uint32_t n_out, SaveMask mask, detail::Storage* written) {
  const int n_edges = detail::edge_count(op, n_in);
  std::size_t words = 0;
  for (std::uint32_t k = 0; k < n_out; ++k) words += 1 + impl(out[k])->ndim;
  if (op.save_shapes)
    for (int i = 0; i < n_in; ++i) words += 1 + (in[i]->defined() ? impl(*in[i])->ndim : 0);
  const auto n_saved = static_cast<std::size_t>(__builtin_popcount(mask));
  const std::size_t attr_bytes = (attrs_size + 7) / 8 * 8;
  const std::size_t bytes = sizeof(OpNode) + static_cast<std::size_t>(n_edges) * sizeof(Edge) + n_saved * sizeof(Slot) +
                            attr_bytes + words * sizeof(std::int64_t);
  auto* node = new (detail::alloc_block(bytes)) OpNode(n_out);
  node->op = &op;
  node->attrs_size = attrs_size;
  node->saved_mask = mask;
  node->block_bytes = static_cast<std::uint32_t>(bytes);
  node->n_saved = static_cast<std::uint16_t>(n_saved);
  node->edges_ = reinterpret_cast<Edge*>(node + 1);
  node->n_edges_ = static_cast<std::size_t>(n_edges);
  for (int i = 0; i < n_edges; ++i)
    new (node->edges_ + i) Edge(i < 32 && (op.nondiff >> i & 1) ? Edge{} : detail::gradient_edge(*in[i]));

  Slot* slot = node->slots();
  for (SaveMask rest = mask; rest; rest &= rest - 1, ++slot) {
    const int bit = __builtin_ctz(rest);
    const Tensor& t = bit < max_saved_inputs ? *in[bit] : out[bit - max_saved_inputs];
    if (!t.defined()) {
      *slot = {{nullptr}, 0};
      continue;
    }
    TensorImpl* saved = impl(t);
    const bool new_value = saved->storage == written && bit >= max_saved_inputs;
    const std::uint32_t version = saved->storage->current_version() + (new_value ? 1 : 0);
    // A saved output must not own its own node: an alias without history takes its place until it is unpacked. A saved
    // view must not own its base, whose producer may come to be this very node when the base is written; nor may the
    // node own an operand that this call overwrites (a.mul_(a)), as it is going to be its producer: an alias with the
    // history of before takes their place.
    const bool output = bit >= max_saved_inputs, aliased = (saved->is_view() && saved->grad_fn) || (written && saved->storage == written);
    Tensor kept = output || aliased ? detail::same_alias(t) : t;
    if (!output && aliased && saved->grad_fn) {
      impl(kept)->grad_fn = NodePtr::share(saved->grad_fn).release();
      impl(kept)->output_nr = saved->output_nr;
    }
    *slot = {{kept.release()}, version};
  }
  if (attrs_size) std::memcpy(const_cast<void*>(node->attrs()), attrs, attrs_size);
  auto* word = const_cast<std::int64_t*>(node->shapes());
  auto put = [&word](const Tensor& t) {
    if (!t.defined()) {
      *word++ = static_cast<std::int64_t>(kFloat);
      return;
    }
    const TensorImpl* p = impl(t);
    *word++ = static_cast<std::int64_t>(p->dtype) | std::int64_t{p->ndim} << 8;
    std::memcpy(word, p->sizes(), p->ndim * sizeof(std::int64_t));
    word += p->ndim;
  };
  for (std::uint32_t k = 0; k < n_out; ++k) put(out[k]);
  if (op.save_shapes)
    for (int i = 0; i < n_in; ++i) put(*in[i]);
  NodePtr made = NodePtr::adopt(node);
  if (thread_state.saved_hooks) [[unlikely]] node->pack_all(written);
  return made;
}

OpNode::~OpNode() {
  if (!released) OpNode::release_variables();
  for (std::size_t i = 0; i < n_edges_; ++i) edges_[i].~Edge();
}

void OpNode::destroy() {
  const std::uint32_t bytes = block_bytes;
  this->~OpNode();
  detail::free_block(this, bytes);
}

void OpNode::release_variables() {
  if (released) return;
  if (any_packed) [[unlikely]] release_packed();
  Slot* s = slots();
  for (int i = 0; i < n_saved; ++i) {
    if (s[i].tensor) Tensor::wrap(s[i].tensor);
    s[i].tensor = nullptr;
  }
  if (n_saved) s[0].freed_where = thread_state.backward_where;
  released = true;
}

void OpNode::replace_first_saved(Tensor copy) {
  Slot& s = slots()[0];
  Tensor old = Tensor::wrap(s.tensor);
  s.version = impl(copy)->storage->current_version();
  s.tensor = copy.release();
  if (thread_state.saved_hooks) [[unlikely]] pack(s, impl(old)->storage);
}

detail::GradShape OpNode::shape(std::uint32_t k) const {
  const std::int64_t* w = shapes();
  for (; k > 0; --k) w += 1 + (*w >> 8);
  return {static_cast<ScalarType>(*w & 0xff), IntArrayRef(w + 1, static_cast<std::size_t>(*w >> 8))};
}

// The line that says where a graph was freed and where the node is from, as far as that is known.
std::string detail::freed_places(const void* freed_where, const char* name, const void* recorded_where) {
  const std::string first = place("First backward at ", freed_where), recorded = place(detail::join({"`", name, "` was recorded at "}).c_str(), recorded_where);
  if (first.empty() && recorded.empty()) return {};
  return detail::join({"\n  ", first, first.empty() || recorded.empty() ? "" : ", ", recorded, "."});
}

void OpNode::check_not_released() const {
  CT_CHECK(!released || n_saved == 0, op->name, ": Trying to backward through the graph a second time (or directly access saved tensors after "
           "they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
           "autograd::grad().", detail::freed_places(released && n_saved ? slots()[0].freed_where : nullptr, op->name, NodeAccess::where(*this)),
           "\n  Specify retain_graph=true the first time, or run the forward computation again.");
}

std::string detail::changed_by(const Storage& s) {
  if (!s.writer) return {};
  const std::string_view op = s.writer;
  // An op's name stands for its form in place; functions of the program and our own say what they are called.
  const bool complete = op.ends_with('_') || op.ends_with('=') || op == "increment_version" || (op[0] >= 'A' && op[0] <= 'Z');
  return join({", changed by `", op, complete ? "`" : "_`", place(" at ", s.writer_where)});
}

Tensor OpNode::unpack(int bit) const {
  const SaveMask mask = SaveMask{1} << bit;
  CT_ASSERT(saved_mask & mask, "op ", op->name, " did not save value ", bit);
  check_not_released();
  const Slot& s = slots()[__builtin_popcount(saved_mask & (mask - 1))];
  if (!s.tensor) return {};
  if (any_packed && s.is_packed()) [[unlikely]] return unpack_packed(bit, s);
  const std::uint32_t now = s.tensor->storage->current_version();
  if (now != s.version) [[unlikely]] {
    const bool output = bit >= max_saved_inputs;
    Node* producer = output ? const_cast<OpNode*>(this) : s.tensor->grad_fn;
    std::string which;
    if (producer)
      which = detail::join({", which is output ", output ? bit - max_saved_inputs : static_cast<int>(s.tensor->output_nr), " of ",
                            producer->name(), ","});
    CT_THROW(error, op->name, ": one of the variables needed for gradient computation has been modified by an inplace operation: [",
             toString(s.tensor->dtype), "Tensor ", IntArrayRef(s.tensor->sizes(), s.tensor->ndim), "]", which, " is at version ", now,
             "; expected version ", s.version, " instead.\n  Saved by `", op->name, "`", detail::place(" at ", NodeAccess::where(*this)),
             detail::changed_by(*s.tensor->storage), ".\n  Change a clone() instead, or use the out-of-place form of the operation that changed it.");
  }
  s.tensor->refs.inc();
  Tensor t = Tensor::wrap(s.tensor);
  if (bit >= max_saved_inputs && thread_state.grad_mode) {
    t = detail::same_alias(t);
    impl(t)->grad_fn = NodePtr::share(const_cast<OpNode*>(this)).release();
    impl(t)->output_nr = static_cast<std::uint32_t>(bit - max_saved_inputs);
  }
  return t;
}

TensorImpl* detail::saved_output(Node* producer, std::uint32_t output_nr) {
  if (const auto* custom = dynamic_cast<const autograd::CustomNode*>(producer)) return custom->saved_output(output_nr);
  auto* node = dynamic_cast<OpNode*>(producer);
  const SaveMask bit = Y(static_cast<int>(output_nr));
  if (!node || node->released || !(node->saved_mask & bit)) return nullptr;
  const OpNode::Slot& s = node->slots()[__builtin_popcount(node->saved_mask & (bit - 1))];
  return s.is_packed() ? nullptr : s.tensor;
}

std::vector<Tensor> OpNode::saved_tensors() const {
  std::vector<Tensor> out;
  for (SaveMask rest = saved_mask; rest; rest &= rest - 1) out.push_back(unpack(__builtin_ctz(rest)));
  return out;
}

void OpNode::apply(Tensor* grads, Tensor* out) {
  check_not_released();  // also if this rule happens to need none of what was saved
  Saved s(*this, grads);
  for (std::size_t i = 0; i < n_edges_; ++i) {
    if (!edges_[i].is_valid()) continue;
    const int arg = static_cast<int>(i);
    out[i] = op->vjp ? op->vjp(grads[0], s, arg) : mul(grads[0], op->deriv(s, arg));
  }
}

void OpNode::check_gradient(Tensor& g, std::uint32_t i) const {
  if (i == 0) {  // the common case, without a walk or a string
    const std::int64_t w = *shapes();
    const TensorImpl* p = impl(g);
    if (p->dtype == static_cast<ScalarType>(w & 0xff) && p->ndim == w >> 8 &&
        std::memcmp(p->sizes(), shapes() + 1, p->ndim * sizeof(std::int64_t)) == 0)
      return;
  }
  detail::fit_gradient(g, shape(i), op->node, i);
}

// ---- what a rule sees --------------------------------------------------------------------------------

Saved::~Saved() { delete more_; }

// What else a Saved keeps while its node runs: saved values by their bit, and gradients behind the bits. References into it
// stay valid, because it never holds more than it is made for: as many values as a mask has bits, and as many gradients.
static std::vector<std::pair<int, Tensor>>& kept(std::vector<std::pair<int, Tensor>>*& more) {
  if (!more) {
    more = new std::vector<std::pair<int, Tensor>>;
    more->reserve(64);
  }
  return *more;
}

const Tensor& Saved::value(int bit) const {
  if (live_) return bit < max_saved_inputs ? *live_->in[bit] : live_->out[bit - max_saved_inputs];
  for (int i = 0; i < 4; ++i) {
    if (cached_[i] == bit) return cache_[i];
    if (cached_[i] < 0) {
      cache_[i] = node_->unpack(bit);
      cached_[i] = bit;
      return cache_[i];
    }
  }
  auto& more = kept(more_);
  for (const auto& [b, t] : more)
    if (b == bit) return t;
  more.emplace_back(bit, node_->unpack(bit));
  return more.back().second;
}

Tensor OpNode::gradient_of_all(const Saved& s, int arg, FunctionRef<std::vector<Tensor>()> make) {
  constexpr int first = 32;  // behind the bits of saved values
  auto find = [&] {
    for (const auto& [key, t] : *s.more_)
      if (key == first + arg) return t;
    return Tensor();
  };
  if (s.more_)
    for (const auto& [key, t] : *s.more_)
      if (key >= first) return find();
  std::vector<Tensor> all = make();
  CT_ASSERT(all.size() <= 32);
  for (std::size_t k = 0; k < all.size(); ++k) kept(s.more_).emplace_back(first + static_cast<int>(k), std::move(all[k]));
  return find();
}

const void* Saved::attrs_data() const { return live_ ? live_->attrs : node_->attrs(); }
IntArrayRef Saved::sizes(int i) const {
  if (live_) return live_->in[i]->sizes();
  return node_->shape(node_->num_inputs() + static_cast<std::uint32_t>(i)).sizes;
}
int Saved::n_in() const { return live_ ? live_->n_edges() : static_cast<int>(node_->num_outputs()); }
bool Saved::needs(int i) const { return live_ ? live_->tangents[i].defined() : node_->wants(i); }

// ---- leaves ---------------------------------------------------------------------------------------------

namespace {

// Serialises what two threads add to the gradient of one leaf. Costs nothing until there is a second thread.
class LeafLock {
 public:
  explicit LeafLock(const TensorImpl* leaf) {
    static std::mutex mutexes[64];
    if (CT_SINGLE_THREADED) return;
    mutex_ = &mutexes[reinterpret_cast<std::uintptr_t>(leaf) / 64 % 64];
    mutex_->lock();
  }
  ~LeafLock() {
    if (mutex_) mutex_->unlock();
  }
  LeafLock(const LeafLock&) = delete;
  LeafLock& operator=(const LeafLock&) = delete;

 private:
  std::mutex* mutex_ = nullptr;
};

// The same for the moment in which a leaf's accumulator is looked up, made or forgotten: short enough to spin.
class AccumulatorLock {
 public:
  explicit AccumulatorLock(const TensorImpl* leaf) {
    static std::atomic_flag flags[64];
    if (CT_SINGLE_THREADED) return;
    flag_ = &flags[reinterpret_cast<std::uintptr_t>(leaf) / 64 % 64];
    while (flag_->test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  ~AccumulatorLock() {
    if (flag_) flag_->clear(std::memory_order_release);
  }
  AccumulatorLock(const AccumulatorLock&) = delete;
  AccumulatorLock& operator=(const AccumulatorLock&) = delete;

 private:
  std::atomic_flag* flag_ = nullptr;
};

// Whether nobody else can see the elements of g, so that they may be kept or overwritten.
bool exclusive(const Tensor& g) {
  const TensorImpl* p = impl(g);
  return p->refs.count() == 1 && p->storage->refs.count() == 1 && p->storage->is_own() && p->contiguous &&
         !p->grad_fn && !p->requires_grad && !p->meta;
}
// The same of a view of a whole tensor that only this view refers to, as the transpose in the backward of a linear layer.
bool exclusive_view(const Tensor& g) {
  const TensorImpl* p = impl(g);
  if (!p->is_view() || p->layered || !p->contiguous || p->grad_fn || p->requires_grad || p->refs.count() != 1) return false;
  const TensorImpl* base = impl(p->meta->base);
  return base->refs.count() == 1 && !base->meta && !base->grad_fn && base->storage == p->storage && base->numel == p->numel &&
         p->storage->refs.count() == 2 && p->storage->is_own();
}

}  // namespace

AccumulateGrad::~AccumulateGrad() {
  TensorImpl* p = impl(leaf);
  const AccumulatorLock lock(p);
  if (p->meta->accumulator == this) p->meta->accumulator = nullptr;
}

void AccumulateGrad::accumulate(Tensor& g) {
  TensorImpl* p = impl(leaf);
  if (thread_state.grad_mode) return detail::add_to_grad(p, g);  // create_graph: never overwrite history
  const LeafLock lock(p);
  Tensor& total = p->need_meta().grad;
  if (!total.defined()) total = exclusive(g) ? std::move(g) : exclusive_view(g) ? detail::same_alias(g) : g.clone();
  else if (impl(total)->layered || impl(g)->layered) total = add(total, g);
  else total.add_(g);
}

void AccumulateGrad::apply(Tensor* grads, Tensor*) {
  if (!grads[0].defined()) return;
  if (impl(leaf)->is_view()) detail::refresh_view(impl(leaf));
  CT_CHECK(!impl(leaf)->grad_fn, "AccumulateGrad: leaf variable has been moved into the graph interior\n  A leaf was cut out of the graph and "
           "then written in place by what had been computed from it; use another tensor for the result.");
  if (!impl(leaf)->requires_grad) return;  // switched off, or cut out of the graph, after it was used
  accumulate(grads[0]);
  if (NodeExtra* extra = NodeAccess::extra(*this)) [[unlikely]]
    if (detail::HookList* hooks = extra->leaf.load(std::memory_order_acquire)) detail::run_accumulated_hooks(*hooks, leaf);
}

void detail::add_to_grad(TensorImpl* p, const Tensor& g) {
  // What is recorded is recorded without the lock; another thread may have been faster meanwhile.
  for (;;) {
    Tensor before;
    {
      const LeafLock lock(p);
      before = p->need_meta().grad;
    }
    Tensor after = before.defined() ? add(before, g) : g.clone();
    const LeafLock lock(p);
    if (!p->meta->grad.is_same(before)) continue;
    p->meta->grad = std::move(after);
    return;
  }
}

void AccumulateGrad::check_gradient(Tensor& g, std::uint32_t i) const {
  const TensorImpl *p = impl(leaf), *q = impl(g);
  if (p->dtype == q->dtype && leaf.sizes() == g.sizes()) return;
  detail::fit_gradient(g, {p->dtype, leaf.sizes()}, "AccumulateGrad", i);
}

Edge detail::gradient_edge(const Tensor& t) {
  TensorImpl* p = impl(t);
  if (!p) return {};
  if (p->is_view()) refresh_view(p);
  if (p->grad_fn) return {NodePtr::share(p->grad_fn), p->output_nr};
  if (!p->requires_grad) return {};
  AutogradMeta* meta;
  {
    const AccumulatorLock lock(p);
    meta = &p->need_meta();
    Node* a = meta->accumulator;
    if (a) {
      // The node may be on its way out on another thread: take a reference only if one is left.
      std::int32_t& refs = NodeAccess::refs(*a);
      std::int32_t n = __atomic_load_n(&refs, __ATOMIC_RELAXED);
      if (CT_SINGLE_THREADED && n > 0) {
        refs = n + 1;
        return {NodePtr::adopt(a), 0};
      }
      while (n > 0)
        if (__atomic_compare_exchange_n(&refs, &n, n + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return {NodePtr::adopt(a), 0};
    }
    auto* fresh = new AccumulateGrad(t);
    if (HookList* hooks = __atomic_load_n(&meta->hooks, __ATOMIC_ACQUIRE))
      NodeAccess::need_extra(*fresh).leaf.store(hooks, std::memory_order_release);
    meta->accumulator = fresh;
    return {NodePtr::adopt(fresh), 0};
  }
}

// ---- gradients of the right shape ---------------------------------------------------------------------------

void detail::fit_gradient(Tensor& g, const GradShape& want, const std::string& node, std::uint32_t index) {
  if (!(g.sizes() == want.sizes)) {
    bool fits = g.dim() >= static_cast<std::int64_t>(want.sizes.size());
    for (std::size_t d = 0; fits && d < want.sizes.size(); ++d) {
      const std::int64_t have = g.sizes()[g.sizes().size() - want.sizes.size() + d];
      fits = want.sizes[d] == have || want.sizes[d] == 1;
    }
    CT_CHECK(fits, node, ": invalid gradient at index ", index, " - got ", g.sizes(), " but expected shape compatible with ", want.sizes);
    g = g.sum_to_size(want.sizes);
  }
  if (g.scalar_type() != want.dtype) g = g.to(want.dtype);
}

}  // namespace ct
