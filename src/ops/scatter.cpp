// ops/scatter.cpp -- one index for each element: gather, scatter, scatter_add.
#include "ops/batching.h"
#include "ops/index_places.h"
#include "ops/op_list.h"

namespace ct {

using detail::DimAttrs;
using detail::Dims;
using detail::DimValueAttrs;
using detail::impl;
using detail::TensorImpl;
using detail::wrap_dim;

namespace {

// A 0-dim tensor counts as a vector of one.
std::int64_t dims_of(const Tensor& x) { return std::max<std::int64_t>(1, x.dim()); }
std::int64_t size_of(const Tensor& x, std::int64_t d) { return x.dim() ? x.size(d) : 1; }

// Errors: Error for shapes, IndexError for dtype and range.
Tensor checked_index(const char* op, const Tensor& self, std::int64_t dim, const Tensor& raw, bool check_range = true) {
  CT_CHECK_INDEX(raw.scalar_type() == kLong || raw.scalar_type() == kInt, op, ": ", op, "(): Expected dtype int64 for index, got ", raw.scalar_type(),
                 "\n  Convert with index.to(ct::kLong).");
  const Tensor index = detail::to_index(op, raw);
  if (index.numel() == 0) return index;
  CT_CHECK(dims_of(index) == dims_of(self), op, ": Index tensor must have the same number of dimensions as input tensor: index ", index.sizes(),
           ", self ", self.sizes());
  for (std::int64_t d = 0; d < dims_of(self); ++d)
    CT_CHECK(d == dim || size_of(index, d) <= size_of(self, d), op, ": Size does not match at dimension ", d, " expected index ", index.sizes(),
             " to be smaller than self ", self.sizes(), " apart from dimension ", dim);
  if (!check_range) return index;
  detail::check_index_range(op, index, dim, size_of(self, dim));
  return detail::apart_from(index, self);  // a write must not change checked numbers
}

kernels::Lines lines(const Tensor& self, std::int64_t dim, const Tensor& index) {
  const TensorImpl* t = impl(self);
  kernels::Lines p;
  p.data = t->data;
  p.element_size = static_cast<int>(elementSize(t->dtype));
  p.index = detail::data<std::int64_t>(index);
  p.n = index.numel() ? size_of(index, dim) : 0;
  p.stride = t->ndim ? t->strides()[dim] * p.element_size : 0;
  if (p.n == 0) return p;
  for (std::int64_t d = 0; d < t->ndim; ++d) {
    if (d < dim) p.outer.add(size_of(index, d), t->strides()[d] * p.element_size);
    if (d > dim) p.inner.add(size_of(index, d), t->strides()[d] * p.element_size);
  }
  return p;
}

Tensor or_zeros(const Tensor& t, const Tensor& x) { return t.defined() ? t : zeros_like(x); }
// A batched result whose 0-dim entries were made vectors.
Tensor in_shape_of_self(const Batch& b, const Tensor& y) { return b.dim(0) == 0 ? y.squeeze(1) : y; }

// y[i][j][k] = x[i][index[i][j][k]][k], for dim 1
constexpr Op gather_op{
    .name = "gather",
    .node = "GatherBackward0",
    .kind = OpKind::linear,
    .formula = "dx = scatter_add(0, dim, index, g)",
    .forward = [](const Call& c) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const Tensor index = checked_index("gather", c.x(0), dim, c.x(1), false);
      Tensor out = detail::empty_like_dtype(c.x(0).scalar_type(), index.sizes());
      const std::int64_t size = size_of(c.x(0), dim);
      if (index.numel() && size == 0) detail::check_index_range("gather", index, dim, size);
      if (!kernels::read_lines(impl(out)->data, lines(c.x(0), dim, index), size)) detail::check_index_range("gather", index, dim, size);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const Tensor none = zeros(s.sizes(0), g.scalar_type());
      return detail::any_layered({&g, &s.x(1)}) ? scatter_add(none, dim, s.x(1), g) : Tensor(none.scatter_add_(dim, s.x(1), g));
    },
    .batch = [](const Batch& b) {
      const Tensor index = detail::as_rows(b, 1);
      if (index.numel() == 0) return b.value(0).new_empty(b.with_batch(b.sizes(1)));
      const Tensor y = gather(detail::as_rows(b, 0), b.attrs<DimAttrs>().dim + 1, index);
      return b.dim(1) == 0 ? y.squeeze(1) : y;
    },
    .save = {X(1)},
    .save_shapes = true,
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), tensor({{2, 0, 2, 1}, {0, 0, 1, 1}})}, DimAttrs{0});
      call({call.uniform({3, 4}), tensor({{3}, {0}, {3}})}, DimAttrs{1});
      call({call.uniform({2, 3, 2}), tensor({{{2, 2}}, {{0, 1}}})}, DimAttrs{1});
      call({call.uniform({4}), tensor({3, 3, 0})}, DimAttrs{0});
    },
};

