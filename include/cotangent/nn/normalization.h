// cotangent/nn/normalization.h -- layers that normalise: batch, instance, group, layer and RMS norm.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/normalization.h"

namespace ct::nn {

/// What batch and instance norm share: weight and bias [C] if affine; running_mean, running_var [C] and num_batches_tracked [] if
/// statistics are tracked. Initial values: ones, zeros; zeros, ones, 0. What is off is undefined.
template <std::size_t D, class Derived, class DerivedOptions>
class CT_API NormImplBase : public Cloneable<Derived> {
 public:
  explicit NormImplBase(const DerivedOptions& options_);
  ~NormImplBase() override;
  void reset() override;
  void reset_running_stats();
  void reset_parameters();
  std::string extra_repr() const override;

  DerivedOptions options;
  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 protected:
  virtual void _check_input_dim(const Tensor& input) = 0;
};

/// Training: y = (x - mean) / sqrt(var + eps) * weight + bias with mean and var of each channel of the batch, which the running
/// statistics follow; evaluation: with those, if they are tracked. See batch_norm in ops/normalization.h.
/// Errors: "expected 4D input (got 2D input)"; "Expected more than 1 value per channel when training, got input size [1, 3]".
template <std::size_t D, class Derived>
class CT_API BatchNormImplBase : public NormImplBase<D, Derived, BatchNormOptions> {
 public:
  using NormImplBase<D, Derived, BatchNormOptions>::NormImplBase;
  ~BatchNormImplBase() override;
  Tensor forward(const Tensor& input);
};

/// The same for each sample alone, of a batch or of one sample without batch dimension; statistics of the samples also in
/// evaluation, unless running ones are tracked.
template <std::size_t D, class Derived>
class CT_API InstanceNormImpl : public NormImplBase<D, Derived, InstanceNormOptions> {
 public:
  using NormImplBase<D, Derived, InstanceNormOptions>::NormImplBase;
  ~InstanceNormImpl() override;
  Tensor forward(const Tensor& input);
};

#define CT_NORM(Name, D, Base, Options)                                               \
  class CT_API Name##Impl : public Base<D, Name##Impl> {                              \
   public:                                                                            \
    using Base<D, Name##Impl>::Base;                                                  \
    ~Name##Impl() override;                                                           \
                                                                                      \
   protected:                                                                         \
    void _check_input_dim(const Tensor& input) override;                              \
  };                                                                                  \
  extern template class Cloneable<Name##Impl>;                                        \
  extern template class NormImplBase<D, Name##Impl, Options>;                         \
  extern template class Base<D, Name##Impl>;                                          \
  CT_MODULE(Name)
/// Shapes: [N, C] or [N, C, L]; [N, C, H, W]; [N, C, D, H, W].
CT_NORM(BatchNorm1d, 1, BatchNormImplBase, BatchNormOptions);
CT_NORM(BatchNorm2d, 2, BatchNormImplBase, BatchNormOptions);
CT_NORM(BatchNorm3d, 3, BatchNormImplBase, BatchNormOptions);
/// Shapes: [N, C, L], [N, C, H, W], [N, C, D, H, W], or without N.
CT_NORM(InstanceNorm1d, 1, InstanceNormImpl, InstanceNormOptions);
CT_NORM(InstanceNorm2d, 2, InstanceNormImpl, InstanceNormOptions);
CT_NORM(InstanceNorm3d, 3, InstanceNormImpl, InstanceNormOptions);
#undef CT_NORM

/// y = (x - mean) / sqrt(var + eps) * weight + bias, over the last dimensions. Ba, Kiros & Hinton (2016).
/// Errors: ct::Error unless input ends with normalized_shape.
class CT_API LayerNormImpl : public Cloneable<LayerNormImpl> {
 public:
  LayerNormImpl(std::vector<std::int64_t> normalized_shape) : LayerNormImpl(LayerNormOptions(std::move(normalized_shape))) {}
  explicit LayerNormImpl(const LayerNormOptions& options);
  ~LayerNormImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  LayerNormOptions options;
  Tensor weight, bias;
};
extern template class Cloneable<LayerNormImpl>;
CT_MODULE(LayerNorm);

/// y = x / sqrt(mean(x^2) + eps) * weight, over the last dimensions; not in libtorch 1.13. Zhang & Sennrich (2019).
class CT_API RMSNormImpl : public Cloneable<RMSNormImpl> {
 public:
  RMSNormImpl(std::vector<std::int64_t> normalized_shape) : RMSNormImpl(RMSNormOptions(std::move(normalized_shape))) {}
  explicit RMSNormImpl(const RMSNormOptions& options);
  ~RMSNormImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  RMSNormOptions options;
  Tensor weight;
};
extern template class Cloneable<RMSNormImpl>;
CT_MODULE(RMSNorm);

/// y = (x - mean) / sqrt(var + eps) * weight + bias with mean and var of each sample and group of channels, weight and bias [C].
/// Shapes: [N, C, ..].   Errors: "num_channels must be divisible by num_groups".
class CT_API GroupNormImpl : public Cloneable<GroupNormImpl> {
 public:
  GroupNormImpl(std::int64_t num_groups, std::int64_t num_channels) : GroupNormImpl(GroupNormOptions(num_groups, num_channels)) {}
  explicit GroupNormImpl(const GroupNormOptions& options);
  ~GroupNormImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  GroupNormOptions options;
  Tensor weight, bias;
};
extern template class Cloneable<GroupNormImpl>;
CT_MODULE(GroupNorm);

}  // namespace ct::nn
