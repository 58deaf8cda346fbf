// cotangent/nn/activations.h -- activations as modules. Formulas are those of the functions of the same name.
#pragma once

#include "cotangent/arg.h"
#include "cotangent/nn/module.h"

namespace ct::nn {

// A module without parameters; OPTIONS: its struct of options, whose constructor takes the first of them.
#define CT_ACTIVATION(Name, Options)                                             \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                       \
   public:                                                                       \
    explicit Name##Impl(const Options& options);                                 \
    ~Name##Impl() override;                                                      \
    void reset() override;                                                       \
    std::string extra_repr() const override;                                     \
    Tensor forward(const Tensor& input);                                         \
    Options options;                                                             \
  };                                                                             \
  extern template class Cloneable<Name##Impl>;                                   \
  class Name : public ModuleHolder<Name##Impl> {                                 \
   public:                                                                       \
    using ModuleHolder<Name##Impl>::ModuleHolder;                                \
    using Impl = Name##Impl;                                                     \
  }
#define CT_ACTIVATION_DEFAULT(Name, Options)                                     \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                       \
   public:                                                                       \
    explicit Name##Impl(const Options& options = {});                            \
    ~Name##Impl() override;                                                      \
    void reset() override;                                                       \
    std::string extra_repr() const override;                                     \
    Tensor forward(const Tensor& input);                                         \
    Options options;                                                             \
  };                                                                             \
  extern template class Cloneable<Name##Impl>;                                   \
  CT_MODULE(Name)
#define CT_ACTIVATION_PLAIN(Name)                                                \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                       \
   public:                                                                       \
    Name##Impl();                                                                \
    ~Name##Impl() override;                                                      \
    void reset() override;                                                       \
    Tensor forward(const Tensor& input);                                         \
  };                                                                             \
  extern template class Cloneable<Name##Impl>;                                   \
  CT_MODULE(Name)

#define CT_INPLACE_OPTIONS(Name)                                                 \
  struct Name##Options {                                                         \
    Name##Options(bool inplace = false) : inplace_(inplace) {}                   \
    CT_ARG(bool, inplace);                                                       \
  }
CT_INPLACE_OPTIONS(ReLU);
CT_INPLACE_OPTIONS(ReLU6);
CT_INPLACE_OPTIONS(SELU);
CT_INPLACE_OPTIONS(SiLU);
CT_INPLACE_OPTIONS(Mish);
#undef CT_INPLACE_OPTIONS
struct ELUOptions {
  CT_ARG(double, alpha) = 1;
  CT_ARG(bool, inplace) = false;
};
struct CELUOptions {
  CT_ARG(double, alpha) = 1;
  CT_ARG(bool, inplace) = false;
};
struct LeakyReLUOptions {
  CT_ARG(double, negative_slope) = 0.01;
  CT_ARG(bool, inplace) = false;
};
struct HardtanhOptions {
  CT_ARG(double, min_val) = -1;
  CT_ARG(double, max_val) = 1;
  CT_ARG(bool, inplace) = false;
};
struct HardshrinkOptions {
  HardshrinkOptions(double lambda = 0.5) : lambda_(lambda) {}
  CT_ARG(double, lambda);
};
struct SoftshrinkOptions {
  SoftshrinkOptions(double lambda = 0.5) : lambda_(lambda) {}
  CT_ARG(double, lambda);
};
struct SoftplusOptions {
  CT_ARG(double, beta) = 1;
  CT_ARG(double, threshold) = 20;
};
struct ThresholdOptions {
  ThresholdOptions(double threshold, double value) : threshold_(threshold), value_(value) {}
  CT_ARG(double, threshold);
  CT_ARG(double, value);
  CT_ARG(bool, inplace) = false;
};
struct SoftmaxOptions {
  SoftmaxOptions(std::int64_t dim) : dim_(dim) {}
  CT_ARG(std::int64_t, dim);
};
using SoftminOptions = SoftmaxOptions;
using LogSoftmaxOptions = SoftmaxOptions;
struct GLUOptions {
  GLUOptions(std::int64_t dim = -1) : dim_(dim) {}
  CT_ARG(std::int64_t, dim);
};
struct GELUOptions {
  CT_ARG(std::string, approximate) = "none";  // or "tanh"
};
struct RReLUOptions {
  CT_ARG(double, lower) = 1.0 / 8;
  CT_ARG(double, upper) = 1.0 / 3;
  CT_ARG(bool, inplace) = false;
};
struct PReLUOptions {
  CT_ARG(std::int64_t, num_parameters) = 1;
  CT_ARG(double, init) = 0.25;
};

