// autograd/layers.h -- what transforms add to tensors: batch dimensions that the program does not see, and tangents.
//
// Note [Levels]
// Every running vmap and every running forward mode is a level: a number from one counter, so that inner levels have the
// larger ones, and a LevelScope on the thread's stack. A tensor may carry a tangent for several levels, and it may be the
// wrapper of a batched value: such a tensor has the geometry of one entry of the batch (its data are those of entry 0),
// and `value`, which has the batch dimension first, is one level further out, perhaps a wrapper itself.
//
// apply() treats the innermost level found among its inputs and leaves the rest to a call of apply() one level further
// out: of a tangent, the op runs without it (its level is hidden meanwhile) and the op's tangent rule adds the output's;
// of a batch, the op's batching rule runs on the values.
//
// Reverse mode has no levels of its own. A node is recorded where its tensors live: outside of all vmaps, or on the
// wrappers of one vmap, as if that were all there is; what a batching rule does to the values may be recorded once more,
// further out. So vmap(grad(f)) differentiates each entry, and grad(vmap(f)) the whole. Tensors from further out take
// part in a recording on wrappers as constants; `lift` makes wrappers of them. The grad mode of an outer layer is kept in
// the LevelScope of the vmap that hides it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "core/tensor_impl.h"
#include "core/thread_state.h"
#include "cotangent/callable.h"
#include "cotangent/op.h"

namespace ct::detail {

enum class LevelKind : std::uint8_t { batch, tangent };
enum class Randomness : std::uint8_t { error, different, same };

struct LevelScope {
  LevelScope* outer;
  std::uint64_t id;
  LevelKind kind;
  bool hidden = false;          // its tangents are ignored, its batch is not the innermost one
  bool outer_grad_mode = true;  // of a vmap: the grad mode of what lies outside
  Randomness randomness = Randomness::error;
  std::int64_t size = 0;        // of a vmap: of the batch
  std::vector<Tensor> tied;     // what has recorded tangents, which the end of the level frees

  explicit LevelScope(LevelKind k);  // enters a new innermost level of this thread
  ~LevelScope();
  LevelScope(const LevelScope&) = delete;
  LevelScope& operator=(const LevelScope&) = delete;
};

struct Layers {
  std::uint64_t level = 0;   // of a wrapper: that of the vmap it belongs to
  bool batched = false;      // of a wrapper: value has the batch dimension; otherwise it is the same for every entry
  Tensor value;
  std::vector<std::pair<std::uint64_t, Tensor>> tangents;  // inner levels last
  // Former tangents of a base, in whose memory there was no place for what was written: views of them are out of date.
  std::vector<std::pair<std::uint64_t, Tensor>> former;
  bool without_base = false;  // of a view: its tangents are not those of its base, as of the primal part of a dual tensor
};

// The base whose tangents a view shares even if it was made before they were; null if there is none.
inline const Tensor* followed_base(const TensorImpl* t) {
  if (!t || !t->is_view() || !t->meta->base.unsafeGetTensorImpl()->layered) return nullptr;
  return t->meta->layers && t->meta->layers->without_base ? nullptr : &t->meta->base;
}

// Hides a level for a scope.
class HideLevel {
 public:
  explicit HideLevel(LevelScope& s) : scope_(s), before_(s.hidden) { s.hidden = true; }
  ~HideLevel() { scope_.hidden = before_; }
  HideLevel(const HideLevel&) = delete;
  HideLevel& operator=(const HideLevel&) = delete;

 private:
  LevelScope& scope_;
  bool before_;
};

// No level is there for a scope: for forwards, which make tensors that belong to no vmap.
class WithoutLevels {
 public:
  WithoutLevels() : before_(thread_state.levels) { thread_state.levels = nullptr; }
  ~WithoutLevels() { thread_state.levels = before_; }
  WithoutLevels(const WithoutLevels&) = delete;
  WithoutLevels& operator=(const WithoutLevels&) = delete;

 private:
  LevelScope* before_;
};

// Sets the grad mode of the layer to which wrappers of `level` belong (0: what lies outside all vmaps).
class LayerGradMode {
 public:
  LayerGradMode(std::uint64_t level, bool enabled);
  ~LayerGradMode() { mode_ = before_; }
  LayerGradMode(const LayerGradMode&) = delete;
  LayerGradMode& operator=(const LayerGradMode&) = delete;
  static bool get(std::uint64_t level) { return slot(level); }

