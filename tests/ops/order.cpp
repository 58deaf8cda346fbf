// tests/ops/order.cpp -- scans, sorting, order statistics, counting and searching: values by hand, ties, NaN, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cotangent/autograd.h"
#include "cotangent/cotangent.h"

using namespace ct;

namespace {

const double inf = std::numeric_limits<double>::infinity(), NaN = std::nan("");

bool same(const Tensor& x, const Tensor& expected) { return x.sizes() == expected.sizes() && allclose(x.to(kDouble), expected.to(kDouble), 1e-5, 1e-8, true); }
template <class F>
Tensor gradient(const F& f, const Tensor& x) {
  Tensor leaf = x.detach().clone().requires_grad_();
  f(leaf).sum().backward();
  return leaf.grad();
}
template <class F>
std::string error(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
  }
  return "no error";
}

}  // namespace

TEST_CASE("scans by hand") {
  const Tensor x = tensor({{1., 2.}, {3., 4.}});
  CHECK(same(x.cumsum(0), tensor({{1., 2.}, {4., 6.}})));
  CHECK(same(x.cumsum(1), tensor({{1., 3.}, {3., 7.}})));
  CHECK(same(x.cumprod(1), tensor({{1., 2.}, {3., 12.}})));
  CHECK(tensor({1, 2}).to(kInt).cumsum(0).dtype() == kLong);
  CHECK(tensor({true, true}).cumsum(0)[1].item<std::int64_t>() == 2);
  CHECK(same(tensor(3.).cumsum(0), tensor(3.)));
  CHECK(same(logcumsumexp(tensor({0., 0., -inf}), 0), tensor({0., std::log(2.), std::log(2.)})));
  const auto [high, at] = cummax(tensor({1., 3., 3., NaN, 5.}), 0);
  CHECK(same(high, tensor({1., 3., 3., NaN, NaN})));
  CHECK(same(at, tensor({0, 1, 2, 3, 3})));  // the last of equal ones
  CHECK(same(std::get<0>(cummin(tensor({3, 1, 2}), 0)), tensor({3, 1, 1})));
  CHECK(same(gradient([](const Tensor& t) { return std::get<0>(t.cummax(0)); }, tensor({1., 3., 2.})), tensor({1., 2., 0.})));
}

TEST_CASE("scans in place keep the dtype and record the same node") {
  Tensor i = tensor({1, 2, 3}).to(kInt);
  i.cumsum_(0);
  CHECK(i.dtype() == kInt);
  CHECK(same(i, tensor({1, 3, 6})));
  Tensor x = tensor({2., 3., 4.}).requires_grad_();
  Tensor y = x * 1;
  y.cumprod_(0);
  CHECK(y.grad_fn()->name() == "CumprodBackward0");
  CHECK(y._version() == 1);
  y.sum().backward();
  CHECK(same(x.grad(), tensor({16., 10., 6.})));
}

TEST_CASE("sorting: NaN is largest, equal elements keep their order") {
  const auto [up, from] = sort(tensor({3., NaN, 1., 3., -inf}));
  CHECK(same(up, tensor({-inf, 1., 3., 3., NaN})));
  CHECK(same(from, tensor({4, 2, 0, 3, 1})));
  const auto [down, at] = sort(tensor({3., NaN, 1., 3.}), 0, true);
  CHECK(same(down, tensor({NaN, 3., 3., 1.})));
  CHECK(same(at, tensor({1, 0, 3, 2})));
  CHECK(same(argsort(tensor({{2, 1}, {0, 3}}), 0), tensor({{1, 0}, {0, 1}})));
  CHECK(same(std::get<0>(sort(tensor({true, false, true}))).to(kLong), tensor({0, 1, 1})));
  CHECK(same(gradient([](const Tensor& t) { return std::get<0>(t.sort()) * tensor({1., 2., 3.}); }, tensor({3., 1., 2.})), tensor({3., 1., 2.})));
}

TEST_CASE("topk, kthvalue, median and mode") {
  const Tensor x = tensor({{5., 1., 4.}, {2., 6., 3.}});
  CHECK(same(std::get<0>(x.topk(2)), tensor({{5., 4.}, {6., 3.}})));
  CHECK(same(std::get<1>(x.topk(2, 1, false)), tensor({{1, 2}, {0, 2}})));
  CHECK(same(std::get<0>(kthvalue(x, 2)), tensor({4., 3.})));
  CHECK(same(std::get<0>(kthvalue(x, 1, 0, true)), tensor({{2., 1., 3.}})));
  CHECK(same(tensor({4., 1., 3., 2.}).median(), tensor(2.)));  // the lower one
  CHECK(same(std::get<0>(x.median(1)), tensor({4., 3.})));
  CHECK(std::isnan(tensor({1., NaN, 2.}).median().item<double>()));
  CHECK(std::get<1>(tensor({1., NaN, 2.}).median(0)).item<std::int64_t>() == 1);
  CHECK(std::isnan(zeros({0}).median().item<double>()));
  CHECK(same(std::get<0>(mode(tensor({1, 2, 2, 3, 3}))), tensor(2)));
  CHECK(same(std::get<1>(mode(tensor({1, 2, 2, 3, 3}))), tensor(2)));
  CHECK(same(gradient([](const Tensor& t) { return t.median(); }, tensor({3., 1., 3.})), tensor({0.5, 0., 0.5})));
  CHECK(same(gradient([](const Tensor& t) { return std::get<0>(t.median(0)); }, tensor({4., 1., 2.})), tensor({0., 0., 1.})));
  CHECK(error([&] { x.topk(4); }) == "topk: selected index k out of range: k = 4, dimension 1 has 3 elements");
  CHECK(error([&] { kthvalue(x, 0); }) == "kthvalue(): selected number k out of range for dimension 1: k = 0, but it must be from 1 to 3");
}

