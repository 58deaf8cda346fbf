// cotangent/ops/view.h -- other looks at the same elements, joining, indexing, scattering.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "cotangent/array_ref.h"
#include "cotangent/scalar.h"

namespace ct {

class Tensor;
using TensorList = ArrayRef<Tensor>;
namespace indexing { class TensorIndex; }

// ---- views ----------------------------------------------------------------------------------------------
CT_API Tensor reshape(const Tensor& self, IntArrayRef shape);
CT_API Tensor flatten(const Tensor& self, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
CT_API Tensor unflatten(const Tensor& self, std::int64_t dim, IntArrayRef sizes);
CT_API Tensor ravel(const Tensor& self);
CT_API Tensor t(const Tensor& self);
CT_API Tensor transpose(const Tensor& self, std::int64_t dim0, std::int64_t dim1);
CT_API Tensor permute(const Tensor& self, IntArrayRef dims);
CT_API Tensor movedim(const Tensor& self, IntArrayRef source, IntArrayRef destination);
CT_API Tensor swapaxes(const Tensor& self, std::int64_t axis0, std::int64_t axis1);
CT_API Tensor swapdims(const Tensor& self, std::int64_t dim0, std::int64_t dim1);
CT_API Tensor squeeze(const Tensor& self);
CT_API Tensor squeeze(const Tensor& self, std::int64_t dim);
CT_API Tensor unsqueeze(const Tensor& self, std::int64_t dim);
CT_API Tensor broadcast_to(const Tensor& self, IntArrayRef size);
CT_API std::vector<Tensor> broadcast_tensors(TensorList tensors);
CT_API Tensor narrow(const Tensor& self, std::int64_t dim, std::int64_t start, std::int64_t length);
CT_API Tensor select(const Tensor& self, std::int64_t dim, std::int64_t index);
CT_API Tensor slice(const Tensor& self, std::int64_t dim = 0, std::optional<std::int64_t> start = std::nullopt,
                    std::optional<std::int64_t> end = std::nullopt, std::int64_t step = 1);
CT_API Tensor diagonal(const Tensor& self, std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1);
CT_API Tensor as_strided(const Tensor& self, IntArrayRef size, IntArrayRef stride, std::optional<std::int64_t> storage_offset = std::nullopt);
CT_API Tensor detach(const Tensor& self);
CT_API Tensor clone(const Tensor& self);

// ---- splitting and joining ----------------------------------------------------------------------------------
CT_API std::vector<Tensor> split(const Tensor& self, std::int64_t split_size, std::int64_t dim = 0);
CT_API std::vector<Tensor> split(const Tensor& self, IntArrayRef split_sizes, std::int64_t dim = 0);
CT_API std::vector<Tensor> split_with_sizes(const Tensor& self, IntArrayRef split_sizes, std::int64_t dim = 0);
CT_API std::vector<Tensor> chunk(const Tensor& self, std::int64_t chunks, std::int64_t dim = 0);
CT_API std::vector<Tensor> tensor_split(const Tensor& self, std::int64_t sections, std::int64_t dim = 0);
CT_API std::vector<Tensor> tensor_split(const Tensor& self, IntArrayRef indices, std::int64_t dim = 0);
CT_API std::vector<Tensor> unbind(const Tensor& self, std::int64_t dim = 0);
CT_API Tensor cat(TensorList tensors, std::int64_t dim = 0);
CT_API Tensor concat(TensorList tensors, std::int64_t dim = 0);
CT_API Tensor stack(TensorList tensors, std::int64_t dim = 0);
CT_API Tensor hstack(TensorList tensors);
CT_API Tensor vstack(TensorList tensors);
CT_API Tensor dstack(TensorList tensors);
CT_API Tensor column_stack(TensorList tensors);
CT_API Tensor flip(const Tensor& self, IntArrayRef dims);
CT_API Tensor roll(const Tensor& self, IntArrayRef shifts, IntArrayRef dims = {});
CT_API Tensor rot90(const Tensor& self, std::int64_t k = 1, IntArrayRef dims = {0, 1});
CT_API Tensor tile(const Tensor& self, IntArrayRef dims);
CT_API Tensor repeat_interleave(const Tensor& self, std::int64_t repeats, std::optional<std::int64_t> dim = std::nullopt);
CT_API Tensor repeat_interleave(const Tensor& self, const Tensor& repeats, std::optional<std::int64_t> dim = std::nullopt);
CT_API std::vector<Tensor> meshgrid(TensorList tensors, std::string_view indexing = "ij");
CT_API Tensor cartesian_prod(TensorList tensors);
CT_API Tensor atleast_1d(const Tensor& self);
CT_API Tensor atleast_2d(const Tensor& self);

// ---- indexing ------------------------------------------------------------------------------------------------
CT_API Tensor index_select(const Tensor& self, std::int64_t dim, const Tensor& index);
CT_API Tensor masked_select(const Tensor& self, const Tensor& mask);
CT_API Tensor take(const Tensor& self, const Tensor& index);
CT_API Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<std::int64_t> dim = std::nullopt);
CT_API Tensor gather(const Tensor& self, std::int64_t dim, const Tensor& index);
CT_API Tensor nonzero(const Tensor& self);
CT_API std::vector<Tensor> where(const Tensor& condition);
CT_API Tensor scatter(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& src);
CT_API Tensor scatter(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value);
CT_API Tensor scatter_add(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& src);
CT_API Tensor index_add(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha = 1);
CT_API Tensor index_copy(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source);
CT_API Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value);
CT_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Scalar& value);
CT_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value);
CT_API Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);

// ---- triangles and diagonals ------------------------------------------------------------------------------------
CT_API Tensor tril(const Tensor& self, std::int64_t diagonal = 0);
CT_API Tensor triu(const Tensor& self, std::int64_t diagonal = 0);
CT_API Tensor diag(const Tensor& self, std::int64_t diagonal = 0);
CT_API Tensor diag_embed(const Tensor& self, std::int64_t offset = 0, std::int64_t dim1 = -2, std::int64_t dim2 = -1);
CT_API Tensor block_diag(TensorList tensors);

}  // namespace ct
