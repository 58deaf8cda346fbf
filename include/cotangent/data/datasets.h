// cotangent/data/datasets.h -- where batches come from: datasets of tensors, and datasets made of datasets.
#pragma once

#include <cstddef>
#include <memory>  // shared datasets
#include <optional>
#include <type_traits>
#include <vector>

#include "cotangent/data/example.h"

namespace ct::serialize {
class InputArchive;
class OutputArchive;
}  // namespace ct::serialize

namespace ct::data::datasets {

template <typename SourceDataset, typename AppliedTransform>
class MapDataset;
template <typename DatasetType, typename TransformType>
MapDataset<DatasetType, TransformType> map(DatasetType dataset, TransformType transform);

namespace detail {
template <typename T>
struct is_optional : std::false_type {};
template <typename T>
struct is_optional<std::optional<T>> : std::true_type {};
template <bool C, typename T>
using optional_if_t = std::conditional_t<C, std::optional<T>, T>;

// A dataset that makes a stacked batch in one pass, without examples in between. A class derived from one that does may
// do something else in get(), so it has to say for itself that it does.
template <typename D>
concept stacks = requires(D& d, ArrayRef<std::size_t> i) { d.get_stacked(i); } && std::is_same_v<typename D::StackedDataset, D>;
// A transform of examples that does the same to a stacked batch.
template <typename T>
concept stacked_transform = std::is_same_v<typename T::StackedTransform, T>;

[[noreturn]] CT_API void throw_no_state();
// The places of a subset: `indices[request]`. Errors: ct::IndexError.
CT_API std::vector<std::size_t> chosen(const std::vector<std::size_t>& indices, ArrayRef<std::size_t> request);
}  // namespace detail

/// A dataset that is asked for whole batches. Derive as `struct Mine : BatchDataset<Mine, Batch, Request>`.
template <typename Self, typename Batch = std::vector<Example<>>, typename BatchRequest = ArrayRef<std::size_t>>
class BatchDataset {
 public:
  using SelfType = Self;
  using BatchType = Batch;
  using BatchRequestType = BatchRequest;
  static constexpr bool is_stateful = detail::is_optional<BatchType>::value;

  virtual ~BatchDataset() = default;
  virtual Batch get_batch(BatchRequest request) = 0;
  /// Nothing for a dataset without a known end.
  virtual std::optional<std::size_t> size() const = 0;

  /// A dataset whose batches are those of this one, transformed. The dataset is copied, or moved from if it is a temporary.
  template <typename TransformType>
  MapDataset<Self, TransformType> map(TransformType transform) & {
    return datasets::map(static_cast<Self&>(*this), std::move(transform));
  }
  template <typename TransformType>
  MapDataset<Self, TransformType> map(TransformType transform) && {
    return datasets::map(std::move(static_cast<Self&>(*this)), std::move(transform));
  }
};

/// A dataset with random access: derive as `struct Mine : Dataset<Mine>`, and write get() and size().
/// With worker threads each worker has a copy of its own.
template <typename Self, typename SingleExample = Example<>>
class Dataset : public BatchDataset<Self, std::vector<SingleExample>> {
 public:
  using ExampleType = SingleExample;

