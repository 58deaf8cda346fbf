// ops/row_norm.cpp -- normalisation over the last dimensions: layer_norm and rms_norm.
#include <cmath>
#include <limits>

#include "kernels/reduce.h"
#include "cotangent/ops/normalization.h"
#include "ops/norm_rules.h"
#include "ops/op_list.h"

namespace ct {

using detail::NormBackwardAttrs;

namespace {

struct RowAttrs {
  double eps;
  std::int64_t dims;  // how many of the last dimensions make a row
};

IntArrayRef last(IntArrayRef sizes, std::int64_t dims) { return sizes.slice(sizes.size() - static_cast<std::size_t>(dims), static_cast<std::size_t>(dims)); }

void check_shape(const char* op, const char* name, const Tensor& p, IntArrayRef shape) {
  CT_CHECK(!p.defined() || p.sizes() == shape, op, ": Expected ", name, " to be of same shape as normalized_shape, but got ", name, " of shape ",
           p.defined() ? p.sizes() : IntArrayRef(), " and normalized_shape = ", shape);
}
void check_input(const char* op, const Tensor& x, IntArrayRef shape) {
  const std::size_t n = shape.size();
  if (static_cast<std::size_t>(x.dim()) >= n && last(x.sizes(), static_cast<std::int64_t>(n)) == shape) return;
  std::string text = "[*";
  for (std::int64_t s : shape) text += detail::join({", ", s});
  CT_THROW(error, op, ": Given normalized_shape=", shape, ", expected input with shape ", text, "], but got input of size", x.sizes(),
           "\n  It is normalised over its last dimensions, whose sizes are normalized_shape.");
}
void check_call(const Call& c) {
  const auto& a = c.attrs<RowAttrs>();
  const Tensor &x = c.x(0), &w = c.x(1), none, &b = c.n_in > 2 ? c.x(2) : none;
  CT_CHECK(a.dims >= 1 && a.dims <= x.dim(), c.op.name, ": cannot normalise over ", a.dims, " dimensions of an input of shape ", x.sizes());
  detail::check_norm_dtypes(c.op.name, "LayerNormKernelImpl", x, {&w, &b});
  check_shape(c.op.name, "weight", w, last(x.sizes(), a.dims));
  check_shape(c.op.name, "bias", b, last(x.sizes(), a.dims));
}

// The input as rows.
struct RowsOf {
  Tensor x;
  std::int64_t rows = 1, n = 1;
  detail::Dims stats;  // the shape of one number for each row

  RowsOf(const Tensor& input, std::int64_t dims) : x(detail::widened(input).contiguous()) {
    for (std::int64_t d = 0; d < x.dim(); ++d) {
      const bool in_row = d >= x.dim() - dims;
      (in_row ? n : rows) *= x.size(d);
      stats.v[stats.n++] = in_row ? 1 : x.size(d);
    }
  }
};

// { y, mean, 1 / sqrt(var + eps) }, without the mean if not `centered`.
std::vector<Tensor> normalise_rows(const Call& c, bool centered) {
  check_call(c);
  const auto& a = c.attrs<RowAttrs>();
  const RowsOf r(c.x(0), a.dims);
  const Tensor w = detail::widened_or_none(c.x(1)), b = detail::widened_or_none(c.n_in > 2 ? c.x(2) : Tensor());
  const ScalarType t = r.x.scalar_type();
  Tensor y = detail::empty_like_dtype(t, r.x.sizes()), mean = centered ? detail::empty_like_dtype(t, r.stats) : Tensor(),
         rstd = detail::empty_like_dtype(t, r.stats);
  CT_DISPATCH_FLOATS(t, [&] {
    const auto& k = kernels::norm_kernels<scalar_t>();
    const scalar_t *px = detail::data<scalar_t>(r.x), *pw = detail::data_or_null<scalar_t>(w), *pb = detail::data_or_null<scalar_t>(b);
    scalar_t *py = detail::data<scalar_t>(y), *pm = centered ? detail::data<scalar_t>(mean) : nullptr, *ps = detail::data<scalar_t>(rstd);
    const bool past = detail::past_cache<scalar_t>(y.numel());
    const auto n = static_cast<double>(r.n);
    detail::parallel_for(r.rows, detail::norm_grain(r.n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const scalar_t* row = px + i * r.n;
        double m = 0, square = 0;
        if (centered) {
          const kernels::Moments s = k.moments(row, r.n);
          m = s.mean, square = s.m2;
          pm[i] = static_cast<scalar_t>(m);
        } else {
          square = k.sum_squares(row, r.n);
        }
        ps[i] = static_cast<scalar_t>(1 / std::sqrt(square / n + a.eps));
        k.row(py + i * r.n, row, r.n, static_cast<scalar_t>(m), ps[i], pw, pb, past);
      }
    });
  });
  y = y.to(c.x(0).scalar_type());
  return centered ? std::vector<Tensor>{y, mean, rstd} : std::vector<Tensor>{y, rstd};
}

// ---- gradients as operations that can be differentiated -----------------------------------------------------------------

// What they are made of: mean may be undefined (not subtracted), w too.
struct Row {
  Tensor x, mean, rstd, w;
  std::vector<std::int64_t> dims;   // of a row, counted from the back
  double n = 1;

