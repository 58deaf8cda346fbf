// cotangent/data/dataloader.h -- batches of a dataset in a sampler's order, made by worker threads if asked to.
#pragma once

#include <exception>  // what a worker threw
#include <iterator>   // Iterator's category
#include <memory>     // make_data_loader() returns a unique_ptr, as in libtorch
#include <optional>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/data/datasets.h"
#include "cotangent/data/samplers.h"
#include "cotangent/data/transforms.h"
#include "cotangent/arg.h"

namespace ct::data {

/// A worker thread's exception, thrown where its batch was asked for; original_exception is what the worker threw.
struct CT_API WorkerException : public Error {
  explicit WorkerException(std::exception_ptr original);
  ~WorkerException() override;

  std::exception_ptr original_exception;
  std::string message;
};

/// Takes any std::chrono::duration, without its header.
struct Milliseconds {
  template <class Duration>
    requires requires(Duration d) { d.count(); Duration::period::num; }
  Milliseconds(Duration d) : count_(static_cast<std::int64_t>(d.count()) * 1000 * Duration::period::num / Duration::period::den) {}
  explicit Milliseconds(std::int64_t count) : count_(count) {}
  std::int64_t count() const { return count_; }

 private:
  std::int64_t count_;
};

struct DataLoaderOptions {
  DataLoaderOptions() = default;
  DataLoaderOptions(std::size_t batch_size) : batch_size_(batch_size) {}

  /// Examples in a batch.
  CT_ARG(std::size_t, batch_size) = 1;
  /// Threads that make batches ahead; 0: the calling one makes each when it is asked for.
  CT_ARG(std::size_t, workers) = 0;
  /// Batches under way at most; twice the number of workers unless given.
  CT_ARG(std::optional<std::size_t>, max_jobs);
  /// How long to wait for a worker's batch.
  CT_ARG(std::optional<Milliseconds>, timeout);
  /// Batches come in the sampler's order whatever the number of workers; false: in the order in which they are done.
  CT_ARG(bool, enforce_ordering) = true;
  /// Leaves out a last batch that is not full.
  CT_ARG(bool, drop_last) = false;
  /// For DataLoader: a new order in each epoch. (make_data_loader leaves that to its sampler.)
  CT_ARG(bool, shuffle) = false;
  /// For DataLoader: the stream that orders are drawn from in place of the default one.
  CT_ARG(std::optional<Generator>, generator);
};

/// The same with all that was left open filled in. Errors: ct::ValueError for a batch size of 0, or workers without jobs.
struct CT_API FullDataLoaderOptions {
  explicit FullDataLoaderOptions(DataLoaderOptions options);

  std::size_t batch_size, workers, max_jobs;
  std::optional<Milliseconds> timeout;
  bool enforce_ordering, drop_last;
};

namespace detail {

// Jobs, by the number of the place where their request and result lie, between one thread and its workers.
// All members are called by that one thread; work(worker, slot) runs on the workers.
class CT_API Shuttle {
 public:
  Shuttle(const FullDataLoaderOptions& options, Callback<void(std::size_t worker, std::size_t slot)> work);
  ~Shuttle();
  Shuttle(const Shuttle&) = delete;
  Shuttle& operator=(const Shuttle&) = delete;

  std::optional<std::size_t> free_slot();
  void push(std::size_t slot);
  // The slot of a finished job, and what it threw; nothing if none is under way. The slot is free again.
  // Errors: ct::Error if it takes longer than the timeout.
  std::optional<std::size_t> pop(std::exception_ptr& failure);
  std::size_t in_flight() const;
  // Drops what has not been begun, and waits for the rest.
  void drain();
  void join();

