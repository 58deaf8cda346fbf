// tests/oracle/rnn_oracle.cpp -- recurrent layers and cells beside libtorch's: padded, packed, with and without states.
#include "oracle/nn_check.h"

namespace {

// The layer as libtorch computes it: a chain of sums, chunks and activations.
oracle::Outputs lstm_steps(const oracle::Inputs& in, bool reverse) {
  at::Tensor h = in[1], c = in[2];
  const auto n = static_cast<std::size_t>(in[0].size(0));
  std::vector<at::Tensor> y(n), gates(n), cells(n);
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t t = reverse ? n - 1 - k : k;
    const auto parts = (in[0][static_cast<std::int64_t>(t)] + at::linear(h, in[3])).chunk(4, 1);
    const at::Tensor i = parts[0].sigmoid(), f = parts[1].sigmoid(), g = parts[2].tanh(), o = parts[3].sigmoid();
    cells[t] = c = f * c + i * g;
    y[t] = h = o * c.tanh();
    gates[t] = at::cat({i, f, g, o}, 1);
  }
  return {at::stack(y), h, c, at::stack(gates), at::stack(cells)};
}

oracle::Outputs gru_steps(const oracle::Inputs& in, bool reverse) {
  at::Tensor h = in[1];
  const auto n = static_cast<std::size_t>(in[0].size(0));
  std::vector<at::Tensor> y(n), gates(n);
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t t = reverse ? n - 1 - k : k;
    const auto x = in[0][static_cast<std::int64_t>(t)].chunk(3, 1), s = at::linear(h, in[2], in[3]).chunk(3, 1);
    const at::Tensor r = (x[0] + s[0]).sigmoid(), u = (x[1] + s[1]).sigmoid(), m = (x[2] + r * s[2]).tanh();
    y[t] = h = m + u * (h - m);
    gates[t] = at::cat({r, u, m, s[2]}, 1);
  }
  return {at::stack(y), h, at::stack(gates)};
}

}  // namespace

CT_ORACLE(rnn) {
  return {
      Entry("lstm_layer", [](const Inputs& in, const void* a) -> Outputs { return lstm_steps(in, a && *static_cast<const bool*>(a)); }, Tolerance{.f32 = 1e-4})
          .graph_differs("libtorch records every step"),
      Entry("gru_layer", [](const Inputs& in, const void* a) -> Outputs { return gru_steps(in, a && *static_cast<const bool*>(a)); }, Tolerance{.f32 = 1e-4})
          .graph_differs("libtorch records every step"),
  };
}

TEST_CASE("recurrent layers") {
  CHECK_MODULE("RNN(3, 4)", RNN(3, 4), Randn(5, 2, 3));
  CHECK_MODULE("RNN(3, 4, num_layers=2, bias=False)", RNN(RNNOptions(3, 4).num_layers(2).bias(false).nonlinearity(kReLU)), Randn(5, 2, 3), Randn(2, 2, 4));
  CHECK_MODULE("RNN(3, 4, num_layers=2, batch_first=True, dropout=0.3, bidirectional=True)",
               RNN(RNNOptions(3, 4).num_layers(2).batch_first(true).dropout(0.3).bidirectional(true)), Randn(2, 5, 3), Randn(4, 2, 4));
  CHECK_MODULE("GRU(3, 4)", GRU(3, 4), Randn(5, 2, 3));
  CHECK_MODULE("GRU(3, 4, num_layers=2, bias=False)", GRU(GRUOptions(3, 4).num_layers(2).bias(false)), Randn(1, 2, 3), Randn(2, 2, 4));
  CHECK_MODULE("GRU(3, 4, num_layers=3, batch_first=True, dropout=0.5, bidirectional=True)",
               GRU(GRUOptions(3, 4).num_layers(3).batch_first(true).dropout(0.5).bidirectional(true)), Randn(2, 5, 3), Randn(6, 2, 4));
  CHECK_MODULE("LSTM(3, 4)", LSTM(3, 4), Randn(5, 2, 3));
  CHECK_MODULE("LSTM(7, 17)", LSTM(7, 17), Randn(3, 5, 7));
  CHECK_MODULE("LSTM(3, 4, num_layers=2, bias=False)", LSTM(LSTMOptions(3, 4).num_layers(2).bias(false)), Randn(5, 2, 3));
  CHECK_MODULE("LSTM(3, 4, num_layers=3, batch_first=True, dropout=0.5, bidirectional=True)",
               LSTM(LSTMOptions(3, 4).num_layers(3).batch_first(true).dropout(0.5).bidirectional(true)), Randn(2, 5, 3));
  CHECK_MODULE("LSTM(3, 4, num_layers=2, dropout=1.0)", LSTM(LSTMOptions(3, 4).num_layers(2).dropout(1)), Randn(5, 2, 3));
  CHECK_MODULE("LSTM(3, 5, proj_size=2, num_layers=2, bidirectional=True)", LSTM(LSTMOptions(3, 5).num_layers(2).proj_size(2).bidirectional(true)), Randn(4, 2, 3));
  CHECK_MODULE("LSTM(3, 5, proj_size=2, bias=False)", LSTM(LSTMOptions(3, 5).proj_size(2).bias(false)), Randn(4, 2, 3));
}

