// optim/adam_kin.cpp -- Adamax, NAdam and RAdam.
#include "cotangent/optim/adam_kin.h"

#include <cmath>

#include "optim/step.h"

namespace ct::optim {

using State = Owned<OptimizerParamState>;

namespace {
template <class Options>
void check_kin(const char* op, const Options& o) {
  detail::check_lr(op, o.lr());
  detail::check_eps(op, o.eps());
  detail::check_betas(op, std::get<0>(o.betas()), std::get<1>(o.betas()));
  detail::check_weight_decay(op, o.weight_decay());
}
}  // namespace

// ---- Adamax -------------------------------------------------------------------------------------------

void AdamaxOptions::check() const { check_kin("Adamax", *this); }
void AdamaxParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("exp_avg", exp_avg_);
  v.value("exp_inf", exp_inf_);
}
CT_OPTIM_CONSTRUCTORS(Adamax)
State Adamax::make_state(const Tensor& p, const OptimizerOptions&) const {
  auto* s = new AdamaxParamState;
  State owned(s);
  s->exp_avg(detail::zeros_for(p));
  s->exp_inf(detail::zeros_for(p));
  return owned;
}
void Adamax::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const AdamaxOptions&>(options);
  auto& s = static_cast<AdamaxParamState&>(state);
  const auto [beta1, beta2] = o.betas();
  const double t = static_cast<double>(s.step() + 1);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {}, .k = {o.lr() / (1 - std::pow(beta1, t)), beta1, 1 - beta1, beta2, o.eps()},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  step.run(kernels::optim().adamax, a, {&s.exp_avg(), &s.exp_inf()});
  ++s.step();
}

// ---- NAdam --------------------------------------------------------------------------------------------

void NAdamOptions::check() const {
  check_kin("NAdam", *this);
  CT_CHECK_VALUE(momentum_decay_ >= 0, "NAdam: Invalid momentum_decay value: ", momentum_decay_);
}
void NAdamParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("mu_product", mu_product_);
  v.value("exp_avg", exp_avg_);
  v.value("exp_avg_sq", exp_avg_sq_);
}
CT_OPTIM_CONSTRUCTORS(NAdam)
State NAdam::make_state(const Tensor& p, const OptimizerOptions&) const {
  auto* s = new NAdamParamState;
  State owned(s);
  s->exp_avg(detail::zeros_for(p));
  s->exp_avg_sq(detail::zeros_for(p));
  return owned;
}
void NAdam::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const NAdamOptions&>(options);
  auto& s = static_cast<NAdamParamState&>(state);
  const auto [beta1, beta2] = o.betas();
  const double t = static_cast<double>(s.step() + 1), decay = o.momentum_decay();
  const double mu = beta1 * (1 - 0.5 * std::pow(0.96, t * decay)), next = beta1 * (1 - 0.5 * std::pow(0.96, (t + 1) * decay));
  const double product = s.mu_product() * mu;
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {},
                      .k = {beta1, 1 - beta1, beta2, 1 - beta2, o.eps(), o.lr() * (1 - mu) / (1 - product),
                            o.lr() * next / (1 - product * next), 1 - std::pow(beta2, t)},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  step.writes = 2;
  step.run(kernels::optim().nadam, a, {&s.exp_avg(), &s.exp_avg_sq()});
  s.mu_product(product);
  ++s.step();
}

// ---- RAdam --------------------------------------------------------------------------------------------

void RAdamOptions::check() const { check_kin("RAdam", *this); }
void RAdamParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("exp_avg", exp_avg_);
  v.value("exp_avg_sq", exp_avg_sq_);
}
CT_OPTIM_CONSTRUCTORS(RAdam)
State RAdam::make_state(const Tensor& p, const OptimizerOptions&) const {
  auto* s = new RAdamParamState;
  State owned(s);
  s->exp_avg(detail::zeros_for(p));
  s->exp_avg_sq(detail::zeros_for(p));
  return owned;
}
void RAdam::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const RAdamOptions&>(options);
  auto& s = static_cast<RAdamParamState&>(state);
  const auto [beta1, beta2] = o.betas();
  const double t = static_cast<double>(s.step() + 1), power = std::pow(beta2, t);
  const double longest = 2 / (1 - beta2) - 1, length = longest - 2 * t * power / (1 - power);
  const double rectify = length > 5 ? std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) : 0;
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {},
                      .k = {beta1, 1 - beta1, beta2, 1 - beta2, o.eps(), o.lr() / (1 - std::pow(beta1, t)), rectify * std::sqrt(1 - power)},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  step.run(kernels::optim().radam, a, {&s.exp_avg(), &s.exp_avg_sq()});
  ++s.step();
}

// ---- what is saved of the options -----------------------------------------------------------------------

void AdamaxOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("betas", betas_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("maximize", maximize_);
}
void NAdamOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("betas", betas_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("momentum_decay", momentum_decay_);
  v.value("maximize", maximize_);
}
void RAdamOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("betas", betas_);
  v.value("eps", eps_);
  v.value("weight_decay", weight_decay_);
  v.value("maximize", maximize_);
}

}  // namespace ct::optim
