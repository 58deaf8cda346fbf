// cotangent/device.h -- where a tensor lives. Only the CPU exists; asking for another device is a clear error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cotangent/api.h"

namespace ct {

enum class DeviceType : std::int8_t { CPU, CUDA };
inline constexpr DeviceType kCPU = DeviceType::CPU;
inline constexpr DeviceType kCUDA = DeviceType::CUDA;

/// A device name such as "cpu" or "cuda:0". A Device may name any device; creating a tensor on one
/// that this build does not have throws NotImplementedError.
class CT_API Device {
 public:
  constexpr Device(DeviceType type, std::int8_t index = -1) : type_(type), index_(index) {}
  /// Parses "cpu", "cuda" or "cuda:1". Errors: ct::ValueError for any other text.
  Device(std::string_view text);
  Device(const char* text) : Device(std::string_view(text)) {}

  constexpr DeviceType type() const { return type_; }
  constexpr std::int8_t index() const { return index_; }
  constexpr bool has_index() const { return index_ >= 0; }
  constexpr bool is_cpu() const { return type_ == DeviceType::CPU; }
  constexpr bool is_cuda() const { return type_ == DeviceType::CUDA; }
  std::string str() const;
  friend constexpr bool operator==(Device a, Device b) { return a.type_ == b.type_ && a.index_ == b.index_; }

 private:
  DeviceType type_;
  std::int8_t index_;
};

namespace cuda {
/// Always false in this build.
constexpr bool is_available() { return false; }
}  // namespace cuda

}  // namespace ct
