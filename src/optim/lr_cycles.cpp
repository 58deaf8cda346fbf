// optim/lr_cycles.cpp -- schedulers that go up and down, that watch a metric, and that combine others.
#include "cotangent/optim/lr_scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ct::optim {

namespace {
constexpr double pi = 3.14159265358979323846;

void check_momentum(const char* name, const Optimizer& o) {
  CT_CHECK_VALUE(o.defaults().get_momentum(), name, ": optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
}
}  // namespace

std::vector<double> PerGroup::of(const char* scheduler, const char* name, const Optimizer& optimizer) const {
  const std::size_t n = optimizer.param_groups().size();
  if (!each_) return std::vector<double>(n, values_[0]);
  CT_CHECK_VALUE(values_.size() == n, scheduler, ": expected ", n, " values for ", name, ", got ", values_.size());
  return values_;
}

// ---- cycles -------------------------------------------------------------------------------------------

CyclicLR::CyclicLR(Optimizer& optimizer, const PerGroup& base_lr, const PerGroup& max_lr, std::int64_t up, std::int64_t down, std::string_view mode, double gamma,
                   bool cycle_momentum, const PerGroup& base_momentum, const PerGroup& max_momentum, Scale scale_fn, std::string_view scale_mode)
    : LRScheduler(optimizer), max_(max_lr.of("CyclicLR", "max_lr", optimizer)), base_momentum_(base_momentum.of("CyclicLR", "base_momentum", optimizer)),
      max_momentum_(max_momentum.of("CyclicLR", "max_momentum", optimizer)), total_(static_cast<double>(up + (down < 0 ? up : down))),
      up_share_(static_cast<double>(up) / total_), gamma_(gamma), scale_(std::move(scale_fn)),
      mode_(mode == "triangular" ? 0 : mode == "triangular2" ? 1 : mode == "exp_range" ? 2 : -1), cycle_momentum_(cycle_momentum),
      by_cycle_(scale_mode == "cycle") {
  CT_CHECK_VALUE(mode_ >= 0 || scale_, "CyclicLR: mode is invalid: '", mode, "'\n  It is \"triangular\", \"triangular2\" or \"exp_range\".");
  CT_CHECK_VALUE(by_cycle_ || scale_mode == "iterations", "CyclicLR: scale_mode is invalid: '", scale_mode, "'\n  It is \"cycle\" or \"iterations\".");
  CT_CHECK_VALUE(up > 0, "CyclicLR: Expected positive integer step_size_up, but got ", up);
  if (cycle_momentum) check_momentum("CyclicLR", optimizer);
  const std::vector<double> base = base_lr.of("CyclicLR", "base_lr", optimizer);
  for (std::size_t i = 0; i < groups(); ++i) {
    OptimizerParamGroup& g = optimizer.param_groups()[i];
    g.options().set_lr(base[i]);
    g.initial_lr = base[i];
    base_lrs_[i] = base[i];
  }
  start();
}
// Where in the cycle, from 0 at the bottom to 1 at the top, times what the mode leaves of it.
double CyclicLR::height() const {
  const double e = static_cast<double>(last_epoch_), cycle = std::floor(1 + e / total_), x = 1 + e / total_ - cycle;
  const double h = x <= up_share_ ? x / up_share_ : (x - 1) / (up_share_ - 1);
  if (scale_) return h * scale_(by_cycle_ ? cycle : e);
  return h * (mode_ == 0 ? 1 : mode_ == 1 ? 1 / std::pow(2, cycle - 1) : std::pow(gamma_, e));
}
double CyclicLR::rate(std::size_t i) { return base_lrs_[i] + (max_[i] - base_lrs_[i]) * height(); }
void CyclicLR::after_rates() {
  if (!cycle_momentum_) return;
  for (std::size_t i = 0; i < groups(); ++i)
    optimizer().param_groups()[i].options().set_momentum(max_momentum_[i] - (max_momentum_[i] - base_momentum_[i]) * height());
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const PerGroup& max_lr, std::int64_t total_steps, double pct_start, std::string_view anneal_strategy,
                       bool cycle_momentum, const PerGroup& base_momentum, const PerGroup& max_momentum, double div_factor, double final_div_factor,
                       bool three_phase)
    : LRScheduler(optimizer), max_(max_lr.of("OneCycleLR", "max_lr", optimizer)), base_momentum_(base_momentum.of("OneCycleLR", "base_momentum", optimizer)),
      max_momentum_(max_momentum.of("OneCycleLR", "max_momentum", optimizer)), div_factor_(div_factor), final_div_factor_(final_div_factor),
      total_steps_(total_steps), phases_(three_phase ? 3 : 2), cosine_(anneal_strategy == "cos"), cycle_momentum_(cycle_momentum) {
  CT_CHECK_VALUE(total_steps > 0, "OneCycleLR: Expected positive integer total_steps, but got ", total_steps);
  CT_CHECK_VALUE(pct_start >= 0 && pct_start <= 1, "OneCycleLR: Expected float between 0 and 1 pct_start, but got ", pct_start);
  CT_CHECK_VALUE(cosine_ || anneal_strategy == "linear", "OneCycleLR: anneal_strategy must be one of 'cos' or 'linear', instead got ", anneal_strategy);
  if (cycle_momentum) check_momentum("OneCycleLR", optimizer);
  const double n = static_cast<double>(total_steps);
  phase_ends_[0] = pct_start * n - 1;
  phase_ends_[1] = three_phase ? 2 * pct_start * n - 2 : n - 1;
  phase_ends_[2] = n - 1;
  for (std::size_t i = 0; i < groups(); ++i) {
    base_lrs_[i] = max_[i] / div_factor;
    optimizer.param_groups()[i].initial_lr = base_lrs_[i];
  }
  start();
}
double OneCycleLR::at(double first, double peak, double last) const {
  const double e = static_cast<double>(last_epoch_), ends3[] = {first, peak, first, last}, ends2[] = {first, peak, last};
  const double* ends = phases_ == 3 ? ends3 : ends2;
  int phase = 0;
  while (phase + 1 < phases_ && e > phase_ends_[phase]) ++phase;
  const double begin = phase == 0 ? 0 : phase_ends_[phase - 1], length = phase_ends_[phase] - begin;
  const double share = length == 0 ? 1 : (e - begin) / length;
  return cosine_ ? ends[phase + 1] + (ends[phase] - ends[phase + 1]) / 2 * (1 + std::cos(pi * share)) : (ends[phase + 1] - ends[phase]) * share + ends[phase];
}
double OneCycleLR::rate(std::size_t i) {
  CT_CHECK_VALUE(last_epoch_ <= total_steps_, "OneCycleLR: Tried to step ", last_epoch_, " times. The specified number of total steps is ", total_steps_);
  const double first = max_[i] / div_factor_;
  return at(first, max_[i], first / final_div_factor_);
}
void OneCycleLR::after_rates() {
  if (!cycle_momentum_) return;
  for (std::size_t i = 0; i < groups(); ++i) optimizer().param_groups()[i].options().set_momentum(at(max_momentum_[i], base_momentum_[i], max_momentum_[i]));
}

// ---- on plateaus --------------------------------------------------------------------------------------

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, std::string_view mode, double factor, std::int64_t patience, double threshold,
                                     std::string_view threshold_mode, std::int64_t cooldown, const PerGroup& min_lr, double eps)
    : optimizer_(optimizer), max_(mode == "max"), relative_(threshold_mode == "rel"), factor_(factor), threshold_(threshold), eps_(eps),
      best_(std::numeric_limits<double>::infinity()), patience_(patience), cooldown_(cooldown), min_lrs_(min_lr.of("ReduceLROnPlateau", "min_lr", optimizer)) {
  CT_CHECK_VALUE(factor < 1, "ReduceLROnPlateau: Factor should be < 1.0, but got ", factor);
  CT_CHECK_VALUE(max_ || mode == "min", "ReduceLROnPlateau: mode ", mode, " is unknown!\n  It is \"min\" or \"max\".");
  CT_CHECK_VALUE(relative_ || threshold_mode == "abs", "ReduceLROnPlateau: threshold mode ", threshold_mode, " is unknown!\n  It is \"rel\" or \"abs\".");
  if (max_) best_ = -best_;
  for (const OptimizerParamGroup& g : optimizer.param_groups()) last_lr_.push_back(g.options().get_lr());
}
bool ReduceLROnPlateau::better(double a) const {
  if (max_) return a > (relative_ ? best_ * (threshold_ + 1) : best_ + threshold_);
  return a < (relative_ ? best_ * (1 - threshold_) : best_ - threshold_);
}
void ReduceLROnPlateau::step(double metric) {
  ++last_epoch_;
  if (better(metric)) {
    best_ = metric;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooling_ > 0) {
    --cooling_;
    bad_ = 0;
  }
  const bool reduce = bad_ > patience_;
  last_lr_.clear();
  CT_CHECK_VALUE(optimizer_.param_groups().size() == min_lrs_.size(), "ReduceLROnPlateau: expected ", optimizer_.param_groups().size(), " min_lrs, got ",
                 min_lrs_.size());
  for (std::size_t i = 0; i < min_lrs_.size(); ++i) {
    OptimizerParamGroup& g = optimizer_.param_groups()[i];
    const double before = g.options().get_lr(), after = std::max(before * factor_, min_lrs_[i]);
    if (reduce && before - after > eps_) g.options().set_lr(after);
    last_lr_.push_back(g.options().get_lr());
  }
  if (reduce) {
    cooling_ = cooldown_;
    bad_ = 0;
  }
}

