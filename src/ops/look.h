// ops/look.h -- building the geometry of a view dimension by dimension.
#pragma once

#include "ops/view_attrs.h"

namespace ct::detail {

// Sizes and strides of a look, built up dimension by dimension.
struct Look {
  int n = 0;
  std::int64_t sizes[max_dims], strides[max_dims], offset = 0;

  explicit Look(const Tensor& x) : n(static_cast<int>(x.dim())) {
    std::copy(x.sizes().begin(), x.sizes().end(), sizes);
    std::copy(x.strides().begin(), x.strides().end(), strides);
  }
  void erase(std::int64_t d) {
    std::copy(sizes + d + 1, sizes + n, sizes + d);
    std::copy(strides + d + 1, strides + n, strides + d);
    --n;
  }
  void insert(std::int64_t d, std::int64_t size, std::int64_t stride) {
    std::copy_backward(sizes + d, sizes + n, sizes + n + 1);
    std::copy_backward(strides + d, strides + n, strides + n + 1);
    sizes[d] = size;
    strides[d] = stride;
    ++n;
  }
  Tensor at(const Tensor& x) const {
    return alias(x, {sizes, static_cast<std::size_t>(n)}, {strides, static_cast<std::size_t>(n)}, x.numel() ? offset : 0);
  }
};

}  // namespace ct::detail
