// cotangent/nn/attention.h -- attention of several heads.
#pragma once

#include <tuple>

#include "cotangent/nn/layers.h"
#include "cotangent/nn/options/attention.h"

namespace ct::nn {

/// Attention of several heads: see functional::multi_head_attention_forward.
/// Parameters: in_proj_weight [3 E, E] (q_proj_weight, k_proj_weight, v_proj_weight if keys or values have other features),
/// in_proj_bias [3 E], out_proj, bias_k and bias_v [1, 1, E].   Initial values: Xavier's, the same numbers as PyTorch's; biases 0.
class CT_API MultiheadAttentionImpl : public Cloneable<MultiheadAttentionImpl> {
 public:
  MultiheadAttentionImpl(std::int64_t embed_dim, std::int64_t num_heads) : MultiheadAttentionImpl(MultiheadAttentionOptions(embed_dim, num_heads)) {}
  explicit MultiheadAttentionImpl(const MultiheadAttentionOptions& options);
  ~MultiheadAttentionImpl() override;
  void reset() override;
  void _reset_parameters();
  /// -> output, weights (undefined unless need_weights)
  std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_padding_mask = {}, bool need_weights = true,
                                     const Tensor& attn_mask = {}, bool average_attn_weights = true);

  MultiheadAttentionOptions options;
  bool _qkv_same_embed_dim = true;
  Tensor in_proj_weight, in_proj_bias, bias_k, bias_v;
  Linear out_proj = nullptr;
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;
  std::int64_t head_dim = 0;
};
extern template class Cloneable<MultiheadAttentionImpl>;
CT_MODULE(MultiheadAttention);

}  // namespace ct::nn
