// ops/factories.cpp -- new tensors: constants, from values, from the caller's memory.
#include <algorithm>

#include "autograd/layers.h"
#include "cotangent/autograd.h"

namespace ct {

using detail::impl;
using detail::TensorImpl;

namespace {

// Checks device and requires_grad, and sets the latter: every factory ends here.
Tensor finish(Tensor t, const TensorOptions& o) {
  if (!o.device().is_cpu())
    CT_THROW(not_implemented, "device ", o.device().str(), " is not available: this build computes on the CPU only\n  Use ct::kCPU, or leave "
             "the device out.");
  if (detail::thread_state.levels) [[unlikely]] t = detail::made_inside(std::move(t));
  if (o.requires_grad()) t.requires_grad_();
  return t;
}

TensorOptions like(const Tensor& self, const TensorOptions& o) {
  CT_CHECK(self.defined(), "the tensor to be like is undefined");
  return o.has_dtype() ? o : o.dtype(self.scalar_type());
}

// Under vmap what is made like a mapped tensor is mapped itself, so that mapped values can be written into it.
Tensor new_tensor(const Tensor& self, IntArrayRef size, const TensorOptions& o) {
  if (!detail::is_batched(self)) return empty(size, o);
  detail::checked_numel("empty", size, o.dtype());
  std::int64_t strides[max_dims];
  detail::contiguous_strides(size, strides);
  return finish(detail::empty_strided_as(self, size, {strides, size.size()}, o.dtype()), o);
}
Tensor new_filled(const Tensor& self, IntArrayRef size, const Scalar& v, const TensorOptions& o) {
  Tensor t = new_tensor(self, size, TensorOptions(o).requires_grad(false));
  NoGradGuard off;
  t.fill_(v);
  return finish(std::move(t), o);
}

}  // namespace

Tensor empty(IntArrayRef size, const TensorOptions& o) {
  const ScalarType dtype = o.dtype();
  const std::int64_t n = detail::checked_numel("empty", size, dtype);
  return finish(Tensor::wrap(detail::new_contiguous(dtype, size.data(), static_cast<int>(size.size()), n)), o);
}

Tensor zeros(IntArrayRef size, const TensorOptions& o) {
  Tensor t = empty(size, o.requires_grad(false));
  std::memset(t.data_ptr(), 0, t.nbytes());
  return finish(std::move(t), o);
}
Tensor ones(IntArrayRef size, const TensorOptions& o) { return full(size, 1, o.has_dtype() ? o : o.dtype(get_default_dtype())); }
Tensor full(IntArrayRef size, const Scalar& v, const TensorOptions& o) {
  const TensorOptions typed = o.has_dtype() ? o : v.isBoolean() ? o.dtype(kBool) : v.isIntegral(false) ? o.dtype(kLong) : o;
  Tensor t = empty(size, typed.requires_grad(false));
  NoGradGuard off;
  if (t.numel() == 1) CT_DISPATCH_ALL(t.scalar_type(), [&] { *detail::data<scalar_t>(t) = v.to<scalar_t>(); });
  else t.fill_(v);
  impl(t)->storage->version.store(0);
  return finish(std::move(t), typed);
}

Tensor empty_strided(IntArrayRef size, IntArrayRef stride, const TensorOptions& o) {
  CT_CHECK(size.size() == stride.size(), "empty_strided: dimensionality of sizes (", size.size(), ") must match dimensionality of strides (",
           stride.size(), ")");
  const std::int64_t extent = detail::checked_extent("empty_strided", size, stride, o.dtype());
  detail::Storage* s = detail::new_storage(extent * elementSize(o.dtype()));
  return finish(Tensor::wrap(detail::new_impl(s, s->data, o.dtype(), size, stride)), o);
}

Tensor empty_like(const Tensor& self, const TensorOptions& o) {
  const TensorOptions typed = like(self, o);
  if (detail::is_batched(self)) return new_tensor(self, self.sizes(), typed);
  // A dense tensor's order of dimensions is kept; anything else becomes row-major.
  const TensorImpl* t = impl(self);
  if (!t->contiguous) {
    int order[max_dims];
    for (int d = 0; d < t->ndim; ++d) order[d] = d;
    std::stable_sort(order, order + t->ndim, [t](int a, int b) { return t->strides()[a] > t->strides()[b]; });
    std::int64_t strides[max_dims], expected = 1;
    bool dense = true;
    for (int i = t->ndim; i-- > 0;) {
      const int d = order[i];
      dense &= t->sizes()[d] == 1 || t->strides()[d] == expected;
      strides[d] = expected;
      expected *= std::max<std::int64_t>(1, t->sizes()[d]);
    }
    if (dense) return empty_strided(self.sizes(), {strides, t->ndim}, typed);
  }
  return empty(self.sizes(), typed);
}
Tensor zeros_like(const Tensor& self, const TensorOptions& o) { return self.new_zeros(self.sizes(), o); }
Tensor ones_like(const Tensor& self, const TensorOptions& o) { return self.new_full(self.sizes(), 1, o); }
Tensor full_like(const Tensor& self, const Scalar& v, const TensorOptions& o) { return self.new_full(self.sizes(), v, o); }

Tensor Tensor::new_empty(IntArrayRef size, const TensorOptions& o) const { return new_tensor(*this, size, like(*this, o)); }
Tensor Tensor::new_zeros(IntArrayRef size, const TensorOptions& o) const {
  if (!detail::is_batched(*this)) return zeros(size, like(*this, o));
  return new_filled(*this, size, 0, like(*this, o));
}
Tensor Tensor::new_ones(IntArrayRef size, const TensorOptions& o) const { return new_full(size, 1, o); }
Tensor Tensor::new_full(IntArrayRef size, const Scalar& v, const TensorOptions& o) const {
  if (!detail::is_batched(*this)) return full(size, v, like(*this, o));
  return new_filled(*this, size, v, like(*this, o));
}
Tensor scalar_tensor(const Scalar& s, const TensorOptions& o) { return full({}, s, o.has_dtype() ? o : o.dtype(get_default_dtype())); }

namespace detail {

Tensor wrapped_number(const Scalar& s) {
  TensorImpl* t = new_contiguous(s.type(), nullptr, 0, 1);
  t->wrapped_number = true;
  if (s.isFloatingPoint()) *reinterpret_cast<double*>(t->data) = s.toDouble();
  else if (s.isBoolean()) *reinterpret_cast<bool*>(t->data) = s.toBool();
  else *reinterpret_cast<std::int64_t*>(t->data) = s.toLong();
  return Tensor::wrap(t);
}

Tensor from_blob(void* data, IntArrayRef sizes, const IntArrayRef* strides, void (*deleter)(void*), void* context, const TensorOptions& o) {
  const std::int64_t n = checked_numel("from_blob", sizes, o.dtype());
  CT_CHECK(data || n == 0, "from_blob: the data pointer is null, and sizes ", sizes, " hold ", n, " elements");
  std::int64_t row_major[max_dims];
  contiguous_strides(sizes, row_major);
  const IntArrayRef used = strides ? *strides : IntArrayRef(row_major, sizes.size());
  CT_CHECK(used.size() == sizes.size(), "from_blob: ", sizes.size(), " sizes but ", used.size(), " strides");
  const std::int64_t extent = checked_extent("from_blob", sizes, used, o.dtype());
  finish(empty_like_dtype(o.dtype(), {0}), o);  // refuses what it must before the memory is taken over
  Storage* s = borrow_storage(data, extent * elementSize(o.dtype()), deleter, context);
  return finish(Tensor::wrap(new_impl(s, s->data, o.dtype(), sizes, used)), o);
}

// Finds the shape and dtype of nested braces, then writes the elements in order.
struct TensorData::Walk {
  std::int64_t sizes[max_dims];
  std::size_t n_dims = 0;
  ScalarType dtype = ScalarType::Undefined;
  std::size_t leaf_depth = 0;  // of the numbers; 0 until one is seen
  bool even = true;            // all numbers are equally deep

