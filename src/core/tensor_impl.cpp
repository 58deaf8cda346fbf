// core/tensor_impl.cpp -- life and geometry of Storage and TensorImpl.
#include "core/tensor_impl.h"

#include <algorithm>
#include <new>

#include "cotangent/error.h"

namespace ct::detail {

// ---- storage ------------------------------------------------------------------------------------

static_assert(sizeof(Storage) <= 56);  // with one number behind it, a block of 64 bytes

namespace {
std::size_t inline_block(std::int64_t nbytes) { return sizeof(Storage) + static_cast<std::size_t>(nbytes ? nbytes : 1); }
}  // namespace

Storage* new_storage(std::int64_t nbytes) {
  // Up to 64 bytes of data share a small block with the header; more is aligned for vectors behind a 64-byte header.
  const auto n = static_cast<std::size_t>(nbytes);
  if (n <= 64) {
    auto* s = new (alloc_block(inline_block(nbytes))) Storage;
    s->data = reinterpret_cast<char*>(s + 1);
    s->nbytes = nbytes;
    return s;
  }
  char* memory = static_cast<char*>(alloc_large(n));
  auto* s = new (alloc_block(sizeof(Storage))) Storage;
  s->data = memory;
  s->nbytes = nbytes;
  return s;
}

Storage* borrow_storage(void* data, std::int64_t nbytes, void (*deleter)(void*), void* context) {
  auto* s = new (alloc_block(sizeof(Storage))) Storage;
  s->data = static_cast<char*>(data);
  s->nbytes = nbytes;
  s->deleter = deleter ? deleter : [](void*) {};
  s->context = context;
  return s;
}

Storage* alias_storage(Storage* root) {
  root->refs.inc();
  auto* s = new (alloc_block(sizeof(Storage))) Storage;
  s->data = root->data;
  s->nbytes = root->nbytes;
  s->root = root;
  return s;
}

void delete_storage(Storage* s) {
  Storage* root = s->deleter ? nullptr : s->root;
  const std::size_t block = !root && s->is_inline() ? inline_block(s->nbytes) : sizeof(Storage);
  if (s->deleter) s->deleter(s->context);
  else if (!root && !s->is_inline()) free_large(s->data, static_cast<std::size_t>(s->nbytes));
  s->~Storage();
  free_block(s, block);
  release_storage(root);
}

// ---- impl ---------------------------------------------------------------------------------------

namespace {

TensorImpl* raw_impl(Storage* storage, char* data, ScalarType dtype, int ndim) {
  void* block = alloc_block(sizeof(TensorImpl) + 2 * sizeof(std::int64_t) * static_cast<std::size_t>(ndim));
  auto* t = new (block) TensorImpl{};
  t->dtype = dtype;
  t->ndim = t->capacity = static_cast<std::uint8_t>(ndim);
  t->storage = storage;
  t->data = data;
  t->dims = t->inline_dims();
  return t;
}

void refresh(TensorImpl* t) {
  std::int64_t n = 1, expected = 1;
  bool contiguous = true;
  for (int d = t->ndim; d-- > 0;) {
    if (t->sizes()[d] != 1) {
      contiguous &= t->strides()[d] == expected;
      expected *= t->sizes()[d];
    }
    n *= t->sizes()[d];
  }
  t->numel = n;
  t->contiguous = contiguous || n == 0;
}

}  // namespace

TensorImpl* new_impl(Storage* storage, char* data, ScalarType dtype, IntArrayRef sizes, IntArrayRef strides) {
  TensorImpl* t = raw_impl(storage, data, dtype, static_cast<int>(sizes.size()));
  std::copy(sizes.begin(), sizes.end(), t->sizes());
  std::copy(strides.begin(), strides.end(), t->strides());
  t->inference = thread_state.inference_mode;
  refresh(t);
  return t;
}

TensorImpl* new_contiguous(ScalarType dtype, const std::int64_t* sizes, int ndim, std::int64_t numel) {
  Storage* s = new_storage(numel * elementSize(dtype));
  TensorImpl* t = raw_impl(s, s->data, dtype, ndim);
  std::copy(sizes, sizes + ndim, t->sizes());
  contiguous_strides({sizes, static_cast<std::size_t>(ndim)}, t->strides());
  t->numel = numel;
  t->contiguous = true;
  t->inference = thread_state.inference_mode;
  return t;
}

void delete_impl(TensorImpl* t) {
  Node* producer = t->grad_fn;
  if (producer && t->meta && t->meta->retains_grad) forget_retained(producer, t);
  release_storage(t->storage);
  delete t->meta;
  if (t->dims_on_heap) delete[] t->dims;
  const std::size_t bytes = sizeof(TensorImpl) + 2 * sizeof(std::int64_t) * t->capacity;
  t->~TensorImpl();
  free_block(t, bytes);
  if (producer) release_node(producer);
}

void set_geometry(TensorImpl* t, IntArrayRef sizes, IntArrayRef strides) {
  if (sizes.size() > static_cast<std::size_t>(t->dims_capacity())) {
    auto* heap = new std::int64_t[2 * max_dims]();
    if (t->dims_on_heap) delete[] t->dims;
    t->dims = heap;
    t->dims_on_heap = true;
  }
  t->ndim = static_cast<std::uint8_t>(sizes.size());
  // The caller's lists may be this tensor's own.
  std::int64_t copy[2 * max_dims];
  std::copy(sizes.begin(), sizes.end(), copy);
  std::copy(strides.begin(), strides.end(), copy + max_dims);
  std::copy(copy, copy + sizes.size(), t->sizes());
  std::copy(copy + max_dims, copy + max_dims + strides.size(), t->strides());
  refresh(t);
}

bool requires_grad_through_view(const TensorImpl* t) { return !t->inference && t->meta->base.defined() && tracks(t->meta->base); }

std::int64_t checked_numel(const char* op, IntArrayRef sizes, ScalarType dtype) {
  CT_CHECK(sizes.size() <= static_cast<std::size_t>(max_dims), op, ": ", sizes.size(),
           " dimensions asked for, and a tensor has at most ", max_dims);
  std::int64_t n = 1;
  bool zero = false, overflow = false;
  for (std::int64_t s : sizes) {
    CT_CHECK(s >= 0, op, ": Trying to create tensor with negative dimension ", s, ": ", sizes);
    if (s == 0) zero = true;
    else overflow |= __builtin_mul_overflow(n, s, &n);
  }
  std::int64_t bytes;
  overflow |= __builtin_mul_overflow(n, elementSize(dtype), &bytes) || bytes > (std::int64_t{1} << 46);
  CT_CHECK(zero || !overflow, op, ": Storage size calculation overflowed with sizes=", sizes, "\n  A ", dtype,
           " tensor of this shape does not fit into memory.");
  return zero ? 0 : n;
}

std::int64_t checked_extent(const char* op, IntArrayRef sizes, IntArrayRef strides, ScalarType dtype) {
  checked_numel(op, sizes, kBool);  // as many elements as there are can be counted, be they one in memory
  std::int64_t extent = 1, bytes;
  bool overflow = false;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    CT_CHECK(strides[d] >= 0, op, ": negative stride ", strides[d], ": Negative strides are not supported at the moment, got strides: ", strides);
    if (sizes[d] == 0) return 0;
  }
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    std::int64_t reach;
    overflow |= __builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) || __builtin_add_overflow(extent, reach, &extent);
  }
  overflow = overflow || __builtin_mul_overflow(extent, elementSize(dtype), &bytes) || bytes > (std::int64_t{1} << 46);
  CT_CHECK(!overflow, op, ": Storage size calculation overflowed with sizes=", sizes, " and strides=", strides);
  return extent;
}

void contiguous_strides(IntArrayRef sizes, std::int64_t* strides) {
  std::int64_t stride = 1;
  for (std::size_t d = sizes.size(); d-- > 0;) {
    strides[d] = stride;
    if (sizes[d] > 1) (void)__builtin_mul_overflow(stride, sizes[d], &stride);  // of an empty tensor the others may be any size
  }
}

Tensor alias(const Tensor& x, IntArrayRef sizes, IntArrayRef strides, std::int64_t offset) {
  TensorImpl* t = impl(x);
  t->storage->refs.inc();
  TensorImpl* v = new_impl(t->storage, t->data + offset * elementSize(t->dtype), t->dtype, sizes, strides);
  v->inference = t->inference;
  return Tensor::wrap(v);
}

std::int64_t wrap_dim(std::int64_t dim, std::int64_t ndim) {
  const std::int64_t n = ndim ? ndim : 1;
  CT_CHECK_INDEX(dim >= -n && dim < n, "Dimension out of range (expected to be in range of [", -n, ", ", n - 1, "], but got ",
                 dim, ")");
  return dim < 0 ? dim + n : dim;
}

}  // namespace ct::detail
