// cotangent/nn/options/normalization.h -- the options of normalisation layers and functions, as libtorch names them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cotangent/arg.h"
#include "cotangent/tensor.h"

namespace ct::nn {

struct CT_API BatchNormOptions {  // visible, since templates of the library have it as an argument
  BatchNormOptions(std::int64_t num_features) : num_features_(num_features) {}
  CT_ARG(std::int64_t, num_features);
  CT_ARG(double, eps) = 1e-5;
  CT_ARG(std::optional<double>, momentum) = 0.1;  // of the new batch in running statistics; nullopt: the mean over all batches
  CT_ARG(bool, affine) = true;
  CT_ARG(bool, track_running_stats) = true;
};
using BatchNorm1dOptions = BatchNormOptions;
using BatchNorm2dOptions = BatchNormOptions;
using BatchNorm3dOptions = BatchNormOptions;

struct CT_API InstanceNormOptions {
  InstanceNormOptions(std::int64_t num_features) : num_features_(num_features) {}
  CT_ARG(std::int64_t, num_features);
  CT_ARG(double, eps) = 1e-5;
  CT_ARG(double, momentum) = 0.1;
  CT_ARG(bool, affine) = false;
  CT_ARG(bool, track_running_stats) = false;
};
using InstanceNorm1dOptions = InstanceNormOptions;
using InstanceNorm2dOptions = InstanceNormOptions;
using InstanceNorm3dOptions = InstanceNormOptions;

struct LayerNormOptions {
  LayerNormOptions(std::vector<std::int64_t> normalized_shape) : normalized_shape_(std::move(normalized_shape)) {}
  CT_ARG(std::vector<std::int64_t>, normalized_shape);
  CT_ARG(double, eps) = 1e-5;
  CT_ARG(bool, elementwise_affine) = true;
};
struct RMSNormOptions {
  RMSNormOptions(std::vector<std::int64_t> normalized_shape) : normalized_shape_(std::move(normalized_shape)) {}
  CT_ARG(std::vector<std::int64_t>, normalized_shape);
  CT_ARG(std::optional<double>, eps) = std::nullopt;  // the epsilon of the input's dtype
  CT_ARG(bool, elementwise_affine) = true;
};
struct GroupNormOptions {
  GroupNormOptions(std::int64_t num_groups, std::int64_t num_channels) : num_groups_(num_groups), num_channels_(num_channels) {}
  CT_ARG(std::int64_t, num_groups);
  CT_ARG(std::int64_t, num_channels);
  CT_ARG(double, eps) = 1e-5;
  CT_ARG(bool, affine) = true;
};

namespace functional {
struct BatchNormFuncOptions {
  CT_ARG(Tensor, weight) = {};
  CT_ARG(Tensor, bias) = {};
  CT_ARG(bool, training) = false;
  CT_ARG(std::optional<double>, momentum) = 0.1;
  CT_ARG(double, eps) = 1e-5;
};
struct InstanceNormFuncOptions {
  CT_ARG(Tensor, running_mean) = {};
  CT_ARG(Tensor, running_var) = {};
  CT_ARG(Tensor, weight) = {};
  CT_ARG(Tensor, bias) = {};
  CT_ARG(bool, use_input_stats) = true;
  CT_ARG(double, momentum) = 0.1;
  CT_ARG(double, eps) = 1e-5;
};
struct LayerNormFuncOptions {
  LayerNormFuncOptions(std::vector<std::int64_t> normalized_shape) : normalized_shape_(std::move(normalized_shape)) {}
  CT_ARG(std::vector<std::int64_t>, normalized_shape);
  CT_ARG(Tensor, weight) = {};
  CT_ARG(Tensor, bias) = {};
  CT_ARG(double, eps) = 1e-5;
};
struct RMSNormFuncOptions {
  RMSNormFuncOptions(std::vector<std::int64_t> normalized_shape) : normalized_shape_(std::move(normalized_shape)) {}
  CT_ARG(std::vector<std::int64_t>, normalized_shape);
  CT_ARG(Tensor, weight) = {};
  CT_ARG(std::optional<double>, eps) = std::nullopt;
};
struct GroupNormFuncOptions {
  GroupNormFuncOptions(std::int64_t num_groups) : num_groups_(num_groups) {}
  CT_ARG(std::int64_t, num_groups);
  CT_ARG(Tensor, weight) = {};
  CT_ARG(Tensor, bias) = {};
  CT_ARG(double, eps) = 1e-5;
};
}  // namespace functional

}  // namespace ct::nn
