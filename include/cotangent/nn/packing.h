// cotangent/nn/packing.h -- batches of sequences of different lengths, as nn::utils::rnn: packed, padded.
#pragma once

#include "cotangent/ops/rnn.h"

namespace ct::nn::utils::rnn {

/// Where each number of a permutation stands; undefined for an undefined one.
CT_API Tensor invert_permutation(const Tensor& permutation);

/// The steps of several sequences without padding: all that have a step 0, then all that have a step 1, .. ; made by
/// pack_padded_sequence and pack_sequence, taken by the recurrent layers' forward_with_packed_input.
///   "abc" and "x" are packed as data a x b c with batch_sizes 2 1 1.
class CT_API PackedSequence {
 public:
  /// unsorted_indices: the inverse of sorted_indices if it is left out.
  explicit PackedSequence(Tensor data, Tensor batch_sizes, Tensor sorted_indices = {}, Tensor unsorted_indices = {});

  const Tensor& data() const { return data_; }                           // [N, ..]
  const Tensor& batch_sizes() const { return batch_sizes_; }             // [T] of kLong
  const Tensor& sorted_indices() const { return sorted_indices_; }       // [B]: which sequence is the longest, ..; undefined
  const Tensor& unsorted_indices() const { return unsorted_indices_; }   // if they came in that order; and its inverse
  /// The data in another dtype.
  PackedSequence to(const TensorOptions& options) const;
  PackedSequence cpu() const { return *this; }
  bool is_cuda() const { return false; }

 private:
  Tensor data_, batch_sizes_, sorted_indices_, unsorted_indices_;
};

/// input [T, B, ..] (batch_first: [B, T, ..]) with a length for each of B sequences. Lengths must fall, unless enforce_sorted is
/// false: then the sequences are sorted here, and sorted back by pad_packed_sequence and the recurrent layers.
/// Errors: ct::Error "Expected `len(lengths)` to be equal to batch_size", "`lengths` array must be sorted in decreasing order",
///         "Length of all samples has to be greater than 0", "Cannot pack empty tensors".
CT_API PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first = false, bool enforce_sorted = true);
/// The way back: padded to the longest or to total_length, and the lengths.
/// Errors: ct::Error "Expected total_length to be at least the length of the longest sequence in input".
CT_API std::tuple<Tensor, Tensor> pad_packed_sequence(const PackedSequence& sequence, bool batch_first = false, double padding_value = 0.0,
                                                      std::optional<std::int64_t> total_length = std::nullopt);
/// Tensors [L_i, ..] as [T, B, ..] (batch_first: [B, T, ..]), T the longest.
CT_API Tensor pad_sequence(TensorList sequences, bool batch_first = false, double padding_value = 0);
/// The way back, given the lengths [B]: Python's.
CT_API std::vector<Tensor> unpad_sequence(const Tensor& padded_sequences, const Tensor& lengths, bool batch_first = false);
/// pack_padded_sequence(pad_sequence(sequences), their lengths).
CT_API PackedSequence pack_sequence(TensorList sequences, bool enforce_sorted = true);
/// The way back: Python's.
CT_API std::vector<Tensor> unpack_sequence(const PackedSequence& packed_sequences);

}  // namespace ct::nn::utils::rnn
