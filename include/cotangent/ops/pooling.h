// cotangent/ops/pooling.h -- windows that slide over the last dimensions: the largest element, or the mean.
#pragma once

#include <optional>
#include <tuple>

#include "cotangent/tensor.h"

namespace ct {

// Shapes: [C, L] or [N, C, L] for 1d, one and two dimensions more for 2d and 3d; the result has
//   out = floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1
// elements in each pooled dimension (ceil instead of floor with ceil_mode, unless the last window would start in the margin
// behind x). Sizes are one number for all dimensions or one for each; stride is kernel_size if it is empty.
// Errors: ct::Error "pad should be at most half of kernel size", "Output size is too small", "Expected 3D or 4D (batch mode)
// tensor"; ct::NotImplementedError for dtypes that are not floating.

/// The largest element of each window; NaN counts as larger. The forms with indices also give its place, counted within the
/// plane of the pooled dimensions (kLong).   Gradient: g goes to the element that was chosen, the first of equal ones.
CT_API Tensor max_pool1d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0}, IntArrayRef dilation = {1},
                         bool ceil_mode = false);
CT_API Tensor max_pool2d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0}, IntArrayRef dilation = {1},
                         bool ceil_mode = false);
CT_API Tensor max_pool3d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0}, IntArrayRef dilation = {1},
                         bool ceil_mode = false);
CT_API std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0},
                                                          IntArrayRef dilation = {1}, bool ceil_mode = false);
CT_API std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0},
                                                          IntArrayRef dilation = {1}, bool ceil_mode = false);
CT_API std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0},
                                                          IntArrayRef dilation = {1}, bool ceil_mode = false);

/// The mean of each window. The margin counts as zeros, and in the number that is divided by only with count_include_pad;
/// divisor_override is divided by instead.   Dtypes: floating, kLong.   Gradient: g / divisor to each element of the window.
CT_API Tensor avg_pool1d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0}, bool ceil_mode = false,
                         bool count_include_pad = true);
CT_API Tensor avg_pool2d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0}, bool ceil_mode = false,
                         bool count_include_pad = true, std::optional<std::int64_t> divisor_override = std::nullopt);
CT_API Tensor avg_pool3d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef stride = {}, IntArrayRef padding = {0}, bool ceil_mode = false,
                         bool count_include_pad = true, std::optional<std::int64_t> divisor_override = std::nullopt);

/// Means of windows that divide x into output_size parts: window o is [floor(o in / out), ceil((o + 1) in / out)).
CT_API Tensor adaptive_avg_pool1d(const Tensor& self, IntArrayRef output_size);
CT_API Tensor adaptive_avg_pool2d(const Tensor& self, IntArrayRef output_size);
CT_API Tensor adaptive_avg_pool3d(const Tensor& self, IntArrayRef output_size);
/// The largest elements of the same windows, and their places.
CT_API std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& self, IntArrayRef output_size);
CT_API std::tuple<Tensor, Tensor> adaptive_max_pool2d(const Tensor& self, IntArrayRef output_size);
CT_API std::tuple<Tensor, Tensor> adaptive_max_pool3d(const Tensor& self, IntArrayRef output_size);

/// The largest elements of windows at places that random_samples [N, C, 2] (or 3) decide, numbers of [0, 1). Graham (2014).
CT_API std::tuple<Tensor, Tensor> fractional_max_pool2d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef output_size, const Tensor& random_samples);
CT_API std::tuple<Tensor, Tensor> fractional_max_pool3d(const Tensor& self, IntArrayRef kernel_size, IntArrayRef output_size, const Tensor& random_samples);

/// Zeros with self's elements at the places of a max_pool. Indices are read, and checked: "Found an invalid max index".
CT_API Tensor max_unpool2d(const Tensor& self, const Tensor& indices, IntArrayRef output_size);
CT_API Tensor max_unpool3d(const Tensor& self, const Tensor& indices, IntArrayRef output_size, IntArrayRef stride, IntArrayRef padding);

}  // namespace ct
