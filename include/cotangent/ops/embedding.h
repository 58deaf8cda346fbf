// cotangent/ops/embedding.h -- rows of a table, looked up by number.
#pragma once

#include <tuple>

#include "cotangent/tensor.h"

namespace ct {

/// The rows of weight [V, D] that indices [..] name: [.., D].
/// Gradient: g, added to the rows; none at padding_idx (negative: everywhere), divided by how often a row was looked up if
/// scale_grad_by_freq.   Errors: ct::IndexError "index out of range in self"; ct::TypeError unless indices are kLong or kInt.
CT_API Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding_idx = -1, bool scale_grad_by_freq = false);

/// Sums (mode 0), means (1) or elementwise maxima (2) of rows of weight [V, D], for bags of indices [n]: bag b begins at
/// offsets[b], and with include_last_offset the last offset is where the last bag ends. Empty bags give 0.
/// Returns the result [bags, D], the bag of each index, the sizes of the bags, and for maxima which row each element is of.
/// per_sample_weights [n]: factors of the rows, for sums. Indices equal to padding_idx do not count.
/// Gradient: g of the bag, times the factor or by the size, added to the rows; for maxima to the first largest row.
/// Errors: ct::Error for offsets that do not begin with 0, decrease or exceed n; those of embedding().
CT_API std::tuple<Tensor, Tensor, Tensor, Tensor> embedding_bag(const Tensor& weight, const Tensor& indices, const Tensor& offsets,
                                                                bool scale_grad_by_freq = false, std::int64_t mode = 0, bool sparse = false,
                                                                const Tensor& per_sample_weights = {}, bool include_last_offset = false,
                                                                std::optional<std::int64_t> padding_idx = std::nullopt);

}  // namespace ct
