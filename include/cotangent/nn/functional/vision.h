// cotangent/nn/functional/vision.h -- sampling at given places.
#pragma once

#include "cotangent/nn/options/vision.h"
#include "cotangent/ops/upsample.h"

namespace ct::nn::functional {

/// input [N, C, H, W] at the places (x, y) of grid [N, H', W', 2] -> [N, C, H', W'], or [N, C, D, H, W] and (x, y, z). -1 and 1
/// are the outer edges of the input (with align_corners the centres of its corner elements). Both have gradients.
CT_API Tensor grid_sample(const Tensor& input, const Tensor& grid, const GridSampleFuncOptions& options = {});
/// The places that the affine maps theta [N, 2, 3] send the elements of an image of size {N, C, H, W} to: [N, H, W, 2];
/// [N, 3, 4] and {N, C, D, H, W} give [N, D, H, W, 3].   Errors: ct::Error "Expected a batch of 2D affine matrices".
CT_API Tensor affine_grid(const Tensor& theta, IntArrayRef size, bool align_corners = false);

}  // namespace ct::nn::functional
