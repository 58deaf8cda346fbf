// kernels/cpu/random.cpp -- the serial loops of random fills.
#include "kernels/cpu/random.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ct::kernels {

void normal_blocks_float(float* u, std::int64_t n, float mean, float std);

namespace {

constexpr double pi = 3.14159265358979323846;

// Calls row(p0, step0, p1, step1, n) for stretches of memory, in the order of operand 0's strides.
template <class Row>
void walk(const Strided& s, const Row& row) {
  int order[16], nd = 0;
  for (int d = s.ndim; d-- > 0;) {
    if (s.sizes[d] == 0) return;
    if (s.sizes[d] != 1) order[nd++] = d;
  }
  std::stable_sort(order, order + nd, [&s](int a, int b) { return s.strides[0][a] < s.strides[0][b]; });
  char* p0 = s.data[0];
  const char* p1 = s.nargs > 1 ? s.data[1] : nullptr;
  auto step = [&](int k, int i) { return k < s.nargs ? s.strides[k][order[i]] : 0; };
  if (nd == 0) return row(p0, std::int64_t{0}, p1, std::int64_t{0}, std::int64_t{1});
  std::int64_t counter[16] = {};
  for (;;) {
    row(p0, step(0, 0), p1, step(1, 0), s.sizes[order[0]]);
    int i = 1;
    for (; i < nd; ++i) {
      p0 += step(0, i);
      p1 += step(1, i);
      if (++counter[i] < s.sizes[order[i]]) break;
      p0 -= step(0, i) * counter[i];
      p1 -= step(1, i) * counter[i];
      counter[i] = 0;
    }
    if (i >= nd) return;
  }
}

template <class T, class V>
T store_as(V v) {
  if constexpr (std::is_arithmetic_v<T>) return static_cast<T>(v);
  else return T(static_cast<float>(v));
}

// Runs f with a null pointer of the element type.
template <class F>
void dispatch(ScalarType t, const F& f) {
  switch (t) {
#define CT_X(name, type, py, bytes) case ScalarType::name: return f(static_cast<type*>(nullptr));
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: return;
  }
}

// Writes draw() into every element.
template <class Draw>
void fill(const Strided& s, const Draw& draw) {
  dispatch(s.dtype[0], [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    walk(s, [&](char* p, std::int64_t step, const char*, std::int64_t, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i, p += step) *reinterpret_cast<T*>(p) = store_as<T>(draw());
    });
  });
}

double load(ScalarType t, const char* p) {
  double v = 0;
  dispatch(t, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    if constexpr (std::is_arithmetic_v<T>) v = static_cast<double>(*reinterpret_cast<const T*>(p));
    else v = static_cast<double>(static_cast<float>(*reinterpret_cast<const T*>(p)));
  });
  return v;
}

// Writes draw(x) for the element x of operand 1.
template <class Draw>
void fill_each(const Strided& s, const Draw& draw) {
  dispatch(s.dtype[0], [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    walk(s, [&](char* p, std::int64_t step, const char* q, std::int64_t step1, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i, p += step, q += step1) *reinterpret_cast<T*>(p) = store_as<T>(draw(load(s.dtype[1], q)));
    });
  });
}

template <class T>
constexpr int digits() {  // bits of the significand
  if constexpr (std::is_same_v<T, Half>) return 11;
  else if constexpr (std::is_same_v<T, BFloat16>) return 8;
  else return std::numeric_limits<T>::digits;
}

template <class T>
float uniform_bits(MersenneTwister& g) {
  constexpr std::uint32_t n = std::uint32_t{1} << digits<T>();
  return static_cast<float>(g() & (n - 1)) * (1.0f / static_cast<float>(n));
}

