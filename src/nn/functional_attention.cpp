// nn/functional_attention.cpp -- attention as a function, of one head and of several.
#include <cmath>
#include <limits>

#include "cotangent/nn/functional.h"
#include "cotangent/nn/functional/attention.h"

namespace ct::nn::functional {

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// The scores with a mask: of a boolean one, what is true is left out; others are added.
Tensor masked(const Tensor& scores, const Tensor& mask) {
  if (mask.scalar_type() == kBool || mask.scalar_type() == kByte) return scores.masked_fill(mask.to(kBool), minus_infinity);
  return scores + mask;
}
// A mask with one more column, of zeros.
Tensor with_column(const Tensor& mask) {
  if (!mask.defined()) return mask;
  std::vector<std::int64_t> sizes(mask.sizes().begin(), mask.sizes().end());
  sizes.back() = 1;
  return cat({mask, zeros(sizes, mask.scalar_type())}, -1);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const ScaledDotProductAttentionFuncOptions& options) {
  const char* op = "scaled_dot_product_attention";
  CT_CHECK(query.defined() && key.defined() && value.defined(), op, ": expected a tensor, but query, key or value is undefined");
  CT_CHECK(query.dim() >= 2 && key.dim() >= 2 && value.dim() >= 2, op, ": Expected query, key, and value to all be at least 2 dimensional, but got ", query.dim(), ", ",
           key.dim(), " and ", value.dim());
  CT_CHECK(query.size(-1) == key.size(-1) && key.size(-2) == value.size(-2), op, ": query ", query.sizes(), ", key ", key.sizes(), " and value ", value.sizes(),
           " do not fit\n  They are [.., L, E], [.., S, E] and [.., S, V].");
  CT_CHECK(!options.is_causal() || !options.attn_mask().defined(), op, ": Explicit attn_mask should not be set when is_causal=True");
  const std::int64_t L = query.size(-2), S = key.size(-2);
  const double scale = options.scale().value_or(1 / std::sqrt(static_cast<double>(query.size(-1))));
  Tensor scores = matmul(query * scale, key.transpose(-2, -1));
  if (options.is_causal()) scores = masked(scores, ones({L, S}, kBool).triu(1));
  else if (const Tensor& mask = options.attn_mask(); mask.defined()) scores = masked(scores, mask.scalar_type() == kBool ? mask.logical_not() : mask);
  return matmul(dropout(ct::softmax(scores, -1), DropoutFuncOptions().p(options.dropout_p())), value);
}

std::tuple<Tensor, Tensor> multi_head_attention_forward(const Tensor& query, const Tensor& key, const Tensor& value, const MultiheadAttentionForwardFuncOptions& o) {
  const char* op = "multi_head_attention_forward";
  CT_CHECK(query.defined() && key.defined() && value.defined(), op, ": expected a tensor, but query, key or value is undefined");
  if (query.dim() == 2) {  // one sequence is a batch of one
    CT_CHECK(key.dim() == 2 && value.dim() == 2, op, ": For unbatched (2-D) `query`, expected `key` and `value` to be 2-D but found ", key.dim(), "-D and ", value.dim(),
             "-D tensors respectively");
    MultiheadAttentionForwardFuncOptions one = o;
    if (o.key_padding_mask().defined()) {
      CT_CHECK(o.key_padding_mask().dim() == 1, op, ": For unbatched (2-D) `query`, expected `key_padding_mask` to be 1-D but found ", o.key_padding_mask().dim(), "-D tensor");
      one.key_padding_mask(o.key_padding_mask().unsqueeze(0));
    }
    const auto [y, weights] = multi_head_attention_forward(query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1), one);
    return {y.squeeze(1), weights.defined() ? weights.squeeze(0) : weights};
  }
  CT_CHECK(query.dim() == 3, op, ": query should be unbatched 2D or batched 3D tensor but received ", query.dim(), "-D query tensor");
  CT_CHECK(key.dim() == 3 && value.dim() == 3, op, ": For batched (3-D) `query`, expected `key` and `value` to be 3-D but found ", key.dim(), "-D and ", value.dim(),
           "-D tensors respectively");
  const std::int64_t L = query.size(0), N = query.size(1), E = query.size(2), heads = o.num_heads();
  CT_CHECK(E == o.embed_dim_to_check(), op, ": was expecting embedding dimension of ", o.embed_dim_to_check(), ", but got ", E);
  CT_CHECK(E > 0 && heads > 0 && E % heads == 0, op, ": embed_dim must be divisible by num_heads, got ", E, " and ", heads);
  CT_CHECK(key.size(0) == value.size(0) && key.size(1) == N && value.size(1) == N, op, ": key's sequence and batch dims ", key.sizes(), " do not match value's ", value.sizes(),
           " or the batch of query ", query.sizes());
  const std::int64_t each = E / heads;

