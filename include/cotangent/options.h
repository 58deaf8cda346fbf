// cotangent/options.h -- how factories are told dtype, device and requires_grad.
#pragma once

#include <optional>

#include "cotangent/device.h"
#include "cotangent/scalar_type.h"

namespace ct {

enum class Layout : std::uint8_t { Strided };
inline constexpr Layout kStrided = Layout::Strided;
enum class MemoryFormat : std::uint8_t { Contiguous, Preserve };

/// The optional properties of a new tensor; chain them: ct::dtype(ct::kDouble).requires_grad(true).
class TensorOptions {
 public:
  constexpr TensorOptions() = default;
  constexpr TensorOptions(ScalarType t) : dtype_(t), has_dtype_(true) {}
  constexpr TensorOptions(Device d) : device_(d), has_device_(true) {}
  constexpr TensorOptions(DeviceType d) : TensorOptions(Device(d)) {}

  constexpr TensorOptions dtype(ScalarType t) const { TensorOptions o = *this; o.dtype_ = t; o.has_dtype_ = true; return o; }
  constexpr TensorOptions dtype(std::optional<ScalarType> t) const { return t ? dtype(*t) : *this; }
  constexpr TensorOptions device(Device d) const { TensorOptions o = *this; o.device_ = d; o.has_device_ = true; return o; }
  constexpr TensorOptions requires_grad(bool v) const { TensorOptions o = *this; o.requires_grad_ = v; return o; }
  constexpr TensorOptions layout(Layout) const { return *this; }

  ScalarType dtype() const { return has_dtype_ ? dtype_ : get_default_dtype(); }
  constexpr Device device() const { return device_; }
  constexpr bool requires_grad() const { return requires_grad_; }
  constexpr bool has_dtype() const { return has_dtype_; }
  constexpr bool has_device() const { return has_device_; }

 private:
  Device device_ = Device(kCPU);
  ScalarType dtype_ = kFloat;
  bool has_dtype_ = false, has_device_ = false, requires_grad_ = false;
};

constexpr TensorOptions dtype(ScalarType t) { return TensorOptions(t); }
constexpr TensorOptions device(Device d) { return TensorOptions(d); }
constexpr TensorOptions requires_grad(bool v = true) { return TensorOptions().requires_grad(v); }

}  // namespace ct
