// ops/pack.cpp -- batches of sequences of different lengths: packing, and padding.
#include "cotangent/ops/rnn.h"

#include <limits>

#include "ops/rnn_layers.h"

namespace ct {

namespace {

std::vector<std::int64_t> numbers(const char* op, const char* what, const Tensor& x) {
  CT_CHECK(x.defined(), op, ": expected a tensor, but '", what, "' is undefined");
  CT_CHECK(x.dim() == 1 && x.scalar_type() == kLong, op, ": '", what, "' argument should be a 1D CPU int64 tensor, but got ", x.dim(), "D cpu ", x.scalar_type(), " tensor");
  const Tensor c = x.contiguous();
  const std::int64_t* p = c.data_ptr<std::int64_t>();
  return {p, p + c.numel()};
}

// Sizes of a tensor [a, b, ..] with the last ones of x from dimension `from` on.
std::vector<std::int64_t> sizes_with(std::initializer_list<std::int64_t> first, const Tensor& x, std::int64_t from) {
  std::vector<std::int64_t> s(first);
  s.insert(s.end(), x.sizes().begin() + from, x.sizes().end());
  return s;
}

}  // namespace

std::vector<std::int64_t> detail::batch_size_list(const char* op, const Tensor& batch_sizes, std::int64_t rows) {
  std::vector<std::int64_t> sizes = numbers(op, "batch_sizes", batch_sizes);
  std::int64_t total = 0;
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    CT_CHECK(sizes[t] > 0 && (t == 0 || sizes[t] <= sizes[t - 1]), op, ": batch_sizes must be positive and must not grow, but step ", t, " has ", sizes[t]);
    CT_CHECK(sizes[t] <= rows - total, op, ": batch_sizes ask for more than the ", rows, " rows of the data");
    total += sizes[t];
  }
  CT_CHECK(total == rows, op, ": batch_sizes ask for ", total, " rows, but the data has ", rows);
  return sizes;
}

std::tuple<Tensor, Tensor> _pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first) {
  const char* op = "_pack_padded_sequence";
  CT_CHECK(input.defined(), op, ": expected a tensor, but the input is undefined");
  CT_CHECK(input.dim() >= 2, op, ": expected an input of at least 2 dimensions, [T, B, ..], got shape ", input.sizes());
  CT_CHECK(input.numel() > 0, op, ": Cannot pack empty tensors.");
  const std::vector<std::int64_t> len = numbers(op, "lengths", lengths);
  const Tensor x = batch_first ? input.transpose(0, 1) : input;
  const std::int64_t batch = x.size(1), longest = x.size(0);
  CT_CHECK(static_cast<std::int64_t>(len.size()) == batch, op, ": Expected `len(lengths)` to be equal to batch_size, but got ", len.size(), " (batch_size=", batch, ")");
  for (std::size_t i = 0; i < len.size(); ++i) {
    CT_CHECK(len[i] > 0, op, ": Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0");
    CT_CHECK(i == 0 || len[i] <= len[i - 1], op, ": `lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
             "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement.");
    CT_CHECK(len[i] <= longest, op, ": a length of ", len[i], " is more than the ", longest, " steps of the input");
  }
  // Rows of [T B, ..] in the order of the packed data.
  std::vector<std::int64_t> rows, sizes;
  std::int64_t alive = batch;
  for (std::int64_t t = 0; t < len[0]; ++t) {
    while (len[static_cast<std::size_t>(alive - 1)] <= t) --alive;
    sizes.push_back(alive);
    for (std::int64_t b = 0; b < alive; ++b) rows.push_back(t * batch + b);
  }
  const Tensor index = ct::tensor(rows), flat = x.reshape(sizes_with({longest * batch}, x, 2));
  return {flat.index_select(0, index), ct::tensor(sizes)};
}

std::tuple<Tensor, Tensor> _pad_packed_sequence(const Tensor& data, const Tensor& batch_sizes, bool batch_first, const Scalar& padding_value,
                                                std::int64_t total_length) {
  const char* op = "_pad_packed_sequence";
  CT_CHECK(data.defined() && data.dim() >= 1, op, ": expected data with at least 1 dimension");
  const std::vector<std::int64_t> sizes = detail::batch_size_list(op, batch_sizes, data.size(0));
  CT_CHECK(!sizes.empty(), op, ": expected at least one step in batch_sizes");
  const auto steps = static_cast<std::int64_t>(sizes.size());
  CT_CHECK(total_length <= 0 || total_length >= steps, op, ": Expected total_length to be at least the length of the longest sequence in input, but got total_length=",
           total_length, " and max sequence length being ", steps);
  const std::int64_t length = std::max(total_length, steps), batch = sizes[0];
  CT_CHECK(length <= std::numeric_limits<std::int64_t>::max() / batch, op, ": total_length ", length, " is too large");
  std::vector<std::int64_t> rows, lengths(static_cast<std::size_t>(batch), 0);
  for (std::int64_t t = 0; t < steps; ++t)
    for (std::int64_t b = 0; b < sizes[static_cast<std::size_t>(t)]; ++b) rows.push_back(t * batch + b), ++lengths[static_cast<std::size_t>(b)];
  const Tensor empty_rows = full(sizes_with({length * batch}, data, 1), padding_value, data.scalar_type());
  const Tensor padded = empty_rows.index_copy(0, ct::tensor(rows), data).view(sizes_with({length, batch}, data, 1));
  return {batch_first ? padded.transpose(0, 1) : padded, ct::tensor(lengths)};
}

Tensor pad_sequence(TensorList sequences, bool batch_first, double padding_value) {
  CT_CHECK(!sequences.empty(), "pad_sequence: received an empty list of sequences");
  std::int64_t longest = 0;
  for (const Tensor& s : sequences) {
    CT_CHECK(s.defined() && s.dim() > 0, "pad_sequence: every sequence must have a first dimension, its length");
    CT_CHECK(sizes_with({0}, s, 1) == sizes_with({0}, sequences[0], 1), "pad_sequence: sequences must agree in all but their length, got shapes ", sequences[0].sizes(),
             " and ", s.sizes());
    longest = std::max(longest, s.size(0));
  }
  std::vector<Tensor> same;
  for (const Tensor& s : sequences) {
    const std::int64_t missing = longest - s.size(0);
    same.push_back(missing == 0 ? s : cat({s, full(sizes_with({missing}, s, 1), padding_value, s.scalar_type())}, 0));
  }
  return stack(same, batch_first ? 0 : 1);
}

}  // namespace ct
