// main.cpp -- at which angle must a ball be thrown at 20 m/s to land in a basket 30 m away? The gradient finds out.
#include "throw.h"

#include <algorithm>
#include <string>

int main() {
  const double basket = 30;
  auto angle = ct::tensor({0.2}, ct::requires_grad());  // a first guess, in radians
  for (int attempt = 1; attempt <= 10; ++attempt) {
    auto landed = distance(angle, 20);
    auto loss = (landed - basket).pow(2).sum();

    angle.mutable_grad().reset();
    loss.backward();  // how the loss changes with the angle is now in angle.grad()

    std::string field(45, ' ');
    field[static_cast<std::size_t>(basket)] = 'U';
    field[static_cast<std::size_t>(std::clamp(landed.item<double>() + 0.5, 0.0, 44.0))] = 'o';
    ct::print(field, ct::fixed(angle.item<double>() * 57.29578, 2), "degrees,", ct::fixed(landed.item<double>(), 2), "m");

    ct::NoGradGuard no_grad;
    angle -= 0.00012 * angle.grad();
  }
}
