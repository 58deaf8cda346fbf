// tests/ops/shapes.cpp -- views, joins, splits, repeats and triangles: values by hand, names of nodes, errors.
#include "values.h"

using ct::kDouble;
using ct::kFloat;
using ct::kLong;
using ct::Tensor;
using ct::tensor;

namespace {
Tensor counted(std::initializer_list<std::int64_t> sizes) { return ct::arange(ct::zeros(sizes).numel(), kDouble).reshape(sizes); }
}  // namespace

TEST_CASE("nodes of views have PyTorch's names") {
  const Tensor x = counted({2, 3}).clone().requires_grad_();
  CHECK(name_of(x.t()) == "TBackward0");
  CHECK(name_of(x.T()) == "PermuteBackward0");
  CHECK(name_of(x.mT()) == "TransposeBackward0");
  CHECK(name_of(x.transpose(0, 1)) == "TransposeBackward0");
  CHECK(name_of(x.swapaxes(0, 1)) == "TransposeBackward0");
  CHECK(name_of(x.permute({1, 0})) == "PermuteBackward0");
  CHECK(name_of(x.movedim({0}, {1})) == "PermuteBackward0");
  CHECK(name_of(x.unsqueeze(0)) == "UnsqueezeBackward0");
  CHECK(name_of(x.unsqueeze(0).squeeze()) == "SqueezeBackward0");
  CHECK(name_of(x.unsqueeze(0).squeeze(0)) == "SqueezeBackward1");
  CHECK(name_of(x.view({6})) == "ViewBackward0");
  CHECK(name_of(x.reshape({6})) == "ViewBackward0");
  CHECK(name_of(x.flatten()) == "ViewBackward0");
  CHECK(name_of(x.t().reshape({6})) == "UnsafeViewBackward0");
  CHECK(x.t().reshape({6}).grad_fn()->next_edge(0).function->name() == "CloneBackward0");
  CHECK(name_of(x.t().contiguous()) == "CloneBackward0");
  CHECK(x.contiguous().is_same(x));
  CHECK(name_of(x.expand({4, 2, 3})) == "ExpandBackward0");
  CHECK(name_of(x.broadcast_to({4, 2, 3})) == "ExpandBackward0");
  CHECK(name_of(x.narrow(1, 0, 2)) == "SliceBackward0");
  CHECK(name_of(x.diagonal()) == "DiagonalBackward0");
  CHECK(name_of(x.unfold(1, 2, 1)) == "UnfoldBackward0");
  CHECK(name_of(x.as_strided({2}, {1})) == "AsStridedBackward0");
  CHECK(name_of(x.unbind()[1]) == "UnbindBackward0");
  CHECK(x.unbind()[1].output_nr() == 1);
  CHECK(name_of(x.split(1)[0]) == "SplitBackward0");
  CHECK(name_of(x.chunk(2, 1)[0]) == "SplitBackward0");
  CHECK(name_of(x.split({1, 2}, 1)[1]) == "SplitWithSizesBackward0");
  CHECK(name_of(x.tensor_split(2)[1]) == "SliceBackward0");
  CHECK(name_of(ct::cat({x, x})) == "CatBackward0");
  CHECK(ct::cat({x, x, x}).grad_fn()->next_edges().size() == 3);
  CHECK(name_of(ct::stack({x, x})) == "StackBackward0");
  CHECK(name_of(x.repeat({2, 1})) == "RepeatBackward0");
  CHECK(name_of(x.flip({0})) == "FlipBackward0");
  CHECK(name_of(x.roll({1})) == "RollBackward0");
  CHECK(name_of(x.tril()) == "TrilBackward0");
  CHECK(name_of(x.gather(0, tensor({{0}}))) == "GatherBackward0");
  CHECK(x.gather(0, tensor({{0}})).grad_fn()->next_edges().size() == 1);  // an index has no edge
  CHECK(name_of(x.masked_fill(x.detach() > 1, 0)) == "MaskedFillBackward0");
  CHECK(name_of(x.masked_fill(x.detach() > 1, tensor(0.0))) == "MaskedFillBackward1");
}

