// ops/rnn_layers.h -- one direction of a recurrent layer as one operation, and what recurrent functions share.
#pragma once

#include <tuple>
#include <vector>

#include "cotangent/tensor.h"

namespace ct::detail {

// Whether lstm_layer can compute this: all of one precision, single or double, and something to compute.
bool lstm_layer_applies(const Tensor& z, const Tensor& h0, const Tensor& c0, const Tensor& w_hh);
// z [T, B, 4 H], the part of the gates' arguments that comes from the input; h0, c0 [B, H]; w_hh [4 H, H].
//   -> output [T, B, H], last state, last cell [B, H]
std::tuple<Tensor, Tensor, Tensor> lstm_layer(const Tensor& z, const Tensor& h0, const Tensor& c0, const Tensor& w_hh, bool reverse);

// The same for a GRU: z [T, B, 3 H] from the input, with its bias; w_hh [3 H, H]; b_hh [3 H] may be undefined.   -> output, last state
bool gru_layer_applies(const Tensor& z, const Tensor& h0, const Tensor& w_hh, const Tensor& b_hh);
std::tuple<Tensor, Tensor> gru_layer(const Tensor& z, const Tensor& h0, const Tensor& w_hh, const Tensor& b_hh, bool reverse);

// Of weights that multiply the states y [T, B, H], each at the step after it, and h0 at the first: dz [T, B, ..] -> [.., H].
Tensor weight_gradient(const Tensor& dz, const Tensor& y, const Tensor& h0, bool reverse);

// The numbers in batch_sizes. Errors: ct::Error unless they are positive, do not grow, and `rows` in all.
std::vector<std::int64_t> batch_size_list(const char* op, const Tensor& batch_sizes, std::int64_t rows);

}  // namespace ct::detail
