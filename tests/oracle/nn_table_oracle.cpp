// tests/oracle/nn_table_oracle.cpp -- dense layers, activations, dropouts and lookups as modules, over their options.
#include "oracle/nn_check.h"

DOCTEST_TEST_CASE("dense modules agree with libtorch over their options") {
  CHECK_MODULE("Linear(5, 3)", Linear(5, 3), Randn(4, 5));
  CHECK_MODULE("Linear(5, 3)", Linear(5, 3), Randn(2, 4, 5));
  CHECK_MODULE("Linear(5, 3)", Linear(5, 3), Randn(5));
  CHECK_MODULE("Linear(5, 3, bias=False)", Linear(LinearOptions(5, 3).bias(false)), Randn(4, 5));
  CHECK_MODULE("Bilinear(3, 4, 5)", Bilinear(3, 4, 5), Randn(6, 3), Randn(6, 4));
  CHECK_MODULE("Bilinear(3, 4, 5, bias=False)", Bilinear(BilinearOptions(3, 4, 5).bias(false)), Randn(2, 6, 3), Randn(2, 6, 4));
  CHECK_MODULE("Identity()", Identity(), Randn(3));
  CHECK_MODULE("Flatten()", Flatten(), Randn(2, 3, 4));
  CHECK_MODULE("Flatten(0, 1)", Flatten(FlattenOptions().start_dim(0).end_dim(1)), Randn(2, 3, 4));
  CHECK_MODULE("Unflatten(1, (2, -1))", Unflatten(UnflattenOptions(1, {2, -1})), Randn(3, 6));
}

DOCTEST_TEST_CASE("activations agree with libtorch over their options") {
#define PLAIN(Name) CHECK_MODULE(#Name "()", Name(), Randn(3, 4, 6))
  PLAIN(ReLU);
  PLAIN(ReLU6);
  PLAIN(SELU);
  PLAIN(SiLU);
  PLAIN(Mish);
  PLAIN(ELU);
  PLAIN(CELU);
  PLAIN(LeakyReLU);
  PLAIN(Hardtanh);
  PLAIN(Hardshrink);
  PLAIN(Softshrink);
  PLAIN(GLU);
  PLAIN(GELU);
  PLAIN(Sigmoid);
  PLAIN(Tanh);
  PLAIN(LogSigmoid);
  PLAIN(PReLU);
  PLAIN(RReLU);
  PLAIN(Softmax2d);
#undef PLAIN
  CHECK_MODULE("ELU(alpha=0.5)", ELU(ELUOptions().alpha(0.5)), Randn(4, 6));
  CHECK_MODULE("CELU(alpha=0.5)", CELU(CELUOptions().alpha(0.5)), Randn(4, 6));
  CHECK_MODULE("LeakyReLU(0.3)", LeakyReLU(LeakyReLUOptions().negative_slope(0.3)), Randn(4, 6));
  CHECK_MODULE("Hardtanh(-0.5, 0.2)", Hardtanh(HardtanhOptions().min_val(-0.5).max_val(0.2)), Randn(4, 6));
  CHECK_MODULE("Hardshrink(0.2)", Hardshrink(0.2), Randn(4, 6));
  CHECK_MODULE("Softshrink(0.2)", Softshrink(0.2), Randn(4, 6));
  CHECK_MODULE("Softplus(1.0, 20.0)", Softplus(), Randn(4, 6) * 10);
  CHECK_MODULE("Softplus(3.0, 1.0)", Softplus(SoftplusOptions().beta(3).threshold(1)), Randn(4, 6));
  CHECK_MODULE("Threshold(0.1, 20.0)", Threshold(0.1, 20), Randn(4, 6));
  CHECK_MODULE("GLU(0)", GLU(0), Randn(4, 6));
  CHECK_MODULE("GELU(approximate='tanh')", GELU(GELUOptions().approximate("tanh")), Randn(4, 6));
  CHECK_MODULE("PReLU(4, 0.1)", PReLU(PReLUOptions().num_parameters(4).init(0.1)), Randn(3, 4, 2));
  CHECK_MODULE("PReLU()", PReLU(), Randn(5));
  CHECK_MODULE("RReLU(0.2, 0.7)", RReLU(RReLUOptions().lower(0.2).upper(0.7)), Randn(4, 6));
  CHECK_MODULE("Softmax(dim=1)", Softmax(1), Randn(4, 6));
  CHECK_MODULE("Softmax(dim=0)", Softmax(0), Randn(4, 6, 2));
  CHECK_MODULE("Softmin(dim=1)", Softmin(1), Randn(4, 6));
  CHECK_MODULE("LogSoftmax(dim=1)", LogSoftmax(1), Randn(4, 6));
  // libtorch rounds to bfloat16 between two steps.
  for (auto c : {MODULE_CASE("Softsign()", Softsign(), Randn(4, 6)), MODULE_CASE("Tanhshrink()", Tanhshrink(), Randn(4, 6))}) {
    c.bfloat16 = false;
    oracle::check_module(c);
  }
  // In place, of an input that is not a leaf.
  CHECK_MODULE("Sequential(LeakyReLU(0.5), ReLU(inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), ReLU(true)), Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), ReLU6(inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), ReLU6(true)), Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), SELU(inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), SELU(true)), Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), ELU(0.5, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), ELU(ELUOptions().alpha(0.5).inplace(true))), Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), CELU(0.5, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), CELU(CELUOptions().alpha(0.5).inplace(true))), Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), LeakyReLU(0.3, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), LeakyReLU(LeakyReLUOptions().negative_slope(0.3).inplace(true))),
               Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), Hardtanh(-0.5, 0.2, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), Hardtanh(HardtanhOptions().min_val(-0.5).max_val(0.2).inplace(true))),
               Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), RReLU(0.2, 0.7, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), RReLU(RReLUOptions().lower(0.2).upper(0.7).inplace(true))), Randn(4, 6));
  CHECK_MODULE("Sequential(LeakyReLU(0.5), Threshold(0.1, 20.0, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), Threshold(ThresholdOptions(0.1, 20).inplace(true))), Randn(4, 6));
}

