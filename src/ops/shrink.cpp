// ops/shrink.cpp -- hardshrink, softshrink, prelu, glu, rrelu: each with a derivative of its own.
#include <cmath>

#include "cotangent/ops/activation.h"
#include "kernels/cpu/arithmetic.h"
#include "kernels/cpu/elementwise.h"
#include "ops/dim_attrs.h"
#include "ops/elementwise.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using detail::DimAttrs;
using detail::ScalarAttrs;

namespace {

// ---- hardshrink, softshrink --------------------------------------------------------------------------

constexpr Op shrink_backward(const char* name, const char* node, Tensor (*vjp)(const Tensor&, const Saved&, int)) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx0 = g where |x1| > lambda, else 0; dx1 = 0";
  op.kernel = []() -> const kernels::Kernel& { return kernels::activation().shrink_backward; };
  op.vjp = vjp;
  op.save[0] = X(1);
  op.dtypes = Dtypes::floating;
  op.samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4})}, ScalarAttrs{{0.7}}); };
  return op;
}
constexpr Op shrink(const char* name, const char* node, const kernels::Kernel& (*kernel)(), Tensor (*vjp)(const Tensor&, const Saved&, int)) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx = g where |x| > lambda, else 0";
  op.kernel = kernel;
  op.vjp = vjp;
  op.save[0] = X(0);
  op.dtypes = Dtypes::floating;
  op.samples = [](SampleSink& call) {
    call({call.uniform({3, 4})}, ScalarAttrs{{0.7}});
    call({call.uniform({})}, ScalarAttrs{{0.0}});
  };
  return op;
}
#define CT_SHRINK_VJP2(op) [](const Tensor& g, const Saved& s, int arg) { \
    return arg == 0 ? apply_with(op, s.attrs<ScalarAttrs>(), g, s.x(1)) : zeros_like(g); }
#define CT_SHRINK_VJP(op) [](const Tensor& g, const Saved& s, int) { return apply_with(op, s.attrs<ScalarAttrs>(), g, s.x(0)); }
constexpr Op hardshrink_backward_op = shrink_backward("hardshrink_backward", "HardshrinkBackwardBackward0", CT_SHRINK_VJP2(hardshrink_backward_op));
constexpr Op softshrink_backward_op = shrink_backward("softshrink_backward", "SoftshrinkBackwardBackward0", CT_SHRINK_VJP2(softshrink_backward_op));
constexpr Op hardshrink_op = shrink("hardshrink", "HardshrinkBackward0", []() -> const kernels::Kernel& { return kernels::activation().hardshrink; },
                                    CT_SHRINK_VJP(hardshrink_backward_op));
constexpr Op softshrink_op = shrink("softshrink", "SoftshrinkBackward0", []() -> const kernels::Kernel& { return kernels::activation().softshrink; },
                                    CT_SHRINK_VJP(softshrink_backward_op));

// ---- prelu --------------------------------------------------------------------------------------------------

constexpr Op prelu_values_op{
    .name = "prelu",
    .kind = OpKind::elementwise,
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().prelu; },
    .dtypes = Dtypes::floating,
};
constexpr Op prelu_backward_op{
    .name = "prelu_backward",
    .node = "PreluBackwardBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g where x1 > 0, else x2 g; dx1 = 0; dx2 = g x0 where x1 <= 0, else 0",
    .kernel = []() -> const kernels::Kernel& { return kernels::activation().prelu_backward; },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return apply(prelu_backward_op, g, s.x(1), s.x(2));
      return arg == 1 ? zeros_like(g) : where(s.x(1) > 0, 0, g * s.x(0));
    },
    .save = {X(1) | X(2), 0, X(0) | X(1)},
    .dtypes = Dtypes::floating,
    .arity = 3,
};

// A weight for each of dimension 1 of x, as it broadcasts with x; `batch`: with this many entries in front.
Tensor along_channels(const Tensor& weight, std::int64_t dims, std::int64_t batch = 0) {
  const std::int64_t n = batch ? weight.numel() / batch : weight.numel();
  std::vector<std::int64_t> shape(static_cast<std::size_t>(batch ? dims + 1 : n == 1 ? 0 : dims), 1);
  if (batch) shape[0] = batch;
  if (n != 1) shape[batch ? 2 : 1] = n;
  return weight.reshape(shape);
}