// ---- several ------------------------------------------------------------------------------------------

namespace {
void check_together(const char* name, const std::vector<LRScheduler*>& all, const Optimizer* optimizer) {
  CT_CHECK_VALUE(!all.empty(), name, ": expects at least one scheduler to be chained, but got no scheduler");
  for (const LRScheduler* s : all) {
    CT_CHECK_VALUE(s, name, ": a scheduler is null");
    CT_CHECK_VALUE(&s->optimizer() == (optimizer ? optimizer : &all[0]->optimizer()), name, ": expects all schedulers to belong to the same optimizer");
  }
}
}  // namespace

static Optimizer& optimizer_of(const char* name, const std::vector<LRScheduler*>& all) {
  check_together(name, all, nullptr);
  return all[0]->optimizer();
}

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<std::int64_t> milestones)
    : LRScheduler(optimizer), schedulers_(std::move(schedulers)), milestones_(std::move(milestones)) {
  check_together("SequentialLR", schedulers_, &optimizer);
  CT_CHECK_VALUE(milestones_.size() + 1 == schedulers_.size(),
                 "SequentialLR: Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got number of "
                 "schedulers ", schedulers_.size(), " and the number of milestones to be equal to ", milestones_.size());
  CT_CHECK_VALUE(std::is_sorted(milestones_.begin(), milestones_.end()), "SequentialLR: the milestones must increase");
  for (OptimizerParamGroup& g : optimizer.param_groups())
    if (g.initial_lr) g.options().set_lr(*g.initial_lr);
  restart();
}
void SequentialLR::restart() {
  last_epoch_ = 0;
  schedulers_[0]->restart();
  last_lr_ = schedulers_[0]->get_last_lr();
}
void SequentialLR::restart_here() {
  last_epoch_ = 0;
  schedulers_[0]->restart_here();
  last_lr_ = schedulers_[0]->get_last_lr();
}
void SequentialLR::step() {
  const std::int64_t epoch = last_epoch_ + 1;
  const auto now = std::upper_bound(milestones_.begin(), milestones_.end(), epoch) - milestones_.begin();
  LRScheduler& s = *schedulers_[static_cast<std::size_t>(now)];
  if (now > 0 && milestones_[static_cast<std::size_t>(now - 1)] == epoch) s.restart();
  else s.step();
  last_epoch_ = epoch;
  ++step_count_;
  last_lr_ = s.get_last_lr();
}

ChainedScheduler::ChainedScheduler(std::vector<LRScheduler*> schedulers)
    : LRScheduler(optimizer_of("ChainedScheduler", schedulers)), schedulers_(std::move(schedulers)) {
  last_epoch_ = 0;
  last_lr_ = schedulers_.back()->get_last_lr();
}
void ChainedScheduler::step() {
  for (LRScheduler* s : schedulers_) s->step();
  ++last_epoch_;
  ++step_count_;
  last_lr_ = schedulers_.back()->get_last_lr();
}
void ChainedScheduler::restart_here() {
  last_epoch_ = 0;
  for (LRScheduler* s : schedulers_) s->restart_here();
  last_lr_ = schedulers_.back()->get_last_lr();
}

}  // namespace ct::optim
