// ops/random_fill.cpp -- random numbers written in place. The gradient of what was there before is zero.
#include <cmath>
#include <limits>

#include "autograd/elementwise.h"
#include "autograd/layers.h"
#include "kernels/cpu/random.h"
#include "ops/op_list.h"
#include "ops/random.h"

namespace ct {

using detail::GeneratorImpl;
using detail::impl;
using detail::RandomAttrs;
using detail::TensorImpl;

namespace {

constexpr const char* why_untested = "random: tests/ops/random.cpp and tests/oracle/random_oracle.cpp compare whole streams";

kernels::Strided operands(const Tensor& self, const Tensor* other = nullptr) {
  kernels::Strided s;
  const TensorImpl* t = impl(self);
  detail::Dims shape;
  shape.n = t->ndim;
  std::copy(t->sizes(), t->sizes() + t->ndim, shape.v);
  s.nargs = other ? 2 : 1;
  s.ndim = t->ndim;
  std::copy(shape.v, shape.v + shape.n, s.sizes);
  for (int k = 0; k < s.nargs; ++k) {
    const TensorImpl* x = k ? impl(*other) : t;
    s.data[k] = x->data;
    s.dtype[k] = x->dtype;
    detail::operand_strides(x, shape, s.strides[k]);
  }
  return s;
}

void need_floating(const char* op, const char* kernel, ScalarType t) {
  CT_CHECK_TYPE(isFloatingType(t), op, ": \"", kernel, "\" not implemented for '", t, "'\n  Random numbers of this kind need a floating dtype; "
                "convert with x.to(..) first.");
}

Tensor no_gradient(const Tensor& g, const Saved&, int) { return zeros_like(g); }

// Shared by all: a node whose gradient is zero, and no samples.
constexpr Op fill_op(const char* name, const char* node, void (*write)(const Call&, const Tensor&)) {
  return Op{.name = name, .node = node, .kind = OpKind::other, .formula = "dself = 0", .inplace = write, .vjp = no_gradient, .random = true, .untested = why_untested};
}

constexpr Op normal_op = fill_op("normal_", "NormalBackward0", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  CT_CHECK_VALUE(a.b >= 0, "normal_: normal expects std >= 0.0, but found std ", a.b);
  need_floating("normal_", "normal_kernel_cpu", self.scalar_type());
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_normal(operands(self), *a.generator, a.a, a.b, self.is_contiguous(), self.numel());
});

double largest(ScalarType t) {
  return t == kHalf ? 65504.0 : t == kBFloat16 ? 0x1.fep127 : t == kFloat ? static_cast<double>(std::numeric_limits<float>::max())
                                                                         : std::numeric_limits<double>::max();
}

constexpr Op uniform_op = fill_op("uniform_", "UniformBackward0", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  const ScalarType t = self.scalar_type();
  need_floating("uniform_", "check_uniform_bounds", t);
  const double max = largest(t);
  CT_CHECK_VALUE(std::fabs(a.a) <= max, "uniform_: from is out of bounds for ", t, ": ", a.a);
  CT_CHECK_VALUE(std::fabs(a.b) <= max, "uniform_: to is out of bounds for ", t, ": ", a.b);
  CT_CHECK_VALUE(a.a <= a.b, "uniform_: uniform_ expects to return a [from, to) range, but found from=", a.a, " > to=", a.b);
  CT_CHECK_VALUE(a.b - a.a <= max, "uniform_: uniform_ expects to-from <= std::numeric_limits<", t, ">::max(), but found to=", a.b, " and from=",
                 a.a, " which result in to-from to exceed the limit");
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_uniform(operands(self), a.generator->engine, a.a, a.b);
});

constexpr Op bernoulli_op = fill_op("bernoulli_", "BernoulliBackward2", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  CT_CHECK_VALUE(a.a >= 0 && a.a <= 1, "bernoulli_: bernoulli_ expects p to be in [0, 1], but got p=", a.a);
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_bernoulli(operands(self), a.generator->engine, a.a);
});

