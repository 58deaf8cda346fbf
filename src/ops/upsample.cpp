// ops/upsample.cpp -- the last dimensions in other sizes: one sparse matrix for each dimension, applied one after the other.
#include <cmath>

#include "core/parallel.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"
#include "ops/upsample_attrs.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Resample;
using detail::UpsampleAttrs;
using detail::UpsampleBackAttrs;

namespace {

// ---- weights --------------------------------------------------------------------------------------------------------------

// Row o of the matrix: weights of the elements at[o * taps + k], which are 0 where a row has fewer.
template <class T>
struct Taps {
  std::int64_t in = 1, out = 1, taps = 1;
  std::vector<std::int64_t> at;
  std::vector<T> weight;
  bool whole = false;  // one tap of weight 1
};

template <class T>
T cubic_near(T x, T a) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
template <class T>
T cubic_far(T x, T a) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; }

// Windows that widen with the scale.
template <class T>
void smooth_taps(Taps<T>& w, T scale, bool cubic) {
  const T wide = scale >= 1 ? scale : T(1), support = (cubic ? T(2) : T(1)) * wide;
  w.taps = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  w.at.assign(static_cast<std::size_t>(w.out * w.taps), 0);
  w.weight.assign(static_cast<std::size_t>(w.out * w.taps), 0);
  for (std::int64_t o = 0; o < w.out; ++o) {
    const T center = scale * (static_cast<T>(o) + T(0.5));
    const std::int64_t first = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + T(0.5)), 0);
    const std::int64_t last = std::min<std::int64_t>(static_cast<std::int64_t>(center + support + T(0.5)), w.in);
    T total = 0;
    for (std::int64_t j = first; j < last && j - first < w.taps; ++j) {
      const T x = std::abs((static_cast<T>(j) - center + T(0.5)) * (1 / wide));
      const T v = !cubic ? std::max(T(0), 1 - x) : x < 1 ? cubic_near(x, T(-0.5)) : x < 2 ? cubic_far(x, T(-0.5)) : T(0);
      w.at[static_cast<std::size_t>(o * w.taps + j - first)] = j;
      w.weight[static_cast<std::size_t>(o * w.taps + j - first)] = v;
      total += v;
    }
    for (std::int64_t k = 0; k < w.taps && total != 0; ++k) w.weight[static_cast<std::size_t>(o * w.taps + k)] /= total;
  }
}

template <class T>
Taps<T> taps_of(const UpsampleAttrs& a, int d, std::int64_t in) {
  Taps<T> w;
  w.in = in, w.out = a.out[d];
  const auto size = static_cast<T>(in), asked = static_cast<T>(w.out);
  const bool corners = a.align_corners && a.mode != Resample::nearest && a.mode != Resample::nearest_exact;
  const T scale = corners ? (w.out > 1 ? (size - 1) / (asked - 1) : T(0)) : a.scale[d] > 0 ? static_cast<T>(1 / a.scale[d]) : size / asked;
  if (a.mode == Resample::linear_aa || a.mode == Resample::cubic_aa) {
    smooth_taps(w, scale, a.mode == Resample::cubic_aa);
    return w;
  }
  const auto add = [&](std::int64_t i, T weight) {
    w.at.push_back(std::clamp<std::int64_t>(i, 0, in - 1));
    w.weight.push_back(weight);
  };
  w.taps = a.mode == Resample::cubic ? 4 : a.mode == Resample::linear ? 2 : 1;
  w.whole = w.taps == 1;
  for (std::int64_t o = 0; o < w.out; ++o) {
    const auto place = static_cast<T>(o);
    const T centre = corners ? scale * place : scale * (place + T(0.5)) - T(0.5);
    switch (a.mode) {
      case Resample::nearest: add(static_cast<std::int64_t>(std::floor(static_cast<float>(scale * place))), 1); break;
      case Resample::nearest_exact: add(static_cast<std::int64_t>(std::floor(static_cast<float>(std::max(centre, T(0)) + T(0.5)))), 1); break;
      case Resample::cubic: {
        const std::int64_t i = std::min(static_cast<std::int64_t>(std::floor(centre)), in - 1);
        const T t = std::clamp(centre - static_cast<T>(i), T(0), T(1)), c = T(-0.75);
        add(i - 1, cubic_far(t + 1, c)), add(i, cubic_near(t, c)), add(i + 1, cubic_near(1 - t, c)), add(i + 2, cubic_far(2 - t, c));
        break;
      }
      default: {
        const T at = std::max(centre, T(0));
        const std::int64_t i = w.in == w.out ? o : std::min(static_cast<std::int64_t>(at), in - 1);
        const T t = w.in == w.out ? T(0) : std::clamp(at - static_cast<T>(i), T(0), T(1));
        add(i, 1 - t), add(i + 1, t);
      }
    }
  }
  return w;
}

