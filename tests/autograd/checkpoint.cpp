// tests/autograd/checkpoint.cpp -- checkpointed functions: the same gradients for less memory, the same random numbers, clear errors.
#include "cotangent/checkpoint.h"

#include <stdexcept>
#include <thread>
#include <tuple>

#include "cotangent/autograd.h"
#include "cotangent/custom_function.h"
#include "cotangent/generator.h"
#include "cotangent/memory.h"
#include "values.h"

using ct::checkpoint;
using ct::CheckpointOptions;
using ct::Tensor;

namespace {

Tensor leaf(const std::vector<double>& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor random_leaf(ct::IntArrayRef sizes) { return ct::randn(sizes, ct::kDouble).requires_grad_(); }

Tensor chain(const Tensor& x) { return (x.sin() * x).exp().tanh() * x; }

struct Grads {
  std::vector<double> x, w, value;
  bool operator==(const Grads&) const = default;
};

}  // namespace

TEST_CASE("gradients reach arguments and whatever is captured, as without checkpoint") {
  ct::manual_seed(1);
  const Tensor x = random_leaf({3, 4}), w = random_leaf({4, 4});
  int runs = 0;
  auto f = [&](const Tensor& in) {
    ++runs;
    return ct::mm(in, w).tanh().mm(w).sin() * in;
  };
  auto run = [&](bool with) {
    x.mutable_grad().reset();
    w.mutable_grad().reset();
    const Tensor y = with ? checkpoint(f, x) : f(x);
    (y * y).sum().backward();
    return Grads{values(x.grad()), values(w.grad()), values(y)};
  };
  const Grads plain = run(false);
  runs = 0;
  CHECK(run(true) == plain);
  CHECK(runs == 2);
  // Arguments that need no gradient do not keep those that are captured from theirs.
  const Tensor u = x.detach();
  w.mutable_grad().reset();
  checkpoint(f, u).sum().backward();
  CHECK(w.grad().defined());
  CHECK_FALSE(u.grad().defined());
}

TEST_CASE("nothing is kept that can be computed again") {
  const Tensor x = ct::ones({64, 1024}).requires_grad_();
  auto deep = [](Tensor h) {
    for (int i = 0; i < 20; ++i) h = h.sin();
    return h;
  };
  const std::int64_t before = ct::memory_stats().allocated_bytes;
  const Tensor kept = deep(x);
  const std::int64_t all = ct::memory_stats().allocated_bytes - before;
  const Tensor again = checkpoint(deep, x);
  const std::int64_t few = ct::memory_stats().allocated_bytes - before - all;
#if !defined(__SANITIZE_ADDRESS__)
  if (all != 0) {  // the address sanitizer's builds count nothing
    CHECK(all == 20 * 64 * 1024 * 4);
    CHECK(few == 64 * 1024 * 4);
  }
#endif
  CHECK(again.grad_fn()->name() == "SinBackward0");
  const Tensor g = ct::autograd::grad({kept.sum()}, {x})[0];
  CHECK(values(ct::autograd::grad({again.sum()}, {x})[0]) == values(g));
}

TEST_CASE("the second run draws the numbers of the first, and disturbs nobody") {
  const Tensor x = random_leaf({50});
  auto dropout = [](const Tensor& in) { return (in * ct::bernoulli(ct::full({50}, 0.5, ct::kDouble))).exp() * 2; };
  ct::manual_seed(7);
  const Tensor y = checkpoint(dropout, x);
  const double next = ct::rand({1}).item<double>();
  ct::manual_seed(8);
  ct::rand({3});
  const Tensor state = ct::get_rng_state();
  y.sum().backward();
  CHECK(values(ct::get_rng_state()) == values(state));
  const auto g = values(x.grad());
  ct::manual_seed(7);
  x.mutable_grad().reset();
  dropout(x).sum().backward();
  CHECK(values(x.grad()) == g);
  CHECK(ct::rand({1}).item<double>() == next);
  // Also when the second run fails.
  bool fail = false;
  ct::manual_seed(9);
  const Tensor z = checkpoint([&](const Tensor& in) {
    if (fail) throw std::runtime_error("second run");
    return (in * ct::rand({50}, ct::kDouble)).exp();
  }, x);
  fail = true;
  const Tensor before = ct::get_rng_state();
  CHECK(error_of<std::exception>([&] { z.sum().backward(); }) == "second run");
  CHECK(values(ct::get_rng_state()) == values(before));
  CHECK(ct::is_grad_enabled());
  fail = false;
  z.sum().backward();  // nothing was freed
}

TEST_CASE("the second run may end early") {
  int late = 0;
  auto f = [&](const Tensor& in) {
    Tensor y = in.exp();
    Tensor z = y + 1;
    ++late;
    return z;
  };
  const Tensor x = leaf({1, 2});
  checkpoint(f, x).sum().backward();
  CHECK(late == 1);
  checkpoint(CheckpointOptions{.early_stop = false}, f, x).sum().backward();
  CHECK(late == 3);
  // A function that saves nothing is not run again.
  const Tensor y = checkpoint([&](const Tensor& in) { ++late; return in + 1; }, x);
  y.sum().backward();
  CHECK(late == 4);
}

TEST_CASE("checkpoints nest, repeat and are differentiated again") {
  const Tensor x = leaf({0.3, -0.7, 1.1});
  const Tensor plain = chain(chain(x));
  const Tensor nested = checkpoint([](const Tensor& in) { return checkpoint(chain, checkpoint(chain, in)); }, x);
  CHECK(values(nested) == values(plain));
  Tensor a = plain, b = nested;
  for (int order = 0; order < 3; ++order) {
    a = ct::autograd::grad({a.sum()}, {x}, {}, true, true)[0];
    b = ct::autograd::grad({b.sum()}, {x}, {}, true, true)[0];
    CHECK(values(a) == values(b));
  }
  const Tensor y = checkpoint(chain, x);
  y.sum().backward({}, true);
  const auto once = values(x.grad());
  y.sum().backward();
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(values(x.grad())[i] == 2 * once[i]);
  CHECK_ERROR(y.sum().backward(), "Trying to backward through the graph a second time");
}

TEST_CASE("arguments and results of several kinds") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  auto f = [](const Tensor& a, double c, const std::vector<Tensor>& more, const std::optional<Tensor>& none, const std::string& text) {
    CHECK(text == "text");
    CHECK_FALSE(none.has_value());
    return std::tuple((a * more[0]).exp() * c, a.sin());
  };
  const auto [y, z] = checkpoint(f, x, 2.0, std::vector<Tensor>{w}, std::optional<Tensor>(), std::string("text"));
  (y.sum() + z.sum()).backward();
  const auto gx = values(x.grad()), gw = values(w.grad());
  x.mutable_grad().reset();
  w.mutable_grad().reset();
  const auto [y2, z2] = f(x, 2.0, {w}, std::nullopt, "text");
  (y2.sum() + z2.sum()).backward();
  CHECK(values(x.grad()) == gx);
  CHECK(values(w.grad()) == gw);
}

