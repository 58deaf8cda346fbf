// ops/linalg.h -- what the files of the linear algebra family share.
#pragma once

#include "autograd/elementwise.h"
#include "core/tensor_impl.h"
#include "cotangent/op.h"

namespace ct::detail {

// Parameters of the ops, as their tests see them too. addmm and its kin have ScalarAttrs{beta, alpha}.
struct CheckAttrs { bool check; };                     // inv: an error for singular matrices
struct SolveAttrs { bool left, vector, check; };
struct TriangularAttrs { bool upper, left, unit; };
struct UpperAttrs { bool upper; };                     // cholesky
enum class QrMode : std::uint8_t { reduced, complete, r };
struct QrAttrs { QrMode mode; };
struct EighAttrs { bool upper, vectors; };
struct SvdAttrs { bool full, vectors; };
struct PinvAttrs { double rtol; };
struct LstsqAttrs { double rcond; bool vector; };
struct CrossAttrs { std::int64_t dim; };

// A contiguous result in another shape. The result is no view for autograd: nobody else can see its memory.
Tensor unsafe_view(const Tensor& x, IntArrayRef sizes);

// Sizes joined for the batch dimensions of two operands. Errors: as broadcast().
Dims batch_shape(const char* op, IntArrayRef a, IntArrayRef b);

}  // namespace ct::detail
