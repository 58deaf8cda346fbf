// tests/autograd/gradcheck.cpp -- gradcheck passes what is right, and says of deliberately wrong derivatives what is wrong with them.
#include "cotangent/gradcheck.h"

#include <tuple>

#include "values.h"

using ct::Tensor;
using ct::autograd::AutogradContext;
using ct::autograd::Function;
using ct::autograd::gradcheck;
using ct::autograd::gradcheck_report;
using ct::autograd::GradcheckError;
using ct::autograd::GradcheckOptions;
using ct::autograd::GradcheckReport;
using ct::autograd::gradgradcheck;
using ct::autograd::variable_list;

namespace {

Tensor leaf(const std::vector<double>& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor leaf(const std::vector<double>& v, ct::IntArrayRef sizes) { return ct::tensor(v, ct::kDouble).view(sizes).clone().requires_grad_(); }
Tensor plain(const std::vector<double>& v) { return ct::tensor(v, ct::kDouble); }

// f with b as its backward, right or wrong.
using Forward = Tensor (*)(const Tensor& x);
using Backward = Tensor (*)(const Tensor& g, const Tensor& x);
struct Fake : Function<Fake> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, Forward f, Backward b) {
    ctx->save_for_backward({x});
    ctx->saved_data["b"] = reinterpret_cast<std::intptr_t>(b);
    return f(x);
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    const auto b = reinterpret_cast<Backward>(ctx->saved_data["b"].toInt());
    return {b(g[0], ctx->get_saved_variables()[0]), Tensor(), Tensor()};
  }
};

Tensor square(const Tensor& x) { return x * x; }

GradcheckReport report_of(Forward f, Backward b, const Tensor& x, GradcheckOptions options = {}) {
  auto call = [&](const variable_list& in) { return variable_list{Fake::apply(in[0], f, b)}; };
  return gradcheck_report(call, {x}, options);
}
std::string diagnosis_of(Forward f, Backward b, const Tensor& x, GradcheckOptions options = {}) {
  const GradcheckReport r = report_of(f, b, x, options);
  if (r.ok()) return "no failure";
  for (const auto& e : r.failures) CHECK_MESSAGE(r.text().find(e.message) != std::string::npos, r.text());
  return r.failures[0].diagnosis;
}
#define CHECK_DIAGNOSIS(part, ...)                              \
  do {                                                          \
    const std::string said = diagnosis_of(__VA_ARGS__);         \
    CHECK_MESSAGE(has(said, part), said);                       \
  } while (0)

struct Quiet {  // warnings are expected here
  Quiet() { ct::set_warning_handler([](std::string_view) { ++count; }); }
  ~Quiet() { ct::set_warning_handler(nullptr); count = 0; }
  static inline int count = 0;
};

}  // namespace

TEST_CASE("what is right passes, in every form of call") {
  const Tensor x = leaf({0.5, -1, 2}), w = leaf({1, 2, 3, 4, 5, 6}, {2, 3}), u = plain({3, 4, 5});
  CHECK(gradcheck([](const Tensor& a) { return a.sin() * a; }, {x}));
  CHECK(gradcheck([](const Tensor& a) { return a.exp(); }, x));
  CHECK(gradcheck([](const Tensor& a, const Tensor& b) { return ct::mv(b, a).tanh(); }, {x, w}));
  CHECK(gradcheck([](auto a, auto b, auto c) { return a * b.sum(0) * c; }, {x, w, u}));
  CHECK(gradcheck([](const variable_list& in) { return variable_list{in[0] * in[1], in[0].sum(), in[0].detach()}; }, {x, x}));
  CHECK(gradcheck([](const Tensor& a) { return std::tuple(a * 2, a.cumsum(0)); }, {x}));
  CHECK(gradcheck(ct::tanh, {x}));
  CHECK(gradcheck(square, {x}));
  // A closure over what is differentiated, views, numbers, and no elements at all.
  CHECK(gradcheck([&](const Tensor&) { return x * x * 3; }, {x}));
  CHECK(gradcheck([](const Tensor& a) { return a * a; }, {leaf({1, 2, 3, 4, 5, 6}, {2, 3}).t()}));
  CHECK(gradcheck(square, {leaf({0.5}, {})}));
  CHECK(gradcheck(square, {leaf({}, {0})}));
  CHECK_VALUES(x, {0.5, -1, 2});
  CHECK(x._version() == 0);
  CHECK_FALSE(x.grad().defined());
  GradcheckOptions fast;
  fast.fast_mode = true;
  CHECK(gradcheck([](const Tensor& a, const Tensor& b) { return ct::mv(b, a).tanh(); }, {x, w}, fast));
}

