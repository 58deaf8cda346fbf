// ops/geometry.cpp -- the strided look that all views can be rebuilt with; view and expand.
#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/node.h"
#include "ops/batching.h"
#include "ops/linalg.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Dims;
using detail::Geometry;
using detail::impl;
using detail::SizesAttrs;
using detail::StridedAttrs;
using detail::TensorImpl;

namespace {

// Whether two indices of a strided tensor can meet in memory; sound, and exact for what views make.
bool self_overlapping(const Geometry& g) {
  int order[max_dims];
  for (int d = 0; d < g.ndim; ++d) order[d] = d;
  std::sort(order, order + g.ndim, [&](int a, int b) { return g.strides[a] < g.strides[b]; });
  std::int64_t reach = 0;
  for (int i = 0; i < g.ndim; ++i) {
    const int d = order[i];
    if (g.sizes[d] <= 1) continue;
    if (g.strides[d] <= reach) return true;
    reach += (g.sizes[d] - 1) * g.strides[d];
  }
  return false;
}

std::int64_t extent(const Geometry& g) {
  std::int64_t n = g.offset + 1;
  for (int d = 0; d < g.ndim; ++d) {
    if (g.sizes[d] == 0) return 0;
    n += (g.sizes[d] - 1) * g.strides[d];
  }
  return n;
}

// y[i] = x at offset + sum_d i_d stride_d, counted from the first element of x.
constexpr Op as_strided_op{
    .name = "as_strided",
    .node = "AsStridedBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, added at the places that y looks at",
    .forward = [](const Call& c) {
      const Geometry& v = c.attrs<StridedAttrs>().view;
      return detail::alias(c.x(0), v.size_list(), v.stride_list(), v.offset);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<StridedAttrs>();
      // The memory around x, from its first element on, or from where y begins before that.
      const std::int64_t before = std::max<std::int64_t>(0, -a.view.offset), after = before + a.view.offset;
      Tensor flat = g.new_zeros({before + std::max(extent(a.view), extent(a.input))});
      if (!self_overlapping(a.view)) {
        if (g.numel()) as_strided(flat, a.view.size_list(), a.view.stride_list(), after).copy_(g);
      } else {
        const Tensor place = as_strided(arange(flat.numel(), kLong), a.view.size_list(), a.view.stride_list(), after);
        flat.index_add_(0, place.reshape({-1}), g.reshape({-1}));
      }
      if (self_overlapping(a.input)) {  // several elements of x are one in memory: each gets its share
        const Tensor place = as_strided(arange(flat.numel(), kLong), a.input.size_list(), a.input.stride_list(), before);
        const Tensor count = zeros({flat.numel()}, g.scalar_type()).index_add_(0, place.reshape({-1}), ones({place.numel()}, g.scalar_type()));
        flat = flat / count.clamp_min(1);
      }
      return as_strided(flat, a.input.size_list(), a.input.stride_list(), before);
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& a = s.attrs<StridedAttrs>();
      // A tangent that lies in memory as x does is looked at as x is.
      if (t[0].strides() == a.input.stride_list() && a.view.offset >= 0 && extent(a.view) <= extent(a.input))
        return as_strided(t[0], a.view.size_list(), a.view.stride_list(), t[0].storage_offset() + a.view.offset);
      // Memory as that around x, with the elements of the tangent in their places.
      const std::int64_t before = std::max<std::int64_t>(0, -a.view.offset), after = before + a.view.offset;
      Tensor flat = t[0].new_zeros({before + std::max(extent(a.view), extent(a.input))});
      if (!self_overlapping(a.input)) {
        if (t[0].numel()) as_strided(flat, a.input.size_list(), a.input.stride_list(), before).copy_(t[0]);
      } else {  // several elements of x are one in memory: as above, each has its share
        const Tensor place = as_strided(arange(flat.numel(), kLong), a.input.size_list(), a.input.stride_list(), before).reshape({-1});
        const Tensor count = zeros({flat.numel()}, t[0].scalar_type()).index_add_(0, place, ones({place.numel()}, t[0].scalar_type()));
        flat = index_add(flat, 0, place, t[0].reshape({-1})) / count.clamp_min(1);
      }
      return as_strided(flat, a.view.size_list(), a.view.stride_list(), after);
    },
    .batch = [](const Batch& b) {
      const Geometry& v = b.attrs<StridedAttrs>().view;
      const Tensor& x = b.value(0);
      std::vector<std::int64_t> strides{x.stride(0)};
      strides.insert(strides.end(), v.strides, v.strides + v.ndim);
      return as_strided(x, b.with_batch(v.size_list()), strides, x.storage_offset() + v.offset);
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, StridedAttrs{{2, {2, 2}, {4, 2}, 1}, {2, {3, 4}, {4, 1}, 0}});
      call({call.uniform({5})}, StridedAttrs{{2, {4, 2}, {1, 1}, 0}, {1, {5}, {1}, 0}});
    },
};

