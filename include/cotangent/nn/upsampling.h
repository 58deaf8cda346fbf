// cotangent/nn/upsampling.h -- resampling as modules.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/upsampling.h"

namespace ct::nn {

/// F::interpolate with these options.
class CT_API UpsampleImpl : public Cloneable<UpsampleImpl> {
 public:
  explicit UpsampleImpl(const UpsampleOptions& options = {});
  ~UpsampleImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  UpsampleOptions options;
};
extern template class Cloneable<UpsampleImpl>;
CT_MODULE(Upsample);

/// Upsample of [N, C, H, W] by kNearest (Python's).
class CT_API UpsamplingNearest2dImpl : public Cloneable<UpsamplingNearest2dImpl> {
 public:
  explicit UpsamplingNearest2dImpl(const UpsampleOptions& options);  // mode and align_corners are set here
  ~UpsamplingNearest2dImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  UpsampleOptions options;
};
extern template class Cloneable<UpsamplingNearest2dImpl>;
CT_MODULE(UpsamplingNearest2d);

/// The same by kBilinear with aligned corners (Python's).
class CT_API UpsamplingBilinear2dImpl : public Cloneable<UpsamplingBilinear2dImpl> {
 public:
  explicit UpsamplingBilinear2dImpl(const UpsampleOptions& options);
  ~UpsamplingBilinear2dImpl() override;
  void reset() override;
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  UpsampleOptions options;
};
extern template class Cloneable<UpsamplingBilinear2dImpl>;
CT_MODULE(UpsamplingBilinear2d);

}  // namespace ct::nn
