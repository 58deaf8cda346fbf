// ops/random.h -- what the two files of random functions share.
#pragma once

#include "core/random.h"
#include "core/tensor_impl.h"

namespace ct::detail {

// Parameters of a random fill: two numbers, or a range of integers, and the stream.
struct RandomAttrs {
  double a, b;
  std::int64_t from, to;
  GeneratorImpl* generator;
};

// Errors: ct::ValueError "op: phrase to be true, but got false" unless low <= x <= high everywhere.
void check_range(const char* op, const char* phrase, const Tensor& x, double low, double high);
// out = Poisson numbers with these rates, which are checked and of out's shape.
void fill_poisson(const Tensor& out, const Tensor& rates, const std::optional<Generator>& g);

}  // namespace ct::detail
