// cotangent/ops/reduce.h -- many elements to one: sums, extrema, order statistics, scans, softmax.
#pragma once

#include <optional>
#include <tuple>
#include <type_traits>
#include <vector>

#include "cotangent/array_ref.h"
#include "cotangent/scalar.h"

namespace ct {

class Tensor;
using OptionalDtype = std::optional<ScalarType>;

namespace detail {
// A flag that must be written as one: x.var({0}) names dimension 0 and is not taken for unbiased = false.
template <class B>
concept Flag = std::is_same_v<B, bool>;
CT_API Tensor var(const Tensor& self, bool unbiased);
CT_API Tensor std(const Tensor& self, bool unbiased);
CT_API std::tuple<Tensor, Tensor> var_mean(const Tensor& self, bool unbiased);
CT_API std::tuple<Tensor, Tensor> std_mean(const Tensor& self, bool unbiased);
}  // namespace detail

// A `dim` may be negative (from the back); several are given as a list; none, or an empty list, stands for all of them.
// `keepdim` leaves reduced dimensions with size 1. Half precision is computed in float32 and rounded once. Long sums are
// cut into parts of fixed length, so results do not depend on the number of threads.
// Errors: ct::IndexError "Dimension out of range" for a dim; ct::Error for one named twice.

/// Sum and product of elements; nansum takes NaN for 0. Integers and bools give int64 unless `dtype` says otherwise.
/// Gradient: sum: g, repeated; prod: g times the product of the other elements, exact with any number of zeros.
CT_API Tensor sum(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor sum(const Tensor& self, IntArrayRef dim, bool keepdim = false, OptionalDtype dtype = std::nullopt);
CT_API Tensor nansum(const Tensor& self, OptionalDtype dtype = std::nullopt);
/// Arithmetic mean. Gradient: g / n, repeated.   Errors: ct::Error "mean(): could not infer output dtype" for integers.
CT_API Tensor mean(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor mean(const Tensor& self, IntArrayRef dim, bool keepdim = false, OptionalDtype dtype = std::nullopt);
CT_API Tensor prod(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor prod(const Tensor& self, std::int64_t dim, bool keepdim = false, OptionalDtype dtype = std::nullopt);
/// Variance and standard deviation; unbiased: divide by n - 1 (Bessel's correction) rather than by n. Computed in double,
/// by Chan, Golub & LeVeque's pairwise rule (1979), so a large mean costs no digits.
/// Gradient: var: g 2 (x - mean) / (n - 1); std: that of var / (2 y), and 0 where y is 0.   Dtypes: floating.
CT_API Tensor var(const Tensor& self);
template <detail::Flag B> Tensor var(const Tensor& self, B unbiased);
CT_API Tensor var(const Tensor& self, IntArrayRef dim, bool unbiased = true, bool keepdim = false);
CT_API Tensor std(const Tensor& self);
template <detail::Flag B> Tensor std(const Tensor& self, B unbiased);
CT_API Tensor std(const Tensor& self, IntArrayRef dim, bool unbiased = true, bool keepdim = false);
CT_API std::tuple<Tensor, Tensor> var_mean(const Tensor& self);
template <detail::Flag B> std::tuple<Tensor, Tensor> var_mean(const Tensor& self, B unbiased);
CT_API std::tuple<Tensor, Tensor> var_mean(const Tensor& self, IntArrayRef dim, bool unbiased = true, bool keepdim = false);
CT_API std::tuple<Tensor, Tensor> std_mean(const Tensor& self);
template <detail::Flag B> std::tuple<Tensor, Tensor> std_mean(const Tensor& self, B unbiased);
CT_API std::tuple<Tensor, Tensor> std_mean(const Tensor& self, IntArrayRef dim, bool unbiased = true, bool keepdim = false);

/// Extrema. Any NaN is the result; integers and bools work too. max(x, dim) returns values and int64 indices, the first of
/// equal elements; max(x, other) is maximum(x, other).
/// Gradient: max() and amax() share g equally among equal extrema; max(dim) gives it to the index reported.
/// Errors:   ct::IndexError if there are no elements to choose from.
/// Example:  max(tensor({3., 1., 3.})) has gradient [0.5, 0, 0.5]
CT_API Tensor max(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> max(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API Tensor max(const Tensor& self, const Tensor& other);
CT_API Tensor min(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> min(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API Tensor min(const Tensor& self, const Tensor& other);
CT_API Tensor amax(const Tensor& self, IntArrayRef dim = {}, bool keepdim = false);
CT_API Tensor amin(const Tensor& self, IntArrayRef dim = {}, bool keepdim = false);
CT_API std::tuple<Tensor, Tensor> aminmax(const Tensor& self, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
CT_API Tensor argmax(const Tensor& self, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
CT_API Tensor argmin(const Tensor& self, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
/// (sum |x|^p)^(1/p); p = 2 unless given, 0 counts elements that are not 0, inf and -inf take the extreme |x|.
/// Gradient: g sign(x) (|x| / y)^(p - 1), and 0 where y is 0.   Dtypes: floating.   dist(x, z) = norm(x - z).
CT_API Tensor norm(const Tensor& self, const Scalar& p = 2);
CT_API Tensor norm(const Tensor& self, const std::optional<Scalar>& p, IntArrayRef dim, bool keepdim = false);
CT_API Tensor dist(const Tensor& self, const Tensor& other, const Scalar& p = 2);
/// Whether all (any) elements are true, that is, not 0. kBool, but kByte for kByte, as in PyTorch. No gradient.
CT_API Tensor all(const Tensor& self);
CT_API Tensor all(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API Tensor any(const Tensor& self);
CT_API Tensor any(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API Tensor count_nonzero(const Tensor& self, std::optional<std::int64_t> dim = std::nullopt);
/// Log of the sum of exponentials, without overflow: y = m + log(sum(exp(x - m))), m = max(x); -inf if all x are.
/// Gradient: g exp(x - y).   Source: Blanchard, Higham & Higham (2021).
CT_API Tensor logsumexp(const Tensor& self, IntArrayRef dim, bool keepdim = false);
/// y = exp(x) / sum(exp(x)) along dim, and its logarithm; `dtype` converts x first.   Dtypes: floating.
/// Gradient: softmax: y (g - sum(g y)); log_softmax: g - exp(y) sum(g). Saves y only.
CT_API Tensor softmax(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);
CT_API Tensor log_softmax(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);

/// Running sum and product along dim: y_k = x_0 + .. + x_k. Integers give int64; floats accumulate in double.
/// Gradient: cumsum: the running sum of g from the back; cumprod: exact with any number of zeros.
CT_API Tensor cumsum(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);
CT_API Tensor cumprod(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);
/// Running extremum and its index, the last of equal elements. Gradient: g gathers at the indices.
CT_API std::tuple<Tensor, Tensor> cummax(const Tensor& self, std::int64_t dim);
CT_API std::tuple<Tensor, Tensor> cummin(const Tensor& self, std::int64_t dim);
/// y_k = log(exp(x_0) + .. + exp(x_k)). Gradient: sum over j >= k of g_j exp(x_k - y_j).
CT_API Tensor logcumsumexp(const Tensor& self, std::int64_t dim);
/// n-th difference x_{i+1} - x_i, and the integral by the trapezoidal rule with spacing 1 or at abscissae x.
CT_API Tensor diff(const Tensor& self, std::int64_t n = 1, std::int64_t dim = -1);
CT_API Tensor trapezoid(const Tensor& y, std::int64_t dim = -1);
CT_API Tensor trapezoid(const Tensor& y, const Tensor& x, std::int64_t dim = -1);
/// Covariances of the rows of a matrix of observations [variables, n], divided by n - correction; correlations.
CT_API Tensor cov(const Tensor& self, std::int64_t correction = 1);
CT_API Tensor corrcoef(const Tensor& self);

/// Values in order and their int64 indices. NaN counts as largest; equal elements keep their order in every form.
/// topk: the k largest (smallest) in order; kthvalue: the k-th smallest, k from 1; median: the lower one, NaN if there is
/// one; mode: the smallest of the most frequent values.
/// Gradient: g goes to the indices reported; median() shares it among equal elements.
/// Errors:   ct::Error if k is out of range; ct::IndexError if there are no elements to choose from.
CT_API std::tuple<Tensor, Tensor> sort(const Tensor& self, std::int64_t dim = -1, bool descending = false);
CT_API std::tuple<Tensor, Tensor> sort(const Tensor& self, std::optional<bool> stable, std::int64_t dim = -1, bool descending = false);
CT_API Tensor argsort(const Tensor& self, std::int64_t dim = -1, bool descending = false);
CT_API std::tuple<Tensor, Tensor> topk(const Tensor& self, std::int64_t k, std::int64_t dim = -1, bool largest = true, bool sorted = true);
CT_API std::tuple<Tensor, Tensor> kthvalue(const Tensor& self, std::int64_t k, std::int64_t dim = -1, bool keepdim = false);
CT_API Tensor median(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> median(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API std::tuple<Tensor, Tensor> mode(const Tensor& self, std::int64_t dim = -1, bool keepdim = false);
/// Linear interpolation at rank q (n - 1) of the sorted elements; several q come first in the result's shape.
/// NaN where there is one.   Dtypes: kFloat, kDouble.   Errors: ct::ValueError unless 0 <= q <= 1.
CT_API Tensor quantile(const Tensor& self, const Tensor& q, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
CT_API Tensor quantile(const Tensor& self, double q, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
/// Distinct elements (slices along dim) in order, inverse indices and counts (both empty unless asked for). No gradient.
CT_API std::tuple<Tensor, Tensor, Tensor> _unique2(const Tensor& self, bool sorted = true, bool return_inverse = false, bool return_counts = false);
CT_API std::tuple<Tensor, Tensor, Tensor> unique_dim(const Tensor& self, std::int64_t dim, bool sorted = true, bool return_inverse = false, bool return_counts = false);
/// bincount: how often (or with what weight) each of 0, 1, .. occurs; histc: counts in `bins` equal parts of [min, max],
/// which is that of the data if both are equal; elements outside and NaN are left out.
CT_API Tensor bincount(const Tensor& self);
CT_API Tensor bincount(const Tensor& self, const Tensor& weights, std::int64_t minlength = 0);
CT_API Tensor histc(const Tensor& self, std::int64_t bins = 100, const Scalar& min = 0, const Scalar& max = 0);
/// First (`right`: last) place where a value can be inserted in its sorted row, int64.   Errors: ct::TypeError unless both
/// have one dtype; ct::Error unless shapes match but for the last dimension (or the sequence has one dimension).
CT_API Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& self, bool right = false);
CT_API Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool right = false);

}  // namespace ct
