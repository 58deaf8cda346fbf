// cotangent/optim/lr_scheduler.h -- learning rates that change over the epochs, as in torch.optim.lr_scheduler.
#pragma once

#include <string_view>

#include "cotangent/optim/optimizer.h"

namespace ct::optim {

/// Sets the learning rate of each group of an optimizer, once when it is made and then at each step():
///   for (epoch ..) { train(); opt.step(); scheduler.step(); }
/// The semantics are Python's, where StepLR(opt, 3) changes the rate with its third step; libtorch's class lags by one.
/// In the formulas e is the epoch, which the first step makes 1, and l0 the group's rate before any scheduler.
/// The optimizer must outlive its schedulers. Warns when the first step comes before the optimizer's.
class CT_API LRScheduler {
 public:
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;
  virtual ~LRScheduler();
  virtual void step();
  /// The rates that were set last, one for each group.
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  std::int64_t last_epoch() const { return last_epoch_; }
  Optimizer& optimizer() const { return optimizer_; }
  /// Where it stands, with Python's names; not what its constructor was given. The rates themselves are in the optimizer's
  /// state_dict().
  IValue state_dict() const;
  /// Errors: ct::ValueError if an entry is missing or is no number; nothing is changed then.
  void load_state_dict(const IValue& state);

 protected:
  /// What state_dict() has.
  virtual void visit(StateVisitor& v);
  explicit LRScheduler(Optimizer& optimizer);
  /// Sets the rates of epoch 0; the last thing a constructor does.
  void start();
  /// Sets the rates of last_epoch().
  void set_rates();
  double lr(std::size_t group) const { return optimizer_.param_groups()[group].options().get_lr(); }
  std::size_t groups() const { return base_lrs_.size(); }
  /// The rate of a group at last_epoch().
  virtual double rate(std::size_t group) = 0;
  /// What else changes with the epoch, for instance momentum.
  virtual void after_rates() {}
  /// Before epoch 0 begins, at first or when a SequentialLR comes to this one: sets the rates to base_lrs_.
  virtual void begin();
  void warn_of_order();

  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  std::int64_t last_epoch_ = -1;

 private:
  friend class SequentialLR;
  void restart();
  Optimizer& optimizer_;
  std::int64_t steps_before_;  // of the optimizer
  bool stepped_ = false;
};

/// l = l gamma at every step_size-th epoch.
class CT_API StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1);
 private:
  double rate(std::size_t group) override;
  std::int64_t step_size_;
  double gamma_;
};

/// l = l gamma at each milestone, as often as it is listed.
class CT_API MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma = 0.1);
 private:
  double rate(std::size_t group) override;
  std::vector<std::int64_t> milestones_;
  double gamma_;
};

/// l = l gamma at each epoch.
class CT_API ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma);
 private:
  double rate(std::size_t group) override;
  double gamma_;
};

/// From l0 down to eta_min in T_max epochs and up again, along a cosine. Computed from the rate before, as in PyTorch, so
/// that it goes along with other schedulers; alone: l = eta_min + (l0 - eta_min) (1 + cos(pi e / T_max)) / 2.
/// Source: Loshchilov & Hutter, ICLR 2017.
class CT_API CosineAnnealingLR : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, double eta_min = 0);
 private:
  double rate(std::size_t group) override;
  std::int64_t T_max_;
  double eta_min_;
};

/// The falling half of that cosine again and again: first over T_0 epochs, each time T_mult times as long.
class CT_API CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0, std::int64_t T_mult = 1, double eta_min = 0);
  using LRScheduler::step;
  void step() override;
  /// Within an epoch: step(epoch + batch / batches).
  void step(double epoch);
 private:
  double rate(std::size_t group) override;
  void begin() override;
  void visit(StateVisitor& v) override;
  std::int64_t T_0_, T_mult_;
  double T_i_, T_cur_ = -1, eta_min_;
};

/// l = l0 lr_lambda(e)
class CT_API LambdaLR : public LRScheduler {
 public:
  using Lambda = Callback<double(std::int64_t epoch)>;
  LambdaLR(Optimizer& optimizer, Lambda lr_lambda);
  /// One for each group.
  LambdaLR(Optimizer& optimizer, std::vector<Lambda> lr_lambdas);
 private:
  double rate(std::size_t group) override;
  std::vector<Lambda> lambdas_;
};

/// l = l lr_lambda(e), from epoch 1 on.
class CT_API MultiplicativeLR : public LRScheduler {
 public:
  using Lambda = Callback<double(std::int64_t epoch)>;
  MultiplicativeLR(Optimizer& optimizer, Lambda lr_lambda);
  MultiplicativeLR(Optimizer& optimizer, std::vector<Lambda> lr_lambdas);
 private:
  double rate(std::size_t group) override;
  void begin() override {}
  std::vector<Lambda> lambdas_;
};

/// From l0 start_factor to l0 end_factor in total_iters epochs, along a line.
class CT_API LinearLR : public LRScheduler {
 public:
  LinearLR(Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1, std::int64_t total_iters = 5);
 private:
  double rate(std::size_t group) override;
  double start_, end_;
  std::int64_t total_;
};

