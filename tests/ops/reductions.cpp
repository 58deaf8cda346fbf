// tests/ops/reductions.cpp -- sums, means, products, spreads, extrema, norms and softmax: values by hand, kinks, dtypes, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cotangent/autograd.h"
#include "cotangent/cotangent.h"
#include "cotangent/threads.h"

using namespace ct;

namespace {

const double inf = std::numeric_limits<double>::infinity(), NaN = std::nan("");

bool same(const Tensor& x, const Tensor& expected) { return x.sizes() == expected.sizes() && allclose(x.to(kDouble), expected.to(kDouble), 1e-5, 1e-8, true); }
template <class F>
Tensor gradient(const F& f, const Tensor& x) {
  Tensor leaf = x.detach().clone().requires_grad_();
  f(leaf).sum().backward();
  return leaf.grad();
}
template <class F>
std::string error(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
  }
  return "no error";
}
std::string node(const Tensor& t) { return t.grad_fn()->name(); }

// The naive sum over the middle of [a, n, b].
Tensor summed_by_hand(const Tensor& x) {
  const std::int64_t a = x.size(0), n = x.size(1), b = x.size(2);
  Tensor y = zeros({a, b}, kDouble);
  for (std::int64_t i = 0; i < a; ++i)
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t j = 0; j < b; ++j)
        y.data_ptr<double>()[i * b + j] += x.data_ptr<double>()[(i * n + k) * b + j];
  return y;
}

}  // namespace

TEST_CASE("sums, means and products by hand") {
  const Tensor x = tensor({{1., 2., 3.}, {4., 0., 6.}});
  CHECK(same(x.sum(), tensor(16.)));
  CHECK(same(x.sum({0}), tensor({5., 2., 9.})));
  CHECK(same(x.sum({-1}, true), tensor({{6.}, {10.}})));
  CHECK(same(x.sum({0, 1}), tensor(16.)));
  CHECK(same(x.mean({1}), tensor({2., 10. / 3})));
  CHECK(same(x.prod(1), tensor({6., 0.})));
  CHECK(same(tensor({1., NaN, 3.}).nansum(), tensor(4.)));
  CHECK(same(gradient([](const Tensor& t) { return t.nansum(); }, tensor({1., NaN, 3.})), tensor({1., 0., 1.})));
  CHECK(same(zeros({0, 3}).sum({0}), zeros({3})));
  CHECK(same(zeros({0}).prod(), tensor(1.)));
  CHECK(std::isnan(zeros({0}).mean().item<double>()));
}

TEST_CASE("integers and bools add up in int64, and keep dtype= if it is given") {
  CHECK(tensor({1, 2}).to(kByte).sum().dtype() == kLong);
  CHECK(full({1000}, 255, kByte).sum().item<std::int64_t>() == 255000);
  CHECK(tensor({true, true, false}).sum().item<std::int64_t>() == 2);
  CHECK(tensor({1, 2}).sum(kFloat).dtype() == kFloat);
  CHECK(tensor({1, 2}).to(kInt).prod().dtype() == kLong);
  CHECK(tensor({1, 2}).mean(kDouble).item<double>() == 1.5);
  CHECK(full({3000}, 60, kHalf).mean().item<double>() == 60);  // the sum would overflow in half precision
  CHECK(error([] { tensor({1, 2}).mean(); }) ==
        "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long");
}

TEST_CASE("a product's gradient is exact with any number of zeros") {
  auto prod = [](const Tensor& t) { return t.prod(); };
  CHECK(same(gradient(prod, tensor({2., 3., 4.})), tensor({12., 8., 6.})));
  CHECK(same(gradient(prod, tensor({2., 0., 3.})), tensor({0., 6., 0.})));
  CHECK(same(gradient(prod, tensor({2., 0., 0.})), tensor({0., 0., 0.})));
  CHECK(same(gradient([](const Tensor& t) { return t.cumprod(0); }, tensor({2., 0., 3.})), tensor({1., 8., 0.})));
  // The second derivative of x0 x1 x2 at (0, 0, 3): d2/dx0dx1 = 3.
  Tensor x = tensor({0., 0., 3.}, kDouble).requires_grad_();
  const Tensor g = autograd::grad({x.prod()}, {x}, {}, std::nullopt, true)[0];
  CHECK(same(autograd::grad({g[0]}, {x})[0], tensor({0., 3., 0.})));
}

