// nn/rnn.cpp -- recurrent layers: parameters, checks of the arguments, and the call of ops/rnn.h.
#include "cotangent/nn/rnn.h"

#include <cmath>

#include "cotangent/nn/init.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;
using utils::rnn::PackedSequence;

namespace {

std::int64_t gates(const detail::RNNOptionsBase& o) { return o.mode().is(kLSTM) ? 4 : o.mode().is(kGRU) ? 3 : 1; }
std::int64_t directions(const detail::RNNOptionsBase& o) { return o.bidirectional() ? 2 : 1; }
std::int64_t state_size(const detail::RNNOptionsBase& o) { return o.proj_size() > 0 ? o.proj_size() : o.hidden_size(); }
std::size_t parameters_each(const detail::RNNOptionsBase& o) { return (o.bias() ? 4 : 2) + (o.proj_size() > 0 ? 1 : 0); }

void check_options(const detail::RNNOptionsBase& o) {
  const std::string_view name = o.mode().name();
  CT_CHECK(o.input_size() >= 0 && o.hidden_size() > 0, name, ": hidden_size must be greater than zero and input_size not negative, got ", o.hidden_size(), " and ", o.input_size());
  CT_CHECK(o.hidden_size() < (std::int64_t{1} << 60), name, ": hidden_size ", o.hidden_size(), " is too large");
  CT_CHECK(o.num_layers() > 0, name, ": num_layers must be greater than zero, got ", o.num_layers());
  CT_CHECK(o.dropout() >= 0 && o.dropout() <= 1, name, ": dropout should be a number in range [0, 1] representing the probability of an element being zeroed, got ", o.dropout());
  CT_CHECK(o.proj_size() >= 0 && o.proj_size() < o.hidden_size(), name, ": proj_size has to be a positive integer, smaller than hidden_size or zero to disable projections, got ",
           o.proj_size(), " for hidden_size ", o.hidden_size());
  if (o.dropout() > 0 && o.num_layers() == 1)
    warn(join({"dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got dropout=", o.dropout(),
               " and num_layers=1"}));
}

// An element of a tuple of sizes, as Python prints it.
void check_state(const char* name, const char* label, const Tensor& t, std::int64_t layers, std::int64_t batch, std::int64_t size) {
  CT_CHECK(t.defined(), name, ": expected a tensor, but ", label, " is undefined");
  CT_CHECK(t.dim() == 3 && t.size(0) == layers && t.size(1) == batch && t.size(2) == size, name, ": Expected ", label, " size (", layers, ", ", batch, ", ", size, "), got ",
           t.sizes());
}

}  // namespace

namespace detail {

template <class Derived>
RNNImplBase<Derived>::RNNImplBase(const RNNOptionsBase& o) : options_base(o) {
  this->reads_registry_ = true;
  RNNImplBase::reset();
}

template <class Derived>
void RNNImplBase<Derived>::reset() {
  const RNNOptionsBase& o = options_base;
  check_options(o);
  const std::int64_t rows = gates(o) * o.hidden_size(), state = state_size(o);
  for (std::int64_t layer = 0; layer < o.num_layers(); ++layer)
    for (std::int64_t d = 0; d < directions(o); ++d) {
      const std::string end = join({"_l", layer, d ? "_reverse" : ""});
      const auto add = [&](const char* what, std::initializer_list<std::int64_t> sizes) {
        this->register_parameter(join({what, end}), ct::empty(IntArrayRef(sizes.begin(), sizes.size())));
      };
      add("weight_ih", {rows, layer == 0 ? o.input_size() : state * directions(o)});
      add("weight_hh", {rows, state});
      if (o.bias()) add("bias_ih", {rows}), add("bias_hh", {rows});
      if (o.proj_size() > 0) add("weight_hr", {o.proj_size(), o.hidden_size()});
    }
  reset_parameters();
}
template <class Derived>
void RNNImplBase<Derived>::reset_parameters() {
  const double bound = 1 / std::sqrt(static_cast<double>(options_base.hidden_size()));
  for (const Tensor& p : all_weights()) init::uniform_(p, -bound, bound);
}
template <class Derived>
std::vector<Tensor> RNNImplBase<Derived>::all_weights() const {
  const std::size_t n = static_cast<std::size_t>(options_base.num_layers() * directions(options_base)) * parameters_each(options_base);
  std::vector<Tensor> out;
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) out.push_back(this->parameters_[i].value());  // before any that a derived class may add
  return out;
}

