// cotangent/ops/convolution.h -- convolutions, and the rearrangements around them.
#pragma once

#include <string_view>

#include "cotangent/enum.h"
#include "cotangent/tensor.h"

namespace ct {

/// The word for a padding: "valid" pads nothing, "same" so much that the result has the size of the input (on the right side
/// one more if that is odd).
class PaddingWord {
 public:
  constexpr PaddingWord(std::string_view word) : word_(word) {}
  template <std::size_t N>
  constexpr PaddingWord(const char (&word)[N]) : word_(word) {}
  constexpr PaddingWord(enumtype::kSame) : word_("same") {}
  constexpr PaddingWord(enumtype::kValid) : word_("valid") {}
  constexpr std::string_view word() const { return word_; }

 private:
  std::string_view word_;
};

/// y[n, k, o] = bias[k] + sum over c and r of weight[k, c, r] input[n, c, o stride - padding + r dilation], zero outside.
/// Shapes: input [N, C, size..] or [C, size..]; weight [K, C / groups, kernel..]; bias [K] -> [N, K, o..],
///   o = floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1. With groups, channel k sees those of its group only.
/// stride, padding, dilation: one number, or one for each dimension.   Dtypes: all but kBool; half precision is computed in float32.
/// Gradient: of input the transposed convolution of g with weight, of weight the sums of products of input and g.
/// Errors: ct::Error "Given groups=1, weight of size [..], expected input[..] to have 3 channels, but got 4 channels instead",
///   "Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be greater than actual input size".
CT_API Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, IntArrayRef stride = 1, IntArrayRef padding = 0,
                     IntArrayRef dilation = 1, std::int64_t groups = 1);
CT_API Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, IntArrayRef stride = 1, IntArrayRef padding = 0,
                     IntArrayRef dilation = 1, std::int64_t groups = 1);
CT_API Tensor conv3d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, IntArrayRef stride = 1, IntArrayRef padding = 0,
                     IntArrayRef dilation = 1, std::int64_t groups = 1);
/// The same with "same" or "valid" as padding.   Errors: "padding='same' is not supported for strided convolutions".
CT_API Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, PaddingWord padding,
                     IntArrayRef dilation = 1, std::int64_t groups = 1);
CT_API Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, PaddingWord padding,
                     IntArrayRef dilation = 1, std::int64_t groups = 1);
CT_API Tensor conv3d(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, PaddingWord padding,
                     IntArrayRef dilation = 1, std::int64_t groups = 1);

/// The transpose of the linear map that conv makes of its input: y[n, k, i stride - padding + r dilation] += weight[c, k, r] input[n, c, i].
/// Shapes: input [N, C, size..] or [C, size..]; weight [C, K / groups, kernel..]; bias [K] -> [N, K, o..],
///   o = (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
/// Errors: as conv; "output padding must be smaller than either stride or dilation", "Output size is too small".
CT_API Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, IntArrayRef stride = 1, IntArrayRef padding = 0,
                               IntArrayRef output_padding = 0, std::int64_t groups = 1, IntArrayRef dilation = 1);
CT_API Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, IntArrayRef stride = 1, IntArrayRef padding = 0,
                               IntArrayRef output_padding = 0, std::int64_t groups = 1, IntArrayRef dilation = 1);
CT_API Tensor conv_transpose3d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, IntArrayRef stride = 1, IntArrayRef padding = 0,
                               IntArrayRef output_padding = 0, std::int64_t groups = 1, IntArrayRef dilation = 1);

/// Either of the two, of a batch with one to three dimensions. output_padding counts for transposed ones only.
CT_API Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias, IntArrayRef stride, IntArrayRef padding,
                          IntArrayRef dilation, bool transposed, IntArrayRef output_padding, std::int64_t groups);

/// The blocks that a kernel of this size would see, as columns.
/// Shapes: [N, C, H, W] or [C, H, W] -> [N, C kernel_height kernel_width, blocks].   Gradient: col2im(g).
/// Errors: ct::Error "calculated shape of the array of sliding blocks as (0, 0), but its components must be at least one".
CT_API Tensor im2col(const Tensor& self, IntArrayRef kernel_size, IntArrayRef dilation, IntArrayRef padding, IntArrayRef stride);
/// The image in which each element is the sum of the places in `self` where im2col would have put it.
/// Shapes: [N, C kernel_height kernel_width, blocks] -> [N, C, output_size..].   Gradient: im2col(g).
/// Errors: ct::Error unless the number of blocks is the one that im2col gives.
CT_API Tensor col2im(const Tensor& self, IntArrayRef output_size, IntArrayRef kernel_size, IntArrayRef dilation, IntArrayRef padding, IntArrayRef stride);

/// [.., C r^2, H, W] -> [.., C, H r, W r]: y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]. Shi et al. (2016).
/// Errors: ct::Error unless r > 0 and r^2 divides the channels.
CT_API Tensor pixel_shuffle(const Tensor& self, std::int64_t upscale_factor);
/// The inverse of pixel_shuffle: [.., C, H r, W r] -> [.., C r^2, H, W].
CT_API Tensor pixel_unshuffle(const Tensor& self, std::int64_t downscale_factor);
/// [N, C, ..] with channel i C / groups + j moved to j groups + i. Zhang et al. (2018).
/// Errors: ct::Error unless `groups` divides the channels.
CT_API Tensor channel_shuffle(const Tensor& self, std::int64_t groups);

}  // namespace ct
