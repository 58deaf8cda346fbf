// tests/optim/optimizer.cpp -- groups, state, zero_grad, closures, errors; SGD, Adam and AdamW step by step.
#include "optim/check_optim.h"

#include <cmath>
#include <memory>
#include <stdexcept>

using ct::Tensor;
using namespace ct::optim;

namespace {

// What three steps of f = sum(w^2)/2 from (1, -2, 3) give, to 8 digits.
template <class Opt, class Options>
void check_trajectory(const Options& options, const std::vector<std::vector<double>>& expected) {
  const Tensor w = leaf({1, -2, 3});
  Opt opt({w}, options);
  for (const auto& e : expected) {
    descend(opt, w);
    if (e.size() == 1) check_near(w, {e[0], -2 * e[0], 3 * e[0]}, 1e-12);
    else check_digits(w, e);
  }
}

}  // namespace

TEST_CASE("optim: the first steps of SGD, Adam and AdamW") {
  check_trajectory<SGD>(SGDOptions(.1), {{.9}, {.81}, {.729}});
  check_trajectory<SGD>(SGDOptions(.1).momentum(.9), {{.9}, {.72}, {.486}});
  check_trajectory<SGD>(SGDOptions(.1).momentum(.9).nesterov(true), {{.81}, {.5751}, {.327321}});
  check_trajectory<SGD>(SGDOptions(.1).momentum(.9).dampening(.5), {{.9}, {.765}, {.60525}});
  check_trajectory<SGD>(SGDOptions(.1).weight_decay(.5), {{.85}, {.7225}, {.614125}});
  check_trajectory<SGD>(SGDOptions(.1).maximize(true), {{1.1}, {1.21}, {1.331}});
  check_trajectory<Adam>(AdamOptions(.1), {{.9, -1.9, 2.9}, {.80041223, -1.8001665, 2.8001027}, {.70158627, -1.7006234, 2.7003815}});
  check_trajectory<AdamW>(AdamWOptions(.1), {{.899, -1.898, 2.897}, {.79851903, -1.7962726, 2.7942093}, {.69891118, -1.6949445, 2.6917036}});
}

TEST_CASE("optim: a step works in every floating dtype and layout, and needs no recording") {
  for (const ct::ScalarType t : {ct::kFloat, ct::kDouble, ct::kHalf, ct::kBFloat16}) {
    const Tensor w = leaf({1, -2, 3}, t);
    SGD sgd({w}, SGDOptions(.5).momentum(.5));
    descend(sgd, w, 2);
    CHECK_VALUES(w, {0, 0, 0});  // .5, then .5 - .5 (.5 + .5)
    CHECK(w.is_leaf());
    CHECK(sgd.state().at<SGDParamState>(w).momentum_buffer().scalar_type() == t);
    Adam adam({w}, AdamOptions(.25));
    w.mutable_grad() = ct::ones({3}, t);
    adam.step();
    check_near(w, {-.25, -.25, -.25}, 1e-6);
    w.mutable_grad() = ct::zeros({3}, t);  // in float16 eps would vanish and 0/0 appear
    AdamW fresh({w}, AdamWOptions(.25).weight_decay(0));
    fresh.step();
    check_near(w, {-.25, -.25, -.25}, 1e-6);
  }
  // Strides: a transposed parameter, a column, a transposed gradient.
  const Tensor data = ct::tensor({1., 2., 3., 4., 5., 6.}, ct::kDouble).view({2, 3});
  const Tensor w = data.t().requires_grad_();
  REQUIRE(!w.is_contiguous());
  w.mutable_grad() = ct::tensor({1., 2., 3., 4., 5., 6.}, ct::kDouble).view({2, 3}).t();
  SGD opt({w}, SGDOptions(1));
  opt.step();
  CHECK_VALUES(data, {0, 0, 0, 0, 0, 0});
  CHECK(!w.is_contiguous());
  const Tensor table = ct::zeros({3, 2}, ct::kDouble), column = table.detach().select(1, 1).requires_grad_();
  column.mutable_grad() = ct::ones({3}, ct::kDouble);
  Adam adam({column}, AdamOptions(1));
  adam.step();
  check_near(table.select(1, 1), {-1, -1, -1}, 1e-7);
  CHECK_VALUES(table.select(1, 0), {0, 0, 0});
  // A gradient that is the parameter's own memory.
  const Tensor self = leaf({2, 4});
  self.mutable_grad() = self.detach();
  SGD half({self}, SGDOptions(.5));
  half.step();
  CHECK_VALUES(self, {1, 2});
}

TEST_CASE("optim: long parameters are shared among threads, empty ones are fine") {
  const Tensor w = ct::ones({300001}).requires_grad_(), none = ct::ones({0}).requires_grad_();
  w.mutable_grad() = ct::ones({300001});
  none.mutable_grad() = ct::ones({0});
  Adam opt({none, w}, AdamOptions(.5));
  opt.step();
  CHECK((w - .5).abs().max().item<double>() < 1e-6);
}