// ---- one dimension --------------------------------------------------------------------------------------------------------

// y [outer, out, inner] = W x [outer, in, inner]
template <class T>
void apply_taps(const T* x, T* y, const Taps<T>& w, std::int64_t outer, std::int64_t inner) {
  const std::int64_t grain = std::max<std::int64_t>(1, detail::elementwise_grain / (inner * w.taps));
  if (inner == 1) {
    detail::parallel_for(outer, std::max<std::int64_t>(1, grain / w.out), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const T* from = x + r * w.in;
        T* to = y + r * w.out;
        const std::int64_t* at = w.at.data();
        const T* weight = w.weight.data();
        if (w.whole) {
          for (std::int64_t o = 0; o < w.out; ++o) to[o] = from[at[o]];
        } else if (w.taps == 2) {
          for (std::int64_t o = 0; o < w.out; ++o) to[o] = from[at[2 * o]] * weight[2 * o] + from[at[2 * o + 1]] * weight[2 * o + 1];
        } else {
          for (std::int64_t o = 0; o < w.out; ++o, at += w.taps, weight += w.taps) {
            T sum = 0;
            for (std::int64_t k = 0; k < w.taps; ++k) sum += from[at[k]] * weight[k];
            to[o] = sum;
          }
        }
      }
    });
    return;
  }
  detail::parallel_for(outer * w.out, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t o = r % w.out;
      const T* plane = x + r / w.out * w.in * inner;
      const std::int64_t* at = &w.at[static_cast<std::size_t>(o * w.taps)];
      const T* weight = &w.weight[static_cast<std::size_t>(o * w.taps)];
      T* to = y + r * inner;
      if (w.whole) {
        std::copy(plane + at[0] * inner, plane + at[0] * inner + inner, to);
      } else if (w.taps == 2) {
        const T *a = plane + at[0] * inner, *b = plane + at[1] * inner;
        const T wa = weight[0], wb = weight[1];
        for (std::int64_t i = 0; i < inner; ++i) to[i] = a[i] * wa + b[i] * wb;
      } else {
        std::fill(to, to + inner, T(0));
        for (std::int64_t k = 0; k < w.taps; ++k) {
          const T* from = plane + at[k] * inner;
          const T v = weight[k];
          if (v != 0)
            for (std::int64_t i = 0; i < inner; ++i) to[i] += from[i] * v;
        }
      }
    }
  });
}
// dx [outer, in, inner] = W^T g [outer, out, inner]
template <class T>
void apply_transposed(const T* g, T* dx, const Taps<T>& w, std::int64_t outer, std::int64_t inner) {
  detail::parallel_for(outer, std::max<std::int64_t>(1, detail::elementwise_grain / (inner * w.out * w.taps)), [&](std::int64_t begin, std::int64_t end) {
    std::fill(dx + begin * w.in * inner, dx + end * w.in * inner, T(0));
    for (std::int64_t r = begin; r < end; ++r)
      for (std::int64_t o = 0; o < w.out; ++o)
        for (std::int64_t k = 0; k < w.taps; ++k) {
          const T v = w.weight[static_cast<std::size_t>(o * w.taps + k)];
          const T* from = g + (r * w.out + o) * inner;
          T* to = dx + (r * w.in + w.at[static_cast<std::size_t>(o * w.taps + k)]) * inner;
          for (std::int64_t i = 0; i < inner; ++i) to[i] += from[i] * v;
        }
  });
}

