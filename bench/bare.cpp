// bare.cpp -- the same work without a library: what is possible at best.
#include "bare.h"

#include <algorithm>
#include <cstdlib>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bare.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

#ifndef CT_HAVE_OPENBLAS
#define CT_HAVE_OPENBLAS 0
#endif
#if CT_HAVE_OPENBLAS && HWY_ONCE
#include <cblas.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Add = void (*)(const float* a, const float* b, float* c, long n);
static void add(const float* a, const float* b, float* c, long n) {
  const hn::ScalableTag<float> d;
  const long lanes = static_cast<long>(hn::Lanes(d));
  for (long i = 0; i < n; i += lanes) hn::Store(hn::Add(hn::Load(d, a + i), hn::Load(d, b + i)), d, c + i);
}
Add add_loop() { return add; }
}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bench {

namespace {
struct Array {
  explicit Array(long n) : data(static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(n) * sizeof(float)))) { std::fill(data, data + n, 1.0f); }
  ~Array() { std::free(data); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  float* data;
};
}  // namespace

double bare_add_16m(int) {
  const Array a(large), b(large), c(large);
  const HWY_NAMESPACE::Add add = CT_BEST_TARGET(add_loop);
  return 3 * 4 * static_cast<double>(large) / 1e9 / time_per_call([&] { add(a.data, b.data, c.data, large); });
}

#if CT_HAVE_OPENBLAS
static double sgemm_1024(int threads) {
  openblas_set_num_threads(threads);
  constexpr int n = 1024;
  const Array a(n * n), b(n * n), c(n * n);
  return 2.0 * n * n * n / 1e9 / time_per_call([&] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a.data, n, b.data, n, 0, c.data, n);
  });
}
Measure bare_mm_1024() { return sgemm_1024; }
#else
Measure bare_mm_1024() { return nullptr; }
#endif

}  // namespace bench
#endif
