// ops/rules.h -- what batching rules (vmap) and tangent rules (forward mode) of several families share.
#pragma once

#include "autograd/layers.h"
#include "ops/batching.h"
#include "ops/reduction.h"

namespace ct::detail {

// ---- batching -----------------------------------------------------------------------------------------------------------

// The op itself on the values: for ops whose attributes count no dimensions, or count them from the back.
Tensor as_it_is(const Batch& b);
std::vector<Tensor> all_as_they_are(const Batch& b);
// The same, of several inputs whose shapes must agree: each gets the batch dimension.
Tensor on_batch(const Batch& b);

// Attributes of an op along one dimension, or over some, for the batch; the entry without dimensions gets one, which the
// reduction takes away again.
struct DimCall {
  Tensor x;
  DimAttrs a;
};
struct ReduceCall {
  Tensor x;
  ReduceAttrs a;
};
DimCall dim_call(const Batch& b, const DimAttrs& a);
ReduceCall reduce_call(const Batch& b, const ReduceAttrs& a);

// Ready-made rules: `op` is the form with dimensions, run on the values.
Tensor scan_each(const Batch& b);                   // DimAttrs, one output of the shape of the inputs
std::vector<Tensor> sort_each(const Batch& b);      // DimAttrs, outputs of as many dimensions as the input has
std::vector<Tensor> pick_each(const Batch& b);      // DimAttrs, outputs without the dimension, or with size 1
Tensor reduce_each(const Batch& b, const Op& op);   // ReduceAttrs
std::vector<Tensor> reduce_each_multi(const Batch& b, const Op& op);

// Whether an element is not zero, in any entry of any batch: for rules that choose between two right ways.
bool any_nonzero(const Tensor& x);
// ---- tangents ----------------------------------------------------------------------------------------------------------

// The tangent of a reduction, whose outputs depend on slices that have nothing in common: the gradient of all outputs at
// once, times the tangent, reduced as x was.
Tensor reduced_tangent(const Tensor& gradient, const Tensor& t, const ReduceAttrs& a);
// Of values that output 1 says where they were taken.
Tensor picked_tangent(const Tensor& t, const Tensor& index, std::int64_t dim, bool keepdim);

}  // namespace ct::detail
