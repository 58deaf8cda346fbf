// ops/indexing.cpp -- x.index({..}) and x.index_put_({..}, v): slicing makes views, index tensors and masks copy.
#include "cotangent/indexing.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "core/parallel.h"
#include "ops/batching.h"
#include "ops/index_places.h"
#include "ops/op_list.h"

namespace ct {

using detail::Dims;
using detail::impl;
using detail::IndexAttrs;
using detail::TensorImpl;
using indexing::TensorIndex;

// ---- TensorIndex -----------------------------------------------------------------------------------

namespace indexing {

TensorIndex::TensorIndex(const char* dots) : kind_(Kind::ellipsis) {
  CT_CHECK_VALUE(dots && std::string_view(dots) == "...", "index: Expected \"...\" to represent an ellipsis index, but got \"", dots ? dots : "", "\"");
}
TensorIndex::TensorIndex(const Tensor& t) : kind_(Kind::tensor) {
  CT_CHECK(t.defined(), "index: the index tensor is undefined");
  tensor_ = Tensor(t).release();
}
TensorIndex::TensorIndex(const TensorIndex& o) : kind_(o.kind_), integer_(o.integer_), slice_(o.slice_) {
  if (o.tensor_) tensor_ = o.tensor().release();
}
TensorIndex::~TensorIndex() {
  if (tensor_) Tensor::wrap(static_cast<TensorImpl*>(tensor_));
}
Tensor TensorIndex::tensor() const {
  if (!tensor_) return {};
  auto* t = static_cast<TensorImpl*>(tensor_);
  t->refs.inc();
  return Tensor::wrap(t);
}

}  // namespace indexing

namespace {

// Whether the entries of a batch, of any vmap, have values of their own here.
bool differs_by_entry(const Tensor& t) {
  for (const detail::Layers* l = detail::layers(t); l && l->level; l = detail::layers(l->value))
    if (l->batched) return true;
  return false;
}

bool is_mask(const Tensor& t) { return t.scalar_type() == kBool || t.scalar_type() == kByte; }

// ---- from index tensors to places -------------------------------------------------------------------

// One index tensor: int64 numbers for one dim, or the positions of the true elements of a mask over `width` dims.
struct Entry {
  int dim, width;
  bool mask;
  Tensor index;
};

// Where the result's elements lie in x: dims before the index, the index's own dims, dims after. If the indexed dims are
// not neighbours, the index's dims come first (NumPy's rule).
struct Target {
  kernels::Places places;
  Dims shape;
  Tensor offsets;
};

std::vector<Entry> entries(const char* op, const Tensor& x, const IndexAttrs& a, const Tensor* const* index) {
  std::vector<Entry> out;
  for (int k = 0; k < a.n; ++k) {
    const Tensor& t = *index[k];
    const int dim = a.dims[k];
    if (is_mask(t)) {
      const auto width = static_cast<int>(t.dim());
      for (int d = 0; d < width; ++d)
        CT_CHECK_INDEX(dim + d < x.dim() && t.size(d) == x.size(dim + d), op, ": The shape of the mask ", t.sizes(), " at index ", d,
                       " does not match the shape of the indexed tensor ", x.sizes(), " at index ", dim + d);
      out.push_back({dim, width, true, detail::true_positions(t)});
    } else {
      CT_CHECK_INDEX(isIntegralType(t.scalar_type(), false), op, ": tensors used as indices must be long, int, byte or bool tensors, got ",
                     t.scalar_type(), "\n  Convert with index.to(ct::kLong).");
      const Tensor i = t.detach().to(kLong).contiguous();
      out.push_back({dim, 1, false, i});  // the range is checked on the way
    }
  }
  return out;
}

Target target(const char* op, const Tensor& x, const IndexAttrs& a, const Tensor* const* index) {
  const std::vector<Entry> list = entries(op, x, a, index);
  const TensorImpl* t = impl(x);
  const std::int64_t size = elementSize(t->dtype);

  // The common shape of the index tensors.
  Dims common;
  bool fits = true;
  for (const Entry& e : list) {
    const IntArrayRef s = e.index.sizes();
    for (std::size_t i = 1; i <= s.size() && i <= static_cast<std::size_t>(common.n); ++i) {
      const std::int64_t p = common.v[common.n - static_cast<int>(i)], q = s[s.size() - i];
      fits &= p == q || p == 1 || q == 1;
    }
    if (fits) detail::broadcast(common, s, op);
  }
  if (!fits) {
    std::string shapes;
    for (const Entry& e : list) shapes += detail::join({shapes.empty() ? "" : ", ", e.index.sizes()});
    CT_THROW(index, op, ": shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
  }

  // Which dims of x are indexed, and whether they are neighbours.
  std::uint32_t indexed = 0;
  bool neighbours = true;
  for (std::size_t k = 0; k < list.size(); ++k) {
    for (int d = 0; d < list[k].width; ++d) indexed |= 1u << (list[k].dim + d);
    if (k > 0) neighbours &= list[k].dim == list[k - 1].dim + list[k - 1].width;
  }
  const int first = neighbours ? list[0].dim : 0;

  Target y;
  y.places.data = t->data;
  y.places.element_size = static_cast<int>(size);
  for (int d = 0; d < first; ++d) {
    y.places.outer.add(t->sizes()[d], t->strides()[d] * size);
    y.shape.v[y.shape.n++] = t->sizes()[d];
  }
  CT_CHECK(y.shape.n + common.n + t->ndim <= 2 * max_dims, op, ": too many dimensions");
  Dims rest;
  for (int d = first; d < t->ndim; ++d) {
    if (indexed >> d & 1) continue;
    y.places.inner.add(t->sizes()[d], t->strides()[d] * size);
    rest.v[rest.n++] = t->sizes()[d];
  }
  CT_CHECK(y.shape.n + common.n + rest.n <= max_dims, op, ": the result would have more than ", max_dims, " dimensions");
  for (int d = 0; d < common.n; ++d) y.shape.v[y.shape.n++] = common.v[d];
  for (int d = 0; d < rest.n; ++d) y.shape.v[y.shape.n++] = rest.v[d];

  // offsets[j] = the sum over the index tensors of index * stride, in bytes.
  y.offsets = zeros(common, kLong);
  auto* offsets = detail::data<std::int64_t>(y.offsets);
  y.places.offsets = offsets;
  y.places.n = y.offsets.numel();
  for (const Entry& e : list) {
    const Tensor wide = e.index.sizes() == common ? e.index : e.index.expand(common).contiguous();
    const auto* i = detail::data<std::int64_t>(wide);
    kernels::Walk walk;
    for (int d = e.dim; d < e.dim + e.width; ++d) walk.add(t->sizes()[d], t->strides()[d] * size);
    const std::int64_t length = e.mask ? 0 : t->sizes()[e.dim], stride = e.mask ? 0 : t->strides()[e.dim] * size;
    std::atomic<bool> inside{true};
    detail::parallel_for(y.places.n, detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      if (e.mask && walk.n > 1) for (std::int64_t j = begin; j < end; ++j) offsets[j] += walk.offset(i[j]);
      else if (e.mask) for (std::int64_t j = begin; j < end; ++j) offsets[j] += i[j] * (walk.n ? walk.strides[0] : 0);
      else {
        bool fits = true;
        for (std::int64_t j = begin; j < end; ++j) {
          const std::int64_t at = i[j] < 0 ? i[j] + length : i[j];
          fits &= static_cast<std::uint64_t>(at) < static_cast<std::uint64_t>(length);
          offsets[j] += (fits ? at : 0) * stride;
        }
        if (!fits) inside.store(false, std::memory_order_relaxed);
      }
    });
    if (!inside.load()) detail::check_index_range(op, e.index, e.dim, length, true);
  }
  return y;
}

// ---- the ops ------------------------------------------------------------------------------------------

constexpr SaveMask all_but(int n) { return ((SaveMask{1} << max_saved_inputs) - 1) & ~((SaveMask{1} << n) - 1); }

// An op with the index tensors that a derivative has saved, as inputs first, first + 1, ... `put_into` may write into x, of which
// no one else knows, and does so unless a transform takes part.
Tensor index_call(const Tensor& x, const IndexAttrs& a, const Saved& s, int first);
Tensor put(const Tensor& x, const Tensor& values, const IndexAttrs& a, const Saved& s, int first);
Tensor put_into(const Tensor& x, const Tensor& values, const IndexAttrs& a, const Saved& s, int first);

Tensor batched_index(const Batch& b);
Tensor batched_index_put(const Batch& b);
// Indices of 0 to n - 1 for those of -n to n - 1.
Tensor from_front(const Tensor& index, std::int64_t n) { return where(index < 0, index + n, index); }

// y = x[index, ..]: a copy.
constexpr Op index_op{
    .name = "index",
    .node = "IndexBackward0",
    .kind = OpKind::linear,
    .formula = "dx = 0, plus g at the index; repeated indices add up",
    .forward = [](const Call& c) {
      const Target y = target("index", c.x(0), c.attrs<IndexAttrs>(), c.in + 1);
      Tensor out = detail::empty_like_dtype(c.x(0).scalar_type(), y.shape);
      kernels::read_places(impl(out)->data, y.places);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      IndexAttrs a = s.attrs<IndexAttrs>();
      a.accumulate = true;
      return put_into(zeros(s.sizes(0), g.scalar_type()), g, a, s, 1);
    },
    .batch = [](const Batch& b) { return batched_index(b); },
    .save = {all_but(1)},
    .save_shapes = true,
    .nondiff = ~1u,
    .samples = [](SampleSink& call) {
      const Tensor mask = tensor({{true, false, true}, {false, false, true}});
      call({call.uniform({4}), tensor({2, 0, 2, -1})}, IndexAttrs{1, {0}, false});
      call({call.uniform({3, 4}), tensor({{2, 0}, {1, 1}})}, IndexAttrs{1, {1}, false});
      call({call.uniform({3, 4}), tensor({2, 0, 2}), tensor({3, 3, 3})}, IndexAttrs{2, {0, 1}, false});
      call({call.uniform({3, 2, 4}), tensor({2, 0}), tensor({{3}, {1}})}, IndexAttrs{2, {0, 2}, false});
      call({call.uniform({2, 3}), mask}, IndexAttrs{1, {0}, false});
      call({call.uniform({4, 2, 3}), mask}, IndexAttrs{1, {1}, false});
    },
};

// self[index, ..] = values, or += with accumulate
constexpr Op index_put_op{
    .name = "index_put",
    .node = "IndexPutBackward0",
    .formula = "dself = g, 0 at the index unless values are added; dvalues = g[index]",
    .inplace = [](const Call& c, const Tensor& self) {
      const auto& a = c.attrs<IndexAttrs>();
      const Tensor& values = c.x(1);
      CT_CHECK_INDEX(values.scalar_type() == self.scalar_type(), "index_put: Index put requires the source and destination dtypes match, got ",
                     self.scalar_type(), " for the destination and ", values.scalar_type(), " for the source.");
      const Target y = target("index_put", self, a, c.in + 2);
      const std::size_t n = values.sizes().size(), m = static_cast<std::size_t>(y.shape.n);
      bool fits = n <= m;
      for (std::size_t d = 0; fits && d < n; ++d) fits = values.sizes()[d] == 1 || values.sizes()[d] == y.shape.v[m - n + d];
      CT_CHECK(fits, "index_put: shape mismatch: value tensor of shape ", values.sizes(), " cannot be broadcast to indexing result of shape ",
               IntArrayRef(y.shape));
      if (!a.accumulate && values.numel() == 1) {
        const Tensor one = detail::apart_from(values, self);
        kernels::fill_places(y.places, impl(one)->data);
        return;
      }
      const Tensor dense = detail::apart_from(values, self).expand(y.shape).contiguous();
      if (a.accumulate) kernels::add_places(self.scalar_type(), y.places, impl(dense)->data, 1);
      else kernels::write_places(y.places, impl(dense)->data);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const auto& a = s.attrs<IndexAttrs>();
      if (arg == 1 && is_mask(s.x(2)) && differs_by_entry(s.x(2))) {  // one value for all; the engine sums
        Tensor mask = s.x(2).to(kBool);
        for (std::int64_t d = a.dims[0] + mask.dim(); d < g.dim(); ++d) mask = mask.unsqueeze(-1);
        return masked_fill(g, logical_not(mask), 0);
      }
      if (arg == 1) return index_call(g, a, s, 2);
      if (a.accumulate) return g;
      return put_into(g.clone(), zeros({}, g.scalar_type()), a, s, 2);
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const Tensor x = t[0].defined() ? t[0] : zeros_like(s.x(0)), values = t[1].defined() ? t[1] : zeros_like(s.x(1));
      return put(x, values, s.attrs<IndexAttrs>(), s, 2);
    },
    .batch = [](const Batch& b) { return batched_index_put(b); },
    .save = {all_but(2), all_but(2)},
    .nondiff = ~3u,
    .samples = [](SampleSink& call) {
      const Tensor mask = tensor({{true, false, true}, {false, false, true}});
      call({call.uniform({4}), call.uniform({2}), tensor({2, 0})}, IndexAttrs{1, {0}, false});
      call({call.uniform({4}), call.uniform({3}), tensor({2, 0, 2})}, IndexAttrs{1, {0}, true});
      call({call.uniform({3, 4}), call.uniform({1}), tensor({2, 0}), tensor({1, -1})}, IndexAttrs{2, {0, 1}, false});
      call({call.uniform({2, 3}), call.uniform({3}), mask}, IndexAttrs{1, {0}, false});
      call({call.uniform({3, 2, 4}), call.uniform({2, 2, 2}), tensor({2, 0}), tensor({{3}, {1}})}, IndexAttrs{2, {0, 2}, false});
    },
};

Tensor index_call(const Tensor& x, const IndexAttrs& a, const Saved& s, int first) {
  const Tensor* in[1 + max_dims] = {&x};
  for (int k = 0; k < a.n; ++k) in[1 + k] = &s.x(first + k);
  return detail::apply(index_op, in, 1 + a.n, &a, sizeof a);
}
Tensor put(const Tensor& x, const Tensor& values, const IndexAttrs& a, const Saved& s, int first) {
  const Tensor* in[2 + max_dims] = {&x, &values};
  for (int k = 0; k < a.n; ++k) in[2 + k] = &s.x(first + k);
  return detail::apply(index_put_op, in, 2 + a.n, &a, sizeof a);
}
Tensor put_into(const Tensor& x, const Tensor& values, const IndexAttrs& a, const Saved& s, int first) {
  const Tensor* in[2 + max_dims] = {&x, &values};
  bool layered = detail::any_layered({&x, &values});
  for (int k = 0; k < a.n; ++k) {
    in[2 + k] = &s.x(first + k);
    layered |= detail::is_layered(*in[2 + k]);
  }
  if (layered) return detail::apply(index_put_op, in, 2 + a.n, &a, sizeof a);
  return detail::apply_inplace(index_put_op, in, 2 + a.n, &a, sizeof a);
}

// ---- vmap ---------------------------------------------------------------------------------------------

// A batched call of index or index_put, whose index tensors begin at input `first`.
struct BatchedIndex {
  IndexAttrs attrs;               // for the value, whose batch dimension is first (or which has none)
  std::vector<Tensor> tensors;
  bool any = false;               // an index tensor is batched
  int common = 0;                 // dims of what the index tensors broadcast to
  int before = 0;                 // dims of the entries in front of them in the result
  int result = 0;                 // dims of an entry of the result
};

BatchedIndex batched_call(const char* op, const Batch& b, int first, bool x_batched) {
  const auto& a = b.attrs<IndexAttrs>();
  BatchedIndex y;
  y.attrs.accumulate = a.accumulate;
  bool neighbours = true;
  int indexed = 0, end = 0;
  for (int k = 0; k < a.n; ++k) {
    const int i = first + k;
    const bool mask = is_mask(b.value(i));
    CT_CHECK(!mask || !b.batched(i), "vmap: data-dependent shape: ", op, " with a mapped mask names as many elements of each entry as its mask has\n  "
             "Use where(mask, value, x), which keeps the shape, or a mask that is not mapped.");
    const int width = mask ? static_cast<int>(b.dim(i)) : 1;
    y.any |= b.batched(i);
    y.common = std::max(y.common, mask ? 1 : static_cast<int>(b.dim(i)));
    neighbours &= k == 0 || a.dims[k] == end;
    end = a.dims[k] + width;
    indexed += width;
  }
  y.before = neighbours ? a.dims[0] : 0;
  y.result = static_cast<int>(b.dim(0)) - indexed + y.common;
  if (y.any && x_batched) {  // one more index tensor: the number of the entry
    std::vector<std::int64_t> column(static_cast<std::size_t>(1 + y.common), 1);
    column[0] = b.size;
    y.tensors.push_back(arange(b.size, kLong).view(column));
    y.attrs.dims[y.attrs.n++] = 0;
  }
  for (int k = 0; k < a.n; ++k) {
    y.tensors.push_back(detail::broadcastable(b, first + k, y.common));
    y.attrs.dims[y.attrs.n++] = static_cast<std::int8_t>(a.dims[k] + x_batched);
  }
  // What counts as neighbours for the entries may not for the values, and the other way round: `before` says where to move.
  return y;
}

// Whether the dims that are indexed in the call lie side by side, so that the index's dims take their place.
bool side_by_side(const BatchedIndex& y) {
  for (std::size_t k = 1; k < y.tensors.size(); ++k) {
    const int width = is_mask(y.tensors[k - 1]) ? static_cast<int>(y.tensors[k - 1].dim()) : 1;
    if (y.attrs.dims[k] != y.attrs.dims[k - 1] + width) return false;
  }
  return true;
}

// Where the dims of {batch, before.., common.., rest..}, in which entries are stacked, lie in what the call on the values
// gives: the index's dims, batched if an index tensor is, stand in place of the first indexed dim or else first.
std::vector<std::int64_t> call_order(const BatchedIndex& y, bool x_batched) {
  const int front = side_by_side(y) ? y.attrs.dims[0] : 0;  // dims in front of those of the index
  std::vector<std::int64_t> order(static_cast<std::size_t>(1 + y.result));
  // The entries' dims that are not the index's, in order: some in front of it in the call, the others behind.
  const int index_dims = y.common + (y.any ? 1 : 0);
  const int plain_batch = x_batched && !y.any ? 1 : 0;  // the batch is a plain dim of x, the first one
  const auto plain_at = [&](int j) { return j < front ? j : j + index_dims; };
  order[0] = plain_batch ? plain_at(0) : front;
  int plain = plain_batch;
  for (int d = 0; d < y.result; ++d) {
    const bool of_index = d >= y.before && d < y.before + y.common;
    order[static_cast<std::size_t>(1 + d)] = of_index ? front + (y.any ? 1 : 0) + d - y.before : plain_at(plain++);
  }
  return order;
}

Tensor batched_index(const Batch& b) {
  const BatchedIndex y = batched_call("index", b, 1, b.batched(0));
  std::vector<const Tensor*> in{&b.value(0)};
  for (const Tensor& t : y.tensors) in.push_back(&t);
  const Tensor out = detail::apply(b.op, in.data(), static_cast<int>(in.size()), &y.attrs, sizeof y.attrs);
  const std::vector<std::int64_t> order = call_order(y, b.batched(0));
  return std::is_sorted(order.begin(), order.end()) ? out : permute(out, order);
}

// x[mask] = one value: the mask decides element by element, so it may be mapped.
Tensor masked_put(const Batch& b) {
  const int dim = b.attrs<IndexAttrs>().dims[0];
  Tensor mask = b.value(2).to(kBool);
  for (std::int64_t d = dim + b.dim(2); d < b.dim(0); ++d) mask = mask.unsqueeze(-1);
  for (std::int64_t d = 0; d < b.dim(2); ++d)
    CT_CHECK_INDEX(dim + d < b.dim(0) && b.sizes(2)[static_cast<std::size_t>(d)] == b.sizes(0)[static_cast<std::size_t>(dim + d)], "index_put: The shape of the mask ",
                   b.sizes(2), " at index ", d, " does not match the shape of the indexed tensor ", b.sizes(0), " at index ", dim + d);
  const Tensor value = b.batched(1) ? detail::aligned(b.value(1).reshape({b.size}), b.dim(0)) : b.value(1).reshape({});
  CT_CHECK_INDEX(value.scalar_type() == b.value(0).scalar_type(), "index_put: Index put requires the source and destination dtypes match, got ",
                 b.value(0).scalar_type(), " for the destination and ", value.scalar_type(), " for the source.");
  return where(b.batched(2) ? detail::aligned(mask, b.dim(0)) : mask, value, b.x(0));
}

Tensor batched_index_put(const Batch& b) {
  const auto& a = b.attrs<IndexAttrs>();
  std::int64_t n = 1;
  for (std::int64_t d : b.sizes(1)) n *= d;
  if (a.n == 1 && !a.accumulate && n == 1 && is_mask(b.value(2)) && (b.batched(2) || differs_by_entry(b.value(2)))) return masked_put(b);
  const BatchedIndex y = batched_call("index_put", b, 2, true);
  const Tensor self = b.x(0);
  Tensor values = b.batched(1) ? detail::aligned(b.value(1), y.result) : b.value(1);
  const std::vector<std::int64_t> order = call_order(y, true);
  if (!std::is_sorted(order.begin(), order.end())) {
    // From the order of stacked entries into that of the call.
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(1 + y.result), 1), back(order.size());
    std::copy(values.sizes().begin(), values.sizes().end(), sizes.end() - values.dim());
    for (std::size_t d = 0; d < order.size(); ++d) back[static_cast<std::size_t>(order[d])] = static_cast<std::int64_t>(d);
    values = permute(values.reshape(sizes), back);
  }
  std::vector<const Tensor*> in{&self, &values};
  for (const Tensor& t : y.tensors) in.push_back(&t);
  return detail::apply(b.op, in.data(), static_cast<int>(in.size()), &y.attrs, sizeof y.attrs);
}

// y = x's elements by their row-major number.
constexpr Op take_op{
    .name = "take",
    .node = "TakeBackward0",
    .kind = OpKind::linear,
    .formula = "dx = 0, plus g at the index; repeated indices add up",
    .forward = [](const Call& c) {
      const Tensor& x = c.x(0);
      const Tensor index = detail::to_index("take", c.x(1));
      const auto* i = detail::data<std::int64_t>(index);
      const std::int64_t n = x.numel(), bad = kernels::find_outside(i, index.numel(), -n, n);
      CT_CHECK_INDEX(bad < 0, "take: out of range: tried to access index ", i[bad], " on a tensor of ", n, " elements.");
      kernels::Places p;
      p.data = impl(x)->data;
      p.element_size = static_cast<int>(x.element_size());
      kernels::Walk walk;
      for (std::int64_t d = 0; d < x.dim(); ++d) walk.add(x.size(d), x.stride(d) * p.element_size);
      Tensor offsets = detail::empty_like_dtype(kLong, {index.numel()});
      auto* o = detail::data<std::int64_t>(offsets);
      const std::int64_t dense = walk.n == 0 ? 0 : walk.strides[0];
      detail::parallel_for(index.numel(), detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        if (walk.n <= 1) for (std::int64_t j = begin; j < end; ++j) o[j] = (i[j] < 0 ? i[j] + n : i[j]) * dense;
        else for (std::int64_t j = begin; j < end; ++j) o[j] = walk.offset(i[j] < 0 ? i[j] + n : i[j]);
      });
      p.offsets = o;
      p.n = index.numel();
      Tensor out = detail::empty_like_dtype(x.scalar_type(), index.sizes());
      kernels::read_places(impl(out)->data, p);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      std::int64_t n = 1;
      for (std::int64_t d : s.sizes(0)) n *= d;
      return put_into(zeros({n}, g.scalar_type()), g, IndexAttrs{1, {0}, true}, s, 1).reshape(s.sizes(0));
    },
    .batch = [](const Batch& b) {
      if (!b.batched(0)) return take(b.value(0), b.value(1));
      std::int64_t n = 1;
      for (std::int64_t d : b.sizes(0)) n *= d;
      const Tensor rows = b.value(0).reshape({b.size, n});
      if (!b.batched(1)) return rows.index({indexing::Slice(), b.value(1)});
      const Tensor y = gather(rows, 1, from_front(b.value(1).flatten(1).reshape({b.size, -1}), n));
      return y.reshape(b.value(1).sizes());
    },
    .save = {X(1)},
    .save_shapes = true,
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) { call({call.uniform({2, 3}), tensor({{5, 0}, {-1, 2}})}); },
};

