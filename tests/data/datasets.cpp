// tests/data/datasets.cpp -- datasets of tensors, parts and chains of datasets, transforms, stacking in one pass.
#include <doctest/doctest.h>

#include "data/data_check.h"

using namespace data_check;
using ct::Tensor;
using ct::data::Example;
using ct::data::TensorExample;
namespace datasets = ct::data::datasets;
namespace transforms = ct::data::transforms;

namespace {

struct Squares : datasets::Dataset<Squares> {
  explicit Squares(std::size_t n, std::int64_t first = 0) : n(n), first(first) {}
  Example<> get(std::size_t i) override {
    const auto v = static_cast<std::int64_t>(i) + first;
    return {ct::full({2}, v), ct::tensor(v * v)};
  }
  std::optional<std::size_t> size() const override { return n; }
  std::size_t n;
  std::int64_t first;
};

// Counts how rows are asked for.
struct Counting : datasets::TensorDataset {
  using TensorDataset::TensorDataset;
  TensorExample get(std::size_t i) override { return TensorExample(tensor[static_cast<std::int64_t>(i)] + 100); }
};

}  // namespace

TEST_CASE("datasets: examples, batches, sizes") {
  Squares d(5);
  const auto batch = d.get_batch({1, 3});
  REQUIRE(batch.size() == 2);
  auto [x, y] = batch[1];
  CHECK(longs(x) == std::vector<std::int64_t>{3, 3});
  CHECK(y.item<int>() == 9);
  CHECK(d.size() == 5);

  datasets::TensorDataset t(ct::arange(6).reshape({3, 2}));
  CHECK(t.size() == 3);
  CHECK(longs(t.get(2)) == std::vector<std::int64_t>{4, 5});
  CHECK(datasets::TensorDataset(std::vector<Tensor>{ct::ones({4}), ct::zeros({4})}).tensor.sizes() == ct::IntArrayRef{2, 4});
  auto pair = ct::data::TensorDataset(ct::arange(3), ct::arange(3) * 10);
  CHECK(pair.get(2).target.item<int>() == 20);
  auto triple = ct::data::TensorDataset(ct::arange(3), ct::ones({3, 2}), ct::arange(3));
  CHECK(triple.get(1).size() == 3);
  CHECK(triple.size() == 3);
}

TEST_CASE("datasets: a batch gathered in one pass is the stacked batch") {
  const Tensor x = ct::randn({7, 2, 3}), y = ct::arange(7);
  auto pair = ct::data::TensorDataset(x, y);
  const Places request{6, 0, 0, 3};
  const auto slow = transforms::Stack<>().apply_batch(pair.get_batch(request));
  const auto fast = pair.map(transforms::Stack<>()).get_batch(request);
  CHECK(ct::equal(slow.data, fast.data));
  CHECK(ct::equal(slow.target, fast.target));

  auto one = datasets::TensorDataset(x).map(transforms::Stack<TensorExample>());
  CHECK(ct::equal(one.get_batch(request), slow.data));
  auto list = ct::data::TensorDataset(x, y, y).map(transforms::Stack<std::vector<Tensor>>());
  CHECK(ct::equal(list.get_batch(request)[2], slow.target));
  CHECK(ct::equal(transforms::Stack<std::vector<Tensor>>().apply_batch(ct::data::TensorDataset(x, y, y).get_batch(request))[0], slow.data));

  // What a derived class says about its rows counts.
  auto counting = datasets::map(Counting(y), transforms::Stack<TensorExample>());
  CHECK(longs(counting.get_batch(request)) == std::vector<std::int64_t>{106, 100, 100, 103});

  // Gradients flow through a batch.
  const Tensor w = ct::ones({3, 2}).requires_grad_(true);
  Tensor(datasets::TensorDataset(w).map(transforms::Stack<TensorExample>()).get_batch({2, 2, 0})).sum().backward();
  CHECK(ct::equal(w.grad(), ct::tensor({{1., 1.}, {0., 0.}, {2., 2.}})));
}

TEST_CASE("datasets: transforms") {
  auto lambda = Squares(4).map(transforms::Lambda<Example<>>([](Example<> e) {
    e.data = e.data + e.target;
    return e;
  }));
  CHECK(longs(lambda.get_batch(Places{3})[0].data) == std::vector<std::int64_t>{12, 12});
  auto first = lambda.map(transforms::Collate<Example<>>([](std::vector<Example<>> e) { return e.front(); }));
  CHECK(first.get_batch(Places{2, 1}).target.item<int>() == 4);
  CHECK(first.size() == 4);
  auto tensor_lambda = Squares(4).map(transforms::TensorLambda<>([](Tensor t) { return t.neg(); }));
  CHECK(longs(tensor_lambda.get_batch(Places{3})[0].data) == std::vector<std::int64_t>{-3, -3});

  const Tensor images = ct::rand({5, 2, 4, 4}), labels = ct::arange(5);
  auto normalized = ct::data::TensorDataset(images, labels).map(transforms::Normalize<>({0.1, 0.2}, {2.0, 4.0}));
  const auto rows = normalized.get_batch(Places{4, 1});
  CHECK(ct::equal(rows[0].data[1], (images[4][1] - 0.2) / 4));
  const auto stacked = normalized.map(transforms::Stack<>()).get_batch(Places{4, 1});
  CHECK(ct::equal(stacked.data, ct::stack({rows[0].data, rows[1].data})));
  CHECK(longs(stacked.target) == std::vector<std::int64_t>{4, 1});
  // Rows with fewer dimensions than the mean have to be normalised one by one.
  auto flat = ct::data::TensorDataset(ct::rand({5, 4}), labels).map(transforms::Normalize<>({0.1, 0.2}, 2.0)).map(transforms::Stack<>());
  CHECK(flat.get_batch(Places{4, 1}).data.sizes() == ct::IntArrayRef{2, 2, 1, 4});
  CHECK_THROWS_AS(flat.get_batch(Places{5}), ct::IndexError);
}