  Row(const Tensor& x_, const Tensor& mean_, const Tensor& rstd_, const Tensor& w_, std::int64_t count) : x(x_), mean(mean_), rstd(rstd_), w(w_) {
    for (std::int64_t d = 1; d <= count; ++d) {
      dims.push_back(-d);
      n *= static_cast<double>(x.size(-d));
    }
  }
  Tensor normal() const { return (mean.defined() ? x - mean : x) * rstd; }
  Tensor dx(const Tensor& g) const {
    const Tensor xh = normal(), gw = w.defined() ? g * w : g;
    Tensor d = gw - xh * (gw * xh).mean(dims, true);
    if (mean.defined()) d = d - gw.mean(dims, true);
    return d * rstd;
  }
  // Through the statistics: g1 of the mean, g2 of 1 / sqrt(var + eps).
  Tensor dx_by_rstd(const Tensor& g2) const { return normal() * rstd * rstd * (g2 / -n); }
  Tensor dx_by_mean(const Tensor& g1) const { return (g1 / n).expand(x.sizes()); }
};
// The sum over all dimensions from `first` to those of a row.
Tensor over_rows(const Tensor& t, std::int64_t first, std::int64_t dims) {
  std::vector<std::int64_t> lead;
  for (std::int64_t d = first; d < t.dim() - dims; ++d) lead.push_back(d);
  return lead.empty() ? t : t.sum(lead);
}
void add_to(Tensor& sum, const Tensor& t) { sum = sum.defined() ? sum + t : t; }

// ---- all gradients in one pass: where nothing further is differentiated ------------------------------------------------

std::vector<Tensor> rows_backward(const Call& c) {
  const auto& a = c.attrs<NormBackwardAttrs>();
  const RowsOf r(c.x(1), a.n);
  const ScalarType t = r.x.scalar_type();
  const Tensor g = detail::widened(c.x(0)).to(t).contiguous(), mean = detail::widened_or_none(c.x(2)), rstd = detail::widened(c.x(3)).contiguous(),
               w = detail::widened_or_none(c.x(4));
  const bool want_x = a.wanted & 1, want_parameters = a.wanted & 6;
  const std::int64_t block = std::max({std::int64_t{4}, (r.rows + 63) / 64, 32768 / std::max<std::int64_t>(1, r.n)});
  const std::int64_t blocks = (r.rows + block - 1) / block;
  Tensor dx, dw, db, parts;
  if (want_x) dx = detail::empty_like_dtype(t, r.x.sizes());
  if (want_parameters) {
    parts = zeros({blocks, 2, r.n}, t);  // added up afterwards in one order, so that results do not depend on the number of threads
    dw = detail::empty_like_dtype(t, last(r.x.sizes(), a.n));
    db = detail::empty_like_dtype(t, last(r.x.sizes(), a.n));
  }
  CT_DISPATCH_FLOATS(t, [&] {
    const auto& k = kernels::norm_kernels<scalar_t>();
    const scalar_t *pg = detail::data<scalar_t>(g), *px = detail::data<scalar_t>(r.x), *pm = detail::data_or_null<scalar_t>(mean),
                   *ps = detail::data<scalar_t>(rstd), *pw = detail::data_or_null<scalar_t>(w);
    scalar_t *pdx = want_x ? detail::data<scalar_t>(dx) : nullptr, *pp = want_parameters ? detail::data<scalar_t>(parts) : nullptr;
    const bool past = detail::past_cache<scalar_t>(r.x.numel());
    detail::parallel_for(blocks, std::max<std::int64_t>(1, detail::norm_grain(r.n) / block), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t first = i * block, rows = std::min(block, r.rows - first), at = first * r.n;
        scalar_t* part = pp ? pp + i * 2 * r.n : nullptr;
        k.rows_backward(pdx ? pdx + at : nullptr, part, part ? part + r.n : nullptr, pg + at, px + at, pm ? pm + first : nullptr, ps + first, pw, rows, r.n, past);
      }
    });
    if (want_parameters) {
      const auto& sums = kernels::reduce_kernels<scalar_t>();
      sums.sum_columns(detail::data<scalar_t>(dw), pp, 2 * r.n, blocks, r.n);
      sums.sum_columns(detail::data<scalar_t>(db), pp + r.n, 2 * r.n, blocks, r.n);
    }
  });
  return {want_x ? dx.to(c.x(1).scalar_type()) : dx, dw, db};
}

