// cotangent/optim/adam_kin.h -- Adamax, NAdam and RAdam.
#pragma once

#include "cotangent/optim/adam.h"

namespace ct::optim {

// In all formulas g is the gradient, negated by `maximize`, plus weight_decay p; l the learning rate; t counts steps from 1;
// m = b1 m + (1 - b1) g and v = b2 v + (1 - b2) g^2.

struct CT_API AdamaxOptions : OptionsWithBetas<AdamaxOptions> {
  AdamaxOptions(double lr = 2e-3) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  using betas_t = optim::betas_t;
  CT_OPTIM_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  CT_OPTIM_ARG(double, eps) = 1e-8;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API AdamaxParamState : OptimizerCloneableParamState<AdamaxParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(Tensor, exp_avg);
  CT_OPTIM_ARG(Tensor, exp_inf);

 public:
  void visit(StateVisitor& v) override;
};
/// u = max(b2 u, |g| + eps);  p -= l / (1 - b1^t) m / u
/// Source: Kingma & Ba, ICLR 2015, algorithm 2.
CT_OPTIM_CLASS(Adamax, = {});

struct CT_API NAdamOptions : OptionsWithBetas<NAdamOptions> {
  NAdamOptions(double lr = 2e-3) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  using betas_t = optim::betas_t;
  CT_OPTIM_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  CT_OPTIM_ARG(double, eps) = 1e-8;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(double, momentum_decay) = 4e-3;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API NAdamParamState : OptimizerCloneableParamState<NAdamParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(double, mu_product) = 1;
  CT_OPTIM_ARG(Tensor, exp_avg);
  CT_OPTIM_ARG(Tensor, exp_avg_sq);

 public:
  void visit(StateVisitor& v) override;
};
/// mu(t) = b1 (1 - 0.96^(t momentum_decay) / 2);  M = mu(1) .. mu(t)
/// p -= l ((1 - mu(t)) / (1 - M) g + mu(t+1) / (1 - M mu(t+1)) m) / (sqrt(v / (1 - b2^t)) + eps)
/// Source: Dozat, ICLR 2016 workshop.
CT_OPTIM_CLASS(NAdam, = {});

struct CT_API RAdamOptions : OptionsWithBetas<RAdamOptions> {
  RAdamOptions(double lr = 1e-3) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  using betas_t = optim::betas_t;
  CT_OPTIM_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  CT_OPTIM_ARG(double, eps) = 1e-8;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API RAdamParamState : OptimizerCloneableParamState<RAdamParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(Tensor, exp_avg);
  CT_OPTIM_ARG(Tensor, exp_avg_sq);

 public:
  void visit(StateVisitor& v) override;
};
/// R = 2 / (1 - b2) - 1;  r = R - 2 t b2^t / (1 - b2^t);  m' = m / (1 - b1^t)
/// r > 5:  p -= l m' sqrt((r-4)(r-2) R / ((R-4)(R-2) r)) sqrt(1 - b2^t) / (sqrt(v) + eps);  else p -= l m'
/// Source: Liu et al., ICLR 2020.
CT_OPTIM_CLASS(RAdam, = {});

}  // namespace ct::optim
