// tests/autograd/custom_transforms.cpp -- custom functions under vmap, forward mode and their combinations with gradients.
#include <tuple>

#include "cotangent/custom_function.h"
#include "cotangent/forward_ad.h"
#include "cotangent/func.h"
#include "values.h"

using ct::Tensor;
using ct::autograd::AutogradContext;
using ct::autograd::BatchDims;
using ct::autograd::Function;
using ct::autograd::variable_list;
using ct::autograd::VmapInfo;
namespace func = ct::func;

namespace {

Tensor plain(const std::vector<double>& v) { return ct::tensor(v, ct::kDouble); }

// No rules but backward; saves its output.
struct MyExp : Function<MyExp> {
  static Tensor forward(AutogradContext* ctx, Tensor x) {
    Tensor y = x.exp();
    ctx->save_for_backward({y});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) { return {g[0] * ctx->get_saved_variables()[0]}; }
};

// Its derivative is not that of what forward computes: mistaken for its operations it gives zeros.
struct StraightThrough : Function<StraightThrough> {
  static Tensor forward(AutogradContext*, Tensor x) { return x.round(); }
  static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * 10}; }
};

// Two arguments, numbers between them, a value kept by name.
struct Scaled : Function<Scaled> {
  static Tensor forward(AutogradContext* ctx, Tensor x, double c, Tensor w) {
    ctx->save_for_backward({x});
    ctx->saved_data["w"] = w * c;
    ctx->saved_data["c"] = c;
    return x * x * w * c;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    const Tensor x = ctx->get_saved_variables()[0], cw = ctx->saved_data["w"].toTensor();
    CHECK(x.dim() <= 1);  // entries, never batches
    return {g[0] * x * cw * 2, Tensor(), g[0] * x * x * ctx->saved_data["c"].toDouble()};
  }
};
Tensor scaled(const Tensor& x, const Tensor& w) { return x * x * w * 3; }

int jvps = 0, vmaps = 0;
struct WithRules : Function<WithRules> {
  static std::tuple<Tensor, Tensor> forward(AutogradContext* ctx, Tensor x, int n, Tensor w) {
    ctx->save_for_backward({x, w});
    ctx->save_for_forward({w, x});
    ctx->saved_data["n"] = n;
    return {x * w * n, x.sin()};
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    const variable_list s = ctx->get_saved_variables();
    const double n = ctx->saved_data["n"].toDouble();
    return {g[0] * s[1] * n + g[1] * s[0].cos(), Tensor(), g[0] * s[0] * n};
  }
  static std::tuple<Tensor, Tensor> jvp(AutogradContext* ctx, variable_list t) {
    ++jvps;
    CHECK(t.size() == 3);
    CHECK_FALSE(t[1].defined());
    const variable_list s = ctx->get_saved_variables();  // as save_for_forward had them: w, x
    const double n = ctx->saved_data["n"].toDouble();
    return {(t[0] * s[0] + t[2] * s[1]) * n, t[0] * s[1].cos()};
  }
};
struct WithVmap : Function<WithVmap> {
  static Tensor forward(AutogradContext* ctx, Tensor x, Tensor w) {
    ctx->save_for_backward({x, w});
    CHECK(static_cast<const void*>(x.data_ptr<double>()) != nullptr);
    return x * w;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    const variable_list s = ctx->get_saved_variables();
    return {g[0] * s[1], g[0] * s[0]};
  }
  static std::pair<Tensor, BatchDims> vmap(const VmapInfo& info, const BatchDims& in_dims, Tensor x, Tensor w) {
    ++vmaps;
    CHECK(info.batch_size == 3);
    CHECK(info.randomness == "error");
    CHECK(in_dims[0] == 0);
    CHECK_FALSE(in_dims[1].has_value());
    return {apply(x, w).t(), {1}};
  }
};

