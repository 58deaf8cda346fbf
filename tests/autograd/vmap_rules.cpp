// tests/autograd/vmap_rules.cpp -- batching rules where entries differ in kind: ties, zeros, NaN and singular matrices in
// some of them; and derivatives that choose between two ways.
#include <cmath>

#include "cotangent/func.h"
#include "values.h"

using ct::Tensor;
namespace func = ct::func;

namespace {

using Fn = Tensor (*)(const Tensor&);

// vmap(grad(f)), grad of the sum of vmap(f), and vmap(jvp(f)) in a direction, each against a loop over the entries.
void check_all(Fn f, const Tensor& x) {
  const std::int64_t n = x.size(0);
  const auto total = [f](const Tensor& e) { return f(e).sum(); };
  std::vector<Tensor> value, gradient, tangent;
  const Tensor t = ct::arange(1, x.numel() + 1, ct::kDouble).reshape(x.sizes()) / 7;
  for (std::int64_t e = 0; e < n; ++e) {
    value.push_back(f(x[e]));
    gradient.push_back(func::grad(total)(x[e]));
    tangent.push_back(func::jvp([f](const Tensor& v) { return f(v); }, x[e].clone(), t[e].clone()).second);
  }
  const auto close = [](const Tensor& a, const Tensor& b) { return ct::allclose(a, b, 1e-10, 1e-12, true); };
  CHECK(close(func::vmap([f](const Tensor& e) { return f(e); })(x), ct::stack(value)));
  CHECK(close(func::vmap(func::grad(total))(x), ct::stack(gradient)));
  CHECK(close(func::grad([f](const Tensor& all) { return func::vmap([f](const Tensor& e) { return f(e); })(all).sum(); })(x), ct::stack(gradient)));
  const Tensor mapped = func::vmap([f](const Tensor& e, const Tensor& d) { return func::jvp([f](const Tensor& v) { return f(v); }, e, d).second; })(x, t);
  CHECK(close(mapped, ct::stack(tangent)));
  CHECK(close(func::jvp([f](const Tensor& all) { return func::vmap([f](const Tensor& e) { return f(e); })(all); }, x, t).second, ct::stack(tangent)));
}

Tensor rows(std::initializer_list<double> v, std::int64_t n) { return ct::tensor(v, ct::kDouble).view({-1, n}); }

}  // namespace

TEST_CASE("ties in some entries of a batch share gradients as they do in a loop") {
  const Tensor x = rows({1, 3, 3, 2, 2, 2, 2, 2, 1, 2, 3, 4}, 4);
  check_all([](const Tensor& e) { return ct::max(e); }, x);
  check_all([](const Tensor& e) { return ct::min(e); }, x);
  check_all([](const Tensor& e) { return ct::amax(e, {0}); }, x);
  check_all([](const Tensor& e) { return ct::median(e); }, x);
  check_all([](const Tensor& e) { return std::get<0>(ct::max(e, 0)); }, x);
  check_all([](const Tensor& e) { return ct::norm(e, INFINITY); }, x);
  check_all([](const Tensor& e) { return std::get<0>(ct::cummax(e, 0)); }, x);
}

TEST_CASE("zeros in some entries of a batch leave products of the others exact") {
  const Tensor x = rows({1, 0, 3, 2, 2, 5, 0, 0, 1, 2, 3, 4}, 4);
  check_all([](const Tensor& e) { return ct::prod(e); }, x);
  check_all([](const Tensor& e) { return ct::prod(e.view({2, 2}), 1); }, x);
  check_all([](const Tensor& e) { return ct::prod(e.view({2, 2})); }, x);
  check_all([](const Tensor& e) { return ct::cumprod(e, 0); }, x);
  check_all([](const Tensor& e) { return ct::norm(e * 0 + e.sum() - 6); }, x);  // a norm of 0 in the first entry
}

TEST_CASE("NaN in one entry of a batch stays there") {
  const Tensor x = rows({1, NAN, 3, 2, 2, 2, 1, 2, 3}, 3);
  check_all([](const Tensor& e) { return ct::nansum(e); }, x);
  const Tensor g = func::vmap(func::grad([](const Tensor& e) { return ct::max(e); }))(x);
  CHECK(values(g) == std::vector<double>{0, 1, 0, 1. / 3, 1. / 3, 1. / 3, 0, 0, 1});
}

