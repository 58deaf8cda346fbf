// tests/optim/formulas.cpp -- the optimizers beside their published formulas, computed here number by number.
#include "optim/check_optim.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>

using ct::Tensor;
using namespace ct::optim;

namespace {

// One entry's update: parameter, gradient, number of the step from 1, memory.
struct Memory {
  double a = 0, b = 0, c = 1;
};
using Scalar = std::function<void(double& p, double g, int t, Memory& m)>;

double slope(double p, std::size_t i) { return (0.3 + static_cast<double>(i)) * p + 0.5 * std::cos(3 * p); }

// 100 steps on sum of (0.3 + i) p^2 / 2 + sin(3 p) / 6, where the gradients come from the graph.
template <class Opt, class Options>
void check_formula(const Options& options, const Scalar& formula) {
  std::vector<double> p{1.5, -0.7, 0.2, 3};
  std::vector<Memory> memory(p.size());
  const Tensor w = leaf(p), scale = ct::tensor({.3, 1.3, 2.3, 3.3}, ct::kDouble);
  Opt opt({w}, options);
  for (int t = 1; t <= 100; ++t) {
    opt.zero_grad();
    ((scale * w * w).sum() / 2 + (w * 3).sin().sum() / 6).backward();
    opt.step();
    for (std::size_t i = 0; i < p.size(); ++i) formula(p[i], slope(p[i], i), t, memory[i]);
    const std::vector<double> v = values(w);
    for (std::size_t i = 0; i < p.size(); ++i) {
      CAPTURE(t);
      REQUIRE(v[i] == doctest::Approx(p[i]).epsilon(1e-9));
    }
  }
}

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

}  // namespace

TEST_CASE("optim: Adadelta's formula") {
  check_formula<Adadelta>(AdadeltaOptions().rho(.8).weight_decay(.1), [](double& p, double g, int, Memory& m) {
    g += .1 * p;
    m.a = .8 * m.a + .2 * g * g;
    const double d = std::sqrt(m.b + 1e-6) / std::sqrt(m.a + 1e-6) * g;
    m.b = .8 * m.b + .2 * d * d;
    p -= d;
  });
}

TEST_CASE("optim: Adamax's formula") {
  check_formula<Adamax>(AdamaxOptions(.05).betas({.8, .99}).maximize(true), [](double& p, double g, int t, Memory& m) {
    g = -g;
    m.a = .8 * m.a + .2 * g;
    m.b = std::max(.99 * m.b, std::abs(g) + 1e-8);
    p -= .05 / (1 - std::pow(.8, t)) * m.a / m.b;
  });
}

TEST_CASE("optim: NAdam's formula") {
  check_formula<NAdam>(NAdamOptions(.02).weight_decay(.01), [](double& p, double g, int t, Memory& m) {
    const auto mu = [](int s) { return .9 * (1 - .5 * std::pow(.96, .004 * s)); };
    g += .01 * p;
    m.a = .9 * m.a + .1 * g;
    m.b = .999 * m.b + .001 * g * g;
    m.c *= mu(t);
    const double hat = mu(t + 1) * m.a / (1 - m.c * mu(t + 1)) + (1 - mu(t)) * g / (1 - m.c);
    p -= .02 * hat / (std::sqrt(m.b / (1 - std::pow(.999, t))) + 1e-8);
  });
}

TEST_CASE("optim: RAdam's formula, before and after the variance is known well enough") {
  for (const double b2 : {.999, .5}) {  // of .5 the average is never long enough
    check_formula<RAdam>(RAdamOptions(.02).betas({.9, b2}), [b2](double& p, double g, int t, Memory& m) {
      m.a = .9 * m.a + .1 * g;
      m.b = b2 * m.b + (1 - b2) * g * g;
      const double hat = m.a / (1 - std::pow(.9, t)), full = 2 / (1 - b2) - 1;
      const double now = full - 2 * t * std::pow(b2, t) / (1 - std::pow(b2, t));
      if (now > 5) {
        const double l = std::sqrt(1 - std::pow(b2, t)) / (std::sqrt(m.b) + 1e-8);
        p -= .02 * hat * l * std::sqrt((now - 4) * (now - 2) * full / ((full - 4) * (full - 2) * now));
      } else {
        p -= .02 * hat;
      }
    });
  }
}

