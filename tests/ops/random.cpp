// tests/ops/random.cpp -- PyTorch's numbers from a seed, saved streams, gradients and errors of random functions.
#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "cotangent/cotangent.h"

using namespace ct;

namespace {
void check_values(const Tensor& x, const std::vector<double>& expected, double tolerance = 6e-8) {
  const Tensor y = x.detach().to(kDouble).contiguous();
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::fabs(y.data_ptr<double>()[i] - expected[i]) <= tolerance);
}
bool same(const Tensor& a, const Tensor& b) { return to_string(a) == to_string(b); }
std::string error_of(void (*f)()) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}
bool contains(const std::string& s, const char* part) { return s.find(part) != std::string::npos; }
}  // namespace

#define CHECK_ERROR(phrase, ...) CHECK(contains(error_of([] { __VA_ARGS__; }), phrase))

TEST_CASE("numbers from a seed are PyTorch's") {
  auto seeded = [](std::uint64_t s) { manual_seed(s); };
  seeded(0), check_values(randn({3}), {1.5409961, -0.2934289, -2.1787894});
  seeded(0), check_values(rand({3}), {0.4962566, 0.7682218, 0.0884774});
  seeded(0), check_values(rand({3}, kDouble), {0.9700530, 0.7078199, 0.4593829}, 1e-7);
  seeded(0), check_values(randperm(10), {4, 1, 7, 5, 3, 9, 0, 8, 6, 2});
  seeded(0), check_values(randint(0, 10, {8}), {4, 9, 3, 0, 3, 9, 7, 3});
  seeded(0), check_values(randn({18}).slice(0, 15), {-0.8436768, 0.9318266, 1.2590092}, 1e-6);
  seeded(0), check_values(randn({20}, kDouble), {-2.3104118, -0.3732509, -1.0608167}, 6e-8);
  seeded(42), check_values(randn({100}), {1.9269153, 1.4872841, 0.9007172, -2.1055212}, 1e-6);
  seeded(42), check_values(randn({1}), {0.3366904});
  seeded(0), check_values(empty({8}).bernoulli_(0.3), {0, 0, 0, 0, 0, 0, 1, 0});
  CHECK(Generator().current_seed() == 67280421310721);
}

TEST_CASE("the cached normal number belongs to the stream, and manual_seed forgets it") {
  manual_seed(0);
  const Tensor first = randn({1}), second = randn({1});
  manual_seed(0);
  CHECK(same(randn({2}).slice(0, 1), second));
  manual_seed(0);
  randn({1});
  manual_seed(0);
  CHECK(same(randn({1}), first));
}

TEST_CASE("streams are saved, restored and cloned") {
  Generator g(5);
  randn({3}, g);  // odd: one number waits
  const Tensor state = g.get_state();
  CHECK(state.numel() == 5056);
  const Generator copy = g.clone();
  const Tensor a = randn({5}, g);
  CHECK(same(randn({5}, copy), a));
  g.set_state(state);
  CHECK(same(randn({5}, g), a));
  Generator other(1);
  other.set_state(state);
  CHECK(same(randn({5}, other), a));
  const Generator shared = g;
  shared.manual_seed(9);
  CHECK(g.current_seed() == 9);

  g.set_state(state);
  CHECK_THROWS_AS(g.set_state(zeros({5056}, kByte)), Error);
  CHECK_THROWS_AS(g.set_state(zeros({16}, kByte)), Error);
  CHECK_THROWS_AS(g.set_state(zeros({5056})), TypeError);
  CHECK_THROWS_AS(g.set_state(Tensor()), Error);
  Tensor broken = state.clone();
  broken.data_ptr<std::uint8_t>()[9] = 77;
  CHECK_THROWS_AS(g.set_state(broken), Error);
  CHECK(same(randn({5}, g), a));  // nothing changed

  const Tensor default_state = get_rng_state();
  const Tensor b = rand({4});
  set_rng_state(default_state);
  CHECK(same(rand({4}), b));
  const std::uint64_t s = seed();
  CHECK(initial_seed() == s);
  CHECK_THROWS_AS(manual_seed(NAN), ValueError);
  CHECK_THROWS_AS(manual_seed(1.5), ValueError);
  manual_seed(3.0);
  CHECK(initial_seed() == 3);
}

TEST_CASE("like forms take dtype and shape, never requires_grad") {
  const Tensor x = rand({2, 3}, dtype(kDouble).requires_grad(true));
  CHECK(x.is_leaf());
  CHECK(x.requires_grad());
  CHECK(x._version() == 0);
  const Tensor y = randn_like(x);
  CHECK(y.scalar_type() == kDouble);
  CHECK(y.sizes() == x.sizes());
  CHECK(!y.requires_grad());
  CHECK(rand_like(x, kFloat).scalar_type() == kFloat);
  CHECK(randint(5, {2}).scalar_type() == kLong);
  CHECK(randint(5, {2}, kInt).scalar_type() == kInt);
  CHECK(randperm(4, kInt).scalar_type() == kInt);
  CHECK(rand({0, 3}).numel() == 0);
  CHECK(randperm(0).numel() == 0);
  CHECK(randn({}).dim() == 0);
}

