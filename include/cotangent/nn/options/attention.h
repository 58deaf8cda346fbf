// cotangent/nn/options/attention.h -- options of attention and of the transformer's layers.
#pragma once

#include <optional>

#include "cotangent/callable.h"
#include "cotangent/enum.h"
#include "cotangent/arg.h"
#include "cotangent/tensor.h"

namespace ct::nn {

struct MultiheadAttentionOptions {
  MultiheadAttentionOptions(std::int64_t embed_dim, std::int64_t num_heads)
      : embed_dim_(embed_dim), num_heads_(num_heads), kdim_(embed_dim), vdim_(embed_dim) {}
  CT_ARG(std::int64_t, embed_dim);
  CT_ARG(std::int64_t, num_heads);
  CT_ARG(double, dropout) = 0.0;         // of the attention's weights, while training
  CT_ARG(bool, bias) = true;
  CT_ARG(bool, add_bias_kv) = false;     // one more key and value, learned
  CT_ARG(bool, add_zero_attn) = false;   // one more key and value, zero
  CT_ARG(std::int64_t, kdim);            // features of the keys and of the values
  CT_ARG(std::int64_t, vdim);
  CT_ARG(bool, batch_first) = false;     // Python's: [N, L, E] in place of [L, N, E]
};

/// kReLU, kGELU, or any function of a tensor.
class activation_t {
 public:
  activation_t(enumtype::kReLU) {}
  activation_t(enumtype::kGELU) : gelu_(true) {}
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, activation_t> && std::is_invocable_r_v<Tensor, std::decay_t<F>&, const Tensor&>)
  activation_t(F&& f) : function_(std::forward<F>(f)) {}
  Tensor operator()(const Tensor& x) const { return function_ ? function_(x) : gelu_ ? gelu(x) : relu(x); }

 private:
  bool gelu_ = false;
  Callback<Tensor(const Tensor&)> function_;
};

struct TransformerEncoderLayerOptions {
  TransformerEncoderLayerOptions(std::int64_t d_model, std::int64_t nhead) : d_model_(d_model), nhead_(nhead) {}
  CT_ARG(std::int64_t, d_model);
  CT_ARG(std::int64_t, nhead);
  CT_ARG(std::int64_t, dim_feedforward) = 2048;
  CT_ARG(double, dropout) = 0.1;
  CT_ARG(activation_t, activation) = kReLU;
  // Python's:
  CT_ARG(double, layer_norm_eps) = 1e-5;
  CT_ARG(bool, batch_first) = false;
  CT_ARG(bool, norm_first) = false;      // normalises what goes into each part, not what comes out of it
};
struct TransformerDecoderLayerOptions {
  TransformerDecoderLayerOptions(std::int64_t d_model, std::int64_t nhead) : d_model_(d_model), nhead_(nhead) {}
  CT_ARG(std::int64_t, d_model);
  CT_ARG(std::int64_t, nhead);
  CT_ARG(std::int64_t, dim_feedforward) = 2048;
  CT_ARG(double, dropout) = 0.1;
  CT_ARG(activation_t, activation) = kReLU;
  // Python's:
  CT_ARG(double, layer_norm_eps) = 1e-5;
  CT_ARG(bool, batch_first) = false;
  CT_ARG(bool, norm_first) = false;
};

namespace functional {

struct MultiheadAttentionForwardFuncOptions {
  MultiheadAttentionForwardFuncOptions(std::int64_t embed_dim_to_check, std::int64_t num_heads, Tensor in_proj_weight, Tensor in_proj_bias, Tensor bias_k, Tensor bias_v,
                                       bool add_zero_attn, double dropout_p, Tensor out_proj_weight, Tensor out_proj_bias)
      : embed_dim_to_check_(embed_dim_to_check), num_heads_(num_heads), in_proj_weight_(std::move(in_proj_weight)), in_proj_bias_(std::move(in_proj_bias)),
        bias_k_(std::move(bias_k)), bias_v_(std::move(bias_v)), add_zero_attn_(add_zero_attn), dropout_p_(dropout_p), out_proj_weight_(std::move(out_proj_weight)),
        out_proj_bias_(std::move(out_proj_bias)) {}
  CT_ARG(std::int64_t, embed_dim_to_check);
  CT_ARG(std::int64_t, num_heads);
  CT_ARG(Tensor, in_proj_weight);        // [3 E, E]: of queries, keys and values
  CT_ARG(Tensor, in_proj_bias);          // [3 E]
  CT_ARG(Tensor, bias_k);                // [1, 1, E], both or none
  CT_ARG(Tensor, bias_v);
  CT_ARG(bool, add_zero_attn);
  CT_ARG(double, dropout_p);
  CT_ARG(Tensor, out_proj_weight);       // [E, E]
  CT_ARG(Tensor, out_proj_bias);
  CT_ARG(bool, training) = true;
  CT_ARG(Tensor, key_padding_mask) = {};
  CT_ARG(bool, need_weights) = true;
  CT_ARG(Tensor, attn_mask) = {};
  CT_ARG(bool, use_separate_proj_weight) = false;
  CT_ARG(Tensor, q_proj_weight) = {};    // [E, E], [E, kdim], [E, vdim] in place of in_proj_weight
  CT_ARG(Tensor, k_proj_weight) = {};
  CT_ARG(Tensor, v_proj_weight) = {};
  CT_ARG(Tensor, static_k) = {};         // [N heads, S, E / heads] in place of projected keys and values
  CT_ARG(Tensor, static_v) = {};
  CT_ARG(bool, average_attn_weights) = true;
};

/// Python's arguments.
struct ScaledDotProductAttentionFuncOptions {
  CT_ARG(Tensor, attn_mask) = {};
  CT_ARG(double, dropout_p) = 0.0;
  CT_ARG(bool, is_causal) = false;
  CT_ARG(std::optional<double>, scale) = std::nullopt;  // 1 / sqrt(E)
};

}  // namespace functional
}  // namespace ct::nn
