// cotangent/ops/activation.h -- activations in pieces: shrinking ones, and those with learned, gated or random slopes.
#pragma once

#include "cotangent/tensor.h"

namespace ct {

// Floating dtypes.

/// x outside of [-lambd, lambd], else 0.   Gradient: g there, else 0.
CT_API Tensor hardshrink(const Tensor& self, const Scalar& lambd = 0.5);
/// x - lambd above lambd, x + lambd below -lambd, else 0.   Gradient: as hardshrink's.   Errors: ct::Error for lambd < 0.
CT_API Tensor softshrink(const Tensor& self, const Scalar& lambd = 0.5);
/// x where x > 0, else weight x, with one weight or one for each channel (dimension 1).
/// Gradient: g where x > 0, else weight g; the sums of g x where x <= 0.   Errors: "Mismatch of parameter numbers and input channel size".
CT_API Tensor prelu(const Tensor& self, const Tensor& weight);
/// a sigmoid(b), for the two halves a and b of a dimension.   Gradient: g s, g a s (1 - s), s = sigmoid(b).
/// Errors: "Halving dimension must be even".
CT_API Tensor glu(const Tensor& self, std::int64_t dim = -1);
/// x where x > 0, else x r: r drawn from U(lower, upper) for each such element in training, their mean otherwise.
/// Gradient: g where x > 0, else g r.   Errors: ct::Error if lower > upper.
CT_API Tensor rrelu(const Tensor& self, const Scalar& lower = 1.0 / 8, const Scalar& upper = 1.0 / 3, bool training = false,
                    const std::optional<Generator>& generator = std::nullopt);
CT_API Tensor& rrelu_(const Tensor& self, const Scalar& lower = 1.0 / 8, const Scalar& upper = 1.0 / 3, bool training = false,
                      const std::optional<Generator>& generator = std::nullopt);

}  // namespace ct
