// cotangent/nn/embedding.h -- lookups in a table of vectors as modules.
#pragma once

#include "cotangent/nn/module.h"
#include "cotangent/nn/options/dense.h"

namespace ct::nn {

struct EmbeddingOptions {
  EmbeddingOptions(std::int64_t num_embeddings, std::int64_t embedding_dim) : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim) {}
  CT_ARG(std::int64_t, num_embeddings);
  CT_ARG(std::int64_t, embedding_dim);
  CT_ARG(std::optional<std::int64_t>, padding_idx) = std::nullopt;  // its row starts at zero and gets no gradient
  CT_ARG(std::optional<double>, max_norm) = std::nullopt;           // rows that are used are scaled to at most this norm
  CT_ARG(double, norm_type) = 2;
  CT_ARG(bool, scale_grad_by_freq) = false;                         // a row's gradient is divided by how often it was looked up
  CT_ARG(bool, sparse) = false;                                     // gradients are dense either way
  CT_ARG(Tensor, _weight) = Tensor();                               // in place of random values
};
struct EmbeddingFromPretrainedOptions {
  CT_ARG(bool, freeze) = true;
  CT_ARG(std::optional<std::int64_t>, padding_idx) = std::nullopt;
  CT_ARG(std::optional<double>, max_norm) = std::nullopt;
  CT_ARG(double, norm_type) = 2;
  CT_ARG(bool, scale_grad_by_freq) = false;
  CT_ARG(bool, sparse) = false;
};
/// The rows of weight that the indices name.   Shapes: input [..] of kLong -> [.., embedding_dim].
/// Initial values: N(0, 1).   Errors: ct::IndexError for an index out of range.
class CT_API EmbeddingImpl : public Cloneable<EmbeddingImpl> {
 public:
  EmbeddingImpl(std::int64_t num_embeddings, std::int64_t embedding_dim) : EmbeddingImpl(EmbeddingOptions(num_embeddings, embedding_dim)) {}
  explicit EmbeddingImpl(const EmbeddingOptions& options);
  ~EmbeddingImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input);

  EmbeddingOptions options;
  Tensor weight;
};
extern template class Cloneable<EmbeddingImpl>;
class CT_API Embedding : public ModuleHolder<EmbeddingImpl> {
 public:
  using ModuleHolder<EmbeddingImpl>::ModuleHolder;
  using Impl = EmbeddingImpl;
  /// With this table as weight, which is not trained if `freeze`.   Errors: ct::Error unless 2-dimensional.
  static Embedding from_pretrained(const Tensor& embeddings, const EmbeddingFromPretrainedOptions& options = {});
};

struct EmbeddingBagOptions {
  EmbeddingBagOptions(std::int64_t num_embeddings, std::int64_t embedding_dim) : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim) {}
  CT_ARG(std::int64_t, num_embeddings);
  CT_ARG(std::int64_t, embedding_dim);
  CT_ARG(std::optional<double>, max_norm) = std::nullopt;
  CT_ARG(double, norm_type) = 2;
  CT_ARG(bool, scale_grad_by_freq) = false;
  CT_ARG(EmbeddingBagMode, mode) = kMean;
  CT_ARG(bool, sparse) = false;
  CT_ARG(Tensor, _weight) = Tensor();
  CT_ARG(bool, include_last_offset) = false;
  CT_ARG(std::optional<std::int64_t>, padding_idx) = std::nullopt;
};
struct EmbeddingBagFromPretrainedOptions {
  CT_ARG(bool, freeze) = true;
  CT_ARG(std::optional<double>, max_norm) = std::nullopt;
  CT_ARG(double, norm_type) = 2;
  CT_ARG(bool, scale_grad_by_freq) = false;
  CT_ARG(EmbeddingBagMode, mode) = kMean;
  CT_ARG(bool, sparse) = false;
  CT_ARG(bool, include_last_offset) = false;
  CT_ARG(std::optional<std::int64_t>, padding_idx) = std::nullopt;
};
/// Means, sums or maxima of the rows that each bag of indices names.
/// Shapes: input [bags, n], or [n] with the offsets at which bags begin -> [bags, embedding_dim].
class CT_API EmbeddingBagImpl : public Cloneable<EmbeddingBagImpl> {
 public:
  EmbeddingBagImpl(std::int64_t num_embeddings, std::int64_t embedding_dim) : EmbeddingBagImpl(EmbeddingBagOptions(num_embeddings, embedding_dim)) {}
  explicit EmbeddingBagImpl(const EmbeddingBagOptions& options);
  ~EmbeddingBagImpl() override;
  void reset() override;
  void reset_parameters();
  std::string extra_repr() const override;
  Tensor forward(const Tensor& input, const Tensor& offsets = {}, const Tensor& per_sample_weights = {});

  EmbeddingBagOptions options;
  Tensor weight;
};
extern template class Cloneable<EmbeddingBagImpl>;
class CT_API EmbeddingBag : public ModuleHolder<EmbeddingBagImpl> {
 public:
  using ModuleHolder<EmbeddingBagImpl>::ModuleHolder;
  using Impl = EmbeddingBagImpl;
  static EmbeddingBag from_pretrained(const Tensor& embeddings, const EmbeddingBagFromPretrainedOptions& options = {});
};

}  // namespace ct::nn
