// ops/split.cpp -- one tensor into several views: split, chunk, unbind.
#include <vector>

#include "ops/batching.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::DimAttrs;
using detail::Dims;
using detail::impl;
using detail::SplitAttrs;
using detail::TensorImpl;
using detail::wrap_dim;

namespace {

Tensor part(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  Dims sizes = detail::to_dims(x.sizes());
  sizes.v[dim] = length;
  return detail::alias(x, sizes, x.strides(), x.numel() ? start * x.stride(dim) : 0);
}

// The gradient of output k, or zeros in its shape if none arrived.
Tensor arrived(const Saved& s, int k, int n, Dims shape) {
  if (s.g(k).defined()) return s.g(k);
  for (int j = 0; j < n; ++j)
    if (s.g(j).defined()) return zeros(shape, s.g(j).scalar_type());
  return {};
}

// y_k = x[.., k * size : (k + 1) * size, ..]; the last one may be shorter.
constexpr Op split_op{
    .name = "split",
    .node = "SplitBackward0",
    .kind = OpKind::view,
    .formula = "dx = cat(g_0, g_1, ..)",
    .forward_multi = [](const Call& c) {
      const auto& a = c.attrs<SplitAttrs>();
      const Tensor& x = c.x(0);
      const std::int64_t n = x.size(a.dim);
      std::vector<Tensor> out;
      for (std::int64_t at = 0; at < n || out.empty(); at += a.size) out.push_back(part(x, a.dim, at, std::min(a.size, n - at)));
      return out;
    },
    .vjp = [](const Tensor&, const Saved& s, int) {
      const auto& a = s.attrs<SplitAttrs>();
      Dims shape = detail::to_dims(s.sizes(0));
      const std::int64_t size = shape.v[a.dim];
      const int n = a.size ? static_cast<int>(std::max<std::int64_t>(1, (size + a.size - 1) / a.size)) : 1;
      std::vector<Tensor> parts;
      for (int k = 0; k < n; ++k) {
        shape.v[a.dim] = std::min(a.size, size - k * a.size);
        parts.push_back(arrived(s, k, n, shape));
      }
      return cat(parts, a.dim);
    },
    .batch_multi = detail::batch_multi_behind<SplitAttrs>,
    .save_shapes = true,
    .multi_view = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({5, 2})}, SplitAttrs{0, 2});
      call({call.uniform({2, 4})}, SplitAttrs{1, 2});
    },
};

// The attributes are a row of numbers: dim, how many parts, their sizes.
constexpr Op split_with_sizes_op{
    .name = "split_with_sizes",
    .node = "SplitWithSizesBackward0",
    .kind = OpKind::view,
    .formula = split_op.formula,
    .forward_multi = [](const Call& c) {
      const std::int64_t* a = &c.attrs<std::int64_t>();
      std::vector<Tensor> out;
      std::int64_t at = 0;
      for (std::int64_t k = 0; k < a[1]; at += a[2 + k++]) out.push_back(part(c.x(0), a[0], at, a[2 + k]));
      return out;
    },
    .vjp = [](const Tensor&, const Saved& s, int) {
      const std::int64_t* a = &s.attrs<std::int64_t>();
      Dims shape = detail::to_dims(s.sizes(0));
      std::vector<Tensor> parts;
      for (int k = 0; k < a[1]; ++k) {
        shape.v[a[0]] = a[2 + k];
        parts.push_back(arrived(s, k, static_cast<int>(a[1]), shape));
      }
      return cat(parts, a[0]);
    },
    .batch_multi = [](const Batch& b) {
      const std::int64_t* a = &b.attrs<std::int64_t>();
      return split_with_sizes(b.value(0), {a + 2, static_cast<std::size_t>(a[1])}, a[0] + 1);
    },
    .save_shapes = true,
    .multi_view = true,
    .samples = [](SampleSink& call) {
      const std::int64_t rows[] = {0, 3, 1, 3, 1};
      call.call({call.uniform({5, 2})}, rows, sizeof rows);
    },
};

// y_k = x[.., k, ..]
constexpr Op unbind_op{
    .name = "unbind",
    .node = "UnbindBackward0",
    .kind = OpKind::view,
    .formula = "dx = stack(g_0, g_1, ..)",
    .forward_multi = [](const Call& c) {
      const std::int64_t dim = c.attrs<DimAttrs>().dim;
      const TensorImpl* x = impl(c.x(0));
      Dims sizes, strides;
      for (int d = 0; d < x->ndim; ++d) {
        if (d == dim) continue;
        sizes.v[sizes.n++] = x->sizes()[d];
        strides.v[strides.n++] = x->strides()[d];
      }
      std::vector<Tensor> out;
      for (std::int64_t k = 0; k < x->sizes()[dim]; ++k) out.push_back(detail::alias(c.x(0), sizes, strides, x->numel ? k * x->strides()[dim] : 0));
      return out;
    },
    .vjp = [](const Tensor&, const Saved& s, int) {
      const std::int64_t dim = s.attrs<DimAttrs>().dim;
      const IntArrayRef x = s.sizes(0);
      Dims shape;
      for (std::size_t d = 0; d < x.size(); ++d)
        if (static_cast<std::int64_t>(d) != dim) shape.v[shape.n++] = x[d];
      const int n = static_cast<int>(x[static_cast<std::size_t>(dim)]);
      Tensor none;
      std::vector<Tensor> parts;
      for (int k = 0; k < n; ++k) {
        if (!s.g(k).defined() && !none.defined()) none = arrived(s, k, n, shape);
        parts.push_back(s.g(k).defined() ? s.g(k) : none);
      }
      return stack(parts, dim);
    },
    .batch_multi = detail::batch_multi_behind<DimAttrs>,
    .save_shapes = true,
    .multi_view = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 2})}, DimAttrs{0});
      call({call.uniform({2, 3})}, DimAttrs{1});
    },
};

}  // namespace

