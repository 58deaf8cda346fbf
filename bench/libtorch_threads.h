// libtorch_threads.h -- gives libtorch and its OpenBLAS as many threads as we have.
#pragma once

#include <ATen/Parallel.h>

#ifdef CT_HAVE_OPENBLAS
#include <cblas.h>
#endif

namespace bench {

inline void use_threads(int n) {
  at::set_num_threads(n);
#ifdef CT_HAVE_OPENBLAS
  openblas_set_num_threads(n);
#endif
}

}  // namespace bench
