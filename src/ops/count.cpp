// ops/count.cpp -- tests of all elements, counting, histograms and searching. None of these has a gradient.
#include <cmath>
#include <limits>

#include "ops/op_list.h"
#include "ops/reduce_attrs.h"
#include "ops/rules.h"

namespace ct {

using detail::ReduceAttrs;
using detail::ReducePlan;
using detail::SearchAttrs;

namespace {

// ---- all, any, count_nonzero -----------------------------------------------------------------------------------------

// Number of elements that are not 0 (NaN is not 0) in each slice, handed to finish(i, count).
template <class Finish>
void count_true(const Tensor& x_, const ReduceAttrs& a, const Finish& finish) {
  const Tensor x = detail::widened(x_);
  const ReducePlan p = detail::reduce_plan(x, a);
  CT_DISPATCH_WIDE(x.scalar_type(), [&] {
    const scalar_t* from = detail::data<scalar_t>(p.input);
    detail::reduce_rows<std::int64_t>(p, [&](std::int64_t at, std::int64_t n) {
      std::int64_t count = 0;
      for (std::int64_t i = 0; i < n; ++i) count += from[at + i * p.inner_stride] != scalar_t(0);
      return count;
    }, [&](std::int64_t i, const std::int64_t* parts, std::int64_t n) {
      std::int64_t count = 0;
      for (std::int64_t k = 0; k < n; ++k) count += parts[k];
      finish(i, count);
    });
  });
}

// uint8 stays uint8, as in PyTorch; everything else becomes bool.
Tensor test(const Call& c, bool all) {
  const auto& a = c.attrs<ReduceAttrs>();
  const Tensor& x = c.x(0);
  Tensor out = detail::empty_like_dtype(x.scalar_type() == kByte ? kByte : kBool, detail::reduced_shape(x, a));
  const std::int64_t n = detail::reduced_numel(x.sizes(), a);
  auto* y = detail::data<std::uint8_t>(out);
  count_true(x, a, [&](std::int64_t i, std::int64_t count) { y[i] = all ? count == n : count > 0; });
  return out;
}

void test_samples(SampleSink& call) {
  for (std::uint32_t dims : {1, 2, 4, 7}) call({gt(call.uniform({2, 3, 4}), 0)}, ReduceAttrs{dims, dims == 2});
  call({call.uniform({2, 0})}, ReduceAttrs{2, false});
}

Tensor reduced_each(const Batch& b) { return detail::reduce_each(b, b.op); }

constexpr Op all_op{
    .name = "all",
    .kind = OpKind::reduce,
    .forward = [](const Call& c) { return test(c, true); },
    .batch = reduced_each,
    .samples = test_samples,
};
constexpr Op any_op{
    .name = "any",
    .kind = OpKind::reduce,
    .forward = [](const Call& c) { return test(c, false); },
    .batch = reduced_each,
    .samples = test_samples,
};
constexpr Op count_nonzero_op{
    .name = "count_nonzero",
    .kind = OpKind::reduce,
    .forward = [](const Call& c) {
      const auto& a = c.attrs<ReduceAttrs>();
      Tensor out = detail::empty_like_dtype(kLong, detail::reduced_shape(c.x(0), a));
      auto* y = detail::data<std::int64_t>(out);
      count_true(c.x(0), a, [&](std::int64_t i, std::int64_t count) { y[i] = count; });
      return out;
    },
    .batch = reduced_each,
    .samples = test_samples,
};

// ---- bincount, histc ----------------------------------------------------------------------------------------------------

Tensor count_bins(const Tensor& self, const Tensor& weights, std::int64_t minlength) {
  CT_CHECK(self.defined(), "bincount: the tensor is undefined");
  detail::refuse_batched("bincount", self);
  if (weights.defined()) detail::refuse_batched("bincount", weights);
  CT_CHECK_VALUE(minlength >= 0, "bincount: minlength should be >= 0, got ", minlength);
  CT_CHECK(isIntegralType(self.scalar_type(), false) && self.dim() == 1, "bincount: bincount only supports 1-d non-negative integral inputs. Got ",
           self.scalar_type(), " of shape ", self.sizes());
  const Tensor x = self.to(kLong).contiguous();
  const auto* bin = detail::data<std::int64_t>(x);
  std::int64_t bins = minlength;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    CT_CHECK(bin[i] >= 0, "bincount: bincount only supports 1-d non-negative integral inputs. Element ", i, " is ", bin[i]);
    CT_CHECK(bin[i] < std::numeric_limits<std::int64_t>::max(), "bincount: element ", i, " is ", bin[i], ": too many bins");
    bins = std::max(bins, bin[i] + 1);
  }
  if (!weights.defined()) {
    Tensor out = zeros({bins}, kLong);
    auto* y = detail::data<std::int64_t>(out);
    for (std::int64_t i = 0; i < x.numel(); ++i) ++y[bin[i]];
    return out;
  }
  CT_CHECK(weights.dim() == 1 && weights.numel() == x.numel(), "bincount: weights should be 1-d and have the same length as input. Got shapes ",
           weights.sizes(), " and ", self.sizes());
  const ScalarType dtype = weights.scalar_type() == kFloat ? kFloat : kDouble;
  const Tensor w = weights.to(dtype).contiguous();
  Tensor out = zeros({bins}, dtype);
  CT_DISPATCH_FLOATS(dtype, [&] {
    for (std::int64_t i = 0; i < x.numel(); ++i) detail::data<scalar_t>(out)[bin[i]] += detail::data<scalar_t>(w)[i];
  });
  return out;
}

Tensor histogram(const Tensor& self, std::int64_t bins, double low, double high) {
  CT_CHECK(self.defined(), "histc: the tensor is undefined");
  detail::refuse_batched("histc", self);
  const ScalarType dtype = self.scalar_type();
  CT_CHECK_TYPE(dtype == kFloat || dtype == kDouble, "histc: \"histogram_cpu\" not implemented for '", dtype, "'\n  It takes kFloat and kDouble.");
  CT_CHECK_VALUE(bins > 0, "histc: bins must be > 0, but got ", bins);
  const Tensor x = self.detach().contiguous();
  if (low == high && x.numel() > 0) {
    low = min(x).item<double>();
    high = max(x).item<double>();
  }
  if (low == high) low -= 1, high += 1;
  CT_CHECK(std::isfinite(low) && std::isfinite(high), "histc: range of [", low, ", ", high, "] is not finite");
  CT_CHECK(low < high, "histc: max must be larger than min, got min ", low, " and max ", high);
  Tensor out = zeros({bins}, dtype);
  CT_DISPATCH_FLOATS(dtype, [&] {
    const scalar_t* v = detail::data<scalar_t>(x);
    scalar_t* y = detail::data<scalar_t>(out);
    const auto lo = static_cast<scalar_t>(low), hi = static_cast<scalar_t>(high);
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      if (!(v[i] >= lo && v[i] <= hi)) continue;  // outside, or NaN
      const auto k = static_cast<std::int64_t>((v[i] - lo) / (hi - lo) * static_cast<scalar_t>(bins));
      y[std::min(k, bins - 1)] += 1;
    }
  });
  return out;
}