// Half precision rounds after every operation, as PyTorch does.
template <class T>
void normal_block_half(T* u, T mean, T std) {
  auto f = [](T v) { return static_cast<float>(v); };
  for (int j = 0; j < 8; ++j) {
    const T u1 = T(1 - f(u[j])), u2 = u[j + 8];
    const T r = T(std::sqrt(f(T(-2 * f(T(std::log(f(u1))))))));
    const T t = T(static_cast<float>(2.0 * pi * static_cast<double>(f(u2))));
    u[j] = T(f(T(f(T(f(r) * f(T(std::cos(f(t)))))) * f(std))) + f(mean));
    u[j + 8] = T(f(T(f(T(f(r) * f(T(std::sin(f(t)))))) * f(std))) + f(mean));
  }
}
void normal_block_double(double* u, double mean, double std) {
  for (int j = 0; j < 8; ++j) {
    const double r = std::sqrt(-2 * std::log(1 - u[j])), t = 2.0 * pi * u[j + 8];
    u[j] = std::fma(r * std::cos(t), std, mean);
    u[j + 8] = std::fma(r * std::sin(t), std, mean);
  }
}

// Fills with uniform numbers, then turns blocks of 16 into normal ones. What is left over makes the last 16 elements anew.
template <class T, class Uniform, class Blocks>
void normal_dense(T* data, std::int64_t n, const Uniform& uniform, const Blocks& blocks) {
  for (std::int64_t i = 0; i < n; ++i) data[i] = T(uniform());
  blocks(data, n);
  if (n % 16 == 0) return;
  T* tail = data + n - 16;
  for (int i = 0; i < 16; ++i) tail[i] = T(uniform());
  blocks(tail, 16);
}

// Poisson numbers: products of uniform numbers for small rates; for others W. Hoermann's transformed rejection, "The
// transformed rejection method for generating Poisson random variables" (1993), algorithm PTRS.
double poisson(MersenneTwister& g, double rate) {
  if (rate == 0) return 0;
  if (rate < 10) {
    const double limit = std::exp(-rate);
    double product = g.uniform_double(), k = 0;
    for (; product > limit; ++k) product *= g.uniform_double();
    return k;
  }
  const double log_rate = std::log(rate), b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = g.uniform_double() - 0.5, v = g.uniform_double(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <= -rate + k * log_rate - std::lgamma(k + 1)) return k;
  }
}

}  // namespace

void fill_uniform(const Strided& s, MersenneTwister& g, double from, double to) {
  const bool unit = from == 0 && to == 1;
  switch (s.dtype[0]) {
    case kDouble:
      return fill(s, [&] { return unit ? g.uniform_double() : std::fma(g.uniform_double(), to - from, from); });
    case kFloat: {
      const float low = static_cast<float>(from), width = static_cast<float>(to) - low;
      if (unit) return fill(s, [&] { return g.uniform_float(); });
      return fill(s, [&] { return std::fma(g.uniform_float(), width, low); });
    }
    case kHalf: {
      const float low = Half(static_cast<float>(from)), width = Half(static_cast<float>(Half(static_cast<float>(to))) - low);
      return fill(s, [&] { return std::fma(uniform_bits<Half>(g), width, low); });
    }
    case kBFloat16: {
      const float low = BFloat16(static_cast<float>(from)), width = BFloat16(static_cast<float>(BFloat16(static_cast<float>(to))) - low);
      return fill(s, [&] { return std::fma(uniform_bits<BFloat16>(g), width, low); });
    }
    default: return;
  }
}

void fill_normal(const Strided& s, GeneratorImpl& g, double mean, double std, bool dense, std::int64_t n) {
  MersenneTwister& e = g.engine;
  if (!dense || n < 16) return fill(s, [&] { return std::fma(g.normal(), std, mean); });
  switch (s.dtype[0]) {
    case kDouble:
      return normal_dense(reinterpret_cast<double*>(s.data[0]), n, [&] { return e.uniform_double(); }, [&](double* u, std::int64_t count) {
        for (std::int64_t i = 0; i + 16 <= count; i += 16) normal_block_double(u + i, mean, std);
      });
    case kFloat:
      return normal_dense(reinterpret_cast<float*>(s.data[0]), n, [&] { return e.uniform_float(); }, [&](float* u, std::int64_t count) {
        normal_blocks_float(u, count, static_cast<float>(mean), static_cast<float>(std));
      });
    case kHalf:
      return normal_dense(reinterpret_cast<Half*>(s.data[0]), n, [&] { return uniform_bits<Half>(e); }, [&](Half* u, std::int64_t count) {
        for (std::int64_t i = 0; i + 16 <= count; i += 16)
          normal_block_half(u + i, Half(static_cast<float>(mean)), Half(static_cast<float>(std)));
      });
    case kBFloat16:
      return normal_dense(reinterpret_cast<BFloat16*>(s.data[0]), n, [&] { return uniform_bits<BFloat16>(e); }, [&](BFloat16* u, std::int64_t count) {
        for (std::int64_t i = 0; i + 16 <= count; i += 16)
          normal_block_half(u + i, BFloat16(static_cast<float>(mean)), BFloat16(static_cast<float>(std)));
      });
    default: return;
  }
}