  virtual ExampleType get(std::size_t index) = 0;
  std::vector<ExampleType> get_batch(ArrayRef<std::size_t> indices) override {
    std::vector<ExampleType> batch;
    batch.reserve(indices.size());
    for (const std::size_t i : indices) batch.push_back(get(i));
    return batch;
  }
};

/// A stream without places: it is asked for a number of examples.
template <typename Self, typename Batch = std::vector<Example<>>>
using StreamDataset = BatchDataset<Self, Batch, std::size_t>;

/// A dataset with a state that begins anew with each epoch; get_batch() returns nothing at the end of it. All workers share it,
/// so with more than one get_batch() must be safe to call from several threads.
template <typename Self, typename Batch = std::vector<Example<>>, typename BatchRequest = std::size_t>
class StatefulDataset : public BatchDataset<Self, std::optional<Batch>, BatchRequest> {
 public:
  virtual void reset() = 0;
  /// Errors: ct::NotImplementedError for a dataset that does not write them.
  virtual void save(serialize::OutputArchive&) const { detail::throw_no_state(); }
  virtual void load(serialize::InputArchive&) { detail::throw_no_state(); }
};

template <typename... Args>
serialize::OutputArchive& operator<<(serialize::OutputArchive& archive, const StatefulDataset<Args...>& dataset) {
  dataset.save(archive);
  return archive;
}
template <typename... Args>
serialize::InputArchive& operator>>(serialize::InputArchive& archive, StatefulDataset<Args...>& dataset) {
  dataset.load(archive);
  return archive;
}

/// The rows of one tensor.
struct CT_API TensorDataset : public Dataset<TensorDataset, TensorExample> {
  using StackedDataset = TensorDataset;
  /// The tensors are the rows: they are stacked.
  explicit TensorDataset(const std::vector<Tensor>& tensors);
  /// Errors: ct::Error for a tensor without dimensions.
  explicit TensorDataset(Tensor tensor);
  TensorExample get(std::size_t index) override;
  std::optional<std::size_t> size() const override;
  TensorExample get_stacked(ArrayRef<std::size_t> indices);

  Tensor tensor;
};

/// The rows of two tensors: data and target. Python's TensorDataset(x, y).
struct CT_API TensorPairDataset : public Dataset<TensorPairDataset> {
  using StackedDataset = TensorPairDataset;
  /// Errors: ct::Error "Size mismatch between tensors" if they have not as many rows.
  TensorPairDataset(Tensor data, Tensor target);
  Example<> get(std::size_t index) override;
  std::optional<std::size_t> size() const override;
  Example<> get_stacked(ArrayRef<std::size_t> indices);

  Tensor data, target;
};

/// The rows of any number of tensors. Python's TensorDataset(x, y, z).
struct CT_API TensorListDataset : public Dataset<TensorListDataset, std::vector<Tensor>> {
  using StackedDataset = TensorListDataset;
  explicit TensorListDataset(std::vector<Tensor> tensors);
  std::vector<Tensor> get(std::size_t index) override;
  std::optional<std::size_t> size() const override;
  std::vector<Tensor> get_stacked(ArrayRef<std::size_t> indices);

