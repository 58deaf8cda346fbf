// kernels/cpu/math-inl.h -- mathematical functions on Highway's vectors, right for every argument; compiled for each target.
//
// Highway's own functions are fast and accurate to a few units in the last place on the arguments that they document.
// The functors here add what lies outside: nan, infinities, signed zeros, overflow, large angles.
#include <cmath>
#include <limits>

#include <hwy/contrib/math/math-inl.h>

#include "kernels/cpu/loops-inl.h"

#if defined(CT_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CT_KERNELS_MATH_INL_H_
#undef CT_KERNELS_MATH_INL_H_
#else
#define CT_KERNELS_MATH_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The Loop of a functor whose code is long: like vector_loop, but with three copies of it instead of nine.
template <class T, int N, class F>
void math_loop(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const F f = make<F>(params);
  constexpr auto seq = std::make_index_sequence<N>();
  auto* out = reinterpret_cast<T*>(args[0]);
  const T* in[N];
  for (int k = 0; k < N; ++k) in[k] = reinterpret_cast<const T*>(args[k + 1]);
  constexpr bool once[N] = {};
  if (n == 1) {
    const hn::CappedTag<T, 1> d1;
    hn::StoreU(call_on(f, d1, in, once, 0, seq), d1, out);
    return;
  }
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  constexpr std::int64_t block = 256;  // a multiple of every number of lanes
  HWY_ALIGN T buffer[N + 1][block];
  bool repeated[N];
  for (int k = 0; k < N; ++k) repeated[k] = strides[k + 1] == 0;
  const bool dense_out = strides[0] == sizeof(T);
  // Results much larger than the caches bypass them, as in `dense`.
  const bool stream = dense_out && n * static_cast<std::int64_t>(sizeof(T)) >= (std::int64_t{8} << 20) &&
                      reinterpret_cast<std::uintptr_t>(out) % sizeof(T) == 0;
  for (std::int64_t i = 0, len = 0; i < n; i += len) {
    len = n - i < block ? n - i : block;
    if (stream) {
      const auto past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(out + i) / sizeof(T)) % lanes;
      if (past != 0 && lanes - past < len) len = lanes - past;
    }
    const T* from[N];
    for (int k = 0; k < N; ++k) {
      from[k] = repeated[k] ? in[k] : in[k] + i;
      if (repeated[k] || strides[k + 1] == sizeof(T)) continue;
      const char* p = args[k + 1] + i * strides[k + 1];
      for (std::int64_t j = 0; j < len; ++j, p += strides[k + 1]) buffer[k][j] = *reinterpret_cast<const T*>(p);
      from[k] = buffer[k];
    }
    T* to = dense_out ? out + i : buffer[N];
    std::int64_t j = 0;
    for (; j + lanes <= len; j += lanes) {
      const auto y = call_on(f, d, from, repeated, j, seq);
      if (stream) hn::Stream(y, d, to + j);
      else hn::StoreU(y, d, to + j);
    }
    if (j < len) {  // the rest goes through a padded vector
      HWY_ALIGN T pad[N + 1][HWY_MAX_BYTES / sizeof(T)];
      const T* padded[N];
      for (int k = 0; k < N; ++k) {
        for (std::int64_t m = 0; m < lanes; ++m) pad[k][m] = from[k][repeated[k] ? 0 : j + m < len ? j + m : len - 1];
        padded[k] = pad[k];
      }
      hn::StoreU(call_on(f, d, padded, once, 0, seq), d, pad[N]);
      for (std::int64_t m = 0; j + m < len; ++m) to[j + m] = pad[N][m];
    }
    if (dense_out) continue;
    char* p = args[0] + i * strides[0];
    for (std::int64_t m = 0; m < len; ++m, p += strides[0]) *reinterpret_cast<T*>(p) = buffer[N][m];
  }
  if (stream) hwy::FlushStream();
}

// A Kernel of a vector functor with long code for float and double.
template <int N, class F>
Kernel math_kernel() {
  Kernel k;
  k.loop[static_cast<int>(kFloat)] = math_loop<float, N, F>;
  k.loop[static_cast<int>(kDouble)] = math_loop<double, N, F>;
  return k;
}
// The same of a functor with short code.
template <int N, class F>
Kernel vector_kernel() {
  Kernel k;
  k.loop[static_cast<int>(kFloat)] = vector_loop<float, N, F>;
  k.loop[static_cast<int>(kDouble)] = vector_loop<double, N, F>;
  return k;
}
// A vector functor for float, a plain one for double.
template <int N, class FloatF, class DoubleF>
Kernel mixed_kernel() {
  Kernel k;
  k.loop[static_cast<int>(kFloat)] = math_loop<float, N, FloatF>;
  if constexpr (N == 1) k.loop[static_cast<int>(kDouble)] = plain_loop1<double, double, DoubleF>;
  else k.loop[static_cast<int>(kDouble)] = plain_loop2<double, double, DoubleF>;
  return k;
}
// The same of a plain functor T f(T, ..).
template <int N, class F>
Kernel plain_kernel() {
  Kernel k;
  if constexpr (N == 1) {
    k.loop[static_cast<int>(kFloat)] = plain_loop1<float, float, F>;
    k.loop[static_cast<int>(kDouble)] = plain_loop1<double, double, F>;
  } else {
    k.loop[static_cast<int>(kFloat)] = plain_loop2<float, float, F>;
    k.loop[static_cast<int>(kDouble)] = plain_loop2<double, double, F>;
  }
  return k;
}

