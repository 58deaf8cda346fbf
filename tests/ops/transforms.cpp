// tests/ops/transforms.cpp -- generated tests of forward mode and vmap: every op against reverse mode and against a loop.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "cotangent/func.h"
#include "ops/elements.h"

namespace op_check {

namespace {

namespace f = ct::func::detail;

constexpr std::int64_t batch = 3;

bool differentiable(const Op& op) { return op.node || op.kind == OpKind::composite; }

// The op as a function of its inputs `which`.
Tensors with_inputs(const Op& op, const Sample& s, const Tensors& base, const std::vector<std::size_t>& which, const Tensors& x) {
  Tensors in = base;
  for (std::size_t k = 0; k < which.size(); ++k) in[which[k]] = x[k];
  return op_samples::run(op, s, in);
}

Tensors floating_only(const Tensors& y) {
  Tensors out;
  for (const Tensor& t : y)
    if (t.defined() && t.is_floating_point()) out.push_back(t);
  return out;
}

std::vector<std::size_t> tracked_inputs(const Op& op, const Sample& s) {
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < s.in.size(); ++i)
    if (is_tracked_input(op, s, i)) which.push_back(i);
  return which;
}

Tensors directions(Random& random, const Tensors& x) {
  Tensors d;
  for (const Tensor& t : x) {
    d.push_back(make(t.sizes(), t.scalar_type()));
    set_values(d.back(), direction(random, t, values(t)));
  }
  return d;
}

void compare(const Tensor& got, const Tensor& expected, const std::string& what, Report& r, double rtol = 1e-9) {
  if (!(got.sizes() == expected.sizes())) {
    r.expect(false, what + ": another shape than expected, " + std::to_string(got.dim()) + " and " + std::to_string(expected.dim()) + " dims");
    return;
  }
  r.expect(got.scalar_type() == expected.scalar_type(), what + ": another dtype");
  const Values a = values(got), b = values(expected);
  r.expect(all_close(a, b, rtol), what + " is " + list(a) + ", expected " + list(b));
}

}  // namespace

// <w, J t> by forward mode equals <J^T w, t> by reverse mode.
void forward_mode(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (!differentiable(op)) {  // a constant, so it must not look like a function of its inputs
    bool floating = false;
    for (const Tensor& t : s.in) floating |= t.defined() && t.is_floating_point();
    if (floating) r.expect(floating_only(op_samples::run(op, s, s.in)).empty(), where + "without a node, but with a floating output: its gradient would be lost in silence");
    return;
  }
  const std::vector<std::size_t> which = tracked_inputs(op, s);
  if (which.empty()) return;
  const Tensors base = leaves(op, s), x = pick(base, which);
  for (const Tensor& t : x) t.requires_grad_(false);
  if (!op.second_order && !op.jvp && op.kind == OpKind::other) {
    r.skipped["forward mode: no rule, and a derivative that cannot be differentiated"].push_back(op.name);
    return;
  }
  Random random(5);
  const Tensors t = directions(random, x);
  const auto run = [&](const Tensors& in) { return floating_only(with_inputs(op, s, base, which, in)); };
  if (run(x).empty()) return;
  const auto [y, dy] = f::jvp(run, x, t);
  const f::Pullback pull = f::vjp(run, x);
  Tensors w;
  for (const Tensor& v : y) {
    w.push_back(make(v.sizes(), v.scalar_type()));
    set_values(w.back(), random_values(random, v.numel()));
  }
  const Tensors g = pull(w);
  double left = 0, right = 0, size = 0;
  for (std::size_t k = 0; k < y.size(); ++k) {
    r.expect(dy[k].sizes() == y[k].sizes() && dy[k].scalar_type() == y[k].scalar_type(), where + "the tangent has another shape or dtype than the output");
    left += dot(values(w[k]), values(dy[k]));
    size += absolute_dot(values(w[k]), values(dy[k]));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    right += dot(values(g[i]), values(t[i]));
    size += absolute_dot(values(g[i]), values(t[i]));
  }
  r.expect(close(left, right, 1e-9 * size + 1e-300), where + "<w, J t> is " + number(left) + ", <J^T w, t> is " + number(right));
}

