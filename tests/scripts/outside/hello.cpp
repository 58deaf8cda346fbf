// install/hello.cpp -- a gradient, seen from outside the repository.
#include <cotangent/cotangent.h>

#include <iostream>

int main() {
  auto x = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
  auto y = (x * x).sum();
  y.backward();
  std::cout << x.grad() << "\n";
}
