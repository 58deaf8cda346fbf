// ops/sort.cpp -- sorting, and the order statistics that take one element of a sorted row.
#include <cmath>

#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::DimAttrs;
using detail::DimWalk;

namespace {

// ---- rows of (value, index) -----------------------------------------------------------------------------------------

template <class T>
struct Item {
  T value;
  std::int64_t index;
};

template <class T>
bool is_nan(T v) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(v);
  else return false;
}
// NaN counts as larger than any number, and equal elements keep their order: no two items are equivalent.
template <class T>
struct Ascending {
  bool operator()(const Item<T>& a, const Item<T>& b) const {
    if (a.value < b.value) return true;
    if (b.value < a.value) return false;
    const bool nan_a = is_nan(a.value), nan_b = is_nan(b.value);
    return nan_a != nan_b ? nan_b : a.index < b.index;
  }
};
template <class T>
struct Descending {
  bool operator()(const Item<T>& a, const Item<T>& b) const {
    if (b.value < a.value) return true;
    if (a.value < b.value) return false;
    const bool nan_a = is_nan(a.value), nan_b = is_nan(b.value);
    return nan_a != nan_b ? nan_a : a.index < b.index;
  }
};

// For each row along a dimension of x: `arrange(items, n)` puts the first k in place, which become the output.
template <class Arrange>
std::vector<Tensor> arranged(const Tensor& x, std::int64_t dim, std::int64_t k, const detail::Dims& shape, const Arrange& arrange) {
  const DimWalk w(detail::widened(x), dim);
  Tensor values = detail::empty_like_dtype(w.x.scalar_type(), shape), indices = detail::empty_like_dtype(kLong, shape);
  if (values.numel() > 0)
    CT_DISPATCH_WIDE(w.x.scalar_type(), [&] {
      const scalar_t* from = detail::data<scalar_t>(w.x);
      scalar_t* y = detail::data<scalar_t>(values);
      auto* where = detail::data<std::int64_t>(indices);
      const std::int64_t grain = std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, w.n));
      detail::parallel_for(w.rows(), grain, [&](std::int64_t begin, std::int64_t end) {
        std::vector<Item<scalar_t>> items(static_cast<std::size_t>(w.n));
        for (std::int64_t r = begin; r < end; ++r) {
          const scalar_t* row = from + w.offset(r);
          for (std::int64_t i = 0; i < w.n; ++i) items[static_cast<std::size_t>(i)] = {row[i * w.inner], i};
          arrange(items.data(), w.n);
          const std::int64_t out = r / w.inner * k * w.inner + r % w.inner;
          for (std::int64_t i = 0; i < k; ++i) {
            y[out + i * w.inner] = items[static_cast<std::size_t>(i)].value;
            where[out + i * w.inner] = items[static_cast<std::size_t>(i)].index;
          }
        }
      });
    });
  return {values.to(x.scalar_type()), std::move(indices)};
}

// The item that would be the k-th (from 0) of the sorted row, moved to the front.
template <class T>
void bring_kth(Item<T>* items, std::int64_t n, std::int64_t k) {
  std::nth_element(items, items + k, items + n, Ascending<T>());
  std::swap(items[0], items[k]);
}
template <class T>
void bring_median(Item<T>* items, std::int64_t n) {  // the lower one; NaN if there is one
  for (std::int64_t i = 0; i < n; ++i)
    if (is_nan(items[i].value)) {
      std::swap(items[0], items[i]);
      return;
    }
  bring_kth(items, n, (n - 1) / 2);
}
template <class T>
void bring_mode(Item<T>* items, std::int64_t n) {  // the smallest of the most frequent values, at its last place
  std::sort(items, items + n, Ascending<T>());
  std::int64_t run = 0, longest = 0, at = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    ++run;
    if (i + 1 < n && items[i].value == items[i + 1].value) continue;
    if (run > longest) longest = run, at = i;
    run = 0;
  }
  std::swap(items[0], items[at]);
}

