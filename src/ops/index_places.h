// ops/index_places.h -- from index tensors to the places in memory that the kernels read and write.
#pragma once

#include "kernels/cpu/index.h"
#include "ops/view_attrs.h"

namespace ct::detail {

// Index tensors in int64, dense. Errors: IndexError if the dtype is no integer one.
Tensor to_index(const char* op, const Tensor& index);
// Errors: IndexError "index 5 is out of bounds for dimension 0 with size 3".
void check_index_range(const char* op, const Tensor& index, std::int64_t dim, std::int64_t size, bool negative = false);

// Places of x along one dim, at a dense one-dimensional int64 index that was checked. `offsets` keeps their memory.
kernels::Places places_along(const Tensor& x, std::int64_t dim, const Tensor& index, Tensor& offsets, bool negative = false);

// Row-major numbers of the elements of x that are not zero, as a vector.
Tensor true_positions(const Tensor& x);

// The value as one element of this dtype. Errors: Error "value cannot be converted to type Long without overflow".
Tensor number_as(const char* op, const Scalar& value, ScalarType dtype);

// src, or a copy of it if writing to self would change it.
inline Tensor apart_from(const Tensor& src, const Tensor& self) { return src.is_alias_of(self) ? src.clone() : src; }

}  // namespace ct::detail
