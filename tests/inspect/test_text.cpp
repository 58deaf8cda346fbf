// tests/inspect/test_text.cpp -- the words of drawings: numbers, names, formulas, escapes.
#include <doctest/doctest.h>

#include <cmath>

#include "cotangent/cotangent.h"
#include "inspect/text.h"

using namespace ct::inspect;
using Lines = std::vector<std::string>;

TEST_CASE("drawings: values have four significant digits, in every dtype") {
  CHECK(value_text(ct::tensor({{1.0, -2.5}, {1.0 / 3, 4e-7}}), 6) == "[[1, -2.5], [0.3333, 4e-07]]");
  CHECK(value_text(ct::tensor({NAN, INFINITY, -INFINITY, -0.0, 123456.0, 1.5e6}), 6) == "[nan, inf, -inf, 0, 123456, 1.5e+06]");
  CHECK(value_text(ct::tensor(std::int64_t{9007199254740993}), 6) == "9007199254740993");
  CHECK(value_text(ct::tensor({true, false}), 6) == "[True, False]");
  CHECK(value_text(ct::tensor({0.1}, ct::dtype(ct::kBFloat16)), 6) == "[0.1001]");
  CHECK(value_text(ct::arange(6), 6) == "[0, 1, 2, 3, 4, 5]");
  CHECK(value_text(ct::arange(7), 6).empty());
  CHECK(value_text(ct::zeros({2, 0}), 6) == "[[], []]");
  CHECK(value_text(ct::arange(6).view({2, 3}).t(), 6) == "[[0, 3], [1, 4], [2, 5]]");
  CHECK(value_text(ct::Tensor(), 6).empty());
}

TEST_CASE("drawings: operations by their names") {
  CHECK(op_name("MulBackward0") == "mul");
  CHECK(op_name("LogSoftmaxBackward0") == "log_softmax");
  CHECK(op_name("MaxPool2DWithIndicesBackward0") == "max_pool2d_with_indices");
  CHECK(op_name("TanhBackwardBackward0") == "tanh_backward");
  CHECK(op_name("Log10Backward0") == "log10");
  CHECK(op_name("MyExpBackward") == "MyExp");
  CHECK(op_name("CopySlices") == "CopySlices");
  CHECK(op_name("Backward0") == "Backward0");
}

TEST_CASE("drawings: operands and the part of a formula that is computed") {
  const std::string mul = "dx0 = g * x1; dx1 = g * x0", conv = "dinput = a; dweight = b; dbias = sum(g)", pow = "dx = g * e * x^(e - 1); 0 for e = 0";
  CHECK(operand_name(mul, 1, 2) == "x1");
  CHECK(operand_name(conv, 1, 3) == "weight");
  CHECK(operand_name(pow, 0, 1) == "x");
  CHECK(operand_name("", 2, 3) == "x2");
  CHECK(tracked_part(mul, {true, false}) == "dx0 = g * x1");
  CHECK(tracked_part(conv, {false, true, true}) == "dweight = b; dbias = sum(g)");
  CHECK(tracked_part(pow, {true}) == pow);
  CHECK(operand_number("x12", 'x') == 12);
  CHECK(operand_number("x", 'x') == 0);
  CHECK(operand_number("saved0", 's') == -1);
}

TEST_CASE("drawings: formulas are typeset and broken into lines") {
  CHECK(typeset("dx0 = -g * x1 / x0^2") == "dx₀ = −g · x₁ / x₀²");
  CHECK(typeset("dx = x^-T g y^T - 1") == "dx = x⁻ᵀ g yᵀ − 1");
  CHECK(typeset("g_0 + log2(x) + exp(-x)") == "g₀ + log2(x) + exp(−x)");
  CHECK(typeset("[-1, 2e-07]") == "[−1, 2e-07]");
  CHECK(wrapped("dx0 = g * x1; dx1 = g * x0", 36, 4) == Lines{"dx0 = g * x1", "dx1 = g * x0"});
  CHECK(wrapped("dx = g; 0 for e = 0", 36, 4) == Lines{"dx = g; 0 for e = 0"});
  CHECK(wrapped("dx = a b c d e f", 8, 2) == Lines{"dx = a b", "c d e f"});
  CHECK(wrapped("dx = aaaaaaaaaaaaaaaaaaaaaa", 8, 2).size() == 2);
}

TEST_CASE("drawings: nothing in a name is markup") {
  CHECK(html("a<b>&\"c\"") == "a&lt;b&gt;&amp;&quot;c&quot;");
  CHECK(html("tab\there\xff\xc3") == "tab here��");
  CHECK(html("ααααα", 3) == "ααα…");
  CHECK(quoted("a\"b\\n") == "\"a\\\"b\\\\n\"");
}
