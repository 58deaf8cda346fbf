// kernels/cpu/convolution.cpp -- convolutions of float and double without columns: kernels that slide over padded images.
//
// Note [Sliding convolutions]
// An image is copied once into planes with its margin of zeros around it. With a stride of s the elements x[s m + b] of each
// phase b that some element of the kernel meets lie in a plane of their own, so that along a row of the result whatever an
// element of the kernel reads is contiguous, at a fixed distance (its tap) from where the result stands in the plane:
//   y[k, i] = bias[k] + sum over channels and taps j of w[k, j] planes[tap[j] + i]
// Several channels k and vectors of positions i are kept in registers while j runs. The transposed convolution is the same
// with the roles exchanged: each phase of its result meets some of the kernel's elements, and slides over `out`. The gradient
// of the weight sums over i in place of j, with several channels and taps in registers.
#include "kernels/convolution.h"

#include <algorithm>
#include <numeric>

#include "core/parallel.h"
#include "cotangent/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/convolution.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

#ifndef CT_KERNELS_CONVOLUTION_ONCE
#define CT_KERNELS_CONVOLUTION_ONCE
namespace ct::kernels {

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// How one dimension of an image is laid out in planes: planes[p][m] = image[(m + first) step + phase(p)].
struct Axis {
  std::int64_t size = 1, step = 1, phases = 1, first = 0, length = 1;
  std::int64_t dilation = 1, padding = 0;
  std::int64_t phase(std::int64_t p) const { return p * dilation - padding - floor_div(p * dilation - padding, step) * step; }
};

// Sizes of the planes of one channel.
struct Planes {
  Axis axis[3];
  std::int64_t plane() const { return axis[0].length * axis[1].length * axis[2].length; }
  std::int64_t channel() const { return plane() * axis[0].phases * axis[1].phases * axis[2].phases; }
};

constexpr std::int64_t slide_slack = 64;  // elements behind the planes that vectors may read

// Of a dimension of a convolution: kernel offset r reads in[o stride + q], q = r dilation - padding, in the phase of
// r modulo stride / gcd(stride, dilation).
inline Axis sliding_axis(const ConvShape& s, int d) {
  Axis a;
  a.size = s.in[d], a.step = s.stride[d], a.dilation = s.dilation[d], a.padding = s.padding[d];
  a.phases = std::min(s.kernel[d], s.stride[d] / std::gcd(s.stride[d], s.dilation[d]));
  a.first = floor_div(-s.padding[d], a.step);
  a.length = floor_div((s.kernel[d] - 1) * s.dilation[d] - s.padding[d], a.step) - a.first + s.out[d];
  return a;
}
// Of a transposed one: position m of phase b reads out[m + (b + padding - r dilation) / stride], where that is a whole number.
inline Axis transposed_axis(const ConvShape& s, int d) {
  Axis a;
  a.size = s.out[d];
  a.first = floor_div(s.padding[d] - (s.kernel[d] - 1) * s.dilation[d], s.stride[d]);
  a.length = floor_div(s.stride[d] - 1 + s.padding[d], s.stride[d]) - a.first + (s.in[d] + s.stride[d] - 1) / s.stride[d];
  return a;
}
inline Planes planes_of(const ConvShape& s, bool transposed) {
  Planes p;
  for (int d = 0; d < 3; ++d) p.axis[d] = transposed ? transposed_axis(s, d) : sliding_axis(s, d);
  return p;
}

// Tasks that a convolution is split into; each has planes of its own.
inline std::int64_t slide_tasks(const ConvShape& s) {
  const double work = static_cast<double>(s.batch * s.groups) * static_cast<double>(s.out_channels * s.in_channels) *
                      static_cast<double>(s.kernel_size() * s.out_size());
  const std::int64_t threads = static_cast<std::int64_t>(std::min(work / 200000, static_cast<double>(get_num_threads())));
  return std::max<std::int64_t>(1, std::min(threads, s.batch * s.groups));
}

// The parts of the work space, in elements of T.
template <class T>
struct SlideSpace {
  std::int64_t taps, weights, planes, tasks;
  SlideSpace(const ConvShape& s, bool transposed) {
    const std::int64_t all = std::max(s.in_channels, s.out_channels) * s.kernel_size();
    taps = (all * static_cast<std::int64_t>(sizeof(std::int64_t) / sizeof(T)) + 63) / 64 * 64;
    weights = (s.groups * s.out_channels * s.in_channels * s.kernel_size() + 63) / 64 * 64;
    planes = ((transposed ? s.out_channels : s.in_channels) * planes_of(s, transposed).channel() + slide_slack + 63) / 64 * 64;
    tasks = slide_tasks(s);
  }
  std::int64_t total() const { return taps + weights + tasks * planes; }
};

// Images that are summed before the lanes of a vector are: until that is little beside the rest.
inline std::int64_t images_together(const ConvShape& s, std::int64_t bytes) {
  const std::int64_t vectors = s.out[0] * s.out[1] * ((s.out[2] + 15) / 16), most = (std::int64_t{1} << 21) / std::max<std::int64_t>(1, bytes);
  return std::max<std::int64_t>(1, std::min({s.batch, most, 256 / std::max<std::int64_t>(1, vectors)}));
}

}  // namespace ct::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_SSE2 || HWY_TARGET == HWY_SCALAR
constexpr int most_rows = 4;  // 16 registers
#else
constexpr int most_rows = 8;  // 32
#endif
constexpr std::int64_t across = 3;  // vectors of positions at a time
constexpr std::int64_t band = 12;   // that pass while one part of the weights stays in the first cache

