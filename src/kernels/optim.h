// kernels/optim.h -- one step of an optimizer for one parameter: all that it changes in a single pass over the memory.
#pragma once

#include <cstdint>

#include "cotangent/scalar_type.h"

namespace ct::kernels {

struct StepArgs {
  void* param;
  const void* grad;
  void* state[3];            // as many as the rule has, in the order of its comment
  double k[8];               // the numbers of the rule
  double weight_decay = 0;   // grad += weight_decay * param
  bool negate = false;       // the gradient, before that
};
// Treats elements [begin, end).
using StepLoop = void (*)(const StepArgs& a, std::int64_t begin, std::int64_t end);
struct StepKernel {
  StepLoop float32, float64, float16, bfloat16;
  StepLoop of(ScalarType t) const {
    return t == kFloat ? float32 : t == kDouble ? float64 : t == kHalf ? float16 : t == kBFloat16 ? bfloat16 : nullptr;
  }
};

// Multiplies n elements in place; whether one was infinite or nan before.
using ScaleLoop = bool (*)(void* data, std::int64_t n, double factor);
struct ScaleKernel {
  ScaleLoop float32, float64, bfloat16;
  ScaleLoop of(ScalarType t) const { return t == kFloat ? float32 : t == kDouble ? float64 : t == kBFloat16 ? bfloat16 : nullptr; }
};

// What k means is said at each rule in cpu/optim.cpp.
struct OptimKernels {
  StepKernel sgd, sgd_momentum, adam, adam_amsgrad;
  StepKernel rmsprop, rmsprop_momentum, rmsprop_centered, rmsprop_centered_momentum;
  StepKernel adagrad, adadelta, adamax, nadam, radam, rprop, asgd;
  ScaleKernel unscale;
};
const OptimKernels& optim();

}  // namespace ct::kernels
