// kernels/cpu/elementwise.h -- the loops of elementwise functions beyond the four operations, by family.
// Each table is chosen once for this processor. Comments say which parameters a loop reads.
#pragma once

#include "kernels/kernel.h"

namespace ct::kernels {

struct ExponentialKernels { Kernel exp, exp2, expm1, log, log2, log10, log1p, sqrt, rsqrt, square; };
const ExponentialKernels& exponential();

struct TrigonometryKernels { Kernel sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh; };
const TrigonometryKernels& trigonometry();

struct SpecialKernels {
  Kernel erf, erfc, erfinv, lgamma, digamma, sinc, sinc_backward;
  Kernel polygamma;  // p0: order
  Kernel atan2, hypot, xlogy, logaddexp;
};
const SpecialKernels& special();

struct ActivationKernels {
  Kernel sigmoid, sigmoid_backward, tanh_backward;
  Kernel logit, logit_backward;          // p0: eps, negative for none
  Kernel relu;
  Kernel threshold, threshold_backward;  // p0: threshold, p1: value
  Kernel leaky_relu, leaky_relu_backward;  // p0: slope
  Kernel hardshrink, softshrink, shrink_backward;  // p0: lambda
  Kernel prelu;                          // x, weight
  Kernel prelu_backward;                 // g, x, weight
  Kernel elu, elu_backward;              // p0: alpha, p1: scale, p2: input scale
  Kernel elu_backward_result;            // the same from the result
  Kernel hardtanh_backward;              // p0, p1: bounds
  Kernel hardsigmoid, hardsigmoid_backward, hardswish, hardswish_backward;
};
const ActivationKernels& activation();

struct SmoothActivationKernels {
  Kernel gelu, gelu_backward, gelu_tanh, gelu_tanh_backward;
  Kernel silu, silu_backward, mish, mish_backward, log_sigmoid, log_sigmoid_backward;
  Kernel softplus, softplus_backward;    // p0: beta, p1: threshold
};
const SmoothActivationKernels& smooth_activation();

struct RoundingKernels {
  Kernel abs, sign, floor, ceil, round, trunc, frac;
  Kernel round_decimals;                 // p0: decimals
  Kernel nan_to_num;                     // p0, p1, p2: replacements of nan, inf, -inf
  Kernel copysign, heaviside;
};
const RoundingKernels& rounding();

struct BoundsKernels {
  Kernel maximum, minimum, fmax, fmin;
  Kernel clamp, clamp_backward;          // p0: min, p1: max, p2: bit 0 if there is a min, bit 1 if there is a max
  Kernel clamp_tensors;                  // x, min, max
};
const BoundsKernels& bounds();

struct DivisionKernels { Kernel trunc_divide, floor_divide, remainder, fmod; };
const DivisionKernels& division();

struct PowerKernels {
  Kernel pow;                            // x0 to the x1
  Kernel pow_number;                     // p0: exponent
};
const PowerKernels& power();

struct FusedKernels {
  Kernel rsub;                           // p0 - p1 x
  Kernel addcmul, addcdiv;               // p0: value
  Kernel lerp;                           // x0, x1, weight
  Kernel lerp_number;                    // p0: weight
};
const FusedKernels& fused();

// Output kBool (one byte), loops by the dtype of the inputs.
struct CompareKernels {
  Kernel eq, ne, lt, le, gt, ge;
  Kernel isclose;                        // p0: rtol, p1: atol, p2: nan equals nan
  Kernel isnan, isinf, isfinite, isposinf, isneginf, signbit;
  Kernel logical_and, logical_or, logical_xor, logical_not;
};
const CompareKernels& compare();

struct BitwiseKernels { Kernel bit_and, bit_or, bit_xor, bit_not, left_shift, right_shift; };
const BitwiseKernels& bitwise();

// condition (kBool), x, y; by the dtype of x and y.
const Kernel& where_kernel();

}  // namespace ct::kernels
