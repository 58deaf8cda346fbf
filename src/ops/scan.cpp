// ops/scan.cpp -- running sums, products, extrema and logsumexps along a dimension.
#include <cmath>
#include <limits>

#include "cotangent/autograd.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::DimAttrs;
using detail::DimWalk;

namespace {

// ---- sums and products -------------------------------------------------------------------------------------------

// y_i = step(y_{i-1}, x_i), from `start`; floats accumulate in double, integers wrap around in 64 bits.
template <class Step>
Tensor scan(const Call& c, int start, const Step& step) {
  const auto& a = c.attrs<DimAttrs>();
  const ScalarType result = detail::total_dtype(c.x(0), a.dtype), compute = isReducedFloatingType(result) ? kFloat : result;
  const DimWalk w(c.x(0).to(compute), a.dim);
  Tensor out = detail::empty_like_dtype(compute, w.x.sizes());
  CT_DISPATCH_WIDE(compute, [&] {
    using Acc = std::conditional_t<std::is_floating_point_v<scalar_t>, double, std::uint64_t>;
    const scalar_t* x = detail::data<scalar_t>(w.x);
    scalar_t* y = detail::data<scalar_t>(out);
    // Neighbouring rows together, so that memory is walked through in order: as many as stay in the first cache.
    constexpr std::int64_t width = 128;
    const std::int64_t blocks = (w.inner + width - 1) / width;
    if (w.x.numel() == 0) return;
    const std::int64_t grain = std::max<std::int64_t>(1, 8192 / (w.n * std::min(w.inner, width)));
    detail::parallel_for(w.outer * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const std::int64_t j = k % blocks * width, m = std::min(width, w.inner - j), first = k / blocks * w.n * w.inner + j;
        if (m == 1) {
          const std::int64_t by = a.flag ? -w.inner : w.inner;
          std::int64_t at = first + (a.flag ? (w.n - 1) * w.inner : 0);
          Acc total = static_cast<Acc>(start);
          for (std::int64_t i = 0; i < w.n; ++i, at += by) {
            total = step(total, static_cast<Acc>(x[at]));
            y[at] = static_cast<scalar_t>(total);
          }
          continue;
        }
        Acc total[width];
        std::fill(total, total + m, static_cast<Acc>(start));
        for (std::int64_t i = 0; i < w.n; ++i) {
          const std::int64_t at = first + (a.flag ? w.n - 1 - i : i) * w.inner;
          for (std::int64_t c = 0; c < m; ++c) {
            total[c] = step(total[c], static_cast<Acc>(x[at + c]));
            y[at + c] = static_cast<scalar_t>(total[c]);
          }
        }
      }
    });
  });
  return out.to(result);
}

void sample_scan(SampleSink& call) {
  for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4})}, DimAttrs{dim});
  call({call.uniform({})}, DimAttrs{});
  call({call.uniform({2, 0})}, DimAttrs{1});
}

// y_k = x_0 + .. + x_k; with `flag` from the back: that is its own derivative's direction.
constexpr Op cumsum_op{
    .name = "cumsum",
    .node = "CumsumBackward0",
    .kind = OpKind::linear,
    .formula = "dx = cumsum of g from the back",
    .forward = [](const Call& c) { return scan(c, 0, [](auto total, auto x) { return total + x; }); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      DimAttrs a = s.attrs<DimAttrs>();
      a.flag = !a.flag;
      a.dtype = ScalarType::Undefined;
      return apply_with(cumsum_op, a, g);
    },
    .batch = detail::scan_each,
    .samples = sample_scan,
};
Tensor sum_from_back(const Tensor& x, std::int64_t dim) {
  DimAttrs a{dim};
  a.flag = true;
  return apply_with(cumsum_op, a, x);
}

// dx_k = L_k S_k with L_k = x_0 .. x_{k-1} and S_k = g_k + x_{k+1} S_{k+1}: exact whatever elements are zero. Not
// recorded: where a graph of the gradient is wanted, cumprod_gradient() composes other ops.
constexpr Op cumprod_backward_op{
    .name = "_cumprod_backward",
    .kind = OpKind::other,
    .forward = [](const Call& c) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const ScalarType dtype = c.x(1).scalar_type();
      const DimWalk w(detail::widened(c.x(1)), dim);
      const Tensor g = c.x(0).to(w.x.scalar_type()).contiguous();
      Tensor out = detail::empty_like_dtype(w.x.scalar_type(), w.x.sizes());
      CT_DISPATCH_FLOATS(w.x.scalar_type(), [&] {
        const scalar_t *x = detail::data<scalar_t>(w.x), *gy = detail::data<scalar_t>(g);
        scalar_t* dx = detail::data<scalar_t>(out);
        w.each_row([&](std::int64_t r) {
          const std::int64_t first = w.offset(r);
          double left = 1;
          for (std::int64_t i = 0; i < w.n; ++i) {
            const std::int64_t at = first + i * w.inner;
            dx[at] = static_cast<scalar_t>(left);
            left *= static_cast<double>(x[at]);
          }
          double right = 0;
          for (std::int64_t i = w.n; i-- > 0;) {
            const std::int64_t at = first + i * w.inner;
            right = static_cast<double>(gy[at]) + (i + 1 < w.n ? static_cast<double>(x[at + w.inner]) * right : 0);
            dx[at] = static_cast<scalar_t>(static_cast<double>(dx[at]) * right);
          }
        }, 8);
      });
      return out.to(dtype);
    },
    .batch = detail::scan_each,
    .untested = "the first derivative of cumprod, whose samples cover it",
};