// ---- searching ------------------------------------------------------------------------------------------------------------

// For each value the first place in its sorted row where it could be inserted (`right`: the last one).
Tensor search_rows(const Tensor& sorted, const Tensor& values, bool right) {
  const Tensor s = detail::widened(sorted).contiguous(), v = detail::widened(values).contiguous();
  Tensor out = detail::empty_like_dtype(kLong, values.sizes());
  if (v.numel() == 0) return out;
  const std::int64_t n = s.size(-1), per_row = s.dim() == 1 ? v.numel() : v.size(-1);
  CT_DISPATCH_WIDE(s.scalar_type(), [&] {
    const scalar_t *from = detail::data<scalar_t>(s), *x = detail::data<scalar_t>(v);
    auto* y = detail::data<std::int64_t>(out);
    detail::parallel_for(v.numel(), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const scalar_t* row = from + i / per_row * n;
        const scalar_t* at = right ? std::upper_bound(row, row + n, x[i]) : std::lower_bound(row, row + n, x[i], [](scalar_t a, scalar_t b) { return !(a >= b); });
        y[i] = at - row;
      }
    });
  });
  return out;
}

constexpr Op searchsorted_op{
    .name = "searchsorted",
    .kind = OpKind::other,
    .forward = [](const Call& c) { return search_rows(c.x(0), c.x(1), c.attrs<SearchAttrs>().right); },
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<SearchAttrs>();
      if (b.dim(0) > 1) return apply_with(b.op, a, b.x(0), b.x(1));      // rows for rows
      if (!b.batched(0)) return apply_with(b.op, a, b.value(0), b.value(1));  // one row for all
      const Tensor values = b.x(1);
      return apply_with(b.op, a, b.value(0), b.dim(1) == 0 ? values.unsqueeze(1) : values.flatten(1)).view(values.sizes());
    },
    .samples = [](SampleSink& call) {
      const Tensor edges = std::get<0>(sort(call.uniform({2, 5})));
      for (bool right : {false, true}) {
        call({edges, call.uniform({2, 3})}, SearchAttrs{right});
        call({edges.select(0, 0), call.uniform({3, 4})}, SearchAttrs{right});
      }
    },
};

