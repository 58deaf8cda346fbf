// softsign.cpp -- an operation of your own, outside the library: y = x / (1 + |x|).
//
// The block below is all that an op needs. Backward, second derivatives, version checks and error texts come with it.
#include <cotangent/cotangent.h>
#include <cotangent/op.h>

#include <cmath>
#include <iostream>

// dy/dx = 1 / (1 + |x|)^2
constexpr ct::Op softsign_op{
    .name = "softsign",
    .node = "SoftsignBackward0",
    .kind = ct::OpKind::other,
    .formula = "dx = g / (1 + |x|)^2",
    .forward = [](const ct::Call& c) {
      ct::Tensor x = c.x(0).to(ct::kDouble).contiguous(), y = ct::empty_like(x);
      const double* in = x.data_ptr<double>();
      double* out = y.data_ptr<double>();
      for (std::int64_t i = 0; i < x.numel(); ++i) out[i] = in[i] / (1 + std::abs(in[i]));
      return y.to(c.x(0).scalar_type());
    },
    // A derivative calls public operations, so that it can be differentiated again.
    .vjp = [](const ct::Tensor& g, const ct::Saved& s, int) { return g / (1 + s.x(0).abs()).pow(2); },
    .save = {ct::X(0)},
};

ct::Tensor softsign(const ct::Tensor& x) { return ct::apply(softsign_op, x); }

int main() {
  auto x = ct::tensor({-2.0, -0.5, 1.0, 3.0}, ct::dtype(ct::kDouble).requires_grad(true));
  auto y = softsign(x);
  std::cout << y << "\n";
  auto gradient = ct::autograd::grad({y.sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  std::cout << "gradient: " << gradient << "\n";

  // Against central differences, and once more for the second derivative: d/dx (1 + |x|)^-2 = -2 sign(x) / (1 + |x|)^3.
  const double h = 1e-6;
  auto numeric = (softsign(x.detach() + h) - softsign(x.detach() - h)) / (2 * h);
  auto second = ct::autograd::grad({gradient}, {x}, {ct::ones_like(x)})[0];
  auto exact = -2 * x.detach().sign() / (1 + x.detach().abs()).pow(3);
  const bool ok = ct::allclose(gradient, numeric, 1e-6, 1e-8) && ct::allclose(second, exact, 1e-9, 1e-12);
  std::cout << (ok ? "both derivatives are right\n" : "a derivative is wrong\n");
  return ok ? 0 : 1;
}
