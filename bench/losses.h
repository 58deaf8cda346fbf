// losses.h -- the rows about losses.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> loss_rows();

struct LibtorchLosses {
  Measure cross_entropy_4096x1000 = nullptr;
};
LibtorchLosses libtorch_losses();

}  // namespace bench
