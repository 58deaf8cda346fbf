// ops/rearrange.cpp -- copies in another order, and repeated: flip, roll, rot90, repeat.
#include <vector>

#include "autograd/layers.h"
#include "ops/batching.h"
#include "ops/op_list.h"
#include "ops/view_attrs.h"

namespace ct {

using detail::Dims;
using detail::DimList;
using detail::impl;
using detail::RollAttrs;
using detail::Rot90Attrs;
using detail::SizesAttrs;
using detail::TensorImpl;

namespace {

// y[i] = x[n - 1 - i] along each of the dims.
constexpr Op flip_op{
    .name = "flip",
    .node = "FlipBackward0",
    .kind = OpKind::linear,
    .formula = "dx = flip(g, dims)",
    .forward = [](const Call& c) {
      Tensor out = empty_like(c.x(0));
      if (out.numel() == 0) return out;
      const TensorImpl *x = impl(c.x(0)), *y = impl(out);
      const std::int64_t size = elementSize(x->dtype);
      kernels::Strided s;
      s.nargs = 2;
      s.ndim = x->ndim;
      s.data[0] = y->data, s.data[1] = x->data;
      s.dtype[0] = s.dtype[1] = x->dtype;
      for (int d = 0; d < x->ndim; ++d) {
        s.sizes[d] = x->sizes()[d];
        s.strides[0][d] = y->strides()[d] * size;
        s.strides[1][d] = x->strides()[d] * size;
      }
      const auto& dims = c.attrs<DimList>();
      for (int k = 0; k < dims.n; ++k) {  // read backwards from the end
        const int d = dims.v[k];
        s.data[1] += (s.sizes[d] - 1) * s.strides[1][d];
        s.strides[1][d] = -s.strides[1][d];
      }
      kernels::run(kernels::cast_loop(x->dtype, x->dtype), ScalarType::Undefined, s, nullptr);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<DimList>();
      std::int64_t dims[max_dims];
      std::copy(a.v, a.v + a.n, dims);
      return flip(g, {dims, static_cast<std::size_t>(a.n)});
    },
    .batch = detail::batch_behind<DimList>,
    .samples = [](SampleSink& call) {
      call({call.uniform({3})}, DimList{1, {0}});
      call({call.uniform({2, 3, 2})}, DimList{2, {2, 0}});
      call({call.uniform({2, 3})}, DimList{});
    },
};

// y[(i + shift) mod n] = x[i]; without dims over all elements in row-major order.
constexpr Op roll_op{
    .name = "roll",
    .node = "RollBackward0",
    .kind = OpKind::linear,
    .formula = "dx = roll(g, -shifts, dims)",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<RollAttrs>();
      if (c.x(0).numel() == 0) return c.x(0).clone();
      Tensor x = a.dims.n ? c.x(0) : c.x(0).reshape({-1});
      for (int k = 0; k < std::max(1, int{a.dims.n}); ++k) {
        const std::int64_t d = a.dims.n ? a.dims.v[k] : 0, n = x.size(d), first = ((a.shifts[k] % n) + n) % n;
        Tensor y = detail::empty_like_dtype(x.scalar_type(), x.sizes());
        narrow(y, d, first, n - first).copy_(narrow(x, d, 0, n - first));
        narrow(y, d, 0, first).copy_(narrow(x, d, n - first, first));
        x = y;
      }
      return x.view(c.x(0).sizes());
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      RollAttrs a = s.attrs<RollAttrs>();
      std::int64_t dims[max_dims];
      std::copy(a.dims.v, a.dims.v + a.dims.n, dims);
      const auto n = static_cast<std::size_t>(a.dims.n);
      for (std::int64_t& shift : a.shifts) shift = -shift;
      return roll(g, {a.shifts, n ? n : 1}, {dims, n});
    },
    .batch = [](const Batch& b) {
      RollAttrs a = b.attrs<RollAttrs>();
      const Tensor& x = b.value(0);
      if (x.numel() == 0) return x.clone();
      if (a.dims.n == 0) return roll(x.reshape({b.size, -1}), {a.shifts, 1}, {1}).reshape(x.sizes());
      a.dims = detail::behind_batch(a.dims, b.size);
      return apply_with(b.op, a, x);
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({5})}, RollAttrs{{1, {0}}, {2}});
      call({call.uniform({2, 3})}, RollAttrs{{2, {0, 1}}, {1, -1}});
      call({call.uniform({2, 3})}, RollAttrs{{}, {4}});
    },
};

