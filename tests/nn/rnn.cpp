// tests/nn/rnn.cpp -- recurrent layers: derivatives of both orders, transforms, single sequences, packing, and what is refused.
#include <doctest/doctest.h>

#include <string>

#include "cotangent/autocast.h"
#include "cotangent/cotangent.h"
#include "cotangent/func.h"
#include "cotangent/gradcheck.h"
#include "cotangent/nn/any.h"
#include "cotangent/nn/rnn.h"
#include "values.h"

namespace nn = ct::nn;
namespace rnn = ct::nn::utils::rnn;
using ct::Tensor;

namespace {

bool near(const Tensor& a, const Tensor& b) { return a.sizes() == b.sizes() && ct::allclose(a.detach(), b.detach(), 1e-6, 1e-7); }

template <class F>
std::string refused(F&& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "not refused";
}
bool says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE(text);
  return false;
}

Tensor leaf(ct::IntArrayRef sizes) { return ct::randn(sizes, ct::kDouble).mul_(0.7).requires_grad_(); }

}  // namespace

TEST_CASE("recurrent layers: derivatives of first and second order") {
  ct::manual_seed(1);
  const Tensor x = leaf({3, 2, 2}), h = leaf({2, 2, 3}), c = leaf({2, 2, 3});
  nn::LSTM lstm(nn::LSTMOptions(2, 3).bidirectional(true));
  nn::GRU gru(nn::GRUOptions(2, 3).num_layers(2));
  lstm->to(ct::kDouble);
  gru->to(ct::kDouble);
  const auto run_lstm = [&](const Tensor& a, const Tensor& b, const Tensor& d) {
    const auto [y, state] = lstm(a, std::make_tuple(b, d));
    return std::make_tuple(y, std::get<0>(state), std::get<1>(state));
  };
  const auto run_gru = [&](const Tensor& a, const Tensor& b) { return gru(a, b); };
  CHECK(ct::autograd::gradcheck(run_lstm, {x, h, c}));
  CHECK(ct::autograd::gradgradcheck(run_lstm, {x, h, c}));
  CHECK(ct::autograd::gradcheck(run_gru, {x, h}));
  CHECK(ct::autograd::gradgradcheck(run_gru, {x, h}));
  // of the weights too
  const auto by_weights = [&](const Tensor& w_ih, const Tensor& w_hh, const Tensor& b) {
    return ct::lstm(x, {h.narrow(0, 0, 1), c.narrow(0, 0, 1)}, {w_ih, w_hh, b, b * 2}, true, 1, 0, true, false, false);
  };
  const Tensor w_ih = leaf({12, 2}), w_hh = leaf({12, 3}), b = leaf({12});
  CHECK(ct::autograd::gradcheck(by_weights, {w_ih, w_hh, b}));
  CHECK(ct::autograd::gradgradcheck(by_weights, {w_ih, w_hh, b}));
}

TEST_CASE("recurrent layers under vmap, forward mode and gradients per sample") {
  ct::manual_seed(2);
  nn::LSTM lstm(nn::LSTMOptions(2, 3).num_layers(2));
  const Tensor x = ct::randn({4, 5, 2, 2});
  const auto loss = [&](const Tensor& a) { return std::get<0>(lstm(a)).sin().sum(); };
  const Tensor all = ct::func::vmap([&](const Tensor& a) { return std::get<0>(lstm(a)); })(x);
  const Tensor each = ct::func::vmap(ct::func::grad(loss))(x);
  for (std::int64_t i = 0; i < 4; ++i) {
    CHECK(near(all[i], std::get<0>(lstm(x[i]))));
    const Tensor leaf_x = x[i].clone().requires_grad_();
    loss(leaf_x).backward();
    CHECK(near(each[i], leaf_x.grad()));
    lstm->zero_grad();
  }
  // <grad, t> is the tangent.
  const Tensor t = ct::randn({5, 2, 2});
  const auto [value, tangent] = ct::func::jvp(loss, std::make_tuple(x[0]), std::make_tuple(t));
  CHECK(near(tangent, (each[0] * t).sum()));
}