// ---- ops -----------------------------------------------------------------------------------------------------------------

// Values picked by index: their gradient goes back to where they came from.
Tensor to_indices(const Tensor& g, const Saved& s, int) {
  return detail::pick_backward(g, s.y(1), s.sizes(0), s.attrs<DimAttrs>().dim, true);
}
Tensor to_index(const Tensor& g, const Saved& s, int) {
  const auto& a = s.attrs<DimAttrs>();
  return detail::pick_backward(g, s.y(1), s.sizes(0), a.dim, a.keepdim);
}
Tensor picked_all_jvp(const Tensor* t, const Saved& s) { return detail::picked_tangent(t[0], s.y(1), s.attrs<DimAttrs>().dim, true); }
Tensor picked_jvp(const Tensor* t, const Saved& s) {
  const auto& a = s.attrs<DimAttrs>();
  return detail::picked_tangent(t[0], s.y(1), a.dim, a.keepdim);
}
constexpr const char* pick_formula = "dx[index] = g, 0 elsewhere";

std::vector<Tensor> sort_forward(const Call& c) {
  const auto& a = c.attrs<DimAttrs>();  // flag: descending
  const Tensor& x = c.x(0);
  const std::int64_t n = x.dim() ? x.size(a.dim) : 1;
  return arranged(x, a.dim, n, detail::resized_shape(x, a.dim, n), [&]<class T>(Item<T>* items, std::int64_t m) {
    if (a.flag) std::sort(items, items + m, Descending<T>());
    else std::sort(items, items + m, Ascending<T>());
  });
}

void sort_samples(SampleSink& call) {
  for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4})}, DimAttrs{dim, false, dim == 1});
  call({call.uniform({})}, DimAttrs{});
  call({call.uniform({2, 0})}, DimAttrs{1});
}

constexpr Op sort_op{
    .name = "sort",
    .node = "SortBackward0",
    .kind = OpKind::other,
    .formula = pick_formula,
    .forward_multi = sort_forward,
    .vjp = to_indices,
    .jvp = picked_all_jvp,
    .batch_multi = detail::sort_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = sort_samples,
};
constexpr Op sort_stable_op{
    .name = "sort.stable",
    .node = "SortBackward1",
    .kind = OpKind::other,
    .formula = pick_formula,
    .forward_multi = sort_forward,
    .vjp = to_indices,
    .jvp = picked_all_jvp,
    .batch_multi = detail::sort_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = sort_samples,
};

constexpr Op topk_op{  // flag: largest
    .name = "topk",
    .node = "TopkBackward0",
    .kind = OpKind::other,
    .formula = pick_formula,
    .forward_multi = [](const Call& c) {
      const auto& a = c.attrs<DimAttrs>();
      const Tensor& x = c.x(0);
      return arranged(x, a.dim, a.k, detail::resized_shape(x, a.dim, a.k), [&]<class T>(Item<T>* items, std::int64_t n) {
        auto first_k = [&](auto before) {
          if (a.k <= n / 32) {  // a small heap, which most elements only look at
            std::partial_sort(items, items + a.k, items + n, before);
            return;
          }
          if (a.k < n) std::nth_element(items, items + a.k, items + n, before);
          std::sort(items, items + a.k, before);
        };
        if (a.flag) first_k(Descending<T>());
        else first_k(Ascending<T>());
      });
    },
    .vjp = to_indices,
    .jvp = picked_all_jvp,
    .batch_multi = detail::sort_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4})}, DimAttrs{dim, false, dim != 1, dim + 1});
      call({call.uniform({3})}, DimAttrs{0, false, true, 0});
    },
};

void pick_samples(SampleSink& call) {
  for (std::int64_t dim : {0, 1, 2}) call({call.uniform({2, 3, 4})}, DimAttrs{dim, dim == 1, false, 1});
  call({call.uniform({})}, DimAttrs{0, false, false, 0});
}

