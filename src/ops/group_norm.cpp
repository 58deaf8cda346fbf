// ops/group_norm.cpp -- normalisation by groups of channels.
#include <cmath>
#include <memory>

#include "cotangent/ops/normalization.h"
#include "ops/norm_rules.h"
#include "ops/op_list.h"

namespace ct {

using detail::all_but_channels;
using detail::by_channel;
using detail::Channels;
using detail::NormBackwardAttrs;

namespace {

struct GroupNormAttrs {
  double eps;
  std::int64_t groups;
};

void check_group_norm(const char* op, const Tensor& x, std::int64_t groups, const Tensor& w, const Tensor& b) {
  detail::check_channels(op, x);
  detail::check_norm_dtypes(op, "GroupNormKernelImpl", x, {&w, &b});
  const std::int64_t c = x.size(1);
  CT_CHECK(groups > 0, op, ": Expected num groups to be greater than 0, got ", groups);
  CT_CHECK(c % groups == 0, op, ": Expected number of channels in input to be divisible by num_groups, but got input of shape ", x.sizes(), " and num_groups=", groups);
  for (const auto& [p, name] : {std::pair(&w, "weight"), std::pair(&b, "bias")})
    CT_CHECK(!p->defined() || (p->dim() == 1 && p->size(0) == c), op, ": Expected ", name, " to be a vector of size equal to the number of channels in input, but got ",
             name, " of shape ", p->defined() ? p->sizes() : IntArrayRef(), " and input of shape ", x.sizes());
}

// { y, mean, 1 / sqrt(var + eps) } with the statistics [N, groups]
std::vector<Tensor> group_norm_forward(const Call& c) {
  const auto& a = c.attrs<GroupNormAttrs>();
  check_group_norm(c.op.name, c.x(0), a.groups, c.x(1), c.x(2));
  const Channels ch(c.x(0));
  const Tensor w = detail::widened_or_none(c.x(1)), b = detail::widened_or_none(c.x(2));
  const ScalarType t = ch.x.scalar_type();
  Tensor y = detail::empty_like_dtype(t, ch.x.sizes()), mean = detail::empty_like_dtype(t, {ch.n, a.groups}), rstd = detail::empty_like_dtype(t, {ch.n, a.groups});
  CT_DISPATCH_FLOATS(t, [&] {
    const auto& k = kernels::norm_kernels<scalar_t>();
    const scalar_t *px = detail::data<scalar_t>(ch.x), *pw = detail::data_or_null<scalar_t>(w), *pb = detail::data_or_null<scalar_t>(b);
    scalar_t *py = detail::data<scalar_t>(y), *pm = detail::data<scalar_t>(mean), *pr = detail::data<scalar_t>(rstd);
    const std::int64_t each = ch.c / a.groups;
    const bool past = detail::past_cache<scalar_t>(y.numel());
    detail::parallel_for(ch.n * a.groups, detail::norm_grain(each * ch.s), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t at = i * each * ch.s, first = i % a.groups * each;
        const kernels::Moments m = k.moments(px + at, each * ch.s);
        pm[i] = static_cast<scalar_t>(m.mean);
        pr[i] = static_cast<scalar_t>(1 / std::sqrt(m.m2 / m.n + a.eps));
        for (std::int64_t j = 0; j < each; ++j)
          k.affine_row(py + at + j * ch.s, px + at + j * ch.s, ch.s, pm[i], pr[i] * (pw ? pw[first + j] : scalar_t{1}), pb ? pb[first + j] : scalar_t{0}, past);
      }
    });
  });
  return {y.to(c.x(0).scalar_type()), mean, rstd};
}

// Its gradients as operations that can be differentiated; x is [N, C, ..] with the statistics [N, groups].
struct Grouped {
  Tensor x, mean, rstd, w;
  std::int64_t groups;

  Tensor rows(const Tensor& t) const { return t.reshape({x.size(0), groups, x.size(0) * groups == 0 ? 0 : x.numel() / (x.size(0) * groups)}); }
  Tensor normal() const { return (rows(x) - mean.unsqueeze(2)) * rstd.unsqueeze(2); }
  Tensor dx(const Tensor& g) const {
    const Tensor gw = rows(w.defined() ? g * w : g), xh = normal();
    return ((gw - gw.mean(2, true) - xh * (gw * xh).mean(2, true)) * rstd.unsqueeze(2)).reshape(x.sizes());
  }
  double count() const { return static_cast<double>(x.numel()) / static_cast<double>(std::max<std::int64_t>(1, x.size(0) * groups)); }
  Tensor dx_by_mean(const Tensor& g) const { return (g / count()).unsqueeze(2).expand(rows(x).sizes()).reshape(x.sizes()); }
  Tensor dx_by_rstd(const Tensor& g) const { return (normal() * (rstd * rstd * (g / -count())).unsqueeze(2)).reshape(x.sizes()); }
};

