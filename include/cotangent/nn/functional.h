// cotangent/nn/functional.h -- losses and layers as functions, with libtorch's names and options.
//
//   namespace F = ct::nn::functional;
//   F::cross_entropy(logits, classes, F::CrossEntropyFuncOptions().label_smoothing(0.1));
#pragma once

#include "cotangent/nn/options/loss.h"

namespace ct::nn::functional {

// Losses. Formulas and gradients are those of the functions of the same name in ops/loss.h. Reduction: kMean unless given.

/// These warn if target has another size than input, and broadcast the two.
CT_API Tensor mse_loss(const Tensor& input, const Tensor& target, const MSELossFuncOptions& options = {});
CT_API Tensor l1_loss(const Tensor& input, const Tensor& target, const L1LossFuncOptions& options = {});
CT_API Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1LossFuncOptions& options = {});
CT_API Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1LossFuncOptions& options, double beta);
CT_API Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossFuncOptions& options = {});
CT_API Tensor soft_margin_loss(const Tensor& input, const Tensor& target, const SoftMarginLossFuncOptions& options = {});
/// Errors: ct::ValueError if target has another size than input.
CT_API Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BinaryCrossEntropyFuncOptions& options = {});
CT_API Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const BinaryCrossEntropyWithLogitsFuncOptions& options = {});
/// Targets are numbers of classes (for cross_entropy also probabilities, in the shape of input).
CT_API Tensor nll_loss(const Tensor& input, const Tensor& target, const NLLLossFuncOptions& options = {});
CT_API Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyFuncOptions& options = {});

}  // namespace ct::nn::functional
