// tests/optim/lr_scheduler.cpp -- schedulers beside closed forms of their rates, their order, their combinations, their errors.
#include "optim/check_optim.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

using ct::Tensor;
using namespace ct::optim;

namespace {

const double pi = std::acos(-1.0);

SGD make(double lr = .1) { return SGD({leaf({1})}, SGDOptions(lr).momentum(.9)); }

// The rates of epochs 0, 1, ..
template <class S>
std::vector<double> rates(Optimizer& opt, S& s, int n) {
  std::vector<double> out;
  for (int e = 0; e < n; ++e) {
    REQUIRE(s.get_last_lr()[0] == opt.param_groups()[0].options().get_lr());
    out.push_back(s.get_last_lr()[0]);
    opt.step();
    s.step();
  }
  return out;
}
void check_rates(const std::vector<double>& got, const std::function<double(int)>& expected) {
  for (std::size_t e = 0; e < got.size(); ++e) {
    CAPTURE(e);
    CHECK(std::abs(got[e] - expected(static_cast<int>(e))) < 1e-12);
  }
}
template <class S, class... Args>
void check_schedule(const std::function<double(int)>& expected, const Args&... args) {
  SGD opt = make();
  S s(opt, args...);
  check_rates(rates(opt, s, 25), expected);
}
double momentum_of(const Optimizer& o) { return *o.param_groups()[0].options().get_momentum(); }

std::string last_warning;

}  // namespace

TEST_CASE("schedulers: falling rates") {
  // Python's StepLR(3) holds the first rate for three epochs.
  check_schedule<StepLR>([](int e) { return .1 * std::pow(.5, e / 3); }, 3, .5);
  check_schedule<MultiStepLR>([](int e) { return .1 * std::pow(.1, (e >= 2) + 2 * (e >= 7)); }, std::vector<std::int64_t>{2, 7, 7});
  check_schedule<ExponentialLR>([](int e) { return .1 * std::pow(.9, e); }, .9);
  check_schedule<LambdaLR>([](int e) { return .1 / (1 + e); }, LambdaLR::Lambda([](std::int64_t e) { return 1.0 / static_cast<double>(1 + e); }));
  check_schedule<MultiplicativeLR>([](int e) { return .1 * std::pow(.95, e); }, MultiplicativeLR::Lambda([](std::int64_t) { return .95; }));
  check_schedule<LinearLR>([](int e) { return .1 * (.2 + .6 * std::min(e, 10) / 10); }, .2, .8, 10);
  check_schedule<ConstantLR>([](int e) { return e < 4 ? .025 : .1; }, .25, 4);
  check_schedule<PolynomialLR>([](int e) { return .1 * std::pow(1 - std::min(e, 8) / 8., 2); }, 8, 2.0);
}

TEST_CASE("schedulers: cosines") {
  check_schedule<CosineAnnealingLR>([](int e) { return .01 + .09 * (1 + std::cos(pi * e / 6)) / 2; }, 6, .01);
  check_schedule<CosineAnnealingWarmRestarts>([](int e) { return .01 + .09 * (1 + std::cos(pi * (e % 5) / 5)) / 2; }, 5, 1, .01);
  const auto doubling = [](double e) {
    double length = 2;
    while (e >= length) {
      e -= length;
      length *= 2;
    }
    return .1 * (1 + std::cos(pi * e / length)) / 2;
  };
  check_schedule<CosineAnnealingWarmRestarts>([&](int e) { return doubling(e); }, 2, 2);
  SGD opt = make();
  CosineAnnealingWarmRestarts s(opt, 2, 2);
  opt.step();
  for (int i = 1; i < 40; ++i) {
    s.step(.35 * i);
    CHECK(s.get_last_lr()[0] == doctest::Approx(doubling(.35 * i)));
  }
  CHECK(s.last_epoch() == 13);
}

