// ops/grid_attrs.h -- parameters of sampling at given places, as its ops and tests see them.
#pragma once

#include <cstdint>

#include "cotangent/op.h"
#include "cotangent/ops/upsample.h"

namespace ct::detail {

struct GridAttrs {
  std::int64_t dims = 2, mode = 0, padding = 0;  // mode 0 linear, 1 nearest, 2 cubic; padding 0 zeros, 1 border, 2 reflection
  bool align_corners = false;
  std::int64_t size[3] = {1, 1, 1};  // of the image, for the op that carries g back to it
};

struct AffineAttrs {
  std::int64_t dims = 2;
  std::int64_t size[3] = {1, 1, 1};  // of the grid, the last `dims` of them
  bool align_corners = false;
};

// grid_sampler_2d or grid_sampler_3d.
const Op& grid_sampler_op(std::int64_t dims);

}  // namespace ct::detail
