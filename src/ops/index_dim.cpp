// ops/index_dim.cpp -- rows along one dimension, named by an index: index_select, index_add, index_copy, index_fill.
#include <algorithm>
#include <vector>

#include "ops/batching.h"
#include "ops/index_places.h"
#include "ops/op_list.h"

namespace ct {

using detail::DimAlphaAttrs;
using detail::DimAttrs;
using detail::DimValueAttrs;
using detail::impl;
using detail::wrap_dim;

namespace detail {

Tensor to_index(const char* op, const Tensor& index) {
  check_defined(op, index);
  CT_CHECK_INDEX(isIntegralType(index.scalar_type(), false), op, ": Expected dtype int32/int64 for index, but got ", index.scalar_type(),
                 "\n  Indices are integers; convert with index.to(ct::kLong).");
  return index.detach().to(kLong).contiguous();
}

void check_index_range(const char* op, const Tensor& index, std::int64_t dim, std::int64_t size, bool negative) {
  const auto* p = data<std::int64_t>(index);
  const std::int64_t bad = kernels::find_outside(p, index.numel(), negative ? -size : 0, size);
  CT_CHECK_INDEX(bad < 0, op, ": index ", p[bad], " is out of bounds for dimension ", dim, " with size ", size);
}

kernels::Places places_along(const Tensor& x, std::int64_t dim, const Tensor& index, Tensor& offsets, bool negative) {
  const TensorImpl* t = impl(x);
  kernels::Places p;
  p.data = t->data;
  p.element_size = static_cast<int>(elementSize(t->dtype));
  for (int d = 0; d < t->ndim; ++d) {
    if (d < dim) p.outer.add(t->sizes()[d], t->strides()[d] * p.element_size);
    if (d > dim) p.inner.add(t->sizes()[d], t->strides()[d] * p.element_size);
  }
  const std::int64_t stride = t->ndim ? t->strides()[dim] * p.element_size : 0, size = t->ndim ? t->sizes()[dim] : 1;
  p.n = index.numel();
  offsets = empty_like_dtype(kLong, {p.n});
  const auto* i = data<std::int64_t>(index);
  auto* o = data<std::int64_t>(offsets);
  for (std::int64_t j = 0; j < p.n; ++j) o[j] = (negative && i[j] < 0 ? i[j] + size : i[j]) * stride;
  p.offsets = o;
  return p;
}

Tensor number_as(const char* op, const Scalar& value, ScalarType dtype) {
  const bool fits = isFloatingType(dtype) || !value.isFloatingPoint() || static_cast<double>(value.toLong()) == value.toDouble();
  CT_CHECK(fits, op, ": value cannot be converted to type ", dtype, " without overflow: ", value);
  Tensor one = empty_like_dtype(dtype, {});
  CT_DISPATCH_ALL(dtype, [&] { *data<scalar_t>(one) = value.to<scalar_t>(); });
  return one;
}

}  // namespace detail

namespace {

std::int64_t size_along(const Tensor& x, std::int64_t dim) { return x.dim() ? x.size(dim) : 1; }

// What index_add and index_copy ask of their source: the shape of self with index.numel() in place of size(dim).
Tensor checked_source(const char* op, const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source) {
  CT_CHECK(source.scalar_type() == self.scalar_type(), op, ": self (", self.scalar_type(), ") and source (", source.scalar_type(),
           ") must have the same scalar type");
  CT_CHECK_INDEX(index.dim() <= 1, op, ": Index is supposed to be a vector, got shape ", index.sizes());
  const std::int64_t n = source.dim() ? source.size(dim < source.dim() ? dim : 0) : 1;
  CT_CHECK_INDEX(n == index.numel(), op, ": Number of indices (", index.numel(), ") should be equal to source.size(dim): (", n, "), for dim: ", dim);
  bool fits = source.dim() == self.dim() || (self.dim() <= 1 && source.dim() <= 1);
  for (std::int64_t d = 0; fits && d < self.dim() && self.dim() == source.dim(); ++d) fits = d == dim || self.size(d) == source.size(d);
  CT_CHECK(fits, op, ": source and destination slices must have the same shape: source ", source.sizes(), ", self ", self.sizes(), ", dim ", dim);
  return detail::apart_from(source, self).contiguous();
}

Tensor or_zeros(const Tensor& t, const Tensor& x) { return t.defined() ? t : zeros_like(x); }

// The indices [batch, n] of a batch as gather and scatter take them: in the shape of x, with n in place of the size along dim.
Tensor along(const Tensor& index, std::int64_t dim, const Tensor& x) {
  std::vector<std::int64_t> here(static_cast<std::size_t>(x.dim()), 1), wide(x.sizes().begin(), x.sizes().end());
  here[0] = wide[0] = index.size(0);
  here[static_cast<std::size_t>(dim + 1)] = wide[static_cast<std::size_t>(dim + 1)] = index.size(1);
  return index.reshape(here).expand(wide);
}

// y[.., j, ..] = x[.., index[j], ..]
constexpr Op index_select_op{
    .name = "index_select",
    .node = "IndexSelectBackward0",
    .kind = OpKind::linear,
    .formula = "dx = index_add(0, dim, index, g)",
    .forward = [](const Call& c) {
      const Tensor& x = c.x(0);
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      CT_CHECK_INDEX(c.x(1).dim() <= 1, "index_select: Index is supposed to be a vector, got shape ", c.x(1).sizes());
      const Tensor index = detail::to_index("index_select", c.x(1));
      CT_CHECK_INDEX(x.dim() > 0 || index.numel() == 1, "index_select: Index to scalar can have only 1 value, got ", index.numel(), " value(s)");
      detail::check_index_range("index_select: index out of range in self", index, dim, size_along(x, dim));
      Tensor offsets;
      detail::Dims shape = detail::to_dims(x.sizes());
      if (shape.n) shape.v[dim] = index.numel();
      Tensor out = detail::empty_like_dtype(x.scalar_type(), shape);
      kernels::read_places(impl(out)->data, detail::places_along(x, dim, index, offsets));
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return index_add(zeros(s.sizes(0), g.scalar_type()), s.attrs<DimAttrs>().dim, s.x(1), g);
    },
    .batch = [](const Batch& b) {
      const std::int64_t dim = b.attrs<DimAttrs>().dim;
      const Tensor &x = b.value(0), &index = b.value(1);
      CT_CHECK_INDEX(b.dim(1) <= 1, "index_select: Index is supposed to be a vector, got shape ", b.sizes(1));
      if (!b.batched(1)) return b.dim(0) ? index_select(x, dim + 1, index) : index_select(x.unsqueeze(1), 1, index).squeeze(1);
      if (!b.batched(0)) {  // the rows of all entries at once
        const Tensor y = index_select(x.dim() ? x : x.unsqueeze(0), dim, index.flatten());
        return x.dim() ? y.unflatten(dim, {b.size, index.numel() / std::max<std::int64_t>(1, b.size)}).movedim(dim, 0) : y;
      }
      const Tensor rows = detail::as_rows(b, 0), y = gather(rows, dim + 1, along(detail::as_rows(b, 1), dim, rows));
      return b.dim(0) ? y : y.squeeze(1);
    },
    .save = {X(1)},
    .save_shapes = true,
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), tensor({2, 0, 2})}, DimAttrs{0});
      call({call.uniform({2, 3, 4}), tensor({1, 1})}, DimAttrs{1});
      call({call.uniform({2, 3}), tensor({2, 0, 1, 2})}, DimAttrs{1});
      call({call.uniform({3}), zeros({0}, kLong)}, DimAttrs{0});
    },
};

