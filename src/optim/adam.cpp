// optim/adam.cpp -- Adam and AdamW.
#include "cotangent/optim/adam.h"

#include <cmath>

#include "optim/step.h"

namespace ct::optim {

namespace {

template <class Options>
void check_adam(const char* op, const Options& o) {
  detail::check_lr(op, o.lr());
  detail::check_eps(op, o.eps());
  detail::check_betas(op, std::get<0>(o.betas()), std::get<1>(o.betas()));
  detail::check_weight_decay(op, o.weight_decay());
}

template <class State>
Owned<OptimizerParamState> make_adam_state(const Tensor& p) {
  State* s = new State;
  Owned<OptimizerParamState> owned(s);
  s->exp_avg(detail::zeros_for(p));
  s->exp_avg_sq(detail::zeros_for(p));
  return owned;
}

template <class Options>
void adam_step(detail::Step& step, OptimizerParamState& state, const Options& o, double weight_decay, double keep) {
  auto& s = static_cast<AdamParamState&>(state);
  const auto [beta1, beta2] = o.betas();
  if (o.amsgrad() && !s.max_exp_avg_sq().defined()) s.max_exp_avg_sq(detail::zeros_for(*step.param));
  const double t = static_cast<double>(s.step() + 1);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {},
                      .k = {beta1, 1 - beta1, beta2, 1 - beta2, o.eps(), o.lr() / (1 - std::pow(beta1, t)), std::sqrt(1 - std::pow(beta2, t)), keep},
                      .weight_decay = weight_decay, .negate = o.maximize()};
  if (o.amsgrad()) step.run(kernels::optim().adam_amsgrad, a, {&s.exp_avg(), &s.exp_avg_sq(), &s.max_exp_avg_sq()});
  else step.run(kernels::optim().adam, a, {&s.exp_avg(), &s.exp_avg_sq()});
  ++s.step();
}

}  // namespace

void AdamOptions::check() const { check_adam("Adam", *this); }
void AdamWOptions::check() const { check_adam("AdamW", *this); }
void AdamParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("exp_avg", exp_avg_);
  v.value("exp_avg_sq", exp_avg_sq_);
  v.value("max_exp_avg_sq", max_exp_avg_sq_);
}

CT_OPTIM_CONSTRUCTORS(Adam)
Owned<OptimizerParamState> Adam::make_state(const Tensor& p, const OptimizerOptions&) const { return make_adam_state<AdamParamState>(p); }
void Adam::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const AdamOptions&>(options);
  adam_step(step, state, o, o.weight_decay(), 1);
}

CT_OPTIM_CONSTRUCTORS(AdamW)
Owned<OptimizerParamState> AdamW::make_state(const Tensor& p, const OptimizerOptions&) const { return make_adam_state<AdamWParamState>(p); }
void AdamW::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const AdamWOptions&>(options);
  step.writes = 2;
  adam_step(step, state, o, 0, 1 - o.lr() * o.weight_decay());
}

// ---- what is saved of the options -----------------------------------------------------------------------

void AdamOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("betas", betas_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("amsgrad", amsgrad_);
  v.value("maximize", maximize_);
}
void AdamWOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("betas", betas_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("amsgrad", amsgrad_);
  v.value("maximize", maximize_);
}

}  // namespace ct::optim