TEST_CASE("recurrent cells") {
  CHECK_MODULE("RNNCell(3, 4)", RNNCell(3, 4), Randn(2, 3));
  CHECK_MODULE("RNNCell(3, 4, bias=False, nonlinearity=\"relu\")", RNNCell(RNNCellOptions(3, 4).bias(false).nonlinearity(kReLU)), Randn(2, 3), Randn(2, 4));
  CHECK_MODULE("GRUCell(3, 4)", GRUCell(3, 4), Randn(2, 3), Randn(2, 4));
  CHECK_MODULE("GRUCell(3, 4, bias=False)", GRUCell(GRUCellOptions(3, 4).bias(false)), Randn(2, 3));
  CHECK_MODULE("LSTMCell(3, 4)", LSTMCell(3, 4), Randn(2, 3));
  CHECK_MODULE("LSTMCell(3, 4, bias=False)", LSTMCell(LSTMCellOptions(3, 4).bias(false)), Randn(2, 3));
}

namespace {

namespace tn = torch::nn;
namespace cn = ct::nn;
namespace tr = torch::nn::utils::rnn;
namespace cr = ct::nn::utils::rnn;

void seed(std::uint64_t s) {
  ct::manual_seed(s);
  torch::manual_seed(s);
}
void near(const ct::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.defined() == b.defined());
  if (!a.defined()) return;
  const at::Tensor x = oracle::to_at(a.detach());
  REQUIRE(x.sizes() == b.sizes());
  REQUIRE(x.scalar_type() == b.scalar_type());
  CHECK(at::allclose(x, b.detach(), 1e-5, 1e-6));
}
template <class A, class B>
void near_all(const A& a, const B& b) {
  std::vector<ct::Tensor> p;
  std::vector<at::Tensor> q;
  oracle::flatten(a, p);
  oracle::flatten(b, q);
  REQUIRE(p.size() == q.size());
  for (std::size_t i = 0; i < p.size(); ++i) near(p[i], q[i]);
}
void near_packed(const cr::PackedSequence& a, const tr::PackedSequence& b) {
  near(a.data(), b.data());
  near(a.batch_sizes(), b.batch_sizes());
  near(a.sorted_indices(), b.sorted_indices());
  near(a.unsorted_indices(), b.unsorted_indices());
}
template <class A, class B>
void near_gradients(const A& a, const B& b) {
  const auto p = a->named_parameters();
  const auto q = b->named_parameters();
  REQUIRE(p.keys() == q.keys());
  for (std::size_t i = 0; i < p.size(); ++i) {
    CAPTURE(p[i].key());
    near(p[i]->grad(), q[i]->grad());
  }
}

}  // namespace

TEST_CASE("LSTM with states, and a cell with states") {
  seed(1);
  cn::LSTM a(cn::LSTMOptions(3, 5).num_layers(2).bidirectional(true).proj_size(2));
  tn::LSTM b(tn::LSTMOptions(3, 5).num_layers(2).bidirectional(true).proj_size(2));
  cn::LSTM a2(cn::LSTMOptions(3, 5).num_layers(2).bidirectional(true));
  tn::LSTM b2(tn::LSTMOptions(3, 5).num_layers(2).bidirectional(true));
  cn::LSTMCell a3(3, 5);
  tn::LSTMCell b3(3, 5);
  seed(2);
  const ct::Tensor x = ct::randn({4, 2, 3}).requires_grad_(), h = ct::randn({4, 2, 2}).requires_grad_(), c = ct::randn({4, 2, 5}).requires_grad_();
  const ct::Tensor h2 = ct::randn({4, 2, 5}).requires_grad_();
  const at::Tensor y = torch::randn({4, 2, 3}).requires_grad_(), k = torch::randn({4, 2, 2}).requires_grad_(), d = torch::randn({4, 2, 5}).requires_grad_();
  const at::Tensor k2 = torch::randn({4, 2, 5}).requires_grad_();
  const auto run = [&](const auto& ours, const auto& theirs) {
    near_all(ours, theirs);
    (std::get<0>(ours).sin().sum() + (std::get<0>(std::get<1>(ours)) * std::get<1>(std::get<1>(ours)).sum(-1, true)).sum()).backward();
    (std::get<0>(theirs).sin().sum() + (std::get<0>(std::get<1>(theirs)) * std::get<1>(std::get<1>(theirs)).sum(-1, true)).sum()).backward();
  };
  run(a(x, std::make_tuple(h, c)), b(y, std::make_tuple(k, d)));
  run(a2(x, std::make_tuple(h2, c)), b2(y, std::make_tuple(k2, d)));
  near_gradients(a, b);
  near_gradients(a2, b2);
  near(x.grad(), y.grad());
  near(h.grad(), k.grad());
  near(h2.grad(), k2.grad());
  near(c.grad(), d.grad());
  near_all(a3(x[0], std::make_tuple(h2[0], c[0])), b3(y[0], std::make_tuple(k2[0], d[0])));
}

