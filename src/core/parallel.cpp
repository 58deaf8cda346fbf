// core/parallel.cpp -- a small thread pool: started at the first large operation, forgotten after fork.
#include "core/parallel.h"

#include "cotangent/error.h"
#include "cotangent/threads.h"

#ifdef CT_THREADS
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>
#endif

namespace ct {

#ifndef CT_THREADS

int get_num_threads() { return 1; }
void set_num_threads(int n) { CT_CHECK_VALUE(n >= 1, "set_num_threads: expected a positive number of threads, got ", n); }
void detail::parallel_range(std::int64_t n, std::int64_t, RangeFn fn, void* context) { fn(context, 0, n); }

#else

namespace {

// One job at a time; a second caller, or a worker that meets a parallel loop inside its own, runs it alone.
class Pool {
 public:
  explicit Pool(int threads) {
    try {
      for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {  // the system gives no more threads: those that started will do
    }
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : workers_) t.join();
  }

  bool try_run(std::int64_t n, std::int64_t step, detail::RangeFn fn, void* context) {
    std::unique_lock busy(busy_, std::try_to_lock);
    if (!busy) return false;
    {
      std::lock_guard lock(mutex_);
      fn_ = fn;
      context_ = context;
      n_ = n;
      step_ = step;
      next_.store(0, std::memory_order_relaxed);
      pending_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    take_parts();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return pending_ == 0; });
    return true;
  }

 private:
  void take_parts() {
    for (;;) {
      const std::int64_t begin = next_.fetch_add(step_, std::memory_order_relaxed);
      if (begin >= n_) return;
      fn_(context_, begin, begin + step_ < n_ ? begin + step_ : n_);
    }
  }
  void work() {
    std::uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
      }
      take_parts();
      std::lock_guard lock(mutex_);
      if (--pending_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  bool stop_ = false;
  std::uint64_t generation_ = 0;
  int pending_ = 0;
  detail::RangeFn fn_ = nullptr;
  void* context_ = nullptr;
  std::int64_t n_ = 0, step_ = 1;
  std::atomic<std::int64_t> next_{0};
};

// Pools of a parent process: never destroyed, as their threads are not here to be joined; kept in sight of leak checkers.
struct Forgotten {
  std::shared_ptr<Pool> pool;
  Forgotten* next;
};

// Loops hold the pool they run on, so that set_num_threads() may replace it meanwhile.
struct PoolHolder {
  std::mutex mutex;
  std::shared_ptr<Pool> pool;
  Forgotten* forgotten = nullptr;
  std::atomic<int> threads{0};
};
PoolHolder& holder() {
  static PoolHolder h;
  // The child of a fork has none of the threads: it forgets the pool and starts another when it needs one.
  static const bool registered = [] {
    return pthread_atfork(nullptr, nullptr, [] {
             PoolHolder& child = holder();
             if (child.pool) child.forgotten = new Forgotten{std::move(child.pool), child.forgotten};
             new (&child.mutex) std::mutex;
           }) == 0;
  }();
  (void)registered;
  return h;
}
thread_local bool in_parallel = false;

}  // namespace

int get_num_threads() {
  int n = holder().threads.load(std::memory_order_relaxed);
  if (n == 0) {
    n = static_cast<int>(std::thread::hardware_concurrency());
    n = n < 1 ? 1 : n;
    holder().threads.store(n);
  }
  return n;
}

void set_num_threads(int n) {
  CT_CHECK_VALUE(n >= 1, "set_num_threads: expected a positive number of threads, got ", n);
  PoolHolder& h = holder();
  std::shared_ptr<Pool> before;  // joined, if nobody uses it, after the lock is gone
  std::lock_guard lock(h.mutex);
  if (n == h.threads.load()) return;
  before = std::move(h.pool);
  h.threads.store(n);
}

void detail::parallel_range(std::int64_t n, std::int64_t grain, RangeFn fn, void* context) {
  const int threads = get_num_threads();
  if (threads == 1 || in_parallel || n < 2 * grain) return fn(context, 0, n);
  PoolHolder& h = holder();
  std::shared_ptr<Pool> pool;
  {
    std::lock_guard lock(h.mutex);
    if (!h.pool) h.pool = std::make_shared<Pool>(h.threads.load());
    pool = h.pool;
  }
  // Two parts a thread: enough to even out, few enough to stay cheap.
  std::int64_t step = (n + 2 * threads - 1) / (2 * threads);
  step = step < grain ? grain : step;
  if (grain >= 64) step = (step + 63) / 64 * 64;  // small items: whole cache lines; big ones would all go to one thread
  // The workers run fn directly; only the caller needs the flag, and only while it takes part.
  struct Flag {
    Flag() { in_parallel = true; }
    ~Flag() { in_parallel = false; }
  } flag;
  if (!pool->try_run(n, step, fn, context)) fn(context, 0, n);
}

#endif

}  // namespace ct
