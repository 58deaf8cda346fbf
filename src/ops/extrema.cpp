// ops/extrema.cpp -- largest and smallest elements, and where they are.
#include <cmath>

#include "kernels/reduce.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::ReduceAttrs;
using detail::ReducePlan;

namespace {

// ---- kernels for every dtype: NaN counts as the extreme value -------------------------------------------------

template <class T>
bool is_nan(T v) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(v);
  else return false;
}
// Whether v takes the place of the extremum m found so far; the first of equal elements stays.
template <class T>
bool beats(T v, T m, bool largest) { return (largest ? v > m : v < m) || (is_nan(v) && !is_nan(m)); }

template <class T>
T extremum_of(const T* x, std::int64_t stride, std::int64_t n, bool largest) {
  T m = x[0];
  for (std::int64_t i = 1; i < n; ++i) m = beats(x[i * stride], m, largest) ? x[i * stride] : m;
  return m;
}

template <class T>
void extrema_into(const Tensor& out, const ReducePlan& p, bool largest) {
  T* y = detail::data<T>(out);
  const T* x = detail::data<T>(p.input);
  if constexpr (std::is_floating_point_v<T>) {
    const auto& k = kernels::reduce_kernels<T>();
    if (p.columns()) {
      detail::reduce_columns(p, [&](std::int64_t i, std::int64_t at, std::int64_t n) {
        k.extremum_columns[largest](y + i, x + at, p.inner_stride, p.inner, n);
      });
      return;
    }
    if (p.inner_stride == 1) {
      detail::reduce_rows<T>(p, [&](std::int64_t at, std::int64_t n) { return k.extremum[largest](x + at, n); },
                             [&](std::int64_t i, const T* parts, std::int64_t n) { y[i] = n == 1 ? *parts : k.extremum[largest](parts, n); });
      return;
    }
  }
  detail::reduce_rows<T>(p, [&](std::int64_t at, std::int64_t n) { return extremum_of(x + at, p.inner_stride, n, largest); },
                         [&](std::int64_t i, const T* parts, std::int64_t n) { y[i] = extremum_of(parts, 1, n, largest); });
}

template <class T>
struct Found {
  T value;
  std::int64_t index;
};

template <class T>
void extrema_and_indices(const Tensor& values, const Tensor& indices, const ReducePlan& p, bool largest) {
  T* y = values.defined() ? detail::data<T>(values) : nullptr;
  auto* where = detail::data<std::int64_t>(indices);
  const T* x = detail::data<T>(p.input);
  if (p.columns()) {  // row by row, over blocks of columns
    detail::reduce_columns(p, [&](std::int64_t i, std::int64_t at, std::int64_t n) {
      T best[256];
      std::int64_t row[256] = {};
      for (std::int64_t j = 0; j < n; ++j) best[j] = x[at + j];
      for (std::int64_t r = 1; r < p.inner; ++r)
        for (std::int64_t j = 0; j < n; ++j) {
          const T v = x[at + r * p.inner_stride + j];
          const bool better = beats(v, best[j], largest);
          best[j] = better ? v : best[j];
          row[j] = better ? r : row[j];
        }
      for (std::int64_t j = 0; j < n; ++j) {
        if (y) y[i + j] = best[j];
        where[i + j] = row[j];
      }
    });
    return;
  }
  detail::reduce_rows<Found<T>>(p, [&](std::int64_t at, std::int64_t n) -> Found<T> {
    const T* from = x + at;
    if constexpr (std::is_floating_point_v<T>) {
      if (p.inner_stride == 1 && n >= 16) {
        const auto& k = kernels::reduce_kernels<T>();
        const T m = k.extremum[largest](from, n);
        return {m, k.find(from, n, m)};
      }
    }
    Found<T> best{from[0], 0};
    for (std::int64_t i = 1; i < n; ++i)
      if (beats(from[i * p.inner_stride], best.value, largest)) best = {from[i * p.inner_stride], i};
    return best;
  }, [&](std::int64_t i, const Found<T>* parts, std::int64_t n) {
    Found<T> best = parts[0];
    for (std::int64_t k = 1; k < n; ++k)
      if (beats(parts[k].value, best.value, largest)) best = {parts[k].value, parts[k].index + k * detail::reduce_part};
    if (y) y[i] = best.value;
    where[i] = best.index;
  });
}

