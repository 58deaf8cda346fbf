// ops/views.cpp -- views along dimensions: order of dimensions, picking, slicing, diagonals, windows.
#include "ops/view_attrs.h"

#include "autograd/node.h"
#include "ops/op_list.h"

namespace ct {

using detail::BackAttrs;
using detail::DiagonalAttrs;
using detail::DimAttrs;
using detail::DimList;
using detail::DimPair;
using detail::Dims;
using detail::impl;
using detail::SelectAttrs;
using detail::SliceAttrs;
using detail::to_dims;
using detail::wrap_dim;
using detail::WindowAttrs;

DimList detail::wrap_dims(const char* op, const Tensor& x, IntArrayRef dims) {
  DimList out;
  std::uint32_t seen = 0;
  for (std::int64_t d : dims) {
    const std::int64_t w = wrap_dim(d, x.dim());
    CT_CHECK(!(seen >> w & 1), op, ": dim ", w, " appears multiple times in the list of dims ", dims);
    seen |= 1u << w;
    out.v[out.n++] = static_cast<std::int8_t>(w);
  }
  return out;
}

namespace {

// Sizes and strides of a look, built up dimension by dimension.
struct Look {
  int n = 0;
  std::int64_t sizes[max_dims], strides[max_dims], offset = 0;

  explicit Look(const Tensor& x) : n(static_cast<int>(x.dim())) {
    std::copy(x.sizes().begin(), x.sizes().end(), sizes);
    std::copy(x.strides().begin(), x.strides().end(), strides);
  }
  void erase(std::int64_t d) {
    std::copy(sizes + d + 1, sizes + n, sizes + d);
    std::copy(strides + d + 1, strides + n, strides + d);
    --n;
  }
  void insert(std::int64_t d, std::int64_t size, std::int64_t stride) {
    std::copy_backward(sizes + d, sizes + n, sizes + n + 1);
    std::copy_backward(strides + d, strides + n, strides + n + 1);
    sizes[d] = size;
    strides[d] = stride;
    ++n;
  }
  Tensor at(const Tensor& x) const {
    return detail::alias(x, {sizes, static_cast<std::size_t>(n)}, {strides, static_cast<std::size_t>(n)}, x.numel() ? offset : 0);
  }
};

Tensor look(const Tensor& x, const SelectAttrs& a) {
  Look v(x);
  v.offset = a.index * v.strides[a.dim];
  v.erase(a.dim);
  return v.at(x);
}
Tensor look(const Tensor& x, const SliceAttrs& a) {
  Look v(x);
  v.offset = a.start * v.strides[a.dim];
  v.sizes[a.dim] = a.length;
  v.strides[a.dim] *= a.step;
  return v.at(x);
}
Tensor look(const Tensor& x, const DiagonalAttrs& a) {
  Look v(x);
  const std::int64_t rows = v.sizes[a.dim1], cols = v.sizes[a.dim2];
  const std::int64_t n = std::max<std::int64_t>(0, a.offset >= 0 ? std::min(rows, cols - a.offset) : std::min(rows + a.offset, cols));
  const std::int64_t step = v.strides[a.dim1] + v.strides[a.dim2];
  if (n > 0) v.offset = a.offset >= 0 ? a.offset * v.strides[a.dim2] : -a.offset * v.strides[a.dim1];
  v.erase(std::max(a.dim1, a.dim2));
  v.erase(std::min(a.dim1, a.dim2));
  v.insert(v.n, n, step);
  return v.at(x);
}
Tensor look(const Tensor& x, const DimPair& a) {
  Look v(x);
  if (v.n == 0) return v.at(x);
  std::swap(v.sizes[a.dim0], v.sizes[a.dim1]);
  std::swap(v.strides[a.dim0], v.strides[a.dim1]);
  return v.at(x);
}
Tensor look(const Tensor& x, const WindowAttrs& a) {
  Look v(x);
  if (v.n == 0) {
    v.insert(0, a.size, 1);
    return v.at(x);
  }
  const std::int64_t stride = v.strides[a.dim];
  v.sizes[a.dim] = (v.sizes[a.dim] - a.size) / a.step + 1;
  v.strides[a.dim] *= a.step;
  v.insert(v.n, a.size, stride);
  return v.at(x);
}

// The gradient of a look: zeros in the shape of x, with g where the look goes. Linear, and the look is its own derivative.
template <class A>
Tensor embed(const Call& c) {
  const auto& a = c.attrs<BackAttrs<A>>();
  Tensor out = zeros(a.x, c.x(0).scalar_type());
  look(out, a.look).copy_(c.x(0));
  return out;
}

constexpr Op select_backward_op{
    .name = "select_backward",
    .node = "SelectBackwardBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g, at the picked index",
    .forward = embed<SelectAttrs>,
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const SelectAttrs& a = s.attrs<BackAttrs<SelectAttrs>>().look;
      return select(g, a.dim, a.index);
    },
    .samples = [](SampleSink& call) { call({call.uniform({3})}, BackAttrs<SelectAttrs>{{1, 2}, {2, {3, 4}}}); },
};

// y = x[:, .., index, ..]: one dimension less.
constexpr Op select_op{
    .name = "select",
    .node = "SelectBackward0",
    .kind = OpKind::view,
    .formula = "dx = g at the picked index, 0 elsewhere",
    .forward = [](const Call& c) { return look(c.x(0), c.attrs<SelectAttrs>()); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return apply_with(select_backward_op, BackAttrs<SelectAttrs>{s.attrs<SelectAttrs>(), to_dims(s.sizes(0))}, g);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, SelectAttrs{0, 1});
      call({call.uniform({2, 3, 4})}, SelectAttrs{1, 2});
      call({call.uniform({3})}, SelectAttrs{0, 0});
    },
};