TEST_CASE("recurrent layers: one sequence is a batch of one") {
  ct::manual_seed(3);
  for (const bool batch_first : {false, true}) {
    nn::LSTM lstm(nn::LSTMOptions(2, 3).num_layers(2).batch_first(batch_first).bidirectional(true));
    nn::GRU gru(nn::GRUOptions(2, 3).batch_first(batch_first));
    const Tensor x = ct::randn({5, 2}), h = ct::randn({4, 3}), c = ct::randn({4, 3});
    const std::int64_t dim = batch_first ? 0 : 1;
    const auto [y, state] = lstm(x, std::make_tuple(h, c));
    const auto [y2, state2] = lstm(x.unsqueeze(dim), std::make_tuple(h.unsqueeze(1), c.unsqueeze(1)));
    CHECK(near(y, y2.squeeze(dim)));
    CHECK(near(std::get<0>(state), std::get<0>(state2).squeeze(1)));
    CHECK(near(std::get<1>(state), std::get<1>(state2).squeeze(1)));
    CHECK(near(std::get<0>(gru(x)), std::get<0>(gru(x.unsqueeze(dim))).squeeze(dim)));
  }
  nn::LSTMCell cell(2, 3);
  const Tensor x = ct::randn({2});
  CHECK(near(std::get<0>(cell(x)), std::get<0>(cell(x.unsqueeze(0)))[0]));
  nn::RNN rnn_layer(2, 3);
  rnn_layer->flatten_parameters();
  CHECK(rnn_layer->all_weights().size() == 4);
}

TEST_CASE("recurrent layers: a packed batch is its sequences one by one") {
  ct::manual_seed(4);
  nn::LSTM lstm(nn::LSTMOptions(2, 3).bidirectional(true));
  const std::vector<Tensor> sequences{ct::randn({2, 2}), ct::randn({5, 2}), ct::randn({1, 2})};
  const rnn::PackedSequence packed = rnn::pack_sequence(sequences, false);
  CHECK_VALUES(packed.batch_sizes(), {3, 2, 1, 1, 1});
  CHECK_VALUES(packed.sorted_indices(), {1, 0, 2});
  const auto [out, state] = lstm->forward_with_packed_input(packed);
  const std::vector<Tensor> outputs = rnn::unpack_sequence(out);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto [y, last] = lstm(sequences[i]);
    CHECK(near(outputs[i], y));
    CHECK(near(std::get<0>(state).select(1, static_cast<std::int64_t>(i)), std::get<0>(last)));
    CHECK(near(std::get<1>(state).select(1, static_cast<std::int64_t>(i)), std::get<1>(last)));
  }
  const auto [padded, lengths] = rnn::pad_packed_sequence(packed, true, -1);
  CHECK_SIZES(padded, {3, 5, 2});
  CHECK_VALUES(lengths, {2, 5, 1});
  CHECK(rnn::pack_sequence(sequences, false).to(ct::kDouble).data().scalar_type() == ct::kDouble);
}

TEST_CASE("recurrent layers: parameters by name, copies, functional_call") {
  nn::LSTM lstm(nn::LSTMOptions(2, 4).bidirectional(true).proj_size(3));
  CHECK(lstm->named_parameters().keys() == std::vector<std::string>{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0", "weight_ih_l0_reverse",
                                                                    "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_hr_l0_reverse"});
  const Tensor x = ct::randn({3, 2, 2});
  const auto copy = std::dynamic_pointer_cast<nn::LSTMImpl>(lstm->clone());
  CHECK(near(std::get<0>(copy->forward(x)), std::get<0>(lstm(x))));
  ct::NoGradGuard guard;
  ct::func::Parameters parameters;
  for (const auto& p : lstm->named_parameters()) parameters.emplace_back(p.key(), p.value() * 2);
  const Tensor before = std::get<0>(lstm(x)), doubled = std::get<0>(ct::func::functional_call(lstm, parameters, x));
  CHECK_FALSE(near(before, doubled));
  for (auto& p : lstm->parameters()) p.mul_(2);
  CHECK(near(std::get<0>(lstm(x)), doubled));
}