TEST_CASE("spreads are unbiased unless told otherwise") {
  const Tensor x = tensor({1., 2., 3., 4.});
  CHECK(same(x.var(), tensor(5. / 3)));
  CHECK(same(x.var(false), tensor(1.25)));
  CHECK(same(x.view({2, 2}).var({0}), tensor({2., 2.})));  // dimension 0, not unbiased = 0
  CHECK(same(x.view({2, 2}).std({1}, false, true), tensor({{0.5}, {0.5}})));
  CHECK(same(gradient([](const Tensor& t) { return t.std(); }, x), tensor({-0.387298, -0.129099, 0.129099, 0.387298})));
  CHECK(same(gradient([](const Tensor& t) { return t.var(); }, x), tensor({-1., -1. / 3, 1. / 3, 1.})));
  CHECK(same(gradient([](const Tensor& t) { return t.std(); }, tensor({2., 2.})), tensor({0., 0.})));
  CHECK(std::isnan(tensor({1.}).var().item<double>()));
  CHECK(same((x + 1e6).to(kFloat).var(), tensor(5. / 3)));  // no cancellation
  CHECK(same(std::get<1>(x.std_mean({0})), tensor(2.5)));
  CHECK(error([] { tensor({1, 2}).std(); }) == "std: std and var only support floating point and complex dtypes, got Long");
}

TEST_CASE("ties: max() and amax() share the gradient, max(dim) gives it to the index it reports") {
  const Tensor x = tensor({3., 1., 3.});
  CHECK(same(gradient([](const Tensor& t) { return t.max(); }, x), tensor({0.5, 0., 0.5})));
  CHECK(same(gradient([](const Tensor& t) { return t.amax({0}); }, x), tensor({0.5, 0., 0.5})));
  CHECK(same(gradient([](const Tensor& t) { return std::get<0>(t.max(0)); }, x), tensor({1., 0., 0.})));
  CHECK(same(gradient([](const Tensor& t) { return std::get<1>(t.aminmax()); }, x), tensor({0.5, 0., 0.5})));
  CHECK(std::get<1>(x.max(0)).item<std::int64_t>() == 0);
  const Tensor y = x.detach().requires_grad_();
  CHECK(node(y.max()) == "MaxBackward1");
  CHECK(node(std::get<0>(y.max(0))) == "MaxBackward0");
  CHECK(node(y.amin()) == "AminBackward0");
  CHECK(node(y.mean()) == "MeanBackward0");
  CHECK(node(y.mean({0})) == "MeanBackward1");
  CHECK(node(y.norm()) == "NormBackward0");
}

TEST_CASE("NaN wins among extrema, in every layout and length") {
  for (std::int64_t n : {1, 3, 40, 1000}) {
    const Tensor x = arange(n, kFloat);
    x[n / 2].fill_(NaN);
    CHECK(std::isnan(x.max().item<float>()));
    CHECK(std::isnan(std::get<0>(x.min(0)).item<float>()));
    CHECK(x.argmax().item<std::int64_t>() == n / 2);
    const Tensor columns = stack({x, arange(n, kFloat), arange(n, kFloat)}, 1);
    CHECK(std::isnan(columns.amax({0})[0].item<float>()));
    CHECK(same(columns.amax({0}).slice(0, 1), full({2}, n - 1)));
    CHECK(std::get<1>(columns.max(0))[0].item<std::int64_t>() == n / 2);
  }
  CHECK(tensor({3, -1, 2}).to(kShort).min().item<std::int64_t>() == -1);
  CHECK(tensor({true, false}).max().item<bool>());
}

TEST_CASE("there is no extremum of nothing") {
  const std::string phrase = "Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.";
  CHECK(error([] { zeros({0}).max(); }) == "max(): " + phrase);
  CHECK(error([] { zeros({0}).argmin(); }) == "argmin(): " + phrase);
  CHECK(error([] { zeros({2, 0}).max(1); }) == "max(): Expected reduction dim 1 to have non-zero size.");
  CHECK(error([] { zeros({2, 0}).amax({1}); }) == "amax(): Expected reduction dim 1 to have non-zero size.");
  CHECK(std::get<0>(zeros({2, 0}).max(0)).sizes() == IntArrayRef({0}));
  CHECK_THROWS_AS(zeros({2}).max(2), IndexError);
}

TEST_CASE("norms of every order, and 0 at the zero vector") {
  const Tensor x = tensor({3., -4., 0.});
  CHECK(same(x.norm(), tensor(5.)));
  CHECK(same(x.norm(1), tensor(7.)));
  CHECK(same(x.norm(0), tensor(2.)));
  CHECK(same(x.norm(inf), tensor(4.)));
  CHECK(same(x.norm(-inf), tensor(0.)));
  CHECK(same(x.norm(3), tensor(std::cbrt(91.))));
  CHECK(same(gradient([](const Tensor& t) { return t.norm(); }, x), tensor({0.6, -0.8, 0.})));
  CHECK(same(gradient([](const Tensor& t) { return t.norm(); }, zeros({3})), zeros({3})));
  CHECK(same(tensor({{3., 4.}, {0., 0.}}).norm(2, {1}, true), tensor({{5.}, {0.}})));
  CHECK(same(dist(tensor({1., 2.}), tensor({4., 6.})), tensor(5.)));
  CHECK(error([] { tensor({1}).norm(); }) == "norm(): input dtype should be either floating point or complex. Got Long instead.");
}

