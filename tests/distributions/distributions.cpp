// tests/distributions/distributions.cpp -- errors with Python's texts, shapes, generators, printing, gradients of samples, own divergences.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "cotangent/cotangent.h"
#include "cotangent/distributions.h"
#include "cotangent/gradcheck.h"

using namespace ct::distributions;
using ct::Tensor;
using ct::tensor;

namespace {

template <class E = ct::ValueError, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "no error";
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("distributions: what is wrong with parameters, in Python's words") {
  CHECK(error_of([] { Normal(tensor({0., 1.}), tensor({1., -1.})); }) ==
        "Normal: Expected parameter scale (Tensor of shape (2,)) of distribution Normal(loc: torch.Size([2]), scale: torch.Size([2])) to satisfy the constraint "
        "GreaterThan(lower_bound=0.0), but found invalid values:\ntensor([ 1., -1.])");
  CHECK(has(error_of([] { Normal(0., -1.); }), "scale (Tensor of shape ()) of distribution Normal(loc: 0.0, scale: -1.0) to satisfy the constraint "
                                               "GreaterThan(lower_bound=0.0), but found invalid values:\n-1.0"));
  CHECK(has(error_of([] { Normal(tensor({std::numeric_limits<double>::quiet_NaN()}), 1.); }),
            "loc (Tensor of shape (1,)) of distribution Normal(loc: tensor([nan]), scale: tensor([1.])) to satisfy the constraint Real()"));
  CHECK(has(error_of([] { Uniform(1., 1.); }), "Uniform is not defined when low>= high"));
  CHECK(has(error_of([] { Bernoulli(1.5); }), "distribution Bernoulli(probs: 1.5) to satisfy the constraint Interval(lower_bound=0.0, upper_bound=1.0)"));
  CHECK(has(error_of([] { Bernoulli{std::nullopt}; }), "Either `probs` or `logits` must be specified, but not both."));
  CHECK(has(error_of([] { Geometric(0.5, 0.5); }), "Either `probs` or `logits` must be specified, but not both."));
  CHECK(has(error_of([] { Geometric(0.); }), "distribution Geometric(probs: 0.0) to be positive but found invalid values"));
  CHECK(has(error_of([] { Categorical(tensor(1.)); }), "`probs` parameter must be at least one-dimensional."));
  CHECK(has(error_of([] { Categorical(std::nullopt, tensor(1.)); }), "`logits` parameter must be at least one-dimensional."));
  CHECK(has(error_of([] { Categorical(tensor({-1., 2.})); }), "of distribution Categorical(probs: torch.Size([2])) to satisfy the constraint Simplex()"));
  CHECK(has(error_of([] { Dirichlet(tensor(1.)); }), "`concentration` parameter must be at least one-dimensional."));
  CHECK(has(error_of([] { Beta(0., 1.); }), "of distribution Dirichlet(concentration: torch.Size([2])) to satisfy the constraint "
                                            "IndependentConstraint(GreaterThan(lower_bound=0.0), 1), but found invalid values:\ntensor([0., 1.])"));
  const Tensor two = tensor({0., 1.}), bad = tensor({{1., 2.}, {2., 1.}});
  CHECK(has(error_of([&] { MultivariateNormal{two}; }), "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."));
  CHECK(has(error_of([&] { MultivariateNormal(two, bad); }), "covariance_matrix: torch.Size([2, 2])) to satisfy the constraint PositiveDefinite()"));
  CHECK(has(error_of([&] { MultivariateNormal(two, std::nullopt, std::nullopt, bad); }), "to satisfy the constraint LowerCholesky()"));
  CHECK(has(error_of([&] { MultivariateNormal(two, two); }), "covariance_matrix must be at least two-dimensional"));
  CHECK(has(error_of([] { Independent(Normal(0., 1.), 1); }), "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual 1 vs 0"));
  CHECK_THROWS_AS(Normal(Tensor(), 1.), ct::Error);
  CHECK_THROWS_AS(Normal(ct::ones({2}), ct::ones({3})), ct::Error);
}

TEST_CASE("distributions: what is wrong with values") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(error_of([&] { Normal(0., 1.).log_prob(tensor(nan)); }) ==
        "Normal: Expected value argument (Tensor of shape ()) to be within the support (Real()) of the distribution Normal(loc: 0.0, scale: 1.0), but found invalid values:\nnan");
  CHECK(has(error_of([] { Uniform(tensor({0., 0.}), tensor({1., 2.})).log_prob(tensor({0.5, 3.})); }),
            "to be within the support (Interval(lower_bound=tensor([0., 0.]), upper_bound=tensor([1., 2.]))) of the distribution"));
  CHECK(has(error_of([] { Bernoulli(0.5).log_prob(tensor(0.5)); }), "within the support (Boolean())"));
  CHECK(has(error_of([] { Categorical(tensor({1., 1.})).log_prob(tensor(2)); }), "within the support (IntegerInterval(lower_bound=0, upper_bound=1))"));
  CHECK(has(error_of([] { Poisson(1.).log_prob(tensor(-1.)); }), "within the support (IntegerGreaterThan(lower_bound=0))"));
  CHECK(has(error_of([] { Exponential(1.).cdf(tensor(-1.)); }), "within the support (GreaterThanEq(lower_bound=0.0))"));
  CHECK(has(error_of([] { Normal(tensor({0., 1.}), 1.).log_prob(tensor({0., 1., 2.})); }), "Value is not broadcastable with batch_shape+event_shape: torch.Size([3]) vs torch.Size([2])."));
  CHECK(has(error_of([] { Dirichlet(tensor({1., 1.})).log_prob(tensor({0.5, 0.6})); }), "within the support (Simplex())"));
  CHECK(has(error_of([] { Dirichlet(tensor({1., 1.})).log_prob(tensor({0.5, 0.2, 0.3})); }), "The right-most size of value must match event_shape: torch.Size([3]) vs torch.Size([2])."));
  CHECK_THROWS_AS(Normal(0., 1.).log_prob(Tensor()), ct::Error);
  // Asked not to look, they compute what comes out.
  CHECK(Normal(0., 1., false).log_prob(tensor(nan)).isnan().item<bool>());
  CHECK(Exponential(-1., false).mean().item<double>() == -1);
  Distribution::set_default_validate_args(false);
  CHECK(error_of([] { Normal(0., -1.); }) == "no error");
  Distribution::set_default_validate_args(true);
}

