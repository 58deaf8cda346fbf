// ops/batching.h -- what batching rules of views, joins and indexing share: attributes and shapes behind a batch dimension.
#pragma once

#include <initializer_list>
#include <vector>

#include "autograd/layers.h"
#include "ops/view_attrs.h"

namespace ct::detail {

inline Dims with_batch(std::int64_t size, const Dims& x) {
  Dims out;
  out.v[out.n++] = size;
  for (int d = 0; d < x.n; ++d) out.v[out.n++] = x.v[d];
  return out;
}

// The same parameters for a value that has the batch dimension first.
template <class A>
  requires requires(A a) { a.dim; }
A behind_batch(A a, std::int64_t) {
  ++a.dim;
  return a;
}
inline DiagonalAttrs behind_batch(DiagonalAttrs a, std::int64_t) { return {a.offset, a.dim1 + 1, a.dim2 + 1}; }
inline Rot90Attrs behind_batch(Rot90Attrs a, std::int64_t) { return {a.k, a.dim0 + 1, a.dim1 + 1}; }
inline DimList behind_batch(DimList a, std::int64_t) {
  for (int k = 0; k < a.n; ++k) ++a.v[k];
  return a;
}
inline SizesAttrs behind_batch(const SizesAttrs& a, std::int64_t size) { return {with_batch(size, a.sizes)}; }
template <class A>
BackAttrs<A> behind_batch(const BackAttrs<A>& a, std::int64_t size) {
  return {behind_batch(a.look, size), with_batch(size, a.x)};
}

// The rule of ops of one input that treat the batch like any dimension they do not name.
template <class A>
Tensor batch_behind(const Batch& b) { return apply_with(b.op, behind_batch(b.attrs<A>(), b.size), b.value(0)); }
template <class A>
std::vector<Tensor> batch_multi_behind(const Batch& b) { return apply_multi(b.op, behind_batch(b.attrs<A>(), b.size), b.value(0)); }
// The same without parameters.
inline Tensor batch_as_is(const Batch& b) { return apply(b.op, b.value(0)); }

// A batched value with dims of size 1 behind the batch, so that each entry has `dims` dimensions: a view.
inline Tensor aligned(const Tensor& value, std::int64_t dims) {
  const std::int64_t missing = dims - (value.dim() - 1);
  if (missing <= 0) return value;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(1 + missing), 1);
  sizes[0] = value.size(0);
  sizes.insert(sizes.end(), value.sizes().begin() + 1, value.sizes().end());
  return value.view(sizes);
}
// Input i as it broadcasts with others whose entries have up to `dims` dimensions.
inline Tensor broadcastable(const Batch& b, int i, std::int64_t dims) { return b.batched(i) ? aligned(b.value(i), dims) : b.value(i); }
// Input i with a batch dimension, and its 0-dim entries as vectors of one.
inline Tensor as_rows(const Batch& b, int i) { return aligned(b.x(i), 1); }

// Tensors of a vmap or with tangents: the rule must not write into what it has made itself.
inline bool any_layered(std::initializer_list<const Tensor*> tensors) {
  for (const Tensor* t : tensors)
    if (is_layered(*t)) return true;
  return false;
}

}  // namespace ct::detail
