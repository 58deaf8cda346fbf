// ops/reduction.h -- what all reductions over dimensions share: which dimensions, the result's shape, the walk.
#pragma once

#include "autograd/elementwise.h"
#include "core/parallel.h"
#include "core/tensor_impl.h"

namespace ct::detail {

// The reduced dimensions as a bit set, and whether they stay with size 1. All dimensions if none were named.
struct ReduceAttrs {
  std::uint32_t dims = 0;
  bool keepdim = false;
  bool all = false;              // called without dimensions: PyTorch gives those overloads nodes of their own
  ScalarType dtype = ScalarType::Undefined;

  bool reduces(std::int64_t d) const { return dims >> d & 1; }
};

// Errors: IndexError for a dim out of range, Error for one named twice.
ReduceAttrs reduce_attrs(const char* op, const Tensor& x, IntArrayRef dim, bool keepdim);
ReduceAttrs reduce_all(const Tensor& x);
Dims reduced_shape(const Tensor& x, const ReduceAttrs& a);
// Puts the reduced dimensions back with size 1, so that y or g broadcasts against x.
Tensor unreduce(const Tensor& y, IntArrayRef x_sizes, const ReduceAttrs& a);
// Number of elements that go into one element of the result.
std::int64_t reduced_numel(IntArrayRef x_sizes, const ReduceAttrs& a);

// The input of a reduction with the reduced dimensions last and merged: outputs `outer` in row-major order, each
// over `inner` elements at a constant stride (in elements). Copies x if its memory does not allow that.
struct ReducePlan {
  Tensor input;
  std::int64_t outer = 1, inner = 1;
  std::int64_t inner_stride = 1;
  int n_outer = 0;
  std::int64_t outer_sizes[max_dims], outer_strides[max_dims];

  // Offset in elements of the first input element of output i.
  std::int64_t offset(std::int64_t i) const {
    std::int64_t at = 0;
    for (int d = n_outer; d-- > 0;) {
      at += i % outer_sizes[d] * outer_strides[d];
      i /= outer_sizes[d];
    }
    return at;
  }
};
ReducePlan reduce_plan(const Tensor& x, const ReduceAttrs& a);

}  // namespace ct::detail
