// ops/indexing.cpp -- x.index({..}) and x.index_put_({..}, v).
#include "cotangent/indexing.h"

#include "ops/index_places.h"
#include "ops/op_list.h"

namespace ct {

Tensor Tensor::operator[](std::int64_t index) const {
  detail::check_defined("index", *this);
  CT_CHECK_INDEX(dim() > 0, "index: invalid index of a 0-dim tensor\n  Use tensor.item<T>() to convert a 0-dim tensor to a number.");
  return select(0, index);
}

}  // namespace ct
