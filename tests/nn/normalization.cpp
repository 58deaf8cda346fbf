// tests/nn/normalization.cpp -- normalisation by hand: statistics, modes, what is refused, second derivatives, vmap.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "cotangent/func.h"
#include "cotangent/gradcheck.h"
#include "cotangent/nn.h"
#include "cotangent/nn/functional.h"
#include "cotangent/ops/normalization.h"
#include "values.h"

namespace nn = ct::nn;
namespace F = ct::nn::functional;
using ct::Tensor;

namespace {

bool near(const Tensor& x, const Tensor& y, double tolerance = 1e-12) { return ct::allclose(x.detach().to(ct::kDouble), y.detach().to(ct::kDouble), tolerance, tolerance); }
Tensor numbers(std::initializer_list<double> v) { return ct::tensor(v, ct::kDouble); }

}  // namespace

TEST_CASE("layer and rms norm by hand") {
  const double r = 1 / std::sqrt(1.25);
  CHECK(near(ct::layer_norm(numbers({1, 2, 3, 4}), {4}, {}, {}, 0), numbers({-1.5 * r, -0.5 * r, 0.5 * r, 1.5 * r})));
  CHECK(near(ct::layer_norm(numbers({1, 2, 3, 4}), {4}, numbers({1, 2, 3, 4}), numbers({0, 1, 0, 1}), 0), numbers({-1.5 * r, 1 - r, 1.5 * r, 1 + 6 * r})));
  CHECK(near(ct::rms_norm(numbers({3, 4}), {2}, {}, 0.0), numbers({3 / std::sqrt(12.5), 4 / std::sqrt(12.5)})));
  CHECK(near(ct::rms_norm(numbers({3, 4}), {2}, numbers({1, 2}), 12.5), numbers({0.6, 1.6})));
  CHECK(to_string(*nn::RMSNorm(std::vector<std::int64_t>{3, 4})) == "RMSNorm((3, 4), eps=None, elementwise_affine=True)");
  CHECK(near(nn::RMSNorm(nn::RMSNormOptions({2}).eps(1).elementwise_affine(false))(numbers({1, 1})), numbers({std::sqrt(0.5), std::sqrt(0.5)})));
  CHECK(near(ct::rms_norm(ct::zeros({1, 2}), {2}), ct::zeros({1, 2})));
  CHECK(near(ct::layer_norm(ct::randn({3, 1}), {1}, {}, ct::ones({1})), ct::ones({3, 1})));  // one value: exactly its mean
}

TEST_CASE("batch norm keeps running statistics while training, and uses them afterwards") {
  nn::BatchNorm1d bn(nn::BatchNorm1dOptions(1).momentum(0.5));
  bn->to(ct::kDouble);
  const Tensor x = numbers({1, 3}).view({2, 1});
  CHECK(near(bn(x), numbers({-1, 1}).view({2, 1}), 1e-5));
  CHECK(near(bn->running_mean, numbers({1})));      // (0 + 2) / 2
  CHECK(near(bn->running_var, numbers({1.5})));     // (1 + 2) / 2, with Bessel's correction
  CHECK(bn->num_batches_tracked.item<std::int64_t>() == 1);
  bn->eval();
  CHECK(near(bn(x), (x - 1) / std::sqrt(1.5 + 1e-5)));
  CHECK(bn->num_batches_tracked.item<std::int64_t>() == 1);
  bn->reset_running_stats();
  CHECK(near(bn->running_var, numbers({1})));
  nn::BatchNorm1d mean(nn::BatchNorm1dOptions(1).momentum(std::nullopt));
  for (double v : {0.0, 3.0, 6.0}) mean(ct::full({2, 1}, v));
  CHECK(near(mean->running_mean, ct::tensor({3.0}), 1e-6));
  CHECK(to_string(*mean) == "BatchNorm1d(1, eps=1e-05, momentum=None, affine=True, track_running_stats=True)");
}

