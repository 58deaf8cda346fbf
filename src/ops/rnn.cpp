// ops/rnn.cpp -- stacks of recurrent layers and single cells, composed of public operations (single layers as operations: lstm_layer.cpp, gru_layer.cpp).
#include "cotangent/ops/rnn.h"

#include "cotangent/autograd.h"
#include "ops/rnn_layers.h"

namespace ct {

namespace {

enum class Mode { lstm, gru, tanh, relu };

constexpr std::int64_t gates_of(Mode m) { return m == Mode::lstm ? 4 : m == Mode::gru ? 3 : 1; }
constexpr const char* name_of(Mode m) { return m == Mode::lstm ? "lstm" : m == Mode::gru ? "gru" : m == Mode::tanh ? "rnn_tanh" : "rnn_relu"; }

// The parameters of one direction of one layer; those that there are not are undefined.
struct Weights {
  Tensor ih, hh, b_ih, b_hh, hr;
};
struct State {
  Tensor h, c;
};

// The state after a step of the LSTM, from the sums in front of its gates [B, 4 H].
State lstm_step(const Tensor& z, const Tensor& c, const Tensor& hr) {
  const std::vector<Tensor> k = z.chunk(4, -1);
  const Tensor next = k[1].sigmoid() * c + k[0].sigmoid() * k[2].tanh(), h = k[3].sigmoid() * next.tanh();
  return {hr.defined() ? matmul(h, hr.t()) : h, next};
}
Tensor gru_step(const Tensor& from_input, const Tensor& from_state, const Tensor& h) {
  const std::vector<Tensor> x = from_input.chunk(3, -1), s = from_state.chunk(3, -1);
  const Tensor r = (x[0] + s[0]).sigmoid(), z = (x[1] + s[1]).sigmoid(), n = (x[2] + r * s[2]).tanh();
  return n + z * (h - n);
}
Tensor times(const Tensor& x, const Tensor& w, const Tensor& b) { return b.defined() ? linear(x, w, b) : linear(x, w); }

State step(Mode mode, const Tensor& from_input, const State& s, const Weights& w) {
  const Tensor from_state = times(s.h, w.hh, w.b_hh);
  switch (mode) {
    case Mode::lstm: return lstm_step(from_input + from_state, s.c, w.hr);
    case Mode::gru: return {gru_step(from_input, from_state, s.h), {}};
    case Mode::tanh: return {(from_input + from_state).tanh(), {}};
    case Mode::relu: return {(from_input + from_state).relu(), {}};
  }
  return {};
}

// ---- one layer in one direction --------------------------------------------------------------------------------------------

// Row t of a step is present in the first sizes[t] sequences; x has those rows one step after another. All sizes of a padded
// batch are the same.
struct Steps {
  std::vector<std::int64_t> sizes;
  bool padded;
  std::int64_t count() const { return static_cast<std::int64_t>(sizes.size()); }
};

Tensor joined(const std::vector<Tensor>& parts) { return parts.size() == 1 ? parts[0] : cat(parts, 0); }

// The first rows of the old state replaced: sequences that have ended, or not begun yet, keep theirs.
Tensor replaced(const Tensor& old, const Tensor& rows) {
  return rows.size(0) == old.size(0) ? rows : cat({rows, old.narrow(0, rows.size(0), old.size(0) - rows.size(0))}, 0);
}
Tensor first_rows(const Tensor& x, std::int64_t n) { return x.size(0) == n ? x : x.narrow(0, 0, n); }

// x [N, in] -> [N, P]; the state is replaced by the last one.
Tensor run_direction(Mode mode, const Tensor& x, const Steps& steps, State& state, Weights w, bool reverse) {
  const std::int64_t count = steps.count();
  // Of an LSTM both biases are added to the same sum: once, together with the input's part.
  const bool together = mode == Mode::lstm && w.b_ih.defined();
  const Tensor z = times(x, w.ih, together ? w.b_ih + w.b_hh : w.b_ih);
  if (together) w.b_hh.reset();
  if (mode == Mode::lstm && steps.padded && !w.hr.defined() && detail::lstm_layer_applies(z, state.h, state.c, w.hh)) {
    auto [y, h, c] = detail::lstm_layer(z.view({count, steps.sizes[0], z.size(1)}), state.h, state.c, w.hh, reverse);
    state = {h, c};
    return y.view({x.size(0), y.size(2)});
  }
  if (mode == Mode::gru && steps.padded && detail::gru_layer_applies(z, state.h, w.hh, w.b_hh)) {
    auto [y, h] = detail::gru_layer(z.view({count, steps.sizes[0], z.size(1)}), state.h, w.hh, w.b_hh, reverse);
    state.h = h;
    return y.view({x.size(0), y.size(2)});
  }
  const std::vector<Tensor> inputs = split_with_sizes(z, steps.sizes, 0);
  std::vector<Tensor> outputs(inputs.size());
  for (std::int64_t k = 0; k < count; ++k) {
    const auto t = static_cast<std::size_t>(reverse ? count - 1 - k : k);
    const std::int64_t n = steps.sizes[t];
    const State next = step(mode, inputs[t], {first_rows(state.h, n), state.c.defined() ? first_rows(state.c, n) : Tensor()}, w);
    outputs[t] = next.h;
    state.h = replaced(state.h, next.h);
    if (next.c.defined()) state.c = replaced(state.c, next.c);
  }
  return joined(outputs);
}

// PyTorch's draws: one number for each element, in their order in memory.
Tensor dropped(const Tensor& x, double p) {
  if (p == 1) return x * zeros({}, x.scalar_type());
  Tensor noise;
  {
    const NoGradGuard guard;
    noise = empty_like(x).bernoulli_(1 - p).div_(1 - p);
  }
  return x * noise;
}

// ---- all layers --------------------------------------------------------------------------------------------------------------

struct Stack {
  Mode mode;
  TensorList params;
  bool has_biases, train, bidirectional;
  std::int64_t num_layers;
  double dropout;

