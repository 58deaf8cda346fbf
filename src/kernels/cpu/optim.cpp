// kernels/cpu/optim.cpp -- the steps of optimizers as plain loops, which the compiler vectorises for each target.
#include "kernels/optim.h"

#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optim.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

HWY_INLINE float root(float x) { return __builtin_sqrtf(x); }
HWY_INLINE double root(double x) { return __builtin_sqrt(x); }
template <class C>
HWY_INLINE C magnitude(C x) { return x < 0 ? -x : x; }
// PyTorch's maximum: nan if either is.
template <class C>
HWY_INLINE C larger(C a, C b) { return a > b || a != a ? a : b; }
template <class C>
HWY_INLINE C sign(C x) { return static_cast<C>(x > 0) - static_cast<C>(x < 0); }

// A rule holds its numbers in the type C of the computation and changes p and up to three states s, t, u for gradient g.

template <class C>
struct Sgd {  // k: learning rate
  static constexpr int states = 0;
  C lr;
  explicit Sgd(const double* k) : lr(static_cast<C>(k[0])) {}
  HWY_INLINE void operator()(C& p, C g, C&, C&, C&) const { p -= lr * g; }
};
template <class C>
struct SgdMomentum {  // k: learning rate, momentum, 1 - dampening, 1 with nesterov, 1 in the first step. States: buffer
  static constexpr int states = 1;
  C lr, momentum, rest;
  bool nesterov, first;
  explicit SgdMomentum(const double* k)
      : lr(static_cast<C>(k[0])), momentum(static_cast<C>(k[1])), rest(static_cast<C>(k[2])), nesterov(k[3] != 0), first(k[4] != 0) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C&, C&) const {
    s = first ? g : momentum * s + rest * g;
    p -= lr * (nesterov ? g + momentum * s : s);
  }
};
template <class C, bool amsgrad>
struct Adam {  // k: beta1, 1 - beta1, beta2, 1 - beta2, eps, lr / (1 - beta1^t), sqrt(1 - beta2^t), factor of p. States: m, v, largest v
  static constexpr int states = amsgrad ? 3 : 2;
  C b1, c1, b2, c2, eps, size, root2, keep;
  explicit Adam(const double* k)
      : b1(static_cast<C>(k[0])), c1(static_cast<C>(k[1])), b2(static_cast<C>(k[2])), c2(static_cast<C>(k[3])), eps(static_cast<C>(k[4])),
        size(static_cast<C>(k[5])), root2(static_cast<C>(k[6])), keep(static_cast<C>(k[7])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C& u) const {
    s = b1 * s + c1 * g;
    t = b2 * t + c2 * g * g;
    if constexpr (amsgrad) u = larger(t, u);
    p = p * keep - size * s / (root(amsgrad ? u : t) / root2 + eps);
  }
};
template <class C, bool centered, bool with_momentum>
struct Rmsprop {  // k: lr, alpha, 1 - alpha, eps, momentum. States: mean square, [buffer], [mean]
  static constexpr int states = 1 + centered + with_momentum;
  C lr, alpha, rest, eps, momentum;
  explicit Rmsprop(const double* k)
      : lr(static_cast<C>(k[0])), alpha(static_cast<C>(k[1])), rest(static_cast<C>(k[2])), eps(static_cast<C>(k[3])), momentum(static_cast<C>(k[4])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C& u) const {
    s = alpha * s + rest * g * g;
    C square = s;
    if constexpr (centered) {
      C& mean = with_momentum ? u : t;
      mean = alpha * mean + rest * g;
      square = s - mean * mean;
    }
    const C step = g / (root(square) + eps);
    if constexpr (with_momentum) {
      t = momentum * t + step;
      p -= lr * t;
    } else {
      p -= lr * step;
    }
  }
};
template <class C> using RmspropPlain = Rmsprop<C, false, false>;
template <class C> using RmspropMomentum = Rmsprop<C, false, true>;
template <class C> using RmspropCentered = Rmsprop<C, true, false>;
template <class C> using RmspropCenteredMomentum = Rmsprop<C, true, true>;
template <class C> using AdamPlain = Adam<C, false>;
template <class C> using AdamAmsgrad = Adam<C, true>;
template <class C>
struct Adagrad {  // k: lr of this step, eps. States: sum of squares
  static constexpr int states = 1;
  C lr, eps;
  explicit Adagrad(const double* k) : lr(static_cast<C>(k[0])), eps(static_cast<C>(k[1])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C&, C&) const {
    s += g * g;
    p -= lr * g / (root(s) + eps);
  }
};
template <class C>
struct Adadelta {  // k: lr, rho, 1 - rho, eps. States: mean square of g, of steps
  static constexpr int states = 2;
  C lr, rho, rest, eps;
  explicit Adadelta(const double* k) : lr(static_cast<C>(k[0])), rho(static_cast<C>(k[1])), rest(static_cast<C>(k[2])), eps(static_cast<C>(k[3])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C&) const {
    s = rho * s + rest * g * g;
    const C delta = root(t + eps) / root(s + eps) * g;
    t = rho * t + rest * delta * delta;
    p -= lr * delta;
  }
};
template <class C>
struct Adamax {  // k: lr / (1 - beta1^t), beta1, 1 - beta1, beta2, eps. States: m, largest magnitude
  static constexpr int states = 2;
  C lr, b1, c1, b2, eps;
  explicit Adamax(const double* k)
      : lr(static_cast<C>(k[0])), b1(static_cast<C>(k[1])), c1(static_cast<C>(k[2])), b2(static_cast<C>(k[3])), eps(static_cast<C>(k[4])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C&) const {
    s = b1 * s + c1 * g;
    t = larger(b2 * t, magnitude(g) + eps);
    p -= lr * s / t;
  }
};
template <class C>
struct Nadam {  // k: beta1, 1 - beta1, beta2, 1 - beta2, eps, weight of g, weight of m, 1 - beta2^t. States: m, v
  static constexpr int states = 2;
  C b1, c1, b2, c2, eps, of_g, of_m, correction;
  explicit Nadam(const double* k)
      : b1(static_cast<C>(k[0])), c1(static_cast<C>(k[1])), b2(static_cast<C>(k[2])), c2(static_cast<C>(k[3])), eps(static_cast<C>(k[4])),
        of_g(static_cast<C>(k[5])), of_m(static_cast<C>(k[6])), correction(static_cast<C>(k[7])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C&) const {
    s = b1 * s + c1 * g;
    t = b2 * t + c2 * g * g;
    p -= (of_g * g + of_m * s) / (root(t / correction) + eps);
  }
};
template <class C>
struct Radam {  // k: beta1, 1 - beta1, beta2, 1 - beta2, eps, lr / (1 - beta1^t), rectification * sqrt(1 - beta2^t), or 0 for none. States: m, v
  static constexpr int states = 2;
  C b1, c1, b2, c2, eps, lr, rectify;
  explicit Radam(const double* k)
      : b1(static_cast<C>(k[0])), c1(static_cast<C>(k[1])), b2(static_cast<C>(k[2])), c2(static_cast<C>(k[3])), eps(static_cast<C>(k[4])),
        lr(static_cast<C>(k[5])), rectify(static_cast<C>(k[6])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C&) const {
    s = b1 * s + c1 * g;
    t = b2 * t + c2 * g * g;
    p -= lr * s * (rectify != 0 ? rectify / (root(t) + eps) : C(1));
  }
};
template <class C>
struct Rprop {  // k: eta-, eta+, smallest and largest step. States: gradient before, step size
  static constexpr int states = 2;
  C down, up, least, most;
  explicit Rprop(const double* k) : down(static_cast<C>(k[0])), up(static_cast<C>(k[1])), least(static_cast<C>(k[2])), most(static_cast<C>(k[3])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C& t, C&) const {
    const C turn = g * s;
    const C size = t * (turn > 0 ? up : turn < 0 ? down : C(1));
    t = size < least ? least : size > most ? most : size;
    s = turn < 0 ? C(0) : g;
    p -= sign(s) * t;
  }
};
template <class C>
struct Asgd {  // k: factor of p, eta, mu. States: average
  static constexpr int states = 1;
  C keep, eta, mu;
  explicit Asgd(const double* k) : keep(static_cast<C>(k[0])), eta(static_cast<C>(k[1])), mu(static_cast<C>(k[2])) {}
  HWY_INLINE void operator()(C& p, C g, C& s, C&, C&) const {
    p = p * keep - eta * g;
    s = mu == 1 ? p : s + (p - s) * mu;
  }
};

