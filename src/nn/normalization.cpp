// nn/normalization.cpp -- batch, instance, group, layer and RMS norm: layers and functions.
#include "cotangent/nn/normalization.h"

#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "cotangent/nn/init.h"
#include "cotangent/ops/normalization.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;
namespace F = functional;

// ---- functions -------------------------------------------------------------------------------------------------------------

namespace functional {

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var, const BatchNormFuncOptions& options) {
  CT_CHECK(input.defined(), "batch_norm: expected a tensor, but the input is undefined");
  if (options.training() && input.dim() >= 2)
    CT_CHECK(input.numel() != input.size(1) || input.numel() == 0, "batch_norm: Expected more than 1 value per channel when training, got input size ",
             input.sizes(), "\n  The variance of a single value is 0. Use a larger batch, or eval().");
  CT_CHECK(options.momentum(), "batch_norm: momentum is missing\n  The mean over all batches is kept by the module, which counts them.");
  return ct::batch_norm(input, options.weight(), options.bias(), running_mean, running_var, options.training(), *options.momentum(), options.eps());
}
Tensor instance_norm(const Tensor& input, const InstanceNormFuncOptions& options) {
  return ct::instance_norm(input, options.weight(), options.bias(), options.running_mean(), options.running_var(), options.use_input_stats(),
                           options.momentum(), options.eps());
}
Tensor layer_norm(const Tensor& input, const LayerNormFuncOptions& options) {
  return ct::layer_norm(input, options.normalized_shape(), options.weight(), options.bias(), options.eps());
}
Tensor rms_norm(const Tensor& input, const RMSNormFuncOptions& options) {
  return ct::rms_norm(input, options.normalized_shape(), options.weight(), options.eps());
}
Tensor group_norm(const Tensor& input, const GroupNormFuncOptions& options) {
  return ct::group_norm(input, options.num_groups(), options.weight(), options.bias(), options.eps());
}

}  // namespace functional

namespace {

// Weight and bias of this shape, or undefined ones; the bias may be left out.
template <class M>
void make_affine(M& m, bool affine, IntArrayRef shape, Tensor* bias) {
  m.weight = affine ? m.register_parameter("weight", ct::empty(shape)) : m.register_parameter("weight", {}, false);
  if (bias) *bias = affine ? m.register_parameter("bias", ct::empty(shape)) : m.register_parameter("bias", {}, false);
}
void reset_affine(const Tensor& weight, const Tensor& bias) {
  if (weight.defined()) init::ones_(weight);
  if (bias.defined()) init::zeros_(bias);
}

void check_dims(const Tensor& input, std::int64_t least, std::int64_t most) {
  CT_CHECK(input.defined(), "expected a tensor, but the input is undefined");
  const std::int64_t d = input.dim();
  if (d >= least && d <= most) return;
  if (least == most) CT_THROW(error, "expected ", least, "D input (got ", d, "D input)");
  CT_THROW(error, "expected ", least, "D or ", most, "D input (got ", d, "D input)");
}

}  // namespace

// ---- batch and instance norm -------------------------------------------------------------------------------------------------

template <std::size_t D, class Derived, class DerivedOptions>
NormImplBase<D, Derived, DerivedOptions>::NormImplBase(const DerivedOptions& o) : options(o) {
  NormImplBase::reset();
}
template <std::size_t D, class Derived, class DerivedOptions>
NormImplBase<D, Derived, DerivedOptions>::~NormImplBase() = default;

template <std::size_t D, class Derived, class DerivedOptions>
void NormImplBase<D, Derived, DerivedOptions>::reset() {
  const std::int64_t n = options.num_features();
  CT_CHECK(n >= 0, "num_features must not be negative, got ", n);
  make_affine(*this, options.affine(), {n}, &bias);
  const bool track = options.track_running_stats();
  running_mean = this->register_buffer("running_mean", track ? ct::zeros({n}) : Tensor());
  running_var = this->register_buffer("running_var", track ? ct::ones({n}) : Tensor());
  num_batches_tracked = this->register_buffer("num_batches_tracked", track ? ct::zeros({}, kLong) : Tensor());
  reset_parameters();
}
template <std::size_t D, class Derived, class DerivedOptions>
void NormImplBase<D, Derived, DerivedOptions>::reset_running_stats() {
  if (!running_mean.defined()) return;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}
template <std::size_t D, class Derived, class DerivedOptions>
void NormImplBase<D, Derived, DerivedOptions>::reset_parameters() {
  reset_running_stats();
  reset_affine(weight, bias);
}
template <std::size_t D, class Derived, class DerivedOptions>
std::string NormImplBase<D, Derived, DerivedOptions>::extra_repr() const {
  const std::optional<double> momentum = options.momentum();
  return join({options.num_features(), ", eps=", python(options.eps()), ", momentum=", momentum ? python(*momentum) : std::string("None"), ", affine=",
               python(options.affine()), ", track_running_stats=", python(options.track_running_stats())});
}

template <std::size_t D, class Derived>
BatchNormImplBase<D, Derived>::~BatchNormImplBase() = default;
template <std::size_t D, class Derived>
Tensor BatchNormImplBase<D, Derived>::forward(const Tensor& input) {
  this->_check_input_dim(input);
  const bool training = this->is_training() || !this->options.track_running_stats(), counts = this->is_training() && this->num_batches_tracked.defined();
  double momentum = this->options.momentum().value_or(0);
  if (counts && !this->options.momentum()) momentum = 1 / (this->num_batches_tracked.to(kDouble).template item<double>() + 1);
  const Tensor y = F::batch_norm(input, this->running_mean, this->running_var,
                                 F::BatchNormFuncOptions().weight(this->weight).bias(this->bias).training(training).momentum(momentum).eps(this->options.eps()));
  if (counts) this->num_batches_tracked.add_(1);  // what throws does not count
  return y;
}