TEST_CASE("optim: Rprop's formula") {
  check_formula<Rprop>(RpropOptions(.05).step_sizes({1e-3, .4}), [](double& p, double g, int t, Memory& m) {
    if (t == 1) m.b = .05;
    if (m.a * g > 0) m.b = std::min(m.b * 1.2, .4);
    if (m.a * g < 0) {
      m.b = std::max(m.b * .5, 1e-3);
      g = 0;
    }
    p -= sign(g) * m.b;
    m.a = g;
  });
}

TEST_CASE("optim: ASGD's formula, with the average of the last steps") {
  const Tensor w = leaf({2});
  ASGD opt({w}, ASGDOptions(.1).lambd(.01).t0(5));
  double p = 2, eta = .1, mu = 1, average = 0;
  for (int t = 1; t <= 40; ++t) {
    descend(opt, w);
    const double g = p;
    p = p * (1 - .01 * eta) - eta * g;
    average += mu * (p - average);
    eta = .1 / std::pow(1 + .01 * .1 * t, .75);
    mu = 1 / std::max(1., t - 5.);
    check_near(w, {p}, 1e-12);
    check_near(opt.state().at<ASGDParamState>(w).ax(), {average}, 1e-12);
  }
}

TEST_CASE("optim: the first steps of RMSprop and Adagrad") {
  const Tensor w = leaf({1, -2, 3}), u = leaf({1, -2, 3});
  RMSprop rms({w}, RMSpropOptions(.01));
  for (const std::vector<double>& e : {std::vector<double>{.90000001, -1.9, 2.9}, {.83291798, -1.8309433, 2.8303175}, {.77998228, -1.7753495, 2.7738886}}) {
    descend(rms, w);
    check_digits(w, e);
  }
  Adagrad ada({u}, AdagradOptions(.1));
  for (const std::vector<double>& e : {std::vector<double>{.9, -1.9, 2.9}, {.83310353, -1.8311251, 2.8304978}, {.78045618, -1.7758215, 2.7743593}}) {
    descend(ada, u);
    check_digits(u, e);
  }
}

TEST_CASE("optim: L-BFGS finds Rosenbrock's minimum, restores the point after an error and wants a closure") {
  const Tensor x = leaf({-1.2, 1});
  LBFGS opt({x}, LBFGSOptions(1).line_search_fn("strong_wolfe"));
  const auto closure = [&] {
    opt.zero_grad();
    const Tensor f = 100 * (x[1] - x[0] * x[0]).square() + (1 - x[0]).square();
    f.backward();
    return f;
  };
  CHECK(opt.step(closure).item<double>() == doctest::Approx(24.2));
  for (int i = 0; i < 4; ++i) opt.step(closure);
  check_near(x, {1, 1}, 1e-4);
  CHECK(opt.state().at<LBFGSParamState>(x).n_iter() > 20);
  CHECK(has(error_of([&] { opt.step(nullptr); }), "LBFGS.step: a closure is needed"));

  const Tensor y = leaf({3, 4}), before = y.detach().clone();
  LBFGS fails({y}, LBFGSOptions(1).line_search_fn("strong_wolfe"));
  int calls = 0;
  CHECK_THROWS_AS(fails.step([&]() -> Tensor {
    if (++calls == 2) throw std::runtime_error("mine");
    fails.zero_grad();
    const Tensor f = (y * y).sum();
    f.backward();
    return f;
  }), std::runtime_error);
  CHECK(values(y) == values(before));
  CHECK(ct::is_grad_enabled());
}

