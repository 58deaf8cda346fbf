// ops/softmax.cpp -- softmax, its logarithm, and the logarithm of a sum of exponentials.
#include "kernels/softmax.h"

#include "ops/op_list.h"
#include "ops/past_cache.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::DimAttrs;
using detail::DimWalk;
using detail::ReduceAttrs;

namespace {

// Runs a row kernel on every row of w, or a column kernel on blocks of neighbouring rows when they are interleaved.
// Each gets (first element, and for columns their number).
template <class Row, class Columns>
void along(const DimWalk& w, const Row& row, const Columns& columns) {
  if (w.x.numel() == 0) return;
  constexpr std::int64_t cost = 4;
  if (w.inner == 1) {
    w.each_row([&](std::int64_t r) { row(r * w.n); }, cost);
    return;
  }
  constexpr std::int64_t width = 64;  // as many columns as the kernels take
  const std::int64_t blocks = (w.inner + width - 1) / width;
  const std::int64_t grain = std::max<std::int64_t>(1, detail::elementwise_grain / (cost * w.n * std::min(width, w.inner)));
  detail::parallel_for(w.outer * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t j = k % blocks * width;
      columns(k / blocks * w.n * w.inner + j, std::min(width, w.inner - j));
    }
  });
}

Tensor softmax_forward(const Call& c, bool log) {
  const ScalarType dtype = c.x(0).scalar_type();
  const std::int64_t dim = c.attrs<DimAttrs>().dim;
  CT_CHECK_TYPE(isFloatingType(dtype), c.op.name, ": \"", c.op.name, dim + 1 >= c.x(0).dim() ? "_lastdim" : "", "_kernel_impl\" not implemented for '",
                dtype, "'\n  It takes floating dtypes; give one: ", c.op.name, "(x, dim, ct::kFloat).");
  const DimWalk w(detail::widened(c.x(0)), dim);
  Tensor out = detail::empty_like_dtype(w.x.scalar_type(), w.x.sizes());
  auto run = [&]<class T>(T) {
    const auto& k = kernels::softmax_kernels<T>();
    const T* x = detail::data<T>(w.x);
    T* y = detail::data<T>(out);
    const bool past = detail::past_cache<T>(out.numel());
    along(w, [&](std::int64_t at) { (log ? k.log_softmax : k.softmax)(y + at, x + at, w.n, past); },
          [&](std::int64_t at, std::int64_t m) { (log ? k.log_softmax_columns : k.softmax_columns)(y + at, x + at, w.n, w.inner, m); });
  };
  if (w.x.scalar_type() == kFloat) run(float{});
  else run(double{});
  return out.to(dtype);
}

Tensor softmax_data_forward(const Call& c, bool log) {
  const ScalarType dtype = c.x(1).scalar_type();
  const DimWalk w(detail::widened(c.x(0)), c.attrs<DimAttrs>().dim);
  const Tensor y = detail::widened(c.x(1)).contiguous();
  Tensor out = detail::empty_like_dtype(w.x.scalar_type(), w.x.sizes());
  auto run = [&]<class T>(T) {
    const auto& k = kernels::softmax_kernels<T>();
    const T *g = detail::data<T>(w.x), *p = detail::data<T>(y);
    T* dx = detail::data<T>(out);
    const bool past = detail::past_cache<T>(out.numel());
    along(w, [&](std::int64_t at) { (log ? k.log_softmax_backward : k.softmax_backward)(dx + at, g + at, p + at, w.n, past); },
          [&](std::int64_t at, std::int64_t m) {
            (log ? k.log_softmax_backward_columns : k.softmax_backward_columns)(dx + at, g + at, p + at, w.n, w.inner, m);
          });
  };
  if (w.x.scalar_type() == kFloat) run(float{});
  else run(double{});
  return out.to(dtype);
}

Tensor sum_along(const Tensor& x, std::int64_t dim) { return x.dim() == 0 ? x : x.sum(dim, true); }

void sample_backward(SampleSink& call) {
  const Tensor x = call.uniform({2, 3, 4});
  for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4}), x}, DimAttrs{dim});
}

// dx = y (g - sum(g y)), given g and y: one pass instead of four.
constexpr Op softmax_backward_op{
    .name = "_softmax_backward_data",
    .node = "SoftmaxBackwardDataBackward0",
    .kind = OpKind::other,
    .formula = "dg = y (h - sum(h y)); dy = h (g - sum(g y)) - g sum(h y), with h the cotangent",
    .forward = [](const Call& c) { return softmax_data_forward(c, false); },
    .vjp = [](const Tensor& h, const Saved& s, int arg) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const Tensor& y = s.x(1);
      if (arg == 0) return apply_with(softmax_backward_op, s.attrs<DimAttrs>(), h, y);
      const Tensor& g = s.x(0);
      return h * (g - sum_along(g * y, dim)) - g * sum_along(h * y, dim);
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& a = s.attrs<DimAttrs>();
      const Tensor &g = s.x(0), &y = s.x(1);
      const Tensor by_g = t[0].defined() ? apply_with(softmax_backward_op, a, t[0], y) : Tensor();
      if (!t[1].defined()) return by_g;
      const Tensor by_y = t[1] * (g - sum_along(g * y, a.dim)) - y * sum_along(g * t[1], a.dim);
      return by_g.defined() ? by_g + by_y : by_y;
    },
    .batch = detail::scan_each,
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = sample_backward,
};

