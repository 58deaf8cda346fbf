// cotangent/op.h -- how an operation is written: forward, derivative, formula and samples in one block.
//
// An Op is a constant table. apply() runs its forward, records a node when an input is tracked, and the engine calls
// the derivative from there; neither knows any op by name. Programs outside the library define ops in the same way:
// see examples/extension.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "cotangent/tensor.h"

namespace ct {

struct Op;
class Node;
namespace kernels { struct Kernel; }
namespace detail { struct LiveCall; }

/// What an op does to its inputs. Decides how much apply() and the generated tests can supply by themselves.
enum class OpKind : std::uint8_t {
  elementwise,  // y[i] = f(x[i], ..) on broadcast inputs: give `kernel` and `deriv`
  linear,       // linear in its one tensor input
  multilinear,  // linear in each tensor input
  view,         // an alias of the first input: apply() links it to its base
  reduce,       // fewer elements; linear only if said so
  other,
  composite,    // its forward calls public ops, which record themselves: no node, no derivative
};

/// The values that a derivative needs: X(i) input i, Y(k) output k. They are saved only for gradients that are asked for.
using SaveMask = std::uint32_t;
constexpr SaveMask X(int i) { return SaveMask{1} << i; }
constexpr SaveMask Y(int k = 0) { return SaveMask{1} << (24 + k); }
inline constexpr int max_saved_inputs = 24;

/// One call of an op, as its forward sees it. Parameters that are no tensors travel as one trivially copyable struct.
struct Call {
  const Op& op;
  const Tensor* const* in;
  int n_in;
  const void* attrs_data;
  std::uint32_t attrs_size;

  const Tensor& x(int i) const { return *in[i]; }
  template <class A>
  const A& attrs() const { return *static_cast<const A*>(attrs_data); }
};

/// One call of an op under vmap, as its batching rule sees it. Inputs that are batched have the batch dimension first.
struct Batch {
  const Op& op;
  const Tensor* values;       // of the inputs, one level down
  const bool* is_batched;
  int n_in;
  const void* attrs_data;
  std::uint32_t attrs_size;
  std::int64_t size;          // of the batch

  /// Input i as it is: with the batch dimension first if batched(i), else without one.
  const Tensor& value(int i) const { return values[i]; }
  bool batched(int i) const { return is_batched[i]; }
  /// Input i with a batch dimension, repeated without a copy if it had none.
  Tensor x(int i) const {
    return is_batched[i] ? values[i] : values[i].unsqueeze(0).expand(with_batch(values[i].sizes()));
  }
  /// Number of dimensions of input i as the program sees it, without the batch dimension.
  std::int64_t dim(int i) const { return values[i].defined() ? values[i].dim() - is_batched[i] : 0; }
  /// The shape of input i as the program sees it.
  IntArrayRef sizes(int i) const {
    const IntArrayRef s = values[i].sizes();
    return is_batched[i] ? IntArrayRef(s.begin() + 1, s.size() - 1) : s;
  }
  /// {size, sizes..}
  std::vector<std::int64_t> with_batch(IntArrayRef sizes) const {
    std::vector<std::int64_t> s{size};
    s.insert(s.end(), sizes.begin(), sizes.end());
    return s;
  }
  template <class A>
  const A& attrs() const { return *static_cast<const A*>(attrs_data); }
};

/// What a derivative rule sees of the call it belongs to.
class CT_API Saved {
 public:
  /// A saved input or output; it must be in the op's `save` for the argument at hand.
  const Tensor& x(int i) const { return value(i); }
  const Tensor& y(int k = 0) const { return value(24 + k); }
  /// Shape of input i; the op must set `save_shapes`.
  IntArrayRef sizes(int i) const;
  /// Number of inputs of the call, up to the last one that may have a gradient.
  int n_in() const;
  /// Of an op with several outputs: the gradient of output k, undefined if none arrived.
  const Tensor& g(int k) const { return grads_[k]; }
  template <class A>
  const A& attrs() const { return *static_cast<const A*>(attrs_data()); }
  /// Whether the gradient of input i is asked for.
  bool needs(int i) const;

