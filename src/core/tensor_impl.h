// core/tensor_impl.h -- what a Tensor points to: geometry over a shared Storage, and the way into the graph.
#pragma once

#include <cstdint>
#include <cstring>

#include "cotangent/tensor.h"
#include "core/alloc.h"
#include "core/location.h"
#include "core/refcount.h"

namespace ct {

class Node;

namespace detail {

// All that the core knows of nodes; defined in autograd/.
void release_node(Node* node);
struct TensorImpl;
void forget_retained(Node* node, TensorImpl* t);
struct HookList;
void delete_hooks(HookList* hooks);
// What vmap and forward mode add to a tensor; defined in autograd/layers.h.
struct Layers;
void delete_layers(Layers* layers);

// Memory and its version counter, shared by a base, its views and its detach() aliases. Small data lies right behind
// the header, in the same block. A `.data()` alias has a Storage of its own (hence its own version) that borrows the
// memory of `root`.
struct Storage {
  Refcount refs;
  std::atomic<std::uint32_t> version{0};
  char* data = nullptr;
  std::int64_t nbytes = 0;
  void (*deleter)(void* context) = nullptr;  // memory is the caller's (from_blob)
  union {
    Storage* root = nullptr;               // without deleter: memory is borrowed from here
    void* context;                         // with it: its argument
  };
  const char* writer = nullptr;            // the op that wrote in place last, and where it was called: for the error
  const void* writer_where = nullptr;      // that a saved value was changed

  bool is_own() const { return !deleter && !root; }
  bool is_inline() const { return data == reinterpret_cast<const char*>(this + 1); }  // so are at most 64 bytes
  const Storage* owner() const { return deleter || !root ? this : root->owner(); }
  // For every write in place, with what the error is to say about it.
  void bump_version(const char* op, const void* where) {
    version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    writer = op;
    writer_where = where;
  }
  std::uint32_t current_version() const { return version.load(std::memory_order_relaxed); }
};

Storage* new_storage(std::int64_t nbytes);
Storage* borrow_storage(void* data, std::int64_t nbytes, void (*deleter)(void*), void* context);
Storage* alias_storage(Storage* root);
void delete_storage(Storage* s);
inline void release_storage(Storage* s) {
  if (s && s->refs.dec()) delete_storage(s);
}

// Why an in-place write through a view may be refused (PyTorch's CreationMeta).
enum class CreationMeta : std::uint8_t { normal, no_grad_mode, multi_output, inference_mode, custom_function };

// What only some tensors need: leaves that collect gradients, and views.
struct AutogradMeta {
  Tensor grad;
  Node* accumulator = nullptr;      // weak: the AccumulateGrad of a leaf, which owns the leaf
  Tensor base;                      // of a view: the tensor that is no view itself
  std::uint32_t view_version = 0;   // of a view: the version for which grad_fn holds
  CreationMeta creation = CreationMeta::normal;
  bool retains_grad = false;
  const char* multi_view_op = nullptr;  // of one of several views: the op that made them
  HookList* hooks = nullptr;        // of a leaf
  Layers* layers = nullptr;

  AutogradMeta() = default;
  AutogradMeta(const AutogradMeta&) = delete;
  AutogradMeta& operator=(const AutogradMeta&) = delete;
  ~AutogradMeta() {
    if (hooks) delete_hooks(hooks);
    if (layers) delete_layers(layers);
  }
};

struct TensorImpl {
  Refcount refs;
  ScalarType dtype;
  std::uint8_t ndim;
  std::uint8_t capacity;          // dims that fit behind this header
  bool requires_grad : 1;         // of a leaf, as set by the user
  bool wrapped_number : 1;        // came from a C++ number; see result_type()
  bool contiguous : 1;
  bool inference : 1;             // made under InferenceMode
  bool layered : 1;               // batched by vmap, or carries tangents: meta->layers is set
  Storage* storage;
  char* data;                     // of the first element
  std::int64_t numel;
  Node* grad_fn;                  // strong; null for leaves
  AutogradMeta* meta;             // null until needed
  std::uint32_t output_nr;        // which output of grad_fn this is
  bool dims_on_heap;
  std::int64_t* dims;             // sizes, then strides (in elements)

