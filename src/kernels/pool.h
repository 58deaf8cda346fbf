// kernels/pool.h -- the largest elements of windows that slide along one row of a plane.
#pragma once

#include <cstdint>

namespace ct::kernels {

// How many elements a scratch row must have beyond the width.
inline constexpr std::int64_t pool_slack = 64;

template <class T>
struct PoolKernels {
  // Of each window of rows x columns elements of x, whose rows lie `width` apart, for all width - columns + 1 places in a row:
  // the largest element, and how far it is from the window's first one (row * width + column, a small whole number). Of equal
  // ones the first in row-major order. `top` and `from` are scratch; all four have room for width + pool_slack elements.
  // False, with nothing of use, if there is a NaN, for which the order of all elements counts.
  bool (*window_max)(T* best, T* offset, T* top, T* from, const T* x, std::int64_t width, std::int64_t rows, std::int64_t columns);
};
template <class T>
const PoolKernels<T>& pool_kernels();

}  // namespace ct::kernels
