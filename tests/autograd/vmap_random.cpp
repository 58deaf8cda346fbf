// tests/autograd/vmap_random.cpp -- random numbers under vmap: an error unless asked for, the same for all entries, or others.
#include "cotangent/func.h"
#include "cotangent/generator.h"
#include "values.h"

using ct::Tensor;
namespace func = ct::func;

namespace {

using Draw = Tensor (*)(const Tensor&);
struct Case {
  const char* name;
  Draw each;     // of one entry x [3]
  Draw batched;  // one call for x [4, 3]
};

Tensor in_place(const Tensor& x, Tensor& (*write)(const Tensor&)) {
  const Tensor y = x.clone();
  write(y);
  return y;
}

const Case cases[] = {
    {"rand", [](const Tensor& x) { return x * 0 + ct::rand({3}, ct::kDouble); }, [](const Tensor&) { return ct::rand({4, 3}, ct::kDouble); }},
    {"randn", [](const Tensor& x) { return x * 0 + ct::randn({3}, ct::kDouble); }, [](const Tensor&) { return ct::randn({4, 3}, ct::kDouble); }},
    {"randint", [](const Tensor&) { return ct::randint(0, 100, {3}); }, [](const Tensor&) { return ct::randint(0, 100, {4, 3}); }},
    {"normal", [](const Tensor&) { return ct::normal(1, 2, {3}); }, [](const Tensor&) { return ct::normal(1, 2, {4, 3}); }},
    {"rand_like", [](const Tensor& x) { return ct::rand_like(x); }, [](const Tensor& x) { return ct::rand_like(x); }},
    {"randn_like", [](const Tensor& x) { return ct::randn_like(x); }, [](const Tensor& x) { return ct::randn_like(x); }},
    {"bernoulli", [](const Tensor& x) { return ct::bernoulli(x, 0.5); }, [](const Tensor& x) { return ct::bernoulli(x, 0.5); }},
    {"uniform_", [](const Tensor& x) { return in_place(x, [](const Tensor& y) -> Tensor& { return y.uniform_(); }); }, [](const Tensor& x) { return x.clone().uniform_(); }},
    {"exponential_", [](const Tensor& x) { return in_place(x, [](const Tensor& y) -> Tensor& { return y.exponential_(); }); }, [](const Tensor& x) { return x.clone().exponential_(); }},
    {"geometric_", [](const Tensor& x) { return in_place(x, [](const Tensor& y) -> Tensor& { return y.geometric_(0.25); }); }, [](const Tensor& x) { return x.clone().geometric_(0.25); }},
};
// Parameters are tensors: without a meaning for "same" where they are mapped.
const Case with_tensors[] = {
    {"bernoulli", [](const Tensor& x) { return ct::bernoulli(x); }, [](const Tensor& x) { return ct::bernoulli(x); }},
    {"poisson", [](const Tensor& x) { return ct::poisson(x); }, [](const Tensor& x) { return ct::poisson(x); }},
    {"normal", [](const Tensor& x) { return ct::normal(x, 2.0); }, [](const Tensor& x) { return ct::normal(x, 2.0); }},
    {"normal", [](const Tensor& x) { return ct::normal(0.5, x); }, [](const Tensor& x) { return ct::normal(0.5, x); }},
    {"normal", [](const Tensor& x) { return ct::normal(x, x); }, [](const Tensor& x) { return ct::normal(x, x); }},
    {"multinomial", [](const Tensor& x) { return ct::multinomial(x, 2); }, [](const Tensor& x) { return ct::multinomial(x, 2); }},
    {"multinomial", [](const Tensor& x) { return ct::multinomial(x, 5, true); }, [](const Tensor& x) { return ct::multinomial(x, 5, true); }},
};

Tensor mapped(Draw f, const Tensor& x, const char* randomness) {
  return func::vmap([f](const Tensor& e) { return f(e); }, 0, 0, randomness)(x);
}
Tensor input() { return ct::arange(1, 13, ct::kDouble).view({4, 3}) / 12; }

}  // namespace

