// lesson.cpp -- makes the errors that name lines; lines.sh compiles it in several ways and compares what it prints.
#include <cotangent/cotangent.h>

#include <cstdio>

static ct::Tensor make_loss(const ct::Tensor& x) {
  auto y = x.exp();      // line 7
  auto z = y * 2;        // line 8: saves nothing that changes
  y.add_(1);             // line 9
  return z.sum() + y.sum();
}

template <class F>
static void show(const F& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    std::printf("%s\n", e.what());
  }
}

int main() {
  auto x = ct::tensor({1.0, 2.0}, ct::requires_grad());
  show([&] { make_loss(x).backward(); });
  auto y = (x * x).sum();                   // line 25
  y.backward();                             // line 26
  show([&] { y.backward(); });             // freed at line 26, recorded at line 25
  auto w = x.sigmoid().mul(-x).pow(3.0).mean() / 2;   // line 28: doors within doors
  std::printf("%s %s\n", ct::to_string(w.grad_fn()->location()).c_str(), w.grad_fn()->location().function.c_str());
  auto v = x.clone();
  v *= x;                                   // line 31
  std::printf("%s\n", ct::to_string(v.grad_fn()->location()).c_str());
  auto g = ct::autograd::grad({(x * x * x).sum()}, {x}, {}, true, true)[0];   // line 33
  std::printf("%s\n", ct::to_string(g.grad_fn()->location()).c_str());
}
