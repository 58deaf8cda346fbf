// cotangent/nn/transformer.h -- the transformer, its encoder and decoder, and their layers.
#pragma once

#include "cotangent/nn/attention.h"
#include "cotangent/nn/containers.h"
#include "cotangent/nn/normalization.h"

namespace ct::nn {

// Shapes: src [S, N, E], tgt and memory likewise [T, N, E]; with batch_first [N, S, E]; or without N.
// Masks:  [L, S] of who sees whom, and [N, S] of padding, as multi_head_attention_forward takes them.
// After Vaswani et al. (2017).

/// x = norm1(x + attention(x)), x = norm2(x + linear2(activation(linear1(x)))), with dropout; norm_first: x + attention(norm1(x)), ..
class CT_API TransformerEncoderLayerImpl : public Cloneable<TransformerEncoderLayerImpl> {
 public:
  TransformerEncoderLayerImpl(std::int64_t d_model, std::int64_t nhead) : TransformerEncoderLayerImpl(TransformerEncoderLayerOptions(d_model, nhead)) {}
  explicit TransformerEncoderLayerImpl(const TransformerEncoderLayerOptions& options);
  ~TransformerEncoderLayerImpl() override;
  void reset() override;
  void reset_parameters();
  Tensor forward(const Tensor& src, const Tensor& src_mask = {}, const Tensor& src_key_padding_mask = {});

  TransformerEncoderLayerOptions options;
  MultiheadAttention self_attn = nullptr;
  Linear linear1 = nullptr;
  Dropout dropout = nullptr;
  Linear linear2 = nullptr;
  LayerNorm norm1 = nullptr, norm2 = nullptr;
  Dropout dropout1 = nullptr, dropout2 = nullptr;
};
extern template class Cloneable<TransformerEncoderLayerImpl>;
CT_MODULE(TransformerEncoderLayer);

/// The same with a second attention in the middle, of tgt to the encoder's result.
class CT_API TransformerDecoderLayerImpl : public Cloneable<TransformerDecoderLayerImpl> {
 public:
  TransformerDecoderLayerImpl(std::int64_t d_model, std::int64_t nhead) : TransformerDecoderLayerImpl(TransformerDecoderLayerOptions(d_model, nhead)) {}
  explicit TransformerDecoderLayerImpl(const TransformerDecoderLayerOptions& options);
  ~TransformerDecoderLayerImpl() override;
  void reset() override;
  void reset_parameters();
  Tensor forward(Tensor tgt, const Tensor& memory, const Tensor& tgt_mask = {}, const Tensor& memory_mask = {}, const Tensor& tgt_key_padding_mask = {},
                 const Tensor& memory_key_padding_mask = {});

  TransformerDecoderLayerOptions options;
  MultiheadAttention self_attn = nullptr, multihead_attn = nullptr;
  Linear linear1 = nullptr;
  Dropout dropout = nullptr;
  Linear linear2 = nullptr;
  LayerNorm norm1 = nullptr, norm2 = nullptr, norm3 = nullptr;
  Dropout dropout1 = nullptr, dropout2 = nullptr, dropout3 = nullptr;
};
extern template class Cloneable<TransformerDecoderLayerImpl>;
CT_MODULE(TransformerDecoderLayer);

struct TransformerEncoderOptions {
  TransformerEncoderOptions(TransformerEncoderLayer encoder_layer, std::int64_t num_layers) : encoder_layer_(std::move(encoder_layer)), num_layers_(num_layers) {}
  TransformerEncoderOptions(const TransformerEncoderLayerOptions& encoder_layer_options, std::int64_t num_layers)
      : TransformerEncoderOptions(TransformerEncoderLayer(encoder_layer_options), num_layers) {}
  CT_ARG(TransformerEncoderLayer, encoder_layer) = nullptr;  // the layers are copies of it
  CT_ARG(std::int64_t, num_layers);
  CT_ARG(AnyModule, norm);                                   // at the end, if there is one
};
struct TransformerDecoderOptions {
  TransformerDecoderOptions(TransformerDecoderLayer decoder_layer, std::int64_t num_layers) : decoder_layer_(std::move(decoder_layer)), num_layers_(num_layers) {}
  TransformerDecoderOptions(const TransformerDecoderLayerOptions& decoder_layer_options, std::int64_t num_layers)
      : TransformerDecoderOptions(TransformerDecoderLayer(decoder_layer_options), num_layers) {}
  CT_ARG(TransformerDecoderLayer, decoder_layer) = nullptr;
  CT_ARG(std::int64_t, num_layers);
  CT_ARG(AnyModule, norm);
};

/// Several layers, one after another.
class CT_API TransformerEncoderImpl : public Cloneable<TransformerEncoderImpl> {
 public:
  TransformerEncoderImpl(TransformerEncoderLayer encoder_layer, std::int64_t num_layers)
      : TransformerEncoderImpl(TransformerEncoderOptions(std::move(encoder_layer), num_layers)) {}
  explicit TransformerEncoderImpl(TransformerEncoderOptions options);
  ~TransformerEncoderImpl() override;
  void reset() override;
  void reset_parameters();
  Tensor forward(const Tensor& src, const Tensor& src_mask = {}, const Tensor& src_key_padding_mask = {});

