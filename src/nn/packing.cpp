// nn/packing.cpp -- packed and padded sequences.
#include "cotangent/nn/packing.h"

#include "cotangent/error.h"

namespace ct::nn::utils::rnn {

Tensor invert_permutation(const Tensor& permutation) {
  if (!permutation.defined()) return {};
  return empty_like(permutation).scatter_(0, permutation, arange(permutation.numel()));
}

PackedSequence::PackedSequence(Tensor data, Tensor batch_sizes, Tensor sorted_indices, Tensor unsorted_indices)
    : data_(std::move(data)), batch_sizes_(std::move(batch_sizes)), sorted_indices_(std::move(sorted_indices)), unsorted_indices_(std::move(unsorted_indices)) {
  if (!unsorted_indices_.defined()) unsorted_indices_ = invert_permutation(sorted_indices_);
}
PackedSequence PackedSequence::to(const TensorOptions& options) const {
  return PackedSequence(data_.to(options), batch_sizes_, sorted_indices_, unsorted_indices_);
}

PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first, bool enforce_sorted) {
  CT_CHECK(input.defined() && lengths.defined(), "pack_padded_sequence: expected a tensor, but input or lengths is undefined");
  Tensor sorted = lengths.to(kLong), order, x = input;
  if (!enforce_sorted) {
    CT_CHECK(sorted.dim() == 1 && input.dim() >= 2 && input.size(batch_first ? 0 : 1) == sorted.numel(), "pack_padded_sequence: Expected `len(lengths)` to be equal to "
             "batch_size, but got lengths of shape ", sorted.sizes(), " and an input of shape ", input.sizes());
    std::tie(sorted, order) = sort(sorted, /*stable=*/true, -1, /*descending=*/true);
    x = input.index_select(batch_first ? 0 : 1, order);
  }
  auto [data, batch_sizes] = _pack_padded_sequence(x, sorted, batch_first);
  return PackedSequence(data, batch_sizes, order);
}

std::tuple<Tensor, Tensor> pad_packed_sequence(const PackedSequence& sequence, bool batch_first, double padding_value, std::optional<std::int64_t> total_length) {
  CT_CHECK(sequence.batch_sizes().defined() && sequence.batch_sizes().dim() == 1, "pad_packed_sequence: the sequence has no batch_sizes");
  const std::int64_t longest = sequence.batch_sizes().size(0);
  CT_CHECK(!total_length || *total_length >= longest, "pad_packed_sequence: Expected total_length to be at least the length of the longest sequence in input, but got "
           "total_length=", total_length.value_or(0), " and max sequence length being ", longest);
  auto [padded, lengths] = _pad_packed_sequence(sequence.data(), sequence.batch_sizes(), batch_first, padding_value, total_length.value_or(0));
  const Tensor& order = sequence.unsorted_indices();
  if (!order.defined()) return {padded, lengths};
  return {padded.index_select(batch_first ? 0 : 1, order), lengths.index_select(0, order)};
}

Tensor pad_sequence(TensorList sequences, bool batch_first, double padding_value) { return ct::pad_sequence(sequences, batch_first, padding_value); }

std::vector<Tensor> unpad_sequence(const Tensor& padded_sequences, const Tensor& lengths, bool batch_first) {
  CT_CHECK(padded_sequences.defined() && padded_sequences.dim() >= 2 && lengths.defined(), "unpad_sequence: expected padded sequences [T, B, ..] and their lengths");
  const Tensor x = batch_first ? padded_sequences : padded_sequences.transpose(0, 1), n = lengths.to(kLong).contiguous();
  CT_CHECK(n.dim() == 1 && n.size(0) == x.size(0), "unpad_sequence: expected a length for each of ", x.size(0), " sequences, got lengths of shape ", n.sizes());
  std::vector<Tensor> out;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const std::int64_t length = n.data_ptr<std::int64_t>()[i];
    CT_CHECK(length >= 0 && length <= x.size(1), "unpad_sequence: a length of ", length, " is out of range for ", x.size(1), " steps");
    out.push_back(x.select(0, i).narrow(0, 0, length));
  }
  return out;
}

PackedSequence pack_sequence(TensorList sequences, bool enforce_sorted) {
  const Tensor padded = ct::pad_sequence(sequences);  // checks them
  std::vector<std::int64_t> lengths;
  for (const Tensor& s : sequences) lengths.push_back(s.size(0));
  return pack_padded_sequence(padded, ct::tensor(lengths), false, enforce_sorted);
}

std::vector<Tensor> unpack_sequence(const PackedSequence& packed_sequences) {
  const auto [padded, lengths] = pad_packed_sequence(packed_sequences, true);
  return unpad_sequence(padded, lengths, true);
}

}  // namespace ct::nn::utils::rnn