// self[.., index[j], ..] += alpha * source[.., j, ..]
constexpr Op index_add_op{
    .name = "index_add",
    .node = "IndexAddBackward0",
    .formula = "dself = g; dsource = alpha * index_select(g, dim, index)",
    .inplace = [](const Call& c, const Tensor& self) {
      const auto& a = c.attrs<DimAlphaAttrs>();
      const Tensor index = detail::to_index("index_add", c.x(2));
      const Tensor source = checked_source("index_add", self, a.dim, index, c.x(1));
      CT_CHECK(isFloatingType(self.scalar_type()) || !a.alpha.isFloatingPoint(), "index_add: For integral input tensors, argument alpha must not be "
               "a floating point number.");
      detail::check_index_range("index_add: index out of range in self", index, a.dim, size_along(self, a.dim));
      Tensor offsets;
      kernels::add_places(self.scalar_type(), detail::places_along(self, a.dim, index, offsets), impl(source)->data, a.alpha);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return g;
      const auto& a = s.attrs<DimAlphaAttrs>();
      const Tensor part = index_select(g, a.dim, s.x(2)).reshape(s.sizes(1));
      return a.alpha.equal(1) ? part : part * a.alpha;
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& a = s.attrs<DimAlphaAttrs>();
      return index_add(or_zeros(t[0], s.x(0)), a.dim, s.x(2), or_zeros(t[1], s.x(1)), a.alpha);
    },
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<DimAlphaAttrs>();
      const Tensor self = detail::as_rows(b, 0), source = detail::as_rows(b, 1);
      CT_CHECK_INDEX(b.dim(2) <= 1, "index_add: Index is supposed to be a vector, got shape ", b.sizes(2));
      const Tensor y = b.batched(2) ? scatter_add(self, a.dim + 1, along(detail::as_rows(b, 2), a.dim, source), a.alpha.equal(1) ? source : source * a.alpha)
                                    : index_add(self, a.dim + 1, b.value(2), source, a.alpha);
      return b.dim(0) ? y : y.squeeze(1);
    },
    .save = {0, X(2)},
    .save_shapes = true,
    .nondiff = 1u << 2,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({4, 4}), tensor({2, 0, 2, 1})}, DimAlphaAttrs{0, 1});
      call({call.uniform({2, 3}), call.uniform({2, 2}), tensor({1, 1})}, DimAlphaAttrs{1, -2.5});
      call({call.uniform({3}), call.uniform({0}), zeros({0}, kLong)}, DimAlphaAttrs{0, 1});
    },
};

