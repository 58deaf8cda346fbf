// autograd/node.h -- the kinds of nodes, and how tensors are linked to them.
#pragma once

#include <atomic>

#include "autograd/hooks.h"
#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "cotangent/callable.h"
#include "cotangent/op.h"

namespace ct {

// What hooks, retain_grad() and tools leave on a node.
struct Node::Extra {
  struct Retained { std::uint32_t output; detail::TensorImpl* tensor; };  // the tensor removes itself when it dies
  std::vector<Retained> retained;                // guarded by hook_mutex()
  detail::HookList hooks;
  std::atomic<detail::HookList*> leaf{nullptr};  // of AccumulateGrad: the hooks of the leaf, which owns them
  std::atomic<std::uint64_t> id{0};
  NodeMetadata metadata;
  NodePtr anomaly_parent;                        // in whose backward this node was recorded, if anomaly mode was on
};

// A door to Node's private parts for the engine's helpers.
struct NodeAccess {
  using Extra = Node::Extra;
  static Node::Extra& need_extra(Node& n);  // safe against other threads
  static const void* where(const Node& n) { return n.where_; }
  static void set_where(Node& n, const void* where) { n.where_ = where; }
  static std::int32_t& refs(Node& n) { return n.refs_; }
  static Node::Extra* extra(const Node& n) { return __atomic_load_n(&n.extra_, __ATOMIC_ACQUIRE); }
  static InputMetadata metadata_of(const Node& n, std::uint32_t i) { return n.metadata_of(i); }
  static void check_gradient(const Node& n, Tensor& g, std::uint32_t i) { n.check_gradient(g, i); }
  static void apply(Node& n, Tensor* g, Tensor* out) { n.apply(g, out); }
};

using NodeExtra = NodeAccess::Extra;

namespace detail {

// Trailing inputs without gradient (indices, masks) have no edge at all.
inline int edge_count(const Op& op, int n_in) {
  while (n_in > 0 && n_in <= 32 && (op.nondiff >> (n_in - 1) & 1)) --n_in;
  return n_in;
}
// Whether input i of an op can have a gradient.
inline bool differentiable_input(const Op& op, int i) { return i >= 32 || !(op.nondiff >> i & 1); }

// Shape and dtype that a gradient must have.
struct GradShape {
  ScalarType dtype;
  IntArrayRef sizes;
};
// Casts and sums g to the shape it must have; throws the "invalid gradient" error if that is impossible.
void fit_gradient(Tensor& g, const GradShape& want, const std::string& node, std::uint32_t index);

// "\n  First backward at lesson.cpp:20, `exp` was recorded at lesson.cpp:9.", as far as the addresses are known.
std::string freed_places(const void* freed_where, const char* name, const void* recorded_where);

// ", changed by `add_` at lesson.cpp:14": the last write in place.
std::string changed_by(const Storage& s);

Edge gradient_edge(const Tensor& t);
// Whether the backward pass that runs on this thread has a use for a gradient along this edge.
bool gradient_wanted(const Edge& e);

// Registers what retain_grad() asks for with the producer of t.
void remember_retained(Node* node, TensorImpl* t);

// Hooks of the tensors that a node made, in order, then retain_grad()'s copies: before anything else sees the gradients.
void run_tensor_hooks(const Node& node, NodeExtra& extra, Tensor* grads);
void run_pre_hooks(const Node& node, NodeExtra& extra, Tensor* grads);
bool has_post_hooks(NodeExtra& extra);
// Inside of a hook of a tensor: the number of the innermost backward on this thread, and whether it comes to the hooks of
// what `node` made, or of `leaf`. Neither pointer is followed.
std::uint32_t current_pass();
bool current_pass_reaches(const Node* node, const TensorImpl* leaf);
void run_accumulated_hooks(HookList& list, const Tensor& leaf);
// `grads` as the node got them; `out` are reduced to the shapes of their edges first.
void run_post_hooks(const Node& node, NodeExtra& extra, const std::vector<Tensor>& grads, Tensor* out);
// Brings grad_fn of a view up to date after in-place changes of its base. Errors: as PyTorch for views that were made in
// no_grad mode, or together with others.
void refresh_view(TensorImpl* t);
// Adds g to t's .grad out of place, as recorded as the grad mode says; safe against other threads.
void add_to_grad(TensorImpl* t, const Tensor& g);

// Everything an in-place write must satisfy before a byte is changed. `tracking`: some input is tracked and grad mode is on.
void check_inplace(const char* op, const Tensor& self, bool tracking);
// Makes `node` the producer of a tensor that was changed in place, through its base if it is a view. The tensor as it was is
// input `slot` of the node, and as it is now output `output_nr`; of a view there may be no other output.
void rebase_history(const Tensor& self, NodePtr node, std::size_t slot = 0, std::uint32_t output_nr = 0);
// Links a new view to the tensor it looks at.
void link_view(const Tensor& view, const Tensor& of, CreationMeta creation, const char* multi_view_op);

// What the producer of a tensor keeps of it for its derivative; null if nothing.
TensorImpl* saved_output(Node* producer, std::uint32_t output_nr);

// self = src, element by element (defined by the ops).
extern const Op& assignment_op;
// The identity as a recorded view (defined by the ops).
Tensor view_identity(const Tensor& x);
// The op with which a view is rebuilt from its base after the base changed: a strided look (defined by the ops).
extern const Op& strided_view_op;
struct Geometry {
  std::int32_t ndim;
  std::int64_t sizes[max_dims], strides[max_dims], offset;
  IntArrayRef size_list() const { return {sizes, static_cast<std::size_t>(ndim)}; }
  IntArrayRef stride_list() const { return {strides, static_cast<std::size_t>(ndim)}; }
};
struct StridedAttrs { Geometry view, input; };
// Where t lies, counted from the first element of `from`.
Geometry geometry_of(const TensorImpl* t, const TensorImpl* from);

}  // namespace detail

// The node of every op call: the op's table, edges, saved values, attributes and shapes, in one block of memory.
struct OpNode final : Node {
  // `tensor` is a detail::PackedValue, with the lowest bit set, where the pack hook of a saved_tensors_hooks made it one.
  struct Slot {
    union {
      detail::TensorImpl* tensor;
      const void* freed_where;  // of the first slot once released: the call of backward that did it
    };
    std::uint32_t version;
    bool is_packed() const { return reinterpret_cast<std::uintptr_t>(tensor) & 1; }
    detail::PackedValue* packed() const { return reinterpret_cast<detail::PackedValue*>(reinterpret_cast<std::uintptr_t>(tensor) - 1); }
    void set_packed(detail::PackedValue* p) { tensor = reinterpret_cast<detail::TensorImpl*>(reinterpret_cast<std::uintptr_t>(p) + 1); }
  };

