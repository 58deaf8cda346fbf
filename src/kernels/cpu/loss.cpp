// kernels/cpu/loss.cpp -- losses of pairs of elements, and their slopes times a gradient.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/loss.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/loss.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct LossParams {
  double p, scale;
  explicit LossParams(const Scalar* s) : p(s[0].toDouble()), scale(s[1].toDouble()) {}
};

struct Mse : LossParams {  // (x - t)^2
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t) const {
    (void)d;
    const V e = hn::Sub(x, t);
    return hn::Mul(e, e);
  }
};
struct MseBackward : LossParams {
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t) const {
    return hn::Mul(hn::Mul(number(d, 2 * scale), hn::Sub(x, t)), g);
  }
};
struct SmoothL1 : LossParams {  // |e| < beta: e^2 / (2 beta), else |e| - beta / 2
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t) const {
    const V e = hn::Abs(hn::Sub(x, t)), beta = number(d, p), half = number(d, 0.5);
    return hn::IfThenElse(hn::Lt(e, beta), hn::Div(hn::Mul(hn::Mul(half, e), e), beta), hn::Sub(e, hn::Mul(half, beta)));
  }
};
template <class D, class V> HWY_INLINE V sign_of(D d, V e) {
  const V one = number(d, 1), zero = hn::Zero(d);
  return hn::IfThenElse(hn::Gt(e, zero), one, hn::IfThenElse(hn::Lt(e, zero), hn::Neg(one), e));  // NaN stays
}
struct SmoothL1Backward : LossParams {
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t) const {
    const V e = hn::Sub(x, t), beta = number(d, p);
    const V slope = hn::IfThenElse(hn::Lt(hn::Abs(e), beta), hn::Div(e, beta), sign_of(d, e));
    return hn::Mul(hn::Mul(number(d, scale), slope), g);
  }
};
struct Huber : LossParams {  // |e| <= delta: e^2 / 2, else delta (|e| - delta / 2)
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t) const {
    const V e = hn::Abs(hn::Sub(x, t)), delta = number(d, p), half = number(d, 0.5);
    return hn::IfThenElse(hn::Le(e, delta), hn::Mul(hn::Mul(half, e), e), hn::Mul(delta, hn::Sub(e, hn::Mul(half, delta))));
  }
};
struct HuberBackward : LossParams {
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t) const {
    const V e = hn::Sub(x, t), delta = number(d, p);
    const V slope = hn::IfThenElse(hn::Le(hn::Abs(e), delta), e, hn::Mul(delta, sign_of(d, e)));
    return hn::Mul(hn::Mul(number(d, scale), slope), g);
  }
};
struct SoftMargin : LossParams {  // log(1 + e^(-t x)), without overflow
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t) const {
    const V z = hn::Neg(hn::Mul(x, t)), tail = Log1p{}(d, Exp{}(d, hn::Neg(hn::Abs(z))));
    return hn::Add(hn::IfThenZeroElse(hn::Lt(z, hn::Zero(d)), z), tail);
  }
};
struct SoftMarginBackward : LossParams {
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t) const {
    return hn::Mul(hn::Mul(number(d, -scale), hn::Mul(t, Sigmoid{}(d, hn::Neg(hn::Mul(x, t))))), g);
  }
};
// Logarithms of probabilities are cut at -100, so that a certain and wrong guess costs 100 and not infinity.
template <class D, class V> HWY_INLINE V cut(D d, V log) {
  const V low = number(d, -100);
  return hn::IfThenElse(hn::Lt(log, low), low, log);
}
struct Bce : LossParams {  // -(t log x + (1 - t) log(1 - x))
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t) const {
    const V by_1 = hn::Mul(t, cut(d, Log{}(d, x)));
    return hn::Sub(hn::Mul(hn::Sub(t, number(d, 1)), cut(d, Log1p{}(d, hn::Neg(x)))), by_1);
  }
};
struct BceBackward : LossParams {  // (x - t) / (x (1 - x))
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t) const {
    const V square = hn::Mul(hn::Sub(number(d, 1), x), x), least = number(d, static_cast<double>(1e-12f));  // as in PyTorch
    const V slope = hn::Div(hn::Sub(x, t), hn::IfThenElse(hn::Lt(square, least), least, square));
    return hn::Mul(hn::Mul(number(d, scale), slope), g);
  }
};
// w = 1 + (pos - 1) t:  (1 - t) x + w log(1 + e^-x)
template <class D, class V> HWY_INLINE V logits_loss(D d, V x, V t, V w) {
  const V tail = Log1p{}(d, Exp{}(d, hn::Neg(hn::Abs(x))));                                  // log(1 + e^-|x|)
  const V softplus = hn::Add(tail, hn::IfThenZeroElse(hn::Gt(x, hn::Zero(d)), hn::Neg(x)));  // log(1 + e^-x)
  return hn::Add(hn::Mul(hn::Sub(number(d, 1), t), x), hn::Mul(w, softplus));
}
struct BceLogits : LossParams {
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t) const { return logits_loss(d, x, t, number(d, 1)); }
};
struct BceLogitsBackward : LossParams {  // sigmoid(x) - t
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t) const {
    return hn::Mul(hn::Mul(number(d, scale), hn::Sub(Sigmoid{}(d, x), t)), g);
  }
};
struct BceLogitsPos : LossParams {
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V t, V pos) const {
    const V one = number(d, 1);
    return logits_loss(d, x, t, hn::Add(one, hn::Mul(hn::Sub(pos, one), t)));
  }
};
struct BceLogitsPosBackward : LossParams {  // w sigmoid(x) - pos t
  using LossParams::LossParams;
  template <class D, class V> HWY_INLINE V operator()(D d, V g, V x, V t, V pos) const {
    const V one = number(d, 1), w = hn::Add(one, hn::Mul(hn::Sub(pos, one), t));
    return hn::Mul(hn::Mul(number(d, scale), hn::Sub(hn::Mul(w, Sigmoid{}(d, x)), hn::Mul(pos, t))), g);
  }
};

LossKernels loss_table() {
  LossKernels t;
  t.mse = math_kernel<2, Mse>();
  t.mse_backward = math_kernel<3, MseBackward>();
  t.smooth_l1 = math_kernel<2, SmoothL1>();
  t.smooth_l1_backward = math_kernel<3, SmoothL1Backward>();
  t.huber = math_kernel<2, Huber>();
  t.huber_backward = math_kernel<3, HuberBackward>();
  t.soft_margin = math_kernel<2, SoftMargin>();
  t.soft_margin_backward = math_kernel<3, SoftMarginBackward>();
  t.bce = math_kernel<2, Bce>();
  t.bce_backward = math_kernel<3, BceBackward>();
  t.bce_logits = math_kernel<2, BceLogits>();
  t.bce_logits_backward = math_kernel<3, BceLogitsBackward>();
  t.bce_logits_pos = math_kernel<3, BceLogitsPos>();
  t.bce_logits_pos_backward = math_kernel<4, BceLogitsPosBackward>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const LossKernels& loss() {
  static const LossKernels table = CT_BEST_TARGET(loss_table);
  return table;
}
}  // namespace ct::kernels
#endif
