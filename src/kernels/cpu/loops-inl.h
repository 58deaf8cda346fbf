// kernels/cpu/loops-inl.h -- elementwise loops written once over Highway's vectors; compiled for each target.
//
// A functor describes one element: `template <class D, class V> V operator()(D d, V x, ..) const`. It is called on
// full vectors, and on one-lane vectors for single elements. Functors for integers are plain: `T operator()(T x, ..)`.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/kernel.h"

#if defined(CT_KERNELS_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CT_KERNELS_LOOPS_INL_H_
#undef CT_KERNELS_LOOPS_INL_H_
#else
#define CT_KERNELS_LOOPS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A functor without parameters is default-constructed; others are built from the call's Scalars.
template <class F>
HWY_INLINE F make(const Scalar* params) {
  if constexpr (std::is_constructible_v<F, const Scalar*>) return F(params);
  else return F{};
}

template <class F, class D, class T, std::size_t... K>
HWY_INLINE auto call_on(const F& f, D d, const T* const* in, const bool* repeated, std::int64_t i, std::index_sequence<K...>) {
  return f(d, (repeated[K] ? hn::Set(d, in[K][0]) : hn::LoadU(d, in[K] + i))...);
}

// Dense operands (or repeated single elements).
template <class T, int N, class F>
HWY_INLINE void dense(const F& f, T* out, const T* const* in, const bool* repeated, std::int64_t n) {
  constexpr auto seq = std::make_index_sequence<N>();
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  // Results much larger than the caches bypass them: the processor need not read what will be overwritten.
  constexpr std::int64_t streaming = std::int64_t{8} << 20;
  if (n * static_cast<std::int64_t>(sizeof(T)) >= streaming) {
    for (; reinterpret_cast<std::uintptr_t>(out + i) % (static_cast<std::size_t>(lanes) * sizeof(T)) != 0; ++i) {
      const hn::CappedTag<T, 1> d1;
      hn::StoreU(call_on(f, d1, in, repeated, i, seq), d1, out + i);
    }
    for (; i + lanes <= n; i += lanes) hn::Stream(call_on(f, d, in, repeated, i, seq), d, out + i);
    hwy::FlushStream();
  }
  for (; i + lanes <= n; i += lanes) hn::StoreU(call_on(f, d, in, repeated, i, seq), d, out + i);
  if (i == n) return;
  // The rest goes through a padded vector.
  HWY_ALIGN T pad[N + 1][HWY_MAX_BYTES / sizeof(T)];
  const T* from[N];
  for (int k = 0; k < N; ++k) {
    for (std::int64_t j = 0; j < lanes; ++j) pad[k][j] = in[k][repeated[k] ? 0 : i + j < n ? i + j : n - 1];
    from[k] = pad[k];
  }
  constexpr bool once[N > 0 ? N : 1] = {};
  hn::StoreU(call_on(f, d, from, once, 0, seq), d, pad[N]);
  for (std::int64_t j = 0; i + j < n; ++j) out[i + j] = pad[N][j];
}

// The Loop of a functor on N inputs of type T.
template <class T, int N, class F>
void vector_loop(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const F f = make<F>(params);
  auto* out = reinterpret_cast<T*>(args[0]);
  const T* in[N];
  for (int k = 0; k < N; ++k) in[k] = reinterpret_cast<const T*>(args[k + 1]);
  if (n == 1) {
    const hn::CappedTag<T, 1> d1;
    constexpr bool once[N] = {};
    hn::StoreU(call_on(f, d1, in, once, 0, std::make_index_sequence<N>()), d1, out);
    return;
  }
  bool repeated[N], simple = strides[0] == sizeof(T);
  for (int k = 0; k < N; ++k) {
    repeated[k] = strides[k + 1] == 0;
    simple &= repeated[k] || strides[k + 1] == sizeof(T);
  }
  if (simple) return dense<T, N>(f, out, in, repeated, n);
  // Strided operands are gathered block by block.
  constexpr std::int64_t block = 256;
  T buffer[N + 1][block];
  for (std::int64_t i = 0; i < n; i += block) {
    const std::int64_t len = n - i < block ? n - i : block;
    const T* from[N];
    for (int k = 0; k < N; ++k) {
      if (repeated[k] || strides[k + 1] == sizeof(T)) {
        from[k] = repeated[k] ? in[k] : in[k] + i;
        continue;
      }
      const char* p = args[k + 1] + i * strides[k + 1];
      for (std::int64_t j = 0; j < len; ++j, p += strides[k + 1]) buffer[k][j] = *reinterpret_cast<const T*>(p);
      from[k] = buffer[k];
    }
    const bool to_buffer = strides[0] != sizeof(T);
    dense<T, N>(f, to_buffer ? buffer[N] : out + i, from, repeated, len);
    if (!to_buffer) continue;
    char* p = args[0] + i * strides[0];
    for (std::int64_t j = 0; j < len; ++j, p += strides[0]) *reinterpret_cast<T*>(p) = buffer[N][j];
  }
}

