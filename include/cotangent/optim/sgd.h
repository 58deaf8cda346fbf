// cotangent/optim/sgd.h -- stochastic gradient descent, with momentum if asked for.
#pragma once

#include "cotangent/optim/optimizer.h"

namespace ct::optim {

struct CT_API SGDOptions : OptimizerCloneableOptions<SGDOptions> {
  SGDOptions(double lr) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(double, momentum) = 0;
  CT_OPTIM_ARG(double, dampening) = 0;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(bool, nesterov) = false;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
  std::optional<double> get_momentum() const override { return momentum_; }
  void set_momentum(double v) override { momentum_ = v; }
};
struct CT_API SGDParamState : OptimizerCloneableParamState<SGDParamState> {
  CT_OPTIM_ARG(Tensor, momentum_buffer);  // undefined until a step with momentum

 public:
  void visit(StateVisitor& v) override;
};

/// With gradient g (negated by `maximize`), learning rate l, momentum m, dampening d, weight decay w:
///   g += w p;  b = m b + (1 - d) g, at first b = g;  g = g + m b with nesterov, else b;  p -= l g
/// Source: Sutskever, Martens, Dahl & Hinton, ICML 2013, in PyTorch's form, where l multiplies the whole buffer.
CT_OPTIM_CLASS(SGD);

}  // namespace ct::optim
