// nn/functional_margin.cpp -- losses that are composed of other operations: divergences, embeddings, margins.
#include <cmath>

#include "cotangent/autocast.h"
#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"

namespace ct::nn::functional {

namespace {

void check_defined(const char* op, std::initializer_list<const Tensor*> inputs) {
  for (const Tensor* x : inputs) CT_CHECK(x->defined(), op, ": expected a tensor, but an input is undefined");
}
bool same_size(const Tensor& a, const Tensor& b) { return IntArrayRef(a.sizes()) == b.sizes(); }

Tensor reduced(const Tensor& loss, LossReduction r) {
  return r.value == Reduction::None ? loss : r.value == Reduction::Sum ? loss.sum() : loss.mean();
}

}  // namespace

// Under autocast these compute in float32.
#define CT_FULL_PRECISION2(f, a, b) \
  if (amp::needs_full_precision({&a, &b})) return f(amp::full_precision(a), amp::full_precision(b), options);
#define CT_FULL_PRECISION3(f, a, b, c) \
  if (amp::needs_full_precision({&a, &b, &c})) return f(amp::full_precision(a), amp::full_precision(b), amp::full_precision(c), options);

Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivFuncOptions& options) {
  check_defined("kl_div", {&input, &target});
  CT_FULL_PRECISION2(kl_div, input, target)
  const KLDivReduction r = options.reduction();
  if (r.value == Reduction::Mean)
    warn("reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides only by the batch size, and "
         "aligns with the KL div math definition. 'mean' will be changed to behave the same as 'batchmean' in the next major release.");
  const Tensor loss = options.log_target() ? target.exp() * (target - input) : xlogy(target, target) - target * input;
  if (r.value == Reduction::None) return loss;
  if (r.value == Reduction::Mean) return loss.mean();
  return r.by_batch && input.dim() != 0 ? loss.sum() / input.size(0) : loss.sum();
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, const PoissonNLLLossFuncOptions& options) {
  check_defined("poisson_nll_loss", {&input, &target});
  CT_FULL_PRECISION2(poisson_nll_loss, input, target)
  Tensor loss = options.log_input() ? input.exp() - target * input : input - target * (input + options.eps()).log();
  if (options.full()) {
    const Tensor stirling = target * target.log() - target + 0.5 * (target * (2 * M_PI)).log();
    loss = loss + stirling.masked_fill(target.le(1), 0);
  }
  return reduced(loss, options.reduction());
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, const GaussianNLLLossFuncOptions& options) {
  check_defined("gaussian_nll_loss", {&input, &target, &var});
  CT_FULL_PRECISION3(gaussian_nll_loss, input, target, var)
  Tensor v = var;
  if (!same_size(var, input)) {  // one variance for all values of a sample: [.., 1], or without that dim
    const IntArrayRef s = input.sizes(), t = var.sizes();
    const bool shorter = t.size() + 1 == s.size() && IntArrayRef(s.begin(), t.size()) == t;
    const bool one = t.size() == s.size() && !s.empty() && t[t.size() - 1] == 1 && IntArrayRef(s.begin(), s.size() - 1) == IntArrayRef(t.begin(), t.size() - 1);
    CT_CHECK_VALUE(shorter || one, "gaussian_nll_loss: var is of incorrect size: ", var.sizes(), " for an input of size ", input.sizes(),
                   "\n  It has the size of input, or 1 in the last dimension, or lacks that dimension.");
    if (shorter) v = var.unsqueeze(-1);
  }
  CT_CHECK_VALUE(!v.lt(0).any().item<bool>(), "gaussian_nll_loss: var has negative entry/entries");
  v = v.clone();
  {
    NoGradGuard guard;  // small variances are cut without a trace in the gradient, as in PyTorch
    v.clamp_min_(options.eps());
  }
  Tensor loss = 0.5 * (v.log() + (input - target).square() / v);
  if (options.full()) loss = loss + 0.5 * std::log(2 * M_PI);
  return reduced(loss, options.reduction());
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, const HingeEmbeddingLossFuncOptions& options) {
  check_defined("hinge_embedding_loss", {&input, &target});
  CT_FULL_PRECISION2(hinge_embedding_loss, input, target)
  const Tensor zero = zeros_like(input);
  const Tensor far = where(target.ne(1), (options.margin() - input).clamp_min(0), zero), near = where(target.ne(-1), input, zero);
  return reduced(far + near, options.reduction());
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target, const CosineEmbeddingLossFuncOptions& options) {
  check_defined("cosine_embedding_loss", {&input1, &input2, &target});
  CT_FULL_PRECISION3(cosine_embedding_loss, input1, input2, target)
  const std::int64_t at = target.dim();
  CT_CHECK(at <= 1, "cosine_embedding_loss: 0D or 1D target tensor expected, multi-target not supported");
  CT_CHECK(input1.dim() == at + 1 && input2.dim() == at + 1, "cosine_embedding_loss: ", at, "D target tensor expects ", at + 1,
           "D input tensors, but found inputs with sizes ", input1.sizes(), " and ", input2.sizes(), ".");
  constexpr double eps = static_cast<double>(1e-12f);
  const Tensor size = ((input1 * input1).sum(at) + eps) * ((input2 * input2).sum(at) + eps);
  const Tensor cosine = (input1 * input2).sum(at) / size.sqrt(), zero = zeros_like(cosine);
  return reduced(where(target.eq(1), 1 - cosine, zero) + where(target.eq(-1), (cosine - options.margin()).clamp_min(0), zero), options.reduction());
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target, const MarginRankingLossFuncOptions& options) {
  check_defined("margin_ranking_loss", {&input1, &input2, &target});
  CT_FULL_PRECISION3(margin_ranking_loss, input1, input2, target)
  CT_CHECK(input1.dim() == input2.dim() && input1.dim() == target.dim(),
           "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: ", input1.sizes(), ", input2: ", input2.sizes(),
           ", target: ", target.sizes());
  return reduced((-target * (input1 - input2) + options.margin()).clamp_min(0), options.reduction());
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, const TripletMarginLossFuncOptions& options) {
  check_defined("triplet_margin_loss", {&anchor, &positive, &negative});
  CT_FULL_PRECISION3(triplet_margin_loss, anchor, positive, negative)
  CT_CHECK(anchor.dim() == positive.dim() && positive.dim() == negative.dim(),
           "triplet_margin_loss: The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor ",
           anchor.dim(), "D, positive ", positive.dim(), "D, and negative ", negative.dim(), "D inputs");
  const auto distance = PairwiseDistanceFuncOptions().p(options.p()).eps(options.eps());
  Tensor far = pairwise_distance(anchor, negative, distance);
  const Tensor near = pairwise_distance(anchor, positive, distance);
  if (options.swap()) far = minimum(far, pairwise_distance(positive, negative, distance));
  return reduced((options.margin() + near - far).clamp_min(0), options.reduction());
}

Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const TripletMarginWithDistanceLossFuncOptions& options) {
  check_defined("triplet_margin_with_distance_loss", {&anchor, &positive, &negative});
  CT_FULL_PRECISION3(triplet_margin_with_distance_loss, anchor, positive, negative)
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    const auto& own = options.distance_function();
    return own && *own ? (*own)(a, b) : pairwise_distance(a, b);
  };
  const Tensor near = distance(anchor, positive);
  Tensor far = distance(anchor, negative);
  if (options.swap()) far = minimum(far, distance(positive, negative));
  return reduced((near - far + options.margin()).clamp_min(0), options.reduction());
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const MultilabelSoftMarginLossFuncOptions& options) {
  check_defined("multilabel_soft_margin_loss", {&input, &target});
  CT_FULL_PRECISION2(multilabel_soft_margin_loss, input, target)
  CT_CHECK(input.dim() > 0, "multilabel_soft_margin_loss: the input needs a last dimension of classes, but has none");
  Tensor loss = -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input));
  if (options.weight().defined()) loss = loss * options.weight();
  return reduced(loss.sum(-1) / input.size(-1), options.reduction());
}

