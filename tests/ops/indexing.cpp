// tests/ops/indexing.cpp -- brackets: what is a view and what a copy, NumPy's rule for dims, writes, errors; and the
// operations that take an index.
#include "cotangent/threads.h"
#include "values.h"

using ct::IndexError;
using ct::kBool;
using ct::kDouble;
using ct::kFloat;
using ct::kInt;
using ct::kLong;
using ct::Tensor;
using ct::tensor;
using ct::indexing::Ellipsis;
using ct::indexing::None;
using ct::indexing::Slice;

namespace {
Tensor counted(std::initializer_list<std::int64_t> sizes) {
  const Tensor shape = ct::zeros(sizes);
  return ct::arange(shape.numel(), kDouble).reshape(sizes);
}
}  // namespace

TEST_CASE("integers, slices, None and dots make views") {
  const Tensor x = counted({2, 3, 4}).clone().requires_grad_();
  const Tensor a = x[1], b = x.index({Slice(), 1}), c = x.index({"...", Slice(None, None, 2)}), d = x.index({None, 0, Slice(1, 3)});
  for (const Tensor* v : {&a, &b, &c, &d}) {
    CHECK(v->is_view());
    CHECK(v->_base().is_same(x));
  }
  CHECK(name_of(a) == "SelectBackward0");
  CHECK(name_of(b) == "SelectBackward0");
  CHECK(b.grad_fn()->next_edge(0).function->name() == "SliceBackward0");
  CHECK(name_of(c) == "SliceBackward0");
  CHECK(name_of(d) == "SliceBackward0");
  CHECK_SIZES(d, {1, 2, 4});
  CHECK_VALUES(b, {4, 5, 6, 7, 16, 17, 18, 19});
  CHECK(name_of(x.index({Ellipsis})) == "AliasBackward0");
  CHECK(name_of(x.index({Slice()})) == "SliceBackward0");  // as in PyTorch
  CHECK(name_of(x.index({None})) == "UnsqueezeBackward0");
  CHECK_VALUES(x.index({-1, -1, -1}), {23});
  CHECK_VALUES(x.index({0, 0, Slice(-2, None)}), {2, 3});
  CHECK_SIZES(x.index({0, Slice(5, 9)}), {0, 4});
  CHECK_VALUES(x.index({tensor(1), tensor(2), 3}), {23});  // 0-dim tensors count as integers
  CHECK(x.index({tensor(1)}).is_view());
}

TEST_CASE("masks and index tensors copy") {
  const Tensor x = counted({3, 4}).clone().requires_grad_();
  const Tensor y = x.index({tensor({2, 0, 2})});
  CHECK(name_of(y) == "IndexBackward0");
  CHECK_FALSE(y.is_view());
  CHECK_SIZES(y, {3, 4});
  CHECK(x[tensor({-1})].sizes().vec() == std::vector<std::int64_t>{1, 4});
  (y * tensor({1.0, 10.0, 100.0}, kDouble).unsqueeze(1)).sum().backward();
  CHECK_VALUES(x.grad(), {10, 10, 10, 10, 0, 0, 0, 0, 101, 101, 101, 101});  // repeated rows add their gradients
  CHECK(y.grad_fn()->next_edges().size() == 1);

  CHECK_VALUES(x.index({x.detach() > 9}), {10, 11});
  CHECK_VALUES(x.index({Slice(), tensor({true, false, false, true})}), {0, 3, 4, 7, 8, 11});
  CHECK_SIZES(x.index({ct::zeros({3, 4}, kBool)}), {0});
  CHECK_VALUES(x.index({tensor({2, 0}, kInt), tensor({1, 3}, kInt)}), {9, 3});
  CHECK_SIZES(x.index({ct::zeros({0}, kLong)}), {0, 4});
  CHECK_SIZES(x.index({tensor({{0, 1}, {2, 0}})}), {2, 2, 4});
}

