// core/format.cpp -- numbers as text. Written over snprintf, because libc++ 13 has no to_chars for double.
#include "core/format.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cotangent/print.h"

namespace ct {
namespace detail {

namespace {

bool special(double v, std::string& out) {
  if (std::isfinite(v)) return false;
  out.append(std::isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
  return true;
}

std::string raw(const char* format, int digits, double v) {
  char buffer[64];
  const int n = std::snprintf(buffer, sizeof buffer, format, digits, v);
  if (n < static_cast<int>(sizeof buffer)) return {buffer, static_cast<std::size_t>(n)};
  std::string out(static_cast<std::size_t>(n), '\0');
  std::snprintf(out.data(), out.size() + 1, format, digits, v);
  return out;
}

// Digits and decimal exponent of the shortest scientific text that `same` accepts, laid out as repr() does.
template <class Same>
std::string shortest(double v, int first, int last, const Same& same) {
  std::string s;
  for (int digits = first; digits <= last; ++digits) {
    s = raw("%.*e", digits - 1, v);
    if (digits == last || same(s.c_str())) break;
  }
  s = with_point(std::move(s));
  const std::size_t e = s.find('e');
  const int exponent = std::atoi(s.c_str() + e + 1);
  std::string digits, out;
  for (char c : s.substr(0, e)) {
    if (c == '-') out += '-';
    else if (c != '.') digits += c;
  }
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  const int n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (n > 1) out.append(".").append(digits, 1);
    return out.append(s, e);
  }
  if (exponent < 0) return out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  if (n <= exponent + 1) return out.append(digits).append(static_cast<std::size_t>(exponent + 1 - n), '0').append(".0");
  return out.append(digits, 0, static_cast<std::size_t>(exponent + 1)).append(".").append(digits, static_cast<std::size_t>(exponent + 1));
}

}  // namespace

std::string with_point(std::string s) {
  auto part_of_number = [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == 'e'; };
  std::size_t from = 0;
  while (from < s.size() && part_of_number(s[from])) ++from;
  std::size_t to = from;
  while (to < s.size() && !part_of_number(s[to])) ++to;
  if (to == from) return s;
  return s.substr(0, from).append(".").append(s, to);
}

std::string format_fixed(double v, int digits) {
  std::string out;
  return special(v, out) ? out : with_point(raw("%.*f", digits, v));
}
std::string format_scientific(double v, int digits) {
  std::string out;
  return special(v, out) ? out : with_point(raw("%.*e", digits, v));
}
std::string format_shortest(double v) {
  std::string out;
  if (special(v, out)) return out;
  // 15 digits that read back are the shortest once their zeros are gone, but for subnormal numbers.
  return shortest(v, std::isnormal(v) ? 15 : 1, 17, [v](const char* s) { return std::strtod(s, nullptr) == v; });
}
std::string format_shortest(float v) {
  std::string out;
  if (special(v, out)) return out;
  return shortest(v, std::isnormal(v) ? 6 : 1, 9, [v](const char* s) { return std::strtof(s, nullptr) == v; });
}

}  // namespace detail

std::string fixed(double v, int digits) { return detail::format_fixed(v, digits < 0 ? 0 : digits); }
std::string scientific(double v, int digits) { return detail::format_scientific(v, digits < 0 ? 0 : digits); }

}  // namespace ct
