// nn/convolution.cpp -- convolutions as layers and as functions with options.
#include "cotangent/nn/convolution.h"

#include <cmath>

#include "cotangent/nn/functional/conv.h"
#include "cotangent/nn/init.h"
#include "cotangent/ops/convolution.h"
#include "cotangent/ops/padding.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

namespace {

// One name for the three functions of each kind.
template <std::size_t D, class Padding>
Tensor conv(const Tensor& x, const Tensor& w, const Tensor& bias, IntArrayRef stride, Padding padding, IntArrayRef dilation, std::int64_t groups) {
  if constexpr (D == 1) return conv1d(x, w, bias, stride, padding, dilation, groups);
  else if constexpr (D == 2) return conv2d(x, w, bias, stride, padding, dilation, groups);
  else return conv3d(x, w, bias, stride, padding, dilation, groups);
}
template <std::size_t D>
Tensor transposed(const Tensor& x, const Tensor& w, const Tensor& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef output_padding,
                  std::int64_t groups, IntArrayRef dilation) {
  if constexpr (D == 1) return conv_transpose1d(x, w, bias, stride, padding, output_padding, groups, dilation);
  else if constexpr (D == 2) return conv_transpose2d(x, w, bias, stride, padding, output_padding, groups, dilation);
  else return conv_transpose3d(x, w, bias, stride, padding, output_padding, groups, dilation);
}

template <std::size_t D>
Tensor with_options(const Tensor& input, const Tensor& weight, const functional::ConvFuncOptions<D>& o) {
  if (o.padding().word().empty()) return conv<D, IntArrayRef>(input, weight, o.bias(), o.stride(), o.padding().numbers(), o.dilation(), o.groups());
  return conv<D, PaddingWord>(input, weight, o.bias(), o.stride(), o.padding().word(), o.dilation(), o.groups());
}
template <std::size_t D>
Tensor with_options(const Tensor& input, const Tensor& weight, const functional::ConvTransposeFuncOptions<D>& o) {
  return transposed<D>(input, weight, o.bias(), o.stride(), o.padding(), o.output_padding(), o.groups(), o.dilation());
}

template <std::size_t D>
detail::ConvNdOptions<D> common(const ConvOptions<D>& o) {
  return detail::ConvNdOptions<D>(o.in_channels(), o.out_channels(), o.kernel_size()).stride(o.stride()).padding(o.padding()).dilation(o.dilation())
      .groups(o.groups()).bias(o.bias()).padding_mode(o.padding_mode());
}
template <std::size_t D>
detail::ConvNdOptions<D> common(const ConvTransposeOptions<D>& o) {
  CT_CHECK_VALUE(o.padding_mode().is(kZeros), "Only \"zeros\" padding mode is supported for ConvTranspose", D, "d, but got \"", o.padding_mode().name(), "\"");
  return detail::ConvNdOptions<D>(o.in_channels(), o.out_channels(), o.kernel_size()).stride(o.stride()).padding(o.padding()).dilation(o.dilation())
      .transposed(true).output_padding(o.output_padding()).groups(o.groups()).bias(o.bias());
}

}  // namespace

template <std::size_t D, class Derived>
ConvNdImpl<D, Derived>::ConvNdImpl(const detail::ConvNdOptions<D>& o) : options(o) {
  ConvNdImpl::reset();
}
template <std::size_t D, class Derived>
ConvNdImpl<D, Derived>::~ConvNdImpl() = default;

template <std::size_t D, class Derived>
void ConvNdImpl<D, Derived>::reset() {
  const std::int64_t in = options.in_channels(), out = options.out_channels(), groups = options.groups();
  CT_CHECK_VALUE(groups > 0, "groups must be a positive integer, but got ", groups);
  CT_CHECK_VALUE(in >= 0 && out >= 0, "numbers of channels must not be negative, but got ", in, " and ", out);
  CT_CHECK_VALUE(in % groups == 0, "in_channels must be divisible by groups, but got ", in, " and ", groups);
  CT_CHECK_VALUE(out % groups == 0, "out_channels must be divisible by groups, but got ", out, " and ", groups);
  if (options.padding().is(kSame))
    for (std::int64_t s : *options.stride())
      CT_CHECK_VALUE(s == 1, "padding='same' is not supported for strided convolutions, but got stride ", IntArrayRef(options.stride()));
  std::vector<std::int64_t> sizes = options.transposed() ? std::vector<std::int64_t>{in, out / groups} : std::vector<std::int64_t>{out, in / groups};
  sizes.insert(sizes.end(), options.kernel_size()->begin(), options.kernel_size()->end());
  weight = this->register_parameter("weight", ct::empty(sizes));
  if (options.bias()) bias = this->register_parameter("bias", ct::empty({out}));
  else bias = this->register_parameter("bias", {}, false);
  reset_parameters();
}

