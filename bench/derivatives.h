// derivatives.h -- the rows about Jacobians, Hessians, per-sample gradients and repeated differentiation.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> derivative_rows();

struct LibtorchDerivatives {
  Measure jacobian_64 = nullptr, hessian_rosenbrock_50 = nullptr, per_sample_grads = nullptr, double_backward_50 = nullptr;
};
LibtorchDerivatives libtorch_derivatives();

// The same programs on both sides; T is a tensor, the rest are functions of that library found by its argument.

// 50 operations on a scalar.
template <class T>
T fifty_operations(const T& x, const T& a) {
  T h = x;
  for (int i = 0; i < 25; ++i) h = sin(h) * a;
  return h;
}
// A chain of 50 variables.
template <class T>
T rosenbrock(const T& x) {
  const T head = x.slice(0, 0, 49), tail = x.slice(0, 1, 50);
  return (100 * (tail - head * head).square() + (1 - head).square()).sum();
}
// The squared error of a 20-32-1 network on one sample x [20], y [1].
template <class T>
T network_loss(const T& w1, const T& b1, const T& w2, const T& b2, const T& x, const T& y) {
  return (w2.mv(tanh(w1.mv(x) + b1)) + b2 - y).square().sum();
}

}  // namespace bench
