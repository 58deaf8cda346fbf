// data/samplers.cpp -- orders of examples.
#include "cotangent/data/samplers.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace ct::data::samplers {

namespace {

using Places = std::vector<std::size_t>;

std::int64_t as_int(std::size_t n) { return static_cast<std::int64_t>(n); }

// The next places of a kLong tensor, from `index` on.
std::optional<Places> take(const Tensor& t, std::size_t& index, std::size_t batch_size) {
  const auto n = static_cast<std::size_t>(t.numel());
  if (index >= n) return std::nullopt;
  const auto* p = t.data_ptr<std::int64_t>();
  const std::size_t end = batch_size < n - index ? index + batch_size : n;
  Places out(p + index, p + end);
  index = end;
  return out;
}

}  // namespace

void SequentialSampler::reset(std::optional<std::size_t> new_size) {
  size_ = new_size.value_or(size_);
  index_ = 0;
}
std::optional<Places> SequentialSampler::next(std::size_t batch_size) {
  if (index_ >= size_) return std::nullopt;
  Places out(std::min(batch_size, size_ - index_));
  std::iota(out.begin(), out.end(), index_);
  index_ += out.size();
  return out;
}

RandomSampler::RandomSampler(std::int64_t size, ScalarType index_dtype) : indices_(randperm(size, index_dtype)) {}
RandomSampler::~RandomSampler() = default;
void RandomSampler::reset(std::optional<std::size_t> new_size) {
  indices_ = randperm(new_size ? as_int(*new_size) : indices_.numel(), indices_.options());
  index_ = 0;
}
std::optional<Places> RandomSampler::next(std::size_t batch_size) {
  if (indices_.scalar_type() == kLong) {
    auto at = static_cast<std::size_t>(index_);
    auto out = take(indices_, at, batch_size);
    index_ = as_int(at);
    return out;
  }
  const std::int64_t count = std::min(as_int(batch_size), indices_.numel() - index_);
  if (count <= 0) return std::nullopt;
  std::size_t begin = 0;
  auto out = take(narrow(indices_, 0, index_, count).to(kLong), begin, batch_size);
  index_ += count;
  return out;
}

PythonRandomSampler::PythonRandomSampler(std::size_t size, bool replacement, std::optional<std::size_t> num_samples, std::optional<Generator> generator)
    : size_(size), replacement_(replacement), num_samples_(num_samples), given_(generator) {
  CT_CHECK_VALUE(this->num_samples() > 0, "RandomSampler: num_samples should be a positive integer value, but got num_samples=0");
  CT_CHECK_VALUE(size > 0, "RandomSampler: there are no examples to draw from");
}
void PythonRandomSampler::reset(std::optional<std::size_t> new_size) {
  size_ = new_size.value_or(size_);
  CT_CHECK_VALUE(size_ > 0, "RandomSampler: there are no examples to draw from");
  if (given_) generator_ = given_;
  else generator_ = Generator(static_cast<std::uint64_t>(empty({}, kLong).random_().item<std::int64_t>()));
  index_ = place_ = 0;
  drawn_ = empty({0}, kLong);
  ended_ = false;
}
void PythonRandomSampler::draw() {
  const std::size_t left = num_samples() - index_, chunk = replacement_ ? 32 : size_;
  ended_ = left < chunk;  // the last chunk may be empty, and is drawn nevertheless
  place_ = 0;
  if (replacement_) drawn_ = randint(0, as_int(size_), {as_int(std::min(left, chunk))}, generator_, kLong);
  else drawn_ = narrow(randperm(as_int(size_), generator_), 0, 0, as_int(std::min(left, chunk)));
}
std::optional<Places> PythonRandomSampler::next(std::size_t batch_size) {
  Places out;
  while (out.size() < batch_size) {
    if (place_ >= static_cast<std::size_t>(drawn_.defined() ? drawn_.numel() : 0)) {
      if (ended_) break;
      draw();
      continue;
    }
    const auto* p = drawn_.data_ptr<std::int64_t>() + place_;
    const std::size_t n = std::min(batch_size - out.size(), static_cast<std::size_t>(drawn_.numel()) - place_);
    out.insert(out.end(), p, p + n);
    place_ += n;
    index_ += n;
  }
  if (out.empty()) return std::nullopt;
  return out;
}

SubsetRandomSampler::SubsetRandomSampler(std::vector<std::size_t> indices, std::optional<Generator> generator)
    : indices_(std::move(indices)), generator_(generator), order_(empty({0}, kLong)) {}
