// cli/gaps.cpp -- finds todo(N) in a source, and the paragraphs of a hint that begin with **Gap N.
#include "gaps.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>

namespace cli {
namespace {

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The number at s[at], after blanks; nothing if there is none.
std::optional<int> number_at(const std::string& s, std::size_t at) {
  at = s.find_first_not_of(" \t", at);
  int value = 0;
  bool any = false;
  for (; at < s.size() && std::isdigit(static_cast<unsigned char>(s[at])) && value < 1000; ++at, any = true)
    value = 10 * value + (s[at] - '0');
  return any ? std::optional(value) : std::nullopt;
}

std::optional<int> gap_of_line(const std::string& line) {
  constexpr char start[] = "**Gap ";
  return line.starts_with(start) ? number_at(line, sizeof start - 1) : std::nullopt;
}

}  // namespace

std::map<int, int> gaps_of_source(const std::string& source) {
  std::map<int, int> gaps;
  std::istringstream in(source);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line.resize(std::min(line.find("//"), line.size()));
    for (std::size_t at = line.find("todo"); at != line.npos; at = line.find("todo", at + 4)) {
      const std::size_t open = line.find_first_not_of(" \t", at + 4);
      if ((at > 0 && word_character(line[at - 1])) || open == line.npos || line[open] != '(') continue;
      if (const auto gap = number_at(line, open + 1)) gaps.emplace(*gap, number);
    }
  }
  return gaps;
}

std::string hint_about(const std::string& hint, int gap) {
  std::string out;
  std::istringstream in(hint);
  bool within = false;
  for (std::string line; std::getline(in, line);) {
    if (const auto next = gap_of_line(line)) within = *next == gap;
    if (within) out += line + '\n';
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

std::vector<int> gaps_of_hint(const std::string& hint) {
  std::vector<int> gaps;
  std::istringstream in(hint);
  for (std::string line; std::getline(in, line);) {
    if (const auto gap = gap_of_line(line)) gaps.push_back(*gap);
  }
  return gaps;
}

}  // namespace cli
