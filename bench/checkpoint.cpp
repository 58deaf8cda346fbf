// checkpoint.cpp -- rows about checkpointing: memory and time of forward and backward through 64 layers.
#include "checkpoint.h"

#include <cotangent/checkpoint.h>
#include <cotangent/cotangent.h>
#include <cotangent/memory.h>

namespace bench {

namespace {

constexpr int layers = 64, width = 512;

// 64 times tanh(x w + b), with x, w [512, 512], in so many segments; 0: without checkpoint.
struct Chain {
  ct::Tensor x = ct::full({width, width}, 0.1).requires_grad_(), w = ct::full({width, width}, 0.001).requires_grad_(), b = ct::full({width}, 0.01).requires_grad_();
  std::vector<ct::Layer> functions;
  Chain() {
    for (int i = 0; i < layers; ++i) functions.emplace_back([this](const ct::Tensor& h) { return ct::tanh(h.mm(w) + b); });
  }
  void step(int segments) const {
    ct::Tensor y = x;
    if (segments) y = ct::checkpoint_sequential(functions, segments, x);
    else for (const ct::Layer& f : functions) y = f(y);
    y.sum().backward();
  }
};

template <int segments>
double peak(int threads) {
  ct::set_num_threads(threads);
  const Chain chain;
  chain.step(segments);  // the gradients of the parameters are there from now on
  ct::reset_peak_memory_stats();
  const double before = static_cast<double>(ct::memory_stats().allocated_bytes);
  chain.step(segments);
  return (static_cast<double>(ct::memory_stats().peak_allocated_bytes) - before) / 1048576;
}

template <int segments>
double time(int threads) {
  ct::set_num_threads(threads);
  const Chain chain;
  return 1e3 * time_per_call([&] { chain.step(segments); });
}

}  // namespace

std::vector<Row> checkpoint_rows() {
  const char* const without = "without checkpoint";
  const std::vector<int> one{1};
  using enum Better;
  return {
      {"checkpoint_64_peak_2", "MiB", lower, one, peak<2>, peak<0>, without, 1},
      {"checkpoint_64_peak_4", "MiB", lower, one, peak<4>, peak<0>, without, 1},
      {"checkpoint_64_peak_8", "MiB", lower, one, peak<8>, peak<0>, without, 1},
      {"checkpoint_64_peak_16", "MiB", lower, one, peak<16>, peak<0>, without, 1},
      {"checkpoint_64_peak_64", "MiB", lower, one, peak<64>, peak<0>, without, 1},
      {"checkpoint_64_time_2", "ms", lower, one, time<2>, time<0>, without, 3},
      {"checkpoint_64_time_4", "ms", lower, one, time<4>, time<0>, without, 3},
      {"checkpoint_64_time_8", "ms", lower, one, time<8>, time<0>, without, 3},
      {"checkpoint_64_time_16", "ms", lower, one, time<16>, time<0>, without, 3},
      {"checkpoint_64_time_64", "ms", lower, one, time<64>, time<0>, without, 3},
  };
}

}  // namespace bench
