// core/refcount.h -- reference counts that cost an atomic only once the process has a second thread.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define CT_SINGLE_THREADED __libc_single_threaded
#endif
#endif
#ifndef CT_SINGLE_THREADED
#define CT_SINGLE_THREADED 0
#endif

namespace ct::detail {

// glibc says whether a second thread was ever started; until then a plain add is enough, which halves the cost of
// a tensor copy.
class Refcount {
 public:
  Refcount() : n_(1) {}

  void inc() {
    if (CT_SINGLE_THREADED) n_.store(n_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    else n_.fetch_add(1, std::memory_order_relaxed);
  }
  // Returns true when the last reference is gone.
  bool dec() {
    if (CT_SINGLE_THREADED) {
      std::int32_t n = n_.load(std::memory_order_relaxed) - 1;
      n_.store(n, std::memory_order_relaxed);
      return n == 0;
    }
    return n_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  // For weak pointers: takes a reference unless the object is already being destroyed.
  bool inc_if_alive() {
    std::int32_t n = n_.load(std::memory_order_relaxed);
    while (n > 0)
      if (n_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel)) return true;
    return false;
  }
  std::int32_t count() const { return n_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::int32_t> n_;
};

}  // namespace ct::detail
