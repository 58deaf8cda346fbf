// cotangent/checkpoint.h -- computing a part of the forward pass again in backward, instead of keeping its values.
#pragma once

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/custom_function.h"  // tensors among arguments

namespace ct {

struct CheckpointOptions {
  bool preserve_rng_state = true;  // the second run draws the default generator's numbers of the first (dropout's mask)
  bool early_stop = true;          // the second run ends where the last value that backward needs is there
  bool determinism_check = true;   // shapes, dtypes and versions of what is saved must be those of the first run
};

namespace detail {

// While it lives, what operations save is forgotten, and `again` makes it anew when backward asks.
class CT_API CheckpointScope {
 public:
  // `inputs` must be as they are now when that happens.
  CheckpointScope(const CheckpointOptions& options, const std::vector<Tensor>& inputs, Callback<void()> again);
  ~CheckpointScope();
  CheckpointScope(const CheckpointScope&) = delete;
  CheckpointScope& operator=(const CheckpointScope&) = delete;

 private:
  struct State;
  State* state_;
};

// For the second run: the elements, and whether they are tracked, without what came before.
CT_API Tensor checkpoint_input(const Tensor& t);
inline std::optional<Tensor> checkpoint_input(const std::optional<Tensor>& t) { return t ? std::optional<Tensor>(checkpoint_input(*t)) : t; }
CT_API std::vector<Tensor> checkpoint_input(const std::vector<Tensor>& list);
template <class A>
A checkpoint_input(const A& a) { return a; }

}  // namespace detail

/// f(args...), without keeping what its operations save for backward: backward runs f again to get it.
///
/// Memory for time: of a checkpointed part only its inputs and its outputs stay. Gradients reach the arguments, whatever f
/// captures, and can be differentiated again. Hooks, autograd::grad and nesting work as without (Python's
/// use_reentrant=False). f may be called several times, last in backward: what it captures by reference must still be there.
/// Errors, raised in backward: ct::Error "A different number of tensors was saved during the original forward and
/// recomputation", "Recomputed values for the following tensors have different metadata", "modified by an inplace operation".
/// Example: Tensor y = ct::checkpoint([&](const Tensor& x) { return block(x); }, x);
template <class F, class... Args>
  requires(std::is_invocable_v<std::decay_t<F>&, const std::decay_t<Args>&...>)
CT_DOOR auto checkpoint(const CheckpointOptions& options, F&& f, const Args&... args) {
  std::decay_t<F> first(f);
  std::tuple<std::decay_t<Args>...> held(detail::checkpoint_input(args)...);
  detail::custom::CustomInputs in;
  std::apply([&in](const auto&... a) { (detail::custom::add_argument(in, a), ...); }, held);
  auto again = [f = std::decay_t<F>(std::forward<F>(f)), held = std::move(held)]() mutable {
    std::apply([&f](const auto&... a) { static_cast<void>(f(a...)); }, held);
  };
  const detail::CheckpointScope scope(options, in.tensors, Callback<void()>(std::move(again)));
  return first(args...);
}
template <class F, class... Args>
  requires(!std::is_same_v<std::remove_cvref_t<F>, CheckpointOptions> && std::is_invocable_v<std::decay_t<F>&, const std::decay_t<Args>&...>)
CT_DOOR auto checkpoint(F&& f, const Args&... args) {
  return checkpoint(CheckpointOptions(), std::forward<F>(f), args...);
}

using Layer = Callback<Tensor(const Tensor&)>;

/// The functions one after another, in so many segments of which all but the last are checkpointed. About sqrt(n) segments
/// need the least memory: the inputs of the segments and the values of one.
/// Errors: ct::ValueError unless 1 <= segments <= functions.size().
CT_API Tensor checkpoint_sequential(const std::vector<Layer>& functions, std::int64_t segments, const Tensor& input, const CheckpointOptions& options = {});
/// The same for a vector of callables of any one type.
template <class F>
  requires(!std::is_same_v<F, Layer> && std::is_invocable_r_v<Tensor, F&, const Tensor&>)
Tensor checkpoint_sequential(const std::vector<F>& functions, std::int64_t segments, const Tensor& input, const CheckpointOptions& options = {}) {
  return checkpoint_sequential(std::vector<Layer>(functions.begin(), functions.end()), segments, input, options);
}

}  // namespace ct
