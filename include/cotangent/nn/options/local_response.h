// cotangent/nn/options/local_response.h -- the options of local response normalisation, as libtorch names them.
#pragma once

#include <cstdint>

#include "cotangent/arg.h"

namespace ct::nn {

struct LocalResponseNormOptions {
  LocalResponseNormOptions(std::int64_t size) : size_(size) {}
  CT_ARG(std::int64_t, size);  // how many channels next to each other
  CT_ARG(double, alpha) = 1e-4;
  CT_ARG(double, beta) = 0.75;
  CT_ARG(double, k) = 1.;
};
struct CrossMapLRN2dOptions {
  CrossMapLRN2dOptions(std::int64_t size) : size_(size) {}
  CT_ARG(std::int64_t, size);
  CT_ARG(double, alpha) = 1e-4;
  CT_ARG(double, beta) = 0.75;
  CT_ARG(std::int64_t, k) = 1;
};

namespace functional {
using LocalResponseNormFuncOptions = LocalResponseNormOptions;
}  // namespace functional

}  // namespace ct::nn