TEST_CASE("a wrong derivative is an error that names place, values and mistake") {
  const Tensor x = leaf({1, 2, 3});
  auto wrong = [](const Tensor& a) { return Fake::apply(a, square, [](const Tensor& g, const Tensor& v) { return g * v * 4; }); };
  try {
    gradcheck(wrong, {x});
    CHECK(false);
  } catch (const GradcheckError& e) {
    CHECK(has(e.what(), "gradcheck: Jacobian mismatch for output 0 with respect to input 0 (backward): 3 of 9 entries differ\n"
                        "  worst: d output[2] / d input[2]: numerical 6"));
    CHECK(has(e.what(), ", analytical 12\n  numerical: tensor([["));
    CHECK(has(e.what(), "\n  diagnosis: a constant factor: the analytical gradient is 2 times the numerical one everywhere"));
    REQUIRE(e.report().failures.size() == 1);
    const auto& f = e.report().failures[0];
    CHECK(f.check == "backward");
    CHECK(f.input == 0);
    CHECK(f.output == 0);
    CHECK(f.input_entry == 2);
    CHECK(f.output_entry == 2);
    CHECK(f.analytical == 12);
    CHECK(f.numerical == doctest::Approx(6));
    CHECK(f.wrong == 3);
    CHECK(f.entries == 9);
  }
  GradcheckOptions quiet;
  quiet.raise_exception = false;
  CHECK_FALSE(gradcheck(wrong, {x}, quiet));
  quiet.fast_mode = true;
  CHECK_FALSE(gradcheck(wrong, {x}, quiet));
  // Half a per mille is below the default tolerance, and above a strict one.
  auto slightly = [](const Tensor& a) { return Fake::apply(a, square, [](const Tensor& g, const Tensor& v) { return g * v * 2.001; }); };
  quiet = {};
  quiet.rtol = 1e-6;
  quiet.raise_exception = false;
  CHECK(gradcheck(slightly, {x}));
  CHECK_FALSE(gradcheck(slightly, {x}, quiet));
}

TEST_CASE("factors and signs are recognised") {
  const Tensor x = leaf({1, 2, 3});
  CHECK_DIAGNOSIS("3 times the numerical one everywhere: a factor 3 too much", square, [](const Tensor& g, const Tensor& v) { return g * v * 6; }, x);
  CHECK_DIAGNOSIS("1/2 times the numerical one everywhere: a factor 2 is missing, or of 2 uses only one is counted (not accumulated)", square,
                  [](const Tensor& g, const Tensor& v) { return g * v; }, x);
  CHECK_DIAGNOSIS("wrong sign: the analytical gradient is -1 times", square, [](const Tensor& g, const Tensor& v) { return g * v * -2; }, x);
  CHECK_DIAGNOSIS("wrong sign and factor: the analytical gradient is -1/2 times", square, [](const Tensor& g, const Tensor& v) { return -g * v; }, x);
  CHECK_DIAGNOSIS("there is one entry only", square, [](const Tensor& g, const Tensor& v) { return g * v; }, leaf({3}));
  CHECK_DIAGNOSIS("wrong sign in 1 of 9 entries", [](const Tensor& v) { return v.abs(); }, [](const Tensor& g, const Tensor&) { return g * 1; }, leaf({1, -2, 3}));
  CHECK_DIAGNOSIS("1 more than the numerical one everywhere", [](const Tensor& v) { return (v * v).sum(); },
                  [](const Tensor& g, const Tensor& v) { return g * (v * 2 + 1); }, x);
}

