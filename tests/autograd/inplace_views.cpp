// tests/autograd/inplace_views.cpp -- writes through views: whose history changes, and what the gradients are. The expected
// numbers are worked out by hand in the comments.
#include "values.h"

using ct::kDouble;
using ct::kLong;
using ct::Tensor;
using ct::autograd::grad;
using ct::indexing::Slice;

namespace {

Tensor leaf(std::initializer_list<double> v) { return ct::tensor(v, kDouble).requires_grad_(); }
Tensor number(std::initializer_list<double> v) { return ct::tensor(v, kDouble); }
// x * 1: a tracked tensor that may be written to.
Tensor copy_of(const Tensor& x) { return x * 1.0; }

}  // namespace

TEST_CASE("a write through a view gives the base a CopySlices node") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = copy_of(x);
  const Tensor v = y[1];
  CHECK(name_of(v) == "SelectBackward0");
  v.mul_(5);
  CHECK(name_of(y) == "CopySlices");
  CHECK(name_of(v) == "AsStridedBackward0");
  CHECK(v.is_view());
  CHECK(v._base().is_same(y));
  CHECK_VALUES(y, {1, 10, 3});
  // s = x0^2 + 25 x1^2 + x2^2
  (y * y).sum().backward();
  CHECK_VALUES(x.grad(), {2, 100, 6});
}

TEST_CASE("the graph of a write: the base's old producer, and the value that was written") {
  const Tensor x = leaf({1, 2, 3}), w = leaf({4, 5});
  const Tensor y = copy_of(x);
  const Tensor old = y * 1.0;  // keeps the old producer in use
  const ct::NodePtr before = y.grad_fn();
  y.slice(0, 0, 2).copy_(w);
  const ct::NodePtr node = y.grad_fn();
  REQUIRE(node->next_edges().size() == 2);
  CHECK(node->next_edge(0).function == before);
  CHECK(node->next_edge(1).function->name() == "AccumulateGrad");
  CHECK(node->next_edge(1).function->variable().is_same(w));
  (y * number({10, 20, 30})).sum().backward();
  CHECK_VALUES(x.grad(), {0, 0, 30});
  CHECK_VALUES(w.grad(), {10, 20});
}

TEST_CASE("a view made before the base is written shows the new value, and its history") {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor y = copy_of(x);
  const Tensor v = y.slice(0, 1, 3), apart = y[0];
  y.mul_(y.detach() * 0 + 3);  // y = 3x, written through the base
  CHECK_VALUES(v, {6, 9});
  CHECK(name_of(v) == "AsStridedBackward0");
  // s = (3 x1)^2 + (3 x2)^2 + 3 x0
  ((v * v).sum() + apart).backward();
  CHECK_VALUES(x.grad(), {3, 36, 54, 0});
}

TEST_CASE("one view sees what another one wrote") {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor y = copy_of(x);
  const Tensor a = y.slice(0, 0, 3), b = y.slice(0, 1, 4);
  a.mul_(2);  // y = [2x0, 2x1, 2x2, x3]
  b.mul_(5);  // y = [2x0, 10x1, 10x2, 5x3]
  a.add_(1);  // y = [2x0+1, 10x1+1, 10x2+1, 5x3]
  CHECK_VALUES(a, {3, 21, 31});
  CHECK_VALUES(b, {21, 31, 20});
  CHECK(a._version() == 3);
  CHECK(y._version() == 3);
  // s = sum(b^2): 2 (10x1+1) 10, 2 (10x2+1) 10, 2 (5x3) 5
  (b * b).sum().backward();
  CHECK_VALUES(x.grad(), {0, 420, 620, 200});
}

TEST_CASE("a write through a view of a view") {
  const Tensor x = ct::arange(6, kDouble).reshape({2, 3}).clone().requires_grad_();  // [[0,1,2],[3,4,5]]
  const Tensor y = copy_of(x);
  const Tensor row = y[1], part = row.slice(0, 1, 3), last = part[1];
  CHECK(part._base().is_same(y));
  part.mul_(2);     // y = [[x00, x01, x02], [x10, 2 x11, 2 x12]]
  last.mul_(last.clone());  // y12 = (2 x12)^2 = 100
  CHECK_VALUES(y, {0, 1, 2, 3, 8, 100});
  CHECK_VALUES(row, {3, 8, 100});
  // s = sum of y: d/dx12 = 8 x12 = 40
  y.sum().backward();
  CHECK_VALUES(x.grad(), {1, 1, 1, 1, 2, 40});
}

