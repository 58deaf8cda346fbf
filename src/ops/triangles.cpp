// ops/triangles.cpp -- triangles and diagonals of matrices.
#include <cstring>
#include <vector>

#include "core/parallel.h"
#include "ops/batching.h"
#include "ops/index_places.h"
#include "ops/op_list.h"

namespace ct {

using detail::DiagonalAttrs;
using detail::Dims;
using detail::impl;
using detail::TensorImpl;
using detail::TriangleAttrs;
using detail::ValueAttrs;
using detail::wrap_dim;

namespace {

// Of each row of a dense stack of matrices [.., rows, cols] keeps the columns up to i + k (lower) or from i + k on (upper),
// and zeroes the others. y may be x.
void triangle(char* y, const char* x, std::int64_t all_rows, std::int64_t rows, std::int64_t cols, std::int64_t size, std::int64_t k, bool lower) {
  if (all_rows == 0 || cols == 0) return;
  const std::int64_t grain = std::max<std::int64_t>(1, detail::elementwise_grain / cols);
  detail::parallel_for(all_rows, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t i = r % rows;
      // k may be anything: compare without overflow
      const std::int64_t cut = k > cols ? cols : k < -rows ? 0 : std::clamp<std::int64_t>(i + k + (lower ? 1 : 0), 0, cols);
      char* to = y + r * cols * size;
      const char* from = x + r * cols * size;
      const std::int64_t kept = lower ? 0 : cut, kept_end = lower ? cut : cols;
      if (to != from) std::memcpy(to + kept * size, from + kept * size, static_cast<std::size_t>((kept_end - kept) * size));
      const std::int64_t zero = lower ? cut : 0, zero_end = lower ? cols : cut;
      std::memset(to + zero * size, 0, static_cast<std::size_t>((zero_end - zero) * size));
    }
  });
}

Tensor triangle_of(const Call& c, bool lower) {
  const Tensor x = c.x(0).contiguous();
  Tensor out = detail::empty_like_dtype(x.scalar_type(), x.sizes());
  const std::int64_t cols = x.size(-1), rows = x.size(-2);
  if (x.numel()) triangle(impl(out)->data, impl(x)->data, x.numel() / cols, rows, cols, x.element_size(), c.attrs<TriangleAttrs>().diagonal, lower);
  return out;
}

void triangle_samples(SampleSink& call) {
  call({call.uniform({3, 3})}, TriangleAttrs{0});
  call({call.uniform({2, 3, 4})}, TriangleAttrs{1});
  call({call.uniform({4, 3})}, TriangleAttrs{-2});
  call({call.uniform({2, 2})}, TriangleAttrs{5});
}

constexpr Op tril_op{
    .name = "tril",
    .node = "TrilBackward0",
    .kind = OpKind::linear,
    .formula = "dx = tril(g, diagonal)",
    .forward = [](const Call& c) { return triangle_of(c, true); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return tril(g, s.attrs<TriangleAttrs>().diagonal); },
    .batch = [](const Batch& b) { return tril(b.value(0), b.attrs<TriangleAttrs>().diagonal); },
    .samples = triangle_samples,
};
constexpr Op triu_op{
    .name = "triu",
    .node = "TriuBackward0",
    .kind = OpKind::linear,
    .formula = "dx = triu(g, diagonal)",
    .forward = [](const Call& c) { return triangle_of(c, false); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return triu(g, s.attrs<TriangleAttrs>().diagonal); },
    .batch = [](const Batch& b) { return triu(b.value(0), b.attrs<TriangleAttrs>().diagonal); },
    .samples = triangle_samples,
};

// A copy of the diagonal.
constexpr Op diagonal_copy_op{
    .name = "diagonal_copy",
    .node = "DiagonalBackward0_copy",
    .kind = OpKind::linear,
    .formula = "dx = g on the diagonal, 0 elsewhere",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<DiagonalAttrs>();
      return diagonal(c.x(0), a.offset, a.dim1, a.dim2).clone();
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<DiagonalAttrs>();
      Tensor out = g.new_zeros(s.sizes(0));
      diagonal(out, a.offset, a.dim1, a.dim2).copy_(g);
      return out;
    },
    .batch = detail::batch_behind<DiagonalAttrs>,
    .save_shapes = true,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, DiagonalAttrs{1, 0, 1}); },
};

