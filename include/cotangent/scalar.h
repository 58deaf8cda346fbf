// cotangent/scalar.h -- a number argument: bool, integer or floating, as the caller wrote it.
#pragma once

#include <cstdint>
#include <type_traits>

#include "cotangent/api.h"
#include "cotangent/scalar_type.h"

namespace ct {

class Tensor;

/// A number that remembers its category (bool, integer, floating), because type promotion asks for it.
class CT_API Scalar {
 public:
  constexpr Scalar() : Scalar(std::int64_t{0}) {}
  constexpr Scalar(bool v) : kind_(kBool), i_(v) {}
  // One constructor a type, not a template: default arguments use them on every page of the headers.
  constexpr Scalar(int v) : kind_(kLong), i_(v) {}
  constexpr Scalar(unsigned v) : kind_(kLong), i_(v) {}
  constexpr Scalar(long v) : kind_(kLong), i_(v) {}
  constexpr Scalar(unsigned long v) : kind_(kLong), i_(static_cast<std::int64_t>(v)) {}
  constexpr Scalar(long long v) : kind_(kLong), i_(v) {}
  constexpr Scalar(unsigned long long v) : kind_(kLong), i_(static_cast<std::int64_t>(v)) {}
  constexpr Scalar(double v) : kind_(kDouble), d_(v) {}
  Scalar(Half v) : Scalar(static_cast<float>(v)) {}
  Scalar(BFloat16 v) : Scalar(static_cast<float>(v)) {}

  constexpr bool isFloatingPoint() const { return kind_ == kDouble; }
  constexpr bool isIntegral(bool include_bool) const { return kind_ == kLong || (include_bool && kind_ == kBool); }
  constexpr bool isBoolean() const { return kind_ == kBool; }
  /// kBool, kLong or kDouble.
  constexpr ScalarType type() const { return kind_; }

  constexpr double toDouble() const { return kind_ == kDouble ? d_ : static_cast<double>(i_); }
  constexpr float toFloat() const { return static_cast<float>(toDouble()); }
  constexpr std::int64_t toLong() const { return kind_ == kDouble ? static_cast<std::int64_t>(d_) : i_; }
  constexpr int toInt() const { return static_cast<int>(toLong()); }
  constexpr bool toBool() const { return kind_ == kDouble ? d_ != 0 : i_ != 0; }
  template <class T>
  constexpr T to() const {
    if constexpr (std::is_same_v<T, bool>) return toBool();
    else if constexpr (std::is_integral_v<T>) return static_cast<T>(toLong());
    else if constexpr (std::is_floating_point_v<T>) return static_cast<T>(toDouble());
    else return T(static_cast<float>(toDouble()));
  }
  constexpr bool equal(double v) const { return toDouble() == v; }
  constexpr Scalar operator-() const { return kind_ == kDouble ? Scalar(-d_) : Scalar(-i_); }

 private:
  ScalarType kind_;
  union {
    std::int64_t i_;
    double d_;
  };
};

}  // namespace ct
