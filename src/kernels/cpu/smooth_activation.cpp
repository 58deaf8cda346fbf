// kernels/cpu/smooth_activation.cpp -- smooth activations and their fused backward loops.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/smooth_activation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

constexpr double sqrt_half = 0.70710678118654752440, inv_sqrt_2pi = 0.39894228040143267794;

// x P(x < N) with the normal distribution
struct Gelu { template <class T> T operator()(T x) const { return T(0.5) * x * (1 + std::erf(x * T(sqrt_half))); } };
struct GeluBackward {  // g (P + x p)
  template <class T> T operator()(T g, T x) const {
    return g * (T(0.5) * (1 + std::erf(x * T(sqrt_half))) + x * std::exp(T(-0.5) * x * x) * T(inv_sqrt_2pi));
  }
};
struct FloatGelu {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V e = FloatErf{}(d, hn::Mul(x, number(d, sqrt_half)));
    return hn::Mul(hn::Mul(number(d, 0.5), x), hn::Add(number(d, 1), e));
  }
};
struct FloatGeluBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V half = number(d, 0.5), e = FloatErf{}(d, hn::Mul(x, number(d, sqrt_half)));
    const V density = hn::Mul(Exp{}(d, hn::Mul(hn::Mul(x, x), hn::Neg(half))), number(d, inv_sqrt_2pi));
    return hn::Mul(g, hn::MulAdd(x, density, hn::MulAdd(half, e, half)));
  }
};
constexpr double gelu_scale = 0.79788456080286535588, gelu_cubic = 0.044715;  // sqrt(2 / pi)
template <class D, class V> HWY_INLINE V gelu_tanh_of(D d, V x, V square) {
  return Tanh{}(d, hn::Mul(hn::Mul(number(d, gelu_scale), x), hn::MulAdd(number(d, gelu_cubic), square, number(d, 1))));
}
struct GeluTanh {  // x / 2 (1 + tanh(scale (x + cubic x^3)))
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V t = gelu_tanh_of(d, x, hn::Mul(x, x));
    return hn::Mul(hn::Mul(number(d, 0.5), x), hn::Add(number(d, 1), t));
  }
};
struct GeluTanhBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V one = number(d, 1), half = number(d, 0.5), square = hn::Mul(x, x);
    const V t = gelu_tanh_of(d, x, square);
    const V inner = hn::Mul(number(d, gelu_scale), hn::MulAdd(number(d, 3 * gelu_cubic), square, one));
    const V slope = hn::Mul(hn::Mul(half, x), hn::Mul(hn::NegMulAdd(t, t, one), inner));
    return hn::Mul(g, hn::MulAdd(half, hn::Add(one, t), slope));
  }
};
struct Silu { template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
  return hn::Div(x, hn::Add(number(d, 1), Exp{}(d, hn::Neg(x))));
} };
struct SiluBackward {  // g s (1 + x (1 - s))
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V one = number(d, 1), s = Sigmoid{}(d, x);
    return hn::Mul(hn::Mul(g, s), hn::MulAdd(x, hn::Sub(one, s), one));
  }
};
// tanh(log(1 + e)) = n / (n + 2) with e = e^x, n = e (e + 2); from x = 40 on it is 1.
template <class D, class V> HWY_INLINE V limited_exp(D d, V x) {
  const V limit = number(d, 40);
  return Exp{}(d, hn::IfThenElse(hn::Gt(x, limit), limit, x));
}
struct Mish {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V e = limited_exp(d, x), two = number(d, 2), n = hn::Mul(e, hn::Add(e, two));
    return hn::Mul(x, hn::Div(n, hn::Add(n, two)));
  }
};
struct MishBackward {  // g (t + x s (1 - t^2)), s = sigmoid(x)
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V e = limited_exp(d, x), one = number(d, 1), two = number(d, 2), n = hn::Mul(e, hn::Add(e, two));
    const V t = hn::Div(n, hn::Add(n, two)), s = hn::Div(e, hn::Add(e, one));
    return hn::Mul(g, hn::MulAdd(hn::Mul(x, s), hn::NegMulAdd(t, t, one), t));
  }
};
struct LogSigmoid {  // min(x, 0) - log(1 + e^-|x|)
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V tail = Log1p{}(d, Exp{}(d, hn::Neg(hn::Abs(x))));
    return hn::Sub(hn::IfThenZeroElse(hn::Gt(x, hn::Zero(d)), x), tail);
  }
};
struct LogSigmoidBackward {  // g sigmoid(-x)
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const { return hn::Mul(g, Sigmoid{}(d, hn::Neg(x))); }
};
struct SoftplusParams {
  double beta, threshold;  // beyond which it is x
  explicit SoftplusParams(const Scalar* p) : beta(p[0].toDouble()), threshold(p[1].toDouble()) {}
};
struct Softplus : SoftplusParams {
  using SoftplusParams::SoftplusParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V scaled = hn::Mul(x, number(d, beta));
    const V y = hn::Div(Log1p{}(d, Exp{}(d, scaled)), number(d, beta));
    return hn::IfThenElse(hn::Gt(scaled, number(d, threshold)), x, y);
  }
};
struct SoftplusBackward : SoftplusParams {
  using SoftplusParams::SoftplusParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V scaled = hn::Mul(x, number(d, beta));
    return hn::IfThenElse(hn::Gt(scaled, number(d, threshold)), g, hn::Mul(g, Sigmoid{}(d, scaled)));
  }
};

SmoothActivationKernels smooth_activation_table() {
  SmoothActivationKernels t;
  t.gelu = mixed_kernel<1, FloatGelu, Gelu>();
  t.gelu_backward = mixed_kernel<2, FloatGeluBackward, GeluBackward>();
  t.gelu_tanh = math_kernel<1, GeluTanh>();
  t.gelu_tanh_backward = math_kernel<2, GeluTanhBackward>();
  t.silu = math_kernel<1, Silu>();
  t.silu_backward = math_kernel<2, SiluBackward>();
  t.mish = math_kernel<1, Mish>();
  t.mish_backward = math_kernel<2, MishBackward>();
  t.log_sigmoid = math_kernel<1, LogSigmoid>();
  t.log_sigmoid_backward = math_kernel<2, LogSigmoidBackward>();
  t.softplus = math_kernel<1, Softplus>();
  t.softplus_backward = math_kernel<2, SoftplusBackward>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const SmoothActivationKernels& smooth_activation() {
  static const SmoothActivationKernels table = CT_BEST_TARGET(smooth_activation_table);
  return table;
}
}  // namespace ct::kernels
#endif
