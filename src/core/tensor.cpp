// core/tensor.cpp -- the Tensor handle: counting, properties, element access.
#include "cotangent/tensor.h"

#include <algorithm>

#include "autograd/layers.h"
#include "core/tensor_impl.h"

namespace ct {

using detail::impl;
using detail::TensorImpl;

namespace {
[[noreturn]] void undefined(const char* what) {
  CT_THROW(error, what, ": the tensor is undefined\n  A default-constructed Tensor holds nothing, like Python's None; .grad() is undefined "
           "before backward.");
}
TensorImpl* need(const Tensor& t, const char* what) {
  if (!t.defined()) undefined(what);
  return impl(t);
}
}  // namespace

Tensor::Tensor(const Tensor& o) noexcept : impl_(o.impl_) {
  if (impl_) impl_->refs.inc();
}
Tensor::~Tensor() {
  if (impl_ && impl_->refs.dec()) detail::delete_impl(impl_);
}
Tensor& Tensor::operator=(const Tensor& o) & noexcept {
  TensorImpl* old = impl_;
  if (o.impl_) o.impl_->refs.inc();
  impl_ = o.impl_;
  if (old && old->refs.dec()) detail::delete_impl(old);
  return *this;
}
Tensor& Tensor::operator=(Tensor&& o) & noexcept {
  if (this == &o) return *this;
  TensorImpl* old = impl_;
  impl_ = o.impl_;
  o.impl_ = nullptr;
  if (old && old->refs.dec()) detail::delete_impl(old);
  return *this;
}
Tensor& Tensor::operator=(const Tensor& o) && { return copy_(o); }
Tensor& Tensor::operator=(Tensor&& o) && { return copy_(o); }
Tensor& Tensor::operator=(const Scalar& v) && { return fill_(v); }

bool Tensor::is_alias_of(const Tensor& o) const {
  return need(*this, "is_alias_of")->storage->owner() == need(o, "is_alias_of")->storage->owner();
}
std::int64_t Tensor::use_count() const noexcept { return impl_ ? impl_->refs.count() : 0; }
std::int64_t Tensor::dim() const { return need(*this, "dim")->ndim; }
IntArrayRef Tensor::sizes() const {
  TensorImpl* t = need(*this, "sizes");
  return {t->sizes(), t->ndim};
}
IntArrayRef Tensor::strides() const {
  TensorImpl* t = need(*this, "strides");
  return {t->strides(), t->ndim};
}
std::int64_t Tensor::size(std::int64_t d) const {
  TensorImpl* t = need(*this, "size");
  CT_CHECK_INDEX(t->ndim > 0, "size: dimension specified as ", d, " but tensor has no dimensions");
  return t->sizes()[detail::wrap_dim(d, t->ndim)];
}
std::int64_t Tensor::stride(std::int64_t d) const {
  TensorImpl* t = need(*this, "stride");
  CT_CHECK_INDEX(t->ndim > 0, "stride: dimension specified as ", d, " but tensor has no dimensions");
  return t->strides()[detail::wrap_dim(d, t->ndim)];
}
std::int64_t Tensor::numel() const { return need(*this, "numel")->numel; }
std::int64_t Tensor::storage_offset() const {
  TensorImpl* t = need(*this, "storage_offset");
  return (t->data - t->storage->data) / elementSize(t->dtype);
}
bool Tensor::is_contiguous() const { return need(*this, "is_contiguous")->contiguous; }
ScalarType Tensor::scalar_type() const { return need(*this, "scalar_type")->dtype; }
Device Tensor::device() const {
  need(*this, "device");
  return Device(kCPU);
}
std::string Tensor::toString() const { return detail::join({"CPU", ct::toString(scalar_type()), "Type"}); }

void* Tensor::data_ptr() const {
  TensorImpl* t = need(*this, "data_ptr");
  if (t->layered) detail::refuse_batched("data_ptr", *this);
  return t->data;
}
void* Tensor::typed_data(ScalarType expected) const {
  TensorImpl* t = need(*this, "data_ptr");
  CT_CHECK_TYPE(t->dtype == expected, "data_ptr: expected scalar type ", expected, " but found ", t->dtype);
  if (t->layered) detail::refuse_batched("data_ptr", *this);
  return t->data;
}

Scalar Tensor::item() const {
  TensorImpl* t = need(*this, "item");
  CT_CHECK(t->numel == 1, "item: a Tensor with ", t->numel, " elements cannot be converted to Scalar\n  Its shape is ", sizes(),
           "; index one element first, or reduce it.");
  if (t->layered) detail::refuse_batched("item", *this);
  return CT_DISPATCH_ALL(t->dtype, [&]() -> Scalar { return *reinterpret_cast<const scalar_t*>(t->data); });
}
bool Tensor::is_nonzero() const {
  TensorImpl* t = need(*this, "is_nonzero");
  CT_CHECK(t->numel != 0, "is_nonzero: Boolean value of Tensor with no values is ambiguous");
  CT_CHECK(t->numel == 1, "is_nonzero: Boolean value of Tensor with more than one value is ambiguous\n  Its shape is ", sizes(),
           "; use .any() or .all().");
  return item().toBool();
}

// ---- autograd ----------------------------------------------------------------------------------------

bool Tensor::requires_grad() const { return detail::tracks(need(*this, "requires_grad")); }
std::uint32_t Tensor::output_nr() const { return need(*this, "output_nr")->output_nr; }
bool Tensor::is_view() const { return need(*this, "is_view")->is_view(); }
bool Tensor::is_inference() const { return need(*this, "is_inference")->inference; }
const Tensor& Tensor::_base() const {
  TensorImpl* t = need(*this, "_base");
  CT_CHECK(t->is_view(), "_base: Can't get base of non-backward view Tensor: this tensor owns its elements");
  return t->meta->base;
}
std::int64_t Tensor::_version() const { return need(*this, "_version")->storage->current_version(); }

Tensor Tensor::variable_data() const {
  TensorImpl* t = need(*this, "data");
  if (detail::is_batched(*this)) return detail::on_value(*this, [](const Tensor& x) { return x.variable_data(); });
  TensorImpl* alias = detail::new_impl(detail::alias_storage(t->storage), t->data, t->dtype, sizes(), strides());
  alias->inference = t->inference;
  return Tensor::wrap(alias);
}

}  // namespace ct