// The first `count` elements, without a look at what lies behind them.
template <class D, class M, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, [[maybe_unused]] M mask, [[maybe_unused]] std::int64_t count, const T* p) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(mask, d, p);
#else
  HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
  std::copy(p, p + count, part);
  return hn::Load(d, part);
#endif
}

// Channels are treated in blocks of 8, 4, 3, 2 or 1.
inline std::int64_t block_of(std::int64_t left) { return left >= most_rows ? most_rows : left >= 4 ? 4 : left; }

// The margin is zeroed once for all images of a task; this copies what changes.
template <class T>
void fill_planes(const Planes& p, std::int64_t channels, const T* image, T* planes) {
  const Axis &ad = p.axis[0], &ah = p.axis[1], &aw = p.axis[2];
  // Where m lies inside: (m + first) step + b in [0, size).
  struct Inside { std::int64_t begin, end; };
  const auto inside = [](const Axis& a, std::int64_t b) {
    const std::int64_t begin = std::max<std::int64_t>(0, -floor_div(b, a.step) - a.first), end = floor_div(a.size - 1 - b, a.step) + 1 - a.first;
    return Inside{begin, std::max(begin, std::min(a.length, end))};
  };
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t pd = 0; pd < ad.phases; ++pd)
      for (std::int64_t ph = 0; ph < ah.phases; ++ph)
        for (std::int64_t pw = 0; pw < aw.phases; ++pw, planes += p.plane()) {
          const std::int64_t bd = ad.phase(pd), bh = ah.phase(ph), bw = aw.phase(pw);
          const Inside id = inside(ad, bd), ih = inside(ah, bh), iw = inside(aw, bw);
          const std::int64_t n = iw.end - iw.begin;
          for (std::int64_t d = id.begin; d < id.end; ++d)
            for (std::int64_t h = ih.begin; h < ih.end; ++h) {
              const std::int64_t row = (c * ad.size + (d + ad.first) * ad.step + bd) * ah.size + (h + ah.first) * ah.step + bh;
              const T* from = image + row * aw.size + (iw.begin + aw.first) * aw.step + bw;
              T* to = planes + (d * ah.length + h) * aw.length + iw.begin;
              if (aw.step == 1) std::copy(from, from + n, to);
              else for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * aw.step];
            }
        }
}