constexpr Op slice_backward_op{
    .name = "slice_backward",
    .node = "SliceBackwardBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g[start:end:step]",
    .forward = embed<SliceAttrs>,
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const SliceAttrs& a = s.attrs<BackAttrs<SliceAttrs>>().look;
      return slice(g, a.dim, a.start, std::min(a.start + a.length * a.step, g.size(a.dim)), a.step);
    },
    .samples = [](SampleSink& call) { call({call.uniform({2, 4})}, BackAttrs<SliceAttrs>{{0, 1, 2, 2}, {2, {5, 4}}}); },
};

// y = x[.., start:end:step, ..]
constexpr Op slice_op{
    .name = "slice",
    .node = "SliceBackward0",
    .kind = OpKind::view,
    .formula = "dx = g inside the slice, 0 elsewhere",
    .forward = [](const Call& c) { return look(c.x(0), c.attrs<SliceAttrs>()); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return apply_with(slice_backward_op, BackAttrs<SliceAttrs>{s.attrs<SliceAttrs>(), to_dims(s.sizes(0))}, g);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({5, 4})}, SliceAttrs{0, 1, 3, 1});
      call({call.uniform({2, 7})}, SliceAttrs{1, 1, 3, 2});
      call({call.uniform({4})}, SliceAttrs{0, 2, 0, 1});
    },
};

constexpr Op diagonal_backward_op{
    .name = "diagonal_backward",
    .node = "DiagonalBackwardBackward0",
    .kind = OpKind::linear,
    .formula = "dx = diagonal(g)",
    .forward = embed<DiagonalAttrs>,
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const DiagonalAttrs& a = s.attrs<BackAttrs<DiagonalAttrs>>().look;
      return diagonal(g, a.offset, a.dim1, a.dim2);
    },
    .samples = [](SampleSink& call) { call({call.uniform({3})}, BackAttrs<DiagonalAttrs>{{1, 0, 1}, {2, {4, 4}}}); },
};

// y[.., i] = x[.., i, .., i + offset, ..]
constexpr Op diagonal_op{
    .name = "diagonal",
    .node = "DiagonalBackward0",
    .kind = OpKind::view,
    .formula = "dx = g on the diagonal, 0 elsewhere",
    .forward = [](const Call& c) { return look(c.x(0), c.attrs<DiagonalAttrs>()); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return apply_with(diagonal_backward_op, BackAttrs<DiagonalAttrs>{s.attrs<DiagonalAttrs>(), to_dims(s.sizes(0))}, g);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, DiagonalAttrs{0, 0, 1});
      call({call.uniform({2, 3, 4})}, DiagonalAttrs{-1, 1, 2});
      call({call.uniform({4, 3})}, DiagonalAttrs{1, 1, 0});
    },
};

