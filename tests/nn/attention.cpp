// tests/nn/attention.cpp -- attention and the transformer: by hand, derivatives, layouts, copies, and what is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cotangent/autocast.h"
#include "cotangent/cotangent.h"
#include "cotangent/func.h"
#include "cotangent/gradcheck.h"
#include "cotangent/nn/functional.h"
#include "cotangent/nn/transformer.h"
#include "values.h"

namespace nn = ct::nn;
namespace F = ct::nn::functional;
using ct::Tensor;

namespace {

bool near(const Tensor& a, const Tensor& b) { return a.sizes() == b.sizes() && ct::allclose(a.detach(), b.detach(), 1e-5, 1e-6); }

template <class Call>
std::string refused(Call&& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "not refused";
}
bool says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE(text);
  return false;
}
Tensor leaf(ct::IntArrayRef sizes) { return ct::randn(sizes, ct::kDouble).requires_grad_(); }

}  // namespace

TEST_CASE("scaled_dot_product_attention") {
  using Options = F::ScaledDotProductAttentionFuncOptions;
  // Two keys, orthogonal to the query but for the first: weights e^s / (e^s + 1), 1 / (e^s + 1).
  const Tensor q = ct::tensor({{1.0, 0.0}}), k = ct::tensor({{2.0, 0.0}, {0.0, 5.0}}), v = ct::tensor({{1.0}, {0.0}});
  const double s = 2 / std::sqrt(2.0);
  CHECK(F::scaled_dot_product_attention(q, k, v).item<double>() == doctest::Approx(std::exp(s) / (std::exp(s) + 1)));
  CHECK(F::scaled_dot_product_attention(q, k, v, Options().scale(0.5)).item<double>() == doctest::Approx(std::exp(1.0) / (std::exp(1.0) + 1)));
  CHECK(F::scaled_dot_product_attention(q, k, v, Options().attn_mask(ct::tensor({{false, true}}))).item<double>() == 0);
  CHECK(F::scaled_dot_product_attention(q, k, v, Options().attn_mask(ct::tensor({{-s, 0.0}}))).item<double>() == doctest::Approx(0.5));

  ct::manual_seed(1);
  const Tensor a = leaf({2, 3, 4}), b = leaf({2, 3, 4}), c = leaf({2, 3, 5});
  const Tensor causal = F::scaled_dot_product_attention(a, b, c, Options().is_causal(true));
  CHECK(near(causal.select(1, 0), c.select(1, 0)));  // the first sees itself only
  CHECK(near(causal, F::scaled_dot_product_attention(a, b, c, Options().attn_mask(ct::ones({3, 3}, ct::kBool).tril()))));
  const auto f = [](const Tensor& x, const Tensor& y, const Tensor& z) { return F::scaled_dot_product_attention(x, y, z, Options().is_causal(true)); };
  CHECK(ct::autograd::gradcheck(f, {a, b, c}));
  CHECK(ct::autograd::gradgradcheck(f, {a, b, c}));
  CHECK(says(refused([&] { F::scaled_dot_product_attention(a, b, c, Options().is_causal(true).attn_mask(ct::ones({3, 3}))); }),
             "Explicit attn_mask should not be set when is_causal=True"));
  CHECK(says(refused([&] { F::scaled_dot_product_attention(a, c, b); }), "do not fit"));
  CHECK(says(refused([&] { F::scaled_dot_product_attention(a[0][0], b, c); }), "at least 2 dimensional"));
}

