// cotangent/nn/rnn.h -- recurrent layers and cells: RNN, LSTM, GRU.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/rnn.h"
#include "cotangent/nn/packing.h"

namespace ct::nn {

namespace detail {

/// Parameters of layer k, names ending in "_reverse" for the second direction: weight_ih_lk [G H, in], weight_hh_lk [G H, P],
/// bias_ih_lk, bias_hh_lk [G H], of projected LSTMs weight_hr_lk [P, H]; G = 4, 3 or 1 gates. (P = H unless projected.)
/// Initial values: U(-l, l), l = 1 / sqrt(hidden_size), the same numbers as PyTorch's for the same seed.
template <class Derived>
class CT_API RNNImplBase : public Cloneable<Derived> {
 public:
  explicit RNNImplBase(const RNNOptionsBase& options);
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  /// Does nothing: weights need not lie together here.
  void flatten_parameters() {}
  /// The parameters in order.
  std::vector<Tensor> all_weights() const;

  RNNOptionsBase options_base;

 protected:
  struct Result {
    Tensor output, h, c;
  };
  // Checks the arguments and runs the layers; states are optional. Of a packed input, `batch_sizes` and what sorts it.
  Result run(const char* name, const Tensor& input, const utils::rnn::PackedSequence* packed, Tensor h, Tensor c, bool has_state) const;
};

}  // namespace detail

// Shapes: input [T, B, in], with batch_first [B, T, in], or one sequence [T, in]; states [layers D, B, P], or [layers D, P] of one
//         sequence, zeros if left out; output [T, B, D P] (likewise) and the last states. D = 2 if bidirectional, else 1.
// Packed: forward_with_packed_input takes and returns a PackedSequence; states are in the order of the sequences before packing.
// Errors: ct::Error "input.size(-1) must be equal to input_size. Expected 3, got 4", "Expected hidden[0] size (2, 4, 8), got ..",
//         "LSTM: Expected input to be 2-D or 3-D but received 4-D tensor".

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu, at each step.
class CT_API RNNImpl : public detail::RNNImplBase<RNNImpl> {
 public:
  RNNImpl(std::int64_t input_size, std::int64_t hidden_size) : RNNImpl(RNNOptions(input_size, hidden_size)) {}
  explicit RNNImpl(const RNNOptions& options);
  ~RNNImpl() override;
  std::tuple<Tensor, Tensor> forward(const Tensor& input, Tensor hx = {});
  std::tuple<utils::rnn::PackedSequence, Tensor> forward_with_packed_input(const utils::rnn::PackedSequence& packed_input, Tensor hx = {});
  RNNOptions options;
};

/// i, f, o = sigmoid(..), g = tanh(..); c' = f c + i g, h' = o tanh(c'). Hochreiter & Schmidhuber (1997).   -> output, (h, c)
class CT_API LSTMImpl : public detail::RNNImplBase<LSTMImpl> {
 public:
  LSTMImpl(std::int64_t input_size, std::int64_t hidden_size) : LSTMImpl(LSTMOptions(input_size, hidden_size)) {}
  explicit LSTMImpl(const LSTMOptions& options);
  ~LSTMImpl() override;
  std::tuple<Tensor, std::tuple<Tensor, Tensor>> forward(const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  std::tuple<utils::rnn::PackedSequence, std::tuple<Tensor, Tensor>> forward_with_packed_input(
      const utils::rnn::PackedSequence& packed_input, std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  LSTMOptions options;
};

/// r, z = sigmoid(..), n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h' = (1 - z) n + z h. Cho et al. (2014).
class CT_API GRUImpl : public detail::RNNImplBase<GRUImpl> {
 public:
  GRUImpl(std::int64_t input_size, std::int64_t hidden_size) : GRUImpl(GRUOptions(input_size, hidden_size)) {}
  explicit GRUImpl(const GRUOptions& options);
  ~GRUImpl() override;
  std::tuple<Tensor, Tensor> forward(const Tensor& input, Tensor hx = {});
  std::tuple<utils::rnn::PackedSequence, Tensor> forward_with_packed_input(const utils::rnn::PackedSequence& packed_input, Tensor hx = {});
  GRUOptions options;
};

namespace detail {
extern template class RNNImplBase<RNNImpl>;
extern template class RNNImplBase<LSTMImpl>;
extern template class RNNImplBase<GRUImpl>;
}  // namespace detail
extern template class Cloneable<RNNImpl>;
extern template class Cloneable<LSTMImpl>;
extern template class Cloneable<GRUImpl>;
CT_MODULE(RNN);
CT_MODULE(LSTM);
CT_MODULE(GRU);

// ---- one step at a time ------------------------------------------------------------------------------------------------------

namespace detail {

/// weight_ih [G H, in], weight_hh [G H, H], bias_ih, bias_hh [G H]; initial values as those of the layers.
template <class Derived>
class CT_API RNNCellImplBase : public Cloneable<Derived> {
 public:
  explicit RNNCellImplBase(const RNNCellOptionsBase& options);
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;

  RNNCellOptionsBase options_base;
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;

 protected:
  void check_forward_input(const char* name, const Tensor& input) const;
  // hx, or zeros if it is undefined; checked.
  Tensor state_for(const char* name, const Tensor& input, const Tensor& hx, const char* label) const;
  virtual std::string get_nonlinearity_str() const;  // where it is not the default
};

}  // namespace detail

// Shapes: input [B, in] or [in], states [B, H] or [H], zeros if left out.
// Errors: ct::Error "input has inconsistent input_size: got 4 expected 3", "Input batch size 2 doesn't match hidden batch size 3".

class CT_API RNNCellImpl : public detail::RNNCellImplBase<RNNCellImpl> {
 public:
  RNNCellImpl(std::int64_t input_size, std::int64_t hidden_size) : RNNCellImpl(RNNCellOptions(input_size, hidden_size)) {}
  explicit RNNCellImpl(const RNNCellOptions& options);
  ~RNNCellImpl() override;
  Tensor forward(const Tensor& input, Tensor hx = {});
  RNNCellOptions options;

 protected:
  std::string get_nonlinearity_str() const override;
};

/// -> next state, next cell
class CT_API LSTMCellImpl : public detail::RNNCellImplBase<LSTMCellImpl> {
 public:
  LSTMCellImpl(std::int64_t input_size, std::int64_t hidden_size) : LSTMCellImpl(LSTMCellOptions(input_size, hidden_size)) {}
  explicit LSTMCellImpl(const LSTMCellOptions& options);
  ~LSTMCellImpl() override;
  std::tuple<Tensor, Tensor> forward(const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx_opt = {});
  LSTMCellOptions options;
};

class CT_API GRUCellImpl : public detail::RNNCellImplBase<GRUCellImpl> {
 public:
  GRUCellImpl(std::int64_t input_size, std::int64_t hidden_size) : GRUCellImpl(GRUCellOptions(input_size, hidden_size)) {}
  explicit GRUCellImpl(const GRUCellOptions& options);
  ~GRUCellImpl() override;
  Tensor forward(const Tensor& input, Tensor hx = {});
  GRUCellOptions options;
};

namespace detail {
extern template class RNNCellImplBase<RNNCellImpl>;
extern template class RNNCellImplBase<LSTMCellImpl>;
extern template class RNNCellImplBase<GRUCellImpl>;
}  // namespace detail
extern template class Cloneable<RNNCellImpl>;
extern template class Cloneable<LSTMCellImpl>;
extern template class Cloneable<GRUCellImpl>;
CT_MODULE(RNNCell);
CT_MODULE(LSTMCell);
CT_MODULE(GRUCell);

}  // namespace ct::nn
