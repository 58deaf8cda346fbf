// cotangent/nn/functional/upsampling.h -- resampling to other sizes.
#pragma once

#include "cotangent/nn/options/upsampling.h"
#include "cotangent/ops/upsample.h"

namespace ct::nn::functional {

/// input [N, C, L], [N, C, H, W] or [N, C, D, H, W] with other last sizes: options.size(), or floor(size scale_factor). kNearest,
/// kNearestExact and kArea (the mean, adaptive_avg_pool) take any of them; kLinear needs 3, kBilinear and kBicubic 4, kTrilinear
/// 5 dimensions. What the modes compute is said at ops/upsample.h.
/// Errors: ct::Error "either size or scale_factor should be defined", "only one of size or scale_factor should be defined",
/// "align_corners option can only be set with the interpolating modes", "Got 3D input, but bilinear mode needs 4D input".
///   F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2.0}).mode(ct::kBilinear))
CT_API Tensor interpolate(const Tensor& input, const InterpolateFuncOptions& options = {});

}  // namespace ct::nn::functional
