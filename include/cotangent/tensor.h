// cotangent/tensor.h -- the tensor: one pointer, shared by copies.
#pragma once

#include <initializer_list>
#include <iosfwd>    // operator<<
#include <optional>
#include <string>    // toString()
#include <tuple>
#include <utility>   // std::forward
#include <vector>    // split() and its kin

#include "cotangent/accessor.h"
#include "cotangent/error.h"
#include "cotangent/hooks.h"
#include "cotangent/indexing.h"
#include "cotangent/ops.h"
#include "cotangent/options.h"
#include "cotangent/print.h"  // Size, and operator<< of what a tensor is asked for

namespace ct {

/// More dimensions than this are refused with a clear error.
inline constexpr int max_dims = 16;

class NodePtr;
namespace detail { struct TensorImpl; }

/// An n-dimensional array of one dtype that may be part of a graph of gradients.
///
/// A Tensor is a reference: copies share elements, gradient and history. A default-constructed one is undefined,
/// C++'s counterpart of Python's None. Names, argument names and defaults are libtorch's. Reading a tensor from
/// several threads is safe; writing needs the caller's own synchronisation, but backward() does not.
class CT_API Tensor {
 public:
  Tensor() noexcept : impl_(nullptr) {}
  Tensor(const Tensor& o) noexcept;
  Tensor(Tensor&& o) noexcept : impl_(o.impl_) { o.impl_ = nullptr; }
  ~Tensor();
  Tensor& operator=(const Tensor& o) & noexcept;
  Tensor& operator=(Tensor&& o) & noexcept;
  /// Writing to a temporary writes its elements: x[0] = y;
  Tensor& operator=(const Tensor& o) &&;
  Tensor& operator=(Tensor&& o) &&;
  Tensor& operator=(const Scalar& v) &&;

  // ---- what it is ----------------------------------------------------------------------------------
  bool defined() const noexcept { return impl_ != nullptr; }
  void reset() noexcept { *this = Tensor(); }
  /// Same object (Python's `is`), not equal elements.
  bool is_same(const Tensor& o) const noexcept { return impl_ == o.impl_; }
  /// Whether both look at the same memory, be it through views or detach().
  bool is_alias_of(const Tensor& o) const;
  std::int64_t use_count() const noexcept;
  std::int64_t dim() const;
  std::int64_t ndimension() const { return dim(); }
  IntArrayRef sizes() const;
  /// The same, and prints as Python's x.shape: torch.Size([2, 3]).
  Size shape() const { return sizes(); }
  std::int64_t size(std::int64_t dim) const;
  IntArrayRef strides() const;
  std::int64_t stride(std::int64_t dim) const;
  std::int64_t numel() const;
  std::int64_t nelement() const { return numel(); }
  /// In elements from the start of the storage.
  std::int64_t storage_offset() const;
  std::int64_t element_size() const { return elementSize(scalar_type()); }
  std::int64_t itemsize() const { return element_size(); }
  std::size_t nbytes() const { return static_cast<std::size_t>(numel() * element_size()); }
  bool is_contiguous() const;
  ScalarType scalar_type() const;
  ScalarType dtype() const { return scalar_type(); }
  Device device() const;
  Layout layout() const { return kStrided; }
  TensorOptions options() const { return TensorOptions(scalar_type()).device(device()); }
  bool is_floating_point() const { return isFloatingType(scalar_type()); }
  bool is_complex() const { return false; }
  bool is_cpu() const { return true; }
  bool is_cuda() const { return false; }
  std::string toString() const;

  // ---- elements --------------------------------------------------------------------------------------
  void* data_ptr() const;
  /// Errors: ct::TypeError if T is not the element type ("expected scalar type Float but found Double").
  template <class T>
  T* data_ptr() const { return static_cast<T*>(typed_data(dtype_of<T>())); }
  template <class T>
  const T* const_data_ptr() const { return data_ptr<T>(); }
  /// a[i][j] on the elements; valid as long as this tensor and its geometry.
  /// Errors: ct::TypeError for another element type, ct::Error for another number of dimensions.
  template <class T, std::size_t N>
  TensorAccessor<T, N> accessor() const& {
    static_assert(N > 0, "a 0-dim tensor has one element: use item<T>()");
    CT_CHECK(dim() == static_cast<std::int64_t>(N), "accessor: TensorAccessor expected ", N, " dims but tensor has ", dim());
    return {data_ptr<T>(), sizes().data(), strides().data()};
  }
  template <class T, std::size_t N>
  TensorAccessor<T, N> accessor() && = delete;  // the sizes of a temporary such as x.t() end with it: give it a name
  /// The one element. Errors: ct::Error "a Tensor with 2 elements cannot be converted to Scalar".
  Scalar item() const;
  template <class T>
  T item() const { return item().to<T>(); }
  /// Python's truth value. Errors: ct::Error "Boolean value of Tensor with more than one value is ambiguous".
  bool is_nonzero() const;

