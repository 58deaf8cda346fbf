// cotangent/autograd.h -- the graph: nodes and edges, backward, grad, and the modes that switch recording.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/tensor.h"

namespace ct {

class Node;
namespace detail { struct NodeState; class Engine; }

/// A shared reference to a Node, as std::shared_ptr is in libtorch.
class CT_API NodePtr {
 public:
  NodePtr() noexcept : node_(nullptr) {}
  NodePtr(std::nullptr_t) noexcept : node_(nullptr) {}
  NodePtr(const NodePtr& o) noexcept;
  NodePtr(NodePtr&& o) noexcept : node_(o.node_) { o.node_ = nullptr; }
  NodePtr& operator=(NodePtr o) noexcept { std::swap(node_, o.node_); return *this; }
  ~NodePtr();

  Node* get() const noexcept { return node_; }
  Node* operator->() const noexcept { return node_; }
  Node& operator*() const noexcept { return *node_; }
  explicit operator bool() const noexcept { return node_ != nullptr; }
  friend bool operator==(const NodePtr& a, const NodePtr& b) { return a.node_ == b.node_; }

  /// share: takes one more reference; adopt: takes over the caller's.
  static NodePtr share(Node* n) noexcept;
  static NodePtr adopt(Node* n) noexcept { NodePtr p; p.node_ = n; return p; }
  Node* release() noexcept { Node* n = node_; node_ = nullptr; return n; }

 private:
  Node* node_;
};

/// Where a gradient goes next: a node, and which of its forward outputs the gradient belongs to.
/// An invalid edge (no function) stands for an input that is not tracked.
struct Edge {
  NodePtr function;
  std::uint32_t input_nr = 0;
  bool is_valid() const { return static_cast<bool>(function); }
};

/// Shape and dtype of one forward output of a node.
struct InputMetadata {
  ScalarType scalar_type = kFloat;
  std::vector<std::int64_t> sizes;
  bool known = false;  // false if the node keeps none
  IntArrayRef shape() const { return sizes; }
  ScalarType dtype() const { return scalar_type; }
};

/// A value that a node keeps for backward, named as in its formula: x, x0, x1, .. for inputs, y, y0, .. for outputs.
struct SavedValue {
  std::string name;
  Tensor value;
};

/// Notes that a tool leaves on a node, by key; kept in the order in which they came.
class CT_API NodeMetadata {
 public:
  /// The text under `key`, made empty if there is none.
  std::string& operator[](std::string_view key);
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Null if there is none.
  const std::string* find(std::string_view key) const;
  void erase(std::string_view key);
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// A place in the program, as far as its debug information (-g, or -g1 for lines alone) tells.
struct SourceLocation {
  std::string file;      // as the compiler was given it; empty if unknown
  int line = 0;
  std::string function;  // or, of a program without debug information, "main+0x1f of prog"
};
/// "lesson.cpp:12", without the folders; the function if the line is unknown; empty if nothing is known.
CT_API std::string to_string(const SourceLocation& l);

/// One recorded operation. Backward calls it with the gradients of its forward outputs ("inputs" of the node), and it
/// returns those of its forward inputs, one for each edge.
class CT_API Node {
 public:
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// PyTorch's name, e.g. "MulBackward0", "AccumulateGrad", "CopySlices".
  virtual std::string name() const = 0;
  /// The derivative in words, e.g. "dx = g * y", where there is one.
  virtual std::string formula() const { return {}; }
  /// Number of forward outputs.
  std::uint32_t num_inputs() const { return n_inputs_; }
  /// Number of forward inputs, tracked or not: of edges.
  std::uint32_t num_outputs() const { return static_cast<std::uint32_t>(n_edges_); }
  ArrayRef<Edge> next_edges() const { return {edges_, n_edges_}; }
  const Edge& next_edge(std::size_t i) const { return edges_[i]; }
  /// The same as next_edges, in Python's word.
  ArrayRef<Edge> next_functions() const { return next_edges(); }
  /// Nodes are numbered as they are made, per thread; backward runs later ones first.
  std::uint64_t sequence_nr() const { return sequence_nr_; }
  /// Where in the program the operation was called. Of AccumulateGrad: where the leaf was first used; of a node that
  /// backward recorded (create_graph): the call of backward. Looked up at each call, which takes milliseconds.
  SourceLocation location() const;
  /// The values kept for backward, in the order inputs, outputs. Errors: ct::Error once they were freed or changed in place.
  virtual std::vector<Tensor> saved_tensors() const { return {}; }
  /// The same with names.
  virtual std::vector<SavedValue> saved() const { return {}; }
  /// Of AccumulateGrad: the leaf; else undefined.
  virtual Tensor variable() const { return {}; }
  /// Shape and dtype of forward output i. Errors: ct::IndexError if there is none.
  InputMetadata input_metadata(std::size_t i) const;
  /// Unique in the process and never given again; given at the first call, in the order of calls.
  std::uint64_t id() const;
  /// A store for tools, as Python's dict; not for several threads at once.
  NodeMetadata& metadata();
  /// Runs the node alone: gradients of its outputs in, gradients of its inputs out. An AccumulateGrad adds to .grad.
  /// Recorded if the grad mode is on, as backward's create_graph does: replay under NoGradGuard.
  /// Hooks of the node and of its outputs are backward()'s business and do not run here.
  std::vector<Tensor> operator()(std::vector<Tensor> grads);

