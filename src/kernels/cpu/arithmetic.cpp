// kernels/cpu/arithmetic.cpp -- the four operations.
#include "kernels/cpu/arithmetic.h"

#include <type_traits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/arithmetic.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

struct Add { template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const { return hn::Add(x, y); } };
struct Sub { template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const { return hn::Sub(x, y); } };
struct Mul { template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const { return hn::Mul(x, y); } };
struct Div { template <class D, class V> HWY_INLINE V operator()(D, V x, V y) const { return hn::Div(x, y); } };
struct Neg { template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Neg(x); } };
struct Reciprocal {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return hn::Div(hn::Set(d, hn::TFromD<D>(1)), x); }
};
struct ScaledAdd {  // x + alpha y
  double alpha;
  explicit ScaledAdd(const Scalar* p) : alpha(p[0].toDouble()) {}
  template <class D, class V> HWY_INLINE V operator()(D d, V x, V y) const {
    return hn::Add(x, hn::Mul(hn::Set(d, static_cast<hn::TFromD<D>>(alpha)), y));
  }
};

// Integers wrap around, as in PyTorch; bools add as "or" and multiply as "and".
struct IntScaledAdd {
  std::int64_t alpha;
  explicit IntScaledAdd(const Scalar* p) : alpha(p[0].toLong()) {}
  template <class T> T operator()(T x, T y) const {
    if constexpr (std::is_same_v<T, bool>) return x || (alpha && y);
    else return static_cast<T>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(alpha) * static_cast<std::uint64_t>(y));
  }
};
struct IntMul {
  template <class T> T operator()(T x, T y) const {
    if constexpr (std::is_same_v<T, bool>) return x && y;
    else return static_cast<T>(static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(y));
  }
};
struct IntNeg { template <class T> T operator()(T x) const { return static_cast<T>(0 - static_cast<std::uint64_t>(x)); } };

// add(x, y, alpha) with the usual alpha = 1 takes the loop without a multiplication.
template <class T, class Plain, int sign>
void scaled(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const Scalar alpha = sign > 0 ? params[0] : -params[0];
  if (params[0].equal(1)) vector_loop<T, 2, Plain>(args, strides, n, params);
  else vector_loop<T, 2, ScaledAdd>(args, strides, n, &alpha);
}
template <class T>
void int_sub(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params) {
  const Scalar alpha = -params[0].toLong();
  plain_loop2<T, T, IntScaledAdd>(args, strides, n, &alpha);
}

ArithmeticKernels arithmetic_table() {
  ArithmeticKernels t;
  t.add = float_int_kernel<2, ScaledAdd, IntScaledAdd>();
  t.add.loop[static_cast<int>(kFloat)] = scaled<float, Add, 1>;
  t.add.loop[static_cast<int>(kDouble)] = scaled<double, Add, 1>;
  t.sub = t.add;
  t.sub.loop[static_cast<int>(kFloat)] = scaled<float, Sub, -1>;
  t.sub.loop[static_cast<int>(kDouble)] = scaled<double, Sub, -1>;
  t.sub.loop[static_cast<int>(kByte)] = int_sub<std::uint8_t>;
  t.sub.loop[static_cast<int>(kChar)] = int_sub<std::int8_t>;
  t.sub.loop[static_cast<int>(kShort)] = int_sub<std::int16_t>;
  t.sub.loop[static_cast<int>(kInt)] = int_sub<std::int32_t>;
  t.sub.loop[static_cast<int>(kLong)] = int_sub<std::int64_t>;
  t.sub.loop[static_cast<int>(kBool)] = nullptr;
  t.mul = float_int_kernel<2, Mul, IntMul>();
  t.div = float_int_kernel<2, Div>();
  t.neg = float_int_kernel<1, Neg, IntNeg>();
  t.neg.loop[static_cast<int>(kBool)] = nullptr;
  t.reciprocal = float_int_kernel<1, Reciprocal>();
  return t;
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
const ArithmeticKernels& arithmetic() {
  static const ArithmeticKernels table = CT_BEST_TARGET(arithmetic_table);
  return table;
}
}  // namespace ct::kernels
#endif