// All dimensions, the last one first (transposed: last); only those that change.
Tensor resample(const Tensor& x_, const UpsampleAttrs& a, const std::int64_t* in, bool transposed) {
  Tensor x = (x_.is_floating_point() ? detail::widened(x_) : x_.to(kFloat)).contiguous();
  const bool nearest = a.mode == Resample::nearest || a.mode == Resample::nearest_exact;
  bool changed = false;
  for (std::int64_t step = 0; step < a.dims; ++step) {
    const auto d = static_cast<int>(transposed ? 3 - a.dims + step : 2 - step);
    if (in[d] == a.out[d] && (nearest ? a.scale[d] == 0 : a.scale[d] == 0 || a.align_corners)) continue;
    const std::int64_t dim = x.dim() - 3 + d;
    std::int64_t outer = 1, inner = 1;
    for (std::int64_t k = 0; k < x.dim(); ++k) (k < dim ? outer : inner) *= k == dim ? 1 : x.size(k);
    detail::Dims shape = detail::to_dims(x.sizes());
    shape.v[dim] = transposed ? in[d] : a.out[d];
    Tensor y = detail::empty_like_dtype(x.scalar_type(), shape);
    if (y.numel() > 0)
      CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
        const Taps<scalar_t> w = taps_of<scalar_t>(a, d, in[d]);
        if (transposed) apply_transposed(detail::data<scalar_t>(x), detail::data<scalar_t>(y), w, outer, inner);
        else apply_taps(detail::data<scalar_t>(x), detail::data<scalar_t>(y), w, outer, inner);
      });
    x = y;
    changed = true;
  }
  if (!changed && detail::impl(x) == detail::impl(x_)) return x.clone();
  if (x.scalar_type() != x_.scalar_type()) return x.to(x_.scalar_type());
  return changed || x.data_ptr() != x_.data_ptr() ? x : x.clone();
}

// ---- ops ------------------------------------------------------------------------------------------------------------------

const Op& up_of(const UpsampleAttrs& a);
const Op& back_of(const UpsampleAttrs& a);

template <Resample M, std::int64_t D>
void sample_up(SampleSink& call) {
  const bool corners = M == Resample::linear || M == Resample::cubic || M == Resample::linear_aa || M == Resample::cubic_aa;
  if (D == 1) {
    call({call.uniform({2, 2, 3})}, UpsampleAttrs{1, M, false, {1, 1, 7}});
    call({call.uniform({1, 2, 5})}, UpsampleAttrs{1, M, corners, {1, 1, 3}});
    call({call.uniform({1, 2, 3})}, UpsampleAttrs{1, M, false, {1, 1, 5}, {0, 0, 1.7}});
  } else if (D == 2) {
    call({call.uniform({2, 1, 3, 4})}, UpsampleAttrs{2, M, false, {1, 5, 7}});
    call({call.uniform({1, 2, 5, 7})}, UpsampleAttrs{2, M, corners, {1, 2, 9}});
    call({call.uniform({1, 2, 3, 2})}, UpsampleAttrs{2, M, false, {1, 7, 3}, {0, 2.4, 1.6}});
    call({call.uniform({1, 1, 4, 3})}, UpsampleAttrs{2, M, corners, {1, 4, 1}});
  } else {
    call({call.uniform({1, 2, 2, 3, 2})}, UpsampleAttrs{3, M, false, {3, 2, 5}});
    call({call.uniform({1, 1, 3, 2, 3})}, UpsampleAttrs{3, M, corners, {5, 3, 2}});
  }
}
template <Resample M, std::int64_t D>
void sample_back(SampleSink& call) {
  if (D == 1) call({call.uniform({2, 1, 5})}, UpsampleBackAttrs{UpsampleAttrs{1, M, false, {1, 1, 5}}, {1, 1, 3}});
  if (D == 2) call({call.uniform({2, 1, 5, 4})}, UpsampleBackAttrs{UpsampleAttrs{2, M, false, {1, 5, 4}}, {1, 3, 7}});
  if (D == 3) call({call.uniform({1, 1, 2, 5, 4})}, UpsampleBackAttrs{UpsampleAttrs{3, M, false, {2, 5, 4}}, {3, 2, 4}});
}

