// tests/data/dataloader.cpp -- loaders: orders, workers, exceptions, iterators that are left or outlive their loader.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "data/data_check.h"

using namespace data_check;
using ct::Tensor;
using ct::data::DataLoader;
using ct::data::DataLoaderOptions;
using ct::data::Example;
using ct::data::make_data_loader;
using ct::data::TensorExample;
namespace datasets = ct::data::datasets;
namespace samplers = ct::data::samplers;
namespace transforms = ct::data::transforms;
using Batches = std::vector<std::vector<std::int64_t>>;

namespace {

// Numbers; some of them take long, and one of them may be an error.
struct Numbers : datasets::Dataset<Numbers, int> {
  explicit Numbers(int n, int bad = -1) : n(n), bad(bad) {}
  int get(std::size_t i) override {
    if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (static_cast<int>(i) == bad) throw std::runtime_error("no such example: " + std::to_string(i));
    return static_cast<int>(i);
  }
  std::optional<std::size_t> size() const override { return n; }
  int n, bad;
};

struct CountDown : datasets::StatefulDataset<CountDown, std::vector<int>> {
  explicit CountDown(int from) : from(from) {}
  std::optional<std::vector<int>> get_batch(std::size_t n) override {
    std::lock_guard lock(mutex);
    std::vector<int> out;
    while (out.size() < n && left > 0) out.push_back(left--);
    if (out.empty()) return std::nullopt;
    return out;
  }
  void reset() override { left = from; }
  std::optional<std::size_t> size() const override { return std::nullopt; }
  int from, left = 0;
  std::mutex mutex;
};

struct Stream : datasets::StreamDataset<Stream, int> {
  int get_batch(std::size_t n) override { return static_cast<int>(n); }
  std::optional<std::size_t> size() const override { return std::nullopt; }
};

}  // namespace

TEST_CASE("dataloader: Python's order under a seed, epoch after epoch") {
  const auto dataset = ct::data::TensorDataset(ct::arange(10));
  ct::manual_seed(42);
  DataLoader loader(dataset, DataLoaderOptions().batch_size(4).shuffle(true));
  CHECK(loader.size() == 3);
  CHECK(epoch(loader) == Batches{{8, 0, 9, 1}, {4, 5, 6, 3}, {2, 7}});
  CHECK(epoch(loader) == Batches{{4, 6, 9, 3}, {7, 5, 2, 0}, {1, 8}});
  CHECK(epoch(loader) == Batches{{6, 2, 1, 0}, {3, 8, 5, 9}, {4, 7}});
  CHECK(ct::rand({1}).item<float>() == 0.8694044351577759f);  // no draw more, no draw less

  DataLoader given(dataset, DataLoaderOptions(5).shuffle(true).generator(ct::Generator(7)));
  CHECK(epoch(given) == Batches{{1, 3, 5, 7, 9}, {4, 6, 2, 8, 0}});
  CHECK(epoch(given) == Batches{{5, 1, 6, 0, 9}, {7, 8, 4, 3, 2}});
  CHECK(epoch(given) == Batches{{4, 3, 2, 8, 1}, {0, 6, 5, 9, 7}});

  ct::manual_seed(3);
  DataLoader sequence(dataset, DataLoaderOptions(4).drop_last(true));
  CHECK(sequence.size() == 2);
  CHECK(epoch(sequence) == Batches{{0, 1, 2, 3}, {4, 5, 6, 7}});
  CHECK(ct::rand({1}).item<float>() == 0.2858424782752991f);
}

TEST_CASE("dataloader: the same batches for any number of workers") {
  const auto dataset = ct::data::TensorDataset(ct::arange(103));
  auto run = [&](std::size_t workers, std::size_t jobs) {
    ct::manual_seed(8);
    DataLoader loader(dataset, DataLoaderOptions(4).shuffle(true).workers(workers).max_jobs(jobs));
    auto first = epoch(loader);
    for (auto& b : epoch(loader)) first.push_back(b);
    return first;
  };
  const auto expected = run(0, 1);
  CHECK(expected.size() == 52);
  CHECK(run(1, 1) == expected);
  CHECK(run(2, 4) == expected);
  CHECK(run(3, 1) == expected);
  CHECK(run(5, 20) == expected);
}

