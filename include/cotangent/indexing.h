// cotangent/indexing.h -- what may stand between the brackets of x.index({...}).
#pragma once

#include <cstdint>
#include <optional>

#include "cotangent/api.h"

namespace ct {

class Tensor;

namespace indexing {

enum class EllipsisType : std::uint8_t { Ellipsis };
inline constexpr EllipsisType Ellipsis = EllipsisType::Ellipsis;
inline constexpr std::nullopt_t None = std::nullopt;

/// Python's start:stop:step; step must be positive.
class Slice {
 public:
  constexpr Slice(std::optional<std::int64_t> start = std::nullopt, std::optional<std::int64_t> stop = std::nullopt,
                  std::optional<std::int64_t> step = std::nullopt)
      : start_(start), stop_(stop), step_(step) {}
  constexpr std::optional<std::int64_t> start() const { return start_; }
  constexpr std::optional<std::int64_t> stop() const { return stop_; }
  constexpr std::int64_t step() const { return step_.value_or(1); }

 private:
  std::optional<std::int64_t> start_, stop_, step_;
};

/// One index: an integer, a Slice, Ellipsis ("..."), None (a new dimension), a bool, a mask or a tensor of integers.
class CT_API TensorIndex {
 public:
  enum class Kind : std::uint8_t { none, ellipsis, integer, boolean, slice, tensor };

  TensorIndex(std::nullopt_t) : kind_(Kind::none) {}
  TensorIndex(EllipsisType) : kind_(Kind::ellipsis) {}
  TensorIndex(const char* dots);
  TensorIndex(int i) : kind_(Kind::integer), integer_(i) {}
  TensorIndex(long i) : kind_(Kind::integer), integer_(i) {}
  TensorIndex(long long i) : kind_(Kind::integer), integer_(i) {}
  TensorIndex(bool b) : kind_(Kind::boolean), integer_(b) {}
  TensorIndex(Slice s) : kind_(Kind::slice), slice_(s) {}
  TensorIndex(const Tensor& t);
  TensorIndex(const TensorIndex&);
  TensorIndex& operator=(const TensorIndex&) = delete;
  ~TensorIndex();

  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  bool boolean() const { return integer_ != 0; }
  const Slice& slice() const { return slice_; }
  Tensor tensor() const;

 private:
  Kind kind_;
  std::int64_t integer_ = 0;
  Slice slice_;
  void* tensor_ = nullptr;  // a Tensor's impl: Tensor is not complete here
};

}  // namespace indexing
}  // namespace ct
