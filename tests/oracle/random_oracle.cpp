// tests/oracle/random_oracle.cpp -- streams of random numbers, bit for bit those of libtorch, and the ranges.
#include "oracle/oracle.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cstring>
#include <functional>

#include "cotangent/print.h"

using ct::kBFloat16, ct::kBool, ct::kByte, ct::kChar, ct::kDouble, ct::kFloat, ct::kInt, ct::kLong, ct::kShort;

namespace {

std::string bytes(const ct::Tensor& t) {
  const ct::Tensor c = t.detach().contiguous();
  return {static_cast<const char*>(c.data_ptr()), c.nbytes()};
}
std::string bytes(const at::Tensor& t) {
  const at::Tensor c = t.contiguous();
  return {static_cast<const char*>(c.data_ptr()), c.nbytes()};
}

// Elements that differ, and the first of them.
std::string difference(const ct::Tensor& a, const at::Tensor& b) {
  const ct::Tensor x = a.detach().to(kDouble).contiguous();
  const at::Tensor y = b.to(at::kDouble).contiguous();
  std::int64_t n = 0, first = -1;
  for (std::int64_t i = 0; i < x.numel(); ++i)
    if (std::memcmp(x.data_ptr<double>() + i, y.data_ptr<double>() + i, 8) != 0 && n++ == 0) first = i;
  if (n == 0) return "none";
  return ct::detail::print_text({n, "of", x.numel(), "first", first, x.data_ptr<double>()[first], "for", y.data_ptr<double>()[first]});
}

struct Streams {
  ct::Generator ours;
  at::Generator theirs = at::detail::createCPUGenerator();
  explicit Streams(std::uint64_t seed) : ours(seed) { theirs.set_current_seed(seed); }
  void same() { CHECK(bytes(ours.get_state()) == bytes(theirs.get_state())); }
};

using Ours = void (*)(const ct::Tensor&, const ct::Generator&);
using Theirs = void (*)(at::Tensor, const at::Generator&);
struct Fill {
  const char* name;
  std::vector<ct::ScalarType> dtypes;
  Ours ours;
  Theirs theirs;
};

const std::vector<ct::ScalarType> floating = {kFloat, kDouble, kBFloat16}, all = {kFloat, kDouble, kBFloat16, kByte, kChar, kShort, kInt, kLong, kBool};

const std::vector<Fill>& fills() {
#define BOTH(call) [](const ct::Tensor& t, const ct::Generator& g) { (void)t.call; }, [](at::Tensor t, const at::Generator& g) { t.call; }
  static const std::vector<Fill> table = {
      {"normal_", floating, BOTH(normal_(0, 1, g))},
      {"normal_ scaled", floating, BOTH(normal_(1.5, 0.3, g))},
      {"uniform_", floating, BOTH(uniform_(0, 1, g))},
      {"uniform_ scaled", floating, BOTH(uniform_(-0.3, 2.7, g))},
      {"bernoulli_", all, BOTH(bernoulli_(0.3, g))},
      {"exponential_", floating, BOTH(exponential_(1, g))},
      {"exponential_ 2.5", floating, BOTH(exponential_(2.5, g))},
      {"cauchy_", floating, BOTH(cauchy_(0.5, 2, g))},
      {"log_normal_", floating, BOTH(log_normal_(1, 0.5, g))},
      {"geometric_", {kFloat, kDouble, kBFloat16, kInt, kLong, kShort}, BOTH(geometric_(0.3, g))},
      {"random_", all, BOTH(random_(g))},
      {"random_ to", all, BOTH(random_(2, g))},
      {"random_ from to", {kFloat, kDouble, kBFloat16, kChar, kShort, kInt, kLong}, BOTH(random_(-7, 100, g))},
      {"random_ wide", {kDouble, kFloat, kLong}, BOTH(random_(-5, std::int64_t{1} << 40, g))},
      {"random_ widest", {kLong}, BOTH(random_(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), g))},
  };
#undef BOTH
  return table;
}

}  // namespace

