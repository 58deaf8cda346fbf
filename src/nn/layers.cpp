// nn/layers.cpp -- linear layers, shapes, dropout.
#include "cotangent/nn/layers.h"

#include <cmath>

#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "cotangent/nn/init.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

template class Cloneable<LinearImpl>;
template class Cloneable<BilinearImpl>;
template class Cloneable<IdentityImpl>;
template class Cloneable<FlattenImpl>;
template class Cloneable<UnflattenImpl>;
template class Cloneable<DropoutImpl>;
template class Cloneable<Dropout2dImpl>;
template class Cloneable<Dropout3dImpl>;
template class Cloneable<AlphaDropoutImpl>;
template class Cloneable<FeatureAlphaDropoutImpl>;

// ---- Linear, Bilinear --------------------------------------------------------------------------------------------------------

LinearImpl::LinearImpl(const LinearOptions& o) : options(o) { LinearImpl::reset(); }
LinearImpl::~LinearImpl() = default;
void LinearImpl::reset() {
  CT_CHECK(options.in_features() >= 0 && options.out_features() >= 0, "Linear: numbers of features must not be negative (got ", options.in_features(), " and ",
           options.out_features(), ")");
  weight = register_parameter("weight", ct::empty({options.out_features(), options.in_features()}));
  if (options.bias()) bias = register_parameter("bias", ct::empty({options.out_features()}));
  else bias = register_parameter("bias", {}, false);
  reset_parameters();
}
void LinearImpl::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined()) return;
  const double bound = options.in_features() > 0 ? 1 / std::sqrt(static_cast<double>(options.in_features())) : 0;
  init::uniform_(bias, -bound, bound);
}
std::string LinearImpl::extra_repr() const {
  return join({"in_features=", options.in_features(), ", out_features=", options.out_features(), ", bias=", python(options.bias())});
}
Tensor LinearImpl::forward(const Tensor& input) { return bias.defined() ? linear(input, weight, bias) : linear(input, weight); }

BilinearImpl::BilinearImpl(const BilinearOptions& o) : options(o) { BilinearImpl::reset(); }
BilinearImpl::~BilinearImpl() = default;
void BilinearImpl::reset() {
  CT_CHECK(options.in1_features() > 0, "Bilinear: in1_features must be > 0, but got ", options.in1_features());
  weight = register_parameter("weight", ct::empty({options.out_features(), options.in1_features(), options.in2_features()}));
  if (options.bias()) bias = register_parameter("bias", ct::empty({options.out_features()}));
  else bias = register_parameter("bias", {}, false);
  reset_parameters();
}
void BilinearImpl::reset_parameters() {
  const double bound = 1 / std::sqrt(static_cast<double>(weight.size(1)));
  init::uniform_(weight, -bound, bound);
  if (bias.defined()) init::uniform_(bias, -bound, bound);
}
std::string BilinearImpl::extra_repr() const {
  return join({"in1_features=", options.in1_features(), ", in2_features=", options.in2_features(), ", out_features=", options.out_features(), ", bias=",
               python(options.bias())});
}
Tensor BilinearImpl::forward(const Tensor& input1, const Tensor& input2) {
  const Tensor y = einsum("...i,oij,...j->...o", {input1, weight, input2});
  return bias.defined() ? y + bias : y;
}

// ---- shapes ---------------------------------------------------------------------------------------------------------------------

IdentityImpl::IdentityImpl() = default;
IdentityImpl::~IdentityImpl() = default;
void IdentityImpl::reset() {}

FlattenImpl::FlattenImpl(const FlattenOptions& o) : options(o) {}
FlattenImpl::~FlattenImpl() = default;
void FlattenImpl::reset() {}
std::string FlattenImpl::extra_repr() const { return join({"start_dim=", options.start_dim(), ", end_dim=", options.end_dim()}); }
Tensor FlattenImpl::forward(const Tensor& input) { return flatten(input, options.start_dim(), options.end_dim()); }

UnflattenImpl::UnflattenImpl(const UnflattenOptions& o) : options(o) {}
UnflattenImpl::~UnflattenImpl() = default;
void UnflattenImpl::reset() {}
std::string UnflattenImpl::extra_repr() const { return join({"dim=", options.dim(), ", unflattened_size=", tuple(options.sizes())}); }
Tensor UnflattenImpl::forward(const Tensor& input) { return unflatten(input, options.dim(), options.sizes()); }

// ---- Dropout ----------------------------------------------------------------------------------------------------------------------

#define CT_DROPOUT(Name, function, Options)                                                                                           \
  Name##Impl::Name##Impl(const DropoutOptions& o) : options(o) { Name##Impl::reset(); }                                               \
  Name##Impl::~Name##Impl() = default;                                                                                                \
  void Name##Impl::reset() {                                                                                                          \
    CT_CHECK(options.p() >= 0 && options.p() <= 1, #Name ": dropout probability has to be between 0 and 1, but got ", options.p());   \
  }                                                                                                                                   \
  std::string Name##Impl::extra_repr() const { return join({"p=", python(options.p()), ", inplace=", python(options.inplace())}); }   \
  Tensor Name##Impl::forward(const Tensor& x) {                                                                                       \
    return functional::function(x, functional::Options().p(options.p()).training(is_training()).inplace(options.inplace()));          \
  }
CT_DROPOUT(Dropout, dropout, DropoutFuncOptions)
CT_DROPOUT(Dropout2d, dropout2d, DropoutFuncOptions)
CT_DROPOUT(Dropout3d, dropout3d, DropoutFuncOptions)
CT_DROPOUT(AlphaDropout, alpha_dropout, AlphaDropoutFuncOptions)
CT_DROPOUT(FeatureAlphaDropout, feature_alpha_dropout, AlphaDropoutFuncOptions)
#undef CT_DROPOUT

}  // namespace ct::nn
