// cotangent/optim/adam.h -- Adam and AdamW.
#pragma once

#include <tuple>

#include "cotangent/optim/optimizer.h"

namespace ct::optim {

using betas_t = std::tuple<double, double>;

/// What the options of Adam and its kin have in common.
template <class Derived>
struct OptionsWithBetas : OptimizerCloneableOptions<Derived> {
  std::optional<double> get_momentum() const override { return std::get<0>(static_cast<const Derived&>(*this).betas()); }
  void set_momentum(double v) override { std::get<0>(static_cast<Derived&>(*this).betas()) = v; }
};

struct CT_API AdamOptions : OptionsWithBetas<AdamOptions> {
  AdamOptions(double lr = 1e-3) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  using betas_t = optim::betas_t;
  CT_OPTIM_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  CT_OPTIM_ARG(double, eps) = 1e-8;
  CT_OPTIM_ARG(double, weight_decay) = 0;
  CT_OPTIM_ARG(bool, amsgrad) = false;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API AdamWOptions : OptionsWithBetas<AdamWOptions> {
  AdamWOptions(double lr = 1e-3) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  using betas_t = optim::betas_t;
  CT_OPTIM_ARG(betas_t, betas) = betas_t(0.9, 0.999);
  CT_OPTIM_ARG(double, eps) = 1e-8;
  CT_OPTIM_ARG(double, weight_decay) = 1e-2;
  CT_OPTIM_ARG(bool, amsgrad) = false;
  CT_OPTIM_ARG(bool, maximize) = false;

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
struct CT_API AdamParamState : OptimizerCloneableParamState<AdamParamState> {
  CT_OPTIM_ARG(std::int64_t, step) = 0;
  CT_OPTIM_ARG(Tensor, exp_avg);
  CT_OPTIM_ARG(Tensor, exp_avg_sq);
  CT_OPTIM_ARG(Tensor, max_exp_avg_sq);  // with amsgrad

 public:
  void visit(StateVisitor& v) override;
};
struct CT_API AdamWParamState : AdamParamState {
  Owned<OptimizerParamState> clone() const override { return Owned<OptimizerParamState>(new AdamWParamState(*this)); }
};

/// With gradient g (negated by `maximize`), learning rate l, weight decay w, in step t:
///   g += w p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
///   p -= l / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
/// amsgrad: with the largest v so far. Source: Kingma & Ba, ICLR 2015; Reddi, Kale & Kumar, ICLR 2018.
CT_OPTIM_CLASS(Adam, = {});
/// Adam with decoupled weight decay: p -= l w p before the step, in place of g += w p.
/// Source: Loshchilov & Hutter, ICLR 2019.
CT_OPTIM_CLASS(AdamW, = {});

}  // namespace ct::optim