TEST_CASE("writing one part of a tensor into another part") {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor y = copy_of(x);
  y.slice(0, 0, 2).copy_(y.slice(0, 2, 4));  // y = [x2, x3, x2, x3]
  (y * number({1, 10, 100, 1000})).sum().backward();
  CHECK_VALUES(x.grad(), {0, 0, 101, 1010});

  const Tensor z = leaf({1, 2, 3, 4});
  const Tensor u = copy_of(z);
  u.slice(0, 1, 4).copy_(u.slice(0, 0, 3));  // overlapping: u = [z0, z0, z1, z2]
  CHECK_VALUES(u, {1, 1, 2, 3});
  (u * number({1, 10, 100, 1000})).sum().backward();
  CHECK_VALUES(z.grad(), {11, 100, 1000, 0});
}

TEST_CASE("an untracked base becomes tracked through a view of it") {
  const Tensor w = leaf({2, 3});
  const Tensor y = ct::zeros({3}, kDouble);
  const Tensor v = y.slice(0, 1, 3), apart = y[0];
  CHECK_FALSE(y.requires_grad());
  v.copy_(w * w);
  CHECK(y.requires_grad());
  CHECK_FALSE(y.is_leaf());
  CHECK(name_of(y) == "CopySlices");
  CHECK_FALSE(y.grad_fn()->next_edge(0).is_valid());
  CHECK(apart.requires_grad());  // a part of y, as in PyTorch
  (y * number({1, 10, 100})).sum().backward();
  CHECK_VALUES(w.grad(), {40, 600});
}

TEST_CASE("collecting results in a row, one write each") {
  const Tensor a = leaf({1.5});
  const Tensor rows = ct::zeros({4}, kDouble);
  Tensor p = a[0];
  for (std::int64_t i = 0; i < 4; ++i) {
    rows[i] = p;  // 1.5, 1.5^2, ..
    p = p * a[0];
  }
  rows.sum().backward();
  // 1 + 2a + 3a^2 + 4a^3
  CHECK_VALUES(a.grad(), {1 + 3 + 6.75 + 13.5});
}

TEST_CASE("the second derivative goes through a write") {
  const Tensor x = leaf({2, 3});
  const Tensor y = x * x;       // [x0^2, x1^2]
  y[0].mul_(y[1].clone());      // [x0^2 x1^2, x1^2]
  const Tensor s = (y * y).sum();  // x0^4 x1^4 + x1^4
  const Tensor g = grad({s}, {x}, {}, std::nullopt, true)[0];
  // [4 x0^3 x1^4, 4 x0^4 x1^3 + 4 x1^3] = [2592, 1728 + 108]
  CHECK_VALUES(g, {2592, 1836});
  CHECK(g.requires_grad());
  const Tensor h0 = grad({g[0]}, {x}, {}, true)[0];
  // [12 x0^2 x1^4, 16 x0^3 x1^3] = [3888, 3456]
  CHECK_VALUES(h0, {3888, 3456});
  const Tensor h1 = grad({g[1]}, {x})[0];
  // [16 x0^3 x1^3, 12 x0^4 x1^2 + 12 x1^2] = [3456, 1728 + 108]
  CHECK_VALUES(h1, {3456, 1836});
}

TEST_CASE("the third derivative goes through nested writes") {
  const Tensor x = leaf({2, 5});
  const Tensor y = copy_of(x);
  const Tensor v = y.slice(0, 0, 2);
  v[0].pow_(3);   // [x0^3, x1]
  v.mul_(x[1]);   // [x0^3 x1, x1^2]
  Tensor g = grad({y.sum()}, {x}, {}, std::nullopt, true)[0];
  CHECK_VALUES(g, {60, 18});  // [3 x0^2 x1, x0^3 + 2 x1]
  g = grad({g[0]}, {x}, {}, std::nullopt, true)[0];
  CHECK_VALUES(g, {60, 12});  // [6 x0 x1, 3 x0^2]
  g = grad({g[0]}, {x}, {}, std::nullopt, true)[0];
  CHECK_VALUES(g, {30, 12});  // [6 x1, 6 x0]
}