Tensor my_exp(const Tensor& x) { return MyExp::apply(x); }
Tensor through(const Tensor& x) { return StraightThrough::apply(x); }
auto with_rules = [](const Tensor& x, const Tensor& w) {
  const auto [a, b] = WithRules::apply(x, 2, w);
  return a * b;
};
auto without = [](const Tensor& x, const Tensor& w) { return x * w * 2 * x.sin(); };

void check_close(const Tensor& a, const Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  const auto x = values(a), y = values(b);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == doctest::Approx(y[i]).epsilon(1e-12));
}
#define CHECK_CLOSE(a, b) do { INFO(#a); check_close(a, b); } while (0)

}  // namespace

TEST_CASE("tangents come from jvp, or from backward alone") {
  const Tensor x = plain({0.5, -1, 2}), t = plain({1, 2, 3}), w = plain({4, 5, 6}), tw = plain({-1, 0.5, 1});
  CHECK_CLOSE(std::get<1>(func::jvp(my_exp, x, t)), x.exp() * t);
  CHECK_VALUES(std::get<1>(func::jvp(through, x, t)), {10, 20, 30});
  jvps = 0;
  CHECK_CLOSE(std::get<1>(func::jvp(with_rules, std::tuple(x, w), std::tuple(t, tw))), std::get<1>(func::jvp(without, std::tuple(x, w), std::tuple(t, tw))));
  CHECK(jvps == 1);
  CHECK_CLOSE(func::jacfwd(my_exp)(x), func::jacfwd([](const Tensor& a) { return a.exp(); })(x));
  CHECK_CLOSE(func::jacfwd(with_rules)(x, w), func::jacfwd(without)(x, w));
  CHECK_CLOSE(func::jacfwd(with_rules, func::argnums<1>)(x, w), func::jacfwd(without, func::argnums<1>)(x, w));
  // Dual numbers by hand; the second output has a tangent too.
  const ct::forward_ad::dual_level level;
  const auto y = WithRules::apply(ct::forward_ad::make_dual(x, t), 2, w);
  CHECK_CLOSE(ct::forward_ad::unpack_dual(std::get<1>(y)).tangent, t * x.cos());
}

TEST_CASE("vmap maps functions without a rule, entry by entry as they see it") {
  const Tensor x = plain({0.5, -1, 2, 1, 0, 3}).view({3, 2}), w = plain({4, 5});
  auto f = [](const Tensor& a, const Tensor& b) { return Scaled::apply(a, 3.0, b); };
  CHECK_CLOSE(func::vmap(my_exp)(x), x.exp());
  CHECK_CLOSE(func::vmap(f, {0, std::nullopt})(x, w), scaled(x, w));
  CHECK_CLOSE(func::vmap(f, {1, 0})(x, w), func::vmap(scaled, {1, 0})(x, w));
  CHECK_CLOSE(func::vmap(func::vmap(my_exp))(x), x.exp());
  const auto y = func::vmap([](const Tensor& a, const Tensor& b) { return WithRules::apply(a, 2, b); }, {0, std::nullopt})(x, w);
  CHECK_CLOSE(std::get<0>(y), x * w * 2);
}

