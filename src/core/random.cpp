// core/random.cpp -- generators: seeding, saving, restoring.
#include "core/random.h"

#include <cmath>
#include <cstring>
#include <random>

#include "core/tensor_impl.h"

namespace ct {
namespace detail {

void MersenneTwister::restart(std::uint64_t seed) {
  state[0] = static_cast<std::uint32_t>(seed);
  for (std::uint32_t j = 1; j < words; ++j) state[j] = 1812433253u * (state[j - 1] ^ (state[j - 1] >> 30)) + j;
  left = 1;
  next = 0;
}

void MersenneTwister::twist() {
  constexpr int shift = 397;
  auto mix = [](std::uint32_t u, std::uint32_t v) {
    return (((u & 0x80000000u) | (v & 0x7fffffffu)) >> 1) ^ ((v & 1u) ? 0x9908b0dfu : 0u);
  };
  int j = 0;
  for (; j < words - shift; ++j) state[j] = state[j + shift] ^ mix(state[j], state[j + 1]);
  for (; j < words - 1; ++j) state[j] = state[j + shift - words] ^ mix(state[j], state[j + 1]);
  state[j] = state[shift - 1] ^ mix(state[j], state[0]);
  left = words;
  next = 0;
}

double GeneratorImpl::normal() {
  if (cached_normal) {
    const double v = *cached_normal;
    cached_normal.reset();
    return v;
  }
  const double u1 = engine.uniform_double(), u2 = engine.uniform_double();
  const double r = std::sqrt(-2.0 * std::log(1.0 - u2)), t = 2.0 * 3.14159265358979323846 * u1;
  cached_normal = r * std::sin(t);
  return r * std::cos(t);
}

}  // namespace detail

using detail::GeneratorImpl;
using detail::MersenneTwister;

namespace {

constexpr std::uint64_t default_seed = 67280421310721;

std::uint64_t seed_from_system() {
  std::random_device device;
  // 53 bits, so that the seed is also a whole number in languages that only know doubles.
  return ((std::uint64_t{device()} << 32) | device()) & ((std::uint64_t{1} << 53) - 1);
}

// The bytes of a saved state are those that torch.get_rng_state() writes on a little-endian machine, so that streams can be
// handed over in either direction.
struct SavedState {
  std::uint64_t seed;
  std::int32_t left, seeded;
  std::uint64_t next;
  std::uint64_t words[MersenneTwister::words];
  double normal_x, normal_y, normal_rho;
  std::int32_t normal_is_valid, unused;
  float float_normal;
  std::int32_t float_normal_is_valid;
};
static_assert(sizeof(SavedState) == 5056);

bool valid(const SavedState& s) {
  if (s.seeded != 1 || s.left < 1 || s.left > MersenneTwister::words || s.next > MersenneTwister::words) return false;
  // `left` and `next` count the same draws, but for a stream that has not begun.
  if (s.left + static_cast<std::int64_t>(s.next) != MersenneTwister::words + 1 && !(s.left == 1 && s.next == 0)) return false;
  if ((s.normal_is_valid & ~1) || (s.normal_is_valid && !std::isfinite(s.normal_y))) return false;
  std::uint64_t any = 0, high = 0;
  for (std::uint64_t w : s.words) any |= w, high |= w >> 32;
  return any && !high;
}

}  // namespace

Generator::Generator() : Generator(default_seed) {}
Generator::Generator(std::uint64_t seed) : impl_(new GeneratorImpl(seed)) {}
Generator::Generator(const Generator& o) noexcept : impl_(o.impl_) { impl_->refs.inc(); }
Generator& Generator::operator=(const Generator& o) noexcept {
  o.impl_->refs.inc();
  if (impl_->refs.dec()) delete impl_;
  impl_ = o.impl_;
  return *this;
}
Generator::~Generator() {
  if (impl_->refs.dec()) delete impl_;
}

void Generator::set_current_seed(std::uint64_t seed) const {
  std::lock_guard lock(impl_->mutex);
  impl_->seed = seed;
  impl_->engine.restart(seed);
  impl_->cached_normal.reset();
}
std::uint64_t Generator::current_seed() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->seed;
}
std::uint64_t Generator::seed() const {
  const std::uint64_t s = seed_from_system();
  set_current_seed(s);
  return s;
}

Tensor Generator::get_state() const {
  SavedState s{};
  {
    std::lock_guard lock(impl_->mutex);
    const MersenneTwister& e = impl_->engine;
    s.seed = impl_->seed;
    s.left = e.left;
    s.seeded = 1;
    s.next = static_cast<std::uint64_t>(e.next);
    for (int i = 0; i < MersenneTwister::words; ++i) s.words[i] = e.state[i];
    s.normal_y = impl_->cached_normal.value_or(0);
    s.normal_is_valid = impl_->cached_normal.has_value();
  }
  Tensor out = empty({static_cast<std::int64_t>(sizeof s)}, kByte);
  std::memcpy(out.data_ptr(), &s, sizeof s);
  return out;
}

void Generator::set_state(const Tensor& state) const {
  CT_CHECK(state.defined(), "set_state: the state is undefined");
  CT_CHECK_TYPE(state.scalar_type() == kByte, "set_state: RNG state must be a torch.ByteTensor, but got ", state.scalar_type());
  CT_CHECK(state.numel() == static_cast<std::int64_t>(sizeof(SavedState)), "set_state: expected a state of ", sizeof(SavedState), " bytes as get_state makes"
           " it, but found the input RNG state size to be ", state.numel());
  SavedState s;
  const Tensor bytes = state.contiguous();
  std::memcpy(&s, bytes.data_ptr(), sizeof s);
  CT_CHECK(valid(s), "set_state: Invalid mt19937 state\n  The bytes were not made by get_state.");
  std::lock_guard lock(impl_->mutex);
  MersenneTwister& e = impl_->engine;
  impl_->seed = s.seed;
  e.left = s.left;
  e.next = static_cast<int>(s.next);
  for (int i = 0; i < MersenneTwister::words; ++i) e.state[i] = static_cast<std::uint32_t>(s.words[i]);
  impl_->cached_normal.reset();
  if (s.normal_is_valid) impl_->cached_normal = s.normal_y;
}

Generator Generator::clone() const {
  Generator copy;
  std::lock_guard lock(impl_->mutex);
  copy.impl_->seed = impl_->seed;
  copy.impl_->engine = impl_->engine;
  copy.impl_->cached_normal = impl_->cached_normal;
  return copy;
}

std::uint64_t detail::whole_seed(double seed) {
  CT_CHECK_VALUE(std::floor(seed) == seed && std::fabs(seed) < 0x1p63, "manual_seed: expected a whole number, but got ", seed);
  return seed < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(seed)) : static_cast<std::uint64_t>(seed);
}

// Never destroyed: objects that outlive main() may still draw.
const Generator& default_generator() {
  static const Generator& g = *new Generator(seed_from_system());
  return g;
}
void manual_seed(std::uint64_t seed) { default_generator().set_current_seed(seed); }
std::uint64_t seed() { return default_generator().seed(); }
std::uint64_t initial_seed() { return default_generator().current_seed(); }
Tensor get_rng_state() { return default_generator().get_state(); }
void set_rng_state(const Tensor& state) { default_generator().set_state(state); }

}  // namespace ct
