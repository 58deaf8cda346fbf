// ops/linalg_products.cpp -- products over chosen dimensions: inner, outer's kin, tensordot, Kronecker, cross, chains; trace.
#include <algorithm>
#include <limits>

#include "ops/linalg.h"
#include "ops/op_list.h"

namespace ct {

using detail::Dims;
using detail::CrossAttrs;

namespace {

// y = x0 x x1 along one dimension of size 3
constexpr Op cross_op{
    .name = "linalg_cross",
    .node = "LinalgCrossBackward0",
    .kind = OpKind::multilinear,
    .formula = "dx0 = cross(x1, g); dx1 = cross(g, x0)",
    .forward = [](const Call& c) {
      const std::int64_t d = c.attrs<CrossAttrs>().dim;
      auto part = [&](int i, std::int64_t k) { return c.x(i).select(d, k); };
      return stack({part(0, 1) * part(1, 2) - part(0, 2) * part(1, 1), part(0, 2) * part(1, 0) - part(0, 0) * part(1, 2),
                    part(0, 0) * part(1, 1) - part(0, 1) * part(1, 0)}, d);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      const std::int64_t d = s.attrs<CrossAttrs>().dim;
      return arg == 0 ? cross(s.x(1).expand_as(g), g, d) : cross(g, s.x(0).expand_as(g), d);
    },
    .batch = [](const Batch& b) { return apply_with(b.op, b.attrs<CrossAttrs>(), b.value(0), b.value(1)); },  // dim counts from the back
    .save = {X(1), X(0)},
    .dtypes = Dtypes::no_bool,
    .samples = [](SampleSink& call) {
      call({call.uniform({3}), call.uniform({3})}, CrossAttrs{-1});
      call({call.uniform({4, 3}), call.uniform({4, 3})}, CrossAttrs{-1});
      call({call.uniform({3, 1, 2}), call.uniform({3, 4, 2})}, CrossAttrs{-3});
    },
};

constexpr Op trace_op{
    .name = "trace",
    .node = "TraceBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g on the diagonal",
    .forward = [](const Call& c) { return c.x(0).diagonal().sum(); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return where(eye(s.sizes(0)[0], s.sizes(0)[1], kBool), g, Scalar(0)).to(g.scalar_type()); },
    .batch = [](const Batch& b) { return b.value(0).diagonal(0, 1, 2).sum(1); },
    .save_shapes = true,
    .autocast = Autocast::full,
    .samples = [](SampleSink& call) {
      for (auto sizes : {std::vector<std::int64_t>{3, 3}, {2, 4}, {4, 2}, {0, 3}}) call({call.uniform(sizes)});
    },
};

std::int64_t product(IntArrayRef sizes) {
  std::int64_t n = 1;
  for (std::int64_t s : sizes) n *= s;
  return n;
}

// Where to put the brackets in A_0 A_1 .. A_n-1 of sizes p_0 x p_1, p_1 x p_2, ..: the classical dynamic program
// (Cormen et al., Introduction to Algorithms, 15.2). split[i][j] is the last product of A_i .. A_j.
std::vector<std::vector<std::size_t>> chain_order(const std::vector<std::int64_t>& p) {
  const std::size_t n = p.size() - 1;
  std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0));
  std::vector<std::vector<std::size_t>> split(n, std::vector<std::size_t>(n, 0));
  for (std::size_t length = 1; length < n; ++length)
    for (std::size_t i = 0; i + length < n; ++i) {
      const std::size_t j = i + length;
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (std::size_t k = i; k < j; ++k) {
        const double q = cost[i][k] + cost[k + 1][j] + static_cast<double>(p[i]) * static_cast<double>(p[k + 1]) * static_cast<double>(p[j + 1]);
        if (q < cost[i][j]) cost[i][j] = q, split[i][j] = k;
      }
    }
  return split;
}

Tensor chain(const std::vector<Tensor>& m, const std::vector<std::vector<std::size_t>>& split, std::size_t i, std::size_t j) {
  if (i == j) return m[i];
  const std::size_t k = split[i][j];
  return mm(chain(m, split, i, k), chain(m, split, k + 1, j));
}

}  // namespace

std::span<const Op* const> linalg_product_ops() {
  static constexpr const Op* ops[] = {&cross_op, &trace_op};
  return ops;
}

Tensor cross(const Tensor& self, const Tensor& other, std::optional<std::int64_t> dim) {
  CT_CHECK(self.defined() && other.defined(), "cross: expected a tensor, but an argument is undefined");
  CT_CHECK(self.dim() == other.dim(), "linalg.cross: inputs must have the same number of dimensions, got ", self.dim(), " and ", other.dim());
  CT_CHECK_TYPE(self.scalar_type() == other.scalar_type() && self.scalar_type() != kBool, "cross: expected inputs of one dtype that is not Bool, got ", self.scalar_type(), " and ",
                other.scalar_type());
  std::int64_t d = -1;
  if (dim) {
    d = detail::wrap_dim(*dim, self.dim());
  } else {  // the first dimension of size 3
    const IntArrayRef sizes = self.sizes();
    d = std::find(sizes.begin(), sizes.end(), 3) - sizes.begin();
    CT_CHECK(d < self.dim(), "cross: no dimension of size 3 in input\n  The sizes are ", sizes);
  }
  CT_CHECK(self.size(d) == 3 && other.size(d) == 3, "linalg.cross: inputs dimension ", d, " must have length 3. Got ", self.size(d), " and ", other.size(d));
  return apply_with(cross_op, CrossAttrs{d - self.dim()}, self, other);
}

Tensor trace(const Tensor& self) {
  CT_CHECK(self.defined() && self.dim() == 2, "trace: expected a matrix, but got tensor with dim ", self.defined() ? self.dim() : 0);
  return apply(trace_op, self);
}