// Every mix of batched and unbatched inputs, against a loop: values, gradients and tangents.
void vmap_against_loop(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (s.in.size() > 4) {
    r.skipped["vmap: more than four inputs"].push_back(op.name);
    return;
  }
  const std::vector<std::size_t> tracked = differentiable(op) ? tracked_inputs(op, s) : std::vector<std::size_t>();
  const bool tangents = op.second_order || op.jvp || op.kind != OpKind::other;
  Tensors base = leaves(op, s);
  for (const Tensor& t : base)
    if (t.defined()) t.requires_grad_(false);
  for (unsigned mix = 1; mix < 1u << s.in.size(); ++mix) {
    std::vector<std::size_t> which;
    Tensors batched;
    bool possible = true;
    for (std::size_t i = 0; i < s.in.size(); ++i) {
      if (!(mix >> i & 1)) continue;
      possible &= s.in[i].defined();
      which.push_back(i);
      if (!s.in[i].defined()) continue;
      Tensors entries;
      for (std::int64_t e = 0; e < batch; ++e) {
        Values v = values(s.in[i]);
        if (s.in[i].is_floating_point())
          for (double& a : v) a *= 1 - 0.04 * static_cast<double>(e);
        entries.push_back(make(s.in[i].sizes(), s.in[i].scalar_type()));
        set_values(entries.back(), v);
      }
      batched.push_back(ct::stack(entries));
    }
    if (!possible) continue;
    std::string at = where + "batched inputs";
    for (std::size_t i : which) at += " " + std::to_string(i);
    at += ": ";
    const std::vector<std::optional<std::int64_t>> dims(which.size(), 0);

    // Values.
    const auto run = [&](const Tensors& in) {
      Tensors out;
      for (const Tensor& y : with_inputs(op, s, base, which, in))
        if (y.defined()) out.push_back(y);
      return out;
    };
    const auto entry = [&](std::int64_t e) {
      Tensors in;
      for (const Tensor& b : batched) in.push_back(contiguous_copy(b.select(0, e)));
      return in;
    };
    std::vector<Tensors> expected;
    bool ragged = false;
    for (std::int64_t e = 0; e < batch; ++e) {
      expected.push_back(run(entry(e)));
      for (std::size_t k = 0; k < expected[0].size(); ++k) ragged |= !(expected.back()[k].sizes() == expected[0][k].sizes());
    }
    Tensors got;
    try {
      got = f::vmap(run, batched, dims, 0, "error", std::nullopt);
    } catch (const ct::Error& e) {
      if (ragged) continue;
      const std::string what = e.what();
      if (what.find("vmap: data-dependent") != std::string::npos) {
        r.skipped["vmap: the result's shape depends on the data"].push_back(op.name);
        return;
      }
      throw;
    }
    for (std::size_t k = 0; k < got.size(); ++k)
      for (std::int64_t e = 0; e < batch; ++e)
        compare(contiguous_copy(got[k].select(0, e)), expected[static_cast<std::size_t>(e)][k], at + "output " + std::to_string(k) + ", entry " + std::to_string(e), r);

    // A batch of batches.
    Tensors twice;
    for (const Tensor& b : batched) twice.push_back(ct::stack({b, b.is_floating_point() ? b * 0.98 : b}));
    const Tensors rows = f::vmap([&](const Tensors& in) { return f::vmap(run, in, dims, 0, "error", std::nullopt); }, twice, dims, 0, "error", std::nullopt);
    for (std::size_t k = 0; k < got.size(); ++k) compare(contiguous_copy(rows[k].select(0, 0)), got[k], at + "output " + std::to_string(k) + " of nested vmaps", r);

    // The gradient of the mapped function by its mapped inputs.
    std::vector<std::size_t> by;
    for (std::size_t k = 0; k < which.size(); ++k)
      if (std::find(tracked.begin(), tracked.end(), which[k]) != tracked.end()) by.push_back(k);
    if (!by.empty() && !floating_only(expected[0]).empty()) {
      const auto with = [&](Tensors in, const Tensors& v) {
        for (std::size_t k = 0; k < by.size(); ++k) in[by[k]] = v[k];
        return in;
      };
      const f::Pullback pull = f::vjp([&](const Tensors& v) { return floating_only(f::vmap(run, with(batched, v), dims, 0, "error", std::nullopt)); }, pick(batched, by));
      Random random(9);
      Tensors w;
      for (const Tensor& y : pull.values) {
        w.push_back(make(y.sizes(), y.scalar_type()));
        set_values(w.back(), random_values(random, y.numel()));
      }
      const Tensors g = pull(w);
      for (std::int64_t e = 0; e < batch; ++e) {
        const Tensors in = entry(e);
        const f::Pullback one = f::vjp([&](const Tensors& v) { return floating_only(run(with(in, v))); }, pick(in, by));
        Tensors weights;
        for (const Tensor& t : w) weights.push_back(contiguous_copy(t.select(0, e)));
        const Tensors expected_g = one(weights);
        for (std::size_t k = 0; k < by.size(); ++k)
          compare(contiguous_copy(g[k].select(0, e)), expected_g[k], at + "gradient of the mapped function by input " + std::to_string(which[by[k]]) + ", entry " + std::to_string(e), r);
      }
    }

    // Gradients and tangents by the tracked inputs, batched or not.
    if (tracked.empty()) continue;
    const auto derivative = [&](const Tensors& in, bool forward) {
      Tensors all = base;
      for (std::size_t k = 0; k < which.size(); ++k) all[which[k]] = in[k];
      const Tensors x = pick(all, tracked);
      const auto g = [&](const Tensors& v) { return floating_only(with_inputs(op, s, all, tracked, v)); };
      Random random(8);
      if (forward) return f::jvp(g, x, directions(random, pick(base, tracked))).second;
      const f::Pullback pull = f::vjp(g, x);
      Tensors w;
      for (const Tensor& y : pull.values) {
        w.push_back(make(y.sizes(), y.scalar_type()));
        set_values(w.back(), random_values(random, y.numel()));
      }
      return pull(w);
    };
    if (floating_only(expected[0]).empty()) continue;
    for (const bool forward : {false, true}) {
      if (forward && !tangents) continue;
      const Tensors all = f::vmap([&](const Tensors& in) { return derivative(in, forward); }, batched, dims, 0, "error", std::nullopt);
      for (std::int64_t e = 0; e < batch; ++e) {
        const Tensors one = derivative(entry(e), forward);
        for (std::size_t k = 0; k < one.size(); ++k)
          compare(contiguous_copy(all[k].select(0, e)), one[k], at + (forward ? "tangent of output " : "gradient of input ") + std::to_string(k) + ", entry " + std::to_string(e), r);
      }
    }
  }
}

