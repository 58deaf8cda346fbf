// nn/function.cpp -- a function as a module.
#include "cotangent/nn/function.h"

namespace ct::nn {

template class Cloneable<FunctionalImpl>;

FunctionalImpl::FunctionalImpl(Function function) : function_(std::move(function)) {
  CT_CHECK_VALUE(function_, "Functional: the function is empty");
}
FunctionalImpl::~FunctionalImpl() = default;
void FunctionalImpl::reset() {}
Tensor FunctionalImpl::forward(Tensor input) { return function_(std::move(input)); }
Tensor FunctionalImpl::operator()(Tensor input) { return forward(std::move(input)); }

}  // namespace ct::nn
