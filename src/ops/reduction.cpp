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

ReducePlan reduce_plan(const Tensor& x, const ReduceAttrs& a) {
  for (int attempt = 0;; ++attempt) {
    ReducePlan p;
    p.input = attempt ? x.contiguous() : x;
    const TensorImpl* t = impl(p.input);
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
    for (int d = 0; d < t->ndim; ++d) {
      if (a.reduces(d)) continue;
      p.outer_sizes[p.n_outer] = t->sizes()[d];
      p.outer_strides[p.n_outer++] = t->strides()[d];
      p.outer *= t->sizes()[d];
    }
    if (merged || p.inner == 0) return p;
    if (attempt == 0 && !t->contiguous) continue;
    // Reduced dimensions with others between them: move them to the back in a copy.
    std::int64_t order[max_dims];
    int n = 0;
    for (int d = 0; d < t->ndim; ++d)
      if (!a.reduces(d)) order[n++] = d;
    for (int d = 0; d < t->ndim; ++d)
      if (a.reduces(d)) order[n++] = d;
    ReducePlan q;
    q.input = permute(x, {order, static_cast<std::size_t>(n)}).contiguous();
    q.outer = p.outer;
    q.inner = p.inner;
    q.n_outer = 1;
    q.outer_sizes[0] = p.outer;
    q.outer_strides[0] = p.inner;
    return q;
  }
}

}  // namespace ct::detail
