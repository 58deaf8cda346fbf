// ops/matmul.cpp -- products of matrices and vectors: the ops that reach a kernel.
#include "autograd/autocast.h"
#include "core/parallel.h"
#include "kernels/gemm.h"
#include "ops/linalg.h"
#include "ops/op_list.h"
#include "ops/product_dtypes.h"
#include "ops/rules.h"

namespace ct {

using detail::impl;
using detail::ScalarAttrs;

namespace {

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  CT_CHECK_TYPE(a.scalar_type() == b.scalar_type() || detail::autocast_unites(a.scalar_type(), b.scalar_type()), op, ": expected scalar type ", a.scalar_type(), " but found ", b.scalar_type(),
                "\n  Products do not promote dtypes as + and * do; convert one operand with x.to(..).");
  CT_CHECK_TYPE(a.scalar_type() != kBool, op, ": \"", op, "\" not implemented for 'Bool'\n  Convert to a number dtype first, e.g. x.to(ct::kFloat).");
}

void check_dim(const char* op, const char* name, const Tensor& x, std::int64_t dim, const char* what) {
  CT_CHECK(x.dim() == dim, op, ": ", name, " must be a ", what, ", got a ", x.dim(), "-D tensor of size ", x.sizes());
}

// The dtype of the loop: half precision is computed in float32 and rounded once.
ScalarType compute_dtype(const Tensor& x) { return isReducedFloatingType(x.scalar_type()) ? kFloat : x.scalar_type(); }

// x as the kernel wants it: in its dtype, and copied if BLAS could not read it where it lies. `keep` holds what was made.
const detail::TensorImpl* operand(const Tensor& x, Tensor& keep, std::int64_t m, std::int64_t n, std::int64_t k) {
  const detail::TensorImpl* t = impl(x);
  if (isReducedFloatingType(t->dtype)) t = impl(keep = x.to(kFloat));
  const std::int64_t *size = t->sizes() + t->ndim - 2, *stride = t->strides() + t->ndim - 2;
  if (!kernels::gemm_reads(m, n, k, size[0], size[1], stride[0], stride[1])) t = impl(keep = (keep.defined() ? keep : x).contiguous());
  return t;
}

template <class T>
T* elements(const detail::TensorImpl* t) { return reinterpret_cast<T*>(t->data); }

// out = beta out + alpha a b, for a [.., m, k], b [.., k, n] and a contiguous out [.., m, n] with one batch dimension or none.
void product_into(const Tensor& out, const Tensor& a_in, const Tensor& b_in, const Scalar& beta = 0, const Scalar& alpha = 1) {
  const int d = impl(a_in)->ndim;
  const std::int64_t m = impl(a_in)->sizes()[d - 2], k = impl(a_in)->sizes()[d - 1], n = impl(b_in)->sizes()[d - 1];
  Tensor keep[2];
  const detail::TensorImpl *a = operand(a_in, keep[0], m, n, k), *b = operand(b_in, keep[1], m, n, k);
  const std::int64_t *as = a->strides() + d - 2, *bs = b->strides() + d - 2;
  detail::with_product_dtype(impl(out)->dtype, [&]<class T>(T) {
    const kernels::Gemm<T> p{m, n, k, alpha.to<T>(), elements<T>(a), as[0], as[1], elements<T>(b), bs[0], bs[1], beta.to<T>(), elements<T>(impl(out)), n};
    if (d == 2) kernels::gemm(p);
    else kernels::batched_gemm(p, a->sizes()[0], as[-1], bs[-1], m * n);
  });
}

// out = beta out + alpha a x, for a [m, n], x [n] and a contiguous out [m].
void mv_into(const Tensor& out, const Tensor& a_in, const Tensor& x_in, const Scalar& beta = 0, const Scalar& alpha = 1) {
  const std::int64_t m = impl(a_in)->sizes()[0], n = impl(a_in)->sizes()[1];
  Tensor keep[2];
  const detail::TensorImpl *a = operand(a_in, keep[0], m, n, 1), *x = impl(x_in);
  if (isReducedFloatingType(x->dtype)) x = impl(keep[1] = x_in.to(kFloat));
  detail::with_product_dtype(impl(out)->dtype, [&]<class T>(T) {
    kernels::gemv<T>(m, n, alpha.to<T>(), elements<T>(a), a->strides()[0], a->strides()[1], elements<T>(x), x->strides()[0], beta.to<T>(),
                     elements<T>(impl(out)));
  });
}

void check_mm_shapes(const char* op, const Tensor& a, const Tensor& b) {
  CT_CHECK(a.sizes()[1] == b.sizes()[0], op, ": mat1 and mat2 shapes cannot be multiplied (", a.sizes()[0], "x", a.sizes()[1], " and ", b.sizes()[0],
           "x", b.sizes()[1], ")\n  The inner sizes ", a.sizes()[1], " and ", b.sizes()[0], " must be equal",
           a.sizes()[1] == b.sizes()[1] ? "; the second matrix transposed, b.t(), would fit." : ".");
}

// ---- batches: products of what has a batch dimension first and what has none, by as few calls of a kernel as possible ----

struct Each {
  Tensor x;
  bool batched;
};
Each each(const Batch& b, int i) { return {b.value(i), b.batched(i)}; }

// [B, m, k] -> [B m, k]
Tensor rows(const Tensor& x) { return x.reshape({x.size(0) * x.size(1), x.size(2)}); }

Tensor mm_each(const Each& a, const Each& b) {
  if (a.batched && b.batched) return bmm(a.x, b.x);
  if (!a.batched && !b.batched) return mm(a.x, b.x);
  if (a.batched) return mm(rows(a.x), b.x).view({a.x.size(0), a.x.size(1), b.x.size(1)});
  // a b_i = (b_i^T a^T)^T, of all entries at once where products are small.
  const std::int64_t batch = b.x.size(0), m = a.x.size(0), k = b.x.size(1), n = b.x.size(2);
  if (m * k * n > 32 * 32 * 32 && n > 1) return bmm(a.x.unsqueeze(0).expand({batch, m, k}), b.x);
  return mm(rows(b.x.mT()), a.x.t()).view({batch, n, m}).mT().contiguous();
}

Tensor mv_each(const Each& a, const Each& x) {
  if (a.batched && x.batched) return bmm(a.x, x.x.unsqueeze(2)).squeeze(2);
  if (!a.batched && !x.batched) return mv(a.x, x.x);
  return a.batched ? mv(rows(a.x), x.x).view({a.x.size(0), a.x.size(1)}) : mm(x.x, a.x.t());
}

Tensor dot_each(const Batch& b) {
  const Tensor &x = b.value(0), &y = b.value(1);
  if (!b.batched(0)) return mv(y, x);
  if (!b.batched(1)) return mv(x, y);
  if (x.scalar_type() == kFloat || x.scalar_type() == kDouble) return (x * y).sum(1);
  return bmm(x.unsqueeze(1), y.unsqueeze(2)).view({b.size});
}

Tensor bmm_each(const Each& a, const Each& b) {
  if (!a.batched && !b.batched) return bmm(a.x, b.x);
  if (a.batched && b.batched) {
    const std::int64_t batch = a.x.size(0), n = a.x.size(1);
    return bmm(a.x.flatten(0, 1), b.x.flatten(0, 1)).view({batch, n, a.x.size(2), b.x.size(3)});
  }
  if (a.batched) {  // [B, b, m, k] -> [b, B m, k]
    const std::int64_t batch = a.x.size(0), n = a.x.size(1), m = a.x.size(2);
    return bmm(a.x.transpose(0, 1).flatten(1, 2), b.x).view({n, batch, m, b.x.size(2)}).transpose(0, 1).contiguous();
  }
  // [B, b, k, n] -> [b, k, B n]
  const std::int64_t batch = b.x.size(0), n = b.x.size(1), columns = b.x.size(3);
  return bmm(a.x, b.x.permute({1, 2, 0, 3}).flatten(2, 3)).view({n, a.x.size(1), batch, columns}).permute({2, 0, 1, 3}).contiguous();
}

// Whether a matrix lies in memory column by column, as w.t() does. Its gradient is then made in the same layout, so that
// that of w is dense again: an optimizer reads it as it lies.
bool by_columns(const Tensor& x) {
  const detail::TensorImpl* t = impl(x);
  return t->strides()[0] == 1 && t->strides()[1] >= t->sizes()[0] && t->sizes()[0] > 1 && t->sizes()[1] > 1;
}
// a^T g in that layout: [k, m] x [m, n] -> [k, n]
Tensor second_gradient(const Tensor& a, const Tensor& g, bool columns) { return columns ? mm(g.t(), a).t() : mm(a.t(), g); }

struct MmAttrs {
  bool columns = false;  // of the second matrix
};

// y = a b
constexpr Op mm_op{
    .name = "mm",
    .node = "MmBackward0",
    .kind = OpKind::multilinear,
    .formula = "dx0 = g x1^T; dx1 = x0^T g",
    .forward = [](const Call& c) {
      const Tensor &a = c.x(0), &b = c.x(1);
      const ScalarType dtype = a.scalar_type();
      Tensor out = detail::empty_like_dtype(compute_dtype(a), {a.sizes()[0], b.sizes()[1]});
      product_into(out, a, b);
      return isReducedFloatingType(dtype) ? out.to(dtype) : out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? mm(g, s.x(1).t()) : second_gradient(s.x(0), g, s.attrs<MmAttrs>().columns);  // [m, n] x [n, k] -> [m, k]
    },
    .batch = [](const Batch& b) { return mm_each(each(b, 0), each(b, 1)); },
    .save = {X(1), X(0)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({4, 5})}, MmAttrs{});
      call({call.uniform({3, 4}), call.uniform({4, 5})}, MmAttrs{true});
      call({call.uniform({1, 1}), call.uniform({1, 3})}, MmAttrs{});
      call({call.uniform({40, 37}), call.uniform({37, 33})}, MmAttrs{});  // large enough for BLAS
      call({call.uniform({2, 0}), call.uniform({0, 3})}, MmAttrs{});
      call({call.uniform({0, 2}), call.uniform({2, 3})}, MmAttrs{});
    },
};

