// ops/statistics.h -- attributes that tests look into.
#pragma once

#include <cstdint>

namespace ct::detail {

struct QuantileAttrs {
  std::int64_t dim = 0;
  bool keepdim = false, all = false;
};

}  // namespace ct::detail
