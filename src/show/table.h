// show/table.h -- a tensor as an HTML table.
#pragma once

#include <string>

namespace ct {
class Tensor;

namespace detail {

/// A caption (shape, dtype, how it came about) and a table: of a matrix, of a vector as one row, of the first slices of
/// more dimensions. Of long dimensions the ends are shown. Empty for an undefined tensor and for one number.
std::string html_table(const Tensor& t);

}  // namespace detail
}  // namespace ct