DOCTEST_TEST_CASE("dropouts agree with libtorch over their options") {
#define DROPOUTS(Name, ...)                                                                                        \
  CHECK_MODULE(#Name "()", Name(), Randn(__VA_ARGS__));                                                            \
  CHECK_MODULE(#Name "(p=0.3)", Name(0.3), Randn(__VA_ARGS__));                                                    \
  CHECK_MODULE(#Name "(p=0.0)", Name(0.0), Randn(__VA_ARGS__));                                                    \
  CHECK_MODULE(#Name "(p=1.0)", Name(1.0), Randn(__VA_ARGS__));                                                    \
  CHECK_MODULE("Sequential(LeakyReLU(0.5), " #Name "(0.3, inplace=True))", Sequential(LeakyReLU(LeakyReLUOptions().negative_slope(0.5)), Name(DropoutOptions(0.3).inplace(true))), Randn(__VA_ARGS__))
  DROPOUTS(Dropout, 6, 7);
  DROPOUTS(Dropout2d, 6, 7, 2, 3);
  DROPOUTS(Dropout3d, 6, 7, 2, 3, 2);
  DROPOUTS(AlphaDropout, 6, 7);
  DROPOUTS(FeatureAlphaDropout, 6, 7, 2);
#undef DROPOUTS
}

DOCTEST_TEST_CASE("lookups agree with libtorch over their options") {
  CHECK_MODULE("Embedding(7, 3)", Embedding(7, 3), Randint(7, 2, 5));
  CHECK_MODULE("Embedding(7, 3, padding_idx=2)", Embedding(EmbeddingOptions(7, 3).padding_idx(2)), Randint(7, 2, 5));
  CHECK_MODULE("Embedding(7, 3, padding_idx=-2)", Embedding(EmbeddingOptions(7, 3).padding_idx(-2)), Randint(7, 9));
  CHECK_MODULE("Embedding(7, 3, scale_grad_by_freq=True)", Embedding(EmbeddingOptions(7, 3).scale_grad_by_freq(true)), Randint(7, 9));
  for (auto c : {MODULE_CASE("Embedding(7, 3, max_norm=0.9)", Embedding(EmbeddingOptions(7, 3).max_norm(0.9)), Randint(7, 9)),
                 MODULE_CASE("Embedding(7, 3, max_norm=0.9, norm_type=1.5)", Embedding(EmbeddingOptions(7, 3).max_norm(0.9).norm_type(1.5)), Randint(7, 9))}) {
    c.tolerance64 = 1e-6;  // libtorch's C++ interface rounds max_norm to float32, Python's does not
    oracle::check_module(c);
  }
  // Bags of equal length, empty ones, and others.
#define BAGS(PY, OPTIONS)                                                                                                                       \
  for (auto c : {MODULE_CASE("EmbeddingBag(7, 3" PY ")", EmbeddingBag(EmbeddingBagOptions(7, 3) OPTIONS), Randint(7, 4, 5)),                    \
                 MODULE_CASE("EmbeddingBag(7, 3" PY ")", EmbeddingBag(EmbeddingBagOptions(7, 3) OPTIONS), Randint(7, 9), Randint(1, 5).cumsum(0)), \
                 MODULE_CASE("EmbeddingBag(7, 3" PY ")", EmbeddingBag(EmbeddingBagOptions(7, 3) OPTIONS), Randint(7, 9),                        \
                             (Randint(1, 4) + 2).cumsum(0) - 2)})                                                                                \
    (c.bfloat16 = false, c.tolerance64 = 1e-6, oracle::check_module(c))
  BAGS("", );
  BAGS(", mode='sum'", .mode(kSum));
  BAGS(", mode='max'", .mode(kMax));
  BAGS(", padding_idx=2", ._weight(Randn(7, 3)).padding_idx(2));  // libtorch's C++ interface does not begin with zeros there, Python's does
  BAGS(", mode='sum', padding_idx=-3", .mode(kSum)._weight(Randn(7, 3)).padding_idx(-3));
  BAGS(", mode='max', padding_idx=1", .mode(kMax)._weight(Randn(7, 3)).padding_idx(1));
  // libtorch 1.13 divides the gradients of EmbeddingBag by the frequencies of other rows: tests/nn/functional_dense.cpp.
  BAGS(", max_norm=0.9, norm_type=1.5", .max_norm(0.9).norm_type(1.5));
#undef BAGS
  CHECK_MODULE("EmbeddingBag(7, 3, mode='sum', include_last_offset=True)", EmbeddingBag(EmbeddingBagOptions(7, 3).mode(kSum).include_last_offset(true)), Randint(7, 6),
               (Randint(1, 4) + 2).cumsum(0) - 2);
  CHECK_MODULE("EmbeddingBag(7, 3, mode='sum')", EmbeddingBag(EmbeddingBagOptions(7, 3).mode(kSum)), Randint(7, 6), (Randint(1, 3) + 2).cumsum(0) - 2, Randn(6));
}