constexpr Op diag_embed_op{
    .name = "diag_embed",
    .node = "DiagEmbedBackward0",
    .kind = OpKind::linear,
    .formula = "dx = diagonal(g)",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<DiagonalAttrs>();
      const Tensor& x = c.x(0);
      const std::int64_t n = x.size(-1) + std::abs(a.offset);
      Dims shape;
      for (std::int64_t d = 0, from = 0; d <= x.dim(); ++d) shape.v[shape.n++] = d == a.dim1 || d == a.dim2 ? n : x.size(from++);
      Tensor out = zeros(shape, x.scalar_type());
      diagonal(out, a.offset, a.dim1, a.dim2).copy_(x);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<DiagonalAttrs>();
      return diagonal(g, a.offset, a.dim1, a.dim2);
    },
    .batch = detail::batch_behind<DiagonalAttrs>,
    .samples = [](SampleSink& call) {
      call({call.uniform({3})}, DiagonalAttrs{0, 0, 1});
      call({call.uniform({2, 3})}, DiagonalAttrs{-1, 1, 2});
      call({call.uniform({2, 3})}, DiagonalAttrs{1, 0, 2});
    },
};

// self[i, i, ..] = value
constexpr Op fill_diagonal_op{
    .name = "fill_diagonal_",
    .node = "FillDiagonalBackward0",
    .formula = "dself = g, 0 on the diagonal",
    .inplace = [](const Call& c, const Tensor& self) {
      const Tensor one = full({}, c.attrs<ValueAttrs>().value, self.scalar_type());
      const TensorImpl* t = impl(self);
      std::int64_t step = 0, n = t->ndim ? t->sizes()[0] : 0;
      for (int d = 0; d < t->ndim; ++d) {
        step += t->strides()[d];
        n = std::min(n, t->sizes()[d]);
      }
      const std::int64_t size = self.element_size();
      for (std::int64_t i = 0; i < n; ++i) std::memcpy(t->data + i * step * size, impl(one)->data, static_cast<std::size_t>(size));
    },
    .vjp = [](const Tensor& g, const Saved&, int) { return g.clone().fill_diagonal_(0); },
    .jvp = [](const Tensor* t, const Saved&) { return t[0].clone().fill_diagonal_(0); },
    .batch = [](const Batch& b) {
      const Tensor diagonal = zeros(b.sizes(0), kBool).fill_diagonal_(true);
      return masked_fill(b.value(0), diagonal, full({}, b.attrs<ValueAttrs>().value, b.value(0).scalar_type()));
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 3})}, ValueAttrs{1.5});
      call({call.uniform({4, 2})}, ValueAttrs{0});
      call({call.uniform({2, 2, 2})}, ValueAttrs{2});
    },
};

// The attributes are a row of numbers: for each input the row and column where it starts, then the size of the result.
constexpr Op block_diag_op{
    .name = "block_diag",
    .node = "BlockDiagBackward0",
    .kind = OpKind::linear,
    .formula = "dx_i = the block of g where x_i went",
    .forward = [](const Call& c) {
      const std::int64_t* a = &c.attrs<std::int64_t>();
      Tensor out = zeros({a[2 * c.n_in], a[2 * c.n_in + 1]}, detail::promoted_dtype(c.in, c.n_in));
      for (int i = 0; i < c.n_in; ++i) {
        const std::int64_t rows = a[2 * i + 2] - a[2 * i], cols = a[2 * i + 3] - a[2 * i + 1];
        out.narrow(0, a[2 * i], rows).narrow(1, a[2 * i + 1], cols).copy_(c.x(i).reshape({rows, cols}));
      }
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const std::int64_t* a = &s.attrs<std::int64_t>() + 2 * arg;
      return narrow(narrow(g, 0, a[0], a[2] - a[0]), 1, a[1], a[3] - a[1]).reshape(s.sizes(arg));
    },
    .batch = [](const Batch& b) {
      const std::int64_t* a = &b.attrs<std::int64_t>();
      const std::int64_t all_cols = a[2 * b.n_in + 1];
      std::vector<const Tensor*> all;
      for (int i = 0; i < b.n_in; ++i) all.push_back(&b.value(i));
      const ScalarType dtype = detail::promoted_dtype(all.data(), b.n_in);
      std::vector<Tensor> bands;  // each has the rows of one block
      for (int i = 0; i < b.n_in; ++i) {
        const std::int64_t rows = a[2 * i + 2] - a[2 * i], from = a[2 * i + 1], to = a[2 * i + 3];
        bands.push_back(cat({zeros({b.size, rows, from}, dtype), b.x(i).reshape({b.size, rows, to - from}).to(dtype), zeros({b.size, rows, all_cols - to}, dtype)}, 2));
      }
      return cat(bands, 1);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      const std::int64_t at[] = {0, 0, 2, 1, 3, 4, 4, 5};
      call.call({call.uniform({2, 1}), call.uniform({3}), call.uniform({})}, at, sizeof at);
    },
};

