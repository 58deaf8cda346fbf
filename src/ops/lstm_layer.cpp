// ops/lstm_layer.cpp -- one direction of an LSTM's layer as one operation: the loop over its steps.
#include "ops/rnn_layers.h"

#include "autograd/node.h"
#include "kernels/lstm.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

namespace {

struct LstmAttrs {
  bool reverse = false;  // from the last step to the first
};

kernels::LstmSizes sizes_of(const Tensor& z, const LstmAttrs& a) { return {z.size(0), z.size(1), z.size(2) / 4, a.reverse}; }

std::vector<Tensor> lstm_by_kernel(const Call& call) {
  const Tensor z = call.x(0).contiguous(), h0 = call.x(1).contiguous(), c0 = call.x(2).contiguous(), w = call.x(3).contiguous();
  const kernels::LstmSizes s = sizes_of(z, call.attrs<LstmAttrs>());
  const auto fresh = [&](IntArrayRef sizes) { return detail::empty_like_dtype(z.scalar_type(), sizes); };
  const Tensor y = fresh({s.steps, s.batch, s.hidden}), cells = fresh({s.steps, s.batch, s.hidden}), gates = fresh(z.sizes()), h = fresh(h0.sizes()), c = fresh(c0.sizes());
  CT_DISPATCH_FLOATS(z.scalar_type(), [&] {
    using T = scalar_t;
    const Tensor space = fresh({kernels::lstm_space<T>(s.hidden)});
    kernels::lstm_forward<T>(s, {detail::data<T>(z), detail::data<T>(h0), detail::data<T>(c0), detail::data<T>(w), detail::data<T>(y), detail::data<T>(h), detail::data<T>(c),
                                 detail::data<T>(gates), detail::data<T>(cells), detail::data<T>(space)});
  });
  return {y, h, c, gates, cells};
}

// The same of public operations, for values with more dimensions in front: the batch of a vmap.
std::vector<Tensor> lstm_by_ops(const Tensor& z, Tensor h, Tensor c, const Tensor& w, bool reverse) {
  const std::vector<Tensor> steps = z.unbind(-3);
  const std::size_t n = steps.size();
  std::vector<Tensor> y(n), gates(n), cells(n);
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t t = reverse ? n - 1 - k : k;
    const std::vector<Tensor> parts = (steps[t] + matmul(h, w.mT())).chunk(4, -1);
    const Tensor i = parts[0].sigmoid(), f = parts[1].sigmoid(), g = parts[2].tanh(), o = parts[3].sigmoid();
    cells[t] = c = f * c + i * g;
    y[t] = h = o * c.tanh();
    gates[t] = cat({i, f, g, o}, -1);
  }
  return {stack(y, -3), h, c, stack(gates, -3), stack(cells, -3)};
}

// The gradients of z, h0 and c0.
struct Gradients {
  Tensor z, h, c;
};

Gradients gradients_by_kernel(const Saved& s) {
  const Tensor gates = s.y(3).contiguous(), cells = s.y(4).contiguous(), c0 = s.x(2).contiguous(), w = s.x(3).contiguous();
  const auto dense = [](const Tensor& g) { return g.defined() ? g.contiguous() : Tensor(); };
  const Tensor gy = dense(s.g(0)), gh = dense(s.g(1)), gc = dense(s.g(2));
  const kernels::LstmSizes n = sizes_of(gates, s.attrs<LstmAttrs>());
  const auto fresh = [&](IntArrayRef sizes) { return detail::empty_like_dtype(gates.scalar_type(), sizes); };
  const Gradients d{fresh(gates.sizes()), fresh(c0.sizes()), fresh(c0.sizes())};
  CT_DISPATCH_FLOATS(gates.scalar_type(), [&] {
    using T = scalar_t;
    const auto data = [](const Tensor& t) { return t.defined() ? detail::data<T>(t) : nullptr; };
    const Tensor space = fresh({kernels::lstm_space<T>(n.hidden)});
    kernels::lstm_backward<T>(n, {data(gates), data(cells), data(c0), data(w), data(gy), data(gh), data(gc), data(d.z), data(d.h), data(d.c), data(space)});
  });
  return d;
}

// The same of public operations, so that it can be differentiated again; and with gradients of gates and cells.
Gradients gradients_by_ops(const Saved& s) {
  const Tensor &c0 = s.x(2), &w = s.x(3);
  const std::vector<Tensor> gates = s.y(3).unbind(0), cells = s.y(4).unbind(0);
  const auto parts_of = [&](int k) { return s.g(k).defined() ? s.g(k).unbind(0) : std::vector<Tensor>(gates.size()); };
  const std::vector<Tensor> gy = parts_of(0), g_gates = parts_of(3), g_cells = parts_of(4);
  const auto plus = [](const Tensor& a, const Tensor& b) { return b.defined() ? a + b : a; };
  Tensor dh = s.g(1).defined() ? s.g(1) : zeros_like(c0), dc = s.g(2).defined() ? s.g(2) : zeros_like(c0);
  const bool reverse = s.attrs<LstmAttrs>().reverse;
  std::vector<Tensor> dz(gates.size());
  for (std::size_t k = gates.size(); k-- > 0;) {
    const std::size_t t = reverse ? gates.size() - 1 - k : k;
    const Tensor& before = k == 0 ? c0 : cells[reverse ? t + 1 : t - 1];
    const std::vector<Tensor> v = gates[t].chunk(4, -1);
    const Tensor &i = v[0], &f = v[1], &g = v[2], &o = v[3], tanh_c = cells[t].tanh();
    const Tensor gh = plus(dh, gy[t]), gc = plus(dc + gh * o * (1 - tanh_c * tanh_c), g_cells[t]);
    const Tensor by_values = plus(cat({gc * g, gc * before, gc * i, gh * tanh_c}, -1), g_gates[t]);
    dz[t] = by_values * cat({i * (1 - i), f * (1 - f), 1 - g * g, o * (1 - o)}, -1);
    dc = gc * f;
    dh = matmul(dz[t], w);
  }
  return {stack(dz, 0), dh, dc};
}

