// optim/lr_scheduler.cpp -- schedulers whose rates fall: by steps, factors, lines, cosines.
#include "cotangent/optim/lr_scheduler.h"

#include <algorithm>
#include <cmath>

namespace ct::optim {

namespace {
constexpr double pi = 3.14159265358979323846;
}

LRScheduler::~LRScheduler() = default;

LRScheduler::LRScheduler(Optimizer& optimizer) : optimizer_(optimizer), steps_before_(optimizer.step_count()) {
  for (OptimizerParamGroup& g : optimizer.param_groups()) {
    if (!g.initial_lr) g.initial_lr = g.options().get_lr();
    base_lrs_.push_back(*g.initial_lr);
  }
}

std::vector<double> LRScheduler::get_lrs() {
  std::vector<double> rates;
  for (std::size_t i = 0; i < groups(); ++i) rates.push_back(rate(i));
  return rates;
}
double LRScheduler::rate(std::size_t) { CT_THROW(not_implemented, "LRScheduler: a scheduler must override get_lrs() or rate()"); }
std::vector<double> LRScheduler::get_current_lrs() const {
  std::vector<double> rates;
  for (std::size_t i = 0; i < groups(); ++i) rates.push_back(lr(i));
  return rates;
}
// Epoch 0 at the rates as they are: a scheduler made after another goes along with it.
void LRScheduler::start() {
  last_epoch_ = 0;
  set_rates();
}
void LRScheduler::restart_here() {
  last_epoch_ = 0;
  forget();
  set_rates();
}
void LRScheduler::restart() {
  if (begins_at_base())
    for (std::size_t i = 0; i < groups(); ++i) optimizer_.param_groups()[i].options().set_lr(base_lrs_[i]);
  restart_here();
}
void LRScheduler::set_rates() {
  std::vector<double> rates = get_lrs();
  CT_CHECK_VALUE(rates.size() == groups(), "LRScheduler: Number of learning rates not equal to the number of param groups: ", rates.size(), " and ", groups());
  for (std::size_t i = 0; i < groups(); ++i) optimizer_.param_groups()[i].options().set_lr(rates[i]);
  last_lr_ = std::move(rates);
  after_rates();
}
void LRScheduler::step() {
  warn_of_order();
  ++last_epoch_;
  try {
    set_rates();
  } catch (...) {  // of the caller's function, or a step too many: nothing has changed
    --last_epoch_;
    throw;
  }
  ++step_count_;
}
void LRScheduler::warn_of_order() {
  if (!stepped_ && optimizer_.step_count() >= 0 && optimizer_.step_count() <= steps_before_)
    warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the learning rate schedule is skipped. Call "
         "`optimizer.step()` first, then `lr_scheduler.step()`.");
  stepped_ = true;
}

// ---- steps and factors --------------------------------------------------------------------------------

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma) : LRScheduler(optimizer), step_size_(step_size), gamma_(gamma) {
  CT_CHECK_VALUE(step_size > 0, "StepLR: Expected positive integer step_size, but got ", step_size);
  start();
}
double StepLR::rate(std::size_t i) { return last_epoch_ == 0 || last_epoch_ % step_size_ != 0 ? lr(i) : lr(i) * gamma_; }

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma)
    : LRScheduler(optimizer), milestones_(std::move(milestones)), gamma_(gamma) {
  start();
}
double MultiStepLR::rate(std::size_t i) {
  return lr(i) * std::pow(gamma_, static_cast<double>(std::count(milestones_.begin(), milestones_.end(), last_epoch_)));
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma) : LRScheduler(optimizer), gamma_(gamma) { start(); }
double ExponentialLR::rate(std::size_t i) { return last_epoch_ == 0 ? lr(i) : lr(i) * gamma_; }

namespace {
// One function for each group.
template <class Lambda>
std::vector<Lambda> for_groups(const char* name, const Optimizer& o, std::vector<Lambda> lambdas, bool repeat) {
  if (repeat) lambdas.resize(o.param_groups().size(), lambdas[0]);
  CT_CHECK_VALUE(lambdas.size() == o.param_groups().size(), name, ": Expected ", o.param_groups().size(), " lr_lambdas, but got ", lambdas.size());
  for (const Lambda& f : lambdas) CT_CHECK_VALUE(f, name, ": lr_lambda is empty");
  return lambdas;
}
}  // namespace

LambdaLR::LambdaLR(Optimizer& optimizer, Lambda f) : LRScheduler(optimizer), lambdas_(for_groups("LambdaLR", optimizer, std::vector<Lambda>{std::move(f)}, true)) { start(); }
LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<Lambda> f) : LRScheduler(optimizer), lambdas_(for_groups("LambdaLR", optimizer, std::move(f), false)) { start(); }
double LambdaLR::rate(std::size_t i) { return base_lrs_[i] * lambdas_[i](last_epoch_); }

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, Lambda f)
    : LRScheduler(optimizer), lambdas_(for_groups("MultiplicativeLR", optimizer, std::vector<Lambda>{std::move(f)}, true)) {
  start();
}
MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::vector<Lambda> f)
    : LRScheduler(optimizer), lambdas_(for_groups("MultiplicativeLR", optimizer, std::move(f), false)) {
  start();
}
double MultiplicativeLR::rate(std::size_t i) { return last_epoch_ == 0 ? lr(i) : lr(i) * lambdas_[i](last_epoch_); }