// dx = g - exp(y) sum(g)
constexpr Op log_softmax_backward_op{
    .name = "_log_softmax_backward_data",
    .node = "LogSoftmaxBackwardDataBackward0",
    .kind = OpKind::other,
    .formula = "dg = h - sum(h exp(y)); dy = -h exp(y) sum(g), with h the cotangent",
    .forward = [](const Call& c) { return softmax_data_forward(c, true); },
    .vjp = [](const Tensor& h, const Saved& s, int arg) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const Tensor weighted = h * exp(s.x(1));
      return arg == 0 ? h - sum_along(weighted, dim) : -(weighted * sum_along(s.x(0), dim));
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& a = s.attrs<DimAttrs>();
      const Tensor &g = s.x(0), &y = s.x(1);
      const Tensor by_g = t[0].defined() ? apply_with(log_softmax_backward_op, a, t[0], y) : Tensor();
      if (!t[1].defined()) return by_g;
      const Tensor by_y = exp(y) * t[1] * sum_along(g, a.dim);
      return by_g.defined() ? by_g - by_y : -by_y;
    },
    .batch = detail::scan_each,
    .save = {X(1), X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .samples = sample_backward,
};

void sample_softmax(SampleSink& call) {
  for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4})}, DimAttrs{dim});
  call({call.uniform({})}, DimAttrs{});
  call({call.uniform({2, 0})}, DimAttrs{1});
}

// y = exp(x) / sum(exp(x)) along dim
constexpr Op softmax_op{
    .name = "softmax",
    .node = "SoftmaxBackward0",
    .kind = OpKind::other,
    .formula = "dx = y (g - sum(g y))",
    .forward = [](const Call& c) { return softmax_forward(c, false); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return apply_with(softmax_backward_op, s.attrs<DimAttrs>(), g, s.y()); },
    .jvp = [](const Tensor* t, const Saved& s) { return apply_with(softmax_backward_op, s.attrs<DimAttrs>(), t[0], s.y()); },  // symmetric
    .batch = detail::scan_each,
    .save = {Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = sample_softmax,
};

// y = x - log(sum(exp(x))) along dim
constexpr Op log_softmax_op{
    .name = "log_softmax",
    .node = "LogSoftmaxBackward0",
    .kind = OpKind::other,
    .formula = "dx = g - exp(y) sum(g)",
    .forward = [](const Call& c) { return softmax_forward(c, true); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return apply_with(log_softmax_backward_op, s.attrs<DimAttrs>(), g, s.y()); },
    .jvp = [](const Tensor* t, const Saved& s) { return t[0] - sum_along(exp(s.y()) * t[0], s.attrs<DimAttrs>().dim); },
    .batch = detail::scan_each,
    .save = {Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .samples = sample_softmax,
};

// y = log(sum(exp(x))), without overflow
constexpr Op logsumexp_op{
    .name = "logsumexp",
    .node = "LogsumexpBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g exp(x - y)",
    .forward = [](const Call& c) {
      const Tensor& x = c.x(0);
      const ScalarType dtype = x.is_floating_point() ? x.scalar_type() : get_default_dtype();
      const auto& a = c.attrs<ReduceAttrs>();
      const Tensor wide = detail::widened(x.to(dtype));
      Tensor out = detail::empty_like_dtype(wide.scalar_type(), detail::reduced_shape(x, a));
      const detail::ReducePlan p = detail::reduce_plan(wide, a, true);
      auto run = [&]<class T>(T) {
        const auto& k = kernels::softmax_kernels<T>();
        const T* from = detail::data<T>(p.input);
        T* y = detail::data<T>(out);
        detail::reduce_rows<T>(p, [&](std::int64_t at, std::int64_t n) { return k.logsumexp(from + at, n); },
                               [&](std::int64_t i, const T* parts, std::int64_t n) { y[i] = n == 1 ? *parts : k.logsumexp(parts, n); });
      };
      if (wide.scalar_type() == kFloat) run(float{});
      else run(double{});
      return out.to(dtype);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<ReduceAttrs>();
      const IntArrayRef sizes = s.x(0).sizes();
      return detail::unreduce(g, sizes, a) * exp(s.x(0) - detail::unreduce(s.y(), sizes, a));
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& a = s.attrs<ReduceAttrs>();
      return detail::reduced_tangent(exp(s.x(0) - detail::unreduce(s.y(), s.x(0).sizes(), a)), t[0], a);
    },
    .batch = [](const Batch& b) { return detail::reduce_each(b, b.op); },
    .save = {X(0) | Y()},
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (std::uint32_t dims = 1; dims < 8; ++dims) call({call.uniform({2, 3, 4})}, ReduceAttrs{dims, dims % 2 == 0});
      call({call.uniform({})}, ReduceAttrs{});
    },
};

Tensor softmax_along(const Op& op, const Tensor& self, std::int64_t dim, OptionalDtype dtype) {
  CT_CHECK(self.defined(), op.name, ": the tensor is undefined");
  DimAttrs a;
  a.dim = detail::wrap_dim(dim, self.dim());
  return apply_with(op, a, dtype ? self.to(*dtype) : self);
}

}  // namespace

std::span<const Op* const> softmax_ops() {
  static constexpr const Op* ops[] = {&softmax_op, &log_softmax_op, &softmax_backward_op, &log_softmax_backward_op, &logsumexp_op};
  return ops;
}

Tensor softmax(const Tensor& self, std::int64_t dim, OptionalDtype dtype) { return softmax_along(softmax_op, self, dim, dtype); }
Tensor log_softmax(const Tensor& self, std::int64_t dim, OptionalDtype dtype) { return softmax_along(log_softmax_op, self, dim, dtype); }
Tensor logsumexp(const Tensor& self, IntArrayRef dim, bool keepdim) {
  return apply_with(logsumexp_op, detail::reduce_attrs("logsumexp", self, dim, keepdim), self);
}

}  // namespace ct
