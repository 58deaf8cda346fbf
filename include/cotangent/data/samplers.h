// cotangent/data/samplers.h -- in which order a loader asks a dataset for examples.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "cotangent/tensor.h"

namespace ct::serialize {
class InputArchive;
class OutputArchive;
}  // namespace ct::serialize

namespace ct::data::samplers {

namespace detail {
[[noreturn]] CT_API void throw_no_state();
}

/// Gives requests for batches, until the epoch is over.
template <typename BatchRequest = std::vector<std::size_t>>
class Sampler {
 public:
  using BatchRequestType = BatchRequest;

  virtual ~Sampler() = default;
  /// Begins an epoch, perhaps over another number of examples.
  virtual void reset(std::optional<std::size_t> new_size) = 0;
  /// The next request for up to `batch_size` examples; nothing at the end of the epoch.
  virtual std::optional<BatchRequest> next(std::size_t batch_size) = 0;
  /// Where it is in its epoch. Errors: ct::NotImplementedError for a sampler of one's own that does not write them.
  virtual void save(serialize::OutputArchive&) const { detail::throw_no_state(); }
  virtual void load(serialize::InputArchive&) { detail::throw_no_state(); }
};

template <typename BatchRequest>
serialize::OutputArchive& operator<<(serialize::OutputArchive& archive, const Sampler<BatchRequest>& sampler) {
  sampler.save(archive);
  return archive;
}
template <typename BatchRequest>
serialize::InputArchive& operator>>(serialize::InputArchive& archive, Sampler<BatchRequest>& sampler) {
  sampler.load(archive);
  return archive;
}

/// 0, 1, 2, ...
class CT_API SequentialSampler : public Sampler<> {
 public:
  explicit SequentialSampler(std::size_t size) : size_(size) {}
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  /// How many examples of this epoch have been asked for.
  std::size_t index() const noexcept { return index_; }

 private:
  std::size_t size_, index_ = 0;
};

/// A permutation, drawn from the default generator when it is made and at each reset(), as libtorch does.
class CT_API RandomSampler : public Sampler<> {
 public:
  /// Errors: ct::ValueError for a negative size, or one that `index_dtype` cannot count.
  explicit RandomSampler(std::int64_t size, ScalarType index_dtype = kLong);
  ~RandomSampler() override;
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return static_cast<std::size_t>(index_); }

 private:
  Tensor indices_;
  std::int64_t index_ = 0;
};

/// The order of Python's RandomSampler, which is another one than libtorch's: without a generator, a seed for a new stream is drawn
/// from the default one at each reset(). With `replacement`, or for more examples than there are, places repeat.
class CT_API PythonRandomSampler : public Sampler<> {
 public:
  /// Errors: ct::ValueError "num_samples should be a positive integer value, but got num_samples=0".
  explicit PythonRandomSampler(std::size_t size, bool replacement = false, std::optional<std::size_t> num_samples = std::nullopt,
                               std::optional<Generator> generator = std::nullopt);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return index_; }

 private:
  std::size_t num_samples() const { return num_samples_.value_or(size_); }
  void draw();

  std::size_t size_, index_ = 0, place_ = 0;
  bool replacement_, ended_ = true;
  std::optional<std::size_t> num_samples_;
  std::optional<Generator> given_, generator_;
  Tensor drawn_;
};

/// Some places, permuted anew in each epoch. Python's SubsetRandomSampler.
class CT_API SubsetRandomSampler : public Sampler<> {
 public:
  explicit SubsetRandomSampler(std::vector<std::size_t> indices, std::optional<Generator> generator = std::nullopt);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return index_; }

 private:
  std::vector<std::size_t> indices_;
  std::size_t index_ = 0;
  std::optional<Generator> generator_;
  Tensor order_;
};

/// Places drawn with the probabilities that `weights` are proportional to. Python's WeightedRandomSampler.
/// Errors: ct::ValueError "num_samples should be a positive integer value", "weights should be a 1d sequence"; and multinomial's.
class CT_API WeightedRandomSampler : public Sampler<> {
 public:
  WeightedRandomSampler(const Tensor& weights, std::size_t num_samples, bool replacement = true, std::optional<Generator> generator = std::nullopt);
  WeightedRandomSampler(ArrayRef<double> weights, std::size_t num_samples, bool replacement = true, std::optional<Generator> generator = std::nullopt);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return index_; }

 private:
  Tensor weights_;
  std::size_t num_samples_, index_ = 0;
  bool replacement_;
  std::optional<Generator> generator_;
  Tensor drawn_;
};