// y_i = sum_j a_ij x_j
constexpr Op mv_op{
    .name = "mv",
    .node = "MvBackward0",
    .kind = OpKind::multilinear,
    .formula = "dx0 = outer(g, x1); dx1 = x0^T g",
    .forward = [](const Call& c) {
      const ScalarType dtype = c.x(0).scalar_type();
      Tensor out = detail::empty_like_dtype(compute_dtype(c.x(0)), {c.x(0).sizes()[0]});
      mv_into(out, c.x(0), c.x(1));
      return isReducedFloatingType(dtype) ? out.to(dtype) : out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return arg == 0 ? outer(g, s.x(1)) : mv(s.x(0).t(), g); },
    .batch = [](const Batch& b) { return mv_each(each(b, 0), each(b, 1)); },
    .save = {X(1), X(0)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 4}), call.uniform({4})});
      call({call.uniform({200, 190}), call.uniform({190})});
      call({call.uniform({3, 0}), call.uniform({0})});
    },
};

Tensor dot_forward(const Call& c) {
  const ScalarType dtype = c.x(0).scalar_type();
  const Tensor x = c.x(0).to(compute_dtype(c.x(0))), y = c.x(1).to(x.scalar_type());
  Tensor out = detail::empty_like_dtype(x.scalar_type(), {});
  detail::with_product_dtype(x.scalar_type(), [&]<class T>(T) {
    *detail::data<T>(out) = kernels::dot<T>(x.numel(), detail::data<T>(x), x.stride(0), detail::data<T>(y), y.stride(0));
  });
  return isReducedFloatingType(dtype) ? out.to(dtype) : out;
}

