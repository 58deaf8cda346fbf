// ops/batch_norm.cpp -- normalisation by channels: batch norm, and instance norm, which is made of it.
#include <cmath>
#include <memory>

#include "cotangent/autograd.h"
#include "cotangent/ops/normalization.h"
#include "ops/norm_rules.h"
#include "ops/op_list.h"

namespace ct {

using detail::all_but_channels;
using detail::by_channel;
using detail::Channels;
using detail::NormBackwardAttrs;

namespace {

void check_length(const char* op, const char* name, const Tensor& p, std::int64_t channels) {
  if (!p.defined() || (p.dim() == 1 && p.size(0) == channels)) return;
  CT_CHECK(p.dim() == 1, op, ": ", name, " should be a vector of ", channels, " elements, but has shape ", p.sizes());
  CT_THROW(error, op, ": ", name, " should contain ", channels, " elements not ", p.size(0));
}

struct BatchNormAttrs {
  double eps;
};

void check_batch_norm(const char* op, const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& mean, const Tensor& var) {
  detail::check_channels(op, x);
  detail::check_norm_dtypes(op, "batch_norm", x, {&w, &b, &mean, &var});
  const std::int64_t c = x.size(1);
  check_length(op, "running_mean", mean, c);
  check_length(op, "running_var", var, c);
  check_length(op, "weight", w, c);
  check_length(op, "bias", b, c);
}

// The mean and the squared deviations of every channel.
template <class T>
std::unique_ptr<kernels::Moments[]> channel_moments(const Channels& ch) {
  std::unique_ptr<kernels::Moments[]> out(new kernels::Moments[static_cast<std::size_t>(ch.c)]);
  const T* x = detail::data<T>(ch.x);
  if (ch.flat()) {
    constexpr std::int64_t width = 64;
    detail::parallel_for((ch.c + width - 1) / width, detail::norm_grain(ch.n * width), [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t j = begin * width;
      kernels::reduce_kernels<T>().moments_columns(out.get() + j, x + j, ch.c, ch.n, std::min(ch.c, end * width) - j);
    });
    return out;
  }
  const auto& k = kernels::norm_kernels<T>();
  detail::parallel_for(ch.c, detail::norm_grain(ch.n * ch.s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < ch.n; ++i)
      for (std::int64_t c = begin; c < end; ++c) out[static_cast<std::size_t>(c)].join(k.moments(x + (i * ch.c + c) * ch.s, ch.s));
  });
  return out;
}

// y = (x - mean) / sqrt(var + eps) weight + bias, with the numbers of each channel.
template <class T>
void normalise_channels(const Tensor& y, const Channels& ch, const T* mean, const T* var, const T* w, const T* b, double eps) {
  const auto& k = kernels::norm_kernels<T>();
  const std::unique_ptr<T[]> factors(new T[static_cast<std::size_t>(2 * ch.c)]);
  T *scale = factors.get(), *shift = scale + ch.c;
  for (std::int64_t c = 0; c < ch.c; ++c) {
    scale[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(var[c]) + eps)) * (w ? w[c] : T(1));
    shift[c] = b ? b[c] : T(0);
  }
  const T* x = detail::data<T>(ch.x);
  T* py = detail::data<T>(y);
  if (ch.flat()) {
    detail::parallel_for(ch.n, detail::norm_grain(ch.c), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) k.affine_columns(py + i * ch.c, x + i * ch.c, ch.c, mean, scale, shift);
    });
    return;
  }
  const bool past = detail::past_cache<T>(y.numel());
  detail::parallel_for(ch.n * ch.c, detail::norm_grain(ch.s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t c = r % ch.c;
      k.affine_row(py + r * ch.s, x + r * ch.s, ch.s, mean[c], scale[c], shift[c], past);
    }
  });
}