void fill_log_normal(const Strided& s, GeneratorImpl& g, double mean, double std) {
  fill(s, [&] { return std::exp(std::fma(g.normal(), std, mean)); });
}
void fill_bernoulli(const Strided& s, MersenneTwister& g, double p) {
  fill(s, [&] { return g.uniform_double() < p; });
}
void fill_bernoulli_each(const Strided& s, MersenneTwister& g) {
  if (s.dtype[1] == kDouble) return fill_each(s, [&](double p) { return g.uniform_double() < p; });
  fill_each(s, [&](double p) { return static_cast<double>(g.uniform_float()) < p; });
}
void fill_exponential(const Strided& s, MersenneTwister& g, double lambda) {
  fill(s, [&] { return -1.0 / lambda * std::log(1.0 - g.uniform_double()); });
}
void fill_cauchy(const Strided& s, MersenneTwister& g, double median, double sigma) {
  fill(s, [&] { return std::fma(sigma, std::tan(pi * (g.uniform_double() - 0.5)), median); });
}
void fill_geometric(const Strided& s, MersenneTwister& g, double p) {
  const double scale = std::log(1.0 - p);
  fill(s, [&] { return std::ceil(std::log(g.uniform_double()) / scale); });
}
void fill_poisson(const Strided& s, MersenneTwister& g) {
  fill_each(s, [&](double rate) { return poisson(g, rate); });
}

void fill_integers(const Strided& s, MersenneTwister& g, std::int64_t from, std::uint64_t range) {
  const auto base = static_cast<std::uint64_t>(from);
  dispatch(s.dtype[0], [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    constexpr bool wide = sizeof(T) >= 4 && !std::is_same_v<T, std::int32_t>;  // these take 64 bits when the range needs them
    const bool two_draws = range == 0 || (range >> 32 && (wide || std::is_same_v<T, BFloat16>));
    walk(s, [&](char* p, std::int64_t step, const char*, std::int64_t, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i, p += step) {
        const std::uint64_t draw = two_draws ? g.draw64() : g();
        const auto v = static_cast<std::int64_t>((range ? draw % range : draw) + base);
        if constexpr (std::is_arithmetic_v<T>) *reinterpret_cast<T*>(p) = static_cast<T>(v);
        else *reinterpret_cast<T*>(p) = T(static_cast<float>(v));
      }
    });
  });
}
void fill_any_integer(const Strided& s, MersenneTwister& g) {
  dispatch(s.dtype[0], [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    // Integers: all that are not negative. Floating numbers: up to where whole numbers have gaps, 2^digits.
    constexpr bool integer = std::is_integral_v<T>;
    constexpr std::uint64_t range = std::is_same_v<T, bool> ? 2 : (std::uint64_t{1} << digits<T>()) + (integer ? 0 : 1);
    constexpr bool two_draws = sizeof(T) == 8;
    walk(s, [&](char* p, std::int64_t step, const char*, std::int64_t, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i, p += step) {
        const std::uint64_t v = (two_draws ? g.draw64() : g()) % range;
        if constexpr (std::is_arithmetic_v<T>) *reinterpret_cast<T*>(p) = static_cast<T>(v);
        else *reinterpret_cast<T*>(p) = T(static_cast<float>(v));
      }
    });
  });
}

}  // namespace ct::kernels
