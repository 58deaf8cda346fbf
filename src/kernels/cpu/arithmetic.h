// kernels/cpu/arithmetic.h -- the four operations.
#pragma once

#include "kernels/kernel.h"

namespace ct::kernels {

struct ArithmeticKernels { Kernel add, sub, mul, div, neg, reciprocal; };
// Chosen once for this processor.
const ArithmeticKernels& arithmetic();

}  // namespace ct::kernels
