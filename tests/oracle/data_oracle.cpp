// tests/oracle/data_oracle.cpp -- orders of samplers and loaders beside libtorch's.
#include "oracle/oracle.h"

#include <doctest/doctest.h>
#include <torch/data.h>

#include "data/data_check.h"

namespace {

using Orders = std::vector<std::vector<std::size_t>>;

// What a program does with samplers, in either library.
template <class S, class... Args>
Orders sampled(std::size_t batch_size, std::optional<std::size_t> new_size, Args... args) {
  Orders out;
  S s(args...);
  for (int e = 0; e < 3; ++e) {
    while (auto b = s.next(batch_size)) out.push_back(*b);
    out.push_back({s.index()});
    if (e == 1 && new_size) s.reset(*new_size);
    else s.reset();
  }
  return out;
}

template <class S>
Orders distributed(std::size_t size, std::size_t replicas, std::size_t rank, bool duplicates) {
  Orders out;
  S s(size, replicas, rank, duplicates);
  for (std::size_t e = 0; e < 3; ++e) {
    while (auto b = s.next(2)) out.push_back(*b);
    out.push_back({s.index()});
    s.set_epoch(e);
    s.reset();
  }
  return out;
}

template <class Loader>
Orders epochs(Loader& loader) {
  Orders out;
  for (int e = 0; e < 3; ++e)
    for (auto& batch : loader) {
      out.emplace_back();
      for (auto& x : batch) out.back().push_back(static_cast<std::size_t>(x.data.template item<std::int64_t>()));
    }
  return out;
}

}  // namespace

TEST_CASE("oracle data: samplers") {
  for (const std::size_t batch_size : {1, 3, 20}) {
    for (const std::optional<std::size_t> new_size : {std::optional<std::size_t>(), std::optional<std::size_t>(4), std::optional<std::size_t>(13)}) {
      ct::manual_seed(9);
      torch::manual_seed(9);
      CHECK(sampled<ct::data::samplers::RandomSampler>(batch_size, new_size, 10) == sampled<torch::data::samplers::RandomSampler>(batch_size, new_size, 10));
      CHECK(sampled<ct::data::samplers::SequentialSampler>(batch_size, new_size, 10) == sampled<torch::data::samplers::SequentialSampler>(batch_size, new_size, 10));
    }
  }
  for (const std::size_t size : {2, 5, 12})  // for fewer examples than it needs to repeat, libtorch gives places that are not there
    for (const std::size_t replicas : {1, 3})
      for (std::size_t rank = 0; rank < replicas; ++rank)
        for (const bool duplicates : {false, true}) {
          CHECK(distributed<ct::data::samplers::DistributedRandomSampler>(size, replicas, rank, duplicates) ==
                distributed<torch::data::samplers::DistributedRandomSampler>(size, replicas, rank, duplicates));
          CHECK(distributed<ct::data::samplers::DistributedSequentialSampler>(size, replicas, rank, duplicates) ==
                distributed<torch::data::samplers::DistributedSequentialSampler>(size, replicas, rank, duplicates));
        }
}

TEST_CASE("oracle data: make_data_loader") {
  for (const std::size_t workers : {0, 2})
    for (const bool drop_last : {false, true}) {
      ct::manual_seed(11);
      torch::manual_seed(11);
      auto ours = ct::data::make_data_loader(ct::data::datasets::TensorDataset(ct::arange(23)),
                                             ct::data::DataLoaderOptions().batch_size(4).workers(workers).drop_last(drop_last));
      auto theirs = torch::data::make_data_loader(torch::data::datasets::TensorDataset(torch::arange(23)),
                                                  torch::data::DataLoaderOptions().batch_size(4).workers(workers).drop_last(drop_last));
      CHECK(epochs(*ours) == epochs(*theirs));
      CHECK(ct::rand({1}).item<float>() == torch::rand({1}).item<float>());
    }
}
