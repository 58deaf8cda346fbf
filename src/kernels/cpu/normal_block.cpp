// kernels/cpu/normal_block.cpp -- float normal numbers from uniform ones, 16 at a time.
//
// The logarithm, sine and cosine are those of Cephes (S. L. Moshier, logf.c, sinf.c), in the order of operations that
// PyTorch's vectorised fill uses; so the results have the same bits on processors with fused multiply-add.
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/normal_block.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 8>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;

HWY_INLINE V constant(double v) { return hn::Set(D(), static_cast<float>(v)); }

// ln x for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m by a polynomial in m - 1.
HWY_INLINE V log(V x) {
  const DI di;
  const D d;
  const auto bits = hn::BitCast(di, x);
  V m = hn::BitCast(d, hn::Or(hn::And(bits, hn::Set(di, 0x007fffff)), hn::Set(di, 0x3f000000)));  // in [1/2, 1)
  V e = hn::ConvertTo(d, hn::Sub(hn::ShiftRight<23>(bits), hn::Set(di, 126)));
  const auto small = hn::Lt(m, constant(0.707106781186547524));
  e = hn::Sub(e, hn::IfThenElseZero(small, constant(1)));
  m = hn::Add(hn::Sub(m, constant(1)), hn::IfThenElseZero(small, m));
  const V z = hn::Mul(m, m);
  V y = constant(7.0376836292e-2);
  for (double c : {-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
                   -2.4999993993e-1, 3.3333331174e-1})
    y = hn::MulAdd(y, m, constant(c));
  y = hn::MulAdd(hn::Mul(y, m), z, hn::Mul(e, constant(-2.12194440e-4)));  // ln 2 = 0.693359375 - 0.000212194440
  y = hn::NegMulAdd(z, constant(0.5), y);
  return hn::MulAdd(e, constant(0.693359375), hn::Add(m, y));
}

// sin x and cos x for 0 <= x: subtract the nearest even multiple j of pi/4 in three steps, then a polynomial in each octant.
HWY_INLINE void sincos(V x, V& sine, V& cosine) {
  const DI di;
  const D d;
  auto j = hn::ConvertTo(di, hn::Mul(x, constant(1.27323954473516)));
  j = hn::AndNot(hn::Set(di, 1), hn::Add(j, hn::Set(di, 1)));
  const V k = hn::ConvertTo(d, j);
  const auto sine_sign = hn::ShiftLeft<29>(hn::And(j, hn::Set(di, 4)));
  const auto cosine_sign = hn::ShiftLeft<29>(hn::AndNot(hn::Sub(j, hn::Set(di, 2)), hn::Set(di, 4)));
  const auto direct = hn::RebindMask(d, hn::Eq(hn::And(j, hn::Set(di, 2)), hn::Zero(di)));
  x = hn::MulAdd(k, constant(-0.78515625), x);
  x = hn::MulAdd(k, constant(-2.4187564849853515625e-4), x);
  x = hn::MulAdd(k, constant(-3.77489497744594108e-8), x);
  const V z = hn::Mul(x, x);
  V c = hn::MulAdd(hn::MulAdd(constant(2.443315711809948e-5), z, constant(-1.388731625493765e-3)), z, constant(4.166664568298827e-2));
  c = hn::Add(hn::MulSub(hn::Mul(c, z), z, hn::Mul(z, constant(0.5))), constant(1));
  V s = hn::MulAdd(hn::MulAdd(constant(-1.9515295891e-4), z, constant(8.3321608736e-3)), z, constant(-1.6666654611e-1));
  s = hn::MulAdd(hn::Mul(s, z), x, x);
  sine = hn::Xor(hn::IfThenElse(direct, s, c), hn::BitCast(d, sine_sign));
  cosine = hn::Xor(hn::IfThenElse(direct, c, s), hn::BitCast(d, cosine_sign));
}

// Box and Muller: u[0..8) gives the radius, u[8..16) the angle; the pairs (r cos t, r sin t) take their places.
void normal_block(float* u, float mean, float std) {
  const D d;
  for (std::size_t i = 0; i < 8; i += hn::Lanes(d)) {
    const V u1 = hn::Sub(constant(1), hn::LoadU(d, u + i)), u2 = hn::LoadU(d, u + 8 + i);
    const V r = hn::Sqrt(hn::Mul(constant(-2), log(u1)));
    V s, c;
    sincos(hn::Mul(constant(2.0 * 3.14159265358979323846), u2), s, c);
    hn::StoreU(hn::MulAdd(hn::Mul(r, c), hn::Set(d, std), hn::Set(d, mean)), d, u + i);
    hn::StoreU(hn::MulAdd(hn::Mul(r, s), hn::Set(d, std), hn::Set(d, mean)), d, u + 8 + i);
  }
}

void normal_blocks(float* u, std::int64_t n, float mean, float std) {
  for (std::int64_t i = 0; i + 16 <= n; i += 16) normal_block(u + i, mean, std);
}
auto normal_blocks_here() { return &normal_blocks; }

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {
void normal_blocks_float(float* u, std::int64_t n, float mean, float std) { CT_BEST_TARGET(normal_blocks_here)(u, n, mean, std); }
}  // namespace ct::kernels
#endif