 private:
  struct Impl;
  Impl* impl_;
};

[[noreturn]] CT_API void throw_iterator_end(bool increment, bool sentinel);
[[noreturn]] CT_API void throw_no_size();
[[noreturn]] CT_API void throw_two_iterators();
CT_API void check_no_shuffle(const DataLoaderOptions& options);
// What Python's loader draws before each epoch (a seed for its workers), whether or not anyone uses it.
CT_API void draw_base_seed(const std::optional<Generator>& generator);

template <typename D>
std::vector<D> copies(D dataset, std::size_t n) {
  std::vector<D> out;
  out.reserve(n ? n : 1);
  for (std::size_t i = 1; i < n; ++i) out.push_back(dataset);
  out.push_back(std::move(dataset));
  return out;
}

// One pass over a loader: the batch that its iterator stands on.
template <typename Batch>
struct Epoch {
  template <class F>
  explicit Epoch(F next) : next(std::move(next)) {}
  void start() {
    if (started) return;
    batch = next();
    started = true;
  }
  Callback<std::optional<Batch>()> next;
  std::optional<Batch> batch{};
  bool started = false;
};

}  // namespace detail

/// Walks once over the batches; copies share their place. Valid as long as the loader.
template <typename Batch>
class Iterator {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = Batch;
  using pointer = Batch*;
  using reference = Batch&;
  using iterator_category = std::input_iterator_tag;

  Iterator() = default;
  explicit Iterator(std::shared_ptr<detail::Epoch<Batch>> epoch) : epoch_(std::move(epoch)) {}

  /// Errors: ct::Error past the end; WorkerException, after which ++ goes on with the batch that follows.
  Iterator& operator++() {
    if (!epoch_) detail::throw_iterator_end(true, true);
    epoch_->start();
    if (!epoch_->batch) detail::throw_iterator_end(true, false);
    epoch_->batch = epoch_->next();
    return *this;
  }
  Batch& operator*() {
    if (!epoch_) detail::throw_iterator_end(false, true);
    epoch_->start();
    if (!epoch_->batch) detail::throw_iterator_end(false, false);
    return *epoch_->batch;
  }
  Batch* operator->() { return &**this; }
  bool operator==(const Iterator& o) const { return epoch_ == o.epoch_ || (!epoch_ && o.at_end()) || (!o.epoch_ && at_end()); }
  bool operator!=(const Iterator& o) const { return !(*this == o); }

 private:
  bool at_end() const {
    if (!epoch_) return true;
    epoch_->start();
    return !epoch_->batch;
  }
  std::shared_ptr<detail::Epoch<Batch>> epoch_;
};

/// What the two kinds of loaders share. One thread uses a loader; its workers are its own.
template <typename Dataset, typename Batch, typename BatchRequest>
class DataLoaderBase {
 public:
  using BatchType = Batch;
  using BatchRequestType = BatchRequest;

  /// As many datasets as workers, each for one; or one that all of them share.
  DataLoaderBase(DataLoaderOptions options, std::vector<Dataset> datasets) : options_(std::move(options)), datasets_(std::move(datasets)), link_(std::make_shared<DataLoaderBase*>(this)) {}
  DataLoaderBase(const DataLoaderBase&) = delete;
  DataLoaderBase& operator=(const DataLoaderBase&) = delete;
  virtual ~DataLoaderBase() {
    *link_ = nullptr;
    join();
  }

  /// Begins an epoch. With workers, one that was left early ends here.
  /// Errors: ct::Error "Attempted to get a new DataLoader iterator while another iterator is not yet exhausted", with workers.
  Iterator<Batch> begin() {
    if (shuttle_ && shuttle_->in_flight() > 0 && !latest_.expired()) detail::throw_two_iterators();
    reset();
    auto epoch = std::make_shared<detail::Epoch<Batch>>([link = link_] { return *link ? (*link)->next() : std::optional<Batch>(); });
    latest_ = epoch;
    return Iterator<Batch>(std::move(epoch));
  }
  Iterator<Batch> end() { return {}; }

  /// Ends the workers, after which there are no more batches.
  void join() {
    if (shuttle_) shuttle_->join();
    joined_ = true;
  }
  const FullDataLoaderOptions& options() const noexcept { return options_; }

 protected:
  virtual std::optional<BatchRequestType> get_batch_request() = 0;
  virtual void reset() {
    if (options_.workers == 0) return;
    CT_CHECK(!joined_, "DataLoader: its workers have been ended by join()");
    if (!shuttle_) {
      slots_.resize(options_.max_jobs);
      shuttle_ = std::make_unique<detail::Shuttle>(options_, [this](std::size_t worker, std::size_t slot) {
        Slot& s = slots_[slot];
        s.batch = datasets_[worker % datasets_.size()].get_batch(std::move(*s.request));
      });
    }
    drain();
    for (Slot& s : slots_) s.batch.reset();
    prefetch();
  }
  Dataset& main_thread_dataset() { return datasets_[0]; }
  // Drops what the workers have not begun, and waits for the rest.
  void drain() {
    if (shuttle_) shuttle_->drain();
  }

