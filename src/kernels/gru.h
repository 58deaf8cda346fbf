// kernels/gru.h -- one direction of a GRU's layer, from the first step to the last and back.
#pragma once

#include <cstdint>

namespace ct::kernels {

// All matrices are dense: z, dz and dg are [T, B, 3 H] with the gates in the order reset, update, new; gates [T, B, 4 H] are these
// and the state's part of the new one's argument; y is [T, B, H], states [B, H], w [3 H, H]; b [3 H] may be null, which is zero.
struct GruSizes {
  std::int64_t steps, batch, hidden;
  bool reverse;  // from the last step to the first
};

// z: the input's part of the gates' arguments. `space` holds gru_space() elements.
template <class T>
struct GruForward {
  const T *z, *h0, *w, *b;
  T *y, *h, *gates, *space;
};
// gy and gh may be null, which is zero. dz, dg: the gradients of the input's and of the state's part; dh: of the first state.
template <class T>
struct GruBackward {
  const T *gates, *y, *h0, *w, *gy, *gh;
  T *dz, *dg, *dh, *space;
};

template <class T>
std::int64_t gru_space(std::int64_t hidden);
template <class T>
void gru_forward(const GruSizes& s, const GruForward<T>& p);
template <class T>
void gru_backward(const GruSizes& s, const GruBackward<T>& p);

// One row of one step, of n elements in each gate, as compiled for one instruction set.
template <class T>
struct GruRow {
  // gates: the first three their arguments (of the new one the input's part) before, their values after.
  void (*forward)(T* gates, const T* h_before, T* h, std::int64_t n);
  // dh: the gradient of h, afterwards the part of h_before's that does not come through the weights.
  void (*backward)(T* dz, T* dg, const T* gates, const T* h_before, const T* gy, T* dh, std::int64_t n);
};
template <class T>
const GruRow<T>& gru_row();

}  // namespace ct::kernels
