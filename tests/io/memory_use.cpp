// tests/io/memory_use.cpp -- counts what C++ code takes from the heap, so that tests see what a reader of files asks for.
#include <algorithm>
#include <cstdlib>
#include <new>

#include "core/alloc.h"
#include "io/files.h"

namespace {
thread_local bool counting = false;
thread_local std::int64_t now = 0, most_now = 0;
}

#ifndef CT_ASAN
#include <malloc.h>

namespace {
void* take(std::size_t n) {
  void* p = std::malloc(n ? n : 1);
  if (!p) throw std::bad_alloc();
  if (counting) {
    now += static_cast<std::int64_t>(::malloc_usable_size(p));
    most_now = std::max(most_now, now);
  }
  return p;
}
void give(void* p) {
  if (p && counting) now -= static_cast<std::int64_t>(::malloc_usable_size(p));
  std::free(p);
}
}  // namespace

void* operator new(std::size_t n) { return take(n); }
void* operator new[](std::size_t n) { return take(n); }
void operator delete(void* p) noexcept { give(p); }
void operator delete[](void* p) noexcept { give(p); }
void operator delete(void* p, std::size_t) noexcept { give(p); }
void operator delete[](void* p, std::size_t) noexcept { give(p); }
#endif

namespace test_io {

MemoryUse::MemoryUse() {
  ct::reset_peak_memory_stats();
  tensors_ = ct::memory_stats().allocated_bytes;
  now = most_now = 0;
  counting = true;
}
MemoryUse::~MemoryUse() { counting = false; }
std::int64_t MemoryUse::most() const { return most_now + ct::memory_stats().peak_allocated_bytes - tensors_; }

TEST_CASE("memory that is taken is counted") {
#ifndef CT_ASAN
  const MemoryUse use;
  { std::string s(3'000'000, 'x'); }
  CHECK(use.most() >= 3'000'000);
  CHECK(use.most() < 3'100'000);
  { const ct::Tensor t = ct::empty({1'000'000}); }
  CHECK(use.most() >= 7'000'000);
#endif
}

}  // namespace test_io
