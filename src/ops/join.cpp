// ops/join.cpp -- many tensors into one: cat, stack and their kin.
#include <cstring>
#include <vector>

#include "core/parallel.h"
#include "ops/batching.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Dims;
using detail::impl;
using detail::TensorImpl;
using detail::wrap_dim;

namespace {

// The attributes of cat are a row of numbers: dim, then where each input starts along dim, then the end.
// The rule of one input among thousands then needs no walk over the others.
const std::int64_t* row(const Saved& s) { return &s.attrs<std::int64_t>(); }

void copy_bytes(char* to, const char* from, std::int64_t n) {
  detail::parallel_for(n, std::int64_t{1} << 18, [=](std::int64_t b, std::int64_t e) { std::memcpy(to + b, from + b, static_cast<std::size_t>(e - b)); });
}

// Writes dense x into its part of out: `outer` blocks of `bytes`, one every `step` bytes.
void copy_blocks(char* to, std::int64_t step, const char* from, std::int64_t bytes, std::int64_t outer) {
  if (outer == 1 || bytes == step) {
    copy_bytes(to, from, bytes * outer);
    return;
  }
  const std::int64_t grain = std::max<std::int64_t>(1, (std::int64_t{1} << 17) / std::max<std::int64_t>(1, bytes));
  detail::parallel_for(outer, grain, [=](std::int64_t b, std::int64_t e) {
    for (std::int64_t o = b; o < e; ++o) std::memcpy(to + o * step, from + o * bytes, static_cast<std::size_t>(bytes));
  });
}

// Fills out, of which dim `dim` holds the inputs' `widths`; inputs with fewer dims (stack) have width 1.
void join_into(const Tensor& out, std::int64_t dim, const Call& c, bool stacked) {
  const TensorImpl* y = impl(out);
  const std::int64_t size = elementSize(y->dtype);
  std::int64_t outer = 1, inner = size;
  for (std::int64_t d = 0; d < y->ndim; ++d) (d < dim ? outer : inner) *= d == dim ? 1 : y->sizes()[d];
  const std::int64_t step = y->sizes()[dim] * inner;
  std::int64_t at = 0;
  for (int i = 0; i < c.n_in; ++i) {
    const TensorImpl* x = impl(c.x(i));
    if (x->numel == 0) continue;
    const std::int64_t width = stacked ? 1 : x->sizes()[dim];
    char* to = y->data + at * inner;
    const bool rows = width * inner >= 32 || outer < 64;  // otherwise a loop over elements is faster than many small blocks
    if (rows && x->contiguous && x->dtype == y->dtype) copy_blocks(to, step, x->data, width * inner, outer);
    else if (stacked) select(out, dim, at).copy_(c.x(i));
    else narrow(out, dim, at, width).copy_(c.x(i));
    at += width;
  }
}

constexpr Op cat_op{
    .name = "cat",
    .node = "CatBackward0",
    .kind = OpKind::linear,
    .formula = "dx_i = the part of g where x_i went",
    .forward = [](const Call& c) {
      const std::int64_t* a = &c.attrs<std::int64_t>();
      const TensorImpl* first = nullptr;
      bool same = true;
      for (int i = 0; i < c.n_in; ++i) {
        const TensorImpl* x = impl(c.x(i));
        same &= x->dtype == impl(c.x(0))->dtype;
        if (!first && !(x->ndim == 1 && x->numel == 0)) first = x;
      }
      if (!first) first = impl(c.x(0));
      Dims shape = detail::to_dims({first->sizes(), first->ndim});
      shape.v[a[0]] = a[1 + c.n_in];
      Tensor out = detail::empty_like_dtype(same ? impl(c.x(0))->dtype : detail::promoted_dtype(c.in, c.n_in), shape);
      join_into(out, a[0], c, false);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const std::int64_t* a = row(s);
      const std::int64_t start = a[1 + arg], length = a[2 + arg] - start;
      // An empty vector may stand among tensors of any shape, so its part of g has not its shape.
      return length == 0 ? zeros(s.sizes(arg), g.scalar_type()) : narrow(g, a[0], start, length);
    },
    .batch = [](const Batch& b) {
      const std::int64_t* a = &b.attrs<std::int64_t>();
      // Empty vectors count for the dtype only: with a batch dimension they would not pass among other shapes.
      std::vector<Tensor> parts;
      std::vector<const Tensor*> all;
      for (int i = 0; i < b.n_in; ++i) {
        all.push_back(&b.value(i));
        if (a[2 + i] > a[1 + i]) parts.push_back(b.x(i));
      }
      for (int i = 0; parts.empty() && i < b.n_in; ++i)
        if (b.dim(i) != 1 || i + 1 == b.n_in) parts.push_back(b.x(i));
      return cat(parts, a[0] + 1).to(detail::promoted_dtype(all.data(), b.n_in));
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      const std::int64_t rows[] = {0, 0, 2, 3, 6}, columns[] = {1, 0, 3, 4}, none[] = {0, 0, 0, 2};
      call.call({call.uniform({0, 3}), call.uniform({2, 3})}, none, sizeof none);
      call.call({call.uniform({2, 3}), call.uniform({1, 3}), call.uniform({3, 3})}, rows, sizeof rows);
      call.call({call.uniform({2, 3}), call.uniform({2, 1})}, columns, sizeof columns);
    },
};

constexpr Op stack_op{
    .name = "stack",
    .node = "StackBackward0",
    .kind = OpKind::linear,
    .formula = "dx_i = select(g, dim, i)",
    .forward = [](const Call& c) {
      const std::int64_t dim = c.attrs<detail::DimAttrs>().dim;
      const TensorImpl* x = impl(c.x(0));
      Dims shape;
      shape.n = x->ndim + 1;
      for (int d = 0; d < shape.n; ++d) shape.v[d] = d < dim ? x->sizes()[d] : d == dim ? c.n_in : x->sizes()[d - 1];
      Tensor out = detail::empty_like_dtype(detail::promoted_dtype(c.in, c.n_in), shape);
      join_into(out, dim, c, true);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return select(g, s.attrs<detail::DimAttrs>().dim, arg); },
    .batch = [](const Batch& b) {
      std::vector<Tensor> parts;
      for (int i = 0; i < b.n_in; ++i) parts.push_back(b.x(i));
      return stack(parts, b.attrs<detail::DimAttrs>().dim + 1);
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3}), call.uniform({2, 3})}, detail::DimAttrs{1});
      call({call.uniform({}), call.uniform({}), call.uniform({})}, detail::DimAttrs{0});
    },
};

}  // namespace

