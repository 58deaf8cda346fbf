// ops/convolution_attrs.h -- parameters of convolutions and of blocks, as their ops and tests see them.
#pragma once

#include <cstdint>

namespace ct::detail {

// Of the last `dims` dimensions, in their order. `size` is that of the result, so that the derivative of a convolution,
// which is a transposed one and the other way round, can ask for exactly the shape it needs.
struct ConvAttrs {
  int dims = 0;
  bool transposed = false;
  std::int64_t groups = 1;
  std::int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  std::int64_t size[3] = {1, 1, 1};
};

struct ConvWeightAttrs {
  ConvAttrs conv;
  std::int64_t kernel[3] = {1, 1, 1};
};

struct Im2ColAttrs {
  std::int64_t kernel[2], dilation[2], padding[2], stride[2];
  std::int64_t image[2];  // height and width of the image
};

struct ShuffleAttrs { std::int64_t factor; };

}  // namespace ct::detail
