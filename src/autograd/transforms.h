// autograd/transforms.h -- what functional.cpp and functional_products.cpp share.
#pragma once

#include <vector>

#include "cotangent/tensor.h"

namespace ct::detail {

// Two shapes, one behind the other: that of a Jacobian.
inline std::vector<std::int64_t> joined(IntArrayRef a, IntArrayRef b) {
  std::vector<std::int64_t> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

// Gradients with zeros for what does not take part.
inline std::vector<Tensor> or_zeros(std::vector<Tensor> g, const std::vector<Tensor>& like) {
  for (std::size_t i = 0; i < g.size(); ++i)
    if (!g[i].defined()) g[i] = zeros_like(like[i]);
  return g;
}

}  // namespace ct::detail