constexpr Op prelu_op{
    .name = "prelu",
    .node = "PreluBackward0",
    .kind = OpKind::other,
    .formula = "dx = g where x > 0, else weight g; dweight = sum over all but the channels of g x where x <= 0",
    .forward = [](const Call& c) { return apply(prelu_values_op, c.x(0), along_channels(c.x(1), c.x(0).dim())); },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const Tensor& x = s.x(0);
      if (arg == 0) return apply(prelu_backward_op, g, x, along_channels(s.x(1), x.dim()));
      const Tensor below = g * clamp_max(x, 0);
      const IntArrayRef sizes = s.sizes(1);
      if (sizes.empty() || sizes[0] == 1) return below.sum().reshape(sizes);
      std::vector<std::int64_t> others{0};
      for (std::int64_t d = 2; d < x.dim(); ++d) others.push_back(d);
      return below.sum(others);
    },
    .batch = [](const Batch& b) {
      const std::int64_t dims = b.dim(0);
      const Tensor weight = along_channels(b.value(1), dims, b.batched(1) ? b.size : 0);
      const Tensor x = b.batched(1) ? b.x(0) : b.value(0);
      return where(x > 0, x, weight * x);
    },
    .save = {X(0) | X(1), X(0)},
    .save_shapes = true,
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4, 2}), call.uniform({4})});
      call({call.uniform({3, 4}), call.uniform({4})});
      call({call.uniform({3, 4}), call.uniform({1})});
      call({call.uniform({5}), call.uniform({1})});
      call({call.uniform({}), call.uniform({})});
      call({call.uniform({0, 2, 3}), call.uniform({2})});
    },
};

// ---- glu -----------------------------------------------------------------------------------------------------

struct Halves {
  Tensor a, b;
};
Halves halves(const Tensor& x, std::int64_t dim) {
  const std::int64_t n = x.size(dim) / 2;
  return {x.narrow(dim, 0, n), x.narrow(dim, n, n)};
}

constexpr Op glu_op{
    .name = "glu",
    .node = "GluBackward0",
    .kind = OpKind::other,
    .formula = "x = [a, b], s = sigmoid(b): da = g s, db = g a s (1 - s)",
    .forward = [](const Call& c) {
      const Halves x = halves(c.x(0), c.attrs<DimAttrs>().dim);
      return x.b.sigmoid().mul_(x.a);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const Halves x = halves(s.x(0), dim);
      const Tensor z = x.b.sigmoid(), da = g * z;
      return cat({da, da * x.a * (1 - z)}, dim);
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const Halves x = halves(s.x(0), dim), dx = halves(t[0], dim);
      const Tensor z = x.b.sigmoid();
      return z * (dx.a + x.a * (1 - z) * dx.b);
    },
    .batch = detail::batch_behind<DimAttrs>,
    .save = {X(0)},
    .dtypes = Dtypes::floating,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, DimAttrs{1});
      call({call.uniform({4, 3})}, DimAttrs{0});
      call({call.uniform({2, 6, 2})}, DimAttrs{1});
      call({call.uniform({6})}, DimAttrs{0});
      call({call.uniform({0, 2})}, DimAttrs{1});
    },
};

// ---- rrelu: x times a noise that is 1 where x > 0 ---------------------------------------------------------------

