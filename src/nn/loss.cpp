// nn/loss.cpp -- losses as modules.
#include "cotangent/nn/loss.h"

#include "cotangent/nn/distance.h"
#include "cotangent/nn/functional.h"

namespace ct::nn {

namespace F = functional;

namespace {

// What reset() registers: the tensor of the options, or in a clone, which has the original's member, a copy.
Tensor own(const Tensor& member, const Tensor& given) { return member.defined() ? member.detach().clone() : given; }

// The options with the buffers as they are now, which load_state_dict() and to() change.
template <class Options>
Options with_weight(Options options, const Tensor& weight) {
  options.weight(weight);
  return options;
}

}  // namespace

#define CT_LOSS(Name)                                                                  \
  template class Cloneable<Name##Impl>;                                                \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) { Name##Impl::reset(); } \
  Name##Impl::~Name##Impl() = default;
#define CT_LOSS_PLAIN(Name, function)   \
  CT_LOSS(Name)                         \
  void Name##Impl::reset() {}           \
  Tensor Name##Impl::forward(const Tensor& input, const Tensor& target) { return F::function(input, target, options); }
#define CT_LOSS_WEIGHTED(Name, function)                                                               \
  CT_LOSS(Name)                                                                                        \
  void Name##Impl::reset() { weight = register_buffer("weight", own(weight, options.weight())); }      \
  Tensor Name##Impl::forward(const Tensor& input, const Tensor& target) { return F::function(input, target, with_weight(options, weight)); }
#define CT_LOSS_TRIPLE(Name, function) \
  CT_LOSS(Name)                        \
  void Name##Impl::reset() {}          \
  Tensor Name##Impl::forward(const Tensor& x1, const Tensor& x2, const Tensor& x3) { return F::function(x1, x2, x3, options); }

CT_LOSS_PLAIN(L1Loss, l1_loss)
CT_LOSS_PLAIN(MSELoss, mse_loss)
CT_LOSS_PLAIN(SmoothL1Loss, smooth_l1_loss)
CT_LOSS_PLAIN(HuberLoss, huber_loss)
CT_LOSS_PLAIN(SoftMarginLoss, soft_margin_loss)
CT_LOSS_PLAIN(KLDivLoss, kl_div)
CT_LOSS_PLAIN(PoissonNLLLoss, poisson_nll_loss)
CT_LOSS_PLAIN(HingeEmbeddingLoss, hinge_embedding_loss)
CT_LOSS_PLAIN(MultiLabelMarginLoss, multilabel_margin_loss)
CT_LOSS_WEIGHTED(BCELoss, binary_cross_entropy)
CT_LOSS_WEIGHTED(NLLLoss, nll_loss)
CT_LOSS_WEIGHTED(CrossEntropyLoss, cross_entropy)
CT_LOSS_WEIGHTED(MultiLabelSoftMarginLoss, multilabel_soft_margin_loss)
CT_LOSS_TRIPLE(GaussianNLLLoss, gaussian_nll_loss)
CT_LOSS_TRIPLE(CosineEmbeddingLoss, cosine_embedding_loss)
CT_LOSS_TRIPLE(MarginRankingLoss, margin_ranking_loss)
CT_LOSS_TRIPLE(TripletMarginLoss, triplet_margin_loss)

CT_LOSS(CTCLoss)
void CTCLossImpl::reset() {}
Tensor CTCLossImpl::forward(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths) {
  return F::ctc_loss(log_probs, targets, input_lengths, target_lengths, options);
}

CT_LOSS(BCEWithLogitsLoss)
void BCEWithLogitsLossImpl::reset() {
  weight = register_buffer("weight", own(weight, options.weight()));
  pos_weight = register_buffer("pos_weight", own(pos_weight, options.pos_weight()));
}
Tensor BCEWithLogitsLossImpl::forward(const Tensor& input, const Tensor& target) {
  BCEWithLogitsLossOptions now = with_weight(options, weight);
  now.pos_weight(pos_weight);
  return F::binary_cross_entropy_with_logits(input, target, now);
}

CT_LOSS(MultiMarginLoss)
void MultiMarginLossImpl::reset() {
  CT_CHECK(options.p() == 1 || options.p() == 2, "MultiMarginLoss: only p == 1 and p == 2 supported, got p = ", options.p());
  CT_CHECK(!options.weight().defined() || options.weight().dim() == 1, "MultiMarginLoss: the weight must have one dimension, got ",
           options.weight().defined() ? options.weight().dim() : 0);
  weight = register_buffer("weight", own(weight, options.weight()));
}
Tensor MultiMarginLossImpl::forward(const Tensor& input, const Tensor& target) {
  return F::multi_margin_loss(input, target, with_weight(options, weight));
}

CT_LOSS(TripletMarginWithDistanceLoss)
void TripletMarginWithDistanceLossImpl::reset() {
  if (!options.distance_function()) register_module("distance_function", PairwiseDistance());  // printed, as in Python
}
Tensor TripletMarginWithDistanceLossImpl::forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) {
  return F::triplet_margin_with_distance_loss(anchor, positive, negative, options);
}

}  // namespace ct::nn
