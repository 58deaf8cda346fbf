// nn/functional_dense.cpp -- distances, normalising, dropout, one-hot codes and activations with options.
#include <cmath>

#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "cotangent/ops/embedding.h"

namespace ct::nn::functional {

namespace {

// Lengths that were cut at eps without a trace in the gradient, as in PyTorch.
Tensor length_at_least(const Tensor& x, std::int64_t dim, double eps) {
  const Tensor square = (x * x).sum(dim, true);
  {
    NoGradGuard guard;
    square.clamp_min_(eps * eps);
  }
  return square.sqrt();
}

void check_probability(double p) {
  CT_CHECK_VALUE(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
}

// x noise, where noise has the given sizes and is 1 / (1 - p) with probability 1 - p, else 0.
Tensor drop(const Tensor& x, IntArrayRef sizes, double p) {
  if (p == 1) return x * zeros({}, x.scalar_type());
  Tensor noise = empty(sizes, x.scalar_type());
  noise.bernoulli_(1 - p);
  noise.div_(1 - p);
  return x * noise;
}
Tensor alpha_drop(const Tensor& x, IntArrayRef sizes, double p) {
  if (p == 1) return x * zeros({}, x.scalar_type());
  constexpr double alpha = 1.7580993408473766;  // scale alpha of selu: the value of an element that is dropped
  const double a = 1 / std::sqrt((alpha * alpha * p + 1) * (1 - p));
  Tensor noise = empty(sizes, x.scalar_type());
  noise.bernoulli_(1 - p);
  const Tensor shift = (noise - 1) * (alpha * a) + alpha * a * p;
  return x * (noise * a) + shift;
}
// One number for each of [N, C].
std::vector<std::int64_t> features(const Tensor& x) {
  CT_CHECK(x.dim() >= 2, "Feature dropout requires at least 2 dimensions in the input, but it has ", x.dim());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes[0] = x.size(0), sizes[1] = x.size(1);
  return sizes;
}
Tensor result(const Tensor& x, const Tensor& y, bool inplace) {
  if (inplace) x.copy_(y);
  return inplace ? x : y;
}
bool keeps_all(const Tensor& x, double p, bool training) { return p == 0 || !training || x.numel() == 0; }

}  // namespace

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, const CosineSimilarityFuncOptions& options) {
  CT_CHECK(x1.defined() && x2.defined(), "cosine_similarity: expected a tensor, but an input is undefined");
  const ScalarType t = result_type(x1, x2);
  CT_CHECK(isFloatingType(t), "cosine_similarity: expected common dtype to be floating point, yet common dtype is ", t);
  const std::vector<Tensor> both = broadcast_tensors({x1.to(t), x2.to(t)});
  const std::int64_t dim = options.dim();
  return ((both[0] / length_at_least(both[0], dim, options.eps())) * (both[1] / length_at_least(both[1], dim, options.eps()))).sum(dim);
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, const PairwiseDistanceFuncOptions& options) {
  CT_CHECK(x1.defined() && x2.defined(), "pairwise_distance: expected a tensor, but an input is undefined");
  return norm(x1 - x2 + options.eps(), options.p(), {-1}, options.keepdim());
}

Tensor normalize(const Tensor& input, const NormalizeFuncOptions& options) {
  CT_CHECK(input.defined(), "normalize: expected a tensor, but the input is undefined");
  return input / norm(input, options.p(), {options.dim()}, true).clamp_min(options.eps()).expand_as(input);
}

Tensor dropout(const Tensor& input, const DropoutFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  return result(input, drop(input, input.sizes(), options.p()), options.inplace());
}
Tensor dropout2d(const Tensor& input, const Dropout2dFuncOptions& options) {
  check_probability(options.p());
  const std::vector<std::int64_t> sizes = features(input);
  if (keeps_all(input, options.p(), options.training())) return input;
  return result(input, drop(input, sizes, options.p()), options.inplace());
}
Tensor dropout3d(const Tensor& input, const Dropout3dFuncOptions& options) { return dropout2d(input, options); }
Tensor alpha_dropout(const Tensor& input, const AlphaDropoutFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  return result(input, alpha_drop(input, input.sizes(), options.p()), options.inplace());
}
Tensor feature_alpha_dropout(const Tensor& input, const FeatureAlphaDropoutFuncOptions& options) {
  check_probability(options.p());
  const std::vector<std::int64_t> sizes = features(input);
  if (keeps_all(input, options.p(), options.training())) return input;
  return result(input, alpha_drop(input, sizes, options.p()), options.inplace());
}

Tensor one_hot(const Tensor& tensor, std::int64_t num_classes) {
  CT_CHECK(tensor.defined(), "one_hot: expected a tensor, but it is undefined");
  CT_CHECK_TYPE(tensor.scalar_type() == kLong, "one_hot is only applicable to index tensor.\n  Convert first: x.to(ct::kLong).");
  if (tensor.numel() == 0) CT_CHECK(num_classes > 0, "one_hot: Can not infer total number of classes from empty tensor.");
  else {
    CT_CHECK(tensor.min().item<std::int64_t>() >= 0, "one_hot: Class values must be non-negative.");
    const std::int64_t largest = tensor.max().item<std::int64_t>();
    if (num_classes == -1) num_classes = largest + 1;
    CT_CHECK(num_classes > largest, "one_hot: Class values must be smaller than num_classes.");
  }
  return tensor.unsqueeze(-1).eq(arange(num_classes)).to(kLong);
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  return bias.defined() ? ct::linear(input, weight, bias) : ct::linear(input, weight);
}

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight, const Tensor& bias) {
  CT_CHECK(input1.defined() && input2.defined() && weight.defined(), "bilinear: expected a tensor, but an input is undefined");
  CT_CHECK(input1.dim() == input2.dim(), "bilinear(): input dimensions do not match: got ", input1.dim(), " and ", input2.dim());
  CT_CHECK(input1.dim() > 0 && weight.dim() == 3, "bilinear(): expected inputs with a last dimension and a weight [out, in1, in2], got ",
           input1.sizes(), " and ", weight.sizes());
  for (std::int64_t d = 0; d + 1 < input1.dim(); ++d)
    CT_CHECK(input1.size(d) == input2.size(d), "bilinear(): input batch dimensions do not match at dim ", d, ": got ", input1.size(d), " and ", input2.size(d));
  CT_CHECK(input1.size(-1) == weight.size(1), "bilinear(): input1 size does not match weight size: got ", input1.size(-1), " but expected ", weight.size(1));
  CT_CHECK(input2.size(-1) == weight.size(2), "bilinear(): input2 size does not match weight size: got ", input2.size(-1), " but expected ", weight.size(2));
  CT_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0)), "bilinear(): bias size does not match weight size: got ",
           bias.defined() ? bias.sizes() : IntArrayRef(), " but expected ", weight.size(0));
  std::vector<std::int64_t> sizes(input1.sizes().begin(), input1.sizes().end() - 1);
  sizes.push_back(weight.size(0));
  const Tensor a = input1.reshape({-1, weight.size(1)}), b = input2.reshape({-1, weight.size(2)});
  const Tensor y = einsum("ni,oij,nj->no", {a, weight, b}).reshape(sizes);
  return bias.defined() ? y + bias : y;
}

Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingFuncOptions& options) {
  CT_CHECK(input.defined() && weight.defined(), "embedding: expected a tensor, but input or weight is undefined");
  CT_CHECK(weight.dim() == 2, "embedding: 'weight' must be 2-D, but has shape ", weight.sizes());
  std::int64_t padding = options.padding_idx().value_or(-1);
  if (options.padding_idx()) {
    const std::int64_t n = weight.size(0);
    CT_CHECK(padding < n && padding >= -n, "embedding: Padding_idx must be within num_embeddings, got ", padding, " for ", n, " rows");
    if (padding < 0) padding += n;
  }
  if (options.max_norm()) {
    const double most = *options.max_norm();
    NoGradGuard guard;
    const Tensor used = std::get<0>(_unique2(input.flatten())), rows = weight.index_select(0, used);
    const Tensor length = norm(rows, options.norm_type(), {1}, true);
    weight.index_copy_(0, used, where(length.gt(most), rows * (most / (length + 1e-7)), rows));
  }
  return ct::embedding(weight, input, padding, options.scale_grad_by_freq());
}

Tensor gumbel_softmax(const Tensor& logits, const GumbelSoftmaxFuncOptions& options) {
  CT_CHECK(logits.defined(), "gumbel_softmax: expected a tensor, but the input is undefined");
  Tensor noise = empty_like(logits.detach());
  noise.exponential_();
  const Tensor soft = ct::softmax((logits - noise.log()) / options.tau(), options.dim());
  if (!options.hard()) return soft;
  const Tensor index = soft.detach().argmax(options.dim(), true);
  return zeros_like(soft).scatter(options.dim(), index, 1.0) - soft.detach() + soft;  // the value of one, the gradient of the other
}

}  // namespace ct::nn::functional
