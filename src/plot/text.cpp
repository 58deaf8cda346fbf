// plot/text.cpp -- numbers and words as gnuplot reads them.
#include "plot/text.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/format.h"
#include "cotangent/error.h"
#include "cotangent/plot.h"

namespace ct::plot {

namespace {

// Advance widths of ' ' to '~' in DejaVu Sans, in hundredths of the font size.
constexpr unsigned char ascii_width[95] = {
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84};

// The length of the UTF-8 sequence at s, or 0 if it is none (overlong forms and surrogates are none).
int sequence_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char a = byte(0);
  if (a < 0x80) return 1;
  const int n = a >= 0xC2 && a <= 0xDF ? 2 : (a & 0xF0) == 0xE0 ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
  if (n == 0 || s.size() < static_cast<std::size_t>(n)) return 0;
  for (int i = 1; i < n; ++i)
    if ((byte(static_cast<std::size_t>(i)) & 0xC0) != 0x80) return 0;
  const unsigned char b = byte(1);
  if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
  return n;
}

}  // namespace

std::string shortest(double v) {
  if (!std::isfinite(v)) return "NaN";
  char buffer[40];
  for (int digits = 15; digits <= 17; ++digits) {
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, v);
    if (std::strtod(buffer, nullptr) == v) break;
  }
  return ct::detail::with_point(buffer);
}

std::string brief(double v, int digits) {
  if (!std::isfinite(v)) return "NaN";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, v == 0 ? 0.0 : v);  // no -0
  return ct::detail::with_point(buffer);
}

std::string number(double value, int decimals) {
  CT_CHECK_VALUE(decimals >= 0 && decimals <= 17, "plot::number: decimals must be in [0, 17], got ", decimals);
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  char buffer[360];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, std::fabs(value));
  std::string digits = ct::detail::with_point(buffer);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return value < 0 && !zero ? "−" + digits : digits;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += "''";
    else if (c == '\n') out += "'.\"\\n\".'";
    else out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  return out + "'";
}

void check_utf8(std::string_view text, const char* what) {
  for (std::size_t i = 0; i < text.size();) {
    const int n = sequence_length(text.substr(i));
    CT_CHECK_VALUE(n > 0, what, ": the text is not UTF-8: byte ", i + 1, " of ", text.size(), " starts no character");
    i += static_cast<std::size_t>(n);
  }
}

int length_utf8(std::string_view text) {
  int n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

double text_width(std::string_view text) {
  double width = 0;
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x80) width += byte < 32 || byte == 127 ? 0.32 : ascii_width[byte - 32] / 100.0;
    else if (byte >= 0xC0) width += byte < 0xE0 ? 0.64 : 0.84;  // Greek and accented letters; minus signs and arrows
  }
  return width;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) out.emplace_back(text.substr(0, end));
  out.emplace_back(text);
  return out;
}

std::string on_one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c == '\n') c = ' ';
  return out;
}

}  // namespace ct::plot