constexpr Op kthvalue_op{  // k counts from 0 here
    .name = "kthvalue",
    .node = "KthvalueBackward0",
    .kind = OpKind::reduce,
    .formula = pick_formula,
    .forward_multi = [](const Call& c) {
      const auto& a = c.attrs<DimAttrs>();
      return arranged(c.x(0), a.dim, 1, detail::resized_shape(c.x(0), a.dim, a.keepdim ? 1 : -1),
                      [&]<class T>(Item<T>* items, std::int64_t n) { bring_kth(items, n, a.k); });
    },
    .vjp = to_index,
    .jvp = picked_jvp,
    .batch_multi = detail::pick_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = pick_samples,
};

constexpr Op median_dim_op{
    .name = "median.dim",
    .node = "MedianBackward1",
    .kind = OpKind::reduce,
    .formula = pick_formula,
    .forward_multi = [](const Call& c) {
      const auto& a = c.attrs<DimAttrs>();
      return arranged(c.x(0), a.dim, 1, detail::resized_shape(c.x(0), a.dim, a.keepdim ? 1 : -1),
                      []<class T>(Item<T>* items, std::int64_t n) { bring_median(items, n); });
    },
    .vjp = to_index,
    .jvp = picked_jvp,
    .batch_multi = detail::pick_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = pick_samples,
};

constexpr Op mode_op{
    .name = "mode",
    .node = "ModeBackward0",
    .kind = OpKind::reduce,
    .formula = pick_formula,
    .forward_multi = [](const Call& c) {
      const auto& a = c.attrs<DimAttrs>();
      return arranged(c.x(0), a.dim, 1, detail::resized_shape(c.x(0), a.dim, a.keepdim ? 1 : -1),
                      []<class T>(Item<T>* items, std::int64_t n) { bring_mode(items, n); });
    },
    .vjp = to_index,
    .jvp = picked_jvp,
    .batch_multi = detail::pick_each,
    .save = {Y(1)},
    .save_shapes = true,
    .samples = pick_samples,
};

// How many dimensions in front of the elements belong to a batch.
struct MedianAttrs { std::int64_t leading = 0; };

Tensor median_gradient(const Tensor& g_, const Saved& s, int) {
  const Tensor& x = s.x(0);
  const std::int64_t leading = s.attrs<MedianAttrs>().leading;
  Tensor g = g_, y = s.y();
  for (std::int64_t d = leading; d < x.dim(); ++d) g = g.unsqueeze(-1), y = y.unsqueeze(-1);
  const Tensor nan = isnan(y);
  const Tensor mask = detail::any_nonzero(nan) ? logical_or(eq(x, y), logical_and(isnan(x), nan)) : eq(x, y);
  if (x.dim() == leading) return g * mask;
  Tensor count = mask.flatten(leading).sum(-1);
  for (std::int64_t d = leading; d < x.dim(); ++d) count = count.unsqueeze(-1);
  return where(mask, g / count, Scalar(0));
}

// The lower median of all elements; nan of none.
constexpr Op median_op{
    .name = "median",
    .node = "MedianBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g / (number of medians) where x = y, 0 elsewhere",
    .forward = [](const Call& c) {
      const Tensor& x = c.x(0);
      const std::int64_t leading = c.attrs<MedianAttrs>().leading;
      detail::Dims shape;
      for (std::int64_t d = 0; d < leading; ++d) shape.v[shape.n++] = x.size(d);
      if (x.numel() == 0) return full(shape, x.is_floating_point() ? Scalar(std::nan("")) : Scalar(0), x.scalar_type());
      const Tensor rows = x.dim() == leading ? x.unsqueeze(-1) : x.flatten(leading);
      return arranged(rows, leading, 1, shape, []<class T>(Item<T>* items, std::int64_t n) { bring_median(items, n); })[0];
    },
    .vjp = median_gradient,
    .jvp = [](const Tensor* t, const Saved& s) {
      const Tensor y = median_gradient(ones_like(s.y()), s, 0) * t[0];
      return y.flatten(s.attrs<MedianAttrs>().leading).sum(-1);
    },
    .batch = [](const Batch& b) { return apply_with(b.op, MedianAttrs{b.attrs<MedianAttrs>().leading + 1}, b.value(0)); },
    .save = {X(0) | Y()},
    .samples = [](SampleSink& call) {
      for (auto x : {call.uniform({3, 4}), call.uniform({})}) call({x}, MedianAttrs{});
    },
};