// Results at a grid of positions: y[k, position] for channels of one group.
template <class T>
struct Slide {
  std::int64_t size[3];                  // of the grid
  std::int64_t row_d, row_h;             // distances of its rows in a plane
  std::int64_t to_d, to_h, to_w, to_k;   // and in the result
  std::int64_t channels, taps, chunk;    // of taps that are summed before the next positions
  const std::int64_t* tap;
  const T* w;                            // in blocks of channels: [block][tap][channel of the block]
  const T* bias;
};

#define CT_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

// R channels times V vectors, taps [begin, end); added to what is there unless they are the first.
template <int R, int V, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void tile(D d, const Slide<T>& s, std::int64_t k, std::int64_t begin, std::int64_t end, const T* const* from, T* const* to, std::int64_t count) {
  const T *p0 = from[0], *p1 = from[V > 1 ? 1 : 0], *p2 = from[V > 2 ? 2 : 0];
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const bool whole = s.to_w == 1 && count == lanes;
  const auto mask = hn::FirstN(d, static_cast<std::size_t>(count));
  const auto start = [&](int r, const T* y) HWY_ATTR {
    if (begin == 0) return hn::Set(d, s.bias ? s.bias[k + r] : T(0));
    y += (k + r) * s.to_k;
    if (whole) return hn::LoadU(d, y);
    if (s.to_w == 1) return load_first(d, mask, count, y);
    HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
    for (std::int64_t i = 0; i < count; ++i) part[i] = y[i * s.to_w];
    return hn::Load(d, part);
  };
#define CT_X(r)                         \
  auto a##r = hn::Zero(d), b##r = a##r, c##r = a##r; \
  if constexpr (R > r) {                \
    a##r = start(r, to[0]);             \
    if constexpr (V > 1) b##r = start(r, to[1]); \
    if constexpr (V > 2) c##r = start(r, to[2]); \
  }
  CT_ROWS(CT_X)
#undef CT_X
  const T* w = s.w + k * s.taps + begin * R;
  for (std::int64_t j = begin; j < end; ++j, w += R) {
    const std::int64_t at = s.tap[j];
    const auto x0 = hn::LoadU(d, p0 + at);
    auto x1 = x0, x2 = x0;
    if constexpr (V > 1) x1 = hn::LoadU(d, p1 + at);
    if constexpr (V > 2) x2 = hn::LoadU(d, p2 + at);
#define CT_X(r)                                    \
  if constexpr (R > r) {                           \
    const auto v = hn::Set(d, w[r]);               \
    a##r = hn::MulAdd(v, x0, a##r);                \
    if constexpr (V > 1) b##r = hn::MulAdd(v, x1, b##r); \
    if constexpr (V > 2) c##r = hn::MulAdd(v, x2, c##r); \
  }
    CT_ROWS(CT_X)
#undef CT_X
  }
  const auto store = [&](auto v, T* y) HWY_ATTR {
    if (whole) return hn::StoreU(v, d, y);
    if (s.to_w == 1) return hn::BlendedStore(v, mask, d, y);
    HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
    hn::Store(v, d, part);
    for (std::int64_t i = 0; i < count; ++i) y[i * s.to_w] = part[i];
  };
#define CT_X(r)                                                 \
  if constexpr (R > r) {                                        \
    store(a##r, to[0] + (k + r) * s.to_k);                      \
    if constexpr (V > 1) store(b##r, to[1] + (k + r) * s.to_k); \
    if constexpr (V > 2) store(c##r, to[2] + (k + r) * s.to_k); \
  }
  CT_ROWS(CT_X)
#undef CT_X
}

// R channels at n positions.
template <int R, class D, class T = hn::TFromD<D>>
void tiles(D d, const Slide<T>& s, std::int64_t k, std::int64_t begin, std::int64_t end, const T* const* from, T* const* to, std::int64_t n, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + across <= n; i += across) tile<R, across>(d, s, k, begin, end, from + i, to + i, count);
  for (; i < n; ++i) tile<R, 1>(d, s, k, begin, end, from + i, to + i, count);
}

template <class D, class T = hn::TFromD<D>>
void all_channels(D d, const Slide<T>& s, const T* const* from, T* const* to, std::int64_t n, std::int64_t count) {
  for (std::int64_t begin = 0; begin == 0 || begin < s.taps; begin += s.chunk) {
    const std::int64_t end = std::min(s.taps, begin + s.chunk);
    std::int64_t k = 0;
    if constexpr (most_rows > 4)
      for (; s.channels - k >= 8; k += 8) tiles<8>(d, s, k, begin, end, from, to, n, count);
    for (; s.channels - k >= 4; k += 4) tiles<4>(d, s, k, begin, end, from, to, n, count);
    switch (s.channels - k) {
      case 3: tiles<3>(d, s, k, begin, end, from, to, n, count); break;
      case 2: tiles<2>(d, s, k, begin, end, from, to, n, count); break;
      case 1: tiles<1>(d, s, k, begin, end, from, to, n, count); break;
      default: break;
    }
  }
}

// From column `begin` of each row so many vectors of this width, of which `count` elements are wanted.
template <class D, class T = hn::TFromD<D>>
void slide_columns(D d, const Slide<T>& s, const T* planes, T* y, std::int64_t begin, std::int64_t vectors, std::int64_t count) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const T* from[band];
  T* to[band];
  std::int64_t n = 0;
  for (std::int64_t z = 0; z < s.size[0]; ++z)
    for (std::int64_t h = 0; h < s.size[1]; ++h)
      for (std::int64_t v = 0; v < vectors; ++v) {
        const std::int64_t column = begin + v * lanes;
        from[n] = planes + z * s.row_d + h * s.row_h + column;
        to[n] = y + z * s.to_d + h * s.to_h + column * s.to_w;
        if (++n < band) continue;
        all_channels(d, s, from, to, n, count);
        n = 0;
      }
  if (n > 0) all_channels(d, s, from, to, n, count);
}

template <class T>
void slide(Slide<T> s, const T* planes, T* y) {
  const hn::ScalableTag<T> d;
  const hn::Half<decltype(d)> half;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d)), whole = s.size[2] / lanes, rest = s.size[2] % lanes;
  // The weights of a block of channels for so many taps fill three quarters of the first cache.
  const std::int64_t most = 24576 / (8 * static_cast<std::int64_t>(sizeof(T))), parts = std::max<std::int64_t>(1, (s.taps + most / 2) / most);
  s.chunk = std::max<std::int64_t>(1, (s.taps + parts - 1) / parts);
  if (whole > 0) slide_columns(d, s, planes, y, 0, whole, lanes);
  if (rest == 0) return;
  if (rest <= static_cast<std::int64_t>(hn::Lanes(half))) slide_columns(half, s, planes, y, whole * lanes, 1, rest);
  else slide_columns(d, s, planes, y, whole * lanes, 1, rest);
}

