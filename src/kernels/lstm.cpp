// kernels/lstm.cpp -- one direction of an LSTM's layer: the loop over its steps.
#include "kernels/lstm.h"

#include "kernels/packed_weights.h"

namespace ct::kernels {

template <class T>
std::int64_t lstm_space(std::int64_t hidden) { return std::max(packed_size<T>(hidden, 4 * hidden), packed_size<T>(4 * hidden, hidden)); }

template <class T>
void lstm_forward(const LstmSizes& s, const LstmForward<T>& p) {
  const std::int64_t n = s.hidden, step = s.batch * n;
  pack_weights(p.space, p.w, n, 4 * n, 1, n);  // w^T
  const LstmRow<T>& row = lstm_row<T>();
  each_part_of_batch(s.batch, 4 * n * n * s.steps, [&](std::int64_t begin, std::int64_t end) {
    const T *h = p.h0, *c = p.c0;
    for (std::int64_t k = 0; k < s.steps; ++k) {
      const std::int64_t t = s.reverse ? s.steps - 1 - k : k;
      T *y = p.y + t * step, *cells = p.cells + t * step, *gates = p.gates + t * 4 * step;
      std::copy(p.z + t * 4 * step + begin * 4 * n, p.z + t * 4 * step + end * 4 * n, gates + begin * 4 * n);
      times_packed<T>(end - begin, 4 * n, n, h + begin * n, p.space, 1, gates + begin * 4 * n, 4 * n);
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
  pack_weights(p.space, p.w, 4 * n, n, n, 1);
  const LstmRow<T>& row = lstm_row<T>();
  each_part_of_batch(s.batch, 4 * n * n * s.steps, [&](std::int64_t begin, std::int64_t end) {
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
      times_packed<T>(end - begin, n, 4 * n, dz + begin * 4 * n, p.space, 0, p.dh + begin * n, n);
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
