// ops/copy.cpp -- copies, fills and conversions between dtypes.
#include "autograd/elementwise.h"
#include "autograd/node.h"
#include "core/tensor_impl.h"
#include "ops/batching.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Dims;
using detail::DtypeAttrs;
using detail::impl;
using detail::ScalarAttrs;
using detail::TensorImpl;

namespace {

// Elementwise dst = src, with broadcasting and conversion.
void copy_elements(const Tensor& dst, const Tensor& src) {
  const TensorImpl *d = impl(dst), *s = impl(src);
  Dims shape;
  detail::broadcast(shape, dst.sizes(), "copy_");
  detail::broadcast(shape, src.sizes(), "copy_");
  CT_CHECK(dst.sizes() == shape, "copy_: output with shape ", dst.sizes(), " doesn't match the broadcast shape ", IntArrayRef(shape));
  kernels::Strided plan;
  plan.nargs = 2;
  plan.ndim = shape.n;
  std::memcpy(plan.sizes, shape.v, sizeof shape.v);
  plan.data[0] = d->data, plan.data[1] = s->data;
  plan.dtype[0] = d->dtype, plan.dtype[1] = s->dtype;
  detail::operand_strides(d, shape, plan.strides[0]);
  detail::operand_strides(s, shape, plan.strides[1]);
  kernels::copy(plan);
}

bool overlaps(const Tensor& a, const Tensor& b) { return a.is_alias_of(b) && !a.is_same(b); }

constexpr Op copy_op{
    .name = "copy_",
    .node = "CopyBackwards",
    .kind = OpKind::other,
    .formula = "dself = 0; dsrc = g",
    .inplace = [](const Call& c, const Tensor& self) { copy_elements(self, overlaps(self, c.x(1)) ? c.x(1).clone() : c.x(1)); },
    .vjp = [](const Tensor& g, const Saved&, int arg) { return arg == 0 ? zeros_like(g) : g; },
    .jvp = [](const Tensor* t, const Saved&) { return t[1]; },
    .batch = [](const Batch& b) {  // assigned to self by the caller
      const Tensor& self = b.value(0);
      return detail::broadcastable(b, 1, b.dim(0)).to(self.scalar_type()).expand(b.with_batch(b.sizes(0)));
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3}), call.uniform({2, 3})});
      call({call.uniform({2, 3}), call.uniform({3})});
    },
};

// A row-major copy: what contiguous() does to other layouts.
constexpr Op contiguous_op{
    .name = "contiguous",
    .node = "CloneBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g",
    .forward = [](const Call& c) {
      Tensor out = detail::empty_like_dtype(c.x(0).scalar_type(), c.x(0).sizes());
      copy_elements(out, c.x(0));
      return out;
    },
    .vjp = [](const Tensor& g, const Saved&, int) { return g; },
    .batch = detail::batch_as_is,
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}); },
};

// A dense copy; keeps the order of dimensions in memory of dense inputs.
constexpr Op clone_op{
    .name = "clone",
    .node = "CloneBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g",
    .forward = [](const Call& c) {
      Tensor out = empty_like(c.x(0));
      copy_elements(out, c.x(0));
      return out;
    },
    .vjp = [](const Tensor& g, const Saved&, int) { return g; },
    .batch = [](const Batch& b) {
      // The entries must be laid out as their own clones would be, so they must stay apart from each other in memory.
      const Tensor& x = b.value(0);
      bool apart = true;
      for (std::int64_t d = 1; d < x.dim(); ++d) apart &= x.stride(0) >= x.stride(d);
      return apart ? apply(b.op, x) : apply(contiguous_op, x);
    },
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}); },
};

constexpr Op to_op{
    .name = "to",
    .node = "ToCopyBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g, converted back",
    .forward = [](const Call& c) {
      Tensor out = empty_like(c.x(0), c.attrs<DtypeAttrs>().dtype);
      copy_elements(out, c.x(0));
      return out;
    },
    .vjp = [](const Tensor& g, const Saved&, int) { return g; },
    .batch = [](const Batch& b) { return apply_with(b.op, b.attrs<DtypeAttrs>(), b.value(0)); },
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}, DtypeAttrs{kDouble}); },
};

void fill_elements(const Tensor& self, const Scalar& value) {
  const TensorImpl* t = impl(self);
  Tensor number = detail::empty_like_dtype(t->dtype, {});
  CT_DISPATCH_ALL(t->dtype, [&] { *detail::data<scalar_t>(number) = value.to<scalar_t>(); });
  copy_elements(self, number);
}