template <class Derived>
std::string RNNImplBase<Derived>::extra_repr() const {
  const RNNOptionsBase& o = options_base;
  std::string out = join({o.input_size(), ", ", o.hidden_size()});
  if (o.proj_size() != 0) out += join({", proj_size=", o.proj_size()});
  if (o.num_layers() != 1) out += join({", num_layers=", o.num_layers()});
  if (!o.bias()) out += ", bias=False";
  if (o.batch_first()) out += ", batch_first=True";
  if (o.dropout() != 0) out += join({", dropout=", python(o.dropout())});
  if (o.bidirectional()) out += ", bidirectional=True";
  return out;
}

template <class Derived>
typename RNNImplBase<Derived>::Result RNNImplBase<Derived>::run(const char* name, const Tensor& input, const PackedSequence* packed, Tensor h, Tensor c, bool has_state) const {
  const RNNOptionsBase& o = options_base;
  const bool lstm = o.mode().is(kLSTM), one = !packed && input.defined() && input.dim() == 2;
  CT_CHECK(input.defined(), name, ": expected a tensor, but the input is undefined");
  if (packed) {
    CT_CHECK(input.dim() == 2, name, ": input must have 2 dimensions, got ", input.dim());
    CT_CHECK(packed->batch_sizes().defined() && packed->batch_sizes().dim() == 1 && packed->batch_sizes().size(0) > 0, name, ": the packed sequence has no batch_sizes");
  } else {
    CT_CHECK(input.dim() == 2 || input.dim() == 3, name, ": Expected input to be 2-D or 3-D but received ", input.dim(), "-D tensor");
  }
  CT_CHECK(input.size(-1) == o.input_size(), name, ": input.size(-1) must be equal to input_size. Expected ", o.input_size(), ", got ", input.size(-1));
  const Tensor x = one ? input.unsqueeze(o.batch_first() ? 0 : 1) : input;
  const std::int64_t layers = o.num_layers() * directions(o);
  const std::int64_t batch = packed ? packed->batch_sizes().select(0, 0).template item<std::int64_t>() : x.size(o.batch_first() ? 0 : 1);
  if (!has_state) {
    h = zeros({layers, batch, state_size(o)}, input.scalar_type());
    if (lstm) c = zeros({layers, batch, o.hidden_size()}, input.scalar_type());
  } else {
    if (!packed) {
      const std::int64_t dims = one ? 2 : 3;
      const bool fits = h.defined() && h.dim() == dims && (!lstm || (c.defined() && c.dim() == dims));
      if (!fits && h.defined() && (!lstm || c.defined())) {
        const char* sort = one ? "unbatched 2-D" : "batched 3-D";
        CT_CHECK(!lstm, name, ": For ", sort, " input, hx and cx should also be ", dims, "-D but got (", h.dim(), "-D, ", c.dim(), "-D) tensors");
        CT_CHECK(fits, name, ": For ", sort, " input, hx should also be ", dims, "-D but got ", h.dim(), "-D tensor");
      }
      if (one && fits) {
        h = h.unsqueeze(1);
        if (lstm) c = c.unsqueeze(1);
      }
    }
    check_state(name, lstm ? "hidden[0]" : "hidden", h, layers, batch, state_size(o));
    if (lstm) check_state(name, "hidden[1]", c, layers, batch, o.hidden_size());
    if (packed && packed->sorted_indices().defined()) {
      h = h.index_select(1, packed->sorted_indices());
      if (lstm) c = c.index_select(1, packed->sorted_indices());
    }
  }
  const std::vector<Tensor> weights = all_weights();
  const bool train = this->is_training();
  Result r;
  if (lstm) {
    std::tie(r.output, r.h, r.c) = packed ? ct::lstm(x, packed->batch_sizes(), {h, c}, weights, o.bias(), o.num_layers(), o.dropout(), train, o.bidirectional())
                                          : ct::lstm(x, {h, c}, weights, o.bias(), o.num_layers(), o.dropout(), train, o.bidirectional(), o.batch_first());
  } else {
    const auto call = [&](auto padded_form, auto packed_form) {
      std::tie(r.output, r.h) = packed ? packed_form(x, packed->batch_sizes(), h, weights, o.bias(), o.num_layers(), o.dropout(), train, o.bidirectional())
                                       : padded_form(x, h, weights, o.bias(), o.num_layers(), o.dropout(), train, o.bidirectional(), o.batch_first());
    };
    using Padded = std::tuple<Tensor, Tensor> (*)(const Tensor&, const Tensor&, TensorList, bool, std::int64_t, double, bool, bool, bool);
    using Packed = std::tuple<Tensor, Tensor> (*)(const Tensor&, const Tensor&, const Tensor&, TensorList, bool, std::int64_t, double, bool, bool);
    if (o.mode().is(kGRU)) call(static_cast<Padded>(ct::gru), static_cast<Packed>(ct::gru));
    else if (o.mode().is(kRNN_TANH)) call(static_cast<Padded>(ct::rnn_tanh), static_cast<Packed>(ct::rnn_tanh));
    else call(static_cast<Padded>(ct::rnn_relu), static_cast<Packed>(ct::rnn_relu));
  }
  if (one) {
    r.output = r.output.squeeze(o.batch_first() ? 0 : 1), r.h = r.h.squeeze(1);
    if (lstm) r.c = r.c.squeeze(1);
  } else if (packed && packed->unsorted_indices().defined()) {
    r.h = r.h.index_select(1, packed->unsorted_indices());
    if (lstm) r.c = r.c.index_select(1, packed->unsorted_indices());
  }
  return r;
}