  std::int64_t directions() const { return bidirectional ? 2 : 1; }
};

void check_defined(const Stack& s, const Tensor& x, const char* what) {
  CT_CHECK(x.defined(), name_of(s.mode), ": expected a tensor, but ", what, " is undefined");
}

std::vector<Weights> weights_of(const Stack& s, bool projected) {
  const char* name = name_of(s.mode);
  CT_CHECK(s.num_layers > 0, name, ": num_layers must be greater than zero, got ", s.num_layers);
  CT_CHECK(s.num_layers <= static_cast<std::int64_t>(s.params.size()), name, ": got an incorrect number of RNN parameters: ", s.params.size(), " for ", s.num_layers, " layers");
  CT_CHECK(s.dropout >= 0 && s.dropout <= 1, name, ": dropout probability has to be between 0 and 1, but got ", s.dropout);
  const std::size_t each = (s.has_biases ? 4 : 2) + (projected ? 1 : 0), n = static_cast<std::size_t>(s.num_layers * s.directions());
  CT_CHECK(s.params.size() == n * each, name, ": got an incorrect number of RNN parameters: ", s.params.size(), ", expected ", n * each);
  for (const Tensor& p : s.params) check_defined(s, p, "a parameter");
  std::vector<Weights> out(n);
  std::size_t i = 0;
  for (Weights& w : out) {
    w.ih = s.params[i], w.hh = s.params[i + 1];
    if (s.has_biases) w.b_ih = s.params[i + 2], w.b_hh = s.params[i + 3];
    if (projected) w.hr = s.params[i + each - 1];
    i += each;
  }
  return out;
}

// Shapes must fit before anything is computed.
void check_weights(const Stack& s, const std::vector<Weights>& all, std::int64_t in, std::int64_t hidden, std::int64_t state) {
  const std::int64_t rows = gates_of(s.mode) * hidden;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int64_t width = static_cast<std::int64_t>(i) < s.directions() ? in : state * s.directions();
    const auto fits = [&](const Tensor& t, std::initializer_list<std::int64_t> sizes, const char* what) {
      CT_CHECK(!t.defined() || t.sizes() == IntArrayRef(sizes.begin(), sizes.size()), name_of(s.mode), ": ", what, " of layer ", i / static_cast<std::size_t>(s.directions()),
               " has shape ", t.sizes(), ", expected ", IntArrayRef(sizes.begin(), sizes.size()));
    };
    fits(all[i].ih, {rows, width}, "weight_ih");
    fits(all[i].hh, {rows, state}, "weight_hh");
    fits(all[i].b_ih, {rows}, "bias_ih");
    fits(all[i].b_hh, {rows}, "bias_hh");
    fits(all[i].hr, {state, hidden}, "weight_hr");
  }
}

// x [N, in] -> [N, D P] and the last states [layers D, B, ..].
std::tuple<Tensor, Tensor, Tensor> run_layers(const Stack& s, Tensor x, const Steps& steps, const Tensor& h0, const Tensor& c0) {
  const char* name = name_of(s.mode);
  check_defined(s, h0, "the state");
  if (s.mode == Mode::lstm) check_defined(s, c0, "the cell");
  CT_CHECK(h0.dim() == 3 && (!c0.defined() || c0.dim() == 3), name, ": Expected hidden to have 3 dimensions, got ", h0.dim(), c0.defined() && c0.dim() != 3 ? " and another number" : "");
  const std::int64_t state = h0.size(2), hidden = c0.defined() ? c0.size(2) : state, batch = steps.sizes.empty() ? 0 : steps.sizes[0];
  const std::vector<Weights> weights = weights_of(s, c0.defined() && state != hidden);
  const std::int64_t n = s.num_layers * s.directions();
  for (const Tensor* t : {&h0, &c0})
    CT_CHECK(!t->defined() || (t->size(0) == n && t->size(1) == batch), name, ": Expected hidden size (", n, ", ", batch, ", ", t == &h0 ? state : hidden,
             "), got ", t->sizes());
  check_weights(s, weights, x.size(1), hidden, state);
  CT_CHECK(!steps.sizes.empty(), name, ": Expected sequence length to be larger than 0 in RNN");

  const std::vector<Tensor> h = h0.unbind(0), c = c0.defined() ? c0.unbind(0) : std::vector<Tensor>();
  std::vector<Tensor> last_h, last_c;
  std::size_t i = 0;
  for (std::int64_t layer = 0; layer < s.num_layers; ++layer) {
    std::vector<Tensor> outputs;
    for (std::int64_t d = 0; d < s.directions(); ++d, ++i) {
      State state_now{h[i], c0.defined() ? c[i] : Tensor()};
      outputs.push_back(run_direction(s.mode, x, steps, state_now, weights[i], d == 1));
      last_h.push_back(state_now.h);
      if (c0.defined()) last_c.push_back(state_now.c);
    }
    x = outputs.size() == 1 ? outputs[0] : cat(outputs, 1);
    if (s.train && s.dropout > 0 && layer + 1 < s.num_layers) x = dropped(x, s.dropout);
  }
  return {x, stack(last_h, 0), c0.defined() ? stack(last_c, 0) : Tensor()};
}

std::tuple<Tensor, Tensor, Tensor> run_padded(const Stack& s, const Tensor& input, const Tensor& h0, const Tensor& c0, bool batch_first) {
  check_defined(s, input, "the input");
  CT_CHECK(input.dim() == 3, name_of(s.mode), ": input must have 3 dimensions, got ", input.dim());
  const Tensor x = batch_first ? input.transpose(0, 1) : input;
  const std::int64_t count = x.size(0), batch = x.size(1);
  CT_CHECK(count > 0, name_of(s.mode), ": Expected sequence length to be larger than 0 in RNN");
  const Steps steps{std::vector<std::int64_t>(static_cast<std::size_t>(count), batch), true};
  auto [y, h, c] = run_layers(s, x.reshape({count * batch, x.size(2)}), steps, h0, c0);
  y = y.view({count, batch, y.size(1)});
  return {batch_first ? y.transpose(0, 1) : y, h, c};
}

std::tuple<Tensor, Tensor, Tensor> run_packed(const Stack& s, const Tensor& data, const Tensor& batch_sizes, const Tensor& h0, const Tensor& c0) {
  check_defined(s, data, "the data");
  CT_CHECK(data.dim() == 2, name_of(s.mode), ": input must have 2 dimensions, got ", data.dim());
  const Steps steps{detail::batch_size_list(name_of(s.mode), batch_sizes, data.size(0)), false};
  return run_layers(s, data, steps, h0, c0);
}

void check_two(TensorList hx) { CT_CHECK(hx.size() == 2, "lstm: lstm expects two hidden states, got ", hx.size()); }

std::tuple<Tensor, Tensor> first_two(std::tuple<Tensor, Tensor, Tensor> r) { return {std::move(std::get<0>(r)), std::move(std::get<1>(r))}; }

}  // namespace

