// cotangent/mdspan.h -- the elements of tensors as std::span and as a view with several indices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "cotangent/tensor.h"

namespace ct {

/// All elements of a contiguous tensor; valid as long as its memory. Writing through it is seen by no version counter.
///   for (float& v : ct::as_span<float>(x)) v *= 2;
/// Errors: ct::TypeError if T is not the element type; ct::Error for a tensor that is not contiguous.
template <class T>
std::span<T> as_span(const Tensor& x) {
  CT_CHECK(x.is_contiguous(), "as_span: the tensor of sizes ", x.sizes(), " and strides ", x.strides(), " is not contiguous\n  Use contiguous() before, or as_mdspan.");
  return {static_cast<T*>(x.data_ptr<std::remove_const_t<T>>()), static_cast<std::size_t>(x.numel())};
}

/// N-dimensional view with sizes and strides of its own, in the manner of C++23's std::mdspan with a strided layout: m(i, j).
/// Any tensor fits, transposed and sliced ones too. It does not own the elements, and indices are not checked.
template <class T, std::size_t N>
class MdSpan {
 public:
  using element_type = T;
  using index_type = std::int64_t;
  MdSpan(T* data, const std::int64_t* sizes, const std::int64_t* strides) : data_(data) {
    for (std::size_t i = 0; i < N; ++i) {
      sizes_[i] = sizes[i];
      strides_[i] = strides[i];
    }
  }
  static constexpr std::size_t rank() { return N; }
  std::int64_t extent(std::size_t d) const { return sizes_[d]; }
  std::int64_t stride(std::size_t d) const { return strides_[d]; }
  std::int64_t size() const {
    std::int64_t n = 1;
    for (std::size_t i = 0; i < N; ++i) n *= sizes_[i];
    return n;
  }
  T* data_handle() const { return data_; }
  template <class... I>
    requires(sizeof...(I) == N && (std::is_integral_v<I> && ...))
  T& operator()(I... i) const {
    std::int64_t at = 0;
    std::size_t d = 0;
    ((at += static_cast<std::int64_t>(i) * strides_[d++]), ...);
    return data_[at];
  }

 private:
  T* data_;
  std::int64_t sizes_[N ? N : 1], strides_[N ? N : 1];
};

/// Errors: ct::TypeError if T is not the element type; ct::Error for another number of dimensions.
template <class T, std::size_t N>
MdSpan<T, N> as_mdspan(const Tensor& x) {
  CT_CHECK(x.dim() == static_cast<std::int64_t>(N), "as_mdspan: expected ", N, " dimensions but the tensor has ", x.dim());
  return {x.data_ptr<std::remove_const_t<T>>(), x.sizes().data(), x.strides().data()};
}

}  // namespace ct
