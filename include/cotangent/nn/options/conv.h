// cotangent/nn/options/conv.h -- the options of convolutions, as libtorch names them.
#pragma once

#include <initializer_list>

#include "cotangent/enum.h"
#include "cotangent/expanding_array.h"
#include "cotangent/arg.h"
#include "cotangent/tensor.h"

namespace ct::nn {

namespace detail {

using conv_padding_mode_t = Choice<enumtype::kZeros, enumtype::kReflect, enumtype::kReplicate, enumtype::kCircular>;

/// How much is added on both sides of each dimension: numbers, or kValid (nothing), or kSame (as much as keeps the size).
template <std::size_t D>
class conv_padding_t {
 public:
  conv_padding_t(std::int64_t one) : numbers_(one) {}
  conv_padding_t(std::initializer_list<std::int64_t> list) : numbers_(list) {}
  conv_padding_t(const ExpandingArray<D>& numbers) : numbers_(numbers) {}
  conv_padding_t(const std::vector<std::int64_t>& numbers) : numbers_(numbers) {}
  conv_padding_t(IntArrayRef numbers) : numbers_(numbers) {}
  conv_padding_t(enumtype::kValid) : numbers_(0), word_(enumtype::kValid::name) {}
  conv_padding_t(enumtype::kSame) : numbers_(0), word_(enumtype::kSame::name) {}

  bool is(enumtype::kValid) const { return word_ == enumtype::kValid::name; }
  bool is(enumtype::kSame) const { return word_ == enumtype::kSame::name; }
  /// Zeros if it is a word.
  const ExpandingArray<D>& numbers() const { return numbers_; }
  /// "same", "valid", or nothing.
  std::string_view word() const { return word_; }

 private:
  ExpandingArray<D> numbers_;
  std::string_view word_;
};

/// What convolutions and transposed ones have in common.
template <std::size_t D>
struct ConvNdOptions {
  using padding_t = conv_padding_t<D>;
  ConvNdOptions(std::int64_t in_channels, std::int64_t out_channels, ExpandingArray<D> kernel_size)
      : in_channels_(in_channels), out_channels_(out_channels), kernel_size_(kernel_size) {}
  CT_ARG(std::int64_t, in_channels);
  CT_ARG(std::int64_t, out_channels);
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride) = 1;
  CT_ARG(padding_t, padding) = 0;
  CT_ARG(ExpandingArray<D>, dilation) = 1;
  CT_ARG(bool, transposed) = false;
  CT_ARG(ExpandingArray<D>, output_padding) = 0;
  CT_ARG(std::int64_t, groups) = 1;
  CT_ARG(bool, bias) = true;
  CT_ARG(conv_padding_mode_t, padding_mode) = kZeros;
};

}  // namespace detail

template <std::size_t D>
struct ConvOptions {
  using padding_mode_t = detail::conv_padding_mode_t;
  using padding_t = detail::conv_padding_t<D>;
  ConvOptions(std::int64_t in_channels, std::int64_t out_channels, ExpandingArray<D> kernel_size)
      : in_channels_(in_channels), out_channels_(out_channels), kernel_size_(kernel_size) {}
  CT_ARG(std::int64_t, in_channels);
  CT_ARG(std::int64_t, out_channels);
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride) = 1;
  CT_ARG(padding_t, padding) = 0;              // numbers, kValid or kSame
  CT_ARG(ExpandingArray<D>, dilation) = 1;     // distance of the kernel's elements
  CT_ARG(std::int64_t, groups) = 1;            // so many convolutions side by side, each with its part of the channels
  CT_ARG(bool, bias) = true;
  CT_ARG(padding_mode_t, padding_mode) = kZeros;  // what is padded with; the others are as in functional::pad
};
using Conv1dOptions = ConvOptions<1>;
using Conv2dOptions = ConvOptions<2>;
using Conv3dOptions = ConvOptions<3>;

template <std::size_t D>
struct ConvTransposeOptions {
  using padding_mode_t = detail::conv_padding_mode_t;
  ConvTransposeOptions(std::int64_t in_channels, std::int64_t out_channels, ExpandingArray<D> kernel_size)
      : in_channels_(in_channels), out_channels_(out_channels), kernel_size_(kernel_size) {}
  CT_ARG(std::int64_t, in_channels);
  CT_ARG(std::int64_t, out_channels);
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride) = 1;
  CT_ARG(ExpandingArray<D>, padding) = 0;         // so much is cut off on both sides of the result
  CT_ARG(ExpandingArray<D>, output_padding) = 0;  // the result is so much larger on one side
  CT_ARG(std::int64_t, groups) = 1;
  CT_ARG(bool, bias) = true;
  CT_ARG(ExpandingArray<D>, dilation) = 1;
  CT_ARG(padding_mode_t, padding_mode) = kZeros;  // no other is supported
};
using ConvTranspose1dOptions = ConvTransposeOptions<1>;
using ConvTranspose2dOptions = ConvTransposeOptions<2>;
using ConvTranspose3dOptions = ConvTransposeOptions<3>;

namespace functional {

template <std::size_t D>
struct ConvFuncOptions {
  using padding_t = nn::detail::conv_padding_t<D>;
  CT_ARG(Tensor, bias) = Tensor();
  CT_ARG(ExpandingArray<D>, stride) = 1;
  CT_ARG(padding_t, padding) = 0;
  CT_ARG(ExpandingArray<D>, dilation) = 1;
  CT_ARG(std::int64_t, groups) = 1;
};
using Conv1dFuncOptions = ConvFuncOptions<1>;
using Conv2dFuncOptions = ConvFuncOptions<2>;
using Conv3dFuncOptions = ConvFuncOptions<3>;

template <std::size_t D>
struct ConvTransposeFuncOptions {
  CT_ARG(Tensor, bias) = Tensor();
  CT_ARG(ExpandingArray<D>, stride) = 1;
  CT_ARG(ExpandingArray<D>, padding) = 0;
  CT_ARG(ExpandingArray<D>, output_padding) = 0;
  CT_ARG(std::int64_t, groups) = 1;
  CT_ARG(ExpandingArray<D>, dilation) = 1;
};
using ConvTranspose1dFuncOptions = ConvTransposeFuncOptions<1>;
using ConvTranspose2dFuncOptions = ConvTransposeFuncOptions<2>;
using ConvTranspose3dFuncOptions = ConvTransposeFuncOptions<3>;

}  // namespace functional

}  // namespace ct::nn
