// tests/data/chunk.cpp -- chunked datasets: every example once, in order with one preloader, failing chunks, epochs left early.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include "cotangent/data/chunk.h"
#include "data/data_check.h"

using namespace data_check;
using ct::data::datasets::ChunkDataset;
using ct::data::datasets::ChunkDatasetOptions;
namespace samplers = ct::data::samplers;

namespace {

// Chunk i has the numbers from 10 i on, i + 1 of them; one chunk may be damaged.
struct Reader : ct::data::datasets::ChunkDataReader<int> {
  using BatchType = std::vector<int>;
  explicit Reader(std::size_t chunks, std::size_t bad = 99) : chunks(chunks), bad(bad) {}
  std::vector<int> read_chunk(std::size_t i) override {
    if (i == bad) throw std::runtime_error("chunk is damaged");
    std::vector<int> out;
    for (std::size_t k = 0; k <= i; ++k) out.push_back(static_cast<int>(10 * i + k));
    return out;
  }
  std::size_t chunk_count() override { return chunks; }
  void reset() override {}
  std::size_t chunks, bad;
};

using Sequential = ChunkDataset<Reader, samplers::SequentialSampler, samplers::SequentialSampler>;
using Shuffled = ChunkDataset<Reader>;

template <class D>
std::vector<std::vector<int>> epoch_of(D& d) {
  std::vector<std::vector<int>> out;
  d.reset();
  while (auto b = d.get_batch()) out.push_back(*b);
  return out;
}
std::vector<int> sorted(const std::vector<std::vector<int>>& batches) {
  std::vector<int> out;
  for (const auto& b : batches) out.insert(out.end(), b.begin(), b.end());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("chunk: batches run over the ends of chunks") {
  Sequential d(Reader(4), samplers::SequentialSampler(0), samplers::SequentialSampler(0), ChunkDatasetOptions(1, 4));
  const std::vector<std::vector<int>> expected{{0, 10, 11, 20}, {21, 22, 30, 31}, {32, 33}};
  CHECK(epoch_of(d) == expected);
  CHECK(epoch_of(d) == expected);
  CHECK_FALSE(d.get_batch());
  CHECK_FALSE(d.size());

  int calls = 0;
  Sequential policy(Reader(4), samplers::SequentialSampler(0), samplers::SequentialSampler(0), ChunkDatasetOptions(1, 4, 4, 2), [&calls](std::vector<int>& v) {
    ++calls;
    std::reverse(v.begin(), v.end());
  });
  CHECK(epoch_of(policy) == std::vector<std::vector<int>>{{11, 10, 0, 33}, {32, 31, 30, 22}, {21, 20}});
  CHECK(calls == 2);
}

TEST_CASE("chunk: every example once, whatever the number of preloaders and the size of the cache") {
  for (const std::size_t preloaders : {1, 2, 5})
    for (const std::size_t cache : {3, 2048})
      for (const std::size_t together : {1, 3}) {
        Shuffled d(Reader(9), samplers::RandomSampler(0), samplers::RandomSampler(0), ChunkDatasetOptions(preloaders, 3, cache, together));
        for (int e = 0; e < 2; ++e) {
          const auto batches = epoch_of(d);
          CHECK(batches.size() == 15);
          CHECK(sorted(batches) == sorted({Reader(9).read_chunk(0), Reader(9).read_chunk(1), Reader(9).read_chunk(2), Reader(9).read_chunk(3), Reader(9).read_chunk(4),
                                           Reader(9).read_chunk(5), Reader(9).read_chunk(6), Reader(9).read_chunk(7), Reader(9).read_chunk(8)}));
        }
      }
}

TEST_CASE("chunk: with one preloader and a seed the order repeats") {
  auto run = [] {
    Shuffled d(Reader(8), samplers::RandomSampler(0), samplers::RandomSampler(0), ChunkDatasetOptions(1, 5));
    ct::manual_seed(12);
    return epoch_of(d);
  };
  const auto first = run();
  CHECK(run() == first);
  CHECK(first != epoch_of(*std::make_unique<Sequential>(Reader(8), samplers::SequentialSampler(0), samplers::SequentialSampler(0), ChunkDatasetOptions(1, 5))));
}

TEST_CASE("chunk: a chunk that cannot be read is an exception, and the rest follows") {
  Sequential d(Reader(4, 2), samplers::SequentialSampler(0), samplers::SequentialSampler(0), ChunkDatasetOptions(1, 3));
  d.reset();
  CHECK(*d.get_batch() == std::vector<int>{0, 10, 11});
  CHECK(has(error_of<ct::data::WorkerException>([&] { d.get_batch(); }), "Original message: chunk is damaged"));
  CHECK(*d.get_batch() == std::vector<int>{30, 31, 32});
  CHECK(*d.get_batch() == std::vector<int>{33});
  CHECK_FALSE(d.get_batch());
}

TEST_CASE("chunk: a batch that was not full when a chunk failed is given out, and nobody waits for nobody") {
  Sequential d(Reader(6, 1), samplers::SequentialSampler(0), samplers::SequentialSampler(0), ChunkDatasetOptions(1, 4, 4));
  d.reset();
  CHECK(*d.get_batch() == std::vector<int>{0});
  CHECK_THROWS_AS(d.get_batch(), ct::data::WorkerException);
  CHECK(*d.get_batch() == std::vector<int>{20, 21, 22, 30});
  int n = 4;
  while (auto b = d.get_batch()) n += static_cast<int>(b->size());
  CHECK(n == 3 + 4 + 5 + 6);
}

TEST_CASE("chunk: in a loader, left early, never begun") {
  auto shared = ct::data::datasets::make_shared_dataset<Shuffled>(Reader(9), samplers::RandomSampler(0), samplers::RandomSampler(0), ChunkDatasetOptions(2, 3, 6));
  for (const std::size_t workers : {0, 2}) {
    auto loader = ct::data::make_data_loader(shared, ct::data::DataLoaderOptions(3).workers(workers));
    int n = 0;
    for (auto& b : *loader)
      if ((n += static_cast<int>(b.size())) > 10) break;
    n = 0;
    for (auto& b : *loader) n += static_cast<int>(b.size());
    CHECK(n == 45);
  }
  CHECK(shared->chunk_sampler().index() == 9);
  Shuffled d(Reader(3), samplers::RandomSampler(0), samplers::RandomSampler(0), ChunkDatasetOptions(1, 2));
  CHECK(has(error_of([&] { d.get_batch(2); }), "Dataset needs to call reset() before calling get_batch()."));
  d.reset();
  CHECK(has(error_of([&] { d.get_batch(3); }), "The requested batch size does not match with the initialized batch size."));
  d.reset();
}

TEST_CASE("chunk: errors of options") {
  CHECK(has(error_of([] { ChunkDatasetOptions(0, 1); }), "Preloader count is 0. At least one preloader needs to be specified."));
  CHECK(has(error_of([] { ChunkDatasetOptions(1, 0); }), "Batch size is 0. A positive batch size needs to be specified."));
  CHECK(has(error_of([] { ChunkDatasetOptions(1, 1, 0); }), "Cache size is 0. A positive cache size needs to be specified."));
  CHECK(has(error_of([] { ChunkDatasetOptions(1, 10, 5); }), "Cache size is less than batch size."));
  CHECK(has(error_of([] { ChunkDatasetOptions(1, 10, 50, 0); }), "cross_chunk_shuffle_count needs to be greater than 0."));
}
