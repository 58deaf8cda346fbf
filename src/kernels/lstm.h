// kernels/lstm.h -- one direction of an LSTM's layer, from the first step to the last and back.
#pragma once

#include <cstdint>

namespace ct::kernels {

// All matrices are dense: z, gates and dz are [T, B, 4 H] with the gates in the order input, forget, cell, output; y and cells
// [T, B, H]; states [B, H]; w [4 H, H]. Steps are taken from the last to the first if `reverse`.
struct LstmSizes {
  std::int64_t steps, batch, hidden;
  bool reverse;
};

// z: the input's part of the gates' arguments. `space` holds lstm_space() elements.
template <class T>
struct LstmForward {
  const T *z, *h0, *c0, *w;
  T *y, *h, *c, *gates, *cells, *space;
};
// gy, gh and gc may be null, which is zero. dh and dc are the gradients of the first states.
template <class T>
struct LstmBackward {
  const T *gates, *cells, *c0, *w, *gy, *gh, *gc;
  T *dz, *dh, *dc, *space;
};

// How many elements of workspace both need.
template <class T>
std::int64_t lstm_space(std::int64_t hidden);
template <class T>
void lstm_forward(const LstmSizes& s, const LstmForward<T>& p);
template <class T>
void lstm_backward(const LstmSizes& s, const LstmBackward<T>& p);

// One row of one step, of n elements in each gate, as compiled for one instruction set.
template <class T>
struct LstmRow {
  // gates: their arguments before, their values after.
  void (*forward)(T* gates, const T* c_before, T* c, T* h, std::int64_t n);
  // dh: the gradient of h; dc: of c, afterwards of c_before.
  void (*backward)(T* dz, const T* gates, const T* c_before, const T* c, const T* gy, const T* dh, T* dc, std::int64_t n);
};
template <class T>
const LstmRow<T>& lstm_row();

}  // namespace ct::kernels