  // ---- autograd ----------------------------------------------------------------------------------------
  bool requires_grad() const;
  /// Errors: ct::Error if this is a non-leaf and v is false, or if the dtype has no gradients.
  const Tensor& requires_grad_(bool v = true) const;
  const Tensor& set_requires_grad(bool v) const { return requires_grad_(v); }
  bool is_leaf() const;
  /// The accumulated gradient of a leaf; undefined (Python's None) if there is none. Warns on a non-leaf.
  const Tensor& grad() const;
  /// For resetting or replacing: x.mutable_grad().reset() is Python's x.grad = None.
  Tensor& mutable_grad() const;
  /// Python's x.grad = g. Errors: ct::Error if size or dtype differ from this tensor's.
  void set_grad(const Tensor& g) const;
  /// The node that produced this tensor; null for leaves.
  NodePtr grad_fn() const;
  std::uint32_t output_nr() const;
  /// Accumulates d(this)/d(leaf), weighted by `gradient` (the cotangent v; 1 for a one-element tensor), into .grad of
  /// the leaves, or of `inputs` only.
  ///   leaf.grad += v^T J
  /// Errors: ct::Error for a non-scalar without gradient, a wrong shape, a graph already freed, nothing tracked.
  void backward(const Tensor& gradient = {}, std::optional<bool> retain_graph = std::nullopt, bool create_graph = false,
                std::optional<TensorList> inputs = std::nullopt) const;
  /// Keeps .grad of a non-leaf after backward.
  void retain_grad() const;
  bool retains_grad() const;
  /// Calls hook(g) with each gradient g of this tensor, complete, before it goes on and before it is added to .grad;
  /// hooks run in the order of registration. A hook returns the gradient to use in place of g (same shape and dtype), or
  /// an undefined tensor, or nothing (void). It must not change g in place, may run backward itself, and may remove or
  /// add hooks (those added run from the next backward on). After a write in place, earlier hooks still see the gradient
  /// of the former value. A hook on a leaf that captures this leaf keeps it alive until it is removed.
  /// Errors: ct::Error if this does not require grad; in backward if a result has another shape or dtype.
  template <class F>
    requires(std::is_invocable_v<std::decay_t<F>&, const Tensor&>)
  RemovableHandle register_hook(F&& hook) const {
    if constexpr (std::is_void_v<std::invoke_result_t<std::decay_t<F>&, const Tensor&>>)
      return add_hook(Callback<Tensor(const Tensor&)>([f = std::decay_t<F>(std::forward<F>(hook))](const Tensor& g) mutable {
        f(g);
        return Tensor();
      }));
    else return add_hook(Callback<Tensor(const Tensor&)>(std::forward<F>(hook)));
  }
  /// Removes a hook by the number that registering gave. Errors: ct::Error for a number that was never given.
  void remove_hook(unsigned hook) const;
  /// Calls hook(*this) after backward has added to .grad of this leaf. The same as to capturing applies.
  /// Errors: ct::Error if this is no leaf, or does not require grad.
  RemovableHandle register_post_accumulate_grad_hook(Callback<void(const Tensor& leaf)> hook) const;
  /// An alias without history; shares memory and version counter.
  Tensor detach() const;
  /// Cuts this tensor itself out of the graph. Errors: ct::Error on a view.
  Tensor& detach_() const;
  /// An alias with a version counter of its own: edits through it go unnoticed by backward (see the clinic, lesson 17).
  Tensor data() const { return variable_data(); }
  Tensor variable_data() const;
  Tensor tensor_data() const { return variable_data(); }
  bool is_view() const;
  /// The tensor this one is a view of. Errors: ct::Error if it is none.
  const Tensor& _base() const;
  std::int64_t _version() const;
  bool is_inference() const;

