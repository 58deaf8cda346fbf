// tests/oracle/attention_oracle.cpp -- attention and the transformer beside libtorch's.
#include "oracle/nn_check.h"

namespace {

namespace tn = torch::nn;
namespace cn = ct::nn;

constexpr const char* attention_text = "MultiheadAttention(8, 2)";

void seed(std::uint64_t s) {
  ct::manual_seed(s);
  torch::manual_seed(s);
}
void near(const ct::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.defined() == b.defined());
  if (!a.defined()) return;
  const at::Tensor x = oracle::to_at(a.detach());
  REQUIRE(x.sizes() == b.sizes());
  CHECK(at::allclose(x, b.detach(), 1e-4, 1e-5, true));
}

}  // namespace

TEST_CASE("attention of several heads") {
  CHECK_MODULE(attention_text, MultiheadAttention(8, 2), Randn(4, 3, 8), Randn(5, 3, 8), Randn(5, 3, 8));
  CHECK_MODULE("MultiheadAttention(8, 4, bias=False)", MultiheadAttention(MultiheadAttentionOptions(8, 4).bias(false)), Randn(4, 3, 8), Randn(5, 3, 8), Randn(5, 3, 8));
  CHECK_MODULE("MultiheadAttention(8, 2, dropout=0.3, add_bias_kv=True, add_zero_attn=True)",
               MultiheadAttention(MultiheadAttentionOptions(8, 2).dropout(0.3).add_bias_kv(true).add_zero_attn(true)), Randn(4, 3, 8), Randn(5, 3, 8), Randn(5, 3, 8));
  CHECK_MODULE("MultiheadAttention(8, 2, kdim=6, vdim=6)", MultiheadAttention(MultiheadAttentionOptions(8, 2).kdim(6).vdim(6)), Randn(4, 3, 8), Randn(5, 3, 6), Randn(5, 3, 6));
  CHECK_MODULE("MultiheadAttention(8, 2, kdim=6, vdim=6, bias=False)", MultiheadAttention(MultiheadAttentionOptions(8, 2).kdim(6).vdim(6).bias(false)), Randn(4, 3, 8),
               Randn(5, 3, 6), Randn(5, 3, 6));
}

TEST_CASE("attention: masks, weights of each head, self-attention") {
  for (const bool extra : {false, true}) {
    CAPTURE(extra);
    seed(1);
    cn::MultiheadAttention a(cn::MultiheadAttentionOptions(8, 2).add_bias_kv(extra).add_zero_attn(extra));
    tn::MultiheadAttention b(tn::MultiheadAttentionOptions(8, 2).add_bias_kv(extra).add_zero_attn(extra));
    const ct::Tensor x = ct::randn({4, 3, 8}).requires_grad_(), mask = ct::randn({4, 4}), padding = ct::tensor({{0, 0, 0, 1}, {0, 0, 0, 0}, {0, 1, 1, 1}}).to(ct::kBool);
    const at::Tensor y = torch::randn({4, 3, 8}).requires_grad_(), their_mask = torch::randn({4, 4}), their_padding = oracle::to_at(padding);
    for (const bool average : {true, false}) {
      const auto p = a(x, x, x, padding, true, mask, average);
      const auto q = b(y, y, y, their_padding, true, their_mask, average);
      near(std::get<0>(p), std::get<0>(q));
      near(std::get<1>(p), std::get<1>(q));
      (std::get<0>(p).sin().sum() + std::get<1>(p).cos().sum()).backward();
      (std::get<0>(q).sin().sum() + std::get<1>(q).cos().sum()).backward();
      near(x.grad(), y.grad());
      const auto c = a(x, x, x, ct::Tensor(), false, cn::TransformerImpl::generate_square_subsequent_mask(4));
      const auto d = b(y, y, y, at::Tensor(), false, tn::TransformerImpl::generate_square_subsequent_mask(4));
      near(std::get<0>(c), std::get<0>(d));
      CHECK(!std::get<1>(c).defined());
    }
    const auto pa = a->named_parameters();
    const auto pb = b->named_parameters();
    REQUIRE(pa.keys() == pb.keys());
    for (std::size_t i = 0; i < pa.size(); ++i) near(pa[i]->grad(), pb[i]->grad());
  }
}

TEST_CASE("layers of the transformer") {
  CHECK_MODULE("TransformerEncoderLayer(8, 2, dim_feedforward=16)", TransformerEncoderLayer(TransformerEncoderLayerOptions(8, 2).dim_feedforward(16)), Randn(4, 3, 8),
               Randn(4, 4));
  CHECK_MODULE("TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.4, activation='gelu')",
               TransformerEncoderLayer(TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0.4).activation(kGELU)), Randn(4, 3, 8));
  CHECK_MODULE("TransformerDecoderLayer(8, 2, dim_feedforward=16)", TransformerDecoderLayer(TransformerDecoderLayerOptions(8, 2).dim_feedforward(16)), Randn(4, 3, 8),
               Randn(5, 3, 8));
  CHECK_MODULE("TransformerDecoderLayer(8, 2, dim_feedforward=16, dropout=0.0, activation='gelu')",
               TransformerDecoderLayer(TransformerDecoderLayerOptions(8, 2).dim_feedforward(16).dropout(0).activation(kGELU)), Randn(4, 3, 8), Randn(5, 3, 8), Randn(4, 4),
               Randn(4, 5));
}

TEST_CASE("a transformer draws as many initial values as libtorch's") {
  seed(3);
  cn::Transformer a(cn::TransformerOptions(8, 2, 2, 1).dim_feedforward(16));
  tn::Transformer b(tn::TransformerOptions(8, 2, 2, 1).dim_feedforward(16));
  near(ct::rand({5}), torch::rand({5}));
}

TEST_CASE("encoder, decoder and the whole transformer") {
  CHECK_MODULE("TransformerEncoder(TransformerEncoderLayer(8, 2, dim_feedforward=16), 2)",
               TransformerEncoder(TransformerEncoderOptions(TransformerEncoderLayerOptions(8, 2).dim_feedforward(16), 2)), Randn(4, 3, 8), Randn(4, 4));
  CHECK_MODULE("TransformerEncoder(TransformerEncoderLayer(8, 2, dim_feedforward=16), 2, norm=LayerNorm(8))",
               TransformerEncoder(TransformerEncoderOptions(TransformerEncoderLayerOptions(8, 2).dim_feedforward(16), 2).norm(AnyModule(LayerNorm(LayerNormOptions({8}))))),
               Randn(4, 3, 8));
  CHECK_MODULE("TransformerDecoder(TransformerDecoderLayer(8, 2, dim_feedforward=16), 2)",
               TransformerDecoder(TransformerDecoderOptions(TransformerDecoderLayerOptions(8, 2).dim_feedforward(16), 2)), Randn(4, 3, 8), Randn(5, 3, 8));
  CHECK_MODULE("Transformer(8, 2, num_encoder_layers=2, num_decoder_layers=1, dim_feedforward=16)", Transformer(TransformerOptions(8, 2, 2, 1).dim_feedforward(16)),
               Randn(4, 3, 8), Randn(5, 3, 8), Randn(4, 4), Randn(5, 5), Randn(5, 4));
}