 private:
  friend struct OpNode;
  friend struct detail::LiveCall;
  Saved(const struct OpNode& node, const Tensor* grads) : node_(&node), grads_(grads) {}
  Saved(const detail::LiveCall& live, const Tensor* grads) : live_(&live), grads_(grads) {}
  ~Saved();
  const Tensor& value(int bit) const;
  const void* attrs_data() const;

  const struct OpNode* node_ = nullptr;         // one of these two: a recorded call,
  const detail::LiveCall* live_ = nullptr;      // or one that has just been made, in forward mode
  const Tensor* grads_;
  mutable std::vector<std::pair<int, Tensor>>* more_ = nullptr;
  mutable Tensor cache_[4];
  mutable int cached_[4] = {-1, -1, -1, -1};
};

/// Where the samples of an op's generated tests go. Each sample is one call: its inputs and attributes.
class CT_API SampleSink {
 public:
  virtual ~SampleSink();
  /// A float64 tensor with elements drawn uniformly from [low, high), from a fixed seed.
  virtual Tensor uniform(IntArrayRef sizes, double low = -2, double high = 2) = 0;
  virtual void call(const std::vector<Tensor>& inputs, const void* attrs, std::uint32_t attrs_size) = 0;
  void operator()(const std::vector<Tensor>& inputs) { call(inputs, nullptr, 0); }
  template <class A>
  void operator()(const std::vector<Tensor>& inputs, const A& attrs) {
    static_assert(std::is_trivially_copyable_v<A>);
    call(inputs, &attrs, sizeof(A));
  }
};

/// Where generated tests draw elementwise inputs from: away from kinks and poles.
struct Domain {
  double low = -2, high = 2;
};

/// Which inputs an elementwise op takes in which dtype, and what it returns.
enum class Promote : std::uint8_t {
  same,       // the promoted dtype
  to_float,   // integers become the default dtype first
  compare,    // computed in the promoted dtype, returns kBool
  condition,  // the first input is a kBool condition; the others are promoted
};

/// Dtypes an op accepts, of its promoted inputs.
enum class Dtypes : std::uint8_t { all, no_bool, floating, integral };

/// What amp::autocast does with floating inputs: nothing, converts them to its dtype, or to float32. PyTorch's lists for the
/// CPU; in float32 also softmax and normalisation, as in its list for the GPU.
enum class Autocast : std::uint8_t { as_given, lower, full };

struct Op {
  const char* name;                       // libtorch's function name
  const char* node = nullptr;             // PyTorch's node name, e.g. "TanhBackward0"; null: not differentiable
  OpKind kind = OpKind::other;
  const char* formula = nullptr;          // the derivative for people; g is the cotangent, x and y inputs and outputs

  // Forward: one of these three. `kernel` for elementwise; `inplace` writes into a copy of input 0 (or into input 0).
  const kernels::Kernel& (*kernel)() = nullptr;
  Tensor (*forward)(const Call& c) = nullptr;
  std::vector<Tensor> (*forward_multi)(const Call& c) = nullptr;
  void (*inplace)(const Call& c, const Tensor& self) = nullptr;

  // Derivative: `deriv` (elementwise: dy/dx_arg, multiplied by g), or `vjp` (the whole gradient of input `arg`).
  // They call public ops, so that they can be differentiated again. Shapes and dtypes of broadcast inputs are
  // restored by the engine.
  Tensor (*deriv)(const Saved& s, int arg) = nullptr;
  Tensor (*vjp)(const Tensor& g, const Saved& s, int arg) = nullptr;
  // Forward mode follows from the derivative: elementwise ops scale, linear and multilinear ones and views are applied to
  // the tangents, of all others the derivative is differentiated by its cotangent. A rule given here is faster: it gets
  // the tangents of the inputs (undefined ones are zero) and returns that of the output; all of s.x and s.y can be read.
  Tensor (*jvp)(const Tensor* t, const Saved& s) = nullptr;

