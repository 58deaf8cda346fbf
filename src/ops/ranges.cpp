// ops/ranges.cpp -- evenly spaced numbers, and the identity matrix.
#include <cmath>
#include <limits>

#include "core/tensor_impl.h"

namespace ct {

using detail::impl;

namespace {

// Writes f(i) of type A into element i, and only then makes the tensor a leaf.
template <class F>
Tensor made(std::int64_t n, const TensorOptions& o, const F& f) {
  Tensor t = empty({n}, o.requires_grad(false));
  CT_DISPATCH_ALL(t.scalar_type(), [&] {
    auto* p = detail::data<scalar_t>(t);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto v = f(i);
      if constexpr (std::is_arithmetic_v<scalar_t>) p[i] = static_cast<scalar_t>(v);
      else p[i] = scalar_t(static_cast<float>(v));
    }
  });
  if (o.requires_grad()) t.requires_grad_();
  return t;
}

// PyTorch computes float32 and float64 ranges in blocks of one 32-byte vector, each from its own first element rounded to the
// dtype; blocks come in pairs, and the rest is computed singly. The last bit depends on it.
struct Blocks {
  std::int64_t width, end;  // elements in a block; where single elements begin
  Blocks(ScalarType t, std::int64_t n) : width(32 / elementSize(t)), end(n / (2 * width) * (2 * width)) {}
  std::int64_t first(std::int64_t i) const { return i < end ? i / width * width : i; }
};

}  // namespace

Tensor eye(std::int64_t n, const TensorOptions& o) { return eye(n, n, o); }
Tensor eye(std::int64_t n, std::int64_t m, const TensorOptions& o) {
  CT_CHECK_VALUE(n >= 0, "eye: n must be greater or equal to 0, got ", n);
  CT_CHECK_VALUE(m >= 0, "eye: m must be greater or equal to 0, got ", m);
  Tensor t = zeros({n, m}, o.requires_grad(false));
  CT_DISPATCH_ALL(t.scalar_type(), [&] {
    auto* p = detail::data<scalar_t>(t);
    for (std::int64_t i = 0; i < n && i < m; ++i) p[i * (m + 1)] = Scalar(1).to<scalar_t>();
  });
  if (o.requires_grad()) t.requires_grad_();
  return t;
}

Tensor arange(const Scalar& end, const TensorOptions& o) { return arange(0, end, 1, o); }
Tensor arange(const Scalar& start, const Scalar& end, const TensorOptions& o) { return arange(start, end, 1, o); }
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const TensorOptions& options) {
  const bool whole = start.isIntegral(true) && end.isIntegral(true) && step.isIntegral(true);
  const TensorOptions o = options.has_dtype() ? options : whole ? options.dtype(kLong) : options;
  const ScalarType t = o.dtype();
  CT_CHECK_TYPE(t != kBool, "arange: \"arange_cpu\" not implemented for 'Bool'");
  const double a = start.toDouble(), b = end.toDouble(), d = step.toDouble();
  CT_CHECK_VALUE(std::isfinite(a) && std::isfinite(b), "arange: unsupported range: ", a, " -> ", b);
  CT_CHECK_VALUE(isFloatingType(t) ? d > 0 || d < 0 : step.toLong() != 0, "arange: step must be nonzero, got ", d);
  CT_CHECK_VALUE(d > 0 ? b >= a : b <= a, "arange: upper bound and larger bound inconsistent with step sign: from ", a, " to ", b, " by ", d);
  double count;  // in double, as PyTorch does, but for int64, which has more digits
  if (t == kLong) {
    const std::int64_t x = start.toLong(), y = end.toLong(), s = step.toLong();
    // |y - x| / |s|, rounded up, without overflow
    const std::uint64_t gap = s > 0 ? static_cast<std::uint64_t>(y) - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(y);
    const std::uint64_t by = s > 0 ? static_cast<std::uint64_t>(s) : 0 - static_cast<std::uint64_t>(s);
    const bool forward = s > 0 ? y >= x : y <= x;
    count = !forward || gap == 0 ? 0 : static_cast<double>((gap - 1) / by + 1);
  } else {
    count = std::ceil((b - a) / d);
  }
  CT_CHECK_VALUE(count >= 0 && count <= 0x1p62, "arange: invalid size, possible overflow? from ", a, " to ", b, " by ", d);
  const auto n = static_cast<std::int64_t>(count);
  if (!isFloatingType(t)) {
    const auto x = static_cast<std::uint64_t>(start.toLong()), s = static_cast<std::uint64_t>(step.toLong());
    return made(n, o, [=](std::int64_t i) { return static_cast<std::int64_t>(x + s * static_cast<std::uint64_t>(i)); });
  }
  const Blocks blocks(t, n);
  if (t == kFloat)
    return made(n, o, [=](std::int64_t i) {
      const std::int64_t k = blocks.first(i);
      return static_cast<double>(static_cast<float>(std::fma(d, static_cast<double>(k), a))) + static_cast<double>(i - k) * d;
    });
  return made(n, o, [=](std::int64_t i) {
    const std::int64_t k = t == kDouble ? blocks.first(i) : i;
    return std::fma(d, static_cast<double>(i - k), std::fma(d, static_cast<double>(k), a));
  });
}

