// autograd/lines.cpp -- errors name the lines of the program: of the forward call, of the write in place, of the first backward.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "autograd/node.h"
#include "cotangent/cotangent.h"
#include "cotangent/custom_function.h"

using namespace ct;

namespace {

// "lines.cpp:12"
std::string line(int n) { return "lines.cpp:" + std::to_string(n); }

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

bool known() { return tensor(1.0, requires_grad()).exp().grad_fn()->location().line > 0; }

}  // namespace

struct Twice : autograd::Function<Twice> {
  static Tensor forward(autograd::AutogradContext* ctx, const Tensor& x) {
    ctx->save_for_backward({x});
    return x * 2;
  }
  static autograd::variable_list backward(autograd::AutogradContext* ctx, autograd::variable_list g) {
    ctx->get_saved_variables();
    return {g[0] * 2};
  }
};

// A build without frame pointers, or a machine without libdw, has errors without lines; nothing else may change.
#define NEEDS_LINES() \
  if (!known()) { MESSAGE("no lines are known in this build"); return; }

TEST_CASE("a node says where it was recorded") {
  NEEDS_LINES();
  auto x = tensor({1.0, 2.0}, requires_grad());
  auto check = [](const Tensor& y, int n) { CHECK(to_string(y.grad_fn()->location()) == line(n)); };
  check(exp(x), __LINE__);
  check(x.exp(), __LINE__);
  check(x * x, __LINE__);
  check(2 / x, __LINE__);
  check(-x, __LINE__);
  check(x.pow(2), __LINE__);
  check(x.var(), __LINE__);
  check(x[0], __LINE__);
  check(x.index({indexing::Slice(0, 1)}), __LINE__);
  check(x.split(1)[1], __LINE__);
  check(std::get<0>(x.sort()), __LINE__);
  check(softmax(x, 0), __LINE__);
  check(einsum("i,i->", {x, x}), __LINE__);
  check(x.view({2, 1}).mm(x.view({1, 2})), __LINE__);
  Tensor y = x.clone();
  y += 1;
  check(y, __LINE__ - 1);
  y.unsqueeze_(0);
  check(y, __LINE__ - 1);
  const SourceLocation at = x.exp().grad_fn()->location();
  CHECK(at.file.find("tests/autograd/lines.cpp") != std::string::npos);
}

TEST_CASE("a node that backward recorded names the call of backward; a call in a thread names its line") {
  NEEDS_LINES();
  auto x = tensor({1.0, 2.0}, requires_grad());
  auto y = x.pow(3).sum();
  Tensor g = autograd::grad({y}, {x}, {}, true, true)[0];
  CHECK(to_string(g.grad_fn()->location()) == line(__LINE__ - 1));
  Tensor z;
  int n = 0;
  std::thread([&] { z = x.exp(); n = __LINE__; }).join();
  CHECK(to_string(z.grad_fn()->location()) == line(n));
}

TEST_CASE("a changed saved value: where it was saved and where it was changed") {
  NEEDS_LINES();
  auto x = tensor({1.0, 2.0}, requires_grad());
  auto y = x.exp();
  const int saved = __LINE__ - 1;
  auto z = y.sum();
  y.add_(1);
  const int changed = __LINE__ - 1;
  std::string m = message([&] { y.sum().backward(); });
  has(m, "modified by an inplace operation");
  has(m, "\n  Saved by `exp` at " + line(saved) + ", changed by `add_` at " + line(changed) + ".\n");
  has(m, "raised in the backward of ExpBackward0, recorded at " + line(saved));

  // Through a view, an alias and a plain assignment, also where nothing is recorded.
  y = x.exp();
  {
    NoGradGuard no_grad;
    y.detach()[0] = 5.0;
  }
  has(message([&] { y.sum().backward(); }), ", changed by `fill_` at " + line(__LINE__ - 2) + ".\n");
  y = x.exp();
  y.detach() *= 2;
  has(message([&] { y.sum().backward(); }), ", changed by `mul_` at " + line(__LINE__ - 1) + ".\n");
  y = x.sigmoid();
  auto buffer = y.detach();
  {
    NoGradGuard no_grad;
    add_out(buffer, tensor({1.0, 1.0}), tensor({1.0, 1.0}));
  }
  has(message([&] { y.sum().backward(); }), ", changed by `out=` at " + line(__LINE__ - 2) + ".\n");
}

TEST_CASE("a second backward: where the first one was") {
  NEEDS_LINES();
  auto x = tensor({1.0, 2.0}, requires_grad());
  auto y = (x * x).sum();
  const int recorded = __LINE__ - 1;
  y.backward();
  const int first = __LINE__ - 1;
  const std::string places = "\n  First backward at " + line(first) + ", `mul` was recorded at " + line(recorded) + ".\n";
  has(message([&] { y.backward(); }), places);
  has(message([&] { y.backward(); }), places);  // the failing one is not the first
  has(message([&] { y.grad_fn()->next_edge(0).function->saved_tensors(); }), places);

  auto base = x * 2;
  base[0].mul_(x[1]);
  const int written = __LINE__ - 1;
  auto out = base.sum();
  autograd::grad({out}, {x});
  has(message([&] { autograd::grad({out}, {x}); }), "\n  First backward at " + line(__LINE__ - 1) + ", `CopySlices` was recorded at " + line(written));
}

TEST_CASE("functions of the program name lines as ours do") {
  NEEDS_LINES();
  auto x = tensor({1.0, 2.0}, requires_grad()) * 1;
  auto y = Twice::apply(x);
  const int recorded = __LINE__ - 1;
  CHECK(to_string(y.grad_fn()->location()) == line(recorded));
  x.mul_(2);
  has(message([&] { y.sum().backward(); }), "\n  Saved by `TwiceBackward` at " + line(recorded) + ", changed by `mul_` at " + line(__LINE__ - 1) + ".\n");
  y = Twice::apply(x);
  y.sum().backward();
  has(message([&] { y.sum().backward(); }), "\n  First backward at " + line(__LINE__ - 1) + ", `TwiceBackward` was recorded at " + line(__LINE__ - 2) + ".\n");
}

TEST_CASE("what was freed by no backward names none") {
  auto x = tensor({1.0, 2.0}, requires_grad());
  auto y = x * x;
  NodePtr node = y.grad_fn();
  y.backward(ones_like(y), true);
  CHECK(node->saved_tensors().size() == 2);
  y.reset();
  CHECK(node->saved_tensors().size() == 2);
  node = nullptr;
}

TEST_CASE("addresses that belong to nothing are no place") {
  CHECK(detail::locate(nullptr).file.empty());
  CHECK(to_string(SourceLocation{}).empty());
  CHECK(detail::place(" at ", nullptr).empty());
  static const char data = 0;
  CHECK(detail::locate(&data).file.empty());
  CHECK(detail::place(" at ", reinterpret_cast<const void*>(std::uintptr_t{16})).empty());
  CHECK(to_string(SourceLocation{"/a/b/c.cpp", 7, "f"}) == "c.cpp:7");
  CHECK(to_string(SourceLocation{"c.cpp", 7, "f"}) == "c.cpp:7");
  CHECK(to_string(SourceLocation{"", 0, "main+0x1f of prog"}) == "main+0x1f of prog");
}
