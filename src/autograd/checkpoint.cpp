// autograd/checkpoint.cpp -- saved values that are computed again when backward asks for them.
#include "cotangent/checkpoint.h"

#include <memory>
#include <mutex>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "core/thread_state.h"
#include "cotangent/generator.h"
#include "cotangent/graph.h"

namespace ct {

using autograd::graph::saved_tensors_hooks;
using detail::impl;

namespace {

// What a saved value must look like the second time too.
struct Looks {
  ScalarType dtype;
  std::vector<std::int64_t> sizes;
  std::uint32_t version;  // differs if what f reads from outside was changed meanwhile
  explicit Looks(const Tensor& t) : dtype(t.scalar_type()), sizes(t.sizes().vec()), version(detail::version_to_pack()) {}
  bool same_shape(const Looks& o) const { return dtype == o.dtype && sizes == o.sizes; }
  std::string text() const { return detail::join({"shape ", IntArrayRef(sizes), ", dtype ", dtype}); }
};

constexpr const char* other_value = "\n  The function computed with it in forward, and cannot compute the same again in backward.";

// Ends the second run early. Not an Error, so that f is unlikely to catch it.
struct Enough {};

// One call of checkpoint(). Nodes of the call hold numbers of saved values and, through them, this.
//
// Note [Checkpoint frames]
// Saved values are numbered in the order in which operations save them. The second run saves the same ones in the same
// order, so the number finds the value. A value is dropped when it was handed out, or when its node no longer wants it;
// asked for once more (retain_graph), it is computed once more.
struct Frame {
  CheckpointOptions options;
  Callback<void()> again;
  bool grad_mode;
  Tensor rng;
  std::vector<std::pair<Tensor, std::int64_t>> inputs;  // and their versions
  std::vector<Looks> looks;
  std::vector<char> needed;  // whether a node still wants the value
  struct Value { Tensor tensor; std::uint32_t version = 0; };
  std::vector<Value> values;
  std::recursive_mutex mutex;  // of looks and values; a second run holds it

  Tensor take(std::size_t i) {
    std::lock_guard lock(mutex);
    if (!values[i].tensor.defined()) recompute(i);
    const Value v = std::exchange(values[i], {});
    check_version(v.tensor, v.version, "");
    return v.tensor;
  }

 private:
  struct RestoreRng {
    Tensor before;
    ~RestoreRng() {
      if (before.defined()) set_rng_state(before);
    }
  };

  static void check_version(const Tensor& t, std::int64_t expected, const char* why) {
    CT_CHECK(t._version() == expected, "checkpoint: one of the variables needed for gradient computation has been modified by an inplace operation: [",
             toString(t.scalar_type()), "Tensor ", t.sizes(), "] is at version ", t._version(), "; expected version ", expected, " instead.", why);
  }

  void recompute(std::size_t wanted) {
    for (const auto& [t, version] : inputs)
      check_version(t, version, "\n  It is an argument of the checkpointed function, which has to run again in backward.");
    std::vector<Value> fresh;
    {
      RestoreRng restore;
      if (rng.defined()) {
        restore.before = get_rng_state();
        set_rng_state(rng);
      }
      const detail::GradModeScope mode(grad_mode);
      const saved_tensors_hooks hooks(
          [&](const Tensor& t) {
            if (fresh.size() >= looks.size() && options.early_stop) throw Enough();
            const Looks now(t);
            if (options.determinism_check && fresh.size() < looks.size()) check(fresh.size(), now);
            fresh.push_back({t, now.version});
            if (fresh.size() == looks.size() && options.early_stop) throw Enough();
            return 0;
          },
          [](int) { return Tensor(); });
      try {
        const Callback<void()> run = again;
        run();
      } catch (Enough) {
      }
    }
    CT_CHECK(fresh.size() == looks.size(), "checkpoint: A different number of tensors was saved during the original forward and recomputation. Number of "
             "tensors saved during forward: ", looks.size(), ", number of tensors saved during recomputation: ", fresh.size(),
             "\n  The function must do the same both times: it must not depend on anything that changes in between.");
    for (std::size_t i = 0; i < fresh.size(); ++i)
      if (i == wanted || needed[i]) values[i] = std::move(fresh[i]);
  }

