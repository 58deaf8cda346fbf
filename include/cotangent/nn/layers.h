// cotangent/nn/layers.h -- layers: linear, shapes, dropout.
#pragma once

#include <optional>
#include <vector>

#include "cotangent/arg.h"
#include "cotangent/nn/module.h"

namespace ct::nn {

struct LinearOptions {
  LinearOptions(std::int64_t in_features, std::int64_t out_features) : in_features_(in_features), out_features_(out_features) {}
  CT_ARG(std::int64_t, in_features);
  CT_ARG(std::int64_t, out_features);
  CT_ARG(bool, bias) = true;
};

/// y = x weight^T + bias.   Shapes: x [.., in] -> y [.., out]; weight [out, in], bias [out].
/// Initial values: U(-l, l), l = 1 / sqrt(in), the same numbers as PyTorch's for the same seed.
class CT_API LinearImpl : public Cloneable<LinearImpl> {
 public:
  LinearImpl(std::int64_t in_features, std::int64_t out_features) : LinearImpl(LinearOptions(in_features, out_features)) {}
  explicit LinearImpl(const LinearOptions& options);
  ~LinearImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  LinearOptions options;
  Tensor weight, bias;
};
extern template class Cloneable<LinearImpl>;
CT_MODULE(Linear);

struct BilinearOptions {
  BilinearOptions(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features)
      : in1_features_(in1_features), in2_features_(in2_features), out_features_(out_features) {}
  CT_ARG(std::int64_t, in1_features);
  CT_ARG(std::int64_t, in2_features);
  CT_ARG(std::int64_t, out_features);
  CT_ARG(bool, bias) = true;
};

/// y_k = x1^T weight_k x2 + bias_k.   Shapes: x1 [.., in1], x2 [.., in2] -> y [.., out]; weight [out, in1, in2].
class CT_API BilinearImpl : public Cloneable<BilinearImpl> {
 public:
  BilinearImpl(std::int64_t in1, std::int64_t in2, std::int64_t out) : BilinearImpl(BilinearOptions(in1, in2, out)) {}
  explicit BilinearImpl(const BilinearOptions& options);
  ~BilinearImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input1, const Tensor& input2);

  BilinearOptions options;
  Tensor weight, bias;
};
extern template class Cloneable<BilinearImpl>;
CT_MODULE(Bilinear);

/// Returns its argument.
class CT_API IdentityImpl : public Cloneable<IdentityImpl> {
 public:
  IdentityImpl();
  ~IdentityImpl() override;
  void reset() override;
  Tensor forward(const Tensor& input) { return input; }
};
extern template class Cloneable<IdentityImpl>;
CT_MODULE(Identity);

struct FlattenOptions {
  CT_ARG(std::int64_t, start_dim) = 1;
  CT_ARG(std::int64_t, end_dim) = -1;
};
/// Joins the dimensions from start_dim to end_dim; by default all but the batch.
class CT_API FlattenImpl : public Cloneable<FlattenImpl> {
 public:
  explicit FlattenImpl(const FlattenOptions& options = {});
  ~FlattenImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);
  FlattenOptions options;
};
extern template class Cloneable<FlattenImpl>;
CT_MODULE(Flatten);

struct UnflattenOptions {
  UnflattenOptions(std::int64_t dim, std::vector<std::int64_t> sizes) : dim_(dim), sizes_(std::move(sizes)) {}
  CT_ARG(std::int64_t, dim);
  CT_ARG(std::vector<std::int64_t>, sizes);
};
/// Splits one dimension into several; one of `sizes` may be -1.
class CT_API UnflattenImpl : public Cloneable<UnflattenImpl> {
 public:
  UnflattenImpl(std::int64_t dim, std::vector<std::int64_t> sizes) : UnflattenImpl(UnflattenOptions(dim, std::move(sizes))) {}
  explicit UnflattenImpl(const UnflattenOptions& options);
  ~UnflattenImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);
  UnflattenOptions options;
};
extern template class Cloneable<UnflattenImpl>;
CT_MODULE(Unflatten);

struct DropoutOptions {
  DropoutOptions(double p = 0.5) : p_(p) {}
  CT_ARG(double, p);
  CT_ARG(bool, inplace) = false;
};
using Dropout2dOptions = DropoutOptions;
using Dropout3dOptions = DropoutOptions;
using AlphaDropoutOptions = DropoutOptions;
using FeatureAlphaDropoutOptions = DropoutOptions;
// Errors of all: ct::Error "dropout probability has to be between 0 and 1". In evaluation they return the input.
#define CT_DROPOUT(Name)                                                       \
  class CT_API Name##Impl : public Cloneable<Name##Impl> {                     \
   public:                                                                     \
    explicit Name##Impl(double p) : Name##Impl(DropoutOptions(p)) {}           \
    explicit Name##Impl(const DropoutOptions& options = {});                   \
    ~Name##Impl() override;                                                    \
    void reset() override;                                                     \
    std::string extra_repr() const override;                                   \
    Tensor forward(const Tensor& input);                                       \
    DropoutOptions options;                                                    \
  };                                                                           \
  extern template class Cloneable<Name##Impl>;                                 \
  CT_MODULE(Name)
/// While training, zeroes each element with probability p and divides the others by 1 - p.
CT_DROPOUT(Dropout);
/// The same for whole channels: x[n][c] is zeroed as one.   Shapes: [n, c, ..]; Dropout3d also [c, d, h, w].
/// Errors: ct::Error for fewer than 2 dimensions.
CT_DROPOUT(Dropout2d);
CT_DROPOUT(Dropout3d);
/// Sets elements (or channels) to the value of SELU far left, and keeps mean 0 and variance 1. Klambauer et al. (2017).
CT_DROPOUT(AlphaDropout);
CT_DROPOUT(FeatureAlphaDropout);
#undef CT_DROPOUT

}  // namespace ct::nn