TEST_CASE("where the dims of index tensors land") {
  const Tensor x = counted({2, 3, 4, 5});
  const Tensor i = tensor({1, 0, 1}), column = tensor({{1}, {2}});
  CHECK_SIZES(x.index({Slice(), i, Slice()}), {2, 3, 4, 5});
  CHECK_SIZES(x.index({Slice(), i, i}), {2, 3, 5});            // neighbours: in their place
  CHECK_SIZES(x.index({i, Slice(), i}), {3, 3, 5});            // apart: in front
  CHECK_SIZES(x.index({Slice(), i, Slice(), column}), {2, 3, 2, 4});
  CHECK_SIZES(x.index({i, column}), {2, 3, 4, 5});
  CHECK_SIZES(x.index({0, Slice(), i}), {3, 3, 5});            // integers are taken first
  CHECK_SIZES(x.index({i, None, i}), {3, 1, 4, 5});
  CHECK_SIZES(x.index({tensor({true, false}), Slice(), i}), {3, 3, 5});
  CHECK(x.index({i, Slice(), i, 2}).index({2, 1, }).item<double>() == x.index({1, 1, 1, 2}).item<double>());
  CHECK_SIZES(x.index({true}), {1, 2, 3, 4, 5});
  CHECK_SIZES(x.index({false, 0}), {0, 3, 4, 5});
}

TEST_CASE("writing into brackets") {
  const Tensor x = counted({2, 3});
  x.index_put_({1}, 7);
  x.index_put_({0, Slice(1, None)}, tensor({-1.0, -2.0}, kDouble));
  CHECK_VALUES(x, {0, -1, -2, 7, 7, 7});
  x[0] = tensor({1.0, 2.0, 3.0}, kDouble);
  x[1][2] = 9.5;
  CHECK_VALUES(x, {1, 2, 3, 7, 7, 9.5});
  x.index_put_({x > 6}, 0.0);
  CHECK_VALUES(x, {1, 2, 3, 0, 0, 0});
  x.index_put_({Slice(), tensor({0, 2})}, tensor({{5.0, 6.0}}, kDouble));  // broadcasts
  CHECK_VALUES(x, {5, 2, 6, 5, 0, 6});
  x.index_put_({tensor({0, 0})}, tensor({{1.0}, {2.0}}, kDouble));  // named twice: the last one stays
  CHECK_VALUES(x[0], {2, 2, 2});
  x.index_put_({"...", 0}, tensor({{8.0, 9.0}}, kDouble));  // leading dims of size 1 do not count
  CHECK_VALUES(x, {8, 2, 2, 9, 0, 6});
  x.index_put_({tensor({1, 0}), tensor({0, 0})}, x.index({Slice(), 0}));  // from itself
  CHECK_VALUES(x, {9, 2, 2, 8, 0, 6});
  const Tensor n = tensor({1, 2, 3});
  n.index_put_({tensor({0})}, 5.7);
  n.index_put_({1}, 6.7);
  CHECK_VALUES(n, {5, 6, 3});
  CHECK_ERROR(n.index_put_({tensor({0})}, tensor({1.5})), "Index put requires the source and destination dtypes match, got Long for the destination and Float");
}

TEST_CASE("gradients of writes at an index") {
  const Tensor x = tensor({1.0, 2.0, 3.0}).requires_grad_(), v = tensor({5.0, 6.0}).requires_grad_(), one = tensor(4.0).requires_grad_();
  const Tensor y = x * 2.0;
  y.index_put_({tensor({2, 0})}, v);
  CHECK(name_of(y) == "IndexPutBackward0");
  CHECK(y.grad_fn()->next_edges().size() == 2);
  (y * y).sum().backward();  // y = [v1, 2 x1, v0]
  CHECK_VALUES(x.grad(), {0, 16, 0});
  CHECK_VALUES(v.grad(), {10, 12});
  const Tensor before = y.clone();
  y.index_put_({false}, 3.0);
  CHECK(values(y) == values(before));
  const Tensor z = ct::zeros({4});
  z.index_put_({tensor({true, false, true, true})}, one);
  (z * tensor({1.0, 2.0, 3.0, 4.0})).sum().backward();
  CHECK_VALUES(one.grad(), {8});
}

