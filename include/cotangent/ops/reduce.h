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

CT_API Tensor sum(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor sum(const Tensor& self, IntArrayRef dim, bool keepdim = false, OptionalDtype dtype = std::nullopt);
CT_API Tensor nansum(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor mean(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor mean(const Tensor& self, IntArrayRef dim, bool keepdim = false, OptionalDtype dtype = std::nullopt);
CT_API Tensor prod(const Tensor& self, OptionalDtype dtype = std::nullopt);
CT_API Tensor prod(const Tensor& self, std::int64_t dim, bool keepdim = false, OptionalDtype dtype = std::nullopt);
/// unbiased: divide by n - 1 (Bessel's correction) rather than by n.
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
CT_API Tensor norm(const Tensor& self, const Scalar& p = 2);
CT_API Tensor norm(const Tensor& self, const std::optional<Scalar>& p, IntArrayRef dim, bool keepdim = false);
CT_API Tensor dist(const Tensor& self, const Tensor& other, const Scalar& p = 2);
CT_API Tensor all(const Tensor& self);
CT_API Tensor all(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API Tensor any(const Tensor& self);
CT_API Tensor any(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API Tensor count_nonzero(const Tensor& self, std::optional<std::int64_t> dim = std::nullopt);
CT_API Tensor logsumexp(const Tensor& self, IntArrayRef dim, bool keepdim = false);
CT_API Tensor softmax(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);
CT_API Tensor log_softmax(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);

CT_API Tensor cumsum(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);
CT_API Tensor cumprod(const Tensor& self, std::int64_t dim, OptionalDtype dtype = std::nullopt);
CT_API std::tuple<Tensor, Tensor> cummax(const Tensor& self, std::int64_t dim);
CT_API std::tuple<Tensor, Tensor> cummin(const Tensor& self, std::int64_t dim);
CT_API Tensor logcumsumexp(const Tensor& self, std::int64_t dim);
CT_API Tensor diff(const Tensor& self, std::int64_t n = 1, std::int64_t dim = -1);
CT_API Tensor trapezoid(const Tensor& y, std::int64_t dim = -1);
CT_API Tensor trapezoid(const Tensor& y, const Tensor& x, std::int64_t dim = -1);
CT_API Tensor cov(const Tensor& self, std::int64_t correction = 1);
CT_API Tensor corrcoef(const Tensor& self);

CT_API std::tuple<Tensor, Tensor> sort(const Tensor& self, std::int64_t dim = -1, bool descending = false);
CT_API std::tuple<Tensor, Tensor> sort(const Tensor& self, std::optional<bool> stable, std::int64_t dim = -1, bool descending = false);
CT_API Tensor argsort(const Tensor& self, std::int64_t dim = -1, bool descending = false);
CT_API std::tuple<Tensor, Tensor> topk(const Tensor& self, std::int64_t k, std::int64_t dim = -1, bool largest = true, bool sorted = true);
CT_API std::tuple<Tensor, Tensor> kthvalue(const Tensor& self, std::int64_t k, std::int64_t dim = -1, bool keepdim = false);
CT_API Tensor median(const Tensor& self);
CT_API std::tuple<Tensor, Tensor> median(const Tensor& self, std::int64_t dim, bool keepdim = false);
CT_API std::tuple<Tensor, Tensor> mode(const Tensor& self, std::int64_t dim = -1, bool keepdim = false);
CT_API Tensor quantile(const Tensor& self, const Tensor& q, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
CT_API Tensor quantile(const Tensor& self, double q, std::optional<std::int64_t> dim = std::nullopt, bool keepdim = false);
/// Values, inverse indices (empty unless asked for), counts (empty unless asked for).
CT_API std::tuple<Tensor, Tensor, Tensor> _unique2(const Tensor& self, bool sorted = true, bool return_inverse = false, bool return_counts = false);
CT_API std::tuple<Tensor, Tensor, Tensor> unique_dim(const Tensor& self, std::int64_t dim, bool sorted = true, bool return_inverse = false, bool return_counts = false);
CT_API Tensor bincount(const Tensor& self);
CT_API Tensor bincount(const Tensor& self, const Tensor& weights, std::int64_t minlength = 0);
CT_API Tensor histc(const Tensor& self, std::int64_t bins = 100, const Scalar& min = 0, const Scalar& max = 0);
CT_API Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& self, bool right = false);
CT_API Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool right = false);

}  // namespace ct
