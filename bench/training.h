// training.h -- the rows about layers and training steps: normalisation, softmax, a small network.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> training_rows();

struct LibtorchTraining {
  Measure layernorm_4096x1024 = nullptr, softmax_4096x1024 = nullptr, batchnorm_32x64x28x28 = nullptr, mlp_784_sgd = nullptr;
};
LibtorchTraining libtorch_training();

}  // namespace bench
