// cotangent/ops/loss.h -- losses as functions; nn/functional.h has them with libtorch's options.
#pragma once

#include "cotangent/tensor.h"

namespace ct {

/// What a loss does with its elements: nothing, their mean, their sum.
namespace Reduction {
enum Reduction : std::int64_t { None, Mean, Sum, END };
}

// All losses below: input and target broadcast; dtypes floating; None gives the shape of the elements, Mean and Sum 0-dim.
// The mean of no elements is nan.   Errors: ct::Error for a reduction that is none of the three.

/// (input - target)^2.   Gradient: 2 g (input - target), divided by their number for Mean; -that for target.
CT_API Tensor mse_loss(const Tensor& self, const Tensor& target, std::int64_t reduction = Reduction::Mean);
/// |input - target|, recorded as its parts.
CT_API Tensor l1_loss(const Tensor& self, const Tensor& target, std::int64_t reduction = Reduction::Mean);
/// e = |input - target|: e^2 / (2 beta) for e < beta, else e - beta / 2; beta = 0 is l1_loss.   Errors: beta < 0.
CT_API Tensor smooth_l1_loss(const Tensor& self, const Tensor& target, std::int64_t reduction = Reduction::Mean, double beta = 1.0);
/// e = |input - target|: e^2 / 2 for e <= delta, else delta (e - delta / 2).   Errors: delta <= 0.
CT_API Tensor huber_loss(const Tensor& self, const Tensor& target, std::int64_t reduction = Reduction::Mean, double delta = 1.0);
/// log(1 + exp(-target input)), without overflow, for targets 1 and -1.   Gradient: of input only.
CT_API Tensor soft_margin_loss(const Tensor& self, const Tensor& target, std::int64_t reduction = Reduction::Mean);
/// -weight (target log(input) + (1 - target) log(1 - input)); logarithms are cut at -100.
/// Gradient: g weight (input - target) / (input (1 - input)), and that of target; none of weight.
/// Errors: ct::Error "all elements of input should be between 0 and 1".
CT_API Tensor binary_cross_entropy(const Tensor& self, const Tensor& target, const Tensor& weight = {}, std::int64_t reduction = Reduction::Mean);
/// The same of sigmoid(input), without overflow, with pos_weight as factor of the target's term.
///   weight ((1 - target) input + (1 + (pos_weight - 1) target) log(1 + exp(-input)))
CT_API Tensor binary_cross_entropy_with_logits(const Tensor& self, const Tensor& target, const Tensor& weight = {}, const Tensor& pos_weight = {},
                                               std::int64_t reduction = Reduction::Mean);

/// -weight[target] self[.., target, ..]: of logarithms of probabilities [C], [N, C] or [N, C, d..] those of the classes in
/// target ([], [N] or [N, d..], int64), where target is not ignore_index. Mean divides by the sum of the weights.
/// Errors: ct::IndexError "Target 5 is out of bounds."; ct::Error for shapes that do not match.
CT_API Tensor nll_loss(const Tensor& self, const Tensor& target, const Tensor& weight = {}, std::int64_t reduction = Reduction::Mean,
                       std::int64_t ignore_index = -100);
CT_API Tensor nll_loss2d(const Tensor& self, const Tensor& target, const Tensor& weight = {}, std::int64_t reduction = Reduction::Mean,
                         std::int64_t ignore_index = -100);
CT_API Tensor nll_loss_nd(const Tensor& self, const Tensor& target, const Tensor& weight = {}, std::int64_t reduction = Reduction::Mean,
                          std::int64_t ignore_index = -100);
/// nll_loss of log_softmax(self) over the classes; target may also hold probabilities, in the shape of self.
/// label_smoothing mixes the target with the same probability for every class.
/// Errors: those of nll_loss; "label_smoothing must be between 0.0 and 1.0".
CT_API Tensor cross_entropy_loss(const Tensor& self, const Tensor& target, const Tensor& weight = {}, std::int64_t reduction = Reduction::Mean,
                                 std::int64_t ignore_index = -100, double label_smoothing = 0.0);

/// -log p(targets) by the alignments of log_probs [T, N, C] (or [T, C]), which are logarithms of probabilities, with `blank`
/// between labels. targets: [N, S], of which target_lengths count, or all of them one after another; input_lengths: of T.
/// Mean divides each loss by its target's length first. zero_infinity: targets too long for their input give 0, not inf.
/// Gradient: g (exp(log_probs) - p(class at t | targets)): that of what log_softmax was given, as in PyTorch; only once.
/// Errors: ct::Error for lengths out of range, labels that are no class, sizes that do not agree.
/// Source: Graves et al., ICML 2006.
CT_API Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths,
                       std::int64_t blank = 0, std::int64_t reduction = Reduction::Mean, bool zero_infinity = false);
CT_API Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, IntArrayRef input_lengths, IntArrayRef target_lengths, std::int64_t blank = 0,
                       std::int64_t reduction = Reduction::Mean, bool zero_infinity = false);

}  // namespace ct