TEST_CASE("MultiheadAttention: layouts, masks, derivatives") {
  ct::manual_seed(2);
  nn::MultiheadAttention m(nn::MultiheadAttentionOptions(4, 2)), first(nn::MultiheadAttentionOptions(4, 2).batch_first(true));
  m->to(ct::kDouble);
  first->to(ct::kDouble);
  first->load_state_dict(m->state_dict());
  const Tensor q = leaf({3, 2, 4}), k = leaf({5, 2, 4}), v = leaf({5, 2, 4});
  const auto [y, w] = m(q, k, v);
  CHECK_SIZES(w, {2, 3, 5});
  CHECK(near(w.sum(-1), ct::ones({2, 3}, ct::kDouble)));
  const auto [y1, w1] = first(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1));
  CHECK(near(y1.transpose(0, 1), y));
  CHECK(near(w1, w));
  const auto [y2, w2] = m(q.select(1, 1), k.select(1, 1), v.select(1, 1));
  CHECK(near(y2, y.select(1, 1)));
  CHECK(near(w2, w[1]));
  // boolean masks leave out what -inf leaves out, whether for all heads or for each
  const Tensor hidden = ct::tensor({{false, true, false, false, true}}).expand({3, 5});
  const Tensor numbers = ct::zeros({3, 5}, ct::kDouble).masked_fill(hidden, -std::numeric_limits<double>::infinity());
  const Tensor masked = std::get<0>(m(q, k, v, Tensor(), true, hidden));
  CHECK(near(masked, std::get<0>(m(q, k, v, Tensor(), true, numbers))));
  CHECK(near(masked, std::get<0>(m(q, k, v, Tensor(), true, hidden.unsqueeze(0).expand({4, 3, 5})))));
  CHECK(near(masked, std::get<0>(m(q, k, v, hidden.narrow(0, 0, 2)))));
  // attention to itself is computed at once
  CHECK(near(std::get<0>(m(q, q, q)), std::get<0>(m(q, q.clone(), q.clone()))));

  const auto f = [&](const Tensor& a, const Tensor& b, const Tensor& c) { return m(a, b, c); };
  CHECK(ct::autograd::gradcheck(f, {q, k, v}));
  CHECK(ct::autograd::gradgradcheck(f, {q, k, v}));
  const Tensor many = ct::randn({3, 4, 2, 4}, ct::kDouble);
  const Tensor all = ct::func::vmap([&](const Tensor& a) { return std::get<0>(m(a, a, a)); })(many);
  for (std::int64_t i = 0; i < 3; ++i) CHECK(near(all[i], std::get<0>(m(many[i], many[i], many[i]))));

  const auto copy = std::dynamic_pointer_cast<nn::MultiheadAttentionImpl>(m->clone());
  CHECK(near(std::get<0>(copy->forward(q, k, v)), y));
  CHECK(ct::nn::to_string(*copy) == ct::nn::to_string(*m));
  ct::func::Parameters zero;
  for (const auto& p : m->named_parameters()) zero.emplace_back(p.key(), ct::zeros_like(p.value()));
  CHECK(std::get<0>(ct::func::functional_call(m, zero, q, k, v)).abs().max().item<double>() == 0);

  nn::MultiheadAttention other(nn::MultiheadAttentionOptions(4, 2).kdim(3).vdim(5));  // keys and values of other features
  other->to(ct::kDouble);
  CHECK_SIZES(std::get<0>(other(q, leaf({5, 2, 3}), leaf({5, 2, 5}))), {3, 2, 4});
  CHECK(says(refused([&] { other(q, k, v); }), "expecting k_proj_weight of shape [4, 4]"));
  first->to(ct::kFloat);
  const Tensor single = ct::randn({2, 3, 4}), causal = nn::TransformerImpl::generate_square_subsequent_mask(3);
  const Tensor exact = std::get<0>(first(single, single, single, Tensor(), true, causal));
  {
    const ct::amp::autocast half(ct::kBFloat16);
    const Tensor rounded = std::get<0>(first(single, single, single, Tensor(), true, causal));
    CHECK(rounded.scalar_type() == ct::kBFloat16);
    CHECK(ct::allclose(rounded.to(ct::kFloat), exact, 0.05, 0.05));
    rounded.sum().backward();
  }
  CHECK(first->in_proj_weight.grad().scalar_type() == ct::kFloat);

  CHECK(says(refused([&] { m(q, k, v.narrow(0, 0, 2)); }), "do not match value's"));
  CHECK(says(refused([&] { m(q, k.narrow(2, 0, 3), v); }), "features"));
  CHECK(says(refused([&] { m(ct::randn({3, 2, 6}, ct::kDouble), k, v); }), "was expecting embedding dimension of 4, but got 6"));
  CHECK(says(refused([&] { m(q, k, v, Tensor(), true, ct::zeros({3, 4})); }), "The shape of the attn_mask is [3, 4], but should be [3, 5] or [4, 3, 5]"));
  CHECK(says(refused([&] { m(q, k, v, ct::zeros({2, 4}, ct::kBool)); }), "expecting key_padding_mask shape of [2, 5], but got [2, 4]"));
  CHECK(says(refused([&] { m(q[0][0], k, v); }), "query should be unbatched 2D or batched 3D tensor but received 1-D query tensor"));
  CHECK(says(refused([&] { m(q, k[0], v); }), "expected `key` and `value` to be 3-D"));
  CHECK(says(refused([&] { m(Tensor(), k, v); }), "undefined"));
  CHECK(says(refused([] { nn::MultiheadAttention(7, 2); }), "embed_dim must be divisible by num_heads"));
  CHECK(says(refused([] { nn::MultiheadAttention(0, 2); }), "must be greater than zero"));
}

