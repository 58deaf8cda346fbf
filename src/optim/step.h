// optim/step.h -- what an optimizer does to one parameter: its numbers go to a kernel, the version is counted.
#pragma once

#include <initializer_list>

#include "cotangent/optim/optimizer.h"
#include "kernels/optim.h"

namespace ct::optim::detail {

struct Step {
  const char* name;         // "Adam.step", for the error that a saved value was changed
  const void* where;        // the call of step()
  const Tensor* param;
  const Tensor* grad;
  std::int64_t writes = 1;  // into the parameter, in PyTorch's form of the step: so far its version moves

  // Runs the kernel over the parameter; the states are contiguous and have its dtype and size.
  void run(const kernels::StepKernel& kernel, kernels::StepArgs& args, std::initializer_list<const Tensor*> states) const;
};

Tensor zeros_for(const Tensor& p);
std::vector<OptimizerParamGroup> one_group(std::vector<Tensor> params);
template <class Options>
Owned<OptimizerOptions> owned(const Options& o) { return Owned<OptimizerOptions>(new Options(o)); }

// Checks that most optimizers share; `op` is the optimizer's name.
void check_lr(const char* op, double lr);
void check_eps(const char* op, double eps);
void check_weight_decay(const char* op, double weight_decay);
void check_betas(const char* op, double beta1, double beta2);

}  // namespace ct::optim::detail

// The constructors declared by CT_OPTIM_CLASS.
#define CT_OPTIM_CONSTRUCTORS(Name)                                                              \
  Name::Name(std::vector<OptimizerParamGroup> groups, Name##Options defaults)                    \
      : ParamwiseOptimizer(#Name ".step", std::move(groups), detail::owned(defaults)) {}         \
  Name::Name(std::vector<Tensor> params, Name##Options defaults) : Name(detail::one_group(std::move(params)), std::move(defaults)) {}
