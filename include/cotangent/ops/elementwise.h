// cotangent/ops/elementwise.h -- one output element for each (broadcast) input element.
#pragma once

#include <optional>
#include <string_view>

#include "cotangent/scalar.h"

namespace ct {

class Tensor;

// ---- arithmetic -----------------------------------------------------------------------------------
// Operands broadcast; the result has the promoted dtype. A Scalar operand counts as a 0-dim tensor that never widens
// the dtype within its category, and stands in the graph as a second, empty edge, as in Python.

// Half precision is computed in float32 and rounded once. Gradients come back in each operand's own shape and dtype.
// Errors: ct::Error "The size of tensor a (3) must match the size of tensor b (4)" for shapes that do not broadcast;
// ct::TypeError for dtypes that an operation does not take, and floating factors of integers.

/// self + alpha * other.  Gradient: g; alpha * g.
CT_API Tensor add(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
CT_API Tensor add(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
CT_API Tensor sub(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
CT_API Tensor sub(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
CT_API Tensor rsub(const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
CT_API Tensor rsub(const Tensor& self, const Scalar& other, const Scalar& alpha = 1);
CT_API Tensor mul(const Tensor& self, const Tensor& other);
CT_API Tensor mul(const Tensor& self, const Scalar& other);
CT_API Tensor div(const Tensor& self, const Tensor& other);
CT_API Tensor div(const Tensor& self, const Scalar& other);
/// Integers divide as floating numbers unless a rounding_mode is given.  Gradient: g / other; -g * self / other^2.
/// rounding_mode: "trunc", "floor" or nothing (true division).
CT_API Tensor div(const Tensor& self, const Tensor& other, std::optional<std::string_view> rounding_mode);
CT_API Tensor div(const Tensor& self, const Scalar& other, std::optional<std::string_view> rounding_mode);
/// Rounded quotients and their remainders: remainder has the divisor's sign (Python's %), fmod the dividend's.
/// Gradient: quotients 0; remainders g and -g * quotient.
/// Errors: ct::Error "ZeroDivisionError" for integers divided by 0.
CT_API Tensor floor_divide(const Tensor& self, const Tensor& other);
CT_API Tensor floor_divide(const Tensor& self, const Scalar& other);
CT_API Tensor remainder(const Tensor& self, const Tensor& other);
CT_API Tensor remainder(const Tensor& self, const Scalar& other);
CT_API Tensor fmod(const Tensor& self, const Tensor& other);
CT_API Tensor fmod(const Tensor& self, const Scalar& other);
/// self^exponent. The exponents -2, -1, -1/2, 0, 1/2, 1, 2 and 3 cost what their products, roots and quotients cost.
/// 0^0 is 1. Integers: modulo 2^bits.
/// Gradient: g * e * x^(e - 1), 0 for e = 0; g * y * log(x), 0 where x = 0 <= e.
/// Errors: ct::Error "Integers to negative integer powers are not allowed."
CT_API Tensor pow(const Tensor& self, const Tensor& exponent);
CT_API Tensor pow(const Tensor& self, const Scalar& exponent);
CT_API Tensor pow(const Scalar& self, const Tensor& exponent);
CT_API Tensor neg(const Tensor& self);
CT_API Tensor abs(const Tensor& self);
CT_API Tensor square(const Tensor& self);
CT_API Tensor reciprocal(const Tensor& self);
CT_API Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1);
CT_API Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1);
CT_API Tensor lerp(const Tensor& self, const Tensor& end, const Tensor& weight);
CT_API Tensor lerp(const Tensor& self, const Tensor& end, const Scalar& weight);

/// Into `out`, which takes the result's shape. Nothing is recorded.
/// Errors: ct::Error if grad mode is on and an argument requires grad, or if the result's dtype does not fit.
CT_API Tensor& add_out(Tensor& out, const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
CT_API Tensor& sub_out(Tensor& out, const Tensor& self, const Tensor& other, const Scalar& alpha = 1);
CT_API Tensor& mul_out(Tensor& out, const Tensor& self, const Tensor& other);
CT_API Tensor& div_out(Tensor& out, const Tensor& self, const Tensor& other);

// ---- exponentials, roots, trigonometry ---------------------------------------------------------------
// Integers become the default dtype. Accurate to 4 units in the last place (most to 2) in float32 and float64; nan,
// infinities and signed zeros as in the C library. The formula of each gradient is in its node: grad_fn()->formula().
CT_API Tensor exp(const Tensor& self);
CT_API Tensor exp2(const Tensor& self);
CT_API Tensor expm1(const Tensor& self);
CT_API Tensor log(const Tensor& self);
CT_API Tensor log2(const Tensor& self);
CT_API Tensor log10(const Tensor& self);
CT_API Tensor log1p(const Tensor& self);
CT_API Tensor sqrt(const Tensor& self);
CT_API Tensor rsqrt(const Tensor& self);
CT_API Tensor sin(const Tensor& self);
CT_API Tensor cos(const Tensor& self);
CT_API Tensor tan(const Tensor& self);
CT_API Tensor asin(const Tensor& self);
CT_API Tensor acos(const Tensor& self);
CT_API Tensor atan(const Tensor& self);
CT_API Tensor atan2(const Tensor& self, const Tensor& other);
CT_API Tensor sinh(const Tensor& self);
CT_API Tensor cosh(const Tensor& self);
CT_API Tensor tanh(const Tensor& self);
CT_API Tensor asinh(const Tensor& self);
CT_API Tensor acosh(const Tensor& self);
CT_API Tensor atanh(const Tensor& self);
CT_API Tensor erf(const Tensor& self);
CT_API Tensor erfc(const Tensor& self);
CT_API Tensor erfinv(const Tensor& self);
CT_API Tensor lgamma(const Tensor& self);
CT_API Tensor digamma(const Tensor& self);
CT_API Tensor sinc(const Tensor& self);
CT_API Tensor hypot(const Tensor& self, const Tensor& other);
CT_API Tensor xlogy(const Tensor& self, const Tensor& other);
CT_API Tensor logaddexp(const Tensor& self, const Tensor& other);

// ---- activations ----------------------------------------------------------------------------------------
// Floating dtypes. Slopes at corners are PyTorch's: relu 0 at 0, hardtanh and relu6 0 at both ends.
CT_API Tensor sigmoid(const Tensor& self);
CT_API Tensor logit(const Tensor& self, std::optional<double> eps = std::nullopt);
CT_API Tensor relu(const Tensor& self);
CT_API Tensor relu6(const Tensor& self);
CT_API Tensor leaky_relu(const Tensor& self, const Scalar& negative_slope = 0.01);
CT_API Tensor elu(const Tensor& self, const Scalar& alpha = 1, const Scalar& scale = 1, const Scalar& input_scale = 1);
CT_API Tensor selu(const Tensor& self);
CT_API Tensor celu(const Tensor& self, const Scalar& alpha = 1.0);
/// approximate: "none" (by erf) or "tanh".
CT_API Tensor gelu(const Tensor& self, std::string_view approximate = "none");
CT_API Tensor silu(const Tensor& self);
CT_API Tensor mish(const Tensor& self);
CT_API Tensor softplus(const Tensor& self, const Scalar& beta = 1, const Scalar& threshold = 20);
CT_API Tensor log_sigmoid(const Tensor& self);
CT_API Tensor hardtanh(const Tensor& self, const Scalar& min_val = -1, const Scalar& max_val = 1);
CT_API Tensor hardsigmoid(const Tensor& self);
CT_API Tensor hardswish(const Tensor& self);
CT_API Tensor threshold(const Tensor& self, const Scalar& threshold, const Scalar& value);

// ---- bounds and rounding --------------------------------------------------------------------------------
/// min(max(self, min), max): where min > max, max. nan stays.  Gradient: g where min <= self <= max (end points included).
/// Errors: ct::Error if neither bound is given.
CT_API Tensor clamp(const Tensor& self, const std::optional<Scalar>& min = std::nullopt, const std::optional<Scalar>& max = std::nullopt);
CT_API Tensor clamp(const Tensor& self, const std::optional<Tensor>& min, const std::optional<Tensor>& max);
CT_API Tensor clip(const Tensor& self, const std::optional<Scalar>& min = std::nullopt, const std::optional<Scalar>& max = std::nullopt);
CT_API Tensor clamp_min(const Tensor& self, const Scalar& min);
CT_API Tensor clamp_max(const Tensor& self, const Scalar& max);
/// nan in either operand is the result of minimum and maximum; fmin and fmax prefer the number.
/// Gradient: g to the operand that was taken; a tie is split in halves (fmin and fmax: to self).
CT_API Tensor minimum(const Tensor& self, const Tensor& other);
CT_API Tensor maximum(const Tensor& self, const Tensor& other);
CT_API Tensor fmin(const Tensor& self, const Tensor& other);
CT_API Tensor fmax(const Tensor& self, const Tensor& other);
/// Rounding and signs. round() takes halves to the even neighbour.  Gradient: 0 (frac: g).
CT_API Tensor floor(const Tensor& self);
CT_API Tensor ceil(const Tensor& self);
CT_API Tensor round(const Tensor& self);
CT_API Tensor round(const Tensor& self, std::int64_t decimals);
CT_API Tensor trunc(const Tensor& self);
CT_API Tensor frac(const Tensor& self);
CT_API Tensor sign(const Tensor& self);
CT_API Tensor sgn(const Tensor& self);
CT_API Tensor heaviside(const Tensor& self, const Tensor& values);
CT_API Tensor copysign(const Tensor& self, const Tensor& other);
CT_API Tensor nan_to_num(const Tensor& self, std::optional<double> nan = std::nullopt, std::optional<double> posinf = std::nullopt,
                         std::optional<double> neginf = std::nullopt);

// ---- comparisons and logic: the result is kBool ------------------------------------------------------------
CT_API Tensor eq(const Tensor& self, const Tensor& other);
CT_API Tensor eq(const Tensor& self, const Scalar& other);
CT_API Tensor ne(const Tensor& self, const Tensor& other);
CT_API Tensor ne(const Tensor& self, const Scalar& other);
CT_API Tensor lt(const Tensor& self, const Tensor& other);
CT_API Tensor lt(const Tensor& self, const Scalar& other);
CT_API Tensor le(const Tensor& self, const Tensor& other);
CT_API Tensor le(const Tensor& self, const Scalar& other);
CT_API Tensor gt(const Tensor& self, const Tensor& other);
CT_API Tensor gt(const Tensor& self, const Scalar& other);
CT_API Tensor ge(const Tensor& self, const Tensor& other);
CT_API Tensor ge(const Tensor& self, const Scalar& other);
/// |self - other| <= atol + rtol * |other|.  Errors: ct::TypeError if the dtypes differ.
CT_API Tensor isclose(const Tensor& self, const Tensor& other, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
CT_API bool allclose(const Tensor& self, const Tensor& other, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
CT_API bool equal(const Tensor& self, const Tensor& other);
CT_API Tensor isnan(const Tensor& self);
CT_API Tensor isinf(const Tensor& self);
CT_API Tensor isfinite(const Tensor& self);
CT_API Tensor isposinf(const Tensor& self);
CT_API Tensor isneginf(const Tensor& self);
CT_API Tensor signbit(const Tensor& self);
CT_API Tensor logical_and(const Tensor& self, const Tensor& other);
CT_API Tensor logical_or(const Tensor& self, const Tensor& other);
CT_API Tensor logical_xor(const Tensor& self, const Tensor& other);
CT_API Tensor logical_not(const Tensor& self);
CT_API Tensor bitwise_and(const Tensor& self, const Tensor& other);
CT_API Tensor bitwise_or(const Tensor& self, const Tensor& other);
CT_API Tensor bitwise_xor(const Tensor& self, const Tensor& other);
CT_API Tensor bitwise_not(const Tensor& self);
CT_API Tensor bitwise_left_shift(const Tensor& self, const Tensor& other);
CT_API Tensor bitwise_right_shift(const Tensor& self, const Tensor& other);

// ---- selection -----------------------------------------------------------------------------------------------
/// self where condition, else other.  Gradient: g where it was taken, 0 elsewhere; a nan slope of a function in the branch
/// that was not taken is multiplied by 0, and stays nan.
/// Errors: ct::TypeError "where expected condition to be a boolean tensor".
CT_API Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other);
CT_API Tensor where(const Tensor& condition, const Scalar& self, const Tensor& other);
CT_API Tensor where(const Tensor& condition, const Tensor& self, const Scalar& other);
CT_API Tensor where(const Tensor& condition, const Scalar& self, const Scalar& other);

// ---- dtype rules -----------------------------------------------------------------------------------------------
/// The dtype that an elementwise operation on the two would have.
CT_API ScalarType result_type(const Tensor& a, const Tensor& b);
CT_API ScalarType result_type(const Tensor& a, const Scalar& b);

}  // namespace ct