// Strides of the elements of t in another shape, if its memory allows.
bool view_strides(const TensorImpl* t, const Dims& shape, std::int64_t* strides) {
  if (t->numel == 0) {
    detail::contiguous_strides(shape, strides);
    return true;
  }
  // Runs of dimensions of t that lie behind each other in memory must be covered by whole dimensions of the shape.
  int v = shape.n - 1;
  std::int64_t run = 1, base = t->ndim ? t->strides()[t->ndim - 1] : 1;
  for (int d = t->ndim - 1; d >= -1; --d) {
    if (d >= 0) run *= t->sizes()[d];
    const bool end = d <= 0 || (t->sizes()[d - 1] != 1 && t->strides()[d - 1] != run * base);
    if (!end) continue;
    std::int64_t covered = 1;
    while (v >= 0 && (covered < run || shape.v[v] == 1)) {
      strides[v] = covered * base;
      covered *= shape.v[v--];
    }
    if (covered != run) return false;
    if (d <= 0) break;
    run = 1;
    base = t->strides()[d - 1];
  }
  return v == -1;
}

Dims complete_shape(const char* op, IntArrayRef shape, std::int64_t numel) {
  Dims out;
  CT_CHECK(shape.size() <= static_cast<std::size_t>(max_dims), op, ": at most ", max_dims, " dimensions, got ", shape.size());
  std::int64_t known = 1;
  int free = -1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == -1) {
      CT_CHECK(free < 0, op, ": only one dimension can be inferred, got ", shape);
      free = static_cast<int>(d);
    } else {
      CT_CHECK(shape[d] >= 0, op, ": invalid shape dimension ", shape[d]);
      CT_CHECK(!__builtin_mul_overflow(known, shape[d], &known), op, ": shape '", shape, "' overflows");
    }
    out.v[out.n++] = shape[d];
  }
  if (free >= 0) {
    CT_CHECK(known != 0, op, ": cannot reshape tensor of ", numel, " elements into shape ", shape, " because the unspecified dimension size -1 can be "
             "any value and is ambiguous");
    CT_CHECK(numel % known == 0, op, ": shape '", shape, "' is invalid for input of size ", numel);
    out.v[free] = numel / known;
  } else {
    CT_CHECK(known == numel, op, ": shape '", shape, "' is invalid for input of size ", numel, "\n  The sizes must multiply to ", numel, "; one of them may be -1.");
  }
  return out;
}

constexpr Op view_op{
    .name = "view",
    .node = "ViewBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, in the shape of x",
    .forward = [](const Call& c) {
      const Dims& shape = c.attrs<SizesAttrs>().sizes;
      std::int64_t strides[max_dims];
      CT_CHECK(view_strides(impl(c.x(0)), shape, strides), "view: view size is not compatible with input tensor's size and stride (at least one "
               "dimension spans across two contiguous subspaces). Use .reshape(...) instead.\n  Size ", c.x(0).sizes(), " with strides ",
               c.x(0).strides(), " as ", IntArrayRef(shape));
      return detail::alias(c.x(0), shape, {strides, static_cast<std::size_t>(shape.n)}, 0);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return reshape(g, s.sizes(0)); },
    .batch = detail::batch_behind<SizesAttrs>,
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4})}, SizesAttrs{{2, {2, 6}}});
      call({call.uniform({3, 4})}, SizesAttrs{{3, {3, 2, 2}}});
      call({call.uniform({1})}, SizesAttrs{{0, {}}});
    },
};

constexpr Op expand_op{
    .name = "expand",
    .node = "ExpandBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, summed over the repeated dimensions",
    .forward = [](const Call& c) {
      const Dims& shape = c.attrs<SizesAttrs>().sizes;
      const TensorImpl* t = impl(c.x(0));
      std::int64_t strides[max_dims];
      const int skip = shape.n - t->ndim;
      for (int d = 0; d < shape.n; ++d)
        strides[d] = d < skip || (t->sizes()[d - skip] == 1 && shape.v[d] != 1) ? 0 : t->strides()[d - skip];
      return detail::alias(c.x(0), shape, {strides, static_cast<std::size_t>(shape.n)}, 0);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g.sum_to_size(s.sizes(0)); },
    .batch = [](const Batch& b) {
      const Dims& shape = b.attrs<SizesAttrs>().sizes;
      return apply_with(b.op, SizesAttrs{detail::with_batch(b.size, shape)}, detail::aligned(b.value(0), shape.n));
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 1})}, SizesAttrs{{2, {3, 4}}});
      call({call.uniform({3})}, SizesAttrs{{2, {2, 3}}});
    },
};

}  // namespace

