// cotangent/nn/options/loss.h -- the options of losses, as libtorch names them.
#pragma once

#include <optional>

#include "cotangent/callable.h"
#include "cotangent/enum.h"
#include "cotangent/arg.h"
#include "cotangent/ops/loss.h"

namespace ct::nn {

/// kNone, kMean or kSum.
struct LossReduction {
  constexpr LossReduction(enumtype::kNone) : value(Reduction::None) {}
  constexpr LossReduction(enumtype::kMean) : value(Reduction::Mean) {}
  constexpr LossReduction(enumtype::kSum) : value(Reduction::Sum) {}
  std::int64_t value;
};

// Options that have nothing but a reduction can be written as it: F::mse_loss(x, y, ct::kSum).
#define CT_REDUCTION_OPTIONS(Options)              \
  using reduction_t = LossReduction;               \
  Options() = default;                             \
  Options(enumtype::kNone r) : reduction_(r) {}    \
  Options(enumtype::kMean r) : reduction_(r) {}    \
  Options(enumtype::kSum r) : reduction_(r) {}     \
  CT_ARG(LossReduction, reduction) = kMean

struct L1LossOptions { CT_REDUCTION_OPTIONS(L1LossOptions); };
struct MSELossOptions { CT_REDUCTION_OPTIONS(MSELossOptions); };
struct SoftMarginLossOptions { CT_REDUCTION_OPTIONS(SoftMarginLossOptions); };
struct SmoothL1LossOptions {
  CT_REDUCTION_OPTIONS(SmoothL1LossOptions);
  CT_ARG(double, beta) = 1.0;
};
struct HuberLossOptions {
  CT_REDUCTION_OPTIONS(HuberLossOptions);
  CT_ARG(double, delta) = 1.0;
};
struct BCELossOptions {
  using reduction_t = LossReduction;
  CT_ARG(Tensor, weight) = {};
  CT_ARG(LossReduction, reduction) = kMean;
};
struct BCEWithLogitsLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(Tensor, weight) = {};
  CT_ARG(LossReduction, reduction) = kMean;
  CT_ARG(Tensor, pos_weight) = {};
};
struct NLLLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(Tensor, weight) = {};
  CT_ARG(std::int64_t, ignore_index) = -100;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct CrossEntropyLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(Tensor, weight) = {};
  CT_ARG(std::int64_t, ignore_index) = -100;
  CT_ARG(LossReduction, reduction) = kMean;
  CT_ARG(double, label_smoothing) = 0.0;
};
/// kNone, kMean, kSum or kBatchMean.
struct KLDivReduction {
  constexpr KLDivReduction(enumtype::kNone) : value(Reduction::None) {}
  constexpr KLDivReduction(enumtype::kMean) : value(Reduction::Mean) {}
  constexpr KLDivReduction(enumtype::kSum) : value(Reduction::Sum) {}
  constexpr KLDivReduction(enumtype::kBatchMean) : value(Reduction::Sum), by_batch(true) {}
  std::int64_t value;
  bool by_batch = false;
};
struct KLDivLossOptions {
  using reduction_t = KLDivReduction;
  KLDivLossOptions() = default;
  KLDivLossOptions(KLDivReduction r) : reduction_(r) {}
  KLDivLossOptions(enumtype::kNone r) : reduction_(r) {}
  KLDivLossOptions(enumtype::kMean r) : reduction_(r) {}
  KLDivLossOptions(enumtype::kSum r) : reduction_(r) {}
  KLDivLossOptions(enumtype::kBatchMean r) : reduction_(r) {}
  CT_ARG(KLDivReduction, reduction) = kMean;
  CT_ARG(bool, log_target) = false;
};
struct CTCLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(std::int64_t, blank) = 0;
  CT_ARG(LossReduction, reduction) = kMean;
  CT_ARG(bool, zero_infinity) = false;
};
struct MultiLabelMarginLossOptions { CT_REDUCTION_OPTIONS(MultiLabelMarginLossOptions); };
struct PoissonNLLLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(bool, log_input) = true;
  CT_ARG(bool, full) = false;
  CT_ARG(double, eps) = 1e-8;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct GaussianNLLLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(bool, full) = false;
  CT_ARG(double, eps) = 1e-6;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct HingeEmbeddingLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(double, margin) = 1.0;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct CosineEmbeddingLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(double, margin) = 0.0;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct MarginRankingLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(double, margin) = 0;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct TripletMarginLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(double, margin) = 1.0;
  CT_ARG(double, p) = 2.0;
  CT_ARG(double, eps) = 1e-6;
  CT_ARG(bool, swap) = false;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct TripletMarginWithDistanceLossOptions {
  using reduction_t = LossReduction;
  using distance_function_t = Callback<Tensor(const Tensor&, const Tensor&)>;
  CT_ARG(std::optional<distance_function_t>, distance_function) = std::nullopt;  // pairwise_distance
  CT_ARG(double, margin) = 1.0;
  CT_ARG(bool, swap) = false;
  CT_ARG(LossReduction, reduction) = kMean;
};
struct MultiMarginLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(std::int64_t, p) = 1;
  CT_ARG(double, margin) = 1.0;
  CT_ARG(Tensor, weight) = {};
  CT_ARG(LossReduction, reduction) = kMean;
};
struct MultiLabelSoftMarginLossOptions {
  using reduction_t = LossReduction;
  CT_ARG(Tensor, weight) = {};
  CT_ARG(LossReduction, reduction) = kMean;
};

namespace functional {
using CTCLossFuncOptions = CTCLossOptions;
using KLDivFuncOptions = KLDivLossOptions;
using MultilabelMarginLossFuncOptions = MultiLabelMarginLossOptions;
using PoissonNLLLossFuncOptions = PoissonNLLLossOptions;
using GaussianNLLLossFuncOptions = GaussianNLLLossOptions;
using HingeEmbeddingLossFuncOptions = HingeEmbeddingLossOptions;
using CosineEmbeddingLossFuncOptions = CosineEmbeddingLossOptions;
using MarginRankingLossFuncOptions = MarginRankingLossOptions;
using TripletMarginLossFuncOptions = TripletMarginLossOptions;
using TripletMarginWithDistanceLossFuncOptions = TripletMarginWithDistanceLossOptions;
using MultiMarginLossFuncOptions = MultiMarginLossOptions;
using MultilabelSoftMarginLossFuncOptions = MultiLabelSoftMarginLossOptions;
using L1LossFuncOptions = L1LossOptions;
using MSELossFuncOptions = MSELossOptions;
using SoftMarginLossFuncOptions = SoftMarginLossOptions;
using SmoothL1LossFuncOptions = SmoothL1LossOptions;
using HuberLossFuncOptions = HuberLossOptions;
using BinaryCrossEntropyFuncOptions = BCELossOptions;
using BinaryCrossEntropyWithLogitsFuncOptions = BCEWithLogitsLossOptions;
using NLLLossFuncOptions = NLLLossOptions;
using CrossEntropyFuncOptions = CrossEntropyLossOptions;
}  // namespace functional

}  // namespace ct::nn
