// cotangent/nn/options/activation.h -- the options of activations as functions: those of the modules, but for softmax.
#pragma once

#include "cotangent/nn/activations.h"

namespace ct::nn {

namespace functional {
using ELUFuncOptions = ELUOptions;
using SELUFuncOptions = SELUOptions;
using GLUFuncOptions = GLUOptions;
using GELUFuncOptions = GELUOptions;
using HardshrinkFuncOptions = HardshrinkOptions;
using SoftshrinkFuncOptions = SoftshrinkOptions;
using HardtanhFuncOptions = HardtanhOptions;
using LeakyReLUFuncOptions = LeakyReLUOptions;
using ReLUFuncOptions = ReLUOptions;
using ReLU6FuncOptions = ReLU6Options;
using CELUFuncOptions = CELUOptions;
using SoftplusFuncOptions = SoftplusOptions;
using ThresholdFuncOptions = ThresholdOptions;
struct RReLUFuncOptions {
  CT_ARG(double, lower) = 1.0 / 8;
  CT_ARG(double, upper) = 1.0 / 3;
  CT_ARG(bool, training) = false;
  CT_ARG(bool, inplace) = false;
};
struct SoftmaxFuncOptions {
  SoftmaxFuncOptions(std::int64_t dim) : dim_(dim) {}
  CT_ARG(std::int64_t, dim);
  CT_ARG(OptionalDtype, dtype) = std::nullopt;
};
using SoftminFuncOptions = SoftmaxFuncOptions;
using LogSoftmaxFuncOptions = SoftmaxFuncOptions;
}  // namespace functional

}  // namespace ct::nn
