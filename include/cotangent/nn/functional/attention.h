// cotangent/nn/functional/attention.h -- attention as a function.
#pragma once

#include <tuple>

#include "cotangent/nn/options/attention.h"

namespace ct::nn::functional {

/// softmax(query key^T scale + mask) value.   query [.., L, E], key [.., S, E], value [.., S, V] -> [.., L, V]. Vaswani et al. (2017).
/// attn_mask broadcasts to [.., L, S]: a boolean one says what takes part, any other is added. is_causal: row i sees columns up to i.
/// Dropout (whatever the mode) draws one number for each weight.
/// Errors: ct::Error "Explicit attn_mask should not be set when is_causal=True", and for shapes that do not fit.
CT_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const ScaledDotProductAttentionFuncOptions& options = {});

/// Attention of several heads side by side, each of E / heads features, on linear maps of the arguments, and a linear map of the
/// result.   query [L, N, E], key [S, N, K], value [S, N, V] -> [L, N, E], and weights [N, L, S], or [N, heads, L, S] if they are
/// not averaged; or without N.
/// attn_mask [L, S] or [N heads, L, S] and key_padding_mask [N, S]: what is true is left out, numbers are added.
/// Errors: ct::Error "embed_dim must be divisible by num_heads", and for shapes that do not fit.
CT_API std::tuple<Tensor, Tensor> multi_head_attention_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                                               const MultiheadAttentionForwardFuncOptions& options);

}  // namespace ct::nn::functional
