// optim/rprop.cpp -- Rprop and ASGD.
#include "cotangent/optim/rprop.h"

#include <algorithm>
#include <cmath>

#include "optim/step.h"

namespace ct::optim {

using State = Owned<OptimizerParamState>;

void RpropOptions::check() const {
  detail::check_lr("Rprop", lr_);
  const auto [down, up] = etas_;
  CT_CHECK_VALUE(0 < down && down < 1 && 1 < up, "Rprop: Invalid eta values: ", std::get<0>(etas_), ", ", std::get<1>(etas_));
}
void RpropParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("prev", prev_);
  v.value("step_size", step_size_);
}
CT_OPTIM_CONSTRUCTORS(Rprop)
State Rprop::make_state(const Tensor& p, const OptimizerOptions& options) const {
  auto* s = new RpropParamState;
  State owned(s);
  s->prev(detail::zeros_for(p));
  s->step_size(ct::full(p.sizes(), options.get_lr(), ct::dtype(p.scalar_type())));
  return owned;
}
void Rprop::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const RpropOptions&>(options);
  auto& s = static_cast<RpropParamState&>(state);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {},
                      .k = {std::get<0>(o.etas()), std::get<1>(o.etas()), std::get<0>(o.step_sizes()), std::get<1>(o.step_sizes())},
                      .weight_decay = 0, .negate = o.maximize()};
  step.run(kernels::optim().rprop, a, {&s.prev(), &s.step_size()});
  ++s.step();
}

void ASGDOptions::check() const {
  detail::check_lr("ASGD", lr_);
  detail::check_weight_decay("ASGD", weight_decay_);
}
void ASGDParamState::visit(StateVisitor& v) {
  v.value("step", step_);
  v.value("eta", eta_);
  v.value("mu", mu_);
  v.value("ax", ax_);
}
CT_OPTIM_CONSTRUCTORS(ASGD)
State ASGD::make_state(const Tensor& p, const OptimizerOptions& options) const {
  auto* s = new ASGDParamState;
  State owned(s);
  s->eta(options.get_lr());
  s->ax(detail::zeros_for(p));
  return owned;
}
void ASGD::update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const {
  const auto& o = static_cast<const ASGDOptions&>(options);
  auto& s = static_cast<ASGDParamState&>(state);
  kernels::StepArgs a{.param = nullptr, .grad = nullptr, .state = {}, .k = {1 - o.lambd() * s.eta(), s.eta(), s.mu()},
                      .weight_decay = o.weight_decay(), .negate = o.maximize()};
  step.writes = 2;
  step.run(kernels::optim().asgd, a, {&s.ax()});
  const double t = static_cast<double>(++s.step());
  s.eta(o.lr() / std::pow(1 + o.lambd() * o.lr() * t, o.alpha()));
  s.mu(1 / std::max(1.0, t - o.t0()));
}

// ---- what is saved of the options -----------------------------------------------------------------------

void RpropOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("etas", etas_);
  v.value("step_sizes", step_sizes_);
  v.value("maximize", maximize_);
}
void ASGDOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("lambd", lambd_);
  v.value("alpha", alpha_);
  v.value("t0", t0_);
  v.value("weight_decay", weight_decay_);
  v.value("maximize", maximize_);
}

}  // namespace ct::optim