// { y, mean, var } of the batch
std::vector<Tensor> batch_norm_training(const Call& c) {
  check_batch_norm(c.op.name, c.x(0), c.x(1), c.x(2), {}, {});
  const Channels ch(c.x(0));
  const Tensor w = detail::widened_or_none(c.x(1)), b = detail::widened_or_none(c.x(2));
  const ScalarType t = ch.x.scalar_type();
  Tensor y = detail::empty_like_dtype(t, ch.x.sizes()), mean = detail::empty_like_dtype(t, {ch.c}), var = detail::empty_like_dtype(t, {ch.c});
  CT_DISPATCH_FLOATS(t, [&] {
    scalar_t *m = detail::data<scalar_t>(mean), *v = detail::data<scalar_t>(var);
    const auto moments = channel_moments<scalar_t>(ch);
    for (std::int64_t i = 0; i < ch.c; ++i) {
      m[i] = static_cast<scalar_t>(moments[static_cast<std::size_t>(i)].mean);
      v[i] = static_cast<scalar_t>(moments[static_cast<std::size_t>(i)].m2 / ch.count());
    }
    normalise_channels<scalar_t>(y, ch, m, v, detail::data_or_null<scalar_t>(w), detail::data_or_null<scalar_t>(b), c.attrs<BatchNormAttrs>().eps);
  });
  return {y.to(c.x(0).scalar_type()), mean, var};
}

Tensor batch_norm_evaluation(const Call& c) {
  check_batch_norm(c.op.name, c.x(0), c.x(1), c.x(2), c.x(3), c.x(4));
  const Channels ch(c.x(0));
  const Tensor w = detail::widened_or_none(c.x(1)), b = detail::widened_or_none(c.x(2)), mean = detail::widened(c.x(3)).contiguous(),
               var = detail::widened(c.x(4)).contiguous();
  Tensor y = detail::empty_like_dtype(ch.x.scalar_type(), ch.x.sizes());
  CT_DISPATCH_FLOATS(ch.x.scalar_type(), [&] {
    normalise_channels<scalar_t>(y, ch, detail::data<scalar_t>(mean), detail::data<scalar_t>(var), detail::data_or_null<scalar_t>(w),
                                 detail::data_or_null<scalar_t>(b), c.attrs<BatchNormAttrs>().eps);
  });
  return y.to(c.x(0).scalar_type());
}

// Its gradients as operations that can be differentiated.
struct Normal {
  Tensor x, mean, factor, w;  // mean and 1 / sqrt(var + eps) in shapes that broadcast
  std::vector<std::int64_t> dims;
  double count;

  Normal(const Tensor& x_, const Tensor& mean_, const Tensor& var, const Tensor& w_, double eps)
      : x(x_), mean(by_channel(mean_, x.dim())), factor(by_channel(rsqrt(var + eps), x.dim())), w(w_.defined() ? by_channel(w_, x.dim()) : w_),
        dims(all_but_channels(x)), count(static_cast<double>(x.numel()) / static_cast<double>(std::max<std::int64_t>(1, x.size(1)))) {}
  Tensor normal() const { return (x - mean) * factor; }
  Tensor dx(const Tensor& g, bool training) const {
    const Tensor gw = w.defined() ? g * w : g;
    if (!training) return gw * factor;
    const Tensor xh = normal();
    return (gw - gw.mean(dims, true) - xh * (gw * xh).mean(dims, true)) * factor;
  }
  Tensor dx_by_mean(const Tensor& g) const { return (by_channel(g, x.dim()) / count).expand(x.sizes()); }
  Tensor dx_by_var(const Tensor& g) const { return (x - mean) * (by_channel(g, x.dim()) * (2 / count)); }
};