  // ---- dtype and layout ------------------------------------------------------------------------------------
  Tensor to(ScalarType dtype, bool non_blocking = false, bool copy = false) const;
  Tensor to(Device device, ScalarType dtype, bool non_blocking = false, bool copy = false) const;
  Tensor to(Device device, bool non_blocking = false, bool copy = false) const;
  Tensor to(const TensorOptions& options, bool non_blocking = false, bool copy = false) const;
  CT_DOOR Tensor to(const Tensor& other) const { return to(other.scalar_type()); }
  CT_DOOR Tensor type_as(const Tensor& other) const { return to(other.scalar_type()); }
  CT_DOOR Tensor toType(ScalarType t) const { return to(t); }
  CT_DOOR Tensor cpu() const { return *this; }
  CT_DOOR Tensor cuda() const { return to(Device(kCUDA)); }
  Tensor contiguous() const;
  CT_DOOR Tensor clone() const { return ct::clone(*this); }
  Tensor& copy_(const Tensor& src, bool non_blocking = false) const;

  // ---- views that libtorch has only as methods ------------------------------------------------------------------
  Tensor view(IntArrayRef size) const;
  /// Reinterprets the elements as another dtype of the same size.
  Tensor view(ScalarType dtype) const;
  CT_DOOR Tensor view_as(const Tensor& o) const { return view(o.sizes()); }
  CT_DOOR Tensor reshape_as(const Tensor& o) const { return ct::reshape(*this, o.sizes()); }
  Tensor expand(IntArrayRef size, bool implicit = false) const;
  CT_DOOR Tensor expand_as(const Tensor& o) const { return expand(o.sizes()); }
  Tensor repeat(IntArrayRef repeats) const;
  Tensor unfold(std::int64_t dimension, std::int64_t size, std::int64_t step) const;
  Tensor sum_to_size(IntArrayRef size) const;
  CT_DOOR Tensor mT() const { return ct::transpose(*this, -2, -1); }
  CT_DOOR Tensor mH() const { return mT(); }
  CT_DOOR Tensor H() const { return ct::t(*this); }
  Tensor T() const;
  Tensor& resize_(IntArrayRef size) const;
  Tensor& squeeze_() const;
  Tensor& squeeze_(std::int64_t dim) const;
  Tensor& unsqueeze_(std::int64_t dim) const;
  Tensor& transpose_(std::int64_t dim0, std::int64_t dim1) const;
  Tensor& t_() const;

  // ---- indexing ---------------------------------------------------------------------------------------------------
  Tensor operator[](std::int64_t index) const;
  Tensor operator[](const Tensor& index) const;
  /// x.index({Slice(0, 2), "...", None, mask}): integers, slices, ... and None give a view; masks and index tensors a copy.
  Tensor index(std::initializer_list<indexing::TensorIndex> indices) const;
  Tensor index(ArrayRef<indexing::TensorIndex> indices) const;
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Tensor& rhs) const;
  Tensor& index_put_(std::initializer_list<indexing::TensorIndex> indices, const Scalar& v) const;
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Tensor& rhs) const;
  Tensor& index_put_(ArrayRef<indexing::TensorIndex> indices, const Scalar& v) const;

  // ---- in place: the result is rounded to this tensor's dtype; shapes may not grow ---------------------------------------
#define CT_INPLACE_UNARY(X)                                                                                               \
  X(abs_) X(acos_) X(acosh_) X(asin_) X(asinh_) X(atan_) X(atanh_) X(bitwise_not_) X(ceil_) X(cos_) X(cosh_) X(digamma_)  \
  X(erf_) X(erfc_) X(erfinv_) X(exp_) X(exp2_) X(expm1_) X(floor_) X(frac_) X(hardsigmoid_) X(hardswish_) X(lgamma_)      \
  X(log_) X(log10_) X(log1p_) X(log2_) X(logical_not_) X(mish_) X(neg_) X(reciprocal_) X(relu_) X(round_) X(rsqrt_)       \
  X(selu_) X(sigmoid_) X(sign_) X(silu_) X(sin_) X(sinc_) X(sinh_) X(sqrt_) X(square_) X(tan_) X(tanh_) X(trunc_)
#define CT_X(name) Tensor& name() const;
  CT_INPLACE_UNARY(CT_X)
#undef CT_X
#define CT_INPLACE_BINARY(X)                                                                                          \
  X(mul_) X(div_) X(floor_divide_) X(remainder_) X(fmod_) X(pow_) X(eq_) X(ne_) X(lt_) X(le_) X(gt_) X(ge_)