  /// Calls hook(grads) with the gradients of the forward outputs before the node runs, after the hooks of the tensors.
  /// It returns the list to use instead, of the same length, shapes and dtypes, or an empty list or nothing (void).
  /// It runs only if the node itself does: not where autograd::grad() ends.
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, const std::vector<Tensor>&>)
  RemovableHandle register_prehook(F&& hook) {
    if constexpr (std::is_void_v<std::invoke_result_t<std::decay_t<F>&, const std::vector<Tensor>&>>)
      return add_hook(PreHook([f = std::decay_t<F>(std::forward<F>(hook))](const std::vector<Tensor>& grads) mutable {
        f(grads);
        return std::vector<Tensor>();
      }));
    else return add_hook(PreHook(std::forward<F>(hook)));
  }
  /// Calls hook(outputs, inputs) after the node ran: the gradients it returned and those it got, Python's grad_inputs and
  /// grad_outputs. It returns the list to use in place of the first one, or an empty list or nothing (void).
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, const std::vector<Tensor>&, const std::vector<Tensor>&>)
  RemovableHandle register_hook(F&& hook) {
    if constexpr (std::is_void_v<std::invoke_result_t<std::decay_t<F>&, const std::vector<Tensor>&, const std::vector<Tensor>&>>)
      return add_hook(PostHook([f = std::decay_t<F>(std::forward<F>(hook))](const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs) mutable {
        f(outputs, inputs);
        return std::vector<Tensor>();
      }));
    else return add_hook(PostHook(std::forward<F>(hook)));
  }
  /// The same two in libtorch's words.
  template <class F>
  std::uintptr_t add_pre_hook(F&& hook) { return register_prehook(std::forward<F>(hook)).id(); }
  template <class F>
  std::uintptr_t add_post_hook(F&& hook) { return register_hook(std::forward<F>(hook)).id(); }
  /// Whether there was such a hook on this node.
  bool del_pre_hook(std::uintptr_t key);
  bool del_post_hook(std::uintptr_t key);

 protected:
  explicit Node(std::uint32_t n_inputs);
  /// `where`: the return address of the call that makes the node, where it is known already.
  Node(std::uint32_t n_inputs, const void* where);

  /// grads[i] is the gradient of forward output i, undefined if none arrived; write the gradient of input k to out[k]
  /// wherever edge k is valid.
  virtual void apply(Tensor* grads, Tensor* out) = 0;
  /// Frees what was saved; a later apply throws.
  virtual void release_variables() {}
  virtual void destroy() { delete this; }
  /// Reduces a gradient for forward output i to that output's shape and dtype. Errors: ct::Error if it cannot be.
  virtual void check_gradient(Tensor& g, std::uint32_t i) const = 0;
  /// Shape and dtype of forward output i < num_inputs().
  virtual InputMetadata metadata_of(std::uint32_t) const { return {}; }

