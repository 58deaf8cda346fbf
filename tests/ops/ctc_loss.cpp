// tests/ops/ctc_loss.cpp -- CTC against the sum over all alignments, its derivatives, vmap, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "cotangent/autograd.h"
#include "cotangent/func.h"
#include "cotangent/gradcheck.h"
#include "cotangent/nn/functional.h"
#include "cotangent/ops/loss.h"

namespace {

using ct::Tensor;
namespace F = ct::nn::functional;

// What is left of an alignment without repeats and blanks.
std::vector<std::int64_t> collapsed(const std::vector<std::int64_t>& path, std::int64_t blank) {
  std::vector<std::int64_t> out;
  for (std::size_t t = 0; t < path.size(); ++t)
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) out.push_back(path[t]);
  return out;
}

double by_enumeration(const Tensor& log_probs, const std::vector<std::int64_t>& target, std::int64_t blank) {
  const std::int64_t T = log_probs.size(0), C = log_probs.size(1);
  double total = 0;
  std::int64_t paths = 1;
  for (std::int64_t t = 0; t < T; ++t) paths *= C;
  for (std::int64_t k = 0; k < paths; ++k) {
    std::vector<std::int64_t> path;
    double p = 0;
    for (std::int64_t t = 0, rest = k; t < T; ++t, rest /= C) {
      path.push_back(rest % C);
      p += log_probs[t][rest % C].item<double>();
    }
    if (collapsed(path, blank) == target) total += std::exp(p);
  }
  return -std::log(total);
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("ctc_loss is the sum over all alignments") {
  ct::manual_seed(3);
  for (const std::int64_t blank : {0, 2})
    for (const std::vector<std::int64_t>& labels : {std::vector<std::int64_t>{1}, {1, 1}, {1, blank == 2 ? 0 : 2}, {1, blank == 2 ? 0 : 2, 1}, {}}) {
      const Tensor x = ct::randn({5, 3}, ct::kDouble).log_softmax(1);
      const auto n = static_cast<std::int64_t>(labels.size());
      const Tensor target = labels.empty() ? ct::empty({0}, ct::kLong) : ct::tensor(labels, ct::kLong);
      const Tensor loss = ct::ctc_loss(x, target, ct::tensor(5), ct::tensor(n), blank, ct::Reduction::None);
      CHECK(loss.dim() == 0);
      CHECK(loss.item<double>() == doctest::Approx(by_enumeration(x, labels, blank)).epsilon(1e-12));
    }
}

TEST_CASE("ctc_loss: both layouts of targets, lengths, reductions") {
  ct::manual_seed(4);
  const Tensor x = ct::randn({6, 2, 4}, ct::kDouble).log_softmax(2);
  const Tensor padded = ct::tensor({{1, 2, 0}, {3, 3, 1}}), joined = ct::tensor({1, 2, 3, 3, 1}), steps = ct::tensor({4, 6}), lengths = ct::tensor({2, 3});
  const Tensor each = ct::ctc_loss(x, padded, steps, lengths, 0, ct::Reduction::None);
  CHECK(ct::equal(each, ct::ctc_loss(x, joined, steps, lengths, 0, ct::Reduction::None)));
  CHECK(ct::equal(each, ct::ctc_loss(x, joined, {4, 6}, {2, 3}, 0, ct::Reduction::None)));
  CHECK(each[0].item<double>() == doctest::Approx(by_enumeration(x.select(1, 0).slice(0, 0, 4), {1, 2}, 0)).epsilon(1e-12));
  CHECK(ct::allclose(ct::ctc_loss(x, padded, steps, lengths, 0, ct::Reduction::Sum), each.sum()));
  CHECK(ct::allclose(ct::ctc_loss(x, padded, steps, lengths), (each / ct::tensor({2.0, 3.0}, ct::kDouble)).mean()));
  CHECK(ct::equal(F::ctc_loss(x, padded, steps, lengths, F::CTCLossFuncOptions().reduction(ct::kNone)), each));
}

TEST_CASE("ctc_loss: the gradient is that of log_softmax's input") {
  ct::manual_seed(5);
  const Tensor x = ct::randn({5, 2, 4}, ct::kDouble).requires_grad_(), target = ct::tensor({{1, 2}, {3, 3}});
  const auto loss = [&](const std::vector<Tensor>& in) {
    return ct::ctc_loss(in[0].log_softmax(2), target, {4, 5}, {2, 2}, 0, ct::Reduction::None);
  };
  CHECK(ct::autograd::gradcheck([&](const std::vector<Tensor>& in) { return std::vector<Tensor>{loss(in)}; }, {x}));
  // Forward mode agrees with reverse mode.
  const Tensor t = ct::randn({5, 2, 4}, ct::kDouble), w = ct::tensor({0.5, -2.0}, ct::kDouble);
  const auto [value, tangent] = ct::func::jvp([&](const Tensor& v) { return loss({v}); }, x.detach(), t);
  const Tensor g = ct::autograd::grad({loss({x})}, {x}, {w})[0];
  CHECK((tangent * w).sum().item<double>() == doctest::Approx((g * t).sum().item<double>()).epsilon(1e-10));
  // Once only.
  const Tensor again = ct::autograd::grad({loss({x}).sum()}, {x}, {}, true, true)[0];
  CHECK(message([&] { again.square().sum().backward(); }).find("the derivative for 'ctc_loss_backward' is not implemented") != std::string::npos);
}

TEST_CASE("ctc_loss: targets that are too long") {
  const Tensor x = ct::randn({2, 1, 3}, ct::kDouble).requires_grad_(), target = ct::tensor({{1, 1}});
  CHECK(std::isinf(ct::ctc_loss(x.log_softmax(2), target, {2}, {2}).item<double>()));
  const Tensor zero = ct::ctc_loss(x.log_softmax(2), target, {2}, {2}, 0, ct::Reduction::Mean, true);
  CHECK(zero.item<double>() == 0);
  zero.backward();
  CHECK(ct::equal(x.grad(), ct::zeros({2, 1, 3}, ct::kDouble)));
  CHECK(ct::ctc_loss(x.detach(), ct::empty({1, 0}, ct::kLong), {0}, {0}, 0, ct::Reduction::Sum).item<double>() == 0);
}

TEST_CASE("ctc_loss under vmap is a loop") {
  ct::manual_seed(6);
  const Tensor x = ct::randn({3, 5, 2, 4}, ct::kDouble).log_softmax(3), targets = ct::randint(1, 4, {3, 2, 2}, ct::kLong);
  const Tensor steps = ct::tensor({5, 4}), lengths = ct::tensor({{2, 1}, {0, 2}, {1, 1}});
  const auto f = [&](const Tensor& a, const Tensor& b, const Tensor& c) { return ct::ctc_loss(a, b, steps, c, 0, ct::Reduction::None); };
  const Tensor all = ct::func::vmap(f)(x, targets, lengths);
  const Tensor grads = ct::func::vmap(ct::func::grad([&](const Tensor& a, const Tensor& b, const Tensor& c) { return f(a, b, c).sum(); }))(x, targets, lengths);
  for (int e = 0; e < 3; ++e) {
    CHECK(ct::allclose(all[e], f(x[e], targets[e], lengths[e])));
    CHECK(ct::allclose(grads[e], ct::func::grad([&](const Tensor& a) { return f(a, targets[e], lengths[e]).sum(); })(x[e])));
  }
}

TEST_CASE("ctc_loss: errors") {
  const Tensor x = ct::zeros({4, 2, 3}), target = ct::tensor({{1, 2}, {2, 1}});
  const auto fails = [&](const char* phrase, const std::function<void()>& f) {
    const std::string m = message(f);
    CAPTURE(m);
    CHECK(m.find(phrase) != std::string::npos);
  };
  fails("blank must be in label range", [&] { ct::ctc_loss(x, target, {4, 4}, {2, 2}, 3); });
  fails("Expected input_lengths to have value at most 4, but got value 5", [&] { ct::ctc_loss(x, target, {4, 5}, {2, 2}); });
  fails("input_lengths must be of size batch_size", [&] { ct::ctc_loss(x, target, {4}, {2, 2}); });
  fails("target_lengths must be of size batch_size", [&] { ct::ctc_loss(x, target, {4, 4}, {2, 2, 2}); });
  fails("Expected target_lengths to have value at least 0", [&] { ct::ctc_loss(x, target, {4, 4}, {2, -1}); });
  fails("Expected targets to have size at least", [&] { ct::ctc_loss(x, target, {4, 4}, {2, 3}); });
  fails("Expected targets to have size 3", [&] { ct::ctc_loss(x, ct::tensor({1, 2, 1, 2}), {4, 4}, {2, 1}); });
  fails("is out of bounds", [&] { ct::ctc_loss(x, target + 1, {4, 4}, {2, 2}); });
  fails("must be integral", [&] { ct::ctc_loss(x, target.to(ct::kFloat), {4, 4}, {2, 2}); });
  fails("an input is undefined", [&] { ct::ctc_loss(x, Tensor(), {4, 4}, {2, 2}); });
}
