// cotangent/data/example.h -- one item of a dataset: what goes into a model, and what should come out.
#pragma once

#include <utility>

#include "cotangent/tensor.h"

namespace ct::data {

/// Data and target: `auto [x, y] = example;` takes them apart.
template <typename Data = Tensor, typename Target = Tensor>
struct Example {
  using DataType = Data;
  using TargetType = Target;

  Example() = default;
  Example(Data data, Target target) : data(std::move(data)), target(std::move(target)) {}

  Data data;
  Target target;
};

namespace example {
using NoTarget = void;
}

/// Data alone; converts to it.
template <typename Data>
struct Example<Data, example::NoTarget> {
  using DataType = Data;
  using TargetType = example::NoTarget;

  Example() = default;
  Example(Data data) : data(std::move(data)) {}
  operator Data&() { return data; }
  operator const Data&() const { return data; }

  Data data;
};

using TensorExample = Example<Tensor, example::NoTarget>;

namespace transforms {
/// Examples become one whose tensors have a further first dimension (transforms.h).
template <typename T = Example<>>
struct Stack;
}  // namespace transforms

namespace detail {
// Rows of a tensor by index, copied in one pass: what stacking row after row gives. Errors: ct::IndexError for a row that is not there.
CT_API Tensor rows(const Tensor& t, ArrayRef<std::size_t> indices);
// One row. Errors: the same.
CT_API Tensor row(const Tensor& t, std::size_t index);
}  // namespace detail

}  // namespace ct::data
