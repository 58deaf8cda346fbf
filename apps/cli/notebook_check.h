// cli/notebook_check.h -- checks the notebook in which a learner worked on an exercise or a workshop.
#pragma once

#include <optional>
#include <string>

#include "step_run.h"

namespace cli {

/// notebooks/NAME.ipynb in the learner's folder, if it is there.
std::optional<std::string> notebook_of(const Step& step, const std::string& folder);

/// The notebook, if it is where the learner worked last: something in it was answered, and the .cpp file is as it was given or older.
std::optional<std::string> notebook_in_use(const Step& step, const std::string& folder);

/// As check_and_record, with places in cells in place of lines. `problem` is not empty if this is no notebook of ours.
Checked check_notebook(const Step& step, const std::string& notebook, const std::string& folder, std::string& problem);

}  // namespace cli
