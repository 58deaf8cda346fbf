// tests/oracle/functional_oracle.cpp -- functions of nn::functional that are composed of operations, beside libtorch's.
#include "oracle/oracle.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/functional.h>
#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LT
#undef CHECK_LE
#undef CHECK_GT
#undef CHECK_GE

#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "op_samples.h"

namespace {

namespace F = ct::nn::functional;
namespace T = torch::nn::functional;
using Ours = std::vector<ct::Tensor>;
using Theirs = std::vector<at::Tensor>;

bool close(const ct::Tensor& a, const at::Tensor& b) {
  const at::Tensor mine = oracle::to_at(a.detach());
  return mine.sizes() == b.sizes() && mine.scalar_type() == b.scalar_type() && at::allclose(mine, b.detach(), 1e-9, 1e-10, true);
}

// Value and gradients of all floating inputs.
template <class A, class B>
void agree(const char* what, const Ours& in, const A& ours, const B& theirs) {
  DOCTEST_INFO(std::string(what));
  Ours a, tracked;
  Theirs b, tracked_b;
  for (const ct::Tensor& x : in) {
    a.push_back(x.clone().detach()), b.push_back(oracle::to_at(x.contiguous()));
    if (!x.is_floating_point()) continue;
    a.back().requires_grad_(), b.back().requires_grad_();
    tracked.push_back(a.back()), tracked_b.push_back(b.back());
  }
  const ct::Tensor ya = ours(a);
  const at::Tensor yb = theirs(b);
  DOCTEST_CHECK(close(ya, yb));
  const auto ga = ct::autograd::grad({ya.square().sum()}, tracked, {}, std::nullopt, false, true);
  const auto gb = torch::autograd::grad({yb.square().sum()}, tracked_b, {}, c10::nullopt, false, true);
  for (std::size_t i = 0; i < tracked.size(); ++i) {
    DOCTEST_INFO("gradient ", i);
    DOCTEST_CHECK(close(ga[i].defined() ? ga[i] : ct::zeros_like(tracked[i]), gb[i].defined() ? gb[i] : at::zeros_like(tracked_b[i])));
  }
}

ct::Tensor draw(ct::IntArrayRef sizes, double low = -2, double high = 2) {
  static op_samples::Random random;
  return op_samples::uniform(random, sizes, low, high);
}

// f(our reduction, libtorch's) for the three of them.
template <class Function>
void each_reduction(const Function& f) {
  f(ct::kMean, torch::kMean);
  f(ct::kSum, torch::kSum);
  f(ct::kNone, torch::kNone);
}

}  // namespace