TEST_CASE("distributions have their means") {
  manual_seed(1);
  const std::int64_t n = 20000;
  auto mean = [](const Tensor& x) { return x.to(kDouble).sum().item<double>() / static_cast<double>(x.numel()); };
  const double tolerance = 4 / std::sqrt(static_cast<double>(n));
  CHECK(std::fabs(mean(empty({n}).exponential_(2)) - 0.5) < tolerance);
  CHECK(std::fabs(mean(empty({n}).geometric_(0.25)) - 4) < 4 * tolerance);
  CHECK(std::fabs(mean(empty({n}).log_normal_(0, 0.5)) - std::exp(0.125)) < tolerance);
  CHECK(std::fabs(mean(poisson(full({n}, 3.5))) - 3.5) < 2 * tolerance);
  CHECK(std::fabs(mean(poisson(full({n}, 40.0))) - 40) < 7 * tolerance);
  CHECK(std::fabs(mean(bernoulli(full({n}, 0.3))) - 0.3) < tolerance);
  CHECK(std::fabs(mean(empty({n}, kHalf).normal_(1, 1)) - 1) < tolerance);
  CHECK(std::fabs(mean(empty({n}, kHalf).uniform_()) - 0.5) < tolerance);
  CHECK(std::fabs(mean(multinomial(tensor({1.0, 0.0, 3.0}), n, true)) - 1.5) < tolerance);
}

TEST_CASE("multinomial draws without replacement each category once") {
  manual_seed(0);
  const Tensor p = tensor({{0.1, 0.2, 0.3, 0.4}, {1, 1, 0, 0}});
  const Tensor all = multinomial(p, 4);
  CHECK(all.sizes() == IntArrayRef({2, 4}));
  for (std::int64_t r = 0; r < 2; ++r) {
    int seen = 0;
    for (std::int64_t i = 0; i < 4; ++i) seen |= 1 << all[r][i].item<int>();
    CHECK(seen == 15);
  }
  CHECK(all[1][0].item<int>() < 2);
  CHECK(all[1][1].item<int>() < 2);
}

TEST_CASE("what was overwritten gets no gradient") {
  auto check = [](auto fill, const char* node) {
    Tensor x = tensor({0.5, 0.25, 0.75}, requires_grad());
    Tensor y = x * 2;
    fill(y);
    CHECK(y.grad_fn()->name() == node);
    y.sum().backward();
    CHECK(to_string(x.grad()) == "tensor([0., 0., 0.])");
  };
  check([](Tensor& y) { y.normal_(); }, "NormalBackward0");
  check([](Tensor& y) { y.uniform_(); }, "UniformBackward0");
  check([](Tensor& y) { y.bernoulli_(0.5); }, "BernoulliBackward2");
  check([](Tensor& y) { y.bernoulli_(full({3}, 0.5)); }, "BernoulliBackward1");
  check([](Tensor& y) { y.exponential_(); }, "ExponentialBackward0");
  check([](Tensor& y) { y.cauchy_(); }, "CauchyBackward0");
  check([](Tensor& y) { y.log_normal_(); }, "LogNormalBackward0");
  check([](Tensor& y) { y.geometric_(0.5); }, "GeometricBackward0");
  check([](Tensor& y) { y.random_(); }, "RandomBackward2");
  check([](Tensor& y) { y.random_(5); }, "RandomBackward1");
  check([](Tensor& y) { y.random_(1, 5); }, "RandomBackward0");

  const Tensor m = tensor({0.5, 0.5}, requires_grad()), s = tensor({0.25, 1.0}, requires_grad());
  CHECK(normal(m, 1.0).grad_fn()->name() == "NormalBackward1");
  CHECK(normal(1.0, s).grad_fn()->name() == "NormalBackward2");
  CHECK(bernoulli(m).grad_fn()->name() == "BernoulliBackward0");
  CHECK(poisson(m).grad_fn()->name() == "PoissonBackward0");
  const Tensor y = normal(m, s);
  CHECK(y.grad_fn()->name() == "NormalBackward3");
  y.sum().backward();
  CHECK(to_string(m.grad()) == "tensor([0., 0.])");
  CHECK(to_string(s.grad()) == "tensor([0., 0.])");
  CHECK(!multinomial(m, 1).requires_grad());
}

