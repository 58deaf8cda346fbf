// cotangent/nn/distance.h -- distances as modules. What they compute is said at the functions in nn/functional.h.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/dense.h"

namespace ct::nn {

#define CT_DISTANCE(Name)                                            \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {           \
   public:                                                           \
    explicit Name##Impl(const Name##Options& options = {});          \
    ~Name##Impl() override;                                          \
    void reset() override;                                           \
    Tensor forward(const Tensor& input1, const Tensor& input2);      \
    Name##Options options;                                           \
  };                                                                 \
  extern template class Cloneable<Name##Impl>;                       \
  CT_MODULE(Name)
/// The cosine of the angle between two tensors along dim.
CT_DISTANCE(CosineSimilarity);
/// The p-norm of the difference over the last dimension.
CT_DISTANCE(PairwiseDistance);
#undef CT_DISTANCE

}  // namespace ct::nn