// Inputs: g, x, mean, rstd, weight.
std::vector<Tensor> group_norm_backward(const Call& c) {
  const auto& a = c.attrs<NormBackwardAttrs>();
  const Channels ch(c.x(1));
  const ScalarType t = ch.x.scalar_type();
  const Tensor g = c.x(0).to(t).contiguous(), mean = c.x(2).to(t).contiguous(), rstd = c.x(3).to(t).contiguous(), w = detail::widened_or_none(c.x(4));
  std::vector<Tensor> out(3);
  if (a.wanted & 1) out[0] = detail::empty_like_dtype(t, ch.x.sizes());
  if (a.wanted & 6) out[1] = detail::empty_like_dtype(t, {ch.c}), out[2] = detail::empty_like_dtype(t, {ch.c});
  CT_DISPATCH_FLOATS(t, [&] {
    const auto& k = kernels::norm_kernels<scalar_t>();
    const scalar_t *pg = detail::data<scalar_t>(g), *px = detail::data<scalar_t>(ch.x), *pm = detail::data<scalar_t>(mean), *pr = detail::data<scalar_t>(rstd),
                   *pw = detail::data_or_null<scalar_t>(w);
    scalar_t* pdx = out[0].defined() ? detail::data<scalar_t>(out[0]) : nullptr;
    const std::int64_t each = ch.c / a.n;
    const std::unique_ptr<double[]> sums(new double[static_cast<std::size_t>(2 * ch.n * ch.c)]);
    const bool past = detail::past_cache<scalar_t>(ch.x.numel());
    detail::parallel_for(ch.n * a.n, detail::norm_grain(each * ch.s), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t row = i * each, first = i % a.n * each;
        double sum = 0, moment = 0;
        for (std::int64_t j = 0; j < each; ++j) {
          double* s = sums.get() + 2 * (row + j);
          k.row_sums(s, pg + (row + j) * ch.s, px + (row + j) * ch.s, ch.s, pm[i]);
          const double wj = pw ? static_cast<double>(pw[first + j]) : 1;
          sum += wj * s[0], moment += wj * s[1];
        }
        if (!pdx) continue;
        const double r = static_cast<double>(pr[i]), n = static_cast<double>(each * ch.s);
        const auto by_x = static_cast<scalar_t>(-r * r * r * moment / n), rest = static_cast<scalar_t>(-r * sum / n);
        for (std::int64_t j = 0; j < each; ++j) {
          const std::int64_t at = (row + j) * ch.s;
          k.affine_row_backward(pdx + at, pg + at, px + at, ch.s, pm[i], pr[i] * (pw ? pw[first + j] : scalar_t{1}), by_x, rest, past);
        }
      }
    });
    if (!out[1].defined()) return;
    for (std::int64_t j = 0; j < ch.c; ++j) {
      double dw = 0, db = 0;
      for (std::int64_t i = 0; i < ch.n; ++i) {
        const double* s = sums.get() + 2 * (i * ch.c + j);
        db += s[0], dw += s[1] * static_cast<double>(pr[i * a.n + j / each]);
      }
      detail::data<scalar_t>(out[1])[j] = static_cast<scalar_t>(dw), detail::data<scalar_t>(out[2])[j] = static_cast<scalar_t>(db);
    }
  });
  if (out[0].defined()) out[0] = out[0].to(c.x(1).scalar_type());
  return out;
}

// [B, N, ..] -> [B N, ..]
Tensor folded(const Batch& b, int i) { return b.x(i).flatten(0, 1); }
Tensor unfolded(const Tensor& y, std::int64_t batch) {
  std::vector<std::int64_t> sizes(y.sizes().begin(), y.sizes().end());
  sizes[0] /= std::max<std::int64_t>(1, batch);
  sizes.insert(sizes.begin(), batch);
  return y.reshape(sizes);
}

constexpr Op group_norm_backward_op{
    .name = "native_group_norm_backward",
    .forward_multi = group_norm_backward,
    .batch_multi = [](const Batch& b) {
      const auto& a = b.attrs<NormBackwardAttrs>();
      const Tensor g = folded(b, 0), x = folded(b, 1);
      Tensor w;
      if (b.value(4).defined()) {  // [B, C] -> [B N, C, 1..]
        w = b.x(4).unsqueeze(1).expand({b.size, b.sizes(1)[0], b.x(4).size(1)}).flatten(0, 1);
        while (w.dim() < x.dim()) w = w.unsqueeze(-1);
      }
      const Grouped n{x, folded(b, 2), folded(b, 3), w, a.n};
      std::vector<Tensor> out(3);
      if (a.wanted & 1) out[0] = unfolded(n.dx(g), b.size);
      if (a.wanted & 6) {
        auto by_entry = [&](const Tensor& t) { return t.reshape({b.size, b.sizes(1)[0], x.size(1), -1}).sum({1, 3}); };
        out[1] = by_entry(g * n.normal().reshape(x.sizes())), out[2] = by_entry(g);
      }
      return out;
    },
    .optional = 16,
    .untested = "the first derivative of group_norm, whose samples cover it",
};