TEST_CASE("operations in place inside, and custom functions") {
  struct Cube : ct::autograd::Function<Cube> {
    static Tensor forward(ct::autograd::AutogradContext* ctx, Tensor x) {
      ctx->save_for_backward({x});
      return x * x * x;
    }
    static ct::autograd::variable_list backward(ct::autograd::AutogradContext* ctx, ct::autograd::variable_list g) {
      const Tensor x = ctx->get_saved_variables()[0];
      return {g[0] * x * x * 3};
    }
  };
  for (bool early : {true, false}) {
    const Tensor x = leaf({1, 2, 3});
    auto f = [](const Tensor& in) {
      Tensor y = in * 0.5;
      y.exp_();
      Tensor z = (y * 2).tanh_() + 0;
      z.slice(0, 1, 3).sin_();
      return Cube::apply(z) * in;
    };
    const CheckpointOptions o{.early_stop = early};
    checkpoint(o, f, x).sum().backward();
    const auto g = values(x.grad());
    x.mutable_grad().reset();
    f(x).sum().backward();
    CHECK(values(x.grad()) == g);
    // What is changed after it was saved is noticed, as without checkpoint.
    auto bad = [](const Tensor& in) {
      Tensor y = in * 0.5, z = y * y;
      y.add_(1);
      return z * in;
    };
    CHECK_ERROR(bad(x).sum().backward(), "modified by an inplace operation");
    CHECK_ERROR(checkpoint(CheckpointOptions{.early_stop = false}, bad, x).sum().backward(), "modified by an inplace operation");
  }
}

TEST_CASE("a function that does something else the second time is an error") {
  const Tensor x = leaf({1, 2, 3, 4});
  int call = 0;
  auto of = [&](auto f, bool early = true) {
    call = 0;
    const Tensor y = checkpoint(CheckpointOptions{.early_stop = early}, f, x);
    return error_of([&] { y.sum().backward(); });
  };
  auto fewer = [&](const Tensor& in) { return ++call == 1 ? in.exp().exp().exp() : in.exp(); };
  CHECK(has(of(fewer), "checkpoint: A different number of tensors was saved during the original forward and recomputation. Number of tensors saved during "
                       "forward: 3, number of tensors saved during recomputation: 1"));
  auto more = [&](const Tensor& in) { return ++call == 1 ? in.exp() : in.exp().exp().exp(); };
  CHECK(has(of(more, false), "number of tensors saved during recomputation: 3"));
  CHECK(of(more) == "no error");
  auto shape = [&](const Tensor& in) { return ++call == 1 ? in.exp().sum() : in.slice(0, 1, 3).exp().sum(); };
  CHECK(has(of(shape), "Recomputed values for the following tensors have different metadata than during the forward pass: tensor at position 0: saved "
                       "metadata: shape [4], dtype Double; recomputed metadata: shape [2], dtype Double"));
  (x * 2).sum().backward();  // everything still works
}