TEST_CASE("softmax and logsumexp keep to range at the extremes") {
  CHECK(same(tensor({1000., 1000.}).softmax(0), tensor({0.5, 0.5})));
  CHECK(same(tensor({0., -inf}).softmax(0), tensor({1., 0.})));
  CHECK(std::isnan(tensor({-inf, -inf}).softmax(0)[0].item<double>()));
  CHECK(std::isnan(tensor({0., NaN}).softmax(0)[0].item<double>()));
  CHECK(same(tensor({1000., 0.}).log_softmax(0), tensor({0., -1000.})));
  CHECK(same(tensor({0., 0.}).logsumexp({0}), tensor(std::log(2.))));
  CHECK(tensor({-inf, -inf}).logsumexp({0}).item<double>() == -inf);
  CHECK(tensor({inf, 0.}).logsumexp({0}).item<double>() == inf);
  CHECK(std::isnan(tensor({inf, NaN}).logsumexp({0}).item<double>()));
  CHECK(tensor({1., 2.}).to(kHalf).softmax(0).dtype() == kHalf);
  CHECK(tensor({1, 2}).softmax(0, kDouble).dtype() == kDouble);
  CHECK(error([] { tensor({1, 2}).softmax(0); }) == "softmax: \"softmax_lastdim_kernel_impl\" not implemented for 'Long'");
  const Tensor x = randn({3, 70, 5}), t = x.transpose(1, 2).contiguous();
  CHECK(same(x.softmax(1), t.softmax(2).transpose(1, 2)));
  CHECK(same(x.log_softmax(1), t.log_softmax(2).transpose(1, 2)));
}

TEST_CASE("long rows, columns and inner dimensions agree with the sum by hand; threads change no bit") {
  const Tensor shapes[] = {randn({3, 700, 300}, kDouble), randn({1, 300000, 2}, kDouble), randn({2, 5, 7}, kDouble), randn({400, 3, 1}, kDouble)};
  for (const Tensor& x : shapes) {
    const Tensor expected = summed_by_hand(x);
    const Tensor swapped = x.transpose(0, 2).contiguous().transpose(0, 2);
    CHECK(allclose(x.sum({1}), expected, 1e-9, 1e-9));
    CHECK(allclose(swapped.sum({1}), expected, 1e-9, 1e-9));
    CHECK(allclose(x.sum({0, 2}), expected.sum() * 0 + x.transpose(0, 1).reshape({x.size(1), -1}).sum({1}), 1e-9, 1e-9));
    const std::int64_t n = x.size(1);
    const Tensor centred = x - x.mean({1}, true);
    CHECK(allclose(x.var({1}), (centred * centred).sum({1}) / (n - 1), 1e-9, 1e-9));
    CHECK(allclose(swapped.var({1}), x.var({1}), 1e-9, 1e-9));
    CHECK(equal(std::get<0>(x.max(1)), x.amax({1})));
    CHECK(equal(x.gather(1, std::get<1>(x.max(1, true))), x.amax({1}, true)));
    CHECK(equal(std::get<1>(swapped.min(1)), std::get<1>(x.min(1))));
    const Tensor f = x.to(kFloat);
    const int before = get_num_threads();
    set_num_threads(1);
    const Tensor one[] = {f.sum(), f.sum({1}), f.mean(), f.var(), f.var({1}), f.norm(), f.amax({1}), f.softmax(1), f.logsumexp({0, 1, 2}), f.cumsum(1)};
    set_num_threads(3);
    const Tensor three[] = {f.sum(), f.sum({1}), f.mean(), f.var(), f.var({1}), f.norm(), f.amax({1}), f.softmax(1), f.logsumexp({0, 1, 2}), f.cumsum(1)};
    set_num_threads(before);
    for (std::size_t i = 0; i < std::size(one); ++i) CHECK(equal(one[i], three[i]));
  }
}

TEST_CASE("float sums of many elements stay accurate") {
  CHECK(full({1 << 24}, 0.1, kFloat).sum().item<double>() == doctest::Approx(0.1f * double(1 << 24)).epsilon(1e-6));
  CHECK(full({1 << 20, 3}, 0.1, kFloat).sum({0})[1].item<double>() == doctest::Approx(0.1f * double(1 << 20)).epsilon(1e-6));
}

TEST_CASE("dimensions out of range or named twice") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_AS(x.sum({2}), IndexError);
  CHECK_THROWS_AS(x.softmax(-3), IndexError);
  CHECK(error([&] { x.sum({1, -1}); }) == "sum: dim 1 appears multiple times in the list of dims [1, -1]");
  CHECK_THROWS_AS(sum(Tensor()), Error);
  CHECK_THROWS_AS(max(Tensor()), Error);
  CHECK_THROWS_AS(softmax(Tensor(), 0), Error);
}

TEST_CASE("running sums do not fit into flags") {
  const ct::Tensor flags = ct::ones({3}, ct::kBool);
  CHECK_THROWS_WITH_AS(flags.cumsum_(0), doctest::Contains("\"cumsum_out_cpu\" not implemented for 'Bool'"), ct::TypeError);
  CHECK_THROWS_AS(flags.cumprod_(0), ct::TypeError);
  CHECK(ct::cumsum(flags, 0).scalar_type() == ct::kLong);
}