template <std::size_t D, class Derived>
void ConvNdImpl<D, Derived>::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined()) return;
  const std::int64_t fan_in = std::get<0>(init::_calculate_fan_in_and_fan_out(weight));
  if (fan_in == 0) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  init::uniform_(bias, -bound, bound);
}

template <std::size_t D, class Derived>
std::string ConvNdImpl<D, Derived>::extra_repr() const {
  std::string text = join({options.in_channels(), ", ", options.out_channels(), ", kernel_size=", tuple(options.kernel_size()), ", stride=", tuple(options.stride())});
  if (!options.padding().word().empty()) text += join({", padding=", options.padding().word()});
  else if (!(options.padding().numbers() == ExpandingArray<D>(0))) text += join({", padding=", tuple(options.padding().numbers())});
  if (!(options.dilation() == ExpandingArray<D>(1))) text += join({", dilation=", tuple(options.dilation())});
  if (!(options.output_padding() == ExpandingArray<D>(0))) text += join({", output_padding=", tuple(options.output_padding())});
  if (options.groups() != 1) text += join({", groups=", options.groups()});
  if (!options.bias()) text += ", bias=False";
  if (!options.padding_mode().is(kZeros)) text += join({", padding_mode=", options.padding_mode().name()});
  return text;
}

template <std::size_t D, class Derived>
Tensor ConvNdImpl<D, Derived>::convolve(const Tensor& input) {
  const auto& padding = options.padding();
  if (options.padding_mode().is(kZeros) || padding.is(kValid)) {
    functional::ConvFuncOptions<D> o;
    return with_options<D>(input, weight, o.bias(bias).stride(options.stride()).padding(padding).dilation(options.dilation()).groups(options.groups()));
  }
  // The margin is made first: two numbers for each dimension, the last one first.
  std::vector<std::int64_t> sides;
  for (std::size_t d = D; d-- > 0;) {
    const std::int64_t total = padding.is(kSame) ? options.dilation()[d] * (options.kernel_size()[d] - 1) : 2 * padding.numbers()[d];
    sides.push_back(total / 2), sides.push_back(total - total / 2);
  }
  return conv<D, IntArrayRef>(ct::pad(input, sides, options.padding_mode().name()), weight, bias, options.stride(), 0, options.dilation(), options.groups());
}

template <std::size_t D, class Derived>
Tensor ConvNdImpl<D, Derived>::convolve_transposed(const Tensor& input, const std::optional<IntArrayRef>& output_size) {
  ExpandingArray<D> extra = options.output_padding();
  const ExpandingArray<D>& padding = options.padding().numbers();
  if (output_size) {
    const std::int64_t dims = input.defined() ? input.dim() : 0, leading = dims == static_cast<std::int64_t>(D) + 2 ? 2 : 1;
    CT_CHECK_VALUE(dims == static_cast<std::int64_t>(D) + leading, "ConvTranspose", D, "d: expected an input of ", D + 1, " or ", D + 2, " dimensions, but it has ", dims);
    IntArrayRef asked = *output_size;
    if (asked.size() == D + static_cast<std::size_t>(leading)) asked = asked.slice(static_cast<std::size_t>(leading), D);
    CT_CHECK_VALUE(asked.size() == D, "ConvTranspose", D, "D: for ", dims, "D input, output_size must have ", D, " or ", D + static_cast<std::size_t>(leading),
                   " elements (got ", output_size->size(), ")");
    std::int64_t least[D], largest[D];
    bool fits = true;
    for (std::size_t d = 0; d < D; ++d) {
      least[d] = (input.size(static_cast<std::int64_t>(d) + leading) - 1) * options.stride()[d] - 2 * padding[d] + options.dilation()[d] * (options.kernel_size()[d] - 1) + 1;
      largest[d] = least[d] + options.stride()[d] - 1;
      fits &= asked[d] >= least[d] && asked[d] <= largest[d];
      extra[d] = asked[d] - least[d];
    }
    CT_CHECK_VALUE(fits, "requested an output size of ", asked, ", but valid sizes range from ", IntArrayRef(least), " to ", IntArrayRef(largest),
                   " (for an input of ", input.sizes().slice(static_cast<std::size_t>(leading), D), ")");
  }
  return transposed<D>(input, weight, bias, options.stride(), padding, extra, options.groups(), options.dilation());
}