TEST_CASE("optim: the version of a parameter moves as in PyTorch, and the error names the step") {
  const Tensor w = leaf({1, 2}), u = leaf({1, 2});
  w.mutable_grad() = ct::ones({2}, ct::kDouble);
  u.mutable_grad() = ct::ones({2}, ct::kDouble);
  SGD sgd({w}, SGDOptions(.1));
  AdamW adamw({u});
  const std::int64_t before = w._version(), also = u._version();
  sgd.step();
  adamw.step();
  CHECK(w._version() == before + 1);
  CHECK(u._version() == also + 2);
  const Tensor strided = ct::zeros({2, 2}, ct::kDouble).t().requires_grad_();
  strided.mutable_grad() = ct::ones({2, 2}, ct::kDouble);
  SGD other({strided}, SGDOptions(.1));
  const std::int64_t third = strided._version();
  other.step();
  CHECK(strided._version() == third + 1);
  const Tensor y = (w * w).sum();
  sgd.step();
  const std::string text = error_of([&] { y.backward(); });
  CHECK(has(text, "modified by an inplace operation"));
  CHECK(has(text, "SGD.step"));
}

TEST_CASE("optim: parameters without a gradient are skipped and get no state") {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4});
  Adam opt({a, b}, AdamOptions(.1));
  b.mutable_grad() = ct::ones({2}, ct::kDouble);
  opt.step();
  CHECK_VALUES(a, {1, 2});
  CHECK(opt.state().size() == 1);
  CHECK(opt.state().count(b) == 1);
  CHECK(opt.state().at<AdamParamState>(b).step() == 1);
  CHECK(has(error_of<ct::IndexError>([&] { opt.state().at(a); }), "no state for this tensor"));
  a.mutable_grad() = ct::ones({2}, ct::kDouble);
  opt.step();  // the states are now in another order than the parameters
  opt.step();
  CHECK(opt.state().at<AdamParamState>(b).step() == 3);
  CHECK(opt.state().at<AdamParamState>(a).step() == 2);
  check_near(a, {.8, 1.8}, 1e-6);
  check_near(b, {2.7, 3.7}, 1e-6);
}

TEST_CASE("optim: the state can be read and replaced by name") {
  struct Names : StateVisitor {
    std::string text;
    void value(const char* name, Tensor& v) override { text += std::string(name) + (v.defined() ? " " : "(none) "); }
    void value(const char* name, std::int64_t& v) override { text += std::string(name) + "=" + std::to_string(v) + " "; }
    void value(const char* name, double&) override { text += std::string(name) + " "; }
    void value(const char* name, std::vector<Tensor>&) override { text += std::string(name) + " "; }
    void value(const char* name, std::vector<double>&) override { text += std::string(name) + " "; }
  } names;
  const Tensor w = leaf({1, 2});
  Adam opt({w});
  descend(opt, w, 3);
  for (const auto& entry : opt.state()) entry.state->visit(names);
  CHECK(names.text == "step=3 exp_avg exp_avg_sq max_exp_avg_sq(none) ");
  opt.state().clear();
  descend(opt, w);
  CHECK(opt.state().at<AdamParamState>(w).step() == 1);
}

TEST_CASE("optim: groups have options of their own") {
  const Tensor a = leaf({1}), b = leaf({1}), c = leaf({1});
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{a});
  groups.emplace_back(std::vector<Tensor>{b}, std::make_unique<SGDOptions>(.5));  // libtorch's way
  SGD opt(groups, SGDOptions(.1));
  opt.add_param_group({{c}, SGDOptions(.25)});
  CHECK(opt.size() == 3);
  CHECK(opt.param_groups().size() == 3);
  descend(opt, a);
  CHECK_VALUES(b, {1});
  for (const Tensor& t : {a, b, c}) t.mutable_grad() = ct::ones({1}, ct::kDouble);
  opt.step();
  check_near(a, {.8}, 1e-12);
  check_near(b, {.5}, 1e-12);
  check_near(c, {.75}, 1e-12);
  opt.param_groups()[1].options().set_lr(0);
  static_cast<SGDOptions&>(opt.param_groups()[2].options()).lr(1).weight_decay(1);
  opt.step();
  check_near(b, {.5}, 1e-12);
  check_near(c, {-1}, 1e-12);
  CHECK(opt.defaults().get_lr() == .1);
}

