// cotangent/autocast.h -- products in half precision, sums in float32.
#pragma once

#include <initializer_list>

#include "cotangent/tensor.h"

namespace ct::amp {

/// While it lives, operations of this thread choose their precision: matrix products, linear maps and convolutions convert
/// their float32 inputs to `dtype` and return it; softmax, losses, normalisation, products over dimensions and linear algebra
/// convert half precision to float32 and return that; all others compute in the dtypes they are given. Float64 is left
/// alone. Conversions are differentiable, so gradients of float32 parameters are float32.
/// Writes in place are not changed. Guards nest; enabled = false switches an outer one off.
/// Errors: ct::TypeError unless dtype is kBFloat16 or kHalf.
class CT_API autocast {
 public:
  explicit autocast(ScalarType dtype = kBFloat16, bool enabled = true);
  ~autocast();
  autocast(const autocast&) = delete;
  autocast& operator=(const autocast&) = delete;

 private:
  struct Scope;
  Scope* scope_;
};
CT_API bool is_autocast_enabled();
/// The dtype of the innermost guard, kBFloat16 outside of all.
CT_API ScalarType get_autocast_dtype();


/// What operations do that are composed of others: whether one of these is in half precision while a guard is on, and t in
/// float32 if so.
CT_API bool needs_full_precision(std::initializer_list<const Tensor*> inputs);
CT_API Tensor full_precision(const Tensor& t);

}  // namespace ct::amp