// { dx, dw, db } in two passes over memory.
template <class T>
void channels_backward(const Channels& ch, const Tensor& g, const T* mean, const T* var, const T* w, const NormBackwardAttrs& a, const Tensor& dx,
                       const Tensor& dw, const Tensor& db) {
  const auto& k = kernels::norm_kernels<T>();
  const T *pg = detail::data<T>(g), *px = detail::data<T>(ch.x);
  const auto c_size = static_cast<std::size_t>(ch.c);
  const std::unique_ptr<double[]> sums(new double[2 * c_size]());  // of g, then of g (x - mean)
  if (a.training || (a.wanted & 6)) {
    if (ch.flat()) {
      constexpr std::int64_t width = 256;
      detail::parallel_for((ch.c + width - 1) / width, detail::norm_grain(ch.n * width), [&](std::int64_t begin, std::int64_t end) {
        const std::int64_t j = begin * width;
        k.column_sums(sums.get() + j, sums.get() + ch.c + j, pg + j, px + j, ch.n, ch.c, std::min(ch.c, end * width) - j, mean + j);
      });
    } else {
      detail::parallel_for(ch.c, detail::norm_grain(ch.n * ch.s), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = 0; i < ch.n; ++i)
          for (std::int64_t c = begin; c < end; ++c) {
            const std::int64_t at = (i * ch.c + c) * ch.s;
            double s[2];
            k.row_sums(s, pg + at, px + at, ch.s, mean[c]);
            sums[static_cast<std::size_t>(c)] += s[0], sums[static_cast<std::size_t>(ch.c + c)] += s[1];
          }
      });
    }
  }
  // dx = A g + B (x - mean) + C
  const std::unique_ptr<T[]> factors(new T[3 * c_size]);
  T *fa = factors.get(), *fb = fa + ch.c, *fc = fb + ch.c;
  for (std::int64_t c = 0; c < ch.c; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double r = 1 / std::sqrt(static_cast<double>(var[c]) + a.eps), scale = r * (w ? static_cast<double>(w[c]) : 1), sum = sums[i], moment = sums[c_size + i];
    fa[c] = static_cast<T>(scale);
    fb[c] = static_cast<T>(a.training ? -scale * r * r * moment / ch.count() : 0);
    fc[c] = static_cast<T>(a.training ? -scale * sum / ch.count() : 0);
    if (dw.defined()) detail::data<T>(dw)[c] = static_cast<T>(moment * r), detail::data<T>(db)[c] = static_cast<T>(sum);
  }
  if (!dx.defined()) return;
  T* pdx = detail::data<T>(dx);
  if (ch.flat()) {
    detail::parallel_for(ch.n, detail::norm_grain(ch.c), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) k.affine_columns_backward(pdx + i * ch.c, pg + i * ch.c, px + i * ch.c, ch.c, mean, fa, fb, fc);
    });
    return;
  }
  const bool past = detail::past_cache<T>(dx.numel());
  detail::parallel_for(ch.n * ch.c, detail::norm_grain(ch.s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t c = r % ch.c, at = r * ch.s;
      k.affine_row_backward(pdx + at, pg + at, px + at, ch.s, mean[c], fa[c], fb[c], fc[c], past);
    }
  });
}

// Inputs: g, x, mean, var, weight.
std::vector<Tensor> batch_norm_backward(const Call& c) {
  const auto& a = c.attrs<NormBackwardAttrs>();
  const Channels ch(c.x(1));
  const ScalarType t = ch.x.scalar_type();
  const Tensor g = c.x(0).to(t).contiguous(), mean = c.x(2).to(t).contiguous(), var = c.x(3).to(t).contiguous(), w = detail::widened_or_none(c.x(4));
  std::vector<Tensor> out(3);
  if (a.wanted & 1) out[0] = detail::empty_like_dtype(t, ch.x.sizes());
  if (a.wanted & 6) out[1] = detail::empty_like_dtype(t, {ch.c}), out[2] = detail::empty_like_dtype(t, {ch.c});
  CT_DISPATCH_FLOATS(t, [&] {
    channels_backward<scalar_t>(ch, g, detail::data<scalar_t>(mean), detail::data<scalar_t>(var), detail::data_or_null<scalar_t>(w), a, out[0], out[1], out[2]);
  });
  if (out[0].defined()) out[0] = out[0].to(c.x(1).scalar_type());
  return out;
}

// The entries of a batch side by side, as channels: [B, N, C, ..] -> [N, B C, ..], [B, C] -> [B C], and back.
Tensor merged(const Batch& b, int i) {
  if (!b.value(i).defined()) return {};
  const Tensor x = b.x(i);
  return x.dim() == 2 ? x.flatten() : x.movedim(0, 1).flatten(1, 2);
}
Tensor parted(const Tensor& y, std::int64_t batch) {
  if (!y.defined()) return y;
  std::vector<std::int64_t> sizes(y.sizes().begin(), y.sizes().end());
  const std::size_t at = y.dim() == 1 ? 0 : 1;
  sizes[at] /= std::max<std::int64_t>(1, batch);
  sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(at), batch);
  const Tensor split = y.reshape(sizes);
  return at ? split.movedim(1, 0) : split;
}
std::vector<Tensor> parted(std::vector<Tensor> y, std::int64_t batch) {
  for (Tensor& t : y) t = parted(t, batch);
  return y;
}

