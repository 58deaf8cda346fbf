// cotangent/nn/padding.h -- padding as modules. What each does is said at the functions of ops/padding.h.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/padding.h"

namespace ct::nn {

#define CT_PAD(Name, Sides)                                                                        \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                                         \
   public:                                                                                         \
    Name##Impl(ExpandingArray<Sides> padding) : Name##Impl(Name##Options(padding)) {}              \
    explicit Name##Impl(const Name##Options& options);                                             \
    ~Name##Impl() override;                                                                        \
    void reset() override;                                                                         \
    std::string extra_repr() const override;                                                       \
    Tensor forward(const Tensor& input);                                                           \
    Name##Options options;                                                                         \
  };                                                                                               \
  extern template class Cloneable<Name##Impl>;                                                     \
  CT_MODULE(Name)
/// Mirrors the inside; padding must be less than the size.   Shapes: [C, W] or [N, C, W]; 2d [.., H, W], 3d [.., D, H, W].
CT_PAD(ReflectionPad1d, 2);
CT_PAD(ReflectionPad2d, 4);
CT_PAD(ReflectionPad3d, 6);
/// Repeats the edge.
CT_PAD(ReplicationPad1d, 2);
CT_PAD(ReplicationPad2d, 4);
CT_PAD(ReplicationPad3d, 6);
/// Continues at the other end (Python's, since 2.1).
CT_PAD(CircularPad1d, 2);
CT_PAD(CircularPad2d, 4);
CT_PAD(CircularPad3d, 6);
/// Zeros (1d and 3d: Python's, since 2.1).
CT_PAD(ZeroPad1d, 2);
CT_PAD(ZeroPad2d, 4);
CT_PAD(ZeroPad3d, 6);
#undef CT_PAD

#define CT_CONSTANT_PAD(Name, Sides)                                                                                 \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                                                           \
   public:                                                                                                           \
    Name##Impl(ExpandingArray<Sides> padding, double value) : Name##Impl(Name##Options(padding, value)) {}           \
    explicit Name##Impl(const Name##Options& options);                                                               \
    ~Name##Impl() override;                                                                                          \
    void reset() override;                                                                                           \
    std::string extra_repr() const override;                                                                         \
    Tensor forward(const Tensor& input);                                                                             \
    Name##Options options;                                                                                           \
  };                                                                                                                 \
  extern template class Cloneable<Name##Impl>;                                                                       \
  CT_MODULE(Name)
/// One value.
CT_CONSTANT_PAD(ConstantPad1d, 2);
CT_CONSTANT_PAD(ConstantPad2d, 4);
CT_CONSTANT_PAD(ConstantPad3d, 6);
#undef CT_CONSTANT_PAD

}  // namespace ct::nn