constexpr Op bernoulli_tensor_op = fill_op("bernoulli_.Tensor", "BernoulliBackward1", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  const Tensor& p = c.x(1);
  need_floating("bernoulli_", "bernoulli_tensor_cpu_p_", p.scalar_type());
  detail::check_range("bernoulli_", "Expected p_in >= 0 && p_in <= 1", p, 0, 1);
  Tensor wide = p.detach().expand(self.sizes());
  if (wide.is_alias_of(self)) wide = wide.clone();
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_bernoulli_each(operands(self, &wide), a.generator->engine);
});

constexpr Op exponential_op = fill_op("exponential_", "ExponentialBackward0", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  CT_CHECK_VALUE(a.a > 0, "exponential_: exponential_ expects lambda > 0.0, but found lambda=", a.a);
  need_floating("exponential_", "exponential_cpu", self.scalar_type());
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_exponential(operands(self), a.generator->engine, a.a);
});

constexpr Op cauchy_op = fill_op("cauchy_", "CauchyBackward0", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  CT_CHECK_VALUE(a.b > 0, "cauchy_: cauchy_ expects sigma > 0.0, but found sigma=", a.b);
  need_floating("cauchy_", "cauchy_cpu", self.scalar_type());
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_cauchy(operands(self), a.generator->engine, a.a, a.b);
});

constexpr Op log_normal_op = fill_op("log_normal_", "LogNormalBackward0", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  CT_CHECK_VALUE(a.b > 0, "log_normal_: log_normal_ expects std > 0.0, but found std=", a.b);
  need_floating("log_normal_", "log_normal_cpu", self.scalar_type());
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_log_normal(operands(self), *a.generator, a.a, a.b);
});

constexpr Op geometric_op = fill_op("geometric_", "GeometricBackward0", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  CT_CHECK_VALUE(a.a > 0 && a.a < 1, "geometric_: geometric_ expects p to be in (0, 1), but got p=", a.a);
  CT_CHECK_TYPE(self.scalar_type() != kBool, "geometric_: \"geometric_cpu\" not implemented for 'Bool'");
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_geometric(operands(self), a.generator->engine, a.a);
});

constexpr Op random_op = fill_op("random_", "RandomBackward2", [](const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_any_integer(operands(self), a.generator->engine);
});

// Whole numbers are not evenly spaced in a floating dtype beyond 2^digits: the bounds move to values it can hold.
int significand(ScalarType t) { return t == kHalf ? 11 : t == kBFloat16 ? 8 : t == kFloat ? 24 : 53; }
std::int64_t rounded(ScalarType t, std::int64_t v) {
  return CT_DISPATCH_ALL(t, [&]() -> std::int64_t {
    const double d = Scalar(Scalar(v).to<scalar_t>()).toDouble();
    return d >= 0x1p63 ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(d);
  });
}
std::int64_t spacing(ScalarType t, std::int64_t v) {
  int n = 0;
  for (std::uint64_t m = v < 0 ? 0 - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v); m >>= 1;) ++n;
  return std::int64_t{1} << (n - significand(t) + 1);
}
std::int64_t upwards(ScalarType t, std::int64_t from) {
  const std::int64_t next = rounded(t, from + 1);
  return next < from ? next + spacing(t, from + 1) : from;
}
std::int64_t downwards(ScalarType t, std::int64_t to) {
  const std::int64_t last = rounded(t, to - 1);
  return last >= to ? last - spacing(t, to - 1) : to;
}

void write_integers(const Call& c, const Tensor& self) {
  const auto& a = c.attrs<RandomAttrs>();
  std::int64_t from = a.from, to = a.to;
  const ScalarType t = self.scalar_type();
  CT_CHECK_VALUE(from < to, "random_: random_ expects 'from' to be less than 'to', but got from=", from, " >= to=", to);
  if (isFloatingType(t)) {
    from = upwards(t, from), to = downwards(t, to);
    CT_CHECK_VALUE(from < to, "random_: random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from=", from, " >= to=", to);
    const double max = largest(t);
    CT_CHECK_VALUE(std::fabs(static_cast<double>(from)) <= max, "random_: from is out of bounds for ", t, ": ", from);
    CT_CHECK_VALUE(std::fabs(static_cast<double>(to - 1)) <= max, "random_: to - 1 is out of bounds for ", t, ": ", to - 1);
  } else {
    const int bits = t == kBool ? 1 : static_cast<int>(8 * elementSize(t)) - (t == kByte ? 0 : 1);
    const std::int64_t max = bits == 63 ? std::numeric_limits<std::int64_t>::max() : (std::int64_t{1} << bits) - 1;
    const std::int64_t min = t == kBool || t == kByte ? 0 : -max - 1;
    CT_CHECK_VALUE(from >= min && from <= max, "random_: from is out of bounds for ", t, ": ", from);
    CT_CHECK_VALUE(to - 1 >= min && to - 1 <= max, "random_: to - 1 is out of bounds for ", t, ": ", to - 1);
  }
  std::lock_guard lock(a.generator->mutex);
  kernels::fill_integers(operands(self), a.generator->engine, from, static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from));
}
constexpr Op random_from_op = fill_op("random_.from", "RandomBackward0", write_integers);
constexpr Op random_to_op = fill_op("random_.to", "RandomBackward1", write_integers);

