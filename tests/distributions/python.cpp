// tests/distributions/python.cpp -- every distribution beside torch.distributions of Debian's python3-torch: samples, values, gradients, texts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <sstream>

#include "cotangent/cotangent.h"
#include "cotangent/distributions.h"
#include "cotangent/ops/gamma.h"
#include "io/files.h"

namespace {

using namespace ct::distributions;
using ct::Tensor;
using Made = std::shared_ptr<const Distribution>;
using Parameters = std::vector<Tensor>;

struct Case {
  const char* python;                    // of parameters p[0], p[1], ..
  const char* parameters;                // a list of them, as Python writes it
  Made (*make)(const Parameters& p);
  double slope_tolerance = 0;            // of gradients of samples, where libtorch approximates
};

template <class D, class... Args>
Made make(Args&&... args) { return std::make_shared<D>(std::forward<Args>(args)...); }

const std::vector<Case>& cases() {
  using P = const Parameters&;
  static const std::vector<Case> all{
      {"Normal(p[0], p[1])", "[[0.5, -1, 3], [1, 2, 0.1]]", [](P p) { return make<Normal>(p[0], p[1]); }},
      {"Normal(0.25, p[0])", "[[[1, 2], [0.5, 4]]]", [](P p) { return make<Normal>(0.25, p[0]); }},
      {"Normal(p[0], 2)", "[-0.75]", [](P p) { return make<Normal>(p[0], 2); }},
      {"LogNormal(p[0], p[1])", "[[0.5, -1, 0.3], [1, 0.2, 0.1]]", [](P p) { return make<LogNormal>(p[0], p[1]); }},
      {"Uniform(p[0], p[1])", "[[0.5, -1], [1, 3]]", [](P p) { return make<Uniform>(p[0], p[1]); }},
      {"Uniform(0, p[0])", "[[[1, 2, 3]]]", [](P p) { return make<Uniform>(0, p[0]); }},
      {"Exponential(p[0])", "[[0.5, 1, 4]]", [](P p) { return make<Exponential>(p[0]); }},
      {"Laplace(p[0], p[1])", "[[0.5, -1, 3], [1, 2, 0.1]]", [](P p) { return make<Laplace>(p[0], p[1]); }},
      {"Cauchy(p[0], p[1])", "[[0.5, -1, 3], [1, 2, 0.1]]", [](P p) { return make<Cauchy>(p[0], p[1]); }},
      {"Gamma(p[0], p[1])", "[[0.05, 0.5, 1, 3, 12, 200], [1, 2, 0.1, 5, 1, 3]]", [](P p) { return make<Gamma>(p[0], p[1]); }, 3e-3},
      {"Gamma(p[0], 2)", "[[[0.3], [2]]]", [](P p) { return make<Gamma>(p[0], 2); }, 3e-3},
      {"Beta(p[0], p[1])", "[[0.4, 1, 3, 30], [1, 0.7, 4, 20]]", [](P p) { return make<Beta>(p[0], p[1]); }, 1e-2},
      {"Beta(p[0], 2.5)", "[[0.4, 1.5]]", [](P p) { return make<Beta>(p[0], 2.5); }, 1e-2},
      {"Dirichlet(p[0])", "[[[0.4, 1, 3], [5, 2, 0.8]]]", [](P p) { return make<Dirichlet>(p[0]); }, 1e-2},
      {"Dirichlet(p[0])", "[[0.4, 0.7, 0.3, 0.2]]", [](P p) { return make<Dirichlet>(p[0]); }, 1e-2},
      {"MultivariateNormal(p[0], scale_tril=p[1])", "[[1, -2], [[2, 0], [0.5, 1]]]",
       [](P p) { return make<MultivariateNormal>(p[0], std::nullopt, std::nullopt, p[1]); }},
      {"MultivariateNormal(p[0], p[1])", "[[[1, -2, 0], [0, 0, 1]], [[2, 0.3, 0], [0.3, 1, 0.2], [0, 0.2, 1]]]", [](P p) { return make<MultivariateNormal>(p[0], p[1]); }},
      {"MultivariateNormal(p[0], precision_matrix=p[1])", "[[1, -2], [[[2, 0.5], [0.5, 1]], [[1, 0], [0, 3]]]]",
       [](P p) { return make<MultivariateNormal>(p[0], std::nullopt, p[1]); }},
      {"Bernoulli(p[0])", "[[0.5, 0.1, 0.9, 1, 0]]", [](P p) { return make<Bernoulli>(p[0]); }},
      {"Bernoulli(logits=p[0])", "[[[0.5], [-3], [1]]]", [](P p) { return make<Bernoulli>(std::nullopt, p[0]); }},
      {"Geometric(p[0])", "[[0.5, 0.1, 0.9]]", [](P p) { return make<Geometric>(p[0]); }},
      {"Geometric(logits=p[0])", "[[0.5, -1]]", [](P p) { return make<Geometric>(std::nullopt, p[0]); }},
      {"Categorical(p[0])", "[[[1, 2, 3], [0.25, 0.25, 0.5]]]", [](P p) { return make<Categorical>(p[0]); }},
      {"Categorical(p[0])", "[[0.5, 0, 0.25, 0.25]]", [](P p) { return make<Categorical>(p[0]); }},
      {"Categorical(logits=p[0])", "[[[[1, 2, -3]], [[0, 0.5, 5]]]]", [](P p) { return make<Categorical>(std::nullopt, p[0]); }},
      {"Poisson(p[0])", "[[0.5, 3, 40]]", [](P p) { return make<Poisson>(p[0]); }},
      {"Independent(Normal(p[0], p[1]), 1)", "[[[0.5, -1, 3], [0, 0, 1]], [1, 2, 0.1]]", [](P p) { return make<Independent>(Normal(p[0], p[1]), 1); }},
      {"Independent(Bernoulli(p[0]), 2)", "[[[0.5, 0.3], [0.5, 0.9]]]", [](P p) { return make<Independent>(Bernoulli(p[0]), 2); }},
  };
  return all;
}

struct Pair {
  const char* python;  // p and q, of the parameters a and b
  const char *a, *b;
  Made (*p)(const Tensor& a);
  Made (*q)(const Tensor& b);
};
const std::vector<Pair>& pairs() {
  using T = const Tensor&;
  static const std::vector<Pair> all{
      {"Normal(a, 2), Normal(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Normal>(a, 2); }, [](T b) { return make<Normal>(0.5, b); }},
      {"LogNormal(a, 2), LogNormal(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<LogNormal>(a, 2); }, [](T b) { return make<LogNormal>(0.5, b); }},
      {"Uniform(a, 2), Uniform(-1, b)", "[1, -2, 0]", "[3, 2.5, 1.5]", [](T a) { return make<Uniform>(a, 2); }, [](T b) { return make<Uniform>(-1, b); }},
      {"Exponential(a), Exponential(b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Exponential>(a); }, [](T b) { return make<Exponential>(b); }},
      {"Laplace(a, 2), Laplace(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Laplace>(a, 2); }, [](T b) { return make<Laplace>(0.5, b); }},
      {"Cauchy(a, 2), Cauchy(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Cauchy>(a, 2); }, [](T b) { return make<Cauchy>(0.5, b); }},
      {"Gamma(a, 2), Gamma(0.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Gamma>(a, 2); }, [](T b) { return make<Gamma>(0.5, b); }},
      {"Beta(a, 2), Beta(0.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Beta>(a, 2); }, [](T b) { return make<Beta>(0.5, b); }},
      {"Dirichlet(a), Dirichlet(b)", "[1, 2, 0.5]", "[3, 0.5, 1]", [](T a) { return make<Dirichlet>(a); }, [](T b) { return make<Dirichlet>(b); }},
      {"MultivariateNormal(torch.ones(2).to(a), a), MultivariateNormal(torch.zeros(2).to(b), b)", "[[1, 0.2], [0.2, 2]]", "[[3, 0.5], [0.5, 1]]",
       [](T a) { return make<MultivariateNormal>(ct::ones({2}, a.scalar_type()), a); }, [](T b) { return make<MultivariateNormal>(ct::zeros({2}, b.scalar_type()), b); }},
      {"Bernoulli(a), Bernoulli(b)", "[0.5, 0.1, 0, 1, 0.5, 0.5]", "[0.3, 0.9, 0, 1, 0, 1]", [](T a) { return make<Bernoulli>(a); }, [](T b) { return make<Bernoulli>(b); }},
      {"Categorical(a), Categorical(b)", "[[0.5, 0.5, 0], [0.5, 0.25, 0.25]]", "[[0.3, 0.7, 0], [0.5, 0.5, 0]]", [](T a) { return make<Categorical>(a); },
       [](T b) { return make<Categorical>(b); }},
      {"Geometric(a), Geometric(b)", "[0.5, 0.1]", "[0.3, 0.9]", [](T a) { return make<Geometric>(a); }, [](T b) { return make<Geometric>(b); }},
      {"Poisson(a), Poisson(b)", "[0.5, 10]", "[3, 0.9]", [](T a) { return make<Poisson>(a); }, [](T b) { return make<Poisson>(b); }},
      {"Bernoulli(a), Poisson(b)", "[0.5, 0.1]", "[3, 0.9]", [](T a) { return make<Bernoulli>(a); }, [](T b) { return make<Poisson>(b); }},
      {"Uniform(a, 4), Normal(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Uniform>(a, 4); }, [](T b) { return make<Normal>(0.5, b); }},
      {"Exponential(a), Gamma(0.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Exponential>(a); }, [](T b) { return make<Gamma>(0.5, b); }},
      {"Gamma(a, 2), Exponential(b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Gamma>(a, 2); }, [](T b) { return make<Exponential>(b); }},
      {"Normal(a, 2), Laplace(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Normal>(a, 2); }, [](T b) { return make<Laplace>(0.5, b); }},
      {"Laplace(a, 2), Normal(0.5, b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Laplace>(a, 2); }, [](T b) { return make<Normal>(0.5, b); }},
      {"Laplace(a, 2), Gamma(1., b)", "[1, -2]", "[3, 0.5]", [](T a) { return make<Laplace>(a, 2); }, [](T b) { return make<Gamma>(1., b); }},
      {"Poisson(a), Bernoulli(b)", "[1, 2]", "[0.3, 0.5]", [](T a) { return make<Poisson>(a); }, [](T b) { return make<Bernoulli>(b); }},
      {"Exponential(a), Normal(0.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Exponential>(a); }, [](T b) { return make<Normal>(0.5, b); }},
      {"Gamma(a, 2), Normal(0.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Gamma>(a, 2); }, [](T b) { return make<Normal>(0.5, b); }},
      {"Beta(a, 2), Normal(0.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Beta>(a, 2); }, [](T b) { return make<Normal>(0.5, b); }},
      {"Beta(a, 2), Exponential(b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Beta>(a, 2); }, [](T b) { return make<Exponential>(b); }},
      {"Beta(a, 2), Gamma(1.5, b)", "[1, 2]", "[3, 0.5]", [](T a) { return make<Beta>(a, 2); }, [](T b) { return make<Gamma>(1.5, b); }},
      {"Beta(a, 2), Uniform(b, 1.5)", "[1, 2]", "[-3, 0.5]", [](T a) { return make<Beta>(a, 2); }, [](T b) { return make<Uniform>(b, 1.5); }},
      {"Uniform(a, 0.9), Beta(1.5, b)", "[0.1, 0.2]", "[3, 0.5]", [](T a) { return make<Uniform>(a, 0.9); }, [](T b) { return make<Beta>(1.5, b); }},
      {"Uniform(a, 3), Gamma(1.5, b)", "[0.1, 2]", "[3, 0.5]", [](T a) { return make<Uniform>(a, 3); }, [](T b) { return make<Gamma>(1.5, b); }},
      {"Uniform(a, 3), Exponential(b)", "[0.1, 2]", "[3, 0.5]", [](T a) { return make<Uniform>(a, 3); }, [](T b) { return make<Exponential>(b); }},
      {"Independent(Normal(a, 2), 1), Independent(Normal(0, b), 1)", "[[1, 2], [3, 4]]", "[[1, 2], [3, 4]]", [](T a) { return make<Independent>(Normal(a, 2), 1); },
       [](T b) { return make<Independent>(Normal(0, b), 1); }},
  };
  return all;
}

// Prints a line for each case, dtype and quantity: the sizes, then the elements; or the text.
constexpr const char* script = R"PY(
import torch
from torch.distributions import *
def show(name, v):
    if v is None: print(name, 'none')
    elif isinstance(v, str): print(name, 'text', v)
    else:
        v = v.detach()
        print(name, 'tensor', v.dim(), *v.shape, *[repr(float(x)) for x in v.reshape(-1)])
def attempt(name, f):
    try: show(name, f())
    except NotImplementedError: show(name, None)
def slopes(name, y, p):
    y = y()
    w = (torch.arange(y.numel()).reshape(y.shape) % 5 + 1).to(y)
    g = torch.autograd.grad((y * w).sum(), p, retain_graph=True, allow_unused=True) if y.requires_grad else [None] * len(p)
    for k in range(len(p)): show(f'{name}.{k}', torch.zeros_like(p[k]) if g[k] is None else g[k])
for dtype in [torch.float32, torch.float64]:
    for i, (code, parameters) in enumerate(CASES):
        p = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in parameters]
        d = eval(code)
        n = f'{i}.{"float" if dtype == torch.float32 else "double"}.'
        show(n + 'repr', repr(d))
        show(n + 'support', repr(d.support))
        show(n + 'batch', torch.tensor(d.batch_shape)); show(n + 'event', torch.tensor(d.event_shape))
        torch.manual_seed(3)
        s = d.sample((4,)); show(n + 'sample', s)
        show(n + 'one', d.sample())
        show(n + 'more', d.sample((3, 2)))
        attempt(n + 'log_prob', lambda: d.log_prob(s)); slopes(n + 'log_prob_slope', lambda: d.log_prob(s), p)
        for q in ['entropy', 'perplexity', 'enumerate_support']: attempt(n + q, lambda: getattr(d, q)())
        for q in ['mean', 'variance', 'stddev', 'mode']: attempt(n + q, lambda: getattr(d, q))
        attempt(n + 'cdf', lambda: d.cdf(s)); attempt(n + 'icdf', lambda: d.icdf(torch.tensor(0.3, dtype=dtype)))
        try:
            d.entropy(); slopes(n + 'entropy_slope', lambda: d.entropy(), p)
        except NotImplementedError: pass
        if d.has_rsample:
            torch.manual_seed(4)
            r = d.rsample((4,)); show(n + 'rsample', r)
            torch.manual_seed(4); slopes(n + 'rsample_slope', lambda: d.rsample((4,)), p)
    for i, (code, a, b) in enumerate(PAIRS):
        a = torch.tensor(a, dtype=dtype, requires_grad=True); b = torch.tensor(b, dtype=dtype, requires_grad=True)
        p, q = eval(code)
        n = f'kl{i}.{"float" if dtype == torch.float32 else "double"}.'
        show(n + 'kl', kl_divergence(p, q)); slopes(n + 'kl_slope', lambda: kl_divergence(p, q), [a, b])
x = torch.tensor([[0.3, 1, 2], [4, 50, 0.01]], dtype=torch.float64); torch.manual_seed(8)
show('x.gamma', torch._standard_gamma(x)); show('x.dirichlet', torch._sample_dirichlet(x)); show('x.float', torch._standard_gamma(x.float()))
show('x.next', torch.rand(1))
)PY";

// libtorch's derivative of digamma is no better than this.
constexpr double trigamma = 1e-8;

struct Answer {
  std::string kind, text;
  std::vector<std::int64_t> sizes;
  std::vector<double> values;
};

const std::map<std::string, Answer>& answers() {
  static const std::map<std::string, Answer> all = [] {
    std::string code = "CASES = [";
    for (const Case& c : cases()) code.append("('").append(c.python).append("', ").append(c.parameters).append("),\n");
    code += "]\nPAIRS = [";
    for (const Pair& p : pairs()) code.append("('").append(p.python).append("', ").append(p.a).append(", ").append(p.b).append("),\n");
    test_io::Folder folder;
    std::istringstream lines(test_io::python(folder, code + "]\n" + script));
    std::map<std::string, Answer> out;
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream in(line);
      std::string name, word;
      Answer a;
      in >> name >> a.kind;
      if (a.kind == "text") {
        std::getline(in >> std::ws, a.text);
      } else if (a.kind == "tensor") {
        std::size_t dim = 0;
        in >> dim;
        a.sizes.resize(dim);
        for (auto& s : a.sizes) in >> s;
        while (in >> word) a.values.push_back(std::strtod(word.c_str(), nullptr));
      } else {
        a.text = line;
      }
      out[name] = a;
    }
    return out;
  }();
  return all;
}

// Python's list of numbers as a tensor.
Tensor parse(const char*& at, ct::ScalarType dtype) {
  while (*at == ' ' || *at == ',') ++at;
  if (*at != '[') {
    char* end = nullptr;
    const double v = std::strtod(at, &end);
    at = end;
    return ct::scalar_tensor(v, dtype);
  }
  std::vector<Tensor> parts;
  for (++at; *at != ']';) {
    parts.push_back(parse(at, dtype));
    while (*at == ' ' || *at == ',') ++at;
  }
  ++at;
  return ct::stack(parts);
}
Parameters parameters(const char* text, ct::ScalarType dtype) {
  Parameters out;
  for (const char* at = text + 1; *at != ']';) {
    out.push_back(parse(at, dtype).requires_grad_());
    while (*at == ' ' || *at == ',') ++at;
  }
  return out;
}

void check_same(const std::string& name, const Tensor& ours, double tolerance) {
  CAPTURE(name);
  const auto found = answers().find(name);
  REQUIRE(found != answers().end());
  const Answer& a = found->second;
  REQUIRE(a.kind == "tensor");
  REQUIRE(ours.sizes() == ct::IntArrayRef(a.sizes));
  const Tensor dense = ours.detach().to(ct::kDouble).contiguous();
  const double* p = dense.data_ptr<double>();
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (p[i] == a.values[i] || (std::isnan(p[i]) && std::isnan(a.values[i]))) continue;
    CAPTURE(i);
    CAPTURE(p[i]);
    CAPTURE(a.values[i]);
    const bool close = std::abs(p[i] - a.values[i]) <= tolerance * (1 + std::abs(a.values[i]));
    CHECK(close);
  }
}
template <class F>
void check_attempt(const std::string& name, const F& f, double tolerance) {
  CAPTURE(name);
  REQUIRE(answers().contains(name));
  if (answers().at(name).kind == "none") {
    CHECK_THROWS_AS(f(), ct::NotImplementedError);
    return;
  }
  check_same(name, f(), tolerance);
}
template <class F>
void check_slopes(const std::string& name, const F& f, const Parameters& p, double tolerance) {
  const Tensor y = f();
  const Tensor w = (ct::arange(y.numel()).reshape(y.sizes()) % 5 + 1).to(y.scalar_type());
  std::vector<Tensor> g(p.size());
  if (y.requires_grad()) g = ct::autograd::grad({(y * w).sum()}, p, {}, true, false, true);
  for (std::size_t k = 0; k < p.size(); ++k) check_same(name + "." + std::to_string(k), g[k].defined() ? g[k] : ct::zeros_like(p[k]), tolerance);
}

}  // namespace

TEST_CASE("distributions beside Python's: samples, values, gradients, texts") {
  REQUIRE_MESSAGE(answers().size() > 100, answers().begin()->second.text);
  for (const ct::ScalarType dtype : {ct::kFloat, ct::kDouble}) {
    const double tolerance = dtype == ct::kFloat ? 4e-6 : 1e-13;
    for (std::size_t i = 0; i < cases().size(); ++i) {
      const Case& c = cases()[i];
      CAPTURE(std::string(c.python));
      const std::string n = std::to_string(i) + (dtype == ct::kFloat ? ".float." : ".double.");
      const Parameters p = parameters(c.parameters, dtype);
      const Made d = c.make(p);
      CHECK(to_string(*d) == answers().at(n + "repr").text);
      if (d->support().kind() != Constraint::Kind::interval) CHECK(d->support().repr() == answers().at(n + "support").text);
      check_same(n + "batch", ct::tensor(d->batch_shape()), 0);
      check_same(n + "event", ct::tensor(d->event_shape()), 0);
      ct::manual_seed(3);
      const Tensor s = d->sample({4});
      CHECK_FALSE(s.requires_grad());
      check_same(n + "sample", s, tolerance);
      check_same(n + "one", d->sample(), tolerance);
      check_same(n + "more", d->sample({3, 2}), tolerance);
      check_attempt(n + "log_prob", [&] { return d->log_prob(s); }, 10 * tolerance);
      check_slopes(n + "log_prob_slope", [&] { return d->log_prob(s); }, p, 100 * tolerance);
      check_attempt(n + "entropy", [&] { return d->entropy(); }, 4 * tolerance);
      check_attempt(n + "perplexity", [&] { return d->perplexity(); }, 4 * tolerance);
      check_attempt(n + "enumerate_support", [&] { return d->enumerate_support(); }, 0);
      check_attempt(n + "mean", [&] { return d->mean(); }, tolerance);
      check_attempt(n + "variance", [&] { return d->variance(); }, tolerance);
      check_attempt(n + "stddev", [&] { return d->stddev(); }, tolerance);
      check_attempt(n + "mode", [&] { return d->mode(); }, tolerance);
      check_attempt(n + "cdf", [&] { return d->cdf(s); }, tolerance);
      check_attempt(n + "icdf", [&] { return d->icdf(ct::tensor(0.3, dtype)); }, tolerance);
      if (answers().contains(n + "entropy_slope.0")) check_slopes(n + "entropy_slope", [&] { return d->entropy(); }, p, std::max(20 * tolerance, trigamma));
      CHECK(d->has_rsample() == answers().contains(n + "rsample"));
      if (!d->has_rsample()) {
        CHECK_THROWS_AS(d->rsample(), ct::NotImplementedError);
        continue;
      }
      ct::manual_seed(4);
      check_same(n + "rsample", d->rsample({4}), tolerance);
      ct::manual_seed(4);
      check_slopes(n + "rsample_slope", [&] { return d->rsample({4}); }, p, c.slope_tolerance != 0 ? c.slope_tolerance : 20 * tolerance);
    }
  }
}

TEST_CASE("distributions beside Python's: divergences") {
  for (const ct::ScalarType dtype : {ct::kFloat, ct::kDouble}) {
    const double tolerance = dtype == ct::kFloat ? 1e-5 : 1e-13;
    for (std::size_t i = 0; i < pairs().size(); ++i) {
      const Pair& c = pairs()[i];
      CAPTURE(std::string(c.python));
      const std::string n = "kl" + std::to_string(i) + (dtype == ct::kFloat ? ".float." : ".double.");
      const char *a_text = c.a, *b_text = c.b;
      const Tensor a = parse(a_text, dtype).requires_grad_(), b = parse(b_text, dtype).requires_grad_();
      const Made p = c.p(a), q = c.q(b);
      check_same(n + "kl", kl_divergence(*p, *q), tolerance);
      check_slopes(n + "kl_slope", [&] { return kl_divergence(*p, *q); }, {a, b}, std::max(20 * tolerance, trigamma));
    }
  }
}

TEST_CASE("distributions beside Python's: the stream of gamma and Dirichlet numbers, to the bit") {
  const Tensor x = ct::tensor({{0.3, 1., 2.}, {4., 50., 0.01}}, ct::kDouble);
  ct::manual_seed(8);
  check_same("x.gamma", ct::_standard_gamma(x), 0);
  check_same("x.dirichlet", ct::_sample_dirichlet(x), 1e-15);
  check_same("x.float", ct::_standard_gamma(x.to(ct::kFloat)), 0);
  check_same("x.next", ct::rand({1}), 0);
}
