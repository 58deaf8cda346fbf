// kernels/softmax.h -- softmax and its relatives along one dimension of float and double.
#pragma once

#include <cstdint>

namespace ct::kernels {

// Each runs over one row of n elements, or over at most 64 dense columns of n elements that lie `stride` apart. `past_cache`:
// the whole result is much larger than the caches.
template <class T>
struct SoftmaxKernels {
  void (*softmax)(T* y, const T* x, std::int64_t n, bool past_cache);
  void (*log_softmax)(T* y, const T* x, std::int64_t n, bool past_cache);
  void (*softmax_columns)(T* y, const T* x, std::int64_t n, std::int64_t stride, std::int64_t columns);
  void (*log_softmax_columns)(T* y, const T* x, std::int64_t n, std::int64_t stride, std::int64_t columns);
  // dx = y (g - sum(g y)), and dx = g - exp(y) sum(g).
  void (*softmax_backward)(T* dx, const T* g, const T* y, std::int64_t n, bool past_cache);
  void (*log_softmax_backward)(T* dx, const T* g, const T* y, std::int64_t n, bool past_cache);
  void (*softmax_backward_columns)(T* dx, const T* g, const T* y, std::int64_t n, std::int64_t stride, std::int64_t columns);
  void (*log_softmax_backward_columns)(T* dx, const T* g, const T* y, std::int64_t n, std::int64_t stride, std::int64_t columns);
  // log(sum(exp(x))); -inf for n = 0.
  T (*logsumexp)(const T* x, std::int64_t n);
};
template <class T>
const SoftmaxKernels<T>& softmax_kernels();

}  // namespace ct::kernels
