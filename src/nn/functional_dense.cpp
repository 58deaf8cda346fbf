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

// One number for each of [N, C].
std::vector<std::int64_t> channels(const Tensor& x, std::int64_t unbatched) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes[0] = x.size(0);
  if (x.dim() != unbatched) sizes[1] = x.size(1);
  return sizes;
}
void check_channels(const Tensor& x) {
  CT_CHECK(x.dim() >= 2, "Feature dropout requires at least 2 dimensions in the input (got shape ", x.sizes(), ")");
}
enum class Drop { elements, channels };
// The draws are libtorch's: one of Bernoulli(1 - p) for each element, or each channel. `alpha`: what is dropped becomes the
// value of selu far left, and mean and variance stay.   unbatched: inputs of so many dimensions are [C, ..], not [N, C, ..].
Tensor drop(const Tensor& x, double p, bool inplace, Drop what, bool alpha = false, std::int64_t unbatched = -1) {
  Tensor noise, shift;
  {
    const NoGradGuard guard;
    if (p == 1) {
      noise = zeros({}, x.scalar_type());
    } else {
      noise = what == Drop::channels ? empty(channels(x, unbatched), x.scalar_type()) : empty_like(x.detach());
      noise.bernoulli_(1 - p);
      if (alpha) {
        constexpr double saturation = 1.7580993408473766;  // -selu(-inf)
        const double a = 1 / std::sqrt((saturation * saturation * p + 1) * (1 - p));
        shift = noise.add(-1).mul_(saturation * a).add_(saturation * a * p);
        noise.mul_(a);
      } else {
        noise.div_(1 - p);
      }
    }
  }
  if (!inplace) return shift.defined() ? x * noise + shift : x * noise;
  x.mul_(noise);
  if (shift.defined()) x.add_(shift);
  return x;
}
bool keeps_all(const Tensor& x, double p, bool training) {
  CT_CHECK(x.defined(), "dropout: expected a tensor, but the input is undefined");
  return p == 0 || !training || x.numel() == 0;
}

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

Tensor pdist(const Tensor& input, double p) {
  CT_CHECK(input.defined(), "pdist: expected a tensor, but the input is undefined");
  CT_CHECK(input.dim() == 2, "pdist only supports 2D tensors, got: ", input.dim(), "D");
  CT_CHECK(input.is_floating_point(), "pdist only supports floating-point dtypes, got ", input.scalar_type());
  CT_CHECK(p >= 0, "pdist only supports non-negative p values, got ", p);
  const std::int64_t n = input.size(0);
  const Tensor pairs = ones({n, n}, kBool).triu(1).nonzero();  // [pairs, 2]
  return norm(input.index_select(0, pairs.select(1, 0)) - input.index_select(0, pairs.select(1, 1)), p, {1});
}

Tensor normalize(const Tensor& input, const NormalizeFuncOptions& options) {
  CT_CHECK(input.defined(), "normalize: expected a tensor, but the input is undefined");
  const Tensor length = norm(input, options.p(), {options.dim()}, true).clamp_min(options.eps()).expand_as(input);
  if (!options.out()) return input / length;
  Tensor out = *options.out();
  return div_out(out, input, length);
}

Tensor dropout(const Tensor& input, const DropoutFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  return drop(input, options.p(), options.inplace(), Drop::elements);
}
Tensor dropout2d(const Tensor& input, const Dropout2dFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  check_channels(input);
  return drop(input, options.p(), options.inplace(), Drop::channels);
}
Tensor dropout3d(const Tensor& input, const Dropout3dFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  check_channels(input);
  return drop(input, options.p(), options.inplace(), Drop::channels, false, 4);
}
Tensor alpha_dropout(const Tensor& input, const AlphaDropoutFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  return drop(input, options.p(), options.inplace(), Drop::elements, true);
}
Tensor feature_alpha_dropout(const Tensor& input, const FeatureAlphaDropoutFuncOptions& options) {
  check_probability(options.p());
  if (keeps_all(input, options.p(), options.training())) return input;
  check_channels(input);
  return drop(input, options.p(), options.inplace(), Drop::channels, true);
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

// Rows that are looked up and longer than `most` get that norm, in place.
static void shorten(const Tensor& weight, const Tensor& index, double most, double norm_type) {
  const NoGradGuard guard;
  const Tensor used = std::get<0>(_unique2(index.flatten())), rows = weight.index_select(0, used);
  const Tensor length = norm(rows, norm_type, {1}, true);
  weight.index_copy_(0, used, where(length.gt(most), rows * (most / (length + 1e-7)), rows));
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
  if (options.max_norm()) shorten(weight, input, *options.max_norm(), options.norm_type());
  return ct::embedding(weight, input, padding, options.scale_grad_by_freq());
}

Tensor embedding_bag(const Tensor& input, const Tensor& weight, const EmbeddingBagFuncOptions& options) {
  CT_CHECK(input.defined() && weight.defined(), "embedding_bag: expected a tensor, but input or weight is undefined");
  Tensor index = input, offsets = options.offsets(), factors = options.per_sample_weights();
  if (factors.defined()) {
    CT_CHECK(input.sizes() == factors.sizes(), "embedding_bag: If per_sample_weights (", factors.sizes(), ") is not null, then it must have the same shape as the input (",
             input.sizes(), ")");
    CT_CHECK(options.mode().is(kSum), "embedding_bag: per_sample_weights was not null. per_sample_weights is only supported for mode='sum' (got mode='",
             options.mode().name(), "').");
  }
  bool last = options.include_last_offset();
  if (input.dim() == 2) {
    CT_CHECK(!offsets.defined(), "embedding_bag: If input is 2D, then offsets has to be null, as input is treated is a mini-batch of fixed length sequences. However, found "
             "offsets of type Tensor");
    offsets = arange(input.size(0)) * input.size(1);
    index = input.reshape({-1});
    if (factors.defined()) factors = factors.reshape({-1});
    last = false;
  } else {
    CT_CHECK(input.dim() == 1, "embedding_bag: input has to be 1D or 2D Tensor, but got Tensor of dimension ", input.dim());
    CT_CHECK(offsets.defined() && offsets.dim() == 1, "embedding_bag: offsets has to be a 1D Tensor but got ", offsets.defined() ? "one of another shape" : "null");
  }
  const std::int64_t mode = options.mode().is(kSum) ? 0 : options.mode().is(kMean) ? 1 : 2;
  CT_CHECK(mode != 2 || !options.sparse(), "embedding_bag: max mode does not support sparse weights");
  if (options.max_norm()) shorten(weight, index, *options.max_norm(), options.norm_type());
  return std::get<0>(ct::embedding_bag(weight, index, offsets, options.scale_grad_by_freq(), mode, options.sparse(), factors, last, options.padding_idx()));
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
