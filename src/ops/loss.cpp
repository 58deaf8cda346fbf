// ops/loss.cpp -- losses of pairs of elements: one pass forward, one pass backward, one node.
//
// Each has a twin _backward(g, x, target) = scale g dl/dx, elementwise and an op of its own, whose derivative is itself in
// g, and scale g d2l/dx2 in x. A reduced loss is added up block by block while the elements are in the first cache.
#include "kernels/cpu/loss.h"

#include <array>
#include <limits>

#include "cotangent/autograd.h"
#include "kernels/reduce.h"
#include "ops/loss_attrs.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using detail::LossAttrs;
using detail::ScalarAttrs;

namespace detail {

Tensor reduce_loss(const Tensor& elements, std::int64_t reduction) {
  return reduction == Reduction::None ? elements : reduction == Reduction::Sum ? elements.sum() : elements.mean();
}

Tensor reduce_entries(const Tensor& elements, std::int64_t reduction) {
  if (reduction == Reduction::None) return elements;
  const Tensor rows = elements.dim() == 1 ? elements.unsqueeze(1) : elements.flatten(1);
  return reduction == Reduction::Sum ? rows.sum(1) : rows.mean(1);
}

void check_loss(const char* op, std::int64_t reduction, std::initializer_list<const Tensor*> inputs) {
  CT_CHECK(reduction >= 0 && reduction < Reduction::END, op, ": ", reduction,
           " is not a valid value for reduction\n  Use Reduction::None, Reduction::Mean or Reduction::Sum.");
  for (const Tensor* x : inputs) CT_CHECK(x->defined(), op, ": expected a tensor, but an input is undefined");
}

}  // namespace detail

namespace {

using KernelOf = const kernels::Kernel& (*)();

double parameter(const Saved& s) { return s.attrs<ScalarAttrs>().s[0].toDouble(); }
double factor(const Saved& s) { return s.attrs<ScalarAttrs>().s[1].toDouble(); }

detail::Dims common_shape(const char* op, const Tensor* const* in, int n) {
  detail::Dims shape;
  for (int k = 0; k < n; ++k)
    if (in[k]->defined()) detail::broadcast(shape, in[k]->sizes(), op);
  return shape;
}

// The elements of a loss, for forwards that then do more with them; never recorded.
constexpr Op values_op(KernelOf kernel) {
  Op op{.name = "loss"};
  op.kind = OpKind::elementwise;
  op.kernel = kernel;
  op.dtypes = Dtypes::floating;
  return op;
}

// Sum of the elements of a loss: no tensor of them is made.
template <class T>
double sum_of(const kernels::Kernel& kernel, ScalarType dtype, const Scalar* params, const Tensor& x, const Tensor& t) {
  const std::int64_t n = x.numel(), part = std::int64_t{1} << 16, parts = (n + part - 1) / part;
  const T *px = detail::data<T>(x), *pt = detail::data<T>(t);
  std::vector<double> partial(static_cast<std::size_t>(parts));
  detail::parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t block = 1024;
    alignas(64) T buffer[block];
    const std::int64_t strides[] = {sizeof(T), sizeof(T), sizeof(T)};
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t last = std::min(n, (k + 1) * part);
      double total = 0;
      for (std::int64_t i = k * part, m = 0; i < last; i += m) {
        m = std::min(block, last - i);
        char* args[] = {reinterpret_cast<char*>(buffer), reinterpret_cast<char*>(const_cast<T*>(px + i)), reinterpret_cast<char*>(const_cast<T*>(pt + i))};
        kernel[dtype](args, strides, m, params);
        total += kernels::reduce_kernels<T>().sum(buffer, 1, m);
      }
      partial[static_cast<std::size_t>(k)] = total;
    }
  });
  double total = 0;
  for (double p : partial) total += p;
  return total;
}

