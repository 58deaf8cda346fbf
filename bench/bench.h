// bench.h -- what a row of the benchmark is.
#pragma once

#include <string>
#include <vector>

namespace bench {

// One measured side of a row: takes the number of threads, returns one figure in the row's unit. Called several times;
// the median counts.
using Measure = double (*)(int threads);

enum class Better { lower, higher };

struct Row {
  const char* name;
  const char* unit;
  Better better;
  std::vector<int> threads;       // the row is measured once for each
  Measure ct;
  Measure other = nullptr;        // libtorch, or the baseline named below; null where it cannot do the work
  const char* baseline = nullptr; // of rows against something else than libtorch
  int repeats = 7;
};

// libtorch's side of the rows, null where this build has no libtorch (libtorch.cpp).
struct Libtorch {
  Measure scalar_chain_backward = nullptr, scalar_chain_no_grad = nullptr, tracked_scalar_op = nullptr, add_16m = nullptr, exp_16m = nullptr,
          sum_16m = nullptr, mm_1024 = nullptr, compile_hello = nullptr, start_hello = nullptr, rss_hello = nullptr, install_size = nullptr,
          bytes_per_scalar_op = nullptr;
};
Libtorch libtorch_measures();

// Shared by both sides, so that they do the same work.
inline constexpr int chain_length = 200;
inline constexpr long large = 16L << 20;

double now();                                    // seconds
double resident_mb();                            // of this process
// Runs f until a tenth of a second has passed and returns the seconds one call took.
template <class F>
double time_per_call(F f) {
  f();
  long calls = 1;
  for (;;) {
    const double start = now();
    for (long i = 0; i < calls; ++i) f();
    const double took = now() - start;
    if (took > 0.1) return took / static_cast<double>(calls);
    calls = took < 0.01 ? calls * 8 : static_cast<long>(static_cast<double>(calls) * 0.12 / took) + 1;
  }
}

// A small program that computes one gradient, for the rows about building and starting (hello.cpp).
struct Hello { double compile_seconds = 0, start_ms = 0, rss_mb = 0, library_mb = 0; };
const Hello& ct_hello();
const Hello& libtorch_hello();

}  // namespace bench
