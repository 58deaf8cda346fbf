// autograd/autocast.h -- which operations choose their precision under amp::autocast.
#pragma once

#include <vector>

#include "cotangent/op.h"

namespace ct::detail {

struct AutocastState {
  bool enabled = false;
  ScalarType dtype = kBFloat16;
};
extern thread_local constinit AutocastState autocast_state;

// Whether operands of these two dtypes are about to be converted to one; asked by checks where they differ.
inline bool autocast_unites(ScalarType a, ScalarType b) {
  return autocast_state.enabled && isFloatingType(a) && isFloatingType(b) && a != kDouble && b != kDouble;
}

// The inputs of a call as they are under autocast.
class AutocastInputs {
 public:
  AutocastInputs(const Op& op, const Tensor* const* in, int n);
  const Tensor* const* get() const { return pointers_.empty() ? given_ : pointers_.data(); }

 private:
  const Tensor* const* given_;
  std::vector<Tensor> converted_;
  std::vector<const Tensor*> pointers_;  // empty if nothing changed
};

}  // namespace ct::detail
