// cotangent/nn/options/rnn.h -- options of recurrent layers and cells: LSTMOptions(64, 128).num_layers(2).batch_first(true).
#pragma once

#include <cstdint>

#include "cotangent/enum.h"
#include "cotangent/arg.h"

namespace ct::nn {

namespace detail {

/// What the recurrent layers have in common.
struct RNNOptionsBase {
  using rnn_options_base_mode_t = Choice<enumtype::kLSTM, enumtype::kGRU, enumtype::kRNN_TANH, enumtype::kRNN_RELU>;
  RNNOptionsBase(rnn_options_base_mode_t mode, std::int64_t input_size, std::int64_t hidden_size)
      : mode_(mode), input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(rnn_options_base_mode_t, mode);
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(std::int64_t, num_layers) = 1;
  CT_ARG(bool, bias) = true;
  CT_ARG(bool, batch_first) = false;
  CT_ARG(double, dropout) = 0.0;
  CT_ARG(bool, bidirectional) = false;
  CT_ARG(std::int64_t, proj_size) = 0;
};
struct RNNCellOptionsBase {
  RNNCellOptionsBase(std::int64_t input_size, std::int64_t hidden_size, bool bias, std::int64_t num_chunks)
      : input_size_(input_size), hidden_size_(hidden_size), bias_(bias), num_chunks_(num_chunks) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(bool, bias);
  CT_ARG(std::int64_t, num_chunks);
};

}  // namespace detail

struct RNNOptions {
  using nonlinearity_t = Choice<enumtype::kTanh, enumtype::kReLU>;
  RNNOptions(std::int64_t input_size, std::int64_t hidden_size) : input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(std::int64_t, num_layers) = 1;           // each layer takes the outputs of the one before
  CT_ARG(nonlinearity_t, nonlinearity) = kTanh;
  CT_ARG(bool, bias) = true;
  CT_ARG(bool, batch_first) = false;              // [B, T, ..] in place of [T, B, ..], states are not affected
  CT_ARG(double, dropout) = 0.0;                  // after each layer but the last, while training
  CT_ARG(bool, bidirectional) = false;            // a second set of weights that runs backwards; outputs side by side
};
struct LSTMOptions {
  LSTMOptions(std::int64_t input_size, std::int64_t hidden_size) : input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(std::int64_t, num_layers) = 1;
  CT_ARG(bool, bias) = true;
  CT_ARG(bool, batch_first) = false;
  CT_ARG(double, dropout) = 0.0;
  CT_ARG(bool, bidirectional) = false;
  CT_ARG(std::int64_t, proj_size) = 0;            // the state is projected to so many features; 0: it is not
};
struct GRUOptions {
  GRUOptions(std::int64_t input_size, std::int64_t hidden_size) : input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(std::int64_t, num_layers) = 1;
  CT_ARG(bool, bias) = true;
  CT_ARG(bool, batch_first) = false;
  CT_ARG(double, dropout) = 0.0;
  CT_ARG(bool, bidirectional) = false;
};

struct RNNCellOptions {
  using nonlinearity_t = Choice<enumtype::kTanh, enumtype::kReLU>;
  RNNCellOptions(std::int64_t input_size, std::int64_t hidden_size) : input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(bool, bias) = true;
  CT_ARG(nonlinearity_t, nonlinearity) = kTanh;
};
struct LSTMCellOptions {
  LSTMCellOptions(std::int64_t input_size, std::int64_t hidden_size) : input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(bool, bias) = true;
};
struct GRUCellOptions {
  GRUCellOptions(std::int64_t input_size, std::int64_t hidden_size) : input_size_(input_size), hidden_size_(hidden_size) {}
  CT_ARG(std::int64_t, input_size);
  CT_ARG(std::int64_t, hidden_size);
  CT_ARG(bool, bias) = true;
};

}  // namespace ct::nn
