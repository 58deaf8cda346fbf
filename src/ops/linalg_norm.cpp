// ops/linalg_norm.cpp -- norms of matrices, composed of vector norms and singular values.
#include <cmath>

#include "ops/linalg_lapack.h"

namespace ct {

namespace {

void check_two_dims(const char* op, IntArrayRef dim) {
  CT_CHECK(dim.size() == 2, op, ": dim must be a 2-tuple. Got ", dim);
}

// Of order 1, -1: largest, smallest column sum; inf, -inf: row sum; 2, -2: singular value.
Tensor matrix_norm(const Tensor& self, double ord, IntArrayRef dim, bool keepdim) {
  check_two_dims("linalg.matrix_norm", dim);
  const double order = std::abs(ord);
  CT_CHECK(order == 1 || order == 2 || std::isinf(order), "linalg.matrix_norm: Order ", Scalar(ord), " not supported.\n  Matrix norms have order 1, -1, 2, -2, inf, -inf, \"fro\" or \"nuc\".");
  std::int64_t rows = detail::wrap_dim(dim[0], self.dim()), columns = detail::wrap_dim(dim[1], self.dim());
  CT_CHECK(rows != columns, "linalg.matrix_norm: dims must be different. Got (", dim[0], ", ", dim[1], ")");
  if (order == 2) {
    const Tensor S = linalg_svdvals(movedim(self, {rows, columns}, {-2, -1}));
    const Tensor y = ord > 0 ? S.amax({-1}) : S.amin({-1});
    return keepdim ? y.unsqueeze(std::min(rows, columns)).unsqueeze(std::max(rows, columns)) : y;
  }
  if (std::isinf(order)) std::swap(rows, columns);
  const Tensor sums = linalg_vector_norm(self, 1, IntArrayRef(rows), keepdim);
  const std::int64_t rest = keepdim || rows > columns ? columns : columns - 1;
  return ord > 0 ? sums.amax({rest}, keepdim) : sums.amin({rest}, keepdim);
}

}  // namespace

Tensor linalg_norm(const Tensor& self, const std::optional<Scalar>& ord, std::optional<IntArrayRef> dim, bool keepdim) {
  CT_CHECK(self.defined(), "linalg.norm: expected a tensor, but it is undefined");
  CT_CHECK_TYPE(self.is_floating_point(), "linalg.norm: Expected a floating point or complex tensor as input. Got ", self.scalar_type(), "\n  Convert first: x.to(ct::kFloat).");
  if (!ord) return linalg_vector_norm(self, 2, dim, keepdim);
  if (dim ? dim->size() == 2 : self.dim() == 2) {
    const std::int64_t last[] = {-2, -1};
    return matrix_norm(self, ord->toDouble(), dim.value_or(IntArrayRef(last)), keepdim);
  }
  CT_CHECK(dim ? dim->size() == 1 : self.dim() == 1, "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ", self.dim(),
           "D; a dim must have one or two elements.");
  return linalg_vector_norm(self, *ord, dim, keepdim);
}

Tensor linalg_matrix_norm(const Tensor& self, std::string_view ord) {
  CT_CHECK(self.defined() && self.dim() >= 2, "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.");
  CT_CHECK_TYPE(self.is_floating_point(), "linalg.matrix_norm: Expected a floating point or complex tensor as input. Got ", self.scalar_type());
  const std::int64_t last[] = {-2, -1};
  if (ord == "fro") return linalg_vector_norm(self, 2, IntArrayRef(last));
  CT_CHECK(ord == "nuc", "linalg.matrix_norm: Order ", ord, " not supported.\n  Expected \"fro\" or \"nuc\"; numbers go to linalg_norm.");
  return linalg_svdvals(self).sum(IntArrayRef{-1});
}

}  // namespace ct
