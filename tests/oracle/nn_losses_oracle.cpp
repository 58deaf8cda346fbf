// tests/oracle/nn_losses_oracle.cpp -- losses and distances as modules, over their options.
#include "oracle/nn_check.h"

// The three reductions of a loss with these options and inputs; PY: the options as Python writes them, ending with a comma.
#define CHECK_LOSS(Name, PY, OPTIONS, ...)                                                            \
  do {                                                                                                \
    CHECK_MODULE(#Name "(" PY "reduction='mean')", Name(Name##Options() OPTIONS), __VA_ARGS__);       \
    CHECK_MODULE(#Name "(" PY "reduction='sum')", Name(Name##Options() OPTIONS.reduction(kSum)), __VA_ARGS__);   \
    CHECK_MODULE(#Name "(" PY "reduction='none')", Name(Name##Options() OPTIONS.reduction(kNone)), __VA_ARGS__); \
  } while (0)
// Without what libtorch computes in bfloat16 with roundings between.
#define CHECK_LOSS_ROUNDED_ONCE(Name, PY, OPTIONS, ...)                                                                    \
  for (auto c : {MODULE_CASE(#Name "(" PY "reduction='mean')", Name(Name##Options() OPTIONS), __VA_ARGS__),                \
                 MODULE_CASE(#Name "(" PY "reduction='sum')", Name(Name##Options() OPTIONS.reduction(kSum)), __VA_ARGS__), \
                 MODULE_CASE(#Name "(" PY "reduction='none')", Name(Name##Options() OPTIONS.reduction(kNone)), __VA_ARGS__)}) { \
    c.bfloat16 = false;                                                                                                    \
    oracle::check_module(c);                                                                                               \
  }

DOCTEST_TEST_CASE("losses of pairs agree with libtorch over their options") {
  CHECK_LOSS(L1Loss, "", , Randn(4, 3), Randn(4, 3));
  CHECK_LOSS(MSELoss, "", , Randn(4, 3), Randn(4, 3));
  CHECK_LOSS(SmoothL1Loss, "", , Randn(4, 3), Randn(4, 3));
  CHECK_LOSS(SmoothL1Loss, "beta=0.3,", .beta(0.3), Randn(2, 4, 3), Randn(2, 4, 3));
  CHECK_LOSS(SmoothL1Loss, "beta=0.,", .beta(0.0), Randn(5), Randn(5));
  CHECK_LOSS(HuberLoss, "", , Randn(4, 3), Randn(4, 3));
  CHECK_LOSS(HuberLoss, "delta=0.4,", .delta(0.4), Randn(4, 3), Randn(4, 3));
  CHECK_LOSS(SoftMarginLoss, "", , Randn(4, 3), Randint(2, 4, 3) * 2 - 1);
  CHECK_LOSS_ROUNDED_ONCE(KLDivLoss, "", , Randn(4, 3).log_softmax(1), Rand(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(KLDivLoss, "log_target=True,", .log_target(true), Randn(4, 3).log_softmax(1), Randn(4, 3).log_softmax(1));
  CHECK_MODULE("KLDivLoss(reduction='batchmean')", KLDivLoss(KLDivLossOptions().reduction(kBatchMean)), Randn(4, 3).log_softmax(1), Rand(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(PoissonNLLLoss, "", , Randn(4, 3), Rand(4, 3) * 4);
  CHECK_LOSS_ROUNDED_ONCE(PoissonNLLLoss, "full=True,", .full(true), Randn(4, 3), Rand(4, 3) * 4);
  CHECK_LOSS_ROUNDED_ONCE(PoissonNLLLoss, "log_input=False,eps=1e-3,", .log_input(false).eps(1e-3), Rand(4, 3), Rand(4, 3) * 4);
  CHECK_LOSS(HingeEmbeddingLoss, "", , Randn(4, 3), Randint(2, 4, 3) * 2 - 1);
  CHECK_LOSS(HingeEmbeddingLoss, "margin=0.3,", .margin(0.3), Randn(4, 3), Randint(2, 4, 3) * 2 - 1);
  CHECK_LOSS(MultiLabelMarginLoss, "", , Randn(3, 5), Randint(6, 3, 5) - 1);
  CHECK_LOSS(MultiLabelMarginLoss, "", , Randn(5), Randint(6, 5) - 1);
}

DOCTEST_TEST_CASE("losses with weights agree with libtorch over their options") {
  CHECK_LOSS(BCELoss, "", , Rand(4, 3), Rand(4, 3));
  CHECK_LOSS(BCELoss, "weight=torch.ones(3),", .weight(Rand(3)), Rand(4, 3), Rand(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(BCEWithLogitsLoss, "", , Randn(4, 3), Rand(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(BCEWithLogitsLoss, "pos_weight=torch.ones(3),", .pos_weight(Rand(3)), Randn(4, 3), Rand(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(BCEWithLogitsLoss, "weight=torch.ones(4, 1),", .weight(Rand(4, 1)).pos_weight(Rand(3)), Randn(4, 3), Rand(4, 3));
  CHECK_LOSS(NLLLoss, "", , Randn(4, 3).log_softmax(1), Randint(3, 4));
  CHECK_LOSS(NLLLoss, "weight=torch.ones(3),", .weight(Rand(3)), Randn(4, 3, 2).log_softmax(1), Randint(3, 4, 2));
  CHECK_LOSS(NLLLoss, "ignore_index=1,", .ignore_index(1), Randn(4, 3, 2, 2).log_softmax(1), Randint(3, 4, 2, 2));
  CHECK_LOSS(CrossEntropyLoss, "", , Randn(4, 3), Randint(3, 4));
  CHECK_LOSS(CrossEntropyLoss, "", , Randn(4, 3), Randn(4, 3).softmax(1));
  CHECK_LOSS(CrossEntropyLoss, "label_smoothing=0.2,", .label_smoothing(0.2), Randn(4, 3, 2), Randint(3, 4, 2));
  CHECK_LOSS(CrossEntropyLoss, "weight=torch.ones(3),", .weight(Rand(3)).ignore_index(2), Randn(4, 3), Randint(3, 4));
  CHECK_LOSS(MultiLabelSoftMarginLoss, "", , Randn(4, 3), Rand(4, 3));
  CHECK_LOSS(MultiLabelSoftMarginLoss, "weight=torch.ones(3),", .weight(Rand(3)), Randn(4, 3), Rand(4, 3));
  CHECK_LOSS(MultiMarginLoss, "", , Randn(4, 3), Randint(3, 4));
  CHECK_LOSS(MultiMarginLoss, "p=2,margin=0.5,", .p(2).margin(0.5), Randn(4, 3), Randint(3, 4));
  CHECK_LOSS(MultiMarginLoss, "weight=torch.ones(3),", .weight(Rand(3)), Randn(4, 3), Randint(3, 4));
}

DOCTEST_TEST_CASE("losses and distances of several inputs agree with libtorch over their options") {
  CHECK_LOSS_ROUNDED_ONCE(CosineEmbeddingLoss, "", , Randn(4, 3), Randn(4, 3), Randint(2, 4) * 2 - 1);
  CHECK_LOSS_ROUNDED_ONCE(CosineEmbeddingLoss, "margin=0.2,", .margin(0.2), Randn(4, 3), Randn(4, 3), Randint(2, 4) * 2 - 1);
  CHECK_LOSS(MarginRankingLoss, "", , Randn(4), Randn(4), Randint(2, 4) * 2 - 1);
  CHECK_LOSS(MarginRankingLoss, "margin=0.5,", .margin(0.5), Randn(4), Randn(4), Randint(2, 4) * 2 - 1);
  CHECK_LOSS_ROUNDED_ONCE(CTCLoss, "", , Randn(6, 3, 4).log_softmax(2), Randint(3, 3, 2) + 1, Randint(2, 3) + 5, Randint(2, 3) + 1);
  CHECK_LOSS_ROUNDED_ONCE(CTCLoss, "blank=3,", .blank(3), Randn(6, 3, 4).log_softmax(2), Randint(3, 3, 2), Randint(2, 3) + 5, Randint(3, 3));
  CHECK_LOSS_ROUNDED_ONCE(CTCLoss, "zero_infinity=True,", .zero_infinity(true), Randn(3, 3, 4).log_softmax(2), Randint(2, 3, 3) + 1, Randint(3, 3) + 1,
                          Randint(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(CTCLoss, "", , Randn(3, 3, 4).log_softmax(2), Randint(2, 3, 3) + 1, Randint(3, 3) + 1, Randint(2, 3) + 2);
  CHECK_LOSS_ROUNDED_ONCE(CTCLoss, "", , Randn(7, 2, 5).log_softmax(2), Randint(4, 6) + 1, Randint(2, 2) + 6, Randint(1, 2) + 3);
  CHECK_LOSS_ROUNDED_ONCE(TripletMarginLoss, "", , Randn(4, 3), Randn(4, 3), Randn(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(TripletMarginLoss, "margin=0.5,p=3,eps=1e-3,swap=True,", .margin(0.5).p(3).eps(1e-3).swap(true), Randn(4, 3), Randn(4, 3), Randn(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(TripletMarginWithDistanceLoss, "", , Randn(4, 3), Randn(4, 3), Randn(4, 3));
  CHECK_LOSS_ROUNDED_ONCE(TripletMarginWithDistanceLoss, "distance_function=lambda a, b: a,margin=0.5,swap=True,",
                          .distance_function([](const Tensor& a, const Tensor& b) { return (a - b).abs().sum(-1); }).margin(0.5).swap(true), Randn(4, 3), Randn(4, 3),
                          Randn(4, 3));
  CHECK_MODULE("CosineSimilarity()", CosineSimilarity(), Randn(4, 3), Randn(4, 3));
  CHECK_MODULE("CosineSimilarity(dim=0, eps=0.1)", CosineSimilarity(CosineSimilarityOptions().dim(0).eps(0.1)), Randn(4, 3), Randn(4, 3));
  for (auto c : {MODULE_CASE("PairwiseDistance()", PairwiseDistance(), Randn(4, 3), Randn(4, 3)),
                 MODULE_CASE("PairwiseDistance(1, keepdim=True)", PairwiseDistance(PairwiseDistanceOptions().p(1).eps(1e-3).keepdim(true)), Randn(4, 3), Randn(4, 3))}) {
    c.bfloat16 = false;
    oracle::check_module(c);
  }
}