Tensor tensordot(const Tensor& self, const Tensor& other, IntArrayRef dims_self, IntArrayRef dims_other) {
  CT_CHECK(dims_self.size() == dims_other.size(), "tensordot: both dimension lists should have same length, got ", dims_self, " and ", dims_other);
  Tensor a = self, b = other;
  std::vector<std::int64_t> order_a, order_b, shape, in_a, in_b;
  std::int64_t contracted = 1;
  for (std::size_t i = 0; i < dims_self.size(); ++i) {
    const std::int64_t da = detail::wrap_dim(dims_self[i], self.dim()), db = detail::wrap_dim(dims_other[i], other.dim());
    CT_CHECK(std::find(in_a.begin(), in_a.end(), da) == in_a.end() && std::find(in_b.begin(), in_b.end(), db) == in_b.end(),
             "tensordot: a dim appears multiple times in the list of dims ", dims_self, " or ", dims_other);
    in_a.push_back(da), in_b.push_back(db);
    const std::int64_t sa = a.size(da), sb = b.size(db);
    if (sb == 1) a = a.sum(IntArrayRef(da), true);
    else if (sa == 1) b = b.sum(IntArrayRef(db), true);
    else {
      CT_CHECK(sa == sb, "tensordot: contracted dimensions need to match, but first has size ", sa, " in dim ", da, " and second has size ", sb, " in dim ", db);
      contracted *= sa;
    }
  }
  for (std::int64_t d = 0; d < self.dim(); ++d)
    if (std::find(in_a.begin(), in_a.end(), d) == in_a.end()) order_a.push_back(d), shape.push_back(a.size(d));
  const std::int64_t rows = product(shape);
  order_a.insert(order_a.end(), in_a.begin(), in_a.end());
  order_b = in_b;
  std::int64_t columns = 1;
  for (std::int64_t d = 0; d < other.dim(); ++d)
    if (std::find(in_b.begin(), in_b.end(), d) == in_b.end()) order_b.push_back(d), shape.push_back(b.size(d)), columns *= b.size(d);
  return mm(a.permute(order_a).reshape({rows, contracted}), b.permute(order_b).reshape({contracted, columns})).reshape(shape);
}

Tensor inner(const Tensor& self, const Tensor& other) {
  CT_CHECK(self.defined() && other.defined(), "inner: expected a tensor, but an argument is undefined");
  CT_CHECK_TYPE(self.scalar_type() == other.scalar_type(), "inner: expected scalar type ", self.scalar_type(), " but found ", other.scalar_type());
  if (self.dim() == 0 || other.dim() == 0) return self * other;
  CT_CHECK(self.size(-1) == other.size(-1), "inner() the last dimension must match on both input tensors but got shapes ", self.sizes(), " and ", other.sizes());
  const std::int64_t last = -1;
  return tensordot(self, other, IntArrayRef(last), IntArrayRef(last));
}

Tensor kron(const Tensor& self, const Tensor& other) {
  CT_CHECK(self.defined() && other.defined(), "kron: expected a tensor, but an argument is undefined");
  // [a0, a1] x [b0, b1]: [a0, 1, a1, 1] * [1, b0, 1, b1], then pairs of dimensions merge.
  const std::int64_t dims = std::max(self.dim(), other.dim());
  CT_CHECK(2 * dims <= max_dims, "kron: at most ", max_dims / 2, " dimensions, got ", dims);
  Dims a, b, shape;
  for (std::int64_t d = 0; d < dims; ++d) {
    const std::int64_t da = d - (dims - self.dim()), db = d - (dims - other.dim());
    const std::int64_t sa = da < 0 ? 1 : self.size(da), sb = db < 0 ? 1 : other.size(db);
    a.v[a.n++] = sa, a.v[a.n++] = 1;
    b.v[b.n++] = 1, b.v[b.n++] = sb;
    shape.v[shape.n++] = sa * sb;
  }
  return detail::unsafe_view(detail::unsafe_view(self, a) * detail::unsafe_view(other, b), shape);
}

Tensor linalg_multi_dot(TensorList tensors) {
  CT_CHECK(tensors.size() >= 2, "multi_dot(): expected at least 2 tensors but got ", tensors.size());
  std::vector<Tensor> m = tensors.vec();
  for (std::size_t i = 0; i < m.size(); ++i) {
    const bool end = i == 0 || i + 1 == m.size();
    CT_CHECK(m[i].defined() && (m[i].dim() == 2 || (end && m[i].dim() == 1)), "multi_dot(): tensor ", i, " must be ", end ? "1D or 2D" : "2D", " but got ",
             m[i].defined() ? m[i].dim() : 0, "D");
  }
  if (m.size() == 2) return matmul(m[0], m[1]);
  // A vector at an end is a row or a column meanwhile.
  const bool row = m.front().dim() == 1, column = m.back().dim() == 1;
  if (row) m.front() = m.front().unsqueeze(0);
  if (column) m.back() = m.back().unsqueeze(-1);
  std::vector<std::int64_t> p;
  for (std::size_t i = 0; i < m.size(); ++i) {
    p.push_back(m[i].size(0));
    CT_CHECK(i == 0 || m[i - 1].size(1) == m[i].size(0), "multi_dot(): tensors ", i - 1, " and ", i, " with shapes ", m[i - 1].sizes(), " and ", m[i].sizes(),
             " cannot be multiplied");
  }
  p.push_back(m.back().size(1));
  std::vector<std::int64_t> shape;
  if (!row) shape.push_back(p.front());
  if (!column) shape.push_back(p.back());
  return chain(m, chain_order(p), 0, m.size() - 1).view(shape);
}

}  // namespace ct