Tensor checked_source(const char* op, const Tensor& self, const Tensor& index, const Tensor& src) {
  CT_CHECK(src.scalar_type() == self.scalar_type(), op, ": ", op, "(): Expected self.dtype to be equal to src.dtype, got ", self.scalar_type(), " and ",
           src.scalar_type());
  CT_CHECK(index.numel() == 0 || src.sizes() == index.sizes(), op, ": Expected index ", index.sizes(), " to be of the size of src ", src.sizes());
  return detail::apart_from(src, self).contiguous();
}

// self[i][index[i][j][k]][k] = src[i][j][k], for dim 1; of indices named twice the last one stays
constexpr Op scatter_op{
    .name = "scatter",
    .node = "ScatterBackward0",
    .formula = "dself = g, 0 at the index; dsrc = gather(g, dim, index)",
    .inplace = [](const Call& c, const Tensor& self) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const Tensor index = checked_index("scatter", self, dim, c.x(2));
      const Tensor src = checked_source("scatter", self, index, c.x(1));
      kernels::write_lines(lines(self, dim, index), impl(src)->data);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      return arg == 0 ? scatter(g, dim, s.x(2), 0) : gather(g, dim, s.x(2));
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      return scatter(or_zeros(t[0], s.x(0)), s.attrs<DimAttrs>().dim, s.x(2), or_zeros(t[1], s.x(1)));
    },
    .batch = [](const Batch& b) {
      if (b.value(2).numel() == 0) return b.x(0).clone();
      return in_shape_of_self(b, scatter(detail::as_rows(b, 0), b.attrs<DimAttrs>().dim + 1, detail::as_rows(b, 2), detail::as_rows(b, 1)));
    },
    .save = {X(2), X(2)},
    .nondiff = 1u << 2,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({2, 4}), tensor({{2, 0, 2, 1}, {0, 1, 1, 0}})}, DimAttrs{0});
      call({call.uniform({3, 4}), call.uniform({3, 1}), tensor({{3}, {0}, {3}})}, DimAttrs{1});
    },
};

constexpr Op scatter_value_op{
    .name = "scatter.value",
    .node = "ScatterBackward1",
    .formula = "dself = g, 0 at the index",
    .inplace = [](const Call& c, const Tensor& self) {
      const auto& a = c.attrs<DimValueAttrs>();
      const Tensor index = checked_index("scatter", self, a.dim, c.x(1));
      const Tensor one = detail::number_as("scatter", a.value, self.scalar_type());
      kernels::fill_lines(lines(self, a.dim, index), impl(one)->data);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return scatter(g, s.attrs<DimValueAttrs>().dim, s.x(1), 0); },
    .jvp = [](const Tensor* t, const Saved& s) { return scatter(t[0], s.attrs<DimValueAttrs>().dim, s.x(1), 0); },
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<DimValueAttrs>();
      if (b.value(1).numel() == 0) return b.x(0).clone();
      return in_shape_of_self(b, scatter(detail::as_rows(b, 0), a.dim + 1, detail::as_rows(b, 1), a.value));
    },
    .save = {X(1)},
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), tensor({{2, 0, 2, 1}})}, DimValueAttrs{0, 1.5});
      call({call.uniform({3, 4}), tensor({{3}, {0}, {3}})}, DimValueAttrs{1, -1});
    },
};

// self[i][index[i][j][k]][k] += src[i][j][k], for dim 1
constexpr Op scatter_add_op{
    .name = "scatter_add",
    .node = "ScatterAddBackward0",
    .formula = "dself = g; dsrc = gather(g, dim, index)",
    .inplace = [](const Call& c, const Tensor& self) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const Tensor index = checked_index("scatter_add", self, dim, c.x(2));
      const Tensor src = checked_source("scatter_add", self, index, c.x(1));
      kernels::add_lines(self.scalar_type(), lines(self, dim, index), impl(src)->data);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? g : gather(g, s.attrs<DimAttrs>().dim, s.x(2)); },
    .jvp = [](const Tensor* t, const Saved& s) {
      return scatter_add(or_zeros(t[0], s.x(0)), s.attrs<DimAttrs>().dim, s.x(2), or_zeros(t[1], s.x(1)));
    },
    .batch = [](const Batch& b) {
      if (b.value(2).numel() == 0) return b.x(0).clone();
      return in_shape_of_self(b, scatter_add(detail::as_rows(b, 0), b.attrs<DimAttrs>().dim + 1, detail::as_rows(b, 2), detail::as_rows(b, 1)));
    },
    .save = {0, X(2)},
    .nondiff = 1u << 2,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({2, 4}), tensor({{2, 0, 2, 1}, {2, 1, 1, 0}})}, DimAttrs{0});
      call({call.uniform({3, 4}), call.uniform({3, 2}), tensor({{3, 3}, {0, 1}, {3, 0}})}, DimAttrs{1});
    },
};

