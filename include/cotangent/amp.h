// cotangent/amp.h -- automatic mixed precision: autocast, and losses scaled so that gradients do not underflow.
//
//   ct::amp::GradScaler scaler;
//   for (..) {
//     opt.zero_grad();
//     ct::Tensor loss;
//     {
//       ct::amp::autocast half(ct::kHalf);
//       loss = F::mse_loss(net(x), y);
//     }
//     scaler.scale(loss).backward();
//     scaler.step(opt);
//     scaler.update();
//   }
#pragma once

#include "cotangent/autocast.h"
#include "cotangent/optim/optimizer.h"
#include "cotangent/ordered_dict.h"

namespace ct::amp {

/// Multiplies the loss so that small gradients do not underflow in half precision, and skips steps whose gradients are infinite
/// or nan. The scale falls by backoff_factor after such a step and grows by growth_factor after growth_interval steps
/// without one. The semantics and the texts of errors are torch.cuda.amp.GradScaler's.
class CT_API GradScaler {
 public:
  explicit GradScaler(double init_scale = 65536, double growth_factor = 2, double backoff_factor = 0.5, std::int64_t growth_interval = 2000,
                      bool enabled = true);
  ~GradScaler();
  GradScaler(const GradScaler&) = delete;
  GradScaler& operator=(const GradScaler&) = delete;

  /// outputs times the scale, in float32 if they are 0-dim.
  Tensor scale(const Tensor& outputs);
  std::vector<Tensor> scale(TensorList outputs);
  /// Divides the gradients of the optimizer's parameters by the scale, for clipping between backward() and step().
  /// Errors: ct::Error "unscale_() has already been called on this optimizer since the last update()."; ct::ValueError
  /// "Attempting to unscale FP16 gradients."
  void unscale_(optim::Optimizer& optimizer);
  /// Unscales, unless that was done, and calls optimizer.step() if all gradients are finite. True if it did.
  /// Errors: ct::Error "step() has already been called since the last update()."
  bool step(optim::Optimizer& optimizer);
  /// Once after the steps of all optimizers: chooses the scale of the next iteration, or sets the given one.
  /// Errors: ct::Error "No inf checks were recorded prior to update."
  void update(std::optional<double> new_scale = std::nullopt);

  double get_scale() const { return enabled_ ? scale_ : 1.0; }
  double get_growth_factor() const { return growth_factor_; }
  double get_backoff_factor() const { return backoff_factor_; }
  std::int64_t get_growth_interval() const { return growth_interval_; }
  void set_growth_factor(double f) { growth_factor_ = f; }
  void set_backoff_factor(double f) { backoff_factor_ = f; }
  void set_growth_interval(std::int64_t n) { growth_interval_ = n; }
  bool is_enabled() const { return enabled_; }
  /// scale, growth_factor, backoff_factor, growth_interval and _growth_tracker; empty if disabled.
  OrderedDict<std::string, double> state_dict() const;
  /// Errors: ct::Error for an empty one, or one that lacks an entry.
  void load_state_dict(const OrderedDict<std::string, double>& state);

 private:
  enum class Stage : std::uint8_t { ready, unscaled, stepped };
  struct PerOptimizer {
    const optim::Optimizer* optimizer;
    Stage stage = Stage::ready;
    bool checked = false, found_inf = false;
  };
  PerOptimizer& of(const optim::Optimizer& optimizer);
  void check_scaled(const char* function) const;
  void unscale(optim::Optimizer& optimizer, PerOptimizer& state);

  double scale_, growth_factor_, backoff_factor_;
  std::int64_t growth_interval_, growth_tracker_ = 0;
  bool enabled_, scaled_ = false;
  std::vector<PerOptimizer> optimizers_;
};

}  // namespace ct::amp
