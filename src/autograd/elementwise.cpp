// autograd/elementwise.cpp -- the forward of every elementwise op: promotion, broadcasting, the loop.
#include "autograd/elementwise.h"

#include <algorithm>

namespace ct::detail {

ScalarType promoted_dtype(const Tensor* const* in, int n) {
  // Each rank of operand only decides within a higher category: bool < integer < floating.
  ScalarType rank[3] = {ScalarType::Undefined, ScalarType::Undefined, ScalarType::Undefined};
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = impl(*in[i]);
    ScalarType dt = t->dtype;
    if (t->wrapped_number && dt == kDouble) dt = get_default_dtype();
    ScalarType& r = rank[t->wrapped_number ? 2 : t->ndim == 0 ? 1 : 0];
    r = r == ScalarType::Undefined ? dt : promote_types(r, dt);
  }
  auto category = [](ScalarType t) { return isFloatingType(t) ? 2 : t == kBool ? 0 : 1; };
  ScalarType result = rank[0];
  for (int k = 1; k < 3; ++k) {
    if (rank[k] == ScalarType::Undefined) continue;
    if (result == ScalarType::Undefined || category(rank[k]) > category(result)) result = rank[k];
  }
  return result;
}

void broadcast(Dims& a, IntArrayRef b, const char* op) {
  const int nb = static_cast<int>(b.size()), n = std::max(a.n, nb);
  std::int64_t out[max_dims];
  for (int i = 1; i <= n; ++i) {
    const std::int64_t x = i <= a.n ? a.v[a.n - i] : 1, y = i <= nb ? b[static_cast<std::size_t>(nb - i)] : 1;
    CT_CHECK(x == y || x == 1 || y == 1, op, ": The size of tensor a (", x, ") must match the size of tensor b (", y,
             ") at non-singleton dimension ", n - i, "\n  Shapes ", IntArrayRef(a), " and ", b,
             " do not broadcast: aligned at the right, sizes must be equal or 1.");
    out[n - i] = x == 1 ? y : x;
  }
  a.n = n;
  std::copy(out, out + n, a.v);
}

void operand_strides(const TensorImpl* t, const Dims& shape, std::int64_t* strides) {
  const std::int64_t size = elementSize(t->dtype);
  const int skip = shape.n - t->ndim;
  for (int d = 0; d < shape.n; ++d)
    strides[d] = d < skip || t->sizes()[d - skip] == 1 ? 0 : t->strides()[d - skip] * size;
}

