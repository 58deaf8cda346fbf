// nn/transformer.cpp -- the transformer, its encoder and decoder, and their layers.
#include "cotangent/nn/transformer.h"

#include <limits>

#include "cotangent/nn/init.h"

namespace ct::nn {

template class Cloneable<TransformerEncoderLayerImpl>;
template class Cloneable<TransformerDecoderLayerImpl>;
template class Cloneable<TransformerEncoderImpl>;
template class Cloneable<TransformerDecoderImpl>;
template class Cloneable<TransformerImpl>;

namespace {

template <class Options>
MultiheadAttentionOptions attention_options(const Options& o) {
  return MultiheadAttentionOptions(o.d_model(), o.nhead()).dropout(o.dropout()).batch_first(o.batch_first());
}
template <class Options>
LayerNorm norm_of(const Options& o) { return LayerNorm(LayerNormOptions({o.d_model()}).eps(o.layer_norm_eps())); }

}  // namespace

// ---- layers ------------------------------------------------------------------------------------------------------------------

TransformerEncoderLayerImpl::TransformerEncoderLayerImpl(const TransformerEncoderLayerOptions& o) : options(o) { TransformerEncoderLayerImpl::reset(); }
TransformerEncoderLayerImpl::~TransformerEncoderLayerImpl() = default;
void TransformerEncoderLayerImpl::reset() {
  self_attn = register_module("self_attn", MultiheadAttention(attention_options(options)));
  linear1 = register_module("linear1", Linear(options.d_model(), options.dim_feedforward()));
  dropout = register_module("dropout", Dropout(options.dropout()));
  linear2 = register_module("linear2", Linear(options.dim_feedforward(), options.d_model()));
  norm1 = register_module("norm1", norm_of(options));
  norm2 = register_module("norm2", norm_of(options));
  dropout1 = register_module("dropout1", Dropout(options.dropout()));
  dropout2 = register_module("dropout2", Dropout(options.dropout()));
}
void TransformerEncoderLayerImpl::reset_parameters() {
  self_attn->_reset_parameters();
  linear1->reset_parameters();
  linear2->reset_parameters();
  norm1->reset_parameters();
  norm2->reset_parameters();
}
Tensor TransformerEncoderLayerImpl::forward(const Tensor& src, const Tensor& src_mask, const Tensor& src_key_padding_mask) {
  const auto attend = [&](const Tensor& x) { return dropout1(std::get<0>(self_attn(x, x, x, src_key_padding_mask, false, src_mask))); };
  const auto feed = [&](const Tensor& x) { return dropout2(linear2(dropout(options.activation()(linear1(x))))); };
  if (options.norm_first()) {
    const Tensor x = src + attend(norm1(src));
    return x + feed(norm2(x));
  }
  const Tensor x = norm1(src + attend(src));
  return norm2(x + feed(x));
}

TransformerDecoderLayerImpl::TransformerDecoderLayerImpl(const TransformerDecoderLayerOptions& o) : options(o) { TransformerDecoderLayerImpl::reset(); }
TransformerDecoderLayerImpl::~TransformerDecoderLayerImpl() = default;
void TransformerDecoderLayerImpl::reset() {
  self_attn = register_module("self_attn", MultiheadAttention(attention_options(options)));
  multihead_attn = register_module("multihead_attn", MultiheadAttention(attention_options(options)));
  linear1 = register_module("linear1", Linear(options.d_model(), options.dim_feedforward()));
  dropout = register_module("dropout", Dropout(options.dropout()));
  linear2 = register_module("linear2", Linear(options.dim_feedforward(), options.d_model()));
  norm1 = register_module("norm1", norm_of(options));
  norm2 = register_module("norm2", norm_of(options));
  norm3 = register_module("norm3", norm_of(options));
  dropout1 = register_module("dropout1", Dropout(options.dropout()));
  dropout2 = register_module("dropout2", Dropout(options.dropout()));
  dropout3 = register_module("dropout3", Dropout(options.dropout()));
}
void TransformerDecoderLayerImpl::reset_parameters() {
  self_attn->_reset_parameters();
  multihead_attn->_reset_parameters();
  linear1->reset_parameters();
  linear2->reset_parameters();
  norm1->reset_parameters();
  norm2->reset_parameters();
  norm3->reset_parameters();
}
Tensor TransformerDecoderLayerImpl::forward(Tensor tgt, const Tensor& memory, const Tensor& tgt_mask, const Tensor& memory_mask, const Tensor& tgt_key_padding_mask,
                                            const Tensor& memory_key_padding_mask) {
  const auto attend = [&](const Tensor& x) { return dropout1(std::get<0>(self_attn(x, x, x, tgt_key_padding_mask, false, tgt_mask))); };
  const auto look = [&](const Tensor& x) { return dropout2(std::get<0>(multihead_attn(x, memory, memory, memory_key_padding_mask, false, memory_mask))); };
  const auto feed = [&](const Tensor& x) { return dropout3(linear2(dropout(options.activation()(linear1(x))))); };
  if (options.norm_first()) {
    tgt = tgt + attend(norm1(tgt));
    tgt = tgt + look(norm2(tgt));
    return tgt + feed(norm3(tgt));
  }
  tgt = norm1(tgt + attend(tgt));
  tgt = norm2(tgt + look(tgt));
  return norm3(tgt + feed(tgt));
}

// ---- stacks of layers --------------------------------------------------------------------------------------------------------

namespace {

// Initial values are drawn as often as libtorch does: its copy of a module makes a new one, and then new ones of its children.
void draw_as_copy(const MultiheadAttentionImpl& m) {
  MultiheadAttention{m.options};
  Linear{m.out_proj->options};
}
void draw_as_copy(const TransformerEncoderLayerImpl& m) {
  TransformerEncoderLayer{m.options};
  draw_as_copy(*m.self_attn);
}
void draw_as_copy(const TransformerDecoderLayerImpl& m) {
  TransformerDecoderLayer{m.options};
  draw_as_copy(*m.self_attn);
  draw_as_copy(*m.multihead_attn);
}
template <class Layer>
std::shared_ptr<Layer> copy_of(const Layer& layer) {
  draw_as_copy(layer);
  Linear{layer.linear1->options};
  Linear{layer.linear2->options};
  return std::dynamic_pointer_cast<Layer>(layer.clone());
}

template <class Layer>
void check_stack(const char* name, const Layer& layer, std::int64_t num_layers) {
  CT_CHECK(!layer.is_empty(), name, ": expected a layer to copy, but it is empty");
  CT_CHECK(num_layers >= 0, name, ": num_layers must not be negative, got ", num_layers);
}

}  // namespace

TransformerEncoderImpl::TransformerEncoderImpl(TransformerEncoderOptions o) : options(std::move(o)) { TransformerEncoderImpl::reset(); }
TransformerEncoderImpl::~TransformerEncoderImpl() = default;
void TransformerEncoderImpl::reset() {
  check_stack("TransformerEncoder", options.encoder_layer(), options.num_layers());
  layers = register_module("layers", ModuleList());
  for (std::int64_t i = 0; i < options.num_layers(); ++i) layers->push_back(copy_of(*options.encoder_layer()));
  norm = options.norm().is_empty() ? AnyModule() : options.norm().clone();
  if (!norm.is_empty()) register_module("norm", norm.ptr());
}
void TransformerEncoderImpl::reset_parameters() {
  for (const auto& layer : *layers) layer->as<TransformerEncoderLayer>()->reset_parameters();
  if (norm.is_empty()) return;
  unregister_module("norm");
  norm = options.norm().clone();
  register_module("norm", norm.ptr());
}
Tensor TransformerEncoderImpl::forward(const Tensor& src, const Tensor& src_mask, const Tensor& src_key_padding_mask) {
  Tensor x = src;
  for (const auto& layer : *layers) x = call(*layer->as<TransformerEncoderLayer>(), x, src_mask, src_key_padding_mask);
  return norm.is_empty() ? x : norm.forward(x);
}

TransformerDecoderImpl::TransformerDecoderImpl(TransformerDecoderOptions o) : options(std::move(o)) { TransformerDecoderImpl::reset(); }
TransformerDecoderImpl::~TransformerDecoderImpl() = default;
void TransformerDecoderImpl::reset() {
  check_stack("TransformerDecoder", options.decoder_layer(), options.num_layers());
  layers = register_module("layers", ModuleList());
  for (std::int64_t i = 0; i < options.num_layers(); ++i) layers->push_back(copy_of(*options.decoder_layer()));
  norm = options.norm().is_empty() ? AnyModule() : options.norm().clone();
  if (!norm.is_empty()) register_module("norm", norm.ptr());
}
void TransformerDecoderImpl::reset_parameters() {
  for (const auto& layer : *layers) layer->as<TransformerDecoderLayer>()->reset_parameters();
  if (norm.is_empty()) return;
  unregister_module("norm");
  norm = options.norm().clone();
  register_module("norm", norm.ptr());
}
Tensor TransformerDecoderImpl::forward(const Tensor& tgt, const Tensor& memory, const Tensor& tgt_mask, const Tensor& memory_mask, const Tensor& tgt_key_padding_mask,
                                       const Tensor& memory_key_padding_mask) {
  Tensor x = tgt;
  for (const auto& layer : *layers)
    x = call(*layer->as<TransformerDecoderLayer>(), x, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask);
  return norm.is_empty() ? x : norm.forward(x);
}

// ---- the whole -----------------------------------------------------------------------------------------------------------------

TransformerImpl::TransformerImpl(TransformerOptions o) : options(std::move(o)) { TransformerImpl::reset(); }
TransformerImpl::~TransformerImpl() = default;
void TransformerImpl::reset() {
  const TransformerOptions& o = options;
  const auto options_of = [&](auto layer) {
    return layer.dim_feedforward(o.dim_feedforward()).dropout(o.dropout()).activation(o.activation()).layer_norm_eps(o.layer_norm_eps()).batch_first(o.batch_first())
        .norm_first(o.norm_first());
  };
  if (o.custom_encoder().is_empty()) {
    TransformerEncoderLayer layer(options_of(TransformerEncoderLayerOptions(o.d_model(), o.nhead())));
    encoder = AnyModule(TransformerEncoder(TransformerEncoderOptions(layer, o.num_encoder_layers()).norm(AnyModule(norm_of(o)))));
  } else {
    encoder = o.custom_encoder().clone();
  }
  register_module("encoder", encoder.ptr());
  if (o.custom_decoder().is_empty()) {
    TransformerDecoderLayer layer(options_of(TransformerDecoderLayerOptions(o.d_model(), o.nhead())));
    decoder = AnyModule(TransformerDecoder(TransformerDecoderOptions(layer, o.num_decoder_layers()).norm(AnyModule(norm_of(o)))));
  } else {
    decoder = o.custom_decoder().clone();
  }
  register_module("decoder", decoder.ptr());
  reset_parameters();
}
void TransformerImpl::reset_parameters() {
  for (const Tensor& p : parameters())
    if (p.dim() > 1) init::xavier_uniform_(p);
}

Tensor TransformerImpl::forward(const Tensor& src, const Tensor& tgt, const Tensor& src_mask, const Tensor& tgt_mask, const Tensor& memory_mask,
                                const Tensor& src_key_padding_mask, const Tensor& tgt_key_padding_mask, const Tensor& memory_key_padding_mask) {
  CT_CHECK(src.defined() && tgt.defined(), "Transformer: expected a tensor, but src or tgt is undefined");
  CT_CHECK((src.dim() == 3 || src.dim() == 2) && src.dim() == tgt.dim(), "Transformer: src and tgt should have 3 dimensions (or 2 without a batch), but got ", src.dim(), " and ",
           tgt.dim());
  const std::int64_t batch = options.batch_first() ? 0 : 1, d_model = options.d_model();
  CT_CHECK(src.dim() == 2 || src.size(batch) == tgt.size(batch), "Transformer: src and tgt should have equal batch size (at dim ", batch, "), but got ", src.size(batch), " and ",
           tgt.size(batch));
  CT_CHECK(src.size(-1) == d_model && tgt.size(-1) == d_model, "Transformer: src and tgt should have same feature size as d_model (at dim ", src.dim() - 1, "), but got ",
           src.size(-1), " and ", tgt.size(-1), " while d_model is ", d_model);
  // Masks that are left out are undefined tensors, which a module of the user's own need not expect.
  Tensor memory;
  if (auto* known = encoder.ptr()->as<TransformerEncoder>()) memory = call(*known, src, src_mask, src_key_padding_mask);
  else memory = encoder.forward(src, src_mask, src_key_padding_mask);
  if (auto* known = decoder.ptr()->as<TransformerDecoder>())
    return call(*known, tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask);
  return decoder.forward(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask);
}

Tensor TransformerImpl::generate_square_subsequent_mask(std::int64_t sz) {
  CT_CHECK(sz >= 0, "generate_square_subsequent_mask: input size must be non-negative, got ", sz);
  return full({sz, sz}, -std::numeric_limits<double>::infinity(), kFloat).triu(1);
}

}  // namespace ct::nn
