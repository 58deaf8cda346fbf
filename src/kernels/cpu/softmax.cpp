// kernels/cpu/softmax.cpp -- softmax and its relatives: a maximum, a sum of exponentials, and one more pass.
#include "kernels/softmax.h"

#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/rows-inl.h"
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// exp(v) for v <= 0; Highway's own turns NaN into 0.
template <class D, class V, hwy::EnableIf<sizeof(hn::TFromD<D>) == 8>* = nullptr>
HWY_INLINE V exp_of(D d, V v) { return hn::IfThenElse(hn::IsNaN(v), v, hn::Exp(d, v)); }

// In float32 by the polynomial of Cephes' expf: v = k ln 2 + r, exp(v) = 2^k exp(r). Adding a number whose last bit is 1 rounds
// v / ln 2 to k and leaves it in the low bits, from where it goes to the exponent. What would be subnormal becomes 0, against a
// sum that is at least 1.
template <class D, class V, hwy::EnableIf<sizeof(hn::TFromD<D>) == 4>* = nullptr>
HWY_INLINE V exp_of(D d, V v) {
  const hn::RebindToSigned<D> di;
  const V ones = hn::Set(d, 12582912.0f), t = hn::MulAdd(v, hn::Set(d, 1.44269504f), ones);  // 1.5 * 2^23
  const V r = hn::NegMulAdd(hn::Sub(t, ones), hn::Set(d, 0.693147181f), v);
  V p = hn::MulAdd(hn::Set(d, 1.9875691500e-4f), r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  const V scaled = hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, t))));
  return hn::IfThenZeroElse(hn::Lt(v, hn::Set(d, -87.0f)), hn::IfThenElse(hn::IsNaN(v), v, scaled));
}

template <class D, class V>
HWY_INLINE V larger(D, V a, V b) { return hn::IfThenElse(hn::Gt(b, a), b, a); }

// Of rows with a NaN, any number or NaN: their exponentials are NaN in either case.
template <class T>
HWY_INLINE T row_max(const T* x, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  T m = -std::numeric_limits<T>::infinity();
  auto a = hn::Set(d, m), b = a;
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = hn::Max(hn::LoadU(d, x + i), a);
    b = hn::Max(hn::LoadU(d, x + i + lanes), b);
  }
  if (i > 0) m = hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b)));
  for (; i < n; ++i) m = x[i] > m ? x[i] : m;
  return m;
}

constexpr std::int64_t row_buffer = 4096;  // a row that is written past the caches is made in the first one

template <class T>
void softmax(T* y, const T* x, std::int64_t n, bool past_cache) {
  HWY_ALIGN T buffer[row_buffer];
  past_cache = past_cache && n <= row_buffer;
  T* e = past_cache ? buffer : y;
  const T m = row_max(x, n);
  const T total = sum_vectors<T>(n, [&](auto d, std::int64_t i) HWY_ATTR {
    fetch_soon(x, i + n);
    const auto v = exp_of(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)));
    hn::StoreU(v, d, e + i);
    return v;
  });
  const T factor = T(1) / total;
  fill_row(y, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR { return hn::Mul(hn::LoadU(d, e + i), hn::Set(d, factor)); });
}

template <class T>
HWY_INLINE T exp_sum(const T* x, std::int64_t n, T m) {
  return sum_vectors<T>(n, [&](auto d, std::int64_t i) HWY_ATTR {
    fetch_soon(x, i + n);
    return exp_of(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)));
  });
}

template <class T>
void log_softmax(T* y, const T* x, std::int64_t n, bool past_cache) {
  const T m = row_max(x, n), log_total = std::log(exp_sum(x, n, m));
  fill_row(y, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR {
    return hn::Sub(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, log_total));
  });
}

template <class T>
T logsumexp(const T* x, std::int64_t n) {
  const T m = row_max(x, n);
  if (std::isinf(m)) {  // only -inf, or inf among the numbers; a NaN wins over both
    for (std::int64_t i = 0; i < n; ++i)
      if (x[i] != x[i]) return x[i];
    return m;
  }
  return m + std::log(exp_sum(x, n, m));
}

template <class T>
void softmax_backward(T* dx, const T* g, const T* y, std::int64_t n, bool past_cache) {
  const T total = sum_vectors<T>(n, [&](auto d, std::int64_t i) HWY_ATTR { return hn::Mul(hn::LoadU(d, g + i), hn::LoadU(d, y + i)); });
  fill_row(dx, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR {
    fetch_soon(y, i + n), fetch_soon(g, i + n);
    return hn::Mul(hn::LoadU(d, y + i), hn::Sub(hn::LoadU(d, g + i), hn::Set(d, total)));
  });
}