constexpr Op alias_op{
    .name = "alias",
    .node = "AliasBackward0",
    .kind = OpKind::view,
    .formula = "dx = g",
    .forward = [](const Call& c) { return detail::alias(c.x(0), c.x(0).sizes(), c.x(0).strides(), 0); },
    .vjp = [](const Tensor& g, const Saved&, int) { return g; },
    .batch = detail::batch_as_is,
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}); },
};

// ---- brackets --------------------------------------------------------------------------------------------

// What is left to do after integers, slices, ... and None have made a view.
struct Bracket {
  Tensor self;
  std::vector<Tensor> tensors;
  IndexAttrs attrs;
};

Tensor pick(const Tensor& x, std::int64_t dim, std::int64_t index, std::int64_t named_dim) {
  const std::int64_t n = x.size(dim);
  CT_CHECK_INDEX(index >= -n && index < n, "index: index ", index, " is out of bounds for dimension ", named_dim, " with size ", n);
  return select(x, dim, index);
}

Bracket bracket(const Tensor& self, ArrayRef<TensorIndex> indices, bool writing) {
  using Kind = TensorIndex::Kind;
  detail::check_defined("index", self);
  CT_CHECK_INDEX(!indices.empty(), "index: at least one index is needed");
  std::int64_t named = 0;
  int dots = 0;
  for (const TensorIndex& i : indices) {
    if (i.kind() == Kind::integer || i.kind() == Kind::slice) ++named;
    else if (i.kind() == Kind::ellipsis) ++dots;
    else if (i.kind() == Kind::tensor) named += is_mask(i.tensor()) ? i.tensor().dim() : 1;
  }
  CT_CHECK_INDEX(dots <= 1, "index: an index can only have a single ellipsis ('...')");
  CT_CHECK_INDEX(self.dim() > 0 || named == 0 || indices[0].kind() != Kind::integer, "index: invalid index of a 0-dim tensor\n  Use "
                 "tensor.item<T>() to convert a 0-dim tensor to a number.");
  CT_CHECK_INDEX(named <= self.dim(), "index: too many indices for tensor of dimension ", self.dim(), ": got ", named);

  Bracket b{self, {}, {}};
  std::int64_t dim = 0, named_dim = 0;
  auto add_tensor = [&](const Tensor& t, std::int64_t width) {
    b.tensors.push_back(t);
    b.attrs.dims[b.attrs.n++] = static_cast<std::int8_t>(dim);
    dim += width;
  };
  auto add_bool = [&](bool v) {
    b.self = unsqueeze(b.self, dim);
    add_tensor(v ? zeros({1}, kLong) : zeros({0}, kLong), 1);
  };
  for (const TensorIndex& i : indices) {
    switch (i.kind()) {
      case Kind::none: b.self = unsqueeze(b.self, dim++); break;
      case Kind::ellipsis:
        dim += self.dim() - named;
        named_dim += self.dim() - named;
        break;
      case Kind::integer: b.self = pick(b.self, dim, i.integer(), named_dim++); break;
      case Kind::boolean: add_bool(i.boolean()); break;
      case Kind::slice: {
        const auto& s = i.slice();
        const std::int64_t n = b.self.size(dim);
        CT_CHECK_VALUE(s.step() > 0, "index: step must be greater than zero, got ", s.step(), "\n  Use flip() to reverse a dimension.");
        // PyTorch records x[:] as a slice, but no slice that names the whole dim by its size, unless x[0:n] is read.
        const bool whole = (writing || indices.size() > 1) && s.step() == 1 && s.start().value_or(0) == 0 && s.stop() && *s.stop() == n;
        if (!whole) b.self = ct::slice(b.self, dim, s.start(), s.stop(), s.step());
        ++dim;
        ++named_dim;
        break;
      }
      case Kind::tensor: {
        const Tensor t = i.tensor();
        if (t.dim() == 0 && isIntegralType(t.scalar_type(), true)) {  // counts as the number it holds
          if (detail::is_batched(t) && !is_mask(t)) {  // the numbers of a batch: an index tensor without dims, so a copy
            if (writing) {
              add_tensor(t, 1);
            } else {
              const IndexAttrs one{1, {static_cast<std::int8_t>(dim)}, false};
              b.self = apply_with(index_op, one, b.self, t);
            }
            ++named_dim;
          } else if (is_mask(t)) {
            detail::refuse_batched("index", t, "Use where(mask, x, y), which keeps the shape");
            add_bool(t.item().toBool());
          }
          else b.self = pick(b.self, dim, t.item().toLong(), named_dim++);
        } else {
          const std::int64_t width = is_mask(t) ? t.dim() : 1;
          add_tensor(t, width);
          named_dim += width;
        }
        break;
      }
    }
  }
  return b;
}

