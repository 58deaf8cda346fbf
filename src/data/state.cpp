// data/state.cpp -- samplers to archives and back, under libtorch's names.
#include <algorithm>

#include "cotangent/data/samplers.h"
#include "cotangent/io/archive.h"

namespace ct::data::samplers {

void detail::throw_no_state() { CT_THROW(not_implemented, "Sampler: this sampler has no save() and load()"); }

namespace {

void write(serialize::OutputArchive& archive, const char* key, std::size_t value) { archive.write(key, tensor(static_cast<std::int64_t>(value), kLong), true); }
std::size_t read(serialize::InputArchive& archive, const char* key) {
  Tensor t = empty({}, kLong);
  archive.read(key, t, true);
  const auto value = t.item<std::int64_t>();
  if (value < 0) CT_THROW(io, archive.name(), ": '", key, "' of a sampler is ", value, ", which is no place");
  return static_cast<std::size_t>(value);
}
// A row of places, each of them below `end`.
Tensor read_places(serialize::InputArchive& archive, const char* key, std::int64_t end) {
  Tensor t;
  archive.read(key, t, true);
  if (t.dim() != 1 || t.scalar_type() != kLong) CT_THROW(io, archive.name(), ": '", key, "' of a sampler is no row of places: ", t.scalar_type(), " ", t.sizes());
  t = t.contiguous();
  const auto* p = t.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < t.numel(); ++i)
    if (p[i] < 0 || p[i] >= end) CT_THROW(io, archive.name(), ": '", key, "' of a sampler has the place ", p[i], ", but there are ", end, " examples");
  return t;
}

}  // namespace

void SequentialSampler::save(serialize::OutputArchive& archive) const { write(archive, "index", index_); }
void SequentialSampler::load(serialize::InputArchive& archive) { index_ = read(archive, "index"); }

void RandomSampler::save(serialize::OutputArchive& archive) const {
  write(archive, "index", static_cast<std::size_t>(index_));
  archive.write("indices", indices_, true);
}
void RandomSampler::load(serialize::InputArchive& archive) {
  const std::size_t index = read(archive, "index");
  Tensor indices;
  archive.read("indices", indices, true);
  if (indices.dim() != 1 || !isIntegralType(indices.scalar_type(), false)) CT_THROW(io, archive.name(), ": 'indices' of a sampler are no row of places");
  index_ = static_cast<std::int64_t>(index);
  indices_ = indices;
}

void PythonRandomSampler::save(serialize::OutputArchive& archive) const {
  write(archive, "index", index_);
  write(archive, "place", place_);
  write(archive, "ended", ended_ ? 1 : 0);
  archive.write("drawn", drawn_.defined() ? drawn_.contiguous() : empty({0}, kLong), true);
  if (generator_) archive.write("generator", generator_->get_state(), true);
}
void PythonRandomSampler::load(serialize::InputArchive& archive) {
  const std::size_t index = read(archive, "index"), place = read(archive, "place"), ended = read(archive, "ended");
  const Tensor drawn = read_places(archive, "drawn", static_cast<std::int64_t>(size_));
  Tensor state;
  if (archive.try_read("generator", state, true)) {
    Generator g;
    g.set_state(state);
    if (given_) given_->set_state(state), g = *given_;
    generator_ = g;
  }
  index_ = index, place_ = place, ended_ = ended != 0, drawn_ = drawn;
}

void SubsetRandomSampler::save(serialize::OutputArchive& archive) const {
  write(archive, "index", index_);
  archive.write("order", order_, true);
}
void SubsetRandomSampler::load(serialize::InputArchive& archive) {
  const std::size_t index = read(archive, "index");
  order_ = read_places(archive, "order", static_cast<std::int64_t>(indices_.size()));
  index_ = index;
}

void WeightedRandomSampler::save(serialize::OutputArchive& archive) const {
  write(archive, "index", index_);
  archive.write("drawn", drawn_, true);
}
void WeightedRandomSampler::load(serialize::InputArchive& archive) {
  const std::size_t index = read(archive, "index");
  drawn_ = read_places(archive, "drawn", weights_.size(0));
  index_ = index;
}

void StreamSampler::save(serialize::OutputArchive& archive) const { write(archive, "examples_retrieved_so_far", examples_retrieved_so_far_); }
void StreamSampler::load(serialize::InputArchive& archive) { examples_retrieved_so_far_ = std::min(epoch_size_, read(archive, "examples_retrieved_so_far")); }

void DistributedRandomSampler::save(serialize::OutputArchive& archive) const {
  write(archive, "sample_index_", sample_index_);
  write(archive, "epoch_", epoch_);
}
void DistributedRandomSampler::load(serialize::InputArchive& archive) {
  const std::size_t index = read(archive, "sample_index_");
  epoch_ = read(archive, "epoch_");
  reset(size_);
  sample_index_ = index < begin_index_ ? begin_index_ : index;
}
void DistributedSequentialSampler::save(serialize::OutputArchive& archive) const {
  write(archive, "sample_index_", sample_index_);
  write(archive, "epoch_", epoch_);
}
void DistributedSequentialSampler::load(serialize::InputArchive& archive) {
  const std::size_t index = read(archive, "sample_index_");
  epoch_ = read(archive, "epoch_");
  populate_indices();
  sample_index_ = index < begin_index_ ? begin_index_ : index;
}

}  // namespace ct::data::samplers
