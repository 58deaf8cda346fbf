// ops/view_attrs.h -- parameters of views, joins, indexing and conversions, as their ops and tests see them: dims wrapped,
// bounds clamped.
#pragma once

#include <algorithm>

#include "autograd/elementwise.h"
#include "core/tensor_impl.h"
#include "ops/dim_attrs.h"

namespace ct::detail {

struct SizesAttrs { Dims sizes; };         // view, expand: the shape asked for
struct DtypeAttrs { ScalarType dtype; };   // to: the dtype asked for
struct DimPair { std::int64_t dim0, dim1; };
struct SelectAttrs { std::int64_t dim, index; };
struct SliceAttrs { std::int64_t dim, start, length, step; };
struct DiagonalAttrs { std::int64_t offset, dim1, dim2; };
struct WindowAttrs { std::int64_t dim, size, step; };
// A set or an order of dimensions.
struct DimList {
  std::int8_t n = 0;
  std::int8_t v[max_dims] = {};
};

struct ValueAttrs { Scalar value; };
struct DimAlphaAttrs { std::int64_t dim; Scalar alpha; };
struct DimValueAttrs { std::int64_t dim; Scalar value; };
struct TriangleAttrs { std::int64_t diagonal; };
struct SplitAttrs { std::int64_t dim, size; };
struct RollAttrs {
  DimList dims;
  std::int64_t shifts[max_dims] = {};
};
struct Rot90Attrs { std::int64_t k, dim0, dim1; };

// Which dim each index tensor stands at; a mask covers as many dims as it has.
struct IndexAttrs {
  std::int8_t n = 0;
  std::int8_t dims[max_dims] = {};
  bool accumulate = false;
};

// Parameters of a view together with the shape of what it looks at: of the op that carries a gradient back.
template <class A>
struct BackAttrs {
  A look;
  Dims x;
};

inline Dims to_dims(IntArrayRef sizes) {
  Dims d;
  d.n = static_cast<int>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), d.v);
  return d;
}

inline void check_defined(const char* op, const Tensor& t) { CT_CHECK(t.defined(), op, ": the tensor is undefined"); }

// Errors: those of wrap_dim; "appears multiple times".
DimList wrap_dims(const char* op, const Tensor& x, IntArrayRef dims);

}  // namespace ct::detail