TEST_CASE("transposed matrices are recognised") {
  static const Tensor a = plain({1, 2, 3, 4, 5, 6, 7, 8, 10}).view({3, 3});
  CHECK_DIAGNOSIS("a transposed Jacobian", [](const Tensor& v) { return ct::mv(a, v); }, [](const Tensor& g, const Tensor&) { return ct::mv(a, g); },
                  leaf({1, 2, 3}));
  CHECK_DIAGNOSIS("a transposed gradient", [](const Tensor& v) { return (v * v * v).sum(); },
                  [](const Tensor& g, const Tensor& v) { return (g * v * v * 3).t().reshape({2, 3}); }, leaf({1, 2, 3, 4, 5, 6}, {2, 3}));
  static const Tensor c = plain({1, 2, 3, 4, 5, 7}).view({2, 3});
  CHECK_DIAGNOSIS("a transposed cotangent", [](const Tensor& v) { return v.expand({2, 3}) * c; },
                  [](const Tensor& g, const Tensor&) { return (g.t().reshape({2, 3}) * c).sum(); }, leaf({1}, {}));
  CHECK_DIAGNOSIS("a transposed cotangent", [](const Tensor& v) { return v.expand({2, 3}) * c; },
                  [](const Tensor& g, const Tensor&) { return (g.reshape({3, 2}).t() * c).sum(); }, leaf({1}, {}));
}

TEST_CASE("what is not accumulated is recognised") {
  CHECK_DIAGNOSIS("a mean where a sum belongs", [](const Tensor& v) { return v.expand({4}) * 2; }, [](const Tensor& g, const Tensor&) { return g.mean() * 2; },
                  leaf({3}, {}));
  CHECK_DIAGNOSIS("not accumulated: 3 of 4 entries are zero and should not be", [](const Tensor& v) { return v.expand({4}) * 2; },
                  [](const Tensor& g, const Tensor&) { return g[0] * 2; }, leaf({3}, {}));
  CHECK_DIAGNOSIS("not accumulated: 1 of 2 entries are half of what they should be", [](const Tensor& v) { return (v[0] * 2 + v[1]).view({1}); },
                  [](const Tensor& g, const Tensor&) { return g.expand({2}); }, leaf({3, 4}));
}

TEST_CASE("missing and superfluous gradients are recognised") {
  const Tensor x = leaf({1, 2});
  CHECK_DIAGNOSIS("zero everywhere: a detached input", square, [](const Tensor& g, const Tensor&) { return g * 0; }, x);
  CHECK_DIAGNOSIS("zero everywhere: a detached input", square, [](const Tensor&, const Tensor&) { return Tensor(); }, x);
  CHECK_DIAGNOSIS("f does not depend on this input", [](const Tensor& v) { return v * 0 + 1; }, [](const Tensor& g, const Tensor&) { return g * 1; }, x);
  CHECK_DIAGNOSIS("not finite where the differences are", square, [](const Tensor& g, const Tensor&) { return g / 0; }, x);
  CHECK_DIAGNOSIS("differences of f's values are not finite", [](const Tensor& v) { return v.log(); }, [](const Tensor& g, const Tensor& v) { return g / v; },
                  leaf({0, 1}));
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v.detach() * 2; }, {x}), "Numerical gradient for function expected to be zero");
  CHECK(gradcheck([](const Tensor& v) { return v.detach() * 0; }, {x}));
}

TEST_CASE("kinks and jumps are told from mistakes") {
  const std::string kink = error_of([] { gradcheck([](const Tensor& v) { return v.relu(); }, {leaf({1, 0, -1})}); });
  CHECK_MESSAGE(has(kink, "a kink at, or next to, this input: the slope is 0 on the left and 1 on the right"), kink);
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v.abs(); }, {leaf({3e-7})}), "a kink at, or next to, this input");
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v.floor() + v; }, {leaf({2})}), "f jumps at, or next to, this input");
  // A steep but smooth function is none.
  CHECK_DIAGNOSIS("2 times", [](const Tensor& v) { return (v * 1000).sin(); }, [](const Tensor& g, const Tensor& v) { return g * (v * 1000).cos() * 2000; },
                  leaf({0.3, 0.7}));
}