GeneratorImpl* stream(const std::optional<Generator>& g) { return &(g ? *g : default_generator()).impl(); }

Tensor& write(const Op& op, const Tensor& self, double a, double b, const std::optional<Generator>& g) {
  return apply_inplace(op, RandomAttrs{a, b, 0, 0, stream(g)}, self);
}

}  // namespace

std::span<const Op* const> random_fill_ops() {
  static constexpr const Op* ops[] = {&normal_op, &uniform_op, &bernoulli_op, &bernoulli_tensor_op, &exponential_op, &cauchy_op, &log_normal_op,
                                      &geometric_op, &random_op, &random_from_op, &random_to_op};
  return ops;
}

void detail::check_range(const char* op, const char* phrase, const Tensor& x, double low, double high) {
  double bad = 0;
  bool ok = true;
  const Tensor dense = innermost_value(x).detach().contiguous();
  CT_DISPATCH_ALL(dense.scalar_type(), [&] {
    const auto* p = data<scalar_t>(dense);
    for (std::int64_t i = 0; ok && i < dense.numel(); ++i) {
      const double v = Scalar(p[i]).toDouble();
      if (!(v >= low && v <= high)) ok = false, bad = v;
    }
  });
  CT_CHECK_VALUE(ok, op, ": ", phrase, " to be true, but got false: an element is ", bad);
}

void detail::fill_poisson(const Tensor& out, const Tensor& rates, const std::optional<Generator>& g) {
  GeneratorImpl* s = stream(g);
  std::lock_guard lock(s->mutex);
  kernels::fill_poisson(operands(out, &rates), s->engine);
}

Tensor& Tensor::normal_(double mean, double std, std::optional<Generator> g) const { return write(normal_op, *this, mean, std, g); }
Tensor& Tensor::uniform_(double from, double to, std::optional<Generator> g) const { return write(uniform_op, *this, from, to, g); }
Tensor& Tensor::bernoulli_(double p, std::optional<Generator> g) const { return write(bernoulli_op, *this, p, 0, g); }
Tensor& Tensor::bernoulli_(const Tensor& p, std::optional<Generator> g) const {
  CT_CHECK(p.defined(), "bernoulli_: the tensor of probabilities is undefined");
  return apply_inplace(bernoulli_tensor_op, RandomAttrs{0, 0, 0, 0, stream(g)}, *this, p);
}
Tensor& Tensor::exponential_(double lambd, std::optional<Generator> g) const { return write(exponential_op, *this, lambd, 0, g); }
Tensor& Tensor::cauchy_(double median, double sigma, std::optional<Generator> g) const { return write(cauchy_op, *this, median, sigma, g); }
Tensor& Tensor::log_normal_(double mean, double std, std::optional<Generator> g) const { return write(log_normal_op, *this, mean, std, g); }
Tensor& Tensor::geometric_(double p, std::optional<Generator> g) const { return write(geometric_op, *this, p, 0, g); }
Tensor& Tensor::random_(std::optional<Generator> g) const { return write(random_op, *this, 0, 0, g); }
Tensor& Tensor::random_(std::int64_t to, std::optional<Generator> g) const {
  return apply_inplace(random_to_op, RandomAttrs{0, 0, 0, to, stream(g)}, *this);
}
Tensor& Tensor::random_(std::int64_t from, std::int64_t to, std::optional<Generator> g) const {
  return apply_inplace(random_from_op, RandomAttrs{0, 0, from, to, stream(g)}, *this);
}

}  // namespace ct
