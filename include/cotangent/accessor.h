// cotangent/accessor.h -- element access without bounds checks or recording: what x.accessor<T, N>() returns.
#pragma once

#include <cstdint>

#include "cotangent/array_ref.h"

namespace ct {

/// N dimensions of elements of type T: a[i][j]. It does not own the elements, and writing through it is seen by no
/// version counter.
template <class T, std::size_t N>
class TensorAccessor {
 public:
  TensorAccessor(T* data, const std::int64_t* sizes, const std::int64_t* strides) : data_(data), sizes_(sizes), strides_(strides) {}
  IntArrayRef sizes() const { return {sizes_, N}; }
  std::int64_t size(std::size_t d) const { return sizes_[d]; }
  std::int64_t stride(std::size_t d) const { return strides_[d]; }
  T* data() const { return data_; }
  decltype(auto) operator[](std::int64_t i) const {
    if constexpr (N == 1) return (data_[i * strides_[0]]);
    else return TensorAccessor<T, N - 1>(data_ + i * strides_[0], sizes_ + 1, strides_ + 1);
  }

 private:
  T* data_;
  const std::int64_t *sizes_, *strides_;
};

}  // namespace ct
