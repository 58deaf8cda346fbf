// optim/lbfgs.cpp -- L-BFGS with an optional line search for the strong Wolfe conditions.
#include "cotangent/optim/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cotangent/autograd.h"
#include "optim/step.h"

namespace ct::optim {

namespace {

double along(const Tensor& a, const Tensor& b) { return a.dot(b).item<double>(); }
double largest(const Tensor& a) { return a.numel() == 0 ? 0 : a.abs().max().item<double>(); }

// A step length tried: the loss there, the gradient, and the slope along the direction.
struct Point {
  double t = 0, f = 0, slope = 0;
  Tensor g;
};

// The minimiser of the cubic through two values and slopes, kept within [least, most]; the middle if there is none.
double cubic_minimum(const Point& a, const Point& b, double least, double most) {
  const double d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t), square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (least + most) / 2;
  const double d2 = std::sqrt(square);
  const Point &left = a.t <= b.t ? a : b, &right = a.t <= b.t ? b : a;
  const double t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(t, least), most);
}

}  // namespace

void LBFGSOptions::check() const {
  detail::check_lr("LBFGS", lr_);
  CT_CHECK_VALUE(!line_search_fn_ || *line_search_fn_ == "strong_wolfe", "LBFGS: only 'strong_wolfe' is supported, but line_search_fn is '",
                 line_search_fn_.value_or(""), "'");
  CT_CHECK_VALUE(history_size_ > 0, "LBFGS: Invalid history_size value: ", history_size_);
}
void LBFGSParamState::visit(StateVisitor& v) {
  v.value("func_evals", func_evals_);
  v.value("n_iter", n_iter_);
  v.value("t", t_);
  v.value("prev_loss", prev_loss_);
  v.value("H_diag", H_diag_);
  v.value("d", d_);
  v.value("prev_flat_grad", prev_flat_grad_);
  v.value("old_dirs", old_dirs_);
  v.value("old_stps", old_stps_);
  v.value("ro", ro_);
}

LBFGS::LBFGS(std::vector<OptimizerParamGroup> groups, LBFGSOptions defaults) : Optimizer(std::move(groups), detail::owned(defaults)) {
  CT_CHECK_VALUE(param_groups_.size() == 1, "LBFGS: LBFGS doesn't support per-parameter options (parameter groups)");
  step_count_ = 0;
}
LBFGS::LBFGS(std::vector<Tensor> params, LBFGSOptions defaults) : LBFGS(detail::one_group(std::move(params)), std::move(defaults)) {}

// The loss as a function of all parameters in one line.
struct LBFGS::Search {
  const std::vector<Tensor>& params;
  const LossClosure& closure;

  Tensor gradient() const {
    std::vector<Tensor> parts;
    for (const Tensor& p : params) parts.push_back(p.grad().defined() ? p.grad().detach().reshape({-1}) : detail::zeros_for(p).reshape({-1}));
    return ct::cat(parts);
  }
  double loss() const {
    EnableGradGuard on;
    return closure().item<double>();
  }
  void move(double t, const Tensor& d) const {
    std::int64_t at = 0;
    for (const Tensor& p : params) {
      p.add_(d.narrow(0, at, p.numel()).view_as(p), t);
      at += p.numel();
    }
  }
  // Leaves the parameters where they were, `start`, whatever the closure does.
  Point at(double t, const Tensor& d, const std::vector<Tensor>& start) const {
    struct Restore {
      const std::vector<Tensor>&params, &start;
      ~Restore() {
        for (std::size_t i = 0; i < params.size(); ++i) params[i].copy_(start[i]);
      }
    } restore{params, start};
    move(t, d);
    Point p;
    p.t = t;
    p.f = loss();
    p.g = gradient();
    p.slope = along(p.g, d);
    return p;
  }

  // A step length that lowers the loss enough and flattens the slope enough, at most 25 tries beyond the first.
  Point strong_wolfe(const Tensor& d, const Point& start, double first, std::int64_t& evaluations) const {
    constexpr double c1 = 1e-4, c2 = 0.9, tolerance = 1e-9;
    constexpr int most_tries = 25;
    std::vector<Tensor> x;
    for (const Tensor& p : params) x.push_back(p.detach().clone());
    const double length = largest(d);
    const auto too_high = [&](const Point& p) { return p.f > start.f + c1 * p.t * start.slope; };
    const auto flat = [&](const Point& p) { return std::abs(p.slope) <= -c2 * start.slope; };

    // Longer and longer steps until a minimum lies between the last two.
    Point before = start, now = at(first, d, x), bracket[2];
    evaluations = 1;
    int tries = 0;
    for (;; ++tries) {
      if (tries == most_tries) {
        before = start;
        break;
      }
      if (too_high(now) || (tries > 1 && now.f >= before.f)) break;
      if (flat(now)) return now;
      if (now.slope >= 0) break;
      const double t = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10);
      before = std::move(now);
      now = at(t, d, x);
      ++evaluations;
    }
    bracket[0] = std::move(before);
    bracket[1] = std::move(now);