TEST_CASE("a batch without elements changes no statistics") {
  nn::BatchNorm2d bn(2);
  CHECK_SIZES(bn(ct::zeros({0, 2, 3, 3})), {0, 2, 3, 3});
  CHECK(near(bn->running_mean, ct::zeros({2})));
  CHECK(near(bn->running_var, ct::ones({2})));
  Tensor x = ct::zeros({0, 2, 3, 3}).requires_grad_();
  bn(x).sum().backward();
  CHECK_SIZES(x.grad(), {0, 2, 3, 3});
  CHECK(near(bn->bias.grad(), ct::zeros({2})));
  CHECK_SIZES(nn::GroupNorm(1, 2)(ct::zeros({0, 2, 3})), {0, 2, 3});
  CHECK_SIZES(nn::InstanceNorm1d(2)(ct::zeros({0, 2, 3})), {0, 2, 3});
  CHECK_SIZES(ct::layer_norm(ct::zeros({0, 4}), {4}), {0, 4});
}

TEST_CASE("training between an evaluation and its backward does not disturb the gradient") {
  nn::BatchNorm1d bn(1);
  bn->eval();
  Tensor x = ct::ones({2, 1}).requires_grad_();
  const Tensor y = bn(x);
  bn->train();
  bn(ct::full({2, 1}, 9.0));
  y.sum().backward();
  CHECK(near(x.grad(), ct::full({2, 1}, 1 / std::sqrt(1 + 1e-5)), 1e-6));
}

TEST_CASE("what normalisations refuse, without a trace in running statistics") {
  const Tensor x = ct::zeros({2, 4});
  CHECK(has(error_of([&] { ct::layer_norm(x, {3}); }), "Given normalized_shape=[3], expected input with shape [*, 3], but got input of size[2, 4]"));
  CHECK(has(error_of([&] { nn::LayerNorm(std::vector<std::int64_t>{2, 3})(x); }), "Given normalized_shape=[2, 3], expected input with shape [*, 2, 3], but got input of size[2, 4]"));
  CHECK(has(error_of([&] { ct::layer_norm(x, {4}, ct::ones({3})); }), "Expected weight to be of same shape as normalized_shape, but got weight of shape [3] and normalized_shape = [4]"));
  CHECK(has(error_of([&] { ct::layer_norm(x, {}); }), "Expected normalized_shape to be at least 1-dimensional"));
  CHECK(has(error_of<ct::TypeError>([&] { ct::layer_norm(x.to(ct::kLong), {4}); }), "not implemented for 'Long'"));
  CHECK(has(error_of<ct::TypeError>([&] { ct::layer_norm(x, {4}, ct::ones({4}, ct::kDouble)); }), "expected scalar type Float but found Double"));
  CHECK(has(error_of([&] { ct::layer_norm(Tensor(), {4}); }), "expected a tensor, but the input is undefined"));
  CHECK(has(error_of([&] { ct::group_norm(x, 3); }), "Expected number of channels in input to be divisible by num_groups, but got input of shape [2, 4] and num_groups=3"));
  CHECK(has(error_of([&] { ct::group_norm(x, 2, ct::ones({3})); }), "Expected weight to be a vector of size equal to the number of channels in input, but got weight of shape [3]"));
  CHECK(has(error_of([&] { ct::group_norm(ct::zeros({3}), 1); }), "Expected at least 2 dimensions for input tensor but received 1"));
  CHECK(has(error_of([&] { nn::GroupNorm(3, 4); }), "num_channels must be divisible by num_groups"));
  nn::BatchNorm1d bn(3);
  CHECK(has(error_of([&] { bn(ct::zeros({2, 4})); }), "running_mean should contain 4 elements not 3"));
  CHECK(has(error_of([&] { bn(ct::zeros({1, 3})); }), "Expected more than 1 value per channel when training, got input size [1, 3]"));
  CHECK(has(error_of([&] { bn(ct::zeros({3})); }), "expected 2D or 3D input (got 1D input)"));
  CHECK(has(error_of([&] { nn::BatchNorm2d(3)(x); }), "expected 4D input (got 2D input)"));
  CHECK(has(error_of([&] { nn::InstanceNorm2d(3)(x); }), "expected 3D or 4D input (got 2D input)"));
  CHECK(bn->num_batches_tracked.item<std::int64_t>() == 0);
  CHECK(near(bn->running_var, ct::ones({3})));
  CHECK(has(error_of([&] { F::batch_norm(x, {}, {}); }), "running_mean must be defined in evaluation mode"));
  CHECK(has(error_of([&] { F::instance_norm(x.view({1, 2, 4}), F::InstanceNormFuncOptions().use_input_stats(false)); }),
            "Expected running_mean and running_var to be defined when use_input_stats is false"));
}