TEST_CASE("shapes and strides of views") {
  const Tensor x = counted({2, 3, 4});
  CHECK_SIZES(x.permute({2, 0, 1}), {4, 2, 3});
  CHECK(x.permute({2, 0, 1}).strides().vec() == std::vector<std::int64_t>{1, 12, 4});
  CHECK_SIZES(x.movedim({0, 1}, {2, 0}), {3, 4, 2});
  CHECK_SIZES(x.flatten(1), {2, 12});
  CHECK_SIZES(x.unflatten(2, {2, -1}), {2, 3, 2, 2});
  CHECK_SIZES(x.unsqueeze(-1), {2, 3, 4, 1});
  CHECK_SIZES(x.squeeze(0), {2, 3, 4});
  CHECK_SIZES(tensor(1.0).flatten(), {1});
  CHECK_SIZES(x.diagonal(1, 1, 2), {2, 3});
  CHECK_SIZES(x.diagonal(9, 1, 2), {2, 0});
  CHECK_SIZES(x.unfold(2, 3, 1), {2, 3, 2, 3});
  CHECK_SIZES(tensor(1.0).unfold(0, 1, 1), {1});
  CHECK_SIZES(x.T(), {4, 3, 2});
  CHECK_SIZES(ct::zeros({0, 3}).reshape({3, 0}), {3, 0});
  CHECK_SIZES(ct::zeros({0, 3}).t(), {3, 0});
  CHECK(x.view({-1}).is_view());
}

