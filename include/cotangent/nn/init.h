// cotangent/nn/init.h -- initial values of parameters; the numbers are those of torch.nn.init for the same seed.
//
// All of these write in place without recording, and return their tensor.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "cotangent/enum.h"  // kFanIn, kReLU: each may be given as Python's word, too
#include "cotangent/tensor.h"

namespace ct {

namespace nn::init {

/// The factor by which a nonlinearity shrinks the spread of its input: 1, 5/3 of tanh, sqrt(2) of relu,
/// sqrt(2 / (1 + param^2)) of leaky_relu, 3/4 of selu. Errors: ct::ValueError "Unsupported nonlinearity".
CT_API double calculate_gain(std::string_view nonlinearity, double param = 0.01);

CT_API Tensor uniform_(Tensor tensor, double low = 0, double high = 1);
CT_API Tensor normal_(Tensor tensor, double mean = 0, double std = 1);
CT_API Tensor constant_(Tensor tensor, const Scalar& value);
CT_API Tensor ones_(Tensor tensor);
CT_API Tensor zeros_(Tensor tensor);
/// The identity. Errors: ct::Error unless 2-dimensional.
CT_API Tensor eye_(Tensor matrix);
/// The identity of convolutions: one at the centre of weight[i][i]. Errors: ct::Error unless 3 to 5 dimensions, or if `groups`
/// does not divide the first.
CT_API Tensor dirac_(Tensor tensor, std::int64_t groups = 1);
/// Normal, but values outside of [a, b] are drawn again.
CT_API Tensor trunc_normal_(Tensor tensor, double mean = 0, double std = 1, double a = -2, double b = 2);
/// U(-l, l), l = gain sqrt(6 / (fan_in + fan_out)). Glorot & Bengio (2010). Errors: ct::Error for fewer than 2 dimensions.
CT_API Tensor xavier_uniform_(Tensor tensor, double gain = 1);
/// N(0, s), s = gain sqrt(2 / (fan_in + fan_out)).
CT_API Tensor xavier_normal_(Tensor tensor, double gain = 1);
/// U(-l, l), l = gain sqrt(3 / fan). He et al. (2015); a: the slope of leaky_relu.
CT_API Tensor kaiming_uniform_(Tensor tensor, double a = 0, std::string_view mode = kFanIn, std::string_view nonlinearity = kLeakyReLU);
/// N(0, s), s = gain / sqrt(fan).
CT_API Tensor kaiming_normal_(Tensor tensor, double a = 0, std::string_view mode = kFanIn, std::string_view nonlinearity = kLeakyReLU);
/// Orthonormal rows or columns, times gain. Saxe et al. (2013). Errors: ct::Error for fewer than 2 dimensions.
CT_API Tensor orthogonal_(Tensor tensor, double gain = 1);
/// N(0, std), with ceil(sparsity * rows) zeros in each column. Errors: ct::Error unless 2-dimensional.
CT_API Tensor sparse_(Tensor tensor, double sparsity, double std = 0.01);

/// How many inputs and outputs one element of a weight [out, in, kernel..] joins.
CT_API std::tuple<std::int64_t, std::int64_t> _calculate_fan_in_and_fan_out(const Tensor& tensor);

}  // namespace nn::init
}  // namespace ct