constexpr Op unfold_backward_op{
    .name = "unfold_backward",
    .node = "UnfoldBackwardBackward0",
    .kind = OpKind::linear,
    .formula = "dx = windows of g",
    .forward = [](const Call& c) {  // windows may overlap: entry k of all of them is added at once
      const auto& a = c.attrs<BackAttrs<WindowAttrs>>();
      Tensor out = zeros(a.x, c.x(0).scalar_type());
      if (a.x.n == 0) return a.look.size ? out.add_(c.x(0).select(0, 0)) : out;
      const std::int64_t n = c.x(0).size(a.look.dim);
      for (std::int64_t k = 0; k < a.look.size; ++k)
        look(out, SliceAttrs{a.look.dim, k, n, a.look.step}).add_(c.x(0).select(-1, k));
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const WindowAttrs& a = s.attrs<BackAttrs<WindowAttrs>>().look;
      return g.unfold(a.dim, a.size, a.step);
    },
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}, BackAttrs<WindowAttrs>{{0, 3, 2}, {1, {5}}}); },
};

// y[.., i, .., k] = x[.., i * step + k, ..]
constexpr Op unfold_op{
    .name = "unfold",
    .node = "UnfoldBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, summed over the windows that an element is in",
    .forward = [](const Call& c) { return look(c.x(0), c.attrs<WindowAttrs>()); },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return apply_with(unfold_backward_op, BackAttrs<WindowAttrs>{s.attrs<WindowAttrs>(), to_dims(s.sizes(0))}, g);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({7})}, WindowAttrs{0, 3, 2});
      call({call.uniform({4, 3})}, WindowAttrs{0, 2, 1});
    },
};

constexpr Op transpose_op{
    .name = "transpose",
    .node = "TransposeBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, with the two dims swapped back",
    .forward = [](const Call& c) { return look(c.x(0), c.attrs<DimPair>()); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return transpose(g, s.attrs<DimPair>().dim0, s.attrs<DimPair>().dim1); },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3})}, DimPair{0, 1});
      call({call.uniform({2, 3, 4})}, DimPair{0, 2});
      call({call.uniform({})}, DimPair{0, 0});
    },
};

// The transpose of a matrix; of a vector the vector itself.
constexpr Op t_op{
    .name = "t",
    .node = "TBackward0",
    .kind = OpKind::view,
    .formula = "dx = g^T",
    .forward = [](const Call& c) { return look(c.x(0), DimPair{0, c.x(0).dim() < 2 ? 0 : 1}); },
    .vjp = [](const Tensor& g, const Saved&, int) { return t(g); },
    .samples = [](SampleSink& call) {
      for (auto x : {call.uniform({2, 3}), call.uniform({3}), call.uniform({})}) call({x});
    },
};

constexpr Op permute_op{
    .name = "permute",
    .node = "PermuteBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, with the order of dims undone",
    .forward = [](const Call& c) {
      const auto& order = c.attrs<DimList>();
      Look v(c.x(0));
      for (int d = 0; d < order.n; ++d) {
        v.sizes[d] = c.x(0).sizes()[static_cast<std::size_t>(order.v[d])];
        v.strides[d] = c.x(0).strides()[static_cast<std::size_t>(order.v[d])];
      }
      return v.at(c.x(0));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& order = s.attrs<DimList>();
      std::int64_t back[max_dims] = {};
      for (int d = 0; d < order.n; ++d) back[order.v[d]] = d;
      return permute(g, {back, static_cast<std::size_t>(order.n)});
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3, 4})}, DimList{3, {2, 0, 1}});
      call({call.uniform({})}, DimList{});
    },
};

constexpr Op unsqueeze_op{
    .name = "unsqueeze",
    .node = "UnsqueezeBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, without the new dim",
    .forward = [](const Call& c) {
      Look v(c.x(0));
      const std::int64_t d = c.attrs<DimAttrs>().dim;
      v.insert(d, 1, d < v.n ? v.sizes[d] * v.strides[d] : 1);
      return v.at(c.x(0));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return squeeze(g, s.attrs<DimAttrs>().dim); },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3})}, DimAttrs{1});
      call({call.uniform({})}, DimAttrs{0});
    },
};

