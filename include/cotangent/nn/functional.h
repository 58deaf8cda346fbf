// cotangent/nn/functional.h -- losses and layers as functions, with libtorch's names and options.
//
//   namespace F = ct::nn::functional;
//   F::cross_entropy(logits, classes, F::CrossEntropyFuncOptions().label_smoothing(0.1));
#pragma once

#include "cotangent/nn/functional/attention.h"
#include "cotangent/nn/functional/conv.h"
#include "cotangent/nn/functional/local_response.h"
#include "cotangent/nn/functional/padding.h"
#include "cotangent/nn/functional/pooling.h"
#include "cotangent/nn/functional/upsampling.h"
#include "cotangent/nn/functional/vision.h"
#include "cotangent/nn/options/activation.h"
#include "cotangent/nn/options/dense.h"
#include "cotangent/nn/options/loss.h"
#include "cotangent/nn/options/normalization.h"

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

/// Of log_probs [T, N, C], targets [N, S] (or one after another), and their lengths [N].
CT_API Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths,
                       const CTCLossFuncOptions& options = {});

// The following are composed of other operations, and recorded as those.

/// target (log(target) - input), where input holds logarithms; of log_target exp(target) (target - input). kBatchMean divides
/// the sum by the first size.   Warns for kMean, which divides by the number of all elements.
CT_API Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivFuncOptions& options = {});
/// exp(input) - target input, or input - target log(input + eps) without log_input; `full` adds Stirling's approximation of
/// log(target!) where target > 1.
CT_API Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, const PoissonNLLLossFuncOptions& options = {});
/// (log(var) + (input - target)^2 / var) / 2, var at least eps; `full` adds log(2 pi) / 2. var has the size of input, or 1 in
/// the last dimension, or lacks that one.   Errors: ct::ValueError for other sizes and for negative variances.
CT_API Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, const GaussianNLLLossFuncOptions& options = {});
/// input where target is 1, max(0, margin - input) where it is -1.
CT_API Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, const HingeEmbeddingLossFuncOptions& options = {});
/// 1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1.   [N, D], [N, D], [N], or [D], [D], [].
CT_API Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                                    const CosineEmbeddingLossFuncOptions& options = {});
/// max(0, margin - target (input1 - input2))
CT_API Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target, const MarginRankingLossFuncOptions& options = {});
/// max(0, margin + d(anchor, positive) - d(anchor, negative)), d as pairwise_distance; `swap` takes the smaller one of
/// d(anchor, negative) and d(positive, negative).
CT_API Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                  const TripletMarginLossFuncOptions& options = {});
/// The same with a distance of yours, a function of two batches.
CT_API Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                                const TripletMarginWithDistanceLossFuncOptions& options = {});
/// Of [N, C] or [C] and the number of the right class: the sum over the others of max(0, margin - x[target] + x[i])^p / C.
/// Targets are read, so they cannot be mapped by vmap.   Errors: ct::Error "target out of range".
CT_API Tensor multi_margin_loss(const Tensor& input, const Tensor& target, const MultiMarginLossFuncOptions& options = {});
/// The same of several right classes, which a row of target lists up to its first -1, margin 1.
CT_API Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, const MultilabelMarginLossFuncOptions& options = {});
/// The mean over the classes of -(target log(sigmoid(input)) + (1 - target) log(sigmoid(-input))).
CT_API Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const MultilabelSoftMarginLossFuncOptions& options = {});

// ---- distances and normalising ----------------------------------------------------------------------------------

/// <x1, x2> / (max(|x1|, eps) max(|x2|, eps)) along a dimension, of inputs that broadcast.
CT_API Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, const CosineSimilarityFuncOptions& options = {});
/// The p-norm of x1 - x2 + eps over the last dimension.
CT_API Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, const PairwiseDistanceFuncOptions& options = {});
/// The p-norms of the differences of each two rows of [n, m]: those of (0, 1), (0, 2), .. (n - 2, n - 1).
/// Its gradient is 0 where two rows are equal.
CT_API Tensor pdist(const Tensor& input, double p = 2.0);
/// input / max(its p-norm along dim, eps)
CT_API Tensor normalize(const Tensor& input, const NormalizeFuncOptions& options = {});

/// The operations of ops/normalization.h.   Errors of batch_norm: also "Expected more than 1 value per channel when training, got
/// input size [1, 3]".
CT_API Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var, const BatchNormFuncOptions& options = {});
CT_API Tensor instance_norm(const Tensor& input, const InstanceNormFuncOptions& options = {});
CT_API Tensor layer_norm(const Tensor& input, const LayerNormFuncOptions& options);
CT_API Tensor rms_norm(const Tensor& input, const RMSNormFuncOptions& options);
CT_API Tensor group_norm(const Tensor& input, const GroupNormFuncOptions& options);