TEST_CASE("a mask that changes after it was used is noticed") {
  const Tensor x = tensor({1.0, 2.0, 3.0}).requires_grad_();
  const Tensor mask = tensor({true, false, true});
  const Tensor y = x.index({mask});
  mask.fill_(true);
  CHECK_ERROR(y.sum().backward(), "modified by an inplace operation");
}

TEST_CASE("errors of brackets") {
  const Tensor x = counted({2, 3});
  auto refuses = [](auto f, const std::string& part) {
    const std::string message = error_of<IndexError>(f);
    CHECK_MESSAGE(has(message, part), message);
  };
  refuses([&] { x[2]; }, "index 2 is out of bounds for dimension 0 with size 2");
  refuses([&] { x.index({0, 5}); }, "index 5 is out of bounds for dimension 1 with size 3");
  refuses([&] { x.index({Slice(), -4}); }, "index -4 is out of bounds for dimension 1 with size 3");
  refuses([&] { x.index({tensor({0, 3}), 0}); }, "index 3 is out of bounds for dimension 0 with size 2");
  refuses([&] { x.index({0, 0, 0}); }, "too many indices for tensor of dimension 2");
  refuses([&] { x[0][0][0]; }, "invalid index of a 0-dim tensor");
  refuses([&] { x.index({tensor({true, false, true})}); }, "The shape of the mask [3] at index 0 does not match the shape of the indexed tensor [2, 3] at index 0");
  refuses([&] { x.index({tensor({0, 1}), tensor({0, 1, 2})}); }, "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]");
  refuses([&] { x.index({tensor({0.5})}); }, "tensors used as indices must be long, int, byte or bool tensors");
  refuses([&] { x.index({"...", 0, "..."}); }, "an index can only have a single ellipsis");
  CHECK_ERROR(x.index({Slice(None, None, -1)}), "step must be greater than zero");
  CHECK_ERROR(x.index({"..."  "."}), "Expected \"...\" to represent an ellipsis index");
  CHECK_ERROR(x.index_put_({tensor({0, 1})}, ct::zeros({5}, kDouble)), "shape mismatch: value tensor of shape [5] cannot be broadcast to indexing result of shape [2, 3]");
  CHECK_ERROR(x.index({Tensor()}), "the index tensor is undefined");
  CHECK_ERROR(Tensor().index({0}), "the tensor is undefined");
  CHECK_VALUES(x, {0, 1, 2, 3, 4, 5});
}

