// cotangent/optim/lbfgs.h -- the quasi-Newton method that remembers a few steps.
#pragma once

#include <string>

#include "cotangent/optim/optimizer.h"

namespace ct::optim {

struct CT_API LBFGSOptions : OptimizerCloneableOptions<LBFGSOptions> {
  LBFGSOptions(double lr = 1) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(std::int64_t, max_iter) = 20;
  CT_OPTIM_ARG(std::optional<std::int64_t>, max_eval);        // 5/4 of max_iter
  CT_OPTIM_ARG(double, tolerance_grad) = 1e-7;
  CT_OPTIM_ARG(double, tolerance_change) = 1e-9;
  CT_OPTIM_ARG(std::int64_t, history_size) = 100;
  CT_OPTIM_ARG(std::optional<std::string>, line_search_fn);   // none, or "strong_wolfe"

 public:
  void check() const override;
  void visit(OptionsVisitor& v) override;
};
/// Kept under the first parameter: gradients and directions are those of all parameters, one after the other.
struct CT_API LBFGSParamState : OptimizerCloneableParamState<LBFGSParamState> {
  CT_OPTIM_ARG(std::int64_t, func_evals) = 0;
  CT_OPTIM_ARG(std::int64_t, n_iter) = 0;
  CT_OPTIM_ARG(double, t) = 0;
  CT_OPTIM_ARG(double, prev_loss) = 0;
  CT_OPTIM_ARG(double, H_diag) = 1;
  CT_OPTIM_ARG(Tensor, d);
  CT_OPTIM_ARG(Tensor, prev_flat_grad);
  CT_OPTIM_ARG(std::vector<Tensor>, old_dirs);
  CT_OPTIM_ARG(std::vector<Tensor>, old_stps);
  CT_OPTIM_ARG(std::vector<double>, ro);

 public:
  void visit(StateVisitor& v) override;
};

/// Up to max_iter iterations p += t d a step, where d = -H g and H approximates the inverse Hessian from the last
/// history_size differences of gradients y and of parameters s:
///   H' = (I - s y^T / y^T s) H (I - y s^T / y^T s) + s s^T / y^T s
/// t is the learning rate (1 / |g|_1 of it at first), or found by a line search for the strong Wolfe conditions. An
/// iteration that changes little, or a small gradient, ends the step, which calls the closure several times.
/// One group only. Source: Nocedal & Wright, Numerical Optimization, 2nd edition, algorithms 7.4, 3.5 and 3.6, with the
/// interpolation and stopping rules of Schmidt's minFunc, as PyTorch has them.
class CT_API LBFGS : public Optimizer {
 public:
  explicit LBFGS(std::vector<OptimizerParamGroup> groups, LBFGSOptions defaults = {});
  explicit LBFGS(std::vector<Tensor> params, LBFGSOptions defaults = {});
  /// Errors: ct::Error without a closure.
  Tensor step(LossClosure closure) override;

 private:
  Owned<OptimizerParamState> new_state(const Tensor& param, const OptimizerOptions& options) const override;
  struct Search;
};

}  // namespace ct::optim
