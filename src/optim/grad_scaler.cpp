// optim/grad_scaler.cpp -- scaling of losses for half precision, and steps left out for infinite gradients.
#include <cmath>

#include "core/parallel.h"
#include "core/tensor_impl.h"
#include "cotangent/amp.h"
#include "cotangent/autograd.h"
#include "kernels/optim.h"

namespace ct::amp {

GradScaler::GradScaler(double init_scale, double growth_factor, double backoff_factor, std::int64_t growth_interval, bool enabled)
    : scale_(static_cast<float>(init_scale)), growth_factor_(growth_factor), backoff_factor_(backoff_factor), growth_interval_(growth_interval), enabled_(enabled) {
  if (!enabled) return;
  CT_CHECK_VALUE(growth_factor > 1, "GradScaler: The growth factor must be > 1.0, but is ", growth_factor);
  CT_CHECK_VALUE(backoff_factor < 1, "GradScaler: The backoff factor must be < 1.0, but is ", backoff_factor);
}
GradScaler::~GradScaler() = default;

Tensor GradScaler::scale(const Tensor& outputs) {
  CT_CHECK(outputs.defined(), "GradScaler.scale: expected a tensor, but it is undefined");
  if (!enabled_) return outputs;
  scaled_ = true;
  // As a tensor, not a number: of a 0-dim half the product is float32, where 65536 fits.
  return outputs * scalar_tensor(scale_, ct::dtype(kFloat));
}
std::vector<Tensor> GradScaler::scale(TensorList outputs) {
  std::vector<Tensor> out;
  for (const Tensor& t : outputs) out.push_back(scale(t));
  return out;
}

GradScaler::PerOptimizer& GradScaler::of(const optim::Optimizer& optimizer) {
  for (PerOptimizer& p : optimizers_)
    if (p.optimizer == &optimizer) return p;
  optimizers_.push_back({&optimizer});
  return optimizers_.back();
}
void GradScaler::check_scaled(const char* function) const {
  CT_CHECK(scaled_, "Attempted ", function, " but _scale is None. This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration.");
}

// One pass over each gradient: multiplied in place, and looked at.
void GradScaler::unscale(optim::Optimizer& optimizer, PerOptimizer& state) {
  const NoGradGuard off;
  const double inverse = static_cast<float>(1 / scale_);
  for (const optim::OptimizerParamGroup& group : optimizer.param_groups())
    for (const Tensor& p : group.params()) {
      const Tensor g = p.grad();
      CT_CHECK_VALUE(!g.defined() || g.scalar_type() != kHalf, "GradScaler: Attempting to unscale FP16 gradients.\n  Keep the parameters in float32: autocast "
                     "converts where it is worth it.");
    }
  bool infinite = false;
  for (const optim::OptimizerParamGroup& group : optimizer.param_groups())
    for (const Tensor& p : group.params()) {
      const Tensor g = p.grad();
      if (!g.defined()) continue;
      state.checked = true;
      if (!g.is_contiguous()) {
        g.detach().mul_(inverse);
        infinite = infinite || !isfinite(g).all().item<bool>();
        continue;
      }
      const ct::kernels::ScaleLoop loop = ct::kernels::optim().unscale.of(g.scalar_type());
      ct::detail::TensorImpl* t = ct::detail::impl(g);
      char* data = static_cast<char*>(static_cast<void*>(t->data));
      const auto size = static_cast<std::int64_t>(elementSize(t->dtype));
      bool found = false;
      ct::detail::parallel_for(t->numel, ct::detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        if (loop(data + begin * size, end - begin, inverse)) __atomic_store_n(&found, true, __ATOMIC_RELAXED);
      });
      t->storage->bump_version("GradScaler.unscale_", nullptr);
      infinite = infinite || found;
    }
  state.found_inf = state.found_inf || infinite;
}

void GradScaler::unscale_(optim::Optimizer& optimizer) {
  if (!enabled_) return;
  check_scaled("unscale_");
  PerOptimizer& state = of(optimizer);
  CT_CHECK(state.stage != Stage::unscaled, "unscale_() has already been called on this optimizer since the last update().");
  CT_CHECK(state.stage != Stage::stepped, "unscale_() is being called after step().");
  unscale(optimizer, state);
  state.stage = Stage::unscaled;
}

bool GradScaler::step(optim::Optimizer& optimizer) {
  if (!enabled_) return optimizer.step(), true;
  check_scaled("step");
  PerOptimizer& state = of(optimizer);
  CT_CHECK(state.stage != Stage::stepped, "step() has already been called since the last update().");
  if (state.stage == Stage::ready) unscale(optimizer, state);
  CT_CHECK(state.checked, "No inf checks were recorded for this optimizer.\n  None of its parameters has a gradient: call scaler.scale(loss).backward() first.");
  state.stage = Stage::stepped;
  if (state.found_inf) return false;
  optimizer.step();
  return true;
}

void GradScaler::update(std::optional<double> new_scale) {
  if (!enabled_) return;
  check_scaled("update");
  if (new_scale) {
    CT_CHECK_VALUE(*new_scale > 0 && std::isfinite(*new_scale), "GradScaler.update: new_scale should be a positive number, but is ", *new_scale);
    scale_ = static_cast<float>(*new_scale);
  } else {
    bool checked = false, infinite = false;
    for (const PerOptimizer& p : optimizers_) checked = checked || p.checked, infinite = infinite || p.found_inf;
    CT_CHECK(checked, "No inf checks were recorded prior to update.\n  Call step() or unscale_() first.");
    if (infinite) {
      scale_ = static_cast<float>(scale_ * backoff_factor_);
      growth_tracker_ = 0;
    } else if (++growth_tracker_ == growth_interval_) {
      const auto grown = static_cast<float>(scale_ * growth_factor_);
      if (std::isfinite(grown)) scale_ = grown;
      growth_tracker_ = 0;
    }
  }
  optimizers_.clear();
}

OrderedDict<std::string, double> GradScaler::state_dict() const {
  OrderedDict<std::string, double> state("Entry");
  if (!enabled_) return state;
  state.insert("scale", scale_);
  state.insert("growth_factor", growth_factor_);
  state.insert("backoff_factor", backoff_factor_);
  state.insert("growth_interval", static_cast<double>(growth_interval_));
  state.insert("_growth_tracker", static_cast<double>(growth_tracker_));
  return state;
}
void GradScaler::load_state_dict(const OrderedDict<std::string, double>& state) {
  if (!enabled_) return;
  CT_CHECK(state.size() > 0, "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler.");
  const double scale = state["scale"], growth = state["growth_factor"], backoff = state["backoff_factor"], interval = state["growth_interval"],
               tracker = state["_growth_tracker"];
  scale_ = static_cast<float>(scale);
  growth_factor_ = growth;
  backoff_factor_ = backoff;
  growth_interval_ = static_cast<std::int64_t>(interval);
  growth_tracker_ = static_cast<std::int64_t>(tracker);
}

}  // namespace ct::amp
