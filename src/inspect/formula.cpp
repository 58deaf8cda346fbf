// inspect/formula.cpp -- the derivative of one recorded operation, with the numbers that it was called with.
#include <cstring>

#include "autograd/elementwise.h"
#include "autograd/node.h"
#include "inspect/text.h"

namespace ct::inspect {

namespace {

// The words of formulas that stand for numbers of the call, and where the node keeps them.
struct Letter { const char *node, *word; int at; };
constexpr Letter letters[] = {
    {"AddBackward0", "alpha", 0},       {"SubBackward0", "alpha", 0},     {"RsubBackward0", "alpha", 0}, {"RsubBackward1", "alpha", 1},
    {"PowBackward0", "e", 0},           {"AddmmBackward0", "beta", 0},    {"AddmmBackward0", "alpha", 1}, {"AddmvBackward0", "beta", 0},
    {"AddmvBackward0", "alpha", 1},     {"BaddbmmBackward0", "beta", 0},  {"BaddbmmBackward0", "alpha", 1}, {"AddcmulBackward0", "value", 0},
    {"AddcdivBackward0", "value", 0},   {"LerpBackward0", "weight", 0},   {"LeakyReluBackward0", "slope", 0}, {"LeakyReluBackward1", "slope", 0},
};

void replace(std::string& text, const std::string& before, const std::string& after) {
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + after.size())) text.replace(at, before.size(), after);
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

void replace_word(std::string& text, const std::string& word, const std::string& after) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at > 0 && is_word(text[at - 1])) || (end < text.size() && is_word(text[end]))) continue;
    text.replace(at, word.size(), after);
    at += after.size() - 1;
  }
}

// dx = g * e * x^(e - 1)
std::string power(double e) {
  if (e == 0) return "dx = 0";
  if (e == 1) return "dx = g";
  const std::string factor = "dx = g * " + (e < 0 ? "(" + number_text(e) + ")" : number_text(e)) + " * x";
  return e == 2 ? factor : factor + "^" + (number_text(e - 1).find_first_of(".e") == std::string::npos ? number_text(e - 1) : "(" + number_text(e - 1) + ")");
}

}  // namespace

std::string formula_of(const Node& n) {
  std::string out = n.formula();
  const auto* op = dynamic_cast<const OpNode*>(&n);
  if (!op || op->attrs_size != sizeof(detail::ScalarAttrs)) return out;
  const auto* numbers = static_cast<const detail::ScalarAttrs*>(op->attrs());
  for (const Letter& l : letters) {
    if (std::strcmp(l.node, op->op->node) != 0 || out.empty()) continue;
    const double value = numbers->s[l.at].toDouble();
    if (std::strcmp(l.word, "e") == 0) return power(value);
    replace_word(out, l.word, number_text(value));
  }
  // "= --2 * g", "= -1 * g", "= 1 * g", and "g * 1 / x2"
  replace(out, "--", "");
  replace(out, "= -1 * ", "= -");
  replace(out, "= 1 * ", "= ");
  replace(out, "g * 1 * ", "g * ");
  replace(out, "g * 1 / ", "g / ");
  return out;
}

}  // namespace ct::inspect