TEST_CASE("schedulers: cycles of rate and momentum") {
  const auto triangle = [](int e, int up, int down) {
    const int x = e % (up + down);
    return x <= up ? double(x) / up : 1 - double(x - up) / down;
  };
  check_schedule<CyclicLR>([&](int e) { return .02 + .08 * triangle(e, 4, 4); }, .02, .1, 4);
  check_schedule<CyclicLR>([&](int e) { return .02 + .08 * triangle(e, 2, 3) / std::pow(2, e / 5); }, .02, .1, 2, 3, "triangular2");
  check_schedule<CyclicLR>([&](int e) { return .02 + .08 * triangle(e, 4, 4) * std::pow(.9, e); }, .02, .1, 4, -1, "exp_range", .9);
  SGD opt = make();
  CyclicLR s(opt, .02, .1, 4);
  CHECK(momentum_of(opt) == .9);
  opt.step();
  for (int i = 0; i < 4; ++i) s.step();
  CHECK(momentum_of(opt) == doctest::Approx(.8));
  Adam adam({leaf({1})});
  CyclicLR t(adam, .02, .1, 4);
  CHECK(std::get<0>(static_cast<AdamOptions&>(adam.param_groups()[0].options()).betas()) == doctest::Approx(.9));
}

TEST_CASE("schedulers: one cycle") {
  const auto cosine = [](double a, double b, double x) { return b + (a - b) / 2 * (1 + std::cos(pi * x)); };
  const auto line = [](double a, double b, double x) { return a + (b - a) * x; };
  SGD opt = make();
  OneCycleLR s(opt, 1, 20);
  const double low = 1. / 25, last = low / 1e4;
  CHECK(momentum_of(opt) == doctest::Approx(.95));
  check_rates(rates(opt, s, 20), [&](int e) { return e <= 5 ? cosine(low, 1, e / 5.) : cosine(1, last, (e - 5) / 14.); });
  CHECK(s.last_epoch() == 20);
  const std::vector<double> before = s.get_last_lr();
  CHECK(has(error_of<ct::ValueError>([&] { s.step(); }), "Tried to step 21 times. The specified number of total steps is 20"));
  CHECK(s.last_epoch() == 20);
  CHECK(s.get_last_lr() == before);

  SGD three = make();
  OneCycleLR t(three, 1, 20, .3, "linear", true, .8, .9, 10, 100, true);
  const std::vector<double> got = rates(three, t, 6);
  CHECK(momentum_of(three) == doctest::Approx(.8 + .1 / 5));
  check_rates(got, [&](int e) { return line(.1, 1, e / 5.); });
  check_rates(rates(three, t, 14), [&](int e) { return e <= 4 ? line(1, .1, (e + 1) / 5.) : line(.1, .001, (e - 4) / 9.); });
}

TEST_CASE("schedulers: on plateaus") {
  SGD opt = make(1);
  ReduceLROnPlateau s(opt, "min", .5, 1, .1, "rel", 2, .2);
  const double metric[] = {10, 9.5, 9.2, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8};
  //       best 10, two bad: 0.5, then two epochs of rest ..
  const double expected[] = {1, 1, .5, .5, .5, .5, .25, .25, .25, .25, .2, .2, .2, .2, .2};
  for (int i = 0; i < 15; ++i) {
    CAPTURE(i);
    s.step(ct::tensor(metric[i]));
    CHECK(s.get_last_lr()[0] == doctest::Approx(expected[i]));
    CHECK(opt.param_groups()[0].options().get_lr() == s.get_last_lr()[0]);
  }
  CHECK(s.best() == 8);
  SGD other = make(1);
  ReduceLROnPlateau t(other, "max", .1, 0, .5, "abs");
  t.step(1);
  t.step(1.6);
  CHECK(t.get_last_lr()[0] == 1);
  t.step(2);
  CHECK(t.get_last_lr()[0] == doctest::Approx(.1));
  t.step(std::nan(""));  // never better
  CHECK(t.get_last_lr()[0] == doctest::Approx(.01));
}

TEST_CASE("schedulers: one after the other, and several at once") {
  {
    SGD opt = make();
    ConstantLR warm(opt, .1, 100);
    ExponentialLR then(opt, .9);
    StepLR last(opt, 2, .5);
    SequentialLR s(opt, {&warm, &then, &last}, {3, 8});
    check_rates(rates(opt, s, 16), [](int e) { return e < 3 ? .01 : e < 8 ? .1 * std::pow(.9, e - 3) : .1 * std::pow(.5, (e - 8) / 2); });
    CHECK(s.last_epoch() == 16);
  }
  {
    SGD opt = make();
    ConstantLR warm(opt, .1, 2);
    ExponentialLR then(opt, .9);
    ChainedScheduler s({&warm, &then});
    check_rates(rates(opt, s, 10), [](int e) { return (e < 2 ? .01 : .1) * std::pow(.9, e); });
  }
}

