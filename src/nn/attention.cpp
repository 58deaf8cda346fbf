// nn/attention.cpp -- attention of several heads as a module.
#include "cotangent/nn/attention.h"

#include "cotangent/nn/functional/attention.h"
#include "cotangent/nn/init.h"

namespace ct::nn {

template class Cloneable<MultiheadAttentionImpl>;

namespace {

// What Python prints in the place of the last linear layer.
struct NonDynamicallyQuantizableLinearImpl final : LinearImpl {
  using LinearImpl::LinearImpl;
};

}  // namespace

MultiheadAttentionImpl::MultiheadAttentionImpl(const MultiheadAttentionOptions& o) : options(o) { MultiheadAttentionImpl::reset(); }
MultiheadAttentionImpl::~MultiheadAttentionImpl() = default;

void MultiheadAttentionImpl::reset() {
  const std::int64_t E = options.embed_dim(), heads = options.num_heads();
  CT_CHECK(E > 0 && heads > 0, "MultiheadAttention: embed_dim and num_heads must be greater than zero, got ", E, " and ", heads);
  CT_CHECK(E % heads == 0, "MultiheadAttention: embed_dim must be divisible by num_heads, got ", E, " and ", heads);
  CT_CHECK(options.kdim() > 0 && options.vdim() > 0, "MultiheadAttention: kdim and vdim must be greater than zero, got ", options.kdim(), " and ", options.vdim());
  head_dim = E / heads;
  _qkv_same_embed_dim = options.kdim() == E && options.vdim() == E;
  const auto absent = [&](const char* name) { return register_parameter(name, {}, false); };
  if (_qkv_same_embed_dim) {
    in_proj_weight = register_parameter("in_proj_weight", ct::empty({3 * E, E}));
    q_proj_weight = absent("q_proj_weight"), k_proj_weight = absent("k_proj_weight"), v_proj_weight = absent("v_proj_weight");
  } else {
    q_proj_weight = register_parameter("q_proj_weight", ct::empty({E, E}));
    k_proj_weight = register_parameter("k_proj_weight", ct::empty({E, options.kdim()}));
    v_proj_weight = register_parameter("v_proj_weight", ct::empty({E, options.vdim()}));
    in_proj_weight = absent("in_proj_weight");
  }
  in_proj_bias = options.bias() ? register_parameter("in_proj_bias", ct::empty({3 * E})) : absent("in_proj_bias");
  const auto out = std::make_shared<NonDynamicallyQuantizableLinearImpl>(LinearOptions(E, E).bias(options.bias()));
  register_module("out_proj", out);
  out_proj = Linear(std::static_pointer_cast<LinearImpl>(out));
  bias_k = options.add_bias_kv() ? register_parameter("bias_k", ct::empty({1, 1, E})) : absent("bias_k");
  bias_v = options.add_bias_kv() ? register_parameter("bias_v", ct::empty({1, 1, E})) : absent("bias_v");
  _reset_parameters();
}

void MultiheadAttentionImpl::_reset_parameters() {
  for (const Tensor* w : {&in_proj_weight, &q_proj_weight, &k_proj_weight, &v_proj_weight})
    if (w->defined()) init::xavier_uniform_(*w);
  if (in_proj_bias.defined()) {
    init::constant_(in_proj_bias, 0);
    init::constant_(out_proj->bias, 0);
  }
  for (const Tensor* b : {&bias_k, &bias_v})
    if (b->defined()) init::xavier_normal_(*b);
}

std::tuple<Tensor, Tensor> MultiheadAttentionImpl::forward(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding_mask, bool need_weights,
                                                           const Tensor& attn_mask, bool average_attn_weights) {
  const auto call = functional::MultiheadAttentionForwardFuncOptions(options.embed_dim(), options.num_heads(), in_proj_weight, in_proj_bias, bias_k, bias_v,
                                                                     options.add_zero_attn(), options.dropout(), out_proj->weight, out_proj->bias)
                        .training(is_training()).key_padding_mask(key_padding_mask).need_weights(need_weights).attn_mask(attn_mask)
                        .use_separate_proj_weight(!_qkv_same_embed_dim).q_proj_weight(q_proj_weight).k_proj_weight(k_proj_weight).v_proj_weight(v_proj_weight)
                        .average_attn_weights(average_attn_weights);
  const bool swap = options.batch_first() && query.defined() && query.dim() == 3;
  if (!swap) return functional::multi_head_attention_forward(query, key, value, call);
  CT_CHECK(key.defined() && key.dim() == 3 && value.defined() && value.dim() == 3, "MultiheadAttention: For batched (3-D) `query`, expected `key` and `value` to be 3-D");
  // The same tensor stays the same tensor: its projections are computed together.
  const Tensor q = query.transpose(0, 1), k = key.is_same(query) ? q : key.transpose(0, 1), v = value.is_same(key) ? k : value.transpose(0, 1);
  const auto [y, weights] = functional::multi_head_attention_forward(q, k, v, call);
  return {y.transpose(0, 1), weights};
}

}  // namespace ct::nn