  FullDataLoaderOptions options_;

 private:
  struct Slot {
    std::optional<BatchRequest> request{};
    std::optional<Batch> batch{};
  };

  void prefetch() {
    while (const auto slot = shuttle_->free_slot()) {
      auto request = get_batch_request();
      if (!request) return;
      slots_[*slot].request = std::move(request);
      shuttle_->push(*slot);
    }
  }
  std::optional<Batch> next() {
    if (options_.workers == 0) {
      if (auto request = get_batch_request()) return std::optional<Batch>(datasets_[0].get_batch(std::move(*request)));
      return std::nullopt;
    }
    std::exception_ptr failure;
    while (const auto slot = shuttle_->pop(failure)) {
      std::optional<Batch> batch = std::move(slots_[*slot].batch);
      slots_[*slot].batch.reset();
      if (!batch && !failure) continue;  // a stateful dataset has come to its end
      prefetch();
      if (failure) throw WorkerException(std::move(failure));
      return batch;
    }
    return std::nullopt;
  }

  std::vector<Dataset> datasets_;
  std::vector<Slot> slots_;
  std::shared_ptr<DataLoaderBase*> link_;  // iterators hold it too, so they know when the loader is gone
  std::weak_ptr<detail::Epoch<Batch>> latest_;
  bool joined_ = false;
  std::unique_ptr<detail::Shuttle> shuttle_;  // last: its workers use all of the above
};

/// For datasets with places: a sampler says which ones make up a batch.
template <typename Dataset, typename Sampler>
class StatelessDataLoader : public DataLoaderBase<Dataset, typename Dataset::BatchType, typename Sampler::BatchRequestType> {
 public:
  using super = DataLoaderBase<Dataset, typename Dataset::BatchType, typename Sampler::BatchRequestType>;
  using typename super::BatchRequestType;

  StatelessDataLoader(Dataset dataset, Sampler sampler, DataLoaderOptions options)
      : super(options, detail::copies(std::move(dataset), options.workers())), sampler_(std::move(sampler)) {}

 private:
  void reset() override {
    sampler_.reset(std::nullopt);
    super::reset();
  }
  std::optional<BatchRequestType> get_batch_request() override {
    auto request = sampler_.next(this->options_.batch_size);
    if (request && this->options_.drop_last && request->size() < this->options_.batch_size) request.reset();
    return request;
  }

  Sampler sampler_;
};

/// For stateful datasets, which decide themselves what comes next.
template <typename Dataset>
class StatefulDataLoader : public DataLoaderBase<Dataset, typename Dataset::BatchType::value_type, typename Dataset::BatchRequestType> {
 public:
  using super = DataLoaderBase<Dataset, typename Dataset::BatchType::value_type, typename Dataset::BatchRequestType>;
  using typename super::BatchRequestType;

  StatefulDataLoader(Dataset dataset, DataLoaderOptions options) : super(std::move(options), detail::copies(std::move(dataset), 1)) {}