  // vmap: the op for a whole batch. Elementwise ops need none. Outputs have the batch dimension first; views return views.
  // Without a rule the op runs once for each entry of the batch.
  Tensor (*batch)(const Batch& b) = nullptr;
  std::vector<Tensor> (*batch_multi)(const Batch& b) = nullptr;

  SaveMask save[4] = {};                  // needed for the gradient of input 0, 1, 2, and 3 or later
  bool save_shapes = false;

  Promote promote = Promote::same;
  Dtypes dtypes = Dtypes::all;
  Autocast autocast = Autocast::as_given;
  std::uint32_t nondiff = 0;              // bit i: no gradient for input i (indices, masks)
  std::uint32_t optional = 0;             // bit i: input i may be undefined (bit 31: all from 31 on); apply() refuses others
  bool random = false;                    // draws from a generator: vmap's randomness policy holds
  bool multi_view = false;                // of several views in place edits are refused (split, unbind, chunk)

  Domain domain[3] = {};
  std::uint8_t arity = 0;                       // of an elementwise op without samples: how many tensors it takes;
                                                // 0 for a differentiable op: as many as `save` has entries, at least one
  void (*samples)(SampleSink& sink) = nullptr;  // default for elementwise: broadcast shapes drawn from `domain`
  const char* untested = nullptr;               // why there are no samples; shown by the test run
  bool second_order = true;                     // false: a derivative that cannot be differentiated again (say why in the block)
};

namespace detail {
CT_API Tensor apply(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size);
CT_API std::vector<Tensor> apply_multi(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size);
CT_API Tensor& apply_inplace(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size);
CT_API Tensor wrapped_number(const Scalar& s);

template <class A>
struct AttrsOf {
  static_assert(std::is_trivially_copyable_v<A>, "attributes are copied as bytes");
  static constexpr std::uint32_t size = std::is_empty_v<A> ? 0 : sizeof(A);
};
}  // namespace detail

/// Every op of the library, for tests and tools.
CT_API std::vector<const Op*> all_ops();

/// No parameters.
struct NoAttrs {};

/// Runs an op with one output on tensors.
template <class... Ts>
CT_DOOR Tensor apply(const Op& op, const Ts&... xs) {
  const Tensor* in[] = {&xs...};
  return detail::apply(op, in, sizeof...(xs), nullptr, 0);
}
/// The same with parameters.
template <class A, class... Ts>
CT_DOOR Tensor apply_with(const Op& op, const A& attrs, const Ts&... xs) {
  const Tensor* in[] = {&xs...};
  return detail::apply(op, in, sizeof...(xs), &attrs, detail::AttrsOf<A>::size);
}
/// The same for any number of tensors.
template <class A>
CT_DOOR Tensor apply_list(const Op& op, const A& attrs, TensorList xs) {
  std::vector<const Tensor*> in;
  for (const Tensor& x : xs) in.push_back(&x);
  return detail::apply(op, in.data(), static_cast<int>(in.size()), &attrs, detail::AttrsOf<A>::size);
}
/// Runs an op with several outputs.
template <class A, class... Ts>
CT_DOOR std::vector<Tensor> apply_multi(const Op& op, const A& attrs, const Ts&... xs) {
  const Tensor* in[] = {&xs...};
  return detail::apply_multi(op, in, sizeof...(xs), &attrs, detail::AttrsOf<A>::size);
}
/// Writes the result into the first input, with all of autograd's rules for that; returns it.
template <class A, class... Ts>
CT_DOOR Tensor& apply_inplace(const Op& op, const A& attrs, const Ts&... xs) {
  const Tensor* in[] = {&xs...};
  return detail::apply_inplace(op, in, sizeof...(xs), &attrs, detail::AttrsOf<A>::size);
}

}  // namespace ct
