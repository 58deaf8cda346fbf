// cotangent/ops/rnn.h -- recurrent layers and cells as functions, and batches of sequences of different lengths.
#pragma once

#include <optional>
#include <tuple>
#include <utility>

#include "cotangent/tensor.h"

namespace ct {

// Stacks of recurrent layers. `params` lists for each layer, and within it for each direction:
//   weight_ih [G H, in], weight_hh [G H, P], with has_biases bias_ih [G H] and bias_hh [G H]; of a projected LSTM weight_hr [P, H]
// with G = 4 (lstm: input, forget, cell, output), 3 (gru: reset, update, new) or 1; P = H unless projected; D = 2 directions if
// bidirectional, else 1.
// Shapes:   input [T, B, in], with batch_first [B, T, in]; a packed one is data [N, in] with batch_sizes [T].
//           state [layers D, B, P], cell [layers D, B, H]; output [T, B, D P], [B, T, D P] or [N, D P].
// Dropout:  after each layer but the last, when `train`: PyTorch's numbers from the default generator.
// Errors:   ct::Error for states or parameters that do not fit, "Expected sequence length to be larger than 0 in RNN".

/// i, f, o = sigmoid(..), g = tanh(..);  c' = f c + i g,  h' = o tanh(c').   -> output, last state, last cell
/// Hochreiter & Schmidhuber (1997).   hx: state and cell.
CT_API std::tuple<Tensor, Tensor, Tensor> lstm(const Tensor& input, TensorList hx, TensorList params, bool has_biases, std::int64_t num_layers,
                                               double dropout, bool train, bool bidirectional, bool batch_first);
CT_API std::tuple<Tensor, Tensor, Tensor> lstm(const Tensor& data, const Tensor& batch_sizes, TensorList hx, TensorList params, bool has_biases,
                                               std::int64_t num_layers, double dropout, bool train, bool bidirectional);
/// r, z = sigmoid(..), n = tanh(W_in x + b_in + r (W_hn h + b_hn));  h' = n + z (h - n).   -> output, last state
/// Cho et al. (2014).
CT_API std::tuple<Tensor, Tensor> gru(const Tensor& input, const Tensor& hx, TensorList params, bool has_biases, std::int64_t num_layers,
                                      double dropout, bool train, bool bidirectional, bool batch_first);
CT_API std::tuple<Tensor, Tensor> gru(const Tensor& data, const Tensor& batch_sizes, const Tensor& hx, TensorList params, bool has_biases,
                                      std::int64_t num_layers, double dropout, bool train, bool bidirectional);
/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh).   -> output, last state.   Elman (1990).
CT_API std::tuple<Tensor, Tensor> rnn_tanh(const Tensor& input, const Tensor& hx, TensorList params, bool has_biases, std::int64_t num_layers,
                                           double dropout, bool train, bool bidirectional, bool batch_first);
CT_API std::tuple<Tensor, Tensor> rnn_tanh(const Tensor& data, const Tensor& batch_sizes, const Tensor& hx, TensorList params, bool has_biases,
                                           std::int64_t num_layers, double dropout, bool train, bool bidirectional);
/// The same with max(0, ..).
CT_API std::tuple<Tensor, Tensor> rnn_relu(const Tensor& input, const Tensor& hx, TensorList params, bool has_biases, std::int64_t num_layers,
                                           double dropout, bool train, bool bidirectional, bool batch_first);
CT_API std::tuple<Tensor, Tensor> rnn_relu(const Tensor& data, const Tensor& batch_sizes, const Tensor& hx, TensorList params, bool has_biases,
                                           std::int64_t num_layers, double dropout, bool train, bool bidirectional);

// One step of one layer, of [B, in] and states [B, H], or without the batch.

/// -> next state, next cell
CT_API std::tuple<Tensor, Tensor> lstm_cell(const Tensor& input, TensorList hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih = {},
                                            const Tensor& b_hh = {});
CT_API Tensor gru_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih = {}, const Tensor& b_hh = {});
CT_API Tensor rnn_tanh_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih = {},
                            const Tensor& b_hh = {});
CT_API Tensor rnn_relu_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih = {},
                            const Tensor& b_hh = {});

// ---- sequences of different lengths --------------------------------------------------------------------------------------

/// The steps of padded sequences without the padding: data [N, ..], first all that have a step 0, then step 1, ..; and
/// batch_sizes [T], how many of them have each step.   input [T, B, ..], with batch_first [B, T, ..]; lengths [B], falling.
/// Errors: ct::Error unless there is one length for each sequence, all positive, falling, and at most T.
CT_API std::tuple<Tensor, Tensor> _pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first);
/// Back again: [max(T, total_length), B, ..] (or batch first) filled up with padding_value, and the lengths.
CT_API std::tuple<Tensor, Tensor> _pad_packed_sequence(const Tensor& data, const Tensor& batch_sizes, bool batch_first, const Scalar& padding_value,
                                                       std::int64_t total_length = 0);
/// Tensors [L_i, ..] as [B, T, ..] or [T, B, ..], T the longest.   Errors: ct::Error "received an empty list of sequences".
CT_API Tensor pad_sequence(TensorList sequences, bool batch_first = false, double padding_value = 0);

}  // namespace ct