  std::vector<Tensor> tensors;
};

/// A dataset behind a transform of batches.
template <typename SourceDataset, typename AppliedTransform>
class MapDataset : public BatchDataset<MapDataset<SourceDataset, AppliedTransform>,
                                       detail::optional_if_t<SourceDataset::is_stateful, typename AppliedTransform::OutputBatchType>,
                                       typename SourceDataset::BatchRequestType> {
 public:
  using DatasetType = SourceDataset;
  using TransformType = AppliedTransform;
  using BatchRequestType = typename SourceDataset::BatchRequestType;
  using OutputBatchType = detail::optional_if_t<SourceDataset::is_stateful, typename AppliedTransform::OutputBatchType>;
  using StackedDataset = MapDataset;

  MapDataset(DatasetType dataset, TransformType transform) : dataset_(std::move(dataset)), transform_(std::move(transform)) {}

  OutputBatchType get_batch(BatchRequestType request) override {
    if constexpr (SourceDataset::is_stateful) {
      if (auto batch = dataset_.get_batch(std::move(request))) return transform_.apply_batch(std::move(*batch));
      return std::nullopt;
    } else if constexpr (detail::stacks<SourceDataset> && is_stack) {
      return dataset_.get_stacked(request);
    } else {
      return transform_.apply_batch(dataset_.get_batch(std::move(request)));
    }
  }
  std::optional<std::size_t> size() const noexcept override { return dataset_.size(); }
  /// Of stateful datasets only.
  void reset() { dataset_.reset(); }

  /// A transform such as Normalize does to a stacked batch what it does to each row.
  auto get_stacked(ArrayRef<std::size_t> indices)
    requires(detail::stacks<SourceDataset> && detail::stacked_transform<AppliedTransform>)
  {
    auto batch = dataset_.get_stacked(indices);
    if (transform_.fits_stacked(batch.data)) {
      batch.data = transform_(std::move(batch.data));
      return batch;
    }
    return transforms::Stack<decltype(batch)>().apply_batch(transform_.apply_batch(dataset_.get_batch(indices)));
  }

  const SourceDataset& dataset() noexcept { return dataset_; }
  const AppliedTransform& transform() noexcept { return transform_; }

 private:
  template <typename B>
  struct element { using type = void; };
  template <typename E>
  struct element<std::vector<E>> { using type = E; };
  static constexpr bool is_stack = std::is_same_v<AppliedTransform, transforms::Stack<typename element<typename SourceDataset::BatchType>::type>>;

  SourceDataset dataset_;
  AppliedTransform transform_;
};

template <typename DatasetType, typename TransformType>
MapDataset<DatasetType, TransformType> map(DatasetType dataset, TransformType transform) {
  using Batch = typename DatasetType::BatchType;
  using Source = typename std::conditional_t<DatasetType::is_stateful, Batch, std::optional<Batch>>::value_type;
  static_assert(std::is_same_v<Source, typename TransformType::InputBatchType>, "BatchType type of dataset does not match input type of transform");
  return {std::move(dataset), std::move(transform)};
}

/// One dataset for all workers, which then has to be safe to use from several threads.
template <typename UnderlyingDataset>
class SharedBatchDataset : public BatchDataset<SharedBatchDataset<UnderlyingDataset>, typename UnderlyingDataset::BatchType,
                                               typename UnderlyingDataset::BatchRequestType> {
 public:
  using BatchType = typename UnderlyingDataset::BatchType;
  using BatchRequestType = typename UnderlyingDataset::BatchRequestType;

  SharedBatchDataset(std::shared_ptr<UnderlyingDataset> shared_dataset) : dataset_(std::move(shared_dataset)) {}
  BatchType get_batch(BatchRequestType request) override { return dataset_->get_batch(std::move(request)); }
  std::optional<std::size_t> size() const override { return dataset_->size(); }
  UnderlyingDataset& operator*() { return *dataset_; }
  const UnderlyingDataset& operator*() const { return *dataset_; }
  UnderlyingDataset* operator->() { return dataset_.get(); }
  const UnderlyingDataset* operator->() const { return dataset_.get(); }
  void reset() { dataset_->reset(); }

 private:
  std::shared_ptr<UnderlyingDataset> dataset_;
};

template <typename UnderlyingDataset, typename... Args>
SharedBatchDataset<UnderlyingDataset> make_shared_dataset(Args&&... args) {
  return std::make_shared<UnderlyingDataset>(std::forward<Args>(args)...);
}

/// Some of a dataset's examples, in the order of `indices`. Python's Subset.
/// Errors: ct::IndexError, when a batch is taken, for a place that is not there.
template <typename D>
class Subset : public BatchDataset<Subset<D>, typename D::BatchType> {
 public:
  using StackedDataset = Subset;
  using BatchType = typename D::BatchType;

  Subset(D dataset, std::vector<std::size_t> indices) : dataset(std::move(dataset)), indices(std::move(indices)) {}
  BatchType get_batch(ArrayRef<std::size_t> request) override { return dataset.get_batch(detail::chosen(indices, request)); }
  auto get(std::size_t index)
    requires(requires(D& d) { d.get(index); })
  {
    return dataset.get(detail::chosen(indices, index)[0]);
  }
  auto get_stacked(ArrayRef<std::size_t> request)
    requires(detail::stacks<D>)
  {
    return dataset.get_stacked(detail::chosen(indices, request));
  }
  std::optional<std::size_t> size() const override { return indices.size(); }

