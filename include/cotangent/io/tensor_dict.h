// cotangent/io/tensor_dict.h -- named tensors, which is what most files hold.
#pragma once

#include <string>

#include "cotangent/ordered_dict.h"
#include "cotangent/tensor.h"

namespace ct {

/// Named tensors in the order in which they were put in or stand in a file: what state_dict() returns.
using TensorDict = OrderedDict<std::string, Tensor>;
/// Notes that go with a file.
using Metadata = OrderedDict<std::string, std::string>;

}  // namespace ct
