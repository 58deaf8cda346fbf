// tests/data/samplers.cpp -- orders of examples; those of Python were written down from torch 1.13.
#include <doctest/doctest.h>

#include "data/data_check.h"

using namespace data_check;
namespace samplers = ct::data::samplers;

TEST_CASE("samplers: in sequence, with a smaller last batch and another size at reset") {
  samplers::SequentialSampler s(5);
  CHECK(batches(s, 2) == std::vector<Places>{{0, 1}, {2, 3}, {4}});
  CHECK(s.index() == 5);
  CHECK_FALSE(s.next(1));
  s.reset();
  CHECK(s.next(3)->size() == 3);
  s.reset(2);
  CHECK(batches(s, 9) == std::vector<Places>{{0, 1}});
}

TEST_CASE("samplers: libtorch's random order is one permutation when made, and one at each reset") {
  ct::manual_seed(5);
  const auto first = longs(ct::randperm(6)), second = longs(ct::randperm(6)), third = longs(ct::randperm(4));
  ct::manual_seed(5);
  samplers::RandomSampler s(6);
  auto same = [](const std::vector<Places>& a, const std::vector<std::int64_t>& b) {
    Places flat;
    for (const Places& p : a) flat.insert(flat.end(), p.begin(), p.end());
    return flat == Places(b.begin(), b.end());
  };
  CHECK(same(batches(s, 4), first));
  s.reset();
  CHECK(same(batches(s, 4), second));
  s.reset(4);
  CHECK(same(batches(s, 3), third));
  CHECK(s.index() == 4);
  ct::manual_seed(5);
  samplers::RandomSampler small(6, ct::kInt);
  CHECK(same(batches(small, 4), first));
  CHECK_THROWS_AS(samplers::RandomSampler(-1), ct::ValueError);
}

TEST_CASE("samplers: Python's orders") {
  using S = samplers::PythonRandomSampler;
  ct::manual_seed(1);
  CHECK(all(S(10, true, 40)) == Places{6, 2, 0, 4, 1, 4, 0, 5, 4, 1, 2, 1, 4, 3, 5, 2, 4, 2, 1, 9, 2, 3, 3, 0, 8, 1, 6, 8, 2, 1, 1, 4, 5, 8, 6, 3, 2, 9, 8, 0});
  CHECK(all(S(10, false, 23)) == Places{4, 2, 0, 6, 8, 7, 9, 1, 5, 3, 4, 0, 2, 8, 9, 6, 1, 7, 5, 3, 2, 7, 0});
  CHECK(all(S(10, false, 3, ct::Generator(5))) == Places{1, 4, 9});
  CHECK(all(samplers::WeightedRandomSampler({0.1, 0.9, 0.4, 0.7, 3.0, 0.6}, 5)) == Places{2, 2, 4, 1, 4});
  CHECK(all(samplers::WeightedRandomSampler({0.9, 0.4, 0.05, 0.2, 0.3, 0.1}, 5, false)) == Places{4, 0, 1, 3, 5});
  CHECK(all(samplers::SubsetRandomSampler({3, 5, 7, 9})) == Places{7, 9, 5, 3});
  samplers::BatchSampler batch(samplers::SequentialSampler(10), 3, true), rest(samplers::SequentialSampler(10), 3, false);
  CHECK(batches(batch, 99) == std::vector<Places>{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}});
  CHECK(batches(rest, 1).back() == Places{9});
}

TEST_CASE("samplers: a stream and the shares of several processes") {
  samplers::StreamSampler s(5);
  CHECK(s.next(2)->size() == 2);
  CHECK(s.next(2)->size() == 2);
  CHECK(*s.next(2) == 1);
  CHECK_FALSE(s.next(2));
  CHECK(s.index() == 5);

  for (const bool duplicates : {true, false}) {
    std::vector<int> seen(10);
    for (std::size_t rank = 0; rank < 3; ++rank) {
      samplers::DistributedRandomSampler r(10, 3, rank, duplicates);
      r.set_epoch(4);
      r.reset();
      CHECK(r.epoch() == 4);
      for (const Places& b : batches(r, 2))
        for (const std::size_t i : b) ++seen[i];
    }
    int sum = 0, missing = 0;
    for (const int n : seen) sum += n, missing += n == 0;
    CHECK(sum == (duplicates ? 12 : 9));
    CHECK(missing == (duplicates ? 0 : 1));
  }
  samplers::DistributedSequentialSampler last(10, 3, 2);
  CHECK(batches(last, 3) == std::vector<Places>{{8, 9, 0}, {1}});
  CHECK(last.index() == 12);
  samplers::DistributedSequentialSampler fewer(10, 3, 2, false);
  CHECK(batches(fewer, 3) == std::vector<Places>{{6, 7, 8}});
  samplers::DistributedRandomSampler one(1, 3, 2);
  CHECK(batches(one, 3) == std::vector<Places>{{0}});
  samplers::DistributedRandomSampler none(0, 3, 1);
  CHECK_FALSE(none.next(2));
}

TEST_CASE("samplers: errors") {
  CHECK(has(error_of<ct::ValueError>([] { samplers::PythonRandomSampler(0); }), "num_samples should be a positive integer value, but got num_samples=0"));
  CHECK(has(error_of<ct::ValueError>([] { samplers::PythonRandomSampler(5, false, 0); }), "num_samples=0"));
  CHECK(has(error_of<ct::ValueError>([] { samplers::WeightedRandomSampler({0.5}, 0); }), "num_samples should be a positive integer value"));
  CHECK(has(error_of<ct::ValueError>([] { samplers::WeightedRandomSampler(ct::ones({2, 3}), 1); }), "weights should be a 1d sequence but given weights have shape [2, 3]"));
  CHECK(has(error_of<ct::ValueError>([] { samplers::BatchSampler(samplers::SequentialSampler(3), 0, false); }), "batch_size=0"));
  CHECK(has(error_of<ct::ValueError>([] { samplers::DistributedSequentialSampler(3, 2, 2); }), "Invalid rank 2, rank should be in the interval [0, 1]"));
}
