// cli/records.h -- the JSON texts of the guide: the only place that knows their form.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "progress.h"

namespace cli {

/// None if the text is no record. `newer` tells that a later version wrote it, which is then no damage.
std::optional<Progress> progress_from_json(const std::string& text, bool* newer);
/// Fields of `before`, the text on disk, that this version does not know are kept.
std::string to_json(const Progress& progress, const std::string& before);

/// What .cotangent.json in the learner's folder says: for each file that was copied there, the hash of the copy.
using Manifest = std::map<std::string, std::string>;
std::optional<Manifest> manifest_from_json(const std::string& text);
std::string to_json(const Manifest& manifest);

/// A line that a check program writes for us: a check that begins (no verdict yet) or that came to its end.
struct CheckLine {
  int number = 0;
  std::string name, diagnosis;
  std::optional<bool> ok;
  bool untouched = false;  // a bonus part that was not begun
  int line = 0;            // in the learner's file; 0: none
  int gap = 0;             // the gap whose lines it looks at most; 0: none
};
std::optional<CheckLine> check_from_json(const std::string& line);

}  // namespace cli
