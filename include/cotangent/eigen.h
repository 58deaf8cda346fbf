// cotangent/eigen.h -- tensors as Eigen's matrices and back, without copies. Optional: it needs Eigen 3.3 or later.
#pragma once

#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#elif __has_include(<eigen3/Eigen/Core>)
#include <eigen3/Eigen/Core>
#else
#error "cotangent/eigen.h needs Eigen: apt-get install libeigen3-dev"
#endif

#include "cotangent/tensor.h"

namespace ct {

template <class T>
using EigenMatrix = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>, Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
template <class T>
using EigenVector = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>, Eigen::Unaligned, Eigen::InnerStride<Eigen::Dynamic>>;

/// A tensor with two dimensions as a matrix on the same memory, whatever its strides; valid as long as that memory. Writing
/// through it is seen by no version counter.
///   auto m = ct::as_eigen<float>(x);  m *= 2;
/// Errors: ct::TypeError if T is not the element type; ct::Error for another number of dimensions.
template <class T>
EigenMatrix<T> as_eigen(const Tensor& x) {
  CT_CHECK(x.dim() == 2, "as_eigen: expected 2 dimensions but the tensor has ", x.dim(), "\n  as_eigen_vector is for one, and reshape() makes two of more.");
  return {x.data_ptr<T>(), x.size(0), x.size(1), Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(x.stride(1), x.stride(0))};
}
/// The same for one dimension.
template <class T>
EigenVector<T> as_eigen_vector(const Tensor& x) {
  CT_CHECK(x.dim() == 1, "as_eigen_vector: expected 1 dimension but the tensor has ", x.dim());
  return {x.data_ptr<T>(), x.size(0), Eigen::InnerStride<Eigen::Dynamic>(x.stride(0))};
}

/// A tensor [rows, cols] on the memory of a matrix (of a row-major or column-major one, a block, a map), which must outlive it.
/// A vector gives one dimension. Expressions have no memory: use to_tensor.
template <class Derived>
  requires(static_cast<bool>(Derived::Flags & Eigen::DirectAccessBit))
Tensor from_eigen(Eigen::DenseBase<Derived>& m) {
  Derived& d = m.derived();
  auto* data = const_cast<typename Derived::Scalar*>(d.data());
  const auto options = dtype(dtype_of<typename Derived::Scalar>());
  if (d.size() == 0) return Derived::IsVectorAtCompileTime ? empty({d.size()}, options) : empty({d.rows(), d.cols()}, options);
  if constexpr (Derived::IsVectorAtCompileTime) return from_blob(data, {d.size()}, {d.innerStride()}, options);
  else return from_blob(data, {d.rows(), d.cols()}, {d.rowStride(), d.colStride()}, options);
}
/// A new tensor [rows, cols] with the values of any matrix expression; one dimension for a vector.
template <class Derived>
Tensor to_tensor(const Eigen::DenseBase<Derived>& m) {
  using T = typename Derived::Scalar;
  Tensor out = empty({m.rows(), m.cols()}, dtype(dtype_of<T>()));
  as_eigen<T>(out) = m.derived().matrix();
  return Derived::IsVectorAtCompileTime ? out.reshape({m.size()}) : out;
}

}  // namespace ct