// ---- dropout: PyTorch's numbers from the default generator ----------------------------------------------------------

/// Elements become 0 with probability p, the others are divided by 1 - p; 2d and 3d drop whole [n, c] together. The alpha
/// forms keep mean and variance of what selu gives.   Errors: ct::ValueError unless 0 <= p <= 1.
CT_API Tensor dropout(const Tensor& input, const DropoutFuncOptions& options = {});
CT_API Tensor dropout2d(const Tensor& input, const Dropout2dFuncOptions& options = {});
CT_API Tensor dropout3d(const Tensor& input, const Dropout3dFuncOptions& options = {});
CT_API Tensor alpha_dropout(const Tensor& input, const AlphaDropoutFuncOptions& options = {});
CT_API Tensor feature_alpha_dropout(const Tensor& input, const FeatureAlphaDropoutFuncOptions& options = {});

// ---- linear maps, codes, distributions ---------------------------------------------------------------------------------

/// y = input weight^T + bias; bilinear: y_o = input1 weight_o input2 + bias_o with weight [out, in1, in2].
CT_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});
CT_API Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight, const Tensor& bias = {});
/// [..] of class numbers -> [.., num_classes] of 0 and 1, int64; -1 takes the largest number there is plus 1.
CT_API Tensor one_hot(const Tensor& tensor, std::int64_t num_classes = -1);
/// The rows of weight [V, D] that input [..] names, [.., D]. A negative padding_idx counts from the back. With max_norm, the
/// rows that are looked up are first shortened in place to that norm.
CT_API Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingFuncOptions& options = {});
/// Means, sums or maxima of the rows that each bag of indices names: input [bags, n], or [n] with offsets where bags begin.
CT_API Tensor embedding_bag(const Tensor& input, const Tensor& weight, const EmbeddingBagFuncOptions& options = {});
/// softmax((logits + Gumbel noise) / tau); `hard` gives the code of the largest one with the gradient of the soft values.
CT_API Tensor gumbel_softmax(const Tensor& logits, const GumbelSoftmaxFuncOptions& options = {});

// ---- activations: those of ops/elementwise.h; `inplace` writes into input ------------------------------------------------

CT_API Tensor elu(const Tensor& input, const ELUFuncOptions& options = {});
CT_API Tensor selu(const Tensor& input, const SELUFuncOptions& options = {});
CT_API Tensor celu(const Tensor& input, const CELUFuncOptions& options = {});
CT_API Tensor leaky_relu(const Tensor& input, const LeakyReLUFuncOptions& options = {});
CT_API Tensor relu(const Tensor& input, const ReLUFuncOptions& options = {});
CT_API Tensor relu6(const Tensor& input, const ReLU6FuncOptions& options = {});
CT_API Tensor hardtanh(const Tensor& input, const HardtanhFuncOptions& options = {});
CT_API Tensor threshold(const Tensor& input, const ThresholdFuncOptions& options);
CT_API Tensor gelu(const Tensor& input, const GELUFuncOptions& options = {});
CT_API Tensor silu(const Tensor& input);
CT_API Tensor mish(const Tensor& input);
CT_API Tensor softplus(const Tensor& input, const SoftplusFuncOptions& options = {});
CT_API Tensor logsigmoid(const Tensor& input);
CT_API Tensor hardsigmoid(const Tensor& input);
CT_API Tensor hardswish(const Tensor& input);
/// x - tanh(x); x / (1 + |x|); x outside of [-lambda, lambda], else 0; the same moved towards 0 by lambda.
CT_API Tensor tanhshrink(const Tensor& input);
CT_API Tensor softsign(const Tensor& input);
CT_API Tensor hardshrink(const Tensor& input, const HardshrinkFuncOptions& options = {});
CT_API Tensor softshrink(const Tensor& input, const SoftshrinkFuncOptions& options = {});
/// The first half along dim, times the sigmoid of the second.   Errors: "Halving dimension must be even".
CT_API Tensor glu(const Tensor& input, const GLUFuncOptions& options = {});
/// x where x > 0, else weight x, with one weight or one for each channel (dimension 1).
CT_API Tensor prelu(const Tensor& input, const Tensor& weight);
/// x where x > 0, else x r, r from U(lower, upper) in training, else their mean.
CT_API Tensor rrelu(const Tensor& input, const RReLUFuncOptions& options = {});
CT_API Tensor softmax(const Tensor& input, const SoftmaxFuncOptions& options);
/// softmax(-input)
CT_API Tensor softmin(const Tensor& input, const SoftminFuncOptions& options);
CT_API Tensor log_softmax(const Tensor& input, const LogSoftmaxFuncOptions& options);

}  // namespace ct::nn::functional