std::vector<Tensor> rows_backward_batched(const Batch& b) {
  const auto& a = b.attrs<NormBackwardAttrs>();
  const Tensor g = b.x(0);
  const Row row(b.x(1), b.value(2).defined() ? b.x(2) : Tensor(), b.x(3), b.value(4).defined() ? detail::broadcastable(b, 4, b.dim(1)) : Tensor(), a.n);
  std::vector<Tensor> out(3);
  if (a.wanted & 1) out[0] = row.dx(g);
  if (a.wanted & 6) out[1] = over_rows(g * row.normal(), 1, a.n), out[2] = over_rows(g, 1, a.n);
  return out;
}

constexpr Op rows_backward_op{
    .name = "native_layer_norm_backward",
    .forward_multi = rows_backward,
    .batch_multi = rows_backward_batched,
    .optional = 4 | 16,
    .untested = "the first derivatives of layer_norm and rms_norm, whose samples cover it",
};

// The gradient of input `arg` by those of the outputs: g of y, and of the statistics. `rstd` is output number `k`.
Tensor row_gradient(const Tensor& g, const Saved& s, int arg, bool centered) {
  const auto& a = s.attrs<RowAttrs>();
  const int k = centered ? 2 : 1;
  if (arg == 2) {
    if (!g.defined()) return g;
    if (!s.needs(0) && !s.needs(1)) return over_rows(g, 0, a.dims);  // nothing was saved
  }
  const bool stats = s.g(k).defined() || (centered && s.g(1).defined());
  if (!g.defined() && (arg > 0 || !stats)) return {};
  const Tensor none, &x = s.x(0), &mean = centered ? s.y(1) : none, &rstd = s.y(k), &w = s.needs(0) ? s.x(1) : none;
  bool fused = g.defined() && !(stats && arg == 0);
  for (const Tensor* t : {&g, &x, &mean, &rstd, &w}) fused = fused && detail::is_constant(*t);
  if (fused)
    return OpNode::gradient_of_all(s, arg, [&] {
      return apply_multi(rows_backward_op, NormBackwardAttrs{0, a.dims, detail::wanted_gradients(s)}, g, x, mean, rstd, w);
    });
  const Row row(x, mean, rstd, w, a.dims);
  if (arg > 0) return over_rows(arg == 1 ? g * row.normal() : g, 0, a.dims);
  Tensor dx;
  if (g.defined()) add_to(dx, row.dx(g));
  if (s.g(k).defined()) add_to(dx, row.dx_by_rstd(s.g(k)));
  if (centered && s.g(1).defined()) add_to(dx, row.dx_by_mean(s.g(1)));
  return dx;
}

// Weights that differ from entry to entry multiply afterwards.
std::vector<Tensor> rows_batched(const Batch& b) {
  const auto& a = b.attrs<RowAttrs>();
  const bool bias = b.n_in > 2 && b.value(2).defined();
  if (!b.batched(1) && !(bias && b.batched(2))) {
    return b.n_in > 2 ? apply_multi(b.op, a, b.value(0), b.value(1), b.value(2)) : apply_multi(b.op, a, b.value(0), b.value(1));
  }
  const Tensor none;
  std::vector<Tensor> out = b.n_in > 2 ? apply_multi(b.op, a, b.x(0), none, none) : apply_multi(b.op, a, b.x(0), none);
  if (b.value(1).defined()) out[0] = out[0] * detail::broadcastable(b, 1, b.dim(0));
  if (bias) out[0] = out[0] + detail::broadcastable(b, 2, b.dim(0));
  return out;
}

