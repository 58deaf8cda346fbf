// nn/embedding.cpp -- lookups in a table of vectors as modules.
#include "cotangent/nn/embedding.h"

#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "cotangent/nn/init.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

template class Cloneable<EmbeddingImpl>;
template class Cloneable<EmbeddingBagImpl>;

namespace {

void check_padding(const char* name, std::optional<std::int64_t>& pad, std::int64_t n) {
  if (!pad) return;
  CT_CHECK(*pad < n && *pad >= -n, name, ": Padding_idx must be within num_embeddings (got ", *pad, " of ", n, ")");
  if (*pad < 0) *pad += n;
}
// The tensor to begin with, or an undefined one.
template <class Options>
Tensor given_weight(const char* name, Options& options) {
  const Tensor given = options._weight();
  if (!given.defined()) return given;
  const std::int64_t expected[] = {options.num_embeddings(), options.embedding_dim()};
  CT_CHECK(given.sizes() == IntArrayRef(expected, 2), name, ": Shape of _weight does not match num_embeddings and embedding_dim: ", given.sizes());
  options._weight(Tensor());  // a clone makes its own
  return given;
}
void start(const Tensor& weight, const std::optional<std::int64_t>& padding) {
  init::normal_(weight);
  const NoGradGuard guard;
  if (padding) weight.select(0, *padding).zero_();
}
void check_table(const Tensor& embeddings) {
  CT_CHECK(embeddings.defined() && embeddings.dim() == 2, "from_pretrained: Embeddings parameter is expected to be 2-dimensional");
}

}  // namespace

EmbeddingImpl::EmbeddingImpl(const EmbeddingOptions& o) : options(o) { EmbeddingImpl::reset(); }
EmbeddingImpl::~EmbeddingImpl() = default;
void EmbeddingImpl::reset() {
  check_padding("Embedding", options.padding_idx(), options.num_embeddings());
  const Tensor given = given_weight("Embedding", options);
  weight = register_parameter("weight", given.defined() ? given : ct::empty({options.num_embeddings(), options.embedding_dim()}));
  if (!given.defined()) reset_parameters();
}
void EmbeddingImpl::reset_parameters() { start(weight, options.padding_idx()); }
std::string EmbeddingImpl::extra_repr() const {
  std::string out = join({options.num_embeddings(), ", ", options.embedding_dim()});
  if (options.padding_idx()) out += join({", padding_idx=", *options.padding_idx()});
  if (options.max_norm()) out += join({", max_norm=", python(*options.max_norm())});
  if (options.norm_type() != 2) out += join({", norm_type=", python(options.norm_type())});
  if (options.scale_grad_by_freq()) out += ", scale_grad_by_freq=True";
  if (options.sparse()) out += ", sparse=True";
  return out;
}
Tensor EmbeddingImpl::forward(const Tensor& input) {
  return functional::embedding(input, weight, functional::EmbeddingFuncOptions().padding_idx(options.padding_idx()).max_norm(options.max_norm())
                                                  .norm_type(options.norm_type()).scale_grad_by_freq(options.scale_grad_by_freq()));
}
Embedding Embedding::from_pretrained(const Tensor& embeddings, const EmbeddingFromPretrainedOptions& options) {
  check_table(embeddings);
  Embedding e(EmbeddingOptions(embeddings.size(0), embeddings.size(1))._weight(embeddings).padding_idx(options.padding_idx()).max_norm(options.max_norm())
                  .norm_type(options.norm_type()).scale_grad_by_freq(options.scale_grad_by_freq()).sparse(options.sparse()));
  e->weight.requires_grad_(!options.freeze());
  return e;
}

EmbeddingBagImpl::EmbeddingBagImpl(const EmbeddingBagOptions& o) : options(o) { EmbeddingBagImpl::reset(); }
EmbeddingBagImpl::~EmbeddingBagImpl() = default;
void EmbeddingBagImpl::reset() {
  check_padding("EmbeddingBag", options.padding_idx(), options.num_embeddings());
  const Tensor given = given_weight("EmbeddingBag", options);
  weight = register_parameter("weight", given.defined() ? given : ct::empty({options.num_embeddings(), options.embedding_dim()}));
  if (!given.defined()) reset_parameters();
}
void EmbeddingBagImpl::reset_parameters() { start(weight, options.padding_idx()); }
std::string EmbeddingBagImpl::extra_repr() const {
  // As Python: in this order, and padding_idx last.
  std::string out = join({options.num_embeddings(), ", ", options.embedding_dim()});
  if (options.max_norm()) out += join({", max_norm=", python(*options.max_norm())});
  if (options.norm_type() != 2) out += join({", norm_type=", python(options.norm_type())});
  if (options.scale_grad_by_freq()) out += ", scale_grad_by_freq=True";
  out += join({", mode=", options.mode().name()});
  if (options.padding_idx()) out += join({", padding_idx=", *options.padding_idx()});
  return out;
}
Tensor EmbeddingBagImpl::forward(const Tensor& input, const Tensor& offsets, const Tensor& per_sample_weights) {
  return functional::embedding_bag(
      input, weight, functional::EmbeddingBagFuncOptions().offsets(offsets).max_norm(options.max_norm()).norm_type(options.norm_type())
                         .scale_grad_by_freq(options.scale_grad_by_freq()).mode(options.mode()).per_sample_weights(per_sample_weights)
                         .include_last_offset(options.include_last_offset()).padding_idx(options.padding_idx()));
}
EmbeddingBag EmbeddingBag::from_pretrained(const Tensor& embeddings, const EmbeddingBagFromPretrainedOptions& options) {
  check_table(embeddings);
  EmbeddingBag e(EmbeddingBagOptions(embeddings.size(0), embeddings.size(1))._weight(embeddings).max_norm(options.max_norm()).norm_type(options.norm_type())
                     .scale_grad_by_freq(options.scale_grad_by_freq()).mode(options.mode()).sparse(options.sparse())
                     .include_last_offset(options.include_last_offset()).padding_idx(options.padding_idx()));
  e->weight.requires_grad_(!options.freeze());
  return e;
}

}  // namespace ct::nn
