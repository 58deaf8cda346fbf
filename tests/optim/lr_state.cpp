// tests/optim/lr_state.cpp -- schedulers that are saved, nested, of several groups, or written by the program.
#include "optim/check_optim.h"

#include <cmath>
#include <memory>

#include "cotangent/ivalue.h"

using ct::Tensor;
using namespace ct::optim;

namespace {

SGD make(double lr = .1) { return SGD({leaf({1})}, SGDOptions(lr).momentum(.9)); }
SGD two_groups() {
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{leaf({1})});
  groups.emplace_back(std::vector<Tensor>{leaf({1})}, SGDOptions(2).momentum(.5));
  return SGD(groups, SGDOptions(1).momentum(.9));
}
double rate_of(const Optimizer& o, std::size_t g = 0) { return o.param_groups()[g].options().get_lr(); }
double momentum_of(const Optimizer& o, std::size_t g = 0) { return *o.param_groups()[g].options().get_momentum(); }
template <class S>
void advance(Optimizer& o, S& s) {
  o.step();
  if constexpr (std::is_same_v<S, ReduceLROnPlateau>) s.step(1.0);
  else s.step();
}

// Saved after some steps and loaded into a new one, a scheduler goes on as if nothing had happened.
template <class Make>
void check_saved(const char* name, const Make& make_one) {
  CAPTURE(std::string(name));
  for (const int before : {0, 1, 4, 9}) {
    SGD a = make(), b = make();
    auto s = make_one(a);
    for (int i = 0; i < before; ++i) advance(a, *s);
    const auto state = s->state_dict();
    auto t = make_one(b);
    t->load_state_dict(state);
    b.param_groups()[0].options().set_lr(rate_of(a));
    b.param_groups()[0].options().set_momentum(momentum_of(a));
    CHECK(t->get_last_lr() == s->get_last_lr());
    for (int i = 0; i < 9; ++i) {
      advance(a, *s);
      advance(b, *t);
      CHECK(rate_of(a) == doctest::Approx(rate_of(b)).epsilon(1e-14));
      CHECK(momentum_of(a) == doctest::Approx(momentum_of(b)).epsilon(1e-14));
    }
  }
}
template <class S>
std::unique_ptr<S> only(S* s) { return std::unique_ptr<S>(s); }

}  // namespace

#define CHECK_SAVED(Name, ...) check_saved(#Name, [](Optimizer& o) { return only(new Name(o, __VA_ARGS__)); })

TEST_CASE("schedulers are saved and loaded") {
  CHECK_SAVED(StepLR, 3, .5);
  CHECK_SAVED(MultiStepLR, {2, 5}, .5);
  CHECK_SAVED(ExponentialLR, .9);
  CHECK_SAVED(CosineAnnealingLR, 6, .01);
  CHECK_SAVED(CosineAnnealingWarmRestarts, 3, 2, .01);
  CHECK_SAVED(LinearLR, .2, .8, 7);
  CHECK_SAVED(ConstantLR, .2, 6);
  CHECK_SAVED(PolynomialLR, 8, 2);
  CHECK_SAVED(CyclicLR, .1, 1, 3, 4, "triangular2");
  CHECK_SAVED(OneCycleLR, 1, 30, .4, "linear", true, .8, .9, 10, 100, true);
  CHECK_SAVED(ReduceLROnPlateau, "max", .5, 1, .1, "abs", 1, .001);
}

TEST_CASE("one number for each group") {
  {
    SGD opt = two_groups();
    CyclicLR s(opt, {.1, .2}, {1, 3}, 4, -1, "triangular", 1, true, {.8, .3}, {.9, .6});
    CHECK(s.get_last_lr() == std::vector<double>{.1, .2});
    for (int i = 0; i < 4; ++i) advance(opt, s);
    CHECK(rate_of(opt, 0) == doctest::Approx(1));
    CHECK(rate_of(opt, 1) == doctest::Approx(3));
    CHECK(momentum_of(opt, 0) == doctest::Approx(.8));
    CHECK(momentum_of(opt, 1) == doctest::Approx(.3));
    CHECK(error_of<ct::ValueError>([&] { CyclicLR(opt, .1, {1, 2, 3}); }).find("CyclicLR: expected 2 values for max_lr, got 3") != std::string::npos);
  }
  {
    SGD opt = two_groups();
    OneCycleLR s(opt, {1, 5}, 10, .5, "linear", true, {.8, .2}, {.9, .7}, 10);
    CHECK(s.get_last_lr()[0] == doctest::Approx(.1));
    CHECK(s.get_last_lr()[1] == doctest::Approx(.5));
    for (int i = 0; i < 4; ++i) advance(opt, s);
    CHECK(rate_of(opt, 0) == doctest::Approx(1));
    CHECK(rate_of(opt, 1) == doctest::Approx(5));
    CHECK(momentum_of(opt, 1) == doctest::Approx(.2));
  }
  {
    SGD opt = two_groups();
    ReduceLROnPlateau s(opt, "min", .1, 0, 1e-4, "rel", 0, {.05, .5});
    for (int i = 0; i < 5; ++i) s.step(1.0);
    CHECK(s.get_last_lr() == std::vector<double>{.05, .5});
    CHECK(error_of<ct::ValueError>([&] { ReduceLROnPlateau(opt, "min", .1, 0, 1e-4, "rel", 0, {.05}); }).find("expected 2 values for min_lr, got 1") !=
          std::string::npos);
  }
}

