// cotangent/memory.h -- how much memory tensors take.
#pragma once

#include <cstdint>

#include "cotangent/api.h"

namespace ct {

/// Memory of tensors with at least 64 KiB of elements, in bytes; smaller ones are not counted.
struct MemoryStats {
  std::int64_t allocated_bytes = 0;       // of tensors that are alive, rounded up to what their blocks take
  std::int64_t peak_allocated_bytes = 0;  // the most that this was since the start, or reset_peak_memory_stats()
  std::int64_t cached_bytes = 0;          // freed blocks that are kept for the next tensors
};

/// Of all threads. Costs nothing while no one asks. All zero in builds with the address sanitizer.
CT_API MemoryStats memory_stats();
/// The peak starts again at what is allocated now.
CT_API void reset_peak_memory_stats();
/// Gives freed blocks back to the system.
CT_API void empty_cache();

}  // namespace ct