TEST_CASE("dataloader: pairs, lists, other batches") {
  const Tensor x = ct::arange(6).reshape({3, 2}), y = ct::arange(3) * 10;
  int n = 0;
  for (auto& [xb, yb] : DataLoader(ct::data::TensorDataset(x, y), 2)) {
    CHECK(xb.size(0) == yb.size(0));
    n += static_cast<int>(xb.size(0));
  }
  CHECK(n == 3);
  DataLoader list(ct::data::TensorDataset(x, y, y), 3);
  CHECK(longs((*list.begin())[2]) == std::vector<std::int64_t>{0, 10, 20});
  DataLoader plain(Numbers(5), 2);
  CHECK(*plain.begin() == std::vector<int>{0, 1});
  DataLoader mapped(ct::data::TensorDataset(x, y).map(transforms::Lambda<Example<>>([](Example<> e) { return Example<>(e.data.neg(), e.target); })), 3);
  CHECK(longs(mapped.begin()->data) == std::vector<std::int64_t>{0, -1, -2, -3, -4, -5});
  DataLoader weighted(ct::data::TensorDataset(ct::arange(3)), samplers::WeightedRandomSampler({0, 1, 0}, 4), DataLoaderOptions(2));
  CHECK(epoch(weighted) == Batches{{1, 1}, {1, 1}});
  CHECK_FALSE(weighted.size());
  DataLoader moved = std::move(list);
  CHECK(moved.begin()->size() == 3);
}

TEST_CASE("dataloader: libtorch's make_data_loader") {
  auto loader = make_data_loader<samplers::SequentialSampler>(datasets::TensorDataset(ct::arange(5)).map(transforms::Stack<TensorExample>()), DataLoaderOptions().batch_size(2));
  CHECK(epoch(*loader) == Batches{{0, 1}, {2, 3}, {4}});
  CHECK(epoch(*loader) == Batches{{0, 1}, {2, 3}, {4}});
  CHECK(loader->options().batch_size == 2);
  auto examples = make_data_loader(datasets::TensorDataset(ct::arange(5)), DataLoaderOptions(3).drop_last(true));
  int n = 0;
  for (const std::vector<TensorExample>& batch : *examples) n += static_cast<int>(batch.size());
  CHECK(n == 3);
  auto stream = make_data_loader(Stream(), samplers::StreamSampler(5), 2);
  std::vector<int> sizes(stream->begin(), stream->end());
  CHECK(sizes == std::vector<int>{2, 2, 1});
  auto batches = make_data_loader(Numbers(7), samplers::BatchSampler(samplers::SequentialSampler(7), 3, true), {});
  CHECK((*batches->begin()).size() == 3);

  for (const std::size_t workers : {0, 1, 3}) {
    auto count = make_data_loader(datasets::make_shared_dataset<CountDown>(10), DataLoaderOptions(4).workers(workers));
    for (int e = 0; e < 2; ++e) {
      int sum = 0;
      for (const std::vector<int>& b : *count)
        for (const int v : b) sum += v;
      CHECK(sum == 55);
    }
  }
}

TEST_CASE("dataloader: a worker's exception arrives where its batch was asked for, and the epoch can go on") {
  for (const std::size_t jobs : {1, 2, 6}) {
    auto loader = make_data_loader<samplers::SequentialSampler>(Numbers(8, 5), DataLoaderOptions(2).workers(2).max_jobs(jobs));
    auto it = loader->begin();
    CHECK(*it == std::vector<int>{0, 1});
    CHECK(*++it == std::vector<int>{2, 3});
    try {
      ++it;
      FAIL("the exception is missing");
    } catch (const ct::data::WorkerException& e) {
      CHECK(std::string(e.what()) == "Caught exception in DataLoader worker thread. Original message: no such example: 5");
      CHECK(e.message == e.what());
      CHECK_THROWS_AS(std::rethrow_exception(e.original_exception), std::runtime_error);
    }
    CHECK(*++it == std::vector<int>{6, 7});
    CHECK(++it == loader->end());
  }
  auto here = make_data_loader<samplers::SequentialSampler>(Numbers(8, 1), 2);
  CHECK_THROWS_AS(*here->begin(), std::runtime_error);
}