std::tuple<Tensor, Tensor> pair_of(const Op& op, const DimAttrs& a, const Tensor& x) {
  std::vector<Tensor> out = apply_multi(op, a, x);
  return {std::move(out[0]), std::move(out[1])};
}

std::int64_t dim_of(const char* op, const Tensor& x, std::int64_t dim) {
  CT_CHECK(x.defined(), op, ": the tensor is undefined");
  return detail::wrap_dim(dim, x.dim());
}
std::int64_t length(const Tensor& x, std::int64_t dim) { return x.dim() ? x.size(dim) : 1; }

// Of one element of each row; there must be one to choose.
std::tuple<Tensor, Tensor> choose(const Op& op, const char* name, const Tensor& self, std::int64_t dim_, bool keepdim) {
  const std::int64_t dim = dim_of(name, self, dim_);
  CT_CHECK_INDEX(length(self, dim) > 0, name, "(): Expected reduction dim ", dim, " to have non-zero size.");
  return pair_of(op, {dim, keepdim}, self);
}

}  // namespace

std::span<const Op* const> sort_ops() {
  static constexpr const Op* ops[] = {&sort_op, &sort_stable_op, &topk_op, &kthvalue_op, &median_op, &median_dim_op, &mode_op};
  return ops;
}

std::tuple<Tensor, Tensor> sort(const Tensor& self, std::int64_t dim, bool descending) {
  return pair_of(sort_op, {dim_of("sort", self, dim), false, descending}, self);
}
std::tuple<Tensor, Tensor> sort(const Tensor& self, std::optional<bool>, std::int64_t dim, bool descending) {
  return pair_of(sort_stable_op, {dim_of("sort", self, dim), false, descending}, self);
}
Tensor argsort(const Tensor& self, std::int64_t dim, bool descending) { return std::get<1>(sort(self, dim, descending)); }

std::tuple<Tensor, Tensor> topk(const Tensor& self, std::int64_t k, std::int64_t dim, bool largest, bool) {
  const std::int64_t d = dim_of("topk", self, dim);
  CT_CHECK(k >= 0 && k <= length(self, d), "topk: selected index k out of range: k = ", k, ", dimension ", d, " has ", length(self, d), " elements");
  return pair_of(topk_op, {d, false, largest, k}, self);
}
std::tuple<Tensor, Tensor> kthvalue(const Tensor& self, std::int64_t k, std::int64_t dim, bool keepdim) {
  const std::int64_t d = dim_of("kthvalue", self, dim);
  CT_CHECK_INDEX(length(self, d) > 0, "kthvalue(): Expected reduction dim ", d, " to have non-zero size.");
  CT_CHECK(k >= 1 && k <= length(self, d), "kthvalue(): selected number k out of range for dimension ", d, ": k = ", k, ", but it must be from 1 to ",
           length(self, d));
  return pair_of(kthvalue_op, {d, keepdim, false, k - 1}, self);
}
Tensor median(const Tensor& self) {
  CT_CHECK(self.defined(), "median: the tensor is undefined");
  return apply_with(median_op, MedianAttrs{}, self);
}
std::tuple<Tensor, Tensor> median(const Tensor& self, std::int64_t dim, bool keepdim) { return choose(median_dim_op, "median", self, dim, keepdim); }
std::tuple<Tensor, Tensor> mode(const Tensor& self, std::int64_t dim, bool keepdim) { return choose(mode_op, "mode", self, dim, keepdim); }

}  // namespace ct
