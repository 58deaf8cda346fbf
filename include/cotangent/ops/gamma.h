// cotangent/ops/gamma.h -- numbers from gamma and Dirichlet distributions, with their gradients; see distributions.h.
#pragma once

#include <optional>

#include "cotangent/generator.h"

namespace ct {

class Tensor;

/// Gamma numbers with rate 1, one for each concentration in `self`, never below the smallest normal number; libtorch's numbers.
/// Gradient: implicit, dy/dself = _standard_gamma_grad(self, y).
/// Errors: ct::TypeError unless kFloat or kDouble; ct::ValueError for negative concentrations.
/// Source: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
CT_API Tensor _standard_gamma(const Tensor& self, std::optional<Generator> generator = std::nullopt);
/// How a gamma number moves with its concentration where its probability P(self, y) stays: -(dP/dself) / (dP/dy). To 1e-10.
/// Source: Figurnov, Mohamed & Mnih, "Implicit reparameterization gradients" (2018).
CT_API Tensor _standard_gamma_grad(const Tensor& self, const Tensor& output);

/// Points of the simplex, one for each row of concentrations. self [.., k].
/// Gradient: implicit, g' (g - sum(y g)) with g' = _dirichlet_grad(y, self, sum(self)).
CT_API Tensor _sample_dirichlet(const Tensor& self, std::optional<Generator> generator = std::nullopt);
/// For x of a Beta(alpha, total - alpha) distribution with cdf I: -(dI/dalpha) / (dI/dx) / (1 - x).
CT_API Tensor _dirichlet_grad(const Tensor& x, const Tensor& alpha, const Tensor& total);

}  // namespace ct
