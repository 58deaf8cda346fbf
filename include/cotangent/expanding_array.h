// cotangent/expanding_array.h -- one number for each dimension, or one for all: kernel sizes, strides, paddings.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "cotangent/array_ref.h"
#include "cotangent/error.h"

namespace ct {

/// D values, from one that stands for all, or from D of them: ExpandingArray<2>(3) and ExpandingArray<2>({3, 3}) are the same.
/// Errors: ct::Error "Expected 2 values, but instead got 3".
template <std::size_t D, class T = std::int64_t>
class ExpandingArray {
 public:
  ExpandingArray(T one) { values_.fill(one); }
  ExpandingArray(std::initializer_list<T> list) : ExpandingArray(ArrayRef<T>(list.begin(), list.size())) {}
  ExpandingArray(const std::vector<T>& values) : ExpandingArray(ArrayRef<T>(values)) {}
  ExpandingArray(const std::array<T, D>& values) : values_(values) {}
  ExpandingArray(ArrayRef<T> values) {
    CT_CHECK(values.size() == D, "Expected ", D, " values, but instead got ", values.size(), "\n  give one number for all dimensions, or ", D, " of them");
    for (std::size_t i = 0; i < D; ++i) values_[i] = values[i];
  }

  std::array<T, D>& operator*() { return values_; }
  const std::array<T, D>& operator*() const { return values_; }
  std::array<T, D>* operator->() { return &values_; }
  const std::array<T, D>* operator->() const { return &values_; }
  operator ArrayRef<T>() const { return {values_.data(), D}; }
  T& operator[](std::size_t i) { return values_[i]; }
  const T& operator[](std::size_t i) const { return values_[i]; }
  std::size_t size() const noexcept { return D; }
  bool operator==(const ExpandingArray&) const = default;

 protected:
  std::array<T, D> values_;
};

/// The same where a value may be missing: std::nullopt keeps that size of the input.
template <std::size_t D, class T = std::int64_t>
class ExpandingArrayWithOptionalElem : public ExpandingArray<D, std::optional<T>> {
 public:
  using Base = ExpandingArray<D, std::optional<T>>;
  using Base::Base;
  ExpandingArrayWithOptionalElem(T one) : Base(std::optional<T>(one)) {}
  ExpandingArrayWithOptionalElem(std::initializer_list<T> list) : ExpandingArrayWithOptionalElem(ArrayRef<T>(list.begin(), list.size())) {}
  ExpandingArrayWithOptionalElem(const std::vector<T>& values) : ExpandingArrayWithOptionalElem(ArrayRef<T>(values)) {}
  ExpandingArrayWithOptionalElem(ArrayRef<T> values) : Base(std::optional<T>()) {
    CT_CHECK(values.size() == D, "Expected ", D, " values, but instead got ", values.size());
    for (std::size_t i = 0; i < D; ++i) this->values_[i] = values[i];
  }
};

}  // namespace ct
