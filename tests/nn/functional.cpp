// tests/nn/functional.cpp -- losses as functions with options: values by hand, node names, warnings and errors.
#include "cotangent/nn/functional.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cotangent/func.h"
#include "cotangent/graph.h"
#include "values.h"

namespace F = ct::nn::functional;
using ct::Tensor;

namespace {

std::string last_warning;
struct Warnings {
  Warnings() {
    last_warning.clear();
    before = ct::set_warning_handler([](std::string_view m) { last_warning = std::string(m); });
  }
  ~Warnings() { ct::set_warning_handler(before); }
  ct::WarningHandler before;
};

// The gradient of y in x.
Tensor gradient(const Tensor& y, const Tensor& x) { return ct::autograd::grad({y}, {x})[0]; }
Tensor variable(std::initializer_list<double> v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
bool near(const Tensor& x, std::initializer_list<double> v) { return ct::allclose(x.detach(), ct::tensor(v, ct::kDouble), 1e-12, 1e-12); }
bool near(const Tensor& x, double v) { return std::abs(x.item<double>() - v) < 1e-12 * (1 + std::abs(v)); }

}  // namespace

TEST_CASE("losses of differences: values, gradients, reductions and node names") {
  const Tensor x = variable({1, 2, 6}), t = ct::tensor({1.5, 2.0, 3.0}, ct::kDouble);
  CHECK(near(F::mse_loss(x, t), 9.25 / 3));
  CHECK(near(F::mse_loss(x, t, ct::kSum), 9.25));
  CHECK(near(F::mse_loss(x, t, F::MSELossFuncOptions().reduction(ct::kNone)), {0.25, 0, 9}));
  CHECK(near(gradient(F::mse_loss(x, t), x), {-1.0 / 3, 0, 2}));
  CHECK(near(F::l1_loss(x, t, ct::kSum), 3.5));
  CHECK(near(gradient(F::l1_loss(x, t, ct::kSum), x), {-1, 0, 1}));
  CHECK(near(F::smooth_l1_loss(x, t, F::SmoothL1LossFuncOptions(ct::kNone)), {0.125, 0, 2.5}));
  CHECK(near(F::smooth_l1_loss(x, t, F::SmoothL1LossFuncOptions(ct::kNone).beta(2)), {0.0625, 0, 2}));
  CHECK(near(F::smooth_l1_loss(x, t, ct::kNone, 0), {0.5, 0, 3}));
  CHECK(near(F::huber_loss(x, t, F::HuberLossFuncOptions(ct::kNone).delta(2)), {0.125, 0, 4}));
  CHECK(near(gradient(F::huber_loss(x, t, F::HuberLossFuncOptions(ct::kSum).delta(2)), x), {-0.5, 0, 2}));
  CHECK(name_of(F::mse_loss(x, t)) == "MseLossBackward0");
  CHECK(name_of(F::l1_loss(x, t)) == "MeanBackward0");
  CHECK(F::l1_loss(x, t).grad_fn()->next_functions()[0].function->name() == "AbsBackward0");
  CHECK(name_of(F::smooth_l1_loss(x, t)) == "SmoothL1LossBackward0");
  CHECK(name_of(F::huber_loss(x, t)) == "HuberLossBackward0");
  CHECK(std::isnan(F::mse_loss(ct::zeros({0}), ct::zeros({0})).item<double>()));
  CHECK(F::mse_loss(ct::zeros({0}), ct::zeros({0}), ct::kSum).item<double>() == 0);
}

TEST_CASE("long losses are added up exactly enough on any number of threads") {
  const Tensor x = ct::ones({1000003}), t = ct::zeros({1000003});
  CHECK(F::mse_loss(x, t, ct::kSum).item<double>() == 1000003);
  CHECK(F::mse_loss(x.expand({2, 1000003}), t.expand({2, 1000003})).item<double>() == 1);
}

TEST_CASE("losses of targets of another size warn, or are refused") {
  const Warnings guard;
  const Tensor x = ct::zeros({3, 1}), t = ct::ones({3});
  CHECK(F::mse_loss(x, t).item<double>() == 1);
  CHECK(last_warning == "Using a target size ([3]) that is different to the input size ([3, 1]). This will likely lead to incorrect results due "
                        "to broadcasting. Please ensure they have the same size.");
  last_warning.clear();
  F::huber_loss(x, t);
  CHECK(has(last_warning, "Using a target size ([3])"));
  CHECK(has(error_of<ct::ValueError>([&] { F::binary_cross_entropy(x, t); }),
            "Using a target size ([3]) that is different to the input size ([3, 1]) is deprecated. Please ensure they have the same size."));
  CHECK(has(error_of<ct::ValueError>([&] { F::binary_cross_entropy_with_logits(x, t); }), "Target size ([3]) must be the same as input size ([3, 1])"));
}

TEST_CASE("binary cross entropy: by hand, at the ends, and what it refuses") {
  const Tensor p = variable({0.5, 0.25}), t = ct::tensor({1.0, 0.0}, ct::kDouble), w = ct::tensor({2.0, 3.0}, ct::kDouble);
  CHECK(near(F::binary_cross_entropy(p, t), (std::log(2) - std::log(0.75)) / 2));
  CHECK(near(gradient(F::binary_cross_entropy(p, t, F::BinaryCrossEntropyFuncOptions().weight(w).reduction(ct::kSum)), p), {-4, 4}));
  CHECK(name_of(F::binary_cross_entropy(p, t)) == "BinaryCrossEntropyBackward0");
  CHECK(F::binary_cross_entropy(1 - t, t, F::BinaryCrossEntropyFuncOptions().reduction(ct::kNone)).equal(ct::full({2}, 100, ct::kDouble)));
  CHECK(has(error_of([&] { F::binary_cross_entropy(p + 1, t); }), "all elements of input should be between 0 and 1"));
  CHECK(has(error_of([&] { F::binary_cross_entropy(p * std::numeric_limits<double>::quiet_NaN(), t); }), "between 0 and 1"));
  CHECK(has(error_of([&] { F::binary_cross_entropy(p, t, F::BinaryCrossEntropyFuncOptions().weight(variable({1, 1}))); }),
            "the derivative for 'weight' is not implemented"));

  const Tensor z = variable({0, 1000, -1000}), goal = ct::tensor({1.0, 0.0, 1.0}, ct::kDouble);
  const auto none = F::BinaryCrossEntropyWithLogitsFuncOptions().reduction(ct::kNone);
  CHECK(near(F::binary_cross_entropy_with_logits(z, goal, none), {std::log(2), 1000, 1000}));
  CHECK(near(gradient(F::binary_cross_entropy_with_logits(z, goal, none).sum(), z), {-0.5, 1, -1}));
  auto positive = none;
  positive.pos_weight(ct::tensor({3.0}, ct::kDouble));
  CHECK(near(F::binary_cross_entropy_with_logits(z, goal, positive), {3 * std::log(2), 1000, 3000}));
  CHECK(name_of(F::binary_cross_entropy_with_logits(z, goal, positive)) == "BinaryCrossEntropyWithLogitsBackward0");
}

TEST_CASE("cross entropy: by hand, ignored targets, smoothing, probabilities, the graph") {
  const Tensor x = ct::tensor({{0.0, std::log(3.0)}, {0.0, 0.0}}, ct::kDouble).requires_grad_(), t = ct::tensor({1, 0});
  const double a = std::log(4.0 / 3), b = std::log(2);
  CHECK(near(F::cross_entropy(x, t), (a + b) / 2));
  CHECK(near(gradient(F::cross_entropy(x, t), x).flatten(), {0.125, -0.125, -0.25, 0.25}));
  CHECK(near(F::cross_entropy(x, t, F::CrossEntropyFuncOptions().ignore_index(0)), a));
  CHECK(near(F::cross_entropy(x, t, F::CrossEntropyFuncOptions().weight(ct::tensor({1.0, 3.0}, ct::kDouble))), (3 * a + b) / 4));
  CHECK(near(F::cross_entropy(x, t, F::CrossEntropyFuncOptions().label_smoothing(0.5).reduction(ct::kNone)),
             {0.75 * a + 0.25 * std::log(4), b}));
  CHECK(near(F::cross_entropy(x, ct::tensor({{0.0, 1.0}, {0.5, 0.5}}, ct::kDouble), F::CrossEntropyFuncOptions().reduction(ct::kNone)), {a, b}));
  CHECK(std::isnan(F::cross_entropy(x, ct::tensor({-100, -100})).item<double>()));
  const Tensor loss = F::cross_entropy(x, t);
  CHECK(name_of(loss) == "NllLossBackward0");
  CHECK(loss.grad_fn()->next_functions()[0].function->name() == "LogSoftmaxBackward0");
  const Tensor image = ct::zeros({2, 3, 4, 5}).requires_grad_(), classes = ct::zeros({2, 4, 5}, ct::kLong);
  CHECK(name_of(F::cross_entropy(image, classes)) == "NllLoss2DBackward0");
  CHECK(near(F::nll_loss(ct::tensor({-1.0, -2.0}, ct::kDouble), ct::tensor(1)), 2));
}

TEST_CASE("what class losses refuse") {
  const Tensor x = ct::zeros({2, 3}), t = ct::tensor({0, 1});
  CHECK(has(error_of<ct::IndexError>([&] { F::cross_entropy(x, ct::tensor({0, 5})); }), "Target 5 is out of bounds."));
  CHECK(has(error_of<ct::IndexError>([&] { F::nll_loss(x, ct::tensor({0, -1})); }), "Target -1 is out of bounds."));
  CHECK(has(error_of([&] { F::cross_entropy(x, ct::tensor({0, 1, 2})); }), "Expected input batch_size (2) to match target batch_size (3)."));
  CHECK(has(error_of<ct::TypeError>([&] { F::cross_entropy(x, ct::zeros({2})); }), "expected scalar type Long but found Float"));
  CHECK(has(error_of([&] { F::cross_entropy(x, t, F::CrossEntropyFuncOptions().weight(ct::ones({2}))); }),
            "weight tensor should be defined either for all 3 classes or no classes but got weight tensor of shape: [2]"));
  CHECK(has(error_of([&] { F::cross_entropy(x, t, F::CrossEntropyFuncOptions().label_smoothing(1.5)); }),
            "label_smoothing must be between 0.0 and 1.0. Got: 1.5"));
  CHECK(has(error_of([&] { F::cross_entropy(x, ct::zeros({2, 3}), F::CrossEntropyFuncOptions().ignore_index(1)); }),
            "ignore_index is not supported for floating point target"));
  CHECK(has(error_of([&] { F::nll_loss(x, ct::zeros({2, 3}, ct::kLong)); }), "0D or 1D target tensor expected, multi-target not supported"));
  CHECK(has(error_of([&] { F::mse_loss(Tensor(), x); }), "undefined"));
  CHECK(has(error_of([&] { ct::mse_loss(x, x, 7); }), "7 is not a valid value for reduction"));
  CHECK(has(error_of([&] { F::huber_loss(x, x, F::HuberLossFuncOptions().delta(0)); }), "huber_loss does not support non-positive values for delta"));
  CHECK(has(error_of([&] { F::smooth_l1_loss(x, x, F::SmoothL1LossFuncOptions().beta(-1)); }), "smooth_l1_loss does not support negative values for beta"));
  CHECK(has(error_of<ct::TypeError>([&] { F::mse_loss(t, t); }), "not implemented for 'Long'"));
}

TEST_CASE("per-sample losses and their gradients under vmap") {
  const Tensor x = ct::linspace(-1, 1, 12, ct::kDouble).view({4, 3}), t = ct::tensor({0, 2, 1, 2});
  const Tensor each = F::cross_entropy(x, t, F::CrossEntropyFuncOptions().reduction(ct::kNone));
  const auto loss = [](const Tensor& row, const Tensor& target) { return F::cross_entropy(row, target); };
  CHECK(ct::allclose(ct::func::vmap(loss)(x, t), each));
  const Tensor v = x.clone().requires_grad_();
  F::cross_entropy(v, t, F::CrossEntropyFuncOptions().reduction(ct::kSum)).backward();
  CHECK(ct::allclose(ct::func::vmap(ct::func::grad(loss))(x, t), v.grad()));
}