DOCTEST_TEST_CASE("composed losses agree with libtorch for every option") {
  const ct::Tensor signs = ct::tensor({1, -1, 1, -1}), classes = ct::tensor({1, 0, 2, 1});
  const ct::WarningHandler before = ct::set_warning_handler([](std::string_view) {});
  each_reduction([&](auto r, auto t) {
    for (const bool flag : {false, true}) {
      agree("kl_div", {draw({4, 3}), draw({4, 3}, 0.1, 0.9)}, [&](const Ours& x) { return F::kl_div(x[0], x[1], F::KLDivFuncOptions(r).log_target(flag)); },
            [&](const Theirs& x) { return T::kl_div(x[0], x[1], T::KLDivFuncOptions(t).log_target(flag)); });
      for (const bool full : {false, true})
        agree("poisson_nll_loss", {draw({4, 3}, 0.1, 2), draw({4, 3}, 0.5, 4)},
              [&](const Ours& x) { return F::poisson_nll_loss(x[0], x[1].detach(), F::PoissonNLLLossFuncOptions().log_input(flag).full(full).reduction(r)); },
              [&](const Theirs& x) { return T::poisson_nll_loss(x[0], x[1].detach(), T::PoissonNLLLossFuncOptions().log_input(flag).full(full).reduction(t)); });
      agree("triplet_margin_loss", {draw({4, 3}), draw({4, 3}), draw({4, 3})},
            [&](const Ours& x) { return F::triplet_margin_loss(x[0], x[1], x[2], F::TripletMarginLossFuncOptions().swap(flag).p(flag ? 2 : 1.5).margin(1.5).reduction(r)); },
            [&](const Theirs& x) { return T::triplet_margin_loss(x[0], x[1], x[2], T::TripletMarginLossFuncOptions().swap(flag).p(flag ? 2 : 1.5).margin(1.5).reduction(t)); });
      const ct::Tensor w = flag ? draw({3}, 0.5, 2) : ct::Tensor();
      const at::Tensor w_at = flag ? oracle::to_at(w) : at::Tensor();
      for (const std::int64_t p : {1, 2})
        agree("multi_margin_loss", {draw({4, 3}), classes},
              [&](const Ours& x) { return F::multi_margin_loss(x[0], x[1], F::MultiMarginLossFuncOptions().p(p).margin(0.7).weight(w).reduction(r)); },
              [&](const Theirs& x) { return T::multi_margin_loss(x[0], x[1], T::MultiMarginLossFuncOptions().p(p).margin(0.7).weight(w_at).reduction(t)); });
      agree("multilabel_soft_margin_loss", {draw({4, 3}), draw({4, 3}, 0, 1)},
            [&](const Ours& x) { return F::multilabel_soft_margin_loss(x[0], x[1], F::MultilabelSoftMarginLossFuncOptions().weight(w).reduction(r)); },
            [&](const Theirs& x) { return T::multilabel_soft_margin_loss(x[0], x[1], T::MultilabelSoftMarginLossFuncOptions().weight(w_at).reduction(t)); });
    }
    agree("hinge_embedding_loss", {draw({4}), signs},
          [&](const Ours& x) { return F::hinge_embedding_loss(x[0], x[1], F::HingeEmbeddingLossFuncOptions().margin(0.8).reduction(r)); },
          [&](const Theirs& x) { return T::hinge_embedding_loss(x[0], x[1], T::HingeEmbeddingLossFuncOptions().margin(0.8).reduction(t)); });
    agree("cosine_embedding_loss", {draw({4, 3}), draw({4, 3}), signs},
          [&](const Ours& x) { return F::cosine_embedding_loss(x[0], x[1], x[2], F::CosineEmbeddingLossFuncOptions().margin(-0.5).reduction(r)); },
          [&](const Theirs& x) { return T::cosine_embedding_loss(x[0], x[1], x[2], T::CosineEmbeddingLossFuncOptions().margin(-0.5).reduction(t)); });
    agree("margin_ranking_loss", {draw({4}), draw({4}), signs},
          [&](const Ours& x) { return F::margin_ranking_loss(x[0], x[1], x[2], F::MarginRankingLossFuncOptions().margin(0.3).reduction(r)); },
          [&](const Theirs& x) { return T::margin_ranking_loss(x[0], x[1], x[2], T::MarginRankingLossFuncOptions().margin(0.3).reduction(t)); });
    agree("multilabel_margin_loss", {draw({3, 4}), ct::tensor({{3, 0, -1, 1}, {-1, 0, 1, 2}, {0, 1, 2, 3}})},
          [&](const Ours& x) { return F::multilabel_margin_loss(x[0], x[1], r); },
          [&](const Theirs& x) { return T::multilabel_margin_loss(x[0], x[1], t); });
    agree("multilabel_margin_loss of one row", {draw({4}), ct::tensor({2, 0, -1, 1})},
          [&](const Ours& x) { return F::multilabel_margin_loss(x[0], x[1], r); },
          [&](const Theirs& x) { return T::multilabel_margin_loss(x[0], x[1], t); });
  });
  agree("kl_div by batch", {draw({4, 3}), draw({4, 3}, 0.1, 0.9)}, [](const Ours& x) { return F::kl_div(x[0], x[1], ct::kBatchMean); },
        [](const Theirs& x) { return T::kl_div(x[0], x[1], torch::kBatchMean); });
  ct::set_warning_handler(before);
}