template <Resample M, std::int64_t D>
constexpr Op up_op(const char* name, const char* node) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dx = the transposed map of g: each element's weights, collected where they came from";
  op.forward = [](const Call& c) {
    const auto& a = c.attrs<UpsampleAttrs>();
    std::int64_t in[3] = {1, 1, 1};
    for (std::int64_t k = 0; k < a.dims; ++k) in[2 - k] = c.x(0).size(-1 - k);
    return resample(c.x(0), a, in, false);
  };
  op.vjp = [](const Tensor& g, const Saved& s, int) {
    UpsampleBackAttrs a{s.attrs<UpsampleAttrs>(), {1, 1, 1}};
    const IntArrayRef x = s.sizes(0);
    for (std::int64_t k = 0; k < a.up.dims; ++k) a.sizes[2 - k] = x[x.size() - 1 - static_cast<std::size_t>(k)];
    return apply_with(back_of(a.up), a, g);
  };
  op.batch = detail::as_it_is;
  op.save_shapes = true;
  op.dtypes = Dtypes::floating;
  op.samples = sample_up<M, D>;
  return op;
}
template <Resample M, std::int64_t D>
constexpr Op up_back_op(const char* name, const char* node) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dg = the resampling of h, the cotangent";
  op.forward = [](const Call& c) {
    const auto& a = c.attrs<UpsampleBackAttrs>();
    return resample(c.x(0), a.up, a.sizes, true);
  };
  op.vjp = [](const Tensor& h, const Saved& s, int) {
    const UpsampleAttrs& a = s.attrs<UpsampleBackAttrs>().up;
    return apply_with(up_of(a), a, h);
  };
  op.batch = detail::as_it_is;
  op.dtypes = Dtypes::floating;
  op.samples = sample_back<M, D>;
  return op;
}

#define CT_UP(id, Mode, D, name, Node)                                                        \
  constexpr Op id##_op = up_op<Resample::Mode, D>(name, Node "Backward0");                    \
  constexpr Op id##_back_op = up_back_op<Resample::Mode, D>(name "_backward", Node "BackwardBackward0");
CT_UP(nearest1, nearest, 1, "upsample_nearest1d", "UpsampleNearest1D")
CT_UP(nearest2, nearest, 2, "upsample_nearest2d", "UpsampleNearest2D")
CT_UP(nearest3, nearest, 3, "upsample_nearest3d", "UpsampleNearest3D")
CT_UP(exact1, nearest_exact, 1, "_upsample_nearest_exact1d", "UpsampleNearestExact1D")
CT_UP(exact2, nearest_exact, 2, "_upsample_nearest_exact2d", "UpsampleNearestExact2D")
CT_UP(exact3, nearest_exact, 3, "_upsample_nearest_exact3d", "UpsampleNearestExact3D")
CT_UP(linear1, linear, 1, "upsample_linear1d", "UpsampleLinear1D")
CT_UP(linear2, linear, 2, "upsample_bilinear2d", "UpsampleBilinear2D")
CT_UP(linear3, linear, 3, "upsample_trilinear3d", "UpsampleTrilinear3D")
CT_UP(cubic2, cubic, 2, "upsample_bicubic2d", "UpsampleBicubic2D")
CT_UP(linear2_aa, linear_aa, 2, "_upsample_bilinear2d_aa", "UpsampleBilinear2DAa")
CT_UP(cubic2_aa, cubic_aa, 2, "_upsample_bicubic2d_aa", "UpsampleBicubic2DAa")
#undef CT_UP

constexpr const Op* up_ops[6][3] = {{&nearest1_op, &nearest2_op, &nearest3_op}, {&exact1_op, &exact2_op, &exact3_op}, {&linear1_op, &linear2_op, &linear3_op},
                                    {nullptr, &cubic2_op, nullptr},             {nullptr, &linear2_aa_op, nullptr},   {nullptr, &cubic2_aa_op, nullptr}};
constexpr const Op* back_ops[6][3] = {{&nearest1_back_op, &nearest2_back_op, &nearest3_back_op}, {&exact1_back_op, &exact2_back_op, &exact3_back_op},
                                      {&linear1_back_op, &linear2_back_op, &linear3_back_op},    {nullptr, &cubic2_back_op, nullptr},
                                      {nullptr, &linear2_aa_back_op, nullptr},                   {nullptr, &cubic2_aa_back_op, nullptr}};
const Op& up_of(const UpsampleAttrs& a) { return *up_ops[static_cast<int>(a.mode)][a.dims - 1]; }
const Op& back_of(const UpsampleAttrs& a) { return *back_ops[static_cast<int>(a.mode)][a.dims - 1]; }

// ---- calls ----------------------------------------------------------------------------------------------------------------

