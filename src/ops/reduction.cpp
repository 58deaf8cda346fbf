// ops/reduction.cpp -- what all reductions over dimensions share.
#include "ops/reduction.h"

#include <algorithm>

namespace ct::detail {

ReduceAttrs reduce_attrs(const char* op, const Tensor& x, IntArrayRef dim, bool keepdim) {
  CT_CHECK(x.defined(), op, ": the tensor is undefined");
  if (dim.empty()) {
    ReduceAttrs a = reduce_all(x);
    a.keepdim = keepdim;
    a.all = false;
    return a;
  }
  ReduceAttrs a;
  a.keepdim = keepdim;
  for (std::int64_t d : dim) {
    const std::int64_t w = wrap_dim(d, x.dim());
    CT_CHECK(!(a.dims >> w & 1), op, ": dim ", w, " appears multiple times in the list of dims ", dim);
    a.dims |= 1u << w;
  }
  return a;
}

ReduceAttrs reduce_all(const Tensor& x) {
  CT_CHECK(x.defined(), "the tensor to reduce is undefined");
  ReduceAttrs a;
  a.dims = (1u << x.dim()) - 1;
  a.all = true;
  return a;
}

Dims reduced_shape(const Tensor& x, const ReduceAttrs& a) {
  Dims out;
  for (std::int64_t d = 0; d < x.dim(); ++d) {
    if (!a.reduces(d)) out.v[out.n++] = x.sizes()[static_cast<std::size_t>(d)];
    else if (a.keepdim) out.v[out.n++] = 1;
  }
  return out;
}

Tensor unreduce(const Tensor& y, IntArrayRef x_sizes, const ReduceAttrs& a) {
  if (a.keepdim || x_sizes.empty()) return y;
  Dims shape;
  for (std::size_t d = 0; d < x_sizes.size(); ++d) shape.v[shape.n++] = a.reduces(static_cast<std::int64_t>(d)) ? 1 : x_sizes[d];
  return y.reshape(shape);
}

std::int64_t reduced_numel(IntArrayRef x_sizes, const ReduceAttrs& a) {
  std::int64_t n = 1;
  for (std::size_t d = 0; d < x_sizes.size(); ++d)
    if (a.reduces(static_cast<std::int64_t>(d))) n *= x_sizes[d];
  return n;
}

namespace {

// Merges the outer dimensions that lie behind each other in memory, and drops those of size 1.
void add_outer(ReducePlan& p, std::int64_t size, std::int64_t stride) {
  p.outer *= size;
  if (size == 1) return;
  if (p.n_outer > 0 && p.outer_strides[p.n_outer - 1] == size * stride) {
    p.outer_sizes[p.n_outer - 1] *= size;
    p.outer_strides[p.n_outer - 1] = stride;
    return;
  }
  p.outer_sizes[p.n_outer] = size;
  p.outer_strides[p.n_outer++] = stride;
}

}  // namespace

ReducePlan reduce_plan(const Tensor& x, const ReduceAttrs& a, bool dense) {
  ReducePlan p;
  p.input = x;
  const TensorImpl* t = impl(x);
  bool first = true, merged = true;
  for (int d = t->ndim; d-- > 0;) {
    const std::int64_t size = t->sizes()[d], stride = t->strides()[d];
    if (!a.reduces(d) || size == 1) continue;
    if (first) {
      p.inner_stride = stride;
      first = false;
    } else {
      merged &= stride == p.inner * p.inner_stride;
    }
    p.inner *= size;
  }
  for (int d = 0; d < t->ndim; ++d)
    if (!a.reduces(d)) add_outer(p, t->sizes()[d], t->strides()[d]);
  if ((merged && (!dense || p.inner_stride == 1)) || p.inner <= 1 || p.outer == 0) return p;
  // Others in between, or apart although they must not be: move the reduced dimensions to the back in a copy.
  std::int64_t order[max_dims], strides[max_dims];
  Dims shape;
  for (int pass = 0; pass < 2; ++pass)
    for (int d = 0; d < t->ndim; ++d)
      if (a.reduces(d) == (pass == 1)) order[shape.n] = d, shape.v[shape.n++] = t->sizes()[d];
  for (int d = 0; d < t->ndim; ++d) strides[d] = t->strides()[order[d]];
  ReducePlan q;
  q.input = empty_like_dtype(t->dtype, shape);
  q.input.copy_(alias(x, shape, {strides, static_cast<std::size_t>(t->ndim)}, 0));
  q.inner = p.inner;
  add_outer(q, p.outer, p.inner);
  return q;
}

Tensor pick_backward(const Tensor& g, const Tensor& index, IntArrayRef x_sizes, std::int64_t dim, bool keepdim) {
  Tensor zero = zeros(x_sizes, g.scalar_type());
  if (x_sizes.empty()) return g;
  return keepdim ? scatter(zero, dim, index, g) : scatter(zero, dim, index.unsqueeze(dim), g.unsqueeze(dim));
}

Dims resized_shape(const Tensor& x, std::int64_t dim, std::int64_t size) {
  Dims out;
  for (std::int64_t d = 0; d < x.dim(); ++d)
    if (d != dim) out.v[out.n++] = x.sizes()[static_cast<std::size_t>(d)];
    else if (size >= 0) out.v[out.n++] = size;
  return out;
}

}  // namespace ct::detail
