// tests/ops/linalg.cpp -- products and decompositions: values by hand, kinks, errors, in-place and dtype rules.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>

#include "cotangent/cotangent.h"

using ct::Tensor;
using ct::tensor;

namespace {

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}
#define CHECK_ERROR(phrase, ...)                          \
  do {                                                    \
    const std::string message = error_of([&] { __VA_ARGS__; });  \
    INFO(message);                                        \
    CHECK(message.find(phrase) != std::string::npos);     \
  } while (0)

bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-6) { return a.sizes() == b.sizes() && ct::allclose(a, b, tolerance, tolerance); }
Tensor leaf(const Tensor& x) {
  x.requires_grad_();
  return x;
}

}  // namespace

TEST_CASE("products by hand") {
  const Tensor a = tensor({{1., 2.}, {3., 4.}}), b = tensor({{5., 6.}, {7., 8.}}), x = tensor({1., -1.});
  CHECK(near(ct::mm(a, b), tensor({{19., 22.}, {43., 50.}})));
  CHECK(near(ct::mm(a, b.t()), tensor({{17., 23.}, {39., 53.}})));
  CHECK(near(ct::mv(a, x), tensor({-1., -1.})));
  CHECK(ct::dot(x, x).item<double>() == 2);
  CHECK(near(ct::outer(x, x), tensor({{1., -1.}, {-1., 1.}})));
  CHECK(near(ct::addmm(x, a, b, 2, 0.5), tensor({{11.5, 9.}, {23.5, 23.}})));
  CHECK(near(ct::linear(x, a, x), tensor({0., -2.})));
  CHECK(near(ct::einsum("ij,kj->ik", {a, b}), ct::mm(a, b.t())));
  CHECK(ct::trace(a).item<double>() == 5);
  CHECK(near(ct::cross(tensor({1., 0., 0.}), tensor({0., 1., 0.})), tensor({0., 0., 1.})));
  CHECK(near(ct::matrix_power(a, 3), tensor({{37., 54.}, {81., 118.}})));
  CHECK(near(ct::kron(x, tensor({1., 2.})), tensor({1., 2., -1., -2.})));
}

TEST_CASE("products of integers wrap around, half precision is rounded once, bool is refused") {
  const Tensor a = tensor({{100, 2}, {3, 4}}, ct::kByte);
  CHECK(ct::mm(a, a).equal(tensor({{(10000 + 6) % 256, 208}, {312 % 256, 22}}, ct::kByte)));
  CHECK(ct::dot(tensor({1, 2, 3}), tensor({4, 5, 6})).item<std::int64_t>() == 32);
  CHECK(ct::bmm(a.unsqueeze(0), a.unsqueeze(0)).equal(ct::mm(a, a).unsqueeze(0)));
  const Tensor h = ct::ones({3, 3000}, ct::kHalf) * 0.25;
  const Tensor y = ct::mm(h, h.t());
  CHECK(y.scalar_type() == ct::kHalf);
  CHECK(y[0][0].item<double>() == 187.5);  // 3000 / 16: sums in half precision would stop at 128
  CHECK(ct::mm(h.to(ct::kBFloat16), h.t().to(ct::kBFloat16)).scalar_type() == ct::kBFloat16);
  CHECK_ERROR("not implemented for 'Bool'", ct::mm(a.to(ct::kBool), a.to(ct::kBool)));
}

TEST_CASE("beta = 0 lets nothing of the added term through, not even NaN") {
  const Tensor nan = ct::full({40, 40}, NAN), a = ct::ones({40, 40});
  CHECK(near(ct::addmm(nan, a, a, 0), ct::full({40, 40}, 40.)));
  CHECK(near(ct::addmv(ct::full({40}, NAN), a, ct::ones({40}), 0), ct::full({40}, 40.)));
  CHECK(near(ct::baddbmm(nan.unsqueeze(0), a.unsqueeze(0), a.unsqueeze(0), 0), ct::full({1, 40, 40}, 40.)));
}

TEST_CASE("addmm_ writes in place and records AddmmBackward0") {
  const Tensor a = leaf(tensor({{1., 2.}, {3., 4.}})), y = ct::zeros({2, 2});
  y.addmm_(a, a);
  CHECK(y.grad_fn()->name() == "AddmmBackward0");
  CHECK(y._version() == 1);
  CHECK(near(y.detach(), tensor({{7., 10.}, {15., 22.}})));
  y.sum().backward();
  CHECK(near(a.grad(), tensor({{7., 11.}, {9., 13.}})));
  CHECK_ERROR("doesn't match", ct::zeros({3}).addmm_(a, a));
  CHECK_ERROR("a leaf Variable that requires grad", a.addmm_(a, a));
  CHECK(near(a.detach(), tensor({{1., 2.}, {3., 4.}})));
}