TEST_CASE("quantiles interpolate linearly") {
  const Tensor x = tensor({3., 1., 2., 5.});
  CHECK(same(x.quantile(0.5), tensor(2.5)));
  CHECK(same(x.quantile(tensor({0., 0.9, 1.})), tensor({1., 4.4, 5.})));
  const Tensor m = tensor({{1., 2., 3.}, {4., 6., 8.}});
  CHECK(same(m.quantile(0.5, 1), tensor({2., 6.})));
  CHECK(same(m.quantile(tensor({0.5, 1.}), 0, true), tensor({{{2.5, 4., 5.5}}, {{4., 6., 8.}}})));
  CHECK(std::isnan(tensor({1., NaN}).quantile(0.).item<double>()));
  CHECK(error([&] { x.quantile(1.5); }) == "quantile() q must be in the range [0, 1] but got 1.5");
  CHECK(error([&] { x.quantile(tensor({-0.5})); }) == "quantile() q values must be in the range [0, 1]");
  CHECK(error([] { zeros({0}).quantile(0.5); }) == "quantile() input tensor must be non-empty");
}

TEST_CASE("covariance, correlation, differences, trapezoids") {
  const Tensor x = tensor({{0., 1., 2.}, {2., 1., 0.}});
  CHECK(same(cov(x), tensor({{1., -1.}, {-1., 1.}})));
  CHECK(same(corrcoef(x), tensor({{1., -1.}, {-1., 1.}})));
  CHECK(same(cov(tensor({1., 2., 3.}), 0), tensor(2. / 3)));
  CHECK(same(diff(tensor({1, 4, 9, 16})), tensor({3, 5, 7})));
  CHECK(same(diff(tensor({1, 4, 9, 16}), 2), tensor({2, 2})));
  CHECK(diff(tensor({1, 4}), 5).numel() == 0);
  CHECK(same(diff(tensor({true, false, false})).to(kLong), tensor({1, 0})));
  CHECK(same(trapezoid(tensor({1., 2., 4.})), tensor(4.5)));
  CHECK(same(trapezoid(tensor({1., 2., 4.}), tensor({0., 1., 3.})), tensor(7.5)));
  CHECK_THROWS_AS(trapezoid(tensor({1., 2.}), tensor({1., 2., 3.})), Error);
  CHECK_THROWS_AS(cov(zeros({2, 2, 2})), Error);
}

TEST_CASE("counting: all, any, count_nonzero, bincount, histc, unique") {
  CHECK(tensor({true, false}).any().item<bool>());
  CHECK_FALSE(tensor({1., 0.}).all().item<bool>());
  CHECK(zeros({0}).all().item<bool>());
  CHECK_FALSE(zeros({0}).any().item<bool>());
  CHECK(tensor({1, 2}).to(kByte).all().dtype() == kByte);
  CHECK(same(count_nonzero(tensor({{1., 0.}, {NaN, 2.}}), 0), tensor({2, 1})));
  CHECK(same(bincount(tensor({1, 3, 1})), tensor({0, 2, 0, 1})));
  CHECK(same(bincount(tensor({1, 0}), tensor({0.5, 0.25}), 3), tensor({0.25, 0.5, 0.})));
  CHECK(same(histc(tensor({1., 2., 1., 9., NaN}), 4, 0, 3), tensor({0., 2., 1., 0.})));
  CHECK(same(histc(tensor({2., 2.}), 2), tensor({0., 2.})));
  const auto [values, inverse, counts] = _unique2(tensor({3, 1, 3, 2}), true, true, true);
  CHECK(same(values, tensor({1, 2, 3})));
  CHECK(same(inverse, tensor({2, 0, 2, 1})));
  CHECK(same(counts, tensor({1, 1, 2})));
  CHECK(std::get<0>(_unique2(tensor({NaN, NaN, 1.}))).numel() == 3);
  const auto [rows, row_of, row_counts] = unique_dim(tensor({{1, 2}, {0, 1}, {1, 2}}), 0, true, true, true);
  CHECK(same(rows, tensor({{0, 1}, {1, 2}})));
  CHECK(same(row_of, tensor({1, 0, 1})));
  CHECK(same(row_counts, tensor({1, 2})));
  CHECK_THROWS_AS(bincount(tensor({1, -1})), Error);
  CHECK_THROWS_AS(bincount(tensor({1.})), Error);
  CHECK_THROWS_AS(histc(tensor({1., NaN})), Error);
}

TEST_CASE("searching sorted rows") {
  const Tensor edges = tensor({1, 3, 5});
  CHECK(same(searchsorted(edges, tensor({0, 1, 3, 4, 9})), tensor({0, 0, 1, 2, 3})));
  CHECK(same(searchsorted(edges, tensor({0, 1, 3, 4, 9}), true), tensor({0, 1, 2, 2, 3})));
  CHECK(same(bucketize(tensor({{2, 5}}), edges), tensor({{1, 2}})));
  CHECK(same(searchsorted(tensor({{1., 2.}, {5., 6.}}), tensor({{1.5}, {1.5}})), tensor({{1}, {0}})));
  CHECK_THROWS_AS(searchsorted(edges, tensor({1.})), TypeError);
  CHECK_THROWS_AS(bucketize(tensor({1}), tensor({{1}})), Error);
}