// y = (x - mean) rstd weight + bias, with the statistics as further outputs
constexpr Op layer_norm_op{
    .name = "native_layer_norm",
    .node = "NativeLayerNormBackward0",
    .kind = OpKind::other,
    .formula = "dx0 = (g x1 - mean(g x1) - xh mean(g x1 xh)) / sqrt(var + eps); dx1 = sum(g xh); dx2 = sum(g), with xh = (x0 - mean) / sqrt(var + eps)",
    .forward_multi = [](const Call& c) { return normalise_rows(c, true); },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return row_gradient(g, s, arg, true); },
    .batch_multi = rows_batched,
    .save = {X(0) | X(1) | Y(1) | Y(2), X(0) | Y(1) | Y(2), 0},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .optional = 2 | 4,
    .samples = [](SampleSink& call) {
      const Tensor x = call.uniform({2, 3, 4});
      call({x, call.uniform({4}), call.uniform({4})}, RowAttrs{1e-5, 1});
      call({x, call.uniform({3, 4}), {}}, RowAttrs{0.1, 2});
      call({x, {}, call.uniform({4})}, RowAttrs{1e-3, 1});
      call({x, {}, {}}, RowAttrs{1e-5, 3});
      call({call.uniform({5, 37}), call.uniform({37}), call.uniform({37})}, RowAttrs{1e-5, 1});
      call({call.uniform({0, 3}), call.uniform({3}), call.uniform({3})}, RowAttrs{1e-5, 1});
    },
};

// y = x rstd weight, with rstd = 1 / sqrt(mean(x^2) + eps) as the second output
constexpr Op rms_norm_op{
    .name = "_fused_rms_norm",
    .node = "FusedRmsNormBackward0",
    .kind = OpKind::other,
    .formula = "dx0 = (g x1 - xh mean(g x1 xh)) / sqrt(mean(x0^2) + eps); dx1 = sum(g xh), with xh = x0 / sqrt(mean(x0^2) + eps)",
    .forward_multi = [](const Call& c) { return normalise_rows(c, false); },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return row_gradient(g, s, arg, false); },
    .batch_multi = rows_batched,
    .save = {X(0) | X(1) | Y(1), X(0) | Y(1)},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .optional = 2,
    .samples = [](SampleSink& call) {
      const Tensor x = call.uniform({2, 3, 4});
      call({x, call.uniform({4})}, RowAttrs{1e-5, 1});
      call({x, call.uniform({3, 4})}, RowAttrs{0.1, 2});
      call({x, {}}, RowAttrs{1e-5, 3});
      call({call.uniform({0, 3}), call.uniform({3})}, RowAttrs{1e-5, 1});
    },
};

void check_public(const char* op, const Tensor& x, IntArrayRef shape, const Tensor& w, const Tensor& b) {
  CT_CHECK(x.defined(), op, ": expected a tensor, but the input is undefined");
  CT_CHECK(!shape.empty(), op, ": Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []");
  check_shape(op, "weight", w, shape);
  check_shape(op, "bias", b, shape);
  check_input(op, x, shape);
}

}  // namespace

std::span<const Op* const> row_norm_ops() {
  static constexpr const Op* ops[] = {&layer_norm_op, &rms_norm_op, &rows_backward_op};
  return ops;
}

Tensor layer_norm(const Tensor& input, IntArrayRef normalized_shape, const Tensor& weight, const Tensor& bias, double eps, bool) {
  check_public("layer_norm", input, normalized_shape, weight, bias);
  return apply_multi(layer_norm_op, RowAttrs{eps, static_cast<std::int64_t>(normalized_shape.size())}, input, weight, bias)[0];
}

Tensor rms_norm(const Tensor& input, IntArrayRef normalized_shape, const Tensor& weight, std::optional<double> eps) {
  check_public("rms_norm", input, normalized_shape, weight, {});
  if (!eps) {
    const ScalarType t = input.scalar_type();
    eps = t == kDouble ? std::numeric_limits<double>::epsilon() : t == kHalf ? 0x1p-10 : t == kBFloat16 ? 0x1p-7 : std::numeric_limits<float>::epsilon();
  }
  return apply_multi(rms_norm_op, RowAttrs{*eps, static_cast<std::int64_t>(normalized_shape.size())}, input, weight)[0];
}

}  // namespace ct