#define CT_X(D)                                                                                                                    \
  template class Cloneable<Conv##D##dImpl>;                                                                                        \
  template class ConvNdImpl<D, Conv##D##dImpl>;                                                                                    \
  Conv##D##dImpl::Conv##D##dImpl(const Conv##D##dOptions& o) : ConvNdImpl(common(o)) {}                                            \
  Conv##D##dImpl::~Conv##D##dImpl() = default;                                                                                     \
  Tensor Conv##D##dImpl::forward(const Tensor& input) { return convolve(input); }                                                  \
  template class Cloneable<ConvTranspose##D##dImpl>;                                                                               \
  template class ConvNdImpl<D, ConvTranspose##D##dImpl>;                                                                           \
  ConvTranspose##D##dImpl::ConvTranspose##D##dImpl(const ConvTranspose##D##dOptions& o) : ConvNdImpl(common(o)) {}                 \
  ConvTranspose##D##dImpl::~ConvTranspose##D##dImpl() = default;                                                                   \
  Tensor ConvTranspose##D##dImpl::forward(const Tensor& input, const std::optional<IntArrayRef>& output_size) {                    \
    return convolve_transposed(input, output_size);                                                                                \
  }                                                                                                                                \
  Tensor functional::conv##D##d(const Tensor& input, const Tensor& weight, const Conv##D##dFuncOptions& options) {                 \
    return with_options<D>(input, weight, options);                                                                                \
  }                                                                                                                                \
  Tensor functional::conv_transpose##D##d(const Tensor& input, const Tensor& weight, const ConvTranspose##D##dFuncOptions& options) { \
    return with_options<D>(input, weight, options);                                                                                \
  }
CT_X(1)
CT_X(2)
CT_X(3)
#undef CT_X

// ---- blocks, pixels, channels --------------------------------------------------------------------------------------------------

Tensor functional::fold(const Tensor& input, const FoldFuncOptions& o) {
  CT_CHECK(input.defined() && (input.dim() == 2 || input.dim() == 3), "fold: Input Error: Only unbatched (2D) or batched (3D) input Tensors are supported (got ",
           input.defined() ? input.dim() : 0, "D)");
  return col2im(input, o.output_size(), o.kernel_size(), o.dilation(), o.padding(), o.stride());
}
Tensor functional::unfold(const Tensor& input, const UnfoldFuncOptions& o) {
  CT_CHECK(input.defined() && (input.dim() == 3 || input.dim() == 4), "unfold: Input Error: Only unbatched (3D) or batched (4D) input Tensors are supported (got ",
           input.defined() ? input.dim() : 0, "D)");
  return im2col(input, o.kernel_size(), o.dilation(), o.padding(), o.stride());
}
Tensor functional::pixel_shuffle(const Tensor& input, const PixelShuffleFuncOptions& o) { return ct::pixel_shuffle(input, o.upscale_factor()); }
Tensor functional::pixel_unshuffle(const Tensor& input, const PixelUnshuffleFuncOptions& o) { return ct::pixel_unshuffle(input, o.downscale_factor()); }
Tensor functional::channel_shuffle(const Tensor& input, std::int64_t groups) { return ct::channel_shuffle(input, groups); }

#define CT_REARRANGE(Name, function, ...)                                                  \
  template class Cloneable<Name##Impl>;                                                    \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) {}                           \
  Name##Impl::~Name##Impl() = default;                                                     \
  void Name##Impl::reset() {}                                                              \
  std::string Name##Impl::extra_repr() const { return join({__VA_ARGS__}); }               \
  Tensor Name##Impl::forward(const Tensor& input) { return functional::function; }
CT_REARRANGE(Fold, fold(input, options), "output_size=", tuple(options.output_size()), ", kernel_size=", tuple(options.kernel_size()), ", dilation=",
             tuple(options.dilation()), ", padding=", tuple(options.padding()), ", stride=", tuple(options.stride()))
CT_REARRANGE(Unfold, unfold(input, options), "kernel_size=", tuple(options.kernel_size()), ", dilation=", tuple(options.dilation()), ", padding=",
             tuple(options.padding()), ", stride=", tuple(options.stride()))
CT_REARRANGE(PixelShuffle, pixel_shuffle(input, options), "upscale_factor=", options.upscale_factor())
CT_REARRANGE(PixelUnshuffle, pixel_unshuffle(input, options), "downscale_factor=", options.downscale_factor())
CT_REARRANGE(ChannelShuffle, channel_shuffle(input, options.groups()), "groups=", options.groups())
#undef CT_REARRANGE

}  // namespace ct::nn