constexpr Op rot90_op{
    .name = "rot90",
    .node = "Rot90Backward0",
    .kind = OpKind::linear,
    .formula = "dx = rot90(g, -k, dims)",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<Rot90Attrs>();
      const Tensor& x = c.x(0);
      switch (a.k) {
        case 1: return flip(x, {a.dim1}).transpose(a.dim0, a.dim1).clone();
        case 2: return flip(x, {a.dim0, a.dim1});
        case 3: return flip(x, {a.dim0}).transpose(a.dim0, a.dim1).clone();
        default: return x.clone();
      }
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<Rot90Attrs>();
      return rot90(g, -a.k, {a.dim0, a.dim1});
    },
    .batch = detail::batch_behind<Rot90Attrs>,
    .samples = [](SampleSink& call) {
      for (std::int64_t k = 0; k < 4; ++k) call({call.uniform({2, 3})}, Rot90Attrs{k, 0, 1});
    },
};

// x side by side, repeats[d] times along dim d; new dims come first.
constexpr Op repeat_op{
    .name = "repeat",
    .node = "RepeatBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g, summed over the copies",
    .forward = [](const Call& c) {
      const Dims& repeats = c.attrs<SizesAttrs>().sizes;
      const IntArrayRef have = c.x(0).sizes();
      const int fresh = repeats.n - static_cast<int>(have.size());
      Dims now;
      for (int d = 0; d < repeats.n; ++d) now.v[now.n++] = d < fresh ? 1 : have[static_cast<std::size_t>(d - fresh)];
      // One dim after the other, the innermost first: [before, rest] is copied as [before, repeats, rest].
      Tensor y = c.x(0).reshape(now);
      bool copied = false;
      for (int d = repeats.n; d-- > 0;) {
        const std::int64_t times = repeats.v[d];
        if (times == 1) continue;
        std::int64_t before = 1, rest = 1;
        for (int k = 0; k < now.n; ++k) (k < d ? before : rest) *= now.v[k];
        Tensor next = detail::empty_like_dtype(y.scalar_type(), {before, times, rest});
        next.copy_(y.reshape({before, 1, rest}));
        now.v[d] *= times;
        y = next.view(now);
        copied = true;
      }
      return copied ? y : y.clone();
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const Dims& repeats = s.attrs<SizesAttrs>().sizes;
      const IntArrayRef x = s.sizes(0);
      const int fresh = repeats.n - static_cast<int>(x.size());
      Tensor out = g;
      for (int d = 0; d < repeats.n; ++d) {
        if (repeats.v[d] == 1) continue;
        const std::int64_t n = d < fresh ? 1 : x[static_cast<std::size_t>(d - fresh)];
        if (repeats.v[d] == 0 || n == 0) return zeros(x, g.scalar_type());
        // [.., r n, ..] -> [r, n], summed over r; sizes before and after merge into one dim each
        Dims shape = detail::to_dims(out.sizes());
        std::int64_t before = 1, after = 1;
        for (int k = 0; k < shape.n; ++k) (k < d ? before : after) *= k == d ? 1 : shape.v[k];
        shape.v[d] = n;
        out = out.reshape({before, repeats.v[d], n, after}).sum({1}).reshape(shape);
      }
      return out.reshape(x);
    },
    .batch = [](const Batch& b) {
      const Dims& repeats = b.attrs<SizesAttrs>().sizes;
      return apply_with(b.op, SizesAttrs{detail::with_batch(1, repeats)}, detail::aligned(b.value(0), repeats.n));
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({3})}, SizesAttrs{{2, {2, 2}}});
      call({call.uniform({2, 3})}, SizesAttrs{{3, {2, 1, 3}}});
      call({call.uniform({2})}, SizesAttrs{{1, {0}}});
    },
};

}  // namespace

std::span<const Op* const> rearrange_ops() {
  static constexpr const Op* ops[] = {&flip_op, &roll_op, &rot90_op, &repeat_op};
  return ops;
}

Tensor flip(const Tensor& self, IntArrayRef dims) {
  detail::check_defined("flip", self);
  const DimList list = detail::wrap_dims("flip", self, dims);
  return apply_with(flip_op, self.dim() ? list : DimList{}, self);
}

Tensor roll(const Tensor& self, IntArrayRef shifts, IntArrayRef dims) {
  detail::check_defined("roll", self);
  CT_CHECK(!shifts.empty(), "roll: `shifts` required");
  CT_CHECK(shifts.size() == dims.size() || (dims.empty() && shifts.size() == 1), "roll: shifts and dimensions must align. shifts: ", shifts.size(),
           ", dims:", dims.size());
  CT_CHECK(dims.size() <= static_cast<std::size_t>(max_dims), "roll: at most ", max_dims, " dims, got ", dims.size());
  RollAttrs a;
  CT_CHECK_INDEX(self.dim() > 0 || dims.empty(), "roll: Dimension specified as ", dims.empty() ? 0 : dims[0], " but tensor has no dimensions");
  for (std::int64_t d : dims) a.dims.v[a.dims.n++] = static_cast<std::int8_t>(detail::wrap_dim(d, self.dim()));
  std::copy(shifts.begin(), shifts.end(), a.shifts);
  return apply_with(roll_op, a, self);
}

