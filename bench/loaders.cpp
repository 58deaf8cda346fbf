// loaders.cpp -- our side of the rows about loading data.
#include "loaders.h"

#include <cstdlib>

#include <cotangent/cotangent.h>
#include <cotangent/data/dataloader.h>

namespace bench {

namespace {

// An epoch over rows of floats with labels, shuffled, in stacked batches of 64.
template <int width>
double dataloader(int threads) {
  ct::set_num_threads(threads);
  namespace d = ct::data;
  auto loader = d::make_data_loader(d::TensorDataset(ct::rand({60000, width}), ct::randint(10, {60000})).map(d::transforms::Stack<>()),
                                    d::DataLoaderOptions().batch_size(64));
  return 1e3 * time_per_call([&] {
    std::int64_t rows = 0;
    for (auto& batch : *loader) rows += batch.data.size(0);
    if (rows != 60000) std::abort();
  });
}

}  // namespace

std::vector<Row> loader_rows() {
  const LibtorchLoaders t = libtorch_loaders();
  return {{"dataloader_60000", "ms", Better::lower, {1}, dataloader<784>, t.dataloader_60000},
          {"dataloader_60000x8", "ms", Better::lower, {1}, dataloader<8>, t.dataloader_60000x8}};
}

}  // namespace bench
