// tests/oracle/elementwise_oracle.cpp -- elementwise functions as libtorch computes them.
#include "oracle/oracle.h"

#include "autograd/elementwise.h"
#include "ops/dim_attrs.h"

using ct::detail::ScalarAttrs;

namespace {
at::Scalar p(const void* a, int i) { return oracle::number(oracle::attrs<ScalarAttrs>(a).s[i]); }
c10::optional<at::Scalar> bound(const void* a, int i) {
  if (oracle::attrs<ScalarAttrs>(a).s[2].toLong() >> i & 1) return p(a, i);
  return c10::nullopt;
}
c10::optional<double> eps(const void* a) {
  const double e = p(a, 0).toDouble();
  if (e >= 0) return e;
  return c10::nullopt;
}
template <class F, class... Args>
at::Tensor in_place(F f, at::Tensor x, const Args&... args) { return f(x, args...); }
// libtorch 1.13 rounds intermediate results of these to half precision; ours are rounded once.
const oracle::Tolerance half_rounded_often{1e-9, 2e-5, 3e-3, 1};
// libtorch 1.13 has 1/6 in float32 there.
const oracle::Tolerance sixth{1e-7};
// libtorch 1.13 has no function for it: the definition.
at::Tensor sinc_backward(const at::Tensor& g, const at::Tensor& x) {
  const at::Tensor z = x * M_PI;
  return g * (z.cos() * z - z.sin()) / (z * x);
}
}  // namespace

#define CT_X(call) [](const Inputs& in, const void*) -> Outputs { const at::Tensor& x = in[0]; return {call}; }
#define CT_XY(call) [](const Inputs& in, const void*) -> Outputs { const at::Tensor &x = in[0], &y = in[1]; return {call}; }
#define CT_XA(call) [](const Inputs& in, const void* a) -> Outputs { const at::Tensor& x = in[0]; return {call}; }
#define CT_XYA(call) [](const Inputs& in, const void* a) -> Outputs { const at::Tensor &x = in[0], &y = in[1]; return {call}; }
#define CT_SAME(f) {#f, CT_X(at::f(x))}
#define CT_SAME2(f) {#f, CT_XY(at::f(x, y))}

CT_ORACLE(exponentials) {
  return {CT_SAME(exp),   CT_SAME(exp2),  CT_SAME(expm1), CT_SAME(log),  CT_SAME(log2), CT_SAME(log10), CT_SAME(log1p), CT_SAME(sqrt),
          CT_SAME(rsqrt), CT_SAME(sin),   CT_SAME(cos),   CT_SAME(tan),  CT_SAME(asin), CT_SAME(acos),  CT_SAME(atan),  CT_SAME(sinh),
          CT_SAME(cosh),  CT_SAME(tanh),  CT_SAME(asinh), CT_SAME(acosh), CT_SAME(atanh), CT_SAME2(tanh_backward)};
}

CT_ORACLE(special) {
  // libtorch's digamma is exact to 1e-6 or so in its derivatives.
  const Tolerance loose{1e-6, 1e-4};
  return {CT_SAME(erf),
          CT_SAME(erfc),
          CT_SAME(erfinv),
          {"lgamma", CT_X(at::lgamma(x)), {1e-9, 1e-3}},
          {"digamma", CT_X(at::digamma(x)), loose},
          {"polygamma", CT_XA(at::polygamma(p(a, 0).toLong(), x)), loose},
          {"sinc", CT_X(at::sinc(x)), half_rounded_often},
          Entry{"sinc_backward", CT_XY(sinc_backward(x, y)), {1e-9, 1e-4, 0.1, 1}}.graph_differs("libtorch composes it"),
          CT_SAME2(atan2),
          CT_SAME2(hypot),
          CT_SAME2(xlogy),
          CT_SAME2(logaddexp)};
}

CT_ORACLE(powers) {
  return {{"pow", CT_XA(at::pow(x, p(a, 0)))},
          {"pow.integer", CT_XA(at::pow(x, p(a, 0)))},
          {"pow.Tensor", CT_XY(at::pow(x, y))},
          {"pow.Scalar", CT_XY(at::pow(x.item(), y))}};
}