struct NoiseAttrs {
  double lower, upper;
  const std::optional<Generator>* generator;  // looked at during the call only
};
// One draw for each element that is not positive, in their order, as in PyTorch.
constexpr Op rrelu_noise_op{
    .name = "rrelu_noise",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<NoiseAttrs>();
      const Tensor x = c.x(0).detach(), low = x <= 0;
      const Tensor drawn = empty({low.sum().item<std::int64_t>()}, kDouble).uniform_(a.lower, a.upper, *a.generator);
      return ones_like(x).masked_scatter(low, drawn.to(x.scalar_type()));
    },
    .random = true,
    .untested = "random: tests/oracle/nn_table_oracle.cpp compares the numbers",
};
constexpr Op noisy(const char* name, const char* node) {
  Op op{.name = name};
  op.node = node;
  op.kind = OpKind::elementwise;
  op.formula = "dx = g noise";
  op.kernel = []() -> const kernels::Kernel& { return kernels::arithmetic().mul; };
  op.vjp = [](const Tensor& g, const Saved& s, int) { return g * s.x(1); };
  op.save[0] = X(1);
  op.dtypes = Dtypes::floating;
  op.nondiff = 2;
  op.samples = [](SampleSink& call) { call({call.uniform({3, 4}), call.uniform({3, 4}, 0.1, 1)}); };
  return op;
}
constexpr Op rrelu_op = noisy("rrelu_with_noise", "RreluWithNoiseBackward0");
constexpr Op rrelu_result_op = noisy("rrelu_with_noise_", "RreluWithNoiseBackward1");

Tensor noise_for(const Tensor& x, const Scalar& lower, const Scalar& upper, bool training, const std::optional<Generator>& generator) {
  CT_CHECK(x.defined(), "rrelu: expected a tensor, but the input is undefined");
  const double low = lower.toDouble(), high = upper.toDouble();
  CT_CHECK(low <= high, "rrelu: Lower bound should be less than or equal to the upper bound (got ", low, " and ", high, ")");
  CT_CHECK(std::isfinite(low) && std::isfinite(high), "rrelu: the bounds must be finite (got ", low, " and ", high, ")");
  if (training) return apply_with(rrelu_noise_op, NoiseAttrs{low, high, &generator}, x);
  return where(x.detach() > 0, 1, full({}, (low + high) / 2, x.scalar_type()));
}

}  // namespace

std::span<const Op* const> shrink_ops() {
  static constexpr const Op* ops[] = {&hardshrink_op, &hardshrink_backward_op, &softshrink_op,  &softshrink_backward_op, &prelu_op,
                                      &prelu_backward_op, &glu_op,             &rrelu_noise_op, &rrelu_op,               &rrelu_result_op};
  return ops;
}

Tensor hardshrink(const Tensor& self, const Scalar& lambd) { return apply_with(hardshrink_op, ScalarAttrs{{lambd}}, self); }
Tensor softshrink(const Tensor& self, const Scalar& lambd) {
  CT_CHECK(lambd.toDouble() >= 0, "softshrink: lambda must be greater or equal to 0, but found to be ", lambd, ".");
  return apply_with(softshrink_op, ScalarAttrs{{lambd}}, self);
}
Tensor prelu(const Tensor& self, const Tensor& weight) {
  CT_CHECK(self.defined() && weight.defined(), "prelu: expected a tensor, but input or weight is undefined");
  CT_CHECK(weight.dim() <= 1, "prelu: Expected `weight` to be a scalar or 1D tensor, but got ndim = ", weight.dim());
  const std::int64_t n = weight.numel(), channels = self.dim() > 1 ? self.size(1) : 1;
  CT_CHECK(n == 1 || n == channels, "prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = ", n,
           " and channel size = ", channels, ".");
  return apply(prelu_op, self, weight);
}
Tensor glu(const Tensor& self, std::int64_t dim) {
  CT_CHECK(self.defined(), "glu: expected a tensor, but the input is undefined");
  CT_CHECK(self.dim() > 0, "glu does not support scalars because halving size must be even");
  const std::int64_t n = self.size(dim);
  CT_CHECK(n % 2 == 0, "glu: Halving dimension must be even, but dimension ", dim, " is size ", n);
  return apply_with(glu_op, DimAttrs{dim < 0 ? dim + self.dim() : dim}, self);
}
Tensor rrelu(const Tensor& self, const Scalar& lower, const Scalar& upper, bool training, const std::optional<Generator>& generator) {
  return apply(rrelu_op, self, noise_for(self, lower, upper, training, generator));
}
Tensor& rrelu_(const Tensor& self, const Scalar& lower, const Scalar& upper, bool training, const std::optional<Generator>& generator) {
  return apply_inplace(rrelu_result_op, NoAttrs{}, self, noise_for(self, lower, upper, training, generator));
}

}  // namespace ct
