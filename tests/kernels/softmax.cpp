// tests/kernels/softmax.cpp -- softmax in float32 beside float64: its own exponential, rows of all lengths, what is not finite.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/autograd.h"
#include "cotangent/cotangent.h"

using ct::Tensor;

namespace {

// Relative to every element, however small it is; elements below 1e-37 may be 0. What x - max rounds, times its size, cannot be
// better: `spread` is that of x.
bool near(const Tensor& y, const Tensor& wide, double spread, double sums = 1e-6) {
  const Tensor most = wide.abs() * (sums + 1e-6 * spread);
  return ct::logical_or(ct::le((y.to(ct::kDouble) - wide).abs(), most), wide.abs().lt(1e-37)).all().item<bool>();
}

}  // namespace

TEST_CASE("softmax in float32 is as exact as float32 is") {
  for (const std::int64_t n : {1, 7, 16, 33, 1000, 5000})
    for (const double spread : {0.1, 5.0, 40.0}) {
      CAPTURE(n);
      CAPTURE(spread);
      const Tensor x = ct::randn({9, n}) * spread, wide = x.to(ct::kDouble);
      CHECK(near(ct::softmax(x, 1), ct::softmax(wide, 1), spread));
      const Tensor down = x.t().contiguous();
      CHECK(near(ct::softmax(down, 0), ct::softmax(down.to(ct::kDouble), 0), spread, 3e-5));  // columns are summed one by one
      CHECK(ct::allclose(ct::log_softmax(x, 1).to(ct::kDouble), ct::log_softmax(wide, 1), 1e-6, 1e-6));
    }
  // Large results take another way to memory.
  const Tensor x = ct::randn({2100, 1025}).requires_grad_(), g = ct::randn({2100, 1025}), w = x.detach().to(ct::kDouble).requires_grad_();
  const Tensor y = ct::softmax(x, 1), z = ct::softmax(w, 1);
  CHECK(near(y.detach(), z.detach(), 1));
  y.backward(g);
  z.backward(g.to(ct::kDouble));
  CHECK(ct::allclose(x.grad().to(ct::kDouble), w.grad(), 1e-4, 1e-8));
  x.mutable_grad().reset(), w.mutable_grad().reset();
  ct::log_softmax(x, 1).backward(g);
  ct::log_softmax(w, 1).backward(g.to(ct::kDouble));
  CHECK(ct::allclose(x.grad().to(ct::kDouble), w.grad(), 1e-5, 1e-5));
}

TEST_CASE("softmax of infinite and missing values") {
  const float inf = INFINITY, nan = std::nanf("3");
  const Tensor y = ct::softmax(ct::tensor({{0.0f, -inf, 0.0f}, {-inf, -inf, -inf}, {inf, 0.0f, 1.0f}, {nan, 0.0f, 1.0f}, {-200.0f, 0.0f, -87.5f}}), 1);
  CHECK(y[0].eq(ct::tensor({0.5f, 0.0f, 0.5f})).all().item<bool>());
  for (int row : {1, 2, 3}) CHECK(y[row].isnan().any().item<bool>());
  CHECK(y[3].isnan().all().item<bool>());
  CHECK(y[4][1].item<float>() == 1);
  CHECK(y[4][0].item<float>() == 0);
}