TEST_CASE("recurrent layers: what is refused") {
  nn::LSTM lstm(nn::LSTMOptions(3, 8).num_layers(2));
  nn::GRU gru(3, 8);
  nn::RNN plain(3, 8);
  const Tensor x = ct::randn({5, 4, 3});
  CHECK(says(refused([&] { plain(ct::randn({2, 2, 4, 3})); }), "RNN: Expected input to be 2-D or 3-D but received 4-D tensor"));
  CHECK(says(refused([&] { lstm(ct::randn({5, 4, 4})); }), "input.size(-1) must be equal to input_size. Expected 3, got 4"));
  CHECK(says(refused([&] { lstm(x, std::make_tuple(ct::zeros({2, 4, 7}), ct::zeros({2, 4, 8}))); }), "Expected hidden[0] size (2, 4, 8), got [2, 4, 7]"));
  CHECK(says(refused([&] { lstm(x, std::make_tuple(ct::zeros({2, 4, 8}), ct::zeros({1, 4, 8}))); }), "Expected hidden[1] size (2, 4, 8), got [1, 4, 8]"));
  CHECK(says(refused([&] { gru(x, ct::zeros({1, 3, 8})); }), "Expected hidden size (1, 4, 8), got [1, 3, 8]"));
  CHECK(says(refused([&] { gru(x, ct::zeros({1, 8})); }), "For batched 3-D input, hx should also be 3-D but got 2-D tensor"));
  CHECK(says(refused([&] { lstm(x[0], std::make_tuple(ct::zeros({2, 4, 8}), ct::zeros({2, 4, 8}))); }),
            "For unbatched 2-D input, hx and cx should also be 2-D but got (3-D, 3-D) tensors"));
  CHECK(says(refused([&] { lstm(x, std::make_tuple(Tensor(), Tensor())); }), "is undefined"));
  CHECK(says(refused([&] { lstm(Tensor()); }), "undefined"));
  CHECK(says(refused([&] { lstm(ct::randn({0, 4, 3})); }), "Expected sequence length to be larger than 0 in RNN"));
  CHECK_SIZES(std::get<0>(lstm(ct::randn({2, 0, 3}))), {2, 0, 8});
  CHECK(says(refused([&] { lstm(x.to(ct::kDouble)); }), "dtype"));
  CHECK(says(refused([&] { lstm(x, std::make_tuple(ct::zeros({2, 4, 8}, ct::kDouble), ct::zeros({2, 4, 8}))); }), "dtype"));
  CHECK(says(refused([&] { ct::lstm(x, {ct::zeros({1, 4, 8}), ct::zeros({1, 4, 8})}, {ct::zeros({32, 3})}, false, std::int64_t{1} << 62, 0, true, true, false); }),
             "incorrect number of RNN parameters"));
  CHECK(says(refused([&] { ct::gru(x, ct::zeros({1, 4, 8}), {ct::zeros({24, 3}), ct::zeros({24, 7})}, false, 1, 0, true, false, false); }), "weight_hh of layer 0 has shape [24, 7], expected [24, 8]"));
  CHECK(says(refused([] { nn::LSTM(nn::LSTMOptions(3, 8).dropout(1.5).num_layers(2)); }), "dropout should be a number in range [0, 1]"));
  CHECK(says(refused([] { nn::LSTM(nn::LSTMOptions(3, 8).proj_size(8)); }), "proj_size has to be a positive integer, smaller than hidden_size or zero to disable projections"));
  CHECK(says(refused([] { nn::GRU(nn::GRUOptions(3, 8).num_layers(0)); }), "num_layers must be greater than zero"));
  CHECK(says(refused([] { nn::RNN(3, 0); }), "hidden_size must be greater than zero"));

  nn::RNNCell cell(3, 8);
  nn::LSTMCell lstm_cell(3, 8);
  CHECK(says(refused([&] { cell(ct::zeros({2, 4})); }), "input has inconsistent input_size: got 4 expected 3"));
  CHECK(says(refused([&] { cell(ct::zeros({2, 3}), ct::zeros({3, 8})); }), "Input batch size 2 doesn't match hidden batch size 3"));
  CHECK(says(refused([&] { lstm_cell(ct::zeros({2, 3}), std::make_tuple(ct::zeros({2, 8}), ct::zeros({2, 7}))); }), "hidden[1] has inconsistent hidden_size: got 7, expected 8"));
  CHECK(says(refused([&] { cell(ct::zeros({2, 2, 3})); }), "RNNCell: Expected input to be 1-D or 2-D but received 3-D tensor"));
}