TEST_CASE("a singular matrix in a batch has the gradient of its determinant by its cofactors, the others by their inverse") {
  const Tensor x = ct::tensor({1., 2., 2., 4., 1., 2., 3., 4.}, ct::kDouble).view({2, 2, 2});
  const auto det = [](const Tensor& a) { return ct::linalg_det(a); };
  const Tensor expected = ct::tensor({4., -2., -2., 1., 4., -3., -2., 1.}, ct::kDouble).view({2, 2, 2});
  CHECK(ct::allclose(func::vmap(func::grad(det))(x), expected));
  CHECK(ct::allclose(func::grad([&](const Tensor& a) { return func::vmap(det)(a).sum(); })(x), expected));
}

TEST_CASE("one matrix for right sides of all entries is decomposed once, and gives what a loop gives") {
  const Tensor a = ct::tensor({4., 1., 0., 1., 3., 1., 0., 1., 5.}, ct::kDouble).view({3, 3});
  const Tensor b = ct::arange(12, ct::kDouble).view({4, 3}), m = ct::arange(24, ct::kDouble).view({4, 3, 2});
  std::vector<Tensor> vectors, matrices, right;
  for (std::int64_t e = 0; e < 4; ++e) {
    vectors.push_back(ct::linalg_solve(a, b[e]));
    matrices.push_back(ct::linalg_solve(a, m[e]));
    right.push_back(ct::linalg_solve(a, m[e].t(), false));
  }
  CHECK(ct::allclose(func::vmap([&](const Tensor& v) { return ct::linalg_solve(a, v); })(b), ct::stack(vectors)));
  CHECK(ct::allclose(func::vmap([&](const Tensor& v) { return ct::linalg_solve(a, v); })(m), ct::stack(matrices)));
  CHECK(ct::allclose(func::vmap([&](const Tensor& v) { return ct::linalg_solve(a, v.t(), false); })(m), ct::stack(right)));
}

TEST_CASE("eigenvalues and singular values alone keep their derivatives through levels") {
  const Tensor x = ct::tensor({2., 1., 1., 3., 1., 0.5, 0.5, 4.}, ct::kDouble).view({2, 2, 2});
  check_all([](const Tensor& a) { return ct::linalg_eigvalsh(a); }, x);
  check_all([](const Tensor& a) { return ct::linalg_svdvals(a); }, x);
}

TEST_CASE("forward over reverse sees through the fused gradients of scans") {
  const Tensor x = ct::tensor({0.5, 1.5, 2.0}, ct::kDouble);
  const auto cubic = [](const Tensor& e) { return ct::cumprod(e, 0).select(0, 2); };  // x0 x1 x2
  const Tensor h = func::hessian(cubic)(x);
  CHECK(ct::allclose(h, rows({0, 2, 1.5, 2, 0, 0.5, 1.5, 0.5, 0}, 3)));
  const auto lse = [](const Tensor& e) { return ct::logcumsumexp(e, 0).select(0, 2); };
  const Tensor p = ct::softmax(x, 0);
  CHECK(ct::allclose(func::hessian(lse)(x), ct::diag(p) - ct::outer(p, p)));
}

TEST_CASE("the loss of a small network runs without the fallback") {
  const std::size_t before = func::vmap_fallbacks().size();
  const Tensor w = ct::ones({4, 3}, ct::kDouble), c = ct::zeros({4}, ct::kDouble), x = ct::arange(15, ct::kDouble).view({5, 3}) / 10;
  const auto loss = [](const Tensor& weight, const Tensor& bias, const Tensor& e) { return ct::log_softmax(ct::linear(e, weight, bias).tanh(), 0)[1]; };
  const auto [gw, gb] = func::vmap(func::grad(loss, func::argnums<0, 1>), func::Dims{std::nullopt, std::nullopt, 0})(w, c, x);
  CHECK((gw.sizes() == ct::IntArrayRef{5, 4, 3}));
  CHECK((gb.sizes() == ct::IntArrayRef{5, 4}));
  for (std::int64_t e = 0; e < 5; ++e) CHECK(ct::allclose(gw[e], func::grad([&](const Tensor& weight) { return loss(weight, c, x[e]); })(w)));
  CHECK(func::vmap_fallbacks().size() == before);
}