TEST_CASE("vmap refuses random numbers unless told what is meant, and draws none") {
  const Tensor x = input();
  ct::manual_seed(1);
  const Tensor before = ct::get_rng_state();
  for (const Case& c : cases) CHECK_THROWS_WITH_AS(mapped(c.each, x, "error"), doctest::Contains("called random operation while in randomness error mode"), ct::Error);
  for (const Case& c : with_tensors) CHECK_THROWS_WITH_AS(mapped(c.each, x, "error"), doctest::Contains("called random operation while in randomness error mode"), ct::Error);
  CHECK_THROWS_WITH_AS(mapped([](const Tensor& e) { return e * ct::randperm(3); }, x, "error"), doctest::Contains("randomness error mode: randperm"), ct::Error);
  CHECK(ct::equal(before, ct::get_rng_state()));
}

TEST_CASE("vmap with different randomness gives what one call for the whole batch gives") {
  const Tensor x = input();
  const auto check = [&](const Case& c) {
    INFO(c.name);
    ct::manual_seed(7);
    const Tensor expected = c.batched(x), after = ct::get_rng_state();
    ct::manual_seed(7);
    const Tensor y = mapped(c.each, x, "different");
    CHECK((y.scalar_type() == expected.scalar_type()));
    CHECK(ct::equal(y, expected));
    CHECK(ct::equal(after, ct::get_rng_state()));
  };
  for (const Case& c : cases) check(c);
  for (const Case& c : with_tensors) check(c);
}

TEST_CASE("vmap with the same randomness shares one draw, also between chunks") {
  const Tensor x = input();
  for (const Case& c : cases) {
    INFO(c.name);
    ct::manual_seed(7);
    const Tensor expected = c.each(x[0]), after = ct::get_rng_state();
    ct::manual_seed(7);
    const Tensor y = mapped(c.each, x, "same");
    CHECK((y.sizes() == ct::IntArrayRef{4, 3}));
    for (std::int64_t e = 0; e < 4; ++e) CHECK(ct::equal(y[e], expected));
    CHECK(ct::equal(after, ct::get_rng_state()));
    ct::manual_seed(7);
    const Tensor z = func::vmap([&c](const Tensor& e) { return c.each(e); }, 0, 0, "same", 3)(x);
    for (std::int64_t e = 0; e < 4; ++e) CHECK(ct::equal(z[e], expected));
  }
  for (const Case& c : with_tensors) CHECK_THROWS_WITH_AS(mapped(c.each, x, "same"), doctest::Contains("Vmap does not currently support same randomness with a batched tensor input"), ct::Error);
}

TEST_CASE("parameters that are not mapped are drawn from for each entry, or once") {
  const Tensor x = input(), p = ct::tensor({0.1, 0.2, 0.7}, ct::kDouble);
  const auto draw = [&](const char* randomness) {
    return func::vmap([&](const Tensor& e) { return e * 0 + ct::multinomial(p, 3, true).to(ct::kDouble); }, 0, 0, randomness)(x);
  };
  ct::manual_seed(3);
  const Tensor expected = ct::multinomial(p.expand({4, 3}), 3, true).to(ct::kDouble);
  ct::manual_seed(3);
  CHECK(ct::equal(draw("different"), expected));
  ct::manual_seed(3);
  const Tensor once = ct::multinomial(p, 3, true).to(ct::kDouble);
  ct::manual_seed(3);
  CHECK(ct::equal(draw("same"), once.expand({4, 3})));
}

TEST_CASE("permutations of each entry are those of as many calls") {
  const Tensor x = input();
  ct::manual_seed(5);
  std::vector<Tensor> each;
  for (int e = 0; e < 4; ++e) each.push_back(ct::randperm(6));
  ct::manual_seed(5);
  const Tensor y = func::vmap([](const Tensor& e) { return ct::randperm(6) + e.sum().to(ct::kLong) * 0; }, 0, 0, "different")(x);
  CHECK(ct::equal(y, ct::stack(each)));
  ct::manual_seed(5);
  const Tensor z = func::vmap([](const Tensor& e) { return ct::randperm(6) + e.sum().to(ct::kLong) * 0; }, 0, 0, "same")(x);
  CHECK(ct::equal(z, each[0].expand({4, 6})));
}

