// ops/gru_layer.cpp -- one direction of a GRU's layer as one operation: the loop over its steps.
#include "autograd/node.h"
#include "kernels/gru.h"
#include "ops/op_list.h"
#include "ops/rnn_layers.h"
#include "ops/rules.h"

namespace ct {

namespace {

struct GruAttrs {
  bool reverse = false;  // from the last step to the first
};

std::vector<Tensor> gru_by_kernel(const Call& call) {
  const Tensor z = call.x(0).contiguous(), h0 = call.x(1).contiguous(), w = call.x(2).contiguous(), b = call.x(3).defined() ? call.x(3).contiguous() : Tensor();
  const kernels::GruSizes s{z.size(0), z.size(1), z.size(2) / 3, call.attrs<GruAttrs>().reverse};
  const auto fresh = [&](IntArrayRef sizes) { return detail::empty_like_dtype(z.scalar_type(), sizes); };
  const Tensor y = fresh({s.steps, s.batch, s.hidden}), gates = fresh({s.steps, s.batch, 4 * s.hidden}), h = fresh(h0.sizes());
  CT_DISPATCH_FLOATS(z.scalar_type(), [&] {
    using T = scalar_t;
    const Tensor space = fresh({kernels::gru_space<T>(s.hidden)});
    kernels::gru_forward<T>(s, {detail::data<T>(z), detail::data<T>(h0), detail::data<T>(w), b.defined() ? detail::data<T>(b) : nullptr, detail::data<T>(y),
                                detail::data<T>(h), detail::data<T>(gates), detail::data<T>(space)});
  });
  return {y, h, gates};
}

// The same of public operations, for values with more dimensions in front: the batch of a vmap.
std::vector<Tensor> gru_by_ops(const Tensor& z, Tensor h, const Tensor& w, const Tensor& b, bool reverse) {
  const std::vector<Tensor> steps = z.unbind(-3);
  const std::size_t n = steps.size();
  std::vector<Tensor> y(n), gates(n);
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t t = reverse ? n - 1 - k : k;
    Tensor from_state = matmul(h, w.mT());
    if (b.defined()) from_state = from_state + b.unsqueeze(-2);
    const std::vector<Tensor> x = steps[t].chunk(3, -1), s = from_state.chunk(3, -1);
    const Tensor r = (x[0] + s[0]).sigmoid(), u = (x[1] + s[1]).sigmoid(), m = (x[2] + r * s[2]).tanh();
    y[t] = h = m + u * (h - m);
    gates[t] = cat({r, u, m, s[2]}, -1);
  }
  return {stack(y, -3), h, stack(gates, -3)};
}

// The gradients of z, of the state's part of the gates' arguments, and of h0.
struct Gradients {
  Tensor z, g, h;
};

Gradients gradients_by_kernel(const Saved& s) {
  const Tensor gates = s.y(2).contiguous(), y = s.y(0).contiguous(), h0 = s.x(1).contiguous(), w = s.x(2).contiguous();
  const Tensor gy = s.g(0).defined() ? s.g(0).contiguous() : Tensor(), gh = s.g(1).defined() ? s.g(1).contiguous() : Tensor();
  const kernels::GruSizes n{y.size(0), y.size(1), y.size(2), s.attrs<GruAttrs>().reverse};
  const auto fresh = [&](IntArrayRef sizes) { return detail::empty_like_dtype(gates.scalar_type(), sizes); };
  const Gradients d{fresh({n.steps, n.batch, 3 * n.hidden}), fresh({n.steps, n.batch, 3 * n.hidden}), fresh(h0.sizes())};
  CT_DISPATCH_FLOATS(gates.scalar_type(), [&] {
    using T = scalar_t;
    const auto data = [](const Tensor& t) { return t.defined() ? detail::data<T>(t) : nullptr; };
    const Tensor space = fresh({kernels::gru_space<T>(n.hidden)});
    kernels::gru_backward<T>(n, {data(gates), data(y), data(h0), data(w), data(gy), data(gh), data(d.z), data(d.g), data(d.h), data(space)});
  });
  return d;
}

// The same of public operations, so that it can be differentiated again; and with a gradient of gates.
Gradients gradients_by_ops(const Saved& s) {
  const Tensor &h0 = s.x(1), &w = s.x(2);
  const std::vector<Tensor> gates = s.y(2).unbind(0), y = s.y(0).unbind(0);
  const auto parts_of = [&](int k) { return s.g(k).defined() ? s.g(k).unbind(0) : std::vector<Tensor>(gates.size()); };
  const std::vector<Tensor> gy = parts_of(0), g_gates = parts_of(2);
  Tensor dh = s.g(1).defined() ? s.g(1) : zeros_like(h0);
  const bool reverse = s.attrs<GruAttrs>().reverse;
  std::vector<Tensor> dz(gates.size()), dg(gates.size());
  for (std::size_t k = gates.size(); k-- > 0;) {
    const std::size_t t = reverse ? gates.size() - 1 - k : k;
    const Tensor& before = k == 0 ? h0 : y[reverse ? t + 1 : t - 1];
    const std::vector<Tensor> v = gates[t].chunk(4, -1), more = g_gates[t].defined() ? g_gates[t].chunk(4, -1) : std::vector<Tensor>(4);
    const auto plus = [](const Tensor& a, const Tensor& b) { return b.defined() ? a + b : a; };
    const Tensor &r = v[0], &u = v[1], &m = v[2], &from_state = v[3], g = plus(dh, gy[t]);
    const Tensor dm = plus(g * (1 - u), more[2]) * (1 - m * m);
    const Tensor dr = plus(dm * from_state, more[0]) * r * (1 - r), du = plus(g * (before - m), more[1]) * u * (1 - u);
    dz[t] = cat({dr, du, dm}, -1);
    dg[t] = cat({dr, du, plus(dm * r, more[3])}, -1);
    dh = g * u + matmul(dg[t], w);
  }
  return {stack(dz, 0), stack(dg, 0), dh};
}

// z, h or g.
Tensor gradient(const Saved& s, int which) {
  return OpNode::gradient_of_all(s, which, [&] {
    bool plain = !s.g(2).defined();
    for (const Tensor* t : {&s.g(0), &s.g(1), &s.x(1), &s.x(2), &s.y(0), &s.y(2)})
      plain = plain && (!t->defined() || (!detail::is_layered(*t) && detail::is_constant(*t)));
    const Gradients d = plain ? gradients_by_kernel(s) : gradients_by_ops(s);
    return std::vector<Tensor>{d.z, d.h, d.g};
  });
}

constexpr SaveMask all_of_it = X(1) | X(2) | Y(0) | Y(2);

// x: what the input adds to the gates' arguments [T, B, 3 H], the state h [B, H], its weights [3 H, H] and bias [3 H] (or none).
// y: the states h_t [T, B, H], the last one, the gates' values r, u, m and the state's part s of m's argument [T, B, 4 H].
//   r, u = sigmoid(x_t + w h + b), m = tanh(x_t + r s), s = w h + b, h = m + u (h - m)
constexpr Op gru_layer_op{
    .name = "gru_layer",
    .node = "GruLayerBackward0",
    .kind = OpKind::other,
    .formula = "from the last step back: gh = g_t + u gh_t+1 + dg_t+1 w, dm = gh (1 - u) (1 - m^2), dr = dm s r (1 - r), du = gh (h_t-1 - m) u (1 - u), dz = (dr, du, dm), "
               "dg = (dr, du, dm r); dx0 = dz; dx1 = gh_0; dx2 = sum_t dg_t^T h_t-1; dx3 = sum(dg)",
    .forward_multi = gru_by_kernel,
    .vjp = [](const Tensor&, const Saved& s, int arg) {
      if (arg < 2) return gradient(s, arg);
      const Tensor g = gradient(s, 2);
      return arg == 2 ? detail::weight_gradient(g, s.y(0), s.x(1), s.attrs<GruAttrs>().reverse) : g.sum({0, 1});
    },
    .batch_multi = [](const Batch& b) { return gru_by_ops(b.x(0), b.x(1), b.value(2), b.value(3), b.attrs<GruAttrs>().reverse); },
    .save = {all_of_it, all_of_it, all_of_it, all_of_it},
    .dtypes = Dtypes::floating,
    .optional = 8,
    .samples = [](SampleSink& call) {
      for (const bool reverse : {false, true}) {
        call({call.uniform({3, 2, 9}), call.uniform({2, 3}), call.uniform({9, 3}), call.uniform({9})}, GruAttrs{reverse});
        call({call.uniform({2, 5, 3}), call.uniform({5, 1}), call.uniform({3, 1}), Tensor()}, GruAttrs{reverse});
      }
      call({call.uniform({2, 5, 27}), call.uniform({5, 9}), call.uniform({27, 9}), call.uniform({27})}, GruAttrs{});
    },
};

}  // namespace

std::span<const Op* const> gru_ops() {
  static constexpr const Op* ops[] = {&gru_layer_op};
  return ops;
}

bool detail::gru_layer_applies(const Tensor& z, const Tensor& h0, const Tensor& w_hh, const Tensor& b_hh) {
  const ScalarType t = z.scalar_type();
  return (t == kFloat || t == kDouble) && h0.scalar_type() == t && w_hh.scalar_type() == t && (!b_hh.defined() || b_hh.scalar_type() == t) && z.size(0) > 0;
}

std::tuple<Tensor, Tensor> detail::gru_layer(const Tensor& z, const Tensor& h0, const Tensor& w_hh, const Tensor& b_hh, bool reverse) {
  const std::vector<Tensor> y = apply_multi(gru_layer_op, GruAttrs{reverse}, z, h0, w_hh, b_hh);
  return {y[0], y[1]};
}

}  // namespace ct