namespace {

// Counts from the nearer end, so that both ends are exact. Of float or double.
template <class T>
Tensor spaced(T start, T end, std::int64_t n, const TensorOptions& o) {
  const T step = (end - start) / static_cast<T>(n - 1);
  const Blocks blocks(o.dtype(), n);
  return made(n, o, [=](std::int64_t i) {
    const std::int64_t k = o.dtype() == dtype_of<T>() ? blocks.first(i) : i;
    const T base = k < n / 2 ? std::fma(step, static_cast<T>(k), start) : std::fma(-step, static_cast<T>(n - k - 1), end);
    return base + static_cast<T>(i - k) * step;
  });
}

TensorOptions checked(const char* op, std::int64_t steps, const TensorOptions& o) {
  CT_CHECK_VALUE(steps >= 0, op, ": number of steps must be non-negative, got ", steps);
  CT_CHECK_TYPE(o.dtype() != kBool, op, ": not implemented for 'Bool'");
  return o.dtype(o.dtype());
}
double as(ScalarType t, const Scalar& v) {
  return CT_DISPATCH_ALL(t, [&] { return Scalar(v.to<scalar_t>()).toDouble(); });
}

}  // namespace

Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t steps, const TensorOptions& options) {
  const TensorOptions o = checked("linspace", steps, options);
  const ScalarType t = o.dtype();
  if (steps < 2) return made(steps, o, [&](std::int64_t) { return as(t, start); });
  if (t == kFloat) return spaced(start.toFloat(), end.toFloat(), steps, o);
  if (!isFloatingType(t)) {  // blocks begin at a whole number
    const double a = as(t, start), b = as(t, end), step = (b - a) / static_cast<double>(steps - 1);
    const Blocks blocks(t, steps);
    return made(steps, o, [=](std::int64_t i) {
      const std::int64_t k = blocks.first(i);
      const double base = k < steps / 2 ? std::fma(step, static_cast<double>(k), a) : std::fma(-step, static_cast<double>(steps - k - 1), b);
      return (i < blocks.end ? std::trunc(base) : base) + static_cast<double>(i - k) * step;
    });
  }
  return spaced(as(t, start), as(t, end), steps, o);
}

Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t steps, double base, const TensorOptions& options) {
  const TensorOptions o = checked("logspace", steps, options);
  const ScalarType t = o.dtype();
  if (steps < 2) return made(steps, o, [&](std::int64_t) { return std::pow(base, start.toDouble()); });
  if (t == kFloat) {
    const float a = start.toFloat(), b = end.toFloat(), step = (b - a) / static_cast<float>(steps - 1);
    return made(steps, o, [=](std::int64_t i) {
      const float x = i < steps / 2 ? a + step * static_cast<float>(i) : b - step * static_cast<float>(steps - i - 1);
      return std::pow(base, static_cast<double>(x));
    });
  }
  const double a = as(t, start), b = as(t, end), step = (b - a) / static_cast<double>(steps - 1);
  return made(steps, o, [=](std::int64_t i) {
    return std::pow(base, i < steps / 2 ? a + step * static_cast<double>(i) : b - step * static_cast<double>(steps - i - 1));
  });
}

}  // namespace ct