TEST_CASE("errors of views") {
  const Tensor x = counted({2, 3}), cube = counted({2, 2, 2});
  CHECK_ERROR(x.view({2, 2}), "shape '[2, 2]' is invalid for input of size 6");
  CHECK_ERROR(x.reshape({4, -1}), "shape '[4, -1]' is invalid for input of size 6");
  CHECK_ERROR(x.t().view({6}), "view size is not compatible with input tensor's size and stride");
  CHECK_ERROR(cube.t(), "t() expects a tensor with <= 2 dimensions, but self is 3D");
  CHECK_ERROR(x.transpose(0, 2), "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  CHECK_ERROR(tensor({1.0}).sum({2}), "Dimension out of range (expected to be in range of [-1, 0], but got 2)");
  CHECK_ERROR(x.permute({0}), "number of dimensions in the tensor input does not match the length of the desired ordering of dimensions");
  CHECK_ERROR(x.permute({0, 0}), "dim 0 appears multiple times");
  CHECK_ERROR(x.select(1, 5), "index 5 is out of bounds for dimension 1 with size 3");
  CHECK_ERROR(tensor(1.0).select(0, 0), "select() cannot be applied to a 0-dim tensor");
  CHECK_ERROR(x.narrow(0, 1, 2), "start (1) + length (2) exceeds dimension size (2).");
  CHECK_ERROR(x.slice(0, 0, 2, 0), "slice step must be positive");
  CHECK_ERROR(x.diagonal(0, 1, 1), "diagonal dimensions cannot be identical");
  CHECK_ERROR(x.unfold(1, 4, 1), "maximum size for tensor at dimension 1 is 3 but size is 4");
  CHECK_ERROR(x.expand({3, 3}), "The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0");
  CHECK_ERROR(x.unflatten(1, {2, 2}), "don't multiply up to the size of dim 1 (3)");
  CHECK_ERROR(x.movedim({0, 1}, {0}), "Invalid source or destination dims");
  CHECK_ERROR(x.as_strided({3, 3}, {3, 1}), "require a storage of 9 elements, but it has 6");
  CHECK_ERROR(x.view(ct::kHalf).view({5}), "is invalid for input of size 24");
  CHECK_ERROR(tensor(1.0f).view(ct::kHalf), "self.dim() cannot be 0 to view Float as Half");
  // Extreme numbers neither overflow nor crash.
  const std::int64_t huge = std::int64_t{1} << 62;
  CHECK_SIZES(x.slice(1, 0, huge, huge), {2, 1});
  CHECK_SIZES(x.diagonal(huge), {0});
  CHECK_VALUES(x.tril(-huge), {0, 0, 0, 0, 0, 0});
  CHECK_VALUES(x.triu(-huge), {0, 1, 2, 3, 4, 5});
  CHECK_ERROR(x.repeat({huge, 1}), "overflow");
  CHECK_ERROR(x.view({huge, huge}), "overflows");
}

TEST_CASE("view(dtype) looks at the same bytes") {
  const Tensor x = tensor({1.0f, -2.0f});
  CHECK_VALUES(x.view(ct::kInt), {0x3f800000, static_cast<double>(static_cast<std::int32_t>(0xc0000000))});
  CHECK_SIZES(x.view(ct::kShort), {4});
  CHECK_SIZES(x.view(kDouble), {1});
  x.view(ct::kInt).zero_();
  CHECK_VALUES(x, {0, 0});
  CHECK(x._version() == 1);
  CHECK_FALSE(x.requires_grad_().view(ct::kInt).requires_grad());
}

TEST_CASE("joining") {
  const Tensor a = tensor({1.0, 2.0}), b = tensor({3.0, 4.0});
  CHECK_VALUES(ct::hstack({a, b}), {1, 2, 3, 4});
  CHECK_VALUES(ct::vstack({a, b}), {1, 2, 3, 4});
  CHECK_SIZES(ct::vstack({a, b}), {2, 2});
  CHECK_SIZES(ct::dstack({a, b}), {1, 2, 2});
  CHECK_VALUES(ct::dstack({a, b}), {1, 3, 2, 4});
  CHECK_VALUES(ct::column_stack({a, b}), {1, 3, 2, 4});
  CHECK(ct::cat({tensor({1, 2}), tensor({0.5f})}).scalar_type() == kFloat);
  CHECK(ct::stack({tensor(1), tensor(0.5)}).scalar_type() == kFloat);
  CHECK_VALUES(ct::cat({ct::zeros({0}), counted({2, 1}).to(kFloat), counted({2, 2}).to(kFloat)}, 1), {0, 0, 1, 1, 2, 3});  // an empty vector is skipped
  CHECK_ERROR(ct::cat({counted({2, 3}), counted({3, 3})}, 1), "Sizes of tensors must match except in dimension 1. Expected size 2 but got size 3 for tensor number 1 in the list.");
  CHECK_ERROR(ct::cat({counted({2, 3}), counted({3})}), "Tensors must have same number of dimensions: got 2 and 1");
  CHECK_ERROR(ct::cat({tensor(1.0)}), "zero-dimensional tensor (at position 0) cannot be concatenated");
  CHECK_ERROR(ct::cat(std::vector<Tensor>{}), "expected a non-empty list of Tensors");
  CHECK_ERROR(ct::stack({a, counted({3})}), "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1");
  CHECK_ERROR(ct::stack({a, Tensor()}), "the tensor at position 1 is undefined");
}

TEST_CASE("gradients of an empty vector in cat, and of thousands of numbers in stack") {
  const Tensor none = ct::zeros({0}, kDouble).requires_grad_(), x = counted({2, 1}).clone().requires_grad_();
  ct::cat({none, x}, 1).sum().backward();
  CHECK_SIZES(none.grad(), {0});
  CHECK_VALUES(x.grad(), {1, 1});
  std::vector<Tensor> numbers;
  for (int i = 0; i < 20000; ++i) numbers.push_back(tensor(0.5).requires_grad_());
  (ct::stack(numbers) * ct::arange(20000, kFloat)).sum().backward();
  CHECK(numbers[12345].grad().item<float>() == 12345);
}

TEST_CASE("splitting") {
  const Tensor x = counted({5});
  CHECK(x.split(2).size() == 3);
  CHECK_VALUES(x.split(2)[2], {4});
  CHECK(x.chunk(4).size() == 3);
  CHECK(x.tensor_split(4).size() == 4);
  CHECK_VALUES(x.tensor_split(4)[0], {0, 1});
  CHECK_VALUES(x.tensor_split({1, 3})[1], {1, 2});
  CHECK_SIZES(x.tensor_split({1, 9})[2], {0});
  CHECK(ct::zeros({0}).split(0).size() == 1);
  CHECK(ct::zeros({0}).chunk(3).size() == 3);
  CHECK_ERROR(x.split(0), "split_size can only be 0 if dimension size is 0, but got dimension size of 5");
  CHECK_ERROR(x.split({2, 2}), "split_with_sizes expects split_sizes to sum exactly to 5");
  CHECK_ERROR(x.split(-1), "split expects split_size be non-negative, but got split_size=-1");
  CHECK_ERROR(x.chunk(0), "chunk expects `chunks` to be greater than 0, got: 0");
  CHECK_ERROR(tensor(1.0).unbind(), "but tensor has no dimensions");
  // Only some outputs are used: the others count as zeros.
  const Tensor y = counted({5}).clone().requires_grad_();
  const std::vector<Tensor> parts = y.split(2), singles = y.unbind();
  (parts[1] * parts[1]).sum().backward();
  (singles[4] * 3).backward();
  CHECK_VALUES(y.grad(), {0, 0, 4, 6, 3});
}

TEST_CASE("repeating and reordering") {
  const Tensor x = counted({2, 2});
  CHECK_VALUES(x.repeat({1, 2}), {0, 1, 0, 1, 2, 3, 2, 3});
  CHECK_SIZES(x.repeat({2, 1, 1}), {2, 2, 2});
  CHECK_SIZES(x.repeat({0, 1}), {0, 2});
  CHECK_VALUES(tile(x, {2}), {0, 1, 0, 1, 2, 3, 2, 3});
  CHECK_VALUES(repeat_interleave(x, 2), {0, 0, 1, 1, 2, 2, 3, 3});
  CHECK_VALUES(repeat_interleave(x, tensor({1, 2}), 0), {0, 1, 2, 3, 2, 3});
  CHECK_VALUES(roll(x, {1}, {1}), {1, 0, 3, 2});
  CHECK_VALUES(roll(x, {-1}), {1, 2, 3, 0});
  CHECK_VALUES(rot90(x), {1, 3, 0, 2});
  CHECK_VALUES(rot90(x, -1), {2, 0, 3, 1});
  CHECK_VALUES(flip(x, {0, 1}), {3, 2, 1, 0});
  CHECK_VALUES(flip(x.t(), {0}), {1, 3, 0, 2});
  CHECK_VALUES(ct::meshgrid({tensor({1, 2, 3}), tensor({4, 5})})[0], {1, 1, 2, 2, 3, 3});
  CHECK_VALUES(ct::meshgrid({tensor({1, 2, 3}), tensor({4, 5})}, "xy")[0], {1, 2, 3, 1, 2, 3});
  CHECK_VALUES(ct::cartesian_prod({tensor({1, 2}), tensor({4, 5})}), {1, 4, 1, 5, 2, 4, 2, 5});
  CHECK_ERROR(x.repeat({2}), "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  CHECK_ERROR(x.repeat({-1, 2}), "negative dimension -1");
  CHECK_ERROR(repeat_interleave(x, tensor({1, 2, 3}), 0), "repeats must have the same size as input along dim");
  CHECK_ERROR(repeat_interleave(x, tensor({1, -2}), 0), "repeats can not be negative");
  CHECK_ERROR(roll(x, {1, 2}, {0}), "shifts and dimensions must align. shifts: 2, dims:1");
  CHECK_ERROR(ct::meshgrid({x}), "Expected 0D or 1D tensor in the tensor list");
  CHECK_ERROR(ct::meshgrid({tensor({1})}, "yx"), "indexing must be one of \"xy\" or \"ij\"");
  CHECK_ERROR(flip(x, {2}), "Dimension out of range");
}

TEST_CASE("triangles and diagonals") {
  const Tensor x = counted({2, 3, 3});
  CHECK_VALUES(tril(x)[1], {9, 0, 0, 12, 13, 0, 15, 16, 17});
  CHECK_VALUES(triu(x.mT(), 1)[0], {0, 3, 6, 0, 0, 7, 0, 0, 0});
  CHECK_VALUES(diag(tensor({1, 2}), -1), {0, 0, 0, 1, 0, 0, 0, 2, 0});
  CHECK_VALUES(diag(counted({2, 3}), 1), {1, 5});
  CHECK_SIZES(diag_embed(counted({2, 3})), {2, 3, 3});
  CHECK_VALUES(ct::block_diag({tensor({{1.0, 2.0}}), tensor(3.0)}), {1, 2, 0, 0, 0, 3});
  const Tensor y = counted({3, 2});
  y.fill_diagonal_(9);
  CHECK_VALUES(y, {9, 1, 2, 9, 4, 5});
  y.t().tril_();
  CHECK_VALUES(y, {9, 1, 0, 9, 0, 0});
  CHECK_ERROR(tril(tensor({1.0})), "must have at least 2 dimensions");
  CHECK_ERROR(diag(x), "diag(): Supports 1D or 2D tensors. Got 3D");
  CHECK_ERROR(tensor({1.0}).fill_diagonal_(1), "dimensions must larger than 1");
  CHECK_ERROR(ct::zeros({2, 2, 3}).fill_diagonal_(1), "all dimensions of input must be of equal length");
}

TEST_CASE("copies of large transposed tensors, of every element size") {
  for (ct::ScalarType t : {ct::kByte, ct::kShort, ct::kFloat, kDouble}) {
    const Tensor x = (ct::arange(3 * 70 * 133, kLong) % 251).to(t).reshape({3, 70, 133});
    const Tensor moved = x.transpose(1, 2).contiguous(), turned = x.permute({2, 0, 1}).contiguous(), part = x.mT().slice(1, 1, 132, 2).contiguous();
    const std::vector<double> v = values(x), m = values(moved), u = values(turned), p = values(part);
    bool same = true;
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 70; ++b)
        for (std::size_t c = 0; c < 133; ++c) {
          const double want = v[(a * 70 + b) * 133 + c];
          same &= m[(a * 133 + c) * 70 + b] == want && u[(c * 3 + a) * 70 + b] == want;
          if (c % 2 == 1 && c < 132) same &= p[(a * 66 + c / 2) * 70 + b] == want;
        }
    CHECK(same);
    const Tensor into = ct::zeros({133, 70}, t).t();
    into.copy_(x[1]);
    CHECK(values(into) == values(x[1]));
  }
}
