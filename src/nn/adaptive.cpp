// nn/adaptive.cpp -- adaptive softmax.
#include "cotangent/nn/adaptive.h"

#include <cmath>

namespace ct::nn {

template class Cloneable<AdaptiveLogSoftmaxWithLossImpl>;

AdaptiveLogSoftmaxWithLossImpl::AdaptiveLogSoftmaxWithLossImpl(const AdaptiveLogSoftmaxWithLossOptions& o) : options(o) { reset(); }
AdaptiveLogSoftmaxWithLossImpl::~AdaptiveLogSoftmaxWithLossImpl() = default;

void AdaptiveLogSoftmaxWithLossImpl::reset() {
  cutoffs = options.cutoffs();
  std::int64_t before = 0;
  for (const std::int64_t cutoff : cutoffs) {
    CT_CHECK_VALUE(cutoff > before && cutoff < options.n_classes(),
                   "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                   "where each value is between 1 and n_classes-1, but are ", IntArrayRef(options.cutoffs()), " for ", options.n_classes(), " classes");
    before = cutoff;
  }
  CT_CHECK_VALUE(!cutoffs.empty(), "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers, but there are none",
                 "\n  without clusters, use Linear and LogSoftmax");
  cutoffs.push_back(options.n_classes());
  shortlist_size = cutoffs[0];
  n_clusters = static_cast<std::int64_t>(cutoffs.size()) - 1;
  head_size = shortlist_size + n_clusters;

  head = register_module("head", Linear(LinearOptions(options.in_features(), head_size).bias(options.head_bias())));
  tail = register_module("tail", ModuleList());
  for (std::size_t i = 0; i + 1 < cutoffs.size(); ++i) {
    const auto hidden = static_cast<std::int64_t>(std::floor(static_cast<double>(options.in_features()) / std::pow(options.div_value(), static_cast<double>(i + 1))));
    tail->push_back(Sequential(Linear(LinearOptions(options.in_features(), hidden).bias(false)),
                               Linear(LinearOptions(hidden, cutoffs[i + 1] - cutoffs[i]).bias(false))));
  }
}
void AdaptiveLogSoftmaxWithLossImpl::reset_parameters() {
  head->reset_parameters();
  for (std::size_t i = 0; i < tail->size(); ++i)
    for (const std::size_t layer : {0, 1}) tail->at<SequentialImpl>(i).at<LinearImpl>(layer).reset_parameters();
}

ASMoutput AdaptiveLogSoftmaxWithLossImpl::forward(const Tensor& one_or_more, const Tensor& one_or_more_targets) {
  const bool batched = one_or_more_targets.dim() > 0;
  CT_CHECK(!batched || one_or_more_targets.dim() == 1, "AdaptiveLogSoftmaxWithLoss: 0D or 1D target tensor expected, multi-target not supported (got shape ",
           one_or_more_targets.sizes(), ")");
  CT_CHECK(one_or_more.dim() == (batched ? 2 : 1), "AdaptiveLogSoftmaxWithLoss: 1D target tensor expects 2D input tensors, and 0D target 1D input, but found input of size ",
           one_or_more.sizes(), " and target of size ", one_or_more_targets.sizes());
  const Tensor input = batched ? one_or_more : one_or_more.unsqueeze(0);
  const Tensor target = batched ? one_or_more_targets : one_or_more_targets.unsqueeze(0);
  CT_CHECK(input.size(0) == target.size(0), "AdaptiveLogSoftmaxWithLoss: Input and target should have the same size in the batch dimension, but have ",
           input.sizes(), " and ", target.sizes());
  if (target.numel() > 0) {
    const std::int64_t lowest = target.min().item<std::int64_t>(), highest = target.max().item<std::int64_t>();
    CT_CHECK(lowest >= 0 && highest < options.n_classes(), "AdaptiveLogSoftmaxWithLoss: Target values should be in [0, ", options.n_classes() - 1,
             "], but values in range [", lowest, ", ", highest, "] were found.");
  }

  const Tensor head_logprob = head(input).log_softmax(1);
  Tensor head_class = target;  // a class of the shortlist, or the number that stands for a cluster
  Tensor output = zeros({target.size(0)}, input.options());
  for (std::int64_t i = 0; i < n_clusters; ++i) {
    const std::int64_t low = cutoffs[static_cast<std::size_t>(i)], high = cutoffs[static_cast<std::size_t>(i) + 1];
    const Tensor rows = target.ge(low).logical_and(target.lt(high)).nonzero().squeeze(1);
    if (rows.numel() == 0) continue;
    const Tensor logprob = tail->at<SequentialImpl>(static_cast<std::size_t>(i)).forward(input.index_select(0, rows)).log_softmax(1);
    const Tensor place = (target.index_select(0, rows) - low).unsqueeze(1);
    output = output.index_copy(0, rows, logprob.gather(1, place).squeeze(1));
    head_class = head_class.index_fill(0, rows, shortlist_size + i);
  }
  output = output + head_logprob.gather(1, head_class.unsqueeze(1)).squeeze(1);
  Tensor loss = (-output).mean();
  return ASMoutput(batched ? output : output.squeeze(0), loss);
}

Tensor AdaptiveLogSoftmaxWithLossImpl::all_classes(const Tensor& input, const Tensor& head_output) {
  const Tensor head_logprob = head_output.log_softmax(1);
  std::vector<Tensor> parts = {head_logprob.slice(1, 0, shortlist_size)};
  for (std::int64_t i = 0; i < n_clusters; ++i) {
    const Tensor within = tail->at<SequentialImpl>(static_cast<std::size_t>(i)).forward(input).log_softmax(1);
    parts.push_back(within + head_logprob.slice(1, shortlist_size + i, shortlist_size + i + 1));
  }
  return cat(parts, 1);
}
Tensor AdaptiveLogSoftmaxWithLossImpl::log_prob(const Tensor& input) { return all_classes(input, head(input)); }

Tensor AdaptiveLogSoftmaxWithLossImpl::predict(const Tensor& input) {
  const Tensor head_output = head(input);
  Tensor output = head_output.argmax(1);
  const Tensor rows = output.ge(shortlist_size).nonzero().squeeze(1);
  if (rows.numel() == 0) return output;
  const Tensor all = all_classes(input.index_select(0, rows), head_output.index_select(0, rows));
  return output.index_copy(0, rows, all.argmax(1));
}

}  // namespace ct::nn