template <class T>
void log_softmax_backward(T* dx, const T* g, const T* y, std::int64_t n, bool past_cache) {
  const T total = sum_vectors<T>(n, [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, g + i); });
  fill_row(dx, n, past_cache, [&](auto d, std::int64_t i) HWY_ATTR {
    fetch_soon(g, i + n), fetch_soon(y, i + n);
    return hn::NegMulAdd(exp_of(d, hn::LoadU(d, y + i)), hn::Set(d, total), hn::LoadU(d, g + i));
  });
}

// The same down columns, a block of them at a time, row by row: `column_block` running values stay in the first cache.
constexpr std::int64_t column_block = 64;

template <bool log, class T>
void softmax_columns(T* y, const T* x, std::int64_t n, std::int64_t stride, std::int64_t columns) {
  HWY_ALIGN T m[column_block], total[column_block];
  for (std::int64_t j = 0; j < columns; ++j) m[j] = -std::numeric_limits<T>::infinity(), total[j] = 0;
  for (std::int64_t i = 0; i < n; ++i)
    each_vector<T>(columns, [&](auto d, std::int64_t j) HWY_ATTR {
      hn::StoreU(larger(d, hn::LoadU(d, m + j), hn::LoadU(d, x + i * stride + j)), d, m + j);
    });
  for (std::int64_t i = 0; i < n; ++i)
    each_vector<T>(columns, [&](auto d, std::int64_t j) HWY_ATTR {
      const auto e = exp_of(d, hn::Sub(hn::LoadU(d, x + i * stride + j), hn::LoadU(d, m + j)));
      hn::StoreU(hn::Add(hn::LoadU(d, total + j), e), d, total + j);
      if (!log) hn::StoreU(e, d, y + i * stride + j);
    });
  if (log)
    for (std::int64_t j = 0; j < columns; ++j) total[j] = std::log(total[j]);
  for (std::int64_t i = 0; i < n; ++i)
    each_vector<T>(columns, [&](auto d, std::int64_t j) HWY_ATTR {
      T* at = y + i * stride + j;
      const auto t = hn::LoadU(d, total + j);
      hn::StoreU(log ? hn::Sub(hn::Sub(hn::LoadU(d, x + i * stride + j), hn::LoadU(d, m + j)), t) : hn::Div(hn::LoadU(d, at), t), d, at);
    });
}

template <bool log, class T>
void softmax_backward_columns(T* dx, const T* g, const T* y, std::int64_t n, std::int64_t stride, std::int64_t columns) {
  HWY_ALIGN T total[column_block] = {};
  for (std::int64_t i = 0; i < n; ++i)
    each_vector<T>(columns, [&](auto d, std::int64_t j) HWY_ATTR {
      const auto gi = hn::LoadU(d, g + i * stride + j);
      const auto term = log ? gi : hn::Mul(gi, hn::LoadU(d, y + i * stride + j));
      hn::StoreU(hn::Add(hn::LoadU(d, total + j), term), d, total + j);
    });
  for (std::int64_t i = 0; i < n; ++i)
    each_vector<T>(columns, [&](auto d, std::int64_t j) HWY_ATTR {
      const std::int64_t at = i * stride + j;
      const auto gi = hn::LoadU(d, g + at), yi = hn::LoadU(d, y + at), t = hn::LoadU(d, total + j);
      hn::StoreU(log ? hn::NegMulAdd(exp_of(d, yi), t, gi) : hn::Mul(yi, hn::Sub(gi, t)), d, dx + at);
    });
}

template <class T>
SoftmaxKernels<T> table() {
  return {.softmax = softmax<T>,
          .log_softmax = log_softmax<T>,
          .softmax_columns = softmax_columns<false, T>,
          .log_softmax_columns = softmax_columns<true, T>,
          .softmax_backward = softmax_backward<T>,
          .log_softmax_backward = log_softmax_backward<T>,
          .softmax_backward_columns = softmax_backward_columns<false, T>,
          .log_softmax_backward_columns = softmax_backward_columns<true, T>,
          .logsumexp = logsumexp<T>};
}
SoftmaxKernels<float> softmax_f32() { return table<float>(); }
SoftmaxKernels<double> softmax_f64() { return table<double>(); }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
template <>
const SoftmaxKernels<float>& softmax_kernels<float>() {
  static const SoftmaxKernels<float> table = CT_BEST_TARGET(softmax_f32);
  return table;
}
template <>
const SoftmaxKernels<double>& softmax_kernels<double>() {
  static const SoftmaxKernels<double> table = CT_BEST_TARGET(softmax_f64);
  return table;
}
}  // namespace ct::kernels
#endif