// Weights of one group in blocks of channels: block[j][k] = w[k step_k + index of tap j].
template <class T, class F>
void pack_weights(std::int64_t channels, std::int64_t taps, const F& value, T* to) {
  for (std::int64_t k = 0; k < channels;) {
    const std::int64_t rows = block_of(channels - k);
    for (std::int64_t j = 0; j < taps; ++j)
      for (std::int64_t r = 0; r < rows; ++r) *to++ = value(k + r, j);
    k += rows;
  }
}

// Distances in the planes for each channel and element of the kernel, in the order of the weight.
inline void sliding_taps(const ConvShape& s, const Planes& p, std::int64_t* tap) {
  const std::int64_t n = s.kernel_size();
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t r[3] = {k / s.kernel[2] / s.kernel[1], k / s.kernel[2] % s.kernel[1], k % s.kernel[2]};
    std::int64_t phase = 0, at = 0;
    for (int d = 0; d < 3; ++d) {
      const std::int64_t q = r[d] * s.dilation[d] - s.padding[d], m = floor_div(q, s.stride[d]);
      phase = phase * p.axis[d].phases + r[d] % (s.stride[d] / std::gcd(s.stride[d], s.dilation[d]));
      at = at * p.axis[d].length + m - p.axis[d].first;
    }
    tap[k] = phase * p.plane() + at;
  }
  for (std::int64_t c = 1; c < s.in_channels; ++c)
    for (std::int64_t k = 0; k < n; ++k) tap[c * n + k] = tap[k] + c * p.channel();
}

