// cotangent/nn/function.h -- a function as a module, for a place in a Sequential.
#pragma once

#include "cotangent/callable.h"
#include "cotangent/nn/module.h"

namespace ct::nn {

/// Calls a function: Sequential(Linear(3, 4), Functional(ct::relu), Functional(ct::elu, 1.5, 0, 1)). Arguments after the function
/// follow the tensor. Not saved with a module: functions cannot be.
class CT_API FunctionalImpl : public Cloneable<FunctionalImpl> {
 public:
  using Function = Callback<Tensor(Tensor)>;

  explicit FunctionalImpl(Function function);
  template <class F, class... Args>
    requires(sizeof...(Args) > 0)
  explicit FunctionalImpl(F original, Args&&... args)
      : FunctionalImpl(Function([original, ... held = std::decay_t<Args>(std::forward<Args>(args))](Tensor input) { return original(input, held...); })) {}
  ~FunctionalImpl() override;
  void reset() override;
  Tensor forward(Tensor input);
  Tensor operator()(Tensor input);
  bool is_serializable() const override { return false; }

 private:
  Function function_;
};
extern template class Cloneable<FunctionalImpl>;
CT_MODULE(Functional);

}  // namespace ct::nn
