// tests/autograd/custom_function.cpp -- functions with derivatives of their own: arguments, names, values by name, cycles, threads.
// What libtorch can do too is compared with it in tests/oracle/custom_function_oracle.cpp.
#include "cotangent/custom_function.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include "cotangent/graph.h"
#include "values.h"

using ct::Tensor;
using ct::autograd::AutogradContext;
using ct::autograd::Function;
using ct::autograd::Value;
using ct::autograd::variable_list;

namespace {

Tensor leaf(const std::vector<double>& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor plain(const std::vector<double>& v) { return ct::tensor(v, ct::kDouble); }

struct MyExp : Function<MyExp> {
  static Tensor forward(AutogradContext* ctx, Tensor x) {
    CHECK_FALSE(ct::GradMode::is_enabled());
    Tensor y = x.exp();
    ctx->save_for_backward({y});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) { return {g[0] * ctx->get_saved_variables()[0]}; }
};

template <int N>
struct Times : Function<Times<N>> {
  static Tensor forward(AutogradContext*, const Tensor& x) { return x * N; }
  static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * N}; }
};

// A weighted sum over a list; texts, lists and things that cannot be copied pass through.
struct WeightedSum : Function<WeightedSum> {
  static Tensor forward(AutogradContext* ctx, const std::vector<Tensor>& xs, const std::vector<double>& weights, std::string label,
                        std::unique_ptr<int> owned, std::optional<Tensor> bias, ct::IntArrayRef numbers) {
    ctx->saved_data["weights"] = weights;
    ctx->saved_data["label"] = label + "!";
    ctx->saved_data["owned"] = *owned;
    ctx->saved_data["numbers"] = numbers;
    ctx->saved_data["bias"] = bias.has_value();
    Tensor y = bias ? *bias + 0 : ct::zeros_like(xs[0]);
    for (std::size_t i = 0; i < xs.size(); ++i) y = y + xs[i] * weights[i];
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    variable_list out;
    for (double w : ctx->saved_data["weights"].toDoubleVector()) out.push_back(g[0] * w);
    CHECK(ctx->saved_data["label"].toStringRef() == "text!");
    CHECK(ctx->saved_data["owned"].toInt() == 7);
    CHECK(ctx->saved_data["numbers"].toIntVector() == std::vector<std::int64_t>{4, 5});
    out.insert(out.end(), 3, Tensor());
    out.push_back(ctx->saved_data["bias"].toBool() ? g[0] : Tensor());
    out.emplace_back();
    return out;
  }
};

struct MinMax : Function<MinMax> {
  static std::tuple<Tensor, Tensor> forward(AutogradContext*, Tensor x) { return {x * 2, x * 3}; }
  static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * 2 + g[1] * 3}; }
};

// Counts living contexts by what they hold.
struct Witness {
  static inline std::atomic<int> alive{0};
};
Tensor witness() {  // a tensor whose memory tells when it is freed
  ++Witness::alive;
  static double memory[2] = {1, 1};
  return ct::from_blob(memory, {2}, [](void*) { --Witness::alive; }, ct::kDouble);
}
struct KeepsOutput : Function<KeepsOutput> {
  static Tensor forward(AutogradContext* ctx, Tensor x, bool by_name) {
    Tensor y = x.exp();
    if (by_name) ctx->saved_data["y"] = y;
    else ctx->save_for_backward({y});
    ctx->saved_data["witness"] = witness();
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    const bool by_name = ctx->saved_data.contains("y");
    return {g[0] * (by_name ? ctx->saved_data["y"].toTensor() : ctx->get_saved_variables()[0]), Tensor()};
  }
};

struct MulSecondInPlace : Function<MulSecondInPlace> {  // y *= x, where y is the second argument
  static Tensor forward(AutogradContext* ctx, Tensor x, Tensor y) {
    ctx->save_for_backward({x, y.clone()});
    y.mul_(x);
    ctx->mark_dirty({y});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list g) {
    const variable_list s = ctx->get_saved_variables();
    return {g[0] * s[1], g[0] * s[0]};
  }
};

struct OnlyForward : Function<OnlyForward> {
  static Tensor forward(AutogradContext* ctx, Tensor x) {
    CHECK(ctx->needs_input_grad(0) == x.requires_grad());
    return x * 2;
  }
};

}  // namespace