void SubsetRandomSampler::reset(std::optional<std::size_t> new_size) {
  CT_CHECK_VALUE(!new_size || *new_size == indices_.size(), "SubsetRandomSampler: the number of examples is that of its indices, ", indices_.size());
  order_ = randperm(as_int(indices_.size()), generator_);
  index_ = 0;
}
std::optional<Places> SubsetRandomSampler::next(std::size_t batch_size) {
  auto out = take(order_, index_, batch_size);
  if (out)
    for (std::size_t& i : *out) i = indices_[i];
  return out;
}

WeightedRandomSampler::WeightedRandomSampler(ArrayRef<double> weights, std::size_t num_samples, bool replacement, std::optional<Generator> generator)
    : WeightedRandomSampler(tensor(weights, kDouble), num_samples, replacement, generator) {}
WeightedRandomSampler::WeightedRandomSampler(const Tensor& weights, std::size_t num_samples, bool replacement, std::optional<Generator> generator)
    : weights_(weights.detach().to(kDouble)), num_samples_(num_samples), replacement_(replacement), generator_(generator), drawn_(empty({0}, kLong)) {
  CT_CHECK_VALUE(num_samples > 0, "WeightedRandomSampler: num_samples should be a positive integer value, but got num_samples=0");
  CT_CHECK_VALUE(weights_.dim() == 1, "WeightedRandomSampler: weights should be a 1d sequence but given weights have shape ", weights_.sizes());
}
void WeightedRandomSampler::reset(std::optional<std::size_t> new_size) {
  num_samples_ = new_size.value_or(num_samples_);
  drawn_ = multinomial(weights_, as_int(num_samples_), replacement_, generator_);
  index_ = 0;
}
std::optional<Places> WeightedRandomSampler::next(std::size_t batch_size) { return take(drawn_, index_, batch_size); }

CustomBatchRequest::~CustomBatchRequest() = default;

void StreamSampler::reset(std::optional<std::size_t> new_size) {
  epoch_size_ = new_size.value_or(epoch_size_);
  examples_retrieved_so_far_ = 0;
}
std::optional<BatchSize> StreamSampler::next(std::size_t batch_size) {
  const std::size_t left = epoch_size_ - examples_retrieved_so_far_;
  if (left == 0) return std::nullopt;
  examples_retrieved_so_far_ += std::min(batch_size, left);
  return BatchSize(std::min(batch_size, left));
}

DistributedRandomSampler::DistributedRandomSampler(std::size_t size, std::size_t num_replicas, std::size_t rank, bool allow_duplicates)
    : DistributedSampler(size, num_replicas, rank, allow_duplicates) {
  DistributedRandomSampler::reset(size);
}
void DistributedRandomSampler::populate_indices() {
  const std::size_t local = local_sample_count();
  all_indices_.resize(local * num_replicas_);
  for (std::size_t i = 0; i < all_indices_.size(); ++i) all_indices_[i] = i < size_ ? i : (i - size_) % size_;
  begin_index_ = sample_index_ = rank_ * local;
  end_index_ = begin_index_ + local;
}
void DistributedRandomSampler::reset(std::optional<std::size_t> new_size) {
  size_ = new_size.value_or(size_);
  populate_indices();
  std::mt19937 random(static_cast<std::mt19937::result_type>(epoch_));  // the same in all processes
  std::shuffle(all_indices_.begin(), all_indices_.end(), random);
}
std::optional<Places> DistributedRandomSampler::next(std::size_t batch_size) {
  if (sample_index_ >= end_index_) return std::nullopt;
  const std::size_t n = std::min(batch_size, end_index_ - sample_index_);
  const auto begin = all_indices_.begin() + as_int(sample_index_);
  sample_index_ += n;
  return Places(begin, begin + as_int(n));
}

DistributedSequentialSampler::DistributedSequentialSampler(std::size_t size, std::size_t num_replicas, std::size_t rank, bool allow_duplicates)
    : DistributedSampler(size, num_replicas, rank, allow_duplicates) {
  populate_indices();
}
void DistributedSequentialSampler::populate_indices() {
  begin_index_ = sample_index_ = rank_ * local_sample_count();
  end_index_ = begin_index_ + local_sample_count();
}
void DistributedSequentialSampler::reset(std::optional<std::size_t> new_size) {
  size_ = new_size.value_or(size_);
  populate_indices();
}
std::optional<Places> DistributedSequentialSampler::next(std::size_t batch_size) {
  if (sample_index_ >= end_index_) return std::nullopt;
  Places out(std::min(batch_size, end_index_ - sample_index_));
  for (std::size_t& i : out) i = sample_index_++ % size_;
  return out;
}

}  // namespace ct::data::samplers