    // Narrows it. bracket[low] is the lowest point so far that is low enough.
    bool stuck = false;  // the last point was close to an end
    int low = bracket[0].f <= bracket[1].f ? 0 : 1;
    while (tries < most_tries) {
      const double left = std::min(bracket[0].t, bracket[1].t), right = std::max(bracket[0].t, bracket[1].t);
      if ((right - left) * length < tolerance) break;
      double t = cubic_minimum(bracket[0], bracket[1], left, right);
      const double margin = 0.1 * (right - left);
      if (std::min(right - t, t - left) < margin) {
        const bool again = stuck || t >= right || t <= left;
        if (again) t = std::abs(t - right) < std::abs(t - left) ? right - margin : left + margin;
        stuck = !again;
      } else {
        stuck = false;
      }
      Point p = at(t, d, x);
      ++evaluations;
      ++tries;
      if (too_high(p) || p.f >= bracket[low].f) {
        bracket[1 - low] = std::move(p);
        low = bracket[0].f <= bracket[1].f ? 0 : 1;
      } else {
        const bool done = flat(p);
        if (!done && p.slope * (bracket[1 - low].t - bracket[low].t) >= 0) bracket[1 - low] = bracket[low];
        bracket[low] = std::move(p);
        if (done) break;
      }
    }
    return bracket[low];
  }
};

Tensor LBFGS::step(LossClosure closure) {
  CT_CHECK(closure, "LBFGS.step: a closure is needed, which computes the loss and its gradients anew\n"
           "  opt.step([&] { opt.zero_grad(); auto loss = ..; loss.backward(); return loss; });");
  CT_CHECK_VALUE(param_groups_.size() == 1, "LBFGS: LBFGS doesn't support per-parameter options (parameter groups)");
  const Tensor first_loss = begin_step(closure);
  NoGradGuard off;
  const auto& o = static_cast<const LBFGSOptions&>(param_groups_[0].options());
  const std::vector<Tensor>& params = param_groups_[0].params();
  const Search search{params, closure};
  OptimizerParamState* kept = state_.find(params[0]);
  if (!kept) kept = &state_.insert(params[0], Owned<OptimizerParamState>(new LBFGSParamState));
  auto& s = static_cast<LBFGSParamState&>(*kept);
  const std::int64_t most_evaluations = o.max_eval().value_or(o.max_iter() * 5 / 4);

  double loss = first_loss.item<double>();
  Tensor g = search.gradient();
  std::int64_t evaluations = 1;
  ++s.func_evals();
  bool small = largest(g) <= o.tolerance_grad();
  for (std::int64_t iteration = 1; !small && iteration <= o.max_iter(); ++iteration) {
    ++s.n_iter();
    if (s.n_iter() == 1) {
      s.d(g.neg());
      s.old_dirs().clear();
      s.old_stps().clear();
      s.ro().clear();
      s.H_diag(1);
    } else {
      const Tensor y = g - s.prev_flat_grad(), moved = s.d() * s.t();
      const double ys = along(y, moved);
      if (ys > 1e-10) {
        if (static_cast<std::int64_t>(s.old_dirs().size()) >= o.history_size()) {
          s.old_dirs().erase(s.old_dirs().begin());
          s.old_stps().erase(s.old_stps().begin());
          s.ro().erase(s.ro().begin());
        }
        s.old_dirs().push_back(y);
        s.old_stps().push_back(moved);
        s.ro().push_back(1 / ys);
        s.H_diag(ys / along(y, y));
      }
      // The two loops of algorithm 7.4: backward through the history, then forward.
      const std::size_t n = s.old_dirs().size();
      std::vector<double> weight(n);
      Tensor d = g.neg();
      for (std::size_t i = n; i-- > 0;) {
        weight[i] = along(s.old_stps()[i], d) * s.ro()[i];
        d.add_(s.old_dirs()[i], -weight[i]);
      }
      d.mul_(s.H_diag());
      for (std::size_t i = 0; i < n; ++i) d.add_(s.old_stps()[i], weight[i] - along(s.old_dirs()[i], d) * s.ro()[i]);
      s.d(d);
    }
    s.prev_flat_grad(g);
    s.prev_loss(loss);
    s.t(s.n_iter() == 1 ? std::min(1.0, 1 / g.abs().sum().item<double>()) * o.lr() : o.lr());
    const double slope = along(g, s.d());
    if (slope > -o.tolerance_change()) break;

    std::int64_t tried = 0;
    if (o.line_search_fn()) {
      const Point found = search.strong_wolfe(s.d(), {0, loss, slope, g}, s.t(), tried);
      loss = found.f;
      g = found.g;
      s.t(found.t);
      search.move(s.t(), s.d());
      small = largest(g) <= o.tolerance_grad();
    } else {
      search.move(s.t(), s.d());
      if (iteration != o.max_iter()) {  // the next step begins with an evaluation of its own
        loss = search.loss();
        g = search.gradient();
        small = largest(g) <= o.tolerance_grad();
        tried = 1;
      }
    }
    evaluations += tried;
    s.func_evals() += tried;
    if (evaluations >= most_evaluations || largest(s.d()) * std::abs(s.t()) <= o.tolerance_change() ||
        std::abs(loss - s.prev_loss()) < o.tolerance_change())
      break;
  }
  return first_loss;
}

// ---- what is saved of the options -----------------------------------------------------------------------

void LBFGSOptions::visit(OptionsVisitor& v) {
  v.value("lr", lr_);
  v.value("max_iter", max_iter_);
  // As a number in any case, which is what Python has.
  const std::optional<std::int64_t> used = max_eval_ ? max_eval_ : max_iter_ * 5 / 4;
  std::optional<std::int64_t> max_eval = used;
  v.value("max_eval", max_eval);
  if (max_eval != used) max_eval_ = max_eval;
  v.value("tolerance_grad", tolerance_grad_);
  v.value("tolerance_change", tolerance_change_);
  v.value("history_size", history_size_);
  v.value("line_search_fn", line_search_fn_);
}

Owned<OptimizerParamState> LBFGS::new_state(const Tensor&, const OptimizerOptions&) const { return Owned<OptimizerParamState>(new LBFGSParamState); }

}  // namespace ct::optim
