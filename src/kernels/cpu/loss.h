// kernels/cpu/loss.h -- losses of pairs of elements, and their slopes times a gradient.
#pragma once

#include "kernels/kernel.h"

namespace ct::kernels {

// Losses take (x, target), p0 is their parameter. Backward loops take (g, x, target), p1 is a factor of the result.
struct LossKernels {
  Kernel mse, mse_backward;
  Kernel smooth_l1, smooth_l1_backward;      // p0: beta
  Kernel huber, huber_backward;              // p0: delta
  Kernel soft_margin, soft_margin_backward;
  Kernel bce, bce_backward;                  // of probabilities
  Kernel bce_logits, bce_logits_backward;
  Kernel bce_logits_pos, bce_logits_pos_backward;  // with the weight of the positive class as last input
};
const LossKernels& loss();

}  // namespace ct::kernels
