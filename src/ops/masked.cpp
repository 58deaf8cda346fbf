// ops/masked.cpp -- elements that a mask names: masked_fill, masked_select, masked_scatter, nonzero.
#include <vector>

#include "autograd/layers.h"
#include "core/parallel.h"
#include "ops/batching.h"
#include "ops/index_places.h"
#include "ops/op_list.h"

namespace ct {

using detail::Dims;
using detail::impl;
using detail::TensorImpl;
using detail::ValueAttrs;

Tensor detail::true_positions(const Tensor& x) {
  refuse_batched("nonzero", x, "where(mask, x, 0) keeps the shape and needs no positions; masks that are not mapped may be used");
  const Tensor mask = x.detach().to(kBool).contiguous();
  const std::int64_t n = mask.numel(), blocks = (n + kernels::mask_block - 1) / kernels::mask_block;
  std::vector<std::int64_t> starts(static_cast<std::size_t>(blocks));
  kernels::count_true(impl(mask)->data, n, starts.data());
  std::int64_t total = 0;
  for (std::int64_t& s : starts) {
    const std::int64_t count = s;
    s = total;
    total += count;
  }
  Tensor out = empty_like_dtype(kLong, {total});
  kernels::write_true(impl(mask)->data, n, starts.data(), data<std::int64_t>(out));
  return out;
}

namespace {

void check_mask(const char* op, const Tensor& mask) {
  CT_CHECK(mask.scalar_type() == kBool, op, ": ", op, " only supports boolean masks, but got mask with dtype ", mask.scalar_type(),
           "\n  A comparison makes one, e.g. x > 0; or convert with mask.to(ct::kBool).");
}

// out = mask ? value : x, where out has the shape of all.
void fill_where(const Tensor& out, const Tensor& x, const Tensor& mask, const Tensor& value) {
  const Dims shape = detail::to_dims(out.sizes());
  kernels::Strided s;
  s.nargs = 4;
  s.ndim = shape.n;
  std::copy(shape.v, shape.v + shape.n, s.sizes);
  const TensorImpl* operands[] = {impl(out), impl(x), impl(mask), impl(value)};
  for (int k = 0; k < 4; ++k) {
    s.data[k] = operands[k]->data;
    s.dtype[k] = operands[k]->dtype;
    detail::operand_strides(operands[k], shape, s.strides[k]);
  }
  kernels::run(kernels::masked_fill_loop(static_cast<int>(out.element_size())), ScalarType::Undefined, s, nullptr);
}

Tensor filled(const char* op, const Tensor& x, const Tensor& mask, const Tensor& value) {
  check_mask(op, mask);
  Dims shape = detail::to_dims(x.sizes());
  detail::broadcast(shape, mask.sizes(), op);
  Tensor out = x.sizes() == shape ? empty_like(x) : detail::empty_like_dtype(x.scalar_type(), shape);
  fill_where(out, x, mask, value);
  return out;
}

void fill_into(const char* op, const Tensor& self, const Tensor& mask, const Tensor& value) {
  check_mask(op, mask);
  Dims shape = detail::to_dims(self.sizes());
  detail::broadcast(shape, mask.sizes(), op);
  CT_CHECK(self.sizes() == shape, op, ": output with shape ", self.sizes(), " doesn't match the broadcast shape ", IntArrayRef(shape));
  fill_where(self, self, detail::apart_from(mask, self), value);
}

Tensor value_of(const Call& c) { return detail::number_as("masked_fill", c.attrs<ValueAttrs>().value, c.x(0).scalar_type()); }

// y = mask ? value : x
constexpr Op masked_fill_op{
    .name = "masked_fill",
    .node = "MaskedFillBackward0",
    .formula = "dx = g, 0 under the mask",
    .forward = [](const Call& c) { return filled("masked_fill", c.x(0), c.x(1), value_of(c)); },
    .inplace = [](const Call& c, const Tensor& self) { fill_into("masked_fill_", self, c.x(1), value_of(c)); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return masked_fill(g, s.x(1), 0); },
    .jvp = [](const Tensor* t, const Saved& s) { return masked_fill(t[0], s.x(1), 0); },
    .batch = [](const Batch& b) {
      const std::int64_t dims = std::max(b.dim(0), b.dim(1));
      return masked_fill(detail::broadcastable(b, 0, dims), detail::broadcastable(b, 1, dims), b.attrs<ValueAttrs>().value);
    },
    .save = {X(1)},
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3}), tensor({{true, false, true}, {false, true, false}})}, ValueAttrs{1.5});
      call({call.uniform({2, 3}), tensor({true, false, true})}, ValueAttrs{-1});
      call({call.uniform({3}), tensor({{true, false, true}, {false, true, false}})}, ValueAttrs{0});
    },
};

