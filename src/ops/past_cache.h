// ops/past_cache.h -- when a result is so large that its elements are written past the caches.
#pragma once

#include <cstdint>

namespace ct::detail {

// The same bound as in elementwise loops.
template <class T>
bool past_cache(std::int64_t numel) { return numel * static_cast<std::int64_t>(sizeof(T)) >= std::int64_t{8} << 20; }

}  // namespace ct::detail