  D dataset;
  std::vector<std::size_t> indices;
};

/// Datasets one after the other. Python's ConcatDataset.
/// Errors: ct::Error "datasets should not be an empty iterable", or for a dataset without a size.
template <typename D>
class ConcatDataset : public BatchDataset<ConcatDataset<D>, typename D::BatchType> {
 public:
  using BatchType = typename D::BatchType;

  explicit ConcatDataset(std::vector<D> datasets) : datasets(std::move(datasets)) {
    CT_CHECK(!this->datasets.empty(), "ConcatDataset: datasets should not be an empty iterable");
    for (const D& d : this->datasets) {
      const std::optional<std::size_t> n = d.size();
      CT_CHECK(n.has_value(), "ConcatDataset: ConcatDataset does not support IterableDataset: a dataset has no size");
      cumulative_sizes.push_back(*n + (cumulative_sizes.empty() ? 0 : cumulative_sizes.back()));
    }
  }
  BatchType get_batch(ArrayRef<std::size_t> request) override {
    BatchType out;
    out.reserve(request.size());
    std::vector<std::size_t> run;
    for (std::size_t i = 0; i < request.size();) {  // neighbours from the same dataset are asked for together
      const std::size_t which = find(request[i]), start = which ? cumulative_sizes[which - 1] : 0;
      run.clear();
      for (; i < request.size() && request[i] >= start && request[i] < cumulative_sizes[which]; ++i) run.push_back(request[i] - start);
      for (auto& e : datasets[which].get_batch(run)) out.push_back(std::move(e));
    }
    return out;
  }
  auto get(std::size_t index)
    requires(requires(D& d) { d.get(index); })
  {
    const std::size_t which = find(index);
    return datasets[which].get(index - (which ? cumulative_sizes[which - 1] : 0));
  }
  std::optional<std::size_t> size() const override { return cumulative_sizes.back(); }

  std::vector<D> datasets;
  std::vector<std::size_t> cumulative_sizes;

 private:
  std::size_t find(std::size_t index) const {
    std::size_t which = 0;
    while (which < cumulative_sizes.size() && index >= cumulative_sizes[which]) ++which;
    CT_CHECK_INDEX(which < cumulative_sizes.size(), "ConcatDataset: index ", index, " is out of range for ", cumulative_sizes.back(), " examples");
    return which;
  }
};

namespace detail {
// The places of each part, in the order of the permutation that Python draws.
CT_API std::vector<std::vector<std::size_t>> random_parts(std::optional<std::size_t> size, ArrayRef<double> lengths, const std::optional<Generator>& generator);
}  // namespace detail

/// Parts of a dataset without common examples, drawn as Python does. `lengths` are numbers of examples or fractions with the sum 1.
///   auto parts = random_split(dataset, {0.8, 0.2});
/// Errors: ct::ValueError "Sum of input lengths does not equal the length of the input dataset!"
template <typename D>
std::vector<Subset<D>> random_split(const D& dataset, ArrayRef<double> lengths, std::optional<Generator> generator = std::nullopt) {
  std::vector<Subset<D>> out;
  for (auto& indices : detail::random_parts(dataset.size(), lengths, generator)) out.emplace_back(dataset, std::move(indices));
  return out;
}

}  // namespace ct::data::datasets

namespace ct::data {

using datasets::BatchDataset;
using datasets::ConcatDataset;
using datasets::Dataset;
using datasets::random_split;
using datasets::Subset;

/// Python's TensorDataset: the rows of one tensor, of a pair, or of more. (libtorch's class of that name, for one tensor, is
/// datasets::TensorDataset.)
inline datasets::TensorDataset TensorDataset(Tensor tensor) { return datasets::TensorDataset(std::move(tensor)); }
inline datasets::TensorPairDataset TensorDataset(Tensor data, Tensor target) { return {std::move(data), std::move(target)}; }
template <typename... T>
  requires(sizeof...(T) > 2)
datasets::TensorListDataset TensorDataset(T... tensors) { return datasets::TensorListDataset({std::move(tensors)...}); }

}  // namespace ct::data