ScalarType loss_dtype(const Call& c) {
  const Tensor* pair[] = {c.in[0], c.in[1]};
  const ScalarType dtype = detail::promoted_dtype(pair, 2);
  CT_CHECK_TYPE(isFloatingType(dtype), c.op.name, ": \"", c.op.name, "\" not implemented for '", dtype, "'\n  Give floating tensors: x.to(ct::kFloat).");
  return dtype;
}

// Of two inputs without weights.
Tensor pair_forward(const Call& c, const kernels::Kernel& kernel, const Op& values) {
  const auto& a = c.attrs<LossAttrs>();
  const ScalarType dtype = loss_dtype(c), wide = isReducedFloatingType(dtype) ? kFloat : dtype;
  if (a.reduction == Reduction::None) return apply_with(values, ScalarAttrs{{a.s[0], 1.0}}, c.x(0).to(dtype), c.x(1).to(dtype));
  const detail::Dims shape = common_shape(c.op.name, c.in, 2);
  const Tensor x = c.x(0).to(wide).expand(shape).contiguous(), t = c.x(1).to(wide).expand(shape).contiguous();
  double total = wide == kFloat ? sum_of<float>(kernel, wide, a.s, x, t) : sum_of<double>(kernel, wide, a.s, x, t);
  if (a.reduction == Reduction::Mean) total /= static_cast<double>(x.numel());
  return full({}, total, dtype);
}

// dl/dx or dl/dtarget are `backward` with these attributes.
ScalarAttrs backward_attrs(const Saved& s, const detail::Dims& shape) {
  const auto& a = s.attrs<LossAttrs>();
  double n = 1;
  if (a.reduction == Reduction::Mean)
    for (int d = 0; d < shape.n; ++d) n *= static_cast<double>(shape.v[d]);
  return {{a.s[0], 1 / n}};
}
ScalarAttrs backward_attrs(const Saved& s) {
  const Tensor* in[] = {&s.x(0), &s.x(1)};
  return backward_attrs(s, common_shape("loss", in, 2));
}

Tensor batched_loss(const Batch& b) {
  LossAttrs a = b.attrs<LossAttrs>();
  const std::int64_t reduction = a.reduction;
  a.reduction = Reduction::None;
  std::int64_t dim = 0;
  for (int i = 0; i < b.n_in; ++i) dim = std::max(dim, b.dim(i));
  std::array<Tensor, 4> in;
  for (int i = 0; i < b.n_in; ++i)
    if (b.value(i).defined()) in[static_cast<std::size_t>(i)] = detail::broadcastable(b, i, dim);
  const Tensor y = apply_list(b.op, a, TensorList(in.data(), static_cast<std::size_t>(b.n_in)));
  return detail::reduce_entries(y, reduction);
}

void sample_pair(SampleSink& call, double p, double target_low, double target_high) {
  for (std::int64_t r : {Reduction::Mean, Reduction::Sum, Reduction::None}) {
    const LossAttrs a{{p, 1.0}, r};
    call({call.uniform({3, 4}), call.uniform({3, 4}, target_low, target_high)}, a);
    call({call.uniform({3, 1}), call.uniform({4}, target_low, target_high)}, a);
    call({call.uniform({}), call.uniform({}, target_low, target_high)}, a);
    if (r != Reduction::Mean) call({call.uniform({0, 2}), call.uniform({0, 2})}, a);
  }
}
void sample_backward(SampleSink& call, double p) {
  call({call.uniform({}), call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{p, 0.25}});
  call({call.uniform({3, 4}), call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{p, 1.0}});
}