TEST_CASE("datasets: a copied transform has a state of its own") {
  int n = 0;
  transforms::Lambda<int> count([n](int) mutable { return ++n; });
  transforms::Lambda<int> other = count;
  CHECK(count.apply(0) == 1);
  CHECK(count.apply(0) == 2);
  CHECK(other.apply(0) == 1);
}

TEST_CASE("datasets: parts and chains") {
  ct::data::Subset part(Squares(9), {7, 2, 2});
  CHECK(part.size() == 3);
  CHECK(part.get(0).target.item<int>() == 49);
  CHECK(part.get_batch({2, 0})[1].target.item<int>() == 49);
  CHECK_THROWS_AS(part.get(3), ct::IndexError);
  CHECK_THROWS_AS(part.get_batch({0, 3}), ct::IndexError);
  ct::data::Subset rows(datasets::TensorDataset(ct::arange(9)), {7, 2, 2});
  CHECK(longs(rows.map(transforms::Stack<TensorExample>()).get_batch({1, 0})) == std::vector<std::int64_t>{2, 7});

  ct::data::ConcatDataset chain(std::vector<Squares>{Squares(2), Squares(0), Squares(3, 10)});
  CHECK(chain.size() == 5);
  CHECK(chain.cumulative_sizes == Places{2, 2, 5});
  CHECK(chain.get(2).target.item<int>() == 100);
  std::vector<std::int64_t> squares;
  for (const auto& e : chain.get_batch({4, 0, 1, 3, 2})) squares.push_back(e.target.item<std::int64_t>());
  CHECK(squares == std::vector<std::int64_t>{144, 0, 1, 121, 100});
  CHECK_THROWS_AS(chain.get(5), ct::IndexError);
  CHECK_THROWS_AS(chain.get_batch({0, 5}), ct::IndexError);
  CHECK(has(error_of([] { ct::data::ConcatDataset(std::vector<Squares>{}); }), "datasets should not be an empty iterable"));

  auto shared = datasets::make_shared_dataset<Squares>(3);
  CHECK(shared->size() == 3);
  CHECK(shared.map(transforms::Stack<>()).get_batch(Places{2}).target.item<int>() == 4);
}

TEST_CASE("datasets: random_split draws Python's parts") {
  const auto parts = ct::data::random_split(Squares(10), {3, 7}, ct::Generator(42));
  CHECK(parts[0].indices == Places{2, 6, 1});
  CHECK(parts[1].indices == Places{8, 4, 5, 0, 9, 3, 7});
  const auto shares = ct::data::random_split(Squares(10), {0.35, 0.35, 0.3}, ct::Generator(42));
  CHECK(shares[0].indices == Places{2, 6, 1, 8});
  CHECK(shares[1].indices == Places{4, 5, 0});
  CHECK(shares[2].indices == Places{9, 3, 7});
  CHECK(has(error_of<ct::ValueError>([] { ct::data::random_split(Squares(10), {3, 6}); }), "Sum of input lengths does not equal the length of the input dataset!"));
  CHECK(has(error_of<ct::ValueError>([] { ct::data::random_split(Squares(10), {-0.5, 1.5}); }), "Fraction at index 0 is not between 0 and 1"));
  CHECK_THROWS_AS(ct::data::random_split(Squares(10), {2.5, 7.5}), ct::ValueError);
}

TEST_CASE("datasets: errors") {
  CHECK(has(error_of([] { ct::data::TensorDataset(ct::ones({3}), ct::ones({4})); }), "Size mismatch between tensors: 3 and 4 rows"));
  CHECK(has(error_of([] { datasets::TensorDataset(ct::tensor(1.0)); }), "a tensor without dimensions has no rows"));
  CHECK(has(error_of([] { datasets::TensorDataset{Tensor()}; }), "a tensor is undefined"));
  CHECK(has(error_of<ct::IndexError>([] { datasets::TensorDataset(ct::ones({3})).get(3); }), "index 3 is out of range for 3 examples"));
  CHECK_THROWS_AS(datasets::TensorDataset(ct::ones({3})).map(transforms::Stack<TensorExample>()).get_batch({0, 3}), ct::IndexError);
}