Tensor upsample(const Tensor& x, Resample mode, bool align_corners, IntArrayRef out, std::initializer_list<OptionalScale> scales) {
  UpsampleAttrs a;
  a.dims = static_cast<std::int64_t>(scales.size());
  a.mode = mode;
  a.align_corners = align_corners;
  const char* name = up_of(a).name;
  detail::check_defined(name, x);
  const bool nearest = mode == Resample::nearest || mode == Resample::nearest_exact;
  if (!x.is_floating_point() && !(nearest && x.scalar_type() == kByte))
    CT_THROW(not_implemented, name, ": \"", name, "\" not implemented for '", x.scalar_type(), "'\n  It takes floating dtypes; convert first: x.to(ct::kFloat).");
  CT_CHECK(static_cast<std::int64_t>(out.size()) == a.dims, name, ": It is expected output_size equals to ", a.dims, ", but got size ", out.size());
  bool filled = x.dim() == a.dims + 2;
  for (std::int64_t d = 1; filled && d < x.dim(); ++d) filled = x.size(d) != 0 || d > 1;
  CT_CHECK(filled, name, ": Non-empty ", a.dims + 2, "D data tensor expected but got a tensor with sizes ", x.sizes());
  detail::Dims shape = detail::to_dims(x.sizes());
  for (std::int64_t k = 0; k < a.dims; ++k) {
    const std::int64_t n = out[static_cast<std::size_t>(k)];
    CT_CHECK(x.size(2 + k) > 0 && n > 0, name, ": Input and output sizes should be greater than 0, but got input ", x.sizes(), " and output size ", out);
    a.out[3 - a.dims + k] = shape.v[2 + k] = n;
    a.scale[3 - a.dims + k] = scales.begin()[k].value_or(0);
    CT_CHECK(std::isfinite(a.scale[3 - a.dims + k]), name, ": scale factors must be finite, but got ", a.scale[3 - a.dims + k]);
  }
  detail::checked_numel(name, shape, x.scalar_type());
  return apply_with(up_of(a), a, x);
}

}  // namespace

std::span<const Op* const> upsample_ops() {
  static constexpr const Op* ops[] = {
      &nearest1_op,      &nearest2_op,      &nearest3_op,      &exact1_op,      &exact2_op,      &exact3_op,      &linear1_op,        &linear2_op,
      &linear3_op,       &cubic2_op,        &linear2_aa_op,    &cubic2_aa_op,   &nearest1_back_op, &nearest2_back_op, &nearest3_back_op, &exact1_back_op,
      &exact2_back_op,   &exact3_back_op,   &linear1_back_op,  &linear2_back_op, &linear3_back_op, &cubic2_back_op, &linear2_aa_back_op, &cubic2_aa_back_op};
  return ops;
}

Tensor upsample_nearest1d(const Tensor& self, IntArrayRef out, OptionalScale w) { return upsample(self, Resample::nearest, false, out, {w}); }
Tensor upsample_nearest2d(const Tensor& self, IntArrayRef out, OptionalScale h, OptionalScale w) { return upsample(self, Resample::nearest, false, out, {h, w}); }
Tensor upsample_nearest3d(const Tensor& self, IntArrayRef out, OptionalScale d, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::nearest, false, out, {d, h, w});
}
Tensor _upsample_nearest_exact1d(const Tensor& self, IntArrayRef out, OptionalScale w) { return upsample(self, Resample::nearest_exact, false, out, {w}); }
Tensor _upsample_nearest_exact2d(const Tensor& self, IntArrayRef out, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::nearest_exact, false, out, {h, w});
}
Tensor _upsample_nearest_exact3d(const Tensor& self, IntArrayRef out, OptionalScale d, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::nearest_exact, false, out, {d, h, w});
}
Tensor upsample_linear1d(const Tensor& self, IntArrayRef out, bool align_corners, OptionalScale w) { return upsample(self, Resample::linear, align_corners, out, {w}); }
Tensor upsample_bilinear2d(const Tensor& self, IntArrayRef out, bool align_corners, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::linear, align_corners, out, {h, w});
}
Tensor upsample_trilinear3d(const Tensor& self, IntArrayRef out, bool align_corners, OptionalScale d, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::linear, align_corners, out, {d, h, w});
}
Tensor upsample_bicubic2d(const Tensor& self, IntArrayRef out, bool align_corners, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::cubic, align_corners, out, {h, w});
}
Tensor _upsample_bilinear2d_aa(const Tensor& self, IntArrayRef out, bool align_corners, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::linear_aa, align_corners, out, {h, w});
}
Tensor _upsample_bicubic2d_aa(const Tensor& self, IntArrayRef out, bool align_corners, OptionalScale h, OptionalScale w) {
  return upsample(self, Resample::cubic_aa, align_corners, out, {h, w});
}

}  // namespace ct
