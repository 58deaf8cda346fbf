// tests/nn/functional_dense.cpp -- distances, dropout, codes and composed losses: values by hand and what is refused.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/func.h"
#include "cotangent/nn/functional.h"
#include "values.h"

namespace F = ct::nn::functional;
using ct::Tensor;

namespace {

bool near(const Tensor& x, std::initializer_list<double> v) { return ct::allclose(x.detach().flatten(), ct::tensor(v, ct::kDouble), 1e-12, 1e-12); }
Tensor numbers(std::initializer_list<double> v) { return ct::tensor(v, ct::kDouble); }
int warnings = 0;

}  // namespace

TEST_CASE("composed losses by hand") {
  const Tensor x = numbers({1, 2}), t = numbers({1, -1});
  const ct::WarningHandler before = ct::set_warning_handler([](std::string_view) { ++warnings; });
  CHECK(near(F::kl_div(numbers({std::log(0.25), std::log(0.75)}), numbers({0.5, 0.5})), {0.25 * (std::log(2) - std::log(1.5))}));
  CHECK(warnings == 1);
  CHECK(near(F::kl_div(x, x, ct::kSum), {2 * std::log(2) - 4 - 1}));
  CHECK(warnings == 1);
  ct::set_warning_handler(before);
  CHECK(near(F::poisson_nll_loss(numbers({0}), numbers({3})), {1}));
  CHECK(near(F::gaussian_nll_loss(x, numbers({0, 0}), numbers({1, 4}), F::GaussianNLLLossFuncOptions().reduction(ct::kNone)),
             {0.5, 0.5 * (std::log(4) + 1)}));
  CHECK(near(F::gaussian_nll_loss(x, x, numbers({0, 1}), F::GaussianNLLLossFuncOptions().eps(0.5).full(true).reduction(ct::kNone)),
             {0.5 * std::log(M_PI), 0.5 * std::log(2 * M_PI)}));
  CHECK(near(F::gaussian_nll_loss(ct::ones({2, 3}, ct::kDouble), ct::zeros({2, 3}, ct::kDouble), numbers({1, 1})), {0.5}));
  CHECK(near(F::hinge_embedding_loss(numbers({0.5, 0.25}), t, F::HingeEmbeddingLossFuncOptions().reduction(ct::kNone)), {0.5, 0.75}));
  CHECK(near(F::margin_ranking_loss(x, numbers({2, 1}), t, F::MarginRankingLossFuncOptions().margin(0.5)), {1.5}));
  CHECK(near(F::cosine_embedding_loss(numbers({1, 0}), numbers({0, 1}), ct::tensor(1)), {1}));
  CHECK(near(F::multi_margin_loss(numbers({0, 1, 0.5}), ct::tensor(1)), {0.5 / 3}));
  CHECK(near(F::multilabel_margin_loss(numbers({0.1, 0.2, 0.4, 0.8}), ct::tensor({3, 0, -1, 1})), {0.85}));
}

TEST_CASE("distances and codes by hand") {
  const Tensor a = ct::tensor({{3.0, 4.0}, {0.0, 0.0}}, ct::kDouble);
  CHECK(near(F::normalize(a), {0.6, 0.8, 0, 0}));
  CHECK(near(F::cosine_similarity(a, ct::tensor({{4.0, 3.0}, {1.0, 0.0}}, ct::kDouble)), {0.96, 0}));
  CHECK(near(F::pairwise_distance(a, ct::zeros_like(a), F::PairwiseDistanceFuncOptions().eps(0)), {5, 0}));
  CHECK_VALUES(F::one_hot(ct::tensor({0, 2})), {1, 0, 0, 0, 0, 1});
  CHECK_SIZES(F::one_hot(ct::zeros({0}, ct::kLong), 3), {0, 3});
  CHECK(near(F::bilinear(numbers({1, 2}), numbers({3}), ct::tensor({{{1.0}, {1.0}}, {{0.0}, {2.0}}}, ct::kDouble), numbers({0, 1})), {9, 13}));
  CHECK(near(F::softmin(numbers({0, std::log(3)}), 0), {0.75, 0.25}));
}