TEST_CASE("a node is named like the class that made it") {
  struct Local : Function<Local> {
    static Tensor forward(AutogradContext*, Tensor x) { return x * 2; }
    static variable_list backward(AutogradContext*, variable_list g) { return {g[0] * 2}; }
  };
  const Tensor x = leaf({1, 2});
  CHECK(name_of(MyExp::apply(x)) == "MyExpBackward");
  CHECK(name_of(Times<3>::apply(x)) == "TimesBackward");
  CHECK(name_of(Local::apply(x)) == "LocalBackward");
  CHECK(ct::to_string(MyExp::apply(x)).find("grad_fn=<MyExpBackward>") != std::string::npos);
  const Tensor y = MyExp::apply(x);
  CHECK(y.grad_fn()->num_inputs() == 1);
  CHECK(y.grad_fn()->next_edges().size() == 1);
  CHECK(y.grad_fn()->saved_tensors().size() == 1);
}

TEST_CASE("lists, optionals, texts and things that only move are arguments") {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4}), bias = leaf({10, 20});
  Tensor y = WeightedSum::apply(std::vector<Tensor>{a, b}, std::vector<double>{2, 3}, "text", std::make_unique<int>(7), std::optional<Tensor>(bias),
                                ct::IntArrayRef({4, 5}));
  CHECK_VALUES(y, {21, 36});
  y.sum().backward();
  CHECK_VALUES(a.grad(), {2, 2});
  CHECK_VALUES(b.grad(), {3, 3});
  CHECK_VALUES(bias.grad(), {1, 1});
  y = WeightedSum::apply(std::vector<Tensor>{a}, std::vector<double>{2}, std::string("text"), std::make_unique<int>(7), std::optional<Tensor>(),
                         ct::IntArrayRef({4, 5}));
  y.sum().backward();
  CHECK_VALUES(a.grad(), {4, 4});
}

TEST_CASE("forward may return a tuple") {
  const Tensor x = leaf({1, 2});
  const auto [lo, hi] = MinMax::apply(x);
  CHECK(lo.output_nr() == 0);
  CHECK(hi.output_nr() == 1);
  (lo * hi).sum().backward();
  CHECK_VALUES(x.grad(), {12, 24});
}

TEST_CASE("an output that is kept, in whatever way, makes no cycle, and can be differentiated again") {
  for (bool by_name : {false, true}) {
    {
      const Tensor x = leaf({0.5, 1});
      Tensor y = KeepsOutput::apply(x, by_name);
      CHECK(Witness::alive == 1);
      const Tensor g = ct::autograd::grad({y.sum()}, {x}, {}, true, true)[0];
      CHECK(name_of(g) == "MulBackward0");
      CHECK(values(ct::autograd::grad({g.sum()}, {x}, {}, true)[0]) == values(x.exp()));
      const Tensor z = y * 2;
      y.reset();
      CHECK(Witness::alive == 1);
    }
    CHECK(Witness::alive == 0);
  }
}

TEST_CASE("a view that is changed in place may be any argument") {
  const Tensor x = leaf({2, 3}), z = leaf({5, 6, 7, 8});
  const Tensor base = z * 1;
  Tensor part = base.slice(0, 1, 3);
  const Tensor y = MulSecondInPlace::apply(x, part);
  CHECK(y.is_same(part));
  CHECK_VALUES(base, {5, 12, 21, 8});
  CHECK(name_of(base) == "CopySlices");
  (base * plain({1, 10, 100, 1000})).sum().backward();
  CHECK_VALUES(z.grad(), {1, 20, 300, 1000});
  CHECK_VALUES(x.grad(), {60, 700});
}

TEST_CASE("what a function saves goes through saved_tensors_hooks") {
  struct Cube : Function<Cube> {
    static Tensor forward(AutogradContext* ctx, Tensor x) {
      Tensor y = x.exp();
      ctx->save_for_backward({x, y});
      return y;
    }
    static variable_list backward(AutogradContext* ctx, variable_list g) {
      const variable_list s = ctx->get_saved_variables();
      return {g[0] * s[1] + s[0] * 0};
    }
  };
  const Tensor x = leaf({0.5, 1});
  int packed = 0, unpacked = 0;
  Tensor y;
  {
    ct::autograd::graph::saved_tensors_hooks hooks([&](const Tensor& t) { ++packed; return t.clone(); }, [&](const Tensor& t) { ++unpacked; return t; });
    y = Cube::apply(x);
  }
  CHECK(packed == 2);
  const Tensor g = ct::autograd::grad({y.sum()}, {x}, {}, true, true)[0];
  CHECK(unpacked == 2);
  CHECK(values(g) == values(x.exp()));
  CHECK(values(ct::autograd::grad({g.sum()}, {x}, {}, true)[0]) == values(x.exp()));
  const auto saved = y.grad_fn()->saved();
  REQUIRE(saved.size() == 2);
  CHECK(saved[0].name == "x");
  CHECK(saved[1].name == "y");
  CHECK(y.grad_fn()->input_metadata(0).sizes == std::vector<std::int64_t>{2});
}

