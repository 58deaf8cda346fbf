// kernels/cpu/dispatch.h -- which of the compiled targets runs on this processor.
//
// Highway can choose by itself, but its library measures a timer when it is loaded, which would cost every program
// 3 ms at start. So only Highway's headers are used, and the choice is made here.
#pragma once

#include <hwy/detect_targets.h>

namespace ct::kernels {

enum class CpuLevel { base, avx2, avx3 };

inline CpuLevel cpu_level() {
#if HWY_ARCH_X86
  static const CpuLevel level = [] {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
    const bool avx3 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    return avx3 ? CpuLevel::avx3 : avx2 ? CpuLevel::avx2 : CpuLevel::base;
  }();
  return level;
#else
  return CpuLevel::base;
#endif
}

}  // namespace ct::kernels

// CT_BEST_TARGET(function) calls the function without arguments as compiled for the best target that this processor has.
// Use it in the HWY_ONCE part, in the namespace around HWY_NAMESPACE.
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3) && HWY_STATIC_TARGET != HWY_AVX3
#define CT_IF_AVX3(function) ::ct::kernels::cpu_level() == ::ct::kernels::CpuLevel::avx3 ? N_AVX3::function() :
#else
#define CT_IF_AVX3(function)
#endif
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX2) && HWY_STATIC_TARGET != HWY_AVX2 && HWY_STATIC_TARGET != HWY_AVX3
#define CT_IF_AVX2(function) ::ct::kernels::cpu_level() >= ::ct::kernels::CpuLevel::avx2 ? N_AVX2::function() :
#else
#define CT_IF_AVX2(function)
#endif
#define CT_BEST_TARGET(function) (CT_IF_AVX3(function) CT_IF_AVX2(function) HWY_STATIC_DISPATCH(function)())