template <class S, template <class> class Rule>
void loop(const StepArgs& a, std::int64_t begin, std::int64_t end) {
  using C = std::conditional_t<std::is_same_v<S, double>, double, float>;
  const Rule<C> rule(a.k);
  constexpr int n = Rule<C>::states;
  S* HWY_RESTRICT p = static_cast<S*>(a.param);
  const S* HWY_RESTRICT g = static_cast<const S*>(a.grad);
  S* HWY_RESTRICT s = static_cast<S*>(a.state[0]);
  S* HWY_RESTRICT t = static_cast<S*>(a.state[1]);
  S* HWY_RESTRICT u = static_cast<S*>(a.state[2]);
  const C factor = a.negate ? C(-1) : C(1), decay = static_cast<C>(a.weight_decay);
  const bool decays = a.weight_decay != 0;  // 0 times an infinite parameter is nan
  for (std::int64_t i = begin; i < end; ++i) {
    C x = static_cast<C>(p[i]), d = factor * static_cast<C>(g[i]), v0 = 0, v1 = 0, v2 = 0;
    d = decays ? d + decay * x : d;
    if constexpr (n > 0) v0 = static_cast<C>(s[i]);
    if constexpr (n > 1) v1 = static_cast<C>(t[i]);
    if constexpr (n > 2) v2 = static_cast<C>(u[i]);
    rule(x, d, v0, v1, v2);
    p[i] = static_cast<S>(x);
    if constexpr (n > 0) s[i] = static_cast<S>(v0);
    if constexpr (n > 1) t[i] = static_cast<S>(v1);
    if constexpr (n > 2) u[i] = static_cast<S>(v2);
  }
}
template <template <class> class Rule>
StepKernel kernel() { return {loop<float, Rule>, loop<double, Rule>, loop<Half, Rule>, loop<BFloat16, Rule>}; }

