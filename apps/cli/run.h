// cli/run.h -- runs a lesson, all of them, or a C++ file of the learner's own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog.h"

namespace cli {

/// run [--plain] LESSON|FILE.cpp [ARGUMENTS], run [--plain] --all [-j N]. The answer is the exit status.
int run_command(std::vector<std::string> words);

/// What must be built before `run` with the same words: names of targets, a space between them. Empty if the words are wrong,
/// which has then been said on stderr.
std::string targets_of_run(std::vector<std::string> words);

/// The lesson that `query` means; if there is none or more than one, says so on stderr with what to type instead:
/// "./cotangent COMMAND 03".
std::optional<Lesson> pick_lesson(std::string_view query, const std::string& command);

/// The lessons in $COTANGENT_COURSE, or else of this source tree.
std::vector<Lesson> all_lessons();

/// The lesson's program, which may not have been built yet.
std::string lesson_program(const Lesson& lesson);

}  // namespace cli
