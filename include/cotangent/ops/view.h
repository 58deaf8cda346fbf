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
// A view looks at the same elements: writing to it writes to its base, and the gradient of the base is that of the view,
// put back where the view looks. Dims may be negative, as in Python.
// Errors: IndexError "Dimension out of range (expected to be in range of [-2, 1], but got 2)".

/// The elements in row-major order in another shape of as many; one size may be -1. reshape, flatten and ravel copy if no
/// view can show that order; unflatten does not.
/// Errors: Error "shape '[2, 2]' is invalid for input of size 6".   Gradient: g in the shape of self.
CT_API Tensor reshape(const Tensor& self, IntArrayRef shape);
CT_API Tensor flatten(const Tensor& self, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
CT_API Tensor unflatten(const Tensor& self, std::int64_t dim, IntArrayRef sizes);
CT_API Tensor ravel(const Tensor& self);
/// The dims in another order. t: of a matrix its transpose, of a vector itself.
/// Errors: Error "t() expects a tensor with <= 2 dimensions, but self is 3D"; a dim named twice.   Gradient: g, order undone.
CT_API Tensor t(const Tensor& self);
CT_API Tensor transpose(const Tensor& self, std::int64_t dim0, std::int64_t dim1);
CT_API Tensor permute(const Tensor& self, IntArrayRef dims);
CT_API Tensor movedim(const Tensor& self, IntArrayRef source, IntArrayRef destination);
CT_API Tensor swapaxes(const Tensor& self, std::int64_t axis0, std::int64_t axis1);
CT_API Tensor swapdims(const Tensor& self, std::int64_t dim0, std::int64_t dim1);
/// Without dims of size 1 (all of them, or one if it has size 1); with a new one.   Gradient: g in the shape of self.
CT_API Tensor squeeze(const Tensor& self);
CT_API Tensor squeeze(const Tensor& self, std::int64_t dim);
CT_API Tensor unsqueeze(const Tensor& self, std::int64_t dim);
/// Repeats dims of size 1 without copying. Such a tensor cannot be written to.   Gradient: g, summed over what was repeated.
CT_API Tensor broadcast_to(const Tensor& self, IntArrayRef size);
CT_API std::vector<Tensor> broadcast_tensors(TensorList tensors);
/// Parts: `length` entries from `start` on; one entry, which drops the dim; Python's start:end:step, which never fails for
/// bounds; the entries [i, i + offset] of two dims, as a new last dim.   Gradient: g there, 0 elsewhere.
/// Errors: IndexError "index 5 is out of bounds for dimension 0 with size 3"; ValueError for a step that is not positive.
CT_API Tensor narrow(const Tensor& self, std::int64_t dim, std::int64_t start, std::int64_t length);
CT_API Tensor select(const Tensor& self, std::int64_t dim, std::int64_t index);
CT_API Tensor slice(const Tensor& self, std::int64_t dim = 0, std::optional<std::int64_t> start = std::nullopt,
                    std::optional<std::int64_t> end = std::nullopt, std::int64_t step = 1);
CT_API Tensor diagonal(const Tensor& self, std::int64_t offset = 0, std::int64_t dim1 = 0, std::int64_t dim2 = 1);
/// Sizes and strides as given, storage_offset counted from the start of the memory (default: where self starts).
/// Gradient: g, added at each place in memory that the result shows; elements of self that share a place get equal parts.
/// Errors: Error if it would leave the memory, or for negative strides.
CT_API Tensor as_strided(const Tensor& self, IntArrayRef size, IntArrayRef stride, std::optional<std::int64_t> storage_offset = std::nullopt);
/// An alias without history, which shares memory and version counter.
CT_API Tensor detach(const Tensor& self);
/// A copy; keeps the order of dims in memory.   Gradient: g.
CT_API Tensor clone(const Tensor& self);

// ---- splitting and joining ----------------------------------------------------------------------------------
/// Views of parts along a dim: of a given size (the last one may be smaller), of given sizes, or in `chunks` parts at most;
/// unbind drops the dim. In place changes of them are refused while gradients are tracked; those of tensor_split are not.
/// Gradient: the parts' gradients joined, zeros where none arrived.   Errors: Error for sizes that do not add up.
CT_API std::vector<Tensor> split(const Tensor& self, std::int64_t split_size, std::int64_t dim = 0);
CT_API std::vector<Tensor> split(const Tensor& self, IntArrayRef split_sizes, std::int64_t dim = 0);
CT_API std::vector<Tensor> split_with_sizes(const Tensor& self, IntArrayRef split_sizes, std::int64_t dim = 0);
CT_API std::vector<Tensor> chunk(const Tensor& self, std::int64_t chunks, std::int64_t dim = 0);
CT_API std::vector<Tensor> tensor_split(const Tensor& self, std::int64_t sections, std::int64_t dim = 0);
CT_API std::vector<Tensor> tensor_split(const Tensor& self, IntArrayRef indices, std::int64_t dim = 0);
CT_API std::vector<Tensor> unbind(const Tensor& self, std::int64_t dim = 0);
/// One after the other along a dim (cat) or a new dim (stack); dtypes are promoted. cat skips empty vectors.
/// hstack, vstack, dstack and column_stack are NumPy's.   Gradient: each input gets its part of g.
/// Errors: Error "Sizes of tensors must match except in dimension 1"; "stack expects each tensor to be equal size".
CT_API Tensor cat(TensorList tensors, std::int64_t dim = 0);
CT_API Tensor concat(TensorList tensors, std::int64_t dim = 0);
CT_API Tensor stack(TensorList tensors, std::int64_t dim = 0);
CT_API Tensor hstack(TensorList tensors);
CT_API Tensor vstack(TensorList tensors);
CT_API Tensor dstack(TensorList tensors);
CT_API Tensor column_stack(TensorList tensors);
/// Copies in another order: reversed; shifted around (over all elements if no dims are given); turned by k right angles.
/// Gradient: g in the old order.
CT_API Tensor flip(const Tensor& self, IntArrayRef dims);
CT_API Tensor roll(const Tensor& self, IntArrayRef shifts, IntArrayRef dims = {});
CT_API Tensor rot90(const Tensor& self, std::int64_t k = 1, IntArrayRef dims = {0, 1});
/// Copies side by side (see Tensor::repeat); each entry several times.   Gradient: g, summed over the copies.
CT_API Tensor tile(const Tensor& self, IntArrayRef dims);
CT_API Tensor repeat_interleave(const Tensor& self, std::int64_t repeats, std::optional<std::int64_t> dim = std::nullopt);
CT_API Tensor repeat_interleave(const Tensor& self, const Tensor& repeats, std::optional<std::int64_t> dim = std::nullopt);
/// Coordinates of a grid: for each vector a tensor of all sizes, as views. "xy" swaps the first two dims.
/// cartesian_prod: the same as rows of one matrix.
CT_API std::vector<Tensor> meshgrid(TensorList tensors, std::string_view indexing = "ij");
CT_API Tensor cartesian_prod(TensorList tensors);
/// A view with dims of size 1 in front, if there are too few.
CT_API Tensor atleast_1d(const Tensor& self);
CT_API Tensor atleast_2d(const Tensor& self);

// ---- indexing ------------------------------------------------------------------------------------------------
// Copies; see Tensor::index for brackets. Index tensors are integers, masks are kBool.
// Errors: IndexError "index 5 is out of bounds for dimension 0 with size 3", before anything is written.

/// y[.., j, ..] = self[.., index[j], ..] for a vector of indices.   Gradient: index_add(0, dim, index, g).
CT_API Tensor index_select(const Tensor& self, std::int64_t dim, const Tensor& index);
/// The elements under a mask, as a vector; self and mask broadcast.   Gradient: g under the mask, 0 elsewhere.
CT_API Tensor masked_select(const Tensor& self, const Tensor& mask);
/// By row-major number; negative ones count from the end.   Gradient: added up at the index.
CT_API Tensor take(const Tensor& self, const Tensor& index);
/// One index for each element: y[i][j][k] = self[i][index[i][j][k]][k] for dim 1. take_along_dim broadcasts the other dims.
/// Gradient: scatter_add(0, dim, index, g).   Errors: Error if the index is larger than self in another dim.
CT_API Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<std::int64_t> dim = std::nullopt);
CT_API Tensor gather(const Tensor& self, std::int64_t dim, const Tensor& index);
/// Where elements are not zero: one row of coordinates each, or (where) one vector for each dim.
CT_API Tensor nonzero(const Tensor& self);
CT_API std::vector<Tensor> where(const Tensor& condition);
/// y = self, but y[i][index[i][j][k]][k] = src[i][j][k] for dim 1 (+= for scatter_add); of places named twice the last value
/// stays.   Gradient: self gets g (0 at the places written), src gets gather(g, dim, index).
CT_API Tensor scatter(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& src);
CT_API Tensor scatter(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value);
CT_API Tensor scatter_add(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& src);
/// y = self, but y[.., index[j], ..] += alpha * source[.., j, ..] (= for index_copy, = value for index_fill).
/// Gradient: self gets g (0 at the places written over), source gets alpha * index_select(g, dim, index).
CT_API Tensor index_add(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha = 1);
CT_API Tensor index_copy(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source);
CT_API Tensor index_fill(const Tensor& self, std::int64_t dim, const Tensor& index, const Scalar& value);
/// y = self, but `value`, or the next element of source, under the mask.
/// Gradient: self gets g (0 under the mask), a 0-dim value the sum of g under the mask, source those elements of g.
CT_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Scalar& value);
CT_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value);
CT_API Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);

// ---- triangles and diagonals ------------------------------------------------------------------------------------
/// Of the matrices in the last two dims the entries on and below (above) a diagonal, 0 elsewhere.   Gradient: the same of g.
CT_API Tensor tril(const Tensor& self, std::int64_t diagonal = 0);
CT_API Tensor triu(const Tensor& self, std::int64_t diagonal = 0);
/// diag: a vector on the diagonal of a matrix, or a copy of a matrix's diagonal; diag_embed: the last dim on the diagonal of
/// two new ones; block_diag: matrices along the diagonal of one.   Gradient: the entries of g where the elements went.
CT_API Tensor diag(const Tensor& self, std::int64_t diagonal = 0);
CT_API Tensor diag_embed(const Tensor& self, std::int64_t offset = 0, std::int64_t dim1 = -2, std::int64_t dim2 = -1);
CT_API Tensor block_diag(TensorList tensors);

}  // namespace ct
