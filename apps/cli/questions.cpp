// cli/questions.cpp -- whether what was typed answers a question. Their JSON is read in records.cpp.
#include "questions.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "progress.h"
#include "text.h"

namespace cli {
namespace {

// One whole number or decimal, and the digits behind its point.
bool parse_plain(std::string_view s, double& value, int& digits) {
  s = trim(s);
  const std::string text(s);
  // strtod takes more than people mean: "0x10", "nanny", "1 2".
  const bool word =
      text == "inf" || text == "-inf" || text == "+inf" || text == "nan" || text == "infinity" || text == "-infinity";
  if (text.empty() || text.size() > 60) return false;
  if (!word && text.find_first_not_of("0123456789.eE+-") != text.npos) return false;
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size()) return false;
  const std::size_t point = text.find('.');
  digits = point == text.npos || word || text.find_first_of("eE") != text.npos ? 0 : static_cast<int>(text.size() - point - 1);
  return true;
}

// What was typed, without the marks that people put around it: "x = 3", "(b)", "'a'".
std::string cleaned(std::string_view typed) {
  std::string s = lower(trim(typed));
  for (std::size_t at; (at = s.find("\xE2\x88\x92")) != s.npos;) s.replace(at, 3, "-");  // the minus sign of typesetters
  while (s.size() > 1 && (s.back() == '.' || s.back() == ';')) s.pop_back();
  return std::string(trim(s));
}

bool is_close(const Question& q, double x, int digits) {
  if (std::isnan(q.key) || std::isinf(q.key)) return (std::isnan(q.key) && std::isnan(x)) || x == q.key;
  if (!std::isfinite(x)) return false;
  // A little slack, so that the tolerance itself, typed in decimals, is within it.
  const double slack = q.tolerance * (q.key == 0 ? 1 : std::abs(q.key)) * (1 + 1e-9) + 1e-12 * std::abs(q.key);
  if (std::abs(x - q.key) <= slack) return true;
  // The key, rounded to the digits typed, is right as well if at least three of them count.
  if (digits < 1 || digits > 15) return false;
  const double unit = std::pow(10.0, -digits);
  return std::abs(x) >= 100 * unit && std::abs(x - q.key) <= 0.5 * unit * (1 + 1e-9);
}

std::size_t length(const Question::Option& o) { return trim(o.text).size(); }

bool says_a_letter(const Question::Option& o) {
  return length(o) == 1 && std::isalpha(static_cast<unsigned char>(trim(o.text)[0]));
}
bool numbered(const Question& q) {
  return q.options.size() > 26 || std::any_of(q.options.begin(), q.options.end(), says_a_letter);
}

// The option that a word means: by what it says, or by its name.
std::size_t option_called(const Question& q, const std::string& word) {
  for (std::size_t i = 0; i < q.options.size(); ++i) {
    if (lower(trim(q.options[i].text)) == word) return i;
  }
  for (std::size_t i = 0; i < q.options.size(); ++i) {
    if (option_name(q, i) == word) return i;
  }
  // Numbers may be typed for letters, unless there are options that say numbers.
  const bool numbers = std::any_of(q.options.begin(), q.options.end(), [](const auto& o) {
    double ignored = 0;
    return parse_number(o.text, ignored);
  });
  for (std::size_t i = 0; i < q.options.size() && !numbers; ++i) {
    if (std::to_string(i + 1) == word) return i;
  }
  return q.options.size();
}

// The options named in "a, c", "ac", "1 3", "a and c", "(a) (c)"; false if anything else was typed.
bool parse_set(const Question& q, const std::string& s, std::vector<bool>& chosen) {
  chosen.assign(q.options.size(), false);
  bool any = false;
  const auto choose = [&](const std::string& word) {
    const std::size_t i = option_called(q, word);
    if (i >= chosen.size()) return false;
    return chosen[i] = any = true, true;
  };
  constexpr const char* between = " ,;+&()[]{}";
  for (std::size_t at = 0; (at = s.find_first_not_of(between, at)) != s.npos;) {
    const std::size_t end = std::min(s.find_first_of(between, at), s.size());
    const std::string word = s.substr(at, end - at);
    at = end;
    if (word == "and" || choose(word)) continue;
    for (const char c : word) {  // "ac"
      if (!choose(std::string(1, c)) || std::isdigit(static_cast<unsigned char>(c))) return false;
    }
  }
  return any;
}

// The text of an option, typed out.
bool parse_text(const Question& q, std::string_view typed, std::vector<bool>& chosen) {
  chosen.assign(q.options.size(), false);
  bool any = false;
  for (std::size_t i = 0; i < q.options.size(); ++i) {
    if (lower(trim(q.options[i].text)) == lower(trim(typed))) chosen[i] = any = true;
  }
  return any;
}

std::string names(const Question& q) {
  return std::string(numbered(q) ? "number, " : "letter, ") + option_name(q, 0) + " to " + option_name(q, q.options.size() - 1);
}

bool is_one_of(const std::string& s, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), s) != words.end();
}

}  // namespace