// Calls f(item, planes) for each image of each group, with planes filled from it.
template <class T, class F>
void each_image(const ConvShape& s, const Planes& p, const SlideSpace<T>& space, std::int64_t channels, const T* images, T* buffers, const F& f) {
  const std::int64_t items = s.batch * s.groups, size = channels * p.axis[0].size * p.axis[1].size * p.axis[2].size;
  detail::parallel_for(space.tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      T* planes = buffers + t * space.planes;
      std::fill(planes, planes + space.planes, T(0));
      for (std::int64_t i = t * items / space.tasks; i < (t + 1) * items / space.tasks; ++i) {
        fill_planes(p, channels, images + i * size, planes);
        f(i, planes);
      }
    }
  });
}

template <class T>
void slide_forward(const ConvShape& s, const T* in, const T* w, const T* bias, T* out, T* work) {
  const Planes p = planes_of(s, false);
  const SlideSpace<T> space(s, false);
  auto* tap = reinterpret_cast<std::int64_t*>(work);
  T *packed = work + space.taps, *buffers = packed + space.weights;
  const std::int64_t taps = s.in_channels * s.kernel_size();
  sliding_taps(s, p, tap);
  for (std::int64_t g = 0; g < s.groups; ++g) {
    const T* from = w + g * s.out_channels * taps;
    pack_weights(s.out_channels, taps, [&](std::int64_t k, std::int64_t j) { return from[k * taps + j]; }, packed + g * s.out_channels * taps);
  }
  each_image(s, p, space, s.in_channels, in, buffers, [&](std::int64_t i, const T* planes) {
    const std::int64_t g = i % s.groups;
    const Slide<T> one{{s.out[0], s.out[1], s.out[2]}, p.axis[1].length * p.axis[2].length, p.axis[2].length, s.out[1] * s.out[2], s.out[2], 1, s.out_size(),
                       s.out_channels, taps, taps, tap, packed + g * s.out_channels * taps, bias ? bias + g * s.out_channels : nullptr};
    slide(one, planes, out + i * s.out_channels * s.out_size());
  });
}

