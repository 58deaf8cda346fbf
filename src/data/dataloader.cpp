// data/dataloader.cpp -- worker threads and the way of jobs to and from them.
#include "cotangent/data/dataloader.h"

#include <deque>

#ifdef CT_THREADS
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#endif

namespace ct::data {

namespace {
std::string message_of(const std::exception_ptr& e) {
  std::string out = "Caught exception in DataLoader worker thread.";
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& original) {
    out += " Original message: ";
    out += original.what();
  } catch (...) {
  }
  return out;
}
}  // namespace

WorkerException::WorkerException(std::exception_ptr original) : Error(message_of(original)), original_exception(std::move(original)), message(msg()) {}
WorkerException::~WorkerException() = default;

FullDataLoaderOptions::FullDataLoaderOptions(DataLoaderOptions options)
    : batch_size(options.batch_size()), workers(options.workers()), max_jobs(options.max_jobs().value_or(2 * workers)), timeout(options.timeout()),
      enforce_ordering(options.enforce_ordering()), drop_last(options.drop_last()) {
  CT_CHECK_VALUE(batch_size > 0, "DataLoader: batch_size should be a positive integer value, but got batch_size=0");
  CT_CHECK_VALUE(workers == 0 || max_jobs > 0, "DataLoader: max_jobs must be positive, or the ", workers, " workers would have nothing to do");
}

namespace detail {

// A job's slot is free, then waiting, then with a worker, then finished, then free again. Requests and results in the slots
// need no lock of their own: they change hands under this one.
struct Shuttle::Impl {
  enum class State : std::uint8_t { free, busy, finished };

  Callback<void(std::size_t, std::size_t)> work;
  bool ordered;
  std::int64_t timeout_ms;  // negative: none
  std::vector<State> state;
  std::vector<std::exception_ptr> exceptions;
  std::deque<std::size_t> waiting, underway;  // slots not yet begun; slots in the order in which their results are given out
#ifdef CT_THREADS
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
  bool quit = false;

  void run(std::size_t worker) {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return quit || !waiting.empty(); });
      if (quit) return;
      const std::size_t slot = waiting.front();
      waiting.pop_front();
      lock.unlock();
      std::exception_ptr failure;
      try {
        work(worker, slot);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      exceptions[slot] = std::move(failure);
      failure = nullptr;  // its last reference must not be this thread's
      state[slot] = State::finished;
      if (!ordered) underway.push_back(slot);
      done.notify_one();
    }
  }
  bool ready() const { return !underway.empty() && state[underway.front()] == State::finished; }
#endif
  std::size_t in_flight() const {
    std::size_t n = 0;
    for (const State s : state) n += s != State::free;
    return n;
  }
};

#ifdef CT_THREADS

Shuttle::Shuttle(const FullDataLoaderOptions& o, Callback<void(std::size_t, std::size_t)> work) : impl_(new Impl) {
  impl_->work = std::move(work);
  impl_->ordered = o.enforce_ordering;
  impl_->timeout_ms = o.timeout ? o.timeout->count() : -1;
  impl_->state.resize(o.max_jobs, Impl::State::free);
  impl_->exceptions.resize(o.max_jobs);
  try {
    for (std::size_t w = 0; w < o.workers; ++w) impl_->workers.emplace_back([impl = impl_, w] { impl->run(w); });
  } catch (const std::system_error& e) {
    const std::size_t started = impl_->workers.size();
    join();
    delete impl_;
    CT_THROW(error, "DataLoader: the system gives no more than ", started, " of ", o.workers, " worker threads: ", e.what());
  }
}
Shuttle::~Shuttle() {
  join();
  delete impl_;
}
void Shuttle::join() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->quit = true;
    impl_->waiting.clear();
  }
  impl_->wake.notify_all();
  for (std::thread& t : impl_->workers) t.join();
  impl_->workers.clear();
  impl_->underway.clear();
  impl_->state.assign(impl_->state.size(), Impl::State::free);
}

