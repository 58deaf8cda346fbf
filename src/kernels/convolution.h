// kernels/convolution.h -- convolutions over dense arrays, and the blocks that a kernel sees as columns of a matrix.
#pragma once

#include <cstdint>

namespace ct::kernels {

// A convolution from `in` to `out`: out[o] = sum over k of w[k] in[o stride - padding + k dilation], zero outside of in.
// Always three dimensions, those that are missing first with size 1. Channels are counted for one group. A transposed
// convolution goes from `out` to `in`; `out` may be any size, what reaches beyond `in` is nothing.
//   in [batch, groups, in_channels, in..], out [batch, groups, out_channels, out..],
//   w [groups, out_channels, in_channels, kernel..]
struct ConvShape {
  std::int64_t batch = 1, groups = 1, in_channels = 1, out_channels = 1;
  std::int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
  std::int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};

  std::int64_t in_size() const { return in[0] * in[1] * in[2]; }
  std::int64_t out_size() const { return out[0] * out[1] * out[2]; }
  std::int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
};

enum class ConvKind { forward, transposed, weight };
// Elements of the work space that the three functions below need.
template <class T>
std::int64_t conv_workspace(const ConvShape& s, ConvKind kind);

// T: float, double, and the integer types. All arrays are dense; `bias` (one value a channel of the result) may be null.
template <class T>
void conv_forward(const ConvShape& s, const T* in, const T* w, const T* bias, T* out, T* work);
// in = the transposed convolution of out, plus bias.
template <class T>
void conv_transposed(const ConvShape& s, const T* out, const T* w, const T* bias, T* in, T* work);
// w = sum over batch and positions of in times out.
template <class T>
void conv_weight(const ConvShape& s, const T* in, const T* out, T* w, T* work);

// columns[channel, k, o] = in[channel, o stride - padding + k dilation], for `channels` of one image.
template <class T>
void im2col(const ConvShape& s, std::int64_t channels, const T* in, T* columns);
// in += what im2col would have read from it.
template <class T>
void col2im(const ConvShape& s, std::int64_t channels, const T* columns, T* in);

// ---- float and double without columns: Note [Sliding convolutions] in kernels/cpu/convolution.cpp -------------------------------

struct SlideTable {
  void (*forward_f32)(const ConvShape&, const float* in, const float* w, const float* bias, float* out, float* work);
  void (*forward_f64)(const ConvShape&, const double* in, const double* w, const double* bias, double* out, double* work);
  void (*transposed_f32)(const ConvShape&, const float* out, const float* w, const float* bias, float* in, float* work);
  void (*transposed_f64)(const ConvShape&, const double* out, const double* w, const double* bias, double* in, double* work);
  void (*weight_f32)(const ConvShape&, const float* in, const float* out, float* w, float* work);
  void (*weight_f64)(const ConvShape&, const double* in, const double* out, double* w, double* work);
};
const SlideTable& slides();
// Whether rows are long enough for that.
bool slides_over(const ConvShape& s, bool transposed);
// Parts of the batch whose weights are summed apart.
std::int64_t weight_parts(const ConvShape& s);
template <class T>
std::int64_t slide_workspace(const ConvShape& s, bool transposed);
template <class T>
std::int64_t slide_weight_workspace(const ConvShape& s);

}  // namespace ct::kernels
