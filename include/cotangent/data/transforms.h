// cotangent/data/transforms.h -- what is done to examples and batches on their way from a dataset.
#pragma once

#include <memory>  // a function that copies with its transform
#include <vector>

#include "cotangent/data/example.h"

namespace ct::data::transforms {

namespace detail {
// Owns a callable, and copies are independent: each worker thread has its own, state and all.
template <class Signature>
class Function;
template <class R, class A>
class Function<R(A)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Function> && std::is_invocable_r_v<R, std::decay_t<F>&, A>)
  Function(F&& f) : held_(new Model<std::decay_t<F>>(std::forward<F>(f))) {}
  Function(const Function& o) : held_(o.held_->clone()) {}
  Function(Function&& o) noexcept = default;
  Function& operator=(Function o) noexcept { held_.swap(o.held_); return *this; }
  R operator()(A a) { return held_->call(std::move(a)); }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual Held* clone() const = 0;
    virtual R call(A a) = 0;
  };
  template <class F>
  struct Model final : Held {
    template <class G>
    explicit Model(G&& g) : f(std::forward<G>(g)) {}
    Held* clone() const override { return new Model(f); }
    R call(A a) override { return f(std::move(a)); }
    F f;
  };
  std::unique_ptr<Held> held_;
};
}  // namespace detail

/// From one batch to another.
template <typename InputBatch, typename OutputBatch>
class BatchTransform {
 public:
  using InputBatchType = InputBatch;
  using OutputBatchType = OutputBatch;

  virtual ~BatchTransform() = default;
  virtual OutputBatch apply_batch(InputBatch input_batch) = 0;
};

/// From one example to another.
template <typename Input, typename Output>
class Transform : public BatchTransform<std::vector<Input>, std::vector<Output>> {
 public:
  using InputType = Input;
  using OutputType = Output;

  virtual OutputType apply(InputType input) = 0;
  std::vector<Output> apply_batch(std::vector<Input> input_batch) override {
    std::vector<Output> out;
    out.reserve(input_batch.size());
    for (auto& input : input_batch) out.push_back(apply(std::move(input)));
    return out;
  }
};

/// A function of a batch.
template <typename Input, typename Output = Input>
class BatchLambda : public BatchTransform<Input, Output> {
 public:
  using FunctionType = detail::Function<Output(Input)>;
  explicit BatchLambda(FunctionType function) : function_(std::move(function)) {}
  Output apply_batch(Input input_batch) override { return function_(std::move(input_batch)); }

 private:
  FunctionType function_;
};

/// A function of an example.
template <typename Input, typename Output = Input>
class Lambda : public Transform<Input, Output> {
 public:
  using FunctionType = detail::Function<Output(Input)>;
  explicit Lambda(FunctionType function) : function_(std::move(function)) {}
  Output apply(Input input) override { return function_(std::move(input)); }

 private:
  FunctionType function_;
};

/// A batch of examples becomes one value.
template <typename T, typename BatchType = std::vector<T>>
using Collation = BatchTransform<BatchType, T>;
template <typename T, typename BatchType = std::vector<T>>
using Collate = BatchLambda<BatchType, T>;

/// Of each example's data; derived classes write operator().
template <typename Target = Tensor>
class TensorTransform : public Transform<Example<Tensor, Target>, Example<Tensor, Target>> {
 public:
  using E = Example<Tensor, Target>;
  virtual Tensor operator()(Tensor input) = 0;
  E apply(E input) override {
    input.data = (*this)(std::move(input.data));
    return input;
  }
};

template <typename Target = Tensor>
class TensorLambda : public TensorTransform<Target> {
 public:
  using FunctionType = detail::Function<Tensor(Tensor)>;
  explicit TensorLambda(FunctionType function) : function_(std::move(function)) {}
  Tensor operator()(Tensor input) override { return function_(std::move(input)); }

 private:
  FunctionType function_;
};

namespace detail {
CT_API Tensor channels(ArrayRef<double> v);  // [c, 1, 1], kFloat
CT_API Tensor stack(std::vector<Tensor> tensors);
}  // namespace detail

/// (x - mean) / stddev for images [c, h, w], with a number for each channel or one for all.
template <typename Target = Tensor>
struct Normalize : public TensorTransform<Target> {
  using StackedTransform = Normalize;
  Normalize(ArrayRef<double> mean, ArrayRef<double> stddev) : mean(detail::channels(mean)), stddev(detail::channels(stddev)) {}
  Tensor operator()(Tensor input) override { return input.sub(mean).div(stddev); }
  /// Whether a batch may be normalised as a whole: its rows have at least the dimensions of mean.
  bool fits_stacked(const Tensor& batch) const { return batch.dim() > mean.dim() && batch.dim() > stddev.dim(); }

  Tensor mean, stddev;
};

template <>
struct Stack<Example<>> : public Collation<Example<>> {
  Example<> apply_batch(std::vector<Example<>> examples) override {
    std::vector<Tensor> data, targets;
    data.reserve(examples.size()), targets.reserve(examples.size());
    for (auto& e : examples) data.push_back(std::move(e.data)), targets.push_back(std::move(e.target));
    return {detail::stack(std::move(data)), detail::stack(std::move(targets))};
  }
};

template <>
struct Stack<TensorExample> : public Collation<TensorExample> {
  TensorExample apply_batch(std::vector<TensorExample> examples) override {
    std::vector<Tensor> data;
    data.reserve(examples.size());
    for (auto& e : examples) data.push_back(std::move(e.data));
    return detail::stack(std::move(data));
  }
};

template <>
struct Stack<Tensor> : public Collation<Tensor> {
  Tensor apply_batch(std::vector<Tensor> examples) override { return detail::stack(std::move(examples)); }
};

/// Examples of several tensors: the first ones are stacked, the second ones, ...
template <>
struct Stack<std::vector<Tensor>> : public Collation<std::vector<Tensor>> {
  std::vector<Tensor> apply_batch(std::vector<std::vector<Tensor>> examples) override {
    std::vector<Tensor> out;
    for (std::size_t i = 0; !examples.empty() && i < examples[0].size(); ++i) {
      std::vector<Tensor> column;
      column.reserve(examples.size());
      for (auto& e : examples) column.push_back(e.at(i));
      out.push_back(detail::stack(std::move(column)));
    }
    return out;
  }
};

}  // namespace ct::data::transforms
