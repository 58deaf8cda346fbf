// cotangent/nn/adaptive.h -- a softmax over many classes, whose rare ones share small layers.
#pragma once

#include <vector>

#include "cotangent/nn/containers.h"
#include "cotangent/nn/layers.h"

namespace ct::nn {

struct AdaptiveLogSoftmaxWithLossOptions {
  AdaptiveLogSoftmaxWithLossOptions(std::int64_t in_features, std::int64_t n_classes, std::vector<std::int64_t> cutoffs)
      : in_features_(in_features), n_classes_(n_classes), cutoffs_(std::move(cutoffs)) {}
  CT_ARG(std::int64_t, in_features);
  CT_ARG(std::int64_t, n_classes);
  CT_ARG(std::vector<std::int64_t>, cutoffs);  // where the clusters of classes end, but for the last
  CT_ARG(double, div_value) = 4.0;             // cluster i has in_features / div_value^(i + 1) hidden units
  CT_ARG(bool, head_bias) = false;
};

/// What AdaptiveLogSoftmaxWithLoss gives for targets: the logarithm of each one's probability [N], and minus their mean.
struct ASMoutput {
  ASMoutput(Tensor output, Tensor loss) : output(std::move(output)), loss(std::move(loss)) {}
  Tensor output;
  Tensor loss;
};

/// log p(class | x) with frequent classes first: the head decides among those below cutoffs[0] and the clusters of the others,
/// and a cluster's own two layers among its classes. Grave et al. (2017).
/// Shapes: input [N, in_features], target [N] of class numbers; or [in_features] and [].
/// Errors: ct::ValueError for cutoffs that do not increase within [1, n_classes - 1]; ct::Error for targets out of range.
class CT_API AdaptiveLogSoftmaxWithLossImpl : public Cloneable<AdaptiveLogSoftmaxWithLossImpl> {
 public:
  AdaptiveLogSoftmaxWithLossImpl(std::int64_t in_features, std::int64_t n_classes, std::vector<std::int64_t> cutoffs)
      : AdaptiveLogSoftmaxWithLossImpl(AdaptiveLogSoftmaxWithLossOptions(in_features, n_classes, std::move(cutoffs))) {}
  explicit AdaptiveLogSoftmaxWithLossImpl(const AdaptiveLogSoftmaxWithLossOptions& options);
  ~AdaptiveLogSoftmaxWithLossImpl() override;
  void reset() override;
  void reset_parameters();
  ASMoutput forward(const Tensor& input, const Tensor& target);
  /// The logarithms of the probabilities of all classes, [N, n_classes].
  Tensor log_prob(const Tensor& input);
  /// The most probable class, [N]; the tail is asked only where the head says so.
  Tensor predict(const Tensor& input);

  AdaptiveLogSoftmaxWithLossOptions options;
  std::vector<std::int64_t> cutoffs;  // with n_classes at the end
  std::int64_t shortlist_size = 0;    // classes of the head
  std::int64_t n_clusters = 0;
  std::int64_t head_size = 0;  // shortlist_size + n_clusters
  Linear head = nullptr;
  ModuleList tail = nullptr;

 private:
  Tensor all_classes(const Tensor& input, const Tensor& head_output);
};
extern template class Cloneable<AdaptiveLogSoftmaxWithLossImpl>;
CT_MODULE(AdaptiveLogSoftmaxWithLoss);

}  // namespace ct::nn
