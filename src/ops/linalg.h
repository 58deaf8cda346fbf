// ops/linalg.h -- what the files of the linear algebra family share.
#pragma once

#include "autograd/elementwise.h"
#include "core/tensor_impl.h"
#include "cotangent/op.h"

namespace ct::detail {

// A contiguous result in another shape. The result is no view for autograd: nobody else can see its memory.
Tensor unsafe_view(const Tensor& x, IntArrayRef sizes);

// Sizes joined for the batch dimensions of two operands. Errors: as broadcast().
Dims batch_shape(const char* op, IntArrayRef a, IntArrayRef b);

}  // namespace ct::detail
