// nn/functional_loss.cpp -- losses with options: what is checked and warned about before the operations run.
#include "cotangent/autocast.h"
#include "cotangent/nn/functional.h"

namespace ct::nn::functional {

namespace {

void check_defined(const char* op, std::initializer_list<const Tensor*> inputs) {
  for (const Tensor* x : inputs) CT_CHECK(x->defined(), op, ": expected a tensor, but an input is undefined");
}

bool same_size(const Tensor& a, const Tensor& b) { return IntArrayRef(a.sizes()) == b.sizes(); }

void warn_about_sizes(const char* op, const Tensor& input, const Tensor& target) {
  check_defined(op, {&input, &target});
  if (!same_size(input, target))
    warn(ct::detail::join({"Using a target size (", target.sizes(), ") that is different to the input size (", input.sizes(),
                           "). This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size."}));
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, const MSELossFuncOptions& options) {
  warn_about_sizes("mse_loss", input, target);
  return ct::mse_loss(input, target, options.reduction().value);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const L1LossFuncOptions& options) {
  warn_about_sizes("l1_loss", input, target);
  if (amp::needs_full_precision({&input, &target})) return ct::l1_loss(amp::full_precision(input), amp::full_precision(target), options.reduction().value);
  return ct::l1_loss(input, target, options.reduction().value);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1LossFuncOptions& options) {
  return smooth_l1_loss(input, target, options, options.beta());
}
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1LossFuncOptions& options, double beta) {
  warn_about_sizes("smooth_l1_loss", input, target);
  return ct::smooth_l1_loss(input, target, options.reduction().value, beta);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossFuncOptions& options) {
  warn_about_sizes("huber_loss", input, target);
  return ct::huber_loss(input, target, options.reduction().value, options.delta());
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, const SoftMarginLossFuncOptions& options) {
  return ct::soft_margin_loss(input, target, options.reduction().value);
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BinaryCrossEntropyFuncOptions& options) {
  check_defined("binary_cross_entropy", {&input, &target});
  CT_CHECK_VALUE(same_size(input, target), "binary_cross_entropy: Using a target size (", target.sizes(), ") that is different to the input size (",
                 input.sizes(), ") is deprecated. Please ensure they have the same size.");
  return ct::binary_cross_entropy(input, target, options.weight(), options.reduction().value);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const BinaryCrossEntropyWithLogitsFuncOptions& options) {
  check_defined("binary_cross_entropy_with_logits", {&input, &target});
  CT_CHECK_VALUE(same_size(input, target), "binary_cross_entropy_with_logits: Target size (", target.sizes(), ") must be the same as input size (",
                 input.sizes(), ")");
  return ct::binary_cross_entropy_with_logits(input, target, options.weight(), options.pos_weight(), options.reduction().value);
}

Tensor nll_loss(const Tensor& input, const Tensor& target, const NLLLossFuncOptions& options) {
  return ct::nll_loss_nd(input, target, options.weight(), options.reduction().value, options.ignore_index());
}

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths,
                const CTCLossFuncOptions& options) {
  return ct::ctc_loss(log_probs, targets, input_lengths, target_lengths, options.blank(), options.reduction().value, options.zero_infinity());
}

Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyFuncOptions& options) {
  return ct::cross_entropy_loss(input, target, options.weight(), options.reduction().value, options.ignore_index(), options.label_smoothing());
}

}  // namespace ct::nn::functional
