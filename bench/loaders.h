// loaders.h -- the rows about loading data.
#pragma once

#include "bench.h"

namespace bench {

std::vector<Row> loader_rows();

struct LibtorchLoaders {
  Measure dataloader_60000 = nullptr, dataloader_60000x8 = nullptr;
};
LibtorchLoaders libtorch_loaders();

}  // namespace bench
