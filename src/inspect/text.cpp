// inspect/text.cpp -- see the header. Only ASCII goes in and out but for typeset(), html() and quoted(), which write UTF-8.
#include "inspect/text.h"

#include <cmath>
#include <cstdio>
#include <exception>

#include "core/format.h"
#include "core/markup.h"
#include "cotangent/autograd.h"

namespace ct::inspect {

namespace {

void write_nested(std::string& out, const std::vector<std::string>& items, IntArrayRef sizes, std::size_t dim, std::size_t& at) {
  if (dim == sizes.size()) {
    out += items[at++];
    return;
  }
  out += '[';
  for (std::int64_t i = 0; i < sizes[dim]; ++i) {
    if (i) out += ", ";
    write_nested(out, items, sizes, dim + 1, at);
  }
  out += ']';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The bytes of a well-formed UTF-8 character at the front, or 0.
std::size_t character(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char a = byte(0);
  if (a < 0x80) return 1;
  const std::size_t n = a >= 0xC2 && a <= 0xDF ? 2 : (a & 0xF0) == 0xE0 ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
  if (n == 0 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned char b = byte(1);
  if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
  return n;
}

template <class Escape>
std::string escaped(std::string_view text, std::size_t max_characters, Escape escape) {
  std::string out;
  std::size_t written = 0;
  while (!text.empty()) {
    if (written++ == max_characters) return out + "…";
    const std::size_t n = character(text);
    if (n == 0) out += "\uFFFD";
    else if (n > 1) out += text.substr(0, n);
    else if (static_cast<unsigned char>(text[0]) < 32 || text[0] == 127) out += ' ';
    else escape(out, text[0]);
    text.remove_prefix(n ? n : 1);
  }
  return out;
}

// What stands between the semicolons.
std::vector<std::string> parts(const std::string& formula) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < formula.size();) {
    std::size_t end = formula.find("; ", at);
    if (end == std::string::npos) end = formula.size();
    out.push_back(formula.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

// "x0" of "dx0 = g * x1"; empty if the part begins in another way.
std::string target(const std::string& part) {
  const std::size_t equals = part.find(" = ");
  if (part[0] != 'd' || equals == std::string::npos || equals < 2) return {};
  const std::string name = part.substr(1, equals - 1);
  for (char c : name)
    if (!is_letter(c) && !is_digit(c) && c != '_') return {};
  return name;
}

constexpr const char* raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
constexpr const char* lowered[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};

}  // namespace

std::string number_text(double v) {
  if (!std::isfinite(v)) return std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf";
  if (v == 0) return "0";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, std::fabs(v) >= 1e4 && std::fabs(v) < 1e6 ? "%.0f" : "%.4g", v);
  return detail::with_point(buffer);
}

std::string value_text(const Tensor& t, std::int64_t max_elements) {
  try {
    if (!t.defined() || t.numel() > max_elements) return {};
    const NoGradGuard no_grad;
    std::vector<std::string> items;
    const ScalarType type = t.scalar_type();
    const Tensor plain = t.detach().to(isFloatingType(type) ? kDouble : kLong).contiguous();
    for (std::int64_t i = 0; i < plain.numel(); ++i) {
      if (isFloatingType(type)) items.push_back(number_text(plain.const_data_ptr<double>()[i]));
      else if (type == kBool) items.push_back(plain.const_data_ptr<std::int64_t>()[i] ? "True" : "False");
      else items.push_back(std::to_string(plain.const_data_ptr<std::int64_t>()[i]));
    }
    std::string out;
    std::size_t at = 0;
    write_nested(out, items, t.sizes(), 0, at);
    return out;
  } catch (const std::exception&) {  // e.g. one entry of a batch inside of vmap
    return {};
  }
}

std::string shape_text(const std::vector<std::int64_t>& shape) { return to_string(IntArrayRef(shape)); }

std::string dtype_text(ScalarType t) { return python_name(t); }

std::string op_name(const std::string& node_name) {
  std::string name = node_name;
  const std::size_t last = name.find_last_not_of("0123456789");
  const std::size_t at = name.rfind("Backward");
  if (at == std::string::npos || at == 0 || last == std::string::npos || at + 8 != last + 1) return name;
  name.resize(at);
  if (last + 1 == node_name.size()) return name;  // MyFunctionBackward: a user's name stays as it was written
  // MaxPool2DWithIndices: a word begins after a small letter, and before one if another capital is in front.
  const auto capital = [&name](std::size_t i) { return i < name.size() && name[i] >= 'A' && name[i] <= 'Z'; };
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!capital(i)) {
      out += name[i];
      continue;
    }
    const bool after_small = i > 0 && is_letter(name[i - 1]) && !capital(i - 1);
    if (after_small || (i > 0 && capital(i - 1) && i + 1 < name.size() && !capital(i + 1))) out += '_';
    out += static_cast<char>(name[i] - 'A' + 'a');
  }
  return out;
}

std::string operand_name(const std::string& formula, std::uint32_t i, std::uint32_t n) {
  std::vector<std::string> names;
  for (const std::string& part : parts(formula))
    if (const std::string name = target(part); !name.empty()) names.push_back(name);
  if (names.size() == n && operand_number(names[0], 'x') < 0) return names[i];
  return n == 1 ? "x" : "x" + std::to_string(i);
}

std::string tracked_part(const std::string& formula, const std::vector<bool>& tracked) {
  const std::uint32_t n = static_cast<std::uint32_t>(tracked.size());
  std::string out;
  bool wanted = true;
  for (const std::string& part : parts(formula)) {
    if (const std::string name = target(part); !name.empty()) {
      wanted = true;
      for (std::uint32_t i = 0; i < n; ++i)
        if (!tracked[i] && operand_name(formula, i, n) == name) wanted = false;
    }
    if (wanted) out += (out.empty() ? "" : "; ") + part;
  }
  return out;
}

std::string part_of(const std::string& formula, const std::string& operand) {
  for (const std::string& part : parts(formula))
    if (target(part) == operand) return part;
  return {};
}

std::string brief_text(const Tensor& t, std::int64_t max_elements) {
  if (!t.defined()) return "none";
  if (std::string values = value_text(t, max_elements); !values.empty()) return values;
  const NoGradGuard no_grad;
  const std::string shape = shape_text(t.sizes().vec());
  try {
    return shape + ", norm " + number_text(t.detach().to(kDouble).norm().item<double>());
  } catch (const std::exception&) {  // e.g. complex numbers, or one entry of a batch inside of vmap
    return shape;
  }
}

std::string sum_text(const Tensor& a, const Tensor& b, const Tensor& sum, std::int64_t max_elements) {
  if (value_text(a, max_elements).empty() || value_text(b, max_elements).empty())
    return brief_text(a, max_elements) + " and " + brief_text(b, max_elements) + ", sum: " + brief_text(sum, max_elements);
  std::string second = brief_text(b, max_elements);
  if (second[0] == '-') second = "(" + second + ")";
  return brief_text(a, max_elements) + " + " + second + " = " + brief_text(sum, max_elements);
}

int operand_number(const std::string& name, char letter) {
  if (name.empty() || name[0] != letter || name.size() > 4) return -1;
  int n = 0;
  for (std::size_t i = 1; i < name.size(); ++i) {
    if (!is_digit(name[i])) return -1;
    n = 10 * n + (name[i] - '0');
  }
  return n;
}

std::string typeset(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i], before = i ? s[i - 1] : ' ', next = i + 1 < s.size() ? s[i + 1] : ' ';
    if (c == '^' && (is_digit(next) || (next == '-' && i + 2 < s.size() && (is_digit(s[i + 2]) || s[i + 2] == 'T')) || next == 'T')) {
      for (++i; i < s.size() && (is_digit(s[i]) || s[i] == '-' || s[i] == 'T'); ++i)
        out += s[i] == '-' ? "⁻" : s[i] == 'T' ? "ᵀ" : raised[s[i] - '0'];
      --i;
    } else if (is_digit(c) && (is_letter(before) || before == '_') && (i < 2 || before == '_' || !is_letter(s[i - 2]) || s[i - 2] == 'd')) {
      // x0, dx0 and g_0, but not log2
      if (before == '_') out.pop_back();
      for (; i < s.size() && is_digit(s[i]); ++i) out += lowered[s[i] - '0'];
      --i;
    } else if (c == '*' && before == ' ' && next == ' ') {
      out += "·";
    } else if (c == '-' && ((before == ' ' && (next == ' ' || is_digit(next) || is_letter(next) || next == '(')) || before == '[' || before == '(')) {
      out += "−";
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<std::string> wrapped(const std::string& formula, std::size_t width, std::size_t max_lines) {
  std::vector<std::string> out;
  for (std::string part : parts(formula)) {
    if (!out.empty() && target(part).empty()) {  // a remark on the line before
      part = out.back() + "; " + part;
      out.pop_back();
    }
    while (part.size() > width) {
      const std::size_t lines = (part.size() + width - 1) / width, even = (part.size() + lines - 1) / lines + 3;
      std::size_t space = part.rfind(' ', even < width ? even : width);
      if (space == std::string::npos || space == 0) space = width;
      out.push_back(part.substr(0, space));
      part.erase(0, space + (part[space] == ' ' ? 1 : 0));
    }
    if (!part.empty()) out.push_back(part);
  }
  if (out.size() > max_lines) {
    out.resize(max_lines);
    out.back() += " …";
  }
  return out;
}

std::string html(std::string_view text, std::size_t max_characters) {
  return escaped(text, max_characters, detail::append_markup);
}

std::string quoted(std::string_view text) {
  return '"' + escaped(text, 200, [](std::string& out, char c) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }) + '"';
}

}  // namespace ct::inspect
