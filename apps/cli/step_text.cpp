// cli/step_text.cpp -- what a step of the course says of itself, for the guide's screen.
#include "step_text.h"

#include <sstream>
#include <string_view>

#include "files.h"
#include "text.h"

namespace cli {

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
  return joined(text);
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
