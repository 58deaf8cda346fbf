// core/alloc.cpp -- slabs behind the small free lists, and the cache of large blocks.
#include "core/alloc.h"

#include <cstdlib>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "cotangent/error.h"
#include "cotangent/memory.h"

namespace ct::detail {

thread_local constinit ThreadState thread_state;

// ---- small blocks -------------------------------------------------------------------------------

namespace {

constexpr std::size_t slab_bytes = 64 * 1024;

// What threads that ended left behind, and the slabs themselves (kept for the life of the process, so that leak
// checkers see every block as reachable).
struct SmallPool {
  std::mutex mutex;
  void* orphans[small_classes + 1] = {};
  void* slabs = nullptr;
};
SmallPool& small_pool() {
  static SmallPool* pool = new SmallPool;  // never destroyed: threads may end after static destructors ran
  return *pool;
}

// Hands the free lists of an ending thread over to the next one that runs short.
struct ThreadExit {
  ~ThreadExit() {
    SmallPool& pool = small_pool();
    std::lock_guard lock(pool.mutex);
    for (int c = 1; c <= small_classes; ++c) {
      void* p = thread_state.free_list[c];
      while (p) {
        void* next = *static_cast<void**>(p);
        *static_cast<void**>(p) = pool.orphans[c];
        pool.orphans[c] = p;
        p = next;
      }
      thread_state.free_list[c] = nullptr;
    }
  }
};
thread_local ThreadExit* touch_exit = nullptr;

}  // namespace

void* refill_small(int c) {
  if (!thread_state.registered) {
    thread_local ThreadExit exit_hook;
    touch_exit = &exit_hook;
    thread_state.registered = true;
  }
  SmallPool& pool = small_pool();
  std::lock_guard lock(pool.mutex);
  if (void* p = pool.orphans[c]) {
    pool.orphans[c] = nullptr;
    thread_state.free_list[c] = *static_cast<void**>(p);
    return p;
  }
  const std::size_t size = static_cast<std::size_t>(c) * small_step;
  char* slab = static_cast<char*>(std::malloc(slab_bytes));
  if (!slab) CT_THROW(out_of_memory, "out of memory: could not allocate ", slab_bytes, " bytes");
  *reinterpret_cast<void**>(slab) = pool.slabs;
  pool.slabs = slab;
  char* first = slab + small_step;
  const std::size_t n = (slab_bytes - small_step) / size;
  for (std::size_t i = 1; i < n; ++i)
    *reinterpret_cast<void**>(first + i * size) = i + 1 < n ? first + (i + 1) * size : nullptr;
  thread_state.free_list[c] = n > 1 ? first + size : nullptr;
  return first;
}

// ---- large blocks -------------------------------------------------------------------------------

namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t cached_from = 64 * 1024;      // below: plain malloc is fast enough
constexpr std::size_t huge_page = 2 * 1024 * 1024;
constexpr int buckets = 4 * 48;                     // four sizes to each power of two

// Under AddressSanitizer every block is the system's own, so that uses after free are seen.
bool is_cached(std::size_t bytes) {
#ifdef CT_ASAN
  return bytes >= cached_from && false;
#else
  return bytes >= cached_from && bytes < (std::size_t{1} << 46);
#endif
}

// Rounds up to a bucket and returns its size; at most 25 % is wasted.
std::size_t bucket_size(std::size_t bytes, int* index) {
  int log = 63 - __builtin_clzll(bytes);
  std::size_t base = std::size_t{1} << log, quarter = base / 4;
  int part = static_cast<int>((bytes - base + quarter - 1) / quarter);
  *index = 4 * log + part;
  return base + quarter * static_cast<std::size_t>(part);
}

struct LargeCache {
  std::mutex mutex;
  struct Free { Free* next; };
  Free* free[buckets] = {};
  std::size_t cached = 0, limit = 0;
  std::size_t allocated = 0, peak = 0;

  void count(std::size_t bytes) {
    allocated += bytes;
    if (allocated > peak) peak = allocated;
  }
};
LargeCache& large_cache() {
  static LargeCache* cache = [] {
    auto* c = new LargeCache;
    c->limit = std::size_t{1} << 30;
#if defined(__linux__)
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) c->limit = static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) / 8;
#endif
    return c;
  }();
  return *cache;
}

void* system_alloc(std::size_t bytes) {
  const std::size_t align = bytes >= 2 * huge_page ? huge_page : alignment;
  const std::size_t rounded = (bytes + align - 1) / align * align;
  void* p = rounded < bytes ? nullptr : std::aligned_alloc(align, rounded);
  if (!p) {
    empty_cache();
    p = rounded < bytes ? nullptr : std::aligned_alloc(align, rounded);
  }
  if (!p) CT_THROW(out_of_memory, "out of memory: could not allocate ", bytes, " bytes for a tensor");
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (align == huge_page) madvise(p, rounded, MADV_HUGEPAGE);  // 512 times fewer page faults; only a hint
#endif
  return p;
}

}  // namespace

void* alloc_large(std::size_t bytes) {
  if (is_cached(bytes)) {
    int b;
    const std::size_t size = bucket_size(bytes, &b);
    LargeCache& cache = large_cache();
    {
      std::lock_guard lock(cache.mutex);
      if (LargeCache::Free* p = cache.free[b]) {
        cache.free[b] = p->next;
        cache.cached -= size;
        cache.count(size);
        return p;
      }
    }
    void* p = system_alloc(size);
    std::lock_guard lock(cache.mutex);
    cache.count(size);
    return p;
  }
  return system_alloc(bytes ? bytes : alignment);
}

void free_large(void* p, std::size_t bytes) {
  if (is_cached(bytes)) {
    int b;
    const std::size_t size = bucket_size(bytes, &b);
    LargeCache& cache = large_cache();
    std::lock_guard lock(cache.mutex);
    cache.allocated -= size;
    if (cache.cached + size <= cache.limit) {
      auto* f = static_cast<LargeCache::Free*>(p);
      f->next = cache.free[b];
      cache.free[b] = f;
      cache.cached += size;
      return;
    }
  }
  std::free(p);
}

void empty_cache() {
  LargeCache& cache = large_cache();
  std::lock_guard lock(cache.mutex);
  for (LargeCache::Free*& head : cache.free)
    while (head) {
      LargeCache::Free* next = head->next;
      std::free(head);
      head = next;
    }
  cache.cached = 0;
}

}  // namespace ct::detail

namespace ct {

using detail::LargeCache;

MemoryStats memory_stats() {
  LargeCache& cache = detail::large_cache();
  std::lock_guard lock(cache.mutex);
  return {static_cast<std::int64_t>(cache.allocated), static_cast<std::int64_t>(cache.peak), static_cast<std::int64_t>(cache.cached)};
}

void reset_peak_memory_stats() {
  LargeCache& cache = detail::large_cache();
  std::lock_guard lock(cache.mutex);
  cache.peak = cache.allocated;
}

void empty_cache() { detail::empty_cache(); }

}  // namespace ct