void check_castable(const Tensor& value, const Tensor& x) {
  CT_CHECK(can_cast(value.scalar_type(), x.scalar_type()), "masked_fill: value cannot be converted: result type ", value.scalar_type(),
           " can't be cast to the desired output type ", x.scalar_type());
}
Tensor value_for(const Call& c) {
  const Tensor& v = c.x(1);
  check_castable(v, c.x(0));
  return v.detach().to(c.x(0).scalar_type(), false, v.is_alias_of(c.x(0)));
}

// The same with a 0-dim tensor as value.
constexpr Op masked_fill_tensor_op{
    .name = "masked_fill.Tensor",
    .node = "MaskedFillBackward1",
    .formula = "dx = g, 0 under the mask; dvalue = sum of g under the mask",
    .forward = [](const Call& c) { return filled("masked_fill", c.x(0), c.x(2), value_for(c)); },
    .inplace = [](const Call& c, const Tensor& self) { fill_into("masked_fill_", self, c.x(2), value_for(c)); },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? masked_fill(g, s.x(2), 0) : masked_fill(g, logical_not(s.x(2)), 0).sum();
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const Tensor x = t[0].defined() ? t[0] : zeros_like(s.x(0));
      return t[1].defined() ? masked_fill(x, s.x(2), t[1]) : masked_fill(x, s.x(2), 0);
    },
    .batch = [](const Batch& b) {
      const std::int64_t dims = std::max(b.dim(0), b.dim(2));
      const Tensor x = detail::broadcastable(b, 0, dims), mask = detail::broadcastable(b, 2, dims);
      const Tensor& value = b.value(1);
      if (!b.batched(1)) return masked_fill(x, mask, value);
      check_mask("masked_fill", mask);
      check_castable(value, x);
      return where(mask, detail::aligned(value, dims).to(x.scalar_type()), x);
    },
    .save = {X(2), X(2)},
    .nondiff = 1u << 2,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3}), call.uniform({}), tensor({{true, false, true}, {false, true, false}})});
    },
};

// y = x[mask], after broadcasting both
constexpr Op masked_select_op{
    .name = "masked_select",
    .node = "MaskedSelectBackward0",
    .kind = OpKind::linear,
    .formula = "dx = g under the mask, 0 elsewhere",
    .forward = [](const Call& c) {
      check_mask("masked_select", c.x(1));
      Dims shape = detail::to_dims(c.x(0).sizes());
      detail::broadcast(shape, c.x(1).sizes(), "masked_select");
      const TensorImpl* x = impl(c.x(0));
      const Tensor positions = detail::true_positions(c.x(1).sizes() == shape ? c.x(1) : c.x(1).expand(shape));
      std::int64_t strides[max_dims];
      detail::operand_strides(x, shape, strides);
      kernels::Walk walk;
      for (int d = 0; d < shape.n; ++d) walk.add(shape.v[d], strides[d]);
      auto* o = detail::data<std::int64_t>(positions);  // from here on: offsets in bytes
      const std::int64_t n = positions.numel();
      detail::parallel_for(n, detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t j = begin; j < end; ++j) o[j] = walk.offset(o[j]);
      });
      kernels::Places p;
      p.data = x->data;
      p.element_size = static_cast<int>(elementSize(x->dtype));
      p.offsets = o;
      p.n = n;
      Tensor out = detail::empty_like_dtype(x->dtype, {n});
      kernels::read_places(impl(out)->data, p);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      Dims shape = detail::to_dims(s.sizes(0));
      detail::broadcast(shape, s.x(1).sizes(), "masked_select");
      return g.new_zeros(shape).masked_scatter_(s.x(1), g);  // the engine undoes the broadcast of x
    },
    .batch = [](const Batch& b) {
      check_mask("masked_select", b.value(1));
      CT_CHECK(!b.batched(1), "vmap: data-dependent shape: masked_select gives each entry of the batch as many elements as its own mask has\n  "
               "Use where(mask, x, 0), which keeps the shape, or a mask that is not mapped.");
      Dims shape = detail::to_dims(b.sizes(0));
      detail::broadcast(shape, b.value(1).sizes(), "masked_select");
      const Tensor positions = detail::true_positions(b.value(1).expand(shape));
      std::int64_t n = 1;
      for (int d = 0; d < shape.n; ++d) n *= shape.v[d];
      return index_select(detail::aligned(b.value(0), shape.n).expand(detail::with_batch(b.size, shape)).reshape({b.size, n}), 1, positions);
    },
    .save = {X(1)},
    .save_shapes = true,
    .nondiff = 1u << 1,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3}), tensor({{true, false, true}, {false, true, false}})});
      call({call.uniform({3}), tensor({{true, false, true}, {false, true, true}})});
      call({call.uniform({2, 3}), tensor({false, true, true})});
    },
};

