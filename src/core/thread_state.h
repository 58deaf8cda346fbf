// core/thread_state.h -- what every thread has of its own: modes, the node counter, free lists.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ct {
class Node;
namespace autograd::graph { class saved_tensors_hooks; }
}

namespace ct::detail {

struct LevelScope;

inline constexpr int small_classes = 32;     // blocks of 16, 32, ... 512 bytes
inline constexpr std::size_t small_step = 16;

struct ThreadState {
  bool grad_mode = true;
  bool inference_mode = false;
  bool destroying = false;           // a node or impl is being destroyed on this thread; see Note [Iterative destruction]
  bool registered = false;           // the thread-exit clean-up of the free lists is set up
  std::uint64_t next_sequence_nr = 0;
  LevelScope* levels = nullptr;      // the running transforms, innermost first; see autograd/layers.h
  const void* backward_where = nullptr;  // of the running backward: the call in the program that started it
  Node* doomed = nullptr;            // nodes waiting to be destroyed, linked through Node::next_doomed_
  const autograd::graph::saved_tensors_hooks* saved_hooks = nullptr;  // the innermost guard
  void* free_list[small_classes + 1] = {};
};

// Trivial construction and destruction, and the initial-exec model: reading it is one instruction, no guard, no call.
#if defined(__GNUC__) && !defined(__EMSCRIPTEN__)
extern thread_local constinit ThreadState thread_state __attribute__((tls_model("initial-exec")));
#else
extern thread_local constinit ThreadState thread_state;
#endif

// Sets the grad mode of this thread (nothing is recorded in inference mode, whatever is asked for) and puts the former one back on every way out of the scope.
class GradModeScope {
 public:
  explicit GradModeScope(bool enabled) : before_(thread_state.grad_mode) { thread_state.grad_mode = enabled && !thread_state.inference_mode; }
  ~GradModeScope() { thread_state.grad_mode = before_; }
  GradModeScope(const GradModeScope&) = delete;
  GradModeScope& operator=(const GradModeScope&) = delete;

 private:
  bool before_;
};

}  // namespace ct::detail