  const Op* op;
  std::uint32_t attrs_size;
  SaveMask saved_mask;
  std::uint32_t block_bytes;
  std::uint16_t n_saved;
  bool released = false;
  bool any_packed = false;  // only then slots are looked at more closely
  // Behind: Edge[n_edges], Slot[n_saved], attributes, shapes (a word of dtype and ndim, then the sizes; outputs, then inputs).

  // `written`: the storage that an in-place op has just changed; its version number is raised after this call.
  // The maker calls set_where() for what it returns.
  static NodePtr make(const Op& op, const Tensor* const* in, int n_in, const void* attrs, std::uint32_t attrs_size,
                      const Tensor* out, std::uint32_t n_out, SaveMask mask, detail::Storage* written);

  std::string name() const override { return op->node; }
  std::string formula() const override { return op->formula ? op->formula : ""; }
  std::vector<Tensor> saved_tensors() const override;
  std::vector<SavedValue> saved() const override;
  Tensor unpack(int bit) const;
  Tensor unpack_packed(int bit, const Slot& s) const;
  // Hands saved values to the pack hook. `written`: the storage changed by the op that saves, whose version counts up
  // if the hook fails.
  void pack_all(detail::Storage* written);
  void pack(Slot& s, detail::Storage* written);
  void release_packed();
  void check_not_released() const;  // Errors: "Trying to backward through the graph a second time"
  // The saved value of input 0 was overwritten by the in-place op itself: this copy takes its place.
  void replace_first_saved(Tensor copy);
  Slot* slots() const { return reinterpret_cast<Slot*>(edges_ + n_edges_); }
  const void* attrs() const { return slots() + n_saved; }
  const std::int64_t* shapes() const {
    return reinterpret_cast<const std::int64_t*>(static_cast<const char*>(attrs()) + (attrs_size + 7) / 8 * 8);
  }
  detail::GradShape shape(std::uint32_t k) const;  // of output k, then of input k - num_inputs()
  // Gradient `arg` of a call whose rule makes all gradients at once: `make` runs for the first one that is asked for.
  static Tensor gradient_of_all(const Saved& s, int arg, FunctionRef<std::vector<Tensor>()> make);
  bool wants(int arg) const { return static_cast<std::size_t>(arg) < n_edges_ && edges_[arg].is_valid(); }

 protected:
  void apply(Tensor* grads, Tensor* out) override;
  void release_variables() override;
  void destroy() override;
  void check_gradient(Tensor& g, std::uint32_t i) const override;
  InputMetadata metadata_of(std::uint32_t i) const override;

 private:
  explicit OpNode(std::uint32_t n_out) : Node(n_out, nullptr) {}
  ~OpNode() override;
};

// Adds into .grad of the leaf it owns.
struct AccumulateGrad final : Node {
  Tensor leaf;

  explicit AccumulateGrad(const Tensor& t) : Node(1), leaf(t) {}
  ~AccumulateGrad() override;
  // One lives and dies with every graph over the leaf: from the free lists, as op nodes are.
  static void* operator new(std::size_t bytes) { return detail::alloc_block(bytes); }
  static void operator delete(void* p, std::size_t bytes) { detail::free_block(p, bytes); }
  std::string name() const override { return "AccumulateGrad"; }
  Tensor variable() const override { return leaf; }
  void accumulate(Tensor& g);

 protected:
  void apply(Tensor* grads, Tensor* out) override;
  void check_gradient(Tensor& g, std::uint32_t i) const override;
  InputMetadata metadata_of(std::uint32_t i) const override;
};

// Producer of a base that was written through one of its views: the gradient of the written part goes through the
// writing op's node, the rest passes by.
struct CopySlices final : Node {
  NodePtr fn;                    // of the op, as if the view were a tensor of its own
  detail::Geometry view, base;   // of the written view within the base, and of the base
  ScalarType dtype;
  std::size_t slot;              // which input of fn the written view was
  std::vector<Edge> edge_list;   // those of fn, with the base's in the place of the view's
  const void* freed_where = nullptr;  // the call of backward that released it

  CopySlices(const Tensor& base, const Tensor& view, NodePtr fn, std::size_t slot);
  std::string name() const override { return "CopySlices"; }

 protected:
  void apply(Tensor* grads, Tensor* out) override;
  void release_variables() override;
  void check_gradient(Tensor& g, std::uint32_t i) const override;
  InputMetadata metadata_of(std::uint32_t i) const override;
};

}  // namespace ct