// y = sum_i x0_i x1_i
constexpr Op dot_op{
    .name = "dot",
    .node = "DotBackward0",
    .kind = OpKind::multilinear,
    .formula = "dx0 = g * x1; dx1 = g * x0",
    .forward = dot_forward,
    .vjp = [](const Tensor& g, const Saved& s, int arg) { return g * s.x(1 - arg); },
    .batch = dot_each,
    .save = {X(1), X(0)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({5}), call.uniform({5})});
      call({call.uniform({150}), call.uniform({150})});
      call({call.uniform({0}), call.uniform({0})});
    },
};
constexpr Op vdot_op{  // the same without complex numbers, under its own name
    .name = "vdot",
    .node = "VdotBackward0",
    .kind = OpKind::multilinear,
    .formula = dot_op.formula,
    .forward = dot_forward,
    .vjp = dot_op.vjp,
    .batch = dot_each,
    .save = {X(1), X(0)},
    .dtypes = Dtypes::no_bool,
    .samples = dot_op.samples,
};

// y_b = a_b x_b for each b
constexpr Op bmm_op{
    .name = "bmm",
    .node = "BmmBackward0",
    .kind = OpKind::multilinear,
    .formula = "dx0 = g x1^T; dx1 = x0^T g, for each matrix of the batch",
    .forward = [](const Call& c) {
      const Tensor &a = c.x(0), &b = c.x(1);
      Tensor out = detail::empty_like_dtype(compute_dtype(a), {a.sizes()[0], a.sizes()[1], b.sizes()[2]});
      product_into(out, a, b);
      return out.to(a.scalar_type());
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      return arg == 0 ? bmm(g, s.x(1).transpose(1, 2))   // [b, m, n] x [b, n, k] -> [b, m, k]
                      : bmm(s.x(0).transpose(1, 2), g);  // [b, k, m] x [b, m, n] -> [b, k, n]
    },
    .batch = [](const Batch& b) { return bmm_each(each(b, 0), each(b, 1)); },
    .save = {X(1), X(0)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3, 4}), call.uniform({2, 4, 5})});
      call({call.uniform({3, 34, 35}), call.uniform({3, 35, 36})});
      call({call.uniform({0, 3, 4}), call.uniform({0, 4, 5})});
      call({call.uniform({2, 3, 0}), call.uniform({2, 0, 5})});
    },
};

