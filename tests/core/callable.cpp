// tests/core/callable.cpp -- FunctionRef and Callback: what they call, what they own.
#include <doctest/doctest.h>

#include "cotangent/callable.h"

namespace {
int twice(int x) { return 2 * x; }
struct Counted {
  static inline int alive = 0;
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  ~Counted() { --alive; }
};
int through(ct::FunctionRef<int(int)> f) { return f(20); }
}  // namespace

TEST_CASE("a FunctionRef calls functions, closures and their state") {
  int calls = 0;
  CHECK(through(twice) == 40);
  CHECK(through([&](int x) { ++calls; return x + 1; }) == 21);
  auto counter = [n = 0](int x) mutable { return x + ++n; };
  CHECK(through(counter) == 21);
  CHECK(through(counter) == 22);
  CHECK(calls == 1);
}

TEST_CASE("copies of a Callback share what it owns, until the last one goes") {
  {
    Counted counted;
    ct::Callback<int()> a = [counted, n = 0]() mutable { return ++n; };
    ct::Callback<int()> b = a;
    CHECK(a() == 1);
    CHECK(b() == 2);
    a = nullptr;
    CHECK(!a);
    CHECK(b() == 3);
    CHECK(Counted::alive == 2);
  }
  CHECK(Counted::alive == 0);
  ct::Callback<void(int)> ignores_result = twice;
  ignores_result(1);
  CHECK(!ct::Callback<void()>());
}