TEST_CASE("matmul_out resizes, and refuses to be tracked") {
  const Tensor a = tensor({{1., 2.}, {3., 4.}});
  Tensor out = ct::empty({0});
  CHECK(near(ct::matmul_out(out, a, a), ct::mm(a, a)));
  CHECK_ERROR("don't support automatic differentiation", ct::matmul_out(out, leaf(a.clone()), a));
}

TEST_CASE("errors of products") {
  const Tensor m = ct::ones({2, 3}), v2 = ct::ones({2}), v3 = ct::ones({3}), v4 = ct::ones({4});
  CHECK_ERROR("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", ct::mm(m, m));
  CHECK_ERROR("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", ct::matmul(m, m));
  CHECK_ERROR("mat1 and mat2 shapes cannot be multiplied (4x4 and 5x3)", ct::linear(ct::ones({4, 4}), ct::ones({3, 5}), v3));
  CHECK_ERROR("size mismatch, got 2, 2x3,2", ct::mv(m, v2));
  CHECK_ERROR("inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements, but got 3 and 4 elements respectively", ct::dot(v3, v4));
  CHECK_ERROR("1D tensors expected, but got 2D and 1D tensors", ct::dot(m, v3));
  CHECK_ERROR("Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [2, 4].", ct::bmm(ct::ones({2, 3, 3}), ct::ones({2, 4, 3})));
  CHECK_ERROR("expected scalar type Float but found Double", ct::mm(m, ct::ones({3, 2}, ct::kDouble)));
  CHECK_ERROR("both arguments to matmul need to be at least 1D, but they are 0D and 2D", ct::matmul(ct::ones({}), m));
  CHECK_ERROR("For integral input tensors, argument alpha must not be a floating point number", ct::addmm(tensor({1}), tensor({{1}}), tensor({{1}}), 1, 0.5));
  CHECK_ERROR("fewer operands were provided", ct::einsum("ij,jk", {m}));
  CHECK_ERROR("subscript j has size 2 for operand 1 which does not broadcast with previously seen size 3", ct::einsum("ij,jk", {m, m}));
  CHECK_ERROR("does not match the number of dimensions (2) for operand 0 and no ellipsis was given", ct::einsum("ijk", {m}));
  CHECK_ERROR("output subscript k does not appear", ct::einsum("ij->k", {m}));
  CHECK_ERROR("an argument is undefined", ct::matmul(Tensor(), m));
}

TEST_CASE("errors of decompositions") {
  const Tensor singular = tensor({{1., 2.}, {2., 4.}}), indefinite = tensor({{1., 2.}, {2., 1.}});
  CHECK_THROWS_AS(ct::linalg_inv(singular), ct::LinAlgError);
  CHECK_ERROR("linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular.", ct::linalg_inv(singular));
  CHECK_ERROR("linalg.inv: (Batch element 1): The diagonal element 2 is zero", ct::linalg_inv(ct::stack({indefinite, singular})));
  CHECK_ERROR("linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the leading minor of order 2 is not positive-definite).",
              ct::linalg_cholesky(indefinite));
  CHECK_ERROR("linalg.solve: The solver failed because the input matrix is singular.", ct::linalg_solve(singular, ct::ones({2})));
  CHECK_ERROR("A must be batches of square matrices, but they are 2 by 3 matrices", ct::linalg_inv(ct::ones({2, 3})));
  CHECK_ERROR("Expected a floating point or complex tensor as input. Got Long", ct::det(tensor({{1, 2}, {3, 4}})));
  CHECK_ERROR("Low precision dtypes not supported. Got Half", ct::det(singular.to(ct::kHalf)));
  CHECK_ERROR("must have at least 2 dimensions", ct::linalg_svd(ct::ones({2})));
  CHECK_ERROR("non-finite", ct::linalg_eigh(singular * NAN));
  CHECK_ERROR("no complex dtypes", ct::linalg_eigvals(tensor({{0., -1.}, {1., 0.}})));
  CHECK_THROWS_AS(ct::linalg_eigvals(tensor({{0., -1.}, {1., 0.}})), ct::NotImplementedError);
  CHECK_ERROR("Incompatible shapes of A and B for the equation AX = B (2x2 and 3x1)", ct::linalg_solve(singular, ct::ones({3})));
  CHECK_ERROR("not differentiable when mode='complete' and nrows > ncols",
              std::get<0>(ct::linalg_qr(leaf(ct::ones({3, 2}) + ct::eye(3, 2)), "complete")).sum().backward());
}

