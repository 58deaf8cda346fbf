// ops/unique.cpp -- distinct elements, and distinct slices along a dimension. Without gradients, as in PyTorch 1.13.
#include <cmath>
#include <numeric>

#include "cotangent/autograd.h"
#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

namespace {

// The order of n slices by before(i, j), cut into groups of equal neighbours: which slice stands for each group, in which
// group each slice is, and how many are in it.
struct Groups {
  std::vector<std::int64_t> first, count, group_of;
};
template <class Before, class Same>
Groups grouped(std::int64_t n, const Before& before, const Same& same) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), before);
  Groups g;
  g.group_of.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !same(order[i - 1], order[i])) {
      g.first.push_back(order[i]);
      g.count.push_back(0);
    }
    ++g.count.back();
    g.group_of[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(g.first.size()) - 1;
  }
  return g;
}

Tensor from_list(const std::vector<std::int64_t>& v, IntArrayRef shape) {
  Tensor t = detail::empty_like_dtype(kLong, shape);
  std::copy(v.begin(), v.end(), detail::data<std::int64_t>(t));
  return t;
}

// NaN sorts last; each NaN is distinct, as it equals nothing.
template <class T>
bool less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a < b || (std::isnan(b) && !std::isnan(a));
  else return a < b;
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> _unique2(const Tensor& self, bool, bool return_inverse, bool return_counts) {
  CT_CHECK(self.defined(), "_unique2: the tensor is undefined");
  detail::refuse_batched("_unique2", self);
  NoGradGuard off;
  const Tensor x = detail::widened(self).contiguous();
  return CT_DISPATCH_WIDE(x.scalar_type(), [&]() -> std::tuple<Tensor, Tensor, Tensor> {
    const scalar_t* v = detail::data<scalar_t>(x);
    const Groups g = grouped(x.numel(), [v](std::int64_t i, std::int64_t j) { return less(v[i], v[j]); },
                             [v](std::int64_t i, std::int64_t j) { return v[i] == v[j]; });
    const auto n = static_cast<std::int64_t>(g.first.size());
    Tensor values = detail::empty_like_dtype(x.scalar_type(), {n});
    for (std::int64_t i = 0; i < n; ++i) detail::data<scalar_t>(values)[i] = v[g.first[static_cast<std::size_t>(i)]];
    return {values.to(self.scalar_type()), return_inverse ? from_list(g.group_of, self.sizes()) : from_list({}, {0}),
            return_counts ? from_list(g.count, {n}) : from_list({}, {0})};
  });
}

std::tuple<Tensor, Tensor, Tensor> unique_dim(const Tensor& self, std::int64_t dim, bool, bool return_inverse, bool return_counts) {
  CT_CHECK(self.defined(), "unique_dim: the tensor is undefined");
  detail::refuse_batched("unique_dim", self);
  dim = detail::wrap_dim(dim, self.dim());
  CT_CHECK(self.numel() > 0 || self.dim() == 0 || self.size(dim) == 0, "unique_dim: There are 0 sized dimensions, and they aren't selected, so unique "
           "cannot be applied: shape ", self.sizes());
  if (self.dim() == 0) {
    auto [values, inverse, counts] = _unique2(self, true, return_inverse, return_counts);
    return {values, inverse, counts};
  }
  NoGradGuard off;
  const Tensor rows = detail::widened(self).transpose(0, dim).contiguous();  // slices are rows of `width` elements
  const std::int64_t n = rows.size(0), width = n ? rows.numel() / n : 0;
  const Groups g = CT_DISPATCH_WIDE(rows.scalar_type(), [&] {
    const scalar_t* v = detail::data<scalar_t>(rows);
    return grouped(n, [v, width](std::int64_t i, std::int64_t j) {
      const scalar_t *a = v + i * width, *b = v + j * width;
      for (std::int64_t k = 0; k < width; ++k) {
        if (less(a[k], b[k])) return true;
        if (less(b[k], a[k])) return false;
      }
      return false;
    }, [v, width](std::int64_t i, std::int64_t j) { return std::equal(v + i * width, v + (i + 1) * width, v + j * width); });
  });
  const auto m = static_cast<std::int64_t>(g.first.size());
  return {index_select(self.detach(), dim, from_list(g.first, {m})), return_inverse ? from_list(g.group_of, {n}) : from_list({}, {0}),
          return_counts ? from_list(g.count, {m}) : from_list({}, {0})};
}

}  // namespace ct