constexpr Op loss_op(const char* name, const char* node, const char* formula, Tensor (*forward)(const Call&),
                     Tensor (*vjp)(const Tensor&, const Saved&, int), void (*samples)(SampleSink&)) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::other;
  op.formula = formula;
  op.forward = forward;
  op.vjp = vjp;
  op.batch = batched_loss;
  op.save[0] = op.save[1] = X(0) | X(1);
  op.dtypes = Dtypes::floating;
  op.autocast = Autocast::full;
  op.samples = samples;
  return op;
}
constexpr Op loss_backward_op(const char* name, const char* node, const char* formula, KernelOf kernel,
                              Tensor (*vjp)(const Tensor&, const Saved&, int), void (*samples)(SampleSink&)) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = formula;
  op.kernel = kernel;
  op.vjp = vjp;
  op.save[0] = X(1) | X(2);
  op.save[1] = op.save[2] = X(0) | X(1) | X(2);
  op.dtypes = Dtypes::floating;
  op.samples = samples;
  return op;
}

#define CT_LOSS_KERNEL(name) []() -> const kernels::Kernel& { return kernels::loss().name; }
#define CT_LOSS_FORWARD(name) [](const Call& c) { \
    static constexpr Op values = values_op(CT_LOSS_KERNEL(name)); \
    return pair_forward(c, kernels::loss().name, values); }

// ---- of the difference: the gradient of target is the negative one ------------------------------------

#define CT_DIFFERENCE_VJP(name) [](const Tensor& g, const Saved& s, int arg) { \
    const Tensor dx = apply_with(name##_backward_op, backward_attrs(s), g, s.x(0), s.x(1)); \
    return arg == 0 ? dx : -dx; }
// `second` is l'' as a function of s, which has x and target as inputs 1 and 2.
#define CT_DIFFERENCE_VJP2(name, second) [](const Tensor& h, const Saved& s, int arg) { \
    if (arg == 0) return apply_with(name##_backward_op, s.attrs<ScalarAttrs>(), h, s.x(1), s.x(2)); \
    const Tensor dx = h * s.x(0) * (second); \
    return arg == 1 ? dx : -dx; }

Tensor within(const Saved& s, bool closed) {  // 1 where the difference is in the quadratic part
  const Tensor e = (s.x(1) - s.x(2)).abs();
  return (closed ? e.le(parameter(s)) : e.lt(parameter(s))).to(e.scalar_type());
}

constexpr Op mse_loss_backward_op = loss_backward_op(
    "mse_loss_backward", "MseLossBackwardBackward0", "dg = mse_loss_backward(h, x, t); dx = 2 h g scale; dt = -dx", CT_LOSS_KERNEL(mse_backward),
    [](const Tensor& h, const Saved& s, int arg) {
      if (arg == 0) return apply_with(mse_loss_backward_op, s.attrs<ScalarAttrs>(), h, s.x(1), s.x(2));
      return h * s.x(0) * (arg == 1 ? 2 * factor(s) : -2 * factor(s));
    },
    [](SampleSink& call) { sample_backward(call, 0); });
constexpr Op mse_loss_op = loss_op("mse_loss", "MseLossBackward0", "dx = 2 g (x - t), divided by n for the mean; dt = -dx", CT_LOSS_FORWARD(mse),
                                   CT_DIFFERENCE_VJP(mse_loss), [](SampleSink& call) { sample_pair(call, 0, -2, 2); });

constexpr Op smooth_l1_loss_backward_op = loss_backward_op(
    "smooth_l1_loss_backward", "SmoothL1LossBackwardBackward0", "dg = smooth_l1_loss_backward(h, x, t); dx = h g scale / beta where |x - t| < beta; dt = -dx",
    CT_LOSS_KERNEL(smooth_l1_backward), CT_DIFFERENCE_VJP2(smooth_l1_loss, within(s, false) * (factor(s) / parameter(s))),
    [](SampleSink& call) { sample_backward(call, 0.7); });
constexpr Op smooth_l1_loss_op = loss_op("smooth_l1_loss", "SmoothL1LossBackward0",
                                         "e = x - t: dx = g e / beta where |e| < beta, else g sign(e); divided by n for the mean; dt = -dx",
                                         CT_LOSS_FORWARD(smooth_l1), CT_DIFFERENCE_VJP(smooth_l1_loss),
                                         [](SampleSink& call) { sample_pair(call, 0.7, -2, 2); });

