// cli/step_run.h -- works on the current step of the course: runs a lesson, checks an exercise, and records what came out.
#pragma once

#include <optional>
#include <string>

#include "exercise_check.h"
#include "steps.h"

namespace cli {

/// Checks the learner's file of an exercise, and records the attempt.
struct Checked {
  CheckResult result;
  bool fresh = false;          // the file is as it was given: no attempt
  bool passed_before = false;  // an earlier check passed
};
/// `as_given` says whether nothing was written yet, where that is not a question of the file's text.
Checked check_and_record(const Step& exercise, const std::string& file, const std::string& folder, std::optional<bool> as_given = {});

struct Outcome {
  std::string text;      // for people
  std::string compiler;  // the compiler's full text
  std::string summary;   // "passed", "2 of 9 checks", "ran", "does not compile", ...
  bool ok = false;
};
/// Runs the learner's copy of a lesson, or the course's where there is none; checks the learner's file of an exercise.
Outcome work_on(const Step& step, const std::string& folder);

/// What is achieved once a step is done, and what comes next: "Passed: Exercise 01: ..." and so on, some lines.
std::string achieved(const Step& step);

}  // namespace cli