#define CT_X(name) Tensor& name(const Tensor& other) const; Tensor& name(const Scalar& other) const;
  CT_INPLACE_BINARY(CT_X)
#undef CT_X
  Tensor& add_(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor& add_(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor& sub_(const Tensor& other, const Scalar& alpha = 1) const;
  Tensor& sub_(const Scalar& other, const Scalar& alpha = 1) const;
  Tensor& div_(const Tensor& other, std::optional<std::string_view> rounding_mode) const;
  Tensor& atan2_(const Tensor& other) const;
  Tensor& logical_and_(const Tensor& other) const;
  Tensor& logical_or_(const Tensor& other) const;
  Tensor& logical_xor_(const Tensor& other) const;
  Tensor& bitwise_and_(const Tensor& other) const;
  Tensor& bitwise_or_(const Tensor& other) const;
  Tensor& bitwise_xor_(const Tensor& other) const;
  Tensor& clamp_(const std::optional<Scalar>& min = std::nullopt, const std::optional<Scalar>& max = std::nullopt) const;
  Tensor& clamp_min_(const Scalar& min) const;
  Tensor& clamp_max_(const Scalar& max) const;
  Tensor& leaky_relu_(const Scalar& negative_slope = 0.01) const;
  Tensor& elu_(const Scalar& alpha = 1, const Scalar& scale = 1, const Scalar& input_scale = 1) const;
  Tensor& nan_to_num_(std::optional<double> nan = std::nullopt, std::optional<double> posinf = std::nullopt,
                      std::optional<double> neginf = std::nullopt) const;
  Tensor& addcmul_(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1) const;
  Tensor& addcdiv_(const Tensor& tensor1, const Tensor& tensor2, const Scalar& value = 1) const;
  Tensor& lerp_(const Tensor& end, const Tensor& weight) const;
  Tensor& lerp_(const Tensor& end, const Scalar& weight) const;
  Tensor& fill_(const Scalar& value) const;
  Tensor& fill_(const Tensor& value) const;
  Tensor& zero_() const;
  Tensor& fill_diagonal_(const Scalar& value) const;
  Tensor& masked_fill_(const Tensor& mask, const Scalar& value) const;
  Tensor& masked_fill_(const Tensor& mask, const Tensor& value) const;
  Tensor& masked_scatter_(const Tensor& mask, const Tensor& source) const;
  Tensor& index_add_(std::int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha = 1) const;
  Tensor& index_copy_(std::int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor& index_fill_(std::int64_t dim, const Tensor& index, const Scalar& value) const;
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Tensor& src) const;
  Tensor& scatter_(std::int64_t dim, const Tensor& index, const Scalar& value) const;
  Tensor& scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& src) const;
  Tensor& cumsum_(std::int64_t dim) const;
  Tensor& cumprod_(std::int64_t dim) const;
  Tensor& tril_(std::int64_t diagonal = 0) const;
  Tensor& triu_(std::int64_t diagonal = 0) const;
  Tensor& addmm_(const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1, const Scalar& alpha = 1) const;

  // ---- in place: random numbers (the generator is the default one unless given) -------------------------------------------
  Tensor& normal_(double mean = 0, double std = 1, std::optional<Generator> generator = std::nullopt) const;
  Tensor& uniform_(double from = 0, double to = 1, std::optional<Generator> generator = std::nullopt) const;
  Tensor& bernoulli_(double p = 0.5, std::optional<Generator> generator = std::nullopt) const;
  Tensor& bernoulli_(const Tensor& p, std::optional<Generator> generator = std::nullopt) const;
  Tensor& exponential_(double lambd = 1, std::optional<Generator> generator = std::nullopt) const;
  Tensor& random_(std::optional<Generator> generator = std::nullopt) const;
  Tensor& random_(std::int64_t to, std::optional<Generator> generator = std::nullopt) const;
  Tensor& random_(std::int64_t from, std::int64_t to, std::optional<Generator> generator = std::nullopt) const;
  Tensor& cauchy_(double median = 0, double sigma = 1, std::optional<Generator> generator = std::nullopt) const;
  Tensor& log_normal_(double mean = 1, double std = 2, std::optional<Generator> generator = std::nullopt) const;
  Tensor& geometric_(double p, std::optional<Generator> generator = std::nullopt) const;

  // ---- new tensors of the same dtype -----------------------------------------------------------------------------------------
  Tensor new_empty(IntArrayRef size, const TensorOptions& o = {}) const;
  Tensor new_zeros(IntArrayRef size, const TensorOptions& o = {}) const;
  Tensor new_ones(IntArrayRef size, const TensorOptions& o = {}) const;
  Tensor new_full(IntArrayRef size, const Scalar& v, const TensorOptions& o = {}) const;

  CT_DOOR Tensor& operator+=(const Tensor& o) { return add_(o); }
  CT_DOOR Tensor& operator+=(const Scalar& o) { return add_(o); }
  CT_DOOR Tensor& operator-=(const Tensor& o) { return sub_(o); }
  CT_DOOR Tensor& operator-=(const Scalar& o) { return sub_(o); }
  CT_DOOR Tensor& operator*=(const Tensor& o) { return mul_(o); }
  CT_DOOR Tensor& operator*=(const Scalar& o) { return mul_(o); }
  CT_DOOR Tensor& operator/=(const Tensor& o) { return div_(o); }
  CT_DOOR Tensor& operator/=(const Scalar& o) { return div_(o); }

#include "cotangent/tensor_methods.inc"

  // ---- for the library itself ---------------------------------------------------------------------------------------------------
  detail::TensorImpl* unsafeGetTensorImpl() const noexcept { return impl_; }
  /// Takes over one reference.
  static Tensor wrap(detail::TensorImpl* impl) noexcept { Tensor t; t.impl_ = impl; return t; }
  detail::TensorImpl* release() noexcept { detail::TensorImpl* p = impl_; impl_ = nullptr; return p; }

 private:
  void* typed_data(ScalarType expected) const;
  RemovableHandle add_hook(Callback<Tensor(const Tensor&)> hook) const;

  detail::TensorImpl* impl_;
};

