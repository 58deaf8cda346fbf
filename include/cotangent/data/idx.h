// cotangent/data/idx.h -- reading IDX files, the format of MNIST.
#pragma once

#include <string>

#include "cotangent/tensor.h"

namespace ct::data {

/// The array in an IDX file: two bytes 0, the type (8: kByte, 9: kChar, 11: kShort, 12: kInt, 13: kFloat, 14: kDouble), the number
/// of dimensions, the sizes as 32-bit numbers, the elements; all numbers have their highest byte first. No more is allocated than
/// the file has bytes.
/// Errors: ct::IoError with the file's name and the byte, if it cannot be read, is no IDX file, or has not the size that it says.
/// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
CT_API Tensor read_idx(const std::string& path);

}  // namespace ct::data
