// cotangent/nn/options/fold.h -- the options of blocks as columns and of pixels from channels, as libtorch names them.
#pragma once

#include "cotangent/expanding_array.h"
#include "cotangent/arg.h"

namespace ct::nn {

struct FoldOptions {
  FoldOptions(ExpandingArray<2> output_size, ExpandingArray<2> kernel_size) : output_size_(output_size), kernel_size_(kernel_size) {}
  CT_ARG(ExpandingArray<2>, output_size);
  CT_ARG(ExpandingArray<2>, kernel_size);
  CT_ARG(ExpandingArray<2>, dilation) = 1;
  CT_ARG(ExpandingArray<2>, padding) = 0;
  CT_ARG(ExpandingArray<2>, stride) = 1;
};
struct UnfoldOptions {
  UnfoldOptions(ExpandingArray<2> kernel_size) : kernel_size_(kernel_size) {}
  CT_ARG(ExpandingArray<2>, kernel_size);
  CT_ARG(ExpandingArray<2>, dilation) = 1;
  CT_ARG(ExpandingArray<2>, padding) = 0;
  CT_ARG(ExpandingArray<2>, stride) = 1;
};
struct PixelShuffleOptions {
  PixelShuffleOptions(std::int64_t upscale_factor) : upscale_factor_(upscale_factor) {}
  CT_ARG(std::int64_t, upscale_factor);
};
struct PixelUnshuffleOptions {
  PixelUnshuffleOptions(std::int64_t downscale_factor) : downscale_factor_(downscale_factor) {}
  CT_ARG(std::int64_t, downscale_factor);
};
struct ChannelShuffleOptions {
  ChannelShuffleOptions(std::int64_t groups) : groups_(groups) {}
  CT_ARG(std::int64_t, groups);
};

namespace functional {
using FoldFuncOptions = FoldOptions;
using UnfoldFuncOptions = UnfoldOptions;
using PixelShuffleFuncOptions = PixelShuffleOptions;
using PixelUnshuffleFuncOptions = PixelUnshuffleOptions;
}  // namespace functional

}  // namespace ct::nn