TEST_CASE("inputs that differences cannot be made of") {
  const Quiet quiet;
  const Tensor single = ct::tensor({1.5f, 2.5f}, ct::dtype(ct::kFloat).requires_grad(true));
  const std::string text = error_of([&] { gradcheck([](const Tensor& v) { return v.exp(); }, {single}); });
  CHECK_MESSAGE(has(text, "Input #0 requires gradient and is not a double precision floating point"), text);
  CHECK_MESSAGE(has(text, "not double precision (Float to Float)"), text);
  CHECK(Quiet::count == 1);
  GradcheckOptions wide;
  wide.eps = 1e-2;
  wide.atol = wide.rtol = 1e-2;
  CHECK(gradcheck([](const Tensor& v) { return v.exp(); }, {single}, wide));

  const Tensor base = leaf({1});
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v * 2; }, {base.expand({3})}), "The 0th input has a dimension with stride 0");
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v * 2; }, {ct::as_strided(leaf({1, 2, 3}), {2, 2}, {1, 1})}), "overlapping memory");
  CHECK_THROWS_AS(gradcheck([](const Tensor& v) { return v * 2; }, {plain({1})}), ct::ValueError);
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v * 2; }, {leaf({1}), leaf({1})}), "f cannot be called with 2 tensors");

  const Tensor x = leaf({1, 2});
  auto writes = [](const Tensor& v) {
    ct::NoGradGuard off;
    v.add_(1);
    ct::EnableGradGuard on;
    return v * v;
  };
  CHECK_ERROR(gradcheck(writes, {x}), "f changes its input 0 in place");
  CHECK_VALUES(x, {1, 2});
}

TEST_CASE("functions and gradients that change from call to call") {
  static int calls;
  const Tensor x = leaf({1, 2});
  calls = 0;
  CHECK_ERROR(gradcheck([](const Tensor& v) { return v * (++calls); }, {x}), "f gives different values for the same inputs");
  calls = 0;
  CHECK_DIAGNOSIS("backward depends on more than its inputs", square, [](const Tensor& g, const Tensor& v) { return g * v * (2 + 1e-9 * ++calls); }, x);
  calls = 0;
  GradcheckOptions tolerant;
  tolerant.nondet_tol = 1e-6;
  CHECK(report_of(square, [](const Tensor& g, const Tensor& v) { return g * v * (2 + 1e-9 * ++calls); }, x, tolerant).ok());
}

TEST_CASE("gradients that never come") {
  struct Both : Function<Both> {
    static variable_list forward(AutogradContext* ctx, Tensor x) {
      ctx->set_materialize_grads(false);
      return {x * 2, x * 3};
    }
    static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * 2 + (g[1].defined() ? g[1] * 3 : g[0] * 0)}; }
  };
  struct Offset : Function<Offset> {
    static Tensor forward(AutogradContext*, Tensor x) { return x.clone(); }
    static variable_list backward(AutogradContext*, variable_list g) { return {g[0] + (g[0].sum().item<double>() == 0 ? 1.0 : 0.0)}; }
  };
  const Tensor x = leaf({1, 2});
  CHECK_ERROR(gradcheck([](const Tensor& v) { return Both::apply(v)[0] + Both::apply(v)[0]; }, {x}), "no error");
  CHECK_ERROR(gradcheck([](const Tensor& v) { auto y = Both::apply(v); return std::tuple(y[0] + 0, Offset::apply(v)); }, {x}),
              "Expected all input grads to be undefined or zero");
}