Tensor cumprod_gradient(const Tensor& g, const Saved& s, int) {
  const std::int64_t dim = s.attrs<DimAttrs>().dim;
  const Tensor x = s.x(0).to(g.scalar_type());
  if (x.numel() <= 1 || x.size(dim) == 1) return g;
  if (detail::is_constant(g) && detail::is_constant(x)) return apply_with(cumprod_backward_op, DimAttrs{dim}, g, x);
  if (!detail::any_nonzero(eq(x, 0))) return sum_from_back(g * s.y(), dim) / x;
  // With zeros, element by element: what lies before x_k, times the sum over j >= k of g_j x_{k+1} .. x_j.
  const std::int64_t n = x.size(dim);
  std::vector<Tensor> parts;
  for (std::int64_t k = 0; k < n; ++k) {
    Tensor d = narrow(g, dim, k, 1);
    if (k + 1 < n) d = d + (narrow(g, dim, k + 1, n - k - 1) * cumprod(narrow(x, dim, k + 1, n - k - 1), dim)).sum(dim, true);
    if (k > 0) d = d * prod(narrow(x, dim, 0, k), dim, true);
    parts.push_back(d);
  }
  return cat(parts, dim);
}

// dy_k = dy_{k-1} x_k + y_{k-1} t_k
Tensor cumprod_jvp(const Tensor* t_, const Saved& s) {
  const std::int64_t dim = s.attrs<DimAttrs>().dim;
  const Tensor& y = s.y();
  const Tensor x = s.x(0).to(y.scalar_type()), t = t_[0].to(y.scalar_type());
  if (x.dim() == 0 || x.numel() == 0) return t;
  if (!detail::any_nonzero(eq(x, 0))) return y * cumsum(t / x, dim);
  std::vector<Tensor> d{narrow(t, dim, 0, 1)};
  for (std::int64_t k = 1; k < x.size(dim); ++k) d.push_back(d.back() * narrow(x, dim, k, 1) + narrow(y, dim, k - 1, 1) * narrow(t, dim, k, 1));
  return cat(d, dim);
}

// y_k = x_0 .. x_k
constexpr Op cumprod_op{
    .name = "cumprod",
    .node = "CumprodBackward0",
    .kind = OpKind::other,
    .formula = "dx_k = sum over j >= k of g_j * product of x_0 .. x_j without x_k",
    .forward = [](const Call& c) { return scan(c, 1, [](auto total, auto x) { return total * x; }); },
    .vjp = cumprod_gradient,
    .jvp = cumprod_jvp,
    .batch = detail::scan_each,
    .save = {X(0) | Y()},
    .samples = [](SampleSink& call) {
      for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4}, 0.5, 2)}, DimAttrs{dim});
      call({call.uniform({})}, DimAttrs{});
      const Tensor x = call.uniform({2, 4});
      x.select(1, 1).fill_(0);
      x.select(1, 3).select(0, 0).fill_(0);
      call({x}, DimAttrs{1});
    },
};

// ---- extrema ---------------------------------------------------------------------------------------------------------

// The last of equal elements is reported, and NaN is kept once met, as in PyTorch.
std::vector<Tensor> running_extremum(const Call& c, bool largest) {
  const Tensor& x = c.x(0);
  const DimWalk w(detail::widened(x), c.attrs<DimAttrs>().dim);
  Tensor values = detail::empty_like_dtype(w.x.scalar_type(), x.sizes()), indices = detail::empty_like_dtype(kLong, x.sizes());
  CT_DISPATCH_WIDE(w.x.scalar_type(), [&] {
    const scalar_t* from = detail::data<scalar_t>(w.x);
    scalar_t* y = detail::data<scalar_t>(values);
    auto* where = detail::data<std::int64_t>(indices);
    auto nan = [](scalar_t v) {
      if constexpr (std::is_floating_point_v<scalar_t>) return std::isnan(v);
      else return false;
    };
    w.each_row([&](std::int64_t r) {
      std::int64_t at = w.offset(r), best = 0;
      scalar_t m = w.n > 0 ? from[at] : scalar_t(0);
      for (std::int64_t i = 0; i < w.n; ++i, at += w.inner) {
        const scalar_t v = from[at];
        if (nan(v) || (!nan(m) && (largest ? v >= m : v <= m))) m = v, best = i;
        y[at] = m;
        where[at] = best;
      }
    }, 4);
  });
  return {values.to(x.scalar_type()), std::move(indices)};
}

