// ops/reduce_attrs.h -- attributes of single reductions, apart from their ops because tests look into them.
#pragma once

#include "ops/reduction.h"

namespace ct::detail {

struct VarAttrs {
  ReduceAttrs reduce;
  bool unbiased = true, root = false;  // root: the standard deviation is asked for

  double denominator(IntArrayRef x_sizes) const {
    return static_cast<double>(reduced_numel(x_sizes, reduce)) - (unbiased ? 1.0 : 0.0);
  }
};

struct NormAttrs {
  ReduceAttrs reduce;
  double p = 2;
};

struct QuantileAttrs {
  std::int64_t dim = 0;
  bool keepdim = false, all = false;
};

struct CovAttrs { std::int64_t correction; };
struct SearchAttrs { bool right; };

}  // namespace ct::detail