template <class D> HWY_INLINE hn::Vec<D> number(D d, double v) { return hn::Set(d, static_cast<hn::TFromD<D>>(v)); }
template <class D> HWY_INLINE hn::Vec<D> infinity(D d) { return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::infinity()); }
template <class D> HWY_INLINE hn::Vec<D> quiet_nan(D d) { return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN()); }
// true where x is infinite upwards or nan
template <class D, class V> HWY_INLINE auto not_below_infinity(D d, V x) { return hn::Not(hn::Lt(x, infinity(d))); }

// Where `bad`, the scalar function instead of y.
template <class Slow, class D, class V, class M>
HWY_INLINE V mend(D d, V x, V y, M bad) {
  using T = hn::TFromD<D>;
  if (HWY_LIKELY(hn::AllFalse(d, bad))) return y;
  HWY_ALIGN T from[HWY_MAX_BYTES / sizeof(T)], fast[HWY_MAX_BYTES / sizeof(T)], is_bad[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(x, d, from);
  hn::Store(y, d, fast);
  hn::Store(hn::IfThenElseZero(bad, number(d, 1)), d, is_bad);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i)
    if (is_bad[i] != 0) fast[i] = Slow{}(from[i]);
  return hn::Load(d, fast);
}

// f on float lanes computed in double, so that the result is rounded once.
template <class F, class D, class V>
HWY_INLINE V in_double(const F& f, D d, V x) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) > 1) {
    const hn::Half<D> half;
    const hn::Rebind<double, hn::Half<D>> wide;
    const auto low = hn::DemoteTo(half, f(wide, hn::PromoteTo(wide, hn::LowerHalf(half, x))));
    const auto high = hn::DemoteTo(half, f(wide, hn::PromoteTo(wide, hn::UpperHalf(half, x))));
    return hn::Combine(d, high, low);
  }
#endif
  if constexpr (hn::MaxLanes(D()) == 1) {
    const hn::Rebind<double, D> wide;
    return hn::DemoteTo(d, f(wide, hn::PromoteTo(wide, x)));
  }
}

// ---- exponentials and logarithms ---------------------------------------------------------------------

struct Exp {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V high = number(d, sizeof(hn::TFromD<D>) == 4 ? 88.8 : 709.8);  // infinite from here on
    const V y = hn::Exp(d, hn::Min(x, high));
    return hn::IfThenElse(hn::IsNaN(x), x, y);
  }
};
struct Expm1 {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V high = number(d, sizeof(hn::TFromD<D>) == 4 ? 88.8 : 709.8);
    const V y = hn::Expm1(d, hn::Min(x, high));
    // e^x - 1 = x below the precision; also keeps -0, and nan fails the comparison
    return hn::IfThenElse(hn::Gt(hn::Abs(x), number(d, 1e-18)), y, x);
  }
};
// What every logarithm needs around it: `at_low` at the lowest argument, nan below, and x itself where it is inf or nan.
template <class D, class V> HWY_INLINE V log_edges(D d, V x, V y, V low, V at_low) {
  y = hn::IfThenElse(hn::Le(x, low), hn::IfThenElse(hn::Eq(x, low), at_low, quiet_nan(d)), y);
  return hn::IfThenElse(not_below_infinity(d, x), x, y);
}
struct Log {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return log_edges(d, x, hn::Log(d, x), hn::Zero(d), hn::Neg(infinity(d)));
  }
};
struct Log1p {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return log_edges(d, x, hn::Log1p(d, x), number(d, -1), hn::Neg(infinity(d)));
  }
};
struct Sigmoid {  // 1 / (1 + e^-x)
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V one = number(d, 1);
    return hn::Div(one, hn::Add(one, Exp{}(d, hn::Neg(x))));
  }
};
// erf of floats: x P(x^2) below 1, 1 - e^-Q(x) from there to 4, then 1. P and Q are Chebyshev fits, good to 2e-9 and 2e-8.
struct FloatErf {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V one = number(d, 1), size = hn::Min(hn::Abs(x), number(d, 4)), square = hn::Mul(size, size);
    V p = number(d, 7.8758750626854883e-5);
    for (double c : {-0.00080168642871658695, 0.005189087423433974, -0.026854212010626412, 0.11283594715160218, -0.37612626666720331,
                     1.1283791658483509})
      p = hn::MulAdd(p, square, number(d, c));
    V q = number(d, -1.6371514145936436e-6);
    for (double c : {4.6058042689189779e-5, -0.00059680562566077971, 0.0047595962932662646, -0.026421136005663897, 0.11008008294882025,
                     0.63182605155916301, 1.130233434841994, -0.00032013804967769884})
      q = hn::MulAdd(q, size, number(d, c));
    const V y = hn::IfThenElse(hn::Lt(size, one), hn::Mul(size, p), hn::Sub(one, hn::Exp(d, hn::Neg(q))));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::CopySign(y, x));
  }
};
struct Tanh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Tanh(d, x); }
};

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