CT_ACTIVATION_DEFAULT(ReLU, ReLUOptions);
CT_ACTIVATION_DEFAULT(ReLU6, ReLU6Options);
CT_ACTIVATION_DEFAULT(SELU, SELUOptions);
CT_ACTIVATION_DEFAULT(SiLU, SiLUOptions);
CT_ACTIVATION_DEFAULT(Mish, MishOptions);
CT_ACTIVATION_DEFAULT(ELU, ELUOptions);
CT_ACTIVATION_DEFAULT(CELU, CELUOptions);
CT_ACTIVATION_DEFAULT(LeakyReLU, LeakyReLUOptions);
CT_ACTIVATION_DEFAULT(Hardtanh, HardtanhOptions);
CT_ACTIVATION_DEFAULT(Hardshrink, HardshrinkOptions);  // x where |x| > lambda, else 0
CT_ACTIVATION_DEFAULT(Softshrink, SoftshrinkOptions);  // x - lambda above lambda, x + lambda below -lambda, else 0
CT_ACTIVATION_DEFAULT(Softplus, SoftplusOptions);
CT_ACTIVATION_DEFAULT(GLU, GLUOptions);                // a sigmoid(b), for the two halves a, b of dim
CT_ACTIVATION_DEFAULT(GELU, GELUOptions);
CT_ACTIVATION_DEFAULT(RReLU, RReLUOptions);            // negative x times U(lower, upper) while training, else their mean
CT_ACTIVATION_PLAIN(Sigmoid);
CT_ACTIVATION_PLAIN(Tanh);
CT_ACTIVATION_PLAIN(LogSigmoid);
CT_ACTIVATION_PLAIN(Softsign);                         // x / (1 + |x|)
CT_ACTIVATION_PLAIN(Tanhshrink);                       // x - tanh(x)
CT_ACTIVATION_PLAIN(Softmax2d);                        // over the channels of [.., C, H, W]
CT_ACTIVATION_PLAIN(Hardsigmoid);
CT_ACTIVATION_PLAIN(Hardswish);
CT_ACTIVATION(Softmax, SoftmaxOptions);
CT_ACTIVATION(LogSoftmax, LogSoftmaxOptions);
CT_ACTIVATION(Softmin, SoftminOptions);                // softmax(-x)

/// x where x > threshold, else value.
class CT_API ThresholdImpl : public Cloneable<ThresholdImpl> {
 public:
  ThresholdImpl(double threshold, double value) : ThresholdImpl(ThresholdOptions(threshold, value)) {}
  explicit ThresholdImpl(const ThresholdOptions& options);
  ~ThresholdImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);
  ThresholdOptions options;
};
extern template class Cloneable<ThresholdImpl>;
CT_MODULE(Threshold);

/// x where x > 0, else weight * x, with one learned weight or one for each channel (dimension 1).
class CT_API PReLUImpl : public Cloneable<PReLUImpl> {
 public:
  explicit PReLUImpl(const PReLUOptions& options = {});
  ~PReLUImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);
  PReLUOptions options;
  Tensor weight;
};
extern template class Cloneable<PReLUImpl>;
CT_MODULE(PReLU);

#undef CT_ACTIVATION
#undef CT_ACTIVATION_DEFAULT
#undef CT_ACTIVATION_PLAIN

}  // namespace ct::nn