CT_ORACLE(activations) {
  return {CT_SAME(sigmoid),
          CT_SAME2(sigmoid_backward),
          {"logit", CT_XA(at::logit(x, eps(a))), half_rounded_often},
          {"logit_backward", CT_XYA(at::logit_backward(x, y, eps(a))), {}, false},  // no second derivative in 1.13
          CT_SAME(relu),
          {"threshold", CT_XA(at::threshold(x, p(a, 0), p(a, 1)))},
          {"threshold_backward", CT_XYA(at::threshold_backward(x, y, p(a, 0)))},
          {"leaky_relu", CT_XA(at::leaky_relu(x, p(a, 0)))},
          {"leaky_relu_", CT_XA(in_place(at::leaky_relu_, x.clone(), p(a, 0)))},
          {"leaky_relu_backward", CT_XYA(at::leaky_relu_backward(x, y, p(a, 0), false))},
          {"elu", CT_XA(at::elu(x, p(a, 0), p(a, 1), p(a, 2)))},
          {"elu_", CT_XA(in_place(at::elu_, x.clone(), p(a, 0), p(a, 1), p(a, 2)))},
          {"celu", CT_XA(at::celu(x, p(a, 0)))},
          {"elu_backward", CT_XYA(at::elu_backward(x, p(a, 0), p(a, 1), p(a, 2), false, y))},
          {"elu_backward.result", CT_XYA(at::elu_backward(x, p(a, 0), p(a, 1), p(a, 2), true, y))},
          {"hardtanh", CT_XA(at::hardtanh(x, p(a, 0), p(a, 1)))},
          {"hardtanh_backward", CT_XYA(at::hardtanh_backward(x, y, p(a, 0), p(a, 1)))},
          {"hardsigmoid", CT_X(at::hardsigmoid(x)), sixth},
          {"hardsigmoid_backward", CT_XY(at::hardsigmoid_backward(x, y)), sixth, false},  // no second derivative in 1.13
          {"hardswish", CT_X(at::hardswish(x)), sixth},
          CT_SAME2(hardswish_backward),
          CT_SAME(gelu),
          {"gelu_backward", CT_XY(at::gelu_backward(x + at::zeros_like(y), y + at::zeros_like(x)))},  // it cannot broadcast
          {"gelu.tanh", CT_X(at::gelu(x, "tanh")), half_rounded_often},
          {"gelu_backward.tanh", CT_XY(at::gelu_backward(x, y, "tanh")), half_rounded_often},
          CT_SAME(silu),
          {"silu_backward", CT_XY(at::silu_backward(x, y)), half_rounded_often, false},  // no second derivative in 1.13
          CT_SAME(mish),
          {"mish_backward", CT_XY(at::mish_backward(x, y)), {}, false},  // no second derivative in 1.13
          CT_SAME(log_sigmoid),
          {"log_sigmoid_backward", CT_XY(at::log_sigmoid_backward(x, y, std::get<1>(at::log_sigmoid_forward(y)))), {}, false},  // as above
          {"softplus", CT_XA(at::softplus(x, p(a, 0), p(a, 1)))},
          {"softplus_backward", CT_XYA(at::softplus_backward(x, y, p(a, 0), p(a, 1)))}};
}

CT_ORACLE(shrinking) {
  return {{"hardshrink", CT_XA(at::hardshrink(x, p(a, 0)))},
          {"hardshrink_backward", CT_XYA(at::hardshrink_backward(x, y, p(a, 0)))},
          {"softshrink", CT_XA(at::softshrink(x, p(a, 0)))},
          {"softshrink_backward", CT_XYA(at::softshrink_backward(x, y, p(a, 0)))},
          {"prelu", CT_XY(at::prelu(x, y))},
          {"prelu_backward", none("a helper of our own; the gradients of prelu compare it")},
          {"glu", CT_XA(at::glu(x, oracle::attrs<ct::detail::DimAttrs>(a).dim))},
          {"rrelu_with_noise", none("the noise is drawn by the function: nn_table_oracle.cpp")},
          {"rrelu_with_noise_", none("the noise is drawn by the function: nn_table_oracle.cpp")}};
}