// u^T H d by forward over reverse, by reverse over reverse, and third order by differences.
void higher_orders(const Op& op, const Sample& s, const std::string& where, Report& r) {
  const std::vector<std::size_t> which = tracked_inputs(op, s);
  if (!differentiable(op) || !op.second_order || which.empty()) return;
  const Tensors base = leaves(op, s), x = pick(base, which);
  for (const Tensor& t : x) t.requires_grad_(false);
  const auto run = [&](const Tensors& in) { return floating_only(with_inputs(op, s, base, which, in)); };
  const Tensors y = run(x);
  if (y.empty()) return;
  Random random(6);
  Tensors w;
  for (const Tensor& v : y) {
    w.push_back(make(v.sizes(), v.scalar_type()));
    set_values(w.back(), random_values(random, v.numel()));
  }
  const Tensors d = directions(random, x), u = directions(random, x);
  const auto gradient = [&](const Tensors& in) { return f::vjp(run, in)(w); };
  const auto loss = [&](const Tensors& in) {
    Tensor sum = ct::zeros({}, ct::kDouble);
    const Tensors g = gradient(in);
    for (std::size_t i = 0; i < g.size(); ++i) sum = sum + (g[i] * u[i]).sum();
    return Tensors{sum};
  };
  const Tensors forward = f::jvp(gradient, x, d).second;
  const Tensors reverse = f::grad("grad", loss, x, nullptr);
  double left = 0, right = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    left += dot(values(u[i]), values(forward[i]));
    right += dot(values(reverse[i]), values(d[i]));
    size += absolute_dot(values(u[i]), values(forward[i])) + absolute_dot(values(reverse[i]), values(d[i]));
  }
  r.expect(close(left, right, 1e-9 * size + 1e-12), where + "u^T H d: forward over reverse " + number(left) + ", reverse over reverse " + number(right));

  // Third order: the derivative of u^T H d, against differences of it.
  const auto second = [&](const Tensors& in) {
    Tensor sum = ct::zeros({}, ct::kDouble);
    const Tensors g = f::grad("grad", loss, in, nullptr);
    for (std::size_t i = 0; i < g.size(); ++i) sum = sum + (g[i] * d[i]).sum();
    return Tensors{sum};
  };
  const Tensors third = f::grad("grad", second, x, nullptr), e = directions(random, x);
  const auto moved = [&](double h) {
    Tensors at;
    for (std::size_t i = 0; i < x.size(); ++i) {
      Values v = values(x[i]), along = values(e[i]);
      for (std::size_t j = 0; j < v.size(); ++j) v[j] += h * along[j];
      at.push_back(make(x[i].sizes(), x[i].scalar_type()));
      set_values(at.back(), v);
    }
    return values(second(at)[0])[0];
  };
  constexpr double h = 1e-6;
  const double expected = (moved(h) - moved(-h)) / (2 * h);
  double got = 0, terms = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    got += dot(values(third[i]), values(e[i]));
    terms += absolute_dot(values(third[i]), values(e[i]));
  }
  r.expect(close(got, expected, 5e-5 * terms + 1e-7 * size + 1e-8), where + "third order is " + number(got) + ", difference of second derivatives " + number(expected));
}

}  // namespace op_check

TEST_CASE("forward mode agrees with reverse mode for every op") { op_check::on_all_ops(op_check::forward_mode); }
TEST_CASE("vmap agrees with a loop for every op and every mix of batched inputs") {
  op_check::on_all_ops(op_check::vmap_against_loop);
  const auto slow = ct::func::vmap_fallbacks();
  const std::size_t all = ct::all_ops().size();
  std::printf("  %zu of %zu ops run entry by entry:", slow.size(), all);
  for (const std::string& name : slow) std::printf(" %s", name.c_str());
  std::printf("\n");
  CHECK(slow.size() * 10 <= all);
}
TEST_CASE("second order is the same in both modes, and third order agrees with differences") { op_check::on_all_ops(op_check::higher_orders); }