TEST_CASE("dtypes of batched products and reductions are those of the entries") {
  const auto same = [](auto f, const Tensor& x, const Tensor& y) {
    std::vector<Tensor> each;
    for (std::int64_t e = 0; e < x.size(0); ++e) each.push_back(f(x[e], y[e]));
    const Tensor all = func::vmap([&](const Tensor& a, const Tensor& b) { return f(a, b); })(x, y);
    CHECK((all.scalar_type() == each[0].scalar_type()));
    CHECK(ct::equal(all, ct::stack(each)));
  };
  const Tensor counts = ct::arange(12, ct::kLong).view({3, 4});
  const Tensor halves = ct::arange(12, ct::kDouble).view({3, 4}).to(ct::kHalf), bits = counts.gt(4);
  for (const Tensor& x : {counts, halves, counts.to(ct::kInt), counts.to(ct::kByte)}) {
    same([](const Tensor& a, const Tensor& b) { return ct::dot(a, b); }, x, x);
    same([](const Tensor& a, const Tensor& b) { return ct::addmv(b.sum().to(b.scalar_type()), a.view({2, 2}), b.narrow(0, 0, 2)); }, x, x);
    same([](const Tensor& a, const Tensor& b) { return ct::addmm(a, a.view({4, 1}), b.view({1, 4}), 2, 1); }, x, x);
    same([](const Tensor& a, const Tensor&) { return ct::sum(a) + ct::prod(a); }, x, x);
    same([](const Tensor& a, const Tensor&) { return ct::max(a) + ct::median(a); }, x, x);
    same([](const Tensor& a, const Tensor&) { return ct::cumsum(a, 0); }, x, x);
  }
  same([](const Tensor& a, const Tensor&) { return ct::any(a).to(ct::kLong) + ct::count_nonzero(a); }, bits, bits);
  same([](const Tensor& a, const Tensor&) { return ct::sum(a); }, bits, bits);
  same([](const Tensor& a, const Tensor& b) { return ct::rsub(a.select(0, 0), b); }, counts.to(ct::kDouble), halves);  // 0-dim: keeps kHalf
  same([](const Tensor& a, const Tensor& b) { return ct::rsub(a, b.select(0, 1), 2); }, counts, halves);
}

TEST_CASE("an empty batch gives empty results of the entries' shape") {
  const Tensor x = ct::zeros({0, 4}, ct::kDouble), m = ct::eye(4, ct::kDouble), wide = ct::zeros({0, 4, 4}, ct::kDouble);
  const auto shape = [](auto f, const Tensor& in) { return func::vmap([&](const Tensor& e) { return f(e); })(in).sizes().vec(); };
  using Sizes = std::vector<std::int64_t>;
  CHECK(shape([](const Tensor& e) { return ct::sum(e); }, x) == Sizes{0});
  CHECK(shape([](const Tensor& e) { return ct::max(e); }, x) == Sizes{0});
  CHECK(shape([](const Tensor& e) { return ct::median(e); }, x) == Sizes{0});
  CHECK(shape([](const Tensor& e) { return ct::norm(e); }, x) == Sizes{0});
  CHECK(shape([](const Tensor& e) { return ct::dot(e, e); }, x) == Sizes{0});
  CHECK(shape([&](const Tensor& e) { return ct::dot(e, m[0]); }, x) == Sizes{0});
  CHECK(shape([&](const Tensor& e) { return ct::mv(m, e); }, x) == Sizes{0, 4});
  CHECK(shape([&](const Tensor& e) { return ct::mm(m, e); }, wide) == Sizes{0, 4, 4});
  CHECK(shape([&](const Tensor& e) { return ct::mm(e, m); }, wide) == Sizes{0, 4, 4});
  CHECK(shape([&](const Tensor& e) { return ct::addmm(m[0], e, m); }, wide) == Sizes{0, 4, 4});
  CHECK(shape([&](const Tensor& e) { return ct::linalg_solve(m, e); }, x) == Sizes{0, 4});
  CHECK(shape([](const Tensor& e) { return ct::linalg_inv(e); }, wide) == Sizes{0, 4, 4});
  CHECK(shape([](const Tensor& e) { return ct::softmax(e, 0); }, x) == Sizes{0, 4});
  CHECK(shape([](const Tensor& e) { return std::get<0>(ct::topk(e, 2)); }, x) == Sizes{0, 2});
  CHECK(shape([](const Tensor& e) { return ct::var(e); }, x) == Sizes{0});
  CHECK(shape([](const Tensor& e) { return ct::cumprod(e, 0); }, x) == Sizes{0, 4});
}
