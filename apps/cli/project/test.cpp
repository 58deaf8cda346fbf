// test.cpp -- the gradient of distance() is checked twice: against differences of its values, and against the formula.
#include <cotangent/gradcheck.h>

#include "throw.h"

int main() {
  auto angle = ct::tensor({0.1, 0.7, 1.4}, ct::TensorOptions().dtype(ct::kDouble).requires_grad(true));

  // Throws an error that says what differs and by how much.
  ct::autograd::gradcheck([](const ct::Tensor& a) { return distance(a, 20); }, {angle});

  distance(angle, 20).sum().backward();
  auto formula = 2 * 20 * 20 / 9.81 * ct::cos(2 * angle.detach());
  if (!ct::allclose(angle.grad(), formula)) {
    ct::print("the gradient is", angle.grad(), "and the formula says", formula);
    return 1;
  }
  ct::print("the gradient of distance() is right");
}
