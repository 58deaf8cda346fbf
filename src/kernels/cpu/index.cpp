// kernels/cpu/index.cpp -- loops over places that index tensors name. Moving elements needs only their size.
#include "kernels/cpu/index.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "core/parallel.h"

namespace ct::kernels {

void Walk::add(std::int64_t size, std::int64_t stride) {
  numel *= size;
  if (size == 1) return;
  if (n > 0 && strides[n - 1] == size * stride) {
    sizes[n - 1] *= size;
    strides[n - 1] = stride;
    return;
  }
  sizes[n] = size;
  strides[n++] = stride;
}

std::int64_t Walk::offset(std::int64_t i) const {
  if (n == 1) return i * strides[0];
  std::int64_t at = 0;
  for (int d = n; d-- > 0;) {
    at += i % sizes[d] * strides[d];
    i /= sizes[d];
  }
  return at;
}

namespace {

constexpr std::int64_t grain = detail::elementwise_grain;

template <class F>
void by_size(int size, const F& f) {
  switch (size) {
    case 1: f(std::uint8_t{}); break;
    case 2: f(std::uint16_t{}); break;
    case 4: f(std::uint32_t{}); break;
    default: f(std::uint64_t{}); break;
  }
}

template <class F>
void by_dtype(ScalarType dtype, const F& f) {
  switch (dtype) {
#define CT_X(name, type, py, bytes) case ScalarType::name: f(type{}); break;
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: break;
  }
}

// Offsets of the inner places, for walks that are no dense run; null if they are.
std::unique_ptr<std::int64_t[]> inner_offsets(const Walk& inner, int element_size) {
  if (inner.n == 0 || (inner.n == 1 && inner.strides[0] == element_size)) return nullptr;
  std::unique_ptr<std::int64_t[]> at(new std::int64_t[static_cast<std::size_t>(inner.numel)]);
  for (std::int64_t k = 0; k < inner.numel; ++k) at[static_cast<std::size_t>(k)] = inner.offset(k);
  return at;
}

// Shares the work out so that every place belongs to one thread: by outer index, or else by inner index.
// body(o_begin, o_end, k_begin, k_end)
template <class F>
void share(std::int64_t outer, std::int64_t n, std::int64_t inner, const F& body) {
  if (outer * n * inner == 0) return;
  if (outer >= 8 || inner < 64) {
    detail::parallel_for(outer, std::max<std::int64_t>(1, grain / (n * inner)), [&](std::int64_t b, std::int64_t e) { body(b, e, std::int64_t{0}, inner); });
  } else {
    detail::parallel_for(inner, std::max<std::int64_t>(16, grain / (outer * n)), [&](std::int64_t b, std::int64_t e) { body(std::int64_t{0}, outer, b, e); });
  }
}

// step(place, value) over all places in order; T is the element type.
template <class T, class Step>
void each_place(const Places& p, const char* values, bool one_value, const Step& step) {
  const auto at = inner_offsets(p.inner, p.element_size);
  const std::int64_t inner = p.inner.numel;
  const T* v = reinterpret_cast<const T*>(values);
  share(p.outer.numel, p.n, inner, [&](std::int64_t o_begin, std::int64_t o_end, std::int64_t k_begin, std::int64_t k_end) {
    for (std::int64_t o = o_begin; o < o_end; ++o) {
      char* row = p.data + p.outer.offset(o);
      for (std::int64_t j = 0; j < p.n; ++j) {
        char* place = row + p.offsets[j];
        const T* from = one_value ? v : v + (o * p.n + j) * inner;
        if (inner == 1) step(*reinterpret_cast<T*>(place), *from);
        else if (!at && one_value) for (std::int64_t k = k_begin; k < k_end; ++k) step(reinterpret_cast<T*>(place)[k], *from);
        else if (!at) for (std::int64_t k = k_begin; k < k_end; ++k) step(reinterpret_cast<T*>(place)[k], from[k]);
        else for (std::int64_t k = k_begin; k < k_end; ++k) step(*reinterpret_cast<T*>(place + at[static_cast<std::size_t>(k)]), from[one_value ? 0 : k]);
      }
    }
  });
}

template <class T, class Step>
void each_line(const Lines& p, const char* values, bool one_value, const Step& step) {
  const auto at = inner_offsets(p.inner, p.element_size);
  const std::int64_t inner = p.inner.numel;
  const T* v = reinterpret_cast<const T*>(values);
  share(p.outer.numel, p.n, inner, [&](std::int64_t o_begin, std::int64_t o_end, std::int64_t k_begin, std::int64_t k_end) {
    for (std::int64_t o = o_begin; o < o_end; ++o) {
      char* row = p.data + p.outer.offset(o);
      for (std::int64_t j = 0; j < p.n; ++j) {
        const std::int64_t first = (o * p.n + j) * inner;
        if (inner == 1) {
          step(*reinterpret_cast<T*>(row + p.index[first] * p.stride), v[one_value ? 0 : first]);
          continue;
        }
        for (std::int64_t k = k_begin; k < k_end; ++k) {
          char* place = row + p.index[first + k] * p.stride + (at ? at[static_cast<std::size_t>(k)] : k * p.element_size);
          step(*reinterpret_cast<T*>(place), v[one_value ? 0 : first + k]);
        }
      }
    }
  });
}

template <class T>
T plus(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) return a || b;
  else if constexpr (std::is_arithmetic_v<T>) return static_cast<T>(a + b);
  else return T(static_cast<float>(a) + static_cast<float>(b));
}
template <class T>
T times(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) return a && b;
  else if constexpr (std::is_arithmetic_v<T>) return static_cast<T>(a * b);
  else return T(static_cast<float>(a) * static_cast<float>(b));
}

}  // namespace