std::optional<std::size_t> Shuttle::free_slot() {
  std::lock_guard lock(impl_->mutex);
  for (std::size_t i = 0; i < impl_->state.size(); ++i)
    if (impl_->state[i] == Impl::State::free) return i;
  return std::nullopt;
}
void Shuttle::push(std::size_t slot) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->state[slot] = Impl::State::busy;
    impl_->waiting.push_back(slot);
    if (impl_->ordered) impl_->underway.push_back(slot);
  }
  impl_->wake.notify_one();
}
std::optional<std::size_t> Shuttle::pop(std::exception_ptr& failure) {
  std::unique_lock lock(impl_->mutex);
  if (impl_->in_flight() == 0 || impl_->quit) return std::nullopt;
  if (impl_->timeout_ms < 0) {
    impl_->done.wait(lock, [this] { return impl_->ready(); });
  } else {
    const bool in_time = impl_->done.wait_for(lock, std::chrono::milliseconds(impl_->timeout_ms), [this] { return impl_->ready(); });
    CT_CHECK(in_time, "DataLoader: Timeout in DataLoader queue while waiting for next batch (timeout was ", impl_->timeout_ms, " ms)");
  }
  const std::size_t slot = impl_->underway.front();
  impl_->underway.pop_front();
  impl_->state[slot] = Impl::State::free;
  failure = std::move(impl_->exceptions[slot]);
  impl_->exceptions[slot] = nullptr;
  return slot;
}
std::size_t Shuttle::in_flight() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->in_flight();
}
void Shuttle::drain() {
  std::unique_lock lock(impl_->mutex);
  for (const std::size_t slot : impl_->waiting) impl_->state[slot] = Impl::State::free;
  impl_->waiting.clear();
  impl_->done.wait(lock, [this] {
    for (const Impl::State s : impl_->state)
      if (s == Impl::State::busy) return false;
    return true;
  });
  impl_->underway.clear();
  std::vector<std::exception_ptr> dropped(impl_->exceptions.size());
  dropped.swap(impl_->exceptions);
  impl_->state.assign(impl_->state.size(), Impl::State::free);
}

#else  // without threads the caller does the work, when a result is asked for

Shuttle::Shuttle(const FullDataLoaderOptions& o, Callback<void(std::size_t, std::size_t)> work) : impl_(new Impl) {
  impl_->work = std::move(work);
  impl_->state.resize(o.max_jobs, Impl::State::free);
}
Shuttle::~Shuttle() { delete impl_; }
void Shuttle::join() { drain(); }
std::optional<std::size_t> Shuttle::free_slot() {
  for (std::size_t i = 0; i < impl_->state.size(); ++i)
    if (impl_->state[i] == Impl::State::free) return i;
  return std::nullopt;
}
void Shuttle::push(std::size_t slot) {
  impl_->state[slot] = Impl::State::busy;
  impl_->waiting.push_back(slot);
}
std::optional<std::size_t> Shuttle::pop(std::exception_ptr& failure) {
  if (impl_->waiting.empty()) return std::nullopt;
  const std::size_t slot = impl_->waiting.front();
  impl_->waiting.pop_front();
  impl_->state[slot] = Impl::State::free;
  try {
    impl_->work(0, slot);
  } catch (...) {
    failure = std::current_exception();
  }
  return slot;
}
std::size_t Shuttle::in_flight() const { return impl_->in_flight(); }
void Shuttle::drain() {
  impl_->waiting.clear();
  impl_->state.assign(impl_->state.size(), Impl::State::free);
}

#endif

void throw_iterator_end(bool increment, bool sentinel) {
  if (sentinel) CT_THROW(error, increment ? "DataLoader: Incrementing" : "DataLoader: Dereferencing", " the DataLoader's past-the-end iterator is not allowed");
  CT_THROW(error, "DataLoader: Attempted to ", increment ? "increment iterator past the end" : "dereference iterator that was past the end");
}
void throw_no_size() {
  CT_THROW(error, "make_data_loader: Expected the dataset to be sized in order to construct the Sampler\n  Give a sampler, for instance a StreamSampler.");
}
void throw_two_iterators() {
  CT_THROW(error, "DataLoader: Attempted to get a new DataLoader iterator while another iterator is not yet exhausted\n"
           "  Workers serve one epoch at a time: use another loader for a loop inside a loop.");
}
void check_no_shuffle(const DataLoaderOptions& options) {
  CT_CHECK_VALUE(!options.shuffle(), "make_data_loader: the sampler decides about the order: use make_data_loader<samplers::RandomSampler>(..), or DataLoader for shuffle(true)");
}
void draw_base_seed(const std::optional<Generator>& generator) { empty({}, kLong).random_(generator); }

OrderSampler::OrderSampler(std::size_t size, const DataLoaderOptions& options) : sequential_(size) {
  if (options.shuffle()) random_.emplace(size, false, std::nullopt, options.generator());
}
void OrderSampler::reset(std::optional<std::size_t> new_size) {
  if (random_) random_->reset(new_size);
  else sequential_.reset(new_size);
}
std::optional<std::vector<std::size_t>> OrderSampler::next(std::size_t batch_size) { return random_ ? random_->next(batch_size) : sequential_.next(batch_size); }

}  // namespace detail

}  // namespace ct::data