TEST_CASE("distributions: what does not exist is named") {
  CHECK(has(error_of<ct::NotImplementedError>([] { Poisson(1.).rsample(); }), "Poisson: rsample is not implemented for this distribution"));
  CHECK(has(error_of<ct::NotImplementedError>([] { Gamma(1., 1.).cdf(tensor(1.)); }), "Gamma: cdf is not implemented"));
  CHECK(has(error_of<ct::NotImplementedError>([] { kl_divergence(Normal(0., 1.), Poisson(1.)); }), "No KL(p || q) is implemented for p type Normal and q type Poisson"));
  CHECK(has(error_of<ct::NotImplementedError>([] { kl_divergence(Independent(Normal(ct::zeros({2}), 1), 1), Independent(Normal(ct::zeros({2}), 1), 0)); }),
            "the same reinterpreted_batch_ndims, not 1 and 0"));
}

TEST_CASE("distributions: shapes, printing, copies, generators") {
  const Normal d(ct::zeros({3, 1}), ct::ones({2}));
  CHECK(d.batch_shape() == std::vector<std::int64_t>{3, 2});
  CHECK(d.sample({4, 5}).sizes() == ct::IntArrayRef{4, 5, 3, 2});
  CHECK(d.log_prob(ct::zeros({4, 1, 1})).sizes() == ct::IntArrayRef{4, 3, 2});
  const Independent i(d, 1);
  CHECK(i.batch_shape() == std::vector<std::int64_t>{3});
  CHECK(i.event_shape() == std::vector<std::int64_t>{2});
  std::ostringstream out;
  out << i << " " << Bernoulli(0.3) << " " << Beta(1, 2) << " " << Uniform(0, 1).support().repr();
  CHECK(out.str() == "Independent(Normal(loc: torch.Size([3, 2]), scale: torch.Size([3, 2])), 1) Bernoulli(probs: 0.30000001192092896) Beta() "
                     "Interval(lower_bound=0.0, upper_bound=1.0)");
  CHECK(Normal(0, 1).loc().scalar_type() == ct::kFloat);
  CHECK(Normal(0, tensor(1., ct::kDouble)).sample().scalar_type() == ct::kDouble);
  CHECK(Categorical(ct::ones({4})).sample({2}).scalar_type() == ct::kLong);

  Normal copy = d;
  copy = Normal(1, 2);
  CHECK(copy.mean().item<float>() == 1);
  ct::Generator g(5);
  const Tensor a = d.sample({7}, g), b = d.sample({7}, g), c = d.sample({7}, ct::Generator(5));
  CHECK(ct::equal(a, c));
  CHECK_FALSE(ct::equal(a, b));
}