TEST_CASE("errors leave tensor and stream alone") {
  Tensor x = ones({3});
  const Tensor state = get_rng_state();
  CHECK_ERROR("normal expects std >= 0.0, but found std -1", ones({3}).normal_(0, -1));
  CHECK_ERROR("normal expects std >= 0.0, but found std nan", ones({3}).normal_(0, NAN));
  CHECK_ERROR("\"normal_kernel_cpu\" not implemented for 'Long'", ones({3}, kLong).normal_());
  CHECK_ERROR("\"check_uniform_bounds\" not implemented for 'Long'", ones({3}, kLong).uniform_());
  CHECK_ERROR("uniform_ expects to return a [from, to) range, but found from=2 > to=1", ones({3}).uniform_(2, 1));
  CHECK_ERROR("from is out of bounds for Float", ones({3}).uniform_(NAN, 1));
  CHECK_ERROR("to is out of bounds for Half", ones({3}, kHalf).uniform_(0, 1e6));
  CHECK_ERROR("uniform_ expects to-from <= std::numeric_limits<Float>::max()", ones({3}).uniform_(-3e38, 3e38));
  CHECK_ERROR("bernoulli_ expects p to be in [0, 1], but got p=1.3", ones({3}).bernoulli_(1.3));
  CHECK_ERROR("bernoulli_ expects p to be in [0, 1], but got p=nan", ones({3}).bernoulli_(NAN));
  CHECK_ERROR("Expected p_in >= 0 && p_in <= 1", bernoulli(tensor({0.5, 1.5})));
  CHECK_ERROR("not implemented for 'Long'", bernoulli(tensor({0, 1})));
  CHECK_ERROR("exponential_ expects lambda > 0.0", ones({3}).exponential_(0));
  CHECK_ERROR("cauchy_ expects sigma > 0.0", ones({3}).cauchy_(0, -1));
  CHECK_ERROR("log_normal_ expects std > 0.0", ones({3}).log_normal_(0, 0));
  CHECK_ERROR("geometric_ expects p to be in (0, 1)", ones({3}).geometric_(1));
  CHECK_ERROR("random_ expects 'from' to be less than 'to', but got from=5 >= to=5", ones({3}).random_(5, 5));
  CHECK_ERROR("to - 1 is out of bounds for Byte", ones({3}, kByte).random_(0, 257));
  CHECK_ERROR("from is out of bounds for Bool", ones({3}, kBool).random_(-1, 1));
  CHECK_ERROR("random_ expects 'from'", randint(0, 0, {2}));
  CHECK_ERROR("n must be non-negative, got -1", randperm(-1));
  CHECK_ERROR("n is too large for result tensor type", randperm(300, kByte));
  CHECK_ERROR("Trying to create tensor with negative dimension -2", rand({-2}));
  CHECK_ERROR("Storage size calculation overflowed", randn({1 << 30, 1 << 30, 1 << 30}));
  CHECK_ERROR("normal expects all elements of std >= 0.0", normal(0.0, tensor({1.0, -1.0})));
  CHECK_ERROR("expected rate to be non-negative", poisson(tensor({-1.0})));
  CHECK_ERROR("prob_dist must be 1 or 2 dim", multinomial(ones({}), 1));
  CHECK_ERROR("cannot sample n_sample <= 0 samples", multinomial(ones({3}), 0));
  CHECK_ERROR("cannot sample n_sample > prob_dist.size(-1) samples without replacement", multinomial(ones({3}), 4));
  CHECK_ERROR("contains either `inf`, `nan` or element < 0", multinomial(tensor({1.0, -1.0}), 1));
  CHECK_ERROR("sum of probabilities <= 0", multinomial(zeros({3}), 1, true));
  CHECK_ERROR("a leaf Variable that requires grad is being used in an in-place operation", ones({3}, requires_grad()).normal_());
  CHECK_ERROR("more than one element of the written-to tensor", ones({1}).expand({3}).uniform_());
  CHECK_ERROR("Only Tensors of floating point and complex dtype can require gradients", randint(3, {2}, requires_grad()));
  CHECK_ERROR("undefined", Tensor().normal_());
  try {
    x.bernoulli_(tensor({0.5, 0.5, 2.0}));
  } catch (const Error&) {
  }
  CHECK(to_string(x) == "tensor([1., 1., 1.])");
  CHECK(x._version() == 0);
  CHECK(same(state, get_rng_state()));
}

TEST_CASE("threads share a stream without losing numbers") {
  Generator g(3);
  auto draw = [&] {
    for (int i = 0; i < 200; ++i) rand({10}, g);
  };
  std::thread a(draw), b(draw);
  a.join();
  b.join();
  Generator h(3);
  rand({4000}, h);
  CHECK(same(rand({5}, g), rand({5}, h)));
}