template <std::size_t D, class Derived>
InstanceNormImpl<D, Derived>::~InstanceNormImpl() = default;
template <std::size_t D, class Derived>
Tensor InstanceNormImpl<D, Derived>::forward(const Tensor& input) {
  this->_check_input_dim(input);
  const bool alone = input.dim() == static_cast<std::int64_t>(D) + 1;
  const auto& o = this->options;
  const Tensor y = F::instance_norm(alone ? input.unsqueeze(0) : input, F::InstanceNormFuncOptions()
                                                                            .running_mean(this->running_mean)
                                                                            .running_var(this->running_var)
                                                                            .weight(this->weight)
                                                                            .bias(this->bias)
                                                                            .use_input_stats(this->is_training() || !o.track_running_stats())
                                                                            .momentum(o.momentum())
                                                                            .eps(o.eps()));
  return alone ? y.squeeze(0) : y;
}

#define CT_NORM(Name, D, Base, Options, least, most)                                                    \
  Name##Impl::~Name##Impl() = default;                                                                  \
  void Name##Impl::_check_input_dim(const Tensor& input) { check_dims(input, least, most); }            \
  template class Cloneable<Name##Impl>;                                                                 \
  template class NormImplBase<D, Name##Impl, Options>;                                                  \
  template class Base<D, Name##Impl>;
CT_NORM(BatchNorm1d, 1, BatchNormImplBase, BatchNormOptions, 2, 3)
CT_NORM(BatchNorm2d, 2, BatchNormImplBase, BatchNormOptions, 4, 4)
CT_NORM(BatchNorm3d, 3, BatchNormImplBase, BatchNormOptions, 5, 5)
CT_NORM(InstanceNorm1d, 1, InstanceNormImpl, InstanceNormOptions, 2, 3)
CT_NORM(InstanceNorm2d, 2, InstanceNormImpl, InstanceNormOptions, 3, 4)
CT_NORM(InstanceNorm3d, 3, InstanceNormImpl, InstanceNormOptions, 4, 5)
#undef CT_NORM

// ---- layer, RMS and group norm ------------------------------------------------------------------------------------------------

template class Cloneable<LayerNormImpl>;
template class Cloneable<RMSNormImpl>;
template class Cloneable<GroupNormImpl>;

LayerNormImpl::LayerNormImpl(const LayerNormOptions& o) : options(o) { LayerNormImpl::reset(); }
LayerNormImpl::~LayerNormImpl() = default;
void LayerNormImpl::reset() {
  CT_CHECK(!options.normalized_shape().empty(), "LayerNorm: Expected normalized_shape to be at least 1-dimensional");
  make_affine(*this, options.elementwise_affine(), options.normalized_shape(), &bias);
  reset_parameters();
}
void LayerNormImpl::reset_parameters() { reset_affine(weight, bias); }
std::string LayerNormImpl::extra_repr() const {
  return join({tuple(options.normalized_shape()), ", eps=", python(options.eps()), ", elementwise_affine=", python(options.elementwise_affine())});
}
Tensor LayerNormImpl::forward(const Tensor& input) {
  return F::layer_norm(input, F::LayerNormFuncOptions(options.normalized_shape()).weight(weight).bias(bias).eps(options.eps()));
}

RMSNormImpl::RMSNormImpl(const RMSNormOptions& o) : options(o) { RMSNormImpl::reset(); }
RMSNormImpl::~RMSNormImpl() = default;
void RMSNormImpl::reset() {
  CT_CHECK(!options.normalized_shape().empty(), "RMSNorm: Expected normalized_shape to be at least 1-dimensional");
  make_affine(*this, options.elementwise_affine(), options.normalized_shape(), nullptr);
  reset_parameters();
}
void RMSNormImpl::reset_parameters() { reset_affine(weight, {}); }
std::string RMSNormImpl::extra_repr() const {
  return join({tuple(options.normalized_shape()), ", eps=", options.eps() ? python(*options.eps()) : std::string("None"), ", elementwise_affine=",
               python(options.elementwise_affine())});
}
Tensor RMSNormImpl::forward(const Tensor& input) {
  return F::rms_norm(input, F::RMSNormFuncOptions(options.normalized_shape()).weight(weight).eps(options.eps()));
}

GroupNormImpl::GroupNormImpl(const GroupNormOptions& o) : options(o) { GroupNormImpl::reset(); }
GroupNormImpl::~GroupNormImpl() = default;
void GroupNormImpl::reset() {
  CT_CHECK(options.num_groups() > 0 && options.num_channels() >= 0 && options.num_channels() % options.num_groups() == 0,
           "GroupNorm: num_channels must be divisible by num_groups, got ", options.num_channels(), " channels and ", options.num_groups(), " groups");
  make_affine(*this, options.affine(), {options.num_channels()}, &bias);
  reset_parameters();
}
void GroupNormImpl::reset_parameters() { reset_affine(weight, bias); }
std::string GroupNormImpl::extra_repr() const {
  return join({options.num_groups(), ", ", options.num_channels(), ", eps=", python(options.eps()), ", affine=", python(options.affine())});
}
Tensor GroupNormImpl::forward(const Tensor& input) {
  return F::group_norm(input, F::GroupNormFuncOptions(options.num_groups()).weight(weight).bias(bias).eps(options.eps()));
}

}  // namespace ct::nn
