// core/exchange_data.cpp -- gives a leaf other elements, of another dtype too, under all its handles.
#include "core/exchange_data.h"

#include <algorithm>

#include "core/tensor_impl.h"

namespace ct::detail {

void set_data(const Tensor& t, const Tensor& data) {
  CT_CHECK(t.defined() && data.defined(), "set_data: the tensor is undefined");
  CT_CHECK(t.sizes() == data.sizes(), "set_data: shapes differ (", t.sizes(), " and ", data.sizes(), ")");
  const Tensor fresh = data.detach().clone();  // of one's own: nobody else sees the exchange
  TensorImpl *a = t.unsafeGetTensorImpl(), *b = fresh.unsafeGetTensorImpl();
  CT_CHECK(!a->grad_fn && !a->is_view() && !a->layered, "set_data: the data of a tensor that was computed, or is a view, cannot be replaced");
  CT_CHECK(!a->requires_grad || isFloatingType(b->dtype), "set_data: Only Tensors of floating point dtype can require gradients (got ", b->dtype, ")");
  const std::uint32_t version = a->storage->current_version();
  std::swap(a->storage, b->storage);
  std::swap(a->data, b->data);
  std::swap(a->dtype, b->dtype);
  const bool contiguous = a->contiguous;
  a->contiguous = b->contiguous;
  b->contiguous = contiguous;
  for (int d = 0; d < a->ndim; ++d) std::swap(a->strides()[d], b->strides()[d]);
  a->storage->version.store(version, std::memory_order_relaxed);
  a->storage->bump_version("set_data", nullptr);
}

}  // namespace ct::detail
