// tests/core/extents.cpp -- sizes and strides that no memory can hold are refused before anything is touched.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "cotangent/autograd.h"

using ct::Tensor;

namespace {
constexpr std::int64_t huge = std::int64_t{1} << 62, largest = std::numeric_limits<std::int64_t>::max();
}

TEST_CASE("as_strided stays within the memory, also where products overflow") {
  const Tensor x = ct::ones({4});
  CHECK_THROWS_AS(ct::as_strided(x, {5}, {1}), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(x, {5}, {huge}), ct::Error);  // 4 * 2^62 is 0 in 64 bits
  CHECK_THROWS_AS(ct::as_strided(x, {2, 2}, {huge, huge}), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(x, {huge, 4}, {0, 0}), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(x, {2}, {1}, largest), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(x, {2}, {1}, -1), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(x, {2}, {-1}, 3), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(x, {2}, {1, 1}), ct::Error);
  CHECK_THROWS_AS(ct::as_strided(Tensor(), {2}, {1}), ct::Error);
  CHECK(ct::as_strided(x, {0}, {huge}, 100).numel() == 0);
  CHECK(ct::as_strided(x, {3, 2}, {1, 1}, 0).sum().item<float>() == 6);
}

TEST_CASE("sizes whose product overflows are refused") {
  const Tensor one = ct::ones({1});
  CHECK_THROWS_AS(ct::empty({huge, 4}), ct::Error);
  CHECK_THROWS_AS(ct::empty({largest}), ct::Error);
  CHECK_THROWS_AS(ct::zeros({largest, largest}), ct::Error);
  CHECK_THROWS_AS(ct::ones({2, -3}), ct::Error);
  CHECK_THROWS_AS(one.expand({huge, 4}), ct::Error);
  CHECK_THROWS_AS(one.expand({largest, largest, largest}), ct::Error);
  CHECK_THROWS_AS(one.view({huge, 4}), ct::Error);
  CHECK_THROWS_AS(ct::empty_strided({5}, {huge}), ct::Error);
  CHECK_THROWS_AS(ct::empty_strided({2}, {-1}), ct::Error);
  CHECK_THROWS_AS(ct::empty(std::vector<std::int64_t>(17, 1)), ct::Error);
  CHECK(ct::empty({0, largest}).numel() == 0);
}

TEST_CASE("what from_blob refuses stays the caller's") {
  float memory[4] = {1, 2, 3, 4};
  int deleted = 0;
  auto deleter = [&deleted](void*) { ++deleted; };
  CHECK_THROWS_AS(ct::from_blob(memory, {-1}, deleter), ct::Error);
  CHECK_THROWS_AS(ct::from_blob(memory, {huge, 4}, deleter), ct::Error);
  CHECK_THROWS_AS(ct::from_blob(memory, {4}, deleter, ct::device(ct::kCUDA)), ct::Error);
  CHECK_THROWS_AS(ct::from_blob(memory, {4}, deleter, ct::dtype(ct::kInt).requires_grad(true)), ct::Error);
  CHECK_THROWS_AS(ct::from_blob(nullptr, {4}, deleter), ct::Error);
  CHECK_THROWS_AS(ct::from_blob(memory, {2}, {-1}), ct::Error);
  CHECK(deleted == 0);
  {
    const Tensor t = ct::from_blob(memory, {4}, deleter);
    const Tensor v = t.view({2, 2});
    CHECK(v.sum().item<float>() == 10);
    CHECK(deleted == 0);
  }
  CHECK(deleted == 1);
}
