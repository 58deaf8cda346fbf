// cotangent/arg.h -- named arguments of layers: LinearOptions(3, 1).bias(false).
#pragma once

#include <utility>

/// Inside a struct of options: a value with a setter that returns the struct, and readers, as libtorch's TORCH_ARG.
#ifndef CT_ARG
#define CT_ARG(T, name)                                       \
 public:                                                      \
  auto name(const T& value) -> decltype(*this) {              \
    this->name##_ = value;                                    \
    return *this;                                             \
  }                                                           \
  const T& name() const noexcept { return this->name##_; }    \
  T& name() noexcept { return this->name##_; }                \
                                                              \
 private:                                                     \
  T name##_
#endif
