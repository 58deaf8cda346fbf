// cotangent/nn/pooling.h -- pooling as modules. Shapes, gradients and errors are those of the functions in ops/pooling.h.
#pragma once

#include <tuple>

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/pooling.h"

namespace ct::nn {

#define CT_POOL(Name, Sizes, ...)                                                                    \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                                           \
   public:                                                                                           \
    Name##Impl(Sizes sizes) : Name##Impl(Name##Options(sizes)) {}                                    \
    explicit Name##Impl(const Name##Options& options);                                               \
    ~Name##Impl() override;                                                                          \
    void reset() override;                                                                           \
    std::string extra_repr() const override;                                                         \
    __VA_ARGS__                                                                                      \
    Name##Options options;                                                                           \
  };                                                                                                 \
  extern template class Cloneable<Name##Impl>;                                                       \
  CT_MODULE(Name)

/// The mean of each window.
CT_POOL(AvgPool1d, ExpandingArray<1>, Tensor forward(const Tensor& input););
CT_POOL(AvgPool2d, ExpandingArray<2>, Tensor forward(const Tensor& input););
CT_POOL(AvgPool3d, ExpandingArray<3>, Tensor forward(const Tensor& input););

/// The largest element of each window, and where it was.
#define CT_WITH_INDICES Tensor forward(const Tensor& input); std::tuple<Tensor, Tensor> forward_with_indices(const Tensor& input);
CT_POOL(MaxPool1d, ExpandingArray<1>, CT_WITH_INDICES);
CT_POOL(MaxPool2d, ExpandingArray<2>, CT_WITH_INDICES);
CT_POOL(MaxPool3d, ExpandingArray<3>, CT_WITH_INDICES);

/// Of windows that divide the input into output_size parts; std::nullopt keeps a size.
CT_POOL(AdaptiveMaxPool1d, ExpandingArray<1>, CT_WITH_INDICES);
CT_POOL(AdaptiveMaxPool2d, ExpandingArrayWithOptionalElem<2>, CT_WITH_INDICES);
CT_POOL(AdaptiveMaxPool3d, ExpandingArrayWithOptionalElem<3>, CT_WITH_INDICES);
CT_POOL(AdaptiveAvgPool1d, ExpandingArray<1>, Tensor forward(const Tensor& input););
CT_POOL(AdaptiveAvgPool2d, ExpandingArrayWithOptionalElem<2>, Tensor forward(const Tensor& input););
CT_POOL(AdaptiveAvgPool3d, ExpandingArrayWithOptionalElem<3>, Tensor forward(const Tensor& input););

/// Zeros with the elements of input at places that a MaxPool gave.
#define CT_UNPOOL \
  Tensor forward(const Tensor& input, const Tensor& indices, const std::optional<std::vector<std::int64_t>>& output_size = std::nullopt);
CT_POOL(MaxUnpool1d, ExpandingArray<1>, CT_UNPOOL);
CT_POOL(MaxUnpool2d, ExpandingArray<2>, CT_UNPOOL);
CT_POOL(MaxUnpool3d, ExpandingArray<3>, CT_UNPOOL);
#undef CT_UNPOOL

/// The largest elements of windows at random places.   Errors: ct::Error unless one of output_size and output_ratio is given.
CT_POOL(FractionalMaxPool2d, ExpandingArray<2>, CT_WITH_INDICES Tensor _random_samples;);
CT_POOL(FractionalMaxPool3d, ExpandingArray<3>, CT_WITH_INDICES Tensor _random_samples;);
#undef CT_WITH_INDICES
#undef CT_POOL

#define CT_LP_POOL(Name, D)                                                                                                     \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                                                                      \
   public:                                                                                                                      \
    Name##Impl(double norm_type, ExpandingArray<D> kernel_size) : Name##Impl(Name##Options(norm_type, kernel_size)) {}          \
    explicit Name##Impl(const Name##Options& options);                                                                          \
    ~Name##Impl() override;                                                                                                     \
    void reset() override;                                                                                                      \
    std::string extra_repr() const override;                                                                                    \
    Tensor forward(const Tensor& input);                                                                                        \
    Name##Options options;                                                                                                      \
  };                                                                                                                            \
  extern template class Cloneable<Name##Impl>;                                                                                  \
  CT_MODULE(Name)
/// The p-norm of each window.
CT_LP_POOL(LPPool1d, 1);
CT_LP_POOL(LPPool2d, 2);
CT_LP_POOL(LPPool3d, 3);  // Python's
#undef CT_LP_POOL

}  // namespace ct::nn