namespace {
// Rows lie anywhere in memory: while one is copied, a later one is called for, into the second level of the cache, which can have
// more lines under way than the first.
void copy_row(void* to, const char* from, std::size_t bytes, const char* next) {
  constexpr std::size_t line = 64, part = 7 * line;
  std::size_t i = 0;
  if (bytes >= part) {
    for (; i + part <= bytes; i += part) {
      for (std::size_t k = 0; k < part; k += line) __builtin_prefetch(next + i + k, 0, 2);
      std::memcpy(static_cast<char*>(to) + i, from + i, part);
    }
  }
  std::memcpy(static_cast<char*>(to) + i, from + i, bytes - i);
}
}  // namespace

void read_places(char* out, const Places& p) {
  const auto at = inner_offsets(p.inner, p.element_size);
  const std::int64_t inner = p.inner.numel, rows = p.outer.numel * p.n;
  if (rows * inner == 0) return;
  by_size(p.element_size, [&](auto sample) {
    using T = decltype(sample);
    detail::parallel_for(rows, std::max<std::int64_t>(1, grain / inner), [&](std::int64_t begin, std::int64_t end) {
      if (inner == 1 && p.outer.numel == 1) {
        T* to = reinterpret_cast<T*>(out);
        for (std::int64_t j = begin; j < end; ++j) to[j] = *reinterpret_cast<const T*>(p.data + p.offsets[j]);
        return;
      }
      std::int64_t o = begin / p.n, j = begin % p.n;
      const char* row = p.data + p.outer.offset(o);
      T* to = reinterpret_cast<T*>(out) + begin * inner;
      for (std::int64_t i = begin; i < end; ++i, to += inner) {
        const char* place = row + p.offsets[j];
        if (inner == 1) *to = *reinterpret_cast<const T*>(place);
        else if (!at) copy_row(to, place, static_cast<std::size_t>(inner) * sizeof(T), row + p.offsets[j + 2 < p.n ? j + 2 : j]);
        else for (std::int64_t k = 0; k < inner; ++k) to[k] = *reinterpret_cast<const T*>(place + at[static_cast<std::size_t>(k)]);
        if (++j == p.n && i + 1 < end) {
          j = 0;
          row = p.data + p.outer.offset(++o);
        }
      }
    });
  });
}

void write_places(const Places& p, const char* values) {
  by_size(p.element_size, [&](auto s) { each_place<decltype(s)>(p, values, false, [](auto& place, const auto& v) { place = v; }); });
}
void fill_places(const Places& p, const char* value) {
  by_size(p.element_size, [&](auto s) { each_place<decltype(s)>(p, value, true, [](auto& place, const auto& v) { place = v; }); });
}
void add_places(ScalarType dtype, const Places& p, const char* values, const Scalar& alpha) {
  by_dtype(dtype, [&](auto s) {
    using T = decltype(s);
    if (alpha.equal(1)) {
      each_place<T>(p, values, false, [](T& place, const T& v) { place = plus(place, v); });
    } else {
      const T factor = alpha.to<T>();
      each_place<T>(p, values, false, [factor](T& place, const T& v) { place = plus(place, times(v, factor)); });
    }
  });
}

