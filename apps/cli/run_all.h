// cli/run_all.h -- runs all lessons, and says how each went.
#pragma once

#include <vector>

#include "catalog.h"

namespace cli {

/// `jobs` of them at once (0: as many as are useful). Their figures and what they print go to one folder, $COTANGENT_RESULTS or
/// results/. The answer is 0 if all went well. Plain: no line that is written over another.
int run_all(const std::vector<Lesson>& lessons, bool plain, int jobs);

}  // namespace cli