namespace {

struct Plan {
  ScalarType compute, result;
  kernels::Loop loop;
};

const char* accepted(Dtypes d) {
  return d == Dtypes::floating ? "floating dtypes" : d == Dtypes::integral ? "integer and bool dtypes" : "numbers, not bools";
}

// Which loop runs, and what it returns.
Plan plan(const Op& op, const Tensor* const* in, int n) {
  const int first = op.promote == Promote::condition ? 1 : 0;
  Plan p;
  p.compute = impl(*in[first])->dtype;
  bool same = true;
  for (int i = first; i < n; ++i) same &= impl(*in[i])->dtype == p.compute && !impl(*in[i])->wrapped_number;
  if (!same) p.compute = promoted_dtype(in + first, n - first);
  if (op.promote == Promote::to_float && !isFloatingType(p.compute)) p.compute = get_default_dtype();
  p.result = op.promote == Promote::compare ? kBool : p.compute;
  const kernels::Kernel& k = op.kernel();
  p.loop = k[p.compute];
  if (!p.loop && isReducedFloatingType(p.compute)) {
    p.compute = kFloat;
    p.loop = k[kFloat];
  }
  const bool ok = p.loop && (op.dtypes == Dtypes::all || (op.dtypes == Dtypes::no_bool && p.compute != kBool) ||
                             (op.dtypes == Dtypes::floating && isFloatingType(p.compute)) ||
                             (op.dtypes == Dtypes::integral && isIntegralType(p.compute, true)));
  CT_CHECK_TYPE(ok, op.name, ": \"", op.name, "\" not implemented for '", p.compute, "'\n  It takes ", accepted(op.dtypes),
                "; convert with x.to(..) first.");
  return p;
}

// The dtype in which operand i must reach the loop.
ScalarType wanted(const Op& op, const Plan& p, const TensorImpl* t, int i) {
  if (op.promote == Promote::condition && i == 0) return kBool;
  if (t->dtype == p.compute) return p.compute;
  if (p.compute == kFloat && isReducedFloatingType(t->dtype)) return t->dtype;  // converted in blocks by the loop driver
  return p.compute;
}

// A one-element operand of another dtype, converted without a tensor.
struct Number { alignas(16) char bytes[16]; };

// Points operand k of s at input t, converting it if its dtype is not the one the loop reads.
void bind(kernels::Strided& s, int k, const TensorImpl* t, ScalarType want, const Dims& shape, Number& number, Tensor& converted) {
  if (t->dtype != want) {
    if (t->numel == 1) {
      char* args[2] = {number.bytes, t->data};
      const std::int64_t strides[2] = {elementSize(want), elementSize(t->dtype)};
      kernels::cast_loop(want, t->dtype)(args, strides, 1, nullptr);
      s.data[k] = number.bytes;
      s.dtype[k] = want;
      std::fill(s.strides[k], s.strides[k] + shape.n, 0);
      return;
    }
    Tensor source = Tensor::wrap(const_cast<TensorImpl*>(t));
    impl(source)->refs.inc();
    converted = source.to(want);
    t = impl(converted);
  }
  s.data[k] = t->data;
  s.dtype[k] = want;
  operand_strides(t, shape, s.strides[k]);
}

// Output strides like those of a dense, permuted input, so that x.t() + 1 runs along memory and keeps its layout.
Tensor output_like(ScalarType dtype, const Dims& shape, const Tensor* const* in, int n) {
  const TensorImpl* model = nullptr;
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = impl(*in[i]);
    if (t->ndim != shape.n || !std::equal(shape.v, shape.v + shape.n, t->sizes())) continue;
    if (t->contiguous) return empty_like_dtype(dtype, shape);
    if (!model) model = t;
  }
  if (!model) return empty_like_dtype(dtype, shape);
  int order[max_dims];
  for (int d = 0; d < shape.n; ++d) order[d] = d;
  std::stable_sort(order, order + shape.n, [&](int a, int b) { return model->strides()[a] > model->strides()[b]; });
  std::int64_t strides[max_dims], step = 1;
  for (int i = shape.n; i-- > 0;) {
    const int d = order[i];
    if (model->sizes()[d] != 1 && model->strides()[d] != step) return empty_like_dtype(dtype, shape);  // not dense
    strides[d] = step;
    step *= std::max<std::int64_t>(1, model->sizes()[d]);
  }
  Tensor out = empty_like_dtype(dtype, shape);
  set_geometry(impl(out), shape, {strides, static_cast<std::size_t>(shape.n)});
  return out;
}

void run(const Op& op, const Plan& p, const TensorImpl* out, const Dims& shape, const Tensor* const* in, int n, const Scalar* params) {
  kernels::Strided s;
  s.nargs = n + 1;
  s.ndim = shape.n;
  std::copy(shape.v, shape.v + shape.n, s.sizes);
  s.data[0] = out->data;
  s.dtype[0] = out->dtype;
  operand_strides(out, shape, s.strides[0]);
  Number numbers[kernels::max_args];
  Tensor converted[kernels::max_args];
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = impl(*in[i]);
    bind(s, i + 1, t, wanted(op, p, t, i), shape, numbers[i], converted[i]);
  }
  kernels::run(p.loop, p.compute, s, params);
}

}  // namespace