TEST_CASE("index_select and its kin check their arguments") {
  const Tensor x = counted({2, 3});
  CHECK_ERROR(index_select(x, 0, tensor({2})), "index 2 is out of bounds for dimension 0 with size 2");
  CHECK_ERROR(index_select(x, 0, tensor({-1})), "index out of range in self");
  CHECK_ERROR(index_select(x, 2, tensor({0})), "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  CHECK_ERROR(index_select(x, 0, tensor({{0}})), "Index is supposed to be a vector");
  CHECK_ERROR(index_select(x, 0, tensor({0.0})), "Expected dtype int32/int64 for index");
  CHECK_ERROR(index_add(x, 0, tensor({0, 1}), counted({1, 3})), "Number of indices (2) should be equal to source.size(dim): (1)");
  CHECK_ERROR(index_add(x, 0, tensor({0}), counted({1, 2})), "source and destination slices must have the same shape");
  CHECK_ERROR(index_add(x, 0, tensor({0}), ct::zeros({1, 3}, kFloat)), "must have the same scalar type");
  CHECK_ERROR(index_copy(x, 0, tensor({5}), counted({1, 3})), "index 5 is out of bounds for dimension 0 with size 2");
  CHECK_VALUES(index_fill(x, 1, tensor({-1}), 9), {0, 1, 9, 3, 4, 9});
  CHECK_VALUES(x, {0, 1, 2, 3, 4, 5});
  x.index_add_(1, tensor({0, 0}), tensor({{1.0, 2.0}, {3.0, 4.0}}, kDouble), 2);
  CHECK_VALUES(x, {6, 1, 2, 17, 4, 5});
  CHECK_VALUES(tensor({1, 2}).index_add(0, tensor({1, 1, 1}), tensor({1, 1, 1})), {1, 5});
  CHECK_VALUES(tensor({true, false}).index_add(0, tensor({1}), tensor({true})), {1, 1});
}

TEST_CASE("gather and scatter check their arguments") {
  const Tensor x = counted({2, 3});
  CHECK_ERROR(gather(x, 1, tensor({{3}})), "index 3 is out of bounds for dimension 1 with size 3");
  CHECK_ERROR(gather(x, 1, tensor({{-1}})), "index -1 is out of bounds for dimension 1 with size 3");
  CHECK_ERROR(gather(x, 1, tensor({0})), "Index tensor must have the same number of dimensions as input tensor");
  CHECK_ERROR(gather(x, 1, ct::zeros({3, 1}, kLong)), "Size does not match at dimension 0 expected index [3, 1] to be smaller than self [2, 3] apart from dimension 1");
  CHECK_ERROR(gather(x, 1, tensor({{0.0}})), "Expected dtype int64 for index");
  CHECK_ERROR(scatter(x, 1, tensor({{0, 0}}), ct::zeros({1, 1}, kDouble)), "to be smaller size than src [1, 1]");
  CHECK_ERROR(scatter(x, 1, tensor({{0}}), ct::zeros({1, 1}, kFloat)), "Expected self.dtype to be equal to src.dtype");
  CHECK_SIZES(gather(x, 1, ct::zeros({0}, kLong)), {0});
  CHECK_VALUES(scatter(x, 0, tensor({{1, 0, 1}}), 9), {0, 9, 2, 9, 4, 9});
  CHECK_VALUES(gather(tensor(5.0), 0, tensor({0, 0})), {5, 5});
  // A source larger than the index: only its corner is used, and only that has a gradient.
  const Tensor src = counted({2, 3}).clone().requires_grad_();
  scatter_add(x, 1, tensor({{0, 0}}), src).sum().backward();
  CHECK_VALUES(src.grad(), {1, 1, 0, 0, 0, 0});
  const Tensor one_hot = ct::zeros({3, 4}).scatter_(1, tensor({{2}, {0}, {3}}), 1);
  CHECK_VALUES(one_hot, {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1});
  const Tensor n = tensor({2, 1, 0});
  n.scatter_(0, n, n);  // the index is also the target
  CHECK_VALUES(n, {0, 1, 2});
  CHECK_VALUES(take_along_dim(x, x.neg().argsort(1), 1), {2, 1, 0, 5, 4, 3});
  CHECK_VALUES(take_along_dim(x, tensor({{2}}), 1), {2, 5});
  CHECK_ERROR(take(x, tensor({6})), "out of range: tried to access index 6 on a tensor of 6 elements.");
}

TEST_CASE("masks: dtypes, broadcasting, errors") {
  const Tensor x = counted({2, 3});
  const Tensor mask = tensor({true, false, true});
  CHECK_VALUES(masked_fill(x, mask, -1), {-1, 1, -1, -1, 4, -1});
  CHECK_VALUES(masked_select(x, mask), {0, 2, 3, 5});
  CHECK_SIZES(masked_fill(tensor({1.0, 2.0, 3.0}), tensor({{true}, {false}}), 0), {2, 3});
  CHECK_VALUES(masked_scatter(x, mask, tensor({9.0, 8.0, 7.0, 6.0, 5.0}, kDouble)), {9, 1, 8, 7, 4, 6});
  CHECK_ERROR(masked_fill(x, tensor({1, 0, 1}), 0), "only supports boolean masks, but got mask with dtype Long");
  CHECK_ERROR(masked_fill(tensor({1, 2, 3}), mask, 0.5), "value cannot be converted to type Long without overflow");
  CHECK_ERROR(masked_fill(x, mask, ct::zeros({2})), "only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s).");
  CHECK_ERROR(masked_scatter(x, mask, ct::zeros({3}, kDouble)), "Number of elements of source < number of ones in mask: 3 < 4");
  CHECK_ERROR(tensor({1.0, 2.0, 3.0}).masked_fill_(tensor({{true}, {false}}), 0), "doesn't match the broadcast shape [2, 3]");
  CHECK_ERROR(masked_select(x, tensor({true, false})), "must match the size of tensor b (2)");
  const Tensor self_mask = tensor({true, false, true});
  self_mask.masked_fill_(self_mask, false);
  CHECK_VALUES(self_mask, {0, 0, 0});
  CHECK_VALUES(nonzero(tensor({{0.0, 2.0}, {3.0, 0.0}})), {0, 1, 1, 0});
  CHECK_SIZES(nonzero(tensor(1.0)), {1, 0});
  CHECK_SIZES(nonzero(ct::zeros({3, 0})), {0, 2});
  CHECK_VALUES(where(tensor({false, true, true}))[0], {1, 2});
}

TEST_CASE("every element size moves whole") {
  for (ct::ScalarType t : {ct::kBool, ct::kByte, ct::kChar, ct::kShort, ct::kInt, ct::kLong, ct::kHalf, ct::kBFloat16, ct::kFloat, ct::kDouble}) {
    const Tensor x = tensor({{0, 1}, {1, 0}, {1, 1}}).to(t);
    CHECK_VALUES(index_select(x, 0, tensor({2, 0})), {1, 1, 0, 1});
    CHECK_VALUES(x.t().contiguous().t().index({tensor({1, 0})}), {1, 0, 0, 1});
    CHECK_VALUES(gather(x, 1, tensor({{1}, {1}, {0}})), {1, 0, 1});
    CHECK_VALUES(masked_fill(x, tensor({{true}, {false}, {true}}), 1), {1, 1, 1, 0, 1, 1});
    CHECK_VALUES(ct::cat({x, x}, 1)[0], {0, 1, 0, 1});
    CHECK_VALUES(tril(x), {0, 0, 1, 0, 1, 1});
    CHECK_VALUES(flip(x, {0}), {1, 1, 1, 0, 0, 1});
    CHECK_VALUES(x.index_add(0, tensor({0}), x.slice(0, 2, 3))[0], {1, t == kBool ? 1.0 : 2.0});
  }
}

TEST_CASE("many elements: the same on one thread and on several") {
  const Tensor x = ct::arange(300000, kFloat).reshape({1000, 300});
  const Tensor i = (ct::arange(5000, kLong) * 7919) % 1000;
  const int before = ct::get_num_threads();
  auto all = [&] {
    const Tensor rows = x.index({i}), g = ct::zeros({1000, 300});
    g.index_add_(0, i, rows);
    const Tensor picked = gather(x, 1, (ct::arange(300000, kLong) % 300).reshape({1000, 300}));
    const Tensor some = masked_select(x, x > 1000), put = ct::zeros({1000, 300}).index_put_({i}, rows * 2);
    return std::vector<Tensor>{rows, g, picked, some, put, ct::cat({x, x.t().reshape({1000, 300})}, 1)};
  };
  ct::set_num_threads(1);
  const std::vector<Tensor> one = all();
  ct::set_num_threads(2);
  const std::vector<Tensor> two = all();
  ct::set_num_threads(before);
  for (std::size_t k = 0; k < one.size(); ++k) CHECK(values(one[k]) == values(two[k]));
  CHECK(one[0].index({17, 5}).item<float>() == x.index({17 * 7919 % 1000, 5}).item<float>());
  CHECK_VALUES(one[2].slice(0, 0, 1).slice(1, 0, 3), {0, 1, 2});
  CHECK(one[3].numel() == 300000 - 1001);
}
