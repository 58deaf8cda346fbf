// cotangent/optim/rprop.h -- Rprop and ASGD.
#pragma once

#include <tuple>

#include "cotangent/optim/optimizer.h"

namespace ct::optim {

struct CT_API RpropOptions : OptimizerCloneableOptions<RpropOptions> {
  RpropOptions(double lr = 1e-2) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  using pair_t = std::tuple<double, double>;
  CT_OPTIM_ARG(pair_t, etas) = pair_t(0.5, 1.2);
  CT_OPTIM_ARG(pair_t, step_sizes) = pair_t(1e-6, 50);
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API RpropParamState : OptimizerCloneableParamState<RpropParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(Tensor, prev);
  CT_OPTIM_ARG(Tensor, step_size);

 public:
  void visit(StateVisitor& v) override;
};
/// Each entry has a step size h, at first the learning rate: h grows by etas[1] while the gradient keeps its sign and
/// shrinks by etas[0] when it turns (no move then), within step_sizes;  p -= sign(g) h
/// For full batches only. Source: Riedmiller & Braun, ICNN 1993 (iRprop-).
CT_OPTIM_CLASS(Rprop, = {});

struct CT_API ASGDOptions : OptimizerCloneableOptions<ASGDOptions> {
  ASGDOptions(double lr = 1e-2) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(double, lambd) = 1e-4;
  CT_OPTIM_ARG(double, alpha) = 0.75;
  CT_OPTIM_ARG(double, t0) = 1e6;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API ASGDParamState : OptimizerCloneableParamState<ASGDParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(double, eta) = 0;
  CT_OPTIM_ARG(double, mu) = 1;
  CT_OPTIM_ARG(Tensor, ax);

 public:
  void visit(StateVisitor& v) override;
};
/// p = p (1 - lambd eta) - eta g;  ax += mu (p - ax);  then eta = l / (1 + lambd l t)^alpha, mu = 1 / max(1, t - t0)
/// The average is in the state: state().at<ASGDParamState>(p).ax(). Source: Polyak & Juditsky, SIAM J. Control 30, 1992.
CT_OPTIM_CLASS(ASGD, = {});

}  // namespace ct::optim
