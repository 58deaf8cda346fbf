// cotangent/nn/options/loss.h -- the options of losses, as libtorch names them.
#pragma once

#include "cotangent/nn/arg.h"
#include "cotangent/enum.h"
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

namespace functional {
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
