// kernels/strided.cpp -- from an n-dimensional elementwise call to one-dimensional loops.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/kernel.h"

namespace ct::kernels {

// Sorts dimensions so that the output's smallest stride is innermost, drops those of size 1 and merges neighbours
// that every operand walks through in one stride. Most calls end up with one dimension.
void coalesce(Strided& s) {
  int order[16], n = 0;
  for (int d = 0; d < s.ndim; ++d)
    if (s.sizes[d] != 1) order[n++] = d;
  std::stable_sort(order, order + n, [&](int a, int b) {
    for (int k = 0; k < s.nargs; ++k) {
      const std::int64_t x = std::abs(s.strides[k][a]), y = std::abs(s.strides[k][b]);
      if (x != y && x != 0 && y != 0) return x > y;
    }
    return false;
  });
  Strided out = s;
  int m = 0;
  for (int i = 0; i < n; ++i) {
    const int d = order[i];
    bool merge = m > 0;
    for (int k = 0; k < s.nargs && merge; ++k) merge = out.strides[k][m - 1] == s.strides[k][d] * s.sizes[d];
    if (!merge) ++m;
    out.sizes[m - 1] = merge ? out.sizes[m - 1] * s.sizes[d] : s.sizes[d];
    for (int k = 0; k < s.nargs; ++k) out.strides[k][m - 1] = s.strides[k][d];
  }
  if (m == 0) {
    m = 1;
    out.sizes[0] = 1;
    for (int k = 0; k < s.nargs; ++k) out.strides[k][0] = 0;
  }
  out.ndim = m;
  s = out;
}

namespace {

constexpr std::int64_t block = 512;

// A Float loop over operands of which some are stored in half precision: converts block by block on the stack.
void converted_loop(Loop loop, const Strided& s, char* const* data, const std::int64_t* strides, std::int64_t n,
                    const Scalar* params) {
  float buffer[max_args][block];
  for (std::int64_t i = 0; i < n; i += block) {
    const std::int64_t len = std::min(block, n - i);
    char* args[max_args];
    std::int64_t st[max_args];
    for (int k = 0; k < s.nargs; ++k) {
      args[k] = data[k] + i * strides[k];
      st[k] = strides[k];
      if (!isReducedFloatingType(s.dtype[k])) continue;
      if (k > 0) {
        const std::int64_t m = strides[k] == 0 ? 1 : len;
        char* cast_args[2] = {reinterpret_cast<char*>(buffer[k]), args[k]};
        const std::int64_t cast_strides[2] = {sizeof(float), strides[k]};
        cast_loop(kFloat, s.dtype[k])(cast_args, cast_strides, m, nullptr);
      }
      args[k] = reinterpret_cast<char*>(buffer[k]);
      st[k] = k > 0 && strides[k] == 0 ? 0 : sizeof(float);
    }
    loop(args, st, len, params);
    if (isReducedFloatingType(s.dtype[0])) {
      char* cast_args[2] = {data[0] + i * strides[0], reinterpret_cast<char*>(buffer[0])};
      const std::int64_t cast_strides[2] = {strides[0], sizeof(float)};
      cast_loop(s.dtype[0], kFloat)(cast_args, cast_strides, len, nullptr);
    }
  }
}

}  // namespace

void run(Loop loop, ScalarType compute, Strided& s, const Scalar* params) {
  for (int d = 0; d < s.ndim; ++d)
    if (s.sizes[d] == 0) return;
  coalesce(s);
  bool convert = false;
  for (int k = 0; k < s.nargs; ++k) convert |= compute == kFloat && isReducedFloatingType(s.dtype[k]);

  std::int64_t inner_strides[max_args];
  for (int k = 0; k < s.nargs; ++k) inner_strides[k] = s.strides[k][s.ndim - 1];
  const std::int64_t inner = s.sizes[s.ndim - 1];
  auto run_inner = [&](char* const* data, std::int64_t n) {
    if (convert) converted_loop(loop, s, data, inner_strides, n, params);
    else loop(data, inner_strides, n, params);
  };

  if (s.ndim == 1) {
    detail::parallel_for(inner, detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      char* data[max_args];
      for (int k = 0; k < s.nargs; ++k) data[k] = s.data[k] + begin * inner_strides[k];
      run_inner(data, end - begin);
    });
    return;
  }
  std::int64_t outer = 1;
  for (int d = 0; d + 1 < s.ndim; ++d) outer *= s.sizes[d];
  const std::int64_t grain = std::max<std::int64_t>(1, detail::elementwise_grain / std::max<std::int64_t>(1, inner));
  detail::parallel_for(outer, grain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t index[16];
    char* data[max_args];
    std::memcpy(data, s.data, sizeof data);
    std::int64_t rest = begin;
    for (int d = s.ndim - 2; d >= 0; --d) {
      index[d] = rest % s.sizes[d];
      rest /= s.sizes[d];
      for (int k = 0; k < s.nargs; ++k) data[k] += index[d] * s.strides[k][d];
    }
    for (std::int64_t i = begin; i < end; ++i) {
      run_inner(data, inner);
      for (int d = s.ndim - 2; d >= 0; --d) {
        for (int k = 0; k < s.nargs; ++k) data[k] += s.strides[k][d];
        if (++index[d] < s.sizes[d]) break;
        for (int k = 0; k < s.nargs; ++k) data[k] -= s.sizes[d] * s.strides[k][d];
        index[d] = 0;
      }
    }
  });
}

// ---- conversion ---------------------------------------------------------------------------------

namespace {

template <class To, class From>
void cast(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar*) {
  char* out = args[0];
  const char* in = args[1];
  if (strides[0] == sizeof(To) && strides[1] == sizeof(From)) {
    auto* __restrict o = reinterpret_cast<To*>(out);
    auto* __restrict x = reinterpret_cast<const From*>(in);
    if constexpr (std::is_same_v<To, From>) std::memcpy(o, x, static_cast<std::size_t>(n) * sizeof(To));
    else
      for (std::int64_t i = 0; i < n; ++i) {
        if constexpr (std::is_same_v<To, bool>) o[i] = static_cast<bool>(x[i] != From(0));
        else if constexpr (std::is_arithmetic_v<To> && std::is_arithmetic_v<From>) o[i] = static_cast<To>(x[i]);
        else o[i] = static_cast<To>(static_cast<float>(x[i]));
      }
    return;
  }
  for (std::int64_t i = 0; i < n; ++i, out += strides[0], in += strides[1]) {
    const From v = *reinterpret_cast<const From*>(in);
    if constexpr (std::is_same_v<To, From>) *reinterpret_cast<To*>(out) = v;
    else if constexpr (std::is_same_v<To, bool>) *reinterpret_cast<To*>(out) = static_cast<bool>(v != From(0));
    else if constexpr (std::is_arithmetic_v<To> && std::is_arithmetic_v<From>) *reinterpret_cast<To*>(out) = static_cast<To>(v);
    else *reinterpret_cast<To*>(out) = static_cast<To>(static_cast<float>(v));
  }
}

template <class To>
Loop cast_from(ScalarType from) {
  switch (from) {
#define CT_X(name, type, py, bytes) case ScalarType::name: return cast<To, type>;
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: return nullptr;
  }
}

}  // namespace

Loop cast_loop(ScalarType to, ScalarType from) {
  switch (to) {
#define CT_X(name, type, py, bytes) case ScalarType::name: return cast_from<type>(from);
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: return nullptr;
  }
}

}  // namespace ct::kernels