TEST_CASE("half precision is computed in float32, with parameters of either dtype") {
  const Tensor x = ct::randn({3, 8}), w = ct::rand({8}), b = ct::rand({8});
  for (const ct::ScalarType t : {ct::kBFloat16, ct::kHalf}) {
    const Tensor expected = ct::layer_norm(x.to(t).to(ct::kFloat), {8}, w, b), y = ct::layer_norm(x.to(t), {8}, w, b);
    CHECK(y.scalar_type() == t);
    CHECK(near(y, expected.to(t)));
    Tensor xt = x.to(t).requires_grad_(), wt = w.clone().requires_grad_();
    ct::layer_norm(xt, {8}, wt, b).sum().backward();
    CHECK(xt.grad().scalar_type() == t);
    CHECK(wt.grad().scalar_type() == ct::kFloat);
    CHECK(ct::batch_norm(x.to(t), w.to(t), b.to(t), {}, {}, true, 0.1, 1e-5).scalar_type() == t);
    CHECK(near(ct::group_norm(x.to(t), 4, w.to(t), b.to(t)), ct::group_norm(x.to(t).to(ct::kFloat), 4, w.to(t).to(ct::kFloat), b.to(t).to(ct::kFloat)).to(t)));
  }
}

TEST_CASE("infinite and missing values stay visible") {
  const double inf = INFINITY;
  const Tensor y = ct::layer_norm(ct::tensor({{1.0, inf}, {1.0, 2.0}}, ct::kDouble), {2});
  CHECK(y[0].isnan().all().item<bool>());
  CHECK(near(y[1], numbers({-1, 1}), 1e-4));
  CHECK(ct::batch_norm(numbers({NAN, 1, 2, 3}).view({2, 2}), {}, {}, {}, {}, true, 0.1, 1e-5).isnan().sum(0).eq(ct::tensor({2, 0})).all().item<bool>());
}

TEST_CASE("batch norm under vmap and twice differentiated") {
  const Tensor x = ct::randn({3, 4, 2, 5}, ct::kDouble), w = ct::rand({3, 2}, ct::kDouble), b = ct::rand({2}, ct::kDouble);
  auto f = [&](const Tensor& xi, const Tensor& wi) { return ct::batch_norm(xi, wi, b, {}, {}, true, 0.1, 1e-5); };
  const Tensor all = ct::func::vmap(f)(x, w);
  for (std::int64_t i = 0; i < 3; ++i) CHECK(near(all[i], f(x[i], w[i])));
  Tensor leaf = ct::randn({4, 2}, ct::kDouble).requires_grad_(), weight = ct::rand({2}, ct::kDouble).requires_grad_(), bias = ct::rand({2}, ct::kDouble).requires_grad_();
  const auto inputs = std::vector<Tensor>{leaf, weight, bias};
  auto g = [](const std::vector<Tensor>& in) { return ct::batch_norm(in[0], in[1], in[2], {}, {}, true, 0.1, 1e-5); };
  CHECK(ct::autograd::gradcheck(g, inputs));
  CHECK(ct::autograd::gradgradcheck(g, inputs));
  // A bias without a weight.
  CHECK(ct::autograd::gradcheck([](const std::vector<Tensor>& in) { return ct::group_norm(in[0], 1, {}, in[1]); }, {leaf, bias}));
}
