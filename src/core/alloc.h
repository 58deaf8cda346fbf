// core/alloc.h -- memory: free lists for the small blocks of scalars and nodes, a cache for large ones.
#pragma once

#include <cstddef>

#include "core/thread_state.h"

#if defined(__SANITIZE_ADDRESS__)
#define CT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CT_ASAN 1
#endif
#endif

namespace ct::detail {

void* refill_small(int size_class);
void* alloc_large(std::size_t bytes);            // 64-byte aligned; throws OutOfMemoryError
void free_large(void* p, std::size_t bytes);

// `bytes` must be the same in both calls. Blocks of up to 512 bytes come from a list of this thread.
inline void* alloc_block(std::size_t bytes) {
#ifndef CT_ASAN
  if (bytes <= small_classes * small_step) {
    const int c = static_cast<int>((bytes + small_step - 1) / small_step);
    void*& head = thread_state.free_list[c];
    if (void* p = head) [[likely]] {
      head = *static_cast<void**>(p);
      return p;
    }
    return refill_small(c);
  }
#endif
  return alloc_large(bytes);
}

inline void free_block(void* p, std::size_t bytes) {
#ifndef CT_ASAN
  if (bytes <= small_classes * small_step) {
    const int c = static_cast<int>((bytes + small_step - 1) / small_step);
    *static_cast<void**>(p) = thread_state.free_list[c];
    thread_state.free_list[c] = p;
    return;
  }
#endif
  free_large(p, bytes);
}

// Gives cached large blocks back to the system.
void empty_cache();

}  // namespace ct::detail
