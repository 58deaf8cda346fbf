// kernels/gru.cpp -- one direction of a GRU's layer: the loop over its steps.
#include "kernels/gru.h"

#include "kernels/packed_weights.h"

namespace ct::kernels {

template <class T>
std::int64_t gru_space(std::int64_t hidden) {
  return std::max(packed_size<T>(hidden, 2 * hidden) + packed_size<T>(hidden, hidden), packed_size<T>(3 * hidden, hidden));
}

template <class T>
void gru_forward(const GruSizes& s, const GruForward<T>& p) {
  const std::int64_t n = s.hidden, step = s.batch * n;
  T *first = p.space, *last = p.space + packed_size<T>(n, 2 * n);
  pack_weights(first, p.w, n, 2 * n, 1, n);             // w^T of reset and update
  pack_weights(last, p.w + 2 * n * n, n, n, 1, n);      // of the new gate
  const GruRow<T>& row = gru_row<T>();
  each_part_of_batch(s.batch, 3 * n * n * s.steps, [&](std::int64_t begin, std::int64_t end) {
    const T* h = p.h0;
    for (std::int64_t k = 0; k < s.steps; ++k) {
      const std::int64_t t = s.reverse ? s.steps - 1 - k : k;
      T *y = p.y + t * step, *gates = p.gates + t * 4 * step + begin * 4 * n;
      const T* z = p.z + t * 3 * step + begin * 3 * n;
      for (std::int64_t i = 0; i < end - begin; ++i) {
        T* g = gates + i * 4 * n;
        const T* x = z + i * 3 * n;
        for (std::int64_t j = 0; j < 2 * n; ++j) g[j] = p.b ? x[j] + p.b[j] : x[j];
        for (std::int64_t j = 0; j < n; ++j) g[2 * n + j] = x[2 * n + j], g[3 * n + j] = p.b ? p.b[2 * n + j] : T(0);
      }
      times_packed<T>(end - begin, 2 * n, n, h + begin * n, first, 1, gates, 4 * n);
      times_packed<T>(end - begin, n, n, h + begin * n, last, 1, gates + 3 * n, 4 * n);
      for (std::int64_t i = begin; i < end; ++i) row.forward(gates + (i - begin) * 4 * n, h + i * n, y + i * n, n);
      h = y;
    }
    std::copy(h + begin * n, h + end * n, p.h + begin * n);
  });
}

template <class T>
void gru_backward(const GruSizes& s, const GruBackward<T>& p) {
  const std::int64_t n = s.hidden, step = s.batch * n;
  pack_weights(p.space, p.w, 3 * n, n, n, 1);
  const GruRow<T>& row = gru_row<T>();
  each_part_of_batch(s.batch, 3 * n * n * s.steps, [&](std::int64_t begin, std::int64_t end) {
    if (p.gh) std::copy(p.gh + begin * n, p.gh + end * n, p.dh + begin * n);
    else std::fill(p.dh + begin * n, p.dh + end * n, T(0));
    for (std::int64_t k = s.steps - 1; k >= 0; --k) {
      const std::int64_t t = s.reverse ? s.steps - 1 - k : k;
      const T *before = k == 0 ? p.h0 : p.y + (s.reverse ? t + 1 : t - 1) * step, *gates = p.gates + t * 4 * step;
      T *dz = p.dz + t * 3 * step, *dg = p.dg + t * 3 * step;
      for (std::int64_t i = begin; i < end; ++i)
        row.backward(dz + i * 3 * n, dg + i * 3 * n, gates + i * 4 * n, before + i * n, p.gy ? p.gy + t * step + i * n : nullptr, p.dh + i * n, n);
      times_packed<T>(end - begin, n, 3 * n, dg + begin * 3 * n, p.space, 1, p.dh + begin * n, n);
    }
  });
}

#define CT_X(T)                                                         \
  template std::int64_t gru_space<T>(std::int64_t);                     \
  template void gru_forward<T>(const GruSizes&, const GruForward<T>&);  \
  template void gru_backward<T>(const GruSizes&, const GruBackward<T>&);
CT_X(float)
CT_X(double)
#undef CT_X

}  // namespace ct::kernels