constexpr Op huber_loss_backward_op = loss_backward_op(
    "huber_loss_backward", "HuberLossBackwardBackward0", "dg = huber_loss_backward(h, x, t); dx = h g scale where |x - t| <= delta; dt = -dx",
    CT_LOSS_KERNEL(huber_backward), CT_DIFFERENCE_VJP2(huber_loss, within(s, true) * factor(s)),
    [](SampleSink& call) { sample_backward(call, 0.7); });
constexpr Op huber_loss_op = loss_op("huber_loss", "HuberLossBackward0",
                                     "e = x - t: dx = g e where |e| <= delta, else g delta sign(e); divided by n for the mean; dt = -dx",
                                     CT_LOSS_FORWARD(huber), CT_DIFFERENCE_VJP(huber_loss), [](SampleSink& call) { sample_pair(call, 0.7, -2, 2); });

// ---- of the product -------------------------------------------------------------------------------------

// q = sigmoid(-t x): l' = -t q, dl'/dx = t^2 q (1 - q), dl'/dt = -q + t x q (1 - q)
constexpr Op soft_margin_loss_backward_op = loss_backward_op(
    "soft_margin_loss_backward", "SoftMarginLossBackwardBackward0",
    "q = sigmoid(-t x): dg = soft_margin_loss_backward(h, x, t); dx = h g scale t^2 q (1 - q); dt = h g scale q (t x (1 - q) - 1)",
    CT_LOSS_KERNEL(soft_margin_backward),
    [](const Tensor& h, const Saved& s, int arg) {
      if (arg == 0) return apply_with(soft_margin_loss_backward_op, s.attrs<ScalarAttrs>(), h, s.x(1), s.x(2));
      const Tensor &x = s.x(1), &t = s.x(2), q = sigmoid(-(x * t)), hg = h * s.x(0) * factor(s);
      return arg == 1 ? hg * (t * t * q * (1 - q)) : hg * (q * (t * x * (1 - q) - 1));
    },
    [](SampleSink& call) { sample_backward(call, 0); });
constexpr Op soft_margin_loss_op = [] {
  Op op = loss_op("soft_margin_loss", "SoftMarginLossBackward0", "dx = -g t sigmoid(-t x), divided by n for the mean", CT_LOSS_FORWARD(soft_margin),
                  [](const Tensor& g, const Saved& s, int) { return apply_with(soft_margin_loss_backward_op, backward_attrs(s), g, s.x(0), s.x(1)); },
                  [](SampleSink& call) { sample_pair(call, 0, -2, 2); });
  op.save[1] = 0;
  op.nondiff = 2;  // as in PyTorch
  return op;
}();

// ---- binary cross entropy ----------------------------------------------------------------------------------

// Of (x, target, weight, pos_weight); the last two may be undefined.
Tensor weighted_forward(const Call& c, const kernels::Kernel& kernel, const Op& values, const Op* values_pos) {
  const bool pos = values_pos && c.x(3).defined();
  if (!c.x(2).defined() && !pos) return pair_forward(c, kernel, values);
  const auto& a = c.attrs<LossAttrs>();
  const ScalarType dtype = loss_dtype(c);
  const Tensor x = c.x(0).to(dtype), t = c.x(1).to(dtype);
  Tensor y = pos ? apply_with(*values_pos, ScalarAttrs{{0.0, 1.0}}, x, t, c.x(3).to(dtype)) : apply_with(values, ScalarAttrs{{0.0, 1.0}}, x, t);
  if (c.x(2).defined()) y = y * c.x(2).to(dtype);
  return detail::reduce_loss(y, a.reduction);
}