  void leaf(std::size_t depth) {
    if (leaf_depth == 0) leaf_depth = depth + 1;
    even &= leaf_depth == depth + 1;
  }
  void check_box() const {
    CT_CHECK(even && (leaf_depth == 0 || leaf_depth == n_dims + 1), "tensor: numbers and lists are mixed: some numbers are nested deeper than others\n"
             "  Nested braces must form a box.");
  }

  void shape(const TensorData& d, std::size_t depth) {
    if (!d.is_list_) {
      leaf(depth);
      dtype = dtype == ScalarType::Undefined ? d.kind_ : promote_types(dtype, d.kind_);
      return;
    }
    const std::int64_t n = d.row_ ? d.row_size_ : d.bools_ ? static_cast<std::int64_t>(d.bools_->size()) : static_cast<std::int64_t>(d.list_.size());
    CT_CHECK(depth < static_cast<std::size_t>(max_dims), "tensor: more than ", max_dims, " nested braces");
    if (n_dims == depth) sizes[n_dims++] = n;
    CT_CHECK(sizes[depth] == n, "tensor: expected every row to have ", sizes[depth], " entries at depth ", depth, ", but one has ", n,
             "\n  Nested braces must form a box.");
    if (d.row_ || d.bools_) {
      leaf(depth + 1);
      dtype = dtype == ScalarType::Undefined ? d.kind_ : promote_types(dtype, d.kind_);
      return;
    }
    for (const TensorData& e : d.list_) shape(e, depth + 1);
  }

  template <class T>
  static T* write(const TensorData& d, T* out) {
    if (!d.is_list_) *out++ = d.scalar_.to<T>();
    else if (d.bools_) for (bool b : *d.bools_) *out++ = static_cast<T>(static_cast<float>(b));
    else if (d.row_) {
      for (std::int64_t i = 0; i < d.row_size_; ++i)
        *out++ = CT_DISPATCH_ALL(d.kind_, [&] { return Scalar(static_cast<const scalar_t*>(d.row_)[i]).template to<T>(); });
    }
    else for (const TensorData& e : d.list_) out = write(e, out);
    return out;
  }
};

Tensor make_tensor(const TensorData& data, const TensorOptions& o) {
  TensorData::Walk walk;
  walk.shape(data, 0);
  walk.check_box();
  ScalarType inferred = walk.dtype;
  // Literals take the default dtype, as in Python; rows of a C++ type with its own dtype keep it.
  if (inferred == ScalarType::Undefined || (inferred == kDouble && !data.row_)) inferred = get_default_dtype();
  const TensorOptions typed = o.has_dtype() ? o : o.dtype(inferred);
  Tensor t = ct::empty({walk.sizes, walk.n_dims}, typed.requires_grad(false));
  CT_DISPATCH_ALL(t.scalar_type(), [&] { TensorData::Walk::write(data, detail::data<scalar_t>(t)); });
  return finish(std::move(t), typed);
}

}  // namespace detail
}  // namespace ct