std::int64_t count(IntArrayRef sizes) {
  std::int64_t n = 1;
  for (std::int64_t d : sizes) n *= d;
  return n;
}

// Of each row of a stack of masks [n, m]: which element of the source a true element takes.
Tensor source_places(const Tensor& mask) { return clamp_min(cumsum(mask, 1) - 1, 0); }

// self[mask] = the first elements of source
constexpr Op masked_scatter_op{
    .name = "masked_scatter",
    .node = "MaskedScatterBackward0",
    .formula = "dself = g, 0 under the mask; dsource = g under the mask, then zeros",
    .inplace = [](const Call& c, const Tensor& self) {
      const Tensor &source = c.x(1), &mask = c.x(2);
      check_mask("masked_scatter", mask);
      CT_CHECK(self.scalar_type() == source.scalar_type(), "masked_scatter: expected self and source to have same dtypes but got ",
               self.scalar_type(), " and ", source.scalar_type());
      Dims shape = detail::to_dims(self.sizes());
      detail::broadcast(shape, mask.sizes(), "masked_scatter");
      CT_CHECK(self.sizes() == shape, "masked_scatter: output with shape ", self.sizes(), " doesn't match the broadcast shape ", IntArrayRef(shape));
      const Tensor positions = detail::true_positions(mask.sizes() == shape ? mask : mask.expand(shape));
      const std::int64_t n = positions.numel();
      CT_CHECK(n <= source.numel(), "masked_scatter: Number of elements of source < number of ones in mask: ", source.numel(), " < ", n);
      const Tensor dense = detail::apart_from(source, self).contiguous();
      kernels::Walk walk;
      kernels::Places p;
      p.data = impl(self)->data;
      p.element_size = static_cast<int>(self.element_size());
      for (std::int64_t d = 0; d < self.dim(); ++d) walk.add(self.size(d), self.stride(d) * p.element_size);
      auto* o = detail::data<std::int64_t>(positions);
      detail::parallel_for(n, detail::elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t j = begin; j < end; ++j) o[j] = walk.offset(o[j]);
      });
      p.offsets = o;
      p.n = n;
      kernels::write_places(p, impl(dense)->data);
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return masked_fill(g, s.x(2), 0);
      if (detail::is_batched(s.x(2))) {  // how many there are must not matter
        const Tensor mask = s.x(2).expand(g.sizes()).reshape({1, -1}), none = g.new_zeros({1, count(s.sizes(1))});
        return scatter_add(none, 1, source_places(mask), masked_fill(g.reshape({1, -1}), logical_not(mask), 0)).reshape(s.sizes(1));
      }
      Tensor part = masked_select(g, s.x(2));
      const std::int64_t n = count(s.sizes(1));
      if (n > part.numel()) part = cat({part, zeros({n - part.numel()}, g.scalar_type())}, 0);
      return part.view(s.sizes(1));
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      return masked_scatter(t[0].defined() ? t[0] : zeros_like(s.x(0)), s.x(2), t[1].defined() ? t[1] : zeros_like(s.x(1)));
    },
    .batch = [](const Batch& b) {
      check_mask("masked_scatter", b.value(2));
      CT_CHECK(b.value(0).scalar_type() == b.value(1).scalar_type(), "masked_scatter: expected self and source to have same dtypes but got ",
               b.value(0).scalar_type(), " and ", b.value(1).scalar_type());
      const std::vector<std::int64_t> shape = b.with_batch(b.sizes(0));
      const Tensor self = b.x(0), source = b.x(1).flatten(1), mask = detail::broadcastable(b, 2, b.dim(0)).expand(shape);
      if (self.numel() == 0 || source.numel() == 0) return self.clone();
      return where(mask, gather(source, 1, source_places(mask.flatten(1))).reshape(shape), self);
    },
    .save = {X(2), X(2)},
    .save_shapes = true,
    .nondiff = 1u << 2,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3}), call.uniform({4}), tensor({{true, false, true}, {false, true, false}})});
      call({call.uniform({2, 3}), call.uniform({2, 2}), tensor({true, false, true})});
    },
};

}  // namespace

