// kernels/convolution.cpp -- convolutions as products of matrices, for any dtype: blocks are copied into columns first. Those
// of float and double with rows of some length slide instead (kernels/cpu/convolution.cpp).
#include "kernels/convolution.h"

#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "kernels/gemm.h"

namespace ct::kernels {

namespace {

// The range of positions o in [0, out) for which o stride + shift lies in [0, in).
struct Inside {
  std::int64_t first, last;
  Inside(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t shift) {
    first = shift < 0 ? std::min(out, (-shift + stride - 1) / stride) : 0;
    last = in > shift ? std::min(out, (in - shift + stride - 1) / stride) : 0;
    last = std::max(first, last);
  }
};

// Calls f(channel, k, column, row) for each row of output positions: `column` is where its columns begin, `row` where those
// of `in` do (-1: outside), for kernel offset k along the last dimension.
template <class F>
void each_row(const ConvShape& s, std::int64_t channels, const F& f) {
  const std::int64_t kernel = s.kernel_size(), rows = s.out[0] * s.out[1];
  detail::parallel_for(channels * kernel, std::max<std::int64_t>(1, detail::elementwise_grain / std::max<std::int64_t>(1, s.out_size())),
                       [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t k = i % kernel, c = i / kernel;
      const std::int64_t kw = k % s.kernel[2], kh = k / s.kernel[2] % s.kernel[1], kd = k / s.kernel[2] / s.kernel[1];
      for (std::int64_t r = 0; r < rows; ++r) {
        const std::int64_t d = r / s.out[1] * s.stride[0] - s.padding[0] + kd * s.dilation[0];
        const std::int64_t h = r % s.out[1] * s.stride[1] - s.padding[1] + kh * s.dilation[1];
        const bool inside = d >= 0 && d < s.in[0] && h >= 0 && h < s.in[1];
        f(kw, (i * rows + r) * s.out[2], inside ? ((c * s.in[0] + d) * s.in[1] + h) * s.in[2] : -1);
      }
    }
  });
}

bool is_plain(const ConvShape& s) {
  for (int d = 0; d < 3; ++d)
    if (s.kernel[d] != 1 || s.stride[d] != 1 || s.padding[d] != 0 || s.in[d] != s.out[d]) return false;
  return true;
}

// Products of matrices are as good where there is nothing to copy.
bool slides_for(const ConvShape& s, ConvKind kind) { return !is_plain(s) && slides_over(s, kind == ConvKind::transposed); }

template <class T>
void add_bias(std::int64_t images, std::int64_t channels, std::int64_t size, const T* bias, T* to) {
  for (std::int64_t i = 0; i < images * channels; ++i)
    for (std::int64_t l = 0; l < size; ++l) to[i * size + l] = static_cast<T>(to[i * size + l] + bias[i % channels]);
}

}  // namespace

template <class T>
void im2col(const ConvShape& s, std::int64_t channels, const T* in, T* columns) {
  each_row(s, channels, [&](std::int64_t kw, std::int64_t column, std::int64_t row) {
    T* to = columns + column;
    const std::int64_t n = s.out[2], shift = kw * s.dilation[2] - s.padding[2], step = s.stride[2];
    if (row < 0) return std::fill(to, to + n, T(0));
    const Inside range(s.in[2], n, step, shift);
    std::fill(to, to + range.first, T(0));
    const T* from = in + row + shift;
    if (step == 1) std::copy(from + range.first, from + range.last, to + range.first);
    else for (std::int64_t o = range.first; o < range.last; ++o) to[o] = from[o * step];
    std::fill(to + range.last, to + n, T(0));
  });
}

template <class T>
void col2im(const ConvShape& s, std::int64_t channels, const T* columns, T* in) {
  ConvShape one = s;  // channel by channel, since the kernel's offsets of one channel meet in the same places
  const std::int64_t kernel = s.kernel_size();
  detail::parallel_for(channels, std::max<std::int64_t>(1, detail::elementwise_grain / std::max<std::int64_t>(1, kernel * s.out_size())),
                       [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t rows = one.out[0] * one.out[1];
    for (std::int64_t c = begin; c < end; ++c)
      for (std::int64_t k = 0; k < kernel; ++k) {
        const std::int64_t kw = k % s.kernel[2], kh = k / s.kernel[2] % s.kernel[1], kd = k / s.kernel[2] / s.kernel[1];
        const std::int64_t step = s.stride[2], shift = kw * s.dilation[2] - s.padding[2];
        const Inside range(s.in[2], s.out[2], step, shift);
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::int64_t d = r / s.out[1] * s.stride[0] - s.padding[0] + kd * s.dilation[0];
          const std::int64_t h = r % s.out[1] * s.stride[1] - s.padding[1] + kh * s.dilation[1];
          if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1]) continue;
          const T* from = columns + ((c * kernel + k) * rows + r) * s.out[2];
          T* to = in + ((c * s.in[0] + d) * s.in[1] + h) * s.in[2] + shift;
          for (std::int64_t o = range.first; o < range.last; ++o) to[o * step] = static_cast<T>(to[o * step] + from[o]);
        }
      }
  });
}