// ---- with a term added: y = beta x0 + alpha x1 x2 -------------------------------------------------------------------

const Scalar& beta_of(const ScalarAttrs& a) { return a.s[0]; }
const Scalar& alpha_of(const ScalarAttrs& a) { return a.s[1]; }
const Scalar& beta_of(const Saved& s) { return s.attrs<ScalarAttrs>().s[0]; }
const Scalar& alpha_of(const Saved& s) { return s.attrs<ScalarAttrs>().s[1]; }
Tensor times(const Tensor& x, const Scalar& a) { return a.equal(1) ? x : x * a; }

// A new tensor holding the added term, repeated to the shape of the result; unset if beta is 0.
Tensor start(const Call& c, IntArrayRef sizes) {
  const Tensor& self = c.x(0);
  Tensor out = detail::empty_like_dtype(compute_dtype(self), sizes);
  if (!beta_of(c.attrs<ScalarAttrs>()).equal(0)) out.copy_(self.expand(sizes));
  return out;
}

// beta x0 + alpha product, for a product whose entries have `dim` dimensions.
Tensor with_term(const Batch& b, std::int64_t dim, const Tensor& product) {
  const auto& a = b.attrs<ScalarAttrs>();
  const Tensor p = times(product, alpha_of(a));
  if (beta_of(a).equal(0)) return b.batched(1) || b.batched(2) ? p : p.expand(b.with_batch(p.sizes()));
  return times(detail::broadcastable(b, 0, dim), beta_of(a)) + p;
}

// beta t0 + alpha (t1 x2 + x1 t2)
Tensor tangent_with_term(const Tensor* t, const Saved& s, Tensor (*product)(const Tensor&, const Tensor&)) {
  Tensor y;
  if (t[1].defined()) y = product(t[1], s.x(2));
  if (t[2].defined()) y = y.defined() ? y + product(s.x(1), t[2]) : product(s.x(1), t[2]);
  if (y.defined()) y = times(y, alpha_of(s));
  if (!t[0].defined()) return y;
  return y.defined() ? times(t[0], beta_of(s)) + y : times(t[0], beta_of(s));
}