  // Queries, keys and values.
  Tensor q, k, v;
  const Tensor& bias = o.in_proj_bias();
  CT_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == 3 * E), op, ": expected in_proj_bias of shape [", 3 * E, "], got ", bias.defined() ? bias.sizes() : IntArrayRef());
  const auto bias_of = [&](std::int64_t part) { return bias.defined() ? bias.narrow(0, part * E, E) : Tensor(); };
  if (!o.use_separate_proj_weight()) {
    const Tensor& w = o.in_proj_weight();
    CT_CHECK(w.defined() && w.dim() == 2 && w.size(0) == 3 * E && w.size(1) == E, op, ": expected in_proj_weight of shape [", 3 * E, ", ", E, "]");
    CT_CHECK(key.size(2) == E && value.size(2) == E, op, ": key and value must have ", E, " features, as the query, but have ", key.size(2), " and ", value.size(2));
    if (query.is_same(key) && key.is_same(value)) {
      const std::vector<Tensor> all = functional::linear(query, w, bias).chunk(3, -1);
      q = all[0], k = all[1], v = all[2];
    } else {
      q = functional::linear(query, w.narrow(0, 0, E), bias_of(0));
      if (key.is_same(value)) {
        const std::vector<Tensor> both = functional::linear(key, w.narrow(0, E, 2 * E), bias.defined() ? bias.narrow(0, E, 2 * E) : Tensor()).chunk(2, -1);
        k = both[0], v = both[1];
      } else {
        k = functional::linear(key, w.narrow(0, E, E), bias_of(1));
        v = functional::linear(value, w.narrow(0, 2 * E, E), bias_of(2));
      }
    }
  } else {
    const auto project = [&](const Tensor& x, const Tensor& w, std::int64_t part, const char* name) {
      CT_CHECK(w.defined() && w.dim() == 2 && w.size(0) == E && w.size(1) == x.size(2), op, ": expecting ", name, "_proj_weight of shape [", E, ", ", x.size(2), "]");
      return functional::linear(x, w, bias_of(part));
    };
    q = project(query, o.q_proj_weight(), 0, "q");
    k = project(key, o.k_proj_weight(), 1, "k");
    v = project(value, o.v_proj_weight(), 2, "v");
  }
  q = q * (1 / std::sqrt(static_cast<double>(each)));

  // One more key and value.
  Tensor mask = o.attn_mask(), padding = o.key_padding_mask();
  CT_CHECK(o.bias_k().defined() == o.bias_v().defined(), op, ": bias_k and bias_v must be given both, or none of them");
  if (o.bias_k().defined()) {
    CT_CHECK(!o.static_k().defined(), op, ": bias cannot be added to static key.");
    CT_CHECK(!o.static_v().defined(), op, ": bias cannot be added to static value.");
    k = cat({k, o.bias_k().expand({1, N, E})}, 0);
    v = cat({v, o.bias_v().expand({1, N, E})}, 0);
    mask = with_column(mask), padding = with_column(padding);
  }
  const auto by_head = [&](const Tensor& x) { return x.reshape({x.size(0), N * heads, each}).transpose(0, 1); };  // [N heads, .., each]
  q = by_head(q);
  const auto fixed = [&](const Tensor& x, const char* name) {
    CT_CHECK(x.dim() == 3 && x.size(0) == N * heads && x.size(2) == each, op, ": expecting static_", name, " of shape [", N * heads, ", S, ", each, "], got ", x.sizes());
    return x;
  };
  k = o.static_k().defined() ? fixed(o.static_k(), "k") : by_head(k);
  v = o.static_v().defined() ? fixed(o.static_v(), "v") : by_head(v);
  CT_CHECK(k.size(1) == v.size(1), op, ": there are ", k.size(1), " keys and ", v.size(1), " values");
  if (o.add_zero_attn()) {
    const Tensor zero = zeros({N * heads, 1, each}, k.scalar_type());
    k = cat({k, zero}, 1);
    v = cat({v, zero}, 1);
    mask = with_column(mask), padding = with_column(padding);
  }
  const std::int64_t S = k.size(1);
  CT_CHECK(!mask.defined() || (mask.dim() == 2 && mask.size(0) == L && mask.size(1) == S) ||
               (mask.dim() == 3 && mask.size(0) == N * heads && mask.size(1) == L && mask.size(2) == S),
           op, ": The shape of the attn_mask is ", mask.defined() ? mask.sizes() : IntArrayRef(), ", but should be [", L, ", ", S, "] or [", N * heads, ", ", L, ", ", S, "]");
  CT_CHECK(!padding.defined() || (padding.dim() == 2 && padding.size(0) == N && padding.size(1) == S), op, ": expecting key_padding_mask shape of [", N, ", ", S, "], but got ",
           padding.defined() ? padding.sizes() : IntArrayRef());

  Tensor scores = bmm(q, k.transpose(1, 2));  // [N heads, L, S]
  if (mask.defined()) scores = masked(scores, mask);
  if (padding.defined()) scores = masked(scores.view({N, heads, L, S}), padding.unsqueeze(1).unsqueeze(2)).view({N * heads, L, S});
  const Tensor weights = dropout(ct::softmax(scores, -1), DropoutFuncOptions().p(o.dropout_p()).training(o.training()));
  const Tensor y = functional::linear(bmm(weights, v).transpose(0, 1).reshape({L, N, E}), o.out_proj_weight(), o.out_proj_bias());
  if (!o.need_weights()) return {y, Tensor()};
  const Tensor of_heads = weights.view({N, heads, L, S});
  return {y, o.average_attn_weights() ? of_heads.sum(1) / static_cast<double>(heads) : of_heads};
}

}  // namespace ct::nn::functional
