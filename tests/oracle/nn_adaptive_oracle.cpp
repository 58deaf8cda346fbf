// tests/oracle/nn_adaptive_oracle.cpp -- adaptive softmax and functions as modules, beside libtorch's.
#include "oracle/nn_check.h"

TEST_CASE("AdaptiveLogSoftmaxWithLoss: values, gradients and predictions are libtorch's") {
  for (const bool bias : {false, true}) {
    ct::manual_seed(3);
    torch::manual_seed(3);
    ct::nn::AdaptiveLogSoftmaxWithLoss a(ct::nn::AdaptiveLogSoftmaxWithLossOptions(8, 20, {4, 10, 15}).div_value(2).head_bias(bias));
    torch::nn::AdaptiveLogSoftmaxWithLoss b(torch::nn::AdaptiveLogSoftmaxWithLossOptions(8, 20, {4, 10, 15}).div_value(2.).head_bias(bias));
    const auto p = a->named_parameters();
    const auto q = b->named_parameters();
    REQUIRE(p.keys() == q.keys());
    for (std::size_t i = 0; i < p.size(); ++i) CHECK(at::equal(oracle::to_at(p[i]->detach()), *q[i]));
    CHECK(a->shortlist_size == b->shortlist_size);
    CHECK(a->n_clusters == b->n_clusters);
    CHECK(a->head_size == b->head_size);
    CHECK(a->cutoffs == b->cutoffs);

    const ct::Tensor x = oracle::ours::Randn(30, 8).requires_grad_();
    const at::Tensor y = oracle::theirs::Randn(30, 8).requires_grad_();
    const ct::Tensor t = oracle::ours::Randint(20, 30);
    const at::Tensor u = oracle::theirs::Randint(20, 30);
    const ct::nn::ASMoutput r = a(x, t);
    const torch::nn::ASMoutput s = b(y, u);
    CHECK(at::allclose(oracle::to_at(r.output.detach()), s.output.detach(), 1e-5, 1e-6));
    CHECK(r.loss.item<double>() == doctest::Approx(s.loss).epsilon(1e-5));
    r.output.sin().sum().backward();
    s.output.sin().sum().backward();
    CHECK(at::allclose(oracle::to_at(x.grad()), y.grad(), 1e-5, 1e-6));
    for (std::size_t i = 0; i < p.size(); ++i) CHECK(at::allclose(oracle::to_at(p[i]->grad()), q[i]->grad(), 1e-5, 1e-6));
    CHECK(at::allclose(oracle::to_at(a->log_prob(x).detach()), b->log_prob(y).detach(), 1e-5, 1e-6));
    CHECK(at::equal(oracle::to_at(a->predict(x)), b->predict(y)));
    CHECK(r.loss.requires_grad());

    // One row without a batch.
    const ct::nn::ASMoutput one = a(x[3], t[3]);
    CHECK(one.output.dim() == 0);
    CHECK(one.output.item<double>() == doctest::Approx(r.output[3].item<double>()));
  }
}

TEST_CASE("AdaptiveLogSoftmaxWithLoss says what is wrong") {
  using Options = ct::nn::AdaptiveLogSoftmaxWithLossOptions;
  for (const std::vector<std::int64_t>& cutoffs : {std::vector<std::int64_t>{}, {4, 4}, {5, 3}, {0, 3}, {20}, {-1}})
    CHECK_THROWS_AS(ct::nn::AdaptiveLogSoftmaxWithLoss(Options(8, 20, cutoffs)), ct::ValueError);
  ct::nn::AdaptiveLogSoftmaxWithLoss a(Options(8, 20, {4}));
  CHECK_THROWS_WITH_AS(a(ct::randn({2, 8}), ct::tensor({3, 20})), doctest::Contains("Target values should be in [0, 19], but values in range [3, 20] were found"), ct::Error);
  CHECK_THROWS_AS(a(ct::randn({2, 8}), ct::tensor({3, 2, 1})), ct::Error);
  CHECK_THROWS_AS(a(ct::randn({2, 3, 8}), ct::tensor({3, 2})), ct::Error);
}

TEST_CASE("Functional puts functions in a Sequential") {
  CHECK_MODULE("", Sequential(Linear(3, 4), Functional(relu), Linear(4, 2)), Randn(5, 3));
  CHECK_MODULE("", Sequential(Functional(elu, 1.5, 0.5, 2.0)), Randn(5, 3));
  CHECK_MODULE("", Functional([](auto x) { return x * x; }), Randn(5, 3));
  ct::nn::Functional::Impl::Function none;
  CHECK_THROWS_AS(ct::nn::FunctionalImpl{none}, ct::ValueError);
}