TEST_CASE("distributions: gradients of samples and log-probabilities") {
  const auto check = [](auto make, std::vector<Tensor> in, const Tensor& value) {
    for (Tensor& t : in) t.requires_grad_();
    CHECK(ct::autograd::gradcheck([&](const std::vector<Tensor>& p) { return std::vector<Tensor>{make(p).rsample({5}, ct::Generator(3))}; }, in));
    CHECK(ct::autograd::gradcheck([&](const std::vector<Tensor>& p) { return std::vector<Tensor>{make(p).log_prob(value)}; }, in));
    CHECK(ct::autograd::gradcheck([&](const std::vector<Tensor>& p) { return std::vector<Tensor>{make(p).entropy()}; }, in));
  };
  const auto d = [](std::vector<double> v) { return tensor(v, ct::kDouble); };
  using V = const std::vector<Tensor>&;
  check([](V p) { return Normal(p[0], p[1]); }, {d({0.3, -1}), d({1, 2})}, d({0.1, 2}));
  check([](V p) { return LogNormal(p[0], p[1]); }, {d({0.3, -1}), d({1, 0.5})}, d({0.1, 2}));
  check([](V p) { return Uniform(p[0], p[1]); }, {d({0.3, -1}), d({1, 2})}, d({0.5, 1}));
  check([](V p) { return Exponential(p[0]); }, {d({0.3, 2})}, d({0.1, 2}));
  check([](V p) { return Laplace(p[0], p[1]); }, {d({0.3, -1}), d({1, 2})}, d({0.1, 2}));
  check([](V p) { return Cauchy(p[0], p[1]); }, {d({0.3, -1}), d({1, 2})}, d({0.1, 2}));
  check([](V p) { return MultivariateNormal(p[0], std::nullopt, std::nullopt, p[1].tril()); }, {d({0.3, -1}), tensor({{1., 0.}, {0.5, 2.}}, ct::kDouble)}, d({0.1, 2}));
}

namespace {
struct Shifted : Normal {
  explicit Shifted(double by) : Normal(by, 1) {}
};
Tensor shifted_rule(const Shifted& p, const Shifted& q) { return p.loc() - q.loc(); }
}  // namespace

TEST_CASE("distributions: a divergence of one's own") {
  CHECK_THROWS_AS(kl_divergence(Shifted(1), Shifted(3)), ct::NotImplementedError);
  register_kl(shifted_rule);
  CHECK(kl_divergence(Shifted(1), Shifted(3)).item<double>() == -2);
  CHECK(kl_divergence(Normal(0., 1.), Normal(0., 1.)).item<double>() == 0);
}

TEST_CASE("distributions: a variational step lowers the divergence") {
  ct::manual_seed(2);
  const Tensor loc = tensor(3.).requires_grad_(), log_scale = tensor(0.).requires_grad_();
  const Normal target(0.5, 0.25);
  double first = 0, last = 0;
  for (int i = 0; i < 300; ++i) {
    const Normal q(loc, exp(log_scale));
    const Tensor x = q.rsample({64});
    const Tensor loss = (q.log_prob(x) - target.log_prob(x)).mean();
    for (const Tensor& t : {loc, log_scale}) t.mutable_grad().reset();
    loss.backward();
    ct::NoGradGuard off;
    loc.sub_(loc.grad().clamp(-10, 10), 0.01);
    log_scale.sub_(log_scale.grad().clamp(-10, 10), 0.01);
    last = kl_divergence(Normal(loc, exp(log_scale)), target).item<double>();
    if (i == 0) first = last;
  }
  CHECK(first > 20);
  CHECK(last < 0.02);
}