TEST_CASE("optim: zero_grad drops gradients, or fills them with zeros") {
  const Tensor w = leaf({1, 2}), unused = leaf({1});
  SGD opt({w, unused}, SGDOptions(.1));
  w.mutable_grad() = ct::ones({2}, ct::kDouble);
  const Tensor g = w.grad();
  opt.zero_grad(false);
  CHECK(w.grad().is_same(g));
  CHECK_VALUES(g, {0, 0});
  CHECK(!unused.grad().defined());
  opt.zero_grad();
  CHECK(!w.grad().defined());
  // A gradient that is part of a graph keeps its value there.
  const Tensor in_graph = ct::autograd::grad({w.pow(3).sum()}, {w}, {}, std::nullopt, true)[0];
  w.mutable_grad() = in_graph;
  REQUIRE(in_graph.requires_grad());
  opt.zero_grad(false);
  CHECK_VALUES(in_graph, {3, 12});
  CHECK_VALUES(w.grad(), {0, 0});
  opt.zero_grad();
}

TEST_CASE("optim: a closure runs with recording on, its value comes back and its error passes through") {
  const Tensor w = leaf({2});
  SGD opt({w}, SGDOptions(.25));
  ct::NoGradGuard off;
  const Tensor loss = opt.step([&] {
    opt.zero_grad();
    const Tensor l = (w * w).sum();
    l.backward();
    return l;
  });
  CHECK(loss.item<double>() == 4);
  check_near(w, {1}, 1e-12);
  CHECK(opt.step_count() == 1);
  CHECK_THROWS_AS(opt.step([&]() -> Tensor { throw std::runtime_error("mine"); }), std::runtime_error);
  check_near(w, {1}, 1e-12);
  CHECK(opt.step_count() == 1);
  CHECK(!ct::is_grad_enabled());
}

TEST_CASE("optim: construction checks its arguments in PyTorch's words") {
  const Tensor w = leaf({1});
  CHECK(has(error_of<ct::ValueError>([&] { SGD({w}, SGDOptions(-.1)); }), "Invalid learning rate: -0.1"));
  CHECK(has(error_of<ct::ValueError>([&] { Adam({w}, AdamOptions(-1)); }), "Invalid learning rate: -1"));
  CHECK(has(error_of([&] { SGD({w}, SGDOptions(1).momentum(-1)); }), "Invalid momentum value: -1"));
  CHECK(has(error_of([&] { SGD({w}, SGDOptions(1).weight_decay(-1)); }), "Invalid weight_decay value: -1"));
  CHECK(has(error_of([&] { SGD({w}, SGDOptions(1).nesterov(true)); }), "Nesterov momentum requires a momentum and zero dampening"));
  CHECK(has(error_of([&] { Adam({w}, AdamOptions().eps(-1)); }), "Invalid epsilon value: -1"));
  CHECK(has(error_of([&] { Adam({w}, AdamOptions().betas({1, .9})); }), "Invalid beta parameter at index 0: 1"));
  CHECK(has(error_of([&] { AdamW({w}, AdamWOptions().betas({.9, -1})); }), "Invalid beta parameter at index 1: -1"));
  CHECK(has(error_of([&] { AdamW({w}, AdamWOptions().weight_decay(-1)); }), "Invalid weight_decay value: -1"));
  CHECK(has(error_of([&] { SGD({w}, SGDOptions(std::nan(""))); }), "Invalid learning rate: nan"));
  CHECK(has(error_of<ct::ValueError>([&] { SGD(std::vector<Tensor>{}, SGDOptions(1)); }), "optimizer got an empty parameter list"));
  CHECK(has(error_of<ct::ValueError>([&] { SGD({w * 2}, SGDOptions(1)); }), "can't optimize a non-leaf Tensor"));
  CHECK(has(error_of<ct::TypeError>([&] { SGD({Tensor()}, SGDOptions(1)); }), "optimizer can only optimize Tensors"));
  SGD opt({w}, SGDOptions(1));
  CHECK(has(error_of<ct::ValueError>([&] { opt.add_param_group({{w}}); }), "some parameters appear in more than one parameter group"));
  CHECK(has(error_of<ct::ValueError>([&] { opt.add_param_group({{leaf({1})}, SGDOptions(-2)}); }), "Invalid learning rate: -2"));
  CHECK(has(error_of<ct::TypeError>([&] { opt.add_param_group({{leaf({1})}, AdamOptions()}); }), "those of another optimizer"));
  CHECK(opt.param_groups().size() == 1);
}

TEST_CASE("optim: a gradient that does not fit is found before anything changes") {
  const Tensor a = leaf({1}), b = leaf({1});
  SGD opt({a, b}, SGDOptions(1));
  a.mutable_grad() = ct::ones({1}, ct::kDouble);
  b.mutable_grad() = ct::ones({1});
  CHECK(has(error_of<ct::TypeError>([&] { opt.step(); }), "SGD.step: a parameter has dtype Double, but its gradient Float"));
  b.mutable_grad() = ct::ones({2}, ct::kDouble);
  CHECK(has(error_of([&] { opt.step(); }), "SGD.step: a parameter has sizes [1], but its gradient [2]"));
  CHECK_VALUES(a, {1});
}