TEST_CASE("decompositions by hand") {
  const Tensor a = tensor({{2., 1.}, {1., 2.}});
  CHECK(near(ct::inverse(a), tensor({{2., -1.}, {-1., 2.}}) / 3));
  CHECK(ct::det(a).item<double>() == doctest::Approx(3));
  CHECK(near(ct::linalg_solve(a, tensor({3., 3.})), tensor({1., 1.})));
  CHECK(near(ct::linalg_eigvalsh(a), tensor({1., 3.})));
  CHECK(near(ct::linalg_svdvals(a), tensor({3., 1.})));
  CHECK(near(ct::linalg_eigvals(tensor({{1., 5.}, {0., 2.}})), tensor({1., 2.})));
  CHECK(ct::linalg_cond(a).item<double>() == doctest::Approx(3));
  CHECK(ct::linalg_cond(tensor({{1., 2.}, {2., 4.}}), 1).item<double>() == INFINITY);
  CHECK(ct::linalg_matrix_rank(tensor({{1., 2.}, {2., 4.}})).item<std::int64_t>() == 1);
  const Tensor L = ct::linalg_cholesky(a);
  CHECK(near(ct::mm(L, L.t()), a));
  CHECK(L[0][1].item<double>() == 0);
  CHECK(near(ct::matrix_exp(tensor({{0., 1.}, {0., 0.}})), tensor({{1., 1.}, {0., 1.}})));
  const auto [sign, log_abs] = ct::slogdet(-a);
  CHECK(sign.item<double>() == 1);
  CHECK(log_abs.item<double>() == doctest::Approx(std::log(3.)));
  CHECK(std::isnan(ct::logdet(tensor({{0., 1.}, {1., 0.}})).item<double>()));
  CHECK(ct::det(ct::empty({0, 0})).item<double>() == 1);
}

TEST_CASE("the gradient of det at singular matrices is the adjugate") {
  const Tensor a = leaf(tensor({{1., 2.}, {2., 4.}}));
  ct::det(a).backward();
  CHECK(near(a.grad(), tensor({{4., -2.}, {-2., 1.}})));
  const Tensor zero = leaf(ct::zeros({2, 2}));
  ct::det(zero).backward();
  CHECK(near(zero.grad(), ct::zeros({2, 2})));
  const Tensor batch = leaf(ct::stack({a.detach(), tensor({{2., 1.}, {1., 2.}})}));
  ct::det(batch).sum().backward();
  CHECK(near(batch.grad(), tensor({{{4., -2.}, {-2., 1.}}, {{2., -1.}, {-1., 2.}}})));
}

TEST_CASE("the norm at 0 has gradient 0") {
  const Tensor x = leaf(ct::zeros({3}));
  ct::linalg_vector_norm(x).backward();
  CHECK(near(x.grad(), ct::zeros({3})));
}

TEST_CASE("graphs hold PyTorch's nodes") {
  const Tensor x = leaf(ct::ones({4, 3})), w = leaf(ct::ones({2, 3})), b = leaf(ct::ones({2}));
  const auto y = ct::linear(x, w, b);
  CHECK(y.grad_fn()->name() == "AddmmBackward0");
  CHECK(y.grad_fn()->next_edge(2).function->name() == "TBackward0");
  CHECK(ct::linear(x[0], w, b).grad_fn()->name() == "AddBackward0");
  CHECK(ct::matmul(x, w[0]).grad_fn()->name() == "MvBackward0");
  CHECK(ct::matmul(w[0], w[0]).grad_fn()->name() == "DotBackward0");
  CHECK(ct::matmul(x, w.t()).grad_fn()->name() == "MmBackward0");
  CHECK(ct::matmul(x.unsqueeze(0), w.t()).grad_fn()->name() == "UnsafeViewBackward0");
  CHECK(ct::outer(b, b).grad_fn()->name() == "MulBackward0");
  CHECK(ct::inverse(w.narrow(1, 0, 2) + ct::eye(2)).grad_fn()->name() == "LinalgInvExBackward0");
}