template <class T>
void slide_transposed(const ConvShape& s, const T* out, const T* w, const T* bias, T* in, T* work) {
  const Planes p = planes_of(s, true);
  const SlideSpace<T> space(s, true);
  auto* tap = reinterpret_cast<std::int64_t*>(work);
  T *packed = work + space.taps, *buffers = packed + space.weights;
  const std::int64_t n = s.kernel_size(), per_group = s.out_channels * s.in_channels * n;
  // Phase by phase: the kernel's elements that meet it, with their distances, and the weights in that order. The part of a
  // phase begins where the taps of those before end.
  const auto meets = [&](std::int64_t b, std::int64_t r, int d) { return (b + s.padding[d] - r * s.dilation[d]) % s.stride[d] == 0; };
  const auto each_phase = [&](const auto& f) {
    std::int64_t first = 0, b[3];
    for (b[0] = 0; b[0] < std::min(s.stride[0], s.in[0]); ++b[0])
      for (b[1] = 0; b[1] < std::min(s.stride[1], s.in[1]); ++b[1])
        for (b[2] = 0; b[2] < std::min(s.stride[2], s.in[2]); ++b[2]) {
          std::int64_t count = 0;
          for (std::int64_t k = 0; k < n; ++k)
            count += meets(b[0], k / s.kernel[2] / s.kernel[1], 0) && meets(b[1], k / s.kernel[2] % s.kernel[1], 1) && meets(b[2], k % s.kernel[2], 2);
          f(b, first, count);
          first += count;
        }
  };
  each_phase([&](const std::int64_t* b, std::int64_t first, std::int64_t count) {
    std::int64_t* to = tap + first * s.out_channels;
    const std::int64_t taps = count * s.out_channels;
    // The kernel's elements by number: kept where the weights of this phase will be read from, for each channel.
    std::int64_t j = 0;
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int64_t r[3] = {k / s.kernel[2] / s.kernel[1], k / s.kernel[2] % s.kernel[1], k % s.kernel[2]};
      if (!meets(b[0], r[0], 0) || !meets(b[1], r[1], 1) || !meets(b[2], r[2], 2)) continue;
      std::int64_t at = 0;
      for (int d = 0; d < 3; ++d) at = at * p.axis[d].length + (b[d] + s.padding[d] - r[d] * s.dilation[d]) / s.stride[d] - p.axis[d].first;
      for (std::int64_t c = 0; c < s.out_channels; ++c) to[c * count + j] = at + c * p.channel();
      for (std::int64_t g = 0; g < s.groups; ++g) {
        const T* from = w + g * per_group + k;
        T* block = packed + g * per_group + first * s.out_channels * s.in_channels;
        for (std::int64_t q = 0; q < s.in_channels;) {
          const std::int64_t rows = block_of(s.in_channels - q);
          for (std::int64_t c = 0; c < s.out_channels; ++c)
            for (std::int64_t i = 0; i < rows; ++i) block[q * taps + (c * count + j) * rows + i] = from[(c * s.in_channels + q + i) * n];
          q += rows;
        }
      }
      ++j;
    }
  });
  each_image(s, p, space, s.out_channels, out, buffers, [&](std::int64_t i, const T* planes) {
    const std::int64_t g = i % s.groups;
    each_phase([&](const std::int64_t* b, std::int64_t first, std::int64_t count) {
      Slide<T> one{{}, p.axis[1].length * p.axis[2].length, p.axis[2].length, s.stride[0] * s.in[1] * s.in[2], s.stride[1] * s.in[2], s.stride[2], s.in_size(),
                   s.in_channels, count * s.out_channels, count * s.out_channels, tap + first * s.out_channels, packed + g * per_group + first * s.out_channels * s.in_channels,
                   bias ? bias + g * s.in_channels : nullptr};
      for (int d = 0; d < 3; ++d) one.size[d] = (s.in[d] - b[d] + s.stride[d] - 1) / s.stride[d];
      slide(one, planes, in + i * s.in_channels * s.in_size() + (b[0] * s.in[1] + b[1]) * s.in[2] + b[2]);
    });
  });
}

// ---- the weight -------------------------------------------------------------------------------------------------------------------

// What the weight is summed over: rows of n positions of some images.
template <class T>
struct WeightSum {
  std::int64_t images, image, out_image;   // of the planes and of `out`
  std::int64_t rows, row, n;               // `row`: distance in the planes; rows of out are dense
  std::int64_t out_channel, taps;
  const std::int64_t* tap;
};