std::span<const Op* const> join_ops() {
  static constexpr const Op* ops[] = {&cat_op, &stack_op};
  return ops;
}

Tensor cat(TensorList tensors, std::int64_t dim) {
  CT_CHECK(!tensors.empty(), "cat: expected a non-empty list of Tensors");
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& x = tensors[i];
    CT_CHECK(x.defined(), "cat: the tensor at position ", i, " is undefined");
    CT_CHECK(x.dim() > 0, "cat: zero-dimensional tensor (at position ", i, ") cannot be concatenated\n  stack() joins numbers along a new dim.");
    if (!first && !(x.dim() == 1 && x.numel() == 0)) first = &x;
  }
  if (!first) first = &tensors[0];
  const std::int64_t d = wrap_dim(dim, first->dim());
  std::vector<const Tensor*> in;
  std::vector<std::int64_t> attrs{d, 0};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& x = tensors[i];
    const bool skip = x.dim() == 1 && x.numel() == 0;
    if (!skip) {
      CT_CHECK(x.dim() == first->dim(), "cat: Tensors must have same number of dimensions: got ", first->dim(), " and ", x.dim());
      for (std::int64_t k = 0; k < x.dim(); ++k)
        CT_CHECK(k == d || x.size(k) == first->size(k), "cat: Sizes of tensors must match except in dimension ", d, ". Expected size ", first->size(k),
                 " but got size ", x.size(k), " for tensor number ", i, " in the list.\n  Shapes ", first->sizes(), " and ", x.sizes(), ".");
    }
    in.push_back(&x);
    attrs.push_back(attrs.back() + (skip ? 0 : x.size(d)));
  }
  return detail::apply(cat_op, in.data(), static_cast<int>(in.size()), attrs.data(), static_cast<std::uint32_t>(attrs.size() * sizeof(std::int64_t)));
}
Tensor concat(TensorList tensors, std::int64_t dim) { return cat(tensors, dim); }

Tensor stack(TensorList tensors, std::int64_t dim) {
  CT_CHECK(!tensors.empty(), "stack: stack expects a non-empty TensorList");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CT_CHECK(tensors[i].defined(), "stack: the tensor at position ", i, " is undefined");
    CT_CHECK(tensors[i].sizes() == tensors[0].sizes(), "stack: stack expects each tensor to be equal size, but got ", tensors[0].sizes(),
             " at entry 0 and ", tensors[i].sizes(), " at entry ", i);
  }
  CT_CHECK(tensors[0].dim() < max_dims, "stack: the result would have more than ", max_dims, " dimensions");
  return apply_list(stack_op, detail::DimAttrs{wrap_dim(dim, tensors[0].dim() + 1)}, tensors);
}

Tensor hstack(TensorList tensors) {
  CT_CHECK(!tensors.empty(), "hstack: hstack expects a non-empty TensorList");
  std::vector<Tensor> in;
  for (const Tensor& x : tensors) in.push_back(atleast_1d(x));
  return cat(in, in[0].dim() == 1 ? 0 : 1);
}
Tensor vstack(TensorList tensors) {
  CT_CHECK(!tensors.empty(), "vstack: vstack expects a non-empty TensorList");
  std::vector<Tensor> in;
  for (const Tensor& x : tensors) in.push_back(atleast_2d(x));
  return cat(in, 0);
}
Tensor dstack(TensorList tensors) {
  CT_CHECK(!tensors.empty(), "dstack: dstack expects a non-empty TensorList");
  std::vector<Tensor> in;
  for (const Tensor& x : tensors) {
    const Tensor flat = atleast_2d(x);
    in.push_back(flat.dim() == 2 ? flat.unsqueeze(2) : flat);
  }
  return cat(in, 2);
}
Tensor column_stack(TensorList tensors) {
  CT_CHECK(!tensors.empty(), "column_stack: column_stack expects a non-empty TensorList");
  std::vector<Tensor> in;
  for (const Tensor& x : tensors) {
    detail::check_defined("column_stack", x);
    in.push_back(x.dim() <= 1 ? x.reshape({x.numel(), 1}) : x);
  }
  return hstack(in);
}

Tensor atleast_1d(const Tensor& self) {
  detail::check_defined("atleast_1d", self);
  return self.dim() == 0 ? self.reshape({1}) : self;
}
Tensor atleast_2d(const Tensor& self) {
  detail::check_defined("atleast_2d", self);
  return self.dim() == 0 ? self.reshape({1, 1}) : self.dim() == 1 ? self.unsqueeze(0) : self;
}

}  // namespace ct