Tensor multi_margin_loss(const Tensor& input, const Tensor& target, const MultiMarginLossFuncOptions& options) {
  check_defined("multi_margin_loss", {&input, &target});
  CT_FULL_PRECISION2(multi_margin_loss, input, target)
  CT_CHECK(options.p() == 1 || options.p() == 2, "multi_margin_loss: only p == 1 and p == 2 supported, got p = ", options.p());
  CT_CHECK(input.dim() >= 1 && input.dim() <= 2 && input.size(-1) > 0,
           "multi_margin_loss: Expected non-empty vector or matrix with optional 0-dim batch size, but got: ", input.sizes());
  const std::int64_t n = input.dim() == 2 ? input.size(0) : 1, classes = input.size(-1);
  CT_CHECK(target.dim() <= 1 && target.numel() == n, "multi_margin_loss: inconsistent target size, got: ", target.sizes());
  const Tensor& weight = options.weight();
  CT_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes), "multi_margin_loss: inconsistent weight size, expected ", classes,
           " but got ", weight.defined() ? weight.sizes() : IntArrayRef());
  CT_CHECK(n == 0 || !(target.lt(0).logical_or(target.ge(classes))).any().item<bool>(), "multi_margin_loss: target out of range");
  const Tensor rows = input.reshape({n, classes}), index = target.to(kLong).reshape({n, 1});
  Tensor z = (options.margin() - rows.gather(1, index) + rows).clamp_min(0);
  if (options.p() == 2) z = z.square();
  if (weight.defined()) z = z * weight.index_select(0, index.flatten()).unsqueeze(1);
  const Tensor loss = z.masked_fill(arange(classes).eq(index), 0).sum(1) / classes;
  return reduced(input.dim() == 2 ? loss : loss.reshape(target.sizes()), options.reduction());
}

Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, const MultilabelMarginLossFuncOptions& options) {
  check_defined("multilabel_margin_loss", {&input, &target});
  CT_FULL_PRECISION2(multilabel_margin_loss, input, target)
  CT_CHECK(input.dim() >= 1 && input.dim() <= 2 && input.size(-1) > 0,
           "multilabel_margin_loss: Expected non-empty vector or matrix with optional 0-dim batch size, but got: ", input.sizes());
  CT_CHECK(same_size(input, target), "multilabel_margin_loss: inconsistent target size: ", target.sizes(), " for input of size: ", input.sizes());
  const std::int64_t classes = input.size(-1), n = input.numel() / classes;
  CT_CHECK(target.numel() == 0 || !(target.lt(-1).logical_or(target.ge(classes))).any().item<bool>(), "multilabel_margin_loss: target out of range");
  const Tensor rows = input.reshape({n, classes}), labels = target.to(kLong).reshape({n, classes});
  // Labels count up to the first -1.
  const Tensor counts = labels.lt(0).to(kLong).cumsum(1).eq(0), safe = labels.masked_fill(counts.logical_not(), 0);
  const Tensor is_label = zeros({n, classes}, kLong).scatter_add(1, safe, counts.to(kLong)).gt(0);
  // [n, label, other]: margins of each label over each class that is none
  const Tensor z = (1 - rows.gather(1, safe).unsqueeze(2) + rows.unsqueeze(1)).clamp_min(0);
  const Tensor pairs = counts.unsqueeze(2).logical_and(is_label.logical_not().unsqueeze(1));
  const Tensor loss = z.masked_fill(pairs.logical_not(), 0).sum({1, 2}) / classes;
  return reduced(input.dim() == 2 ? loss : loss.squeeze(0), options.reduction());
}

}  // namespace ct::nn::functional