template <class T>
std::int64_t conv_workspace(const ConvShape& s, ConvKind kind) {
  if constexpr (std::is_floating_point_v<T>)
    if (slides_for(s, kind)) return kind == ConvKind::weight ? slide_weight_workspace<T>(s) : slide_workspace<T>(s, kind == ConvKind::transposed);
  return is_plain(s) ? 0 : s.in_channels * s.kernel_size() * s.out_size();
}

template <class T>
void conv_forward(const ConvShape& s, const T* in, const T* w, const T* bias, T* out, T* work) {
  if constexpr (std::is_floating_point_v<T>)
    if (slides_for(s, ConvKind::forward)) {
      if constexpr (std::is_same_v<T, float>) return slides().forward_f32(s, in, w, bias, out, work);
      else return slides().forward_f64(s, in, w, bias, out, work);
    }
  const std::int64_t m = s.out_channels, k = s.in_channels * s.kernel_size(), n = s.out_size(), step = s.in_channels * s.in_size();
  for (std::int64_t i = 0; i < s.batch * s.groups; ++i) {
    const T* columns = in + i * step;
    if (!is_plain(s)) {
      im2col(s, s.in_channels, columns, work);
      columns = work;
    }
    gemm(Gemm<T>{m, n, k, T(1), w + i % s.groups * m * k, k, 1, columns, n, 1, T(0), out + i * m * n, n});
  }
  if (bias) add_bias(s.batch, s.groups * m, n, bias, out);
}

template <class T>
void conv_transposed(const ConvShape& s, const T* out, const T* w, const T* bias, T* in, T* work) {
  if constexpr (std::is_floating_point_v<T>)
    if (slides_for(s, ConvKind::transposed)) {
      if constexpr (std::is_same_v<T, float>) return slides().transposed_f32(s, out, w, bias, in, work);
      else return slides().transposed_f64(s, out, w, bias, in, work);
    }
  const std::int64_t m = s.in_channels * s.kernel_size(), k = s.out_channels, n = s.out_size(), step = s.in_channels * s.in_size();
  if (!is_plain(s)) std::fill(in, in + s.batch * s.groups * step, T(0));
  for (std::int64_t i = 0; i < s.batch * s.groups; ++i) {
    T* columns = is_plain(s) ? in + i * step : work;
    gemm(Gemm<T>{m, n, k, T(1), w + i % s.groups * k * m, 1, m, out + i * k * n, n, 1, T(0), columns, n});
    if (!is_plain(s)) col2im(s, s.in_channels, work, in + i * step);
  }
  if (bias) add_bias(s.batch, s.groups * s.in_channels, s.in_size(), bias, in);
}

template <class T>
void conv_weight(const ConvShape& s, const T* in, const T* out, T* w, T* work) {
  if constexpr (std::is_floating_point_v<T>)
    if (slides_for(s, ConvKind::weight)) {
      if constexpr (std::is_same_v<T, float>) return slides().weight_f32(s, in, out, w, work);
      else return slides().weight_f64(s, in, out, w, work);
    }
  const std::int64_t m = s.out_channels, n = s.in_channels * s.kernel_size(), k = s.out_size(), step = s.in_channels * s.in_size();
  if (s.batch == 0) std::fill(w, w + s.groups * m * n, T(0));
  for (std::int64_t i = 0; i < s.batch * s.groups; ++i) {
    const T* columns = in + i * step;
    if (!is_plain(s)) {
      im2col(s, s.in_channels, columns, work);
      columns = work;
    }
    gemm(Gemm<T>{m, n, k, T(1), out + i * m * k, k, 1, columns, 1, k, i < s.groups ? T(0) : T(1), w + i % s.groups * m * n, n});
  }
}

#define CT_X(T)                                                                            \
  template std::int64_t conv_workspace<T>(const ConvShape&, ConvKind);                     \
  template void im2col<T>(const ConvShape&, std::int64_t, const T*, T*);                   \
  template void col2im<T>(const ConvShape&, std::int64_t, const T*, T*);                   \
  template void conv_forward<T>(const ConvShape&, const T*, const T*, const T*, T*, T*);    \
  template void conv_transposed<T>(const ConvShape&, const T*, const T*, const T*, T*, T*); \
  template void conv_weight<T>(const ConvShape&, const T*, const T*, T*, T*);
CT_X(float)
CT_X(double)
CT_X(std::uint8_t)
CT_X(std::int8_t)
CT_X(std::int16_t)
CT_X(std::int32_t)
CT_X(std::int64_t)
#undef CT_X

}  // namespace ct::kernels