constexpr Op addmm_op{
    .name = "addmm",
    .node = "AddmmBackward0",
    .formula = "dx0 = beta * g; dx1 = alpha * g x2^T; dx2 = alpha * x1^T g",
    .forward = [](const Call& c) {
      const auto& p = c.attrs<ScalarAttrs>();
      Tensor out = start(c, {c.x(1).sizes()[0], c.x(2).sizes()[1]});
      product_into(out, c.x(1), c.x(2), beta_of(p), alpha_of(p));
      return out.to(c.x(0).scalar_type());
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return times(g, beta_of(s));
      const Scalar& columns = s.attrs<ScalarAttrs>().s[2];
      return times(arg == 1 ? mm(g, s.x(2).t()) : second_gradient(s.x(1), g, columns.isBoolean() && columns.toBool()), alpha_of(s));
    },
    .jvp = [](const Tensor* t, const Saved& s) { return tangent_with_term(t, s, mm); },
    .batch = [](const Batch& b) {
      const Each m1 = each(b, 1), m2 = each(b, 2);
      const Scalar &beta = beta_of(b.attrs<ScalarAttrs>()), &alpha = alpha_of(b.attrs<ScalarAttrs>());
      if (!b.batched(0) && b.dim(0) <= 1 && m1.batched && !m2.batched)  // the rows of all entries, one below the other
        return addmm(b.value(0), rows(m1.x), m2.x, beta, alpha).view({b.size, m1.x.size(1), m2.x.size(1)});
      if (m1.batched && m2.batched) return baddbmm(detail::broadcastable(b, 0, 2), m1.x, m2.x, beta, alpha);
      return with_term(b, 2, mm_each(m1, m2));
    },
    .save = {0, X(2), X(1)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({3, 5}), call.uniform({3, 4}), call.uniform({4, 5})}, ScalarAttrs{{1, 1}});
      call({call.uniform({5}), call.uniform({3, 4}), call.uniform({4, 5})}, ScalarAttrs{{1, 1}});
      call({call.uniform({5}), call.uniform({3, 4}), call.uniform({4, 5})}, ScalarAttrs{{1, 1, true}});
      call({call.uniform({}), call.uniform({3, 4}), call.uniform({4, 5})}, ScalarAttrs{{2, -1}});
      call({call.uniform({36}), call.uniform({34, 35}), call.uniform({35, 36})}, ScalarAttrs{{0.5, 2}});
      call({call.uniform({3}), call.uniform({2, 0}), call.uniform({0, 3})}, ScalarAttrs{{2, 1}});
    },
};

constexpr Op addmv_op{
    .name = "addmv",
    .node = "AddmvBackward0",
    .formula = "dx0 = beta * g; dx1 = alpha * outer(g, x2); dx2 = alpha * x1^T g",
    .forward = [](const Call& c) {
      const auto& p = c.attrs<ScalarAttrs>();
      Tensor out = start(c, {c.x(1).sizes()[0]});
      mv_into(out, c.x(1), c.x(2), beta_of(p), alpha_of(p));
      return out.to(c.x(0).scalar_type());
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return times(g, beta_of(s));
      return times(arg == 1 ? outer(g, s.x(2)) : mv(s.x(1).t(), g), alpha_of(s));
    },
    .jvp = [](const Tensor* t, const Saved& s) { return tangent_with_term(t, s, mv); },
    .batch = [](const Batch& b) { return with_term(b, 1, mv_each(each(b, 1), each(b, 2))); },
    .save = {0, X(2), X(1)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({3}), call.uniform({3, 4}), call.uniform({4})}, ScalarAttrs{{1, 1}});
      call({call.uniform({1}), call.uniform({3, 4}), call.uniform({4})}, ScalarAttrs{{0.5, -2}});
      call({call.uniform({3}), call.uniform({3, 0}), call.uniform({0})}, ScalarAttrs{{2, 1}});
    },
};