constexpr Op fill_op{
    .name = "fill_",
    .node = "FillBackward2",
    .kind = OpKind::other,
    .formula = "dself = 0",
    .inplace = [](const Call& c, const Tensor& self) { fill_elements(self, c.attrs<ScalarAttrs>().s[0]); },
    .vjp = [](const Tensor& g, const Saved&, int) { return zeros_like(g); },
    .jvp = [](const Tensor*, const Saved&) { return Tensor(); },
    .batch = [](const Batch& b) { return full_like(b.value(0), b.attrs<ScalarAttrs>().s[0]); },
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}, ScalarAttrs{{1.5}}); },
};

constexpr Op fill_tensor_op{
    .name = "fill_.Tensor",
    .node = "FillBackward3",
    .kind = OpKind::other,
    .formula = "dself = 0; dvalue = sum(g)",
    .inplace = [](const Call& c, const Tensor& self) { copy_elements(self, c.x(1)); },
    .vjp = [](const Tensor& g, const Saved&, int arg) { return arg == 0 ? zeros_like(g) : g.sum(); },
    .jvp = [](const Tensor* t, const Saved&) { return t[1]; },
    .batch = [](const Batch& b) {  // assigned to self by the caller
      return detail::broadcastable(b, 1, b.dim(0)).to(b.value(0).scalar_type()).expand(b.with_batch(b.sizes(0)));
    },
    .samples = [](SampleSink& call) { call({call.uniform({2, 3}), call.uniform({})}); },
};

constexpr Op zero_op{
    .name = "zero_",
    .node = "ZeroBackward0",
    .kind = OpKind::linear,
    .formula = "dself = 0",
    .inplace = [](const Call&, const Tensor& self) {
      if (self.is_contiguous()) std::memset(self.data_ptr(), 0, self.nbytes());
      else fill_elements(self, 0);
    },
    .vjp = [](const Tensor& g, const Saved&, int) { return zeros_like(g); },
    .jvp = [](const Tensor*, const Saved&) { return Tensor(); },
    .batch = [](const Batch& b) { return zeros_like(b.value(0)); },
    .samples = [](SampleSink& call) { call({call.uniform({2, 3})}); },
};

void check_device(Device d) {
  if (!d.is_cpu())
    CT_THROW(not_implemented, "to: device ", d.str(), " is not available: this build computes on the CPU only\n  Use ct::kCPU, or leave the device out.");
}

}  // namespace

const Op& detail::assignment_op = copy_op;

std::span<const Op* const> copy_ops() {
  static constexpr const Op* ops[] = {&copy_op, &clone_op, &contiguous_op, &to_op, &fill_op, &fill_tensor_op, &zero_op};
  return ops;
}

Tensor clone(const Tensor& self) { return apply(clone_op, self); }
Tensor& Tensor::copy_(const Tensor& src, bool) const {
  CT_CHECK(src.defined(), "copy_: the source is undefined");
  return apply_inplace(copy_op, NoAttrs{}, *this, src);
}
Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  return apply(contiguous_op, *this);
}
Tensor& Tensor::fill_(const Scalar& value) const { return apply_inplace(fill_op, ScalarAttrs{{value}}, *this); }
Tensor& Tensor::fill_(const Tensor& value) const {
  CT_CHECK(value.dim() == 0, "fill_: fill_ only supports 0-dimension value tensor but got tensor with ", value.dim(), " dimensions.");
  return apply_inplace(fill_tensor_op, NoAttrs{}, *this, value);
}
Tensor& Tensor::zero_() const { return apply_inplace(zero_op, NoAttrs{}, *this); }

Tensor Tensor::to(ScalarType dtype, bool, bool copy) const {
  CT_CHECK(defined(), "to: the tensor is undefined");
  if (scalar_type() == dtype) return copy ? clone() : *this;
  return apply_with(to_op, DtypeAttrs{dtype}, *this);
}
Tensor Tensor::to(Device device, ScalarType dtype, bool non_blocking, bool copy) const {
  check_device(device);
  return to(dtype, non_blocking, copy);
}
Tensor Tensor::to(Device device, bool, bool copy) const {
  check_device(device);
  return copy ? clone() : *this;
}
Tensor Tensor::to(const TensorOptions& options, bool non_blocking, bool copy) const {
  check_device(options.device());
  return to(options.has_dtype() ? options.dtype() : scalar_type(), non_blocking, copy);
}

}  // namespace ct
