// ops/pool_windows.h -- parameters of pooling, and which elements each window has.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "cotangent/ops/pooling.h"
#include "ops/reduction.h"
#include "ops/view_attrs.h"

namespace ct::detail {

// Of the last 1 to 3 dimensions, outermost first and at the end of each array: a 2-d pooling uses places 1 and 2.
struct PoolAttrs {
  std::int64_t dims = 2;
  bool adaptive = false;  // windows that divide the input into out[d] parts; otherwise the numbers of a sliding window hold
  bool ceil_mode = false, count_include_pad = true;
  std::int64_t divisor = 0;  // of averages, if not 0
  std::int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, padding[3] = {}, dilation[3] = {1, 1, 1}, out[3] = {1, 1, 1};
};
struct PoolBackAttrs {
  PoolAttrs pool;
  std::int64_t sizes[3] = {1, 1, 1};  // of x
};
// Of max_unpool and of the ops that carry gradients back to chosen elements: the sizes of the result.
struct PlaneAttrs {
  std::int64_t dims = 2;
  std::int64_t sizes[3] = {1, 1, 1};
};

// Elements start, start + step, .. below end; `count` of them are averaged over.
struct Window {
  std::int64_t start, end, count;
};
struct Windows {
  std::vector<Window> at[3];
  std::int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, step[3] = {1, 1, 1};

  std::int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  std::int64_t out_plane() const { return out[0] * out[1] * out[2]; }
  // Output elements per task of about `elementwise_grain` input elements.
  std::int64_t grain(std::int64_t unit) const {
    const std::int64_t window = std::max<std::int64_t>(1, in_plane() / std::max<std::int64_t>(1, out_plane()));
    return std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, unit * window * 4));
  }
};

inline std::int64_t sliding_size(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding, std::int64_t dilation, bool ceil_mode) {
  const std::int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  const std::int64_t out = (room < 0 ? -((-room + stride - 1) / stride) : room / stride) + 1;
  return ceil_mode && (out - 1) * stride >= in + padding ? out - 1 : out;  // the last window must start inside of x or its margin
}

// The sizes of the last dimensions, at the end of sizes[3].
inline void plane_sizes(IntArrayRef shape, std::int64_t dims, std::int64_t* sizes) {
  for (std::int64_t k = 0; k < dims; ++k) sizes[2 - k] = shape[shape.size() - 1 - static_cast<std::size_t>(k)];
}
// x's shape with other last sizes.
inline Dims with_plane(IntArrayRef shape, std::int64_t dims, const std::int64_t* sizes) {
  Dims out = to_dims(shape);
  for (std::int64_t k = 0; k < dims; ++k) out.v[out.n - 1 - k] = sizes[2 - k];
  return out;
}

inline Windows windows_of(const PoolAttrs& a, const std::int64_t* in) {
  Windows w;
  for (int d = 0; d < 3; ++d) {
    w.in[d] = in[d];
    w.step[d] = a.adaptive ? 1 : a.dilation[d];
    w.out[d] = a.adaptive ? a.out[d] : sliding_size(in[d], a.kernel[d], a.stride[d], a.padding[d], a.dilation[d], a.ceil_mode);
    for (std::int64_t o = 0; o < w.out[d]; ++o) {
      Window v;
      if (a.adaptive) {
        v.start = o * in[d] / w.out[d];
        v.end = ((o + 1) * in[d] + w.out[d] - 1) / w.out[d];
        v.count = v.end - v.start;
      } else {
        v.start = o * a.stride[d] - a.padding[d];
        v.end = v.start + (a.kernel[d] - 1) * a.dilation[d] + 1;
        v.count = std::min(v.end, in[d] + a.padding[d]) - v.start;
        v.end = std::min(v.end, in[d]);
        if (v.start < 0) v.start += (-v.start + w.step[d] - 1) / w.step[d] * w.step[d];
        if (!a.count_include_pad) v.count = v.end - v.start;
      }
      w.at[d].push_back(v);
    }
  }
  return w;
}

// The columns of windows that are inside of x from left to right, of sliding windows without dilation over planes of one layer.
struct InsideColumns {
  std::int64_t first = 0, last = 0;

  InsideColumns(const PoolAttrs& a, const Windows& w) {
    if (a.adaptive || w.in[0] != 1 || w.out[0] != 1 || w.step[1] != 1 || w.step[2] != 1) return;
    const auto inside = [&](std::int64_t o) {
      const Window& v = w.at[2][static_cast<std::size_t>(o)];
      return v.start >= 0 && v.end - v.start == a.kernel[2];
    };
    while (first < w.out[2] && !inside(first)) ++first;
    for (last = first; last < w.out[2] && inside(last);) ++last;
  }
  bool any() const { return last > first; }
};

// Values at places that are numbered within each plane of the last `dims` dimensions.
inline Tensor gather_planes(const Tensor& x, const Tensor& index, std::int64_t dims) {
  return gather(x.flatten(-dims), -1, index.flatten(-dims)).reshape(index.sizes());
}

// Errors of all pooling: undefined, or no dtype for it.
inline void check_pooled(const char* op, const Tensor& x, bool integers = false) {
  check_defined(op, x);
  if (!x.is_floating_point() && !(integers && x.scalar_type() == kLong))
    CT_THROW(not_implemented, op, ": \"", op, "\" not implemented for '", x.scalar_type(), "'\n  It takes floating dtypes; convert first: x.to(ct::kFloat).");
}
// One number for each dimension, or one for all; `fallback` if there are none.
void expand_sizes(const char* op, const char* what, IntArrayRef given, std::int64_t dims, const std::int64_t* fallback, std::int64_t* out);
// The parameters of a sliding window, checked against x.
PoolAttrs sliding_attrs(const char* op, const Tensor& x, std::int64_t dims, IntArrayRef kernel, IntArrayRef stride, IntArrayRef padding,
                        IntArrayRef dilation, bool ceil_mode);
PoolAttrs adaptive_attrs(const char* op, const Tensor& x, std::int64_t dims, IntArrayRef output_size);

}  // namespace ct::detail
