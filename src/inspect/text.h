// inspect/text.h -- values, shapes and formulas as the words of a drawing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cotangent/tensor.h"

namespace ct {
class Node;
}

namespace ct::inspect {

// "[[1, -2.5], [0.3333, 4e-07]]", with four significant digits; empty if there are more than max_elements, or none can be read.
std::string value_text(const Tensor& t, std::int64_t max_elements);
// "[2, 3]"
std::string shape_text(const std::vector<std::int64_t>& shape);
// "float32"
std::string dtype_text(ScalarType t);
// The name of the operation: "MulBackward0" -> "mul", "LogSoftmaxBackward0" -> "log_softmax", "CopySlices" as it is.
std::string op_name(const std::string& node_name);
// What the formula calls operand i of n: "x" of one, "x0", "x1", or its own words: "input", "weight".
std::string operand_name(const std::string& formula, std::uint32_t i, std::uint32_t n);
// The formula without the gradients of operands that need none; tracked[i] says whether operand i does.
std::string tracked_part(const std::string& formula, const std::vector<bool>& tracked);
// With four significant digits or as many as a whole number has: "0.25", "12000", "4e-07".
std::string number_text(double v);
// node.formula(), with the numbers of the call in the place of alpha, of an exponent and the like: "dx1 = -2 * g".
std::string formula_of(const Node& n);
// "2 + 4 = 6"; of large tensors their norms.
std::string sum_text(const Tensor& a, const Tensor& b, const Tensor& sum, std::int64_t max_elements);
// "dx0 = g * x1", the part of the formula that makes the gradient of this operand; empty if there is none.
std::string part_of(const std::string& formula, const std::string& operand);
// The values, or of a large tensor shape and norm: "[64, 10], norm 0.25".
std::string brief_text(const Tensor& t, std::int64_t max_elements);
// The number in "x", "x0", "x12" (or another letter); -1 if the name is none of these.
int operand_number(const std::string& name, char letter);

// For the eye: x0 -> x with a small 0, x^2 -> x with a raised 2, a product with a dot, a true minus sign.
std::string typeset(std::string_view formula);
// Lines of at most `width` characters, broken after semicolons and at spaces; the rest is cut with dots.
std::vector<std::string> wrapped(const std::string& text, std::size_t width, std::size_t max_lines);
// As text of a Graphviz HTML label: markup escaped, control characters and broken UTF-8 replaced, long texts cut.
std::string html(std::string_view text, std::size_t max_characters = 60);
// As a Graphviz string in double quotes.
std::string quoted(std::string_view text);

}  // namespace ct::inspect