TEST_CASE("each of two nested vmaps has its own randomness") {
  const Tensor x = ct::zeros({2, 4}, ct::kDouble);
  const auto nested = [&](const char* outer, const char* inner) {
    ct::manual_seed(9);
    return func::vmap([inner](const Tensor& row) {
      return func::vmap([](const Tensor& e) { return e + ct::rand({3}, ct::kDouble); }, 0, 0, inner)(row);
    }, 0, 0, outer)(x);
  };
  const auto drawn = [](ct::IntArrayRef sizes) {
    ct::manual_seed(9);
    return ct::rand(sizes, ct::kDouble);
  };
  CHECK(ct::equal(nested("different", "different"), drawn({2, 4, 3})));
  CHECK(ct::equal(nested("same", "different"), drawn({4, 3}).expand({2, 4, 3})));
  CHECK(ct::equal(nested("different", "same"), drawn({2, 3}).unsqueeze(1).expand({2, 4, 3})));
  CHECK(ct::equal(nested("same", "same"), drawn({3}).expand({2, 4, 3})));
  CHECK_THROWS_WITH_AS(nested("error", "different"), doctest::Contains("randomness error mode"), ct::Error);
}

TEST_CASE("writing different numbers into what is not mapped is refused, the same ones are written") {
  const Tensor x = input(), shared = ct::zeros({3}, ct::kDouble);
  const auto fill = [&](const char* randomness) {
    return func::vmap([&](const Tensor& e) { return e + shared.uniform_(); }, 0, 0, randomness)(x);
  };
  CHECK_THROWS_WITH_AS(fill("different"), doctest::Contains("Cannot ask for different inplace randomness on an unbatched tensor"), ct::Error);
  CHECK(ct::equal(shared, ct::zeros({3}, ct::kDouble)));
  ct::manual_seed(2);
  const Tensor expected = ct::rand({3}, ct::kDouble);
  ct::manual_seed(2);
  CHECK(ct::allclose(fill("same"), x + expected));
  CHECK(ct::equal(shared, expected));
}

TEST_CASE("a mapped gradient goes past random masks") {
  const Tensor x = input();
  ct::manual_seed(4);
  const Tensor mask = ct::bernoulli(ct::zeros({4, 3}, ct::kDouble), 0.5);
  ct::manual_seed(4);
  const auto f = [](const Tensor& e) { return (e * e * ct::bernoulli(e, 0.5)).sum(); };
  const Tensor g = func::vmap(func::grad(f), 0, 0, "different")(x);
  CHECK(ct::allclose(g, 2 * x * mask));
}

TEST_CASE("what reads elements cannot be mapped, and says so") {
  const Tensor x = input();
  const auto map = [&](auto f) { return func::vmap([&](const Tensor& e) { return f(e); })(x); };
  CHECK_THROWS_WITH_AS(map([](const Tensor& e) { return e * e.sum().template item<double>(); }), doctest::Contains("calling .item() on a Tensor"), ct::Error);
  CHECK_THROWS_WITH_AS(map([](const Tensor& e) { return e.sum().gt(0).is_nonzero() ? e : -e; }), doctest::Contains("calling .item() on a Tensor"), ct::Error);
  CHECK_THROWS_WITH_AS(map([](const Tensor& e) { return ct::histc(e, 4, 0, 1); }), doctest::Contains("vmap: data-dependent: histc"), ct::Error);
  CHECK_THROWS_WITH_AS(map([](const Tensor& e) { return std::get<0>(ct::_unique2(e)); }), doctest::Contains("vmap: data-dependent: _unique2"), ct::Error);
  CHECK_THROWS_WITH_AS(map([](const Tensor& e) { return ct::bincount(e.to(ct::kLong)); }), doctest::Contains("vmap: data-dependent: bincount"), ct::Error);
  Tensor out = ct::zeros({3}, ct::kDouble);
  CHECK_THROWS_WITH_AS(map([&](const Tensor& e) { return ct::add_out(out, e, e); }), doctest::Contains("fallback path doesn't work"), ct::Error);
  CHECK_THROWS_WITH_AS(map([&](const Tensor& e) { return ct::matmul_out(out, e, e); }), doctest::Contains("fallback path doesn't work"), ct::Error);
  CHECK_THROWS_WITH_AS(func::jvp([&](const Tensor& e) -> Tensor { return ct::mul_out(out, e, e); }, x[0], x[1]), doctest::Contains("has a tangent"), ct::Error);
  CHECK(ct::equal(out, ct::zeros({3}, ct::kDouble)));
}