constexpr Op baddbmm_op{
    .name = "baddbmm",
    .node = "BaddbmmBackward0",
    .formula = "dx0 = beta * g; dx1 = alpha * g x2^T; dx2 = alpha * x1^T g, for each matrix of the batch",
    .forward = [](const Call& c) {
      const auto& p = c.attrs<ScalarAttrs>();
      Tensor out = start(c, {c.x(1).sizes()[0], c.x(1).sizes()[1], c.x(2).sizes()[2]});
      product_into(out, c.x(1), c.x(2), beta_of(p), alpha_of(p));
      return out.to(c.x(0).scalar_type());
    },
    .vjp = [](const Tensor& g, const Saved& s, int arg) {
      if (arg == 0) return times(g, beta_of(s));
      return times(arg == 1 ? bmm(g, s.x(2).transpose(1, 2)) : bmm(s.x(1).transpose(1, 2), g), alpha_of(s));
    },
    .jvp = [](const Tensor* t, const Saved& s) { return tangent_with_term(t, s, bmm); },
    .batch = [](const Batch& b) { return with_term(b, 3, bmm_each(each(b, 1), each(b, 2))); },
    .save = {0, X(2), X(1)},
    .dtypes = Dtypes::no_bool,
    .autocast = Autocast::lower,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3, 5}), call.uniform({2, 3, 4}), call.uniform({2, 4, 5})}, ScalarAttrs{{1, 1}});
      call({call.uniform({3, 1}), call.uniform({2, 3, 4}), call.uniform({2, 4, 5})}, ScalarAttrs{{0.5, -2}});
      call({call.uniform({2, 2, 3}), call.uniform({2, 2, 0}), call.uniform({2, 0, 3})}, ScalarAttrs{{2, 1}});
    },
};

void check_factors(const char* op, const Tensor& self, const Scalar& beta, const Scalar& alpha) {
  if (!isIntegralType(self.scalar_type(), true)) return;
  CT_CHECK_TYPE(!beta.isFloatingPoint(), op, ": For integral input tensors, argument beta must not be a floating point number.");
  CT_CHECK_TYPE(!alpha.isFloatingPoint(), op, ": For integral input tensors, argument alpha must not be a floating point number.");
}

void check_mm(const char* op, const Tensor& a, const Tensor& b, const char* name_a, const char* name_b) {
  check_dim(op, name_a, a, 2, "matrix");
  check_dim(op, name_b, b, 2, "matrix");
  check_mm_shapes(op, a, b);
  check_same_dtype(op, a, b);
}

void check_mv(const char* op, std::int64_t self_dim, const Tensor& a, const Tensor& x) {
  CT_CHECK(a.dim() == 2 && x.dim() == 1 && self_dim <= 1, op, ": vector + matrix @ vector expected, got ", self_dim, ", ", a.dim(), ", ", x.dim());
  CT_CHECK(a.size(1) == x.size(0), op, ": size mismatch, got ", a.size(0), ", ", a.size(0), "x", a.size(1), ",", x.size(0),
           "\n  The matrix has ", a.size(1), " columns, the vector ", x.size(0), " elements.");
  check_same_dtype(op, a, x);
}

void check_bmm(const char* op, const Tensor& a, const Tensor& b) {
  check_dim(op, "batch1", a, 3, "3D tensor");
  check_dim(op, "batch2", b, 3, "3D tensor");
  CT_CHECK(a.size(0) == b.size(0) && a.size(2) == b.size(1), op, ": Expected size for first two dimensions of batch2 tensor to be: [", a.size(0), ", ",
           a.size(2), "] but got: [", b.size(0), ", ", b.size(1), "].\n  batch1 is ", a.sizes(), ", batch2 is ", b.sizes(), ".");
  check_same_dtype(op, a, b);
}