TEST_CASE("packing and padding") {
  seed(3);
  for (const bool batch_first : {false, true})
    for (const bool sorted : {true, false}) {
      CAPTURE(batch_first);
      CAPTURE(sorted);
      const std::vector<std::int64_t> shape = batch_first ? std::vector<std::int64_t>{4, 5, 3} : std::vector<std::int64_t>{5, 4, 3};
      const ct::Tensor x = ct::randn(shape);
      const at::Tensor y = torch::randn(shape);
      const std::vector<std::int64_t> lengths = sorted ? std::vector<std::int64_t>{5, 3, 3, 1} : std::vector<std::int64_t>{2, 5, 1, 2};
      const cr::PackedSequence p = cr::pack_padded_sequence(x, ct::tensor(lengths), batch_first, sorted);
      const tr::PackedSequence q = tr::pack_padded_sequence(y, torch::tensor(lengths), batch_first, sorted);
      near_packed(p, q);
      near_all(cr::pad_packed_sequence(p, batch_first), tr::pad_packed_sequence(q, batch_first));
      near_all(cr::pad_packed_sequence(p, !batch_first, -2.5, 7), tr::pad_packed_sequence(q, !batch_first, -2.5, 7));
    }
  std::vector<ct::Tensor> s;
  std::vector<at::Tensor> t;
  for (const std::int64_t n : {2, 4, 3}) s.push_back(ct::randn({n, 2})), t.push_back(torch::randn({n, 2}));
  near(cr::pad_sequence(s), tr::pad_sequence(t));
  near(cr::pad_sequence(s, true, 7), tr::pad_sequence(t, true, 7));
  near_packed(cr::pack_sequence(s, false), tr::pack_sequence(t, false));
}

TEST_CASE("recurrent layers over packed sequences") {
  for (const bool sorted : {true, false})
    for (const bool two : {false, true}) {
      CAPTURE(sorted);
      CAPTURE(two);
      const auto check = [&](auto a, auto b, auto state_a, auto state_b) {
        seed(5);
        const ct::Tensor x = ct::randn({5, 4, 3}).requires_grad_();
        const at::Tensor y = torch::randn({5, 4, 3}).requires_grad_();
        const std::vector<std::int64_t> lengths = sorted ? std::vector<std::int64_t>{5, 3, 3, 1} : std::vector<std::int64_t>{2, 4, 1, 2};
        seed(6);
        for (const bool with_state : {false, true}) {
          CAPTURE(with_state);
          const cr::PackedSequence p = cr::pack_padded_sequence(x, ct::tensor(lengths), false, sorted);
          const tr::PackedSequence q = tr::pack_padded_sequence(y, torch::tensor(lengths), false, sorted);
          const auto r = with_state ? a->forward_with_packed_input(p, state_a) : a->forward_with_packed_input(p);
          const auto s = with_state ? b->forward_with_packed_input(q, state_b) : b->forward_with_packed_input(q);
          near_packed(std::get<0>(r), std::get<0>(s));
          near_all(std::get<1>(r), std::get<1>(s));
          std::vector<ct::Tensor> last_a;
          std::vector<at::Tensor> last_b;
          oracle::flatten(std::get<1>(r), last_a), oracle::flatten(std::get<1>(s), last_b);
          (std::get<0>(r).data().sin().sum() + last_a.back().cos().sum()).backward();
          (std::get<0>(s).data().sin().sum() + last_b.back().cos().sum()).backward();
        }
        near_gradients(a, b);
        near(x.grad(), y.grad());
      };
      seed(4);
      const std::int64_t n = two ? 4 : 1;
      const ct::Tensor h = ct::randn({n, 4, 5}), c = ct::randn({n, 4, 5});
      const at::Tensor k = torch::randn({n, 4, 5}), d = torch::randn({n, 4, 5});
      const std::int64_t layers = two ? 2 : 1;
      const double dropout = two ? 0.4 : 0;
      check(cn::LSTM(cn::LSTMOptions(3, 5).num_layers(layers).bidirectional(two).dropout(dropout)),
            tn::LSTM(tn::LSTMOptions(3, 5).num_layers(layers).bidirectional(two).dropout(dropout)), std::make_tuple(h, c), std::make_tuple(k, d));
      check(cn::GRU(cn::GRUOptions(3, 5).num_layers(layers).bidirectional(two).dropout(dropout)),
            tn::GRU(tn::GRUOptions(3, 5).num_layers(layers).bidirectional(two).dropout(dropout)), h, k);
      check(cn::RNN(cn::RNNOptions(3, 5).num_layers(layers).bidirectional(two).dropout(dropout)),
            tn::RNN(tn::RNNOptions(3, 5).num_layers(layers).bidirectional(two).dropout(dropout)), h, k);
    }
}
