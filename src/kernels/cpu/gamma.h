// kernels/cpu/gamma.h -- gamma numbers, and how they and beta numbers move with their parameters.
#pragma once

#include "core/random.h"
#include "kernels/kernel.h"

namespace ct::kernels {

// A gamma number with rate 1. Rounding in T is part of which number it is. The caller holds the generator's mutex.
template <class T>
double standard_gamma(T concentration, detail::GeneratorImpl& g);
extern template double standard_gamma<float>(float, detail::GeneratorImpl&);
extern template double standard_gamma<double>(double, detail::GeneratorImpl&);

// dx/da where the incomplete gamma function P(a, x) stays: (a, x).
const Kernel& gamma_slope();
// dx/da / (1 - x) where the incomplete beta function I_x(a, total - a) stays, total - a fixed: (x, a, total).
const Kernel& beta_slope();

}  // namespace ct::kernels
