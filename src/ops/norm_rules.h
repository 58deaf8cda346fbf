// ops/norm_rules.h -- what the files of normalisations share: checks, results that bypass the caches, gradients made together.
#pragma once

#include <initializer_list>
#include <vector>

#include "autograd/node.h"
#include "kernels/normalization.h"
#include "ops/past_cache.h"
#include "ops/rules.h"

namespace ct::detail {

// Tasks of n elements of a few additions each.
inline std::int64_t norm_grain(std::int64_t n) { return std::max<std::int64_t>(1, elementwise_grain / (4 * std::max<std::int64_t>(1, n))); }

inline Tensor widened_or_none(const Tensor& x) { return x.defined() ? widened(x).contiguous() : x; }
template <class T>
const T* data_or_null(const Tensor& x) { return x.defined() ? data<T>(x) : nullptr; }

// Errors: a dtype that is not floating; a parameter of another dtype, unless it is float32 beside a half-precision input.
inline void check_norm_dtypes(const char* op, const char* kernel, const Tensor& x, std::initializer_list<const Tensor*> parameters) {
  const ScalarType t = x.scalar_type();
  CT_CHECK_TYPE(isFloatingType(t), op, ": \"", kernel, "\" not implemented for '", t, "'\n  It takes floating dtypes: ", op, "(x.to(ct::kFloat), ..).");
  for (const Tensor* p : parameters)
    CT_CHECK_TYPE(!p->defined() || p->scalar_type() == t || (isReducedFloatingType(t) && p->scalar_type() == kFloat), op, ": expected scalar type ", t,
                  " but found ", p->scalar_type(), "\n  Parameters and statistics have the dtype of the input; convert one with x.to(..).");
}

// What a gradient rule asks for, as bits; the rule of the first input that is asked for makes all of them.
inline std::uint32_t wanted_gradients(const Saved& s) {
  std::uint32_t mask = 0;
  for (int i = 0; i < 3; ++i) mask |= static_cast<std::uint32_t>(s.needs(i)) << i;
  return mask;
}

struct NormBackwardAttrs {
  double eps = 0;
  std::int64_t n = 0;            // dimensions of a row, or groups
  std::uint32_t wanted = 7;      // bit i: gradient i is asked for
  bool training = true;
};

// [N, C, S]: S is everything behind the channels.
struct Channels {
  Tensor x;
  std::int64_t n = 1, c = 1, s = 1;

  explicit Channels(const Tensor& input) : x(widened(input).contiguous()) {
    n = x.size(0), c = x.size(1);
    for (std::int64_t d = 2; d < x.dim(); ++d) s *= x.size(d);
  }
  double count() const { return static_cast<double>(n) * static_cast<double>(s); }  // of the elements of a channel
  // Entries of all channels lie in one row of memory.
  bool flat() const { return s == 1; }
};

// Every dimension but the channels.
inline std::vector<std::int64_t> all_but_channels(const Tensor& x) {
  std::vector<std::int64_t> dims{0};
  for (std::int64_t d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}
// [C] as it broadcasts with [N, C, ..].
inline Tensor by_channel(const Tensor& p, std::int64_t dims) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(dims), 1);
  sizes[1] = p.size(0);
  return p.view(sizes);
}

inline void check_channels(const char* op, const Tensor& x) {
  CT_CHECK(x.dim() >= 2, op, ": Expected at least 2 dimensions for input tensor but received ", x.dim(), "\n  They are [N, C, ..]; a sample alone is x.unsqueeze(0).");
}

}  // namespace ct::detail
