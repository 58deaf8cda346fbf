// tests/oracle/optim_oracle.cpp -- 100 steps of each optimizer that libtorch has, beside libtorch's: a quadratic, a small network.
#include "oracle/oracle.h"

#include <ATen/core/ivalue.h>
#include <torch/optim.h>

#include <cmath>
#include <functional>
#include <memory>

#include "cotangent/cotangent.h"
#include "cotangent/optim.h"

namespace {

// The same program on both sides; the functions are found by the tensors.
// sum of i w_i^2 / 2 over entries, with a coupling.
template <class T>
T quadratic(const std::vector<T>& p, const std::vector<T>& data) {
  return (data[0] * p[0] * p[0]).sum() * 0.5 + p[0].sum() * p[0].sum() * 0.1 + (p[1] * p[1]).sum() - p[1].sum();
}
// The squared error of a 2-8-1 network.
template <class T>
T network(const std::vector<T>& p, const std::vector<T>& data) {
  return ((tanh(data[1].mm(p[0]) + p[1]).mm(p[2]) + p[3]) - data[2]).square().mean();
}

std::vector<double> wave(std::int64_t n, double phase) {
  std::vector<double> v;
  for (std::int64_t i = 0; i < n; ++i) v.push_back(std::sin(1.7 * static_cast<double>(i) + phase));
  return v;
}
template <class T, class Make>
std::vector<T> inputs(bool net, const Make& make) {
  if (net) return {make(16, {2, 8}, .3), make(8, {8}, 1.), make(8, {8, 1}, 2.), make(1, {1}, .1)};
  return {make(5, {5}, 1.), make(4, {2, 2}, .5)};
}

struct Case {
  std::function<std::unique_ptr<ct::optim::Optimizer>(std::vector<ct::Tensor>)> ours;
  std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<at::Tensor>)> theirs;
  const char* name;
  int steps = 100;
  double tolerance = 1e-9;  // in float64
};

void compare(const Case& c, bool net, bool single) {
  const std::string name = c.name;
  CAPTURE(name);
  CAPTURE(net);
  CAPTURE(single);
  const ct::ScalarType to = single ? ct::kFloat : ct::kDouble;
  const at::ScalarType tt = single ? at::kFloat : at::kDouble;
  const auto ours = [&](std::int64_t n, std::vector<std::int64_t> sizes, double phase) {
    return ct::tensor(wave(n, phase), ct::kDouble).view(sizes).to(to);
  };
  const auto theirs = [&](std::int64_t n, std::vector<std::int64_t> sizes, double phase) {
    return at::tensor(wave(n, phase), at::kDouble).view(sizes).to(tt);
  };
  std::vector<ct::Tensor> p = inputs<ct::Tensor>(net, ours);
  std::vector<at::Tensor> q = inputs<at::Tensor>(net, theirs);
  const std::vector<ct::Tensor> d{ct::arange(1, 6, 1, ct::dtype(to)), ours(32, {16, 2}, .7), ours(16, {16, 1}, 2.2)};
  const std::vector<at::Tensor> e{at::arange(1, 6, 1, tt), theirs(32, {16, 2}, .7), theirs(16, {16, 1}, 2.2)};
  for (const ct::Tensor& t : p) t.requires_grad_();
  for (const at::Tensor& t : q) t.requires_grad_();
  const auto a = c.ours(p);
  const auto b = c.theirs(q);
  for (int step = 0; step < c.steps; ++step) {
    const ct::Tensor la = a->step([&] {
      a->zero_grad();
      const ct::Tensor l = net ? network(p, d) : quadratic(p, d);
      l.backward();
      return l;
    });
    const at::Tensor lb = b->step([&] {
      b->zero_grad();
      const at::Tensor l = net ? network(q, e) : quadratic(q, e);
      l.backward();
      return l;
    });
    CAPTURE(step);
    const double difference = la.item<double>() - lb.item().toDouble();
    CAPTURE(difference);
    REQUIRE(la.item<double>() == doctest::Approx(lb.item().toDouble()).epsilon(single ? 1e-3 : c.tolerance));
  }
  for (std::size_t i = 0; i < p.size(); ++i) {
    const ct::Tensor v = p[i].detach().to(ct::kDouble).contiguous();
    const at::Tensor w = q[i].detach().to(at::kDouble).contiguous();
    double worst = 0;
    for (std::int64_t k = 0; k < v.numel(); ++k)
      worst = std::max(worst, std::abs(v.data_ptr<double>()[k] - w.data_ptr<double>()[k]));
    CHECK(worst < (single ? 2e-4 : c.tolerance));
  }
}

