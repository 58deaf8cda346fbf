// autograd/custom_node.h -- the node of a custom function, and how its rules run under transforms.
#pragma once

#include <memory>
#include <mutex>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "cotangent/callable.h"
#include "cotangent/custom_function.h"

namespace ct::autograd {

using ct::detail::custom::CustomCall;
using ct::detail::custom::CustomInputs;
using ct::detail::custom::CustomOps;

// Shape and dtype of a value, without the value.
struct CustomShape {
  bool defined = false;
  ScalarType dtype = kFloat;
  std::vector<std::int64_t> sizes;
  explicit CustomShape(const Tensor& t) : defined(t.defined()) {
    if (!defined) return;
    dtype = t.scalar_type();
    sizes = t.sizes().vec();
  }
};

// Note [Custom functions under vmap]
// A call on wrappers of a vmap is made a call on their values, whose forward enters a level of its own and wraps them
// again: so forward sees single entries, while the node is recorded where the values live, and the derivative is the
// function's own also for what is differentiated outside of the map. What the context got is unwrapped; the frame says
// what had the batch dimension, first. backward and jvp enter a level again, and put it back around everything.
// If the wrappers themselves are tracked (a gradient inside of the map), the call is recorded on them as it is.
struct CustomFrame {
  std::uint64_t level;  // that of the vmap
  std::int64_t size;
  ct::detail::Randomness randomness;
  std::vector<bool> in, out, saved, forward;  // which had the batch dimension
  std::vector<std::string> data;              // names in saved_data of those that had
};
struct CustomFrames {
  std::vector<CustomFrame> list;  // inner vmaps first
  std::vector<ct::detail::LevelScope*> active;  // while a rule runs: the levels to wrap for
};

// What is left of a call for its jvp.
struct CustomMade {
  NodePtr node;  // owns the context, or
  std::unique_ptr<AutogradContext> ctx;
  std::vector<CustomShape> in_shapes, out_shapes;
  std::vector<bool> dirty;  // of the outputs
  AutogradContext& context() const;
};

// The node of one call. It owns the context; what the context saved is kept here, so that backward can free it.
//
// Note [Outputs that a custom function keeps]
// An output owns its node, so a node must not own its outputs. One that was given to save_for_backward is kept as an alias
// without history and gets its producer back when it is read. The same is done for outputs in saved_data, while backward
// or jvp runs.
struct CustomNode final : Node {
  struct Kept {
    std::string name;
    Tensor tensor;
    std::uint32_t version = 0;
    int output = -1;  // which output of this node, if it is one
    std::unique_ptr<ct::detail::PackedValue> packed;  // in place of the tensor, if saved_tensors_hooks said so
    Edge history;                                     // of what was packed
  };
  struct KeptData { std::string name; int output; };

  const CustomOps& ops;
  const char* node_name_;
  std::unique_ptr<AutogradContext> ctx;
  std::vector<bool> is_tensor;
  std::vector<Edge> edge_list;
  std::vector<CustomShape> in_shapes, out_shapes;
  std::vector<Kept> kept;
  std::vector<KeptData> kept_data;
  bool freed = false;
  const void* freed_where = nullptr;  // the call of backward that did it
  // backward may write to its context, and two threads may run it; it may also come back to this node from inside.
  mutable std::recursive_mutex mutex;

  CustomNode(const CustomOps& o, const char* name, std::unique_ptr<AutogradContext> c, const CustomInputs& in, std::vector<Edge> edges,
             std::vector<CustomShape> shapes, std::size_t n_out);

  std::string name() const override { return node_name_; }
  std::vector<Tensor> saved_tensors() const override { return unpack(); }
  std::vector<SavedValue> saved() const override;
  void save(const variable_list& inputs, const variable_list& outputs);
  variable_list unpack() const;
  Tensor with_history(const Tensor& alias, int output) const;
  // The alias that is kept of an output; null if none is.
  ct::detail::TensorImpl* saved_output(std::uint32_t output) const;

 protected:
  void apply(Tensor* grads, Tensor* out) override;
  void release_variables() override;
  void check_gradient(Tensor& g, std::uint32_t i) const override;
  InputMetadata metadata_of(std::uint32_t i) const override { return {out_shapes[i].dtype, out_shapes[i].sizes, out_shapes[i].defined}; }
};

// A call, from its outermost layer to forward.
struct CustomApply {
  static variable_list run(const CustomOps& ops, CustomCall& call, const CustomInputs& in, CustomMade* made = nullptr);

  // backward, checked: the gradients of the tensor arguments. The first `fresh` frames are entered anew, the others are levels
  // that run.
  static variable_list backward(const CustomOps& ops, const char* name, AutogradContext& ctx, const std::vector<bool>& is_tensor,
                                const std::vector<CustomShape>& in, const std::vector<CustomShape>& out, variable_list grads, std::size_t fresh);
  // Runs a rule on `args`, wrapped for the frames; finish() makes a result of one frame that of the next outer layer.
  static variable_list in_frames(AutogradContext& ctx, std::size_t fresh, variable_list args,
                                 FunctionRef<const std::vector<bool>&(const CustomFrame&)> batched, FunctionRef<variable_list(variable_list)> rule,
                                 FunctionRef<Tensor(const CustomFrame&, std::size_t, Tensor, bool)> finish);

 private:
  friend struct VmappedCall;
  static variable_list plain(const CustomOps& ops, CustomCall& call, const CustomInputs& in, CustomMade* made);
  static variable_list on_wrappers(const CustomOps& ops, CustomCall& call, const CustomInputs& in, ct::detail::LevelScope& s, CustomMade* made);
  static variable_list with_tangents(const CustomOps& ops, CustomCall& call, const CustomInputs& in, ct::detail::LevelScope& s, CustomMade* made);
  static void check_dirty(const AutogradContext& ctx, const CustomInputs& in, const variable_list& out, const char* name, bool tracked);
  static void set_history(Tensor& t, const NodePtr& node, std::uint32_t nr, const CustomInputs& in, bool is_input, bool dirty);
  static void cut_history(Tensor& t, bool is_input);
};

bool contains(const variable_list& list, const Tensor& t);
const char* custom_node_name(const CustomOps& ops);

}  // namespace ct::autograd
