// kernels/lapack.cpp -- finding LAPACK's functions.
#include "kernels/lapack.h"

#include <string>

#include "kernels/blas.h"

namespace ct::kernels {

template <class T>
const Lapack<T>* lapack() {
  struct Loaded {
    Lapack<T> table;
    bool complete = true;
  };
  static const Loaded loaded = [] {
    Loaded l;
    auto resolve = [&l](auto& f, const char* name) {
      const std::string symbol = std::string(1, sizeof(T) == sizeof(float) ? 's' : 'd') + name + '_';
      void* address = lapack_symbol(symbol.c_str());
      if (!address && std::string(name) == "trsm") address = blas_symbol(symbol.c_str());
      f = reinterpret_cast<std::remove_reference_t<decltype(f)>>(address);
      l.complete = l.complete && address;
    };
    resolve(l.table.getrf, "getrf");
    resolve(l.table.getrs, "getrs");
    resolve(l.table.potrf, "potrf");
    resolve(l.table.trsm, "trsm");
    resolve(l.table.geqrf, "geqrf");
    resolve(l.table.orgqr, "orgqr");
    resolve(l.table.syevd, "syevd");
    resolve(l.table.gesdd, "gesdd");
    resolve(l.table.geev, "geev");
    resolve(l.table.gelsy, "gelsy");
    return l;
  }();
  return loaded.complete ? &loaded.table : nullptr;
}

template const Lapack<float>* lapack<float>();
template const Lapack<double>* lapack<double>();

}  // namespace ct::kernels