TEST_CASE("the value before a write in place is saved with its history") {
  const Tensor x = leaf({2});
  const Tensor y = copy_of(x);
  y.pow_(3);
  const Tensor g = grad({y.sum()}, {x}, {}, std::nullopt, true)[0];
  CHECK_VALUES(g, {12});
  CHECK_VALUES(grad({g.sum()}, {x})[0], {12});
}

TEST_CASE("a base that lies transposed in memory") {
  const Tensor x = ct::arange(6, kDouble).reshape({2, 3}).clone().requires_grad_();
  const Tensor y = copy_of(x.t());  // 3 x 2, column-major
  CHECK_FALSE(y.is_contiguous());
  y[1].mul_(10);                    // row 1 of y is column 1 of x
  y.t()[1].add_(y.t()[0]);          // column 1 of y += column 0
  // y = [[x00, x10 + x00], [10 x01, 10 x11 + 10 x01], [x02, x12 + x02]]
  CHECK_VALUES(y, {0, 3, 10, 50, 2, 7});
  y.sum().backward();
  CHECK_VALUES(x.grad(), {2, 20, 2, 1, 10, 1});
}

TEST_CASE("writes to slices with a step, diagonals and windows") {
  const Tensor x = ct::arange(9, kDouble).reshape({3, 3}).clone().requires_grad_();
  const Tensor y = copy_of(x);
  y.diagonal().mul_(number({2, 3, 4}));
  y.index({Slice(), Slice(0, 3, 2)}).mul_(10);
  y.sum().backward();
  CHECK_VALUES(x.grad(), {20, 1, 10, 10, 3, 10, 10, 1, 40});

  const Tensor u = leaf({1, 2, 3, 4});
  const Tensor w = copy_of(u);
  w.unfold(0, 2, 2)[1].mul_(7);  // [u0, u1, 7 u2, 7 u3]
  w.sum().backward();
  CHECK_VALUES(u.grad(), {1, 1, 7, 7});
}

TEST_CASE("masks and indices written through a view") {
  const Tensor x = ct::arange(6, kDouble).reshape({2, 3}).clone().requires_grad_(), w = leaf({7, 8});
  const Tensor y = copy_of(x);
  y[0].masked_fill_(ct::tensor({true, false, false}), -1);
  y[1].index_put_({ct::tensor({2, 0})}, w);  // y[1][2] = w0, y[1][0] = w1
  CHECK_VALUES(y, {-1, 1, 2, 8, 4, 7});
  CHECK(name_of(y) == "CopySlices");
  (y * y).sum().backward();
  CHECK_VALUES(x.grad(), {0, 2, 4, 0, 8, 0});
  CHECK_VALUES(w.grad(), {14, 16});
}

TEST_CASE("a thousand writes are a chain that backward walks without recursion") {
  const Tensor x = leaf({1.0});
  const Tensor y = ct::zeros({1000}, kDouble);
  for (std::int64_t i = 0; i < 1000; ++i) y[i] = x[0] * static_cast<double>(i % 3);
  y.sum().backward();
  CHECK_VALUES(x.grad(), {999});
}

TEST_CASE("a value that was saved and then written through a view is noticed") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = copy_of(x);
  const Tensor z = y * y;
  y[0].zero_();
  const std::string message = error_of([&] { z.sum().backward(); });
  CHECK(has(message, "one of the variables needed for gradient computation has been modified by an inplace operation"));
  CHECK(has(message, "is at version 1; expected version 0 instead"));

  CHECK_ERROR(
      {
        const Tensor own = copy_of(x);
        own[0].mul_(own[0]);  // the factor is the value that is being written
        own.sum().backward();
      },
      "modified by an inplace operation");

  const Tensor u = copy_of(x);
  const Tensor squares = u[2] * u[2];
  u[0].zero_();  // another element, but the same version counter, as in PyTorch
  CHECK_ERROR(squares.backward(), "modified by an inplace operation");
}

TEST_CASE("a copy protects the value that was saved") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = copy_of(x);
  const Tensor z = y.clone() * y.clone();
  y[0].zero_();
  (z.sum() + y.sum()).backward();
  CHECK_VALUES(x.grad(), {2, 5, 7});
}