TEST_CASE("dataloader: an epoch that is left early, and iterators past their end") {
  for (const std::size_t workers : {0, 3}) {
    auto loader = make_data_loader<samplers::SequentialSampler>(Numbers(30), DataLoaderOptions(2).workers(workers));
    for (int e = 0; e < 3; ++e)
      for (auto& batch : *loader)
        if (batch[0] == 4) break;
    CHECK(*loader->begin() == std::vector<int>{0, 1});
    auto it = loader->begin();
    auto copy = it;
    CHECK(it == copy);
    CHECK(it != loader->end());
    ++it;
    CHECK(*copy == std::vector<int>{2, 3});  // copies share their place
    if (workers) CHECK(has(error_of([&] { loader->begin(); }), "Attempted to get a new DataLoader iterator while another iterator is not yet exhausted"));
    while (it != loader->end()) ++it;
    CHECK(has(error_of([&] { ++it; }), "Attempted to increment iterator past the end"));
    CHECK(has(error_of([&] { *it; }), "Attempted to dereference iterator that was past the end"));
    auto end = loader->end();
    CHECK(has(error_of([&] { ++end; }), "Incrementing the DataLoader's past-the-end iterator is not allowed"));
    CHECK(has(error_of([&] { *end; }), "Dereferencing the DataLoader's past-the-end iterator is not allowed"));
    for (auto& batch : *loader)  // an iterator that has come to its end is in nobody's way
      if (batch[0] == 4) break;
    CHECK(*loader->begin() == std::vector<int>{0, 1});
    auto orphan = loader->begin();
    *orphan;
    loader.reset();
    CHECK(++orphan == end);
  }
  auto joined = make_data_loader(Numbers(4), DataLoaderOptions(2).workers(2));
  auto it = joined->begin();
  joined->join();
  joined->join();
  CHECK(has(error_of([&] { joined->begin(); }), "ended by join()"));
}

TEST_CASE("dataloader: batches as they are done, time limits") {
  auto loader = make_data_loader<samplers::SequentialSampler>(Numbers(40), DataLoaderOptions(1).workers(4).enforce_ordering(false));
  std::vector<int> seen(40);
  for (const auto& b : *loader) ++seen[static_cast<std::size_t>(b[0])];
  CHECK(seen == std::vector<int>(40, 1));

  struct Slow : datasets::Dataset<Slow, int> {
    int get(std::size_t) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      return 1;
    }
    std::optional<std::size_t> size() const override { return 4; }
  };
  auto slow = make_data_loader(Slow(), DataLoaderOptions().workers(1).timeout(std::chrono::milliseconds(5)));
  CHECK(has(error_of([&] { *slow->begin(); }), "Timeout in DataLoader queue while waiting for next batch (timeout was 5 ms)"));
  CHECK(DataLoaderOptions().timeout(std::chrono::seconds(2)).timeout()->count() == 2000);
}

TEST_CASE("dataloader: errors") {
  CHECK(has(error_of<ct::ValueError>([] { DataLoader(Numbers(3), DataLoaderOptions(0)); }), "batch_size should be a positive integer value, but got batch_size=0"));
  CHECK(has(error_of<ct::ValueError>([] { make_data_loader(Numbers(3), DataLoaderOptions().workers(2).max_jobs(0)); }), "max_jobs must be positive"));
  CHECK(has(error_of([] { DataLoader{Numbers(0), DataLoaderOptions().shuffle(true)}; }), "num_samples should be a positive integer value"));
  CHECK(has(error_of([] { make_data_loader(Numbers(0), DataLoaderOptions().shuffle(true)); }), "the sampler decides about the order"));
  DataLoader empty{Numbers(0)};
  CHECK(empty.begin() == empty.end());
}
