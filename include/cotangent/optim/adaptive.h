// cotangent/optim/adaptive.h -- RMSprop, Adagrad and Adadelta: steps scaled by the root of mean squares of gradients.
#pragma once

#include "cotangent/optim/optimizer.h"

namespace ct::optim {

// In all formulas g is the gradient, negated by `maximize`, plus weight_decay p; l the learning rate; t counts steps from 1.

struct CT_API RMSpropOptions : OptimizerCloneableOptions<RMSpropOptions> {
  RMSpropOptions(double lr = 1e-2) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(double, alpha) = 0.99;
  CT_OPTIM_ARG(double, eps) = 1e-8;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(double, momentum) = 0;
  CT_OPTIM_ARG(bool, centered) = false;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
  std::optional<double> get_momentum() const override { return momentum_; }
  void set_momentum(double v) override { momentum_ = v; }
};
struct CT_API RMSpropParamState : OptimizerCloneableParamState<RMSpropParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(Tensor, square_avg);
  CT_OPTIM_ARG(Tensor, momentum_buffer);
  CT_OPTIM_ARG(Tensor, grad_avg);

 public:
  void visit(StateVisitor& v) override;
};
/// v = a v + (1 - a) g^2;  p -= l g / (sqrt(v) + eps)
/// centered: with v - m^2, m = a m + (1 - a) g. momentum: b = mu b + g / (sqrt(v) + eps), p -= l b.
/// Source: Tieleman & Hinton, lecture 6.5 of Neural Networks for Machine Learning, 2012; Graves, arXiv:1308.0850.
CT_OPTIM_CLASS(RMSprop, = {});

struct CT_API AdagradOptions : OptimizerCloneableOptions<AdagradOptions> {
  AdagradOptions(double lr = 1e-2) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(double, lr_decay) = 0;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(double, initial_accumulator_value) = 0;
  CT_OPTIM_ARG(double, eps) = 1e-10;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API AdagradParamState : OptimizerCloneableParamState<AdagradParamState> {
  CT_OPTIM_ARG(Tensor, sum);
  CT_OPTIM_ARG(std::int64_t, step) = 0;

 public:
  void visit(StateVisitor& v) override;
};
/// s += g^2;  p -= l / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
/// Source: Duchi, Hazan & Singer, JMLR 12, 2011. A parameter's sum is made in its first step.
CT_OPTIM_CLASS(Adagrad, = {});

struct CT_API AdadeltaOptions : OptimizerCloneableOptions<AdadeltaOptions> {
  AdadeltaOptions(double lr = 1) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(double, rho) = 0.9;
  CT_OPTIM_ARG(double, eps) = 1e-6;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API AdadeltaParamState : OptimizerCloneableParamState<AdadeltaParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(Tensor, square_avg);
  CT_OPTIM_ARG(Tensor, acc_delta);

 public:
  void visit(StateVisitor& v) override;
};
/// v = r v + (1 - r) g^2;  d = sqrt(u + eps) / sqrt(v + eps) g;  u = r u + (1 - r) d^2;  p -= l d
/// Source: Zeiler, arXiv:1212.5701.
CT_OPTIM_CLASS(Adadelta, = {});

}  // namespace ct::optim