TEST_CASE("schedulers: each group goes from its own rate") {
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{leaf({1})});
  groups.emplace_back(std::vector<Tensor>{leaf({1})}, SGDOptions(2));
  SGD opt(groups, SGDOptions(1));
  LambdaLR s(opt, std::vector<LambdaLR::Lambda>{[](std::int64_t e) { return std::pow(.5, e); }, [](std::int64_t) { return 3.; }});
  CHECK(s.get_last_lr() == std::vector<double>{1, 6});
  opt.step();
  s.step();
  CHECK(s.get_last_lr() == std::vector<double>{.5, 6});
  CHECK(*opt.param_groups()[1].initial_lr == 2);
  CHECK(opt.param_groups()[1].options().get_lr() == 6);
  CHECK(opt.defaults().get_lr() == 1);
}

TEST_CASE("schedulers: the first step before the optimizer's is warned of, once") {
  const ct::WarningHandler before = ct::set_warning_handler([](std::string_view m) { last_warning = m; });
  last_warning.clear();
  SGD opt = make();
  opt.step();  // steps before the scheduler was made do not count
  StepLR s(opt, 3);
  s.step();
  CHECK(has(last_warning, "Detected call of `lr_scheduler.step()` before `optimizer.step()`"));
  last_warning.clear();
  s.step();
  CHECK(last_warning.empty());
  StepLR right(opt, 3);
  opt.step();
  right.step();
  CHECK(last_warning.empty());
  ct::set_warning_handler(before);
}

TEST_CASE("schedulers: arguments are checked, and an error of the caller's function changes nothing") {
  SGD opt = make(), plain({leaf({1})}, SGDOptions(1));
  Adagrad without({leaf({1})});
  CHECK(has(error_of<ct::ValueError>([&] { StepLR(opt, 0); }), "Expected positive integer step_size, but got 0"));
  CHECK(has(error_of([&] { LinearLR(opt, 0); }), "Starting multiplicative factor expected to be greater than 0 and less or equal to 1"));
  CHECK(has(error_of([&] { LinearLR(opt, .5, 2); }), "Ending multiplicative factor expected to be between 0 and 1"));
  CHECK(has(error_of([&] { ConstantLR(opt, 2); }), "Constant multiplicative factor expected to be between 0 and 1"));
  CHECK(has(error_of([&] { CosineAnnealingWarmRestarts(opt, 0); }), "Expected positive integer T_0, but got 0"));
  CHECK(has(error_of([&] { CosineAnnealingWarmRestarts(opt, 1, 0); }), "Expected integer T_mult >= 1, but got 0"));
  CHECK(has(error_of([&] { CyclicLR(opt, .1, 1, 4, -1, "square"); }), "mode is invalid"));
  CHECK(has(error_of([&] { CyclicLR(without, .1, 1); }), "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"));
  CHECK(has(error_of([&] { OneCycleLR(opt, 1, 0); }), "Expected positive integer total_steps, but got 0"));
  CHECK(has(error_of([&] { OneCycleLR(opt, 1, 9, 2); }), "Expected float between 0 and 1 pct_start, but got 2"));
  CHECK(has(error_of([&] { OneCycleLR(opt, 1, 9, .3, "exp"); }), "'cos' or 'linear', instead got exp"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(opt, "min", 1); }), "Factor should be < 1.0"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(opt, "low"); }), "mode low is unknown!"));
  CHECK(has(error_of([&] { ReduceLROnPlateau(opt, "min", .1, 1, .1, "no"); }), "threshold mode no is unknown!"));
  CHECK(has(error_of([&] { LambdaLR(opt, std::vector<LambdaLR::Lambda>{}); }), "Expected 1 lr_lambdas, but got 0"));
  StepLR a(opt, 1), b(plain, 1);
  CHECK(has(error_of([&] { SequentialLR(opt, {&a, &b}, {1}); }), "expects all schedulers to belong to the same optimizer"));
  CHECK(has(error_of([&] { SequentialLR(opt, {&a}, {1}); }), "got number of schedulers 1 and the number of milestones to be equal to 1"));
  CHECK(has(error_of([&] { ChainedScheduler({}); }), "expects at least one scheduler"));
  SGD other = make(2);
  LambdaLR fails(other, LambdaLR::Lambda([](std::int64_t e) -> double { return e == 1 ? throw std::runtime_error("mine") : 1; }));
  other.step();
  CHECK_THROWS_AS(fails.step(), std::runtime_error);
  CHECK(fails.last_epoch() == 0);
  CHECK(other.param_groups()[0].options().get_lr() == 2);
}