constexpr Op squeeze_op{
    .name = "squeeze",
    .node = "SqueezeBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, in the shape of x",
    .forward = [](const Call& c) {
      Look v(c.x(0));
      for (int d = v.n; d-- > 0;)
        if (v.sizes[d] == 1) v.erase(d);
      return v.at(c.x(0));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return reshape(g, s.sizes(0)); },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({1, 3, 1})});
      call({call.uniform({2, 3})});
    },
};

constexpr Op squeeze_dim_op{
    .name = "squeeze.dim",
    .node = "SqueezeBackward1",
    .kind = OpKind::view,
    .formula = squeeze_op.formula,
    .forward = [](const Call& c) {
      Look v(c.x(0));
      const std::int64_t d = c.attrs<DimAttrs>().dim;
      if (v.n && v.sizes[d] == 1) v.erase(d);
      return v.at(c.x(0));
    },
    .vjp = squeeze_op.vjp,
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({1, 3, 1})}, DimAttrs{2});
      call({call.uniform({2, 3})}, DimAttrs{0});
    },
};

// Checks and wraps the arguments of slice(); start and end as in Python.
SliceAttrs slice_attrs(const Tensor& self, std::int64_t dim, std::optional<std::int64_t> start, std::optional<std::int64_t> end, std::int64_t step) {
  detail::check_defined("slice", self);
  CT_CHECK_INDEX(self.dim() > 0, "slice: slice() cannot be applied to a 0-dim tensor.");
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  CT_CHECK_VALUE(step > 0, "slice: slice step must be positive, got ", step, "\n  Use flip() to reverse a dimension.");
  auto bound = [n](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + n : i, 0, n); };
  const std::int64_t first = bound(start.value_or(0)), last = std::max(first, bound(end.value_or(n)));
  return {d, first, (last - first) / step + ((last - first) % step != 0), step};
}

}  // namespace

std::span<const Op* const> view_ops() {
  static constexpr const Op* ops[] = {&select_op, &select_backward_op, &slice_op, &slice_backward_op, &diagonal_op, &diagonal_backward_op,
                                      &unfold_op, &unfold_backward_op, &transpose_op, &t_op, &permute_op, &unsqueeze_op, &squeeze_op,
                                      &squeeze_dim_op};
  return ops;
}