void check_same_dtype(const char* op, const Tensor& sorted, const Tensor& values) {
  CT_CHECK_TYPE(sorted.scalar_type() == values.scalar_type(), op, "(): boundaries tensor and input value tensor should have same dtype, but got "
                "boundaries tensor dtype ", sorted.scalar_type(), " and input value tensor dtype ", values.scalar_type());
}

}  // namespace

std::span<const Op* const> count_ops() {
  static constexpr const Op* ops[] = {&all_op, &any_op, &count_nonzero_op, &searchsorted_op};
  return ops;
}

Tensor all(const Tensor& self) { return apply_with(all_op, detail::reduce_all(self), self); }
Tensor all(const Tensor& self, std::int64_t dim, bool keepdim) { return apply_with(all_op, detail::reduce_attrs("all", self, dim, keepdim), self); }
Tensor any(const Tensor& self) { return apply_with(any_op, detail::reduce_all(self), self); }
Tensor any(const Tensor& self, std::int64_t dim, bool keepdim) { return apply_with(any_op, detail::reduce_attrs("any", self, dim, keepdim), self); }
Tensor count_nonzero(const Tensor& self, std::optional<std::int64_t> dim) {
  return apply_with(count_nonzero_op, dim ? detail::reduce_attrs("count_nonzero", self, *dim, false) : detail::reduce_all(self), self);
}
Tensor bincount(const Tensor& self) { return count_bins(self, {}, 0); }
Tensor bincount(const Tensor& self, const Tensor& weights, std::int64_t minlength) { return count_bins(self, weights, minlength); }
Tensor histc(const Tensor& self, std::int64_t bins, const Scalar& min, const Scalar& max) {
  return histogram(self, bins, min.toDouble(), max.toDouble());
}
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& self, bool right) {
  CT_CHECK(sorted_sequence.defined() && self.defined(), "searchsorted: a tensor is undefined");
  const std::int64_t d = sorted_sequence.dim();
  bool fits = d == 1 || (d > 1 && d == self.dim());
  for (std::int64_t k = 0; d > 1 && fits && k + 1 < d; ++k) fits = sorted_sequence.size(k) == self.size(k);
  CT_CHECK(fits, "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value "
           "tensor must match, but got boundaries tensor ", sorted_sequence.sizes(), " and input value tensor ", self.sizes());
  check_same_dtype("torch.searchsorted", sorted_sequence, self);
  return apply_with(searchsorted_op, SearchAttrs{right}, sorted_sequence, self);
}
Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool right) {
  CT_CHECK(self.defined() && boundaries.defined(), "bucketize: a tensor is undefined");
  CT_CHECK(boundaries.dim() == 1, "bucketize: boundaries tensor must be 1 dimension, but got dim(", boundaries.dim(), ")");
  check_same_dtype("torch.searchsorted", boundaries, self);
  return apply_with(searchsorted_op, SearchAttrs{right}, boundaries, self);
}

}  // namespace ct
