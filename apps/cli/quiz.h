// cli/quiz.h -- asks the questions of a lesson in the terminal.
#pragma once

#include <string>
#include <vector>

#include "catalog.h"
#include "questions.h"

namespace cli {

/// quiz [LESSON] [--answers]. Without a lesson: the next one that has open questions. The answer is the exit status.
int quiz_command(std::vector<std::string> words);

/// What must be built before `quiz` with the same words, as targets_of_run() says it.
std::string targets_of_quiz(std::vector<std::string> words);

/// Runs the lesson's program to learn its questions, in their order and with shuffled options. If there are none because
/// something failed, `problem` says what.
std::vector<Question> questions_of(const Lesson& lesson, std::string& problem);

/// Asks the lesson's questions, from standard input; only those that were not answered right before, if `open`. Each answer is
/// on record at once. The answer is the exit status; what was typed at the end of input or after `q` is kept.
int quiz(const Lesson& lesson, bool open);

}  // namespace cli
