// cotangent/nn/options/dense.h -- the options of distances, dropout and lookups, as libtorch names them.
#pragma once

#include <cstdint>
#include <optional>

#include "cotangent/enum.h"
#include "cotangent/arg.h"
#include "cotangent/tensor.h"

namespace ct::nn {

struct CosineSimilarityOptions {
  CT_ARG(std::int64_t, dim) = 1;
  CT_ARG(double, eps) = 1e-8;
};
struct PairwiseDistanceOptions {
  CT_ARG(double, p) = 2.0;
  CT_ARG(double, eps) = 1e-6;
  CT_ARG(bool, keepdim) = false;
};

using EmbeddingBagMode = Choice<enumtype::kMean, enumtype::kSum, enumtype::kMax>;

namespace functional {
using CosineSimilarityFuncOptions = CosineSimilarityOptions;
using PairwiseDistanceFuncOptions = PairwiseDistanceOptions;
struct NormalizeFuncOptions {
  CT_ARG(double, p) = 2.0;
  CT_ARG(double, eps) = 1e-12;
  CT_ARG(std::int64_t, dim) = 1;
  CT_ARG(std::optional<Tensor>, out) = std::nullopt;  // written to and returned; nothing is recorded then
};
struct DropoutFuncOptions {
  CT_ARG(double, p) = 0.5;
  CT_ARG(bool, training) = true;
  CT_ARG(bool, inplace) = false;
};
using Dropout2dFuncOptions = DropoutFuncOptions;
using Dropout3dFuncOptions = DropoutFuncOptions;
struct AlphaDropoutFuncOptions {
  CT_ARG(double, p) = 0.5;
  CT_ARG(bool, training) = false;
  CT_ARG(bool, inplace) = false;
};
using FeatureAlphaDropoutFuncOptions = AlphaDropoutFuncOptions;
struct EmbeddingFuncOptions {
  CT_ARG(std::optional<std::int64_t>, padding_idx) = std::nullopt;
  CT_ARG(std::optional<double>, max_norm) = std::nullopt;
  CT_ARG(double, norm_type) = 2.;
  CT_ARG(bool, scale_grad_by_freq) = false;
  CT_ARG(bool, sparse) = false;  // gradients are dense either way
};
struct EmbeddingBagFuncOptions {
  CT_ARG(Tensor, offsets) = Tensor();             // where each bag begins; of an input [bags, n] undefined
  CT_ARG(std::optional<double>, max_norm) = std::nullopt;
  CT_ARG(double, norm_type) = 2.;
  CT_ARG(bool, scale_grad_by_freq) = false;
  CT_ARG(EmbeddingBagMode, mode) = kMean;
  CT_ARG(bool, sparse) = false;                   // gradients are dense either way
  CT_ARG(Tensor, per_sample_weights) = Tensor();  // for kSum
  CT_ARG(bool, include_last_offset) = false;
  CT_ARG(std::optional<std::int64_t>, padding_idx) = std::nullopt;
};
struct GumbelSoftmaxFuncOptions {
  CT_ARG(double, tau) = 1.0;
  CT_ARG(bool, hard) = false;
  CT_ARG(int, dim) = -1;
};
}  // namespace functional

}  // namespace ct::nn