constexpr Op batch_norm_backward_op{
    .name = "native_batch_norm_backward",
    .forward_multi = batch_norm_backward,
    .batch_multi = [](const Batch& b) {
      return parted(apply_multi(b.op, b.attrs<NormBackwardAttrs>(), merged(b, 0), merged(b, 1), merged(b, 2), merged(b, 3), merged(b, 4)), b.size);
    },
    .optional = 16,
    .untested = "the first derivative of batch_norm, whose samples cover it",
};

// The gradient of input `arg`; of the statistics of a batch, g1 and g2 may arrive too.
Tensor batch_norm_gradient(const Tensor& g, const Saved& s, int arg, const Tensor& mean, const Tensor& var, const Tensor& g1, const Tensor& g2, bool training) {
  const double eps = s.attrs<BatchNormAttrs>().eps;
  const bool stats = arg == 0 && (g1.defined() || g2.defined());
  if (!g.defined() && !stats) return {};
  const Tensor none, &x = s.x(0), &w = s.needs(0) ? s.x(1) : none;
  bool fused = g.defined() && !stats;
  for (const Tensor* t : {&g, &x, &mean, &var, &w}) fused = fused && detail::is_constant(*t);
  if (fused)
    return OpNode::gradient_of_all(s, arg, [&] {
      return apply_multi(batch_norm_backward_op, NormBackwardAttrs{eps, 0, detail::wanted_gradients(s), training}, g, x, mean, var, w);
    });
  const Normal n(x, mean, var, w, eps);
  if (arg > 0) return (arg == 1 ? g * n.normal() : g).sum(n.dims);
  Tensor dx = g.defined() ? n.dx(g, training) : Tensor();
  auto add = [&dx](const Tensor& t) { dx = dx.defined() ? dx + t : t; };
  if (g1.defined()) add(n.dx_by_mean(g1));
  if (g2.defined()) add(n.dx_by_var(g2));
  return dx;
}

// y = (x - mean) / sqrt(var + eps) weight + bias with mean and var of the batch, which are outputs too
constexpr Op batch_norm_op{
    .name = "native_batch_norm",
    .node = "NativeBatchNormBackward0",
    .kind = OpKind::other,
    .formula = "dx0 = (g x1 - mean(g x1) - xh mean(g x1 xh)) / sqrt(var + eps); dx1 = sum(g xh); dx2 = sum(g), with xh = (x0 - mean) / sqrt(var + eps)",
    .forward_multi = batch_norm_training,
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 2 && !s.needs(0) && !s.needs(1)) return g.defined() ? g.sum(all_but_channels(g)) : g;
      return batch_norm_gradient(g, s, arg, s.y(1), s.y(2), s.g(1), s.g(2), true);
    },
    .batch_multi = [](const Batch& b) {
      return parted(apply_multi(b.op, b.attrs<BatchNormAttrs>(), merged(b, 0), merged(b, 1), merged(b, 2)), b.size);
    },
    .save = {X(0) | X(1) | Y(1) | Y(2), X(0) | Y(1) | Y(2), 0},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .optional = 2 | 4,
    .samples = [](SampleSink& call) {
      call({call.uniform({4, 3}), call.uniform({3}), call.uniform({3})}, BatchNormAttrs{1e-5});
      call({call.uniform({2, 3, 4}), call.uniform({3}), {}}, BatchNormAttrs{0.1});
      call({call.uniform({2, 2, 3, 2}), {}, call.uniform({2})}, BatchNormAttrs{1e-3});
      call({call.uniform({3, 2, 19}), {}, {}}, BatchNormAttrs{1e-5});
    },
};