// g weight, and the attributes for what is still to be done.
struct Weighted {
  Tensor g;
  ScalarAttrs a;
};
Weighted weighted(const Tensor& g, const Saved& s, int n) {
  const Tensor* in[4] = {};
  for (int k = 0; k < n; ++k) in[k] = &s.x(k);
  return {s.x(2).defined() ? g * s.x(2) : g, backward_attrs(s, common_shape("binary_cross_entropy", in, n))};
}

void sample_weighted(SampleSink& call, double low, double high, bool pos) {
  for (std::int64_t r : {Reduction::Mean, Reduction::Sum, Reduction::None}) {
    const LossAttrs a{{0.0, 1.0}, r};
    auto give = [&](std::initializer_list<std::int64_t> sizes, const Tensor& weight, const Tensor& pos_weight) {
      std::vector<Tensor> in{call.uniform(IntArrayRef(sizes.begin(), sizes.size()), low, high),
                             call.uniform(IntArrayRef(sizes.begin(), sizes.size()), 0.1, 0.9), weight};
      if (pos) in.push_back(pos_weight);
      call(in, a);
    };
    give({3, 4}, {}, {});
    give({3, 4}, call.uniform({4}, 0.5, 2), {});
    give({}, {}, {});
    if (pos) {
      give({3, 4}, {}, call.uniform({4}, 0.5, 2));
      give({3, 4}, call.uniform({3, 1}, 0.5, 2), call.uniform({4}, 0.5, 2));
    }
  }
}

// v = x (1 - x): l' = (x - t) / v, dl'/dx = (1 - l' (1 - 2 x)) / v, dl'/dt = -1 / v
constexpr Op bce_backward_op = loss_backward_op(
    "binary_cross_entropy_backward", "BinaryCrossEntropyBackwardBackward0",
    "v = x (1 - x): dg = h scale (x - t) / v; dx = h g scale (1 - (x - t) (1 - 2 x) / v) / v; dt = -h g scale / v", CT_LOSS_KERNEL(bce_backward),
    [](const Tensor& h, const Saved& s, int arg) {
      const Tensor &x = s.x(1), &t = s.x(2);
      if (arg == 0) return apply_with(bce_backward_op, s.attrs<ScalarAttrs>(), h, x, t);
      const Tensor v = clamp_min(x * (1 - x), 1e-12), hg = h * s.x(0) * factor(s);
      return arg == 1 ? hg * ((1 - (x - t) * (1 - 2 * x) / v) / v) : -hg / v;
    },
    [](SampleSink& call) {
      call({call.uniform({}), call.uniform({3, 4}, 0.1, 0.9), call.uniform({3, 4}, 0.1, 0.9)}, ScalarAttrs{{0.0, 0.25}});
      call({call.uniform({3, 4}), call.uniform({3, 4}, 0.1, 0.9), call.uniform({3, 4}, 0.1, 0.9)}, ScalarAttrs{{0.0, 1.0}});
    });
constexpr Op bce_op = [] {
  Op op = loss_op("binary_cross_entropy", "BinaryCrossEntropyBackward0",
                  "dx = g w (x - t) / (x (1 - x)); dt = g w (log(1 - x) - log(x)); divided by n for the mean",
                  [](const Call& c) {
                    static constexpr Op values = values_op(CT_LOSS_KERNEL(bce));
                    CT_CHECK(c.x(0).numel() == 0 || (c.x(0).ge(0).all().item<bool>() && c.x(0).le(1).all().item<bool>()),
                             "binary_cross_entropy: all elements of input should be between 0 and 1\n"
                             "  Apply a sigmoid first, or use binary_cross_entropy_with_logits, which does both at once.");
                    return weighted_forward(c, kernels::loss().bce, values, nullptr);
                  },
                  [](const Tensor& g, const Saved& s, int arg) {
                    const Weighted w = weighted(g, s, 3);
                    const Tensor& x = s.x(0);
                    if (arg == 0) return apply_with(bce_backward_op, w.a, w.g, x, s.x(1));
                    return w.g * (clamp_min(log1p(-x), -100) - clamp_min(log(x), -100)) * w.a.s[1].toDouble();
                  },
                  [](SampleSink& call) { sample_weighted(call, 0.1, 0.9, false); });
  op.save[0] = op.save[1] = X(0) | X(1) | X(2);
  op.optional = 4;
  op.nondiff = 4;
  return op;
}();

