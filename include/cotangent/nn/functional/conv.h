// cotangent/nn/functional/conv.h -- convolutions with options, blocks as columns, pixels from channels.
#pragma once

#include "cotangent/nn/options/conv.h"
#include "cotangent/nn/options/fold.h"
#include "cotangent/ops/convolution.h"

namespace ct::nn::functional {

// Shapes, formulas, gradients and errors are those of the functions of ops/convolution.h.

///   F::conv2d(x, weight, F::Conv2dFuncOptions().bias(b).stride(2).padding(1))
CT_API Tensor conv1d(const Tensor& input, const Tensor& weight, const Conv1dFuncOptions& options = {});
CT_API Tensor conv2d(const Tensor& input, const Tensor& weight, const Conv2dFuncOptions& options = {});
CT_API Tensor conv3d(const Tensor& input, const Tensor& weight, const Conv3dFuncOptions& options = {});
CT_API Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const ConvTranspose1dFuncOptions& options = {});
CT_API Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const ConvTranspose2dFuncOptions& options = {});
CT_API Tensor conv_transpose3d(const Tensor& input, const Tensor& weight, const ConvTranspose3dFuncOptions& options = {});

/// col2im and im2col.   Errors: "Input Error: Only unbatched (2D) or batched (3D) input Tensors are supported".
CT_API Tensor fold(const Tensor& input, const FoldFuncOptions& options);
CT_API Tensor unfold(const Tensor& input, const UnfoldFuncOptions& options);

CT_API Tensor pixel_shuffle(const Tensor& input, const PixelShuffleFuncOptions& options);
CT_API Tensor pixel_unshuffle(const Tensor& input, const PixelUnshuffleFuncOptions& options);
CT_API Tensor channel_shuffle(const Tensor& input, std::int64_t groups);

}  // namespace ct::nn::functional
