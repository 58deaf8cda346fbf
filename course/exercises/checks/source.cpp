// checks/source.cpp -- finds definitions and lines in the learner's file, as well as text alone allows.
#include "exercises/checks/source.h"

#include <cctype>
#include <fstream>
#include <regex>

namespace exercise {
namespace {

// The text with comments and the insides of literals replaced by blanks, line breaks kept.
std::string blanked(const std::string& text) {
  std::string out = text;
  enum { code, line_comment, comment, string, character } state = code;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
    const auto blank = [&](std::size_t at) {
      if (at < out.size() && out[at] != '\n') out[at] = ' ';
    };
    switch (state) {
      case code:
        if (c == '/' && next == '/') state = line_comment, blank(i);
        else if (c == '/' && next == '*') state = comment, blank(i), blank(++i);
        else if (c == '"') state = string;
        else if (c == '\'' && !(i > 0 && std::isalnum(static_cast<unsigned char>(text[i - 1]))))
          state = character;  // 1'000 is a number
        break;
      case line_comment:
        if (c == '\n') state = code;
        else blank(i);
        break;
      case comment:
        if (c == '*' && next == '/') state = code, blank(i), blank(++i);
        else blank(i);
        break;
      case string:
      case character:
        if (c == '\\') blank(i), blank(++i);
        else if (c == (state == string ? '"' : '\'') || c == '\n') state = code;
        else blank(i);
        break;
    }
  }
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find('\n', from)) != std::string::npos; from = at + 1)
    lines.push_back(text.substr(from, at - from));
  if (from < text.size()) lines.push_back(text.substr(from));
  return lines;
}

bool blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// The place behind the bracket that closes the one at `at`; npos if none does.
std::size_t behind(const std::string& s, std::size_t at) {
  const char open = s[at], close = open == '(' ? ')' : '}';
  int depth = 0;
  for (; at < s.size(); ++at) {
    if (s[at] == open) ++depth;
    else if (s[at] == close && --depth == 0) return at + 1;
  }
  return std::string::npos;
}

// The brace that opens the body, if what stands at `at`, behind a parameter list, leads to one; npos for a call or a declaration.
std::size_t body(const std::string& s, std::size_t at) {
  while (at < s.size() && blank(s[at])) ++at;
  bool members = false;  // in the list of a constructor, where braces initialise: name{..}
  for (std::size_t first = at; at < s.size(); ++at) {
    if (s[at] == ';' || s[at] == ')' || (at == first && (s[at] == ',' || s[at] == '.'))) return std::string::npos;
    if (s[at] == '(') {
      at = behind(s, at);
      if (at == std::string::npos) return at;
      --at;
    } else if (s[at] == ':') {
      members = true;
    } else if (s[at] == '{') {
      std::size_t before = at;
      while (before > 0 && blank(s[before - 1])) --before;
      const char c = before > 0 ? s[before - 1] : ' ';
      if (!members || !(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '>')) return at;
      at = behind(s, at);
      if (at == std::string::npos) return at;
      --at;
    }
  }
  return std::string::npos;
}

}  // namespace

Source::Source(const std::string& path) : path_(path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  lines_ = split(text);
  code_ = split(blanked(text));
}

std::string Source::line(int n) const {
  if (n < 1 || n > static_cast<int>(lines_.size())) return {};
  const std::string& s = lines_[static_cast<std::size_t>(n - 1)];
  const std::size_t first = s.find_first_not_of(" \t\r"), last = s.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : s.substr(first, last - first + 1);
}

Source::Range Source::definition(const std::string& name) const {
  std::string code;
  for (const std::string& s : code_) code += s + "\n";
  const auto line_at = [&](std::size_t at) {
    int n = 1;
    for (std::size_t i = 0; i < at; ++i) n += code[i] == '\n';
    return n;
  };
  const std::regex word("\\b" + name + "\\b");
  for (std::sregex_iterator it(code.begin(), code.end(), word), end; it != end; ++it) {
    const auto start = static_cast<std::size_t>(it->position());
    std::size_t at = start + name.size();
    while (at < code.size() && blank(code[at])) ++at;
    const std::string before = code.substr(start > 8 ? start - 8 : 0, start > 8 ? 8 : start);
    const bool type = before.find("class ") != std::string::npos || before.find("struct ") != std::string::npos;
    std::size_t open = std::string::npos;
    if (type) open = body(code, at);
    else if (at < code.size() && code[at] == '(') {
      const std::size_t close = behind(code, at);
      if (close != std::string::npos) open = body(code, close);
    }
    if (open == std::string::npos) continue;
    const std::size_t last = behind(code, open);
    if (last != std::string::npos) return {line_at(start), line_at(last)};
  }
  return {};
}

int Source::match(const Range& range, const std::string& pattern) const {
  const std::regex expression(pattern);
  for (int n = range.first; n >= 1 && n <= range.last && n <= static_cast<int>(code_.size()); ++n)
    if (std::regex_search(code_[static_cast<std::size_t>(n - 1)], expression)) return n;
  return 0;
}

}  // namespace exercise