TEST_CASE("dropout scales what stays, and does nothing outside of training") {
  const Tensor x = ct::ones({4, 1000});
  const Tensor y = F::dropout(x, F::DropoutFuncOptions().p(0.75));
  CHECK(y.eq(0).logical_or(y.eq(4)).all().item<bool>());
  CHECK(std::abs(y.mean().item<double>() - 1) < 0.1);
  CHECK(F::dropout(x, F::DropoutFuncOptions().training(false)).is_same(x));
  CHECK(F::dropout(x, F::DropoutFuncOptions().p(1)).eq(0).all().item<bool>());
  const Tensor maps = F::dropout2d(ct::ones({20, 5, 3, 3}));
  CHECK(maps.flatten(2).std(2).eq(0).all().item<bool>());
  Tensor z = ct::ones({100});
  CHECK(F::dropout(z, F::DropoutFuncOptions().inplace(true)).is_same(z));
  CHECK(z.eq(0).any().item<bool>());
}

TEST_CASE("what these functions refuse") {
  const Tensor x = ct::zeros({2, 3});
  CHECK(has(error_of<ct::ValueError>([&] { F::dropout(x, F::DropoutFuncOptions().p(1.5)); }), "dropout probability has to be between 0 and 1, but got 1.5"));
  CHECK(has(error_of([&] { F::dropout2d(ct::zeros({3})); }), "Feature dropout requires at least 2 dimensions in the input"));
  CHECK(has(error_of([&] { F::one_hot(ct::tensor({-1})); }), "Class values must be non-negative."));
  CHECK(has(error_of([&] { F::one_hot(ct::tensor({3}), 3); }), "Class values must be smaller than num_classes."));
  CHECK(has(error_of([&] { F::one_hot(ct::zeros({0}, ct::kLong)); }), "Can not infer total number of classes from empty tensor."));
  CHECK(has(error_of<ct::TypeError>([&] { F::one_hot(x); }), "one_hot is only applicable to index tensor."));
  CHECK(has(error_of([&] { F::multi_margin_loss(x, ct::tensor({0, 3})); }), "target out of range"));
  CHECK(has(error_of([&] { F::multi_margin_loss(x, ct::tensor({0})); }), "inconsistent target size, got: [1]"));
  CHECK(has(error_of([&] { F::multi_margin_loss(x, ct::tensor({0, 1}), F::MultiMarginLossFuncOptions().p(3)); }), "only p == 1 and p == 2 supported"));
  CHECK(has(error_of([&] { F::multilabel_margin_loss(x, ct::zeros({2, 2}, ct::kLong)); }), "inconsistent target size: [2, 2] for input of size: [2, 3]"));
  CHECK(has(error_of<ct::ValueError>([&] { F::gaussian_nll_loss(x, x, ct::ones({3})); }), "var is of incorrect size"));
  CHECK(has(error_of<ct::ValueError>([&] { F::gaussian_nll_loss(x, x, x - 1); }), "var has negative entry/entries"));
  CHECK(has(error_of([&] { F::margin_ranking_loss(x, x, ct::ones({2})); }), "All input tensors should have same dimension"));
  CHECK(has(error_of([&] { F::cosine_embedding_loss(x, x, x); }), "0D or 1D target tensor expected, multi-target not supported"));
  CHECK(has(error_of([&] { F::triplet_margin_loss(x, x, ct::zeros({3})); }), "expected to have the same number of dimensions"));
  CHECK(has(error_of([&] { F::bilinear(x, x, ct::zeros({1, 3, 2})); }), "input2 size does not match weight size: got 3 but expected 2"));
}

