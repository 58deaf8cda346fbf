// tests/core/threads.cpp -- the pool: parts of a range, changes of its size, nesting, and life after fork.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "core/parallel.h"
#include "cotangent/tensor.h"
#include "cotangent/threads.h"

using ct::Tensor;

namespace {

// Sets the number of threads for a scope.
struct Threads {
  int before = ct::get_num_threads();
  explicit Threads(int n) { ct::set_num_threads(n); }
  ~Threads() { ct::set_num_threads(before); }
};

constexpr std::int64_t large = 1 << 20;

}  // namespace

TEST_CASE("parallel_for covers every index exactly once") {
  for (int threads : {1, 2, 3, 8}) {
    Threads scope(threads);
    CHECK(ct::get_num_threads() == threads);
    for (std::int64_t n : {0, 1, 63, 64, 65, 1000, 4097, 100'003})
      for (std::int64_t grain : {1, 7, 1000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
        ct::detail::parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        int wrong = 0;
        for (const auto& s : seen) wrong += s != 1;
        CHECK(wrong == 0);
      }
  }
}

TEST_CASE("a loop inside a loop runs on the thread it is on") {
  Threads scope(4);
  std::atomic<std::int64_t> total{0};
  ct::detail::parallel_for(64, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      ct::detail::parallel_for(1000, 1, [&](std::int64_t b, std::int64_t e) { total += e - b; });
  });
  CHECK(total == 64 * 1000);
}

TEST_CASE("results do not depend on the number of threads") {
  Tensor x = ct::empty({large}), y = ct::empty({large});
  for (std::int64_t i = 0; i < large; ++i) x.data_ptr<float>()[i] = 1.0f / static_cast<float>(i + 1), y.data_ptr<float>()[i] = 0.5f;
  float sums[3], products[3];
  int k = 0;
  for (int threads : {1, 2, 5}) {
    Threads scope(threads);
    sums[k] = x.sum().item<float>();
    products[k++] = (x * y).sum().item<float>();
  }
  CHECK(sums[0] == sums[1]);
  CHECK(sums[0] == sums[2]);
  CHECK(products[0] == products[1]);
  CHECK(products[0] == products[2]);
}

TEST_CASE("several threads compute large operations at once while the number of threads changes") {
  Threads scope(3);
  std::atomic<int> wrong{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> users;
  for (int t = 0; t < 3; ++t)
    users.emplace_back([&] {
      const Tensor x = ct::ones({large / 4});
      for (int i = 0; i < 30; ++i)
        if ((x + x).sum().item<float>() != static_cast<float>(large / 2)) ++wrong;
    });
  std::thread changer([&] {
    for (int n = 1; !stop; n = n % 4 + 1) ct::set_num_threads(n);
  });
  for (std::thread& t : users) t.join();
  stop = true;
  changer.join();
  CHECK(wrong == 0);
}

TEST_CASE("set_num_threads refuses less than one") {
  CHECK_THROWS_AS(ct::set_num_threads(0), ct::ValueError);
  CHECK_THROWS_AS(ct::set_num_threads(-2), ct::ValueError);
}

#if defined(__unix__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
#define CT_TEST_FORK 1
#elif !__has_feature(thread_sanitizer)
#define CT_TEST_FORK 1
#endif
#endif

#ifdef CT_TEST_FORK
TEST_CASE("a child of fork computes with threads of its own") {
  Threads scope(3);
  const Tensor x = ct::ones({large});
  CHECK((x + x).sum().item<float>() == static_cast<float>(2 * large));  // the pool exists
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);  // a child that hangs dies
    bool ok = (x + x).sum().item<float>() == static_cast<float>(2 * large);
    ct::set_num_threads(2);
    ok = ok && (x * x).sum().item<float>() == static_cast<float>(large);
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit((x + x).sum().item<float>() == static_cast<float>(2 * large) ? 0 : 1);
    int status = 1;
    waitpid(grandchild, &status, 0);
    _exit(ok && status == 0 ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK((x + x).sum().item<float>() == static_cast<float>(2 * large));
}
#endif