TEST_CASE("views of leaves refuse writes, unless grad mode is off") {
  const Tensor x = leaf({1, 2, 3});
  const std::string phrase = "a view of a leaf Variable that requires grad is being used in an in-place operation";
  CHECK_ERROR(x[0].mul_(2), phrase);
  CHECK_ERROR(x.index_put_({0}, 5.0), phrase);
  CHECK_ERROR(x.slice(0, 0, 2).copy_(number({1, 1})), phrase);
  CHECK_ERROR(x.index_put_({ct::tensor({0})}, 5.0), "a leaf Variable that requires grad is being used in an in-place operation");
  CHECK_VALUES(x, {1, 2, 3});
  {
    ct::NoGradGuard off;
    x.index_put_({0}, 5.0);
    x[1] = 7.0;
  }
  CHECK_VALUES(x, {5, 7, 3});
  CHECK(x.is_leaf());
  CHECK(x._version() == 2);
}

TEST_CASE("several views of one call refuse writes") {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor y = copy_of(x);
  const std::string phrase = "This view is the output of a function that returns multiple views";
  CHECK_ERROR(y.unbind()[0].mul_(2), phrase);
  CHECK_ERROR(y.split(2)[1].mul_(2), phrase);
  CHECK_ERROR(y.split({1, 3})[1].mul_(2), phrase);
  CHECK_ERROR(y.chunk(2)[0].mul_(2), phrase);
  CHECK_ERROR(y.chunk(2)[0][0].zero_(), phrase);  // a view of such a view, too
  CHECK_VALUES(y, {1, 2, 3, 4});
  y.tensor_split(2)[0].mul_(2);  // made of slices, one by one
  CHECK_VALUES(y, {2, 4, 3, 4});
  const Tensor plain = number({1, 2});
  plain.unbind()[0].mul_(2);  // nothing is tracked
  CHECK_VALUES(plain, {2, 2});
  // Nor may they be used once their base was written.
  const Tensor u = copy_of(x);
  const std::vector<Tensor> parts = u.split(2);
  u.mul_(3);
  CHECK_ERROR(parts[1] * parts[1], phrase);
}

TEST_CASE("views made in no_grad mode refuse tracked writes") {
  const Tensor x = leaf({1, 2});
  const Tensor y = copy_of(x);
  Tensor v;
  {
    ct::NoGradGuard off;
    v = y[0];
    v.mul_(2);  // fine: same mode
  }
  CHECK_ERROR(v.mul_(2), "A view was created in no_grad mode and is being modified inplace with grad mode enabled");
  CHECK_VALUES(y, {2, 2});
}

TEST_CASE("an expanded tensor refuses writes") {
  const Tensor x = number({1, 2});
  CHECK_ERROR(x.expand({3, 2}).add_(1), "unsupported operation: more than one element of the written-to tensor refers to a single memory location");
  x.expand({1, 2}).add_(1);
  CHECK_VALUES(x, {2, 3});
}

TEST_CASE("retain_grad follows the value through a write") {
  const Tensor x = leaf({1, 2});
  const Tensor y = copy_of(x);
  y.retain_grad();
  y[0].mul_(10);
  (y * number({3, 4})).sum().backward();
  CHECK_VALUES(y.grad(), {3, 4});  // of the new value
  CHECK_VALUES(x.grad(), {30, 4});
}

TEST_CASE("aliases: views and detach() share memory and version, data() only memory") {
  const Tensor x = number({1, 2, 3, 4});
  const Tensor v = x.view({2, 2}), d = x.detach(), raw = x.data(), c = x.clone();
  CHECK(v.is_alias_of(x));
  CHECK(x.is_alias_of(v[1]));
  CHECK(v[0].is_alias_of(v[1]));  // the same storage, though not the same elements
  CHECK(d.is_alias_of(x));
  CHECK(raw.is_alias_of(x));
  CHECK(raw.is_alias_of(v));
  CHECK_FALSE(c.is_alias_of(x));
  CHECK(x.reshape({4}).is_alias_of(x));
  CHECK_FALSE(v.t().reshape({4}).is_alias_of(x));
  CHECK_FALSE(x.view({2, 2}).is_same(v));
  d.zero_();
  CHECK(x._version() == 1);
  CHECK(v._version() == 1);
  raw.zero_();
  CHECK(x._version() == 1);
  CHECK(raw._version() == 1);
  CHECK(v.is_view());
  CHECK_FALSE(d.is_view());
  CHECK(v[0]._base().is_same(x));
}