// ---- lines and powers ---------------------------------------------------------------------------------

LinearLR::LinearLR(Optimizer& optimizer, double start_factor, double end_factor, std::int64_t total_iters)
    : LRScheduler(optimizer), start_(start_factor), end_(end_factor), total_(total_iters) {
  CT_CHECK_VALUE(start_factor > 0 && start_factor <= 1, "LinearLR: Starting multiplicative factor expected to be greater than 0 and less or equal to 1, but got ", start_factor);
  CT_CHECK_VALUE(end_factor >= 0 && end_factor <= 1, "LinearLR: Ending multiplicative factor expected to be between 0 and 1, but got ", end_factor);
  start();
}
double LinearLR::rate(std::size_t i) {
  if (last_epoch_ == 0) return lr(i) * start_;
  if (last_epoch_ > total_) return lr(i);
  return lr(i) * (1 + (end_ - start_) / (static_cast<double>(total_) * start_ + static_cast<double>(last_epoch_ - 1) * (end_ - start_)));
}

ConstantLR::ConstantLR(Optimizer& optimizer, double factor, std::int64_t total_iters) : LRScheduler(optimizer), factor_(factor), total_(total_iters) {
  CT_CHECK_VALUE(factor > 0 && factor <= 1, "ConstantLR: Constant multiplicative factor expected to be between 0 and 1, but got ", factor);
  start();
}
double ConstantLR::rate(std::size_t i) { return last_epoch_ == 0 ? lr(i) * factor_ : last_epoch_ == total_ ? lr(i) / factor_ : lr(i); }

PolynomialLR::PolynomialLR(Optimizer& optimizer, std::int64_t total_iters, double power) : LRScheduler(optimizer), total_(total_iters), power_(power) { start(); }
double PolynomialLR::rate(std::size_t i) {
  if (last_epoch_ == 0 || last_epoch_ > total_) return lr(i);
  const double n = static_cast<double>(total_), e = static_cast<double>(last_epoch_);
  return lr(i) * std::pow((1 - e / n) / (1 - (e - 1) / n), power_);
}

// ---- cosines ------------------------------------------------------------------------------------------

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min) : LRScheduler(optimizer), T_max_(T_max), eta_min_(eta_min) {
  CT_CHECK_VALUE(T_max > 0, "CosineAnnealingLR: Expected positive integer T_max, but got ", T_max);
  start();
}
double CosineAnnealingLR::rate(std::size_t i) {
  const double n = static_cast<double>(T_max_), e = static_cast<double>(last_epoch_);
  if (last_epoch_ == 0) return lr(i);
  if ((last_epoch_ - 1 - T_max_) % (2 * T_max_) == 0) return lr(i) + (base_lrs_[i] - eta_min_) * (1 - std::cos(pi / n)) / 2;  // up from the bottom
  return (1 + std::cos(pi * e / n)) / (1 + std::cos(pi * (e - 1) / n)) * (lr(i) - eta_min_) + eta_min_;
}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0, std::int64_t T_mult, double eta_min)
    : LRScheduler(optimizer), T_0_(T_0), T_mult_(T_mult), T_i_(static_cast<double>(T_0)), T_cur_(0), eta_min_(eta_min) {
  CT_CHECK_VALUE(T_0 > 0, "CosineAnnealingWarmRestarts: Expected positive integer T_0, but got ", T_0);
  CT_CHECK_VALUE(T_mult >= 1, "CosineAnnealingWarmRestarts: Expected integer T_mult >= 1, but got ", T_mult);
  start();
}
void CosineAnnealingWarmRestarts::forget() {
  T_cur_ = 0;
  T_i_ = static_cast<double>(T_0_);
}
double CosineAnnealingWarmRestarts::rate(std::size_t i) { return eta_min_ + (base_lrs_[i] - eta_min_) * (1 + std::cos(pi * T_cur_ / T_i_)) / 2; }
void CosineAnnealingWarmRestarts::step() {
  T_cur_ += 1;
  if (T_cur_ >= T_i_) {
    T_cur_ -= T_i_;
    T_i_ *= static_cast<double>(T_mult_);
  }
  LRScheduler::step();
}
void CosineAnnealingWarmRestarts::step(double epoch) {
  CT_CHECK_VALUE(epoch >= 0 && std::isfinite(epoch), "CosineAnnealingWarmRestarts: Expected non-negative epoch, but got ", epoch);
  warn_of_order();
  forget();
  T_cur_ = epoch;
  if (T_mult_ == 1) {
    T_cur_ = std::fmod(epoch, T_i_);
  } else {
    while (T_cur_ >= T_i_) {
      T_cur_ -= T_i_;
      T_i_ *= static_cast<double>(T_mult_);
    }
  }
  last_epoch_ = static_cast<std::int64_t>(std::floor(epoch));
  set_rates();
  ++step_count_;
}

}  // namespace ct::optim