TEST_CASE("a cycle with a scale of the program's") {
  for (const char* mode : {"cycle", "iterations"}) {
    SGD opt = make();
    CyclicLR s(opt, 1, 2, 2, 2, "triangular", 1, false, .8, .9, [](double x) { return 1 / (1 + x); }, mode);
    const bool by_cycle = std::string(mode) == "cycle";
    for (int e = 0; e < 12; ++e) {
      const double height[] = {0, .5, 1, .5};
      CHECK(rate_of(opt) == doctest::Approx(1 + height[e % 4] / (1 + (by_cycle ? 1 + e / 4 : e))));
      advance(opt, s);
    }
  }
  SGD opt = make();
  CHECK(error_of<ct::ValueError>([&] { CyclicLR(opt, 1, 2, 2, 2, "triangular", 1, false, .8, .9, nullptr, "epoch"); }).find("scale_mode is invalid: 'epoch'") !=
        std::string::npos);
}

TEST_CASE("schedulers of schedulers") {
  {
    // Warm up, then two phases that are one scheduler.
    SGD opt = make(1);
    ConstantLR warm(opt, .1, 100);
    ExponentialLR fall(opt, .5);
    ConstantLR rest(opt, .25, 100);
    SequentialLR later(opt, {&fall, &rest}, {3});
    SequentialLR all(opt, {&warm, &later}, {2});
    const double expected[] = {.1, .1, 1, .5, .25, .25, .25, .25};
    for (int e = 0; e < 8; ++e) {
      CAPTURE(e);
      CHECK(rate_of(opt) == doctest::Approx(expected[e]));
      CHECK(all.get_last_lr()[0] == rate_of(opt));
      advance(opt, all);
    }
    CHECK(all.last_epoch() == 8);
  }
  {
    // Two at once, after another one, and saved in the middle.
    const auto build = [](SGD& opt, std::vector<std::unique_ptr<LRScheduler>>& own) -> LRScheduler& {
      own.push_back(only<LRScheduler>(new ConstantLR(opt, .1, 100)));
      own.push_back(only<LRScheduler>(new ExponentialLR(opt, .5)));
      own.push_back(only<LRScheduler>(new ConstantLR(opt, .5, 2)));
      own.push_back(only<LRScheduler>(new ChainedScheduler({own[1].get(), own[2].get()})));
      own.push_back(only<LRScheduler>(new SequentialLR(opt, {own[0].get(), own[3].get()}, {2})));
      return *own[4];
    };
    SGD opt = make(1), other = make(1);
    std::vector<std::unique_ptr<LRScheduler>> own, more;
    LRScheduler &s = build(opt, own), &t = build(other, more);
    const double expected[] = {.1, .1, .5, .25, .25, .125, .0625, .03125};
    for (int e = 0; e < 8; ++e) {
      CAPTURE(e);
      CHECK(rate_of(opt) == doctest::Approx(expected[e]));
      if (e == 4) {
        const auto state = s.state_dict();
        CHECK(state["_schedulers"][1]["_schedulers"].size() == 2);
        t.load_state_dict(state);
        other.param_groups()[0].options().set_lr(rate_of(opt));
      }
      if (e > 4) CHECK(rate_of(other) == doctest::Approx(expected[e]));
      advance(opt, s);
      if (e >= 4) advance(other, t);
    }
  }
}

namespace {

// As a program for libtorch writes one.
class Halving : public LRScheduler {
 public:
  explicit Halving(Optimizer& optimizer) : LRScheduler(optimizer) {}

 private:
  std::vector<double> get_lrs() override {
    std::vector<double> lrs = get_current_lrs();
    if (step_count_ > 0)
      for (double& lr : lrs) lr /= 2;
    return lrs;
  }
};

}  // namespace

TEST_CASE("a scheduler of the program's, in libtorch's form") {
  SGD opt = make(1);
  Halving s(opt);
  const double expected[] = {1, 1, .5, .25};
  for (double rate : expected) {
    CHECK(rate_of(opt) == rate);
    advance(opt, s);
  }
}