/// l0 factor until epoch total_iters, then l0.
class CT_API ConstantLR : public LRScheduler {
 public:
  ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, std::int64_t total_iters = 5);
 private:
  double rate(std::size_t group) override;
  double factor_;
  std::int64_t total_;
};

/// l = l0 (1 - e / total_iters)^power, then 0.
class CT_API PolynomialLR : public LRScheduler {
 public:
  PolynomialLR(Optimizer& optimizer, std::int64_t total_iters = 5, double power = 1);
 private:
  double rate(std::size_t group) override;
  std::int64_t total_;
  double power_;
};

/// Between base_lr and max_lr, up in step_size_up steps and down in step_size_down (-1: as many); step() after each batch.
/// mode: "triangular"; "triangular2", where the height halves each cycle; "exp_range", where it is gamma^e. Momentum, or
/// beta1, goes the other way, from max_momentum to base_momentum.
/// Source: Smith, WACV 2017.
class CT_API CyclicLR : public LRScheduler {
 public:
  CyclicLR(Optimizer& optimizer, double base_lr, double max_lr, std::int64_t step_size_up = 2000, std::int64_t step_size_down = -1,
           std::string_view mode = "triangular", double gamma = 1, bool cycle_momentum = true, double base_momentum = 0.8,
           double max_momentum = 0.9);
 private:
  double rate(std::size_t group) override;
  void after_rates() override;
  double height() const;
  double max_, total_, up_share_, gamma_, base_momentum_, max_momentum_;
  int mode_;
  bool cycle_momentum_;
};

/// From max_lr / div_factor up to max_lr in pct_start of total_steps, then down to the start divided by final_div_factor;
/// three_phase: down to the start as fast as up, then on. step() after each batch. Momentum, or beta1, the other way.
/// anneal_strategy: "cos" or "linear". Errors: ct::ValueError for more steps than total_steps.
/// Source: Smith & Topin, arXiv:1708.07120.
class CT_API OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, double max_lr, std::int64_t total_steps, double pct_start = 0.3, std::string_view anneal_strategy = "cos",
             bool cycle_momentum = true, double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25,
             double final_div_factor = 1e4, bool three_phase = false);
 private:
  double rate(std::size_t group) override;
  void after_rates() override;
  double at(const double* ends) const;
  double lr_[4], momentum_[4], phase_ends_[3];  // at the ends of the phases, and their last steps
  std::int64_t total_steps_;
  int phases_;
  bool cosine_, cycle_momentum_;
};

/// l = max(l factor, min_lr) after `patience` epochs in which the metric got no better, then `cooldown` epochs of rest.
/// mode: "min" or "max"; better: by `threshold`, times the best so far ("rel") or as it is ("abs").
class CT_API ReduceLROnPlateau {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, std::string_view mode = "min", double factor = 0.1, std::int64_t patience = 10,
                             double threshold = 1e-4, std::string_view threshold_mode = "rel", std::int64_t cooldown = 0, double min_lr = 0,
                             double eps = 1e-8);
  void step(double metric);
  void step(const Tensor& metric) { step(metric.item<double>()); }
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  double best() const { return best_; }
  IValue state_dict() const;
  void load_state_dict(const IValue& state);
  std::int64_t num_bad_epochs() const { return bad_; }
 private:
  bool better(double a) const;
  Optimizer& optimizer_;
  bool max_, relative_;
  double factor_, threshold_, min_lr_, eps_, best_;
  std::int64_t patience_, cooldown_, cooling_ = 0, bad_ = 0, last_epoch_ = 0;
  std::vector<double> last_lr_;
};

/// One scheduler after the other; the next one begins, with its epoch 0, at each milestone.
/// Made with Python's rule: schedulers are made first, and the rates are then set back to where the first one begins.
class CT_API SequentialLR {
 public:
  /// The schedulers must outlive this. Errors: ct::ValueError unless there is one milestone fewer than schedulers, of this optimizer.
  SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<std::int64_t> milestones);
  void step();
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  std::int64_t last_epoch() const { return last_epoch_; }
  /// With those of its schedulers.
  IValue state_dict() const;
  void load_state_dict(const IValue& state);
 private:
  std::vector<LRScheduler*> schedulers_;
  std::vector<std::int64_t> milestones_;
  std::int64_t last_epoch_ = 0;
  std::vector<double> last_lr_;
};

/// All of them at each step, in this order; their factors multiply.
class CT_API ChainedScheduler {
 public:
  /// The schedulers must outlive this. Errors: ct::ValueError if there is none, or they have several optimizers.
  explicit ChainedScheduler(std::vector<LRScheduler*> schedulers);
  void step();
  /// With those of its schedulers.
  IValue state_dict() const;
  void load_state_dict(const IValue& state);
  const std::vector<double>& get_last_lr() const { return last_lr_; }
 private:
  std::vector<LRScheduler*> schedulers_;
  std::vector<double> last_lr_;
};

}  // namespace ct::optim
