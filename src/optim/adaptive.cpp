// optim/adaptive.cpp -- RMSprop, Adagrad and Adadelta.
#include "cotangent/optim/adaptive.h"

#include "optim/step.h"

namespace ct::optim {

using State = Owned<OptimizerParamState>;

// ---- RMSprop ------------------------------------------------------------------------------------------

void RMSpropOptions::check() const {
  detail::check_lr("RMSprop", lr_);
  detail::check_eps("RMSprop", eps_);
  CT_CHECK_VALUE(momentum_ >= 0, "RMSprop: Invalid momentum value: ", momentum_);
  detail::check_weight_decay("RMSprop", weight_decay_);
  CT_CHECK_VALUE(alpha_ >= 0, "RMSprop: Invalid alpha value: ", alpha_);
}
void RMSpropParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("square_avg", square_avg_);
  v.value("momentum_buffer", momentum_buffer_);
  v.value("grad_avg", grad_avg_);
}
CT_OPTIM_CONSTRUCTORS(RMSprop)
State RMSprop::make_state(const Tensor& p, const OptimizerOptions&) const {
  auto* s = new RMSpropParamState;
  State owned(s);
  s->square_avg(detail::zeros_for(p));
  return owned;
}
void RMSprop::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const RMSpropOptions&>(options);
  auto& s = static_cast<RMSpropParamState&>(state);
  const bool momentum = o.momentum() > 0;
  if (momentum && !s.momentum_buffer().defined()) s.momentum_buffer(detail::zeros_for(*step.param));
  if (o.centered() && !s.grad_avg().defined()) s.grad_avg(detail::zeros_for(*step.param));
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {}, .k = {o.lr(), o.alpha(), 1 - o.alpha(), o.eps(), o.momentum()},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  const kernels::OptimKernels& k = kernels::optim();
  if (momentum && o.centered()) step.run(k.rmsprop_centered_momentum, a, {&s.square_avg(), &s.momentum_buffer(), &s.grad_avg()});
  else if (momentum) step.run(k.rmsprop_momentum, a, {&s.square_avg(), &s.momentum_buffer()});
  else if (o.centered()) step.run(k.rmsprop_centered, a, {&s.square_avg(), &s.grad_avg()});
  else step.run(k.rmsprop, a, {&s.square_avg()});
  ++s.step();
}

// ---- Adagrad ------------------------------------------------------------------------------------------

void AdagradOptions::check() const {
  detail::check_lr("Adagrad", lr_);
  CT_CHECK_VALUE(lr_decay_ >= 0, "Adagrad: Invalid lr_decay value: ", lr_decay_);
  detail::check_weight_decay("Adagrad", weight_decay_);
  CT_CHECK_VALUE(initial_accumulator_value_ >= 0, "Adagrad: Invalid initial_accumulator_value value: ", initial_accumulator_value_);
  detail::check_eps("Adagrad", eps_);
}
void AdagradParamState::visit(StateVisitor& v) {
  v.value("sum", sum_);
  v.value("step", step_);
}
CT_OPTIM_CONSTRUCTORS(Adagrad)
State Adagrad::make_state(const Tensor& p, const OptimizerOptions&) const {
  auto* s = new AdagradParamState;
  State owned(s);
  // As in PyTorch the defaults count, not the group's value.
  s->sum(ct::full(p.sizes(), static_cast<const AdagradOptions&>(defaults()).initial_accumulator_value(), ct::dtype(p.scalar_type())));
  return owned;
}
void Adagrad::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const AdagradOptions&>(options);
  auto& s = static_cast<AdagradParamState&>(state);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {},
                      .k = {o.lr() / (1 + static_cast<double>(s.step()) * o.lr_decay()), o.eps()},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  step.run(kernels::optim().adagrad, a, {&s.sum()});
  ++s.step();
}

// ---- Adadelta -----------------------------------------------------------------------------------------

void AdadeltaOptions::check() const {
  detail::check_lr("Adadelta", lr_);
  CT_CHECK_VALUE(rho_ >= 0 && rho_ <= 1, "Adadelta: Invalid rho value: ", rho_);
  detail::check_eps("Adadelta", eps_);
  detail::check_weight_decay("Adadelta", weight_decay_);
}
void AdadeltaParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("square_avg", square_avg_);
  v.value("acc_delta", acc_delta_);
}
CT_OPTIM_CONSTRUCTORS(Adadelta)
State Adadelta::make_state(const Tensor& p, const OptimizerOptions&) const {
  auto* s = new AdadeltaParamState;
  State owned(s);
  s->square_avg(detail::zeros_for(p));
  s->acc_delta(detail::zeros_for(p));
  return owned;
}
void Adadelta::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const AdadeltaOptions&>(options);
  auto& s = static_cast<AdadeltaParamState&>(state);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {}, .k = {o.lr(), o.rho(), 1 - o.rho(), o.eps()},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  step.run(kernels::optim().adadelta, a, {&s.square_avg(), &s.acc_delta()});
  ++s.step();
}

// ---- what is saved of the options -----------------------------------------------------------------------

void RMSpropOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("alpha", alpha_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("momentum", momentum_);
  v.value("centered", centered_);
  v.value("maximize", maximize_);
}
void AdagradOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("lr_decay", lr_decay_);
  v.value("weight_decay", weight_decay_);
  v.value("initial_accumulator_value", initial_accumulator_value_);
  v.value("eps", eps_);
  v.value("maximize", maximize_);
}
void AdadeltaOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("rho", rho_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("maximize", maximize_);
}

}  // namespace ct::optim
