// cotangent/hooks.h -- what registering a hook gives back.
#pragma once

#include "cotangent/api.h"
#include "cotangent/callable.h"  // hooks are owned callables

namespace ct {

namespace detail { struct HookRecord; }

/// Stands for one registered hook, and may outlive it. Both ways of removal work: Python's handle.remove(), also after
/// the tensor was changed in place, and libtorch's x.remove_hook(handle), for which it converts to a number.
class CT_API RemovableHandle {
 public:
  RemovableHandle() noexcept = default;
  RemovableHandle(const RemovableHandle& o) noexcept;
  RemovableHandle(RemovableHandle&& o) noexcept : hook_(o.hook_) { o.hook_ = nullptr; }
  RemovableHandle& operator=(RemovableHandle o) noexcept { std::swap(hook_, o.hook_); return *this; }
  ~RemovableHandle();

  /// The hook is not called again and what it captured is freed, at the latest when a call in progress returns.
  /// Removing twice, or after the tensor is gone, does nothing.
  void remove();
  /// Unique in the process, in the order of registration; 0 of an empty handle.
  unsigned id() const noexcept;
  operator unsigned() const noexcept { return id(); }

  /// For the library itself: takes over one reference.
  static RemovableHandle adopt(detail::HookRecord* hook) noexcept { RemovableHandle h; h.hook_ = hook; return h; }

 private:
  detail::HookRecord* hook_ = nullptr;
};

}  // namespace ct