  Edge* edges_ = nullptr;       // storage belongs to the subclass
  std::size_t n_edges_ = 0;

 private:
  friend class detail::Engine;
  friend class NodePtr;
  friend void detail_release_node(Node*);
  friend struct NodeAccess;
  using PreHook = Callback<std::vector<Tensor>(const std::vector<Tensor>&)>;
  using PostHook = Callback<std::vector<Tensor>(const std::vector<Tensor>&, const std::vector<Tensor>&)>;
  RemovableHandle add_hook(PreHook hook);
  RemovableHandle add_hook(PostHook hook);
  struct Extra;                 // hooks and retained gradients; most nodes have none
  Extra* extra_ = nullptr;
  std::uint64_t sequence_nr_;
  std::uint64_t task_tag_ = 0;  // which running backward holds this node's state; see the engine
  union {
    const void* where_;           // the call that made the node; see Note [Source lines]
    Node* next_doomed_;           // once it is being destroyed
  };
  std::int32_t refs_ = 1;
  std::uint32_t n_inputs_;
};

namespace autograd {

using ct::Edge;
using ct::Node;
using variable_list = std::vector<Tensor>;

/// Several roots at once: adds v^T J of every root into .grad of the leaves (or of `inputs`).
/// grad_tensors: one cotangent per root, undefined for one-element roots.
CT_API void backward(TensorList tensors, TensorList grad_tensors = {}, std::optional<bool> retain_graph = std::nullopt,
                     bool create_graph = false, TensorList inputs = {});

/// The gradients of sum_i <outputs_i, grad_outputs_i> with respect to `inputs`, returned, not accumulated.
/// allow_unused: an input that does not take part has an undefined gradient; the default is that of materialize_grads.
/// is_grads_batched: grad_outputs have one dimension more, first: a batch of vectors v, pulled back in one pass; the
///   gradients have that dimension, too. With the rows of an identity this is the Jacobian.
/// materialize_grads: it has zeros instead, which require grad under create_graph.
/// Errors: ct::Error "One of the differentiated Tensors appears to not have been used in the graph" unless allow_unused;
///         ct::ValueError for materialize_grads with allow_unused=false.
CT_API variable_list grad(TensorList outputs, TensorList inputs, TensorList grad_outputs = {},
                          std::optional<bool> retain_graph = std::nullopt, bool create_graph = false,
                          std::optional<bool> allow_unused = std::nullopt, bool is_grads_batched = false,
                          bool materialize_grads = false);

}  // namespace autograd

/// Whether operations on this thread are recorded.
struct CT_API GradMode {
  static bool is_enabled();
  static void set_enabled(bool enabled);
};
inline bool is_grad_enabled() { return GradMode::is_enabled(); }
inline void set_grad_enabled(bool enabled) { GradMode::set_enabled(enabled); }

/// Switches recording on or off until the end of the scope, also on an exception.
class CT_API AutoGradMode {
 public:
  explicit AutoGradMode(bool enabled) : before_(GradMode::is_enabled()) { GradMode::set_enabled(enabled); }
  ~AutoGradMode() { GradMode::set_enabled(before_); }
  AutoGradMode(const AutoGradMode&) = delete;
  AutoGradMode& operator=(const AutoGradMode&) = delete;

 private:
  bool before_;
};
/// Python's `with torch.no_grad():` for the rest of the scope.
struct CT_API NoGradGuard : AutoGradMode {
  NoGradGuard() : AutoGradMode(false) {}
};
/// Python's `with torch.enable_grad():` for the rest of the scope.
struct CT_API EnableGradGuard : AutoGradMode {
  EnableGradGuard() : AutoGradMode(true) {}
};
using no_grad = NoGradGuard;
using enable_grad = EnableGradGuard;

/// Python's `with torch.inference_mode():` tensors made in it never take part in a graph.
class CT_API InferenceMode {
 public:
  explicit InferenceMode(bool enabled = true);
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;
  static bool is_enabled();

 private:
  bool before_, grad_before_;
};

}  // namespace ct
