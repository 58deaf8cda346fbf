// ops/upsample_attrs.h -- parameters of resampling, as its ops and tests see them.
#pragma once

#include <cstdint>

#include "cotangent/ops/upsample.h"

namespace ct::detail {

enum class Resample : std::uint8_t { nearest, nearest_exact, linear, cubic, linear_aa, cubic_aa };

// Of the last 1 to 3 dimensions, at the end of each array.
struct UpsampleAttrs {
  std::int64_t dims = 2;
  Resample mode = Resample::nearest;
  bool align_corners = false;
  std::int64_t out[3] = {1, 1, 1};
  double scale[3] = {};  // factors that were asked for, 0: out / in
};
struct UpsampleBackAttrs {
  UpsampleAttrs up;
  std::int64_t sizes[3] = {1, 1, 1};  // of x
};

}  // namespace ct::detail