/// Another sampler's places in batches of a size of its own, whatever the loader asks for. Python's BatchSampler.
/// Errors: ct::ValueError "batch_size should be a positive integer value, but got batch_size=0".
template <typename S>
class BatchSampler : public Sampler<> {
 public:
  BatchSampler(S sampler, std::size_t batch_size, bool drop_last) : sampler_(std::move(sampler)), batch_size_(batch_size), drop_last_(drop_last) {
    CT_CHECK_VALUE(batch_size > 0, "BatchSampler: batch_size should be a positive integer value, but got batch_size=0");
  }
  void reset(std::optional<std::size_t> new_size = std::nullopt) override { sampler_.reset(new_size); }
  std::optional<std::vector<std::size_t>> next(std::size_t = 0) override {
    auto batch = sampler_.next(batch_size_);
    if (batch && drop_last_ && batch->size() < batch_size_) batch.reset();
    return batch;
  }
  void save(serialize::OutputArchive& archive) const override { sampler_.save(archive); }
  void load(serialize::InputArchive& archive) override { sampler_.load(archive); }

 private:
  S sampler_;
  std::size_t batch_size_;
  bool drop_last_;
};

/// A request of another kind than a list of places.
struct CT_API CustomBatchRequest {
  virtual ~CustomBatchRequest();
  virtual std::size_t size() const = 0;
};

/// A number of examples.
struct CT_API BatchSize : public CustomBatchRequest {
  explicit BatchSize(std::size_t size) : size_(size) {}
  std::size_t size() const noexcept override { return size_; }
  operator std::size_t() const noexcept { return size_; }
  std::size_t size_;
};

/// Asks a stream for numbers of examples, `epoch_size` in all.
class CT_API StreamSampler : public Sampler<BatchSize> {
 public:
  explicit StreamSampler(std::size_t epoch_size) : epoch_size_(epoch_size) {}
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<BatchSize> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return examples_retrieved_so_far_; }

 private:
  std::size_t examples_retrieved_so_far_ = 0, epoch_size_;
};

/// The share of one of several processes, which together see all examples. With `allow_duplicates` all shares are of the same
/// size and the last ones repeat examples; without, some examples may be left out.
template <typename BatchRequest = std::vector<std::size_t>>
class DistributedSampler : public Sampler<BatchRequest> {
 public:
  /// Errors: ct::ValueError unless rank < num_replicas.
  explicit DistributedSampler(std::size_t size, std::size_t num_replicas = 1, std::size_t rank = 0, bool allow_duplicates = true)
      : size_(size), num_replicas_(num_replicas), rank_(rank), allow_duplicates_(allow_duplicates) {
    CT_CHECK_VALUE(rank < num_replicas, "DistributedSampler: Invalid rank ", rank, ", rank should be in the interval [0, ", static_cast<std::int64_t>(num_replicas) - 1, "]");
  }
  /// Another number, another order: to be the same in all processes.
  void set_epoch(std::size_t epoch) { epoch_ = epoch; }
  std::size_t epoch() const { return epoch_; }

 protected:
  std::size_t local_sample_count() { return allow_duplicates_ ? (size_ + num_replicas_ - 1) / num_replicas_ : size_ / num_replicas_; }

  std::size_t size_, num_replicas_, rank_, epoch_ = 0;
  bool allow_duplicates_;
};

/// Shuffled by the epoch's number (a std::mt19937, as in libtorch), not by a generator.
class CT_API DistributedRandomSampler : public DistributedSampler<> {
 public:
  explicit DistributedRandomSampler(std::size_t size, std::size_t num_replicas = 1, std::size_t rank = 0, bool allow_duplicates = true);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return sample_index_; }

 private:
  void populate_indices();
  std::size_t begin_index_ = 0, end_index_ = 0, sample_index_ = 0;
  std::vector<std::size_t> all_indices_;
};

class CT_API DistributedSequentialSampler : public DistributedSampler<> {
 public:
  explicit DistributedSequentialSampler(std::size_t size, std::size_t num_replicas = 1, std::size_t rank = 0, bool allow_duplicates = true);
  void reset(std::optional<std::size_t> new_size = std::nullopt) override;
  std::optional<std::vector<std::size_t>> next(std::size_t batch_size) override;
  void save(serialize::OutputArchive& archive) const override;
  void load(serialize::InputArchive& archive) override;
  std::size_t index() const noexcept { return sample_index_; }

 private:
  void populate_indices();
  std::size_t begin_index_ = 0, end_index_ = 0, sample_index_ = 0;
};

}  // namespace ct::data::samplers
