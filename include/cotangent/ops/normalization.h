// cotangent/ops/normalization.h -- layer, RMS, batch, instance and group normalisation as functions; nn/functional.h has
// them with libtorch's options.
#pragma once

#include <optional>

#include "cotangent/tensor.h"

namespace ct {

// All: dtypes floating; half and bfloat16 are computed in float32, and weights may then be float32 too. Means and variances
// are added up so that they round once, whatever the size. `cudnn_enabled` is there for libtorch's signature.
// With xh = (x - mean) / sqrt(var + eps), var without Bessel's correction:  y = xh weight + bias
//   dx = (g weight - mean(g weight) - xh mean(g weight xh)) / sqrt(var + eps);  dweight = sum(g xh);  dbias = sum(g)

/// Mean and variance over the last dimensions, which are normalized_shape, as are weight and bias. Ba, Kiros & Hinton (2016).
/// Errors: "Given normalized_shape=[3], expected input with shape [*, 3], but got input of size[2, 4]"; shapes of weight and bias.
CT_API Tensor layer_norm(const Tensor& input, IntArrayRef normalized_shape, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5,
                         bool cudnn_enabled = true);
/// x / sqrt(mean(x^2) + eps) weight, over the last dimensions; eps: without a number, the dtype's epsilon. Zhang & Sennrich (2019).
/// dx = (g weight - xh mean(g weight xh)) / sqrt(mean(x^2) + eps), xh = x / sqrt(..)
CT_API Tensor rms_norm(const Tensor& input, IntArrayRef normalized_shape, const Tensor& weight = {}, std::optional<double> eps = std::nullopt);
/// Of [N, C, ..] mean and variance of each channel over everything else; weight, bias and statistics are [C].
/// Training: from the batch, and what is given of running_mean and running_var becomes (1 - momentum) times itself + momentum
/// times that of the batch, with Bessel's correction. Otherwise from running_mean and running_var, which have no gradient and
/// are not changed. Ioffe & Szegedy (2015).
/// Errors: "running_mean should contain 3 elements not 4", and the like; running statistics are missing in evaluation.
CT_API Tensor batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, const Tensor& running_mean, const Tensor& running_var, bool training,
                         double momentum, double eps, bool cudnn_enabled = true);
/// The same for each channel of each sample alone; running statistics get the mean over the samples. Ulyanov et al. (2016).
CT_API Tensor instance_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, const Tensor& running_mean, const Tensor& running_var,
                            bool use_input_stats, double momentum, double eps, bool cudnn_enabled = true);
/// Of [N, C, ..] mean and variance of each sample over each of num_groups groups of channels; weight and bias [C]. Wu & He (2018).
/// Errors: "Expected number of channels in input to be divisible by num_groups".
CT_API Tensor group_norm(const Tensor& input, std::int64_t num_groups, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5,
                         bool cudnn_enabled = true);

}  // namespace ct
