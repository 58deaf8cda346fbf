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

}  // namespace cli
