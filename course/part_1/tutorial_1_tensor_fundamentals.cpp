// Tutorial 1: Tensor fundamentals
// Level: part 1
// Concepts: dtype, shape, indexing, joining, products, reductions, in-place families, broadcasting, random fills and seeds,
//   shared memory
// Version: 2.1 (2026-11-21)
// History: 1.0 (2026-01-31), 2.0 (2026-02-20); 2.1: in C++, with checks, broadcasting, seeds and more tools

#include <algorithm>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// Whether a tensor has this shape.
static bool sized(const ct::Tensor& t, std::vector<std::int64_t> sizes) { return t.sizes() == sizes; }

int main() {
  // %% [markdown]
  // # Tutorial 1: Tensor fundamentals
  // A tensor is a block of numbers that knows two things about itself: a **shape**, which says how the numbers are arranged, and
  // a **dtype**, which says what kind of number each of them is. Everything later in this course, gradients, losses, steps
  // downhill, happens between tensors; so it pays to know well how they are made, cut, joined, multiplied and overwritten.
  //
  // After this tutorial you can
  //
  // - make tensors, and read off shape, dtype and device;
  // - take parts of them, and join them;
  // - tell the matrix product from the element-wise product;
  // - reduce a tensor to a number, and get that number out;
  // - change a tensor in place, and say what else changes with it;
  // - let shapes *broadcast*, and fill tensors with reproducible random numbers.
  //
  // Run the cells from top to bottom. Before each one, say what it will print: that is the exercise. The calls have the names of
  // PyTorch, with `ct::` where Python has `torch.`

  // %% [markdown]
  // ## 1. Creation
  // From nested braces, the shape and the dtype follow from what is written: whole numbers give `int64`, numbers with a point
  // `float32`.

  // %%
  section("1. Creation");
  auto data = ct::tensor({{1, 2}, {3, 4}});
  ct::print("data =", data, " sizes", data.sizes(), "dtype", data.dtype(), "; with a point:", ct::tensor({1.0, 2.0}).dtype());
  check(data, ct::tensor({{1, 2}, {3, 4}}));
  check_that(data.dtype() == ct::kLong && ct::tensor({1.0, 2.0}).dtype() == ct::kFloat, "int64, or float32");

  // %% [markdown]
  // The `_like` functions take shape *and dtype* from another tensor. Random numbers between 0 and 1 cannot be `int64`, so
  // `rand_like` needs another dtype here.

  // %%
  auto whole = ct::ones_like(data);
  ct::print("ones_like:", whole, whole.dtype());
  check_that(whole.dtype() == ct::kLong, "ones_like keeps int64");
  show_error([&] { ct::rand_like(data); }, "not implemented for 'Long'");
  auto floats = ct::rand_like(data, ct::kFloat);
  check_that(floats.sizes() == data.sizes() && floats.dtype() == ct::kFloat, "the shape of data, another dtype");

  // %% [markdown]
  // With a shape alone: zeros, ones, or random numbers. In Python the shape may be a tuple, `(2, 3)` or `(2, 3,)`; a comma at
  // the end changes nothing. A list of sizes in C++ is the same: braces, or a vector that was made before.

  // %%
  const std::vector<std::int64_t> shape = {2, 3}, with_comma{2, 3, /* a comma at the end */};
  auto drawn = ct::rand(shape), ones = ct::ones({2, 3}), zeros = ct::zeros(with_comma);
  ct::print("sizes", drawn.sizes(), ones.sizes(), zeros.sizes());
  check_that(shape == with_comma && sized(drawn, shape) && sized(ones, shape) && sized(zeros, shape), "one shape, in three ways");
  check_that(drawn.min().item<double>() >= 0 && drawn.max().item<double>() < 1, "rand lies in [0, 1)");

  // %% [markdown]
  // ## 2. Rank
  // The number of dimensions is the *rank*: 0 for a single number, 1 for a vector, 2 for a matrix. Each index that you give
  // removes the first dimension that is left.

  // %%
  section("2. Rank");
  auto vector = ct::rand({3}), matrix = ct::rand({2, 3}), cube = ct::rand({2, 3, 4});
  ct::print("ranks", vector.dim(), matrix.dim(), cube.dim(), " cube[0]", cube[0].sizes(), " cube[0][0]", cube[0][0].sizes(),
            " cube[0][0][0]", cube[0][0][0].sizes());
  check_that(vector.dim() == 1 && matrix.dim() == 2 && cube.dim() == 3, "ranks");
  check_that(sized(cube[0], {3, 4}) && sized(cube[0][0], {4}) && sized(cube[0][0][0], {}), "each index removes a dimension");

  // %% [markdown]
  // ## 3. Attributes
  // A `float32` keeps about seven decimal digits and reaches about $10^{38}$; a `float64` keeps about sixteen. Below, $1/3$ is
  // stored in both, and compared with the best that a `double` can do.
  //
  // **A correction.** The text that this tutorial follows asks for an accelerator by `torch.backends.cuda.is_available()`. The
  // call is `torch.cuda.is_available()`. Tensors of this library live on the CPU.

  // %%
  section("3. Attributes");
  auto t34 = ct::rand({3, 4});
  ct::print("sizes", t34.sizes(), "dtype", t34.dtype(), "device", t34.device());
  check_that(sized(t34, {3, 4}) && t34.dtype() == ct::kFloat && t34.device() == ct::Device(ct::kCPU), "float32 on the CPU");
  const double third = ct::tensor({1.0 / 3}).item<double>(), third64 = ct::tensor({1.0 / 3}, ct::kDouble).item<double>();
  ct::print("1/3 in float32:", ct::fixed(third, 12), " in float64:", ct::fixed(third64, 12));
  check_that(third != 1.0 / 3 && third64 == 1.0 / 3, "float32 is rounded more coarsely");
  check(third, 1.0 / 3, 1e-7, 0);
  auto large = ct::tensor({3e38}) * 10;
  ct::print("3e38 * 10 in float32 =", large);
  check_that(ct::isinf(large).item<bool>(), "beyond the range: infinity");

  // %% [markdown]
  // The dtype of numbers with a point is a setting. Change it for a whole program, not for a cell in the middle: everything
  // that is made later changes with it.

  // %%
  ct::set_default_dtype(ct::kDouble);
  const auto wide = ct::tensor({1.0}).dtype();
  ct::set_default_dtype(ct::kFloat);
  ct::print("default double:", wide, "; back again:", ct::tensor({1.0}).dtype());
  check_that(wide == ct::kDouble, "the default dtype is a setting");

  // %% [markdown]
  // ## 4. Indexing
  // Numbers pick, `Slice()` (Python's `:`) takes all, `"..."` stands for as many `:` as are needed. What comes out is a *view*:
  // it looks at the same memory.

  // %%
  section("4. Indexing");
  using ct::indexing::Slice;
  auto table = ct::ones({4, 4});
  auto row = table[0], column = table.index({Slice(), 0}), last = table.index({"...", -1});
  ct::print("first row", row, " first column", column, " last column", last, " corner", table[0][0].item<float>());
  check(ct::stack({row, column, last}), ct::ones({3, 4}));
  check(table.index({0, 0}).item<double>(), 1);

  // %% [markdown]
  // Assigning to a part writes into the whole. Python writes `t[:, 1] = 0`.

  // %%
  table.index_put_({Slice(), 1}, 0);
  ct::print("table =", table, " sum", table.sum().item<float>());
  check(table.sum().item<double>(), 12);
  check(table.index({Slice(), 1}), {0, 0, 0, 0});
  row[0] = 5;  // row was taken before, and looks at the same memory
  ct::print("after row[0] = 5: table[0] =", table[0]);
  check(table[0], {5, 0, 1, 1});
  const bool base_changed = table[0][0].item<double>() == 5;
  show_error([&] { table.index({5, 0}); }, "index 5 is out of bounds for dimension 0 with size 4");

  // %% [markdown]
  // ## 5. Joining
  // `cat` lays tensors side by side along a dimension that they *have*; `stack` along a *new* one. Along the other dimensions
  // their sizes must agree.

  // %%
  section("5. Joining");
  auto P = ct::ones({4, 4}), Z = ct::zeros({4, 4});
  auto below = ct::cat({P, Z}, 0), beside = ct::cat({P, Z}, 1), stacked = ct::stack({P, Z});
  ct::print("cat along 0", below.sizes(), " along 1", beside.sizes(), " along -1", ct::cat({P, Z}, -1).sizes(), " stack",
            stacked.sizes());
  check_that(sized(below, {8, 4}) && sized(beside, {4, 8}) && sized(stacked, {2, 4, 4}), "stack adds a dimension, cat does not");
  check_that(ct::equal(ct::cat({P, Z}, -1), beside) && ct::equal(stacked[0], P), "-1 counts from the end");
  show_error([&] { ct::cat({P, ct::ones({3, 4})}, 1); }, "Sizes of tensors must match except in dimension 1");
  show_error([&] { ct::stack({P, ct::ones({3, 4})}); }, "stack expects each tensor to be equal size");

  // %% [markdown]
  // ## 6. Two kinds of product
  // The **matrix product** $AB$ needs inner sizes that agree, $(2\times3)(3\times2)$:
  //
  // $$(AB)_{ij}=\sum_k A_{ik}B_{kj}.$$
  //
  // Python writes it `A @ B`; C++ has no such sign, so it is `A.matmul(B)`. With `matmul_out` the result goes into a tensor that
  // exists already.
  //
  // **A correction.** The text that this tutorial follows passes `out=y3` before there is a `y3`. Allocate first, as below.

  // %%
  section("6. Products");
  auto A = ct::tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  auto B = ct::tensor({{7.0, 8.0}, {9.0, 10.0}, {11.0, 12.0}});
  auto AB = A.matmul(B), AB2 = ct::matmul(A, B), AB3 = ct::empty({2, 2});
  ct::matmul_out(AB3, A, B);
  ct::print("A B =", AB);
  check(AB, ct::tensor({{58.0, 64.0}, {139.0, 154.0}}));
  check_that(ct::equal(AB, AB2) && ct::equal(AB, AB3), "three ways to say it");
  check(B.t().matmul(A.t()), AB.t());
  show_error([&] { A.matmul(A); }, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)");
  show_error([&] { A.matmul(B.to(ct::kDouble)); }, "expected scalar type Float but found Double");

  // %% [markdown]
  // The **element-wise product** multiplies what stands in the same place: $(A\odot C)_{ij}=A_{ij}C_{ij}$.
  //
  // **A correction.** The text that this tutorial follows says that `*` needs equal shapes. Shapes may also *broadcast* (part 9);
  // only those that do not fit are refused.

  // %%
  auto C = ct::tensor({{10.0, 20.0, 30.0}, {40.0, 50.0, 60.0}});
  auto z1 = A * C, z2 = A.mul(C), z3 = ct::empty({2, 3});
  ct::mul_out(z3, A, C);
  ct::print("A * C =", z1);
  check(z1, ct::tensor({{10.0, 40.0, 90.0}, {160.0, 250.0, 360.0}}));
  check_that(ct::equal(z1, z2) && ct::equal(z1, z3), "three ways to say it");

  // %% [markdown]
  // ## 7. Reductions, and the way out
  // `sum`, `mean`, `max` over all elements leave a 0-dim tensor, not a number. `item()` takes the number out, of tensors with
  // one element only.

  // %%
  section("7. Reductions");
  auto total = z1.sum();
  const double value = total.item<double>();
  ct::print("sum:", total, " item:", value);
  check_that(total.dim() == 0, "a reduction leaves a 0-dim tensor");
  check(value, 910);
  check(A.mean(0), {2.5, 3.5, 4.5});
  show_error([&] { A.item(); }, "a Tensor with 6 elements cannot be converted to Scalar");

  // %% [markdown]
  // ## 8. In place
  // A name that ends in `_` overwrites the tensor itself, and returns it. No memory is taken, and every view of it changes, too.
  // The arithmetic family, each on a fresh copy of $C$:

  // %%
  section("8. In place");
  auto D1 = C.clone().add_(2), D2 = C.clone().sub_(1), D3 = C.clone().mul_(2), D4 = C.clone();
  auto same = D4.div_(2);
  ct::print("after div_(2):", D4, " and what div_ returned is the same tensor:", same.is_same(D4));
  check(D1, ct::tensor({{12.0, 22.0, 32.0}, {42.0, 52.0, 62.0}}));
  check(D2, ct::tensor({{9.0, 19.0, 29.0}, {39.0, 49.0, 59.0}}));
  check(D3, ct::tensor({{20.0, 40.0, 60.0}, {80.0, 100.0, 120.0}}));
  check(D4, ct::tensor({{5.0, 10.0, 15.0}, {20.0, 25.0, 30.0}}));
  check_that(same.is_same(D4), "an in-place function returns its tensor");

  // %%
  auto E = ct::empty({2, 3});
  E.copy_(C);
  check(E, C);
  check(E.fill_(10), ct::full({2, 3}, 10));
  check(E.zero_(), ct::zeros({2, 3}));
  ct::print("copy_, fill_(10), then zero_:", E);
  check_that(!E.is_alias_of(C), "copy_ copies: C is untouched");

  // %% [markdown]
  // The functions that stand between the layers of a network have this form, too.

  // %%
  auto x = ct::tensor({{-2.0, -0.5, 0.0}, {0.5, 1.0, 2.0}});
  ct::print("relu_:", x.clone().relu_(), "\nsigmoid_:", x.clone().sigmoid_());
  ct::print("clamp_:", x.clone().clamp_(0, 1), "\nabs_:", x.clone().abs_());
  check(x.clone().relu_(), ct::tensor({{0.0, 0.0, 0.0}, {0.5, 1.0, 2.0}}));
  check(x.clone().sigmoid_(), ct::tensor({{0.1192, 0.3775, 0.5}, {0.6225, 0.7311, 0.8808}}), 1e-4, 5e-5);
  check(x.clone().clamp_(0, 1), ct::tensor({{0.0, 0.0, 0.0}, {0.5, 1.0, 1.0}}));
  check(x.clone().abs_(), ct::tensor({{2.0, 0.5, 0.0}, {0.5, 1.0, 2.0}}));

  // %% [markdown]
  // The dtype of a tensor never changes in place: what does not fit into it is refused. A new result is free to choose, and
  // chooses the dtype that holds both.

  // %%
  auto int_1 = ct::tensor({1}), int_2 = ct::tensor({2});
  const auto int_and_float = (int_1 + ct::tensor({0.5})).dtype(), int_by_int = (int_1 / int_2).dtype();
  ct::print("int + float:", int_and_float, " int / int:", int_by_int);
  check_that(int_and_float == ct::kFloat && int_by_int == ct::kFloat, "both are float32");
  show_error([] { ct::ones({2}, ct::kLong).add_(0.5); }, "result type Float can't be cast to the desired output type Long");
  show_error([] { ct::ones({2}, ct::kLong).mean(); }, "could not infer output dtype");

  // %% [markdown]
  // ## 9. Broadcasting
  // Two shapes are compared from the *right*. Two sizes fit if they are equal, or if one of them is 1 or missing; that one is
  // repeated, without copying anything. So a column $(3,1)$ and a row $(4)$ make a table $(3,4)$, and a column times a row is an
  // outer product:
  //
  // $$\begin{bmatrix}1\\ 2\end{bmatrix}\begin{bmatrix}3&4&5\end{bmatrix}=\begin{bmatrix}3&4&5\\ 6&8&10\end{bmatrix}.$$
  //
  // **A correction.** The text that this tutorial follows announces broadcasting and seeding, but shows neither. Here they are,
  // in this part and in part 11.

  // %%
  section("9. Broadcasting");
  auto sum34 = ct::ones({3, 1}) + ct::ones({4});
  auto scaled = A * ct::tensor({1.0, 10.0, 100.0});
  auto outer = ct::tensor({{1.0}, {2.0}}) * ct::tensor({3.0, 4.0, 5.0});
  ct::print("(3, 1) + (4) ->", sum34.sizes(), " (2, 3) * (3):", scaled);
  ct::print("(2, 1) * (3):", outer);
  check(sum34, 2 * ct::ones({3, 4}));
  check(scaled, ct::tensor({{1.0, 20.0, 300.0}, {4.0, 50.0, 600.0}}));
  check(outer, ct::tensor({{3.0, 4.0, 5.0}, {6.0, 8.0, 10.0}}));

  // %%
  show_error([] { ct::ones({3}) + ct::ones({4}); },
             "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0");
  // In place, the left side cannot grow:
  show_error([&] { ct::ones({3}).add_(A); }, "output with shape [3] doesn't match the broadcast shape [2, 3]");
  // expand() is broadcasting by hand: one number is seen in many places, so it cannot be written in place.
  show_error([] { ct::ones({1}).expand({3}).add_(1); },
             "more than one element of the written-to tensor refers to a single memory location");

  // %% [markdown]
  // ## 10. Random fills
  // `normal_`, `uniform_` and `bernoulli_` fill a tensor that exists. With $n$ draws, the mean lies within a few $\sigma/\sqrt n$
  // of its expectation.

  // %%
  section("10. Random fills");
  ct::manual_seed(0);
  auto many = ct::empty({100000});
  const double normal = many.normal_().mean().item<double>(), uniform = many.uniform_().mean().item<double>();
  const double rare = many.bernoulli_(0.3).mean().item<double>(), often = many.bernoulli_(0.7).mean().item<double>();
  check(normal, 0, 0, 0.02);
  check(uniform, 0.5, 0, 0.005);
  check(rare, 0.3, 0, 0.008);
  check(often, 0.7, 0, 0.008);
  ct::print("means: normal", ct::fixed(normal, 3), " uniform", ct::fixed(uniform, 3), " bernoulli", ct::fixed(rare, 3),
            ct::fixed(often, 3));
  show_error([&] { many.bernoulli_(1.3); }, "bernoulli_ expects p to be in [0, 1]");
  show_error([&] { many.uniform_(1, 0); }, "uniform_ expects to return a [from, to) range");

  // %% [markdown]
  // ## 11. Seeds
  // The numbers are not random at all: they follow from a seed. The same seed gives the same numbers, and the ones of PyTorch.

  // %%
  section("11. Seeds");
  ct::manual_seed(0);
  auto u = ct::empty({3}).uniform_();
  ct::manual_seed(0);
  auto n = ct::empty({3}).normal_();
  ct::print("seed 0: uniform", u, " normal", n);
  check(u, {0.4962566, 0.7682218, 0.0884774}, 1e-6);
  check(n, {1.5409961, -0.2934289, -2.1787894}, 1e-6);

  // %% [markdown]
  // One generator serves all draws in turn, so their **order** matters: a draw more at the beginning changes all that follow.

  // %%
  ct::manual_seed(0);
  auto first = ct::rand({3}), second = ct::rand({3});
  ct::manual_seed(0);
  auto again = ct::rand({3});
  ct::manual_seed(0);
  ct::rand({1});
  auto shifted = ct::rand({3});
  ct::print("again:", ct::equal(first, again), " second draw the same:", ct::equal(first, second),
            " after one draw more:", shifted);
  check_that(ct::equal(first, again) && !ct::equal(first, second), "same seed, same numbers; the next draw has others");
  check_that(ct::equal(shifted.slice(0, 0, 2), first.slice(0, 1, 3)), "one draw more shifts the sequence by one");

  // %% [markdown]
  // ## 12. A bridge to other libraries
  // In Python, `t.numpy()` and `torch.from_numpy(n)` share memory with NumPy. In C++ the doors are `data_ptr` and `from_blob`,
  // with whatever library holds the numbers; here it is a `std::vector`. NumPy's `ones(5)` has `float64`, as has a vector of
  // double.

  // %%
  section("12. Shared memory");
  auto shared = ct::ones({2, 3});
  float* numbers = shared.data_ptr<float>();
  shared.add_(10);
  ct::print("after add_(10): the tensor", shared, " the other side", numbers[0]);
  check(shared, ct::full({2, 3}, 11));
  check_that(std::all_of(numbers, numbers + 6, [](float v) { return v == 11; }), "the change shows on both sides");

  // %%
  std::vector<double> five(5, 1.0);
  auto seen = ct::from_blob(five.data(), {5}, ct::kDouble);
  for (double& v : five) v += 10;
  ct::print("dtype", seen.dtype(), ":", seen);
  check_that(seen.dtype() == ct::kDouble, "a vector of double is float64");
  check(seen, {11, 11, 11, 11, 11});

  // %% [markdown]
  // ## 13. More tools
  // Dimensions of size 1 come and go with `squeeze` and `unsqueeze`.

  // %%
  section("13. More tools");
  auto four = ct::rand({1, 1, 4}).squeeze();
  ct::print("squeeze:", four.sizes(), " unsqueeze 0, 1, -1:", four.unsqueeze(0).sizes(), four.unsqueeze(1).sizes(),
            four.unsqueeze(-1).sizes());
  check_that(sized(four, {4}) && sized(four.unsqueeze(0), {1, 4}), "(1, 1, 4) -> (4) -> (1, 4)");
  check_that(sized(four.unsqueeze(1), {4, 1}) && sized(four.unsqueeze(-1), {4, 1}), "-1 is the last place");
  check(ct::linspace(0, 1, 5), {0, 0.25, 0.5, 0.75, 1});
  check(ct::eye(4).sum().item<double>(), 4);
  show_error([&] { four.view({3, 2}); }, "shape '[3, 2]' is invalid for input of size 4");
  show_error([&] { A.t().view({6}); }, "view size is not compatible with input tensor's size and stride");
  show_error([&] { four.unsqueeze(2); }, "Dimension out of range (expected to be in range of [-2, 1], but got 2)");

  // %%
  ct::print("std of A:", ct::fixed(A.std().item<double>(), 4), " of its columns:", A.std({0}, true),
            " of its rows:", A.std({1}, true));
  check(A.std().item<double>(), 1.8708, 1e-4);
  check(A.std({0}, true), {2.1213, 2.1213, 2.1213}, 1e-4);
  check(A.std({1}, true), {1, 1});

  // %%
  auto p = ct::tensor({2.5, -1.0, 3.2, 0.7, -4.1});
  auto q = ct::tensor({{3, 8, 1}, {5, 2, 9}});
  ct::print("argmin, argmax of p:", p.argmin().item<int>(), p.argmax().item<int>(), " of q, flat:", q.argmin().item<int>(),
            q.argmax().item<int>());
  ct::print("of q along 0:", q.argmin(0), q.argmax(0), " along 1:", q.argmin(1), q.argmax(1));
  check(ct::stack({p.argmin(), p.argmax(), q.argmin(), q.argmax()}), {4, 2, 2, 5});
  check(ct::stack({q.argmin(0), q.argmax(0)}), ct::tensor({{0, 1, 0}, {1, 0, 1}}));
  check(ct::stack({q.argmin(1), q.argmax(1)}), ct::tensor({{2, 1}, {1, 2}}));

  // %%
  auto w = ct::arange(-2, 3).to(ct::kFloat), positive = ct::where(w > 0, w, ct::zeros_like(w));
  ct::print("where(w > 0, w, 0):", positive, " which is relu:", ct::equal(positive, w.relu()));
  check(positive, {0, 0, 0, 1, 2});

  // %% [markdown]
  // Some calls that are refused, and why, in one place. Read the second line of each message: it says what to do.

  // %%
  auto mask = ct::tensor({true, false});
  show_error([] { ct::zeros({-1}); }, "negative dimension -1");
  show_error([] { ct::linspace(0, 1, -5); }, "number of steps must be non-negative");
  show_error([&] { cube.t(); }, "t() expects a tensor with <= 2 dimensions, but self is 3D");
  show_error([&] { ct::where(w, w, w); }, "where expected condition to be a boolean tensor");
  show_error([&] { mask - mask; }, "Subtraction, the `-` operator, with two bool tensors is not supported");
  show_error([&] { ct::unbind(ct::ones({2}).requires_grad_() * 2)[0].add_(1); },
             "output of a function that returns multiple views");

  // %% [markdown]
  // ## 14. Outlook: tensors that remember
  // From Tutorial 2 on, some tensors record what is done to them, so that gradients can be computed. Two rules announce
  // themselves here: only floating point can be tracked, and a tracked tensor does not let itself be overwritten.

  // %%
  section("14. Outlook");
  show_error([] { ct::ones({2}, ct::kLong).requires_grad_(); },
             "Only Tensors of floating point and complex dtype can require gradients");
  show_error([] { ct::ones({2}).requires_grad_().add_(1); },
             "a leaf Variable that requires grad is being used in an in-place operation");

  // %% [markdown]
  // ## Task: standardise
  // `measured` has one row for each of 50 observations and one column for each of three quantities, on very different scales.
  // Make `standard` of it, whose columns have mean 0 and standard deviation 1, without a loop:
  //
  // $$s_{ij}=\frac{m_{ij}-\bar m_j}{\sigma_j},$$
  //
  // where $\bar m_j$ and $\sigma_j$ are the mean and the standard deviation of column $j$. Which shapes broadcast?

  // %%
  section("Task");
  ct::manual_seed(1);
  auto measured = ct::randn({50, 3}) * ct::tensor({0.1, 5.0, 300.0}) + ct::tensor({1.0, -20.0, 1000.0});
  auto standard = measured.clone();
  ct::print("means", measured.mean(0));

  // %% {"tags": ["solution"]}
  standard = (measured - measured.mean(0)) / measured.std({0}, true);  // (50, 3) with (3)

  // %%
  if (ct::equal(standard, measured)) {
    ct::print("standard is still measured: the cell above is yours");
  } else {
    ct::print("standardised: first row", standard[0]);
    check(standard.mean(0), {0, 0, 0}, 0, 1e-5);
    check(standard.std({0}, true), {1, 1, 1}, 1e-5);
  }

  // %% [markdown]
  // ## What to take along
  // - Shape and dtype are part of a tensor; in place, neither changes.
  // - An index, a slice, a transpose are views: writing there writes here.
  // - `matmul` sums over the inner size; `*` goes place by place, and broadcasts.
  // - A reduction leaves a 0-dim tensor; `item()` takes the number out.
  // - A seed fixes the sequence of all draws, not each draw by itself.
  //
  // ## Executive summary
  // What did this notebook show, with which numbers? Write it down in three or four lines, for somebody who has no time to run
  // it.

  // %% [markdown] {"tags": ["solution"]}
  // - A dtype follows from how a tensor is written, and is kept in place: adding 0.5 to ones of `int64` is an error in place, and
  //   gives `float32` out of place.
  // - Views share memory: a column of zeros brought the sum of the whole table from 16 to 12, and `row[0] = 5` showed in it.
  // - Two products: $AB$ sums over the inner size and has four entries, 58 to 154; $A\odot C$ has six, with the sum 910.
  // - Standardising is one line without a loop: $(50,3)$ with $(3)$ broadcasts, and the columns have mean 0 and deviation 1 up to
  //   $10^{-5}$.
  // - Seed 0 gives 1.5410, −0.2934, −2.1788 here as in PyTorch. One draw more at the start shifts all that follow.

  // %% [markdown]
  // ## Questions

  // %%
  const auto sum_is = [&](ct::ScalarType t) { return int_and_float == t; };
  const auto ratio_is = [&](ct::ScalarType t) { return int_by_int == t; };
  ask("Which dtype has the sum of an int64 and a float32 tensor?",
      choice({{"int64", sum_is(ct::kLong)}, {"float32", sum_is(ct::kFloat)}, {"float64", sum_is(ct::kDouble)}}),
      "Among different kinds of number, floating point wins, and keeps its own width.");
  ask("And an int64 tensor divided by another one?",
      choice({{"int64", ratio_is(ct::kLong)}, {"float32", ratio_is(ct::kFloat)}, {"float64", ratio_is(ct::kDouble)}}),
      "Division leaves the whole numbers, so the result has the default dtype of numbers with a point.");

  // %%
  bool refused = false;
  try {
    ct::ones({2}, ct::kLong).add_(0.5);
  } catch (const ct::Error&) { refused = true; }
  ask("Does ones of int64, .add_(0.5), give 1 where it would have to give 1.5?", yes_no(!refused),
      "It raises: nothing is rounded silently. In place, the dtype stays, and 1.5 is no int64.");
  ask("row = table[0]; row[0] = 5. Does table change?", yes_no(base_changed), "row is a view of table: the same memory.");
  return finish();
}
