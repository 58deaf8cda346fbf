// cli/step_text.cpp -- what a step of the course says of itself, for the guide's screen.
#include "step_text.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <string_view>

#include "files.h"
#include "text.h"

namespace cli {
namespace {

// What a name behind a backslash is on a terminal; any other name is shown as it is: "\tanh" is "tanh".
const std::map<std::string, std::string, std::less<>> signs = {
    {"alpha", "α"},  {"beta", "β"},   {"eta", "η"},       {"kappa", "κ"},   {"lambda", "λ"}, {"mu", "μ"},
    {"rho", "ρ"},    {"sigma", "σ"},  {"nabla", "∇"},     {"partial", "∂"}, {"cdot", "·"},   {"circ", "∘"},
    {"odot", "⊙"},   {"times", "×"},  {"pm", "±"},        {"sum", "Σ"},     {"sqrt", "√"},   {"infty", "∞"},
    {"langle", "⟨"}, {"rangle", "⟩"}, {"leftarrow", "←"}, {"to", "→"},      {"le", "≤"},     {"ge", "≥"},
    {"approx", "≈"}, {"ne", "≠"},     {"top", "T"},       {"dots", ".."},   {"left", ""},    {"right", ""},
    {"text", ""},    {"mathrm", ""},  {"mathtt", ""},     {"bar", ""},      {"quad", "  "},  {"qquad", "   "}};

// Reads TeX from `at` on, up to the closing brace if there is one to close, else one sign only if `one`.
std::string in_signs(std::string_view tex, std::size_t& at, bool one) {
  std::string out;
  const auto argument = [&](bool grouped) {  // in brackets if it is long and would otherwise run into its neighbours
    std::string text = in_signs(tex, at, true);
    return grouped && text.find_first_of("+-/ ") != text.npos ? "(" + text + ")" : text;
  };
  while (at < tex.size()) {
    const char c = tex[at++];
    if (c == '}') break;
    if (c == '{') {
      out += in_signs(tex, at, false);
    } else if (c == '^' || c == '_') {
      out += c + argument(true);
    } else if (c == '&') {
      out += ' ';
    } else if (c != '\\' || at == tex.size()) {
      out += c;
    } else if (!std::isalpha(static_cast<unsigned char>(tex[at]))) {
      const char sign = tex[at++];
      out += sign == '\\'                                               ? "; "
             : sign == ',' || sign == ';' || sign == '!' || sign == ' ' ? " "
             : sign == '|'                                              ? "‖"
                                                                        : std::string(1, sign);
    } else {
      const std::size_t begin = at;
      while (at < tex.size() && std::isalpha(static_cast<unsigned char>(tex[at]))) ++at;
      const std::string_view name = tex.substr(begin, at - begin);
      const bool fraction = name == "frac" || name == "tfrac" || name == "dfrac";
      if (fraction || name == "partial" || name == "nabla") at = std::min(tex.find_first_not_of(' ', at), tex.size());
      if (fraction) {
        const std::string above = argument(true);
        out += above + "/" + argument(true);
      } else if (name == "begin" || name == "end") {
        argument(false);
        out += name == "begin" ? "[" : "]";
      } else if (const auto sign = signs.find(name); sign != signs.end()) {
        out += sign->second;
      } else {
        out += std::string(name) + (at < tex.size() && std::isalnum(static_cast<unsigned char>(tex[at])) ? " " : "");
      }
    }
    if (one) break;
  }
  return out;
}

}  // namespace

std::string without_tex(const std::string& prose) {
  std::string out;
  for (std::size_t i = 0; i < prose.size();) {
    if (prose[i] == '`') {
      const std::size_t end = std::min(prose.find('`', i + 1), prose.size() - 1);
      out += prose.substr(i, end + 1 - i);
      i = end + 1;
    } else if (const std::string_view fence = prose.compare(i, 2, "$$") == 0 ? "$$" : "$";
               prose[i] == '$' && prose.find(fence, i + fence.size()) != prose.npos) {
      const std::size_t begin = i + fence.size(), end = prose.find(fence, begin);
      std::size_t at = 0;
      out += in_signs(std::string_view(prose).substr(begin, end - begin), at, false);
      i = end + fence.size();
    } else {
      out += prose[i++];
    }
  }
  return out;
}

std::string joined(const std::string& prose) {
  std::string out;
  std::istringstream in(prose);
  bool open = false, code = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) code = !code;
    const bool block = code || line.starts_with("```") || line.empty() || line[0] == '#' || line.starts_with("- ") ||
                       line.starts_with("* ") || (line.size() > 1 && line[1] == '.');
    if (open && !block) out += ' ';
    else if (!out.empty()) out += '\n';
    out += line;
    open = !code && !line.starts_with("```") && !line.empty() && line[0] != '#';
  }
  return out + '\n';
}

std::string introduction(const std::string& file) {
  std::istringstream in(read_file(file).value_or(""));
  std::string text;
  bool within = false;
  for (std::string line; std::getline(in, line);) {
    const std::string_view words = trim(line);
    if (words.starts_with("// %%")) {
      if (within) break;
      within = words.find("[markdown]") != words.npos;
    } else if (within) {
      if (!words.starts_with("//")) break;
      text += std::string(trim(words.substr(2))) + '\n';
    }
  }
  return joined(without_tex(text));
}

std::string open_gaps(const std::string& file) {
  std::istringstream in(read_file(file).value_or(""));
  std::string text;
  int number = 0;
  bool within = false;  // a comment may need several lines
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::string_view words = trim(line);
    const bool comment = words.starts_with("//"), gap = words.starts_with("// TODO(");
    if (gap) text += (within ? "\n" : "") + std::string("  line ") + std::to_string(number) + ":";
    if (gap || (within && comment)) text += " " + std::string(trim(words.substr(2)));
    else if (within) text += '\n';
    within = gap || (within && comment);
  }
  return text;
}

}  // namespace cli
