// cotangent/nn/functional/pooling.h -- pooling with libtorch's options; shapes, gradients and errors are at ops/pooling.h.
#pragma once

#include <tuple>

#include "cotangent/nn/options/pooling.h"
#include "cotangent/ops/pooling.h"

namespace ct::nn::functional {

/// The mean of each window.
CT_API Tensor avg_pool1d(const Tensor& input, const AvgPool1dFuncOptions& options);
CT_API Tensor avg_pool2d(const Tensor& input, const AvgPool2dFuncOptions& options);
CT_API Tensor avg_pool3d(const Tensor& input, const AvgPool3dFuncOptions& options);

/// The largest element of each window, and its place within the plane.
CT_API Tensor max_pool1d(const Tensor& input, const MaxPool1dFuncOptions& options);
CT_API Tensor max_pool2d(const Tensor& input, const MaxPool2dFuncOptions& options);
CT_API Tensor max_pool3d(const Tensor& input, const MaxPool3dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, const MaxPool1dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const MaxPool2dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& input, const MaxPool3dFuncOptions& options);

/// Of windows that divide the input into output_size parts.
CT_API Tensor adaptive_max_pool1d(const Tensor& input, const AdaptiveMaxPool1dFuncOptions& options);
CT_API Tensor adaptive_max_pool2d(const Tensor& input, const AdaptiveMaxPool2dFuncOptions& options);
CT_API Tensor adaptive_max_pool3d(const Tensor& input, const AdaptiveMaxPool3dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> adaptive_max_pool1d_with_indices(const Tensor& input, const AdaptiveMaxPool1dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> adaptive_max_pool2d_with_indices(const Tensor& input, const AdaptiveMaxPool2dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> adaptive_max_pool3d_with_indices(const Tensor& input, const AdaptiveMaxPool3dFuncOptions& options);
CT_API Tensor adaptive_avg_pool1d(const Tensor& input, const AdaptiveAvgPool1dFuncOptions& options);
CT_API Tensor adaptive_avg_pool2d(const Tensor& input, const AdaptiveAvgPool2dFuncOptions& options);
CT_API Tensor adaptive_avg_pool3d(const Tensor& input, const AdaptiveAvgPool3dFuncOptions& options);

/// The opposite of max_pool: zeros with the elements of input at the given places. Sizes are (in - 1) stride + kernel - 2
/// padding, unless output_size is given, which may differ from that by less than a stride.
/// Errors: ct::Error "invalid output_size", "Found an invalid max index".
CT_API Tensor max_unpool1d(const Tensor& input, const Tensor& indices, const MaxUnpool1dFuncOptions& options);
CT_API Tensor max_unpool2d(const Tensor& input, const Tensor& indices, const MaxUnpool2dFuncOptions& options);
CT_API Tensor max_unpool3d(const Tensor& input, const Tensor& indices, const MaxUnpool3dFuncOptions& options);

/// The largest elements of windows at random places, which are drawn as PyTorch draws them.   Errors: ct::Error "requires
/// specifying either an output_size or an output_ratio", "pool height 3 too large relative to input height 4".
CT_API Tensor fractional_max_pool2d(const Tensor& input, const FractionalMaxPool2dFuncOptions& options);
CT_API Tensor fractional_max_pool3d(const Tensor& input, const FractionalMaxPool3dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> fractional_max_pool2d_with_indices(const Tensor& input, const FractionalMaxPool2dFuncOptions& options);
CT_API std::tuple<Tensor, Tensor> fractional_max_pool3d_with_indices(const Tensor& input, const FractionalMaxPool3dFuncOptions& options);

/// (sum of x^p)^(1/p) of each window, where that sum is positive.   3d: Python's.
CT_API Tensor lp_pool1d(const Tensor& input, const LPPool1dFuncOptions& options);
CT_API Tensor lp_pool2d(const Tensor& input, const LPPool2dFuncOptions& options);
CT_API Tensor lp_pool3d(const Tensor& input, const LPPool3dFuncOptions& options);

}  // namespace ct::nn::functional