/// Prints as Python does: tensor([1., 2.], requires_grad=True).
CT_API std::ostream& operator<<(std::ostream& out, const Tensor& t);
/// The text that operator<< writes.
CT_API std::string to_string(const Tensor& t);

template <detail::Flag B> CT_DOOR Tensor var(const Tensor& self, B unbiased) { return detail::var(self, unbiased); }
template <detail::Flag B> CT_DOOR Tensor std(const Tensor& self, B unbiased) { return detail::std(self, unbiased); }
template <detail::Flag B> CT_DOOR std::tuple<Tensor, Tensor> var_mean(const Tensor& self, B unbiased) { return detail::var_mean(self, unbiased); }
template <detail::Flag B> CT_DOOR std::tuple<Tensor, Tensor> std_mean(const Tensor& self, B unbiased) { return detail::std_mean(self, unbiased); }

// ---- operators ---------------------------------------------------------------------------------------------------------------------
#define CT_BINARY_OPERATOR(op, function)                                                              \
  CT_DOOR Tensor operator op(const Tensor& a, const Tensor& b) { return function(a, b); }              \
  CT_DOOR Tensor operator op(const Tensor& a, const Scalar& b) { return function(a, b); }
CT_BINARY_OPERATOR(+, add)
CT_BINARY_OPERATOR(-, sub)
CT_BINARY_OPERATOR(*, mul)
CT_BINARY_OPERATOR(/, div)
CT_BINARY_OPERATOR(%, remainder)
CT_BINARY_OPERATOR(==, eq)
CT_BINARY_OPERATOR(!=, ne)
CT_BINARY_OPERATOR(<, lt)
CT_BINARY_OPERATOR(<=, le)
CT_BINARY_OPERATOR(>, gt)
CT_BINARY_OPERATOR(>=, ge)
#undef CT_BINARY_OPERATOR
CT_DOOR Tensor operator+(const Scalar& a, const Tensor& b) { return add(b, a); }
CT_DOOR Tensor operator-(const Scalar& a, const Tensor& b) { return rsub(b, a); }
CT_DOOR Tensor operator*(const Scalar& a, const Tensor& b) { return mul(b, a); }
CT_DOOR Tensor operator/(const Scalar& a, const Tensor& b) { return mul(reciprocal(b), a); }
CT_DOOR Tensor operator<(const Scalar& a, const Tensor& b) { return gt(b, a); }
CT_DOOR Tensor operator<=(const Scalar& a, const Tensor& b) { return ge(b, a); }
CT_DOOR Tensor operator>(const Scalar& a, const Tensor& b) { return lt(b, a); }
CT_DOOR Tensor operator>=(const Scalar& a, const Tensor& b) { return le(b, a); }
CT_DOOR Tensor operator-(const Tensor& a) { return neg(a); }
CT_DOOR Tensor operator~(const Tensor& a) { return bitwise_not(a); }
CT_DOOR Tensor operator!(const Tensor& a) { return logical_not(a); }
CT_DOOR Tensor operator&(const Tensor& a, const Tensor& b) { return bitwise_and(a, b); }
CT_DOOR Tensor operator|(const Tensor& a, const Tensor& b) { return bitwise_or(a, b); }
CT_DOOR Tensor operator^(const Tensor& a, const Tensor& b) { return bitwise_xor(a, b); }