  void check(std::size_t i, const Looks& now) const {
    const Looks& then = looks[i];
    CT_CHECK(now.same_shape(then), "checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass: tensor at "
             "position ", i, ": saved metadata: ", then.text(), "; recomputed metadata: ", now.text(),
             "\n  The function must do the same both times: it must not depend on anything that changes in between.");
    CT_CHECK(now.version == then.version, "checkpoint: one of the variables needed for gradient computation has been modified by an inplace operation: [",
             toString(now.dtype), "Tensor ", IntArrayRef(now.sizes), "] is at version ", now.version, "; expected version ", then.version, " instead.", other_value);
  }
};

// What is kept in the place of a value.
class Ticket {
 public:
  Ticket(std::shared_ptr<Frame> frame, std::size_t index) : frame_(std::move(frame)), index_(index) {}
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket() {
    if (!frame_) return;
    Tensor last;
    std::lock_guard lock(frame_->mutex);
    frame_->needed[index_] = false;
    last = std::move(frame_->values[index_].tensor);
  }
  Tensor take() const {
    const std::shared_ptr<Frame> frame = frame_;  // the node may be freed by what runs now
    return frame->take(index_);
  }

 private:
  std::shared_ptr<Frame> frame_;
  std::size_t index_;
};

}  // namespace

struct detail::CheckpointScope::State {
  std::shared_ptr<Frame> frame;
  saved_tensors_hooks hooks;

  explicit State(std::shared_ptr<Frame> f)
      : frame(f), hooks(
                      [f](const Tensor& t) {
                        std::lock_guard lock(f->mutex);
                        f->looks.emplace_back(t);
                        f->values.emplace_back();
                        f->needed.push_back(true);
                        return Ticket(f, f->looks.size() - 1);
                      },
                      [](const Ticket& t) { return t.take(); }) {}
};

detail::CheckpointScope::CheckpointScope(const CheckpointOptions& options, const std::vector<Tensor>& inputs, Callback<void()> again) {
  auto frame = std::make_shared<Frame>();
  frame->options = options;
  frame->again = std::move(again);
  frame->grad_mode = thread_state.grad_mode;
  if (options.preserve_rng_state && frame->grad_mode) frame->rng = get_rng_state();
  for (const Tensor& t : inputs)
    if (t.defined()) frame->inputs.emplace_back(t, t._version());
  state_ = new State(std::move(frame));
}
detail::CheckpointScope::~CheckpointScope() { delete state_; }

Tensor detail::checkpoint_input(const Tensor& t) {
  if (!t.defined()) return t;
  Tensor held = same_alias(t);
  if (t.is_floating_point() && t.requires_grad()) held.requires_grad_();
  return held;
}
std::vector<Tensor> detail::checkpoint_input(const std::vector<Tensor>& list) {
  std::vector<Tensor> held;
  for (const Tensor& t : list) held.push_back(checkpoint_input(t));
  return held;
}

Tensor checkpoint_sequential(const std::vector<Layer>& functions, std::int64_t segments, const Tensor& input, const CheckpointOptions& options) {
  const auto n = static_cast<std::int64_t>(functions.size());
  CT_CHECK_VALUE(segments >= 1 && segments <= n, "checkpoint_sequential: segments must be between 1 and the number of functions, ", n, ", got ", segments);
  const std::int64_t size = n / segments;
  auto run = [](const std::vector<Layer>& layers, Tensor x) {
    for (const Layer& f : layers) x = f(x);
    return x;
  };
  Tensor x = input;
  std::int64_t start = 0;
  for (std::int64_t s = 0; s + 1 < segments; ++s, start += size) {
    const std::vector<Layer> part(functions.begin() + start, functions.begin() + start + size);
    x = checkpoint(options, [part, run](const Tensor& in) { return run(part, in); }, x);
  }
  return run(std::vector<Layer>(functions.begin() + start, functions.end()), x);
}

}  // namespace ct
