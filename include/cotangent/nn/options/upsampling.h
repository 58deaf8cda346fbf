// cotangent/nn/options/upsampling.h -- the options of resampling, as libtorch names them.
#pragma once

#include <optional>
#include <vector>

#include "cotangent/enum.h"
#include "cotangent/arg.h"

namespace ct::nn {

/// The modes of Upsample and F::interpolate.
using InterpolateMode = Choice<enumtype::kNearest, enumtype::kLinear, enumtype::kBilinear, enumtype::kBicubic, enumtype::kTrilinear, enumtype::kArea,
                               enumtype::kNearestExact>;

/// One of size and scale_factor: a number for each dimension behind the channels, or one for all.
struct UpsampleOptions {
  using mode_t = InterpolateMode;
  CT_ARG(std::optional<std::vector<std::int64_t>>, size) = std::nullopt;
  CT_ARG(std::optional<std::vector<double>>, scale_factor) = std::nullopt;
  CT_ARG(mode_t, mode) = kNearest;
  CT_ARG(std::optional<bool>, align_corners) = std::nullopt;
  CT_ARG(std::optional<bool>, recompute_scale_factor) = std::nullopt;  // Python's
};

namespace functional {
struct InterpolateFuncOptions {
  using mode_t = InterpolateMode;
  CT_ARG(std::optional<std::vector<std::int64_t>>, size) = std::nullopt;
  CT_ARG(std::optional<std::vector<double>>, scale_factor) = std::nullopt;
  CT_ARG(mode_t, mode) = kNearest;
  CT_ARG(std::optional<bool>, align_corners) = std::nullopt;           // of the linear and cubic modes
  CT_ARG(std::optional<bool>, recompute_scale_factor) = std::nullopt;  // true: places follow from the sizes, not from scale_factor
  CT_ARG(bool, antialias) = false;                                     // of kBilinear and kBicubic
};
}  // namespace functional

}  // namespace ct::nn
