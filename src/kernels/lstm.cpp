// kernels/lstm.cpp -- one direction of an LSTM's layer: the loop over its steps.
#include "kernels/lstm.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/gemm.h"

namespace ct::kernels {

namespace {

// The weights are read again at each step, so they are first laid out as our matrix product reads them: columns in groups of
// `width`, one group after another, and within it row by row.
template <class T>
constexpr std::int64_t width = 128 / sizeof(T);

std::int64_t groups(std::int64_t columns, std::int64_t width) { return (columns + width - 1) / width; }

// packed = the matrix b [k, n] with the given strides.
template <class T>
void pack(T* packed, const T* b, std::int64_t k, std::int64_t n, std::int64_t row, std::int64_t column) {
  detail::parallel_for(groups(n, width<T>), 8, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group) {
      T* to = packed + group * k * width<T>;
      const std::int64_t first = group * width<T>, columns = std::min(width<T>, n - first);
      for (std::int64_t i = 0; i < k; ++i)
        for (std::int64_t j = 0; j < columns; ++j) to[i * width<T> + j] = b[i * row + (first + j) * column];
    }
  });
}

// c [rows, n] = a [rows, k] b + beta c
template <class T>
void times_packed(std::int64_t rows, std::int64_t n, std::int64_t k, const T* a, const T* packed, T beta, T* c) {
  for (std::int64_t group = 0; group < groups(n, width<T>); ++group) {
    const std::int64_t first = group * width<T>;
    own_gemm(Gemm<T>{rows, std::min(width<T>, n - first), k, T(1), a, k, 1, packed + group * k * width<T>, width<T>, 1, beta, c + first, n});
  }
}

// Sequences have nothing to do with each other: every thread takes some of them from the first step to the last.
template <class F>
void each_part(const LstmSizes& s, const F& f) {
  constexpr std::int64_t block = 4;  // rows that our matrix product takes at once
  const std::int64_t work = 4 * s.hidden * s.hidden * block * s.steps;
  detail::parallel_for((s.batch + block - 1) / block, std::max<std::int64_t>(1, 2'000'000 / std::max<std::int64_t>(1, work)),
                       [&](std::int64_t begin, std::int64_t end) { f(begin * block, std::min(s.batch, end * block)); });
}

}  // namespace

template <class T>
std::int64_t lstm_space(std::int64_t hidden) { return std::max(groups(4 * hidden, width<T>) * hidden, groups(hidden, width<T>) * 4 * hidden) * width<T>; }

template <class T>
void lstm_forward(const LstmSizes& s, const LstmForward<T>& p) {
  const std::int64_t n = s.hidden, step = s.batch * n;
  pack(p.space, p.w, n, 4 * n, 1, n);  // w^T
  const LstmRow<T>& row = lstm_row<T>();
  each_part(s, [&](std::int64_t begin, std::int64_t end) {
    const T *h = p.h0, *c = p.c0;
    for (std::int64_t k = 0; k < s.steps; ++k) {
      const std::int64_t t = s.reverse ? s.steps - 1 - k : k;
      T *y = p.y + t * step, *cells = p.cells + t * step, *gates = p.gates + t * 4 * step;
      std::copy(p.z + t * 4 * step + begin * 4 * n, p.z + t * 4 * step + end * 4 * n, gates + begin * 4 * n);
      times_packed<T>(end - begin, 4 * n, n, h + begin * n, p.space, 1, gates + begin * 4 * n);
      for (std::int64_t i = begin; i < end; ++i) row.forward(gates + i * 4 * n, c + i * n, cells + i * n, y + i * n, n);
      h = y, c = cells;
    }
    std::copy(h + begin * n, h + end * n, p.h + begin * n);
    std::copy(c + begin * n, c + end * n, p.c + begin * n);
  });
}

template <class T>
void lstm_backward(const LstmSizes& s, const LstmBackward<T>& p) {
  const std::int64_t n = s.hidden, step = s.batch * n;
  pack(p.space, p.w, 4 * n, n, n, 1);
  const LstmRow<T>& row = lstm_row<T>();
  each_part(s, [&](std::int64_t begin, std::int64_t end) {
    const auto start = [&](T* to, const T* from) {
      if (from) std::copy(from + begin * n, from + end * n, to + begin * n);
      else std::fill(to + begin * n, to + end * n, T(0));
    };
    start(p.dh, p.gh);
    start(p.dc, p.gc);
    for (std::int64_t k = s.steps - 1; k >= 0; --k) {
      const std::int64_t t = s.reverse ? s.steps - 1 - k : k;
      const T *c = p.cells + t * step, *before = k == 0 ? p.c0 : s.reverse ? c + step : c - step, *gates = p.gates + t * 4 * step;
      T* dz = p.dz + t * 4 * step;
      for (std::int64_t i = begin; i < end; ++i)
        row.backward(dz + i * 4 * n, gates + i * 4 * n, before + i * n, c + i * n, p.gy ? p.gy + t * step + i * n : nullptr, p.dh + i * n, p.dc + i * n, n);
      times_packed<T>(end - begin, n, 4 * n, dz + begin * 4 * n, p.space, 0, p.dh + begin * n);
    }
  });
}

#define CT_X(T)                                                       \
  template std::int64_t lstm_space<T>(std::int64_t);                  \
  template void lstm_forward<T>(const LstmSizes&, const LstmForward<T>&); \
  template void lstm_backward<T>(const LstmSizes&, const LstmBackward<T>&);
CT_X(float)
CT_X(double)
#undef CT_X

}  // namespace ct::kernels
