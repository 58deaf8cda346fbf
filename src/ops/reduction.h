// ops/reduction.h -- what all reductions over dimensions share: which dimensions, the result's shape, the walk.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "autograd/elementwise.h"
#include "core/parallel.h"
#include "core/tensor_impl.h"
#include "ops/dim_attrs.h"  // most order statistics and scans take one dimension

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

// The dtype of a sum or product: what was asked for, otherwise int64 for integers and bools.
ScalarType total_dtype(const Tensor& x, ScalarType asked);

// The input of a reduction with the reduced dimensions merged: outputs in row-major order, each over `inner` elements
// at a constant stride (in elements). Copies x if its memory does not allow that, or if `dense` asks for stride 1.
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
  // Neighbouring outputs read neighbouring elements, while the elements of one output lie apart: column kernels
  // then run along memory.
  bool columns() const { return n_outer > 0 && inner > 1 && inner_stride != 1 && outer_strides[n_outer - 1] == 1; }
};
ReducePlan reduce_plan(const Tensor& x, const ReduceAttrs& a, bool dense = false);

// Rows longer than this are reduced in parts of this length, so that a result does not depend on the number of threads.
inline constexpr std::int64_t reduce_part = std::int64_t{1} << 17;

// Reduces every row: part(first, n) -> Acc for n elements from offset `first`; finish(i, acc, count) writes output i
// from the accumulators of its parts, in order.
template <class Acc, class Part, class Finish>
void reduce_rows(const ReducePlan& p, const Part& part, const Finish& finish) {
  if (p.outer == 0) return;
  if (p.inner <= reduce_part) {
    const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, p.inner));
    parallel_for(p.outer, grain, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t run = p.n_outer ? p.outer_sizes[p.n_outer - 1] : 1, step = p.n_outer ? p.outer_strides[p.n_outer - 1] : 0;
      for (std::int64_t i = begin; i < end;) {  // runs along the last outer dimension need one division each
        const std::int64_t last = std::min(end, i + run - i % run);
        for (std::int64_t at = p.offset(i); i < last; ++i, at += step) {
          Acc acc = part(at, p.inner);
          finish(i, &acc, std::int64_t{1});
        }
      }
    });
    return;
  }
  const std::int64_t parts = (p.inner + reduce_part - 1) / reduce_part;
  const std::unique_ptr<Acc[]> partial(new Acc[static_cast<std::size_t>(p.outer * parts)]);
  parallel_for(p.outer * parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t first = k % parts * reduce_part;
      partial[static_cast<std::size_t>(k)] = part(p.offset(k / parts) + first * p.inner_stride, std::min(reduce_part, p.inner - first));
    }
  });
  for (std::int64_t i = 0; i < p.outer; ++i) finish(i, &partial[static_cast<std::size_t>(i * parts)], parts);
}

// Of a plan with columns(): block(i, offset, n) for n neighbouring outputs from i on.
template <class Block>
void reduce_columns(const ReducePlan& p, const Block& block) {
  constexpr std::int64_t width = 256;
  if (p.outer == 0) return;  // zeros({2, 0}).sum(0): no column at all
  const std::int64_t run = p.outer_sizes[p.n_outer - 1], blocks = (run + width - 1) / width;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, p.inner * std::min(width, run)));
  parallel_for(p.outer / run * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t first = k / blocks * run + k % blocks * width;
      block(first, p.offset(first), std::min(width, run - k % blocks * width));
    }
  });
}

// A contiguous tensor seen along one dimension: [outer, n, inner]. A 0-dim tensor has one row of one element.
struct DimWalk {
  Tensor x;
  std::int64_t outer = 1, n = 1, inner = 1;

  DimWalk(const Tensor& t, std::int64_t dim) : x(t.contiguous()) {
    for (std::int64_t d = 0; d < t.dim(); ++d) {
      const std::int64_t size = t.sizes()[static_cast<std::size_t>(d)];
      (d < dim ? outer : d == dim ? n : inner) *= size;
    }
  }
  std::int64_t rows() const { return outer * inner; }
  // First element of row r; the next one is `inner` elements on.
  std::int64_t offset(std::int64_t r) const { return r / inner * n * inner + r % inner; }
  // f(r) for every row, on several threads; `cost` is the work of one element in units of an addition.
  template <class F>
  void each_row(const F& f, std::int64_t cost = 1) const {
    if (rows() == 0) return;
    const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, n * cost));
    parallel_for(rows(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) f(r);
    });
  }
};

// The gradient of values picked along a dimension: g goes to the elements that `index` names, 0 elsewhere.
Tensor pick_backward(const Tensor& g, const Tensor& index, IntArrayRef x_sizes, std::int64_t dim, bool keepdim);
// The shape of x with the size of `dim` replaced, or dim removed for size -1.
Dims resized_shape(const Tensor& x, std::int64_t dim, std::int64_t size);

// Half precision is computed in float32: x widened if it must be.
inline Tensor widened(const Tensor& x) { return isReducedFloatingType(x.scalar_type()) ? x.to(kFloat) : x; }

}  // namespace ct::detail

// Runs `body` with `scalar_t` as the C++ type of a dtype that is no half-precision one (see widened()).
#define CT_DISPATCH_WIDE(dtype, ...)                                                \
  [&] {                                                                             \
    switch (dtype) {                                                                \
      case ::ct::kBool: { using scalar_t = bool; return __VA_ARGS__(); }            \
      case ::ct::kByte: { using scalar_t = std::uint8_t; return __VA_ARGS__(); }    \
      case ::ct::kChar: { using scalar_t = std::int8_t; return __VA_ARGS__(); }     \
      case ::ct::kShort: { using scalar_t = std::int16_t; return __VA_ARGS__(); }   \
      case ::ct::kInt: { using scalar_t = std::int32_t; return __VA_ARGS__(); }     \
      case ::ct::kLong: { using scalar_t = std::int64_t; return __VA_ARGS__(); }    \
      case ::ct::kFloat: { using scalar_t = float; return __VA_ARGS__(); }          \
      default: { using scalar_t = double; return __VA_ARGS__(); }                   \
    }                                                                               \
  }()

// The same for floating dtypes only.
#define CT_DISPATCH_FLOATS(dtype, ...)                         \
  [&] {                                                        \
    if ((dtype) == ::ct::kFloat) {                             \
      using scalar_t = float;                                  \
      return __VA_ARGS__();                                    \
    }                                                          \
    using scalar_t = double;                                   \
    return __VA_ARGS__();                                      \
  }()