// ---- from values -----------------------------------------------------------------------------------------------------------------------

namespace detail {

// Nested braces of numbers: the shape and the elements of ct::tensor({{1, 2}, {3, 4}}).
class CT_API TensorData {
 public:
  template <class T>
    requires(std::is_arithmetic_v<T>)
  TensorData(T v) : kind_(std::is_floating_point_v<T> ? kDouble : std::is_same_v<T, bool> ? kBool : kLong), scalar_(v) {}
  TensorData(Half v) : kind_(kDouble), scalar_(v) {}
  TensorData(BFloat16 v) : kind_(kDouble), scalar_(v) {}
  TensorData(std::initializer_list<TensorData> list) : kind_(kDouble), list_(list), is_list_(true) {}
  template <class T>
  TensorData(const std::vector<T>& v) : TensorData(ArrayRef<T>(v)) {}
  TensorData(const std::vector<bool>& v) : kind_(kBool), bools_(&v), is_list_(true) {}
  template <class T>
  TensorData(ArrayRef<T> v) : kind_(dtype_of<T>()), row_(v.data()), row_size_(static_cast<std::int64_t>(v.size())), is_list_(true) {}
  template <class T>
  TensorData(std::span<const T> v) : TensorData(ArrayRef<T>(v)) {}

  friend CT_API Tensor make_tensor(const TensorData& data, const TensorOptions& options);

 private:
  struct Walk;
  ScalarType kind_;
  Scalar scalar_;
  std::initializer_list<TensorData> list_;
  const std::vector<bool>* bools_ = nullptr;
  const void* row_ = nullptr;
  std::int64_t row_size_ = 0;
  bool is_list_ = false;
};
CT_API Tensor make_tensor(const TensorData& data, const TensorOptions& options);

}  // namespace detail

/// A new leaf from numbers, nested braces, a vector or a span; the elements are copied.
/// Dtype unless given: integers kLong, floating the default dtype, bools kBool (as Python infers).
/// Errors: ct::Error if the braces are ragged.
inline Tensor tensor(const detail::TensorData& data, const TensorOptions& options = {}) { return detail::make_tensor(data, options); }
template <class T>
  requires(std::is_arithmetic_v<T>)
Tensor tensor(std::initializer_list<T> list, const TensorOptions& options = {}) {
  return detail::make_tensor(detail::TensorData(ArrayRef<T>(list)), options.has_dtype() ? options : options.dtype(
      std::is_same_v<T, bool> ? kBool : std::is_floating_point_v<T> ? get_default_dtype() : kLong));
}
inline Tensor tensor(std::initializer_list<detail::TensorData> list, const TensorOptions& options = {}) {
  return detail::make_tensor(detail::TensorData(list), options);
}

/// A tensor over the caller's memory, which must outlive it; dtype from options (default dtype if not given).
inline Tensor from_blob(void* data, IntArrayRef sizes, const TensorOptions& options = {}) {
  return detail::from_blob(data, sizes, nullptr, nullptr, nullptr, options);
}
inline Tensor from_blob(void* data, IntArrayRef sizes, IntArrayRef strides, const TensorOptions& options = {}) {
  return detail::from_blob(data, sizes, &strides, nullptr, nullptr, options);
}
/// The same, and deleter(data) is called when the last tensor on this memory is gone.
template <class Deleter>
  requires(std::is_invocable_v<Deleter, void*>)
Tensor from_blob(void* data, IntArrayRef sizes, Deleter deleter, const TensorOptions& options = {}) {
  struct Context { Deleter deleter; void* data; };
  auto* context = new Context{static_cast<Deleter&&>(deleter), data};
  try {
    return detail::from_blob(data, sizes, nullptr, [](void* c) {
      auto* context = static_cast<Context*>(c);
      context->deleter(context->data);
      delete context;
    }, context, options);
  } catch (...) {  // the memory stays the caller's
    delete context;
    throw;
  }
}

}  // namespace ct
