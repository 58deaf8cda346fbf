// cotangent/nn/local_response.h -- normalisation by neighbouring channels as modules.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/local_response.h"

namespace ct::nn {

#define CT_LOCAL_RESPONSE(Name)                                              \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                   \
   public:                                                                   \
    Name##Impl(std::int64_t size) : Name##Impl(Name##Options(size)) {}       \
    explicit Name##Impl(const Name##Options& options);                       \
    ~Name##Impl() override;                                                  \
    void reset() override;                                                   \
    std::string extra_repr() const override;                                 \
    Tensor forward(const Tensor& input);                                     \
    Name##Options options;                                                   \
  };                                                                         \
  extern template class Cloneable<Name##Impl>;                               \
  CT_MODULE(Name)
/// x / (k + alpha mean(x^2 over `size` neighbouring channels))^beta.
CT_LOCAL_RESPONSE(LocalResponseNorm);
/// The same of [N, C, H, W] with the window centred on each channel; a window of even size is one smaller, and the sum is
/// still divided by `size`, as in PyTorch. (PyTorch's own also counts channel 0 in windows beyond it.)
/// Errors: ct::Error unless the input has 4 dimensions.
CT_LOCAL_RESPONSE(CrossMapLRN2d);
#undef CT_LOCAL_RESPONSE

}  // namespace ct::nn