bool read_lines(char* out, const Lines& p, std::int64_t size) {
  const auto at = inner_offsets(p.inner, p.element_size);
  const std::int64_t inner = p.inner.numel, rows = p.outer.numel * p.n;
  if (rows * inner == 0) return true;
  std::atomic<bool> good{true};
  by_size(p.element_size, [&](auto sample) {
    using T = decltype(sample);
    detail::parallel_for(rows, std::max<std::int64_t>(1, grain / inner), [&](std::int64_t begin, std::int64_t end) {
      bool fits = true;
      T* to = reinterpret_cast<T*>(out) + begin * inner;
      const std::int64_t* index = p.index + begin * inner;
      auto place = [&](const char* row, std::int64_t i) {
        const bool inside = static_cast<std::uint64_t>(i) < static_cast<std::uint64_t>(size);
        fits &= inside;
        return row + (inside ? i : 0) * p.stride;
      };
      for (std::int64_t i = begin; i < end;) {
        const std::int64_t o = i / p.n, last = std::min(end, (o + 1) * p.n);
        const char* row = p.data + p.outer.offset(o);
        if (inner == 1) {
          for (; i < last; ++i) *to++ = *reinterpret_cast<const T*>(place(row, *index++));
          continue;
        }
        for (; i < last; ++i, to += inner, index += inner) {
          if (at) for (std::int64_t k = 0; k < inner; ++k) to[k] = *reinterpret_cast<const T*>(place(row, index[k]) + at[static_cast<std::size_t>(k)]);
          else for (std::int64_t k = 0; k < inner; ++k) to[k] = reinterpret_cast<const T*>(place(row, index[k]))[k];
        }
      }
      if (!fits) good.store(false, std::memory_order_relaxed);
    });
  });
  return good.load();
}
void write_lines(const Lines& p, const char* values) {
  by_size(p.element_size, [&](auto s) { each_line<decltype(s)>(p, values, false, [](auto& place, const auto& v) { place = v; }); });
}
void fill_lines(const Lines& p, const char* value) {
  by_size(p.element_size, [&](auto s) { each_line<decltype(s)>(p, value, true, [](auto& place, const auto& v) { place = v; }); });
}
void add_lines(ScalarType dtype, const Lines& p, const char* values) {
  by_dtype(dtype, [&](auto s) {
    using T = decltype(s);
    each_line<T>(p, values, false, [](T& place, const T& v) { place = plus(place, v); });
  });
}

void count_true(const char* mask, std::int64_t n, std::int64_t* counts) {
  detail::parallel_for((n + mask_block - 1) / mask_block, 4, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      std::int64_t count = 0;
      for (std::int64_t i = b * mask_block; i < std::min(n, (b + 1) * mask_block); ++i) count += mask[i];
      counts[b] = count;
    }
  });
}

void write_true(const char* mask, std::int64_t n, const std::int64_t* starts, std::int64_t* out) {
  detail::parallel_for((n + mask_block - 1) / mask_block, 4, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      std::int64_t* to = out + starts[b];
      for (std::int64_t i = b * mask_block; i < std::min(n, (b + 1) * mask_block); ++i)
        if (mask[i]) *to++ = i;
    }
  });
}

namespace {
template <class T>
void masked_fill(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar*) {
  const T value = *reinterpret_cast<const T*>(args[3]);
  if (strides[0] == sizeof(T) && strides[1] == sizeof(T) && strides[2] == 1) {
    T* out = reinterpret_cast<T*>(args[0]);
    const T* x = reinterpret_cast<const T*>(args[1]);
    const char* mask = args[2];
    for (std::int64_t i = 0; i < n; ++i) out[i] = mask[i] ? value : x[i];
    return;
  }
  for (std::int64_t i = 0; i < n; ++i)
    *reinterpret_cast<T*>(args[0] + i * strides[0]) = args[2][i * strides[2]] ? value : *reinterpret_cast<const T*>(args[1] + i * strides[1]);
}
}  // namespace

Loop masked_fill_loop(int element_size) {
  switch (element_size) {
    case 1: return masked_fill<std::uint8_t>;
    case 2: return masked_fill<std::uint16_t>;
    case 4: return masked_fill<std::uint32_t>;
    default: return masked_fill<std::uint64_t>;
  }
}

std::int64_t find_outside(const std::int64_t* index, std::int64_t n, std::int64_t low, std::int64_t high) {
  std::atomic<bool> bad{false};
  detail::parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    // The sign bit of i - low or of high - 1 - i tells; without a comparison the loop is all adds and ors.
    std::uint64_t signs = 0;
    const auto first = static_cast<std::uint64_t>(low), last = static_cast<std::uint64_t>(high - 1);
    for (std::int64_t i = begin; i < end; ++i) {
      const auto v = static_cast<std::uint64_t>(index[i]);
      signs |= (v - first) | (last - v);
    }
    if (signs >> 63) bad.store(true, std::memory_order_relaxed);
  });
  if (!bad.load()) return -1;
  return std::find_if(index, index + n, [&](std::int64_t i) { return i < low || i >= high; }) - index;
}

}  // namespace ct::kernels