std::string option_name(const Question& question, std::size_t i) {
  return numbered(question) ? std::to_string(i + 1) : std::string(1, static_cast<char>('a' + i));
}

bool parse_number(std::string_view text, double& value, int* digits) {
  const std::string s = cleaned(text);
  int ignored = 0;
  int& places = digits ? *digits : ignored;
  const std::size_t slash = s.find('/');
  if (slash == s.npos) return parse_plain(s, value, places);
  double over = 0, under = 0;
  if (!parse_plain(std::string_view(s).substr(0, slash), over, places) ||
      !parse_plain(std::string_view(s).substr(slash + 1), under, places) || under == 0)
    return false;
  value = over / under;
  places = 0;
  return true;
}

void shuffle(Question& question) {
  if (std::all_of(question.options.begin(), question.options.end(), [](const auto& o) { return length(o) <= 2; })) {
    std::stable_sort(question.options.begin(), question.options.end(),
                     [](const auto& a, const auto& b) { return a.text < b.text; });
    return;
  }
  std::uint64_t state = std::strtoull(fingerprint(question.text).c_str(), nullptr, 16);
  for (std::size_t i = question.options.size(); i > 1; --i) {
    state += 0x9e3779b97f4a7c15;  // splitmix64
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    std::swap(question.options[i - 1], question.options[(z ^ (z >> 31)) % i]);
  }
}

Verdict judge(const Question& q, std::string_view typed, std::string& hint) {
  const std::string s = cleaned(typed);
  const auto verdict = [](bool right) { return right ? Verdict::right : Verdict::wrong; };
  std::vector<bool> chosen;
  switch (q.kind) {
    case Question::Kind::number: {
      double x = 0;
      int digits = 0;
      if (parse_number(s, x, &digits)) return verdict(is_close(q, x, digits));
      hint = s.find(',') != s.npos ? "write the number with a point, for example 0.75"
                                   : "a number, please, for example 0.75, 3/4, 2e-3 or -1";
      return Verdict::unclear;
    }
    case Question::Kind::yes_no:
      if (is_one_of(s, {"y", "yes", "true", "t"})) return verdict(q.key != 0);
      if (is_one_of(s, {"n", "no", "false", "f"})) return verdict(q.key == 0);
      hint = "yes or no, please (y or n)";
      return Verdict::unclear;
    case Question::Kind::choice:
      if (parse_text(q, typed, chosen) || parse_set(q, s, chosen)) {
        if (std::count(chosen.begin(), chosen.end(), true) == 1) {
          for (std::size_t i = 0; i < chosen.size(); ++i) {
            if (chosen[i]) return verdict(q.options[i].right);
          }
        }
        hint = "exactly one of them is right: one " + names(q);
      } else {
        hint = "one " + names(q) + ", please";
      }
      return Verdict::unclear;
    case Question::Kind::several:
      if (is_one_of(s, {"none", "none of them", "nothing", "-"})) chosen.assign(q.options.size(), false);
      else if (is_one_of(s, {"all", "all of them"})) chosen.assign(q.options.size(), true);
      else if (!parse_text(q, typed, chosen) && !parse_set(q, s, chosen)) {
        hint = numbered(q) ? "the numbers of all that are right, for example: 1 3; or: none"
                           : "the letters of all that are right, for example: a c; or: none";
        return Verdict::unclear;
      }
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (chosen[i] != q.options[i].right) return Verdict::wrong;
      }
      return Verdict::right;
  }
  return Verdict::unclear;
}

std::string right_answer(const Question& q) {
  if (q.kind == Question::Kind::yes_no) return q.key != 0 ? "yes" : "no";
  if (q.kind == Question::Kind::number) {
    char text[40];
    const double key = q.key == 0 ? 0.0 : q.key;  // no -0
    std::snprintf(text, sizeof text, std::abs(key) < 1e15 && key == std::floor(key) ? "%.0f" : "%.6g", key);
    return text;
  }
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < q.options.size(); ++i) {
    if (q.options[i].right) parts.push_back(option_name(q, i) + " (" + q.options[i].text + ")");
  }
  if (parts.empty()) return "none of them";
  std::string out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) out += (i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return out;
}

}  // namespace cli
