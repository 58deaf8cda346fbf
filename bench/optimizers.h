// optimizers.h -- the rows about optimizers.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> optimizer_rows();

struct LibtorchOptimizers {
  Measure adam_1000x1000 = nullptr, mlp_tiny_adam = nullptr;
};
LibtorchOptimizers libtorch_optimizers();

// The same program on both sides: the squared error of a 2-16-1 network on a batch of 32.
template <class T>
T tiny_loss(const T& w1, const T& b1, const T& w2, const T& b2, const T& x, const T& y) {
  return (addmm(b2, tanh(addmm(b1, x, w1)), w2) - y).square().mean();
}

}  // namespace bench
