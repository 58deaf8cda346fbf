// cotangent/nn/options/padding.h -- the options of padding, as libtorch names them.
#pragma once

#include <vector>

#include "cotangent/enum.h"
#include "cotangent/expanding_array.h"
#include "cotangent/arg.h"

namespace ct::nn {

// `padding` is one number for all sides, or {left, right}, {left, right, top, bottom}, {.., front, back}.

template <std::size_t D>
struct ReflectionPadOptions {
  ReflectionPadOptions(ExpandingArray<2 * D> padding) : padding_(padding) {}
  CT_ARG(ExpandingArray<2 * D>, padding);
};
using ReflectionPad1dOptions = ReflectionPadOptions<1>;
using ReflectionPad2dOptions = ReflectionPadOptions<2>;
using ReflectionPad3dOptions = ReflectionPadOptions<3>;

template <std::size_t D>
struct ReplicationPadOptions {
  ReplicationPadOptions(ExpandingArray<2 * D> padding) : padding_(padding) {}
  CT_ARG(ExpandingArray<2 * D>, padding);
};
using ReplicationPad1dOptions = ReplicationPadOptions<1>;
using ReplicationPad2dOptions = ReplicationPadOptions<2>;
using ReplicationPad3dOptions = ReplicationPadOptions<3>;

template <std::size_t D>
struct CircularPadOptions {
  CircularPadOptions(ExpandingArray<2 * D> padding) : padding_(padding) {}
  CT_ARG(ExpandingArray<2 * D>, padding);
};
using CircularPad1dOptions = CircularPadOptions<1>;
using CircularPad2dOptions = CircularPadOptions<2>;
using CircularPad3dOptions = CircularPadOptions<3>;

template <std::size_t D>
struct ZeroPadOptions {
  ZeroPadOptions(ExpandingArray<2 * D> padding) : padding_(padding) {}
  CT_ARG(ExpandingArray<2 * D>, padding);
};
using ZeroPad1dOptions = ZeroPadOptions<1>;
using ZeroPad2dOptions = ZeroPadOptions<2>;
using ZeroPad3dOptions = ZeroPadOptions<3>;

template <std::size_t D>
struct ConstantPadOptions {
  ConstantPadOptions(ExpandingArray<2 * D> padding, double value) : padding_(padding), value_(value) {}
  CT_ARG(ExpandingArray<2 * D>, padding);
  CT_ARG(double, value);
};
using ConstantPad1dOptions = ConstantPadOptions<1>;
using ConstantPad2dOptions = ConstantPadOptions<2>;
using ConstantPad3dOptions = ConstantPadOptions<3>;

namespace functional {
struct PadFuncOptions {
  using mode_t = Choice<enumtype::kConstant, enumtype::kReflect, enumtype::kReplicate, enumtype::kCircular>;
  PadFuncOptions(std::vector<std::int64_t> pad) : pad_(std::move(pad)) {}
  CT_ARG(std::vector<std::int64_t>, pad);
  CT_ARG(mode_t, mode) = kConstant;
  CT_ARG(double, value) = 0;  // of kConstant
};
}  // namespace functional

}  // namespace ct::nn