TEST_CASE("the function's own derivative counts inside and outside of a map") {
  const Tensor x = plain({0.5, -1, 2, 1, 0, 3}).view({3, 2}), row = plain({4, 5});
  CHECK_VALUES(func::vmap(func::vmap(func::grad(through)))(x), {10, 10, 10, 10, 10, 10});
  CHECK_VALUES(func::grad([](const Tensor& a) { return func::vmap(through)(a).sum(); })(x), {10, 10, 10, 10, 10, 10});
  CHECK_VALUES(func::grad([](const Tensor& a) { return func::vmap(func::vmap(through))(a).sum(); })(x), {10, 10, 10, 10, 10, 10});
  const Tensor leaf = x.clone().requires_grad_();
  func::vmap(through)(leaf).sum().backward();
  CHECK_VALUES(leaf.grad(), {10, 10, 10, 10, 10, 10});
  CHECK_VALUES(std::get<1>(func::jvp(func::vmap(through), x, ct::ones_like(x))), {10, 10, 10, 10, 10, 10});
  CHECK_VALUES(func::vmap([](const Tensor& a) { return std::get<1>(func::jvp(through, a, ct::ones_like(a))); })(x), {10, 10, 10, 10, 10, 10});

  auto f = [](const Tensor& a, const Tensor& b) { return Scaled::apply(a, 3.0, b); };
  auto total = [](auto g) { return [g](const Tensor& a, const Tensor& b) { return (g(a, b) * g(a, b)).sum(); }; };
  const Tensor both = plain({4, 5, 6, 7, 8, 9}).view({3, 2});
  for (auto dims : {func::Dims{0, std::nullopt}, func::Dims{1, 1}}) {
    const Tensor& w = dims.of(1) ? both : row;
    const auto got = func::grad(total(func::vmap(f, dims)), func::argnums<0, 1>)(x, w);
    const auto expected = func::grad(total(func::vmap(scaled, dims)), func::argnums<0, 1>)(x, w);
    CHECK_CLOSE(std::get<0>(got), std::get<0>(expected));
    CHECK_CLOSE(std::get<1>(got), std::get<1>(expected));
    auto each = [](auto g) { return func::vmap(func::grad(g, func::argnums<0, 1>)); };  // of single numbers
    const auto inner = func::vmap(each(f), dims)(x, w), inner_expected = func::vmap(each(scaled), dims)(x, w);
    CHECK_CLOSE(std::get<0>(inner), std::get<0>(inner_expected));
    CHECK_CLOSE(std::get<1>(inner), std::get<1>(inner_expected));
    CHECK_CLOSE(std::get<1>(func::jvp(func::vmap(f, dims), std::tuple(x, w), std::tuple(x, w))),
                std::get<1>(func::jvp(func::vmap(scaled, dims), std::tuple(x, w), std::tuple(x, w))));
    CHECK_CLOSE(std::get<1>(func::jvp(func::vmap(with_rules, dims), std::tuple(x, w), std::tuple(x, w))),
                std::get<1>(func::jvp(func::vmap(without, dims), std::tuple(x, w), std::tuple(x, w))));
    auto push = [](auto g) { return [g](const Tensor& a, const Tensor& b) { return std::get<1>(func::jvp(g, std::tuple(a, b), std::tuple(a * 2, b))); }; };
    CHECK_CLOSE(func::vmap(push(f), dims)(x, w), func::vmap(push(scaled), dims)(x, w));
    CHECK_CLOSE(func::vmap(push(with_rules), dims)(x, w), func::vmap(push(without), dims)(x, w));
  }
}

TEST_CASE("second derivatives in every combination") {
  const Tensor x = plain({0.5, -1, 0.7});
  auto rev = [](auto f) { return func::grad(f); };
  auto fwd = [](auto f) { return [f](const Tensor& a) { return std::get<1>(func::jvp(f, a, ct::ones_like(a))); }; };
  auto check = [&](auto f, auto g) {
    for (int i = 0; i < 3; ++i) {
      const Tensor h = rev(rev(g))(x[i]);
      CHECK_CLOSE(rev(rev(f))(x[i]), h);
      CHECK_CLOSE(fwd(rev(f))(x[i]), h);
      CHECK_CLOSE(rev(fwd(f))(x[i]), h);
      CHECK_CLOSE(fwd(fwd(f))(x[i]), h);
    }
  };
  check([](const Tensor& a) { return MyExp::apply(a) * a; }, [](const Tensor& a) { return a.exp() * a; });
  check([](const Tensor& a) { return with_rules(a, a); }, [](const Tensor& a) { return without(a, a); });
  // Forward over a gradient that goes through a map, and the other way round.
  auto mapped = [](const Tensor& a) { return (func::vmap(my_exp)(a) * a).sum(); };
  CHECK_CLOSE(std::get<1>(func::jvp(func::grad(mapped), x, ct::ones_like(x))), x.exp() * (x + 2));
  CHECK_CLOSE(func::grad([&](const Tensor& a) { return std::get<1>(func::jvp(mapped, a, ct::ones_like(a))); })(x), x.exp() * (x + 2));
}

