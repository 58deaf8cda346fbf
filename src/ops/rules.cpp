// ops/rules.cpp -- what batching rules (vmap) and tangent rules (forward mode) of several families share.
#include "ops/rules.h"

#include "cotangent/autograd.h"

namespace ct::detail {

namespace {
std::vector<const Tensor*> pointers(const std::vector<Tensor>& x) {
  std::vector<const Tensor*> in;
  for (const Tensor& t : x) in.push_back(&t);
  return in;
}
}  // namespace

Tensor as_it_is(const Batch& b) {
  const Tensor* x = &b.value(0);
  return apply_all(b.op, &x, 1, b.attrs_data, b.attrs_size)[0];
}
std::vector<Tensor> all_as_they_are(const Batch& b) {
  const Tensor* x = &b.value(0);
  return apply_all(b.op, &x, 1, b.attrs_data, b.attrs_size);
}
Tensor on_batch(const Batch& b) {
  std::vector<Tensor> x;
  for (int i = 0; i < b.n_in; ++i) x.push_back(b.x(i));
  return apply_all(b.op, pointers(x).data(), b.n_in, b.attrs_data, b.attrs_size)[0];
}

DimCall dim_call(const Batch& b, const DimAttrs& a) {
  DimCall c{b.value(0), a};
  if (b.dim(0) == 0) {
    c.x = c.x.unsqueeze(1);
    c.a.keepdim = false;
  }
  ++c.a.dim;
  return c;
}
ReduceCall reduce_call(const Batch& b, const ReduceAttrs& a) {
  ReduceCall c{b.value(0), a};
  if (b.dim(0) == 0) {
    c.x = c.x.unsqueeze(1);
    c.a.dims = 2;
    c.a.keepdim = false;
  } else {
    c.a.dims <<= 1;
  }
  c.a.all = false;
  return c;
}

Tensor scan_each(const Batch& b) {
  DimAttrs a = b.attrs<DimAttrs>();
  ++a.dim;
  bool flat = true;
  std::vector<Tensor> x;
  for (int i = 0; i < b.n_in; ++i) {
    x.push_back(b.x(i));
    flat &= b.dim(i) == 0;
  }
  if (flat)
    for (Tensor& t : x) t = t.unsqueeze(1);
  const Tensor y = apply_all(b.op, pointers(x).data(), b.n_in, &a, AttrsOf<DimAttrs>::size)[0];
  return flat ? y.squeeze(1) : y;
}
std::vector<Tensor> sort_each(const Batch& b) {
  const DimCall c = dim_call(b, b.attrs<DimAttrs>());
  std::vector<Tensor> y = ct::apply_multi(b.op, c.a, c.x);
  if (b.dim(0) == 0)
    for (Tensor& t : y) t = t.squeeze(1);
  return y;
}
std::vector<Tensor> pick_each(const Batch& b) {
  const DimCall c = dim_call(b, b.attrs<DimAttrs>());
  return ct::apply_multi(b.op, c.a, c.x);
}
Tensor reduce_each(const Batch& b, const Op& op) {
  const ReduceCall c = reduce_call(b, b.attrs<ReduceAttrs>());
  return apply_with(op, c.a, c.x);
}
std::vector<Tensor> reduce_each_multi(const Batch& b, const Op& op) {
  const ReduceCall c = reduce_call(b, b.attrs<ReduceAttrs>());
  return ct::apply_multi(op, c.a, c.x);
}

bool any_nonzero(const Tensor& x) {
  const Tensor v = innermost_value(x);
  const NoGradGuard off;
  return v.numel() > 0 && ne(v.detach(), 0).any().is_nonzero();
}

Tensor reduced_tangent(const Tensor& gradient, const Tensor& t, const ReduceAttrs& a) {
  const Tensor y = gradient * t;
  if (y.dim() == 0) return y;
  std::vector<std::int64_t> dims;
  for (std::int64_t d = 0; d < y.dim(); ++d)
    if (a.reduces(d)) dims.push_back(d);
  return dims.empty() ? y : y.sum(dims, a.keepdim);
}

Tensor picked_tangent(const Tensor& t, const Tensor& index, std::int64_t dim, bool keepdim) {
  if (t.dim() == 0) return t;
  return keepdim ? gather(t, dim, index) : gather(t, dim, index.unsqueeze(dim)).squeeze(dim);
}

}  // namespace ct::detail
