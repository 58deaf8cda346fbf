// libtorch_loaders.cpp -- libtorch's side of the rows about loading data.
#include "loaders.h"

#include <cstdlib>

#ifdef CT_HAVE_LIBTORCH
#include <torch/data.h>

#include "libtorch_threads.h"
#endif

namespace bench {

#ifdef CT_HAVE_LIBTORCH

namespace {

// libtorch's TensorDataset has no labels: this is how its datasets with labels, such as MNIST, are written.
struct Pairs : torch::data::datasets::Dataset<Pairs> {
  Pairs(torch::Tensor x, torch::Tensor y) : x(std::move(x)), y(std::move(y)) {}
  torch::data::Example<> get(std::size_t i) override { return {x[static_cast<std::int64_t>(i)], y[static_cast<std::int64_t>(i)]}; }
  torch::optional<std::size_t> size() const override { return x.size(0); }
  torch::Tensor x, y;
};

template <int width>
double dataloader(int threads) {
  use_threads(threads);
  namespace d = torch::data;
  auto loader = d::make_data_loader(Pairs(torch::rand({60000, width}), torch::randint(10, {60000}, torch::kLong)).map(d::transforms::Stack<>()),
                                    d::DataLoaderOptions().batch_size(64));
  return 1e3 * time_per_call([&] {
    std::int64_t rows = 0;
    for (auto& batch : *loader) rows += batch.data.size(0);
    if (rows != 60000) std::abort();
  });
}

}  // namespace

LibtorchLoaders libtorch_loaders() {
  LibtorchLoaders t;
  t.dataloader_60000 = dataloader<784>;
  t.dataloader_60000x8 = dataloader<8>;
  return t;
}

#else

LibtorchLoaders libtorch_loaders() { return {}; }

#endif

}  // namespace bench