TEST_CASE("optim: all optimizers check their arguments and work in float16, bfloat16 and on strided parameters") {
  const Tensor w = leaf({1});
  CHECK(has(error_of([&] { RMSprop({w}, RMSpropOptions(.1).alpha(-1)); }), "Invalid alpha value: -1"));
  CHECK(has(error_of([&] { Adagrad({w}, AdagradOptions(.1).lr_decay(-1)); }), "Invalid lr_decay value: -1"));
  CHECK(has(error_of([&] { Adagrad({w}, AdagradOptions(.1).initial_accumulator_value(-1)); }), "Invalid initial_accumulator_value value: -1"));
  CHECK(has(error_of([&] { Adadelta({w}, AdadeltaOptions().rho(1.5)); }), "Invalid rho value: 1.5"));
  CHECK(has(error_of([&] { Adamax({w}, AdamaxOptions().betas({1.5, .9})); }), "Invalid beta parameter at index 0: 1.5"));
  CHECK(has(error_of([&] { NAdam({w}, NAdamOptions().momentum_decay(-1)); }), "Invalid momentum_decay value: -1"));
  CHECK(has(error_of([&] { RAdam({w}, RAdamOptions(-1)); }), "Invalid learning rate: -1"));
  CHECK(has(error_of([&] { Rprop({w}, RpropOptions().etas({.5, .9})); }), "Invalid eta values: 0.5, 0.9"));
  CHECK(has(error_of([&] { ASGD({w}, ASGDOptions().weight_decay(-1)); }), "Invalid weight_decay value: -1"));
  CHECK(has(error_of([&] { LBFGS({w}, LBFGSOptions().line_search_fn("armijo")); }), "only 'strong_wolfe' is supported"));
  std::vector<OptimizerParamGroup> two;
  two.emplace_back(std::vector<Tensor>{w});
  two.emplace_back(std::vector<Tensor>{leaf({2})});
  CHECK(has(error_of([&] { LBFGS(two, LBFGSOptions()); }), "LBFGS doesn't support per-parameter options (parameter groups)"));

  using Make = std::function<std::unique_ptr<Optimizer>(std::vector<Tensor>)>;
  const std::vector<Make> all{
      [](auto p) { return std::make_unique<SGD>(p, SGDOptions(.1).momentum(.5)); },
      [](auto p) { return std::make_unique<Adam>(p, AdamOptions(.1).amsgrad(true)); },
      [](auto p) { return std::make_unique<AdamW>(p, AdamWOptions(.1)); },
      [](auto p) { return std::make_unique<RMSprop>(p, RMSpropOptions(.02).momentum(.5).centered(true).eps(1e-2)); },
      [](auto p) { return std::make_unique<Adagrad>(p, AdagradOptions(.2)); },
      [](auto p) { return std::make_unique<Adadelta>(p, AdadeltaOptions(20)); },
      [](auto p) { return std::make_unique<Adamax>(p, AdamaxOptions(.1)); },
      [](auto p) { return std::make_unique<NAdam>(p, NAdamOptions(.1)); },
      [](auto p) { return std::make_unique<RAdam>(p, RAdamOptions(.1)); },
      [](auto p) { return std::make_unique<Rprop>(p, RpropOptions(.1)); },
      [](auto p) { return std::make_unique<ASGD>(p, ASGDOptions(.1)); },
      [](auto p) { return std::make_unique<LBFGS>(p, LBFGSOptions(.5)); },
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    std::vector<double> exact;
    for (const ct::ScalarType t : {ct::kDouble, ct::kFloat, ct::kHalf, ct::kBFloat16}) {
      const Tensor plain = leaf({1, -2, 3, -4}, t);
      const Tensor strided = ct::tensor({1., 3., -2., -4.}, ct::kDouble).to(t).view({2, 2}).t().requires_grad_();
      const auto a = all[i]({plain}), b = all[i]({strided});
      for (int step = 0; step < 10; ++step) {
        a->step([&] { a->zero_grad(); const Tensor f = (plain * plain).sum(); f.backward(); return f; });
        b->step([&] { b->zero_grad(); const Tensor f = (strided * strided).sum(); f.backward(); return f; });
      }
      const std::vector<double> v = values(plain);
      if (i + 1 != all.size()) CHECK(values(strided) == v);  // L-BFGS adds up in another order
      if (t == ct::kDouble) exact = v;
      const double tolerance = t == ct::kDouble ? 1e-12 : t == ct::kFloat ? 1e-5 : t == ct::kHalf ? 2e-2 : .2;
      for (std::size_t k = 0; k < v.size(); ++k) CHECK(std::abs(v[k] - exact[k]) < tolerance);
      CHECK((plain * plain).sum().item<double>() < 30);
    }
  }
}
