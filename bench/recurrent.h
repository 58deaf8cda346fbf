// recurrent.h -- the rows about recurrent layers.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> recurrent_rows();

struct LibtorchRecurrent {
  Measure lstm_step = nullptr, gru_step = nullptr;
};
LibtorchRecurrent libtorch_recurrent();

}  // namespace bench