 private:
  void reset() override {
    this->drain();  // no worker is to be in the dataset while it begins anew
    this->main_thread_dataset().reset();
    super::reset();
  }
  std::optional<BatchRequestType> get_batch_request() override { return BatchRequestType(this->options_.batch_size); }
};

/// A loader of a dataset in a sampler's order.
///   auto loader = ct::data::make_data_loader(dataset.map(ct::data::transforms::Stack<>()), ct::data::DataLoaderOptions().batch_size(64));
///   for (auto& batch : *loader) use(batch.data, batch.target);
template <typename Dataset, typename Sampler>
  requires(!Dataset::is_stateful)
std::unique_ptr<StatelessDataLoader<Dataset, Sampler>> make_data_loader(Dataset dataset, Sampler sampler, DataLoaderOptions options) {
  detail::check_no_shuffle(options);
  return std::make_unique<StatelessDataLoader<Dataset, Sampler>>(std::move(dataset), std::move(sampler), std::move(options));
}
/// The same with a sampler made from the dataset's size. Errors: ct::Error if it has none.
template <typename Sampler = samplers::RandomSampler, typename Dataset>
  requires(!Dataset::is_stateful && std::is_constructible_v<Sampler, std::size_t>)
std::unique_ptr<StatelessDataLoader<Dataset, Sampler>> make_data_loader(Dataset dataset, DataLoaderOptions options = DataLoaderOptions()) {
  const std::optional<std::size_t> size = dataset.size();
  if (!size) detail::throw_no_size();
  return make_data_loader(std::move(dataset), Sampler(*size), std::move(options));
}
template <typename Dataset>
  requires(Dataset::is_stateful)
std::unique_ptr<StatefulDataLoader<Dataset>> make_data_loader(Dataset dataset, DataLoaderOptions options = DataLoaderOptions()) {
  detail::check_no_shuffle(options);
  return std::make_unique<StatefulDataLoader<Dataset>>(std::move(dataset), std::move(options));
}

namespace detail {

// In order or shuffled, as Python's loader chooses its sampler.
class CT_API OrderSampler : public samplers::Sampler<> {
 public:
  OrderSampler(std::size_t size, const DataLoaderOptions& options);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;

 private:
  samplers::SequentialSampler sequential_;
  std::optional<samplers::PythonRandomSampler> random_;
};

// Batches of examples that can be stacked are stacked; any other batch stays what it is.
template <typename D>
struct collated { using type = D; };
template <typename D>
  requires requires(typename D::BatchType b) { transforms::Stack<typename D::BatchType::value_type>().apply_batch(std::move(b)); }
struct collated<D> { using type = datasets::MapDataset<D, transforms::Stack<typename D::BatchType::value_type>>; };

template <typename S>
concept is_sampler = requires { typename S::BatchRequestType; };

template <typename D>
typename collated<D>::type collate(D dataset) {
  if constexpr (std::is_same_v<typename collated<D>::type, D>) return dataset;
  else return {std::move(dataset), {}};
}

}  // namespace detail

/// Python's DataLoader: examples are stacked, and `shuffle` gives the order that Python has for the same seed.
///   ct::data::DataLoader loader(ct::data::TensorDataset(x, y), ct::data::DataLoaderOptions().batch_size(64).shuffle(true));
///   for (auto& [xb, yb] : loader) ...
/// Another order: a sampler as second argument.
template <typename Dataset, detail::is_sampler Sampler = detail::OrderSampler>
class DataLoader {
 public:
  using Loader = StatelessDataLoader<typename detail::collated<Dataset>::type, Sampler>;
  using BatchType = typename Loader::BatchType;

  explicit DataLoader(Dataset dataset, DataLoaderOptions options = {})
    requires(std::is_same_v<Sampler, detail::OrderSampler>)
      : size_(dataset.size()), generator_(options.generator()) {
    if (!size_) detail::throw_no_size();
    loader_ = std::make_unique<Loader>(detail::collate(std::move(dataset)), Sampler(*size_, options), options);
  }
  DataLoader(Dataset dataset, Sampler sampler, DataLoaderOptions options = {})
      : generator_(options.generator()), loader_(std::make_unique<Loader>(detail::collate(std::move(dataset)), std::move(sampler), options)) {}

  Iterator<BatchType> begin() {
    detail::draw_base_seed(generator_);
    return loader_->begin();
  }
  Iterator<BatchType> end() { return {}; }
  /// Python's len(loader): the number of batches; nothing if a sampler was given.
  std::optional<std::size_t> size() const {
    if (!size_) return std::nullopt;
    const FullDataLoaderOptions& o = loader_->options();
    return o.drop_last ? *size_ / o.batch_size : (*size_ + o.batch_size - 1) / o.batch_size;
  }
  const FullDataLoaderOptions& options() const noexcept { return loader_->options(); }

 private:
  std::optional<std::size_t> size_;
  std::optional<Generator> generator_;
  std::unique_ptr<Loader> loader_;
};

}  // namespace ct::data