std::tuple<Tensor, Tensor, Tensor> lstm(const Tensor& input, TensorList hx, TensorList params, bool has_biases, std::int64_t num_layers, double dropout,
                                        bool train, bool bidirectional, bool batch_first) {
  check_two(hx);
  return run_padded({Mode::lstm, params, has_biases, train, bidirectional, num_layers, dropout}, input, hx[0], hx[1], batch_first);
}
std::tuple<Tensor, Tensor, Tensor> lstm(const Tensor& data, const Tensor& batch_sizes, TensorList hx, TensorList params, bool has_biases,
                                        std::int64_t num_layers, double dropout, bool train, bool bidirectional) {
  check_two(hx);
  return run_packed({Mode::lstm, params, has_biases, train, bidirectional, num_layers, dropout}, data, batch_sizes, hx[0], hx[1]);
}
#define CT_RECURRENT(name, mode)                                                                                                                     \
  std::tuple<Tensor, Tensor> name(const Tensor& input, const Tensor& hx, TensorList params, bool has_biases, std::int64_t num_layers, double dropout, \
                                  bool train, bool bidirectional, bool batch_first) {                                                                \
    return first_two(run_padded({mode, params, has_biases, train, bidirectional, num_layers, dropout}, input, hx, {}, batch_first));                 \
  }                                                                                                                                                  \
  std::tuple<Tensor, Tensor> name(const Tensor& data, const Tensor& batch_sizes, const Tensor& hx, TensorList params, bool has_biases,               \
                                  std::int64_t num_layers, double dropout, bool train, bool bidirectional) {                                         \
    return first_two(run_packed({mode, params, has_biases, train, bidirectional, num_layers, dropout}, data, batch_sizes, hx, {}));                  \
  }
