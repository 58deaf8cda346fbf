// core/scalar_type.cpp -- promotion of dtypes, the default dtype, half precision formats, devices.
#include "cotangent/scalar_type.h"

#include <atomic>
#include <cstring>

#include "cotangent/device.h"
#include "cotangent/error.h"

namespace ct {

namespace {
std::uint32_t bits_of(float f) {
  std::uint32_t u;
  std::memcpy(&u, &f, sizeof u);
  return u;
}
float float_of(std::uint32_t u) {
  float f;
  std::memcpy(&f, &u, sizeof f);
  return f;
}
}  // namespace

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits; rounds to nearest, ties to even.
Half::Half(float v) {
  const std::uint32_t u = bits_of(v), sign = u >> 16 & 0x8000;
  const std::uint32_t magnitude = u & 0x7fffffff;
  if (magnitude >= 0x7f800000) {
    bits = static_cast<std::uint16_t>(sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0));
  } else if (magnitude >= 0x477ff000) {  // rounds beyond 65504
    bits = static_cast<std::uint16_t>(sign | 0x7c00);
  } else if (magnitude < 0x38800000) {   // below 2^-14: subnormal; adding 1/2 aligns and rounds the mantissa
    const std::uint32_t aligned = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    bits = static_cast<std::uint16_t>(sign | aligned);
  } else {
    const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23);
    bits = static_cast<std::uint16_t>(sign | rounded >> 13);
  }
}

Half::operator float() const {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16, rest = bits & 0x7fffu;
  if (rest >= 0x7c00) return float_of(sign | 0x7f800000 | rest << 13);
  if (rest < 0x400) {  // subnormal: mantissa times 2^-24
    const float f = static_cast<float>(rest) * 5.9604644775390625e-8f;
    return sign ? -f : f;
  }
  return float_of(sign | ((rest << 13) + (112u << 23)));
}

BFloat16::BFloat16(float v) {
  const std::uint32_t u = bits_of(v);
  if ((u & 0x7fffffff) > 0x7f800000) bits = 0x7fc0;
  else bits = static_cast<std::uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
BFloat16::operator float() const { return float_of(std::uint32_t{bits} << 16); }

ScalarType promote_types(ScalarType a, ScalarType b) {
  if (a == b) return a;
  if (a > b) { const ScalarType t = a; a = b; b = t; }
  // a < b in the order Bool, Byte, Char, Short, Int, Long, Half, BFloat16, Float, Double.
  if (a == kByte && b == kChar) return kShort;
  if (a == kHalf && b == kBFloat16) return kFloat;
  return b;
}

bool can_cast(ScalarType from, ScalarType to) {
  if (isFloatingType(from) && !isFloatingType(to)) return false;
  return !(from != kBool && to == kBool);
}

namespace {
std::atomic<ScalarType> default_dtype{kFloat};
}
ScalarType get_default_dtype() { return default_dtype.load(std::memory_order_relaxed); }
void set_default_dtype(ScalarType t) {
  CT_CHECK_TYPE(isFloatingType(t), "set_default_dtype: only floating-point types are supported as the default type, got ", t);
  default_dtype.store(t);
}

Device::Device(std::string_view text) : type_(DeviceType::CPU), index_(-1) {
  const std::string_view all = text;
  for (auto [name, type] : {std::pair<std::string_view, DeviceType>{"cpu", DeviceType::CPU}, {"cuda", DeviceType::CUDA}}) {
    if (text.substr(0, name.size()) != name) continue;
    type_ = type;
    text.remove_prefix(name.size());
    if (text.empty()) return;
    if (text.size() >= 2 && text.size() <= 3 && text[0] == ':') {
      int n = 0;
      bool digits = true;
      for (char c : text.substr(1)) {
        digits &= c >= '0' && c <= '9';
        n = 10 * n + (c - '0');
      }
      if (digits) {
        index_ = static_cast<std::int8_t>(n);
        return;
      }
    }
    break;
  }
  CT_THROW(value, "Device: Invalid device string: '", all, "'\n  Write \"cpu\", \"cuda\" or \"cuda:0\"; only the CPU exists in this build.");
}

std::string Device::str() const {
  std::string s = is_cpu() ? "cpu" : "cuda";
  if (has_index()) s.append(":").append(std::to_string(index_));
  return s;
}

}  // namespace ct