DOCTEST_TEST_CASE("distances, normalising, bilinear maps and codes agree with libtorch") {
  for (const std::int64_t dim : {0, 1, -1})
    agree("cosine_similarity", {draw({4, 3}), draw({1, 3})}, [&](const Ours& x) { return F::cosine_similarity(x[0], x[1], F::CosineSimilarityFuncOptions().dim(dim)); },
          [&](const Theirs& x) { return T::cosine_similarity(x[0], x[1], T::CosineSimilarityFuncOptions().dim(dim)); });
  agree("cosine_similarity of short vectors", {draw({4, 3}, -1e-10, 1e-10), draw({4, 3})}, [](const Ours& x) { return F::cosine_similarity(x[0], x[1]); },
        [](const Theirs& x) { return T::cosine_similarity(x[0], x[1]); });
  for (const double p : {1.0, 2.0, 3.0}) {
    agree("pairwise_distance", {draw({4, 3}), draw({4, 3})}, [&](const Ours& x) { return F::pairwise_distance(x[0], x[1], F::PairwiseDistanceFuncOptions().p(p).keepdim(p == 1)); },
          [&](const Theirs& x) { return T::pairwise_distance(x[0], x[1], T::PairwiseDistanceFuncOptions().p(p).keepdim(p == 1)); });
    agree("normalize", {draw({4, 3})}, [&](const Ours& x) { return F::normalize(x[0], F::NormalizeFuncOptions().p(p).dim(0)); },
          [&](const Theirs& x) { return T::normalize(x[0], T::NormalizeFuncOptions().p(p).dim(0)); });
  }
  agree("bilinear", {draw({2, 4, 3}), draw({2, 4, 5}), draw({6, 3, 5}), draw({6})}, [](const Ours& x) { return F::bilinear(x[0], x[1], x[2], x[3]); },
        [](const Theirs& x) { return T::bilinear(x[0], x[1], x[2], x[3]); });
  agree("linear", {draw({2, 4, 3}), draw({5, 3}), draw({5})}, [](const Ours& x) { return F::linear(x[0], x[1], x[2]); },
        [](const Theirs& x) { return T::linear(x[0], x[1], x[2]); });
  for (const double p : {0.0, 1.0, 2.0, 3.0})
    agree("pdist", {draw({5, 3})}, [&](const Ours& x) { return F::pdist(x[0], p); }, [&](const Theirs& x) { return at::pdist(x[0], p); });
  agree("pdist of one row", {draw({1, 3})}, [](const Ours& x) { return F::pdist(x[0]); }, [](const Theirs& x) { return at::pdist(x[0]); });
  agree("softmin", {draw({4, 3})}, [](const Ours& x) { return F::softmin(x[0], 1); }, [](const Theirs& x) { return T::softmin(x[0], T::SoftminFuncOptions(1)); });
  const ct::Tensor classes = ct::tensor({{1, 0}, {2, 1}});
  DOCTEST_CHECK(close(F::one_hot(classes), T::one_hot(oracle::to_at(classes))));
  DOCTEST_CHECK(close(F::one_hot(classes, 5), T::one_hot(oracle::to_at(classes), 5)));
}

CT_ORACLE(embeddings) {
  struct Attrs {
    std::int64_t padding_idx;
    bool by_freq;
  };
  return {{"embedding", [](const Inputs& in, const void* p) -> Outputs {
             const auto& a = attrs<Attrs>(p);
             return {at::embedding(in[0], in[1], a.padding_idx, a.by_freq)};
           }},
          Entry{"embedding_bag", [](const Inputs& in, const void* p) -> Outputs {
             const auto y = at::embedding_bag(in[0], in[1], in[2], false, attrs<std::int64_t>(p), false,
                                              in[3].defined() ? c10::optional<at::Tensor>(in[3]) : c10::nullopt);
             // What libtorch computes of the bags depends on whether its backward needs it.
             const at::Tensor sizes = at::cat({in[2], at::full({1}, in[1].numel(), at::kLong)}).diff();
             const at::Tensor rows = attrs<std::int64_t>(p) == 2 ? std::get<3>(y) : at::empty({0}, at::kLong);
             return {std::get<0>(y), at::arange(sizes.numel()).repeat_interleave(sizes), sizes, rows};
           }}.graph_differs("libtorch saves other lists of the bags, and has no second derivative")};
}

DOCTEST_TEST_CASE("activations agree with libtorch") {
  const ct::Tensor x = draw({4, 6});
  const auto same = [&](const char* what, const auto& ours, const auto& theirs) {
    agree(what, {x}, [&](const Ours& in) { return ours(in[0]); }, [&](const Theirs& in) { return theirs(in[0]); });
  };
#define CT_SAME(call) same(#call, [](const ct::Tensor& v) { return F::call(v); }, [](const at::Tensor& v) { return T::call(v); })
  CT_SAME(elu);
  CT_SAME(selu);
  CT_SAME(celu);
  CT_SAME(leaky_relu);
  CT_SAME(relu);
  CT_SAME(relu6);
  CT_SAME(hardtanh);
  CT_SAME(gelu);
  CT_SAME(silu);
  CT_SAME(mish);
  CT_SAME(softplus);
  CT_SAME(logsigmoid);
  CT_SAME(tanhshrink);
  CT_SAME(softsign);
  CT_SAME(hardshrink);
  CT_SAME(softshrink);
  CT_SAME(glu);
#undef CT_SAME
  same("threshold", [](const ct::Tensor& v) { return F::threshold(v, F::ThresholdFuncOptions(0.5, 2)); },
       [](const at::Tensor& v) { return T::threshold(v, T::ThresholdFuncOptions(0.5, 2)); });
  same("glu", [](const ct::Tensor& v) { return F::glu(v, F::GLUFuncOptions(0)); }, [](const at::Tensor& v) { return T::glu(v, T::GLUFuncOptions(0)); });
  same("log_softmax", [](const ct::Tensor& v) { return F::log_softmax(v, 1); }, [](const at::Tensor& v) { return T::log_softmax(v, 1); });
  for (const std::int64_t n : {1, 6})
    agree("prelu", {draw({2, 6, 3}), draw({n})}, [](const Ours& in) { return F::prelu(in[0], in[1]); },
          [](const Theirs& in) { return T::prelu(in[0], in[1]); });
}

