// ops/lstm_layer.h -- one direction of an LSTM's layer as one operation, and what recurrent functions share.
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

// The numbers in batch_sizes. Errors: ct::Error unless they are positive, do not grow, and `rows` in all.
std::vector<std::int64_t> batch_size_list(const char* op, const Tensor& batch_sizes, std::int64_t rows);

}  // namespace ct::detail
