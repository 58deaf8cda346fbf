// nn/rnn_cells.cpp -- recurrent cells: one step of one layer.
#include <cmath>

#include "cotangent/nn/init.h"
#include "cotangent/nn/rnn.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

namespace detail {

template <class Derived>
RNNCellImplBase<Derived>::RNNCellImplBase(const RNNCellOptionsBase& o) : options_base(o) { RNNCellImplBase::reset(); }

template <class Derived>
void RNNCellImplBase<Derived>::reset() {
  const RNNCellOptionsBase& o = options_base;
  CT_CHECK(o.input_size() >= 0 && o.hidden_size() >= 0, "RNNCell: sizes must not be negative, got input_size ", o.input_size(), " and hidden_size ", o.hidden_size());
  const std::int64_t rows = o.num_chunks() * o.hidden_size();
  weight_ih = this->register_parameter("weight_ih", ct::empty({rows, o.input_size()}));
  weight_hh = this->register_parameter("weight_hh", ct::empty({rows, o.hidden_size()}));
  if (o.bias()) {
    bias_ih = this->register_parameter("bias_ih", ct::empty({rows}));
    bias_hh = this->register_parameter("bias_hh", ct::empty({rows}));
  } else {
    bias_ih = this->register_parameter("bias_ih", {}, false);
    bias_hh = this->register_parameter("bias_hh", {}, false);
  }
  reset_parameters();
}
template <class Derived>
void RNNCellImplBase<Derived>::reset_parameters() {
  const double bound = options_base.hidden_size() > 0 ? 1 / std::sqrt(static_cast<double>(options_base.hidden_size())) : 0;
  for (const Tensor* p : {&weight_ih, &weight_hh, &bias_ih, &bias_hh})
    if (p->defined()) init::uniform_(*p, -bound, bound);
}

template <class Derived>
std::string RNNCellImplBase<Derived>::extra_repr() const {
  std::string out = join({options_base.input_size(), ", ", options_base.hidden_size()});
  if (!options_base.bias()) out += ", bias=False";
  const std::string nonlinearity = get_nonlinearity_str();
  if (!nonlinearity.empty() && nonlinearity != "tanh") out += join({", nonlinearity=", nonlinearity});
  return out;
}
template <class Derived>
std::string RNNCellImplBase<Derived>::get_nonlinearity_str() const { return {}; }

template <class Derived>
void RNNCellImplBase<Derived>::check_forward_input(const char* name, const Tensor& input) const {
  CT_CHECK(input.defined(), name, ": expected a tensor, but the input is undefined");
  CT_CHECK(input.dim() == 1 || input.dim() == 2, name, ": Expected input to be 1-D or 2-D but received ", input.dim(), "-D tensor");
  CT_CHECK(input.size(-1) == options_base.input_size(), name, ": input has inconsistent input_size: got ", input.size(-1), " expected ", options_base.input_size());
}
template <class Derived>
Tensor RNNCellImplBase<Derived>::state_for(const char* name, const Tensor& input, const Tensor& hx, const char* label) const {
  const std::int64_t hidden = options_base.hidden_size();
  if (!hx.defined()) return input.dim() == 1 ? zeros({hidden}, input.scalar_type()) : zeros({input.size(0), hidden}, input.scalar_type());
  CT_CHECK(hx.dim() == input.dim(), name, ": Expected ", label, " to be ", input.dim(), "-D, as the input, but received ", hx.dim(), "-D tensor");
  CT_CHECK(input.dim() == 1 || input.size(0) == hx.size(0), name, ": Input batch size ", input.size(0), " doesn't match ", label, " batch size ", hx.size(0));
  CT_CHECK(hx.size(-1) == hidden, name, ": ", label, " has inconsistent hidden_size: got ", hx.size(-1), ", expected ", hidden);
  return hx;
}

template class RNNCellImplBase<RNNCellImpl>;
template class RNNCellImplBase<LSTMCellImpl>;
template class RNNCellImplBase<GRUCellImpl>;

}  // namespace detail

template class Cloneable<RNNCellImpl>;
template class Cloneable<LSTMCellImpl>;
template class Cloneable<GRUCellImpl>;

RNNCellImpl::RNNCellImpl(const RNNCellOptions& o) : RNNCellImplBase({o.input_size(), o.hidden_size(), o.bias(), 1}), options(o) {}
RNNCellImpl::~RNNCellImpl() = default;
std::string RNNCellImpl::get_nonlinearity_str() const { return std::string(options.nonlinearity().name()); }
Tensor RNNCellImpl::forward(const Tensor& input, Tensor hx) {
  check_forward_input("RNNCell", input);
  const Tensor h = state_for("RNNCell", input, hx, "hidden");
  return options.nonlinearity().is(kTanh) ? rnn_tanh_cell(input, h, weight_ih, weight_hh, bias_ih, bias_hh)
                                          : rnn_relu_cell(input, h, weight_ih, weight_hh, bias_ih, bias_hh);
}

LSTMCellImpl::LSTMCellImpl(const LSTMCellOptions& o) : RNNCellImplBase({o.input_size(), o.hidden_size(), o.bias(), 4}), options(o) {}
LSTMCellImpl::~LSTMCellImpl() = default;
std::tuple<Tensor, Tensor> LSTMCellImpl::forward(const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx) {
  check_forward_input("LSTMCell", input);
  CT_CHECK(!hx || (std::get<0>(*hx).defined() && std::get<1>(*hx).defined()), "LSTMCell: expected two tensors, but a state is undefined");
  const Tensor h = state_for("LSTMCell", input, hx ? std::get<0>(*hx) : Tensor(), "hidden[0]"), c = state_for("LSTMCell", input, hx ? std::get<1>(*hx) : Tensor(), "hidden[1]");
  return lstm_cell(input, {h, c}, weight_ih, weight_hh, bias_ih, bias_hh);
}

GRUCellImpl::GRUCellImpl(const GRUCellOptions& o) : RNNCellImplBase({o.input_size(), o.hidden_size(), o.bias(), 3}), options(o) {}
GRUCellImpl::~GRUCellImpl() = default;
Tensor GRUCellImpl::forward(const Tensor& input, Tensor hx) {
  check_forward_input("GRUCell", input);
  return gru_cell(input, state_for("GRUCell", input, hx, "hidden"), weight_ih, weight_hh, bias_ih, bias_hh);
}

}  // namespace ct::nn
