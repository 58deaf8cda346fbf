// cli/guide.h -- the commands of the guide that stays with the learner.
#pragma once

#include <optional>
#include <string_view>

namespace cli {

/// Runs `command` if it is one of the guide's; the answer is the exit status. arguments[0] is the first word after the command.
std::optional<int> guide(std::string_view command, int count, char** arguments);

}  // namespace cli