TEST_CASE("random fills draw libtorch's numbers") {
  for (const Fill& f : fills()) {
    CAPTURE(f.name);
    for (ct::ScalarType t : f.dtypes) {
      CAPTURE(std::string(ct::toString(t)));
      for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{42}, std::uint64_t{123456789}, ~std::uint64_t{0}}) {
        Streams s(seed);
        for (std::int64_t n : {1, 2, 3, 15, 16, 17, 18, 31, 100, 1000, 3001}) {
          CAPTURE(n);
          const ct::Tensor x = ct::zeros({n}, t);
          const at::Tensor y = at::zeros({n}, oracle::type_of(t));
          f.ours(x, s.ours);
          f.theirs(y, s.theirs);
          REQUIRE(difference(x, y) == "none");
        }
        s.same();
      }
    }
  }
}

TEST_CASE("random fills follow the order of memory, as libtorch's") {
  for (const Fill& f : fills()) {
    CAPTURE(f.name);
    const ct::ScalarType t = f.dtypes[0];
    Streams s(7);
    auto both = [&](auto view) {
      const ct::Tensor x = ct::zeros({6, 10, 4}, t);
      const at::Tensor y = at::zeros({6, 10, 4}, oracle::type_of(t));
      f.ours(view(x), s.ours);
      f.theirs(view(y), s.theirs);
      CHECK(difference(x, y) == "none");
    };
    both([](const auto& v) { return v.transpose(0, 2); });
    both([](const auto& v) { return v.permute({1, 2, 0}); });
    both([](const auto& v) { return v.slice(0, 1, 6, 2).slice(2, 0, 4, 3); });
    both([](const auto& v) { return v.select(1, 3).t(); });
    both([](const auto& v) { return v.select(2, 1); });
    both([](const auto& v) { return v.select(2, 1).unsqueeze(1).transpose(0, 2); });
    s.same();
  }
}

TEST_CASE("random factories draw libtorch's numbers") {
  for (std::uint64_t seed : {0, 3, 99}) {
    Streams s(seed);
    for (std::int64_t n : {1, 5, 16, 40}) {
      CHECK(difference(ct::rand({n, 3}, s.ours), at::rand({n, 3}, s.theirs)) == "none");
      CHECK(difference(ct::randn({n, 3}, s.ours), at::randn({n, 3}, s.theirs)) == "none");
      CHECK(difference(ct::randn({n}, s.ours, kDouble), at::randn({n}, s.theirs, at::kDouble)) == "none");
      CHECK(difference(ct::randint(-3, 12, {n, 2}, s.ours), at::randint(-3, 12, {n, 2}, s.theirs)) == "none");
      CHECK(difference(ct::randperm(n * n, s.ours), at::randperm(n * n, s.theirs, at::kLong)) == "none");
      CHECK(difference(ct::randperm(n, s.ours, kFloat), at::randperm(n, s.theirs, at::kFloat)) == "none");
      CHECK(difference(ct::normal(-1.0, 2.0, {n}, s.ours), at::normal(-1.0, 2.0, {n}, s.theirs)) == "none");
      const ct::Tensor m = ct::rand({n, 3}, s.ours), sd = ct::rand({3}, s.ours);
      const at::Tensor am = at::rand({n, 3}, s.theirs), asd = at::rand({3}, s.theirs);
      CHECK(difference(ct::normal(m, 0.5, s.ours), at::normal(am, 0.5, s.theirs)) == "none");
      CHECK(difference(ct::normal(0.5, sd, s.ours), at::normal(0.5, asd, s.theirs)) == "none");
      CHECK(difference(ct::normal(m, sd, s.ours), at::normal(am, asd, s.theirs)) == "none");
      CHECK(difference(ct::bernoulli(m, s.ours), at::bernoulli(am, s.theirs)) == "none");
      CHECK(difference(ct::bernoulli(m.to(kDouble), s.ours), at::bernoulli(am.to(at::kDouble), s.theirs)) == "none");
      CHECK(difference(ct::bernoulli(m, 0.25, s.ours), at::bernoulli(am, 0.25, s.theirs)) == "none");
      CHECK(difference(ct::zeros({n, 3}, kLong).bernoulli_(m, s.ours), at::zeros({n, 3}, at::kLong).bernoulli_(am, s.theirs)) == "none");
      CHECK(difference(ct::zeros({n, 3}).bernoulli_(sd, s.ours), at::zeros({n, 3}).bernoulli_(asd, s.theirs)) == "none");
      for (double scale : {0.0, 0.7, 5.0, 12.0, 300.0})
        CHECK(difference(ct::poisson(m * scale, s.ours), at::poisson(am * scale, s.theirs)) == "none");
    }
    s.same();
  }
}

