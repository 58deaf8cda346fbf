// tests/autograd/vmap_views.cpp -- views, writes in place and indexing under vmap, against a loop over the entries: values,
// gradients and tangents, inside and outside of the vmap.
#include <functional>
#include <string>

#include "cotangent/func.h"
#include "values.h"

using ct::kDouble;
using ct::kLong;
using ct::Tensor;
using ct::indexing::Slice;
namespace func = ct::func;

namespace {

Tensor numbers(ct::IntArrayRef sizes, double step = 0.37) {
  std::int64_t n = 1;
  for (std::int64_t s : sizes) n *= s;
  return (ct::arange(n, kDouble) * step).sin().reshape(sizes);
}

void check_same(const Tensor& got, const Tensor& expected, const std::string& what) {
  INFO(what);
  REQUIRE(got.sizes() == expected.sizes());
  CHECK(ct::allclose(got, expected, 1e-10, 1e-12));
}

using Program = std::function<Tensor(const Tensor&)>;

// All of it for a program of one entry, of any shape.
void check_program(const std::string& name, const Program& f, const Tensor& batch) {
  CAPTURE(name);
  const std::int64_t n = batch.size(0);
  const Tensor d = numbers(batch.sizes(), 0.91);
  // Every entry has its own loss, with weights that tell its elements apart.
  const Program loss = [&](const Tensor& x) {
    const Tensor y = f(x);
    return (y * y * numbers(y.sizes(), 0.53)).sum();
  };
  std::vector<Tensor> y, g, t, j;
  for (std::int64_t e = 0; e < n; ++e) {
    const Tensor x = batch[e].clone();
    y.push_back(f(x));
    const Tensor v = batch[e].clone().requires_grad_();
    g.push_back(ct::autograd::grad({loss(v)}, {v})[0]);
    t.push_back(func::jvp(f, x, d[e].clone()).second);
    j.push_back(func::jacrev(f)(x));
    check_same(func::jacfwd(f)(x), j.back(), "jacfwd against jacrev");
    check_same(t.back().flatten(), j.back().reshape({t.back().numel(), x.numel()}).mv(d[e].flatten()), "jvp against the Jacobian");
  }
  const auto before = batch.clone();
  check_same(func::vmap(f)(batch), ct::stack(y), "vmap");
  check_same(batch, before, "the argument afterwards");
  const Tensor last = batch.movedim(0, -1).contiguous();
  check_same(func::vmap(f, -1)(last), ct::stack(y), "vmap over the last dim");
  check_same(func::vmap(func::grad(loss))(batch), ct::stack(g), "vmap(grad)");
  check_same(func::grad([&](const Tensor& x) { return func::vmap(loss)(x).sum(); })(batch), ct::stack(g), "grad(vmap)");
  const Tensor leaf = batch.clone().requires_grad_();
  func::vmap(loss)(leaf).sum().backward();
  check_same(leaf.grad(), ct::stack(g), "backward through vmap");
  check_same(func::vmap([&](const Tensor& x, const Tensor& dx) { return func::jvp(f, x, dx).second; })(batch, d), ct::stack(t), "vmap(jvp)");
  check_same(func::jvp(func::vmap(f), batch, d).second, ct::stack(t), "jvp(vmap)");
  check_same(func::vmap(func::jacrev(f))(batch), ct::stack(j), "vmap(jacrev)");
  check_same(func::vmap(func::jacfwd(f))(batch), ct::stack(j), "vmap(jacfwd)");
  // Two vmaps, one around the other.
  check_same(func::vmap(func::vmap(f))(ct::stack({batch, batch * 0.5})), ct::stack({func::vmap(f)(batch), func::vmap(f)(batch * 0.5)}), "vmap(vmap)");
}

struct Named {
  const char* name;
  Tensor (*f)(const Tensor&);
};

// The message of what f throws; empty if it does not.
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "";
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("programs of views agree with a loop") {
  const Named programs[] = {
      {"row", [](const Tensor& x) { return x[1] * x[2]; }},
      {"column", [](const Tensor& x) { return x.select(-1, 1) * x.select(1, -1); }},
      {"slice", [](const Tensor& x) { return x.slice(1, 0, 4, 2) * x.narrow(-1, 1, 2); }},
      {"transposed", [](const Tensor& x) { return x.t().mm(x); }},
      {"permuted", [](const Tensor& x) { return x.unsqueeze(1).permute({2, 0, 1}) * 2; }},
      {"diagonal", [](const Tensor& x) { return x.diagonal(1) * x.diagonal(); }},
      {"windows", [](const Tensor& x) { return x.unfold(1, 2, 1) * x.unfold(1, 2, 1); }},
      {"expanded", [](const Tensor& x) { return x[0].expand({2, 4}) * x[1]; }},
      {"reshaped", [](const Tensor& x) { return x.t().reshape({-1}) * x.view({12}); }},
      {"squeezed", [](const Tensor& x) { return x.narrow(0, 1, 1).squeeze() * x.unsqueeze(0).squeeze(0)[0]; }},
      {"as_strided", [](const Tensor& x) { const Tensor y = x.clone(); return ct::as_strided(y, {2, 3}, {3, 1}, 1) * 2; }},
      {"as_strided, overlapping", [](const Tensor& x) { const Tensor y = x.clone(); return ct::as_strided(y, {3, 3}, {1, 1}, 2) * 2; }},
      {"as_strided of a transposed tensor", [](const Tensor& x) { const Tensor y = x.clone().t(); return ct::as_strided(y, {2, 2}, {4, 1}) * 2; }},
      {"split", [](const Tensor& x) { const auto p = x.split(3, 1); return p[0].sum(1) * p[1].sum(1); }},
      {"split of sizes", [](const Tensor& x) { const auto p = ct::split_with_sizes(x, {1, 3}, 1); return p[1] * p[0]; }},
      {"unbind", [](const Tensor& x) { const auto p = x.unbind(0); return p[0] * p[2]; }},
      {"numbers", [](const Tensor& x) { const Tensor a = x[0][1]; return a.t() * a.view({1})[0] * a.unfold(0, 1, 1) * a.squeeze(); }},
      {"joined", [](const Tensor& x) { return ct::cat({x, ct::ones({1, 4}, kDouble), x[0].unsqueeze(0)}, 0); }},
      {"stacked", [](const Tensor& x) { return ct::stack({x[0], ct::ones({4}, kDouble), x[1]}, 1); }},
      {"flipped", [](const Tensor& x) { return x.flip({1}) * x.roll({1}, {0}) * ct::roll(x, 5) * x.tile({1}); }},
      {"block_diag", [](const Tensor& x) { return ct::block_diag({x[0], x.narrow(1, 0, 2), x[1][1]}); }},
      {"triangles", [](const Tensor& x) { return x.tril() * x.triu(-1) + ct::diag_embed(x[0].narrow(0, 0, 3), 1).narrow(0, 0, 3); }},
  };
  const Tensor batch = numbers({3, 3, 4});
  for (const Named& p : programs) check_program(p.name, p.f, batch);
}

TEST_CASE("programs that write in place agree with a loop") {
  const Named programs[] = {
      {"row", [](const Tensor& x) { const Tensor y = x * 1.0; y[1].mul_(2); return y * x; }},
      {"row from row", [](const Tensor& x) { const Tensor y = x * x; y[0].copy_(y[1].clone() * x[2]); return y; }},
      {"row from a number", [](const Tensor& x) { const Tensor y = x * x; y[0].fill_(y[1][1]); return y; }},
      {"column of the transposed", [](const Tensor& x) { const Tensor y = x * 2.0; y.t()[1].add_(x.select(1, 0)); return y; }},
      {"diagonal", [](const Tensor& x) { const Tensor y = x * x; y.diagonal().mul_(x.diagonal()); y.fill_diagonal_(3); return y; }},
      {"view made before", [](const Tensor& x) { const Tensor y = x * 1.0; const Tensor v = y[1]; y.mul_(x); return v * y[0]; }},
      {"two views in turn", [](const Tensor& x) { const Tensor y = x * 1.0; const Tensor a = y.slice(1, 0, 3), b = y.slice(1, 1, 4); a.mul_(2); b.mul_(a.clone()); return a * b; }},
      {"view of a view", [](const Tensor& x) { const Tensor y = x.clone(); y[1].slice(0, 1, 3).mul_(y[0][0].clone()); return y; }},
      {"into zeros_like", [](const Tensor& x) { const Tensor y = ct::zeros_like(x); y[1].copy_(x[0]); y.select(1, 2).add_(x.select(1, 1)); return y; }},
      {"into new_zeros", [](const Tensor& x) { const Tensor y = x.new_zeros({2, 4}); y[0].add_(x[2] * x[1]); return y; }},
      {"where positive", [](const Tensor& x) { const Tensor y = x * x; y.masked_fill_(x > 0.2, 5); return y; }},
      {"a mapped value where positive", [](const Tensor& x) { const Tensor y = x * x; y.masked_fill_(x > 0.2, x[0][0]); return y; }},
      {"bracket with a mapped mask", [](const Tensor& x) { const Tensor y = x * x; y.index_put_({x > 0.2}, 1.5); return y; }},
      {"bracket with a mapped mask of rows", [](const Tensor& x) { const Tensor y = x * x; y.index_put_({x[0].narrow(0, 0, 3) > 0.2}, x[1][1]); return y; }},
      {"masked_scatter_", [](const Tensor& x) { const Tensor y = x * x; y.masked_scatter_(x > 0.2, x.flip({0}) * 3); return y; }},
      {"bracket with numbers", [](const Tensor& x) { const Tensor y = x * x; y.index_put_({1, Slice(1, 3)}, x[0].narrow(0, 0, 2)); return y; }},
      {"bracket with an index", [](const Tensor& x) { const Tensor y = x * x; y.index_put_({Slice(), ct::tensor({2, 0})}, x.narrow(1, 1, 2)); return y; }},
      {"index_add_", [](const Tensor& x) { const Tensor y = x * x; y.index_add_(1, ct::tensor({2, 0, 2}), x.narrow(1, 0, 3), 2); return y; }},
      {"index_copy_", [](const Tensor& x) { const Tensor y = x * x; y.index_copy_(0, ct::tensor({2, 0}), x.narrow(0, 0, 2)); return y; }},
      {"index_fill_", [](const Tensor& x) { const Tensor y = x * x; y.index_fill_(1, ct::tensor({-1, 0}), 2); return y; }},
      {"scatter_", [](const Tensor& x) { const Tensor y = x * x; y.scatter_(1, ct::tensor({{2}, {0}, {2}}), x.narrow(1, 0, 1)); return y; }},
      {"scatter_add_", [](const Tensor& x) { const Tensor y = x * x; y.scatter_add_(1, ct::tensor({{2, 2}, {0, 1}, {2, 3}}), x.narrow(1, 1, 2)); return y; }},
      {"tril_", [](const Tensor& x) { const Tensor y = x * x; y.tril_(1); return y; }},
      {"t_", [](const Tensor& x) { const Tensor y = x * x; y.t_(); y[1].mul_(2); return y; }},
      {"unsqueeze_", [](const Tensor& x) { const Tensor y = x * x; y.unsqueeze_(1); y.select(2, 1).mul_(x.narrow(1, 0, 1)); return y.squeeze_(1) * x; }},
      {"zero_", [](const Tensor& x) { const Tensor y = x * x; y[2].zero_(); return y; }},
  };
  const Tensor batch = numbers({3, 3, 4});
  for (const Named& p : programs) check_program(p.name, p.f, batch);
}

TEST_CASE("mapped indices of every kind agree with a loop") {
  const Tensor x = numbers({3, 4, 5, 2}), rows = ct::tensor({{0, 3, -1}, {2, 2, 1}, {1, 0, 0}}), cols = ct::tensor({{4, 0, 1}, {-2, 3, 3}, {0, 1, 2}});
  const Tensor one = ct::tensor({2, 0, -1}), still = ct::tensor({1, 3, 0});
  using Two = std::function<Tensor(const Tensor&, const Tensor&)>;
  struct Case {
    const char* name;
    Two f;
    Tensor index;
  };
  const Tensor still_cols = ct::tensor({{1}, {0}});
  const Case cases[] = {
      {"first dim", [](const Tensor& a, const Tensor& i) { return a.index({i}); }, rows},
      {"middle dim", [](const Tensor& a, const Tensor& i) { return a.index({Slice(), i}); }, rows},
      {"two dims, one mapped", [&](const Tensor& a, const Tensor& i) { return a.index({still, i}); }, cols},
      {"two dims, broadcast", [&](const Tensor& a, const Tensor& i) { return a.index({i, still_cols}); }, rows},
      {"dims apart", [&](const Tensor& a, const Tensor& i) { return a.index({i, Slice(), ct::tensor({1, 0, 1})}); }, rows},
      {"dims in the middle", [&](const Tensor& a, const Tensor& i) { return a.index({Slice(), i, still_cols}); }, rows},
      {"one number", [](const Tensor& a, const Tensor& i) { return a[i] * 2; }, one},
      {"one number in the middle", [](const Tensor& a, const Tensor& i) { return a.index({Slice(1, 3), i}); }, one},
      {"select of rows", [](const Tensor& a, const Tensor& i) { return a.index_select(1, i.remainder(4)); }, rows},
      {"take", [](const Tensor& a, const Tensor& i) { return a.take(i * 7); }, rows},
      {"put", [](const Tensor& a, const Tensor& i) { const Tensor y = a + i.new_zeros({}, kDouble); y.index_put_({Slice(), i}, a.narrow(1, 0, 3) * 2); return y; }, rows.remainder(5)},
      {"put one number", [](const Tensor& a, const Tensor& i) { const Tensor y = a + i.new_zeros({}, kDouble); y.index_put_({i}, a[0] * 2); return y; }, one},
      {"add", [](const Tensor& a, const Tensor& i) { return a.index_add(0, i.remainder(4), a.narrow(0, 0, 3), 2); }, rows},
      {"copy", [](const Tensor& a, const Tensor& i) { return a.index_copy(1, i, a.narrow(1, 1, 3)); }, ct::tensor({{0, 3, 1}, {2, 4, 1}, {1, 0, 2}})},
      {"fill", [](const Tensor& a, const Tensor& i) { return a.index_fill(0, i, 3) * a; }, rows},
  };
  for (const Case& c : cases) {
    INFO(std::string(c.name));
    for (const bool mapped : {true, false}) {
      CAPTURE(mapped);
      std::vector<Tensor> y, g;
      for (std::int64_t e = 0; e < 3; ++e) {
        const Tensor v = (mapped ? x[e] : x[0]).clone().requires_grad_();
        const Tensor out = c.f(v, c.index[e]);
        y.push_back(out.detach());
        g.push_back(ct::autograd::grad({(out * out).sum()}, {v})[0]);
      }
      const Tensor arg = mapped ? x : x[0];
      const func::Dims dims = mapped ? func::Dims{0, 0} : func::Dims{std::nullopt, 0};
      check_same(func::vmap(c.f, dims)(arg, c.index), ct::stack(y), "vmap");
      const auto gradient = func::grad([&](const Tensor& a, const Tensor& i) { const Tensor out = c.f(a, i); return (out * out).sum(); });
      check_same(func::vmap(gradient, dims)(arg, c.index), ct::stack(g), "vmap(grad)");
      const Tensor tangents = func::vmap([&](const Tensor& a, const Tensor& i) { return func::jvp([&](const Tensor& v) { return c.f(v, i); }, a, ct::ones_like(a)).second; }, dims)(arg, c.index);
      std::vector<Tensor> t;
      for (std::int64_t e = 0; e < 3; ++e) {
        const Tensor v = (mapped ? x[e] : x[0]).clone();
        t.push_back(func::jvp([&](const Tensor& a) { return c.f(a, c.index[e]); }, v, ct::ones_like(v)).second);
      }
      check_same(tangents, ct::stack(t), "vmap(jvp)");
    }
  }
}

TEST_CASE("a write through a view of a mapped tensor reaches the caller's tensor, as in PyTorch") {
  const Tensor x = numbers({3, 4}), before = x.clone();
  func::vmap([](const Tensor& v) {
    v[1].fill_(7);
    return v * 1.0;
  })(x);
  CHECK(ct::equal(x.select(1, 1), ct::full({3}, 7, kDouble)));
  CHECK(ct::equal(x.select(1, 0), before.select(1, 0)));
}

TEST_CASE("mapped values cannot be written into a tensor that is not mapped, which stays as it was") {
  const Tensor x = numbers({3, 4}), y = ct::zeros({4}, kDouble);
  const std::string what = message([&] {
    func::vmap([&](const Tensor& v) {
      y[1].copy_(v[0]);
      return v * 1.0;
    })(x);
  });
  CHECK(has(what, "vmap: inplace arithmetic(self, *extra_args) is not possible"));
  CHECK(has(what, "new_zeros"));
  CHECK(ct::equal(y, ct::zeros({4}, kDouble)));
  CHECK(has(message([&] { func::vmap([&](const Tensor& v) { y.index_put_({0}, v[0]); return v * 1.0; })(x); }), "inplace arithmetic"));
  // Values that are the same for all entries may be written.
  func::vmap([&](const Tensor& v) {
    y.add_(1);
    return v * 1.0;
  })(x);
  CHECK(ct::equal(y, ct::ones({4}, kDouble)));
}

TEST_CASE("what reads elements of a mapped tensor says so instead of reading the first entry") {
  const Tensor x = numbers({3, 4});
  const auto under_vmap = [&](Tensor (*f)(const Tensor&)) { return message([&] { func::vmap(f)(x); }); };
  CHECK(has(under_vmap([](const Tensor& v) { return v * v[0].item<double>(); }), "vmap"));
  CHECK(has(under_vmap([](const Tensor& v) { return v.sum().gt(0).is_nonzero() ? v : -v; }), "vmap"));
  CHECK(has(under_vmap([](const Tensor& v) { return v * v.data_ptr<double>()[0]; }), "vmap"));
  CHECK(has(under_vmap([](const Tensor& v) { return v * (v.data_ptr() ? 1 : 0); }), "vmap"));
  CHECK(has(under_vmap([](const Tensor& v) { return v * v.accessor<double, 1>()[0]; }), "vmap"));
  CHECK(has(under_vmap([](const Tensor& v) { return ct::equal(v, v) ? v : -v; }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return ct::allclose(v, v) ? v : -v; }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return ct::nonzero(v); }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return ct::where(v > 0)[0]; }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return v.masked_select(v > 0); }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return v.index({v > 0}); }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return v.index({v[0] > 0}); }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { const Tensor y = v * 1.0; y.index_put_({v > 0}, v); return y; }), "vmap: data-dependent"));
  CHECK(has(under_vmap([](const Tensor& v) { return ct::repeat_interleave(v, v.gt(0).to(kLong)); }), "vmap: data-dependent"));
  // What is the same for all entries can be read.
  const Tensor flags = ct::tensor({true, false, true, false});
  CHECK(ct::equal(func::vmap([&](const Tensor& v) { return v.masked_select(flags) * flags.sum().item<double>(); })(x), x.index({Slice(), flags}) * 2));
}

TEST_CASE("integer division looks for zeros in all entries") {
  const Tensor x = ct::tensor({{4, 6}, {8, 9}}), y = ct::tensor({{1, 2}, {0, 3}});
  const auto f = [](const Tensor& a, const Tensor& b) { return ct::remainder(a, b); };
  CHECK(has(message([&] { func::vmap(f)(x, y); }), "ZeroDivisionError"));
}

TEST_CASE("a mapped tensor prints all entries and says what it is") {
  std::string text;
  func::vmap([&](const Tensor& v) {
    text = ct::to_string(v);
    return v;
  })(ct::tensor({{1, 2}, {3, 4}}));
  CHECK(has(text, "BatchedTensor(lvl="));
  CHECK(has(text, "size=[2]"));
  CHECK(has(text, "[3, 4]"));
}

TEST_CASE("another dtype over the same bytes, and data(), keep the batch") {
  const Tensor x = numbers({3, 4});
  CHECK(ct::equal(func::vmap([](const Tensor& v) { return v.view(kLong); })(x), x.view(kLong)));
  CHECK(ct::equal(func::vmap([](const Tensor& v) { return v.variable_data() * 2; })(x), x * 2));
}