constexpr Op bce_logits_backward_op = loss_backward_op(
    "binary_cross_entropy_with_logits_backward", "BinaryCrossEntropyWithLogitsBackwardBackward0",
    "q = sigmoid(x): dg = h scale (q - t); dx = h g scale q (1 - q); dt = -h g scale", CT_LOSS_KERNEL(bce_logits_backward),
    [](const Tensor& h, const Saved& s, int arg) {
      if (arg == 0) return apply_with(bce_logits_backward_op, s.attrs<ScalarAttrs>(), h, s.x(1), s.x(2));
      const Tensor hg = h * s.x(0) * factor(s);
      if (arg == 2) return -hg;
      const Tensor q = sigmoid(s.x(1));
      return hg * (q * (1 - q));
    },
    [](SampleSink& call) { sample_backward(call, 0); });
// The same with the weight p of the positive class; w = 1 + (p - 1) t.
constexpr Op bce_logits_pos_backward_op = [] {
  Op op = loss_backward_op(
      "binary_cross_entropy_with_logits_backward.pos_weight", "BinaryCrossEntropyWithLogitsBackwardBackward0",
      "q = sigmoid(x), w = 1 + (p - 1) t: dg = h scale (w q - p t); dx = h g scale w q (1 - q); dt = h g scale ((p - 1) q - p)",
      CT_LOSS_KERNEL(bce_logits_pos_backward),
      [](const Tensor& h, const Saved& s, int arg) {
        const Tensor& p = s.x(3);
        if (arg == 0) return apply_with(bce_logits_pos_backward_op, s.attrs<ScalarAttrs>(), h, s.x(1), s.x(2), p);
        const Tensor q = sigmoid(s.x(1)), hg = h * s.x(0) * factor(s);
        return arg == 1 ? hg * ((1 + (p - 1) * s.x(2)) * q * (1 - q)) : hg * ((p - 1) * q - p);
      },
      [](SampleSink& call) {
        call({call.uniform({}), call.uniform({3, 4}), call.uniform({3, 4}), call.uniform({4}, 0.5, 2)}, ScalarAttrs{{0.0, 0.25}});
      });
  op.save[0] = X(1) | X(2) | X(3);
  op.save[1] = op.save[2] = X(0) | X(1) | X(2) | X(3);
  op.nondiff = 8;
  return op;
}();
constexpr Op bce_logits_op = [] {
  Op op = loss_op("binary_cross_entropy_with_logits", "BinaryCrossEntropyWithLogitsBackward0",
                  "dx = g w ((1 + (p - 1) t) sigmoid(x) - p t); dt = g w (log_sigmoid(-x) - p log_sigmoid(x)); divided by n for the mean",
                  [](const Call& c) {
                    static constexpr Op values = values_op(CT_LOSS_KERNEL(bce_logits)), values_pos = values_op(CT_LOSS_KERNEL(bce_logits_pos));
                    return weighted_forward(c, kernels::loss().bce_logits, values, &values_pos);
                  },
                  [](const Tensor& g, const Saved& s, int arg) {
                    const Weighted w = weighted(g, s, 4);
                    const Tensor &x = s.x(0), &p = s.x(3);
                    if (arg == 0)
                      return p.defined() ? apply_with(bce_logits_pos_backward_op, w.a, w.g, x, s.x(1), p)
                                         : apply_with(bce_logits_backward_op, w.a, w.g, x, s.x(1));
                    return w.g * (p.defined() ? log_sigmoid(-x) - p * log_sigmoid(x) : -x) * w.a.s[1].toDouble();
                  },
                  [](SampleSink& call) { sample_weighted(call, -2, 2, true); });
  op.save[0] = op.save[1] = X(0) | X(1) | X(2) | X(3);
  op.optional = 12;
  op.nondiff = 12;
  return op;
}();