// ---- what the ops have in common ----------------------------------------------------------------------------------

Tensor extrema(const Tensor& x, const ReduceAttrs& a, bool largest) {
  const Tensor wide = detail::widened(x);
  Tensor out = detail::empty_like_dtype(wide.scalar_type(), detail::reduced_shape(x, a));
  const ReducePlan p = detail::reduce_plan(wide, a);
  CT_DISPATCH_WIDE(wide.scalar_type(), [&] { extrema_into<scalar_t>(out, p, largest); });
  return out.to(x.scalar_type());
}

std::vector<Tensor> extrema_along(const Call& c, bool largest) {
  const auto& a = c.attrs<ReduceAttrs>();
  const Tensor& x = c.x(0);
  const Tensor wide = detail::widened(x);
  const detail::Dims shape = detail::reduced_shape(x, a);
  Tensor values = detail::empty_like_dtype(wide.scalar_type(), shape), indices = detail::empty_like_dtype(kLong, shape);
  const ReducePlan p = detail::reduce_plan(wide, a);
  CT_DISPATCH_WIDE(wide.scalar_type(), [&] { extrema_and_indices<scalar_t>(values, indices, p, largest); });
  return {values.to(x.scalar_type()), std::move(indices)};
}

void check_not_empty(const char* name, const Tensor& x) {
  CT_CHECK_INDEX(x.numel() != 0, name, "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
                 "'dim' argument.");
}
// One dimension, which must have elements to choose from.
ReduceAttrs choose_along(const char* name, const Tensor& x, IntArrayRef dim, bool keepdim) {
  if (dim.empty()) check_not_empty(name, x);
  const ReduceAttrs a = detail::reduce_attrs(name, x, dim, keepdim);
  for (std::int64_t d = 0; d < x.dim(); ++d)
    CT_CHECK_INDEX(!a.reduces(d) || x.sizes()[static_cast<std::size_t>(d)] != 0, name, "(): Expected reduction dim ", d, " to have non-zero size.",
                   "\n  The shape is ", x.sizes(), ": there is no ", name, " of nothing.");
  return a;
}

// ---- gradients ------------------------------------------------------------------------------------------------------

// max(): g in equal parts over all elements that attain the extremum.
Tensor spread_over_all(const Tensor& g, const Saved& s, int) {
  const Tensor &x = s.x(0), &y = s.y();
  const Tensor nan = isnan(y);
  const Tensor mask = detail::any_nonzero(nan) ? logical_or(eq(x, y), logical_and(isnan(x), nan)) : eq(x, y);
  return where(mask, g / mask.sum(), Scalar(0));
}
// The same within each slice.
Tensor spread_over_slices(const Tensor& g, const Tensor& x, const Tensor& y, const ReduceAttrs& a) {
  const Tensor mask = eq(x, detail::unreduce(y, x.sizes(), a));
  if (x.dim() == 0) return g * mask;
  std::vector<std::int64_t> dims;
  for (std::int64_t d = 0; d < x.dim(); ++d)
    if (a.reduces(d)) dims.push_back(d);
  return detail::unreduce(g, x.sizes(), a) * mask / mask.sum(dims, true);
}
Tensor to_index(const Tensor& g, const Saved& s, int) {
  const auto& a = s.attrs<ReduceAttrs>();
  return detail::pick_backward(g, s.y(1), s.sizes(0), __builtin_ctz(a.dims | 1u << 31), a.keepdim);
}

void sample_all(SampleSink& call) {
  for (auto x : {call.uniform({3, 4}), call.uniform({})}) call({x}, detail::reduce_all(x));
}
void sample_dim(SampleSink& call) {
  for (std::uint32_t dims : {1, 2, 4}) call({call.uniform({2, 3, 4})}, ReduceAttrs{dims, dims == 2});
  call({call.uniform({})}, ReduceAttrs{});
}
void sample_dims(SampleSink& call) {
  for (std::uint32_t dims = 1; dims < 8; ++dims) call({call.uniform({2, 3, 4})}, ReduceAttrs{dims, dims % 2 == 0});
}

