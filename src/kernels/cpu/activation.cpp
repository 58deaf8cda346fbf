// kernels/cpu/activation.cpp -- activations with corners, the sigmoid, and their fused backward loops.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct SigmoidBackward {  // g (1 - y) y
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V y) const {
    return hn::Mul(hn::Mul(g, hn::Sub(number(d, 1), y)), y);
  }
};
struct TanhBackward {  // g (1 - y^2)
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V y) const { return hn::Mul(g, hn::Sub(number(d, 1), hn::Mul(y, y))); }
};
struct Logit {  // log(x / (1 - x))
  double eps;
  explicit Logit(const Scalar* p) : eps(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    if (eps >= 0) {
      const V low = number(d, eps), high = number(d, 1 - eps);
      x = hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
    }
    return Log{}(d, hn::Div(x, hn::Sub(number(d, 1), x)));
  }
};
struct LogitBackward {  // g / (x (1 - x)); where eps cut: 0; outside [0, 1] without eps: nan
  double eps;
  explicit LogitBackward(const Scalar* p) : eps(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V one = number(d, 1), low = number(d, eps >= 0 ? eps : 0), high = number(d, eps >= 0 ? 1 - eps : 1);
    const V y = hn::Div(g, hn::Mul(x, hn::Sub(one, x)));
    return hn::IfThenElse(hn::Or(hn::Lt(x, low), hn::Gt(x, high)), eps >= 0 ? hn::Zero(d) : quiet_nan(d), y);
  }
};
struct Relu { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x); } };
struct IntRelu { template <class T> T operator()(T x) const { return x < T{} ? T{} : x; } };
struct Threshold {
  double at, value;
  explicit Threshold(const Scalar* p) : at(p[0].toDouble()), value(p[1].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Le(x, number(d, at)), number(d, value), x);
  }
};
struct IntThreshold {
  std::int64_t at, value;
  explicit IntThreshold(const Scalar* p) : at(p[0].toLong()), value(p[1].toLong()) {}
  template <class T> T operator()(T x) const { return static_cast<std::int64_t>(x) <= at ? static_cast<T>(value) : x; }
};
struct ThresholdBackward {
  double at;
  explicit ThresholdBackward(const Scalar* p) : at(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenZeroElse(hn::Le(x, number(d, at)), g);
  }
};
struct LeakyRelu {
  double slope;
  explicit LeakyRelu(const Scalar* p) : slope(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, number(d, slope)));
  }
};
struct LeakyReluBackward {
  double slope;
  explicit LeakyReluBackward(const Scalar* p) : slope(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), g, hn::Mul(g, number(d, slope)));
  }
};
struct Hardshrink {  // 0 in [-lambda, lambda]
  double lambda;
  explicit Hardshrink(const Scalar* p) : lambda(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenZeroElse(hn::Le(hn::Abs(x), number(d, lambda)), x);
  }
};
struct ShrinkBackward {  // of both
  double lambda;
  explicit ShrinkBackward(const Scalar* p) : lambda(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenZeroElse(hn::Le(hn::Abs(x), number(d, lambda)), g);
  }
};
struct Softshrink {  // towards 0 by lambda; nan stays
  double lambda;
  explicit Softshrink(const Scalar* p) : lambda(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V l = number(d, lambda);
    return hn::IfThenZeroElse(hn::Le(hn::Abs(x), l), hn::Sub(x, hn::CopySign(l, x)));
  }
};
struct Prelu {
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V w) const { return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(w, x)); }
};
struct PreluBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V w) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), g, hn::Mul(w, g));
  }
};
struct EluParams {
  double negative, positive, inner;  // negative (e^(inner x) - 1) below 0, positive x above
  explicit EluParams(const Scalar* p) : negative(p[0].toDouble() * p[1].toDouble()), positive(p[1].toDouble()), inner(p[2].toDouble()) {}
};
struct Elu : EluParams {
  using EluParams::EluParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V below = hn::Mul(Expm1{}(d, hn::Mul(x, number(d, inner))), number(d, negative));
    return hn::IfThenElse(hn::Le(x, hn::Zero(d)), below, hn::Mul(x, number(d, positive)));
  }
};
struct EluBackward : EluParams {
  using EluParams::EluParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V below = hn::Mul(Exp{}(d, hn::Mul(x, number(d, inner))), number(d, negative * inner));
    return hn::Mul(g, hn::IfThenElse(hn::Le(x, hn::Zero(d)), below, number(d, positive)));
  }
};
struct EluBackwardResult : EluParams {
  using EluParams::EluParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V y) const {
    const V below = hn::Mul(hn::Add(y, number(d, negative)), number(d, inner));
    return hn::Mul(g, hn::IfThenElse(hn::Le(y, hn::Zero(d)), below, number(d, positive)));
  }
};
struct HardtanhBackward {
  double low, high;
  explicit HardtanhBackward(const Scalar* p) : low(p[0].toDouble()), high(p[1].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenZeroElse(hn::Or(hn::Le(x, number(d, low)), hn::Ge(x, number(d, high))), g);
  }
};
template <class D, class V> HWY_INLINE V sixth_step(D d, V x) {  // min(max(x + 3, 0), 6) / 6, nan stays
  const V six = number(d, 6), up = hn::Add(x, number(d, 3));
  return hn::Div(hn::IfThenElse(hn::Gt(up, six), six, hn::IfThenZeroElse(hn::Lt(up, hn::Zero(d)), up)), six);
}
struct Hardsigmoid { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return sixth_step(d, x); } };
struct HardsigmoidBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenElseZero(hn::Lt(hn::Abs(x), number(d, 3)), hn::Div(g, number(d, 6)));
  }
};
struct Hardswish { template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Mul(x, sixth_step(d, x)); } };
struct HardswishBackward {  // 0 below -3, x/3 + 1/2 up to 3, 1 above
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x) const {
    const V three = number(d, 3);
    const V y = hn::IfThenElse(hn::Le(x, three), hn::Mul(g, hn::Add(hn::Div(x, three), number(d, 0.5))), g);
    return hn::IfThenZeroElse(hn::Lt(x, hn::Neg(three)), y);
  }
};

