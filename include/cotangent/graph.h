// cotangent/graph.h -- torch.autograd.graph: hooks on what backward saves, and looking at the graph.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cotangent/autograd.h"
#include "cotangent/callable.h"

namespace ct::autograd::graph {

/// Owns one value of any type: what a pack hook returned.
class Packed {
 public:
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Packed>)
  explicit Packed(T&& value) : held_(new Model<std::decay_t<T>>(std::forward<T>(value))) {}
  Packed(Packed&& o) noexcept : held_(std::exchange(o.held_, nullptr)) {}
  Packed& operator=(Packed&& o) noexcept { std::swap(held_, o.held_); return *this; }
  ~Packed() { delete held_; }

  /// T must be the type that was put in.
  template <class T>
  const T& get() const { return static_cast<const Model<T>*>(held_)->value; }

 private:
  struct Held { virtual ~Held() = default; };
  template <class T>
  struct Model final : Held {
    template <class U>
    explicit Model(U&& u) : value(std::forward<U>(u)) {}
    T value;
  };
  Held* held_;
};

/// Until the end of the scope, on this thread, whatever an operation saves for backward goes through `pack`, and what
/// `pack` returned is kept in its place; `unpack` makes a tensor of it again whenever a derivative asks for it.
///   pack:   P(const Tensor& t), P any movable type: a Tensor, a std::string with the name of a file, ..
///   unpack: Tensor(const P& p), with the elements of t or a substitute for them
/// The innermost guard alone applies. `t` has no history; the graph attaches it to the unpacked tensor, so that second
/// derivatives work. Values are not checked for changes in place while they are packed; an operand that an in-place
/// operation overwrites by itself (a.mul_(a)) is not packed and stays checked. `unpack` may be called several
/// times (retain_graph, saved_tensors()) and on any thread, and must outlive nothing: the graph owns copies of both.
/// Errors: ct::Error if pack changes its argument in place or unpack returns an undefined tensor. Exceptions of the
/// callbacks pass through; if pack fails in an in-place operation, the operation has been carried out but is not recorded.
/// Example: keep half the memory, at half the precision:
///   saved_tensors_hooks half([](const Tensor& t) { return t.to(kHalf); }, [](const Tensor& p) { return p.to(kFloat); });
class CT_API saved_tensors_hooks {
 public:
  template <class Pack, class Unpack>
  saved_tensors_hooks(Pack pack, Unpack unpack)
      : pack_([f = std::move(pack)](const Tensor& t) mutable { return Packed(f(t)); }),
        unpack_([f = std::move(unpack)](const Packed& p) mutable -> Tensor {
          return f(p.get<std::decay_t<std::invoke_result_t<Pack&, const Tensor&>>>());
        }) {
    using P = std::decay_t<std::invoke_result_t<Pack&, const Tensor&>>;
    static_assert(!std::is_void_v<P>, "pack returns what is kept");
    static_assert(std::is_invocable_r_v<Tensor, Unpack&, const P&>, "unpack takes what pack returned, and returns a Tensor");
    enter();
  }
  ~saved_tensors_hooks();
  saved_tensors_hooks(const saved_tensors_hooks&) = delete;
  saved_tensors_hooks& operator=(const saved_tensors_hooks&) = delete;

 private:
  friend struct SavedHooksAccess;
  void enter();

  Callback<Packed(const Tensor&)> pack_;
  Callback<Tensor(const Packed&)> unpack_;
  const saved_tensors_hooks* before_ = nullptr;
};

/// Until the end of the scope, on this thread, making a saved_tensors_hooks throws ct::Error with this message; so does
/// making this guard inside of one.
class CT_API disable_saved_tensors_hooks {
 public:
  explicit disable_saved_tensors_hooks(std::string error_message);
  ~disable_saved_tensors_hooks();
  disable_saved_tensors_hooks(const disable_saved_tensors_hooks&) = delete;
  disable_saved_tensors_hooks& operator=(const disable_saved_tensors_hooks&) = delete;

 private:
  friend class saved_tensors_hooks;
  std::string message_;
  const disable_saved_tensors_hooks* before_;
};

enum class MultiGradMode : bool { all, any };
/// The hooks of register_multi_grad_hook().
struct CT_API MultiGradHandle {
  std::vector<RemovableHandle> hooks;  // of each tensor
  void remove();
};
/// One hook for several tensors. all: once in each backward, when the gradients of all those that this backward reaches
/// are there, hook(grads) is called with one entry for each tensor, undefined for the others. any: it is called at the
/// first of them, with that entry alone. What it returns does not matter: gradients are not replaced.
/// Errors: ct::Error if a tensor does not require grad, or there is none.
CT_API MultiGradHandle register_multi_grad_hook(TensorList tensors, Callback<void(const std::vector<Tensor>& grads)> hook,
                                                MultiGradMode mode = MultiGradMode::all);

/// Where the gradient of `t` goes: its producer and output number, or the AccumulateGrad node of a leaf, which
/// lives as long as an edge or a graph refers to it.
/// Errors: ct::Error if t does not require grad.
CT_API Edge get_gradient_edge(const Tensor& t);

/// Every node that a backward from here reaches, each once, in the order in which backward runs them: a node comes after
/// all through which its gradients arrive, among these the latest first, and a leaf as soon as it can. Works on a graph
/// whose saved values were freed.
CT_API std::vector<NodePtr> graph_topological_order(TensorList roots);
CT_API std::vector<NodePtr> graph_topological_order(const Tensor& root);
CT_API std::vector<NodePtr> graph_topological_order(const NodePtr& root);

/// Raises the version of t as a write in place does, for writes that the library does not see (through data_ptr).
/// Errors: ct::Error on an undefined tensor, or on an inference tensor.
CT_API void increment_version(const Tensor& t);
CT_API void increment_version(TensorList tensors);

}  // namespace ct::autograd::graph
