// data/chunk.cpp -- the threads behind chunked datasets, and the checks of their options.
#include "cotangent/data/chunk.h"

#ifdef CT_THREADS
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#endif

namespace ct::data::datasets {

ChunkDatasetOptions::ChunkDatasetOptions(std::size_t preloader_count, std::size_t batch_size, std::size_t cache_size, std::size_t cross_chunk_shuffle_count)
    : preloader_count_(preloader_count), batch_size_(batch_size), cache_size_(cache_size), cross_chunk_shuffle_count_(cross_chunk_shuffle_count) {
  CT_CHECK(preloader_count > 0, "ChunkDatasetOptions: Preloader count is 0. At least one preloader needs to be specified.");
  CT_CHECK(batch_size > 0, "ChunkDatasetOptions: Batch size is 0. A positive batch size needs to be specified.");
  CT_CHECK(cache_size > 0, "ChunkDatasetOptions: Cache size is 0. A positive cache size needs to be specified.");
  CT_CHECK(cache_size >= batch_size, "ChunkDatasetOptions: Cache size is less than batch size. Cache needs to be large enough to hold at least one batch.");
  CT_CHECK(cross_chunk_shuffle_count > 0, "ChunkDatasetOptions: cross_chunk_shuffle_count needs to be greater than 0.");
}

namespace detail {

#ifdef CT_THREADS

struct Crew::Impl {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::thread> threads;
};

Crew::Crew() : impl_(new Impl) {}
Crew::~Crew() {
  join();
  delete impl_;
}
void Crew::lock() { impl_->mutex.lock(); }
void Crew::unlock() noexcept { impl_->mutex.unlock(); }
void Crew::wait(FunctionRef<bool()> until) {
  std::unique_lock lock(impl_->mutex, std::adopt_lock);
  impl_->changed.wait(lock, until);
  lock.release();
}
void Crew::notify_all() { impl_->changed.notify_all(); }
std::size_t Crew::start(std::size_t n, Callback<void()> f) {
  try {
    while (impl_->threads.size() < n) impl_->threads.emplace_back([f] { f(); });
  } catch (const std::system_error& e) {
    CT_CHECK(!impl_->threads.empty(), "ChunkDataset: the system gives no thread for a preloader: ", e.what());
  }
  return impl_->threads.size();
}
void Crew::join() {
  for (std::thread& t : impl_->threads) t.join();
  impl_->threads.clear();
}

#else

struct Crew::Impl {};
Crew::Crew() : impl_(nullptr) {}
Crew::~Crew() = default;
void Crew::lock() {}
void Crew::unlock() noexcept {}
void Crew::wait(FunctionRef<bool()>) {}
void Crew::notify_all() {}
std::size_t Crew::start(std::size_t n, Callback<void()> f) {
  for (std::size_t i = 0; i < n; ++i) f();
  return n;
}
void Crew::join() {}

#endif

}  // namespace detail
}  // namespace ct::data::datasets