// One pass back in time finds the gradients of z, h0 and c0, and dw needs the first of them.
Tensor gradient(const Saved& s, int arg) {
  return OpNode::gradient_of_all(s, arg, [&] {
    bool plain = !s.g(3).defined() && !s.g(4).defined();
    for (const Tensor* t : {&s.g(0), &s.g(1), &s.g(2), &s.x(2), &s.x(3), &s.y(3), &s.y(4)})
      plain = plain && (!t->defined() || (!detail::is_layered(*t) && detail::is_constant(*t)));
    const Gradients d = plain ? gradients_by_kernel(s) : gradients_by_ops(s);
    return std::vector<Tensor>{d.z, d.h, d.c};
  });
}

constexpr SaveMask all_of_it = X(1) | X(2) | X(3) | Y(0) | Y(3) | Y(4);

// x: what the input adds to the gates' arguments [T, B, 4 H], states h and c [B, H], weights of the state [4 H, H].
// y: the states h_t [T, B, H], the last h and c [B, H], the gates' values i, f, g, o [T, B, 4 H], the cells c_t [T, B, H].
//   (i, f, g, o) = act(x_t + w h), c = f c + i g, h = o tanh(c)
constexpr Op lstm_layer_op{
    .name = "lstm_layer",
    .node = "LstmLayerBackward0",
    .kind = OpKind::other,
    .formula = "from the last step back: gh = g_t + dz_t+1 w, gc = f_t+1 gc + gh o (1 - tanh(c)^2), dz = (gc g, gc c_t-1, gc i, gh tanh(c)) act'; dx0 = dz; "
               "dx1 = dz_1 w; dx2 = gc f_1; dx3 = sum_t dz_t^T h_t-1",
    .forward_multi = lstm_by_kernel,
    .vjp = [](const Tensor&, const Saved& s, int arg) {
      if (arg < 3) return gradient(s, arg);
      return detail::weight_gradient(gradient(s, 0), s.y(0), s.x(1), s.attrs<LstmAttrs>().reverse);
    },
    .batch_multi = [](const Batch& b) { return lstm_by_ops(b.x(0), b.x(1), b.x(2), b.value(3), b.attrs<LstmAttrs>().reverse); },
    .save = {all_of_it, all_of_it, all_of_it, all_of_it},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      for (const bool reverse : {false, true}) {
        call({call.uniform({3, 2, 12}), call.uniform({2, 3}), call.uniform({2, 3}), call.uniform({12, 3})}, LstmAttrs{reverse});
        call({call.uniform({1, 5, 4}), call.uniform({5, 1}), call.uniform({5, 1}), call.uniform({4, 1})}, LstmAttrs{reverse});
      }
      call({call.uniform({2, 5, 36}), call.uniform({5, 9}), call.uniform({5, 9}), call.uniform({36, 9})}, LstmAttrs{});
    },
};

}  // namespace

std::span<const Op* const> lstm_ops() {
  static constexpr const Op* ops[] = {&lstm_layer_op};
  return ops;
}

// The sum over the steps of dz^T times the state before it.
Tensor detail::weight_gradient(const Tensor& dz, const Tensor& y, const Tensor& h0, bool reverse) {
  const std::int64_t n = dz.size(0), first = reverse ? n - 1 : 0;
  const Tensor dw = mm(dz.select(0, first).t(), h0);
  if (n == 1) return dw;
  return addmm(dw, dz.narrow(0, reverse ? 0 : 1, n - 1).flatten(0, 1).t(), y.narrow(0, reverse ? 1 : 0, n - 1).flatten(0, 1));
}

bool detail::lstm_layer_applies(const Tensor& z, const Tensor& h0, const Tensor& c0, const Tensor& w_hh) {
  const ScalarType t = z.scalar_type();
  return (t == kFloat || t == kDouble) && h0.scalar_type() == t && c0.scalar_type() == t && w_hh.scalar_type() == t && z.size(0) > 0;
}

std::tuple<Tensor, Tensor, Tensor> detail::lstm_layer(const Tensor& z, const Tensor& h0, const Tensor& c0, const Tensor& w_hh, bool reverse) {
  const std::vector<Tensor> y = apply_multi(lstm_layer_op, LstmAttrs{reverse}, z, h0, c0, w_hh);
  return {y[0], y[1], y[2]};
}

}  // namespace ct