std::span<const Op* const> split_ops() {
  static constexpr const Op* ops[] = {&split_op, &split_with_sizes_op, &unbind_op};
  return ops;
}

std::vector<Tensor> split(const Tensor& self, std::int64_t split_size, std::int64_t dim) {
  detail::check_defined("split", self);
  CT_CHECK(self.dim() > 0, "split: split expects at least a 1-dimensional tensor");
  CT_CHECK(split_size >= 0, "split: split expects split_size be non-negative, but got split_size=", split_size);
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  CT_CHECK(split_size > 0 || n == 0, "split: split_size can only be 0 if dimension size is 0, but got dimension size of ", n);
  return apply_multi(split_op, SplitAttrs{d, split_size}, self);
}
std::vector<Tensor> split_with_sizes(const Tensor& self, IntArrayRef split_sizes, std::int64_t dim) {
  detail::check_defined("split_with_sizes", self);
  CT_CHECK(self.dim() > 0, "split_with_sizes: split expects at least a 1-dimensional tensor");
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  std::int64_t left = n;
  bool fits = true;
  std::vector<std::int64_t> attrs{d, static_cast<std::int64_t>(split_sizes.size())};
  for (std::int64_t s : split_sizes) {
    CT_CHECK(s >= 0, "split_with_sizes: split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=", split_sizes);
    fits &= s <= left;
    left -= fits ? s : 0;
    attrs.push_back(s);
  }
  CT_CHECK(fits && left == 0, "split_with_sizes: split_with_sizes expects split_sizes to sum exactly to ", n, " (input tensor's size at dimension ", d,
           "), but got split_sizes=", split_sizes);
  const Tensor* in[] = {&self};
  return detail::apply_multi(split_with_sizes_op, in, 1, attrs.data(), static_cast<std::uint32_t>(attrs.size() * sizeof(std::int64_t)));
}
std::vector<Tensor> split(const Tensor& self, IntArrayRef split_sizes, std::int64_t dim) { return split_with_sizes(self, split_sizes, dim); }

std::vector<Tensor> chunk(const Tensor& self, std::int64_t chunks, std::int64_t dim) {
  detail::check_defined("chunk", self);
  CT_CHECK(self.dim() > 0, "chunk: chunk expects at least a 1-dimensional tensor");
  CT_CHECK(chunks > 0, "chunk: chunk expects `chunks` to be greater than 0, got: ", chunks);
  const std::int64_t n = self.size(dim), size = n / chunks + (n % chunks != 0);
  if (size > 0) return split(self, size, dim);
  CT_CHECK(chunks <= std::int64_t{1} << 30, "chunk: ", chunks, " chunks of nothing do not fit into memory");
  return split_with_sizes(self, std::vector<std::int64_t>(static_cast<std::size_t>(chunks)), dim);
}

std::vector<Tensor> tensor_split(const Tensor& self, std::int64_t sections, std::int64_t dim) {
  detail::check_defined("tensor_split", self);
  CT_CHECK(self.dim() > 0, "tensor_split: tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  CT_CHECK(sections > 0, "tensor_split: number of sections must be larger than 0, got ", sections);
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  std::vector<Tensor> out;
  std::int64_t at = 0;
  for (std::int64_t k = 0; k < sections; ++k) {
    const std::int64_t length = n / sections + (k < n % sections);
    out.push_back(narrow(self, d, at, length));
    at += length;
  }
  return out;
}
std::vector<Tensor> tensor_split(const Tensor& self, IntArrayRef indices, std::int64_t dim) {
  detail::check_defined("tensor_split", self);
  CT_CHECK(self.dim() > 0, "tensor_split: tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  const std::int64_t d = wrap_dim(dim, self.dim());
  std::vector<Tensor> out;
  std::int64_t at = 0;
  for (std::int64_t i : indices) {
    out.push_back(slice(self, d, at, i));
    at = i;
  }
  out.push_back(slice(self, d, at, std::nullopt));
  return out;
}

std::vector<Tensor> unbind(const Tensor& self, std::int64_t dim) {
  detail::check_defined("unbind", self);
  CT_CHECK_INDEX(self.dim() > 0, "unbind: Dimension specified as ", dim, " but tensor has no dimensions");
  return apply_multi(unbind_op, DimAttrs{wrap_dim(dim, self.dim())}, self);
}

}  // namespace ct