const Op& detail::strided_view_op = as_strided_op;

std::span<const Op* const> geometry_ops() {
  static constexpr const Op* ops[] = {&as_strided_op, &view_op, &expand_op};
  return ops;
}

Tensor as_strided(const Tensor& self, IntArrayRef size, IntArrayRef stride, std::optional<std::int64_t> storage_offset) {
  CT_CHECK(size.size() == stride.size(), "as_strided: mismatch in length of strides and shape: ", size, " and ", stride);
  const std::int64_t n = detail::checked_extent("as_strided", size, stride, self.scalar_type());
  const TensorImpl* t = impl(self);
  const std::int64_t first = self.storage_offset(), offset = storage_offset.value_or(first), available = t->storage->nbytes / elementSize(t->dtype);
  CT_CHECK(offset >= 0, "as_strided: Tensor: invalid storage offset ", offset);
  CT_CHECK(n == 0 || (n <= available && offset <= available - n), "as_strided: setStorage: sizes ", size, ", strides ", stride, ", storage offset ", offset,
           " require a storage of ", static_cast<std::int64_t>(static_cast<std::uint64_t>(offset) + static_cast<std::uint64_t>(n)),
           " elements, but it has ", available);
  StridedAttrs a{{}, detail::geometry_of(t, t)};
  a.view.ndim = static_cast<std::int32_t>(size.size());
  std::copy(size.begin(), size.end(), a.view.sizes);
  std::copy(stride.begin(), stride.end(), a.view.strides);
  a.view.offset = n ? offset - first : 0;
  return apply_with(as_strided_op, a, self);
}

Tensor Tensor::view(IntArrayRef size) const { return apply_with(view_op, SizesAttrs{complete_shape("view", size, numel())}, *this); }

Tensor reshape(const Tensor& self, IntArrayRef shape) {
  const Dims sizes = complete_shape("reshape", shape, self.numel());
  std::int64_t strides[max_dims];
  if (view_strides(impl(self), sizes, strides)) return self.view(sizes);
  return detail::unsafe_view(self.contiguous(), sizes);
}

Tensor Tensor::expand(IntArrayRef size, bool) const {
  Dims out;
  const std::int64_t have = dim();
  CT_CHECK(static_cast<std::int64_t>(size.size()) >= have, "expand: the number of sizes provided (", size.size(), ") must be greater or equal to the "
           "number of dimensions in the tensor (", have, ")");
  CT_CHECK(size.size() <= static_cast<std::size_t>(max_dims), "expand: at most ", max_dims, " dimensions, got ", size.size());
  const std::size_t skip = size.size() - static_cast<std::size_t>(have);
  for (std::size_t d = 0; d < size.size(); ++d) {
    const std::int64_t own = d < skip ? 1 : sizes()[d - skip];
    CT_CHECK(size[d] >= 0 || (size[d] == -1 && d >= skip), "expand: invalid size ", size[d], " at dimension ", d, "; -1 keeps an existing dimension");
    const std::int64_t want = size[d] == -1 ? own : size[d];
    CT_CHECK(own == want || own == 1, "expand: The expanded size of the tensor (", want, ") must match the existing size (", own,
             ") at non-singleton dimension ", d, ". Target sizes: ", size, ". Tensor sizes: ", sizes());
    out.v[out.n++] = want;
  }
  detail::checked_numel("expand", out, kBool);  // however many elements are one in memory, they must be countable
  return apply_with(expand_op, SizesAttrs{out}, *this);
}

Tensor Tensor::sum_to_size(IntArrayRef size) const {
  const std::int64_t extra = dim() - static_cast<std::int64_t>(size.size());
  CT_CHECK(extra >= 0, "sum_to_size: size ", size, " is not expandable to size ", sizes());
  std::int64_t dims[max_dims];
  std::size_t n = 0;
  for (std::int64_t d = 0; d < dim(); ++d) {
    const std::int64_t want = d < extra ? 1 : size[static_cast<std::size_t>(d - extra)], have = sizes()[static_cast<std::size_t>(d)];
    CT_CHECK(want == have || want == 1, "sum_to_size: size ", size, " is not expandable to size ", sizes());
    if (d < extra || want != have) dims[n++] = d;
  }
  Tensor out = n ? ct::sum(*this, {dims, n}, true) : *this;
  return extra ? out.view(size) : out;
}

}  // namespace ct
