// cotangent/optim/lr_scheduler.h -- learning rates that change over the epochs, as in torch.optim.lr_scheduler.
#pragma once

#include <initializer_list>
#include <string>
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
  virtual IValue state_dict() const;
  /// Errors: ct::ValueError if an entry is missing or is no number; nothing is changed then.
  virtual void load_state_dict(const IValue& state);

 protected:
  /// A scheduler of your own overrides get_lrs() (as in libtorch, whose step_count_ it may read), or rate().
  explicit LRScheduler(Optimizer& optimizer);
  /// The rates of last_epoch(), one for each group.
  virtual std::vector<double> get_lrs();
  /// The rate of a group at last_epoch().
  virtual double rate(std::size_t group);
  /// The rates that the optimizer has now.
  std::vector<double> get_current_lrs() const;
  /// Sets the rates of epoch 0; the last thing a constructor does.
  void start();
  /// Sets the rates of last_epoch().
  void set_rates();
  double lr(std::size_t group) const { return optimizer_.param_groups()[group].options().get_lr(); }
  std::size_t groups() const { return base_lrs_.size(); }
  /// What else changes with the epoch, for instance momentum.
  virtual void after_rates() {}
  /// Forgets what was counted beside last_epoch(), before epoch 0 begins again.
  virtual void forget() {}
  /// Whether epoch 0 begins again at base_lrs_, or at the rates as they are.
  virtual bool begins_at_base() const { return true; }
  /// Begins again with epoch 0, when a SequentialLR comes to this one.
  virtual void restart();
  /// Epoch 0 again, of the rates as they are.
  virtual void restart_here();
  /// What state_dict() has.
  virtual void visit(StateVisitor& v);
  void warn_of_order();

  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  std::int64_t last_epoch_ = -1;
  unsigned step_count_ = 0;  // calls of step()

 private:
  friend class SequentialLR;
  friend class ChainedScheduler;
  Optimizer& optimizer_;
  std::int64_t steps_before_;  // of the optimizer
  bool stepped_ = false;
};

/// One number for all groups, or one for each.
class CT_API PerGroup {
 public:
  PerGroup(double all) : values_{all} {}
  PerGroup(std::vector<double> each) : values_(std::move(each)), each_(true) {}
  PerGroup(std::initializer_list<double> each) : values_(each), each_(true) {}
  /// Errors: ct::ValueError "expected 2 values for max_lr, got 3".
  std::vector<double> of(const char* scheduler, const char* name, const Optimizer& optimizer) const;

 private:
  std::vector<double> values_;
  bool each_ = false;
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
  void visit(StateVisitor& v) override;
  void forget() override;
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
  bool begins_at_base() const override { return false; }
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
/// beta1, goes the other way, from max_momentum to base_momentum. scale_fn, if given, is the height in place of the mode's, a
/// function of the number of the cycle, from 1 on (scale_mode "cycle"), or of e ("iterations").
/// Source: Smith, WACV 2017.
class CT_API CyclicLR : public LRScheduler {
 public:
  using Scale = Callback<double(double)>;
  CyclicLR(Optimizer& optimizer, const PerGroup& base_lr, const PerGroup& max_lr, std::int64_t step_size_up = 2000, std::int64_t step_size_down = -1,
           std::string_view mode = "triangular", double gamma = 1, bool cycle_momentum = true, const PerGroup& base_momentum = 0.8,
           const PerGroup& max_momentum = 0.9, Scale scale_fn = nullptr, std::string_view scale_mode = "cycle");
 private:
  double rate(std::size_t group) override;
  void after_rates() override;
  double height() const;
  std::vector<double> max_, base_momentum_, max_momentum_;
  double total_, up_share_, gamma_;
  Scale scale_;
  std::int64_t mode_;
  bool cycle_momentum_, by_cycle_;
};

/// From max_lr / div_factor up to max_lr in pct_start of total_steps, then down to the start divided by final_div_factor;
/// three_phase: down to the start as fast as up, then on. step() after each batch. Momentum, or beta1, the other way.
/// anneal_strategy: "cos" or "linear". Errors: ct::ValueError for more steps than total_steps.
/// Source: Smith & Topin, arXiv:1708.07120.
class CT_API OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, const PerGroup& max_lr, std::int64_t total_steps, double pct_start = 0.3, std::string_view anneal_strategy = "cos",
             bool cycle_momentum = true, const PerGroup& base_momentum = 0.85, const PerGroup& max_momentum = 0.95, double div_factor = 25,
             double final_div_factor = 1e4, bool three_phase = false);
 private:
  double rate(std::size_t group) override;
  void after_rates() override;
  // At the last step, of the way between the values at the ends of the phases.
  double at(double low, double high, double last) const;
  std::vector<double> max_, base_momentum_, max_momentum_;
  double div_factor_, final_div_factor_, phase_ends_[3];
  std::int64_t total_steps_, phases_;
  bool cosine_, cycle_momentum_;
};

/// l = max(l factor, min_lr) after `patience` epochs in which the metric got no better, then `cooldown` epochs of rest.
/// mode: "min" or "max"; better: by `threshold`, times the best so far ("rel") or as it is ("abs").
class CT_API ReduceLROnPlateau {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, std::string_view mode = "min", double factor = 0.1, std::int64_t patience = 10,
                             double threshold = 1e-4, std::string_view threshold_mode = "rel", std::int64_t cooldown = 0,
                             const PerGroup& min_lr = 0, double eps = 1e-8);
  void step(double metric);
  void step(const Tensor& metric) { step(metric.item<double>()); }
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  double best() const { return best_; }
  std::int64_t num_bad_epochs() const { return bad_; }
  IValue state_dict() const;
  void load_state_dict(const IValue& state);
 private:
  bool better(double a) const;
  Optimizer& optimizer_;
  bool max_, relative_;
  double factor_, threshold_, eps_, best_;
  std::int64_t patience_, cooldown_, cooling_ = 0, bad_ = 0, last_epoch_ = 0;
  std::vector<double> min_lrs_, last_lr_;
};

/// One scheduler after the other; the next one begins, with its epoch 0, at each milestone.
/// Made with Python's rule: schedulers are made first, and the rates are then set back to where the first one begins.
/// A scheduler may itself be a SequentialLR or a ChainedScheduler.
class CT_API SequentialLR : public LRScheduler {
 public:
  /// The schedulers must outlive this. Errors: ct::ValueError unless there is one milestone fewer than schedulers, of this optimizer.
  SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<std::int64_t> milestones);
  void step() override;
  /// With those of its schedulers.
  IValue state_dict() const override;
  void load_state_dict(const IValue& state) override;
 private:
  void restart() override;
  void restart_here() override;
  std::vector<LRScheduler*> schedulers_;
  std::vector<std::int64_t> milestones_;
};

/// All of them at each step, in this order; their factors multiply.
class CT_API ChainedScheduler : public LRScheduler {
 public:
  /// The schedulers must outlive this. Errors: ct::ValueError if there is none, or they have several optimizers.
  explicit ChainedScheduler(std::vector<LRScheduler*> schedulers);
  void step() override;
  /// With those of its schedulers.
  IValue state_dict() const override;
  void load_state_dict(const IValue& state) override;
 private:
  void restart_here() override;
  std::vector<LRScheduler*> schedulers_;
};

}  // namespace ct::optim