template <class S>
bool unscale(void* data, std::int64_t n, double factor) {
  using C = std::conditional_t<std::is_same_v<S, double>, double, float>;
  constexpr C most = std::is_same_v<S, double> ? static_cast<C>(__DBL_MAX__) : static_cast<C>(__FLT_MAX__);
  const C f = static_cast<C>(factor);
  S* HWY_RESTRICT x = static_cast<S*>(data);
  int bad = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const C v = static_cast<C>(x[i]);
    bad |= !(magnitude(v) <= most);
    x[i] = static_cast<S>(v * f);
  }
  return bad != 0;
}

OptimKernels optim_table() {
  OptimKernels t;
  t.sgd = kernel<Sgd>();
  t.sgd_momentum = kernel<SgdMomentum>();
  t.adam = kernel<AdamPlain>();
  t.adam_amsgrad = kernel<AdamAmsgrad>();
  t.rmsprop = kernel<RmspropPlain>();
  t.rmsprop_momentum = kernel<RmspropMomentum>();
  t.rmsprop_centered = kernel<RmspropCentered>();
  t.rmsprop_centered_momentum = kernel<RmspropCenteredMomentum>();
  t.adagrad = kernel<Adagrad>();
  t.adadelta = kernel<Adadelta>();
  t.adamax = kernel<Adamax>();
  t.nadam = kernel<Nadam>();
  t.radam = kernel<Radam>();
  t.rprop = kernel<Rprop>();
  t.asgd = kernel<Asgd>();
  t.unscale = {unscale<float>, unscale<double>, unscale<BFloat16>};
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const OptimKernels& optim() {
  static const OptimKernels table = CT_BEST_TARGET(optim_table);
  return table;
}
}  // namespace ct::kernels
#endif