TEST_CASE("multinomial draws libtorch's categories") {
  for (std::uint64_t seed : {0, 3, 99}) {
    Streams s(seed);
    for (std::int64_t k : {1, 4, 30, 500}) {
      for (auto [t, at_t] : {std::pair{kFloat, at::kFloat}, std::pair{kDouble, at::kDouble}}) {
        const ct::Tensor p = ct::rand({3, k}, s.ours, t);
        const at::Tensor q = at::rand({3, k}, s.theirs, at_t);
        for (std::int64_t n : {std::int64_t{1}, k / 2 + 1, k}) {
          CHECK(difference(ct::multinomial(p, n, false, s.ours), at::multinomial(q, n, false, s.theirs)) == "none");
          CHECK(difference(ct::multinomial(p, n, true, s.ours), at::multinomial(q, n, true, s.theirs)) == "none");
          CHECK(difference(ct::multinomial(p.select(0, 1), n, true, s.ours), at::multinomial(q.select(0, 1), n, true, s.theirs)) == "none");
        }
        CHECK(difference(ct::multinomial(p, 20, true, s.ours), at::multinomial(q, 20, true, s.theirs)) == "none");
        CHECK(difference(ct::multinomial(p.t(), 2, false, s.ours), at::multinomial(q.t(), 2, false, s.theirs)) == "none");
      }
    }
    // Categories of probability 0 come last, in the same order.
    const ct::Tensor z = ct::tensor({0.0, 0.5, 0.0, 0.2, 0.0, 0.1, 0.0, 0.0});
    const at::Tensor y = oracle::to_at(z);
    for (std::int64_t n : {2, 3, 5, 8}) CHECK(difference(ct::multinomial(z, n, false, s.ours), at::multinomial(y, n, false, s.theirs)) == "none");
    s.same();
  }
}

TEST_CASE("saved streams can be handed over to libtorch and back") {
  Streams s(11);
  for (std::int64_t draws : {0, 1, 3, 623, 1000, 1248}) {  // odd counts leave a normal number in the cache
    for (std::int64_t i = 0; i < draws; ++i) ct::randn({1}, s.ours);
    s.theirs.set_state(oracle::to_at(s.ours.get_state()));
    CHECK(difference(ct::randn({7}, s.ours), at::randn({7}, s.theirs)) == "none");
    at::rand({3}, s.theirs);
    at::randn({3}, s.theirs);
    s.ours.set_state(oracle::to_ct(s.theirs.get_state()));
    CHECK(difference(ct::randn({7}, s.ours), at::randn({7}, s.theirs)) == "none");
    CHECK(s.ours.current_seed() == s.theirs.current_seed());
    s.same();
  }
}

