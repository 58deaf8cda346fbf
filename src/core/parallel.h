// core/parallel.h -- splitting a range over the thread pool.
#pragma once

#include <cstdint>

namespace ct::detail {

using RangeFn = void (*)(void* context, std::int64_t begin, std::int64_t end);
void parallel_range(std::int64_t n, std::int64_t grain, RangeFn fn, void* context);

// Calls f(begin, end) on parts of [0, n) of at least `grain` items, on several threads if there are enough of them.
// f must not throw, and must not record operations.
template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, const F& f) {
  if (n <= grain) {
    if (n > 0) f(std::int64_t{0}, n);
    return;
  }
  parallel_range(n, grain, [](void* c, std::int64_t b, std::int64_t e) { (*static_cast<const F*>(c))(b, e); },
                 const_cast<void*>(static_cast<const void*>(&f)));
}

// Elementwise work below this many elements stays on one thread: waking another costs about as much.
inline constexpr std::int64_t elementwise_grain = 65536;

}  // namespace ct::detail
