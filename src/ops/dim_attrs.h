// ops/dim_attrs.h -- the parameters of an op along one dimension; one struct for all families.
#pragma once

#include <cstdint>

#include "cotangent/scalar_type.h"

namespace ct::detail {

struct DimAttrs {
  std::int64_t dim = 0;
  bool keepdim = false;
  bool flag = false;              // meaning depends on the op: descending, reverse, ..
  std::int64_t k = 0;
  ScalarType dtype = ScalarType::Undefined;
};

}  // namespace ct::detail
