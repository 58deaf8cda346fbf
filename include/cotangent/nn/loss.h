// cotangent/nn/loss.h -- losses as modules. Formulas, shapes and errors are those of the functions in nn/functional.h.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/loss.h"

namespace ct::nn {

// A module of options and, where they hold weights, buffers; OPTIONS as in libtorch: MSELoss(ct::kSum).
#define CT_LOSS(Name, Members, ...)                                  \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {           \
   public:                                                           \
    explicit Name##Impl(const Name##Options& options = {});          \
    ~Name##Impl() override;                                          \
    void reset() override;                                           \
    Tensor forward(__VA_ARGS__);                                     \
    Name##Options options;                                           \
    Members                                                          \
  };                                                                 \
  extern template class Cloneable<Name##Impl>;                       \
  CT_MODULE(Name)
#define CT_LOSS_PAIR(Name) CT_LOSS(Name, , const Tensor& input, const Tensor& target)

CT_LOSS_PAIR(L1Loss);
CT_LOSS_PAIR(MSELoss);
CT_LOSS_PAIR(SmoothL1Loss);
CT_LOSS_PAIR(HuberLoss);
CT_LOSS_PAIR(SoftMarginLoss);
CT_LOSS_PAIR(KLDivLoss);
CT_LOSS_PAIR(PoissonNLLLoss);
CT_LOSS_PAIR(HingeEmbeddingLoss);
CT_LOSS_PAIR(MultiLabelMarginLoss);
#undef CT_LOSS_PAIR
// The weights of the options are buffers "weight" and "pos_weight": they are saved and converted with the module.
CT_LOSS(BCELoss, Tensor weight;, const Tensor& input, const Tensor& target);
CT_LOSS(BCEWithLogitsLoss, Tensor weight; Tensor pos_weight;, const Tensor& input, const Tensor& target);
CT_LOSS(NLLLoss, Tensor weight;, const Tensor& input, const Tensor& target);
CT_LOSS(CrossEntropyLoss, Tensor weight;, const Tensor& input, const Tensor& target);
/// Errors: ct::Error unless p is 1 or 2 and the weight has one dimension.
CT_LOSS(MultiMarginLoss, Tensor weight;, const Tensor& input, const Tensor& target);
CT_LOSS(MultiLabelSoftMarginLoss, Tensor weight;, const Tensor& input, const Tensor& target);
CT_LOSS(GaussianNLLLoss, , const Tensor& input, const Tensor& target, const Tensor& var);
CT_LOSS(CosineEmbeddingLoss, , const Tensor& input1, const Tensor& input2, const Tensor& target);
CT_LOSS(MarginRankingLoss, , const Tensor& input1, const Tensor& input2, const Tensor& target);
CT_LOSS(TripletMarginLoss, , const Tensor& anchor, const Tensor& positive, const Tensor& negative);
CT_LOSS(TripletMarginWithDistanceLoss, , const Tensor& anchor, const Tensor& positive, const Tensor& negative);
/// input_lengths and target_lengths: [N], integers.
CT_LOSS(CTCLoss, , const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths);
#undef CT_LOSS

}  // namespace ct::nn