std::span<const Op* const> masked_ops() {
  static constexpr const Op* ops[] = {&masked_fill_op, &masked_fill_tensor_op, &masked_select_op, &masked_scatter_op};
  return ops;
}

namespace {
void check_value(const Tensor& value) {
  detail::check_defined("masked_fill", value);
  CT_CHECK(value.dim() == 0, "masked_fill: masked_fill only supports a 0-dimensional value tensor, but got tensor with ", value.dim(), " dimension(s).");
}
}  // namespace

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Scalar& value) {
  for (const Tensor* t : {&self, &mask}) detail::check_defined("masked_fill", *t);
  return apply_with(masked_fill_op, ValueAttrs{value}, self, mask);
}
Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value) {
  for (const Tensor* t : {&self, &mask}) detail::check_defined("masked_fill", *t);
  check_value(value);
  return apply(masked_fill_tensor_op, self, value, mask);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Scalar& value) const {
  for (const Tensor* t : {this, &mask}) detail::check_defined("masked_fill_", *t);
  return apply_inplace(masked_fill_op, ValueAttrs{value}, *this, mask);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Tensor& value) const {
  for (const Tensor* t : {this, &mask}) detail::check_defined("masked_fill_", *t);
  check_value(value);
  return apply_inplace(masked_fill_tensor_op, NoAttrs{}, *this, value, mask);
}
Tensor masked_select(const Tensor& self, const Tensor& mask) {
  for (const Tensor* t : {&self, &mask}) detail::check_defined("masked_select", *t);
  return apply(masked_select_op, self, mask);
}
Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  for (const Tensor* t : {&self, &mask, &source}) detail::check_defined("masked_scatter", *t);
  Dims shape = detail::to_dims(self.sizes());
  detail::broadcast(shape, mask.sizes(), "masked_scatter");
  return apply(masked_scatter_op, self.sizes() == shape ? self : self.expand(shape), source, mask);
}
Tensor& Tensor::masked_scatter_(const Tensor& mask, const Tensor& source) const {
  for (const Tensor* t : {this, &mask, &source}) detail::check_defined("masked_scatter_", *t);
  return apply_inplace(masked_scatter_op, NoAttrs{}, *this, source, mask);
}

Tensor nonzero(const Tensor& self) {
  detail::check_defined("nonzero", self);
  const Tensor positions = detail::true_positions(self);
  const std::int64_t n = positions.numel(), dims = self.dim();
  Tensor out = detail::empty_like_dtype(kLong, {n, dims});
  const auto* from = detail::data<std::int64_t>(positions);
  auto* to = detail::data<std::int64_t>(out);
  const std::int64_t* sizes = impl(self)->sizes();
  detail::parallel_for(n, detail::elementwise_grain / 4, [=](std::int64_t begin, std::int64_t end) {
    // Positions rise: the outer coordinates stay as they are until the row of the last dim ends.
    std::int64_t row_begin = 0, row_end = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t* at = to + i * dims;
      if (dims > 0 && i > begin && from[i] < row_end) {
        for (std::int64_t d = 0; d + 1 < dims; ++d) at[d] = at[d - dims];
        at[dims - 1] = from[i] - row_begin;
        continue;
      }
      std::int64_t rest = from[i];
      for (std::int64_t d = dims; d-- > 0; rest /= sizes[d]) at[d] = rest % sizes[d];
      if (dims > 0) row_begin = from[i] - at[dims - 1], row_end = row_begin + sizes[dims - 1];
    }
  });
  return out;
}
std::vector<Tensor> where(const Tensor& condition) {
  detail::check_defined("where", condition);
  return unbind(nonzero(condition.dim() == 0 ? condition.unsqueeze(0) : condition), 1);
}

}  // namespace ct
