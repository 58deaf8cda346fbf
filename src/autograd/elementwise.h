// autograd/elementwise.h -- the forward of every elementwise op: promotion, broadcasting, the loop.
#pragma once

#include "core/tensor_impl.h"
#include "cotangent/op.h"
#include "kernels/kernel.h"

namespace ct::detail {

// Parameters of elementwise ops, handed to the loop.
struct ScalarAttrs { Scalar s[3]; };

// Into a new tensor.
Tensor elementwise(const Op& op, const Tensor* const* in, int n, const void* attrs);
// Into `self`, which is in[0], or only the destination when `self_is_input` is false.
void elementwise_into(const Op& op, const Tensor& self, const Tensor* const* in, int n, const void* attrs);

// Python's promotion: of tensors with dimensions first, then 0-dim tensors, then numbers.
ScalarType promoted_dtype(const Tensor* const* in, int n);
// The common shape of operands. Errors: "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0".
struct Dims {
  int n = 0;
  std::int64_t v[max_dims];
  operator IntArrayRef() const { return {v, static_cast<std::size_t>(n)}; }
};
void broadcast(Dims& shape, IntArrayRef other, const char* op);
// Byte strides of `t` as an operand of `shape`: 0 where it is broadcast.
void operand_strides(const TensorImpl* t, const Dims& shape, std::int64_t* strides);

}  // namespace ct::detail