#define CT_CASE(Name, ...)                                                                                                     \
  Case {                                                                                                                       \
    [](std::vector<ct::Tensor> p) { using namespace ct::optim; return std::make_unique<Name>(std::move(p), __VA_ARGS__); },    \
    [](std::vector<at::Tensor> p) { using namespace torch::optim; return std::make_unique<Name>(std::move(p), __VA_ARGS__); }, \
    #__VA_ARGS__                                                                                                               \
  }

void compare(const std::vector<Case>& cases) {
  for (const Case& c : cases)
    for (const bool net : {false, true})
      for (const bool single : {false, true}) compare(c, net, single);
}

}  // namespace

TEST_CASE("optim: 100 steps as libtorch's SGD, Adam and AdamW take them") {
  compare({
      CT_CASE(SGD, SGDOptions(.05)),
      CT_CASE(SGD, SGDOptions(.02).momentum(.9)),
      CT_CASE(SGD, SGDOptions(.02).momentum(.9).dampening(.5).weight_decay(.1)),
      CT_CASE(SGD, SGDOptions(.02).momentum(.9).nesterov(true).weight_decay(.01)),
      CT_CASE(Adam, AdamOptions(.02)),
      CT_CASE(Adam, AdamOptions(.02).betas({.8, .95}).eps(1e-4).weight_decay(.1)),
      CT_CASE(Adam, AdamOptions(.05).amsgrad(true)),
      CT_CASE(AdamW, AdamWOptions(.02)),
      CT_CASE(AdamW, AdamWOptions(.02).betas({.8, .95}).weight_decay(.3).amsgrad(true)),
  });
}

TEST_CASE("optim: 100 steps as libtorch's RMSprop and Adagrad take them") {
  compare({
      CT_CASE(RMSprop, RMSpropOptions(.01)),
      CT_CASE(RMSprop, RMSpropOptions(.01).alpha(.9).eps(.1).weight_decay(.1)),
      CT_CASE(RMSprop, RMSpropOptions(.005).momentum(.8).eps(1e-3)),
      CT_CASE(RMSprop, RMSpropOptions(.01).centered(true).eps(1e-3)),
      CT_CASE(RMSprop, RMSpropOptions(.005).centered(true).momentum(.5).eps(1e-2)),
      CT_CASE(Adagrad, AdagradOptions(.1)),
      CT_CASE(Adagrad, AdagradOptions(.1).lr_decay(.01).weight_decay(.1).initial_accumulator_value(.5).eps(1e-6)),
  });
}

TEST_CASE("optim: L-BFGS follows libtorch's, with and without line search") {
  const std::vector<Case> cases{
      CT_CASE(LBFGS, LBFGSOptions(.1).max_iter(4)),
      CT_CASE(LBFGS, LBFGSOptions(.5).max_iter(5).history_size(3)),
      CT_CASE(LBFGS, LBFGSOptions(1).max_iter(4).line_search_fn("strong_wolfe")),
      CT_CASE(LBFGS, LBFGSOptions(1).max_iter(6).max_eval(9).history_size(2).line_search_fn("strong_wolfe")),
  };
  for (Case c : cases) {
    compare(c, false, false);
    c.steps = 6;         // rounding grows tenfold in each of these, in both libraries
    c.tolerance = 1e-7;
    compare(c, true, false);
  }
}
