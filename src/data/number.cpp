// data/number.cpp -- decimal numbers from text: the grammar is checked here, the rounding is left to strtod.
#include "data/number.h"

#include <cerrno>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace ct::data {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool same_word(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i]) != lower[i]) return false;
  return true;
}

bool is_decimal(std::string_view s) {
  std::size_t i = 0, digits = 0;
  while (i < s.size() && is_digit(s[i])) ++i, ++digits;
  if (i < s.size() && s[i] == '.') {
    ++i;
    while (i < s.size() && is_digit(s[i])) ++i, ++digits;
  }
  if (digits == 0) return false;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    const std::size_t first = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    if (i == first) return false;
  }
  return i == s.size();
}

}  // namespace

NumberResult parse_number(std::string_view text, double& value) {
  std::string_view s = text;
  const bool negative = !s.empty() && s[0] == '-';
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  if (same_word(s, "nan")) {
    value = std::numeric_limits<double>::quiet_NaN();
    return NumberResult::ok;
  }
  if (same_word(s, "inf") || same_word(s, "infinity")) {
    value = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return NumberResult::ok;
  }
  if (!is_decimal(s)) return NumberResult::not_a_number;
  // strtod expects the separator of the current locale; std::from_chars for double is missing in libc++ 13.
  std::string local(s);
  const std::size_t point = local.find('.');
  if (point != std::string::npos) local.replace(point, 1, std::localeconv()->decimal_point);
  const double magnitude = std::strtod(local.c_str(), nullptr);
  if (std::isinf(magnitude)) return NumberResult::too_large;
  value = negative ? -magnitude : magnitude;
  return NumberResult::ok;
}

}  // namespace ct::data