CT_ORACLE(rounding) {
  return {CT_SAME(abs), CT_SAME(sign), {"sgn", CT_X(at::sgn(x)), {}, false},  // its gradient has no memory in 1.13
           CT_SAME(floor), CT_SAME(ceil), CT_SAME(trunc), CT_SAME(round), CT_SAME(frac),
          {"round.decimals", CT_XA(at::round(x, p(a, 0).toLong()))},
          {"heaviside", CT_XY(at::heaviside(x, y)), {}, false},  // libtorch refuses the gradient
          CT_SAME2(copysign),
          {"nan_to_num", CT_XA(at::nan_to_num(x, p(a, 0).toDouble(), p(a, 1).toDouble(), p(a, 2).toDouble()))},
          {"div.trunc", CT_XY(at::div(x, y, "trunc"))},
          {"div.floor", CT_XY(at::div(x, y, "floor"))},
          {"floor_divide", CT_XY(at::floor_divide(x, y)), {}, false},  // libtorch refuses the gradient
          CT_SAME2(remainder),
          {"remainder.Scalar", CT_XY(at::remainder(x, y.item()))},
          CT_SAME2(fmod),
          {"fmod.Scalar", CT_XY(at::fmod(x, y.item()))}};
}

CT_ORACLE(fused) {
  return {{"rsub", CT_XYA(at::rsub(x, y, p(a, 0)))},
          {"rsub.Scalar", CT_XA(at::rsub(x, p(a, 0), p(a, 1)))},
          {"addcmul", [](const Inputs& in, const void* a) -> Outputs { return {at::addcmul(in[0], in[1], in[2], p(a, 0))}; }},
          {"addcdiv", [](const Inputs& in, const void* a) -> Outputs { return {at::addcdiv(in[0], in[1], in[2], p(a, 0))}; }},
          {"lerp", [](const Inputs& in, const void*) -> Outputs { return {at::lerp(in[0], in[1], in[2])}; }},
          {"lerp.Scalar", [](const Inputs& in, const void* a) -> Outputs { return {at::lerp(in[0], in[1], p(a, 0))}; }}};
}

CT_ORACLE(selection) {
  return {{"where", [](const Inputs& in, const void*) -> Outputs { return {at::where(in[0], in[1], in[2])}; }},
          CT_SAME2(maximum),
          CT_SAME2(minimum),
          CT_SAME2(fmax),
          CT_SAME2(fmin),
          {"clamp", CT_XA(at::clamp(x, bound(a, 0), bound(a, 1)))},
          {"clamp_min", CT_XA(at::clamp_min(x, p(a, 0)))},
          {"clamp_max", CT_XA(at::clamp_max(x, p(a, 1)))},
          Entry{"clamp_backward", CT_XYA(at::where((y >= p(a, 0)).logical_and(y <= p(a, 1)), x, at::zeros({}, x.options())))}
              .graph_differs("libtorch composes it"),
          {"clamp.Tensor", [](const Inputs& in, const void*) -> Outputs {
             return {at::clamp(in[0], c10::optional<at::Tensor>(in[1]), c10::optional<at::Tensor>(in[2]))};
           }},
          {"clamp_min.Tensor", CT_XY(at::clamp(x, c10::optional<at::Tensor>(y)))},
          {"clamp_max.Tensor", CT_XY(at::clamp(x, c10::nullopt, c10::optional<at::Tensor>(y)))}};
}

CT_ORACLE(comparisons) {
  return {CT_SAME2(eq), CT_SAME2(ne), CT_SAME2(lt), CT_SAME2(le), CT_SAME2(gt), CT_SAME2(ge),
          {"isclose", CT_XYA(at::isclose(x, y, p(a, 0).toDouble(), p(a, 1).toDouble(), p(a, 2).toBool()))},
          CT_SAME(isnan), CT_SAME(isinf), CT_SAME(isfinite), CT_SAME(isposinf), CT_SAME(isneginf), CT_SAME(signbit),
          CT_SAME2(logical_and), CT_SAME2(logical_or), CT_SAME2(logical_xor), CT_SAME(logical_not),
          CT_SAME2(bitwise_and), CT_SAME2(bitwise_or), CT_SAME2(bitwise_xor), CT_SAME(bitwise_not),
          CT_SAME2(bitwise_left_shift), CT_SAME2(bitwise_right_shift)};
}
