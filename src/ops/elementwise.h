// ops/elementwise.h -- what the files of elementwise operations share with each other and with other families.
#pragma once

#include "autograd/elementwise.h"

namespace ct::detail {

// x in the dtype that an operation of x and these numbers has; x itself if that is its dtype.
Tensor to_result_type(const Tensor& x, std::initializer_list<const Scalar*> numbers);
// For in-place operations with numbers. Errors: "result type Float can't be cast to the desired output type Long".
void check_result_fits(const char* op, const Tensor& self, const Scalar& number);
// Whether every element of a kBool tensor without gaps is true.
bool all_true(const Tensor& condition);
// The factor of an addition. Errors: ct::TypeError if it is floating and the operands are integers.
void check_factor_slow(const char* op, const char* name, const Scalar& factor, std::initializer_list<const Tensor*> operands);
inline void check_factor(const char* op, const char* name, const Scalar& factor, std::initializer_list<const Tensor*> operands) {
  if (factor.type() != kLong) check_factor_slow(op, name, factor, operands);
}

// Fused backward functions; each is an op with its own derivative.
Tensor sigmoid_backward(const Tensor& g, const Tensor& y);                         // g y (1 - y)
Tensor tanh_backward(const Tensor& g, const Tensor& y);                            // g (1 - y^2)
Tensor threshold_backward(const Tensor& g, const Tensor& x, const Scalar& at);     // g where x > at
Tensor clamp_backward(const Tensor& g, const Tensor& x, const ScalarAttrs& bounds);  // g where x lies in the bounds

}  // namespace ct::detail
