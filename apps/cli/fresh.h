// cli/fresh.h -- the fresh file of a workshop, derived from its source: the same text and code, with gaps where its solutions stand.
#pragma once

#include <string>

namespace cli {

/// In place of the code cells with the tag "solution" that come before hand_in(2, ..) there is one cell with `// TODO(2): ..` and
/// todo(2); of text cells with that tag only the mark stays. All else is as in the source.
std::string fresh_text(const std::string& source);

}  // namespace cli
