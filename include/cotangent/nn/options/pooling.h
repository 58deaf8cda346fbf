// cotangent/nn/options/pooling.h -- the options of pooling, as libtorch names them.
#pragma once

#include <optional>
#include <vector>

#include "cotangent/expanding_array.h"
#include "cotangent/arg.h"
#include "cotangent/tensor.h"

namespace ct::nn {

template <std::size_t D>
struct AvgPoolOptions {
  AvgPoolOptions(ExpandingArray<D> kernel_size) : kernel_size_(kernel_size), stride_(kernel_size) {}
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride);
  CT_ARG(ExpandingArray<D>, padding) = 0;
  CT_ARG(bool, ceil_mode) = false;
  CT_ARG(bool, count_include_pad) = true;
  CT_ARG(std::optional<std::int64_t>, divisor_override) = std::nullopt;
};
using AvgPool1dOptions = AvgPoolOptions<1>;
using AvgPool2dOptions = AvgPoolOptions<2>;
using AvgPool3dOptions = AvgPoolOptions<3>;

template <std::size_t D>
struct MaxPoolOptions {
  MaxPoolOptions(ExpandingArray<D> kernel_size) : kernel_size_(kernel_size), stride_(kernel_size) {}
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride);
  CT_ARG(ExpandingArray<D>, padding) = 0;
  CT_ARG(ExpandingArray<D>, dilation) = 1;
  CT_ARG(bool, ceil_mode) = false;
};
using MaxPool1dOptions = MaxPoolOptions<1>;
using MaxPool2dOptions = MaxPoolOptions<2>;
using MaxPool3dOptions = MaxPoolOptions<3>;

template <class Sizes>
struct AdaptiveMaxPoolOptions {
  AdaptiveMaxPoolOptions(Sizes output_size) : output_size_(output_size) {}
  CT_ARG(Sizes, output_size);  // std::nullopt keeps a size
};
using AdaptiveMaxPool1dOptions = AdaptiveMaxPoolOptions<ExpandingArray<1>>;
using AdaptiveMaxPool2dOptions = AdaptiveMaxPoolOptions<ExpandingArrayWithOptionalElem<2>>;
using AdaptiveMaxPool3dOptions = AdaptiveMaxPoolOptions<ExpandingArrayWithOptionalElem<3>>;

template <class Sizes>
struct AdaptiveAvgPoolOptions {
  AdaptiveAvgPoolOptions(Sizes output_size) : output_size_(output_size) {}
  CT_ARG(Sizes, output_size);
};
using AdaptiveAvgPool1dOptions = AdaptiveAvgPoolOptions<ExpandingArray<1>>;
using AdaptiveAvgPool2dOptions = AdaptiveAvgPoolOptions<ExpandingArrayWithOptionalElem<2>>;
using AdaptiveAvgPool3dOptions = AdaptiveAvgPoolOptions<ExpandingArrayWithOptionalElem<3>>;

template <std::size_t D>
struct MaxUnpoolOptions {
  MaxUnpoolOptions(ExpandingArray<D> kernel_size) : kernel_size_(kernel_size), stride_(kernel_size) {}
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride);
  CT_ARG(ExpandingArray<D>, padding) = 0;
};
using MaxUnpool1dOptions = MaxUnpoolOptions<1>;
using MaxUnpool2dOptions = MaxUnpoolOptions<2>;
using MaxUnpool3dOptions = MaxUnpoolOptions<3>;

template <std::size_t D>
struct FractionalMaxPoolOptions {
  using ExpandingArrayDouble = ExpandingArray<D, double>;
  FractionalMaxPoolOptions(ExpandingArray<D> kernel_size) : kernel_size_(kernel_size) {}
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(std::optional<ExpandingArray<D>>, output_size) = std::nullopt;           // one of these two
  CT_ARG(std::optional<ExpandingArrayDouble>, output_ratio) = std::nullopt;       // of the input's sizes, between 0 and 1
  CT_ARG(Tensor, _random_samples) = Tensor();                                     // [N, C, D], in place of drawn numbers
};
using FractionalMaxPool2dOptions = FractionalMaxPoolOptions<2>;
using FractionalMaxPool3dOptions = FractionalMaxPoolOptions<3>;

template <std::size_t D>
struct LPPoolOptions {
  LPPoolOptions(double norm_type, ExpandingArray<D> kernel_size) : norm_type_(norm_type), kernel_size_(kernel_size), stride_(kernel_size) {}
  CT_ARG(double, norm_type);
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride);
  CT_ARG(bool, ceil_mode) = false;
};
using LPPool1dOptions = LPPoolOptions<1>;
using LPPool2dOptions = LPPoolOptions<2>;
using LPPool3dOptions = LPPoolOptions<3>;

namespace functional {
using AvgPool1dFuncOptions = AvgPool1dOptions;
using AvgPool2dFuncOptions = AvgPool2dOptions;
using AvgPool3dFuncOptions = AvgPool3dOptions;
using MaxPool1dFuncOptions = MaxPool1dOptions;
using MaxPool2dFuncOptions = MaxPool2dOptions;
using MaxPool3dFuncOptions = MaxPool3dOptions;
using AdaptiveMaxPool1dFuncOptions = AdaptiveMaxPool1dOptions;
using AdaptiveMaxPool2dFuncOptions = AdaptiveMaxPool2dOptions;
using AdaptiveMaxPool3dFuncOptions = AdaptiveMaxPool3dOptions;
using AdaptiveAvgPool1dFuncOptions = AdaptiveAvgPool1dOptions;
using AdaptiveAvgPool2dFuncOptions = AdaptiveAvgPool2dOptions;
using AdaptiveAvgPool3dFuncOptions = AdaptiveAvgPool3dOptions;
using FractionalMaxPool2dFuncOptions = FractionalMaxPool2dOptions;
using FractionalMaxPool3dFuncOptions = FractionalMaxPool3dOptions;
using LPPool1dFuncOptions = LPPool1dOptions;
using LPPool2dFuncOptions = LPPool2dOptions;
using LPPool3dFuncOptions = LPPool3dOptions;

template <std::size_t D>
struct MaxUnpoolFuncOptions {
  MaxUnpoolFuncOptions(ExpandingArray<D> kernel_size) : kernel_size_(kernel_size), stride_(kernel_size) {}
  CT_ARG(ExpandingArray<D>, kernel_size);
  CT_ARG(ExpandingArray<D>, stride);
  CT_ARG(ExpandingArray<D>, padding) = 0;
  CT_ARG(std::optional<std::vector<std::int64_t>>, output_size) = std::nullopt;  // of the unpooled dimensions, or all sizes
};
using MaxUnpool1dFuncOptions = MaxUnpoolFuncOptions<1>;
using MaxUnpool2dFuncOptions = MaxUnpoolFuncOptions<2>;
using MaxUnpool3dFuncOptions = MaxUnpoolFuncOptions<3>;
}  // namespace functional

}  // namespace ct::nn