template class RNNImplBase<RNNImpl>;
template class RNNImplBase<LSTMImpl>;
template class RNNImplBase<GRUImpl>;

}  // namespace detail

template class Cloneable<RNNImpl>;
template class Cloneable<LSTMImpl>;
template class Cloneable<GRUImpl>;

namespace {

template <class Options>
detail::RNNOptionsBase base_options(detail::RNNOptionsBase::rnn_options_base_mode_t mode, const Options& o) {
  return detail::RNNOptionsBase(mode, o.input_size(), o.hidden_size()).num_layers(o.num_layers()).bias(o.bias()).batch_first(o.batch_first()).dropout(o.dropout())
      .bidirectional(o.bidirectional());
}
detail::RNNOptionsBase::rnn_options_base_mode_t mode_of(const RNNOptions& o) {
  if (o.nonlinearity().is(kTanh)) return kRNN_TANH;
  return kRNN_RELU;
}
PackedSequence packed_as(const PackedSequence& p, const Tensor& data) { return PackedSequence(data, p.batch_sizes(), p.sorted_indices(), p.unsorted_indices()); }

}  // namespace

RNNImpl::RNNImpl(const RNNOptions& o) : RNNImplBase(base_options(mode_of(o), o)), options(o) {}
RNNImpl::~RNNImpl() = default;
std::tuple<Tensor, Tensor> RNNImpl::forward(const Tensor& input, Tensor hx) {
  Result r = run("RNN", input, nullptr, hx, {}, hx.defined());
  return {r.output, r.h};
}
std::tuple<PackedSequence, Tensor> RNNImpl::forward_with_packed_input(const PackedSequence& p, Tensor hx) {
  Result r = run("RNN", p.data(), &p, hx, {}, hx.defined());
  return {packed_as(p, r.output), r.h};
}

GRUImpl::GRUImpl(const GRUOptions& o) : RNNImplBase(base_options(kGRU, o)), options(o) {}
GRUImpl::~GRUImpl() = default;
std::tuple<Tensor, Tensor> GRUImpl::forward(const Tensor& input, Tensor hx) {
  Result r = run("GRU", input, nullptr, hx, {}, hx.defined());
  return {r.output, r.h};
}
std::tuple<PackedSequence, Tensor> GRUImpl::forward_with_packed_input(const PackedSequence& p, Tensor hx) {
  Result r = run("GRU", p.data(), &p, hx, {}, hx.defined());
  return {packed_as(p, r.output), r.h};
}

LSTMImpl::LSTMImpl(const LSTMOptions& o) : RNNImplBase(base_options(kLSTM, o).proj_size(o.proj_size())), options(o) {}
LSTMImpl::~LSTMImpl() = default;
std::tuple<Tensor, std::tuple<Tensor, Tensor>> LSTMImpl::forward(const Tensor& input, std::optional<std::tuple<Tensor, Tensor>> hx) {
  Result r = hx ? run("LSTM", input, nullptr, std::get<0>(*hx), std::get<1>(*hx), true) : run("LSTM", input, nullptr, {}, {}, false);
  return {r.output, {r.h, r.c}};
}
std::tuple<PackedSequence, std::tuple<Tensor, Tensor>> LSTMImpl::forward_with_packed_input(const PackedSequence& p, std::optional<std::tuple<Tensor, Tensor>> hx) {
  Result r = hx ? run("LSTM", p.data(), &p, std::get<0>(*hx), std::get<1>(*hx), true) : run("LSTM", p.data(), &p, {}, {}, false);
  return {packed_as(p, r.output), {r.h, r.c}};
}

}  // namespace ct::nn