// self[.., index[j], ..] = source[.., j, ..]
constexpr Op index_copy_op{
    .name = "index_copy",
    .node = "IndexCopyBackward0",
    .formula = "dself = g, 0 at the index; dsource = index_select(g, dim, index)",
    .inplace = [](const Call& c, const Tensor& self) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const Tensor index = detail::to_index("index_copy", c.x(2));
      const Tensor source = checked_source("index_copy", self, dim, index, c.x(1));
      detail::check_index_range("index_copy", index, dim, size_along(self, dim));
      Tensor offsets;
      kernels::write_places(detail::places_along(self, dim, index, offsets), impl(source)->data);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      return arg == 0 ? index_fill(g, dim, s.x(2), 0) : index_select(g, dim, s.x(2)).reshape(s.sizes(1));
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      return index_copy(or_zeros(t[0], s.x(0)), s.attrs<DimAttrs>().dim, s.x(2), or_zeros(t[1], s.x(1)));
    },
    .batch = [](const Batch& b) {
      const std::int64_t dim = b.attrs<DimAttrs>().dim;
      const Tensor self = detail::as_rows(b, 0), source = detail::as_rows(b, 1);
      CT_CHECK_INDEX(b.dim(2) <= 1, "index_copy: Index is supposed to be a vector, got shape ", b.sizes(2));
      const Tensor y = b.batched(2) ? scatter(self, dim + 1, along(detail::as_rows(b, 2), dim, source), source) : index_copy(self, dim + 1, b.value(2), source);
      return b.dim(0) ? y : y.squeeze(1);
    },
    .save = {X(2), X(2)},
    .save_shapes = true,
    .nondiff = 1u << 2,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({2, 4}), tensor({2, 0})}, DimAttrs{0});
      call({call.uniform({2, 3}), call.uniform({2, 1}), tensor({1})}, DimAttrs{1});
    },
};