Tensor group_norm_gradient(const Tensor& g, const Saved& s, int arg) {
  const auto& a = s.attrs<GroupNormAttrs>();
  if (arg == 2 && !s.needs(0) && !s.needs(1)) return g.defined() ? g.sum(all_but_channels(g)) : g;
  const bool stats = arg == 0 && (s.g(1).defined() || s.g(2).defined());
  if (!g.defined() && !stats) return {};
  const Tensor none, &x = s.x(0), &mean = s.y(1), &rstd = s.y(2), &w = s.needs(0) ? s.x(1) : none;
  bool fused = g.defined() && !stats;
  for (const Tensor* t : {&g, &x, &mean, &rstd, &w}) fused = fused && detail::is_constant(*t);
  if (fused)
    return OpNode::gradient_of_all(s, arg, [&] {
      return apply_multi(group_norm_backward_op, NormBackwardAttrs{0, a.groups, detail::wanted_gradients(s)}, g, x, mean, rstd, w);
    });
  const Grouped n{x, mean, rstd, w.defined() ? by_channel(w, x.dim()) : w, a.groups};
  if (arg > 0) return (arg == 1 ? g * n.normal().reshape(x.sizes()) : g).sum(all_but_channels(x));
  Tensor dx = g.defined() ? n.dx(g) : Tensor();
  auto add = [&dx](const Tensor& t) { dx = dx.defined() ? dx + t : t; };
  if (s.g(1).defined()) add(n.dx_by_mean(s.g(1)));
  if (s.g(2).defined()) add(n.dx_by_rstd(s.g(2)));
  return dx;
}

// y = (x - mean) rstd weight + bias, with mean and rstd [N, groups] as further outputs
constexpr Op group_norm_op{
    .name = "native_group_norm",
    .node = "NativeGroupNormBackward0",
    .kind = OpKind::other,
    .formula = "dx0 = (g x1 - mean(g x1) - xh mean(g x1 xh)) / sqrt(var + eps) in each group; dx1 = sum(g xh); dx2 = sum(g), with xh = (x0 - mean) / sqrt(var + eps)",
    .forward_multi = group_norm_forward,
    .vjp = group_norm_gradient,
    .batch_multi = [](const Batch& b) {
      const auto& a = b.attrs<GroupNormAttrs>();
      const bool own = b.batched(1) || b.batched(2);  // weights that differ from entry to entry multiply afterwards
      std::vector<Tensor> out = apply_multi(b.op, a, folded(b, 0), own ? Tensor() : b.value(1), own ? Tensor() : b.value(2));
      for (Tensor& t : out) t = unfolded(t, b.size);
      auto aligned = [&](int i) {  // [B, C] or [C] -> [B, 1, C, 1..]
        Tensor p = b.x(i).unsqueeze(1);
        while (p.dim() < out[0].dim()) p = p.unsqueeze(-1);
        return p;
      };
      if (own && b.value(1).defined()) out[0] = out[0] * aligned(1);
      if (own && b.value(2).defined()) out[0] = out[0] + aligned(2);
      return out;
    },
    .save = {X(0) | X(1) | Y(1) | Y(2), X(0) | Y(1) | Y(2), 0},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .optional = 2 | 4,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 4, 3}), call.uniform({4}), call.uniform({4})}, GroupNormAttrs{1e-5, 2});
      call({call.uniform({2, 4, 2, 2}), call.uniform({4}), {}}, GroupNormAttrs{0.1, 4});
      call({call.uniform({3, 4}), call.uniform({4}), call.uniform({4})}, GroupNormAttrs{1e-3, 1});  // libtorch's backward fails without weight
      call({call.uniform({1, 2, 19}), {}, {}}, GroupNormAttrs{1e-5, 1});
    },
};

}  // namespace

std::span<const Op* const> group_norm_ops() {
  static constexpr const Op* ops[] = {&group_norm_op, &group_norm_backward_op};
  return ops;
}

Tensor group_norm(const Tensor& input, std::int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps, bool) {
  CT_CHECK(input.defined(), "group_norm: expected a tensor, but the input is undefined");
  check_group_norm("group_norm", input, num_groups, weight, bias);
  return apply_multi(group_norm_op, GroupNormAttrs{eps, num_groups}, input, weight, bias)[0];
}

}  // namespace ct