CT_RECURRENT(gru, Mode::gru)
CT_RECURRENT(rnn_tanh, Mode::tanh)
CT_RECURRENT(rnn_relu, Mode::relu)
#undef CT_RECURRENT

// ---- cells ---------------------------------------------------------------------------------------------------------------------

namespace {

State cell(Mode mode, const char* name, const Tensor& input, const State& s, const Weights& w) {
  for (const Tensor* t : {&input, &s.h, &w.ih, &w.hh}) CT_CHECK(t->defined(), name, ": expected a tensor, but an argument is undefined");
  CT_CHECK(mode != Mode::lstm || s.c.defined(), name, ": expected a tensor, but the cell is undefined");
  CT_CHECK(w.b_ih.defined() == w.b_hh.defined(), name, ": b_ih and b_hh must be given both, or none of them");
  CT_CHECK(w.ih.dim() == 2 && w.hh.dim() == 2, name, ": weights must be matrices, got shapes ", w.ih.sizes(), " and ", w.hh.sizes());
  const std::int64_t hidden = w.hh.size(1), rows = gates_of(mode) * hidden;
  CT_CHECK(w.ih.size(0) == rows && w.hh.size(0) == rows, name, ": weights must have ", rows, " rows, got shapes ", w.ih.sizes(), " and ", w.hh.sizes());
  CT_CHECK((input.dim() == 1 || input.dim() == 2) && s.h.dim() == input.dim(), name, ": Expected input and state to be 1-D or 2-D, got ", input.dim(), "-D and ",
           s.h.dim(), "-D");
  CT_CHECK(input.size(-1) == w.ih.size(1), name, ": input has inconsistent input_size: got ", input.size(-1), " expected ", w.ih.size(1));
  for (const Tensor* t : {&s.h, &s.c}) {
    if (!t->defined()) continue;
    CT_CHECK(t->dim() == input.dim() && t->size(-1) == hidden, name, ": hidden has inconsistent hidden_size: got ", t->size(-1), ", expected ", hidden);
    CT_CHECK(input.dim() == 1 || t->size(0) == input.size(0), name, ": Input batch size ", input.size(0), " doesn't match hidden batch size ", t->size(0));
  }
  return step(mode, times(input, w.ih, w.b_ih), s, w);
}

}  // namespace

std::tuple<Tensor, Tensor> lstm_cell(const Tensor& input, TensorList hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  CT_CHECK(hx.size() == 2, "lstm_cell: lstm_cell expects two hidden states, got ", hx.size());
  State s = cell(Mode::lstm, "lstm_cell", input, {hx[0], hx[1]}, {w_ih, w_hh, b_ih, b_hh, {}});
  return {std::move(s.h), std::move(s.c)};
}
Tensor gru_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  return cell(Mode::gru, "gru_cell", input, {hx, {}}, {w_ih, w_hh, b_ih, b_hh, {}}).h;
}
Tensor rnn_tanh_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  return cell(Mode::tanh, "rnn_tanh_cell", input, {hx, {}}, {w_ih, w_hh, b_ih, b_hh, {}}).h;
}
Tensor rnn_relu_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  return cell(Mode::relu, "rnn_relu_cell", input, {hx, {}}, {w_ih, w_hh, b_ih, b_hh, {}}).h;
}

}  // namespace ct