  TransformerEncoderOptions options;
  ModuleList layers = nullptr;
  AnyModule norm;
};
extern template class Cloneable<TransformerEncoderImpl>;
CT_MODULE(TransformerEncoder);

class CT_API TransformerDecoderImpl : public Cloneable<TransformerDecoderImpl> {
 public:
  TransformerDecoderImpl(TransformerDecoderLayer decoder_layer, std::int64_t num_layers)
      : TransformerDecoderImpl(TransformerDecoderOptions(std::move(decoder_layer), num_layers)) {}
  explicit TransformerDecoderImpl(TransformerDecoderOptions options);
  ~TransformerDecoderImpl() override;
  void reset() override;
  void reset_parameters();
  Tensor forward(const Tensor& tgt, const Tensor& memory, const Tensor& tgt_mask = {}, const Tensor& memory_mask = {}, const Tensor& tgt_key_padding_mask = {},
                 const Tensor& memory_key_padding_mask = {});

  TransformerDecoderOptions options;
  ModuleList layers = nullptr;
  AnyModule norm;
};
extern template class Cloneable<TransformerDecoderImpl>;
CT_MODULE(TransformerDecoder);

struct TransformerOptions {
  TransformerOptions() = default;
  TransformerOptions(std::int64_t d_model, std::int64_t nhead) : d_model_(d_model), nhead_(nhead) {}
  TransformerOptions(std::int64_t d_model, std::int64_t nhead, std::int64_t num_encoder_layers, std::int64_t num_decoder_layers)
      : d_model_(d_model), nhead_(nhead), num_encoder_layers_(num_encoder_layers), num_decoder_layers_(num_decoder_layers) {}
  CT_ARG(std::int64_t, d_model) = 512;
  CT_ARG(std::int64_t, nhead) = 8;
  CT_ARG(std::int64_t, num_encoder_layers) = 6;
  CT_ARG(std::int64_t, num_decoder_layers) = 6;
  CT_ARG(std::int64_t, dim_feedforward) = 2048;
  CT_ARG(double, dropout) = 0.1;
  CT_ARG(activation_t, activation) = kReLU;
  CT_ARG(AnyModule, custom_encoder);     // a copy of it is called with (src, src_mask, src_key_padding_mask)
  CT_ARG(AnyModule, custom_decoder);     // a copy of it is called with tgt, memory, and their four masks
  // Python's:
  CT_ARG(double, layer_norm_eps) = 1e-5;
  CT_ARG(bool, batch_first) = false;
  CT_ARG(bool, norm_first) = false;
};

/// decoder(tgt, encoder(src)).   Initial values: Xavier's uniform ones for all matrices, the same numbers as PyTorch's.
/// Errors: ct::Error "src and tgt should have equal batch size (at dim 1), but got 3 and 2", "src and tgt should have same feature size
/// as d_model (at dim 2)".
class CT_API TransformerImpl : public Cloneable<TransformerImpl> {
 public:
  explicit TransformerImpl(TransformerOptions options = {});
  ~TransformerImpl() override;
  void reset() override;
  void reset_parameters();
  Tensor forward(const Tensor& src, const Tensor& tgt, const Tensor& src_mask = {}, const Tensor& tgt_mask = {}, const Tensor& memory_mask = {},
                 const Tensor& src_key_padding_mask = {}, const Tensor& tgt_key_padding_mask = {}, const Tensor& memory_key_padding_mask = {});
  /// [sz, sz]: 0 on and below the diagonal, -inf above it, so that nobody sees what comes later.
  static Tensor generate_square_subsequent_mask(std::int64_t sz);

  TransformerOptions options;
  AnyModule encoder, decoder;
};
extern template class Cloneable<TransformerImpl>;
CT_MODULE(Transformer);

}  // namespace ct::nn