Tensor rot90(const Tensor& self, std::int64_t k, IntArrayRef dims) {
  detail::check_defined("rot90", self);
  CT_CHECK(dims.size() == 2, "rot90: expected total rotation dims == 2, but got dims = ", dims.size());
  CT_CHECK(self.dim() >= 2, "rot90: expected total dims >= 2, but got total dims = ", self.dim());
  const std::int64_t d0 = detail::wrap_dim(dims[0], self.dim()), d1 = detail::wrap_dim(dims[1], self.dim());
  CT_CHECK(d0 != d1, "rot90: expected rotation dims to be different, but got dim0 = ", dims[0], " and dim1 = ", dims[1]);
  return apply_with(rot90_op, Rot90Attrs{((k % 4) + 4) % 4, d0, d1}, self);
}

Tensor Tensor::repeat(IntArrayRef repeats) const {
  detail::check_defined("repeat", *this);
  CT_CHECK(static_cast<std::int64_t>(repeats.size()) >= dim(), "repeat: Number of dimensions of repeat dims can not be smaller than number of dimensions "
           "of tensor: ", repeats.size(), " < ", dim());
  CT_CHECK(repeats.size() <= static_cast<std::size_t>(max_dims), "repeat: at most ", max_dims, " dimensions, got ", repeats.size());
  Dims shape = detail::to_dims(repeats);
  const std::size_t fresh = repeats.size() - sizes().size();
  for (std::size_t d = 0; d < repeats.size(); ++d) {
    CT_CHECK(repeats[d] >= 0, "repeat: Trying to create tensor with negative dimension ", repeats[d], ": ", repeats);
    CT_CHECK(d < fresh || !__builtin_mul_overflow(shape.v[d], sizes()[d - fresh], &shape.v[d]), "repeat: sizes overflow with repeats ", repeats);
  }
  detail::checked_numel("repeat", shape, scalar_type());
  return apply_with(repeat_op, SizesAttrs{detail::to_dims(repeats)}, *this);
}
Tensor tile(const Tensor& self, IntArrayRef dims) {
  detail::check_defined("tile", self);
  if (static_cast<std::int64_t>(dims.size()) >= self.dim()) return self.repeat(dims);
  Dims all;
  all.n = static_cast<int>(self.dim());
  std::fill(all.v, all.v + all.n, 1);
  std::copy(dims.begin(), dims.end(), all.v + all.n - dims.size());
  return self.repeat(all);
}

Tensor repeat_interleave(const Tensor& self, const Tensor& repeats, std::optional<std::int64_t> dim) {
  for (const Tensor* t : {&self, &repeats}) detail::check_defined("repeat_interleave", *t);
  CT_CHECK(repeats.scalar_type() == kLong || repeats.scalar_type() == kInt, "repeat_interleave: repeats has to be Long or Int tensor, got ",
           repeats.scalar_type());
  CT_CHECK(repeats.dim() <= 1, "repeat_interleave: repeat_interleave only accept 0D or 1D repeats, got shape ", repeats.sizes());
  detail::refuse_batched("repeat_interleave", repeats, "How often each element is repeated must be the same for all entries");
  const Tensor x = dim ? self : self.flatten();
  const std::int64_t d = detail::wrap_dim(dim.value_or(0), x.dim()), n = x.dim() ? x.size(d) : 1;
  CT_CHECK(repeats.numel() == 1 || repeats.numel() == n, "repeat_interleave: repeats must have the same size as input along dim, but got repeats.size(0) = ",
           repeats.numel(), " and input.size(", d, ") = ", n);
  const Tensor counts = repeats.detach().to(kLong).contiguous();
  const auto* r = detail::data<std::int64_t>(counts);
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t count = r[repeats.numel() == 1 ? 0 : i];
    CT_CHECK(count >= 0, "repeat_interleave: repeats can not be negative, got ", count);
    CT_CHECK(count <= std::int64_t{1} << 48, "repeat_interleave: ", count, " repeats of one element do not fit into memory");
    index.insert(index.end(), static_cast<std::size_t>(count), i);
  }
  return index_select(x.dim() ? x : x.reshape({1}), d, tensor(index, kLong));
}
Tensor repeat_interleave(const Tensor& self, std::int64_t repeats, std::optional<std::int64_t> dim) {
  CT_CHECK(repeats >= 0, "repeat_interleave: Repeats must be non-negative, got ", repeats);
  return repeat_interleave(self, tensor({repeats}), dim);
}

}  // namespace ct
