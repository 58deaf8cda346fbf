// distributions/common.h -- what the sources of distributions share.
#pragma once

#include <vector>

#include "cotangent/autograd.h"
#include "cotangent/distributions.h"

namespace ct::distributions::detail {

inline constexpr double pi = 3.14159265358979323846, infinity = __builtin_inf(), not_a_number = __builtin_nan("");

// Parameters in one dtype and shape, as Python's broadcast_all.
std::vector<Tensor> broadcast_all(const char* name, std::initializer_list<const Parameter*> parameters);
inline std::vector<std::int64_t> shape_of(const Tensor& t) { return t.sizes().vec(); }
inline std::vector<std::int64_t> but_last(IntArrayRef s) { return s.slice(0, s.size() - 1).vec(); }

// Of a floating dtype: the distance of 1 to the next number, and the smallest normal number.
double eps(ScalarType t);
double tiny(ScalarType t);

Tensor logits_to_probs(const Tensor& logits, bool is_binary);
Tensor probs_to_logits(const Tensor& probs, bool is_binary);
// Over the last `dims` dimensions.
Tensor sum_rightmost(const Tensor& value, std::int64_t dims);

Constraint real();
Constraint positive();
Constraint nonnegative();
Constraint unit_interval();
Constraint nonnegative_integer();

// x^T (L L^T)^-1 x for vectors x [.., n] and lower triangular L [.., n, n].
Tensor mahalanobis(const Tensor& tril, const Tensor& x);

}  // namespace ct::distributions::detail