// The Loop of a plain functor Out f(In, ..): integers, comparisons, and functions without a vector form.
template <class Out, class In, class F>
void plain_loop1(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const F f = make<F>(params);
  if (strides[0] == sizeof(Out) && strides[1] == sizeof(In)) {
    auto* HWY_RESTRICT out = reinterpret_cast<Out*>(args[0]);
    auto* x = reinterpret_cast<const In*>(args[1]);
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<Out>(f(x[i]));
    return;
  }
  char *out = args[0], *x = args[1];
  for (std::int64_t i = 0; i < n; ++i, out += strides[0], x += strides[1])
    *reinterpret_cast<Out*>(out) = static_cast<Out>(f(*reinterpret_cast<const In*>(x)));
}

template <class Out, class In, class F>
void plain_loop2(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const F f = make<F>(params);
  auto run = [&](auto out, auto x, auto y) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<Out>(f(x[i], y[i]));
  };
  struct Repeat {
    In v;
    In operator[](std::int64_t) const { return v; }
  };
  auto* out = reinterpret_cast<Out*>(args[0]);
  auto* x = reinterpret_cast<const In*>(args[1]);
  auto* y = reinterpret_cast<const In*>(args[2]);
  if (strides[0] == sizeof(Out)) {
    if (strides[1] == sizeof(In) && strides[2] == sizeof(In)) return run(out, x, y);
    if (strides[1] == sizeof(In) && strides[2] == 0) return run(out, x, Repeat{*y});
    if (strides[1] == 0 && strides[2] == sizeof(In)) return run(out, Repeat{*x}, y);
  }
  char *o = args[0], *a = args[1], *b = args[2];
  for (std::int64_t i = 0; i < n; ++i, o += strides[0], a += strides[1], b += strides[2])
    *reinterpret_cast<Out*>(o) = static_cast<Out>(f(*reinterpret_cast<const In*>(a), *reinterpret_cast<const In*>(b)));
}

template <class Out, class In, class F>
void plain_loop3(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const F f = make<F>(params);
  char *o = args[0], *a = args[1], *b = args[2], *c = args[3];
  for (std::int64_t i = 0; i < n; ++i, o += strides[0], a += strides[1], b += strides[2], c += strides[3])
    *reinterpret_cast<Out*>(o) = static_cast<Out>(
        f(*reinterpret_cast<const In*>(a), *reinterpret_cast<const In*>(b), *reinterpret_cast<const In*>(c)));
}

// Fills a Kernel: a vector functor for float and double, a plain one for integers (void: not defined for them).
template <int N, class FloatF, class IntF = void>
Kernel float_int_kernel() {
  Kernel k;
  k.loop[static_cast<int>(kFloat)] = vector_loop<float, N, FloatF>;
  k.loop[static_cast<int>(kDouble)] = vector_loop<double, N, FloatF>;
  if constexpr (!std::is_void_v<IntF>) {
    auto set = [&k]<class T>(T) {
      if constexpr (N == 1) k.loop[static_cast<int>(dtype_of<T>())] = plain_loop1<T, T, IntF>;
      else if constexpr (N == 2) k.loop[static_cast<int>(dtype_of<T>())] = plain_loop2<T, T, IntF>;
      else k.loop[static_cast<int>(dtype_of<T>())] = plain_loop3<T, T, IntF>;
    };
    set(std::uint8_t{}), set(std::int8_t{}), set(std::int16_t{}), set(std::int32_t{}), set(std::int64_t{}), set(bool{});
  }
  return k;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
