// cotangent/generator.h -- streams of random numbers, bit for bit those of PyTorch's CPU generator.
#pragma once

#include <cstdint>
#include <type_traits>  // refusing seeds that are no whole numbers

#include "cotangent/api.h"

namespace ct {

class Tensor;
namespace detail {
struct GeneratorImpl;
CT_API std::uint64_t whole_seed(double seed);
}  // namespace detail

/// A handle on a stream; copies share it. Default-constructed: a new stream with the default seed 67280421310721.
/// Drawing is safe from several threads: each call of a random function has the stream for itself.
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
  /// Errors: ct::ValueError for a seed that is no whole number (1.5, nan).
  template <class T>
    requires(std::is_floating_point_v<T>)
  const Generator& manual_seed(T seed) const { return manual_seed(detail::whole_seed(static_cast<double>(seed))); }
  /// The seed of the last (re)start.
  std::uint64_t current_seed() const;
  std::uint64_t initial_seed() const { return current_seed(); }
  /// Restarts from a seed of the operating system, and returns it.
  std::uint64_t seed() const;
  /// The whole state as a kByte tensor, for set_state; the same bytes as torch.get_rng_state().
  Tensor get_state() const;
  /// Errors: ct::Error if `state` is not one that get_state made; the stream is then unchanged.
  void set_state(const Tensor& state) const;
  /// An independent stream that continues from the same state.
  Generator clone() const;

  detail::GeneratorImpl& impl() const { return *impl_; }

 private:
  detail::GeneratorImpl* impl_;
};

/// The stream that random functions draw from unless given another. Until manual_seed it is different in every run.
CT_API const Generator& default_generator();
/// Restarts the default stream: the numbers after manual_seed(s) are those of torch.manual_seed(s).
CT_API void manual_seed(std::uint64_t seed);
/// Errors: ct::ValueError for a seed that is no whole number (1.5, nan).
template <class T>
  requires(std::is_floating_point_v<T>)
void manual_seed(T seed) { manual_seed(detail::whole_seed(static_cast<double>(seed))); }
/// Restarts the default stream from a seed of the operating system, and returns it.
CT_API std::uint64_t seed();
CT_API std::uint64_t initial_seed();
CT_API Tensor get_rng_state();
CT_API void set_rng_state(const Tensor& state);

}  // namespace ct