Tensor picked_jvp(const Tensor* t, const Saved& s) {
  const auto& a = s.attrs<ReduceAttrs>();
  return detail::picked_tangent(t[0], s.y(1), __builtin_ctz(a.dims | 1u << 31), a.keepdim);
}
// max() of each entry: equal maxima share the gradient there as in amax.
Tensor extremum_each(const Batch& b, bool largest);

constexpr Op max_op{
    .name = "max",
    .node = "MaxBackward1",
    .kind = OpKind::reduce,
    .formula = "dx = g / (number of maxima) where x = y, 0 elsewhere",
    .forward = [](const Call& c) { return extrema(c.x(0), c.attrs<ReduceAttrs>(), true); },
    .vjp = spread_over_all,
    .jvp = [](const Tensor* t, const Saved& s) { return detail::reduced_tangent(spread_over_all(ones_like(s.y()), s, 0), t[0], s.attrs<ReduceAttrs>()); },
    .batch = [](const Batch& b) { return extremum_each(b, true); },
    .save = {X(0) | Y()},
    .samples = sample_all,
};
constexpr Op min_op{
    .name = "min",
    .node = "MinBackward1",
    .kind = OpKind::reduce,
    .formula = "dx = g / (number of minima) where x = y, 0 elsewhere",
    .forward = [](const Call& c) { return extrema(c.x(0), c.attrs<ReduceAttrs>(), false); },
    .vjp = spread_over_all,
    .jvp = max_op.jvp,
    .batch = [](const Batch& b) { return extremum_each(b, false); },
    .save = {X(0) | Y()},
    .samples = sample_all,
};

constexpr Op max_dim_op{
    .name = "max.dim",
    .node = "MaxBackward0",
    .kind = OpKind::reduce,
    .formula = "dx[index] = g, 0 elsewhere",
    .forward_multi = [](const Call& c) { return extrema_along(c, true); },
    .vjp = to_index,
    .jvp = picked_jvp,
    .batch_multi = [](const Batch& b) { return detail::reduce_each_multi(b, b.op); },
    .save = {Y(1)},
    .save_shapes = true,
    .samples = sample_dim,
};
constexpr Op min_dim_op{
    .name = "min.dim",
    .node = "MinBackward0",
    .kind = OpKind::reduce,
    .formula = max_dim_op.formula,
    .forward_multi = [](const Call& c) { return extrema_along(c, false); },
    .vjp = to_index,
    .jvp = picked_jvp,
    .batch_multi = [](const Batch& b) { return detail::reduce_each_multi(b, b.op); },
    .save = {Y(1)},
    .save_shapes = true,
    .samples = sample_dim,
};

constexpr Op amax_op{
    .name = "amax",
    .node = "AmaxBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g / (number of maxima in the slice) where x = y, 0 elsewhere",
    .forward = [](const Call& c) { return extrema(c.x(0), c.attrs<ReduceAttrs>(), true); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return spread_over_slices(g, s.x(0), s.y(), s.attrs<ReduceAttrs>()); },
    .jvp = [](const Tensor* t, const Saved& s) {
      const auto& a = s.attrs<ReduceAttrs>();
      return detail::reduced_tangent(spread_over_slices(ones_like(s.y()), s.x(0), s.y(), a), t[0], a);
    },
    .batch = [](const Batch& b) { return detail::reduce_each(b, b.op); },
    .save = {X(0) | Y()},
    .samples = sample_dims,
};
constexpr Op amin_op{
    .name = "amin",
    .node = "AminBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g / (number of minima in the slice) where x = y, 0 elsewhere",
    .forward = [](const Call& c) { return extrema(c.x(0), c.attrs<ReduceAttrs>(), false); },
    .vjp = amax_op.vjp,
    .jvp = amax_op.jvp,
    .batch = amax_op.batch,
    .save = {X(0) | Y()},
    .samples = sample_dims,
};