TEST_CASE("Transformer: layouts, norm_first, copies, parts of one's own") {
  ct::manual_seed(3);
  const auto options = nn::TransformerOptions(4, 2, 2, 2).dim_feedforward(6).dropout(0);
  nn::Transformer a(options), b(nn::TransformerOptions(options).batch_first(true)), c(nn::TransformerOptions(options).norm_first(true));
  b->load_state_dict(a->state_dict());
  const Tensor src = ct::randn({3, 2, 4}), tgt = ct::randn({5, 2, 4});
  const Tensor y = a(src, tgt);
  CHECK_SIZES(y, {5, 2, 4});
  CHECK(near(b(src.transpose(0, 1), tgt.transpose(0, 1)).transpose(0, 1), y));
  CHECK(near(a(src.select(1, 0), tgt.select(1, 0)), y.select(1, 0)));
  // A causal mask: what comes later changes nothing.
  const Tensor mask = nn::TransformerImpl::generate_square_subsequent_mask(5);
  Tensor other = tgt.clone();
  other.narrow(0, 3, 2).add_(1);
  CHECK(near(a(src, tgt, Tensor(), mask).narrow(0, 0, 3), a(src, other, Tensor(), mask).narrow(0, 0, 3)));
  CHECK_FALSE(near(a(src, tgt).narrow(0, 0, 3), a(src, other).narrow(0, 0, 3)));

  // norm_first by hand
  nn::TransformerEncoderLayer layer(nn::TransformerEncoderLayerOptions(4, 2).dim_feedforward(6).norm_first(true).activation([](const Tensor& x) { return x.tanh(); }));
  layer->eval();
  const Tensor n1 = layer->norm1(src), x = src + std::get<0>(layer->self_attn(n1, n1, n1));
  CHECK(near(layer(src), x + layer->linear2(layer->linear1(layer->norm2(x)).tanh())));
  CHECK_SIZES(c(src, tgt), {5, 2, 4});

  const auto copy = std::dynamic_pointer_cast<nn::TransformerImpl>(a->clone());
  CHECK(near(copy->forward(src, tgt), y));
  const double weight = copy->parameters()[0].flatten()[0].item<double>();
  {
    const ct::NoGradGuard guard;
    for (const Tensor& p : a->parameters()) p.zero_();
  }
  CHECK(copy->parameters()[0].flatten()[0].item<double>() == weight);

  nn::TransformerEncoder encoder(nn::TransformerEncoderOptions(nn::TransformerEncoderLayerOptions(4, 2).dropout(0), 1));
  nn::Transformer own(nn::TransformerOptions(options).custom_encoder(nn::AnyModule(encoder)));
  const Tensor memory = own->encoder.forward(src, Tensor(), Tensor());  // a copy of it
  CHECK(own->encoder.ptr() != encoder.ptr());
  CHECK(near(own(src, tgt), own->decoder.get<nn::TransformerDecoderImpl>().forward(tgt, memory)));
  encoder->reset_parameters();

  CHECK(says(refused([&] { a(src, tgt.narrow(1, 0, 1)); }), "src and tgt should have equal batch size (at dim 1), but got 2 and 1"));
  CHECK(says(refused([&] { a(src, ct::randn({5, 2, 3})); }), "src and tgt should have same feature size as d_model (at dim 2), but got 4 and 3 while d_model is 4"));
  CHECK(says(refused([&] { a(src, tgt[0]); }), "src and tgt should have 3 dimensions"));
  CHECK(says(refused([] { nn::TransformerEncoder(nn::TransformerEncoderLayer(nullptr), 2); }), "empty"));
  CHECK(says(refused([] { nn::TransformerImpl::generate_square_subsequent_mask(-1); }), "non-negative"));
}

TEST_CASE("a layer of the transformer: derivatives of first and second order") {
  ct::manual_seed(4);
  nn::TransformerDecoderLayer layer(nn::TransformerDecoderLayerOptions(4, 2).dim_feedforward(5).dropout(0).activation(ct::kGELU));
  layer->to(ct::kDouble);
  const Tensor x = leaf({3, 1, 4}), memory = leaf({2, 1, 4});
  const auto f = [&](const Tensor& a, const Tensor& b) { return layer(a, b); };
  CHECK(ct::autograd::gradcheck(f, {x, memory}));
  CHECK(ct::autograd::gradgradcheck(f, {x, memory}));
}