ActivationKernels activation_table() {
  ActivationKernels t;
  t.sigmoid = math_kernel<1, Sigmoid>();
  t.sigmoid_backward = vector_kernel<2, SigmoidBackward>();
  t.tanh_backward = vector_kernel<2, TanhBackward>();
  t.logit = math_kernel<1, Logit>();
  t.logit_backward = vector_kernel<2, LogitBackward>();
  t.relu = float_int_kernel<1, Relu, IntRelu>();
  t.relu.loop[static_cast<int>(kBool)] = nullptr;
  t.threshold = float_int_kernel<1, Threshold, IntThreshold>();
  t.threshold.loop[static_cast<int>(kBool)] = nullptr;
  t.threshold_backward = vector_kernel<2, ThresholdBackward>();
  t.leaky_relu = vector_kernel<1, LeakyRelu>();
  t.leaky_relu_backward = vector_kernel<2, LeakyReluBackward>();
  t.hardshrink = vector_kernel<1, Hardshrink>();
  t.softshrink = vector_kernel<1, Softshrink>();
  t.shrink_backward = vector_kernel<2, ShrinkBackward>();
  t.prelu = vector_kernel<2, Prelu>();
  t.prelu_backward = vector_kernel<3, PreluBackward>();
  t.elu = math_kernel<1, Elu>();
  t.elu_backward = math_kernel<2, EluBackward>();
  t.elu_backward_result = vector_kernel<2, EluBackwardResult>();
  t.hardtanh_backward = vector_kernel<2, HardtanhBackward>();
  t.hardsigmoid = vector_kernel<1, Hardsigmoid>();
  t.hardsigmoid_backward = vector_kernel<2, HardsigmoidBackward>();
  t.hardswish = vector_kernel<1, Hardswish>();
  t.hardswish_backward = vector_kernel<2, HardswishBackward>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const ActivationKernels& activation() {
  static const ActivationKernels table = CT_BEST_TARGET(activation_table);
  return table;
}
}  // namespace ct::kernels
#endif