TEST_CASE("a function without backward says so, and only when it is asked") {
  const Tensor x = leaf({1, 2});
  const Tensor y = OnlyForward::apply(x);
  CHECK_ERROR(y.sum().backward(), "OnlyForwardBackward: You must implement the backward method");
  OnlyForward::apply(plain({1}));
}

TEST_CASE("values by name") {
  AutogradContext ctx;
  auto& data = ctx.saved_data;
  data["n"] = 3;
  data["x"] = 2.5;
  data["b"] = true;
  data["s"] = "text";
  data["t"] = plain({1, 2});
  data["ts"] = std::vector<Tensor>{plain({1}), Tensor()};
  data["none"] = std::optional<double>();
  data["some"] = std::optional<std::int64_t>(4);
  CHECK(data["n"].toInt() == 3);
  CHECK(data["n"].toDouble() == 3);
  CHECK(data["x"].toDouble() == 2.5);
  CHECK(data["b"].toBool());
  CHECK(data["s"].toStringRef() == "text");
  CHECK(data["ts"].toTensorVector().size() == 2);
  CHECK(data["none"].isNone());
  CHECK(data["some"].toInt() == 4);
  CHECK(data["new"].isNone());
  CHECK(data.size() == 9);
  CHECK(data.count("new") == 1);
  CHECK(data.erase("new") == 1);
  CHECK_FALSE(data.contains("new"));
  CHECK_ERROR(data["t"].toInt(), "Expected an Int but got a Tensor");
  CHECK_THROWS_AS(data["x"].toInt(), ct::TypeError);
  CHECK_THROWS_AS(data.at("missing"), ct::IndexError);
  // A context of the caller's own, to try forward and backward by hand.
  ctx.save_for_backward({plain({1})});
  CHECK(ctx.get_saved_variables().size() == 1);
  CHECK_THROWS_AS(ctx.needs_input_grad(0), ct::IndexError);
}

TEST_CASE("a gradient of the wrong shape is blamed on the function that returned it") {
  struct Wrong : Function<Wrong> {
    static Tensor forward(AutogradContext*, Tensor x) { return x * 2; }
    static variable_list backward(AutogradContext*, variable_list) { return {ct::ones({3}, ct::kFloat)}; }
  };
  const Tensor x = leaf({1, 2});
  CHECK_ERROR((Wrong::apply(x) + x * 1).sum().backward(), "Function WrongBackward: invalid gradient at index 0 - got [3] but expected shape compatible with [2]");
  // The dtype is put right.
  const Tensor y = ct::tensor(3.0, ct::dtype(ct::kDouble).requires_grad(true));
  Wrong::apply(y).backward();
  CHECK(y.grad().scalar_type() == ct::kDouble);
  CHECK(y.grad().item<double>() == 3);
}

TEST_CASE("threads run one custom function's backward at a time") {
  struct Counts : Function<Counts> {
    static Tensor forward(AutogradContext* ctx, Tensor x) {
      ctx->saved_data["calls"] = 0;
      ctx->save_for_backward({x});
      return x * x;
    }
    static variable_list backward(AutogradContext* ctx, variable_list g) {
      ctx->saved_data["calls"] = ctx->saved_data["calls"].toInt() + 1;
      return {g[0] * ctx->get_saved_variables()[0] * 2 + (ctx->saved_data["calls"].toInt() > 800 ? 1e9 : 0.0)};
    }
  };
  constexpr int threads = 4, rounds = 200;
  const Tensor x = leaf({3}), y = Counts::apply(x);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) y.backward({}, true);
    });
  for (std::thread& t : pool) t.join();
  CHECK_VALUES(x.grad(), {6.0 * threads * rounds});
}

TEST_CASE("long chains of custom functions are freed without recursion") {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 100'000; ++i) y = Times<1>::apply(y);
  y.backward();
  CHECK_VALUES(x.grad(), {1});
}