// Only x and target have gradients.
void refuse_gradient(const char* op, const char* name, const Tensor& x) {
  CT_CHECK(!x.defined() || !x.requires_grad() || !is_grad_enabled(), op, ": the derivative for '", name, "' is not implemented\n  Give ", name, ".detach().");
}

}  // namespace

std::span<const Op* const> loss_ops() {
  static constexpr const Op* ops[] = {&mse_loss_op, &mse_loss_backward_op, &smooth_l1_loss_op, &smooth_l1_loss_backward_op,
                                      &huber_loss_op, &huber_loss_backward_op, &soft_margin_loss_op, &soft_margin_loss_backward_op,
                                      &bce_op, &bce_backward_op, &bce_logits_op, &bce_logits_backward_op, &bce_logits_pos_backward_op};
  return ops;
}

Tensor mse_loss(const Tensor& self, const Tensor& target, std::int64_t reduction) {
  detail::check_loss("mse_loss", reduction, {&self, &target});
  return apply_with(mse_loss_op, LossAttrs{{0.0, 1.0}, reduction}, self, target);
}
Tensor l1_loss(const Tensor& self, const Tensor& target, std::int64_t reduction) {
  detail::check_loss("l1_loss", reduction, {&self, &target});
  return detail::reduce_loss((self - target).abs(), reduction);
}
Tensor smooth_l1_loss(const Tensor& self, const Tensor& target, std::int64_t reduction, double beta) {
  detail::check_loss("smooth_l1_loss", reduction, {&self, &target});
  CT_CHECK(beta >= 0, "smooth_l1_loss does not support negative values for beta: ", beta);
  if (beta == 0) return l1_loss(self, target, reduction);
  return apply_with(smooth_l1_loss_op, LossAttrs{{beta, 1.0}, reduction}, self, target);
}
Tensor huber_loss(const Tensor& self, const Tensor& target, std::int64_t reduction, double delta) {
  detail::check_loss("huber_loss", reduction, {&self, &target});
  CT_CHECK(delta > 0, "huber_loss does not support non-positive values for delta: ", delta);
  return apply_with(huber_loss_op, LossAttrs{{delta, 1.0}, reduction}, self, target);
}
Tensor soft_margin_loss(const Tensor& self, const Tensor& target, std::int64_t reduction) {
  detail::check_loss("soft_margin_loss", reduction, {&self, &target});
  refuse_gradient("soft_margin_loss", "target", target);
  return apply_with(soft_margin_loss_op, LossAttrs{{0.0, 1.0}, reduction}, self, target);
}
Tensor binary_cross_entropy(const Tensor& self, const Tensor& target, const Tensor& weight, std::int64_t reduction) {
  detail::check_loss("binary_cross_entropy", reduction, {&self, &target});
  refuse_gradient("binary_cross_entropy", "weight", weight);
  return apply_with(bce_op, LossAttrs{{0.0, 1.0}, reduction}, self, target, weight);
}
Tensor binary_cross_entropy_with_logits(const Tensor& self, const Tensor& target, const Tensor& weight, const Tensor& pos_weight,
                                        std::int64_t reduction) {
  detail::check_loss("binary_cross_entropy_with_logits", reduction, {&self, &target});
  refuse_gradient("binary_cross_entropy_with_logits", "weight", weight);
  refuse_gradient("binary_cross_entropy_with_logits", "pos_weight", pos_weight);
  return apply_with(bce_logits_op, LossAttrs{{0.0, 1.0}, reduction}, self, target, weight, pos_weight);
}

}  // namespace ct