TEST_CASE("as_strided: overlapping looks add up, shared elements share") {
  const Tensor x = leaf({1, 2, 3, 4, 5});
  const Tensor y = x.as_strided({3, 3}, {1, 1});  // [[1,2,3],[2,3,4],[3,4,5]]
  CHECK_VALUES(y, {1, 2, 3, 2, 3, 4, 3, 4, 5});
  y.sum().backward();
  CHECK_VALUES(x.grad(), {1, 2, 3, 2, 1});

  // From a part to elements before it: nothing of x is out of reach, but only what x shows gets a gradient.
  const Tensor z = leaf({1, 2, 3, 4});
  const Tensor part = z.slice(0, 2, 4);
  const Tensor all = part.as_strided({4}, {1}, 0);
  CHECK_VALUES(all, {1, 2, 3, 4});
  (all * number({1, 10, 100, 1000})).sum().backward();
  CHECK_VALUES(z.grad(), {0, 0, 100, 1000});

  // An expanded input: each of its elements at one place gets the mean of what arrives there.
  const Tensor w = leaf({3});
  const Tensor wide = w.expand({4});
  const Tensor g = grad({wide.as_strided({1}, {1}).sum()}, {wide})[0];
  CHECK_VALUES(g, {0.25, 0.25, 0.25, 0.25});

  // Twice: dy/dx of as_strided with create_graph
  const Tensor u = leaf({1, 2, 3});
  const Tensor windows = u.as_strided({2, 2}, {1, 1});  // [[u0,u1],[u1,u2]]
  const Tensor first = grad({(windows * windows * windows).sum()}, {u}, {}, std::nullopt, true)[0];
  CHECK_VALUES(first, {3, 24, 27});  // 3 u^2 times how often
  CHECK_VALUES(grad({first.sum()}, {u})[0], {6, 24, 18});
}

TEST_CASE("a gradient that goes into a view arrives in the base, in its own geometry") {
  const Tensor x = ct::arange(6, kDouble).reshape({2, 3}).clone().requires_grad_();
  const Tensor y = copy_of(x);
  const Tensor v = y.t();        // made before the write
  y[0].mul_(2);
  (v * ct::arange(6, kDouble).reshape({3, 2})).sum().backward();
  CHECK_VALUES(x.grad(), {0, 4, 8, 1, 3, 5});
}

TEST_CASE("the dimensions of a tensor change in place") {
  const Tensor x = ct::arange(6, kDouble).reshape({2, 3}).clone().requires_grad_();
  const Tensor y = copy_of(x);
  y.t_();
  CHECK_SIZES(y, {3, 2});
  CHECK(name_of(y) == "TBackward0");
  y.unsqueeze_(1);
  CHECK_SIZES(y, {3, 1, 2});
  y.transpose_(0, 2);
  CHECK_SIZES(y, {2, 1, 3});
  y.squeeze_(1);
  y.squeeze_();
  CHECK_SIZES(y, {2, 3});
  CHECK(y._version() == 5);
  (y * ct::arange(6, kDouble).reshape({2, 3})).sum().backward();
  CHECK_VALUES(x.grad(), {0, 1, 2, 3, 4, 5});
  CHECK_ERROR(x.t_(), "a leaf Variable that requires grad is being used in an in-place operation");
  CHECK_ERROR(copy_of(x)[0].unsqueeze_(0), "the dimensions of a tracked view cannot be changed in place");
  const Tensor plain = number({1, 2, 3});
  plain.unsqueeze_(0);
  CHECK_SIZES(plain, {1, 3});
  CHECK_ERROR(ct::zeros({1, 1, 1}).t_(), "expects a tensor with <= 2 dimensions, but self is 3D");
  // What was saved before must not be read in the new shape.
  const Tensor z = copy_of(x);
  const Tensor squares = z * z;
  z.t_();
  CHECK_ERROR(squares.sum().backward(), "modified by an inplace operation");
}

TEST_CASE("resize_ keeps elements, and refuses what others would notice") {
  const Tensor x = number({1, 2, 3, 4});
  x.resize_({2});
  CHECK_VALUES(x, {1, 2});
  x.resize_({2, 2});
  CHECK_VALUES(x, {1, 2, 3, 4});
  x.resize_({100});
  CHECK(x.numel() == 100);
  CHECK(values(x)[3] == 4);
  const Tensor v = x[0];
  CHECK_ERROR(x.resize_({200}), "Trying to resize storage that is not resizable");
  CHECK_ERROR(leaf({1}).resize_({2}), "cannot resize variables that require grad");
  CHECK_ERROR(x.resize_({-1}), "negative dimension -1");
  CHECK(x.numel() == 100);
}
