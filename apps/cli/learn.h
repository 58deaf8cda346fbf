// cli/learn.h -- the guide: where the learner is, what is next, and checks on every save.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "steps.h"

namespace cli {

/// learn [--plain] [--watch]. On a terminal a screen with keys, elsewhere some lines; --watch: lines on every save.
int learn_command(std::vector<std::string> words);

/// The screen. Returns the exit status.
int learn_on_screen(const std::vector<Step>& steps);

/// What can be done with a step now: "run it", "answer its questions", ... and the command for it.
struct Advice {
  std::string what, command;
};
Advice advice(const Step& step, const Progress& progress);
/// "Lesson 03 is done: it ran, and 3 of 3 questions are right." and so on, in one line.
std::string status_line(const Step& step, const Progress& progress);
std::size_t count_done(const std::vector<Step>& steps, const Progress& progress);

/// The arguments that start a command of ./cotangent from here: through the launcher, which builds what is missing, or by ourselves.
std::vector<std::string> own_command(const std::vector<std::string>& words, bool builds);

}  // namespace cli