// The same with the statistics given, which have no gradient
constexpr Op batch_norm_evaluation_op{
    .name = "native_batch_norm.evaluation",
    .node = "NativeBatchNormBackward0",
    .kind = OpKind::other,
    .formula = "dx0 = g x1 / sqrt(x4 + eps); dx1 = sum(g (x0 - x3) / sqrt(x4 + eps)); dx2 = sum(g)",
    .forward = batch_norm_evaluation,
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 2) return g.sum(all_but_channels(g));
      if (arg == 0 && !s.needs(1)) {
        const Tensor scale = rsqrt(s.x(4) + s.attrs<BatchNormAttrs>().eps);
        return g * by_channel(s.x(1).defined() ? scale * s.x(1) : scale, g.dim());
      }
      return batch_norm_gradient(g, s, arg, s.x(3), s.x(4), {}, {}, false);
    },
    .batch = [](const Batch& b) {
      return parted(apply_with(b.op, b.attrs<BatchNormAttrs>(), merged(b, 0), merged(b, 1), merged(b, 2), merged(b, 3), merged(b, 4)), b.size);
    },
    .save = {X(1) | X(3) | X(4), X(0) | X(3) | X(4), 0},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .nondiff = 8 | 16,
    .optional = 2 | 4,
    .samples = [](SampleSink& call) {
      auto statistics = [&](std::int64_t c) { return std::pair(call.uniform({c}), call.uniform({c}, 0.5, 2)); };
      const auto [mean, var] = statistics(3);
      call({call.uniform({4, 3}), call.uniform({3}), call.uniform({3}), mean, var}, BatchNormAttrs{1e-5});
      call({call.uniform({2, 3, 4}), call.uniform({3}), {}, mean, var}, BatchNormAttrs{0.1});
      call({call.uniform({2, 3, 2, 2}), {}, {}, mean, var}, BatchNormAttrs{1e-3});
    },
};

// running = (1 - momentum) running + momentum batch
void update(const Tensor& running, const Tensor& batch, double momentum) {
  if (running.defined()) running.mul_(1 - momentum).add_(batch, momentum);
}

}  // namespace

std::span<const Op* const> batch_norm_ops() {
  static constexpr const Op* ops[] = {&batch_norm_op, &batch_norm_evaluation_op, &batch_norm_backward_op};
  return ops;
}

Tensor batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps, bool) {
  CT_CHECK(input.defined(), "batch_norm: expected a tensor, but the input is undefined");
  check_batch_norm("batch_norm", input, weight, bias, running_mean, running_var);
  const BatchNormAttrs a{eps};
  if (!training) {
    CT_CHECK(running_mean.defined(), "batch_norm: running_mean must be defined in evaluation mode");
    CT_CHECK(running_var.defined(), "batch_norm: running_var must be defined in evaluation mode");
    // The gradient is that of the statistics as they are now, also if training goes on before it is computed.
    const bool keep = is_grad_enabled() && (input.requires_grad() || (weight.defined() && weight.requires_grad()));
    return apply_with(batch_norm_evaluation_op, a, input, weight, bias, keep ? running_mean.clone() : running_mean, keep ? running_var.clone() : running_var);
  }
  const std::vector<Tensor> out = apply_multi(batch_norm_op, a, input, weight, bias);
  if (input.numel() > 0) {
    const NoGradGuard guard;
    const auto n = static_cast<double>(input.numel() / input.size(1));
    update(running_mean, out[1].detach(), momentum);
    if (running_var.defined()) update(running_var, out[2].detach() * (n / (n - 1)), momentum);
  }
  return out[0];
}

Tensor instance_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, const Tensor& running_mean, const Tensor& running_var, bool use_input_stats,
                     double momentum, double eps, bool) {
  CT_CHECK(input.defined(), "instance_norm: expected a tensor, but the input is undefined");
  check_batch_norm("instance_norm", input, weight, bias, running_mean, running_var);
  CT_CHECK(use_input_stats || (running_mean.defined() && running_var.defined()),
           "instance_norm: Expected running_mean and running_var to be defined when use_input_stats is false");
  const std::int64_t n = input.size(0), c = input.size(1);
  auto repeated = [n](const Tensor& p) { return p.defined() ? p.repeat({n}) : p; };
  auto values = [&](const Tensor& p) { return p.defined() ? repeated(p.detach()) : p; };
  // Every sample's channels are channels of their own.
  std::vector<std::int64_t> sizes(input.sizes().begin(), input.sizes().end());
  sizes[0] = 1, sizes[1] = n * c;
  const Tensor mean = values(running_mean), var = values(running_var);
  const Tensor y = batch_norm(input.contiguous().view(sizes), repeated(weight), repeated(bias), mean, var, use_input_stats, momentum, eps);
  if (use_input_stats && n > 0) {
    const NoGradGuard guard;
    if (running_mean.defined()) running_mean.copy_(mean.view({n, c}).mean(0));
    if (running_var.defined()) running_var.copy_(var.view({n, c}).mean(0));
  }
  return y.view(input.sizes());
}

}  // namespace ct
