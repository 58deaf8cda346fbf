// cotangent/ops/upsample.h -- the last dimensions in other sizes, sampling at given places, and grids of an affine map.
#pragma once

#include <optional>

#include "cotangent/tensor.h"

namespace ct {

// Shapes: [N, C, L] for 1d, [N, C, H, W] for 2d, [N, C, D, H, W] for 3d -> the same with output_size as last sizes. All of them
// are linear in self; each gradient is the transposed map. Element o of the result stands at place o in / out of the input (or
// o / scale if a scale is given): nearest takes the element there, nearest_exact the one around the centre, (o + 0.5) in / out.
// The others interpolate between centres; with align_corners the first and last elements of both stand at the same places.
// Errors: ct::Error "Input and output sizes should be greater than 0", "It is expected output_size equals to 2, but got size 1";
// ct::NotImplementedError unless the dtype is floating (nearest: also kByte).
using OptionalScale = std::optional<double>;
CT_API Tensor upsample_nearest1d(const Tensor& self, IntArrayRef output_size, OptionalScale scales = {});
CT_API Tensor upsample_nearest2d(const Tensor& self, IntArrayRef output_size, OptionalScale scales_h = {}, OptionalScale scales_w = {});
CT_API Tensor upsample_nearest3d(const Tensor& self, IntArrayRef output_size, OptionalScale scales_d = {}, OptionalScale scales_h = {}, OptionalScale scales_w = {});
CT_API Tensor _upsample_nearest_exact1d(const Tensor& self, IntArrayRef output_size, OptionalScale scales = {});
CT_API Tensor _upsample_nearest_exact2d(const Tensor& self, IntArrayRef output_size, OptionalScale scales_h = {}, OptionalScale scales_w = {});
CT_API Tensor _upsample_nearest_exact3d(const Tensor& self, IntArrayRef output_size, OptionalScale scales_d = {}, OptionalScale scales_h = {}, OptionalScale scales_w = {});
CT_API Tensor upsample_linear1d(const Tensor& self, IntArrayRef output_size, bool align_corners, OptionalScale scales = {});
CT_API Tensor upsample_bilinear2d(const Tensor& self, IntArrayRef output_size, bool align_corners, OptionalScale scales_h = {}, OptionalScale scales_w = {});
CT_API Tensor upsample_trilinear3d(const Tensor& self, IntArrayRef output_size, bool align_corners, OptionalScale scales_d = {}, OptionalScale scales_h = {},
                                   OptionalScale scales_w = {});
/// Cubic convolution over 4 x 4 elements, a = -0.75 (Keys 1981).
CT_API Tensor upsample_bicubic2d(const Tensor& self, IntArrayRef output_size, bool align_corners, OptionalScale scales_h = {}, OptionalScale scales_w = {});
/// Windows that widen with the scale when the result is smaller, so that all elements count; cubic with a = -0.5.
CT_API Tensor _upsample_bilinear2d_aa(const Tensor& self, IntArrayRef output_size, bool align_corners, OptionalScale scales_h = {}, OptionalScale scales_w = {});
CT_API Tensor _upsample_bicubic2d_aa(const Tensor& self, IntArrayRef output_size, bool align_corners, OptionalScale scales_h = {}, OptionalScale scales_w = {});

/// input [N, C, H, W] at the places that grid [N, H', W', 2] says: (x, y) with -1 and 1 at the outer edges of the first and last
/// elements, or at their centres with align_corners. 3d: [N, C, D, H, W] and (x, y, z).
/// interpolation_mode: 0 linear, 1 nearest, 2 cubic (2d only); padding_mode for places outside: 0 zeros, 1 border, 2 reflection.
/// Gradients: of input the transposed map, of grid that of the interpolation (0 for nearest; 0 where a place was moved to the
/// border). They cannot be differentiated again, as in libtorch.   Errors: ct::Error for shapes that do not fit.
CT_API Tensor grid_sampler(const Tensor& input, const Tensor& grid, std::int64_t interpolation_mode, std::int64_t padding_mode, bool align_corners);

/// The grid of an affine map, for grid_sampler: theta [N, 2, 3], size {N, C, H, W} -> [N, H, W, 2]; [N, 3, 4] with five sizes.
CT_API Tensor affine_grid_generator(const Tensor& theta, IntArrayRef size, bool align_corners);

}  // namespace ct