  std::int64_t* sizes() { return dims; }
  std::int64_t* strides() { return dims + dims_capacity(); }
  const std::int64_t* sizes() const { return dims; }
  const std::int64_t* strides() const { return dims + dims_capacity(); }
  int dims_capacity() const { return dims_on_heap ? max_dims : capacity; }
  std::int64_t* inline_dims() { return reinterpret_cast<std::int64_t*>(this + 1); }
  // A leaf gets its meta when it is first used, by whichever thread is first (under a lock), while others look here.
  const AutogradMeta* meta_now() const { return __atomic_load_n(&meta, __ATOMIC_ACQUIRE); }
  bool is_view() const {
    const AutogradMeta* m = meta_now();
    return m && m->base.defined();
  }
  AutogradMeta& need_meta() {
    if (!meta_now()) __atomic_store_n(&meta, new AutogradMeta, __ATOMIC_RELEASE);
    return *meta;
  }
};

// A tensor over existing storage, of which it takes one reference. `contiguous` is computed from the geometry.
TensorImpl* new_impl(Storage* storage, char* data, ScalarType dtype, IntArrayRef sizes, IntArrayRef strides);
// A new contiguous tensor with uninitialised elements; sizes were checked before.
TensorImpl* new_contiguous(ScalarType dtype, const std::int64_t* sizes, int ndim, std::int64_t numel);
void delete_impl(TensorImpl* impl);
void set_geometry(TensorImpl* impl, IntArrayRef sizes, IntArrayRef strides);
bool requires_grad_through_view(const TensorImpl* impl);

// The flag that autograd acts on: a leaf's own, or "has a producer".
inline bool tracks(const TensorImpl* t) {
  return t && (t->requires_grad || t->grad_fn || (t->meta_now() && requires_grad_through_view(t)));
}
inline bool tracks(const Tensor& t) { return tracks(t.unsafeGetTensorImpl()); }
inline TensorImpl* impl(const Tensor& t) { return t.unsafeGetTensorImpl(); }

// Product of sizes with the checks every factory owes its caller: no negative size, no overflow.
std::int64_t checked_numel(const char* op, IntArrayRef sizes, ScalarType dtype);
// Elements from the first to the last, with the same checks, and none for negative strides.
std::int64_t checked_extent(const char* op, IntArrayRef sizes, IntArrayRef strides, ScalarType dtype);
// Row-major strides for sizes.
void contiguous_strides(IntArrayRef sizes, std::int64_t* strides);

// A view on the same storage: shares the version counter; no autograd history of its own.
Tensor alias(const Tensor& x, IntArrayRef sizes, IntArrayRef strides, std::int64_t offset_elements);

// Wraps a dim into [0, ndim), as Python does; a 0-dim tensor accepts -1 and 0.
std::int64_t wrap_dim(std::int64_t dim, std::int64_t ndim);

// New tensor with uninitialised elements, contiguous.
inline Tensor empty_like_dtype(ScalarType dtype, IntArrayRef sizes) {
  const std::int64_t n = checked_numel("empty", sizes, dtype);
  return Tensor::wrap(new_contiguous(dtype, sizes.data(), static_cast<int>(sizes.size()), n));
}

template <class T>
T* data(const Tensor& t) { return reinterpret_cast<T*>(impl(t)->data); }

}  // namespace detail
}  // namespace ct

// Runs `body` with `scalar_t` as the C++ type of a dtype.
#define CT_DISPATCH_ALL(dtype, ...)                                   \
  [&] {                                                               \
    switch (dtype) {                                                  \
      case ::ct::kBool: { using scalar_t = bool; return __VA_ARGS__(); }            \
      case ::ct::kByte: { using scalar_t = std::uint8_t; return __VA_ARGS__(); }    \
      case ::ct::kChar: { using scalar_t = std::int8_t; return __VA_ARGS__(); }     \
      case ::ct::kShort: { using scalar_t = std::int16_t; return __VA_ARGS__(); }   \
      case ::ct::kInt: { using scalar_t = std::int32_t; return __VA_ARGS__(); }     \
      case ::ct::kLong: { using scalar_t = std::int64_t; return __VA_ARGS__(); }    \
      case ::ct::kHalf: { using scalar_t = ::ct::Half; return __VA_ARGS__(); }      \
      case ::ct::kBFloat16: { using scalar_t = ::ct::BFloat16; return __VA_ARGS__(); } \
      case ::ct::kFloat: { using scalar_t = float; return __VA_ARGS__(); }          \
      default: { using scalar_t = double; return __VA_ARGS__(); }                   \
    }                                                                 \
  }()