TEST_CASE("what changed between forward and backward is an error") {
  const Tensor a = leaf({1, 2}), x = a * 1, w = leaf({3, 4});
  const Tensor y = checkpoint([](const Tensor& in) { return in.exp(); }, x);
  x.add_(1);
  CHECK_ERROR(y.sum().backward(), "It is an argument of the checkpointed function");
  const Tensor z = checkpoint([&](const Tensor& in) { return (in * w).exp(); }, a);
  {
    ct::NoGradGuard off;
    w.mul_(2);
  }
  CHECK_ERROR(z.sum().backward(), "modified by an inplace operation");
}

TEST_CASE("without recording nothing is kept") {
  ct::NoGradGuard off;
  int runs = 0;
  const Tensor y = checkpoint([&](const Tensor& in) { ++runs; return in.exp(); }, leaf({1, 2}));
  CHECK_FALSE(y.requires_grad());
  CHECK(runs == 1);
}

TEST_CASE("checkpoint_sequential cuts a list of functions") {
  ct::manual_seed(3);
  std::vector<Tensor> weights;
  int runs = 0;
  std::vector<ct::Layer> layers;
  for (int i = 0; i < 7; ++i) weights.push_back(random_leaf({5, 5}));
  for (int i = 0; i < 7; ++i)
    layers.emplace_back([&runs, w = weights[static_cast<std::size_t>(i)]](const Tensor& x) {
      ++runs;
      return x.mm(w).tanh();
    });
  const Tensor x = random_leaf({2, 5});
  Tensor y = x;
  for (const ct::Layer& f : layers) y = f(y);
  const auto expected = ct::autograd::grad({y.sum()}, {x, weights[0], weights[6]});
  for (std::int64_t segments : {1, 2, 3, 7}) {
    runs = 0;
    const Tensor z = ct::checkpoint_sequential(layers, segments, x);
    CHECK(values(z) == values(y));
    const auto got = ct::autograd::grad({z.sum()}, {x, weights[0], weights[6]});
    for (int i = 0; i < 3; ++i) CHECK(values(got[static_cast<std::size_t>(i)]) == values(expected[static_cast<std::size_t>(i)]));
    CHECK(runs == 7 + 7 / segments * (segments - 1));
  }
  const std::vector<Tensor (*)(const Tensor&)> functions{ct::sin, ct::exp};
  CHECK(values(ct::checkpoint_sequential(functions, 2, x)) == values(x.sin().exp()));
  CHECK_THROWS_AS(ct::checkpoint_sequential(layers, 0, x), ct::ValueError);
  CHECK_THROWS_AS(ct::checkpoint_sequential(layers, 8, x), ct::ValueError);
}

TEST_CASE("threads run backward through one checkpoint") {
  constexpr int threads = 4, rounds = 50;
  const Tensor x = leaf({2}), w = leaf({3});
  const Tensor y = checkpoint(CheckpointOptions{.preserve_rng_state = false}, [&](const Tensor& in) { return (in * w) * in * in; }, x);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) y.backward({}, true);
    });
  for (std::thread& t : pool) t.join();
  CHECK_VALUES(x.grad(), {36.0 * threads * rounds});
  CHECK_VALUES(w.grad(), {8.0 * threads * rounds});
}

TEST_CASE("memory is counted") {
  ct::reset_peak_memory_stats();
  const ct::MemoryStats before = ct::memory_stats();
  if (before.peak_allocated_bytes != before.allocated_bytes) CHECK(false);
  {
    const Tensor a = ct::zeros({256, 1024}), b = ct::zeros({256, 1024});
    const ct::MemoryStats now = ct::memory_stats();
    CHECK((now.allocated_bytes == before.allocated_bytes + 2 * 1024 * 1024 || now.allocated_bytes == 0));
  }
  CHECK(ct::memory_stats().allocated_bytes == before.allocated_bytes);
  CHECK((ct::memory_stats().peak_allocated_bytes == before.allocated_bytes + 2 * 1024 * 1024 || ct::memory_stats().peak_allocated_bytes == 0));
  ct::empty_cache();
  CHECK(ct::memory_stats().cached_bytes == 0);
}