TEST_CASE("gradients of gradients") {
  const Tensor x = leaf({0.5, -1, 2}), w = leaf({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(gradgradcheck([](const Tensor& a, const Tensor& b) { return ct::mv(b, a).tanh(); }, {x, w}));
  CHECK(gradgradcheck([](const Tensor& a) { return std::tuple(a.exp(), (a * a * a).sum()); }, {x}));
  CHECK(gradgradcheck([](const Tensor& a) { return a.sin(); }, {x}, {leaf({1, 2, 3})}));
  CHECK(gradgradcheck([](const Tensor& a) { return a * 3; }, {x}));
  GradcheckOptions o;
  o.gen_non_contig_grad_outputs = true;
  CHECK(gradgradcheck([](const Tensor& a) { return a.exp(); }, {x}, {}, o));
  o = {};
  o.fast_mode = true;
  CHECK(gradgradcheck([](const Tensor& a) { return a.exp(); }, {x}, {}, o));
  // The first derivative is right, but does not say how it depends on x.
  auto detached = [](const Tensor& a) { return Fake::apply(a, square, [](const Tensor& g, const Tensor& v) { return g * v.detach() * 2; }); };
  CHECK(gradcheck(detached, {x}));
  const std::string text = error_of([&] { gradgradcheck(detached, {x}); });
  CHECK_MESSAGE(has(text, "Jacobian mismatch for output 0 (a gradient) with respect to input 0"), text);
  CHECK_MESSAGE(has(text, "zero everywhere: a detached input"), text);
}

TEST_CASE("forward mode and vmap are checked too") {
  struct WrongJvp : Function<WrongJvp> {
    static Tensor forward(AutogradContext* ctx, Tensor x) {
      ctx->save_for_backward({x});
      return x * x;
    }
    static variable_list backward(AutogradContext* ctx, variable_list g) { return {g[0] * ctx->get_saved_variables()[0] * 2}; }
    static variable_list jvp(AutogradContext* ctx, variable_list t) { return {t[0] * ctx->get_saved_variables()[0]}; }
  };
  struct NeedsOne : Function<NeedsOne> {  // backward reads memory, where a batch has no single entry
    static Tensor forward(AutogradContext*, Tensor x) { return x * 2; }
    static variable_list backward(AutogradContext*, variable_list g) {
      const Tensor c = g[0].contiguous();
      return {ct::tensor(std::vector<double>(c.data_ptr<double>(), c.data_ptr<double>() + c.numel()), ct::kDouble) * 2};
    }
  };
  const Tensor x = leaf({0.5, -1, 2}), w = leaf({1, 2, 3, 4, 5, 6}, {2, 3});
  auto f = [](const Tensor& a, const Tensor& b) { return std::tuple(ct::mv(b, a).tanh(), a.exp() * a); };
  auto elementwise = [](const Tensor& a) { return std::tuple(a.tanh() * a, a.exp() * a); };
  for (bool fast : {false, true}) {
    GradcheckOptions o;
    o.fast_mode = fast;
    o.check_forward_ad = o.check_batched_grad = o.check_batched_forward_grad = true;
    CHECK(gradcheck(elementwise, {x}, o));
    o.check_backward_ad = o.check_batched_grad = o.check_batched_forward_grad = false;
    CHECK(gradcheck(f, {x, w}, o));
    const std::string text = error_of([&] { gradcheck([](const Tensor& a) { return WrongJvp::apply(a); }, {x}, o); });
    CHECK_MESSAGE(has(text, "Jacobian mismatch for output 0 with respect to input 0 (forward): 3 of 9"), text);
    CHECK_MESSAGE(has(text, "1/2 times the numerical one"), text);
    o = {};
    o.fast_mode = fast;
    CHECK(gradcheck([](const Tensor& a) { return WrongJvp::apply(a); }, {x}, o));
    o.check_batched_grad = true;
    CHECK_ERROR(gradcheck([](const Tensor& a) { return NeedsOne::apply(a); }, {x}, o), "While computing batched gradients, ");
    o = {};
    o.fast_mode = fast;
    o.check_fwd_over_rev = true;
    CHECK(gradgradcheck(f, {x, w}, {}, o));
  }
  GradcheckOptions none;
  none.check_backward_ad = false;
  CHECK_THROWS_AS(gradcheck(f, {x, w}, none), ct::ValueError);
  none.check_forward_ad = none.check_batched_grad = true;
  CHECK_THROWS_AS(gradcheck(f, {x, w}, none), ct::ValueError);
}
