// cli/paint.cpp -- colours, where the reader has them.
#include "paint.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace cli {

bool colours() {
  static const bool shown = [] {
    const char* no = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && terminal && std::string_view(terminal) != "dumb";
  }();
  return shown;
}

std::string painted(Paint paint, const std::string& text) {
  static constexpr const char* codes[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[1;31m", "\033[33m"};
  if (paint == Paint::plain || text.empty() || !colours()) return text;
  return codes[static_cast<int>(paint)] + text + "\033[0m";
}

std::string painted_checks(const std::string& text) {
  std::string out;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, to - from);
    if (line.starts_with("ok ")) out += painted(Paint::green, "ok") + line.substr(2);
    else if (line.starts_with("NO ")) out += painted(Paint::red, "NO") + line.substr(2);
    else if (line.starts_with(".. ") || line.starts_with("-- ")) out += painted(Paint::faint, line);
    else if (line.starts_with("== ") || line.starts_with("# ")) out += painted(Paint::bold, line);
    else out += line;
    if (to < text.size()) out += '\n';
    from = to + 1;
  }
  return out;
}

}  // namespace cli