 private:
  static bool& slot(std::uint64_t level);
  bool& mode_;
  bool before_;
};

inline Layers* layers(const TensorImpl* t) { return t && t->layered ? t->meta->layers : nullptr; }
inline Layers* layers(const Tensor& t) { return layers(impl(t)); }
inline bool is_layered(const Tensor& t) { return impl(t) && impl(t)->layered; }
// The vmap whose wrapper t is; 0 if none.
inline std::uint64_t batch_level(const Tensor& t) {
  const Layers* l = layers(t);
  return l ? l->level : 0;
}
inline bool is_batched(const Tensor& t) {
  const Layers* l = layers(t);
  return l && l->level;
}

// Errors: op reads elements, or gives a result whose shape depends on them, and x is batched.
void refuse_batched(const char* op, const Tensor& x, const char* fix = nullptr);

// Errors: one of the tensors of op, which writes into its argument `out`, is mapped or carries a tangent.
void refuse_layered_out(const char* op, std::initializer_list<const Tensor*> tensors);

// Null if the level has ended, or runs on another thread.
LevelScope* find_level(std::uint64_t id);
// The innermost vmap that is not hidden, of all that run or of those around `inside`; null if none.
LevelScope* innermost_batch(LevelScope* inside = thread_state.levels);

// The level that apply() has to treat first; null if there is none. Errors: a wrapper outlived its vmap.
LevelScope* innermost_level(const char* op, const Tensor* const* in, int n);

// A wrapper of a value of the next outer level, which has a batch dimension first if `batched`.
Tensor wrap_batch(Tensor value, const LevelScope& s, bool batched);
// The same for a tensor that does not depend on the batch; tangents of inner levels move to the wrapper.
Tensor lift(const Tensor& x, const LevelScope& s);
// A tensor that was made inside of a vmap belongs to it, so that what is recorded there can be written into it.
Tensor made_inside(Tensor x);
// The value of a wrapper, or x itself if it belongs to an outer level.
Tensor unwrap_batch(const Tensor& x, const LevelScope& s, bool& batched);

// What a wrapper of wrappers holds in the end: all entries of all batches.
Tensor innermost_value(Tensor x);
// The value with the batch dimension first, repeated if x does not depend on the batch: what leaves a vmap.
Tensor take_batch(const Tensor& x, const LevelScope& s);

// The tangent of a level; undefined if there is none.
Tensor tangent(const Tensor& x, std::uint64_t level);
// Gives x a tangent, also where it was saved as the output of its own producer.
void set_tangent(const Tensor& x, std::uint64_t level, Tensor t);
// The tangent, moved to memory that is laid out as x is, so that a strided look at x is one at the tangent.
Tensor tangent_laid_out_as(const Tensor& x, std::uint64_t level);
// set_tangent() of a base whose former tangent views may still look into: they follow.
void replace_tangent(const Tensor& x, std::uint64_t level, Tensor t);
// Gives the view x the part of its base's tangent that it looks at; returns that.
Tensor show_base_tangent(const Tensor& x, std::uint64_t level, const Tensor& whole);
// Takes x, a new view of a dual tensor, for a tensor without tangents.
void forget_base_tangents(const Tensor& x);
void drop_tangent(const Tensor& x, std::uint64_t level);

// Whether nothing is recorded of x and it carries no tangent, on any level: where fused forms without derivative may
// stand in for what can be differentiated. Batched values do qualify.
bool is_constant(const Tensor& x);

// The same elements without history; of a wrapper a wrapper, with the same tangents.
Tensor same_alias(const Tensor& x);
// A variable of a vmap (null: of none) whose gradient can be asked for: an alias of x, connected to x's own history.
Tensor fresh_input(const Tensor& x, const LevelScope* vmap);
// A tensor of x's kind and layer with room for other sizes, unset.
Tensor empty_strided_as(const Tensor& x, IntArrayRef sizes, IntArrayRef strides, ScalarType dtype);
inline Tensor empty_strided_as(const Tensor& x, IntArrayRef sizes, IntArrayRef strides) { return empty_strided_as(x, sizes, strides, x.scalar_type()); }

// A tensor to be filled with random numbers, under vmap's randomness policy.
Tensor empty_for_random(const char* op, IntArrayRef sizes, const TensorOptions& options);

// f of the value of a wrapper, which must keep the batch dimension, as a wrapper of the same vmap; nothing is recorded.
Tensor on_value(const Tensor& wrapper, FunctionRef<Tensor(const Tensor&)> f);

// ---- calls --------------------------------------------------------------------------------------------------------------

// A call that has just been made, as tangent rules see it.
struct LiveCall {
  const Op& op;
  const Tensor* const* in;
  int n_in;
  const void* attrs;
  const Tensor* out;
  const Tensor* tangents;  // of the inputs; undefined ones are zero

  int n_edges() const;
  // Runs a rule with this call in place of a node.
  template <class F>
  static auto run_rule(const LiveCall& c, const Tensor* grads, F&& f) {
    const Saved s(c, grads);
    return f(s);
  }
};

// One call of an op on tensors of any levels, with all of its outputs.
std::vector<Tensor> apply_layered(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size);
std::vector<Tensor> apply_all(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size);
// The gradients of <outputs, grad_outputs> with respect to variables of one layer; undefined where there is no dependence.
// They are recorded themselves only if something else is tracked that they depend on (or grad_outputs are), and the
// layer's grad mode is on.
std::vector<Tensor> layer_gradients(TensorList outputs, TensorList inputs, TensorList grad_outputs, bool keep_graph);
// Whether the history of y leads to variables besides `inputs`, or beyond those.
bool leads_beyond(const Tensor& y, TensorList inputs);
// Errors: random operations in a vmap that has not said what is meant.
void check_randomness(const char* op, const LevelScope& s);
// self = src, element by element, through all levels; for the in-place forms of ops.
void assign_layered(const Tensor& self, const Tensor& src);
// The part of it for tensors that have tangents of level `s`.
void assign_tangent(const Tensor& self, const Tensor& src, LevelScope& s);
// The tangents of level `s` of the outputs of a call.
std::vector<Tensor> output_tangents(const LiveCall& c, int n_out, std::uint32_t attrs_size, LevelScope& s);
// The outputs of a call on the wrappers of a vmap.
std::vector<Tensor> apply_batched(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size, LevelScope& s);

}  // namespace ct::detail
