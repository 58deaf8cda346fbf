// optim/sgd.cpp -- stochastic gradient descent.
#include "cotangent/optim/sgd.h"

#include "optim/step.h"

namespace ct::optim {

void SGDOptions::check() const {
  detail::check_lr("SGD", lr_);
  CT_CHECK_VALUE(momentum_ >= 0, "SGD: Invalid momentum value: ", momentum_);
  detail::check_weight_decay("SGD", weight_decay_);
  CT_CHECK_VALUE(!nesterov_ || (momentum_ > 0 && dampening_ == 0), "SGD: Nesterov momentum requires a momentum and zero dampening");
}
void SGDParamState::visit(StateVisitor& v) { v.value("momentum_buffer", momentum_buffer_); }

CT_OPTIM_CONSTRUCTORS(SGD)

Owned<OptimizerParamState> SGD::make_state(const Tensor&, const OptimizerOptions&) const { return Owned<OptimizerParamState>(new SGDParamState); }

void SGD::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const SGDOptions&>(options);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {}, .k = {o.lr()}, .weight_decay = o.weight_decay(), .negate = o.maximize()};
  if (o.momentum() == 0) return step.run(kernels::optim().sgd, a, {});
  Tensor& buffer = static_cast<SGDParamState&>(state).momentum_buffer();
  const bool first = !buffer.defined();
  if (first) buffer = detail::zeros_for(*step.param);
  a.k[1] = o.momentum();
  a.k[2] = 1 - o.dampening();
  a.k[3] = o.nesterov();
  a.k[4] = first;
  step.run(kernels::optim().sgd_momentum, a, {&buffer});
}

// ---- what is saved of the options -----------------------------------------------------------------------

void SGDOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("momentum", momentum_);
  v.value("dampening", dampening_);
  v.value("weight_decay", weight_decay_);
  v.value("nesterov", nesterov_);
  v.value("maximize", maximize_);
}

}  // namespace ct::optim