Tensor select(const Tensor& self, std::int64_t dim, std::int64_t index) {
  detail::check_defined("select", self);
  CT_CHECK_INDEX(self.dim() > 0, "select: select() cannot be applied to a 0-dim tensor.");
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  CT_CHECK_INDEX(index >= -n && index < n, "select: index ", index, " is out of bounds for dimension ", d, " with size ", n,
                 " (select(): index ", index, " out of range for tensor of size ", self.sizes(), " at dimension ", d, ")");
  return apply_with(select_op, SelectAttrs{d, index < 0 ? index + n : index}, self);
}
Tensor slice(const Tensor& self, std::int64_t dim, std::optional<std::int64_t> start, std::optional<std::int64_t> end, std::int64_t step) {
  return apply_with(slice_op, slice_attrs(self, dim, start, end, step), self);
}
Tensor narrow(const Tensor& self, std::int64_t dim, std::int64_t start, std::int64_t length) {
  detail::check_defined("narrow", self);
  CT_CHECK_INDEX(self.dim() > 0, "narrow: narrow() cannot be applied to a 0-dim tensor.");
  const std::int64_t d = wrap_dim(dim, self.dim()), n = self.size(d);
  CT_CHECK(length >= 0, "narrow: narrow(): length must be non-negative, got ", length);
  CT_CHECK_INDEX(start >= -n && start <= n, "narrow: start out of range (expected to be in range of [", -n, ", ", n, "], but got ", start, ")");
  const std::int64_t first = start < 0 ? start + n : start;
  CT_CHECK(length <= n - first, "narrow: start (", first, ") + length (", length, ") exceeds dimension size (", n, ").");
  return apply_with(slice_op, SliceAttrs{d, first, length, 1}, self);
}
Tensor diagonal(const Tensor& self, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  detail::check_defined("diagonal", self);
  CT_CHECK(self.dim() >= 2, "diagonal: expected a tensor with at least 2 dimensions, but self is ", self.dim(), "D");
  const DiagonalAttrs a{offset, wrap_dim(dim1, self.dim()), wrap_dim(dim2, self.dim())};
  CT_CHECK(a.dim1 != a.dim2, "diagonal: diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  return apply_with(diagonal_op, a, self);
}
Tensor Tensor::unfold(std::int64_t dimension, std::int64_t size, std::int64_t step) const {
  detail::check_defined("unfold", *this);
  const std::int64_t d = wrap_dim(dimension, dim()), n = dim() ? this->size(d) : 1;
  CT_CHECK(size >= 0, "unfold: size is ", size, " but must be >= 0");
  CT_CHECK(size <= n, "unfold: maximum size for tensor at dimension ", d, " is ", n, " but size is ", size);
  CT_CHECK(step > 0, "unfold: step is ", step, " but must be > 0");
  CT_CHECK(dim() < max_dims, "unfold: the result would have more than ", max_dims, " dimensions");
  return apply_with(unfold_op, WindowAttrs{d, size, step}, *this);
}

Tensor transpose(const Tensor& self, std::int64_t dim0, std::int64_t dim1) {
  detail::check_defined("transpose", self);
  return apply_with(transpose_op, DimPair{wrap_dim(dim0, self.dim()), wrap_dim(dim1, self.dim())}, self);
}
Tensor swapaxes(const Tensor& self, std::int64_t axis0, std::int64_t axis1) { return transpose(self, axis0, axis1); }
Tensor swapdims(const Tensor& self, std::int64_t dim0, std::int64_t dim1) { return transpose(self, dim0, dim1); }
Tensor t(const Tensor& self) {
  detail::check_defined("t", self);
  CT_CHECK(self.dim() <= 2, "t: t() expects a tensor with <= 2 dimensions, but self is ", self.dim(), "D\n  Use transpose(-2, -1) or mT() for "
           "stacks of matrices.");
  return apply(t_op, self);
}
Tensor permute(const Tensor& self, IntArrayRef dims) {
  detail::check_defined("permute", self);
  CT_CHECK(static_cast<std::int64_t>(dims.size()) == self.dim(), "permute: number of dimensions in the tensor input does not "
           "match the length of the desired ordering of dimensions i.e. input.dim() = ", self.dim(), " is not equal to len(dims) = ", dims.size());
  return apply_with(permute_op, detail::wrap_dims("permute", self, dims), self);
}
Tensor movedim(const Tensor& self, IntArrayRef source, IntArrayRef destination) {
  detail::check_defined("movedim", self);
  CT_CHECK(source.size() == destination.size(), "movedim: Invalid source or destination dims: source (", source, " dims) should contain the same "
           "number of dims as destination (", destination, " dims)");
  const DimList from = detail::wrap_dims("movedim", self, source), to = detail::wrap_dims("movedim", self, destination);
  const int n = static_cast<int>(self.dim());
  if (n == 0) return self;
  std::int64_t order[max_dims];
  std::fill(order, order + n, -1);
  std::uint32_t moved = 0;
  for (int k = 0; k < from.n; ++k) {
    order[to.v[k]] = from.v[k];
    moved |= 1u << from.v[k];
  }
  int next = 0;
  for (int d = 0; d < n; ++d) {
    if (order[d] >= 0) continue;
    while (moved >> next & 1) ++next;
    order[d] = next++;
  }
  return permute(self, {order, static_cast<std::size_t>(n)});
}
Tensor Tensor::T() const {
  detail::check_defined("T", *this);
  std::int64_t order[max_dims];
  const std::int64_t n = dim();
  for (std::int64_t d = 0; d < n; ++d) order[d] = n - 1 - d;
  return permute({order, static_cast<std::size_t>(n)});
}

Tensor unsqueeze(const Tensor& self, std::int64_t dim) {
  detail::check_defined("unsqueeze", self);
  CT_CHECK(self.dim() < max_dims, "unsqueeze: the result would have more than ", max_dims, " dimensions");
  return apply_with(unsqueeze_op, DimAttrs{wrap_dim(dim, self.dim() + 1)}, self);
}
Tensor squeeze(const Tensor& self) {
  detail::check_defined("squeeze", self);
  return apply(squeeze_op, self);
}
Tensor squeeze(const Tensor& self, std::int64_t dim) {
  detail::check_defined("squeeze", self);
  return apply_with(squeeze_dim_op, DimAttrs{wrap_dim(dim, self.dim())}, self);
}

}  // namespace ct
