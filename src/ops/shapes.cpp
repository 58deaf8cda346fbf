// ops/shapes.cpp -- shapes built from view, expand and permute: flatten, broadcast_to, meshgrid, and their kin.
#include <string>
#include <vector>

#include "autograd/layers.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Dims;
using detail::wrap_dim;

Tensor flatten(const Tensor& self, std::int64_t start_dim, std::int64_t end_dim) {
  detail::check_defined("flatten", self);
  const std::int64_t start = wrap_dim(start_dim, self.dim()), end = wrap_dim(end_dim, self.dim());
  CT_CHECK(start <= end, "flatten: flatten() has invalid args: start_dim cannot come after end_dim");
  if (self.dim() == 0) return self.reshape({1});
  if (start == end) return self;
  Dims shape;
  std::int64_t merged = 1;
  for (std::int64_t d = 0; d < self.dim(); ++d) {
    if (d >= start && d <= end) merged *= self.size(d);
    if (d == end) shape.v[shape.n++] = merged;
    else if (d < start || d > end) shape.v[shape.n++] = self.size(d);
  }
  return self.reshape(shape);
}
Tensor unflatten(const Tensor& self, std::int64_t dim, IntArrayRef sizes) {
  detail::check_defined("unflatten", self);
  CT_CHECK(self.dim() > 0, "unflatten: a 0-dim tensor has no dimension to unflatten");
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  CT_CHECK(!sizes.empty(), "unflatten: sizes must be non-empty");
  std::int64_t known = 1;
  int open = 0;
  for (std::int64_t s : sizes) {
    if (s == -1) ++open;
    else CT_CHECK(s >= 0 && !__builtin_mul_overflow(known, s, &known), "unflatten: invalid sizes ", sizes);
  }
  CT_CHECK(open <= 1, "unflatten: only one dimension can be inferred, got ", sizes);
  CT_CHECK(open ? known > 0 && n % known == 0 : known == n, "unflatten: Provided sizes ", sizes, " don't multiply up to the size of dim ", d, " (", n,
           ") in the input tensor");
  CT_CHECK(self.dim() - 1 + static_cast<std::int64_t>(sizes.size()) <= max_dims, "unflatten: the result would have more than ", max_dims, " dimensions");
  Dims shape;
  for (std::int64_t k = 0; k < self.dim(); ++k) {
    if (k != d) shape.v[shape.n++] = self.size(k);
    else for (std::int64_t s : sizes) shape.v[shape.n++] = s == -1 ? n / known : s;
  }
  return self.view(shape);
}
Tensor ravel(const Tensor& self) {
  detail::check_defined("ravel", self);
  return self.contiguous().view(IntArrayRef{-1});
}

Tensor broadcast_to(const Tensor& self, IntArrayRef size) {
  detail::check_defined("broadcast_to", self);
  return self.expand(size);
}
std::vector<Tensor> broadcast_tensors(TensorList tensors) {
  Dims shape;
  for (const Tensor& x : tensors) {
    detail::check_defined("broadcast_tensors", x);
    detail::broadcast(shape, x.sizes(), "broadcast_tensors");
  }
  std::vector<Tensor> out;
  for (const Tensor& x : tensors) out.push_back(x.expand(shape));
  return out;
}

std::vector<Tensor> meshgrid(TensorList tensors, std::string_view indexing) {
  CT_CHECK(!tensors.empty(), "meshgrid: meshgrid expects a non-empty TensorList");
  CT_CHECK(indexing == "ij" || indexing == "xy", "meshgrid: torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ", indexing);
  const std::size_t n = tensors.size();
  CT_CHECK(n <= static_cast<std::size_t>(max_dims), "meshgrid: at most ", max_dims, " tensors, got ", n);
  Dims shape;
  for (const Tensor& x : tensors) {
    detail::check_defined("meshgrid", x);
    CT_CHECK(x.dim() <= 1, "meshgrid: torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ", x.sizes());
    CT_CHECK(x.scalar_type() == tensors[0].scalar_type(), "meshgrid: torch.meshgrid expects all tensors to have the same dtype");
    shape.v[shape.n++] = x.numel();
  }
  const bool swap = indexing == "xy" && n >= 2;
  if (swap) std::swap(shape.v[0], shape.v[1]);
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = swap && i < 2 ? 1 - i : i;
    Dims row;
    row.n = shape.n;
    std::fill(row.v, row.v + row.n, 1);
    row.v[at] = -1;
    if (tensors[i].numel() == 0) row.v[at] = 0;
    out.push_back(tensors[i].view(row).expand(shape));
  }
  return out;
}
Tensor cartesian_prod(TensorList tensors) {
  CT_CHECK(!tensors.empty(), "cartesian_prod: expected a non-empty list of Tensors");
  for (const Tensor& x : tensors) {
    detail::check_defined("cartesian_prod", x);
    CT_CHECK(x.dim() == 1, "cartesian_prod: Expect a 1D vector, but got shape ", x.sizes());
  }
  if (tensors.size() == 1) return tensors[0];
  std::vector<Tensor> columns;
  for (const Tensor& g : meshgrid(tensors, "ij")) columns.push_back(g.flatten());
  return stack(columns, 1);
}

// Another dtype over the same bytes: no gradient goes through it, so it is no view to autograd, but shares the version.
Tensor Tensor::view(ScalarType dtype) const {
  detail::check_defined("view", *this);
  const std::int64_t have = element_size(), want = elementSize(dtype);
  Dims shape = detail::to_dims(sizes()), steps = detail::to_dims(strides());
  if (have != want) {
    CT_CHECK(dim() > 0, "view: self.dim() cannot be 0 to view ", scalar_type(), " as ", dtype, " (different element sizes)");
    const int last = shape.n - 1;
    CT_CHECK(stride(last) == 1 || size(last) == 1, "view: self.stride(-1) must be 1 to view ", scalar_type(), " as ", dtype,
             " (different element sizes), but got ", stride(last));
    if (have > want) {
      const std::int64_t factor = have / want;
      shape.v[last] *= factor;
      for (int d = 0; d < last; ++d) steps.v[d] *= factor;
    } else {
      const std::int64_t factor = want / have;
      bool fits = size(last) % factor == 0 && storage_offset() % factor == 0;
      for (int d = 0; d < last; ++d) fits &= steps.v[d] % factor == 0;
      CT_CHECK(fits, "view: self.size(-1), self.storage_offset() and all strides but the last must be divisible by ", factor, " to view ", scalar_type(),
               " as ", dtype, " (different element sizes), but the size is ", size(last));
      shape.v[last] /= factor;
      for (int d = 0; d < last; ++d) steps.v[d] /= factor;
    }
    steps.v[last] = 1;
  }
  if (detail::is_batched(*this))
    return detail::on_value(*this, [dtype](const Tensor& x) { return x.view(dtype); });
  detail::TensorImpl* t = detail::impl(*this);
  t->storage->refs.inc();
  detail::TensorImpl* v = detail::new_impl(t->storage, t->data, dtype, shape, steps);
  v->inference = t->inference;
  return wrap(v);
}

}  // namespace ct
