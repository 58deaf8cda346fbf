// cli/step_text.cpp -- prose with formulas is readable on a terminal.
#include "step_text.h"

#include <doctest/doctest.h>

TEST_CASE("formulas in signs") {
  using cli::without_tex;
  CHECK(without_tex("no formula, 3 $ only") == "no formula, 3 $ only");
  CHECK(without_tex("the rows of $X$ ($5\\times3$)") == "the rows of X (5×3)");
  CHECK(without_tex("$Y=\\tanh(XX^\\top)$ and $V^\\top J$") == "Y=tanh(XX^T) and V^T J");
  CHECK(without_tex("$$x_{t+1} = x_t - \\eta\\,\\nabla f(x_t)$$") == "x_(t+1) = x_t - η ∇f(x_t)");
  CHECK(without_tex("$\\kappa = \\lambda_{\\max}/\\lambda_{\\min}$") == "κ = λ_max/λ_min");
  CHECK(without_tex("$\\frac12$ $\\frac{a+b}{2}$ $\\frac{\\partial L}{\\partial w}$") == "1/2 (a+b)/2 ∂L/∂w");
  CHECK(without_tex("$\\begin{bmatrix}1&2\\\\ 3&4\\end{bmatrix}$") == "[1 2;  3 4]");
  CHECK(without_tex("`$HOME` and $a$") == "`$HOME` and a");
  CHECK(without_tex("`open and $a") == "`open and $a");
  CHECK(without_tex("$a{b$ $\\$") == "ab \\");
}