Tensor running_extremum_vjp(const Tensor& g, const Saved& s, int) {
  if (s.sizes(0).empty()) return g;
  return scatter_add(zeros(s.sizes(0), g.scalar_type()), s.attrs<DimAttrs>().dim, s.y(1), g);
}

Tensor running_extremum_jvp(const Tensor* t, const Saved& s) { return detail::picked_tangent(t[0], s.y(1), s.attrs<DimAttrs>().dim, true); }

constexpr Op cummax_op{
    .name = "cummax",
    .node = "CummaxBackward0",
    .kind = OpKind::other,
    .formula = "dx_k = sum of g over the places where x_k is the maximum so far",
    .forward_multi = [](const Call& c) { return running_extremum(c, true); },
    .vjp = running_extremum_vjp,
    .jvp = running_extremum_jvp,
    .batch_multi = detail::sort_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = sample_scan,
};
constexpr Op cummin_op{
    .name = "cummin",
    .node = "CumminBackward0",
    .kind = OpKind::other,
    .formula = "dx_k = sum of g over the places where x_k is the minimum so far",
    .forward_multi = [](const Call& c) { return running_extremum(c, false); },
    .vjp = running_extremum_vjp,
    .jvp = running_extremum_jvp,
    .batch_multi = detail::sort_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = sample_scan,
};

// ---- logcumsumexp ------------------------------------------------------------------------------------------------------

// log(exp(a) + exp(b)); infinities and NaN come out as they should.
double log_add(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return a + b;
  const double high = std::max(a, b), low = std::min(a, b);
  return low == high && std::isinf(low) ? low : high + std::log1p(std::exp(low - high));
}

// dx_k = sum over j >= k of g_j exp(x_k - y_j), by P_k = g_k + P_{k+1} exp(y_k - y_{k+1}) and dx_k = P_k exp(x_k - y_k):
// no exponent is positive. Not recorded, like _cumprod_backward.
constexpr Op logcumsumexp_backward_op{
    .name = "_logcumsumexp_backward",
    .kind = OpKind::other,
    .forward = [](const Call& c) {
      const ScalarType dtype = c.x(1).scalar_type();
      const DimWalk w(detail::widened(c.x(1)), c.attrs<DimAttrs>().dim);
      const Tensor g = detail::widened(c.x(0)).contiguous(), y_ = detail::widened(c.x(2)).contiguous();
      Tensor out = detail::empty_like_dtype(w.x.scalar_type(), w.x.sizes());
      CT_DISPATCH_FLOATS(w.x.scalar_type(), [&] {
        const scalar_t *x = detail::data<scalar_t>(w.x), *gy = detail::data<scalar_t>(g), *y = detail::data<scalar_t>(y_);
        scalar_t* dx = detail::data<scalar_t>(out);
        w.each_row([&](std::int64_t r) {
          double p = 0;
          for (std::int64_t i = w.n; i-- > 0;) {
            const std::int64_t at = w.offset(r) + i * w.inner;
            const auto yi = static_cast<double>(y[at]);
            p = static_cast<double>(gy[at]) + (i + 1 < w.n ? p * std::exp(yi - static_cast<double>(y[at + w.inner])) : 0);
            dx[at] = static_cast<scalar_t>(p * std::exp(static_cast<double>(x[at]) - yi));
          }
        }, 32);
      });
      return out.to(dtype);
    },
    .batch = detail::scan_each,
    .untested = "the first derivative of logcumsumexp, whose samples cover it",
};

// exp(x_k - y_j) for j >= k, 0 for others: j along the last dimension but one, k along the last.
Tensor pair_weights(const Tensor& x, const Tensor& y, std::int64_t dim) {
  return tril(exp(tril(x.transpose(dim, -1).unsqueeze(-2) - y.transpose(dim, -1).unsqueeze(-1))));
}
Tensor logcumsumexp_jvp(const Tensor* t, const Saved& s) {
  const std::int64_t dim = s.attrs<DimAttrs>().dim;
  if (t[0].dim() == 0 || t[0].numel() == 0) return t[0];
  return (pair_weights(s.x(0), s.y(), dim) * t[0].transpose(dim, -1).unsqueeze(-2)).sum(-1).transpose(dim, -1);
}

