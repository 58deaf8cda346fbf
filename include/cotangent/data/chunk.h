// cotangent/data/chunk.h -- datasets that are read in chunks, by threads that keep ahead of the training loop.
#pragma once

#include <deque>
#include <exception>
#include <utility>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/data/dataloader.h"

namespace ct::data::datasets {

/// Reads chunks (files, or parts of one) as rows of examples. With several preloaders read_chunk() must be safe to call from
/// several threads.
template <typename ExampleType_, typename ChunkType_ = std::vector<ExampleType_>>
class ChunkDataReader {
 public:
  using ChunkType = ChunkType_;
  using ExampleType = ExampleType_;
  using BatchType = ChunkType_;  // libtorch leaves this to derived classes

  virtual ~ChunkDataReader() = default;
  virtual ChunkType read_chunk(std::size_t chunk_index) = 0;
  virtual std::size_t chunk_count() = 0;
  /// Called at the beginning of each epoch.
  virtual void reset() = 0;
};

/// Errors: ct::Error if a number is 0, or the cache is smaller than a batch.
struct CT_API ChunkDatasetOptions {
  ChunkDatasetOptions() = delete;
  ChunkDatasetOptions(std::size_t preloader_count, std::size_t batch_size, std::size_t cache_size = 2048, std::size_t cross_chunk_shuffle_count = 1);

  /// Threads that read chunks.
  CT_ARG(std::size_t, preloader_count);
  CT_ARG(std::size_t, batch_size);
  /// Examples to keep ready: no chunk is added to as many.
  CT_ARG(std::size_t, cache_size) = 2048;
  /// Chunks that are shuffled together.
  CT_ARG(std::size_t, cross_chunk_shuffle_count) = 1;
};

namespace detail {

// A mutex, a condition and threads, without their headers.
class CT_API Crew {
 public:
  Crew();
  ~Crew();  // waits for the threads
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  void lock();
  void unlock() noexcept;
  void wait(FunctionRef<bool()> until);  // under the lock
  void notify_all();
  // Runs f on n threads, or on as many as the system gives, and returns their number; in a build without threads, here.
  // Errors: ct::Error if it gives none.
  std::size_t start(std::size_t n, Callback<void()> f);
  void join();

  struct Guard {
    explicit Guard(Crew& crew) : crew(crew) { crew.lock(); }
    ~Guard() { crew.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    Crew& crew;
  };

 private:
  struct Impl;
  [[maybe_unused]] Impl* impl_;
};

}  // namespace detail

/// Batches of examples from chunks: `chunk_sampler` gives the order of chunks, `example_sampler` that of the examples of a chunk.
/// Not to be copied: a loader gets it through make_shared_dataset. With one preloader, and samplers that do not draw at the
/// same time as the program, batches come in the same order each time.
/// Errors: what a preloader met is thrown by get_batch() as WorkerException, after which the next batch may be asked for.
template <typename ChunkReader, typename ChunkSampler = samplers::RandomSampler, typename ExampleSampler = samplers::RandomSampler>
class ChunkDataset final : public StatefulDataset<ChunkDataset<ChunkReader, ChunkSampler, ExampleSampler>, typename ChunkReader::BatchType, std::size_t> {
 public:
  using UnwrappedBatchType = typename ChunkReader::BatchType;
  using BatchType = std::optional<UnwrappedBatchType>;
  using BatchRequestType = std::size_t;
  using ChunkSamplerType = ChunkSampler;
  using ExampleSamplerType = ExampleSampler;

  /// `preprocessing_policy` is called with the examples that were read together, before they are shuffled.
  ChunkDataset(ChunkReader chunk_reader, ChunkSampler chunk_sampler, ExampleSampler example_sampler, ChunkDatasetOptions options,
               Callback<void(UnwrappedBatchType&)> preprocessing_policy = {})
      : chunk_reader_(std::move(chunk_reader)), chunk_sampler_(std::move(chunk_sampler)), example_sampler_(std::move(example_sampler)),
        options_(std::move(options)), preprocessing_policy_(std::move(preprocessing_policy)) {}
  ~ChunkDataset() override { stop(); }

  /// The next batch; nothing at the end of the epoch. Errors: ct::Error before reset(), or for another size than the options have.
  BatchType get_batch(std::size_t batch_size) override {
    CT_CHECK(begun_, "ChunkDataset: Dataset needs to call reset() before calling get_batch().");
    CT_CHECK(batch_size == options_.batch_size(), "ChunkDataset: The requested batch size does not match with the initialized batch size.\n"
             " The requested batch size is ", batch_size, ", while the dataset is created with batch size equal to ", options_.batch_size());
    Ready batch;
    {
      detail::Crew::Guard guard(crew_);
      crew_.wait([this] { return running_ == 0 || quit_ || ready_.size() > 1 || (ready_.size() == 1 && ended(ready_.front())); });
      if (ready_.empty()) return std::nullopt;
      batch = std::move(ready_.front());
      ready_.pop_front();
      count_ -= batch.examples.size();
    }
    crew_.notify_all();
    if (batch.exception) throw WorkerException(std::move(batch.exception));
    return std::move(batch.examples);
  }
  BatchType get_batch() { return get_batch(options_.batch_size()); }