// A source may be larger than the index: only its first corner is read.
Tensor corner(const char* op, const Tensor& self, std::int64_t dim, const Tensor& index, Tensor src) {
  if (index.sizes() == src.sizes()) return src;
  if (index.numel() == 0) return src;
  CT_CHECK(dims_of(index) == dims_of(src), op, ": Index tensor must have the same number of dimensions as src tensor: index ", index.sizes(),
           ", src ", src.sizes());
  for (std::int64_t d = 0; d < src.dim(); ++d)
    CT_CHECK(size_of(index, d) <= src.size(d), op, ": Expected index ", index.sizes(), " to be smaller than self ", self.sizes(),
             " apart from dimension ", dim, " and to be smaller size than src ", src.sizes());
  for (std::int64_t d = 0; d < src.dim(); ++d)
    if (size_of(index, d) != src.size(d)) src = narrow(src, d, 0, size_of(index, d));
  return index.dim() == src.dim() ? src : src.reshape(index.sizes());
}

void check_all(const char* op, std::initializer_list<const Tensor*> tensors) {
  for (const Tensor* t : tensors) detail::check_defined(op, *t);
}

}  // namespace

std::span<const Op* const> scatter_ops() {
  static constexpr const Op* ops[] = {&gather_op, &scatter_op, &scatter_value_op, &scatter_add_op};
  return ops;
}

Tensor gather(const Tensor& self, std::int64_t dim, const Tensor& index) {
  check_all("gather", {&self, &index});
  return apply_with(gather_op, DimAttrs{wrap_dim(dim, self.dim())}, self, index);
}
Tensor scatter(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& src) {
  check_all("scatter", {&self, &index, &src});
  const std::int64_t d = wrap_dim(dim, self.dim());
  return apply_with(scatter_op, DimAttrs{d}, self, corner("scatter", self, d, index, src), index);
}
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Tensor& src) const {
  check_all("scatter_", {this, &index, &src});
  const std::int64_t d = wrap_dim(dim, this->dim());
  return apply_inplace(scatter_op, DimAttrs{d}, *this, corner("scatter_", *this, d, index, src), index);
}
Tensor scatter(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value) {
  check_all("scatter", {&self, &index});
  return apply_with(scatter_value_op, DimValueAttrs{wrap_dim(dim, self.dim()), value}, self, index);
}
Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Scalar& value) const {
  check_all("scatter_", {this, &index});
  return apply_inplace(scatter_value_op, DimValueAttrs{wrap_dim(dim, this->dim()), value}, *this, index);
}
Tensor scatter_add(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& src) {
  check_all("scatter_add", {&self, &index, &src});
  const std::int64_t d = wrap_dim(dim, self.dim());
  return apply_with(scatter_add_op, DimAttrs{d}, self, corner("scatter_add", self, d, index, src), index);
}
Tensor& Tensor::scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& src) const {
  check_all("scatter_add_", {this, &index, &src});
  const std::int64_t d = wrap_dim(dim, this->dim());
  return apply_inplace(scatter_add_op, DimAttrs{d}, *this, corner("scatter_add_", *this, d, index, src), index);
}

Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<std::int64_t> dim) {
  check_all("take_along_dim", {&self, &indices});
  if (!dim) return gather(self.reshape({-1}), 0, indices.reshape({-1}));
  CT_CHECK(self.dim() == indices.dim(), "take_along_dim: torch.take_along_dim(): input and indices should have the same number of dimensions, but got ",
           self.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const std::int64_t d = wrap_dim(*dim, self.dim());
  // All other dims broadcast.
  Dims x = detail::to_dims(self.sizes()), i = detail::to_dims(indices.sizes());
  if (x.n) x.v[d] = i.v[d];
  Dims common = x;
  detail::broadcast(common, i, "take_along_dim");
  Dims wide = common;
  if (x.n) wide.v[d] = self.size(d);
  return gather(self.expand(wide), d, indices.expand(common));
}

}  // namespace ct