TEST_CASE("embedding: rows, their gradients, and what it refuses") {
  const Tensor table = ct::tensor({{1.0, 2.0}, {3.0, 4.0}, {6.0, 8.0}}, ct::kDouble).requires_grad_(), index = ct::tensor({2, 0, 2});
  const Tensor y = F::embedding(index, table);
  CHECK(near(y, {6, 8, 1, 2, 6, 8}));
  CHECK(name_of(y) == "EmbeddingBackward0");
  y.sum().backward();
  CHECK(near(table.grad(), {1, 1, 0, 0, 2, 2}));
  table.mutable_grad().reset();
  F::embedding(index, table, F::EmbeddingFuncOptions().padding_idx(-1)).sum().backward();
  CHECK(near(table.grad(), {1, 1, 0, 0, 0, 0}));
  F::embedding(ct::tensor({2}), table, F::EmbeddingFuncOptions().max_norm(5));
  CHECK(ct::allclose(table.detach()[2], numbers({3, 4}), 1e-6));
  CHECK(has(error_of<ct::IndexError>([&] { F::embedding(ct::tensor({3}), table); }), "index out of range in self"));
  CHECK(has(error_of<ct::TypeError>([&] { F::embedding(ct::zeros({2}), table); }), "one of the following scalar types: Long, Int; but got Float"));
  CHECK(has(error_of([&] { F::embedding(index, table, F::EmbeddingFuncOptions().padding_idx(3)); }), "Padding_idx must be within num_embeddings"));
}

TEST_CASE("embedding under vmap: tables and numbers for each entry") {
  const Tensor tables = ct::linspace(-1, 1, 24, ct::kDouble).view({2, 4, 3}), index = ct::tensor({{1, 3, 1}, {0, 1, 0}});
  for (const bool by_freq : {false, true}) {
    const auto loss = [&](const Tensor& table, const Tensor& i) {
      return F::embedding(i, table, F::EmbeddingFuncOptions().padding_idx(0).scale_grad_by_freq(by_freq)).square().sum();
    };
    const Tensor all = ct::func::vmap(ct::func::grad(loss))(tables, index);
    const Tensor t = tables.clone().requires_grad_();
    const Tensor together = ct::autograd::grad({ct::func::vmap(loss)(t, index).sum()}, {t})[0];
    for (std::int64_t b = 0; b < 2; ++b) {
      CHECK(ct::allclose(all[b], ct::func::grad(loss)(tables[b], index[b])));
      CHECK(ct::allclose(together[b], all[b]));
    }
  }
  CHECK(has(error_of<ct::IndexError>([&] { ct::func::vmap([](const Tensor& t, const Tensor& i) { return F::embedding(i, t); })(tables, index + 2); }),
            "index out of range in self"));
}

TEST_CASE("composed functions run under vmap") {
  const Tensor x = ct::linspace(-1, 1, 12, ct::kDouble).view({4, 3}), y = ct::linspace(0.1, 2, 12, ct::kDouble).view({4, 3});
  const auto distance = [](const Tensor& a, const Tensor& b) { return F::pairwise_distance(a, b); };
  CHECK(ct::allclose(ct::func::vmap(distance)(x, y), F::pairwise_distance(x, y)));
  const auto cosine = [](const Tensor& a, const Tensor& b) { return F::cosine_similarity(a, b, F::CosineSimilarityFuncOptions().dim(0)); };
  CHECK(ct::allclose(ct::func::vmap(cosine)(x, y), F::cosine_similarity(x, y)));
}

TEST_CASE("embedding_bag: gradients divided by how often a row was looked up") {
  const Tensor index = ct::tensor({1, 1, 3, 1}), offsets = ct::tensor({0, 2});
  const Tensor w = ct::randn({4, 2}).requires_grad_();
  for (const bool mean : {false, true}) {
    auto options = F::EmbeddingBagFuncOptions().offsets(offsets).scale_grad_by_freq(true);
    if (mean) options.mode(ct::kMean);
    else options.mode(ct::kSum);
    const Tensor g = ct::autograd::grad({F::embedding_bag(index, w, options).sum()}, {w})[0];
    // Row 1 is there three times: twice in the first bag, once in the second.
    CHECK(g[1][0].item<double>() == doctest::Approx(mean ? (0.5 + 0.5 + 0.5) / 3 : 1));
    CHECK(g[3][0].item<double>() == doctest::Approx(mean ? 0.5 : 1));
    CHECK(g[0][0].item<double>() == 0);
  }
}
