// ops/views.cpp -- views of parts: one index, slices, diagonals, windows.
#include "ops/look.h"

#include "autograd/node.h"
#include "ops/batching.h"
#include "ops/op_list.h"

namespace ct {

using detail::BackAttrs;
using detail::DiagonalAttrs;
using detail::Look;
using detail::SelectAttrs;
using detail::SliceAttrs;
using detail::to_dims;
using detail::wrap_dim;
using detail::WindowAttrs;

namespace {

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
    .batch = detail::batch_behind<BackAttrs<SelectAttrs>>,
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
    .batch = detail::batch_behind<SelectAttrs>,
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
    .batch = detail::batch_behind<BackAttrs<SliceAttrs>>,
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
    .batch = detail::batch_behind<SliceAttrs>,
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
    .batch = detail::batch_behind<BackAttrs<DiagonalAttrs>>,
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
    .batch = detail::batch_behind<DiagonalAttrs>,
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
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<BackAttrs<WindowAttrs>>();
      if (a.x.n) return detail::batch_behind<BackAttrs<WindowAttrs>>(b);
      return a.look.size ? b.value(0).squeeze(1).clone() : b.value(0).new_zeros({b.size});
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
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<WindowAttrs>();
      return b.dim(0) == 0 ? b.value(0).unsqueeze(1).narrow(1, 0, a.size) : b.value(0).unfold(a.dim + 1, a.size, a.step);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({7})}, WindowAttrs{0, 3, 2});
      call({call.uniform({4, 3})}, WindowAttrs{0, 2, 1});
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
  step = std::min(step, std::int64_t{1} << 31);  // a stride must not overflow
  return {d, first, (last - first) / step + ((last - first) % step != 0), step};
}

}  // namespace

std::span<const Op* const> view_ops() {
  static constexpr const Op* ops[] = {&select_op, &select_backward_op, &slice_op, &slice_backward_op, &diagonal_op, &diagonal_backward_op,
                                      &unfold_op, &unfold_backward_op};
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
  DiagonalAttrs a{offset, wrap_dim(dim1, self.dim()), wrap_dim(dim2, self.dim())};
  CT_CHECK(a.dim1 != a.dim2, "diagonal: diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  a.offset = std::clamp(offset, -self.size(a.dim1), self.size(a.dim2));  // beyond: an empty diagonal all the same
  return apply_with(diagonal_op, a, self);
}
Tensor Tensor::unfold(std::int64_t dimension, std::int64_t size, std::int64_t step) const {
  detail::check_defined("unfold", *this);
  const std::int64_t d = wrap_dim(dimension, dim()), n = dim() ? this->size(d) : 1;
  CT_CHECK(size >= 0, "unfold: size is ", size, " but must be >= 0");
  CT_CHECK(size <= n, "unfold: maximum size for tensor at dimension ", d, " is ", n, " but size is ", size);
  CT_CHECK(step > 0, "unfold: step is ", step, " but must be > 0");
  CT_CHECK(dim() < max_dims, "unfold: the result would have more than ", max_dims, " dimensions");
  return apply_with(unfold_op, WindowAttrs{d, size, std::min(step, std::int64_t{1} << 31)}, *this);
}

}  // namespace ct