std::vector<const Tensor*> inputs(std::initializer_list<const Tensor*> first, const Bracket& b) {
  std::vector<const Tensor*> in(first);
  for (const Tensor& t : b.tensors) in.push_back(&t);
  return in;
}

// x[..] = value into the view that the brackets made.
void write(const Bracket& b, Tensor value) {
  // Leading dims of size 1 do not count.
  std::size_t ones = 0;
  while (ones < value.sizes().size() && value.sizes()[ones] == 1) ++ones;
  const bool fits = value.sizes() == b.self.sizes();
  if (b.tensors.empty()) {
    if (!fits && value.dim() == 0) {
      b.self.fill_(value);
      return;
    }
    if (!fits && ones && value.dim() > b.self.dim()) value = value.view(value.sizes().slice(ones, value.sizes().size() - ones));
    b.self.copy_(value);
    return;
  }
  if (ones) value = value.view(value.sizes().slice(ones, value.sizes().size() - ones));
  const auto in = inputs({&b.self, &value}, b);
  detail::apply_inplace(index_put_op, in.data(), static_cast<int>(in.size()), &b.attrs, sizeof b.attrs);
}

}  // namespace

std::span<const Op* const> indexing_ops() {
  static constexpr const Op* ops[] = {&index_op, &index_put_op, &take_op, &alias_op};
  return ops;
}

