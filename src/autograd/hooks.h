// autograd/hooks.h -- lists of hooks that may change while they are run, and values packed by a hook.
#pragma once

#include <mutex>
#include <vector>

#include "cotangent/graph.h"
#include "cotangent/hooks.h"

namespace ct::detail {

// Guards every list of hooks and of retained tensors. Hooks themselves, and what they captured, are called and freed
// without it.
std::mutex& hook_mutex();

enum class HookKind : std::uint8_t { tensor, accumulated, pre, post };

// What is called: one of these.
struct HookCall {
  Callback<Tensor(const Tensor&)> tensor;
  Callback<void(const Tensor&)> accumulated;
  Callback<std::vector<Tensor>(const std::vector<Tensor>&)> pre;
  Callback<std::vector<Tensor>(const std::vector<Tensor>&, const std::vector<Tensor>&)> post;
};

// One hook; shared by its list and its handles. Removal, or the end of the list, leaves an empty shell.
struct HookRecord {
  int refs;  // guarded, as all the rest
  unsigned id;
  HookKind kind;
  bool removed;
  std::uint32_t output;  // of the node, for hooks of tensors
  HookCall call;
};

// Sorted by id.
struct HookList {
  std::vector<HookRecord*> records;

  HookList() = default;
  HookList(const HookList&) = delete;
  HookList& operator=(const HookList&) = delete;
  ~HookList();
  RemovableHandle add(HookKind kind, std::uint32_t output, HookCall call);
  // Whether there was one with this number that was not removed yet.
  bool remove(unsigned id, HookKind kind);
  bool has(HookKind kind);
  // What is to be called now, in order.
  std::vector<HookCall> calls(HookKind kind);
};

// What a pack hook returned, and how to get the tensor back.
struct PackedValue {
  autograd::graph::Packed value;
  Callback<Tensor(const autograd::graph::Packed&)> unpack;
};
// Runs the pack hook of the innermost guard; there must be one. `t` is shown without its history; `version` is the one it
// must have in backward, which an in-place operation that saves its output has yet to count up to.
PackedValue* pack_saved(const char* op, const Tensor& t, std::uint32_t version);
// That version, while a pack hook runs on this thread.
std::uint32_t version_to_pack();
// Errors: ct::Error if the hook returns an undefined tensor. The result has no history.
Tensor unpack_saved(const char* op, const PackedValue& p);

}  // namespace ct::detail