TEST_CASE("packing: what is refused") {
  const Tensor x = ct::randn({5, 3, 2});
  const auto lengths = [](std::vector<std::int64_t> v) { return ct::tensor(v); };
  CHECK(says(refused([&] { rnn::pack_padded_sequence(x, lengths({5, 3})); }), "Expected `len(lengths)` to be equal to batch_size, but got 2 (batch_size=3)"));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(x, lengths({3, 5, 2})); }), "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True"));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(x, lengths({5, 3, 0})); }), "Length of all samples has to be greater than 0"));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(x, lengths({6, 3, 1})); }), "is more than the 5 steps"));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(x, lengths({5, 3}), false, false); }), "Expected `len(lengths)` to be equal to batch_size"));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(ct::randn({0, 3, 2}), lengths({5, 3, 1})); }), "Cannot pack empty tensors."));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(ct::randn({5}), lengths({5})); }), "at least 2 dimensions"));
  CHECK(says(refused([&] { rnn::pack_padded_sequence(Tensor(), lengths({5})); }), "undefined"));
  CHECK(says(refused([&] { rnn::pad_sequence({}); }), "received an empty list of sequences"));
  CHECK(says(refused([&] { rnn::pad_sequence({ct::zeros({2, 3}), ct::zeros({2, 4})}); }), "must agree in all but their length"));
  const rnn::PackedSequence p = rnn::pack_padded_sequence(x, lengths({5, 3, 1}));
  CHECK(says(refused([&] { rnn::pad_packed_sequence(p, false, 0, 3); }), "Expected total_length to be at least the length of the longest sequence in input, but got total_length=3"));
  nn::LSTM lstm(2, 4);
  CHECK(says(refused([&] { lstm->forward_with_packed_input(rnn::PackedSequence(ct::zeros({3, 2}), lengths({2, 2}))); }), "more than the 3 rows"));
  CHECK(says(refused([&] { lstm->forward_with_packed_input(rnn::PackedSequence(ct::zeros({3, 2}), lengths({1, 2}))); }), "must not grow"));
  CHECK(says(refused([&] { lstm->forward_with_packed_input(rnn::PackedSequence(ct::zeros({3, 2}), {})); }), "no batch_sizes"));
  CHECK(says(refused([&] { rnn::pad_packed_sequence(rnn::PackedSequence({}, {})); }), "no batch_sizes"));
  CHECK(says(refused([&] { rnn::pad_packed_sequence(rnn::PackedSequence(Tensor(), lengths({1}))); }), "data"));
  CHECK(says(refused([&] { rnn::unpad_sequence(x, lengths({9, 1, 1})); }), "out of range"));
}

TEST_CASE("recurrent layers in mixed precision, and as modules of any type") {
  ct::manual_seed(5);
  nn::LSTM lstm(nn::LSTMOptions(3, 4).num_layers(2));
  nn::GRU gru(nn::GRUOptions(3, 4).bidirectional(true));
  const Tensor x = ct::randn({5, 2, 3});
  const Tensor exact = std::get<0>(lstm(x)).detach(), exact_gru = std::get<0>(gru(x)).detach();
  {
    const ct::amp::autocast half(ct::kBFloat16);
    const Tensor y = std::get<0>(lstm(x)), z = std::get<0>(gru(x));
    CHECK(ct::allclose(y.to(ct::kFloat), exact, 0.05, 0.02));
    CHECK(ct::allclose(z.to(ct::kFloat), exact_gru, 0.05, 0.02));
    (y.sum() + z.sum()).backward();
  }
  for (const Tensor& p : lstm->parameters()) CHECK(p.grad().scalar_type() == ct::kFloat);
  for (const Tensor& p : gru->parameters()) CHECK(p.grad().scalar_type() == ct::kFloat);

  nn::AnyModule any(lstm);
  const auto [y, state] = any.forward<std::tuple<Tensor, std::tuple<Tensor, Tensor>>>(x);
  CHECK(near(y, exact));
}
