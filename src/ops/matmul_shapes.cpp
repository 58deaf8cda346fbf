// ops/matmul_shapes.cpp -- products for every number of dimensions, composed of mm, mv, dot and bmm as PyTorch does, so that
// graphs have the same nodes.
#include <vector>

#include "autograd/layers.h"
#include "core/thread_state.h"
#include "ops/batching.h"
#include "ops/linalg.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Dims;
using detail::SizesAttrs;
using detail::unsafe_view;

namespace {

constexpr Op unsafe_view_op{
    .name = "_unsafe_view",
    .node = "UnsafeViewBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g, in the shape of x",
    .forward = [](const Call& c) {
      const Dims& shape = c.attrs<SizesAttrs>().sizes;
      const Tensor x = c.x(0).contiguous();
      std::int64_t strides[max_dims];
      detail::contiguous_strides(shape, strides);
      return detail::alias(x, shape, {strides, static_cast<std::size_t>(shape.n)}, 0);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g.reshape(s.sizes(0)); },
    .batch = detail::batch_behind<SizesAttrs>,
    .save_shapes = true,
    .samples = [](SampleSink& call) { call({call.uniform({3, 4})}, SizesAttrs{{3, {2, 3, 2}}}); },
};

Dims dims_of(IntArrayRef sizes) {
  Dims d;
  for (std::int64_t s : sizes) d.v[d.n++] = s;
  return d;
}
IntArrayRef leading(IntArrayRef sizes, std::size_t without) { return sizes.slice(0, sizes.size() > without ? sizes.size() - without : 0); }
std::int64_t product(IntArrayRef sizes) {
  std::int64_t n = 1;
  for (std::int64_t s : sizes) n *= s;
  return n;
}

// Whether [.., n, k] times [k, m] or [k] is done as one mm of the batch's rows. Not if the matrices lie transposed in
// memory: gathering their rows would copy.
bool folds(const Tensor& a, std::int64_t b_dim) {
  if (a.dim() < 3 || b_dim > 2) return false;
  return !(a.dim() == 3 && b_dim == 2 && a.stride(2) != 1 && a.stride(0) == a.size(1) * a.size(2));
}

Tensor folded(const Tensor& a, const Tensor& b) {
  const bool swap = b.dim() > a.dim();  // a b = (b^T a^T)^T
  const Tensor x = swap ? b.mT() : a, y = !swap ? b : a.dim() == 2 ? a.t() : a;
  Dims shape = dims_of(leading(x.sizes(), 1));
  const std::int64_t k = x.size(-1);
  const Tensor rows = x.reshape({product(shape), k});
  if (y.dim() == 1) return unsafe_view(rows.mv(y), shape);
  shape.v[shape.n++] = y.size(1);
  const Tensor out = unsafe_view(rows.mm(y), shape);
  return swap ? out.mT().contiguous() : out;
}

Tensor batched(const Tensor& a, const Tensor& b) {
  const std::int64_t n = a.dim() > 1 ? a.size(-2) : 1, k = a.size(-1);
  const bool vector = b.dim() == 1;
  const std::int64_t k2 = vector ? b.size(0) : b.size(-2), m = vector ? 1 : b.size(-1);
  Dims shape = detail::batch_shape("matmul", leading(a.sizes(), 2), vector ? IntArrayRef{} : leading(b.sizes(), 2));
  const std::int64_t batch = product(shape);
  auto with = [&](std::initializer_list<std::int64_t> more) {
    Dims d = shape;
    for (std::int64_t s : more) d.v[d.n++] = s;
    return d;
  };
  const Tensor x = a.expand(with({n, k})).reshape({batch, n, k});
  const Tensor y = vector ? b.expand(with({k2})).reshape({batch, k2}).unsqueeze(2) : b.expand(with({k2, m})).reshape({batch, k2, m});
  if (a.dim() > 1) shape.v[shape.n++] = n;
  if (!vector) shape.v[shape.n++] = m;
  const Tensor out = x.bmm(y);
  return unsafe_view(vector ? out.squeeze(-1) : out, shape);
}

}  // namespace

Dims detail::batch_shape(const char* op, IntArrayRef a, IntArrayRef b) {
  Dims shape = dims_of(a);
  broadcast(shape, b, op);
  return shape;
}

Tensor detail::unsafe_view(const Tensor& x, IntArrayRef sizes) { return apply_with(unsafe_view_op, SizesAttrs{dims_of(sizes)}, x); }

std::span<const Op* const> matmul_shape_ops() {
  static constexpr const Op* ops[] = {&unsafe_view_op};
  return ops;
}

Tensor matmul(const Tensor& self, const Tensor& other) {
  CT_CHECK(self.defined() && other.defined(), "matmul: expected a tensor, but an argument is undefined");
  const std::int64_t a = self.dim(), b = other.dim();
  CT_CHECK(a != 0 && b != 0, "matmul: both arguments to matmul need to be at least 1D, but they are ", a, "D and ", b,
           "D\n  Multiply by a number or a 0-dim tensor with *.");
  if (a == 2 && b == 2) return mm(self, other);
  if (a == 1 && b == 1) return dot(self, other);
  if (a == 2 && b == 1) return mv(self, other);
  if (a == 1 && b == 2) return self.unsqueeze(0).mm(other).squeeze_(0);
  return folds(self, b) || folds(other, a) ? folded(self, other) : batched(self, other);
}

Tensor& matmul_out(Tensor& out, const Tensor& self, const Tensor& other) {
  CT_CHECK(out.defined(), "matmul_out: out is undefined\n  Allocate it first, e.g. with ct::empty({0}).");
  const bool tracked = detail::thread_state.grad_mode && (detail::tracks(self) || detail::tracks(other) || detail::tracks(out));
  CT_CHECK(!tracked, "matmul_out: functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.");
  CT_CHECK(self.defined() && other.defined(), "matmul_out: expected a tensor, but an argument is undefined");
  detail::refuse_layered_out("matmul", {&out, &self, &other});
  const Tensor y = matmul(self, other);
  CT_CHECK_TYPE(y.scalar_type() == out.scalar_type(), "matmul_out: Expected out tensor to have dtype ", y.scalar_type(), ", but got ", out.scalar_type(), " instead");
  if (!(out.sizes() == y.sizes())) out.resize_(y.sizes());
  out.copy_(y);
  return out;
}

Tensor outer(const Tensor& self, const Tensor& vec2) {
  CT_CHECK(self.dim() == 1, "outer: Expected 1-D argument self, but got ", self.dim(), "-D");
  CT_CHECK(vec2.dim() == 1, "outer: Expected 1-D argument vec2, but got ", vec2.dim(), "-D");
  return self.reshape({self.size(0), 1}) * vec2;
}

Tensor linear(const Tensor& input, const Tensor& weight) { return linear(input, weight, Tensor()); }

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  CT_CHECK(input.defined() && weight.defined(), "linear: expected a tensor, but input or weight is undefined");
  CT_CHECK(input.dim() != 0 && weight.dim() != 0, "linear: both arguments to linear need to be at least 1D, but they are ", input.dim(), "D and ",
           weight.dim(), "D");
  if (bias.defined() && input.dim() == 2) return addmm(bias, input, weight.t());
  if (bias.defined() && input.dim() == 3 && input.is_contiguous()) {
    const Tensor rows = addmm(bias, input.view({input.size(0) * input.size(1), input.size(2)}), weight.t());
    return rows.view({input.size(0), input.size(1), rows.size(1)});
  }
  const Tensor y = matmul(input, weight.t());
  return bias.defined() ? y + bias : y;
}

}  // namespace ct