TEST_CASE("ranges have libtorch's bits") {
  struct Range { double start, end, step; };
  for (Range r : {Range{0, 1, 0.1}, Range{-3, 3, 0.01}, Range{1, 10, 2.5}, Range{5, -5, -0.3}, Range{0, 1000, 1}, Range{0.1, 77.7, 0.7}, Range{2, 2, 1}}) {
    CAPTURE(r.start);
    CAPTURE(r.step);
    for (ct::ScalarType t : {kFloat, kDouble, kInt, kLong, kShort}) {
      CAPTURE(std::string(ct::toString(t)));
      if (ct::isIntegralType(t, false) && std::fabs(r.step) < 1) continue;
      CHECK(difference(ct::arange(r.start, r.end, r.step, t), at::arange(r.start, r.end, r.step, oracle::type_of(t))) == "none");
    }
    for (std::int64_t n : {0, 1, 2, 3, 5, 16, 17, 33, 50, 100, 101, 1000, 4099}) {
      CAPTURE(n);
      for (ct::ScalarType t : {kFloat, kDouble, kLong, kInt, kShort, kChar}) {
        if (t == kChar && r.end > 127) continue;
        CAPTURE(std::string(ct::toString(t)));
        CHECK(difference(ct::linspace(r.start, r.end, n, t), at::linspace(r.start, r.end, n, oracle::type_of(t))) == "none");
      }
      CHECK(difference(ct::logspace(r.start / 4, r.end / 4, n, 10, kDouble), at::logspace(r.start / 4, r.end / 4, n, 10, at::kDouble)) == "none");
      // In float32 exponents differ in the last bit, which large powers magnify.
      CHECK(at::allclose(oracle::to_at(ct::logspace(r.start / 40, r.end / 40, n, 2)), at::logspace(r.start / 40, r.end / 40, n, 2), 5e-6, 0));
    }
  }
  for (std::int64_t step : {1, 2, 3, -1, -4}) {
    CHECK(difference(ct::arange(step > 0 ? -7 : 9, step > 0 ? 9 : -7, step), at::arange(step > 0 ? -7 : 9, step > 0 ? 9 : -7, step)) == "none");
  }
  CHECK(difference(ct::eye(3, 5), at::eye(3, 5)) == "none");
}

TEST_CASE("promotion of dtypes is libtorch's") {
  const ct::ScalarType types[] = {kBool, kByte, kChar, kShort, kInt, kLong, ct::kHalf, kBFloat16, kFloat, kDouble};
  for (ct::ScalarType a : types)
    for (ct::ScalarType b : types) {
      CAPTURE(std::string(ct::toString(a)));
      CAPTURE(std::string(ct::toString(b)));
      CHECK(oracle::type_of(ct::promote_types(a, b)) == at::promote_types(oracle::type_of(a), oracle::type_of(b)));
      CHECK(ct::can_cast(a, b) == at::can_cast(oracle::type_of(a), oracle::type_of(b)));
      CHECK(oracle::type_of((ct::ones({2}, a) + ct::ones({2}, b)).scalar_type()) ==
            at::result_type(at::ones({2}, oracle::type_of(a)), at::ones({2}, oracle::type_of(b))));
      CHECK(oracle::type_of((ct::ones({2}, a) + ct::ones({}, b)).scalar_type()) ==
            at::result_type(at::ones({2}, oracle::type_of(a)), at::ones({}, oracle::type_of(b))));
    }
  for (ct::ScalarType a : types) {
    CHECK(oracle::type_of((ct::ones({2}, a) + 2).scalar_type()) == at::result_type(at::ones({2}, oracle::type_of(a)), 2));
    CHECK(oracle::type_of((ct::ones({2}, a) + 2.5).scalar_type()) == at::result_type(at::ones({2}, oracle::type_of(a)), 2.5));
    CHECK(oracle::type_of((ct::ones({}, a) + 2.5).scalar_type()) == at::result_type(at::ones({}, oracle::type_of(a)), 2.5));
  }
}

TEST_CASE("half precision rounds as libtorch's") {
  at::manual_seed(0);
  const at::Tensor x = at::cat({at::randn({4000}) * at::pow(2.0, at::randint(-30, 20, {4000})), at::tensor({65504.f, 65519.f, 65520.f, 1e30f, -1e30f, 0.f, -0.f, INFINITY, 6e-8f, 2.9e-8f, 3e-8f, 1.0009765f, 1.00048828125f, 1.00146484375f})});
  const ct::Tensor y = oracle::to_ct(x);
  CHECK(difference(y.to(ct::kHalf), x.to(at::kHalf)) == "none");
  CHECK(difference(y.to(kBFloat16), x.to(at::kBFloat16)) == "none");
}
