// cotangent/ops/padding.h -- tensors with a margin.
#pragma once

#include <optional>
#include <string_view>

#include "cotangent/tensor.h"

namespace ct {

// `pad` has two numbers for each padded dimension, how many elements come before and after, the last dimension first:
// {left, right, top, bottom, front, back}. Negative numbers cut elements off.

/// A margin of one value around the last pad.size() / 2 dimensions.   Dtypes: all.   Gradient: the part of g that is self's.
/// Errors: ct::Error for an odd length, one that is too long, or a negative size of the result.
///   constant_pad_nd(tensor({1, 2}), {1, 2}) -> {0, 1, 2, 0, 0}
CT_API Tensor constant_pad_nd(const Tensor& self, IntArrayRef pad, const Scalar& value = 0);

/// A margin that mirrors the inside without repeating the edge: {1, 2, 3} padded by {2, 1} is {3, 2, 1, 2, 3, 2}.
/// Shapes: [C, W] or [N, C, W]; 2d and 3d have one and two dimensions more.   Gradient: each element collects what its
/// images got.   Errors: ct::Error unless padding is less than the size.
CT_API Tensor reflection_pad1d(const Tensor& self, IntArrayRef padding);
CT_API Tensor reflection_pad2d(const Tensor& self, IntArrayRef padding);
CT_API Tensor reflection_pad3d(const Tensor& self, IntArrayRef padding);

/// The same with a margin that repeats the edge: {1, 1, 1, 2, 3, 3}.
CT_API Tensor replication_pad1d(const Tensor& self, IntArrayRef padding);
CT_API Tensor replication_pad2d(const Tensor& self, IntArrayRef padding);
CT_API Tensor replication_pad3d(const Tensor& self, IntArrayRef padding);

/// The same with a margin from the other end: {2, 3, 1, 2, 3, 1}. Padding is at most the size.
CT_API Tensor _pad_circular(const Tensor& self, IntArrayRef padding);

/// One of these: mode is "constant", "reflect", "replicate" or "circular". Only "constant" takes a value.
CT_API Tensor pad(const Tensor& self, IntArrayRef pad, std::string_view mode = "constant", std::optional<double> value = std::nullopt);

}  // namespace ct
