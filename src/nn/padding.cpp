// nn/padding.cpp -- padding as modules and as a function with options.
#include "cotangent/nn/padding.h"

#include "cotangent/nn/functional/padding.h"
#include "cotangent/ops/padding.h"
#include "nn/text.h"

namespace ct::nn {

#define CT_PAD(Name, ...)                                                                 \
  template class Cloneable<Name##Impl>;                                                   \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) {}                          \
  Name##Impl::~Name##Impl() = default;                                                    \
  void Name##Impl::reset() {}                                                             \
  std::string Name##Impl::extra_repr() const { return tuple(options.padding()); }         \
  Tensor Name##Impl::forward(const Tensor& input) { return __VA_ARGS__; }
CT_PAD(ReflectionPad1d, reflection_pad1d(input, options.padding()))
CT_PAD(ReflectionPad2d, reflection_pad2d(input, options.padding()))
CT_PAD(ReflectionPad3d, reflection_pad3d(input, options.padding()))
CT_PAD(ReplicationPad1d, replication_pad1d(input, options.padding()))
CT_PAD(ReplicationPad2d, replication_pad2d(input, options.padding()))
CT_PAD(ReplicationPad3d, replication_pad3d(input, options.padding()))
CT_PAD(CircularPad1d, _pad_circular(input, options.padding()))
CT_PAD(CircularPad2d, _pad_circular(input, options.padding()))
CT_PAD(CircularPad3d, _pad_circular(input, options.padding()))
CT_PAD(ZeroPad1d, constant_pad_nd(input, options.padding()))
CT_PAD(ZeroPad2d, constant_pad_nd(input, options.padding()))
CT_PAD(ZeroPad3d, constant_pad_nd(input, options.padding()))
#undef CT_PAD

#define CT_CONSTANT_PAD(Name)                                                                                                      \
  template class Cloneable<Name##Impl>;                                                                                            \
  Name##Impl::Name##Impl(const Name##Options& o) : options(o) {}                                                                   \
  Name##Impl::~Name##Impl() = default;                                                                                             \
  void Name##Impl::reset() {}                                                                                                      \
  std::string Name##Impl::extra_repr() const {                                                                                     \
    return ct::detail::join({"padding=", tuple(options.padding()), ", value=", python(options.value())});                          \
  }                                                                                                                                \
  Tensor Name##Impl::forward(const Tensor& input) { return constant_pad_nd(input, options.padding(), options.value()); }
CT_CONSTANT_PAD(ConstantPad1d)
CT_CONSTANT_PAD(ConstantPad2d)
CT_CONSTANT_PAD(ConstantPad3d)
#undef CT_CONSTANT_PAD

Tensor functional::pad(const Tensor& input, const PadFuncOptions& options) {
  const std::optional<double> value = options.value() != 0 ? std::optional<double>(options.value()) : std::nullopt;
  return ct::pad(input, options.pad(), options.mode().name(), value);
}

}  // namespace ct::nn
