// tests/kernels/math.cpp -- mathematical functions against the C library: ordinary arguments within a few units in the
// last place, special ones exactly, in every position of a vector.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "cotangent/tensor.h"

namespace {

using ct::Tensor;

constexpr double inf = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Case {
  const char* name;
  Tensor (*ours)(const Tensor&);
  long double (*exact)(long double);
  double low, high;       // where ordinary arguments are drawn from
  double ulps = 4;
};

long double rsqrt(long double x) { return 1 / std::sqrt(x); }
long double sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double log_sigmoid(long double x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }
long double silu(long double x) { return x / (1 + std::exp(-x)); }

template <class T>
void check(const Case& c) {
  std::vector<T> x;
  for (double s : {0.0, -0.0, 1.0, -1.0, inf, -inf, not_a_number, 1e-40, -1e-40, 1e-310, 88.7, 88.73, 89.0, -87.4, -90.0, -103.0, -104.5, 709.7,
                   709.8, 711.0, -708.5, -720.0, -745.2, 1e-5, -1e-5, 1e-20, -1e-20, 20.0, -20.0, 1e4, 39001.0, 1e6, 1e10, -1e30, 3e38,
                   1e300, -1e300, 0.9999999, 1.0000001, 2.0, -2.0, 0.5, 8.0, 1000.0})
    x.push_back(static_cast<T>(s));
  for (int i = 0; i < 4000; ++i) {
    const double u = c.low + (c.high - c.low) * (i + 0.37) / 4000;
    x.push_back(static_cast<T>(u));
    if (c.low <= 0 && c.high > 0) x.push_back(static_cast<T>(u * std::exp2(-(i % 40))));
  }
  const Tensor t = ct::tensor(x), y = c.ours(t);
  const T* p = y.data_ptr<T>();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double exact = c.exact(x[i]);
    const T want = static_cast<T>(exact);
    CAPTURE(c.name);
    CAPTURE(x[i]);
    CAPTURE(p[i]);
    CAPTURE(want);
    if (std::isnan(want)) {
      CHECK(std::isnan(p[i]));
    } else if (std::isinf(want) || want == 0) {
      CHECK(p[i] == want);
      CHECK(std::signbit(p[i]) == std::signbit(want));
    } else {
      const T size = std::abs(want);
      const long double unit = std::nextafter(size, std::numeric_limits<T>::infinity()) - size;
      const auto error = static_cast<double>(std::abs(static_cast<long double>(p[i]) - exact) / (std::isinf(unit) ? size * std::numeric_limits<T>::epsilon() : unit));
      worst = std::max(worst, error);
      CHECK(error <= c.ulps);
    }
    // The same number alone, and at another place, gives the same bits.
    if (i % 97 != 0) continue;
    const T alone = c.ours(t[static_cast<std::int64_t>(i)]).template item<T>();
    CHECK((alone == p[i] || (std::isnan(alone) && std::isnan(p[i]))));
  }
}

const Case cases[] = {
    {"exp", ct::exp, std::exp, -80, 80, 2},
    {"exp2", ct::exp2, std::exp2, -120, 120, 1},
    {"expm1", ct::expm1, std::expm1, -20, 20},
    {"log", ct::log, std::log, 0, 1e6, 2},
    {"log2", ct::log2, std::log2, 0, 1e6, 1},
    {"log10", ct::log10, std::log10, 0, 1e6, 2},
    {"log1p", ct::log1p, std::log1p, -0.99, 1e5},
    {"sqrt", ct::sqrt, std::sqrt, 0, 1e6, 0.5},
    {"rsqrt", ct::rsqrt, rsqrt, 0, 1e6, 2},
    {"sin", ct::sin, std::sin, -100, 100},
    {"cos", ct::cos, std::cos, -100, 100},
    {"tan", ct::tan, std::tan, -100, 100, 8},
    {"asin", ct::asin, std::asin, -1, 1},
    {"acos", ct::acos, std::acos, -1, 1},
    {"atan", ct::atan, std::atan, -100, 100},
    {"sinh", ct::sinh, std::sinh, -80, 80, 8},
    {"cosh", ct::cosh, std::cosh, -80, 80, 8},
    {"tanh", ct::tanh, std::tanh, -10, 10},
    {"asinh", ct::asinh, std::asinh, -1e4, 1e4},
    {"acosh", ct::acosh, std::acosh, 1, 1e4},
    {"atanh", ct::atanh, std::atanh, -1, 1},
    {"erf", ct::erf, std::erf, -4, 4},
    {"erfc", ct::erfc, std::erfc, -4, 8},
    {"lgamma", ct::lgamma, std::lgamma, 2.5, 100},
    {"sigmoid", ct::sigmoid, sigmoid, -20, 20},
};

}  // namespace

