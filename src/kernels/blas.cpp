// kernels/blas.cpp -- finding the libraries and their functions.
#include "kernels/blas.h"

#ifdef CT_BLAS
#include <dlfcn.h>

#include <atomic>
#endif

namespace ct::kernels {

#ifndef CT_BLAS

const Blas* blas() { return nullptr; }
void set_blas_threads(int) {}
void* blas_symbol(const char*) { return nullptr; }
void* lapack_symbol(const char*) { return nullptr; }

#else

namespace {

struct Libraries {
  void* blas = nullptr;
  void* lapack = nullptr;
};

void* open(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }

const Libraries& libraries() {
  static const Libraries found = [] {
    Libraries l;
    for (const char* name : {"libopenblas.so.0", "libopenblas.so"})
      if (!l.blas) l.blas = l.lapack = open(name);
    if (!l.blas) {
      l.blas = open("libblas.so.3");
      l.lapack = open("liblapack.so.3");
    }
    return l;
  }();
  return found;
}

template <class F>
void resolve(F& f, void* library, const char* name) { f = reinterpret_cast<F>(dlsym(library, name)); }

struct Loaded {
  Blas blas;
  bool complete = false;
};

const Loaded& loaded() {
  static const Loaded result = [] {
    Loaded l;
    void* lib = libraries().blas;
    if (!lib) return l;
    resolve(l.blas.s.gemm, lib, "cblas_sgemm");
    resolve(l.blas.d.gemm, lib, "cblas_dgemm");
    resolve(l.blas.s.gemv, lib, "cblas_sgemv");
    resolve(l.blas.d.gemv, lib, "cblas_dgemv");
    resolve(l.blas.set_num_threads, lib, "openblas_set_num_threads");
    l.complete = l.blas.s.gemm && l.blas.d.gemm && l.blas.s.gemv && l.blas.d.gemv;
    return l;
  }();
  return result;
}

}  // namespace

const Blas* blas() { return loaded().complete ? &loaded().blas : nullptr; }

void set_blas_threads(int n) {
  static std::atomic<int> current{0};
  if (current.load(std::memory_order_relaxed) == n) return;
  if (const Blas* b = blas(); b && b->set_num_threads) b->set_num_threads(n);
  current.store(n, std::memory_order_relaxed);
}

void* blas_symbol(const char* name) { return libraries().blas ? dlsym(libraries().blas, name) : nullptr; }
void* lapack_symbol(const char* name) { return libraries().lapack ? dlsym(libraries().lapack, name) : nullptr; }

#endif

}  // namespace ct::kernels