// R taps times V channels, added to w[channel][tap].
template <int R, int V, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void weight_tile(D d, const WeightSum<T>& s, std::int64_t j, const T* planes, const T* out, T* w) {
  const std::int64_t* tap = s.tap + j;
  const std::int64_t n = s.n, out_channel = s.out_channel;
  const auto zero = hn::Zero(d);
#define CT_X(r) auto a##r = zero, b##r = zero, c##r = zero, e##r = zero;
  CT_X(0) CT_X(1) CT_X(2) CT_X(3) CT_X(4) CT_X(5)
#undef CT_X
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto step = [&](const T* x, const T* y, auto load) HWY_ATTR {
    const auto y0 = load(y);
    auto y1 = y0, y2 = y0, y3 = y0;
    if constexpr (V > 1) y1 = load(y + out_channel);
    if constexpr (V > 2) y2 = load(y + 2 * out_channel), y3 = load(y + 3 * out_channel);
#define CT_X(r)                                               \
  if constexpr (R > r) {                                      \
    const auto v = load(x + tap[r]);                          \
    a##r = hn::MulAdd(v, y0, a##r);                           \
    if constexpr (V > 1) b##r = hn::MulAdd(v, y1, b##r);      \
    if constexpr (V > 2) c##r = hn::MulAdd(v, y2, c##r), e##r = hn::MulAdd(v, y3, e##r); \
  }
    CT_X(0) CT_X(1) CT_X(2) CT_X(3) CT_X(4) CT_X(5)
#undef CT_X
  };
  const std::int64_t whole = n - n % lanes;
  const auto mask = hn::FirstN(d, static_cast<std::size_t>(n - whole));
  for (std::int64_t image = 0; image < s.images; ++image) {
    const T *x = planes + image * s.image, *y = out + image * s.out_image;
    for (std::int64_t i = 0; i < s.rows; ++i, x += s.row, y += n) {
      for (std::int64_t c = 0; c < whole; c += lanes) step(x + c, y + c, [&](const T* p) HWY_ATTR { return hn::LoadU(d, p); });
      if (whole < n) step(x + whole, y + whole, [&](const T* p) HWY_ATTR { return load_first(d, mask, n - whole, p); });
    }
  }
  w += j;
  const auto add = [&](auto v, std::int64_t k, std::int64_t r) HWY_ATTR { w[k * s.taps + r] += hn::GetLane(hn::SumOfLanes(d, v)); };
#define CT_X(r)                            \
  if constexpr (R > r) {                   \
    add(a##r, 0, r);                       \
    if constexpr (V > 1) add(b##r, 1, r);  \
    if constexpr (V > 2) add(c##r, 2, r), add(e##r, 3, r); \
  }
  CT_X(0) CT_X(1) CT_X(2) CT_X(3) CT_X(4) CT_X(5)
#undef CT_X
}

template <int V, class D, class T = hn::TFromD<D>>
void weight_taps(D d, const WeightSum<T>& s, const T* planes, const T* out, T* w) {
  std::int64_t j = 0;
  if constexpr (most_rows > 4) {
    for (; s.taps - j >= 6; j += 6) weight_tile<6, V>(d, s, j, planes, out, w);
    if (s.taps - j >= 3) weight_tile<3, V>(d, s, j, planes, out, w), j += 3;
  }
  for (; s.taps - j >= 2; j += 2) weight_tile<2, V>(d, s, j, planes, out, w);
  if (j < s.taps) weight_tile<1, V>(d, s, j, planes, out, w);
}

// The contribution of some images of one group.
template <class D, class T = hn::TFromD<D>>
void weight_images(D d, const ConvShape& s, const Planes& p, const std::int64_t* tap, std::int64_t images, std::int64_t image, const T* planes, const T* out, T* w) {
  const std::int64_t pitch = p.axis[2].length, size = s.out_size();
  // Bands of rows of which four channels stay in the first cache while the taps pass.
  const std::int64_t rows = std::max<std::int64_t>(1, 20480 / static_cast<std::int64_t>(4 * sizeof(T)) / s.out[2]);
  for (std::int64_t z = 0; z < s.out[0]; ++z)
    for (std::int64_t h = 0; h < s.out[1]; h += rows) {
      const WeightSum<T> sum{images, image, s.groups * s.out_channels * size, std::min(rows, s.out[1] - h), pitch, s.out[2], size,
                             s.in_channels * s.kernel_size(), tap};
      const T *x = planes + (z * p.axis[1].length + h) * pitch, *y = out + (z * s.out[1] + h) * s.out[2];
      std::int64_t k = 0;
      for (; s.out_channels - k >= 4; k += 4) weight_taps<4>(d, sum, x, y + k * size, w + k * sum.taps);
      for (; s.out_channels - k >= 2; k += 2) weight_taps<2>(d, sum, x, y + k * size, w + k * sum.taps);
      if (k < s.out_channels) weight_taps<1>(d, sum, x, y + k * size, w + k * sum.taps);
    }
}

// Sums over a fixed number of parts of the batch, so that they do not depend on the number of threads.
template <class T>
void slide_weight(const ConvShape& s, const T* in, const T* out, T* w, T* work) {
  const Planes p = planes_of(s, false);
  const SlideSpace<T> space(s, false);
  auto* tap = reinterpret_cast<std::int64_t*>(work);
  sliding_taps(s, p, tap);
  const std::int64_t taps = s.in_channels * s.kernel_size(), size = s.groups * s.out_channels * taps, parts = weight_parts(s);
  const std::int64_t together = images_together(s, space.planes * static_cast<std::int64_t>(sizeof(T)));
  T* sums = work + space.taps;
  T* buffers = sums + parts * size;
  detail::parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    const hn::ScalableTag<T> d;
    const hn::Half<decltype(d)> half;
    for (std::int64_t t = begin; t < end; ++t) {
      T *own = sums + t * size, *planes = buffers + t * together * space.planes;
      std::fill(own, own + size, T(0));
      std::fill(planes, planes + together * space.planes, T(0));
      const std::int64_t first = t * s.batch / parts, last = (t + 1) * s.batch / parts;
      for (std::int64_t g = 0; g < s.groups; ++g)
        for (std::int64_t i = first; i < last; i += together) {
          const std::int64_t images = std::min(together, last - i);
          for (std::int64_t q = 0; q < images; ++q)
            fill_planes(p, s.in_channels, in + ((i + q) * s.groups + g) * s.in_channels * s.in_size(), planes + q * space.planes);
          const T* y = out + (i * s.groups + g) * s.out_channels * s.out_size();
          T* to = own + g * s.out_channels * taps;
          if (s.out[2] <= static_cast<std::int64_t>(hn::Lanes(half))) weight_images(half, s, p, tap, images, space.planes, planes, y, to);
          else weight_images(d, s, p, tap, images, space.planes, planes, y, to);
        }
    }
  });
  for (std::int64_t i = 0; i < size; ++i) {
    T total = sums[i];
    for (std::int64_t t = 1; t < parts; ++t) total += sums[t * size + i];
    w[i] = total;
  }
}

SlideTable slide_table() {
  return {slide_forward<float>, slide_forward<double>, slide_transposed<float>, slide_transposed<double>, slide_weight<float>, slide_weight<double>};
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {

const SlideTable& slides() {
  static const SlideTable table = CT_BEST_TARGET(slide_table);
  return table;
}

bool slides_over(const ConvShape& s, bool transposed) {
  for (int d = 0; d < 3; ++d)
    if (s.stride[d] > 16 || s.padding[d] > (1 << 20) || s.dilation[d] > (1 << 20)) return false;
  const std::int64_t row = transposed ? s.in[2] / s.stride[2] : s.out[2];
  return row >= 3 && s.in_size() > 0 && s.out_size() > 0;
}

std::int64_t weight_parts(const ConvShape& s) {
  const double work = static_cast<double>(s.batch * s.groups) * static_cast<double>(s.out_channels * s.in_channels) *
                      static_cast<double>(s.kernel_size() * s.out_size());
  // Few of them, so that a part has images to sum together.
  return std::max<std::int64_t>(1, std::min<std::int64_t>({s.batch, s.batch >= 64 ? 8 : 4, static_cast<std::int64_t>(work / 200000)}));
}

template <class T>
std::int64_t slide_workspace(const ConvShape& s, bool transposed) { return SlideSpace<T>(s, transposed).total(); }
template <class T>
std::int64_t slide_weight_workspace(const ConvShape& s) {
  const SlideSpace<T> space(s, false);
  const std::int64_t together = images_together(s, space.planes * static_cast<std::int64_t>(sizeof(T)));
  return space.taps + weight_parts(s) * (s.groups * s.out_channels * s.in_channels * s.kernel_size() + together * space.planes);
}
template std::int64_t slide_workspace<float>(const ConvShape&, bool);
template std::int64_t slide_workspace<double>(const ConvShape&, bool);
template std::int64_t slide_weight_workspace<float>(const ConvShape&);
template std::int64_t slide_weight_workspace<double>(const ConvShape&);

}  // namespace ct::kernels
#endif
