// kernels/cpu/lstm.cpp -- the gates of an LSTM, one row at a time.
#include "kernels/lstm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/lstm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// Calls f(d, k) on vectors that cover [0, n): full ones, then single lanes.
template <class T, class F>
HWY_INLINE void each_lane(std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t k = 0;
  for (; k + lanes <= n; k += lanes) f(d, k);
  for (; k < n; ++k) f(d1, k);
}

template <class T>
void gates_forward(T* gates, const T* c_before, T* c, T* h, std::int64_t n) {
  each_lane<T>(n, [&](auto d, std::int64_t k) HWY_ATTR {
    const auto i = Sigmoid{}(d, hn::LoadU(d, gates + k)), f = Sigmoid{}(d, hn::LoadU(d, gates + n + k));
    const auto g = Tanh{}(d, hn::LoadU(d, gates + 2 * n + k)), o = Sigmoid{}(d, hn::LoadU(d, gates + 3 * n + k));
    const auto next = hn::MulAdd(f, hn::LoadU(d, c_before + k), hn::Mul(i, g));
    hn::StoreU(i, d, gates + k);
    hn::StoreU(f, d, gates + n + k);
    hn::StoreU(g, d, gates + 2 * n + k);
    hn::StoreU(o, d, gates + 3 * n + k);
    hn::StoreU(next, d, c + k);
    hn::StoreU(hn::Mul(o, Tanh{}(d, next)), d, h + k);
  });
}

template <class T>
void gates_backward(T* dz, const T* gates, const T* c_before, const T* c, const T* gy, const T* dh, T* dc, std::int64_t n) {
  each_lane<T>(n, [&](auto d, std::int64_t k) HWY_ATTR {
    const auto i = hn::LoadU(d, gates + k), f = hn::LoadU(d, gates + n + k), g = hn::LoadU(d, gates + 2 * n + k), o = hn::LoadU(d, gates + 3 * n + k);
    const auto one = hn::Set(d, T(1)), t = Tanh{}(d, hn::LoadU(d, c + k));
    auto gh = hn::LoadU(d, dh + k);
    if (gy) gh = hn::Add(gh, hn::LoadU(d, gy + k));
    const auto gc = hn::MulAdd(hn::Mul(gh, o), hn::NegMulAdd(t, t, one), hn::LoadU(d, dc + k));
    hn::StoreU(hn::Mul(hn::Mul(gc, g), hn::Mul(i, hn::Sub(one, i))), d, dz + k);
    hn::StoreU(hn::Mul(hn::Mul(gc, hn::LoadU(d, c_before + k)), hn::Mul(f, hn::Sub(one, f))), d, dz + n + k);
    hn::StoreU(hn::Mul(hn::Mul(gc, i), hn::NegMulAdd(g, g, one)), d, dz + 2 * n + k);
    hn::StoreU(hn::Mul(hn::Mul(gh, t), hn::Mul(o, hn::Sub(one, o))), d, dz + 3 * n + k);
    hn::StoreU(hn::Mul(gc, f), d, dc + k);
  });
}

LstmRow<float> lstm_f32() { return {gates_forward<float>, gates_backward<float>}; }
LstmRow<double> lstm_f64() { return {gates_forward<double>, gates_backward<double>}; }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
template <>
const LstmRow<float>& lstm_row<float>() {
  static const LstmRow<float> row = CT_BEST_TARGET(lstm_f32);
  return row;
}
template <>
const LstmRow<double>& lstm_row<double>() {
  static const LstmRow<double> row = CT_BEST_TARGET(lstm_f64);
  return row;
}
}  // namespace ct::kernels
#endif