  /// Begins an epoch: drops what is left of the one before, and starts the preloaders.
  void reset() override {
    stop();
    if (!std::exchange(loaded_, false)) {
      chunk_reader_.reset();
      chunk_sampler_.reset(chunk_reader_.chunk_count());
    }
    ready_.clear();
    count_ = 0;
    quit_ = false;
    begun_ = true;
    running_ = options_.preloader_count();
    const std::size_t started = crew_.start(running_, [this] { preload(); });
    detail::Crew::Guard guard(crew_);
    running_ -= options_.preloader_count() - started;
    crew_.notify_all();
  }
  std::optional<std::size_t> size() const override { return std::nullopt; }
  /// Which chunks are still to come: of those that are loaded ahead, the examples are lost. The next reset() goes on from there.
  void save(serialize::OutputArchive& archive) const override {
    detail::Crew::Guard guard(crew_);
    chunk_sampler_.save(archive);
  }
  void load(serialize::InputArchive& archive) override {
    detail::Crew::Guard guard(crew_);
    chunk_sampler_.load(archive);
    loaded_ = true;
  }
  /// For instance to set a distributed sampler's epoch; not during one.
  ChunkSamplerType& chunk_sampler() { return chunk_sampler_; }

 private:
  struct Ready {
    UnwrappedBatchType examples{};
    std::exception_ptr exception{};
  };

  // Only the last batch grows, until it is full; none grows behind an exception.
  bool ended(const Ready& batch) const { return batch.exception || batch.examples.size() >= options_.batch_size(); }

  void stop() {
    {
      detail::Crew::Guard guard(crew_);
      quit_ = true;
    }
    crew_.notify_all();
    crew_.join();
  }

  // What a preloader does, until there are no more chunks.
  void preload() {
    for (bool more = true; more;) {
      std::exception_ptr failure;
      try {
        read_next(more);
      } catch (...) {
        failure = std::current_exception();
      }
      detail::Crew::Guard guard(crew_);
      if (failure && !quit_) ready_.push_back({{}, std::move(failure)});
      failure = nullptr;
      more = more && !quit_;
      if (!more) --running_;
      crew_.notify_all();
    }
  }
  void read_next(bool& more) {
    more = false;
    std::vector<std::size_t> chunks;
    {
      detail::Crew::Guard guard(crew_);
      auto next = chunk_sampler_.next(options_.cross_chunk_shuffle_count());
      if (!next || quit_) return;
      chunks = std::move(*next);
    }
    more = true;  // also after a chunk that could not be read
    UnwrappedBatchType data = chunk_reader_.read_chunk(chunks[0]);
    for (std::size_t i = 1; i < chunks.size(); ++i)
      for (auto& e : chunk_reader_.read_chunk(chunks[i])) data.push_back(std::move(e));
    if (preprocessing_policy_) preprocessing_policy_(data);
    if (!data.empty()) add(std::move(data));
  }
  void add(UnwrappedBatchType data) {
    detail::Crew::Guard guard(crew_);
    crew_.wait([this] { return quit_ || count_ < options_.cache_size(); });
    if (quit_) return;
    example_sampler_.reset(data.size());
    for (std::size_t left = data.size(); left > 0;) {  // fills the last batch up, then makes new ones
      if (ready_.empty() || ended(ready_.back())) ready_.emplace_back();
      auto& batch = ready_.back().examples;
      const std::size_t n = left < options_.batch_size() - batch.size() ? left : options_.batch_size() - batch.size();
      const auto places = example_sampler_.next(n);
      CT_CHECK(places && places->size() == n, "ChunkDataset: the sampler of examples gave fewer places than examples");
      for (const std::size_t i : *places) {
        CT_CHECK_INDEX(i < data.size(), "ChunkDataset: Index out of range: ", i, " of ", data.size(), " examples");
        batch.push_back(std::move(data[i]));
        ++count_;
      }
      left -= n;
    }
  }

  ChunkReader chunk_reader_;
  ChunkSampler chunk_sampler_;
  ExampleSampler example_sampler_;
  const ChunkDatasetOptions options_;
  Callback<void(UnwrappedBatchType&)> preprocessing_policy_;

  bool begun_ = false, loaded_ = false;
  // Under the lock: batches in order (the last one may still grow), their examples, preloaders at work.
  std::deque<Ready> ready_;
  std::size_t count_ = 0, running_ = 0;
  bool quit_ = false;
  mutable detail::Crew crew_;  // last: its threads use all of the above
};

}  // namespace ct::data::datasets