constexpr Op aminmax_op{
    .name = "aminmax",
    .node = "AminmaxBackward0",
    .kind = OpKind::reduce,
    .formula = "dx = g0 / (number of minima) where x = y0, plus g1 / (number of maxima) where x = y1",
    .forward_multi = [](const Call& c) {
      const auto& a = c.attrs<ReduceAttrs>();
      return std::vector<Tensor>{extrema(c.x(0), a, false), extrema(c.x(0), a, true)};
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<ReduceAttrs>();
      Tensor low, high;
      if (g.defined()) low = spread_over_slices(g, s.x(0), s.y(0), a);
      if (s.g(1).defined()) high = spread_over_slices(s.g(1), s.x(0), s.y(1), a);
      return !low.defined() ? high : !high.defined() ? low : low + high;
    },
    .batch_multi = [](const Batch& b) { return detail::reduce_each_multi(b, b.op); },
    .save = {X(0) | Y(0) | Y(1)},
    .samples = [](SampleSink& call) {
      for (std::uint32_t dims : {1, 2, 4, 7}) call({call.uniform({2, 3, 4})}, ReduceAttrs{dims, dims == 2});
    },
};

Tensor extremum_each(const Batch& b, bool largest) { return detail::reduce_each(b, largest ? amax_op : amin_op); }

// Positions carry no gradient.
constexpr Op argmax_op{
    .name = "argmax",
    .kind = OpKind::reduce,
    .forward = [](const Call& c) { return extrema_along(c, true)[1]; },
    .batch = amax_op.batch,
    .samples = sample_dim,
};
constexpr Op argmin_op{
    .name = "argmin",
    .kind = OpKind::reduce,
    .forward = [](const Call& c) { return extrema_along(c, false)[1]; },
    .batch = amax_op.batch,
    .samples = sample_dim,
};

std::tuple<Tensor, Tensor> pair_of(const Op& op, const ReduceAttrs& a, const Tensor& x) {
  std::vector<Tensor> out = apply_multi(op, a, x);
  return {std::move(out[0]), std::move(out[1])};
}

Tensor arg_extremum(const Op& op, const Tensor& self, std::optional<std::int64_t> dim, bool keepdim) {
  if (dim) return apply_with(op, choose_along(op.name, self, *dim, keepdim), self);
  check_not_empty(op.name, self);
  const Tensor flat = self.reshape({-1});
  Tensor y = apply_with(op, detail::reduce_all(flat), flat);
  if (!keepdim) return y;
  return y.reshape(std::vector<std::int64_t>(static_cast<std::size_t>(self.dim()), 1));
}

}  // namespace

std::span<const Op* const> extrema_ops() {
  static constexpr const Op* ops[] = {&max_op, &min_op, &max_dim_op, &min_dim_op, &amax_op, &amin_op, &aminmax_op, &argmax_op, &argmin_op};
  return ops;
}

Tensor max(const Tensor& self) {
  const ReduceAttrs a = detail::reduce_all(self);
  check_not_empty("max", self);
  return apply_with(max_op, a, self);
}
Tensor min(const Tensor& self) {
  const ReduceAttrs a = detail::reduce_all(self);
  check_not_empty("min", self);
  return apply_with(min_op, a, self);
}
std::tuple<Tensor, Tensor> max(const Tensor& self, std::int64_t dim, bool keepdim) {
  return pair_of(max_dim_op, choose_along("max", self, dim, keepdim), self);
}
std::tuple<Tensor, Tensor> min(const Tensor& self, std::int64_t dim, bool keepdim) {
  return pair_of(min_dim_op, choose_along("min", self, dim, keepdim), self);
}
Tensor max(const Tensor& self, const Tensor& other) { return maximum(self, other); }
Tensor min(const Tensor& self, const Tensor& other) { return minimum(self, other); }
Tensor amax(const Tensor& self, IntArrayRef dim, bool keepdim) { return apply_with(amax_op, choose_along("amax", self, dim, keepdim), self); }
Tensor amin(const Tensor& self, IntArrayRef dim, bool keepdim) { return apply_with(amin_op, choose_along("amin", self, dim, keepdim), self); }
std::tuple<Tensor, Tensor> aminmax(const Tensor& self, std::optional<std::int64_t> dim, bool keepdim) {
  return pair_of(aminmax_op, choose_along("aminmax", self, dim ? IntArrayRef(*dim) : IntArrayRef(), keepdim), self);
}
Tensor argmax(const Tensor& self, std::optional<std::int64_t> dim, bool keepdim) { return arg_extremum(argmax_op, self, dim, keepdim); }
Tensor argmin(const Tensor& self, std::optional<std::int64_t> dim, bool keepdim) { return arg_extremum(argmin_op, self, dim, keepdim); }

}  // namespace ct
