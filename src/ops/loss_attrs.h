// ops/loss_attrs.h -- parameters of losses, and what their files share.
#pragma once

#include "autograd/elementwise.h"
#include "cotangent/ops/loss.h"

namespace ct::detail {

// The numbers come first: elementwise loops read them.
struct LossAttrs {
  Scalar s[2] = {0.0, 1.0};  // the loss's parameter; a factor of the result
  std::int64_t reduction = Reduction::Mean;
};

struct NllAttrs {
  std::int64_t reduction = Reduction::Mean, ignore_index = -100;
};
struct NllBackwardAttrs {
  NllAttrs nll;
  Dims sizes;  // of the input
};

// Sums or averages the elements of a loss, as Reduction says.
Tensor reduce_loss(const Tensor& elements, std::int64_t reduction);
// The same for each entry of a batch.
Tensor reduce_entries(const Tensor& elements, std::int64_t reduction);
// Errors: no such reduction, or an input is undefined.
void check_loss(const char* op, std::int64_t reduction, std::initializer_list<const Tensor*> inputs);

}  // namespace ct::detail
