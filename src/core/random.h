// core/random.h -- the Mersenne Twister and the state of a stream.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "core/refcount.h"
#include "cotangent/generator.h"

namespace ct::detail {

// MT19937: M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998). Every draw has 32 bits.
class MersenneTwister {
 public:
  static constexpr int words = 624;

  explicit MersenneTwister(std::uint64_t seed) { restart(seed); }
  void restart(std::uint64_t seed);  // only the lower 32 bits of the seed count, as in PyTorch

  std::uint32_t operator()() {
    if (--left == 0) twist();
    std::uint32_t y = state[next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }
  // Two draws, the first one in the upper half.
  std::uint64_t draw64() {
    const std::uint64_t high = (*this)();
    return high << 32 | (*this)();
  }
  // In [0, 1), as finely as T can hold: 24 bits of one draw for float, 53 bits of two for double.
  float uniform_float() { return static_cast<float>((*this)() & 0xffffffu) * 0x1p-24f; }
  double uniform_double() { return static_cast<double>(draw64() & ((std::uint64_t{1} << 53) - 1)) * 0x1p-53; }

  std::uint32_t state[words];
  int left;  // draws until the next twist, plus one
  int next;  // the word of the next draw

 private:
  void twist();
};

// What a Generator points to. Every draw is made under the mutex.
struct GeneratorImpl {
  Refcount refs;
  std::mutex mutex;
  std::uint64_t seed;
  MersenneTwister engine;
  std::optional<double> cached_normal;  // the second of a pair made by Box and Muller's formula

  explicit GeneratorImpl(std::uint64_t s) : seed(s), engine(s) {}
  // A normal number with mean 0 and standard deviation 1: r cos(t), and the next time r sin(t), where
  // t = 2 pi u1, r = sqrt(-2 ln(1 - u2)).
  double normal();
};

}  // namespace ct::detail
