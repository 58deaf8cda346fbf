// cotangent/nn/options/vision.h -- the options of sampling at given places, as libtorch names them.
#pragma once

#include <optional>

#include "cotangent/enum.h"
#include "cotangent/arg.h"

namespace ct::nn::functional {

struct GridSampleFuncOptions {
  using mode_t = Choice<enumtype::kBilinear, enumtype::kNearest, enumtype::kBicubic>;  // kBicubic: Python's
  using padding_mode_t = Choice<enumtype::kZeros, enumtype::kBorder, enumtype::kReflection>;
  CT_ARG(mode_t, mode) = kBilinear;
  CT_ARG(padding_mode_t, padding_mode) = kZeros;
  CT_ARG(std::optional<bool>, align_corners) = std::nullopt;  // none: false
};

}  // namespace ct::nn::functional
