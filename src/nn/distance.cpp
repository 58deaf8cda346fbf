// nn/distance.cpp -- distances as modules.
#include "cotangent/nn/distance.h"

#include "cotangent/nn/functional.h"

namespace ct::nn {

#define CT_DISTANCE(Name, function)                                           \
  template class Cloneable<Name##Impl>;                                       \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) {}              \
  Name##Impl::~Name##Impl() = default;                                        \
  void Name##Impl::reset() {}                                                 \
  Tensor Name##Impl::forward(const Tensor& input1, const Tensor& input2) { return functional::function(input1, input2, options); }
CT_DISTANCE(CosineSimilarity, cosine_similarity)
CT_DISTANCE(PairwiseDistance, pairwise_distance)
#undef CT_DISTANCE

}  // namespace ct::nn
