// cotangent/ops/embedding.h -- rows of a table, looked up by number.
#pragma once

#include "cotangent/tensor.h"

namespace ct {

/// The rows of weight [V, D] that indices [..] name: [.., D].
/// Gradient: g, added to the rows; none at padding_idx (negative: everywhere), divided by how often a row was looked up if
/// scale_grad_by_freq.   Errors: ct::IndexError "index out of range in self"; ct::TypeError unless indices are kLong or kInt.
CT_API Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding_idx = -1, bool scale_grad_by_freq = false);

}  // namespace ct