Tensor elementwise(const Op& op, const Tensor* const* in, int n, const void* attrs) {
  const Plan p = plan(op, in, n);
  const auto* params = static_cast<const Scalar*>(attrs);
  const TensorImpl* first = impl(*in[0]);
  // The common case: operands of one dtype and one contiguous shape need neither broadcasting nor strides.
  bool simple = p.compute == first->dtype && first->contiguous && op.promote != Promote::condition;
  for (int i = 1; simple && i < n; ++i) {
    const TensorImpl* t = impl(*in[i]);
    simple = t->dtype == p.compute && t->contiguous && t->ndim == first->ndim &&
             std::memcmp(t->sizes(), first->sizes(), first->ndim * sizeof(std::int64_t)) == 0;
  }
  if (simple) {
    TensorImpl* out = new_contiguous(p.result, first->sizes(), first->ndim, first->numel);
    char* data[kernels::max_args] = {out->data};
    std::int64_t strides[kernels::max_args] = {elementSize(p.result)};
    for (int i = 0; i < n; ++i) {
      data[i + 1] = impl(*in[i])->data;
      strides[i + 1] = elementSize(p.compute);
    }
    if (out->numel <= 1024) {
      p.loop(data, strides, out->numel, params);
      return Tensor::wrap(out);
    }
    kernels::Strided s;
    s.nargs = n + 1;
    s.ndim = 1;
    s.sizes[0] = out->numel;
    for (int k = 0; k <= n; ++k) {
      s.data[k] = data[k];
      s.strides[k][0] = strides[k];
      s.dtype[k] = k ? p.compute : p.result;
    }
    kernels::run(p.loop, p.compute, s, params);
    return Tensor::wrap(out);
  }
  Dims shape;
  shape.n = first->ndim;
  std::copy(first->sizes(), first->sizes() + first->ndim, shape.v);
  for (int i = 1; i < n; ++i) broadcast(shape, in[i]->sizes(), op.name);
  Plan q = p;
  if (op.promote != Promote::compare) {  // a half-precision op computed in Float still returns half precision
    const int skip = op.promote == Promote::condition;
    q.result = p.compute;
    if (p.compute == kFloat) {
      const ScalarType t = promoted_dtype(in + skip, n - skip);
      if (isReducedFloatingType(t)) q.result = t;
    }
  }
  Tensor out = output_like(q.result, shape, in, n);
  run(op, q, impl(out), shape, in, n, params);
  return out;
}

void elementwise_into(const Op& op, const Tensor& self, const Tensor* const* in, int n, const void* attrs) {
  const Plan p = plan(op, in, n);
  const TensorImpl* out = impl(self);
  Dims shape;
  for (int i = 0; i < n; ++i) broadcast(shape, in[i]->sizes(), op.name);
  CT_CHECK(self.sizes() == shape, op.name, ": output with shape ", self.sizes(), " doesn't match the broadcast shape ", IntArrayRef(shape),
           "\n  An in-place operation cannot change the shape of its tensor; use the out-of-place form.");
  ScalarType result = p.result;
  if (p.compute == kFloat && isReducedFloatingType(out->dtype)) result = out->dtype;
  CT_CHECK(can_cast(result, out->dtype), op.name, ": result type ", result, " can't be cast to the desired output type ", out->dtype,
           "\n  Convert the tensor first, or use the out-of-place form.");
  const auto* params = static_cast<const Scalar*>(attrs);
  const bool direct = out->dtype == p.result || (p.compute == kFloat && p.result == kFloat && isReducedFloatingType(out->dtype));
  // Reading and writing the same memory is fine element by element; a shifted overlap, or another dtype, goes through a copy.
  bool overlap = false;
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = impl(*in[i]);
    if (t->storage->owner() != out->storage->owner() || t == out) continue;
    const bool same = t->data == out->data && in[i]->sizes() == self.sizes() && in[i]->strides() == self.strides();
    overlap |= !same;
  }
  if (direct && !overlap) {
    run(op, p, out, shape, in, n, params);
    return;
  }
  Tensor temporary = empty_like_dtype(p.result, shape);
  run(op, p, impl(temporary), shape, in, n, params);
  kernels::Strided s;
  s.nargs = 2;
  s.ndim = shape.n;
  std::copy(shape.v, shape.v + shape.n, s.sizes);
  const TensorImpl* from = impl(temporary);
  s.data[0] = out->data, s.data[1] = from->data;
  s.dtype[0] = out->dtype, s.dtype[1] = from->dtype;
  operand_strides(out, shape, s.strides[0]);
  operand_strides(from, shape, s.strides[1]);
  kernels::run(kernels::cast_loop(out->dtype, from->dtype), ScalarType::Undefined, s, nullptr);
}

}  // namespace ct::detail