DOCTEST_TEST_CASE("embedding with a largest norm, with padding and by frequency agrees with libtorch") {
  const ct::Tensor index = ct::tensor({1, 0, 1, 3});
  for (const std::int64_t padding : {-4, -1, 1})
    for (const bool by_freq : {false, true})
      agree("embedding", {draw({4, 3})},
            [&](const Ours& x) { return F::embedding(index, x[0], F::EmbeddingFuncOptions().padding_idx(padding).scale_grad_by_freq(by_freq)); },
            [&](const Theirs& x) {
              return T::embedding(oracle::to_at(index), x[0], T::EmbeddingFuncOptions().padding_idx(padding).scale_grad_by_freq(by_freq));
            });
  for (const double p : {1.0, 2.0})
    agree("embedding", {draw({4, 3})},
          [&](const Ours& x) {
            const ct::Tensor table = x[0].clone();
            return F::embedding(index, table, F::EmbeddingFuncOptions().max_norm(0.875).norm_type(p).padding_idx(-1)) + 0 * x[0].sum();
          },
          [&](const Theirs& x) {
            const at::Tensor table = x[0].clone();
            return T::embedding(oracle::to_at(index), table, T::EmbeddingFuncOptions().max_norm(0.875).norm_type(p).padding_idx(-1)) + 0 * x[0].sum();
          });
}

DOCTEST_TEST_CASE("dropout draws libtorch's numbers") {
  for (const double p : {0.0, 0.25, 0.5, 1.0}) {
    auto seeded = [&](const char* what, const Ours& in, const auto& ours, const auto& theirs) {
      ct::manual_seed(7), torch::manual_seed(7);
      agree(what, in, ours, theirs);
    };
    seeded("dropout", {draw({40, 3})}, [&](const Ours& x) { return F::dropout(x[0], F::DropoutFuncOptions().p(p)); },
           [&](const Theirs& x) { return T::dropout(x[0], T::DropoutFuncOptions().p(p)); });
    seeded("dropout2d", {draw({4, 3, 5, 2})}, [&](const Ours& x) { return F::dropout2d(x[0], F::Dropout2dFuncOptions().p(p)); },
           [&](const Theirs& x) { return T::dropout2d(x[0], T::Dropout2dFuncOptions().p(p)); });
    seeded("alpha_dropout", {draw({40, 3})}, [&](const Ours& x) { return F::alpha_dropout(x[0], F::AlphaDropoutFuncOptions().p(p).training(true)); },
           [&](const Theirs& x) { return T::alpha_dropout(x[0], T::AlphaDropoutFuncOptions().p(p).training(true)); });
    seeded("feature_alpha_dropout", {draw({4, 3, 5})},
           [&](const Ours& x) { return F::feature_alpha_dropout(x[0], F::FeatureAlphaDropoutFuncOptions().p(p).training(true)); },
           [&](const Theirs& x) { return T::feature_alpha_dropout(x[0], T::FeatureAlphaDropoutFuncOptions().p(p).training(true)); });
  }
  for (const bool hard : {false, true}) {
    ct::manual_seed(7), torch::manual_seed(7);
    agree("gumbel_softmax", {draw({4, 3})}, [&](const Ours& x) { return F::gumbel_softmax(x[0], F::GumbelSoftmaxFuncOptions().tau(0.7).hard(hard)); },
          [&](const Theirs& x) { return T::gumbel_softmax(x[0], T::GumbelSoftmaxFuncOptions().tau(0.7).hard(hard)); });
  }
}