TEST_CASE("mathematical functions are right for ordinary and for special arguments") {
  for (const Case& c : cases) {
    // sigmoid of -90 and the like: e^90 overflows a float, and 1 / inf is 0, as in PyTorch.
    if (std::string(c.name) != "sigmoid") check<float>(c);
    if (std::string(c.name) != "sigmoid") check<double>(c);
  }
}

TEST_CASE("activations at the ends of the number line") {
  const Tensor x = ct::tensor({-inf, -200.0, -20.0, 0.0, 20.0, 200.0, inf}, ct::kDouble);
  auto near = [](const Tensor& y, std::vector<double> want) {
    for (std::size_t i = 0; i < want.size(); ++i) {
      CAPTURE(i);
      const double v = y.data_ptr<double>()[i];
      if (std::isnan(want[i])) CHECK(std::isnan(v));
      else CHECK((v == want[i] || std::abs(v - want[i]) <= 1e-12 * std::abs(want[i])));
    }
  };
  near(ct::sigmoid(x), {0, static_cast<double>(sigmoid(-200)), static_cast<double>(sigmoid(-20)), 0.5, static_cast<double>(sigmoid(20)), 1, 1});
  near(ct::log_sigmoid(x), {-inf, -200, static_cast<double>(log_sigmoid(-20)), -std::log(2.0), static_cast<double>(log_sigmoid(20)), static_cast<double>(log_sigmoid(200)), 0});
  near(ct::softplus(x), {0, static_cast<double>(std::exp(-200.0L)), static_cast<double>(std::log1p(std::exp(-20.0L))), std::log(2.0),
                         static_cast<double>(std::log1p(std::exp(20.0L))), 200, inf});
  near(ct::silu(x), {not_a_number, static_cast<double>(silu(-200)), static_cast<double>(silu(-20)), 0, static_cast<double>(silu(20)), 200, inf});
  near(ct::mish(x.slice(0, 1, 6)), {-200 * std::exp(-200.0), -20 * std::tanh(std::log1p(std::exp(-20.0))), 0, 20, 200});
  near(ct::tanh(x), {-1, -1, std::tanh(-20.0), 0, std::tanh(20.0), 1, 1});
  const Tensor n = ct::tensor({not_a_number}, ct::kDouble);
  for (auto f : {ct::sigmoid, ct::relu, ct::silu, ct::mish, ct::log_sigmoid, ct::hardswish, ct::hardsigmoid, ct::relu6, ct::selu})
    CHECK(std::isnan(f(n).item<double>()));
}

TEST_CASE("digamma, erfinv and their kin at known points") {
  const double euler = 0.57721566490153286061;
  const Tensor x = ct::tensor({1.0, 0.5, 2.0, -0.5, 0.0, -1.0, 100.0}, ct::kDouble);
  const double want[] = {-euler, -euler - 2 * std::log(2.0), 1 - euler, 0.03648997397857652056, -inf, not_a_number, 4.60016185273808};
  const Tensor y = ct::digamma(x);
  for (int i = 0; i < 7; ++i) {
    const double v = y.data_ptr<double>()[i];
    if (std::isnan(want[i])) CHECK(std::isnan(v));
    else CHECK((v == want[i] || std::abs(v - want[i]) < 1e-13 * std::max(1.0, std::abs(want[i]))));
  }
  const Tensor p = ct::tensor({-0.999999, -0.5, -1e-9, 0.0, 0.3, 0.9, 0.999999999}, ct::kDouble);
  CHECK(ct::allclose(ct::erf(ct::erfinv(p)), p, 1e-14, 1e-16));
  CHECK(ct::erfinv(ct::tensor({1.0}, ct::kDouble)).item<double>() == inf);
  CHECK(std::isnan(ct::erfinv(ct::tensor({1.5}, ct::kDouble)).item<double>()));
  // The derivative of digamma is pi^2 / 6 at 1.
  const Tensor one = ct::tensor({1.0}, ct::TensorOptions(ct::kDouble).requires_grad(true));
  ct::digamma(one).backward();
  CHECK(std::abs(one.grad().item<double>() - 1.64493406684822643647) < 1e-13);
}
