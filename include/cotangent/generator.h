// cotangent/generator.h -- streams of random numbers, bit for bit those of PyTorch's CPU generator.
#pragma once

#include <cstdint>

#include "cotangent/api.h"

namespace ct {

class Tensor;
namespace detail { struct GeneratorImpl; }

/// A handle on a stream; copies share it. Default-constructed: a new stream with the default seed 67280421310721.
class CT_API Generator {
 public:
  Generator();
  explicit Generator(std::uint64_t seed);
  Generator(const Generator& o) noexcept;
  Generator& operator=(const Generator& o) noexcept;
  ~Generator();

  /// Restarts the stream, as manual_seed does for the default one; forgets the cached normal number.
  void set_current_seed(std::uint64_t seed) const;
  const Generator& manual_seed(std::uint64_t seed) const { set_current_seed(seed); return *this; }
  /// The seed of the last (re)start.
  std::uint64_t current_seed() const;
  std::uint64_t initial_seed() const { return current_seed(); }
  /// Restarts from a seed of the operating system, and returns it.
  std::uint64_t seed() const;
  /// The whole state as a kByte tensor, for set_state.
  Tensor get_state() const;
  /// Errors: ct::Error if `state` is not one that get_state made; the stream is then unchanged.
  void set_state(const Tensor& state) const;
  /// An independent stream that continues from the same state.
  Generator clone() const;

  detail::GeneratorImpl& impl() const { return *impl_; }

 private:
  detail::GeneratorImpl* impl_;
};

/// The stream that random functions draw from unless given another.
CT_API const Generator& default_generator();
/// Restarts the default stream: the numbers after manual_seed(s) are those of torch.manual_seed(s).
CT_API void manual_seed(std::uint64_t seed);
/// Restarts the default stream from a seed of the operating system, and returns it.
CT_API std::uint64_t seed();
CT_API std::uint64_t initial_seed();
CT_API Tensor get_rng_state();
CT_API void set_rng_state(const Tensor& state);

}  // namespace ct