void check_matrix(const char* op, const Tensor& x) {
  detail::check_defined(op, x);
  CT_CHECK(x.dim() >= 2, op, ": input tensor must have at least 2 dimensions, but has shape ", x.sizes());
}

}  // namespace

std::span<const Op* const> triangle_ops() {
  static constexpr const Op* ops[] = {&tril_op, &triu_op, &diagonal_copy_op, &diag_embed_op, &fill_diagonal_op, &block_diag_op};
  return ops;
}

Tensor tril(const Tensor& self, std::int64_t diagonal) {
  check_matrix("tril", self);
  return apply_with(tril_op, TriangleAttrs{diagonal}, self);
}
Tensor triu(const Tensor& self, std::int64_t diagonal) {
  check_matrix("triu", self);
  return apply_with(triu_op, TriangleAttrs{diagonal}, self);
}
Tensor& Tensor::tril_(std::int64_t diagonal) const {
  check_matrix("tril_", *this);
  return apply_inplace(tril_op, TriangleAttrs{diagonal}, *this);
}
Tensor& Tensor::triu_(std::int64_t diagonal) const {
  check_matrix("triu_", *this);
  return apply_inplace(triu_op, TriangleAttrs{diagonal}, *this);
}

Tensor diag_embed(const Tensor& self, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  detail::check_defined("diag_embed", self);
  CT_CHECK(self.dim() >= 1, "diag_embed: expected a tensor with at least 1 dimension");
  CT_CHECK(self.dim() < max_dims, "diag_embed: the result would have more than ", max_dims, " dimensions");
  const DiagonalAttrs a{offset, wrap_dim(dim1, self.dim() + 1), wrap_dim(dim2, self.dim() + 1)};
  CT_CHECK(a.dim1 != a.dim2, "diag_embed: diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  CT_CHECK(offset > -(std::int64_t{1} << 31) && offset < std::int64_t{1} << 31, "diag_embed: Storage size calculation overflowed with offset ", offset);
  return apply_with(diag_embed_op, a, self);
}
Tensor diag(const Tensor& self, std::int64_t diagonal) {
  detail::check_defined("diag", self);
  CT_CHECK(self.dim() == 1 || self.dim() == 2, "diag: diag(): Supports 1D or 2D tensors. Got ", self.dim(), "D");
  if (self.dim() == 1) return diag_embed(self, diagonal);
  return apply_with(diagonal_copy_op, DiagonalAttrs{diagonal, 0, 1}, self);
}

Tensor& Tensor::fill_diagonal_(const Scalar& value) const {
  detail::check_defined("fill_diagonal_", *this);
  CT_CHECK(dim() >= 2, "fill_diagonal_: dimensions must larger than 1, got ", dim());
  for (std::int64_t d = 1; dim() > 2 && d < dim(); ++d)
    CT_CHECK(size(d) == size(0), "fill_diagonal_: all dimensions of input must be of equal length, got ", sizes());
  return apply_inplace(fill_diagonal_op, ValueAttrs{value}, *this);
}

Tensor block_diag(TensorList tensors) {
  if (tensors.empty()) return empty({1, 0});
  std::vector<const Tensor*> in;
  std::vector<std::int64_t> attrs{0, 0};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& x = tensors[i];
    detail::check_defined("block_diag", x);
    CT_CHECK(x.dim() <= 2, "block_diag: torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ", i, " has ", x.dim(), " dimensions");
    in.push_back(&x);
    const std::int64_t rows = x.dim() == 2 ? x.size(0) : 1, cols = x.dim() == 0 ? 1 : x.size(-1), n = static_cast<std::int64_t>(attrs.size());
    attrs.push_back(attrs[static_cast<std::size_t>(n - 2)] + rows);
    attrs.push_back(attrs[static_cast<std::size_t>(n - 1)] + cols);
  }
  return detail::apply(block_diag_op, in.data(), static_cast<int>(in.size()), attrs.data(), static_cast<std::uint32_t>(attrs.size() * sizeof(std::int64_t)));
}

}  // namespace ct
