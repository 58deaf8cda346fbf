// ops/product_dtypes.h -- the dtypes that have products: matrix products and convolutions.
#pragma once

#include <cstdint>

#include "cotangent/scalar_type.h"

namespace ct::detail {

/// Calls f(T{}) for the C++ type T of a dtype that has products.
template <class F>
void with_product_dtype(ScalarType t, const F& f) {
  switch (t) {
    case kFloat: return f(float{});
    case kDouble: return f(double{});
    case kByte: return f(std::uint8_t{});
    case kChar: return f(std::int8_t{});
    case kShort: return f(std::int16_t{});
    case kInt: return f(std::int32_t{});
    default: return f(std::int64_t{});
  }
}

}  // namespace ct::detail