Tensor detail::view_identity(const Tensor& x) { return apply(alias_op, x); }

Tensor Tensor::operator[](std::int64_t index) const {
  detail::check_defined("index", *this);
  CT_CHECK_INDEX(dim() > 0, "index: invalid index of a 0-dim tensor\n  Use tensor.item<T>() to convert a 0-dim tensor to a number.");
  return pick(*this, 0, index, 0);
}
Tensor Tensor::operator[](const Tensor& index) const { return this->index({TensorIndex(index)}); }

Tensor Tensor::index(std::initializer_list<TensorIndex> indices) const { return index(ArrayRef<TensorIndex>(indices.begin(), indices.size())); }
Tensor Tensor::index(ArrayRef<TensorIndex> indices) const {
  const Bracket b = bracket(*this, indices, false);
  if (b.tensors.empty()) return b.self.is_same(*this) ? apply(alias_op, *this) : b.self;
  const auto in = inputs({&b.self}, b);
  return detail::apply(index_op, in.data(), static_cast<int>(in.size()), &b.attrs, sizeof b.attrs);
}
Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Tensor& rhs) const {
  return index_put_(ArrayRef<TensorIndex>(indices.begin(), indices.size()), rhs);
}
Tensor& Tensor::index_put_(std::initializer_list<TensorIndex> indices, const Scalar& v) const {
  return index_put_(ArrayRef<TensorIndex>(indices.begin(), indices.size()), v);
}
namespace {
// x[False] = v leaves x as it is.
bool writes_nothing(ArrayRef<TensorIndex> indices) {
  return indices.size() == 1 && indices[0].kind() == TensorIndex::Kind::boolean && !indices[0].boolean();
}
}  // namespace

Tensor& Tensor::index_put_(ArrayRef<TensorIndex> indices, const Tensor& rhs) const {
  detail::check_defined("index_put_", rhs);
  if (writes_nothing(indices)) return const_cast<Tensor&>(*this);
  write(bracket(*this, indices, true), rhs);
  return const_cast<Tensor&>(*this);
}
Tensor& Tensor::index_put_(ArrayRef<TensorIndex> indices, const Scalar& v) const {
  if (writes_nothing(indices)) return const_cast<Tensor&>(*this);
  const Bracket b = bracket(*this, indices, true);
  if (b.tensors.empty()) b.self.fill_(v);
  else write(b, full({}, v, scalar_type()));  // rounds, as Python does
  return const_cast<Tensor&>(*this);
}

Tensor take(const Tensor& self, const Tensor& index) {
  for (const Tensor* t : {&self, &index}) detail::check_defined("take", *t);
  return apply(take_op, self, index);
}

}  // namespace ct