void fill_rows(const char* op, const Tensor& self, std::int64_t dim, const Tensor& raw_index, const Tensor& one) {
  CT_CHECK_INDEX(raw_index.dim() <= 1, op, ": Index is supposed to be a vector, got shape ", raw_index.sizes());
  const Tensor index = detail::to_index(op, raw_index);
  detail::check_index_range(op, index, dim, size_along(self, dim), true);
  Tensor offsets;
  kernels::fill_places(detail::places_along(self, dim, index, offsets, true), impl(one)->data);
}

// self[.., index[j], ..] = value
constexpr Op index_fill_op{
    .name = "index_fill",
    .node = "IndexFillBackward0",
    .formula = "dself = g, 0 at the index",
    .inplace = [](const Call& c, const Tensor& self) {
      const auto& a = c.attrs<DimValueAttrs>();
      fill_rows("index_fill", self, a.dim, c.x(1), detail::number_as("index_fill", a.value, self.scalar_type()));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return index_fill(g, s.attrs<DimValueAttrs>().dim, s.x(1), 0); },
    .jvp = [](const Tensor* t, const Saved& s) { return index_fill(t[0], s.attrs<DimValueAttrs>().dim, s.x(1), 0); },
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<DimValueAttrs>();
      const Tensor self = detail::as_rows(b, 0);
      CT_CHECK_INDEX(b.dim(1) <= 1, "index_fill: Index is supposed to be a vector, got shape ", b.sizes(1));
      Tensor y;
      if (b.batched(1)) {
        const Tensor index = detail::as_rows(b, 1), from_front = where(index < 0, index + self.size(a.dim + 1), index);
        y = scatter(self, a.dim + 1, along(from_front, a.dim, self), a.value);
      } else {
        y = index_fill(self, a.dim + 1, b.value(1), a.value);
      }
      return b.dim(0) ? y : y.squeeze(1);
    },
    .save = {X(1)},
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), tensor({2, 0})}, DimValueAttrs{0, 1.5});
      call({call.uniform({2, 3}), tensor({-1})}, DimValueAttrs{1, 2});
    },
};

}  // namespace

std::span<const Op* const> index_dim_ops() {
  static constexpr const Op* ops[] = {&index_select_op, &index_add_op, &index_copy_op, &index_fill_op};
  return ops;
}

Tensor index_select(const Tensor& self, std::int64_t dim, const Tensor& index) {
  detail::check_defined("index_select", self);
  return apply_with(index_select_op, DimAttrs{wrap_dim(dim, self.dim())}, self, index);
}
Tensor index_add(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha) {
  for (const Tensor* t : {&self, &index, &source}) detail::check_defined("index_add", *t);
  return apply_with(index_add_op, DimAlphaAttrs{wrap_dim(dim, self.dim()), alpha}, self, source, index);
}
Tensor& Tensor::index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha) const {
  for (const Tensor* t : {this, &index, &source}) detail::check_defined("index_add_", *t);
  return apply_inplace(index_add_op, DimAlphaAttrs{wrap_dim(dim, this->dim()), alpha}, *this, source, index);
}
Tensor index_copy(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source) {
  for (const Tensor* t : {&self, &index, &source}) detail::check_defined("index_copy", *t);
  return apply_with(index_copy_op, DimAttrs{wrap_dim(dim, self.dim())}, self, source, index);
}
Tensor& Tensor::index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  for (const Tensor* t : {this, &index, &source}) detail::check_defined("index_copy_", *t);
  return apply_inplace(index_copy_op, DimAttrs{wrap_dim(dim, this->dim())}, *this, source, index);
}
Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value) {
  for (const Tensor* t : {&self, &index}) detail::check_defined("index_fill", *t);
  return apply_with(index_fill_op, DimValueAttrs{wrap_dim(dim, self.dim()), value}, self, index);
}
Tensor& Tensor::index_fill_(std::int64_t dim, const Tensor& index, const Scalar& value) const {
  for (const Tensor* t : {this, &index}) detail::check_defined("index_fill_", *t);
  return apply_inplace(index_fill_op, DimValueAttrs{wrap_dim(dim, this->dim()), value}, *this, index);
}

}  // namespace ct
