// kernels/cpu/exponential.cpp -- exponentials, logarithms and roots.
#include <cmath>
#include <type_traits>
#include <utility>

#include "kernels/cpu/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/exponential.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// Of float, through double: exact for exact powers, which the vector functions are not. Of double, the C library's.
template <int base>
struct LogBase {
  struct Wide {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
      return hn::Mul(hn::Log(d, x), number(d, base == 2 ? 1.4426950408889634074 : 0.43429448190325182765));
    }
  };
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return log_edges(d, x, in_double(Wide{}, d, x), hn::Zero(d), hn::Neg(infinity(d)));
  }
  double operator()(double x) const { return base == 2 ? std::log2(x) : std::log10(x); }
};
struct Exp2 {
  struct Wide {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
      return hn::Exp(d, hn::Mul(x, number(d, 0.69314718055994530942)));
    }
  };
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V y = in_double(Wide{}, d, hn::Min(x, number(d, 200)));
    return hn::IfThenElse(hn::IsNaN(x), x, y);
  }
  double operator()(double x) const { return std::exp2(x); }
};
struct Sqrt { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Sqrt(x); } };
struct Rsqrt {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Div(number(d, 1), hn::Sqrt(x)); }
};
struct Square { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Mul(x, x); } };

ExponentialKernels exponential_table() {
  ExponentialKernels t;
  t.exp = math_kernel<1, Exp>();
  t.exp2 = mixed_kernel<1, Exp2, Exp2>();
  t.expm1 = math_kernel<1, Expm1>();
  t.log = math_kernel<1, Log>();
  t.log2 = mixed_kernel<1, LogBase<2>, LogBase<2>>();
  t.log10 = mixed_kernel<1, LogBase<10>, LogBase<10>>();
  t.log1p = math_kernel<1, Log1p>();
  t.sqrt = vector_kernel<1, Sqrt>();
  t.rsqrt = vector_kernel<1, Rsqrt>();
  t.square = vector_kernel<1, Square>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const ExponentialKernels& exponential() {
  static const ExponentialKernels table = CT_BEST_TARGET(exponential_table);
  return table;
}
}  // namespace ct::kernels
#endif
