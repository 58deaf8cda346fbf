// cli/new.h -- makes a project of the learner's own, outside of this repository.
#pragma once

#include <string>
#include <vector>

namespace cli {

/// new DIR [NAME]. Nothing that is there is changed. The answer is the exit status.
int new_command(const std::vector<std::string>& words);

/// Why this cannot be the name of a project and its program; empty if it can.
std::string problem_with_name(const std::string& name);

/// The folder's name as the name of a project: "my first-net" -> "my_first-net"; empty if nothing is left.
std::string name_from_folder(const std::string& folder);

}  // namespace cli
