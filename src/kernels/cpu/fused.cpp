// kernels/cpu/fused.cpp -- products, quotients and mixtures added in one pass.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/fused.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct Rsub {  // p0 - p1 x
  double other, alpha;
  explicit Rsub(const Scalar* p) : other(p[0].toDouble()), alpha(p[1].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::Sub(number(d, other), alpha == 1 ? x : hn::Mul(number(d, alpha), x));
  }
};
struct IntRsub {
  std::uint64_t other, alpha;
  explicit IntRsub(const Scalar* p) : other(static_cast<std::uint64_t>(p[0].toLong())), alpha(static_cast<std::uint64_t>(p[1].toLong())) {}
  template <class T> T operator()(T x) const { return static_cast<T>(other - alpha * static_cast<std::uint64_t>(x)); }
};
struct Addcmul {  // x0 + v x1 x2
  double value;
  explicit Addcmul(const Scalar* p) : value(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V a, V b) const {
    return hn::Add(x, hn::Mul(hn::Mul(number(d, value), a), b));
  }
};
struct IntAddcmul {
  std::uint64_t value;
  explicit IntAddcmul(const Scalar* p) : value(static_cast<std::uint64_t>(p[0].toLong())) {}
  template <class T> T operator()(T x, T a, T b) const {
    return static_cast<T>(static_cast<std::uint64_t>(x) + value * static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  }
};
struct Addcdiv {  // x0 + v x1 / x2
  double value;
  explicit Addcdiv(const Scalar* p) : value(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V a, V b) const {
    return hn::Add(x, hn::Div(hn::Mul(number(d, value), a), b));
  }
};
struct Lerp {  // from the nearer end, so that weight 1 gives exactly `end`
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V end, V w) const {
    const V distance = hn::Sub(end, x);
    return hn::IfThenElse(hn::Lt(hn::Abs(w), number(d, 0.5)), hn::Add(x, hn::Mul(w, distance)),
                          hn::Sub(end, hn::Mul(distance, hn::Sub(number(d, 1), w))));
  }
};
struct LerpNumber {
  double weight;
  explicit LerpNumber(const Scalar* p) : weight(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V end) const { return Lerp{}(d, x, end, number(d, weight)); }
};

FusedKernels fused_table() {
  FusedKernels t;
  t.rsub = float_int_kernel<1, Rsub, IntRsub>();
  t.rsub.loop[static_cast<int>(kBool)] = nullptr;
  t.addcmul = float_int_kernel<3, Addcmul, IntAddcmul>();
  t.addcmul.loop[static_cast<int>(kBool)] = nullptr;
  t.addcdiv = vector_kernel<3, Addcdiv>();
  t.lerp = vector_kernel<3, Lerp>();
  t.lerp_number = vector_kernel<2, LerpNumber>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const FusedKernels& fused() {
  static const FusedKernels table = CT_BEST_TARGET(fused_table);
  return table;
}
}  // namespace ct::kernels
#endif