void check_dot(const char* op, const Tensor& a, const Tensor& b) {
  CT_CHECK(a.dim() == 1 && b.dim() == 1, op, ": 1D tensors expected, but got ", a.dim(), "D and ", b.dim(), "D tensors");
  CT_CHECK(a.numel() == b.numel(), op, ": inconsistent tensor size, expected tensor [", a.numel(), "] and src [", b.numel(),
           "] to have the same number of elements, but got ", a.numel(), " and ", b.numel(), " elements respectively");
  check_same_dtype(op, a, b);
}

void check_defined(const char* op, std::initializer_list<const Tensor*> xs) {
  for (const Tensor* x : xs)
    CT_CHECK(x->defined(), op, ": expected a tensor, but an argument is undefined\n  A default-constructed Tensor holds nothing, like Python's None.");
}

}  // namespace

std::span<const Op* const> matmul_ops() {
  static constexpr const Op* ops[] = {&mm_op, &mv_op, &dot_op, &vdot_op, &bmm_op, &addmm_op, &addmv_op, &baddbmm_op};
  return ops;
}

Tensor mm(const Tensor& self, const Tensor& mat2) {
  check_defined("mm", {&self, &mat2});
  check_mm("mm", self, mat2, "self", "mat2");
  return apply_with(mm_op, MmAttrs{by_columns(mat2)}, self, mat2);
}
Tensor mv(const Tensor& self, const Tensor& vec) {
  check_defined("mv", {&self, &vec});
  check_mv("mv", 1, self, vec);
  return apply(mv_op, self, vec);
}
Tensor dot(const Tensor& self, const Tensor& tensor) {
  check_defined("dot", {&self, &tensor});
  check_dot("dot", self, tensor);
  return apply(dot_op, self, tensor);
}
Tensor vdot(const Tensor& self, const Tensor& other) {
  check_defined("vdot", {&self, &other});
  check_dot("vdot", self, other);
  return apply(vdot_op, self, other);
}
Tensor bmm(const Tensor& self, const Tensor& mat2) {
  check_defined("bmm", {&self, &mat2});
  check_bmm("bmm", self, mat2);
  return apply(bmm_op, self, mat2);
}

Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta, const Scalar& alpha) {
  check_defined("addmm", {&self, &mat1, &mat2});
  check_mm("addmm", mat1, mat2, "mat1", "mat2");
  check_same_dtype("addmm", self, mat1);
  check_factors("addmm", self, beta, alpha);
  return apply_with(addmm_op, ScalarAttrs{{beta, alpha, by_columns(mat2)}}, self, mat1, mat2);
}
Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta, const Scalar& alpha) {
  check_defined("addmv", {&self, &mat, &vec});
  check_mv("addmv", self.dim(), mat, vec);
  check_same_dtype("addmv", self, mat);
  check_factors("addmv", self, beta, alpha);
  return apply_with(addmv_op, ScalarAttrs{{beta, alpha}}, self, mat, vec);
}
Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta, const Scalar& alpha) {
  check_defined("baddbmm", {&self, &batch1, &batch2});
  check_bmm("baddbmm", batch1, batch2);
  check_same_dtype("baddbmm", self, batch1);
  check_factors("baddbmm", self, beta, alpha);
  return apply_with(baddbmm_op, ScalarAttrs{{beta, alpha}}, self, batch1, batch2);
}

Tensor& Tensor::addmm_(const Tensor& mat1, const Tensor& mat2, const Scalar& beta, const Scalar& alpha) const {
  check_defined("addmm_", {this, &mat1, &mat2});
  check_mm("addmm_", mat1, mat2, "mat1", "mat2");
  check_same_dtype("addmm_", *this, mat1);
  check_factors("addmm_", *this, beta, alpha);
  CT_CHECK(dim() == 2 && size(0) == mat1.size(0) && size(1) == mat2.size(1), "addmm_: output with shape ", sizes(), " doesn't match the product's shape [",
           mat1.size(0), ", ", mat2.size(1), "]\n  An in-place operation cannot change the shape of its tensor; use addmm.");
  return apply_inplace(addmm_op, ScalarAttrs{{beta, alpha, by_columns(mat2)}}, *this, mat1, mat2);
}

}  // namespace ct
