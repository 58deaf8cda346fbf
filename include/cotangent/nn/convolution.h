// cotangent/nn/convolution.h -- layers: convolutions and transposed ones, blocks as columns, pixels from channels.
#pragma once

#include <optional>

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/conv.h"
#include "cotangent/nn/options/fold.h"

namespace ct::nn {

/// What the layers below have in common: parameters, their initial values, their text.
/// Initial values: U(-l, l), l = 1 / sqrt(in / groups * kernel), the same numbers as PyTorch's for the same seed.
/// Errors: ct::Error "in_channels must be divisible by groups", "out_channels must be divisible by groups".
template <std::size_t D, class Derived>
class CT_API ConvNdImpl : public Cloneable<Derived> {
 public:
  explicit ConvNdImpl(const detail::ConvNdOptions<D>& options);
  ~ConvNdImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;

  detail::ConvNdOptions<D> options;
  Tensor weight, bias;

 protected:
  Tensor convolve(const Tensor& input);
  Tensor convolve_transposed(const Tensor& input, const std::optional<IntArrayRef>& output_size);
};

/// libtorch's name for the base of transposed ones.
template <std::size_t D, class Derived>
using ConvTransposeNdImpl = ConvNdImpl<D, Derived>;

#define CT_CONV(Name, D)                                                                                    \
  class CT_API Name##Impl : public ConvNdImpl<D, Name##Impl> {                                              \
   public:                                                                                                  \
    Name##Impl(std::int64_t in_channels, std::int64_t out_channels, ExpandingArray<D> kernel_size)          \
        : Name##Impl(Name##Options(in_channels, out_channels, kernel_size)) {}                              \
    explicit Name##Impl(const Name##Options& options);                                                      \
    ~Name##Impl() override;                                                                                 \
    CT_CONV_FORWARD                                                                                         \
  };                                                                                                        \
  extern template class Cloneable<Name##Impl>;                                                              \
  extern template class ConvNdImpl<D, Name##Impl>;                                                          \
  CT_MODULE(Name)

#define CT_CONV_FORWARD Tensor forward(const Tensor& input);
/// y[k] = bias[k] + the sum over channels c of weight[k, c] slid over x[c]; see conv2d.
/// Shapes: x [N, in, ..] or [in, ..] -> y [N, out, ..]; weight [out, in / groups, kernel..], bias [out].
CT_CONV(Conv1d, 1);
CT_CONV(Conv2d, 2);
CT_CONV(Conv3d, 3);
#undef CT_CONV_FORWARD

#define CT_CONV_FORWARD Tensor forward(const Tensor& input, const std::optional<IntArrayRef>& output_size = std::nullopt);
/// The transpose of the map that a convolution makes of its input; see conv_transpose2d.
/// Shapes: x [N, in, ..] or [in, ..] -> y [N, out, ..]; weight [in, out / groups, kernel..], bias [out].
/// output_size: the size of the result, in place of output_padding.
/// Errors: ct::Error "Only \"zeros\" padding mode is supported for ConvTranspose2d"; ct::ValueError "requested an output size of [..]".
CT_CONV(ConvTranspose1d, 1);
CT_CONV(ConvTranspose2d, 2);
CT_CONV(ConvTranspose3d, 3);
#undef CT_CONV_FORWARD
#undef CT_CONV

#define CT_REARRANGE(Name)                                  \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {  \
   public:                                                  \
    explicit Name##Impl(const Name##Options& options);      \
    ~Name##Impl() override;                                 \
    void reset() override;                                  \
    std::string extra_repr() const override;                \
    Tensor forward(const Tensor& input);                    \
    CT_REARRANGE_CONSTRUCTORS                               \
    Name##Options options;                                  \
  };                                                        \
  extern template class Cloneable<Name##Impl>;              \
  CT_MODULE(Name)

#define CT_REARRANGE_CONSTRUCTORS FoldImpl(ExpandingArray<2> output_size, ExpandingArray<2> kernel_size) : FoldImpl(FoldOptions(output_size, kernel_size)) {}
/// Columns [N, C kernel, blocks] as an image [N, C, output_size..] in which overlapping blocks are added; see col2im.
CT_REARRANGE(Fold);
#undef CT_REARRANGE_CONSTRUCTORS
#define CT_REARRANGE_CONSTRUCTORS UnfoldImpl(ExpandingArray<2> kernel_size) : UnfoldImpl(UnfoldOptions(kernel_size)) {}
/// The blocks of an image [N, C, H, W] as columns [N, C kernel, blocks]; see im2col.
CT_REARRANGE(Unfold);
#undef CT_REARRANGE_CONSTRUCTORS
#define CT_REARRANGE_CONSTRUCTORS
/// [.., C r^2, H, W] -> [.., C, H r, W r], and back.
CT_REARRANGE(PixelShuffle);
CT_REARRANGE(PixelUnshuffle);
/// Exchanges the channels of groups (Python's).
CT_REARRANGE(ChannelShuffle);
#undef CT_REARRANGE_CONSTRUCTORS
#undef CT_REARRANGE

}  // namespace ct::nn