TEST_CASE("a vmap rule is used where the map does not differentiate") {
  const Tensor x = plain({0.5, -1, 2, 1, 0, 3}).view({3, 2}), w = plain({4, 5});
  auto f = [](const Tensor& a, const Tensor& b) { return WithVmap::apply(a, b); };
  vmaps = 0;
  CHECK_CLOSE(func::vmap(f, {0, std::nullopt})(x, w), x * w);
  CHECK(vmaps == 1);
  const Tensor leaf = x.clone().requires_grad_();
  func::vmap(f, {0, std::nullopt})(leaf, w).sum().backward();
  CHECK(vmaps == 2);
  CHECK_CLOSE(leaf.grad(), w.expand({3, 2}));
}

TEST_CASE("changes in place under transforms") {
  struct Doubled : Function<Doubled> {
    static Tensor forward(AutogradContext* ctx, Tensor x) {
      x.mul_(2);
      ctx->mark_dirty({x});
      return x;
    }
    static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * 2}; }
  };
  auto f = [](const Tensor& a) {
    Tensor b = a * a;
    Doubled::apply(b);
    return b;
  };
  const Tensor x = plain({0.5, -1, 2, 1});
  CHECK_CLOSE(func::vmap(f)(x), x * x * 2);
  CHECK_CLOSE(func::vmap(func::grad(f))(x), x * 4);
  CHECK_CLOSE(func::grad([&](const Tensor& a) { return func::vmap(f)(a).sum(); })(x), x * 4);
  CHECK_CLOSE(std::get<1>(func::jvp(f, x, x)), x * x * 4);
}

TEST_CASE("what rules return is checked") {
  struct Wrong : Function<Wrong> {
    static Tensor forward(AutogradContext*, Tensor x, int) { return x * 2; }
    static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * 2, Tensor()}; }
    static variable_list jvp(AutogradContext*, variable_list t) { return t[0][0].item<double>() > 0 ? variable_list{t[0], t[0]} : variable_list{t[0].sum()}; }
  };
  struct Nothing : Function<Nothing> {
    static Tensor forward(AutogradContext*, Tensor x) { return x * 2; }
  };
  const Tensor x = plain({1, 2});
  auto f = [](const Tensor& a) { return Wrong::apply(a, 1); };
  CHECK_ERROR(func::jvp(f, x, x), "function WrongBackward: jvp returned an incorrect number of tangents (expected 1, got 2)");
  CHECK_ERROR(func::jvp(f, x, -x), "jvp returned a tangent of shape [] for output 0 of shape [2]");
  CHECK_ERROR(func::jvp([](const Tensor& a) { return Nothing::apply(a); }, x, x), "You must implement the jvp function for custom autograd.Function");
  CHECK(ct::is_grad_enabled());
}

TEST_CASE("tangents that are recorded are freed with their level") {
  static int alive;
  static double memory[2] = {0.5, 1};
  for (bool custom : {false, true}) {
    CAPTURE(custom);
    alive = 1;
    {
      Tensor y;
      const Tensor x = ct::from_blob(memory, {2}, [](void*) { --alive; }, ct::kDouble).requires_grad_();
      {
        const ct::forward_ad::dual_level level;
        const Tensor dual = ct::forward_ad::make_dual(x, ct::ones({2}, ct::kDouble));
        y = custom ? MyExp::apply(dual) : dual.tanh();  // its node keeps y, whose tangent comes from the node
        CHECK(ct::forward_ad::unpack_dual(y).tangent.requires_grad());
      }
    }
    CHECK(alive == 0);
  }
}