// y_k = log(exp(x_0) + .. + exp(x_k))
constexpr Op logcumsumexp_op{
    .name = "logcumsumexp",
    .node = "LogcumsumexpBackward0",
    .kind = OpKind::other,
    .formula = "dx_k = sum over j >= k of g_j exp(x_k - y_j)",
    .forward = [](const Call& c) {
      const ScalarType dtype = c.x(0).scalar_type();
      CT_CHECK_TYPE(isFloatingType(dtype), "logcumsumexp: \"logcumsumexp_out_cpu_kernel\" not implemented for '", dtype,
                    "'\n  Convert first: x.to(ct::kFloat).");
      const DimWalk w(detail::widened(c.x(0)), c.attrs<DimAttrs>().dim);
      Tensor out = detail::empty_like_dtype(w.x.scalar_type(), w.x.sizes());
      CT_DISPATCH_FLOATS(w.x.scalar_type(), [&] {
        const scalar_t* x = detail::data<scalar_t>(w.x);
        scalar_t* y = detail::data<scalar_t>(out);
        w.each_row([&](std::int64_t r) {
          double total = -std::numeric_limits<double>::infinity();
          std::int64_t at = w.offset(r);
          for (std::int64_t i = 0; i < w.n; ++i, at += w.inner) {
            total = log_add(total, static_cast<double>(x[at]));
            y[at] = static_cast<scalar_t>(total);
          }
        }, 32);
      });
      return out.to(dtype);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const Tensor &x = s.x(0), &y = s.y();
      if (x.dim() == 0 || x.numel() == 0) return g;
      if (detail::is_constant(g) && detail::is_constant(x) && detail::is_constant(y)) return apply_with(logcumsumexp_backward_op, DimAttrs{dim}, g, x, y);
      // For a graph of the gradient: all pairs j >= k at once, k along the last dimension but one, j along the last.
      const Tensor pairs = pair_weights(x, y, dim).transpose(-2, -1) * g.transpose(dim, -1).unsqueeze(-2);
      return pairs.sum(-1).transpose(dim, -1);
    },
    .jvp = logcumsumexp_jvp,
    .batch = detail::scan_each,
    .save = {X(0) | Y()},
    .dtypes = Dtypes::floating,
    .samples = sample_scan,
};

DimAttrs along(const char* op, const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt) {
  CT_CHECK(self.defined(), op, ": the tensor is undefined");
  DimAttrs a{detail::wrap_dim(dim, self.dim())};
  a.dtype = dtype.value_or(ScalarType::Undefined);
  return a;
}

}  // namespace

std::span<const Op* const> scan_ops() {
  static constexpr const Op* ops[] = {&cumsum_op, &cumprod_op, &cumprod_backward_op, &cummax_op, &cummin_op, &logcumsumexp_op, &logcumsumexp_backward_op};
  return ops;
}

Tensor cumsum(const Tensor& self, std::int64_t dim, OptionalDtype dtype) { return apply_with(cumsum_op, along("cumsum", self, dim, dtype), self); }
Tensor cumprod(const Tensor& self, std::int64_t dim, OptionalDtype dtype) { return apply_with(cumprod_op, along("cumprod", self, dim, dtype), self); }
namespace {
// A running sum of flags does not fit into flags.
Tensor& scanned_in_place(const Op& op, const char* name, const Tensor& self, std::int64_t dim) {
  CT_CHECK_TYPE(!self.defined() || self.scalar_type() != kBool, name, ": \"", op.name, "_out_cpu\" not implemented for 'Bool'\n  Use ", op.name,
                ", whose result is of dtype Long.");
  return apply_inplace(op, along(name, self, dim, self.scalar_type()), self);
}
}  // namespace

Tensor& Tensor::cumsum_(std::int64_t dim) const { return scanned_in_place(cumsum_op, "cumsum_", *this, dim); }
Tensor& Tensor::cumprod_(std::int64_t dim) const { return scanned_in_place(cumprod_op, "cumprod_", *this, dim); }
std::tuple<Tensor, Tensor> cummax(const Tensor& self, std::int64_t dim) {
  std::vector<Tensor> out = apply_multi(cummax_op, along("cummax", self, dim), self);
  return {std::move(out[0]), std::move(out[1])};
}
std::tuple<Tensor, Tensor> cummin(const Tensor& self, std::int64_t dim) {
  std::vector<Tensor> out = apply_multi(cummin_op, along("cummin", self, dim), self);
  return {std::move(out[0]), std::move(out[1])};
}
Tensor logcumsumexp(const Tensor& self, std::int64_t dim) { return apply_with(logcumsumexp_op, along("logcumsumexp", self, dim), self); }

}  // namespace ct
