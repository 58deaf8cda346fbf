// cli/paint.h -- colours, where the reader has them.
#pragma once

#include <string>

namespace cli {

/// Whether standard output is a terminal that shows colours; NO_COLOR and TERM=dumb say no.
bool colours();

enum class Paint { plain, bold, faint, green, red, yellow };
std::string painted(Paint paint, const std::string& text);

/// The lines of a check program: "ok" in green, "NO" in red; headings are bold.
std::string painted_checks(const std::string& text);

}  // namespace cli
