// kernels/cpu/gru.cpp -- the gates of a GRU, one row at a time.
#include "kernels/gru.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gru.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {

// Calls f(d, k) on vectors that cover [0, n): full ones, then single lanes.
template <class T, class F>
HWY_INLINE void each_gru_lane(std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> d1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t k = 0;
  for (; k + lanes <= n; k += lanes) f(d, k);
  for (; k < n; ++k) f(d1, k);
}

template <class T>
void gru_row_forward(T* gates, const T* h_before, T* h, std::int64_t n) {
  each_gru_lane<T>(n, [&](auto d, std::int64_t k) HWY_ATTR {
    const auto r = Sigmoid{}(d, hn::LoadU(d, gates + k)), z = Sigmoid{}(d, hn::LoadU(d, gates + n + k));
    const auto m = Tanh{}(d, hn::MulAdd(r, hn::LoadU(d, gates + 3 * n + k), hn::LoadU(d, gates + 2 * n + k)));
    hn::StoreU(r, d, gates + k);
    hn::StoreU(z, d, gates + n + k);
    hn::StoreU(m, d, gates + 2 * n + k);
    hn::StoreU(hn::MulAdd(z, hn::Sub(hn::LoadU(d, h_before + k), m), m), d, h + k);
  });
}

template <class T>
void gru_row_backward(T* dz, T* dg, const T* gates, const T* h_before, const T* gy, T* dh, std::int64_t n) {
  each_gru_lane<T>(n, [&](auto d, std::int64_t k) HWY_ATTR {
    const auto r = hn::LoadU(d, gates + k), z = hn::LoadU(d, gates + n + k), m = hn::LoadU(d, gates + 2 * n + k), from_h = hn::LoadU(d, gates + 3 * n + k);
    const auto one = hn::Set(d, T(1));
    auto g = hn::LoadU(d, dh + k);
    if (gy) g = hn::Add(g, hn::LoadU(d, gy + k));
    const auto dm = hn::Mul(hn::Mul(g, hn::Sub(one, z)), hn::NegMulAdd(m, m, one));
    const auto dr = hn::Mul(hn::Mul(dm, from_h), hn::Mul(r, hn::Sub(one, r)));
    const auto du = hn::Mul(hn::Mul(g, hn::Sub(hn::LoadU(d, h_before + k), m)), hn::Mul(z, hn::Sub(one, z)));
    hn::StoreU(dr, d, dz + k);
    hn::StoreU(du, d, dz + n + k);
    hn::StoreU(dm, d, dz + 2 * n + k);
    hn::StoreU(dr, d, dg + k);
    hn::StoreU(du, d, dg + n + k);
    hn::StoreU(hn::Mul(dm, r), d, dg + 2 * n + k);
    hn::StoreU(hn::Mul(g, z), d, dh + k);
  });
}

GruRow<float> gru_f32() { return {gru_row_forward<float>, gru_row_backward<float>}; }
GruRow<double> gru_f64() { return {gru_row_forward<double>, gru_row_backward<double>}; }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
template <>
const GruRow<float>& gru_row<float>() {
  static const GruRow<float> row = CT_BEST_TARGET(gru_f32);
  return row;
}
template <>
const GruRow<double>& gru_row<double>() {
  static const GruRow<double> row = CT_BEST_TARGET(gru_f64);
  return row;
}
}  // namespace ct::kernels
#endif
