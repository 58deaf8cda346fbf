// ops/padding_attrs.h -- parameters of padding, as its ops and tests see them.
#pragma once

#include "cotangent/ops/padding.h"
#include "ops/view_attrs.h"

namespace ct::detail {

// Elements added at the start and end of each of the last dimensions, in pairs from the last one on; negative ones cut.
struct ConstantPadAttrs {
  Scalar value = 0;
  std::int64_t n = 0;  // numbers in pad
  std::int64_t pad[2 * max_dims] = {};

  IntArrayRef list() const { return {pad, static_cast<std::size_t>(n)}; }
};

struct PadAttrs {
  std::int64_t dims = 1;     // the last 1, 2 or 3 dimensions are padded
  std::int64_t pad[6] = {};  // in pairs, the last dimension first
};
struct PadBackAttrs {
  PadAttrs pad;
  std::int64_t sizes[3] = {1, 1, 1};  // of the padded dimensions of x; unused ones, which come first, are 1
};

}  // namespace ct::detail
